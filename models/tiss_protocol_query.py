from odoo import api, fields, models
from odoo.exceptions import UserError

from .authorization_reader import read_moment
from .protocol_reader import read_status
from .tiss_term import term_field

WAITING = ("sent", "unknown")


class TissProtocolQuery(models.Model):
    """Solicitação de status de protocolo: what has become of one lote, or of one annex.

    Flow: draft → validated → sent → received, with a status; rejected, cancelled. An answer that
    nobody asked for is read as well: it names its protocolo.
    """

    _name = "tiss.protocol.query"
    _description = "Question about a Protocolo"
    _inherit = ["tiss.question", "tiss.checked", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "asked_number"]

    name = fields.Char("Number", required=True, readonly=True, copy=False, default="/")
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        required=True,
        index=True,
        check_company=True,
        ondelete="restrict",
    )
    lote_id = fields.Many2one(
        "tiss.lote", check_company=True, index="btree_not_null", ondelete="restrict"
    )
    annex_id = fields.Many2one(
        "tiss.annex", check_company=True, index="btree_not_null", ondelete="restrict"
    )
    asked_number = fields.Char("Asked About", size=12)
    is_by_lote = fields.Boolean(
        "By Lote Number", help="There was no protocolo yet: the question carries the lote."
    )
    asked_date = fields.Date("Asked On", default=fields.Date.context_today, copy=False)
    status_id = term_field("47", "Answer", readonly=True, copy=False)
    answer_note = fields.Text("Remark of the Operadora", readonly=True, copy=False)

    _lote_uniq = models.UniqueIndex(
        "(lote_id) WHERE state IN ('draft', 'validated', 'sending', 'sent', 'unknown')",
        "The operadora is being asked about this lote already.",
    )
    _annex_uniq = models.UniqueIndex(
        "(annex_id) WHERE state IN ('draft', 'validated', 'sending', 'sent', 'unknown')",
        "The operadora is being asked about this annex already.",
    )
    _subject_check = models.Constraint(
        "CHECK(num_nonnulls(lote_id, annex_id) = 1)", "A question is about one lote or one annex."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "lote_id", "annex_id")
    def _compute_display_name(self):
        for query in self:
            parts = [query.name, query._get_subject().display_name]
            query.display_name = " · ".join(filter(None, parts))

    @api.depends("state", "contract_id.provider_code", "asked_number")
    def _compute_problems(self):
        return super()._compute_problems()

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model
    def _get_open(self):
        return ("draft", "validated", "sending", *WAITING)

    @api.model
    def _get_frozen_fields(self):
        return {"company_id", "contract_id", "lote_id", "annex_id", "asked_number", "is_by_lote"}

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {"status_id", "answer_note"}

    def _get_subject(self):
        """What one question is about."""
        return self.lote_id or self.annex_id

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_subject(self):
        self.ensure_one()
        return self._get_subject()._get_records_action()

    # ------------------------------------------------------------------
    # The question
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        if self.state not in ("draft", "validated"):
            return []
        return [*super()._get_problem_rows(), *self._get_missing("asked_number")]

    @api.model
    def _get_transaction(self):
        return "SOLIC_STATUS_PROTOCOLO"

    def _prepare_tiss_body(self):
        """ct_protocoloSolicitacaoStatus (guide §4.2)"""
        return {
            "dadosPrestador": self.contract_id._get_provider_identification(),
            "numeroProtocolo": self.asked_number,
        }

    # ------------------------------------------------------------------
    # The answer
    # ------------------------------------------------------------------

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in a situacaoProtocolo, of a lote or of annexes (guide §4.2).

        :return: the question that was answered, or what the answer is about when nobody asked
        """
        contract = self.env["tiss.message"]._find_contract(values["cabecalho"])
        status = read_status(body)
        term = self._get_status("47", status.status) if status.status else None
        is_told = status.error is None and not status.is_not_found()
        subject = is_told and self._find_subject(contract, status)
        query = self._find_asked(contract, status, subject)
        subject = subject or query._get_subject()
        reason = None if status.error is None else self._get_refusal(status.error)
        (query or subject[:1])._record_answer(name, content, values, reason)
        query._take_answer(status, term, reason)
        if is_told:
            subject._take_told(status, term, read_moment(values["cabecalho"]))
        elif status.is_not_found():
            subject._take_not_found(query, reason)
        return query or subject

    @api.model
    def _find_subject(self, contract, status):
        """The lote, or the annexes, that an answer names by protocolo and number of the lote."""
        model, number = ("tiss.lote", "name")
        if status.kind == "annex":
            model, number = ("tiss.annex", "lote_number")
        own = [("contract_id", "=", contract.id), ("state", "!=", "cancelled")]
        Model = self.env[model]
        found = Model.search([*own, ("protocol_number", "=", status.protocol)])
        if not found:
            # Without a protocolo here it is known by the number that we gave it.
            numbers = {status.lote, status.lote.lstrip("0")}
            found = Model.search(
                [*own, ("protocol_number", "=", False), (number, "in", list(numbers))]
            )
        numbers = {(each or "").lstrip("0") for each in found.mapped(number)}
        if numbers != {status.lote.lstrip("0")}:
            raise UserError(
                self.env._(
                    "The answer is about protocolo %(protocol)s of lote %(lote)s, which this clinic"
                    " does not have.",
                    protocol=status.protocol,
                    lote=status.lote,
                )
            )
        return found

    @api.model
    def _find_asked(self, contract, status, subject):
        """The question that an answer is about; none where it was answered before or not asked."""
        domain = [("contract_id", "=", contract.id), ("state", "in", WAITING)]
        if subject:
            return self._find_asked_about(subject, domain)
        named = [number for number in (status.protocol, status.lote) if number]
        about = [("asked_number", "in", named)] if named else []
        if status.kind:
            about.append(("annex_id" if status.kind == "annex" else "lote_id", "!=", False))
        return self._find_waiting(contract, about, status.protocol)

    @api.model
    def _find_asked_about(self, subject, domain):
        """The question about a lote or annexes; an answer to another question is none to it."""
        about = [(subject._get_query_link(), "in", subject.ids)]
        return self._search_answered([*domain, *about])[:1]

    def _take_answer(self, status, term, reason):
        """Close the question: answered, or not taken by the operadora."""
        if not self:
            return
        if reason and not status.is_not_found():
            self._reject(reason)
            return
        self._accept(status_id=term and term.id, answer_note=reason)
