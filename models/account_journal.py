from odoo import api, fields, models


class AccountJournal(models.Model):
    """A bank into which operadoras pay."""

    _inherit = "account.journal"

    tiss_ofx_account = fields.Char(
        "Account in OFX Files",
        copy=False,
        help="Bank and account as the bank's files name them; learned from the first import.",
    )

    @api.model
    def _tiss_get_banks(self):
        """The banks of the convênios of the user's companies."""
        companies = self.env.companies
        # As superuser: an accountant without our rights sees his own bank lines as ever.
        contracts = self._tiss_search_contracts([("company_id", "in", companies.ids)])
        banks = contracts.bank_journal_id | companies.sudo().tiss_bank_journal_id
        return banks.sudo(False).filtered(lambda journal: journal.company_id in companies)

    def _tiss_get_contracts(self):
        """The convênios whose operadoras pay into these banks."""
        return self._tiss_search_contracts([("bank_journal_id", "in", self.ids)])

    def _tiss_search_contracts(self, domain):
        Contract = self.env["tiss.contract"].sudo().with_context(active_test=False)
        return Contract.search(domain)
