"""What is booked stays as it is, whoever calls whatever by RPC with whatever context."""

import base64
import inspect

from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from .bank_records import BankRecords
from .closing_records import create_closing_rows
from .common import DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message, payment_message

MONEY = (
    "tiss.movement",
    "tiss.demonstrativo",
    "tiss.demonstrativo.line",
    "tiss.demonstrativo.payment",
    "tiss.demonstrativo.adjustment",
    "tiss.discrepancy",
    "tiss.glosa",
    "tiss.recurso",
    "tiss.recurso.line",
    "tiss.underpayment",
    "tiss.bank.match",
    "tiss.provision",
    "tiss.repasse",
    "tiss.repasse.line",
    "tiss.copayment",
    "tiss.closing",
    "tiss.closing.line",
    "tiss.ledger.check",
)
# What a biller does to records that he may not write himself.
BILLERS = {
    ("tiss.bank.match", name)
    for name in (
        "match", "unmatch", "reject", "action_match", "action_unmatch", "action_reject", "propose",
        "match_certain", "find",
    )
} | {
    ("tiss.ledger.check", "action_check"),
    ("tiss.underpayment", "action_contest"),
    ("tiss.underpayment", "action_ignore"),
    ("tiss.underpayment", "action_look"),
    ("tiss.underpayment", "contest"),
    ("tiss.underpayment", "ignore"),
}  # fmt: skip
STANDARD = {"read", "search", "write", "create", "unlink", "copy", "default_get", "init"}


