from odoo import fields, models
from odoo.exceptions import UserError


class TissMessage(models.Model):
    """What was sent and never arrived, sent once more under a number of its own."""

    _inherit = "tiss.message"

    may_send_again = fields.Boolean(compute="_compute_may_send_again")

    def _compute_may_send_again(self):
        for message in self:
            message.may_send_again = not message._get_repeat_problem()

    def action_send_again(self):
        """Send the content of one message as a new one, and show that."""
        return self.send_again()._get_records_action()

    def send_again(self):
        """Send the content of one message under a new number and time; it is linked to this one.

        :return: the new `tiss.message`
        """
        self.ensure_one()
        problem = self._get_repeat_problem()
        if problem:
            raise UserError(problem)
        record = self._get_record()
        record.check_access("write")
        return record._send_again()

    def _get_repeat_problem(self):
        """Why one message cannot be sent again, in a sentence; None when it can."""
        record = self._get_record()
        is_sent = isinstance(record, self.env.registry["tiss.outgoing"]) and record.exists()
        # What is asked about a record is no message of it, nor is what left by web service.
        if not is_sent or record.sudo().message_id != self or not record.has_access("write"):
            return self.env._("Only the last message that something was sent in is sent again.")
        return record._get_repeat_problem()
