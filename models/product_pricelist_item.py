from odoo import api, fields, models

from .tiss_term import PROCEDURE_TABLES


class ProductPricelistItem(models.Model):
    """Price rules of a contract are typed against a TUSS term; the product comes by itself."""

    _inherit = "product.pricelist.item"

    tiss_term_id = fields.Many2one(
        "tiss.term",
        "TUSS",
        domain=[("table_code", "in", PROCEDURE_TABLES)],
        compute="_compute_tiss_term_id",
        inverse="_inverse_tiss_term_id",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("product_tmpl_id.tiss_term_id", "product_id.tiss_term_id")
    def _compute_tiss_term_id(self):
        for item in self:
            product = item.product_tmpl_id or item.product_id
            item.tiss_term_id = product.tiss_term_id

    def _inverse_tiss_term_id(self):
        for item in self.filtered("tiss_term_id"):
            item.write(self._tiss_prepare_product_vals(item.tiss_term_id))

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        Term = self.env["tiss.term"]
        for vals in vals_list:
            # The rule's own check wants a product at once, before the inverse could give one.
            if vals.get("tiss_term_id") and not vals.get("product_tmpl_id"):
                vals.update(self._tiss_prepare_product_vals(Term.browse(vals["tiss_term_id"])))
        return super().create(vals_list)

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _tiss_prepare_product_vals(self, term):
        return {
            "applied_on": "1_product",
            "display_applied_on": "1_product",
            "product_tmpl_id": term.create_products()[:1].id,
        }
