"""Which deposits pay which demonstrativos, on hand-worked and on generated days."""

from __future__ import annotations

import itertools
import time
import unittest
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ..banklabels import ALIAS, CNPJ, NAME, PARTNER
from ..bankmatch import (
    DIFFERENCE,
    EXACT,
    GROUP,
    SPLIT,
    SUM,
    TRANSIT,
    Deposit,
    Options,
    Proposal,
    Receipt,
    propose,
)  # fmt: skip
from ..workdays import count_workdays, is_workday, shift_workdays

DAY = date(2026, 8, 5)  # a Wednesday without a holiday near it
UNI, BRA = 1, 2


def deposit(id_: int, cents: int, payer: int | None = UNI, evidence: str | None = CNPJ, after=1):
    return Deposit(id_, shift_workdays(DAY, after), cents, payer, evidence if payer else None)


def receipt(id_: int, cents: int, payer: int = UNI, after=0):
    return Receipt(id_, shift_workdays(DAY, after), cents, payer)


def sketch(proposals: list[Proposal]) -> list[tuple]:
    return [(each.rule, each.deposits, each.receipts) for each in proposals]


class TestExact(unittest.TestCase):
    def test_the_net_of_the_day_from_a_known_payer_is_certain(self) -> None:
        for evidence in (PARTNER, CNPJ, ALIAS):
            [only] = propose([deposit(1, 1721021, evidence=evidence)], [receipt(7, 1721021)])
            self.assertEqual(sketch([only]), [(EXACT, (1,), (7,))])
            self.assertTrue(only.is_certain)
            self.assertEqual((only.days, only.difference, only.payer), (1, 0, UNI))

    def test_a_name_alone_is_not_certain(self) -> None:
        [only] = propose([deposit(1, 100, evidence=NAME)], [receipt(7, 100)])
        self.assertFalse(only.is_certain)

    def test_an_unknown_payer_is_a_proposal(self) -> None:
        [only] = propose([deposit(1, 100, payer=None)], [receipt(7, 100)])
        self.assertEqual((only.rule, only.evidence, only.is_certain), (EXACT, None, False))
        self.assertEqual(only.payer, UNI, "that of the demonstrativo")

    def test_from_two_working_days_before_to_five_after(self) -> None:
        for after in range(-3, 8):
            proposals = propose([deposit(1, 100, after=after)], [receipt(7, 100)])
            with self.subTest(after=after):
                self.assertEqual(proposals[0].is_certain, -2 <= after <= 5)
                self.assertEqual(proposals[0].days, after)

    def test_another_operadora_never_gets_the_money(self) -> None:
        proposals = propose([deposit(1, 100, payer=BRA)], [receipt(7, 100, payer=UNI)])
        self.assertEqual(sketch(proposals), [(TRANSIT, (1,), ())])

    def test_two_of_the_same_amount_are_not_certain(self) -> None:
        one, two = receipt(7, 100), receipt(8, 100, after=1)
        for deposits, receipts in (
            ([deposit(1, 100)], [one, two]),
            ([deposit(1, 100), deposit(2, 100)], [one]),
            ([deposit(1, 100), deposit(2, 100, payer=None)], [one]),
        ):
            proposals = propose(deposits, receipts)
            self.assertFalse(any(each.is_certain for each in proposals), sketch(proposals))

    def test_equal_amounts_are_proposed_in_the_order_of_their_days(self) -> None:
        proposals = propose(
            [deposit(1, 100, after=0), deposit(2, 100, after=3)],
            [receipt(7, 100, after=0), receipt(8, 100, after=3)],
        )
        self.assertEqual(sketch(proposals[:2]), [(EXACT, (1,), (7,)), (EXACT, (2,), (8,))])

    def test_what_was_turned_down_is_not_proposed_again(self) -> None:
        refused = [((1,), (7,)), ((1,), ())]
        self.assertEqual(propose([deposit(1, 100)], [receipt(7, 100)], refused=refused), [])


