from odoo import models


class TissContractProcedure(models.TransientModel):
    """Procedures of a Convênio"""

    _name = "tiss.contract.procedure"
    _description = "Procedures of a Convênio"
