"""What every message must be before its content is read, and the reasons to refuse one."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from lxml import etree

from .message import ANS, ENCODING, SIGNATURES, hash_agrees, leaf_texts
from .official import NS, Schema

# Tabela 38, best first: a code counts only if it is in force and the version knows it.
REASONS = {
    "unreadable": ("5002",),
    "schema": ("5001",),
    "version": ("5028",),
    "transaction": ("3148",),
    "hash": ("5014",),
    "operadora": ("5027",),
    "sender": ("5005",),
    "login": ("5005",),
    "signature": ("5022", "3168"),
    "no signature": ("3168",),
    "certificate": ("5018", "3168"),
    "certificate expired": ("5019", "3168"),
    "registered in the future": ("5025",),
    "too many guias": ("5015",),
    "lote repeated": ("3268", "5053"),
    "guia repeated": ("1308",),
    "number repeated": ("5053",),
    "no item": ("3111",),
    "sequencialItem": ("3167",),
    "quantity": ("1806",),
    "amount": ("5050",),
    "item total": ("1805",),
    "guia total": ("5042",),
    "attended in the future": ("3223", "1323"),
    "date": ("1323",),
    "before the period": ("1605",),
    "after the period": ("1607",),
    "condition": ("3111",),
    "another card": ("1001",),
    "guia number": ("3306", "1307"),
    "request not found": ("5054",),
    "protocol not found": ("3291", "5054"),
    "another lote": ("3259", "5054"),
    "another guia": ("3242", "5054"),
    "appeal": ("2908",),
    "appealed before": ("2904",),
    "no justification": ("2903",),
    "too late": ("2909",),
    "document": ("3230", "5007"),
    "image": ("3165",),
}

# What a message of a web service has beside its content.
FRAME = ("cabecalho", "hash", *SIGNATURES)
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


class Refusal(Exception):
    """The operadora does not take the message: a key of REASONS and a detail in Portuguese."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def body_of(root: etree._Element) -> etree._Element | None:
    """What the prestador sends: what a file holds under prestadorParaOperadora, a service bare."""
    if etree.QName(root).localname != "mensagemTISS":
        return next((each for each in root if etree.QName(each).localname not in FRAME), None)
    return root.find("ans:prestadorParaOperadora/*", ANS)


def check_envelope(
    root: etree._Element, schema: Schema, ans_code: str, on: date, transaction: str, max_guias: int
) -> None:
    """Version, schema, transaction, charset, hash, addressee and date; Refusal otherwise."""
    header = root.find("ans:cabecalho", ANS)
    padrao = text(header, "ans:Padrao") if header is not None else None
    if padrao and padrao != schema.version:
        raise Refusal("version", f"esta operadora recebe {schema.version}")
    # Before the schema, which has the same limit but says it less clearly.
    body = body_of(root)
    paths = ("guiasTISS", "AnexosGuiasTISS") if body is not None else ()
    guias = sum(len(body.findall(f"ans:{path}/*", ANS)) for path in paths)
    if guias > max_guias:
        raise Refusal("too many guias", f"{guias} guias, limite {max_guias}")
    problem = schema.problem(root) or _derived_type(root)
    if problem:
        raise Refusal("schema", problem)
    if text(header, "ans:identificacaoTransacao/ans:tipoTransacao") != transaction:
        raise Refusal("transaction", f"esperado {transaction}")
    _check_text(root)
    if not hash_agrees(root):
        raise Refusal("hash", "resumo recalculado não confere")
    if text(header, "ans:destino/ans:registroANS") != ans_code:
        raise Refusal("operadora", "destino do cabeçalho")
    if day(header, "ans:identificacaoTransacao/ans:dataRegistroTransacao") > on:
        raise Refusal("registered in the future", "dataRegistroTransacao")


def _derived_type(root: etree._Element) -> str | None:
    """A sender may not replace a type by one derived from it: no answer could repeat it."""
    found = next((node for node in root.iter() if node.get(XSI_TYPE) is not None), None)
    return None if found is None else f"{etree.QName(found).localname}: xsi:type"


def _check_text(root: etree._Element) -> None:
    """The standard's charset: beyond it there is no digest that both sides can compute."""
    try:
        "".join(leaf_texts(root)).encode(ENCODING)
    except UnicodeEncodeError as error:
        raise Refusal("schema", f"caractere fora de {ENCODING}") from error


def first_repeated(values: Iterable) -> object:
    return next((value for value, times in Counter(values).items() if times > 1), None)


def half_up(amount: Decimal) -> int:
    """The nearest integer, halves away from zero."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@cache
def _steps(path: str) -> tuple[str, ...]:
    """The tags of a plain path: from child to child lxml finds ten times faster than by a path."""
    names = [step.removeprefix("ans:") for step in path.split("/")]
    plain = all(name.isidentifier() for name in names)
    return tuple(f"{{{NS}}}{name}" for name in names) if plain else ()


def text(node: etree._Element, path: str) -> str:
    """The text of the first element there, or nothing."""
    steps = _steps(path)
    if not steps:
        return node.findtext(path, "", ANS)
    for tag in steps:
        node = next(node.iterchildren(tag), None)
        if node is None:
            return ""
    return node.text or ""


def inner_text(node: etree._Element, name: str) -> str | None:
    """The text of the first element called `name`, however deep; None when there is none."""
    found = next(node.iter(f"{{{NS}}}{name}"), None)
    return None if found is None else found.text or ""


def cents(node: etree._Element, path: str) -> int:
    return int(Decimal(text(node, path) or 0).scaleb(2))


def day(node: etree._Element, path: str) -> date:
    """xs:date allows a zone after the day, and years that no calendar here knows."""
    value = (node.text or "") if path == "." else text(node, path)
    try:
        return date.fromisoformat(value.strip()[:10])
    except ValueError as error:
        name = etree.QName(node).localname if path == "." else path.rpartition(":")[2]
        raise Refusal("date", name) from error


def check_past(node: etree._Element, names: Iterable[str], on: date) -> None:
    """None of the dates called `names` below `node` is after `on`."""
    for name in names:
        for found in node.iter(f"{{{NS}}}{name}"):
            if day(found, ".") > on:
                raise Refusal("date", name)
