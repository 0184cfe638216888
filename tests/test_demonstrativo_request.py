from datetime import timedelta

from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from ..models.inside import INSIDE
from .common import CONSULTATION, ECG, TissCommon
from .guia_records import VERSIONS
from .question_records import PROVIDER, QuestionRecords, error
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDemonstrativoRequest(QuestionRecords, TissCommon):
    """Demonstrativos are asked for, and what comes is imported as any other file."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Request = cls.env["tiss.demonstrativo.request"]
        cls.lote = cls._create_received_lote(CONSULTATION, protocol="900001")
        cls.guia = cls.lote.guia_ids

    def _term(self, code):
        return self.env["tiss.term"]._get("53", code)

    def _create(self, code, **vals):
        return self.Request.create(
            {"contract_id": self.contract.id, "kind_id": self._term(code).id, **vals}
        )

    def _analysis(self, number="D1", released=150.00):
        return analysis_message(self.lote, {(self.guia.name, 1): released}, number)

    def _payment(self, number="P1"):
        return payment_message(self.lote, {self.guia.name: 150.00}, number)

    def _not_ready(self, protocol="900001", kind="2", status="2", given="77001"):
        body = (
            "<demonstrativosRetorno><situacaoDemonstrativoRetorno>"
            f"<identificacaoOperadora>{self.contract.ans_code}</identificacaoOperadora>"
            f"<dadosPrestador>{PROVIDER}</dadosPrestador>"
            f"<numeroProtocolo>{protocol}</numeroProtocolo>"
            f"<protocoloSolicitacaoDemonstrativo>{given}</protocoloSolicitacaoDemonstrativo>"
            f"<tipoDemonstrativo>{kind}</tipoDemonstrativo>"
            f"<dataSituacaoDemonstrativo>{self.today}</dataSituacaoDemonstrativo>"
            f"<situacaoDemonstrativo>{status}</situacaoDemonstrativo>"
            "</situacaoDemonstrativoRetorno></demonstrativosRetorno>"
        )
        return self._build_answer("DEMONSTRATIVO_ANALISE_CONTA", body)

    def _refuse(self):
        body = f"<demonstrativosRetorno>{error('3291')}</demonstrativosRetorno>"
        return self._build_answer("DEMONSTRATIVO_ANALISE_CONTA", body)

    # ------------------------------------------------------------------
    # The question
    # ------------------------------------------------------------------

    def test_golden(self):
        """Written by hand from the guide, in both versions."""
        provider = (
            "<ans:dadosPrestador>"
            "<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
            f"</ans:dadosPrestador><ans:dataSolicitacao>{self.today}</ans:dataSolicitacao>"
        )
        kinds = {
            "2": (
                {"lote_ids": self.lote.ids},
                f"<ans:demonstrativoAnalise>{provider}<ans:protocolos>"
                "<ans:numeroProtocolo>900001</ans:numeroProtocolo></ans:protocolos>"
                "</ans:demonstrativoAnalise>",
            ),
            "1": (
                {"payment_date": "2026-03-05"},
                f"<ans:demonstrativoPagamento>{provider}"
                "<ans:tipoDemonstrativo>1</ans:tipoDemonstrativo><ans:periodo>"
                "<ans:dataPagamento>2026-03-05</ans:dataPagamento></ans:periodo>"
                "</ans:demonstrativoPagamento>",
            ),
            "3": (
                {"competence_date": "2026-03-17"},
                f"<ans:demonstrativoPagamento>{provider}"
                "<ans:tipoDemonstrativo>3</ans:tipoDemonstrativo><ans:periodo>"
                "<ans:competencia>202603</ans:competencia></ans:periodo>"
                "</ans:demonstrativoPagamento>",
            ),
        }
        for version in VERSIONS:
            self.contract.version = version
            for code, (vals, body) in kinds.items():
                with self.subTest(version, code=code):
                    request = self._create(code, **vals)
                    request.send()
                    self._decode_sent(request)
                    content = b"".join(map(bytes.strip, request.get_xml().splitlines()))
                    body = f"Retorno>{body}</ans:solicitacaoDemonstrativoRetorno>"
                    self.assertIn(body.encode(), content)

    def test_what_is_missing_is_said(self):
        for code, vals, words in (
            ("2", {}, "Choose 1 to 30 lotes"),
            ("1", {}, "Choose the day of the payment, or else its month"),
            ("1", {"payment_date": self.today, "competence_date": self.today}, "or else its month"),
        ):
            with self.subTest(words), self.assertRefused(words):
                self._create(code, **vals).build()
        other = self._create_lote(CONSULTATION)
        with self.assertRefused("has no protocolo, or is of another convênio"):
            self._create("2", lote_ids=other.ids).build()
        with self.assertRefused("Fill in: Demonstrativo"):
            self.Request.create({"contract_id": self.contract.id}).build()

    def test_from_the_convenio(self):
        action = self.contract.action_ask_demonstrativo()
        form = Form(self.Request.with_context(**action["context"]))
        self.assertEqual(form.contract_id, self.contract)
        form.kind_id = self._term("2")
        form.lote_ids.add(self.lote)
        request = form.save()
        self.assertFalse(request.problems)
        request.action_send()
        self.assertEqual(request.state, "sent")

    def test_thirty_protocolos_a_message(self):
        guias = self._create_encounters(*[CONSULTATION] * 31).create_guias()
        self.contract.guias_per_lote = 1
        lotes = guias.create_lotes()
        lotes.send()
        for number, lote in enumerate(lotes):
            lote.sudo().write(
                {"state": "received", "protocol_number": f"5{number}", "protocol_date": self.today}
            )
        requests = lotes.request_demonstrativo()
        self.assertEqual([len(request.lote_ids) for request in requests], [30, 1])
        self.assertEqual(set(requests.mapped("state")), {"sent"})
        numbers = self._decode_sent(requests[0])["demonstrativoAnalise"]["protocolos"]
        self.assertEqual(len(numbers["numeroProtocolo"]), 30)

    # ------------------------------------------------------------------
    # The answer
    # ------------------------------------------------------------------

    def test_the_analysis_comes(self):
        request = self.lote.request_demonstrativo()
        demonstrativo = self._receive(self._analysis())
        self.assertEqual(request.state, "received")
        self.assertEqual(request.demonstrativo_ids, demonstrativo)
        self.assertEqual(demonstrativo.message_id.request_id, request.message_id)
        demonstrativo.post()
        self.assertLedgerSound()

    def test_the_payment_comes(self):
        month = self._create("1", competence_date=self.today)
        day = self._create("1", payment_date=self.today - timedelta(days=90))
        (month | day).send()
        demonstrativo = self._receive(self._payment())
        self.assertEqual((month.state, day.state), ("received", "sent"))
        self.assertEqual(month.demonstrativo_ids, demonstrativo)

    def test_a_file_that_nobody_asked_for(self):
        request = self._create("1", payment_date=self.today)
        request.send()
        self.assertEqual(self._receive(self._analysis()).kind, "analysis")
        self.assertEqual(request.state, "sent")

    def test_what_comes_again_in_another_message_is_not_imported_again(self):
        first = self._receive(self._analysis())
        first.post()
        request = self.lote.request_demonstrativo()
        again = self._analysis().replace(b">10:00:00<", b">11:30:00<")
        self.assertEqual(self._receive(again), first)
        self.assertEqual((request.state, request.demonstrativo_ids), ("received", first))
        self.assertEqual(self.env["tiss.demonstrativo"].search_count([]), 1)

    def test_the_same_number_with_other_content_is_a_persons_decision(self):
        first = self._receive(self._analysis())
        other = self._receive(self._analysis(released=140.00))
        self.assertEqual((first.state, other.state), ("imported", "held"))

    def test_an_undone_one_can_be_imported_again(self):
        self.lote.request_demonstrativo()
        content = self._analysis()
        first = self._receive(content)
        first.post()
        first.undo()
        second = self._receive(content)
        self.assertNotEqual(second, first)
        self.assertEqual(second.state, "imported")

    def test_not_ready_yet(self):
        request = self.lote.request_demonstrativo()
        self.assertEqual(self._receive(self._not_ready()), request)
        self.assertEqual(request.state, "sent")
        self.assertEqual(request.waiting_status_id.code, "2")
        self.assertEqual(request.waiting_protocol, "77001")
        self._receive(self._analysis())
        self.assertEqual(request.state, "received")
        self.assertFalse(request.waiting_status_id)

    def test_refused(self):
        request = self.lote.request_demonstrativo()
        self._receive(self._refuse())
        self.assertEqual((request.state, request.rejection_reason), ("rejected", "3291 MOTIVO"))
        request.action_correct()
        request.send()
        self.assertEqual(request.state, "sent")

    def test_a_refusal_that_nobody_asked_for(self):
        content = self._refuse()
        with self.assertRefused("does not wait for an answer here"):
            self._receive(content)

    # ------------------------------------------------------------------
    # By itself
    # ------------------------------------------------------------------

    def _move_back(self, lote, days):
        lote.sudo().with_context(tiss_correct_protocol=INSIDE).protocol_date = (
            self.today - timedelta(days=days)
        )

    def _kinds(self):
        return sorted(self.Request.search([]).mapped("kind_id.code"))

    def test_what_is_due_is_asked_for(self):
        self._move_back(self.lote, 20)
        self.contract._ask_due()
        self.assertEqual(self._kinds(), [], "nobody said how often")
        self.contract.demonstrativo_days = 10
        self.contract._ask_due()
        self.assertEqual(self._kinds(), ["2"], "the payment is due after 30 days")
        request = self.Request.search([])
        self.assertEqual((request.lote_ids, request.state), (self.lote, "draft"))
        self.contract._ask_due()
        self.assertEqual(self._kinds(), ["2"])
        self._move_back(self.lote, 40)
        self.contract._ask_due()
        payments = self.Request.search([("kind_id.code", "=", "1")])
        months = {(day.year, day.month) for day in (self.today, self.today - timedelta(days=10))}
        self.assertEqual(
            {(day.year, day.month) for day in payments.mapped("competence_date")}, months
        )
        before = self._kinds()
        self.contract._ask_due()
        self.assertEqual(self._kinds(), before)

    def test_what_was_answered_is_not_asked_for(self):
        self.contract.demonstrativo_days = 10
        self._move_back(self.lote, 40)
        self._receive(self._analysis()).post()
        self._receive(self._payment()).post()
        self.assertEqual(self.lote.state, "closed")
        self.contract._ask_due()
        self.assertEqual(self._kinds(), [])

    def test_who(self):
        reception = self._create_user("recepcao.demo", "reception")
        with self.assertRaises(AccessError):
            self.Request.with_user(reception).search([])
        other = self._create_lote(ECG)
        with self.assertRefused("this cannot be done now"):
            other.request_demonstrativo()
