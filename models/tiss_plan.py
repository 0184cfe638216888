from odoo import api, fields, models

from .tiss_term import term_field


class TissPlan(models.Model):
    """A product that an operadora sells: what a beneficiary's card belongs to."""

    _name = "tiss.plan"
    _description = "Health Plan"
    _order = "operadora_id, name"
    _rec_names_search = ["name", "operadora_id"]

    active = fields.Boolean(default=True)
    name = fields.Char(required=True)
    operadora_id = fields.Many2one(
        "res.partner",
        required=True,
        index=True,
        domain=[("tiss_is_operadora", "=", True)],
        ondelete="restrict",
    )
    ans_registration = fields.Char("ANS Registration")
    accommodation_id = term_field("49", "Accommodation")
    coverage_kind = fields.Selection(
        [
            ("outpatient", "Outpatient"),
            ("hospital", "Hospital without obstetrics"),
            ("hospital_obstetrics", "Hospital with obstetrics"),
            ("outpatient_hospital", "Outpatient and hospital"),
            ("outpatient_hospital_obstetrics", "Outpatient and hospital with obstetrics"),
            ("reference", "Reference plan"),
            ("dental", "Dental"),
            ("full_dental", "Outpatient, hospital and dental"),
        ],
        "Coverage Type",
    )
    hiring_kind = fields.Selection(
        [
            ("individual", "Individual or family"),
            ("company", "Company"),
            ("association", "Association"),
        ],
        "Hiring",
    )
    network_level_ids = fields.Many2many(
        "tiss.network.level",
        string="Network Levels",
        domain="[('operadora_id', '=', operadora_id)]",
        help="Levels of the network that its bearers may use; empty: all.",
    )
    card_rule_ids = fields.One2many("tiss.card.rule", "plan_id", "Card Number Rules")

    _name_uniq = models.Constraint(
        "UNIQUE(operadora_id, name)", "This operadora already has a plan with this name."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "operadora_id")
    def _compute_display_name(self):
        for plan in self:
            plan.display_name = " · ".join(filter(None, [plan.name, plan.operadora_id.name]))
