from odoo import api, fields, models


class TissRecursoProtocol(models.TransientModel):
    """A person types the protocolo that the portal showed after it took a recurso."""

    _name = "tiss.recurso.protocol"
    _description = "Protocolo of a Recurso"

    recurso_id = fields.Many2one("tiss.recurso", required=True, readonly=True)
    protocol_number = fields.Char("Protocolo", required=True, size=12)
    protocol_date = fields.Date("Date", required=True, default=fields.Date.context_today)

    @api.model
    def _get_recurso_action(self, recurso):
        """Open the wizard for one recurso."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Protocolo of recurso %s", recurso.name),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_recurso_id": recurso.id},
        }

    def action_register(self):
        self.ensure_one()
        self.recurso_id.register_protocol(self.protocol_number, self.protocol_date)
        return {"type": "ir.actions.act_window_close"}
