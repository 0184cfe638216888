from datetime import timedelta

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..standard.money import from_cents, to_cents
from .bulk import hold_periods, lock
from .tiss_demonstrativo_line_plan import Moved

SHOWN = 10
# Between the file and us nothing disagrees: a person only has to say how it is booked.
OF_BOOKING = ("locked_period",)


class TissDemonstrativo(models.Model):
    """Booking what an operadora answered (accounting.md §5.4)."""

    _inherit = "tiss.demonstrativo"

    # ------------------------------------------------------------------
    # Posting
    # ------------------------------------------------------------------

    def post(self, accounting_date=None, with_unidentified=False):
        """Book the demonstrativos: movements, glosas, payments with their retentions.

        All or nothing; posting one that is already posted changes nothing.

        :param accounting_date: open day for payments of days on which the books are closed
        :param with_unidentified: leave out what does not agree; the money that is paid for it is
            booked as not identified, so that the net is that of the bank
        :return: `account.payment` that were created
        :raise UserError: what keeps it from being booked, in the user's words
        """
        self.check_access("write")
        payments = self.env["account.payment"]
        # A dental file is two: what it analyses has to be booked before what it pays.
        imported = self.filtered(lambda record: record.state == "imported")
        with self.env.cr.savepoint():
            for demonstrativo in imported.sorted("kind"):
                payments |= demonstrativo._post_one(accounting_date, with_unidentified)
        return payments

    def _post_one(self, accounting_date=None, with_unidentified=False):
        lock(self)
        self._check_against_guias()
        self._check_postable(accounting_date, with_unidentified)
        lotes = self._get_all_lines().lote_id | self.adjustment_ids.guia_id.lote_id
        lock(lotes)
        self.payment_ids._set_accounting_date(accounting_date)
        if self.kind == "analysis":
            entries = self._plan_movements()
            self.env["tiss.movement"]._record(entries, self.issue_date)
            self.env["tiss.glosa"]._create_from_entries(self, entries)
            self.line_ids._complete_reasons()
        payments = self.payment_ids._post()
        self.adjustment_ids._remember()
        self.sudo().state = "posted"
        if accounting_date:
            asked = self.discrepancy_ids.filtered(lambda row: row.code in OF_BOOKING)
            asked._close(self.env._("Booked on %s", format_date(self.env, accounting_date)))
        lotes._follow_release(self._get_booking_date())
        lotes._check_tie_out()
        return payments

    def _check_postable(self, accounting_date, with_unidentified):
        """Refuse while something disagrees that nobody decided about."""
        blocking = self.discrepancy_ids.filtered("is_blocking")
        if accounting_date:
            blocking = blocking.filtered(lambda row: row.code not in OF_BOOKING)
        if with_unidentified:
            blocking = blocking.filtered(lambda row: row.code in OF_BOOKING)
        if blocking:
            raise UserError(
                self.env._(
                    "Demonstrativo %(name)s cannot be posted yet:\n%(reasons)s",
                    name=self.name,
                    reasons="\n".join(blocking[:SHOWN].mapped("display_name")),
                )
            )

    def _get_questions(self):
        """Codes of discrepancies that a person decides about before this is posted."""
        return set(self.discrepancy_ids.filtered("is_blocking").mapped("code"))

    def _get_unidentified(self):
        """What posting would book as not identified, as things are."""
        cents = sum(payment._get_unidentified_cents() for payment in self.payment_ids)
        return float(from_cents(cents))

    def _get_booking_date(self):
        """The day of what is booked beside its payments."""
        self.ensure_one()
        dates = [payment._get_date() for payment in self.payment_ids]
        return min(dates, default=self.issue_date)

    def _plan_movements(self):
        """Movements that posting would record, as entries for `tiss.movement._record`."""
        self.ensure_one()
        if self.kind == "analysis":
            return self._get_all_lines()._plan_analysis()
        moved = Moved()
        days = self.payment_ids._get_in_order()
        return [entry for day in days for entry in day._plan_movements(moved)]

    # ------------------------------------------------------------------
    # What is owed to the operadora
    # ------------------------------------------------------------------

    def _get_owed_lines(self):
        """Open journal items of what earlier demonstrativos left owed to the operadora."""
        account = self.company_id.tiss_debt_account_id
        return self.env["account.move.line"].search(
            [
                ("account_id", "=", account.id),
                ("company_id", "=", self.company_id.id),
                ("partner_id", "=", self.contract_id.partner_id.id),
                ("parent_state", "=", "posted"),
                ("amount_residual", "<", 0),
            ],
            order="date, id",
        )

    def _get_owed_cents(self):
        return -sum(to_cents(line.amount_residual) for line in self._get_owed_lines())

    # ------------------------------------------------------------------
    # Lock dates
    # ------------------------------------------------------------------

    @api.model
    def _get_first_open_date(self, contract, date):
        """The first day from `date` on which the books of a convênio are open."""
        company, journal = contract.company_id, contract.bank_journal_id
        locks = company._get_violated_lock_dates(date, False, journal)
        return locks[-1][0] + timedelta(days=1) if locks else date

    @api.model
    def _check_open_date(self, contract, date):
        """Odoo would move an entry of a locked period to another day without asking."""
        first = self._get_first_open_date(contract, date)
        if first != date:
            raise UserError(
                self.env._(
                    "The books are closed on %(date)s: the first open day is %(first)s.",
                    date=format_date(self.env, date),
                    first=format_date(self.env, first),
                )
            )

    # ------------------------------------------------------------------
    # Undoing
    # ------------------------------------------------------------------

    def undo(self, accounting_date=None, reason=None):
        """Reverse posted demonstrativos: opposite movements, cancelled payments, no glosas.

        The last one of a protocolo first (accounting.md §5.6).

        :param accounting_date: open day of the reversal, for payments in a closed period
        :param reason: why, for the history
        :return: self
        :raise UserError: what has to be undone before, or that the books are closed
        """
        self.check_access("write")
        posted = self.filtered(lambda record: record.state == "posted")
        with self.env.cr.savepoint():
            for demonstrativo in posted.sorted("kind", reverse=True):
                demonstrativo._undo_one(accounting_date, reason)
        return self

    def _undo_one(self, accounting_date, reason):
        lock(self)
        hold_periods(self.company_id)
        lotes = self._get_all_lines().lote_id
        lock(lotes)
        movements = self._get_movements_to_undo()
        self._get_all_lines()._take_repaid_back()
        self.glosa_ids._remove_undone()
        self.coded_glosa_ids._set_code(False, self.browse())
        reversals = self.payment_ids._undo(accounting_date)
        movements._undo()
        self.sudo().write({"state": "undone", "undo_reason": reason})
        lotes._follow_release(accounting_date or self._get_booking_date(), is_undone=True)
        lotes._check_tie_out()
        self._tell_undone(lotes, reversals, reason)

    def _get_later_movements(self):
        """(movements of this demonstrativo in force, later ones on the same items)"""
        Movement = self.env["tiss.movement"]
        mine = Movement.search(
            [("demonstrativo_line_id", "in", self._get_all_lines().ids), ("kind", "!=", "undo")]
        )
        later = Movement.search(
            [
                ("guia_line_id", "in", mine.guia_line_id.ids),
                ("id", ">", max(mine.ids, default=0)),
            ]
        )
        undone = later.reverses_id
        blocking = later.filtered(lambda move: move.kind != "undo" and move not in undone)
        return mine - undone, blocking

    def _get_movements_to_undo(self):
        """This demonstrativo's movements, unless later ones build on them."""
        mine, later = self._get_later_movements()
        if later:
            raise UserError(
                self.env._(
                    "Guia %(guia)s had later payments or glosas: undo those first.\n%(list)s",
                    guia=later[0].guia_id.name,
                    list="\n".join(self._describe_movements(later)[:SHOWN]),
                )
            )
        return mine

    @api.model
    def _describe_movements(self, movements):
        """One line for each guia, kind and origin of movements, with their sum."""
        labels = dict(movements._fields["kind"]._description_selection(self.env))
        sums = {}
        for movement in movements:
            origin = movement.demonstrativo_line_id.demonstrativo_id.name or movement.move_id.name
            key = (movement.guia_id.name, labels[movement.kind], origin or "")
            sums[key] = sums.get(key, 0) + to_cents(movement.amount)
        return [
            " · ".join(filter(None, (*key, self.currency_id.format(cents / 100))))
            for key, cents in sums.items()
        ]

    def _tell_undone(self, lotes, reversals, reason):
        """Leave in the history of all that it was booked in who undid it, and why."""
        body = self.env._("Demonstrativo %s was undone.", self.display_name)
        if reversals:
            entries = ", ".join(reversals.mapped("name"))
            body = f"{body} {self.env._('Reversed by %s.', entries)}"
        if reason:
            body = f"{body} {reason}"
        for records in (self, lotes, lotes.invoice_id):
            records._message_log_batch(bodies=dict.fromkeys(records.ids, body))
