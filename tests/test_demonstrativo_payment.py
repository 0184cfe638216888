from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from ..models.open_work import OpenWork
from ..models.tiss_demonstrativo_payment_entry import TissDemonstrativoPayment
from ..models.tiss_glosa import TissGlosa
from ..models.tiss_lote_invoice import TissLote
from ..models.tiss_movement import TissMovement
from .common import CONSULTATION
from .ledger_invariants import find_broken
from .return_messages import analysis_message, payment_message, two_days_message
from .return_records import ReturnCase


class PaymentCommon(ReturnCase):
    """What a payment booked, and what of it does not agree."""

    def _balances(self, demonstrativo):
        """{account: balance} of the entries of a demonstrativo."""
        balances = {}
        for line in demonstrativo.payment_ids.payment_id.move_id.line_ids:
            balances[line.account_id] = balances.get(line.account_id, 0) + line.balance
        return {account: round(balance, 2) for account, balance in balances.items() if balance}

    def _get_codes(self, demonstrativo):
        return sorted(demonstrativo.discrepancy_ids.mapped("code"))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDemonstrativoPayment(PaymentCommon):
    """The entry of a payment to the cent, whatever else the operadora takes or adds."""

    # ------------------------------------------------------------------
    # Net
    # ------------------------------------------------------------------

    def test_negative_net_is_owed_and_offset_by_the_next(self):
        """150.00 paid, 200.00 taken: 50.00 are owed, and taken off the 56.00 of the next."""
        accounts = self.company
        first = self._pay_consulta(adjustments=[("07", "DESCONTO", 200.00)])
        self.assertIn("negative_net", self._get_codes(first))
        self.assertFalse(first.blocking_count)
        first.post()
        debt = accounts.tiss_debt_account_id
        discount = first.adjustment_ids.account_id
        receivable = self.contract.receivable_account_id
        self.assertEqual(
            self._balances(first), {discount: 200.00, receivable: -150.00, debt: -50.00}
        )
        self.assertEqual(first.payment_ids.payment_id.amount, 0)
        self.assertEqual(first._get_owed_cents(), 5000)
        guia = self.sadt.guia_ids
        second = self._pay(
            self.sadt, {guia.name: 56.00}, "P2", adjustments=[("08", "AJUSTE ANTERIOR", 50.00)]
        )
        self.assertEqual(second.adjustment_ids.account_id, debt)
        self.assertFalse(second.blocking_count)
        second.post()
        transit = self.contract.transit_account_id
        self.assertEqual(self._balances(second), {transit: 6.00, debt: 50.00, receivable: -56.00})
        self.assertEqual(first._get_owed_cents(), 0)
        self.assertFalse(
            self.env["tiss.adjustment.account"].search([("account_id", "=", debt.id)]),
            "an offset is no decision to remember",
        )
        with self.assertRefused("settled by.*undo that first"):
            first.undo()
        second.undo()
        self.assertEqual(first._get_owed_cents(), 5000)
        first.undo()
        self.assertEqual(first._get_owed_cents(), 0)
        self.assertLedgerSound()

    def test_zero_net_can_be_undone(self):
        """Odoo calls a payment of nothing matched with the bank."""
        demonstrativo = self._pay_consulta(adjustments=[("07", "DESCONTO", 150.00)])
        demonstrativo.post()
        demonstrativo.undo()
        self.assertEqual(self.consulta.amount_open, 150.00)
        self.assertLedgerSound()

    def test_credits_are_booked_beside_what_is_paid(self):
        """150.00 and a crédito of 10.00 of juros: 160.00 in the bank."""
        demonstrativo = self._pay_consulta(adjustments=[("07", "JUROS", -10.00)])
        demonstrativo.post()
        adjustment = demonstrativo.adjustment_ids
        self.assertEqual(adjustment.direction, "credit")
        self.assertEqual(
            self._balances(demonstrativo),
            {
                self.contract.transit_account_id: 160.00,
                adjustment.account_id: -10.00,
                self.contract.receivable_account_id: -150.00,
            },
        )

    # ------------------------------------------------------------------
    # Débitos of the whole file
    # ------------------------------------------------------------------

    def test_debits_of_the_file_that_repeat_those_of_the_day(self):
        taxes = [("01", "IRRF", 2.25)]
        demonstrativo = self._pay_consulta(adjustments=taxes, whole=taxes)
        self.assertFalse(demonstrativo.discrepancy_ids)
        self.assertEqual(len(demonstrativo.adjustment_ids), 1)
        self.assertEqual(demonstrativo.amount_net, 147.75)

    def test_debits_of_the_file_that_complement_those_of_the_day(self):
        """IRRF 2.25 by day, a discount of 7.75 for the whole file: 140.00 in the bank."""
        demonstrativo = self._pay_consulta(
            adjustments=[("01", "IRRF", 2.25)], whole=[("07", "TARIFA", 7.75)], stated=140.00
        )
        self.assertFalse(demonstrativo.discrepancy_ids)
        self.assertEqual(demonstrativo.amount_net, 140.00)
        self.assertEqual(demonstrativo.adjustment_ids.mapped("is_of_file"), [False, True])
        demonstrativo.post()
        self.assertEqual(demonstrativo.payment_ids.payment_id.amount, 140.00)
        self.assertLedgerSound()

    def test_debits_of_the_file_that_tie_in_neither_way(self):
        demonstrativo = self._pay_consulta(whole=[("07", "TARIFA", 7.75)], stated=149.00)
        [row] = demonstrativo.discrepancy_ids
        self.assertEqual(
            (row.code, row.amount_ours, row.amount_theirs), ("sums_disagree", 150.00, 149.00)
        )

    # ------------------------------------------------------------------
    # Decisions that are remembered
    # ------------------------------------------------------------------

    def test_a_decision_is_asked_once(self):
        account = self.contract.glosa_account_id
        adjustments = [("08", "Ajuste ref. fatura 123", 5.00)]
        first = self._pay_consulta(145.00, "P1", adjustments=adjustments)
        self.assertEqual(self._get_codes(first), ["no_account"])
        first.adjustment_ids.account_id = account
        first.post()
        [row] = self.env["tiss.adjustment.account"].search([("contract_id", "!=", False)])
        self.assertEqual(
            (row.contract_id, row.kind_id.code, row.direction, row.account_id),
            (self.contract, "08", "debit", account),
        )
        guias = {self.sadt.guia_ids.name: 56.00}
        again = self._pay(
            self.sadt, guias, "P2", adjustments=[("08", "AJUSTE REF. FATURA 987", 5.00)]
        )
        self.assertEqual(again.adjustment_ids.account_id, account)
        other = self._pay(self.sadt, guias, "P3", adjustments=[("08", "MULTA", 5.00)])
        self.assertFalse(other.adjustment_ids.account_id)
        credit = self._pay(
            self.sadt, guias, "P4", adjustments=[("08", "AJUSTE REF. FATURA 9", -5.00)]
        )
        self.assertFalse(credit.adjustment_ids.account_id, "a crédito is another matter")

    def test_a_changed_decision_holds_from_then_on(self):
        adjustments = [("08", "AJUSTE", 5.00)]
        first = self._pay_consulta(adjustments=adjustments)
        first.adjustment_ids.account_id = self.contract.glosa_account_id
        first.post()
        guias = {self.sadt.guia_ids.name: 56.00}
        second = self._pay(self.sadt, guias, "P2", adjustments=adjustments)
        other = self.contract.revenue_account_id
        second.adjustment_ids.account_id = other
        second.post()
        [row] = self.env["tiss.adjustment.account"].search([("contract_id", "!=", False)])
        self.assertEqual(row.account_id, other)

    def test_a_decision_for_the_convenio_outranks_that_of_the_clinic(self):
        kind = self.env["tiss.term"]._get("27", "07")
        account = self.contract.glosa_account_id
        self.env["tiss.adjustment.account"].create(
            {"contract_id": self.contract.id, "kind_id": kind.id, "account_id": account.id}
        )
        demonstrativo = self._pay_consulta(adjustments=[("07", "TARIFA", 5.00)])
        self.assertEqual(demonstrativo.adjustment_ids.account_id, account)
        with self.assertRefused("already an account for this kind"):
            self.env["tiss.adjustment.account"].create(
                {"contract_id": self.contract.id, "kind_id": kind.id, "account_id": account.id}
            )

    # ------------------------------------------------------------------
    # Taxes withheld
    # ------------------------------------------------------------------

    def _get_retentions(self, *taxes, gross=1000.00):
        """(code, tax, expected, withheld) of what a payment of 1,000.00 withholds otherwise."""
        count = 3 + self.env["tiss.demonstrativo"].search_count([])
        lote = self._create_received_lote(*[CONSULTATION] * 7, protocol=f"1{count:03d}")
        names = lote.guia_ids.mapped("name")
        guias = dict.fromkeys(names[:-1], 150.00) | {names[-1]: gross - 900.00}
        number = f"R{count}"
        demonstrativo = self._pay(lote, guias, number, adjustments=taxes)
        rows = demonstrativo.discrepancy_ids.filtered(lambda row: row.code.startswith("retention"))
        self.assertFalse(any(rows.mapped("is_blocking")), "what was withheld is booked anyway")
        return [(row.code, row.place, row.amount_ours, row.amount_theirs) for row in rows]

    def test_retentions_at_the_agreed_rates(self):
        """1,000.00: IRRF 15.00, PIS 6.50, COFINS 30.00, CSLL 10.00."""
        self.contract.retention_rule = "rates"
        taxes = [
            ("01", "IRRF", 15.00), ("04", "PIS", 6.55), ("05", "COFINS", 30.06), ("06", "CSLL", 10),
        ]  # fmt: skip
        self.assertEqual(
            self._get_retentions(*taxes), [("retention_differs", "COFINS", 30.00, 30.06)]
        )

    def test_retentions_that_should_not_be(self):
        self.contract.retention_rule = "simples"
        self.assertEqual(
            self._get_retentions(("01", "IRRF", 15.00)), [("retention_undue", "IRRF", 0, 15.00)]
        )

    def test_what_is_withheld_is_expected_from_now_on(self):
        """Of 1,000.00 18.50 are withheld for IRRF, 1.85 %: the next payment says nothing new."""
        self.contract.retention_rule = "rates"
        taxes = [
            ("01", "IRRF", 18.50), ("04", "PIS", 6.50), ("05", "COFINS", 30.00), ("06", "CSLL", 10),
        ]  # fmt: skip
        self.assertEqual(
            self._get_retentions(*taxes), [("retention_differs", "IRRF", 15.00, 18.50)]
        )
        [row] = self.env["tiss.discrepancy"].search([("code", "=", "retention_differs")])
        row.resolve("adopt")
        self.assertEqual(self.contract.retention_irrf, 1.85)
        self.assertEqual(self.contract.retention_pis, 0.65)
        self.assertEqual(row.state, "resolved")
        self.assertEqual(self._get_retentions(*taxes), [])

    def test_a_clinic_that_is_no_longer_in_the_simples(self):
        self.contract.retention_rule = "simples"
        taxes = [("01", "IRRF", 15.00), ("05", "COFINS", 30.00)]
        self.assertEqual(len(self._get_retentions(*taxes)), 2)
        rows = self.env["tiss.discrepancy"].search([("code", "=", "retention_undue")])
        rows[0].resolve("adopt")
        self.assertEqual(self.contract.retention_rule, "rates")
        self.assertEqual(
            (self.contract.retention_irrf, self.contract.retention_pis,
             self.contract.retention_cofins, self.contract.retention_csll),
            (1.5, 0, 3, 0),
        )  # fmt: skip
        self.assertEqual(self._get_retentions(*taxes), [])

    def test_retentions_are_not_checked_unless_somebody_says_how(self):
        self.assertEqual(self._get_retentions(("01", "IRRF", 99.00)), [])

    def test_small_retentions_are_dispensed(self):
        """Of 150.00 IRRF would be 2.25 and the three together 6.98: neither is withheld."""
        self.contract.retention_rule = "rates"
        self.contract.retention_iss = 5
        demonstrativo = self._pay_consulta(adjustments=[("01", "IRRF", 2.25)])
        rows = demonstrativo.discrepancy_ids
        self.assertEqual(
            sorted((row.code, row.place, row.amount_ours, row.amount_theirs) for row in rows),
            [("retention_differs", "ISS", 7.50, 0), ("retention_undue", "IRRF", 0, 2.25)],
        )

    # ------------------------------------------------------------------
    # Taxes that are owed back
    # ------------------------------------------------------------------

    def _withhold(self, is_posted=True):
        """Of 150.00 12.25 are withheld for IRRF, of a clinic of which none should be."""
        self.contract.retention_rule = "simples"
        demonstrativo = self._pay_consulta(adjustments=[("01", "IRRF", 12.25)])
        [row] = demonstrativo.discrepancy_ids
        self.assertEqual((row.code, row.suggestion), ("retention_undue", "reclaim"))
        if is_posted:
            demonstrativo.post()
        row.resolve("reclaim")
        return demonstrativo, row

    def _get_claimed(self):
        """(balance of the tax asset, balance of what the operadora owes back)"""
        rules = self.env["tiss.adjustment.account"].search([("kind_id.code", "=", "01")])
        accounts = (rules.account_id, self.company.tiss_claim_account_id)
        return tuple(self._get_balance(account) for account in accounts)

    def _get_balance(self, account):
        lines = self.env["account.move.line"].search(
            [("account_id", "=", account.id), ("parent_state", "=", "posted")]
        )
        return round(sum(lines.mapped("balance")), 2)

    def test_a_tax_withheld_wrongly_is_owed_back(self):
        """Out of the tax asset before and after posting alike; undone with its demonstrativo."""
        before = self._get_claimed()
        for is_posted in (True, False):
            with self.subTest(is_posted), self.env.cr.savepoint() as savepoint:
                demonstrativo, row = self._withhold(is_posted)
                demonstrativo.post()
                self.assertEqual(self._get_claimed(), (before[0], 12.25))
                self.assertEqual((row.state, row.offers), ("asked", "give_up"))
                self.assertLedgerSound()
                demonstrativo.undo()
                self.assertEqual(self._get_claimed(), before)
                self.assertLedgerSound()
                savepoint.rollback()

    def test_a_credito_pays_the_tax_back(self):
        """12.25 come back with the next payment, whose own taxes are as they should be."""
        first, row = self._withhold()
        guias = {self.sadt.guia_ids.name: 56.00}
        back = self._pay(self.sadt, guias, "P2", adjustments=[("01", "DEV IRRF", -12.25)])
        self.assertEqual(back.adjustment_ids.account_id, self.company.tiss_claim_account_id)
        self.assertFalse(back.discrepancy_ids)
        back.post()
        self.assertEqual((row.state, row.resolution), ("resolved", "reclaim"))
        self.assertEqual(self._get_claimed()[1], 0)
        self.assertLedgerSound()
        with self.assertRefused("was paid back by"):
            row.reopen()
        with self.assertRefused("was paid back by"):
            first.undo()
        back.undo()
        self.assertEqual((row.state, self._get_claimed()[1]), ("asked", 12.25))
        row.reopen()
        self.assertEqual((row.state, self._get_claimed()[1]), ("open", 0))
        self.assertLedgerSound()

    def _get_owed_taxes(self):
        """{tax: cents that are still owed back of it}"""
        claims = self.contract._get_open_claims()
        return {
            row.place: round(sum(row._get_claim_lines().mapped("amount_residual")) * 100)
            for row in claims
        }

    def _pay_back(self, number, *adjustments):
        """A consulta of its own is paid, and these with it."""
        lote = self._create_received_lote(CONSULTATION, protocol=number)
        return self._pay(lote, {lote.guia_ids.name: 150.00}, number, adjustments=adjustments)

    def test_a_credito_pays_back_its_own_tax(self):
        """8.00 of ISS are owed longer than 12.25 of IRRF; 5.00 of IRRF come back, then the ISS."""
        self.contract.retention_rule = "simples"
        taxes = [("02", "ISS", 8.00), ("01", "IRRF", 12.25)]
        paid = self._pay_consulta(adjustments=taxes)
        paid.post()
        for tax in ("ISS", "IRRF"):
            paid.discrepancy_ids.filtered(lambda row, tax=tax: row.place == tax).resolve("reclaim")
        self._pay_back("P2", ("01", "DEV IRRF", -5.00)).post()
        self.assertEqual(self._get_owed_taxes(), {"ISS": 800, "IRRF": 725})
        second = self._pay_back("P3", ("01", "DEV IRRF", -1.25), ("02", "DEV ISS", -8.00))
        self.assertEqual(second.adjustment_ids.account_id, self.company.tiss_claim_account_id)
        second.post()
        self.assertEqual(self._get_owed_taxes(), {"IRRF": 600})
        self.assertLedgerSound()

    def test_a_credito_of_a_tax_that_is_no_longer_owed(self):
        """What was given up since the file was read is off the account of claims when booked."""
        _first, row = self._withhold()
        back = self._pay_back("P2", ("01", "DEV IRRF", -12.25))
        account = self.company.tiss_claim_account_id
        self.assertEqual(back.adjustment_ids.account_id, account)
        row.resolve("give_up")
        self.env["tiss.adjustment.account"].search([("kind_id.code", "=", "01")]).unlink()
        with self.assertRefused("cannot be posted yet"):
            back.post()
        back.action_check()
        self.assertFalse(back.adjustment_ids.account_id)
        self.assertIn("no_account", self._get_codes(back))
        self.assertEqual(self._get_balance(account), 0)

    def test_a_tax_is_paid_back_once(self):
        """12.25 are owed; two files that pay them, or one that does twice, are not both matched."""
        self._withhold()
        account = self.company.tiss_claim_account_id
        back = ("01", "DEV IRRF", -12.25)
        twice = self._pay_back("P2", back, back)
        self.assertEqual([row.account_id == account for row in twice.adjustment_ids], [True, False])
        later = self._pay_back("P3", back)
        self.assertEqual(later.adjustment_ids.account_id, account)
        twice.post()
        later.post()
        self.assertNotEqual(later.adjustment_ids.account_id, account)
        self.assertEqual(self._get_balance(account), 0)
        self.assertLedgerSound()

    def test_a_tax_that_is_not_paid_back_is_given_up(self):
        """It stays among the taxes withheld, and at the end of the month nothing differs."""
        demonstrativo, row = self._withhold()
        [closing] = self.env["tiss.closing"].create([{"date": self.today}])
        work = OpenWork(self.company)
        self.assertEqual(closing._check_retention(work)["count"], 0, "it was withheld")
        row.resolve("give_up", "Compensado na declaração")
        irrf, owed = self._get_claimed()
        self.assertEqual((row.state, owed), ("resolved", 0))
        self.assertEqual(closing._check_retention(work)["count"], 0)
        demonstrativo.undo()
        self.assertEqual(self._get_claimed(), (round(irrf - 12.25, 2), 0))
        self.assertLedgerSound()

    def test_a_claim_of_a_closed_month_is_reversed(self):
        """The entry of yesterday stays; that of today takes it back."""
        _first, row = self._claim_of_yesterday()
        day = self.today - timedelta(days=1)
        row.resolve("give_up")
        reversal = row.move_id.reversal_move_ids
        self.assertEqual((row.move_id.date, reversal.date), (day, self.today))
        self.assertEqual(row.state, "resolved")
        self.assertEqual(self._get_claimed()[1], 0)
        [closing] = self.env["tiss.closing"].create([{"date": self.today}])
        self.assertEqual(closing._check_retention(OpenWork(self.company))["count"], 0)
        self.assertLedgerSound()

    def _claim_of_yesterday(self):
        """A claim of a month that is closed since."""
        self.contract.retention_rule = "simples"
        day = self.today - timedelta(days=1)
        demonstrativo = self._pay_consulta(day=day, adjustments=[("01", "IRRF", 12.25)])
        demonstrativo.post()
        row = demonstrativo.discrepancy_ids.filtered(lambda row: row.code == "retention_undue")
        row.resolve("reclaim")
        self.company.sudo().fiscalyear_lock_date = day
        return demonstrativo, row

    def test_a_claim_taken_back_is_not_paid_back(self):
        """Neither where its month is closed, nor where the crédito is undone that paid it."""
        _first, row = self._withhold()
        back = self._pay_back("P2", ("01", "DEV IRRF", -12.25))
        back.post()
        self.assertTrue(row.note and row.resolved_by_id and row.resolved_date)
        back.undo()
        self.assertEqual(
            (row.state, row.note, row.resolved_by_id.id, row.resolved_date),
            ("asked", False, False, False),
        )

    def test_a_claim_of_a_closed_month_taken_back_is_open(self):
        _first, row = self._claim_of_yesterday()
        row.reopen()
        self.assertEqual((row.state, row.note), ("open", False))
        self.assertEqual(self._get_claimed()[1], 0)
        self.assertLedgerSound()

    def test_the_entry_of_a_claim_changes_only_with_its_discrepancy(self):
        _first, row = self._claim_of_yesterday()
        moves = row.move_id
        row.resolve("give_up")
        moves |= moves.reversal_move_ids
        self.assertEqual(len(moves), 2)
        for move in moves:
            for change in (
                move.button_draft,
                move.button_cancel,
                move._reverse_moves,
                lambda move=move: move.write({"state": "draft"}),
            ):
                with self.assertRefused("owes back"):
                    change()

    def test_where_today_is_closed_too_nothing_is_claimed(self):
        """Odoo would book it on a day that nobody chose."""
        self.contract.retention_rule = "simples"
        demonstrativo = self._pay_consulta(adjustments=[("01", "IRRF", 12.25)])
        demonstrativo.post()
        self.company.sudo().fiscalyear_lock_date = self.today
        with self.assertRefused("books are closed"):
            demonstrativo.discrepancy_ids.resolve("reclaim")

    def test_where_today_is_closed_too_no_claim_is_given_up(self):
        _first, row = self._withhold()
        self.company.sudo().fiscalyear_lock_date = self.today
        with self.assertRefused("books are closed"):
            row.resolve("give_up")

    def test_a_claim_is_proposed_where_the_last_one_was(self):
        """Of 150.00 15.00 are agreed and 20.00 withheld: looked at once, and then known."""
        self.contract.retention_rule = "rates"
        self.contract.write(
            {f"retention_{tax}": 0 for tax in ("pis", "cofins", "csll")} | {"retention_irrf": 10}
        )
        suggestions = []
        for number in ("P1", "P2"):
            paid = self._pay_consulta(number=number, adjustments=[("01", "IRRF", 20.00)])
            [row] = paid.discrepancy_ids.filtered(lambda row: row.code == "retention_differs")
            suggestions.append(row.suggestion)
            row.resolve("reclaim")
        self.assertEqual(suggestions, ["keep", "reclaim"])

    # ------------------------------------------------------------------
    # Remarks
    # ------------------------------------------------------------------

    def test_a_payment_of_tomorrow_is_a_remark(self):
        demonstrativo = self._pay_consulta(day=self.today + timedelta(days=1))
        self.assertEqual(self._get_codes(demonstrativo), ["future_payment"])
        demonstrativo.post()
        self.assertEqual(demonstrativo.payment_ids.payment_id.date, self.today + timedelta(days=1))

    def test_rows_that_do_not_add_up_are_counted(self):
        guia = self.sadt.guia_ids
        content = analysis_message(
            self.sadt, {(guia.name, 1): (31.10, "1705"), (guia.name, 2): (4.90, "1705")}, "D1"
        ).replace(b"valorGlosa>10.00<", b"valorGlosa>8.00<")
        analysis = self._import(content)
        [row] = analysis.discrepancy_ids
        self.assertEqual(
            (row.code, row.place, row.amount_ours, row.amount_theirs),
            ("row_differs", "2 rows", 40.00, 36.00),
        )
        self.assertFalse(analysis.blocking_count)

    def test_what_an_analysis_and_its_payment_both_say_is_decided_once(self):
        """4.00 less than processed minus glosa, in the analysis and again in the payment."""
        guia = self.sadt.guia_ids
        parts = {(guia.name, 1): (31.10, "1705"), (guia.name, 2): (4.90, "1705")}
        content = analysis_message(self.sadt, parts, "D1")
        first = self._import(content.replace(b"valorGlosa>10.00<", b"valorGlosa>8.00<"))
        first.post()
        first.discrepancy_ids.resolve("keep", "Arredondado")
        second, third = (
            self._import(
                payment_message(self.sadt, {guia.name: 36.00}, number).replace(
                    b"</ans:valorLiberadoGuia>",
                    b"</ans:valorLiberadoGuia><ans:valorGlosaGuia>%s</ans:valorGlosaGuia>" % glosa,
                )
            )
            for number, glosa in (("P1", b"-4.00"), ("P2", b"-5.00"))
        )
        remark = first.discrepancy_ids.filtered(lambda row: row.code == "row_differs")
        [known], [another] = second.discrepancy_ids, third.discrepancy_ids
        self.assertEqual((known.code, known.state), ("row_differs", "resolved"))
        self.assertIn("D1", known.note)
        self.assertIn("Arredondado", known.note)
        self.assertEqual(another.state, "open", "5.00 are something else")
        known.reopen()
        self.assertEqual((remark.state, known.state), ("open", "open"))
        known.resolve("keep")
        self.assertEqual((remark.state, known.state), ("resolved", "resolved"))
        remark.reopen()
        remark.resolve("ask")
        self.assertEqual((remark.state, known.state), ("asked", "open"))
        known.sudo()._settle("keep")
        known.reopen()
        self.assertEqual((remark.state, known.state), ("asked", "open"), "its question stays")

    def test_a_payment_before_its_protocolo_is_a_remark(self):
        early = self._pay_consulta(day=self.today - timedelta(days=1))
        self.assertEqual(self._get_codes(early), ["early_payment"])
        row = early.discrepancy_ids
        self.assertEqual((row.place, row.amount_theirs), ("1001", 150.00))
        early.post()
        self.assertLedgerSound()

    def test_a_convenio_that_is_archived_is_still_paid(self):
        self.contract.active = False
        demonstrativo = self._pay_consulta()
        demonstrativo.post()
        self.assertEqual(self.consulta.invoice_id.payment_state, "paid")

    # ------------------------------------------------------------------
    # What is taken back
    # ------------------------------------------------------------------

    def test_a_row_below_zero_takes_back_what_was_paid(self):
        """150.00 paid, then 30.00 taken back: denied again, and open on the receivable."""
        self._pay_consulta().post()
        self.assertEqual(self.consulta.amount_open, 0)
        back = self._pay(
            self.consulta | self.sadt,
            {self.consulta.guia_ids.name: -30.00, self.sadt.guia_ids.name: 56.00},
            "P2",
        )
        self.assertFalse(back.blocking_count)
        back.post()
        [line] = self.consulta.guia_ids.line_ids
        self.assertEqual((line.amount_paid, line.amount_denied), (120.00, 30.00))
        self.assertEqual(back.payment_ids.payment_id.amount, 26.00)
        [glosa] = self.consulta.glosa_ids
        self.assertEqual(glosa.amount, 30.00)
        self.assertLedgerSound()
        note = glosa.accept()
        self.assertEqual(note.amount_residual, 0, "matched with what was taken back")
        self.assertLedgerSound()

    def test_no_more_is_taken_back_than_was_paid(self):
        self._pay_consulta(100.00).post()
        demonstrativo = self._pay_consulta(-100.01, "P2")
        self.assertIn("paid_above", self._get_codes(demonstrativo))

    def test_a_debit_that_names_a_guia_takes_it_back(self):
        """56.00 are paid less 50.00 of the 150.00 that the first one paid: 6.00 arrive."""
        self._pay_consulta().post()
        guia, invoice = self.consulta.guia_ids, self.consulta.invoice_id
        self.assertEqual(invoice.payment_state, "paid")
        named = f"Estorno ref. guia nº {guia.name}"
        second = self._pay(
            self.sadt, {self.sadt.guia_ids.name: 56.00}, "P2", adjustments=[("08", named, 50.00)]
        )
        self.assertEqual(second.adjustment_ids.guia_id, guia)
        self.assertNotIn("no_account", self._get_codes(second))
        preview = [(float(row["debit"]), float(row["credit"]))
                   for row in second.preview()["entries"]]  # fmt: skip
        second.post()
        move = second.payment_ids.payment_id.move_id
        self.assertEqual(
            [(line.account_id.code, line.tiss_lote_id, line.debit, line.credit)
             for line in move.line_ids],
            [("1.01.02.02.12", self.sadt.browse(), 6.00, 0),
             ("1.01.02.02.10", self.consulta, 50.00, 0),
             ("1.01.02.02.10", self.sadt, 0, 56.00)],
        )  # fmt: skip
        self.assertEqual(preview, [(line.debit, line.credit) for line in move.line_ids])
        self.assertEqual((guia.line_ids.amount_paid, guia.line_ids.amount_denied), (100, 50))
        self.assertEqual((guia.glosa_ids.amount, guia.glosa_ids.state), (50.00, "open"))
        self.assertEqual(find_broken(self.contract), {})
        self.assertLedgerSound()
        guia.glosa_ids.accept()
        self.assertEqual(self.consulta.state, "closed")
        self.assertLedgerSound()
        guia.glosa_ids.reopen("Engano")
        second.undo()
        self.assertEqual((guia.line_ids.amount_paid, guia.line_ids.amount_denied), (150, 0))
        self.assertEqual(find_broken(self.contract), {})
        self.assertLedgerSound()

    def test_a_person_says_which_guia_a_debit_takes_back(self):
        self._pay_consulta().post()
        guia = self.consulta.guia_ids
        second = self._pay(
            self.sadt, {self.sadt.guia_ids.name: 56.00}, "P2",
            adjustments=[("08", "ACERTO DE CONTAS", 50.00)],
        )  # fmt: skip
        row = second.adjustment_ids
        self.assertIn("no_account", self._get_codes(second))
        with self.assertRefused("were paid", ValidationError):
            row.guia_id = self.sadt.guia_ids
        row.guia_id = guia
        second.action_check()
        self.assertNotIn("no_account", self._get_codes(second))
        row.account_id = self.contract.glosa_account_id
        self.assertFalse(row.guia_id, "the account was decided instead")
        row.guia_id = guia
        self.assertFalse(row.account_id)
        second.post()
        self.assertEqual(guia.line_ids.amount_denied, 50.00)
        self.assertFalse(
            self.env["tiss.adjustment.account"].search([("description", "ilike", "ACERTO")])
        )
        self.assertLedgerSound()

    # ------------------------------------------------------------------
    # All or nothing
    # ------------------------------------------------------------------

    def test_a_failure_at_any_step_leaves_nothing(self):
        steps = [
            (TissDemonstrativoPayment, "_set_accounting_date"),
            (TissDemonstrativoPayment, "_prepare_account_payment"),
            (TissDemonstrativoPayment, "_reconcile"),
            (TissDemonstrativoPayment, "_plan_movements"),
            (TissMovement, "_record"),
            (TissMovement, "_update_buckets"),
            (TissGlosa, "_create_from_entries"),
            (TissLote, "_check_tie_out"),
        ]
        demonstrativo = self._pay_consulta(120.00, adjustments=[("01", "IRRF", 1.00)])
        for owner, name in steps:
            for before in (True, False):
                original = getattr(owner, name)

                def fail(records, *args, original=original, before=before):
                    if not before:
                        original(records, *args)
                    raise RuntimeError("the lights went out")

                with (
                    self.subTest(name, before=before),
                    patch.object(owner, name, fail),
                    self.assertRefused("lights went out", RuntimeError),
                ):
                    demonstrativo.post()
        content = self._get_content()
        with patch.object(TissLote, "_check_tie_out", fail):
            try:
                demonstrativo.post()
            except RuntimeError:
                self.env.invalidate_all()
        self.assertEqual(self._get_content(), content, "also for a caller who goes on")
        demonstrativo.post()
        self.assertEqual(self.consulta.amount_open, 30.00)
        self.assertLedgerSound()

    def test_many_days_are_booked_each(self):
        """Two days in one file: two payments, each with its own net."""
        first = self._pay_consulta(100.00, "P9")
        content = payment_message(self.consulta, {self.consulta.guia_ids.name: 100.00}, "P1")
        other = payment_message(
            self.sadt, {self.sadt.guia_ids.name: 56.00}, "P1", day=self.today - timedelta(days=1)
        )
        start, end = b"<ans:pagamentosPorData>", b"</ans:pagamentosPorData>"
        second = start + other.partition(start)[2].partition(end)[0] + end
        content = content.replace(end, end + second)
        for name in (b"valorLiberadoBruto", b"valorLiberadoDemonstrativo"):
            content = content.replace(name + b">100.00<", name + b">156.00<")
        first.unlink()
        demonstrativo = self._import(content)
        self.assertFalse(demonstrativo.blocking_count)
        payments = demonstrativo.post()
        self.assertEqual(sorted(payments.mapped("amount")), [56.00, 100.00])
        self.assertEqual((self.consulta.amount_paid, self.sadt.amount_paid), (100.00, 56.00))
        self.assertLedgerSound()

    def _pay_on_two_days(self, lote, first, second):
        """One file that pays the guia of a lote yesterday and today."""
        yesterday = self.today - timedelta(days=1)
        return self._import(two_days_message(lote.guia_ids, first, second, "P1", yesterday))

    def test_a_guia_paid_on_two_days_of_one_file(self):
        """What the first day leaves is not denied: the second one pays it, or says its glosa."""
        for lote, first, second, denied in (
            (self.consulta, 100.00, 50.00, 0),
            (self.consulta, 60.00, 50.00, 40.00),
            (self.sadt, 30.00, 26.00, 0),
        ):
            with self.subTest(first=first, second=second), self.env.cr.savepoint() as savepoint:
                demonstrativo = self._pay_on_two_days(lote, first, second)
                self.assertEqual(self._get_codes(demonstrativo), ["early_payment"])
                amounts = demonstrativo.preview()["amounts"]
                payments = demonstrativo.post()
                self.assertEqual(sorted(payments.mapped("amount")), sorted([first, second]))
                self.assertEqual((lote.amount_paid, lote.amount_denied), (first + second, denied))
                told = {kind: float(amount) for kind, amount in amounts.items()}
                self.assertEqual(told.get("pay"), first + second)
                self.assertEqual(told.get("deny", 0), denied)
                self.assertEqual(sum(lote.glosa_ids.mapped("amount")), denied)
                self.assertLedgerSound()
                demonstrativo.undo()
                self.assertEqual(lote.amount_open, first + second + denied)
                self.assertLedgerSound()
                savepoint.rollback()
            self.env.invalidate_all()

    def test_more_than_is_open_on_two_days(self):
        """120.00 and 80.00 for 150.00: the 50.00 too many are kept apart, wherever they came."""
        demonstrativo = self._pay_on_two_days(self.consulta, 120.00, 80.00)
        codes = ["early_payment", "paid_above", "paid_above"]
        self.assertEqual(self._get_codes(demonstrativo), codes)
        above = demonstrativo.discrepancy_ids.filtered("is_blocking")
        above.resolve("cap")
        demonstrativo.post()
        self.assertEqual(self.consulta.amount_paid, 150.00)
        self.assertEqual(sum(demonstrativo.payment_ids.mapped("amount_unidentified")), 50.00)
        self.assertLedgerSound()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDemonstrativoPartial(PaymentCommon):
    """What agrees is booked, what does not waits as not identified; the net is the bank's."""

    def _post_rest(self, demonstrativo):
        """As somebody does who decides in the window."""
        with self.assertRaisesRegex(UserError, "cannot be posted yet"):
            demonstrativo.post()
        action = demonstrativo.action_post()
        form = Form(self.env[action["res_model"]].with_context(**action["context"]))
        wizard = form.save()
        wizard.action_post()
        self.assertEqual(demonstrativo.state, "posted")
        self.assertLedgerSound()

    def _get_suspense(self):
        return self.company.tiss_suspense_account_id

    def test_guias_that_were_never_sent(self):
        """150.00 of ours, 56.00 of a protocolo that nobody knows: 206.00 in the bank."""
        guias = {self.consulta.guia_ids.name: 150.00, self.sadt.guia_ids.name: 56.00}
        content = payment_message(self.consulta | self.sadt, guias, "P1").replace(
            b"numeroProtocolo>1002<", b"numeroProtocolo>A-77/B<"
        )
        demonstrativo = self._import(content)
        [row] = demonstrativo.discrepancy_ids
        self.assertEqual((row.code, row.amount_theirs), ("unknown_protocol", 56.00))
        self.assertEqual(row.place, f"A-77/B / {self.sadt.guia_ids.name}")
        self._post_rest(demonstrativo)
        self.assertEqual(
            self._balances(demonstrativo),
            {
                self.contract.transit_account_id: 206.00,
                self.contract.receivable_account_id: -150.00,
                self._get_suspense(): -56.00,
            },
        )
        self.assertEqual(demonstrativo.amount_unidentified, 56.00)
        self.assertEqual((self.consulta.amount_open, self.sadt.amount_open), (0, 56.00))
        demonstrativo.undo()
        self.assertEqual(self.consulta.amount_open, 150.00)
        self.assertLedgerSound()

    def test_the_preview_says_what_is_not_identified(self):
        demonstrativo = self._pay_consulta(151.00)
        entries = demonstrativo.preview()["entries"]
        self.assertEqual([str(row["credit"]) for row in entries if row["credit"]], ["151.00"])
        self.assertIn("Not identified", entries[-1]["label"])

    def test_a_net_that_no_row_explains(self):
        """The file says 149.00 net of 150.00: the bank gets 149.00."""
        content = payment_message(
            self.consulta, {self.consulta.guia_ids.name: 150.00}, "P1", net=149.00
        )
        demonstrativo = self._import(content)
        self._post_rest(demonstrativo)
        self.assertEqual(demonstrativo.payment_ids.payment_id.amount, 149.00)
        self.assertEqual(self._balances(demonstrativo)[self._get_suspense()], 1.00)
        self.assertEqual(self.consulta.amount_open, 0)

    def test_sums_of_each_level_of_a_payment(self):
        """Whatever level is wrong, the rows are booked and the net is the stated one."""
        guia = self.consulta.guia_ids.name
        content = payment_message(self.consulta, {guia: 150.00}, "P1")
        for old, new, ours, theirs, unidentified in (
            (b"valorLiberadoGuia>150.00<", b"valorLiberadoGuia>15.00<", 15.00, 150.00, 135.00),
            (b"valorLiberado>150.00<", b"valorLiberado>140.00<", 150.00, 140.00, 0),
            (b"totaLiberadoPorData>150.00<", b"totaLiberadoPorData>1.00<", 150.00, 1.00, 0),
            (b"liquidoPorData>150.00<", b"liquidoPorData>149.00<", 150.00, 149.00, -1.00),
            (b"totalDebitosPorData>0.00<", b"totalDebitosPorData>9.00<", 0, 9.00, 0),
            (b"valorLiberadoBruto>150.00<", b"valorLiberadoBruto>9.00<", 150.00, 9.00, 0),
            (b"LiberadoDemonstrativo>150.00<", b"LiberadoDemonstrativo>9.00<", 150.00, 9.00, 0),
        ):
            self.assertIn(old, content)
            with self.subTest(new), self.env.cr.savepoint() as savepoint:
                demonstrativo = self._import(content.replace(old, new, 1))
                rows = demonstrativo.discrepancy_ids.filtered(
                    lambda row: row.code == "sums_disagree"
                )
                self.assertIn(
                    (ours, theirs), [(row.amount_ours, row.amount_theirs) for row in rows]
                )
                self._post_rest(demonstrativo)
                self.assertEqual(demonstrativo.amount_unidentified, unidentified)
                savepoint.rollback()
            self.env.invalidate_all()

    def test_an_adjustment_without_an_account(self):
        demonstrativo = self._pay_consulta(adjustments=[("08", "AJUSTE", 5.00)])
        self._post_rest(demonstrativo)
        self.assertEqual(self._balances(demonstrativo)[self._get_suspense()], 5.00)
        self.assertEqual(self.consulta.amount_open, 0)

    def test_an_analysis_leaves_out_what_does_not_agree(self):
        """41.10 of one item, 99.00 of another that was worth 14.90: only the first moves."""
        guia = self.sadt.guia_ids
        analysis = self._import(
            analysis_message(self.sadt, {(guia.name, 1): 41.10, (guia.name, 2): 99.00}, "D1")
        )
        self._post_rest(analysis)
        ecg, dipyrone = guia.line_ids.sorted("sequence_item")
        self.assertEqual((ecg.amount_released, dipyrone.amount_to_process), (41.10, 14.90))

    def test_nothing_of_the_payment_is_known(self):
        content = payment_message(self.consulta, {self.consulta.guia_ids.name: 150.00}, "P1")
        demonstrativo = self._import(content.replace(b"Protocolo>1001<", b"Protocolo>9999<"))
        self._post_rest(demonstrativo)
        self.assertEqual(self._balances(demonstrativo)[self._get_suspense()], -150.00)
        self.assertEqual(self.consulta.amount_open, 150.00)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDemonstrativoOriginal(PaymentCommon):
    """The PDF that a demonstrativo came as stays beside it."""

    PDF = b"JVBERi0xLjcKZXh0cmF0bw=="  # %PDF-1.7 extrato

    def test_any_demonstrativo_takes_a_pdf(self):
        biller = self._create_user("pdf.faturista", "billing")
        demonstrativo = self._pay_consulta().with_user(biller)
        demonstrativo.write({"original_file": self.PDF, "original_file_name": "extrato.pdf"})
        demonstrativo.post()
        self.assertEqual(demonstrativo.original_file, self.PDF)

    def test_what_is_no_pdf_is_refused(self):
        demonstrativo = self._pay_consulta()
        with self.assertRefused("kept as a PDF"):
            demonstrativo.original_file = b"PGh0bWw+PC9odG1sPg=="

    def test_a_typed_one_brings_its_own(self):
        form = Form(self.env["tiss.return.entry"])
        form.name = "T1"
        form.contract_id = self.contract
        form.kind = "analysis"
        form.lote_ids.add(self.consulta)
        entry = form.save()
        entry.write({"file": self.PDF, "file_name": "extrato.pdf"})
        demonstrativo = entry.check()
        self.assertEqual(
            (demonstrativo.original_file, demonstrativo.original_file_name),
            (self.PDF, "extrato.pdf"),
        )
