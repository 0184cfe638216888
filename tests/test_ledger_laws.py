"""Laws of the ledger: what must not matter (C11 to C24), and mutants that must be found (D)."""

import os
import random
from contextlib import ExitStack
from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.sql_db import Cursor
from odoo.tests import tagged
from odoo.tools import SQL

from ..standard.money import allocate, from_cents, to_cents
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, PRICES, TissCommon
from .ledger_invariants import Books, cents, find_broken
from .return_messages import analysis_message, payment_message


class LawCase(TissCommon):
    """Two protocolos: two items of 41.10 and 14.90, and one of 33.33."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="7001")
        cls.second = cls._create_received_lote({BLOOD_COUNT: 1}, protocol="7002")
        cls.lotes = cls.first | cls.second
        cls.guia = cls.first.guia_ids
        cls.other = cls.second.guia_ids
        cls.env.flush_all()

    def _import(self, content, name="retorno.xml"):
        return self.env["tiss.demonstrativo"].import_file(name, content)

    def _analysis(self, number="A1", **items):
        """Of the first protocolo: what is released of item 1 and 2."""
        released = {
            (self.guia.name, 1): items.get("first", (31.10, "1705")),
            (self.guia.name, 2): items.get("second", (4.90, "1806")),
        }
        return analysis_message(self.first, released, number)

    def _deposit(self, amount, label="TED OPERADORA"):
        """A bank line whose other side is booked on the transit account (accounting §1.5)."""
        line = (
            self.env["account.bank.statement.line"]
            .sudo()
            .create(
                {
                    "journal_id": self.contract.bank_journal_id.id,
                    "date": self.today,
                    "payment_ref": label,
                    "partner_id": self.operadora.id,
                    "amount": amount,
                }
            )
        )
        suspense = line.move_id.line_ids.filtered(
            lambda each: each.account_id == line.journal_id.suspense_account_id
        )
        line.move_id.with_context(force_delete=True, skip_readonly_check=True).write(
            {
                "line_ids": [
                    Command.update(suspense.id, {"account_id": self.contract.transit_account_id.id})
                ]
            }
        )
        return line

    def _match_deposits(self):
        """Everything open on the transit account against everything else."""
        lines = (
            self.env["account.move.line"]
            .sudo()
            .search(
                [
                    ("account_id", "=", self.contract.transit_account_id.id),
                    ("parent_state", "=", "posted"),
                    ("reconciled", "=", False),
                ]
            )
        )
        lines.reconcile()

    def _get_digest(self):
        """What of the ledger is the same whatever road led to it: no ids and no numbers."""
        books = Books(self.contract)
        names = {
            row["id"]: row["name"]
            for row in books._rows(
                "SELECT id, name FROM tiss_guia WHERE contract_id = ANY(%s)", self.contract.ids
            )
        }
        items = {
            (names[item["guia_id"]], item["sequence_item"]): tuple(
                cents(item[f"amount_{name}"])
                for name in ("to_process", "released", "paid", "denied", "appealed", "accepted")
            )
            for item in books.items
        }
        accounts, residuals = {}, {}
        for line in books.lines:
            key = line["account_id"], line["tiss_lote_id"]
            accounts[key] = accounts.get(key, 0) + cents(line["balance"])
            residuals[key] = residuals.get(key, 0) + cents(line["amount_residual"])
        glosas = sorted(
            (glosa.guia_id.name, glosa.code or "", glosa.amount_open, glosa.amount_accepted)
            for glosa in self.lotes.glosa_ids
        )
        states = [(lote.state, lote.invoice_id.payment_state) for lote in self.lotes]
        return (
            items,
            {key: amount for key, amount in accounts.items() if amount},
            {key: amount for key, amount in residuals.items() if amount},
            glosas,
            states,
        )

    def _compare(self, *roads):
        """Each road, a function, leads to the same sound ledger."""
        digests = []
        for road in roads:
            with self.env.cr.savepoint() as savepoint:
                road()
                self.env.invalidate_all()
                self.assertEqual(find_broken(self.contract), {})
                self.assertLedgerSound()
                digests.append(self._get_digest())
                savepoint.rollback()
            self.env.invalidate_all()
        for digest in digests[1:]:
            self.assertEqual(digest, digests[0])
        return digests[0]


@tagged("post_install", "-at_install", "post_install_l10n")
class TestLaws(LawCase):
    """What must not matter."""

    def test_c11_importing_a_file_again_changes_nothing(self):
        content = self._analysis()

        def once():
            self._import(content).post()

        def thrice():
            for _time in range(3):
                self._import(content, "outro-nome.xml").post()

        self._compare(once, thrice)

    def test_c12_the_order_of_independent_demonstrativos(self):
        contents = [
            payment_message(self.second, {self.other.name: 20.00}, "P1", [("01", "IRRF", 0.30)]),
            self._analysis(),
        ]

        def post(order):
            for content in order:
                self._import(content).post()

        self._compare(lambda: post(contents), lambda: post(contents[::-1]))

    def test_c13_posting_and_undoing_is_nothing(self):
        before = self._get_digest()
        analysis = self._import(self._analysis())
        analysis.post()
        payment = self._import(
            payment_message(self.lotes, {self.guia.name: 36.00, self.other.name: 33.33}, "P1")
        )
        payment.post()
        self.assertNotEqual(self._get_digest(), before)
        payment.undo()
        analysis.undo()
        self.env.invalidate_all()
        self.assertEqual(self._get_digest(), before)
        self.assertEqual(find_broken(self.contract), {})

    def test_c14_one_file_or_two_one_deposit_or_two(self):
        whole = {self.guia.name: 36.00, self.other.name: 33.33}

        def pay(*parts):
            self._import(self._analysis()).post()
            for number, part in enumerate(parts):
                lotes = self.lotes.filtered(lambda lote, part=part: lote.guia_ids.name in part)
                content = payment_message(lotes, part, f"P{number}")
                self._import(content).post()

        def deposit(*amounts):
            for amount in amounts:
                self._deposit(amount)
            self._match_deposits()

        def together():
            pay(whole)
            deposit(69.33)

        def apart():
            pay(*({name: amount} for name, amount in whole.items()))
            deposit(30.00, 39.33)

        _items, accounts, *_rest = self._compare(together, apart)
        self.assertNotIn((self.contract.transit_account_id.id, None), accounts)

    def test_c15_analysis_before_or_after_the_payment(self):
        analysis = analysis_message(self.second, {(self.other.name, 1): (30.00, "1705")}, "A1")
        payment = payment_message(self.second, {self.other.name: 30.00}, "P1")

        def post(*contents):
            for content in contents:
                self._import(content).post()

        items, *_rest = self._compare(
            lambda: post(analysis, payment), lambda: post(payment, analysis)
        )
        self.assertEqual(items[self.other.name, 1], (0, 0, 3000, 333, 0, 0))

    def test_c16_deposit_before_or_after_the_demonstrativo(self):
        payment = payment_message(self.second, {self.other.name: 33.33}, "P1")

        def pay():
            self._import(payment).post()

        def first_pay():
            pay()
            self._deposit(33.33)
            self._match_deposits()

        def first_deposit():
            self._deposit(33.33)
            pay()
            self._match_deposits()

        self._compare(first_pay, first_deposit)

    def test_c17_a_failure_at_any_step_leaves_nothing(self):
        self._import(self._analysis()).post()
        demonstrativo = self._import(
            payment_message(
                self.lotes,
                {self.guia.name: 36.00, self.other.name: 33.33},
                "P1",
                [("01", "IRRF", 1.04)],
            )
        )
        steps = [
            ("account.payment", "create"),
            ("account.payment", "action_post"),
            ("account.move.line", "_reconcile_plan"),
            ("tiss.movement", "_record"),
            ("tiss.movement", "_update_buckets"),
            ("tiss.glosa", "_create_from_entries"),
            ("tiss.lote", "_follow_release"),
            ("tiss.lote", "_check_tie_out"),
        ]
        for model, name in steps:
            with (
                self.subTest(f"{model}.{name}"),
                patch.object(self.env.registry[model], name, _fail),
                self.assertRefused("injected", RuntimeError),
            ):
                demonstrativo.post()
        demonstrativo.post()
        self.assertEqual(find_broken(self.contract), {})

    def test_c17_a_failure_at_any_statement_leaves_nothing(self):
        """Whatever is being written when the database fails: of the step nothing remains.

        LEDGER_STATEMENTS=all tries every single one.
        """
        analysis = self._import(self._analysis())
        self._fail_at_statements(analysis.post)
        analysis.post()
        amounts = {self.guia.name: 36.00, self.other.name: 33.33}
        payment = self._import(payment_message(self.lotes, amounts, "P1", [("01", "IRRF", 1.04)]))
        self._fail_at_statements(payment.post)
        payment.post()
        self._fail_at_statements(self.first.glosa_ids.accept)
        self._fail_at_statements(payment.undo)
        payment.undo()
        self._fail_at_statements(analysis.undo)
        analysis.undo()
        self.assertEqual(find_broken(self.contract), {})

    def _fail_at_statements(self, act):
        total = self._run_until(act, None)
        before = self._get_content()
        step = 1 if os.environ.get("LEDGER_STATEMENTS") == "all" else max(total // 3, 1)
        for number in range(1, total + 1, step):
            with self.subTest(act.__name__, statement=number, of=total):
                self._run_until(act, number)
                self.assertEqual(self._get_content(), before)

    def _run_until(self, act, last):
        """How many statements wrote something; the `last` one of them fails, if there is any."""
        execute, count = Cursor.execute, 0

        def fail_at_last(cr, query, *args, **kwargs):
            nonlocal count
            text = query.code if isinstance(query, SQL) else str(query)
            if text.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
                count += 1
                if count == last:
                    raise RuntimeError("injected")
            return execute(cr, query, *args, **kwargs)

        self.env.flush_all()
        with self.env.cr.savepoint() as savepoint, patch.object(Cursor, "execute", fail_at_last):
            try:
                act()
                self.env.flush_all()
                self.assertIsNone(last, "nothing failed")
            except RuntimeError:
                self.assertEqual(count, last)
            savepoint.rollback()
        self.env.invalidate_all()
        return count

    def test_c18_what_was_invoiced_meanwhile_is_not_invoiced_again(self):
        """Two people at once are a matter of test_races; this is the second of them."""
        lote = self._create_lote(CONSULTATION)
        lote.send()
        self.contract.invoice_moment = "manual"
        lote.register_protocol("7003", self.today)
        self.assertEqual(len(lote._create_invoices()), 1)
        self.assertFalse(lote._create_invoices())
        with self.assertRefused("is in invoice"):
            lote.action_create_invoice()

    def test_c19_the_order_of_the_items_in_the_file(self):
        released = {(self.guia.name, 1): (31.10, "1705"), (self.guia.name, 2): (4.90, "1806")}

        def post(items):
            self._import(analysis_message(self.first, dict(items), "A1")).post()

        items = list(released.items())
        self._compare(lambda: post(items), lambda: post(items[::-1]))

    def test_c20_accepting_in_two_parts_is_accepting_once(self):
        def accept(*parts):
            self._import(self._analysis()).post()
            glosas = self.first.glosa_ids.sorted("code")
            for part in parts:
                glosas[part].accept()

        self._compare(lambda: accept(slice(2)), lambda: accept(slice(1), slice(1, 2)))

    def test_c21_the_preview_says_what_is_posted_and_changes_nothing(self):
        demonstrativo = self._import(
            payment_message(self.second, {self.other.name: 33.33}, "P1", [("01", "IRRF", 0.50)])
        )
        before = self._get_content()
        preview = demonstrativo.preview()
        self.assertEqual(self._get_content(), before)
        demonstrativo.post()
        lines = demonstrativo.payment_ids.payment_id.move_id.line_ids
        self.assertEqual(
            sorted((row["account"], row["debit"] - row["credit"]) for row in preview["entries"]),
            sorted(
                (line.account_id.display_name, from_cents(to_cents(line.balance))) for line in lines
            ),
        )

    def test_c21_the_preview_of_what_is_invoiced_by_its_release(self):
        self.contract.invoice_moment = "released"
        lote = self._create_received_lote({ECG: 1}, protocol="7009")
        content = analysis_message(lote, {(lote.guia_ids.name, 1): (31.10, "1705")}, "A9")
        demonstrativo = self._import(content)
        entries = demonstrativo.preview()["entries"]
        demonstrativo.post()
        self.assertEqual(
            sorted((row["account"], row["debit"] - row["credit"]) for row in entries),
            sorted(
                (line.account_id.display_name, from_cents(to_cents(line.balance)))
                for line in lote.invoice_id.line_ids
            ),
        )

    def test_c21_the_preview_of_a_payment_that_makes_its_invoice(self):
        """30.00 are paid of 41.10 that nobody analysed: the payment, and an invoice of as much."""
        self.contract.invoice_moment = "released"
        lote = self._create_received_lote({ECG: 1}, protocol="7009")
        demonstrativo = self._import(payment_message(lote, {lote.guia_ids.name: 30.00}, "P9"))
        entries = demonstrativo.preview()["entries"]
        payment = demonstrativo.post()
        lines = payment.move_id.line_ids | lote.invoice_id.line_ids
        self.assertEqual(
            sorted((row["account"], row["debit"] - row["credit"]) for row in entries),
            sorted(
                (line.account_id.display_name, from_cents(to_cents(line.balance))) for line in lines
            ),
        )

    def test_c22_accepting_and_reopening_is_nothing(self):
        for moment in ("protocol", "released"):
            with self.subTest(moment):
                self.contract.invoice_moment = moment
                lote = self._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol=moment)
                self.lotes |= lote
                name = lote.guia_ids.name
                released = {(name, 1): (31.10, "1705"), (name, 2): (4.90, "1806")}
                self._import(analysis_message(lote, released, moment[:1])).post()
                before = self._get_digest()
                glosas = lote.glosa_ids
                glosas.accept()
                self.assertNotEqual(self._get_digest(), before)
                glosas[0].reopen("By mistake")
                self.assertEqual(glosas.mapped("amount_open"), [10.00, 0])
                self.assertEqual(find_broken(self.contract), {})
                glosas.reopen("By mistake")
                self.env.invalidate_all()
                self.assertEqual(self._get_digest(), before)
                self.assertEqual(find_broken(self.contract), {})

    def test_c23_convenios_together_are_the_trial_balance(self):
        other = self._create_contract("005711", provider_code="77")
        self._price(other, PRICES)
        plan = self.env["tiss.plan"].create(
            {"operadora_id": other.partner_id.id, "name": "Outro Plano"}
        )
        card = self.env["tiss.card"].create(
            {"patient_id": self.patient.id, "plan_id": plan.id, "number": "99887766"}
        )
        lote = self._create_received_lote({ECG: 2}, protocol="1", card_id=card.id)
        self.assertEqual(lote.contract_id, other)
        self._import(self._analysis()).post()
        self.first.glosa_ids[:1].accept()
        account = self.contract.receivable_account_id
        self.assertEqual(other.receivable_account_id, account)
        [[balance]] = self.env["account.move.line"]._read_group(
            [("account_id", "=", account.id), ("parent_state", "=", "posted")], [], ["balance:sum"]
        )
        open_cents = [
            sum(Books(contract).get_open().values()) for contract in (self.contract, other)
        ]
        self.assertEqual(sum(open_cents), to_cents(balance))
        self.assertEqual(open_cents[1], 8220)
        self.assertEqual(find_broken(self.contract | other), {})

    def test_c24_shares_of_cents(self):
        """Exact sum, no sign flip, never more than a cent from the exact share."""
        rng = random.Random(24)
        for _round in range(500):
            weights = [rng.choice((0, 1, rng.randint(1, 90000))) for _ in range(rng.randint(1, 9))]
            total = rng.randint(0, 2 * sum(weights) + 1)
            parts = allocate(total, weights)
            self.assertEqual(sum(parts), total)
            self.assertGreaterEqual(min(parts), 0)
            if sum(weights):
                for part, weight in zip(parts, weights, strict=True):
                    self.assertLess(abs(part * sum(weights) - total * weight), sum(weights))


def _fail(*args, **kwargs):
    raise RuntimeError("injected")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestMutants(LawCase):
    """Ways to book that look right and are wrong: each breaks an invariant that is named."""

    def _assert_found(self, act, mutants, numbers):
        """With the mutants, act() is refused; without the tie-out it breaks these invariants.

        :param mutants: [(model, name of a method, function instead of it)]
        """
        with self.env.cr.savepoint() as savepoint:
            act()
            self.assertEqual(find_broken(self.contract), {}, "sound without a mutant")
            savepoint.rollback()
        self.env.invalidate_all()
        patches = [
            patch.object(self.env.registry[model], name, mutant) for model, name, mutant in mutants
        ]
        with ExitStack() as stack:
            for each in patches:
                stack.enter_context(each)
            with self.assertRaises(UserError), self.env.cr.savepoint():
                act()
            self.env.invalidate_all()
            stack.enter_context(
                patch.object(self.env.registry["tiss.lote"], "_check_tie_out", lambda self: None)
            )
            act()
        self.env.invalidate_all()
        broken = find_broken(self.contract)
        self.assertLessEqual(set(numbers), set(broken), broken)
        self.assertTrue(self.contract._get_ledger_breaches())

    def test_fifo_reconcile(self):
        """One reconcile() over all puts the shortage on the wrong invoice (T2): 2."""
        original = self.env.registry["account.move.line"]._reconcile_plan

        def fifo(lines, plan):
            return original(lines, [lines.browse().union(*plan)])

        def act():
            # Odoo begins with the smaller invoice, which is the one that is paid short.
            amounts = {self.guia.name: 56.00, self.other.name: 30.00}
            self._import(payment_message(self.lotes, amounts, "P1")).post()

        mutants = [
            ("account.move.line", "_reconcile_plan", fifo),
            # Refuses it before anything is compared.
            ("account.partial.reconcile", "_tiss_check_same_lote", lambda partials: None),
        ]
        self._assert_found(act, mutants, {2})

    def test_entry_instead_of_a_credit_note(self):
        """Given up by a plain entry (T6, T7): 3."""

        def book(lote, date, label, amounts, account):
            total = float(from_cents(sum(amounts.values())))
            receivable = lote.invoice_id._tiss_get_receivable_lines().account_id
            sides = [
                {"account_id": account.id, "debit": total},
                {"account_id": receivable.id, "credit": total, "tiss_lote_id": lote.id},
            ]
            partner = lote.contract_id.partner_id.id
            journal = lote.company_id._tiss_get_accrual_journal()
            move = lote.env["account.move"].create(
                {
                    "journal_id": journal.id,
                    "date": date,
                    "line_ids": [
                        Command.create({"name": label, "partner_id": partner, **side})
                        for side in sides
                    ],
                }
            )
            move.action_post()
            lote._match_receivables()
            return move

        def book_all(_lotes, notes):
            return {lote: book(lote, *note) for lote, note in notes.items()}

        def act():
            self._import(self._analysis()).post()
            self.first.glosa_ids.accept()

        self._assert_found(act, [("tiss.lote", "_book_credit_notes", book_all)], {3})

    def test_write_off_lines(self):
        """Retentions as write-off lines, which an edit collapses (T1): 4, 6 and 10."""
        Payment = self.env.registry["tiss.demonstrativo.payment"]
        original_values = Payment._prepare_account_payment
        original_post = self.env.registry["account.payment"].action_post

        def prepare(payment):
            vals = original_values(payment)
            lines = [command[2] for command in vals.pop("line_ids")]
            accounts = payment.adjustment_ids.account_id.ids
            vals["write_off_line_vals"] = [line for line in lines if line["account_id"] in accounts]
            return vals

        def post(payments):
            for payment in payments:
                payment.date -= timedelta(days=1)
            return original_post(payments)

        def act():
            content = payment_message(
                self.second,
                {self.other.name: 33.33},
                "P1",
                [("01", "IRRF", 0.50), ("04", "PIS", 0.22), ("05", "COFINS", 1.00)],
            )
            self._import(content).post()

        mutants = [
            ("tiss.demonstrativo.payment", "_prepare_account_payment", prepare),
            ("account.payment", "action_post", post),
        ]
        self._assert_found(act, mutants, {4, 6, 10})

    def test_credit_note_above_what_is_open(self):
        """A note of more than the items were denied leaves a floating credit (T4): 2, 3 and 4."""
        original = self.env.registry["tiss.lote"]._prepare_credit_note

        def prepare(lote, date, label, amounts, account):
            # The rest of the invoice was paid: what is open is the glosa alone.
            doubled = {name: 2 * amount for name, amount in amounts.items()}
            return original(lote, date, label, doubled, account)

        def act():
            self._import(self._analysis()).post()
            self._import(payment_message(self.first, {self.guia.name: 36.00}, "P1")).post()
            self.first.glosa_ids.accept()

        self._assert_found(act, [("tiss.lote", "_prepare_credit_note", prepare)], {2, 3, 4})

    def test_no_unique_index(self):
        """The same demonstrativo twice (11); the index refuses it even where nobody looks."""
        analysis = self._import(self._analysis(first=41.10, second=(4.90, "1806")))
        analysis.post()
        # Half of what is released, so that the same file a second time would be payable.
        content = payment_message(self.first, {self.guia.name: 23.00}, "P1")

        def forget(model, reading):
            return model.browse(), {number: "imported" for number, _vals in reading.numbered}

        mutants = [
            patch.object(
                self.env.registry["tiss.demonstrativo"], "_find_imported",
                lambda model, content: model.browse(),
            ),
            patch.object(self.env.registry["tiss.demonstrativo"], "_split_known", forget),
        ]  # fmt: skip
        self._import(content).post()
        once = self._get_digest()
        with ExitStack() as stack:
            for mutant in mutants:
                stack.enter_context(mutant)
            with self.assertRefused("already imported", Exception):
                self._import(content).post()
            self.env.cr.execute("DROP INDEX tiss_demonstrativo_number_uniq")
            self._import(content).post()
        self.env.invalidate_all()
        self.assertNotEqual(self._get_digest(), once, "11: twice is not once")
        self.assertEqual(self.guia.amount_paid, 46.00)
