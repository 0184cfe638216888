from odoo.tests import tagged

from ..models.inside import INSIDE
from ..operadora.server import serve
from .common import CONSULTATION, ECG
from .guia_records import VERSIONS
from .test_delivery import DeliveryCase

GOOD, BAD = "0123456789", "0999999999"
SERVICES = (
    "tissVerificaElegibilidade",
    "tissSolicitacaoStatusProtocolo",
    "tissSolicitacaoDemonstrativoRetorno",
    "tissCancelaGuia",
)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestQuestionsDelivered(DeliveryCase):
    """Questions and cancellations by web service, answered by the simulated operadora."""

    options = {"eligibility": {GOOD: None, BAD: "1016"}, "status_by_lote": True}

    def setUp(self):
        super().setUp()
        for service in SERVICES:
            self._connect(service)

    def _send_received(self, *visits):
        lote = self._send(*visits)
        self._deliver()
        self.assertEqual(lote.state, "received", lote.delivery_ids.problem)
        return lote

    # ------------------------------------------------------------------
    # Eligibility
    # ------------------------------------------------------------------

    def test_eligibility_with_one_click_at_the_reception(self):
        reception = self._create_user("recepcao.servico", "reception")
        check = self.card.with_user(reception).verify_eligibility()
        self.assertEqual(check.state, "sending")
        self._deliver()
        self.assertEqual((check.state, check.result), ("received", "eligible"))
        self.assertEqual(self.card.with_user(reception).eligibility_state, "eligible")
        self.assertEqual(self.card.eligibility_text, "Eligible, verified today.")

    def test_not_eligible(self):
        card = self.card.copy({"number": BAD})
        check = card.verify_eligibility()
        self._deliver()
        self.assertEqual((check.state, check.result), ("received", "not_eligible"))
        self.assertIn("1016", check.denial_reason)
        self.assertIn("ATENDIMENTO SUSPENSO", check.denial_reason)

    def test_many_at_once_are_not_mixed_up(self):
        others = self.env["tiss.card"].create(
            [
                {
                    "patient_id": self.env["res.partner"].create({"name": f"Pessoa {i}"}).id,
                    "plan_id": self.plan.id,
                    "number": number,
                }
                for i, number in enumerate((BAD, "0123456788", "0123456787"))
            ]
        )
        checks = (self.card | others).verify_eligibility()
        self._deliver()
        self.assertEqual(set(checks.mapped("state")), {"received"})
        by_number = {check.card_number: check.result for check in checks}
        self.assertEqual(by_number[GOOD], "eligible")
        self.assertEqual(by_number[BAD], "not_eligible")

    # ------------------------------------------------------------------
    # Status
    # ------------------------------------------------------------------

    def test_status(self):
        lote = self._send_received()
        lote.query_status()
        self.assertEqual(lote.protocol_query_ids.state, "sending")
        self.assertEqual(lote.query_status().res_id, lote.protocol_query_ids.id)
        self._deliver()
        self.assertEqual(lote.protocol_query_ids.state, "received")
        self.assertEqual(lote.protocol_status_id.code, "1")
        self.assertEqual(lote.state, "received")

    def _send_without_answer(self, misbehave):
        self.contract.status_by_lote = True
        self.endpoint.url = self.address.url("tissLoteGuias", misbehave)
        lote = self._send()
        self._deliver()
        self.assertEqual(lote.state, "unknown")
        self.endpoint.url = self.address.url("tissLoteGuias")
        return lote

    def _find_out(self):
        with self._later(minutes=16):
            self.env["tiss.delivery"].sudo()._ask_about_unknown()
            self._deliver()

    def test_a_lote_that_arrived_gets_its_protocolo_by_asking(self):
        lote = self._send_without_answer("html+taken")
        self._find_out()
        [arrival] = [
            each for each in self.simulated.arrivals if each.transaction == "ENVIO_LOTE_GUIAS"
        ]
        self.assertEqual((lote.state, lote.protocol_number), ("received", arrival.protocol))
        self.assertLedgerSound()

    def test_a_lote_that_did_not_arrive_may_be_sent_again(self):
        lote = self._send_without_answer("html+lost")
        self._find_out()
        self.assertEqual(lote.state, "validated")
        lote.send()
        self._deliver()
        self.assertEqual(lote.state, "received")
        self.assertEqual(self.simulated.arrivals.lotes("taken"), {lote.name: 1})
        self.assertLedgerSound()

    def test_where_lotes_are_not_found_by_number_a_person_finds_out(self):
        lote = self._send_without_answer("html+lost")
        self.contract.status_by_lote = False
        self._find_out()
        self.assertEqual(lote.state, "unknown")
        self.assertFalse(lote.protocol_query_ids)

    def test_by_itself(self):
        lote = self._send_received()
        lote.sudo().with_context(tiss_correct_protocol=INSIDE).protocol_date = self.visit_date
        self.contract.status_days = 1
        self.contract._ask_due()
        self.assertEqual(lote.protocol_query_ids.state, "sending")
        self._deliver()
        self.contract._ask_due()
        self.assertEqual(len(lote.protocol_query_ids), 1)

    # ------------------------------------------------------------------
    # Demonstrativos
    # ------------------------------------------------------------------

    def test_the_analysis_is_asked_for_imported_and_posted(self):
        lote = self._send_received(ECG, ECG)
        request = lote.request_demonstrativo()
        self._deliver()
        self.assertEqual(request.state, "received", request.delivery_ids.problem)
        demonstrativo = request.demonstrativo_ids
        self.assertEqual(
            (demonstrativo.kind, demonstrativo.contract_id), ("analysis", self.contract)
        )
        self.assertEqual(demonstrativo.message_id, request.delivery_ids.answer_id)
        demonstrativo.post()
        verdict = self.simulated.verdicts[lote.protocol_number]
        self.assertAlmostEqual(
            lote.amount_denied, float(verdict["informado"] - verdict["liberado"])
        )
        self.assertLedgerSound()

    def test_what_was_paid_in_a_month(self):
        lote = self._send_received()
        self.simulated.payment([lote.protocol_number], paid_on=self.today, issued_on=self.today)
        request = self.env["tiss.demonstrativo.request"].create(
            {
                "contract_id": self.contract.id,
                "kind_id": self.env["tiss.term"]._get("53", "1").id,
                "competence_date": self.today,
            }
        )
        request.send()
        self._deliver()
        payment = request.demonstrativo_ids
        self.assertEqual((request.state, payment.kind), ("received", "payment"))
        payment.post()
        again = request.copy()
        again.send()
        self._deliver()
        self.assertEqual((again.state, again.demonstrativo_ids), ("received", payment))
        self.assertLedgerSound()

    def test_nothing_was_paid(self):
        request = self.env["tiss.demonstrativo.request"].create(
            {
                "contract_id": self.contract.id,
                "kind_id": self.env["tiss.term"]._get("53", "1").id,
                "payment_date": self.today,
            }
        )
        request.send()
        self._deliver()
        self.assertEqual(request.state, "rejected")
        self.assertIn("nenhum pagamento no", request.rejection_reason)

    # ------------------------------------------------------------------
    # Cancellations
    # ------------------------------------------------------------------

    def _cancel(self, guias, follow_up="withdraw"):
        cancellation = self.env["tiss.cancellation"]._create_for(guias, "Duplicidade", follow_up)
        self.assertEqual(cancellation.state, "sending")
        self._deliver()
        return cancellation

    def test_guias_are_cancelled(self):
        lote = self._send_received(ECG, ECG)
        guia = lote.guia_ids[0]
        cancellation = self._cancel(guia, "rebill")
        self.assertEqual((cancellation.state, cancellation.result), ("received", "accepted"))
        self.assertEqual((guia.state, len(guia.replaced_by_ids)), ("cancelled", 1))
        self.assertLedgerSound()

    def test_too_late(self):
        lote = self._send_received()
        self.simulated.analysis([lote.protocol_number], issued_on=self.today)
        cancellation = self._cancel(lote.guia_ids)
        self.assertEqual((cancellation.state, cancellation.result), ("received", "refused"))
        self.assertEqual(lote.guia_ids.state, "sent")
        self.assertLedgerSound()

    def test_a_whole_lote(self):
        for version in VERSIONS:
            with self.subTest(version):
                lote = self._send_received_in(version)
                cancellation = self.env["tiss.cancellation"].create(
                    {
                        "contract_id": self.contract.id,
                        "lote_id": lote.id,
                        "reason": "Duplicidade",
                    }
                )
                cancellation.send()
                self._deliver()
                self.assertEqual(cancellation.result, "accepted")
                self.assertEqual(lote.amount_open, 0)
                self.assertLedgerSound()

    def _send_received_in(self, version):
        """An operadora speaks one version: another one listens at the same services."""
        self.contract.version = version
        simulated = self._simulate(seed=VERSIONS.index(version) + 1, **self.options)
        address = self.enterContext(serve(simulated, today=self.today))
        for endpoint in self.contract.endpoint_ids:
            endpoint.sudo().url = address.url(endpoint.service)
        return self._send_received(CONSULTATION)
