from odoo import api, fields, models


class TissLoteProtocol(models.TransientModel):
    """A person types the protocolo that the operadora's portal showed."""

    _name = "tiss.lote.protocol"
    _description = "Protocolo of a Lote"

    lote_id = fields.Many2one("tiss.lote", required=True, readonly=True)
    currency_id = fields.Many2one(related="lote_id.currency_id")
    guia_count = fields.Integer(related="lote_id.guia_count")
    amount_total = fields.Monetary(related="lote_id.amount_total")
    booked_date = fields.Date(related="lote_id.invoice_id.invoice_date", string="Invoice Date")
    protocol_number = fields.Char("Protocolo", required=True, size=12)
    protocol_date = fields.Date("Date", required=True, default=fields.Date.context_today)

    @api.model
    def _get_lote_action(self, lote):
        """Open the wizard for one lote."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Protocolo of lote %s", lote.name),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_lote_id": lote.id,
                **{
                    f"default_{name}": lote[name]
                    for name in ("protocol_number", "protocol_date")
                    if lote[name]
                },
            },
        }

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_register(self):
        """Register the protocolo, or correct the one that the lote has."""
        self.ensure_one()
        is_correction = self.lote_id.protocol_number
        register = (
            self.lote_id.correct_protocol if is_correction else self.lote_id.register_protocol
        )
        register(self.protocol_number, self.protocol_date)
        return {"type": "ir.actions.act_window_close"}
