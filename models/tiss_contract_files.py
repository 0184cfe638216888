import os
import re
import tempfile
from pathlib import Path

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

DEFAULT_PATTERN = "{lote}_{hash}.xml"
UNSAFE = re.compile(r"[^A-Za-z0-9._ -]")


class TissContract(models.Model):
    """How the files of a convênio are called, and where the portal's program picks them up."""

    _inherit = "tiss.contract"

    file_pattern = fields.Char(
        "File Name of a Lote",
        default=DEFAULT_PATTERN,
        required=True,
        help="{lote}: number of the lote in 20 digits; {hash}: its TISS hash; {ans}: ANS number of"
        " the operadora; {provider}: your registration there; {date}: day as 20261122.",
    )
    export_folder = fields.Char(
        copy=False,
        groups="base.group_system",
        help="A folder on the server where each lote that is sent is written as a file, for the"
        " program of the operadora that uploads it. Empty for downloading by hand.",
    )

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("file_pattern")
    def _check_file_pattern(self):
        for contract in self:
            name = contract._get_lote_file_name("1", "0" * 32)
            if "{" in name or "}" in name or UNSAFE.search(name) or not name.endswith(".xml"):
                raise ValidationError(
                    self.env._(
                        "The file name may hold letters, digits, spaces, points, hyphens and the"
                        " words {lote}, {hash}, {ans}, {provider} and {date}, and ends in .xml."
                    )
                )

    @api.onchange("export_folder")
    def _onchange_export_folder(self):
        """Said to whoever types it: the next one to notice would be the biller who sends."""
        if self.export_folder and not self._can_export():
            return {
                "warning": {
                    "title": self.env._("Export Folder"),
                    "message": self.env._(
                        "The server does not find this folder, or may not write into it. Until"
                        " that changes, no lote of this convênio can be sent as a file."
                    ),
                }
            }
        return None

    def _can_export(self):
        """Whether the server may write into the folder of one convênio."""
        folder = self.export_folder
        return os.path.isabs(folder) and os.path.isdir(folder) and os.access(folder, os.W_OK)

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_lote_file_name(self, number, digest):
        """The name of the file of a lote; nothing clinical can be part of it."""
        self.ensure_one()
        values = {
            "lote": number.zfill(20),
            "hash": digest,
            "ans": self.ans_code or "",
            "provider": UNSAFE.sub("", self._get_provider_code() or ""),
            "date": fields.Date.context_today(self).strftime("%Y%m%d"),
        }
        name = self.file_pattern
        for placeholder, value in values.items():
            name = name.replace("{" + placeholder + "}", value)
        return name

    def _export_files(self, messages):
        """Write messages into the folder of this convênio once the transaction is over.

        A file that is there whole appears at once, so that no program uploads half of one.

        :raise UserError: when the folder cannot be written into, before anything is sent
        """
        # As superuser: who sends need not know where the server keeps what he sends.
        folder = self.sudo().export_folder
        # The program of the operadora would upload what a copy for tests writes there.
        if not folder or self._is_neutralized():
            return
        if not self.sudo()._can_export():
            raise UserError(
                self.env._(
                    "The files of %s cannot be written: the server does not find its export folder,"
                    " or may not write into it. Ask the administrator.",
                    self.name,
                )
            )
        files = [(message._get_base_name(), message._get_content()) for message in messages]
        self.env.cr.postcommit.add(lambda: _write_files(Path(folder), files))


def _write_files(folder, files):
    for name, content in files:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as draft:
            draft.write(content)
        os.chmod(draft.name, 0o640)
        os.replace(draft.name, folder / name)
