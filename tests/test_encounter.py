from datetime import timedelta

from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, TissCommon

UNPRICED = "40301508"
LONG = "Eletrocardiograma – “repouso” 🫀 " * 10  # 310 characters


@tagged("post_install", "-at_install", "post_install_l10n")
class TestEncounter(TissCommon):
    """The visit, and why it can or cannot be billed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        term = cls.env["tiss.term"]._get("22", UNPRICED)
        cls.products[UNPRICED] = term.create_products().product_variant_id

    # ------------------------------------------------------------------
    # Closing a visit
    # ------------------------------------------------------------------

    def test_left_out_encounter_opens_from_the_wizard(self):
        """The wizard is saved before it opens: a button of an unsaved line would do nothing."""
        encounter = self._create_encounters(CONSULTATION, done=False)
        action = self.env.ref("l10n_br_tiss.tiss_guia_generate_action").sudo().run()
        wizard = self.env["tiss.guia.generate"].browse(action["res_id"])
        [line] = wizard.line_ids.filtered(lambda line: line.encounter_id == encounter)
        self.assertEqual(line.action_open()["res_id"], encounter.id)

    def test_whoever_begins_with_the_card_has_the_patient_too(self):
        form = Form(self.env["tiss.encounter"])
        form.card_id = self.card
        self.assertEqual((form.patient_id, form.card_id), (self.patient, self.card))
        self.assertEqual(form.contract_id, self.contract)

    def test_reception_records_a_visit(self):
        """The card, the convênio and the price come by themselves."""
        user = self._create_user("recepcao.visita", "reception")
        form = Form(self.env["tiss.encounter"].with_user(user))
        form.date = self.visit_date
        form.patient_id = self.patient
        form.professional_id = self.professional
        with form.line_ids.new() as line:
            line.product_id = self.products[CONSULTATION]
        encounter = form.save()
        self.assertEqual(encounter.card_id, self.card)
        self.assertEqual(encounter.contract_id, self.contract)
        self.assertEqual(encounter.amount_total, 150.00)
        self.assertNotEqual(encounter.name, "/")
        encounter.action_done()
        self.assertFalse(encounter.billing_problems)

    def test_an_empty_visit_cannot_be_closed(self):
        encounter = self._create_encounters({}, done=False)
        with self.assertRefused(f"Say what was done before closing the encounter {encounter.name}"):
            encounter.action_done()

    def test_closing_twice_is_refused_with_its_state(self):
        encounter = self._create_encounters(CONSULTATION)
        with self.assertRefused(f"encounter {encounter.name} is done: this cannot be done now"):
            encounter.action_done()

    def test_a_billed_visit_is_neither_reopened_cancelled_nor_deleted(self):
        encounter = self._create_encounters(CONSULTATION)
        encounter.create_guias()
        for action in (encounter.action_draft, encounter.action_cancel):
            with self.assertRefused("is billed"):
                action()
        with self.assertRefused("has a guia cannot be deleted"):
            encounter.unlink()

    # ------------------------------------------------------------------
    # What cannot be billed
    # ------------------------------------------------------------------

    def _assert_left_out(self, encounter, words):
        number = self.contract.next_guia_number
        self.assertRegex(encounter.billing_problems, words)
        with self.assertRefused(f"{encounter.name}: .*{words}"):
            encounter.create_guias()
        self.assertEqual(encounter.state, "done")
        self.assertEqual(self.contract.next_guia_number, number, "no number was spent")

    def test_without_a_price(self):
        encounter = self._create_encounters({CONSULTATION: 1, UNPRICED: 1})
        self._assert_left_out(
            encounter, rf"{UNPRICED}|has no price in {self.contract.name} on that day"
        )
        self.assertIn("has no price", encounter.billing_problems)

    def test_a_price_of_another_day_is_no_price(self):
        term = self.env["tiss.term"]._get("22", UNPRICED)
        self.env["product.pricelist.item"].create(
            {
                "pricelist_id": self.contract.pricelist_id.id,
                "tiss_term_id": term.id,
                "fixed_price": 10.00,
                "date_start": f"{self.today} 00:00:00",
            }
        )
        self._assert_left_out(self._create_encounters(UNPRICED), "has no price")
        today = self._create_encounters(UNPRICED, date=self.today)
        self.assertEqual(today.create_guias().amount_total, 10.00)

    def test_a_price_of_zero_is_a_price(self):
        term = self.env["tiss.term"]._get("22", UNPRICED)
        self.env["product.pricelist.item"].create(
            {
                "pricelist_id": self.contract.pricelist_id.id,
                "tiss_term_id": term.id,
                "fixed_price": 0.00,
            }
        )
        self.assertEqual(self._create_encounters(UNPRICED).create_guias().amount_total, 0)

    def test_term_out_of_validity(self):
        encounter = self._create_encounters(ECG)
        term = self.products[ECG].tiss_term_id
        for dates in (
            {"end_date": self.visit_date - timedelta(days=1)},
            {"start_date": self.visit_date + timedelta(days=1)},
        ):
            with self.subTest(dates):
                term.sudo().write({"start_date": False, "end_date": False, **dates})
                encounter.invalidate_recordset(["billing_problems"])
                self._assert_left_out(encounter, "was not valid on the day of the visit")
        term.sudo().write({"start_date": self.visit_date, "end_date": self.visit_date})
        self.assertTrue(encounter.create_guias(), "first and last day are inside")

    def test_product_that_is_no_tuss_item(self):
        product = self.env["product.product"].create({"name": "Taxa sem código"})
        encounter = self._create_encounters(CONSULTATION)
        encounter.line_ids = [Command.create({"product_id": product.id, "unit_price": 5})]
        self._assert_left_out(encounter, "Taxa sem código has no TUSS code")

    def test_half_a_procedure(self):
        self._assert_left_out(
            self._create_encounters({BLOOD_COUNT: 1.5}), "its quantity is a whole number"
        )
        self.assertTrue(self._create_encounters({DIPYRONE: 1.5}).create_guias(), "half a vial")

    def test_without_card(self):
        stranger = self.env["res.partner"].create({"name": "Sem Carteira"})
        encounter = self._create_encounters(CONSULTATION, patient_id=stranger.id, card_id=False)
        self._assert_left_out(encounter, "Choose the patient's card")

    def test_a_card_says_whether_it_is_over_or_not_valid_yet(self):
        encounter = self._create_encounters(CONSULTATION)
        for dates, words in (
            ({"start_date": self.visit_date + timedelta(days=1)}, "valid only from .* on"),
            ({"validity_date": self.visit_date - timedelta(days=1)}, "expired on"),
        ):
            with self.subTest(words):
                self.card.write({"start_date": False, "validity_date": False, **dates})
                encounter.invalidate_recordset(["billing_problems"])
                self._assert_left_out(encounter, words)
        self.card.write({"start_date": self.visit_date, "validity_date": self.visit_date})
        self.assertTrue(encounter.create_guias(), "first and last day are inside")

    def test_operadora_without_convenio(self):
        registry = self.env["tiss.operadora.registry"].search([("ans_code", "=", "005711")])
        plan = self.env["tiss.plan"].create(
            {"operadora_id": registry.create_operadora().id, "name": "Sem Convênio"}
        )
        card = self.card.copy({"plan_id": plan.id, "number": "42"})
        self._assert_left_out(
            self._create_encounters(CONSULTATION, card_id=card.id),
            "no convênio with this card's operadora",
        )

    def test_every_bad_visit_is_named_at_once(self):
        bad = self._create_encounters(UNPRICED, {BLOOD_COUNT: 0.5})
        good = self._create_encounters(CONSULTATION)
        with self.assertRefused(f"(?s){bad[0].name}.*no price.*\n{bad[1].name}.*whole number"):
            (bad | good).create_guias()
        self.assertEqual(good.state, "done")
        self.assertFalse((bad | good).guia_ids)

    def test_a_visit_is_billed_once(self):
        encounter = self._create_encounters(CONSULTATION)
        encounter.create_guias()
        with self.assertRefused("is billed already"):
            encounter.create_guias()

    def test_nothing_moves_into_a_billed_visit(self):
        billed = self._create_encounters(CONSULTATION)
        billed.create_guias()
        still_open = self._create_encounters(ECG, done=False)
        with self.assertRefused("is already billed"):
            still_open.line_ids.encounter_id = billed

    # ------------------------------------------------------------------
    # The wizard
    # ------------------------------------------------------------------

    def test_wizard_generates_and_says_what_it_leaves_out_and_why(self):
        good = self._create_encounters(CONSULTATION, ECG)
        unpriced = self._create_encounters(UNPRICED)
        still_open = self._create_encounters(CONSULTATION, done=False)
        older = self._create_encounters(CONSULTATION, date=self.visit_date - timedelta(days=30))
        biller = self._create_user("guias.lote", "billing")
        form = Form(self.env["tiss.guia.generate"].with_user(biller))
        form.start_date = self.visit_date
        form.end_date = self.today
        wizard = form.save()
        self.assertEqual((wizard.billable_count, wizard.left_out_count), (2, 2))
        self.assertEqual(wizard.amount_total, 191.10)
        reasons = {row.encounter_id: row.reason for row in wizard.line_ids}
        self.assertEqual(set(reasons), {unpriced, still_open})
        self.assertIn("has no price", reasons[unpriced])
        self.assertIn("not closed", reasons[still_open])
        wizard.action_generate()
        self.assertEqual(set(good.mapped("state")), {"billed"})
        self.assertEqual((unpriced | older).mapped("state"), ["done", "done"])
        self.assertFalse((unpriced | still_open | older).guia_ids)

    def test_wizard_keeps_to_the_chosen_convenio(self):
        other = self._create_contract("005711", provider_code="77")
        self._create_encounters(CONSULTATION)
        wizard = self.env["tiss.guia.generate"].create(
            {"start_date": self.visit_date, "contract_ids": other.ids}
        )
        self.assertFalse(wizard.group_ids)
        self.assertFalse(wizard.line_ids)
        with self.assertRefused("No encounter of this period can be billed"):
            wizard.action_generate()

    def test_wizard_opened_from_a_selection_covers_it(self):
        encounters = self._create_encounters(CONSULTATION) | self._create_encounters(
            CONSULTATION, date=self.visit_date - timedelta(days=40)
        )
        form = Form(
            self.env["tiss.guia.generate"].with_context(
                active_model="tiss.encounter", active_ids=encounters.ids
            )
        )
        self.assertEqual(form.save().billable_count, 2)

    def test_wizard_with_dates_the_wrong_way_round_finds_nothing(self):
        self._create_encounters(CONSULTATION)
        wizard = self.env["tiss.guia.generate"].create(
            {"start_date": self.today, "end_date": self.visit_date}
        )
        with self.assertRefused("No encounter of this period"):
            wizard.action_generate()

    # ------------------------------------------------------------------
    # Words that no message can carry
    # ------------------------------------------------------------------

    def test_long_texts_with_emoji_and_dashes_make_a_valid_message(self):
        self.professional.name = "Drª Íris D’Ávila–Conceição 😷 " * 10
        self.products[ECG].name = LONG
        self.company.sudo().name = "Clínica “São José” – Unidade № 1 🏥 " * 9
        encounter = self._create_encounters({ECG: 1, DIPYRONE: 2})
        encounter.sudo().clinical_indication = "Dor torácica — há 3 dias… 😖"
        guia = encounter.create_guias()
        guia.observation = "Paciente “João” – retorno 👍 ½ comprimido"
        lote = guia.create_lotes()
        lote.build()
        values = guia.sudo().get_tiss_values()
        name = values["dadosSolicitante"]["profissionalSolicitante"]["nomeProfissional"]
        self.assertTrue(name.startswith("DRA IRIS D'AVILA-CONCEICAO DRA IRIS"), name)
        self.assertLessEqual(len(name), 70)
        [item] = values["procedimentosExecutados"]["procedimentoExecutado"]
        text = item["procedimento"]["descricaoProcedimento"]
        self.assertTrue(text.startswith('ELETROCARDIOGRAMA - "REPOUSO" ELETRO'), text)
        self.assertLessEqual(len(text), 150)
        self.assertEqual(
            values["dadosSolicitacao"]["indicacaoClinica"], "DOR TORACICA - HA 3 DIAS..."
        )
        self.assertEqual(values["observacao"], 'PACIENTE "JOAO" - RETORNO 1/2 COMPRIMIDO')
        self.assertTrue(lote.get_xml().isascii())
        self.assertIn(b"numeroProtocolo", self._simulate().receive(lote.get_xml(), self.today))

    def test_texts_of_only_emoji_are_left_out(self):
        encounter = self._create_encounters(ECG)
        encounter.sudo().clinical_indication = "😀"
        guia = encounter.create_guias()
        guia.observation = "👍👍"
        values = guia.get_tiss_values()
        self.assertIsNone(values["observacao"])
        self.assertIsNone(values["dadosSolicitacao"]["indicacaoClinica"])
        self.assertTrue(guia.create_lotes().build())

    def test_a_name_that_no_message_can_carry_keeps_the_guia_in_draft(self):
        self.professional.name = "李小龙"
        guia = self._create_encounters(CONSULTATION).create_guias()
        self.assertEqual(guia.state, "draft")
        self.assertEqual(guia.problems, "李小龙 lacks: Name.")
        with self.assertRefused("李小龙 lacks: Name"):
            guia.action_check()

    def test_a_password_that_no_message_can_carry_is_said_in_words(self):
        guia = self._create_encounters(
            ECG, authorization_date=self.visit_date, authorization_password="S–1😀"
        ).create_guias()
        self.assertEqual(guia.state, "draft")
        with self.assertRefused("not ready for a lote. Password has a character that cannot be"):
            guia.create_lotes()
