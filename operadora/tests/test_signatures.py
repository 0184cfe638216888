"""Signatures made with signxml and judged by the operadora's own reading of the standard."""

from datetime import datetime, timedelta, timezone
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import CanonicalizationMethod, DigestAlgorithm, SignatureMethod, XMLSigner, XMLVerifier

from ..signatures import examine
from . import messages as m
from . import questions as q
from .test_operadora import (
    ANS,
    TODAY,
    VERSIONS,
    body,
    consulta,
    leaf_digest,
    message,
    official_schema,
    value,
)
from .test_server import ServerCase
from .test_services import services_schema
from .wire import enveloped, payload, post, send

SIGNATURE = f"{{{ANS['ans']}}}Signature"
GUIA_SIGNATURE = f"{{{ANS['ans']}}}assinaturaDigitalGuia"
EXCLUSIVE = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
INCLUSIVE = CanonicalizationMethod.CANONICAL_XML_1_0
NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=timezone.utc)


def own_pem():
    """The key and the certificate of an operadora, as it is given them."""
    key, certificate = keys()
    return certificate + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@cache
def keys(days=30):
    """A key, and a certificate that ends `days` after the day of the tests."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CLINICA INVENTADA:11222333000181")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOON - timedelta(days=60))
        .not_valid_after(NOON + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM)


class OldSigner(XMLSigner):
    def check_deprecated_methods(self):
        """SHA-1 is still asked for."""


def signature_of(element, tag, c14n=EXCLUSIVE, sha1=False, days=30):
    """The signature of an element as a document of its own, under a name of ANS, as text."""
    key, certificate = keys(days)
    signer = OldSigner(
        signature_algorithm=SignatureMethod.RSA_SHA1 if sha1 else SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA1 if sha1 else DigestAlgorithm.SHA256,
        c14n_algorithm=c14n,
    )
    signed = signer.sign(element, key=key, cert=certificate)
    signature = signed[-1]
    signature.tag = tag
    return etree.tostring(signature, with_tail=False).decode()


def signed_message(xml, **options):
    """The element of a web service with its Signature at the end."""
    service, content = payload(xml)
    signature = signature_of(etree.fromstring(content), SIGNATURE, **options)
    end = f"</ans:{service.request}>"
    return service, content.replace(end, signature + end)


def signed_guias(content):
    """The element with each guia signed, and the hash that counts their signatures."""
    root = etree.fromstring(content)
    for guia in root.iter(f"{{{ANS['ans']}}}guiaConsulta"):
        alone = etree.fromstring(etree.tostring(guia, with_tail=False))
        guia.append(etree.fromstring(signature_of(alone, GUIA_SIGNATURE)))
    texts = [
        node.text or ""
        for part in root[:2]
        for node in part.iter()
        if isinstance(node.tag, str) and len(node) == 0
    ]
    plain = "".join(f"<x>{text}</x>" for text in texts)
    root.find("ans:hash", ANS).text = leaf_digest(plain, "latin-1")
    return etree.tostring(root).decode()


class TestSignatures(ServerCase):
    def send(self, content, **options):
        """What the operadora answers, and what it noted of the signatures."""
        address = self.start(**options)
        answer = post(address.url("tissLoteGuias"), enveloped(content))
        self.assertEqual(answer.status, 200, answer.fault)
        return answer, address.operadora.arrivals[-1].signatures

    def test_a_signed_message_in_each_way(self):
        for c14n in (EXCLUSIVE, INCLUSIVE):
            for sha1 in (False, True):
                with self.subTest(c14n=c14n, sha1=sha1):
                    _service, content = signed_message(
                        message(body(consulta())), c14n=c14n, sha1=sha1
                    )
                    answer, noted = self.send(content, signed=["message"])
                    self.assertIsNotNone(answer.text(".//ans:numeroProtocolo"))
                    words = "loteGuiasWS: válida, CLINICA INVENTADA:11222333000181"
                    self.assertEqual(noted, (words,))

    def test_signed_guias(self):
        _service, content = payload(message(body(consulta(), consulta("2"))))
        answer, noted = self.send(signed_guias(content), signed=["guia"])
        self.assertIsNotNone(answer.text(".//ans:numeroProtocolo"))
        self.assertEqual([each.split(":")[0] for each in noted], ["guiaConsulta"] * 2)
        self.assertTrue(all("válida" in each for each in noted))

    def test_a_signature_that_is_asked_for_and_not_there(self):
        _service, content = payload(message(body(consulta())))
        for signed in ("message", "guia"):
            answer, noted = self.send(content, signed=[signed])
            self.assertEqual(answer.text(".//ans:codigoGlosa"), "3168")
            self.assertEqual(noted, ())

    def test_what_was_changed_after_it_was_signed(self):
        """The digest of the first, the value of the second: both are checked."""
        _service, content = signed_message(message(body(consulta())))
        other = signed_message(message(body(consulta("2"))))[1]
        start, end = "<ans:Signature", "</ans:Signature>"
        moved = (
            content[: content.index(start)]
            + other[other.index(start) : other.index(end)]
            + content[content.index(end) :]
        )
        value_start = content.index("SignatureValue>") + 15
        letter = "B" if content[value_start] == "A" else "A"
        damaged = content[:value_start] + letter + content[value_start + 1 :]
        for wrong in (moved, damaged):
            answer, _noted = self.send(wrong, signed=["message"])
            self.assertEqual(answer.text(".//ans:codigoGlosa"), "5022")
            answer, noted = self.send(wrong)
            self.assertIsNotNone(answer.text(".//ans:numeroProtocolo"), "none was asked for")
            self.assertNotIn("válida,", noted[0])

    def test_an_expired_certificate(self):
        _service, content = signed_message(message(body(consulta())), days=-1)
        answer, _noted = self.send(content, signed=["message"])
        self.assertEqual(answer.text(".//ans:codigoGlosa"), "5019")

    def test_a_signed_file(self):
        xml = message(body(consulta()))
        key, certificate = keys()
        signed = XMLSigner(c14n_algorithm=EXCLUSIVE).sign(
            etree.fromstring(xml), key=key, cert=certificate
        )
        op = self.start(signed=["message"]).operadora
        root = etree.fromstring(op.receive(etree.tostring(signed), TODAY))
        self.assertIsNotNone(value(root, ".//ans:numeroProtocolo"))
        self.assertIn("mensagemTISS: válida", op.arrivals[-1].signatures[0])
        again = etree.fromstring(op.receive(message(body(consulta("2"), lote="2")), TODAY))
        self.assertEqual(value(again, ".//ans:codigoGlosa"), "3168")


class TestAnswers(ServerCase):
    """The operadora signs too; signxml verifies."""

    def verified(self, root):
        """What signxml says was signed, the signature under the name that it knows."""
        signature = root[-1]
        signature.tag = "{http://www.w3.org/2000/09/xmldsig#}Signature"
        alone = etree.fromstring(etree.tostring(root))
        found = XMLVerifier().verify(alone, x509_cert=keys()[1].decode())
        return found.signed_xml

    def test_a_service_and_its_name_of_the_signature(self):
        for version in VERSIONS:
            address = self.start(version, key=own_pem(), eligibility={m.CARD: None})
            for xml, name in (
                (message(body(consulta()), version), "Signature"),
                (q.eligibility(version=version), "Signatures"),
            ):
                with self.subTest(f"{name} {version}"):
                    content = send(address, xml).content
                    services_schema(version).assertValid(content)
                    self.assertEqual(content[-1].tag, f"{{{ANS['ans']}}}{name}")
                    self.assertEqual(value(self.verified(content), ".//ans:Padrao"), version)

    def test_a_file(self):
        op = self.start(key=own_pem()).operadora
        op.receive(message(body(consulta())), TODAY)
        for xml in (op.receive(b"<a/>", TODAY), op.analysis(issued_on=TODAY)):
            root = etree.fromstring(xml)
            official_schema("4.03.00").assertValid(root)
            self.assertIsNotNone(self.verified(root).find("ans:operadoraParaPrestador", ANS))

    def test_its_own_reading_agrees(self):
        xml = self.start(key=own_pem()).operadora.receive(b"<a/>", TODAY)
        [finding] = examine(etree.fromstring(xml), TODAY)
        self.assertEqual((finding.where, finding.problem), ("mensagemTISS", ""))
        changed = xml.replace(b"<ans:sequencialTransacao>1", b"<ans:sequencialTransacao>2")
        [finding] = examine(etree.fromstring(changed), TODAY)
        self.assertEqual(finding.problem, "o conteúdo mudou depois de assinado")
