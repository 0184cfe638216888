from odoo import fields, models
from odoo.tools import format_date

from ..models.upload import decode_upload
from ..standard import parser


class TissReturnImport(models.TransientModel):
    """Read a file that an operadora gave back: a protocolo, an analysis or a payment."""

    _name = "tiss.return.import"
    _description = "Import Return File"

    file = fields.Binary("Return File", required=True, attachment=False)
    file_name = fields.Char()

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_import(self):
        """Read the file and open what it made: the preview of a demonstrativo, or a lote."""
        self.ensure_one()
        content = decode_upload(self, parser.MAX_BYTES)
        name = self.file_name or self.env._("return.xml")
        known = self.env["tiss.demonstrativo"]._find_imported(content)
        records = self.env["tiss.message"].receive_file(name, content)
        action = records._get_records_action()
        return self._warn_known(known, action) if known else action

    def _warn_known(self, known, action):
        message = self.env._(
            "This file was already imported on %(date)s by %(user)s.",
            date=format_date(self.env, known[0].create_date),
            user=known[0].create_uid.name,
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "warning", "message": message, "next": action},
        }
