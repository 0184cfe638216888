"""What movements of items are worth to the professionals who did them; knows only plain values."""

from functools import cache
from typing import NamedTuple

from ..standard.money import allocate, to_cents, to_decimal
from .tiss_repasse_rule import COUNTED


class Item(NamedTuple):
    """An item of a guia as repasse sees it; `team` are (professional id, weight) pairs."""

    id: int
    contract_id: int
    date: object
    categ_ids: tuple[int, ...]  # its group of procedures and all that are above
    is_expense: bool
    quantity: float
    cents: int
    team: tuple[tuple[int, int], ...]


class Terms(NamedTuple):
    """How an item is shared; a line keeps them, so that a later rule changes nothing of it."""

    rule_id: int
    basis: str
    kind: str
    percent: float
    amount: float


class RepasseBook:
    """The rules of one company, the most specific first: professional, convênio, group."""

    def __init__(self, rules):
        """:param rules: `tiss.repasse.rule` of one company"""
        self.rules = sorted(rules, key=_get_rank)
        self.find = cache(self._find)

    def _find(self, professional_id, contract_id, date, categ_ids, is_expense):
        """`Terms` for an item of one professional, None when nobody agreed on any."""
        for rule in self.rules:
            if (
                rule.professional_id.id in (False, professional_id)
                and rule.contract_id.id in (False, contract_id)
                and (not rule.categ_id or rule.categ_id.id in categ_ids)
                and (rule.with_expenses or not is_expense)
                and (not rule.start_date or rule.start_date <= date)
                and (not rule.end_date or date <= rule.end_date)
            ):
                return Terms(*rule._get_terms())
        return None


def _get_rank(rule):
    depth = len((rule.categ_id.parent_path or "").split("/")) if rule.categ_id else 0
    return (not rule.professional_id, not rule.contract_id, -depth, rule.sequence, rule.id)


def get_base(basis, from_bucket, to_bucket, cents):
    """What a movement adds to the base of a share; negative when it takes away."""
    counted = COUNTED[basis]
    return cents * ((to_bucket in counted) - (from_bucket in counted))


def get_share(terms, item, place, base):
    """Cents that the professional at `place` of the team has earned once `base` cents count.

    Taken of the whole base, not of each movement: what is paid in parts and what is taken back
    add up to the cent.
    """
    sign = -1 if base < 0 else 1
    part = allocate(abs(base), [weight for _id, weight in item.team])[place]
    if terms.kind == "percent":
        share = to_decimal(part * to_decimal(terms.percent) / 100, 0)
    elif not item.cents:
        return 0
    else:
        full = to_cents(terms.amount) * to_decimal(item.quantity, 4)
        share = to_decimal(full * part / item.cents, 0)
    return sign * int(share)
