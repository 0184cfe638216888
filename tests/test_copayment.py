from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..standard.money import to_cents
from .closing_records import create_copayment
from .common import BLOOD_COUNT, CONSULTATION, ECG, TissCommon
from .guia_records import GuiaRecords
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCopayment(TissCommon):
    """What the clinic collects from patients leaves what the operadora owes, to the cent.

    The ECG costs 41.10; the patient pays 20% of it, 8.22, and the operadora 32.88.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule = create_copayment(cls.contract, products=cls.products, copayment_at_clinic=True)

    def _receive_file(self, content):
        demonstrativo = self.env["tiss.message"].receive_file("retorno.xml", content)
        demonstrativo.post()
        return demonstrativo

    def test_it_leaves_the_invoice_by_a_credit_note(self):
        lote = self._create_received_lote({ECG: 1, BLOOD_COUNT: 1})
        self.assertEqual(lote.invoice_id.amount_total, 74.43)
        self.assertEqual(lote.invoice_id.amount_residual, 66.21)
        self.assertEqual((lote.amount_copaid, lote.amount_to_process), (8.22, 66.21))
        [row] = lote.copayment_ids
        self.assertEqual((row.amount, row.state), (8.22, "to_invoice"))
        self.assertEqual(row.credit_note_id.amount_total, 8.22)
        self.assertEqual(
            row.credit_note_id.invoice_line_ids.account_id, self.contract.revenue_account_id
        )
        self.assertLedgerSound()

    def test_other_moments_of_the_invoice(self):
        """Of a month's invoice it is taken off, too; what is released never had it."""
        for moment, total in (("month", 41.10), ("released", 32.88)):
            with self.subTest(moment):
                self.contract.invoice_moment = moment
                lote = self._create_received_lote({ECG: 1}, protocol=moment)
                self.assertEqual(lote.amount_copaid, 8.22)
                self.assertLedgerSound()
                self.contract.invoice_month(self.today)
                guia = lote.guia_ids.name
                self._receive_file(analysis_message(lote, {(guia, 1): 32.88}, moment))
                invoice = lote.invoice_id
                self.assertEqual((invoice.amount_total, invoice.amount_residual), (total, 32.88))
                self.assertLedgerSound()

    def test_the_patient_is_invoiced_on_his_own_account(self):
        lote = self._create_received_lote({ECG: 1})
        mother = self.env["res.partner"].create({"name": "Mãe Fictícia"})
        row = lote.copayment_ids
        row.payer_id = mother
        invoice = row.create_invoices()
        self.assertEqual((invoice.state, invoice.amount_total), ("posted", 8.22))
        self.assertEqual(invoice.partner_id, mother)
        self.assertEqual(invoice.tiss_beneficiary_id, self.patient)
        [receivable] = invoice._tiss_get_receivable_lines()
        self.assertEqual(receivable.account_id, self.company.tiss_patient_account_id)
        self.assertFalse(row.create_invoices(), "once")
        with self.assertRaisesRegex(UserError, "There is an invoice already"):
            row.payer_id = self.patient
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()
        self.assertEqual(row.state, "paid")
        self.assertLedgerSound()

    def test_revenue_is_what_both_pay(self):
        lote = self._create_received_lote({ECG: 1})
        lote.copayment_ids.create_invoices()
        self.assertEqual(self._get_revenue(), -4110)

    def _get_revenue(self):
        [[balance]] = self.env["account.move.line"]._read_group(
            [
                ("account_id", "=", self.contract.revenue_account_id.id),
                ("parent_state", "=", "posted"),
                ("partner_id", "in", (self.operadora | self.patient).ids),
            ],
            [],
            ["balance:sum"],
        )
        return to_cents(balance)

    def _send(self, visit, protocol="900001"):
        lote = visit.create_guias().create_lotes()
        lote.build()
        lote.send()
        return lote.register_protocol(protocol, self.today)

    def _pay(self, invoice):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()

    def test_the_desk_sees_what_to_collect_and_no_invoice(self):
        visit = self._create_encounters({ECG: 1})
        visit = visit.with_user(self._create_user("c.recepcao", "reception"))
        self.assertEqual(visit.amount_to_collect, 8.22)
        with self.assertRaises(AccessError):
            visit.read(["copayment_move_id"])
        self.assertFalse(visit.copayment_state)
        invoice = visit.sudo().invoice_copayment()
        self.assertEqual(visit.copayment_state, "invoiced")
        self._pay(invoice.sudo(False).with_user(self.env.user))
        self.assertEqual(visit.copayment_state, "paid")

    def test_paid_at_the_desk_before_the_protocolo(self):
        """8.22 on the day of the visit; in the end revenue is 41.10, whenever the rest comes."""
        for moment in ("protocol", "month", "released"):
            with self.subTest(moment), self.env.cr.savepoint() as savepoint:
                self.contract.invoice_moment = moment
                visit = self._create_encounters({ECG: 1})
                self.assertEqual(visit.amount_to_collect, 8.22)
                invoice = visit.invoice_copayment()
                self.assertEqual((invoice.state, invoice.amount_total), ("posted", 8.22))
                self.assertEqual(invoice.tiss_beneficiary_id, self.patient)
                self.assertEqual(visit.amount_to_collect, 0)
                self._pay(invoice)
                with self.assertRefused("cancel that first"):
                    visit.action_draft()
                lote = self._send(visit, moment)
                [row] = lote.copayment_ids
                self.assertEqual((row.state, row.invoice_id), ("paid", invoice))
                self.assertEqual((row.amount, row.amount_at_visit), (8.22, 8.22))
                self.assertFalse(row.create_invoices())
                self.contract.invoice_month(self.today)
                content = analysis_message(lote, {(lote.guia_ids.name, 1): 32.88}, "A1")
                self._receive_file(content)
                self._receive_file(payment_message(lote, {lote.guia_ids.name: 32.88}, "P1"))
                self.assertEqual(lote.invoice_id.amount_residual, 0)
                self.assertEqual(self._get_revenue(), -4110)
                self.assertLedgerSound()
                savepoint.rollback()
            self.env.invalidate_all()

    def test_an_invoice_of_the_desk_that_was_cancelled(self):
        visit = self._create_encounters({ECG: 1})
        visit.invoice_copayment().button_cancel()
        self.assertEqual(visit.amount_to_collect, 8.22)
        row = self._send(visit).copayment_ids
        self.assertEqual((row.state, row.amount_at_visit), ("to_invoice", 0))
        self.assertEqual(row.create_invoices().amount_total, 8.22)
        with self.assertRefused("nothing to collect"):
            visit.invoice_copayment()

    def test_an_invoice_of_the_desk_that_is_cancelled_after_the_protocolo(self):
        """Nothing was collected after all: the whole of it is invoiced, not what was left."""
        visit = self._create_encounters({ECG: 1})
        invoice = visit.invoice_copayment()
        row = self._send(visit).copayment_ids
        self.assertEqual((row.state, row.amount_at_visit), ("invoiced", 8.22))
        invoice.button_cancel()
        self.assertEqual(row.state, "to_invoice")
        self.assertEqual(row.create_invoices().amount_total, 8.22)
        self.assertEqual(row.amount_at_visit, 0)

    def test_two_visits_of_one_guia_of_which_one_was_invoiced(self):
        """Of 16.44, 8.22 on the day of the visit; the rest also once the operadora answered."""
        self.contract.guia_grouping = "month"
        visits = self._create_encounters({ECG: 1}, {ECG: 1})
        visits[0].invoice_copayment()
        lote = self._send(visits)
        row = lote.copayment_ids
        self.assertEqual((row.amount, row.amount_at_visit, row.state), (16.44, 8.22, "to_invoice"))
        released = {(lote.guia_ids.name, item): 32.88 for item in (1, 2)}
        self._receive_file(analysis_message(lote, released, "A1"))
        self.assertEqual(row.create_invoices().amount_total, 8.22)
        self.assertEqual(row.amount_at_visit, 8.22)
        self.assertLedgerSound()

    def test_an_invoice_that_was_credited_is_none(self):
        """Of a closed month it cannot be cancelled: a credit note takes it back."""
        visit = self._create_encounters({ECG: 1})
        self._credit(visit.invoice_copayment())
        self.assertEqual((visit.amount_to_collect, visit.copayment_state), (8.22, False))
        row = self._send(visit).copayment_ids
        invoice = row.create_invoices()
        self._credit(invoice, 2.00)
        self.assertEqual(row.state, "invoiced", "8.22 less 2.00")
        self._credit(invoice, 6.22)
        self.assertEqual(row.state, "to_invoice")
        again = row.create_invoices()
        self._pay(again)
        self._credit(again)
        self.assertEqual(row.state, "to_invoice", "paid, and given back")
        row.cancel()
        self.assertEqual(row.lote_id.invoice_id.amount_residual, 41.10)
        self.assertLedgerSound()

    def _credit(self, invoice, amount=None):
        note = invoice._reverse_moves([{"invoice_date": self.today}])
        if amount:
            note.invoice_line_ids.price_unit = amount
        note.action_post()

    def test_the_operadora_pays_its_part_and_nothing_is_denied(self):
        lote = self._create_received_lote({ECG: 1})
        guia = lote.guia_ids
        self._receive_file(analysis_message(lote, {(guia.name, 1): 32.88}, "A1"))
        self.assertFalse(lote.glosa_ids)
        self._receive_file(payment_message(lote, {guia.name: 32.88}, "P1"))
        self.assertEqual(lote.state, "closed")
        self.assertEqual(lote.invoice_id.amount_residual, 0)
        self.assertLedgerSound()

    def test_an_operadora_that_releases_the_part_of_the_patient_too(self):
        """41.10 of which 8.22 are the patient's: no more than 32.88 is taken."""
        lote = self._create_received_lote({ECG: 1})
        content = analysis_message(lote, {(lote.guia_ids.name, 1): 41.10}, "A1")
        analysis = self.env["tiss.message"].receive_file("retorno.xml", content)
        [row] = analysis.discrepancy_ids
        self.assertEqual(
            (row.code, row.amount_ours, row.amount_theirs, row.is_blocking),
            ("released_open", 32.88, 41.10, True),
        )
        row.action_suggested()
        analysis.post()
        self.assertEqual(lote.guia_ids.line_ids.amount_released, 32.88)
        self.assertFalse(lote.glosa_ids)
        self.assertLedgerSound()

    def test_what_the_operadora_collects_changes_nothing_here(self):
        self.rule.copayment_at_clinic = False
        lote = self._create_received_lote({ECG: 1})
        self.assertFalse(lote.copayment_ids)
        self.assertEqual(lote.invoice_id.amount_residual, 41.10)

    def test_the_convenio_has_the_last_word_on_who_collects(self):
        self.contract.copayment_by = "operadora"
        self.assertFalse(self._create_received_lote({ECG: 1}, protocol="1").copayment_ids)
        self.rule.copayment_at_clinic = False
        self.contract.copayment_by = "clinic"
        self.assertTrue(self._create_received_lote({ECG: 1}, protocol="2").copayment_ids)

    def test_an_operadora_that_pays_after_all(self):
        """Of two co-payments one is cancelled: the other stays booked, alone."""
        lote = self._create_received_lote({ECG: 1}, {ECG: 1})
        first, second = lote.copayment_ids
        self.assertEqual(lote.invoice_id.amount_residual, 65.76)
        first.cancel()
        self.assertEqual((first.state, second.state), ("cancelled", "to_invoice"))
        self.assertEqual(lote.invoice_id.amount_residual, 73.98)
        self.assertEqual(first.guia_id.line_ids.amount_to_process, 41.10)
        self.assertEqual(second.credit_note_id.amount_total, 8.22)
        self.assertLedgerSound()
        first.cancel()
        self.assertEqual(lote.invoice_id.amount_residual, 73.98, "once")

    def test_on_a_closed_day_nobody_is_invoiced(self):
        """Odoo would date the invoice otherwise without asking."""
        row = self._create_received_lote({ECG: 1}).copayment_ids
        self.company.sudo().sale_lock_date = self.today
        with self.assertRefused("books are closed"):
            row.create_invoices()
        with self.assertRefused("prior to|closed"):
            row.cancel()

    def test_an_invoiced_co_payment_is_not_cancelled(self):
        lote = self._create_received_lote({ECG: 1})
        lote.copayment_ids.create_invoices()
        with self.assertRaisesRegex(UserError, "has an invoice"):
            lote.copayment_ids.cancel()

    def test_a_cancelled_invoice_is_made_again(self):
        row = self._create_received_lote({ECG: 1}).copayment_ids
        invoice = row.create_invoices()
        invoice.button_cancel()
        self.assertEqual(row.state, "to_invoice")
        self.assertNotEqual(row.create_invoices(), invoice)

    def test_a_withdrawn_guia_owes_nothing_to_anybody(self):
        lote = self._create_received_lote({ECG: 1}, {ECG: 1})
        gone = lote.guia_ids[0]
        gone.withdraw("Duplicada")
        self.assertEqual(gone.copayment_ids.state, "cancelled")
        self.assertEqual(lote.invoice_id.amount_residual, 32.88)
        self.assertLedgerSound()

    def test_an_invoice_that_is_made_later(self):
        self.contract.invoice_moment = "manual"
        lote = self._create_received_lote({ECG: 1})
        self.assertEqual(lote.amount_copaid, 8.22)
        self.assertFalse(lote.copayment_ids.credit_note_id)
        self._receive_file(analysis_message(lote, {(lote.guia_ids.name, 1): 32.88}, "A1"))
        lote.action_create_invoice()
        self.assertEqual(lote.invoice_id.amount_residual, 32.88)
        self.assertEqual(lote.copayment_ids.credit_note_id.amount_total, 8.22)
        self.assertLedgerSound()

    def test_the_equation_of_a_protocolo(self):
        """Presented 115.53 = paid 30.00 + accepted 2.88 + denied 3.33 + patients 8.22 + …"""
        lote = self._create_received_lote({ECG: 1}, {BLOOD_COUNT: 1}, {ECG: 1})
        first, second, third = lote.guia_ids.sorted("number")
        self._receive_file(
            analysis_message(
                lote,
                {(first.name, 1): (30.00, "1705"), (second.name, 1): (30.00, "1705")},
                "A1",
            )
        )
        first.glosa_ids.accept()
        self._receive_file(payment_message(lote, {first.name: 30.00}, "P1"))
        self.assertEqual(lote.amount_total, 115.53)
        self.assertEqual(lote.amount_paid, 30.00)
        self.assertEqual(lote.amount_accepted, 2.88)
        self.assertEqual(lote.amount_appealed, 0)
        self.assertEqual(lote.amount_to_contest, 3.33)
        self.assertEqual(lote.amount_copaid, 16.44)
        self.assertEqual(lote.amount_to_process, 62.88, "30.00 released, 32.88 not analysed")
        parts = (
            lote.amount_paid,
            lote.amount_accepted,
            lote.amount_appealed,
            lote.amount_to_contest,
            lote.amount_copaid,
            lote.amount_to_process,
        )
        self.assertEqual(sum(map(to_cents, parts)), to_cents(lote.amount_total))
        self.assertEqual(third.line_ids.amount_copaid, 8.22)
        self.assertLedgerSound()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestFranquia(GuiaRecords, TissCommon):
    """In a GTO the patient's part never is in what the operadora owes (guide §3.7)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()

    def test_who_collects_decides_whether_there_is_a_franquia(self):
        """A consultation of 150.00 of which the patient pays 30.00."""
        create_copayment(self.contract, code=CONSULTATION, products=self.products)
        for collector, franquia, owed in (
            ("clinic", 30.00, 120.00),
            ("operadora", 0.00, 150.00),
            ("rule", 0.00, 150.00),
        ):
            self.contract.copayment_by = collector
            visit = self._create_encounters(CONSULTATION, professional_id=self.dentist.id)
            [line] = visit.create_guias().line_ids
            with self.subTest(collector):
                self.assertEqual((line.amount_patient, line.amount), (franquia, owed))

    def test_a_franquia_is_invoiced_to_the_patient_without_a_credit_note(self):
        """120.00 of which the patient pays 20.00, and 80.00: the invoice is of 180.00."""
        guia = self._create_odonto(
            self._item(1, "81000030", 120, amount_patient=20), self._item(2, "81000065", 80)
        )
        guia.action_check()
        lote = guia.create_lotes()
        lote.send()
        lote.register_protocol("7001")
        [row] = lote.copayment_ids
        self.assertEqual((row.amount, row.state), (20.00, "to_invoice"))
        self.assertFalse(row.credit_note_id)
        self.assertEqual(lote.invoice_id.amount_residual, 180.00)
        self.assertEqual(lote.amount_copaid, 0, "it never was billed")
        self.assertEqual(row.create_invoices().amount_total, 20.00)
        self.assertLedgerSound()
