import hashlib

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from . import dental_return
from .bulk import lock

ANSWERED = {
    "name", "kind", "company_id", "contract_id", "message_id", "entry_id", "issue_date", "state",
    "amount_informed", "amount_released", "amount_denied_stated", "line_ids", "payment_ids",
}  # fmt: skip
PREPARE = {  # body of a message: method that makes values of demonstrativos of it
    "demonstrativoAnaliseConta": "_prepare_analysis",
    "demonstrativoPagamento": "_prepare_payment",
    "demonstrativoPagamentoOdonto": "_prepare_dental",
}
KINDS = [("analysis", "Account Analysis"), ("payment", "Payment")]


class TissDemonstrativo(models.Model):
    """What an operadora answered about sent lotes: the analysis of the accounts, or a payment.

    Flow: imported (nothing is booked; the form is the preview) → posted → undone; held before
    that, where its number is known with another content.
    Planning and posting share the same methods, so the preview says exactly what is posted.
    """

    _name = "tiss.demonstrativo"
    _description = "Demonstrativo"
    _inherit = ["mail.thread", "mail.activity.mixin"]
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

    @api.depends("payment_ids.amount_net")
    def _compute_amount_net(self):
        for demonstrativo in self:
            demonstrativo.amount_net = sum(demonstrativo.payment_ids.mapped("amount_net"))

    @api.depends("discrepancy_ids.is_blocking")
    def _compute_blocking_count(self):
        for demonstrativo in self:
            demonstrativo.blocking_count = len(
                demonstrativo.discrepancy_ids.filtered("is_blocking")
            )

    @api.depends("line_ids.status")
    def _compute_differing_lines(self):
        for demonstrativo in self:
            differing = demonstrativo.line_ids.filtered(lambda line: line.status != "agrees")
            demonstrativo.differing_line_ids = differing
            demonstrativo.agreeing_count = len(demonstrativo.line_ids) - len(differing)

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
        self.post()

    def action_undo(self):
        self.undo()

    def action_view_glosas(self):
        return self.glosa_ids._get_records_action(name=self.env._("Glosas"))

    def action_view_message(self):
        return self.message_id._get_records_action()

    def action_view_entry(self):
        return self.entry_id._get_records_action()

    def action_view_payments(self):
        return self.payment_ids.payment_id._get_records_action(name=self.env._("Payments"))

    # ------------------------------------------------------------------
    # Reading a file
    # ------------------------------------------------------------------

    @api.model
    def import_file(self, name, content):
        """Read a return file into demonstrativos to be checked; nothing is booked.

        The same file twice gives the same demonstrativos.

        :param name: file name, for the journal
        :param content: bytes of the file
        :return: `tiss.demonstrativo`
        :raise UserError: in the user's words, for a file that cannot be used at all
        """
        known = self._find_imported(content)
        if known:
            return known
        return self._import_values(name, content, self.env["tiss.message"]._decode(content))

    @api.model
    def _import_values(self, name, content, values):
        """Demonstrativos of a decoded message; see `import_file`."""
        Message = self.env["tiss.message"]
        body_name, body = Message._get_body(values)
        if body_name not in PREPARE:
            raise UserError(
                self.env._(
                    "This file is not a demonstrativo that can be read here: it holds “%s”.",
                    body_name,
                )
            )
        contract = Message._find_contract(values["cabecalho"])
        parts = body if isinstance(body, list) else [body]

        def record(asked):
            # What a web service answered is in the journal already.
            message = self.env["tiss.delivery"]._get_current().answer_id
            return message or Message._record_incoming(
                contract, name, content, values, request_id=asked.message_id.id
            )

        return self._import_parts(contract, body_name, parts, record)

    @api.model
    def _import_parts(self, contract, body_name, parts, record, **origin):
        """Demonstrativos to be checked, of parts in the shape of the standard.

        What is known word for word is not imported again; what says something else under a known
        number is held back until a person looked at the differences.

        :param body_name: element that the parts would be in a message
        :param record: journals what they came from; takes the request that they answer
        :param origin: other values of the demonstrativos that are made
        :return: `tiss.demonstrativo`
        """
        prepare = getattr(self, PREPARE[body_name])
        with self.env["tiss.message"]._missing_elements():
            vals_list = [vals for part in parts for vals in prepare(contract, part)]
            asked = self.env["tiss.demonstrativo.request"]._find_answered_by(
                contract, body_name, parts
            )
        known, vals_list = self._split_known(contract, vals_list)
        message = record(asked)
        vals_list = [
            {**vals, **origin, "message_id": message.id, "version": message.version}
            for vals in vals_list
        ]
        # Nobody may write what an operadora answered: only this code does.
        lines = [[command[2] for command in vals.pop("line_ids", ())] for vals in vals_list]
        demonstrativos = self.sudo().create(vals_list).with_env(self.env)
        self.env["tiss.demonstrativo.line"].sudo()._insert(demonstrativos, lines)
        demonstrativos._check_against_guias(is_new=True)
        asked._take_answer(known | demonstrativos)
        return known | demonstrativos

    @api.model
    def _find_imported(self, content):
        sha256 = hashlib.sha256(content).hexdigest()
        return self.search(
            [
                ("message_id.sha256", "=", sha256),
                ("company_id", "=", self.env.company.id),
                ("state", "!=", "undone"),
            ]
        )

    @api.model
    def _prepare_header_vals(self, kind, contract, part):
        header = part["cabecalhoDemonstrativo"]
        if header["registroANS"] != contract.ans_code:
            raise UserError(
                self.env._(
                    "The demonstrativo is of the operadora %(inner)s, but the file says it comes"
                    " from %(outer)s.",
                    inner=header["registroANS"],
                    outer=contract.ans_code,
                )
            )
        return {
            "kind": kind,
            "name": header["numeroDemonstrativo"],
            "issue_date": header["dataEmissao"],
            "company_id": contract.company_id.id,
            "contract_id": contract.id,
            "note": part.get("observacao"),
        }

    @api.model
    def _prepare_analysis(self, contract, part):
        """ctm_demonstrativoAnaliseConta (guide §5.3)"""
        return [self._prepare_analysis_vals(contract, part)]

    @api.model
    def _prepare_payment(self, contract, part):
        """ctm_demonstrativoPagamento (guide §5.4)"""
        return [self._prepare_payment_vals(contract, part)]

    @api.model
    def _prepare_dental(self, contract, part):
        """cto_demonstrativoOdontologia: what it analyses, then what it pays (guide §5.4)"""
        analysis, payment = dental_return.to_analysis(part), dental_return.to_payment(part)
        vals_list = [self._prepare_payment_vals(contract, payment)]
        if analysis["dadosConta"]["dadosProtocolo"]:
            vals_list.insert(0, self._prepare_analysis_vals(contract, analysis))
        return vals_list

    @api.model
    def _prepare_analysis_vals(self, contract, part):
        Line = self.env["tiss.demonstrativo.line"]
        protocols = part["dadosConta"]["dadosProtocolo"]
        return {
            **self._prepare_header_vals("analysis", contract, part),
            "amount_informed": part.get("valorInformadoGeral"),
            "amount_released": part.get("valorLiberadoGeral"),
            "amount_denied_stated": part.get("valorGlosaGeral"),
            "line_ids": [
                fields.Command.create(vals)
                for protocol in protocols
                for vals in Line._prepare_from_protocol(protocol)
            ],
            "discrepancy_ids": [
                fields.Command.create(vals) for vals in Line._check_analysis_sums(part)
            ],
        }

    @api.model
    def _prepare_payment_vals(self, contract, part):
        Payment = self.env["tiss.demonstrativo.payment"]
        dates = part["pagamentos"]["pagamentosPorData"]
        gross = part["totaisDemonstrativo"]["totaisBrutosDemonstrativo"]
        return {
            **self._prepare_header_vals("payment", contract, part),
            "amount_informed": gross.get("valorInformadoBruto"),
            "amount_released": gross.get("valorLiberadoBruto"),
            "amount_denied_stated": gross.get("valorGlosaBruto"),
            "payment_ids": [
                fields.Command.create(Payment._prepare_from_date(contract, values))
                for values in dates
            ],
            "discrepancy_ids": [
                fields.Command.create(vals) for vals in Payment._check_payment_sums(part)
            ],
        }

    # ------------------------------------------------------------------
    # Checking
    # ------------------------------------------------------------------

    def _check_against_guias(self, is_new=False):
        """Match the lines to our lotes, guias and items, and queue what does not agree.

        :param is_new: just created, so the lines of analyses were matched before
        """
        for demonstrativo in self.filtered(lambda record: record.state == "imported").sudo():
            lines = demonstrativo._get_all_lines()
            if not is_new or demonstrativo.kind == "payment":
                lines._match()
            rows = lines._find_discrepancies() + demonstrativo.payment_ids._find_discrepancies()
            demonstrativo.discrepancy_ids.filtered(lambda row: not row.is_of_file)._sync(
                [{**row, "demonstrativo_id": demonstrativo.id} for row in rows]
            )

    def _get_all_lines(self):
        # Searched: right after a create, the cache of line_ids also holds the precomputed drafts.
        return self.env["tiss.demonstrativo.line"].search([("demonstrativo_id", "in", self.ids)])

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
        amounts = {}
        for entry in self._plan_movements():
            amounts[entry["kind"]] = amounts.get(entry["kind"], 0) + entry["cents"]
        return {
            "amounts": {kind: from_cents(cents) for kind, cents in amounts.items()},
            "entries": [
                entry for payment in self.payment_ids for entry in payment._preview_entries()
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

    # ------------------------------------------------------------------
    # Posting
    # ------------------------------------------------------------------

    def post(self):
        """Book the demonstrativos: movements, glosas, payments with their retentions.

        All or nothing; posting one that is already posted changes nothing.

        :return: `account.payment` that were created
        """
        payments = self.env["account.payment"]
        # A dental file is two: what it analyses has to be booked before what it pays.
        imported = self.filtered(lambda record: record.state == "imported")
        for demonstrativo in imported.sorted("kind"):
            payments |= demonstrativo._post_one()
        return payments

    def _post_one(self):
        lock(self)
        self._check_against_guias()
        blocking = self.discrepancy_ids.filtered("is_blocking")
        if blocking:
            raise UserError(
                self.env._(
                    "Demonstrativo %(name)s cannot be posted yet:\n%(reasons)s",
                    name=self.name,
                    reasons="\n".join(blocking[:10].mapped("display_name")),
                )
            )
        lotes = self._get_all_lines().lote_id
        lock(lotes)
        if self.kind == "analysis":
            entries = self._plan_movements()
            self.env["tiss.movement"]._record(entries, self.issue_date)
            self.env["tiss.glosa"]._create_from_entries(self, entries)
            self.line_ids._complete_reasons()
        payments = self.payment_ids._post()
        self.sudo().state = "posted"
        lotes._check_tie_out()
        return payments

    def _plan_movements(self):
        """Movements that posting would record, as entries for `tiss.movement._record`."""
        self.ensure_one()
        if self.kind == "analysis":
            return self.line_ids._plan_analysis()
        return [entry for payment in self.payment_ids for entry in payment._plan_movements()]

    def undo(self):
        """Reverse posted demonstrativos: opposite movements, cancelled payments, no glosas.

        :return: self
        """
        posted = self.filtered(lambda record: record.state == "posted")
        for demonstrativo in posted.sorted("kind", reverse=True):
            lock(demonstrativo)
            movements = demonstrativo._get_movements_to_undo()
            demonstrativo.glosa_ids._remove_undone()
            demonstrativo.coded_glosa_ids._set_code(False, self.browse())
            demonstrativo.payment_ids._undo()
            movements._undo()
            demonstrativo.sudo().state = "undone"
            demonstrativo._get_all_lines().lote_id._check_tie_out()
        return self

    def _get_movements_to_undo(self):
        """This demonstrativo's movements, unless later ones build on them."""
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
        if blocking:
            raise UserError(
                self.env._(
                    "Guia %s had later payments or glosas: undo those first.",
                    blocking[0].guia_id.name,
                )
            )
        return mine - undone
