from datetime import timedelta

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import SQL

from .return_messages import analysis_message, payment_message
from .return_records import ReturnCase

LOCKS = ("fiscalyear_lock_date", "hard_lock_date")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDemonstrativoUndo(ReturnCase):
    """Undoing the last thing first, and closed books that nothing changes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tomorrow = cls.today + timedelta(days=1)

    def _pay(self, amount=150.00, number="P1", **options):
        return self._pay_consulta(amount, number, **options)

    def _lock(self, date, name="fiscalyear_lock_date"):
        # What is locked may not hold drafts.
        self.env["account.move"].sudo().search([("state", "=", "draft")]).unlink()
        self.company.sudo()[name] = date

    def _get_locked(self, date):
        """All that books of closed days say, as text."""
        self.env.flush_all()
        return self.env.execute_query(
            SQL(
                """
                SELECT l.id, l.move_id, l.account_id, l.partner_id, l.date, l.name, l.balance,
                       l.tiss_lote_id, m.state, m.name, m.date, m.ref
                  FROM account_move_line l JOIN account_move m ON m.id = l.move_id
                 WHERE l.date <= %s AND l.company_id = %s ORDER BY l.id
                """,
                date,
                self.company.id,
            )
        )

    def _open_wizard(self, action):
        return Form(self.env[action["res_model"]].with_context(**action["context"]))

    # ------------------------------------------------------------------
    # Order
    # ------------------------------------------------------------------

    def test_what_stands_in_the_way_is_listed(self):
        guia = self.sadt.guia_ids
        analysis = self._import(
            analysis_message(self.sadt, {(guia.name, 1): 41.10, (guia.name, 2): (0, "1705")}, "D1")
        )
        analysis.post()
        self._import(payment_message(self.sadt, {guia.name: 41.10}, "P7")).post()
        with self.assertRefused(f"(?s)Guia {guia.name}.*undo those first.*Paid · P7.*41"):
            analysis.undo()
        form = self._open_wizard(analysis.action_undo())
        self.assertIn("P7", form.later)
        with self.assertRefused("undo those first"):
            form.save().action_undo()

    def test_the_bank_is_unmatched_first(self):
        payment = self._pay()
        payment.post()
        transit = self.contract.transit_account_id
        bank = self.contract.bank_journal_id
        statement = self.env["account.bank.statement.line"].sudo().create(
            {"journal_id": bank.id, "date": self.today, "amount": 100.00, "payment_ref": "TED"}
        )  # fmt: skip
        move = statement.move_id.with_context(force_delete=True, skip_readonly_check=True)
        suspense = move.line_ids.filtered(lambda line: line.account_id != bank.default_account_id)
        move.write({"line_ids": [Command.update(suspense.id, {"account_id": transit.id})]})
        line = payment.payment_ids.payment_id.move_id.line_ids.filtered(
            lambda line: line.account_id == transit
        )
        (line | suspense).sudo().reconcile()
        with self.assertRefused("matched with .*: unmatch it"):
            payment.undo()
        form = self._open_wizard(payment.action_undo())
        self.assertEqual(form.matched_payment_ids.ids, payment.payment_ids.payment_id.ids)
        line.sudo().remove_move_reconcile()
        payment.undo()
        self.assertEqual(self.consulta.amount_open, 150.00)
        self.assertLedgerSound()

    def test_who_undid_it_and_why_is_told_everywhere(self):
        payment = self._pay()
        payment.post()
        form = self._open_wizard(payment.action_undo())
        self.assertFalse(form.needs_date)
        form.reason = "Pago em duplicidade"
        form.save().action_undo()
        self.assertEqual((payment.state, payment.undo_reason), ("undone", "Pago em duplicidade"))
        for record in (payment, self.consulta, self.consulta.invoice_id):
            with self.subTest(record):
                [message] = record.message_ids.filtered(
                    lambda message: "Pago em duplicidade" in (message.body or "")
                )
                self.assertEqual(message.author_id, self.env.user.partner_id)

    def test_undone_then_imported_again_and_posted(self):
        content = payment_message(self.consulta, {self.consulta.guia_ids.name: 120.00}, "P1")
        first = self._import(content)
        first.post()
        first.undo()
        second = self._import(content)
        self.assertNotEqual(first, second)
        second.post()
        self.assertEqual(self.consulta.amount_open, 30.00)
        self.assertLedgerSound()

    # ------------------------------------------------------------------
    # Closed periods
    # ------------------------------------------------------------------

    def test_posting_on_a_closed_day_asks_for_an_open_one(self):
        for name in LOCKS:
            with self.subTest(name), self.env.cr.savepoint() as savepoint:
                payment = self._pay(number=name[:4])
                self._lock(self.today, name)
                before = self._get_locked(self.today)
                with self.assertRaisesRegex(UserError, "books are closed"):
                    payment.post()
                form = self._open_wizard(payment.action_post())
                self.assertEqual(form.accounting_date, self.tomorrow, "the first open day")
                with self.assertRaisesRegex(UserError, "books are closed"):
                    payment.post(accounting_date=self.today)
                form.save().action_post()
                booked = payment.payment_ids.payment_id
                self.assertEqual((booked.date, booked.move_id.date), (self.tomorrow,) * 2)
                self.assertEqual(payment.payment_ids.payment_date, self.today)
                self.assertIn("paid on", booked.memo)
                self.assertEqual(
                    payment.discrepancy_ids.mapped("state"), ["resolved"], "it was answered"
                )
                self.assertEqual(self._get_locked(self.today), before)
                self.assertLedgerSound()
                savepoint.rollback()
            self.env.invalidate_all()

    def test_an_open_day_changes_nothing_where_the_books_are_open(self):
        payment = self._pay()
        payment.post(accounting_date=self.tomorrow)
        self.assertEqual(payment.payment_ids.payment_id.date, self.today)

    def test_undoing_in_a_closed_period_reverses(self):
        """The entry of the closed day stays; its opposite stands on the first open one."""
        for name in LOCKS:
            with self.subTest(name), self.env.cr.savepoint() as savepoint:
                payment = self._pay(120.00, name[:4], adjustments=[("01", "IRRF", 1.80)])
                payment.post()
                self._lock(self.today, name)
                before = self._get_locked(self.today)
                with self.assertRaisesRegex(UserError, "choose the day of the reversal"):
                    payment.undo()
                with self.assertRaisesRegex(UserError, "books are closed"):
                    payment.undo(accounting_date=self.today)
                form = self._open_wizard(payment.action_undo())
                self.assertTrue(form.needs_date)
                self.assertEqual(form.accounting_date, self.tomorrow)
                form.save().action_undo()
                self._assert_reversed(payment, before)
                savepoint.rollback()
            self.env.invalidate_all()

    def _assert_reversed(self, payment, before):
        self.assertEqual(self._get_locked(self.today), before)
        entry = payment.payment_ids.payment_id.move_id
        reversal = payment.payment_ids.reversal_move_id
        self.assertEqual((entry.state, reversal.state), ("posted", "posted"))
        self.assertEqual((reversal.date, reversal.reversed_entry_id), (self.tomorrow, entry))
        lines = (entry | reversal).line_ids
        for account, own in lines.grouped("account_id").items():
            self.assertEqual(round(sum(own.mapped("balance")), 2), 0, account.name)
            self.assertFalse(any(own.mapped("amount_residual")), account.name)
        self.assertEqual(payment.state, "undone")
        self.assertEqual(self.consulta.amount_open, 150.00)
        self.assertEqual(self.consulta.invoice_id.amount_residual, 150.00)
        self.assertFalse(self.consulta.glosa_ids)
        self.assertLedgerSound()

    def test_imported_again_after_a_reversal(self):
        content = payment_message(self.consulta, {self.consulta.guia_ids.name: 150.00}, "P1")
        first = self._import(content)
        first.post()
        self._lock(self.today)
        first.undo(accounting_date=self.tomorrow)
        second = self._import(content)
        second.post(accounting_date=self.tomorrow)
        self.assertEqual(self.consulta.amount_open, 0)
        self.assertEqual(self.consulta.invoice_id.amount_residual, 0)
        self.assertLedgerSound()

    def test_several_protocolos_are_reversed_each(self):
        """Reversed together by Odoo, the amounts of one could close another."""
        lotes = self.consulta | self.sadt
        guias = {self.consulta.guia_ids.name: 150.00, self.sadt.guia_ids.name: 56.00}
        payment = self._import(payment_message(lotes, guias, "P1"))
        payment.post()
        self._lock(self.today)
        payment.undo(accounting_date=self.tomorrow)
        self.assertEqual(lotes.invoice_id.mapped("amount_residual"), [150.00, 56.00])
        for line in payment.payment_ids.payment_id.move_id.line_ids.filtered("tiss_lote_id"):
            other = line.matched_debit_ids.debit_move_id
            self.assertEqual(other.tiss_lote_id, line.tiss_lote_id)
        self.assertLedgerSound()
