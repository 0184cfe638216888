import base64

from odoo import fields, models


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
        content = base64.b64decode(self.with_context(bin_size=False).file)
        name = self.file_name or self.env._("return.xml")
        records = self.env["tiss.message"].receive_file(name, content)
        return records._get_records_action()
