"""The operadora on HTTP: envelope, faults, compression, and what arrived."""

import gzip
import hashlib
import threading
from unittest import mock

from .. import InvalidAnswer, exchange, server
from ..server import serve
from . import messages as m
from .test_operadora import (
    TODAY,
    VERSIONS,
    OperadoraCase,
    body,
    consulta,
    leaf_digest,
    message,
    operadora,
    sp_sadt,
)
from .wire import SOAP, enveloped, payload, post, send

MD5 = hashlib.md5(b"segredo").hexdigest()


class ServerCase(OperadoraCase):
    def start(self, version="4.03.00", misbehave="", **options):
        """The address of a server of one operadora, until the test is over."""
        context = serve(operadora(version, **options), today=TODAY, misbehave=misbehave)
        address = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return address


class TestLote(ServerCase):
    def test_a_lote_gets_its_protocol_in_both_versions(self):
        for version in VERSIONS:
            with self.subTest(version):
                address = self.start(version)
                answer = send(address, message(body(sp_sadt("7"), lote="55"), version))
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.headers["Content-Type"], "text/xml; charset=ISO-8859-1")
                self.assertTrue(answer.content.tag.endswith("}protocoloRecebimentoWS"))
                self.assertEqual(answer.text(".//ans:numeroLote"), "55")
                [protocol] = address.operadora.verdicts
                self.assertEqual(answer.text(".//ans:numeroProtocolo"), protocol)

    def test_the_hash_of_the_answer_is_a_child_of_its_element(self):
        answer = send(self.start(), message(body(consulta())))
        text = answer.body.decode("latin-1")
        inside = text[text.index("<soapenv:Body>") : text.index("</soapenv:Body>")]
        self.assertEqual(answer.text("ans:hash"), leaf_digest(inside, "latin-1"))

    def test_the_same_lote_twice_is_refused_and_counted_twice(self):
        address = self.start()
        xml = message(body(consulta(), lote="9"))
        first, second = send(address, xml), send(address, xml)
        self.assertIsNotNone(first.text(".//ans:numeroProtocolo"))
        self.assertEqual((second.status, second.text(".//ans:codigoGlosa")), (200, "3268"))
        arrivals = address.operadora.arrivals
        self.assertEqual(arrivals.lotes(), {"9": 2})
        self.assertEqual(arrivals.lotes("taken"), {"9": 1})
        self.assertEqual([each.reason for each in arrivals], [None, "lote repeated"])

    def test_file_and_service_share_one_operadora(self):
        address = self.start()
        self.accept(address.operadora, message(body(consulta(), lote="3")))
        again = send(address, message(body(consulta(), lote="3")))
        self.assertEqual(again.text(".//ans:codigoGlosa"), "3268")
        self.assertEqual([a.channel for a in address.operadora.arrivals], ["file", "service"])

    def test_many_threads_get_as_many_protocols(self):
        address, answers = self.start(), []

        def work(first):
            for number in range(first, first + 5):
                xml = message(body(consulta(str(number)), lote=str(number)))
                answers.append(send(address, xml).text(".//ans:numeroProtocolo"))

        threads = [threading.Thread(target=work, args=(10 * n + 1,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(set(answers)), 20)
        self.assertEqual(set(answers), set(address.operadora.verdicts))
        self.assertEqual(set(address.operadora.arrivals.lotes("taken").values()), {1})


class TestFaults(ServerCase):
    def check_fault(self, answer, code):
        self.assertEqual(answer.status, 500)
        self.assertEqual(answer.content.tag, f"{{{SOAP}}}Fault")
        self.assertEqual(answer.content.findtext("faultcode"), "soapenv:Client")
        self.assertEqual(answer.fault, code)

    def test_each_thing_that_is_wrong_with_the_message_as_a_whole(self):
        xml = message(body(consulta()))
        cases = {
            "HashInvalido": {"xml": xml, "digest": "0" * 32},
            "VersaoInvalida": {"xml": message(body(consulta()), "4.02.00")},
            "DestinatarioInvalido": {"xml": message(body(consulta()), destino="999999")},
            "SchemaInvalido": {"xml": xml.replace(b"<ans:UF>35<", b"<ans:UF>SP<")},
            "RemetenteInvalido": {
                "xml": message(body(consulta()), prestador=m.CONTRACTED.replace("12345", "777"))
            },
        }
        for code, options in cases.items():
            with self.subTest(code):
                address = self.start(prestadores={"12345": "11222333000181"})
                self.check_fault(send(address, **options), code)
                self.assertEqual([each.outcome for each in address.operadora.arrivals], ["fault"])
                self.assertEqual(address.operadora.verdicts, {})

    def test_login_and_md5_of_the_password(self):
        xml = message(body(consulta()))
        address = self.start(logins={"clinica": "segredo"})
        for login in (None, ("clinica", "0" * 32), ("outra", MD5), ("clinica", "segredo")):
            with self.subTest(login):
                self.check_fault(send(address, xml, login=login), "LoginInvalido")
        answer = send(address, xml, login=("clinica", MD5.upper()))
        self.assertIsNotNone(answer.text(".//ans:numeroProtocolo"))

    def test_what_is_not_soap(self):
        address = self.start()
        _service, content = payload(message(body(consulta())))
        url = address.url("tissLoteGuias")
        newer = enveloped(content).replace(
            SOAP.encode(), b"http://www.w3.org/2003/05/soap-envelope"
        )
        for wrong in (b"", b"<a", content.encode(), newer, enveloped(content * 2), enveloped("")):
            with self.subTest(wrong[:40]):
                self.check_fault(post(url, wrong), "SchemaInvalido")

    def test_xml_that_attacks_the_operadora(self):
        address = self.start()
        _service, content = payload(message(body(consulta())))
        laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        bomb = enveloped(content.replace("MARIA SOUZA", "&l9;")).replace(
            b"?>", b'?><!DOCTYPE x [<!ENTITY l0 "ha">' + laughs.encode() + b"]>", 1
        )
        file = enveloped(content.replace("MARIA SOUZA", "&f;")).replace(
            b"?>", b'?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>', 1
        )
        deep = enveloped("<a>" * 100_000 + "</a>" * 100_000)
        wide = enveloped(content.replace("MARIA SOUZA", "A" * 11_000_000))
        for wrong in (bomb, file, deep, wide):
            with self.subTest(wrong[:80]):
                answer = post(address.url("tissLoteGuias"), wrong)
                self.check_fault(answer, "SchemaInvalido")
                self.assertNotIn(b"root:", answer.body)
        self.assertEqual(address.operadora.verdicts, {})

    def test_a_service_takes_its_own_element_only(self):
        address = self.start()
        _service, content = payload(message(body(consulta())))
        answer = post(address.url("tissCancelaGuia"), enveloped(content))
        self.check_fault(answer, "SchemaInvalido")

    def test_the_transaction_must_be_that_of_the_service(self):
        answer = send(self.start(), message(body(consulta()), tipo="CANCELA_GUIA"))
        self.assertEqual((answer.status, answer.text(".//ans:codigoGlosa")), (200, "3148"))

    def test_an_answer_that_its_own_schema_would_refuse(self):
        address = self.start()
        refuse = mock.patch.object(exchange, "write", side_effect=InvalidAnswer("no"))
        with refuse, self.assertLogs(server.__name__, "ERROR"):
            answer = send(address, message(body(consulta())))
        self.assertEqual((answer.status, answer.fault), (500, "ErroInesperadoServidor"))
        self.assertEqual(answer.content.findtext("faultcode"), "soapenv:Server")
        [arrival] = address.operadora.arrivals
        self.assertEqual((arrival.outcome, arrival.reason), ("fault", "answer"))
        self.assertEqual(address.operadora.verdicts, {})
        again = send(address, message(body(consulta())))
        self.assertIsNotNone(again.text(".//ans:numeroProtocolo"), "nothing was kept of the first")

    def test_an_unknown_address(self):
        self.assertEqual(post(f"{self.start()}/tissNada", b"").status, 404)


class TestTransport(ServerCase):
    def test_gzip(self):
        address = self.start()
        service, content = payload(message(body(consulta())))
        packed = gzip.compress(enveloped(content))
        answer = post(address.url(service.name), packed, Content_Encoding="gzip")
        self.assertIsNotNone(answer.text(".//ans:numeroProtocolo"))

    def test_what_came_is_kept_as_it_came(self):
        address = self.start()
        service, content = payload(message(body(consulta())))
        packed = gzip.compress(enveloped(content))
        post(address.url(service.name), packed, Content_Encoding="gzip", SOAPAction='"x"')
        [request] = address.server.requests
        self.assertEqual((request.service, request.body), (service.name, enveloped(content)))
        self.assertEqual(request.headers["SOAPAction"], '"x"')

    def test_bad_gzip_and_a_gzip_bomb_are_turned_away(self):
        address = self.start()
        bomb = gzip.compress(b" " * 30_000_000)
        for packed in (b"no gzip", bomb, gzip.compress(b"<a/>")[:-6]):
            with self.subTest(len(packed)):
                answer = post(address.url("tissLoteGuias"), packed, Content_Encoding="gzip")
                self.assertEqual((answer.status, answer.fault), (413, "SchemaInvalido"))
        self.assertEqual(list(address.operadora.arrivals), [])

    def test_a_length_that_is_none(self):
        address = self.start()
        for length in ("-1", "x", ""):
            answer = post(address.url("tissLoteGuias"), b"", Content_Length=length)
            self.assertEqual(answer.status, 413)
        large = post(address.url("tissLoteGuias"), b"", Content_Length="99999999999")
        self.assertEqual((large.status, large.fault), (413, "SchemaInvalido"))

    def test_the_official_name_at_the_end_of_any_path(self):
        address = self.start()
        service, content = payload(message(body(consulta())))
        answer = post(f"{address}/tiss/v40300/{service.name.upper()}", enveloped(content))
        self.assertIsNotNone(answer.text(".//ans:numeroProtocolo"))
