from odoo.tests import tagged

from ..standard.money import from_cents, to_cents
from .accountant_check import find_differences
from .common import TissCommon
from .ledger_invariants import find_broken
from .return_messages import analysis_message, payment_message

TAXES = (("01", "IRRF"), ("04", "PIS"), ("05", "COFINS"), ("06", "CSLL"))
# What is billed, by position: 80 items are paid in full, 15 lose 30 %, 5 are denied.
PAID = [198.77] * 79 + [198.75]
GIVEN_UP = [150.00] * 9 + [164.17]  # lose 45.00 and 49.25, which is accepted: 454.25
CONTESTED = [397.00] * 4 + [397.20]  # lose 119.10 and 119.16, which is contested
DENIED = [200.00] * 5


@tagged("post_install", "-at_install", "post_install_l10n")
class TestScenario(TissCommon):
    """The worked example of the accounting specification, §2, with every journal item."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        terms = cls.env["tiss.term"].search(
            [("table_code", "=", "22"), ("code", "=like", "403%")], limit=100, order="code"
        )
        amounts = PAID + GIVEN_UP + CONTESTED + DENIED
        cls.prices = dict(zip(terms.mapped("code"), amounts, strict=True))
        cls.products = cls._price(cls.contract, cls.prices)
        codes = list(cls.prices)
        # Ten guias of ten items, in each of which one item is contested in the end.
        visits = [dict.fromkeys(codes[i::10], 1) for i in range(10)]
        cls.lote = cls._create_received_lote(*visits, protocol="900001")
        cls.guias = cls.lote.guia_ids
        cls.bank = cls.contract.bank_journal_id

    def _import(self, content):
        return self.env["tiss.demonstrativo"].import_file("retorno.xml", content)

    def _get_released(self, line):
        """(released, T38 code) of one item."""
        place = list(self.prices).index(line.code)
        if place < len(PAID):
            return line.amount, None
        if line.amount == DENIED[0]:
            return 0.00, "1806"
        denied = (to_cents(line.amount) * 3 + 5) // 10
        return float(from_cents(to_cents(line.amount) - denied)), "1705"

    def _get_rows(self, moves):
        """The journal items as (account, debit, credit), in the order of the specification."""
        lines = moves.line_ids.filtered("balance")
        return [(line.account_id.code, line.debit, line.credit) for line in lines]

    def _get_trial(self):
        """{account: balance} of everything that the scenario touched."""
        balances = {}
        for account, balance in self.env["account.move.line"]._read_group(
            [("parent_state", "=", "posted"), ("company_id", "=", self.company.id),
             ("id", ">", self.last_line)],
            ["account_id"], ["balance:sum"],
        ):  # fmt: skip
            balances[account.code] = round(balance, 2)
        return {code: balance for code, balance in balances.items() if balance}

    def _post_deposit(self, amount, payment):
        """The bank line, on the suspense account until it is matched with the payment."""
        line = self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.bank.id,
                "date": self.today,
                "payment_ref": "TED OPERADORA",
                "partner_id": self.operadora.id,
                "amount": amount,
            }
        )
        self.assertEqual(
            set(self._get_rows(line.move_id)),
            {
                (self.bank.suspense_account_id.code, 0, amount),
                (self.bank.default_account_id.code, amount, 0),
            },
        )
        made, left = self.env["tiss.bank.match"].find()
        self.assertEqual((made.payment_ids, made.line_ids, len(left)), (payment, line, 0))
        return line

    def _pay_first(self):
        paid = {guia.name: guia.line_ids for guia in self.guias}
        guias = {
            name: float(from_cents(sum(to_cents(line.amount_released) for line in lines)))
            for name, lines in paid.items()
        }
        amounts = (275.27, 119.28, 550.53, 183.51)
        rows = [(code, name, amount) for (code, name), amount in zip(TAXES, amounts, strict=True)]
        rows.append(("07", "DESCONTO", 12.34))
        payment = self._import(payment_message(self.lote, guias, "555", rows))
        return payment.post()

    def test_the_verified_scenario(self):
        invoice = self.lote.invoice_id
        self.last_line = min(invoice.line_ids.ids) - 1
        self.assertEqual(
            sorted(self._get_rows(invoice)),
            [("1.01.02.02.10", 20400.95, 0), ("3.01.01.01.01.06", 0, 20400.95)],
        )
        self.assertEqual((len(self.guias.line_ids), invoice.amount_total), (100, 20400.95))
        self._check_payment_and_deposit(invoice)
        self._check_given_up(invoice)
        self._check_recurso(invoice)
        self._check_kept(invoice)
        self.assertEqual(find_broken(self.contract), {})
        self.assertEqual(find_differences(self.company), {})
        self.assertLedgerSound()

    def _check_payment_and_deposit(self, invoice):
        released = {
            (line.guia_id.name, line.sequence_item): self._get_released(line)
            for line in self.guias.line_ids
        }
        analysis = self._import(analysis_message(self.lote, released, "554"))
        analysis.post()
        self.assertEqual(round(sum(self.lote.glosa_ids.mapped("amount")), 2), 2049.81)
        payment = self._pay_first()
        self.assertEqual(payment.amount, 17210.21)
        self.assertEqual(
            self._get_rows(payment.move_id),
            [
                ("1.01.02.02.12", 17210.21, 0),
                ("1.01.02.04.01", 275.27, 0),
                ("1.01.02.04.07", 119.28, 0),
                ("1.01.02.04.09", 550.53, 0),
                ("1.01.02.04.04", 183.51, 0),
                ("3.01.01.01.02.02", 12.34, 0),
                ("1.01.02.02.10", 0, 18351.14),
            ],
        )
        self.assertEqual((invoice.amount_residual, invoice.payment_state), (2049.81, "partial"))
        deposit = self._post_deposit(17210.21, payment)
        self.assertEqual(
            sorted(self._get_rows(deposit.move_id)),
            [
                (self.bank.default_account_id.code, 17210.21, 0),
                ("1.01.02.02.12", 0, 17210.21),
            ],
        )
        self.assertTrue(deposit.is_reconciled)
        self.assertTrue(payment.is_matched)
        transit = (deposit.move_id | payment.move_id).line_ids.filtered(
            lambda line: line.account_id.code == "1.01.02.02.12"
        )
        self.assertEqual(len(transit.full_reconcile_id), 1)
        self.assertEqual(set(transit.mapped("amount_residual")), {0})

    def _check_given_up(self, invoice):
        glosas = self.lote.glosa_ids.filtered(lambda glosa: glosa.amount in (45.00, 49.25))
        self.assertEqual(len(glosas), 10)
        note = glosas.accept()
        self.assertEqual(
            sorted(self._get_rows(note)),
            [("1.01.02.02.10", 0, 454.25), ("3.01.01.01.02.11", 454.25, 0)],
        )
        self.assertEqual(invoice.amount_residual, 1595.56)

    def _check_recurso(self, invoice):
        glosas = self.lote.glosa_ids.filtered(lambda glosa: glosa.state == "open")
        self.assertEqual(round(sum(glosas.mapped("amount_open")), 2), 1595.56)
        granted = {}
        for number, recurso in enumerate(glosas.create_recurso()):
            recurso.send()
            recurso.register_protocol(f"70{number}", self.today)
            [line] = recurso.line_ids
            granted[recurso] = float(from_cents((to_cents(line.amount) * 6 + 5) // 10))
            recurso.register_answer({line: granted[recurso]})
        self.assertEqual(round(sum(granted.values()), 2), 957.34)
        guias = {recurso.line_ids.guia_id.name: amount for recurso, amount in granted.items()}
        amounts = (14.36, 6.22, 28.72, 9.57)
        rows = [(code, name, amount) for (code, name), amount in zip(TAXES, amounts, strict=True)]
        content = payment_message(self.lote, guias, "601", rows)
        content = content.replace(b"tipoPagamento>1<", b"tipoPagamento>2<")
        payment = self._import(content).post()
        self.assertEqual(
            self._get_rows(payment.move_id),
            [
                ("1.01.02.02.12", 898.47, 0),
                ("1.01.02.04.01", 14.36, 0),
                ("1.01.02.04.07", 6.22, 0),
                ("1.01.02.04.09", 28.72, 0),
                ("1.01.02.04.04", 9.57, 0),
                ("1.01.02.02.10", 0, 957.34),
            ],
        )
        self.assertEqual(invoice.amount_residual, 638.22)

    def _check_kept(self, invoice):
        kept = self.lote.glosa_ids.filtered(lambda glosa: glosa.state == "kept")
        note = kept.accept()
        self.assertEqual(
            sorted(self._get_rows(note)),
            [
                ("1.01.02.02.10", 0, 638.22),
                ("3.01.01.01.02.11", 238.22, 0),  # glosa 1705
                ("3.01.01.01.02.11", 400.00, 0),  # glosa 1806
            ],
        )
        self.assertEqual((invoice.amount_residual, invoice.payment_state), (0, "paid"))
        receivable = invoice._tiss_get_receivable_lines()
        self.assertTrue(receivable.full_reconcile_id)
        self.assertEqual(
            sorted(receivable.matched_credit_ids.mapped("amount")),
            [454.25, 638.22, 957.34, 18351.14],
        )
        trial = self._get_trial()
        self.assertEqual(
            trial,
            {
                self.bank.default_account_id.code: 17210.21,
                "1.01.02.02.12": 898.47,
                "1.01.02.04.01": 289.63,
                "1.01.02.04.04": 193.08,
                "1.01.02.04.07": 125.50,
                "1.01.02.04.09": 579.25,
                "3.01.01.01.01.06": -20400.95,
                "3.01.01.01.02.02": 12.34,
                "3.01.01.01.02.11": 1092.47,
            },
        )
        self.assertEqual(sum(map(to_cents, trial.values())), 0)
