from odoo import api, models

from ..standard.money import to_decimal
from .tiss_term import term_field


class TissGuia(models.Model):
    """Guia de consulta: an elective consultation and nothing else (guide §3.3)."""

    _inherit = "tiss.guia"

    consultation_type_id = term_field("52", "Consultation Type")

    @api.model
    def _get_consulta_defaults(self):
        return {"accident_id": "9", "regime_id": "01", "consultation_type_id": "1"}

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {"consultation_type_id"}

    def _get_people(self):
        people = super()._get_people()
        return people | self.professional_id if self.guia_type == "consulta" else people

    def _get_consulta_problems(self):
        problems = self._get_missing("accident_id", "regime_id", "consultation_type_id")
        if len(self.line_ids) > 1:
            sentence = self.env._("A guia de consulta has exactly one procedure.")
            problems.append((sentence, self, None))
        return problems + self._get_expense_problems()

    def _get_expense_problems(self):
        """Expenses in a guia that has no place for them."""
        return [
            (self.env._("%s: this guia takes procedures alone.", line.description), line, None)
            for line in self.line_ids.filtered("expense_kind_id")
        ]

    def _prepare_tiss_consulta(self):
        """ctm_consultaGuia"""
        line = self.line_ids
        return {
            "cabecalhoConsulta": self._prepare_tiss_header(),
            "numeroGuiaOperadora": self.operadora_number or None,
            **self._prepare_tiss_validation(),
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "contratadoExecutante": {
                **self.contract_id._get_provider_identification(),
                "CNES": self.company_id.tiss_cnes,
            },
            "profissionalExecutante": self.professional_id._tiss_prepare_professional(),
            "indicacaoAcidente": self.accident_id.code or None,
            "dadosAtendimento": {
                "coberturaEspecial": self.special_coverage_id.code or None,
                "regimeAtendimento": self.regime_id.code or None,
                "saudeOcupacional": self.occupational_health_id.code or None,
                "dataAtendimento": self.date,
                "tipoConsulta": self.consultation_type_id.code or None,
                "procedimento": {
                    "codigoTabela": line.table_code,
                    "codigoProcedimento": line.code,
                    "valorProcedimento": to_decimal(line.amount),
                },
            },
            "observacao": self._prepare_tiss_observation(),
        }
