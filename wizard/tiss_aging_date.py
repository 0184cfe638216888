from odoo import fields, models
from odoo.tools import format_date


class TissAgingDate(models.TransientModel):
    """Which day the open money is wanted of: an accountant asks for the end of a month."""

    _name = "tiss.aging.date"
    _description = "Open Money on a Day"

    date = fields.Date(
        "At the End Of",
        required=True,
        default=lambda self: self._default_date(),
        help="The total is the balance of the receivable account of convênios on that day.",
    )

    def _default_date(self):
        """The last day of last month"""
        first = fields.Date.context_today(self).replace(day=1)
        return fields.Date.subtract(first, days=1)

    def action_open(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("l10n_br_tiss.tiss_aging_action")
        # Without its address, which would show today's money when the page is loaded again.
        title = self.env._("Open Money on %s", format_date(self.env, self.date))
        return {
            **{name: value for name, value in action.items() if name not in ("id", "path")},
            "name": title,
            "display_name": title,
            "context": {"tiss_aging_date": fields.Date.to_string(self.date)},
        }
