from odoo import SUPERUSER_ID, api, models

from .tiss_protocoled import MAX_QUESTIONS


class TissQuestion(models.AbstractModel):
    """Asks the operadora for what it knows already: to ask twice changes nothing there."""

    _name = "tiss.question"
    _description = "Question to an Operadora"
    _inherit = "tiss.submission"

    def _send_by_service(self):
        """Send at once what the convênio has a web service for; nothing that lacks something.

        The rest waits for a person who takes its file to the portal.
        """
        ready = self.filtered(
            lambda question: question.goes_by_service and not question._get_problems()
        )
        ready.send()

    @api.model
    def _ask_again(self, contract):
        """Send once more what did not arrive; not what a person left lying, or stopped."""
        undelivered = self.search(
            [
                ("contract_id", "=", contract.id),
                ("state", "=", "validated"),
                ("delivery_ids", "any", [("state", "in", ("failed", "refused"))]),
                ("delivery_ids", "not any", [("code", "=", "stopped")]),
            ],
            order="id",
            limit=MAX_QUESTIONS,
        )
        undelivered._send_by_service()

    def _notify_problem(self, user, problem):
        """Of what the system asks by itself somebody is told once for each convênio."""
        if user.id != SUPERUSER_ID:
            return super()._notify_problem(user, problem)
        contract = self.contract_id
        summary = self.env._("Questions do not get through to the operadora")
        responsible = contract._get_reminder_users().get(contract.id)
        if responsible and summary not in contract.activity_ids.mapped("summary"):
            contract.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=summary,
                note=problem,
                user_id=responsible.id,
            )
        return None
