from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

RECEPTION = "l10n_br_tiss.group_tiss_reception"


class CalendarEvent(models.Model):
    """The authorisation of an appointment, asked for with one click before the patient comes."""

    _inherit = "calendar.event"

    tiss_authorization_id = fields.Many2one(
        "tiss.authorization",
        "Authorisation",
        copy=False,
        index="btree_not_null",
        domain="[('card_id', '=', tiss_card_id)]",
        groups=RECEPTION,
    )
    tiss_authorization_state = fields.Selection(
        related="tiss_authorization_id.state", string="Authorisation Status", groups=RECEPTION
    )

    def action_tiss_request_authorization(self):
        """Open the request of the appointment; the first time it is made out of it."""
        self.ensure_one()
        if not self.tiss_authorization_id:
            Request = self.env["tiss.authorization"]
            self.tiss_authorization_id = Request._create_for(self._tiss_prepare_request_vals())
        return self.tiss_authorization_id._get_records_action()

    def _tiss_prepare_request_vals(self):
        contract = self.env["tiss.contract"]._get_by_card(self.tiss_card_id).get(self.tiss_card_id)
        if not contract or not self.tiss_professional_id or not self.tiss_product_id:
            raise UserError(
                self.env._("Say who comes with which card, for what, and who attends first.")
            )
        return {
            "company_id": contract.company_id.id,
            "event_id": self.id,
            "contract_id": contract.id,
            "patient_id": self.tiss_patient_id.id,
            "card_id": self.tiss_card_id.id,
            "professional_id": self.tiss_professional_id.id,
            "line_ids": [Command.create(self.tiss_product_id._tiss_prepare_requested())],
        }

    def _tiss_prepare_coverage_request(self):
        """An authorisation that was given answers whether one is needed."""
        request = super()._tiss_prepare_coverage_request()
        authorization = self.tiss_authorization_id
        if not authorization or not authorization._is_granted():
            return request
        given = authorization.authorization_password or authorization.operadora_number
        return request._replace(authorization=given)

    def _tiss_prepare_encounter_vals(self):
        vals = super()._tiss_prepare_encounter_vals()
        authorization = self.tiss_authorization_id
        if authorization:
            vals["authorization_id"] = authorization.id
        if authorization and authorization._is_granted():
            vals |= self.env["tiss.encounter"]._prepare_authorization_vals(authorization)
        return vals
