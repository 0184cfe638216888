from odoo import api, fields, models


class TissEncounter(models.Model):
    """A visit in the regime of hospitalisation is a stay that is told to the operadora."""

    _name = "tiss.encounter"
    _inherit = ["tiss.encounter", "tiss.stay.source"]

    def _is_stay(self):
        return self.regime_id.code == "03"

    @api.model
    def _get_stay_notice_link(self):
        return "encounter_id"

    def _prepare_stay_notice(self, event):
        """A visit does not know when the patient leaves: a discharge is told on its day."""
        is_admission = event == "admission"
        day = self.date if is_admission else fields.Date.context_today(self)
        return super()._prepare_stay_notice(event) | {"event_date": day}
