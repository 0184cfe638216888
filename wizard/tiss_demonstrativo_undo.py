from odoo import api, fields, models


class TissDemonstrativoUndo(models.TransientModel):
    """What undoing a demonstrativo takes back, what stands in its way, and on which day."""

    _name = "tiss.demonstrativo.undo"
    _inherit = ["tiss.demonstrativo.decision"]
    _description = "Undo a Demonstrativo"

    later = fields.Text("Has To Be Undone First", compute="_compute_obstacles")
    matched_payment_ids = fields.Many2many(
        "account.payment", string="Matched With the Bank", compute="_compute_obstacles"
    )
    needs_date = fields.Boolean(compute="_compute_obstacles")
    accounting_date = fields.Date(
        "Reverse On",
        help="The books are closed on the day of the payment: it is reversed on this open one.",
    )
    reason = fields.Char("Why")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("demonstrativo_id")
    def _compute_obstacles(self):
        for wizard in self:
            demonstrativo = wizard.demonstrativo_id
            _mine, later = demonstrativo._get_later_movements()
            wizard.later = "\n".join(demonstrativo._describe_movements(later)) or False
            wizard.matched_payment_ids = demonstrativo.payment_ids._get_matched_payments()
            wizard.needs_date = any(row._needs_reversal() for row in demonstrativo.payment_ids)

    def _get_closed_days(self):
        closed = self.demonstrativo_id.payment_ids.filtered(lambda row: row._needs_reversal())
        return closed.mapped("payment_id.move_id.date")

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_undo(self):
        self.ensure_one()
        date = self.accounting_date if self.needs_date else None
        self.demonstrativo_id.undo(accounting_date=date, reason=self.reason)
        return {"type": "ir.actions.act_window_close"}
