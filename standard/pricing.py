"""What a fee is worth by the rules of the reference tables (guide §8.3 and §8.4), exactly.

Money is rounded half up to the cent once per component (porte, UCO, film, a package's component):
at its end, after fraction, band and inflator. The surcharges of an act (access, urgency,
accommodation) change only the fee. They travel as the factor of the guia's item (reducaoAcrescimo)
when the whole unit price is a fee; otherwise they are inside the unit price and the factor is 1.

No sentence is written here: a `Step` is a code with its numbers, and the models turn it into words.
"""

import datetime
import re
from collections.abc import Container, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from .money import CENT

UNIT = Decimal("0.0001")  # a fraction's price, as it is shown
ZERO, ONE, HUNDRED = Decimal(0), Decimal(1), Decimal(100)
# reducaoAcrescimo has two decimals and one digit before them (guide §3.2).
MAX_FACTOR = Decimal("9.99")
PORTES = [f"{number}{letter}" for number in range(1, 15) for letter in "ABC"]
# Lists of a Unimed count theirs instead: 122.
_OWN_PORTE = re.compile(r"[1-9][0-9]{0,3}")
AUXILIARIES = ("auxiliary_1", "auxiliary_2", "auxiliary_3", "auxiliary_4")
ROLES = ("surgeon", *AUXILIARIES, "instrumentator", "anaesthetist")
ANAESTHETIC_CHAPTER = "316"
DAY_MINUTES = 24 * 60


class Step(NamedTuple):
    """One step of a calculation: what it was, and its numbers."""

    code: str
    params: dict[str, Any] = {}


class NoPrice(Exception):
    """There is no price; `step` says why."""

    def __init__(self, code: str, /, **params: Any) -> None:
        super().__init__(code)
        self.step = Step(code, params)


class Row(NamedTuple):
    """One row of a reference table; money in reais per package or per fraction of it."""

    code: str
    porte: str = ""
    porte_fraction: Decimal = ONE
    uco: Decimal = ZERO
    film: Decimal = ZERO
    auxiliaries: int = 0
    anaesthetic_porte: int = 0
    ch: Decimal = ZERO
    amount: Decimal = ZERO
    pf: Decimal = ZERO
    pmc: Decimal = ZERO
    pf_fraction: Decimal = ZERO
    pmc_fraction: Decimal = ZERO
    package_quantity: Decimal = ONE


class Values(NamedTuple):
    """What the units of a table are worth in reais."""

    name: str = ""
    portes: Mapping[str, Decimal] = {}
    uco: Decimal = ZERO
    film: Decimal = ZERO
    ch: Decimal = ZERO


class Terms(NamedTuple):
    """What was negotiated on top of a table; percents, -20 is 20% less."""

    percent: Decimal = ZERO
    porte_percent: Decimal = ZERO
    uco_percent: Decimal = ZERO
    base: str = "pmc_or_pf"
    pf_margin_percent: Decimal = ZERO
    use_fraction: bool = False


class Policy(NamedTuple):
    """How fees add up in one act; times in minutes of the day."""

    same_access: tuple[Decimal, ...] = (HUNDRED, Decimal(50))
    different_access: tuple[Decimal, ...] = (HUNDRED, Decimal(70))
    by_order: tuple[Decimal, ...] = ()
    urgency_percent: Decimal = Decimal(30)
    urgency_start: int = 19 * 60
    urgency_end: int = 7 * 60
    urgency_saturday: bool = True
    urgency_sunday: bool = True
    accommodation_factor: Decimal = Decimal(2)
    accommodation_excluded: tuple[str, ...] = ("4",)
    accumulation: str = "multiply"
    auxiliary_percents: tuple[Decimal, ...] = (Decimal(60), Decimal(40), Decimal(30), Decimal(30))
    instrumentator_percent: Decimal = Decimal(10)
    anaesthetic_portes: Mapping[int, str] = {}
    local_holidays: frozenset[tuple[int, int]] = frozenset()


class Act(NamedTuple):
    """How a procedure was done.

    `order` is 1 for the largest procedure of the act, `access` "same", "different" or None,
    `auxiliaries` the number of assistants of the largest procedure (None: as in the row), `start`
    and `end` local times without zone.
    """

    order: int = 1
    access: str | None = None
    urgent: bool = False
    start: datetime.datetime | None = None
    end: datetime.datetime | None = None
    accommodation: bool = False
    role: str | None = None
    auxiliaries: int | None = None