class GuardCase(BankRecords, TissCommon):
    """An invoice of 56.00 of which 46.00 are paid less a tax, and 10.00 are denied."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            "reception": cls._create_user("g.recepcao", "reception"),
            "billing": cls._create_user("g.faturamento", "billing"),
            "manager": cls._create_user("g.gestao", "manager", "account.group_account_manager"),
            "accountant": cls._create_user("g.contador", "account.group_account_manager"),
        }
        cls.lote = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="7001")
        cls.guia = cls.lote.guia_ids
        receive = cls.env["tiss.message"].receive_file
        cls.analysis = receive("a.xml", cls._analysis())
        cls.analysis.post()
        cls.demonstrativo = receive(
            "p.xml",
            payment_message(cls.lote, {cls.guia.name: 46.00}, "P1", [("01", "IRRF", 0.69)]),
        )
        cls.demonstrativo.post()
        cls.payment = cls.demonstrativo.payment_ids.payment_id
        cls.invoice = cls.lote.invoice_id
        cls.env.flush_all()

    @classmethod
    def _analysis(cls, number="A1", **options):
        released = {(cls.guia.name, 1): 41.10, (cls.guia.name, 2): (4.90, "1705")}
        return analysis_message(cls.lote, released, number, **options)

    def _call(self, role, record, method, *args, **said):
        """Call as a browser does, with `said` in the context."""
        context = {"allowed_company_ids": self.company.ids, "lang": "en_US", **said}
        self.env.flush_all()
        self.env.invalidate_all()
        model = record.browse().with_user(self.users[role])
        ids = [] if getattr(getattr(model, method), "_api_model", False) else [record.ids]
        result = call_kw(model, method, [*ids, *args], {"context": context})
        self.env.flush_all()
        self.env.invalidate_all()
        return result


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPostedStays(GuardCase):
    """An accountant, or who calls as one, cannot pull the books from under the guias."""

    def _assert_refused(self, record, method, *args, **said):
        for role in ("manager", "accountant"):
            with (
                self.subTest(f"{record._name}.{method}{args}", role=role),
                self.assertRefused("booked for guias"),
            ):
                self._call(role, record, method, *args, **said)

    def test_the_status_of_an_entry(self):
        for move in (self.invoice, self.payment.move_id):
            for state in ("draft", "cancel"):
                self._assert_refused(move, "write", {"state": state})

    def test_what_ties_an_entry_to_its_guias(self):
        self._assert_refused(self.invoice, "write", {"tiss_lote_id": False})
        self._assert_refused(self.invoice, "write", {"tiss_contract_id": False})
        receivable = self.invoice._tiss_get_receivable_lines()
        other = self._create_received_lote(ECG, protocol="7002")
        for lote_id in (False, other.id):
            self._assert_refused(receivable, "write", {"tiss_lote_id": lote_id})

    def test_the_lines_of_an_entry(self):
        """Odoo lets an account of a posted item change, and all of it with a forged context."""
        glosa = self.contract.glosa_account_id
        for move in (self.invoice, self.payment.move_id):
            first, second = move.line_ids[:2]
            self._assert_refused(
                move.line_ids.filtered(lambda line: line.account_type != "asset_receivable")[:1],
                "write",
                {"account_id": glosa.id},
            )
            self._assert_refused(second, "write", {"partner_id": self.patient.id})
            changed = [
                Command.update(first.id, {"balance": first.balance + 1}),
                Command.update(second.id, {"balance": second.balance - 1}),
            ]
            self._assert_refused(move, "write", {"line_ids": changed}, skip_readonly_check=True)

    def test_an_entry_is_not_deleted(self):
        for move in (self.invoice, self.payment.move_id):
            self._assert_refused(move.line_ids, "unlink", force_delete=True, dynamic_unlink=True)
            self._assert_refused(move, "unlink", force_delete=True)

    def test_a_payment(self):
        for vals in (
            {"amount": 1.00},
            {"date": self.today.replace(day=1, month=1)},
            {"partner_id": self.patient.id},
        ):
            self._assert_refused(self.payment, "write", vals)
        for method in ("action_draft", "action_cancel", "action_reject", "unlink"):
            self._assert_refused(self.payment, method)

    def test_an_invoice_is_not_paid_by_the_way(self):
        """Odoo's own button, and whatever else matches an entry with it."""
        register = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.invoice.ids
        )
        with self.assertRefused("what the operadora says of it"):
            register.create({"payment_date": self.today})._create_payments()
        other = self._create_received_lote(ECG, protocol="7002").invoice_id
        receivable = (self.invoice | other)._tiss_get_receivable_lines()
        entry = self._post_entry(self.contract.revenue_account_id, receivable.account_id, 41.10)
        credit = entry.line_ids.filtered(lambda line: line.balance < 0)
        for role in ("accountant", "manager"):
            with self.subTest(role), self.assertRefused("what the operadora says of it"):
                self._call(role, credit | receivable, "reconcile")

    def test_a_match_is_not_written_from_the_bank(self):
        line = self._deposit(45.31)
        self.env["tiss.bank.match"].find(line.journal_id)
        self.assertEqual(line.tiss_state, "matched")
        for command in (Command.clear(), Command.unlink(line.tiss_match_ids.id)):
            with self.assertRefused("not written"):
                self._call("billing", line, "write", {"tiss_match_ids": [command]})

    def test_what_may_change_still_does(self):
        self._call("accountant", self.invoice, "write", {"tiss_nfse_number": "123"})
        self._call("accountant", self.invoice, "write", {"invoice_date_due": "2030-01-31"})
        line = self.invoice._tiss_get_receivable_lines()
        self.assertEqual(str(line.date_maturity), "2030-01-31")
        self.assertLedgerSound()

    # ------------------------------------------------------------------
    # Our own rows
    # ------------------------------------------------------------------

    def test_posted_rows_by_the_lists_of_others(self):
        """A one2many of a record that one may write is a road to those that one may not."""
        line = self.demonstrativo.line_ids
        roads = [
            (self.demonstrativo, "line_ids", line, {"amount_released": 1.00}),
            (self.demonstrativo, "payment_ids", line.payment_id, {"amount_net": 1.00}),
            (
                self.demonstrativo,
                "adjustment_ids",
                self.demonstrativo.adjustment_ids,
                {"account_id": self.contract.glosa_account_id.id},
            ),
            (self.analysis, "glosa_ids", self.analysis.glosa_ids, {"amount": 1.00}),
            (self.lote, "glosa_ids", self.lote.glosa_ids, {"amount_accepted": 10.00}),
            (self.guia, "movement_ids", self.guia.movement_ids[:1], {"amount": 1.00}),
            (self.guia, "line_ids", self.guia.line_ids[:1], {"amount_paid": 1.00}),
            (self.payment, "tiss_demonstrativo_payment_ids", line.payment_id, {"amount_net": 1}),
        ]
        for record, name, rows, vals in roads:
            for command in (
                Command.update(rows.id, vals),
                Command.delete(rows.id),
                Command.unlink(rows.id),
                Command.clear(),
            ):
                with (
                    self.subTest(f"{record._name}.{name}", command=command[0]),
                    self.assertRefused("", Exception),
                ):
                    self._call("manager", record, "write", {name: [command]})

    def test_nothing_posted_is_deleted(self):
        create_closing_rows(self.guia)
        repasse = self.env["tiss.repasse"].search([])
        repasse.close()
        self.analysis.glosa_ids.create_recurso()
        for records in (
            self.lote,
            self.guia,
            self.guia.line_ids[:1],
            self.guia.movement_ids[:1],
            self.demonstrativo,
            self.demonstrativo.line_ids,
            self.demonstrativo.payment_ids,
            self.demonstrativo.adjustment_ids,
            self.analysis.glosa_ids,
            repasse[:1],
            repasse.line_ids[:1],
            self.demonstrativo.message_id,
        ):
            with self.subTest(records._name), self.assertRefused("", Exception):
                self._call("manager", records, "unlink")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestForgedDefaults(GuardCase):
    """A default in the context of a call is nobody's decision."""

    def test_what_posting_makes(self):
        self.demonstrativo.undo()
        self.analysis.undo()
        again = self.env["tiss.message"].receive_file("b.xml", self._analysis("A2"))
        self._call(
            "billing",
            again,
            "post",
            default_state="accepted",
            default_amount_accepted=10.00,
            default_amount_open=0.0,
            default_is_irrecoverable=True,
            default_move_id=self.invoice.id,
            default_reverses_id=self.guia.movement_ids[0].id,
        )
        [glosa] = again.glosa_ids
        self.assertEqual(
            (glosa.state, glosa.amount_open, glosa.amount_accepted, glosa.move_id.id),
            ("open", 10.00, 0, False),
        )
        self.assertFalse(glosa.is_irrecoverable)
        self.assertFalse(self.guia.movement_ids[-1].reverses_id)
        self.assertLedgerSound()

    def test_what_an_import_makes(self):
        strange = payment_message(self.lote, {self.guia.name: 99.00}, "P9")
        wizard = self.env["tiss.return.import"].with_user(self.users["billing"])
        wizard = wizard.create({"file": base64.b64encode(strange), "file_name": "p.xml"})
        self._call(
            "billing",
            wizard,
            "action_import",
            default_state="resolved",
            default_resolution="keep",
            default_payment_id=self.payment.id,
            default_amount_unidentified=99.00,
            default_accounting_date="2030-01-01",
            default_reversal_move_id=self.invoice.id,
        )
        found = self.env["tiss.demonstrativo"].search([("name", "=", "P9")])
        self.assertEqual((found.state, found.blocking_count), ("imported", 1))
        self.assertEqual(found.discrepancy_ids.mapped("state"), ["open"])
        payment = found.payment_ids
        self.assertFalse(payment.payment_id or payment.accounting_date or payment.reversal_move_id)
        self.assertFalse(payment.amount_unidentified)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestMoneyRights(GuardCase):
    """Every public method of the models of the money, called by those who may not."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        create_closing_rows(cls.guia)
        env = cls.env(su=True)
        env["tiss.provision"].create(
            {
                "company_id": cls.company.id,
                "contract_id": cls.contract.id,
                "date": "2026-01-31",
                "amount_denied": 10.00,
            }
        )
        cls._deposit(45.31)
        env["tiss.bank.match"].propose(cls.contract.bank_journal_id)
        cls.analysis.glosa_ids.create_recurso()
        env["tiss.underpayment"].create(
            {
                "company_id": cls.company.id,
                "contract_id": cls.contract.id,
                "guia_id": cls.guia.id,
                "guia_line_id": cls.guia.line_ids[0].id,
                "kind": "price",
                "amount_expected": 50.00,
            }
        )
        cls.contract.action_check_ledger()
        # More is paid than is open.
        content = payment_message(cls.lote, {cls.guia.name: 99.00}, "P9")
        cls.env["tiss.message"].receive_file("p9.xml", content)
        cls.env.flush_all()

    def _methods(self, name):
        """Names of what our own classes of a model offer to a browser, with dummy arguments."""
        model = type(self.env[name])
        for method in sorted(dir(model)):
            own = [
                cls
                for cls in model.__mro__
                if method in vars(cls) and cls.__module__.startswith("odoo.addons.l10n_br_tiss.")
            ]
            function = getattr(model, method, None)
            if method.startswith("_") or method in STANDARD or not own or not callable(function):
                continue
            if getattr(function, "_api_private", False):
                continue
            parameters = list(inspect.signature(function).parameters.values())[1:]
            yield (
                method,
                ["1" for each in parameters if each.default is each.empty and each.kind < 2],
            )

    def _assert_kept_out(self, role, names, allowed=frozenset()):
        tried = 0
        before = self._get_content()
        for name in names:
            records = self.env[name].sudo().search([], limit=1)
            self.assertTrue(records, f"nothing of {name} to try it with")
            for method, args in self._methods(name):
                if (name, method) in allowed:
                    continue
                with self.subTest(f"{name}.{method}", role=role), mute_logger("odoo.sql_db"):
                    answer = self._try(role, records, method, *args)
                    self.assertTrue(answer in (None, before), "it changed something")
                    tried += answer is None
        return tried

    def _try(self, role, records, method, *args):
        """What is there after a call; None where it is refused. Nothing of it stays."""
        savepoint = self.env.cr.savepoint()
        try:
            self._call(role, records, method, *args)
            return self._get_content()
        except Exception:
            return None  # also words of ours about what was passed: it was not done
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()

    def test_reception_and_accountants_reach_none_of_it(self):
        for role in ("reception", "accountant"):
            self.assertGreater(self._assert_kept_out(role, MONEY), 60)

    def test_a_biller_changes_nothing_that_he_may_only_read(self):
        biller = self.users["billing"]
        names = [name for name in MONEY if not self.env[name].with_user(biller).has_access("write")]
        self.assertIn("tiss.provision", names)
        self._assert_kept_out("billing", names, BILLERS)
