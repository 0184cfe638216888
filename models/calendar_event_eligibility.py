from odoo import api, fields, models
from odoo.exceptions import UserError

from .tiss_eligibility import STATES

RECEPTION = "l10n_br_tiss.group_tiss_reception"


class CalendarEvent(models.Model):
    """Whether the operadora said that the patient may come, and asking it, also the day before."""

    _inherit = "calendar.event"

    tiss_eligibility_state = fields.Selection(
        STATES,
        "Eligibility",
        compute="_compute_tiss_eligibility",
        compute_sudo=False,
        groups=RECEPTION,
    )
    tiss_eligibility_text = fields.Char(
        "Last Check of Eligibility",
        compute="_compute_tiss_eligibility",
        compute_sudo=False,
        groups=RECEPTION,
    )

    @api.depends("tiss_card_id", "start", "allday", "start_date")
    def _compute_tiss_eligibility(self):
        days = {event: event._tiss_get_date() for event in self}
        told = self.env["tiss.card"]._get_eligibility_texts(
            (event.tiss_card_id, day) for event, day in days.items()
        )
        for event, day in days.items():
            event.tiss_eligibility_state, event.tiss_eligibility_text = told.get(
                (event.tiss_card_id, day), (False, False)
            )

    def action_tiss_verify_eligibility(self):
        """Ask about the cards of these appointments, many at once the day before."""
        if not self.tiss_card_id:
            raise UserError(self.env._("Choose the patient's card first."))
        return self.tiss_card_id.action_verify_eligibility()
