import base64
import io
import zipfile

from odoo import api, fields, models


class TissFileExport(models.TransientModel):
    """Several files of the journal in one zip, kept until it was downloaded."""

    _name = "tiss.file.export"
    _description = "Zip of Messages"

    file = fields.Binary(readonly=True, attachment=False)
    file_name = fields.Char(readonly=True)

    @api.model
    def _get_download_action(self, name, files):
        """Download files as one zip.

        :param name: of the zip, without its extension
        :param files: (name, bytes) of each; two of one name both go in
        """
        buffer = io.BytesIO()
        used = {}
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
            for file_name, content in files:
                used[file_name] = used.get(file_name, 0) + 1
                if used[file_name] > 1:
                    stem, dot, extension = file_name.rpartition(".")
                    file_name = f"{stem} ({used[file_name]}){dot}{extension}"
                opened.writestr(file_name, content)
        name = f"{name}_{fields.Date.context_today(self)}.zip"
        return self._get_file_action(name, buffer.getvalue())

    @api.model
    def _get_file_action(self, name, content):
        """Download one file as it is."""
        export = self.create({"file": base64.b64encode(content), "file_name": name})
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/tiss.file.export/{export.id}/file/{export.file_name}"
            "?download=true",
            "target": "download",
        }
