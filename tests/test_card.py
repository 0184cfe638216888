import re
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.modules.migration import load_script
from odoo.tests import BaseCase, Form, tagged
from odoo.tools import file_path, format_date

from ..standard import cards, identifiers
from .common import CONSULTATION, TissCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCard(TissCommon):
    """A carteirinha is checked as its operadora says, and kept as it is printed."""

    def _create_card(self, number, **vals):
        return self.env["tiss.card"].create(
            {"patient_id": self.patient.id, "plan_id": self.plan.id, "number": number, **vals}
        )

    def _create_rule(self, operadora=None, **vals):
        operadora = operadora or self.operadora
        return self.env["tiss.card.rule"].create({"operadora_id": operadora.id, **vals})

    def _create_person(self, name, **vals):
        return self.env["res.partner"].create({"name": name, **vals})

    # ------------------------------------------------------------------
    # Check digits and length
    # ------------------------------------------------------------------

    def test_mod10_by_hand(self):
        """7992739871: doubled every second digit from the right, the sum is 67, so 3."""
        self.assertTrue(cards.valid_mod10("79927398713"))
        for digit in "012456789":
            self.assertFalse(cards.valid_mod10(f"7992739871{digit}"), digit)

    def test_mod11_by_hand(self):
        """123456789 weighs 9*2+8*3+7*4+6*5+5*6+4*7+3*8+2*9+1*2 = 202 = 18*11+4, so 11-4 = 7."""
        self.assertTrue(cards.valid_mod11("1234567897"))
        for digit in "012345689":
            self.assertFalse(cards.valid_mod11(f"123456789{digit}"), digit)

    def test_mod11_of_ten_and_eleven_is_zero(self):
        self.assertTrue(cards.valid_mod11("000"), "11 - 0 = 11 becomes 0")
        self.assertTrue(cards.valid_mod11("60"), "11 - 12 % 11 = 10 becomes 0")

    def test_card_that_fails_mod10_is_refused_naming_the_operadora(self):
        self._create_rule(check="mod10")
        with self.assertRefused(f"check digit of {self.operadora.name}", ValidationError):
            self._create_card("79927398710")
        self.assertEqual(self._create_card("79927398713").number, "79927398713")

    def test_card_that_fails_mod11_is_refused(self):
        self._create_rule(check="mod11")
        with self.assertRefused("check digit", ValidationError):
            self._create_card("1234567890")
        self.assertEqual(self._create_card("1234567897").number, "1234567897")

    def test_letters_never_pass_a_check_digit(self):
        rule = self._create_rule(check="mod10")
        for check in ("mod10", "mod11"):
            rule.check = check
            with self.assertRefused("check digit", ValidationError):
                self._create_card("A234567897")

    def test_wrong_length_says_both_lengths(self):
        self._create_rule(card_length=12)
        for number, length in (("12345678901", 11), ("1234567890123", 13)):
            with self.assertRefused(f"has 12 characters; this one has {length}", ValidationError):
                self._create_card(number)
        self.assertTrue(self._create_card("123456789012"))

    def test_editing_a_card_checks_it_again(self):
        self._create_rule(card_length=10)
        with self.assertRefused("10 characters; this one has 3", ValidationError):
            self.card.number = "123"
        self.assertEqual(self.card.number, "0123456789")

    def test_moving_a_card_to_a_stricter_operadora_checks_it(self):
        other = self._create_contract("005711", provider_code="1").partner_id
        self._create_rule(other, card_length=17)
        plan = self.env["tiss.plan"].create({"operadora_id": other.id, "name": "Outro Plano"})
        with self.assertRefused("17 characters", ValidationError):
            self.card.plan_id = plan

    def test_a_card_in_use_stays_with_its_patient_operadora_and_company(self):
        other = self._create_contract("005711", provider_code="1").partner_id
        plan = self.env["tiss.plan"].create({"operadora_id": other.id, "name": "Outro Plano"})
        person = self._create_person("Outra Pessoa Fictícia")
        company = self.env["res.company"].sudo().create({"name": "Outra Clínica Fictícia"})
        self._create_encounters(CONSULTATION)
        for vals in ({"patient_id": person.id}, {"plan_id": plan.id}, {"company_id": company.id}):
            with self.assertRefused(f"{self.card.number} was used already: it stays with"):
                self.card.write(vals)
        with self.assertRefused(f"{self.card.number} was used already"):
            self.plan.operadora_id = other
        # What is not a move is still possible: another plan of the operadora, the same patient.
        second = self.env["tiss.plan"].create(
            {"operadora_id": self.operadora.id, "name": "Segundo Plano"}
        )
        self.card.write({"plan_id": second.id, "patient_id": self.patient.id})
        self.assertEqual(self.card.plan_id, second)
        # And the way out that the sentence names.
        self.card.active = False
        new = self._create_card(self.card.number, patient_id=person.id)
        self.assertEqual(new.number, self.card.number)

    def test_a_card_of_a_guia_without_visit_stays_too(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        guia.sudo().encounter_ids.write({"card_id": False})
        person = self._create_person("Outra Pessoa Fictícia")
        with self.assertRefused("was used already"):
            self.card.patient_id = person

    def test_an_operadora_without_rules_takes_any_card_up_to_twenty(self):
        self.assertEqual(self._create_card("1" * 20).number, "1" * 20)
        with self.assertRefused("1 to 20 characters", ValidationError):
            self._create_card("1" * 21)

    # ------------------------------------------------------------------
    # Patterns, and rules of plans
    # ------------------------------------------------------------------

    def test_pattern_by_hand(self):
        for pattern, good, bad in (
            ("0 999", ["0123", "0 12-3"], ["1123", "012", "01234", "012A"]),
            ("AA-99", ["AB12", "ab.12"], ["A112", "1212"]),
            ("X9", ["A1", "11"], ["1A", "A"]),
            ("865*", ["865", "8651", "865ABC"], ["86", "765123"]),
            ("*99", ["12", "AB12"], ["A1", "12A", ""]),
            ("9*A*9", ["1A2", "1BBA22"], ["1A", "112"]),
            ("*", ["", "1"], []),
        ):
            for number in good:
                self.assertTrue(cards.matches(pattern, number), (pattern, number))
            for number in bad:
                self.assertFalse(cards.matches(pattern, number), (pattern, number))

    def test_no_pattern_takes_long(self):
        """As a regular expression this one would try 10^11 ways."""
        self.assertFalse(cards.matches("*0" * 20 + "*1", "0" * 40))

    def test_card_that_does_not_look_right_says_what_was_expected(self):
        self._create_rule(pattern="0.999.9999")
        with self.assertRefused(
            "not a card number of .*Expected: like 0.999.9999 .9: a digit", ValidationError
        ):
            self._create_card("1.234.5678")
        self.assertEqual(self._create_card("0.234.5678").number, "02345678")

    def test_one_of_several_rules_is_enough(self):
        self._create_rule(card_length=12)
        self._create_rule(pattern="AA*", check=False, note="old cards")
        self._create_card("123456789012")
        self._create_card("AB1")
        with self.assertRefused("12 characters or like AA", ValidationError):
            self._create_card("1234")

    def test_rules_of_the_plan_replace_those_of_the_operadora(self):
        self._create_rule(card_length=12)
        plan = self.plan.copy()
        rule = self.env["tiss.card.rule"].create({"plan_id": plan.id, "card_length": 5})
        self.assertEqual(rule.operadora_id, self.operadora, "comes from the plan")
        with self.assertRefused("has 12 characters", ValidationError):
            self._create_card("12345")
        self.assertTrue(self._create_card("12345", plan_id=plan.id))
        with self.assertRefused("has 5 characters", ValidationError):
            self._create_card("123456789012", plan_id=plan.id)

    def test_rules_that_no_card_can_satisfy_are_refused(self):
        cases = [
            ({}, "at least a length, a pattern or a check digit"),
            ({"card_length": 21}, "1 to 20"),
            ({"card_length": -1}, "1 to 20"),
            ({"pattern": "9" * 21}, "not one of 1 to 20"),
            ({"pattern": "-./"}, "not one of 1 to 20"),
            ({"pattern": "999", "card_length": 4}, "has 3 characters, but the length is 4"),
            ({"pattern": "999*", "card_length": 2}, "has 3 characters, but the length is 2"),
        ]
        for vals, words in cases:
            with self.subTest(vals), self.assertRefused(words, ValidationError):
                self._create_rule(**vals)
        self._create_rule(pattern="999*", card_length=4)

    def test_a_rule_of_another_operadoras_plan_is_refused(self):
        other = self._create_person("Outra", is_company=True, tiss_is_operadora=True)
        rule = self._create_rule(card_length=3)
        with self.assertRefused("is not a plan of Outra", ValidationError):
            rule.write({"plan_id": self.plan.id, "operadora_id": other.id})

    # ------------------------------------------------------------------
    # Masks
    # ------------------------------------------------------------------

    def test_masks_are_taken_off_and_zeros_kept(self):
        self._create_rule(card_length=17)
        self.assertEqual(self._create_card(" 0 032.000012345678-9 ").number, "00320000123456789")

    def test_mask_on_write(self):
        self.card.number = "00.11-22 33"
        self.assertEqual(self.card.number, "00112233")

    def test_only_mask_is_no_number(self):
        for number in ("", " ", "-./", "–—"):
            with self.subTest(number=number), self.assertRefused("1 to 20", ValidationError):
                self._create_card(number)

    def test_look_alikes_become_what_a_message_can_carry(self):
        """Full-width digits pasted from a PDF are digits; an accent does not belong in a number."""
        self.assertEqual(self._create_card("１２３é４").number, "123E4")

    def test_characters_of_no_message_do_not_stay_in_the_number(self):
        self.assertEqual(self._create_card("12😀34").number, "1234")

    def test_zeros_reach_the_message(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        self.assertEqual(
            guia.get_tiss_values()["dadosBeneficiario"]["numeroCarteira"], "0123456789"
        )

    # ------------------------------------------------------------------
    # Twice, and validity
    # ------------------------------------------------------------------

    def test_same_card_twice_for_a_patient_is_refused_whatever_the_mask(self):
        with self.assertRefused("This patient already has this card"):
            self._create_card("012.345.678-9")
        self.assertEqual(self.patient.tiss_card_ids, self.card)

    def test_a_newborn_shares_the_card_of_the_mother(self):
        baby = self.env["res.partner"].create({"name": "RN de Paciente Fictício"})
        card = self._create_card("0123456789", patient_id=baby.id, is_newborn=True)
        guia = self._create_encounters(
            CONSULTATION, patient_id=baby.id, card_id=card.id
        ).create_guias()
        self.assertEqual(
            guia.get_tiss_values()["dadosBeneficiario"],
            {
                "numeroCarteira": "0123456789",
                "atendimentoRN": "S",
                "tipoIdent": None,
                "identificadorBeneficiario": None,
            },
        )

    def test_last_day_of_validity_counts(self):
        self.card.validity_date = self.visit_date
        self.assertTrue(self._create_encounters(CONSULTATION).create_guias())

    def test_expired_card_is_named_before_anything_is_numbered(self):
        encounter = self._create_encounters(CONSULTATION)
        self.card.validity_date = self.visit_date.replace(year=self.visit_date.year - 1)
        number = self.contract.next_guia_number
        with self.assertRefused(f"{encounter.name}.*This card expired on"):
            encounter.create_guias()
        self.assertEqual(self.contract.next_guia_number, number)
        self.assertEqual(encounter.state, "done")

    def test_a_card_has_one_bearer(self):
        other = self.env["res.partner"].create({"name": "Outra Fictícia"})
        vals = {"patient_id": other.id, "plan_id": self.plan.id, "number": self.card.number}
        with self.assertRefused("already belongs to Paciente Fictício"):
            self.env["tiss.card"].create(vals)
        newborn = self.env["tiss.card"].create({**vals, "is_newborn": True})
        self.assertEqual(newborn.number, self.card.number)

    def test_a_card_that_begins_later_is_not_valid_yet(self):
        self.card.start_date = self.visit_date + timedelta(days=1)
        encounter = self._create_encounters(CONSULTATION, done=False)
        self.assertFalse(self.card._is_valid_on(encounter.date))
        self.assertTrue(self.card._is_valid_on(self.card.start_date))
        with self.assertRefused("before it begins", ValidationError):
            self.card.validity_date = self.visit_date

    def test_a_card_that_is_over_warns(self):
        self.assertFalse(self.card.warning)
        self.card.validity_date = fields.Date.to_date("2026-01-31")
        date = format_date(self.env, self.card.validity_date)
        self.assertEqual(self.card.warning, f"This card expired on {date}: ask for the new one.")

    # ------------------------------------------------------------------
    # Holder, dependants, newborn
    # ------------------------------------------------------------------

    def test_dependants_are_seen_at_the_holder(self):
        child = self._create_person("Filha Fictícia")
        card = self._create_card(
            "0123456790", patient_id=child.id, bond="dependant", holder_id=self.card.id
        )
        self.assertEqual(self.card.dependant_ids, card)
        card.bond = "holder"
        self.assertFalse(card.holder_id, "a holder depends on nobody")

    def test_a_dependant_is_in_the_plan_of_the_holder_unless_said_otherwise(self):
        form = Form(self.env["tiss.card"])
        form.patient_id = self._create_person("Filha Fictícia")
        form.bond = "dependant"
        form.holder_id = self.card
        self.assertEqual(form.plan_id, self.plan)
        form.number = "0123456790"
        self.assertEqual(form.save().plan_id, self.plan)

    def test_the_holders_card_is_of_the_same_operadora(self):
        other = self._create_contract("005711", provider_code="1").partner_id
        plan = self.env["tiss.plan"].create({"operadora_id": other.id, "name": "Outro"})
        child = self._create_person("Filha Fictícia")
        with self.assertRefused(f"is of {self.operadora.name}, but this card is of {other.name}"):
            self._create_card(
                "1", patient_id=child.id, plan_id=plan.id, bond="dependant", holder_id=self.card.id
            )
        card = self._create_card("1", patient_id=child.id, bond="dependant", holder_id=self.card.id)
        with self.assertRefused("The holder's card is of"):
            self.card.plan_id = plan
        self.assertEqual(card.holder_id, self.card)

    def test_a_dependant_has_no_dependants(self):
        child, grandchild = map(self._create_person, ("Filha Fictícia", "Neto Fictício"))
        card = self._create_card("1", patient_id=child.id, bond="dependant", holder_id=self.card.id)
        with self.assertRefused("Filha Fictícia is a dependant too"):
            self._create_card("2", patient_id=grandchild.id, bond="dependant", holder_id=card.id)
        with self.assertRefused("another person's own card"):
            card.holder_id = card

    def test_a_newborn_uses_the_parents_card_for_thirty_days(self):
        """Born on 1 November: the thirtieth day after is 1 December."""
        baby = self._create_person("RN Fictício", tiss_birth_date="2026-11-01")
        form = Form(self.env["tiss.card"])
        form.patient_id = baby
        form.is_newborn = True
        form.holder_id = self.card
        card = form.save()
        self.assertEqual((card.number, card.plan_id), (self.card.number, self.plan))
        self.assertEqual(card.newborn_until, fields.Date.to_date("2026-12-01"))
        self.assertTrue(card._is_valid_on(fields.Date.to_date("2026-12-01")))
        self.assertFalse(card._is_valid_on(fields.Date.to_date("2026-12-02")))
        baby.tiss_birth_date = "2026-01-01"
        date = format_date(self.env, fields.Date.to_date("2026-01-31"))
        self.assertIn(f"until {date} (30 days)", card.warning)

    def test_a_newborn_has_no_other_number_than_the_parent(self):
        baby = self._create_person("RN Fictício")
        card = self._create_card(
            self.card.number, patient_id=baby.id, is_newborn=True, holder_id=self.card.id
        )
        with self.assertRefused("the number must be 0123456789"):
            card.number = "55"
        self.card.number = "77"
        self.assertEqual(card.number, "77", "a new number of the mother is the child's too")

    def test_a_newborns_card_that_becomes_an_own_one_needs_its_own_number(self):
        baby = self._create_person("RN Fictício")
        card = self._create_card(self.card.number, patient_id=baby.id, is_newborn=True)
        with self.assertRefused("already belongs to Paciente Fictício"):
            card.is_newborn = False
        card.write({"is_newborn": False, "number": "88"})

    # ------------------------------------------------------------------
    # The main card
    # ------------------------------------------------------------------

    def assertMain(self, card):
        mains = self.env["tiss.card"].search(
            [("patient_id", "=", card.patient_id.id), ("is_main", "=", True)]
        )
        self.assertEqual(mains, card)

    def test_the_first_card_is_the_main_one(self):
        self.assertMain(self.card)
        self._create_card("1")
        self.assertMain(self.card)

    def test_choosing_another_main_card_takes_the_mark_from_the_first(self):
        second = self._create_card("1", is_main=True)
        self.assertMain(second)
        self.card.is_main = True
        self.assertMain(self.card)
        self.card.is_main = False
        self.assertMain(second)

    def test_the_only_card_stays_the_main_one(self):
        self.card.is_main = False
        self.assertMain(self.card)

    def test_several_at_once_leave_one(self):
        cards_ = self.env["tiss.card"].create(
            [
                {"patient_id": self.patient.id, "plan_id": self.plan.id, "number": number,
                 "is_main": True}
                for number in "123"
            ]
        )  # fmt: skip
        self.assertEqual(len(self.patient.tiss_card_ids.filtered("is_main")), 1)
        (cards_ | self.card).is_main = True
        self.assertEqual(len(self.patient.tiss_card_ids.filtered("is_main")), 1)

    def test_an_archived_main_card_passes_the_mark_on(self):
        """Among the others to the one that is valid longest; an archived card is never main."""
        expired = self._create_card("1", validity_date=self.today - timedelta(days=1))
        soon = self._create_card("2", validity_date=self.today + timedelta(days=9))
        later = self._create_card("3", validity_date=self.today + timedelta(days=90))
        self.card.action_archive()
        self.assertMain(later)
        self.card.action_unarchive()
        self.assertMain(later)
        (later | self.card).action_archive()
        self.assertMain(soon)
        soon.unlink()
        self.assertMain(expired)

    def test_a_card_that_changes_its_bearer_is_not_his_main_one_at_once(self):
        other = self._create_person("Outra Fictícia")
        theirs = self._create_card("1", patient_id=other.id)
        second = self._create_card("2")
        self.card.patient_id = other
        self.assertMain(theirs)
        self.assertMain(second)

    def test_each_company_has_its_main_card(self):
        company = self._create_other_clinic().company_id
        card = self._create_card("1", company_id=company.id)
        self.assertTrue(card.is_main)
        self.assertTrue(self.card.is_main)

    def test_postgresql_refuses_a_second_main_card(self):
        second = self._create_card("1")
        with self.assertRefused("just chosen another main card"):
            self.env.cr.execute("UPDATE tiss_card SET is_main = true WHERE id = %s", [second.id])

    def test_many_cards_take_as_many_queries_as_few(self):
        def count(number):
            people = self.env["res.partner"].create(
                [{"name": f"Pessoa {number} {i}"} for i in range(number)]
            )
            vals_list = [
                {"patient_id": person.id, "plan_id": self.plan.id, "number": f"{number}{i}{j}X"}
                for i, person in enumerate(people)
                for j in range(2)
            ]
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            cards_ = self.env["tiss.card"].create(vals_list)
            self.env.flush_all()
            self.assertEqual(len(cards_.filtered("is_main")), number)
            return self.env.cr.sql_log_count - before

        count(1)
        self.assertEqual(count(20), count(5))

    # ------------------------------------------------------------------
    # The card to propose
    # ------------------------------------------------------------------

    def test_the_main_valid_card_is_proposed(self):
        second = self._create_card("1", validity_date=self.visit_date)
        tomorrow = self.visit_date + timedelta(days=1)
        second.is_main = True
        self.assertEqual(self.patient._tiss_get_card(self.visit_date), second)
        self.assertEqual(self.patient._tiss_get_card(tomorrow), self.card, "the main one is over")
        self.card.validity_date = self.visit_date
        self.assertFalse(self.patient._tiss_get_card(tomorrow))
        self.assertFalse(
            self.patient._tiss_get_card(self.visit_date, self.env["res.company"].new())
        )

    def test_cards_of_many_patients_take_one_query(self):
        people = self.env["res.partner"].create([{"name": f"P{i}"} for i in range(30)])
        self.env["tiss.card"].create(
            [
                {"patient_id": person.id, "plan_id": self.plan.id, "number": f"Q{i}"}
                for i, person in enumerate(people)
            ]
        )
        without = self._create_person("Sem Carteirinha")
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(7):
            found = [
                bool(person._tiss_get_card(self.today, self.company)) for person in people | without
            ]
        self.assertEqual(found, [True] * 30 + [False])

    # ------------------------------------------------------------------
    # At the front desk
    # ------------------------------------------------------------------

    def test_a_patient_is_found_by_card_and_by_cpf(self):
        cpf = identifiers.complete_cpf("390533447")
        self.patient.vat = cpf
        search = self.env["res.partner"].with_context(tiss_front_desk=True).name_search
        for text in (self.card.number, "0123.456-789", cpf, f"{cpf[:3]}.{cpf[3:6]}.{cpf[6:9]}"):
            with self.subTest(text):
                self.assertIn(self.patient.id, [found for found, _name in search(text)])
        self.assertFalse(search("9999999"))

    def test_reception_registers_a_card_and_the_person_becomes_a_patient(self):
        user = self._create_user("recepcao.cartao", "reception")
        person = self.env["res.partner"].create({"name": "Pessoa Inventada"})
        form = Form(self.env["tiss.card"].with_user(user))
        form.patient_id = person
        form.plan_id = self.plan
        form.number = "555.666-7"
        card = form.save()
        self.assertEqual(card.number, "5556667")
        self.assertTrue(person.tiss_is_patient)
        self.assertIn("Pessoa Inventada", card.display_name)

    def test_reception_does_not_change_the_rules(self):
        user = self._create_user("recepcao.regras", "reception")
        rule = self._create_rule(card_length=10)
        with self.assertRaises(AccessError):
            rule.with_user(user).card_length = 9
        with self.assertRaises(AccessError):
            self.env["tiss.card.rule"].with_user(user).create(
                {"operadora_id": self.operadora.id, "card_length": 9}
            )
        card = self.card.with_user(user)
        card.number = "1234567890"
        with self.assertRefused("has 10 characters"):
            card.number = "1"

    # ------------------------------------------------------------------
    # From 19.0.1.0.0
    # ------------------------------------------------------------------

    def _load_migration(self, name):
        path = file_path(f"l10n_br_tiss/migrations/19.0.1.1.0/{name}.py")
        return load_script(path, name.replace("-", "_"))

    def test_length_and_check_digit_become_rules(self):
        """Three operadoras: length and check digit, check digit alone, nothing."""
        script = self._load_migration("post-partner")
        partners = self.env["res.partner"].create(
            [{"name": name, "is_company": True, "tiss_is_operadora": True} for name in "ABC"]
        )
        self.env.flush_all()
        cr = self.env.cr
        cr.execute("ALTER TABLE res_partner ADD tiss_card_length int, ADD tiss_card_check varchar")
        for partner, length, check in zip(
            partners, (17, 0, 0), ("mod11", "mod10", None), strict=True
        ):
            cr.execute(
                "UPDATE res_partner SET tiss_card_length = %s, tiss_card_check = %s WHERE id = %s",
                [length, check, partner.id],
            )
        for _twice in range(2):
            script.move_card_rules(cr)
        self.env.invalidate_all()
        self.assertEqual(
            [
                [(r.card_length, r.check) for r in partner.tiss_card_rule_ids]
                for partner in partners
            ],
            [[(17, "mod11")], [(0, "mod10")], []],
        )
        cr.execute("ALTER TABLE res_partner DROP tiss_card_length, DROP tiss_card_check")
        script.move_card_rules(cr)

    def test_everybody_gets_a_main_card(self):
        script = self._load_migration("post-partner")
        old = self._create_card("1", validity_date=self.today)
        self.card.validity_date = self.today + timedelta(days=1)
        forever = self._create_card("2")
        self._create_card("3", active=False)
        self.env.flush_all()
        self.env.cr.execute("UPDATE tiss_card SET is_main = NULL")
        for _twice in range(2):
            script.choose_main_cards(self.env.cr)
        self.env.invalidate_all()
        self.assertMain(forever)
        self.assertFalse(old.is_main)

    def test_operadoras_of_before_are_active(self):
        script = self._load_migration("pre-partner")
        payer = self._create_person("Empresa", is_company=True, tiss_is_operadora=True)
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET tiss_payer_kind = NULL, tiss_state = NULL")
        for _twice in range(2):
            script.fill_operadoras(self.env.cr)
        self.env.invalidate_all()
        everybody = self.operadora | payer | self.patient
        self.assertEqual(
            [(each.tiss_payer_kind, each.tiss_state) for each in everybody],
            [("ans", "active"), ("own", "active"), (False, False)],
        )


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCardPattern(BaseCase):
    """Laws of card patterns."""

    digits = st.text("0123456789", min_size=1, max_size=20)

    @given(digits)
    def test_a_number_looks_like_its_own_shape(self, number):
        self.assertTrue(cards.matches("9" * len(number), number))
        self.assertTrue(cards.matches("X" * len(number), number))
        self.assertFalse(cards.matches("A" * len(number), number))
        self.assertFalse(cards.matches("9" * (len(number) + 1), number))

    @given(st.text("9AX*01B", max_size=12), st.text("0129AB", max_size=12))
    def test_a_pattern_is_what_the_regular_expression_would_be(self, pattern, number):
        kinds = {"9": "[0-9]", "A": "[A-Z]", "X": "[0-9A-Z]", "*": ".*"}
        expected = re.fullmatch("".join(kinds.get(p, p) for p in pattern), number) is not None
        self.assertEqual(cards.matches(pattern, number), expected)

    @given(st.text("9AX*01B", max_size=12), digits, st.sampled_from("-./ "))
    def test_punctuation_never_matters(self, pattern, number, mark):
        plain = cards.matches(pattern, number)
        self.assertEqual(cards.matches(mark.join(pattern), number), plain)
        self.assertEqual(cards.matches(pattern, mark.join(number)), plain)
