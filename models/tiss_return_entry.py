import base64
import json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..standard import returnfiles
from ..standard.money import from_cents, to_cents
from .tiss_message import TYPED_TRANSACTION
from .tiss_return_map import BODIES

TYPED = {
    "name", "company_id", "contract_id", "kind", "issue_date", "payment_date", "lote_ids",
    "line_ids", "adjustment_ids", "file", "file_name",
}  # fmt: skip


class TissReturnEntry(models.Model):
    """A demonstrativo typed from what an operadora shows in its portal or sends as a PDF.

    Everything is released until somebody says otherwise. Checking it makes the demonstrativos
    that a file would have made, with the same preview and the same posting.

    Flow: draft → checked (its demonstrativos are there) → posted; draft again after an undo.
    """

    _name = "tiss.return.entry"
    _description = "Demonstrativo Typed by Hand"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "issue_date desc, id desc"
    _check_company_auto = True

    name = fields.Char(
        "Number", required=True, size=20, copy=False, help="As the operadora calls it."
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        required=True,
        index=True,
        check_company=True,
        ondelete="restrict",
    )
    kind = fields.Selection(
        [
            ("both", "Analysis and Payment"),
            ("analysis", "Account Analysis"),
            ("payment", "Payment"),
        ],
        "It Says",
        required=True,
        default="both",
    )
    issue_date = fields.Date(required=True, default=fields.Date.context_today)
    payment_date = fields.Date("Paid On")
    lote_ids = fields.Many2many(
        "tiss.lote",
        string="Protocolos",
        check_company=True,
        domain="[('contract_id', '=', contract_id), ('protocol_number', '!=', False),"
        " ('state', 'in', ('received', 'processed'))]",
    )
    line_ids = fields.One2many("tiss.return.entry.line", "entry_id", "Items", copy=False)
    adjustment_ids = fields.One2many(
        "tiss.return.entry.adjustment", "entry_id", "Débitos and Créditos", copy=False
    )
    file = fields.Binary("PDF of the Operadora", attachment=True, copy=False)
    file_name = fields.Char(copy=False)
    amount_presented = fields.Monetary("Presented", compute="_compute_amounts")
    amount_released = fields.Monetary("Released", compute="_compute_amounts")
    amount_denied = fields.Monetary("Glosa", compute="_compute_amounts")
    amount_net = fields.Monetary("Net", compute="_compute_amounts")
    demonstrativo_ids = fields.One2many("tiss.demonstrativo", "entry_id", "Demonstrativos")
    state = fields.Selection(
        [("draft", "Typing"), ("checked", "To Check"), ("posted", "Posted")],
        "Status",
        compute="_compute_state",
        store=True,
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("line_ids.amount_released", "line_ids.guia_line_id", "adjustment_ids.amount",
                 "adjustment_ids.direction")  # fmt: skip
    def _compute_amounts(self):
        for entry in self:
            presented = sum(to_cents(line.amount_presented) for line in entry.line_ids)
            released = sum(to_cents(line.amount_released) for line in entry.line_ids)
            adjusted = sum(
                to_cents(row.amount) * (1 if row.direction == "credit" else -1)
                for row in entry.adjustment_ids
            )
            entry.amount_presented = float(from_cents(presented))
            entry.amount_released = float(from_cents(released))
            entry.amount_denied = float(from_cents(presented - released))
            entry.amount_net = float(from_cents(released + adjusted))

    @api.depends("demonstrativo_ids.state")
    def _compute_state(self):
        for entry in self:
            states = set(entry.demonstrativo_ids.mapped("state")) - {"undone"}
            entry.state = "posted" if "posted" in states else "checked" if states else "draft"

    @api.onchange("lote_ids", "kind")
    def _onchange_lote_ids(self):
        """The items of the chosen protocolos that wait for an answer, all of them released."""
        lotes = self.lote_ids._origin
        gone = self.line_ids.filtered(lambda line: line.guia_line_id.guia_id.lote_id not in lotes)
        self.line_ids -= gone
        there = self.line_ids.guia_line_id._origin
        self.line_ids = [
            Command.create({"guia_line_id": item.id, "amount_released": amount})
            for item in lotes.guia_ids.line_ids.sorted(
                lambda item: (item.guia_id.id, item.sequence_item)
            )
            if item not in there and (amount := self._get_waiting(item))
        ]

    def _get_waiting(self, item):
        """What an operadora would state of an item if it released all that waits."""
        waiting = to_cents(item.amount_to_process)
        released = to_cents(item.amount_released)
        if self.kind == "payment":
            return float(from_cents(released + waiting))
        decided = released + to_cents(item.amount_paid)
        return float(from_cents(decided + waiting)) if waiting else 0

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if TYPED & set(vals):
            self._check_open()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_checked(self):
        self._check_open()

    def _check_open(self):
        """Refuse to change what was typed once demonstrativos were made of it."""
        closed = self.filtered(lambda entry: entry.state != "draft")
        if closed:
            raise UserError(
                self.env._(
                    "Demonstrativo %s was checked: choose Correct to type on, or undo it first"
                    " where it is posted.",
                    closed[0].name,
                )
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_check(self):
        """Make the demonstrativos and open them: what they would post is seen there."""
        self.ensure_one()
        return self.check()._get_records_action(name=self.env._("Demonstrativos"))

    def action_post(self):
        self.demonstrativo_ids.post()

    def action_correct(self):
        self.correct()

    def action_view_demonstrativos(self):
        return self.demonstrativo_ids._get_records_action(name=self.env._("Demonstrativos"))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def check(self):
        """Make the demonstrativos to be posted of what was typed.

        :return: `tiss.demonstrativo`; those that were known already, word for word, are not new
        """
        result = self.env["tiss.demonstrativo"]
        for entry in self:
            entry._check_open()
            entry._check_complete()
            bodies = entry._prepare_bodies()
            message = entry._record(bodies)
            for kind, part in bodies.items():
                result |= result._import_parts(
                    entry.contract_id,
                    BODIES[kind],
                    [part],
                    lambda _asked, message=message: message,
                    entry_id=entry.id,
                    **entry._prepare_original(),
                )
        return result

    def _prepare_original(self):
        """The PDF that was typed off goes along, to be looked at beside the preview."""
        content = self.with_context(bin_size=False).file
        if not content or not base64.b64decode(content[:12]).startswith(b"%PDF"):
            return {}
        return {"original_file": content, "original_file_name": self.file_name}

    def correct(self):
        """Type on: the demonstrativos that were not posted are made again later."""
        live = self.demonstrativo_ids.filtered(lambda each: each.state != "undone")
        if any(each.state == "posted" for each in live):
            raise UserError(self.env._("A demonstrativo that was posted has to be undone first."))
        live.unlink()

    def _check_complete(self):
        if not self.line_ids:
            raise UserError(self.env._("Choose the protocolos: nothing was answered yet."))
        if self.kind != "analysis" and not self.payment_date:
            raise UserError(self.env._("Type the day of the payment."))
        if self.kind == "analysis" and self.adjustment_ids:
            raise UserError(self.env._("An analysis has no taxes and discounts: remove them."))

    def _record(self, bodies):
        """Journal what was typed, as the dicts that a file would have been read into."""
        content = json.dumps(bodies, default=str, ensure_ascii=False, indent=1).encode()
        return self.env["tiss.message"]._record(
            self.contract_id,
            content,
            direction="in",
            transaction=TYPED_TRANSACTION,
            file_name=f"{self.name}.json",
        )

    def _prepare_bodies(self):
        """{kind of demonstrativo: its part in the shape of the standard (guide §5.3, §5.4)}"""
        defaults = {
            "ans_code": self.contract_id.ans_code,
            "number": self.name,
            "issue_date": self.issue_date,
            "payment_date": self.payment_date,
            "discounts": [row._prepare_discount() for row in self.adjustment_ids],
        }
        kinds = ("analysis", "payment") if self.kind == "both" else (self.kind,)
        rows = [
            returnfiles.Row(number, line._prepare_row())
            for number, line in enumerate(self.line_ids, 1)
        ]
        return {kind: returnfiles.build(rows, kind, defaults) for kind in kinds}
