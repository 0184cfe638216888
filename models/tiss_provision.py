from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..standard.money import from_cents, to_cents
from .bulk import hold_periods, lock
from .provision_history import ProvisionHistory, read_outcomes, share

HISTORY_MONTHS = 12


class TissProvision(models.Model):
    """What a clinic expects to lose of a convênio's open money at the end of a month (§5.8).

    A proposal from the history of twelve months; posted it is an entry without taxes that is
    reversed on the first of the next month, so that each month stands for itself.
    """

    _name = "tiss.provision"
    _description = "Provision for Glosas"
    _inherit = ["tiss.system.made", "mail.thread"]
    _order = "date desc, contract_id"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(
        "tiss.contract",
        "Convênio",
        required=True,
        index=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    date = fields.Date("Month End", required=True, readonly=True)
    state = fields.Selection(
        [("draft", "Proposed"), ("posted", "Posted"), ("undone", "Undone")],
        string="Status",
        default="draft",
        required=True,
        readonly=True,
        tracking=True,
    )
    is_own_history = fields.Boolean(
        "Own History", readonly=True, help="Otherwise the rates are those typed on the convênio."
    )
    denied_percent = fields.Float("Expected Glosa (%)", digits=(5, 2))
    recovered_percent = fields.Float("Comes Back of What Is Denied (%)", digits=(5, 2))
    appealed_percent = fields.Float("Comes Back of Recursos (%)", digits=(5, 2))
    amount_to_process = fields.Monetary("To Process", readonly=True)
    amount_denied = fields.Monetary("Denied", readonly=True)
    amount_appealed = fields.Monetary("Under Recurso", readonly=True)
    amount = fields.Monetary(
        "Expected Loss",
        compute="_compute_amount",
        store=True,
        precompute=True,
        help="To process × glosa × what does not come back, and the rest of what is denied and"
        " under recurso that does not come back.",
    )
    amount_booked = fields.Monetary(
        "Booked Already",
        compute="_compute_amount_booked",
        help="What stands on the provision account for this convênio on that day.",
    )
    move_id = fields.Many2one(
        "account.move",
        "Journal Entry",
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    reversal_id = fields.Many2one(
        "account.move",
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="set null",
    )

    # ---- What became of it
    amount_lost = fields.Monetary(
        "Lost Since", compute="_compute_outcome", help="Accepted of what was open on that day."
    )
    amount_open = fields.Monetary("Still Open", compute="_compute_outcome")
    amount_gap = fields.Monetary(
        "Provided Too Little", compute="_compute_outcome", help="Lost since, minus provided."
    )

    _month_uniq = models.UniqueIndex(
        "(contract_id, date) WHERE state != 'undone'",
        "This month has a provision for this convênio already.",
    )
    _percent_range = models.Constraint(
        "CHECK(denied_percent BETWEEN 0 AND 100 AND recovered_percent BETWEEN 0 AND 100"
        " AND appealed_percent BETWEEN 0 AND 100)",
        "A percentage is between 0 and 100.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("contract_id", "date")
    def _compute_display_name(self):
        for row in self:
            row.display_name = f"{row.contract_id.name} · {format_date(self.env, row.date)}"

    @api.depends(
        "amount_to_process", "amount_denied", "amount_appealed", "denied_percent",
        "recovered_percent", "appealed_percent",
    )  # fmt: skip
    def _compute_amount(self):
        for row in self:
            lost, kept = 100 - row.recovered_percent, 100 - row.appealed_percent
            cents = (
                share(to_cents(row.amount_to_process), row.denied_percent, lost)
                + share(to_cents(row.amount_denied), lost)
                + share(to_cents(row.amount_appealed), kept)
            )
            row.amount = float(from_cents(cents))

    @api.depends("contract_id", "date", "state")
    def _compute_amount_booked(self):
        booked = self._read_booked_cents()
        for row in self:
            row.amount_booked = float(from_cents(booked[row]))

    def _read_booked_cents(self):
        """{provision: cents that its account holds for the convênio at the end of the day}"""
        booked = {}
        for (company, date), rows in self.grouped(lambda row: (row.company_id, row.date)).items():
            balances = dict(
                self.env["account.move.line"]._read_group(
                    [
                        ("account_id", "=", company.tiss_provision_account_id.id),
                        ("partner_id", "in", rows.contract_id.partner_id.ids),
                        ("company_id", "=", company.id),
                        ("parent_state", "=", "posted"),
                        ("date", "<=", date),
                    ],
                    ["partner_id"],
                    ["balance:sum"],
                )
            )
            for row in rows:
                booked[row] = -to_cents(balances.get(row.contract_id.partner_id) or 0)
        return booked

    @api.depends("date", "contract_id", "amount", "state")
    def _compute_outcome(self):
        """Back-test: what of the money that was open then was given up since."""
        outcomes = read_outcomes(self._origin)
        for row in self:
            lost, still_open = outcomes.get(row._origin.id, (0, 0))
            row.amount_lost = float(from_cents(lost))
            row.amount_open = float(from_cents(still_open))
            # Of a proposal nothing is provided yet that could be too little.
            gap = lost - to_cents(row.amount) if row.state == "posted" else 0
            row.amount_gap = float(from_cents(gap))

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        rates = {"denied_percent", "recovered_percent", "appealed_percent"}
        if not self.env.su and (set(vals) - rates or set(self.mapped("state")) - {"draft"}):
            raise UserError(
                self.env._("Only the rates of a proposal are changed: undo what was posted.")
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        if any(row.state != "draft" for row in self):
            raise UserError(self.env._("What was posted stays in the history: undo it."))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_propose(self):
        """Propose the last month that has ended, for this company."""
        self.check_access("write")
        today = fields.Date.context_today(self)
        return self._propose_and_reload(today.replace(day=1) - relativedelta(days=1))

    def action_propose_current(self):
        """Propose the month that has not ended yet, as things stand."""
        return self._propose_and_reload(
            fields.Date.end_of(fields.Date.context_today(self), "month")
        )

    def _propose_and_reload(self, date):
        self.check_access("write")
        if not self._propose(self.env.company, date):
            self._raise_nothing(date)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _raise_nothing(self, date):
        raise UserError(
            self.env._(
                "No convênio owed anything on %s: there is nothing to provide for.",
                format_date(self.env, date),
            )
        )

    def action_post(self):
        self.post()

    def action_undo(self):
        self.undo()

    def action_view_entries(self):
        return (self.move_id | self.reversal_id)._get_records_action(
            name=self.env._("Journal Entries")
        )

    # ------------------------------------------------------------------
    # Proposing
    # ------------------------------------------------------------------

    @api.model
    def _propose(self, company, date):
        """Proposals for all convênios of a company with open money at the end of a month.

        Proposals that were not posted yet are made anew; posted ones stay.

        :param date: last day of the month
        :return: `tiss.provision` of that month
        """
        contracts = self.env["tiss.contract"]._get_all(company)
        known = self.search([("company_id", "=", company.id), ("date", "=", date)])
        known.filtered(lambda row: row.state == "draft").sudo().unlink()
        posted = known.exists().filtered(lambda row: row.state == "posted")
        # The unique index must not see as standing what was undone just now.
        self.flush_model(["state"])
        vals_list = self._prepare_month(contracts - posted.contract_id, date)
        return posted | self.sudo().create(vals_list).with_env(self.env)

    @api.model
    def _propose_missing(self, company, date):
        """As `_propose`, but what is proposed already keeps the rates that a person typed.

        :return: `tiss.provision` of that month
        """
        contracts = self.env["tiss.contract"]._get_all(company)
        known = self.search(
            [("company_id", "=", company.id), ("date", "=", date), ("state", "!=", "undone")]
        )
        vals_list = self._prepare_month(contracts - known.contract_id, date)
        rows = known | self.sudo().create(vals_list).with_env(self.env)
        if not rows:
            self._raise_nothing(date)
        return rows

    @api.model
    def _prepare_month(self, contracts, date):
        history = ProvisionHistory(contracts, date - relativedelta(months=HISTORY_MONTHS), date)
        return [
            self._prepare(contract, date, history)
            for contract in contracts
            if any(
                history.get_open(contract, name) for name in ("to_process", "denied", "appealed")
            )
        ]

    @api.model
    def _prepare(self, contract, date, history):
        rates = history.get_rates(contract)
        return {
            "company_id": contract.company_id.id,
            "contract_id": contract.id,
            "date": date,
            "is_own_history": rates.is_own,
            "denied_percent": rates.denied,
            "recovered_percent": rates.recovered,
            "appealed_percent": rates.appealed,
            **{
                f"amount_{name}": float(from_cents(history.get_open(contract, name)))
                for name in ("to_process", "denied", "appealed")
            },
        }

    @api.model
    def _is_done(self, company, date):
        """Whether nothing waits to be provided for at the end of a month.

        It only looks: proposing anew would throw away the rates that a person typed.
        """
        contracts = self.env["tiss.contract"]._get_all(company)
        known = self.search(
            [("company_id", "=", company.id), ("date", "=", date), ("state", "!=", "undone")]
        )
        if any(row.state == "draft" and row.amount for row in known):
            return False
        missing = self._prepare_month(contracts - known.contract_id, date)
        return not any(self.new(vals).amount for vals in missing)

    # ------------------------------------------------------------------
    # Posting
    # ------------------------------------------------------------------

    def post(self):
        """Book what is missing to the expected loss, and its reversal on the first of next month.

        :return: `account.move`, the entries
        """
        self.check_access("write")
        rows = self.filtered(lambda row: row.state == "draft")
        lock(rows)
        hold_periods(rows.company_id)
        moves = self.env["account.move"]
        for row in rows:
            row._check_accounts()
            cents = to_cents(row.amount) - row._read_booked_cents()[row]
            if cents:
                move = self.env["account.move"].create(row._prepare_entry(cents))
                move.action_post()
                reversal = move._tiss_reverse_on(
                    row._get_reversal_date(),
                    lambda move: {"ref": self.env._("Reversal of %s", move.name)},
                )
                row.sudo().write({"move_id": move.id, "reversal_id": reversal.id})
                moves |= move
            row.sudo().state = "posted"
        return moves

    def _check_accounts(self):
        company = self.company_id
        names = ("provision_account_id", "provision_result_account_id", "provision_journal_id")
        if not all(company[f"tiss_{name}"] for name in names):
            # A company that was set up before there were provisions gets what is missing.
            company.sudo()._tiss_setup_accounting()
        if not all(company[f"tiss_{name}"] for name in names):
            raise UserError(
                self.env._("Choose the accounts and the journal of the provision in the settings.")
            )
        journal = company.tiss_provision_journal_id
        for date in (self.date, self._get_reversal_date()):
            if company._get_violated_lock_dates(date, False, journal):
                raise UserError(
                    self.env._(
                        "The books are closed on %s: ask the accountant to open the period.",
                        format_date(self.env, date),
                    )
                )

    def _get_reversal_date(self):
        return self.date + relativedelta(days=1)

    def _prepare_entry(self, cents):
        """Dr expected glosas, Cr provision; without taxes, and with the operadora as partner."""
        company = self.company_id
        label = self.env._("Provision for glosas · %s", self.contract_id.name)
        balance = float(from_cents(cents))
        return {
            "move_type": "entry",
            "company_id": company.id,
            "journal_id": company.tiss_provision_journal_id.id,
            "date": self.date,
            "ref": label,
            "line_ids": [
                Command.create(
                    {
                        "name": label,
                        "account_id": account.id,
                        "partner_id": self.contract_id.partner_id.id,
                        "balance": amount,
                        "tax_ids": [Command.clear()],
                    }
                )
                for account, amount in (
                    (company.tiss_provision_result_account_id, balance),
                    (company.tiss_provision_account_id, -balance),
                )
            ],
        }

    def undo(self):
        """Cancel the entries of provisions while their periods are open."""
        self.check_access("write")
        rows = self.filtered(lambda row: row.state == "posted")
        lock(rows)
        for row in rows:
            row.reversal_id.filtered(lambda move: move.state == "draft").unlink()
            (row.reversal_id.exists() | row.move_id)._tiss_cancel()
        rows.sudo().state = "undone"