class TestSums(unittest.TestCase):
    def test_one_deposit_for_two_demonstrativos(self) -> None:
        [only] = propose([deposit(1, 350)], [receipt(7, 100), receipt(8, 250), receipt(9, 40)])
        self.assertEqual(sketch([only]), [(SUM, (1,), (7, 8))])
        self.assertFalse(only.is_certain)

    def test_four_parts_but_not_five(self) -> None:
        amounts = [101, 207, 411, 823, 1601]
        receipts = [receipt(10 + i, cents) for i, cents in enumerate(amounts)]
        [four] = propose([deposit(1, sum(amounts[:4]))], receipts)
        self.assertEqual(four.receipts, (10, 11, 12, 13))
        [five] = propose([deposit(1, sum(amounts))], receipts)
        self.assertEqual(five.rule, TRANSIT)

    def test_those_of_one_day_come_first(self) -> None:
        receipts = [receipt(7, 100), receipt(8, 200, after=1), receipt(9, 200)]
        [only] = propose([deposit(1, 300)], receipts)
        self.assertEqual((only.receipts, only.is_unique), ((7, 9), False))

    def test_one_demonstrativo_in_several_deposits(self) -> None:
        deposits = [deposit(1, 600), deposit(2, 400, after=2), deposit(3, 55, payer=BRA)]
        proposals = propose(deposits, [receipt(7, 1000)])
        self.assertIn((SPLIT, (1, 2), (7,)), sketch(proposals))
        self.assertNotIn(
            1, {id_ for each in proposals if each.rule == TRANSIT for id_ in each.deposits}
        )

    def test_several_for_several(self) -> None:
        """700 + 300 in the bank for 450 + 550: no single pair, no sum for one of them."""
        proposals = propose([deposit(1, 700), deposit(2, 300)], [receipt(7, 450), receipt(8, 550)])
        self.assertEqual(sketch(proposals), [(GROUP, (1, 2), (7, 8))])

    def test_a_debt_counts_against(self) -> None:
        """1,000 less 150 that a negative demonstrativo takes back."""
        [only] = propose([deposit(1, 850)], [receipt(7, 1000), receipt(8, -150)])
        self.assertEqual(sketch([only]), [(SUM, (1,), (7, 8))])

    def test_money_taken_by_the_bank_pays_a_debt(self) -> None:
        [only] = propose([deposit(1, -150)], [receipt(8, -150)])
        self.assertEqual((only.rule, only.is_certain), (EXACT, True))

    def test_unknown_payers_are_not_added_up(self) -> None:
        self.assertEqual(
            propose([deposit(1, 350, payer=None)], [receipt(7, 100), receipt(8, 250)]), []
        )


class TestDifferences(unittest.TestCase):
    OPTIONS = Options(tolerance=5, fee=850)

    def test_a_fee_was_kept(self) -> None:
        [only] = propose([deposit(1, 99150)], [receipt(7, 100000)], self.OPTIONS)
        self.assertEqual((only.rule, only.difference), (DIFFERENCE, -850))
        self.assertFalse(only.is_certain)

    def test_a_bank_never_adds_its_fee(self) -> None:
        [only] = propose([deposit(1, 100850)], [receipt(7, 100000)], self.OPTIONS)
        self.assertEqual(only.rule, TRANSIT)

    def test_some_cents_either_way(self) -> None:
        for cents, rule in ((99995, DIFFERENCE), (100005, DIFFERENCE), (100006, TRANSIT)):
            [only] = propose([deposit(1, cents)], [receipt(7, 100000)], self.OPTIONS)
            self.assertEqual(only.rule, rule, cents)

    def test_nothing_is_configured_by_default(self) -> None:
        [only] = propose([deposit(1, 99999)], [receipt(7, 100000)])
        self.assertEqual(only.rule, TRANSIT)


class TestUnexplained(unittest.TestCase):
    def test_a_deposit_of_a_known_payer_waits_for_its_demonstrativo(self) -> None:
        [only] = propose([deposit(1, 100)], [])
        self.assertEqual((only.rule, only.payer, only.is_certain), (TRANSIT, UNI, False))

    def test_nobody_knows_the_payer(self) -> None:
        self.assertEqual(propose([deposit(1, 100, payer=None)], []), [])

    def test_a_booked_deposit_is_not_booked_again_but_found_when_the_file_comes(self) -> None:
        booked = Deposit(1, DAY, 100, UNI, PARTNER, is_booked=True)
        self.assertEqual(propose([booked], []), [])
        [only] = propose([booked], [receipt(7, 100)])
        self.assertTrue(only.is_certain)


