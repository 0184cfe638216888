import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from .bulk import lock, read_children
from .inside import INSIDE, is_inside
from .system_fields import without_defaults
from .tiss_guia import GUIA_TYPES

GUIA_IN_PATH = re.compile(r"guiasTISS/[^/\[]+\[(\d+)\](?:/(.*))?")

SYSTEM_FIELDS = {
    "invoice_id", "protocol_number", "protocol_date", "guia_ids", "is_imported", "kept_values",
    "invoice_moment", "due_date", "glosa_policy",
}  # fmt: skip


class TissLote(models.Model):
    """Up to 100 guias of one contract and one type, sent in one message.

    Flow: draft → validated (the XML exists and is valid) → sent → received (has a protocolo) →
    processed → closed. A refused lote is rejected and gives its guias back; what was sent stays
    in the journal.
    """

    _name = "tiss.lote"
    _description = "Lote"
    _inherit = ["tiss.outgoing", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "protocol_number"]

    name = fields.Char("Lote Number", required=True, readonly=True, copy=False, size=12)
    number = fields.Integer("Sequence Number", required=True, readonly=True, copy=False)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
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
    guia_type = fields.Selection(GUIA_TYPES, "Type", required=True, readonly=True)
    state = fields.Selection(
        selection_add=[("processed", "Processed"), ("closed", "Settled"), ("rejected",)],
        ondelete={"processed": "cascade", "closed": "cascade"},
    )
    guia_ids = fields.One2many("tiss.guia", "lote_id", "Guias")
    guia_count = fields.Integer(compute="_compute_totals")
    amount_total = fields.Monetary("Total", compute="_compute_totals")
    amount_paid = fields.Monetary("Paid", compute="_compute_totals")
    amount_denied = fields.Monetary("Denied", compute="_compute_totals")
    amount_accepted = fields.Monetary("Glosa Accepted", compute="_compute_totals")
    amount_open = fields.Monetary("Open", compute="_compute_totals")
    tiss_message_ids = fields.One2many(inverse_name="lote_id", domain=[])
    protocol_number = fields.Char(
        "Protocolo", readonly=True, copy=False, size=12, index="btree_not_null", tracking=True
    )
    protocol_date = fields.Date("Protocolo Date", readonly=True, copy=False, tracking=True)
    invoice_id = fields.Many2one(
        "account.move",
        readonly=True,
        copy=False,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    glosa_ids = fields.One2many("tiss.glosa", "lote_id", "Glosas")

    _number_uniq = models.Constraint(
        "UNIQUE(contract_id, name)", "A lote number is used once per convênio."
    )
    _protocol_uniq = models.UniqueIndex(
        "(contract_id, protocol_number) WHERE protocol_number IS NOT NULL",
        "Another lote of this convênio already has this protocolo.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "contract_id")
    def _compute_display_name(self):
        for lote in self:
            lote.display_name = f"{lote.name} · {lote.contract_id.name}"

    @api.depends("guia_ids.amount_total", "guia_ids.amount_open", "guia_ids.state")
    def _compute_totals(self):
        """Of what the operadora has: a withdrawn guia stays in its lote, but counts no more."""
        names = [
            "amount_total", "amount_paid", "amount_denied", "amount_accepted", "amount_open",
        ]  # fmt: skip
        totals = {
            lote: values
            for lote, *values in self.env["tiss.guia"]._read_group(
                [("lote_id", "in", self.ids), ("state", "!=", "cancelled")],
                ["lote_id"],
                ["__count", *(f"{name}:sum" for name in names)],
            )
        }
        for lote in self:
            count, *amounts = totals.get(lote._origin, [0] * 6)
            lote.guia_count = count
            for name, amount in zip(names, amounts, strict=True):
                lote[name] = amount

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # Whoever makes lotes by a button may send any context with it.
        model = without_defaults(self, self._get_system_fields())
        return super(TissLote, model).create(vals_list)

    def write(self, vals):
        self._check_frozen(vals)
        return super().write(vals)

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | SYSTEM_FIELDS

    def _check_frozen(self, vals):
        """What a lote is stays once it was sent, and what was received stays received."""
        received = set(vals) & {"protocol_number", "protocol_date", "message_id", "sent_date"}
        if is_inside(self, "tiss_correct_protocol"):
            received -= {"protocol_number", "protocol_date"}
        received |= {vals.get("state")} & {"draft", "validated", "sent", "rejected", "cancelled"}
        identity = set(vals) & {
            "name", "number", "company_id", "contract_id", "guia_type", "version",
        }  # fmt: skip
        frozen = self.filtered(
            lambda lote: (
                (identity and lote.state not in ("draft", "validated"))
                or (received and lote.protocol_number)
            )
        )
        if frozen:
            raise UserError(
                self.env._(
                    "Lote %s was sent: what the operadora has of it can no longer change.",
                    frozen[0].name,
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(
            self.env._("A lote keeps its number for ever: cancel it instead of deleting it.")
        )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_register_protocol(self):
        self.ensure_one()
        return self.env["tiss.lote.protocol"]._get_lote_action(self)

    def action_correct_protocol(self):
        self.ensure_one()
        self._check_correctable()
        return self.env["tiss.lote.protocol"]._get_lote_action(self)

    def action_confirm_receipt(self):
        """What a person finds out at the operadora is the protocolo."""
        return self.action_register_protocol()

    def action_create_invoice(self):
        self._check_invoiceable()
        return self._create_invoices()._get_records_action(name=self.env._("Invoices"))

    def action_download(self):
        """One file, or the files of several lotes in a zip."""
        for lote in self:
            lote._get_current_message()
        return self.message_id.action_download_all()

    def action_view_guias(self):
        guias = self.env["tiss.guia"].union(*(lote._get_shown_guias() for lote in self))
        return guias._get_records_action(name=self.env._("Guias"))

    def action_view_invoice(self):
        return self._get_invoices()._get_records_action(name=self.env._("Invoices"))

    def action_view_glosas(self):
        return self.glosa_ids._get_records_action(name=self.env._("Glosas"))

    def action_cancel(self):
        """Give the guias back before anything was sent; the number stays used."""
        self._check_state("draft", "validated")
        for lote in self:
            lote._release_guias(self.env._("Lote %s was cancelled.", lote.name))
        self.sudo().state = "cancelled"

    # ------------------------------------------------------------------
    # Building the message
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return "ENVIO_LOTE_GUIAS"

    def _get_journal_link(self):
        return {"lote_id": self.id}

    def _get_file_name(self, digest):
        """As the convênio wants it; the portals' own way is the lote in 20 digits and the hash."""
        return self.contract_id._get_lote_file_name(self.name, digest)

    def _read_content(self):
        """Read all that the message says, in a number of queries that no lote makes larger."""
        # As superuser: the message carries the clinical indication, the sender need not see it.
        lote = self.sudo()
        guias = read_children(lote, "guia_ids")
        members = read_children(read_children(guias, "line_ids"), "member_ids")
        people = guias._read_particulars() | members.professional_id
        (people | lote.contract_id.partner_id | lote.company_id.partner_id).fetch()
        self.env["tiss.term"]._cache_domain_codes()

    def _check_content(self):
        """The limits of a lote: 1 to 100 guias, all of its contract and type (guide §4)."""
        if not 1 <= len(self.guia_ids) <= 100:
            raise UserError(
                self.env._(
                    "Lote %(name)s has %(count)s guias; a lote holds 1 to 100.",
                    name=self.name,
                    count=len(self.guia_ids),
                )
            )
        stray = self.guia_ids.filtered(
            lambda guia: guia.guia_type != self.guia_type or guia.contract_id != self.contract_id
        )
        if stray:
            raise UserError(
                self.env._(
                    "Guia %(guia)s is of another type or convênio than lote %(lote)s: a lote holds"
                    " one type of one convênio.",
                    guia=stray[0].name,
                    lote=self.name,
                )
            )

    def _prepare_tiss_body(self):
        """loteGuias (guide §4)"""
        element = self.env["tiss.guia"]._get_tiss_element(self.guia_type)
        return {
            "numeroLote": self.name,
            "guiasTISS": {element: [guia.get_tiss_values() for guia in self._get_ordered_guias()]},
        }

    def _get_ordered_guias(self):
        """The guias in the order in which the message has them."""
        # Another system's order is that of its file, in which they were created.
        return self.guia_ids.sorted("id" if self.is_imported else "number")

    def _locate(self, path):
        """The guia that a path is in."""
        return self._get_place(path, self._get_ordered_guias().mapped("name"))

    @api.model
    def _get_place(self, path, names):
        """A path of the message in words.

        :param names: numbers of the guias in the order of the message
        """
        found = GUIA_IN_PATH.search(path)
        if not found:
            return path
        return self.env._(
            "guia %(guia)s, %(element)s",
            guia=names[int(found[1]) - 1],
            element=(found[2] or "").rpartition("/")[2] or self.env._("the whole guia"),
        )

    # ------------------------------------------------------------------
    # Sending and answers
    # ------------------------------------------------------------------

    def _leave(self, state):
        """The guias leave with their lote."""
        result = super()._leave(state)
        self.guia_ids.sudo().write({"state": "sent"})
        return result

    def _leave_as_file(self):
        """Where the convênio has a folder for them, their files are written into it."""
        result = super()._leave_as_file()
        for contract, lotes in self.grouped("contract_id").items():
            contract._export_files(lotes.message_id)
        return result

    def register_protocol(self, number, date=None):
        """The operadora has the lote: keep its protocolo, open the money and invoice it.

        :param number: the protocolo, as answered or as a person typed it; never ours
        :param date: day of the protocolo, today by default
        :return: self
        """
        self.check_access("write")
        self.ensure_one()
        lock(self)
        vals = self._prepare_protocol(number, date or fields.Date.context_today(self))
        if self.state == "validated":
            self._leave("sent")
        self._check_state("sent", "unknown")
        contract = self.contract_id
        self.sudo().write(
            {
                "state": "received",
                "rejection_reason": False,
                "invoice_moment": contract.invoice_moment,
                "glosa_policy": contract.glosa_policy,
                "due_date": contract._get_due_date(vals["protocol_date"]),
                **vals,
            }
        )
        self.guia_ids._log("received", self.env._("Protocolo %s", vals["protocol_number"]))
        self._open_money()
        self._follow_protocol()
        return self

    def _open_money(self):
        """All that a protocolo holds waits for the operadora from now on."""
        entries = [
            {
                "line": line,
                "kind": "bill",
                "to_bucket": "to_process",
                "cents": to_cents(line.amount),
            }
            for line in self.guia_ids.line_ids
        ]
        self.env["tiss.movement"]._record(entries, self.protocol_date)
        self.guia_ids._update_states()  # guias that are worth nothing moved nothing

    def _follow_protocol(self):
        """What follows from protocolos in the books: at once, or for many lotes together."""
        if not is_inside(self, "tiss_books_later"):
            due = self.filtered(lambda lote: lote.invoice_moment == "protocol")
            due._create_invoices()

    def correct_protocol(self, number, date=None):
        """Replace a mistyped protocolo, as long as the operadora has answered nothing.

        What is booked stays booked on its day; only the references of the invoice, and of credit
        notes of what the clinic withdrew, change.

        :param number: the protocolo as it should have been typed
        :param date: day of the protocolo, unchanged by default
        :return: self
        """
        self.check_access("write")
        self.ensure_one()
        lock(self)
        self._check_correctable()
        mistyped = self.protocol_number
        vals = self._prepare_protocol(number, date or self.protocol_date)
        vals["due_date"] = self.contract_id._get_due_date(vals["protocol_date"])
        self.sudo().with_context(tiss_correct_protocol=INSIDE).write(vals)
        if self.invoice_id.tiss_lote_id:
            label = self._get_invoice_label()
            self.invoice_id.write({"ref": label, "invoice_origin": label})
        for note in self.guia_ids.movement_ids.move_id:
            note.ref = note.ref.replace(mistyped, self.protocol_number)
        return self

    def _check_correctable(self):
        self._check_state("received")
        if set(self.guia_ids.movement_ids.mapped("kind")) - {"bill", "withdraw", "copay"}:
            raise UserError(
                self.env._(
                    "The operadora already answered about protocolo %s: it can no longer change.",
                    self.protocol_number,
                )
            )

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in a recebimentoLote: the protocolo of a sent lote, or its refusal (guide §5.1).

        :return: the lote that was answered
        """
        Message = self.env["tiss.message"]
        contract = Message._find_contract(values["cabecalho"])
        receipt = body.get("protocoloRecebimento")
        lote = self._find_answered(contract, receipt)
        if receipt and lote.protocol_number == receipt["detalheProtocolo"]["numeroProtocolo"]:
            return lote
        reason = None if receipt else self._read_refusal(body)
        lote._record_answer(name, content, values, reason)
        if reason:
            lote._reject(reason)
            return lote
        detail = receipt["detalheProtocolo"]
        lote._check_receipt_total(detail)
        return lote.register_protocol(detail["numeroProtocolo"], receipt["dataEnvioLote"])

    @api.model
    def _find_answered(self, contract, receipt):
        """The lote that an answer is about; a refusal does not name one, so it is the last sent."""
        domain = [("contract_id", "=", contract.id)]
        if receipt:
            domain.append(("name", "=", receipt["numeroLote"]))
        else:
            domain.append(("state", "in", ("sent", "unknown")))
        lotes = self._search_answered(domain)
        if not lotes:
            raise UserError(
                self.env._(
                    "The answer is about lote %s, which this clinic did not send.",
                    receipt["numeroLote"] if receipt else "?",
                )
            )
        if len(lotes) > 1:
            raise UserError(
                self.env._(
                    "The refusal does not say which lote it is about, and %s lotes of this"
                    " operadora wait for an answer: open the lote and refuse it there.",
                    len(lotes),
                )
            )
        return lotes

    def _check_receipt_total(self, detail):
        theirs = to_cents(detail.get("valorTotalProtocolo") or 0)
        if theirs != to_cents(self.amount_total):
            self.message_post(
                body=self.env._(
                    "The operadora received %(theirs)s, but this lote is worth %(ours)s: compare"
                    " the guias of the receipt.",
                    theirs=self.currency_id.format(float(from_cents(theirs))),
                    ours=self.currency_id.format(self.amount_total),
                )
            )

    def action_reject(self):
        """The operadora refused the lote outside of a file: give its guias back."""
        for lote in self:
            lote._reject(lote.env._("Refused by the operadora."))

    def _reject(self, reason):
        """The operadora refused the whole lote: its guias can be corrected and sent again."""
        self.check_access("write")
        self.ensure_one()
        self._check_state("sent", "unknown", "validated")
        self._release_guias(
            self.env._("Lote %(lote)s was refused: %(reason)s", lote=self.name, reason=reason)
        )
        self.sudo().write({"state": "rejected", "rejection_reason": reason})

    def _take_back(self, reason):
        """The guias are in the lote again, which waits to be sent."""
        self.guia_ids.sudo()._with_reason(reason).write({"state": "in_lote"})
        return super()._take_back(reason)

    def _release_guias(self, reason):
        self.check_access("write")
        guias = self.guia_ids.sudo()._with_reason(reason)
        guias.write({"lote_id": False, "state": "ready"})
