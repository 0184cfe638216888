from odoo import fields, models


class TissDemonstrativo(models.Model):
    """Whether its amounts were compared with the contract prices."""

    _inherit = "tiss.demonstrativo"

    is_price_checked = fields.Boolean("Prices Compared", readonly=True, copy=False)
    underpayment_ids = fields.One2many(
        "tiss.underpayment", "demonstrativo_id", "Paid below Contract"
    )

    def undo(self):
        result = super().undo()
        undone = self.sudo().filtered(lambda record: record.state == "undone")
        undone.underpayment_ids.unlink()
        undone.is_price_checked = False
        return result
