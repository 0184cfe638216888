from odoo import fields, models

from .tiss_annex import CLINICAL
from .tiss_initial_condition import CLINICAL_FIELDS


class TissAnnex(models.Model):
    """Situação inicial: the teeth as they are when a dental treatment begins (guide §3.9)."""

    _name = "tiss.annex"
    _inherit = ["tiss.annex", "tiss.initial.condition"]

    tooth_ids = fields.One2many("tiss.guia.tooth", "annex_id", "Teeth", groups=CLINICAL)

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {*CLINICAL_FIELDS}

    def _get_situacao_inicial_problems(self):
        return self._get_missing("tooth_ids")

    def _get_situacao_inicial_texts(self):
        return {}

    def _prepare_tiss_situacao_inicial(self):
        """cto_anexoSituacaoInicial"""
        return {
            "registroANS": self.contract_id.ans_code,
            "numeroGuiaAnexo": self.name,
            "numeroGuiaReferenciada": self.authorization_id.name,
            "numeroGuiaOperadora": self.operadora_number or None,
            "numeroCarteira": self.card_number,
            "ct_situacaoInicial": self._prepare_tiss_condition(),
        }
