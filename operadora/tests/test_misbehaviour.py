"""Each way in which an operadora can go wrong, as a client sees it on the wire."""

import gzip
import http.client
import json
import socket
import ssl
import time
from pathlib import Path

from lxml import etree

from ..gate import FAULTS, UNEXPECTED
from ..misbehaviour import KINDS, read
from ..server import serve
from .test_operadora import (
    ANS,
    TODAY,
    body,
    consulta,
    leaf_digest,
    message,
    operadora,
)
from .test_server import ServerCase
from .test_services import services_schema
from .wire import SOAP, Answer, enveloped, payload, post, send


def lote(number="1"):
    return message(body(consulta(number), lote=number))


class TestKinds(ServerCase):
    def bad(self, kind, number="1", address=None):
        """The server, and its answer to a lote."""
        address = address or self.start()
        address.misbehave(kind)
        return address, send(address, lote(number))

    def outcomes(self, address):
        return [each.outcome for each in address.operadora.arrivals]

    def test_every_kind_has_a_test_here(self):
        source = Path(__file__).read_text(encoding="utf-8")
        for kind in KINDS:
            self.assertIn(f'"{kind}', source)

    def test_unknown_names(self):
        for name in ("", "nothing", "html+perhaps", "HTML"):
            with self.assertRaisesRegex(ValueError, "Há: slow"):
                read(name)
        self.assertTrue(read("slow=3").taken)
        self.assertFalse(read("slow=3+lost").taken)
        self.assertTrue(read("html+taken").taken)

    def test_what_is_an_answer_all_the_same(self):
        plain = self.bad("prefixes")[1]
        self.assertIn(b"<S:Envelope", plain.body)
        self.assertIn(b"<numeroLote>1<", plain.body)
        services_schema("4.03.00").assertValid(plain.content)
        slow = time.monotonic()
        self.bad("slow=0.3")
        self.assertGreaterEqual(time.monotonic() - slow, 0.3)
        packed = self.bad("gzip")[1]
        self.assertEqual(packed.headers["Content-Encoding"], "gzip")
        self.assertIn(b"protocoloRecebimento", gzip.decompress(packed.body))

    def test_hashes(self):
        wrong = self.bad("bad-hash")[1]
        self.assertEqual(wrong.text("ans:hash"), "0" * 32)
        services_schema("4.03.00").assertValid(wrong.content)
        self.assertIsNone(self.bad("no-hash")[1].content.find("ans:hash", ANS))

    def check_hash(self, answer):
        text = etree.tostring(answer.content, encoding="unicode")
        self.assertEqual(answer.text("ans:hash"), leaf_digest(text, "latin-1"))

    def test_another_number_under_a_right_hash(self):
        address, first = self.bad("slow=0")
        answer = self.bad("duplicate-protocol", "2", address)[1]
        self.assertEqual(answer.text(".//ans:numeroLote"), "2")
        before = first.text(".//ans:numeroProtocolo")
        self.assertEqual(answer.text(".//ans:numeroProtocolo"), before)
        self.check_hash(answer)
        self.assertEqual(len(address.operadora.verdicts), 2)
        answer = self.bad("other-lote", "3", address)[1]
        self.assertEqual(answer.text(".//ans:numeroLote"), "4")
        self.check_hash(answer)
        answer = self.bad("other-lote=77", "5", address)[1]
        self.assertEqual(answer.text(".//ans:numeroLote"), "77")
        answer = self.bad("older", "6", address)[1]
        self.assertEqual(answer.text(".//ans:Padrao"), "4.01.00")
        self.check_hash(answer)
        self.assertEqual(set(self.outcomes(address)), {"taken"})

    def test_what_is_no_message(self):
        bodies = {
            "html": b"<!DOCTYPE html>",
            "empty": b"",
            "text": b"OK",
            "no-soap": b"<?xml version='1.0' encoding='ISO-8859-1'?>\n<ans:protocolo",
        }
        for kind, start in bodies.items():
            with self.subTest(kind):
                address, answer = self.bad(kind)
                self.assertEqual(answer.status, 200)
                self.assertTrue(answer.body.startswith(start), answer.body[:60])
                self.assertEqual(self.outcomes(address), ["lost" if kind == "html" else "taken"])
        answer = self.bad("no-schema")[1]
        self.assertFalse(services_schema("4.03.00").validate(answer.content))
        self.check_hash(answer)
        answer = self.bad("encoding")[1]
        self.assertEqual(answer.headers["Content-Type"], "text/xml; charset=UTF-8")
        with self.assertRaises(UnicodeDecodeError):
            answer.body.decode()
        with self.assertRaises(etree.XMLSyntaxError):
            etree.fromstring(answer.body)

    def test_faults(self):
        for code in (*FAULTS.values(), UNEXPECTED):
            address, answer = self.bad(f"fault={code}")
            self.assertEqual((answer.status, answer.fault), (500, code))
            detail = answer.content.find("detail")[0]
            services_schema("4.03.00").assertValid(etree.fromstring(etree.tostring(detail)))
            self.assertEqual(self.outcomes(address), ["lost"])
        answer = self.bad("fault=HashInvalido:200")[1]
        self.assertEqual((answer.status, answer.fault), (200, "HashInvalido"))
        answer = self.bad("gateway-fault")[1]
        self.assertEqual(answer.content.tag, f"{{{SOAP}}}Fault")
        self.assertIsNone(answer.fault)

    def test_status(self):
        for kind in ("500", "503", "404", "403", "401"):
            answer = self.bad(kind)[1]
            self.assertEqual(answer.status, int(kind))
        self.assertEqual(self.bad("503")[1].headers["Retry-After"], "120")
        address, answer = self.bad("redirect")
        self.assertEqual((answer.status, answer.headers["Location"]), (302, f"{address}/login"))
        address, answer = self.bad("500+taken")
        self.assertEqual(self.outcomes(address), ["taken"], "an error after the message was kept")

    def test_connections_that_break(self):
        for kind, outcome in (("die", "taken"), ("drop", "lost"), ("truncated", "taken")):
            with self.subTest(kind):
                address = self.start()
                with self.assertRaises((http.client.HTTPException, ConnectionError)):
                    self.bad(kind, address=address)
                self.assertEqual(self.outcomes(address), [outcome])
                self.assertEqual(send(address, lote("2")).status, 200, "the next one is well")

    def test_no_answer_at_all(self):
        for kind, outcome in (("silent", "taken"), ("deaf", "lost")):
            with self.subTest(kind):
                address = self.start()
                address.misbehave(kind)
                service, content = payload(lote())
                connection = http.client.HTTPConnection(*address.server.server_address, timeout=0.5)
                connection.request("POST", f"/{service.name}", enveloped(content))
                with self.assertRaises(socket.timeout):
                    connection.getresponse()
                connection.close()
                self.assertEqual(self.outcomes(address), [outcome])

    def test_bodies_that_are_too_much(self):
        answer = self.bad("gzip-bomb=8")[1]
        self.assertLess(len(answer.body), 20_000)
        self.assertGreater(len(gzip.decompress(answer.body)), 8_000_000)
        address, answer = self.bad("huge=4")
        self.assertGreater(len(answer.body), 4_000_000)
        address.misbehave("huge")
        service, content = payload(lote("2"))
        connection = http.client.HTTPConnection(*address.server.server_address, timeout=5)
        connection.request("POST", f"/{service.name}", enveloped(content))
        reply = connection.getresponse()
        self.assertGreater(int(reply.headers["Content-Length"]), 2_000_000_000)
        self.assertEqual(len(reply.read(1_000_000)), 1_000_000)
        connection.close()

    def test_xml_that_attacks(self):
        self.assertIn(b"<!ENTITY l11", self.bad("bomb")[1].body)
        self.assertIn(b'SYSTEM "file:///etc/hostname"', self.bad("dtd")[1].body)
        deep = self.bad("deep")[1].body
        with self.assertRaises(etree.XMLSyntaxError):
            etree.fromstring(deep)
        self.assertEqual(deep.count(b"<x>"), deep.count(b"</x>"))


