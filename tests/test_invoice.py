from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .ledger_invariants import find_broken
from .return_messages import analysis_message, payment_message


class InvoiceCase(TissCommon):
    @classmethod
    def _create_tax(cls, name, amount, *parts, **vals):
        lines = [
            Command.create({"repartition_type": "base"}),
            *(
                Command.create(
                    {
                        "repartition_type": "tax",
                        "factor_percent": factor,
                        "account_id": account.id,
                    }
                )
                for factor, account in parts
            ),
        ]
        return (
            cls.env["account.tax"]
            .sudo()
            .create(
                {
                    "name": name,
                    "amount": amount,
                    "type_tax_use": "sale",
                    "company_id": cls.company.id,
                    "country_id": cls.env.ref("base.br").id,
                    "invoice_repartition_line_ids": lines,
                    "refund_repartition_line_ids": lines,
                    **vals,
                }
            )
            .sudo(False)
        )

    @classmethod
    def _import(cls, content):
        return cls.env["tiss.demonstrativo"].import_file("retorno.xml", content)

    @classmethod
    def _analyse(cls, lote, released, number="A1"):
        demonstrativo = cls._import(analysis_message(lote, released, number))
        demonstrativo.post()
        return demonstrativo

    @classmethod
    def _pay(cls, lotes, guias, number="P1"):
        demonstrativo = cls._import(payment_message(lotes, guias, number))
        demonstrativo.post()
        return demonstrativo

    @classmethod
    def _pay_recurso(cls, lote, guias, number="R1"):
        content = payment_message(lote, guias, number)
        demonstrativo = cls._import(content.replace(b"tipoPagamento>1<", b"tipoPagamento>2<"))
        demonstrativo.post()
        return demonstrativo

    def assertSound(self):
        self.env.invalidate_all()
        self.assertEqual(find_broken(self.contract), {})
        self.assertLedgerSound()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDueDate(TissCommon):
    """When a lote is paid, by the contract's days or the operadora's calendar."""

    def _set_calendar(self, *rows, adjustment="none"):
        self.contract.write(
            {
                "payment_rule": "calendar",
                "payment_adjustment": adjustment,
                "payment_day_ids": [
                    Command.clear(),
                    *(
                        Command.create({"until_day": until, "pay_day": day, "months": months})
                        for until, day, months in rows
                    ),
                ],
            }
        )

    def assertDue(self, protocol, due):
        self.assertEqual(
            self.contract._get_due_date(date.fromisoformat(protocol)), date.fromisoformat(due)
        )

    def test_days_after_the_protocolo(self):
        self.contract.payment_days = 45
        self.assertDue("2026-08-10", "2026-09-24")

    def test_a_calendar_of_two_deliveries(self):
        """Until day 10: paid on day 5 of the next month; until day 25: on its day 20."""
        self._set_calendar((10, 5, 1), (25, 20, 1))
        self.assertDue("2026-08-01", "2026-09-05")
        self.assertDue("2026-08-10", "2026-09-05")
        self.assertDue("2026-08-11", "2026-09-20")
        self.assertDue("2026-12-25", "2027-01-20")

    def test_after_the_last_delivery_day_it_counts_for_the_next_month(self):
        self._set_calendar((10, 5, 1))
        self.assertDue("2026-08-11", "2026-10-05")
        self.assertDue("2026-12-31", "2027-02-05")

    def test_the_end_of_short_months(self):
        self._set_calendar((31, 31, 1))
        self.assertDue("2027-01-31", "2027-02-28")
        self.assertDue("2027-01-05", "2027-02-28")

    def test_in_the_same_month(self):
        self._set_calendar((5, 25, 0))
        self.assertDue("2026-08-03", "2026-08-25")
        self._set_calendar((31, 10, 0))
        self.assertDue("2026-08-05", "2026-08-10")
        self.assertDue("2026-08-20", "2026-09-10")

    def test_weekends_and_holidays(self):
        """7 September 2026 is a holiday, and a Monday."""
        self._set_calendar((31, 5, 1), adjustment="next")
        self.assertDue("2026-08-10", "2026-09-08")
        self._set_calendar((31, 7, 1), adjustment="previous")
        self.assertDue("2026-08-10", "2026-09-04")

    def test_an_empty_calendar_falls_back_on_the_days(self):
        self.contract.write({"payment_rule": "calendar", "payment_days": 30})
        self.assertDue("2026-08-10", "2026-09-09")

    def test_what_cannot_be_a_calendar(self):
        self._set_calendar((10, 5, 1))
        rows = self.contract.payment_day_ids
        with self.assertRefused("has this delivery day"):
            rows.create({"contract_id": self.contract.id, "until_day": 10})
        for vals in ({"until_day": 0}, {"pay_day": 32}, {"months": 13}, {"months": -1}):
            with self.subTest(vals), self.assertRefused("Days go from 1 to 31"):
                rows.create({"contract_id": self.contract.id, "until_day": 20, **vals})

    @freeze_time("2026-08-10")
    def test_in_words(self):
        self._set_calendar((10, 5, 1), (31, 20, 2))
        self.assertEqual(
            self.contract.payment_text,
            "Delivered until day 10, paid on day 5 of the next month; delivered until the last"
            " day, paid on day 20, 2 months later. A lote of today is expected on 05/09/2026.",
        )

    def test_the_invoice_and_the_lote_say_it(self):
        self._set_calendar((31, 10, 2))
        lote = self._create_received_lote(ECG, protocol="1")
        due = self.contract._get_due_date(self.today)
        self.assertEqual((lote.due_date, lote.invoice_id.invoice_date_due), (due, due))
        self.assertEqual(lote.invoice_id._tiss_get_receivable_lines().date_maturity, due)
        self._set_calendar((31, 20, 2))
        self.assertEqual(lote.due_date, due, "what was promised stays")

    def test_a_person_types_the_calendar(self):
        with Form(self.contract) as form:
            form.payment_rule = "calendar"
            with form.payment_day_ids.new() as row:
                row.until_day = 15
                row.pay_day = 10
                row.months = 1
            self.assertIn("day 15", form.payment_text)
        self.assertEqual(self.contract.payment_day_ids.until_day, 15)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestReleased(InvoiceCase):
    """Invoiced by what the demonstrativo releases: a glosa is never revenue."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract.invoice_moment = "released"
        cls.lote = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1001")
        cls.guia = cls.lote.guia_ids
        cls.parts = {(cls.guia.name, 1): (31.10, "1705"), (cls.guia.name, 2): (4.90, "1806")}

    def _get_invoices(self):
        moves = self.lote._get_invoices().sorted("id")
        return [(move.move_type, move.amount_total) for move in moves]

    def _recover(self, amount):
        recurso = self.lote.glosa_ids.create_recurso()
        recurso.send()
        recurso.register_protocol("7001", self.today)
        first, second = recurso.line_ids
        recurso.register_answer({first: amount, second: 0})
        return self._pay_recurso(self.lote, {self.guia.name: amount})

    def test_a_protocolo_is_no_revenue_yet(self):
        self.assertFalse(self.lote.invoice_id)
        self.assertEqual(self.guia.amount_open, 56.00)
        with self.assertRefused("says what it releases"):
            self.lote.action_create_invoice()
        self.assertSound()

    def test_the_analysis_makes_the_invoice(self):
        self._analyse(self.lote, self.parts)
        invoice = self.lote.invoice_id
        self.assertEqual((invoice.state, invoice.amount_total), ("posted", 36.00))
        self.assertEqual(invoice.invoice_line_ids.account_id, self.contract.revenue_account_id)
        self.assertSound()

    def test_an_accepted_glosa_needs_no_credit_note(self):
        self._analyse(self.lote, self.parts)
        self._pay(self.lote, {self.guia.name: 36.00})
        self.assertFalse(self.lote.glosa_ids.accept())
        self.assertEqual(set(self.lote.glosa_ids.mapped("state")), {"accepted"})
        self.assertEqual(self._get_invoices(), [("out_invoice", 36.00)])
        self.assertEqual(self.lote.invoice_id.payment_state, "paid")
        self.assertEqual(self.lote.state, "closed")
        self.assertSound()

    def test_a_payment_without_an_analysis_makes_its_invoice(self):
        lote = self._create_received_lote(ECG, protocol="1002")
        self._pay(lote, {lote.guia_ids.name: 30.00})
        self.assertEqual((lote.invoice_id.amount_total, lote.invoice_id.amount_residual), (30, 0))
        self.assertSound()

    def test_a_recovered_recurso_makes_a_further_invoice(self):
        self._analyse(self.lote, self.parts)
        self._pay(self.lote, {self.guia.name: 36.00})
        self._recover(6.00)
        self.assertEqual(self._get_invoices(), [("out_invoice", 36.00), ("out_invoice", 6.00)])
        self.assertEqual({move.payment_state for move in self.lote._get_invoices()}, {"paid"})
        self.assertEqual(self.lote.invoice_id.amount_total, 36.00, "the first stays its own")
        self.assertSound()

    def test_undoing_takes_the_invoice_back(self):
        analysis = self._analyse(self.lote, self.parts)
        invoice = self.lote.invoice_id
        analysis.undo()
        self.assertEqual(invoice.state, "cancel")
        self.assertFalse(self.lote.invoice_id)
        self.assertSound()
        self._analyse(self.lote, self.parts)
        self.assertEqual(self._get_invoices(), [("out_invoice", 36.00)])
        self.assertSound()

    def test_undoing_what_has_an_nfse_credits_it(self):
        """A nota fiscal was issued: the invoice stays, a credit note takes the amount back."""
        analysis = self._analyse(self.lote, self.parts)
        self.lote.invoice_id.tiss_nfse_number = "123"
        analysis.undo()
        self.assertEqual(self._get_invoices(), [("out_invoice", 36.00), ("out_refund", 36.00)])
        self.assertSound()
        self._analyse(self.lote, self.parts)
        self.assertEqual(self._get_invoices()[2:], [("out_invoice", 36.00)])
        self.assertSound()

    def test_undoing_what_a_hash_seals_credits_it(self):
        analysis = self._analyse(self.lote, self.parts)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move SET inalterable_hash = 'x' WHERE id = %s",
            [self.lote.invoice_id.id],
        )
        self.env.invalidate_all()
        analysis.undo()
        self.assertEqual(self._get_invoices(), [("out_invoice", 36.00), ("out_refund", 36.00)])
        self.assertSound()

    def test_a_file_of_a_day_that_has_not_come(self):
        """Whatever day the operadora wrote, no invoice is of the future."""
        today = f"dataEmissao>{self.today}<".encode()
        content = analysis_message(self.lote, self.parts, "A1")
        self._import(content.replace(today, b"dataEmissao>2062-01-31<")).post()
        self.assertEqual(self.lote.invoice_id.date, self.today)
        self.assertSound()

    def test_undoing_a_recovered_recurso_leaves_the_first_invoice(self):
        self._analyse(self.lote, self.parts)
        self._pay(self.lote, {self.guia.name: 36.00})
        self._recover(6.00).undo()
        self.assertEqual(self._get_invoices(), [("out_invoice", 36.00)])
        self.assertSound()

    def test_a_closed_day_dates_the_invoice_today(self):
        content = analysis_message(self.lote, self.parts, "A1")
        issued = self.today - timedelta(days=2)
        before = f"dataEmissao>{self.today}<".encode()
        self.assertIn(before, content)
        content = content.replace(before, f"dataEmissao>{issued}<".encode())
        self.company.sudo().fiscalyear_lock_date = issued
        self._import(content).post()
        self.assertEqual(self.lote.invoice_id.date, self.today)
        self.assertSound()

    def test_the_convenio_changes_its_mind(self):
        """What was received keeps the moment that it was received with."""
        self.contract.invoice_moment = "protocol"
        self._analyse(self.lote, self.parts)
        self.assertEqual(self.lote.invoice_id.amount_total, 36.00)
        other = self._create_received_lote(ECG, protocol="1003")
        self.assertEqual(other.invoice_id.amount_total, 41.10)
        self.assertSound()

    def test_withdrawing_a_guia_that_was_not_answered(self):
        self.guia.withdraw("Refused at the counter")
        self.assertFalse(self._get_invoices())
        self.assertSound()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestTaxes(InvoiceCase):
    """Taxes “por dentro”: booked with the invoice, taken back by the credit note of a glosa."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        codes = ("2.01.01.09.08", "3.01.01.01.02.06")
        cls.due, cls.deduction = (cls.company.sudo()._tiss_find_account(code) for code in codes)
        cls.iss = cls._create_tax("ISS 2%", 2, (100, cls.due), (-100, cls.deduction))
        cls.contract.tax_ids = cls.iss
        cls.lote = cls._create_received_lote(CONSULTATION, protocol="1001")

    def _get_balances(self):
        lines = self.env["account.move.line"].search(
            [
                ("account_id", "in", (self.due | self.deduction).ids),
                ("parent_state", "=", "posted"),
                ("company_id", "=", self.company.id),
                ("partner_id", "=", self.operadora.id),
            ]
        )
        by_account = lines.grouped("account_id")
        return tuple(
            round(sum(by_account.get(account, lines.browse()).mapped("balance")), 2)
            for account in (self.due, self.deduction)
        )

    def test_the_total_stays_and_the_glosa_takes_its_part_back(self):
        """ISS of 150.00: 3.00; 50.00 are given up, 1.00 of it goes back."""
        self.assertEqual(self.lote.invoice_id.amount_total, 150.00)
        self.assertEqual(self._get_balances(), (-3.00, 3.00))
        self._analyse(self.lote, {(self.lote.guia_ids.name, 1): (100.00, "1705")})
        self.contract.tax_ids = False
        note = self.lote.glosa_ids.accept()
        self.assertEqual(note.amount_total, 50.00)
        self.assertEqual(note.invoice_line_ids.tax_ids, self.iss, "those of its invoice")
        self.assertEqual(self._get_balances(), (-2.00, 2.00))
        self.assertSound()

    def test_a_month_s_invoice_has_them_for_each_protocolo(self):
        self.contract.invoice_moment = "month"
        lotes = self._create_received_lote(ECG, protocol="1002")
        lotes |= self._create_received_lote(CONSULTATION, protocol="1003")
        invoice = self.contract.invoice_month(self.today)
        self.assertEqual(invoice.amount_total, 191.10)
        self.assertEqual(self._get_balances(), (-6.82, 6.82), "3.00 + 0.82 + 3.00")
        self.assertSound()

    def test_what_changes_the_total_is_refused(self):
        plain = self._create_tax("ICMS 17%", 17, (100, self.due))
        with self.assertRefused("changes the total", ValidationError):
            self.contract.tax_ids = plain


