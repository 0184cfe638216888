from odoo import api, fields, models
from odoo.exceptions import UserError

from .tiss_eligibility import STATES


class TissEncounter(models.Model):
    """Whether the operadora said that the patient may be attended, and asking it."""

    _inherit = "tiss.encounter"

    eligibility_state = fields.Selection(
        STATES, "Eligibility", compute="_compute_eligibility", compute_sudo=False
    )
    eligibility_text = fields.Char(
        "Last Check of Eligibility", compute="_compute_eligibility", compute_sudo=False
    )

    @api.depends("card_id", "date")
    def _compute_eligibility(self):
        told = self.env["tiss.card"]._get_eligibility_texts(
            (visit.card_id, visit.date) for visit in self
        )
        for visit in self:
            visit.eligibility_state, visit.eligibility_text = told.get(
                (visit.card_id, visit.date), (False, False)
            )

    def action_verify_eligibility(self):
        """Ask about the cards of these visits; whoever asks from a form sees the question."""
        if not self.card_id:
            raise UserError(self.env._("Choose the patient's card first."))
        return self.card_id.action_verify_eligibility()
