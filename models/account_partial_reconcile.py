from odoo import api, models
from odoo.exceptions import UserError


class AccountPartialReconcile(models.Model):
    """What is owed for a lote is settled by what was booked for the same one, and nothing else.

    Odoo's button to register a payment, its own proposals and those of other addons would take it
    off the invoice behind the back of the guias.
    """

    _inherit = "account.partial.reconcile"

    @api.model_create_multi
    def create(self, vals_list):
        partials = super().create(vals_list)
        partials._tiss_check_same_lote()
        self._tiss_follow_claims(partials._tiss_get_claim_lines())
        return partials

    def unlink(self):
        lines = self._tiss_get_claim_lines()
        result = super().unlink()
        self._tiss_follow_claims(lines)
        return result

    def _tiss_get_claim_lines(self):
        """Journal items of taxes that operadoras owe back."""
        lines = (self.debit_move_id | self.credit_move_id).sudo()
        return lines.filtered(lambda line: line.account_id == line.company_id.tiss_claim_account_id)

    @api.model
    def _tiss_follow_claims(self, lines):
        if lines:
            self.env["tiss.discrepancy"]._follow_claims(lines)

    def _tiss_check_same_lote(self):
        # As superuser: an accountant may not read lotes, but must not break them either.
        for partial in self.sudo():
            debit, credit = partial.debit_move_id, partial.credit_move_id
            lote = debit.tiss_lote_id or credit.tiss_lote_id
            is_owed = "asset_receivable" in (debit.account_type, credit.account_type)
            if is_owed and debit.tiss_lote_id != credit.tiss_lote_id:
                raise UserError(
                    self.env._(
                        "%(lote)s is settled only by what the operadora says of it: import its"
                        " demonstrativo, or type it.",
                        lote=lote.display_name,
                    )
                )
