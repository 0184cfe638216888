from odoo import models


class TissContractTransfer(models.TransientModel):
    """Convênio File"""

    _name = "tiss.contract.transfer"
    _description = "Convênio File"
