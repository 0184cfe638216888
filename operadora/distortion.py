"""Answers that were right, made wrong: hash, numbers, version, names."""

from collections.abc import Callable

from lxml import etree

from .message import ANS, ENCODING, hash_node, parse, seal
from .official import NS
from .soap import CLOSING, OPENING, SOAP

_DECLARED = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_LEVELS = "".join(
    f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 12)
).encode()
BOMB = (
    _DECLARED + b'<!DOCTYPE x [<!ENTITY l0 "lol">' + _LEVELS + b"]>\n"
    + OPENING + b"<x>&l11;</x>" + CLOSING
)  # fmt: skip
DTD = (
    _DECLARED + b'<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/hostname">]>\n'
    + OPENING + b"<x>&file;</x>" + CLOSING
)  # fmt: skip
DEPTH = 100_000
DEEP = _DECLARED + OPENING + b"<x>" * DEPTH + b"</x>" * DEPTH + CLOSING


def bad_hash(xml: bytes, _value: str) -> bytes:
    """A digest of nothing that was said."""
    return _change(xml, lambda root: _set_hash(root, "0" * 32), again=False)


def no_hash(xml: bytes, _value: str) -> bytes:
    """Against the schema, as some operadoras do."""

    def change(root: etree._Element) -> None:
        found = hash_node(root)
        found.getparent().remove(found)

    return _change(xml, change, again=False)


def wrong_encoding(xml: bytes, _value: str) -> bytes:
    """An accent in ISO-8859-1, inside the content, under a declaration of UTF-8."""
    wrong = "<!-- situação -->".encode(ENCODING)
    xml = xml.replace(ENCODING.encode(), b"UTF-8", 1)
    return xml.replace(b"<ans:cabecalho>", wrong + b"<ans:cabecalho>", 1)


def with_protocol(xml: bytes, protocol: str) -> bytes:
    """The answer with another number of protocol, and the hash of that."""
    names = ("numeroProtocolo", "nrProtocoloRecebimento", "nrProtocoloRecursoGlosa")
    return _change(xml, lambda root: _set(root, names, lambda _old: protocol))


def other_lote(xml: bytes, value: str) -> bytes:
    """The answer to another lote: `value`, or the number with its first digit changed."""

    def other(old: str) -> str:
        return value or f"{(int(old[0]) + 1) % 10 if old[0].isdigit() else 9}{old[1:]}"

    return _change(xml, lambda root: _set(root, ("numeroLote",), other))


def older(xml: bytes, value: str) -> bytes:
    """The same structure under another version of the standard."""
    return _change(xml, lambda root: _set(root, ("Padrao",), lambda _old: value or "4.01.00"))


def no_schema(xml: bytes, _value: str) -> bytes:
    """An element that the standard does not know, at the end of the content."""

    def change(root: etree._Element) -> None:
        extra = etree.SubElement(root[1], f"{{{NS}}}mensagemDaOperadora")
        extra.text = "LIGUE PARA A CENTRAL"

    return _change(xml, change)


def prefixes(xml: bytes, _value: str) -> bytes:
    """`S:` for the envelope and a default namespace for the content, as many servers write."""
    root = parse(xml)
    content = root[0][0]
    etree.cleanup_namespaces(content, top_nsmap={None: NS})
    bare = _with_default(content)
    text = etree.tostring(bare, encoding=ENCODING).split(b"?>", 1)[1].strip()
    return (
        (
            f'<?xml version="1.0" encoding="{ENCODING}"?><S:Envelope xmlns:S="{SOAP}">'
            "<S:Header/><S:Body>"
        ).encode()
        + text
        + b"</S:Body></S:Envelope>"
    )


def no_soap(xml: bytes, _value: str) -> bytes:
    return etree.tostring(parse(xml)[0][0], encoding=ENCODING, xml_declaration=True)


def _with_default(node: etree._Element) -> etree._Element:
    again = etree.Element(node.tag, node.attrib, nsmap={None: NS})
    again.text = node.text
    for child in node:
        copied = _with_default(child)
        copied.tail = child.tail
        again.append(copied)
    return again


def _set_hash(root: etree._Element, value: str) -> None:
    hash_node(root).text = value


def _set(root: etree._Element, names: tuple[str, ...], change: Callable[[str], str]) -> None:
    for name in names:
        for node in root.iterfind(f".//ans:{name}", ANS):
            node.text = change(node.text)


def _change(xml: bytes, change: Callable[[etree._Element], None], again: bool = True) -> bytes:
    """The envelope with its content changed, and by default with the hash of what it now says."""
    root = parse(xml)
    content = root[0][0]
    change(content)
    if again and hash_node(content) is not None:
        seal(content)
    return etree.tostring(root, encoding=ENCODING, xml_declaration=True)
