from odoo import fields, models
from odoo.tools import SQL

from ..standard.money import from_cents
from .tie_out import RELEASED


class TissLote(models.Model):
    """Lotes that are invoiced by what the operadora released: a glosa is never revenue.

    What their invoices add up to is what was released and paid of their items; whatever happens,
    the difference is invoiced or taken back.
    """

    _inherit = "tiss.lote"

    def _follows_release(self):
        """Whether a denied amount never stands, or no longer stands, on the receivable."""
        self.ensure_one()
        return self.invoice_moment == RELEASED

    def _get_owed_buckets(self):
        """What is open of the receivable of such a lote, by the buckets of its items."""
        self.ensure_one()
        return ("released",)

    def _follow_release(self, date, is_undone=False):
        """Bring the invoices of lotes in line with what was released, and match them.

        Called after a demonstrativo was posted or undone; does nothing to lotes whose glosas stay
        open on the invoice.

        :param date: day of the demonstrativo; today, where the books of that day are closed
        :param is_undone: what was booked before is taken back, instead of booked anew
        """
        lotes = self.filtered(lambda lote: lote._follows_release())
        if not lotes:
            return
        lotes.contract_id._check_accounting()
        changes = lotes._get_release_changes()
        if is_undone:
            changes = lotes._take_back_first(changes)
        more = lotes.filtered(lambda lote: changes.get(lote.id, 0) > 0)
        moves = self.env["account.move"].create(
            [lote._prepare_release_invoice(changes[lote.id], date) for lote in more]
        )
        moves.action_post()
        for lote, move in zip(more, moves, strict=True):
            if not lote.invoice_id:
                lote.sudo().invoice_id = move
        less = {lote: -changes[lote.id] for lote in lotes if changes.get(lote.id, 0) < 0}
        lotes._take_releases_back(less, date)
        lotes._match_receivables()

    def _take_back_first(self, changes):
        """What of changes is left once the entries are cancelled that undoing makes needless."""
        return changes

    def _get_release_changes(self):
        """{id of a lote: cents that are owed and paid, less those invoiced}."""
        self.env.flush_all()
        whole = [lote.id for lote in self if "to_process" in lote._get_owed_buckets()]
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT lote, (SUM(amount) * 100)::bigint
                      FROM (SELECT g.lote_id,
                                   COALESCE(l.amount_released, 0) + COALESCE(l.amount_paid, 0)
                                   + CASE WHEN g.lote_id = ANY(%(whole)s)
                                          THEN COALESCE(l.amount_to_process, 0) ELSE 0 END
                              FROM tiss_guia_line l
                              JOIN tiss_guia g ON g.id = l.guia_id
                             WHERE g.lote_id = ANY(%(lotes)s)
                         UNION ALL
                            SELECT aml.tiss_lote_id, -aml.balance
                              FROM account_move_line aml
                              JOIN account_move mv ON mv.id = aml.move_id
                              JOIN account_account a ON a.id = aml.account_id
                             WHERE aml.tiss_lote_id = ANY(%(lotes)s)
                               AND aml.parent_state = 'posted'
                               AND a.account_type = 'asset_receivable'
                               AND mv.move_type IN ('out_invoice', 'out_refund')
                           ) x (lote, amount)
                     GROUP BY lote
                    """,
                    whole=whole,
                    lotes=self.ids,
                )
            )
        )

    def _prepare_release_invoice(self, cents, date):
        """The first invoice, or a complement for what is released or recovered later."""
        date = self._get_open_date(date)
        lines = [self._prepare_invoice_line(self, self._get_release_label(), cents)]
        return self._prepare_invoice_vals(date, self._get_invoice_label(), lines)

    def _get_release_label(self):
        if self.invoice_id:
            return self.env._("Released later · Lote %s", self.name)
        return self.env._("Released · Lote %s", self.name)

    def _get_open_date(self, date):
        """`date`, or today where its books are closed or it has not come: then it is made."""
        today = fields.Date.context_today(self)
        date = min(date, today)
        if not self.contract_id._is_locked(date, self._get_invoice_taxes()):
            return date
        self._check_open_period(today)
        return today

    def _take_releases_back(self, amounts, date):
        """Less is released than was invoiced: cancel untouched invoices, credit the rest.

        :param amounts: {lote: cents above zero}
        :return: {lote: credit note}
        """
        self.browse().union(*amounts)._cancel_release_invoices(amounts)
        return self._book_credit_notes(
            {
                lote: lote._prepare_release_note(cents, date)
                for lote, cents in amounts.items()
                if cents
            }
        )

    def _cancel_release_invoices(self, amounts):
        """Cancel the newest untouched invoices of lotes; what they take back leaves `amounts`."""
        invoices = self.env["account.move"].search(
            [
                ("tiss_lote_id", "in", self.ids),
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
            ],
            order="id",
        )
        gone = invoices.browse()
        for move in invoices.sorted("id", reverse=True):
            total = move._tiss_get_total_cents()
            if total <= amounts[move.tiss_lote_id] and move._tiss_is_untouched():
                gone |= move
                amounts[move.tiss_lote_id] -= total
        gone._tiss_cancel()
        left = (invoices - gone).grouped("tiss_lote_id")
        for lote in self.sudo():
            lote.invoice_id = left.get(lote, gone.browse())[:1]

    def _prepare_release_note(self, cents, date):
        """The credit note of one lote, as for `_book_credit_notes`."""
        return (
            self._get_open_date(date),
            self.env._("Released amount taken back · Protocolo %s", self.protocol_number),
            {self.env._("Released amount taken back"): cents},
            self.contract_id.revenue_account_id,
        )

    # ------------------------------------------------------------------
    # Preview
    # ------------------------------------------------------------------

    def _preview_release(self, entries):
        """The invoices that posting movements would make, as rows for a preview.

        :param entries: as for `tiss.movement._record`
        """
        changes = {}
        for entry in entries:
            lote = entry["line"].guia_id.lote_id
            if lote._follows_release():
                owed = ("paid", *lote._get_owed_buckets())
                change = (entry.get("to_bucket") in owed) - (entry.get("from_bucket") in owed)
                changes[lote] = changes.get(lote, 0) + change * entry["cents"]
        receivables = self.browse().union(*changes)._get_receivable_accounts()
        rows = []
        for lote, cents in changes.items():
            accounts = (receivables[lote], lote._get_release_account(cents))
            for account, sign in zip(accounts, (1, -1), strict=True):
                amount = sign * cents
                rows.append(
                    {
                        "account": account.display_name,
                        "label": lote._get_invoice_label(),
                        "debit": from_cents(max(amount, 0)),
                        "credit": from_cents(max(-amount, 0)),
                    }
                )
        return [row for row in rows if row["debit"] or row["credit"]]

    def _get_release_account(self, cents):
        """Where a change of what is released is booked, beside the receivable."""
        return self.contract_id.revenue_account_id
