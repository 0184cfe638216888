"""One answer: is it covered, who pays what, and every reason in a sentence."""

import datetime
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from ..standard.money import from_cents, line_total, to_cents, to_decimal
from .coverage_book import get_copayment, split
from .tiss_coverage import format_quantity

# A reason that blocks, one that a person should look at, and one that only explains.
BLOCK, WARN, INFO = "block", "warn", "info"


class CoverageAnswer:
    """Answers one request out of a `CoverageBook`; reads nothing from the database."""

    def __init__(self, book, request, price, formats):
        self.book = book
        self.request = request
        self.price = price
        self.format_date, self.format_amount = formats
        self.env = book.env
        self.contract = book.contract
        self.card = request.card
        self.patient = request.card.patient_id
        self.template = request.product.product_tmpl_id
        self.quantity = to_decimal(request.quantity, 4)
        self.item = price.rule
        self.terms = book.get_terms(request)
        self.uses = book.get_uses(request)
        self.reasons = []
        self.is_covered = True
        self.needs_authorization = False
        self.is_return = False
        self.deductible_cents = 0  # what this item takes of the year's deductible

    def get(self):
        """The dict that `coverage_for` documents."""
        if self.card:
            self._check_card()
            self._check_newborn()
            self._check_eligibility()
        else:
            self._say("no_card", BLOCK, self.env._("Choose the patient's card."))
        self._check_contract()
        self._check_network()
        self._check_product()
        self._check_patient()
        self._check_waiting()
        self._check_limits()
        self._check_interval()
        if self.is_covered:
            self._check_return()
            self._check_authorization()
        if "note" in self.terms:
            rule = self.terms["note"]
            self._say("note", INFO, rule.note, rule)
        patient_cents, operadora_cents = self._compute_amounts()
        if self.is_covered:
            self.book.remember(self.request, self.deductible_cents)
        return {
            "covered": self.is_covered,
            "authorization_required": self.needs_authorization,
            "patient_amount": from_cents(patient_cents),
            "operadora_amount": from_cents(operadora_cents),
            "yearly_deductible": from_cents(self.deductible_cents),
            "unit_amount": self.price.unit_amount,
            "amount": self._get_amount(),
            "billing_kind": self._get_billing_kind(),
            "copayment_at_clinic": self._is_collected_here(),
            "reasons": self.reasons,
        }

    def _say(self, code, kind, message, record=None):
        """Add a reason; one that blocks decides the answer."""
        if kind == BLOCK:
            self.is_covered = False
        if record and record._name == "tiss.coverage":
            message = self.env._(
                "%(message)s (rule: %(rule)s)",
                message=message.removesuffix("."),
                rule=self._get_rule_name(record),
            )
        self.reasons.append(
            {
                "code": code,
                "kind": kind,
                "message": message,
                "model": record._name if record else None,
                "res_id": record.id if record else None,
            }
        )

    def _get_rule_name(self, rule):
        """The rule's name, without the long name of the procedure that was asked for."""
        if rule.scope[0] == "product":
            return rule.name.replace(self.template.name, self.env._("this procedure"), 1)
        return rule.name

    # ------------------------------------------------------------------
    # Card, contract, network
    # ------------------------------------------------------------------

    def _check_card(self):
        card, date = self.card, self.request.date
        if not card.active:
            message = self.env._("The card is archived.")
            self._say("card_archived", self._get_archived_kind(), message, card)
        if card.operadora_id != self.contract.partner_id:
            message = self.env._(
                "The card is of %(operadora)s, not of %(contract)s.",
                operadora=card.operadora_id.name,
                contract=self.contract.name,
            )
            self._say("other_operadora", BLOCK, message, card)
        if card.validity_date and card.validity_date < date:
            message = self.env._("The card expired on %s.", self.format_date(card.validity_date))
            self._say("card_expired", BLOCK, message, card)
        start = max(filter(None, (card.start_date, card.waiting_start_date)), default=None)
        if start and date < start:
            message = self.env._("The card is valid from %s on.", self.format_date(start))
            self._say("card_not_yet_valid", BLOCK, message, card)

    def _get_archived_kind(self):
        """No day says since when: what was done before today may have been right."""
        return BLOCK if self.request.date >= self.book.today else WARN

    def _check_newborn(self):
        if not self.card.is_newborn:
            return
        last = self.card.newborn_until
        if not last:
            message = self.env._(
                "Fill in the newborn's birth date: the parent's card covers 30 days."
            )
            self._say("newborn_unknown", WARN, message, self.patient)
            return
        if self.request.date > last:
            message = self.env._(
                "The parent's card covered the newborn until %s: register a card of the child's"
                " own.",
                self.format_date(last),
            )
            self._say("newborn_over", BLOCK, message, self.card)

    def _check_eligibility(self):
        """What the operadora answered last; a no counts until it says otherwise.

        About a day that has passed since nobody knows what it would have said.
        """
        contract, check = self.contract, self.book.get_eligibility(self.request)
        day = min(self.request.date, self.book.today)
        state = check._get_state_on(day, contract.eligibility_days) if check else None
        if state == "not_eligible":
            is_known = self.request.date >= self.book.today
            kind = BLOCK if is_known or check.answer_date == self.request.date else WARN
            self._say("not_eligible", kind, check._describe(), check)
        elif state == "old" and contract.eligibility_required:
            message = self.env._("Verify the card at the operadora again: %s", check._describe())
            self._say("eligibility_old", WARN, message, check)
        elif state:
            self._say("eligible", INFO, check._describe(), check)
        elif contract.eligibility_required:
            message = self.env._("Nobody has verified at the operadora yet that the card is good.")
            self._say("eligibility_unknown", WARN, message, self.card)

    def _check_contract(self):
        contract, date = self.contract, self.request.date
        if not contract.active:
            message = self.env._("The convênio %s is archived.", contract.name)
            self._say("contract_archived", self._get_archived_kind(), message, contract)
        if contract.start_date and date < contract.start_date:
            message = self.env._(
                "The convênio is in force from %s on.", self.format_date(contract.start_date)
            )
            self._say("contract_not_in_force", BLOCK, message, contract)
        if contract.end_date and contract.end_date < date:
            end = self.format_date(contract.end_date)
            if contract.renewal == "automatic":
                message = self.env._(
                    "The convênio ended on %s and renews by itself: was it renewed?", end
                )
                self._say("contract_renewal", WARN, message, contract)
            else:
                message = self.env._("The convênio was in force until %s.", end)
                self._say("contract_not_in_force", BLOCK, message, contract)
        operadora = contract.partner_id
        since = operadora.tiss_state_date
        if operadora.tiss_state == "inactive" and not (since and date < since):
            message = self.env._("The operadora %s is inactive.", operadora.name)
            self._say("operadora_inactive", BLOCK, message, operadora)

    def _check_network(self):
        """A plan that lists levels of the network pays only for these."""
        plan = self.card.plan_id
        levels = self.book.level_ids.get(plan.id)
        if not levels:
            return
        _status, level = self.book.get_network(self.request.professional, self.request.date)
        if not level:
            message = self.env._(
                "The plan %(plan)s is only for some levels of the network, and the convênio does"
                " not say which is the clinic's.",
                plan=plan.name,
            )
            self._say("network_unknown", WARN, message, self.contract)
        elif level.id not in levels:
            message = self.env._(
                "%(level)s is not in the network of the plan %(plan)s.",
                level=level.name,
                plan=plan.name,
            )
            self._say("out_of_network", BLOCK, message, plan)

    # ------------------------------------------------------------------
    # The procedure
    # ------------------------------------------------------------------

    def _check_product(self):
        term = self.template.tiss_term_id
        if term and not term._is_valid_on(self.request.date):
            message = self.env._(
                "The TUSS code %(code)s was not valid on %(date)s: choose the one that took its"
                " place.",
                code=term.code,
                date=self.format_date(self.request.date),
            )
            self._say("code_not_valid", BLOCK, message, term)
        rule = self.terms.get("covered")
        untick = self._get_untick()
        # A row that somebody unticked is about this very product; only a rule about it says more.
        if untick and (not rule or rule.scope[0] != "product"):
            self._say(*untick)
        elif rule and rule.covered == "no":
            message = self.env._("It is not covered.")
            self._say("rule_not_covered", BLOCK, message, rule)
        elif rule:
            message = self.env._("It is covered.")
            self._say("rule_covered", INFO, message, rule)
        elif self.price.unit_amount is None:
            message = self.env._(
                "%(contract)s says nothing about %(product)s and has no price for it.",
                contract=self.contract.name,
                product=self.template.name,
            )
            self._say("nothing_said", BLOCK, message, self.contract)
        else:
            message = self.env._("It is in the price list of %s.", self.contract.name)
            self._say("price_listed", INFO, message, self.contract)
        if self.is_covered and self.price.unit_amount is None:
            message = self.env._("It has no price yet.")
            self._say("no_price", WARN, message, self.contract)

    def _get_untick(self):
        """Reason why the row of the price list itself says no; None when it does not."""
        item = self.item
        if not item or not item.product_tmpl_id:
            return None
        if not item.tiss_covered:
            message = self.env._("It is unticked in the convênio's list.")
            return "unticked", BLOCK, message, self.contract
        if self.request.mode == "on_site" and not item.tiss_on_site:
            message = self.env._("It is not paid on-site.")
            return "not_on_site", BLOCK, message, self.contract
        if self.request.mode == "tele" and not item.tiss_tele:
            message = self.env._("It is not paid by telehealth.")
            return "not_tele", BLOCK, message, self.contract
        return None

    # ------------------------------------------------------------------
    # The patient
    # ------------------------------------------------------------------

    def _check_patient(self):
        birth = self.patient.tiss_birth_date
        if birth and self.request.date < birth:
            message = self.env._(
                "The patient was born after that day, on %s: is the birth date right?",
                self.format_date(birth),
            )
            self._say("not_born", BLOCK, message, self.patient)
        elif "age" in self.terms:
            self._check_age(self.terms["age"])
        rule = self.terms.get("sex")
        if rule and not self.patient.tiss_sex:
            message = self.env._("It is covered for one sex only: fill in the patient's.")
            self._say("sex_unknown", WARN, message, self.patient)
        elif rule and rule.sex != self.patient.tiss_sex:
            message = self.env._("It is not covered for a patient of this sex.")
            self._say("sex", BLOCK, message, rule)

    def _check_age(self, rule):
        birth = self.patient.tiss_birth_date
        if not birth:
            message = self.env._("It depends on the age: fill in the patient's birth date.")
            self._say("age_unknown", WARN, message, self.patient)
            return
        age = relativedelta(self.request.date, birth).years
        if age < rule.min_age:
            message = self.env._(
                "It is covered from %(first)s years of age on; the patient is %(age)s.",
                first=rule.min_age,
                age=age,
            )
            self._say("age", BLOCK, message, rule)
        elif rule.max_age and age > rule.max_age:
            message = self.env._(
                "It is covered until %(last)s years of age; the patient is %(age)s.",
                last=rule.max_age,
                age=age,
            )
            self._say("age", BLOCK, message, rule)

    def _check_waiting(self):
        rule = self.terms.get("waiting")
        if not rule or not rule.waiting_days:
            return
        start = self.card.waiting_start_date
        if not start:
            message = self.env._(
                "It has a waiting period of %s days: fill in on the card from which day it counts.",
                rule.waiting_days,
            )
            self._say("waiting_unknown", WARN, message, self.card)
            return
        end = start + datetime.timedelta(rule.waiting_days)
        if self.request.date < end:
            message = self.env._(
                "Waiting period of %(days)s days: covered from %(date)s on.",
                days=rule.waiting_days,
                date=self.format_date(end),
            )
            self._say("waiting_period", BLOCK, message, rule)

    # ------------------------------------------------------------------
    # What was used before
    # ------------------------------------------------------------------

    def _get_uses(self, rule):
        uses = [*self.uses, *self.book.get_uses_of_visit(self.request)]
        return [use for use in uses if self.book.in_scope(rule, use)]

    def _check_limits(self):
        for aspect in ("limit_day", "limit_month", "limit_year"):
            rule = self.terms.get(aspect)
            if rule:
                start, end = get_period(aspect, self.request.date)
                uses = [use for use in self._get_uses(rule) if start <= use.date < end]
                self._check_limit(aspect, rule, sum(use.quantity for use in uses), end)
        rule = self.terms.get("limit_authorization")
        if rule:
            given = self.request.authorization
            uses = [use for use in self._get_uses(rule) if given and given in use.authorizations]
            self._check_limit("limit_authorization", rule, sum(use.quantity for use in uses), None)

    def _check_limit(self, aspect, rule, used, next_date):
        limit = to_decimal(getattr(rule, aspect))
        if used + self.quantity <= limit:
            return
        numbers = {
            "used": format_quantity(self.env, used),
            "limit": format_quantity(self.env, limit),
        }
        if self.quantity > limit:
            message = self._get_limit_sentence(aspect) % numbers
        elif next_date:
            message = self.env._(
                "%(sentence)s Next possible on %(date)s.",
                sentence=self._get_used_sentence(aspect) % numbers,
                date=self.format_date(next_date),
            )
        else:
            message = self._get_used_sentence(aspect) % numbers
        self._say(aspect, BLOCK, message, rule)

    def _get_used_sentence(self, aspect):
        if aspect == "limit_day":
            return self.env._("%(used)s of %(limit)s used on that day.")
        if aspect == "limit_month":
            return self.env._("%(used)s of %(limit)s used in that month.")
        if aspect == "limit_year":
            return self.env._("%(used)s of %(limit)s used in that year.")
        return self.env._("%(used)s of %(limit)s used of this authorisation.")

    def _get_limit_sentence(self, aspect):
        if aspect == "limit_day":
            return self.env._("At most %(limit)s per day.")
        if aspect == "limit_month":
            return self.env._("At most %(limit)s per month.")
        if aspect == "limit_year":
            return self.env._("At most %(limit)s per year.")
        return self.env._("At most %(limit)s per authorisation.")

    def _check_interval(self):
        """Days between two of the same procedure; several in one visit are one time."""
        rule = self.terms.get("interval")
        if not rule:
            return
        dates = [
            use.date
            for use in self.uses
            if use.product_tmpl_id == self.template.id and use.date <= self.request.date
        ]
        if not dates:
            return
        next_date = max(dates) + datetime.timedelta(rule.interval_days)
        if self.request.date < next_date:
            message = self.env._(
                "It was done on %(last)s: next possible on %(date)s.",
                last=self.format_date(max(dates)),
                date=self.format_date(next_date),
            )
            self._say("interval", BLOCK, message, rule)

    def _check_return(self):
        """A consultation soon after a paid one is its return, and nobody pays it again."""
        rule = self.terms.get("return")
        if not rule or not self.template.tiss_is_consultation:
            return
        paid = None
        for date in self._get_consultation_dates():
            # The return of a visit does not start the days again.
            if paid is None or (date - paid).days > rule.return_days:
                paid = date
        if paid and (self.request.date - paid).days <= rule.return_days:
            self.is_return = True
            message = self.env._(
                "It is the return of the consultation of %s: nobody pays it again.",
                self.format_date(paid),
            )
            self._say("return_visit", INFO, message, rule)

    def _get_consultation_dates(self):
        professional = self.request.professional
        for use in self.uses:
            if use.date <= self.request.date and use.is_consultation:
                if professional and use.professional_id == professional.id:
                    yield use.date
                elif not professional and use.product_tmpl_id == self.template.id:
                    yield use.date

    # ------------------------------------------------------------------
    # Authorisation
    # ------------------------------------------------------------------

    def _check_authorization(self):
        rule = self.terms.get("authorization")
        if not rule or rule.authorization == "no":
            return
        if self.request.authorization:
            message = self.env._("The authorisation it needs was given.")
            self._say("authorization_given", INFO, message, rule)
        else:
            self.needs_authorization = True
            message = self.env._("Ask the operadora for an authorisation first.")
            self._say("authorization_required", WARN, message, rule)

    # ------------------------------------------------------------------
    # Money
    # ------------------------------------------------------------------

    def _get_amount(self):
        """What the items cost, in reais; None without a price."""
        if self.request.amount is not None:
            return to_decimal(self.request.amount)
        return self.price.amount

    def _get_billing_kind(self):
        rule = self.terms.get("billing_kind")
        if rule:
            return rule.billing_kind
        return (self.item and self.item.tiss_billing_kind) or "fee_for_service"

    def _is_collected_here(self):
        copayment, deductible = self.terms.get("copayment"), self.terms.get("deductible")
        rule = copayment if copayment and copayment.copayment_kind != "none" else deductible
        who = self.contract.copayment_by
        return bool(rule) and (who == "clinic" or (who == "rule" and rule.copayment_at_clinic))

    def _compute_amounts(self):
        """(patient, operadora) in cents"""
        if not self.is_covered:
            return self._compute_private(), 0
        if self.is_return:
            return 0, 0
        kind = self._get_billing_kind()
        cents = max(to_cents(self._get_amount() or 0), 0)
        if kind == "reimbursement":
            return self._compute_reimbursement(cents), 0
        if kind == "capitation":
            return self._compute_capitation(cents), 0
        return self._compute_fee(cents)

    def _compute_private(self):
        amount = max(line_total(self.quantity, self.template.list_price), Decimal(0))
        if amount:
            message = self.env._("Privately it costs %s.", self.format_amount(amount))
        else:
            message = self.env._("The clinic has no private price for it.")
        self._say("private_price", INFO, message, self.template)
        return to_cents(amount)

    def _compute_reimbursement(self, cents):
        back = line_total(self.quantity, self.item.tiss_reimbursement_price if self.item else 0)
        if back:
            message = self.env._(
                "The patient pays here and asks the operadora for %s back.",
                self.format_amount(back),
            )
        else:
            message = self.env._("The patient pays here and asks the operadora to give it back.")
        self._say("reimbursement", INFO, message, self.terms.get("billing_kind") or self.contract)
        return cents

    def _compute_capitation(self, cents):
        message = self.env._("The operadora pays by the month, nothing for each item.")
        self._say("capitation", INFO, message, self.terms.get("billing_kind") or self.contract)
        rule = self.terms.get("copayment")
        copayment = get_copayment(cents, self.quantity, **self._get_copayment_terms())
        if copayment:
            self._explain_copayment(rule, copayment)
        return copayment

    def _compute_fee(self, cents):
        deductible, copayment = split(
            cents,
            self.quantity,
            deductible=self._get_deductible_left(),
            **self._get_copayment_terms(),
        )
        if deductible:
            rule = self.terms["deductible"]
            if rule.deductible_kind == "year":
                self.deductible_cents = deductible
            message = self.env._(
                "%s of it is the patient's deductible.", self.format_amount(from_cents(deductible))
            )
            self._say("deductible", INFO, message, rule)
        if copayment:
            self._explain_copayment(self.terms["copayment"], copayment)
        return deductible + copayment, cents - deductible - copayment

    def _get_deductible_left(self):
        """In cents: all of it for each item, or what the year has left of it."""
        rule = self.terms.get("deductible")
        if not rule or rule.deductible_kind == "none":
            return 0
        deductible = to_cents(rule.deductible_amount)
        if rule.deductible_kind == "event":
            return deductible
        date = self.request.date
        start = max(date.replace(month=1, day=1), rule.start_date or datetime.date.min)
        borne = sum(
            use.deductible_cents
            for use in self._get_uses(rule)
            if start <= use.date and use.date.year == date.year
        )
        return deductible - borne

    def _get_copayment_terms(self):
        rule = self.terms.get("copayment")
        if not rule:
            return {"kind": "none"}
        return {
            "kind": rule.copayment_kind,
            "fixed": to_cents(rule.copayment_amount),
            "percent": rule.copayment_percent,
            "ceiling": to_cents(rule.copayment_ceiling),
        }

    def _explain_copayment(self, rule, cents):
        amount = self.format_amount(from_cents(cents))
        if self._is_collected_here():
            message = self.env._("Co-payment of %s, collected here.", amount)
        else:
            message = self.env._("Co-payment of %s: the operadora charges it later.", amount)
        self._say("copayment", INFO, message, rule)


def get_period(aspect, date):
    """(first day, first day after it) of the day, month or year that a limit counts in."""
    if aspect == "limit_day":
        return date, date + datetime.timedelta(1)
    if aspect == "limit_month":
        start = date.replace(day=1)
        return start, (start + datetime.timedelta(31)).replace(day=1)
    start = date.replace(month=1, day=1)
    return start, start.replace(year=start.year + 1)
