from odoo import api, models


class TissAuthorization(models.Model):
    """Documents that prove a request, as the operadora may ask for them (guide §3.9)."""

    _name = "tiss.authorization"
    _inherit = ["tiss.authorization", "tiss.document.owner"]

    @api.model
    def _get_document_link(self):
        return "authorization_id"
