from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .bulk import hold_periods
from .inside import INSIDE


class AccountMove(models.Model):
    """Entries that a decision made go again when it is taken back."""

    _inherit = "account.move"

    def _tiss_cancel(self):
        """Cancel posted entries as long as their period is open; they keep their numbers."""
        hold_periods(self.company_id)
        for move in self.filtered(lambda move: move.state == "posted"):
            locks = move.company_id._get_violated_lock_dates(move.date, False, move.journal_id)
            if locks or move.inalterable_hash:
                raise UserError(
                    self.env._(
                        "%(name)s is of %(date)s, and the books are closed there: what it booked"
                        " cannot be taken back.",
                        name=move.name,
                        date=format_date(self.env, move.date),
                    )
                )
            ours = move.with_context(tiss_undo=INSIDE)
            ours.line_ids.remove_move_reconcile()
            ours.button_draft()
            ours.button_cancel()
