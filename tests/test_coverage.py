from datetime import date, timedelta
from decimal import Decimal

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from ..models.coverage_book import CoverageRequest
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG
from .coverage_common import DAY, UNPRICED, CoverageCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCoverage(CoverageCommon):
    """Covered or not, and every reason why."""

    # ------------------------------------------------------------------
    # Without any rule
    # ------------------------------------------------------------------

    def test_what_has_a_price_is_covered(self):
        answer = self._ask()
        self.assertTrue(answer["covered"])
        self.assertFalse(answer["authorization_required"])
        self.assertAmounts(answer, "0.00", "150.00")
        self.assertEqual(answer["unit_amount"], Decimal("150.00"))
        self.assertEqual(answer["billing_kind"], "fee_for_service")
        self.assertEqual(self._codes(answer), ["price_listed"])

    def test_what_the_convenio_does_not_mention_is_not(self):
        self._add_unpriced()
        answer = self._ask(UNPRICED)
        self.assertBlocked(answer, "nothing_said", "says nothing about .* no price", self.contract)
        self.assertIsNone(answer["unit_amount"])

    def test_a_rule_covers_what_has_no_price_yet(self):
        self._add_unpriced()
        self._rule(UNPRICED, covered="yes")
        answer = self._ask(UNPRICED)
        self.assertWarned(answer, "no_price", "has no price yet", self.contract)
        self.assertAmounts(answer, "0.00", "0.00")

    def test_unticked_in_the_list(self):
        self._get_item(ECG).tiss_covered = False
        self.assertBlocked(self._ask(ECG), "unticked", "unticked in the convênio's list")

    def test_a_way_of_attending_that_is_not_ticked(self):
        item = self._get_item(CONSULTATION)
        item.tiss_tele = False
        self.assertBlocked(self._ask(mode="tele"), "not_tele", "not paid by telehealth")
        item.write({"tiss_tele": True, "tiss_on_site": False})
        self.assertTrue(self._ask(mode="tele")["covered"])
        self.assertBlocked(self._ask(), "not_on_site", "not paid on-site")

    def test_a_rule_about_the_procedure_says_more_than_the_tick_and_a_broader_one_less(self):
        self._get_item(ECG).tiss_covered = False
        self._rule(covered="yes")
        self.assertBlocked(self._ask(ECG), "unticked", "unticked")
        rule = self._rule(ECG, covered="yes")
        answer = self._ask(ECG)
        self.assertTrue(answer["covered"])
        self.assertReason(answer, "rule_covered", "is covered", "info", rule)

    def test_private_price_of_what_is_not_covered(self):
        self.products[CONSULTATION].list_price = 200.00
        self._rule(CONSULTATION, covered="no")
        answer = self._ask(CONSULTATION, DAY, 2)
        self.assertAmounts(answer, "400.00", "0.00")
        self.assertReason(answer, "private_price", "400,00", "info")

    def test_a_code_that_has_ended(self):
        """A TUSS code that has ended is sent in vain."""
        term = self.products[ECG].tiss_term_id
        term.sudo().end_date = DAY - timedelta(1)
        self.assertBlocked(self._ask(ECG), "code_not_valid", f"{ECG} was not valid on", term)
        self.assertTrue(self._ask(ECG, DAY - timedelta(1))["covered"])

    # ------------------------------------------------------------------
    # Card, convênio, operadora, network
    # ------------------------------------------------------------------

    def test_no_card(self):
        answer = self._ask(card=self.env["tiss.card"])
        self.assertBlocked(answer, "no_card", "Choose the patient's card")

    def test_card_of_another_operadora(self):
        other = self._create_contract("006246")
        plan = self.plan.create({"operadora_id": other.partner_id.id, "name": "Outro"})
        card = self.card.create(
            {"patient_id": self.patient.id, "plan_id": plan.id, "number": "777"}
        )
        words = f"The card is of {other.partner_id.name}"
        self.assertBlocked(self._ask(card=card), "other_operadora", words, card)

    def test_card_expired_or_not_yet_valid(self):
        self.card.validity_date = DAY
        self.assertTrue(self._ask()["covered"], "the last day counts")
        answer = self._ask(day=DAY + timedelta(1))
        self.assertBlocked(answer, "card_expired", "expired on 10/03/2026", self.card)
        self.card.write({"validity_date": False, "waiting_start_date": DAY})
        self.assertTrue(self._ask()["covered"], "the first day counts")
        answer = self._ask(day=DAY - timedelta(1))
        self.assertBlocked(answer, "card_not_yet_valid", "valid from 10/03/2026", self.card)
        self.card.start_date = DAY + timedelta(5)
        self.assertBlocked(self._ask(), "card_not_yet_valid", "valid from 15/03/2026", self.card)

    def test_asked_from_outside_with_ids_and_text(self):
        product = self.products[CONSULTATION]
        answer = self.contract.coverage_for(
            self.card.id, product.id, DAY.isoformat(), professional=self.professional.id
        )
        self.assertEqual(answer, self._ask(professional=self.professional))

    def test_a_new_card_of_an_old_member_begins_on_its_own_day(self):
        self.card.write({"start_date": DAY, "waiting_start_date": date(2020, 1, 1)})
        self.assertTrue(self._ask()["covered"], "the first day counts")
        answer = self._ask(day=DAY - timedelta(1))
        self.assertBlocked(answer, "card_not_yet_valid", "valid from 10/03/2026", self.card)

    def test_newborn_on_the_parents_card(self):
        """Born on 8 February: 30 days later is 10 March, the last day."""
        self.card.is_newborn = True
        self.assertWarned(self._ask(), "newborn_unknown", "birth date", self.patient)
        self.patient.tiss_birth_date = date(2026, 2, 8)
        self.assertEqual(self._codes(self._ask()), ["price_listed"])
        answer = self._ask(day=DAY + timedelta(1))
        self.assertBlocked(answer, "newborn_over", "until 10/03/2026", self.card)

    def test_convenio_in_force(self):
        self.contract.write({"start_date": DAY, "end_date": DAY, "renewal": "manual"})
        self.assertTrue(self._ask()["covered"])
        for day, words in (
            (DAY - timedelta(1), "in force from 10/03/2026"),
            (DAY + timedelta(1), "in force until 10/03/2026"),
        ):
            answer = self._ask(day=day)
            self.assertBlocked(answer, "contract_not_in_force", words, self.contract)
        self.contract.renewal = "automatic"
        answer = self._ask(day=DAY + timedelta(1))
        self.assertWarned(answer, "contract_renewal", "renews by itself", self.contract)

    def test_operadora_inactive(self):
        self.operadora.write({"tiss_state": "inactive", "tiss_state_date": DAY})
        self.assertBlocked(self._ask(), "operadora_inactive", "is inactive", self.operadora)
        self.assertTrue(self._ask(day=DAY - timedelta(1))["covered"])

    def test_level_of_the_network(self):
        basic, premium = self.env["tiss.network.level"].create(
            [
                {"name": "Básica", "operadora_id": self.operadora.id},
                {"name": "Especial", "operadora_id": self.operadora.id},
            ]
        )
        self.plan.network_level_ids = basic
        self.assertWarned(self._ask(), "network_unknown", "does not say which", self.contract)
        self.contract.network_level_id = basic
        self.assertEqual(self._codes(self._ask()), ["price_listed"])
        self.env["tiss.accreditation"].create(
            {
                "contract_id": self.contract.id,
                "professional_id": self.professional.id,
                "network_level_id": premium.id,
                "start_date": DAY,
            }
        )
        answer = self._ask(professional=self.professional)
        self.assertBlocked(answer, "out_of_network", "Especial is not in the network", self.plan)
        before = self._ask(day=DAY - timedelta(1), professional=self.professional)
        self.assertTrue(before["covered"], "the accreditation had not started")

    # ------------------------------------------------------------------
    # Patient
    # ------------------------------------------------------------------

    def test_age(self):
        """Born on 10 March 2008: 18 years old on that very day."""
        rule = self._rule(ECG, min_age=18, max_age=60)
        self.assertWarned(self._ask(ECG), "age_unknown", "birth date", self.patient)
        self.patient.tiss_birth_date = date(2008, 3, 10)
        self.assertEqual(self._codes(self._ask(ECG)), ["price_listed"])
        answer = self._ask(ECG, DAY - timedelta(1))
        self.assertBlocked(answer, "age", "from 18 years .* patient is 17", rule)
        self.patient.tiss_birth_date = date(1965, 3, 11)
        self.assertTrue(self._ask(ECG)["covered"], "60 until the day before turning 61")
        answer = self._ask(ECG, DAY + timedelta(1))
        self.assertBlocked(answer, "age", "until 60 years .* patient is 61", rule)

    def test_sex(self):
        rule = self._rule(ECG, sex="f")
        self.assertWarned(self._ask(ECG), "sex_unknown", "one sex only", self.patient)
        self.patient.tiss_sex = "f"
        self.assertEqual(self._codes(self._ask(ECG)), ["price_listed"])
        self.patient.tiss_sex = "m"
        self.assertBlocked(self._ask(ECG), "sex", "not covered for a patient of this sex", rule)

    def test_waiting_period(self):
        """180 days from 12 September 2025 end on 11 March 2026: 18+31+30+31+31+28+11 = 180."""
        rule = self._rule(ECG, has_waiting=True, waiting_days=180)
        self.assertWarned(self._ask(ECG), "waiting_unknown", "waiting period of 180", self.card)
        self.card.waiting_start_date = date(2025, 9, 12)
        answer = self._ask(ECG)
        self.assertBlocked(answer, "waiting_period", "covered from 11/03/2026 on", rule)
        self.assertTrue(self._ask(ECG, DAY + timedelta(1))["covered"])

    def test_no_waiting_period_is_said_with_zero_days(self):
        self._rule(has_waiting=True, waiting_days=180)
        self.card.waiting_start_date = DAY
        self.assertBlocked(self._ask(ECG), "waiting_period", "180 days")
        self._rule(ECG, has_waiting=True, waiting_days=0)
        self.assertTrue(self._ask(ECG)["covered"])

    # ------------------------------------------------------------------
    # What was used
    # ------------------------------------------------------------------

    def test_limit_per_day(self):
        rule = self._rule(ECG, limit_day=1)
        self._visit(DAY, ECG)
        words = "1 of 1 used on that day. Next possible on 11/03/2026"
        self.assertBlocked(self._ask(ECG), "limit_day", words, rule)
        self.assertTrue(self._ask(ECG, DAY + timedelta(1))["covered"])

    def test_limit_per_month_counts_the_group_but_not_what_was_cancelled(self):
        """Case 4 worked by hand: 3 exams a month in the group that blood tests belong to.

        February: 5 ECG. March: 2 blood counts on the 2nd, one cancelled ECG on the 3rd, a
        medicine of another group: 2 of 3 used. One more is possible, two more are not.
        """
        rule = self._rule(categ_id=self.exams.id, limit_month=3)
        self._visit(date(2026, 2, 28), {ECG: 5})
        self._visit(date(2026, 3, 2), {BLOOD_COUNT: 2, DIPYRONE: 9})
        self._visit(date(2026, 3, 3), ECG).action_cancel()
        self.assertTrue(self._ask(ECG)["covered"])
        answer = self._ask(ECG, DAY, 2)
        words = r"2 of 3 used in that month. Next possible on 01/04/2026 \(rule: Exames"
        self.assertBlocked(answer, "limit_month", words, rule)
        self.assertTrue(self._ask(ECG, date(2026, 4, 1), 3)["covered"])
        answer = self._ask(ECG, date(2026, 4, 1), 4)
        self.assertBlocked(answer, "limit_month", "At most 3 per month", rule)

    def test_limit_of_one_patient_is_not_used_up_by_another(self):
        self._rule(ECG, limit_month=1)
        other = self.patient.create({"name": "Outra Pessoa Fictícia"})
        card = self.card.create(
            {"patient_id": other.id, "plan_id": self.plan.id, "number": "0123450000"}
        )
        self._visit(DAY, ECG, patient_id=other.id, card_id=card.id)
        self.assertTrue(self._ask(ECG)["covered"])
        self.assertFalse(self._ask(ECG, card=card)["covered"])

    def test_limit_per_year(self):
        rule = self._rule(ECG, limit_year=2)
        self._visit(date(2025, 12, 31), {ECG: 2})
        self.assertTrue(self._ask(ECG, DAY, 2)["covered"])
        self._visit(date(2026, 1, 1), ECG)
        words = "1 of 2 used in that year. Next possible on 01/01/2027"
        self.assertBlocked(self._ask(ECG, DAY, 2), "limit_year", words, rule)

    def test_limit_per_authorization(self):
        rule = self._rule(ECG, limit_authorization=2)
        self._visit(date(2026, 1, 5), ECG, authorization_password="S1")
        self._visit(date(2026, 1, 6), ECG, authorization_password="S2")
        self.assertTrue(self._ask(ECG, authorization="S1")["covered"])
        answer = self._ask(ECG, DAY, 2, authorization="S1")
        self.assertBlocked(answer, "limit_authorization", "1 of 2 used of this auth", rule)
        self.assertTrue(self._ask(ECG, DAY, 2)["covered"])
        self.assertBlocked(self._ask(ECG, DAY, 3), "limit_authorization", "At most 2 per auth")

    def test_a_rule_for_telehealth_counts_only_telehealth(self):
        self._get_item(CONSULTATION).tiss_tele = True
        self._rule(CONSULTATION, mode="tele", limit_month=1)
        self._visit(DAY)
        self.assertTrue(self._ask(mode="tele")["covered"])
        self._visit(DAY, mode="tele")
        self.assertFalse(self._ask(mode="tele")["covered"])
        self.assertTrue(self._ask()["covered"])

    def test_minimum_interval(self):
        rule = self._rule(ECG, interval_days=30)
        self._visit(date(2026, 2, 9), ECG)
        words = "done on 09/02/2026: next possible on 11/03/2026"
        self.assertBlocked(self._ask(ECG), "interval", words, rule)
        self.assertTrue(self._ask(ECG, DAY + timedelta(1))["covered"])
        self.assertTrue(self._ask(BLOOD_COUNT)["covered"])

    def test_an_interval_longer_than_a_year(self):
        """730 days after 15 March 2024 are over on 15 March 2026."""
        rule = self._rule(ECG, interval_days=730)
        self._visit(date(2024, 3, 15), ECG)
        words = "done on 15/03/2024: next possible on 15/03/2026"
        self.assertBlocked(self._ask(ECG), "interval", words, rule)
        self.assertTrue(self._ask(ECG, date(2026, 3, 15))["covered"])

    def test_return_visit(self):
        """Case 5 worked by hand: return within 15 days, same professional.

        A consultation on 1 March. 10 March is its return (9 days) and costs nobody anything; on
        17 March (16 days) it is a new one, though the return itself was only 7 days before.
        """
        rule = self._rule(return_days=15)
        self._visit(date(2026, 3, 1))
        answer = self._ask(professional=self.professional)
        self.assertReason(answer, "return_visit", "return of .* 01/03/2026", "info", rule)
        self.assertTrue(answer["covered"])
        self.assertAmounts(answer, "0.00", "0.00")
        self._visit(DAY)
        again = self._ask(day=date(2026, 3, 17), professional=self.professional)
        self.assertAmounts(again, "0.00", "150.00")
        another = self._create_professional("Médico Diferente", "654321")
        self.assertAmounts(self._ask(professional=another), "0.00", "150.00")
        self.assertAmounts(self._ask(), "0.00", "0.00")
        self.assertAmounts(self._ask(ECG), "0.00", "41.10")

    # ------------------------------------------------------------------
    # Authorisation and notes
    # ------------------------------------------------------------------

    def test_authorization(self):
        rule = self._rule(ECG, authorization="yes")
        answer = self._ask(ECG)
        self.assertWarned(answer, "authorization_required", "Ask the operadora", rule)
        self.assertTrue(answer["authorization_required"])
        given = self._ask(ECG, authorization="SENHA1")
        self.assertReason(given, "authorization_given", "was given", "info", rule)
        self.assertFalse(given["authorization_required"])

    def test_a_note_is_read_with_every_answer(self):
        rule = self._rule(ECG, note="Ask for the printed request")
        self.assertReason(self._ask(ECG), "note", "printed request", "info", rule)

    # ------------------------------------------------------------------
    # Which rule decides
    # ------------------------------------------------------------------

    def _get_decider(self, code=BLOOD_COUNT, **details):
        [message] = [
            reason["message"]
            for reason in self._ask(code, **details)["reasons"]
            if reason["code"] == "authorization_required"
        ]
        return message.partition("rule: ")[2][:-1]

    def test_the_most_specific_rule_decides(self):
        """Procedure before nearest group before broader group before everything; then plan before
        network status before all; then a way of attending before both."""
        self._get_item(BLOOD_COUNT).tiss_tele = True
        plan = self.plan.id
        steps = [
            ({}, "Everything"),
            ({"mode": "tele"}, "Everything · Telehealth"),
            ({"network_status": "accredited"}, "Everything · Accredited Network"),
            ({"plan_id": plan}, "Everything · Plano de Teste"),
            ({"categ_id": self.exams.id}, "Exames Inventados"),
            ({"categ_id": self.blood.id}, "Sangue Inventado"),
            (
                {"product_tmpl_id": self.products[BLOOD_COUNT].product_tmpl_id.id},
                "this procedure",
            ),
        ]
        for vals, name in steps:
            self._rule(authorization="yes", **vals)
            self.assertEqual(self._get_decider(mode="tele"), name)
        # What does not apply decides nothing.
        other = self.plan.create({"operadora_id": self.operadora.id, "name": "Outro Plano"})
        self._rule(BLOOD_COUNT, authorization="no", plan_id=other.id)
        self._rule(BLOOD_COUNT, authorization="no", network_status="referenced")
        self._rule(BLOOD_COUNT, authorization="no", mode="on_site")
        self.assertEqual(self._get_decider(mode="tele"), "this procedure")

    def test_the_professionals_own_network_status_counts(self):
        self._rule(ECG, authorization="yes", network_status="preferential")
        self.env["tiss.accreditation"].create(
            {
                "contract_id": self.contract.id,
                "professional_id": self.professional.id,
                "network_status": "preferential",
                "end_date": DAY,
            }
        )
        self.assertFalse(self._ask(ECG)["authorization_required"])
        answer = self._ask(ECG, professional=self.professional)
        self.assertTrue(answer["authorization_required"])
        later = self._ask(ECG, DAY + timedelta(1), professional=self.professional)
        self.assertFalse(later["authorization_required"])

    def test_each_aspect_comes_from_the_most_specific_rule_that_speaks_of_it(self):
        """Case 3 worked by hand: three rules, each says something else of the blood count.

        Everything: authorisation, co-payment 10%. Exams: no authorisation, 2 a month. The blood
        count for this plan: co-payment of R$ 5,00. Two of 33.33 are 66.66: no authorisation, the
        limit of the group holds, and the patient pays 2 × 5.00.
        """
        self._rule(authorization="yes", copayment_kind="percent", copayment_percent=10)
        self._rule(categ_id=self.exams.id, authorization="no", limit_month=2)
        self._rule(BLOOD_COUNT, plan_id=self.plan.id, copayment_kind="fixed", copayment_amount=5)
        answer = self._ask(BLOOD_COUNT, DAY, 2)
        self.assertFalse(answer["authorization_required"])
        self.assertAmounts(answer, "10.00", "56.66")
        self.assertBlocked(self._ask(BLOOD_COUNT, DAY, 3), "limit_month", "At most 2")
        consultation = self._ask()
        self.assertTrue(consultation["authorization_required"])
        self.assertAmounts(consultation, "15.00", "135.00")

    def test_a_rule_holds_only_on_its_days(self):
        self._rule(ECG, covered="no", start_date=DAY, end_date=DAY)
        self.assertFalse(self._ask(ECG)["covered"])
        for days in (-1, 1):
            self.assertTrue(self._ask(ECG, DAY + timedelta(days))["covered"])

    def test_an_archived_rule_says_nothing(self):
        self._rule(ECG, covered="no").active = False
        self.assertTrue(self._ask(ECG)["covered"])

    # ------------------------------------------------------------------
    # Many at once
    # ------------------------------------------------------------------

    def _make_requests(self, size):
        """Requests of `size` patients, each for a procedure that a rule limits."""
        patients = self.patient.create([{"name": f"Pessoa {i}"} for i in range(size)])
        cards = self.card.create(
            [
                {"patient_id": patient.id, "plan_id": self.plan.id, "number": f"9{size:04}{i:05}"}
                for i, patient in enumerate(patients)
            ]
        )
        codes = [CONSULTATION, BLOOD_COUNT, ECG]
        self.env["tiss.encounter"].create(
            [
                {
                    "patient_id": card.patient_id.id,
                    "card_id": card.id,
                    "professional_id": self.professional.id,
                    "date": DAY - timedelta(i % 40),
                    "line_ids": [Command.create({"product_id": self.products[codes[i % 3]].id})],
                }
                for i, card in enumerate(cards)
            ]
        )
        return [
            # Found one by one: no record shares what is read with another.
            CoverageRequest(
                self.card.browse(card.id),
                self.products[codes[i % 3]].browse(self.products[codes[i % 3]].id),
                DAY,
                1 + i % 2,
                professional=self.professional.browse(self.professional.id),
            )
            for i, card in enumerate(cards)
        ]

    def _add_many_rules(self):
        self._rule(limit_month=2, return_days=15, has_waiting=True, waiting_days=30)
        self._rule(categ_id=self.exams.id, deductible_kind="year", deductible_amount=30)
        self._rule(BLOOD_COUNT, authorization="yes", interval_days=10, plan_id=self.plan.id)
        self._rule(ECG, copayment_kind="percent", copayment_percent=33.33, min_age=3, sex="f")

    def test_many_answers_are_the_single_answers(self):
        self._add_many_rules()
        requests = self._make_requests(30)
        one_by_one = [self.contract._compute_coverages([request])[0] for request in requests]
        self.assertEqual(self.contract._compute_coverages(requests), one_by_one)
        self.assertEqual({answer["covered"] for answer in one_by_one}, {True, False})

    def test_the_number_of_queries_does_not_depend_on_the_number_of_questions(self):
        self._add_many_rules()
        counts = {}
        for size in (9, 10, 300):
            requests = self._make_requests(size)
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            answers = self.contract._compute_coverages(requests)
            counts[size] = self.env.cr.sql_log_count - start
            self.assertEqual(len(answers), size)
        self.assertEqual(counts[300], counts[10])
        self.assertLessEqual(counts[300], 30)

    # ------------------------------------------------------------------
    # Who may ask
    # ------------------------------------------------------------------

    def test_the_reception_asks_and_others_may_not(self):
        self._rule(limit_month=2, authorization="yes")
        self._visit(DAY)
        args = self.card, self.products[CONSULTATION], DAY
        reception = self._create_user("recepcao.cobertura", "reception")
        self.env.invalidate_all()
        self.assertTrue(self.contract.with_user(reception).coverage_for(*args)["covered"])
        employee = self._create_user("empregado.cobertura", "base.group_user")
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            self.contract.with_user(employee).coverage_for(*args)
