from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .deadlines import REMINDER
from .protocol_reader import CANCELLED, DENIED, PAID, WAITS_FOR_DOCUMENTS
from .tiss_term import term_field

STATUS_FIELDS = {"protocol_status_id", "protocol_status_date", "protocol_status_moment"}
MAX_QUESTIONS = 200  # of one convênio in one run of the scheduled action


class TissProtocoled(models.AbstractModel):
    """What the operadora has under a protocolo, and what it says has become of it (guide §4.2).

    A model that has it before `tiss.outgoing` says which of its records a question is about
    (`_get_asked`), by which field a question points at it (`_get_query_link`), and what these
    questions are (`protocol_query_ids`).
    """

    _name = "tiss.protocoled"
    _description = "Under a Protocolo"

    protocol_status_id = term_field(
        "47",
        "Status at the Operadora",
        readonly=True,
        copy=False,
        tracking=True,
        index="btree_not_null",
    )
    protocol_status_date = fields.Date("Said On", readonly=True, copy=False)
    protocol_status_moment = fields.Datetime(
        readonly=True, copy=False, help="When the operadora wrote it, on its clock."
    )

    may_ask_status = fields.Boolean(compute="_compute_may_ask_status")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("protocol_number", "contract_id.status_by_lote")
    def _compute_may_ask_status(self):
        """Whether there is a number by which the operadora finds it."""
        for record in self:
            record.may_ask_status = record.protocol_number or record.contract_id.status_by_lote

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_query_status(self):
        """Ask; one file for a portal is downloaded, several questions are shown."""
        queries = self._ask_status()
        if len(queries) == 1 and queries.state == "sent" and not queries.goes_by_service:
            return queries.action_download()
        return queries._get_records_action(name=self.env._("Questions about Protocolos"))

    # ------------------------------------------------------------------
    # What each model says
    # ------------------------------------------------------------------

    @api.model
    def _get_query_link(self):
        """The field of a question that points at this model."""
        raise NotImplementedError

    def _get_asked(self):
        """Of several records under one protocolo the one that a question is about."""
        return self

    def _get_lote_number(self):
        """The number of its message's lote."""
        raise NotImplementedError

    # ------------------------------------------------------------------
    # Asking
    # ------------------------------------------------------------------

    def query_status(self):
        """Ask the operadora what has become of these: one message each (guide §4.2).

        What was asked today and is not answered yet is not asked again.

        :return: `tiss.message`
        """
        return self._ask_status().message_id

    def _ask_status(self, by_hand=True):
        """Questions about these records, and those that were open.

        :param by_hand: a person asked, who takes the files to a portal that has no web service
        :return: `tiss.protocol.query`
        """
        self.check_access("write")
        Query = self.env["tiss.protocol.query"]
        link, asked = self._get_query_link(), self._get_asked()
        vals_list = {record: record._prepare_query() for record in asked}
        open_queries = Query.search([(link, "in", asked.ids), ("state", "in", Query._get_open())])
        today = fields.Date.context_today(self)
        stale = open_queries.filtered(
            lambda query: query.sent_date and query.sent_date < today and query.state == "sent"
        )
        # An answer that still comes is read all the same: it names what it is about.
        stale.sudo().write({"state": "cancelled"})
        stale.flush_recordset(["state"])
        known = {query[link]: query for query in open_queries - stale}
        created = Query.create([vals_list[record] for record in asked if record not in known])
        queries = (open_queries - stale) | created
        waiting = queries.filtered(lambda query: query.state in ("draft", "validated"))
        if by_hand:
            waiting.send()
        else:
            waiting._send_by_service()
        return queries

    def _prepare_query(self):
        self.ensure_one()
        if not self.protocol_number and not self.contract_id.status_by_lote:
            raise UserError(
                self.env._(
                    "%s has no protocolo, and its operadora is not known to find lotes by their"
                    " number: register the protocolo, or ask the operadora.",
                    self.display_name,
                )
            )
        return {
            "company_id": self.company_id.id,
            "contract_id": self.contract_id.id,
            self._get_query_link(): self.id,
            "is_by_lote": not self.protocol_number,
            "asked_number": self.protocol_number or self._get_lote_number(),
        }

    def _resolve_unknown(self):
        """An operadora that finds lotes by number is asked whether it has this one."""
        return super()._resolve_unknown() or self._ask_about_receipt()

    def _ask_about_receipt(self):
        """Ask by web service whether the operadora has one lote that got no answer.

        :return: whether it was asked
        """
        if not self.contract_id.status_by_lote:
            return False
        return self._ask_status(by_hand=False).state == "sending"

    @api.model
    def _get_due_domain(self, contract):
        """What an operadora is asked about again: open, and not said anything of for some days."""
        limit = fields.Date.context_today(self) - timedelta(contract.status_days)
        return (
            Domain("contract_id", "=", contract.id)
            & Domain("protocol_number", "!=", False)
            & Domain("protocol_date", "<=", limit)
            & (
                Domain("protocol_status_id", "=", False)
                | Domain("protocol_status_id.code", "not in", (PAID, DENIED, CANCELLED))
                & Domain("protocol_status_date", "<=", limit)
            )
            # Whatever waits to be sent by a person is not made a second time.
            & Domain(
                "protocol_query_ids",
                "not any",
                Domain("state", "in", ("draft", "validated")) | Domain("asked_date", ">", limit),
            )
        )

    @api.model
    def _ask_due(self, contract):
        """Ask about everything of a convênio that is due; see `_get_due_domain`.

        :return: `tiss.protocol.query`
        """
        due = self.search(self._get_due_domain(contract), limit=MAX_QUESTIONS, order="id")
        return due._ask_status(by_hand=False)

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _prepare_protocol(self, number, date):
        number = (number or "").strip()
        if not number or len(number) > 12:
            raise UserError(self.env._("A protocolo has 1 to 12 characters."))
        # A day more: an operadora may be in a time zone where it is already tomorrow.
        if date > fields.Date.add(fields.Date.context_today(self), days=1):
            raise UserError(self.env._("The date of the protocolo is in the future."))
        return {"protocol_number": number, "protocol_date": date}

    def _take_status(self, term, moment):
        """Keep what the operadora says of these records, unless it said something later.

        :param term: of T47
        :param moment: when the operadora wrote it
        """
        newer = self.filtered(
            lambda record: (
                not moment
                or not record.protocol_status_moment
                or record.protocol_status_moment <= moment
            )
        )
        if not newer:
            return
        changed = newer.filtered(lambda record: record.protocol_status_id != term)
        newer.sudo().write(
            {
                "protocol_status_id": term.id,
                "protocol_status_date": (
                    moment.date() if moment else fields.Date.context_today(self)
                ),
                "protocol_status_moment": moment,
            }
        )
        if term.code == WAITS_FOR_DOCUMENTS:
            changed._ask_for_documents()

    def _take_not_found(self, query, reason):
        """The operadora does not find them: proved not received, or a number to compare."""
        first = self[:1]
        if query.is_by_lote and first.contract_id.status_by_lote and first.state == "unknown":
            self._deny_receipt()
            return
        first._message_log(
            body=self.env._(
                "The operadora does not find “%(number)s”. %(reason)s",
                number=query.asked_number,
                reason=reason or "",
            )
        )

    def _ask_for_documents(self):
        """Somebody has to send what the operadora waits for."""
        responsible = self.contract_id._get_reminder_users()
        for record in self:
            user = responsible.get(record.contract_id.id, self.env.user)
            record.activity_schedule(
                REMINDER,
                summary=self.env._("The operadora waits for documents"),
                note=self.env._(
                    "Protocolo %s waits for more information: send the documents, or ask the"
                    " operadora which ones.",
                    record.protocol_number,
                ),
                user_id=user.id,
            )
