from odoo import fields, models

from .tiss_annex import CLINICAL


class TissAnnex(models.Model):
    """Anexo de solicitação de órteses, próteses e materiais especiais, OPME (guide §3.9)."""

    _inherit = "tiss.annex"

    technical_justification = fields.Text(groups=CLINICAL, copy=False)
    material_specification = fields.Text(groups=CLINICAL, copy=False)

    def _get_frozen_fields(self):
        names = {"technical_justification", "material_specification"}
        return super()._get_frozen_fields() | names

    def _get_opme_problems(self):
        return []

    def _get_opme_texts(self):
        return {
            "technical_justification": (1000, True),
            "material_specification": (500, False),
            "observation": (500, False),
        }

    def _prepare_tiss_opme(self):
        """ctm_anexoSolicitacaoOPME; its Observacao has a capital (guide Appendix B 4)"""
        return {
            "cabecalhoAnexo": self._prepare_tiss_header(),
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "profissionalSolicitante": self._prepare_tiss_annex_requester(),
            "justificativaTecnica": self._prepare_tiss_text("technical_justification"),
            "especificacaoMaterial": self._prepare_tiss_text("material_specification"),
            "opmeSolicitadas": {
                "opmeSolicitada": [line._prepare_tiss_material() for line in self.line_ids]
            },
            "Observacao": self._prepare_tiss_text("observation"),
        }
