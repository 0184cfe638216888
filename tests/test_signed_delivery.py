from odoo.tests import tagged

from ..standard.certificate import Certificate
from ..standard.tests import certificates as made
from .common import DIPYRONE, ECG
from .terms_records import make_a1
from .test_delivery import DeliveryCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestSignedDelivery(DeliveryCase):
    """A web service that wants signatures of guias and message, and signs what it answers."""

    options = {
        "signed": {"guia", "message"},
        "key": Certificate(
            made.key("operadora"),
            made.issue(holder="OPERADORA INVENTADA", private_key=made.key("operadora")),
        ).pem(),
    }

    def setUp(self):
        super().setUp()
        certificate = self.env["tiss.certificate"].create(
            {"file": make_a1(), "password": made.PASSWORD}
        )
        self.contract.certificate_id = certificate

    def test_signed_it_is_received_and_the_answer_is_checked(self):
        self.contract.write({"service_login": "clinica", "service_password": "segredo"})
        for form in ("xmldsig", "xades"):
            self.contract.write({"sign_guias": True, "sign_messages": True, "signature_form": form})
            lote = self._send({ECG: 1}, {DIPYRONE: 2})
            self._deliver()
            self.assertEqual((lote.state, lote.delivery_ids.problem), ("received", False))
            answer = lote.delivery_ids.answer_id
            self.assertEqual(answer.signature_state, "valid", answer.signature_note)
            self.assertIn("OPERADORA INVENTADA", answer.signature_note)
            findings = self.simulated.arrivals[-1].signatures
            self.assertEqual(len(findings), 3)
            self.assertEqual([each for each in findings if made.CLINIC not in each], [])

    def test_without_signature_it_is_refused_in_words(self):
        self.contract.sign_messages = True
        lote = self._send(ECG)
        self._deliver()
        self.assertEqual(lote.state, "rejected")
        self.assertIn("3168", lote.rejection_reason)

    def test_a_certificate_that_expired_meanwhile_sends_nothing(self):
        self.contract.write({"sign_guias": True, "sign_messages": True})
        lote = self._send(ECG)
        expired = made.issue(days=(-20, -1))
        self.contract.certificate_id.sudo()._keep(Certificate(made.key(), expired))
        self._deliver()
        self.assertEqual(self.simulated.arrivals, [])
        self.assertEqual(lote.delivery_ids.state, "failed")
        self.assertIn("has expired", lote.delivery_ids.problem)

    def test_the_clinic_shows_its_certificate_to_a_server_that_asks(self):
        self.contract.write({"sign_guias": True, "sign_messages": True})
        self._ask_for_certificates()
        lote = self._send(ECG)
        self._deliver()
        self.assertEqual((lote.state, lote.delivery_ids.problem), ("received", False))
        stranger = made.issue(issuer="OUTRA AC")
        self.contract.certificate_id.sudo()._keep(Certificate(made.key(), stranger))
        lote = self._send(ECG)
        self._deliver()
        self.assertEqual(lote.delivery_ids.code, "certificate")
        self.assertNotEqual(lote.state, "received")
