from datetime import timedelta

from odoo.tests import tagged

from ..standard import identifiers
from ..standard.money import to_cents
from .closing_records import create_copayment
from .common import CONSULTATION, ECG, TissCommon
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestFinanceReports(TissCommon):
    """What the accountant reads: its totals are those of the ledger."""

    def _receive(self, content):
        self.env["tiss.message"].receive_file("retorno.xml", content).post()

    def _get_balance(self, account):
        lines = self.env["account.move.line"].search(
            [("account_id", "=", account.id), ("parent_state", "=", "posted")]
        )
        return sum(to_cents(line.balance) for line in lines)

    # ------------------------------------------------------------------
    # Movements
    # ------------------------------------------------------------------

    def test_movements_sum_to_what_is_open(self):
        """41.10, of which 30.00 are paid and 1.10 given up: 10.00 are open, whatever moved."""
        lote = self._create_received_lote({ECG: 1})
        guia = lote.guia_ids
        content = analysis_message(lote, {(guia.name, 1): (30.00, "1705")}, "A1")
        self._receive(content)
        self._receive(payment_message(lote, {guia.name: 30.00}, "P1"))
        lote.glosa_ids._give_up({lote.glosa_ids: 110})
        Movement = self.env["tiss.movement"]
        movements = Movement.search([("lote_id", "=", lote.id)])
        [[summed]] = Movement._read_group([("id", "in", movements.ids)], [], ["amount_open:sum"])
        self.assertEqual(to_cents(summed), 1000)
        self.assertEqual(sum(to_cents(row.amount_open) for row in movements), 1000)
        self.assertEqual(lote.amount_open, 10.00)
        described = Movement.fields_get(["amount_open", "amount_moved"], ["aggregator"])
        self.assertEqual(described["amount_open"].get("aggregator"), "sum")
        self.assertFalse(described["amount_moved"].get("aggregator"))

    # ------------------------------------------------------------------
    # Aging
    # ------------------------------------------------------------------

    def _get_aging(self):
        self.env.invalidate_all()
        rows = self.env["tiss.aging"].search([("contract_id", "=", self.contract.id)])
        self.assertEqual(
            sum(to_cents(row.amount) for row in rows),
            self._get_balance(self.contract.receivable_account_id),
        )
        return {(row.lote_id, row.bucket): (row.age, row.amount) for row in rows}

    def test_open_money_by_age(self):
        """150.00 that are not due; of 41.10, 31 days late, 30.00 released and 11.10 denied."""
        fresh = self._create_received_lote(CONSULTATION, protocol="1001")
        late = self._create_received_lote({ECG: 1}, protocol="1002")
        self._receive(analysis_message(late, {(late.guia_ids.name, 1): (30.00, "1705")}, "A1"))
        late.sudo().due_date = self.today - timedelta(days=31)
        self.assertEqual(
            self._get_aging(),
            {
                (fresh, "to_process"): ("a_due", 150.00),
                (late, "released"): ("c_60", 30.00),
                (late, "denied"): ("c_60", 11.10),
            },
        )
        [[contract, days, amount]] = self.env["tiss.aging"]._read_group(
            [("age", "!=", "a_due")], ["contract_id"], ["days:max", "amount:sum"]
        )
        self.assertEqual((contract, days, round(amount, 2)), (self.contract, 31, 41.10))
        for days, age in ((0, "a_due"), (1, "b_30"), (30, "b_30"), (61, "d_90"), (121, "f_older")):
            late.sudo().due_date = self.today - timedelta(days=days)
            with self.subTest(days):
                self.assertEqual(self._get_aging()[late, "denied"], (age, 11.10))
        self._receive(payment_message(late, {late.guia_ids.name: 30.00}, "P1"))
        late.glosa_ids.accept()
        self.assertEqual(set(self._get_aging()), {(fresh, "to_process")})

    def test_only_what_stands_on_the_receivable(self):
        """Of what is invoiced by its release, and of what is written off, the glosa does not."""
        for moment, policy, expected in (
            ("released", "open", {"released": 30.00}),
            ("protocol", "at_once", {"released": 30.00}),
            ("manual", "open", {}),
        ):
            with self.subTest(moment), self.env.cr.savepoint() as savepoint:
                self.contract.write({"invoice_moment": moment, "glosa_policy": policy})
                lote = self._create_received_lote({ECG: 1}, protocol="1002")
                released = {(lote.guia_ids.name, 1): (30.00, "1705")}
                self._receive(analysis_message(lote, released, "A1"))
                rows = {key[1]: amount for key, (_age, amount) in self._get_aging().items()}
                self.assertEqual(rows, expected)
                savepoint.rollback()
            self.env.invalidate_all()

    # ------------------------------------------------------------------
    # Taxes withheld
    # ------------------------------------------------------------------

    def test_taxes_by_operadora_and_month(self):
        lote = self._create_received_lote(CONSULTATION)
        taxes = [("01", "IRRF", 2.25), ("05", "COFINS", 4.50)]
        self._receive(payment_message(lote, {lote.guia_ids.name: 150.00}, "P1", taxes))
        rows = self.env["tiss.demonstrativo.adjustment"]._read_group(
            [("demonstrativo_id.state", "=", "posted")],
            ["contract_id", "payment_date:month", "kind_id"],
            ["amount:sum"],
        )
        self.assertEqual(
            sorted((contract, month, kind.code, amount) for contract, month, kind, amount in rows),
            [
                (self.contract, self.today.replace(day=1), "01", 2.25),
                (self.contract, self.today.replace(day=1), "05", 4.50),
            ],
        )
        [adjustment, _other] = self.env["tiss.demonstrativo.adjustment"].search([])
        self.assertEqual(adjustment.amount_base, 150.00)

    # ------------------------------------------------------------------
    # DMED
    # ------------------------------------------------------------------

    def _pay(self, move, amount=None):
        register = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        register.create({"amount": amount} if amount else {})._create_payments()

    def _get_dmed(self):
        self.env.invalidate_all()
        rows = self.env["tiss.dmed"].search([], order="id")
        return [
            (row.payer_id, row.beneficiary_id, row.amount, row.year, row.is_incomplete)
            for row in rows
        ]

    def _invoice_copayment(self):
        create_copayment(self.contract, products=self.products, copayment_at_clinic=True)
        row = self._create_received_lote({ECG: 1}).copayment_ids
        row.payer_id = self.env["res.partner"].create(
            {"name": "Mãe Fictícia", "vat": identifiers.complete_cpf("111444777")}
        )
        return row.create_invoices()

    def test_what_individuals_paid(self):
        """8.22 for the child in two parts, of which 2.00 are given back; not the operadora's."""
        year = str(self.today.year)
        invoice = self._invoice_copayment()
        mother, child = invoice.partner_id, self.patient
        self.assertFalse(self._get_dmed(), "invoiced is not received")
        self._pay(invoice, 5.00)
        self.assertEqual(self._get_dmed(), [(mother, child, 5.00, year, True)])
        child.tiss_birth_date = "2020-05-05"
        self._pay(invoice)
        self.assertEqual(
            self._get_dmed(),
            [(mother, child, 5.00, year, False), (mother, child, 3.22, year, False)],
        )
        refund = invoice._reverse_moves([{"invoice_date": self.today}])
        refund.invoice_line_ids.price_unit = 2.00
        refund.action_post()
        self._pay(refund)
        self.assertEqual(self._get_dmed()[-1], (mother, child, -2.00, year, False))
        lote = self._create_received_lote(CONSULTATION, protocol="1002")
        self._receive(payment_message(lote, {lote.guia_ids.name: 150.00}, "P1"))
        self.assertEqual(sum(to_cents(row[2]) for row in self._get_dmed()), 622)
        [[told, payer, amount]] = self.env["tiss.dmed"]._read_group(
            [], ["year", "payer_id"], ["amount:sum"]
        )
        self.assertEqual((told, payer, round(amount, 2)), (year, mother, 6.22))

    def test_a_credit_note_is_no_receipt(self):
        invoice = self._invoice_copayment()
        refund = invoice._reverse_moves([{"invoice_date": self.today}])
        refund.action_post()
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertFalse(self._get_dmed())
