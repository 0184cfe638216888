from odoo import fields, models


class TissAuthorizationRegisterLine(models.TransientModel):
    """How much of one item the operadora authorised, as a person types it."""

    _name = "tiss.authorization.register.line"
    _description = "Registered Item"

    register_id = fields.Many2one(
        "tiss.authorization.register", required=True, index=True, ondelete="cascade"
    )
    line_id = fields.Many2one("tiss.authorization.line", required=True, readonly=True)
    code = fields.Char(related="line_id.code")
    description = fields.Char(related="line_id.description")
    quantity = fields.Integer(related="line_id.quantity")
    quantity_authorized = fields.Integer("Authorised")
