import base64
import hashlib
from contextlib import contextmanager
from urllib.parse import quote

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import standard
from ..standard import identifiers, soap
from ..standard.message import body_of, from_service
from .bulk import compress_fast, make_append_only

MAX_SIZE = 128 * 1024 * 1024  # bytes of a return file; the largest real ones have some 60 MB
SOAP_ENVELOPE = b"Envelope"

ANSWERS = {  # body of an answer → the model that sent what it answers
    "demonstrativosRetorno": "tiss.demonstrativo.request",
    "reciboCancelaGuia": "tiss.cancellation",
    "respostaElegibilidade": "tiss.eligibility",
    "situacaoProtocolo": "tiss.protocol.query",
    "recebimentoAnexo": "tiss.annex",
    "recebimentoLote": "tiss.lote",
    "reciboComunicacao": "tiss.stay.notice",
    "recebimentoDocumentos": "tiss.document",
    "recebimentoRecursoGlosa": "tiss.recurso",
    "respostaRecursoGlosa": "tiss.recurso",
    "autorizacaoServicos": "tiss.authorization",
    "autorizacaoServicoOdonto": "tiss.authorization",
    "situacaoAutorizacao": "tiss.authorization",
}
TABLE_TRANSACTION = "PLANILHA_DEMONSTRATIVO"
TYPED_TRANSACTION = "DEMONSTRATIVO_DIGITADO"
CLINICAL_TRANSACTIONS = {"ENVIO_DOCUMENTO"}  # the message is a clinical document


