"""Everything that coverage answers need, read once for many questions.

The book holds the rules, the prices, the network and what patients have used already; who asks
and what is said of it is in `coverage_answer`.
"""

import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, NamedTuple

from odoo import fields
from odoo.tools import SQL

from ..standard.money import to_cents, to_decimal

HISTORY_DAYS = 366  # a whole year of limits; a chain of return visits is followed as far, too
# What a rule can say something about, in the order in which its summary tells it. Only those that
# it says something about are taken from it; the others are asked of the next broader rule.
ASPECTS = {
    "covered": lambda rule: rule.covered,
    "authorization": lambda rule: rule.authorization,
    "waiting": lambda rule: rule.has_waiting or rule.waiting_days,
    "age": lambda rule: rule.min_age or rule.max_age,
    "sex": lambda rule: rule.sex,
    "limit_day": lambda rule: rule.limit_day,
    "limit_month": lambda rule: rule.limit_month,
    "limit_year": lambda rule: rule.limit_year,
    "limit_authorization": lambda rule: rule.limit_authorization,
    "interval": lambda rule: rule.interval_days,
    "return": lambda rule: rule.return_days,
    "deductible": lambda rule: rule.deductible_kind,
    "copayment": lambda rule: rule.copayment_kind,
    "billing_kind": lambda rule: rule.billing_kind,
    "note": lambda rule: rule.note,
}
# Answers by these depend on what the patient has used before.
COUNTING = {
    "limit_day", "limit_month", "limit_year", "limit_authorization", "interval", "return",
    "deductible",
}  # fmt: skip
SAID = (
    "covered", "authorization", "billing_kind", "has_waiting", "waiting_days", "limit_day",
    "limit_month", "limit_year", "limit_authorization", "interval_days", "return_days", "min_age",
    "max_age", "sex", "copayment_kind", "copayment_amount", "copayment_percent",
    "copayment_ceiling", "copayment_at_clinic", "deductible_kind", "deductible_amount", "note",
)  # fmt: skip
CONDITIONS = (
    "product_tmpl_id", "categ_id", "plan_id", "network_status", "mode", "start_date", "end_date",
    "sequence", "name",
)  # fmt: skip


class CoverageRequest(NamedTuple):
    """One question: would this procedure be covered?

    `card` tiss.card, `product` product.product, `professional` res.partner; `authorization` is the
    number or password that was given. `encounter` is the tiss.encounter the item belongs to: its
    stored items do not count as used, but the earlier questions of the same encounter do.
    `amount` is what the items cost in reais, where somebody typed it.
    """

    card: Any
    product: Any
    date: datetime.date
    quantity: float = 1
    mode: str = "on_site"
    professional: Any = None
    authorization: str | None = None
    encounter: Any = None
    amount: Decimal | None = None


class Use(NamedTuple):
    """Something that was done already, or is asked for in the same encounter."""

    encounter_id: int | None
    is_billed: bool
    date: datetime.date
    product_tmpl_id: int
    categ_id: int
    professional_id: int | None
    mode: str
    is_consultation: bool
    authorizations: tuple[str | None, str | None]
    quantity: Decimal
    deductible_cents: int  # of the year's deductible, nothing else that the patient bears


class Share(NamedTuple):
    """The patient's part, in cents."""

    deductible: int
    copayment: int


class Rule(SimpleNamespace):
    """A row of `tiss.coverage` read out of the ORM, for it is asked a million times; ids for
    many2ones, and `scope`: ("product", template id), ("group", category id) or ("all", None)."""

    _name = "tiss.coverage"

    def __init__(self, **values):
        super().__init__(**values)
        self.aspects = get_aspects(self)
        if self.product_tmpl_id:
            self.scope = "product", self.product_tmpl_id
        else:
            self.scope = ("group", self.categ_id) if self.categ_id else ("all", None)

    def get_rank(self):
        """Of two rules of the same scope the one with the smaller rank decides."""
        return (
            not self.plan_id, not self.network_status, not self.mode, self.sequence, self.id,
        )  # fmt: skip

    def applies_to(self, plan_id, network_status, mode, date):
        return (
            self.plan_id in (False, plan_id)
            and self.network_status in (False, network_status)
            and self.mode in (False, mode)
            and _is_within(self, date)
        )


def get_aspects(rule):
    """What a `Rule` or a `tiss.coverage` says something about."""
    return [aspect for aspect, says in ASPECTS.items() if says(rule)]


