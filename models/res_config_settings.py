from odoo import api, fields, models

from .. import standard


class ResConfigSettings(models.TransientModel):
    """Convênios settings of the current company."""

    _inherit = "res.config.settings"

    tiss_cnes = fields.Char(related="company_id.tiss_cnes", readonly=False)
    tiss_receivable_account_id = fields.Many2one(
        related="company_id.tiss_receivable_account_id", readonly=False
    )
    tiss_revenue_account_id = fields.Many2one(
        related="company_id.tiss_revenue_account_id", readonly=False
    )
    tiss_glosa_account_id = fields.Many2one(
        related="company_id.tiss_glosa_account_id", readonly=False
    )
    tiss_transit_account_id = fields.Many2one(
        related="company_id.tiss_transit_account_id", readonly=False
    )
    tiss_journal_id = fields.Many2one(related="company_id.tiss_journal_id", readonly=False)
    tiss_bank_journal_id = fields.Many2one(
        related="company_id.tiss_bank_journal_id", readonly=False
    )

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
