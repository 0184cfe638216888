import itertools
import random
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from ..standard import identifiers
from ..standard.money import to_cents
from .bank_records import BankRecords
from .common import CONSULTATION, TissCommon
from .return_messages import payment_message


class BankCase(BankRecords, TissCommon):
    """A clinic whose operadora has a CNPJ; one consultation costs 150.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Match = cls.env["tiss.bank.match"]
        cls.bank = cls.contract.bank_journal_id
        cls.transit = cls.contract.transit_account_id

    def _transit_residual(self):
        lines = self.env["account.move.line"].search(
            [("account_id", "=", self.transit.id), ("parent_state", "=", "posted")]
        )
        return sum(map(to_cents, lines.mapped("amount_residual")))

    def _entry(self, line):
        """The entry of a bank line: (account, cents, partner) of each item."""
        return sorted(
            (item.account_id.code, to_cents(item.balance)) for item in line.move_id.line_ids
        )

    def _find(self):
        made, left = self.Match.find(self.bank)
        self.env.flush_all()
        return made, left


@tagged("post_install", "-at_install", "post_install_l10n")
class TestBankMatch(BankCase):
    """The rules (a) to (e) of accounting §5.5, each booked and taken back, to the cent."""

    # ------------------------------------------------------------------
    # (a) certain
    # ------------------------------------------------------------------

    def test_exact_net_of_a_known_cnpj_is_matched_at_once(self):
        payment = self._post_payment(137.66, "P1")
        line = self._deposit(137.66)
        self.assertEqual(line.tiss_state, "open")
        made, left = self._find()
        self.assertEqual((made.line_ids, made.payment_ids), (line, payment))
        self.assertFalse(left)
        self.assertEqual((made.rule, made.evidence, made.days), ("exact", "cnpj", 1))
        self.assertTrue(line.is_reconciled)
        self.assertEqual(line.tiss_state, "matched")
        self.assertTrue(payment.is_matched)
        self.assertEqual(
            self._entry(line),
            [(self.bank.default_account_id.code, 13766), (self.transit.code, -13766)],
        )
        self.assertEqual(line.partner_id, self.operadora)
        self.assertEqual(self._transit_residual(), 0)
        self.assertLedgerSound()

    def test_what_is_matched_is_not_matched_again(self):
        self._post_payment(100.00, "P1")
        line = self._deposit(100.00)
        made, _left = self._find()
        self.assertFalse(made.match())
        self.assertEqual(self._find(), (self.Match, self.Match))
        self.assertEqual(line.tiss_made_ids, made)

    def test_six_working_days_later_it_is_a_proposal(self):
        self._post_payment(100.00, "P1")
        line = self._deposit(100.00, after=6)
        made, left = self._find()
        self.assertFalse(made)
        self.assertEqual(left, line.tiss_proposal_id)
        self.assertIn("6 working days", left.reason)

    def test_two_of_one_amount_are_left_to_a_person(self):
        self._post_payment(100.00, "P1")
        self._post_payment(100.00, "P2")
        line = self._deposit(100.00)
        made, left = self._find()
        self.assertFalse(made)
        self.assertEqual(len(line.tiss_proposal_ids), 2)
        self.assertIn("another one", left[0].reason)
        left[0].match()
        self.assertEqual(len(left.exists()), 1, "the other proposal of the line is gone")
        self.assertLedgerSound()

    # ------------------------------------------------------------------
    # (b), (c), n:m
    # ------------------------------------------------------------------

    def test_one_deposit_for_two_demonstrativos(self):
        payments = self._post_payment(100.00, "P1") | self._post_payment(37.50, "P2")
        line = self._deposit(137.50)
        made, left = self._find()
        self.assertFalse(made)
        self.assertEqual((left.rule, left.payment_ids), ("sum", payments))
        line.action_tiss_match()
        self.assertTrue(all(payments.mapped("is_matched")))
        self.assertEqual(self._transit_residual(), 0)
        self.assertLedgerSound()

    def test_one_demonstrativo_in_two_deposits(self):
        payment = self._post_payment(140.00, "P1")
        lines = self._deposit(100.00) | self._deposit(40.00, after=2)
        _made, left = self._find()
        split = left.filtered(lambda match: match.rule == "split")
        self.assertEqual((split.line_ids, split.payment_ids), (lines, payment))
        split.match()
        self.assertTrue(payment.is_matched)
        self.assertEqual(set(lines.mapped("tiss_state")), {"matched"})

    def test_two_deposits_for_two_demonstrativos(self):
        payments = self._post_payment(45.00, "P1") | self._post_payment(55.00, "P2")
        lines = self._deposit(70.00) | self._deposit(30.00)
        _made, left = self._find()
        self.assertEqual((left.rule, left.line_ids, left.payment_ids), ("group", lines, payments))
        left.match()
        self.assertEqual(self._transit_residual(), 0)
        left.unmatch()
        self.assertEqual(set(lines.mapped("tiss_state")), {"open"})
        self.assertFalse(any(payments.mapped("is_matched")))
        self.assertLedgerSound()

    # ------------------------------------------------------------------
    # (d) learning
    # ------------------------------------------------------------------

    def test_an_unknown_payer_is_proposed_and_then_known(self):
        self._post_payment(101.00, "P1")
        line = self._deposit(101.00, "TED 341 MANTENEDORA INVENTADA 0099")
        made, left = self._find()
        self.assertFalse(made)
        self.assertIn("does not say who paid", left.reason)
        left.match()
        alias = self.env["tiss.bank.alias"].search([("match_id", "=", left.id)])
        self.assertEqual(
            (alias.text, alias.partner_id, alias.is_learned),
            ("MANTENEDORA INVENTADA", self.operadora, True),
        )
        self._post_payment(102.00, "P2")
        second = self._deposit(102.00, "TED 237 Mantenedora Inventada 1234")
        made, _left = self._find()
        self.assertEqual((made.line_ids, made.evidence), (second, "alias"))
        self.assertTrue(line.tiss_made_ids)

    def test_a_cnpj_of_an_unknown_payer_is_learned_before_words(self):
        code = identifiers.complete_cnpj("777888990001")
        self._post_payment(101.00, "P1")
        self._deposit(101.00, f"PIX {code} PAGADORA")
        _made, left = self._find()
        left.match()
        self.assertEqual(self.env["tiss.bank.alias"].search([]).text, code)

    def test_undoing_unlearns(self):
        self._post_payment(101.00, "P1")
        self._deposit(101.00, "TED MANTENEDORA INVENTADA")
        _made, left = self._find()
        left.match()
        left.unmatch()
        self.assertFalse(self.env["tiss.bank.alias"].search([]))

    def test_the_clinic_s_own_cnpj_names_nobody(self):
        self._post_payment(101.00, "P1")
        self._deposit(101.00, f"TED {self.company.vat}")
        _made, left = self._find()
        self.assertFalse(left.evidence)
        left.match()
        self.assertFalse(self.env["tiss.bank.alias"].search([]))

    def test_aliases_are_typed_in_any_way(self):
        Alias = self.env["tiss.bank.alias"]
        alias = Alias.create({"text": " Saúde  imaginária-sp ", "partner_id": self.operadora.id})
        self.assertEqual(alias.text, "SAUDE IMAGINARIA SP")
        alias.text = "11.222.333/0001-81"
        self.assertEqual(alias.text, "11222333000181")
        with self.assertRefused("less than four", ValidationError):
            Alias.create({"text": "a b", "partner_id": self.operadora.id})

    # ------------------------------------------------------------------
    # (e) differences
    # ------------------------------------------------------------------

    def _set_difference_account(self):
        account = self.contract.glosa_account_id
        self.company.sudo().write(
            {
                "tiss_bank_fee": 8.50,
                "tiss_bank_tolerance": 0.05,
                "tiss_bank_difference_account_id": account.id,
            }
        )
        return account

    def test_a_fee_that_the_bank_kept(self):
        account = self._set_difference_account()
        payment = self._post_payment(140.00, "P1")
        line = self._deposit(131.50)
        made, left = self._find()
        self.assertFalse(made, "a difference is never booked without being asked")
        self.assertEqual((left.rule, left.amount_difference), ("difference", -8.50))
        self.assertIn("8,50 less than the demonstrativo", left.reason)
        left.match()
        self.assertTrue(payment.is_matched)
        self.assertEqual(
            self._entry(line),
            sorted(
                [
                    (self.bank.default_account_id.code, 13150),
                    (self.transit.code, -14000),
                    (account.code, 850),
                ]
            ),
        )
        self.assertLedgerSound()
        left.unmatch()
        self.assertEqual(
            self._entry(line),
            sorted(
                [
                    (self.bank.default_account_id.code, 13150),
                    (self.bank.suspense_account_id.code, -13150),
                ]
            ),
        )
        self.assertLedgerSound()

    def test_cents_too_many(self):
        account = self._set_difference_account()
        self._post_payment(140.00, "P1")
        line = self._deposit(140.03)
        _made, left = self._find()
        left.match()
        self.assertIn((account.code, -3), self._entry(line))
        self.assertLedgerSound()

    def test_without_an_account_the_difference_is_asked_for(self):
        self.company.sudo().write(
            {"tiss_bank_tolerance": 0.05, "tiss_bank_difference_account_id": False}
        )
        self._post_payment(140.00, "P1")
        self._deposit(140.03)
        _made, left = self._find()
        with self.assertRefused("to which account"):
            left.match()

    # ------------------------------------------------------------------
    # Money without a demonstrativo
    # ------------------------------------------------------------------

    def test_a_deposit_before_its_demonstrativo(self):
        line = self._deposit(93.85, after=0)
        made, left = self._find()
        self.assertFalse(made)
        self.assertEqual((left.rule, left.partner_id), ("transit", self.operadora))
        left.match()
        self.assertEqual(line.tiss_state, "transit")
        self.assertEqual(self._transit_residual(), -9385)
        self.assertIn("demonstrativo", left.activity_ids.summary)
        self.assertLedgerSound()
        payment = self._post_payment(93.85, "P1")
        self.assertTrue(payment.is_matched, "the demonstrativo found its money when it was posted")
        self.assertEqual(line.tiss_state, "matched")
        self.assertEqual(self._transit_residual(), 0)
        self.assertFalse(left.activity_ids, "nobody needs to ask any more")
        self.assertLedgerSound()

    def test_one_part_of_a_deposit_and_then_the_other(self):
        line = self._deposit(150.00, after=0)
        self._find()
        line.action_tiss_match()
        first = self._post_payment(100.00, "P1")
        self._choose(line, first)
        self.assertTrue(first.is_matched)
        self.assertEqual((line.tiss_state, self._transit_residual()), ("transit", -5000))
        self.assertLedgerSound()
        second = self._post_payment(50.00, "P2")
        self.assertTrue(second.is_matched)
        self.assertEqual(line.tiss_state, "matched")
        booking = line.tiss_made_ids.filtered(lambda match: match.rule == "transit")
        with self.assertRefused("undo that first"):
            booking.unmatch()
        line.action_tiss_unmatch()
        self.assertEqual(line.tiss_state, "open")
        self.assertLedgerSound()

    def _choose(self, lines, payments, **vals):
        wizard = self.env["tiss.bank.choose"].create(
            {
                "line_ids": [Command.set(lines.ids)],
                "payment_ids": [Command.set(payments.ids)],
                **vals,
            }
        )
        wizard.action_match()
        return wizard

    # ------------------------------------------------------------------
    # By hand
    # ------------------------------------------------------------------

    def test_chosen_by_hand_with_a_difference(self):
        account = self.contract.glosa_account_id
        payment = self._post_payment(140.00, "P1")
        line = self._deposit(100.00, "ANYTHING AT ALL")
        with self.assertRefused("write down why"):
            self._choose(line, payment, difference="book", difference_account_id=account.id)
        self._choose(
            line, payment, difference="book", difference_account_id=account.id, note="Tarifa"
        )
        self.assertTrue(payment.is_matched)
        self.assertIn((account.code, 4000), self._entry(line))
        self.assertEqual(line.tiss_made_ids.rule, "manual")
        self.assertIn("Tarifa", line.move_id.line_ids.mapped("name"))
        self.assertLedgerSound()

    def test_chosen_by_hand_the_rest_stays_open(self):
        payment = self._post_payment(140.00, "P1")
        self._choose(self._deposit(100.00), payment)
        self.assertFalse(payment.is_matched)
        self.assertEqual(self._transit_residual(), 4000)
        self.assertLedgerSound()
        line = self._deposit(40.00)
        made, _left = self._find()
        self.assertEqual(made.line_ids, line, "the rest is what is expected now")
        self.assertTrue(payment.is_matched)
        self.assertLedgerSound()

    def test_the_form_shows_only_what_is_open_at_the_operadora(self):
        payment = self._post_payment(140.00, "P1")
        done = self._post_payment(60.00, "P2")
        self._deposit(60.00)
        self._find()
        self.assertTrue(done.is_matched)
        line = self._deposit(1.00, "TARIFA")
        action = line.action_tiss_choose()
        wizard = self.env["tiss.bank.choose"].browse(action["res_id"])
        with Form(wizard) as form:
            form.partner_id = self.operadora
            form.payment_ids.add(payment)
            self.assertEqual((form.amount_bank, form.amount_payments), (1.00, 140.00))
            self.assertEqual(form.amount_difference, -139.00)
        self.assertEqual(wizard.candidate_ids, payment)

    def test_wrong_choices_are_refused_in_words(self):
        payment = self._post_payment(140.00, "P1")
        line = self._deposit(140.00, "X")
        with self.assertRefused("Choose the operadora"):
            self._choose(line, self.env["account.payment"])
        self._choose(line, payment)
        with self.assertRefused("no longer as it was"):
            self._choose(line, payment)

    # ------------------------------------------------------------------
    # Undo
    # ------------------------------------------------------------------

    def test_match_then_undo_is_before(self):
        payment = self._post_payment(140.00, "P1")
        line = self._deposit(140.00)
        before = self._balances(), self._entry(line), line.partner_id
        made, _left = self._find()
        self.assertNotEqual(self._balances(), before[0])
        made.unmatch()
        self.assertEqual((self._balances(), self._entry(line), line.partner_id), before)
        self.assertEqual((made.state, payment.is_matched), ("undone", False))
        self.assertFalse(self._find()[0], "what a person undid is not done again by itself")
        wizard = self.env["tiss.bank.choose"].browse(line.action_tiss_choose()["res_id"])
        self.assertEqual(wizard.partner_id, self.operadora, "who paid is known all the same")

    def test_a_demonstrativo_in_the_bank_is_not_undone_by_the_way(self):
        payment = self._post_payment(140.00, "P1")
        demonstrativo = payment.tiss_demonstrativo_payment_ids.demonstrativo_id
        self._deposit(140.00)
        made, _left = self._find()
        with self.assertRefused("unmatch it"):
            demonstrativo.undo()
        made.unmatch()
        demonstrativo.undo()
        self.assertEqual(payment.state, "canceled")
        self.assertLedgerSound()

    def test_nor_one_of_which_a_part_came(self):
        """Odoo calls such a payment not matched, and would cancel it under the deposit."""
        payment = self._post_payment(140.00, "P1")
        self._choose(self._deposit(100.00), payment)
        self.assertFalse(payment.is_matched)
        with self.assertRefused("unmatch it"):
            payment.tiss_demonstrativo_payment_ids.demonstrativo_id.undo()

    def test_a_matched_line_is_not_deleted(self):
        self._post_payment(140.00, "P1")
        line = self._deposit(140.00)
        self._find()
        with self.assertRefused("undo the match first"):
            line.unlink()
        line.action_tiss_unmatch()
        line.unlink()
        self.assertFalse(line.exists())

    def test_undone_by_odoo_s_own_button(self):
        payment = self._post_payment(140.00, "P1")
        line = self._deposit(140.00)
        made, _left = self._find()
        line.action_undo_reconciliation()
        self.assertEqual(line.tiss_state, "open")
        self._find()
        self.assertEqual((made.state, payment.is_matched), ("undone", False))
        self.assertLedgerSound()

    def test_reconciled_by_another_addon(self):
        """Whoever moves the suspense line to the transit account and reconciles it does well."""
        payment = self._post_payment(140.00, "P1")
        line = self._deposit(140.00)
        self.Match.propose(self.bank)
        suspense = line._tiss_get_counterparts()
        line.move_id.with_context(force_delete=True, skip_readonly_check=True).write(
            {"line_ids": [Command.update(suspense.id, {"account_id": self.transit.id})]}
        )
        (line._tiss_get_counterparts() | payment._tiss_get_transit_lines()).reconcile()
        self.assertEqual((line.tiss_state, payment.is_matched), ("matched", True))
        self.assertEqual(self._find(), (self.Match, self.Match))
        with self.assertRefused("unmatch it"):
            payment.tiss_demonstrativo_payment_ids.demonstrativo_id.undo()

    # ------------------------------------------------------------------
    # Refusals and rights
    # ------------------------------------------------------------------

    def test_a_stale_proposal_is_refused_and_nothing_is_booked(self):
        payment = self._post_payment(140.00, "P1")
        self._deposit(140.00, "X")
        other = self._deposit(140.00, "Y")
        _made, left = self._find()
        self.assertEqual(len(left), 2)
        both = left
        with self.assertRefused("no longer as it was"):
            both.match()
        other.tiss_proposal_id.match()
        self.assertTrue(payment.is_matched)

    def test_closed_books(self):
        self._post_payment(140.00, "P1")
        line = self._deposit(140.00, after=0)
        self.Match.propose(self.bank)
        with self._closed_until(line.date):
            self.assertFalse(self.Match.match_certain(self.bank))
            with self.assertRefused("books of"):
                line.tiss_proposal_id.match()
        self.assertTrue(self.Match.match_certain(self.bank))

    @contextmanager
    def _closed_until(self, date):
        company = self.company.sudo()
        self.env.cr.execute(
            "UPDATE res_company SET fiscalyear_lock_date = %s WHERE id = %s", [date, company.id]
        )
        company.invalidate_recordset()
        yield
        self.env.cr.execute(
            "UPDATE res_company SET fiscalyear_lock_date = NULL WHERE id = %s", [company.id]
        )
        company.invalidate_recordset()

    def test_not_this_one(self):
        self._post_payment(140.00, "P1")
        line = self._deposit(140.00, "X")
        self.Match.propose(self.bank)
        line.tiss_proposal_id.reject()
        self.Match.propose(self.bank)
        self.assertFalse(line.tiss_proposal_ids)

    def test_not_of_a_convenio(self):
        line = self._deposit(140.00, "PIX PACIENTE FICTICIO")
        line.action_tiss_ignore()
        self.assertEqual(line.tiss_state, "ignored")
        self._post_payment(140.00, "P1")
        self.assertFalse(self._find()[1])
        line.action_tiss_ignore()
        self.assertTrue(self._find()[1])

    def test_states_are_found(self):
        Line = self.env["account.bank.statement.line"]
        self._post_payment(140.00, "P1")
        matched, waiting = self._deposit(140.00), self._deposit(77.00)
        lost, ignored = self._deposit(1.00, "X"), self._deposit(2.00, "Y")
        self._find()
        waiting.action_tiss_match()
        ignored.action_tiss_ignore()
        for state, line in (
            ("matched", matched), ("transit", waiting), ("open", lost), ("ignored", ignored),
        ):  # fmt: skip
            with self.subTest(state):
                self.assertEqual(line.tiss_state, state)
                self.assertEqual(Line.search([("tiss_state", "=", state)]), line)
        everything = matched | waiting | lost | ignored
        self.assertEqual(Line.search([("tiss_state", "!=", False)]), everything)
        self.assertEqual(
            Line.search([("tiss_state", "!=", False), ("tiss_state", "!=", "matched")]),
            everything - matched,
        )

    def test_a_biller_matches_and_others_do_not(self):
        self._post_payment(140.00, "P1")
        line = self._deposit(140.00)
        self.Match.propose(self.bank)
        match = line.tiss_proposal_id
        for groups in (("reception",), ("account.group_account_readonly",)):
            user = self._create_user(f"b.{groups[0]}", *groups)
            for method in ("match", "reject", "unmatch", "propose"):
                with self.subTest(groups, method=method), self.assertRaises(AccessError):
                    getattr(match.with_user(user), method)()
        biller = self._create_user("b.faturamento", "billing")
        match.with_user(biller).match()
        self.assertEqual((match.state, match.user_id), ("matched", biller))
        match.with_user(biller).unmatch()
        with self.assertRaises(AccessError):
            match.with_user(biller).write({"state": "matched"})

    def test_another_clinic_has_another_bank(self):
        other = self._create_other_clinic()
        self._post_payment(140.00, "P1")
        line = self._deposit(140.00)
        for bank in (other.bank_journal_id, self.bank.browse()):
            made, left = self.Match.find(bank)
            self.assertFalse(made | left, bank.name)
        self.assertEqual(self.Match.find()[0].line_ids, line)

    # ------------------------------------------------------------------
    # What waits
    # ------------------------------------------------------------------

    def test_items_on_the_transit_account(self):
        payment = self._post_payment(140.00, "P1")
        line = self._deposit(33.00, after=0)
        self._find()
        line.action_tiss_match()
        items = self.Match.get_transit_items(self.company)
        self.assertEqual(
            sorted((item["kind"], item["res_id"], float(item["amount"])) for item in items),
            [("credit", line.id, 33.00), ("debit", payment.id, 140.00)],
        )
        self.assertFalse(any(item["is_old"] for item in items))
        self.assertEqual(self._transit_residual(), 14000 - 3300)

    def test_money_that_does_not_come_is_told_once(self):
        payment = self._post_payment(140.00, "P1")
        demonstrativo = payment.tiss_demonstrativo_payment_ids.demonstrativo_id
        self._run_cron(self.Match._cron_alert)
        self.assertFalse(payment._tiss_get_reminders())
        self.env.cr.execute(
            "UPDATE account_payment SET date = %s WHERE id = %s",
            [self.today - timedelta(days=11), payment.id],
        )
        payment.invalidate_recordset()
        self._run_cron(self.Match._cron_alert)
        self._run_cron(self.Match._cron_alert)
        self.assertEqual(len(payment._tiss_get_reminders()), 1)
        self.assertIn("140", demonstrativo.activity_ids.summary)
        self._deposit(140.00)
        self.Match.propose(self.bank)
        self.Match.search([("state", "=", "proposed")])[:1].match()
        self.assertFalse(payment._tiss_get_reminders())

    def _wait(self, days, line):
        """As if a deposit had come, and what was done about it, so many days ago."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move SET date = date - %s WHERE id = %s", [days, line.move_id.id]
        )
        self.env.cr.execute("UPDATE mail_activity SET date_done = date_done - %s", [days])
        self.env.invalidate_all()

    def test_a_demonstrativo_that_does_not_come_is_asked_for_again(self):
        line = self._deposit(93.85, after=0)
        _made, left = self._find()
        left.match()
        left.activity_ids.action_done()
        self._run_cron(self.Match._cron_alert)
        self.assertFalse(left.activity_ids, "asked for just now")
        self._wait(11, line)
        self._run_cron(self.Match._cron_alert)
        self._run_cron(self.Match._cron_alert)
        self.assertEqual(len(left.activity_ids), 1)
        self.assertIn("93", left.activity_ids.summary)

    def test_an_entry_of_nobody_on_the_transit_account_is_a_breach(self):
        self._post_entry(self.transit, self.contract.glosa_account_id, 7.00)
        [breach] = self.contract.check_ledger()
        self.assertIn("7.00", breach)
        [found] = self.contract._get_ledger_breaches()
        self.assertEqual((found.code, found.ours, found.theirs), ("transit", 0, 700))
        check = self.env["tiss.ledger.check"]._run(self.contract)
        self.assertEqual((check.state, check.breach_ids.code), ("broken", "transit"))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestBankQueue(BankCase):
    """What of the bank does not agree stands in the queue, each with what can be done about it."""

    def _get_rows(self, code):
        return self.env["tiss.discrepancy"].search(
            [("code", "=", code), ("state", "!=", "resolved")]
        )

    def _differ(self):
        """140.00 are announced and 131.50 come."""
        self.company.sudo().tiss_bank_fee = 8.50
        payment = self._post_payment(140.00, "P1")
        line = self._deposit(131.50)
        self._find()
        [row] = self._get_rows("deposit_differs")
        self.assertEqual((row.amount_ours, row.amount_theirs), (140.00, 131.50))
        self.assertEqual((row.contract_id, row.is_blocking), (self.contract, False))
        self.assertIn("P1", row.place)
        return payment, line, row

    def test_the_bank_kept_a_fee(self):
        payment, line, row = self._differ()
        self.assertEqual(row.suggestion, "bank_fee")
        row.action_suggested()
        self.assertTrue(payment.is_matched)
        self.assertIn(("3.01.01.09.01.08", 850), self._entry(line))
        self.assertEqual((row.state, row.move_id), ("resolved", line.move_id))
        self.assertEqual(self._transit_residual(), 0)
        with self.assertRefused("undo that where it was done"):
            row.reopen()
        self.assertLedgerSound()

    def test_a_deposit_is_deleted_after_its_fee_was_undone(self):
        """It was imported twice: what was decided about it stays in the history, without it."""
        payment, line, row = self._differ()
        row.action_suggested()
        line.action_tiss_unmatch()
        self.assertFalse(payment.is_matched)
        line.unlink()
        self.assertEqual((row.resolution, row.move_id.id), ("bank_fee", False))
        self.assertLedgerSound()

    def test_the_rest_is_still_to_come(self):
        payment, line, row = self._differ()
        row.resolve("rest_later")
        self.assertFalse(payment.is_matched)
        self.assertEqual((line.tiss_state, self._transit_residual()), ("matched", 850))
        self.assertFalse(self._get_rows("deposit_differs"))
        self._deposit(8.50)
        self._find()
        self.assertTrue(payment.is_matched)
        self.assertLedgerSound()

    def test_it_is_another_deposit(self):
        payment, line, row = self._differ()
        row.resolve("other_deposit")
        self._find()
        self.assertEqual(line.tiss_state, "open")
        self.assertFalse(payment.is_matched)
        self.assertFalse(self._get_rows("deposit_differs"), "not proposed again")

    def test_a_proposal_that_is_gone_leaves_the_queue(self):
        _payment, _line, row = self._differ()
        row.resolve("ask")
        self.assertEqual(row.state, "asked")
        self._deposit(140.00)
        self._find()
        self.assertFalse(row.exists())

    def _wait_for(self, line):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move SET date = date - 11 WHERE id = %s", [line.move_id.id]
        )
        self.env.invalidate_all()
        self._run_cron(self.Match._cron_alert)

    def test_a_deposit_that_nobody_announced(self):
        line = self._deposit(93.85, after=0)
        self._find()
        line.action_tiss_match()
        self.assertFalse(self._get_rows("deposit_unknown"), "not for long")
        self._wait_for(line)
        [row] = self._get_rows("deposit_unknown")
        self.assertEqual((row.amount_theirs, row.suggestion), (93.85, "request"))
        row.resolve("request")
        request = self.env["tiss.demonstrativo.request"].search([], limit=1)
        self.assertEqual((request.payment_date, request.kind_code), (line.date, "1"))
        self.assertEqual(row.state, "asked")
        self._post_payment(93.85, "P1")
        self.Match.search([("state", "=", "proposed")]).match()
        self.assertFalse(row.exists(), "it came")

    def test_a_deposit_that_pays_a_tax_back(self):
        """12.25 were withheld wrongly and come by themselves: off the transit account, settled."""
        self.contract.retention_rule = "simples"
        taxes = [("01", "IRRF", 12.25)]
        lote = self._create_received_lote(CONSULTATION, protocol="B1")
        content = payment_message(lote, {lote.guia_ids.name: 150.00}, "P1", adjustments=taxes)
        demonstrativo = self.env["tiss.demonstrativo"].import_file("p.xml", content)
        demonstrativo.post()
        claim = demonstrativo.discrepancy_ids
        claim.resolve("reclaim")
        line = self._deposit(12.25, after=0)
        self._find()
        line.action_tiss_match()
        self._wait_for(line)
        row = self._get_rows("deposit_unknown")
        self.assertEqual(row.suggestion, "pays_claim")
        row.resolve("pays_claim")
        self.assertEqual((claim.state, line.tiss_state), ("resolved", "matched"))
        self.assertEqual(self._transit_residual(), 13775, "the net, which did not come yet")
        self.assertLedgerSound()
        row.reopen()
        self.assertEqual((claim.state, line.tiss_state), ("asked", "transit"))

    def test_claims_are_looked_up_for_all_deposits_at_once(self):
        """One or many that nobody announced: the same queries."""
        counts = []
        for count in (1, 4):
            vals = [
                {
                    "company_id": self.company.id,
                    "contract_id": self.contract.id,
                    "code": "deposit_unknown",
                    "place": f"{count} {number}",
                    "amount_theirs": 12.25 + number,
                }
                for number in range(count)
            ]
            rows = self.env["tiss.discrepancy"].sudo().create(vals)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertNotIn("pays_claim", ",".join(rows.mapped("offers")))
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def test_a_deposit_of_nobody_s(self):
        line = self._deposit(93.85, after=0)
        self._find()
        line.action_tiss_match()
        self._wait_for(line)
        self._get_rows("deposit_unknown").resolve("not_convenio")
        self.assertEqual((line.tiss_state, self._transit_residual()), ("ignored", 0))
        self.assertLedgerSound()

    def test_money_that_was_announced_and_never_came(self):
        payment = self._post_payment(140.00, "P1")
        self.env.cr.execute(
            "UPDATE account_payment SET date = date - 11 WHERE id = %s", [payment.id]
        )
        self.env.invalidate_all()
        self._run_cron(self.Match._cron_alert)
        [row] = self._get_rows("deposit_missing")
        self.assertEqual((row.amount_ours, row.suggestion), (140.00, "ask"))
        action = row.resolve("undo")
        self.assertEqual(action["res_model"], "tiss.demonstrativo.undo")
        self.assertEqual(row.state, "open", "nothing is undone yet")
        payment.tiss_demonstrativo_payment_ids.demonstrativo_id.undo()
        self.assertFalse(row.exists())
        self.assertLedgerSound()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestBankLaws(BankCase):
    """Invariant 5 and the metamorphic laws 14 and 16 of accounting §6."""

    def _run(self, *steps):
        """Balances after steps in a savepoint that is rolled back."""
        with self.env.cr.savepoint() as savepoint:
            for step in steps:
                step()
            self.assertLedgerSound()
            balances = self._balances()
            savepoint.rollback()
        self.env.invalidate_all()
        return balances

    def _accept_all(self):
        _made, left = self._find()
        while left:
            left[0].match()
            _made, left = self._find()

    def test_deposit_before_or_after_gives_the_same_ledger(self):
        pay = lambda: self._post_payment(140.00, "P1")  # noqa: E731
        get = lambda: self._deposit(140.00, after=0)  # noqa: E731
        after = self._run(pay, get, self._accept_all)
        before = self._run(get, self._accept_all, pay, self._accept_all)
        self.assertEqual(after, before)
        self.assertNotIn((self.transit.code, self.operadora.id), after)

    def test_one_deposit_or_two_give_the_same_balances(self):
        pay = lambda: self._post_payment(140.00, "P1")  # noqa: E731
        whole = self._run(pay, lambda: self._deposit(140.00, after=0), self._accept_all)
        for parts in ((100.00, 40.00), (0.01, 139.99), (70.00, 70.00)):
            split = self._run(
                pay, lambda parts=parts: [self._deposit(part, after=0) for part in parts],
                self._accept_all,
            )  # fmt: skip
            self.assertEqual(split, whole, parts)

    def test_the_order_of_matching_does_not_matter(self):
        def pay():
            for number, net in (("P1", 100.00), ("P2", 60.00), ("P3", 45.00)):
                self._post_payment(net, number)

        def get():
            for amount in (45.00, 100.00, 60.00):
                self._deposit(amount, "X", after=0)

        def match(reverse):
            self.Match.propose(self.bank)
            for each in self.Match.search([("state", "=", "proposed")]).sorted("id", reverse):
                each.match()

        first = self._run(pay, get, lambda: match(False))
        self.assertEqual(first, self._run(pay, get, lambda: match(True)))

    # ------------------------------------------------------------------
    # Random histories
    # ------------------------------------------------------------------

    def test_random_histories(self):
        """Demonstrativos, deposits, matches and their undoing in any order; then all of it back.

        Longer ones, among all else that happens, are those of `histories`.
        """
        happened = Counter()
        for seed in range(2):
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                rng = random.Random(seed)
                self.numbers = itertools.count(1)
                for _step in range(9):
                    event = rng.choice(("pay", "pay", "deposit", "deposit", "match", "unmatch",
                                        "undo", "find"))  # fmt: skip
                    happened[event] += getattr(self, f"_do_{event}")(rng)
                    self.assertLedgerSound()
                self._take_all_back()
                savepoint.rollback()
            self.env.invalidate_all()
        for event in ("pay", "deposit", "match"):
            self.assertGreater(happened[event], 0, event)

    def _search_matches(self, state):
        return self.Match.search([("journal_id", "=", self.bank.id), ("state", "=", state)])

    def _do_pay(self, rng):
        self._post_payment(rng.choice((100.00, 60.00, 45.00, 15.00)), f"R{next(self.numbers)}")
        return 1

    def _do_deposit(self, rng):
        """What one or two demonstrativos wait for, a part of it, or anything."""
        waiting = list(self.Match._get_open_payments(self.bank).values())
        amounts = [rng.choice((100_00, 60_00, 45_00)), *waiting, sum(waiting[:2]) or 7_00]
        cents = rng.choice(amounts)
        parts = [cents] if rng.random() < 0.7 or cents < 2 else [cents // 3, cents - cents // 3]
        label = rng.choice(("", "", "PIX DESCONHECIDO"))
        for part in parts:
            self._deposit(part / 100, label, after=0)
        return len(parts)

    def _do_find(self, rng):
        return len(self._find()[0])

    def _do_match(self, rng):
        self.Match.propose(self.bank)
        proposals = self._search_matches("proposed")
        return len(rng.choice(proposals).match()) if proposals else 0

    def _do_unmatch(self, rng):
        made = self._search_matches("matched")
        if not made:
            return 0
        try:
            with self.env.cr.savepoint():
                rng.choice(made).unmatch()
        except UserError as error:
            self.assertIn("undo that first", str(error))
            return 0
        return 1

    def _do_undo(self, rng):
        posted = self.env["tiss.demonstrativo"].search(
            [("state", "=", "posted"), ("kind", "=", "payment")]
        )
        if not posted:
            return 0
        try:
            with self.env.cr.savepoint():
                rng.choice(posted).undo()
        except UserError as error:
            self.assertIn("unmatch it", str(error))
            return 0
        return 1

    def _take_all_back(self):
        """What was matched, received and posted: nothing is left in the bank or on its way."""
        self._search_matches("matched").unmatch()
        lines = self.env["account.bank.statement.line"].search([("journal_id", "=", self.bank.id)])
        self.assertEqual(set(lines.mapped("tiss_state")) - {"open"}, set())
        lines.unlink()
        demonstrativos = self.env["tiss.demonstrativo"].search([("state", "=", "posted")])
        demonstrativos.undo()
        self.assertLedgerSound()
        left = {self.transit.code, self.bank.default_account_id.code}
        left.add(self.bank.suspense_account_id.code)
        self.assertFalse([key for key in self._balances() if key[0] in left])

    def test_failure_in_any_step_leaves_nothing(self):
        self._post_payment(140.00, "P1")
        self._deposit(140.00, "X")
        self.Match.propose(self.bank)
        match = self.Match.search([("state", "=", "proposed")])
        steps = (
            (type(self.Match), "_book"),
            (type(self.env["account.move.line"]), "_reconcile_plan"),
            (type(self.env["tiss.bank.alias"]), "_learn"),
            (type(self.Match), "_drop_overlapping"),
            (type(self.Match), "_ask_for_demonstrativos"),
        )
        words = "broken on purpose"
        for model, name in steps:
            original = getattr(model, name)

            def broken(records, *args, original=original):
                original(records, *args)
                raise UserError(words)

            with self.subTest(name), self.assertRefused(words):
                self.patch(model, name, broken)
                match.match()
            self.patch(model, name, original)
        match.match()
        self.assertLedgerSound()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestBankPerformance(BankCase):
    """The number of queries does not depend on the number of lines."""

    def _count(self, work):
        self.env.flush_all()
        self.env.invalidate_all()
        start = self.env.cr.sql_log_count
        work()
        self.env.flush_all()
        return self.env.cr.sql_log_count - start

    def _deposits(self, count):
        vals = [
            {
                "journal_id": self.bank.id,
                "date": self.today,
                "amount": 1000 + number,
                "payment_ref": f"TED {self.operadora.vat}",
            }
            for number in range(count)
        ]
        return self.env["account.bank.statement.line"].create(vals)

    def test_propose(self):
        counts = []
        for size in (10, 40):
            with self.env.cr.savepoint() as savepoint:
                self._deposits(size)
                counts.append(self._count(lambda: self.Match.propose(self.bank)))
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertLessEqual(counts[1], counts[0] + 5)

    def test_list(self):
        counts = []
        names = ["tiss_state", "tiss_proposal", "tiss_reason", "tiss_operadora_id"]
        for size in (10, 40):
            with self.env.cr.savepoint() as savepoint:
                lines = self._deposits(size)
                self.Match.propose(self.bank)
                counts.append(self._count(lambda lines=lines: lines.read(names)))
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertLessEqual(counts[1], counts[0])
