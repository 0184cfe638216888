from odoo import fields, models


class TissGuiaRunLine(models.Model):
    """One visit of a generation of guias."""

    _name = "tiss.guia.run.line"
    _description = "Guia Generation Encounter"
    _order = "run_id desc, batch, id"

    run_id = fields.Many2one("tiss.guia.run", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", required=True, index=True)
    encounter_id = fields.Many2one("tiss.encounter", required=True, index=True, ondelete="cascade")
    patient_id = fields.Many2one(related="encounter_id.patient_id")
    date = fields.Date(related="encounter_id.date")
    batch = fields.Integer(required=True, help="Visits of a batch are billed together.")
    state = fields.Selection(
        [("pending", "Pending"), ("done", "Billed"), ("left_out", "Left Out")],
        string="Status",
        required=True,
        default="pending",
    )
    reason = fields.Text()

    _state_idx = models.Index("(run_id, state, batch)")
    _visit_uniq = models.UniqueIndex(
        "(run_id, encounter_id)", "A generation has each visit only once."
    )

    def action_open(self):
        return self.encounter_id._get_records_action()