class TestOrders(ServerCase):
    def test_by_service_and_so_many_times(self):
        address = self.start()
        address.misbehave("500", "tissCancelaGuia")
        address.misbehave("503", times=2)
        self.assertEqual([send(address, lote(n)).status for n in "123"], [503, 503, 200])

    def test_by_address_and_by_header(self):
        address = self.start()
        self.assertEqual(send(address, lote(), misbehave="503").status, 503)
        self.assertEqual(send(address, lote(), {"X-Misbehave": "403"}).status, 403)
        self.assertEqual(send(address, lote()).status, 200)

    def test_an_order_in_an_address_that_nobody_knows(self):
        answer = send(self.start(), lote(), misbehave="nothing")
        self.assertEqual(answer.status, 400)
        self.assertIn("Não existe".encode(), answer.body)

    def test_always(self):
        address = self.start(misbehave="html")
        for number in "12":
            self.assertIn(b"DOCTYPE html", send(address, lote(number)).body)
        post(f"{address}/misbehave", b"kind=html&well=1")
        self.assertEqual(send(address, lote("3")).status, 200)

    def test_over_http_for_another_process(self):
        address = self.start()
        answer = post(f"{address}/misbehave", b"kind=500&times=2&service=tissLoteGuias")
        self.assertEqual(answer.status, 303)
        self.assertEqual(
            json.loads(answer.body), [{"kind": "500", "service": "tissLoteGuias", "times": 2}]
        )
        self.assertEqual([send(address, lote(n)).status for n in "123"], [500, 500, 200])
        for wrong in (b"kind=nothing", b"kind=500&times=many", b"kind=500&service=x"):
            self.assertEqual(post(f"{address}/misbehave", wrong).status, 400)


