from odoo import models


class TissContract(models.Model):
    """What is proposed about the money of a convênio stands on it as an activity."""

    _inherit = "tiss.contract"

    def _propose(self, activity_type, summary, date):
        """An activity that takes the place of the last one of its type."""
        self.ensure_one()
        same = self.activity_ids.filtered(
            lambda activity: activity.activity_type_id == self.env.ref(activity_type)
        )
        if same and same[0].summary == summary:
            return
        same.unlink()
        self.activity_schedule(
            activity_type,
            date_deadline=date,
            summary=summary,
            user_id=(self.user_id or self.create_uid).id,
        )
