"""The same messages by web service: what a client of its own would write, without our code."""

import http.client
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from ..services import BY_BODY
from .test_operadora import ANS, leaf_digest

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE = (
    '<?xml version="1.0" encoding="ISO-8859-1"?><soapenv:Envelope xmlns:soapenv="{soap}">'
    "<soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>"
)
LOGIN = (
    "<ans:loginSenhaPrestador><ans:loginPrestador>{login}</ans:loginPrestador>"
    "<ans:senhaPrestador>{senha}</ans:senhaPrestador></ans:loginSenhaPrestador>"
)


@dataclass
class Answer:
    """What came back over HTTP."""

    status: int
    headers: dict
    body: bytes

    @property
    def content(self):
        """The element in the Body."""
        return etree.fromstring(self.body).find(f"{{{SOAP}}}Body")[0]

    def text(self, path):
        return self.content.findtext(path, None, ANS)

    @property
    def fault(self):
        return self.text(".//ans:tissFault")


def payload(xml, login=None, digest=None, extra=""):
    """The service, and the element as text, that carry what a file message says."""
    text = xml.decode("latin-1")
    head = re.search("<ans:cabecalho>.*</ans:cabecalho>", text)[0]
    if login:
        head = head.replace(
            "</ans:cabecalho>", LOGIN.format(login=login[0], senha=login[1]) + "</ans:cabecalho>"
        )
    inner = re.search("<ans:prestadorParaOperadora>(.*)</ans:prestadorParaOperadora>", text)[1]
    name, content = re.fullmatch(r"<ans:([\w-]+)>(.*)</ans:\1>", inner).groups()
    service = BY_BODY[name]
    inner = f"<ans:{service.payload}>{content}</ans:{service.payload}>"
    digest = leaf_digest(head + inner, "latin-1") if digest is None else digest
    return service, (
        f'<ans:{service.request} xmlns:ans="{ANS["ans"]}">{head}{inner}'
        f"<ans:hash>{digest}</ans:hash>{extra}</ans:{service.request}>"
    )


def enveloped(content):
    return ENVELOPE.format(soap=SOAP, content=content).encode("latin-1", "xmlcharrefreplace")


def post(url, body, **headers):
    """One POST on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST", parts.path, body, {"SOAPAction": '""', **named})
        reply = connection.getresponse()
        return Answer(reply.status, dict(reply.headers), reply.read())
    finally:
        connection.close()


def fetch(url):
    """One GET."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        reply = connection.getresponse()
        return Answer(reply.status, dict(reply.headers), reply.read())
    finally:
        connection.close()


def send(address, xml, headers=None, misbehave="", **options):
    """A file message by web service."""
    service, content = payload(xml, **options)
    return post(address.url(service.name, misbehave), enveloped(content), **(headers or {}))
