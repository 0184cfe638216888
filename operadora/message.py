"""Bytes to tree and back: the hardened reading, the digest, the envelope (guide §2)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree

from .official import NS, Schema, parser

ANS = {"ans": NS}
ENCODING = "ISO-8859-1"
MAX_BYTES = 10_000_000
LEAF_TEXTS = etree.XPath("descendant-or-self::text()[not(../*)]", smart_strings=False)
SIGNATURES = ("Signature", "Signatures")


class Unreadable(ValueError):
    """The bytes are not XML that an operadora should open."""


class InvalidAnswer(RuntimeError):
    """The simulator was about to send a message that its own schema refuses."""


@dataclass(frozen=True)
class Prestador:
    """The identification in the header: `tag` is CNPJ, CPF or codigoPrestadorNaOperadora."""

    tag: str
    value: str

    @property
    def contratado(self) -> etree._Element:
        """The same identification as a ct_contratadoDados names it."""
        tags = {"CNPJ": "cnpjContratado", "CPF": "cpfContratado"}
        return element(tags.get(self.tag, self.tag), self.value)


# An answer must be addressed to somebody even when the sender could not be read.
UNKNOWN = Prestador("codigoPrestadorNaOperadora", "DESCONHECIDO")


def element(tag: str, *content: "etree._Element | str | None") -> etree._Element:
    """One ANS element with the text and children given; None is left out."""
    node = etree.Element(f"{{{NS}}}{tag}", nsmap=ANS)
    for part in content:
        if isinstance(part, str):
            node.text = part
        elif part is not None:
            node.append(part)
    return node


def optional(tag: str, value: str | None) -> etree._Element | None:
    """The leaf, or None when there is no value (an empty leaf is invalid)."""
    return element(tag, value) if value else None


def money(cents: int) -> str:
    """Integer cents as dec(10,2)."""
    return str(Decimal(cents).scaleb(-2))


def parse(xml: bytes) -> etree._Element:
    """The root element; Unreadable for anything but plain XML of a reasonable size."""
    if len(xml) > MAX_BYTES:
        raise Unreadable(f"arquivo com mais de {MAX_BYTES} bytes")
    try:
        root = etree.fromstring(xml, parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("XML malformado") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("DTD não é aceita")
    return root


def hash_node(root: etree._Element) -> etree._Element | None:
    """In the epilogue of a file; a direct child in a web service (guide §7.1)."""
    found = root.find("ans:epilogo/ans:hash", ANS)
    return root.find("ans:hash", ANS) if found is None else found


def leaf_texts(root: etree._Element) -> Iterator[str]:
    """The texts that count for the digest, in document order (guide §2.3)."""
    digest = hash_node(root)
    for part in root:
        if etree.QName(part).localname in SIGNATURES or part is digest:
            continue
        if digest is None or digest.getparent() is not part:
            yield "".join(LEAF_TEXTS(part))
            continue
        for node in part.iter():
            if len(node) == 0 and node is not digest:
                yield node.text or ""


def digest(root: etree._Element, charset: str = ENCODING) -> str:
    """MD5 of the leaf texts; UnicodeEncodeError when `charset` cannot write them."""
    text = "".join(leaf_texts(root))
    return hashlib.md5(text.encode(charset), usedforsecurity=False).hexdigest()


def hash_agrees(root: etree._Element) -> bool:
    """Is the declared hash right in one of the two charsets seen in the field?"""
    found = hash_node(root)
    declared = "" if found is None else (found.text or "").strip().lower()
    return any(declared == digest(root, charset) for charset in (ENCODING, "UTF-8"))


def sender(root: etree._Element) -> Prestador:
    """Who sent the message, or UNKNOWN where it does not say so in writable words."""
    found = root.find("ans:cabecalho/ans:origem/ans:identificacaoPrestador/*", ANS)
    if found is None or not found.text:
        return UNKNOWN
    try:
        found.text.encode(ENCODING)
    except UnicodeEncodeError:
        return UNKNOWN
    return Prestador(etree.QName(found).localname, found.text)


def header(
    transaction: str, *, sequence: int, on: date, ans_code: str, prestador: Prestador, version: str
) -> etree._Element:
    """The cabecalho of an operadora → prestador message."""
    # A made-up clock: answers must not depend on the time at which they are asked for.
    minutes, seconds = divmod(8 * 3600 + sequence * 7 % 36_000, 60)
    clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    return element(
        "cabecalho",
        element(
            "identificacaoTransacao",
            element("tipoTransacao", transaction),
            element("sequencialTransacao", str(sequence)),
            element("dataRegistroTransacao", on.isoformat()),
            element("horaRegistroTransacao", clock),
        ),
        element("origem", element("registroANS", ans_code)),
        element(
            "destino",
            element("identificacaoPrestador", element(prestador.tag, prestador.value)),
        ),
        element("Padrao", version),
    )


def file_message(head: etree._Element, body: etree._Element) -> etree._Element:
    """The mensagemTISS of an answer, with its hash."""
    return seal(
        element(
            "mensagemTISS",
            head,
            element("operadoraParaPrestador", body),
            element("epilogo", element("hash")),
        )
    )


def service_message(tag: str, head: etree._Element, body: etree._Element) -> etree._Element:
    """The same answer as a web service gives it, in an element called `tag`."""
    return seal(element(tag, head, body, element("hash")))


def seal(root: etree._Element) -> etree._Element:
    hash_node(root).text = digest(root)
    return root


def write(root: etree._Element, schema: Schema) -> bytes:
    """The message as bytes, read back and judged as if somebody else had sent it."""
    xml = etree.tostring(root, xml_declaration=True, encoding=ENCODING, pretty_print=True)
    check_answer(xml, schema)
    return xml


def check_answer(xml: bytes, schema: Schema) -> None:
    """InvalidAnswer when the bytes are not a sound message of that version."""
    again = parse(xml)
    problem = schema.problem(again)
    if problem:
        raise InvalidAnswer(f"The answer breaks the schema of {schema.version}: {problem}")
    if not hash_agrees(again):
        raise InvalidAnswer("The answer carries a wrong hash")