class TissMessage(models.Model):
    """Journal of every message built or received: exact bytes, their SHA-256 and TISS hash.

    Append-only: the database itself refuses to change or delete a row. An answer is a new
    message that points at its request.
    """

    _name = "tiss.message"
    _description = "TISS Message"
    _order = "id desc"
    _rec_name = "file_name"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        required=True,
        index=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    lote_id = fields.Many2one(
        "tiss.lote", index="btree_not_null", readonly=True, check_company=True, ondelete="restrict"
    )
    res_model = fields.Char("Kind of Record", readonly=True)
    res_id = fields.Many2oneReference(
        "Record", model_field="res_model", index="btree_not_null", readonly=True
    )
    request_id = fields.Many2one(
        "tiss.message", "Answers", index="btree_not_null", readonly=True, ondelete="restrict"
    )
    source_id = fields.Many2one(
        "tiss.message",
        "Made From",
        index="btree_not_null",
        readonly=True,
        ondelete="restrict",
        help="The message whose content this one carries: by web service, or once more.",
    )
    direction = fields.Selection(
        [("out", "Sent"), ("in", "Received")], required=True, readonly=True
    )
    transaction = fields.Char(required=True, readonly=True)
    version = fields.Char(readonly=True)
    sequence = fields.Char("Transaction Number", readonly=True)
    file_name = fields.Char(required=True, readonly=True)
    content = fields.Binary(
        attachment=False,
        readonly=True,
        help="The bytes as they left or arrived; kept in the database, so they commit with it.",
    )
    clinical_content = fields.Binary(
        attachment=False,
        readonly=True,
        copy=False,
        groups="l10n_br_tiss.group_tiss_clinical",
        help="Instead of the content, where the message is a clinical document.",
    )
    size = fields.Integer("Size (bytes)", required=True, readonly=True)
    sha256 = fields.Char("SHA-256", required=True, readonly=True, index=True)
    wire_sha256 = fields.Char(
        "SHA-256 of What Left",
        readonly=True,
        help="Of the bytes with the credentials, which are blotted out here.",
    )
    tiss_hash = fields.Char("TISS Hash", readonly=True)
    note = fields.Text(readonly=True, help="What the other side answered, in its own codes.")
    transaction_name = fields.Char("What It Is", compute="_compute_transaction_name")
    record_name = fields.Char("What It Carries", compute="_compute_record_name")

    _content_check = models.Constraint(
        "CHECK (num_nonnulls(content, clinical_content) = 1)", "A message has one content."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("transaction")
    def _compute_transaction_name(self):
        """The transactions of guide §2.2 in words; one that nobody knows keeps its code."""
        names = self._get_transaction_names()
        for message in self:
            message.transaction_name = names.get(message.transaction, message.transaction)

    @api.depends("lote_id", "res_model", "res_id")
    def _compute_record_name(self):
        """What the messages carry, in one query for each model."""
        for model, messages in self.grouped(
            lambda message: "tiss.lote" if message.lote_id else message.res_model
        ).items():
            if model not in self.env:
                messages.record_name = False
                continue
            records = self.env[model].browse([message._get_record().id for message in messages])
            names = {each.id: each.display_name for each in records.sudo().exists()}
            for message in messages:
                message.record_name = names.get(message._get_record().id)

    @api.model
    def _get_transaction_names(self):
        return {
            "ENVIO_LOTE_GUIAS": self.env._("Lote of guias"),
            "PROTOCOLO_RECEBIMENTO": self.env._("Receipt of a lote"),
            "ENVIO_ANEXO": self.env._("Lote of annexes"),
            "PROTOCOLO_RECEBIMENTO_ANEXO": self.env._("Receipt of annexes"),
            "SOLICITACAO_PROCEDIMENTOS": self.env._("Request for authorisation"),
            "RESPOSTA_SOLICITACAO": self.env._("Answer to a request"),
            "AUTORIZACAO_ODONTOLOGIA": self.env._("Answer to a dental request"),
            "SOLICITA_STATUS_AUTORIZACAO": self.env._("Question about a request"),
            "STATUS_AUTORIZACAO": self.env._("Status of a request"),
            "VERIFICA_ELEGIBILIDADE": self.env._("Question about eligibility"),
            "SITUACAO_ELEGIBILIDADE": self.env._("Eligibility"),
            "COMUNICACAO_BENEFICIARIO": self.env._("Notice of admission or discharge"),
            "RECIBO_COMUNICACAO": self.env._("Receipt of a notice"),
            "ENVIO_DOCUMENTO": self.env._("Document"),
            "RECEBIMENTO_DOCUMENTO": self.env._("Receipt of a document"),
            "CANCELA_GUIA": self.env._("Cancellation"),
            "CANCELAMENTO_GUIA_RECIBO": self.env._("Receipt of a cancellation"),
            "SOLIC_STATUS_PROTOCOLO": self.env._("Question about a protocolo"),
            "SITUACAO_PROTOCOLO": self.env._("Status of a protocolo"),
            "SOLIC_DEMONSTRATIVO_RETORNO": self.env._("Request for a demonstrativo"),
            "DEMONSTRATIVO_ANALISE_CONTA": self.env._("Demonstrativo: analysis"),
            "DEMONSTRATIVO_PAGAMENTO": self.env._("Demonstrativo: payment"),
            "DEMONSTRATIVO_ODONTOLOGIA": self.env._("Demonstrativo: dental payment"),
            "RECURSO_GLOSA": self.env._("Appeal"),
            "RECEBIMENTO_RECURSO_GLOSA": self.env._("Receipt of an appeal"),
            "RESPOSTA_RECURSO_GLOSA": self.env._("Answer to an appeal"),
            "SOLIC_STATUS_RECURSO_GLOSA": self.env._("Question about an appeal"),
            # Not of the standard: what came without a message.
            TABLE_TRANSACTION: self.env._("Spreadsheet of a demonstrativo"),
            TYPED_TRANSACTION: self.env._("Demonstrativo typed by hand"),
        }

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def init(self):
        make_append_only(self)
        # What PostgreSQL does by default takes as long as all else that writing a message takes.
        compress_fast(self, "content", "clinical_content")

    def write(self, vals):
        if self:
            raise UserError(self.env._("A message of the journal cannot be changed."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A message of the journal cannot be deleted."))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_download(self):
        self.ensure_one()
        name = quote(self._get_base_name())
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/tiss.message/{self.id}/{self._get_content_field()}/{name}"
            "?download=true",
            "target": "download",
        }

    def action_open_record(self):
        """Open what one message carries or answers."""
        self.ensure_one()
        return self._get_record()._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _record(self, contract, content, **vals):
        """Journal one message.

        :param content: exact bytes
        :param vals: direction, transaction, file_name, and optionally lote_id, request_id,
            version, sequence, tiss_hash, note
        :return: the new `tiss.message`
        """
        clinical = vals["transaction"] in CLINICAL_TRANSACTIONS
        # Nobody has the right to create messages: only this code does, for whoever may send.
        return (
            self.sudo()
            .create(
                {
                    "company_id": contract.company_id.id,
                    "contract_id": contract.id,
                    "clinical_content" if clinical else "content": base64.b64encode(content),
                    "size": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                    **vals,
                }
            )
            .with_env(self.env)
        )

    # ------------------------------------------------------------------
    # Receiving
    # ------------------------------------------------------------------

    @api.model
    @api.private  # takes bytes
    def receive_file(self, name, content):
        """Read any file that an operadora gave back, recognised by its content.

        :return: `tiss.demonstrativo` to be checked, or the record that was answered
        """
        Demonstrativo = self.env["tiss.demonstrativo"]
        known = Demonstrativo._find_imported(content) or self._find_answered(content)
        if known:
            return known
        of_table = self.env["tiss.return.map"]._receive(name, content)
        if of_table:
            return of_table
        streamed = Demonstrativo._import_stream(name, content)
        return self._take_in(name, content, self._decode(content)) if streamed is None else streamed

    @api.model
    def _take_in(self, name, content, values):
        """What a decoded message of an operadora says, in the records that it is about."""
        body_name, body = self._get_body(values)
        if body_name == "loteGuias":
            raise UserError(
                self.env._(
                    "This file is a lote of guias, not an answer of an operadora. To take in a"
                    " lote that another system made, choose Import Lote under Billing."
                )
            )
        if body_name not in ANSWERS:
            return self.env["tiss.demonstrativo"]._import_values(name, content, values)
        with self._missing_elements():
            return self.env[ANSWERS[body_name]]._receive_answer(name, content, values, body)

    @api.model
    def _find_lote(self, content):
        """The lote that these very bytes are the message of, made here or imported."""
        return self.search(
            [
                ("sha256", "=", hashlib.sha256(content).hexdigest()),
                ("company_id", "=", self.env.company.id),
                ("transaction", "=", "ENVIO_LOTE_GUIAS"),
                ("lote_id", "!=", False),
            ],
            limit=1,
        ).lote_id

    @api.model
    def _find_answered(self, content):
        """What a file with these very bytes answered before; a refusal names nothing."""
        message = self.search(
            [
                ("sha256", "=", hashlib.sha256(content).hexdigest()),
                ("company_id", "=", self.env.company.id),
                ("direction", "=", "in"),
                "|",
                ("lote_id", "!=", False),
                ("res_id", "!=", False),
            ],
            limit=1,
        )
        return message._get_record()

    def _get_record(self):
        """What one message carries or answers; may be empty."""
        if self.lote_id or not self.res_id:
            return self.lote_id
        return self.env[self.res_model].browse(self.res_id)

    @contextmanager
    def _missing_elements(self):
        """Say which element a file lacks, where reading it cannot go on without."""
        try:
            yield
        except KeyError as error:
            raise UserError(
                self.env._(
                    "The file lacks “%s”, without which it cannot be used. Ask the operadora for a"
                    " complete one.",
                    error.args[0],
                )
            ) from error

    @api.model
    def _get_body(self, values):
        """(name, content) of the one body of a decoded message."""
        try:
            return body_of(values)
        except ValueError as error:
            raise UserError(self.env._("The TISS message has no content.")) from error

    @api.model
    def _decode(self, content, content_type=""):
        """The message as a dict, however it was written; refuses what is unsafe or unreadable.

        What a web service answers is read as the file of the same meaning.
        """
        if len(content) > MAX_SIZE:
            raise UserError(
                self.env._(
                    "The file has %s MB: a return file this large is refused. Is it the right one?",
                    len(content) // 1024 // 1024,
                )
            )
        try:
            schema = standard.load(standard.versions()[-1])
            if SOAP_ENVELOPE in content[:1024]:
                content = soap.opened(content, content_type, MAX_SIZE)
            values = from_service(schema.decode(content, strict=False, limit=MAX_SIZE))
        except standard.UnsafeXML as error:
            raise UserError(
                self.env._(
                    "The file was refused because it carries dangerous content (%s). Ask the"
                    " operadora for a clean one.",
                    error.code,
                )
            ) from error
        except standard.DecodeError as error:
            raise UserError(
                self.env._("This is not a TISS file: it is not readable as XML.")
            ) from error
        except ValueError as error:
            raise UserError(self.env._("This XML is not a TISS message.")) from error
        unreadable = [p.path for p in values.problems if p.code == "wrong_type"]
        if unreadable:
            raise UserError(
                self.env._("The file has unreadable values, the first at %s.", unreadable[0])
            )
        if values.element != "mensagemTISS" or not values.get("cabecalho"):
            raise UserError(self.env._("This XML is not a TISS message."))
        return values

    @api.model
    def _find_contract(self, header):
        """The contract of this company that the message is addressed to."""
        ans_code = header.get("origem", {}).get("registroANS")
        # What is still owed of an archived convênio is answered and paid, too.
        contract = (
            self.env["tiss.contract"]
            ._get_all(self.env.company)
            .filtered(lambda contract: contract.ans_code == (ans_code or "-"))
            .sorted("active", reverse=True)[:1]
        )
        if not contract:
            raise UserError(
                self.env._(
                    "The file comes from the operadora with ANS number %s, with which this clinic"
                    " has no convênio.",
                    ans_code or "?",
                )
            )
        provider = header.get("destino", {}).get("identificacaoPrestador") or {}
        self._check_provider(contract, provider.values())
        return contract

    @api.model
    def _check_provider(self, contract, codes):
        """Refuse a file of another provider.

        :param codes: what the file calls the provider it is addressed to
        """
        vat = identifiers.compact(contract.company_id.vat or "")
        known = {contract._get_provider_code(), vat} - {""}
        if not set(codes) & known:
            raise UserError(
                self.env._(
                    "The file is addressed to another provider (%(theirs)s), not to this clinic"
                    " (%(ours)s).",
                    theirs=", ".join(codes) or "?",
                    ours=contract._get_provider_code(),
                )
            )

    @api.model
    def _record_incoming(self, contract, name, content, values, **vals):
        """Journal a received message; its header says what it is."""
        delivery = self.env["tiss.delivery"]._get_current()
        if delivery:
            # It is there since it arrived, before anybody had read it.
            delivery.answer_note = vals.get("note")
            return delivery.answer_id
        transaction = values["cabecalho"].get("identificacaoTransacao") or {}
        return self._record(
            contract,
            content,
            direction="in",
            transaction=transaction.get("tipoTransacao", "?"),
            sequence=transaction.get("sequencialTransacao"),
            version=values["cabecalho"].get("Padrao"),
            tiss_hash=(values.get("epilogo") or {}).get("hash"),
            file_name=name,
            **vals,
        )

    def _get_base_name(self):
        """The name of the file alone: an operadora may call its file anything, also a path."""
        return self.file_name.replace("\\", "/").rpartition("/")[2]

    def _get_content_field(self):
        """Where the bytes are; AccessError where they are not for this user."""
        name = "clinical_content" if self.transaction in CLINICAL_TRANSACTIONS else "content"
        self._check_field_access(self._fields[name], "read")
        return name

    def _get_content(self):
        """The exact bytes of one message."""
        self.ensure_one()
        return base64.b64decode(self.with_context(bin_size=False)[self._get_content_field()])

    @api.model
    def _get_integrity_breaches(self, contracts):
        """Messages whose stored bytes no longer have their SHA-256."""
        breaches = []
        # As superuser: the bytes are counted, not shown. One at a time: they would fill the memory.
        for message_id in self.search([("contract_id", "in", contracts.ids)]).ids:
            message = self.sudo().browse(message_id)
            if hashlib.sha256(message._get_content()).hexdigest() != message.sha256:
                breaches.append(
                    self.env._("The bytes of the message %s have changed.", message.file_name)
                )
            message.invalidate_recordset(["content", "clinical_content"])
        return breaches
