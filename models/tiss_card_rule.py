from odoo import fields, models


class TissCardRule(models.Model):
    """What the card numbers of an operadora, or of one of its plans, look like (guide §9.2)."""

    _name = "tiss.card.rule"
    _description = "Card Number Rule"
    _order = "operadora_id, sequence, id"

    sequence = fields.Integer(default=10)
    operadora_id = fields.Many2one(
        "res.partner",
        required=True,
        index=True,
        domain=[("tiss_is_operadora", "=", True)],
        ondelete="cascade",
    )
    plan_id = fields.Many2one(
        "tiss.plan",
        index="btree_not_null",
        domain="[('operadora_id', '=', operadora_id)]",
        ondelete="cascade",
        help="Empty: all plans that have no rule of their own.",
    )
    length = fields.Integer(help="Number of characters; 0 when it varies.")
    pattern = fields.Char(
        help="9 a digit, A a letter, X either, * any number of characters; the rest as written."
    )
    check = fields.Selection([("mod10", "Modulo 10 (Luhn)"), ("mod11", "Modulo 11")], "Check Digit")
    note = fields.Char()
