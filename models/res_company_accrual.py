from odoo import fields, models


class ResCompany(models.Model):
    """Where services stand that an operadora has and has not decided about at a month's end."""

    _inherit = "res.company"

    tiss_accrual_account_id = fields.Many2one(
        "account.account", "Services to Be Invoiced", check_company=True
    )

    def _tiss_get_own_accounts(self):
        label = self.env._("Services to Be Invoiced - Convênios")
        return [
            *super()._tiss_get_own_accounts(),
            ("tiss_accrual_account_id", "1.01.02.09.60", label, "asset_current"),
        ]

    def _tiss_get_accrual_journal(self):
        Journal = self.env["account.journal"]
        return Journal.search(
            [*Journal._check_company_domain(self), ("type", "=", "general")], limit=1
        )
