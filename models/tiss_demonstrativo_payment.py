from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..standard.money import from_cents, to_cents


class TissDemonstrativoPayment(models.Model):
    """What a demonstrativo pays on one day: guias, taxes withheld, and the net for the bank."""

    _name = "tiss.demonstrativo.payment"
    _description = "Demonstrativo Payment"
    _order = "demonstrativo_id, payment_date"

    demonstrativo_id = fields.Many2one(
        "tiss.demonstrativo", required=True, index=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="demonstrativo_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(related="demonstrativo_id.contract_id")
    payment_date = fields.Date(required=True, readonly=True)
    amount_released = fields.Monetary("Gross", readonly=True)
    amount_debit = fields.Monetary("Débitos", readonly=True)
    amount_credit = fields.Monetary("Créditos", readonly=True)
    amount_net = fields.Monetary("Net", readonly=True)
    line_ids = fields.One2many("tiss.demonstrativo.line", "payment_id", "Guias")
    adjustment_ids = fields.One2many(
        "tiss.demonstrativo.adjustment", "payment_id", "Débitos and Créditos"
    )
    payment_id = fields.Many2one(
        "account.payment", readonly=True, index="btree_not_null", ondelete="restrict"
    )

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    def _prepare_from_date(self, contract, values):
        """Values of one pagamentosPorData (guide §5.4)"""
        Line = self.env["tiss.demonstrativo.line"]
        Adjustment = self.env["tiss.demonstrativo.adjustment"].with_company(contract.company_id)
        discounts = (values.get("debitosCreditosPorData") or {}).get("debitosCreditos") or []
        net = values["totaisLiquidosPorData"]
        return {
            "payment_date": values["dadosPagamento"]["dataPagamento"],
            "amount_released": values["totaisBrutosPorData"]["totaLiberadoPorData"],
            "amount_debit": net["totalDebitosPorData"],
            "amount_credit": net["totalCreditosPorData"],
            "amount_net": net["liquidoPorData"],
            "line_ids": [
                Command.create(Line._prepare_from_paid_guia(protocol, guia))
                for protocol in values["dadosResumo"]["relacaoProtocolos"]
                for guia in protocol["guiasDoLote"]
            ],
            "adjustment_ids": [
                Command.create(Adjustment._prepare_from_discount(discount))
                for discount in discounts
            ],
        }

    @api.model
    def _check_payment_sums(self, part):
        """Levels of a payment whose sums disagree, as discrepancy values (guide §5.5)."""
        Discrepancy = self.env["tiss.discrepancy"]
        rows, net_cents = [], 0
        for day in part["pagamentos"]["pagamentosPorData"]:
            protocols = day["dadosResumo"]["relacaoProtocolos"]
            label = format_date(self.env, day["dadosPagamento"]["dataPagamento"])
            for protocol in protocols:
                guias = sum(to_cents(guia["valorLiberadoGuia"]) for guia in protocol["guiasDoLote"])
                rows += Discrepancy._compare_cents(
                    protocol["numeroProtocolo"], to_cents(protocol["valorLiberado"]), guias
                )
            gross = sum(to_cents(protocol["valorLiberado"]) for protocol in protocols)
            stated = to_cents(day["totaisBrutosPorData"]["totaLiberadoPorData"])
            rows += Discrepancy._compare_cents(label, stated, gross)
            rows += self._check_net(day, label)
            net_cents += to_cents(day["totaisLiquidosPorData"]["liquidoPorData"])
        net = part["totaisDemonstrativo"]["totaisLiquidosDemonstrativo"]
        stated = to_cents(net["valorLiberadoDemonstrativo"])
        return rows + Discrepancy._compare_cents(self.env._("whole file"), stated, net_cents)

    @api.model
    def _check_net(self, day, label):
        net = day["totaisLiquidosPorData"]
        discounts = (day.get("debitosCreditosPorData") or {}).get("debitosCreditos") or []
        signs = {"debit": -1, "credit": 1}
        Adjustment = self.env["tiss.demonstrativo.adjustment"]
        adjustments = sum(
            signs[Adjustment._get_direction(row)] * to_cents(row["valorDbCr"]) for row in discounts
        )
        gross = to_cents(day["totaisBrutosPorData"]["totaLiberadoPorData"])
        return self.env["tiss.discrepancy"]._compare_cents(
            label, to_cents(net["liquidoPorData"]), gross + adjustments
        )

    # ------------------------------------------------------------------
    # Checking and planning
    # ------------------------------------------------------------------

    def _find_discrepancies(self):
        """Whole payments that cannot be booked, as discrepancy values."""
        rows = []
        for payment in self:
            net = payment.amount_net
            if net < 0:
                rows.append({"code": "negative_net", "amount_theirs": net})
            if not all(row.account_id for row in payment.adjustment_ids):
                rows.append({"code": "no_account", "amount_theirs": payment.amount_debit})
            if payment._is_locked():
                rows.append({"code": "locked_period", "amount_theirs": net})
        return rows

    def _is_locked(self):
        journal = self.contract_id.bank_journal_id
        return bool(self.company_id._get_violated_lock_dates(self.payment_date, False, journal))

    def _plan_movements(self):
        self.ensure_one()
        payable = self.line_ids.filtered(
            lambda line: line.guia_id and not any(line.discrepancy_ids.mapped("is_blocking"))
        )
        recovered = payable.filtered("is_appeal")
        guias = (payable - recovered).grouped("guia_id").values()
        contested = recovered.grouped("guia_id").values()
        return [
            *(entry for lines in guias for entry in lines._plan_payment()),
            *(entry for lines in contested for entry in lines._plan_recovery()),
        ]

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
    # Posting
    # ------------------------------------------------------------------

    def _post(self):
        """One `account.payment` per payment in self, reconciled protocolo by protocolo."""
        payments = self.env["account.payment"]
        for payment in self:
            payment.contract_id._check_accounting()
            entries = payment._plan_movements()
            payment.sudo().payment_id = self.env["account.payment"].create(
                payment._prepare_account_payment()
            )
            payment.payment_id.action_post()
            payment._reconcile()
            self.env["tiss.movement"]._record(
                entries, payment.payment_date, payment.payment_id.move_id
            )
            self.env["tiss.glosa"]._create_from_entries(payment.demonstrativo_id, entries)
            payments |= payment.payment_id
        return payments

    def _prepare_account_payment(self):
        self.ensure_one()
        contract = self.contract_id
        journal = contract.bank_journal_id
        method = contract._get_payment_method_line()
        return {
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": contract.partner_id.id,
            "company_id": self.company_id.id,
            "amount": self.amount_net,
            "date": self.payment_date,
            "journal_id": journal.id,
            "payment_method_line_id": method.id,
            "outstanding_account_id": contract.transit_account_id.id,
            "destination_account_id": contract.receivable_account_id.id,
            "memo": self.env._("Demonstrativo %s", self.demonstrativo_id.name),
            "line_ids": self._prepare_payment_lines(),
        }

    def _prepare_payment_lines(self):
        """Net to the transit account, each adjustment to its own, one credit per protocolo."""
        contract = self.contract_id
        commands = [
            self._prepare_move_line(
                self.env._("Net of demonstrativo %s", self.demonstrativo_id.name),
                contract.transit_account_id,
                to_cents(self.amount_net),
            )
        ]
        for row in self.adjustment_ids:
            cents = to_cents(row.amount) * (1 if row.direction == "debit" else -1)
            commands.append(self._prepare_move_line(row.name, row.account_id, cents))
        for lote, lines in self.line_ids.grouped("lote_id").items():
            cents = sum(line._get_booked_cents() for line in lines)
            label = self.env._("Protocolo %s", lote.protocol_number or "?")
            if cents:
                invoiced = lote.invoice_id._tiss_get_receivable_lines().account_id
                account = invoiced or contract.receivable_account_id
                commands.append(self._prepare_move_line(label, account, -cents, lote))
        return commands

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
        credits = self.payment_id.move_id.line_ids.filtered("tiss_lote_id")
        self.env["account.move.line"]._reconcile_plan(
            [line | line.tiss_lote_id.invoice_id._tiss_get_receivable_lines() for line in credits]
        )

    def _undo(self):
        """Cancel the payments; one that the bank confirmed must be unmatched first."""
        matched = self.payment_id.filtered("is_matched")
        if matched:
            raise UserError(
                self.env._(
                    "The payment %s is matched with the bank statement: unmatch it first.",
                    matched[0].name,
                )
            )
        self.payment_id.move_id.line_ids.remove_move_reconcile()
        self.payment_id.with_context(tiss_undo=True).action_cancel()
