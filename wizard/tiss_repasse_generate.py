from datetime import timedelta

from odoo import fields, models


class TissRepasseGenerate(models.TransientModel):
    """Until which day the professionals are paid now."""

    _name = "tiss.repasse.generate"
    _description = "Repasse of a Period"

    date = fields.Date("Until", required=True, default=lambda self: self._default_date())

    def _default_date(self):
        """The end of last month"""
        return fields.Date.context_today(self).replace(day=1) - timedelta(days=1)

    def action_generate(self):
        self.env["tiss.repasse"].generate(self.date)
        action = self.env["ir.actions.act_window"]._for_xml_id("l10n_br_tiss.tiss_repasse_action")
        # Instead of the list that it was started from, not behind it.
        return {**action, "target": "main"}
