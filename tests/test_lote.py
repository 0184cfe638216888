import hashlib
from datetime import timedelta

from lxml import etree
from psycopg2.errors import RaiseException

from odoo import fields
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import SQL

from .. import standard
from .common import CONSULTATION, DIPYRONE, ECG, ROOM_FEE, TissCommon
from .return_messages import analysis_message

NS = {"ans": "http://www.ans.gov.br/padroes/tiss/schemas"}


@tagged("post_install", "-at_install", "post_install_l10n")
class TestLote(TissCommon):
    """Up to a hundred guias of one type, sent once, with bytes that never change."""

    # ------------------------------------------------------------------
    # What goes into a lote
    # ------------------------------------------------------------------

    def test_a_hundred_and_one_guias_make_two_lotes(self):
        guias = self._create_encounters(*[CONSULTATION] * 101).create_guias()
        lotes = guias.create_lotes()
        self.assertEqual(lotes.mapped("guia_count"), [100, 1])
        self.assertEqual(lotes.mapped("name"), ["1", "2"])
        self.assertEqual(lotes[0].amount_total, 15000.00)
        # forced into one lote by hand, the hundred and first keeps it from being built
        guias[-1].sudo().write({"lote_id": lotes[0].id})
        with self.assertRefused("101 guias; a lote holds 1 to 100"):
            lotes[0].build()
        self.assertEqual(lotes[0].state, "draft")

    def test_the_convenio_may_ask_for_smaller_lotes(self):
        self.contract.guias_per_lote = 2
        guias = self._create_encounters(*[CONSULTATION] * 5).create_guias()
        self.assertEqual(guias.create_lotes().mapped("guia_count"), [2, 2, 1])

    def test_types_never_mix(self):
        guias = self._create_encounters(CONSULTATION, ECG).create_guias()
        lotes = guias.create_lotes()
        self.assertEqual(lotes.mapped("guia_type"), ["consulta", "sp_sadt"])
        guias.sudo().write({"lote_id": lotes[0].id})
        with self.assertRefused("of another type or convênio than lote"):
            lotes[0].build()

    def test_convenios_never_mix(self):
        other = self._create_contract("005711", provider_code="77")
        card = self.card.copy(
            {
                "number": "77",
                "plan_id": self.plan.copy({"operadora_id": other.partner_id.id}).id,
            }
        )
        prices = {CONSULTATION: 120.00}
        self._price(other, prices)
        encounters = self._create_encounters(CONSULTATION)
        encounters |= self._create_encounters(CONSULTATION, card_id=card.id)
        lotes = encounters.create_guias().create_lotes()
        self.assertEqual(lotes.contract_id, self.contract | other)
        self.assertEqual(sorted(lotes.mapped("amount_total")), [120.00, 150.00])

    def test_an_empty_lote_is_not_built(self):
        lote = self._create_encounters(CONSULTATION).create_guias().create_lotes()
        lote.guia_ids.sudo().write({"lote_id": False, "state": "ready"})
        with self.assertRefused("has 0 guias"):
            lote.build()

    def test_a_guia_is_in_one_lote(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        guia.create_lotes()
        with self.assertRefused(f"Guia {guia.name} is not ready for a lote"):
            guia.create_lotes()
        self.assertEqual(self.contract.lote_count, 1)

    def test_a_draft_guia_says_what_it_lacks(self):
        self.professional.tiss_council_number = False
        guia = self._create_encounters(CONSULTATION).create_guias()
        with self.assertRefused("not ready.*Médica Exemplo lacks: Council Number"):
            guia.create_lotes()

    # ------------------------------------------------------------------
    # The wizard
    # ------------------------------------------------------------------

    def test_wizard_makes_built_lotes_of_what_is_ready(self):
        self._create_encounters(CONSULTATION, CONSULTATION, ECG).create_guias()
        incomplete = self._create_professional("Incompleta", number=False)
        draft = self._create_encounters(CONSULTATION, professional_id=incomplete.id).create_guias()
        later = self._create_encounters(CONSULTATION, date=self.today).create_guias()
        biller = self._create_user("lotes.form", "billing")
        form = Form(self.env["tiss.lote.generate"].with_user(biller))
        form.until_date = self.visit_date
        wizard = form.save()
        self.assertEqual((wizard.guia_count, wizard.draft_count, wizard.lote_count), (3, 1, 2))
        self.assertEqual(wizard.amount_total, 341.10)
        wizard.action_generate()
        lotes = self.contract.lote_ids
        self.assertEqual(lotes.mapped("state"), ["validated", "validated"])
        self.assertEqual((draft | later).lote_id, self.env["tiss.lote"])

    def test_wizard_keeps_to_the_selected_guias(self):
        guias = self._create_encounters(CONSULTATION, CONSULTATION).create_guias()
        form = Form(
            self.env["tiss.lote.generate"].with_context(
                active_model="tiss.guia", active_ids=guias[:1].ids
            )
        )
        self.assertEqual(form.save().guia_count, 1)

    def test_wizard_with_nothing_ready(self):
        with self.assertRefused("no guia ready for a lote"):
            self.env["tiss.lote.generate"].create({}).action_generate()

    # ------------------------------------------------------------------
    # The message
    # ------------------------------------------------------------------

    def test_message_says_who_to_whom_and_in_which_version(self):
        for version in ("4.02.00", "4.03.00"):
            self.contract.version = version
            lote = self._create_lote({CONSULTATION: 1, ECG: 1, DIPYRONE: 2, ROOM_FEE: 1})
            root = etree.fromstring(lote.get_xml())
            self.assertTrue(standard.load(version).validate(lote.get_xml()))
            for path, value in {
                "ans:cabecalho/ans:Padrao": version,
                "ans:cabecalho/ans:destino/ans:registroANS": "326305",
                "ans:cabecalho/ans:identificacaoTransacao/ans:tipoTransacao": "ENVIO_LOTE_GUIAS",
                ".//ans:numeroLote": lote.name,
                ".//ans:valorTotalGeral": "224.00",
            }.items():
                self.assertEqual(root.findtext(path, namespaces=NS), value, path)

    def test_every_build_has_its_own_transaction_number(self):
        lote = self._create_encounters(CONSULTATION).create_guias().create_lotes()
        first = lote.build()
        second = lote.build()
        self.assertNotEqual(first.sha256, second.sha256)
        self.assertEqual(lote.message_id, second)
        self.assertEqual(len(lote.tiss_message_ids), 2, "the first stays in the journal")
        numbers = [
            etree.fromstring(message._get_content()).findtext(
                ".//ans:sequencialTransacao", None, NS
            )
            for message in first | second
        ]
        self.assertEqual(numbers, ["1", "2"])

    def test_hash_charset_of_the_convenio(self):
        self.contract.hash_charset = "utf-8"
        lote = self._create_lote(CONSULTATION)
        content = lote.get_xml()
        declared = etree.fromstring(content).findtext("ans:epilogo/ans:hash", None, NS)
        self.assertEqual(declared, standard.digest(content, "utf-8"))
        self.assertEqual(lote.message_id.tiss_hash, declared)
        self.assertIn(declared, lote.message_id.file_name)

    def test_no_xml_no_download(self):
        lote = self._create_encounters(CONSULTATION).create_guias().create_lotes()
        for action in (lote.get_xml, lote.action_download):
            with self.assertRefused(f"{lote.display_name} has no XML yet"):
                action()

    # ------------------------------------------------------------------
    # What was sent stays
    # ------------------------------------------------------------------

    def _assert_bytes(self, message, content):
        message.invalidate_recordset()
        self.assertEqual(message._get_content(), content)
        self.assertEqual(message.sha256, hashlib.sha256(content).hexdigest())

    def test_sent_bytes_survive_everything_that_follows(self):
        lote = self._create_lote({ECG: 1, DIPYRONE: 2})
        message, content = lote.send(), lote.get_xml()
        with self.assertRefused("this cannot be done now"):
            lote.build()
        self.contract.write({"version": "4.02.00", "provider_code": "000"})
        self.professional.name = "Outro Nome"
        lote.register_protocol("1", self.today)
        self._assert_bytes(message, content)
        self.assertEqual(lote.get_xml(), content)

    def test_a_sent_guia_and_its_items_cannot_change(self):
        lote = self._create_received_lote({ECG: 1, DIPYRONE: 2})
        guia = lote.guia_ids
        ecg, dipyrone = guia.line_ids
        member = ecg.member_ids
        extra = {"guia_id": guia.id, "sequence_item": 9, "date": self.today, "table_code": "22"}
        extra |= {"code": "1", "description": "x", "unit_price": 1}
        refused = [
            lambda: guia.write({"card_number": "1"}),
            lambda: guia.write({"observation": "x"}),
            lambda: guia.write({"line_ids": [Command.delete(ecg.id)]}),
            lambda: guia.cancel("Typed twice"),
            lambda: ecg.write({"quantity": 2}),
            lambda: ecg.write({"date": self.today}),
            lambda: ecg.write({"description": "x"}),
            lambda: ecg.write({"sequence_item": 7}),
            lambda: dipyrone.write({"expense_kind_id": False}),
            lambda: ecg.unlink(),
            lambda: self.env["tiss.guia.line"].create(extra),
            lambda: member.write({"participation_id": self.env["tiss.term"]._get("35", "00").id}),
            lambda: member.unlink(),
            lambda: member.copy(),
        ]
        for number, action in enumerate(refused):
            with self.subTest(number), self.assertRefused("can no longer change"):
                action()

    def test_a_billed_guia_does_not_leave_its_lote(self):
        lote = self._create_received_lote(CONSULTATION)
        guia = lote.guia_ids
        for vals in (
            {"lote_id": False},
            {"state": "draft"},
            {"state": "cancelled"},
            {"lote_id": False, "state": "ready"},
        ):
            with self.subTest(vals), self.assertRefused("protocolo|follows what is done"):
                guia.write(vals)
        with self.assertRefused("protocolo|follows what is done"):
            lote.guia_ids = False

    def test_protocolo_of_a_future_day_is_refused(self):
        lote = self._create_lote(CONSULTATION)
        lote.send()
        with self.assertRefused("in the future"):
            lote.register_protocol("900001", self.today + timedelta(days=2))

    def test_status_is_not_a_door_to_the_content(self):
        """Nobody sets a sent guia back, changes its price and lets it pass again."""
        lote = self._create_lote(CONSULTATION)
        lote.send()
        guia = lote.guia_ids
        with self.assertRefused("follows what is done"):
            guia.write({"state": "ready"})
        other = self._create_encounters(CONSULTATION).create_guias()
        with self.assertRefused("follows what is done"):
            other.write({"lote_id": lote.id, "state": "sent"})
        with self.assertRefused("follows what is done"):
            lote.write({"state": "closed", "invoice_id": False})

    def test_money_of_an_item_moves_only_by_movements(self):
        line = self._create_received_lote(CONSULTATION).guia_ids.line_ids
        for bucket in ("to_process", "released", "paid", "denied", "appealed", "accepted"):
            with self.subTest(bucket), self.assertRefused("movements"):
                line.write({f"amount_{bucket}": 1})

    def test_a_received_lote_stays_what_it_is(self):
        lote = self._create_received_lote(CONSULTATION)
        other = self._create_contract("005711", provider_code="7")
        for vals in (
            {"protocol_number": "2"},
            {"protocol_number": False},
            {"contract_id": other.id},
            {"guia_type": "sp_sadt"},
            {"number": 99, "name": "99"},
            {"version": "4.02.00"},
            {"state": "draft"},
            {"state": "rejected"},
            {"message_id": False},
        ):
            with self.subTest(vals), self.assertRefused("was sent|protocolo"):
                lote.write(vals)
        for action in (lote.action_cancel, lote.action_reject, lote.build, lote.send):
            with self.assertRefused("this cannot be done now"):
                action()

    def test_nothing_of_the_history_can_be_deleted(self):
        lote = self._create_received_lote(CONSULTATION)
        guia = lote.guia_ids
        for records, words in (
            (guia, "keeps its number for ever"),
            (lote, "keeps its number for ever"),
            (lote.message_id, "cannot be deleted"),
            (guia.movement_ids, "cannot be deleted"),
        ):
            with self.subTest(records._name):
                with self.assertRefused("not allowed to delete"):
                    records.unlink()
                with self.assertRefused(words):
                    records.sudo().unlink()

    def test_not_even_a_cancelled_or_draft_guia_is_deleted(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        with self.assertRefused("keeps its number for ever"):
            guia.sudo().unlink()
        guia.cancel("Typed twice")
        with self.assertRefused("keeps its number for ever"):
            guia.sudo().unlink()

    def test_journal_and_ledger_cannot_be_written_by_the_orm(self):
        lote = self._create_received_lote(CONSULTATION)
        with self.assertRefused("cannot be changed"):
            lote.message_id.sudo().write({"note": "x"})
        with self.assertRefused("cannot be changed"):
            lote.guia_ids.movement_ids.sudo().write({"amount": 1})

    def test_journal_and_ledger_cannot_be_written_by_sql(self):
        lote = self._create_received_lote(CONSULTATION)
        self.env.flush_all()
        for table, column in (("tiss_message", "note"), ("tiss_movement", "kind")):
            name = SQL.identifier(table)
            for statement in (
                SQL("UPDATE %s SET %s = 'x'", name, SQL.identifier(column)),
                SQL("DELETE FROM %s", name),
                SQL("UPDATE %s SET write_date = now() WHERE id = %s", name, lote.message_id.id or 0)
                if table == "tiss_message"
                else SQL("UPDATE %s SET amount = 1", name),
                SQL("TRUNCATE %s CASCADE", name),
            ):
                with self.subTest(statement), self.assertRefused("append-only", RaiseException):
                    self.env.cr.execute(statement)

    def test_the_user_who_wrote_journal_and_ledger_can_be_deleted(self):
        biller = self._create_user("lote.saiu", "billing")
        lote = self._create_encounters(CONSULTATION).create_guias().with_user(biller).create_lotes()
        lote.send()
        lote.register_protocol("1001", self.today)
        message, movement = lote.message_id, lote.guia_ids.movement_ids
        self.assertEqual(message.create_uid | movement.create_uid, biller)
        self.env.flush_all()
        self.env.cr.execute("UPDATE tiss_message SET create_uid = NULL WHERE id = %s", message.ids)
        for table, records in (("tiss_message", message), ("tiss_movement", movement)):
            for change in (
                "write_uid = NULL, write_date = NULL",
                "create_uid = 1",
                "write_uid = write_uid",
            ):
                query = f"UPDATE {table} SET {change} WHERE id = %s"
                with self.subTest(query), self.assertRefused("append-only", RaiseException):
                    self.env.cr.execute(query, records.ids)
        biller.sudo().unlink()
        self.env.flush_all()
        self.env.invalidate_all()
        for record in (message, movement):
            record = record.with_env(self.env)
            self.assertFalse(record.create_uid | record.write_uid)

    # ------------------------------------------------------------------
    # Numbers
    # ------------------------------------------------------------------

    def test_number_of_a_cancelled_lote_is_not_used_again(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        first = guia.create_lotes()
        first.build()
        first.action_cancel()
        self.assertEqual(guia.state, "ready")
        second = guia.create_lotes()
        self.assertEqual((first.name, second.name), ("1", "2"))
        self.assertEqual(guia.name, "1", "the guia keeps its own number")

    def test_number_of_a_cancelled_guia_is_not_used_again(self):
        encounter = self._create_encounters(CONSULTATION)
        first = encounter.create_guias()
        first.cancel("Typed twice")
        second = encounter.create_guias()
        self.assertEqual((first.name, second.name), ("1", "2"))

    def test_a_refused_batch_spends_no_number(self):
        good, bad = self._create_encounters(CONSULTATION, CONSULTATION)
        bad.action_draft()
        with self.assertRefused("not closed"):
            (good | bad).create_guias()
        self.assertEqual(good.create_guias().name, "1")

    # ------------------------------------------------------------------
    # Refusal
    # ------------------------------------------------------------------

    def test_a_refused_lote_gives_its_guias_back_and_they_go_again(self):
        lote = self._create_lote(CONSULTATION, CONSULTATION)
        message, content = lote.send(), lote.get_xml()
        guias = lote.guia_ids
        lote.action_reject()
        self.assertEqual(lote.state, "rejected")
        self.assertEqual(set(guias.mapped("state")), {"ready"})
        self.assertFalse(lote.guia_ids)
        guias[0].observation = "corrigida"
        again = guias.create_lotes()
        again.build()
        again.send()
        again.register_protocol("1001", self.today)
        self.assertEqual(again.amount_total, 300.00)
        self.assertEqual(again.invoice_id.amount_total, 300.00)
        self._assert_bytes(message, content)
        self.assertLedgerSound()

    def test_refusal_by_file_keeps_the_reason(self):
        """The operadora got the same lote before: T38 3268."""
        lote = self._create_lote(CONSULTATION)
        operadora = self._simulate()
        operadora.receive(lote.get_xml(), self.today)
        refusal = operadora.receive(lote.get_xml(), self.today)
        lote.send()
        guia = lote.guia_ids
        self.assertEqual(self.env["tiss.message"].receive_file("recusa.xml", refusal), lote)
        self.assertEqual(lote.state, "rejected")
        self.assertRegex(lote.rejection_reason, "^3268 ")
        self.assertEqual(guia.state, "ready")
        self.assertFalse(lote.invoice_id)

    def test_the_same_refusal_again_does_not_refuse_the_next_lote(self):
        lote = self._create_lote(CONSULTATION)
        operadora = self._simulate()
        operadora.receive(lote.get_xml(), self.today)
        refusal = operadora.receive(lote.get_xml(), self.today)
        lote.send()
        guia = lote.guia_ids
        self.env["tiss.message"].receive_file("recusa.xml", refusal)
        again = guia.create_lotes()
        again.send()
        before = self._get_content()
        self.assertEqual(self.env["tiss.message"].receive_file("recusa.xml", refusal), lote)
        self.assertEqual(self._get_content(), before)
        self.assertEqual(again.state, "sent")

    def test_a_refusal_that_may_be_of_two_lotes_is_not_guessed(self):
        lote, other = self._create_lote(CONSULTATION), self._create_lote(CONSULTATION)
        operadora = self._simulate()
        operadora.receive(lote.get_xml(), self.today)
        refusal = operadora.receive(lote.get_xml(), self.today)
        (lote | other).send()
        with self.assertRefused("2 lotes of this operadora wait for an answer"):
            self.env["tiss.message"].receive_file("recusa.xml", refusal)

    # ------------------------------------------------------------------
    # Protocolo
    # ------------------------------------------------------------------

    def test_biller_types_the_protocolo(self):
        lote = self._create_lote(CONSULTATION)
        lote.send()
        biller = self._create_user("protocolo.form", "billing")
        action = lote.with_user(biller).action_register_protocol()
        form = Form(
            self.env["tiss.lote.protocol"].with_user(biller).with_context(**action["context"])
        )
        form.protocol_number = " 900123 "
        wizard = form.save()
        self.assertEqual((wizard.guia_count, wizard.amount_total), (1, 150.00))
        wizard.action_register()
        self.assertEqual((lote.state, lote.protocol_number), ("received", "900123"))
        self.assertEqual(lote.invoice_id.amount_total, 150.00)
        self.assertEqual(lote.invoice_id.tiss_protocol_number, "900123")
        self.assertLedgerSound()

    def test_a_protocolo_has_a_number(self):
        lote = self._create_lote(CONSULTATION)
        lote.send()
        for number in ("", "   ", False, "1" * 13):
            with self.subTest(number), self.assertRefused("1 to 12 characters"):
                lote.register_protocol(number, self.today)

    def test_a_lote_that_was_never_written_has_no_protocolo(self):
        lote = self._create_encounters(CONSULTATION).create_guias().create_lotes()
        with self.assertRefused("no XML yet|cannot be done now"):
            lote.register_protocol("1", self.today)

    def test_a_second_protocolo_is_refused(self):
        lote = self._create_received_lote(CONSULTATION, protocol="1001")
        with self.assertRefused("Received.*cannot be done now"):
            lote.register_protocol("1002", self.today)

    def test_a_mistyped_protocolo_is_corrected(self):
        lote = self._create_received_lote(CONSULTATION, protocol="1001")
        self.env.flush_all()
        yesterday = fields.Date.subtract(self.today, days=1)
        biller = self._create_user("protocolo.corrige", "billing")
        action = lote.with_user(biller).action_correct_protocol()
        form = Form(
            self.env["tiss.lote.protocol"].with_user(biller).with_context(**action["context"])
        )
        self.assertEqual((form.protocol_number, form.protocol_date), ("1001", self.today))
        form.protocol_number = " 1010 "
        form.protocol_date = yesterday
        form.save().action_register()
        self.assertEqual((lote.protocol_number, lote.protocol_date), ("1010", yesterday))
        self.assertEqual(lote.state, "received")
        self.assertIn("Protocolo 1010", lote.invoice_id.ref)
        self.assertEqual(lote.invoice_id.invoice_origin, lote.invoice_id.ref)
        self.env.flush_all()
        self.cr.precommit.run()
        changes = lote.message_ids.sudo().tracking_value_ids.filtered(
            lambda value: value.field_id.name == "protocol_number"
        )
        self.assertIn(("1001", "1010"), [(c.old_value_char, c.new_value_char) for c in changes])
        self.assertLedgerSound()

    def test_a_correction_is_a_protocolo_of_its_own(self):
        self._create_received_lote(CONSULTATION, protocol="1001")
        lote = self._create_received_lote(CONSULTATION, protocol="1002")
        with self.assertRefused("1 to 12 characters"):
            lote.correct_protocol(" ")
        with self.assertRefused("in the future"):
            lote.correct_protocol("1003", fields.Date.add(self.today, days=2))
        with self.assertRefused("Another lote of this convênio already has this protocolo"):
            lote.correct_protocol("1001")

    def test_an_answered_protocolo_is_no_longer_corrected(self):
        waiting = self._create_lote(CONSULTATION)
        with self.assertRefused("cannot be done now"):
            waiting.correct_protocol("1002")
        lote = self._create_received_lote({ECG: 1, DIPYRONE: 1}, protocol="1001")
        content = analysis_message(lote, {(lote.guia_ids.name, 1): 41.10}, "D1")
        demonstrativo = self.env["tiss.demonstrativo"].import_file("a.xml", content)
        demonstrativo.post()
        self.assertEqual(lote.state, "received", "one item still waits")
        with self.assertRefused("already answered"):
            lote.correct_protocol("1002")

    def test_a_protocolo_is_corrected_after_a_guia_was_withdrawn(self):
        lote = self._create_received_lote({ECG: 1}, {DIPYRONE: 1}, protocol="1001")
        lote.guia_ids[0].withdraw("Cobrada em dobro")
        lote.correct_protocol("1010")
        self.assertEqual(lote.protocol_number, "1010")
        note = lote.guia_ids.movement_ids.move_id
        self.assertEqual(note.move_type, "out_refund")
        for move in note | lote.invoice_id:
            self.assertIn("Protocolo 1010", move.ref)
        self.assertLedgerSound()

    def test_the_form_offers_no_duplicate(self):
        arch = self.env["tiss.lote"].get_view(view_type="form")["arch"]
        self.assertEqual(etree.fromstring(arch).get("duplicate"), "false")

    def test_two_lotes_do_not_share_a_protocolo(self):
        self._create_received_lote(CONSULTATION, protocol="1001")
        lote = self._create_lote(CONSULTATION)
        lote.send()
        with self.assertRefused("Another lote of this convênio already has this protocolo"):
            lote.register_protocol("1001", self.today)
        self.assertEqual(lote.state, "sent")

    def test_protocolo_in_closed_books(self):
        lote = self._create_lote(CONSULTATION)
        lote.send()
        self.company.sudo().fiscalyear_lock_date = self.today
        with self.assertRefused("books are closed"):
            lote.register_protocol("1", self.today)

    def test_receipt_with_another_total_is_said_in_the_chatter(self):
        lote = self._create_lote(CONSULTATION, CONSULTATION)
        answer = self._simulate().receive(lote.get_xml(), self.today)
        lote.send()
        answer = answer.replace(
            b">300.00</ans:valorTotalProtocolo>", b">150.00</ans:valorTotalProtocolo>"
        )
        self.env["tiss.message"].receive_file("protocolo.xml", answer)
        self.assertEqual(lote.state, "received")
        self.assertEqual(lote.invoice_id.amount_total, 300.00, "we claim what we billed")
        note = lote.message_ids.filtered(lambda message: "150" in (message.body or ""))
        self.assertIn("300", note.body)
        self.assertIn("compare the guias", note.body)

    def test_receipt_twice_changes_nothing(self):
        lote = self._create_lote(CONSULTATION)
        answer = self._simulate().receive(lote.get_xml(), self.today)
        lote.send()
        self.env["tiss.message"].receive_file("protocolo.xml", answer)
        before = self._get_content()
        self.assertEqual(self.env["tiss.message"].receive_file("outro.xml", answer), lote)
        self.assertEqual(self._get_content(), before)

    def test_receipt_of_a_lote_of_nobody(self):
        lote = self._create_lote(CONSULTATION)
        answer = self._simulate().receive(lote.get_xml(), self.today)
        answer = answer.replace(b"<ans:numeroLote>1<", b"<ans:numeroLote>777<")
        with self.assertRefused("about lote 777, which this clinic did not send"):
            self.env["tiss.message"].receive_file("protocolo.xml", answer)

    def test_receipt_of_a_lote_taken_to_the_portal_without_a_click(self):
        """The file was downloaded and uploaded; nobody pressed Send."""
        lote = self._create_lote(CONSULTATION)
        answer = self._simulate().receive(lote.get_xml(), self.today)
        self.env["tiss.message"].receive_file("protocolo.xml", answer)
        self.assertEqual(lote.state, "received")
        self.assertEqual(lote.sent_date, self.today)
