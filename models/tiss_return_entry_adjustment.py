from odoo import api, fields, models

from ..standard.money import to_decimal
from .tiss_demonstrativo_adjustment import DIRECTIONS
from .tiss_term import term_field

INDICATORS = {direction: code for code, direction in DIRECTIONS.items()}


class TissReturnEntryAdjustment(models.Model):
    """A tax or discount of a payment, typed by hand (T27)."""

    _name = "tiss.return.entry.adjustment"
    _description = "Débito or Crédito Typed by Hand"
    _inherit = ["tiss.return.entry.part"]
    _order = "entry_id, id"

    direction = fields.Selection(
        [("debit", "Débito"), ("credit", "Crédito")], required=True, default="debit"
    )
    kind_id = term_field("27", "Kind", required=True)
    name = fields.Char(
        "Description",
        compute="_compute_name",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    amount = fields.Monetary(required=True)

    _amount_check = models.Constraint("CHECK(amount > 0)", "Type the amount without a sign.")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("kind_id")
    def _compute_name(self):
        for row in self:
            row.name = row.name or row.kind_id.name

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def _prepare_discount(self):
        """debitosCreditos (guide §5.4)"""
        return {
            "indicador": INDICATORS[self.direction],
            "tipoDebitoCredito": self.kind_id.code,
            "descricaoDbCr": self.name,
            "valorDbCr": to_decimal(self.amount),
        }
