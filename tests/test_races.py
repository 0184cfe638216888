from unittest.mock import patch

from psycopg2.errors import LockNotAvailable, SerializationFailure

from odoo.exceptions import LockError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..models import tiss_guia_run
from ..models.tiss_guia_run import TissGuiaRun
from ..models.tiss_movement import TissMovement
from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .race_common import RaceCase
from .return_messages import analysis_message, payment_message
from .terms_records import create_denied_request


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRaces(RaceCase):
    """Two people at the same time, in two real transactions that commit."""

    # ------------------------------------------------------------------
    # Numbers
    # ------------------------------------------------------------------

    def _take(self, env, count):
        contract = env["tiss.contract"].browse(self.contract.id)
        return list(contract._take_numbers("next_guia_number", count))

    def test_the_second_taker_of_numbers_waits_for_the_first(self):
        with self._session() as first, self._session() as second:
            self.assertEqual(self._take(first, 3), [1, 2, 3])
            second.cr.execute("SET LOCAL lock_timeout = '200ms'")
            with mute_logger("odoo.sql_db"), self.assertRaises(LockNotAvailable):
                self._take(second, 2)
            second.cr.rollback()
            first.cr.commit()
            self.assertEqual(self._take(second, 2), [4, 5])

    def test_numbers_of_a_taker_who_gives_up_are_free_again(self):
        with self._session() as first, self._session() as second:
            self.assertEqual(self._take(first, 3), [1, 2, 3])
            first.cr.rollback()
            self.assertEqual(self._take(second, 2), [1, 2])

    def test_a_taker_with_an_old_view_starts_again(self):
        with self._session() as first, self._session() as second:
            second.cr.execute("SELECT 1 FROM tiss_contract LIMIT 1")  # its view is fixed here
            self._take(first, 3)
            first.cr.commit()
            with mute_logger("odoo.sql_db"), self.assertRaises(SerializationFailure):
                self._take(second, 2)
            second.cr.rollback()
            self.assertEqual(self._take(second, 2), [4, 5])

    def test_four_people_never_get_the_same_number(self):
        results = self._both_at_once(*[lambda env: self._take(env, 5)] * 4)
        self.assertEqual(sorted(sum(results, [])), list(range(1, 21)))

    def test_guias_of_two_people_are_numbered_without_gap(self):
        with self._commit():
            encounters = self._create_encounters(*[CONSULTATION] * 6)
            ids = encounters.ids
        results = self._both_at_once(
            lambda env: env["tiss.encounter"].browse(ids[:3]).create_guias().mapped("number"),
            lambda env: env["tiss.encounter"].browse(ids[3:]).create_guias().mapped("number"),
        )
        self.assertEqual(sorted(sum(results, [])), [1, 2, 3, 4, 5, 6])

    # ------------------------------------------------------------------
    # The main card
    # ------------------------------------------------------------------

    def test_two_people_who_choose_a_main_card_leave_one(self):
        with self._commit() as env:
            cards = env["tiss.card"].create(
                [
                    {"patient_id": self.patient.id, "plan_id": self.plan.id, "number": number}
                    for number in ("1", "2")
                ]
            )
            ids = cards.ids
            patient_id = self.patient.id
        results = self._both_at_once(
            lambda env: env["tiss.card"].browse(ids[0]).write({"is_main": True}),
            lambda env: env["tiss.card"].browse(ids[1]).write({"is_main": True}),
        )
        self.assertEqual(results, [True, True], "the later one wins")
        with self._session() as env:
            main = env["res.partner"].browse(patient_id).tiss_card_ids.filtered("is_main")
            self.assertEqual(len(main), 1)
            self.assertIn(main.id, ids)

    # ------------------------------------------------------------------
    # The same visits, the same guias
    # ------------------------------------------------------------------

    def _commit_guias(self, *visits):
        with self._commit():
            guias = self._create_encounters(*visits).create_guias()
            return guias.ids, guias.encounter_ids.ids

    def test_the_same_visits_are_billed_once(self):
        with self._commit():
            ids = self._create_encounters(CONSULTATION, ECG).ids

        def bill(env):
            return len(env["tiss.encounter"].browse(ids).create_guias())

        results = self._both_at_once(bill, bill)
        self._assert_one_winner(results, 2)
        with self._session() as env:
            self.assertEqual(len(env["tiss.encounter"].browse(ids).guia_ids), 2)
            contract = env["tiss.contract"].browse(self.contract.id)
            self.assertEqual(contract.next_guia_number, 3)

    def _commit_run(self, count):
        """Ids of `count` visits, and of the generation that bills them two by two."""
        with (
            self._commit() as env,
            patch.object(tiss_guia_run, "AT_ONCE", 0),
            patch.object(tiss_guia_run, "BATCH", 2),
        ):
            biller = new_test_user(
                env, "corrida.faturista", groups="l10n_br_tiss.group_tiss_billing"
            )
            encounters = self._create_encounters(*[CONSULTATION] * count)
            run = env["tiss.guia.run"].with_user(biller).start(encounters.with_user(biller))
            return encounters.ids, run.id

    def _assert_billed_once(self, encounter_ids):
        with self._session() as env:
            encounters = env["tiss.encounter"].browse(encounter_ids)
            self.assertEqual([len(each.guia_ids) for each in encounters], [1] * len(encounters))
            numbers = sorted(encounters.guia_ids.mapped("number"))
            self.assertEqual(numbers, list(range(1, len(encounters) + 1)))

    def test_a_generation_whose_worker_is_killed_goes_on(self):
        ids, run_id = self._commit_run(5)
        process = TissGuiaRun._process
        looked_at = []

        def die_in_the_second_batch(run, lines):
            process(run, lines)
            looked_at.append(len(lines))
            if len(looked_at) == 2:
                raise SystemExit  # after its work, before its commit

        with (
            self._session() as env,
            patch.object(TissGuiaRun, "_process", die_in_the_second_batch),
            self.assertRaises(SystemExit),
        ):
            env["tiss.guia.run"]._cron_generate()
        with self._session() as env:
            run = env["tiss.guia.run"].browse(run_id)
            self.assertEqual((run.state, run.done_count, run.guia_count), ("running", 2, 2))
            run._cron_generate()
            self.assertEqual((run.state, run.done_count, run.guia_count), ("done", 5, 5))
        self._assert_billed_once(ids)

    def test_two_workers_and_a_person_bill_once(self):
        ids, run_id = self._commit_run(6)

        def work(env):
            env["tiss.guia.run"]._cron_generate()

        def bill(env):
            return len(env["tiss.encounter"].browse(ids[2:4]).create_guias())

        self._both_at_once(work, work, bill)
        with self._session() as env:
            env["tiss.guia.run"].browse(run_id).action_retry()
            env["tiss.guia.run"]._cron_generate()
        self._assert_billed_once(ids)

    def test_the_same_guias_go_into_one_lote(self):
        ids, _encounters = self._commit_guias(CONSULTATION, CONSULTATION)

        def close(env):
            return len(env["tiss.guia"].browse(ids).create_lotes())

        results = self._both_at_once(close, close)
        self._assert_one_winner(results, 1)
        with self._session() as env:
            lote = env["tiss.contract"].browse(self.contract.id).lote_ids
            self.assertEqual((len(lote), lote.guia_count), (1, 2))

    def test_the_second_lote_is_told_at_once(self):
        ids, _encounters = self._commit_guias(CONSULTATION)
        with self._session() as first, self._session() as second:
            first["tiss.guia"].browse(ids).create_lotes()
            with self.assertRaises(LockError):
                second["tiss.guia"].browse(ids).create_lotes()
            second.cr.rollback()
            first.cr.commit()
            with self.assertRaisesRegex(Exception, "not ready for a lote"):
                second["tiss.guia"].browse(ids).create_lotes()

    def _assert_one_winner(self, results, winner):
        """One job did it all; the other was refused in words, not by a broken constraint."""
        failures = [each for each in results if isinstance(each, Exception)]
        self.assertEqual([each for each in results if each not in failures], [winner])
        self.assertEqual(len(failures), 1)
        self.assertRegex(str(failures[0]), "not closed|not ready|working on|cannot be done now")

    # ------------------------------------------------------------------
    # The same authorisation
    # ------------------------------------------------------------------

    def _commit_authorised_guias(self):
        """Two guias that each use 1 of 5 authorised units."""
        with self._commit() as env:
            guias = self._create_encounters(ECG, ECG).create_guias()
            request = create_denied_request(guias[0])
            [line] = request.line_ids
            request.register_answer("7", {line: 5}, authorization_password="S1")
            vals = env["tiss.guia"]._prepare_authorization_vals(request, "sp_sadt")
            guias.write({**vals, "authorization_id": request.id})
            guias.line_ids.date = request.authorization_date
            self.assertEqual((line.quantity_used, guias.mapped("problems")), (2, [False, False]))
            return guias.ids, line.id

    def test_two_guias_that_take_the_same_rest(self):
        ids, line_id = self._commit_authorised_guias()

        def use(env, guia_id):
            guia = env["tiss.guia"].browse(guia_id)
            guia.line_ids = [Command.update(guia.line_ids.id, {"quantity": 3})]
            return "done"

        results = self._both_at_once(*(lambda env, key=key: use(env, key) for key in ids))
        self.assertEqual(results, ["done", "done"])
        with self._session() as env:
            line = env["tiss.authorization.line"].browse(line_id)
            self.assertEqual((line.quantity_used, line.quantity_excess), (6, 1))
            older, newer = env["tiss.guia"].browse(sorted(ids))
            self.assertFalse(older.problems)
            self.assertIn("other guias use 3", newer.problems)
            with self.assertRaisesRegex(UserError, "not ready for a lote"):
                newer.create_lotes()

    # ------------------------------------------------------------------
    # The same demonstrativo
    # ------------------------------------------------------------------

    def _commit_analysis(self):
        with self._commit() as env:
            lote = self._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="R1")
            guia = lote.guia_ids
            content = analysis_message(
                lote, {(guia.name, 1): 41.10, (guia.name, 2): (4.90, "1705")}, "R1"
            )
            analysis = env["tiss.message"].receive_file("analise.xml", content)
            return analysis.id, lote.id

    def _assert_posted_once(self, lote_id):
        with self._session() as env:
            lote = env["tiss.lote"].browse(lote_id)
            kinds = lote.guia_ids.movement_ids.mapped("kind")
            self.assertEqual(sorted(kinds), ["bill", "bill", "deny", "release", "release"])
            self.assertEqual(lote.glosa_ids.mapped("amount"), [10.00])
            self.assertEqual(lote.contract_id.check_ledger(), [])

    def test_two_posts_of_one_demonstrativo(self):
        analysis_id, lote_id = self._commit_analysis()

        def post(env):
            env["tiss.demonstrativo"].browse(analysis_id).post()
            return "done"

        results = self._both_at_once(post, post)
        self.assertIn("done", results)
        for result in results:
            self.assertTrue(result == "done" or isinstance(result, LockError), result)
        self._assert_posted_once(lote_id)

    def test_a_post_while_another_is_under_way(self):
        analysis_id, lote_id = self._commit_analysis()
        with self._session() as first, self._session() as second:
            first["tiss.demonstrativo"].browse(analysis_id).post()
            with self.assertRaises(LockError):
                second["tiss.demonstrativo"].browse(analysis_id).post()
            second.cr.rollback()
            first.cr.commit()
            second["tiss.demonstrativo"].browse(analysis_id).post()
            second.cr.commit()
        self._assert_posted_once(lote_id)

    def test_a_post_that_looked_before_the_other_had_finished(self):
        analysis_id, lote_id = self._commit_analysis()
        with self._session() as first, self._session() as second:
            late = second["tiss.demonstrativo"].browse(analysis_id)
            self.assertEqual(late.state, "imported")
            first["tiss.demonstrativo"].browse(analysis_id).post()
            first.cr.commit()
            with mute_logger("odoo.sql_db"), self.assertRaises((SerializationFailure, LockError)):
                late.post()
            second.cr.rollback()
        self._assert_posted_once(lote_id)

    def _assert_sound(self, lote_id, *histories):
        with self._session() as env:
            lote = env["tiss.lote"].browse(lote_id)
            kinds = sorted(lote.guia_ids.movement_ids.mapped("kind"))
            self.assertIn(kinds, [sorted(history) for history in histories])
            self.assertEqual(lote.contract_id.check_ledger(), [])

    def test_an_answer_and_a_withdrawal_at_once(self):
        analysis_id, lote_id = self._commit_analysis()

        def post(env):
            env["tiss.demonstrativo"].browse(analysis_id).post()

        def withdraw(env):
            env["tiss.lote"].browse(lote_id).guia_ids.withdraw("1308 at reception")

        results = self._both_at_once(post, withdraw)
        self.assertIn(None, results)
        for failure in filter(None, results):
            self.assertIsInstance(failure, UserError)
        answered = ["bill", "bill", "deny", "release", "release"]
        self._assert_sound(lote_id, answered, ["bill", "bill", "withdraw", "withdraw"])

    def test_a_withdrawal_that_looked_before_the_answer(self):
        analysis_id, lote_id = self._commit_analysis()
        with self._session() as first, self._session() as second:
            guia = second["tiss.lote"].browse(lote_id).guia_ids
            self.assertFalse(guia._is_answered())
            first["tiss.demonstrativo"].browse(analysis_id).post()
            first.cr.commit()
            with mute_logger("odoo.sql_db"), self.assertRaises((SerializationFailure, LockError)):
                guia.withdraw("1308 at reception")
            second.cr.rollback()
            with self.assertRaisesRegex(UserError, "recurso de glosa"):
                guia.withdraw("1308 at reception")
        self._assert_sound(lote_id, ["bill", "bill", "deny", "release", "release"])

    def test_two_imports_of_one_file(self):
        with self._commit():
            lote = self._create_received_lote(ECG, protocol="R2")
            content = analysis_message(lote, {(lote.guia_ids.name, 1): 41.10}, "R2")

        def receive(env):
            return env["tiss.message"].receive_file("analise.xml", content).ids

        results = self._both_at_once(receive, receive)
        with self._session() as env:
            found = env["tiss.demonstrativo"].search([("contract_id", "=", self.contract.id)])
            self.assertEqual(len(found), 1)
            for result in results:
                if isinstance(result, Exception):
                    self.assertIn("already imported", str(result))
                else:
                    self.assertEqual(result, found.ids)

    def test_two_protocolos_for_one_lote(self):
        with self._commit():
            lote = self._create_lote(ECG)
            lote.send()
            lote_id = lote.id

        def register(number):
            def job(env):
                return env["tiss.lote"].browse(lote_id).register_protocol(number).protocol_number

            return job

        results = self._both_at_once(register("A"), register("B"))
        with self._session() as env:
            lote = env["tiss.lote"].browse(lote_id)
            winner = lote.protocol_number
            self.assertEqual(lote.amount_open, 41.10)
            self.assertEqual(lote.guia_ids.movement_ids.mapped("kind"), ["bill"])
        self.assertIn(winner, ("A", "B"))
        self._assert_one_winner(results, winner)

    def test_two_people_price_one_procedure_for_the_same_days(self):
        """What the first has just committed the second cannot see: he has to start again."""
        with self._session() as first, self._session() as second:
            second.cr.execute("SELECT 1")  # from here on it sees the database of this moment
            vals = {
                "pricelist_id": self.contract.with_env(first).pricelist_id.id,
                "product_tmpl_id": self.products[ECG].with_env(first).product_tmpl_id.id,
                "tiss_plan_id": self.plan.id,
                "fixed_price": 10.0,
            }
            first["product.pricelist.item"].create(vals)
            first.cr.commit()
            with self.assertRaises(SerializationFailure), mute_logger("odoo.sql_db"):
                second["product.pricelist.item"].create(vals)
        with self._session() as third, self.assertRaisesRegex(ValidationError, "two prices"):
            third["product.pricelist.item"].create(vals)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestFailures(TissCommon):
    """Something breaks in the middle of a long step: nothing of the step remains."""

    class Broken(Exception):
        """What no code of ours expects."""

    def _assert_nothing_remains(self, model, method, step):
        """Break Odoo's or our `method`, before it does anything and after it did everything."""
        owner = model if isinstance(model, type) else self.env.registry[model]
        original = getattr(owner, method)

        def broken_after(*args, **kwargs):
            original(*args, **kwargs)
            raise self.Broken

        for name, effect in (("before", self.Broken), ("after", broken_after)):
            with self.subTest(f"{name} {method}"):
                before = self._get_content()
                with patch.object(owner, method, autospec=True, side_effect=effect) as spy:
                    with self.assertRaises(self.Broken), self.env.cr.savepoint():
                        step()
                    self.assertTrue(spy.called)
                self.env.invalidate_all()
                self.assertEqual(self._get_content(), before)

    def test_protocolo(self):
        lote = self._create_lote({ECG: 1, DIPYRONE: 2})
        lote.send()
        for model, method in (
            (TissMovement, "_record"),
            ("account.move", "create"),
            ("account.move", "action_post"),
        ):
            self._assert_nothing_remains(
                model, method, lambda: lote.register_protocol("1", self.today)
            )
        lote.register_protocol("1", self.today)
        self.assertEqual(lote.invoice_id.amount_total, 56.00)
        self.assertLedgerSound()

    def test_posting(self):
        lote = self._create_received_lote({ECG: 1, DIPYRONE: 2})
        guia = lote.guia_ids
        receive = self.env["tiss.message"].receive_file
        analysis = receive(
            "a.xml", analysis_message(lote, {(guia.name, 1): 41.10, (guia.name, 2): 4.90}, "D1")
        )
        self._assert_nothing_remains("tiss.glosa", "create", analysis.post)
        self._assert_nothing_remains(TissMovement, "_record", analysis.post)
        analysis.post()
        payment = receive("p.xml", payment_message(lote, {guia.name: 46.00}, "P1"))
        for model, method in (
            ("account.payment", "create"),
            ("account.payment", "action_post"),
            ("account.move.line", "_reconcile_plan"),
            (TissMovement, "_record"),
        ):
            self._assert_nothing_remains(model, method, payment.post)
        payment.post()
        self.assertLedgerSound()
        self._assert_nothing_remains(TissMovement, "_record", payment.undo)
        self._assert_nothing_remains("account.move.line", "_reconcile_plan", lote.glosa_ids.accept)
        self.assertLedgerSound()

    def test_generating(self):
        encounters = self._create_encounters(CONSULTATION, ECG)
        self._assert_nothing_remains("tiss.guia.line", "create", encounters.create_guias)
        guias = encounters.create_guias()
        self.assertEqual(sorted(guias.mapped("number")), [1, 2], "no number was lost")
        self._assert_nothing_remains("tiss.lote", "create", guias.create_lotes)
        lotes = guias.create_lotes()
        self.assertEqual(lotes.mapped("number"), [1, 2])
        self._assert_nothing_remains("tiss.message", "create", lotes.build)
