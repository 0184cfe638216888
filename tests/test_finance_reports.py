import base64
import csv
import io
from datetime import timedelta
from decimal import Decimal

from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from ..models.account_bank_statement_line import QUIET
from ..models.forecast_history import ForecastHistory
from ..models.inside import INSIDE
from ..standard import identifiers
from ..standard.money import to_cents
from . import test_invoice
from .bank_records import BankRecords
from .closing_records import create_copayment, create_deposit, create_entry
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, ROOM_FEE, TissCommon
from .return_messages import analysis_message, payment_message
from .test_recurso import RecursoCase


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

    def _get_aging_at(self, day):
        """{bucket: amount} at the end of a day; their sum is that of the ledger."""
        self.env.invalidate_all()
        wizard = self.env["tiss.aging.date"].create({"date": day})
        context = wizard.action_open()["context"]
        rows = (
            self.env["tiss.aging"]
            .with_context(**context)
            ._read_group([("contract_id", "=", self.contract.id)], ["bucket"], ["amount:sum"])
        )
        lines = self.env["account.move.line"].search(
            [
                ("account_id", "=", self.contract.receivable_account_id.id),
                ("parent_state", "=", "posted"),
                ("date", "<=", day),
            ]
        )
        self.assertEqual(
            sum(to_cents(amount) for _bucket, amount in rows),
            sum(to_cents(line.balance) for line in lines),
        )
        return {bucket: round(amount, 2) for bucket, amount in rows}

    def test_open_money_on_a_day(self):
        """41.10 presented; 30.00 released on the 5th day, paid on the 10th; 11.10 given up on the
        20th. What is taken back on the 40th, with its entries, never was.
        """
        lote = self._create_received_lote({ECG: 1})
        guia, days = lote.guia_ids, [self.today + timedelta(days=days) for days in range(41)]
        with freeze_time(days[5]):
            self._receive(analysis_message(lote, {(guia.name, 1): (30.00, "1705")}, "A1"))
        with freeze_time(days[10]):
            payment = self.env["tiss.message"].receive_file(
                "P1.xml", payment_message(lote, {guia.name: 30.00}, "P1")
            )
            payment.post()
        with freeze_time(days[20]):
            lote.glosa_ids.accept()
        with freeze_time(days[40]):
            for day, expected in (
                (4, {"to_process": 41.10}),
                (5, {"released": 30.00, "denied": 11.10}),
                (9, {"released": 30.00, "denied": 11.10}),
                (10, {"denied": 11.10}),
                (20, {}),
            ):
                with self.subTest(day):
                    self.assertEqual(self._get_aging_at(days[day]), expected)
            self.assertFalse(self._get_aging_at(self.today - timedelta(days=1)))
            lote.glosa_ids.reopen("Foi paga")
            payment.undo()
            expected = {"released": 30.00, "denied": 11.10}
            for day in (10, 39, 40):
                self.assertEqual(self._get_aging_at(days[day]), expected)

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
                with freeze_time(self.today + timedelta(days=1)):
                    self.assertEqual(self._get_aging_at(self.today), expected)
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

    def test_a_listed_rate_stays_what_it_is(self):
        """More is denied, of another procedure too, before somebody opens a row."""
        lotes = [self._create_received_lote({code: 1}, protocol=code) for code in (ECG, DIPYRONE)]
        listed = {}
        for lote, released in zip(lotes, (30.00, 5.00), strict=True):
            content = analysis_message(lote, {(lote.guia_ids.name, 1): (released, "1705")}, lote.id)
            self._receive(content)
            self.env.invalidate_all()
            rows = self.env["tiss.glosa.rate"].search([("contract_id", "=", self.contract.id)])
            found = {row.id: (row.dimension, row.code, row.term_id) for row in rows}
            self.assertEqual(len(found), len(rows))
            self.assertEqual(found, {**found, **listed})
            listed = found
        self.assertEqual(len(listed), 6)
        withdrawn = lotes[0].guia_ids.sudo().with_context(tiss_withdraw=INSIDE)
        withdrawn.state = "cancelled"
        self.env.invalidate_all()
        [total] = self.env["tiss.glosa.rate"].search(
            [("contract_id", "=", self.contract.id), ("dimension", "=", "all")]
        )
        glosas = self.env["tiss.glosa"].search(total.action_view_glosas()["domain"])
        self.assertEqual(sum(glosas.mapped("amount")), total.amount_denied)
        self.assertEqual(glosas.lote_id, lotes[1])

    def test_what_patients_pay_here_is_in_no_rate(self):
        """Of 41.10 8.22 are the patient's; of 32.88 8.22 are denied: a quarter, in both reports."""
        create_copayment(self.contract, products=self.products, copayment_at_clinic=True)
        lote = self._create_received_lote({ECG: 1})
        self._receive(analysis_message(lote, {(lote.guia_ids.name, 1): (24.66, "1705")}, "A1"))
        domain = [("contract_id", "=", self.contract.id)]
        rows = self.env["tiss.glosa.rate"].search(domain)
        self.assertEqual(set(rows.mapped("amount_billed")), {32.88})
        self.assertEqual(set(rows.mapped("rate")), {25.00})
        [[rate]] = self.env["tiss.performance"]._read_group(domain, [], ["denied_rate:avg"])
        self.assertEqual(round(rate, 2), 25.00)

    def test_what_is_paid_without_a_recurso_is_no_success_of_one(self):
        """Of 41.10 31.10 are released; then all of it is paid: received, and by no recurso."""
        lote = self._create_received_lote({ECG: 1})
        name = lote.guia_ids.name
        self._receive(analysis_message(lote, {(name, 1): (31.10, "1705")}, "A1"))
        content = payment_message(lote, {name: 41.10}, "P1")
        payment = self.env["tiss.message"].receive_file("p.xml", content)
        payment.discrepancy_ids.resolve("recover")
        payment.post()
        names = ("received", "denied", "decided", "recovered")
        [sums] = self.env["tiss.performance"]._read_group(
            [("lote_id", "=", lote.id)], [], [f"amount_{name}:sum" for name in names]
        )
        self.assertEqual(tuple(sums), (41.10, 10.00, 0, 0))

    # ------------------------------------------------------------------
    # DMED
    # ------------------------------------------------------------------

    def _pay(self, move, amount=None, **vals):
        register = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        vals = {**vals, "amount": amount} if amount else vals
        register.create(vals)._create_payments()

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

    def test_a_pix_that_is_matched_without_a_payment(self):
        invoice = self._invoice_copayment()
        deposit = create_deposit(self.contract, 8.22, self.today, "PIX MÃE FICTÍCIA")
        [counterpart] = deposit._tiss_get_counterparts()
        [owed] = invoice._tiss_get_receivable_lines()
        deposit.with_context(**QUIET).move_id.line_ids = [
            Command.update(
                counterpart.id,
                {"account_id": owed.account_id.id, "partner_id": invoice.partner_id.id},
            )
        ]
        (counterpart | owed).reconcile()
        [(payer, who, amount, _year, _incomplete)] = self._get_dmed()
        self.assertEqual((payer, who, amount), (invoice.partner_id, self.patient, 8.22))

    def test_the_year_is_that_of_the_receipt(self):
        """Invoiced this year, received in the next: told with the next."""
        invoice = self._invoice_copayment()
        self._pay(invoice, 5.00)
        year = self.today.year
        self._pay(invoice, 3.22, payment_date=f"{year + 1}-01-02")
        told = [(row[2], row[3]) for row in self._get_dmed()]
        self.assertEqual(told, [(5.00, str(year)), (3.22, str(year + 1))])

    def test_a_credit_note_is_no_receipt(self):
        invoice = self._invoice_copayment()
        refund = invoice._reverse_moves([{"invoice_date": self.today}])
        refund.action_post()
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertFalse(self._get_dmed())


