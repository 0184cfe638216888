from odoo import api, fields, models

from ..standard.money import to_decimal
from .bulk import read_children
from .tiss_initial_condition import CLINICAL_FIELDS


class TissAuthorization(models.Model):
    """Request of a dental treatment (guide §5.6); its message has no date and no indication."""

    _name = "tiss.authorization"
    _inherit = ["tiss.authorization", "tiss.dental"]

    plan_id = fields.Many2one(related="card_id.plan_id")
    executor_id = fields.Many2one(
        "res.partner",
        "Dentist",
        domain=[("tiss_is_professional", "=", True)],
        ondelete="restrict",
    )
    treatment_end_date = fields.Date("End of Treatment", copy=False)
    tooth_ids = fields.One2many(
        "tiss.guia.tooth",
        "authorization_id",
        "Initial Condition",
        groups="l10n_br_tiss.group_tiss_clinical",
    )
    amount_total = fields.Float("Value", digits=(10, 2), compute="_compute_dental_totals")

    @api.depends("line_ids.amount", "line_ids.amount_patient", "line_ids.us_quantity")
    def _compute_dental_totals(self):
        result = super()._compute_dental_totals()
        for request in self:
            request.amount_total = sum(to_decimal(line.amount) for line in request.line_ids)
        return result

    @api.model
    def _get_odonto_defaults(self):
        return {"dental_type_id": "1"}

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {
            "employer_name", "executor_id", "second_professional_id", "dental_type_id",
            "treatment_end_date", *CLINICAL_FIELDS,
        }  # fmt: skip

    def _get_people(self):
        people = super()._get_people()
        if self.request_type == "odonto":
            people |= self.executor_id | self.second_professional_id
        return people

    def _get_odonto_problems(self):
        problems = self._get_missing("executor_id", "dental_type_id", "plan_id")
        problems += self._get_clinic_problems()
        dentists = self.executor_id | self.second_professional_id
        return problems + self._get_dental_problems(dentists, self.amount_total)

    def _read_content(self):
        if self.request_type == "odonto":
            read_children(self.sudo(), "tooth_ids")
        return super()._read_content()

    def _prepare_tiss_odonto(self):
        """cto_odontoSolicitacaoGuia"""
        return {
            **self._prepare_tiss_treatment(
                self.professional_id, self.executor_id, self.amount_total
            ),
            **self._prepare_tiss_beneficiary(),
            "procedimentosSolicitados": [line._prepare_tiss_dental() for line in self.line_ids],
        }

    def _prepare_tiss_initial(self):
        """cto_anexoSituacaoInicial: it travels inside, so it has the number of the request"""
        if not self.tooth_ids:
            return None
        return {
            "registroANS": self.contract_id.ans_code,
            "numeroGuiaAnexo": self.name,
            "numeroGuiaReferenciada": self.name,
            "numeroCarteira": self.card_number,
            "ct_situacaoInicial": self._prepare_tiss_condition(),
        }
