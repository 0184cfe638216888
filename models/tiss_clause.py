from odoo import fields, models


class TissClause(models.Model):
    """A clause that the law asks of every contract with an operadora (RN 503, guide §6.3)."""

    _name = "tiss.clause"
    _description = "Required Contract Clause"
    _order = "sequence, id"

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    name = fields.Char(required=True, translate=True)
    source = fields.Char(help="The norm that asks for it.")
