"""Signatures of guias and messages, judged by the official XSD, by signxml and by xmlsec1."""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
import unittest
from functools import cache
from typing import Any

from lxml import etree
from signxml import DigestAlgorithm, SignatureMethod, XMLSigner, XMLVerifier
from signxml.xades import XAdESSignatureConfiguration, XAdESSignaturePolicy, XAdESVerifier

from .. import DecodeError, EncodeError, UnsafeXML, load
from ..certificate import Certificate
from ..message import SOAP_ELEMENTS
from ..signature import (
    DEFAULT_POLICY,
    DS,
    GUIA_FIELD,
    POLICIES,
    RSA_SHA1,
    RSA_SHA256,
    XADES,
    XADES_AD_RB,
    XMLDSIG,
    Signer,
    Verdict,
    verify,
)
from . import certificates as made
from . import common, xmlsec

ANS = f"{{{common.NAMESPACE}}}"
WAYS = [(XMLDSIG, RSA_SHA256), (XMLDSIG, RSA_SHA1), (XADES_AD_RB, RSA_SHA256)]
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


def signer(form: str = XMLDSIG, algorithm: str = RSA_SHA256, **options: Any) -> Signer:
    return Signer(made.clinic(), form=form, algorithm=algorithm, **options)


def lote(count: int = 2, version: str = "4.03.00") -> dict[str, Any]:
    guias = [common.consulta(number, "JOÃO & MARIA <ÇÃO>") for number in range(1, count + 1)]
    return common.lote(*guias, version=version)


def signed_lote(count: int = 2, version: str = "4.03.00", **way: str) -> bytes:
    """A lote in the order of the standard: guias, hash, message."""
    schema, hand = load(version), signer(**way)
    return hand.sign_message(schema, schema.encode(hand.sign_guias(schema, lote(count, version))))


@cache
def signed_once() -> bytes:
    return signer(XADES_AD_RB).sign_message(load("4.03.00"), load("4.03.00").encode(lote()))


def codes(xml: bytes, **options: Any) -> list[str]:
    return [each.code for each in verify(xml, **options)]


def guia_as_document(xml: bytes, index: int = 0) -> bytes:
    """A guia of a message alone, with its signature under the name that the tools know."""
    guia = etree.fromstring(xml).findall(f".//{ANS}guiaConsulta")[index]
    root = etree.fromstring(etree.tostring(guia, with_tail=False))
    root.find(f"{ANS}{GUIA_FIELD}").tag = f"{{{DS}}}Signature"
    return etree.tostring(root)


