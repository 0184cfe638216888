from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from ..models.coverage_book import CoverageRequest, get_copayment, split
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG
from .coverage_common import DAY, CoverageCommon

cents = st.integers(0, 10_000_000)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCoverageSplit(BaseCase):
    """Laws of the patient's part, in cents."""

    @given(
        cents,
        st.integers(1, 500),
        st.integers(-1000, 10_000_000),
        st.sampled_from(["none", "fixed", "percent"]),
        cents,
        st.decimals(0, 100, places=2),
        cents,
    )
    def test_the_parts_are_within_the_price(
        self, price, quantity, deductible, kind, fixed, percent, ceiling
    ):
        share = split(
            price, quantity, deductible=deductible, kind=kind, fixed=fixed,
            percent=percent, ceiling=ceiling,
        )  # fmt: skip
        self.assertGreaterEqual(min(share), 0)
        self.assertLessEqual(sum(share), price)
        if share.copayment:
            self.assertEqual(share.deductible, max(deductible, 0), "the deductible comes first")
        if ceiling:
            self.assertLessEqual(share.copayment, ceiling * quantity)

    @given(cents, st.decimals(0, 100, places=2))
    def test_a_percentage_is_rounded_half_up(self, price, percent):
        exact = price * percent / 100
        copayment = get_copayment(price, 1, "percent", percent=percent)
        self.assertLessEqual(abs(copayment - exact), Decimal("0.5"))
        self.assertGreater(copayment - exact, Decimal("-0.5") - Decimal("1e-9"))

    def test_half_a_cent_goes_up(self):
        """50% of R$ 0,01 is half a cent."""
        self.assertEqual(get_copayment(1, 1, "percent", percent=50), 1)

    @given(st.integers(-10_000_000, 0), st.sampled_from(["none", "fixed", "percent"]))
    def test_of_a_price_below_zero_the_patient_bears_nothing(self, price, kind):
        share = split(price, 1, deductible=100, kind=kind, fixed=200, percent=30)
        self.assertEqual(share, (0, 0))

    def test_more_deductible_never_makes_the_patient_pay_less(self):
        for deductible in range(0, 12_000, 500):
            less = sum(split(10_000, 1, deductible=deductible, kind="percent", percent=30))
            more = sum(split(10_000, 1, deductible=deductible + 500, kind="percent", percent=30))
            self.assertLessEqual(less, more)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCoverageAmounts(CoverageCommon):
    """Who pays what, worked by hand."""

    def test_deductible_then_copayment_with_a_ceiling(self):
        """Case 1: three of 33.33 are 99.99. The first 20.00 are the patient's; of the other 79.99
        he pays 30%, which is 23.997, rounded 24.00, but at most 7.50 for each: 22.50. Together
        42.50; the operadora pays 57.49."""
        rule = self._rule(
            BLOOD_COUNT,
            deductible_kind="event",
            deductible_amount=20,
            copayment_kind="percent",
            copayment_percent=30,
            copayment_ceiling=7.50,
        )
        answer = self._ask(BLOOD_COUNT, DAY, 3)
        self.assertAmounts(answer, "42.50", "57.49")
        self.assertReason(answer, "deductible", "20,00", "info", rule)
        self.assertReason(answer, "copayment", "22,50: the operadora charges", "info", rule)
        self.assertFalse(answer["copayment_at_clinic"])
        rule.write({"copayment_ceiling": 0, "copayment_at_clinic": True})
        answer = self._ask(BLOOD_COUNT, DAY, 3)
        self.assertAmounts(answer, "44.00", "55.99")
        self.assertReason(answer, "copayment", "24,00, collected here", "info", rule)
        self.assertTrue(answer["copayment_at_clinic"])

    def test_deductible_of_the_year(self):
        """Case 2: 100.00 a year on ECGs of 41.10, then 20%.

        First and second: 41.10 each, 82.20 borne. Third: 17.80 are left, 20% of the other 23.30 is
        4.66: 22.46 and 18.64. Fourth: nothing left, 20% of 41.10 is 8.22. What a consultation cost
        the patient does not use it up, nor what he bore last year.
        """
        self._rule(
            ECG,
            deductible_kind="year",
            deductible_amount=100,
            copayment_kind="percent",
            copayment_percent=20,
        )
        self._rule(CONSULTATION, copayment_kind="fixed", copayment_amount=90)
        self._visit(date(2025, 12, 30), ECG)
        self._visit(date(2026, 1, 2), CONSULTATION)
        for day, patient, operadora in (
            (3, "41.10", "0.00"),
            (4, "41.10", "0.00"),
            (5, "22.46", "18.64"),
            (6, "8.22", "32.88"),
        ):
            day = date(2026, 1, day)
            self.assertAmounts(self._ask(ECG, day), patient, operadora)
            visit = self._visit(day, ECG)
            self.assertEqual(visit.line_ids.patient_amount, float(patient))

    def test_only_what_is_deductible_uses_up_the_deductible_of_the_year(self):
        """300.00 a year on everything. The patient pays ECGs by reimbursement, blood counts by a
        co-payment of 20.00 without deductible and the dipyrone by one of 5.00 per item, in January:
        nothing of that is the year's, so of two consultations of 150.00 he bears all 300.00."""
        self._rule(deductible_kind="year", deductible_amount=300)
        self._rule(ECG, billing_kind="reimbursement")
        self._rule(BLOOD_COUNT, deductible_kind="none", copayment_kind="fixed", copayment_amount=20)
        self._rule(DIPYRONE, deductible_kind="event", deductible_amount=5)
        january = self._visit(date(2026, 1, 5), {ECG: 2, BLOOD_COUNT: 10, DIPYRONE: 1})
        lines = january.line_ids.sorted("id")
        self.assertEqual(lines.mapped("patient_amount"), [82.20, 200.00, 5.00])
        self.assertEqual(lines.mapped("yearly_deductible"), [0.00, 0.00, 0.00])
        self.assertAmounts(self._ask(CONSULTATION, DAY, 2), "300.00", "0.00")

    def test_visits_closed_together_use_up_one_deductible(self):
        """Two consultations of 150.00, 200.00 a year: 150.00 of the first, 50.00 of the second."""
        self._rule(deductible_kind="year", deductible_amount=200)
        visits = self._create_encounters(CONSULTATION, CONSULTATION)
        self.assertEqual(visits.line_ids.mapped("yearly_deductible"), [150.00, 50.00])

    def test_items_of_one_visit_share_the_deductible_of_the_year(self):
        """200.00 a year, ECGs without: after two ECGs (co-payment 20.00 each) a consultation takes
        150.00, and the two blood counts of 66.66 the 50.00 that are left."""
        self._rule(deductible_kind="year", deductible_amount=200)
        self._rule(ECG, deductible_kind="none", copayment_kind="fixed", copayment_amount=20)
        visit = self._visit(DAY, {ECG: 2, CONSULTATION: 1, BLOOD_COUNT: 2})
        lines = visit.line_ids.sorted("id")
        self.assertEqual(lines.mapped("patient_amount"), [40.00, 150.00, 50.00])
        self.assertEqual(lines.mapped("yearly_deductible"), [0.00, 150.00, 50.00])

    def test_a_copayment_is_never_more_than_the_price(self):
        self._rule(ECG, copayment_kind="fixed", copayment_amount=50)
        self.assertAmounts(self._ask(ECG, DAY, 2), "82.20", "0.00")

    def test_reimbursement(self):
        self._get_item(ECG).write(
            {"tiss_billing_kind": "reimbursement", "tiss_reimbursement_price": 30}
        )
        answer = self._ask(ECG, DAY, 2)
        self.assertEqual(answer["billing_kind"], "reimbursement")
        self.assertAmounts(answer, "82.20", "0.00")
        self.assertReason(answer, "reimbursement", "60,00 back", "info")

    def test_capitation(self):
        self._rule(ECG, billing_kind="capitation")
        answer = self._ask(ECG)
        self.assertAmounts(answer, "0.00", "0.00")
        self.assertReason(answer, "capitation", "by the month", "info")
        self._rule(copayment_kind="fixed", copayment_amount=12)
        self.assertAmounts(self._ask(ECG, DAY, 2), "24.00", "0.00")

    def test_a_package_is_paid_as_a_fee(self):
        self._get_item(ECG).tiss_billing_kind = "package"
        answer = self._ask(ECG)
        self.assertEqual(answer["billing_kind"], "package")
        self.assertAmounts(answer, "0.00", "41.10")

    def test_a_price_below_zero_costs_nobody_anything(self):
        """A formula can go below zero, and a form is asked while a quantity is typed."""
        request = CoverageRequest(self.card, self.products[ECG], DAY)
        self._rule(ECG, deductible_kind="event", deductible_amount=10)
        self._rule(BLOOD_COUNT, covered="no")
        self.products[BLOOD_COUNT].list_price = 10.00
        for each in (
            request._replace(amount=-5),
            request._replace(quantity=-5),
            request._replace(product=self.products[BLOOD_COUNT], quantity=-5),
        ):
            self.assertAmounts(self.contract._compute_coverages([each])[0], "0.00", "0.00")

    def test_a_typed_price_is_the_one_that_is_shared(self):
        self._rule(ECG, copayment_kind="percent", copayment_percent=50)
        answer = self._ask(ECG, amount=30.05)
        self.assertAmounts(answer, "15.03", "15.02")
