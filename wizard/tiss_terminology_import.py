from odoo import models


class TissTerminologyImport(models.TransientModel):
    """Terminology Update"""

    _name = "tiss.terminology.import"
    _description = "Terminology Update"
