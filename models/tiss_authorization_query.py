from odoo import api, models

from .tiss_authorization import WAITING


class TissAuthorization(models.Model):
    """The other message about a request: what has become of it (guide §5.6)."""

    _name = "tiss.authorization"
    _inherit = ["tiss.status.asked", "tiss.authorization"]

    @api.model
    def _get_question(self):
        return "SOLICITA_STATUS_AUTORIZACAO"

    def _prepare_tiss_question(self):
        return {
            "identificacaoSolicitacao": self._prepare_tiss_header(),
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "dadosContratado": self.contract_id._get_provider_identification(),
        }

    def _check_askable(self):
        self._check_state(*WAITING)

    def _resolve_unknown(self):
        """Only by web service: an answer that names the request proves that it arrived."""
        if not self._asks_by_service():
            return False
        self.query_status()
        return True
