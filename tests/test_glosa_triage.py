from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from ..standard.money import to_cents
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, ROOM_FEE, TissCommon
from .ledger_invariants import find_broken
from .return_messages import analysis_message
from .test_recurso import RecursoCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestTriage(RecursoCase):
    """One decision for all that are equal; what is hopeless; what silence gives up."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls._create_denied_lote("1002", "D2")
        cls.price = cls.glosas.filtered(lambda glosa: glosa.guia_line_id.code == ECG)
        cls.clinical = cls.glosas.filtered(lambda glosa: glosa.code == "1806")

    def _decide(self, glosas, decision, **vals):
        return self.env["tiss.glosa.decide"].create(
            {"glosa_ids": glosas.ids, "decision": decision, **vals}
        )

    def test_causes_in_plain_words(self):
        self.assertEqual((self.price.cause, self.clinical.cause), ("price", "clinical"))
        self.price._set_code(False, self.env["tiss.demonstrativo"])
        self.assertEqual(self.price.cause, "none")

    def test_equal_glosas(self):
        """1705 was given four times: for two ECGs and for two consultations."""
        [equal] = self.price.find_equal()
        self.assertEqual((equal.lote_id, equal.guia_line_id.code), (self.other, ECG))
        self.assertEqual(len(self.price.find_equal("code")), 3)
        equal.accept()
        self.assertFalse(self.price.find_equal(), "nobody decides about it any more")

    def test_the_wizard_says_how_many_and_how_much_first(self):
        wizard = self._decide(self.price, "accept", reach="procedure")
        self.assertEqual((wizard.count, wizard.amount), (2, 20.00))
        self.assertIn("2 glosas of 2 guias in 2 lotes", wizard.summary)
        self.assertEqual(wizard.action_apply()["name"], "Credit Notes")
        self.assertEqual(self.invoice.amount_residual, 196.00)
        self.assertEqual(self.other.invoice_id.amount_residual, 196.00)
        self.assertLedgerSound()

    def test_one_is_said_as_one(self):
        wizard = self._decide(self.price, "accept")
        self.assertIn("1 glosa of 1 guia in 1 lote", wizard.summary)

    def test_the_words_of_a_recurso_are_used_again(self):
        first = self.price.create_recurso()
        first.line_ids.justification = f"Guia {self.first.name}: preço do contrato, protocolo 1001."
        self._decide(self.price, "contest", reach="procedure").action_apply()
        line = self.other.glosa_ids.recurso_line_ids
        self.assertEqual(
            line.justification,
            f"Guia {line.guia_id.name}: preço do contrato, protocolo 1002.",
        )

    def test_words_against_one_reason_are_not_used_against_another(self):
        self.price.create_recurso()
        self.assertEqual(self._decide(self.price, "contest").source_id, self.price)
        self.assertFalse(self._decide(self.price | self.clinical, "contest").source_id)

    def test_irrecoverable_is_proposed_and_not_booked(self):
        with self.assertRefused("Say why"):
            self.clinical.mark_irrecoverable("  ")
        self._decide(self.clinical, "hopeless", reason="Sem laudo").action_apply()
        self.assertTrue(self.clinical.is_irrecoverable)
        self.assertEqual((self.clinical.state, self.invoice.amount_residual), ("open", 206.00))
        proposed = self.env["tiss.glosa"].search(self.clinical._get_proposed_domain())
        self.assertEqual(proposed, self.clinical)
        proposed.accept()
        self.assertEqual(self.invoice.amount_residual, 191.10)
        self.assertLedgerSound()

    def test_silence_is_proposed_never_done(self):
        self.price.create_recurso()
        day = self.price.deadline_date + timedelta(1)
        with freeze_time(day):
            proposed = self.env["tiss.glosa"].search(self.glosas._get_proposed_domain())
            self.assertEqual(proposed, (self.glosas | self.other.glosa_ids) - self.price)
            for _twice in range(2):
                self.Recurso._cron_deadlines()
        [activity] = self.contract.activity_ids.filtered(
            lambda row: (
                row.activity_type_id == self.env.ref("l10n_br_tiss.mail_activity_type_accept")
            )
        )
        self.assertIn("5 glosas", activity.summary)
        self.assertRegex(activity.summary, "99[.,]80")
        self.assertEqual(set(self.glosas.mapped("state")), {"open"})
        self.assertFalse(self.glosas.move_id)

    def test_what_is_not_worth_a_recurso(self):
        self.contract.small_glosa_amount = 10.00
        proposed = self.env["tiss.glosa"].search(self.glosas._get_proposed_domain())
        self.assertEqual(proposed.mapped("amount"), [10.00, 10.00])

    def test_an_operadora_that_does_not_answer(self):
        recurso = self._receive_sent(self.price)
        self.assertEqual(recurso.answer_deadline_date, self.today + timedelta(45))
        self.contract.answer_days = 10
        self.assertEqual(recurso.answer_deadline_date, self.today + timedelta(10))
        recurso.action_keep_unanswered()
        self.assertEqual(recurso.state, "received", "there is time yet")
        with freeze_time(self.today + timedelta(11)):
            self.assertEqual(self.Recurso.search(self.Recurso._get_unanswered_domain()), recurso)
            recurso.action_keep_unanswered()
        self.assertEqual((recurso.state, self.price.state), ("answered", "kept"))
        self.assertBuckets(self.price.guia_line_id, denied=10.00, released=31.10)
        self.assertLedgerSound()

    def test_accept_and_reopen_is_nothing(self):
        before = [line.read(self._get_buckets())[0] for line in self.first.line_ids]
        self.glosas.accept()
        self.price.reopen("Foi paga")
        self.assertEqual((self.price.state, self.price.amount_open), ("open", 10.00))
        self.assertEqual(self.invoice.amount_residual, 161.10, "206.00 - 14.90 - 30.00")
        self.assertEqual(
            {(note.state, note.amount_total) for note in self._get_notes()},
            {("cancel", 54.90), ("posted", 44.90)},
        )
        self.assertLedgerSound()
        self.glosas.filtered("move_id").reopen("Todas")
        self.assertEqual(self.invoice.amount_residual, 206.00)
        after = [line.read(self._get_buckets())[0] for line in self.first.line_ids]
        self.assertEqual(after, before)
        self.assertLedgerSound()

    def test_given_up_in_two_notes_and_reopened(self):
        """Of 10.00, 4.00 are given up with another glosa's 5.00, then the 6.00 that are left."""
        before = [line.read(self._get_buckets())[0] for line in self.first.line_ids]
        both = self.price | self.clinical
        both._give_up({self.price: 400, self.clinical: 500})
        self.price.accept()
        self.assertEqual((self.price.state, self.price.amount_accepted), ("accepted", 10.00))
        self.assertLedgerSound()
        self.price.reopen("Foi paga")
        self.assertEqual((self.price.amount_open, self.price.amount_accepted), (10.00, 0))
        self.assertEqual((self.clinical.amount_open, self.clinical.amount_accepted), (9.90, 5.00))
        self.assertEqual(self.invoice.amount_residual, 201.00, "206.00 - 5.00")
        self.assertEqual(
            sorted((note.state, note.amount_total) for note in self._get_notes()),
            [("cancel", 6.00), ("cancel", 9.00), ("posted", 5.00)],
        )
        self.assertLedgerSound()
        self.price.accept()
        both.reopen("As duas")
        self.assertEqual(self.invoice.amount_residual, 206.00)
        after = [line.read(self._get_buckets())[0] for line in self.first.line_ids]
        self.assertEqual(after, before)
        self.assertLedgerSound()

    def _get_buckets(self):
        return [f"amount_{name}" for name in self.env["tiss.movement"]._get_buckets()]

    def _get_notes(self):
        return self.env["account.move"].search(
            [("tiss_lote_id", "=", self.lote.id), ("move_type", "=", "out_refund")]
        )

    def test_in_a_closed_period_it_is_invoiced_again(self):
        """The credit note of 54.90 stays: 54.90 are new revenue, and 44.90 are given up again."""
        self.glosas.accept()
        self.company.sudo().fiscalyear_lock_date = self.today
        with self.assertRefused("The books are closed on"):
            self.price.reopen("Foi paga")
        with freeze_time(self.today + timedelta(days=1)):
            self.price.reopen("Foi paga")
        self.assertEqual((self.price.state, self.price.amount_open), ("open", 10.00))
        self.assertEqual(
            sorted((note.state, note.amount_total) for note in self._get_notes()),
            [("posted", 44.90), ("posted", 54.90)],
        )
        again = self.lote._get_invoices().filtered(
            lambda move: move.move_type == "out_invoice" and move != self.invoice
        )
        self.assertEqual(
            (again.amount_total, again.invoice_line_ids.account_id),
            (54.90, self.contract.revenue_account_id),
        )
        lines = (self.invoice | again)._tiss_get_receivable_lines()
        self.assertEqual(round(sum(lines.mapped("amount_residual")), 2), 161.10)
        self.assertEqual(find_broken(self.contract), {})
        self.assertLedgerSound()
        with freeze_time(self.today + timedelta(days=1)):
            self.price.accept()
        self.assertEqual(find_broken(self.contract), {})
        self.assertLedgerSound()

    def test_owner_and_board(self):
        self.glosas.action_assign_to_me()
        mine = self.env["tiss.glosa"].search([("user_id", "=", self.env.uid)])
        self.assertEqual(mine, self.glosas)
        self._decide(self.other.glosa_ids, "owner").action_apply()
        self.assertEqual(set(self.other.glosa_ids.mapped("user_id")), {self.env.user})


