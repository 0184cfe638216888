from datetime import timedelta

from odoo.tests import Form, tagged

from .closing_records import create_deposit
from .common import ECG, TissCommon
from .recurso_records import RecursoRecords
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDailyClose(TissCommon):
    """The page that is green when nothing of convênios waits, and says what waits when not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.biller = cls._create_user("d.faturista", "billing")

    def _page(self):
        page = self.env["tiss.daily.close"].with_user(self.biller)
        return page.browse(page.action_open()["res_id"])

    def _receive(self, content):
        return self.env["tiss.message"].receive_file("retorno.xml", content)

    def test_nothing_to_do_is_green(self):
        page = self._page()
        self.assertTrue(page.is_green)
        self.assertFalse(page.breaches)
        Form(page)

    def test_a_demonstrativo_waits_in_the_first_column_until_it_is_posted(self):
        lote = self._create_received_lote({ECG: 1})
        content = payment_message(lote, {lote.guia_ids.name: 41.10}, "P1", [("01", "IRRF", 0.62)])
        payment = self._receive(content)
        page = self._page()
        self.assertEqual(page.to_post_ids, payment.with_user(page.env.user))
        self.assertEqual((page.to_post_count, page.to_post_amount), (1, 40.48))
        self.assertFalse(page.is_green)
        self.assertIn("demonstrativos to post: 1", page.summary)
        page.action_post()
        self.assertEqual(payment.state, "posted")

    def test_a_posted_payment_is_in_transit_until_the_bank_confirms_it(self):
        lote = self._create_received_lote({ECG: 1})
        payment = self._receive(payment_message(lote, {lote.guia_ids.name: 41.10}, "P1"))
        payment.post()
        page = self._page()
        self.assertEqual((page.to_post_count, page.transit_count), (0, 1))
        self.assertEqual((page.transit_amount, page.transit_oldest), (41.10, self.today))
        deposit = create_deposit(self.contract, 41.10, self.today)
        page = self._page()
        self.assertEqual((page.deposit_count, page.deposit_amount), (1, 41.10))
        self.assertEqual(payment.payment_ids.payment_id.tiss_bank_state, "expected")
        self._match(deposit, payment)
        self.assertEqual(payment.payment_ids.payment_id.tiss_bank_state, "confirmed")
        page = self._page()
        self.assertTrue(page.is_green, (page.summary, page.breaches))

    def _match(self, deposit, payment):
        """What the bank does with a deposit: its open line goes to transit and is reconciled."""
        account = self.contract.transit_account_id
        _liquidity, suspense, _other = deposit._seek_for_lines()
        deposit.move_id.with_context(force_delete=True, skip_readonly_check=True).write(
            {
                "line_ids": [
                    (1, suspense.id, {"account_id": account.id, "partner_id": self.operadora.id})
                ]
            }
        )
        lines = (deposit.move_id | payment.payment_ids.payment_id.move_id.sudo()).line_ids
        lines.filtered(lambda line: line.account_id == account).reconcile()

    def test_an_analysis_counts_by_what_it_releases(self):
        lote = self._create_received_lote({ECG: 1})
        self._receive(analysis_message(lote, {(lote.guia_ids.name, 1): 31.10}, "A1"))
        self.assertEqual(self._page().to_post_amount, 31.10)

    def test_what_cannot_be_posted_is_left_and_named_by_its_value(self):
        lote = self._create_received_lote({ECG: 1})
        name = lote.guia_ids.name
        right = self._receive(payment_message(lote, {name: 41.10}, "P1"))
        wrong = analysis_message(lote, {(name, 1): 41.10}, "D2")
        wrong = wrong.replace(b"numeroProtocolo>900001<", b"numeroProtocolo>4040<")
        wrong = self._receive(wrong)
        page = self._page()
        self.assertEqual(page.discrepancy_count, len(wrong.discrepancy_ids))
        self.assertEqual(page.discrepancy_ids[0].demonstrativo_id, wrong)
        page.action_post()
        self.assertEqual((right.state, wrong.state), ("posted", "imported"))

    def test_an_undone_demonstrativo_leaves_nothing_to_decide(self):
        lote = self._create_received_lote({ECG: 1})
        analysis = self._receive(analysis_message(lote, {(lote.guia_ids.name, 1): 31.10}, "A1"))
        analysis.post()
        self.assertEqual(self._page().discrepancy_count, 1)
        self.env["tiss.discrepancy"]._open(
            {"demonstrativo_id": analysis.id, "code": "unknown_guia", "amount_theirs": 5.00}
        )
        analysis.undo()
        self.assertEqual(self._page().discrepancy_count, 0)

    def test_what_others_have_to_do_leaves_it_green(self):
        """An answer that was asked for, and a payment that is announced for tomorrow."""
        lote = self._create_received_lote({ECG: 1})
        name = lote.guia_ids.name
        analysis = self._receive(analysis_message(lote, {(name, 1): 31.10}, "A1"))
        analysis.post()
        day = self.today + timedelta(days=1)
        payment = self._receive(payment_message(lote, {name: 31.10}, "P1", day=day))
        payment.discrepancy_ids.resolve("keep")
        payment.post()
        page = self._page()
        self.assertEqual((page.is_green, page.discrepancy_count), (False, 1))
        analysis.discrepancy_ids.resolve("ask")
        page = self._page()
        self.assertTrue(page.is_green, (page.summary, page.breaches))
        self.assertEqual((page.transit_count, page.discrepancy_count), (0, 0))
        self.assertIn("answers of operadoras: 1", page.waiting)
        self.assertIn("payments announced or asked about: 1", page.waiting)

    def test_a_second_file_that_was_looked_at_waits_no_longer(self):
        lote = self._create_received_lote({ECG: 1})
        name = lote.guia_ids.name
        self._receive(payment_message(lote, {name: 41.10}, "P1")).post()
        again = self._receive(payment_message(lote, {name: 31.10}, "P1"))
        self.assertEqual((again.state, self._page().to_post_count), ("held", 1))
        again.discrepancy_ids.filtered(lambda row: row.code == "same_number").resolve("keep")
        self.assertEqual(self._page().to_post_count, 0)
        self.assertEqual(self._page().discrepancy_count, 0)

    def test_books_that_disagree_are_said_first(self):
        lote = self._create_received_lote({ECG: 1})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE tiss_guia_line SET amount_to_process = 40 WHERE guia_id = %s",
            [lote.guia_ids.id],
        )
        self.env.invalidate_all()
        page = self._page()
        self.assertIn(lote.guia_ids.name, page.breaches)
        self.assertFalse(page.is_green)

    def test_each_column_opens_its_list(self):
        lote = self._create_received_lote({ECG: 1})
        self._receive(payment_message(lote, {lote.guia_ids.name: 41.10}, "P1"))
        page = self._page()
        for column in ("to_post", "transit", "deposit", "credit", "discrepancy"):
            with self.subTest(column):
                action = page.with_context(tiss_column=column).action_view()
                self.assertIn("res_model", action)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestInvoiceScreen(RecursoRecords, TissCommon):
    """What the accountant sees on the invoice of a protocolo."""

    def test_smart_buttons_and_what_is_denied(self):
        self.contract.appeal_days = 30
        lote = self._create_received_lote({ECG: 1})
        analysis = self.env["tiss.message"].receive_file(
            "a.xml", analysis_message(lote, {(lote.guia_ids.name, 1): (30.00, "1705")}, "A1")
        )
        analysis.post()
        invoice = lote.invoice_id
        self.assertEqual(
            (invoice.tiss_guia_count, invoice.tiss_demonstrativo_count, invoice.tiss_glosa_count),
            (1, 1, 1),
        )
        self.assertRegex(invoice.tiss_contest_text, "11[.,]10")
        self.assertIn("to be contested until", invoice.tiss_contest_text)
        recurso = lote.glosa_ids.create_recurso()
        recurso.send()
        invoice.invalidate_recordset()
        self.assertEqual(invoice.tiss_recurso_count, 1)
        self.assertIn("in recurso", invoice.tiss_contest_text)
        self.assertEqual(lote.amount_appealed, 11.10)
        Form(invoice)
        for button in ("guias", "demonstrativos", "glosas", "recursos"):
            self.assertIn("res_model", getattr(invoice, f"action_view_tiss_{button}")())
