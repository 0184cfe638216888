import base64

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from ..standard.money import from_cents, to_cents

ANSWERED = {
    "name", "kind", "company_id", "contract_id", "message_id", "entry_id", "issue_date", "state",
    "amount_informed", "amount_released", "amount_denied_stated", "line_ids", "payment_ids",
    "undo_reason",
}  # fmt: skip
KINDS = [("analysis", "Account Analysis"), ("payment", "Payment")]


class TissDemonstrativo(models.Model):
    """What an operadora answered about sent lotes: the analysis of the accounts, or a payment.

    Flow: imported (nothing is booked; the form is the preview) → posted → undone; held before
    that, where its number is known with another content.
    Planning and posting share the same methods, so the preview says exactly what is posted.
    """

    _name = "tiss.demonstrativo"
    _description = "Demonstrativo"
    _inherit = ["tiss.system.made", "mail.thread", "mail.activity.mixin"]
    _order = "issue_date desc, id desc"
    _check_company_auto = True

    name = fields.Char("Number", required=True, readonly=True, size=20)
    kind = fields.Selection(KINDS, required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        required=True,
        index=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    message_id = fields.Many2one(
        "tiss.message", "File", required=True, index=True, readonly=True, ondelete="restrict"
    )
    entry_id = fields.Many2one(
        "tiss.return.entry",
        "Typed In",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    issue_date = fields.Date(required=True, readonly=True)
    state = fields.Selection(
        [
            ("held", "Differs"),
            ("imported", "To Check"),
            ("posted", "Posted"),
            ("undone", "Undone"),
        ],
        string="Status",
        default="imported",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    version = fields.Char("TISS Version", readonly=True)
    note = fields.Text("Observation", readonly=True)
    amount_informed = fields.Monetary("Presented", readonly=True)
    amount_released = fields.Monetary("Released", readonly=True)
    amount_denied = fields.Monetary(
        "Glosa",
        compute="_compute_amount_denied",
        help="Presented minus released, whatever the operadora states.",
    )
    amount_denied_stated = fields.Monetary(
        "Glosa Stated",
        readonly=True,
        help="The operadora's own total; empty where the file gives none.",
    )
    amount_net = fields.Monetary("Net", compute="_compute_amount_net")
    amount_to_post = fields.Monetary(
        "Amount",
        compute="_compute_amount_net",
        help="What a payment brings, or what an analysis releases.",
    )
    line_ids = fields.One2many("tiss.demonstrativo.line", "demonstrativo_id", "Lines")
    differing_line_ids = fields.One2many(
        "tiss.demonstrativo.line",
        string="Lines to Look At",
        compute="_compute_differing_lines",
        help="The lines that do not simply agree.",
    )
    agreeing_count = fields.Integer(compute="_compute_differing_lines")
    payment_ids = fields.One2many("tiss.demonstrativo.payment", "demonstrativo_id", "Payments")
    adjustment_ids = fields.One2many(
        "tiss.demonstrativo.adjustment", "demonstrativo_id", "Débitos and Créditos"
    )
    amount_unidentified = fields.Monetary(
        "Not Identified",
        compute="_compute_amount_net",
        help="What was booked as received without knowing for which guias.",
    )
    undo_reason = fields.Char("Why It Was Undone", readonly=True)
    original_file = fields.Binary(
        "Original PDF", attachment=True, copy=False, help="What the operadora gave, to look at."
    )
    original_file_name = fields.Char(copy=False)
    discrepancy_ids = fields.One2many("tiss.discrepancy", "demonstrativo_id", "Discrepancies")
    blocking_count = fields.Integer("Blocking", compute="_compute_blocking_count")
    glosa_ids = fields.One2many("tiss.glosa", "demonstrativo_id", "Glosas")
    coded_glosa_ids = fields.One2many(
        "tiss.glosa",
        "code_demonstrativo_id",
        "Glosas Coded Here",
        domain=[("state", "=", "open")],
        help="Glosas of earlier payments that got their code from here.",
    )
    glosa_count = fields.Integer(compute="_compute_glosa_count")
    preview_html = fields.Html("What Will Be Posted", compute="_compute_preview_html")

    _number_uniq = models.UniqueIndex(
        "(contract_id, kind, name, issue_date) WHERE state NOT IN ('undone', 'held')",
        "This demonstrativo was already imported.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "contract_id", "kind")
    def _compute_display_name(self):
        for demonstrativo in self:
            demonstrativo.display_name = f"{demonstrativo.name} · {demonstrativo.contract_id.name}"

    @api.depends("amount_informed", "amount_released")
    def _compute_amount_denied(self):
        for demonstrativo in self:
            cents = to_cents(demonstrativo.amount_informed) - to_cents(
                demonstrativo.amount_released
            )
            demonstrativo.amount_denied = float(from_cents(cents))

    @api.depends("amount_released", "payment_ids.amount_net", "payment_ids.amount_unidentified")
    def _compute_amount_net(self):
        for demonstrativo in self:
            for name in ("amount_net", "amount_unidentified"):
                cents = sum(to_cents(payment[name]) for payment in demonstrativo.payment_ids)
                demonstrativo[name] = float(from_cents(cents))
            is_paid = bool(demonstrativo.payment_ids)
            demonstrativo.amount_to_post = (
                demonstrativo.amount_net if is_paid else demonstrativo.amount_released
            )

    @api.depends("discrepancy_ids.is_blocking")
    def _compute_blocking_count(self):
        for demonstrativo in self:
            demonstrativo.blocking_count = len(
                demonstrativo.discrepancy_ids.filtered("is_blocking")
            )

    @api.depends("line_ids.status")
    def _compute_differing_lines(self):
        """Searched: of the thousands of lines of a file nearly all agree."""
        Line = self.env["tiss.demonstrativo.line"]
        own = Domain("demonstrativo_id", "in", self.ids)
        differing = Line.search(own & Line._get_differing_domain()).grouped("demonstrativo_id")
        counts = dict(Line._read_group(own, ["demonstrativo_id"], ["__count"]))
        for demonstrativo in self:
            lines = differing.get(demonstrativo._origin, Line)
            demonstrativo.differing_line_ids = lines
            demonstrativo.agreeing_count = counts.get(demonstrativo._origin, 0) - len(lines)

    @api.depends("glosa_ids")
    def _compute_glosa_count(self):
        for demonstrativo in self:
            demonstrativo.glosa_count = len(demonstrativo.glosa_ids)

    @api.depends("state", "line_ids", "discrepancy_ids")
    def _compute_preview_html(self):
        for demonstrativo in self:
            demonstrativo.preview_html = (
                demonstrativo._render_preview() if demonstrativo.state == "imported" else False
            )

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("original_file")
    def _check_original_file(self):
        for demonstrativo in self.with_context(bin_size=False):
            content = demonstrativo.original_file
            if content and not base64.b64decode(content[:12]).startswith(b"%PDF"):
                raise ValidationError(self.env._("The original is kept as a PDF: choose one."))

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if ANSWERED & set(vals) and not self.env.su:
            raise UserError(self.env._("What the operadora answered cannot be changed by hand."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        if any(demonstrativo.state not in ("held", "imported") for demonstrativo in self):
            raise UserError(
                self.env._("A demonstrativo that was posted stays in the history: undo it.")
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_check(self):
        self._check_against_guias()

    def action_post(self):
        """Post; one that leaves something to decide asks first."""
        self._check_against_guias()
        if len(self) == 1 and self.state == "imported" and self._get_questions():
            title = self.env._("Post %s", self.display_name)
            return self.env["tiss.demonstrativo.post"]._get_wizard_action(self, title)
        self.post()
        return None

    def action_undo(self):
        """Say what will be undone, why, and on which day, before it is."""
        self.ensure_one()
        title = self.env._("Undo %s", self.display_name)
        return self.env["tiss.demonstrativo.undo"]._get_wizard_action(self, title)

    def action_view_glosas(self):
        return self.glosa_ids._get_records_action(name=self.env._("Glosas"))

    def action_view_message(self):
        return self.message_id._get_records_action()

    def action_view_entry(self):
        return self.entry_id._get_records_action()

    def action_view_payments(self):
        return self.payment_ids.payment_id._get_records_action(name=self.env._("Payments"))

    # ------------------------------------------------------------------
    # Checking
    # ------------------------------------------------------------------

    def _check_against_guias(self, is_new=False):
        """Match the lines to our lotes, guias and items, and queue what does not agree.

        :param is_new: just created, so the lines were matched before
        """
        Line = self.env["tiss.demonstrativo.line"].sudo()
        for demonstrativo in self.filtered(lambda record: record.state == "imported").sudo():
            if not is_new:
                Line._match(demonstrativo)
            rows = Line._find_discrepancies(demonstrativo)
            rows += demonstrativo.payment_ids._find_discrepancies()
            demonstrativo.discrepancy_ids.filtered(lambda row: not row.is_of_file)._sync(
                [{**row, "demonstrativo_id": demonstrativo.id} for row in rows]
            )._reopen_unfit()

    def _get_all_lines(self):
        # Searched: right after a create, the cache of line_ids also holds the precomputed drafts.
        return self.env["tiss.demonstrativo.line"].search([("demonstrativo_id", "in", self.ids)])

    def _get_lotes_by_file(self):
        """{demonstrativo: ids of the lotes that its lines are about}"""
        lotes = {demonstrativo: set() for demonstrativo in self}
        for demonstrativo, lote in self.env["tiss.demonstrativo.line"]._read_group(
            [("demonstrativo_id", "in", self.ids), ("lote_id", "!=", False)],
            ["demonstrativo_id", "lote_id"],
        ):
            lotes[demonstrativo].add(lote.id)
        return lotes

    # ------------------------------------------------------------------
    # Preview
    # ------------------------------------------------------------------

    def preview(self):
        """What posting would do, without doing it.

        :return: dict: `amounts` ({movement kind: Decimal reais}), `entries` (list of dicts with
            account, label, debit, credit in Decimal reais), `discrepancies` (list of sentences)
            and `blocking` (how many of them prevent posting)
        """
        self.ensure_one()
        amounts, planned = {}, self._plan_movements()
        for entry in planned:
            amounts[entry["kind"]] = amounts.get(entry["kind"], 0) + entry["cents"]
        return {
            "amounts": {kind: from_cents(cents) for kind, cents in amounts.items()},
            "entries": [
                *self.env["tiss.lote"]._preview_release(planned),
                *(entry for payment in self.payment_ids for entry in payment._preview_entries()),
            ],
            "discrepancies": self.discrepancy_ids.mapped("display_name"),
            "blocking": self.blocking_count,
        }

    def _render_preview(self):
        preview = self.preview()
        labels = dict(self.env["tiss.movement"]._fields["kind"]._description_selection(self.env))
        money = self.currency_id.format
        rows = Markup().join(
            Markup("<li>%s: <b>%s</b></li>") % (labels[kind], money(float(amount)))
            for kind, amount in preview["amounts"].items()
        )
        html = Markup("<ul class='list-unstyled'>%s</ul>") % rows if rows else Markup()
        if preview["entries"]:
            html += self._render_entries(preview["entries"])
        elif rows:
            html += Markup("<p>%s</p>") % self.env._(
                "No journal entry: what is denied stays open on the invoice until it is accepted,"
                " appealed or paid."
            )
        return html or Markup("<p>%s</p>") % self.env._("Nothing new: no amount would move.")

    def _render_entries(self, entries):
        money = self.currency_id.format
        cells = Markup().join(
            Markup(
                "<tr><td>%s</td><td>%s</td><td class='text-end'>%s</td>"
                "<td class='text-end'>%s</td></tr>"
            )
            % (
                entry["account"],
                entry["label"],
                money(float(entry["debit"])) if entry["debit"] else "",
                money(float(entry["credit"])) if entry["credit"] else "",
            )
            for entry in entries
        )
        return Markup(
            "<table class='table table-sm'><thead><tr><th>%s</th><th>%s</th>"
            "<th class='text-end'>%s</th><th class='text-end'>%s</th></tr></thead>"
            "<tbody>%s</tbody></table>"
        ) % (
            self.env._("Account"),
            self.env._("Description"),
            self.env._("Debit"),
            self.env._("Credit"),
            cells,
        )