class Result(NamedTuple):
    """Price of one unit: `unit_amount` in reais and the `factor` on the whole item."""

    unit_amount: Decimal
    factor: Decimal
    steps: list[Step]


# ---- Reading what people type ----------------------------------------------------------------


def parse_percents(text: str) -> tuple[Decimal, ...]:
    """Read "100/50" as (100, 50). ValueError when a part is no percentage from 0 to 999."""
    parts = [part.strip().rstrip("%").replace(",", ".") for part in text.split("/")]
    if not all(re.fullmatch(r"[0-9]+(\.[0-9]+)?", part) for part in parts):
        raise ValueError(text)
    percents = tuple(Decimal(part) for part in parts)
    if any(percent > 999 for percent in percents):
        raise ValueError(text)
    return percents


def is_porte(text: str) -> bool:
    """Whether an edition can say what this class of fee is worth: 2B, or 122 of an own list."""
    return text in PORTES or bool(_OWN_PORTE.fullmatch(text))


def get_porte_rank(text: str) -> int:
    """The place of a porte among others, as text 10A would stand before 2A; own ones come last."""
    return PORTES.index(text) if text in PORTES else len(PORTES) + int(text)


def parse_portes(text: str) -> dict[int, str]:
    """Read "1=3A 2=3C" as {1: "3A", 2: "3C"}. ValueError when it is not so, or a number repeats."""
    portes: dict[int, str] = {}
    for pair in text.replace(",", " ").replace(";", " ").split():
        number, equals, porte = pair.partition("=")
        porte = porte.upper()
        if not equals or not number.isdecimal() or porte not in PORTES or int(number) in portes:
            raise ValueError(pair)
        portes[int(number)] = porte
    return portes


def parse_chapters(text: str) -> tuple[str, ...]:
    """Read "4/5" as ("4", "5"), first digits of codes. ValueError when one is no number."""
    chapters = tuple(text.replace("/", " ").replace(",", " ").replace(";", " ").split())
    for chapter in chapters:
        if not chapter.isdecimal():
            raise ValueError(chapter)
    return chapters


def parse_holidays(text: str) -> frozenset[tuple[int, int]]:
    """Read "25/01 09/07" as {(1, 25), (7, 9)}: month and day. ValueError when one is no day."""
    days = set()
    for word in text.replace(",", " ").replace(";", " ").split():
        day, slash, month = word.partition("/")
        if not slash or not day.isdecimal() or not month.isdecimal():
            raise ValueError(word)
        datetime.date(2000, int(month), int(day))  # a leap year: 29/02 is a day
        days.add((int(month), int(day)))
    return frozenset(days)


# ---- The time of an act ----------------------------------------------------------------------


