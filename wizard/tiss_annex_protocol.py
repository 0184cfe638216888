from odoo import api, fields, models


class TissAnnexProtocol(models.TransientModel):
    """A person types the protocolo that the portal showed after it took a file of annexes."""

    _name = "tiss.annex.protocol"
    _description = "Protocolo of Annexes"

    annex_id = fields.Many2one("tiss.annex", required=True, readonly=True)
    protocol_number = fields.Char("Protocolo", required=True, size=12)
    protocol_date = fields.Date("Date", required=True, default=fields.Date.context_today)

    @api.model
    def _get_annex_action(self, annex):
        """Open the wizard for the message that one annex is in."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Protocolo of annex %s", annex.name),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_annex_id": annex.id},
        }

    def action_register(self):
        self.ensure_one()
        self.annex_id.register_protocol(self.protocol_number, self.protocol_date)
        return {"type": "ir.actions.act_window_close"}
