from collections import Counter
from datetime import date, timedelta
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from odoo.exceptions import UserError
from odoo.modules.migration import load_script
from odoo.tests import Form, tagged
from odoo.tools import file_path, mute_logger

from ..models.tiss_encounter_line import TissEncounterLine
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, ROOM_FEE, TissCommon
from .generated import examples
from .guia_records import GuiaRecords

SURGERY, WARD_VISIT, DAILY_RATE, DENTAL = "31005470", "10102019", "60000694", "81000030"
MORE_PRICES = {SURGERY: 1000.00, WARD_VISIT: 98.76, DAILY_RATE: 455.00, DENTAL: 60.00}
SECRET = "SUSPEITA DE ZZYX"


class GenerateCase(GuiaRecords, TissCommon):
    """A clinic that also operates in hospitals and treats teeth."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls.products |= cls._price(cls.contract, MORE_PRICES)

    @classmethod
    def _visit(cls, *codes, **vals):
        return cls._create_encounters(dict.fromkeys(codes, 1), **vals)

    @classmethod
    def _stay(cls, **vals):
        """What a stay says: three days in the clinic's own beds, authorised."""
        return {
            "start_date": cls.visit_date,
            "start_time": 8.5,
            "end_date": cls.today,
            "end_time": 10.25,
            "main_number": "SOL-1",
            "authorization_number": "AUT-1",
            "authorization_date": cls.visit_date,
            "authorization_password": "S123",
            "hospitalization_type_id": cls._term("57", "2"),
            "discharge_reason_id": cls._term("39", "12"),
            **vals,
        }

    def _shape(self, guias):
        """[(type, [codes of the items])] of guias, in the order of their numbers."""
        return [(guia.guia_type, guia.line_ids.mapped("code")) for guia in guias.sorted("number")]


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuiaType(GenerateCase):
    """Which guia for what (guide §3.0)."""

    def _assert_type(self, expected, *codes, **vals):
        self.assertEqual(self._visit(*codes, **vals).guia_type, expected)

    def test_a_lone_elective_consultation(self):
        self._assert_type("consulta", CONSULTATION)
        self._assert_type("consulta", CONSULTATION, mode="tele")

    def test_what_makes_a_consultation_an_sp_sadt(self):
        self._assert_type("sp_sadt", CONSULTATION, ECG)
        self._assert_type("sp_sadt", CONSULTATION, DIPYRONE)
        self._assert_type("sp_sadt", CONSULTATION, care_character_id=self._term("23", "2"))
        twice = self._create_encounters({CONSULTATION: 2})
        self.assertEqual(twice.guia_type, "sp_sadt")
        emergency = self._visit(CONSULTATION, regime_id=self._term("76", "04"))
        self.assertEqual(emergency.guia_type, "sp_sadt")

    def test_exams_and_what_is_used(self):
        self._assert_type("sp_sadt", ECG)
        self._assert_type("sp_sadt", DIPYRONE)

    def test_dentistry_by_the_procedure_or_by_the_dentist(self):
        self._assert_type("odonto", DENTAL)
        self._assert_type("odonto", CONSULTATION, professional_id=self.dentist.id)
        self._assert_type("sp_sadt", DENTAL, ECG)

    def test_own_fees_for_an_inpatient_of_a_hospital(self):
        encounter = self._visit(SURGERY, hospital_id=self.hospital.id)
        self.assertEqual((encounter.guia_type, encounter.regime_id.code), ("honorarios", "03"))
        self._assert_type("honorarios", WARD_VISIT, hospital_id=self.hospital.id)
        self._assert_type(
            "honorarios", SURGERY, hospital_id=self.hospital.id, professional_id=self.dentist.id
        )

    def test_exams_of_an_inpatient_of_a_hospital(self):
        encounter = self._visit(ECG, hospital_id=self.hospital.id, main_number="SOL-9")
        self.assertEqual((encounter.guia_type, encounter.regime_id.code), ("sp_sadt", "03"))
        guia = encounter.create_guias()
        self.assertEqual(guia.main_number, "SOL-9")
        header = guia.get_tiss_values()["cabecalhoGuia"]
        self.assertEqual(header["guiaPrincipal"], "SOL-9")

    def test_expenses_have_no_place_in_honorarios(self):
        self._assert_type("sp_sadt", SURGERY, DIPYRONE, hospital_id=self.hospital.id)

    def test_a_stay_in_the_clinic_itself(self):
        encounter = self._visit(SURGERY, DAILY_RATE, **self._stay())
        self.assertEqual(
            (encounter.guia_type, encounter.regime_id.code), ("resumo_internacao", "03")
        )

    def test_the_type_follows_what_is_added(self):
        encounter = self._create_encounters(CONSULTATION, done=False)
        form = Form(encounter)
        self.assertEqual(form.guia_type, "consulta")
        with form.line_ids.new() as line:
            line.product_id = self.products[ECG]
        self.assertEqual(form.guia_type, "sp_sadt")

    def test_another_type_can_be_chosen(self):
        encounter = self._visit(CONSULTATION)
        encounter.guia_type = "sp_sadt"
        self.assertEqual(encounter.create_guias().guia_type, "sp_sadt")

    def test_a_chosen_type_without_place_for_the_items_is_left_out(self):
        for guia_type, codes, words in (
            ("consulta", (CONSULTATION, ECG), "exactly one procedure"),
            ("honorarios", (SURGERY, DIPYRONE), "takes procedures alone"),
            ("odonto", (DENTAL, DIPYRONE), "takes procedures alone"),
        ):
            encounter = self._visit(*codes)
            encounter.guia_type = guia_type
            with self.subTest(guia_type), self.assertRefused(words):
                encounter.create_guias()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuiaContent(GenerateCase):
    """What each type of guia takes from its visit."""

    def test_a_hospital_bill(self):
        encounter = self._visit(SURGERY, DAILY_RATE, **self._stay(), done=False)
        surgery, daily = encounter.line_ids
        surgery.write({"participation_id": self._term("35", "00"), "date": self.today})
        surgery.write({"start_time": 9.0, "end_time": 11.5, "technique_id": self._term("48", "2")})
        encounter.sudo().diagnosis_1 = "K80.2"
        encounter.action_done()
        guia = encounter.create_guias()
        self.assertEqual(guia.state, "ready", guia.problems)
        self.assertEqual((guia.date, guia.amount_total), (self.today, 1455.00))
        first, second = guia.line_ids
        self.assertEqual((first.date, second.date), (self.today, self.visit_date))
        self.assertEqual((first.start_time, first.technique_id.code), (9.0, "2"))
        self.assertEqual(first.member_ids.participation_id.code, "00")
        self.assertEqual(guia.sudo().diagnosis_1, "K80.2")
        [decoded] = self._decode(self._send(guia))
        self.assertEqual(decoded["dadosInternacao"]["tipoFaturamento"], "4", "total, by default")
        self.assertEqual(decoded["numeroGuiaSolicitacaoInternacao"], "SOL-1")

    def test_own_fees(self):
        encounter = self._visit(
            SURGERY, hospital_id=self.hospital.id, main_number="SOL-2", done=False
        )
        encounter.line_ids.participation_id = self._term("35", "00")
        encounter.action_done()
        guia = encounter.create_guias()
        self.assertEqual(guia.state, "ready", guia.problems)
        self.assertEqual((guia.start_date, guia.end_date), (self.visit_date, self.visit_date))
        self.assertEqual((guia.issue_date, guia.hospital_id), (self.today, self.hospital))
        [decoded] = self._decode(self._send(guia))
        self.assertEqual(decoded["guiaSolicInternacao"], "SOL-2")

    def test_a_dental_treatment(self):
        encounter = self._visit(
            DENTAL,
            professional_id=self.dentist.id,
            treatment_end_date=self.visit_date,
            done=False,
        )
        encounter.line_ids.write(
            {"tooth_id": self._term("28", "11"), "faces": "OM", "us_quantity": 2.5}
        )
        encounter.action_done()
        guia = encounter.create_guias()
        self.assertEqual(guia.state, "ready", guia.problems)
        self.assertEqual((guia.us_total, guia.dental_type_id.code), (2.5, "1"))
        [decoded] = self._decode(self._send(guia))
        [item] = decoded["procedimentosExecutados"]
        self.assertEqual((item["denteRegiao"]["codDente"], item["denteFace"]), ("11", "OM"))

    def test_an_access_route_and_opme_reach_the_message(self):
        encounter = self._visit(ECG, DIPYRONE, done=False)
        exam, used = encounter.line_ids
        exam.access_id = self._term("61", "1")
        used.write({"anvisa_number": "80000000001", "manufacturer_reference": "REF-1"})
        encounter.action_done()
        values = encounter.create_guias().get_tiss_values()
        [item] = values["procedimentosExecutados"]["procedimentoExecutado"]
        self.assertEqual(item["viaAcesso"], "1")
        [expense] = values["outrasDespesas"]["despesa"]
        self.assertEqual(expense["servicosExecutados"]["registroANVISA"], "80000000001")

    def test_the_token_of_reception_travels(self):
        guia = self._visit(CONSULTATION, validation_code="TOK1").create_guias()
        self.assertEqual(guia.get_tiss_values()["codValidacao"], "TOK1")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuiaGrouping(GenerateCase):
    """Splits and merges as the convênio wants them."""

    def _therapy(self, *days, code=ECG, **vals):
        """One visit on each of these days of March of the last year."""
        year = self.today.year - 1
        return self.env["tiss.encounter"].union(
            *(
                self._visit(code, date=date(year, 3, 1) + timedelta(days=day), **vals)
                for day in days
            )
        )

    def _authorized(self, password):
        return {"authorization_password": password, "authorization_date": date(2020, 1, 1)}

    def test_one_per_visit(self):
        visits = self._therapy(0, 1, **self._authorized("S1"))
        self.assertEqual(len(visits.create_guias()), 2)

    def test_one_per_authorisation(self):
        self.contract.guia_grouping = "authorization"
        same = self._therapy(0, 7, 40, **self._authorized("S1"))
        other = self._therapy(1, **self._authorized("S2"))
        without = self._therapy(2, 3)
        guias = (without | other | same).create_guias()
        self.assertEqual(
            [guia.encounter_ids for guia in guias], [same, other, without[0], without[1]]
        )
        first = guias[0]
        self.assertEqual(first.line_ids.mapped("sequence_item"), [1, 2, 3])
        self.assertEqual(first.line_ids.mapped("date"), same.mapped("date"))
        self.assertEqual(first.date, same[-1].date, "the last day of what it bills")
        self.assertEqual(guias.mapped("number"), sorted(guias.mapped("number")))

    def test_one_per_month(self):
        self.contract.guia_grouping = "month"
        march, april = self._therapy(0, 30), self._therapy(31)
        self.assertEqual(
            [guia.encounter_ids for guia in (april | march).create_guias()], [march, april]
        )

    def test_what_a_guia_says_once_must_be_the_same(self):
        self.contract.guia_grouping = "month"
        visits = self._therapy(*range(6))
        visits[1].professional_id = self.assistant
        visits[2].sudo().clinical_indication = SECRET
        visits[3].care_character_id = self._term("23", "2")
        visits[4].validation_code = "TOK1"
        guias = visits.create_guias()
        self.assertEqual(
            [guia.encounter_ids for guia in guias],
            [visits[0] | visits[5], visits[1], visits[2], visits[3], visits[4]],
        )

    def test_consultations_and_stays_never_share_a_guia(self):
        self.contract.guia_grouping = "month"
        consultations = self._therapy(0, 1, code=CONSULTATION)
        stays = self._therapy(2, 3, code=SURGERY, **self._stay())
        self.assertEqual(len((consultations | stays).create_guias()), 4)

    def test_fees_of_one_stay_cover_its_days(self):
        self.contract.guia_grouping = "month"
        visits = self._therapy(
            4, 5, 6, code=WARD_VISIT, hospital_id=self.hospital.id, main_number="SOL-3"
        )
        guia = visits.create_guias()
        self.assertEqual(len(guia), 1)
        self.assertEqual((guia.start_date, guia.end_date), (visits[0].date, visits[2].date))

    def test_a_treatment_ends_with_its_last_visit(self):
        self.contract.guia_grouping = "month"
        visits = self._therapy(4, 5, code=DENTAL, professional_id=self.dentist.id)
        visits[1].treatment_end_date = visits[1].date
        guia = visits.create_guias()
        self.assertEqual((len(guia), guia.treatment_end_date), (1, visits[1].date))

    def test_more_items_than_the_convenio_takes(self):
        self.contract.max_guia_items = 2
        codes = (CONSULTATION, ECG, BLOOD_COUNT, DIPYRONE, ROOM_FEE)
        visit = self._visit(*codes)
        guias = visit.create_guias()
        self.assertEqual(self._shape(guias), [
            ("sp_sadt", [CONSULTATION, ECG]),
            ("sp_sadt", [BLOOD_COUNT, DIPYRONE]),
            ("sp_sadt", [ROOM_FEE]),
        ])  # fmt: skip
        self.assertEqual(guias.mapped("main_number"), [False, guias[0].name, guias[0].name])
        self.assertEqual(guias.encounter_ids, visit)
        self.assertEqual(visit.state, "billed")

    def test_the_main_guia_is_named_as_the_operadora_knows_it(self):
        self.contract.max_guia_items = 1
        vals = {"authorization_number": "OP-77", "authorization_date": self.visit_date}
        guias = self._visit(ECG, BLOOD_COUNT, **vals).create_guias()
        self.assertEqual(guias.mapped("main_number"), [False, "OP-77"])

    def test_the_bill_of_a_stay_continues_as_a_complement(self):
        self.contract.max_guia_items = 1
        guias = self._visit(SURGERY, DAILY_RATE, **self._stay()).create_guias()
        self.assertEqual(guias.mapped("billing_type_id.code"), ["4", "3"])
        self.assertEqual(guias.mapped("main_number"), ["SOL-1", "SOL-1"], "the request")

    def test_items_of_two_authorisations_are_split(self):
        """The hook that a model of authorisations will answer."""
        visit = self._visit(ECG, BLOOD_COUNT, DIPYRONE)

        def authorization(line):
            password = "S2" if line.tiss_code == BLOOD_COUNT else "S1"
            return {
                "operadora_number": False,
                "authorization_date": self.visit_date,
                "authorization_password": password,
                "authorization_validity_date": False,
            }

        with patch.object(TissEncounterLine, "_get_authorization_vals", authorization):
            guias = visit.create_guias()
            self.assertEqual(guias.mapped("authorization_password"), ["S1", "S2"])
            self.assertEqual([len(guia.line_ids) for guia in guias], [2, 1])
            guias[0].cancel("Código errado")
            self.assertEqual(visit.state, "done")
            with self.assertRefused("is already billed"):
                visit.action_draft()
            with self.assertRefused("is already billed"):
                visit.line_ids[0].quantity = 2
            again = visit.create_guias()
        self.assertEqual(self._shape(again), [("sp_sadt", [ECG, DIPYRONE])])
        self.assertEqual(visit.state, "billed")
        self.assertEqual(visit.guia_ids, guias | again, "the cancelled one is not forgotten")

    def test_an_item_is_billed_once_whoever_tries(self):
        visit = self._visit(ECG)
        guia = visit.create_guias()
        with self.assertRefused("billed by another guia already"):
            guia.copy().sudo().line_ids.encounter_line_id = visit.line_ids
        with self.assertRefused("only by making or cancelling"):
            guia.line_ids.encounter_line_id = False

    def test_a_substitute_takes_the_visits_over(self):
        visits = self._visit(ECG, BLOOD_COUNT)
        guia = visits.create_guias()
        substitute = guia.copy()
        substitute.line_ids[1].unlink()
        guia._hand_visits_to(substitute)
        self.assertEqual(substitute.line_ids.encounter_line_id, visits.line_ids[0])
        self.assertFalse(guia.line_ids.encounter_line_id)
        self.assertEqual(visits.state, "done", "the item left out can be billed")

    def test_limits_of_the_contract(self):
        for limit in (-1, 10_000):
            with self.subTest(limit), self.assertRefused("at most 9999 items"):
                self.contract.max_guia_items = limit

    # ------------------------------------------------------------------
    # Laws
    # ------------------------------------------------------------------

    visits = st.lists(
        st.fixed_dictionaries(
            {
                "codes": st.sets(
                    st.sampled_from([CONSULTATION, ECG, BLOOD_COUNT, DIPYRONE, DENTAL, SURGERY]),
                    min_size=1,
                ),
                "day": st.integers(0, 40),
                "password": st.sampled_from([False, "S1", "S2"]),
                "dentist": st.booleans(),
                "hospital": st.booleans(),
            }
        ),
        min_size=1,
        max_size=8,
    )

    @examples(15)
    @given(visits, st.sampled_from(["encounter", "authorization", "month"]), st.integers(0, 4))
    def test_every_item_is_billed_exactly_once(self, visits, grouping, limit):
        with self.env.cr.savepoint() as savepoint:
            self.contract.write({"guia_grouping": grouping, "max_guia_items": limit})
            encounters = self.env["tiss.encounter"].union(*map(self._from_example, visits))
            billable, left_out = encounters._split_billable()
            guias = billable.create_guias()
            items = guias.line_ids
            self.assertEqual(Counter(items.encounter_line_id), Counter(billable.line_ids))
            self.assertEqual(len(items), len(billable.line_ids))
            self.assertAlmostEqual(
                sum(guias.mapped("amount_total")), sum(billable.mapped("amount_total")), 2
            )
            self.assertEqual(set(billable.mapped("state")) | {"billed"}, {"billed"})
            self.assertFalse(self.env["tiss.encounter"].union(*left_out).guia_ids)
            for guia in guias:
                self._assert_one_of_each(guia, limit)
            savepoint.rollback()
            self.env.invalidate_all()

    def _from_example(self, example):
        return self._visit(
            *sorted(example["codes"]),
            date=date(self.today.year - 1, 3, 1) + timedelta(days=example["day"]),
            authorization_password=example["password"],
            professional_id=(self.dentist if example["dentist"] else self.professional).id,
            hospital_id=example["hospital"] and self.hospital.id,
        )

    def _assert_one_of_each(self, guia, limit):
        """One beneficiary, professional, type and authorisation; items in order."""
        visits = guia.encounter_ids
        self.assertEqual(visits.card_id, guia.card_id)
        self.assertEqual(visits.professional_id, guia.professional_id)
        self.assertEqual(set(visits.mapped("guia_type")), {guia.guia_type})
        self.assertEqual(
            set(visits.mapped("authorization_password")), {guia.authorization_password}
        )
        self.assertLessEqual(len(guia.line_ids), limit or 9999)
        places = list(range(1, len(guia.line_ids) + 1))
        self.assertEqual(guia.line_ids.mapped("sequence_item"), places)
        if guia.guia_type == "consulta":
            self.assertEqual(len(guia.line_ids), 1)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGenerateWizard(GenerateCase):
    """What the wizards announce is what they make."""

    def test_the_table_says_what_will_be_made(self):
        self.contract.max_guia_items = 2
        self._visit(CONSULTATION)
        self._visit(ECG, BLOOD_COUNT, DIPYRONE)
        wizard = self.env["tiss.guia.generate"].create({"start_date": self.visit_date})
        table = {
            row.guia_type: (row.billable_count, row.guia_count, row.amount_total)
            for row in wizard.group_ids
        }
        self.assertEqual(table, {"consulta": (1, 1, 150.00), "sp_sadt": (1, 2, 81.88)})
        self.assertRegex(wizard.summary, r"2 encounters in 3 guias, R\$.231.88")
        wizard.action_generate()
        self.assertEqual(len(self.contract.guia_ids), 3)
        self.assertAlmostEqual(sum(self.contract.guia_ids.mapped("amount_total")), 231.88, 2)

    def test_professional_and_type_narrow_it(self):
        mine = self._visit(CONSULTATION)
        exam = self._visit(ECG)
        theirs = self._visit(CONSULTATION, professional_id=self.assistant.id)
        wizard = self.env["tiss.guia.generate"].create(
            {
                "start_date": self.visit_date,
                "guia_type": "consulta",
                "professional_ids": self.professional.ids,
            }
        )
        self.assertEqual(wizard.billable_count, 1)
        wizard.action_generate()
        self.assertEqual((mine | exam | theirs).mapped("state"), ["billed", "done", "done"])

    def test_lotes_by_professional_and_type(self):
        guias = (
            self._visit(CONSULTATION)
            | self._visit(ECG)
            | self._visit(CONSULTATION, professional_id=self.assistant.id)
        ).create_guias()
        wizard = self.env["tiss.lote.generate"].create(
            {"guia_type": "consulta", "professional_ids": self.assistant.ids}
        )
        self.assertEqual(wizard.guia_ids, guias[2])

    def test_lotes_of_selected_guias(self):
        guias = self._create_encounters(CONSULTATION, CONSULTATION).create_guias()
        form = Form(
            self.env["tiss.lote.generate"].with_context(
                active_model="tiss.guia", active_ids=guias[0].ids
            )
        )
        self.assertEqual(form.save().guia_ids, guias[0])


