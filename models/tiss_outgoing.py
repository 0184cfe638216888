import datetime
import gc

import pytz

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .. import standard
from ..standard.message import check_envelope, envelope, to_service
from ..standard.wire import cut_service

MESSAGES_IN_MEMORY = 50
SENDABLE = ("draft", "validated")


class TissOutgoing(models.AbstractModel):
    """What goes to an operadora as one message: build → validate → journal → send → answer.

    A model says which transaction it is (`_get_transaction`), what the body holds
    (`_prepare_tiss_body`), and what it does with the answer. Its contract numbers the message.

    Flow: draft → validated (the XML exists and is valid) → sent → received; rejected, cancelled.
    By web service it is `sending` in between (see `tiss.delivery`), and `unknown` where nobody
    can tell whether the operadora has it: that is found out, never sent a second time.
    """

    _name = "tiss.outgoing"
    _description = "Sent as One TISS Message"

    version = fields.Char(
        "TISS Version",
        compute="_compute_version",
        store=True,
        precompute=True,
        required=True,
        readonly=False,
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("validated", "Validated"),
            ("sending", "Sending"),
            ("unknown", "No Answer"),
            ("sent", "Sent"),
            ("received", "Received"),
            ("rejected", "Refused"),
            ("cancelled", "Cancelled"),
        ],
        string="Status",
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        tracking=True,
    )
    message_id = fields.Many2one(
        "tiss.message", "Current XML", readonly=True, copy=False, ondelete="restrict"
    )
    tiss_message_ids = fields.One2many(
        "tiss.message",
        "res_id",
        "TISS Messages",
        domain=lambda self: [("res_model", "=", self._name)],
    )
    sent_date = fields.Date(readonly=True, copy=False)
    rejection_reason = fields.Text(readonly=True, copy=False)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("contract_id")
    def _compute_version(self):
        """What was written in one version stays in it; a draft follows its convênio."""
        for record in self:
            if not record.version or record.state == "draft":
                record.version = record.contract_id.version

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model
    def _get_system_fields(self):
        """Fields that only follow from what is done with the record."""
        return {"state", "message_id", "sent_date", "rejection_reason", "version"}

    def write(self, vals):
        if self._get_system_fields() & set(vals) and not self.env.su:
            raise UserError(
                self.env._("The status of %s follows what is done with it.", self[:1].display_name)
            )
        return super().write(vals)

    def _check_state(self, *states):
        wrong = self.filtered(lambda record: record.state not in states)
        if wrong:
            label = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(name)s is in state “%(state)s”: this cannot be done now.",
                    name=wrong[0].display_name,
                    state=label[wrong[0].state],
                )
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_build(self):
        self.build()

    def action_send(self):
        self.send()

    def action_download(self):
        self.ensure_one()
        return self._get_current_message().action_download()

    # ------------------------------------------------------------------
    # What each model says of its message
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        """tipoTransacao of the message (guide §2.2)."""
        raise NotImplementedError

    def _prepare_tiss_body(self):
        """The body of the message; keys are the names of the standard."""
        raise NotImplementedError

    def _read_content(self):
        """Read all that the message says in a constant number of queries."""

    def _check_content(self):
        """Refuse what the standard allows in no message of this kind, before anything is built."""

    def _get_journal_link(self):
        """Values by which the journal finds back to this record."""
        return {"res_model": self._name, "res_id": self.id}

    def _get_file_name(self, digest):
        """Nothing clinical, no name: the number of the record and the hash."""
        return f"{self._get_transaction()}_{self.name.zfill(20)}_{digest}.xml"

    def _locate(self, path):
        """Where in the record a path of the message is, in words."""
        return path

    # ------------------------------------------------------------------
    # Building the message
    # ------------------------------------------------------------------

    def build(self):
        """Write, validate and journal the XML of each record.

        :return: `tiss.message`, one per record
        :raise UserError: naming each record and what is wrong in it, by path
        """
        self.check_access("write")
        self._check_state(*SENDABLE)
        messages, problems = self._build_sound()
        if problems:
            raise UserError("\n".join(dict.fromkeys(problems.values())))
        return messages

    def _build_sound(self):
        """Build the records in which nothing is wrong; the others stay as they are.

        :return: (`tiss.message`, {record: what is wrong, in words that name it})
        """
        messages, problems = self.env["tiss.message"], {}
        for number, record in enumerate(self, start=1):
            try:
                content, sequence = record._encode()
            except standard.EncodeError as error:
                problems[record] = f"{record.display_name}: {record._explain(error.violation)}"
                continue
            except AccessError:
                raise
            except UserError as error:
                problems[record] = str(error)
                continue
            message = record._journal(content, sequence)
            record.sudo().write({"message_id": message.id, "state": "validated"})
            messages += message
            if number % MESSAGES_IN_MEMORY == 0:
                # What a message leaves behind is cyclic, so it piles up until it is collected.
                self.env.invalidate_all()
                gc.collect()
        return messages, problems

    def _encode(self):
        """(valid XML bytes, sequencialTransacao) of one record; raises what the codec finds."""
        self.ensure_one()
        self._read_content()
        self._check_content()
        schema = standard.load(self.version)
        values = self._prepare_tiss_message()
        content = self._seal(values)
        violations = check_envelope(values, self.version)
        if not violations and not schema.validate(content):
            violations = schema.explain(content)
        if violations:
            raise standard.EncodeError(violations[0])
        return content, values["cabecalho"]["identificacaoTransacao"]["sequencialTransacao"]

    def _seal(self, values, element="mensagemTISS", **options):
        """The bytes of a message, with its hash; to be extended by what else seals it.

        :param element: mensagemTISS, or a body element of a web service
        :param options: of `Schema.encode`
        """
        options.setdefault("hash_charset", self.contract_id.hash_charset)
        return standard.load(self.version).encode(values, element=element, **options)

    def _seal_for_service(self, content, login=None):
        """A built message as its web service takes it, sealed anew (guide §7.1).

        Header and body were checked when it was built.

        :param content: bytes of the file message
        :param login: (loginPrestador, senhaPrestador)
        """
        cut = self._cut(content, login)
        if cut:
            return cut.xml
        element, values = to_service(standard.load(self.version).decode(content), login=login)
        return self._seal(values, element=element)

    def _cut(self, content, login):
        """`standard.wire.Cut` of a built message; None where it has to be read and sealed anew."""
        schema, charset = standard.load(self.version), self.contract_id.hash_charset
        return cut_service(schema, content, login=login, hash_charset=charset)

    def _prepare_tiss_message(self):
        """mensagemTISS (guide §2.1)"""
        contract = self.contract_id
        [sequence] = contract._take_numbers("next_transaction_number")
        return envelope(
            self._get_transaction(),
            # As superuser: the message carries what is clinical, its sender need not see it.
            self.sudo()._prepare_tiss_body(),
            sender=contract._get_provider_identification("header"),
            recipient=contract.ans_code,
            sequence=str(sequence),
            moment=self._get_local_now(),
            version=self.version,
        )

    def _get_local_now(self):
        zone = pytz.timezone(self.company_id.partner_id.tz or "America/Sao_Paulo")
        now = fields.Datetime.now().replace(tzinfo=datetime.timezone.utc)
        return now.astimezone(zone).replace(tzinfo=None)

    def _journal(self, content, sequence, **vals):
        digest = standard.load(self.version).digest(content, self.contract_id.hash_charset)
        return self.env["tiss.message"]._record(
            self.contract_id,
            content,
            direction="out",
            transaction=self._get_transaction(),
            sequence=sequence,
            version=self.version,
            tiss_hash=digest,
            file_name=self._get_file_name(digest),
            **self._get_journal_link(),
            **vals,
        )

    def _explain(self, violation):
        """What the codec found wrong and where, in words a biller understands."""
        return self._describe_violation(violation.code, self._locate(violation.path))

    @api.model
    def _describe_violation(self, code, place):
        sentences = {
            "missing": self.env._("%s is missing", place),
            "too_long": self.env._("%s is too long", place),
            "too_short": self.env._("%s is empty or too short", place),
            "not_in_domain": self.env._("%s is not a value of the ANS table", place),
            "pattern": self.env._("%s has the wrong format", place),
            "wrong_type": self.env._("%s has the wrong format", place),
            "digits": self.env._("%s has too many digits", place),
            "charset": self.env._("%s has a character that cannot be sent", place),
            "too_many": self.env._("%s is there more often than it may be", place),
            "choice": self.env._("%s has parts that exclude each other", place),
        }
        return sentences.get(code) or self.env._(
            "%(place)s is not valid (%(code)s)", place=place, code=code
        )

    def get_xml(self):
        """The exact bytes of the current message of one record."""
        self.ensure_one()
        return self._get_current_message()._get_content()

    def _get_current_message(self):
        if not self.message_id:
            raise UserError(
                self.env._("%s has no XML yet: build and validate it first.", self.display_name)
            )
        return self.message_id

    # ------------------------------------------------------------------
    # Sending
    # ------------------------------------------------------------------

    def send(self):
        """Send the records: by web service where there is one, else as files for a portal.

        What goes by web service is queued, and sent when this transaction is committed.

        :return: `tiss.message` that were built, one per record
        """
        self.check_access("write")
        self._check_state(*SENDABLE)
        self.filtered(lambda record: record.state == "draft").build()
        served = self.filtered("goes_by_service")
        (self - served)._leave_as_file()
        served._leave("sending")
        self.env["tiss.delivery"]._queue(served.message_id)
        return self.message_id

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    def _record_answer(self, name, content, values, reason=None):
        """Journal the answer to what was sent last; it points at the message it answers."""
        self.ensure_one()
        return self.env["tiss.message"]._record_incoming(
            self.contract_id,
            name,
            content,
            values,
            request_id=self.message_id.id,
            note=reason,
            **self._get_journal_link(),
        )

    @api.model
    def _read_refusal(self, body):
        """Why a message was refused, in words; an answer that only lacks its receipt refuses none.

        What is refused is free to be sent, and billed, once more.
        """
        if "mensagemErro" not in body:
            raise UserError(
                self.env._(
                    "The answer says neither that the operadora has taken it nor why not: ask the"
                    " operadora."
                )
            )
        return self._get_refusal(body["mensagemErro"] or {})

    def _get_refusal(self, error):
        """A ct_motivoGlosa in words: the operadora's own, else those of Tabela 38."""
        code, text = error.get("codigoGlosa"), error.get("descricaoGlosa")
        text = text or self.env["tiss.term"]._get("38", code).name
        return " ".join(filter(None, (code, text))) or self.env._("Refused without a reason.")
