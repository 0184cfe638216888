from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .bulk import lock


class TissDemonstrativoPayment(models.Model):
    """What the bank confirmed is not taken back by the way."""

    _inherit = "tiss.demonstrativo.payment"

    def _undo(self, date=None):
        reversals = super()._undo(date)
        proposals = self.env["tiss.bank.match"].search(
            [("payment_ids", "in", self.payment_id.ids), ("state", "=", "proposed")]
        )
        proposals.sudo().unlink()
        return reversals

    def _check_not_built_upon(self):
        lines = self.payment_id._tiss_get_transit_lines()
        lock(lines)
        partials = lines._tiss_get_partials()
        # A part of the net that came already counts: Odoo's is_matched waits for all of it.
        in_bank = (partials.debit_move_id | partials.credit_move_id).statement_line_id
        if in_bank:
            raise UserError(
                self.env._(
                    "The payment is matched with “%(label)s” of %(date)s in the bank: unmatch it"
                    " there first.",
                    label=in_bank[0].payment_ref or in_bank[0].move_id.name,
                    date=format_date(self.env, in_bank[0].date),
                )
            )
        return super()._check_not_built_upon()
