from odoo import models


class TissReadjustment(models.TransientModel):
    """Readjustment"""

    _name = "tiss.readjustment"
    _description = "Readjustment"
