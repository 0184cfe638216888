from unittest.mock import patch

from lxml import etree

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from .. import standard
from ..operadora.signatures import examine
from ..operadora.signing import FILE_SIGNATURE
from ..operadora.signing import Signer as OtherSigner
from ..standard.certificate import Certificate
from ..standard.message import to_service
from ..standard.signature import Signer, verify
from ..standard.tests import certificates as made
from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .terms_records import make_a1


@tagged("post_install", "-at_install", "post_install_l10n")
class TestSignature(TissCommon):
    """What is sent carries the signatures that the convênio asks for; what arrives is checked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificate = cls.env["tiss.certificate"].create(
            {"file": make_a1(), "password": made.PASSWORD}
        )
        cls.contract.certificate_id = cls.certificate
        cls.operadora_key = made.key("operadora")
        cls.other_certificate = made.issue(
            holder="OPERADORA INVENTADA", names={}, private_key=cls.operadora_key
        )

    def setUp(self):
        super().setUp()
        # One for all answers of a test: each has another protocolo.
        self.other_side = self._simulate()

    def _codes(self, content, **options):
        return [each.code for each in verify(content, **options)]

    def _places(self, content):
        return [each.where.rpartition("/")[2] for each in verify(content)]

    # ------------------------------------------------------------------
    # What is sent
    # ------------------------------------------------------------------

    def test_nothing_is_signed_where_nobody_asks_for_it(self):
        self.assertEqual(verify(self._create_lote(CONSULTATION).get_xml()), [])

    def test_guias_and_message(self):
        self.contract.write({"sign_guias": True, "sign_messages": True})
        for form in ("xmldsig", "xades"):
            self.contract.signature_form = form
            xml = self._create_lote(CONSULTATION, CONSULTATION).get_xml()
            self.assertEqual(
                self._places(xml), ["guiaConsulta[1]", "guiaConsulta[2]", "mensagemTISS"]
            )
            self.assertEqual(self._codes(xml), ["", "", ""])
            self.assertEqual({each.form for each in verify(xml)}, {form})
            self.assertEqual({each.identity.document for each in verify(xml)}, {made.CNPJ})

    def test_guias_alone_and_message_alone(self):
        self.contract.sign_guias = True
        self.assertEqual(self._places(self._create_lote(CONSULTATION).get_xml()), ["guiaConsulta"])
        self.contract.write({"sign_guias": False, "sign_messages": True})
        self.assertEqual(self._places(self._create_lote(CONSULTATION).get_xml()), ["mensagemTISS"])

    def test_hash_and_schema_stay_right(self):
        self.contract.write({"sign_guias": True, "sign_messages": True})
        lote = self._create_lote({ECG: 1, DIPYRONE: 2})
        schema = standard.load(lote.version)
        self.assertEqual(schema.explain(lote.get_xml()), [])
        self.assertEqual(lote.message_id.tiss_hash, schema.digest(lote.get_xml()))
        self.assertEqual(
            schema.decode(lote.get_xml())["epilogo"]["hash"], lote.message_id.tiss_hash
        )
        lote.send()
        answer = self.other_side.receive(lote.get_xml(), self.today)
        self.assertEqual(self.env["tiss.message"].receive_file("protocolo.xml", answer), lote)
        self.assertEqual(lote.state, "received")

    def test_older_algorithm(self):
        self.contract.write({"sign_messages": True, "signature_algorithm": "rsa-sha1"})
        xml = self._create_lote(CONSULTATION).get_xml()
        self.assertEqual(self._codes(xml), ["algorithm"])
        self.assertEqual(self._codes(xml, accept_sha1=True), [""])

    def test_the_form_of_a_web_service_keeps_the_signatures_of_its_guias(self):
        self.contract.write({"sign_guias": True, "sign_messages": True})
        lote = self._create_lote(CONSULTATION)
        schema = standard.load(lote.version)
        element, values = to_service(schema.decode(lote.get_xml()), login=("CLINICA", "0" * 32))
        xml = lote._seal(values, element=element)
        self.assertEqual(self._codes(xml), ["", ""])
        self.assertEqual(schema.explain(xml), [])
        [signature] = (
            guia["assinaturaDigitalGuia"]
            for guia in schema.decode(xml)["loteGuias"]["guiasTISS"]["guiaConsulta"]
        )
        [in_file] = (
            guia["assinaturaDigitalGuia"]
            for guia in schema.decode(lote.get_xml())["prestadorParaOperadora"]["loteGuias"][
                "guiasTISS"
            ]["guiaConsulta"]
        )
        self.assertEqual(signature, in_file)

    def test_what_is_cut_for_a_web_service_is_signed_as_what_is_written_anew(self):
        login = ("CLINICA", "0" * 32)
        lote = self._create_lote(CONSULTATION, CONSULTATION)
        schema = standard.load(lote.version)
        for guias, messages, count in ((0, 1, 1), (1, 0, 2), (1, 1, 3)):
            with self.subTest(guias=guias, messages=messages):
                unsigned_yet = lote.get_xml()
                self.contract.write({"sign_guias": guias, "sign_messages": messages})
                if guias:
                    late = lote._seal_for_service(unsigned_yet, login)
                    self.assertEqual(self._codes(late), [""] * count, "signed after all")
                lote.build()
                xml = lote._seal_for_service(lote.get_xml(), login)
                self.assertTrue(lote._cut(lote.get_xml(), login))
                self.assertEqual(self._codes(xml), [""] * count)
                self.assertEqual(schema.explain(xml), [])
                self.assertEqual(schema.digest(xml), schema.decode(xml)["hash"])
                with patch.object(type(lote), "_cut", lambda *args: None):
                    anew = lote._seal_for_service(lote.get_xml(), login)
                self.assertEqual(schema.digest(anew), schema.digest(xml))
                # Each signature of the whole has its own time.
                bodies = [schema.decode(each)["loteGuias"] for each in (xml, anew)]
                self.assertEqual(*bodies)
                self.contract.write({"sign_guias": False, "sign_messages": False})
                lote.build()

    def test_the_operadora_finds_them_right_with_code_of_its_own(self):
        self.contract.write({"sign_guias": True, "sign_messages": True})
        for form, algorithm in (("xmldsig", "rsa-sha1"), ("xades", "rsa-sha256")):
            self.contract.write({"signature_form": form, "signature_algorithm": algorithm})
            lote = self._create_lote({ECG: 1}, {DIPYRONE: 2})
            schema = standard.load(lote.version)
            element, values = to_service(schema.decode(lote.get_xml()))
            for xml in (lote.get_xml(), lote._seal(values, element=element)):
                found = examine(etree.fromstring(xml), self.today)
                self.assertEqual(sorted(each.kind for each in found), ["guia", "guia", "message"])
                self.assertEqual([each.problem for each in found], ["", "", ""])
                changed = etree.fromstring(xml.replace(b"7.45", b"8.45"))
                problems = [each.problem for each in examine(changed, self.today)]
                self.assertEqual(len(list(filter(None, problems))), 2)

    def test_ours_finds_that_of_the_operadora_right(self):
        lote = self._create_lote(CONSULTATION)
        lote.send()
        answer = self.other_side.receive(lote.get_xml(), self.today)
        pem = Certificate(self.operadora_key, self.other_certificate).pem()
        answer = OtherSigner(pem).sign(answer, FILE_SIGNATURE)
        self.assertEqual(self._receive(lote, answer).signature_state, "valid")

    def test_whoever_may_send_signs_without_seeing_the_certificate(self):
        self.contract.write({"sign_guias": True, "sign_messages": True})
        billing = self._create_user("a.faturamento", "billing")
        encounters = self._create_encounters(CONSULTATION)
        lote = encounters.create_guias().create_lotes().with_user(billing)
        lote.build()
        self.assertEqual(self._codes(lote.get_xml()), ["", ""])

    def test_an_expired_certificate_stops_the_lote_and_says_what_to_do(self):
        self.contract.sign_messages = True
        expired = Certificate(made.key(), made.issue(days=(-20, -1)))
        self.certificate.sudo()._keep(expired)
        lote = self._create_encounters(CONSULTATION).create_guias().create_lotes()
        with self.assertRefused("CLINICA FICTICIA LTDA cannot be used: The certificate has exp"):
            lote.build()
        self.assertEqual(lote.state, "draft")

    def test_what_is_wrong_in_a_guia_is_still_said_in_its_words(self):
        self.contract.sign_guias = True
        lote = self._create_encounters(CONSULTATION).create_guias().create_lotes()
        # What no form lets through any more.
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE tiss_guia SET card_number = %s WHERE lote_id = %s", ["9" * 30, lote.id]
        )
        self.env.invalidate_all()
        with self.assertRaises(UserError) as caught:
            lote.build()
        self.assertIn("too long", str(caught.exception))

    # ------------------------------------------------------------------
    # What the convênio says
    # ------------------------------------------------------------------

    def test_signing_needs_a_certificate(self):
        for name in ("sign_guias", "sign_messages"):
            with self.assertRefused("choose the digital certificate", ValidationError):
                self.contract.write({"certificate_id": False, name: True})

    def test_the_policies_do_not_allow_the_older_algorithm(self):
        with self.assertRefused("only RSA-SHA256", ValidationError):
            self.contract.write({"signature_form": "xades", "signature_algorithm": "rsa-sha1"})

    def test_on_the_form_of_the_convenio(self):
        with Form(self.contract) as form:
            form.sign_messages = True
            form.signature_form = "xades"
            form.signature_policy = "2.5"
        policy = b"urn:oid:2.16.76.1.7.1.6.2.5"
        self.assertIn(policy, self._create_lote(CONSULTATION).get_xml())

    # ------------------------------------------------------------------
    # What arrives
    # ------------------------------------------------------------------

    def _answer(self, algorithm="rsa-sha256"):
        """(lote, its signed receipt): the operadora signs with a certificate of its own."""
        lote = self._create_lote(CONSULTATION)
        lote.send()
        certificate = Certificate(self.operadora_key, self.other_certificate)
        signer = Signer(certificate, algorithm=algorithm)
        answer = self.other_side.receive(lote.get_xml(), self.today)
        return lote, signer.sign_message(standard.load("4.03.00"), answer)

    def _receive(self, lote, content):
        self.env["tiss.message"].receive_file("protocolo.xml", content)
        return lote.tiss_message_ids.filtered(lambda message: message.direction == "in")

    def test_a_signed_answer(self):
        lote, answer = self._answer()
        message = self._receive(lote, answer)
        self.assertEqual((lote.state, message.signature_state), ("received", "valid"))
        self.assertIn("OPERADORA INVENTADA", message.signature_note)
        self.assertIn("chain of the certificate was not checked", message.signature_note)

    def test_a_changed_answer_is_received_all_the_same_and_pointed_out(self):
        lote, answer = self._answer()
        name = lote.name.encode()
        changed = answer.replace(b"<ans:sequencialTransacao>", b"<ans:sequencialTransacao>9")
        self.assertNotEqual(changed, answer)
        self.assertIn(name, changed)
        message = self._receive(lote, changed)
        self.assertEqual((lote.state, message.signature_state), ("received", "invalid"))
        self.assertIn("the content was changed", message.signature_note)

    def test_the_older_algorithm_holds_only_where_the_convenio_uses_it(self):
        lote, answer = self._answer("rsa-sha1")
        message = self._receive(lote, answer)
        self.assertEqual(message.signature_state, "invalid")
        self.assertIn("no longer safe", message.signature_note)
        self.contract.signature_algorithm = "rsa-sha1"
        lote, answer = self._answer("rsa-sha1")
        self.assertEqual(self._receive(lote, answer).signature_state, "valid")

    def test_an_answer_without_signature_says_nothing_of_it(self):
        lote = self._create_lote(CONSULTATION)
        lote.send()
        message = self._receive(lote, self.other_side.receive(lote.get_xml(), self.today))
        self.assertFalse(message.signature_state or message.signature_note)

    def test_a_broken_signature_stops_nothing(self):
        lote, answer = self._answer()
        start = answer.index(b"<ds:SignatureValue>")
        message = self._receive(lote, answer[: start + 19] + b"AAAA" + answer[start + 19 :])
        self.assertEqual((lote.state, message.signature_state), ("received", "invalid"))
