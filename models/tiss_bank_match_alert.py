from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..standard.money import from_cents
from .deadlines import REMINDER
from .tie_out import Breach


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

    def _get_owner(self):
        contracts = self.journal_id._tiss_get_contracts()
        own = contracts.filtered(lambda each: each.partner_id == self.partner_id)
        return own[:1].user_id or self.env.user

    @api.model
    def _cron_alert(self):
        """Look for matches, then tell about demonstrativos whose money does not come."""
        for company in self.env["res.company"].search([("active", "=", True)]):
            own = self.with_company(company).with_context(allowed_company_ids=company.ids)
            own.find()
            old = [item for item in own.get_transit_items(company) if item["is_old"]]
            payments = own.env["account.payment"].browse(
                item["res_id"] for item in old if item["kind"] == "debit"
            )
            payments._tiss_remind_of_money()
        return True

    # ------------------------------------------------------------------
    # Check
    # ------------------------------------------------------------------

    @api.model
    def _find_transit_breaches(self, contracts):
        """Invariant 5 of accounting §6: the transit account holds what is said to wait, no more.

        A branch may be paid into the bank of its head office: they count together.

        :return: list of `Breach`, one per operadora and account that does not agree
        """
        contracts = contracts.sudo()
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT l.partner_id,
                       (SUM(l.balance) * 100)::bigint,
                       (SUM(CASE WHEN l.statement_line_id IS NOT NULL OR EXISTS (
                                     SELECT 1 FROM tiss_demonstrativo_payment p
                                      WHERE p.payment_id = l.payment_id)
                                 THEN l.amount_residual ELSE 0 END) * 100)::bigint
                  FROM account_move_line l
                  JOIN res_company c ON c.id = l.company_id
                 WHERE l.account_id = ANY(%(accounts)s)
                   AND split_part(c.parent_path, '/', 1)::integer = ANY(%(roots)s)
                   AND l.parent_state = 'posted'
                   AND (l.partner_id = ANY(%(partners)s) OR l.partner_id IS NULL)
              GROUP BY split_part(c.parent_path, '/', 1), l.account_id, l.partner_id
                """,
                accounts=contracts.transit_account_id.ids,
                roots=contracts.company_id.root_id.ids,
                partners=contracts.partner_id.commercial_partner_id.ids,
            )
        )
        return [
            self._make_transit_breach(partner_id, balance, expected)
            for partner_id, balance, expected in rows
            if balance != expected
        ]

    @api.model
    def _make_transit_breach(self, partner_id, balance, expected):
        partner = self.env["res.partner"].browse(partner_id or ())
        words = self.env._(
            "The transit account holds %(balance)s of %(operadora)s, but %(expected)s wait for the"
            " bank or for a demonstrativo.",
            balance=from_cents(balance),
            expected=from_cents(expected),
            operadora=partner.name or self.env._("nobody in particular"),
        )
        return Breach("transit", words, expected, balance, partner_id=partner.id or None)
