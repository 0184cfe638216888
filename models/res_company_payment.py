from odoo import fields, models


class ResCompany(models.Model):
    """Where a clinic books what an operadora paid without saying for what, or took too much."""

    _inherit = "res.company"

    tiss_suspense_account_id = fields.Many2one(
        "account.account",
        "Convênio Receipts Not Identified",
        check_company=True,
        help="What a demonstrativo pays for guias that this clinic cannot find, until it is known.",
    )
    tiss_debt_account_id = fields.Many2one(
        "account.account",
        "Owed to Operadoras",
        check_company=True,
        domain=[("reconcile", "=", True)],
        help="A demonstrativo whose débitos are larger than what it pays; the next one offsets it.",
    )

    def _tiss_get_own_accounts(self):
        """Beside the advances of customers of the referential plan (accounting.md §5.4)."""
        suspense = self.env._("Convênio Receipts Not Identified")
        debt = self.env._("Owed to Convênios")
        return [
            *super()._tiss_get_own_accounts(),
            ("tiss_suspense_account_id", "2.01.01.05.10", suspense, "liability_current"),
            ("tiss_debt_account_id", "2.01.01.05.11", debt, "liability_current"),
        ]

    def _tiss_create_account(self, code, name, account_type):
        """What is owed is open until it is offset, also on the side of the liabilities."""
        account = super()._tiss_create_account(code, name, account_type)
        if account_type == "liability_current":
            account.reconcile = True
        return account

    def _tiss_ensure_account(self, name):
        """Make sure of one of the accounts above; UserError where the chart has none to propose."""
        self.ensure_one()
        if not self[name]:
            # A biller may not make accounts, but what he posts asks for this one; a clinic may
            # have been set up before it existed.
            self.sudo()._tiss_setup_accounting()
        self._tiss_check_accounts(name)
