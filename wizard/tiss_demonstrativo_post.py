from odoo import api, fields, models


class TissDemonstrativoPost(models.TransientModel):
    """What a person decides before a demonstrativo is booked that does not agree in all.

    On which open day, where the books are closed on that of the payment; and whether what agrees
    is booked while the rest of the money waits as not identified.
    """

    _name = "tiss.demonstrativo.post"
    _inherit = ["tiss.demonstrativo.decision"]
    _description = "Post a Demonstrativo"

    currency_id = fields.Many2one(related="demonstrativo_id.currency_id")
    kind = fields.Selection(related="demonstrativo_id.kind")
    preview_html = fields.Html(related="demonstrativo_id.preview_html")
    discrepancy_ids = fields.One2many(
        "tiss.discrepancy", string="What Does Not Agree", compute="_compute_questions"
    )
    amount_unidentified = fields.Monetary("Not Identified", compute="_compute_questions")
    is_locked = fields.Boolean(compute="_compute_questions")
    is_partial = fields.Boolean(compute="_compute_questions")
    accounting_date = fields.Date(
        "Book On", help="An open day for payments of days on which the books are closed."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("demonstrativo_id")
    def _compute_questions(self):
        for wizard in self:
            demonstrativo = wizard.demonstrativo_id
            blocking = demonstrativo.discrepancy_ids.filtered("is_blocking")
            locked = blocking.filtered(lambda row: row.code == "locked_period")
            wizard.discrepancy_ids = blocking - locked
            wizard.is_locked = bool(locked)
            wizard.is_partial = blocking != locked
            wizard.amount_unidentified = demonstrativo._get_unidentified()

    def _get_closed_days(self):
        closed = self.demonstrativo_id.payment_ids.filtered(lambda row: row._is_locked())
        return closed.mapped("payment_date")

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_post(self):
        self.ensure_one()
        self.demonstrativo_id.post(
            accounting_date=self.accounting_date if self.is_locked else None,
            with_unidentified=self.is_partial,
        )
        return {"type": "ir.actions.act_window_close"}
