from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from .bulk import lock
from .deadlines import REMINDER
from .discrepancy_kinds import ASKS_FIRST, OF_ANALYSES, OF_PAYMENTS, OFFERS, RESOLUTIONS, WAITING

# What these decide is booked when the demonstrativo is posted.
BOOKED = {"suspense", "set_aside", "cap", "recover", "trust_ours", "trust_rows", "spread"}
# Undone by undoing what they did: a recurso is given up, an invoice stays an invoice.
DONE_ELSEWHERE = {
    "contest", "create_invoice", "replace", "bank_fee", "rest_later", "other_deposit",
    "not_convenio", "adopt", "pays_too",
}  # fmt: skip


class TissDiscrepancy(models.Model):
    """What a person can do about a discrepancy, with one click; and taking it back."""

    _inherit = "tiss.discrepancy"

    offers = fields.Char(compute="_compute_offers", help="The decisions that fit, by name.")
    suggestion = fields.Selection(RESOLUTIONS, compute="_compute_offers")
    sentence = fields.Char("What Happened", compute="_compute_sentence")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("code", "state", "line_id", "demonstrativo_id.state", "resolution", "is_repaid")
    def _compute_offers(self):
        for row in self:
            names = row._get_offers() if row.state != "resolved" else ()
            row.offers = ",".join(names)
            row.suggestion = names[0] if names else False

    def _get_offers(self):
        """Names of the decisions that fit one discrepancy, the suggestion first."""
        names = OFFERS.get(self.code, ())
        state = self.demonstrativo_id.state
        if state == "undone":
            return ()
        if state == "posted" and BOOKED & set(names):
            # It was posted without this row: what is decided now would book nothing.
            names = (*(name for name in names if name not in BOOKED), "keep")
        if self.line_id:
            unfit = OF_ANALYSES if self.line_id.payment_id else OF_PAYMENTS
            unfit = unfit if self.is_repaid else unfit | {"recover"}
            names = tuple(name for name in names if name not in unfit)
        return self._fit_claims(names)

    @api.depends("code", "place", "amount_ours", "amount_theirs")
    def _compute_sentence(self):
        sentences = self._get_sentences()
        for row in self:
            money = row.currency_id.format
            row.sentence = sentences.get(row.code, row.display_name or "") % {
                "place": row._get_place_text(),
                "ours": money(row.amount_ours),
                "theirs": money(row.amount_theirs),
                "difference": money(abs(row.amount_difference)),
            }

    @api.model
    def _get_sentences(self):
        """Kind → what happened, for a person; percent signs name the values of a row."""
        return {
            **self._get_row_sentences(),
            **self._get_file_sentences(),
            **self._get_payment_sentences(),
        }

    @api.model
    def _get_row_sentences(self):
        return {
            "unknown_protocol": self.env._(
                "This clinic has no protocolo %(place)s; %(theirs)s are about it."
            ),
            "unknown_guia": self.env._(
                "%(place)s is in none of our lotes; %(theirs)s are about it."
            ),
            "unknown_item": self.env._(
                "The guia has no such item (%(place)s); %(theirs)s are about it."
            ),
            "repeated": self.env._(
                "%(place)s stands more than once in the file: only one can count."
            ),
            "item_missing": self.env._("Of protocolo %(place)s, %(ours)s are still not answered."),
            "informed_differs": self.env._(
                "For %(place)s we presented %(ours)s, and the operadora says %(theirs)s."
            ),
            "released_above": self.env._(
                "For %(place)s it releases %(theirs)s, of %(ours)s presented."
            ),
            "released_open": self.env._(
                "For %(place)s it releases %(theirs)s; only %(ours)s are open."
            ),
            "already_processed": self.env._(
                "%(place)s was answered before: %(ours)s then, %(theirs)s now. Nothing is booked."
            ),
            "contradicts": self.env._(
                "For %(place)s it had released %(ours)s, now it says %(theirs)s in all."
            ),
            "glosa_without_code": self.env._(
                "%(difference)s were denied without a reason (%(place)s)."
            ),
            "paid_below_contract": self.env._("Contract %(ours)s, paid %(theirs)s (%(place)s)."),
        }

    @api.model
    def _get_file_sentences(self):
        return {
            "row_differs": self.env._("%(place)s: released is not processed minus glosa."),
            "glosa_differs": self.env._(
                "The file says a glosa of %(theirs)s at %(place)s; presented minus released is"
                " %(ours)s."
            ),
            "sums_disagree": self.env._(
                "At %(place)s the file says %(theirs)s; its rows make %(ours)s."
            ),
            "same_number": self.env._(
                "Another file of demonstrativo %(place)s was imported before."
            ),
        }

    @api.model
    def _get_payment_sentences(self):
        return {
            "appeal_payment": self.env._(
                "%(theirs)s are paid for a recurso on %(place)s, and %(ours)s are under recurso."
            ),
            "no_invoice": self.env._("%(place)s is paid, and its protocolo has no invoice."),
            "paid_above": self.env._("For %(place)s it pays %(theirs)s; only %(ours)s are open."),
            "detail_missing": self.env._(
                "%(place)s is paid in part (%(theirs)s of %(ours)s), and no analysis says which"
                " items."
            ),
            "suspended": self.env._("%(theirs)s were received that belong to no guia (%(place)s)."),
            "negative_net": self.env._("The débitos are larger than the payment: %(theirs)s."),
            "no_account": self.env._("Choose the account of the débitos and créditos: %(theirs)s."),
            "retention_differs": self.env._("%(place)s: %(theirs)s withheld, %(ours)s expected."),
            "retention_undue": self.env._("%(place)s: %(theirs)s withheld that should not be."),
            "locked_period": self.env._(
                "The books are closed on the day of the payment of %(theirs)s."
            ),
            "future_payment": self.env._("%(theirs)s are announced for a day that has not come."),
            "early_payment": self.env._(
                "Protocolo %(place)s is paid (%(theirs)s) on a day before it was received."
            ),
            "payer_differs": self.env._("Another CNPJ pays: %(place)s."),
            "payer_account_differs": self.env._(
                "It is paid from or to another bank account: %(place)s."
            ),
            "deposit_differs": self.env._(
                "%(theirs)s arrived at the bank; the net is %(ours)s (%(place)s)."
            ),
            "deposit_unknown": self.env._(
                "%(theirs)s arrived at the bank without a demonstrativo."
            ),
            "deposit_missing": self.env._(
                "%(ours)s were announced, and no money has come (%(place)s)."
            ),
        }

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_suggested(self):
        """Each as it is suggested; what was asked already waits for its answer."""
        waiting = self.filtered(lambda row: row.suggestion and row.state == "open")
        actions = [rows.resolve(name) for name, rows in waiting.grouped("suggestion").items()]
        return actions[0] if len(actions) == 1 else None

    def action_resolve(self):
        """What the button says, which names it in the context."""
        return self.resolve(self.env.context["tiss_resolution"])

    def action_reopen(self):
        self.reopen()

    # ------------------------------------------------------------------
    # Deciding
    # ------------------------------------------------------------------

    def resolve(self, resolution, note=None):
        """Decide about discrepancies: do what the decision means, and keep who, when and why.

        :param resolution: one of `offers`
        :param note: why, in the words of a person; nothing clinical
        :return: an action where something was made to look at
        """
        self.check_access("write")
        rows = self.filtered(lambda row: row.state != "resolved")
        lock(rows)
        for row in rows:
            if resolution not in row._get_offers():
                raise UserError(self.env._("That cannot be done about this: %s", row.display_name))
        if resolution in WAITING:
            rows.sudo().write({"state": "asked", "resolution": resolution})
        elif resolution not in ASKS_FIRST:
            rows._settle(resolution, note)
        result = getattr(rows, f"_resolve_{resolution}")()
        rows.demonstrativo_id._check_against_guias()
        return result

    def reopen(self):
        """Take decisions back, where nothing was booked by them or that can be undone."""
        self.check_access("write")
        lock(self)
        for row in self.filtered(lambda row: row.state != "open"):
            row._check_reopenable()
            row._take_back()
            row.sudo().write(
                {
                    "state": "open",
                    "resolution": False,
                    "resolved_by_id": False,
                    "resolved_date": False,
                    "move_id": False,
                }
            )
        self.demonstrativo_id._check_against_guias()

    def _check_reopenable(self):
        if self.resolution in DONE_ELSEWHERE:
            raise UserError(
                self.env._("%s: undo that where it was done.", self._get_resolution_label())
            )
        if self.resolution in BOOKED and self.demonstrativo_id.state == "posted":
            raise UserError(
                self.env._(
                    "Demonstrativo %s was posted with this decision: undo it first.",
                    self.demonstrativo_id.name,
                )
            )

    def _get_resolution_label(self):
        return dict(self._fields["resolution"]._description_selection(self.env))[self.resolution]

    def _take_back(self):
        self.line_id.sudo().amount_suspended = 0
        if self.resolution == "reclaim":
            self._withdraw_claims()
        elif self.resolution != "give_up":
            self.move_id._tiss_cancel()

    # ------------------------------------------------------------------
    # What each decision does
    # ------------------------------------------------------------------

    def _resolve_keep(self):
        """Nothing changes: it was looked at."""

    def _resolve_trust_ours(self):
        """Our amount is what is owed, as long as no more is released than that."""
        for line in self.line_id:
            line._check_fits()

    def _resolve_trust_rows(self):
        """The rows are booked; a difference to the net goes to the suspense account."""

    def _resolve_spread(self):
        """See `tiss.demonstrativo.line._plan_payment`."""

    def _resolve_ask(self):
        """Somebody asks the operadora; it stays in the queue until there is an answer."""
        for row in self:
            record = row.demonstrativo_id or row.contract_id
            record.activity_schedule(
                REMINDER,
                summary=self.env._("Ask the operadora: %s", row.sentence)[:200],
                user_id=(row.user_id or self.env.user).id,
            )

    def _resolve_analysis(self):
        lotes = self.line_id.lote_id | self._get_other_lotes()
        return lotes.action_ask_demonstrativo() if lotes else None

    def _get_other_lotes(self):
        ids = [row.res_id for row in self if row.res_model == "tiss.lote"]
        return self.env["tiss.lote"].browse(ids)

    def _resolve_set_aside(self):
        """See `_keeps_out`: nothing of the row is booked."""

    def _resolve_suspense(self):
        """See `_keeps_out`: nothing of the row is booked, and its money is not identified."""

    def _resolve_cap(self):
        """Book as much of the row as is open; what it pays above that is not identified."""
        for row in self:
            line = row.line_id
            if line.payment_id:
                surplus = row._get_surplus_cents()
            else:
                decided, waiting = line._get_decided_cents()
                surplus = max(to_cents(line.amount_released) - decided - waiting, 0)
            line.sudo().amount_suspended = float(from_cents(surplus))
            if not line.payment_id:
                line._check_fits()

    def _get_surplus_cents(self):
        """What of one row of a payment file is more than open, counted from its last row."""
        line = self.line_id
        same = line.demonstrativo_id.line_ids.filtered(
            lambda other: other.guia_id == line.guia_id and other.is_appeal == line.is_appeal
        ).sorted("id", reverse=True)
        left = sum(to_cents(other.amount_released) for other in same) - to_cents(self.amount_ours)
        for other in same:
            part = min(to_cents(other.amount_released), max(left, 0))
            if other == line:
                return part
            left -= part
        return 0

    def _resolve_create_invoice(self):
        lotes = self.line_id.lote_id.filtered(lambda lote: not lote.invoice_id)
        lotes._check_invoiceable()
        lotes._create_invoices()

    def _resolve_contest(self):
        """Write the recursos against what a demonstrativo denied without a reason or price."""
        recursos = self.env["tiss.recurso"]
        for row in self:
            found = row.demonstrativo_id
            if row.code == "paid_below_contract":
                claims = found.underpayment_ids.filtered("amount_claimable")
                recursos |= claims.contest()
            else:
                nameless = found.glosa_ids.filtered(lambda glosa: not glosa.code)
                recursos |= nameless.create_recurso()
        return recursos._get_records_action(name=self.env._("Recursos"))

    def _resolve_replace(self):
        held = self.demonstrativo_id.filtered(lambda record: record.state == "held")
        held.replace()

    def _resolve_supplement(self):
        """The difference is revenue: an invoice over it takes it off the suspense account."""
        moves = self.env["account.move"]
        for row in self:
            move = row.payment_id._bill_suspended(to_cents(row.amount_theirs))
            row.sudo().move_id = move
            moves |= move
        return moves._get_records_action(name=self.env._("Invoices"))
