from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import DIPYRONE, ECG
from .return_messages import analysis_message
from .test_recurso import RecursoCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestProvision(RecursoCase):
    """What is expected to be lost, from what was; its entry, and what became of it.

    Of 206.00 analysed 54.90 are denied (26.65 %). The 14.90 are given up; of 10.00 contested 6.00
    come back and 4.00 are kept: of what was decided 6.00 of 20.90 come back (28.71 %), of recursos
    60 %.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Provision = cls.env["tiss.provision"]
        cls.price = cls.glosas.filtered(lambda glosa: glosa.guia_line_id.code == ECG)
        cls.clinical = cls.glosas.filtered(lambda glosa: glosa.code == "1806")

    def _live(self):
        """The history above; then another lote of 56.00 waits for its analysis."""
        self.clinical.accept()
        recurso = self._receive_sent(self.price)
        recurso.register_answer({recurso.line_ids: 6.00})
        self._pay_recurso({self.first.name: 6.00}).post()
        self.new = self._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1003")

    def _get_balance(self, account, until=None):
        lines = self.env["account.move.line"].search(
            [
                ("account_id", "=", account.id),
                ("parent_state", "=", "posted"),
                *([("date", "<=", until)] if until else []),
            ]
        )
        return round(sum(lines.mapped("balance")), 2)

    def test_from_the_own_history(self):
        """56.00 × 26.65 % × 71.29 % = 10.64; (30.00 + 4.00) × 71.29 % = 24.24."""
        self._live()
        [row] = self.Provision._propose(self.company, self.today)
        self.assertEqual(
            (row.denied_percent, row.recovered_percent, row.appealed_percent),
            (26.65, 28.71, 60.00),
        )
        self.assertEqual(
            (row.amount_to_process, row.amount_denied, row.amount_appealed), (56.00, 34.00, 0)
        )
        self.assertTrue(row.is_own_history)
        self.assertEqual(row.amount, 34.88)

    def test_what_was_undone_is_no_history(self):
        before = self.Provision._propose(self.company, self.today).denied_percent
        lote = self._create_received_lote({ECG: 1}, protocol="1004")
        content = analysis_message(lote, {(lote.guia_ids.name, 1): (0, "1705")}, "A4")
        analysis = self.env["tiss.demonstrativo"].import_file("a.xml", content)
        analysis.post()
        analysis.undo()
        row = self.Provision._propose(self.company, self.today)
        self.assertEqual(row.denied_percent, before)

    def test_under_recurso(self):
        """4.00 kept are contested once more: 4.00 × 40 % in place of 71.29 %."""
        self._live()
        self.price.create_recurso().send()
        [row] = self.Provision._propose(self.company, self.today)
        self.assertEqual((row.amount_denied, row.amount_appealed), (30.00, 4.00))
        self.assertEqual(row.amount, 33.63, "10.64 + 30.00 × 71.29 % + 1.60")

    def test_typed_where_there_is_no_history(self):
        other = self._create_contract("346659", provider_code="77")
        other.write({"provision_denied_percent": 10, "provision_recovered_percent": 50})
        self._price(other, {ECG: 41.10})
        plan = self.env["tiss.plan"].create(
            {"operadora_id": other.partner_id.id, "name": "Outro Plano"}
        )
        card = self.card.copy({"plan_id": plan.id, "number": "987654"})
        self._create_received_lote({ECG: 1}, protocol="5001", card_id=card.id)
        row = self.Provision._propose(self.company, self.today).filtered(
            lambda row: row.contract_id == other
        )
        self.assertEqual((row.is_own_history, row.amount_to_process), (False, 41.10))
        self.assertEqual(row.amount, 2.06, "41.10 × 10 % × 50 % = 2.055")

    def test_of_an_archived_convenio_too(self):
        """What it owes is owed all the same, and the closing of the month says so."""
        self.contract.active = False
        month = fields.Date.end_of(self.today, "month")
        self.assertFalse(self.Provision._is_done(self.company, month))
        [row] = self.Provision._propose(self.company, month)
        self.assertEqual((row.contract_id, row.amount_denied), (self.contract, 54.90))

    def test_entry_and_reversal(self):
        self._live()
        [row] = self.Provision._propose(self.company, self.today)
        provision = self.company.tiss_provision_account_id
        result = self.company.tiss_provision_result_account_id
        with freeze_time(fields.Date.add(self.today, days=3)):
            row.post()
        self.assertEqual(self._get_balance(provision, self.today), -34.88)
        self.assertEqual(self._get_balance(result, self.today), 34.88)
        self.assertEqual((self._get_balance(provision), self._get_balance(result)), (0, 0))
        self.assertEqual(row.reversal_id.date, fields.Date.add(self.today, days=1))
        self.assertFalse(row.move_id.line_ids.tax_ids)
        self.assertEqual(row.move_id.line_ids.partner_id, self.operadora)
        self.assertEqual(row.amount_booked, 34.88)
        self.assertFalse(row.post(), "once")
        self.assertTrue(self.Provision._is_done(self.company, self.today))
        self.assertLedgerSound()

    def test_a_reversal_of_tomorrow_waits(self):
        self._live()
        [row] = self.Provision._propose(self.company, self.today)
        row.post()
        self.assertEqual((row.reversal_id.state, row.reversal_id.auto_post), ("draft", "at_date"))
        row.undo()
        self.assertFalse(row.reversal_id.exists())
        self.assertEqual((row.state, row.move_id.state), ("undone", "cancel"))
        [again] = self.Provision._propose(self.company, self.today).filtered(
            lambda other: other.state == "draft"
        )
        self.assertEqual(again.amount, 34.88)

    def test_only_what_is_missing_is_booked(self):
        """A person booked 20.00 by hand: 14.88 are missing."""
        self._live()
        [row] = self.Provision._propose(self.company, self.today)
        row._check_accounts()
        by_hand = self.env["account.move"].create(row._prepare_entry(2000))
        by_hand.action_post()
        row.post()
        self.assertEqual(row.move_id.amount_total, 14.88)

    def test_proposed_anew_until_it_is_posted(self):
        self._live()
        [row] = self.Provision._propose(self.company, self.today)
        self.price.accept()
        [newer] = self.Provision._propose(self.company, self.today)
        self.assertFalse(row.exists())
        self.assertEqual(newer.amount_denied, 30.00)

    def test_looking_changes_nothing(self):
        """The checklist of the month asks whenever it is opened: typed rates must survive that."""
        self._live()
        self.assertFalse(self.Provision._is_done(self.company, self.today))
        self.assertFalse(self.Provision.search([("company_id", "=", self.company.id)]))
        [row] = self.Provision._propose(self.company, self.today)
        row.recovered_percent = 50
        self.assertFalse(self.Provision._is_done(self.company, self.today))
        self.assertTrue(row.exists())
        self.assertEqual(row.recovered_percent, 50)
        row.post()
        self.assertTrue(self.Provision._is_done(self.company, self.today))

    def _get_open(self):
        row = self.Provision._propose(self.company, self.today)
        return (row.amount_to_process, row.amount_denied, row.amount_appealed)

    def _deny_more(self):
        """41.10 that wait for their analysis, and 11.10 denied of other 41.10."""
        self._create_received_lote({ECG: 1}, protocol="1004")
        lote = self._create_received_lote({ECG: 1}, protocol="1005")
        content = analysis_message(lote, {(lote.guia_ids.name, 1): (30.00, "1705")}, "A5")
        self.env["tiss.demonstrativo"].import_file("a.xml", content).post()

    def test_what_never_was_revenue_is_not_lost(self):
        """What is invoiced by its release; once accrued, what waits is revenue until then."""
        before = self._get_open()
        self.contract.invoice_moment = "released"
        self._deny_more()
        self.assertEqual(self._get_open(), before)
        self.contract.accrue_unreleased(self.today)
        to_process, denied, appealed = before
        self.assertEqual(self._get_open(), (to_process + 41.10, denied, appealed))

    def test_what_was_written_off_is_lost_already(self):
        to_process, denied, appealed = self._get_open()
        self.contract.glosa_policy = "at_once"
        self._deny_more()
        self.assertEqual(self._get_open(), (to_process + 41.10, denied, appealed))

    def test_a_closed_period_is_refused(self):
        self._live()
        rows = self.Provision._propose(self.company, self.today)
        self.company.sudo().fiscalyear_lock_date = self.today
        with self.assertRefused("The books are closed"):
            rows.post()

    def test_a_biller_only_reads_it(self):
        self._live()
        [row] = self.Provision._propose(self.company, self.today)
        own = row.with_user(self._create_user("p.faturamento", "billing"))
        self.assertEqual(own.amount, 34.88)
        for method in (own.post, own.undo, own.action_propose):
            with self.subTest(method.__name__), self.assertRaises(AccessError):
                method()

    def test_what_became_of_it(self):
        """4.00 are given up later; of the two lotes 237.10 are still open."""
        self._live()
        [row] = self.Provision._propose(self.company, self.today)
        row.post()
        with freeze_time(fields.Date.add(self.today, days=40)):
            self.price.accept()
        row.invalidate_recordset()
        self.assertEqual(row.amount_lost, 4.00)
        self.assertEqual(row.amount_open, 237.10, "206.00 + 56.00 - 14.90 - 6.00 - 4.00")
        self.assertEqual(row.amount_gap, -30.88)
