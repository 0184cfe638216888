"""When and how somebody is told that a deadline comes near, or that there is something to do."""

REMINDER = "mail.mail_activity_data_todo"
WARNING_DAYS = (1, 3, 7)


def get_reached(date, today):
    """The nearest of the warning days that has come; 0 while there is time."""
    left = max((date - today).days, 0)
    return next((days for days in WARNING_DAYS if left <= days), 0)
