from operator import attrgetter

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import date_utils, format_date

from ..standard.money import from_cents, to_cents
from .bulk import lock
from .open_work import OpenWork
from .system_fields import without_defaults
from .tiss_closing_line import KINDS, LISTS

ADVISER = "account.group_account_manager"
LOCKS = [
    ("fiscalyear_lock_date", "Everything"),
    ("sale_lock_date", "Only sales: the invoices of convênios"),
]
AMOUNTS = {
    # kind: what a record of its list weighs
    "to_post": lambda record: record.amount_to_post,
    "unanswered": attrgetter("amount_open"),
    "no_invoice": attrgetter("amount_open"),
    "discrepancy": attrgetter("amount_weight"),
    "late_glosa": attrgetter("amount_open"),
    "bank": attrgetter("amount"),
    "transit": attrgetter("amount_residual"),
    "copayment": attrgetter("amount"),
    "repasse": attrgetter("amount_total"),
}
CLOSED_FIELDS = {"state", "line_ids", "closed_by_id", "closed_date", "previous_lock_date"}


class TissClosing(models.Model):
    """The closing of one month of convênios: a checklist that the books tick, not a person.

    Each line asks the books anew until the month is closed, which sets Odoo's lock date; what was
    found then is kept. It closes when all is green, or for a reason that somebody writes.
    """

    _name = "tiss.closing"
    _description = "Monthly Closing"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "date desc"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    date = fields.Date(
        "Month",
        required=True,
        default=lambda self: self._default_date(),
        help="Any day of the month that is closed; kept as its last one.",
    )
    user_id = fields.Many2one(
        "res.users", "Responsible", default=lambda self: self.env.user, tracking=True
    )
    note = fields.Html("Notes")
    lock_field = fields.Selection(
        LOCKS,
        "What Is Closed",
        default="fiscalyear_lock_date",
        required=True,
        help="Odoo refuses to close everything while bank lines of the month are not matched.",
    )
    state = fields.Selection(
        [("open", "Open"), ("closed", "Locked")],
        string="Status",
        default="open",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
    )
    reason = fields.Char(
        copy=False, help="Why the month is closed though not all is green, or opened again."
    )
    line_ids = fields.One2many("tiss.closing.line", "closing_id", "Checklist")
    is_green = fields.Boolean(compute="_compute_is_green")
    open_count = fields.Integer("Not Green", compute="_compute_is_green")
    closed_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    closed_date = fields.Datetime("Closed On", readonly=True, copy=False)
    previous_lock_date = fields.Date(readonly=True, copy=False)

    _month_uniq = models.Constraint(
        "UNIQUE(company_id, date)", "This month already has its closing."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    def _default_date(self):
        """The end of last month"""
        first = fields.Date.context_today(self).replace(day=1)
        return fields.Date.subtract(first, days=1)

    @api.depends("date")
    def _compute_display_name(self):
        for closing in self:
            month = format_date(self.env, closing.date, date_format="MMMM y")
            closing.display_name = self.env._("Closing of %s", month)

    @api.depends("line_ids.state")
    def _compute_is_green(self):
        for closing in self:
            closing.open_count = len(closing.line_ids.filtered(lambda line: line.state == "open"))
            closing.is_green = bool(closing.line_ids) and not closing.open_count

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # Whoever opens a month closes nothing by it, and neither does his context.
        said = without_defaults(self, CLOSED_FIELDS)
        closings = super(TissClosing, said).create(
            [
                {
                    **{name: value for name, value in vals.items() if name not in CLOSED_FIELDS},
                    "date": self._get_month_end(vals.get("date")),
                }
                for vals in vals_list
            ]
        )
        self.env["tiss.closing.line"].sudo().create(
            [{"closing_id": closing.id, "kind": kind} for closing in closings for kind, _ in KINDS]
        )
        return closings.with_env(self.env)

    @api.model
    def _get_month_end(self, date):
        return date_utils.end_of(fields.Date.to_date(date) or self._default_date(), "month")

    def write(self, vals):
        if not self.env.su:
            if {"company_id", "date", *CLOSED_FIELDS - {"line_ids"}} & set(vals):
                raise UserError(self.env._("A month is closed and opened by its buttons."))
            if "lock_field" in vals and any(closing.state == "closed" for closing in self):
                raise UserError(self.env._("This month is closed already."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_closed(self):
        if any(closing.state == "closed" or closing.closed_date for closing in self):
            raise UserError(self.env._("A month that was closed stays in the history."))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_close(self):
        self.close()

    def action_reopen(self):
        self.reopen()

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def close(self):
        """Set the lock date and keep what was found; not green, it needs the reason."""
        self._check_adviser()
        lock(self)
        # Nobody may be posting into the month: it would be closed over what was not looked at.
        lock(self.company_id.sudo(), allow_referencing=True)
        for closing in self.sorted("date"):
            if closing.state == "closed":
                continue
            if not closing.is_green and not (closing.reason or "").strip():
                raise UserError(closing._get_open_text())
            closing._keep_results()
            company = closing.company_id.sudo()
            before = company[closing.lock_field]
            if not before or before < closing.date:
                company[closing.lock_field] = closing.date
            closing.sudo().write(
                {
                    "state": "closed",
                    "closed_by_id": self.env.uid,
                    "closed_date": fields.Datetime.now(),
                    "previous_lock_date": before,
                }
            )
            closing._log(closing.env._("Locked"))

    def reopen(self):
        """Give the lock date back that was there before; the reason stays in the history."""
        self._check_adviser()
        lock(self)
        for closing in self.sorted("date", reverse=True):
            if closing.state == "open":
                continue
            if not (closing.reason or "").strip():
                raise UserError(self.env._("Write why the month is opened again."))
            closing._check_last()
            company = closing.company_id.sudo()
            # Somebody may have locked more since: that is not ours to open.
            if company[closing.lock_field] == closing.date:
                company[closing.lock_field] = closing.previous_lock_date
            closing.line_ids.sudo().snapshot = False
            closing.sudo().write(
                {"state": "open", "closed_by_id": False, "previous_lock_date": False}
            )
            closing._log(closing.env._("Opened again"))

    def _check_adviser(self):
        self.check_access("write")
        if not self.env.user.has_group(ADVISER):
            raise AccessError(
                self.env._("Only an administrator of the accounting may close or open a month.")
            )

    def _check_last(self):
        later = self.search_count(
            [
                ("company_id", "=", self.company_id.id),
                ("date", ">", self.date),
                ("state", "=", "closed"),
            ],
            limit=1,
        )
        if later:
            raise UserError(self.env._("A later month is closed: open that one first."))

    def _get_open_text(self):
        """What is not green, and what to do."""
        lines = self.line_ids.filtered(lambda line: line.state == "open")
        return self.env._(
            "Not all is green yet:\n%s\n\nSettle it, or write the reason for closing the month all"
            " the same.",
            "\n".join(f"· {line.display_name}: {line.detail}" for line in lines),
        )

    def _log(self, words):
        """The reason goes into the history and is asked for anew the next time."""
        reason = (self.reason or "").strip()
        self.message_post(body=f"{words}: {reason}" if reason else words)
        self.reason = False

    def _keep_results(self):
        for line in self.line_ids.sudo():
            line.snapshot = line._get_result()

    # ------------------------------------------------------------------
    # The checks; each gives count, cents and a sentence
    # ------------------------------------------------------------------

    def _get_results(self):
        """{kind: {"count", "cents", "detail"}} as the books are now."""
        self.ensure_one()
        work = OpenWork(self.company_id, self.date)
        words = self._get_words()
        return {
            kind: self._count(work.search(*LISTS[kind]), AMOUNTS[kind], words[kind])
            if kind in LISTS
            else getattr(self, f"_check_{kind}")(work)
            for kind, _label in KINDS
        }

    @api.model
    def _found(self, count, cents=0, detail=""):
        return {"count": count, "cents": cents, "detail": detail}

    def _count(self, records, amount, words):
        """Result of a list: what is in it must be settled."""
        cents = sum(abs(to_cents(amount(record) or 0)) for record in records)
        if not records:
            return self._found(0)
        total = self.currency_id.format(float(from_cents(cents)))
        return self._found(
            len(records),
            cents,
            self.env._(
                "%(what)s: %(count)s, %(total)s", what=words, count=len(records), total=total
            ),
        )

    @api.model
    def _get_words(self):
        """What stands in the list of a kind, before how many they are."""
        return {
            "to_post": self.env._("Demonstrativos to post"),
            "unanswered": self.env._("Protocolos that are due, without a demonstrativo"),
            "no_invoice": self.env._("Protocolos without an invoice"),
            "discrepancy": self.env._("Discrepancies that prevent posting"),
            "late_glosa": self.env._("Glosas past their deadline, not decided"),
            "bank": self.env._("Deposits to explain"),
            "transit": self.env._("Entries still in transit"),
            "copayment": self.env._("Co-payments not invoiced to the patient"),
            "repasse": self.env._("Repasses in draft"),
        }

    def _check_tie_out(self, work):
        breaches = work.contracts.check_ledger()
        return self._found(len(breaches), 0, " ".join(breaches[:3]))

    def _check_retention(self, work):
        """Taxes that demonstrativos withheld in the month, account by account, against the ledger.

        Of an account only the entries with operadoras count: the others are not about convênios.
        """
        rows = self._get_retentions(work)
        wrong = [row for row in rows if row["cents"] != row["booked"]]
        money = self.currency_id.format
        detail = " ".join(
            self.env._(
                "%(account)s: %(file)s in the demonstrativos, %(ledger)s in the ledger.",
                account=row["account"].display_name,
                file=money(float(from_cents(row["cents"]))),
                ledger=money(float(from_cents(row["booked"]))),
            )
            for row in wrong
        )
        return self._found(
            len(wrong), sum(abs(row["cents"] - row["booked"]) for row in wrong), detail
        )

    def _get_retentions(self, work):
        """[{account, cents, booked}] of the month, for every account of a débito or crédito."""
        self.ensure_one()
        stated = self._read_stated_retentions()
        known = self.env["tiss.adjustment.account"].search(
            [("company_id", "=", self.company_id.id)]
        )
        accounts = known.account_id.union(*stated) - self.company_id.tiss_claim_account_id
        booked = dict(
            self.env["account.move.line"]._read_group(
                [
                    ("company_id", "=", self.company_id.id),
                    ("account_id", "in", accounts.ids),
                    ("partner_id", "in", work.contracts.partner_id.ids),
                    ("parent_state", "=", "posted"),
                    ("date", ">=", self.date.replace(day=1)),
                    ("date", "<=", self.date),
                    # What is owed back was withheld all the same.
                    ("move_id.tiss_is_claim", "=", False),
                    ("move_id", "not any", [("reversed_entry_id.tiss_is_claim", "=", True)]),
                ],
                ["account_id"],
                ["balance:sum"],
            )
        )
        return [
            {
                "account": account,
                "cents": stated.get(account, 0),
                "booked": to_cents(booked.get(account, 0)),
            }
            for account in accounts
        ]

    def _read_stated_retentions(self):
        """{account: cents} of the débitos less the créditos that demonstrativos of the month say"""
        stated = {}
        for account, direction, amount in self.env["tiss.demonstrativo.adjustment"]._read_group(
            [
                ("company_id", "=", self.company_id.id),
                ("demonstrativo_id.state", "=", "posted"),
                ("payment_id.payment_date", ">=", self.date.replace(day=1)),
                ("payment_id.payment_date", "<=", self.date),
                ("account_id", "!=", False),
            ],
            ["account_id", "direction"],
            ["amount:sum"],
        ):
            sign = 1 if direction == "debit" else -1
            stated[account] = stated.get(account, 0) + sign * to_cents(amount)
        return stated

    def _check_provision(self, work):
        """Whether the glosas that are expected are provided for; nothing open needs nothing."""
        owed = [contract for contract in work.contracts if to_cents(contract.amount_open)]
        if not owed or self.env["tiss.provision"]._is_done(self.company_id, self.date):
            return self._found(0)
        return self._found(1, 0, self.env._("The provision for glosas of the month is not posted"))
