from odoo import fields, models


class AccountMoveLine(models.Model):
    """A line on the receivable account of convênios says which lote it is about."""

    _inherit = "account.move.line"

    tiss_lote_id = fields.Many2one(
        "tiss.lote",
        "Lote",
        copy=False,
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )

    def _tiss_get_partials(self):
        """What reconciles these lines with others."""
        return self.matched_debit_ids | self.matched_credit_ids
