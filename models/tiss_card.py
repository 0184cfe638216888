from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard.text import to_ascii


class TissCard(models.Model):
    """Carteirinha: the number by which an operadora knows a patient of the clinic."""

    _name = "tiss.card"
    _description = "Insurance Card"
    _order = "patient_id, validity_date desc"
    _check_company_auto = True
    _rec_names_search = ["number", "patient_id"]

    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    patient_id = fields.Many2one("res.partner", required=True, index=True, ondelete="restrict")
    plan_id = fields.Many2one("tiss.plan", required=True, index=True, ondelete="restrict")
    operadora_id = fields.Many2one(related="plan_id.operadora_id", store=True, index=True)
    number = fields.Char(required=True, index=True)
    validity_date = fields.Date("Valid Until")
    is_main = fields.Boolean("Main Card", help="Proposed first when the patient comes.")
    bond = fields.Selection(
        [("holder", "Holder"), ("dependant", "Dependant")], default="holder", required=True
    )
    holder_id = fields.Many2one(
        "tiss.card",
        "Holder's Card",
        check_company=True,
        index="btree_not_null",
        domain="[('operadora_id', '=', operadora_id), ('id', '!=', id)]",
        ondelete="restrict",
    )
    dependant_ids = fields.One2many("tiss.card", "holder_id", "Dependants")
    waiting_start_date = fields.Date(
        "Waiting Periods From", help="Day on which the patient joined the plan."
    )
    is_newborn = fields.Boolean(
        "Newborn on the Parent's Card",
        help="The patient is a newborn who is cared for under the mother's or father's card.",
    )

    _number_uniq = models.Constraint(
        "UNIQUE(company_id, operadora_id, number, patient_id)",
        "This patient already has this card.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("number", "plan_id", "patient_id")
    def _compute_display_name(self):
        for card in self:
            card.display_name = " · ".join(
                filter(None, [card.number, card.operadora_id.name, card.patient_id.name])
            )

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("number", "plan_id", "active")
    def _check_not_anothers(self):
        """A number has one bearer; a newborn is seen under the card of a parent."""
        for card in self.filtered(lambda card: card.active and not card.is_newborn):
            other = self.search(
                [
                    ("company_id", "=", card.company_id.id),
                    ("operadora_id", "=", card.operadora_id.id),
                    ("number", "=", card.number),
                    ("patient_id", "!=", card.patient_id.id),
                    ("is_newborn", "=", False),
                ],
                limit=1,
            )
            if other:
                raise ValidationError(
                    self.env._(
                        "This card already belongs to %s: was the number typed right?",
                        other.patient_id.name,
                    )
                )

    @api.constrains("number", "plan_id")
    def _check_number(self):
        for card in self:
            problem = card.operadora_id._tiss_get_card_problem(card.number)
            if problem:
                raise ValidationError(problem)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._clean_number(vals)
        cards = super().create(vals_list)
        cards.patient_id.filtered(lambda patient: not patient.tiss_is_patient).write(
            {"tiss_is_patient": True}
        )
        return cards

    def write(self, vals):
        self._clean_number(vals)
        return super().write(vals)

    @api.model
    def _clean_number(self, vals):
        """Cards are accepted with masks and kept without; leading zeros stay."""
        if vals.get("number"):
            vals["number"] = "".join(filter(str.isalnum, to_ascii(vals["number"])))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _is_valid_on(self, date):
        self.ensure_one()
        return not self.validity_date or date <= self.validity_date
