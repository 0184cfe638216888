from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from ..models import tiss_guia_run
from ..models.tiss_guia_line import TissGuiaLine
from .common import CONSULTATION, ECG, TissCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuiaRun(TissCommon):
    """Many visits become guias in the background."""

    def setUp(self):
        super().setUp()
        for name, value in (("AT_ONCE", 2), ("BATCH", 2)):
            patcher = patch.object(tiss_guia_run, name, value)
            patcher.start()
            self.addCleanup(patcher.stop)
        self.time_left = [float("inf")]

    def _cron(self):
        """Run the scheduled action; it commits after each batch, which a test may not."""
        committed = []

        def commit_progress(_cron, processed=0, **_kwargs):
            committed.append(processed)
            self.env.flush_all()
            return self.time_left.pop(0) if len(self.time_left) > 1 else self.time_left[0]

        with patch.object(type(self.env["ir.cron"]), "_commit_progress", commit_progress):
            self.env["tiss.guia.run"].sudo()._cron_generate()
        self.env.invalidate_all()
        return committed

    def _start(self, encounters):
        return self.env["tiss.guia.run"].start(encounters)

    def _counts(self, run):
        return run.total_count, run.done_count, run.left_out_count, run.pending_count

    def test_few_visits_are_billed_at_once(self):
        encounters = self._create_encounters(CONSULTATION, ECG)
        run = self._start(encounters)
        self.assertEqual((run.state, run.guia_count, run.progress), ("done", 2, 100))
        self.assertEqual(run.guia_ids.encounter_ids, encounters)

    def test_many_are_billed_batch_by_batch(self):
        encounters = self._create_encounters(*[CONSULTATION] * 5)
        run = self._start(encounters)
        self.assertEqual((run.state, self._counts(run)), ("running", (5, 0, 0, 5)))
        self.assertEqual(self._cron(), [2, 2, 1, 0])
        self.assertEqual((run.state, self._counts(run)), ("done", (5, 5, 0, 0)))
        self.assertEqual((run.guia_count, run.amount_total), (5, 750.00))
        self.assertEqual(run.guia_ids.mapped("create_uid"), self.env.user)
        ordered = run.guia_ids.sorted("number").encounter_ids
        self.assertEqual(ordered, encounters, "numbered in the order of the visits")

    def test_the_wizard_opens_what_is_running(self):
        self._create_encounters(*[CONSULTATION] * 3)
        wizard = self.env["tiss.guia.generate"].create({"start_date": self.visit_date})
        with patch("odoo.addons.l10n_br_tiss.wizard.tiss_guia_generate.AT_ONCE", 2):
            self.assertIn("in the background", wizard.summary)
        action = wizard.action_generate()
        self.assertEqual(action["res_model"], "tiss.guia.run")
        self._cron()
        run = self.env["tiss.guia.run"].browse(action["res_id"])
        self.assertEqual(run.state, "done")
        lotes = run.action_create_lotes()
        wizard = self.env["tiss.lote.generate"].with_context(**lotes["context"]).create({})
        self.assertEqual(wizard.guia_ids, run.guia_ids)

    def test_it_is_stopped_and_continued(self):
        run = self._start(self._create_encounters(*[CONSULTATION] * 5))
        self.time_left = [float("inf"), 0]
        self._cron()
        run.action_stop()
        self.time_left = [float("inf")]
        self.assertEqual(self._cron(), [], "a stopped run rests")
        self.assertEqual((run.state, self._counts(run)), ("stopped", (5, 4, 0, 1)))
        run.action_continue()
        self._cron()
        self.assertEqual((run.state, self._counts(run)), ("done", (5, 5, 0, 0)))
        self.assertEqual(len(self.contract.guia_ids), 5)

    def test_what_was_billed_meanwhile_is_left_out(self):
        encounters = self._create_encounters(*[CONSULTATION] * 3)
        run = self._start(encounters)
        encounters[1].create_guias()
        self._cron()
        self.assertEqual(self._counts(run), (3, 2, 1, 0))
        self.assertEqual(run.left_out_ids.reason, "The encounter is billed already.")
        self.assertEqual(len(self.contract.guia_ids), 3)

    def test_one_failure_does_not_stop_the_rest(self):
        encounters = self._create_encounters(*[CONSULTATION] * 4)
        run = self._start(encounters)
        bad = encounters[2].line_ids.id
        create = TissGuiaLine.create

        def fail(lines, vals_list):
            if any(vals.get("encounter_line_id") == bad for vals in vals_list):
                raise ZeroDivisionError
            return create(lines, vals_list)

        logger = "odoo.addons.l10n_br_tiss.models.tiss_guia_run"
        with patch.object(TissGuiaLine, "create", fail), self.assertLogs(logger, "ERROR"):
            self._cron()
        self.assertEqual((run.state, self._counts(run)), ("done", (4, 3, 1, 0)))
        self.assertEqual(run.left_out_ids.encounter_id, encounters[2])
        self.assertIn("unexpected error", run.left_out_ids.reason)
        numbers = sorted(self.contract.guia_ids.mapped("number"))
        self.assertEqual(numbers, [1, 2, 3], "what failed took no number")
        run.action_retry()
        self._cron()
        self.assertEqual(self._counts(run), (4, 4, 0, 0))

    def test_reasons_are_kept(self):
        encounters = self._create_encounters(*[CONSULTATION] * 3)
        run = self._start(encounters)
        encounters[0].card_id = False
        self._cron()
        self.assertEqual(run.left_out_ids.encounter_id, encounters[0])
        self.assertIn("Choose the patient's card", run.left_out_ids.reason)
        self.assertIn("reasons below: 1.", run.summary)

    def test_visits_that_may_merge_are_of_one_batch(self):
        self.contract.guia_grouping = "month"
        run = self._start(self._create_encounters(*[ECG] * 5))
        self.assertEqual(self._cron(), [5, 0])
        self.assertEqual(run.guia_count, 1)

    def test_it_runs_with_the_rights_of_who_asked(self):
        biller = self._create_user("faturista.rodada", "billing")
        encounters = self._create_encounters(*[CONSULTATION] * 3)
        run = self.env["tiss.guia.run"].with_user(biller).start(encounters.with_user(biller))
        billing = self.env.ref("l10n_br_tiss.group_tiss_billing")
        biller.sudo().write({"group_ids": [Command.unlink(billing.id)]})
        self._cron()
        run = run.with_env(self.env)
        self.assertEqual((run.state, self._counts(run)), ("stopped", (3, 0, 0, 3)))
        self.assertIn("may not create guias any more", run.error)

    def test_nobody_changes_a_run_by_hand(self):
        run = self._start(self._create_encounters(*[CONSULTATION] * 3))
        reception = self._create_user("recepcao.rodada", "reception")
        with self.assertRefused("not allowed to modify"):
            run.user_id = reception
        with self.assertRefused("not allowed"):
            run.with_user(reception).action_stop()

    def test_the_same_visit_is_asked_for_once(self):
        run = self._start(self._create_encounters(*[CONSULTATION] * 3))
        with self.assertRefused("only once"):
            run.line_ids[0].sudo().copy()
