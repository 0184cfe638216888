from odoo import models


class TissPriceImport(models.TransientModel):
    """Price Import"""

    _name = "tiss.price.import"
    _description = "Price Import"
