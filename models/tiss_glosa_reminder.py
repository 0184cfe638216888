from odoo import api, fields, models
from odoo.fields import Domain

from .deadlines import get_reached


class TissGlosa(models.Model):
    """Glosas come by the hundred: one reminder for those of a demonstrativo and a deadline."""

    _inherit = "tiss.glosa"

    reminded_days = fields.Integer(readonly=True, copy=False)

    @api.model
    def _remind_of_deadlines(self, soon, today):
        """Remind of the glosas that are neither accepted nor in a recurso.

        :param soon: domain of the deadlines that come near
        """
        waiting = self.search(
            soon
            & Domain("state", "in", ("open", "kept"))
            & Domain("recurso_line_ids", "not any", [("is_current", "=", True)])
        )
        due = waiting.filtered(
            lambda glosa: (
                not glosa.reminded_days
                or get_reached(glosa.deadline_date, today) < glosa.reminded_days
            )
        )
        for (demonstrativo, date), glosas in due.grouped(
            lambda glosa: (glosa.demonstrativo_id, glosa.deadline_date)
        ).items():
            demonstrativo._remind_of_glosas(glosas, date)
            glosas.sudo().reminded_days = get_reached(date, today)
