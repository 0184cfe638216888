from odoo import fields, models
from odoo.exceptions import UserError


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

    def button_draft(self):
        self._tiss_check_not_ours()
        return super().button_draft()

    def button_cancel(self):
        self._tiss_check_not_ours()
        return super().button_cancel()

    def _reverse_moves(self, default_values_list=None, cancel=False):
        self._tiss_check_not_ours()
        return super()._reverse_moves(default_values_list, cancel)

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _tiss_get_receivable_lines(self):
        """The receivable lines; of their own account, as the contract's may change later."""
        return self.line_ids.filtered(lambda line: line.account_type == "asset_receivable")

    def _tiss_check_not_ours(self):
        """Entries of the sub-ledger change only together with their guias."""
        if self.env.context.get("tiss_undo"):
            return
        # As superuser: an accountant may not read demonstrativos, but must not break them either.
        ours = self.sudo().filtered(
            lambda move: move.tiss_lote_id or move.origin_payment_id.tiss_demonstrativo_payment_ids
        )
        if ours:
            raise UserError(
                self.env._(
                    "%s is booked for guias of a convênio and would no longer agree with them."
                    " Undo the demonstrativo instead.",
                    ours[0].display_name,
                )
            )
