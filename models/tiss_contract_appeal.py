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

    def _get_appeal_deadline(self, date):
        """The last day to contest what was denied on `date`."""
        self.ensure_one()
        if self.appeal_working_days:
            return add_workdays(date, self.appeal_days)
        return fields.Date.add(date, days=self.appeal_days)
