import os
import random
from collections import Counter
from datetime import timedelta

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged

from ..models.account_bank_statement_line import QUIET
from ..standard.money import to_cents
from .closing_records import create_deposit
from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .histories import History, make_pool
from .ledger_invariants import find_broken
from .return_messages import analysis_message, payment_message

SEEDS = int(os.environ.get("LEDGER_SEEDS", "20"))
STEPS = int(os.environ.get("LEDGER_STEPS", "6"))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestHistories(TissCommon):
    """Random histories of a clinic: every invariant of the money holds after every step."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pool = make_pool(cls, random.Random(2026), size=12)

    def test_random_histories(self):
        happened = Counter()
        for seed in range(SEEDS):
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                happened += History(self.contract, self.pool, seed).run(STEPS).happened
                savepoint.rollback()
            self.env.invalidate_all()
        # Refusals are fine, but histories in which nothing happens would prove nothing.
        for event in ("receive", "analyse", "pay", "accept", "undo", "contest", "deposit", "match"):
            self.assertTrue(happened[event], (event, happened))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestTieOut(TissCommon):
    """What the check finds, what it says, and where the night writes it down."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lote = cls._create_received_lote({ECG: 1}, protocol="7001")
        cls.line = cls.lote.guia_ids.line_ids

    def _break(self, query, *values):
        """Change rows behind the back of the ORM."""
        self.env.flush_all()
        self.env.cr.execute(query, values)
        self.env.invalidate_all()

    def _post_receivable(self):
        return self._post_entry(
            self.contract.receivable_account_id, self.contract.revenue_account_id, 5.00
        )

    def _get_codes(self):
        return {breach.code for breach in self.contract._get_ledger_breaches()}

    def test_a_bucket_that_no_movement_explains(self):
        self._break("UPDATE tiss_guia_line SET amount_to_process = 40 WHERE id = %s", self.line.id)
        self.assertEqual(self._get_codes(), {"items", "billed", "open"})
        self.assertIn(self.line.guia_id.name, self.contract.check_ledger()[0])
        self.assertEqual(set(find_broken(self.contract)), {1, 2, 3, 4})
        with self.assertRefused("41.10 in the books"):
            self.lote._check_tie_out()

    def test_books_that_have_less_than_the_guias(self):
        receivable = self.lote.invoice_id._tiss_get_receivable_lines()
        self._break(
            "UPDATE account_move_line SET balance = 40, amount_residual = 40 WHERE id = %s",
            receivable.id,
        )
        self.assertEqual(self._get_codes(), {"billed", "open"})
        self.assertLessEqual({2, 3, 4}, set(find_broken(self.contract)))

    def test_a_credit_note_that_is_matched_with_nothing(self):
        """Its protocolo adds up all the same: 31.10 of the invoice, and 10.00 against it."""
        self._import_analysis({(self.line.guia_id.name, 1): (31.10, "1705")})
        note = self.lote.glosa_ids.accept()
        self._break(
            "UPDATE account_move_line SET amount_residual = balance, reconciled = FALSE"
            " WHERE tiss_lote_id = %s AND amount_residual IS NOT NULL AND id IN %s",
            self.lote.id,
            tuple((note | self.lote.invoice_id)._tiss_get_receivable_lines().ids),
        )
        self.assertEqual(self._get_codes(), {"floating"})
        self.assertIn(4, find_broken(self.contract))

    def test_an_entry_without_a_lote(self):
        entry = self._post_receivable()
        [breach] = self.contract._get_ledger_breaches()
        self.assertEqual((breach.code, breach.move_id, breach.theirs), ("untagged", entry.id, 500))
        self.assertRegex(breach.words, "5[.,]00 on the receivable account of convênios belongs to")
        self.assertIn(4, find_broken(self.contract))

    def test_a_deposit_that_settles_nothing(self):
        """Of which only the partner was known: booked to his account, as Odoo proposes."""
        deposit = create_deposit(self.contract, 41.10, self.today)
        [counterpart] = deposit._tiss_get_counterparts()
        account = self.operadora.property_account_receivable_id
        deposit.with_context(**QUIET).move_id.line_ids = [
            Command.update(
                counterpart.id, {"account_id": account.id, "partner_id": self.operadora.id}
            )
        ]
        [breach] = self.contract._get_ledger_breaches()
        self.assertEqual(
            (breach.code, breach.theirs, breach.move_id), ("floating", -4110, deposit.move_id.id)
        )
        deposit.action_undo_reconciliation()
        self.assertLedgerSound()

    def test_an_invoice_whose_status_is_wrong(self):
        self._break(
            "UPDATE account_move SET payment_state = 'paid' WHERE id = %s", self.lote.invoice_id.id
        )
        self.assertEqual(self._get_codes(), {"state"})
        self.assertEqual(set(find_broken(self.contract)), {7})

    def test_a_glosa_that_lost_its_amount(self):
        self._import_analysis({(self.line.guia_id.name, 1): (31.10, "1705")})
        self._break("UPDATE tiss_glosa SET amount_open = 9 WHERE lote_id = %s", self.lote.id)
        self.assertEqual(self._get_codes(), {"glosas"})

    def test_a_tax_booked_with_another_amount(self):
        content = payment_message(
            self.lote, {self.line.guia_id.name: 41.10}, "P1", [("01", "IRRF", 0.61)]
        )
        demonstrativo = self.env["tiss.demonstrativo"].import_file("p.xml", content)
        demonstrativo.post()
        self.assertLedgerSound()
        self._break(
            "UPDATE tiss_demonstrativo_adjustment SET amount = 0.60 WHERE demonstrativo_id = %s",
            demonstrativo.id,
        )
        [breach] = self.contract._get_ledger_breaches()
        self.assertEqual((breach.code, breach.ours, breach.theirs), ("payment", 60, 61))
        self.assertIn(6, find_broken(self.contract))

    def test_something_matched_with_a_cancelled_entry(self):
        """An open amount that is less than the balance: the counterpart is not in the books."""
        entry = self._post_receivable()
        self._break(
            "UPDATE account_move_line SET amount_residual = 0 WHERE move_id = %s AND debit > 0",
            entry.id,
        )
        self.assertEqual(self._get_codes(), {"untagged", "residual"})

    def _import_analysis(self, released):
        content = analysis_message(self.lote, released, "A1")
        self.env["tiss.demonstrativo"].import_file("a.xml", content).post()

    def test_a_movement_cannot_overdraw_a_bucket(self):
        """The database itself refuses, whatever the code would do."""
        entry = {
            "line": self.line,
            "kind": "pay",
            "from_bucket": "to_process",
            "to_bucket": "paid",
            "cents": to_cents(self.line.amount) + 1,
        }
        with self.assertRaises(Exception) as caught, self.env.cr.savepoint():
            self.env["tiss.movement"]._record([entry], self.today)
        self.assertIn("buckets_positive", str(caught.exception))

    def test_an_item_is_billed_once(self):
        entry = {"line": self.line, "kind": "bill", "to_bucket": "to_process", "cents": 1}
        with self.assertRefused("billed already", Exception):
            self.env["tiss.movement"]._record([entry], self.today)

    # ------------------------------------------------------------------
    # Every night
    # ------------------------------------------------------------------

    def _run_night(self):
        self._run_cron(self.env["tiss.contract"].sudo()._cron_tie_out)
        return self.env["tiss.ledger.check"].search([("contract_id", "=", self.contract.id)])

    def test_a_sound_night_is_green_and_tells_nobody(self):
        check = self._run_night()
        self.assertEqual((check.state, check.breach_count, check.lote_count), ("sound", 0, 1))
        self.assertEqual((check.amount_open, check.amount_booked), (41.10, 41.10))
        self.assertFalse(check.activity_ids)

    def test_a_bad_night_is_written_down_once_and_told_once(self):
        self.contract.user_id = self.env.user
        self._run_night()
        entry = self._post_receivable()
        check = self._run_night()
        self.assertEqual(check.state, "broken")
        self.assertEqual(check.breach_ids.move_id, entry)
        self.assertEqual(check.breach_ids.amount_theirs, 5.00)
        self.assertEqual(check.breach_ids.action_open()["res_id"], entry.id)
        self.assertEqual(check.activity_ids.user_id, self.env.user)
        self.assertEqual(self._run_night(), check)
        self.assertEqual((len(check.breach_ids), len(check.activity_ids)), (1, 1))
        entry.button_draft()
        self._run_night()
        self.assertEqual((check.state, check.breach_ids.ids), ("sound", []))
        self.assertFalse(check.activity_ids, "done by itself")

    def test_a_person_checks_at_once(self):
        action = self.contract.action_check_ledger()
        self.assertEqual(action["res_model"], "tiss.ledger.check")
        check = self.env["tiss.ledger.check"].browse(action["res_id"])
        with freeze_time(self.today + timedelta(days=2)):
            check.action_check()
        self.assertEqual(check.checked_at.date(), self.today + timedelta(days=2))

    def test_each_convenio_is_kept_by_itself(self):
        """A night that is cut off keeps what it found until then."""
        self._create_contract("346659", provider_code="77")
        contracts = self.env["tiss.contract"].sudo()
        count = contracts.with_context(active_test=False).search_count([])
        self.assertGreater(count, 1)
        self.assertEqual(self._run_cron(contracts._cron_tie_out), [0] + [1] * count)

    def test_archived_convenios_are_checked_too(self):
        self.contract.active = False
        self.assertTrue(self._run_night())


@tagged("post_install", "-at_install", "post_install_l10n")
class TestLedgerQueries(TissCommon):
    """The check asks the same number of questions about few items and about many."""

    def test_queries_do_not_grow(self):
        counts = []
        for number, visits in (("1", 1), ("2", 9)):
            self._create_received_lote(*[{ECG: 1, DIPYRONE: 1}] * visits, protocol=number)
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.assertEqual(self.contract._get_ledger_breaches(), [])
            counts.append(self.env.cr.sql_log_count - start)
        self.assertEqual(counts[0], counts[1])
        self.assertLess(counts[1], 20)

    def test_a_consultation_is_in_the_books_to_the_cent(self):
        lote = self._create_received_lote(CONSULTATION, protocol="3")
        self.assertEqual(lote.invoice_id.amount_total, 150.00)
        self.assertEqual(find_broken(self.contract), {})
