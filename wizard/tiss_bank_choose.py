from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..standard.money import from_cents, to_cents


class TissBankChoose(models.TransientModel):
    """Say by hand what lines of the bank pay, and what becomes of a difference."""

    _name = "tiss.bank.choose"
    _description = "Choose What a Deposit Pays"
    _check_company_auto = True

    line_ids = fields.Many2many("account.bank.statement.line", string="Bank Lines", readonly=True)
    company_id = fields.Many2one("res.company", compute="_compute_journal")
    currency_id = fields.Many2one(related="company_id.currency_id")
    journal_id = fields.Many2one("account.journal", compute="_compute_journal")
    partner_id = fields.Many2one("res.partner", "Operadora", domain="[('id', 'in', operadora_ids)]")
    operadora_ids = fields.Many2many(
        "res.partner", string="Operadoras That Pay Here", compute="_compute_candidates"
    )
    candidate_ids = fields.Many2many("account.payment", compute="_compute_candidates")
    payment_ids = fields.Many2many(
        "account.payment",
        relation="tiss_bank_choose_payment_rel",
        string="Demonstrativos",
        domain="[('id', 'in', candidate_ids)]",
    )
    amount_bank = fields.Monetary("In the Bank", compute="_compute_amounts")
    amount_payments = fields.Monetary("Of Demonstrativos", compute="_compute_amounts")
    amount_difference = fields.Monetary("Difference", compute="_compute_amounts")
    difference = fields.Selection(
        [("open", "Stays open until the rest comes"), ("book", "Is booked to an account")],
        "The Difference",
        default="open",
        required=True,
    )
    difference_account_id = fields.Many2one(
        "account.account", "Account", check_company=True, compute="_compute_account", store=True,
        readonly=False,
    )  # fmt: skip
    note = fields.Char()

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("line_ids")
    def _compute_journal(self):
        for wizard in self:
            wizard.journal_id = wizard.line_ids.journal_id[:1]
            wizard.company_id = wizard.journal_id.company_id

    @api.depends("journal_id", "partner_id")
    def _compute_candidates(self):
        for wizard in self:
            contracts = wizard.journal_id._tiss_get_contracts()
            wizard.operadora_ids = contracts.partner_id.commercial_partner_id
            payments = self.env["account.payment"].union(
                *self.env["tiss.bank.match"]._get_open_payments(wizard.journal_id)
            )
            wizard.candidate_ids = payments.filtered(
                lambda payment, own=wizard.partner_id: (
                    not own or payment.partner_id.commercial_partner_id == own
                )
            )

    @api.depends("line_ids", "payment_ids")
    def _compute_amounts(self):
        for wizard in self:
            lines = wizard.line_ids._origin  # in a form they are new, and have no entry
            bank = sum(cents for cents, _booked in lines._tiss_get_open_cents().values())
            due = sum(wizard.payment_ids._origin._tiss_get_residuals().values())
            wizard.amount_bank = from_cents(bank)
            wizard.amount_payments = from_cents(due)
            wizard.amount_difference = from_cents(bank - due) if wizard.payment_ids else 0

    @api.depends("company_id")
    def _compute_account(self):
        for wizard in self:
            wizard.difference_account_id = wizard.company_id.tiss_bank_difference_account_id

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_match(self):
        """Match as chosen; without a demonstrativo the deposit waits for one."""
        self.ensure_one()
        Match = self.env["tiss.bank.match"]
        Match._check_rights()
        self._check_chosen()
        vals = self._prepare_match()
        same = Match.search(
            [("journal_id", "=", self.journal_id.id), ("key", "=", vals["key"])]
        ).filtered(lambda match: match.state in ("proposed", "rejected"))
        same.sudo().unlink()
        match = Match.sudo().create(vals).sudo(False).with_env(self.env)
        match.match()
        return {"type": "ir.actions.act_window_close"}

    def _check_chosen(self):
        if len(self.journal_id) != 1 or len(self.line_ids.journal_id) != 1:
            raise UserError(self.env._("Choose lines of one bank only."))
        if not self.partner_id and not self.payment_ids:
            raise UserError(self.env._("Choose the operadora that paid."))
        payers = self.payment_ids.partner_id.commercial_partner_id | self.partner_id
        if len(payers) > 1:
            raise UserError(
                self.env._("One deposit is of one operadora: choose payments of one only.")
            )
        books = self.difference == "book" and to_cents(self.amount_difference)
        if books and not (self.difference_account_id and self.note):
            raise UserError(
                self.env._("Choose the account of the difference, and write down why it is so.")
            )

    def _prepare_match(self):
        Match = self.env["tiss.bank.match"]
        payer = self.payment_ids.partner_id.commercial_partner_id | self.partner_id
        account = self.payment_ids.outstanding_account_id or self.env["account.account"].union(
            *filter(None, [Match._get_transit_accounts(self.journal_id).get(payer.id)])
        )
        if len(account) != 1:
            raise UserError(
                self.env._("These payments wait on different accounts: match them one by one.")
            )
        books = self.difference == "book" and to_cents(self.amount_difference)
        return {
            "company_id": self.company_id.id,
            "journal_id": self.journal_id.id,
            "partner_id": payer.id,
            "account_id": account.id,
            "key": Match._make_key(self.line_ids, self.payment_ids),
            "rule": "manual" if self.payment_ids else "transit",
            "is_unique": True,
            "line_ids": [Command.set(self.line_ids.ids)],
            "payment_ids": [Command.set(self.payment_ids.ids)],
            "amount_bank": self.amount_bank,
            "amount_payments": self.amount_payments,
            "difference_account_id": self.difference_account_id.id if books else False,
            "note": self.note,
        }
