from odoo import models
from odoo.fields import Command


class TissAuthorization(models.Model):
    """A request that is not needed any more: the operadora takes it back."""

    _inherit = "tiss.authorization"

    def action_cancel_at_operadora(self):
        """Open the cancellation of requests of one convênio, to be given a reason and sent."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Cancellation at the Operadora"),
            "res_model": "tiss.cancellation",
            "view_mode": "form",
            "context": {
                "default_company_id": self.company_id.id,
                "default_contract_id": self.contract_id.id,
                "default_line_ids": [
                    Command.create({"authorization_id": request.id}) for request in self
                ],
            },
        }
