from odoo import api, fields, models
from odoo.tools import format_date

from ..standard.money import from_cents, to_cents
from .deadlines import get_reminded

# Odoo changes them of a posted payment, and leaves its entry as it was.
GUARDED = (
    "amount", "currency_id", "date", "destination_account_id", "journal_id", "move_id",
    "outstanding_account_id", "partner_id", "payment_type",
)  # fmt: skip
MONEY_MISSING = "l10n_br_tiss.mail_activity_type_bank"


class AccountPayment(models.Model):
    """A payment that a demonstrativo made."""

    _inherit = "account.payment"

    tiss_demonstrativo_payment_ids = fields.One2many(
        "tiss.demonstrativo.payment",
        "payment_id",
        "Demonstrativo Payments",
        groups="l10n_br_tiss.group_tiss_billing",
    )
    tiss_bank_state = fields.Selection(
        [("expected", "Expected in the Bank"), ("confirmed", "Confirmed by the Bank")],
        "Bank",
        compute="_compute_tiss_bank_state",
        compute_sudo=True,
        help="Odoo calls a payment paid as soon as its invoices are, whatever the bank shows.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("state", "is_matched", "tiss_demonstrativo_payment_ids")
    def _compute_tiss_bank_state(self):
        for payment in self:
            ours = payment.tiss_demonstrativo_payment_ids
            if not ours or payment.state not in ("in_process", "paid"):
                payment.tiss_bank_state = False
            else:
                payment.tiss_bank_state = "confirmed" if payment.is_matched else "expected"

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if not vals.keys().isdisjoint(GUARDED):
            will_change = self.env["account.move"]._field_will_change
            posted = self.filtered(
                lambda payment: (
                    payment.move_id.state == "posted"
                    and any(will_change(payment, vals, name) for name in GUARDED)
                )
            )
            posted.move_id._tiss_check_not_ours()
        return super().write(vals)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_draft(self):
        self.move_id._tiss_check_not_ours()
        return super().action_draft()

    def action_cancel(self):
        self.move_id._tiss_check_not_ours()
        return super().action_cancel()

    def action_reject(self):
        self.move_id._tiss_check_not_ours()
        return super().action_reject()

    def action_view_tiss_demonstrativo(self):
        return self.tiss_demonstrativo_payment_ids.demonstrativo_id._get_records_action(
            name=self.env._("Demonstrativos")
        )

    # ------------------------------------------------------------------
    # Bank
    # ------------------------------------------------------------------

    def _tiss_get_transit_lines(self):
        """The lines that the bank is to confirm."""
        return self.move_id.line_ids.filtered(
            lambda line: line.account_id == line.payment_id.outstanding_account_id
        )

    def _tiss_get_residuals(self):
        """{payment: signed cents that the bank has not confirmed}"""
        lines = self._tiss_get_transit_lines().grouped("payment_id")
        return {
            payment: sum(to_cents(line.amount_residual) for line in lines.get(payment, ()))
            for payment in self
        }

    def _tiss_remind_of_money(self):
        """One activity on each demonstrativo whose money the bank does not show."""
        told = get_reminded(
            self.tiss_demonstrativo_payment_ids.demonstrativo_id,
            self.env.company.tiss_bank_alert_days,
            MONEY_MISSING,
        )
        for payment, cents in self._tiss_get_residuals().items():
            demonstrativo = payment.tiss_demonstrativo_payment_ids.demonstrativo_id[:1]
            if demonstrativo in told:
                continue
            told |= demonstrativo
            owner = demonstrativo.contract_id.user_id or demonstrativo.create_uid
            demonstrativo.activity_schedule(
                MONEY_MISSING,
                summary=self.env._(
                    "%(amount)s stated for %(date)s are not in the bank",
                    amount=payment.currency_id.format(float(from_cents(cents))),
                    date=format_date(self.env, payment.date),
                ),
                user_id=owner.id,
            )

    def _tiss_get_reminders(self):
        kind = self.env.ref(MONEY_MISSING)
        activities = self.tiss_demonstrativo_payment_ids.demonstrativo_id.activity_ids
        return activities.filtered(lambda each: each.activity_type_id == kind)
