from odoo import fields, models


class AccountPayment(models.Model):
    """A payment that a demonstrativo made."""

    _inherit = "account.payment"

    tiss_demonstrativo_payment_ids = fields.One2many(
        "tiss.demonstrativo.payment",
        "payment_id",
        "Demonstrativo Payments",
        groups="l10n_br_tiss.group_tiss_billing",
    )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_draft(self):
        self.move_id._tiss_check_not_ours()
        return super().action_draft()

    def action_cancel(self):
        self.move_id._tiss_check_not_ours()
        return super().action_cancel()

    def action_view_tiss_demonstrativo(self):
        return self.tiss_demonstrativo_payment_ids.demonstrativo_id._get_records_action()
