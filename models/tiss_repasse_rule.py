from odoo import api, fields, models

from ..standard.money import MAX_AMOUNT
from .tiss_movement import BUCKETS

BASES = [("production", "What was billed"), ("receipt", "What was received")]
SHARES = [("percent", "Percent"), ("fixed", "Fixed amount per unit")]
# What a professional earns on, by basis: the buckets of an item that count.
COUNTED = {
    "production": {name for name, _label in BUCKETS} - {"accepted"},
    "receipt": {"paid", "copaid"},
}


class TissRepasseRule(models.Model):
    """Which part of an item belongs to the professional who did it, and when he earns it.

    By what was billed, the clinic pays at once and takes back what is finally denied; by what was
    received, he waits as the clinic does (accounting of convênios: repasse in both directions).
    """

    _name = "tiss.repasse.rule"
    _description = "Repasse Rule"
    _order = "sequence, id"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    professional_id = fields.Many2one(
        "res.partner",
        index="btree_not_null",
        domain=[("tiss_is_professional", "=", True)],
        ondelete="cascade",
        help="Empty: every professional.",
    )
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        check_company=True,
        index="btree_not_null",
        ondelete="cascade",
        help="Empty: every convênio.",
    )
    categ_id = fields.Many2one(
        "product.category",
        "Group of Procedures",
        ondelete="cascade",
        help="With all that is below it. Empty: every procedure.",
    )
    with_expenses = fields.Boolean(
        "Also Materials and Fees",
        help="Expenses of the guia (materials, medicines, rooms…) count too, not only procedures.",
    )
    basis = fields.Selection(
        BASES,
        default="receipt",
        required=True,
        help="Billed: the professional earns with the protocolo and gives back what is finally"
        " denied. Received: he earns as the operadora pays.",
    )
    share_kind = fields.Selection(SHARES, "Share", default="percent", required=True)
    percent = fields.Float(digits=(5, 2))
    amount = fields.Monetary("Amount per Unit")
    start_date = fields.Date("From", help="First day of service that it holds for.")
    end_date = fields.Date("Until")

    _percent_range = models.Constraint(
        "CHECK(share_kind != 'percent' OR (percent > 0 AND percent <= 100))",
        "A percent is above 0 and at most 100.",
    )
    _amount_range = models.Constraint(
        f"CHECK(share_kind != 'fixed' OR (amount > 0 AND amount <= {MAX_AMOUNT}))",
        "A fixed amount is above zero.",
    )
    _dates_ordered = models.Constraint(
        "CHECK(start_date IS NULL OR end_date IS NULL OR start_date <= end_date)",
        "A rule cannot end before it begins.",
    )

    @api.depends("professional_id", "contract_id", "categ_id", "share_kind", "percent", "amount")
    def _compute_display_name(self):
        for rule in self:
            rule.display_name = " · ".join(
                [
                    rule.professional_id.name or self.env._("Every professional"),
                    rule.contract_id.name or self.env._("every convênio"),
                    *([rule.categ_id.name] if rule.categ_id else []),
                    rule._get_share_text(),
                ]
            )

    def _get_share_text(self):
        if self.share_kind == "percent":
            return f"{self.percent:g}%"
        return self.currency_id.format(self.amount)

    def _get_terms(self):
        """What a line keeps of the rule that it was made by."""
        return (self.id, self.basis, self.share_kind, self.percent, self.amount)
