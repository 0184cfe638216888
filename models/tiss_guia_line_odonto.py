from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard.money import to_decimal
from .tiss_dental_item import MAX_DENTAL


class TissGuiaLine(models.Model):
    """Where in the mouth an item of a GTO was done, and what of it the patient pays (§3.7)."""

    _name = "tiss.guia.line"
    _inherit = ["tiss.guia.line", "tiss.dental.item"]

    is_authorized = fields.Boolean("Authorised", default=True)

    _patient_positive = models.Constraint(
        "CHECK(COALESCE(amount_patient, 0) >= 0 AND COALESCE(us_quantity, 0) >= 0)",
        "What the patient pays and the US are never negative.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("amount_patient")
    def _compute_amount(self):
        return super()._compute_amount()

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("amount_patient", "quantity", "unit_price", "factor")
    def _check_amount_patient(self):
        for line in self.filtered("amount_patient"):
            if to_decimal(line.amount_patient) > line._get_gross():
                raise ValidationError(
                    self.env._("%s: the patient pays more than it is worth.", line.description)
                )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_total(self):
        return max(super()._get_total() - to_decimal(self.amount_patient), to_decimal(0))

    def _get_max_quantity(self):
        return MAX_DENTAL if self.guia_type == "odonto" else super()._get_max_quantity()

    def _get_procedure_problems(self):
        problems = super()._get_procedure_problems()
        if self.guia_type == "odonto":
            problems += self._get_dental_problems(self.description)
        return problems

    def _prepare_tiss_dental(self):
        """procedimentosExecutados of cto_guiaOdontologia; the value is that of the whole item"""
        return {
            **self._prepare_tiss_treated(int(self.quantity), self._get_gross()),
            "sequencialItem": self.sequence_item,
            "autorizado": self.is_authorized,
        }
