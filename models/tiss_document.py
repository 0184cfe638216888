import base64

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard import documents
from ..standard.text import to_ascii
from .tiss_term import term_field


class TissDocument(models.Model):
    """Envio de documentos: one file that proves a guia, lote, item or request (guide §3.9).

    The file is clinical: its bytes and its name are for those who see what is clinical. What
    everybody sees is number, kind and size.

    Flow: draft → validated → sent → received under a protocolo of its own; rejected, cancelled.
    """

    _name = "tiss.document"
    _description = "Document for the Operadora"
    _inherit = ["tiss.submission", "tiss.checked", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "protocol_number", "guia_id"]

    name = fields.Char("Number", required=True, readonly=True, copy=False, default="/")
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        compute="_compute_contract_id",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        index=True,
        check_company=True,
        ondelete="restrict",
    )
    guia_id = fields.Many2one(
        "tiss.guia", check_company=True, index="btree_not_null", ondelete="restrict"
    )
    guia_line_id = fields.Many2one(
        "tiss.guia.line",
        "Item",
        domain="[('guia_id', '=', guia_id)]",
        index="btree_not_null",
        ondelete="restrict",
    )
    lote_id = fields.Many2one(
        "tiss.lote", check_company=True, index="btree_not_null", ondelete="restrict"
    )
    authorization_id = fields.Many2one(
        "tiss.authorization",
        "Request",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    recurso_id = fields.Many2one(
        "tiss.recurso", check_company=True, index="btree_not_null", ondelete="restrict"
    )
    patient_id = fields.Many2one(related="guia_id.patient_id")
    nature_id = term_field(
        "tipoGuia",
        "It Proves",
        compute="_compute_nature_id",
        store=True,
        precompute=True,
        readonly=False,
        help="A request, a bill, or an appeal against a glosa.",
    )
    kind_id = term_field("tipoDocumento", "Kind")
    format_id = term_field("formatoDocumento", "Format", compute="_compute_format_id", store=True)
    file = fields.Binary(attachment=True, copy=False, groups="l10n_br_tiss.group_tiss_clinical")
    file_name = fields.Char(copy=False, groups="l10n_br_tiss.group_tiss_clinical")
    size = fields.Integer("Size (bytes)", compute="_compute_format_id", store=True)
    observation = fields.Char(size=500)
    protocol_number = fields.Char("Protocolo", readonly=True, copy=False, size=20, index=True)
    answer_note = fields.Char("Remark of the Operadora", readonly=True, copy=False, size=500)
    xml_file = fields.Binary(
        "XML", compute="_compute_xml_file", groups="l10n_br_tiss.group_tiss_clinical"
    )
    # Whoever examines sends what proves it, but the journal is the billing desk's.
    tiss_message_ids = fields.One2many(groups="l10n_br_tiss.group_tiss_billing")

    _name_uniq = models.Constraint("UNIQUE(name)", "The number of a document is used once.")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "kind_id")
    def _compute_display_name(self):
        for document in self:
            number = document.name if document.name != "/" else self.env._("New Document")
            parts = [number, document.kind_id.name]
            document.display_name = " · ".join(filter(None, parts))

    @api.depends("guia_id", "lote_id", "authorization_id")
    def _compute_contract_id(self):
        for document in self:
            source = document.guia_id or document.lote_id or document.authorization_id
            document.contract_id = source.contract_id or document.contract_id

    @api.depends("guia_id", "lote_id", "authorization_id")
    def _compute_nature_id(self):
        """Guias and lotes are bills; who proves an appeal says so."""
        Term = self.env["tiss.term"]
        request, bill = Term._get("tipoGuia", "1"), Term._get("tipoGuia", "2")
        for document in self:
            if not document.nature_id and document.authorization_id:
                document.nature_id = request
            elif not document.nature_id and (document.guia_id or document.lote_id):
                document.nature_id = bill
            else:
                document.nature_id = document.nature_id

    @api.depends("file")
    def _compute_format_id(self):
        """What the bytes are, whatever the file is called."""
        Term = self.env["tiss.term"]
        for document in self:
            content = document._get_file()
            code = documents.document_format(content)
            document.format_id = Term._get("formatoDocumento", code)
            document.size = len(content)

    @api.depends("message_id")
    def _compute_xml_file(self):
        for document in self:
            message = document.sudo().message_id
            document.xml_file = bool(message) and base64.b64encode(message._get_content())

    @api.depends(
        lambda self: (
            "state",
            *(name for name in self._get_frozen_fields() if not self._fields[name].groups),
            "contract_id.provider_code",
        )
    )
    def _compute_problems(self):
        return super()._compute_problems()

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("file")
    def _check_file(self):
        """Nothing is kept that no message can carry."""
        for document in self:
            if document.size > documents.MAX_BYTES:
                raise ValidationError(
                    self.env._(
                        "The file has %(size)s MB; a TISS message carries at most %(limit)s MB."
                        " Scan it with fewer colours or split it.",
                        size=document.size // 2**20,
                        limit=documents.MAX_BYTES // 2**20,
                    )
                )

    @api.onchange("guia_id")
    def _onchange_guia_id(self):
        if self.guia_line_id.guia_id != self.guia_id:
            self.guia_line_id = False

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model
    def _get_frozen_fields(self):
        return {
            "company_id", "contract_id", "guia_id", "guia_line_id", "lote_id", "authorization_id",
            "nature_id", "kind_id", "format_id", "size", "file", "file_name", "observation",
        }  # fmt: skip

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {
            "protocol_number", "answer_note", "format_id", "size",
        }  # fmt: skip

    def _get_file(self):
        """The bytes of one document; none without a file."""
        return base64.b64decode(self.with_context(bin_size=False).file or b"")

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_download(self):
        """The XML holds the file: whoever may see that takes it from here, not from the journal."""
        self.ensure_one()
        self._check_field_access(self._fields["xml_file"], "read")
        name = self._get_current_message().sudo().file_name
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/xml_file/{name}?download=true",
            "target": "download",
        }

    def action_view_guia(self):
        return self.guia_id._get_records_action()

    def action_view_lote(self):
        return self.lote_id._get_records_action()

    def action_view_authorization(self):
        return self.authorization_id._get_records_action()

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        if self.state not in ("draft", "validated"):
            return []
        return [
            *super()._get_problem_rows(),
            *self._get_link_problems(),
            *self._get_missing("nature_id", "kind_id"),
            *self._get_file_problems(),
        ]

    def _get_link_problems(self):
        """The message says by at least one number what the document proves (guide §3.9)."""
        linked = self.guia_id or self.lote_id or self.authorization_id
        if not linked:
            sentence = self.env._("Choose the guia, the lote or the request that it proves.")
            return [(sentence, self, "guia_id")]
        problems = []
        contracts = (
            self.guia_id.contract_id
            | self.lote_id.sudo().contract_id  # the front desk may not open lotes
            | self.authorization_id.contract_id
        )
        if contracts != self.contract_id:
            sentence = self.env._("What it proves is of another convênio.")
            problems.append((sentence, self, "contract_id"))
        if self.authorization_id and (self.guia_id or self.lote_id):
            sentence = self.env._("A document proves a request or a bill, not both.")
            problems.append((sentence, self, "authorization_id"))
        if self.guia_id and self.lote_id and self.guia_id.lote_id != self.lote_id:
            problems.append((self.env._("The guia is in another lote."), self, "lote_id"))
        if self.guia_line_id and self.guia_line_id.guia_id != self.guia_id:
            problems.append((self.env._("The item is of another guia."), self, "guia_line_id"))
        return problems

    def _get_file_problems(self):
        if not self.size:
            return [(self.env._("Choose the file."), self, "file")]
        if self.format_id:
            return []
        if documents.is_signature(self.sudo()._get_file()):
            sentence = self.env._(
                "The signature does not hold the document: sign so that one file holds both."
            )
        else:
            sentence = self.env._("The file is no JPG, PDF, PNG or TIFF, signed or not.")
        return [(sentence, self, "file")]

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return "ENVIO_DOCUMENTO"

    def _prepare_tiss_body(self):
        """ct_envioDocumentos (guide §3.9)"""
        guia, lote = self.guia_id or self.authorization_id, self.lote_id or self.guia_id.lote_id
        return {
            "numeroLote": lote.name or None,
            "numeroProtocolo": lote.protocol_number or None,
            "numeroGuiaPrestador": guia.name or None,
            "numeroGuiaOperadora": guia.operadora_number or None,
            "numeroDocumento": self.name,
            "naturezaGuia": self.nature_id.code or None,
            "formatoDocumento": self.format_id.code or None,
            "seqReferenciaItem": self.guia_line_id.sequence_item or None,
            "documento": self._get_file(),
            "tipoDocumento": self.kind_id.code or None,
            "observacao": to_ascii(self.observation or "", 500) or None,
        }

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in a recebimentoDocumentos: the protocolo of a document, or its refusal.

        :return: the document that was answered
        """
        receipt = body.get("reciboDocumento")
        if not receipt:
            return self._receive_error(name, content, values, body)
        contract = self.env["tiss.message"]._find_contract(values["cabecalho"])
        number = receipt["numeroDocumento"]
        own = [("name", "=", number)]
        known = self.search(
            [*own, ("contract_id", "=", contract.id), ("state", "=", "received")], limit=1
        )
        if known.protocol_number == receipt["protocoloDoc"]:
            return known
        document = self._find_waiting(contract, own, number)
        note = receipt.get("observacao")
        document._record_answer(name, content, values, note)
        document._accept(protocol_number=receipt["protocoloDoc"], answer_note=note)
        return document
