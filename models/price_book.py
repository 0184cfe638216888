"""The prices of a convênio, read once for any number of questions. No model: plain Python.

The choice of the rule: the nearest scope that says anything about the product decides (variant,
product, its category and its parents, everything). Within a scope more conditions beat fewer, then
a higher minimum quantity beats a lower one, then the newer rule wins, as in Odoo.
"""

import datetime
from collections import defaultdict
from decimal import Decimal
from typing import Any, NamedTuple

from odoo.fields import Domain

from ..standard import pricing
from ..standard.money import line_total
from ..standard.pricing import NoPrice, Step

NOON = datetime.time(12)
RULE_FIELDS = (
    "applied_on", "product_id", "product_tmpl_id", "categ_id", "min_quantity", "date_start",
    "date_end", "compute_price", "fixed_price", "tiss_covered", "tiss_on_site", "tiss_tele",
    "tiss_tele_price", "tiss_plan_id", "tiss_network_status", "tiss_network_level_id",
    "tiss_price_table_id", "tiss_porte_edition_id", "tiss_percent", "tiss_porte_percent",
    "tiss_uco_percent", "tiss_uco_price", "tiss_film_price", "tiss_ch_price", "tiss_price_base",
    "tiss_pf_margin_percent", "tiss_use_fraction",
)  # fmt: skip
CONDITIONS = ("tiss_plan_id", "tiss_network_status", "tiss_network_level_id")


class PriceRequest(NamedTuple):
    """One question for a price; records may be empty. `moment` is local, without zone."""

    product: Any
    date: datetime.date
    quantity: float = 1
    mode: str = "on_site"
    plan: Any = None
    professional: Any = None
    order: int = 1
    access: str | None = None
    moment: datetime.datetime | None = None
    urgent: bool = False
    accommodation: bool = False
    role: str | None = None
    moment_end: datetime.datetime | None = None
    auxiliaries: int | None = None


class Price(NamedTuple):
    """The answer: Decimal reais, None where there is no price; `steps` say why.

    `amount` is quantity × unit_amount × factor, rounded half up to the cent.
    """

    unit_amount: Decimal | None
    factor: Decimal
    amount: Decimal | None
    rule: Any
    steps: list


def decimal(value):
    """A float as it stands in the database."""
    return Decimal(str(value or 0))


class Circumstance(NamedTuple):
    """What the conditions of a rule are compared with; ids and a status."""

    plan: int | bool
    status: str | bool
    level: int | bool


