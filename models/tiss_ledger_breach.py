from odoo import fields, models

from .tie_out import CODES


class TissLedgerBreach(models.Model):
    """One thing that does not tie out, with what it is about."""

    _name = "tiss.ledger.breach"
    _description = "Difference of the Ledger"
    _order = "id"

    check_id = fields.Many2one(
        "tiss.ledger.check", required=True, index=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="check_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    code = fields.Selection(CODES, "What", required=True, readonly=True)
    name = fields.Char("Difference", required=True, readonly=True)
    amount_ours = fields.Monetary("In the Guias", readonly=True)
    amount_theirs = fields.Monetary("In the Books", readonly=True)
    lote_id = fields.Many2one(
        "tiss.lote", readonly=True, index="btree_not_null", ondelete="cascade"
    )
    guia_id = fields.Many2one(
        "tiss.guia", readonly=True, index="btree_not_null", ondelete="cascade"
    )
    move_id = fields.Many2one(
        "account.move", "Entry", readonly=True, index="btree_not_null", ondelete="cascade"
    )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open(self):
        """Open what it is about: the entry, else the guia, else the lote, else the convênio."""
        self.ensure_one()
        record = self.move_id or self.guia_id or self.lote_id or self.check_id.contract_id
        return record._get_records_action()