class PerformanceCase:
    """Ways to figures of groups, which the tests work out by hand."""

    def _get_figures(self, groupby, *names, domain=()):
        """{group: figures} of this convênio, rounded as they are shown; one group: its figures."""
        self.env.invalidate_all()
        Performance = self.env["tiss.performance"]
        specs = [f"{name}:{Performance._fields[name].aggregator}" for name in names]
        rows = Performance._read_group(
            [("contract_id", "=", self.contract.id), *domain], groupby, specs
        )
        figures = {row[: len(groupby)]: self._round(row[len(groupby) :]) for row in rows}
        return figures if groupby else figures[()]

    def _round(self, values):
        return tuple(None if value is False else round(value, 2) for value in values)

    def _receive_later(self, days, content):
        """A file of so many days after today, posted on that day."""
        with freeze_time(self.today + timedelta(days=days)):
            demonstrativo = self.env["tiss.message"].receive_file(f"{days}.xml", content())
            demonstrativo.post()
        return demonstrativo


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDaysToBePaid(PerformanceCase, TissCommon):
    """PMR: weighted by what was received, at every level of grouping."""

    def _pay_later(self, days, lote, amount):
        return self._receive_later(
            days, lambda: payment_message(lote, {lote.guia_ids.name: amount}, f"P{days}")
        )

    def test_weighted_by_what_was_received(self):
        """(30.00 × 10 + 150.00 × 40) ÷ 180.00 = 35 days, not the mean of 10 and 40."""
        first = self._create_received_lote({ECG: 1}, protocol="1001")
        second = self._create_received_lote(CONSULTATION, protocol="1002")
        self._pay_later(10, first, 30.00)
        payment = self._pay_later(40, second, 150.00)
        names = ("amount_received", "average_days", "median_days")
        self.assertEqual(self._get_figures([], *names), (180.00, 35.00, 25.00))
        self.assertEqual(
            self._get_figures(["lote_id"], *names),
            {(first,): (30.00, 10.00, 10.00), (second,): (150.00, 40.00, 40.00)},
        )
        [sets] = self.env["tiss.performance"]._read_grouping_sets(
            [("contract_id", "=", self.contract.id)], [[]], ["average_days:avg"]
        )
        self.assertEqual(self._round(sets[0]), (35.00,), "as a pivot asks")
        with freeze_time(self.today + timedelta(days=45)):
            payment.undo()
        self.assertEqual(self._get_figures([], *names), (30.00, 10.00, 10.00), "undone")

    def test_without_payments_there_are_no_days(self):
        self._create_received_lote(CONSULTATION)
        self.assertEqual(
            self._get_figures([], "amount_received", "average_days", "median_days"),
            (0, None, None),
        )


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGlosaRates(PerformanceCase, RecursoCase):
    """Of 206.00 analysed 54.90 are denied; 14.90 are given up, of 10.00 contested 6.00 come back.

    A protocolo that the operadora has not answered counts in none of the rates.
    """

    RATES = ("denied_rate", "accepted_rate", "appealed_rate", "recovered_rate", "answer_days")

    def setUp(self):
        super().setUp()
        self.price = self.glosas.filtered(lambda glosa: glosa.guia_line_id.code == ECG)
        self.glosas.filtered(lambda glosa: glosa.code == "1806").accept()
        self._create_received_lote(CONSULTATION, protocol="1003")

    def test_worked_by_hand(self):
        """26.65 % denied, 7.23 % lost, 18.21 % contested, 60 % recovered, after 20 days."""
        names = ("amount_billed", "amount_analysed", "amount_denied")
        self.assertEqual(self._get_figures([], *names), (356.00, 206.00, 54.90))
        self.assertEqual(self._get_figures([], *self.RATES), (26.65, 7.23, 0, None, None))
        recurso = self._receive_sent(self.price)
        recurso.register_answer({recurso.line_ids: 6.00})
        with freeze_time(self.today + timedelta(days=20)):
            self._pay_recurso({self.first.name: 6.00}).post()
        self.assertEqual(self._get_figures([], *self.RATES), (26.65, 7.23, 18.21, 60.00, 20.00))
        by_professional = self._get_figures(["professional_id", "guia_type"], *self.RATES[:2])
        self.assertEqual(
            by_professional,
            {
                (self.professional, "sp_sadt"): (26.65, 7.23),
                (self.professional, "consulta"): (None, None),
            },
        )

    def test_as_the_movements_say(self):
        """An independent count: item by item, in Python."""
        self.glosas[2].accept()
        self.glosas[2].reopen("Foi paga")
        Movement = self.env["tiss.movement"]
        moved = Movement.search([("lote_id.contract_id", "=", self.contract.id)])
        in_force = moved.filtered(lambda row: row.kind != "undo") - moved.reverses_id
        sums = {
            kind: sum(to_cents(row.amount) for row in rows)
            for kind, rows in in_force.grouped("kind").items()
        }
        names = ("amount_billed", "amount_denied", "amount_accepted")
        self.assertEqual(
            tuple(to_cents(amount) for amount in self._get_figures([], *names)),
            tuple(sums[kind] for kind in ("bill", "deny", "accept")),
        )


