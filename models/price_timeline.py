"""The prices of one product in the order of time, and how a new one finds its place among them."""

import datetime
from dataclasses import dataclass, field
from typing import Any

DAY = datetime.timedelta(days=1)


@dataclass
class Period:
    """A price of one product from a day to a day; None: without end on that side."""

    start: datetime.date | None
    end: datetime.date | None
    price: Any  # None: not a fixed one
    tele: Any
    rule: Any = None
    touched: set = field(default_factory=set)
    # the period whose other terms (sent code, billing type …) a new one takes over
    model: Any = None

    def holds(self, date):
        return (not self.start or self.start <= date) and (not self.end or date <= self.end)

    def get_rule(self):
        """Its own rule, or the one whose other terms it takes over; None for a new price."""
        period = self
        while period and not period.rule:
            period = period.model
        return period and period.rule


class Overlap(Exception):
    """The price would run into one that begins later."""


class OtherRule(Exception):
    """On that day a rule gives the price that is not a fixed one."""


class Timeline:
    """The prices of one product in one convênio, in the order of time."""

    def __init__(self, periods=()):
        self.periods = list(periods)

    def find(self, date):
        return next((period for period in self.periods if period.holds(date)), None)

    def apply(self, start, end, price, tele=None):
        """Let a price begin: the one before ends the day before, a later one stays.

        With an `end` it interrupts the one before, which holds again from the day after.

        :return: (state, price before or None, remarks): {"resumes": day}, {"end": day or None}
        """
        now = self.find(start)
        if now and now.price is None:
            raise OtherRule(now.rule)
        later = [each.start for each in self.periods if each.start and each.start > start]
        if later and end and end >= min(later):
            raise Overlap(min(later))
        if tele is None and now:
            tele = now.tele
        end = end or (min(later) - DAY if later else None)
        if now and (now.price, now.tele) == (price, tele):
            if end == now.end:
                return "unchanged", now.price, {}
            now.end = end
            now.touched.add("end")
            return "changed", now.price, {"end": end}
        if not now:
            self.periods.append(Period(start, end, price, tele))
            return "new", None, {}
        before = now.price
        remarks = self._resume(now, end)
        if now.start == start:
            now.price, now.tele, now.end = price, tele, end
            now.touched |= {"price", "end"}
        else:
            now.end = start - DAY
            now.touched.add("end")
            self.periods.append(Period(start, end, price, tele, model=now))
        return "changed", before, remarks

    def _resume(self, period, end):
        """Let what is left of `period` after `end` hold again; returns remarks."""
        if not end or end >= (period.end or datetime.date.max):
            return {}
        rest = Period(end + DAY, period.end, period.price, period.tele, model=period)
        self.periods.append(rest)
        return {"resumes": rest.start}
