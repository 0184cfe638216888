from odoo import api, fields, models

from ..standard.money import to_decimal
from .bulk import read_children
from .tiss_initial_condition import CLINICAL_FIELDS

PARTIAL, TOTAL = "1", "4"  # T55: all that a GTO may be (guide §3.7)


class TissGuia(models.Model):
    """Guia de tratamento odontológico, GTO (guide §3.7).

    The patient pays his share (franquia) of an item to the clinic: the operadora owes the rest,
    which is the amount of the item.
    """

    _name = "tiss.guia"
    _inherit = ["tiss.guia", "tiss.dental"]

    plan_id = fields.Many2one(related="card_id.plan_id")
    tooth_ids = fields.One2many(
        "tiss.guia.tooth",
        "guia_id",
        "Initial Condition",
        groups="l10n_br_tiss.group_tiss_clinical",
    )
    amount_gross = fields.Float("Value", digits=(10, 2), compute="_compute_dental_totals")

    @api.depends("line_ids.amount", "line_ids.amount_patient", "line_ids.us_quantity")
    def _compute_dental_totals(self):
        result = super()._compute_dental_totals()
        for guia in self:
            owed = sum(to_decimal(line.amount) for line in guia.line_ids)
            guia.amount_gross = owed + to_decimal(guia.amount_patient)
        return result

    @api.model
    def _get_odonto_defaults(self):
        return {"dental_type_id": "1", "billing_type_id": TOTAL}

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {
            "employer_name", "second_professional_id", "dental_type_id", "treatment_end_date",
            *CLINICAL_FIELDS,
        }  # fmt: skip

    def _get_people(self):
        people = super()._get_people()
        if self.guia_type == "odonto":
            people |= self.professional_id | self.requester_id | self.second_professional_id
        return people

    def _get_odonto_problems(self):
        problems = self._get_missing("dental_type_id", "billing_type_id")
        problems += self._get_expense_problems()
        if self.billing_type_id and self.billing_type_id.code not in (PARTIAL, TOTAL):
            sentence = self.env._("A GTO is billed in part or in total.")
            problems.append((sentence, self, "billing_type_id"))
        if self.billing_type_id.code == TOTAL:
            problems += self._get_missing("treatment_end_date")
        end = self.treatment_end_date
        if end and end > fields.Date.context_today(self):
            sentence = self.env._("The treatment ends in the future.")
            problems.append((sentence, self, "treatment_end_date"))
        dentists = self.professional_id | self.second_professional_id
        return problems + self._get_dental_problems(dentists, self.amount_gross)

    def _read_particulars(self):
        people = super()._read_particulars()
        if self[:1].guia_type == "odonto":
            read_children(self, "tooth_ids")
            self.card_id.plan_id.fetch(["name"])
        return people | self.second_professional_id

    def _prepare_tiss_odonto(self):
        """cto_guiaOdontologia"""
        return {
            **self._prepare_tiss_treatment(
                self.requester_id, self.professional_id, self.amount_gross
            ),
            "dataAutorizacao": self.authorization_date or None,
            "senhaAutorizacao": self.authorization_password or None,
            "validadeSenha": self.authorization_validity_date or None,
            "numeroGuiaOperadora": self.operadora_number or None,
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "procedimentosExecutados": [line._prepare_tiss_dental() for line in self.line_ids],
            "tipoFaturamento": self.billing_type_id.code or None,
        }

    def _prepare_tiss_initial(self):
        """cto_anexoSituacaoInicialnaGTO: it travels inside, so it has the number of the guia"""
        if not self._may_see_clinical() or not self.tooth_ids:
            return None
        return {
            "numeroGuiaAnexo": self.name,
            "numeroGuiaReferenciada": self.name,
            "numeroGuiaOperadora": self.operadora_number or None,
            "ct_situacaoInicial": self._prepare_tiss_condition(),
        }
