"""Where the rows of a price file go: a convênio, a reference table or the values of portes.

Each target says first what its rows would change (`match`), then changes it (`store`), both with a
number of queries that does not depend on the number of rows.
"""

import datetime
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from odoo.fields import Command
from odoo.tools import format_date

from ..models.bulk import lock, upsert
from ..models.tiss_term import PROCEDURE_TABLES
from ..standard.money import to_decimal
from ..standard.pricefiles import NUMBERS
from ..standard.text import to_ascii

DAY = datetime.timedelta(days=1)
FIRST, LAST = datetime.time.min, datetime.time(23, 59, 59)
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


@dataclass
class Match:
    """What one row would do: `state` is new, changed, unchanged or error."""

    state: str
    message: str = ""
    old_price: Any = None
    new_price: Any = None
    product_id: int = 0
    term_id: int = 0


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


class ContractTarget:
    """Fixed prices of a convênio, from the date of a row or of the whole file."""

    def __init__(self, contract, date, plan=None, create_products=True):
        self.contract = contract
        self.env = contract.env
        self.date = date
        self.plan = plan
        self.create_products = create_products

    def match(self, rows):
        """:param rows: dicts of values by role; :return: one Match per row"""
        finder = _ProductFinder(self.env, self.contract.company_id, rows)
        found = [finder.find(values["code"]) for values in rows]
        timelines = self._get_timelines({match.product_id for match in found} - {0})
        seen = {}
        # In the order of time, so that a row sees the prices that the file itself makes.
        for index in sorted(range(len(rows)), key=lambda i: self._get_start(rows[i])):
            match, values = found[index], rows[index]
            if match.state == "error":
                continue
            key = (match.product_id or -match.term_id, self._get_start(values))
            if seen.setdefault(key, values) is not values:
                match.state = "error"
                match.message = self.env._(
                    "The same procedure and day as code %s of this file.", seen[key]["code"]
                )
            elif not match.product_id and not self.create_products:
                match.state = "error"
                match.message = self.env._(
                    "No product has this code yet: tick “Create missing products”."
                )
            else:
                self._apply(timelines[key[0]], match, values)
        return found

    def store(self, rows):
        """Make the prices of `rows` true; returns the price rules that were touched."""
        lock(self.contract)
        matches = self.match(rows)
        terms = self.env["tiss.term"].browse(
            {match.term_id for match in matches if match.term_id and not match.product_id}
        )
        # Thousands of products need no line “created” each in their chatter.
        products = terms.with_context(tracking_disable=True).create_products()
        created = {product.tiss_term_id.id: product.id for product in products}
        timelines = self._get_timelines({match.product_id for match in matches} - {0})
        wanted = [
            (values, match.product_id or created[match.term_id])
            for values, match in zip(rows, matches, strict=True)
            if match.state in ("new", "changed")
        ]
        for values, product_id in sorted(wanted, key=lambda each: self._get_start(each[0])):
            timelines[product_id].apply(*self._get_terms(values))
        return self._write_periods(timelines)

    def _get_start(self, values):
        return values.get("start") or self.date

    def _get_terms(self, values):
        tele = values.get("tele_price")
        return (
            self._get_start(values),
            values.get("end"),
            to_decimal(values["price"]),
            None if tele is None else to_decimal(tele),
        )

    def _apply(self, timeline, match, values):
        start, end, price, tele = self._get_terms(values)
        match.new_price = price
        if end and end < start:
            match.state = "error"
            match.message = self.env._("It ends before it begins.")
            return
        if not price:
            match.state = "error"
            match.message = self.env._("A price of 0.00 is no price: leave the row out.")
            return
        try:
            match.state, match.old_price, remarks = timeline.apply(start, end, price, tele)
        except Overlap as overlap:
            match.state = "error"
            match.message = self.env._(
                "It would run into the price that begins on %s.",
                format_date(self.env, overlap.args[0]),
            )
        except OtherRule as other:
            match.state = "error"
            match.message = self.env._(
                "Another rule gives its price (%s): end that one first, or leave the row out.",
                other.args[0].price,
            )
        else:
            rule = timeline.find(start).get_rule()
            if rule and not rule.tiss_covered:
                remarks["unticked"] = True
            match.message = " ".join(self._describe(remarks)) if remarks else ""

    def _describe(self, remarks):
        """A sentence for each remark of a Timeline."""
        sentences = {
            "end": self.env._("The price stays, only its last day changes."),
            "resumes": self.env._(
                "From %s on the price before holds again.",
                format_date(self.env, remarks.get("resumes")),
            ),
            "unticked": self.env._("Unticked in the convênio: tick it to use the price."),
        }
        return [sentences[code] for code in remarks]

    def _get_timelines(self, product_ids):
        timelines = defaultdict(Timeline)
        rules = self.env["product.pricelist.item"].search(
            [
                ("pricelist_id", "=", self.contract.pricelist_id.id),
                ("applied_on", "in", ("1_product", "0_product_variant")),
                ("product_tmpl_id", "in", list(product_ids)),
                ("min_quantity", "<=", 1),
                ("tiss_plan_id", "=", self.plan.id if self.plan else False),
                ("tiss_network_status", "=", False),
                ("tiss_network_level_id", "=", False),
            ]
        )
        for rule in rules:
            tele = to_decimal(rule.tiss_tele_price) if rule.tiss_tele else None
            timelines[rule.product_tmpl_id.id].periods.append(
                Period(
                    rule.tiss_start_date or None,
                    rule.tiss_end_date or None,
                    to_decimal(rule.fixed_price) if rule.compute_price == "fixed" else None,
                    tele,
                    rule,
                )
            )
        return timelines

    def _write_periods(self, timelines):
        Item = self.env["product.pricelist.item"]
        endings = defaultdict(list)
        touched = Item.browse()
        vals_list = []
        copies = self._copy_models(timelines)
        for product_id, timeline in timelines.items():
            for period in timeline.periods:
                if not period.rule:
                    vals_list.append(self._prepare_rule_vals(product_id, period, copies))
                    continue
                if "end" in period.touched:
                    endings[period.end].append(period.rule.id)
        # Endings first: no two prices may hold on one day, not even for a moment.
        for end, rule_ids in endings.items():
            rules = Item.browse(rule_ids)
            rules.write({"date_end": self._to_moment(end, LAST)})
            touched += rules
        for timeline in timelines.values():
            for period in timeline.periods:
                if period.rule and "price" in period.touched:
                    period.rule.write(self._prepare_price_vals(period))
        # With the rules of each product in the cache, every new one would be filed there.
        self.env.flush_all()
        self.env.invalidate_all()
        return touched + Item.create(vals_list)

    def _copy_models(self, timelines):
        """{rule id: its values} of the rules that give way to a new one."""
        models = self.env["product.pricelist.item"].browse(
            {
                period.model.rule.id
                for timeline in timelines.values()
                for period in timeline.periods
                if period.model and period.model.rule
            }
        )
        return dict(zip(models.ids, models.copy_data(), strict=True))

    def _prepare_rule_vals(self, product_id, period, copies):
        rule = period.get_rule()
        vals = dict(copies[rule.id]) if rule else {}
        vals.pop("tiss_term_id", None)
        return {
            "pricelist_id": self.contract.pricelist_id.id,
            "applied_on": "1_product",
            "display_applied_on": "1_product",
            "product_tmpl_id": product_id,
            "compute_price": "fixed",
            "tiss_plan_id": self.plan.id if self.plan else False,
            **vals,
            "date_start": self._to_moment(period.start, FIRST),
            "date_end": self._to_moment(period.end, LAST),
            **self._prepare_price_vals(period),
        }

    def _to_moment(self, date, time):
        # Not by tiss_start_date: its inverse writes, and has checked, rule by rule.
        Item = self.env["product.pricelist.item"].with_company(self.contract.company_id)
        return Item._tiss_to_moment(date, time)

    @staticmethod
    def _prepare_price_vals(period):
        vals = {"fixed_price": float(period.price)}
        if period.tele is not None:
            vals |= {"tiss_tele": True, "tiss_tele_price": float(period.tele)}
        return vals