def split(cents, quantity, *, deductible=0, kind="none", fixed=0, percent=0, ceiling=0):
    """The patient's part of an item: first the deductible, then the co-payment on the rest.

    :param cents: price of the whole item; `deductible`, `fixed` and `ceiling` are cents too
    :param quantity: a fixed co-payment and the ceiling are per unit
    :param kind: "none", "fixed" or "percent"; a percentage is rounded half up to the cent
    :return: `Share`; its parts are never negative and never exceed `cents` together; of a price
        below zero the patient bears nothing
    """
    cents = max(cents, 0)
    paid = min(cents, max(deductible, 0))
    rest = cents - paid
    copayment = get_copayment(rest, quantity, kind, fixed, percent, ceiling)
    return Share(paid, min(copayment, rest))


def get_copayment(cents, quantity, kind, fixed=0, percent=0, ceiling=0):
    """Co-payment in cents on an amount of `cents`, not yet limited to that amount."""
    quantity = to_decimal(quantity, 4)
    if kind == "fixed":
        copayment = int(to_decimal(fixed * quantity, 0))
    elif kind == "percent":
        copayment = int(to_decimal(cents * to_decimal(percent) / 100, 0))
    else:
        copayment = 0
    if ceiling:
        copayment = min(copayment, int(to_decimal(ceiling * quantity, 0)))
    return copayment


