from odoo import fields, models

from ..standard.text import to_ascii

CLINICAL_FIELDS = ("tooth_ids", "has_periodontal_disease", "has_soft_tissue_change", "initial_note")


class TissInitialCondition(models.AbstractModel):
    """How teeth and mouth were when a dental treatment began: situação inicial (guide §3.9).

    The model adds `tooth_ids`, of `tiss.guia.tooth`.
    """

    _name = "tiss.initial.condition"
    _description = "Initial Dental Condition"

    has_periodontal_disease = fields.Boolean(
        "Periodontal Disease", groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )
    has_soft_tissue_change = fields.Boolean(
        "Soft Tissue Change", groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )
    initial_note = fields.Char(
        "Note", size=500, groups="l10n_br_tiss.group_tiss_clinical", copy=False
    )

    def _prepare_tiss_condition(self):
        """ct_situacaoInicial (guide §3.9)"""
        return {
            "situacaoClinica": {
                "dentes": [
                    {
                        "elementoDentario": tooth.tooth_id.code,
                        "condicaoClinica": tooth.condition_id.code,
                    }
                    for tooth in self.tooth_ids
                ]
            },
            "doencaPeriodontal": self.has_periodontal_disease,
            "alteracaoTecidoMole": self.has_soft_tissue_change,
            "observacao": to_ascii(self.initial_note or "", 500) or None,
        }