class TestTLS(ServerCase):
    def start_tls(self, **options):
        context = serve(operadora(), today=TODAY, **options)
        address = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return address

    def post(self, address, trusted=None, number="1"):
        service, content = payload(lote(number))
        context = ssl.create_default_context(cafile=trusted)
        connection = http.client.HTTPSConnection(
            *address.server.server_address, timeout=5, context=context
        )
        try:
            connection.request("POST", f"/{service.name}", enveloped(content))
            reply = connection.getresponse()
            return Answer(reply.status, dict(reply.headers), reply.read())
        finally:
            connection.close()

    def test_a_certificate_of_its_own_authority(self):
        address = self.start_tls(tls=True)
        self.assertTrue(address.startswith("https://"))
        answer = self.post(address, address.ca_file)
        self.assertIsNotNone(answer.text(".//ans:numeroProtocolo"))
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "CERTIFICATE_VERIFY_FAILED"):
            self.post(address)
        self.assertEqual(address.operadora.arrivals.lotes(), {"1": 1})

    def test_bad_certificates(self):
        for kind, words in (("expired", "expired"), ("wrong-host", "IP address mismatch")):
            with self.subTest(kind):
                address = self.start_tls(tls=kind)
                with self.assertRaisesRegex(ssl.SSLCertVerificationError, words):
                    self.post(address, address.ca_file)
                self.assertEqual(list(address.operadora.arrivals), [])
        with self.assertRaisesRegex(ValueError, "Há: good"):
            self.start_tls(tls="nothing")

    def test_a_handshake_that_fails(self):
        address = self.start_tls(tls=True)
        address.misbehave("tls")
        with self.assertRaises(ssl.SSLError):
            self.post(address, address.ca_file)
        self.assertEqual(list(address.operadora.arrivals), [])
        self.assertEqual(self.post(address, address.ca_file).status, 200)

    def test_a_client_without_certificate_is_turned_away(self):
        authority = self.start_tls(tls=True)
        address = self.start_tls(tls=True, client_ca=authority.ca_file)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.post(address, address.ca_file)
        self.assertEqual(list(address.operadora.arrivals), [])