class TestSigning(unittest.TestCase):
    def test_every_version_and_way_is_valid_with_the_right_hash(self) -> None:
        for schema in common.schemas():
            for form, algorithm in WAYS:
                with self.subTest(version=schema.version, form=form, algorithm=algorithm):
                    xml = signed_lote(version=schema.version, form=form, algorithm=algorithm)
                    self.assertEqual(schema.explain(xml), [])
                    self.assertTrue(schema.validate(xml))
                    hash_written = etree.fromstring(xml).findtext(f"{ANS}epilogo/{ANS}hash")
                    self.assertEqual(hash_written, schema.digest(xml))
                    found = verify(xml, accept_sha1=True)
                    self.assertEqual([each.code for each in found], ["", "", ""])
                    self.assertEqual({each.form for each in found}, {form})
                    self.assertEqual({each.algorithm for each in found}, {algorithm})

    def test_the_hash_counts_the_signatures_of_guias_and_not_that_of_the_message(self) -> None:
        schema, hand = load("4.03.00"), signer()
        plain = schema.encode(lote())
        guias = schema.encode(hand.sign_guias(schema, lote()))
        self.assertNotEqual(schema.digest(plain), schema.digest(guias))
        self.assertEqual(schema.digest(guias), schema.digest(hand.sign_message(schema, guias)))

    def test_nothing_else_of_the_message_changes(self) -> None:
        schema = load("4.03.00")
        plain = schema.encode(lote())
        signed = signer().sign_message(schema, plain)
        start, end = signed.index(b"<ds:Signature"), signed.index(b"</ds:Signature>") + 15
        self.assertEqual(signed[:start] + signed[end:], plain)

    def test_what_is_said_of_who_signed(self) -> None:
        *guias, message = verify(signed_lote())
        self.assertEqual(message.where, "mensagemTISS")
        path = "mensagemTISS/prestadorParaOperadora/loteGuias/guiasTISS/guiaConsulta"
        self.assertEqual([each.where for each in guias], [f"{path}[1]", f"{path}[2]"])
        self.assertEqual(message.identity, made.clinic().identity)
        moment = datetime.datetime.fromisoformat("2026-11-21T10:30:00-03:00")
        self.assertEqual(message.moment, moment)
        self.assertTrue(message.valid)

    def test_a_message_without_signature_has_no_verdict(self) -> None:
        self.assertEqual(verify(load("4.03.00").encode(lote())), [])

    def test_a_guia_that_is_signed_keeps_its_signature(self) -> None:
        schema = load("4.03.00")
        once = signer().sign_guias(schema, lote())
        self.assertEqual(signer(XADES_AD_RB).sign_guias(schema, once), once)

    def test_a_message_is_signed_once(self) -> None:
        with self.assertRaises(EncodeError):
            signer().sign_message(load("4.03.00"), signed_lote())

    def test_what_cannot_be_sent_is_named_by_its_path(self) -> None:
        for wrong in ("x" * 71, "\x01"):
            values = common.lote(common.consulta(1), common.consulta(2, wrong))
            with self.assertRaises(EncodeError) as caught:
                signer().sign_guias(load("4.03.00"), values)
            self.assertEqual(
                caught.exception.path,
                f"{common.GUIAS_PATH}[2]/profissionalExecutante/nomeProfissional",
            )

    def test_the_values_given_stay_as_they_are(self) -> None:
        values = lote()
        signer().sign_guias(load("4.03.00"), values)
        self.assertEqual(values, lote())

    def test_the_key_shows_nowhere(self) -> None:
        number = str(made.key().private_numbers().d)
        self.assertNotIn(number, f"{signer()!r} {vars(signer())}")

    def test_no_line_break_gets_into_the_hash(self) -> None:
        for form in (XMLDSIG, XADES_AD_RB):
            for each in etree.fromstring(signed_lote(form=form)).iter(f"{{{DS}}}*"):
                self.assertNotIn("\n", each.text or "")

    def test_policies_do_not_allow_sha1(self) -> None:
        with self.assertRaises(ValueError):
            signer(XADES_AD_RB, RSA_SHA1)

    @common.profile(25)
    @common.given(common.SEEDS)
    def test_any_lote_of_guias(self, seed: int) -> None:
        schema = load("4.03.00")
        values = common.file_message(schema, "ENVIO_LOTE_GUIAS", seed)
        form = (XMLDSIG, XADES_AD_RB)[seed % 2]
        xml = schema.encode(signer(form).sign_guias(schema, values))
        xml = signer(form).sign_message(schema, xml)
        # Random texts stand in the header too, so the day it was made may be any.
        early_or_late = {"", "expired", "not_yet_valid"}
        self.assertEqual(schema.explain(xml), [])
        self.assertLessEqual({each.code for each in verify(xml)}, early_or_late)
        count = len(etree.fromstring(xml).findall(f".//{ANS}{GUIA_FIELD}"))
        self.assertEqual(len(verify(xml)), count + 1)


