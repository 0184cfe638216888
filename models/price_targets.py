"""Where the rows of a price file go: the price list of a convênio (tables: price_table_targets.py).

A target says first what its rows would change (`match`), then changes it (`store`), both with a
number of queries that does not depend on the number of rows.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from odoo.tools import format_date

from ..standard.money import to_decimal
from .bulk import lock
from .price_timeline import OtherRule, Overlap, Period, Timeline
from .tiss_term import PROCEDURE_TABLES


@dataclass
class Match:
    """What one row would do: `state` is new, changed, unchanged or error."""

    state: str
    message: str = ""
    old_price: Any = None
    new_price: Any = None
    product_id: int = 0
    term_id: int = 0


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
        # The days of a price begin where the clinic is.
        Item = self.env["product.pricelist.item"].with_company(self.contract.company_id)
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
            rules.write({"tiss_end_date": end})
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
            "tiss_start_date": period.start,
            "tiss_end_date": period.end,
            **self._prepare_price_vals(period),
        }

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
