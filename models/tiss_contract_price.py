from decimal import Decimal

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_amount, format_date, formatLang
from odoo.tools.translate import LazyTranslate

from ..standard import pricing
from ..standard.money import MAX_AMOUNT, to_decimal
from .price_book import PriceBook, PriceRequest

_lt = LazyTranslate(__name__)

# What each step of a calculation says; a percent sign is doubled.
SENTENCES = {
    "rule": _lt("%(pricelist)s: %(rule)s%(conditions)s%(period)s"),
    "fixed": _lt("Agreed price: %(amount)s"),
    "tele": _lt("Agreed price for telehealth: %(amount)s"),
    "formula": _lt("By the rule “%(label)s”: %(amount)s"),
    "row": _lt("“%(table)s”, row %(code)s: %(name)s"),
    "amount": _lt("Price in the table: %(amount)s"),
    "porte": _lt("Porte %(porte)s of “%(edition)s”: %(amount)s"),
    "fraction": _lt("× %(fraction)s (fraction of the porte)"),
    "band": _lt("× %(part)s%% (band %(percent)s%%)"),
    "uco": _lt("UCO %(quantity)s × %(value)s = %(amount)s"),
    "film": _lt("Film %(quantity)s m² × %(value)s = %(amount)s"),
    "ch": _lt("CH %(quantity)s × %(value)s = %(amount)s"),
    "pmc": _lt("PMC: %(amount)s"),
    "pf": _lt("PF: %(amount)s"),
    "pmc_fraction": _lt("PMC of one unit: %(amount)s"),
    "pf_fraction": _lt("PF of one unit: %(amount)s"),
    "no_pmc": _lt("The table has no PMC: the PF counts."),
    "margin": _lt("Margin on the PF: %(percent)s%%"),
    "percent": _lt("× %(part)s%% (inflator or deflator %(percent)s%%)"),
    "component": _lt("%(product)s: %(quantity)s × %(value)s = %(amount)s"),
    "sum": _lt("Sum of the components: %(amount)s"),
    "auxiliary": _lt("Assistant %(position)s: %(percent)s%% of the surgeon's fee"),
    "instrumentator": _lt("Scrub nurse: %(percent)s%% of the surgeon's fee"),
    "anaesthetic": _lt("Anaesthetist: anaesthetic porte %(number)s"),
    "same_access": _lt("Procedure %(order)s by the same access: %(percent)s%%"),
    "different_access": _lt("Procedure %(order)s by another access: %(percent)s%%"),
    "by_order": _lt("Procedure %(order)s of the act: %(percent)s%%"),
    "urgency": _lt("Urgent at night, on a weekend or a holiday: %(percent)s%% more"),
    "urgency_outside": _lt("Urgent, but in ordinary hours: nothing more"),
    "urgency_unknown": _lt("Urgent, but the time is not known: nothing more"),
    "accommodation": _lt("Accommodation: × %(factor)s"),
    "accommodation_excluded": _lt("Accommodation: nothing more in chapter %(chapter)s"),
    "factor": _lt("Factor on the item (reduction or increase): %(factor)s"),
    "folded": _lt("The unit price holds the factor %(factor)s: the fee becomes %(amount)s"),
    "unit": _lt("Unit price: %(amount)s"),
    # Why there is no price
    "no_list": _lt("%(contract)s has no price list."),
    "no_rule": _lt("%(contract)s has no price for %(product)s on %(date)s."),
    "not_covered": _lt("%(product)s is not covered by %(contract)s on %(date)s."),
    "not_tele": _lt("%(product)s is not agreed for telehealth with %(contract)s."),
    "not_on_site": _lt("%(product)s is agreed only for telehealth with %(contract)s."),
    "no_row": _lt("%(product)s: “%(table)s” has no row with the code %(code)s."),
    "ambiguous_row": _lt(
        "%(product)s: several rows of “%(table)s” have the TUSS code %(code)s (%(codes)s)."
    ),
    "empty_row": _lt("%(product)s: its row in the table has neither a weight nor a porte."),
    "no_porte_value": _lt("%(product)s: “%(edition)s” has no value for the porte %(porte)s."),
    "no_uco_value": _lt("%(product)s: “%(edition)s” has no value for the UCO."),
    "no_film_value": _lt("%(product)s: “%(edition)s” has no value for the film."),
    "no_ch_value": _lt("%(product)s: “%(edition)s” has no value for the CH."),
    "no_pmc_price": _lt("%(product)s has no PMC in the table."),
    "no_pf_price": _lt("%(product)s has no PF in the table."),
    "no_auxiliary": _lt(
        "%(product)s provides for %(count)s assistants: there is no price for number %(position)s."
    ),
    "no_anaesthetist": _lt("%(product)s needs no anaesthetist."),
    "no_anaesthetist_price": _lt(
        "The price of %(product)s is the surgeon's: use a code of the anaesthetist's own."
    ),
    "unknown_anaesthetic_porte": _lt(
        "%(product)s: the fee rules do not know the anaesthetic porte %(number)s."
    ),
    "circular": _lt("%(product)s is a package that contains itself."),
    "empty_package": _lt("%(product)s is a package without components."),
    "no_component": _lt("%(product)s has no price because of %(component)s: %(reason)s"),
}
MONEY = ("amount", "value")
KNOWN = {
    "access": ("same", "different"),
    "role": (
        "surgeon",
        *(f"auxiliary_{number}" for number in range(1, 5)),
        "instrumentator",
        "anaesthetist",
    ),
}
MODES = ("on_site", "tele")


