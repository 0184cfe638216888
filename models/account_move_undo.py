from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .bulk import hold_periods
from .inside import INSIDE


class AccountMove(models.Model):
    """Entries that a decision made go again when it is taken back, or when their month is over."""

    _inherit = "account.move"

    def _tiss_reverse_on(self, date, prepare):
        """Reverse entries on a day; before it has come, Odoo posts the reversals when it does.

        :param prepare: gives the values of the reversal of one entry, beside its day
        :return: `account.move`, the reversals
        """
        is_future = date > fields.Date.context_today(self)
        common = {"date": date, "auto_post": "at_date" if is_future else "no"}
        reversals = self._reverse_moves([{**prepare(move), **common} for move in self])
        if not is_future:
            reversals.action_post()
        return reversals

    def _tiss_is_frozen(self):
        """Whether an entry can no longer be cancelled: its period is closed, or it is hashed."""
        self.ensure_one()
        has_tax = bool(self._affect_tax_report())
        locks = self.company_id._get_violated_lock_dates(self.date, has_tax, self.journal_id)
        return bool(locks or self.inalterable_hash)

    def _tiss_cancel(self):
        """Cancel posted entries as long as their period is open; they keep their numbers."""
        hold_periods(self.company_id)
        posted = self.filtered(lambda move: move.state == "posted")
        for move in posted:
            if move._tiss_is_frozen():
                raise UserError(
                    self.env._(
                        "%(name)s is of %(date)s, and the books are closed there: what it booked"
                        " cannot be taken back.",
                        name=move.name,
                        date=format_date(self.env, move.date),
                    )
                )
        ours = posted.with_context(tiss_undo=INSIDE)
        ours.line_ids.remove_move_reconcile()
        ours.button_draft()
        ours.button_cancel()
