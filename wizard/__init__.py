# A mixin that models of earlier names inherit from.
from . import tiss_generate  # isort: split

from . import (
    tiss_contract_catalog,
    tiss_contract_clone,
    tiss_contract_create,
    tiss_contract_procedure,
    tiss_contract_procedure_line,
    tiss_contract_transfer,
    tiss_coverage_check,
    tiss_guia_correct,
    tiss_guia_generate,
    tiss_guia_generate_group,
    tiss_guia_generate_line,
    tiss_lote_generate,
    tiss_lote_import,
    tiss_lote_protocol,
    tiss_price_import,
    tiss_price_import_column,
    tiss_price_import_line,
    tiss_product_match,
    tiss_product_match_line,
    tiss_registry_import,
    tiss_registry_import_line,
    tiss_return_import,
    tiss_terminology_import,
    tiss_terminology_import_line,
)
