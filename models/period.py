"""Days where the clinic is, and periods of them.

A period goes from a day to a day, the last one included; empty is without an end on that side.
"""

import datetime

import pytz

from odoo import fields
from odoo.tools import format_date

# Where most clinics of Brazil are.
ZONE = "America/Sao_Paulo"


def get_today(env):
    """Today where the user is; a cron's user has no time zone."""
    zone = env.context.get("tz") or env.user.tz or ZONE
    return fields.Date.context_today(env["res.users"].with_context(tz=zone))


def get_zone(company):
    """The time zone of a clinic, in which its days begin and end, wherever a user is."""
    return pytz.timezone(company.partner_id.sudo().tz or ZONE)


def to_first_day(moment):
    """The first day whose noon comes with or after `moment`, which is in UTC.

    By noon, as prices are chosen: it is the same day in every zone of Brazil.
    """
    return (moment + datetime.timedelta(hours=11, minutes=59, seconds=59)).date()


def to_last_day(moment):
    """The last day whose noon comes before or with `moment`, which is in UTC."""
    return (moment - datetime.timedelta(hours=12)).date()


def find_overlap(records):
    """Two of `records`, by `start_date` and `end_date`, that share a day, in order of time.

    :return: (record, record), None when no two do
    """
    ordered = records.sorted(lambda record: record.start_date or datetime.date.min)
    for first, second in zip(ordered, ordered[1:], strict=False):
        if not first.end_date or not second.start_date or second.start_date <= first.end_date:
            return first, second
    return None


def describe(env, start, end):
    """E.g. "from 01/03/2026 until 31/12/2026"."""
    start, end = format_date(env, start), format_date(env, end)
    if start and end:
        return env._("from %(start)s until %(end)s", start=start, end=end)
    if start:
        return env._("from %s on", start)
    return env._("until %s", end) if end else env._("always")
