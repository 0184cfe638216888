from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .authorization_records import AuthorizationRecords
from .common import CONSULTATION, ECG, TissCommon
from .guia_records import VERSIONS
from .question_records import QuestionRecords
from .return_messages import analysis_message

WHY = "Paciente faturado em duplicidade"


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCancellation(QuestionRecords, AuthorizationRecords, TissCommon):
    """The operadora is told to cancel; what it cancels is withdrawn, the rest stays owed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls.Cancellation = cls.env["tiss.cancellation"]
        cls.lote = cls._create_received_lote(ECG, ECG, ECG, protocol="900001")
        cls.guias = cls.lote.guia_ids.sorted("number")

    def _cancel(self, guias=None, follow_up="withdraw"):
        cancellation = self.Cancellation._create_for(guias or self.guias[:2], WHY, follow_up)
        cancellation.send()
        return cancellation

    def _cancel_lote(self, lote, follow_up="withdraw"):
        cancellation = self.Cancellation.create(
            {
                "contract_id": self.contract.id,
                "lote_id": lote.id,
                "reason": WHY,
                "follow_up": follow_up,
            }
        )
        cancellation.send()
        return cancellation

    def _statuses(self, *codes):
        return dict(zip(self.guias.mapped("name"), codes, strict=False))

    # ------------------------------------------------------------------
    # What is told
    # ------------------------------------------------------------------

    def test_golden_of_guias(self):
        """Written by hand from the guide, in both versions."""
        for version, protocol in zip(VERSIONS, ("900002", "900003"), strict=True):
            self.contract.version = version
            first, second = self._create_encounters(ECG, ECG).create_guias().sorted("number")
            second.write({"operadora_number": "OP-2", "authorization_date": self.visit_date})
            lote = (first | second).create_lotes()
            lote.send()
            lote.register_protocol(protocol)
            body = (
                "<ans:cancelaGuia><ans:dadosPrestador>"
                "<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
                "</ans:dadosPrestador><ans:tipoCancelamento>"
                "<ans:tipoCancelamentoGuia><ans:tipoGuia>2</ans:tipoGuia>"
                f"<ans:numeroGuiaPrestador>{first.name}</ans:numeroGuiaPrestador>"
                f"<ans:numeroProtocolo>{protocol}</ans:numeroProtocolo></ans:tipoCancelamentoGuia>"
                "<ans:tipoCancelamentoGuia><ans:tipoGuia>2</ans:tipoGuia>"
                f"<ans:numeroGuiaPrestador>{second.name}</ans:numeroGuiaPrestador>"
                "<ans:numeroGuiaOperadora>OP-2</ans:numeroGuiaOperadora>"
                f"<ans:numeroProtocolo>{protocol}</ans:numeroProtocolo></ans:tipoCancelamentoGuia>"
                "</ans:tipoCancelamento></ans:cancelaGuia>"
            )
            cancellation = self._cancel(first | second)
            with self.subTest(version):
                self._decode_sent(cancellation)
                content = b"".join(map(bytes.strip, cancellation.get_xml().splitlines()))
                self.assertIn(body.encode(), content)
                self.assertNotIn(WHY.encode(), content, "the reason is ours")

    def test_golden_of_a_lote(self):
        for version in VERSIONS:
            self.contract.version = version
            cancellation = self._cancel_lote(self.lote)
            with self.subTest(version):
                self.assertEqual(
                    self._decode_sent(cancellation)["tipoCancelamento"],
                    {
                        "tipoCancelamentoLote": {
                            "numeroLote": self.lote.name,
                            "numeroProtocolo": "900001",
                        }
                    },
                )
            self._receive(self._answer_cancelled_lote(self.lote, "2"))

    def test_what_cannot_be_cancelled_is_said(self):
        ready = self._create_encounters(ECG).create_guias()
        with self.assertRefused("was not received under a protocolo"):
            self._cancel(ready)
        self._receive(analysis_message(self.lote, {(self.guias[0].name, 1): 41.10}, "D1")).post()
        with self.assertRefused("contested by a recurso de glosa"):
            self._cancel()
        with self.assertRefused("already answered about its money"):
            self._cancel_lote(self.lote)
        with self.assertRefused("Choose a whole lote, or else single guias"):
            self.Cancellation.create({"contract_id": self.contract.id, "reason": WHY}).build()

    def test_told_once(self):
        first = self._cancel()
        with self.assertRefused(f"is being cancelled already with {first.name}"):
            self._cancel(self.guias[0])
        self._cancel_lote(self.lote)
        with self.assertRefused("This lote is being cancelled already"):
            self._cancel_lote(self.lote)

    # ------------------------------------------------------------------
    # What it answers about guias
    # ------------------------------------------------------------------

    def test_cancelled(self):
        cancellation = self._cancel()
        content = self._answer_cancelled_guias(self._statuses("1", "1"))
        self.assertEqual(self._receive(content), cancellation)
        self.assertEqual((cancellation.state, cancellation.result), ("received", "accepted"))
        self.assertEqual(self.guias.mapped("state"), ["cancelled", "cancelled", "sent"])
        self.assertEqual(self.lote.amount_open, 41.10)
        self.assertEqual(self.lote.invoice_id.amount_residual, 41.10)
        self.assertIn(WHY, self.guias[0].log_ids.mapped("reason"))
        self.assertLedgerSound()

    def test_cancelled_and_billed_again(self):
        cancellation = self._cancel(follow_up="rebill")
        self._receive(self._answer_cancelled_guias(self._statuses("1", "1")))
        substitutes = self.guias[:2].replaced_by_ids
        self.assertEqual(len(substitutes), 2)
        self.assertEqual(cancellation.substitute_count, 2)
        self.assertFalse(substitutes.lote_id)
        self.assertFalse(set(substitutes.mapped("name")) & set(self.guias.mapped("name")))
        self.assertLedgerSound()

    def test_one_of_two(self):
        cancellation = self._cancel()
        self._receive(self._answer_cancelled_guias(self._statuses("1", "2")))
        self.assertEqual(cancellation.result, "partial")
        self.assertEqual(self.guias.mapped("state"), ["cancelled", "sent", "sent"])
        self.assertEqual(cancellation.line_ids.status_id.mapped("code"), ["1", "2"])
        self.assertLedgerSound()

    def test_each_refusal_leaves_the_guia_owed(self):
        for code in ("2", "3", "5", "6"):
            with self.subTest(code):
                cancellation = self._cancel(self.guias[0])
                self._receive(self._answer_cancelled_guias({self.guias[0].name: code}))
                self.assertEqual((cancellation.state, cancellation.result), ("received", "refused"))
                self.assertEqual(self.guias[0].state, "sent")
        self.assertLedgerSound()

    def test_in_process_waits_for_the_next_answer(self):
        cancellation = self._cancel()
        self._receive(self._answer_cancelled_guias(self._statuses("1", "4")))
        self.assertEqual((cancellation.state, cancellation.result), ("sent", "in_process"))
        self.assertEqual(self.guias.mapped("state"), ["cancelled", "sent", "sent"])
        self._receive(self._answer_cancelled_guias({self.guias[1].name: "1"}))
        self.assertEqual((cancellation.state, cancellation.result), ("received", "accepted"))
        self.assertEqual(self.guias.mapped("state"), ["cancelled", "cancelled", "sent"])
        self.assertLedgerSound()

    def test_the_same_file_twice(self):
        self._cancel()
        content = self._answer_cancelled_guias(self._statuses("1", "1"))
        cancellation = self._receive(content)
        before = self._get_content()
        self.assertEqual(self._receive(content), cancellation)
        self.assertEqual(self._get_content(), before)

    def test_unknown_guias_and_unasked_receipts(self):
        self._cancel()
        content = self._answer_cancelled_guias({self.guias[0].name: "1", "4711": "1"})
        with self.assertRefused("no cancellation of it waits"):
            self._receive(content)
        content = self._answer_cancelled_lote(self.lote, "1")
        with self.assertRefused("does not wait for an answer here"):
            self._receive(content)

    def test_refused_as_a_whole(self):
        cancellation = self._cancel()
        self._receive(self._refuse_cancellation("3291"))
        self.assertEqual(cancellation.rejection_reason, "3291 MOTIVO")
        self.assertEqual(self.guias[0].state, "sent")
        cancellation.action_correct()
        cancellation.send()
        self.assertEqual(cancellation.state, "sent")

    def test_a_receipt_that_comes_after_the_analysis_is_kept_and_told(self):
        cancellation = self._cancel()
        self._receive(analysis_message(self.lote, {(self.guias[0].name, 1): 41.10}, "D1")).post()
        self._receive(self._answer_cancelled_guias(self._statuses("1", "1")))
        self.assertEqual((cancellation.state, cancellation.result), ("received", "accepted"))
        self.assertIn("contested by a recurso de glosa", cancellation.problem)
        self.assertEqual(cancellation.activity_ids.summary, "Cancelled at the operadora, not here")
        self.assertEqual(
            self.guias[0].state, "closed" if not self.guias[0].amount_open else "processed"
        )
        self.assertEqual(self.guias[1].state, "cancelled", "the other one can follow")
        self.assertLedgerSound()

    def test_said_by_telephone(self):
        cancellation = self._cancel()
        cancellation.action_accept()
        self.assertEqual(cancellation.result, "accepted")
        self.assertEqual(set(self.guias[:2].mapped("state")), {"cancelled"})
        other = self._cancel(self.guias[2])
        other.action_reject()
        self.assertEqual((other.result, self.guias[2].state), ("refused", "sent"))
        self.assertLedgerSound()

    # ------------------------------------------------------------------
    # Whole lotes
    # ------------------------------------------------------------------

    def test_a_lote_with_a_protocolo(self):
        cancellation = self._cancel_lote(self.lote, "rebill")
        self._receive(self._answer_cancelled_lote(self.lote, "1"))
        self.assertEqual(cancellation.result, "accepted")
        self.assertEqual(set(self.guias.mapped("state")), {"cancelled"})
        self.assertEqual(self.lote.amount_open, 0)
        self.assertEqual(self.lote.invoice_id.amount_residual, 0)
        self.assertEqual(cancellation.substitute_count, 3)
        self.assertLedgerSound()

    def test_a_lote_without_a_protocolo_gives_its_guias_back(self):
        lote = self._create_lote(CONSULTATION)
        lote.send()
        guia = lote.guia_ids
        self._cancel_lote(lote, "rebill")
        self._receive(self._answer_cancelled_lote(lote, "1"))
        self.assertEqual((lote.state, guia.state), ("rejected", "ready"))
        lote = guia.create_lotes()
        lote.send()
        self._cancel_lote(lote)
        self._receive(self._answer_cancelled_lote(lote, "1"))
        self.assertEqual((lote.state, guia.state), ("rejected", "cancelled"))

    def test_a_lote_that_the_operadora_does_not_cancel(self):
        for code in ("2", "5", "6"):
            cancellation = self._cancel_lote(self.lote)
            self._receive(self._answer_cancelled_lote(self.lote, code))
            self.assertEqual(cancellation.result, "refused")
            self.assertEqual(
                (self.lote.state, cancellation.lote_status_id.code), ("received", code)
            )

    # ------------------------------------------------------------------
    # Requests
    # ------------------------------------------------------------------

    def test_a_request(self):
        request = self._create_request()
        request.send()
        cancellation = self.Cancellation._create_for(request, WHY)
        cancellation.send()
        [told] = self._decode_sent(cancellation)["tipoCancelamento"]["tipoCancelamentoGuia"]
        self.assertEqual(told, {"tipoGuia": "1", "numeroGuiaPrestador": request.name})
        self._receive(self._answer_cancelled_guias({request.name: "1"}, kind="1"))
        self.assertEqual((cancellation.result, request.state), ("accepted", "cancelled"))

    # ------------------------------------------------------------------
    # From the guia
    # ------------------------------------------------------------------

    def test_offered_where_a_guia_is_corrected(self):
        for choice, follow_up in (("recall", "withdraw"), ("swap", "rebill")):
            with self.subTest(choice):
                guia = self.guias[0] if choice == "recall" else self.guias[1]
                form = Form.from_action(self.env, guia.action_correct())
                form.choice = choice
                form.reason = WHY
                self.assertIn("The operadora is told", form.explanation)
                action = form.save().action_apply()
                cancellation = self.Cancellation.browse(action["res_id"])
                self.assertEqual(cancellation.line_ids.guia_id, guia)
                self.assertEqual(
                    (cancellation.follow_up, cancellation.state), (follow_up, "validated")
                )
                self.assertEqual(guia.state, "sent", "nothing happens before it answers")

    def test_from_the_request(self):
        request = self._create_request()
        request.send()
        action = request.action_cancel_at_operadora()
        form = Form(self.Cancellation.with_context(**action["context"]))
        form.reason = WHY
        cancellation = form.save()
        self.assertEqual(cancellation.line_ids.authorization_id, request)
        self.assertFalse(cancellation.problems)

    def test_the_guia_shows_its_cancellations(self):
        cancellation = self._cancel(self.guias[0])
        action = self.guias[0].action_view_cancellations()
        self.assertEqual(action["res_id"], cancellation.id)

    def test_from_the_lote(self):
        action = self.lote.action_cancel_at_operadora()
        form = Form(self.Cancellation.with_context(**action["context"]))
        form.reason = WHY
        cancellation = form.save()
        self.assertEqual(cancellation.lote_id, self.lote)
        self.assertFalse(cancellation.problems)

    # ------------------------------------------------------------------
    # Who
    # ------------------------------------------------------------------

    def test_nobody_starts_with_an_answer(self):
        forged = {"guia_id": self.guias[0].id, "status_id": self._term("46", "1")}
        vals = {"contract_id": self.contract.id, "reason": WHY}
        with self.assertRefused("follows from what is done with it"):
            self.Cancellation.create({**vals, "line_ids": [Command.create(forged)]})
        draft = self.Cancellation.create(vals)
        line = (
            self.env["tiss.cancellation.line"]
            .with_context(default_status_id=forged["status_id"])
            .create({"cancellation_id": draft.id, "guia_id": self.guias[0].id})
        )
        self.assertFalse(line.status_id)

    def test_a_changed_line_is_told_as_it_is_now(self):
        cancellation = self.Cancellation._create_for(self.guias[:1], WHY)
        self.assertEqual(cancellation.state, "validated")
        cancellation.line_ids.guia_id = self.guias[2]
        self.assertEqual(cancellation.state, "draft")
        cancellation.build()
        self.env["tiss.cancellation.line"].create(
            {"cancellation_id": cancellation.id, "guia_id": self.guias[1].id}
        )
        cancellation.send()
        told = self._decode_sent(cancellation)["tipoCancelamento"]["tipoCancelamentoGuia"]
        self.assertEqual(
            {each["numeroGuiaPrestador"] for each in told}, set(self.guias[1:].mapped("name"))
        )

    def test_what_was_told_does_not_change(self):
        cancellation = self._cancel()
        with self.assertRefused("its content can no longer change"):
            cancellation.line_ids[0].guia_id = self.guias[2]
        with self.assertRefused("its content can no longer change"):
            cancellation.line_ids = [Command.create({"guia_id": self.guias[2].id})]
        with self.assertRefused("its content can no longer change"):
            cancellation.line_ids[0].unlink()
        with self.assertRefused("said by the operadora"):
            cancellation.line_ids[0].status_id = self._term("46", "1")
        draft = self.Cancellation.create(
            {
                "contract_id": self.contract.id,
                "reason": WHY,
                "line_ids": [Command.create({"guia_id": self.guias[2].id})],
            }
        )
        with self.assertRefused("its content can no longer change"):
            draft.line_ids.cancellation_id = cancellation
        with self.assertRefused("follows what is done with it"):
            cancellation.problem = False
        reception = self._create_user("recepcao.canc", "reception")
        with self.assertRaises(AccessError):
            cancellation.with_user(reception).read(["result"])
