from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.tiss_eligibility import RESULTS
from ..models.upload import decode_upload
from ..standard import parser


class TissEligibilityRegister(models.TransientModel):
    """A person types what the operadora said about a card, or reads the file of its answer."""

    _name = "tiss.eligibility.register"
    _description = "Register Eligibility"

    check_id = fields.Many2one("tiss.eligibility", required=True, readonly=True)
    patient_id = fields.Many2one(related="check_id.patient_id")
    file = fields.Binary("File of the Answer", attachment=False)
    file_name = fields.Char()
    result = fields.Selection(RESULTS, "Answer", required=True, default="eligible")
    kind = fields.Selection(
        [("portal", "Portal of the Operadora"), ("phone", "Telephone"), ("other", "Other")],
        "Verified By",
        required=True,
        default="portal",
    )
    date = fields.Date("Verified On", required=True, default=fields.Date.context_today)
    reference = fields.Char("Protocolo or Person")
    validity_date = fields.Date("Card Valid Until")
    reason_ids = fields.Many2many("tiss.term", string="Reasons", domain=[("table_code", "=", "38")])

    @api.model
    def _get_check_action(self, check):
        """Open the wizard for one check."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Answer of the operadora"),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_check_id": check.id},
        }

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_register(self):
        """Keep what was typed; a file, when there is one, says it better."""
        self.ensure_one()
        check = self.check_id
        if self.file:
            content = decode_upload(self, parser.MAX_BYTES)
            name = self.file_name or self.env._("return.xml")
            answered = check.receive_file(name, content)
            if answered != check:
                raise UserError(
                    self.env._("The file answers another question: %s.", answered.display_name)
                )
        else:
            reasons = [f"{term.code} {term.name}" for term in self.reason_ids]
            check.register_answer(
                self.result,
                self.kind,
                self.date,
                self.reference,
                answer_validity_date=self.validity_date,
                denial_reason="\n".join(reasons) or False,
            )
        return {"type": "ir.actions.act_window_close"}
