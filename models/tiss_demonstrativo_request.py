from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import split_every

from .tiss_term import term_field

PAYMENT, ANALYSIS, DENTAL = "1", "2", "3"  # T53
MAX_PROTOCOLS = 30  # per request (guide §5.2)
WAITING = ("sent", "unknown")
KINDS = {
    "demonstrativoAnaliseConta": ANALYSIS,
    "demonstrativoPagamento": PAYMENT,
    "demonstrativoPagamentoOdonto": DENTAL,
}


class TissDemonstrativoRequest(models.Model):
    """Solicitação de demonstrativo: of protocolos, or of what was paid on a day or in a month.

    The operadora sends the demonstrativo, which is imported as any other file, or says that it is
    not ready. Then the request waits on.

    Flow: draft → validated → sent → received, with its demonstrativos; rejected, cancelled.
    """

    _name = "tiss.demonstrativo.request"
    _description = "Request for a Demonstrativo"
    _inherit = ["tiss.question", "tiss.checked", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True

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
    kind_id = term_field("53", "Demonstrativo")
    kind_code = fields.Char(related="kind_id.code")
    lote_ids = fields.Many2many(
        "tiss.lote",
        "tiss_demonstrativo_request_lote_rel",
        "request_id",
        "lote_id",
        "Lotes",
        check_company=True,
        domain="[('contract_id', '=', contract_id), ('protocol_number', '!=', False)]",
    )
    payment_date = fields.Date("Paid On")
    competence_date = fields.Date("Month", help="Any day of the month of the payments.")
    asked_date = fields.Date("Asked On", default=fields.Date.context_today, copy=False)
    demonstrativo_ids = fields.Many2many(
        "tiss.demonstrativo",
        "tiss_demonstrativo_request_answer_rel",
        "request_id",
        "demonstrativo_id",
        "Demonstrativos",
        readonly=True,
        copy=False,
    )
    waiting_status_id = term_field("47", "Not Ready Yet", readonly=True, copy=False)
    waiting_date = fields.Date("Said On", readonly=True, copy=False)
    waiting_protocol = fields.Char("Protocolo of the Request", readonly=True, copy=False)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "contract_id", "kind_id")
    def _compute_display_name(self):
        for request in self:
            parts = [request._get_shown_number(), request.kind_id.name, request.contract_id.name]
            request.display_name = " · ".join(filter(None, parts))

    @api.depends(lambda self: ("state", "contract_id.provider_code", *self._get_frozen_fields()))
    def _compute_problems(self):
        return super()._compute_problems()

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model
    def _get_frozen_fields(self):
        return {
            "company_id", "contract_id", "kind_id", "lote_ids", "payment_date", "competence_date",
        }  # fmt: skip

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {
            "demonstrativo_ids", "waiting_status_id", "waiting_date", "waiting_protocol",
        }  # fmt: skip

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_demonstrativos(self):
        return self.demonstrativo_ids._get_records_action(name=self.env._("Demonstrativos"))

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        if self.state not in ("draft", "validated"):
            return []
        problems = [*super()._get_problem_rows(), *self._get_missing("kind_id")]
        if self.kind_id.code == ANALYSIS:
            problems += self._get_lote_problems()
        elif self.kind_id and bool(self.payment_date) == bool(self.competence_date):
            sentence = self.env._("Choose the day of the payment, or else its month.")
            problems.append((sentence, self, "payment_date"))
        return problems

    def _get_lote_problems(self):
        if not 1 <= len(self.lote_ids) <= MAX_PROTOCOLS:
            sentence = self.env._("Choose 1 to %s lotes.", MAX_PROTOCOLS)
            return [(sentence, self, "lote_ids")]
        strange = self.lote_ids.filtered(
            lambda lote: not lote.protocol_number or lote.contract_id != self.contract_id
        )
        return [
            (
                self.env._("Lote %s has no protocolo, or is of another convênio.", lote.name),
                self,
                "lote_ids",
            )
            for lote in strange
        ]

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return "SOLIC_DEMONSTRATIVO_RETORNO"

    def _prepare_tiss_body(self):
        """ct_demonstrativoSolicitacao (guide §5.2)"""
        values = {
            "dadosPrestador": self.contract_id._get_provider_identification(),
            "dataSolicitacao": fields.Date.context_today(self),
        }
        if self.kind_id.code == ANALYSIS:
            numbers = self.lote_ids.sorted("id").mapped("protocol_number")
            return {"demonstrativoAnalise": {**values, "protocolos": {"numeroProtocolo": numbers}}}
        month = self.competence_date
        period = {"competencia": f"{month:%Y%m}"} if month else {"dataPagamento": self.payment_date}
        return {
            "demonstrativoPagamento": {
                **values,
                "tipoDemonstrativo": self.kind_id.code,
                "periodo": period,
            }
        }

    # ------------------------------------------------------------------
    # Asking
    # ------------------------------------------------------------------

    @api.model
    def _ask_analysis(self, lotes, by_hand=True):
        """Requests for the analysis of protocolos, thirty a message.

        :param by_hand: a person asked, who takes the files to a portal that has no web service
        :return: `tiss.demonstrativo.request`
        """
        kind = self.env["tiss.term"]._get("53", ANALYSIS)
        vals_list = [
            {
                "company_id": contract.company_id.id,
                "contract_id": contract.id,
                "kind_id": kind.id,
                "lote_ids": [Command.set(batch)],
            }
            for contract, own in lotes.grouped("contract_id").items()
            for batch in split_every(MAX_PROTOCOLS, own.ids, list)
        ]
        return self._ask(vals_list, by_hand)

    @api.model
    def _ask(self, vals_list, by_hand):
        requests = self.create(vals_list)
        if by_hand:
            requests.send()
        else:
            requests._send_by_service()
        return requests

    @api.model
    def _ask_due(self, contract):
        """Ask for the analyses and the payments that a convênio owes.

        :return: `tiss.demonstrativo.request`
        """
        today = fields.Date.context_today(self)
        limit = today - timedelta(contract.demonstrativo_days)
        # Whatever waits to be sent by a person is not made a second time.
        recent = ["|", ("state", "in", ("draft", "validated")), ("asked_date", ">", limit)]
        Lote = self.env["tiss.lote"]
        late = [("contract_id", "=", contract.id), ("protocol_date", "<=", limit)]
        to_analyse = Lote.search(
            [
                *late,
                ("state", "=", "received"),
                ("guia_type", "!=", "odonto"),
                ("demonstrativo_request_ids", "not any", recent),
            ]
        )
        requests = self._ask_analysis(to_analyse, by_hand=False)
        return requests | self._ask(self._prepare_due_payments(contract, recent), by_hand=False)

    @api.model
    def _prepare_due_payments(self, contract, recent):
        """Values of requests for the payments of this month, and of the last where that is due."""
        today = fields.Date.context_today(self)
        expected = today - timedelta(contract.payment_days)
        unpaid = self.env["tiss.lote"]._read_group(
            [
                ("contract_id", "=", contract.id),
                ("protocol_date", "<=", expected),
                ("state", "in", ("received", "processed")),
                ("guia_ids", "any", [("amount_open", ">", 0)]),
            ],
            ["guia_type"],
        )
        codes = {DENTAL if guia_type == "odonto" else PAYMENT for [guia_type] in unpaid}
        before = today - timedelta(contract.demonstrativo_days)
        months = {day.replace(day=1) for day in (before, today)}
        asked = {
            (request.kind_id.code, request.competence_date.replace(day=1))
            for request in self.search(
                [("contract_id", "=", contract.id), ("competence_date", "!=", False), *recent]
            )
        }
        return [
            {
                "company_id": contract.company_id.id,
                "contract_id": contract.id,
                "kind_id": self.env["tiss.term"]._get("53", code).id,
                "competence_date": month,
            }
            for code in sorted(codes)
            for month in sorted(months)
            if (code, month) not in asked
        ]

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in a demonstrativosRetorno without a demonstrativo: not ready, or a refusal.

        :return: the request that was answered
        """
        situation = body.get("situacaoDemonstrativoRetorno")
        if situation is None:
            return self._receive_error(name, content, values, body)
        contract = self.env["tiss.message"]._find_contract(values["cabecalho"])
        request = self._find_asked_of(contract, situation)
        request._record_answer(name, content, values)
        request.sudo().write(
            {
                "state": "sent",
                "waiting_status_id": self._get_status("47", situation["situacaoDemonstrativo"]).id,
                "waiting_date": situation["dataSituacaoDemonstrativo"],
                "waiting_protocol": situation["protocoloSolicitacaoDemonstrativo"],
            }
        )
        return request

    @api.model
    def _find_asked_of(self, contract, situation):
        """The request that is not ready: by its protocolo, by ours, or the only one of the kind."""
        given, protocol = (
            situation["protocoloSolicitacaoDemonstrativo"],
            situation["numeroProtocolo"],
        )
        waiting = self._search_answered(
            [
                ("contract_id", "=", contract.id),
                ("state", "in", WAITING),
                ("kind_id.code", "=", situation["tipoDemonstrativo"]),
            ]
        )
        told = waiting.filtered(lambda request: request.waiting_protocol == given)
        named = waiting.filtered(
            lambda request: protocol in request.lote_ids.mapped("protocol_number")
        )
        found = told or named or waiting
        if len(found) == 1:
            return found
        return self._find_waiting(contract, [("id", "in", found.ids)], given)

    @api.model
    def _find_answered_by(self, contract, body_name, get_protocols, days):
        """The request that demonstrativos answer; none where nobody asked.

        :param get_protocols: gives the numbers of the protocolos that they are about
        :param days: of the payments that they are about
        """
        waiting = self._search_answered(
            [("contract_id", "=", contract.id), ("state", "in", WAITING)], order="id"
        )
        if self.env["tiss.delivery"]._get_current():
            return waiting
        waiting = waiting.filtered(lambda request: request.kind_id.code == KINDS[body_name])
        if not waiting:
            return waiting
        if body_name == "demonstrativoAnaliseConta":
            protocols = get_protocols()
            return waiting.filtered(
                lambda request: protocols & set(request.lote_ids.mapped("protocol_number"))
            )[:1]
        return waiting.filtered(lambda request: request._covers(days))[:1]

    def _covers(self, days):
        """Whether one request is about any of these days of payment."""
        month = self.competence_date
        return any(
            day == self.payment_date
            or (month and (day.year, day.month) == (month.year, month.month))
            for day in days
        )

    def _take_answer(self, demonstrativos):
        """What was asked for has come."""
        if self:
            self._accept(
                demonstrativo_ids=[Command.link(each.id) for each in demonstrativos],
                waiting_status_id=False,
            )
