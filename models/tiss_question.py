from odoo import models


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
