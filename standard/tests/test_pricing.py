"""Fees by the rules of guide §8.3, worked out by hand; all values are invented."""

import datetime
import unittest
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from .. import pricing
from ..pricing import Act, NoPrice, Policy, Row, Terms, Values
from .common import profile

VALUES = Values(
    name="Circular inventada",
    portes={"1A": D("20.00"), "3A": D("90.10"), "3C": D("123.45"), "8B": D("800.00")},
    uco=D("21.89"),
    film=D("21.70"),
    ch=D("0.55"),
)
POLICY = Policy(anaesthetic_portes=pricing.parse_portes("1=3A 2=3C 3=4C 4=6B 5=7C 6=9B 7=10C"))
WEDNESDAY = datetime.date(2026, 11, 18)
SATURDAY = datetime.date(2026, 11, 21)
AMB = POLICY._replace(urgency_start=22 * 60, urgency_end=6 * 60, urgency_saturday=False)

percents = st.decimals(0, 200, places=2)
money = st.decimals(0, 5000, places=2)
acts = st.builds(
    Act,
    order=st.integers(1, 9),
    access=st.sampled_from([None, "same", "different"]),
    urgent=st.booleans(),
    start=st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2030, 1, 1)),
    end=st.none(),
    accommodation=st.booleans(),
    auxiliaries=st.none(),
    role=st.sampled_from([None, "surgeon", "auxiliary_1", "auxiliary_4", "instrumentator"]),
)


def at(day, hour, minute=0):
    return datetime.datetime.combine(day, datetime.time(hour, minute))


def codes(result):
    return [step.code for step in result.steps]


class TestReading(unittest.TestCase):
    """What people type in the fee rules."""

    def test_percent_lists(self):
        self.assertEqual(pricing.parse_percents("100/50"), (100, 50))
        self.assertEqual(pricing.parse_percents(" 100% / 62,5 / 50 "), (100, D("62.5"), 50))

    def test_what_is_no_percent_list(self):
        for text in ("", "100/", "cem", "100/-5", "1e5", "NaN", "100//50", "1000", "½"):
            with self.subTest(text), self.assertRaises(ValueError):
                pricing.parse_percents(text)

    def test_anaesthetic_portes(self):
        self.assertEqual(pricing.parse_portes("1=3a, 8=12A"), {1: "3A", 8: "12A"})
        for text in ("1", "1=15A", "x=3A", "1=3A 1=3C", "=3A"):
            with self.subTest(text), self.assertRaises(ValueError):
                pricing.parse_portes(text)

    def test_holidays_and_chapters(self):
        self.assertEqual(pricing.parse_holidays("25/01, 09/07"), {(1, 25), (7, 9)})
        self.assertEqual(pricing.parse_chapters("4/2 01"), ("4", "2", "01"))
        for text in ("31/02", "25", "a/b", "25-01"):
            with self.subTest(text), self.assertRaises(ValueError):
                pricing.parse_holidays(text)
        with self.assertRaises(ValueError):
            pricing.parse_chapters("4/x")

    def test_there_are_42_portes(self):
        self.assertEqual(len(pricing.PORTES), 42)
        for porte in (*pricing.PORTES, "1", "122", "9999"):
            self.assertTrue(pricing.is_porte(porte), porte)
        for wrong in ("", "0", "012", "12345", "15A", "0A", "2D", "2b", "²", "1 A", "1A\n", "7\n"):
            self.assertFalse(pricing.is_porte(wrong), wrong)
        ranked = sorted(["122", "10A", "14C", "2B", "31"], key=pricing.get_porte_rank)
        self.assertEqual(ranked, ["2B", "10A", "14C", "31", "122"])
        self.assertEqual((pricing.PORTES[0], pricing.PORTES[-1]), ("1A", "14C"))


