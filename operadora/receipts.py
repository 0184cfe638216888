"""What the operadora only takes note of: admissions and discharges, and documents.

Guide §4.5 (comunicacaoInternacao) and §3.9 (envioDocumentos).
"""

import base64
import hashlib
from dataclasses import dataclass
from datetime import date

from lxml import etree

from .annexes import copy, echo
from .message import ANS, Prestador, element, optional
from .official import Schema
from .reception import Refusal, day, text

ADMISSION, DISCHARGE = "I", "A"
# Tabela 38, best first, as in REASONS.
NOT_OPEN = ("3250", "5054")
ALREADY_OPEN = ("5053",)
BEFORE_ADMISSION = ("1608",)
CONDITION = ("3111",)
REASON_OF = {ADMISSION: "tipoInternacao", DISCHARGE: "motivoEncerramento"}

PDF = (b"%PDF-",)
CADES_OID = bytes.fromhex("06092a864886f70d010702")  # signedData
BYTE_RANGE = b"/ByteRange"  # the mark of a signature inside a PDF
MAGIC = {
    "01": (b"\xff\xd8\xff",),
    "02": PDF,
    "03": (b"\x89PNG\r\n\x1a\n",),
    "04": (b"II*\x00", b"MM\x00*"),
    "09": PDF,
}
CADES = ("05", "06", "07", "08")
LINKS = ("numeroLote", "numeroProtocolo", "numeroGuiaPrestador", "numeroGuiaOperadora")
REQUEST = "1"  # naturezaGuia: of a request, not of billing nor of an appeal


@dataclass(frozen=True)
class Notice:
    """One admission (I) or discharge (A) that was told; `glosa` says why it was not accepted."""

    prestador: Prestador
    carteira: str
    event: str
    on: date
    glosa: str | None


@dataclass(frozen=True)
class Document:
    """One file; `sha256` instead of its bytes, which tell about a patient."""

    prestador: Prestador
    numero: str
    protocolo: str
    natureza: str
    formato: str
    tipo: str
    links: dict[str, str]
    size: int
    sha256: str


class Stays:
    """Who is in hospital, as far as the notices say."""

    def __init__(self):
        self.notices: list[Notice] = []
        self._last: dict[tuple[Prestador, str], Notice] = {}

    def add(self, notice: Notice) -> None:
        self.notices.append(notice)
        if notice.glosa is None:
            self._last[notice.prestador, notice.carteira] = notice

    def last(self, prestador: Prestador, carteira: str) -> Notice | None:
        return self._last.get((prestador, carteira))

    def discharged(self, prestador: Prestador, carteira: str, on: date) -> bool:
        """Had the patient left by that day?"""
        last = self.last(prestador, carteira)
        return last is not None and last.event == DISCHARGE and last.on < on

    def read(self, node: etree._Element, prestador: Prestador, schema: Schema, on: date) -> Notice:
        """The notice, judged by the last one of the same card; Refusal for a date to come."""
        event, when = text(node, "ans:tipoEvento"), day(node, "ans:dataEvento")
        if when > on:
            raise Refusal("date", "dataEvento")
        carteira = text(node, "ans:dadosBeneficiario/ans:numeroCarteira")
        codes = self._problem(node, event, when, self.last(prestador, carteira))
        glosa = schema.first_glosa(*codes) if codes else None
        return Notice(prestador, carteira, event, when, glosa)

    @staticmethod
    def _problem(
        node: etree._Element, event: str, when: date, last: Notice | None
    ) -> tuple[str, ...] | None:
        if node.find(f"ans:dadosInternacao/ans:{REASON_OF[event]}", ANS) is None:
            return CONDITION
        is_open = last is not None and last.event == ADMISSION
        if event == ADMISSION:
            return ALREADY_OPEN if is_open else None
        if not is_open:
            return NOT_OPEN
        return BEFORE_ADMISSION if when < last.on else None


def recibo_comunicacao(node: etree._Element, notice: Notice, nome: str) -> etree._Element:
    """The receipt of a notice, which repeats it without its date."""
    return element(
        "reciboComunicacao",
        element("statusComunicacao", "N" if notice.glosa else "S"),
        element(
            "beneficiarioComunicacaoRet",
            *echo(node, "dadosBeneficiario"),
            element("nomeBeneficiario", nome),
            *echo(node, "tipoEvento", "dadosInternacao"),
        ),
        optional("codigoGlosa", notice.glosa),
    )


def read_document(node: etree._Element, prestador: Prestador, protocolo: str) -> Document:
    """The document; Refusal when it is empty, not what it says, or belongs to nothing."""
    links = {name: text(node, f"ans:{name}") for name in LINKS}
    links = {name: value for name, value in links.items() if value.strip()}
    if not links:
        raise Refusal("condition", "documento sem lote, protocolo nem guia")
    content = base64.b64decode(text(node, "ans:documento"))
    formato = text(node, "ans:formatoDocumento")
    if not content:
        raise Refusal("document", "documento vazio")
    if not is_of_format(content, formato):
        image = formato in ("01", "03", "04")
        raise Refusal("image" if image else "document", f"não é do formato {formato}")
    return Document(
        prestador=prestador,
        numero=text(node, "ans:numeroDocumento"),
        protocolo=protocolo,
        natureza=text(node, "ans:naturezaGuia"),
        formato=formato,
        tipo=text(node, "ans:tipoDocumento"),
        links=links,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def is_of_format(content: bytes, formato: str) -> bool:
    """Do the bytes begin as those of the format do (App. A: 01 JPG … 09 PAdES)?"""
    if formato in CADES:
        return _is_cades(content)
    if not content.startswith(MAGIC[formato]):
        return False
    return formato != "09" or BYTE_RANGE in content


def _is_cades(content: bytes) -> bool:
    """A DER or BER sequence whose first element says signedData."""
    if content[:1] != b"\x30" or len(content) < 2:
        return False
    # A length above 127 tells in how many more bytes it is written.
    extra = content[1] & 0x7F if content[1] & 0x80 else 0
    return content[2 + extra :].startswith(CADES_OID)


def recibo_documento(node: etree._Element, document: Document) -> etree._Element:
    """The receipt of a document, with the same keys."""
    return element(
        "reciboDocumento",
        *echo(node, *LINKS),
        copy(node.find("ans:numeroDocumento", ANS)),
        element("protocoloDoc", document.protocolo),
    )
