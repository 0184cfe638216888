from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..standard.money import from_cents, to_cents


class TissLote(models.Model):
    """A lote in the books: its invoice, credit notes, and that guias and books agree."""

    _inherit = "tiss.lote"

    # ------------------------------------------------------------------
    # Invoicing
    # ------------------------------------------------------------------

    def _create_invoices(self):
        """One posted invoice per protocolo, with one line per kind of item.

        :return: `account.move`
        """
        lotes = self.filtered(lambda lote: not lote.invoice_id and lote._get_invoice_amounts())
        lotes.contract_id._check_accounting()
        for lote in lotes:
            lote._check_open_period(lote.protocol_date)
        moves = self.env["account.move"].create([lote._prepare_invoice() for lote in lotes])
        for lote, move in zip(lotes, moves, strict=True):
            lote._force_receivable_account(move)
            lote.sudo().invoice_id = move
        moves.action_post()
        for lote in lotes:
            lote.invoice_id._tiss_get_receivable_lines().tiss_lote_id = lote
        lotes._check_tie_out()
        return moves

    def _check_open_period(self, date):
        """Odoo would move an entry of a locked period to another day without asking."""
        contract = self.contract_id
        locks = contract.company_id._get_violated_lock_dates(date, False, contract.journal_id)
        if locks:
            raise UserError(
                self.env._(
                    "The books are closed on %(date)s: choose a later date, or ask the accountant"
                    " to open the period.",
                    date=format_date(self.env, date),
                )
            )

    def _prepare_invoice(self):
        self.ensure_one()
        contract = self.contract_id
        label = self._get_invoice_label()
        due = fields.Date.add(self.protocol_date, days=contract.payment_days)
        return {
            "move_type": "out_invoice",
            "company_id": self.company_id.id,
            "partner_id": contract.partner_id.id,
            "journal_id": contract.journal_id.id,
            "currency_id": self.currency_id.id,
            "invoice_date": self.protocol_date,
            "date": self.protocol_date,
            "invoice_date_due": due,
            "invoice_payment_term_id": False,
            "ref": label,
            "invoice_origin": label,
            "tiss_lote_id": self.id,
            "invoice_line_ids": [
                Command.create(self._prepare_invoice_line(name, cents))
                for name, cents in self._get_invoice_amounts().items()
            ],
        }

    def _get_invoice_label(self):
        return self.env._(
            "Lote %(lote)s · Protocolo %(protocol)s", lote=self.name, protocol=self.protocol_number
        )

    def _get_invoice_amounts(self):
        """Summary lines of the invoice: {label: cents}; items stay in the sub-ledger."""
        return self._get_amounts_by_kind(self._get_living_guias())

    def _get_living_guias(self):
        """What the operadora has of this lote: all but those that were withdrawn."""
        return self.guia_ids.filtered(lambda guia: guia.state != "cancelled")

    @api.model
    def _get_amounts_by_kind(self, guias):
        """{kind of item: cents} of what guias are worth."""
        amounts = {}
        procedures = self.env._("Procedures")
        for line in guias.line_ids.filtered("amount"):
            kind = line.expense_kind_id.name or procedures
            amounts[kind] = amounts.get(kind, 0) + to_cents(line.amount)
        return amounts

    def _prepare_invoice_line(self, name, cents):
        return {
            "name": self.env._(
                "%(kind)s · Lote %(lote)s · %(count)s guias",
                kind=name,
                lote=self.name,
                count=self.guia_count,
            ),
            "quantity": 1,
            "price_unit": float(from_cents(cents)),
            "account_id": self.contract_id.revenue_account_id.id,
            "tax_ids": [Command.clear()],
        }

    def _post_credit_note(self, date, label, amounts, account):
        """Take amounts off the receivable of this lote by a credit note matched with its invoice.

        :param label: reference of the credit note
        :param amounts: {name of a line: cents}
        :param account: where the lines are booked
        :return: the posted `account.move`
        """
        self._check_open_period(date)
        move = self.env["account.move"].create(
            self._prepare_credit_note(date, label, amounts, account)
        )
        self._force_receivable_account(move)
        # One by one: posted together, Odoo may match notes with each other's invoices.
        move.action_post()
        credit = move._tiss_get_receivable_lines()
        credit.tiss_lote_id = self
        self.env["account.move.line"]._reconcile_plan([credit | self._get_receivable_to_settle()])
        return move

    def _prepare_credit_note(self, date, label, amounts, account):
        contract = self.contract_id
        return {
            "move_type": "out_refund",
            "company_id": self.company_id.id,
            "partner_id": contract.partner_id.id,
            "journal_id": contract.journal_id.id,
            "currency_id": self.currency_id.id,
            "invoice_date": date,
            "date": date,
            "invoice_payment_term_id": False,
            "invoice_date_due": date,
            "ref": label,
            "tiss_lote_id": self.id,
            "invoice_line_ids": [
                Command.create(
                    {
                        "name": name,
                        "quantity": 1,
                        "price_unit": float(from_cents(cents)),
                        "account_id": account.id,
                        "tax_ids": [Command.clear()],
                    }
                )
                for name, cents in amounts.items()
            ],
        }

    def _force_receivable_account(self, move):
        invoiced = self.invoice_id._tiss_get_receivable_lines().account_id
        account = invoiced or self.contract_id.receivable_account_id
        wrong = move.line_ids.filtered(
            lambda line: line.display_type == "payment_term" and line.account_id != account
        )
        wrong.account_id = account

    # ------------------------------------------------------------------
    # Tie-out
    # ------------------------------------------------------------------

    def _update_states(self):
        """received → processed when nothing waits for analysis → closed when nothing is open."""
        for lote in self.filtered(lambda lote: lote.state in ("received", "processed", "closed")):
            states = set(lote.guia_ids.mapped("state"))
            state = (
                "received"
                if "sent" in states
                else "processed"
                if "processed" in states
                else "closed"
            )
            if lote.state != state:
                lote.sudo().state = state

    def _check_tie_out(self):
        """The open money of each protocolo equals the residual of its receivable, to the cent."""
        breaches = self._get_tie_out_breaches()
        if breaches:
            raise UserError("\n".join(breaches))

    def _get_tie_out_breaches(self):
        """Where the guias and the books of invoiced lotes differ, as sentences.

        Billed, paid, given up and open money of the items against the invoice, the payments, the
        credit notes and the residual on the receivable account.
        """
        invoiced = self.filtered("invoice_id")
        self.env.flush_all()
        invoiced.invalidate_recordset(["amount_open", "amount_paid", "amount_total"])
        books = invoiced._get_booked_cents()
        withdrawn = invoiced._get_withdrawn_cents()
        labels = {
            "out_invoice": self.env._("billed"),
            "entry": self.env._("paid"),
            "out_refund": self.env._("accepted or withdrawn"),
            "residual": self.env._("open"),
        }
        breaches = []
        for lote in invoiced:
            for kind, cents in lote._get_expected_cents(withdrawn.get(lote, 0)).items():
                booked = books.get((lote, kind), 0)
                if booked != cents:
                    breaches.append(
                        self.env._(
                            "Lote %(lote)s, %(kind)s: %(ours)s in the guias, but %(theirs)s in"
                            " the books.",
                            lote=lote.display_name,
                            kind=labels[kind],
                            ours=from_cents(abs(cents)),
                            theirs=from_cents(abs(booked)),
                        )
                    )
        return breaches

    def _get_withdrawn_cents(self):
        """{lote: cents} of guias that were withdrawn after they were invoiced."""
        withdrawn = self.env["tiss.movement"]._read_group(
            [("lote_id", "in", self.ids), ("kind", "=", "withdraw"), ("move_id", "!=", False)],
            ["lote_id"],
            ["amount:sum"],
        )
        return {lote: to_cents(amount) for lote, amount in withdrawn}

    def _get_expected_cents(self, withdrawn):
        """Balances that the receivable account must show for one lote, by kind of entry.

        A credit note takes off what was accepted, and what was withdrawn after the invoice.
        """
        total, paid, still_open = (
            to_cents(amount) for amount in (self.amount_total, self.amount_paid, self.amount_open)
        )
        billed = total + withdrawn
        return {
            "out_invoice": billed,
            "entry": -paid,
            "out_refund": -(billed - paid - still_open),
            "residual": still_open,
        }

    def _get_booked_cents(self):
        """{(lote, kind of entry or "residual"): cents} on the receivable accounts."""
        booked = {}
        for lote, move_type, balance, residual in self.env["account.move.line"]._read_group(
            [
                ("tiss_lote_id", "in", self.ids),
                ("account_id.account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
            ],
            ["tiss_lote_id", "move_id.move_type"],
            ["balance:sum", "amount_residual:sum"],
        ):
            booked[lote, move_type] = to_cents(balance)
            booked[lote, "residual"] = booked.get((lote, "residual"), 0) + to_cents(residual)
        return booked
