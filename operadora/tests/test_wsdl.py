"""WSDLs, and zeep as a client that was not written here.

The test with the files of ANS runs where a folder has their zips (they may not be distributed):
that of TISS_ANS_ZIPS, or shared/tiss/ans beside the checkout. Without them the run says so.
"""

import os
import re
import unittest
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import zeep
from lxml import etree
from zeep.exceptions import Fault

from ..services import SERVICES
from . import messages as m
from .test_operadora import ANS, TODAY, OperadoraCase
from .test_server import ServerCase
from .test_services import questions
from .wire import fetch, payload

ZIPS = Path(
    os.environ.get("TISS_ANS_ZIPS")
    or Path(__file__).resolve().parents[2].parent / "shared" / "tiss" / "ans"
)
ZIP = ZIPS / "tiss-comunicacao-4.03.00.zip"
# The XSD of XML signatures, which all versions import, begins with a DTD.
SETTINGS = zeep.Settings(forbid_entities=False, forbid_dtd=False)
WSDL = {"w": "http://schemas.xmlsoap.org/wsdl/", "s": "http://schemas.xmlsoap.org/wsdl/soap/"}


def facts(wsdl):
    """What a WSDL says that counts on the wire: names, elements, style, action."""
    root = etree.fromstring(wsdl)
    parts = {
        message.get("name"): message.find("w:part", WSDL).get("element").partition(":")[2]
        for message in root.iterfind("w:message", WSDL)
    }
    operation = root.find("w:portType/w:operation", WSDL)
    return {
        "namespace": root.get("targetNamespace"),
        "names": [
            root.find(f"w:{path}", WSDL).get("name")
            for path in ("portType", "portType/w:operation", "binding", "service", "service/w:port")
        ],
        "messages": parts,
        "sides": [
            (etree.QName(side).localname, side.get("name"), side.get("message"))
            for side in operation
        ],
        "style": root.find("w:binding/s:binding", WSDL).get("style"),
        "action": root.find("w:binding/w:operation/s:operation", WSDL).get("soapAction"),
        "uses": [node.get("use") for node in root.iter(f"{{{WSDL['s']}}}body")],
        "schema": root.find(".//{http://www.w3.org/2001/XMLSchema}import").get("schemaLocation"),
    }


class ZeepCase(ServerCase):
    def call(self, client, address, service, xml):
        """zeep reads the message into values, sends those, and reads the answer."""
        found, content = payload(xml)
        self.assertEqual(found.name, service.name)
        element = client.get_element(f"{{{ANS['ans']}}}{service.request}")
        values = element.parse(etree.fromstring(content), client.wsdl.types)
        [binding] = client.wsdl.bindings.values()
        proxy = client.create_service(str(binding.name), address.url(service.name))
        [operation] = binding.all()
        fields = {name: values[name] for name in ("cabecalho", service.payload, "hash")}
        return proxy[operation](**fields)

    def check_all(self, address, make_client):
        """Each service, taken and refused: how many answers zeep read."""
        read = 0
        asked = questions(address.operadora)
        for service in SERVICES:
            good, shown, bad, _code = asked[service.name]
            with self.subTest(service.name):
                client = make_client(service)
                answer = self.call(client, address, service, good)
                self.assertIsNotNone(answer[service.result][shown])
                self.assertRegex(answer["hash"], "^[0-9a-f]{32}$")
                answer = self.call(client, address, service, bad)
                branch = "codigoGlosa" if "Elegib" in service.name else "mensagemErro"
                self.assertRegex(answer[service.result][branch]["codigoGlosa"], "^[0-9]{4}$")
                read += 2
        outcomes = [each.outcome for each in address.operadora.arrivals if each.channel != "file"]
        self.assertEqual(outcomes, ["taken", "refused"] * len(SERVICES))
        self.assertEqual(read, 2 * len(SERVICES))

    def check_fault(self, address, client):
        """The fault comes out as zeep's own, with the code in its detail."""
        wrong = m.notice(destino="999999", version=address.operadora.version)
        service = next(each for each in SERVICES if each.name == "tissComunicacaoBeneficiario")
        with self.assertRaises(Fault) as raised:
            self.call(client, address, service, wrong)
        detail = etree.tostring(raised.exception.detail).decode()
        self.assertIn("DestinatarioInvalido</", detail)


