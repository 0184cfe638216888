from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    """How the bank is matched in the current company."""

    _inherit = "res.config.settings"

    tiss_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Currency of the Bank"
    )
    tiss_bank_alert_days = fields.Integer(related="company_id.tiss_bank_alert_days", readonly=False)
    tiss_bank_tolerance = fields.Monetary(
        related="company_id.tiss_bank_tolerance",
        readonly=False,
        currency_field="tiss_currency_id",
    )
    tiss_bank_fee = fields.Monetary(
        related="company_id.tiss_bank_fee", readonly=False, currency_field="tiss_currency_id"
    )
