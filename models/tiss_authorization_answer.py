from odoo import api, fields, models
from odoo.exceptions import UserError

from .authorization_reader import DENTAL, read_answer, read_moment
from .bulk import lock
from .inside import INSIDE
from .system_fields import refuse_other
from .tiss_authorization import DECIDED, EDITABLE, GRANTED, WAITING

STATES = {  # T45 → state
    "1": "authorized",
    "2": "in_analysis",
    "3": "denied",
    "4": "pending",
    "5": "pending",
    "6": "cancelled",
    "7": "partial",
}
TYPED_FIELDS = {
    "operadora_number", "authorization_password", "authorization_date",
    "authorization_validity_date", "operadora_note", "days_authorized",
}  # fmt: skip


class TissAuthorization(models.Model):
    """Answers of the operadora, read out of its messages or typed by a person (guide §5.6).

    There may be several about one request: in analysis first, then decided, then changed.
    """

    _inherit = "tiss.authorization"

    # ------------------------------------------------------------------
    # Files
    # ------------------------------------------------------------------

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in autorizacaoServicos or situacaoAutorizacao: a decision, or a refusal.

        :return: the request that was answered
        """
        Message = self.env["tiss.message"]
        contract = Message._find_contract(values["cabecalho"])
        body_name, _body = Message._get_body(values)
        # The message of a treatment alone is known by what lies inside of autorizacaoServicos.
        answer = read_answer({body_name: body} if body_name == DENTAL else body)
        if not answer:
            reason = self._read_refusal(body)
            return self._receive_refusal(name, content, values, body_name, contract, reason)
        request = self._find_answered(contract, answer)
        moment = read_moment(values["cabecalho"])
        request._record_answer(name, content, values)
        if request.answer_moment and moment and moment < request.answer_moment:
            # Files of a portal are read in any order: the answer that was written last counts.
            return request
        request._apply_answer(answer, moment)
        return request

    @api.model
    def _find_answered(self, contract, answer):
        """The request that an answer names, checked to be about the same card."""
        request = self._search_answered(
            [("contract_id", "=", contract.id), ("name", "=", answer.number)]
        )
        if not request:
            raise UserError(
                self.env._(
                    "The answer is about request %s, which this clinic did not send.", answer.number
                )
            )
        if request.card_number.lstrip("0") != answer.card_number.lstrip("0"):
            raise UserError(
                self.env._("The answer to request %s is about another card.", answer.number)
            )
        return request

    @api.model
    def _receive_refusal(self, name, content, values, body_name, contract, reason):
        """A mensagemErro names no request: it is about the only one that waits for an answer."""
        is_query = body_name == "situacaoAutorizacao"
        domain = [("state", "in", ("sent", "unknown"))]
        if is_query:
            domain = [("query_date", "!=", False), ("state", "in", WAITING)]
        requests = self._search_answered([("contract_id", "=", contract.id), *domain])
        if len(requests) != 1:
            raise UserError(
                self.env._(
                    "The refusal does not say which request it is about, and %s requests of this"
                    " operadora wait for an answer: open the request and refuse it there.",
                    len(requests),
                )
            )
        requests._record_answer(name, content, values, reason)
        if is_query:
            body = self.env._("The operadora did not tell the status: %s", reason)
            requests.message_post(body=body)
        else:
            requests._reject(reason)
        return requests

    def _reject(self, reason):
        """The operadora did not take the request: it can be corrected and sent again."""
        self.check_access("write")
        self.ensure_one()
        self._check_state("sent", "unknown", "validated")
        self.sudo().write({"state": "rejected", "rejection_reason": reason})

    # ------------------------------------------------------------------
    # What was answered
    # ------------------------------------------------------------------

    def _apply_answer(self, answer, moment):
        """Keep what a message of the operadora says of this request."""
        Term = self.env["tiss.term"]
        state = STATES.get(answer.status)
        if not state:
            raise UserError(
                self.env._("The answer has a status that nobody knows: %s.", answer.status)
            )
        values = {name: value for name, value in answer.values.items() if value is not None}
        if answer.accommodation:
            values["authorized_accommodation_id"] = Term._get("49", answer.accommodation).id
        self._decide(
            {
                **values,
                "state": state,
                "answer_status_id": Term._get("45", answer.status).id,
                "answer_moment": moment,
            },
            answer.items,
            answer.reasons,
        )

    def register_answer(self, status, quantities=None, reasons=(), **vals):
        """Keep what the operadora said on its portal or by telephone.

        :param status: code of T45
        :param quantities: {item: what of it is authorised}; all of each item by default
        :param reasons: T38 codes
        :param vals: operadora_number, authorization_password, authorization_date,
            authorization_validity_date, operadora_note, days_authorized
        """
        self.check_access("write")
        refuse_other(self, TYPED_FIELDS, vals)
        self.ensure_one()
        self._check_state(*EDITABLE, *WAITING, *DECIDED)
        if STATES[status] in GRANTED:
            vals = self._prepare_grant(vals)
        elif STATES[status] == "denied":
            quantities = dict.fromkeys(self.line_ids, 0)
        self._decide(
            {
                **vals,
                "state": STATES[status],
                "answer_status_id": self.env["tiss.term"]._get("45", status).id,
                # What a person was told counts until a file of the operadora says more.
                "answer_moment": False,
            },
            (),
            [(code, None) for code in reasons],
            quantities,
        )

    def _get_registered_quantities(self):
        """{item: what is proposed to whoever types an answer}: all of it, or what is known."""
        is_known = self.state in GRANTED
        return {
            line: line.quantity_authorized if is_known else line.quantity for line in self.line_ids
        }

    def _prepare_grant(self, vals):
        """A typed authorisation, refused when nothing proves it or its dates cannot be."""
        known = {**{name: self[name] for name in vals}, **vals}
        if not known.get("authorization_password") and not known.get("operadora_number"):
            raise UserError(self.env._("Type the password, or the number at the operadora."))
        date = known.get("authorization_date") or fields.Date.context_today(self)
        validity = known.get("authorization_validity_date")
        if date > fields.Date.context_today(self):
            raise UserError(self.env._("The authorisation is dated in the future."))
        if validity and validity < date:
            raise UserError(self.env._("The password expires before the day of the authorisation."))
        return {**vals, "authorization_date": date}

    def _decide(self, vals, items, reasons, quantities=None):
        """Write an answer, whoever brought it."""
        self.ensure_one()
        lock(self)
        request = self.sudo().with_context(tiss_authorization_answer=INSIDE)
        if self.state == "cancelled":
            # It was given up meanwhile: what was answered is in the journal.
            return
        state = vals["state"]
        lines = request._match_items(items) if state in DECIDED else {}
        if state in DECIDED:
            request._decide_items(state, lines, quantities)
            if state == "authorized" and any(
                line.quantity_authorized < line.quantity for line in request.line_ids
            ):
                vals["state"] = "partial"
        request._keep_reasons(lines, reasons)
        request.write(
            {
                **vals,
                "answer_date": fields.Date.context_today(self),
                "sent_date": self.sent_date or fields.Date.context_today(self),
                "rejection_reason": False,
            }
        )
        request.encounter_id._take_authorization(self)

    def _decide_items(self, state, lines, quantities):
        """Write what is authorised of each item; without a word about items, all or nothing.

        :param lines: {item of the answer: line}
        :param quantities: {line: quantity} that a person typed; the others keep nothing
        """
        if not lines:
            if quantities is None:
                all_of_it = state == "authorized"
                quantities = {line: line.quantity if all_of_it else 0 for line in self.line_ids}
            for quantity, group in self.line_ids.grouped(
                lambda line: quantities.get(line, 0)
            ).items():
                group.write({"quantity_authorized": quantity})
            return
        answered = self.env["tiss.authorization.line"].union(*lines.values())
        (self.line_ids - answered).write({"quantity_authorized": 0})
        for item, line in lines.items():
            line.write(self._prepare_item_vals(item))

    def _prepare_item_vals(self, item):
        return {
            "quantity_authorized": max(item.authorized, 0),
            "amount_authorized": float(item.amount_authorized or 0),
        }

    def _match_items(self, items):
        """{item of the answer: the line that it is about}; what nobody asked for gets a line.

        The place in the request tells lines of the same procedure apart; an operadora that numbers
        in its own way is understood by the procedure.
        """
        free = list(self.line_ids.sorted("sequence_item"))
        places = {place: line for place, line in enumerate(free, start=1)}
        matched = {}
        for item in items:
            line = places.get(item.sequence)
            if line in free and (line.table_code, line.code) == item.procedure:
                matched[item] = line
                free.remove(line)
        unasked = []
        for item in items:
            if item in matched:
                continue
            line = next(
                (each for each in free if (each.table_code, each.code) == item.procedure), None
            )
            if line:
                matched[item] = line
                free.remove(line)
            else:
                unasked.append(item)
        extra = self.env["tiss.authorization.line"].create(
            [self._prepare_extra_vals(item) for item in unasked]
        )
        return {**matched, **dict(zip(unasked, extra, strict=True))}

    def _prepare_extra_vals(self, item):
        Term = self.env["tiss.term"]
        return {
            "authorization_id": self.id,
            "is_extra": True,
            "table_code": item.table,
            "code": item.code,
            "description": item.description,
            "quantity": max(item.requested, 0),
            "tooth_id": item.tooth and Term._get("28", item.tooth).id,
            "region_id": item.region and Term._get("42", item.region).id,
        }

    def _keep_reasons(self, lines, reasons):
        """The reasons of the last answer, which replace those of the one before.

        :param lines: {item of the answer: line}
        :param reasons: pairs of a T38 code and a text, of the whole request
        """
        Reason = self.env["tiss.authorization.reason"]
        Reason.search([("authorization_id", "=", self.id)]).unlink()
        rows = [(code, text, False) for code, text in reasons]
        rows += [
            (code, text, line.id) for item, line in lines.items() for code, text in item.reasons
        ]
        terms = {
            term.code: term
            for term in self.env["tiss.term"].search(
                [("table_code", "=", "38"), ("code", "in", [code for code, *_rest in rows])]
            )
        }
        Reason.create(
            [
                {
                    "authorization_id": self.id,
                    "line_id": line_id,
                    "code": code,
                    "text": text,
                    "term_id": terms[code].id if code in terms else False,
                }
                for code, text, line_id in rows
            ]
        )
