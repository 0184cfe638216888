from odoo import fields, models

from ..standard.workdays import add_workdays


class TissContract(models.Model):
    """What the contract says of contesting glosas (guide §6.3)."""

    _inherit = "tiss.contract"

    appeal_working_days = fields.Boolean(
        "In Working Days",
        help="The days to contest count from Monday to Friday, without national holidays.",
    )
    appeal_second_instance = fields.Boolean(
        "Second Instance",
        default=True,
        help="What a recurso does not recover may be contested once more.",
    )
    appeal_grouping = fields.Selection(
        [("guia", "One per guia"), ("protocol", "One per protocolo, of up to 100 guias")],
        "Recursos",
        default="guia",
        required=True,
    )

    answer_days = fields.Integer(
        "Answer to a Recurso",
        help="Days in which the operadora has to answer a recurso; zero: as many as the clinic has"
        " to contest, which is what the contract has to say (RN 503).",
    )
    allows_resubmission = fields.Boolean(
        "Denied Items Are Billed Again",
        help="The contract provides a reapresentação: what was denied as a whole may be billed"
        " once more in a corrected guia, in place of a recurso.",
    )
    small_glosa_amount = fields.Monetary(
        "Not Worth a Recurso",
        help="Glosas of at most this amount are proposed to be accepted. Nothing is accepted"
        " without a person.",
    )

    def _get_answer_deadline(self, date):
        """The day by which a recurso that was taken on `date` has to be answered."""
        return self._add_appeal_days(date, self.answer_days or self.appeal_days)

    def _get_appeal_deadline(self, date):
        """The last day to contest what was denied on `date`."""
        return self._add_appeal_days(date, self.appeal_days)

    def _add_appeal_days(self, date, days):
        """So many days after `date`, as the contract counts them."""
        self.ensure_one()
        if self.appeal_working_days:
            return add_workdays(date, days)
        return fields.Date.add(date, days=days)
