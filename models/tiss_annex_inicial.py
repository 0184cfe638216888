from odoo import fields, models

from .tiss_annex import CLINICAL

INITIAL_FIELDS = ("tooth_ids", "has_periodontal_disease", "has_soft_tissue_change", "initial_note")


class TissAnnex(models.Model):
    """Situação inicial: the teeth as they are when a dental treatment begins (guide §3.9)."""

    _inherit = "tiss.annex"

    tooth_ids = fields.One2many("tiss.guia.tooth", "annex_id", "Teeth", groups=CLINICAL)
    has_periodontal_disease = fields.Boolean("Periodontal Disease", groups=CLINICAL, copy=False)
    has_soft_tissue_change = fields.Boolean("Soft Tissue Change", groups=CLINICAL, copy=False)
    initial_note = fields.Text("Note", groups=CLINICAL, copy=False)

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {*INITIAL_FIELDS}

    def _get_situacao_inicial_problems(self):
        return self._get_missing("tooth_ids")

    def _get_situacao_inicial_texts(self):
        return {"initial_note": (500, False)}

    def _prepare_tiss_situacao_inicial(self):
        """cto_anexoSituacaoInicial"""
        return {
            "registroANS": self.contract_id.ans_code,
            "numeroGuiaAnexo": self.name,
            "numeroGuiaReferenciada": self.authorization_id.name,
            "numeroGuiaOperadora": self.operadora_number or None,
            "numeroCarteira": self.card_number,
            "ct_situacaoInicial": self.tooth_ids._prepare_tiss_initial(self),
        }
