from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from .tiss_cid import CID_FIELDS
from .tiss_encounter import OPEN

REQUEST_TYPES = {  # as what a visit is billed → as what it is asked for
    "resumo_internacao": "internacao",
    "honorarios": "internacao",
    "odonto": "odonto",
}


class TissEncounter(models.Model):
    """The authorisation under which a visit goes, asked for with one click."""

    _inherit = "tiss.encounter"

    authorization_id = fields.Many2one(
        "tiss.authorization",
        "Authorisation",
        copy=False,
        check_company=True,
        index="btree_not_null",
        domain="[('card_id', '=', card_id), ('state', 'in', ('authorized', 'partial'))]",
        ondelete="set null",
    )
    authorization_state = fields.Selection(
        related="authorization_id.state", string="Authorisation Status"
    )

    @api.depends("authorization_id.state")
    def _compute_coverage(self):
        return super()._compute_coverage()

    @api.onchange("authorization_id")
    def _onchange_authorization_id(self):
        if self.authorization_id:
            self.update(self._prepare_authorization_vals(self.authorization_id))

    @api.model
    def _prepare_authorization_vals(self, request):
        """What a visit takes over of the authorisation that is chosen for it."""
        return request._prepare_given_vals("authorization_number")

    def _take_authorization(self, request):
        """The answer to `request` has come: open visits that wait for it go under it."""
        waiting = self.filtered(
            lambda visit: visit.authorization_id == request and visit.state in OPEN
        )
        if request._is_granted():
            waiting.write(self._prepare_authorization_vals(request))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_request_authorization(self):
        """Open the request of this visit; the first time it is made out of what needs one."""
        self.ensure_one()
        if not self.authorization_id:
            self._check_state(*OPEN)
            if not self.card_id or not self.contract_id:
                raise UserError(self.env._("Choose the patient's card first."))
            self.authorization_id = self.env["tiss.authorization"]._create_for(
                self.sudo()._prepare_request_vals()
            )
        return self.authorization_id._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _prepare_request_vals(self):
        lines = self._get_lines_to_authorize()
        request_type = REQUEST_TYPES.get(self.guia_type, "sp_sadt")
        is_stay = request_type == "internacao"
        return {
            "request_type": request_type,
            **{name: self[name] for name in CID_FIELDS if is_stay},
            "hospital_id": is_stay and self.hospital_id.id,
            "hospitalization_type_id": is_stay and self.hospitalization_type_id.id,
            "suggested_date": is_stay and self.start_date,
            "executor_id": request_type == "odonto" and self.professional_id.id,
            "company_id": self.company_id.id,
            "encounter_id": self.id,
            "contract_id": self.contract_id.id,
            "patient_id": self.patient_id.id,
            "card_id": self.card_id.id,
            "professional_id": (self.requester_id or self.professional_id).id,
            "care_character_id": self.care_character_id.id,
            "clinical_indication": self.clinical_indication,
            "line_ids": [
                Command.create(
                    {
                        **line.product_id._tiss_prepare_requested(line.quantity),
                        "amount": line.amount if request_type == "odonto" else 0,
                    }
                )
                for line in lines
            ],
        }

    def _prepare_coverage_request(self, line):
        """An authorisation counts even when it came without a password and a number."""
        request = super()._prepare_coverage_request(line)
        authorization = self.authorization_id
        if request.authorization or not authorization or not authorization._is_granted():
            return request
        return request._replace(authorization=authorization.name)

    def _get_lines_to_authorize(self):
        """The items that need an authorisation; all procedures when the convênio names none."""
        answers = self._get_coverages()
        needed = self.line_ids.filtered(
            lambda line: answers.get(line, {}).get("authorization_required")
        )
        return needed or self.line_ids.filtered(lambda line: not line.expense_kind_id)

    @api.model
    def _prepare_guia_vals(self, planned):
        vals = super()._prepare_guia_vals(planned)
        request = planned.encounters.authorization_id
        if len(request) == 1:
            vals["authorization_id"] = request.id
        return vals
