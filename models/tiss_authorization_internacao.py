from odoo import api, fields, models

from ..standard.text import to_ascii
from .tiss_cid import CID_FIELDS
from .tiss_term import term_field

MAX_DAYS = 99  # qtDiariasSolicitadas: 2 digits
DAY_HOSPITAL = "2"  # T41


class TissAuthorization(models.Model):
    """Request of a hospitalisation (guide §5.6)."""

    _name = "tiss.authorization"
    _inherit = ["tiss.authorization", "tiss.diagnosis"]

    hospital_id = fields.Many2one(
        "res.partner", domain=[("tiss_is_hospital", "=", True)], ondelete="restrict"
    )
    suggested_date = fields.Date("Suggested Admission", copy=False)
    days_requested = fields.Integer("Daily Rates Requested")
    accident_id = term_field("36", "Accident")
    has_opme = fields.Boolean("OPME", compute="_compute_annex_kinds")
    has_quimio = fields.Boolean("Chemotherapy", compute="_compute_annex_kinds")
    # ---- Answer
    admission_date = fields.Date("Probable Admission", readonly=True, copy=False)
    days_authorized = fields.Integer("Daily Rates Authorised", readonly=True, copy=False)
    authorized_accommodation_id = term_field(
        "49", "Authorised Accommodation", readonly=True, copy=False
    )

    def _compute_annex_kinds(self):
        for request in self:
            kinds = request._get_annex_kinds()
            request.has_opme = "opme" in kinds
            request.has_quimio = "quimio" in kinds

    @api.model
    def _get_internacao_defaults(self):
        return {"care_character_id": "1", "accident_id": "9", "hospitalization_regime_id": "1"}

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {
            "hospital_id", "suggested_date", "hospitalization_type_id",
            "hospitalization_regime_id", "days_requested", "accident_id", *CID_FIELDS,
        }  # fmt: skip

    def _get_system_fields(self):
        names = {"admission_date", "days_authorized", "authorized_accommodation_id"}
        return super()._get_system_fields() | names

    def _get_internacao_problems(self):
        problems = self._get_missing(
            "stage_id", "care_character_id", "hospital_id", "suggested_date",
            "hospitalization_type_id", "hospitalization_regime_id", "accident_id",
        )  # fmt: skip
        problems += self._get_indication_problems()
        problems += self._get_days_problems(MAX_DAYS)
        is_elective = self.care_character_id.code == "1"
        if is_elective and self.suggested_date and self.suggested_date < self.date:
            sentence = self.env._("The admission is suggested for a day before the request.")
            problems.append((sentence, self, "suggested_date"))
        problems += self._get_cid_problems()
        if self.hospital_id:
            problems += self.hospital_id._tiss_get_indicated_problems()
            problems += self._get_code_problems(self.hospital_id, {"tiss_provider_code": 14})
        return problems

    def _get_days_problems(self, maximum):
        """A day in a hospital-dia may be asked for without a daily rate."""
        can_be_none = (
            self.request_type == "prorrogacao"
            or self.hospitalization_regime_id.code == DAY_HOSPITAL
        )
        least = 0 if can_be_none else 1
        if least <= self.days_requested <= maximum:
            return []
        sentence = self.env._(
            "The daily rates requested go from %(least)s to %(most)s.", least=least, most=maximum
        )
        return [(sentence, self, "days_requested")]

    def _prepare_tiss_internacao(self):
        """ctm_internacaoSolicitacaoGuia"""
        requester = self._prepare_tiss_requester(self.professional_id)
        kinds = self._get_annex_kinds()
        return {
            **self._prepare_tiss_header(),
            **self._prepare_tiss_validation(),
            "tipoEtapaAutorizacao": self.stage_id.code or None,
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "identificacaoSolicitante": {
                "dadosDoContratado": requester["contratadoSolicitante"],
                "dadosProfissionalContratado": requester["profissionalSolicitante"],
            },
            "dadosHospitalSolicitado": {
                "codigoIndicadonaOperadora": self.hospital_id._tiss_get_indicated_code(),
                "nomeContratadoIndicado": to_ascii(self.hospital_id.name or "", 70),
                "dataSugeridaInternacao": self.suggested_date or None,
            },
            "dadosInternacao": {
                "caraterAtendimento": self.care_character_id.code or None,
                "tipoInternacao": self.hospitalization_type_id.code or None,
                "regimeInternacao": self.hospitalization_regime_id.code or None,
                "qtDiariasSolicitadas": self.days_requested,
                "indicadorOPME": "S" if "opme" in kinds else "N",
                "indicadorQuimio": "S" if "quimio" in kinds else "N",
                "indicacaoClinica": self._prepare_tiss_indication(),
            },
            "hipotesesDiagnosticas": {
                "diagnosticoCID": self._get_cids(),
                "indicadorAcidente": self.accident_id.code or None,
            },
            "procedimentosSolicitados": self._prepare_tiss_lines(),
            "dataSolicitacao": self.date,
            "observacao": self._prepare_tiss_observation(self._get_observation_size()),
            "anexoClinico": self._prepare_tiss_annexes(),
        }
