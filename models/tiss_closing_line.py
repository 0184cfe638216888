from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from .open_work import OpenWork

KINDS = [
    ("to_post", "Demonstrativos posted"),
    ("unanswered", "Protocolos answered in time"),
    ("no_invoice", "Protocolos invoiced"),
    ("discrepancy", "No discrepancy prevents posting"),
    ("late_glosa", "Glosas decided before their deadline"),
    ("bank", "Bank matched"),
    ("transit", "Transit account explained"),
    ("retention", "Retentions agree with the ledger"),
    ("tie_out", "Guias and books agree"),
    ("provision", "Glosas provided for"),
    ("copayment", "Co-payments invoiced"),
    ("repasse", "Repasse closed"),
]
# What may well be open at the end of a month, if somebody says why.
EXPLAINABLE = {
    "to_post", "unanswered", "no_invoice", "late_glosa", "transit", "retention", "provision",
    "repasse", "copayment",
}  # fmt: skip
LISTS = {
    # kind: lists of `OpenWork` behind it
    "to_post": ["to_post"],
    "unanswered": ["unanswered"],
    "no_invoice": ["no_invoice"],
    "discrepancy": ["blocking"],
    "late_glosa": ["late_glosa"],
    "bank": ["deposit"],
    "transit": ["transit_debit", "transit_credit"],
    "copayment": ["copayment"],
    "repasse": ["repasse"],
}


class TissClosingLine(models.Model):
    """One question of the checklist of a month; the books answer it."""

    _name = "tiss.closing.line"
    _description = "Checklist Line"
    _order = "closing_id, id"

    closing_id = fields.Many2one(
        "tiss.closing", required=True, index=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="closing_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    kind = fields.Selection(KINDS, "Check", required=True, readonly=True)
    note = fields.Char("Explanation")
    snapshot = fields.Json(readonly=True, help="What was found when the month was closed.")
    count = fields.Integer("Open", compute="_compute_result")
    amount = fields.Monetary(compute="_compute_result")
    detail = fields.Char("Found", compute="_compute_result")
    state = fields.Selection(
        [("ok", "Green"), ("explained", "Explained"), ("open", "Open")],
        string="Status",
        compute="_compute_state",
    )

    _kind_uniq = models.Constraint(
        "UNIQUE(closing_id, kind)", "A checklist asks each question once."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("kind")
    def _compute_display_name(self):
        labels = dict(self._fields["kind"]._description_selection(self.env))
        for line in self:
            line.display_name = labels.get(line.kind)

    @api.depends("closing_id.date", "snapshot")
    def _compute_result(self):
        for closing, lines in self.grouped("closing_id").items():
            is_kept = all(line.snapshot for line in lines)
            results = {} if is_kept or not closing.date else closing._origin._get_results()
            for line in lines:
                result = line.snapshot or results.get(line.kind) or closing._found(0)
                line.count = result["count"]
                line.amount = float(from_cents(result["cents"]))
                line.detail = result["detail"] or False

    @api.depends("count", "note")
    def _compute_state(self):
        for line in self:
            if not line.count:
                line.state = "ok"
            elif line.kind in EXPLAINABLE and (line.note or "").strip():
                line.state = "explained"
            else:
                line.state = "open"

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if not self.env.su:
            if set(vals) - {"note"}:
                raise UserError(self.env._("The books answer a checklist: only explain it."))
            if any(line.closing_id.state == "closed" for line in self):
                raise UserError(self.env._("This month is closed already."))
        return super().write(vals)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open(self):
        """The list behind the line."""
        self.ensure_one()
        closing = self.closing_id
        work = OpenWork(closing.company_id, closing.date)
        name = self.display_name
        if self.kind in LISTS:
            return work.search(*LISTS[self.kind])._get_records_action(name=name)
        if self.kind == "retention":
            return self._open_adjustments()
        if self.kind == "provision":
            return self._open_provisions()
        return work.contracts._get_records_action(name=name)

    def action_propose(self):
        """Propose the provision of the month of the checklist, and show it."""
        self.ensure_one()
        closing = self.closing_id
        self.env["tiss.provision"]._propose_missing(closing.company_id, closing.date)
        return self._open_provisions()

    def _open_provisions(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("l10n_br_tiss.tiss_provision_action")
        closing = self.closing_id
        return {
            **action,
            "domain": [("company_id", "=", closing.company_id.id), ("date", "=", closing.date)],
        }

    def _open_adjustments(self):
        """The débitos and créditos of the month, by their account."""
        date = self.closing_id.date
        rows = self.env["tiss.demonstrativo.adjustment"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("payment_id.payment_date", ">=", date.replace(day=1)),
                ("payment_id.payment_date", "<=", date),
            ]
        )
        action = rows._get_records_action(name=self.display_name)
        return {**action, "views": [(False, "list")], "context": {"group_by": ["account_id"]}}

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_result(self):
        """What is kept of the line when the month is closed."""
        self.ensure_one()
        return {
            "count": self.count,
            "cents": to_cents(self.amount),
            "detail": self.detail or "",
        }
