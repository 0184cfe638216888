from odoo import fields, models


class ResCompany(models.Model):
    """Where a clinic books the taxes that operadoras withheld wrongly and owe back."""

    _inherit = "res.company"

    tiss_claim_account_id = fields.Many2one(
        "account.account",
        "Owed by Operadoras",
        check_company=True,
        domain=[("reconcile", "=", True)],
        help="Taxes that were withheld without a reason, until they are paid back or given up.",
    )

    def _tiss_get_own_accounts(self):
        """Beside the transit account of the convênios."""
        label = self.env._("Taxes Withheld Wrongly - Convênios")
        return [
            *super()._tiss_get_own_accounts(),
            ("tiss_claim_account_id", "1.01.02.02.13", label, "asset_current"),
        ]
