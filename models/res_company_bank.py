from odoo import fields, models


class ResCompany(models.Model):
    """How the bank is matched with demonstrativos."""

    _inherit = "res.company"

    tiss_bank_alert_days = fields.Integer(
        "Warn After",
        default=10,
        help="Days that a demonstrativo may wait for its money, or money for its demonstrativo.",
    )
    tiss_bank_tolerance = fields.Monetary(
        "Small Differences",
        help="A deposit that differs by no more than this is proposed, with the difference.",
    )
    tiss_bank_fee = fields.Monetary(
        "Fee of a Transfer", help="What a bank may have kept of a deposit."
    )
    tiss_bank_difference_account_id = fields.Many2one(
        "account.account", "Differences of the Bank", check_company=True
    )

    _tiss_bank_positive = models.Constraint(
        "CHECK(tiss_bank_alert_days >= 0 AND tiss_bank_tolerance >= 0 AND tiss_bank_fee >= 0)",
        "Days and differences are not negative.",
    )

    def _tiss_get_own_accounts(self):
        """What a bank keeps of a transfer is another financial expense."""
        label = self.env._("(-) Other Financial Expenses")
        return [
            *super()._tiss_get_own_accounts(),
            ("tiss_bank_difference_account_id", "3.01.01.09.01.08", label, "expense"),
        ]
