from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import date_utils

from ..models.open_work import OpenWork
from .closing_records import create_deposit, create_entry
from .common import ECG, TissCommon
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestClosing(TissCommon):
    """The monthly checklist: the books tick it, and closing it locks them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract.payment_days = 90  # nothing is late by itself
        cls.accountant = cls._create_user("c.contadora", "manager", "account.group_account_manager")
        cls.month_end = date_utils.end_of(cls.today, "month")

    def _open(self, **vals):
        closing = self.env["tiss.closing"].create({"date": self.today, **vals})
        return closing.with_user(self.accountant)

    def _get_states(self, closing):
        closing.invalidate_recordset()
        closing.line_ids.invalidate_recordset()
        return {line.kind: line.state for line in closing.line_ids}

    def _get_open(self, closing):
        states = self._get_states(closing)
        return {kind for kind, state in states.items() if state == "open"} - {"provision"}

    def _explain(self, closing):
        """What the month leaves open is explained, so that only the rest is tested."""
        for line in closing.line_ids:
            if line.state == "open":
                line.note = "Acontece todo mês."

    def test_a_month_without_convenios_is_green_and_locks_the_books(self):
        closing = self._open()
        self.assertEqual(closing.date, self.month_end)
        self.assertTrue(closing.is_green)
        closing.close()
        self.assertEqual(closing.state, "closed")
        self.assertEqual(self.company.fiscalyear_lock_date, self.month_end)
        self.assertEqual(closing.closed_by_id, self.accountant)
        with self.assertRaisesRegex(UserError, "The books are closed"):
            self._create_received_lote({ECG: 1})

    def test_each_thing_that_is_open_is_found(self):
        closing = self._open()
        lote = self._create_received_lote({ECG: 1})
        self.assertEqual(self._get_open(closing), set())
        analysis = self.env["tiss.message"].receive_file(
            "a.xml", analysis_message(lote, {(lote.guia_ids.name, 1): (30.00, "1705")}, "A1")
        )
        self.assertEqual(self._get_open(closing), {"to_post"})
        analysis.post()
        self.assertEqual(self._get_open(closing), set())
        lote.glosa_ids.sudo().deadline_date = self.today
        self.assertEqual(self._get_open(closing), {"late_glosa"})
        lote.glosa_ids.accept()
        payment = self.env["tiss.message"].receive_file(
            "p.xml",
            payment_message(lote, {lote.guia_ids.name: 30.00}, "P1", [("01", "IRRF", 0.45)]),
        )
        payment.post()
        self.assertEqual(self._get_open(closing), {"transit"})
        [line] = closing.line_ids.filtered(lambda line: line.kind == "transit")
        self.assertEqual((line.count, line.amount), (1, 29.55))
        create_deposit(self.contract, 29.55, self.today)
        self.assertEqual(self._get_open(closing), {"transit", "bank"})

    def test_a_protocolo_that_is_due_and_unanswered_is_found(self):
        lote = self._create_received_lote({ECG: 1})
        closing = self._open()
        self.assertEqual(self._get_open(closing), set())
        lote.sudo().due_date = self.today
        self.assertEqual(lote._get_expected_date(), self.today)
        self.assertEqual(self._get_open(closing), {"unanswered"})

    def test_retentions_agree_with_the_ledger_or_are_named(self):
        lote = self._create_received_lote({ECG: 1})
        closing = self._open()
        payment = self.env["tiss.message"].receive_file(
            "p.xml",
            payment_message(lote, {lote.guia_ids.name: 41.10}, "P1", [("01", "IRRF", 0.62)]),
        )
        payment.post()
        account = payment.adjustment_ids.account_id
        [row] = [
            row
            for row in closing._get_retentions(OpenWork(closing.company_id, closing.date))
            if row["account"] == account
        ]
        self.assertEqual((row["cents"], row["booked"]), (62, 62))
        self.assertNotIn("retention", self._get_open(closing))
        other = self.contract.revenue_account_id
        create_entry(self.company, self.today, 5.00, account, other, self.operadora)
        self.assertIn("retention", self._get_open(closing))
        [line] = closing.line_ids.filtered(lambda line: line.kind == "retention")
        self.assertRegex(line.detail, "0[.,]62")
        self.assertRegex(line.detail, "5[.,]62")

    def test_books_that_disagree_cannot_be_explained(self):
        lote = self._create_received_lote({ECG: 1})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE tiss_guia_line SET amount_to_process = 40 WHERE guia_id = %s",
            [lote.guia_ids.id],
        )
        self.env.invalidate_all()
        closing = self._open()
        [line] = closing.line_ids.filtered(lambda line: line.kind == "tie_out")
        line.note = "Diferença conhecida."
        self.assertEqual(line.state, "open")

    def test_an_explanation_makes_it_closable(self):
        lote = self._create_received_lote({ECG: 1})
        self.env["tiss.message"].receive_file(
            "p.xml", payment_message(lote, {lote.guia_ids.name: 41.10}, "P1")
        ).post()
        closing = self._open()
        with self.assertRaisesRegex(UserError, "Not all is green yet"):
            closing.close()
        self._explain(closing)
        self.assertTrue(closing.is_green)
        closing.close()
        self.assertEqual(closing.state, "closed")

    def test_a_reason_closes_what_is_not_green_and_stays_in_the_history(self):
        lote = self._create_received_lote({ECG: 1})
        self.env["tiss.message"].receive_file(
            "p.xml", payment_message(lote, {lote.guia_ids.name: 41.10}, "P1")
        ).post()
        closing = self._open(reason="O extrato chega dia 5.")
        closing.close()
        self.assertIn("O extrato chega dia 5.", closing.message_ids[0].body)
        [line] = closing.line_ids.filtered(lambda line: line.kind == "transit")
        self.assertEqual(line.count, 1)

    def test_a_closed_month_keeps_what_was_found(self):
        lote = self._create_received_lote({ECG: 1})
        self.env["tiss.message"].receive_file(
            "p.xml", payment_message(lote, {lote.guia_ids.name: 41.10}, "P1")
        ).post()
        closing = self._open(reason="Assim mesmo.")
        closing.close()
        # The money comes in the next month: what the closed one found does not change.
        [line] = closing.line_ids.filtered(lambda line: line.kind == "transit")
        before = (line.count, line.amount, line.detail)
        account = self.contract.transit_account_id
        create_entry(
            self.company,
            self.month_end + timedelta(days=1),
            41.10,
            self.contract.revenue_account_id,
            account,
            self.operadora,
        )
        lines = self.env["account.move.line"].search([("account_id", "=", account.id)])
        lines.sudo().reconcile()
        self.assertFalse(sum(lines.mapped("amount_residual")))
        line.invalidate_recordset()
        self.assertEqual((line.count, line.amount, line.detail), before)
        with self.assertRaisesRegex(UserError, "closed already"):
            line.note = "Depois."

    def test_opening_again_needs_a_reason_and_gives_the_lock_date_back(self):
        before = self.month_end - timedelta(days=90)
        self.company.sudo().fiscalyear_lock_date = before
        closing = self._open()
        closing.close()
        with self.assertRaisesRegex(UserError, "Write why"):
            closing.reopen()
        closing.reason = "Falta uma nota."
        closing.reopen()
        self.assertEqual(closing.state, "open")
        self.assertEqual(self.company.fiscalyear_lock_date, before)
        self.assertIn("Falta uma nota.", closing.message_ids[0].body)

    def test_months_are_opened_again_from_the_last_one(self):
        first = self._open(date=self.month_end - timedelta(days=40))
        second = self._open()
        (first | second).close()
        first.reason = "Quero."
        with self.assertRaisesRegex(UserError, "A later month is closed"):
            first.reopen()
        second.reason = "Quero."
        (first | second).reopen()
        self.assertFalse(self.company.fiscalyear_lock_date)

    def test_sales_alone_can_be_locked(self):
        create_deposit(self.contract, 10.00, self.today)
        closing = self._open(reason="Só as vendas.", lock_field="sale_lock_date")
        closing.close()
        self.assertEqual(self.company.sale_lock_date, self.month_end)
        self.assertFalse(self.company.fiscalyear_lock_date)

    def test_only_an_administrator_of_the_accounting_closes(self):
        closing = self._open().with_env(self.env)
        with self.assertRaises(AccessError):
            closing.close()

    def test_a_later_lock_date_stays(self):
        later = self.month_end + timedelta(days=31)
        self.company.sudo().fiscalyear_lock_date = later
        closing = self._open()
        closing.close()
        self.assertEqual(self.company.fiscalyear_lock_date, later)

    def test_a_new_month_is_open_whatever_is_said(self):
        said = {"state": "closed", "closed_date": "2026-01-01", "previous_lock_date": "2026-01-01"}
        context = {f"default_{name}": value for name, value in said.items()}
        Closing = self.env["tiss.closing"].with_context(**context)
        vals = {"date": "2026-01-15", **said}
        closing = Closing.create(vals)
        self.assertEqual((closing.state, closing.date.day), ("open", 31))
        self.assertFalse(closing.closed_date or closing.previous_lock_date)
        self.assertEqual(vals["date"], "2026-01-15", "what the caller gave stays his")

    def test_nobody_ticks_by_hand(self):
        closing = self._open()
        for vals in ({"state": "closed"}, {"closed_by_id": self.env.uid}):
            with self.assertRaisesRegex(UserError, "by its buttons"):
                closing.write(vals)
        with self.assertRaisesRegex(UserError, "only explain"):
            closing.line_ids[0].snapshot = {"count": 0}

    def test_the_provision_of_the_month_is_proposed(self):
        """41.10 × 10 % = 4.11; what somebody typed since survives a second look."""
        self.contract.provision_denied_percent = 10
        self._create_received_lote({ECG: 1})
        closing = self._open()
        self.assertEqual(self._get_states(closing)["provision"], "open")
        [line] = closing.line_ids.filtered(lambda line: line.kind == "provision")
        action = line.action_propose()
        row = self.env["tiss.provision"].search(action["domain"])
        self.assertEqual((row.date, row.amount), (self.month_end, 4.11))
        row.denied_percent = 20
        line.action_propose()
        self.assertEqual(row.exists().amount, 8.22)
        row.post()
        self.assertEqual(self._get_states(closing)["provision"], "ok")

    def test_each_line_opens_its_list(self):
        closing = self._open()
        for line in closing.line_ids:
            if line.kind != "provision":
                with self.subTest(line.kind):
                    self.assertIn("res_model", line.action_open())
