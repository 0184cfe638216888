"""What another system wrote in a place of the message where our fields say something else.

A list of entries, each a place in the message, what our fields said there when the guia was read
("ours") and what the file said ("theirs"). An entry holds only as long as our fields still say the
same: whoever edits a field has the last word. All of it is JSON.
"""

import base64
import datetime
from collections.abc import Mapping
from decimal import Decimal

# Alternatives of one choice: half of one and half of another would be no valid message.
CHOICES = {"contratadoSolicitante", "codProfissional", "codigoContratado", "denteRegiao"}
CLINICAL = {
    "indicacaoClinica", "diagnostico", "declaracoes", "odontoInicial", "identificadorBeneficiario",
}  # fmt: skip
ITEM = "sequencialItem"
ORDER = "$order"


def compare(ours, theirs):
    """Entries that turn `ours` into `theirs`, dicts of a message; empty when they say the same."""
    return list(_compare(_pruned(ours), _pruned(theirs), []))


def apply(values, entries, knows=None):
    """`values` with the entries that still hold; the dicts of `values` are not changed.

    :param knows: function of the names of a path, False for what the version does not have
    """
    for entry in entries or ():
        values = _apply(values, entry["path"], entry, [], knows)
    return values


def is_clinical(entry):
    """Whether an entry tells what only clinical people may see."""
    return not CLINICAL.isdisjoint(
        {*map(str, entry["path"]), *_names(entry["ours"]), *_names(entry["theirs"])}
    )


def _names(value):
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _names(each)
    elif isinstance(value, list):
        for each in value:
            yield from _names(each)


def describe(entry):
    """(place, ours, theirs) of an entry in short, for a person."""
    place = "/".join(map(str, entry["path"]))
    return place, _text(entry["ours"]), _text(entry["theirs"])


def _text(values):
    return ", ".join(
        f"{name}: {next(iter(value.values())) if _is_tagged(value) else value}"
        for name, value in values.items()
    )


def _is_tagged(value):
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith("$")


# ---------------------------------------------------------------------------
# Comparing
# ---------------------------------------------------------------------------


def _pruned(value):
    """Without what is not written: None and empty lists."""
    if isinstance(value, Mapping):
        pruned = {name: _pruned(each) for name, each in value.items()}
        return {name: each for name, each in pruned.items() if each is not None and each != []}
    if isinstance(value, (list, tuple)):
        return [_pruned(each) for each in value]
    return value


def _compare(ours, theirs, path):
    if path and path[-1] in CHOICES and ours != theirs:
        yield _entry(path, ours, theirs)
        return
    # What only one side has stands or falls together: elements may exclude each other.
    lonely = [name for name in {**ours, **theirs} if (name in ours) != (name in theirs)]
    if lonely:
        yield _entry(
            path,
            {name: ours[name] for name in lonely if name in ours},
            {name: theirs[name] for name in lonely if name in theirs},
        )
    for name, mine in ours.items():
        if name in theirs and mine != theirs[name]:
            yield from _compare_both(name, mine, theirs[name], path)


def _compare_both(name, ours, theirs, path):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        yield from _compare(ours, theirs, [*path, name])
    elif _keys(ours) and sorted(_keys(ours)) == sorted(_keys(theirs) or ()):
        if _keys(ours) != _keys(theirs):
            yield _entry([*path, name, ORDER], {ORDER: _keys(ours)}, {ORDER: _keys(theirs)})
        others = dict(zip(_keys(theirs), theirs, strict=True))
        for key, mine in zip(_keys(ours), ours, strict=True):
            yield from _compare(mine, others[key], [*path, name, key])
    else:
        yield _entry(path, {name: ours}, {name: theirs})


def _keys(values):
    """How the dicts of a list are told apart: items by their number, others by their place."""
    if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
        return None
    numbers = [each.get(ITEM) for each in values]
    return list(range(1, len(values) + 1)) if None in numbers else numbers


def _entry(path, ours, theirs):
    return {"path": list(path), "ours": _frozen(ours), "theirs": _frozen(theirs)}


# ---------------------------------------------------------------------------
# Applying
# ---------------------------------------------------------------------------


def _apply(values, path, entry, names, knows):
    if not path:
        return _replace(values, entry, names, knows)
    name, *rest = path
    inner = values.get(name)
    if isinstance(inner, dict):
        changed = _apply(inner, rest, entry, [*names, name], knows)
    elif isinstance(inner, (list, tuple)) and rest:
        key, *rest = rest
        if key == ORDER:
            return {**values, name: _ordered(inner, entry)}
        changed = [
            _apply(each, rest, entry, [*names, name], knows) if each_key == key else each
            for each_key, each in zip(_keys(list(inner)) or (), inner, strict=False)
        ]
        if len(changed) != len(inner):
            return values
    else:
        return values
    return {**values, name: changed}


def _ordered(items, entry):
    if _keys(list(items)) != entry["ours"][ORDER]:
        return items
    return sorted(items, key=lambda item: entry["theirs"][ORDER].index(item[ITEM]))


def _replace(values, entry, names, knows):
    touched = {*entry["ours"], *entry["theirs"]}
    now = _frozen(_pruned({name: values.get(name) for name in touched}))
    if now != entry["ours"]:
        return values
    theirs = {
        name: _thawed(value)
        for name, value in entry["theirs"].items()
        if knows is None or knows([*names, name])
    }
    return {**{name: value for name, value in values.items() if name not in touched}, **theirs}


# ---------------------------------------------------------------------------
# JSON
# ---------------------------------------------------------------------------


def _frozen(value):
    if isinstance(value, Mapping):
        return {name: _frozen(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_frozen(each) for each in value]
    if isinstance(value, Decimal):
        return {"$decimal": format(value.normalize(), "f")}
    if isinstance(value, datetime.date):
        return {"$date": value.isoformat()}
    if isinstance(value, datetime.time):
        return {"$time": value.isoformat()}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    return value


THAW = {
    "$decimal": Decimal,
    "$date": datetime.date.fromisoformat,
    "$time": datetime.time.fromisoformat,
    "$bytes": base64.b64decode,
}


def _thawed(value):
    if _is_tagged(value):
        [(tag, text)] = value.items()
        return THAW[tag](text)
    if isinstance(value, dict):
        return {name: _thawed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_thawed(each) for each in value]
    return value
