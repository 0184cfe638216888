from odoo import models


class TissDemonstrativo(models.Model):
    """A posted demonstrativo looks for its money in the bank."""

    _inherit = "tiss.demonstrativo"

    def post(self):
        payments = super().post()
        if payments:
            self.env["tiss.bank.match"].find(payments.journal_id)
        return payments
