"""SOAP 1.1, document/literal bare: the Body holds the element without a wrapper (guide §7.2)."""

import copy

from lxml import etree

from .gate import Fault
from .message import ANS, ENCODING, Unreadable, parse

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NEWER = "http://www.w3.org/2003/05/soap-envelope"
CONTENT_TYPE = f"text/xml; charset={ENCODING}"
DECLARATION = f'<?xml version="1.0" encoding="{ENCODING}"?>\n'.encode()
OPENING = f'<soapenv:Envelope xmlns:soapenv="{SOAP}"><soapenv:Body>'.encode()
CLOSING = b"</soapenv:Body></soapenv:Envelope>\n"
FAULT = (
    "<soapenv:Fault><faultcode>soapenv:{side}</faultcode><faultstring>{text}</faultstring>{detail}"
    "</soapenv:Fault>"
)
DETAIL = (
    f'<detail><ans:tissFaultWS xmlns:ans="{ANS["ans"]}"><ans:tissFault>{{code}}</ans:tissFault>'
    "</ans:tissFaultWS></detail>"
)


def open_envelope(xml: bytes) -> etree._Element:
    """The one element of the Body as the root of a document of its own; Fault otherwise."""
    try:
        root = parse(xml)
    except Unreadable as error:
        raise Fault("SchemaInvalido", str(error)) from error
    if root.tag == f"{{{NEWER}}}Envelope":
        raise Fault("SchemaInvalido", "SOAP 1.2 não é aceito: use SOAP 1.1")
    body = root.find(f"{{{SOAP}}}Body") if root.tag == f"{{{SOAP}}}Envelope" else None
    if body is None or len(body) != 1:
        raise Fault("SchemaInvalido", "esperado soap:Envelope com um só elemento em soap:Body")
    for header in root.iterfind(f"{{{SOAP}}}Header/*"):
        if header.get(f"{{{SOAP}}}mustUnderstand") in ("1", "true"):
            raise Fault("SchemaInvalido", "cabeçalho SOAP que esta operadora não entende")
    return copy.deepcopy(body[0])


def wrap(xml: bytes) -> bytes:
    """The envelope around an answer, which keeps its bytes but for the declaration."""
    return DECLARATION + OPENING + xml[xml.index(b"?>") + 2 :].strip() + CLOSING


def fault(code: str | None, text: str, side: str = "Client") -> bytes:
    """A soap:Fault; without `code` it says nothing of TISS, as those of gateways."""
    detail = DETAIL.format(code=code) if code else ""
    content = FAULT.format(side=side, text=_escape(text), detail=detail)
    return DECLARATION + OPENING + content.encode(ENCODING, "xmlcharrefreplace") + CLOSING


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
