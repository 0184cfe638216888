from odoo import fields, models


class TissDemonstrativo(models.Model):
    """Whether its amounts were compared with the contract prices."""

    _inherit = "tiss.demonstrativo"

    is_price_checked = fields.Boolean("Prices Compared", readonly=True, copy=False)
    underpayment_ids = fields.One2many(
        "tiss.underpayment", "demonstrativo_id", "Paid below Contract"
    )

    def _undo_one(self, accounting_date, reason):
        result = super()._undo_one(accounting_date, reason)
        self.sudo().underpayment_ids.unlink()
        self.sudo().is_price_checked = False
        self.env["tiss.underpayment"]._queue(self)
        return result
