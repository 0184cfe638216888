from odoo import api, fields, models

from .tiss_authorization import WAITING


class TissAuthorization(models.Model):
    """The other message about a request: what has become of it (guide §5.6)."""

    _inherit = "tiss.authorization"

    # ------------------------------------------------------------------
    # Status query
    # ------------------------------------------------------------------

    def query_status(self):
        """Ask the operadora what has become of requests: one message each.

        :return: `tiss.message`
        """
        self.check_access("write")
        self._check_state(*WAITING)
        messages = self.env["tiss.message"]
        for request in self.with_context(tiss_status_query=True):
            messages += request._journal(*request._encode())
        self.sudo().write({"query_date": fields.Date.context_today(self)})
        self.env["tiss.delivery"]._queue(messages)
        return messages

    def _resolve_unknown(self):
        """Only by web service: an answer that names the request proves that it arrived."""
        asking = self.with_context(tiss_status_query=True)
        if not asking._get_endpoint():
            return False
        self.query_status()
        return True

    def action_query_status(self):
        """Write the question and download it, where the user may open the journal."""
        self.ensure_one()
        message = self.query_status()
        if message.has_access("read"):
            return message.action_download()
        return None

    @api.model
    def _get_transaction(self):
        if self.env.context.get("tiss_status_query"):
            return "SOLICITA_STATUS_AUTORIZACAO"
        return super()._get_transaction()

    def _check_content(self):
        if self.env.context.get("tiss_status_query"):
            return None
        return super()._check_content()

    def _prepare_tiss_body(self):
        if not self.env.context.get("tiss_status_query"):
            return super()._prepare_tiss_body()
        return {
            "identificacaoSolicitacao": self._prepare_tiss_header(),
            "dadosBeneficiario": self._prepare_tiss_beneficiary(),
            "dadosContratado": self.contract_id._get_provider_identification(),
        }
