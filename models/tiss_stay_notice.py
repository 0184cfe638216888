from odoo import api, fields, models
from odoo.exceptions import UserError

from .tiss_guia_internacao import PERMANENCES
from .tiss_term import term_field

EVENTS = {"admission": "I", "discharge": "A"}  # tipoEvento (guide §4.5)


class TissStayNotice(models.Model):
    """Comunicação de internação ou alta: the operadora is told that a stay began or ended.

    Flow: draft → validated → sent → received, as the receipt says; rejected, cancelled.
    """

    _name = "tiss.stay.notice"
    _description = "Notice of Admission or Discharge"
    _inherit = ["tiss.submission", "tiss.form", "mail.thread", "mail.activity.mixin"]
    _order = "event_date desc, id desc"
    _check_company_auto = True
    _rec_names_search = ["name", "patient_id", "card_number"]

    name = fields.Char("Number", required=True, readonly=True, copy=False, default="/")
    event = fields.Selection(
        [("admission", "Admission"), ("discharge", "Discharge")],
        required=True,
        default="admission",
        index=True,
    )
    event_date = fields.Date("Day", required=True, default=fields.Date.context_today)
    hospitalization_type_id = term_field("57", "Hospitalisation")
    discharge_reason_id = term_field("39", "End of Care")
    encounter_id = fields.Many2one(
        "tiss.encounter", check_company=True, index="btree_not_null", ondelete="restrict"
    )
    guia_id = fields.Many2one(
        "tiss.guia",
        check_company=True,
        domain=[("guia_type", "=", "resumo_internacao")],
        index="btree_not_null",
        ondelete="restrict",
    )
    repeated_id = fields.Many2one(
        "tiss.stay.notice", "Already Told With", compute="_compute_repeated_id"
    )

    _told_idx = models.Index("(card_id, event, event_date)")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "event", "contract_id")
    def _compute_display_name(self):
        label = dict(self._fields["event"]._description_selection(self.env))
        for notice in self:
            number = notice.name if notice.name != "/" else self.env._("New Notice")
            parts = [number, label.get(notice.event), notice.contract_id.name]
            notice.display_name = " · ".join(filter(None, parts))

    @api.depends("card_id", "event", "event_date", "encounter_id", "guia_id", "state")
    def _compute_repeated_id(self):
        """Another notice of the same event; one that was refused does not count."""
        others = self.search_fetch(
            [
                ("card_id", "in", self.card_id.ids),
                ("state", "not in", ("rejected", "cancelled")),
            ],
            ["card_id", "event", "event_date", "encounter_id", "guia_id"],
            order="id",
        ).grouped(lambda other: (other.card_id, other.event))
        for notice in self:
            known = others.get((notice.card_id, notice.event), self.browse())
            same = known.filtered(
                lambda other, notice=notice: (
                    other != notice._origin
                    and (
                        other.event_date == notice.event_date
                        or (notice.guia_id and other.guia_id == notice.guia_id)
                        or (notice.encounter_id and other.encounter_id == notice.encounter_id)
                    )
                )
            )
            is_over = notice.state in ("rejected", "cancelled")
            notice.repeated_id = not is_over and same[:1]

    @api.depends(
        lambda self: ("state", *self._get_frozen_fields(), "contract_id.provider_code", "guia_id")
    )
    def _compute_problems(self):
        return super()._compute_problems()

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.onchange("guia_id", "event")
    def _onchange_guia_id(self):
        """The guia knows whose stay it is, and when it began and ended."""
        if self.guia_id and self.event:
            self.update(self.guia_id._prepare_stay_notice(self.event))

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model
    def _get_frozen_fields(self):
        return {
            "company_id", "contract_id", "patient_id", "card_id", "card_number", "is_newborn",
            "identification_type_id", "event", "event_date", "hospitalization_type_id",
            "discharge_reason_id",
        }  # fmt: skip

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_source(self):
        """The guia or the visit that the stay is known from."""
        return (self.guia_id or self.encounter_id)._get_records_action()

    # ------------------------------------------------------------------
    # What is missing
    # ------------------------------------------------------------------

    def _get_problem_rows(self):
        if self.state not in ("draft", "validated"):
            return []
        told = "hospitalization_type_id" if self.event == "admission" else "discharge_reason_id"
        return [
            *super()._get_problem_rows(),
            *self._get_missing("event_date", told),
            *self._get_event_problems(),
        ]

    def _get_event_problems(self):
        """The event is in the past, and a discharge is one and after the admission."""
        problems = []
        if self.event_date and self.event_date > fields.Date.context_today(self):
            sentence = self.env._("The day is in the future: only what has happened is told.")
            problems.append((sentence, self, "event_date"))
        if self.event == "admission":
            return problems
        start = self.guia_id.start_date or self.encounter_id.start_date
        if start and self.event_date and self.event_date < start:
            sentence = self.env._("The discharge is before the admission.")
            problems.append((sentence, self, "event_date"))
        if self.discharge_reason_id.code in PERMANENCES:
            sentence = self.env._("The reasons 21 to 28 say that the patient stays.")
            problems.append((sentence, self, "discharge_reason_id"))
        return problems

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    @api.model
    def _get_transaction(self):
        return "COMUNICACAO_BENEFICIARIO"

    def _prepare_tiss_body(self):
        """ctm_beneficiarioComunicacao (guide §4.5)"""
        told = (
            {"tipoInternacao": self.hospitalization_type_id.code or None}
            if self.event == "admission"
            else {"motivoEncerramento": self.discharge_reason_id.code or None}
        )
        return {
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "dataEvento": self.event_date,
            "tipoEvento": EVENTS[self.event],
            "dadosInternacao": told,
        }

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in a reciboComunicacao (guide §4.5).

        :return: the notice that was answered
        """
        receipt = body.get("reciboComunicacao")
        if not receipt:
            return self._receive_error(name, content, values, body)
        contract = self.env["tiss.message"]._find_contract(values["cabecalho"])
        notice = self._find_told(contract, receipt["beneficiarioComunicacaoRet"])
        reason = self._get_receipt_refusal(receipt)
        notice._record_answer(name, content, values, reason)
        if reason:
            notice._reject(reason)
        else:
            notice._accept()
        return notice

    @api.model
    def _find_told(self, contract, told):
        """The notice that a receipt echoes: it has no number, only card and event."""
        number = told["dadosBeneficiario"]["numeroCarteira"]
        events = [event for event, code in EVENTS.items() if code == told["tipoEvento"]]
        domain = [("card_number", "=", number), ("event", "in", events)]
        return self._find_waiting(contract, domain, number)

    def _get_receipt_refusal(self, receipt):
        """Why the operadora did not take the notice, in words; None when it did."""
        status = receipt["statusComunicacao"]
        if status == "S":
            return None
        if status != "N":
            raise UserError(
                self.env._("The answer has a status that nobody knows: %s.", status or "?")
            )
        return self._get_refusal({"codigoGlosa": receipt.get("codigoGlosa")})