class TestExtraHours(unittest.TestCase):
    """When urgency pays more: 19h to 7h, Saturday, Sunday and holidays."""

    def test_the_window_of_a_weekday(self):
        for hour, minute, expected in (
            (18, 59, False), (19, 0, True), (23, 59, True), (0, 0, True), (6, 59, True),
            (7, 0, False), (12, 0, False),
        ):  # fmt: skip
            with self.subTest(hour=hour, minute=minute):
                moment = at(WEDNESDAY, hour, minute)
                self.assertEqual(pricing.is_extra_time(POLICY, moment, None), expected)

    def test_weekend_and_holidays_count_all_day(self):
        sunday = SATURDAY + datetime.timedelta(days=1)
        christmas = datetime.date(2026, 12, 25)  # a Friday
        for day in (SATURDAY, sunday, christmas):
            self.assertTrue(pricing.is_extra_time(POLICY, at(day, 12), None), day)

    def test_a_holiday_of_the_town(self):
        noon = at(datetime.date(2026, 7, 9), 12)  # a Thursday
        self.assertFalse(pricing.is_extra_time(POLICY, noon, None))
        local = POLICY._replace(local_holidays=frozenset({(7, 9)}))
        self.assertTrue(pricing.is_extra_time(local, noon, None))

    def test_amb_92_begins_later_and_works_on_saturdays(self):
        self.assertFalse(pricing.is_extra_time(AMB, at(WEDNESDAY, 21, 59), None))
        self.assertTrue(pricing.is_extra_time(AMB, at(WEDNESDAY, 22), None))
        self.assertFalse(pricing.is_extra_time(AMB, at(SATURDAY, 12), None))
        self.assertTrue(pricing.is_extra_time(AMB, at(SATURDAY, 23), None))

    def test_crossing_needs_more_than_half_inside(self):
        """17:00 to 21:00 has two of four hours inside: not more than half. To 21:02 it is."""
        start = at(WEDNESDAY, 17)
        self.assertFalse(pricing.is_extra_time(POLICY, start, at(WEDNESDAY, 21)))
        self.assertTrue(pricing.is_extra_time(POLICY, start, at(WEDNESDAY, 21, 2)))

    def test_crossing_midnight(self):
        """22:00 on Wednesday to 10:00 on Thursday: nine of twelve hours inside."""
        thursday = WEDNESDAY + datetime.timedelta(days=1)
        start, end = at(WEDNESDAY, 22), at(thursday, 10)
        self.assertEqual(pricing.extra_minutes(POLICY, start, end), 9 * 60)
        self.assertTrue(pricing.is_extra_time(POLICY, start, end))

    def test_easter_and_good_friday(self):
        for easter in ((2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2000, 4, 23), (1961, 4, 2)):
            self.assertEqual(pricing.easter(easter[0]), datetime.date(*easter))
        self.assertTrue(pricing.is_holiday(datetime.date(2026, 4, 3)))

    def test_black_consciousness_day_is_a_national_holiday_since_2024(self):
        self.assertFalse(pricing.is_holiday(datetime.date(2023, 11, 20)))
        self.assertTrue(pricing.is_holiday(datetime.date(2024, 11, 20)))

    @given(
        st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2030, 1, 1)),
        st.integers(0, 300),
    )
    @profile(50)
    def test_quarters_of_an_hour_are_counted_one_by_one(self, start, quarters):
        quarter = datetime.timedelta(minutes=15)
        start = start.replace(hour=start.hour, minute=0, second=0, microsecond=0)
        slow = sum(
            pricing.is_extra_time(POLICY, start + quarter * number, None)
            for number in range(quarters)
        )
        fast = pricing.extra_minutes(POLICY, start, start + quarter * quarters)
        self.assertEqual(fast, 15 * slow)


class TestSurcharge(unittest.TestCase):
    """Access, urgency and accommodation."""

    def surcharge(self, policy=POLICY, code="30715016", **act):
        return pricing.get_surcharge(policy, Act(**act), code)[0]

    def test_by_access(self):
        self.assertEqual(self.surcharge(order=1, access="same"), 1)
        self.assertEqual(self.surcharge(order=2, access="same"), D("0.5"))
        self.assertEqual(self.surcharge(order=5, access="same"), D("0.5"))
        self.assertEqual(self.surcharge(order=2, access="different"), D("0.7"))
        self.assertEqual(self.surcharge(order=2), 1, "the only access")

    def test_by_order_alone(self):
        policy = POLICY._replace(by_order=(D(100), D(70), D(50)))
        orders = [self.surcharge(policy, order=order, access="same") for order in (1, 2, 3, 4)]
        self.assertEqual(orders, [1, D("0.7"), D("0.5"), D("0.5")])

    def test_urgency_asks_for_both(self):
        night, noon = at(WEDNESDAY, 20), at(WEDNESDAY, 12)
        self.assertEqual(self.surcharge(urgent=True, start=night), D("1.3"))
        self.assertEqual(self.surcharge(urgent=True, start=noon), 1)
        self.assertEqual(self.surcharge(urgent=False, start=night), 1, "elective never")
        self.assertEqual(self.surcharge(urgent=True), 1, "at an unknown time")

    def test_accommodation_but_not_in_diagnostics(self):
        self.assertEqual(self.surcharge(accommodation=True), 2)
        self.assertEqual(self.surcharge(code="40304361", accommodation=True), 1)

    def test_accumulation(self):
        """Second by the same access, urgent, apartment: 0.5 × 1.3 × 2 = 1.3; added 0.5 × 2.3."""
        act = {"order": 2, "access": "same", "urgent": True, "start": at(SATURDAY, 9),
               "accommodation": True}  # fmt: skip
        self.assertEqual(self.surcharge(**act), D("1.3"))
        self.assertEqual(self.surcharge(POLICY._replace(accumulation="add"), **act), D("1.15"))

    @given(acts, st.sampled_from(["30715016", "40304361"]))
    @profile(200)
    def test_adding_up_is_never_dearer_than_multiplying(self, act, code):
        multiplied, _steps = pricing.get_surcharge(POLICY, act, code)
        added, _steps = pricing.get_surcharge(POLICY._replace(accumulation="add"), act, code)
        self.assertLessEqual(added, multiplied)
        self.assertGreater(added, 0)


