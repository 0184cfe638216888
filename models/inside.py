"""What code of ours tells other code of ours in a context, and no browser can say.

Whoever calls a method by RPC chooses its context. What lifts a guard is therefore not said by a
plain true, but by an object that no JSON and no XML can carry.
"""

from typing import NamedTuple

INSIDE = object()


class Because(NamedTuple):
    """Why guias change: the event of a row of their history, and its words."""

    event: str
    reason: str | None


def is_inside(records, key):
    """Whether it was this server that set `key` in the context of `records`."""
    return records.env.context.get(key) is INSIDE
