"""The request of a web service, cut out of the file message that says the same (guide §7.1).

Header and body of both are of the same types, so their bytes stay as they are: only what stands
around them, the login and the hash are others. Reading and writing them anew gives the same bytes
and takes ten times as long.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from .message import SoapElement, element_of
from .plan import complex_of
from .schema import Schema

_LOGIN = "loginSenhaPrestador"
# As `Schema.encode` begins a message.
_BEGINNING = re.compile(
    rb'<\?xml version="1\.0" encoding="(?P<charset>ISO-8859-1|UTF-8)"\?>\n'
    rb'<ans:mensagemTISS xmlns:ans="(?P<namespace>[^"<]*)">'
    rb"<ans:cabecalho>(?P<header>.*?)</ans:cabecalho><ans:(?P<branch>\w+)><ans:(?P<body>\w+)>",
    re.DOTALL,
)
_LEAF = re.compile(rb"<[^/<>][^<>]*(?<!/)>([^<]*)</")
# Comments, CDATA, instructions and references to characters: none of them is ours.
_FOREIGN = (b"<!", b"<?", b"&#")


class Cut(NamedTuple):
    """A SOAP body element: its name, and the document."""

    element: str
    xml: bytes


def cut_service(
    schema: Schema,
    xml: bytes,
    *,
    login: tuple[str, str] | None = None,
    hash_charset: str = "iso-8859-1",
) -> Cut | None:
    """What ``to_service`` and ``Schema.encode`` make of a decoded message, from its bytes.

    None where that is not possible: the message was not written by ``Schema.encode``, its service
    has another type (answers about annexes, documents and eligibility), or a text does not exist
    in a charset. The signature of the message stays behind, those of its guias are kept. Nothing
    is validated.
    """
    found = _BEGINNING.match(xml)
    if not found or found["namespace"] != schema.plan.namespace.encode():
        return None
    end = xml.rfind(b"</ans:%s></ans:%s><ans:epilogo>" % found.group("body", "branch"))
    element = _element_of_same_type(schema, found["branch"].decode(), found["body"].decode())
    if end < found.end() or element is None:
        return None
    body, charset = xml[found.end() : end], found["charset"].decode()
    if any(each in body or each in found["header"] for each in _FOREIGN):
        return None
    try:
        header = _with_login(schema, found["header"], login, charset)
        digest = header and _digest((header, body), charset, hash_charset)
    except UnicodeEncodeError:
        return None
    if header is None:
        return None
    opening = (
        f'<?xml version="1.0" encoding="{charset}"?>\n'
        f'<ans:{element.name} xmlns:ans="{schema.plan.namespace}"><ans:cabecalho>'
    )
    payload = f"</ans:cabecalho><ans:{element.payload}>"
    closing = f"</ans:{element.payload}><ans:hash>{digest}</ans:hash></ans:{element.name}>"
    content = (opening.encode(), header, payload.encode(), body, closing.encode())
    return Cut(element.name, b"".join(content))


def _element_of_same_type(schema: Schema, branch: str, name: str) -> SoapElement | None:
    """The SOAP element that takes header and body as they are; None where there is none."""
    file = complex_of(schema.plan.elements["mensagemTISS"]).fields
    try:
        element = element_of(branch, name)
        service = complex_of(schema.plan.elements[element.name]).fields
        body, payload = complex_of(file[branch]).fields[name], service[element.payload]
    except KeyError:
        return None
    same = body.type is payload.type and file["cabecalho"].type is service["cabecalho"].type
    return element if same and not body.many and "hash" in service else None


def _with_login(
    schema: Schema, header: bytes, login: tuple[str, str] | None, charset: str
) -> bytes | None:
    """A header with this login instead of the one that it may have; None where it has no place."""
    if login is None:
        return header
    fields = complex_of(schema.field("cabecalho")).fields
    # It stands last in every version so far.
    if next(reversed(fields)) != _LOGIN or not all(each.isprintable() for each in login):
        return None
    values = {"loginPrestador": login[0], "senhaPrestador": login[1]}
    part = schema.encode_part(fields[_LOGIN], values)
    part = part.replace(f' xmlns:ans="{schema.plan.namespace}"', "", 1)
    return header.partition(f"<ans:{_LOGIN}>".encode())[0] + part.encode(charset)


def _digest(parts: tuple[bytes, ...], charset: str, hash_charset: str) -> str:
    """The hash over the texts of all leaf elements in order, as `codec.digest` makes it."""
    text = b"".join(b"".join(_LEAF.findall(part)) for part in parts)
    if b"&" in text:
        text = text.replace(b"&lt;", b"<").replace(b"&gt;", b">").replace(b"&amp;", b"&")
    if charset.lower() != hash_charset:
        text = text.decode(charset).encode(hash_charset)
    return hashlib.md5(text, usedforsecurity=False).hexdigest()
