from odoo import models


class ProductProduct(models.Model):
    """A procedure or item as it is asked for."""

    _inherit = "product.product"

    def _tiss_prepare_requested(self, quantity=1):
        """Values of a `tiss.authorization.line`."""
        self.ensure_one()
        return {
            "product_id": self.id,
            "table_code": self.tiss_table,
            "code": self.tiss_code,
            "description": self.name,
            "quantity": max(round(quantity), 1),
        }