class TestPrices(unittest.TestCase):
    """Units of each kind of table."""

    def price(self, kind="cbhpm", values=VALUES, terms=None, policy=POLICY, act=None, **row):
        weights = Row(**{"code": "30715016", **row})
        return pricing.price_row(kind, weights, values, terms or Terms(), policy, act or Act())

    def test_cbhpm_in_the_band_with_uco_and_film(self):
        """123.45 × 0.8 = 98.76; 2.5 × 21.89 × 0.9 = 49.2525 → 49.25; 0.36 × 21.70 = 7.812 → 7.81;
        together 155.82."""
        terms = Terms(porte_percent=D(-20), uco_percent=D(-10))
        result = self.price(terms=terms, porte="3C", uco=D("2.5"), film=D("0.36"))
        self.assertEqual((result.unit_amount, result.factor), (D("155.82"), 1))
        self.assertEqual(codes(result), ["porte", "band", "uco", "band", "film", "unit"])

    def test_a_laboratory_exam_is_a_fraction_of_1a(self):
        """20.00 × 0.04 = 0.80, and 0.9 UCO: 19.701 → 19.70."""
        result = self.price(porte="1A", porte_fraction=D("0.04"), uco=D("0.9"))
        self.assertEqual(result.unit_amount, D("20.50"))

    def test_the_inflator_is_on_each_component(self):
        """(123.45 + 21.89) × 1.10: 135.795 → 135.80 (half up), 24.079 → 24.08; 159.88."""
        result = self.price(terms=Terms(percent=D(10)), porte="3C", uco=D(1))
        self.assertEqual(result.unit_amount, D("159.88"))

    def test_a_pure_fee_carries_the_surcharge_as_a_factor(self):
        act = Act(order=2, access="same")
        result = self.price(porte="8B", act=act)
        self.assertEqual((result.unit_amount, result.factor), (D("800.00"), D("0.5")))

    def test_with_uco_the_surcharge_is_inside(self):
        """Half of 800 and the whole UCO: 400.00 + 21.89."""
        result = self.price(porte="8B", uco=D(1), act=Act(order=2, access="same"))
        self.assertEqual((result.unit_amount, result.factor), (D("421.89"), 1))
        self.assertIn("folded", codes(result))

    def test_a_factor_of_three_decimals_is_inside(self):
        """reducaoAcrescimo has two decimals: 0.7 × 1.25 = 0.875 → 800 × 0.875 = 700.00."""
        policy = POLICY._replace(urgency_percent=D(25))
        act = Act(order=2, access="different", urgent=True, start=at(SATURDAY, 9))
        result = self.price(porte="8B", policy=policy, act=act)
        self.assertEqual((result.unit_amount, result.factor), (D("700.00"), 1))

    def test_assistants_share_the_fee_only(self):
        """60% of 800 in 2018; the UCO is the room's."""
        result = self.price(porte="8B", uco=D(3), auxiliaries=2, act=Act(role="auxiliary_1"))
        self.assertEqual(result.unit_amount, D("480.00"))
        old = POLICY._replace(auxiliary_percents=(D(30), D(20), D(20), D(20)))
        result = self.price(porte="8B", auxiliaries=2, policy=old, act=Act(role="auxiliary_2"))
        self.assertEqual(result.unit_amount, D("160.00"))

    def test_one_assistant_too_many(self):
        with self.assertRaises(NoPrice) as caught:
            self.price(porte="8B", auxiliaries=2, act=Act(role="auxiliary_3"))
        self.assertEqual(caught.exception.step.params, {"position": 3, "count": 2})
        result = self.price(porte="8B", auxiliaries=2, act=Act(role="auxiliary_3", auxiliaries=3))
        self.assertEqual(result.unit_amount, D("240.00"), "the largest of the act has three")

    def test_the_scrub_nurse(self):
        result = self.price(porte="8B", act=Act(role="instrumentator"))
        self.assertEqual(result.unit_amount, D("80.00"))

    def test_the_anaesthetist_is_paid_by_his_own_porte(self):
        result = self.price(porte="8B", anaesthetic_porte=2, act=Act(role="anaesthetist"))
        self.assertEqual(result.unit_amount, D("123.45"))

    def test_no_anaesthetist_is_needed(self):
        with self.assertRaisesRegex(NoPrice, "^no_anaesthetist$"):
            self.price(porte="8B", act=Act(role="anaesthetist"))

    def test_an_act_of_anaesthesia_has_only_an_anaesthetic_porte(self):
        result = self.price(code="31602347", anaesthetic_porte=1)
        self.assertEqual(result.unit_amount, D("90.10"))

    def test_ch_with_film(self):
        """100 × 0.55 = 55.00, film 0.5 × 21.70 = 10.85."""
        result = self.price("ch", ch=D(100), film=D("0.5"))
        self.assertEqual(result.unit_amount, D("65.85"))
        result = self.price("ch", ch=D(100), act=Act(order=2, access="different"))
        self.assertEqual((result.unit_amount, result.factor), (D("55.00"), D("0.7")))

    def test_brasindice_without_pmc_takes_pf_and_margin_by_the_unit(self):
        """PF 250.00 of 50 ampoules: 5.00 each, + 38% = 6.90, − 10% = 6.21."""
        terms = Terms(percent=D(-10), pf_margin_percent=D(38), use_fraction=True)
        result = self.price("brasindice", terms=terms, pf=D(250), package_quantity=D(50))
        self.assertEqual(result.unit_amount, D("6.21"))
        self.assertEqual(codes(result), ["no_pmc", "pf_fraction", "margin", "percent", "unit"])

    def test_a_printed_fraction_beats_the_division(self):
        terms = Terms(use_fraction=True)
        result = self.price(
            "simpro", terms=terms, pmc=D(100), pmc_fraction=D("11.1"), package_quantity=D(10)
        )
        self.assertEqual(result.unit_amount, D("11.10"))

    def test_pmc_alone_is_refused_where_there_is_none(self):
        with self.assertRaisesRegex(NoPrice, "no_pmc_price"):
            self.price("simpro", terms=Terms(base="pmc"), pf=D(10))

    def test_materials_have_no_surcharge(self):
        act = Act(order=2, access="same", accommodation=True)
        result = self.price("simpro", pmc=D(10), act=act)
        self.assertEqual((result.unit_amount, result.factor), (D("10.00"), 1))

    def test_what_is_missing_is_said(self):
        for code, row, values in (
            ("no_porte_value", {"porte": "14C"}, VALUES),
            ("no_uco_value", {"porte": "3C", "uco": D(1)}, VALUES._replace(uco=D(0))),
            ("no_film_value", {"porte": "3C", "film": D(1)}, VALUES._replace(film=D(0))),
            ("empty_row", {}, VALUES),
        ):
            with self.subTest(code), self.assertRaisesRegex(NoPrice, f"^{code}$"):
                self.price(values=values, **row)

    @given(money, percents, acts)
    @profile(200)
    def test_folding_costs_less_than_a_cent(self, amount, uco, act):
        """Wherever the surcharge travels, the item costs the exact sum, rounded per component."""
        values = VALUES._replace(portes={"1A": amount + 1})
        row = {"porte": "1A", "auxiliaries": 4}
        pure = self.price(values=values, act=act, **row)
        surcharge, _steps = pricing.get_surcharge(POLICY, act, "30715016")
        part, _steps = pricing.get_role_percent(POLICY, act, 4)
        exact = (amount + 1) * part / 100 * surcharge
        self.assertLessEqual(abs(pure.unit_amount * pure.factor - exact), D("0.05"))
        mixed = self.price(values=values, act=act, uco=uco, **row)
        has_rest = uco and part == 100
        rest = pricing.cents(uco * VALUES.uco) if has_rest else D(0)
        if has_rest:
            self.assertEqual(mixed.factor, 1)
            self.assertEqual(mixed.unit_amount, pricing.cents(exact) + rest)

    @given(money, acts)
    @profile(100)
    def test_every_price_has_whole_cents_and_a_sendable_factor(self, amount, act):
        result = pricing.price_amount(amount, POLICY, act, "30715016", [])
        self.assertEqual(result.unit_amount, pricing.cents(result.unit_amount))
        self.assertEqual(result.factor, pricing.cents(result.factor))
        self.assertTrue(0 < result.factor <= pricing.MAX_FACTOR)
        self.assertEqual(result.steps[-1].code, "unit")
