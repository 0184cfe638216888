from odoo import models


class TissLote(models.Model):
    """What a payment or a credit note of a lote is matched with."""

    _inherit = "tiss.lote"

    def _get_receivable_to_settle(self):
        """Open debits of lotes on the receivable account: invoices first, then what a later
        demonstrativo took back.
        """
        lines = self.env["account.move.line"].search(
            [
                ("tiss_lote_id", "in", self.ids),
                ("account_id.account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
                ("amount_residual", ">", 0),
            ],
            order="date, id",
        )
        return lines.filtered(lambda line: line.move_id in self.invoice_id) | lines
