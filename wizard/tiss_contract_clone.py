from odoo import models


class TissContractClone(models.TransientModel):
    """Clone a Convênio"""

    _name = "tiss.contract.clone"
    _description = "Clone a Convênio"
