import unittest

from odoo.tests import tagged

from .common import CONSULTATION
from .test_bank import BankCase

MODULES = ("account_reconcile_oca", "account_in_payment")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestBesideOca(BankCase):
    """OCA's reconciliation of the bank beside ours: whoever matches, the ledger is sound.

    `./dev test` runs this in a database that has OCA's addons as well.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        modules = cls.env["ir.module.module"].sudo().search([("name", "in", MODULES)])
        if modules.mapped("state") != ["installed"] * len(MODULES):
            raise unittest.SkipTest("OCA's addons are not installed: WITH=account_in_payment")
        # OCA's addons do nothing by themselves in a test that does not ask for it.
        cls.env = cls.env(
            context={
                **cls.env.context,
                "test_get_invoice_in_payment_state": True,
                "_test_account_reconcile_oca": True,
            }
        )
        cls.Match = cls.Match.with_env(cls.env)
        cls.contract = cls.contract.with_env(cls.env)
        cls.accountant = cls._create_user("d.contadora", "billing", "account.group_account_user")

    def _by_oca(self, line, payment):
        """What a person clicks: the open item of a payment, then “Validate”."""
        line._add_account_move_line(payment._tiss_get_transit_lines())
        line.reconcile_bank_line()

    def assertSound(self):
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertLedgerSound()

    # ------------------------------------------------------------------
    # Payments
    # ------------------------------------------------------------------

    def test_in_payment_mode_a_payment_has_its_entry(self):
        """T8: without an outstanding account of its own it would have none."""
        payment = self._post_payment(137.66, "P1")
        lote = payment.tiss_demonstrativo_payment_ids.demonstrativo_id._get_all_lines().lote_id
        self.assertEqual(lote.invoice_id._get_invoice_in_payment_state(), "in_payment")
        self.assertEqual(payment.move_id.state, "posted")
        self.assertEqual(self._transit_residual(), 13766)
        self.assertEqual(lote.invoice_id.payment_state, "in_payment")
        self.assertEqual(lote.invoice_id.amount_residual, 0)
        self.assertSound()
        self._by_oca(self._deposit(137.66), payment)
        self.assertEqual(lote.invoice_id.payment_state, "paid")
        self.assertSound()

    # ------------------------------------------------------------------
    # Matched there
    # ------------------------------------------------------------------

    def test_matched_by_oca_and_taken_back(self):
        payment, line = self._post_payment(137.66, "P1"), self._deposit(137.66)
        before = self._balances()
        self.Match.propose(self.bank)
        self._by_oca(line, payment)
        self.assertEqual(
            self._entry(line),
            [(self.bank.default_account_id.code, 13766), (self.transit.code, -13766)],
        )
        self.assertTrue(payment.is_matched)
        self.assertEqual(line.tiss_state, "matched")
        self.assertEqual(self._find(), (self.Match, self.Match), "nothing is left to propose")
        self.assertEqual(self._transit_residual(), 0)
        self.assertSound()
        line.unreconcile_bank_line()
        self.assertEqual((line.tiss_state, payment.is_matched), ("open", False))
        self.assertEqual(self._balances(), before)
        self.assertSound()
        made, _left = self._find()
        self.assertEqual((made.line_ids, made.payment_ids), (line, payment))
        self.assertSound()

    def test_two_payments_in_one_deposit(self):
        first, second = self._post_payment(100.00, "P1"), self._post_payment(37.50, "P2")
        line = self._deposit(137.50)
        line._add_account_move_line(first._tiss_get_transit_lines())
        self._by_oca(line, second)
        self.assertTrue(first.is_matched and second.is_matched)
        self.assertEqual(line.tiss_state, "matched")
        self.assertSound()
        line.unreconcile_bank_line()
        self.assertFalse(first.is_matched or second.is_matched)
        self.assertSound()

    def test_a_part_of_a_payment(self):
        payment, line = self._post_payment(137.66, "P1"), self._deposit(100.00)
        self._by_oca(line, payment)
        self.assertEqual(self._transit_residual(), 3766)
        self.assertSound()
        rest = self._deposit(37.66)
        made, _left = self._find()
        self.assertEqual((made.line_ids, made.payment_ids), (rest, payment))
        self.assertTrue(payment.is_matched)
        self.assertSound()

    def test_with_the_suspense_account_kept(self):
        """OCA's other way writes a second entry instead of changing that of the bank."""
        self.bank.sudo().reconcile_mode = "keep"
        self.bank.suspense_account_id.sudo().reconcile = True
        payment, line = self._post_payment(137.66, "P1"), self._deposit(137.66)
        self._by_oca(line, payment)
        self.assertTrue(payment.is_matched)
        self.assertEqual(line.tiss_state, "matched")
        self.assertEqual(self._find(), (self.Match, self.Match))
        self.assertSound()
        line.unreconcile_bank_line()
        self.assertEqual((line.tiss_state, payment.is_matched), ("open", False))
        self.assertSound()

    def test_a_payment_that_oca_matched_is_not_undone_by_the_way(self):
        payment, line = self._post_payment(137.66, "P1"), self._deposit(137.66)
        self._by_oca(line, payment)
        demonstrativo = payment.tiss_demonstrativo_payment_ids.demonstrativo_id
        with self.assertRefused("bank"):
            demonstrativo.undo()
        line.unreconcile_bank_line()
        demonstrativo.undo()
        self.assertEqual(demonstrativo.state, "undone")
        self.assertEqual(line.tiss_state, "open")
        self.assertSound()

    # ------------------------------------------------------------------
    # Matched here
    # ------------------------------------------------------------------

    def test_matched_here_and_taken_back_there(self):
        payment, line = self._post_payment(137.66, "P1"), self._deposit(137.66)
        made, _left = self._find()
        self.assertEqual((made.line_ids, made.payment_ids), (line, payment))
        kinds = [row["kind"] for row in line.reconcile_data_info["data"]]
        self.assertNotIn("suspense", kinds, "OCA's page shows what is booked")
        self.assertSound()
        line.unreconcile_bank_line()
        self.assertEqual((line.tiss_state, payment.is_matched), ("open", False))
        self._find()
        self.assertEqual(made.state, "undone")
        self.assertSound()

    def test_matched_and_taken_back_here(self):
        payment, line = self._post_payment(137.66, "P1"), self._deposit(137.66)
        made, _left = self._find()
        made.unmatch()
        self.assertEqual((line.tiss_state, payment.is_matched), ("open", False))
        self.assertSound()
        self._by_oca(line, payment)
        self.assertTrue(payment.is_matched)
        self.assertSound()

    def test_a_deposit_before_its_demonstrativo(self):
        """It waits on the transit account, until OCA's page takes it off."""
        line = self._deposit(137.66)
        _made, left = self._find()
        left.match()
        self.assertEqual(line.tiss_state, "transit")
        self.assertSound()
        payment = self._post_payment(137.66, "P1")
        self.assertTrue(payment.is_matched)
        self.assertEqual(line.tiss_state, "matched")
        self.assertSound()
        line.unreconcile_bank_line()
        self.assertEqual((line.tiss_state, payment.is_matched), ("open", False))
        self.assertSound()

    # ------------------------------------------------------------------
    # Traps
    # ------------------------------------------------------------------

    def test_validated_with_only_a_partner(self):
        """T9: it is booked to the receivable, and the daily page says so."""
        payment = self._post_payment(137.66, "P1")
        page = self.env["tiss.daily.close"].with_user(self.accountant)
        for receivable in (
            self.operadora.property_account_receivable_id,
            self.contract.receivable_account_id,
        ):
            with self.subTest(receivable.code):
                self.operadora.property_account_receivable_id = receivable
                line = self._deposit(137.66, partner_id=self.operadora.id)
                line.reconcile_bank_line()
                self.assertIn((receivable.code, -13766), self._entry(line))
                checked = page.browse(page.create({}).action_check()["res_id"])
                self.assertFalse(checked.is_green)
                self.assertIn(line.move_id.name, checked.breaches)
                self.assertEqual(self._transit_residual(), 13766, "the payment still waits")
                line.unreconcile_bank_line()
                self.assertEqual(line.tiss_state, "open")
                self.assertSound()
                line.unlink()
        self.assertFalse(payment.is_matched)

    def test_an_invoice_is_not_settled_by_a_deposit(self):
        lote = self._create_received_lote({CONSULTATION: 1}, protocol="900777")
        line = self._deposit(150.00, partner_id=self.operadora.id)
        line._add_account_move_line(lote.invoice_id._tiss_get_receivable_lines())
        with self.assertRefused("settled only by"):
            line.reconcile_bank_line()
        self.assertEqual(lote.invoice_id.amount_residual, 150.00)
        self.assertSound()

    def test_a_label_that_names_an_invoice(self):
        """OCA matches by itself what is named so: it would take it off behind our back."""
        lote = self._create_received_lote({CONSULTATION: 1}, protocol="900777")
        line = self._deposit(150.00, label="900777")
        self.assertEqual(line.tiss_state, "open")
        self.assertEqual(lote.invoice_id.amount_residual, 150.00)
        self.assertSound()

    def test_a_label_that_names_a_payment(self):
        payment = self._post_payment(137.66, "P1")
        line = self._deposit(137.66, label=payment.name)
        self.assertTrue(payment.is_matched, "by OCA, as it was made")
        self.assertEqual(line.tiss_state, "matched")
        self.assertSound()

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def test_lists_and_forms_load(self):
        """Those of the bank, ours and OCA's, with all that either adds to the other."""
        line = self._deposit(100.00)
        actions = (
            self.env["ir.actions.act_window"]
            .sudo()
            .search([("res_model", "in", [line._name, "account.bank.statement"])])
        )
        self.assertGreater(len(actions), 3)
        for action in actions:
            with self.subTest(action.xml_id):
                Model = self.env[action.res_model].with_user(self.accountant)
                loaded = Model.get_views([(id_, mode) for id_, mode in action.views])
                names = list(loaded["models"][Model._name]["fields"])
                self.assertTrue(names)
                Model.search([], limit=5).read(names)
        self.assertIn("reconcile_data_info", line.with_user(self.accountant).read()[0])
