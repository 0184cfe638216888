from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL, format_date

from ..standard.money import from_cents
from ..standard.workdays import is_workday
from .bulk import claim
from .tie_out import MONTH, RELEASED


class TissContract(models.Model):
    """When a convênio is invoiced, when it pays, and what the end of a month asks for."""

    _inherit = "tiss.contract"

    payment_rule = fields.Selection(
        [("days", "Days after the protocolo"), ("calendar", "Calendar of the operadora")],
        "Payment Is Expected By",
        default="days",
        required=True,
    )
    payment_day_ids = fields.One2many(
        "tiss.payment.day", "contract_id", "Payment Calendar", copy=True
    )
    payment_adjustment = fields.Selection(
        [
            ("none", "stays on that day"),
            ("next", "goes to the next working day"),
            ("previous", "comes on the working day before"),
        ],
        "On a Weekend or Holiday It",
        default="none",
        required=True,
    )
    payment_text = fields.Char("In Words", compute="_compute_payment_text")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends(
        "payment_rule",
        "payment_days",
        "payment_adjustment",
        "payment_day_ids.until_day",
        "payment_day_ids.pay_day",
        "payment_day_ids.months",
    )
    def _compute_payment_text(self):
        """The rule and what it means for a lote of today."""
        today = fields.Date.context_today(self)
        for contract in self:
            rows = contract.payment_day_ids.sorted("until_day")
            if contract.payment_rule == "calendar" and rows:
                rule = "; ".join(row._get_sentence() for row in rows)
            else:
                rule = contract.env._("%s days after the protocolo", contract.payment_days)
            contract.payment_text = contract.env._(
                "%(rule)s. A lote of today is expected on %(date)s.",
                rule=rule[:1].upper() + rule[1:],
                date=format_date(contract.env, contract._get_due_date(today)),
            )

    # ------------------------------------------------------------------
    # Due date
    # ------------------------------------------------------------------

    def _get_due_date(self, date):
        """When a lote with the protocolo of a day is paid."""
        self.ensure_one()
        if self.payment_rule == "calendar" and self.payment_day_ids:
            due = self.payment_day_ids._get_payment_date(date)
        else:
            due = fields.Date.add(date, days=self.payment_days)
        step = {"next": 1, "previous": -1}.get(self.payment_adjustment)
        while step and not is_workday(due):
            due += timedelta(days=step)
        return due

    # ------------------------------------------------------------------
    # Closed periods
    # ------------------------------------------------------------------

    def _is_locked(self, date, taxes=None):
        """Whether the books of invoices are closed on a day, be it only for what has taxes.

        :param taxes: `account.tax` of what is to be booked; those of new invoices by default
        """
        self.ensure_one()
        company = self.company_id.sudo()
        has_tax = bool(self.tax_ids if taxes is None else taxes)
        return bool(company._get_violated_lock_dates(date, has_tax, self.journal_id))

    def _check_open_period(self, date, taxes=None):
        """Odoo would move an entry of a locked period to another day without asking."""
        for contract in self:
            if contract._is_locked(date, taxes):
                contract._raise_closed(date)

    def _raise_closed(self, date):
        raise UserError(
            self.env._(
                "The books are closed on %(date)s: choose a later date, or ask the accountant to"
                " open the period.",
                date=format_date(self.env, date),
            )
        )

    # ------------------------------------------------------------------
    # Documents
    # ------------------------------------------------------------------

    def _prepare_invoice_vals(self, date, label, lines, **vals):
        """Values of an invoice in the journal of a convênio, to its operadora.

        :param lines: commands of `_prepare_invoice_line`
        :param vals: what is otherwise, or more
        """
        self.ensure_one()
        return {
            "move_type": "out_invoice",
            "company_id": self.company_id.id,
            "partner_id": self.partner_id.id,
            "journal_id": self.journal_id.id,
            "currency_id": self.company_id.currency_id.id,
            "invoice_date": date,
            "date": date,
            "invoice_date_due": date,
            "invoice_payment_term_id": False,
            "ref": label,
            "invoice_line_ids": lines,
            **vals,
        }

    @api.model
    def _prepare_invoice_line(self, name, cents, account, taxes=(), **vals):
        """The command of one line; never with the default tax of the chart, which is ICMS."""
        return Command.create(
            {
                "name": name,
                "quantity": 1,
                "price_unit": float(from_cents(cents)),
                "account_id": account.id,
                "tax_ids": [Command.set([tax.id for tax in taxes])],
                **vals,
            }
        )

    # ------------------------------------------------------------------
    # One invoice a month
    # ------------------------------------------------------------------

    def _get_lotes_of_month(self, month):
        """Lotes that still need the invoice of a month."""
        return self.env["tiss.lote"].search(
            [
                ("contract_id", "in", self.ids),
                ("invoice_moment", "=", MONTH),
                ("invoice_id", "=", False),
                ("state", "in", ("received", "processed")),
                ("protocol_date", ">=", fields.Date.start_of(month, "month")),
                ("protocol_date", "<=", fields.Date.end_of(month, "month")),
            ],
            order="id",
        )

    def invoice_month(self, month, date=None):
        """One invoice per convênio for the protocolos of a month that have none.

        :param month: any day of it
        :param date: of the invoices; the last day of the month by default, or today before that
        :return: `account.move`
        """
        self.check_access("write")
        today = fields.Date.context_today(self)
        date = date or min(fields.Date.end_of(month, "month"), today)
        return self._get_lotes_of_month(month)._create_invoices(date)

    # ------------------------------------------------------------------
    # Accrual
    # ------------------------------------------------------------------

    def _get_unreleased_cents(self, date):
        """{contract: cents} that the operadora had not decided about on a day.

        Only of lotes that are invoiced by what is released: the others are revenue already.
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT lo.contract_id,
                       (SUM(CASE 'to_process' WHEN m.to_bucket THEN m.amount
                                              WHEN m.from_bucket THEN -m.amount
                                              ELSE 0 END) * 100)::bigint
                  FROM tiss_movement m
                  JOIN tiss_lote lo ON lo.id = m.lote_id
                 WHERE lo.contract_id = ANY(%(contracts)s)
                   AND lo.invoice_moment = %(moment)s
                   AND m.date <= %(date)s
                 GROUP BY lo.contract_id
                """,
                contracts=self.ids,
                moment=RELEASED,
                date=date,
            )
        )
        return {self.browse(contract_id): cents for contract_id, cents in rows if cents}

    def _get_accruals(self, date):
        """Live accruals of the month of a day.

        Each is taken back on the first day of the next month: only what was reversed before that
        day does not stand.
        """
        end = fields.Date.end_of(date, "month")
        until_then = [("state", "=", "posted"), ("date", "<=", end)]
        return self.env["account.move"].search(
            Domain("tiss_accrual_contract_id", "in", self.ids)
            & Domain("state", "=", "posted")
            & Domain("reversed_entry_id", "=", False)
            & Domain("date", ">=", fields.Date.start_of(date, "month"))
            & Domain("date", "<=", end)
            & ~Domain("reversal_move_ids", "any", until_then)
        )

    def accrue_unreleased(self, date):
        """Book what was delivered and not decided about as revenue to be invoiced.

        The first day of the next month takes it back: then the demonstrativo makes the invoice.

        :param date: last day of a month
        :return: `account.move`, the accruals and their reversals
        """
        self.check_access("write")
        claim(self)
        amounts = self._get_unreleased_cents(date)
        contracts = self.browse().union(*amounts)
        contracts._check_accounting()
        contracts._check_accruable(date)
        accruals = self.env["account.move"].create(
            [contract._prepare_accrual(cents, date) for contract, cents in amounts.items()]
        )
        accruals.action_post()
        reversals = accruals._tiss_reverse_on(
            fields.Date.add(fields.Date.end_of(date, "month"), days=1),
            lambda move: {
                "ref": self.env._("Taken back: %s", move.ref),
                "tiss_accrual_contract_id": move.tiss_accrual_contract_id.id,
            },
        )
        return accruals | reversals

    def _check_accruable(self, date):
        for contract in self:
            if contract._is_locked(date):
                raise UserError(
                    self.env._("The books are closed on %s.", format_date(self.env, date))
                )
            if not contract.company_id.tiss_accrual_account_id:
                raise UserError(
                    self.env._(
                        "%s has no account for services to be invoiced: choose it in Settings.",
                        contract.company_id.name,
                    )
                )
        done = self._get_accruals(date)
        if done:
            raise UserError(
                self.env._(
                    "%(contract)s has the accrual %(entry)s of this month already: reverse that"
                    " first.",
                    contract=done[0].tiss_accrual_contract_id.name,
                    entry=done[0].name,
                )
            )

    def _prepare_accrual(self, cents, date):
        amount = float(from_cents(cents))
        label = self.env._(
            "To be invoiced · %(contract)s · %(month)s",
            contract=self.name,
            month=format_date(self.env, date, date_format="MM/yyyy"),
        )
        common = {"name": label, "partner_id": self.partner_id.id}
        return {
            "move_type": "entry",
            "company_id": self.company_id.id,
            "journal_id": self.company_id._tiss_get_accrual_journal().id,
            "date": date,
            "ref": label,
            "tiss_accrual_contract_id": self.id,
            "line_ids": [
                Command.create(
                    {
                        **common,
                        "account_id": self.company_id.tiss_accrual_account_id.id,
                        "debit": amount,
                    }
                ),
                Command.create(
                    {**common, "account_id": self.revenue_account_id.id, "credit": amount}
                ),
            ],
        }
