from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard.money import to_cents
from .tiss_contract_retention import FEDERAL
from .tiss_term import term_field

DIRECTIONS = {"1": "debit", "2": "credit"}  # by indicador, guide §5.4
EARLIER_PAYMENT = "08"  # T27: adjustment of an earlier payment


class TissDemonstrativoAdjustment(models.Model):
    """A débito or crédito of a payment (ct_descontos): a tax withheld, a discount… (T27)."""

    _name = "tiss.demonstrativo.adjustment"
    _description = "Débito or Crédito"
    _inherit = ["tiss.system.made"]
    _order = "payment_id, id"
    _check_company_auto = True

    payment_id = fields.Many2one(
        "tiss.demonstrativo.payment", required=True, index=True, readonly=True, ondelete="cascade"
    )
    demonstrativo_id = fields.Many2one(
        related="payment_id.demonstrativo_id", store=True, index=True, precompute=True
    )
    company_id = fields.Many2one(
        related="payment_id.company_id", store=True, index=True, precompute=True
    )
    contract_id = fields.Many2one(
        related="demonstrativo_id.contract_id", store=True, index=True, precompute=True
    )
    payment_date = fields.Date(
        related="payment_id.payment_date", string="Payment Date", store=True, precompute=True
    )
    amount_base = fields.Monetary(
        related="payment_id.amount_released", string="Gross of the Payment"
    )
    move_id = fields.Many2one(related="payment_id.payment_id.move_id")
    currency_id = fields.Many2one(related="company_id.currency_id")
    is_of_file = fields.Boolean(
        "Of the Whole File",
        readonly=True,
        help="The file states it for all days together; it is booked with the last one.",
    )
    direction = fields.Selection(
        [("debit", "Débito"), ("credit", "Crédito")], required=True, readonly=True
    )
    code = fields.Char(readonly=True, help="As the file gives it, also when T27 has it not.")
    kind_id = term_field("27", "Kind", readonly=True)
    name = fields.Char("Description", required=True, readonly=True)
    amount = fields.Monetary(required=True, readonly=True)
    reinf_nature = fields.Char(
        "Nature of Income",
        compute="_compute_reinf_nature",
        store=True,
        precompute=True,
        help="Of the EFD-Reinf, as the convênio had it when the tax was withheld.",
    )
    operadora_vat = fields.Char("CNPJ", related="contract_id.partner_id.vat")
    account_id = fields.Many2one(
        "account.account",
        compute="_compute_account_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        ondelete="restrict",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("kind_id", "contract_id")
    def _compute_reinf_nature(self):
        """Only of federal taxes, which the operadora reports by it (accounting.md §7)."""
        for row in self:
            is_federal = row.kind_id.code in FEDERAL
            row.reinf_nature = row.contract_id.reinf_nature if is_federal else False

    @api.depends("kind_id", "company_id")
    def _compute_account_id(self):
        """What was decided for this kind; an earlier net below zero is offset by what is owed."""
        Account = self.env["tiss.adjustment.account"]
        for company, rows in self.grouped("company_id").items():
            accounts = Account._find_accounts(company, rows)
            for row in rows:
                row.account_id = row.account_id or accounts[row] or row._get_debt_account()

    def _get_debt_account(self):
        """The account of what is owed to the operadora, where this débito takes it back."""
        self.ensure_one()
        account = self.company_id.tiss_debt_account_id
        if self.kind_id.code != EARLIER_PAYMENT or self.direction != "debit" or not account:
            return account.browse()
        is_owed = to_cents(self.amount) <= self.demonstrativo_id._get_owed_cents()
        return account if is_owed else account.browse()

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        is_posted = any(row.payment_id.demonstrativo_id.state != "imported" for row in self)
        if not self.env.su and (is_posted or set(vals) - self._get_editable()):
            raise UserError(self.env._("Only the account can be chosen, and only before posting."))
        return super().write(vals)

    @api.model
    def _get_editable(self):
        """What a person decides before posting."""
        return {"account_id"}

    def _is_homeless(self):
        """Whether nobody knows where this is booked."""
        self.ensure_one()
        return not self.account_id

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    def _prepare_from_discount(self, values):
        """Values of one debitosCreditos (guide §5.4)"""
        code = values["tipoDebitoCredito"]
        return {
            "direction": self._get_direction(values),
            "code": code,
            "kind_id": self.env["tiss.term"]._get("27", code).id,
            "name": values["descricaoDbCr"],
            "amount": values["valorDbCr"],
        }

    @api.model
    def _get_direction(self, values):
        """The `direction` of one debitosCreditos; a UserError when it says neither of the two."""
        direction = DIRECTIONS.get(str(values["indicador"]))
        if not direction:
            raise UserError(
                self.env._(
                    "In the file, “%(name)s” is neither a débito nor a crédito: its indicador is"
                    " “%(code)s”. Ask the operadora for a correct one.",
                    name=values.get("descricaoDbCr"),
                    code=values["indicador"],
                )
            )
        return direction

    @api.model
    def _get_signed_cents(self, values):
        """Cents of one debitosCreditos; a débito takes off."""
        cents = to_cents(values["valorDbCr"])
        return -cents if self._get_direction(values) == "debit" else cents

    # ------------------------------------------------------------------
    # Posting
    # ------------------------------------------------------------------

    def _get_cents(self):
        """What they take off a payment, in cents; créditos count against it."""
        return sum(to_cents(row.amount) * (1 if row.direction == "debit" else -1) for row in self)

    def _remember(self):
        """Ask no more for what a person decided; an offset debt was no decision."""
        decided = self.filtered(
            lambda row: row.account_id and row.account_id != row.company_id.tiss_debt_account_id
        )
        self.env["tiss.adjustment.account"]._remember(decided)
