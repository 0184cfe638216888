from odoo import api, fields, models


class TissRecurso(models.Model):
    """What proves that a glosa is wrong: documents, and where else it is found (guide §3.9)."""

    _name = "tiss.recurso"
    _inherit = ["tiss.recurso", "tiss.document.owner"]

    document_ids = fields.One2many("tiss.document", "recurso_id", "Evidence")
    evidence = fields.Text(
        "Evidence Elsewhere",
        groups="l10n_br_tiss.group_tiss_clinical",
        help="What proves it and where it is kept: a page of the record, a report, a film.",
    )

    @api.model
    def _get_document_link(self):
        return "recurso_id"
