from odoo import models
from odoo.tools import format_date

from .counted import counted
from .deadlines import REMINDER


class TissDemonstrativo(models.Model):
    """Where the glosas are that have to be decided about."""

    _inherit = "tiss.demonstrativo"

    def _remind_of_glosas(self, glosas, date):
        """One activity about what of a demonstrativo has to be contested until `date`."""
        self.ensure_one()
        contract = self.contract_id
        owner = glosas.user_id[:1] or contract.user_id or self.create_uid
        self.activity_ids.filtered(
            lambda activity: activity.automated and activity.date_deadline == date
        ).unlink()
        self.activity_schedule(
            REMINDER,
            date_deadline=date,
            summary=self.env._(
                "To contest until %(date)s: %(glosas)s, %(amount)s",
                glosas=counted(self.env, "glosa", len(glosas)),
                amount=self.currency_id.format(sum(glosas.mapped("amount_open"))),
                date=format_date(self.env, date),
            ),
            user_id=owner.id,
        )
