from decimal import Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import BLOOD_COUNT
from .return_messages import payment_message
from .return_records import ReturnCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDemonstrativo(ReturnCase):
    """What comes back: preview, posting, undoing, on hand-worked examples."""

    def _buckets(self, line):
        names = ["to_process", "released", "paid", "denied", "accepted"]
        return [line[f"amount_{name}"] for name in names]

    # ------------------------------------------------------------------
    # Protocolo
    # ------------------------------------------------------------------

    def test_protocol_opens_the_money(self):
        invoice = self.sadt.invoice_id
        self.assertEqual(invoice.state, "posted")
        self.assertEqual(invoice.amount_total, 56.00)
        self.assertEqual(self.sadt.amount_open, 56.00)
        self.assertEqual(sum(self.sadt.guia_ids.line_ids.mapped("amount_to_process")), 56.00)
        self.assertEqual(len(invoice.invoice_line_ids), 2, "one line per kind of item")
        receivable = invoice._tiss_get_receivable_lines()
        self.assertEqual(receivable.account_id, self.contract.receivable_account_id)
        self.assertEqual(receivable.tiss_lote_id, self.sadt)

    # ------------------------------------------------------------------
    # Analysis
    # ------------------------------------------------------------------

    def test_analysis_releases_and_denies_by_item(self):
        guia = self.sadt.guia_ids
        analysis = self._analyse(self.sadt, {(guia.name, 1): 41.10, (guia.name, 2): (4.90, "1705")})
        analysis.post()
        ecg, dipyrone = guia.line_ids.sorted("sequence_item")
        self.assertEqual(self._buckets(ecg), [0, 41.10, 0, 0, 0])
        self.assertEqual(self._buckets(dipyrone), [0, 4.90, 0, 10.00, 0])
        [glosa] = analysis.glosa_ids
        self.assertEqual((glosa.code, glosa.amount, glosa.state), ("1705", 10.00, "open"))
        self.assertEqual(glosa.term_id.table_code, "38")
        self.assertEqual(guia.state, "processed")
        self.assertLedgerSound()

    def test_glosa_without_a_code_is_kept(self):
        guia = self.consulta.guia_ids
        self._analyse(self.consulta, {(guia.name, 1): 140.00}).post()
        self.assertEqual(guia.glosa_ids.amount, 10.00)
        self.assertFalse(guia.glosa_ids.code)

    def test_analysis_by_guia_only_is_spread_over_its_items(self):
        """Half of 41.10 + 14.90 by largest remainder: 20.55 + 7.45."""
        guia = self.sadt.guia_ids
        self._analyse(self.sadt, {(guia.name, None): 28.00}).post()
        released = guia.line_ids.sorted("sequence_item").mapped("amount_released")
        self.assertEqual(released, [20.55, 7.45])

    def test_guia_level_analysis_after_one_of_its_items(self):
        """ECG got 20.00 of 41.10; 25.00 for the whole guia leave 5.00 for the 14.90 that wait."""
        guia = self.sadt.guia_ids
        self._analyse(self.sadt, {(guia.name, 1): (20.00, "1705")}).post()
        self._analyse(self.sadt, {(guia.name, None): 25.00}, number="D2").post()
        ecg, dipyrone = guia.line_ids.sorted("sequence_item")
        self.assertEqual(self._buckets(ecg), [0, 20.00, 0, 21.10, 0])
        self.assertEqual(self._buckets(dipyrone), [0, 5.00, 0, 9.90, 0])
        self.assertLedgerSound()

    def test_guia_level_analysis_that_contradicts_its_items_is_refused(self):
        guia = self.sadt.guia_ids
        self._analyse(self.sadt, {(guia.name, 1): 41.10}).post()
        second = self._analyse(self.sadt, {(guia.name, None): 30.00}, number="D2")
        with self.assertRaisesRegex(UserError, "Contradicts"):
            second.post()

    def test_another_account_in_the_contract_does_not_break_old_lotes(self):
        guia = self.consulta.guia_ids
        other = self.contract.receivable_account_id.sudo().copy({"code": "1.01.02.02.77"})
        self.contract.receivable_account_id = other
        self.assertLedgerSound()
        self._pay(self.consulta, {guia.name: 120.00}).post()
        guia.glosa_ids.accept()
        self.assertEqual(self.consulta.invoice_id.amount_residual, 0)
        self.assertLedgerSound()

    def test_preview_changes_nothing_and_predicts(self):
        guia = self.sadt.guia_ids
        analysis = self._analyse(self.sadt, {(guia.name, 1): 41.10, (guia.name, 2): (4.90, "1705")})
        before = self._snapshot()
        preview = analysis.preview()
        self.assertEqual(self._snapshot(), before)
        self.assertEqual(
            preview["amounts"], {"release": Decimal("46.00"), "deny": Decimal("10.00")}
        )
        analysis.post()
        self.assertEqual(sum(guia.line_ids.mapped("amount_released")), 46.00)

    def test_same_analysis_again_moves_nothing(self):
        guia = self.consulta.guia_ids
        self._analyse(self.consulta, {(guia.name, 1): 140.00}).post()
        self._analyse(self.consulta, {(guia.name, 1): 140.00}, number="D2").post()
        self.assertEqual(self._buckets(guia.line_ids), [0, 140.00, 0, 10.00, 0])
        self.assertEqual(len(guia.glosa_ids), 1)

    # ------------------------------------------------------------------
    # Payment
    # ------------------------------------------------------------------

    def test_payment_with_retentions(self):
        """190.00 released, 2.85 IRRF and 1.24 PIS withheld, 5.91 discount: 180.00 in the bank."""
        consulta, sadt = self.consulta.guia_ids, self.sadt.guia_ids
        self._analyse(self.consulta, {(consulta.name, 1): 150.00}).post()
        released = {(sadt.name, 1): 40.00, (sadt.name, 2): (0, "1705")}
        self._analyse(self.sadt, released, number="D2").post()
        demonstrativo = self._pay(
            self.consulta | self.sadt,
            {consulta.name: 150.00, sadt.name: 40.00},
            adjustments=[("01", "IRRF", 2.85), ("04", "PIS", 1.24), ("07", "TARIFA", 5.91)],
        )
        demonstrativo.post()
        payment = demonstrativo.payment_ids.payment_id
        self.assertEqual(payment.amount, 180.00)
        balances = sorted(payment.move_id.line_ids.mapped("balance"))
        self.assertEqual(balances, [-150.00, -40.00, 1.24, 2.85, 5.91, 180.00])
        transit = payment.move_id.line_ids.filtered(
            lambda line: line.account_id == self.contract.transit_account_id
        )
        self.assertEqual(transit.balance, 180.00)
        self.assertEqual(self.consulta.invoice_id.payment_state, "paid")
        self.assertEqual(self.sadt.invoice_id.amount_residual, 16.00)
        self.assertEqual((self.consulta.state, self.sadt.state), ("closed", "processed"))
        self.assertLedgerSound()

    def test_preview_of_a_payment_is_its_entry(self):
        guia = self.consulta.guia_ids
        self._analyse(self.consulta, {(guia.name, 1): 150.00}).post()
        demonstrativo = self._pay(
            self.consulta, {guia.name: 150.00}, adjustments=[("01", "IRRF", 2.25)]
        )
        entries = demonstrativo.preview()["entries"]
        demonstrativo.post()
        lines = demonstrativo.payment_ids.payment_id.move_id.line_ids
        self.assertEqual(
            sorted((row["account"], row["debit"] - row["credit"]) for row in entries),
            sorted(
                (line.account_id.display_name, Decimal(str(line.balance)).quantize(Decimal("0.01")))
                for line in lines
            ),
        )

    def test_payment_before_the_analysis_of_a_single_item(self):
        """The difference is a glosa without a code; the analysis names it afterwards."""
        guia = self.consulta.guia_ids
        self._pay(self.consulta, {guia.name: 120.00}).post()
        self.assertEqual(self._buckets(guia.line_ids), [0, 0, 120.00, 30.00, 0])
        self.assertFalse(guia.glosa_ids.code)
        self._analyse(self.consulta, {(guia.name, 1): (120.00, "1705")}).post()
        self.assertEqual(self._buckets(guia.line_ids), [0, 0, 120.00, 30.00, 0])
        self.assertEqual(guia.glosa_ids.mapped("code"), ["1705"])
        self.assertLedgerSound()

    def test_partial_payment_of_many_items_wants_the_analysis_first(self):
        guia = self.sadt.guia_ids
        demonstrativo = self._pay(self.sadt, {guia.name: 30.00})
        with self.assertRaisesRegex(UserError, "analysis first"):
            demonstrativo.post()
        self._analyse(self.sadt, {(guia.name, 1): 30.00, (guia.name, 2): 0}).post()
        demonstrativo.post()
        self.assertEqual(guia.amount_paid, 30.00)

    def test_overpayment_is_refused(self):
        guia = self.consulta.guia_ids
        demonstrativo = self._pay(self.consulta, {guia.name: 151.00})
        before = self._snapshot()
        with self.assertRaisesRegex(UserError, "more than is open"):
            demonstrativo.post()
        self.assertEqual(self._snapshot(), before)

    def test_shortage_stays_on_its_own_invoice(self):
        """A reconciliation over all lines at once would put it on the first (accounting T2)."""
        lotes = self.consulta | self.sadt
        consulta, sadt = self.consulta.guia_ids, self.sadt.guia_ids
        self._analyse(self.sadt, {(sadt.name, 1): 41.10, (sadt.name, 2): 0}).post()
        self._pay(lotes, {consulta.name: 150.00, sadt.name: 41.10}).post()
        self.assertEqual(self.consulta.invoice_id.amount_residual, 0)
        self.assertEqual(self.sadt.invoice_id.amount_residual, 14.90)

    def test_missing_account_blocks(self):
        guia = self.consulta.guia_ids
        self.company.tiss_adjustment_account_ids.filtered(
            lambda row: row.kind_id.code == "08"
        ).unlink()
        demonstrativo = self._pay(
            self.consulta, {guia.name: 150.00}, adjustments=[("08", "AJUSTE", 1.00)]
        )
        with self.assertRaisesRegex(UserError, "has no account"):
            demonstrativo.post()
        account = self.contract.glosa_account_id
        demonstrativo.payment_ids.adjustment_ids.account_id = account
        demonstrativo.post()
        self.assertIn(account, demonstrativo.payment_ids.payment_id.move_id.line_ids.account_id)

    def test_a_kind_that_table_27_does_not_have_waits_for_an_account(self):
        guia = self.consulta.guia_ids
        demonstrativo = self._pay(
            self.consulta, {guia.name: 150.00}, adjustments=[("97", "TAXA NOVA", 1.00)]
        )
        adjustment = demonstrativo.payment_ids.adjustment_ids
        self.assertEqual((adjustment.code, adjustment.kind_id.id), ("97", False))
        self.assertEqual(demonstrativo.discrepancy_ids.mapped("code"), ["no_account"])
        adjustment.account_id = self.contract.glosa_account_id
        demonstrativo.post()
        self.assertEqual(demonstrativo.payment_ids.payment_id.amount, 149.00)
        self.assertLedgerSound()

    def test_closed_books_block(self):
        guia = self.consulta.guia_ids
        demonstrativo = self._pay(self.consulta, {guia.name: 150.00})
        self.company.sudo().fiscalyear_lock_date = self.today
        with self.assertRaisesRegex(UserError, "books are closed"):
            demonstrativo.post()
        self.assertEqual(demonstrativo.state, "imported")

    # ------------------------------------------------------------------
    # Undo and idempotence
    # ------------------------------------------------------------------

    def test_posting_twice_is_posting_once(self):
        guia = self.consulta.guia_ids
        demonstrativo = self._pay(self.consulta, {guia.name: 150.00})
        self.assertEqual(len(demonstrativo.post()), 1)
        self.assertFalse(demonstrativo.post())
        self.assertEqual(guia.amount_paid, 150.00)

    def test_post_then_undo_is_before(self):
        guia = self.sadt.guia_ids
        before = self._snapshot()
        analysis = self._analyse(self.sadt, {(guia.name, 1): 41.10, (guia.name, 2): (4.90, "1705")})
        analysis.post()
        payment = self._pay(self.sadt, {guia.name: 46.00})
        payment.post()
        with self.assertRaisesRegex(UserError, "undo those first"):
            analysis.undo()
        payment.undo()
        analysis.undo()
        self.assertEqual(self._snapshot(), before)
        self.assertEqual(self.sadt.state, "received")
        self.assertLedgerSound()

    def test_payment_can_be_undone_after_the_cache_is_gone(self):
        """Odoo recomputes the outstanding account from the payment method: it must agree."""
        guia = self.consulta.guia_ids
        demonstrativo = self._pay(self.consulta, {guia.name: 150.00})
        demonstrativo.post()
        payment = demonstrativo.payment_ids.payment_id
        self.env.flush_all()
        self.env.invalidate_all()
        payment.modified(["payment_method_line_id"])
        self.assertEqual(payment.outstanding_account_id, self.contract.transit_account_id)
        self.assertFalse(payment.is_matched, "no bank statement confirmed it yet")
        demonstrativo.undo()
        self.assertEqual(payment.state, "canceled")
        self.assertLedgerSound()

    def test_odoo_s_own_buttons_do_not_undo_our_entries(self):
        guia = self.sadt.guia_ids
        analysis = self._analyse(self.sadt, {(guia.name, 1): 41.10, (guia.name, 2): (4.90, "1705")})
        analysis.post()
        credit_note = guia.glosa_ids.accept()
        demonstrativo = self._pay(self.sadt, {guia.name: 46.00})
        demonstrativo.post()
        payment = demonstrativo.payment_ids.payment_id
        accountant = self._create_user("demonstrativo.contador", "account.group_account_manager")
        for records, methods in (
            (self.sadt.invoice_id, ("button_draft", "button_cancel", "_reverse_moves")),
            (credit_note, ("button_draft", "button_cancel", "_reverse_moves")),
            (payment.move_id, ("button_draft", "button_cancel", "_reverse_moves")),
            (payment, ("action_draft", "action_cancel")),
        ):
            for method in methods:
                with self.subTest(records, method=method):
                    with self.assertRefused("Undo the demonstrativo"):
                        getattr(records.with_user(accountant), method)()
        demonstrativo.undo()
        self.assertEqual((payment.state, payment.move_id.state), ("canceled", "cancel"))
        with self.assertRefused("Undo the demonstrativo"):
            payment.with_user(accountant).action_draft()
        self.assertLedgerSound()

    def test_payment_method_is_made_once(self):
        first = self.contract._get_payment_method_line()
        self.assertEqual(self.contract._get_payment_method_line(), first)
        self.assertEqual(first.payment_account_id, self.contract.transit_account_id)

    def test_import_again_after_undo(self):
        guia = self.consulta.guia_ids
        content = payment_message(self.consulta, {guia.name: 150.00}, "P1")
        self._import(content).post().ensure_one()
        self.env["tiss.demonstrativo"].search([("name", "=", "P1")]).undo()
        again = self._import(content)
        self.assertEqual(again.state, "imported")
        again.post()
        self.assertEqual(guia.amount_paid, 150.00)
        self.assertLedgerSound()

    def test_zero_payment(self):
        """Everything eaten by a discount: no money in the bank, the invoice is paid."""
        guia = self.consulta.guia_ids
        demonstrativo = self._pay(
            self.consulta, {guia.name: 150.00}, adjustments=[("07", "DESCONTO", 150.00)]
        )
        demonstrativo.post()
        self.assertEqual(demonstrativo.payment_ids.payment_id.amount, 0)
        self.assertLedgerSound()

    def test_codeless_blood_count(self):
        """Cents that do not divide: 33.33 denied by a third still adds up."""
        lote = self._create_received_lote({BLOOD_COUNT: 3}, protocol="1003")
        guia = lote.guia_ids
        self._analyse(lote, {(guia.name, 1): (66.66, "1705")}).post()
        self.assertEqual(self._buckets(guia.line_ids), [0, 66.66, 0, 33.33, 0])
        self.assertLedgerSound()

    def _snapshot(self):
        """Everything that money could have changed: buckets, residuals, glosas, payments."""
        self.env.flush_all()
        lotes = self.consulta | self.sadt
        return (
            [self._buckets(line) for line in lotes.guia_ids.line_ids],
            lotes.guia_ids.mapped("state"),
            lotes.invoice_id.mapped("amount_residual"),
            len(lotes.glosa_ids),
            self.env["account.payment"].search_count([("state", "in", ("in_process", "paid"))]),
        )
