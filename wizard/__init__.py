from . import (
    tiss_contract_create,
    tiss_guia_generate,
    tiss_guia_generate_line,
    tiss_lote_generate,
    tiss_lote_protocol,
    tiss_return_import,
)
