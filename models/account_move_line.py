from odoo import api, fields, models
from odoo.tools import frozendict


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

    def _tiss_get_partials(self):
        """What reconciles these lines with others."""
        return self.matched_debit_ids | self.matched_credit_ids
