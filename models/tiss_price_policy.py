from odoo import fields, models


class TissPricePolicy(models.Model):
    """How fees add up in one act: access, urgency, accommodation, assistants (guide §8.3)."""

    _name = "tiss.price.policy"
    _description = "Fee Rules"
    _order = "sequence, name"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    name = fields.Char(required=True, translate=True)
    company_id = fields.Many2one("res.company", index=True)
    same_access = fields.Char(
        default="100/50",
        required=True,
        help="Percentages of the 1st, 2nd… procedure by the same access; the last one repeats.",
    )
    different_access = fields.Char(
        default="100/70",
        required=True,
        help="Percentages of the 1st, 2nd… procedure by another access; the last one repeats.",
    )
    by_order = fields.Char(
        "By Order Alone",
        help="When filled in, e.g. 100/70/50, the access route does not matter.",
    )
    urgency_percent = fields.Float(default=30.0)
    urgency_start = fields.Float("From", default=19.0)
    urgency_end = fields.Float("To", default=7.0)
    urgency_saturday = fields.Boolean("All Saturday", default=True)
    urgency_sunday = fields.Boolean("All Sunday and Holidays", default=True)
    accommodation_factor = fields.Float(default=2.0)
    accommodation_excluded = fields.Char(
        "Chapters without Doubling",
        default="4",
        help="First digits of the codes whose porte the accommodation does not double.",
    )
    accumulation = fields.Selection(
        [("multiply", "One on top of the other"), ("add", "Added up")],
        "Surcharges",
        default="multiply",
        required=True,
    )
    auxiliary_percents = fields.Char(
        "Assistants", default="60/40/30/30", required=True, help="Percent of the surgeon's fee."
    )
    instrumentator_percent = fields.Float("Scrub Nurse", default=10.0)
    anaesthetic_portes = fields.Char(
        default="1=3A 2=3C 3=4C 4=6B 5=7C 6=9B 7=10C 8=12A",
        required=True,
        help="Which porte each anaesthetic porte is paid as; 0 needs no anaesthetist.",
    )