class TestSoap(unittest.TestCase):
    def test_every_element_has_its_signature_where_its_schema_wants_it(self) -> None:
        hand = signer()
        for schema in common.schemas():
            for element in SOAP_ELEMENTS:
                with self.subTest(version=schema.version, element=element):
                    values = common.soap_message(schema, element, seed=7)
                    xml = hand.sign_message(
                        schema, schema.encode(values, element=element), element=element
                    )
                    self.assertEqual(schema.explain(xml), [])
                    verdict = verify(xml)[-1]
                    self.assertEqual(verdict.where, element)
                    self.assertIn(verdict.code, {"", "expired", "not_yet_valid"})

    def test_the_names_differ(self) -> None:
        schema = load("4.03.00")
        for element, name in (
            ("loteGuiasWS", "Signature"),
            ("respostaElegibilidadeWS", "Signatures"),
        ):
            values = common.soap_message(schema, element, seed=7)
            xml = schema.encode(values, element=element)
            last = etree.fromstring(signer().sign_message(schema, xml, element=element))[-1]
            self.assertEqual(last.tag, ANS + name)

    def test_a_fault_has_none(self) -> None:
        schema = load("4.03.00")
        xml = schema.encode({"tissFault": "SchemaInvalido"}, element="tissFaultWS")
        with self.assertRaises(EncodeError):
            signer().sign_message(schema, xml, element="tissFaultWS")

    def test_a_signed_guia_is_worth_the_same_in_a_file_and_in_an_envelope(self) -> None:
        schema = load("4.03.00")
        for form in (XMLDSIG, XADES_AD_RB):
            values = signer(form).sign_guias(schema, lote())
            soap = {
                "cabecalho": values["cabecalho"],
                "loteGuias": values["prestadorParaOperadora"]["loteGuias"],
            }
            payload = signer(form).sign_message(
                schema, schema.encode(soap, element="loteGuiasWS"), element="loteGuiasWS"
            )
            envelope = (
                b'<?xml version="1.0" encoding="ISO-8859-1"?>'
                b'<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:x"'
                b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><S:Body>'
                + payload.partition(b"?>")[2].strip()
                + b"</S:Body></S:Envelope>"
            )
            self.assertEqual(codes(envelope), ["", "", ""])
            texts = [
                etree.tostring(each, method="c14n", exclusive=True)
                for xml in (schema.encode(values), envelope)
                for each in etree.fromstring(xml).findall(f".//{ANS}guiaConsulta")
            ]
            self.assertEqual(texts[:2], texts[2:])

    def test_a_signature_read_from_one_message_goes_into_another(self) -> None:
        schema = load("4.03.00")
        read = schema.decode(signed_lote())
        guias = read["prestadorParaOperadora"]["loteGuias"]["guiasTISS"]["guiaConsulta"]
        self.assertEqual(codes(schema.encode(common.lote(*reversed(guias)))), ["", ""])


class TestXades(unittest.TestCase):
    def properties(self, xml: bytes) -> etree._Element:
        return etree.fromstring(xml)[-1].find(f".//{{{XADES}}}SignedSignatureProperties")

    def test_names_policy_certificate_and_time(self) -> None:
        for version, policy in POLICIES.items():
            xml = signer(XADES_AD_RB, policy=version).sign_message(
                load("4.03.00"), load("4.03.00").encode(lote())
            )
            found = self.properties(xml)
            texts = {each.tag.rpartition("}")[2]: each.text for each in found.iter() if each.text}
            self.assertEqual(texts["Identifier"], f"urn:oid:2.16.76.1.7.1.6.2.{version[-1]}")
            self.assertEqual(texts["SPURI"], policy.address)
            self.assertEqual(texts["X509SerialNumber"], str(made.clinic().x509.serial_number))
            self.assertEqual(texts["X509IssuerName"], "CN=AC FICTICIA v5,O=ICP-Ficticia,C=BR")
            digests = [each.text for each in found.iter(f"{{{DS}}}DigestValue")]
            der = base64.b64decode(made.clinic().der_base64)
            ours = base64.b64encode(hashlib.sha256(der).digest()).decode()
            self.assertEqual(digests, [ours, policy.sha256])
            moment = datetime.datetime.fromisoformat(texts["SigningTime"])
            now = datetime.datetime.now(datetime.timezone.utc)
            self.assertLess(abs(now - moment), datetime.timedelta(minutes=5))
            self.assertEqual(verify(xml)[0].moment, moment)

    def test_signxml_finds_it_right(self) -> None:
        policy = POLICIES[DEFAULT_POLICY]
        expected = XAdESSignaturePolicy(
            policy.identifier, "", DigestAlgorithm.SHA256, policy.sha256
        )
        config = XAdESSignatureConfiguration(location="./", expect_references=2)
        XAdESVerifier().verify(
            signed_lote(form=XADES_AD_RB),
            x509_cert=made.clinic().x509,
            expect_signature_policy=expected,
            expect_config=config,
        )

    def test_properties_that_were_changed(self) -> None:
        root = etree.fromstring(signed_lote(form=XADES_AD_RB))
        root[-1].find(f".//{{{XADES}}}SigningTime").text = "2026-01-01T00:00:00+00:00"
        self.assertEqual(codes(etree.tostring(root)), ["", "", "digest"])


