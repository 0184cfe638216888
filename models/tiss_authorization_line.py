from odoo import api, fields, models

from .tiss_term import term_field


class TissAuthorizationLine(models.Model):
    """An item asked for, what of it is authorised and what is used up (guide §5.6)."""

    _name = "tiss.authorization.line"
    _description = "Requested Item"
    _order = "authorization_id, sequence_item, id"
    _check_company_auto = True

    authorization_id = fields.Many2one(
        "tiss.authorization", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="authorization_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    request_type = fields.Selection(related="authorization_id.request_type")
    request_state = fields.Selection(related="authorization_id.state")
    sequence_item = fields.Integer("Item", required=True, default=1)
    product_id = fields.Many2one("product.product", "Procedure or Item", ondelete="restrict")
    table_code = fields.Char("Table", required=True, size=2)
    code = fields.Char(required=True, size=10)
    description = fields.Char(required=True)
    quantity = fields.Integer("Requested", required=True, default=1)
    is_extra = fields.Boolean("Added by the Operadora", readonly=True, copy=False)

    # ---- Odonto
    tooth_id = term_field("28", "Tooth")
    region_id = term_field("42", "Region")
    faces = fields.Char(size=5)
    us_quantity = fields.Float("US", digits=(7, 2))
    amount = fields.Float("Value", digits=(10, 2))
    amount_patient = fields.Float("Patient Pays", digits=(10, 2))
    date = fields.Date("Done On")

    # ---- Answer
    quantity_authorized = fields.Integer("Authorised", readonly=True, copy=False)
    quantity_used = fields.Integer("Used", readonly=True, copy=False)
    quantity_remaining = fields.Integer("Remaining", compute="_compute_quantity_remaining")
    amount_requested = fields.Float("Requested Value", digits=(10, 2), readonly=True, copy=False)
    amount_authorized = fields.Float("Authorised Value", digits=(10, 2), readonly=True, copy=False)
    reason_ids = fields.One2many(
        "tiss.authorization.reason", "line_id", "Reasons", readonly=True, copy=False
    )

    @api.depends("sequence_item", "description")
    def _compute_display_name(self):
        for line in self:
            line.display_name = f"{line.sequence_item} · {line.description}"

    @api.depends("quantity_authorized", "quantity_used")
    def _compute_quantity_remaining(self):
        for line in self:
            line.quantity_remaining = max(line.quantity_authorized - line.quantity_used, 0)
