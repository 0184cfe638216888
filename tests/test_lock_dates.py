from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import tagged
from odoo.tools import SQL

from .bank_records import BankRecords
from .common import CONSULTATION
from .return_messages import payment_message
from .test_invoice import InvoiceCase

CLOSED = "books are closed|books of"


@tagged("post_install", "-at_install", "post_install_l10n")
class TestLockDates(BankRecords, InvoiceCase):
    """On the day after, the books of all that is booked here are closed, by one lock or another.

    What is of that day is refused in words, or booked on it all the same where the lock is not
    about it. Odoo would move it to another day without asking (accounting.md §1.7).
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        accounts = [
            cls.company.sudo()._tiss_find_account(code)
            for code in ("2.01.01.09.08", "3.01.01.01.02.06")
        ]
        parts = zip((100, -100), accounts, strict=True)
        cls.contract.tax_ids = cls._create_tax("ISS 2%", 2, *parts)
        cls.sent = cls._create_lote(CONSULTATION)
        cls.sent.send()
        cls.waiting = cls._create_received_lote(CONSULTATION, protocol="1002")
        cls.lote = cls._create_received_lote(CONSULTATION, protocol="1001")
        guia = cls.lote.guia_ids.name
        cls._analyse(cls.lote, {(guia, 1): (100.00, "1705")})
        cls.unpaid = cls._import(payment_message(cls.lote, {guia: 100.00}, "P1"))
        other = cls._create_received_lote(CONSULTATION, protocol="1004")
        cls.paid = cls._pay(other, {other.guia_ids.name: 150.00}, "P2")
        [cls.provision] = cls.env["tiss.provision"]._propose(cls.company, cls.today)
        cls.note = cls.lote.glosa_ids._give_up({cls.lote.glosa_ids: 2000})
        cls._deposit(150.00, after=0)
        cls.match = cls.env["tiss.bank.match"].propose(cls.contract.bank_journal_id)

    def _close(self, lock):
        """As the accountant does; here a deposit waits, for which Odoo would refuse it."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE res_company SET %s = %s WHERE id = %s",
                SQL.identifier(lock),
                self.today,
                self.company.id,
            )
        )
        self.env.invalidate_all()

    def _attempt(self, lock, **expected):
        """Do each thing on the next day, and forget it.

        :param expected: for each, words in which it is refused, or {kind of entry: days later}
        """
        for name, outcome in expected.items():
            with (
                self.subTest(name, lock=lock),
                self.env.cr.savepoint() as savepoint,
                freeze_time(self.today + timedelta(days=1)),
            ):
                self._close(lock)
                if isinstance(outcome, str):
                    with self.assertRefused(outcome):
                        getattr(self, f"_do_{name}")()
                else:
                    last = self.env["account.move"].search([], order="id desc", limit=1)
                    getattr(self, f"_do_{name}")()
                    self.env.flush_all()
                    new = self.env["account.move"].search(
                        [("id", ">", last.id), ("state", "=", "posted")], order="date"
                    )
                    days = [(move.move_type, (move.date - self.today).days) for move in new]
                    self.assertEqual(days, outcome)
                    self.assertSound()
                savepoint.rollback()
            self.env.invalidate_all()

    def _do_protocol(self):
        self.sent.register_protocol("1003", self.today)

    def _do_payment(self):
        self.unpaid.post()

    def _do_payment_later(self):
        self.unpaid.post(accounting_date=self.today + timedelta(days=1))

    def _do_entry(self):
        """What did not ask before."""
        contract = self.contract
        line = contract._prepare_invoice_line("Avulsa", 100, contract.revenue_account_id)
        vals = contract._prepare_invoice_vals(self.today, "Avulsa", [line])
        vals |= {"tiss_contract_id": contract.id}
        self.env["account.move"].create(vals).action_post()

    def _do_undo(self):
        self.paid.undo()

    def _do_accept(self):
        self.lote.glosa_ids.accept()

    def _do_reopen(self):
        self.lote.glosa_ids.reopen("Foi paga")

    def _do_withdraw(self):
        self.waiting.guia_ids.withdraw("Não houve")

    def _do_provision(self):
        self.provision.post()

    def _do_match(self):
        self.match.match()

    def test_sales_are_closed(self):
        self._attempt(
            "sale_lock_date",
            entry=CLOSED,
            protocol=CLOSED,
            payment=[("entry", 0)],
            payment_later=[("entry", 0)],
            undo=[],
            accept=[("out_refund", 1)],
            reopen=[("out_invoice", 1)],
            withdraw=[("out_refund", 1)],
            provision=[("entry", 0), ("entry", 1)],
            match=[],
        )

    def test_taxes_are_declared(self):
        """What has taxes; the taxes of a payment are none of ours."""
        self._attempt(
            "tax_lock_date",
            protocol=CLOSED,
            payment=[("entry", 0)],
            accept=[("out_refund", 1)],
            reopen=[("out_invoice", 1)],
            withdraw=[("out_refund", 1)],
            provision=[("entry", 0), ("entry", 1)],
        )

    def test_without_taxes_there_is_nothing_to_declare(self):
        self.contract.tax_ids = False
        self._attempt("tax_lock_date", protocol=[("out_invoice", 0)])

    def test_taxes_that_the_convenio_has_no_more(self):
        """A credit note has those of its invoice."""
        self.contract.tax_ids = False
        self._close("tax_lock_date")
        for name in ("accept", "withdraw"):
            with self.subTest(name), self.assertRefused(CLOSED):
                getattr(self, f"_do_{name}")()

    def test_purchases_are_closed(self):
        self._attempt("purchase_lock_date", protocol=[("out_invoice", 0)], reopen=[])

    def test_closed_for_ever(self):
        self._attempt(
            "hard_lock_date",
            protocol=CLOSED,
            payment="closed",
            payment_later=[("entry", 1)],
            undo="choose the day of the reversal",
            accept=[("out_refund", 1)],
            reopen=[("out_invoice", 1)],
            provision=CLOSED,
            match=CLOSED,
        )

    def test_whom_the_accountant_lets_in(self):
        """An exception is for one person; what he books keeps its day."""
        self.env["account.lock_exception"].sudo().create(
            {
                "company_id": self.company.id,
                "user_id": self.env.uid,
                "fiscalyear_lock_date": False,
                "reason": "Protocolos atrasados",
            }
        )
        self._attempt(
            "fiscalyear_lock_date",
            protocol=[("out_invoice", 0)],
            payment=[("entry", 0)],
            undo=[],
            reopen=[],
            provision=[("entry", 0), ("entry", 1)],
            match=[],
        )
        other = self._create_user("l.outra", "manager", "account.group_account_manager")
        for name in ("sent", "unpaid", "provision", "match"):
            setattr(self, name, getattr(self, name).with_user(other))
        self._attempt(
            "fiscalyear_lock_date",
            protocol=CLOSED,
            payment="closed",
            provision=CLOSED,
            match=CLOSED,
        )
