from odoo import api, fields, models

from .bulk import read_children
from .tiss_cid import CID_FIELDS, clean_cid
from .tiss_guia_line import to_time

DECLARED_DEATHS = ("41", "63")  # T39: who declares these deaths is the hospital
PERMANENCES = ("21", "22", "23", "24", "25", "26", "27", "28")  # T39


class TissGuia(models.Model):
    """Guia de resumo de internação: the bill of a hospitalisation (guide §3.5).

    A long stay is billed in parts: the period is what this guia bills. Honorários have a period
    too, without hours.
    """

    _name = "tiss.guia"
    _inherit = ["tiss.guia", "tiss.diagnosis"]

    start_date = fields.Date("Billed From")
    start_time = fields.Float("Hour of Start")
    end_date = fields.Date("Billed Until")
    end_time = fields.Float("Hour of End")
    declaration_ids = fields.One2many(
        "tiss.guia.declaration",
        "guia_id",
        "Births and Deaths",
        groups="l10n_br_tiss.group_tiss_clinical",
    )

    @api.onchange("end_date")
    def _onchange_end_date(self):
        """These guias are found by the day on which what they bill ended."""
        self.date = self.end_date or self.date

    @api.model
    def _get_resumo_internacao_defaults(self):
        return {
            "accident_id": "9",
            "care_character_id": "1",
            "billing_type_id": "4",
            "hospitalization_regime_id": "1",
        }

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {
            "start_date", "start_time", "end_date", "end_time", "hospitalization_type_id",
            "hospitalization_regime_id", "declaration_ids", *CID_FIELDS,
        }  # fmt: skip

    def _get_box_label(self, name):
        if name == "main_number" and self.guia_type in ("resumo_internacao", "honorarios"):
            return self.env._("Request No.")
        return super()._get_box_label(name)

    def _get_resumo_internacao_problems(self):
        problems = self._get_missing(
            "main_number", "authorization_date", "authorization_password", "care_character_id",
            "billing_type_id", "start_date", "end_date", "hospitalization_type_id",
            "hospitalization_regime_id", "accident_id", "discharge_reason_id",
        )  # fmt: skip
        problems += self._get_period_problems()
        problems += self._get_discharge_problems()
        return problems

    def _get_period_problems(self):
        """The billed period in order, in the past, and all items inside it (guide §10 E)."""
        if not self.start_date or not self.end_date:
            return []
        problems = []
        start = (self.start_date, to_time(self.start_time))
        if start > (self.end_date, to_time(self.end_time)):
            sentence = self.env._("The billed period ends before it starts.")
            problems.append((sentence, self, "end_date"))
        if self.end_date > fields.Date.context_today(self):
            sentence = self.env._("The billed period ends in the future.")
            problems.append((sentence, self, "end_date"))
        for line in self.line_ids:
            if line.date and not self.start_date <= line.date <= self.end_date:
                sentence = self.env._(
                    "%s: its date is outside the billed period.", line.description
                )
                problems.append((sentence, self, None))
        return problems

    def _get_discharge_problems(self):
        """What diagnoses, births and deaths lack, in words that do not tell them."""
        problems = []
        guia = self.sudo()  # only whether they are complete is told
        deaths = guia.declaration_ids.filtered("death_cid")
        problems += self._get_cid_problems(*(clean_cid(each.death_cid) for each in deaths))
        if len(guia.declaration_ids) > 8:
            sentence = self.env._("A guia takes eight declarations of birth and death.")
            problems.append((sentence, self, None))
        reason = self.discharge_reason_id.code
        if reason in DECLARED_DEATHS and not any(guia.declaration_ids.mapped("death_number")):
            sentence = self.env._("This end of care asks for its declaration.")
            problems.append((sentence, self, None))
        for declaration in guia.declaration_ids:
            problems += [(sentence, self, None) for sentence in declaration._get_problems()]
        if self.billing_type_id.code == "1" and reason and reason not in PERMANENCES:
            sentence = self.env._(
                "A partial bill is for a patient who stays: choose one of the reasons 21 to 28."
            )
            problems.append((sentence, self, "discharge_reason_id"))
        return problems

    def _read_particulars(self):
        if self[:1].guia_type == "resumo_internacao":
            read_children(self, "declaration_ids")
        return super()._read_particulars()

    def _prepare_tiss_resumo_internacao(self):
        """ctm_internacaoResumoGuia"""
        procedures = self.line_ids.filtered(lambda line: not line.expense_kind_id)
        return {
            "cabecalhoGuia": self._prepare_tiss_header(),
            "numeroGuiaSolicitacaoInternacao": self.main_number or None,
            "dadosAutorizacao": {
                "numeroGuiaOperadora": self.operadora_number or None,
                "dataAutorizacao": self.authorization_date or None,
                "senha": self.authorization_password or None,
                "dataValidadeSenha": self.authorization_validity_date or None,
                **self._prepare_tiss_validation(),
            },
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "dadosExecutante": {
                "contratadoExecutante": self.contract_id._get_provider_identification(),
                "CNES": self.company_id.tiss_cnes,
            },
            "dadosInternacao": self._prepare_tiss_hospitalization(),
            "dadosSaidaInternacao": self._prepare_tiss_discharge(),
            "procedimentosExecutados": {
                "procedimentoExecutado": [line._prepare_tiss_inpatient() for line in procedures]
            }
            if procedures
            else None,
            "valorTotal": self._get_totals_by_element(),
            "outrasDespesas": self._prepare_tiss_expenses(),
            "observacao": self._prepare_tiss_observation(),
        }

    def _prepare_tiss_hospitalization(self):
        """ctm_internacaoDados"""
        declarations = self.declaration_ids if self._may_see_clinical() else []
        return {
            "caraterAtendimento": self.care_character_id.code or None,
            "tipoFaturamento": self.billing_type_id.code or None,
            "dataInicioFaturamento": self.start_date or None,
            "horaInicioFaturamento": to_time(self.start_time),
            "dataFinalFaturamento": self.end_date or None,
            "horaFinalFaturamento": to_time(self.end_time),
            "tipoInternacao": self.hospitalization_type_id.code or None,
            "regimeInternacao": self.hospitalization_regime_id.code or None,
            "declaracoes": [each._prepare_tiss_declaration() for each in declarations],
        }

    def _prepare_tiss_discharge(self):
        """ctm_internacaoDadosSaida"""
        return {
            "diagnostico": self._get_cids() if self._may_see_clinical() else [],
            "indicadorAcidente": self.accident_id.code or None,
            "motivoEncerramento": self.discharge_reason_id.code or None,
        }
