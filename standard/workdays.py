"""Days on which offices work in all of Brazil: Monday to Friday without the national holidays.

Holidays of states and towns are not known here; whoever keeps one has a day more than this says.
Sources: Lei 662/1949, Lei 6.802/1980, Lei 14.759/2023; Good Friday by custom of all of them.
"""

from __future__ import annotations

import datetime
from functools import lru_cache

from dateutil.easter import easter

_FIXED = ((1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (12, 25))
_BLACK_CONSCIOUSNESS = (11, 20)  # a national holiday since 2024


def add_workdays(date: datetime.date, days: int) -> datetime.date:
    """The day that is `days` working days after `date`, which itself does not count."""
    while days > 0:
        date += datetime.timedelta(days=1)
        days -= is_workday(date)
    return date


def is_workday(date: datetime.date) -> bool:
    """Whether offices work on a day."""
    return date.weekday() < 5 and date not in _holidays(date.year)


@lru_cache(64)
def _holidays(year: int) -> frozenset[datetime.date]:
    fixed = [*_FIXED, _BLACK_CONSCIOUSNESS] if year >= 2024 else _FIXED
    days = {datetime.date(year, month, day) for month, day in fixed}
    return frozenset(days | {easter(year) - datetime.timedelta(days=2)})


def shift_workdays(date: datetime.date, days: int) -> datetime.date:
    """`add_workdays` in both directions: with negative `days` that many working days before."""
    while days < 0:
        date -= datetime.timedelta(days=1)
        days += is_workday(date)
    return add_workdays(date, days)


def count_workdays(start: datetime.date, end: datetime.date) -> int:
    """Working days from `start`, which does not count, to `end`; negative when that is earlier."""
    sign = 1 if end >= start else -1
    day, last = min(start, end), max(start, end)
    count = 0
    while day < last:
        day += datetime.timedelta(days=1)
        count += is_workday(day if sign > 0 else day - datetime.timedelta(days=1))
    return sign * count
