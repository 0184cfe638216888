from odoo import api, fields, models


class TissDemonstrativoUndo(models.TransientModel):
    """What undoing a demonstrativo takes back, what stands in its way, and on which day."""

    _name = "tiss.demonstrativo.undo"
    _description = "Undo a Demonstrativo"

    demonstrativo_id = fields.Many2one("tiss.demonstrativo", required=True, readonly=True)
    later = fields.Text("Has To Be Undone First", compute="_compute_obstacles")
    matched_payment_ids = fields.Many2many(
        "account.payment", string="Matched With the Bank", compute="_compute_obstacles"
    )
    needs_date = fields.Boolean(compute="_compute_obstacles")
    accounting_date = fields.Date(
        "Reverse On",
        compute="_compute_accounting_date",
        store=True,
        readonly=False,
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

    @api.depends("demonstrativo_id")
    def _compute_accounting_date(self):
        for wizard in self:
            demonstrativo = wizard.demonstrativo_id
            days = demonstrativo.payment_ids.filtered(lambda row: row._needs_reversal()).mapped(
                "payment_id.move_id.date"
            )
            wizard.accounting_date = days and demonstrativo._get_first_open_date(
                demonstrativo.contract_id, max(days)
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    @api.model
    def _get_wizard_action(self, demonstrativo):
        """Open the wizard for one demonstrativo."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Undo %s", demonstrativo.display_name),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_demonstrativo_id": demonstrativo.id},
        }

    def action_undo(self):
        self.ensure_one()
        date = self.accounting_date if self.needs_date else None
        self.demonstrativo_id.undo(accounting_date=date, reason=self.reason)
        return {"type": "ir.actions.act_window_close"}
