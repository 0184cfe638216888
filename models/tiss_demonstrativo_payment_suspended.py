from odoo import fields, models
from odoo.exceptions import UserError


class TissDemonstrativoPayment(models.Model):
    """Money that belongs to no guia stands on the suspense account until somebody knows better."""

    _inherit = "tiss.demonstrativo.payment"

    discrepancy_ids = fields.One2many("tiss.discrepancy", "payment_id", "Discrepancies")

    def _post(self):
        """What no guia explains waits in the queue, until somebody knows what it is."""
        payments = super()._post()
        for payment in self.filtered("amount_unidentified"):
            self.env["tiss.discrepancy"]._open(
                {
                    "demonstrativo_id": payment.demonstrativo_id.id,
                    "payment_id": payment.id,
                    "code": "suspended",
                    "amount_theirs": payment.amount_unidentified,
                }
            )
        return payments

    def _undo(self, date=None):
        rows = self.discrepancy_ids.filtered(lambda row: row.code == "suspended")
        if rows.move_id:
            raise UserError(
                self.env._(
                    "What was received without a guia was billed by %s: take that decision back"
                    " first.",
                    rows.move_id[0].name,
                )
            )
        reversals = super()._undo(date)
        rows.sudo().unlink()
        return reversals

    def _bill_suspended(self, cents):
        """An invoice over money that came for no guia of ours, and turned out to be ours.

        It adds revenue and takes the same off the suspense account, so that nothing of it is
        receivable.

        :return: the posted `account.move`
        """
        self.ensure_one()
        contract, account = self.contract_id, self._get_suspense_account()
        contract._check_accounting()
        if cents <= 0:
            raise UserError(self.env._("Only what was received can be billed."))
        today = fields.Date.context_today(self)
        contract._check_open_period(today)
        label = self.env._("Supplement · Demonstrativo %s", self.demonstrativo_id.name)
        lines = [
            contract._prepare_invoice_line(
                label, cents, contract.revenue_account_id, contract.tax_ids
            ),
            contract._prepare_invoice_line(self.env._("Received already"), -cents, account),
        ]
        vals = contract._prepare_invoice_vals(today, label, lines)
        move = self.env["account.move"].create(vals)
        move.action_post()
        move._tiss_get_receivable_lines().tiss_lote_id = self.line_ids.lote_id[:1]
        if account.reconcile:
            booked = (move | self.payment_id.move_id).line_ids
            booked.filtered(lambda line: line.account_id == account).reconcile()
        return move
