from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from ..standard import identifiers
from .common import TissCommon

ACCOUNTS = {
    "tiss_receivable_account_id": "1.01.02.02.10",
    "tiss_patient_account_id": "1.01.02.02.11",
    "tiss_transit_account_id": "1.01.02.02.12",
    "tiss_revenue_account_id": "3.01.01.01.01.06",
    "tiss_glosa_account_id": "3.01.01.01.02.11",
    "tiss_repasse_account_id": "3.01.01.03.01.03",
    "tiss_bank_difference_account_id": "3.01.01.09.01.08",
}


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAccountingSetup(TissCommon):
    """Accounts are proposed for the Brazilian chart and created only when they are absent."""

    def _create_company(self, chart):
        company = (
            self.env["res.company"]
            .sudo()
            .create(
                {
                    "name": "Clínica Nova",
                    "country_id": self.env.ref("base.br").id,
                    "vat": identifiers.complete_cnpj("112223330001"),
                }
            )
        )
        self.env["account.chart.template"].sudo().try_loading(chart, company, install_demo=False)
        return company.with_company(company)

    def test_the_brazilian_chart_gets_what_it_lacks(self):
        company = self.company.sudo()
        for name, code in ACCOUNTS.items():
            with self.subTest(name):
                self.assertEqual(company[name].with_company(company).code, code)
        self.assertTrue(company.tiss_receivable_account_id.reconcile)
        self.assertTrue(company.tiss_transit_account_id.reconcile)
        self.assertFalse(company.tiss_glosa_account_id.reconcile)
        self.assertFalse(company.tiss_journal_id.l10n_latam_use_documents)

    def test_proposing_twice_creates_nothing(self):
        company = self.company.sudo()
        before = self.env["account.account"].sudo().search_count([])
        journals = self.env["account.journal"].sudo().search_count([])
        company._tiss_setup_accounting()
        self.assertEqual(self.env["account.account"].sudo().search_count([]), before)
        self.assertEqual(self.env["account.journal"].sudo().search_count([]), journals)

    def test_what_was_chosen_stays_and_what_is_empty_is_found_again(self):
        company = self.company.sudo()
        chosen = company.tiss_revenue_account_id.copy({"code": "3.01.01.01.01.987"})
        company.tiss_revenue_account_id = chosen
        receivable = company.tiss_receivable_account_id
        company.tiss_receivable_account_id = False
        company._tiss_setup_accounting()
        self.assertEqual(company.tiss_revenue_account_id, chosen)
        self.assertEqual(company.tiss_receivable_account_id, receivable, "not a second one")

    def test_another_chart_is_mapped_by_hand_and_told_so(self):
        company = self._create_company("generic_coa")
        accounts = self.env["account.account"].sudo().search_count([])
        company._tiss_setup_accounting()
        self.assertEqual(self.env["account.account"].sudo().search_count([]), accounts)
        self.assertFalse(company.tiss_receivable_account_id)
        self.assertTrue(company.tiss_bank_journal_id, "journals are of any chart")
        missing = company._tiss_get_missing_accounting()
        self.assertIn("Convênios Receivable", missing)
        self.assertIn("Differences of the Bank", missing)
        with self.assertRaisesRegex(UserError, "has no Patients Receivable yet"):
            company._tiss_check_accounts("tiss_patient_account_id")

    def test_nothing_is_missing_after_a_proposal(self):
        self.assertEqual(self.company.sudo()._tiss_get_missing_accounting(), [])

    # ------------------------------------------------------------------
    # The manager's form
    # ------------------------------------------------------------------

    def test_a_manager_chooses_accounts_without_being_an_administrator(self):
        Setup = self.env["tiss.accounting.setup"]
        setup = Setup.browse(Setup.action_open()["res_id"])
        account = self.company.sudo().tiss_glosa_account_id.copy({"code": "3.01.01.01.02.987"})
        with Form(setup) as form:
            form.tiss_glosa_account_id = account.sudo(False)
        self.assertEqual(self.company.tiss_glosa_account_id, account)
        self.company.sudo().tiss_transit_account_id = False
        setup = Setup.browse(Setup.action_open()["res_id"])
        self.assertIn("Receipts to Match", setup.tiss_missing_accounting)
        setup.action_propose()
        self.assertTrue(self.company.tiss_transit_account_id)

    def test_he_changes_nothing_else_of_the_company(self):
        Setup = self.env["tiss.accounting.setup"]
        setup = Setup.browse(Setup.action_open()["res_id"])
        other = self._create_other_clinic().company_id
        setup.write({"company_id": other.id})
        self.assertEqual(setup.company_id, self.company)
        self.assertEqual(Setup.create({"company_id": other.id}).company_id, self.company)
        with self.assertRaises(AccessError):
            setup.company_id.with_env(self.env).name = "Outro Nome"

    def test_a_biller_has_no_access(self):
        biller = self._create_user("a.faturista", "billing")
        with self.assertRaises(AccessError):
            self.env["tiss.accounting.setup"].with_user(biller).action_open()
