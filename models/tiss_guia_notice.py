from odoo import api, fields, models


class TissGuia(models.Model):
    """A resumo de internação is a stay that is told to the operadora (guide §4.5)."""

    _name = "tiss.guia"
    _inherit = ["tiss.guia", "tiss.stay.source"]

    @api.depends("guia_type")
    def _compute_is_stay(self):
        return super()._compute_is_stay()

    def _is_stay(self):
        return self.guia_type == "resumo_internacao"

    @api.model
    def _get_stay_notice_link(self):
        return "guia_id"

    def _prepare_stay_notice(self, event):
        vals = super()._prepare_stay_notice(event)
        vals |= {"card_number": self.card_number, "is_newborn": self.is_newborn}
        today = fields.Date.context_today(self)
        if event == "admission":
            told = {"hospitalization_type_id": self.hospitalization_type_id.id}
            return vals | told | {"event_date": self.start_date or today}
        told = {"discharge_reason_id": self.discharge_reason_id.id}
        return vals | told | {"event_date": self.end_date or today}