@tagged("post_install", "-at_install", "post_install_l10n")
class TestResult(PerformanceCase, RecursoCase):
    """What a convênio is worth: its rows are the entries on accounts of result, and the repasse."""

    NAMES = (
        "amount_billed", "amount_accepted", "amount_debit", "amount_tax", "amount_repasse",
        "amount_result", "amount_withheld",
    )  # fmt: skip

    def _get_ledger_result(self):
        """Cents that the entries of this operadora leave, as the books have it."""
        lines = self.env["account.move.line"].search(
            [
                ("partner_id", "=", self.operadora.id),
                ("parent_state", "=", "posted"),
                ("account_id.account_type", "=like", "income%"),
            ]
        ) | self.env["account.move.line"].search(
            [
                ("partner_id", "=", self.operadora.id),
                ("parent_state", "=", "posted"),
                ("account_id.account_type", "=like", "expense%"),
            ]
        )
        return -sum(to_cents(line.balance) for line in lines)

    def test_worked_by_hand(self):
        """206.00 − 14.90 − 5.00 − 0.00 − half of 120.00; 2.00 withheld are no cost."""
        self.env["tiss.repasse.rule"].create({"percent": 50, "basis": "receipt"})
        self.glosas.filtered(lambda glosa: glosa.code == "1806").accept()
        taxes = [("07", "DESCONTO", 5.00), ("01", "IRRF", 2.00)]
        content = payment_message(self.lote, {self.second.name: 120.00}, "P1", taxes)
        self.env["tiss.message"].receive_file("P1.xml", content).post()
        self.env["tiss.repasse"].generate(self.today)
        self.assertEqual(
            self._get_figures([], *self.NAMES), (206.00, 14.90, 5.00, 0, 60.00, 126.10, 2.00)
        )
        self.assertEqual(self._get_ledger_result(), 18610, "126.10 before the repasse of 60.00")

    def test_a_claim_that_a_credito_pays_is_no_tax(self):
        """2.00 of 31.10 and none of 120.00 are withheld, also when these bring the 2.00 back."""
        self.contract.retention_rule = "simples"
        parts = ((self.first, 31.10, 2.00, "IRRF"), (self.second, 120.00, -2.00, "DEV IRRF"))
        for guia, amount, tax, name in parts:
            content = payment_message(self.lote, {guia.name: amount}, name, [("01", name, tax)])
            demonstrativo = self.env["tiss.message"].receive_file(f"{name}.xml", content)
            demonstrativo.post()
            demonstrativo.discrepancy_ids.filtered(lambda row: row.place == "IRRF").resolve(
                "reclaim"
            )
        account = demonstrativo.adjustment_ids.account_id
        self.assertEqual(account, self.company.tiss_claim_account_id)
        self.assertEqual(self._get_figures([], "amount_withheld"), (2.00,))
        days = (self.today - timedelta(days=1), self.today)
        [factors] = ForecastHistory(self.contract, *days).get_factors()
        self.assertEqual(factors.withheld, 1.32, "2.00 of 151.10")

    def test_an_undone_payment_leaves_nothing(self):
        content = payment_message(
            self.lote, {self.second.name: 120.00}, "P1", [("07", "DESCONTO", 5.00)]
        )
        demonstrativo = self.env["tiss.message"].receive_file("P1.xml", content)
        demonstrativo.post()
        demonstrativo.undo()
        self.assertEqual(self._get_figures([], *self.NAMES)[:6], (206.00, 0, 0, 0, 0, 206.00))
        self.assertEqual(self._get_ledger_result(), 20600)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestResultWithTaxes(PerformanceCase, TissCommon):
    """ISS of 2 % on 150.00: 3.00, of which 1.00 goes back with the 50.00 that are given up."""

    def test_taxes_on_the_invoices(self):
        codes = ("2.01.01.09.08", "3.01.01.01.02.06")
        due, deduction = (self.company.sudo()._tiss_find_account(code) for code in codes)
        create = test_invoice.TestTaxes._create_tax.__func__
        self.contract.tax_ids = create(self, "ISS 2%", 2, (100, due), (-100, deduction))
        lote = self._create_received_lote(CONSULTATION)
        content = analysis_message(lote, {(lote.guia_ids.name, 1): (100.00, "1705")}, "A1")
        self.env["tiss.message"].receive_file("A1.xml", content).post()
        lote.glosa_ids.accept()
        self.assertEqual(
            self._get_figures([], "amount_billed", "amount_tax", "amount_result"),
            (150.00, 2.00, 98.00),
        )


