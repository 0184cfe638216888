from odoo import fields, models


class TissGuia(models.Model):
    """The cancellations of a guia at its operadora."""

    _inherit = "tiss.guia"

    cancellation_line_ids = fields.One2many(
        "tiss.cancellation.line",
        "guia_id",
        "Cancellations",
        groups="l10n_br_tiss.group_tiss_billing",
    )

    def action_view_cancellations(self):
        return self.cancellation_line_ids.cancellation_id._get_records_action(
            name=self.env._("Cancellations")
        )
