from odoo import api, fields, models

from ..standard.money import to_decimal
from .tiss_annex import CLINICAL
from .tiss_term import term_field

QUIMIO_FIELDS = (
    "weight", "height", "body_surface", "tumor_id", "node_id", "metastasis_id", "chemotherapy_id",
    "therapy_plan", "cycle_count", "current_cycle", "cycle_days", "cycle_interval",
    "irradiated_area", "irradiation_date",
)  # fmt: skip


class TissAnnex(models.Model):
    """Anexo de solicitação de quimioterapia (guide §3.9)."""

    _inherit = "tiss.annex"

    weight = fields.Float("Weight (kg)", digits=(5, 2), groups=CLINICAL, copy=False)
    height = fields.Float("Height (cm)", digits=(5, 2), groups=CLINICAL, copy=False)
    body_surface = fields.Float(
        "Body Surface (m²)",
        digits=(4, 2),
        compute="_compute_body_surface",
        store=True,
        readonly=False,
        groups=CLINICAL,
        copy=False,
        help="By Mosteller's formula: the root of height (cm) × weight (kg) / 3600.",
    )
    tumor_id = term_field("67", "Tumour (T)", groups=CLINICAL, copy=False)
    node_id = term_field("66", "Node (N)", groups=CLINICAL, copy=False)
    metastasis_id = term_field("65", "Metastasis (M)", groups=CLINICAL, copy=False)
    chemotherapy_id = term_field("58", "Chemotherapy Line", groups=CLINICAL, copy=False)
    therapy_plan = fields.Text(groups=CLINICAL, copy=False)
    cycle_count = fields.Integer("Planned Cycles", groups=CLINICAL, copy=False)
    current_cycle = fields.Integer(groups=CLINICAL, copy=False)
    cycle_days = fields.Integer("Days of Current Cycle", groups=CLINICAL, copy=False)
    cycle_interval = fields.Integer("Days Between Cycles", groups=CLINICAL, copy=False)
    irradiated_area = fields.Char(groups=CLINICAL, copy=False)
    irradiation_date = fields.Date("Irradiated On", groups=CLINICAL, copy=False)

    @api.depends("weight", "height")
    def _compute_body_surface(self):
        for annex in self:
            square = max(annex.weight * annex.height, 0) / 3600
            annex.body_surface = float(to_decimal(square**0.5))

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {*QUIMIO_FIELDS}

    def _get_quimio_problems(self):
        problems = self._get_bearer_problems() + self._get_diagnosis_problems()
        problems += self._get_missing("tumor_id", "node_id", "metastasis_id", "chemotherapy_id")
        if self.current_cycle > self.cycle_count > 0:
            sentence = self.env._("The current cycle is beyond the planned ones.")
            problems.append((sentence, self, "current_cycle"))
        return problems

    def _get_quimio_past_fields(self):
        return ("diagnosis_date", "surgery_date", "irradiation_date")

    def _get_quimio_ranges(self):
        return {
            "age": (0, 999),
            "weight": (0.01, 999.99),
            "height": (0.01, 999.99),
            "body_surface": (0.01, 99.99),
            "cycle_count": (1, 99),
            "current_cycle": (1, 99),
            "cycle_days": (1, 999),
            "cycle_interval": (0, 999),
        }

    def _get_quimio_texts(self):
        return {
            **self._get_diagnosis_texts(),
            "therapy_plan": (1000, True),
            "irradiated_area": (40, False),
        }

    def _prepare_tiss_quimio(self):
        """ctm_anexoSolicitacaoQuimio"""
        return {
            "cabecalhoAnexo": self._prepare_tiss_header(),
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "dadosComplementaresBeneficiario": {
                "peso": to_decimal(self.weight),
                "altura": to_decimal(self.height),
                "superficieCorporal": to_decimal(self.body_surface),
                **self._prepare_tiss_bearer(),
            },
            "medicoSolicitante": self._prepare_tiss_annex_requester(),
            "diagnosticoOncologicoQuimioterapia": {
                "diagQuimio": self._prepare_tiss_diagnosis(),
                "tumor": self.tumor_id.code or None,
                "nodulo": self.node_id.code or None,
                "metastase": self.metastasis_id.code or None,
                "tipoQuimioterapia": self.chemotherapy_id.code or None,
                "planoTerapeutico": self._prepare_tiss_text("therapy_plan"),
            },
            "drogasSolicitadas": {
                "drogaSolicitada": [line._prepare_tiss_drug() for line in self.line_ids]
            },
            "tratamentosAnteriores": self._prepare_tiss_earlier_quimio(),
            "numeroCiclos": self.cycle_count,
            "cicloAtual": self.current_cycle,
            "diasCicloAtual": self.cycle_days,
            "intervaloCiclos": self.cycle_interval,
            "observacao": self._prepare_tiss_text("observation"),
        }

    def _prepare_tiss_earlier_quimio(self):
        values = {
            **self._prepare_tiss_surgery(),
            "areaIrradiada": self._prepare_tiss_text("irradiated_area"),
            "dataIrradiacao": self.irradiation_date or None,
        }
        return values if any(values.values()) else None
