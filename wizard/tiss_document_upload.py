from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..models.tiss_term import term_field


class TissDocumentUpload(models.TransientModel):
    """Several files at once become documents of a guia, a lote or a request, and are sent."""

    _name = "tiss.document.upload"
    _description = "Send Documents"

    guia_id = fields.Many2one("tiss.guia")
    lote_id = fields.Many2one("tiss.lote")
    authorization_id = fields.Many2one("tiss.authorization")
    recurso_id = fields.Many2one("tiss.recurso")
    kind_id = term_field("tipoDocumento", "Kind of All")
    attachment_ids = fields.Many2many(
        "ir.attachment", string="Files", groups="l10n_br_tiss.group_tiss_clinical"
    )
    evidence_ids = fields.Many2many(
        "ir.attachment",
        compute="_compute_evidence_ids",
        groups="l10n_br_tiss.group_tiss_clinical",
    )
    evidence_count = fields.Integer(compute="_compute_evidence_ids")
    line_ids = fields.One2many("tiss.document.upload.line", "upload_id", "Documents")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("guia_id")
    def _compute_evidence_ids(self):
        """Files that hang on the visit or on the guia already, as far as this user sees them."""
        for upload in self:
            guia = upload.guia_id
            files = self.env["ir.attachment"].search(
                [
                    "|",
                    "&", ("res_model", "=", "tiss.guia"), ("res_id", "in", guia.ids),
                    "&", ("res_model", "=", "tiss.encounter"),
                    ("res_id", "in", guia.encounter_ids.ids),
                ]
            )  # fmt: skip
            upload.evidence_ids = files
            upload.evidence_count = len(files)

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.onchange("attachment_ids")
    def _onchange_attachment_ids(self):
        """One line per file; what was said of a file stays."""
        chosen = self.attachment_ids._origin or self.attachment_ids
        known = {line.attachment_id.id: line for line in self.line_ids}
        commands = [
            Command.delete(line.id) for file_id, line in known.items() if file_id not in chosen.ids
        ]
        commands += [
            Command.create({"attachment_id": file.id, "kind_id": self.kind_id.id})
            for file in chosen
            if file.id not in known
        ]
        self.line_ids = commands

    @api.onchange("kind_id")
    def _onchange_kind_id(self):
        """The kind of all is the kind of each that has none yet."""
        for line in self.line_ids:
            line.kind_id = line.kind_id or self.kind_id

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_take_evidence(self):
        """Choose the files that hang on the visit or the guia."""
        self.ensure_one()
        self.attachment_ids |= self.evidence_ids
        self._onchange_attachment_ids()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send Documents"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_create(self):
        return self.create_documents()._get_records_action(name=self.env._("Documents"))

    def action_send(self):
        documents = self.create_documents()
        documents.send()
        return documents._get_records_action(name=self.env._("Documents"))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def create_documents(self):
        """One document per file.

        :return: `tiss.document`, in the order of the files
        """
        self.ensure_one()
        if not self.line_ids:
            raise UserError(self.env._("Choose a file first."))
        documents = self.env["tiss.document"].create(
            [line._prepare_document() for line in self.line_ids]
        )
        # What was uploaded here is kept once, with its document.
        self.attachment_ids.filtered(
            lambda file: file.res_model == self._name and not file.res_field
        ).unlink()
        return documents
