from odoo import fields, models
from odoo.fields import Command

from .tiss_encounter import OPEN


class TissAuthorization(models.Model):
    """The visit in which the front desk uses up an authorisation."""

    _inherit = "tiss.authorization"

    def action_use_in_visit(self):
        """Open the visit under this authorisation: the patient's of today, or a new one."""
        self._check_left()
        visit = self._find_visit()
        if not visit:
            return {
                "type": "ir.actions.act_window",
                "name": self.env._("Encounter"),
                "res_model": "tiss.encounter",
                "view_mode": "form",
                "context": {
                    f"default_{name}": value for name, value in self._prepare_visit_vals().items()
                },
            }
        if not visit.authorization_id:
            visit.write({"authorization_id": self.id, **visit._prepare_authorization_vals(self)})
        return visit._get_records_action()

    def _find_visit(self):
        """The open visit under this authorisation; else one of today that has none."""
        Visit = self.env["tiss.encounter"]
        own = [("card_id", "=", self.card_id.id), ("state", "in", OPEN)]
        today = [("date", "=", fields.Date.context_today(self)), ("state", "=", "draft")]
        return Visit.search([*own, ("authorization_id", "=", self.id)], limit=1) or Visit.search(
            [*own, *today, ("authorization_id", "=", False)], limit=1
        )

    def _prepare_visit_vals(self):
        """What a new visit starts with; the authorisation brings its password by itself."""
        return {
            "company_id": self.company_id.id,
            "patient_id": self.patient_id.id,
            "card_id": self.card_id.id,
            "contract_id": self.contract_id.id,
            "professional_id": self._get_executor().id,
            "requester_id": self.professional_id.id,
            "authorization_id": self.id,
            **self.env["tiss.encounter"]._prepare_authorization_vals(self),
            "line_ids": [
                Command.create(
                    {"product_id": line.product_id.id, "quantity": line.quantity_remaining}
                )
                for line in self.line_ids
                if line.product_id and line.quantity_remaining
            ],
        }
