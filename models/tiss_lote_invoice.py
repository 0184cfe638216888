from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..standard.money import to_cents
from .bulk import lock
from .counted import counted
from .tie_out import MONTH, RELEASED, TieOut
from .tiss_contract import INVOICE_MOMENTS


class TissLote(models.Model):
    """A lote in the books: its invoice, credit notes, and that guias and books agree."""

    _inherit = "tiss.lote"

    invoice_moment = fields.Selection(
        INVOICE_MOMENTS,
        readonly=True,
        copy=False,
        help="What the convênio had when the protocolo arrived: it does not change any more.",
    )
    due_date = fields.Date(
        "Payment Expected",
        readonly=True,
        copy=False,
        help="By the payment calendar of the convênio.",
    )

    # ------------------------------------------------------------------
    # Invoicing
    # ------------------------------------------------------------------

    def _create_invoices(self, date=None):
        """Posted invoices: one per protocolo, or one for all of a convênio and month.

        Lotes that are invoiced already or worth nothing are left out.

        :param date: of the invoices, the day of the protocolo by default
        :return: `account.move`
        """
        lock(self)
        lotes = self.filtered(
            lambda lote: (
                not lote.invoice_id
                and lote.invoice_moment != RELEASED
                and lote._get_invoice_amounts()
            )
        )
        lotes.contract_id._check_accounting()
        groups = list(lotes.grouped(lambda lote: lote._get_invoice_key()).values())
        moves = self.env["account.move"].create(
            [group._prepare_invoice(date or group._get_invoice_date()) for group in groups]
        )
        for group, move in zip(groups, moves, strict=True):
            group.sudo().invoice_id = move
        moves.action_post()
        lotes._follow_invoice()
        lotes._check_tie_out()
        return moves

    def _follow_invoice(self):
        """What follows from new invoices, before they are compared with the guias."""

    def _check_invoiceable(self):
        """Say why one of these lotes cannot be invoiced."""
        self._check_state("received", "processed")
        for lote in self:
            if lote.invoice_id:
                raise UserError(
                    self.env._(
                        "Lote %(lote)s is in invoice %(invoice)s already.",
                        lote=lote.name,
                        invoice=lote.invoice_id.name,
                    )
                )
            if lote.invoice_moment == RELEASED:
                raise UserError(
                    self.env._(
                        "%s is invoiced when a demonstrativo says what it releases: import that.",
                        lote.contract_id.name,
                    )
                )
            if not lote._get_invoice_amounts():
                raise UserError(
                    self.env._("Nothing of lote %s is worth anything: no invoice.", lote.name)
                )

    def _get_invoice_key(self):
        """What lotes on one invoice have in common."""
        self.ensure_one()
        if self.invoice_moment != MONTH:
            return self.id
        return self.contract_id, fields.Date.start_of(self.protocol_date, "month")

    def _get_invoice_date(self):
        return max(self.mapped("protocol_date"))

    def _check_open_period(self, date):
        for lote in self:
            lote.contract_id._check_open_period(date, lote._get_invoice_taxes())

    def _prepare_invoice(self, date):
        """Values of the invoice of one lote, or of several of one convênio and month."""
        self._check_open_period(date)
        lines = [
            self._prepare_invoice_line(lote, name, cents)
            for lote in self
            for name, cents in lote._get_invoice_lines().items()
        ]
        return self._prepare_invoice_vals(date, self._get_invoice_label(), lines)

    def _prepare_invoice_vals(self, date, label, lines):
        return self.contract_id._prepare_invoice_vals(
            date,
            label,
            lines,
            invoice_date_due=max([date, *filter(None, self.mapped("due_date"))]),
            invoice_origin=label,
            tiss_lote_id=self.id if len(self) == 1 else False,
            tiss_contract_id=self.contract_id.id,
        )

    def _get_invoice_label(self):
        if len(self) > 1:
            return self.env._(
                "Protocolos of %s",
                format_date(self.env, self._get_invoice_date(), date_format="MM/yyyy"),
            )
        return self.env._(
            "Lote %(lote)s · Protocolo %(protocol)s", lote=self.name, protocol=self.protocol_number
        )

    def _get_invoice_lines(self):
        """Summary lines of one lote on its invoice, {label: cents}; a month has one for each."""
        self.ensure_one()
        amounts = self._get_invoice_amounts()
        if self.invoice_moment == MONTH:
            amounts = {
                self.env._("Protocolo %s", self.protocol_number): sum(amounts.values()),
            }
        return {
            self.env._(
                "%(kind)s · Lote %(lote)s · %(guias)s",
                kind=name,
                lote=self.name,
                guias=counted(self.env, "guia", self.guia_count),
            ): cents
            for name, cents in amounts.items()
        }

    def _get_invoice_amounts(self):
        """What a lote is worth, {kind of item: cents}; items stay in the sub-ledger."""
        return self._get_amounts_by_kind(self._get_living_guias())

    def _get_living_guias(self):
        """What the operadora has of this lote: all but those that were withdrawn."""
        guias = self.guia_ids
        # Still read together with those of the other lotes.
        return guias.filtered(lambda guia: guia.state != "cancelled").with_prefetch(
            guias._prefetch_ids
        )

    @api.model
    def _get_amounts_by_kind(self, guias):
        """{kind of item: cents} of what guias are worth."""
        amounts = {}
        procedures = self.env._("Procedures")
        for line in guias.line_ids.filtered("amount"):
            kind = line.expense_kind_id.name or procedures
            amounts[kind] = amounts.get(kind, 0) + to_cents(line.amount)
        return amounts

    @api.model
    def _prepare_invoice_line(self, lote, name, cents, account=None):
        contract = lote.contract_id
        return contract._prepare_invoice_line(
            name,
            cents,
            account or contract.revenue_account_id,
            lote._get_invoice_taxes(),
            tiss_lote_id=lote.id,
        )

    def _get_invoice_taxes(self):
        """The taxes of a protocolo: those of its invoice, whatever the convênio says since."""
        self.ensure_one()
        if not self.invoice_id:
            return self.contract_id.tax_ids
        lines = [line for line in self.invoice_id.invoice_line_ids if line.tiss_lote_id == self]
        return self.env["account.tax"].union(*(line.tax_ids for line in lines))

    # ------------------------------------------------------------------
    # Credit notes
    # ------------------------------------------------------------------

    @api.model
    def _book_credit_notes(self, notes):
        """Take amounts off receivables by credit notes matched with what is open of each lote.

        :param notes: {lote: (date, reference, {name of a line: cents}, account of the lines)}
        :return: {lote: posted `account.move`}
        """
        if not notes:
            return {}
        for lote, (date, *_rest) in notes.items():
            lote._check_open_period(date)
        # They name no invoice that they reverse: Odoo would match several of them by position.
        moves = self.env["account.move"].create(
            [lote._prepare_credit_note(*note) for lote, note in notes.items()]
        )
        moves.action_post()
        self.browse().union(*notes)._match_receivables()
        return dict(zip(notes, moves, strict=True))

    def _invoice_again(self, note):
        """New revenue over a credit note that the books no longer allow to cancel.

        :return: the posted `account.move`
        """
        self.ensure_one()
        today = fields.Date.context_today(self)
        self._check_open_period(today)
        label = self.env._("Denied again · %s", note.name)
        lines = [self._prepare_invoice_line(self, label, to_cents(note.amount_total))]
        move = self.env["account.move"].create(
            {
                **self._prepare_invoice_vals(today, label, lines),
                "invoice_origin": note.name,
            }
        )
        move.action_post()
        self._match_receivables()
        return move

    def _prepare_credit_note(self, date, label, amounts, account):
        lines = [
            self._prepare_invoice_line(self, name, cents, account)
            for name, cents in amounts.items()
        ]
        return {
            **self._prepare_invoice_vals(date, label, lines),
            "move_type": "out_refund",
            "invoice_date_due": date,
            "invoice_origin": False,
        }

    # ------------------------------------------------------------------
    # Receivable
    # ------------------------------------------------------------------

    def _is_billable(self):
        """Whether payments and glosas of a lote can be booked: invoiced, or soon by its release."""
        return bool(self.invoice_id) or self.invoice_moment == RELEASED

    def _get_invoices(self):
        """Invoices and credit notes of these lotes, also those that they share with others."""
        lines = self.env["account.move.line"].search(
            [
                ("tiss_lote_id", "in", self.ids),
                ("move_id.move_type", "in", ("out_invoice", "out_refund")),
                ("parent_state", "=", "posted"),
            ]
        )
        return lines.move_id

    def _get_receivable_accounts(self):
        """{lote: its receivable account}: that of its invoice, as the convênio's may change."""
        lines = self.env["account.move.line"].sudo()
        accounts = {
            lote: account
            for lote, account in lines._read_group(
                [
                    ("tiss_lote_id", "in", self.ids),
                    ("account_id.account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                ],
                ["tiss_lote_id", "account_id"],
            )
        }
        return {
            lote: accounts.get(lote) or lote.sudo().contract_id.receivable_account_id
            for lote in self
        }

    def _match_receivables(self):
        """Match what is open of each lote with what settles it, never with another lote's."""
        lines = self.env["account.move.line"].search(
            [
                ("tiss_lote_id", "in", self.ids),
                ("account_id.account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
                ("reconciled", "=", False),
            ]
        )
        groups = lines.grouped(lambda line: (line.tiss_lote_id, line.account_id)).values()
        plan = [
            group
            for group in groups
            if min(group.mapped("amount_residual")) < 0 < max(group.mapped("amount_residual"))
        ]
        self.env["account.move.line"]._reconcile_plan(plan)

    # ------------------------------------------------------------------
    # Tie-out
    # ------------------------------------------------------------------

    def _update_states(self):
        """received → processed when nothing waits for analysis → closed when nothing is open."""
        for lote in self.filtered(lambda lote: lote.state in ("received", "processed", "closed")):
            states = set(lote.guia_ids.mapped("state"))
            state = (
                "received"
                if "sent" in states
                else "processed"
                if "processed" in states
                else "closed"
            )
            if lote.state != state:
                lote.sudo().state = state

    def _check_tie_out(self):
        """The open money of each protocolo equals the residual of its receivable, to the cent.

        Called at the end of everything that moves money, in its transaction.
        """
        breaches = self._get_tie_out_breaches()
        if breaches:
            raise UserError("\n".join(breaches))

    def _get_tie_out_breaches(self):
        """Where the guias and the books of lotes differ, as sentences."""
        return [breach.words for breach in TieOut(self).find()] if self else []
