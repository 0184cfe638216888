from odoo import api, fields, models
from odoo.fields import Command


class TissProductMatch(models.TransientModel):
    """Link many products to TUSS at once: those whose code, TISS or internal, is a TUSS code."""

    _name = "tiss.product.match"
    _description = "Link Products to TUSS"

    line_ids = fields.One2many("tiss.product.match.line", "match_id", "Matches")
    checked_count = fields.Integer()

    # ------------------------------------------------------------------
    # Defaults
    # ------------------------------------------------------------------

    @api.model
    def default_get(self, fields):
        """The chosen products, or all that have no term yet."""
        values = super().default_get(fields)
        products = self._get_products()
        values["checked_count"] = len(products)
        values["line_ids"] = [
            Command.create({"product_tmpl_id": product.id, "term_id": term.id})
            for product, term in products._tiss_match_terms().items()
        ]
        return values

    @api.model
    def _get_products(self):
        Product = self.env["product.template"]
        if self.env.context.get("active_model") == "product.template":
            chosen = Product.browse(self.env.context.get("active_ids", []))
            return chosen.filtered(lambda product: not product.tiss_term_id)
        return Product.search([("tiss_term_id", "=", False)])

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_link(self):
        """Link the chosen products and show them."""
        self.ensure_one()
        lines = self.line_ids.filtered("is_chosen")
        for line in lines:
            line.product_tmpl_id.tiss_term_id = line.term_id
        return lines.product_tmpl_id._get_records_action(name=self.env._("Procedures"))
