from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..standard.money import from_cents


class TissMonthEnd(models.TransientModel):
    """What the end of a month asks for: the invoices of a month, and what is not invoiced yet."""

    _name = "tiss.month.end"
    _description = "Month-End Invoices"
    _inherit = ["tiss.month.choice"]

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    contract_ids = fields.Many2many(
        "tiss.contract", string="Convênios", domain="[('company_id', '=', company_id)]"
    )
    line_ids = fields.One2many(
        "tiss.month.end.line", "wizard_id", compute="_compute_line_ids", string="To Make"
    )
    is_done = fields.Boolean(compute="_compute_line_ids")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("date", "company_id", "contract_ids")
    def _compute_line_ids(self):
        for wizard in self:
            vals_list = wizard._prepare_lines() if wizard.date else []
            wizard.line_ids = [Command.clear(), *map(Command.create, vals_list)]
            wizard.is_done = not any(not vals["is_done"] for vals in vals_list)

    def _get_contracts(self):
        return self.contract_ids._origin or self.env["tiss.contract"]._get_all(self.company_id)

    def _prepare_lines(self):
        contracts = self._get_contracts()
        end = fields.Date.end_of(self.date, "month")
        invoices = [
            {
                "contract_id": contract.id,
                "kind": "invoice",
                "lote_count": len(lotes),
                "amount": sum(lotes.mapped("amount_total")),
                "is_done": False,
            }
            for contract, lotes in contracts._get_lotes_of_month(self.date)
            .grouped("contract_id")
            .items()
        ]
        accrued = contracts._get_accruals(end).tiss_accrual_contract_id
        return invoices + [
            {
                "contract_id": contract.id,
                "kind": "accrue",
                "amount": float(from_cents(cents)),
                "is_done": contract in accrued,
            }
            for contract, cents in contracts._get_unreleased_cents(end).items()
        ]

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_post(self):
        """Make the invoices and accruals that are not there yet, and show them."""
        self.ensure_one()
        if self.is_done:
            raise UserError(self.env._("This month needs nothing more."))
        contracts = self._get_contracts()
        end = fields.Date.end_of(self.date, "month")
        moves = contracts.invoice_month(self.date)
        accrued = contracts._get_accruals(end).tiss_accrual_contract_id
        moves |= (contracts - accrued).accrue_unreleased(end)
        return moves._get_records_action(name=self.env._("Month-End Invoices"))
