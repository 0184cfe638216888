from odoo import api, fields, models

from ..standard.money import from_cents
from .deadlines import REMINDER

MAX_BREACHES = 200  # a person corrects a cause, not each of its effects


class TissLedgerCheck(models.Model):
    """The last tie-out of a convênio: its guias against its books, every night.

    Only the system writes it; what it was before stands in the chatter.
    """

    _name = "tiss.ledger.check"
    _description = "Ledger Check"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "state, contract_id"
    _check_company_auto = True

    contract_id = fields.Many2one(
        "tiss.contract", "Convênio", required=True, index=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="contract_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    state = fields.Selection(
        [("broken", "Differs"), ("sound", "Ties Out")],
        "Result",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
    )
    checked_at = fields.Datetime("Checked", required=True, readonly=True)
    lote_count = fields.Integer("Protocolos", readonly=True)
    amount_open = fields.Monetary("Open in the Guias", readonly=True)
    amount_booked = fields.Monetary("Open in the Books", readonly=True)
    amount_difference = fields.Monetary("Difference", compute="_compute_amount_difference")
    breach_count = fields.Integer("Findings", readonly=True, tracking=True)
    breach_ids = fields.One2many("tiss.ledger.breach", "check_id", "What Differs", readonly=True)

    _contract_uniq = models.Constraint(
        "UNIQUE(contract_id)", "A convênio has one check, which is renewed every night."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("contract_id", "checked_at")
    def _compute_display_name(self):
        for check in self:
            check.display_name = check.contract_id.name

    @api.depends("amount_open", "amount_booked")
    def _compute_amount_difference(self):
        for check in self:
            check.amount_difference = check.amount_open - check.amount_booked

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_check(self):
        """Look again at these now; without any, at all convênios of the companies on screen."""
        contracts = self.contract_id or self.env["tiss.contract"].with_context(
            active_test=False
        ).search([("company_id", "in", self.env.companies.ids)])
        self._run(contracts)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_view_contract(self):
        return self.contract_id._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _run(self, contracts):
        """Tie contracts out and note what was found.

        :return: `tiss.ledger.check`, one per contract
        """
        contracts.check_access("read")
        # As superuser: nobody may write the result of a check.
        Check = self.sudo().with_context(active_test=False)
        rows = Check.search([("contract_id", "in", contracts.ids)])
        known = {check.contract_id: check for check in rows}
        checks = Check
        for contract in contracts:
            tie_out = contract._get_tie_out()
            breaches = tie_out.find()
            ours, theirs = (float(from_cents(cents)) for cents in tie_out.open_cents)
            vals = {
                "checked_at": fields.Datetime.now(),
                "lote_count": tie_out.lote_count,
                "amount_open": ours,
                "amount_booked": theirs,
                "state": "broken" if breaches else "sound",
                "breach_count": len(breaches),
            }
            check = known.get(contract.sudo())
            if check:
                check.breach_ids.unlink()
                check.write(vals)
            else:
                check = Check.create({**vals, "contract_id": contract.id})
            check._note(breaches)
            checks |= check
        return checks.with_env(self.env)

    def _note(self, breaches):
        """Write the breaches down and tell who is responsible; both once, not every night."""
        self.ensure_one()
        self.env["tiss.ledger.breach"].create(
            [
                {
                    "check_id": self.id,
                    "code": breach.code,
                    "name": breach.words,
                    "amount_ours": float(from_cents(breach.ours)),
                    "amount_theirs": float(from_cents(breach.theirs)),
                    "lote_id": breach.lote_id,
                    "guia_id": breach.guia_id,
                    "move_id": breach.move_id,
                }
                for breach in breaches[:MAX_BREACHES]
            ]
        )
        if not breaches:
            self.activity_feedback([REMINDER], feedback=self.env._("The ledger ties out again."))
        elif not self.activity_ids:
            user = self.contract_id.user_id or self.contract_id.create_uid
            self.activity_schedule(
                REMINDER,
                summary=self.env._("The ledger of %s does not tie out", self.contract_id.name),
                note=breaches[0].words,
                user_id=user.id,
            )
