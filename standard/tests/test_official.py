"""What leaves, held against the WSDLs of ANS, and read by zeep, a client that others wrote.

The files of ANS may not be distributed: without them (`common.NO_ZIPS`) the run says that these
tests were left out.
"""

from __future__ import annotations

import hashlib
import tempfile
import unittest
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zeep
from lxml import etree
from zeep.exceptions import Error as ZeepError

from .. import Schema, load, soap
from ..message import SERVICE_OF, SOAP, TO_OPERADORA, TRANSACTIONS, to_service
from ..wire import cut_service
from . import common, wire

WSDL = {"w": "http://schemas.xmlsoap.org/wsdl/", "s": "http://schemas.xmlsoap.org/wsdl/soap/"}
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
# The XSD of XML signatures, which all versions import, begins with a DTD.
SETTINGS = zeep.Settings(forbid_entities=False, forbid_dtd=False)
ZIPS = [path for path in (common.ZIP_401, common.ZIP_403) if path.exists()]
LOGIN = ("CLINICA & CIA <7>", "0123456789abcdef" * 2)
SEEDS = 2
REQUESTS = {
    SERVICE_OF[name]: name
    for name, each in TRANSACTIONS.items()
    if each.direction == TO_OPERADORA and name in SERVICE_OF
}


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Schema, Path]]:
    """The schema of a zip of ANS, and a folder with its WSDLs beside their XSDs."""
    common.schemas()
    with tempfile.TemporaryDirectory(prefix="tiss-wsdl-") as name, zipfile.ZipFile(path) as packed:
        for each in packed.namelist():
            if each.endswith((".wsdl", ".xsd")):
                Path(name, Path(each).name).write_bytes(packed.read(each))
        [root] = Path(name).glob("tissV*.xsd")
        yield load(".".join(root.stem.removeprefix("tissV").split("_"))), Path(name)


def on_the_wire(schema: Schema, transaction: str, seed: int) -> tuple[str, bytes]:
    """(element, document) of a message that has all sorts of content, as a web service takes it."""
    xml = schema.encode(common.file_message(schema, transaction, seed))
    cut = cut_service(schema, xml, login=LOGIN)
    if cut:
        return cut
    element, values = to_service(schema.decode(xml), login=LOGIN)
    return element, schema.encode(values, element=element)


def said(node: etree._Element) -> list[tuple[str, str]]:
    """The elements and texts of a message, without what only lays it out."""
    return [(each.tag, each.text or "") for each in node.iter() if isinstance(each.tag, str)]


@unittest.skipUnless(ZIPS, common.NO_ZIPS)
class TestWsdl(unittest.TestCase):
    def test_each_service_takes_and_gives_what_we_say(self) -> None:
        self.assertEqual(REQUESTS.keys(), SOAP.keys())
        self.assertEqual(len(SOAP), 12)
        for path in ZIPS:
            with unpacked(path) as (_schema, folder):
                for service, pair in SOAP.items():
                    with self.subTest(path.name, service=service):
                        [wsdl] = folder.glob(f"{service}V*.wsdl")
                        self.check(etree.parse(str(wsdl)).getroot(), pair)

    def check(self, root: etree._Element, pair: Any) -> None:
        """Names, namespace, style and action: all that a client takes from a WSDL."""

        def element(side: str) -> str:
            name = root.find(f"w:portType/w:operation/w:{side}", WSDL).get("message")
            [part] = root.xpath(f"w:message[@name='{name.split(':')[1]}']/w:part", namespaces=WSDL)
            prefix, _, local = part.get("element").partition(":")
            self.assertEqual(part.nsmap[prefix], common.NAMESPACE)
            return local

        self.assertEqual(element("input"), pair.request.name)
        self.assertEqual(element("output"), pair.response.name)
        binding = root.find("w:binding/s:binding", WSDL)
        self.assertEqual(binding.get("style"), "document")
        self.assertEqual(binding.get("transport"), "http://schemas.xmlsoap.org/soap/http")
        uses = [each.get("use") for each in root.iter(f"{{{WSDL['s']}}}body")]
        self.assertEqual(uses, ["literal", "literal"])
        action = root.find("w:binding/w:operation/s:operation", WSDL).get("soapAction")
        headers = soap._headers(b"<a/>", "", gzip=False)
        self.assertEqual(headers["SOAPAction"], f'"{action}"')


@unittest.skipUnless(ZIPS, common.NO_ZIPS)
class TestZeep(unittest.TestCase):
    """It reads what we send by the types of ANS, writes it anew, and finds the same in it."""

    def test_the_requests_of_every_service(self) -> None:
        for path in ZIPS:
            with unpacked(path) as (schema, folder):
                [wsdl] = folder.glob("tissLoteGuiasV*.wsdl")
                # All WSDLs of a version import the same types.
                client = zeep.Client(str(wsdl), settings=SETTINGS)
                for transaction in REQUESTS.values():
                    for seed in range(SEEDS):
                        with self.subTest(schema.version, transaction=transaction, seed=seed):
                            self.check(client, *on_the_wire(schema, transaction, seed))

    def check(self, client: zeep.Client, element: str, xml: bytes) -> None:
        ours = etree.fromstring(soap.envelope(xml))
        self.assertEqual(ours.tag, f"{{{SOAP11}}}Envelope")
        [body] = ours.find(f"{{{SOAP11}}}Body")
        self.assertEqual(body.tag, f"{{{common.NAMESPACE}}}{element}")
        found = client.get_element(body.tag)
        values = found.parse(body, client.wsdl.types)
        theirs = etree.Element("theirs")
        found.render(theirs, values)
        self.assertEqual(said(theirs[0]), said(body))
        leaves = [each.text or "" for each in theirs[0].iter() if not len(each)]
        *texts, given = leaves
        # The hash is the last leaf; its rule is that of the Componente Organizacional.
        content = "".join(texts).encode("iso-8859-1")
        self.assertEqual(given, hashlib.md5(content, usedforsecurity=False).hexdigest())

    def test_what_zeep_itself_sends_is_what_we_send(self) -> None:
        """The envelope and the headers of a whole call, each made by the other's code."""
        with unpacked(ZIPS[-1]) as (schema, folder):
            _element, xml = on_the_wire(schema, "ENVIO_LOTE_GUIAS", 1)
            [wsdl] = folder.glob("tissLoteGuiasV*.wsdl")
            client = zeep.Client(str(wsdl), settings=SETTINGS)
            body = etree.fromstring(xml)
            values = client.get_element(body.tag).parse(body, client.wsdl.types)
            answer = soap.envelope(b"<a/>")
            with wire.serving(answer, status=500) as server:
                [binding] = client.wsdl.bindings
                proxy = client.create_service(binding, server.url)
                fields = {name: values[name] for name in ("cabecalho", "loteGuias", "hash")}
                with self.assertRaises(ZeepError):
                    proxy.tissLoteGuias_Operation(**fields)
                soap.post(server.url, xml, timeout=(5, 5))
                theirs, ours = server.requests
        self.assertEqual(ours.headers["SOAPAction"], theirs.headers["SOAPAction"])
        kinds = [each.headers["Content-Type"].partition(";")[0] for each in (ours, theirs)]
        self.assertEqual(kinds, ["text/xml", "text/xml"])
        bodies = [etree.fromstring(each.body).find(f"{{{SOAP11}}}Body") for each in (ours, theirs)]
        self.assertEqual(*(said(each[0]) for each in bodies))
