from odoo import fields, models

from .tiss_annex import CLINICAL
from .tiss_term import term_field

RADIO_FIELDS = (
    "imaging_id", "field_count", "field_dose", "total_dose", "day_count", "expected_date",
    "chemotherapy", "chemotherapy_date",
)  # fmt: skip


class TissAnnex(models.Model):
    """Anexo de solicitação de radioterapia (guide §3.9)."""

    _inherit = "tiss.annex"

    imaging_id = term_field("29", "Diagnosed by Imaging", groups=CLINICAL, copy=False)
    field_count = fields.Integer("Fields", groups=CLINICAL, copy=False)
    field_dose = fields.Integer(
        "Dose per Field (Gy)", groups=CLINICAL, copy=False, help="On one day, on one field."
    )
    total_dose = fields.Integer("Total Dose (Gy)", groups=CLINICAL, copy=False)
    day_count = fields.Integer("Days", groups=CLINICAL, copy=False)
    expected_date = fields.Date("Expected Start", groups=CLINICAL, copy=False)
    chemotherapy = fields.Char("Earlier Chemotherapy", groups=CLINICAL, copy=False)
    chemotherapy_date = fields.Date("Chemotherapy On", groups=CLINICAL, copy=False)

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {*RADIO_FIELDS}

    def _get_radio_problems(self):
        problems = self._get_bearer_problems() + self._get_diagnosis_problems()
        problems += self._get_missing("expected_date")
        if self.field_dose > self.total_dose > 0:
            sentence = self.env._("The dose of one field is more than the total dose.")
            problems.append((sentence, self, "total_dose"))
        return problems

    def _get_radio_past_fields(self):
        return ("diagnosis_date", "surgery_date", "chemotherapy_date")

    def _get_radio_expected_fields(self):
        return ("expected_date",)

    def _get_radio_ranges(self):
        return {
            "age": (0, 999),
            "field_count": (1, 999),
            "field_dose": (1, 9999),
            "total_dose": (1, 9999),
            "day_count": (1, 999),
        }

    def _get_radio_texts(self):
        return {**self._get_diagnosis_texts(), "chemotherapy": (40, False)}

    def _prepare_tiss_radio(self):
        """ctm_anexoSolicitacaoRadio"""
        earlier = {
            **self._prepare_tiss_surgery(),
            "quimioterapia": self._prepare_tiss_text("chemotherapy"),
            "dataQuimioterapia": self.chemotherapy_date or None,
        }
        return {
            "cabecalhoAnexo": self._prepare_tiss_header(),
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "dadosComplementaresBeneficiario": self._prepare_tiss_bearer(),
            "medicoSolicitante": self._prepare_tiss_annex_requester(),
            "diagnosticoOncologicoRadio": {
                "diagRadio": self._prepare_tiss_diagnosis(),
                "diagnosticoImagem": self.imaging_id.code or None,
            },
            "tratamentosAnteriores": earlier if any(earlier.values()) else None,
            "numeroCampos": self.field_count,
            "doseCampo": self.field_dose,
            "doseTotal": self.total_dose,
            "nrDias": self.day_count,
            "dtPrevistaInicio": self.expected_date or None,
            "observacao": self._prepare_tiss_text("observation"),
        }
