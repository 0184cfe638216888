from odoo import fields, models


class TissContract(models.Model):
    """What a card's bearer is covered for, and why."""

    _inherit = "tiss.contract"

    coverage_ids = fields.One2many("tiss.coverage", "contract_id", "Coverage")
    coverage_policy = fields.Selection(
        [("warn", "Warn only"), ("block", "Do not bill what is not covered")],
        "When Not Covered",
        default="warn",
        required=True,
        tracking=True,
    )
