from odoo import models


class TissCoverageCheck(models.TransientModel):
    """Coverage Check"""

    _name = "tiss.coverage.check"
    _description = "Coverage Check"
