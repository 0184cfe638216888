from odoo import fields, models


class ResCompany(models.Model):
    """Where services stand that an operadora has and has not decided about at a month's end."""

    _inherit = "res.company"

    tiss_accrual_account_id = fields.Many2one(
        "account.account", "Services to Be Invoiced", check_company=True
    )

    def _tiss_get_own_accounts(self):
        label = self.env._("Services to Be Invoiced - Convênios")
        return [
            *super()._tiss_get_own_accounts(),
            ("tiss_accrual_account_id", "1.01.02.09.60", label, "asset_current"),
        ]

    def _tiss_get_open_date(self, date):
        """A day in the accrual journal; today, where the books are closed on it.

        :raise UserError: today they are closed as well, and Odoo would choose a day by itself
        """
        journal = self._tiss_get_accrual_journal()
        if not self._get_violated_lock_dates(date, False, journal):
            return date
        today = fields.Date.context_today(self)
        if self._get_violated_lock_dates(today, False, journal):
            self.env["tiss.contract"]._raise_closed(today)
        return today

    def _tiss_get_accrual_journal(self):
        Journal = self.env["account.journal"]
        return Journal.search(
            [*Journal._check_company_domain(self), ("type", "=", "general")], limit=1
        )
