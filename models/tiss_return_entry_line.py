from odoo import api, fields, models

from ..standard.money import from_cents, to_cents, to_decimal
from .tiss_term import term_field


class TissReturnEntryLine(models.Model):
    """What the operadora says of one item, typed by hand."""

    _name = "tiss.return.entry.line"
    _description = "Item of a Demonstrativo Typed by Hand"
    _inherit = ["tiss.return.entry.part"]
    _order = "entry_id, id"
    _check_company_auto = True

    guia_line_id = fields.Many2one(
        "tiss.guia.line", "Item", required=True, index=True, check_company=True, ondelete="restrict"
    )
    guia_id = fields.Many2one(related="guia_line_id.guia_id")
    protocol_number = fields.Char("Protocolo", related="guia_id.lote_id.protocol_number")
    sequence_item = fields.Integer("No.", related="guia_line_id.sequence_item")
    code = fields.Char(related="guia_line_id.code")
    description = fields.Char(related="guia_line_id.description")
    amount_presented = fields.Float("Presented", digits=(10, 2), related="guia_line_id.amount")
    amount_released = fields.Float("Released", digits=(10, 2))
    amount_denied = fields.Float("Glosa", digits=(10, 2), compute="_compute_amount_denied")
    reason_id = term_field("38", "Reason")

    _guia_line_uniq = models.Constraint(
        "UNIQUE(entry_id, guia_line_id)", "An item stands once in a demonstrativo."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("amount_presented", "amount_released")
    def _compute_amount_denied(self):
        for line in self:
            cents = to_cents(line.amount_presented) - to_cents(line.amount_released)
            line.amount_denied = float(from_cents(cents))

    # ------------------------------------------------------------------
    # TISS values
    # ------------------------------------------------------------------

    def _prepare_row(self):
        """The item as a row of a table would say it."""
        lote = self.guia_id.lote_id
        return {
            "protocol": lote.protocol_number,
            "lote": lote.name,
            "guia": self.guia_id.name,
            "item": self.sequence_item,
            "table": self.guia_line_id.table_code,
            "code": self.code,
            "service_date": self.guia_line_id.date,
            "informed": to_decimal(self.amount_presented),
            "released": to_decimal(self.amount_released),
            "reason": [self.reason_id.code] if self.reason_id and self.amount_denied else [],
        }
