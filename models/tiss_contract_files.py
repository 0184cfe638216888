import contextlib
import logging
import os
import re
import tempfile
from pathlib import Path

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

DEFAULT_PATTERN = "{lote}_{hash}.xml"
UNSAFE = re.compile(r"[^A-Za-z0-9._ -]")

_logger = logging.getLogger(__name__)


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

        They are written beside their place before it is over, so that nothing is sent where the
        disk is full. Then each appears whole at once: no program uploads half of one.

        :raise UserError: when they cannot be written, before anything is sent
        """
        # As superuser: who sends need not know where the server keeps what he sends.
        folder = self.sudo().export_folder
        # The program of the operadora would upload what a copy for tests writes there.
        if not folder or self._is_neutralized():
            return
        if not self.sudo()._can_export():
            raise UserError(self._get_folder_problem())
        drafts = []
        self.env.cr.postrollback.add(lambda: _discard(drafts))
        self.env.cr.postcommit.add(lambda: _publish(drafts))
        for message in messages:
            target = Path(folder, message._get_base_name())
            content = message._get_content()
            self._check_free(target, content, drafts)
            try:
                drafts.append((_write_draft(target, content), target))
            except OSError as error:
                raise UserError(self._get_folder_problem()) from error

    def _get_folder_problem(self):
        return self.env._(
            "The files of %s cannot be written: the server does not find its export folder,"
            " or may not write into it. Ask the administrator.",
            self.name,
        )

    @api.model
    def _check_free(self, target, content, drafts):
        """Refuse to write over another message that nobody has picked up yet."""
        is_taken = target.exists() and target.read_bytes() != content
        if is_taken or target in [each for _draft, each in drafts]:
            raise UserError(
                self.env._(
                    "Another file called %s waits in the export folder. Give the convênio a file"
                    " name with {lote} and {hash}, or wait until the program of the operadora has"
                    " taken it.",
                    target.name,
                )
            )


def _write_draft(target, content):
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as draft:
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
    os.chmod(draft.name, 0o640)
    return draft.name


def _publish(drafts):
    for draft, target in drafts:
        try:
            os.replace(draft, target)
        except OSError:
            # It is sent: whoever asked must not be told that it is not. The journal has the file.
            _logger.exception("The file %s is not in the export folder", target.name)


def _discard(drafts):
    for draft, _target in drafts:
        with contextlib.suppress(OSError):
            os.unlink(draft)