DEPOSITS = st.lists(
    st.builds(
        lambda cents, payer, after: (cents, payer, after),
        st.sampled_from([100, 200, 300, 450, 700, 1000, -150]),
        st.sampled_from([UNI, BRA, None]),
        st.integers(-4, 9),
    ),
    max_size=7,
)


class TestLaws(unittest.TestCase):
    """What holds for any days at all."""

    @given(DEPOSITS, DEPOSITS, st.integers(0, 60))
    def test_laws(self, rows: list, due: list, tolerance: int) -> None:
        deposits = [deposit(i, *row[:2], after=row[2]) for i, row in enumerate(rows, 1)]
        receipts = [
            receipt(i, cents, payer or BRA, after)
            for i, (cents, payer, after) in enumerate(due, 50)
        ]
        options = Options(tolerance=tolerance)
        proposals = propose(deposits, receipts, options)
        money = {each.id: each for each in (*deposits, *receipts)}
        keys = [each.key for each in proposals]
        self.assertEqual(len(keys), len(set(keys)), "nothing is proposed twice")
        self.assertEqual(
            sketch(proposals), sketch(propose(deposits[::-1], receipts[::-1], options))
        )
        certain = [each for each in proposals if each.is_certain]
        used = [id_ for each in certain for part in each.key for id_ in part]
        self.assertEqual(len(used), len(set(used)), "what is certain uses nothing twice")
        for each in proposals:
            got, want = (sum(money[id_].cents for id_ in part) for part in each.key)
            self.assertEqual(each.difference, got - want if each.receipts else 0)
            self.assertLessEqual(abs(each.difference), tolerance)
            self.assertTrue(1 <= each.score <= 100)
            payers = {money[id_].payer for part in each.key for id_ in part} - {None}
            self.assertEqual(payers, {each.payer}, "one operadora in each proposal")
            self.assertLessEqual(max(map(len, each.key)), 4)

    @given(DEPOSITS, DEPOSITS)
    def test_refusing_all_leaves_other_proposals_alone(self, rows: list, due: list) -> None:
        deposits = [deposit(i, *row[:2], after=row[2]) for i, row in enumerate(rows, 1)]
        receipts = [
            receipt(i, cents, payer or BRA, after)
            for i, (cents, payer, after) in enumerate(due, 50)
        ]
        refused = [each.key for each in propose(deposits, receipts)]
        again = {each.key for each in propose(deposits, receipts, refused=refused)}
        self.assertFalse(again & set(refused))

    @given(st.dates(date(2024, 1, 1), date(2027, 12, 31)), st.integers(-12, 12))
    def test_working_days_there_and_back(self, start: date, days: int) -> None:
        end = shift_workdays(start, days)
        if days:
            self.assertTrue(is_workday(end))
        if is_workday(start):
            self.assertEqual(count_workdays(start, end), days)
            self.assertEqual(count_workdays(end, start), -days)


class TestSpeed(unittest.TestCase):
    def test_a_thousand_by_a_thousand(self) -> None:
        """A hard case: one payer, three months, half of it in sums of two."""
        days = [DAY + timedelta(days=i) for i in range(90)]
        receipts = [Receipt(i, days[i % 90], 10_000 + 37 * i, UNI) for i in range(1000)]
        deposits = [Deposit(5000 + i, days[i % 90], 10_000 + 37 * i, UNI, CNPJ) for i in range(500)]
        by_day = itertools.groupby(
            sorted(receipts[500:], key=lambda each: (each.date, each.id)), lambda each: each.date
        )
        for day, group in by_day:
            pair = list(group)[:2]
            cents = sum(each.cents for each in pair)
            deposits.append(Deposit(9000 + len(deposits), day, cents, UNI, CNPJ))
        strangers = [
            Deposit(20_000 + i, days[i % 90], 777_777 + i, UNI, CNPJ)
            for i in range(1000 - len(deposits))
        ]
        start = time.process_time()
        proposals = propose(deposits + strangers, receipts)
        self.assertLess(time.process_time() - start, 15)
        self.assertGreater(sum(each.is_certain for each in proposals), 400)
        self.assertGreater(sum(each.rule == SUM for each in proposals), 60)
