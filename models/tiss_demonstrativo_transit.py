from odoo import models


class TissDemonstrativo(models.Model):
    """A posted demonstrativo looks for its money in the bank."""

    _inherit = "tiss.demonstrativo"

    def post(self, accounting_date=None, with_unidentified=False):
        payments = super().post(accounting_date, with_unidentified)
        banks = payments.journal_id
        Line = self.env["account.bank.statement.line"]
        waiting = [("journal_id", "in", banks.ids), ("tiss_state", "in", ("open", "transit"))]
        if banks and Line.search_count(waiting, limit=1):
            self.env["tiss.bank.match"].find(banks)
        return payments

    def undo(self, accounting_date=None, reason=None):
        """Nobody waits for the money of what is undone."""
        result = super().undo(accounting_date, reason)
        self.env["tiss.bank.match"]._sync_queue(self.payment_ids.company_id)
        return result
