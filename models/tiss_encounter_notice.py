from odoo import api, fields, models


class TissEncounter(models.Model):
    """A visit in the regime of hospitalisation is a stay that is told to the operadora."""

    _name = "tiss.encounter"
    _inherit = ["tiss.encounter", "tiss.stay.source"]

    @api.depends("hospital_id", "start_date", "regime_id")
    def _compute_is_stay(self):
        return super()._compute_is_stay()

    def _is_stay(self):
        """A stay in another hospital is told by that hospital."""
        return not self.hospital_id and bool(self.start_date or self.regime_id.code == "03")

    @api.model
    def _get_stay_notice_link(self):
        return "encounter_id"

    def _prepare_stay_notice(self, event):
        """Where nobody noted yet when the patient left, the discharge is of today."""
        vals = super()._prepare_stay_notice(event)
        if event == "admission":
            return vals | {
                "event_date": self.start_date or self.date,
                "hospitalization_type_id": self.hospitalization_type_id.id,
            }
        return vals | {
            "event_date": self.end_date or fields.Date.context_today(self),
            "discharge_reason_id": self.discharge_reason_id.id,
        }
