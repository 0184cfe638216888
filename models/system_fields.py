"""Fields that only follow from what is done with a record, never from whoever writes it."""

from odoo.exceptions import UserError


def refuse_forged(records, names, vals_list):
    """Before a create: nobody starts a record with what is not his to say.

    :param names: the system fields
    :param vals_list: as given to `create`
    :return: `records`, in a context without defaults for these fields
    """
    if not records.env.su and any(
        _is_said(records, name, vals[name]) for vals in vals_list for name in names & vals.keys()
    ):
        raise UserError(
            records.env._("The status of a new record follows from what is done with it.")
        )
    return without_defaults(records, names)


def refuse_other(records, names, vals):
    """Before what is written as superuser for somebody: nothing but what he was asked for.

    :param names: the fields that the caller may say
    """
    other = sorted(vals.keys() - names)
    if other:
        raise UserError(records.env._("This cannot be changed here: %s.", ", ".join(other)))


def without_defaults(records, names=None):
    """`records` in a context without defaults for some fields: a browser can send any context.

    :param names: the fields; all of them where nothing is said
    """
    names = records._fields if names is None else names
    forged = {f"default_{name}" for name in names} & records.env.context.keys()
    if not forged:
        return records
    context = {key: value for key, value in records.env.context.items() if key not in forged}
    return records.with_env(records.env(context=context))


def _is_said(records, name, value):
    default = records._fields[name].default
    return bool(value) and not (default and value == default(records))