class TestOwn(ZeepCase):
    def test_zeep_with_the_wsdl_of_this_server(self):
        """One version; what the other has of its own is in the test of the facts."""
        address = self.start(eligibility={m.CARD: None})
        self.check_all(
            address,
            lambda service: zeep.Client(f"{address.url(service.name)}?wsdl", settings=SETTINGS),
        )

    def test_a_fault(self):
        address = self.start()
        url = f"{address.url('tissComunicacaoBeneficiario')}?wsdl"
        self.check_fault(address, zeep.Client(url, settings=SETTINGS))

    def test_the_address_is_that_of_this_server(self):
        address = self.start()
        root = etree.fromstring(fetch(f"{address}/tissCancelaGuia?wsdl").body)
        found = root.find(".//s:address", WSDL).get("location")
        self.assertEqual(found, f"{address}/tissCancelaGuia")

    def test_the_facts_of_every_wsdl(self):
        address = self.start("4.02.00")
        for service in SERVICES:
            found = facts(fetch(f"{address}/{service.name}?wsdl").body)
            name = service.wsdl_name
            self.assertEqual(
                found["namespace"],
                f"http://www.ans.gov.br/tiss/ws/tipos/{name.lower()}/v40200",
            )
            ends = ("PortType", "Operation", "Binding", None, "Port")
            names = [f"{name}_{end}" if end else name for end in ends]
            self.assertEqual(found["names"], names)
            self.assertEqual((found["style"], found["action"]), ("document", ""))
            self.assertEqual(found["uses"], ["literal", "literal"])

    def test_xsds_and_no_other_file(self):
        address = self.start()
        for name in ("tissWebServicesV4_03_00.xsd", "xmldsig-core-schema.xsd"):
            self.assertEqual(fetch(f"{address}/{name}").status, 200)
        for path in ("provenance.json", "%2e%2e/4.02.00/tissV4_02_00.xsd", "tissV4_02_00.xsd", "x"):
            self.assertEqual(fetch(f"{address}/{path}").status, 404)


@unittest.skipUnless(ZIP.exists(), f"no ANS zips in the folder of TISS_ANS_ZIPS ({ZIPS.name})")
class TestOfficial(ZeepCase, OperadoraCase):
    """The WSDLs and XSDs of ANS, unpacked for the time of the test."""

    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with zipfile.ZipFile(ZIP) as packed:
            for name in packed.namelist():
                if name.endswith((".wsdl", ".xsd")):
                    (Path(folder.name) / Path(name).name).write_bytes(packed.read(name))
        self.folder = Path(folder.name)
        [services] = self.folder.glob("tissWebServicesV*.xsd")
        self.version = ".".join(re.findall(r"\d+", services.stem))

    def official(self, service):
        return next(self.folder.glob(f"{service.name}V*.wsdl"))

    def client(self, service):
        return zeep.Client(str(self.official(service)), settings=SETTINGS)

    def test_zeep_with_the_official_wsdl(self):
        address = self.start(self.version, schema_dir=self.folder, eligibility={m.CARD: None})
        self.check_all(address, self.client)
        notice = next(each for each in SERVICES if each.name == "tissComunicacaoBeneficiario")
        self.check_fault(address, self.client(notice))

    def test_our_wsdls_say_what_the_official_ones_say(self):
        address = self.start(self.version, schema_dir=self.folder)
        for service in SERVICES:
            with self.subTest(service.name):
                ours = facts(fetch(f"{address}/{service.name}?wsdl").body)
                self.assertEqual(ours, facts(self.official(service).read_bytes()))

    def test_files_too(self):
        op = self.start(self.version, schema_dir=self.folder).operadora
        for good, _shown, bad, _code in questions(op).values():
            for xml in (good, bad):
                root = etree.fromstring(op.receive(xml, TODAY))
                self.assertEqual(root.findtext("ans:cabecalho/ans:Padrao", None, ANS), self.version)
