from odoo import fields, models


class AccountMove(models.Model):
    """Invoices and credit notes of convênios know their lote."""

    _inherit = "account.move"

    tiss_lote_id = fields.Many2one(
        "tiss.lote",
        "Lote",
        copy=False,
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    tiss_protocol_number = fields.Char(related="tiss_lote_id.protocol_number")

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_tiss_lote(self):
        return self.tiss_lote_id._get_records_action()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _tiss_get_receivable_lines(self):
        """Lines on the receivable account of the lote's contract."""
        return self.line_ids.filtered(
            lambda line: (
                line.account_id == line.move_id.tiss_lote_id.contract_id.receivable_account_id
            )
        )