@tagged("post_install", "-at_install", "post_install_l10n")
class TestResubmit(RecursoCase):
    """Denied items billed again, where the contract says so (guide §4.4)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract.allows_resubmission = True
        cls.whole = cls.glosas.filtered(lambda glosa: glosa.code == "1806")
        cls.part = cls.glosas - cls.whole

    def test_a_guia_that_completes_the_first(self):
        """The dipyrone of 14.90 is given up there and stands in a new guia."""
        again = self.whole.resubmit("Código corrigido")
        self.assertEqual((again.state, again.complements_id), ("ready", self.first))
        self.assertEqual((again.line_ids.code, again.amount_total), (DIPYRONE, 14.90))
        self.assertEqual(self.whole.resubmitted_guia_id, again)
        self.assertEqual(self.invoice.amount_residual, 191.10)
        lote = again.create_lotes()
        lote.build()
        lote.send()
        lote.register_protocol("1009", self.today)
        self.assertEqual(lote.invoice_id.amount_residual, 14.90)
        self.assertLedgerSound()

    def test_a_part_of_an_item_is_never_billed_twice(self):
        with self.assertRefused("denied only in part"):
            self.part.resubmit("Preço")

    def test_only_where_the_contract_says_so(self):
        self.contract.allows_resubmission = False
        with self.assertRefused("does not say that what was denied may be billed again"):
            self.whole.resubmit("Código corrigido")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestManyGlosas(TissCommon):
    """Hundreds of glosas in one go: as many queries as for a few."""

    def _deny(self, protocol, guias):
        visit = {ECG: 1, BLOOD_COUNT: 2, DIPYRONE: 1, ROOM_FEE: 1, CONSULTATION: 1}
        urgent = self.env["tiss.term"]._get("23", "2")
        lote = self._create_received_lote(
            *[visit] * guias, protocol=protocol, care_character_id=urgent.id
        )
        denied = {
            (line.guia_id.name, line.sequence_item): (0, "1705") for line in lote.guia_ids.line_ids
        }
        content = analysis_message(lote, denied, protocol)
        demonstrativo = self.env["tiss.demonstrativo"].import_file(f"{protocol}.xml", content)
        demonstrativo.post()
        return demonstrativo.glosa_ids.browse(demonstrativo.glosa_ids.ids)

    def _count(self, work, *args):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        work(*args)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_queries_do_not_grow(self):
        few, many = self._deny("2001", 3), self._deny("2002", 30)
        self.assertEqual((len(few), len(many)), (15, 150))
        for name, args in (
            ("find_equal", ("code",)),
            ("mark_irrecoverable", ("Prescrita",)),
            ("accept", ()),
        ):
            with self.subTest(name):
                least = self._count(getattr(few, name), *args)
                most = self._count(getattr(many, name), *args)
                self.assertLessEqual(most, least + 15, f"{name}: {least} for 15, {most} for 150")
        self.assertEqual(
            sum(to_cents(glosa.amount_accepted) for glosa in many), 30 * to_cents(283.21)
        )
        self.assertEqual(many.lote_id.invoice_id.amount_residual, 0)
        self.assertLedgerSound()
