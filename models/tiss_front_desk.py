import base64

from odoo import api, fields, models
from odoo.exceptions import UserError

from .tiss_message import ANSWERS


class TissFrontDesk(models.AbstractModel):
    """What the reception sends and reads itself, without the right to open the journal."""

    _name = "tiss.front.desk"
    _description = "Sent by the Front Desk"
    _inherit = "tiss.outgoing"

    xml_file = fields.Binary("XML", compute="_compute_xml_file", compute_sudo=False)
    may_download = fields.Boolean(compute="_compute_may_download", compute_sudo=False)

    # ------------------------------------------------------------------
    # Sending
    # ------------------------------------------------------------------

    @api.depends_context("uid")
    @api.depends("message_id")
    def _compute_may_download(self):
        """The XML shows what is clinical: to those who may see that, or who send bills with it."""
        is_trusted = self._may_see_clinical() or self.env.user.has_group(
            "l10n_br_tiss.group_tiss_billing"
        )
        for record in self:
            record.may_download = bool(record.message_id) and (
                is_trusted or not record.sudo()._is_clinical()
            )

    @api.depends_context("uid")
    @api.depends("message_id")
    def _compute_xml_file(self):
        for record in self:
            content = record.may_download and record.sudo().message_id._get_content()
            record.xml_file = content and base64.b64encode(content)

    def _is_clinical(self):
        """Whether the record says anything that only the clinical group may see."""
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
            "url": f"/web/content/{self._name}/{self.id}/xml_file/{file_name}?download=true",
            "target": "download",
        }

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    @api.private  # takes bytes
    def receive_file(self, name, content):
        """Read an answer about records of this kind, and no other file of an operadora.

        :return: the records that were answered
        """
        self.check_access("write")
        # Nobody of the reception may open the journal; this finds and adds, and shows nothing.
        Message = self.env["tiss.message"].sudo()
        known = Message._find_answered(content)
        if known and known._name == self._name:
            return self.browse(known.ids)
        values = Message._decode(content)
        body_name, body = Message._get_body(values)
        if ANSWERS.get(body_name) != self._name:
            raise UserError(self._get_other_answer())
        with Message._missing_elements():
            return self._receive_answer(name, content, values, body)

    @api.model
    def _get_other_answer(self):
        """What to say about the answer to something else."""
        return self.env._("This file is not the answer to a request.")
