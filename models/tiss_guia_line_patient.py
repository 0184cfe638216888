from odoo import fields, models

from ..standard.money import to_cents


class TissGuiaLine(models.Model):
    """What of an item the patient pays to the clinic, and how that leaves what is billed.

    In a GTO it never was in the amount (franquia); elsewhere it is billed whole and taken off.
    """

    _inherit = "tiss.guia.line"

    amount_copaid = fields.Float("Paid by the Patient", digits=(10, 2), readonly=True, copy=False)

    _copaid_positive = models.Constraint(
        "CHECK(COALESCE(amount_copaid, 0) >= 0)",
        "More would be taken from an item than is left of it.",
    )

    def _get_collected_cents(self):
        """All that the patient pays of one item here, whether it is booked already or not."""
        booked = to_cents(self.amount_patient or 0) or to_cents(self.amount_copaid or 0)
        return booked or self._get_copaid_cents()

    def _get_copaid_cents(self):
        """What of one item the operadora was billed for and the patient pays here."""
        visit_line = self.encounter_line_id
        if self.amount_patient or not visit_line.is_collected_here:
            return 0
        return min(to_cents(visit_line.patient_amount or 0), to_cents(self.amount_to_process or 0))
