from odoo import models


class TissContract(models.Model):
    """The transit account is a part of the ledger."""

    _inherit = "tiss.contract"

    def check_ledger(self):
        return super().check_ledger() + self.env["tiss.bank.match"].get_transit_breaches(self)
