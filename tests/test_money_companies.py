from datetime import timedelta

from odoo.tests import tagged

from .bank_records import BankRecords
from .common import BLOOD_COUNT, CONSULTATION, PRICES, TissCommon
from .ledger_invariants import find_broken
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestBranch(BankRecords, TissCommon):
    """A branch bills the operadora of its head office; who works may see both, and is in the other.

    Both have a convênio with the same operadora, on the accounts and journals of one chart.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        env = cls.env(su=True)
        cls.branch = env["res.company"].create(
            {
                "name": "Filial da Clínica",
                "parent_id": cls.company.id,
                "country_id": env.ref("base.br").id,
                "vat": cls.company.vat,
            }
        )
        cls.env.user.sudo().company_ids |= cls.branch
        cls.branch.with_company(cls.branch)._tiss_setup_accounting()
        cls.branch = cls.branch.with_env(cls.env)
        both = [cls.company.id, cls.branch.id]
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": both})
        cls.head = cls.contract.with_env(cls.env)
        cls.contract = (
            cls.env["tiss.contract"]
            .with_company(cls.branch)
            .create(
                {
                    "partner_id": cls.operadora.id,
                    "version": "4.03.00",
                    "provider_code": "54321",
                    "company_id": cls.branch.id,
                }
            )
            .with_env(cls.env)
        )
        cls._price(cls.contract, PRICES)
        card = cls.env["tiss.card"].create(
            {
                "patient_id": cls.patient.id,
                "plan_id": cls.plan.id,
                "number": "55501",
                "company_id": cls.branch.id,
            }
        )
        cls.visit = {"company_id": cls.branch.id, "card_id": card.id}
        cls.lote = cls._create_received_lote(CONSULTATION, protocol="5001", **cls.visit)
        cls.guia = cls.lote.guia_ids
        cls.env.flush_all()

    def _import(self, content):
        """What the branch imports is opened by who works in the other one."""
        read = self.env["tiss.demonstrativo"].with_company(self.branch).import_file
        return read("retorno.xml", content).with_env(self.env)

    def _assert_of_branch(self, moves):
        self.assertTrue(moves)
        self.assertEqual(moves.company_id, self.branch)
        self.assertEqual(moves.line_ids.company_id, self.branch)
        self.assertEqual(find_broken(self.contract | self.head), {})
        self.assertLedgerSound(self.contract | self.head)

    def test_the_active_company_is_the_other_one(self):
        self.assertEqual(self.env.company, self.company)
        self.assertEqual(self.lote.contract_id, self.contract)
        self.assertEqual(self.lote.company_id, self.branch)

    def test_all_of_it_is_booked_in_the_branch(self):
        self._assert_of_branch(self.lote.invoice_id)
        content = analysis_message(self.lote, {(self.guia.name, 1): (100.00, "1705")}, "A1")
        with self.assertRefused("another provider"):
            self.env["tiss.demonstrativo"].import_file("a.xml", content)
        analysis = self._import(content)
        self.assertEqual(analysis.company_id, self.branch)
        self.assertEqual(self._import(content), analysis)
        analysis.post()
        payment = self._import(
            payment_message(self.lote, {self.guia.name: 100.00}, "P1", [("01", "IRRF", 1.50)])
        )
        self.assertEqual(payment.discrepancy_ids.filtered("is_blocking").mapped("code"), [])
        payment.post()
        self._assert_of_branch(payment.payment_ids.payment_id.move_id)
        note = self.lote.glosa_ids.accept()
        self._assert_of_branch(note)
        self.assertEqual(self.lote.state, "closed")
        self.lote.glosa_ids.reopen("By mistake")
        payment.undo()
        analysis.undo()
        self._assert_of_branch(self.lote.invoice_id)
        self.assertEqual(self.lote.invoice_id.amount_residual, 150.00)

    def test_its_money_in_the_bank(self):
        payment = self._import(payment_message(self.lote, {self.guia.name: 150.00}, "P1"))
        payment.post()
        self._deposit(150.00)
        made, _left = self.env["tiss.bank.match"].find(self.contract.bank_journal_id)
        self.assertEqual(made.payment_ids, payment.payment_ids.payment_id)
        self.assertTrue(made.payment_ids.is_matched)
        self._assert_of_branch(made.payment_ids.move_id)
        made.unmatch()
        self.assertFalse(made.payment_ids.is_matched)
        self._assert_of_branch(made.payment_ids.move_id)

    def test_a_file_of_one_is_not_of_the_other(self):
        """The same numbers of protocolo and guia exist twice."""
        lote = self._create_received_lote(BLOOD_COUNT, protocol="5001", card_id=self.card.id)
        self.assertEqual(lote.contract_id, self.head)
        guia = lote.guia_ids
        content = analysis_message(lote, {(guia.name, 1): 33.33}, "A1")
        self.env["tiss.demonstrativo"].import_file("a.xml", content).post()
        self.assertEqual(guia.line_ids.amount_released, 33.33)
        self.assertEqual(self.guia.line_ids.amount_to_process, 150.00)

    def test_the_books_of_the_head_office_close_those_of_the_branch(self):
        day = self.today - timedelta(days=2)
        payment = self._import(payment_message(self.lote, {self.guia.name: 150.00}, "P1", day=day))
        self.env.cr.execute(
            "UPDATE res_company SET fiscalyear_lock_date = %s WHERE id = %s",
            [self.today - timedelta(days=1), self.company.id],
        )
        self.env.invalidate_all()
        with self.assertRefused("books are closed"):
            payment.post()
        payment.post(accounting_date=self.today)
        entry = payment.payment_ids.payment_id.move_id
        self.assertEqual((entry.date, payment.payment_ids.payment_date), (self.today, day))
        self._assert_of_branch(entry)
