"""Which web service, in which TISS version, an address of an operadora is for.

No norm says what addresses look like; these are the words that operadoras put into them. What is
recognised is a proposal, which a person sees before it is used.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import urlsplit

# In this order: the words of some are within those of others.
_WORDS = (
    ("tissSolicitacaoStatusRecursoGlosa", ("statusrecurso", "statusprotocolorecurso")),
    ("tissSolicitacaoStatusProtocolo", ("statusprotocolo",)),
    ("tissSolicitacaoStatusAutorizacao", ("statusautoriza",)),
    ("tissSolicitacaoDemonstrativoRetorno", ("demonstrativo",)),
    ("tissComunicacaoBeneficiario", ("comunicacaobenef", "comunicabenef", "comunicacaointern")),
    ("tissVerificaElegibilidade", ("elegibilidade",)),
    ("tissCancelaGuia", ("cancelaguia", "cancelamentoguia")),
    ("tissEnvioDocumentos", ("enviodocumento", "enviadocumento")),
    ("tissLoteAnexo", ("loteanexo", "envioanexo", "enviaanexo")),
    ("tissRecursoGlosa", ("recursoglosa",)),
    ("tissSolicitacaoProcedimento", ("solicitacaoproc", "solicitaproc", "solicproc")),
    ("tissLoteGuias", ("loteguia",)),
)
_VERSION = re.compile(r"(?<![0-9])([2-9])[._]?([0-9]{2})[._]?([0-9]{2})(?![0-9])")
_PORTS = {"https": 443, "http": 80}
_ADDRESS = re.compile(r"https?://[^\s<>\"',;|]+", re.IGNORECASE)


class Address(NamedTuple):
    """An address; ``service`` and ``version`` are empty where it does not say."""

    url: str
    service: str
    version: str


def find_addresses(text: str) -> list[Address]:
    """Every address in a text, such as the list in an operadora's letter; each one once."""
    return [recognize(url) for url in dict.fromkeys(_ADDRESS.findall(text))]


def canonical(url: str) -> str:
    """The same text for all spellings of an address; another one for every other address."""
    try:
        parts = urlsplit(url.strip())
        port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    except ValueError:
        return url
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}{query}"


def recognize(url: str) -> Address:
    """The service and version that the path of an address names."""
    _, _, path = url.partition("://")[2].partition("/")
    plain = unicodedata.normalize("NFKD", path).encode("ascii", "ignore").decode().lower()
    letters = re.sub(r"[^a-z]", "", plain)
    service = next((name for name, words in _WORDS if any(word in letters for word in words)), "")
    found = _VERSION.search(path)
    return Address(url, service, ".".join(found.groups()) if found else "")
