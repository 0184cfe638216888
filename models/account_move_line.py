from odoo import api, fields, models
from odoo.tools import frozendict

# What the sub-ledger is compared with.
GUARDED = (
    "account_id", "amount_currency", "balance", "credit", "debit", "move_id", "partner_id",
    "tiss_lote_id",
)  # fmt: skip


class AccountMoveLine(models.Model):
    """A line on the receivable account of convênios says which lote it is about.

    So do the lines of revenue and glosa of the same entry.
    """

    _inherit = "account.move.line"

    tiss_lote_id = fields.Many2one(
        "tiss.lote",
        "Lote",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )

    @api.depends("tiss_lote_id")
    def _compute_term_key(self):
        """Receivable lines of several lotes on one invoice are not the same line."""
        result = super()._compute_term_key()
        for line in self:
            if line.term_key and line.tiss_lote_id:
                line.term_key = frozendict({**line.term_key, "tiss_lote_id": line.tiss_lote_id.id})
        return result

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if not vals.keys().isdisjoint(GUARDED):
            self._tiss_get_posted(vals)._tiss_check_not_ours()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_of_guias(self):
        """Odoo's own guard of posted items is lifted by a plain true in the context."""
        posted = self.filtered(lambda line: line.parent_state == "posted")
        posted.move_id._tiss_check_not_ours()

    def _tiss_get_posted(self, vals):
        """Posted entries of which these values would change what stands behind guias."""
        will_change = self.env["account.move"]._field_will_change
        return self.filtered(
            lambda line: (
                line.parent_state == "posted"
                and any(will_change(line, vals, name) for name in GUARDED)
            )
        ).move_id

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _tiss_get_partials(self):
        """What reconciles these lines with others."""
        return self.matched_debit_ids | self.matched_credit_ids
