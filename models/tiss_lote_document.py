from odoo import api, models


class TissLote(models.Model):
    """Documents that prove a lote as a whole, or one of its guias (guide §3.9)."""

    _name = "tiss.lote"
    _inherit = ["tiss.lote", "tiss.document.owner"]

    @api.model
    def _get_document_link(self):
        return "lote_id"
