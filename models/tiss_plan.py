from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard import identifiers
from .tiss_term import term_field


class TissPlan(models.Model):
    """A product that an operadora sells: what a beneficiary's card belongs to."""

    _name = "tiss.plan"
    _description = "Health Plan"
    _order = "operadora_id, name"
    _rec_names_search = ["name", "operadora_id", "ans_registration"]

    active = fields.Boolean(default=True)
    name = fields.Char(required=True)
    operadora_id = fields.Many2one(
        "res.partner",
        required=True,
        index=True,
        domain=[("tiss_is_operadora", "=", True)],
        ondelete="restrict",
    )
    ans_registration = fields.Char(
        "ANS Registration",
        help="Number of the product at the ANS, with or without dots; its zeros stay.",
    )
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
    card_count = fields.Integer("Cards", compute="_compute_card_count")

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

    def _compute_card_count(self):
        counts = dict(
            self.env["tiss.card"]._read_group(
                [("plan_id", "in", self.ids)], ["plan_id"], ["__count"]
            )
        )
        for plan in self:
            plan.card_count = counts.get(plan._origin, 0)

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("operadora_id", "network_level_ids")
    def _check_network_level_ids(self):
        for plan in self:
            others = plan.network_level_ids.filtered(
                lambda level, plan=plan: level.operadora_id != plan.operadora_id
            )
            if others:
                raise ValidationError(
                    self.env._(
                        "%(level)s is not a network level of %(operadora)s.",
                        level=others[0].name,
                        operadora=plan.operadora_id.name,
                    )
                )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._clean_registration(vals)
        return super().create(vals_list)

    def write(self, vals):
        vals = dict(vals)
        self._clean_registration(vals)
        if "operadora_id" in vals:
            moved = self.filtered(lambda plan: plan.operadora_id.id != vals["operadora_id"])
            cards = self.env["tiss.card"].sudo().with_context(active_test=False)
            cards.search([("plan_id", "in", moved.ids)])._check_unused()
        return super().write(vals)

    def copy_data(self, default=None):
        default = default or {}
        vals_list = super().copy_data(default)
        if "name" not in default:
            for plan, vals in zip(self, vals_list, strict=True):
                vals["name"] = self.env._("%s (copy)", plan.name)
        return vals_list

    @api.model
    def _clean_registration(self, vals):
        if vals.get("ans_registration"):
            vals["ans_registration"] = identifiers.compact(vals["ans_registration"])

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_open_cards(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("l10n_br_tiss.tiss_card_action")
        action["domain"] = [("plan_id", "=", self.id)]
        action["context"] = {"default_plan_id": self.id}
        return action

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_card_rules(self):
        """The rules that hold for the cards of this plan: its own, else the operadora's."""
        self.ensure_one()
        return self.card_rule_ids or self.operadora_id.tiss_card_rule_ids.filtered(
            lambda rule: not rule.plan_id
        )

    def _get_card_problem(self, number):
        """Why `number` cannot be a card of this plan, in a sentence; None when it can."""
        self.ensure_one()
        if not number or len(number) > 20:
            return self.env._("A card number has 1 to 20 characters.")
        return self._get_card_rules()._get_problem(number)
