from odoo import fields, models

from ..models.tiss_term import term_field


class TissDocumentUploadLine(models.TransientModel):
    """A file that becomes a document, and what it is."""

    _name = "tiss.document.upload.line"
    _description = "File to Send"

    upload_id = fields.Many2one("tiss.document.upload", required=True, ondelete="cascade")
    guia_id = fields.Many2one(related="upload_id.guia_id")
    attachment_id = fields.Many2one(
        "ir.attachment",
        "File",
        required=True,
        ondelete="cascade",
        groups="l10n_br_tiss.group_tiss_clinical",
    )
    kind_id = term_field("tipoDocumento", "Kind")
    guia_line_id = fields.Many2one("tiss.guia.line", "Item", domain="[('guia_id', '=', guia_id)]")
    observation = fields.Char(size=500)

    def _prepare_document(self):
        upload = self.upload_id
        contested = upload.recurso_id.line_ids.guia_id
        guia = upload.guia_id or (contested if len(contested) == 1 else upload.guia_id)
        return {
            "guia_id": guia.id,
            "lote_id": (upload.lote_id or upload.recurso_id.lote_id).id,
            "recurso_id": upload.recurso_id.id,
            "authorization_id": upload.authorization_id.id,
            "guia_line_id": self.guia_line_id.id,
            "kind_id": (self.kind_id or upload.kind_id).id,
            "observation": self.observation,
            "file": self.attachment_id.with_context(bin_size=False).datas,
            "file_name": self.attachment_id.name,
        }
