from odoo import fields, models


class TissMonthEndLine(models.TransientModel):
    """What one convênio asks for at the end of a month."""

    _name = "tiss.month.end.line"
    _description = "Month-End Invoice of a Convênio"

    wizard_id = fields.Many2one("tiss.month.end", required=True, ondelete="cascade")
    contract_id = fields.Many2one("tiss.contract", "Convênio", required=True)
    currency_id = fields.Many2one(related="contract_id.currency_id")
    kind = fields.Selection(
        [("invoice", "Invoice of the month"), ("accrue", "Accrual until the demonstrativo")],
        "What",
        required=True,
    )
    lote_count = fields.Integer("Protocolos")
    amount = fields.Monetary()
    is_done = fields.Boolean("Made Already")
