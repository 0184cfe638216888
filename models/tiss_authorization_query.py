import base64

from odoo import api, fields, models
from odoo.exceptions import UserError

from .tiss_authorization import WAITING


class TissAuthorization(models.Model):
    """The other message about a request: what has become of it (guide §5.6); and the files."""

    _inherit = "tiss.authorization"

    xml_file = fields.Binary("XML", compute="_compute_xml_file", compute_sudo=False)
    may_download = fields.Boolean(compute="_compute_may_download", compute_sudo=False)

    # ------------------------------------------------------------------
    # Files
    # ------------------------------------------------------------------

    @api.depends_context("uid")
    @api.depends("message_id")
    def _compute_may_download(self):
        """The XML shows what is clinical: to those who may see that, or who send bills with it."""
        is_trusted = self._may_see_clinical() or self.env.user.has_group(
            "l10n_br_tiss.group_tiss_billing"
        )
        for request in self:
            request.may_download = request.message_id and (
                is_trusted or not request.sudo()._is_clinical()
            )

    @api.depends_context("uid")
    @api.depends("message_id")
    def _compute_xml_file(self):
        for request in self:
            content = request.may_download and request.sudo().message_id._get_content()
            request.xml_file = content and base64.b64encode(content)

    def _is_clinical(self):
        """Whether the request says anything that only the clinical group may see."""
        names = [
            name
            for name in self._get_frozen_fields()
            if self._fields[name].groups == "l10n_br_tiss.group_tiss_clinical"
        ]
        return any(self[name] for name in names)

    def action_download(self):
        self.ensure_one()
        message = self._get_current_message().sudo()
        return self._get_download_action(message.file_name)

    def _get_download_action(self, file_name):
        if not self.may_download:
            raise UserError(
                self.env._(
                    "The file holds clinical information: somebody who may see that, or the"
                    " billing desk, downloads it."
                )
            )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/tiss.authorization/{self.id}/xml_file/{file_name}?download=true",
            "target": "download",
        }

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
