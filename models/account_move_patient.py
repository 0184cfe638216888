from odoo import fields, models

from ..standard.money import to_cents


class AccountMove(models.Model):
    """Invoices that patients pay themselves: the DMED tells who paid and for whom."""

    _inherit = "account.move"

    tiss_beneficiary_id = fields.Many2one(
        "res.partner",
        "Beneficiary",
        index="btree_not_null",
        ondelete="restrict",
        help="The patient, where another person pays: the DMED names both.",
    )

    def _tiss_is_taken_back(self):
        """Whether nobody has to pay an invoice any more: cancelled, or credited as a whole."""
        self.ensure_one()
        notes = self.reversal_move_ids.filtered(lambda move: move.state == "posted")
        credited = sum(to_cents(note.amount_total) for note in notes)
        return self.state == "cancel" or bool(notes and credited >= to_cents(self.amount_total))
