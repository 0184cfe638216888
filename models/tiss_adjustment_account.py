from odoo import fields, models

from .tiss_term import term_field


class TissAdjustmentAccount(models.Model):
    """Where a débito or crédito of a demonstrativo (T27: taxes, discounts…) is booked."""

    _name = "tiss.adjustment.account"
    _description = "Account of a Débito or Crédito"
    _order = "kind_id"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    kind_id = term_field("27", "Kind", required=True)
    account_id = fields.Many2one(
        "account.account", required=True, check_company=True, ondelete="restrict"
    )

    _kind_uniq = models.Constraint(
        "UNIQUE(company_id, kind_id)", "There is already an account for this kind."
    )

    def _get_accounts(self, company):
        """T27 code → `account.account` of one company."""
        rows = self.search([("company_id", "=", company.id)])
        return {row.kind_id.code: row.account_id for row in rows}