@tagged("post_install", "-at_install", "post_install_l10n")
class TestForecast(RecursoCase):
    """What will be paid and when, from how the operadora has paid."""

    def _get_rows(self, lote):
        self.env.invalidate_all()
        rows = self.env["tiss.forecast"].search([("lote_id", "=", lote.id)])
        for row in rows:
            parts = (row.amount, -row.amount_lost, -row.amount_withheld, -row.amount_expected)
            self.assertEqual(sum(to_cents(part) for part in parts), 0)
        return {
            row.bucket: (
                (row.expected_date - self.today).days,
                row.amount, row.amount_lost, row.amount_withheld, row.amount_expected,
            )
            for row in rows
        }  # fmt: skip

    def _pay_released(self):
        """120.00 of 206.00 after 20 days; 1.80 are withheld."""
        taxes = [("01", "IRRF", 1.80)]
        with freeze_time(self.today + timedelta(days=20)):
            content = payment_message(self.lote, {self.second.name: 120.00}, "P1", taxes)
            self.env["tiss.message"].receive_file("P1.xml", content).post()

    def test_without_history_by_what_is_typed(self):
        """150.00 × 90 % × (100 − 6.15) %, on the day of the contract: nothing was paid yet."""
        contract = self.contract
        contract.write({"payment_days": 30, "retention_rule": "rates"})
        new = self._create_received_lote(CONSULTATION, protocol="1003")
        row = self.env["tiss.forecast"].search([("lote_id", "=", new.id)])
        self.assertEqual(
            (row.day_basis, row.rate_basis, row.denied_percent, row.withheld_percent),
            ("contract", "history", 26.65, 6.15),
        )
        self.assertEqual(self._get_rows(new), {"to_process": (30, 150.00, 39.97, 6.77, 103.26)})

    def test_from_how_it_has_paid(self):
        """Of 150.00 26.65 % are denied, and 1.5 % of the rest withheld; 20 days after sending."""
        self._pay_released()
        with freeze_time(self.today + timedelta(days=21)):
            new = self._create_received_lote(CONSULTATION, protocol="1003")
            late = self._get_rows(self.lote)
            self.assertEqual(self._get_rows(new), {"to_process": (41, 150.00, 39.97, 1.65, 108.38)})
        self.assertEqual(late, {"released": (21, 31.10, 0, 0.47, 30.63)}, "late: expected today")
        self.contract.write(
            {
                "payment_rule": "calendar",
                "payment_day_ids": [Command.create({"pay_day": 10, "months": 2})],
            }
        )
        other = self._create_received_lote(CONSULTATION, protocol="1004")
        [[day, *_amounts]] = self._get_rows(other).values()
        self.assertEqual(self.today + timedelta(days=day), other.due_date, "by its calendar")

    def test_recursos_at_what_comes_back_of_them(self):
        """Half of what was decided came back: of the next 30.00, 15.00, and nothing of 14.90."""
        self.contract.answer_days = 60
        price, clinical, consultation = self.glosas
        first = self._receive_sent(price)
        first.register_answer({first.line_ids: 5.00})
        self._pay_recurso({self.first.name: 5.00}).post()
        self._receive_sent(consultation, protocol="700002")
        rows = self._get_rows(self.lote)
        self.assertEqual(set(rows), {"released", "appealed"})
        self.assertEqual(rows["appealed"], (0, 30.00, 15.00, 0, 15.00))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestFlow(BankRecords, TissCommon):
    """From the visit to the bank: what came to each step, what waits there, and for how long."""

    def _get_steps(self):
        self.env.invalidate_all()
        rows = self.env["tiss.flow"]._read_group(
            [("contract_id", "=", self.contract.id)],
            ["step"],
            ["amount:sum", "amount_waiting:sum", "days:avg"],
        )
        return {
            step[0]: (round(amount, 2), round(waiting, 2), None if days is False else days)
            for step, amount, waiting, days in rows
        }

    def _get_total(self):
        self.env.invalidate_all()
        domain = [("contract_id", "=", self.contract.id)]
        [[amount, waiting]] = self.env["tiss.flow"]._read_group(
            domain, [], ["amount:sum", "amount_waiting:sum"]
        )
        return (amount, round(waiting, 2))

    def test_where_it_waits(self):
        """A visit of 33.33 without a guia, a guia of 18.00, a lote of 41.10; 150.00 presented."""
        self._create_encounters(BLOOD_COUNT)
        self._create_encounters(ROOM_FEE, done=True).create_guias()
        self._create_lote({ECG: 1})
        lote = self._create_received_lote(CONSULTATION, protocol="1001")
        steps = {
            "a": (242.43, 33.33, None),
            "b": (209.10, 18.00, 3),
            "c": (191.10, 41.10, 0),
            "d": (150.00, 150.00, 0),
        }
        self.assertEqual(self._get_steps(), steps)
        amount, waiting = self._get_total()
        self.assertIs(amount, False, "the same money at several steps")
        self.assertEqual(waiting, 242.43, "each real waits once")
        with freeze_time(self.today + timedelta(days=20)):
            content = analysis_message(lote, {(lote.guia_ids.name, 1): (120.00, "1705")}, "A1")
            self.env["tiss.message"].receive_file("A1.xml", content).post()
        steps |= {"d": (150.00, 0, 0), "e": (150.00, 120.00, 20)}
        self.assertEqual(self._get_steps(), steps)
        with freeze_time(self.today + timedelta(days=25)):
            content = payment_message(lote, {lote.guia_ids.name: 120.00}, "P1")
            payment = self.env["tiss.message"].receive_file("P1.xml", content)
            payment.post()
        steps |= {"e": (150.00, 0, 20), "f": (120.00, 120.00, 5)}
        self.assertEqual(self._get_steps(), steps)
        with freeze_time(self.today + timedelta(days=27)):
            self._deposit(120.00, after=0, date=self.today + timedelta(days=27))
            self.env["tiss.bank.match"].find(self.contract.bank_journal_id)
        steps |= {"f": (120.00, 0, 5), "g": (120.00, 0, 2)}
        self.assertEqual(self._get_steps(), steps)
        waiting = self.env["tiss.flow"].search(
            [("amount_waiting", "!=", 0), ("contract_id", "=", self.contract.id)]
        )
        self.assertEqual(len(waiting), 3)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestEntryExport(TissCommon):
    """Entries for an accountant who keeps the books elsewhere: each balances, none is missing."""

    def _export(self, **vals):
        day = {"start_date": self.today, "end_date": self.today}
        wizard = self.env["tiss.entry.export"].create({**day, **vals})
        url = wizard.action_export()["url"]
        self.assertTrue(url.split("?")[0].endswith(".csv"))
        export = self.env["tiss.file.export"].search([], order="id desc", limit=1)
        text = base64.b64decode(export.file).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text), delimiter=";"))

    def _cents(self, text):
        return to_cents(Decimal(text.replace(",", "."))) if text else 0

    def test_what_was_posted_of_convenios(self):
        """150.00 invoiced and paid, of which 5.00 are kept with words that look like a formula."""
        lote = self._create_received_lote(CONSULTATION)
        lote.invoice_id.tiss_nfse_number = "1234"
        discount = [("07", "=1+1", 5.00)]
        content = payment_message(lote, {lote.guia_ids.name: 150.00}, "P1", discount)
        self.env["tiss.message"].receive_file("P1.xml", content).post()
        rows = self._export()
        lines = self.env["account.move.line"].search(
            [("partner_id", "=", self.operadora.id), ("parent_state", "=", "posted")]
        )
        self.assertEqual(len(rows), len(lines))
        sums = {}
        for row in rows:
            side = self._cents(row["Debit"]) - self._cents(row["Credit"])
            sums[row["Journal Entry"]] = sums.get(row["Journal Entry"], 0) + side
            account = self.env["account.account"].search([("code", "=", row["Account"])])
            self.assertEqual(row["Account Name"], account.name)
            self.assertEqual(row["CNPJ/CPF"], self.operadora.vat)
        self.assertEqual(sums, dict.fromkeys(lines.move_id.mapped("name"), 0))
        [invoiced] = [row for row in rows if row["Debit"] == "150,00"]
        self.assertEqual(
            (invoiced["Account"], invoiced["Document"], invoiced["Date"]),
            (self.contract.receivable_account_id.code, "1234", f"{self.today:%d/%m/%Y}"),
        )
        [taken] = [row for row in rows if row["Debit"] == "5,00"]
        self.assertIn("=1+1", taken["History"])
        self.assertFalse(taken["History"].startswith("="))

    def test_what_operadoras_owe_back_and_accounts_of_before(self):
        """12.25 withheld wrongly are claimed; 150.00 stand on an account that was changed since."""
        current = self.contract.receivable_account_id
        self.contract.receivable_account_id = current.sudo().copy({"code": "1.01.02.02.99"})
        lote = self._create_received_lote(CONSULTATION)
        self.contract.write({"retention_rule": "simples", "receivable_account_id": current.id})
        taxes = [("01", "IRRF", 12.25)]
        content = payment_message(lote, {lote.guia_ids.name: 150.00}, "P1", taxes)
        demonstrativo = self.env["tiss.message"].receive_file("P1.xml", content)
        demonstrativo.post()
        demonstrativo.discrepancy_ids.resolve("reclaim")
        rows = [(row["Account"], row["Debit"], row["Credit"]) for row in self._export()]
        claim = self.company.tiss_claim_account_id.code
        self.assertIn((claim, "12,25", ""), rows)
        self.assertIn(("1.01.02.02.99", "150,00", ""), rows)
        self.assertIn(("1.01.02.02.99", "", "150,00"), rows)

    def test_as_many_queries_for_many_entries(self):
        """And no name is a formula."""
        queries = []
        for number in range(3):
            self._create_received_lote(CONSULTATION, protocol=f"20{number}")
            self.contract.receivable_account_id.sudo().name = "=1+1"
            self.operadora.name = "@Operadora Fictícia"
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            [row, *_others] = [row for row in self._export() if row["Debit"]]
            queries.append(self.env.cr.sql_log_count - before)
            self.assertEqual(row["Account Name"], "'=1+1")
            self.assertEqual(row["Partner"], "'@Operadora Fictícia")
        self.assertEqual(queries[1], queries[2])

    def test_all_entries_or_those_of_convenios(self):
        Account = self.env["account.account"]
        accounts = [
            Account.search([("account_type", "=", kind)], limit=1)
            for kind in ("expense", "liability_current")
        ]
        partner = self.env["res.partner"].create({"name": "Fornecedor Fictício"})
        create_entry(self.company.sudo(), self.today, 10.00, *accounts, partner)
        with self.assertRefused("Nothing was posted"):
            self._export()
        self.assertEqual(
            [(row["Debit"], row["Credit"]) for row in self._export(only_convenios=False)],
            [("10,00", ""), ("", "10,00")],
        )

    def test_last_month_unless_other_days_are_chosen(self):
        wizard = self.env["tiss.entry.export"].create({})
        self.assertEqual(wizard.end_date + timedelta(days=1), self.today.replace(day=1))
        self.assertEqual(wizard.start_date, wizard.end_date.replace(day=1))