class TissContract(models.Model):
    """What a procedure is worth on a day, and why."""

    _inherit = "tiss.contract"

    price_policy_id = fields.Many2one(
        "tiss.price.policy",
        "Fee Rules",
        check_company=True,
        ondelete="restrict",
        tracking=True,
        help="How several procedures, urgency and accommodation change a fee.",
    )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def price_for(self, product, date, quantity=1, mode="on_site", **details):
        """Price of a product on a day, and why.

        Amounts are Decimal: JSON-RPC sends them as text such as "150.00", and XML-RPC cannot send
        them.

        :param product: `product.product`
        :param date: date of the service
        :param mode: "on_site" or "tele"
        :param details: of `PriceRequest`: plan, professional, order (1: the largest procedure of
            the act), access ("same", "different"), moment and moment_end (local), urgent,
            accommodation, role ("surgeon", "auxiliary_1" to "auxiliary_4", "instrumentator",
            "anaesthetist")
        :return: dict: `unit_amount` and `amount` (Decimal reais, None without a price), `factor`
            (Decimal, what surcharges the guia's item carries), `rule_id` (False when none was
            found) and `explanation`, a list of sentences
        """
        request = self._prepare_price_request(
            product=product, date=date, quantity=quantity, mode=mode, **details
        )
        return self._to_answer(*self._compute_prices([request]))

    def price_act(self, items, date, **details):
        """Prices of several procedures done in one act: the largest first, the others reduced.

        A procedure on both sides of the body is given twice.

        :param items: list of (product, quantity), or of dicts with `product` and any of
            `PriceRequest`, such as access or role
        :param details: what all items share
        :return: list of dicts as of `price_for`, in the order of `items`
        """
        requests = [
            self._prepare_price_request(**{"date": date, **details, **self._to_details(item)})
            for item in items
        ]
        prices = self._compute_act_prices(requests, [True] * len(requests))
        return [self._to_answer(price) for price in prices]

    def _compute_prices(self, requests):
        """Prices for many requests in a constant number of queries.

        :param requests: iterable of `PriceRequest`
        :return: list of `Price`, in their order
        """
        self.ensure_one()
        self.check_access("read")
        requests = list(requests)
        book = PriceBook(self, requests)
        # Many patients have the same plan and come for the same procedure: one answer serves all.
        answers = {request: book.price(request) for request in dict.fromkeys(requests)}
        return [answers[request] for request in requests]

    def _compute_act_prices(self, requests, acts):
        """As `_compute_prices`, but procedures of one act are ranked by their amount.

        :param acts: parallel to `requests`; requests with the same value belong to one act, None
            is none. Each surgeon has his own order: two teams are paid in full.
        """
        self.ensure_one()
        self.check_access("read")
        requests = list(requests)
        book = PriceBook(self, requests)
        for positions in self._group(range(len(requests)), acts.__getitem__).values():
            if acts[positions[0]] is not None:
                for position, place in self._rank_act(book, requests, positions).items():
                    order, auxiliaries = place
                    requests[position] = requests[position]._replace(
                        order=order, auxiliaries=auxiliaries
                    )
        return [book.price(request) for request in requests]

    def _group(self, positions, key):
        groups = {}
        for position in positions:
            groups.setdefault(key(position), []).append(position)
        return groups

    def _rank_act(self, book, requests, positions):
        """Each procedure's place in its act: {position: (order, assistants provided for)}.

        The team follows its surgeon, whose fee its own are shares of (guide §8.3). Whoever is
        billed without a surgeon is ranked by himself.
        """

        def member(position):
            request = requests[position]
            professional = request.professional.id if request.professional else False
            # Nobody says of a surgeon who is alone that he is one.
            return request.role or "surgeon", professional

        places, of_product = {}, {}
        groups = self._group(positions, member).items()
        for (role, _professional), group in sorted(
            groups, key=lambda each: each[0][0] != "surgeon"
        ):
            followed = role != "surgeon" and self._follow(requests, group, of_product)
            places |= followed or self._rank(book, requests, group)
            if role == "surgeon":
                for position in group:
                    product = requests[position].product
                    of_product.setdefault(product, []).append(places[position])
        return places

    def _follow(self, requests, group, of_product):
        """The surgeons' places of the same procedures; none when one of them has no surgeon."""
        places = {}
        for product, positions in self._group(group, lambda each: requests[each].product).items():
            known = of_product.get(product)
            if not known:
                return {}
            # Both sides of the body: the second time it is the second place.
            for i, position in enumerate(positions):
                places[position] = known[min(i, len(known) - 1)]
        return places

    def _rank(self, book, requests, group):
        """The largest whole amount first; how many assistants there are is said by it."""

        def amount(position):
            alone = requests[position]._replace(order=1, access=None, quantity=1, role=None)
            return book.price(alone).amount or pricing.ZERO

        ranked = sorted(group, key=amount, reverse=True)
        auxiliaries = book.get_auxiliaries(requests[ranked[0]])
        return {position: (order, auxiliaries) for order, position in enumerate(ranked, start=1)}

    def _prepare_price_request(self, **details):
        """A `PriceRequest` of records or of ids."""
        details = self._to_records(details)
        for name in ("moment", "moment_end"):
            if details.get(name):
                details[name] = fields.Datetime.to_datetime(details[name])
        for name, known in KNOWN.items():
            if details.get(name) and details[name] not in known:
                raise UserError(
                    self.env._(
                        "“%(value)s” is no %(name)s of a price: it is one of %(known)s.",
                        value=details[name],
                        name=name,
                        known=", ".join(known),
                    )
                )
        return PriceRequest(**details)

    def _to_records(self, details):
        """What a caller from outside sends of a question: ids become records, texts dates."""
        models_by_name = {
            "product": "product.product",
            "plan": "tiss.plan",
            "professional": "res.partner",
            "card": "tiss.card",
            "encounter": "tiss.encounter",
        }
        details = dict(details, date=self._to_day(details["date"]))
        for name, model in models_by_name.items():
            if name in details:
                details[name] = self._to_record(model, details[name])
        self._check_question(details)
        return details

    def _to_day(self, value):
        try:
            day = fields.Date.to_date(value)
        except (TypeError, ValueError):
            raise UserError(self.env._("“%s” is no day: write it as 2027-03-10.", value)) from None
        if not day:
            raise UserError(self.env._("Say on which day."))
        return day

    def _to_record(self, model, value):
        records = self.env[model]
        if isinstance(value, type(records)):
            return value
        if value is not None and not isinstance(value, int):
            raise UserError(
                self.env._(
                    "“%(value)s” is not the id of a record of %(model)s.",
                    value=value,
                    model=model,
                )
            )
        return records.browse(value or [])

    def _check_question(self, details):
        """Refuse what would be answered with nonsense or with an error of the program."""
        if not details["product"]:
            raise UserError(self.env._("Choose the procedure."))
        if "mode" in details and details["mode"] not in MODES:
            raise UserError(
                self.env._(
                    "“%(mode)s” is no way of attending: choose one of %(modes)s.",
                    mode=details["mode"],
                    modes=", ".join(MODES),
                )
            )
        if _to_number(details.get("quantity", 1)) <= 0:
            raise UserError(self.env._("The quantity is a number above zero."))
        if details.get("amount") is not None and _to_number(details["amount"]) < 0:
            raise UserError(self.env._("The amount is a number, zero or more."))

    def _to_details(self, item):
        if isinstance(item, dict):
            return item
        product, quantity = item
        return {"product": product, "quantity": quantity}

    # ------------------------------------------------------------------
    # Words
    # ------------------------------------------------------------------

    def _to_answer(self, price):
        return {
            "unit_amount": price.unit_amount,
            "factor": price.factor,
            "amount": price.amount,
            "rule_id": price.rule.id,
            "explanation": self._get_price_sentences(price),
        }

    def _get_price_sentences(self, price):
        """The steps of a `Price` in words, one sentence each."""
        return [self._get_step_sentence(step) for step in price.steps]

    def _get_step_sentence(self, step):
        params = {name: self._format_param(name, value) for name, value in step.params.items()}
        if step.code == "rule":
            params.update(self._get_rule_words(step.params["rule"]))
        elif step.code == "formula":
            params["label"] = step.params["rule"].price
        translate = self.env._  # the sentence is a lazy one, found by its own name
        return translate(SENTENCES[step.code]) % params

    def _format_param(self, name, value):
        if isinstance(value, pricing.Step):
            return self._get_step_sentence(value)
        if isinstance(value, models.BaseModel):
            return value.display_name
        if isinstance(value, Decimal) and name in MONEY:
            return self._format_money(value)
        if isinstance(value, Decimal):
            return self._format_number(value)
        if name == "date":
            return format_date(self.env, value)
        return value

    def _format_number(self, value, digits=0):
        """A number with the decimals that it has, at least `digits`."""
        decimals = -value.normalize().as_tuple().exponent
        return formatLang(self.env, float(value), digits=max(digits, decimals))

    def _format_money(self, value):
        """Reais; a unit such as the CH keeps its third and fourth decimal."""
        currency = self.currency_id or self.env.company.currency_id
        if value == pricing.cents(value):
            return format_amount(self.env, float(value), currency)
        return f"{currency.symbol}\N{NO-BREAK SPACE}{self._format_number(value, 2)}"

    def _get_rule_words(self, rule):
        """Name, conditions and validity of a price rule."""
        status = dict(rule._fields["tiss_network_status"]._description_selection(self.env))
        conditions = filter(
            None,
            (
                rule.tiss_plan_id.name,
                status.get(rule.tiss_network_status),
                rule.tiss_network_level_id.name,
            ),
        )
        has_period = rule.date_start or rule.date_end
        return {
            "rule": rule.name,
            "conditions": "".join(f" · {word}" for word in conditions),
            "period": f", {rule._tiss_get_period()}" if has_period else "",
        }


def _to_number(value):
    """A number as four decimals hold it; -1 for anything else: NaN, a text, more than fits."""
    if isinstance(value, str):
        return -1
    try:
        number = to_decimal(value, 4)
    except ArithmeticError:
        return -1
    return number if number.is_finite() and number <= MAX_AMOUNT else -1
