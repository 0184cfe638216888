from odoo import models


class ProductPricelist(models.Model):
    """Price lists of convênios answer like any other of Odoo."""

    _inherit = "product.pricelist"