class _ProductFinder:
    """Products and TUSS terms by code, also by a code that has lost its leading zeros."""

    def __init__(self, env, company, rows):
        self.env = env
        codes = {values["code"] for values in rows}
        self.terms = {
            term.code: term
            for term in env["tiss.term"].search_fetch(
                [("table_code", "in", PROCEDURE_TABLES), ("code", "in", list(codes))],
                ["code", "name"],
            )
        }
        products = env["product.template"].search_fetch(
            [("tiss_code", "!=", False), ("company_id", "in", (False, company.id))],
            ["tiss_code", "tiss_term_id"],
        )
        self.products = defaultdict(list)
        self.stripped = defaultdict(list)
        for product in products:
            self.products[product.tiss_code].append(product)
            self.stripped[product.tiss_code.lstrip("0")].append(product)

    def find(self, code):
        products = self.products.get(code) or self.stripped.get(code.lstrip("0")) or []
        if len(products) > 1:
            # A TUSS code is a TUSS procedure, whoever else uses the number.
            products = [each for each in products if each.tiss_term_id] or products
        if len(products) > 1:
            message = self.env._(
                "Several products have the code %(code)s: %(names)s.",
                code=code,
                names=", ".join(product.name for product in products[:3]),
            )
            return Match("error", message)
        if products:
            return Match("new", product_id=products[0].id)
        if code in self.terms:
            return Match("new", term_id=self.terms[code].id)
        message = self.env._("%s is no TUSS code, and no product has it.", code)
        return Match("error", message)


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
