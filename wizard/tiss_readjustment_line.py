from odoo import models


class TissReadjustmentLine(models.TransientModel):
    """Readjustment Effect"""

    _name = "tiss.readjustment.line"
    _description = "Readjustment Effect"
