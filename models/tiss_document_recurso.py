from odoo import api, models


class TissDocument(models.Model):
    """A document that proves a recurso de glosa (guide §3.9)."""

    _inherit = "tiss.document"

    @api.depends("guia_id", "lote_id", "authorization_id", "recurso_id")
    def _compute_nature_id(self):
        result = super()._compute_nature_id()
        self.filtered("recurso_id").nature_id = self.env["tiss.term"]._get("tipoGuia", "3")
        return result

    @api.model
    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {"recurso_id"}

    def _prepare_tiss_body(self):
        """The guia of a recurso is the recurso itself, which has a number of its own."""
        body = super()._prepare_tiss_body()
        if self.recurso_id:
            body["numeroGuiaPrestador"] = self.recurso_id.name
            body["numeroGuiaOperadora"] = self.recurso_id.operadora_number or None
        return body
