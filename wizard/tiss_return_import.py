import io
import zipfile

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..models.upload import decode_upload
from ..standard import parser
from ..standard.zips import DAMAGED

MAX_FILES = 500
MAX_UNPACKED = 512 * 1024 * 1024  # bytes of all files of a zip together


class TissReturnImport(models.TransientModel):
    """Read what an operadora gave back: receipts, analyses, payments, answers; one file or a zip.

    The files of a zip are independent: one that cannot be read is named, the others are taken in.
    """

    _name = "tiss.return.import"
    _description = "Import Return File"

    file = fields.Binary("Return File", attachment=False)
    file_name = fields.Char()
    line_ids = fields.One2many("tiss.return.import.line", "import_id", "Files", readonly=True)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_import(self):
        """Read the file and open what it made: the preview of a demonstrativo, or a lote."""
        self.ensure_one()
        content = decode_upload(self, parser.MAX_BYTES)
        name = self.file_name or self.env._("return.xml")
        if zipfile.is_zipfile(io.BytesIO(content)):
            return self._import_zip(content)
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

    # ------------------------------------------------------------------
    # Zip
    # ------------------------------------------------------------------

    def _import_zip(self, content):
        """Take in each file by itself, then show what became of it."""
        self.line_ids = [
            Command.create(self._import_member(name, each)) for name, each in self._unzip(content)
        ]
        self.file = False
        return self._get_records_action(target="new", name=self.env._("Return Files"))

    def _unzip(self, content):
        """(name, bytes) of the files of a zip, in the order of their names."""
        files, room = [], MAX_UNPACKED
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as opened:
                members = [each for each in opened.infolist() if not each.is_dir()]
                if len(members) > MAX_FILES:
                    raise UserError(
                        self.env._("The zip holds more than %s files: split it.", MAX_FILES)
                    )
                for member in sorted(members, key=lambda each: each.filename):
                    # The size that a zip states can lie; what is read cannot.
                    with opened.open(member) as stream:
                        data = stream.read(min(parser.MAX_BYTES, room) + 1)
                    room -= len(data)
                    if len(data) > parser.MAX_BYTES or room < 0:
                        raise UserError(self.env._("The files of the zip are too large: split it."))
                    files.append((member.filename.rpartition("/")[2], data))
        except DAMAGED as error:
            raise UserError(
                self.env._("The zip is damaged or has a password: it cannot be opened.")
            ) from error
        if not files:
            raise UserError(self.env._("The zip is empty."))
        return files

    def _import_member(self, name, content):
        """Values of the line that says what became of one file."""
        Demonstrativo = self.env["tiss.demonstrativo"]
        known = Demonstrativo._find_imported(content)
        try:
            # What a file that fails has already done is undone, the files before it stay.
            with self.env.cr.savepoint():
                records = self.env["tiss.message"].receive_file(name, content)
        except UserError as error:
            return {"name": name, "state": "failed", "result": str(error)}
        return {
            "name": name,
            "state": "known" if known else "read",
            "result": ", ".join(records.mapped("display_name")),
            "res_model": records._name,
            "res_id": records[:1].id,
        }