@tagged("post_install", "-at_install", "post_install_l10n")
class TestWriteOff(InvoiceCase):
    """A glosa is written off when it arrives; what is recovered of it is new revenue."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract.glosa_policy = "at_once"
        cls.lote = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1001")
        cls.guia = cls.lote.guia_ids
        cls.parts = {(cls.guia.name, 1): (31.10, "1705"), (cls.guia.name, 2): (4.90, "1806")}

    def _get_entries(self):
        moves = self.lote._get_invoices().sorted("id")
        return [(move.move_type, move.amount_total) for move in moves]

    def test_what_is_denied_leaves_the_receivable(self):
        self.assertEqual(self.lote.invoice_id.amount_residual, 56.00)
        preview = self._import(analysis_message(self.lote, self.parts, "A1")).preview()
        self.assertEqual(
            [(row["account"], float(row["debit"]), float(row["credit"]))
             for row in preview["entries"]],
            [
                (self.contract.receivable_account_id.display_name, 0, 20.00),
                (self.contract.glosa_account_id.display_name, 20.00, 0),
            ],
        )  # fmt: skip
        self.env["tiss.demonstrativo"].search([], limit=1).post()
        self.assertEqual(self._get_entries(), [("out_invoice", 56.00), ("out_refund", 20.00)])
        note = self.lote._get_invoices().sorted("id")[-1]
        self.assertEqual(note.invoice_line_ids.account_id, self.contract.glosa_account_id)
        self.assertEqual(self.lote.invoice_id.amount_residual, 36.00)
        self.assertEqual(set(self.lote.glosa_ids.mapped("state")), {"open"}, "to be contested")
        self.assertSound()

    def test_giving_it_up_books_nothing_more(self):
        self._analyse(self.lote, self.parts)
        self._pay(self.lote, {self.guia.name: 36.00})
        self.assertFalse(self.lote.glosa_ids.accept())
        self.assertEqual(self._get_entries(), [("out_invoice", 56.00), ("out_refund", 20.00)])
        self.assertEqual(self.lote.invoice_id.payment_state, "paid")
        self.assertSound()
        self.lote.glosa_ids.reopen("Foi paga")
        self.assertEqual(len(self._get_entries()), 2)
        self.assertSound()

    def _recover(self):
        recurso = self.lote.glosa_ids.create_recurso()
        recurso.send()
        recurso.register_protocol("7001", self.today)
        first, second = recurso.line_ids
        recurso.register_answer({first: 6.00, second: 0})
        content = payment_message(self.lote, {self.guia.name: 6.00}, "R0")
        again = self._import(content.replace(b"tipoPagamento>1<", b"tipoPagamento>2<"))
        self.assertIn(
            (self.contract.revenue_account_id.display_name, 6.00),
            [(row["account"], float(row["credit"])) for row in again.preview()["entries"]],
        )
        return self._pay_recurso(self.lote, {self.guia.name: 6.00})

    def test_what_is_recovered_is_new_revenue(self):
        self._analyse(self.lote, self.parts)
        self._pay(self.lote, {self.guia.name: 36.00})
        payment = self._recover()
        entries = [("out_invoice", 56.00), ("out_refund", 20.00)]
        self.assertEqual(self._get_entries(), [*entries, ("out_invoice", 6.00)])
        invoice = self.lote._get_invoices().sorted("id")[-1]
        self.assertEqual(invoice.invoice_line_ids.account_id, self.contract.revenue_account_id)
        self.assertEqual(invoice.payment_state, "paid")
        self.assertSound()
        payment.undo()
        self.assertEqual(self._get_entries(), entries)
        self.assertSound()

    def test_undoing_the_analysis_cancels_its_credit_note(self):
        analysis = self._analyse(self.lote, self.parts)
        analysis.undo()
        self.assertEqual(self._get_entries(), [("out_invoice", 56.00)])
        self.assertEqual(self.lote.invoice_id.amount_residual, 56.00)
        self.assertSound()
        self._analyse(self.lote, self.parts)
        self.assertEqual(self.lote.invoice_id.amount_residual, 36.00)
        self.assertSound()

    def test_undoing_after_the_month_is_closed(self):
        """The credit note of the closed month stays: what is owed again is invoiced."""
        analysis = self._analyse(self.lote, self.parts)
        self.company.sudo().fiscalyear_lock_date = self.today
        with freeze_time(self.today + timedelta(days=1)):
            analysis.undo()
        self.assertEqual(
            self._get_entries(),
            [("out_invoice", 56.00), ("out_refund", 20.00), ("out_invoice", 20.00)],
        )
        self.assertSound()

    def test_undoing_one_of_two_takes_its_own_credit_note(self):
        for item, number in ((1, "A1"), (2, "A2")):
            key = (self.guia.name, item)
            last = self._analyse(self.lote, {key: self.parts[key]}, number)
        _invoice, first, second = self.lote._get_invoices().sorted("id")
        last.undo()
        self.assertEqual((first.state, second.state), ("posted", "cancel"))
        self.assertSound()

    def test_undoing_what_has_an_nfse_invoices_it_again(self):
        analysis = self._analyse(self.lote, self.parts)
        self.lote._get_invoices().sorted("id")[-1].tiss_nfse_number = "77"
        analysis.undo()
        self.assertEqual(
            self._get_entries(),
            [("out_invoice", 56.00), ("out_refund", 20.00), ("out_invoice", 20.00)],
        )
        self.assertSound()

    def test_what_is_invoiced_by_its_release_has_nothing_to_write_off(self):
        """Of two items one was analysed: the other is not owed yet."""
        self.contract.invoice_moment = "released"
        lote = self._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1002")
        self._analyse(lote, {(lote.guia_ids.name, 1): (31.10, "1705")}, "A2")
        self.assertEqual(lote.invoice_id.amount_total, 31.10)
        self.assertSound()

    def test_a_payment_without_an_analysis_writes_off_what_it_denies(self):
        lote = self._create_received_lote(ECG, protocol="1002")
        self._pay(lote, {lote.guia_ids.name: 30.00})
        self.assertEqual(lote.invoice_id.amount_residual, 0)
        self.assertSound()

    def test_an_invoice_that_is_made_after_the_analysis(self):
        self.contract.invoice_moment = "month"
        lote = self._create_received_lote(ECG, protocol="1002")
        self._analyse(lote, {(lote.guia_ids.name, 1): (30.00, "1705")}, "A2")
        self.assertSound()
        self.contract.invoice_month(self.today)
        lines = lote.invoice_id._tiss_get_receivable_lines()
        self.assertEqual(lines.mapped("amount_residual"), [30.00])
        self.assertSound()

    def test_the_convenio_changes_its_mind(self):
        self.contract.glosa_policy = "open"
        self._analyse(self.lote, self.parts)
        self.assertEqual(self.lote.invoice_id.amount_residual, 36.00, "received with the other")
        other = self._create_received_lote(ECG, protocol="1003")
        self._analyse(other, {(other.guia_ids.name, 1): (30.00, "1705")}, "A2")
        self.assertEqual(other.invoice_id.amount_residual, 41.10)
        self.assertSound()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestMonth(InvoiceCase):
    """One invoice a month, with a line and a receivable line of its own for each protocolo."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract.invoice_moment = "month"
        cls.first = cls._create_received_lote(ECG, protocol="1001")
        cls.second = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1002")
        cls.lotes = cls.first | cls.second

    def _invoice(self):
        return self.contract.invoice_month(self.today)

    def test_one_invoice_with_a_line_for_each_protocolo(self):
        invoice = self._invoice().ensure_one()
        self.assertEqual(invoice.invoice_line_ids.mapped("price_subtotal"), [41.10, 56.00])
        self.assertIn("Protocolo 1002", invoice.invoice_line_ids[1].name)
        receivable = invoice._tiss_get_receivable_lines()
        self.assertEqual(
            {(line.tiss_lote_id, line.balance) for line in receivable},
            {(self.first, 41.10), (self.second, 56.00)},
        )
        self.assertEqual(receivable.account_id, self.contract.receivable_account_id)
        self.assertEqual(self.lotes.invoice_id, invoice)
        self.assertFalse(invoice.tiss_lote_id)
        self.assertIn("Protocolos of", invoice.ref)
        self.assertEqual(invoice.action_view_tiss_lote()["domain"], [("id", "in", self.lotes.ids)])
        self.assertSound()

    def test_once(self):
        self.assertEqual(len(self._invoice()), 1)
        self.assertFalse(self._invoice())
        late = self._create_received_lote(CONSULTATION, protocol="1003")
        self.assertEqual(self._invoice(), late.invoice_id)
        self.assertSound()

    def test_a_payment_before_the_invoice_waits(self):
        guia = self.first.guia_ids
        demonstrativo = self._import(payment_message(self.first, {guia.name: 41.10}, "P1"))
        with self.assertRefused("no invoice yet"):
            demonstrativo.post()
        self._invoice()
        demonstrativo.post()
        self.assertSound()

    def test_one_protocolo_is_paid_and_the_other_is_not(self):
        invoice = self._invoice()
        self._pay(self.first, {self.first.guia_ids.name: 41.10})
        self.assertEqual((invoice.amount_residual, invoice.payment_state), (56.00, "partial"))
        open_lines = invoice._tiss_get_receivable_lines().filtered("amount_residual")
        self.assertEqual(open_lines.tiss_lote_id, self.second)
        self.assertSound()
        guia = self.second.guia_ids
        self._analyse(self.second, {(guia.name, 1): 41.10, (guia.name, 2): (4.90, "1705")})
        self._pay(self.second, {guia.name: 46.00}, "P2")
        self.second.glosa_ids.accept()
        self.assertEqual((invoice.amount_residual, invoice.payment_state), (0, "paid"))
        self.assertSound()

    def test_odoo_s_buttons_do_not_undo_it(self):
        invoice = self._invoice()
        for name in ("button_draft", "button_cancel", "_reverse_moves"):
            with self.subTest(name), self.assertRefused("Undo the demonstrativo"):
                getattr(invoice, name)()

    def test_withdrawn_before_and_after(self):
        self.first.guia_ids.withdraw("Refused")
        invoice = self._invoice()
        self.assertEqual(invoice.amount_total, 56.00)
        self.second.guia_ids.withdraw("Refused too")
        self.assertEqual(invoice.amount_residual, 0)
        self.assertSound()

    def test_each_protocolo_has_its_due_date(self):
        self.contract.write({"payment_rule": "days", "payment_days": 10})
        late = self._create_received_lote(CONSULTATION, protocol="1003")
        invoice = self._invoice()
        dates = {
            line.tiss_lote_id: line.date_maturity for line in invoice._tiss_get_receivable_lines()
        }
        self.assertEqual(dates[late], self.today + timedelta(days=10))
        self.assertEqual(dates[self.first], self.today + timedelta(days=30))

    def test_the_month_end(self):
        wizard = Form(self.env["tiss.month.end"])
        last = fields.Date.subtract(self.today.replace(day=1), days=1)
        self.assertEqual(wizard.date, last, "the month that has ended")
        wizard.month = fields.Date.to_string(self.today.replace(day=1))
        self.assertEqual(wizard.date, fields.Date.end_of(self.today, "month"))
        self.assertFalse(wizard.is_done)
        record = wizard.save()
        [line] = record.line_ids
        self.assertEqual((line.kind, line.lote_count, line.amount), ("invoice", 2, 97.10))
        record.action_post()
        self.assertTrue(self.first.invoice_id)
        with self.assertRefused("needs nothing more"):
            self.env["tiss.month.end"].create({"date": self.today}).action_post()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAccrual(InvoiceCase):
    """What waits for a demonstrativo at the end of a month is revenue of that month."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract.invoice_moment = "released"
        cls.lote = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1001")
        cls.end = fields.Date.end_of(cls.today, "month")

    def _get_balance(self, account):
        [[balance]] = self.env["account.move.line"]._read_group(
            [("account_id", "=", account.id), ("parent_state", "=", "posted")],
            [],
            ["balance:sum"],
        )
        return balance

    def test_accrued_and_taken_back(self):
        account = self.company.tiss_accrual_account_id
        self.assertEqual(account.code, "1.01.02.09.60")
        moves = self.contract.accrue_unreleased(self.end)
        accrual, back = moves.sorted("date")
        self.assertEqual((accrual.date, accrual.state), (self.end, "posted"))
        self.assertEqual(back.date, self.end + timedelta(days=1))
        self.assertEqual(self._get_balance(account), 56.00)
        # The first day of the next month Odoo posts it by itself.
        self.assertEqual((back.state, back.auto_post), ("draft", "at_date"))
        with freeze_time(back.date):
            back.action_post()
        self.assertEqual(back.state, "posted")
        self.assertEqual(self._get_balance(account), 0)
        self.assertSound()

    def test_only_what_nobody_decided_about(self):
        guia = self.lote.guia_ids
        self._analyse(self.lote, {(guia.name, 1): (31.10, "1705")})
        self.contract.accrue_unreleased(self.end)
        self.assertEqual(self._get_balance(self.company.tiss_accrual_account_id), 14.90)

    def test_as_of_its_day(self):
        before = self.today - timedelta(days=1)
        self.assertEqual(self.contract._get_unreleased_cents(before), {})

    def test_once_a_month(self):
        self.contract.accrue_unreleased(self.end)
        with self.assertRefused("of this month already"):
            self.contract.accrue_unreleased(self.end)

    def test_once_a_month_also_when_it_is_over(self):
        """In the next month it is taken back at once: it was made all the same."""
        with freeze_time(self.end + timedelta(days=4)):
            self.contract.accrue_unreleased(self.end)
            self.assertTrue(self.env["tiss.month.end"].create({"date": self.end}).is_done)
            with self.assertRefused("of this month already"):
                self.contract.accrue_unreleased(self.end)

    def test_what_was_given_up_is_made_anew(self):
        accrual = self.contract.accrue_unreleased(self.end).sorted("date")[0]
        accrual._reverse_moves([{"date": self.end}]).action_post()
        self.assertFalse(self.contract._get_accruals(self.end))

    def test_closed_books(self):
        self.company.sudo().fiscalyear_lock_date = self.end
        with self.assertRefused("books are closed"):
            self.contract.accrue_unreleased(self.end)

    def test_the_month_end(self):
        wizard = self.env["tiss.month.end"].create({"date": self.today})
        self.assertEqual(wizard.line_ids.mapped("kind"), ["accrue"])
        wizard.action_post()
        again = self.env["tiss.month.end"].create({"date": self.today})
        self.assertEqual((again.line_ids.is_done, again.is_done), (True, True))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestInvoices(InvoiceCase):
    """What is refused, what a batch costs, and the nota fiscal."""

    def test_what_cannot_be_invoiced(self):
        self.contract.invoice_moment = "manual"
        lote = self._create_received_lote(ECG, protocol="1001")
        sent = self._create_lote(ECG)
        sent.send()
        with self.assertRefused("cannot be done now"):
            sent.action_create_invoice()
        sent.action_reject()
        with self.assertRefused("cannot be done now"):
            sent.action_create_invoice()
        account = self.contract.revenue_account_id
        self.contract.revenue_account_id = False
        with self.assertRefused("has no Revenue yet"):
            lote.action_create_invoice()
        self.contract.revenue_account_id = account
        bank = self.contract.bank_journal_id.sudo()
        bank.currency_id = self.env.ref("base.USD")
        with self.assertRefused("is in USD, and operadoras pay in reais"):
            lote.action_create_invoice()
        bank.currency_id = False
        lote.action_create_invoice()
        with self.assertRefused(f"is in invoice {lote.invoice_id.name}"):
            lote.action_create_invoice()
        gone = self._create_received_lote(ECG, protocol="1002")
        gone.guia_ids.withdraw("Refused")
        gone.sudo().state = "processed"
        with self.assertRefused("worth anything"):
            gone.action_create_invoice()

    def test_books_that_are_not_in_reais(self):
        lote = self._create_lote(ECG)
        lote.send()
        euro = self.env.ref("base.EUR")
        with patch.object(type(self.contract), "currency_id", euro):
            with self.assertRefused("are in EUR"):
                lote.register_protocol("1009", self.today)

    def test_services_of_another_month_are_said(self):
        """41.10 of last month in an invoice of this one; the other 41.10 are in their month."""
        month = self.today.replace(day=1)
        visits = self._create_encounters({ECG: 1}, date=month - timedelta(days=1))
        visits |= self._create_encounters({ECG: 1}, date=self.today)
        lote = visits.create_guias().create_lotes()
        lote.build()
        lote.send()
        lote.register_protocol("1009", self.today)
        text = lote.invoice_id.tiss_cutoff_text
        self.assertRegex(text, "^[^0-9]*41[.,]10 of services of [0-9/]*$")
        self.assertIn((month - timedelta(days=1)).strftime("%m/%Y"), text)

    def test_lines_are_summaries(self):
        visits = [{ECG: 1, DIPYRONE: 2}] * 5
        lote = self._create_received_lote(*visits, protocol="1001")
        self.assertEqual(sorted(lote.invoice_id.invoice_line_ids.mapped("price_subtotal")),
                         [74.50, 205.50])  # fmt: skip

    def test_a_batch_is_one_go(self):
        """Queries for a further protocolo are those of Odoo for an invoice, not ours."""
        self.contract.invoice_moment = "manual"
        counts = []
        for start, size in ((1000, 1), (2000, 4), (3000, 8)):
            lotes = self.env["tiss.lote"].union(
                *(self._create_received_lote(ECG, protocol=str(start + i)) for i in range(size))
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(len(lotes._create_invoices()), size)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual((counts[2] - counts[1]) / 4, 20, counts)
        self.assertSound()

    def test_nfse(self):
        invoices = self._create_received_lote(ECG, protocol="1001").invoice_id
        invoices |= self._create_received_lote(DIPYRONE, protocol="1002").invoice_id
        first, second = invoices
        first.write(
            {"tiss_nfse_number": " 000123 ", "tiss_nfse_date": self.today, "tiss_nfse_code": "AB-1"}
        )
        self.assertEqual(first.tiss_nfse_number, "123")
        with self.assertRefused("already has this NFS-e"):
            second.tiss_nfse_number = "123"
        with self.assertRefused("already has this NFS-e"):
            second.tiss_nfse_number = "0123"
        invoices.tiss_nfse_number = False
        found = self.env["account.move"].search([("tiss_nfse_number", "=", "123")])
        self.assertFalse(found)
        with Form(second) as form:
            form.tiss_nfse_number = "0"
        self.assertEqual(second.tiss_nfse_number, "0")
