from odoo.tests import tagged

from .common import BLOOD_COUNT, ECG
from .test_delivery import DeliveryCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRecursoDelivered(DeliveryCase):
    """A recurso and the question about it by web service, answered by the simulated operadora."""

    def setUp(self):
        super().setUp()
        for service in ("tissRecursoGlosa", "tissSolicitacaoStatusRecursoGlosa"):
            self._connect(service)
        self.lote = self._send(*[{ECG: 1, BLOOD_COUNT: 2}] * 30)
        self._deliver()
        content = self.simulated.analysis([self.lote.protocol_number], issued_on=self.today)
        self.env["tiss.message"].receive_file("analise.xml", content).post()
        self.glosa = self.lote.glosa_ids.filtered("code")[0]

    def test_taken_and_answered(self):
        recurso = self.glosa.create_recurso()
        recurso.send()
        self.assertEqual((recurso.state, self.glosa.state), ("sending", "appealed"))
        self._deliver()
        self.assertEqual(recurso.state, "received", recurso.rejection_reason)
        recurso.query_status()
        self._deliver()
        told = self.simulated.appeals[recurso.protocol_number]
        self.assertEqual(recurso.state, "answered")
        self.assertEqual(f"{recurso.amount_granted:.2f}", str(told["acatado"]))
        self.assertLedgerSound()

    def test_from_the_glosa_to_the_last_cent(self):
        """Contested, contested again, paid, and what is left given up: nothing stays open."""
        receive = self.env["tiss.message"].receive_file
        number = self.lote.protocol_number
        paid = self.simulated.payment([number], paid_on=self.today, issued_on=self.today)
        receive("pagamento.xml", paid).post()
        coded = self.lote.glosa_ids.filtered("code")
        first = self._contest(coded)
        self.assertTrue(any(first.mapped("amount_granted")), "something is granted")
        kept = coded.filtered(lambda glosa: glosa.state == "kept")
        second = self._contest(kept)
        self.assertEqual(set(second.mapped("instance")), {"2"})
        self.assertLedgerSound()
        paid = self.simulated.appeal_payment(paid_on=self.today, issued_on=self.today)
        receive("recursos.xml", paid).post()
        told = sum(each["acatado"] for each in self.simulated.appeals.values())
        recovered = sum((first | second).mapped("amount_recovered"))
        self.assertEqual(f"{recovered:.2f}", f"{told:.2f}")
        self.assertFalse(any(coded.mapped("amount_appealed")))
        invoice = self.lote.invoice_id
        left = sum(self.lote.glosa_ids.mapped("amount_open"))
        self.assertEqual(f"{invoice.amount_residual:.2f}", f"{left:.2f}")
        self.lote.glosa_ids.accept()
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(invoice.payment_state, "paid")
        self.assertEqual(self.lote.state, "closed")
        self.assertLedgerSound()

    def _contest(self, glosas):
        """Recursos about glosas, taken and answered by the simulated operadora."""
        recursos = glosas.create_recurso()
        recursos.send()
        self._deliver()
        self.assertEqual(set(recursos.mapped("state")), {"received"})
        recursos.query_status()
        self._deliver()
        self.assertEqual(set(recursos.mapped("state")), {"answered"})
        return recursos

    def test_what_did_not_arrive_is_denied_as_before(self):
        recurso = self.glosa.create_recurso()
        recurso.send()
        recurso._mark_undelivered(recurso.message_id, "Recusado")
        self.assertEqual((recurso.state, self.glosa.state), ("validated", "open"))
        self.assertLedgerSound()
