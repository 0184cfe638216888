from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..standard.money import from_cents, to_cents
from .inside import INSIDE
from .tiss_demonstrativo_line_plan import Moved


class TissDemonstrativoPayment(models.Model):
    """The journal entry of a payment: made, reconciled protocolo by protocolo, and undone."""

    _inherit = "tiss.demonstrativo.payment"

    # ------------------------------------------------------------------
    # Planning
    # ------------------------------------------------------------------

    def _get_booked_lines(self):
        """The guias that the payment is booked for; the rest of it is not identified."""
        lines = self.env["tiss.demonstrativo.line"].search([("payment_id", "in", self.ids)])
        return lines._filter_booked().filtered("guia_id")

    def _plan_movements(self, moved=None):
        """Movements of one payment, as entries for `tiss.movement._record`.

        :param moved: `Moved` by earlier days of the same file that are planned, not recorded
        """
        self.ensure_one()
        moved = Moved() if moved is None else moved
        payable = self._get_booked_lines()
        recovered = payable.filtered("is_appeal")
        guias = (payable - recovered).grouped("guia_id")
        contested = recovered.grouped("guia_id").values()
        again = self._get_guias_paid_later()
        return [
            *(
                entry
                for guia, lines in guias.items()
                for entry in lines._plan_payment(moved, is_last=guia not in again)
            ),
            *(entry for lines in contested for entry in lines._plan_recovery(moved)),
            *self.adjustment_ids._plan_taking_back(moved),
        ]

    def _get_in_order(self):
        """As they are booked: the first day first, wherever it stands in the file."""
        return self.sorted(lambda payment: (payment.payment_date, payment.id))

    def _get_guias_paid_later(self):
        """The guias that a later day of the same file pays as well."""
        days = self.demonstrativo_id.payment_ids._get_in_order()
        later = days[days.ids.index(self.id) + 1 :]
        booked = later._get_booked_lines() if later else later.line_ids
        return booked.filtered(lambda line: not line.is_appeal).guia_id

    def _preview_entries(self):
        """The journal entry of this payment as rows for the preview."""
        Account = self.env["account.account"]
        rows = []
        for command in self._prepare_payment_lines():
            vals = command[2]
            cents = to_cents(vals["balance"])
            rows.append(
                {
                    "account": Account.browse(vals["account_id"]).display_name
                    or self.env._("no account"),
                    "label": vals["name"],
                    "debit": from_cents(max(cents, 0)),
                    "credit": from_cents(max(-cents, 0)),
                }
            )
        return rows

    # ------------------------------------------------------------------
    # Entry
    # ------------------------------------------------------------------

    def _set_accounting_date(self, date):
        """Book payments of closed days on another day that somebody chose."""
        for payment in self:
            is_moved = bool(date) and payment._is_locked()
            if is_moved:
                payment.demonstrativo_id._check_open_date(payment.contract_id, date)
            payment.sudo().accounting_date = date if is_moved else False

    def _post(self):
        """One `account.payment` per payment in self, reconciled protocolo by protocolo."""
        self.contract_id._check_accounting()
        self._ensure_accounts()
        self.adjustment_ids._ensure_lines()
        Payment = self.env["account.payment"]
        payments = Payment.create([payment._prepare_account_payment() for payment in self])
        for payment, created in zip(self, payments, strict=True):
            payment.sudo().write(
                {
                    "payment_id": created.id,
                    "amount_unidentified": float(from_cents(payment._get_unidentified_cents())),
                }
            )
        payments.action_post()
        for payment in self._get_in_order():
            payment._reconcile()
            entries = payment._plan_movements()
            move = payment.payment_id.move_id
            self.env["tiss.movement"]._record(entries, payment._get_date(), move)
            self.env["tiss.glosa"]._create_from_entries(payment.demonstrativo_id, entries)
            self.env["tiss.glosa"]._repay(entries)
        return payments

    def _get_date(self):
        return self.accounting_date or self.payment_date

    def _prepare_account_payment(self):
        self.ensure_one()
        contract = self.contract_id
        return {
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": contract.partner_id.id,
            "company_id": self.company_id.id,
            "amount": max(self.amount_net, 0),
            "date": self._get_date(),
            "journal_id": contract.bank_journal_id.id,
            "payment_method_line_id": contract._get_payment_method_line().id,
            "outstanding_account_id": contract.transit_account_id.id,
            "destination_account_id": contract.receivable_account_id.id,
            "memo": self._get_memo(),
            "line_ids": self._prepare_payment_lines(),
        }

    def _get_memo(self):
        if not self.accounting_date:
            return self.env._("Demonstrativo %s", self.demonstrativo_id.name)
        return self.env._(
            "Demonstrativo %(name)s, paid on %(date)s",
            name=self.demonstrativo_id.name,
            date=format_date(self.env, self.payment_date),
        )

    def _prepare_payment_lines(self):
        """Net to the transit account, each adjustment to its own, one line per protocolo.

        A net below zero is owed to the operadora until a later demonstrativo takes it back; what
        no guia explains is not identified. So the transit is always what the bank gets.
        """
        contract = self.contract_id
        net = to_cents(self.amount_net)
        label = self.env._("Net of demonstrativo %s", self.demonstrativo_id.name)
        commands = [self._prepare_move_line(label, contract.transit_account_id, max(net, 0))]
        if net < 0:
            debt = self.company_id.tiss_debt_account_id
            commands.append(self._prepare_move_line(label, debt, net))
        commands += [self._prepare_adjustment_line(row) for row in self.adjustment_ids]
        booked = self._get_booked_lines()
        accounts = booked.lote_id._get_receivable_accounts()
        for lote, lines in booked.grouped("lote_id").items():
            cents = sum(line._get_booked_cents() for line in lines)
            name = self.env._("Protocolo %s", lote.protocol_number or "?")
            if cents:
                account = accounts.get(lote) or contract.receivable_account_id
                commands.append(self._prepare_move_line(name, account, -cents, lote))
        unidentified = self._get_unidentified_cents()
        if unidentified:
            name = self.env._("Not identified in demonstrativo %s", self.demonstrativo_id.name)
            account = self._get_suspense_account()
            commands.append(self._prepare_move_line(name, account, -unidentified))
        return commands

    def _prepare_adjustment_line(self, row):
        """To its account; what takes a guia back is owed again, on the receivable of its lote."""
        lote = row.guia_id.lote_id
        if lote:
            account = lote._get_receivable_accounts()[lote]
        else:
            account = row.account_id or self._get_suspense_account()
        return self._prepare_move_line(row.name, account, row._get_cents(), lote)

    def _get_unidentified_cents(self):
        """What of the net no guia and no débito or crédito explains."""
        booked = sum(line._get_booked_cents() for line in self._get_booked_lines())
        return to_cents(self.amount_net) + self.adjustment_ids._get_cents() - booked

    def _get_suspense_account(self):
        return self.company_id.tiss_suspense_account_id

    def _ensure_accounts(self):
        """The accounts that only what does not agree asks for."""
        for payment in self:
            if payment.amount_net < 0:
                payment.company_id._tiss_ensure_account("tiss_debt_account_id")
            homeless = any(row._is_homeless() for row in payment.adjustment_ids)
            if homeless or payment._get_unidentified_cents():
                payment.company_id._tiss_ensure_account("tiss_suspense_account_id")

    def _prepare_move_line(self, name, account, cents, lote=None):
        balance = float(from_cents(cents))
        return Command.create(
            {
                "name": name,
                "account_id": account.id,
                "partner_id": self.contract_id.partner_id.id,
                "currency_id": self.currency_id.id,
                "amount_currency": balance,
                "balance": balance,
                "tiss_lote_id": lote.id if lote else False,
            }
        )

    def _reconcile(self):
        """Pairwise: one reconcile() over all would put a shortage on the wrong invoice."""
        lines = self.payment_id.move_id.line_ids
        paid = lines.filtered(lambda line: line.tiss_lote_id and line.balance < 0)
        to_settle = paid.tiss_lote_id._get_receivable_to_settle().grouped("tiss_lote_id")
        plan = [line | to_settle.get(line.tiss_lote_id, line.browse()) for line in paid]
        debt = self.company_id.tiss_debt_account_id
        offset = lines.filtered(lambda line: line.account_id == debt and line.balance > 0)
        if offset:
            plan.append(offset | self.demonstrativo_id._get_owed_lines())
        plan += self._plan_claims(lines)
        self.env["account.move.line"]._reconcile_plan(plan)

    # ------------------------------------------------------------------
    # Undoing
    # ------------------------------------------------------------------

    def _undo(self, date=None):
        """Cancel the payments; those of a closed period are reversed on an open day.

        :param date: that day; asked for where it is needed
        :return: `account.move`, the reversals
        """
        self._check_not_built_upon()
        reversals = self.env["account.move"]
        for payment in self:
            move = payment.payment_id.move_id
            if payment._needs_reversal():
                reversals |= payment._reverse(date)
            else:
                move.line_ids.remove_move_reconcile()
                payment.payment_id.with_context(tiss_undo=INSIDE).action_cancel()
        return reversals

    def _get_matched_payments(self):
        """Payments that the bank confirmed, be it in part: Odoo says so only of whole ones."""
        return self.payment_id.filtered(
            lambda payment: any(
                line.matched_debit_ids or line.matched_credit_ids
                for line in payment.move_id.line_ids
                if line.account_id == payment.outstanding_account_id
            )
        )

    def _check_not_built_upon(self):
        """Refuse where the bank, or a later payment, stands on these."""
        matched = self._get_matched_payments()
        if matched:
            raise UserError(
                self.env._(
                    "The payment %s is matched with the bank statement: unmatch it first.",
                    matched[0].name,
                )
            )
        company = self.company_id
        accounts = company.tiss_debt_account_id | company.tiss_suspense_account_id
        settled = self.payment_id.move_id.line_ids.filtered(
            lambda line: (
                line.account_id in accounts
                and line.balance < 0
                and (line.matched_debit_ids or line.matched_credit_ids)
            )
        )
        if settled:
            others = settled.matched_debit_ids.debit_move_id.move_id
            raise UserError(
                self.env._(
                    "What %(payment)s left open is settled by %(others)s: undo that first.",
                    payment=settled[0].move_id.display_name,
                    others=", ".join(others.mapped("display_name")),
                )
            )

    def _needs_reversal(self):
        """Whether the entry may no longer change: its period is closed, or it is hashed."""
        move = self.payment_id.move_id
        journal = self.contract_id.bank_journal_id
        locks = self.company_id._get_violated_lock_dates(move.date, False, journal)
        return bool(locks or move.inalterable_hash)

    def _reverse(self, date):
        """The opposite entry on an open day, matched line by line with what it undoes."""
        move = self.payment_id.move_id
        if not date:
            raise UserError(
                self.env._(
                    "The books are closed on %(date)s: choose the day of the reversal of %(move)s.",
                    date=format_date(self.env, move.date),
                    move=move.name,
                )
            )
        self.demonstrativo_id._check_open_date(self.contract_id, date)
        lines = move.line_ids
        lines.remove_move_reconcile()
        reversal = self.env["account.move"].create(self._prepare_reversal(move, date))
        reversal.action_post()
        pairs = zip(lines, reversal.line_ids.sorted("id"), strict=True)
        self.env["account.move.line"]._reconcile_plan(
            [line | other for line, other in pairs if line.account_id.reconcile and line.balance]
        )
        # Only now: posted with it, Odoo would match the lines of several protocolos by amount.
        reversal.reversed_entry_id = move
        self.sudo().reversal_move_id = reversal
        return reversal

    def _prepare_reversal(self, move, date):
        return {
            "move_type": "entry",
            "company_id": self.company_id.id,
            "journal_id": move.journal_id.id,
            "partner_id": move.partner_id.id,
            "currency_id": move.currency_id.id,
            "date": date,
            "ref": self.env._("Reversal of %s", move.name),
            "line_ids": [
                Command.create(
                    {
                        "name": line.name,
                        "account_id": line.account_id.id,
                        "partner_id": line.partner_id.id,
                        "currency_id": line.currency_id.id,
                        "amount_currency": -line.amount_currency,
                        "balance": -line.balance,
                        "tiss_lote_id": line.tiss_lote_id.id,
                    }
                )
                for line in move.line_ids
            ],
        }
