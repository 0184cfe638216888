from odoo import api, fields, models
from odoo.exceptions import UserError

from .tiss_term import term_field

DIRECTIONS = {"1": "debit", "2": "credit"}  # by indicador, guide §5.4


class TissDemonstrativoAdjustment(models.Model):
    """A débito or crédito of a payment (ct_descontos): a tax withheld, a discount… (T27)."""

    _name = "tiss.demonstrativo.adjustment"
    _description = "Débito or Crédito"
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
    currency_id = fields.Many2one(related="company_id.currency_id")
    direction = fields.Selection(
        [("debit", "Débito"), ("credit", "Crédito")], required=True, readonly=True
    )
    code = fields.Char(readonly=True, help="As the file gives it, also when T27 has it not.")
    kind_id = term_field("27", "Kind", readonly=True)
    name = fields.Char("Description", required=True, readonly=True)
    amount = fields.Monetary(required=True, readonly=True)
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

    @api.depends("kind_id", "company_id")
    def _compute_account_id(self):
        Account = self.env["tiss.adjustment.account"]
        for company, rows in self.grouped("company_id").items():
            accounts = Account._get_accounts(company)
            for row in rows:
                row.account_id = row.account_id or accounts.get(row.kind_id.code)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        is_posted = any(row.payment_id.demonstrativo_id.state != "imported" for row in self)
        if not self.env.su and (is_posted or set(vals) - {"account_id"}):
            raise UserError(self.env._("Only the account can be chosen, and only before posting."))
        return super().write(vals)

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
