from collections import Counter
from datetime import timedelta
from unittest.mock import patch

from hypothesis import given
from hypothesis.strategies import data, sampled_from

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..models.return_targets import ReturnTargets
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, TissCommon
from .generated import examples
from .guia_records import GuiaRecords
from .return_messages import analysis_message, payment_message

EVENTS = [
    "cancel", "remove", "replace", "withdraw", "copy", "close", "send", "receive", "answer",
]  # fmt: skip
# What usually comes next, so that many a life gets far.
NEXT = {"draft": "cancel", "ready": "close", "in_lote": "send", "sent": "receive"}
lives = examples(12)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuiaParts(GuiaRecords, TissCommon):
    """What belongs to a frozen guia neither leaves it nor enters it."""

    groups = "l10n_br_tiss.group_tiss_manager,l10n_br_tiss.group_tiss_clinical"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls.frozen = cls._create_encounters(ECG).create_guias()
        cls.frozen.create_lotes()
        cls.draft = cls._create_guia(
            "sp_sadt", cls._item(1, "40101010", 41.10, team=[(cls.professional, None)])
        )

    def test_nothing_is_added_to_a_frozen_guia(self):
        rows = {
            "tiss.guia.line": {"guia_id": self.frozen.id, **self._item(7, "40101010", 1)[2]},
            "tiss.guia.member": {
                "line_id": self.frozen.line_ids.id, "professional_id": self.assistant.id,
            },
            "tiss.guia.declaration": {"guia_id": self.frozen.id, "birth_number": "1"},
            "tiss.guia.tooth": {
                "guia_id": self.frozen.id,
                "tooth_id": self._term("28", "11"),
                "condition_id": self._term("44", "C"),
            },
        }  # fmt: skip
        for name, vals in rows.items():
            with self.subTest(name), self.assertRefused("content can no longer change"):
                self.env[name].create(vals)

    def test_nothing_moves_into_a_frozen_guia(self):
        declaration = self.env["tiss.guia.declaration"].create(
            {"guia_id": self.draft.id, "birth_number": "1"}
        )
        tooth = self.env["tiss.guia.tooth"].create(
            {
                "guia_id": self.draft.id,
                "tooth_id": self._term("28", "11"),
                "condition_id": self._term("44", "C"),
            }
        )
        moves = [
            (self.draft.line_ids, {"guia_id": self.frozen.id, "sequence_item": 7}),
            (self.draft.line_ids.member_ids, {"line_id": self.frozen.line_ids.id}),
            (declaration, {"guia_id": self.frozen.id}),
            (tooth, {"guia_id": self.frozen.id}),
        ]
        for part, vals in moves:
            with self.subTest(part._name), self.assertRefused("content can no longer change"):
                part.write(vals)

    def test_nothing_leaves_a_frozen_guia(self):
        line = self.frozen.line_ids
        moves = [
            (line, {"guia_id": self.draft.id, "sequence_item": 7}),
            (line.member_ids, {"line_id": self.draft.line_ids.id}),
        ]
        for part, vals in moves:
            with self.subTest(part._name), self.assertRefused("content can no longer change"):
                part.write(vals)
            with self.subTest(part._name, gone=True), self.assertRefused("can no longer change"):
                part.unlink()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestNothingForged(GuiaRecords, TissCommon):
    """Status, lote, money and links follow from what is done, whatever a browser sends."""

    groups = "l10n_br_tiss.group_tiss_manager,l10n_br_tiss.group_tiss_clinical"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sent = cls._create_received_lote(ECG).guia_ids
        cls.visit = cls.sent.encounter_ids
        cls.draft = cls._create_guia("sp_sadt", cls._item(1, "40101010", 41.10))
        cls.kept = [{"path": [], "ours": {}, "theirs": {"observacao": "FORJADA"}}]

    def test_nobody_starts_in_the_middle(self):
        for vals in (
            {"state": "sent"},
            {"lote_id": self.sent.lote_id.id},
            {"replaces_id": self.sent.id},
            {"complements_id": self.sent.id},
            {"encounter_ids": [Command.set(self.visit.ids)]},
            {"kept_values": self.kept},
            {"amount_paid": 5.0},
        ):
            with self.subTest(vals), self.assertRefused("follows from what is done"):
                self._create_guia("sp_sadt", **vals)
        with self.assertRefused("follows from what is done"):
            self.draft.copy({"state": "closed"})
        self.assertEqual(self._create_guia("sp_sadt", state="draft").state, "draft")

    def test_a_context_brings_no_status(self):
        """The defaults of a context reach what is created as superuser as well."""
        forged = {
            "default_state": "closed",
            "default_lote_id": self.sent.lote_id.id,
            "default_replaces_id": self.sent.id,
            "default_kept_values": self.kept,
            "default_protocol_number": "999",
        }
        visit = self._create_encounters(ECG).with_context(**forged)
        for guia in (self.draft.with_context(**forged).copy(), visit.create_guias()):
            self.assertIn(guia.state, ("draft", "ready"))
            self.assertFalse(guia.lote_id or guia.replaces_id or guia.sudo().kept_values)
        lote = guia.with_context(**forged).create_lotes()
        self.assertEqual((lote.state, lote.protocol_number), ("draft", False))

    def test_a_context_brings_no_money(self):
        vals = {"guia_id": self.draft.id, **self._item(2, "40101010", 10)[2]}
        buckets = dict.fromkeys(("default_amount_paid", "default_amount_to_process"), 7.0)
        visit_line = self._create_encounters(ECG).line_ids
        Line = self.env["tiss.guia.line"].with_context(
            **buckets, default_amount=7.0, default_encounter_line_id=visit_line.id
        )
        line = Line.create(vals)
        self.env.flush_all()
        line.invalidate_recordset()
        self.assertEqual((line.amount, line.amount_paid, line.amount_to_process), (10, 0, 0))
        self.assertFalse(line.encounter_line_id)

    def test_totals_and_links_are_not_written(self):
        for guia in (self.draft, self.sent):
            for vals in (
                {"amount_paid": 5.0},
                {"amount_open": 0.0},
                {"replaces_id": False},
                {"complements_id": self.sent.id},
                {"encounter_ids": [Command.clear()]},
                {"run_id": False},
            ):
                with self.subTest(vals, state=guia.state), self.assertRefused("follows what"):
                    guia.write(vals)
        self.assertEqual(self.sent.encounter_ids, self.visit)

    def test_a_part_stays_in_the_company_of_its_guia(self):
        other = self._create_other_clinic().company_id
        with self.assertRefused("company of the document"):
            self.draft.line_ids.company_id = other
        with self.assertRefused("company of the document"):
            self._create_guia("sp_sadt", self._item(1, "40101010", 1, company_id=other.id))
        with self.assertRefused("content can no longer change"):
            self.sent.company_id = other


