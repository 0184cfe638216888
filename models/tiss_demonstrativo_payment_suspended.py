from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..standard.money import from_cents, to_cents


class TissDemonstrativoPayment(models.Model):
    """Money that belongs to no guia stands on the suspense account until somebody knows better."""

    _inherit = "tiss.demonstrativo.payment"

    discrepancy_ids = fields.One2many("tiss.discrepancy", "payment_id", "Discrepancies")

    def _get_suspended_cents(self):
        return sum(to_cents(line.amount_suspended) for line in self.line_ids)

    def _get_suspense_account(self):
        return self.company_id._tiss_get_account("tiss_suspense_account_id")

    def _prepare_payment_lines(self):
        """What a person kept apart, and what the file's own sums do not explain, balances it."""
        commands = super()._prepare_payment_lines()
        cents = -sum(to_cents(command[2]["balance"]) for command in commands)
        told = self.demonstrativo_id.discrepancy_ids.filtered(
            lambda row: row.code == "sums_disagree" and row.resolution == "trust_rows"
        )
        if cents and (cents == -self._get_suspended_cents() or told):
            label = self.env._("Not identified · Demonstrativo %s", self.demonstrativo_id.name)
            commands.append(self._prepare_move_line(label, self._get_suspense_account(), cents))
        return commands

    def _post(self):
        payments = super()._post()
        for payment in self:
            account = payment._get_suspense_account()
            lines = payment.payment_id.move_id.line_ids.filtered(
                lambda line, account=account: line.account_id == account
            )
            cents = -sum(to_cents(line.balance) for line in lines)
            if cents:
                self.env["tiss.discrepancy"]._open(
                    {
                        "demonstrativo_id": payment.demonstrativo_id.id,
                        "payment_id": payment.id,
                        "code": "suspended",
                        "amount_theirs": float(from_cents(cents)),
                    }
                )
        return payments

    def _undo(self):
        rows = self.discrepancy_ids.filtered(lambda row: row.code == "suspended")
        billed = rows.filtered("move_id")
        if billed:
            raise UserError(
                self.env._(
                    "What was received without a guia was billed by %s: take that decision back"
                    " first.",
                    billed[0].move_id.name,
                )
            )
        rows.sudo().unlink()
        return super()._undo()

    def _bill_suspended(self, cents):
        """An invoice over money that came for no guia of ours, and turned out to be ours.

        It adds revenue, with what taxes the journal asks for, and takes the same off the suspense
        account, so that nothing of it is receivable.

        :return: the posted `account.move`
        """
        self.ensure_one()
        contract, account = self.contract_id, self._get_suspense_account()
        contract._check_accounting()
        if cents <= 0:
            raise UserError(self.env._("Only what was received can be billed."))
        today = fields.Date.context_today(self)
        label = self.env._("Supplement · Demonstrativo %s", self.demonstrativo_id.name)
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "company_id": self.company_id.id,
                "partner_id": contract.partner_id.id,
                "journal_id": contract.journal_id.id,
                "currency_id": self.currency_id.id,
                "invoice_date": today,
                "date": today,
                "invoice_date_due": today,
                "invoice_payment_term_id": False,
                "ref": label,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": name,
                            "quantity": 1,
                            "price_unit": float(from_cents(amount)),
                            "account_id": target.id,
                            "tax_ids": [Command.clear()],
                        }
                    )
                    for name, amount, target in (
                        (label, cents, contract.revenue_account_id),
                        (self.env._("Received already"), -cents, account),
                    )
                ],
            }
        )
        move.action_post()
        move._tiss_get_receivable_lines().tiss_lote_id = self.line_ids.lote_id[:1]
        return move
