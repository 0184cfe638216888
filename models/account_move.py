from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import frozendict

from ..standard.money import allocate, from_cents, to_cents
from .bulk import hold_periods
from .inside import is_inside

# What says that an entry is of guias, and whether it counts.
GUARDED = ("state", "tiss_lote_id", "tiss_contract_id")


class AccountMove(models.Model):
    """Invoices and credit notes of convênios know their lotes, and the number of their NFS-e."""

    _inherit = "account.move"

    tiss_lote_id = fields.Many2one(
        "tiss.lote",
        "Lote",
        copy=False,
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    tiss_contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        copy=False,
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    tiss_accrual_contract_id = fields.Many2one(
        "tiss.contract",
        "Accrual Of",
        copy=False,
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Of what waits for a demonstrativo at the end of a month.",
    )
    tiss_is_write_off = fields.Boolean(
        "Glosas Written Off",
        copy=False,
        readonly=True,
        help="Booked by the demonstrativo that denied them, and cancelled with it.",
    )
    tiss_is_claim = fields.Boolean(
        "Tax Withheld Wrongly",
        copy=False,
        readonly=True,
        help="What an operadora owes back of a tax, until it is paid back or given up.",
    )
    tiss_protocol_number = fields.Char(related="tiss_lote_id.protocol_number")
    tiss_nfse_number = fields.Char(
        "NFS-e",
        size=20,
        copy=False,
        tracking=True,
        help="Number of the nota fiscal de serviços that the town hall or the portal gave.",
    )
    tiss_nfse_date = fields.Date("NFS-e Date", copy=False, tracking=True)
    tiss_nfse_code = fields.Char("NFS-e Verification Code", size=60, copy=False)

    _tiss_nfse_uniq = models.UniqueIndex(
        "(company_id, tiss_nfse_number) WHERE tiss_nfse_number <> ''",
        "Another invoice of this company already has this NFS-e.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    def _compute_needed_terms(self):
        """Each lote of an invoice has a receivable line of its own, on its own account."""
        result = super()._compute_needed_terms()
        # As superuser: who may only see the books computes this too.
        moves = self.sudo().filtered(lambda move: move.invoice_line_ids.tiss_lote_id)
        accounts = moves.invoice_line_ids.tiss_lote_id._get_receivable_accounts()
        for move in moves:
            move.needed_terms = move._tiss_split_terms(accounts)
        return result

    def _tiss_split_terms(self, accounts):
        """`needed_terms` of one invoice, {key: values} with a key for each lote."""
        lines = self.invoice_line_ids.filtered("tiss_lote_id").grouped("tiss_lote_id")
        total = to_cents(self.amount_total_signed)
        weights = [to_cents(sum(part.mapped("price_total"))) for part in lines.values()]
        parts = allocate(abs(total), weights)
        terms = {}
        for lote, part in zip(lines, parts, strict=True):
            amount = float(from_cents(part if total > 0 else -part))
            due = len(lines) > 1 and lote.due_date
            key = frozendict(
                {
                    "move_id": self.id,
                    "date_maturity": fields.Date.to_date(due or self.invoice_date_due),
                    "discount_date": False,
                    "tiss_lote_id": lote.id,
                }
            )
            terms[key] = {
                "balance": amount,
                "amount_currency": amount,
                "account_id": accounts[lote].id,
            }
        return terms

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._tiss_clean_nfse(vals) for vals in vals_list])

    def write(self, vals):
        if not vals.keys().isdisjoint(GUARDED):
            posted = self.filtered(
                lambda move: (
                    move.state == "posted"
                    and any(self._field_will_change(move, vals, name) for name in GUARDED)
                )
            )
            posted._tiss_check_not_ours()
        return super().write(self._tiss_clean_nfse(vals))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_of_guias(self):
        """Odoo's own guard of posted entries is lifted by a plain true in the context."""
        self.filtered(lambda move: move.state == "posted")._tiss_check_not_ours()

    @api.model
    def _tiss_clean_nfse(self, vals):
        """The number without the blanks and leading zeros with which the same one is also typed."""
        if not vals.get("tiss_nfse_number"):
            return vals
        number = vals["tiss_nfse_number"].strip()
        return {**vals, "tiss_nfse_number": number.lstrip("0") or number or False}

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_tiss_lote(self):
        lotes = self.tiss_lote_id or self.invoice_line_ids.tiss_lote_id
        return lotes._get_records_action(name=self.env._("Lotes"))

    def button_draft(self):
        self._tiss_check_not_ours()
        return super().button_draft()

    def button_cancel(self):
        self._tiss_check_not_ours()
        return super().button_cancel()

    def _reverse_moves(self, default_values_list=None, cancel=False):
        self._tiss_check_not_ours()
        return super()._reverse_moves(default_values_list, cancel)

    def _post(self, soft=True):
        """A period that was open when it was asked stays so until the entry stands in it.

        In a closed one Odoo would book it on another day without asking.
        """
        ours = self._tiss_filter_ours()
        hold_periods(ours.company_id)
        dates = {move: move.date for move in ours}
        posted = super()._post(soft)
        for move, date in dates.items():
            if move.date != date:
                self.env["tiss.contract"]._raise_closed(date)
        return posted

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _tiss_get_receivable_lines(self):
        """The receivable lines; of their own account, as the contract's may change later."""
        return self.line_ids.filtered(lambda line: line.account_type == "asset_receivable")

    def _tiss_get_total_cents(self):
        return to_cents(self.amount_total)

    def _tiss_is_untouched(self):
        """Whether an invoice can simply be cancelled: not paid, no NFS-e, its period open."""
        return (
            to_cents(self.amount_residual) == to_cents(self.amount_total)
            and not self.tiss_nfse_number
            and not self._tiss_is_frozen()
        )

    def _tiss_filter_ours(self):
        """Entries that the sub-ledger, or what is asked of an operadora, stands behind."""
        # As superuser: an accountant may not read demonstrativos, but must not break them either.
        return self.sudo().filtered(
            lambda move: (
                move.tiss_lote_id
                or move.tiss_contract_id
                or move.origin_payment_id.tiss_demonstrativo_payment_ids
                or move._tiss_is_of_claim()
            )
        )

    def _tiss_is_of_claim(self):
        """Whether this is what an operadora owes back of a tax, or takes such a claim back."""
        return self.tiss_is_claim or self.reversed_entry_id.tiss_is_claim

    def _tiss_check_not_ours(self):
        """Entries of the sub-ledger change only together with their guias."""
        if is_inside(self, "tiss_undo"):
            return
        ours = self._tiss_filter_ours()
        if ours and ours[0]._tiss_is_of_claim():
            raise UserError(
                self.env._(
                    "%s is a tax that the operadora owes back: give it up, or reopen it, among the"
                    " discrepancies.",
                    ours[0].display_name,
                )
            )
        if ours:
            raise UserError(
                self.env._(
                    "%s is booked for guias of a convênio and would no longer agree with them."
                    " Undo the demonstrativo instead.",
                    ours[0].display_name,
                )
            )