@tagged("post_install", "-at_install", "post_install_l10n")
class TestReprice(GenerateCase):
    """Prices of open guias follow the convênio's list; those in a lote are frozen."""

    def _get_price(self, code):
        template = self.products[code].product_tmpl_id
        return self.contract.price_item_ids.filtered(lambda item: item.product_tmpl_id == template)

    def test_the_difference_is_told(self):
        guias = self._create_encounters({ECG: 2, DIPYRONE: 1}, {BLOOD_COUNT: 1}).create_guias()
        self._get_price(ECG).fixed_price = 50.00
        result = guias.reprice()
        # 2 × 41.10 + 7.45 + 33.33 = 122.98; 2 × 50.00 + 7.45 + 33.33 = 140.78
        self.assertEqual((result["guia_count"], result["changed_count"]), (2, 1))
        self.assertAlmostEqual(result["amount_before"], 122.98, 2)
        self.assertAlmostEqual(result["amount_after"], 140.78, 2)
        self.assertEqual(guias[0].amount_total, 107.45)
        message = guias.action_reprice()["params"]["message"]
        self.assertIn("Changed: 0 items of 2 guias", message)

    def test_a_lote_keeps_its_prices(self):
        lote = self._create_lote(ECG)
        draft = self._visit(ECG).create_guias()
        self._get_price(ECG).fixed_price = 50.00
        result = (lote.guia_ids | draft).reprice()
        self.assertEqual((result["frozen_count"], result["changed_count"]), (1, 1))
        self.assertEqual((lote.guia_ids.amount_total, draft.amount_total), (41.10, 50.00))
        with self.assertRefused("in no lote yet"):
            lote.guia_ids.reprice()

    def test_an_item_without_a_price_keeps_its_own(self):
        guia = self._visit(ECG).create_guias()
        self._get_price(ECG).unlink()
        self.assertEqual(guia.reprice()["unpriced_count"], 1)
        self.assertEqual(guia.amount_total, 41.10)

    def test_reception_does_not_change_prices(self):
        guia = self._visit(ECG).create_guias()
        user = self._create_user("recepcao.preco", "reception")
        with self.assertRaises(UserError), mute_logger("odoo.addons.base.models.ir_model"):
            guia.with_user(user).reprice()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestVisitMigration(GenerateCase):
    """From 19.0.1.1.0, where a guia had one visit."""

    def _load(self, name):
        path = file_path(f"l10n_br_tiss/migrations/19.0.1.2.0/{name}.py")
        return load_script(path, name.replace("-", "_"))

    def test_visits_and_items_are_linked(self):
        guias = self._create_encounters({ECG: 1, DIPYRONE: 2, BLOOD_COUNT: 1}, ECG).create_guias()
        guias[1].cancel("Código errado")
        before = guias.line_ids.mapped("encounter_line_id")
        self.env.flush_all()
        cr = self.env.cr
        cr.execute("ALTER TABLE tiss_guia ADD encounter_id int")
        cr.execute(
            "UPDATE tiss_guia SET encounter_id = rel.encounter_id"
            " FROM tiss_guia_encounter_rel rel WHERE rel.guia_id = id"
        )
        cr.execute("DELETE FROM tiss_guia_encounter_rel")
        cr.execute("UPDATE tiss_guia_line SET encounter_line_id = NULL")
        cr.execute("UPDATE tiss_encounter SET guia_type = NULL")
        visits = guias.encounter_ids
        self.env.invalidate_all()
        for _twice in range(2):
            self._load("pre-visits").migrate(cr, "19.0.1.1.0")
            self._load("post-visits").migrate(cr, "19.0.1.1.0")
        self.env.invalidate_all()
        self.assertEqual(guias.encounter_ids, visits)
        self.assertEqual(guias.line_ids.encounter_line_id, before)
        self.assertFalse(guias[1].line_ids.encounter_line_id)
        self.assertEqual(visits.mapped("guia_type"), ["sp_sadt", "sp_sadt"])
        cr.execute("ALTER TABLE tiss_guia DROP encounter_id")
