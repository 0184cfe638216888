import calendar

from odoo import api, fields, models

LAST_DAY = 31  # stands for the last day of any month


class TissPaymentDay(models.Model):
    """A row of an operadora's payment calendar: what is delivered until a day is paid on a day."""

    _name = "tiss.payment.day"
    _description = "Payment Day"
    _order = "contract_id, until_day"
    _check_company_auto = True

    contract_id = fields.Many2one(
        "tiss.contract", required=True, index=True, check_company=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="contract_id.company_id", store=True, index=True, precompute=True
    )
    until_day = fields.Integer(
        "Delivered Until Day",
        default=LAST_DAY,
        required=True,
        help="Day of the month of the protocolo; 31 is the end of every month.",
    )
    pay_day = fields.Integer(
        "Paid on Day",
        required=True,
        default=10,
        help="Day of the month; 31 is the end of every month.",
    )
    months = fields.Integer(
        "Months Later",
        default=1,
        required=True,
        help="0: in the month of the protocolo; 1: in the month after it…",
    )

    _until_uniq = models.Constraint(
        "UNIQUE(contract_id, until_day)", "The calendar has this delivery day already."
    )
    _days_range = models.Constraint(
        "CHECK(until_day BETWEEN 1 AND 31 AND pay_day BETWEEN 1 AND 31"
        " AND months BETWEEN 0 AND 12)",
        "Days go from 1 to 31, and payments come within 12 months.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("until_day", "pay_day", "months")
    def _compute_display_name(self):
        for row in self:
            row.display_name = row._get_sentence()

    def _get_sentence(self):
        """The row in words."""
        until = row_day(self.env, self.until_day)
        day = row_day(self.env, self.pay_day)
        if not self.months:
            return self.env._(
                "delivered until %(until)s, paid on %(day)s of the same month", until=until, day=day
            )
        if self.months == 1:
            return self.env._(
                "delivered until %(until)s, paid on %(day)s of the next month", until=until, day=day
            )
        return self.env._(
            "delivered until %(until)s, paid on %(day)s, %(months)s months later",
            until=until,
            day=day,
            months=self.months,
        )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_payment_date(self, date):
        """When what was delivered on `date` is paid; after the last row, that is for next month."""
        rows = self.sorted("until_day")
        row = next((row for row in rows if date.day <= row.until_day), None)
        if row is None:
            row, date = rows[0], fields.Date.add(date.replace(day=1), months=1)
        paid = row._get_day_in(fields.Date.add(date.replace(day=1), months=row.months))
        if paid < date:
            # Of the same month, and over: nobody pays before it was delivered.
            paid = row._get_day_in(fields.Date.add(date.replace(day=1), months=row.months + 1))
        return paid

    def _get_day_in(self, month):
        """The day of payment in a month, of which the first day is given."""
        last = calendar.monthrange(month.year, month.month)[1]
        return month.replace(day=min(self.pay_day, last))


def row_day(env, day):
    """A day of the calendar in words."""
    return env._("the last day") if day == LAST_DAY else env._("day %s", day)
