from datetime import timedelta

from odoo.tests import Form, tagged

from .common import CONSULTATION, ECG, TissCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestLoteReplace(TissCommon):
    """What takes the place of a lote that the operadora refused, and paper when nothing works."""

    def _create_refused(self, *visits):
        lote = self._create_lote(*visits)
        lote.send()
        guias = lote.guia_ids
        lote.action_reject()
        return lote, guias

    # ------------------------------------------------------------------
    # Substitutes
    # ------------------------------------------------------------------

    def test_the_guias_of_a_refused_lote_go_into_a_new_one(self):
        lote, guias = self._create_refused(CONSULTATION, CONSULTATION)
        self.assertEqual(lote.returned_count, 2)
        self.assertEqual(lote.released_guia_ids, guias)
        action = lote.action_create_substitute()
        new = lote.browse(action["res_id"])
        self.assertEqual((new.replaces_id, lote.replaced_by_ids), (lote, new))
        self.assertEqual(new.guia_ids, guias)
        self.assertNotEqual(new.name, lote.name)
        self.assertEqual(lote.returned_count, 0)
        new.send()
        self.assertEqual(new.register_protocol("900009").state, "received")
        self.assertLedgerSound()

    def test_a_refused_lote_says_what_it_held(self):
        lote, guias = self._create_refused(CONSULTATION, CONSULTATION)
        self.assertEqual((lote.guia_count, lote.held_guia_ids), (2, guias))
        self.assertEqual(lote.amount_total, 0, "nothing of it is owed")
        self.assertEqual(lote.action_view_guias()["domain"], [("id", "in", guias.ids)])
        again = lote.create_substitute()
        again.send()
        again.action_reject()
        self.assertEqual((lote | again).mapped("guia_count"), [2, 2])
        self.assertEqual(again.held_guia_ids, guias)
        cancelled = again.create_substitute()
        cancelled.action_cancel()
        self.assertEqual(cancelled.guia_count, 2)
        with self.assertRefused("follows what is done"):
            lote.held_guia_ids = guias[0]

    def test_nothing_came_back(self):
        lote, _guias = self._create_refused(CONSULTATION)
        lote.create_substitute()
        with self.assertRefused("No guia of lote .* came back"):
            lote.create_substitute()

    def test_what_lacks_something_waits(self):
        lote, guias = self._create_refused(CONSULTATION, CONSULTATION)
        guias[0].card_number = False
        guias._update_readiness()
        self.assertEqual(sorted(guias.mapped("state")), ["draft", "ready"])
        self.assertEqual(lote.create_substitute().guia_ids, guias[1])
        self.assertEqual(lote.returned_count, 1)
        with self.assertRefused("lacks something: complete it first"):
            lote.create_substitute()

    def test_a_cancelled_lote_gives_back_too(self):
        lote = self._create_lote(ECG)
        lote.action_cancel()
        self.assertEqual(lote.create_substitute().replaces_id, lote)

    def test_substitutes_of_withdrawn_guias(self):
        lote = self._create_received_lote(ECG, ECG)
        guia = lote.guia_ids[0]
        guia.withdraw("A operadora devolveu")
        guia.create_substitute("A operadora devolveu").action_check()
        self.assertEqual(lote.returned_count, 1)
        new = lote.create_substitute()
        self.assertEqual((new.replaces_id, new.guia_ids.replaces_id), (lote, guia))
        self.assertLedgerSound()

    def test_guias_of_two_lotes_make_a_lote_that_replaces_none(self):
        first, ours = self._create_refused(CONSULTATION)
        second, theirs = self._create_refused(CONSULTATION)
        new = (ours | theirs).create_lotes()
        self.assertEqual(len(new), 1)
        self.assertFalse(new.replaces_id)
        self.assertFalse((first | second).replaced_by_ids)

    # ------------------------------------------------------------------
    # Paper
    # ------------------------------------------------------------------

    def test_delivered_on_paper(self):
        lote = self._create_lote(CONSULTATION)
        action = lote.action_deliver_on_paper()
        form = Form.from_action(self.env, action)
        form.person = "Maria do Balcão"
        form.date = self.today - timedelta(days=1)
        wizard = form.save()
        printed = wizard.action_print()
        self.assertEqual(printed["report_name"], "l10n_br_tiss.report_lote")
        self.assertEqual(lote.state, "validated", "printing marks nothing")
        wizard.action_deliver()
        self.assertEqual((lote.state, lote.is_on_paper), ("sent", True))
        self.assertEqual(lote.sent_date, self.today - timedelta(days=1))
        self.assertEqual(lote.guia_ids.state, "sent")
        self.assertIn("Delivered on paper to Maria do Balcão.", lote.message_ids[0].body)
        lote.register_protocol("PAPEL1")
        self.assertEqual(lote.state, "received")
        self.assertLedgerSound()

    def test_paper_says_what_its_xml_says(self):
        lote = self._create_encounters(CONSULTATION).create_guias().create_lotes()
        lote.deliver_on_paper("Maria")
        self.assertIn(b"loteGuias", lote.get_xml())

    def test_who_and_when(self):
        lote = self._create_lote(CONSULTATION)
        with self.assertRefused("Say who took the paper"):
            lote.deliver_on_paper("  ")
        with self.assertRefused("is in the future"):
            lote.deliver_on_paper("Maria", self.today + timedelta(days=1))
        lote.send()
        with self.assertRefused("this cannot be done now"):
            lote.deliver_on_paper("Maria")
