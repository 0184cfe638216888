from odoo import models

from .. import standard
from ..standard.message import stamp


class TissOutgoing(models.AbstractModel):
    """Sending once more what the operadora never received: the same content, a new message."""

    _inherit = "tiss.outgoing"

    def _get_repeat_problem(self):
        """Why the message of one record cannot be sent again, in a sentence; None when it can."""
        self.ensure_one()
        # What has a protocolo is received, or further.
        if self.state != "sent":
            return self.env._(
                "%s does not wait for an answer: only what was sent and never arrived is sent"
                " again.",
                self.display_name,
            )
        arrived = [
            ("source_id", "=", self.sudo().message_id.id),
            ("state", "not in", ("failed", "refused")),
        ]
        if self.env["tiss.delivery"].sudo().search_count(arrived, limit=1):
            return self.env._(
                "The operadora answered when it received %s: its answer is in the journal.",
                self.display_name,
            )
        return None

    def _send_again(self):
        """Send the message of one record under a new number and time, linked to the first one.

        :return: the new `tiss.message`
        """
        first = self.sudo().message_id
        content, sequence = self._repeat(first)
        message = self._journal(content, sequence, source_id=first.id)
        delivered, by_service = self._get_delivered(), bool(self._get_endpoint())
        delivered.sudo().write({"message_id": message.id})
        delivered._leave("sending" if by_service else "sent")
        if by_service:
            self.env["tiss.delivery"]._queue(message)
        return message

    def _repeat(self, message):
        """(bytes, sequencialTransacao): the content of a message under a new number and time."""
        [sequence] = self.contract_id._take_numbers("next_transaction_number")
        values = standard.load(message.version).decode(message._get_content())
        return self._seal(stamp(values, str(sequence), self._get_local_now())), str(sequence)
