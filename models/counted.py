"""Numbers with their nouns, "1 guia" and "3 guias": Odoo's translations know no plural forms."""


def counted(env, noun, count):
    """A number and its noun, which sentences then hold as a whole.

    :param noun: glosa, guia, lote, item, row, encounter or workday
    """
    words = {
        "glosa": (env._("1 glosa"), env._("%s glosas", count)),
        "guia": (env._("1 guia"), env._("%s guias", count)),
        "lote": (env._("1 lote"), env._("%s lotes", count)),
        "item": (env._("1 item"), env._("%s items", count)),
        "row": (env._("1 row"), env._("%s rows", count)),
        "encounter": (env._("1 encounter"), env._("%s encounters", count)),
        "workday": (env._("1 working day"), env._("%s working days", count)),
    }
    one, many = words[noun]
    return one if count == 1 else many