class TestForgeries(unittest.TestCase):
    def setUp(self) -> None:
        self.root = etree.fromstring(signed_lote())
        self.guias = self.root.findall(f".//{ANS}guiaConsulta")

    def codes(self, **options: Any) -> list[str]:
        return codes(etree.tostring(self.root), **options)

    def info(self) -> etree._Element:
        return self.root[-1].find(f"{{{DS}}}SignedInfo")

    def test_an_amount_was_changed(self) -> None:
        self.guias[1].find(f".//{ANS}valorProcedimento").text = "1500.00"
        self.assertEqual(self.codes(), ["", "digest", "digest"])

    def test_signatures_of_two_guias_were_exchanged(self) -> None:
        one, two = (guia.find(f"{ANS}{GUIA_FIELD}") for guia in self.guias)
        self.guias[0].append(two)
        self.guias[1].append(one)
        self.assertEqual(self.codes(), ["digest", "digest", "digest"])

    def test_a_guia_was_taken_out(self) -> None:
        self.guias[0].getparent().remove(self.guias[0])
        self.assertEqual(self.codes(), ["", "digest"])

    def test_the_signature_was_changed(self) -> None:
        value = self.root[-1].find(f"{{{DS}}}SignatureValue")
        value.text = base64.b64encode(b"\1" + base64.b64decode(value.text)[1:]).decode()
        self.assertEqual(self.codes(), ["", "", "signature"])

    def test_somebody_else_put_in_a_certificate(self) -> None:
        other = Certificate(made.key("other"), made.issue(private_key=made.key("other")))
        self.root[-1].find(f".//{{{DS}}}X509Certificate").text = other.der_base64
        self.assertEqual(self.codes(), ["", "", "signature"])

    def test_certificates_that_are_none(self) -> None:
        place = self.root[-1].find(f".//{{{DS}}}X509Certificate")
        for text in ("", "AAAA", "%"):
            place.text = text
            self.assertEqual(self.codes(), ["", "", "certificate"])
        place.getparent().remove(place)
        self.assertEqual(self.codes(), ["", "", "no_certificate"])

    def test_references_to_something_else(self) -> None:
        reference = self.info().find(f"{{{DS}}}Reference")
        for address in ("http://127.0.0.1/x", "file:///etc/passwd", "#x", "#", "#xpointer(/)"):
            reference.set("URI", address)
            self.assertEqual(self.codes(), ["", "", "reference"])
        del reference.attrib["URI"]
        self.assertEqual(self.codes(), ["", "", "reference"])

    def test_a_reference_that_points_out_of_the_signature(self) -> None:
        second = etree.fromstring(etree.tostring(self.info().find(f"{{{DS}}}Reference")))
        second.set("URI", "#guia")
        self.info().append(second)
        self.guias[0].set("Id", "guia")
        self.assertEqual(self.codes()[-1], "reference")
        second.set("URI", "")
        self.assertEqual(self.codes()[-1], "reference")

    def test_transforms_that_compute(self) -> None:
        transform = self.info().find(f".//{{{DS}}}Transform")
        for name in ("http://www.w3.org/TR/1999/REC-xslt-19991116", "urn:x", ""):
            transform.set("Algorithm", name)
            self.assertEqual(self.codes(), ["", "", "transform"])

    def test_algorithms(self) -> None:
        old = signed_lote(algorithm=RSA_SHA1)
        self.assertEqual(codes(old), ["algorithm"] * 3)
        self.assertEqual(codes(old, accept_sha1=True), ["", "", ""])
        method = self.info().find(f"{{{DS}}}SignatureMethod")
        for name in ("http://www.w3.org/2000/09/xmldsig#hmac-sha1", "urn:x", ""):
            method.set("Algorithm", name)
            self.assertEqual(self.codes(accept_sha1=True), ["", "", "algorithm"])

    def test_two_signatures_in_one_place(self) -> None:
        self.root.append(etree.fromstring(etree.tostring(self.root[-1])))
        self.assertEqual(self.codes(), ["", "", "structure", "structure"])

    def test_a_signature_without_its_parts(self) -> None:
        value = self.root[-1].find(f"{{{DS}}}SignatureValue")
        value.getparent().remove(value)
        self.assertEqual(self.codes(), ["", "", "structure"])

    def test_validity_when_it_was_signed(self) -> None:
        for days, code in (((-10, -5), "expired"), ((5, 10), "not_yet_valid")):
            hand = Signer(Certificate(made.key(), made.issue(days=days)), form=XADES_AD_RB)
            xml = hand.sign_message(load("4.03.00"), load("4.03.00").encode(lote()))
            self.assertEqual(codes(xml), [code])
            self.assertEqual(verify(xml)[0].identity.document, made.CNPJ)

    def test_trust_where_it_is_asked_for(self) -> None:
        self.assertEqual(self.codes(trusted=(made.authority(),)), ["", "", ""])
        self.assertEqual(self.codes(trusted=(made.authority("outra"),)), ["untrusted"] * 3)

    def test_dangerous_files_are_not_even_read(self) -> None:
        bomb = b'<!DOCTYPE x [<!ENTITY a "b">]>' + etree.tostring(self.root)
        with self.assertRaises(UnsafeXML):
            verify(bomb)

    def test_too_many_signatures_are_not_all_checked(self) -> None:
        info = f'<ds:SignedInfo xmlns:ds="{DS}"/>'
        xml = "<a>" + f"<b><c>{info}</c></b>" * 1002 + "</a>"
        found = codes(xml.encode())
        self.assertEqual((found[0], found[999]), ("no_certificate", "no_certificate"))
        self.assertEqual(found[1000:], ["not_checked", "not_checked"])

    @common.profile(150)
    @common.given(common.st.integers(0, 10**6), common.st.binary(min_size=0, max_size=3))
    def test_a_damaged_signature_breaks_nothing(self, at: int, put: bytes) -> None:
        """Blanks in base64 may be anywhere, so some still hold: then for who signed, only."""
        xml = signed_once()
        at = xml.index(b"<ds:Signature") + at % (len(xml) - xml.index(b"<ds:Signature"))
        try:
            found = verify(xml[:at] + put + xml[at + 1 :])
        except DecodeError:
            return
        for each in found:
            self.assertTrue(each.code or each.identity == made.clinic().identity)

    def test_a_signature_as_root_signs_nothing(self) -> None:
        self.assertEqual(verify(etree.tostring(self.root[-1])), [])


