from odoo import api, fields, models
from odoo.exceptions import UserError

from ..standard import bankmatch
from ..standard.money import from_cents, to_cents
from .counted import counted

RULES = [
    ("exact", "Same Amount"),
    ("sum", "Several Demonstrativos"),
    ("split", "Several Deposits"),
    ("group", "Several of Both"),
    ("difference", "With a Difference"),
    ("transit", "Without Demonstrativo"),
    ("manual", "Chosen by Hand"),
]


class TissBankMatch(models.Model):
    """Lines of the bank and payments of demonstrativos that belong together.

    Flow: proposed → matched → undone, or rejected. A match without payments books a deposit to the
    transit account, where it waits for its demonstrativo.
    """

    _name = "tiss.bank.match"
    _description = "Bank Match"
    _inherit = ["tiss.system.made", "mail.thread", "mail.activity.mixin"]
    _order = "score desc, id"
    # Whoever may see a match has its reminders to do.
    _mail_post_access = "read"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    journal_id = fields.Many2one(
        "account.journal",
        "Bank",
        required=True,
        index=True,
        readonly=True,
        check_company=True,
        ondelete="cascade",
    )
    partner_id = fields.Many2one(
        "res.partner", "Operadora", required=True, index=True, readonly=True, ondelete="restrict"
    )
    account_id = fields.Many2one(
        "account.account",
        "Transit Account",
        required=True,
        readonly=True,
        check_company=True,
        ondelete="restrict",
    )
    key = fields.Char(required=True, readonly=True, help="Which lines and payments: no two equal.")
    state = fields.Selection(
        [
            ("proposed", "Proposed"),
            ("rejected", "Turned Down"),
            ("matched", "Matched"),
            ("undone", "Undone"),
        ],
        string="Status",
        default="proposed",
        required=True,
        readonly=True,
        index=True,
    )
    rule = fields.Selection(RULES, required=True, readonly=True)
    evidence = fields.Selection(
        [
            ("partner", "The line names the operadora"),
            ("cnpj", "CNPJ in the label"),
            ("alias", "Known text in the label"),
            ("name", "Name in the label"),
        ],
        readonly=True,
    )
    score = fields.Integer(readonly=True)
    days = fields.Integer("Working Days", readonly=True)
    is_unique = fields.Boolean(readonly=True)
    is_certain = fields.Boolean("Certain", readonly=True)
    line_ids = fields.Many2many(
        "account.bank.statement.line", string="Bank Lines", required=True, readonly=True
    )
    payment_ids = fields.Many2many("account.payment", string="Payments", readonly=True)
    amount_bank = fields.Monetary("In the Bank", readonly=True)
    amount_payments = fields.Monetary("Of Demonstrativos", readonly=True)
    amount_difference = fields.Monetary(
        "Difference", compute="_compute_amount_difference", store=True
    )
    difference_account_id = fields.Many2one(
        "account.account",
        "Book the Difference To",
        readonly=True,
        check_company=True,
        ondelete="restrict",
        help="Empty: what is left over stays open on the transit account.",
    )
    note = fields.Char(readonly=True)
    user_id = fields.Many2one("res.users", "By", readonly=True)
    match_date = fields.Datetime("Matched On", readonly=True)
    payments_label = fields.Char("For", compute="_compute_payments_label")
    reason = fields.Char("Why", compute="_compute_reason")

    _proposal_uniq = models.UniqueIndex(
        "(journal_id, key) WHERE state IN ('proposed', 'rejected')",
        "Somebody else looked for matches at this moment: look again.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("amount_bank", "amount_payments", "payment_ids")
    def _compute_amount_difference(self):
        for match in self:
            cents = to_cents(match.amount_bank) - to_cents(match.amount_payments)
            match.amount_difference = from_cents(cents) if match.payment_ids else 0

    @api.depends("payment_ids")
    def _compute_payments_label(self):
        for match in self:
            labels = [payment.memo or payment.name for payment in match.payment_ids]
            match.payments_label = ", ".join(filter(None, labels)) or self.env._(
                "No demonstrativo yet"
            )

    @api.depends("payments_label", "partner_id")
    def _compute_display_name(self):
        for match in self:
            match.display_name = f"{match.partner_id.display_name}: {match.payments_label}"

    @api.depends("rule", "evidence", "days", "amount_difference", "is_unique")
    def _compute_reason(self):
        for match in self:
            parts = [match._explain_rule(), match._explain_evidence()]
            if match.payment_ids:
                parts.insert(1, match._explain_days())
            if not match.is_unique and match.rule != "manual":
                parts.append(self.env._("another one would fit as well"))
            match.reason = "; ".join(filter(None, parts))

    def _explain_rule(self):
        money = self.currency_id.format
        return {
            "exact": self.env._("same amount"),
            "sum": self.env._("%s demonstrativos add up to the deposit", len(self.payment_ids)),
            "split": self.env._("%s deposits add up to the demonstrativo", len(self.line_ids)),
            "group": self.env._("%s deposits add up to the demonstrativos", len(self.line_ids)),
            "difference": (
                self.env._("%s less than the demonstrativo", money(-self.amount_difference))
                if self.amount_difference < 0
                else self.env._("%s more than the demonstrativo", money(self.amount_difference))
            ),
            "transit": self.env._("the operadora paid, its demonstrativo has not come"),
            "manual": self.env._("chosen by hand"),
        }[self.rule]

    def _explain_days(self):
        if not self.days:
            return self.env._("on the stated day")
        if self.days > 0:
            return self.env._("%s after the stated day", counted(self.env, "workday", self.days))
        return self.env._("%s before the stated day", counted(self.env, "workday", -self.days))

    def _explain_evidence(self):
        labels = dict(self._fields["evidence"]._description_selection(self.env))
        return labels.get(self.evidence) or self.env._("the label does not say who paid")

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_match(self):
        self.match()
        return True

    def action_reject(self):
        self.reject()
        return True

    def action_unmatch(self):
        self.unmatch()
        return True

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def reject(self):
        """Turn proposals down: they are not made again.

        :return: self
        """
        self._check_rights()
        self.filtered(lambda match: match.state == "proposed").sudo().state = "rejected"
        return self

    def _check_rights(self):
        """Matching writes lines of the bank: whoever may not, may not match."""
        self.check_access("read")
        self.env["account.bank.statement.line"].check_access("write")

    @api.model
    def _make_key(self, lines, payments):
        """Lines and payments as text, the same for the same sets."""
        return ":".join(",".join(map(str, sorted(each.ids))) for each in (lines, payments))

    @api.model
    def _get_options(self, company):
        return bankmatch.Options(
            tolerance=to_cents(company.tiss_bank_tolerance),
            fee=to_cents(company.tiss_bank_fee),
        )

    def _raise_changed(self):
        raise UserError(
            self.env._(
                "“%s” is no longer as it was proposed: somebody matched or undid a part of it. Look"
                " for matches again.",
                self.display_name,
            )
        )
