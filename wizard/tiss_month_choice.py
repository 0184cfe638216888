from odoo import api, fields, models
from odoo.tools import format_date

MONTHS = 13  # this one and the twelve before it


class TissMonthChoice(models.AbstractModel):
    """A month is chosen by its name; what is done with it wants its last day."""

    _name = "tiss.month.choice"
    _description = "Choice of a Month"

    month = fields.Selection(selection="_get_months", default=lambda self: self._get_months()[1][0])
    date = fields.Date(
        compute="_compute_date", store=True, readonly=False, precompute=True, required=True
    )

    @api.model
    def _get_months(self):
        """(first day, name) of this month and those before it, the newest first."""
        first = fields.Date.context_today(self).replace(day=1)
        days = [fields.Date.subtract(first, months=number) for number in range(MONTHS)]
        return [
            (fields.Date.to_string(day), format_date(self.env, day, date_format="MMMM y"))
            for day in days
        ]

    @api.depends("month")
    def _compute_date(self):
        for wizard in self:
            first = fields.Date.to_date(wizard.month or self._get_months()[1][0])
            wizard.date = fields.Date.end_of(first, "month")