class TestOthers(unittest.TestCase):
    """What ours says of signatures that others made, and others of ours."""

    def test_signxml_finds_ours_right(self) -> None:
        xml = signed_lote()
        for document in (xml, guia_as_document(xml), guia_as_document(xml, 1)):
            XMLVerifier().verify(document, x509_cert=made.clinic().x509)

    def test_one_made_inclusively_inside_a_message_with_other_namespaces(self) -> None:
        plain = (
            load("4.03.00")
            .encode(common.lote())
            .replace(
                b"<ans:mensagemTISS ",
                b'<ans:mensagemTISS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ',
            )
        )
        for method in (INCLUSIVE, EXCLUSIVE):
            hand = XMLSigner(signature_algorithm=SignatureMethod.RSA_SHA256, c14n_algorithm=method)
            root = hand.sign(etree.fromstring(plain), key=made.key(), cert=[made.clinic().x509])
            self.assertEqual(codes(etree.tostring(root)), [""])

    def test_a_guia_that_was_signed_inclusively_before_it_came_into_the_lote(self) -> None:
        schema = load("4.03.00")
        field = schema.field(common.GUIAS_PATH)
        alone = etree.fromstring(schema.encode_part(field, common.consulta()))
        hand = XMLSigner(signature_algorithm=SignatureMethod.RSA_SHA256, c14n_algorithm=INCLUSIVE)
        signature = hand.sign(alone, key=made.key(), cert=[made.clinic().x509])[-1]
        signature.tag = f"{ANS}{GUIA_FIELD}"
        guia = {**common.consulta(), GUIA_FIELD: etree.tostring(signature).decode()}
        xml = schema.encode(common.lote(guia)).replace(
            b"<ans:mensagemTISS ", b'<ans:mensagemTISS xmlns:x="urn:x" '
        )
        self.assertEqual(codes(xml), [""])

    def test_a_signature_of_the_standard_inside_the_field_of_the_guia(self) -> None:
        """Against the XSD, but a signature all the same: what it signs is read from its place."""
        root = etree.fromstring(signed_lote(1))
        holder = root.find(f".//{ANS}{GUIA_FIELD}")
        inner = etree.SubElement(holder, f"{{{DS}}}Signature")
        for each in list(holder)[:-1]:
            inner.append(each)
        self.assertEqual(codes(etree.tostring(root))[0], "digest")

    @unittest.skipUnless(xmlsec.PROGRAM, xmlsec.NO_XMLSEC)
    def test_xmlsec_finds_ours_right(self) -> None:
        for form, algorithm in WAYS:
            with self.subTest(form=form, algorithm=algorithm):
                xml = signed_lote(form=form, algorithm=algorithm)
                for document in (xml, guia_as_document(xml), guia_as_document(xml, 1)):
                    self.assertTrue(xmlsec.verify(document))
                    changed = document.replace(b">150.00<", b">151.00<")
                    self.assertNotEqual(changed, document)
                    self.assertFalse(xmlsec.verify(changed))

    @unittest.skipUnless(xmlsec.PROGRAM, xmlsec.NO_XMLSEC)
    def test_ours_finds_one_of_xmlsec_right(self) -> None:
        """Also of one who writes no prefix at all, as most tools in Brazil do."""
        schema = load("4.03.00")
        plain = schema.encode(lote())
        bare = re.sub(rb"(</?)ans:", rb"\1", plain).replace(b"xmlns:ans=", b"xmlns=")
        for method in (INCLUSIVE, EXCLUSIVE):
            for document in (plain, bare):
                end = document.rindex(b"</")
                xml = xmlsec.sign(document[:end] + _template(method) + document[end:])
                self.assertTrue(schema.validate(xml))
                self.assertEqual(codes(xml, trusted=(made.authority(),)), [""])
                self.assertEqual(codes(xml.replace(b">150.00<", b">151.00<")), ["digest"])


def _template(method: str) -> bytes:
    return (
        f'<Signature xmlns="{DS}"><SignedInfo>'
        f'<CanonicalizationMethod Algorithm="{method}"/>'
        f'<SignatureMethod Algorithm="{SignatureMethod.RSA_SHA256.value}"/>'
        '<Reference URI=""><Transforms>'
        f'<Transform Algorithm="{DS}enveloped-signature"/><Transform Algorithm="{method}"/>'
        f'</Transforms><DigestMethod Algorithm="{DigestAlgorithm.SHA256.value}"/>'
        "<DigestValue/></Reference></SignedInfo><SignatureValue/>"
        "<KeyInfo><X509Data/></KeyInfo></Signature>"
    ).encode()


class TestVerdict(unittest.TestCase):
    def test_is_valid_without_a_code(self) -> None:
        self.assertTrue(Verdict("mensagemTISS").valid)
        self.assertFalse(Verdict("mensagemTISS", "digest").valid)
