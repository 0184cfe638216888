from odoo import models


class TissContract(models.Model):
    """A whole convênio as one JSON file, to move between databases."""

    _inherit = "tiss.contract"
