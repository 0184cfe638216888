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

    def test_what_did_not_arrive_is_denied_as_before(self):
        recurso = self.glosa.create_recurso()
        recurso.send()
        recurso._mark_undelivered(recurso.message_id, "Recusado")
        self.assertEqual((recurso.state, self.glosa.state), ("validated", "open"))
        self.assertLedgerSound()
