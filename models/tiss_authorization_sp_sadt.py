from odoo import api, fields, models


class TissAuthorization(models.Model):
    """Request of exams, therapies and small surgery (guide §5.6)."""

    _inherit = "tiss.authorization"

    executes_here = fields.Boolean(
        "This Clinic Executes",
        default=True,
        help="The clinic asks to execute the procedures itself.",
    )

    @api.model
    def _get_sp_sadt_defaults(self):
        return {"care_character_id": "1"}

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {"executes_here"}

    def _get_sp_sadt_problems(self):
        problems = self._get_missing("stage_id", "care_character_id")
        problems += self._get_requester_name_problems(self.professional_id)
        return problems + (self._get_clinic_problems() if self.executes_here else [])

    def _prepare_tiss_sp_sadt(self):
        """ctm_sp-sadtSolicitacaoGuia"""
        return {
            "cabecalhoSolicitacao": self._prepare_tiss_header(),
            "numeroGuiaPrincipal": self.main_number or None,
            **self._prepare_tiss_validation(),
            "tipoEtapaAutorizacao": self.stage_id.code or None,
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "dadosSolicitante": self._prepare_tiss_requester(self.professional_id),
            "caraterAtendimento": self.care_character_id.code or None,
            "dataSolicitacao": self.date,
            "indicacaoClinica": self._prepare_tiss_indication(),
            "coberturaEspecial": self.special_coverage_id.code or None,
            "procedimentosSolicitados": self._prepare_tiss_lines(),
            "dadosExecutante": {
                "codigonaOperadora": self.contract_id._get_provider_code(),
                "CNES": self.company_id.tiss_cnes,
            }
            if self.executes_here
            else None,
            "anexoClinico": self._prepare_tiss_annexes(),
            "observacao": self._prepare_tiss_observation(),
        }
