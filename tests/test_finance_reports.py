from datetime import timedelta

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..standard import identifiers
from ..standard.money import to_cents
from .closing_records import create_copayment
from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
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

    def test_what_the_efd_reinf_asks_of_each_tax(self):
        """The nature is that of its day: what is agreed later changes nothing of it."""
        lotes = [self._create_received_lote(CONSULTATION, protocol=f"70{n}") for n in (1, 2)]
        taxes = [("01", "IRRF", 2.25), ("02", "ISS", 3.00)]
        for lote in lotes:
            guias = {lote.guia_ids.name: 150.00}
            self._receive(payment_message(lote, guias, lote.name, taxes))
            self.contract.reinf_nature = "15020"
        Adjustment = self.env["tiss.demonstrativo.adjustment"]
        names = ["operadora_vat", "payment_date", "amount_base", "name", "amount", "reinf_nature"]
        group = self.env.ref("base.group_allow_export").sudo()
        group.user_ids |= self.env.user
        rows = Adjustment.search([], order="id").export_data(names)["datas"]
        self.assertEqual(
            rows,
            [
                [self.operadora.vat, self.today, 150.00, "IRRF", 2.25, "15026"],
                [self.operadora.vat, self.today, 150.00, "ISS", 3.00, ""],
                [self.operadora.vat, self.today, 150.00, "IRRF", 2.25, "15020"],
                [self.operadora.vat, self.today, 150.00, "ISS", 3.00, ""],
            ],
        )
        with self.assertRefused("has five digits", ValidationError):
            self.contract.reinf_nature = "medic"

    # ------------------------------------------------------------------
    # Rates of glosa
    # ------------------------------------------------------------------

    def test_rates_of_glosa(self):
        """Of two ECGs and one dipyrone, 82.20 + 14.90 = 97.10, a third ECG is not analysed yet.

        1705 denies 8.22 of one ECG, 1806 4.11 of the other and 7.45 of the dipyrone, which is
        given up: 12.33 of 82.20 are 15 %, 7.45 of 14.90 50 %, 19.78 of 97.10 20.37 %.
        """
        lote = self._create_received_lote({ECG: 1, DIPYRONE: 2}, {ECG: 1}, protocol="1")
        self._create_received_lote({ECG: 1}, protocol="2")
        first, second = lote.guia_ids.sorted("number").mapped("name")
        parts = {
            (first, 1): (32.88, "1705"), (first, 2): (7.45, "1806"), (second, 1): (36.99, "1806"),
        }  # fmt: skip
        self._receive(analysis_message(lote, parts, "A1"))
        lote.glosa_ids.filtered(lambda glosa: glosa.amount == 7.45).accept()
        rows = self.env["tiss.glosa.rate"].search([("contract_id", "=", self.contract.id)])
        rates = {
            (row.dimension, row.code, row.term_id.code): (
                row.amount_billed, row.amount_denied, row.rate, row.rate_lost,
            )
            for row in rows
        }  # fmt: skip
        self.assertEqual(
            rates,
            {
                ("all", False, False): (97.10, 19.78, 20.37, 7.67),
                ("procedure", ECG, False): (82.20, 12.33, 15.00, 0),
                ("procedure", DIPYRONE, False): (14.90, 7.45, 50.00, 50.00),
                ("reason", False, "1705"): (97.10, 8.22, 8.47, 0),
                ("reason", False, "1806"): (97.10, 11.56, 11.91, 7.67),
                ("both", ECG, "1705"): (82.20, 8.22, 10.00, 0),
                ("both", ECG, "1806"): (82.20, 4.11, 5.00, 0),
                ("both", DIPYRONE, "1806"): (14.90, 7.45, 50.00, 50.00),
            },
        )
        procedure = rows.filtered(lambda row: (row.dimension, row.code) == ("procedure", ECG))
        glosas = self.env["tiss.glosa"].search(procedure.action_view_glosas()["domain"])
        self.assertEqual(sorted(glosas.mapped("amount")), [4.11, 8.22])

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
