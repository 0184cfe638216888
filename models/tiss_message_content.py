from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import standard
from ..standard import parser, soap
from ..standard.message import TRANSACTIONS
from .tiss_message import CLINICAL_TRANSACTIONS, MAX_SIZE, SOAP_ENVELOPE

MAX_SHOWN = 512 * 1024  # bytes; a browser shows no more of a message, the file has it all


class TissMessage(models.Model):
    """What is in a message: to look at, to compare with another, to take along as files."""

    _inherit = "tiss.message"

    hash_match = fields.Selection(
        [
            ("iso-8859-1", "Right (ISO-8859-1)"),
            ("utf-8", "Right (UTF-8)"),
            ("none", "Does not match"),
            ("absent", "None given"),
        ],
        "Hash Check",
        readonly=True,
        help="Whether the hash that the operadora wrote is that of its message, and in which"
        " encoding. No answer is refused for its hash: operadoras often get it wrong.",
    )
    stage = fields.Selection(
        [("file", "File"), ("sent", "Sent"), ("received", "Received")],
        compute="_compute_stage",
        help="A file was built here; only what a web service was given is sent by the system.",
    )
    readable_content = fields.Text(
        "As Text", compute="_compute_readable_content", compute_sudo=False
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("direction", "wire_sha256")
    def _compute_stage(self):
        """What was built is not sent yet, and beside what left it would look as sent twice."""
        for message in self:
            built = "sent" if message.wire_sha256 else "file"
            message.stage = "received" if message.direction == "in" else built

    @api.depends_context("uid")
    @api.depends("content")
    def _compute_readable_content(self):
        for message in self:
            message.readable_content = message._get_readable_content()

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_compare(self):
        """Two messages side by side, the older one first."""
        if len(self) != 2:
            raise UserError(self.env._("Choose two messages to compare."))
        first, second = self.sorted("id")
        wizard = self.env["tiss.message.compare"].create(
            {"first_id": first.id, "second_id": second.id}
        )
        return {
            **wizard._get_records_action(name=self.env._("Compare Messages"), target="new"),
            "context": {"dialog_size": "extra-large"},
        }

    def action_download_all(self):
        """One file as it is, several in a zip."""
        if len(self) == 1:
            return self.action_download()
        return self.env["tiss.file.export"]._get_download_action(
            self.env._("messages"),
            [(message._get_base_name(), message._get_content()) for message in self],
        )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _record(self, contract, content, **vals):
        """Note of what comes in whether its hash is right, in either encoding."""
        is_message = vals["direction"] == "in" and vals["transaction"] in TRANSACTIONS
        if is_message and "hash_match" not in vals:
            vals["hash_match"] = self._check_hash(content, vals.get("tiss_hash"))
        return super()._record(contract, content, **vals)

    @api.model
    def _check_hash(self, content, given):
        """Whether the hash that a message has is its own; nothing for what is no message."""
        if not given:
            return "absent" if content.lstrip().startswith(b"<") else False
        try:
            if SOAP_ENVELOPE in content[:1024]:
                content = soap.opened(content, limit=MAX_SIZE)
            return standard.matching_charset(content) or "none"
        except standard.DecodeError:
            # Whatever it is, what came is kept.
            return False

    def _get_readable_content(self):
        """One element a line; of what nobody should read here, or cannot be read, nothing."""
        self.ensure_one()
        if self.size > MAX_SHOWN or self.transaction in CLINICAL_TRANSACTIONS:
            return False
        try:
            return parser.indented(self._get_content())
        except standard.DecodeError:
            return False
