from odoo import fields, models


class ResPartner(models.Model):
    """Who receives what a professional earns."""

    _inherit = "res.partner"

    tiss_repasse_payee_id = fields.Many2one(
        "res.partner",
        "Repasse Paid To",
        ondelete="restrict",
        groups="l10n_br_tiss.group_tiss_manager",
        help="The professional's own company, when it bills the clinic; empty: the professional.",
    )
