import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard.money import to_decimal
from .tiss_term import term_field

MAX_PROCEDURES = 99  # qtdProc: 2 digits
MAX_US = 99_999.99  # qtdUS: dec(7,2)
FACES = re.compile("[OLMVDIP]{1,5}")  # letters of T32


class TissGuiaLine(models.Model):
    """Where in the mouth an item of a GTO was done, and what of it the patient pays (§3.7)."""

    _inherit = "tiss.guia.line"

    tooth_id = term_field("28", "Tooth")
    region_id = term_field("42", "Region")
    faces = fields.Char(
        size=5,
        help="O occlusal, L lingual, M mesial, V vestibular, D distal, I incisal, P palatine.",
    )
    us_quantity = fields.Float(
        "US", digits=(7, 2), help="Unidades de serviço of the whole item, where prices are in US."
    )
    amount_patient = fields.Float(
        "Patient Pays", digits=(10, 2), help="Franquia: what the operadora does not owe."
    )
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
        return MAX_PROCEDURES if self.guia_type == "odonto" else super()._get_max_quantity()

    def _get_procedure_problems(self):
        problems = super()._get_procedure_problems()
        if self.guia_type != "odonto":
            return problems
        item = self.description
        if self.tooth_id and self.region_id:
            problems.append(self.env._("%s: choose the tooth or the region, not both.", item))
        if self.faces and not FACES.fullmatch(self.faces.upper()):
            problems.append(self.env._("%s: the faces are letters of O L M V D I P.", item))
        if self.us_quantity > MAX_US:
            problems.append(self.env._("%s: too many US for a guia.", item))
        if self.faces and not self.tooth_id:
            problems.append(self.env._("%s: choose the tooth of these faces.", item))
        return problems

    def _prepare_tiss_dental(self):
        """procedimentosExecutados of cto_guiaOdontologia; the value is that of the whole item"""
        place = None
        if self.tooth_id or self.region_id:
            place = {
                "codDente": self.tooth_id.code or None,
                "codRegiao": self.region_id.code or None,
            }
        return {
            "sequencialItem": self.sequence_item,
            "procSolic": self._prepare_tiss_procedure(),
            "denteRegiao": place,
            "denteFace": (self.faces or "").upper() or None,
            "qtdProc": int(self.quantity),
            "qtdUS": to_decimal(self.us_quantity) if self.us_quantity else None,
            "valorProc": self._get_gross(),
            "valorFranquia": to_decimal(self.amount_patient) if self.amount_patient else None,
            "autorizado": self.is_authorized,
            "dataRealizacao": self.date,
        }
