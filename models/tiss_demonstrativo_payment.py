from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import format_date

from ..standard.money import from_cents, to_cents


class TissDemonstrativoPayment(models.Model):
    """What a demonstrativo pays on one day: guias, taxes withheld, and the net for the bank."""

    _name = "tiss.demonstrativo.payment"
    _description = "Demonstrativo Payment"
    _inherit = ["tiss.system.made"]
    _order = "demonstrativo_id, payment_date"
    _check_company_auto = True

    demonstrativo_id = fields.Many2one(
        "tiss.demonstrativo", required=True, index=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="demonstrativo_id.company_id", store=True, index=True, precompute=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(related="demonstrativo_id.contract_id")
    payment_date = fields.Date(required=True, readonly=True)
    accounting_date = fields.Date(
        "Booked On",
        readonly=True,
        help="Another day than that of the payment, where the books were closed on it.",
    )
    amount_released = fields.Monetary("Gross", readonly=True)
    amount_debit = fields.Monetary("Débitos", readonly=True)
    amount_credit = fields.Monetary("Créditos", readonly=True)
    amount_net = fields.Monetary("Net", readonly=True)
    bank_code = fields.Char("Bank", readonly=True)
    bank_branch = fields.Char("Branch", readonly=True)
    bank_account = fields.Char("Account or Cheque", readonly=True)
    line_ids = fields.One2many("tiss.demonstrativo.line", "payment_id", "Guias")
    adjustment_ids = fields.One2many(
        "tiss.demonstrativo.adjustment", "payment_id", "Débitos and Créditos"
    )
    amount_unidentified = fields.Monetary(
        "Not Identified",
        readonly=True,
        help="What was booked as received without knowing for which guias.",
    )
    payment_id = fields.Many2one(
        "account.payment",
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    reversal_move_id = fields.Many2one(
        "account.move",
        "Reversal",
        readonly=True,
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
        help="What took back, on an open day, a payment of a closed period.",
    )

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    @api.model
    def _prepare_from_date(self, contract, values):
        """Values of one pagamentosPorData without its guias (guide §5.4)"""
        Adjustment = self.env["tiss.demonstrativo.adjustment"].with_company(contract.company_id)
        discounts = (values.get("debitosCreditosPorData") or {}).get("debitosCreditos") or []
        net = values["totaisLiquidosPorData"]
        return {
            "payment_date": values["dadosPagamento"]["dataPagamento"],
            "amount_released": values["totaisBrutosPorData"]["totaLiberadoPorData"],
            "amount_debit": net["totalDebitosPorData"],
            "amount_credit": net["totalCreditosPorData"],
            "amount_net": net["liquidoPorData"],
            **self._prepare_bank_vals(values["dadosPagamento"]),
            "adjustment_ids": [
                Command.create(Adjustment._prepare_from_discount(discount))
                for discount in discounts
            ],
        }

    @api.model
    def _prepare_bank_vals(self, values):
        """ct_pagamentoDados: where the operadora says that it pays."""
        return {
            "bank_code": values.get("banco"),
            "bank_branch": values.get("agencia"),
            "bank_account": values.get("nrContaCheque"),
        }

    @api.model
    def _add_whole_file(self, payments, totals):
        """Débitos and créditos of the whole file: repeating those of the days, or complementing.

        The reading that ties with the stated net is taken (accounting.md §5.4); what complements
        is booked with the last day.

        :param payments: values of the payments of the file
        :param totals: totaisDemonstrativo (guide §5.4)
        :return: discrepancy values, where neither reading ties
        """
        Adjustment = self.env["tiss.demonstrativo.adjustment"]
        discounts = totals.get("debitosCreditosDemonstrativo") or []
        extra = sum(Adjustment._get_signed_cents(row) for row in discounts)
        stated = to_cents(totals["totaisLiquidosDemonstrativo"]["valorLiberadoDemonstrativo"])
        net = sum(to_cents(vals["amount_net"]) for vals in payments)
        if not payments or not extra or stated != net + extra:
            place = self.env._("whole file")
            return self.env["tiss.discrepancy"]._compare_cents(place, stated, net)
        last = max(payments, key=lambda vals: str(vals["payment_date"]))
        last["adjustment_ids"] += [
            Command.create({**Adjustment._prepare_from_discount(row), "is_of_file": True})
            for row in discounts
        ]
        for name, indicator in (("amount_debit", "debit"), ("amount_credit", "credit")):
            cents = to_cents(last[name]) + sum(
                to_cents(row["valorDbCr"])
                for row in discounts
                if Adjustment._get_direction(row) == indicator
            )
            last[name] = from_cents(cents)
        last["amount_net"] = from_cents(to_cents(last["amount_net"]) + extra)
        return []

    @api.model
    def _check_day_sums(self, day, gross):
        """Sums of one pagamentosPorData that disagree, as discrepancy values.

        :param gross: cents of what its protocolos release
        """
        Discrepancy = self.env["tiss.discrepancy"]
        Adjustment = self.env["tiss.demonstrativo.adjustment"]
        label = format_date(self.env, day["dadosPagamento"]["dataPagamento"])
        stated = to_cents(day["totaisBrutosPorData"]["totaLiberadoPorData"])
        net = day["totaisLiquidosPorData"]
        discounts = (day.get("debitosCreditosPorData") or {}).get("debitosCreditos") or []
        cents = [Adjustment._get_signed_cents(row) for row in discounts]
        debits = -sum(each for each in cents if each < 0)
        credits = sum(each for each in cents if each > 0)
        rows = Discrepancy._compare_cents(label, stated, gross)
        for name, value in (("totalDebitosPorData", debits), ("totalCreditosPorData", credits)):
            rows += Discrepancy._compare_cents(f"{label} {name}", to_cents(net[name]), value)
        expected = stated + sum(cents)
        return rows + Discrepancy._compare_cents(label, to_cents(net["liquidoPorData"]), expected)