@lru_cache(maxsize=256)
def national_holidays(year: int) -> frozenset[datetime.date]:
    """Brazil's national holidays: nine fixed days (20 November since 2024) and Good Friday."""
    fixed = [(1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (12, 25)]
    if year >= 2024:
        fixed.append((11, 20))
    days = {datetime.date(year, month, day) for month, day in fixed}
    return frozenset(days | {easter(year) - datetime.timedelta(days=2)})


def easter(year: int) -> datetime.date:
    """Easter Sunday by the Gregorian rule (Meeus, Jones and Butcher)."""
    century, rest = divmod(year, 100)
    moon = (
        19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15
    ) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    shift = (year % 19 + 11 * moon + 22 * weekday) // 451
    month, day = divmod(moon + weekday - 7 * shift + 114, 31)
    return datetime.date(year, month, day + 1)


def is_holiday(day: datetime.date, local: Container[tuple[int, int]] = ()) -> bool:
    return day in national_holidays(day.year) or (day.month, day.day) in local


def is_extra_time(policy: Policy, start: datetime.datetime, end: datetime.datetime | None) -> bool:
    """Whether an act falls in the hours that urgency pays more for.

    An act that goes in or out of them counts when more than half of it is inside (guide §8.3).
    """
    if end is None or end <= start:
        return extra_minutes(policy, start, start + datetime.timedelta(minutes=1)) > 0
    minutes = int((end - start).total_seconds()) // 60 or 1
    return 2 * extra_minutes(policy, start, start + datetime.timedelta(minutes=minutes)) > minutes


def extra_minutes(policy: Policy, start: datetime.datetime, end: datetime.datetime) -> int:
    """How many minutes of [start, end) are in the hours that urgency pays more for."""
    total, day = 0, start.date()
    while day <= end.date():
        midnight = datetime.datetime.combine(day, datetime.time.min, start.tzinfo)
        first = max(0, int((start - midnight).total_seconds()) // 60)
        last = min(DAY_MINUTES, int((end - midnight).total_seconds()) // 60)
        for opens, closes in extra_hours(policy, day):
            total += max(0, min(last, closes) - max(first, opens))
        day += datetime.timedelta(days=1)
    return total


def extra_hours(policy: Policy, day: datetime.date) -> list[tuple[int, int]]:
    """The minutes of a day that urgency pays more for, as [from, to) pairs."""
    is_saturday = policy.urgency_saturday and day.weekday() == 5
    is_sunday = day.weekday() == 6 or is_holiday(day, policy.local_holidays)
    if is_saturday or (policy.urgency_sunday and is_sunday):
        return [(0, DAY_MINUTES)]
    start, end = policy.urgency_start, policy.urgency_end
    if start <= end:
        return [(start, end)]
    return [(0, end), (start, DAY_MINUTES)]


# ---- Surcharges and roles --------------------------------------------------------------------


def percent_at(percents: tuple[Decimal, ...], position: int) -> Decimal:
    """Percentage of the 1st, 2nd… place; the last one repeats."""
    return percents[min(position, len(percents)) - 1]


def plus(percent: Decimal) -> Decimal:
    """-20 → 0.8"""
    return ONE + percent / HUNDRED


def get_access_factor(policy: Policy, act: Act) -> tuple[Decimal, list[Step]]:
    """Reduction of the second and further procedures of one act (guide §8.3, item 4)."""
    if policy.by_order:
        percent, code = percent_at(policy.by_order, act.order), "by_order"
    elif act.access == "same":
        percent, code = percent_at(policy.same_access, act.order), "same_access"
    elif act.access == "different":
        percent, code = percent_at(policy.different_access, act.order), "different_access"
    else:
        return ONE, []
    if percent == HUNDRED:
        return ONE, []
    return percent / HUNDRED, [Step(code, {"order": act.order, "percent": percent})]


def get_urgency_percent(policy: Policy, act: Act) -> tuple[Decimal, list[Step]]:
    if not act.urgent or not policy.urgency_percent:
        return ZERO, []
    if act.start is None:
        return ZERO, [Step("urgency_unknown")]
    if not is_extra_time(policy, act.start, act.end):
        return ZERO, [Step("urgency_outside")]
    return policy.urgency_percent, [Step("urgency", {"percent": policy.urgency_percent})]


def get_accommodation_factor(policy: Policy, act: Act, code: str) -> tuple[Decimal, list[Step]]:
    if not act.accommodation or policy.accommodation_factor == ONE:
        return ONE, []
    if code.startswith(policy.accommodation_excluded):
        return ONE, [Step("accommodation_excluded", {"chapter": code[:1]})]
    factor = policy.accommodation_factor
    return factor, [Step("accommodation", {"factor": factor})]


def get_surcharge(policy: Policy, act: Act, code: str) -> tuple[Decimal, list[Step]]:
    """The multiplier of a fee: access × (urgency and accommodation, multiplied or added up)."""
    access, access_steps = get_access_factor(policy, act)
    urgency, urgency_steps = get_urgency_percent(policy, act)
    accommodation, accommodation_steps = get_accommodation_factor(policy, act, code)
    if policy.accumulation == "add":
        extra = urgency / HUNDRED + accommodation
    else:
        extra = plus(urgency) * accommodation
    return access * extra, access_steps + urgency_steps + accommodation_steps


def get_role_percent(
    policy: Policy, act: Act, auxiliaries: int | None = None
) -> tuple[Decimal, list[Step]]:
    """Which part of the surgeon's fee a member of the team is paid.

    :param auxiliaries: how many assistants the procedure provides for; None when nobody says
    """
    if act.role in AUXILIARIES:
        position = AUXILIARIES.index(act.role) + 1
        count = auxiliaries if act.auxiliaries is None else act.auxiliaries
        if count is not None and position > count:
            raise NoPrice("no_auxiliary", position=position, count=count)
        percent = percent_at(policy.auxiliary_percents, position)
        return percent, [Step("auxiliary", {"position": position, "percent": percent})]
    if act.role == "instrumentator":
        percent = policy.instrumentator_percent
        return percent, [Step("instrumentator", {"percent": percent})]
    return HUNDRED, []


# ---- Prices ----------------------------------------------------------------------------------


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def finish(fee: Decimal, rest: Decimal, surcharge: Decimal, steps: list[Step]) -> Result:
    """Put the surcharge where TISS can carry it.

    :param fee: what the surcharge acts on, not rounded yet
    :param rest: the other components, each rounded already
    """
    is_factor = surcharge == cents(surcharge) and ZERO < surcharge <= MAX_FACTOR
    if surcharge == ONE or (is_factor and not rest):
        result = Result(cents(fee) + rest, surcharge, steps)
        extra = [] if surcharge == ONE else [Step("factor", {"factor": surcharge})]
    else:
        result = Result(cents(fee * surcharge) + rest, ONE, steps)
        extra = [Step("folded", {"amount": cents(fee * surcharge), "factor": surcharge})]
    unit = Step("unit", {"amount": result.unit_amount})
    return result._replace(steps=[*steps, *extra, unit])


def price_row(
    kind: str, row: Row, values: Values, terms: Terms, policy: Policy, act: Act
) -> Result:
    """Unit price of a row of a reference table of one of the five kinds.

    :raise NoPrice: saying what is missing
    """
    if kind == "cbhpm":
        return price_cbhpm(row, values, terms, policy, act)
    if kind == "ch":
        return price_ch(row, values, terms, policy, act)
    if kind == "list":
        steps = [Step("amount", {"amount": row.amount}), *get_percent_steps(terms)]
        return price_amount(row.amount * plus(terms.percent), policy, act, row.code, steps)
    return price_product(row, terms)


def price_amount(amount: Decimal, policy: Policy, act: Act, code: str, steps: list[Step]) -> Result:
    """An amount in reais, all of it a fee; `steps` say where it comes from."""
    check_anaesthetist(act, code)
    part, role_steps = get_role_percent(policy, act)
    surcharge, more = get_surcharge(policy, act, code)
    return finish(amount * part / HUNDRED, ZERO, surcharge, [*steps, *role_steps, *more])


def check_anaesthetist(act: Act, code: str) -> None:
    """Without an anaesthetic porte only the anaesthetist's own procedures have his price."""
    if act.role == "anaesthetist" and not code.startswith(ANAESTHETIC_CHAPTER):
        raise NoPrice("no_anaesthetist_price")


def price_cbhpm(row: Row, values: Values, terms: Terms, policy: Policy, act: Act) -> Result:
    """Porte × fraction × band + UCO × value × band + film × value.

    UCO and film pay for the room: only the surgeon's item carries them.
    """
    is_own = row.code.startswith(ANAESTHETIC_CHAPTER)
    if is_own and row.anaesthetic_porte or act.role == "anaesthetist" and not is_own:
        porte, fraction = get_anaesthetic_porte(row, policy), ONE
        part, role_steps = HUNDRED, [Step("anaesthetic", {"number": row.anaesthetic_porte})]
    else:
        porte, fraction = row.porte, row.porte_fraction
        part, role_steps = get_role_percent(policy, act, row.auxiliaries)
    if porte:
        fee, steps = get_porte_fee(porte, fraction, values, terms)
    elif row.uco or row.film:
        fee, steps = ZERO, []
    else:
        raise NoPrice("empty_row", code=row.code)
    rest = ZERO
    if not role_steps:
        for amount, more in (get_uco(row, values, terms), get_film(row, values, terms)):
            rest += amount
            steps += more
    surcharge, more = get_surcharge(policy, act, row.code)
    steps += [*get_percent_steps(terms), *role_steps, *(more if fee else [])]
    fee *= plus(terms.percent) * part / HUNDRED
    return finish(fee, rest, surcharge if fee else ONE, steps)


def get_porte_fee(
    porte: str, fraction: Decimal, values: Values, terms: Terms
) -> tuple[Decimal, list[Step]]:
    """A porte in reais by its fraction and band, not rounded."""
    value = values.portes.get(porte)
    if not value:
        raise NoPrice("no_porte_value", porte=porte, edition=values.name)
    steps = [Step("porte", {"porte": porte, "edition": values.name, "amount": value})]
    if fraction != ONE:
        steps.append(Step("fraction", {"fraction": fraction}))
    if terms.porte_percent:
        steps.append(get_band_step(terms.porte_percent))
    return value * fraction * plus(terms.porte_percent), steps


def get_anaesthetic_porte(row: Row, policy: Policy) -> str:
    if not row.anaesthetic_porte:
        raise NoPrice("no_anaesthetist", code=row.code)
    porte = policy.anaesthetic_portes.get(row.anaesthetic_porte)
    if porte is None:
        raise NoPrice("unknown_anaesthetic_porte", number=row.anaesthetic_porte)
    return porte


def get_uco(row: Row, values: Values, terms: Terms) -> tuple[Decimal, list[Step]]:
    """Units of operational cost in reais, by their band and the inflator."""
    if not row.uco:
        return ZERO, []
    if not values.uco:
        raise NoPrice("no_uco_value", edition=values.name)
    amount = cents(row.uco * values.uco * plus(terms.uco_percent) * plus(terms.percent))
    params = {"quantity": row.uco, "value": values.uco, "amount": cents(row.uco * values.uco)}
    band = [get_band_step(terms.uco_percent)] if terms.uco_percent else []
    return amount, [Step("uco", params), *band]


def get_film(row: Row, values: Values, terms: Terms) -> tuple[Decimal, list[Step]]:
    if not row.film:
        return ZERO, []
    if not values.film:
        raise NoPrice("no_film_value", edition=values.name)
    amount = cents(row.film * values.film * plus(terms.percent))
    params = {"quantity": row.film, "value": values.film, "amount": cents(row.film * values.film)}
    return amount, [Step("film", params)]


def get_band_step(percent: Decimal) -> Step:
    return Step("band", {"part": HUNDRED + percent, "percent": percent})


def get_percent_steps(terms: Terms) -> list[Step]:
    """The inflator or deflator on everything, if there is one."""
    if not terms.percent:
        return []
    return [Step("percent", {"part": HUNDRED + terms.percent, "percent": terms.percent})]


def price_ch(row: Row, values: Values, terms: Terms, policy: Policy, act: Act) -> Result:
    """Fee coefficients × value of one CH, and film."""
    if not row.ch:
        raise NoPrice("empty_row", code=row.code)
    if not values.ch:
        raise NoPrice("no_ch_value", edition=values.name)
    check_anaesthetist(act, row.code)
    amount = row.ch * values.ch
    steps = [Step("ch", {"quantity": row.ch, "value": values.ch, "amount": cents(amount)})]
    part, role_steps = get_role_percent(policy, act, row.auxiliaries)
    rest, film_steps = (ZERO, []) if role_steps else get_film(row, values, terms)
    surcharge, more = get_surcharge(policy, act, row.code)
    fee = amount * plus(terms.percent) * part / HUNDRED
    steps += [*film_steps, *get_percent_steps(terms), *role_steps, *more]
    return finish(fee, rest, surcharge, steps)


def price_product(row: Row, terms: Terms) -> Result:
    """A material or medicine by PMC, or by PF with its margin (guide §8.4); never surcharged."""
    base = "pf" if terms.base == "pf" else "pmc"
    amount = get_base_amount(row, base, terms)
    steps = []
    if not amount and terms.base == "pmc_or_pf":
        base, steps = "pf", [Step("no_pmc")]
        amount = get_base_amount(row, base, terms)
    if not amount:
        raise NoPrice(f"no_{base}_price", code=row.code)
    code = f"{base}_fraction" if terms.use_fraction else base
    steps.append(Step(code, {"amount": amount.quantize(UNIT, ROUND_HALF_UP)}))
    if base == "pf" and terms.pf_margin_percent:
        steps.append(Step("margin", {"percent": terms.pf_margin_percent}))
        amount *= plus(terms.pf_margin_percent)
    steps += get_percent_steps(terms)
    return finish(amount * plus(terms.percent), ZERO, ONE, steps)


def get_base_amount(row: Row, base: str, terms: Terms) -> Decimal:
    """PMC or PF of the package, or of one unit: as printed, or else the package divided by them."""
    package: Decimal = getattr(row, base)
    if not terms.use_fraction:
        return package
    printed: Decimal = getattr(row, f"{base}_fraction")
    return printed or package / (row.package_quantity or ONE)
