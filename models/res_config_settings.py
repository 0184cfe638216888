from odoo import api, fields, models

from .. import standard


class ResConfigSettings(models.TransientModel):  # pylint: disable=no-wizard-in-models
    """Convênios settings of the current company."""

    _name = "res.config.settings"
    _inherit = ["res.config.settings", "tiss.company.accounts"]

    tiss_cnes = fields.Char(related="company_id.tiss_cnes", readonly=False)
    tiss_edition_ids = fields.Many2many(
        "tiss.terminology.edition", string="Terminology", compute="_compute_tiss_edition_ids"
    )

    tiss_versions = fields.Char("TISS Versions", compute="_compute_tiss_versions")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    def _compute_tiss_versions(self):
        self.tiss_versions = ", ".join(standard.versions())

    @api.depends_context("uid")
    def _compute_tiss_edition_ids(self):
        domain = [("is_installed", "=", True)]
        self.tiss_edition_ids = self.env["tiss.terminology.edition"].search(domain)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_tiss_setup_accounting(self):
        """Create and choose what is still missing, then show the settings again."""
        self.company_id._tiss_setup_accounting()
        return {"type": "ir.actions.client", "tag": "reload"}
