from odoo import api, fields, models
from odoo.exceptions import UserError


class TissProductionSwitch(models.TransientModel):
    """Somebody types the ANS number of the operadora; from then on messages go out in earnest."""

    _name = "tiss.production.switch"
    _description = "Switch to Production"

    contract_id = fields.Many2one("tiss.contract", required=True, readonly=True)
    ans_code = fields.Char(related="contract_id.ans_code")
    has_login = fields.Boolean(related="contract_id.has_login")
    endpoint_ids = fields.Many2many(
        "tiss.endpoint", string="Web Services in Production", compute="_compute_endpoint_ids"
    )
    confirmation = fields.Char("ANS Number of the Operadora")

    @api.depends("contract_id")
    def _compute_endpoint_ids(self):
        for wizard in self:
            wizard.endpoint_ids = wizard.contract_id.endpoint_ids.filtered(
                lambda endpoint: endpoint.environment == "production"
            )

    @api.model
    def _open(self, contract):
        """Open the wizard for one convênio."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("%s into production", contract.name),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_contract_id": contract.id},
        }

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_confirm(self):
        """Arm production in this database, for this convênio."""
        self.ensure_one()
        contract = self.contract_id
        if contract._is_neutralized():
            raise UserError(
                self.env._("This database is a copy for tests: nothing is sent from it.")
            )
        if not self.endpoint_ids:
            raise UserError(
                self.env._("No web service has an address in production: type one first.")
            )
        if not self.ans_code or (self.confirmation or "").strip() != self.ans_code:
            raise UserError(
                self.env._("What was typed is not the ANS number of %s.", contract.partner_id.name)
            )
        contract._arm_production()
        return {"type": "ir.actions.act_window_close"}
