from odoo import fields, models


class TissPorteValue(models.Model):
    """One porte (1A to 14C) in reais."""

    _name = "tiss.porte.value"
    _description = "Value of a Porte"
    _order = "edition_id, sequence, porte"

    edition_id = fields.Many2one(
        "tiss.porte.edition", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="edition_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    sequence = fields.Integer(default=10)
    porte = fields.Char(required=True)
    amount = fields.Float(digits=(12, 4), required=True)

    _porte_uniq = models.Constraint(
        "UNIQUE(edition_id, porte)", "A porte stands once in an edition."
    )
