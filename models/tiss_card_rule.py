from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard import cards

CHECKS = {"mod10": cards.valid_mod10, "mod11": cards.valid_mod11}
MAX_LENGTH = 20


class TissCardRule(models.Model):
    """What the card numbers of an operadora, or of one of its plans, look like (guide §9.2).

    A card must satisfy one rule of its plan or, when the plan has none, one of the operadora's. No
    rule at all takes every number.
    """

    _name = "tiss.card.rule"
    _description = "Card Number Rule"
    _order = "operadora_id, sequence, id"

    sequence = fields.Integer(default=10)
    operadora_id = fields.Many2one(
        "res.partner",
        compute="_compute_operadora_id",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
        index=True,
        domain=[("tiss_is_operadora", "=", True)],
        ondelete="cascade",
    )
    plan_id = fields.Many2one(
        "tiss.plan",
        "Only for Plan",
        index="btree_not_null",
        domain="[('operadora_id', '=', operadora_id)]",
        ondelete="cascade",
        help="Empty: all plans that have no rule of their own.",
    )
    card_length = fields.Integer(
        "Length", help="Number of characters without punctuation; 0 when it varies."
    )
    pattern = fields.Char(
        help="9 a digit, A a letter, X either, * any number of characters; the rest as written. "
        "Punctuation is ignored."
    )
    check = fields.Selection([("mod10", "Modulo 10 (Luhn)"), ("mod11", "Modulo 11")], "Check Digit")
    note = fields.Char()

    _not_empty = models.Constraint(
        """CHECK(COALESCE(card_length, 0) <> 0 OR COALESCE(pattern, '') <> ''
                 OR "check" IS NOT NULL)""",
        "A card rule says at least a length, a pattern or a check digit.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("plan_id.operadora_id")
    def _compute_operadora_id(self):
        for rule in self:
            rule.operadora_id = rule.plan_id.operadora_id or rule.operadora_id

    @api.depends("card_length", "pattern", "check")
    def _compute_display_name(self):
        for rule in self:
            rule.display_name = rule._describe()

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("operadora_id", "plan_id")
    def _check_plan_id(self):
        for rule in self.filtered("plan_id"):
            if rule.plan_id.operadora_id != rule.operadora_id:
                raise ValidationError(
                    self.env._(
                        "%(plan)s is not a plan of %(operadora)s.",
                        plan=rule.plan_id.name,
                        operadora=rule.operadora_id.name,
                    )
                )

    @api.constrains("card_length", "pattern")
    def _check_rule(self):
        for rule in self:
            if not 0 <= rule.card_length <= MAX_LENGTH:
                raise ValidationError(self.env._("A card number has 1 to 20 characters."))
            if rule.pattern:
                rule._check_pattern()

    def _check_pattern(self):
        self.ensure_one()
        places, is_exact = cards.pattern_length(self.pattern)
        if not cards.clean_pattern(self.pattern) or places > MAX_LENGTH:
            raise ValidationError(
                self.env._("The pattern %s is not one of 1 to 20 characters.", self.pattern)
            )
        if self.card_length and (
            places > self.card_length or (is_exact and places != self.card_length)
        ):
            raise ValidationError(
                self.env._(
                    "The pattern %(pattern)s has %(places)s characters, but the length is "
                    "%(length)s: no card could satisfy both.",
                    pattern=self.pattern,
                    places=places,
                    length=self.card_length,
                )
            )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_problem(self, number):
        """Why `number` satisfies none of these rules, in a sentence; None when it does one."""
        if not self or any(rule._is_satisfied_by(number) for rule in self):
            return None
        operadora = self.operadora_id.name
        if len(self) > 1:
            expected = self.env._(" or ").join(rule._describe() for rule in self)
        elif self.card_length and len(number) != self.card_length:
            return self.env._(
                "A card of %(operadora)s has %(expected)s characters; this one has %(actual)s.",
                operadora=operadora,
                expected=self.card_length,
                actual=len(number),
            )
        elif not self.pattern or cards.matches(self.pattern, number):
            return self.env._(
                "The card number does not pass the check digit of %s: was it typed right?",
                operadora,
            )
        else:
            expected = self._describe()
        return self.env._(
            "This is not a card number of %(operadora)s. Expected: %(expected)s.",
            operadora=operadora,
            expected=expected,
        )

    def _is_satisfied_by(self, number):
        self.ensure_one()
        return (
            (not self.card_length or len(number) == self.card_length)
            and (not self.pattern or cards.matches(self.pattern, number))
            and (not self.check or CHECKS[self.check](number))
        )

    def _describe(self):
        """The rule in words, e.g. “17 characters, like 0 999.9…, the last one a check digit”."""
        self.ensure_one()
        parts = []
        if self.card_length:
            parts.append(self.env._("%s characters", self.card_length))
        if self.pattern:
            parts.append(
                self.env._("like %s (9: a digit, A: a letter, X: either, *: any)", self.pattern)
            )
        if self.check:
            kind = dict(self._fields["check"]._description_selection(self.env))[self.check]
            parts.append(self.env._("ending in a check digit (%s)", kind))
        return ", ".join(parts)
