from odoo.exceptions import LockError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .bank_records import BankRecords
from .race_common import MoneyRaceCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestBankRace(BankRecords, MoneyRaceCase):
    """Two people at one bank line, in two real transactions that commit."""

    def setUp(self):
        super().setUp()
        with self._commit() as env:
            self.payment_id = self._post_payment(150.00, "P1").id
            self.line_ids = (self._deposit(150.00, "X") | self._deposit(150.00, "Y")).ids
            bank = self.contract.bank_journal_id
            env["tiss.bank.match"].propose(bank)
            self.match_ids = [
                env["account.bank.statement.line"].browse(line_id).tiss_proposal_id.id
                for line_id in self.line_ids
            ]

    def _match(self, env, number):
        return len(env["tiss.bank.match"].browse(self.match_ids[number]).match())

    def test_the_same_proposal_twice(self):
        results = self._both_at_once(*[lambda env: self._match(env, 0)] * 2)
        self._assert_once(results)

    def test_two_deposits_for_one_demonstrativo(self):
        results = self._both_at_once(
            lambda env: self._match(env, 0), lambda env: self._match(env, 1)
        )
        self._assert_once(results)

    def _assert_once(self, results):
        won = [each for each in results if each == 1]
        self.assertEqual(len(won), 1, results)
        with self._session() as env:
            payment = env["account.payment"].browse(self.payment_id)
            self.assertTrue(payment.is_matched)
            lines = env["account.bank.statement.line"].browse(self.line_ids)
            self.assertEqual(sorted(lines.mapped("is_reconciled")), [False, True])
            partials = payment._tiss_get_transit_lines()._tiss_get_partials()
            self.assertEqual(len(partials), 1)
            self.assertEqual(env["tiss.contract"].browse(self.contract.id).check_ledger(), [])

    def test_the_second_is_told_who_is_in_the_way(self):
        with self._session() as first, self._session() as second:
            self._match(first, 0)
            first.flush_all()
            with self.assertRaises(LockError), mute_logger("odoo.sql_db"):
                self._match(second, 1)
            second.cr.rollback()
            first.cr.commit()
            with self.assertRaises(UserError):
                self._match(second, 1)

    def test_undo_of_the_demonstrativo_against_a_match(self):
        with self._session() as env:
            payment = env["account.payment"].browse(self.payment_id)
            ids = payment.tiss_demonstrativo_payment_ids.demonstrativo_id.ids
        results = self._both_at_once(
            lambda env: self._match(env, 0),
            lambda env: len(env["tiss.demonstrativo"].browse(ids).undo()),
        )
        self.assertEqual(len([each for each in results if each == 1]), 1, results)
        with self._session() as env:
            self.assertEqual(env["tiss.contract"].browse(self.contract.id).check_ledger(), [])
