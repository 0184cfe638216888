from odoo import fields, models


class TissContract(models.Model):
    """What a procedure is worth on a day, and why."""

    _inherit = "tiss.contract"

    price_policy_id = fields.Many2one(
        "tiss.price.policy",
        "Fee Rules",
        check_company=True,
        ondelete="restrict",
        tracking=True,
        help="How several procedures, urgency and accommodation change a fee.",
    )
