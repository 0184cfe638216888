from odoo import fields, models


class TissProductMatchLine(models.TransientModel):
    """A product and the TUSS term that has its code."""

    _name = "tiss.product.match.line"
    _description = "Product and Its Term"

    match_id = fields.Many2one("tiss.product.match", required=True, index=True, ondelete="cascade")
    product_tmpl_id = fields.Many2one("product.template", required=True, ondelete="cascade")
    term_id = fields.Many2one("tiss.term", required=True, ondelete="cascade")
    end_date = fields.Date("Ended", related="term_id.end_date")
    is_chosen = fields.Boolean("Link", default=True)
