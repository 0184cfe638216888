"""The wire: what leaves, what comes back, and of every failure whether the message can be there."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import socket
import ssl
import time
import unittest
from typing import Any
from unittest import mock

from lxml import etree

from .. import load, soap
from ..message import from_service, to_service
from ..soap import CODES, Fault, Reply, TransportError, envelope, post
from . import common, wire
from .test_message import status

VERSION = "4.03.00"
SECRET = hashlib.md5(b"segredo").hexdigest()
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
TLS_VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def request(**options: Any) -> bytes:
    """The question about a protocolo, as a web service asks it."""
    element, values = to_service(status(), login=("CLINICA7", SECRET))
    return load(VERSION).encode(values, element=element, **options)


def answer() -> bytes:
    """The receipt of a lote."""
    header = status(sender="326305", recipient={"CPF": "52998224725"})["cabecalho"]
    header["identificacaoTransacao"]["tipoTransacao"] = "PROTOCOLO_RECEBIMENTO"
    error = {"codigoGlosa": "1013", "descricaoGlosa": "CADASTRO INVÁLIDO"}
    values = {"cabecalho": header, "recebimentoLote": {"mensagemErro": error}}
    return load(VERSION).encode(values, element="protocoloRecebimentoWS")


def fault(code: str, text: str, detail: str = "") -> bytes:
    return (
        f'<S:Envelope xmlns:S="{SOAP11}"><S:Body><S:Fault><faultcode>{code}</faultcode>'
        f"<faultstring>{text}</faultstring>{detail}</S:Fault></S:Body></S:Envelope>"
    ).encode()


def tiss_fault(kind: str) -> str:
    return (
        f'<detail><x:tissFaultWS xmlns:x="{common.NAMESPACE}"><x:tissFault>{kind}</x:tissFault>'
        "</x:tissFaultWS></detail>"
    )


class WireCase(unittest.TestCase):
    def exchange(self, content: Any, *, status: int = 200, **headers: str) -> Reply:
        """What `post` makes of an answer."""
        with wire.serving(content, status=status, **headers) as server:
            return post(server.url, request(), timeout=(5, 5))

    def failure(self, content: Any, **headers: Any) -> TransportError:
        """The error that `post` raises for an answer."""
        with self.assertRaises(TransportError) as caught:
            self.exchange(content, **headers)
        return self.checked(caught.exception)

    def checked(self, error: TransportError) -> TransportError:
        """Whatever is said of a failure, it tells no secret and no address."""
        self.assertIn(error.code, CODES)
        for text in (str(error), repr(error), error.detail):
            for secret in (SECRET, "CLINICA7", "127.0.0.1", "tissLoteGuias"):
                self.assertNotIn(secret, text)
        self.assertIsNone(error.__cause__)
        return error

    def assert_failure(self, error: TransportError, code: str, reached: bool) -> None:
        self.assertEqual((error.code, error.reached), (code, reached), error.detail)


class TestEnvelope(unittest.TestCase):
    def test_the_payload_is_in_it_byte_for_byte(self) -> None:
        for charset in ("iso-8859-1", "utf-8"):
            payload = request(charset=charset)
            declaration, _, rest = payload.partition(b"\n")
            wrapped = envelope(payload)
            self.assertEqual(wrapped.count(rest), 1)
            self.assertTrue(wrapped.startswith(declaration))
            self.assertEqual(wrapped.count(b"<?xml"), 1)
            root = etree.fromstring(wrapped)
            self.assertEqual(root.tag, f"{{{SOAP11}}}Envelope")
            self.assertEqual([etree.QName(each).localname for each in root], ["Header", "Body"])
            [element] = root[1]
            self.assertEqual(element.tag, f"{{{common.NAMESPACE}}}solicitacaoStatusProtocoloWS")

    def test_without_declaration_it_is_utf_8(self) -> None:
        wrapped = envelope("\ufeff<a>ç</a>".encode())
        self.assertEqual(etree.fromstring(wrapped)[1][0].text, "ç")

    def test_the_hash_holds_inside(self) -> None:
        """Hashed before, checked after: nothing of the texts has moved."""
        schema = load(VERSION)
        root = etree.fromstring(envelope(request()))
        inside = etree.tostring(root[1][0])
        self.assertEqual(
            root.findtext(".//{*}hash"), schema.digest(inside), "the digest of what is inside"
        )


class TestSecrets(unittest.TestCase):
    def test_password(self) -> None:
        # printf segredo | md5sum
        self.assertEqual(soap.password_digest("segredo"), "40847951488f9395f242f30ed27cdc47")
        self.assertEqual(soap.password_digest("açúcar"), hashlib.md5(b"a\xe7\xfacar").hexdigest())
        with self.assertRaises(ValueError):
            soap.password_digest("senha€")

    def test_mask(self) -> None:
        payload = request()
        masked = soap.mask(payload)
        self.assertEqual(len(masked), len(payload))
        self.assertNotIn(SECRET.encode(), masked)
        self.assertNotIn(b"CLINICA7", masked)
        self.assertIn(b"<ans:senhaPrestador>" + b"*" * 32 + b"</ans:senhaPrestador>", masked)
        different = [at for at in range(len(masked)) if masked[at] != payload[at]]
        self.assertEqual(len(different), 32 + 8)
        self.assertEqual(soap.mask(masked), masked)

    def test_mask_of_what_others_write(self) -> None:
        for written in (
            b"<senhaPrestador>abc</senhaPrestador>",
            b'<n1:senhaPrestador xmlns:n1="x">abc</n1:senhaPrestador>',
            b"<a:senhaPrestador ><![CDATA[abc]]></a:senhaPrestador>",
        ):
            self.assertNotIn(b"abc", soap.mask(written))
        self.assertEqual(soap.mask(b"<hash>abc</hash>"), b"<hash>abc</hash>")

    def test_mask_of_what_quotes_us(self) -> None:
        quoted = b"<ans:senhaPrestador>abc</ans:senhaPrestador>"
        for _time in range(3):
            quoted = quoted.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
            self.assertEqual(soap.mask(quoted), quoted.replace(b"abc", b"***"))

    def test_mask_of_an_echo(self) -> None:
        payload = request()
        said = f"CLINICA7 com {SECRET.upper()}".encode()
        masked = b"CLINICA7 com " + b"*" * 32
        self.assertEqual(soap.mask_echo(said, payload, is_read=True), masked)
        self.assertEqual(
            soap.mask_echo(said, payload, is_read=False), masked.replace(b"CLINICA7", b"*" * 8)
        )
        # A code that only begins as the login does is another one.
        self.assertEqual(soap.mask_echo(b"CLINICA77", payload, is_read=False), b"CLINICA77")
        # A password of digits that is sent as it is typed may be a protocolo as well.
        digits = payload.replace(SECRET.encode(), b"4711")
        receipt = b"<senhaPrestador>4711</senhaPrestador><numeroProtocolo>4711</numeroProtocolo>"
        kept = soap.mask_echo(receipt, digits, is_read=True)
        self.assertEqual(kept, receipt.replace(b"4711", b"****", 1))
        self.assertNotIn(b"4711", soap.mask_echo(receipt, digits, is_read=False))
        wide = soap.mask_echo("CLINICA7".encode("utf-16"), payload, is_read=False)
        self.assertEqual(wide, b"\xff\xfe" + b"*" * 16)

    def test_mask_of_a_password_that_xml_writes_otherwise(self) -> None:
        payload = request().replace(SECRET.encode(), b"a&amp;b&lt;1")
        for said in (
            b"senha a&b<1",
            b"senha a&amp;b&lt;1",
            b"senha a&amp;amp;b&amp;lt;1",
        ):
            masked = soap.mask_echo(said, payload, is_read=True)
            self.assertEqual(masked, b"senha " + b"*" * (len(said) - 6))
        quoted = request().replace(SECRET.encode(), b"a'b")
        self.assertNotIn(b"b", soap.mask_echo(b"a&#x27;b", quoted, is_read=False))

    def test_content_type_of_a_hostile_server(self) -> None:
        with wire.serving(soap.envelope(b"<b/>"), Content_Type="text/xml\0; charset=utf-8") as at:
            self.assertEqual(soap.post(at.url, request()).content_type, "text/xml; charset=utf-8")


class TestAddress(unittest.TestCase):
    def test_https_only(self) -> None:
        for url in ("https://ws.example.com/tiss", "https://ws.example.com:6281/a?b=c"):
            self.assertTrue(soap.check_url(url))
        for url in (
            "",
            "ws.example.com",
            "http://ws.example.com/tiss",
            "ftp://ws.example.com",
            "file:///etc/passwd",
            "https:///tiss",
            "https://user:pass@ws.example.com/",
            "https://ws.example.com:99999/",
            "https://ws.example.com/a b",
            "https://ws.example.com/\r\nX: y",
            "https://[::1",
        ):
            self.assertFalse(soap.check_url(url), url)
            self.assertFalse(soap.check_url(url, plain_loopback=True), url)

    def test_plain_text_stays_on_the_machine(self) -> None:
        for url in ("http://127.0.0.1:8140/x", "http://localhost/x", "http://[::1]:8140/x"):
            self.assertFalse(soap.check_url(url))
            self.assertTrue(soap.check_url(url, plain_loopback=True))
        for url in ("http://127.0.0.1.example.com/", "http://localhost.example.com/"):
            self.assertFalse(soap.check_url(url, plain_loopback=True))


class TestPost(WireCase):
    def test_what_leaves(self) -> None:
        payload = request()
        with wire.serving(envelope(answer())) as server:
            post(server.url, payload, timeout=(5, 5))
            post(server.url, payload, timeout=(5, 5), soap_action="urn:x", gzip=True)
        plain, packed = server.requests
        self.assertEqual(plain.path, "/tissLoteGuias")
        self.assertEqual(plain.body, envelope(payload))
        self.assertEqual(plain.headers["SOAPAction"], '""')
        self.assertEqual(plain.headers["Content-Type"], "text/xml; charset=ISO-8859-1")
        self.assertNotIn("Content-Encoding", plain.headers)
        self.assertNotIn("Authorization", plain.headers)
        self.assertEqual(packed.headers["SOAPAction"], '"urn:x"')
        self.assertEqual(packed.headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed.body), envelope(payload))

    def test_answer(self) -> None:
        content = envelope(answer())
        reply = self.exchange(content)
        self.assertEqual((reply.status, reply.content, reply.fault), (200, content, None))
        self.assertGreater(reply.seconds, 0)
        schema = load(VERSION)
        self.assertTrue(schema.validate(reply.element))
        message = from_service(schema.decode(reply.element))
        self.assertEqual(message, from_service(schema.decode(answer())))
        self.assertNotIn("INVÁLIDO", repr(reply))

    def test_prefixes_blanks_and_byte_order_marks(self) -> None:
        plain = answer().partition(b"\n")[2].decode("iso-8859-1")
        wrappers = (
            f'<S:Envelope xmlns:S="{SOAP11}"><S:Header><x xmlns="y"/></S:Header><S:Body>%s'
            "</S:Body></S:Envelope>",
            f'<Envelope xmlns="{SOAP11}"><Body>\n%s\n</Body></Envelope>',
            f'<e:Envelope xmlns:e="{SOAP11}"><!-- x --><e:Body><!-- y -->%s</e:Body></e:Envelope>',
        )
        others = plain.replace("<ans:", "<").replace("</ans:", "</").replace(":ans=", "=")
        expected = load(VERSION).decode(answer())
        for wrapper in wrappers:
            for text in (plain, others):
                for start in ("", "\r\n \t", "\ufeff", '\ufeff<?xml version="1.0"?>\n'):
                    reply = self.exchange((start + wrapper % text).encode())
                    self.assertEqual(load(VERSION).decode(reply.element), expected)

    def test_namespaces_of_the_envelope_come_along(self) -> None:
        text = answer().partition(b"\n")[2].decode("iso-8859-1")
        declared = f' xmlns:ans="{common.NAMESPACE}"'
        wrapper = f'<S:Envelope xmlns:S="{SOAP11}"{declared}><S:Body>%s</S:Body></S:Envelope>'
        reply = self.exchange((wrapper % text.replace(declared, "")).encode())
        self.assertTrue(load(VERSION).validate(reply.element))

    def test_charsets(self) -> None:
        schema = load(VERSION)
        expected = schema.decode(answer())
        bare = envelope(answer()).partition(b"\n")[2]
        named = "text/xml; charset=ISO-8859-1"
        utf8 = bare.decode("iso-8859-1").encode()
        for content, kind in (
            (bare, named),
            (utf8, "text/xml"),
            (utf8, "text/xml; charset=utf-8"),
            (envelope(answer()), "text/xml; charset=utf-8"),
        ):
            reply = self.exchange(content, Content_Type=kind)
            self.assertEqual(schema.decode(reply.element), expected, kind)
        # It says UTF-8 and is not: read all the same, as the protocolo in it must not be lost.
        wrong = b'<?xml version="1.0" encoding="UTF-8"?>' + bare
        reply = self.exchange(wrong)
        self.assertEqual(schema.decode(reply.element), expected)
        self.assertEqual(reply.content, wrong)

    def test_gzip(self) -> None:
        content = envelope(answer())
        packed = gzip.compress(content[:100]) + gzip.compress(content[100:])
        for each in (gzip.compress(content), packed):
            self.assertEqual(self.exchange(each, Content_Encoding="gzip").content, content)

    def test_chunked(self) -> None:
        content = envelope(answer())

        def speak(handler: Any) -> None:
            handler.protocol_version = "HTTP/1.1"
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for at in range(0, len(content), 50):
                part = content[at : at + 50]
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            handler.wfile.write(b"0\r\n\r\n")
            handler.close_connection = True

        self.assertEqual(self.exchange(speak).content, content)

    def test_nothing_is_logged_and_no_settings_of_the_machine_are_used(self) -> None:
        records: list[logging.LogRecord] = []
        handler = logging.Handler()
        handler.emit = records.append
        root = logging.getLogger()
        root.addHandler(handler)
        level = root.level
        root.setLevel(logging.DEBUG)
        self.addCleanup(root.setLevel, level)
        self.addCleanup(root.removeHandler, handler)
        with mock.patch.dict(os.environ, {"HTTP_PROXY": "http://127.0.0.1:1/"}):
            self.exchange(envelope(answer()))
        texts = " ".join(record.getMessage() for record in records)
        self.assertNotIn(SECRET, texts)
        self.assertNotIn("CLINICA7", texts)


class TestFault(WireCase):
    def test_each_tiss_fault(self) -> None:
        for kind in soap.TISS_FAULTS:
            reply = self.exchange(
                fault("S:Server", "Erro  ao\n processar", tiss_fault(kind)), status=500
            )
            self.assertEqual(reply.fault, Fault("S:Server", "Erro ao processar", kind))
            self.assertEqual((reply.status, reply.element), (500, None))
            self.assertEqual(reply.fault.refused, kind != "ErroInesperadoServidor")

    def test_a_fault_with_status_200_or_of_older_versions(self) -> None:
        self.assertEqual(self.exchange(fault("Client", "x")).fault, Fault("Client", "x"))
        detail = f'<detail><HashInvalido xmlns="{common.NAMESPACE}"/></detail>'
        self.assertEqual(
            self.exchange(fault("Server", "x", detail)).fault, Fault("Server", "x", "HashInvalido")
        )

    def test_soap_1_2(self) -> None:
        content = (
            '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault>'
            "<e:Code><e:Value>e:Sender</e:Value></e:Code>"
            '<e:Reason><e:Text xml:lang="pt">Recusado</e:Text></e:Reason>'
            "</e:Fault></e:Body></e:Envelope>"
        )
        found = self.exchange(content.encode(), status=400).fault
        self.assertEqual(found, Fault("e:Sender", "Recusado"))
        self.assertTrue(found.refused)

    def test_only_who_refuses_has_not_taken_it_in(self) -> None:
        for code, refused in (
            ("Client", True),
            ("soap:Client.Authentication", True),
            ("VersionMismatch", True),
            ("Server", False),
            ("", False),
        ):
            self.assertEqual(Fault(code).refused, refused, code)

    def test_a_fault_does_not_repeat_what_is_secret(self) -> None:
        found = self.exchange(fault("Client", f"CLINICA7 com senha {SECRET} recusada")).fault
        self.assertEqual(found.text, "*** com senha *** recusada")
        self.assertEqual(len(self.exchange(fault("Client", "x" * 10_000)).fault.text), 500)
        # Half of it at the end of what is kept is half of it.
        cut = self.exchange(fault("Client", "x" * 480 + f" {SECRET}")).fault.text
        self.assertNotIn(SECRET[:8], cut)


class TestNobodyKnows(WireCase):
    """It may have arrived: none of these may be sent again without asking."""

    def test_silence(self) -> None:
        with wire.serving(lambda handler: server.release.wait(10)) as server:
            started = time.monotonic()
            with self.assertRaises(TransportError) as caught:
                post(server.url, request(), timeout=(5, 0.3))
        self.assert_failure(self.checked(caught.exception), "timeout", True)
        self.assertLess(time.monotonic() - started, 5)
        self.assertGreaterEqual(caught.exception.seconds, 0.3)

    def test_drop_by_drop(self) -> None:
        """Each byte is in time, the answer is not."""
        content = envelope(answer())

        def drip(handler: Any) -> None:
            handler.send_response(200)
            handler.end_headers()
            for at in range(len(content)):
                if server.release.wait(0.05):
                    return
                handler.wfile.write(content[at : at + 1])
                handler.wfile.flush()

        with wire.serving(drip) as server:
            with self.assertRaises(TransportError) as caught:
                post(server.url, request(), timeout=(0.3, 0.3))
        self.assert_failure(self.checked(caught.exception), "timeout", True)
        self.assertLess(caught.exception.seconds, 3)

    def test_header_by_header(self) -> None:
        """Not even the status line comes to an end, over both kinds of connection."""

        def drip(handler: Any) -> None:
            handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
            while not server.release.wait(0.05):
                handler.wfile.write(b"X: y\r\n"[:1])
                handler.wfile.flush()

        own = wire.identity("self-signed")
        for context in (None, wire.server_context(own)):
            with wire.serving(drip, context) as server:
                with self.assertRaises(TransportError) as caught:
                    post(server.url, request(), timeout=(0.5, 0.5), verify=own.certificate)
            self.assert_failure(self.checked(caught.exception), "timeout", True)
            self.assertLess(caught.exception.seconds, 3)

    def test_hung_up_before_the_answer(self) -> None:
        def hang_up(handler: Any) -> None:
            handler.connection.shutdown(socket.SHUT_RDWR)

        self.assert_failure(self.failure(hang_up), "cut", True)

    def test_cut_off(self) -> None:
        content = envelope(answer())

        def cut(handler: Any) -> None:
            wire.say(handler, content[:-200], Content_Length=str(len(content)))

        error = self.failure(cut)
        self.assert_failure(error, "cut", True)
        self.assertEqual((error.status, error.content), (200, content[:-200]))
        packed = gzip.compress(content)[:-20]
        self.assert_failure(self.failure(packed, Content_Encoding="gzip"), "cut", True)
        self.assert_failure(self.failure(b"no gzip", Content_Encoding="gzip"), "cut", True)
        # Whole as HTTP sees it, and yet not.
        self.assert_failure(self.failure(content[:-200]), "not_xml", True)

    def test_status_without_soap(self) -> None:
        page = b"<html><body>Erro</body></html>"
        for number, code in ((500, "server_error"), (503, "server_error"), (400, "http")):
            for content in (page, b"", b"<x/>"):
                error = self.failure(content, status=number)
                self.assert_failure(error, code, True)
                self.assertEqual((error.status, error.content), (number, content or None))

    def test_no_answer_in_soap(self) -> None:
        soap12 = b'<e:Envelope xmlns:e="urn:other"><e:Body/></e:Envelope>'
        empty = b'<e:Envelope xmlns:e="%s"><e:Body/></e:Envelope>' % SOAP11.encode()
        for content, kind, code in (
            (b"<html><body>Manuten\xe7\xe3o</body></html>", "text/html", "html"),
            (b"<!DOCTYPE html><html><br></html>", "text/xml", "html"),
            (b"", "text/xml", "empty"),
            (b" \r\n", "text/xml", "empty"),
            (b"OK", "text/plain", "not_xml"),
            (b"<a><b></a>", "text/xml", "not_xml"),
            (answer(), "text/xml", "not_soap"),
            (soap12, "text/xml", "not_soap"),
            (empty, "text/xml", "not_soap"),
            (b"--x\r\n", "multipart/related; boundary=x", "multipart"),
            (b'<?xml version="1.0" encoding="EBCDIC"?><a/>', "text/xml", "encoding"),
            (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "text/xml", "unsafe"),
            (b"<a>" * 5000 + b"</a>" * 5000, "text/xml", "unsafe"),
        ):
            error = self.failure(content, Content_Type=kind)
            self.assert_failure(error, code, True)
            self.assertEqual(error.content, content or None)

    def test_unknown_packing(self) -> None:
        self.assert_failure(self.failure(b"x", Content_Encoding="br"), "encoding", True)

    def test_redirects_are_not_followed(self) -> None:
        """302 may follow what was carried out; 307 says that it was not."""
        with wire.serving(envelope(answer())) as other:
            for number, code, reached in (
                (302, "redirect", True),
                (303, "redirect", True),
                (307, "not_carried_out", False),
                (308, "not_carried_out", False),
            ):
                error = self.failure(b"", status=number, Location=other.url)
                self.assert_failure(error, code, reached)
            self.assertEqual(other.requests, [])


class TestTooLarge(WireCase):
    def post(self, content: Any, **headers: str) -> TransportError:
        with wire.serving(content, **headers) as server:
            with self.assertRaises(TransportError) as caught:
                post(server.url, request(), timeout=(5, 20), limit=1_000_000)
        return self.checked(caught.exception)

    def test_announced(self) -> None:
        def announce(handler: Any) -> None:
            wire.say(handler, b"<a/>", Content_Length=str(2 * 1024**3))

        self.assert_failure(self.post(announce), "too_large", True)

    def test_without_end(self) -> None:
        sent = []

        def flood(handler: Any) -> None:
            handler.send_response(200)
            handler.end_headers()
            for _ in range(32 * 1024):
                handler.wfile.write(b"x" * 65536)
                sent.append(65536)

        self.assert_failure(self.post(flood), "too_large", True)
        self.assertLess(sum(sent), 64 * 1024 * 1024)

    def test_bomb(self) -> None:
        """A megabyte that unpacks to a gigabyte is never unpacked."""
        bomb = gzip.compress(b"\0" * 10_000_000) * 100
        error = self.post(bomb, Content_Encoding="gzip")
        self.assert_failure(error, "too_large", True)
        self.assertIsNone(error.content)


class TestNothingArrived(WireCase):
    """Proved: these may be sent again."""

    def assert_nothing(self, url: str, code: str, **options: Any) -> TransportError:
        with self.assertRaises(TransportError) as caught:
            post(url, request(), timeout=(1, 5), **options)
        self.assert_failure(self.checked(caught.exception), code, False)
        return caught.exception

    def test_nobody_listens(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/tissLoteGuias"
        self.assert_nothing(url, "refused")

    def test_no_such_name(self) -> None:
        failure = socket.gaierror(socket.EAI_NONAME, "unknown")
        with mock.patch("socket.getaddrinfo", side_effect=failure):
            self.assert_nothing("https://ws.example.invalid/tissLoteGuias", "dns")

    def test_no_connection_in_time(self) -> None:
        """A server that says nothing of TLS, and one whose queue is full."""
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen(0)
            url = f"://127.0.0.1:{busy.getsockname()[1]}/tissLoteGuias"
            self.assert_nothing("https" + url, "connect_timeout")
            # The one place in the queue is taken.
            self.assert_nothing("http" + url, "connect_timeout")

    def test_bad_address(self) -> None:
        for url in ("", "http://ws.example.com/", "https://a:b@ws.example.com/"):
            self.assert_nothing(url, "url")

    def test_the_status_says_so(self) -> None:
        for number in (401, 403, 404, 405, 413, 415, 429):
            error = self.failure(b"<html/>", status=number)
            self.assert_failure(error, "not_carried_out", False)
            self.assertEqual(error.detail, f"HTTP {number}")

    def test_proxy(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            proxy = f"http://127.0.0.1:{free.getsockname()[1]}"
        with mock.patch.dict(os.environ, {"https_proxy": proxy, "no_proxy": ""}):
            self.assert_nothing("https://ws.example.com/tissLoteGuias", "proxy")

        def refuse(handler: Any) -> None:
            handler.send_error(403)

        with wire.serving(refuse) as server:
            proxy = server.url.rpartition("/")[0]
            with mock.patch.dict(os.environ, {"https_proxy": proxy, "no_proxy": ""}):
                self.assert_nothing("https://ws.example.com/tissLoteGuias", "proxy")

    def test_untrusted_server(self) -> None:
        own = wire.identity("self-signed")
        with wire.serving(envelope(answer()), wire.server_context(own)) as server:
            error = self.assert_nothing(server.url, "untrusted")
            self.assertIn("self-signed", error.detail)
            other = wire.identity("another authority").certificate
            self.assert_nothing(server.url, "untrusted", verify=other)
            name = server.url.replace("127.0.0.1", "localhost")
            self.assert_nothing(name, "untrusted", verify=own.certificate)
            self.assertEqual(server.requests, [])
            reply = post(server.url, request(), verify=own.certificate)
            self.assertEqual(reply.status, 200)

    def test_expired_server(self) -> None:
        authority = wire.identity("authority").certificate
        expired = wire.identity("expired", "authority", days=30)
        with wire.serving(envelope(answer()), wire.server_context(expired)) as server:
            error = self.assert_nothing(server.url, "untrusted", verify=authority)
            self.assertIn("expired", error.detail)

    def test_no_tls_at_all(self) -> None:
        with wire.serving(envelope(answer())) as server:
            self.assert_nothing(server.url.replace("http:", "https:"), "tls")

    def test_verification_cannot_be_turned_off(self) -> None:
        loose = ssl.create_default_context()
        loose.check_hostname = False
        loose.verify_mode = ssl.CERT_NONE
        for options in ({"verify": False}, {"certificate": loose}):
            with self.assertRaises(ValueError):
                post("https://127.0.0.1:1/", request(), **options)

    def test_bundle_that_is_none(self) -> None:
        self.assert_nothing("https://127.0.0.1:1/", "untrusted", verify=b"no certificate")


class TestReach(WireCase):
    """Somebody who knocks and says nothing."""

    def test_a_server_that_answers(self) -> None:
        own = wire.identity("self-signed")
        for context in (None, wire.server_context(own)):
            with wire.serving(envelope(answer()), context) as server:
                # It knows POST only, and says so: it is there.
                self.assertEqual(soap.reach(server.url, verify=own.certificate), 501)
                self.assertEqual(server.requests, [])

    def test_what_is_not_in_order(self) -> None:
        context = wire.server_context(
            wire.identity("operadora", "authority"), clients=wire.identity("ICP")
        )
        authority = wire.identity("authority").certificate
        with wire.serving(envelope(answer()), context) as server:
            for url, verify, code in (
                (server.url, True, "untrusted"),
                (server.url, authority, "certificate"),
                ("http://ws.example.com/", True, "url"),
                (server.url.replace("https:", "http:"), True, "unreachable"),
            ):
                with self.assertRaises(TransportError) as caught:
                    soap.reach(url, verify=verify, timeout=2)
                self.assert_failure(self.checked(caught.exception), code, False)
            client = wire.identity("clinic", "ICP")
            pem = client.key + client.certificate
            self.assertEqual(soap.reach(server.url, verify=authority, certificate=pem), 501)


class TestClientCertificate(WireCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = wire.identity("operadora", "authority")
        self.authority = wire.identity("authority").certificate
        self.clients = wire.identity("ICP")
        self.client = wire.identity("clinic", "ICP")

    def send(self, version: ssl.TLSVersion, certificate: Any) -> Reply:
        context = wire.server_context(self.server, clients=self.clients, version=version)
        with wire.serving(envelope(answer()), context) as server:
            try:
                return post(
                    server.url,
                    request(),
                    timeout=(5, 5),
                    verify=self.authority,
                    certificate=certificate,
                )
            finally:
                self.received = server.requests

    def test_accepted(self) -> None:
        pem = self.client.key + self.client.certificate
        context = soap.client_context(pem, self.authority)
        for version in TLS_VERSIONS:
            for certificate in (pem, context):
                self.assertEqual(self.send(version, certificate).status, 200)
                self.assertEqual(len(self.received), 1)

    def test_refused(self) -> None:
        """In TLS 1.3 the refusal comes after the message was written, and proves as much."""
        stranger = wire.identity("stranger", "another authority")
        expired = wire.identity("expired clinic", "ICP", days=30)
        for version in TLS_VERSIONS:
            for client in (stranger, expired):
                with self.assertRaises(TransportError) as caught:
                    self.send(version, client.key + client.certificate)
                self.assert_failure(self.checked(caught.exception), "certificate", False)
                self.assertEqual(self.received, [])

    def test_missing(self) -> None:
        for version, code in zip(TLS_VERSIONS, ("tls", "certificate"), strict=True):
            with self.assertRaises(TransportError) as caught:
                self.send(version, None)
            self.assert_failure(self.checked(caught.exception), code, False)

    def test_unusable(self) -> None:
        other = wire.identity("stranger", "another authority")
        for pem in (
            b"",
            b"no PEM",
            self.client.certificate,
            other.key + self.client.certificate,
        ):
            with self.assertRaises(TransportError) as caught:
                self.send(TLS_VERSIONS[0], pem)
            self.assert_failure(self.checked(caught.exception), "certificate", False)

    def test_the_key_is_in_no_file_that_stays(self) -> None:
        pem = self.client.key + self.client.certificate
        paths = []
        load_chain = ssl.SSLContext.load_cert_chain

        def remember(context: Any, path: str, **options: Any) -> None:
            paths.append((path, os.stat(path).st_mode & 0o077))
            load_chain(context, path, **options)

        with mock.patch.object(ssl.SSLContext, "load_cert_chain", remember):
            soap.client_context(pem)
            # Where the system has no files without a name.
            with mock.patch("os.path.isdir", return_value=False):
                soap.client_context(pem)
        (memory, _), (disk, others) = paths
        self.assertTrue(memory.startswith("/proc/self/fd/"))
        self.assertFalse(os.path.exists(memory))
        self.assertFalse(os.path.exists(disk))
        self.assertEqual(others, 0)
