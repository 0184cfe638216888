from odoo import api, fields, models

from ..standard.text import to_ascii
from .tiss_term import term_field

DEATHS = ("41", "42", "43")  # T39: all that an ambulatory guia may say of its end (guide §3.4)


class TissGuia(models.Model):
    """Guia de SP/SADT: exams, therapies, small surgery, with their expenses (guide §3.4)."""

    _inherit = "tiss.guia"

    request_date = fields.Date()
    clinical_indication = fields.Char(
        size=500, groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )
    attendance_type_id = term_field("50", "Attendance Type")

    @api.model
    def _get_sp_sadt_defaults(self):
        return {
            "accident_id": "9",
            "regime_id": "01",
            "care_character_id": "1",
            "attendance_type_id": "23",
        }

    def _get_frozen_fields(self):
        names = {"request_date", "clinical_indication", "attendance_type_id"}
        return super()._get_frozen_fields() | names

    def _get_people(self):
        people = super()._get_people()
        if self.guia_type == "sp_sadt":
            people |= self.professional_id | self.requester_id
        return people

    def _get_sp_sadt_problems(self):
        problems = self._get_missing(
            "accident_id", "regime_id", "care_character_id", "attendance_type_id"
        )
        if self.attendance_type_id.code == "04":
            problems += self._get_missing("consultation_type_id")
        problems += self._get_requester_name_problems(self.requester_id or self.professional_id)
        reason = self.discharge_reason_id
        if reason and reason.code not in DEATHS:
            sentence = self.env._("An SP/SADT says how the care ended only when the patient died.")
            problems.append((sentence, self, "discharge_reason_id"))
        return problems

    def _prepare_tiss_sp_sadt(self):
        """ctm_sp-sadtGuia"""
        procedures = self.line_ids.filtered(lambda line: not line.expense_kind_id)
        return {
            "cabecalhoGuia": {
                **self._prepare_tiss_header(),
                "guiaPrincipal": self.main_number or None,
            },
            "dadosAutorizacao": self._prepare_tiss_authorization(),
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "dadosSolicitante": self._prepare_tiss_requester(
                self.requester_id or self.professional_id
            ),
            "dadosSolicitacao": {
                "dataSolicitacao": self.request_date or None,
                "caraterAtendimento": self.care_character_id.code or None,
                "indicacaoClinica": self._prepare_tiss_indication(),
                "indCobEspecial": self.special_coverage_id.code or None,
            },
            "dadosExecutante": {
                "contratadoExecutante": self.contract_id._get_provider_identification(),
                "CNES": self.company_id.tiss_cnes,
            },
            "dadosAtendimento": self._prepare_tiss_attendance(),
            "procedimentosExecutados": {
                "procedimentoExecutado": [line._prepare_tiss_executed() for line in procedures]
            }
            if procedures
            else None,
            "outrasDespesas": self._prepare_tiss_expenses(),
            "observacao": self._prepare_tiss_observation(),
            "valorTotal": self._get_totals_by_element(),
        }

    def _prepare_tiss_attendance(self):
        """dadosAtendimento; only a consultation (T50 04) is of a kind of consultation"""
        is_consultation = self.attendance_type_id.code == "04"
        return {
            "tipoAtendimento": self.attendance_type_id.code or None,
            "indicacaoAcidente": self.accident_id.code or None,
            "tipoConsulta": self.consultation_type_id.code or None if is_consultation else None,
            "motivoEncerramento": self.discharge_reason_id.code or None,
            "regimeAtendimento": self.regime_id.code or None,
            "saudeOcupacional": self.occupational_health_id.code or None,
        }

    def _prepare_tiss_indication(self):
        """The clinical indication, for the message and for who may see it."""
        indication = self._may_see_clinical() and self.clinical_indication
        return to_ascii(indication or "", 500) or None

    def _prepare_tiss_authorization(self):
        """ct_autorizacaoSADT: the block exists by its date; a token alone has the visit's."""
        validation = self._prepare_tiss_validation()
        date = self.authorization_date or (any(validation.values()) and self.date)
        if not date:
            return None
        return {
            "numeroGuiaOperadora": self.operadora_number or None,
            "dataAutorizacao": date,
            "senha": self.authorization_password or None,
            "dataValidadeSenha": self.authorization_validity_date or None,
            **validation,
        }
