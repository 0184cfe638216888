from odoo import models


class TissRegistryImport(models.TransientModel):
    """ANS Registry Refresh"""

    _name = "tiss.registry.import"
    _description = "ANS Registry Refresh"
