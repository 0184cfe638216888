from odoo import api, fields, models
from odoo.tools import format_date

from ..models.open_work import OpenWork
from ..standard.money import from_cents, to_cents

SHOWN = 40  # rows of a column; the list behind it has them all
COLUMNS = {
    # column: (list of `OpenWork`, amount of a record, field of its day)
    "to_post": ("to_post", lambda record: record.amount_to_post, "issue_date"),
    "transit": ("transit_due", lambda record: record.amount_residual, "date"),
    "deposit": ("deposit", lambda record: record.amount, "date"),
    "credit": ("transit_credit", lambda record: record.amount_residual, "date"),
    "discrepancy": ("to_decide", lambda record: record.amount_weight, "create_date"),
}
# What the operadora or the bank has to do now: it is told, and nobody here can settle it today.
WAITING = ("asked", "transit_later", "transit_credit")
OF_OTHERS = {"credit"}
AGED = ("to_post", "transit", "deposit")  # columns that say how old the first one is


class TissDailyClose(models.TransientModel):
    """One page that an accountant opens once a day: nothing to do when it is green.

    Left, what came and is not booked; in the middle, what is booked and no bank line confirmed;
    right, what the bank received and nobody explained.
    """

    _name = "tiss.daily.close"
    _description = "Daily Reconciliation"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    is_green = fields.Boolean(compute="_compute_work")
    summary = fields.Char(compute="_compute_work")
    waiting = fields.Char("Waiting for Others", compute="_compute_work")
    breaches = fields.Text("Guias and Books", compute="_compute_breaches")
    checked_at = fields.Datetime("Compared On", compute="_compute_breaches")

    to_post_ids = fields.Many2many("tiss.demonstrativo", compute="_compute_work")
    to_post_count = fields.Integer(compute="_compute_work")
    to_post_amount = fields.Monetary(compute="_compute_work")
    to_post_oldest = fields.Date(compute="_compute_work")

    transit_ids = fields.Many2many("account.move.line", compute="_compute_work")
    transit_count = fields.Integer(compute="_compute_work")
    transit_amount = fields.Monetary(compute="_compute_work")
    transit_oldest = fields.Date(compute="_compute_work")

    deposit_ids = fields.Many2many("account.bank.statement.line", compute="_compute_work")
    deposit_count = fields.Integer(compute="_compute_work")
    deposit_amount = fields.Monetary(compute="_compute_work")
    deposit_oldest = fields.Date(compute="_compute_work")

    credit_ids = fields.Many2many(
        "account.move.line", compute="_compute_work", string="Deposits without Demonstrativo"
    )
    credit_count = fields.Integer(compute="_compute_work")
    credit_amount = fields.Monetary(compute="_compute_work")

    discrepancy_ids = fields.Many2many("tiss.discrepancy", compute="_compute_work")
    discrepancy_count = fields.Integer(compute="_compute_work")
    discrepancy_amount = fields.Monetary(compute="_compute_work")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("company_id")
    def _compute_display_name(self):
        today = format_date(self.env, fields.Date.context_today(self))
        for page in self:
            page.display_name = self.env._("Daily Reconciliation, %s", today)

    @api.depends("company_id")
    def _compute_work(self):
        for page in self:
            work = OpenWork(page.company_id)
            for column, (name, amount, date) in COLUMNS.items():
                records = page._sort(column, work.search(name))
                page[f"{column}_ids"] = records[:SHOWN]
                page[f"{column}_count"] = len(records)
                cents = sum(abs(to_cents(amount(record))) for record in records)
                page[f"{column}_amount"] = float(from_cents(cents))
                if column in AGED:
                    page[f"{column}_oldest"] = min(
                        filter(None, records.mapped(date)), default=False
                    )
            page.is_green = not page.breaches and not any(
                page[f"{column}_count"] for column in COLUMNS if column not in OF_OTHERS
            )
            page.waiting = page._get_waiting(work)
            page.summary = page._get_summary()

    def _sort(self, column, records):
        """The oldest first; of discrepancies the largest."""
        _name, amount, date = COLUMNS[column]
        if column == "discrepancy":
            return records.sorted(amount, reverse=True)
        return records.sorted(lambda record: (record[date] or fields.Date.today(), record.id))

    def _get_summary(self):
        if self.is_green:
            return self.env._(
                "Every demonstrativo is booked, every payment was seen in the bank, every deposit"
                " is explained, and guias and books agree."
            )
        sentences = {
            "to_post": self.env._("demonstrativos to post: %s", self.to_post_count),
            "transit": self.env._("payments not seen in the bank: %s", self.transit_count),
            "deposit": self.env._("deposits to explain: %s", self.deposit_count),
            "discrepancy": self.env._("discrepancies: %s", self.discrepancy_count),
        }
        words = [text for column, text in sentences.items() if self[f"{column}_count"]]
        if self.breaches:
            words.append(self.env._("guias and books differ"))
        return " · ".join(words)

    def _get_waiting(self, work):
        """What is left to the operadora: answers, payments of later days, demonstrativos.

        What takes too long comes back as a discrepancy, see `tiss.bank.match`.
        """
        counts = {name: len(work.search(name)) for name in WAITING}
        sentences = {
            "asked": self.env._("answers of operadoras: %s", counts["asked"]),
            "transit_later": self.env._(
                "payments announced or asked about: %s", counts["transit_later"]
            ),
            "transit_credit": self.env._(
                "demonstrativos of deposits: %s", counts["transit_credit"]
            ),
        }
        return " · ".join(sentences[name] for name in WAITING if counts[name]) or False

    @api.depends("company_id")
    def _compute_breaches(self):
        """What the last night found; without one it is looked for now."""
        for page in self:
            contracts = OpenWork(page.company_id).contracts
            checks = self.env["tiss.ledger.check"].search([("contract_id", "in", contracts.ids)])
            new = contracts - checks.contract_id
            words = checks.breach_ids.mapped("name") + new.check_ledger()
            page.breaches = "\n".join(words[:SHOWN]) or False
            page.checked_at = min(checks.mapped("checked_at"), default=False)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    @api.model
    def action_open(self):
        """The page of the current company, as it is now."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_daily_close_action"
        )
        # The page as it is now takes the place of the one before, not behind it.
        return {
            **action,
            "res_id": self.create({}).id,
            "target": "main",
            "context": {"create": False},
        }

    def action_refresh(self):
        return self.action_open()

    def action_check(self):
        """Compare guias and books now instead of in the night."""
        contracts = OpenWork(self.company_id).contracts
        self.env["tiss.ledger.check"]._run(contracts)
        return self.action_open()

    def action_post(self):
        """Book all demonstrativos that nothing keeps from being booked."""
        waiting = OpenWork(self.company_id).search("to_post")
        waiting.filtered(
            lambda demonstrativo: (
                demonstrativo.state == "imported" and not demonstrativo.blocking_count
            )
        ).post()
        return self.action_open()

    def action_view(self):
        """The whole list of a column; the context's `tiss_column` is a key of COLUMNS."""
        column = self.env.context["tiss_column"]
        records = OpenWork(self.company_id).search(COLUMNS[column][0])
        return records._get_records_action(name=self._get_label(column))

    def _get_label(self, column):
        return {
            "to_post": self.env._("Demonstrativos to Post"),
            "transit": self.env._("Payments Not Seen in the Bank"),
            "deposit": self.env._("Deposits to Explain"),
            "credit": self.env._("Deposits without Demonstrativo"),
            "discrepancy": self.env._("Discrepancies"),
        }[column]
