from odoo import api, fields, models

# What a payment may be about that is more than is open: a glosa that nobody contested.
ABOVE = ("paid_above", "appeal_payment")


class TissDiscrepancy(models.Model):
    """A glosa that the operadora pays though nobody contested it: recovered with one click."""

    _inherit = "tiss.discrepancy"

    is_repaid = fields.Boolean(
        compute="_compute_is_repaid", help="As much was denied as is paid above what is open."
    )

    @api.depends(
        "code",
        "line_id.amount_released",
        "line_id.guia_id.line_ids.amount_denied",
        "line_id.guia_id.line_ids.amount_appealed",
        "line_id.guia_id.line_ids.amount_released",
        "line_id.guia_id.line_ids.amount_to_process",
    )
    def _compute_is_repaid(self):
        about = self.filtered(lambda row: row.code in ABOVE and row.line_id.guia_id)
        sums = about.line_id._get_repaid_cents()
        (self - about).is_repaid = False
        for row in about:
            above, denied = sums.get((row.demonstrativo_id, row.line_id.guia_id), (0, 0))
            row.is_repaid = 0 < above <= denied

    def _resolve_recover(self):
        """See `tiss.demonstrativo.line._plan_repaid`: the whole row is booked."""
        self.line_id.sudo().amount_suspended = 0

    def _reopen_unfit(self):
        """Ask again where what was denied has been given up, contested or paid since."""
        unfit = self.filtered(lambda row: row.resolution == "recover" and not row.is_repaid)
        unfit.sudo().write({"state": "open", "resolution": False})
