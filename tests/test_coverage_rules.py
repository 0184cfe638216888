from odoo.tests import tagged

from .common import ECG
from .coverage_common import CoverageCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCoverageRules(CoverageCommon):
    """What a rule may say, and how it reads."""

    # ------------------------------------------------------------------
    # In words
    # ------------------------------------------------------------------

    def test_a_rule_reads_as_a_sentence(self):
        rule = self._rule(
            categ_id=self.exams.id,
            plan_id=self.plan.id,
            mode="on_site",
            authorization="yes",
            limit_month=10,
            copayment_kind="percent",
            copayment_percent=30,
            copayment_ceiling=50,
        )
        self.assertEqual(
            rule.summary.replace("\xa0", " "),
            "Exames Inventados · Plano de Teste · On-site: authorisation required; up to 10 per"
            " month; co-payment of 30% up to R$ 50,00",
        )

    def test_every_aspect_has_its_words(self):
        rule = self._rule(
            covered="yes",
            authorization="no",
            billing_kind="capitation",
            has_waiting=True,
            waiting_days=180,
            limit_day=1.5,
            limit_month=2,
            limit_year=3,
            limit_authorization=4,
            interval_days=5,
            return_days=6,
            min_age=7,
            max_age=8,
            sex="f",
            copayment_kind="fixed",
            copayment_amount=9,
            deductible_kind="year",
            deductible_amount=10,
            note="Twelve",
        )
        name, words = rule.summary.replace("\xa0", " ").split(": ", 1)
        self.assertEqual(name, "Everything")
        self.assertEqual(
            words.split("; "),
            [
                "covered",
                "no authorisation needed",
                "waiting period of 180 days",
                "from 7 to 8 years of age",
                "only for sex: female",
                "up to 1,5 per day",
                "up to 2 per month",
                "up to 3 per year",
                "up to 4 per authorisation",
                "at least 5 days apart",
                "return visit within 6 days",
                "deductible of R$ 10,00 per year",
                "co-payment of R$ 9,00",
                "capitation",
                "Twelve",
            ],
        )

    def test_an_empty_rule_says_so(self):
        self.assertEqual(self._rule().summary, "Everything: says nothing yet")

    # ------------------------------------------------------------------
    # What is refused
    # ------------------------------------------------------------------

    def test_what_makes_no_sense_is_refused(self):
        template = self.products[ECG].product_tmpl_id.id
        for vals, words in (
            ({"start_date": "2026-02-01", "end_date": "2026-01-31"}, "ends after it starts"),
            ({"product_tmpl_id": template, "categ_id": self.exams.id}, "not both"),
            ({"copayment_percent": 100.01}, "between 0% and 100%"),
            ({"copayment_percent": -1}, "between 0% and 100%"),
            ({"limit_day": -1}, "never below zero"),
            ({"waiting_days": -1}, "never below zero"),
            ({"min_age": 10, "max_age": 9}, "last age"),
        ):
            with self.subTest(vals), self.assertRefused(words):
                self._rule(**vals)

    def test_the_plan_of_another_operadora_is_refused(self):
        other = self._create_contract("006246").partner_id
        plan = self.plan.create({"operadora_id": other.id, "name": "Outro"})
        with self.assertRefused("The plan Outro is not of the operadora of"):
            self._rule(plan_id=plan.id)

    def test_two_rules_about_the_same_on_the_same_day_are_refused(self):
        self._rule(ECG, start_date="2026-01-01", end_date="2026-06-30")
        later = self._rule(ECG, start_date="2026-07-01")
        words = "from 01/01/2026 until 30/06/2026, another from 30/06/2026 on"
        with self.assertRefused(words):
            later.start_date = "2026-06-30"
        with self.assertRefused("01/01/2026 until 30/06/2026, another from 30/06/2026 until"):
            self._rule(ECG, start_date="2026-06-30", end_date="2026-06-30")
        with self.assertRefused("one always, another from"):
            self._rule(ECG)

    def test_rules_about_something_else_or_archived_do_not_overlap(self):
        rule = self._rule(ECG)
        self._rule(ECG, plan_id=self.plan.id)
        self._rule(ECG, mode="tele")
        self._rule(ECG, network_status="referenced")
        self._rule(categ_id=self.exams.id)
        rule.active = False
        self._rule(ECG)
        with self.assertRefused("one always, another always"):
            rule.active = True
