"""What the operadora decides on a request: a pure function of the seed and the request.

An operadora may answer at once, after some days of analysis, or only once it has seen a document.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from .annexes import OPME, Annex
from .official import Schema
from .requests import ODONTO, Request, RequestItem

# T45
GRANTED, IN_ANALYSIS, DENIED, WANTS_DOCUMENT, CANCELLED, IN_PART = "1", "2", "3", "5", "6", "7"
# Cumulative shares of the answers given at once; the rest waits for a document.
SHARES = ((0.50, GRANTED), (0.72, IN_PART), (0.84, DENIED), (0.95, IN_ANALYSIS))
SHARES_LATER = ((0.55, GRANTED), (0.85, IN_PART))
ANNEX_SHARES = ((0.65, GRANTED), (0.85, IN_PART))
ANALYSIS_DAYS, DOCUMENT_DAYS = 10, 30
VALIDITY_DAYS = (30, 60, 90)

REQUEST_DENIED = ("1426", "3145", "3287", "3171", "3288", "3104")
ODONTO_DENIED = ("1025", "3117", "1426", "3287")
ITEM_DENIED = ("3145", "3109", "3288", "3138", "1426")
ODONTO_ITEM_DENIED = ("1432", "3117", "1426")
OPME_DENIED = ("3105", "3123", "3142", "3251")
ITEM_CUT = ("3293", "3292", "1426")
STAY_CUT = ("1904", "1903")
NO_DOCUMENT = ("3230", "3120")
STAY_IS_OVER = ("3248", "1904")


@dataclass(frozen=True)
class ItemOutcome:
    """How many units of a line are authorised; `motivo` says why fewer than asked."""

    item: RequestItem
    autorizada: int
    motivo: str | None = None


@dataclass(frozen=True)
class Outcome:
    """A final decision: `status` is 1, 3 or 7 of T45."""

    status: str
    itens: tuple[ItemOutcome, ...]
    diarias: int = 0
    motivos: tuple[str, ...] = ()

    @property
    def granted(self) -> bool:
        return self.status in (GRANTED, IN_PART)


@dataclass(frozen=True)
class Decision:
    """An outcome, the day from which it holds, and what is said until then.

    `unless_document` is what becomes of a request whose document never arrives.
    """

    outcome: Outcome
    decided_on: date
    valid_until: date
    waiting: str | None = None
    unless_document: Outcome | None = None

    def status_on(self, day: date) -> str:
        """T45 as the prestador would be told on that day."""
        return self.waiting if self.waiting and day < self.decided_on else self.final.status

    @property
    def final(self) -> Outcome:
        return self.unless_document or self.outcome

    def with_document(self, on: date) -> "Decision":
        """The decision once the document that it waited for has come."""
        if self.unless_document is None or on >= self.decided_on:
            return self
        validity = self.valid_until - self.decided_on
        return replace(self, decided_on=on, valid_until=on + validity, unless_document=None)


def decide_request(
    request: Request, schema: Schema, seed: str, on: date, stay_is_over: bool = False
) -> Decision:
    """The decision on a request that arrived on that day."""
    rng = Random(f"{seed}|{request.kind}|{request.numero}")
    status = _draw(rng, SHARES, WANTS_DOCUMENT)
    later = _draw(rng, SHARES_LATER, DENIED)
    days = 1 + int(rng.random() * ANALYSIS_DAYS)
    validity = timedelta(VALIDITY_DAYS[int(rng.random() * len(VALIDITY_DAYS))])
    if request.urgent and status in (IN_ANALYSIS, WANTS_DOCUMENT):
        # An emergency does not wait for an auditor.
        status = GRANTED
    if stay_is_over:
        outcome = _refuse(request.itens, schema.first_glosa(*STAY_IS_OVER))
        return Decision(outcome, on, on)
    if status == IN_ANALYSIS:
        decided = on + timedelta(days)
        outcome = _outcome(request, later, schema, rng)
        return Decision(outcome, decided, decided + validity, IN_ANALYSIS)
    if status == WANTS_DOCUMENT:
        limit = on + timedelta(DOCUMENT_DAYS)
        missing = _refuse(request.itens, schema.first_glosa(*NO_DOCUMENT))
        outcome = _outcome(request, later, schema, rng)
        return Decision(outcome, limit, limit + validity, WANTS_DOCUMENT, missing)
    return Decision(_outcome(request, status, schema, rng), on, on + validity)


def decide_annex(
    annex: Annex, itens: Sequence[RequestItem], schema: Schema, seed: str, on: date
) -> Decision:
    """The decision on an annex that came by itself; only one of OPME can be granted in part."""
    rng = Random(f"{seed}|{annex.kind}|{annex.numero}")
    status = _draw(rng, ANNEX_SHARES, DENIED)
    validity = timedelta(VALIDITY_DAYS[int(rng.random() * len(VALIDITY_DAYS))])
    if status == DENIED:
        outcome = _refuse(itens, _pick(REQUEST_DENIED, schema, rng))
    elif status == IN_PART and annex.kind == OPME:
        outcome = _in_part(itens, 0, OPME_DENIED, schema, rng)
    else:
        outcome = _in_full(itens, 0)
    return Decision(outcome, on, on + validity)


def _outcome(request: Request, status: str, schema: Schema, rng: Random) -> Outcome:
    odonto = request.kind == ODONTO
    if status == GRANTED:
        return _in_full(request.itens, request.diarias)
    if status == DENIED:
        codes = ODONTO_DENIED if odonto else REQUEST_DENIED
        return _refuse(request.itens, _pick(codes, schema, rng))
    codes = ODONTO_ITEM_DENIED if odonto else ITEM_DENIED
    return _in_part(request.itens, request.diarias, codes, schema, rng)


def _in_full(itens: Sequence[RequestItem], diarias: int) -> Outcome:
    return Outcome(GRANTED, tuple(ItemOutcome(each, each.quantidade) for each in itens), diarias)


def _refuse(itens: Sequence[RequestItem], motivo: str) -> Outcome:
    return Outcome(DENIED, tuple(ItemOutcome(each, 0, motivo) for each in itens), 0, (motivo,))


def _in_part(
    itens: Sequence[RequestItem], diarias: int, codes: tuple[str, ...], schema: Schema, rng: Random
) -> Outcome:
    """Something less than what was asked, and more than nothing; all of it when that is one."""
    units = sum(each.quantidade for each in itens) + diarias
    if units < 2:
        return _in_full(itens, diarias)
    # Where the cut falls: a line, or the days after the lines.
    place = int(rng.random() * (len(itens) + bool(diarias)))
    if place == len(itens):
        granted = int(rng.random() * diarias) if itens else 1 + int(rng.random() * (diarias - 1))
        motivo = _pick(STAY_CUT, schema, rng)
        full = _in_full(itens, granted)
        return replace(full, status=IN_PART, motivos=(motivo,))
    asked = itens[place].quantidade
    least = 1 if units == asked else 0
    granted = least + int(rng.random() * (asked - least))
    motivo = _pick(ITEM_CUT if granted else codes, schema, rng)
    outcomes = [ItemOutcome(each, each.quantidade) for each in itens]
    outcomes[place] = ItemOutcome(itens[place], granted, motivo)
    return Outcome(IN_PART, tuple(outcomes), diarias, (motivo,))


def _draw(rng: Random, shares: tuple[tuple[float, str], ...], rest: str) -> str:
    drawn = rng.random()
    return next((status for share, status in shares if drawn < share), rest)


def _pick(codes: tuple[str, ...], schema: Schema, rng: Random) -> str:
    known = [code for code in codes if code in schema.glosas]
    return known[int(rng.random() * len(known))]
