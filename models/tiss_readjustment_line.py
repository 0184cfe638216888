from odoo import fields, models


class TissReadjustmentLine(models.Model):
    """What a readjustment does to one price, and what that is worth on a year's volume."""

    _name = "tiss.readjustment.line"
    _description = "Readjustment Effect"
    _order = "readjustment_id, effect desc, id"
    _check_company_auto = True

    readjustment_id = fields.Many2one(
        "tiss.readjustment", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="readjustment_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    item_id = fields.Many2one(
        "product.pricelist.item", "Price Rule", index="btree_not_null", ondelete="set null"
    )
    # What the rule was before; Apply compares, Undo puts the end back.
    old_values = fields.Json()
    old_end = fields.Datetime("Rule Ended On")
    name = fields.Char("Procedure", required=True)
    detail = fields.Char("Rule", help="For a reference table: its percentage before and after.")
    price_now = fields.Float(digits=(12, 2))
    price_new = fields.Float("New Price", digits=(12, 2))
    quantity = fields.Float("Billed Quantity", digits=(12, 2))
    amount = fields.Monetary("Billed")
    effect = fields.Monetary(help="What the same quantity brings in more, or less, in a year.")
