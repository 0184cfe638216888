from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..standard.money import from_cents, to_cents
from .account_bank_statement_line import QUIET
from .bulk import lock


class TissBankMatch(models.Model):
    """Booking of matches and the way back (accounting §1.5, §2)."""

    _inherit = "tiss.bank.match"

    # ------------------------------------------------------------------
    # Matching
    # ------------------------------------------------------------------

    def match(self):
        """Book the proposals in self: deposits to the transit account, reconciled with payments.

        All or nothing; what is matched already is left alone.

        :return: the matches that were made
        """
        self._check_rights()
        todo = self.filtered(lambda match: match.state == "proposed")
        if not todo:
            return todo
        todo._lock()
        todo._check_bookable()
        todo._book()
        self.env["account.move.line"]._reconcile_plan(
            [match._get_transit_lines() for match in todo if match.payment_ids]
        )
        todo.sudo().write(
            {"state": "matched", "user_id": self.env.uid, "match_date": fields.Datetime.now()}
        )
        unnamed = todo.filtered(lambda match: match.evidence in (False, "name"))
        self.env["tiss.bank.alias"]._learn(unnamed)
        todo._drop_overlapping()
        todo._ask_for_demonstrativos()
        todo.payment_ids.filtered("is_matched")._tiss_get_reminders().sudo().unlink()
        return todo

    def _lock(self):
        """Rows that every match of these lines or payments has to change."""
        lock(self.line_ids)
        lock(self._get_counterparts() | self.payment_ids._tiss_get_transit_lines())

    def _get_counterparts(self):
        """What stands against the bank account in the entries of the lines."""
        return self.line_ids._tiss_get_counterparts()

    def _get_transit_lines(self):
        """Open lines on the transit account, of the bank and of the payments."""
        lines = self._get_counterparts() | self.payment_ids._tiss_get_transit_lines()
        account = self.account_id
        return lines.filtered(lambda line: line.account_id == account and not line.reconciled)

    def _check_bookable(self):
        """Nothing changed since the proposal, nothing is used twice, the books are open."""
        amounts = self.line_ids._tiss_get_open_cents()
        residuals = self.payment_ids._tiss_get_residuals()
        used = set()
        for match in self:
            in_bank = sum(amounts[line][0] for line in match.line_ids)
            expected = sum(residuals[payment] for payment in match.payment_ids)
            names = {*match.line_ids, *match.payment_ids}
            if (
                names & used
                or not all(amounts[line][0] for line in match.line_ids)
                or not all(residuals[payment] for payment in match.payment_ids)
                or in_bank != to_cents(match.amount_bank)
                or expected != to_cents(match.amount_payments)
            ):
                match._raise_changed()
            used |= names
            match._check_booked({line for line in match.line_ids if amounts[line][1]})
        self._check_differences()
        locked = self._find_locked_lines()
        if locked:
            raise UserError(
                self.env._(
                    "The books of %(date)s are closed: the deposit “%(label)s” can no longer be"
                    " booked to another account.",
                    date=format_date(self.env, locked[0].date),
                    label=locked[0].payment_ref or "",
                )
            )

    def _check_booked(self, booked):
        """Deposits on the transit account stay with the operadora that they were booked for."""
        for line in booked:
            waiting = line._tiss_get_counterparts().filtered(lambda each: not each.reconciled)
            if not self.payment_ids or waiting.partner_id - self.partner_id:
                raise UserError(
                    self.env._(
                        "The deposit “%(label)s” waits already for a demonstrativo of"
                        " %(operadora)s: undo that first.",
                        label=line.payment_ref or "",
                        operadora=waiting.partner_id[:1].name,
                    )
                )

    def _check_differences(self):
        for match in self.filtered("amount_difference"):
            if match.rule == "difference" and not match.difference_account_id:
                raise UserError(
                    self.env._(
                        "Say first to which account differences of the bank are booked:"
                        " Configuration › Settings, or choose the payments by hand."
                    )
                )
            partials = match._get_counterparts()._tiss_get_partials()
            if match.difference_account_id and partials:
                raise UserError(
                    self.env._(
                        "A part of this deposit is matched already: undo that before a difference"
                        " is booked."
                    )
                )

    def _find_locked_lines(self):
        """Lines whose entry would change in a closed period."""
        closed = {}
        lines = self.line_ids.filtered(lambda line: not line.is_reconciled)
        lines |= self.filtered("difference_account_id").line_ids
        for line in lines:
            if line.date not in closed:
                closed[line.date] = bool(
                    line.company_id._get_violated_lock_dates(line.date, False, line.journal_id)
                )
        return lines.filtered(lambda line: closed[line.date])

    def _book(self):
        """The counterparts of deposits to the transit account; differences to their own."""
        for (account, partner), matches in self.grouped(
            lambda match: (match.account_id, match.partner_id)
        ).items():
            matches.line_ids._tiss_move_to_transit(account, partner)
        for match in self.filtered(lambda match: match.amount_difference):
            if match.difference_account_id:
                match._book_difference()

    def _book_difference(self):
        """The largest deposit takes the difference in one more line of its entry."""
        line = max(self.line_ids, key=lambda each: (abs(each.amount), -each.id))
        [transit] = line._tiss_get_counterparts()
        difference = to_cents(self.amount_difference)
        balance = float(from_cents(to_cents(transit.balance) + difference))
        rest = float(from_cents(-difference))
        values = {
            "name": self.note or self.env._("Difference kept by the bank"),
            "account_id": self.difference_account_id.id,
            "partner_id": self.partner_id.id,
            "currency_id": transit.currency_id.id,
            "balance": rest,
            "amount_currency": rest,
        }
        line.move_id.with_context(**QUIET).write(
            {
                "line_ids": [
                    Command.update(transit.id, {"balance": balance, "amount_currency": balance}),
                    Command.create(values),
                ]
            }
        )

    def _drop_overlapping(self):
        """Other proposals of the same lines or payments have lost their ground."""
        others = self.search(
            [
                ("journal_id", "in", self.journal_id.ids),
                ("state", "=", "proposed"),
                "|",
                ("line_ids", "in", self.line_ids.ids),
                ("payment_ids", "in", self.payment_ids.ids),
            ]
        )
        (others - self).sudo().unlink()

    # ------------------------------------------------------------------
    # Undoing
    # ------------------------------------------------------------------

    def unmatch(self):
        """Take matches back: what the bank shows is open again, and so are the payments.

        :return: self
        """
        self._check_rights()
        for match in self.filtered(lambda each: each.state == "matched").sorted(
            lambda each: (bool(each.payment_ids), each.id), reverse=True
        ):
            match._lock()
            match._check_last()
            match._unreconcile()
            match.sudo().state = "undone"
            match._restore_lines()
            match.sudo().activity_ids.filtered("automated").unlink()
            self.env["tiss.bank.alias"].sudo().search([("match_id", "=", match.id)]).unlink()
        return self

    def _get_others(self):
        """Other standing matches of the same lines."""
        return (
            self.search([("line_ids", "in", self.line_ids.ids), ("state", "=", "matched")]) - self
        )

    def _check_last(self):
        if self.payment_ids:
            return
        later = self._get_others().filtered("payment_ids")
        if later:
            raise UserError(
                self.env._(
                    "This deposit is matched with %s: undo that first.", later[0].payments_label
                )
            )

    def _unreconcile(self):
        own = self._get_counterparts()
        theirs = self.payment_ids._tiss_get_transit_lines()
        partials = own._tiss_get_partials()
        partials.filtered(
            lambda partial: (partial.debit_move_id | partial.credit_move_id) & theirs
        ).unlink()

    def _restore_lines(self):
        """Lines that no other match holds go back to where a bank line begins."""
        others = self._get_others()
        held = others.line_ids
        has_difference = self.amount_difference and self.difference_account_id
        free = self.line_ids if has_difference else self.line_ids - held
        free._tiss_move_back()
        for match in others:
            # Only the entry with the difference was made anew: the deposit still waits.
            (match.line_ids & free)._tiss_move_to_transit(match.account_id, match.partner_id)

    def _is_still_booked(self):
        """Whether the entries are as this match left them."""
        self.ensure_one()
        counterparts = self._get_counterparts()
        if not self.payment_ids:
            return all(line.account_id == self.account_id for line in counterparts)
        theirs = self.payment_ids._tiss_get_transit_lines()
        linked = counterparts._tiss_get_partials()
        return bool((linked.debit_move_id | linked.credit_move_id) & theirs)
