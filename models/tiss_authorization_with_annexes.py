from odoo import api, fields, models

from .authorization_reader import SERVICES, read_moment
from .tiss_authorization import EDITABLE

INSIDE_ELEMENTS = {
    "opme": "solicitacaoOPME",
    "quimio": "solicitacaoQuimioterapia",
    "radio": "solicitacaoRadioterapia",
}
FOLLOWED = {  # state of a request → that of the annexes inside it
    **dict.fromkeys(EDITABLE, "draft"),
    **{state: state for state in ("sending", "unknown", "sent")},
    "cancelled": "cancelled",
}


class TissAuthorization(models.Model):
    """The annexes that a request takes along, and those that follow it (guide §3.9)."""

    _inherit = "tiss.authorization"

    annex_ids = fields.One2many("tiss.annex", "authorization_id", "Annexes")
    annex_count = fields.Integer(compute="_compute_annex_count")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("annex_ids")
    def _compute_annex_count(self):
        for request in self:
            request.annex_count = len(request.annex_ids)

    @api.depends("annex_ids.annex_type", "annex_ids.state")
    def _compute_annex_kinds(self):
        return super()._compute_annex_kinds()

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        result = super().write(vals)
        if "state" in vals:
            self._update_annexes()
        return result

    def _update_annexes(self):
        """Annexes inside a request leave, come back and are given up with it."""
        inside = self.annex_ids.filtered(
            lambda annex: annex.transport == "request" and annex.state != "cancelled"
        )
        for request, annexes in inside.grouped("authorization_id").items():
            state = FOLLOWED.get(request.state, "received")
            annexes.filtered(lambda annex, state=state: annex.state != state).sudo().write(
                {"state": state, "sent_date": request.sent_date}
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_annexes(self):
        self.ensure_one()
        kind = "situacao_inicial" if self._is_dental() else False
        return {
            **self.env["ir.actions.act_window"]._for_xml_id("l10n_br_tiss.tiss_annex_action"),
            "domain": [("authorization_id", "=", self.id)],
            "context": {"default_authorization_id": self.id, "default_annex_type": kind},
            "views": [(False, "list"), (False, "form")] if self.annex_ids else [(False, "form")],
        }

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _is_away(self):
        """Whether the request has left: what belongs to it can no longer go inside it."""
        return bool(self) and self.state not in EDITABLE

    def _is_dental(self):
        return self.request_type == "odonto"

    def _get_living_annexes(self):
        return self.annex_ids.filtered(lambda annex: annex.state != "cancelled")

    def _get_inside_annexes(self):
        living = self._get_living_annexes()
        return living.filtered(lambda annex: annex.transport == "request").sorted("number")

    def _is_clinical(self):
        """What an annex inside the request says is clinical."""
        return super()._is_clinical() or bool(self._get_inside_annexes())

    def _get_annex_kinds(self):
        return super()._get_annex_kinds() | set(self._get_living_annexes().mapped("annex_type"))

    def _get_problem_rows(self):
        """See `tiss.form`: a request leaves with what it takes along, so that must be whole."""
        rows = super()._get_problem_rows()
        if self._is_away():
            return rows
        for annex in self._get_inside_annexes():
            count = len(annex._get_problem_rows())
            if count:
                sentence = self.env._(
                    "Annex %(annex)s lacks %(count)s things.",
                    annex=annex.display_name,
                    count=count,
                )
                rows.append((sentence, annex, None))
        return rows

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def _read_content(self):
        inside = self.sudo()._get_inside_annexes()
        inside._read_for_message(inside)
        return super()._read_content()

    def _prepare_tiss_annexes(self):
        """anexoClinico, anexoClinicoProrrogacao: at most one annex of each type"""
        annexes = self._get_inside_annexes()
        if not annexes:
            return super()._prepare_tiss_annexes()
        return {INSIDE_ELEMENTS[annex.annex_type]: annex._prepare_tiss_annex() for annex in annexes}

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _receive_answer(self, name, content, values, body):
        request = super()._receive_answer(name, content, values, body)
        # An answer that a newer one has overtaken says nothing of the annexes either.
        if request.answer_moment == read_moment(values["cabecalho"]):
            request._read_annex_answers(body)
        return request

    def _match_items(self, items):
        """Materials of an OPME annex inside the request are answered there, not as new items."""
        asked = {(line.table_code, line.code) for line in self.line_ids}
        materials = {
            (line.table_code, line.code)
            for line in self.sudo()._get_inside_annexes().line_ids
            if line.annex_type == "opme"
        }
        return super()._match_items(
            [item for item in items if item.procedure not in materials - asked]
        )

    def _read_annex_answers(self, body):
        """What an answer to the request says of the annexes that went inside it (guide §5.6).

        A quimio and a radio are answered by an element of their own; the materials of an OPME are
        items of the request's answer, those with a choice of maker.

        :param body: ct_situacaoAutorizacao
        """
        service = self._get_answered_service(body)
        annexes = self._get_inside_annexes() if service else self.annex_ids.browse()
        answers = {
            "quimio": service.get("autorizacaoQuimio"),
            "radio": service.get("autorizacaoRadio"),
        }
        for annex in annexes:
            answer = answers.get(annex.annex_type)
            if annex.annex_type == "opme":
                answer = self._get_material_answer(service)
            if answer:
                annex._read_answer(answer)

    @api.model
    def _get_answered_service(self, body):
        """ctm_autorizacaoServico, wherever an answer has it; empty when it has none."""
        for branch, inner in SERVICES.items():
            if body.get(branch):
                return body[branch].get(inner) or {} if inner else body[branch]
        return {}

    @api.model
    def _get_material_answer(self, service):
        """The answer to an OPME annex inside a request, in the shape of ctm_autorizacaoOPME."""
        items = (service.get("servicosAutorizados") or {}).get("servicoAutorizado") or []
        materials = [item for item in items if item.get("opcaoFabricante")]
        return {
            "dadosAutorizacao": service.get("dadosAutorizacao"),
            "statusSolicitacao": service.get("statusSolicitacao"),
            "servicosAutorizadosOPME": materials,
        }