class PriceBook:
    """Rules, rows and values that the products of some requests need.

    :param contract: `tiss.contract`, may be empty when `pricelist` is given
    :param requests: list of `PriceRequest`; others about the same products may be asked, too
    """

    def __init__(self, contract, requests, pricelist=None):
        self.env = (contract or pricelist).env
        self.contract = contract
        self.pricelist = contract.pricelist_id if pricelist is None else pricelist
        self.company = contract.company_id or self.pricelist.company_id or self.env.company
        self.rules = defaultdict(list)  # {(scope, id): rules, the first that holds wins}
        self.components = defaultdict(list)  # {template id: [(product, quantity)]}
        self.chains = {}  # {category id: ids of itself and its parents, nearest first}
        self._terms, self._policies, self._values = {}, {}, {}
        self._load_products(requests)
        self._load_rules()
        self._load_tables()
        self._load_networks(requests)

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    def _load_products(self, requests):
        ids = dict.fromkeys(request.product.id for request in requests if request.product)
        self.products = self.env["product.product"].browse(ids)
        self._fetch(self.products)

    def _fetch(self, products):
        names = ["product_tmpl_id", "categ_id", "tiss_code", "tiss_expense_kind_id"]
        products.fetch(names)
        categories = products.categ_id
        categories.fetch(["parent_path"])
        for category in categories:
            path = map(int, (category.parent_path or "").split("/")[:-1])
            self.chains[category.id] = list(path)[::-1]

    def _load_rules(self):
        """The rules of the products and, where a package is priced by its parts, of the parts."""
        self.items = self.env["product.pricelist.item"]
        seen, new = self.env["product.template"], self.products
        while new:
            seen |= new.product_tmpl_id
            items = self.items.search_fetch(self._get_rules_domain(new), RULE_FIELDS)
            self.items |= items
            new = self.env["product.product"]
            if "tiss_package" in self.items.mapped("compute_price"):
                new = self._load_components(seen)
        for item in self.items.sorted(self._get_precedence):
            self.rules[self._get_scope(item)].append(item)

    def _get_rules_domain(self, products):
        categories = {parent for chain in self.chains.values() for parent in chain}
        return Domain("pricelist_id", "=", self.pricelist.id) & (
            Domain("product_tmpl_id", "in", products.product_tmpl_id.ids)
            | Domain("product_id", "in", products.ids)
            | (
                Domain("applied_on", "=", "2_product_category")
                & Domain("categ_id", "in", categories)
            )
            | Domain("applied_on", "=", "3_global")
        )

    def _load_components(self, templates):
        """Read what the packages among `templates` hold; return the products not seen yet."""
        unread = [template.id for template in templates if template.id not in self.components]
        lines = self.env["tiss.package.line"].search_fetch([("package_id", "in", unread)])
        for template_id in unread:
            self.components[template_id] = []
        for line in lines:
            product = line.product_tmpl_id.product_variant_id
            self.components[line.package_id.id].append((product, decimal(line.quantity)))
        new = lines.product_tmpl_id - templates
        products = new.product_variant_id
        self._fetch(products)
        self.products |= products
        return products

    @staticmethod
    def _get_precedence(item):
        conditions = sum(bool(item[name]) for name in CONDITIONS)
        return -conditions, -item.min_quantity, -item.id

    @staticmethod
    def _get_scope(item):
        if item.applied_on == "0_product_variant":
            return "variant", item.product_id.id
        if item.applied_on == "1_product":
            return "template", item.product_tmpl_id.id
        if item.applied_on == "2_product_category":
            return "category", item.categ_id.id
        return "global", False

    def _load_tables(self):
        """Rows that the products need of the tables in use, by TUSS code and by own code."""
        tables = self.items.tiss_price_table_id
        codes = {code for code in self.products.mapped("tiss_code") if code}
        self.rows = defaultdict(list)
        self.rows_by_code = {}
        if tables and codes:
            rows = self.env["tiss.price.table.line"].search_fetch(
                Domain("table_id", "in", tables.ids)
                & (Domain("tuss_code", "in", codes) | Domain("code", "in", codes))
            )
            for row in rows:
                self.rows[row.table_id.id, row.tuss_code].append(row)
                self.rows_by_code[row.table_id.id, row.code] = row
        self.portes = defaultdict(dict)
        editions = self.items.tiss_porte_edition_id
        if editions:
            values = self.env["tiss.porte.value"].search_fetch([("edition_id", "in", editions.ids)])
            for value in values:
                self.portes[value.edition_id.id][value.porte] = decimal(value.amount)

    def _load_networks(self, requests):
        """Nobody's place in the network matters where no price depends on it."""
        needed = any(item.tiss_network_status or item.tiss_network_level_id for item in self.items)
        ids = {request.professional.id for request in requests if request.professional}
        professionals = self.env["res.partner"].browse(ids if needed else [])
        self.networks = self.contract._get_networks(professionals) if self.contract else None

    # ------------------------------------------------------------------
    # Choosing the rule
    # ------------------------------------------------------------------

    def choose(self, request):
        """The rule that decides; empty when nothing was agreed."""
        product = request.product
        moment = datetime.datetime.combine(request.date, NOON)
        circumstance = self._get_circumstance(request)
        scopes = [
            ("variant", product.id),
            ("template", product.product_tmpl_id.id),
            *(("category", category) for category in self.chains.get(product.categ_id.id, ())),
            ("global", False),
        ]
        for scope in scopes:
            for item in self.rules.get(scope, ()):
                if self._holds(item, moment, request.quantity, circumstance):
                    return item
        return self.env["product.pricelist.item"]

    def _get_circumstance(self, request):
        """Plan and place in the network: the professional's own of that day, or the clinic's."""
        status, level = False, self.env["tiss.network.level"]
        if self.networks:
            professional_id = request.professional.id if request.professional else None
            status, level = self.networks(professional_id, request.date)
        plan = request.plan.id if request.plan else False
        return Circumstance(plan, status, level.id)

    @staticmethod
    def _holds(item, moment, quantity, circumstance):
        return (
            not (item.date_start and moment < item.date_start)
            and not (item.date_end and moment > item.date_end)
            and not (item.min_quantity and quantity < item.min_quantity)
            and not (item.tiss_plan_id and item.tiss_plan_id.id != circumstance.plan)
            and not (item.tiss_network_status and item.tiss_network_status != circumstance.status)
            and not (
                item.tiss_network_level_id and item.tiss_network_level_id.id != circumstance.level
            )
        )

    # ------------------------------------------------------------------
    # Prices
    # ------------------------------------------------------------------

    def price(self, request, path=()):
        """Answer one request.

        :param path: templates of the packages that this product is priced for
        :return: `Price`
        """
        rule = self.choose(request)
        if not rule:
            step = Step("no_list" if not self.pricelist else "no_rule")
            return self._refuse(rule, step, request)
        return self.price_by(rule, request, path)

    def price_by(self, rule, request, path=()):
        """The price of a request by a given rule."""
        try:
            result = self._calculate(rule, request, path)
        except NoPrice as reason:
            return self._refuse(rule, reason.step, request)
        amount = line_total(request.quantity, result.unit_amount, result.factor)
        steps = [Step("rule", {"pricelist": self.pricelist, "rule": rule}), *result.steps]
        return Price(result.unit_amount, result.factor, amount, rule, steps)

    def _refuse(self, rule, step, request):
        facts = {"contract": self.contract, "product": request.product, "date": request.date}
        return Price(None, pricing.ONE, None, rule, [Step(step.code, {**facts, **step.params})])

    def _calculate(self, rule, request, path):
        """`pricing.Result` of a rule; raises NoPrice."""
        if not rule.tiss_covered:
            raise NoPrice("not_covered")
        if request.mode == "tele" and not rule.tiss_tele:
            raise NoPrice("not_tele")
        if request.mode == "on_site" and not rule.tiss_on_site:
            raise NoPrice("not_on_site")
        if request.mode == "tele" and rule.tiss_tele_price:
            return self._calculate_amount(rule.tiss_tele_price, "tele", rule, request)
        if rule.compute_price == "tiss_table":
            return self._calculate_table(rule, request)
        if rule.compute_price == "tiss_package":
            return self._calculate_package(rule, request, path)
        if rule.compute_price == "fixed":
            return self._calculate_amount(rule.fixed_price, "fixed", rule, request)
        price = rule._compute_price(
            request.product,
            request.quantity,
            request.product.uom_id,
            date=datetime.datetime.combine(request.date, NOON),
            currency=self.pricelist.currency_id,
        )
        return self._calculate_amount(price, "formula", rule, request)

    def _calculate_amount(self, amount, code, rule, request):
        step = Step(code, {"rule": rule, "amount": pricing.cents(decimal(amount))})
        return pricing.price_amount(
            step.params["amount"],
            self._get_policy(rule),
            self._get_act(request),
            request.product.tiss_code or "",
            [step],
        )

    def _calculate_table(self, rule, request):
        table = rule.tiss_price_table_id
        record = self._get_row(table, request.product)
        result = pricing.price_row(
            table.kind,
            self._read_row(record, request.product),
            self._get_values(rule),
            self._get_terms(rule),
            self._get_policy(rule),
            self._get_act(request),
        )
        step = Step("row", {"table": table, "code": record.code, "name": record.name})
        return result._replace(steps=[step, *result.steps])

    def _calculate_package(self, rule, request, path):
        """The components' own prices, added up, with the package's inflator or deflator."""
        template = request.product.product_tmpl_id
        if template.id in path:
            raise NoPrice("circular")
        steps, total = [], pricing.ZERO
        for product, quantity in self.components.get(template.id, ()):
            part = request._replace(
                product=product, quantity=quantity, order=1, access=None, urgent=False,
                accommodation=False, role=None,
            )  # fmt: skip
            price = self.price(part, (*path, template.id))
            if price.amount is None:
                raise NoPrice("no_component", component=product, reason=price.steps[0])
            total += price.amount
            params = {"product": product, "quantity": quantity, "value": price.unit_amount}
            steps.append(Step("component", {**params, "amount": price.amount}))
        if not steps:
            raise NoPrice("empty_package")
        terms = self._get_terms(rule)
        steps += [Step("sum", {"amount": total}), *pricing.get_percent_steps(terms)]
        amount = total * pricing.plus(terms.percent)
        return pricing.finish(amount, pricing.ZERO, pricing.ONE, steps)

    # ------------------------------------------------------------------
    # From records to the arithmetic
    # ------------------------------------------------------------------

    def _get_act(self, request):
        """How it was done; an expense has no fee that could be surcharged."""
        if request.product.tiss_expense_kind_id:
            return pricing.Act()
        return pricing.Act(
            order=request.order,
            access=request.access,
            urgent=request.urgent,
            start=request.moment,
            end=request.moment_end,
            accommodation=request.accommodation,
            role=request.role,
            auxiliaries=request.auxiliaries,
        )

    def get_auxiliaries(self, request):
        """How many assistants the table provides for; None when no table says it."""
        rule = self.choose(request)
        if rule.compute_price != "tiss_table":
            return None
        try:
            return self._get_row(rule.tiss_price_table_id, request.product).auxiliaries
        except NoPrice:
            return None

    def _get_row(self, table, product):
        code = product.tiss_code
        rows = self.rows.get((table.id, code), ()) if code else ()
        if len(rows) > 1:
            codes = ", ".join(row.code for row in rows)
            raise NoPrice("ambiguous_row", table=table, code=code, codes=codes)
        row = rows[0] if rows else self.rows_by_code.get((table.id, code))
        if not row:
            raise NoPrice("no_row", table=table, code=code)
        return row

    @staticmethod
    def _read_row(row, product):
        return pricing.Row(
            code=product.tiss_code or row.code,
            porte=row.porte or "",
            auxiliaries=row.auxiliaries,
            anaesthetic_porte=row.anaesthetic_porte,
            **{
                name: decimal(row[name])
                for name in (
                    "porte_fraction", "uco", "film", "ch", "amount", "pf", "pmc", "pf_fraction",
                    "pmc_fraction", "package_quantity",
                )
            },
        )  # fmt: skip

    def _get_values(self, rule):
        if rule.id not in self._values:
            edition = rule.tiss_porte_edition_id
            self._values[rule.id] = pricing.Values(
                name=edition.name or "",
                portes=self.portes[edition.id],
                uco=decimal(rule.tiss_uco_price or edition.uco_amount),
                film=decimal(rule.tiss_film_price or edition.film_amount),
                ch=decimal(rule.tiss_ch_price or edition.ch_amount),
            )
        return self._values[rule.id]

    def _get_terms(self, rule):
        if rule.id not in self._terms:
            self._terms[rule.id] = pricing.Terms(
                percent=decimal(rule.tiss_percent),
                porte_percent=decimal(rule.tiss_porte_percent),
                uco_percent=decimal(rule.tiss_uco_percent),
                base=rule.tiss_price_base,
                pf_margin_percent=decimal(rule.tiss_pf_margin_percent),
                use_fraction=rule.tiss_use_fraction,
            )
        return self._terms[rule.id]

    def _get_policy(self, rule):
        """The fee rules of the convênio, or else of the table, or else the first ones."""
        policy = self.contract.price_policy_id or rule.tiss_price_table_id.policy_id
        if policy.id not in self._policies:
            record = policy or self.env["tiss.price.policy"]._get_default(self.company)
            self._policies[policy.id] = record._get_terms()
        return self._policies[policy.id]
