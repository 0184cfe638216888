from odoo import models


class TissContract(models.Model):
    """The transit account is a part of the ledger."""

    _inherit = "tiss.contract"

    def _get_ledger_breaches(self):
        breaches = super()._get_ledger_breaches()
        return breaches + self.env["tiss.bank.match"]._find_transit_breaches(self)
