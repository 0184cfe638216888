from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from .bulk import lock

ANSWERED = {
    "company_id", "guia_line_id", "guia_id", "lote_id", "demonstrativo_id", "code", "term_id",
    "code_demonstrativo_id", "amount", "amount_accepted", "amount_repaid", "deadline_date", "state",
    "move_id",
}  # fmt: skip


class TissGlosa(models.Model):
    """An amount of one item that the operadora denied, and what the clinic does about it.

    It stays open on the invoice until it is accepted, which books a credit note, or paid after a
    recurso (see `tiss.recurso`).
    """

    _name = "tiss.glosa"
    _description = "Glosa"
    _inherit = ["tiss.system.made", "mail.thread", "mail.activity.mixin"]
    _order = "deadline_date, id"

    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    guia_line_id = fields.Many2one(
        "tiss.guia.line", "Item", required=True, index=True, readonly=True, ondelete="restrict"
    )
    guia_id = fields.Many2one(
        "tiss.guia", required=True, index=True, readonly=True, ondelete="restrict"
    )
    lote_id = fields.Many2one(
        "tiss.lote", required=True, index=True, readonly=True, ondelete="restrict"
    )
    contract_id = fields.Many2one(related="lote_id.contract_id", store=True, index=True)
    demonstrativo_id = fields.Many2one(
        "tiss.demonstrativo", required=True, index=True, readonly=True, ondelete="restrict"
    )
    code = fields.Char("Glosa Code", readonly=True, size=4)
    term_id = fields.Many2one(
        "tiss.term", "Reason", readonly=True, domain=[("table_code", "=", "38")]
    )
    code_demonstrativo_id = fields.Many2one(
        "tiss.demonstrativo",
        "Code From",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The later analysis that gave the code, when the payment had given none.",
    )
    amount = fields.Monetary(required=True, readonly=True)
    amount_accepted = fields.Monetary("Given Up", readonly=True)
    deadline_date = fields.Date("Contest Until", readonly=True)
    user_id = fields.Many2one("res.users", "Owner", tracking=True)
    state = fields.Selection(
        [
            ("open", "Open"),
            ("appealed", "Under Recurso"),
            ("kept", "Kept by the Operadora"),
            ("recovered", "Recovered"),
            ("accepted", "Accepted"),
        ],
        string="Status",
        group_expand="_expand_states",
        compute="_compute_state",
        store=True,
        precompute=True,
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    move_id = fields.Many2one(
        "account.move",
        "Credit Note",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("code", "guia_id", "guia_line_id")
    def _compute_display_name(self):
        for glosa in self:
            glosa.display_name = " · ".join(
                filter(None, [glosa.code, glosa.guia_id.name, glosa.guia_line_id.code])
            )

    @api.model
    def _expand_states(self, states, domain):
        """The board begins with what waits for a decision, also while nothing does."""
        order = self._fields["state"].get_values(self.env)
        return [state for state in order if state in {"open", "appealed", "kept", *states}]

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if ANSWERED & set(vals) and not self.env.su:
            raise UserError(self.env._("What the operadora answered cannot be changed by hand."))
        return super().write(vals)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_accept(self):
        return self.accept()._get_records_action(name=self.env._("Credit Notes"))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _create_from_entries(self, demonstrativo, entries):
        """A glosa per denied item and reason; what no reason explains gets none (guide §5.5)."""
        deadline = demonstrativo.contract_id._get_appeal_deadline(demonstrativo.issue_date)
        vals_list = []
        for entry in entries:
            if entry["kind"] != "deny":
                continue
            item = entry["line"]
            for code, cents in self._split_reasons(entry):
                vals_list.append(
                    {
                        "company_id": item.company_id.id,
                        "guia_line_id": item.id,
                        "guia_id": item.guia_id.id,
                        "lote_id": item.guia_id.lote_id.id,
                        "demonstrativo_id": demonstrativo.id,
                        "code": code,
                        "term_id": self.env["tiss.term"]._get("38", code).id,
                        "amount": float(from_cents(cents)),
                        "deadline_date": deadline,
                    }
                )
        # They come by the thousand: a line in the chatter of each would double the time.
        glosas = self.sudo().with_context(tracking_disable=True).create(vals_list)
        return glosas.with_env(self.env)

    @api.model
    def _split_reasons(self, entry):
        """(code, cents) pairs that add up to the denied amount of one entry."""
        left = entry["cents"]
        pairs = []
        for code, cents in entry["demonstrativo_line"].reasons or []:
            part = left if cents is None else min(cents, left)
            if part > 0:
                pairs.append((code, part))
                left -= part
        return pairs + ([(None, left)] if left else [])

    def _set_code(self, code, demonstrativo):
        """Keep the code that a later demonstrativo gave; both empty take it back."""
        self.sudo().write(
            {
                "code": code,
                "term_id": self.env["tiss.term"]._get("38", code).id,
                "code_demonstrativo_id": demonstrativo.id,
            }
        )

    def accept(self):
        """Give the denied amounts up: one posted credit note per lote, matched with its invoice.

        :return: `account.move`, the credit notes
        """
        self.check_access("write")
        glosas = self._filter_denied()
        glosas.lote_id.contract_id._check_accounting()
        for lote in glosas.lote_id:
            if not lote._is_billable():
                raise UserError(
                    self.env._("Lote %s has no invoice yet: create it first.", lote.name)
                )
        lock(glosas)
        return glosas._give_up({glosa: to_cents(glosa.amount_open) for glosa in glosas})

    def _give_up(self, amounts):
        """Give up {glosa: cents}.

        :return: `account.move`, a credit note per lote of which they stand on the receivable
        """
        today = fields.Date.context_today(self)
        lotes = self.lote_id
        moves = lotes._book_credit_notes(
            {
                lote: batch._prepare_acceptance(lote, today, amounts)
                for lote, batch in self.grouped("lote_id").items()
                if not lote._follows_release()
            }
        )
        self.env["tiss.movement"]._record(
            [
                {
                    "line": glosa.guia_line_id,
                    "kind": "accept",
                    "from_bucket": "denied",
                    "to_bucket": "accepted",
                    "cents": amounts[glosa],
                    "move": moves.get(glosa.lote_id),
                }
                for glosa in self
            ],
            today,
        )
        self._take_off(moves, amounts)
        lotes._check_tie_out()
        return self.env["account.move"].union(*moves.values())

    def _prepare_acceptance(self, lote, date, amounts):
        """The credit note over glosas of one lote, with a line for each code."""
        return (
            date,
            self.env._("Accepted glosas · Protocolo %s", lote.protocol_number),
            {
                self.env._("Glosa %s", code or self.env._("without code")): sum(
                    amounts[glosa] for glosa in batch
                )
                for code, batch in self.grouped("code").items()
            },
            lote.contract_id.glosa_account_id,
        )

    def _take_off(self, moves, amounts):
        """Note what was given up; one line in the chatter of each, written in one go.

        :param moves: {lote: credit note}
        """
        bodies = {}
        silent = self.sudo().with_context(tracking_disable=True)
        for glosa in silent:
            move = moves.get(glosa.lote_id)
            given_up = to_cents(glosa.amount_accepted) + amounts[glosa]
            glosa.write(
                {"move_id": move and move.id, "amount_accepted": float(from_cents(given_up))}
            )
            bodies[glosa.id] = (
                self.env._("Accepted: credit note %s", move.name)
                if move
                else self.env._("Accepted: it does not stand on the receivable")
            )
        # Here and now: a later recomputation would track the status of each by itself.
        silent.mapped("state")
        self._message_log_batch(bodies)

    def _remove_undone(self):
        """Glosas of a demonstrativo that is being undone disappear with it."""
        self._check_not_contested()
        accepted = self.filtered("amount_accepted")
        if accepted:
            raise UserError(
                self.env._(
                    "Glosa %s was accepted and has a credit note: it cannot be undone any more.",
                    accepted[0].display_name,
                )
            )
        self.sudo().unlink()
