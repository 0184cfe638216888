from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard import pricing
from .price_book import decimal

PERCENTS = ("same_access", "different_access", "by_order", "auxiliary_percents")


class TissPricePolicy(models.Model):
    """How fees add up in one act: access, urgency, accommodation, assistants (guide §8.3)."""

    _name = "tiss.price.policy"
    _description = "Fee Rules"
    _order = "sequence, name"

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=100)
    name = fields.Char(required=True, translate=True)
    # Empty only for the presets, which every clinic reads: a change would move others' prices.
    company_id = fields.Many2one("res.company", index=True, default=lambda self: self.env.company)
    same_access = fields.Char(
        default="100/50",
        required=True,
        help="Percentages of the 1st, 2nd… procedure by the same access; the last one repeats.",
    )
    different_access = fields.Char(
        "Other Access",
        default="100/70",
        required=True,
        help="Percentages of the 1st, 2nd… procedure by another access; the last one repeats.",
    )
    by_order = fields.Char(
        "By Order Alone",
        help="When filled in, e.g. 100/70/50, the access route does not matter.",
    )
    urgency_percent = fields.Float(
        "Urgency", default=30.0, digits=(6, 2), help="Percent on the fee; 0: none."
    )
    urgency_start = fields.Float("From", default=19.0)
    urgency_end = fields.Float("To", default=7.0)
    urgency_saturday = fields.Boolean("All Saturday", default=True)
    urgency_sunday = fields.Boolean("All Sunday and Holidays", default=True)
    local_holidays = fields.Char(
        help="Days of the state and the town, as 25/01 09/07; the national ones are known."
    )
    accommodation_factor = fields.Float(
        "Apartment or ICU",
        default=2.0,
        digits=(4, 2),
        help="What the fee is multiplied by; 1: no difference.",
    )
    accommodation_excluded = fields.Char(
        "Chapters without Doubling",
        default="4",
        help="First digits of the codes whose fee the accommodation does not change, as 4/5.",
    )
    accumulation = fields.Selection(
        [("multiply", "One on top of the other"), ("add", "Added up")],
        "Surcharges",
        default="multiply",
        required=True,
        help="Urgency and accommodation together: 1.30 × 2 = 2.60, or 1 + 0.30 + 1 = 2.30.",
    )
    auxiliary_percents = fields.Char(
        "Assistants", default="60/40/30/30", required=True, help="Percent of the surgeon's fee."
    )
    instrumentator_percent = fields.Float("Scrub Nurse", default=10.0, digits=(6, 2))
    anaesthetic_portes = fields.Char(
        default="1=3A 2=3C 3=4C 4=6B 5=7C 6=9B 7=10C 8=12A",
        required=True,
        help="Which porte each anaesthetic porte is paid as; 0 needs no anaesthetist.",
    )

    _hours = models.Constraint(
        "CHECK(urgency_start BETWEEN 0 AND 24 AND urgency_end BETWEEN 0 AND 24)",
        "The hours of urgency are between 00:00 and 24:00.",
    )
    _not_negative = models.Constraint(
        "CHECK(urgency_percent >= 0 AND instrumentator_percent >= 0 AND accommodation_factor >= 1)",
        "Urgency and scrub nurse are no negative percentages, and accommodation is 1 or more.",
    )

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains(*PERCENTS)
    def _check_percents(self):
        for policy in self:
            for name in PERCENTS:
                self._check_text(policy, name, pricing.parse_percents, "100/50")

    @api.constrains("anaesthetic_portes")
    def _check_anaesthetic_portes(self):
        for policy in self:
            self._check_text(policy, "anaesthetic_portes", pricing.parse_portes, "1=3A 2=3C")

    @api.constrains("local_holidays")
    def _check_local_holidays(self):
        for policy in self:
            self._check_text(policy, "local_holidays", pricing.parse_holidays, "25/01 09/07")

    @api.constrains("accommodation_excluded")
    def _check_accommodation_excluded(self):
        for policy in self:
            self._check_text(policy, "accommodation_excluded", pricing.parse_chapters, "4/5")

    def _check_text(self, policy, name, parse, example):
        """Refuse a text that `parse` cannot read, naming the field and how it should look."""
        if not policy[name]:
            return
        try:
            parse(policy[name])
        except ValueError as error:
            raise ValidationError(
                self.env._(
                    "%(field)s of “%(policy)s” cannot be read at “%(text)s”. Write it as"
                    " %(example)s.",
                    field=policy._fields[name]._description_string(self.env),
                    policy=policy.name,
                    text=error,
                    example=example,
                )
            ) from error

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _get_default(self, company):
        """The first fee rules of a company, or of all companies."""
        return self.search([("company_id", "in", [company.id, False])], limit=1)

    def _get_terms(self):
        """The rules as `pricing.Policy`; without a record, the table's own defaults."""
        if not self:
            return pricing.Policy()
        self.ensure_one()
        return pricing.Policy(
            same_access=pricing.parse_percents(self.same_access),
            different_access=pricing.parse_percents(self.different_access),
            by_order=pricing.parse_percents(self.by_order) if self.by_order else (),
            urgency_percent=decimal(self.urgency_percent),
            urgency_start=round(self.urgency_start * 60),
            urgency_end=round(self.urgency_end * 60),
            urgency_saturday=self.urgency_saturday,
            urgency_sunday=self.urgency_sunday,
            accommodation_factor=decimal(self.accommodation_factor),
            accommodation_excluded=pricing.parse_chapters(self.accommodation_excluded or ""),
            accumulation=self.accumulation,
            auxiliary_percents=pricing.parse_percents(self.auxiliary_percents),
            instrumentator_percent=decimal(self.instrumentator_percent),
            anaesthetic_portes=pricing.parse_portes(self.anaesthetic_portes),
            local_holidays=pricing.parse_holidays(self.local_holidays or ""),
        )
