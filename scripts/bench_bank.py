"""Speed of the bank, run by ``BENCH=bank ./dev bench`` on a database of its own.

A statement of growing numbers of movements against as many payments of demonstrativos: read from
the bytes of an OFX file, imported, proposed, matched and undone. Half of the deposits are exact and
name their payer, a quarter are sums of two demonstrativos, a quarter pay nothing that is known.
``BENCH_SIZES=100,1000`` reads fewer.
"""

import base64
import os
from datetime import timedelta

from odoo.fields import Command

from odoo.addons.l10n_br_tiss.scripts.bench_tools import ClinicBench

SIZES = [int(size) for size in os.environ.get("BENCH_SIZES", "100,1000").split(",")]
DAYS, PROPOSE_SECONDS, MATCH_QUERIES = 90, 5, 25
FILE = """OFXHEADER:100\n\n<OFX><STMTTRNRS><STMTRS><CURDEF>BRL<BANKACCTFROM><BANKID>1<ACCTID>9
</BANKACCTFROM><BANKTRANLIST>{rows}</BANKTRANLIST></STMTRS></STMTTRNRS></OFX>"""
ROW = """<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>{date:%Y%m%d}<TRNAMT>{amount:.2f}<FITID>F{number}
<MEMO>{label}</STMTTRN>"""


class BankBench(ClinicBench):
    """The demo's clinic, its bank, and payments without the guias that they pay."""

    def bank(self):
        print("\nMovements of the bank against as many payments: seconds (queries)")
        print(f"{'size':>8}{'read':>16}{'import':>16}{'propose':>16}{'match':>16}{'undo':>16}")
        for size in SIZES:
            with self.undone():
                self._measure(size)

    def _measure(self, size):
        payments = self._make_payments(size)
        content = self._make_file(payments)
        Match = self.env["tiss.bank.match"]
        wizard = self.env["tiss.bank.import"].create({"file": base64.b64encode(content)})
        costs = [self.cost(wizard.action_read)]
        lines = wizard.line_ids.sorted("position")
        Line = self.env["account.bank.statement.line"]
        costs.append(self.cost(Line.create, [each._prepare_statement_line() for each in lines]))
        bank = self.contract.bank_journal_id
        costs.append(self.cost(Match.propose, bank))
        proposals = costs[-1][0]
        self.judge(f"proposed in {PROPOSE_SECONDS} s", costs[-1][1] <= PROPOSE_SECONDS)
        costs.append(self.cost(Match.match_certain, bank))
        made, _seconds, queries = costs[-1]
        self.judge(f"{MATCH_QUERIES} queries a match", queries <= MATCH_QUERIES * len(made) + 200)
        costs.append(self.cost(made.unmatch))
        cells = [f"{seconds:>9.2f} ({count})" for _result, seconds, count in costs]
        print(f"{size:>8}" + "".join(f"{cell:>16}" for cell in cells))
        print(f"{len(proposals)} proposals, {len(made)} matched without doubt")

    def _make_payments(self, size):
        """Posted payments, each of a demonstrativo of no guias."""
        contract = self.contract
        demonstrativo = self._make_demonstrativo()
        payments = self.env["account.payment"].create(
            [self._prepare_payment(contract, number) for number in range(size)]
        )
        payments.action_post()
        self.env["tiss.demonstrativo.payment"].sudo().create(
            [
                {
                    "demonstrativo_id": demonstrativo.id,
                    "payment_date": payment.date,
                    "amount_net": payment.amount,
                    "payment_id": payment.id,
                }
                for payment in payments
            ]
        )
        return payments

    def _make_demonstrativo(self):
        message = (
            self.env["tiss.message"]
            .sudo()
            .create(
                {
                    "contract_id": self.contract.id,
                    "company_id": self.contract.company_id.id,
                    "direction": "in",
                    "transaction": "DEMONSTRATIVO_PAGAMENTO",
                    "file_name": "bench.xml",
                    "version": self.contract.version,
                    "size": 1,
                    "content": base64.b64encode(b"-"),
                    "sha256": "0" * 64,
                }
            )
        )
        return (
            self.env["tiss.demonstrativo"]
            .sudo()
            .create(
                {
                    "name": "BENCH",
                    "kind": "payment",
                    "company_id": self.contract.company_id.id,
                    "contract_id": self.contract.id,
                    "message_id": message.id,
                    "issue_date": self.clinic.today,
                    "state": "posted",
                }
            )
        )

    def _prepare_payment(self, contract, number):
        amount = 100 + 0.37 * number
        sides = ((contract.transit_account_id, amount), (contract.glosa_account_id, -amount))
        return {
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": contract.partner_id.id,
            "amount": amount,
            "date": self.clinic.today - timedelta(days=number % DAYS),
            "journal_id": contract.bank_journal_id.id,
            "payment_method_line_id": contract._get_payment_method_line().id,
            "outstanding_account_id": contract.transit_account_id.id,
            "destination_account_id": contract.receivable_account_id.id,
            "memo": f"Demonstrativo {number}",
            "line_ids": [
                Command.create(
                    {
                        "name": "x",
                        "account_id": account.id,
                        "partner_id": contract.partner_id.id,
                        "balance": balance,
                        "amount_currency": balance,
                    }
                )
                for account, balance in sides
            ],
        }

    def _make_file(self, payments):
        half = len(payments) // 2
        label = f"TED {self.contract.partner_id.vat} OPERADORA"
        moves = [(each.date, each.amount, label) for each in payments[:half]]
        by_day = payments[half:].grouped("date").values()
        pairs = [pair for group in by_day for pair in zip(group[::2], group[1::2], strict=False)]
        moves += [(pair[0].date, sum(each.amount for each in pair), label) for pair in pairs]
        strange = len(payments) - len(moves)
        today = self.clinic.today
        moves += [(today - timedelta(i % DAYS), 9e4 + i, f"PIX {i}") for i in range(strange)]
        rows = [
            ROW.format(date=date, amount=amount, number=number, label=text)
            for number, (date, amount, text) in enumerate(moves)
        ]
        return FILE.format(rows="".join(rows)).encode()


bench = BankBench(env)  # noqa: F821 — Odoo's shell gives it
bench.run(bench.bank)
