from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from ..standard import cards, identifiers
from .common import CONSULTATION, TissCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCard(TissCommon):
    """A carteirinha is checked as its operadora says, and kept as it is printed."""

    def _create_card(self, number, **vals):
        return self.env["tiss.card"].create(
            {"patient_id": self.patient.id, "plan_id": self.plan.id, "number": number, **vals}
        )

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
        self.operadora.tiss_card_check = "mod10"
        with self.assertRefused(f"check digit of {self.operadora.name}", ValidationError):
            self._create_card("79927398710")
        self.assertEqual(self._create_card("79927398713").number, "79927398713")

    def test_card_that_fails_mod11_is_refused(self):
        self.operadora.tiss_card_check = "mod11"
        with self.assertRefused("check digit", ValidationError):
            self._create_card("1234567890")
        self.assertEqual(self._create_card("1234567897").number, "1234567897")

    def test_letters_never_pass_a_check_digit(self):
        for check in ("mod10", "mod11"):
            self.operadora.tiss_card_check = check
            with self.assertRefused("check digit", ValidationError):
                self._create_card("A234567897")

    def test_wrong_length_says_both_lengths(self):
        self.operadora.tiss_card_length = 12
        for number, length in (("12345678901", 11), ("1234567890123", 13)):
            with self.assertRefused(f"has 12 characters; this one has {length}", ValidationError):
                self._create_card(number)
        self.assertTrue(self._create_card("123456789012"))

    def test_editing_a_card_checks_it_again(self):
        self.operadora.tiss_card_length = 10
        with self.assertRefused("10 characters; this one has 3", ValidationError):
            self.card.number = "123"
        self.assertEqual(self.card.number, "0123456789")

    def test_moving_a_card_to_a_stricter_operadora_checks_it(self):
        other = self._create_contract("005711", provider_code="1").partner_id
        other.tiss_card_length = 17
        plan = self.env["tiss.plan"].create({"operadora_id": other.id, "name": "Outro Plano"})
        with self.assertRefused("17 characters", ValidationError):
            self.card.plan_id = plan

    def test_an_operadora_without_rules_takes_any_card_up_to_twenty(self):
        self.assertEqual(self._create_card("1" * 20).number, "1" * 20)
        with self.assertRefused("1 to 20 characters", ValidationError):
            self._create_card("1" * 21)

    # ------------------------------------------------------------------
    # Masks
    # ------------------------------------------------------------------

    def test_masks_are_taken_off_and_zeros_kept(self):
        self.operadora.tiss_card_length = 17
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
            {"numeroCarteira": "0123456789", "atendimentoRN": "S"},
        )

    def test_last_day_of_validity_counts(self):
        self.card.validity_date = self.visit_date
        self.assertTrue(self._create_encounters(CONSULTATION).create_guias())

    def test_expired_card_is_named_before_anything_is_numbered(self):
        encounter = self._create_encounters(CONSULTATION)
        self.card.validity_date = self.visit_date.replace(year=self.visit_date.year - 1)
        number = self.contract.next_guia_number
        with self.assertRefused(f"{encounter.name}.*no longer valid on the day of the visit"):
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
