from odoo import api, fields, models


class TissDocumentOwner(models.AbstractModel):
    """A record that documents prove: guia, lote, request."""

    _name = "tiss.document.owner"
    _description = "Proved by Documents"

    document_count = fields.Integer(
        "Documents", compute="_compute_document_count", groups="l10n_br_tiss.group_tiss_reception"
    )

    @api.model
    def _get_document_link(self):
        """The field of a document that points at this model."""
        raise NotImplementedError

    def _compute_document_count(self):
        link = self._get_document_link()
        counts = dict(
            self.env["tiss.document"]._read_group(
                [(link, "in", self.ids), ("state", "!=", "cancelled")], [link], ["__count"]
            )
        )
        for record in self:
            record.document_count = counts.get(record._origin, 0)

    def action_view_documents(self):
        """Their documents; who has none yet begins with choosing the files."""
        link = self._get_document_link()
        documents = self.env["tiss.document"].search([(link, "in", self.ids)])
        if not documents:
            return self.action_upload_documents()
        action = self.env["ir.actions.act_window"]._for_xml_id("l10n_br_tiss.tiss_document_action")
        return action | {
            "domain": [(link, "in", self.ids)],
            "context": {f"default_{link}": self.id} if len(self) == 1 else {},
        }

    def action_upload_documents(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send Documents"),
            "res_model": "tiss.document.upload",
            "view_mode": "form",
            "target": "new",
            "context": {f"default_{self._get_document_link()}": self.id},
        }
