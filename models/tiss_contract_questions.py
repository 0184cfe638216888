from odoo import api, fields, models


class TissContract(models.Model):
    """What is asked of this operadora, and how often."""

    _inherit = "tiss.contract"

    eligibility_required = fields.Boolean(
        "Verify Eligibility",
        help="Whoever books or registers a visit is told when nobody has verified that the card"
        " is good.",
    )
    eligibility_days = fields.Integer(
        "A Check Counts For",
        default=1,
        required=True,
        help="Days for which a check of eligibility is good; 1: the day on which it was made.",
    )
    status_days = fields.Integer(
        "Ask for the Status Every",
        help="Days after which the operadora is asked again what has become of an open protocolo."
        " Zero: only when somebody asks.",
    )
    status_by_lote = fields.Boolean(
        "Finds Lotes by Number",
        help="The operadora answers a question about a protocolo also when it carries the number"
        " of a lote. Then it can be asked whether it has a lote that got no answer.",
    )
    demonstrativo_days = fields.Integer(
        "Ask for Demonstrativos Every",
        help="Days after which the operadora is asked for the demonstrativo of a protocolo that it"
        " did not analyse or pay yet. Zero: only when somebody asks.",
    )

    _eligibility_days_positive = models.Constraint(
        "CHECK(eligibility_days > 0)", "A check counts for one day at least."
    )
    _question_days_positive = models.Constraint(
        "CHECK(status_days >= 0 AND demonstrativo_days >= 0)",
        "The operadora is asked every so many days: zero or more.",
    )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_ask_demonstrativo(self):
        """Open a new request for a demonstrativo of this convênio."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Request for a Demonstrativo"),
            "res_model": "tiss.demonstrativo.request",
            "view_mode": "form",
            "context": {
                "default_company_id": self.company_id.id,
                "default_contract_id": self.id,
            },
        }

    # ------------------------------------------------------------------
    # Scheduled action
    # ------------------------------------------------------------------

    @api.model
    def _cron_ask(self):
        """Ask each operadora for what it owes, one transaction for each convênio."""
        due = self.search(["|", ("status_days", ">", 0), ("demonstrativo_days", ">", 0)])
        self.env["ir.cron"]._commit_progress(remaining=len(due))
        for contract in due:
            contract = contract.with_company(contract.company_id)
            contract._ask_due()
            self.env["ir.cron"]._commit_progress(1)

    def _ask_due(self):
        """Ask for what is due with one convênio; without a web service files wait to be sent."""
        self.ensure_one()
        for name in ("tiss.protocol.query", "tiss.demonstrativo.request"):
            self.env[name]._ask_again(self)
        if self.status_days:
            self.env["tiss.lote"]._ask_due(self)
            self.env["tiss.annex"]._ask_due(self)
        if self.demonstrativo_days:
            self.env["tiss.demonstrativo.request"]._ask_due(self)
