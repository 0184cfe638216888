from odoo import fields, models


class TissPriceSource(models.Model):
    """Where prices come from, and how the columns of its files are to be read."""

    _name = "tiss.price.source"
    _description = "Price File Source"
    _order = "name"
    _check_company_auto = True

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    layout = fields.Char(help="The layout that was recognised, see standard/pricefiles.py.")
    signature = fields.Char(index=True, help="Digest of the header row.")
    mapping = fields.Json()
