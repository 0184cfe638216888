from odoo import models


class TissPriceImportLine(models.TransientModel):
    """Price Import Row"""

    _name = "tiss.price.import.line"
    _description = "Price Import Row"
