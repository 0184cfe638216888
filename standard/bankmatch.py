"""Which deposits of a bank pay which demonstrativos: proposals with a score, never a decision.

Amounts are signed cents: a deposit is positive, money that the bank took away negative. Only what
is certain — the exact net, near the stated day, from a known payer, and nothing else that could be
meant — is marked as such; all else waits for a person.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

from .banklabels import NAME
from .workdays import count_workdays, shift_workdays

EXACT, SUM, SPLIT, GROUP, DIFFERENCE, TRANSIT = (
    "exact", "sum", "split", "group", "difference", "transit",
)  # fmt: skip
MAX_PARTS = 4  # deposits or receipts of one proposal
MAX_POOL = 14  # of one payer in one window, of which sums are made
MAX_ALTERNATIVES = 3  # proposals of the same kind for one deposit
LATE_DAYS = 45  # an exact amount of a known payer counts even so far from its day
_BASE = {EXACT: 70, SUM: 55, SPLIT: 55, GROUP: 45, DIFFERENCE: 40, TRANSIT: 20}


@dataclass(frozen=True)
class Deposit:
    """A line of the bank; `payer` is who paid, if the label says it, and `evidence` how."""

    id: int
    date: datetime.date
    cents: int
    payer: int | None = None
    evidence: str | None = None
    is_booked: bool = False  # on the transit account already


@dataclass(frozen=True)
class Receipt:
    """The net of a demonstrativo, or what of it is still expected."""

    id: int
    date: datetime.date
    cents: int
    payer: int


@dataclass(frozen=True)
class Options:
    """`tolerance` is a difference in cents either way, `fee` what a bank may have kept."""

    tolerance: int = 0
    fee: int = 0
    before: int = 2
    after: int = 5


@dataclass(frozen=True)
class Proposal:
    """Deposits and receipts that belong together; `difference` is deposits minus receipts."""

    rule: str
    deposits: tuple[int, ...]
    receipts: tuple[int, ...]
    payer: int
    evidence: str | None
    days: int
    score: int
    difference: int = 0
    is_unique: bool = True
    is_certain: bool = False

    @property
    def key(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self.deposits, self.receipts


@lru_cache(8192)
def _window(date: datetime.date, before: int, after: int) -> tuple[datetime.date, datetime.date]:
    return shift_workdays(date, -before), shift_workdays(date, after)


def propose(
    deposits: Iterable[Deposit],
    receipts: Iterable[Receipt],
    options: Options | None = None,
    refused: Iterable[tuple[tuple[int, ...], tuple[int, ...]]] = (),
) -> list[Proposal]:
    """Every proposal worth a look, the best of each deposit first.

    :param refused: keys that a person turned down
    """
    options = options or Options()
    deposits = sorted((each for each in deposits if each.cents), key=lambda each: each.id)
    receipts = sorted((each for each in receipts if each.cents), key=lambda each: each.id)
    finder = _Finder(deposits, receipts, options, set(refused))
    return finder.find()


@dataclass
class _Finder:
    deposits: list[Deposit]
    receipts: list[Receipt]
    options: Options
    refused: set
    found: list[Proposal] = field(default_factory=list)

    def find(self) -> list[Proposal]:
        self._find_exact()
        self._find_sums()
        self._find_differences()
        self._find_unexplained()
        return sorted(self.found, key=lambda each: (-each.score, each.key))

    # ------------------------------------------------------------------
    # (a), (d): the same amount
    # ------------------------------------------------------------------

    def _find_exact(self) -> None:
        by_cents = defaultdict(list)
        for receipt in self.receipts:
            by_cents[receipt.cents].append(receipt)
        near: list[tuple[Deposit, Receipt]] = []
        far: list[tuple[Deposit, Receipt]] = []
        for deposit in self.deposits:
            for receipt in by_cents.get(deposit.cents, ()):
                if deposit.payer not in (None, receipt.payer):
                    continue
                if ((deposit.id,), (receipt.id,)) in self.refused:
                    continue
                if self._is_near(deposit, receipt):
                    near.append((deposit, receipt))
                elif deposit.payer and abs((deposit.date - receipt.date).days) <= LATE_DAYS:
                    far.append((deposit, receipt))
        self._add_pairs(near, far)

    def _add_pairs(self, near: list, far: list) -> None:
        pairs = near + far
        of_deposit = Counter(deposit.id for deposit, _receipt in pairs)
        of_receipt = Counter(receipt.id for _deposit, receipt in pairs)
        count_near = len(near)
        proposals = []
        for position, (deposit, receipt) in enumerate(pairs):
            is_near = position < count_near
            is_unique = of_deposit[deposit.id] == 1 and of_receipt[receipt.id] == 1
            is_known = deposit.evidence not in (None, NAME)
            proposals.append(
                self._make(
                    EXACT, (deposit,), (receipt,), is_unique,
                    malus=0 if is_near else 20, is_certain=is_unique and is_near and is_known,
                )
            )  # fmt: skip
        # Equal amounts in the order of their days: each demonstrativo is the best of one deposit.
        proposals.sort(key=lambda each: (-each.score, each.key))
        counts: Counter = Counter()
        taken: set[int] = set()
        others = []
        for proposal in proposals:
            [deposit_id], [receipt_id] = proposal.key
            if counts[deposit_id] or receipt_id in taken:
                others.append(proposal)
                continue
            self.found.append(proposal)
            counts[deposit_id] += 1
            taken.add(receipt_id)
        for proposal in others:
            [deposit_id] = proposal.deposits
            if counts[deposit_id] < MAX_ALTERNATIVES:
                self.found.append(proposal)
                counts[deposit_id] += 1

    # ------------------------------------------------------------------
    # (b), (c): sums
    # ------------------------------------------------------------------

    def _find_sums(self) -> None:
        for deposits, receipts in self._get_pools():
            for deposit in deposits:
                pool = self._get_pool(receipts, deposit, lambda d, r: self._is_near(d, r))
                self._add_best(SUM, [((deposit,), part) for part in _sums(pool, deposit.cents)])
            for receipt in receipts:
                pool = self._get_pool(deposits, receipt, lambda r, d: self._is_near(d, r))
                self._add_best(SPLIT, [(part, (receipt,)) for part in _sums(pool, receipt.cents)])
            self._find_groups(self._leave(deposits), self._leave(receipts, of_deposits=False))

    def _get_pools(self) -> Iterator[tuple[list[Deposit], list[Receipt]]]:
        """What of each known payer no single counterpart explains."""
        deposits, receipts = self._leave(self.deposits), self._leave(self.receipts, False)
        by_payer = defaultdict(lambda: ([], []))
        for deposit in deposits:
            if deposit.payer:
                by_payer[deposit.payer][0].append(deposit)
        for receipt in receipts:
            by_payer[receipt.payer][1].append(receipt)
        for _payer, pools in sorted(by_payer.items()):
            if pools[0] and pools[1]:
                yield pools

    def _leave(self, items: list, of_deposits: bool = True) -> list:
        names = "deposits" if of_deposits else "receipts"
        # An amount of an unknown payer explains nothing by itself.
        taken = {id_ for each in self.found if each.evidence for id_ in getattr(each, names)}
        return [each for each in items if each.id not in taken]

    def _get_pool(self, items: list, fixed, is_near) -> list:
        """The items of a window, those of the nearest days when there are too many."""
        pool = [each for each in items if is_near(fixed, each)]
        if len(pool) > MAX_POOL:
            pool.sort(key=lambda each: (abs((each.date - fixed.date).days), each.id))
            pool = pool[:MAX_POOL]
        return sorted(pool, key=lambda each: (each.date, each.id))

    def _find_groups(self, deposits: list[Deposit], receipts: list[Receipt]) -> None:
        """Several deposits for several receipts, around each receipt of a payer."""
        if len(deposits) < 2 or len(receipts) < 2:
            return
        done: set[int] = set()
        for fixed in receipts:
            if fixed.id in done:
                continue
            near = self._get_pool(deposits, fixed, lambda r, d: self._is_near(d, r))
            if len(near) < 2:
                continue
            others = [
                each for each in receipts
                if each.id not in done and any(self._is_near(deposit, each) for deposit in near)
            ]  # fmt: skip
            others = sorted(others, key=lambda each: (abs((each.date - fixed.date).days), each.id))
            by_sum = defaultdict(list)
            for part in _parts(near[:MAX_POOL]):
                by_sum[sum(each.cents for each in part)].append(part)
            options = [
                (left, right)
                for right in _parts(others[:MAX_POOL])
                if fixed in right
                for left in by_sum.get(sum(each.cents for each in right), ())
                if all(self._is_near(deposit, each) for deposit in left for each in right)
            ]
            if options:
                best = self._add_best(GROUP, options)
                if best:
                    done.update(best.receipts)

    def _add_best(self, rule: str, options: list) -> Proposal | None:
        made = [
            self._make(rule, left, right, len(options) == 1)
            for left, right in options
            if (_ids(left), _ids(right)) not in self.refused
        ]
        # The fewest parts, then the most of them on one day, then the nearest.
        days = {each.id: each.date for _left, right in options for each in right}
        made.sort(
            key=lambda each: (
                len(each.deposits) + len(each.receipts),
                len({days[id_] for id_ in each.receipts}),
                abs(each.days),
                each.key,
            )
        )
        self.found += made[:1]
        return made[0] if made else None

    # ------------------------------------------------------------------
    # (e): a difference; and deposits without a demonstrativo
    # ------------------------------------------------------------------

    def _find_differences(self) -> None:
        widest = max(self.options.tolerance, self.options.fee)
        if not widest:
            return
        by_payer = defaultdict(list)
        for receipt in self._leave(self.receipts, of_deposits=False):
            by_payer[receipt.payer].append(receipt)
        for deposit in self._leave(self.deposits):
            options = [
                (abs(deposit.cents - receipt.cents), receipt.id, receipt)
                for receipt in by_payer.get(deposit.payer, ())
                if self._is_tolerable(deposit.cents - receipt.cents)
                and self._is_near(deposit, receipt)
                and ((deposit.id,), (receipt.id,)) not in self.refused
            ]
            if options:
                _size, _id, receipt = min(options)
                unique = len(options) == 1
                self.found.append(self._make(DIFFERENCE, (deposit,), (receipt,), unique))

    def _is_tolerable(self, difference: int) -> bool:
        # A bank's fee can only make a deposit smaller.
        return abs(difference) <= self.options.tolerance or -self.options.fee <= difference < 0

    def _find_unexplained(self) -> None:
        for deposit in self._leave(self.deposits):
            is_open = not deposit.is_booked and deposit.payer and deposit.cents > 0
            if is_open and ((deposit.id,), ()) not in self.refused:
                self.found.append(self._make(TRANSIT, (deposit,), (), True))

    # ------------------------------------------------------------------
    # Score
    # ------------------------------------------------------------------

    def _is_near(self, deposit: Deposit, receipt: Receipt) -> bool:
        first, last = _window(receipt.date, self.options.before, self.options.after)
        return first <= deposit.date <= last

    def _make(self, rule, deposits, receipts, is_unique, malus=0, is_certain=False) -> Proposal:
        evidence = next((each.evidence for each in deposits if each.evidence), None)
        days = max(
            (count_workdays(right.date, left.date) for left in deposits for right in receipts),
            key=abs,
            default=0,
        )
        score = _BASE[rule] + {None: 0, NAME: 20}.get(evidence, 30) - malus
        score -= min(2 * abs(days), 20) + (0 if is_unique else 15)
        due = sum(each.cents for each in receipts)
        return Proposal(
            rule=rule,
            deposits=_ids(deposits),
            receipts=_ids(receipts),
            payer=receipts[0].payer if receipts else deposits[0].payer,
            evidence=evidence,
            days=days,
            score=max(min(score, 100), 1),
            difference=sum(each.cents for each in deposits) - due if receipts else 0,
            is_unique=is_unique,
            is_certain=is_certain,
        )


def _ids(items) -> tuple[int, ...]:
    return tuple(sorted(each.id for each in items))


def _parts(pool: list) -> Iterator[tuple]:
    """Every 2 to `MAX_PARTS` of a pool."""
    for size in range(2, min(MAX_PARTS, len(pool)) + 1):
        yield from combinations(pool, size)


def _sums(pool: list, cents: int) -> list[tuple]:
    """The parts of a pool that add up to an amount."""
    return [part for part in _parts(pool) if sum(each.cents for each in part) == cents]
