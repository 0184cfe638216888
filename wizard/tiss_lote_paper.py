from odoo import api, fields, models


class TissLotePaper(models.TransientModel):
    """A lote is printed and handed over, because neither web service nor portal works."""

    _name = "tiss.lote.paper"
    _description = "Deliver a Lote on Paper"

    lote_id = fields.Many2one("tiss.lote", required=True, readonly=True)
    currency_id = fields.Many2one(related="lote_id.currency_id")
    guia_count = fields.Integer(related="lote_id.guia_count")
    amount_total = fields.Monetary(related="lote_id.amount_total")
    date = fields.Date("Delivered On", required=True, default=fields.Date.context_today)
    person = fields.Char("Received By", help="Who took the paper at the operadora.")

    @api.model
    def _get_lote_action(self, lote):
        """Open the wizard for one lote."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Lote %s on paper", lote.name),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_lote_id": lote.id},
        }

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_print(self):
        """The cover and the guias, to be handed over; nothing is marked yet."""
        self.ensure_one()
        return self.env.ref("l10n_br_tiss.action_report_lote").report_action(self.lote_id)

    def action_deliver(self):
        """The paper was handed over."""
        self.ensure_one()
        self.lote_id.deliver_on_paper(self.person, self.date)
        return {"type": "ir.actions.act_window_close"}