class CoverageBook:
    """What is known before any question is answered; every read happens when it is made."""

    def __init__(self, contract, requests):
        self.contract = contract
        self.env = contract.env
        self.requests = self._share_prefetch(requests)
        self._fetch_people()
        self._fetch_products()
        self.rules = self._read_rules()
        self.networks = contract._get_networks(self.professionals)
        self.uses = self._read_uses()
        self.prices = contract._get_coverage_prices(self.requests)
        self.eligibilities = self.cards._get_eligibilities(
            (request.card, request.date) for request in self.requests if request.card
        )
        self.today = fields.Date.context_today(contract)
        self._terms = {}
        self._uses_of_visit = {}

    # ------------------------------------------------------------------
    # Reading
    # ------------------------------------------------------------------

    def _share_prefetch(self, requests):
        """The requests on records that are read together, however they were found one by one."""
        self.cards = self._union("tiss.card", requests, "card")
        self.products = self._union("product.product", requests, "product")
        self.professionals = self._union("res.partner", requests, "professional")
        cards = {card.id: card for card in self.cards}
        products = {product.id: product for product in self.products}
        return [
            request._replace(
                card=cards.get(request.card.id, self.cards.browse()),
                product=products[request.product.id],
                # A form is asked while somebody types in it.
                quantity=max(request.quantity, 0),
            )
            for request in requests
        ]

    def _union(self, model, requests, name):
        ids = {getattr(request, name).id for request in requests if getattr(request, name)}
        return self.env[model].browse(sorted(ids))

    def _fetch_people(self):
        dates = ["active", "start_date", "validity_date", "waiting_start_date"]
        self.cards.fetch(["patient_id", "plan_id", "operadora_id", "is_newborn", *dates])
        plans = self.cards.plan_id
        plans.fetch(["name", "network_level_ids"])
        plans.network_level_ids.fetch(["name"])
        (self.cards.patient_id | self.professionals).fetch(["name", "tiss_birth_date", "tiss_sex"])
        self.level_ids = {plan.id: set(plan.network_level_ids.ids) for plan in plans}

    def _fetch_products(self):
        self.products.fetch(["product_tmpl_id"])
        templates = self.products.product_tmpl_id
        templates.fetch(["name", "categ_id", "list_price", "tiss_is_consultation", "tiss_term_id"])
        templates.tiss_term_id.fetch(["code", "start_date", "end_date"])
        # The chain of a group begins at the root: "1/4/9/".
        self.chains = {
            group.id: [int(part) for part in group.parent_path.split("/") if part]
            for group in self.env["product.category"].search_fetch([], ["parent_path"])
        }

    def _read_rules(self):
        """{(kind of scope, id): rules in order of precedence}"""
        found = self.env["tiss.coverage"].search_read(
            [("contract_id", "=", self.contract.id)], [*CONDITIONS, *SAID], load=None
        )
        by_scope = {}
        for rule in sorted((Rule(**values) for values in found), key=Rule.get_rank):
            by_scope.setdefault(rule.scope, []).append(rule)
        return by_scope

    def _read_uses(self):
        """{patient id: what the convênio's patients have used, by date}; one query"""
        Line = self.env["tiss.encounter.line"]
        Line.check_access("read")
        if not self._needs_uses():
            return {}
        first = min(request.date for request in self.requests)
        first -= datetime.timedelta(self._get_history_days())
        Line.flush_model(
            ["encounter_id", "product_id", "professional_id", "quantity", "yearly_deductible"]
        )
        self.env["tiss.encounter"].flush_model()
        self.env["product.template"].flush_model(["categ_id", "tiss_is_consultation"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT e.patient_id, e.id, e.state = 'billed', e.date, p.product_tmpl_id,
                       t.categ_id, COALESCE(l.professional_id, e.professional_id), e.mode,
                       COALESCE(t.tiss_is_consultation, false),
                       e.authorization_password, e.authorization_number,
                       l.quantity, COALESCE(l.yearly_deductible, 0)
                  FROM tiss_encounter_line l
                  JOIN tiss_encounter e ON e.id = l.encounter_id
                  JOIN product_product p ON p.id = l.product_id
                  JOIN product_template t ON t.id = p.product_tmpl_id
                 WHERE e.contract_id = %s AND e.patient_id = ANY(%s) AND e.date >= %s
                   AND e.state != 'cancelled'
                 ORDER BY e.date, e.id
                """,
                self.contract.id,
                self.cards.patient_id.ids,
                first,
            )
        )
        uses = {}
        for patient_id, *values, password, number, quantity, deductible in rows:
            used = to_decimal(quantity, 4)
            use = Use(*values, (password, number), used, to_cents(deductible))
            uses.setdefault(patient_id, []).append(use)
        return uses

    def _get_history_days(self):
        intervals = (rule.interval_days for rules in self.rules.values() for rule in rules)
        return max(HISTORY_DAYS, *intervals)

    def _needs_uses(self):
        return any(
            not COUNTING.isdisjoint(rule.aspects) for rules in self.rules.values() for rule in rules
        )

    # ------------------------------------------------------------------
    # Looking up
    # ------------------------------------------------------------------

    def get_eligibility(self, request):
        """The last `tiss.eligibility` that the operadora had answered on the day; may be empty."""
        return self.eligibilities[request.card, request.date]

    def get_network(self, professional, date):
        """(network status, network level) in which `professional` attends on `date`."""
        return self.networks(professional.id if professional else None, date)

    def get_terms(self, request):
        """{aspect: the rule that decides it} for a question, the most specific rule first."""
        template = request.product.product_tmpl_id
        status, _level = self.get_network(request.professional, request.date)
        key = (request.card.plan_id.id, status, request.mode, request.date)
        if (template.id, *key) not in self._terms:
            terms = {}
            for rule in self._get_rules(template):
                if rule.applies_to(*key):
                    for aspect in rule.aspects:
                        terms.setdefault(aspect, rule)
            self._terms[(template.id, *key)] = terms
        return self._terms[(template.id, *key)]

    def _get_rules(self, template):
        yield from self.rules.get(("product", template.id), ())
        for categ_id in reversed(self.chains.get(template.categ_id.id, [])):
            yield from self.rules.get(("group", categ_id), ())
        yield from self.rules.get(("all", None), ())

    def get_uses(self, request):
        """What the patient had used when `request` comes, in order of dates.

        For a stored encounter only what came before it: otherwise the third of three visits would
        put all three over the limit. What is billed has taken its place whatever its date.
        """
        uses = self.uses.get(request.card.patient_id.id, ())
        encounter_id = request.encounter._origin.id if request.encounter else None
        if not encounter_id:
            return uses
        mine = (request.date, encounter_id)
        return [
            use
            for use in uses
            if use.encounter_id != encounter_id
            and (use.is_billed or (use.date, use.encounter_id) < mine)
        ]

    def get_uses_of_visit(self, request):
        """What the earlier items of the same encounter use, when their answers are known."""
        return self._uses_of_visit.get(request.encounter, []) if request.encounter else []

    def remember(self, request, deductible_cents):
        """Let the next items of the same encounter count this one."""
        if not request.encounter:
            return
        template = request.product.product_tmpl_id
        use = Use(
            encounter_id=None,
            is_billed=False,
            date=request.date,
            product_tmpl_id=template.id,
            categ_id=template.categ_id.id,
            professional_id=request.professional.id if request.professional else None,
            mode=request.mode,
            is_consultation=template.tiss_is_consultation,
            authorizations=(request.authorization, None),
            quantity=to_decimal(request.quantity, 4),
            deductible_cents=deductible_cents,
        )
        self._uses_of_visit.setdefault(request.encounter, []).append(use)

    def in_scope(self, rule, use):
        """Whether something that was used counts for `rule`."""
        kind, scope_id = rule.scope
        if rule.mode and rule.mode != use.mode:
            return False
        if kind == "product":
            return use.product_tmpl_id == scope_id
        return kind == "all" or scope_id in self.chains.get(use.categ_id, ())


def _is_within(record, date):
    return (not record.start_date or record.start_date <= date) and (
        not record.end_date or date <= record.end_date
    )
