"""When and how somebody is told that a deadline comes near, or that there is something to do."""

from odoo import fields

REMINDER = "mail.mail_activity_data_todo"
WARNING_DAYS = (1, 3, 7)


def get_reached(date, today):
    """The nearest of the warning days that has come; 0 while there is time."""
    left = max((date - today).days, 0)
    return next((days for days in WARNING_DAYS if left <= days), 0)


def get_reminded(records, days, kind=REMINDER):
    """Those that somebody has an automatic reminder of, or did what it said not long ago.

    :param records: with activities, of one model
    :param days: how long ago it may have been done
    """
    since = fields.Date.subtract(fields.Date.context_today(records), days=days)
    activities = (
        records.env["mail.activity"]
        .sudo()
        .with_context(active_test=False)
        .search(
            [
                ("res_model", "=", records._name),
                ("res_id", "in", records.ids),
                ("automated", "=", True),
                ("activity_type_id", "=", records.env.ref(kind).id),
                "|",
                ("active", "=", True),
                ("date_done", ">=", since),
            ]
        )
    )
    return records.browse(set(activities.mapped("res_id")))