@tagged("post_install", "-at_install", "post_install_l10n")
class TestHistory(GuiaRecords, TissCommon):
    """Who changed the status of a guia, when and why."""

    def _history(self, guia):
        """(event, from, to, reason) of a guia, the oldest first."""
        rows = guia.log_ids.sorted("id")
        return [(row.event, row.state_from, row.state_to, row.reason) for row in rows]

    def test_a_guia_that_is_paid(self):
        guia = self._create_encounters(ECG).create_guias()
        lote = guia.create_lotes()
        lote.send()
        lote.register_protocol("900001", self.today)
        content = payment_message(lote, {guia.name: 41.10}, "P1")
        self.env["tiss.demonstrativo"].import_file("p.xml", content).post()
        self.assertEqual(
            self._history(guia),
            [
                ("status", "ready", "in_lote", f"Lote {lote.name}"),
                ("status", "in_lote", "sent", f"Lote {lote.name}"),
                ("received", False, False, "Protocolo 900001"),
                ("status", "sent", "closed", "Demonstrativo P1"),
            ],
        )
        self.assertEqual(guia.log_ids.create_uid, self.env.user)
        self.assertEqual(guia.log_ids.company_id, self.company)

    def test_glosa_acceptance_and_undoing(self):
        lote = self._create_received_lote(ECG)
        guia = lote.guia_ids
        content = analysis_message(lote, {(guia.name, 1): (30.00, "1705")}, "A1")
        analysis = self.env["tiss.demonstrativo"].import_file("a.xml", content)
        analysis.post()
        self.assertEqual(
            self._history(guia)[-1], ("status", "sent", "processed", "Demonstrativo A1")
        )
        analysis.undo()
        self.assertEqual(
            self._history(guia)[-1], ("status", "processed", "sent", "Undone · Demonstrativo A1")
        )
        content = analysis_message(lote, {(guia.name, 1): (0, "1705")}, "A2")
        self.env["tiss.demonstrativo"].import_file("a.xml", content).post()
        guia.glosa_ids.accept()
        self.assertEqual(
            self._history(guia)[-1], ("status", "processed", "closed", "Glosa Accepted")
        )

    def test_a_refused_lote_says_why(self):
        lote = self._create_lote(ECG)
        lote.send()
        guia = lote.guia_ids
        lote._reject("1307 Número inválido")
        words = f"Lote {lote.name} was refused: 1307 Número inválido"
        self.assertEqual(self._history(guia)[-1], ("status", "sent", "ready", words))

    def test_a_cancelled_lote(self):
        lote = self._create_lote(ECG)
        guia = lote.guia_ids
        lote.action_cancel()
        words = f"Lote {lote.name} was cancelled."
        self.assertEqual(self._history(guia)[-1], ("status", "in_lote", "ready", words))

    def test_a_guia_born_ready_has_no_row_for_it(self):
        """Later changes have, also of what is missing."""
        guia = self._create_encounters(ECG).create_guias()
        self.assertEqual(guia.state, "ready")
        self.assertFalse(guia.log_ids)
        guia.regime_id = False
        self.assertEqual(self._history(guia), [("status", "ready", "draft", False)])
        later = self.env.cr.now() + timedelta(seconds=1)
        with patch.object(type(self.env.cr), "now", return_value=later):
            guia.regime_id = self._term("76", "01")
        self.assertEqual(self._history(guia)[-1], ("status", "draft", "ready", False))

    def test_one_statement_for_many(self):
        guias = self._create_encounters(*[ECG] * 12).create_guias()
        records = []
        record = type(self.env["tiss.guia.log"])._record

        def counted(model, rows):
            records.append(len(rows))
            return record(model, rows)

        with patch.object(type(self.env["tiss.guia.log"]), "_record", counted):
            guias.cancel("Period was billed by the hospital")
        self.assertEqual(records, [12])
        self.assertEqual(len(guias.log_ids), 12)

    def test_nobody_changes_the_history(self):
        guia = self._create_encounters(ECG).create_guias()
        guia.cancel("Typed twice")
        row = guia.log_ids
        with self.assertRefused("cannot be changed"):
            row.sudo().write({"reason": "x"})
        with self.assertRefused("cannot be deleted"):
            row.sudo().unlink()
        for query in ("UPDATE tiss_guia_log SET reason = 'x'", "DELETE FROM tiss_guia_log"):
            with self.assertRaisesRegex(Exception, "append-only"), mute_logger("odoo.sql_db"):
                with self.env.cr.savepoint():
                    self.env.cr.execute(query)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDuplicate(GuiaRecords, TissCommon):
    """A duplicate is a draft for another visit."""

    groups = "l10n_br_tiss.group_tiss_manager,l10n_br_tiss.group_tiss_clinical"

    def test_items_teams_and_links(self):
        guia = self._create_guia(
            "sp_sadt",
            self._item(2, "40101010", 41.10, team=[(self.professional, "00")]),
            self._item(5, "40304361", 33.33),
            self._expense(7, "02", "90055888", 7.45, 2),
        )
        guia.line_ids[2].linked_line_id = guia.line_ids[1]
        copy = guia.copy()
        self.assertEqual((copy.state, copy.name), ("draft", str(guia.number + 1)))
        lines = copy.line_ids.sorted("sequence_item")
        self.assertEqual(lines.mapped("sequence_item"), [1, 2, 3])
        self.assertEqual(lines.mapped("code"), ["40101010", "40304361", "90055888"])
        self.assertEqual(lines.linked_line_id, lines[1])
        self.assertEqual(lines[2].linked_line_id, lines[1])
        self.assertEqual(lines.member_ids.professional_id, self.professional)
        self.assertEqual(lines.member_ids.participation_id.code, "00")
        self.assertEqual(copy.amount_total, guia.amount_total)

    def test_dates_move_to_today(self):
        """An item two days after the guia would be in the future: it is of today."""
        guia = self._create_internacao()
        guia.date = self.today - timedelta(days=10)
        guia.line_ids[0].date = self.today - timedelta(days=11)
        guia.line_ids[1].date = self.today - timedelta(days=8)
        copy = guia.copy()
        self.assertEqual(copy.date, self.today)
        self.assertEqual(copy.line_ids.mapped("date"), [self.today - timedelta(days=1), self.today])
        self.assertFalse(copy.start_date or copy.end_date)

    def test_nothing_of_the_authorization_and_of_the_money(self):
        guia = self._create_encounters(ECG).create_guias()
        guia.write(
            {
                "operadora_number": "OP1",
                "authorization_password": "S1",
                "authorization_date": self.visit_date,
                "authorization_validity_date": self.today,
                "validation_code": "T1",
            }
        )
        lote = guia.create_lotes()
        lote.send()
        lote.register_protocol("900001", self.today)
        copy = guia.copy()
        names = [
            "operadora_number", "authorization_password", "authorization_date",
            "authorization_validity_date", "validation_code", "lote_id", "encounter_ids",
            "amount_open", "replaces_id",
        ]  # fmt: skip
        self.assertEqual([copy[name] for name in names if copy[name]], [])
        self.assertEqual(copy.log_ids.mapped("event"), ["copied"])
        self.assertEqual(copy.log_ids.reason, f"Guia {guia.name}")

    def test_teeth_go_along_for_who_may_see_them(self):
        tooth = {"tooth_id": self._term("28", "11"), "condition_id": self._term("44", "C")}
        guia = self._create_guia(
            "odonto", self._item(1, "81000030", 60), tooth_ids=[Command.create(tooth)],
            initial_note="ZZYX",
        )  # fmt: skip
        copy = guia.copy()
        self.assertEqual(copy.tooth_ids.tooth_id.code, "11")
        self.assertFalse(copy.initial_note)
        biller = self._create_user("sem.dentes", "billing")
        copy = guia.with_user(biller).copy()
        self.assertFalse(copy.sudo().tooth_ids)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCorrect(GuiaRecords, TissCommon):
    """Cancelled, taken out of a lote, replaced, withdrawn, completed."""

    groups = "l10n_br_tiss.group_tiss_manager,l10n_br_tiss.group_tiss_clinical"

    def _wizard(self, guias, choice=None):
        action = guias.action_correct()
        wizard = self.env[action["res_model"]].with_context(**action["context"]).create({})
        if choice:
            wizard.write({"choice": choice, "reason": "Wrong card"})
        return wizard

    # ------------------------------------------------------------------
    # Cancel, take out of the lote
    # ------------------------------------------------------------------

    def test_cancelling_asks_why(self):
        guia = self._create_encounters(ECG).create_guias()
        for nothing in (None, "", "  "):
            with self.assertRefused("Say why"):
                guia.cancel(nothing)
        guia.cancel("Typed  twice ")
        self.assertEqual(guia.state, "cancelled")
        self.assertEqual(guia.encounter_ids.state, "done")
        self.assertEqual(guia.log_ids[0].reason, "Typed twice")

    def test_out_of_a_validated_lote(self):
        lote = self._create_lote(ECG, ECG)
        first, second = lote.guia_ids.sorted("number")
        number = lote.name
        first.remove_from_lote("Wrong card")
        self.assertEqual((first.state, first.lote_id), ("ready", self.env["tiss.lote"]))
        self.assertEqual((lote.state, lote.name, lote.guia_ids), ("draft", number, second))
        with self.assertRefused("has no XML yet"):
            lote.get_xml()
        lote.build()
        self.assertNotIn(f"<ans:numeroGuiaPrestador>{first.name}<".encode(), lote.get_xml())
        self.assertEqual(first.log_ids[0].event, "removed")
        self.assertEqual(first.log_ids[0].reason, f"Lote {number}: Wrong card")

    def test_a_lote_that_loses_all_is_cancelled(self):
        lote = self._create_lote(ECG)
        guia = lote.guia_ids
        guia.cancel("Not to be billed")
        self.assertEqual((lote.state, guia.state), ("cancelled", "cancelled"))
        self.assertEqual(
            [(row.state_from, row.state_to) for row in guia.log_ids[:2]],
            [("ready", "cancelled"), ("in_lote", "ready")],
        )

    def test_not_out_of_a_sent_lote(self):
        lote = self._create_lote(ECG)
        lote.send()
        for action in (lote.guia_ids.remove_from_lote, lote.guia_ids.cancel):
            with self.assertRefused("in no lote|can no longer change"):
                action("Wrong card")

    # ------------------------------------------------------------------
    # Substitutes
    # ------------------------------------------------------------------

    def test_a_substitute_says_all_that_the_guia_said(self):
        encounter = self._create_encounters(
            {ECG: 1, DIPYRONE: 2}, clinical_indication="ZZYX", authorization_password="S1"
        )
        guia = encounter.create_guias()
        guia.validation_code = "T1"
        expense = guia.line_ids.filtered("expense_kind_id")
        expense.linked_line_id = guia.line_ids - expense
        substitute = guia.create_substitute("Typed under a number of the portal")
        self.assertEqual((guia.state, substitute.state), ("cancelled", "draft"))
        self.assertEqual(substitute.replaces_id, guia)
        self.assertEqual(guia.replaced_by_ids, substitute)
        self.assertIn(f"/odoo/tiss-guias/{substitute.id}", guia.relation_links)
        self.assertIn(f"/odoo/tiss-guias/{guia.id}", substitute.relation_links)
        self.assertGreater(substitute.number, guia.number)
        theirs, ours = guia.sudo().get_tiss_values(), substitute.sudo().get_tiss_values()
        for values in (theirs, ours):
            del values["cabecalhoGuia"]["numeroGuiaPrestador"]
        self.assertEqual(ours, theirs)
        self.assertEqual(substitute.clinical_indication, "ZZYX")
        self.assertEqual(substitute.encounter_ids, encounter)
        self.assertEqual(encounter.state, "billed")
        events = [(row.event, row.reason) for row in (guia | substitute).log_ids]
        self.assertIn(("replaced", "Typed under a number of the portal"), events)
        self.assertIn(("substitute", "Typed under a number of the portal"), events)

    def test_a_substitute_takes_each_item_of_the_visit_over(self):
        """Also where the numbers have a gap, since an item was taken out."""
        visit = self._create_encounters({ECG: 1, BLOOD_COUNT: 1, DIPYRONE: 2})
        guia = visit.create_guias()
        first, second, third = guia.line_ids.sorted("sequence_item")
        theirs = (first | third).encounter_line_id
        second.unlink()
        substitute = guia.create_substitute("Wrong card")
        self.assertEqual(substitute.line_ids.encounter_line_id, theirs)
        self.assertFalse(guia.line_ids.encounter_line_id)
        self.assertEqual(visit.state, "billed")

    def test_every_type_has_a_substitute(self):
        self._setup_people()
        self.contract.next_guia_number = 98001
        for guia_type in ("consulta", "sp_sadt", "resumo_internacao", "honorarios", "odonto"):
            with self.subTest(guia_type):
                guia = self._create_by_type(guia_type)
                if guia_type == "odonto":
                    guia.tooth_ids = [
                        Command.create(
                            {
                                "tooth_id": self._term("28", "11"),
                                "condition_id": self._term("44", "C"),
                            }
                        )
                    ]
                elif guia_type == "resumo_internacao":
                    guia.diagnosis_1 = "A000"
                    guia.declaration_ids = [Command.create({"birth_number": "30777"})]
                guia.action_check()
                theirs = str(guia.get_tiss_values()).replace(f"'{guia.name}'", "N")
                substitute = guia.create_substitute("Typed twice")
                substitute.action_check()
                ours = str(substitute.get_tiss_values()).replace(f"'{substitute.name}'", "N")
                self.assertEqual(ours, theirs)

    def test_a_biller_replaces_what_he_may_not_see(self):
        guia = self._create_encounters(ECG, clinical_indication="ZZYX").create_guias()
        biller = self._create_user("sem.clinica", "billing")
        substitute = guia.with_user(biller).create_substitute("Wrong card")
        self.assertEqual(substitute.sudo().clinical_indication, "ZZYX")
        with self.assertRaises(AccessError):
            substitute.read(["clinical_indication"])

    def test_a_guia_is_replaced_once(self):
        guia = self._create_encounters(ECG).create_guias()
        substitute = guia.create_substitute("Wrong card")
        with self.assertRefused(f"already replaced by guia {substitute.name}"):
            guia.create_substitute("Again")
        second = substitute.create_substitute("Again")
        self.assertEqual(second.encounter_ids, guia.encounter_ids)
        self.assertEqual(guia.encounter_ids.state, "billed")

    def test_one_of_a_family_is_billed(self):
        """Of a guia that was typed, without a visit to tell who bills it."""
        first = self._create_by_type("sp_sadt")
        second = first.create_substitute("primeira")
        second.cancel("engano")
        third = first.create_substitute("segunda")
        with self.assertRefused(f"already replaced by guia {third.name}"):
            second.create_substitute("terceira")
        third.cancel("engano")
        fourth = second.create_substitute("quarta")
        for guia in (first, third):
            with self.assertRefused(f"already replaced by guia {fourth.name}"):
                guia.create_substitute("quinta")
        self.assertEqual(fourth.create_substitute("de novo").replaces_id, fourth)

    def test_a_visit_that_is_billed_again_is_not_taken(self):
        guia = self._create_encounters(ECG).create_guias()
        guia.cancel("Typed twice")
        other = guia.encounter_ids.create_guias()
        with self.assertRefused(f"billed by guia {other.name}"):
            guia.create_substitute("Too late")

    def test_a_sent_guia_is_not_replaced(self):
        lote = self._create_received_lote(ECG)
        with self.assertRefused("was sent: it is replaced after"):
            lote.guia_ids.create_substitute("Wrong card")

    # ------------------------------------------------------------------
    # Withdraw
    # ------------------------------------------------------------------

    def test_a_withdrawn_guia_leaves_the_receivable(self):
        """41.10 of 74.43 go: 33.33 stay open, on the invoice and in the guias."""
        lote = self._create_received_lote({ECG: 1}, {BLOOD_COUNT: 1})
        gone, kept = lote.guia_ids.sorted("number")
        gone.withdraw("1308 at reception")
        self.assertEqual((gone.state, kept.state, lote.state), ("cancelled", "sent", "received"))
        self.assertEqual((gone.amount_open, lote.amount_open), (0, 33.33))
        self.assertEqual((lote.guia_count, lote.amount_total), (1, 33.33))
        self.assertEqual(gone.amount_accepted, 0)
        self.assertEqual(lote.invoice_id.amount_residual, 33.33)
        movement = gone.movement_ids.filtered(lambda move: move.kind == "withdraw")
        self.assertEqual((movement.amount, movement.to_bucket), (41.10, False))
        note = movement.move_id
        self.assertEqual((note.move_type, note.state, note.amount_total),
                         ("out_refund", "posted", 41.10))  # fmt: skip
        self.assertEqual(note.invoice_line_ids.account_id, self.contract.revenue_account_id)
        self.assertEqual(gone.encounter_ids.state, "done")
        self.assertLedgerSound()
        content = payment_message(lote, {kept.name: 33.33}, "P1")
        self.env["tiss.demonstrativo"].import_file("p.xml", content).post()
        self.assertEqual((lote.state, lote.invoice_id.amount_residual), ("closed", 0))
        self.assertLedgerSound()

    def test_withdrawn_before_the_invoice(self):
        self.contract.invoice_moment = "manual"
        lote = self._create_received_lote({ECG: 1}, {BLOOD_COUNT: 1})
        gone = lote.guia_ids.sorted("number")[0]
        gone.withdraw("1308 at reception")
        self.assertFalse(gone.movement_ids.move_id)
        lote.action_create_invoice()
        self.assertEqual(lote.invoice_id.amount_total, 33.33)
        self.assertLedgerSound()

    def test_a_whole_lote_withdrawn(self):
        lote = self._create_received_lote(ECG, {ECG: 1, DIPYRONE: 2})
        lote.guia_ids.withdraw("Sent to the wrong operadora")
        self.assertEqual((lote.state, lote.invoice_id.amount_residual), ("closed", 0))
        self.assertEqual(set(lote.guia_ids.mapped("state")), {"cancelled"})
        self.assertLedgerSound()

    def test_a_withdrawn_guia_is_billed_again(self):
        lote = self._create_received_lote({ECG: 1}, protocol="900001")
        guia = lote.guia_ids
        guia.withdraw("1308 at reception")
        substitute = guia.create_substitute("1308 at reception")
        substitute.action_check()
        second = substitute.create_lotes()
        second.send()
        second.register_protocol("900002", self.today)
        self.assertEqual(second.amount_open, 41.10)
        self.assertEqual(substitute.encounter_ids, guia.encounter_ids)
        self.assertLedgerSound()

    def test_not_after_an_answer(self):
        lote = self._create_received_lote({ECG: 1, DIPYRONE: 2})
        guia = lote.guia_ids
        content = analysis_message(lote, {(guia.name, 1): 41.10, (guia.name, 2): (0, "1705")}, "A1")
        analysis = self.env["tiss.demonstrativo"].import_file("a.xml", content)
        analysis.post()
        with self.assertRefused("recurso de glosa"):
            guia.withdraw("Too late")
        analysis.undo()
        guia.withdraw("In time again")
        self.assertLedgerSound()

    def test_not_without_a_protocolo(self):
        lote = self._create_lote(ECG)
        lote.send()
        with self.assertRefused("not received under a protocolo"):
            lote.guia_ids.withdraw("Wrong card")

    def test_an_answer_about_a_withdrawn_guia_waits_for_a_person(self):
        lote = self._create_received_lote({ECG: 1})
        guia = lote.guia_ids
        guia.withdraw("They said that they had cancelled it")
        content = analysis_message(lote, {(guia.name, 1): 41.10}, "A1")
        analysis = self.env["tiss.demonstrativo"].import_file("a.xml", content)
        analysis.post()
        self.assertEqual(analysis.discrepancy_ids.code, "already_processed")
        self.assertEqual(guia.movement_ids.mapped("kind"), ["bill", "withdraw"])
        content = payment_message(lote, {guia.name: 41.10}, "P1")
        with self.assertRefused("cannot be posted yet"):
            self.env["tiss.demonstrativo"].import_file("p.xml", content).post()

    def test_an_answer_about_the_protocolo_leaves_the_withdrawn_out(self):
        """33.33 of the protocolo were presented once the other guia was gone."""
        lote = self._create_received_lote({ECG: 1}, {BLOOD_COUNT: 1})
        gone, kept = lote.guia_ids.sorted("number")
        gone.withdraw("1308 at reception")
        protocol = {"level": "protocol", "protocol_number": lote.protocol_number}
        found = ReturnTargets(self.env, self.contract).find_all(
            [protocol, {**protocol, "level": "guia", "guia_number": kept.name}]
        )
        self.assertEqual([target["amount_ours"] for target in found], [33.33, 33.33])

    # ------------------------------------------------------------------
    # Complement
    # ------------------------------------------------------------------

    def test_complement_of_sp_sadt(self):
        encounter = self._create_encounters(
            {ECG: 1}, authorization_number="OP77", authorization_date=self.visit_date
        )
        lote = encounter.create_guias().create_lotes()
        lote.send()
        guia = lote.guia_ids
        complement = guia.create_complement("The contrast was forgotten")
        self.assertEqual(
            (complement.state, complement.main_number, complement.operadora_number),
            ("draft", "OP77", False),
        )
        self.assertEqual(complement.complements_id, guia)
        self.assertFalse(complement.line_ids or complement.encounter_ids)
        self.assertEqual(complement.card_number, guia.card_number)
        self.assertEqual(guia.state, "sent")

    def test_complement_of_a_resumo(self):
        guia = self._create_internacao()
        self._send(guia).send()
        complement = guia.create_complement("A daily rate was forgotten")
        self.assertEqual(complement.billing_type_id.code, "3")
        self.assertEqual(complement.main_number, guia.main_number)
        self.assertEqual(complement.start_date, guia.start_date)

    def test_no_complement_of_others(self):
        consultation = self._create_lote(CONSULTATION)
        consultation.send()
        draft = self._create_encounters({ECG: 1}).create_guias()
        for guia in (consultation.guia_ids, draft):
            with self.assertRefused("cannot be completed by another"):
                guia.create_complement("Forgotten")

    # ------------------------------------------------------------------
    # Wizard
    # ------------------------------------------------------------------

    def test_choices_follow_the_status(self):
        draft = self._create_encounters({ECG: 1}).create_guias()
        self.assertEqual(self._wizard(draft).choices, "replace,cancel")
        lote = draft.create_lotes()
        self.assertEqual(self._wizard(draft).choices, "remove,replace,cancel")
        lote.send()
        self.assertEqual(self._wizard(draft).choices, "complement")
        lote.register_protocol("900001", self.today)
        self.assertEqual(self._wizard(draft).choices, "swap,recall,rebill,withdraw,complement")
        content = analysis_message(lote, {(draft.name, 1): 41.10}, "A1")
        self.env["tiss.demonstrativo"].import_file("a.xml", content).post()
        self.assertEqual(self._wizard(draft).choices, "complement")

    def test_refusals_show_the_way(self):
        lote = self._create_lote(CONSULTATION)
        lote.send()
        guia = lote.guia_ids
        self.assertIn("register the protocolo", self._wizard(guia).refusal)
        lote.register_protocol("900001", self.today)
        content = payment_message(lote, {guia.name: 150.00}, "P1")
        self.env["tiss.demonstrativo"].import_file("p.xml", content).post()
        wizard = self._wizard(guia)
        self.assertIn("recurso de glosa", wizard.refusal)
        with self.assertRefused("recurso de glosa"):
            wizard.action_apply()
        draft = self._create_encounters({ECG: 1}).create_guias()
        self.assertIn("different points", self._wizard(guia | draft).refusal)
        draft.create_substitute("Wrong card")
        self.assertIn("already replaced", self._wizard(draft).refusal)

    def test_each_choice_is_done(self):
        draft = self._create_encounters({ECG: 1}).create_guias()
        lote = draft.create_lotes()
        self._wizard(draft, "remove").action_apply()
        self.assertEqual((draft.state, lote.state), ("ready", "cancelled"))
        action = self._wizard(draft, "replace").action_apply()
        substitute = draft.replaced_by_ids
        self.assertEqual(action["res_id"], substitute.id)
        self._wizard(substitute, "cancel").action_apply()
        self.assertEqual(substitute.encounter_ids.state, "done")
        received = self._create_received_lote({ECG: 1}, {BLOOD_COUNT: 1})
        first, second = received.guia_ids.sorted("number")
        self._wizard(first, "rebill").action_apply()
        self.assertEqual(first.replaced_by_ids.state, "draft")
        self._wizard(second, "complement").action_apply()
        self.assertEqual(second.complemented_by_ids.main_number, second.name)
        wizard = self._wizard(second, "withdraw")
        self.assertIn("taken off the invoice", wizard.explanation)
        wizard.action_apply()
        self.assertEqual((second.state, received.amount_open), ("cancelled", 0))

    def test_on_the_screen(self):
        guia = self._create_encounters({ECG: 1}).create_guias()
        action = guia.action_cancel()
        model = self.env[action["res_model"]].with_context(**action["context"])
        with Form(model) as form:
            self.assertEqual(form.choice, "cancel")
            self.assertIn("can be billed again", form.explanation)
            form.reason = "Typed twice"
        form.record.action_apply()
        self.assertEqual(guia.state, "cancelled")

    def test_a_choice_that_is_not_offered(self):
        guia = self._create_encounters({ECG: 1}).create_guias()
        with self.assertRefused("Choose what happened"):
            self._wizard(guia, "withdraw").action_apply()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRepeated(GuiaRecords, TissCommon):
    """Guias that look like another one are shown, not refused."""

    def _found(self, guias):
        return {
            guia.number: others.mapped("number") for guia, others in guias._find_repeated().items()
        }

    def _search(self):
        return self.env["tiss.guia"].search(
            [("is_repeated", "=", True), ("contract_id", "=", self.contract.id)]
        )

    def test_same_items_of_a_day(self):
        guias = self._create_encounters(
            {ECG: 1, DIPYRONE: 2}, {DIPYRONE: 1, ECG: 1}, {ECG: 1}, {ECG: 1, BLOOD_COUNT: 1}
        ).create_guias()
        self.assertEqual(self._found(guias), {1: [2], 2: [1]})
        self.assertEqual(self._search(), guias[:2])
        self.assertEqual(guias.mapped("is_repeated"), [True, True, False, False])
        self.assertIn(f"/odoo/tiss-guias/{guias[1].id}", guias[0].repeated_links)
        others = self.env["tiss.guia"].search(
            [("is_repeated", "=", False), ("contract_id", "=", self.contract.id)]
        )
        self.assertEqual(others, guias[2:].sorted("number", reverse=True))

    def test_another_day_patient_or_type_is_no_repetition(self):
        self._create_encounters({ECG: 1}).create_guias()
        self._create_encounters({ECG: 1}, date=self.today).create_guias()
        patient = self.env["res.partner"].create({"name": "Outro Paciente Fictício"})
        card = self.card.copy({"patient_id": patient.id, "number": "99"})
        self._create_encounters({ECG: 1}, patient_id=patient.id, card_id=card.id).create_guias()
        self.assertFalse(self._search())

    def test_a_cancelled_guia_repeats_nothing(self):
        first, second = self._create_encounters({ECG: 1}, {ECG: 1}).create_guias()
        self.assertTrue(second.is_repeated)
        first.cancel("Typed twice")
        second.invalidate_recordset(["is_repeated"])
        self.assertFalse(second.is_repeated)
        substitute = second.create_substitute("Wrong card")
        self.assertFalse(substitute.is_repeated)

    def test_one_authorization_used_twice(self):
        """Another day for the guia, the same day and procedure for the item."""
        first, second, third = self._create_encounters({ECG: 1}, {ECG: 1}, {ECG: 1}).create_guias()
        (first | second | third).write({"authorization_password": "S1"})
        second.date = self.today
        third.write({"date": self.today - timedelta(days=9)})
        third.line_ids.date = self.today
        self.assertEqual(self._found(first), {1: [2]})
        self.assertEqual(self._search(), second | first)
        second.authorization_password = "S2"
        self.assertFalse(self._search())
        (first | second).write({"operadora_number": "OP1"})
        self.assertEqual(self._search(), second | first)
        other = self._create_professional("Outra Médica Exemplo", "777")
        second.line_ids.member_ids.professional_id = other
        self.assertFalse(self._search())

    def test_the_number_of_queries_is_constant(self):
        guias = self._create_encounters(*[{ECG: 1}] * 8).create_guias()
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(1):
            self.assertEqual(len(guias._find_repeated()), 8)

    def test_the_lote_wizard_tells(self):
        self._create_encounters({ECG: 1}, {ECG: 1}, {BLOOD_COUNT: 1}).create_guias()
        wizard = self.env["tiss.lote.generate"].create({"contract_ids": self.contract.ids})
        self.assertIn("Equal to another guia: 2.", wizard.summary)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRandomLives(TissCommon):
    """Whatever happens to guias: no number is used twice, and the books agree."""

    def test_random_histories(self):
        happened = Counter()

        @lives
        @given(data())
        def live(draw):
            with self.env.cr.savepoint() as savepoint:
                self._live(draw, happened)
                savepoint.rollback()
            self.env.invalidate_all()

        live()
        # Lives in which nothing happens would prove nothing.
        for event in EVENTS:
            self.assertGreater(happened[event], 0, event)

    def _live(self, draw, happened):
        guias = self._create_encounters(*[{ECG: 1}] * 3).create_guias()
        for step in range(12):
            guia = draw.draw(sampled_from(guias.sorted("number")))
            usual = [NEXT.get(guia.state, "replace")] * 6
            if guia.state == "sent" and guia.lote_id.protocol_number:
                usual = ["withdraw", "answer"] * 3
            event = draw.draw(sampled_from([*usual, *EVENTS]))
            if event in ("receive", "answer") and not guia.lote_id:
                continue
            numbers = set(guias.mapped("name"))
            try:
                with self.env.cr.savepoint():
                    made = getattr(self, f"_do_{event}")(guia, step) or guias.browse()
            except UserError:
                self.env.invalidate_all()
                continue
            happened[event] += 1
            self.assertFalse(set(made.mapped("name")) & numbers)
            guias |= made
            self.assertLedgerSound()
            live = guias.filtered(lambda each: each.encounter_ids and each.state != "cancelled")
            self.assertEqual(len(live.encounter_ids), len(live))
        for guia in guias:
            told = [row.state_to for row in guia.log_ids.sorted("id") if row.state_to]
            # Who is ready from the first moment has no row for that.
            self.assertEqual((told or [guia.state])[-1], guia.state)

    def _do_cancel(self, guia, _step):
        guia.cancel("Why")

    def _do_remove(self, guia, _step):
        guia.remove_from_lote("Why")

    def _do_replace(self, guia, _step):
        made = guia.create_substitute("Why")
        made.action_check()
        return made

    def _do_withdraw(self, guia, _step):
        guia.withdraw("Why")

    def _do_copy(self, guia, _step):
        return guia.copy()

    def _do_close(self, guia, _step):
        guia.create_lotes().build()

    def _do_send(self, guia, _step):
        guia.lote_id.send()

    def _do_receive(self, guia, step):
        guia.lote_id.register_protocol(f"R{step}", self.today)

    def _do_answer(self, guia, step):
        content = analysis_message(guia.lote_id, {(guia.name, 1): (30.00, "1705")}, f"A{step}")
        self.env["tiss.demonstrativo"].import_file("a.xml", content).post()
