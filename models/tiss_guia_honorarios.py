from odoo import api, fields, models

from ..standard import identifiers
from ..standard.money import to_decimal
from ..standard.text import to_ascii
from .tiss_form import HOSPITAL_SIZES


class TissGuia(models.Model):
    """Guia de honorários: what a professional or team charges for an inpatient (guide §3.6)."""

    _inherit = "tiss.guia"

    hospital_id = fields.Many2one(
        "res.partner",
        domain=[("tiss_is_hospital", "=", True)],
        ondelete="restrict",
        help="Where the patient was hospitalised.",
    )
    issue_date = fields.Date("Issued On", copy=False)

    @api.onchange("guia_type")
    def _onchange_issue_date(self):
        if self.guia_type == "honorarios":
            self.issue_date = self.issue_date or fields.Date.context_today(self)

    @api.model
    def _get_honorarios_defaults(self):
        return {"care_character_id": "1"}

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {"hospital_id", "issue_date"}

    def _get_honorarios_problems(self):
        names = ["main_number", "hospital_id", "start_date", "end_date", "issue_date"]
        if self._speaks("4.03.00"):
            names.append("care_character_id")
        problems = self._get_missing(*names)
        problems += self._get_period_problems()
        problems += self._get_expense_problems()
        if self.contract_id.identification_kind != "code":
            sentence = self.env._(
                "A guia de honorários names the clinic by its code at the operadora: the convênio"
                " %s has none.",
                self.contract_id.name,
            )
            problems.append((sentence, self.contract_id, "identification_kind"))
        if self.hospital_id:
            problems += self.hospital_id._tiss_get_hospital_problems()
            problems += self._get_code_problems(self.hospital_id, HOSPITAL_SIZES)
        return problems

    def _read_particulars(self):
        return super()._read_particulars() | self.hospital_id

    def _prepare_tiss_honorarios(self):
        """ctm_honorarioIndividualGuia"""
        dates = {
            "dataInicioFaturamento": self.start_date or None,
            "dataFimFaturamento": self.end_date or None,
        }
        if self._speaks("4.03.00"):
            dates["caraterAtendimento"] = self.care_character_id.code or None
        return {
            "cabecalhoGuia": self._prepare_tiss_header(),
            "guiaSolicInternacao": self.main_number or None,
            "senha": self.authorization_password or None,
            "numeroGuiaOperadora": self.operadora_number or None,
            "beneficiario": {
                "numeroCarteira": self.card_number,
                "atendimentoRN": "S" if self.is_newborn else "N",
            },
            "localContratado": self._prepare_tiss_hospital(),
            "dadosContratadoExecutante": {
                "codigonaOperadora": self.contract_id._get_provider_code(),
                "cnesContratadoExecutante": self.company_id.tiss_cnes,
            },
            "dadosInternacao": dates,
            "procedimentosRealizados": {
                "procedimentoRealizado": [line._prepare_tiss_fee() for line in self.line_ids]
            },
            "observacao": self._prepare_tiss_observation(),
            "valorTotalHonorarios": to_decimal(self.amount_total),
            "dataEmissaoGuia": self.issue_date or None,
        }

    def _prepare_tiss_hospital(self):
        """localContratado: by its code at the operadora, else by its CNPJ"""
        hospital = self.hospital_id
        code = hospital.tiss_provider_code
        return {
            "codigoContratado": {"codigoNaOperadora": code}
            if code
            else {"cnpjLocalExecutante": identifiers.compact(hospital.vat or "") or None},
            "nomeContratado": to_ascii(hospital.name or "", 70) or None,
            "cnes": hospital.tiss_cnes or None,
        }
