from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..standard.money import allocate, from_cents, to_cents


class TissDemonstrativoPayment(models.Model):
    """A tax that was withheld wrongly is owed back: out of the tax asset, to an account of its own.

    What was withheld stays booked as the demonstrativo says it; the claim is an entry beside it.
    """

    _inherit = "tiss.demonstrativo.payment"

    def _post(self):
        """What was decided before it was booked is claimed with it."""
        payments = super()._post()
        self.discrepancy_ids.filtered(lambda row: row.resolution == "reclaim")._book_claims()
        return payments

    def _undo(self, date=None):
        rows = self.discrepancy_ids.filtered(lambda row: row.resolution == "reclaim")
        rows._withdraw_claims(date)
        rows.sudo().write({"state": "open", "resolution": False, "move_id": False})
        return super()._undo(date)

    def _claim(self, tax, cents):
        """Book what the operadora owes back of one tax.

        :param tax: its name, as in the discrepancy
        :return: the posted `account.move`
        """
        self.ensure_one()
        self.company_id._tiss_ensure_account("tiss_claim_account_id")
        withheld = self.adjustment_ids.filtered(
            lambda row: row.direction == "debit" and row._get_tax_name() == tax and row.account_id
        )
        if sum(to_cents(row.amount) for row in withheld) < cents:
            raise UserError(self.env._("No more of %s is owed back than was withheld.", tax))
        move = self.env["account.move"].create(self._prepare_claim(tax, cents, withheld))
        move.action_post()
        return move

    def _prepare_claim(self, tax, cents, withheld):
        """Dr owed by the operadora, Cr the accounts that the tax was booked to."""
        company = self.company_id
        label = self.env._(
            "%(tax)s withheld wrongly · Demonstrativo %(name)s",
            tax=tax,
            name=self.demonstrativo_id.name,
        )
        shares = allocate(cents, [to_cents(row.amount) for row in withheld])
        amounts = [
            (company.tiss_claim_account_id, cents),
            *((row.account_id, -part) for row, part in zip(withheld, shares, strict=True)),
        ]
        return {
            "move_type": "entry",
            "company_id": company.id,
            "journal_id": company._tiss_get_accrual_journal().id,
            "date": company._tiss_get_open_date(self._get_date()),
            "ref": label,
            "tiss_is_claim": True,
            "line_ids": [
                Command.create(
                    {
                        "name": label,
                        "account_id": account.id,
                        "partner_id": self.contract_id.partner_id.id,
                        "balance": float(from_cents(part)),
                        "tax_ids": [Command.clear()],
                    }
                )
                for account, part in amounts
                if part
            ],
        }

    def _get_withheld(self):
        """What pays an earlier tax back is not taken off those of this payment."""
        withheld = super()._get_withheld()
        account = self.company_id.tiss_claim_account_id
        for row in self.adjustment_ids:
            if account and row.account_id == account:
                withheld[row.kind_id.code] -= row._get_cents()
        return withheld

    def _plan_claims(self, lines):
        """Lines of a payment that pay taxes back, each with the claims that it settles.

        :param lines: `account.move.line` of its entry
        """
        account = self.company_id.tiss_claim_account_id
        paying = lines.filtered(lambda line: line.account_id == account and line.balance < 0)
        rows = self.adjustment_ids.filtered(lambda row: row._is_on_claims() and row.amount)
        claims = rows._allot_claims()
        # One line for each, in their order: see `_prepare_payment_lines`.
        return [
            line | claims[row]
            for line, row in zip(paying.sorted("id"), rows, strict=True)
            if row in claims
        ]
