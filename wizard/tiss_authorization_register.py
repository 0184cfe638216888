from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..models.tiss_authorization_ledger import GIVEN_FIELDS
from ..models.upload import decode_upload
from ..standard import parser

OUTCOMES = [
    ("granted", "Authorised"),
    ("denied", "Not Authorised"),
    ("analysis", "In Analysis"),
    ("justification", "Waits for a Justification"),
    ("documents", "Waits for Documents"),
]
STATUS = {"denied": "3", "analysis": "2", "justification": "4", "documents": "5"}  # T45


class TissAuthorizationRegister(models.TransientModel):
    """A person types what the operadora said about a request, or reads the file of its answer."""

    _name = "tiss.authorization.register"
    _description = "Register Authorisation"

    authorization_id = fields.Many2one("tiss.authorization", required=True, readonly=True)
    request_type = fields.Selection(related="authorization_id.request_type")
    file = fields.Binary("File of the Answer", attachment=False)
    file_name = fields.Char()
    outcome = fields.Selection(OUTCOMES, "Answer", required=True, default="granted")
    operadora_number = fields.Char("Guia Number at the Operadora", size=20)
    authorization_password = fields.Char("Password", size=20)
    authorization_date = fields.Date("Authorised On", default=fields.Date.context_today)
    authorization_validity_date = fields.Date("Password Valid Until")
    days_authorized = fields.Integer("Daily Rates Authorised")
    reason_ids = fields.Many2many("tiss.term", string="Reasons", domain=[("table_code", "=", "38")])
    operadora_note = fields.Text("Note of the Operadora")
    line_ids = fields.One2many("tiss.authorization.register.line", "register_id", "Items")

    @api.model
    def _get_request_action(self, request):
        """Open the wizard for one request, filled in as if all of it were authorised."""
        known = ("operadora_number", *GIVEN_FIELDS)
        wizard = self.create(
            {
                "authorization_id": request.id,
                "days_authorized": request.days_authorized or request.days_requested,
                **{name: request[name] for name in known if request[name]},
                "line_ids": [
                    Command.create({"line_id": line.id, "quantity_authorized": quantity})
                    for line, quantity in request._get_registered_quantities().items()
                ],
            }
        )
        return wizard._get_records_action(
            name=self.env._("Answer to request %s", request.name), target="new"
        )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_register(self):
        """Keep what was typed; a file, when there is one, says it better."""
        self.ensure_one()
        request = self.authorization_id
        if self.file:
            content = decode_upload(self, parser.MAX_BYTES)
            name = self.file_name or self.env._("return.xml")
            answered = request.receive_file(name, content)
            if answered != request:
                raise UserError(
                    self.env._("The file answers another request: %s.", answered.display_name)
                )
        elif self.outcome == "granted":
            self._register_grant()
        else:
            codes = self.reason_ids.mapped("code")
            request.register_answer(
                STATUS[self.outcome], reasons=codes, operadora_note=self.operadora_note
            )
        return {"type": "ir.actions.act_window_close"}

    def _register_grant(self):
        quantities = {row.line_id: row.quantity_authorized for row in self.line_ids}
        if any(quantity < 0 for quantity in quantities.values()):
            raise UserError(self.env._("A quantity is never negative."))
        request = self.authorization_id
        if quantities and not any(quantities.values()) and not self.days_authorized:
            raise UserError(
                self.env._("Nothing is authorised: choose Not Authorised, or type the quantities.")
            )
        is_full = all(row.quantity_authorized >= row.line_id.quantity for row in self.line_ids)
        is_full = is_full and self.days_authorized >= request.days_requested
        request.register_answer(
            "1" if is_full else "7",
            quantities=quantities,
            reasons=self.reason_ids.mapped("code"),
            operadora_number=self.operadora_number,
            authorization_password=self.authorization_password,
            authorization_date=self.authorization_date,
            authorization_validity_date=self.authorization_validity_date,
            operadora_note=self.operadora_note,
            days_authorized=self.days_authorized,
        )
