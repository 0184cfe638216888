from datetime import timedelta

from dateutil.relativedelta import relativedelta
from psycopg2.errors import SerializationFailure

from odoo.exceptions import LockError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .bank_records import BankRecords
from .common import BLOOD_COUNT, CONSULTATION, ECG
from .ledger_invariants import find_broken
from .race_common import MoneyRaceCase
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestMoneyRace(BankRecords, MoneyRaceCase):
    """Two people move the same money at once, in two real transactions that commit."""

    def _commit_lote(self, analysis=None):
        """Ids of a received lote of one consultation of 150.00, and of its analysis."""
        with self._commit() as env:
            lote = self._create_received_lote(CONSULTATION, protocol="7001")
            name = lote.guia_ids.name
            posted = env["tiss.demonstrativo"]
            if analysis is not None:
                content = analysis_message(lote, {(name, 1): analysis}, "A1")
                posted = posted.import_file("analise.xml", content)
                posted.post()
            return lote.id, posted.id

    def _commit_payments(self, lote_id, *amounts):
        """Ids of imported demonstrativos that pay the guia of a lote."""
        with self._commit() as env:
            lote = env["tiss.lote"].browse(lote_id)
            ids = []
            for number, amount in enumerate(amounts):
                content = payment_message(lote, {lote.guia_ids.name: amount}, f"P{number}")
                ids += env["tiss.demonstrativo"].import_file(f"p{number}.xml", content).ids
            return ids

    def _call(self, model, ids, method, *args, **options):
        """A job for `_both_at_once`."""

        def job(env):
            getattr(env[model].browse(ids), method)(*args, **options)
            return "done"

        return job

    def _run(self, *jobs):
        """What became of each: "done", or the refusal; anything else is an error."""
        results = self._both_at_once(*jobs)
        for result in results:
            self.assertTrue(result == "done" or isinstance(result, UserError), result)
        return results

    def _assert_sound(self, lote_id):
        with self._session() as env:
            lote = env["tiss.lote"].browse(lote_id)
            self.assertEqual(find_broken(lote.contract_id), {})
            self.assertEqual(lote.contract_id.check_ledger(), [])
            [item] = lote.guia_ids.line_ids
            return item.read([name for name in item._fields if name.startswith("amount_")])[0]

    def _assert_too_late(self, late, words):
        """What it had read has changed; Odoo tries such a call once more, and that is refused."""
        with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure):
            late.post()
        late.env.cr.rollback()
        with self.assertRaisesRegex(UserError, words):
            late.post()

    # ------------------------------------------------------------------
    # Demonstrativos
    # ------------------------------------------------------------------

    def test_one_payment_is_posted_once(self):
        lote_id, _analysis = self._commit_lote()
        [payment_id] = self._commit_payments(lote_id, 150.00)
        post = self._call("tiss.demonstrativo", payment_id, "post")
        self.assertIn("done", self._run(post, post))
        self.assertEqual(self._assert_sound(lote_id)["amount_paid"], 150.00)
        with self._session() as env:
            lote = env["tiss.lote"].browse(lote_id)
            self.assertEqual(len(lote._get_entries("entry")), 1)
            self.assertEqual(lote.guia_ids.movement_ids.mapped("kind"), ["bill", "pay"])

    def test_a_payment_that_looked_before_the_other_had_finished(self):
        lote_id, _analysis = self._commit_lote()
        ids = self._commit_payments(lote_id, 150.00, 150.00)
        with self._session() as first, self._session() as second:
            late = second["tiss.demonstrativo"].browse(ids[1])
            self.assertEqual(late.state, "imported")
            first["tiss.demonstrativo"].browse(ids[0]).post()
            first.cr.commit()
            self._assert_too_late(late, "Paid more than is open")
        self.assertEqual(self._assert_sound(lote_id)["amount_paid"], 150.00)

    def test_two_payments_of_one_guia(self):
        """150.00 are owed once, whoever comes first; 100.00 and 50.00 find their place together."""
        lote_id, _analysis = self._commit_lote(150.00)
        twice = self._commit_payments(lote_id, 150.00, 150.00)
        jobs = [self._call("tiss.demonstrativo", each, "post") for each in twice]
        results = self._run(*jobs)
        self.assertEqual(results.count("done"), 1, results)
        self.assertEqual(self._assert_sound(lote_id)["amount_paid"], 150.00)

    def test_two_parts_of_one_guia(self):
        lote_id, _analysis = self._commit_lote(150.00)
        parts = self._commit_payments(lote_id, 100.00, 50.00)
        results = self._run(*(self._call("tiss.demonstrativo", each, "post") for each in parts))
        with self._session() as env:
            env["tiss.demonstrativo"].browse(parts).post()
            env.cr.commit()
        self.assertIn("done", results)
        self.assertEqual(self._assert_sound(lote_id)["amount_paid"], 150.00)

    def test_a_payment_and_the_undoing_of_its_analysis(self):
        lote_id, analysis_id = self._commit_lote((100.00, "1705"))
        [payment_id] = self._commit_payments(lote_id, 100.00)
        results = self._run(
            self._call("tiss.demonstrativo", payment_id, "post"),
            self._call("tiss.demonstrativo", analysis_id, "undo"),
        )
        self.assertIn("done", results)
        self._assert_sound(lote_id)

    def test_one_payment_is_undone_once(self):
        lote_id, _analysis = self._commit_lote()
        [payment_id] = self._commit_payments(lote_id, 150.00)
        with self._session() as env:
            env["tiss.demonstrativo"].browse(payment_id).post()
            env.cr.commit()
        undo = self._call("tiss.demonstrativo", payment_id, "undo")
        self.assertIn("done", self._run(undo, undo))
        self.assertEqual(self._assert_sound(lote_id)["amount_to_process"], 150.00)
        with self._session() as env:
            kinds = env["tiss.lote"].browse(lote_id).guia_ids.movement_ids.mapped("kind")
            self.assertEqual(kinds, ["bill", "pay", "undo"])

    # ------------------------------------------------------------------
    # Glosas
    # ------------------------------------------------------------------

    def _commit_glosa(self):
        lote_id, analysis_id = self._commit_lote((100.00, "1705"))
        with self._session() as env:
            return lote_id, analysis_id, env["tiss.lote"].browse(lote_id).glosa_ids.id

    def test_a_glosa_is_accepted_once(self):
        lote_id, _analysis, glosa_id = self._commit_glosa()
        accept = self._call("tiss.glosa", glosa_id, "accept")
        self.assertIn("done", self._run(accept, accept))
        item = self._assert_sound(lote_id)
        self.assertEqual((item["amount_accepted"], item["amount_denied"]), (50.00, 0))
        with self._session() as env:
            notes = env["tiss.lote"].browse(lote_id)._get_entries("out_refund")
            self.assertEqual(notes.mapped("amount_total"), [50.00])

    def test_a_glosa_is_accepted_or_contested(self):
        lote_id, _analysis, glosa_id = self._commit_glosa()

        def contest(env):
            recurso = env["tiss.glosa"].browse(glosa_id).create_recurso()
            recurso.line_ids.justification = "Conforme a guia"
            recurso.send()
            return "done"

        results = self._run(self._call("tiss.glosa", glosa_id, "accept"), contest)
        self.assertEqual(results.count("done"), 1, results)
        item = self._assert_sound(lote_id)
        self.assertEqual(sorted([item["amount_accepted"], item["amount_appealed"]]), [0, 50.00])

    def test_a_glosa_is_accepted_or_its_analysis_undone(self):
        lote_id, analysis_id, glosa_id = self._commit_glosa()
        results = self._run(
            self._call("tiss.glosa", glosa_id, "accept"),
            self._call("tiss.demonstrativo", analysis_id, "undo"),
        )
        self.assertIn("done", results)
        self._assert_sound(lote_id)

    # ------------------------------------------------------------------
    # The end of the month
    # ------------------------------------------------------------------

    def _commit_month(self):
        """A provision of 150.00 × 20 % of last month, with what it is booked by."""
        with self._commit() as env:
            date = self.today.replace(day=1) - relativedelta(days=1)
            lote = self._create_lote(CONSULTATION)
            lote.send()
            lote.register_protocol("7001", date)
            company = env.company
            company.write(
                {
                    "tiss_provision_account_id": self._create_account(env, "V1", "asset_current"),
                    "tiss_provision_result_account_id": self._create_account(env, "V2", "expense"),
                    "tiss_provision_journal_id": self._create_journal(env, "RVV", "general"),
                }
            )
            provision = env["tiss.provision"].create(
                {
                    "company_id": company.id,
                    "contract_id": self.contract.id,
                    "date": date,
                    "amount_to_process": 150.00,
                    "denied_percent": 20,
                }
            )
            self.assertEqual(provision.amount, 30.00)
            return lote.id, provision.id

    def test_a_provision_is_posted_once(self):
        _lote, provision_id = self._commit_month()
        post = self._call("tiss.provision", provision_id, "post")
        self.assertIn("done", self._run(post, post))
        with self._session() as env:
            provision = env["tiss.provision"].browse(provision_id)
            self.assertEqual((provision.state, provision.amount_booked), ("posted", 30.00))
            account = env.company.tiss_provision_account_id
            lines = env["account.move.line"].search([("account_id", "=", account.id)])
            self.assertEqual(sorted(lines.mapped("balance")), [-30.00, 30.00])

    def test_a_month_is_provided_for_once(self):
        _lote, provision_id = self._commit_month()

        def propose(env):
            env["tiss.provision"].action_propose()
            return "done"

        results = self._both_at_once(propose, propose)
        self.assertIn("done", results)
        with self._session() as env:
            rows = env["tiss.provision"].search([("contract_id", "=", self.contract.id)])
            self.assertEqual(len(rows), len(rows.mapped("date")), results)

    def test_what_is_posted_into_a_month_while_it_is_closed(self):
        lote_id, _analysis = self._commit_lote()
        month_end = self.today.replace(day=1) - timedelta(days=1)
        with self._commit() as env:
            lote = env["tiss.lote"].browse(lote_id)
            content = payment_message(lote, {lote.guia_ids.name: 150.00}, "P1", day=month_end)
            payment_id = env["tiss.demonstrativo"].import_file("p.xml", content).id
            closing = env["tiss.closing"].create({"date": month_end, "reason": "Corrida"})
            closing_id = closing.id
        with self._session() as accountant, self._session() as biller:
            biller["tiss.demonstrativo"].browse(payment_id).post()
            with self.assertRaises(LockError), mute_logger("odoo.sql_db"):
                accountant["tiss.closing"].browse(closing_id).close()
            accountant.cr.rollback()
            biller.cr.commit()
            accountant["tiss.closing"].browse(closing_id).close()
            accountant.cr.commit()
        with self._session() as env:
            entry = env["tiss.demonstrativo"].browse(payment_id).payment_ids.payment_id.move_id
            self.assertEqual((entry.date, entry.state), (month_end, "posted"))

    def test_what_looked_before_a_month_was_closed(self):
        lote_id, _analysis = self._commit_lote()
        month_end = self.today.replace(day=1) - timedelta(days=1)
        with self._commit() as env:
            lote = env["tiss.lote"].browse(lote_id)
            content = payment_message(lote, {lote.guia_ids.name: 150.00}, "P1", day=month_end)
            payment_id = env["tiss.demonstrativo"].import_file("p.xml", content).id
        with self._session() as biller, self._session() as accountant:
            late = biller["tiss.demonstrativo"].browse(payment_id)
            self.assertFalse(late.company_id.fiscalyear_lock_date)
            accountant["res.company"].browse(late.company_id.id).fiscalyear_lock_date = month_end
            accountant.cr.commit()
            self._assert_too_late(late, "books are closed")
        self.assertEqual(self._assert_sound(lote_id)["amount_paid"], 0)

    def test_a_month_is_accrued_once(self):
        with self._commit() as env:
            self.contract.invoice_moment = "released"
            self._create_received_lote(CONSULTATION, protocol="7001")
            self._create_journal(env, "RVG", "general")
            env.company.tiss_accrual_account_id = self._create_account(env, "W1", "asset_current")
            contract_id = self.contract.id
        end = self.today + relativedelta(day=31)
        accrue = self._call("tiss.contract", contract_id, "accrue_unreleased", end)
        results = self._run(accrue, accrue)
        self.assertEqual(results.count("done"), 1, results)
        with self._session() as env:
            accruals = env["tiss.contract"].browse(contract_id)._get_accruals(end)
            self.assertEqual(accruals.mapped("amount_total"), [150.00])

    # ------------------------------------------------------------------
    # Professionals and patients
    # ------------------------------------------------------------------

    def _commit_repasse(self):
        """A draft repasse of 30.00 of 150.00 that were paid, to a company."""
        lote_id, _analysis = self._commit_lote()
        [payment_id] = self._commit_payments(lote_id, 150.00)
        with self._commit() as env:
            env["tiss.demonstrativo"].browse(payment_id).post()
            env["tiss.repasse.rule"].create({"percent": 20})
            self.professional.tiss_repasse_payee_id = env["res.partner"].create(
                {"name": "Clínica dos Médicos Inventados", "is_company": True}
            )
            env.company.write(
                {
                    "tiss_repasse_account_id": self._create_account(env, "Y1", "expense"),
                    "tiss_repasse_journal_id": self._create_journal(env, "RRP", "purchase"),
                }
            )
            payable = self._create_account(env, "Y2", "liability_payable", True)
            self.professional.tiss_repasse_payee_id.property_account_payable_id = payable
            repasse = env["tiss.repasse"].generate(self.today)
            self.assertEqual(repasse.amount_total, 30.00)
            return repasse.id

    def test_a_repasse_is_closed_once(self):
        repasse_id = self._commit_repasse()
        close = self._call("tiss.repasse", repasse_id, "close")
        results = self._run(close, close)
        self.assertEqual(results.count("done"), 1, results)
        with self._session() as env:
            origin = env["tiss.repasse"].browse(repasse_id).display_name
            bills = env["account.move"].search([("invoice_origin", "=", origin)])
            self.assertEqual(bills.mapped("amount_total"), [30.00])

    def test_a_repasse_is_generated_while_it_is_closed(self):
        """Whatever comes first, a movement is shared once."""
        repasse_id = self._commit_repasse()

        def generate(env):
            env["tiss.repasse"].generate(env["tiss.repasse"].browse(repasse_id).date)
            return "done"

        results = self._both_at_once(self._call("tiss.repasse", repasse_id, "close"), generate)
        self.assertIn("done", results)
        with self._session() as env:
            lines = env["tiss.repasse.line"].search(
                [("contract_id", "=", self.contract.id), ("professional_id", "!=", False)]
            )
            self.assertEqual(lines.mapped("amount"), [30.00], results)

    def test_a_repasse_is_generated_twice_at_once(self):
        self._commit_repasse()

        def generate(env):
            env["tiss.repasse"].generate(self.today)
            return "done"

        results = self._both_at_once(generate, generate)
        self.assertIn("done", results)
        with self._session() as env:
            lines = env["tiss.repasse.line"].search([("contract_id", "=", self.contract.id)])
            self.assertEqual(lines.mapped("amount"), [30.00], results)

    # ------------------------------------------------------------------
    # What is not identified
    # ------------------------------------------------------------------

    def test_a_supplement_is_billed_once(self):
        with self._commit() as env:
            lote = self._create_received_lote(BLOOD_COUNT, ECG, protocol="7001")
            env.company.tiss_suspense_account_id = self._create_account(
                env, "X1", "liability_current", True
            )
            content = payment_message(
                lote, dict.fromkeys(lote.guia_ids.mapped("name"), 50.00), "P1"
            )
            payment = env["tiss.demonstrativo"].import_file("p.xml", content)
            payment.post(with_unidentified=True)
            [row] = payment.discrepancy_ids.filtered(lambda row: row.code == "suspended")
            row_id, contract_id = row.id, lote.contract_id.id
        bill = self._call("tiss.discrepancy", row_id, "resolve", "supplement")
        self.assertIn("done", self._run(bill, bill))
        with self._session() as env:
            account = env.company.tiss_suspense_account_id
            lines = env["account.move.line"].search([("account_id", "=", account.id)])
            self.assertEqual(sum(lines.mapped("amount_residual")), 0)
            self.assertEqual(sum(lines.mapped("balance")), 0)
            self.assertEqual(env["tiss.contract"].browse(contract_id).check_ledger(), [])
