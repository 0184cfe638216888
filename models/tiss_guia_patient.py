from odoo import fields, models

from ..standard.money import to_cents


class TissGuia(models.Model):
    """A guia of which the patient pays a part to the clinic."""

    _inherit = "tiss.guia"

    copayment_ids = fields.One2many(
        "tiss.copayment", "guia_id", "Co-payments", groups="l10n_br_tiss.group_tiss_billing"
    )

    def withdraw(self, reason):
        """What the operadora no longer owes, the patient does not owe either."""
        self.check_access("write")
        self.copayment_ids.cancel()
        return super().withdraw(reason)

    def _is_answered(self):
        """The patient's part left what waits by the clinic's own doing."""
        return any(
            to_cents(line.amount_to_process) + to_cents(line.amount_copaid or 0)
            != to_cents(line.amount)
            for line in self.line_ids
        )
