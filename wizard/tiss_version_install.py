from odoo import fields, models

from ..models.upload import decode_upload

MAX_SIZE = 32 * 1024 * 1024  # bytes of a package; those of ANS have less than one MB


class TissVersionInstall(models.TransientModel):
    """Give the addon a version of the standard that did not come with it."""

    _name = "tiss.version.install"
    _description = "Install a TISS Version"

    file = fields.Binary("Package", required=True, attachment=False)
    file_name = fields.Char()

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_install(self):
        self.ensure_one()
        content = decode_upload(self, MAX_SIZE)
        name = self.file_name or self.env._("package.zip")
        version = self.env["tiss.version"].install(name, content)
        if version:
            message = self.env._("TISS %s can now be chosen in the convênios.", version.name)
        else:
            message = self.env._("This version comes with the addon: there was nothing to do.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
