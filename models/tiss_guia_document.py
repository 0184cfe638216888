from odoo import api, models


class TissGuia(models.Model):
    """Documents that prove a guia (guide §3.9)."""

    _name = "tiss.guia"
    _inherit = ["tiss.guia", "tiss.document.owner"]

    @api.model
    def _get_document_link(self):
        return "guia_id"
