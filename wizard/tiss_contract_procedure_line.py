from odoo import models


class TissContractProcedureLine(models.TransientModel):
    """Procedure of a Convênio"""

    _name = "tiss.contract.procedure.line"
    _description = "Procedure of a Convênio"
