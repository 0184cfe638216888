import re

from odoo import fields, models
from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents


class TissDemonstrativoPayment(models.Model):
    """What of a payment does not agree, as a whole (accounting.md §5.7)."""

    _inherit = "tiss.demonstrativo.payment"

    def _find_discrepancies(self):
        """What has to be known or decided about whole payments, as discrepancy values."""
        rows = []
        today = fields.Date.context_today(self)
        # What was decided since the file was read counts.
        self.adjustment_ids._find_guias()
        self.adjustment_ids._leave_claims()
        self.adjustment_ids.filtered(lambda row: row._is_homeless())._compute_account_id()
        for payment in self:
            net = payment.amount_net
            homeless = payment.adjustment_ids.filtered(lambda row: row._is_homeless())
            if net < 0:
                rows.append({"code": "negative_net", "amount_theirs": net})
            rows += [
                {"code": "no_account", "place": row.name, "amount_theirs": row.amount}
                for row in homeless
            ]
            if payment._is_locked():
                rows.append({"code": "locked_period", "amount_theirs": net})
            if payment.payment_date > today:
                rows.append({"code": "future_payment", "amount_theirs": net})
            if payment._is_another_account():
                rows.append({"code": "payer_account_differs", "place": payment.bank_account})
            rows += payment._find_retention_discrepancies()
        return rows + self._find_early()

    def _find_early(self):
        """Protocolos that are paid on a day before they were received: one of the dates is wrong"""
        return [
            {
                "payment_id": payment.id,
                "code": "early_payment",
                "place": lote.protocol_number,
                "res_model": lote._name,
                "res_id": lote.id,
                "amount_theirs": amount,
            }
            for payment, lote, amount in self.env["tiss.demonstrativo.line"]._read_group(
                [("payment_id", "in", self.ids), ("lote_id.protocol_date", "!=", False)],
                ["payment_id", "lote_id"],
                ["amount_released:sum"],
            )
            if payment.payment_date < lote.protocol_date
        ]

    def _is_locked(self):
        journal = self.contract_id.bank_journal_id
        return bool(self.company_id._get_violated_lock_dates(self.payment_date, False, journal))

    def _is_another_account(self):
        """Whether the operadora says that it pays into an account that is not the journal's."""
        ours, theirs = (
            re.sub(r"\D", "", number or "").lstrip("0")
            for number in (
                self.contract_id.bank_journal_id.bank_account_id.acc_number,
                self.bank_account,
            )
        )
        return bool(ours and theirs) and not ours.endswith(theirs) and not theirs.endswith(ours)

    def _find_retention_discrepancies(self):
        """Taxes that are withheld otherwise than this convênio lets expect; what was is booked."""
        withheld = self._get_withheld()
        contract = self.contract_id
        return [
            {
                "payment_id": self.id,
                "code": "retention_differs" if expected else "retention_undue",
                "place": contract._get_retention_name(code),
                "amount_ours": float(from_cents(expected)),
                "amount_theirs": float(from_cents(theirs)),
            }
            for code, expected, theirs in contract._compare_retentions(
                to_cents(self.amount_released), withheld
            )
        ]

    def _get_withheld(self):
        """{T27 code: cents} that this payment takes off."""
        withheld = {}
        for row in self.adjustment_ids:
            withheld[row.kind_id.code] = withheld.get(row.kind_id.code, 0) + row._get_cents()
        return withheld

    def _adopt_retention(self, tax):
        """Expect from now on what this payment withholds of one tax.

        :param tax: its name, as in the discrepancy
        """
        self.ensure_one()
        gross = to_cents(self.amount_released)
        if gross <= 0:
            raise UserError(self.env._("Nothing was released of which this could be a rate."))
        self.contract_id._adopt_retention(tax, gross, self._get_withheld())
