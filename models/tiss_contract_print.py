from odoo import models


class TissContract(models.Model):
    """Blank forms of a convênio, for the days without a system."""

    _inherit = "tiss.contract"

    def _get_blank_sheets(self, form):
        """:param form: a key of `PROVIDER_BOXES`"""
        guia = self.env["tiss.guia"]
        return [sheet for contract in self for sheet in guia._get_blank_sheets(contract, form)]
