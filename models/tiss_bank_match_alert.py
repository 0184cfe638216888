from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_date

from ..standard.money import from_cents
from .deadlines import REMINDER, get_reminded


class TissBankMatch(models.Model):
    """What waits on the transit account, and for how long."""

    _inherit = "tiss.bank.match"

    # ------------------------------------------------------------------
    # What waits
    # ------------------------------------------------------------------

    @api.model
    def get_transit_items(self, company=None):
        """Every open item on the transit accounts of a company, the oldest first.

        :return: list of dicts: `kind` (debit: a demonstrativo without money; credit: money without
            a demonstrativo), `res_model`, `res_id`, `partner_id`, `date`, `days`, `amount`
            (Decimal reais) and `is_old`
        """
        company = company or self.env.company
        banks = self.env["account.journal"]._tiss_get_banks()
        items = []
        for journal in banks.filtered(lambda each: each.company_id == company):
            items += self._get_debits(journal) + self._get_credits(journal)
        today = fields.Date.context_today(self)
        for item in items:
            item["days"] = (today - item["date"]).days
            item["is_old"] = item["days"] > company.tiss_bank_alert_days
        return sorted(items, key=lambda item: (item["date"], item["kind"], item["res_id"]))

    @api.model
    def _get_debits(self, journal):
        return [
            {
                "kind": "debit",
                "res_model": "account.payment",
                "res_id": payment.id,
                "partner_id": payment.partner_id.commercial_partner_id.id,
                "date": payment.date,
                "amount": from_cents(cents),
            }
            for payment, cents in self._get_open_payments(journal).items()
        ]

    @api.model
    def _get_credits(self, journal):
        lines = self.env["account.bank.statement.line"].search(
            [("journal_id", "=", journal.id), ("tiss_state", "=", "transit")]
        )
        return [
            {
                "kind": "credit",
                "res_model": "account.bank.statement.line",
                "res_id": line.id,
                "partner_id": line.partner_id.id,
                "date": line.date,
                "amount": from_cents(cents),
            }
            for line, (cents, _is_booked) in lines._tiss_get_open_cents().items()
        ]

    # ------------------------------------------------------------------
    # Activities
    # ------------------------------------------------------------------

    def _ask_for_demonstrativos(self):
        """Ask for what a deposit waits for; no longer where it has come."""
        waiting = self.filtered(lambda match: not match.payment_ids)
        for match in waiting:
            match.activity_schedule(
                REMINDER,
                summary=self.env._(
                    "Ask %(operadora)s for the demonstrativo of %(amount)s, paid on %(date)s",
                    operadora=match.partner_id.name,
                    amount=match.currency_id.format(match.amount_bank),
                    date=format_date(self.env, match.line_ids[:1].date),
                ),
                user_id=match._get_owner().id,
            )
        settled = (self - waiting)._get_others().filtered(lambda match: not match.payment_ids)
        open_cents = settled.line_ids._tiss_get_open_cents()
        for match in settled:
            if not any(open_cents[line][0] for line in match.line_ids):
                match.sudo().activity_ids.filtered("automated").unlink()

    def _ask_again(self, days):
        """Ask once more for demonstrativos that did not come in as many days after somebody asked.

        Who did what he was reminded of is left in peace for that long.
        """
        asked = get_reminded(self, days)
        (self - asked)._ask_for_demonstrativos()

    def _get_owner(self):
        contracts = self.journal_id._tiss_get_contracts()
        own = contracts.filtered(lambda each: each.partner_id == self.partner_id)
        return own[:1].user_id or self.env.user

    @api.model
    def _cron_alert(self):
        """Look for matches, then tell about money and demonstrativos that do not come.

        One transaction for each company.
        """
        companies = self.env["res.company"].search([("active", "=", True)])
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(companies))
        for company in companies:
            own = self.with_company(company).with_context(allowed_company_ids=company.ids)
            own.find()
            old = [item for item in own.get_transit_items(company) if item["is_old"]]
            payments = own.env["account.payment"].browse(
                item["res_id"] for item in old if item["kind"] == "debit"
            )
            payments._tiss_remind_of_money()
            deposits = [item["res_id"] for item in old if item["kind"] == "credit"]
            waiting = Domain("state", "=", "matched") & Domain("payment_ids", "=", False)
            own.search(waiting & Domain("line_ids", "in", deposits))._ask_again(
                company.tiss_bank_alert_days
            )
            cron._commit_progress(1)
