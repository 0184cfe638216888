from odoo import api, fields, models


class TissDemonstrativoDecision(models.AbstractModel):
    """What a person says of one demonstrativo before it is booked or taken back: on which day."""

    _name = "tiss.demonstrativo.decision"
    _description = "Decision about a Demonstrativo"

    demonstrativo_id = fields.Many2one("tiss.demonstrativo", required=True, readonly=True)
    accounting_date = fields.Date(compute="_compute_accounting_date", store=True, readonly=False)

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("demonstrativo_id")
    def _compute_accounting_date(self):
        """The first open day after those that are closed; none where all are open."""
        for wizard in self:
            demonstrativo, days = wizard.demonstrativo_id, wizard._get_closed_days()
            wizard.accounting_date = days and demonstrativo._get_first_open_date(
                demonstrativo.contract_id, max(days)
            )

    def _get_closed_days(self):
        """Days of the demonstrativo on which nothing can be booked any more."""
        raise NotImplementedError

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    @api.model
    def _get_wizard_action(self, demonstrativo, name):
        """Open the wizard for one demonstrativo, under a title."""
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_demonstrativo_id": demonstrativo.id},
        }
