"""Where the rows of a price file go: a reference table or the values of portes.

As the convênio in price_targets.py: `match` says what would change, `store` changes it.
"""

from odoo.fields import Command

from ..standard.money import to_decimal
from ..standard.pricefiles import NUMBERS
from ..standard.text import to_ascii
from .bulk import lock, upsert
from .price_targets import Match

TABLE_FIELDS = {
    # role of a column: field of tiss.price.table.line
    "tuss_code": "tuss_code",
    "name": "name",
    "porte": "porte",
    "porte_fraction": "porte_fraction",
    "uco": "uco",
    "film": "film",
    "auxiliaries": "auxiliaries",
    "anaesthetic_porte": "anaesthetic_porte",
    "ch": "ch",
    "price": "amount",
    "pf": "pf",
    "pmc": "pmc",
    "pf_fraction": "pf_fraction",
    "pmc_fraction": "pmc_fraction",
    "package_quantity": "package_quantity",
    "unit": "unit_id",
}
UNIT_FIELDS = {"UCO": "uco_amount", "FILM": "film_amount", "CH": "ch_amount"}


class TableTarget:
    """An edition of a reference table; `table` is empty as long as it is not made."""

    def __init__(self, table, kind):
        self.table = table
        self.env = table.env
        self.kind = kind

    def match(self, rows):
        existing = self._get_existing()
        return [self._compare(self._prepare_line(values), existing) for values in rows]

    def store(self, rows):
        """Insert and refresh the lines of `rows`; returns the table."""
        self.table.check_access("write")
        lock(self.table)
        existing = self._get_existing()
        lines = [self._prepare_line(values) for values in rows]
        lines = [
            line for line in lines if self._compare(line, existing).state in ("new", "changed")
        ]
        columns = ("code", *TABLE_FIELDS.values())
        upsert(
            self.env["tiss.price.table.line"],
            ("table_id", "company_id", *columns),
            ("table_id", "code"),
            (
                (self.table.id, self.table.company_id.id, *(line[name] for name in columns))
                for line in lines
            ),
        )
        # COPY goes past the cache.
        self.table.invalidate_recordset(["line_ids", "line_count"])
        return self.table

    def _get_existing(self):
        if not self.table:
            return {}
        names = ["code", *TABLE_FIELDS.values()]
        lines = self.env["tiss.price.table.line"].search_fetch(
            [("table_id", "=", self.table.id)], names
        )
        return {line.code: self._read_line(line, names) for line in lines}

    def _read_line(self, line, names):
        values = {name: line[name] or None for name in names}
        values["unit_id"] = line.unit_id.id or None
        for role, name in TABLE_FIELDS.items():
            if role in NUMBERS:
                values[name] = to_decimal(line[name], 4)
        return {**values, "auxiliaries": line.auxiliaries}

    def _prepare_line(self, values):
        """Every column of a line, as `_get_existing` gives them."""
        code = values["code"].upper()
        line = {"code": code}
        for role, name in TABLE_FIELDS.items():
            value = values.get(role)
            if role in NUMBERS:
                default = 1 if role in ("porte_fraction", "package_quantity") else 0
                line[name] = to_decimal(default if value is None else value, 4)
            else:
                line[name] = value or None
        line["name"] = line["name"] or line["code"]
        line["auxiliaries"] = values.get("auxiliaries", 0)
        line["unit_id"] = self._get_unit(values.get("unit"))
        if not line["tuss_code"] and self.kind not in ("brasindice", "simpro"):
            line["tuss_code"] = code if code.isdigit() and len(code) in (8, 9) else None
        return line

    def _get_unit(self, text):
        if not text:
            return None
        if not hasattr(self, "_units"):
            terms = self.env["tiss.term"].search_fetch([("table_code", "=", "60")], ["code"])
            self._units = {to_ascii(term.name): term.id for term in terms}
            self._units |= {term.code: term.id for term in terms}
        return self._units.get(to_ascii(text))

    def _compare(self, line, existing):
        old = existing.get(line["code"])
        main = next((name for name in ("amount", "pmc", "pf", "ch") if line[name]), None)
        match = Match("new", new_price=main and line[main])
        if old is None:
            return match
        match.old_price = main and old[main]
        changes = [name for name, value in line.items() if value != old[name]]
        match.state = "changed" if changes else "unchanged"
        labels = self.env["tiss.price.table.line"]._fields
        match.message = ", ".join(
            f"{labels[name]._description_string(self.env)}:"
            f" {old[name] or '–'} → {line[name] or '–'}"
            for name in changes
            if name not in (main, "unit_id")
        )
        return match


class PorteTarget:
    """What the portes, and the units beside them, are worth; `edition` may be empty as yet."""

    def __init__(self, edition):
        self.edition = edition
        self.env = edition.env

    def match(self, rows):
        existing = self._get_existing()
        matches = []
        for values in rows:
            price = to_decimal(values["price"], 4)
            old = existing.get(values["porte"])
            state = "new" if not old else "unchanged" if old == price else "changed"
            matches.append(Match(state, old_price=old, new_price=price))
        return matches

    def store(self, rows):
        """Write the values of `rows`; returns the edition."""
        lock(self.edition)
        values = {row["porte"]: to_decimal(row["price"], 4) for row in rows}
        units = {
            name: float(values.pop(unit)) for unit, name in UNIT_FIELDS.items() if unit in values
        }
        known = {value.porte: value for value in self.edition.value_ids}
        commands = []
        for porte, price in values.items():
            line = known.get(porte)
            if not line:
                commands.append(Command.create({"porte": porte, "amount": float(price)}))
            elif to_decimal(line.amount, 4) != price:
                commands.append(Command.update(line.id, {"amount": float(price)}))
        self.edition.write({**units, "value_ids": commands})
        return self.edition

    def _get_existing(self):
        if not self.edition:
            return {}
        portes = {line.porte: to_decimal(line.amount, 4) for line in self.edition.value_ids}
        units = {unit: to_decimal(self.edition[name], 4) for unit, name in UNIT_FIELDS.items()}
        return portes | units
