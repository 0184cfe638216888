from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from .appeal_reader import read_claims, read_receipt
from .authorization_reader import read_moment
from .bulk import lock
from .tiss_recurso import WAITING
from .tiss_term import term_field

NOT_TOLD = ("sent", "unknown")


class TissRecurso(models.Model):
    """What the operadora says of a recurso: taken, what has become of it, and what it grants."""

    _name = "tiss.recurso"
    _inherit = ["tiss.status.asked", "tiss.recurso"]

    status_id = term_field("47", "Status at the Operadora", readonly=True, copy=False)
    status_date = fields.Date("Said On", readonly=True, copy=False)
    operadora_number = fields.Char("Number at the Operadora", readonly=True, copy=False, size=20)
    answer_date = fields.Date("Answered On", readonly=True, copy=False)
    result = fields.Selection(
        [("granted", "Granted"), ("partial", "Partly Granted"), ("kept", "Not Granted")],
        compute="_compute_result",
        store=True,
    )

    @api.depends("state", "amount_total", "amount_granted")
    def _compute_result(self):
        for recurso in self:
            kept = to_cents(recurso.amount_total) - to_cents(recurso.amount_granted)
            if recurso.state != "answered":
                recurso.result = False
            elif not kept:
                recurso.result = "granted"
            else:
                recurso.result = "partial" if recurso.amount_granted else "kept"

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {
            "status_id", "status_date", "query_date", "operadora_number", "answer_date",
        }  # fmt: skip

    # ------------------------------------------------------------------
    # Status query
    # ------------------------------------------------------------------

    @api.model
    def _get_question(self):
        return "SOLIC_STATUS_RECURSO_GLOSA"

    def _prepare_tiss_question(self):
        """ct_protocoloSolicitacaoStatus (guide §5.8)"""
        return {
            "dadosPrestador": self.contract_id._get_provider_identification(),
            "numeroProtocolo": self.protocol_number,
        }

    def _check_askable(self):
        self._check_state("received")
        for recurso in self.filtered(lambda recurso: not recurso.protocol_number):
            raise UserError(
                self.env._("%s has no protocolo to ask about: register it.", recurso.display_name)
            )

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in a recebimentoRecursoGlosa or a respostaRecursoGlosa (guide §5.8).

        :return: the recurso that was answered
        """
        contract = self.env["tiss.message"]._find_contract(values["cabecalho"])
        moment = read_moment(values["cabecalho"])
        if body.get("protocoloRecebimento"):
            return self._receive_receipt(
                name, content, values, contract, read_receipt(body["protocoloRecebimento"])
            )
        answer = body.get("reciboGlosa") or body.get("reciboGlosaOdonto")
        if answer:
            return self._receive_decision(name, content, values, contract, answer, moment)
        if body.get("reciboGlosaStatus"):
            told = body["reciboGlosaStatus"]
            return self._receive_status(name, content, values, contract, told)
        if "recebimentoRecursoGlosa" in values["operadoraParaPrestador"]:
            return self._receive_error(name, content, values, body)
        reason = self._read_refusal(body)
        return self._receive_no_status(name, content, values, contract, reason)

    @api.model
    def _receive_receipt(self, name, content, values, contract, told):
        """The receipt does not say our number: it is the one that contests just this."""
        own = [("contract_id", "=", contract.id)]
        known = self.search([*own, ("protocol_number", "=", told.protocol)])
        if known:
            return known
        waiting = self._search_answered([*own, ("state", "in", NOT_TOLD)]).filtered(
            lambda recurso: recurso._is_receipt_of(told)
        )
        if not waiting:
            raise UserError(
                self.env._(
                    "No recurso against protocolo %s waits for a receipt that says this.",
                    told.contested_protocol,
                )
            )
        if len(waiting) > 1:
            raise UserError(
                self.env._(
                    "The receipt does not say which of several recursos against protocolo %s it is"
                    " about: open the recurso and register its protocolo there.",
                    told.contested_protocol,
                )
            )
        waiting._record_answer(name, content, values)
        return waiting.register_protocol(told.protocol, told.date)

    def _is_receipt_of(self, told):
        """Whether a receipt is about this recurso: same protocolo, guias and amount."""
        same_protocol = (self.contested_protocol or "").lstrip("0") == (
            told.contested_protocol.lstrip("0")
        )
        names = set(self.line_ids.guia_id.mapped("name"))
        same_guias = told.guias == names if told.guias else True
        same_total = told.total is None or told.total == to_cents(self.amount_total)
        return same_protocol and same_guias and same_total

    @api.model
    def _receive_status(self, name, content, values, contract, told):
        """reciboGlosaStatus: not decided yet."""
        number = told["nrProtocoloRecursoGlosa"]
        recurso = self._search_answered(
            [("contract_id", "=", contract.id), ("protocol_number", "=", number)], limit=1
        )
        if not recurso:
            self._raise_unknown(number)
        recurso._record_answer(name, content, values)
        recurso.check_access("write")
        recurso.sudo().write(
            {
                "status_id": self.env["tiss.term"]._get("47", told["situacaoProtocolo"]).id,
                "status_date": told.get("dataSituacao") or fields.Date.context_today(self),
                "query_date": False,
            }
        )
        return recurso

    @api.model
    def _receive_no_status(self, name, content, values, contract, reason):
        """There was no answer to the question about a recurso."""
        asked = self._search_answered(
            [
                ("contract_id", "=", contract.id),
                ("state", "=", "received"),
                ("query_date", "!=", False),
            ],
        )
        if len(asked) != 1:
            raise UserError(
                self.env._("The answer does not say which recurso it is about: %s", reason)
            )
        asked._record_answer(name, content, values, reason)
        asked.sudo().query_date = False
        asked._message_log(body=reason)
        return asked

    @api.model
    def _raise_unknown(self, number):
        raise UserError(
            self.env._("The answer is about recurso %s, which this clinic does not have.", number)
        )

    # ------------------------------------------------------------------
    # What it decided
    # ------------------------------------------------------------------

    @api.model
    def _receive_decision(self, name, content, values, contract, answer, moment):
        number = answer["numeroGuiaRecGlosaPrestador"]
        recurso = self._search_answered(
            [("contract_id", "=", contract.id), ("name", "=", number)], limit=1
        )
        if not recurso:
            self._raise_unknown(number)
        granted, notes = recurso._match_claims(read_claims(answer), answer)
        if recurso.state == "answered" and recurso._is_said_already(granted):
            return recurso
        recurso._check_state(*WAITING)
        recurso._record_answer(name, content, values)
        recurso.sudo().operadora_number = answer.get("numeroGuiaRecGlosaOperadora")
        recurso._take_decision(granted, notes, moment and moment.date())
        return recurso

    def _match_claims(self, claims, answer):
        """What was granted of which line.

        :return: ({line: cents}, {line: remark})
        """
        granted, notes = {}, {}
        for claim in claims:
            told = self.line_ids.browse(line.id for line in granted)
            lines = (self.line_ids - told).filtered(
                lambda line, claim=claim: (
                    claim.guia in (None, line.guia_id.name)
                    and claim.item in (None, line.guia_line_id.sequence_item)
                    and line.code == claim.code
                )
            )
            if not lines:
                place = " / ".join(str(part) for part in claim[:3] if part)
                raise UserError(
                    self.env._(
                        "The answer is about %(place)s, which recurso %(recurso)s does not"
                        " contest.",
                        place=place,
                        recurso=self.name,
                    )
                )
            granted |= lines._share(claim.granted)
            notes |= dict.fromkeys(lines, claim.note)
        self._check_granted_total(granted, answer)
        return granted, notes

    def _check_granted_total(self, granted, answer):
        """What it grants in all must be what it grants of the parts (guide §5.8)."""
        stated = to_cents(answer["valorTotalAcatado"])
        summed = sum(granted.values())
        if stated != summed:
            money = self.currency_id.format
            self._message_log(
                body=self.env._(
                    "The operadora says that it grants %(stated)s, but its parts add up to"
                    " %(summed)s: the parts were taken.",
                    stated=money(float(from_cents(stated))),
                    summed=money(float(from_cents(summed))),
                )
            )

    def _is_said_already(self, granted):
        return all(to_cents(line.amount_granted) == cents for line, cents in granted.items())

    def action_register_answer(self):
        """The operadora answered outside of a file: what was typed on the lines counts."""
        for recurso in self:
            recurso.register_answer(
                {line: line.amount_granted for line in recurso.line_ids if not line.is_answered}
            )

    def register_answer(self, granted, date=None):
        """Keep what the operadora decided, as its portal or its letter says.

        :param granted: {line: amount in reais}; the rest of a line is denied again
        :param date: day of the answer, today by default
        :return: self
        """
        self.check_access("write")
        self.ensure_one()
        self._check_state(*WAITING)
        cents = {line: to_cents(amount) for line, amount in granted.items()}
        self._take_decision(cents, {}, date)
        return self

    def _take_decision(self, granted, notes, date=None):
        """Note what was granted; the rest is denied again, with a deadline of its own."""
        date = date or fields.Date.context_today(self)
        lock(self.lote_id)
        lock(self)
        lines = self.env["tiss.recurso.line"].union(*granted)
        entries = []
        for line, cents in granted.items():
            line._check_granted(cents)
            kept = to_cents(line.amount_appealed) - cents + to_cents(line.amount_recovered)
            entries.append(line._prepare_entry("keep", kept))
            vals = {"amount_granted": float(from_cents(cents)), "is_answered": True}
            if notes.get(line):
                vals["answer_note"] = notes[line]
            line.sudo().write(vals)
        self.env["tiss.movement"]._record(entries, fields.Date.context_today(self))
        kept_lines = lines.filtered("amount_kept")
        kept_lines.glosa_id.sudo().deadline_date = self.contract_id._get_appeal_deadline(date)
        vals = {"query_date": False}
        if all(self.line_ids.mapped("is_answered")):
            vals |= {"state": "answered", "answer_date": date}
        elif self.state != "received":
            vals["state"] = "received"
        self.sudo().write({**vals, "rejection_reason": False})
        self.lote_id._check_tie_out()
