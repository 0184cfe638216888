from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import float_repr
from odoo.tools.misc import get_lang

from . import period
from .coverage_book import SAID, get_aspects

# Rules of the same scope and conditions may not hold on the same day.
IDENTITY = (
    "contract_id", "product_tmpl_id", "categ_id", "plan_id", "network_status", "mode",
)  # fmt: skip


class TissCoverage(models.Model):
    """What a convênio covers, and on what terms.

    A rule is said of a product, of a group of products or of everything, for a whole convênio, a
    plan or a network status. Each aspect (covered, authorisation, waiting period, limits, …) is
    taken from the most specific rule that says something about it.
    """

    _name = "tiss.coverage"
    _description = "Coverage Rule"
    _inherit = ["tiss.contract.log"]
    _order = "contract_id, sequence, id"
    _check_company_auto = True
    _rec_names_search = ["product_tmpl_id", "categ_id", "plan_id", "note"]
    # The terms in words say all that matters; the rest tells where and when.
    _tiss_log_fields = (
        "name",
        "words",
        "start_date",
        "end_date",
        "active",
    )
    _tiss_log_in_label = ("name",)

    active = fields.Boolean(default=True)
    sequence = fields.Integer(
        default=10, help="Of two rules that are equally specific the first one decides."
    )
    name = fields.Char("About", compute="_compute_name")
    words = fields.Char("Rule", compute="_compute_words")
    summary = fields.Char("In Words", compute="_compute_summary")
    contract_id = fields.Many2one(
        "tiss.contract", "Convênio", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="contract_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    operadora_id = fields.Many2one(related="contract_id.partner_id")

    # ---- What and whom it is about
    product_tmpl_id = fields.Many2one(
        "product.template",
        "Procedure",
        check_company=True,
        index="btree_not_null",
        domain=[("tiss_code", "!=", False)],
        ondelete="restrict",
    )
    categ_id = fields.Many2one("product.category", "Group", ondelete="restrict")
    plan_id = fields.Many2one(
        "tiss.plan", domain="[('operadora_id', '=', operadora_id)]", ondelete="restrict"
    )
    network_status = fields.Selection(selection="_selection_network_status")
    mode = fields.Selection(
        [("on_site", "On-site"), ("tele", "Telehealth")],
        "Attendance",
        help="Empty: both ways of attending.",
    )
    start_date = fields.Date("From")
    end_date = fields.Date("Until", help="The last day on which the rule holds.")

    # ---- Aspects; empty means: not said here, ask the next broader rule
    covered = fields.Selection([("yes", "Covered"), ("no", "Not covered")])
    authorization = fields.Selection([("yes", "Required"), ("no", "Not required")], "Authorisation")
    billing_kind = fields.Selection(selection="_selection_billing_kind", string="Billing Type")
    has_waiting = fields.Boolean(
        "Has a Waiting Period",
        help="Tick it and leave 0 days to say that there is none, whatever broader rules say.",
    )
    waiting_days = fields.Integer(
        "Waiting Period", help="Days from the card's start until it is covered."
    )
    limit_day = fields.Float("Per Day", digits=(9, 2))
    limit_month = fields.Float("Per Month", digits=(9, 2))
    limit_year = fields.Float("Per Year", digits=(9, 2))
    limit_authorization = fields.Float("Per Authorisation", digits=(9, 2))
    interval_days = fields.Integer(
        "Minimum Interval",
        help="Days between two of the same procedure. Every visit that was not cancelled counts, "
        "also one in which it was not covered.",
    )
    return_days = fields.Integer(
        "Return Visit", help="Days in which a consultation is the return of the one before."
    )
    min_age = fields.Integer("From Age")
    max_age = fields.Integer("To Age", help="Last year of age that is covered; 0: no end.")
    sex = fields.Selection([("m", "Male"), ("f", "Female")], "Only for")
    copayment_kind = fields.Selection(
        [("none", "None"), ("fixed", "Fixed amount"), ("percent", "Percent")], "Co-payment"
    )
    copayment_amount = fields.Monetary("Amount", help="For each unit that is done.")
    copayment_percent = fields.Float("Percent", digits=(5, 2))
    copayment_ceiling = fields.Monetary(
        "At Most", help="The most a patient pays for each unit; 0: no end."
    )
    copayment_at_clinic = fields.Boolean(
        "Collected by the Clinic", help="Otherwise the operadora charges the patient later."
    )
    deductible_kind = fields.Selection(
        [("none", "None"), ("event", "Per item"), ("year", "Per year")], "Deductible"
    )
    deductible_amount = fields.Monetary()
    note = fields.Char("Note to the Reception")

    _dates = models.Constraint(
        "CHECK(start_date <= end_date)", "A coverage rule ends after it starts."
    )
    _one_scope = models.Constraint(
        "CHECK(product_tmpl_id IS NULL OR categ_id IS NULL)",
        "A coverage rule is about a procedure or about a group, not both.",
    )
    _copayment_said = models.Constraint(
        "CHECK(COALESCE(copayment_kind, '') != 'percent' OR copayment_percent > 0)",
        "Say how many percent the co-payment is.",
    )
    _percent_range = models.Constraint(
        "CHECK(copayment_percent BETWEEN 0 AND 100)", "A co-payment is between 0% and 100%."
    )
    _not_negative = models.Constraint(
        "CHECK(LEAST(waiting_days, limit_day, limit_month, limit_year, limit_authorization,"
        " interval_days, return_days, min_age, max_age, copayment_amount, copayment_ceiling,"
        " deductible_amount) >= 0)",
        "Days, limits, ages and amounts of a coverage rule are never below zero.",
    )
    _ages = models.Constraint(
        "CHECK(COALESCE(max_age, 0) = 0 OR min_age <= max_age)",
        "The last age of a coverage rule is not below its first.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.model
    def _selection_network_status(self):
        return self.env["tiss.contract"]._fields["network_status"]._description_selection(self.env)

    @api.model
    def _selection_billing_kind(self):
        Item = self.env["product.pricelist.item"]
        return Item._fields["tiss_billing_kind"]._description_selection(self.env)

    def _tiss_log_label(self):
        """What and whom the rule is about; its words are told by the change itself."""
        return self.name

    def _get_label(self, name):
        """What the user reads for the value of a selection."""
        return dict(self._fields[name]._description_selection(self.env)).get(self[name])

    @api.depends("product_tmpl_id.name", "categ_id.name", "plan_id.name", "network_status", "mode")
    def _compute_name(self):
        """What and whom the rule is about: "Physiotherapy · Plano Ouro · Telehealth"."""
        for rule in self:
            parts = [
                rule.product_tmpl_id.name or rule.categ_id.name or self.env._("Everything"),
                rule.plan_id.name,
                rule._get_label("network_status"),
                rule._get_label("mode"),
            ]
            rule.name = " · ".join(filter(None, parts))

    @api.depends("name", "words")
    def _compute_summary(self):
        for rule in self:
            rule.summary = f"{rule.name}: {rule.words}"

    @api.depends(*SAID)
    def _compute_words(self):
        for rule in self:
            said = [rule._describe(aspect) for aspect in get_aspects(rule)]
            rule.words = "; ".join(filter(None, said)) or self.env._("says nothing yet")

    def _describe(self, aspect):
        """What the rule says of one aspect, in a few words."""
        texts = {
            "authorization": self._describe_authorization,
            "waiting": self._describe_waiting,
            "age": self._describe_age,
            "deductible": self._describe_deductible,
            "copayment": self._describe_copayment,
        }
        if aspect in texts:
            return texts[aspect]()
        if aspect in ("covered", "billing_kind"):
            return (self._get_label(aspect) or "").lower()
        if aspect == "sex":
            return self.env._("only for sex: %s", self._get_label("sex").lower())
        if aspect == "note":
            return self.note
        return self._describe_count(aspect)

    def _describe_authorization(self):
        if self.authorization == "yes":
            return self.env._("authorisation required")
        return self.env._("no authorisation needed")

    def _describe_waiting(self):
        if self.waiting_days:
            return self.env._("waiting period of %s days", self.waiting_days)
        return self.env._("no waiting period")

    def _describe_count(self, aspect):
        if aspect == "limit_day":
            return self.env._("up to %s per day", format_quantity(self.env, self.limit_day))
        if aspect == "limit_month":
            return self.env._("up to %s per month", format_quantity(self.env, self.limit_month))
        if aspect == "limit_year":
            return self.env._("up to %s per year", format_quantity(self.env, self.limit_year))
        if aspect == "limit_authorization":
            return self.env._(
                "up to %s per authorisation", format_quantity(self.env, self.limit_authorization)
            )
        if aspect == "interval":
            return self.env._("at least %s days apart", self.interval_days)
        return self.env._("return visit within %s days", self.return_days)

    def _describe_age(self):
        if not self.max_age:
            return self.env._("from %s years of age", self.min_age)
        return self.env._(
            "from %(first)s to %(last)s years of age", first=self.min_age, last=self.max_age
        )

    def _describe_deductible(self):
        amount = self._format_amount(self.deductible_amount)
        if self.deductible_kind == "event":
            return self.env._("deductible of %s per item", amount)
        if self.deductible_kind == "year":
            return self.env._("deductible of %s per year", amount)
        return self.env._("no deductible")

    def _describe_copayment(self):
        if self.copayment_kind == "none":
            return self.env._("no co-payment")
        if self.copayment_kind == "fixed":
            return self.env._("co-payment of %s", self._format_amount(self.copayment_amount))
        percent = format_quantity(self.env, self.copayment_percent)
        if not self.copayment_ceiling:
            return self.env._("co-payment of %s%%", percent)
        return self.env._(
            "co-payment of %(percent)s%% up to %(ceiling)s",
            percent=percent,
            ceiling=self._format_amount(self.copayment_ceiling),
        )

    def _format_amount(self, amount):
        return (self.currency_id or self.env.company.currency_id).format(amount)

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("plan_id", "contract_id")
    def _check_plan(self):
        for rule in self.filtered("plan_id"):
            if rule.plan_id.operadora_id != rule.contract_id.partner_id:
                raise ValidationError(
                    self.env._(
                        "The plan %(plan)s is not of the operadora of %(contract)s.",
                        plan=rule.plan_id.name,
                        contract=rule.contract_id.name,
                    )
                )

    @api.constrains(*IDENTITY, "start_date", "end_date", "active")
    def _check_overlap(self):
        """Two rules about the same thing never hold on the same day: which would decide?"""
        groups = self.search([("contract_id", "in", self.contract_id.ids)]).grouped(
            lambda rule: tuple(rule[name] for name in IDENTITY)
        )
        for rules in groups.values():
            if overlap := period.find_overlap(rules):
                first, second = overlap
                raise ValidationError(
                    self.env._(
                        "Two coverage rules for %(name)s hold on the same days: one %(first)s,"
                        " another %(second)s. End the first before the second starts.",
                        name=first.name,
                        first=period.describe(self.env, first.start_date, first.end_date),
                        second=period.describe(self.env, second.start_date, second.end_date),
                    )
                )


def format_quantity(env, quantity):
    """2.0 → "2", 2.50 → "2.5" or "2,5"."""
    text = float_repr(float(quantity), 2).rstrip("0").rstrip(".")
    return text.replace(".", get_lang(env).decimal_point)
