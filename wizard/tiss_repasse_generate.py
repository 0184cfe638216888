from odoo import fields, models


class TissRepasseGenerate(models.TransientModel):
    """Until which month, or day of it, the professionals are paid now."""

    _name = "tiss.repasse.generate"
    _description = "Repasse of a Period"
    _inherit = ["tiss.month.choice"]

    date = fields.Date("Until", help="The end of the month; another day, where that is agreed.")

    def action_generate(self):
        self.env["tiss.repasse"].generate(self.date)
        action = self.env["ir.actions.act_window"]._for_xml_id("l10n_br_tiss.tiss_repasse_action")
        # Instead of the list that it was started from, not behind it.
        return {**action, "target": "main"}
