import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard.money import to_cents
from ..standard.text import to_ascii
from .tiss_demonstrativo_adjustment import EARLIER_PAYMENT

NAMED = re.compile(r"\bGUIA\W*(?:NUMERO|NUM|NRO|NR|NO|N)?\W*([0-9][0-9A-Z./-]*)")


class TissDemonstrativoAdjustment(models.Model):
    """A débito that takes back what was paid for a guia (accounting.md §5.2, ESTORNAR).

    What it takes back is denied again: owed by the operadora, to be contested or given up.
    """

    _inherit = "tiss.demonstrativo.adjustment"

    guia_id = fields.Many2one(
        "tiss.guia",
        "Takes Back",
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="The guia that was paid before and is not any more. It needs no account: the amount"
        " is owed again, and denied.",
    )
    line_id = fields.Many2one(
        "tiss.demonstrativo.line", readonly=True, index="btree_not_null", ondelete="set null"
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("guia_id")
    def _compute_account_id(self):
        named = self.filtered("guia_id")
        named.account_id = False
        return super(TissDemonstrativoAdjustment, self - named)._compute_account_id()

    # ------------------------------------------------------------------
    # Constraints and CRUD
    # ------------------------------------------------------------------

    @api.constrains("guia_id")
    def _check_guia_id(self):
        for row in self.filtered("guia_id"):
            if row.kind_id.code != EARLIER_PAYMENT or row.direction != "debit":
                raise ValidationError(
                    self.env._("Only a débito of kind 08 takes back what was paid: %s.", row.name)
                )
            if row.guia_id.contract_id != row.contract_id or not row._is_covered(row.guia_id):
                raise ValidationError(
                    self.env._(
                        "%(amount)s cannot be taken back of guia %(guia)s: %(paid)s were paid.",
                        amount=row.currency_id.format(row.amount),
                        guia=row.guia_id.name,
                        paid=row.currency_id.format(row.guia_id.amount_paid),
                    )
                )

    def write(self, vals):
        if vals.get("account_id"):
            vals = {**vals, "guia_id": False}
        return super().write(vals)

    @api.model
    def _get_editable(self):
        return super()._get_editable() | {"guia_id"}

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _is_homeless(self):
        return super()._is_homeless() and not self.guia_id

    def _is_covered(self, guia):
        """Whether as much was paid of a guia as this takes back."""
        return to_cents(guia.amount_paid) >= to_cents(self.amount)

    def _find_guias(self):
        """The guia that a débito names, where nobody decided about it and it was paid before."""
        numbers = {}
        for row in self:
            is_open = not row.account_id or row.account_id == row._get_debt_account()
            found = NAMED.search(to_ascii(row.name))
            is_kind = row.kind_id.code == EARLIER_PAYMENT and row.direction == "debit"
            if found and is_kind and is_open and not row.guia_id:
                numbers[row] = found[1].rstrip("./-")
        if not numbers:
            return
        guias = self.env["tiss.guia"].search(
            [
                ("contract_id", "in", self.contract_id.ids),
                ("name", "in", list(set(numbers.values()))),
            ]
        )
        for row, number in numbers.items():
            named = guias.filtered(
                lambda guia, row=row, number=number: (
                    guia.name == number and guia.contract_id == row.contract_id
                )
            )
            if len(named) == 1 and row._is_covered(named):
                row.sudo().guia_id = named

    # ------------------------------------------------------------------
    # Posting
    # ------------------------------------------------------------------

    def _ensure_lines(self):
        """A row of the demonstrativo for each guia, by which what it moves is found again."""
        Line = self.env["tiss.demonstrativo.line"].sudo()
        for row in self.filtered("guia_id").sudo():
            guia = row.guia_id
            row.line_id = Line.create(
                {
                    "payment_id": row.payment_id.id,
                    "level": "guia",
                    "protocol_number": guia.lote_id.protocol_number,
                    "lote_number": guia.lote_id.name,
                    "guia_number": guia.name,
                    "lote_id": guia.lote_id.id,
                    "guia_id": guia.id,
                }
            )

    def _plan_taking_back(self, moved):
        """Entries that deny again what the guias were paid.

        :param moved: `Moved` by what is planned and not recorded yet; these come to it
        """
        return [
            entry
            for row in self.filtered("guia_id")
            for entry in moved.add(
                row.line_id._plan_taking_back(to_cents(row.amount), moved, row.guia_id)
            )
        ]
