from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_date

from .deadlines import REMINDER, WARNING_DAYS, get_reached

TO_SEND = ("draft", "validated", "rejected")


class TissRecurso(models.Model):
    """Nobody lets a deadline pass without having been told 7, 3 and 1 days before."""

    _inherit = "tiss.recurso"

    @api.model
    def _cron_deadlines(self):
        """Remind of recursos that were not sent, and of glosas that nobody decided about."""
        today = fields.Date.context_today(self)
        soon = Domain("deadline_date", ">=", today) & Domain(
            "deadline_date", "<=", fields.Date.add(today, days=WARNING_DAYS[-1])
        )
        for recurso in self.search(soon & Domain("state", "in", TO_SEND)):
            reached = get_reached(recurso.deadline_date, today)
            if not recurso.reminded_days or reached < recurso.reminded_days:
                recurso._remind(reached)
        self.env["tiss.glosa"]._remind_of_deadlines(soon, today)

    def _remind(self, reached):
        self.ensure_one()
        self.activity_unlink([REMINDER])
        self.activity_schedule(
            REMINDER,
            date_deadline=self.deadline_date,
            summary=self.env._(
                "Send this recurso until %s", format_date(self.env, self.deadline_date)
            ),
            user_id=(self.user_id or self.create_uid).id,
        )
        self.sudo().reminded_days = reached
