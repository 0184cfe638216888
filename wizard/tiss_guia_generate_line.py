from odoo import fields, models


class TissGuiaGenerateLine(models.TransientModel):
    """An encounter that the wizard leaves out, and why."""

    _name = "tiss.guia.generate.line"
    _description = "Encounter Left Out"

    generate_id = fields.Many2one("tiss.guia.generate", required=True, ondelete="cascade")
    encounter_id = fields.Many2one("tiss.encounter", required=True)
    patient_id = fields.Many2one(related="encounter_id.patient_id")
    date = fields.Date(related="encounter_id.date")
    reason = fields.Text(required=True)

    def action_open(self):
        return self.encounter_id._get_records_action()
