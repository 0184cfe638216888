from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard.pricing import PORTES


class TissPorteValue(models.Model):
    """One porte (1A to 14C) in reais."""

    _name = "tiss.porte.value"
    _description = "Value of a Porte"
    _order = "edition_id, sequence, porte"
    _rec_name = "porte"

    edition_id = fields.Many2one(
        "tiss.porte.edition", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="edition_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    sequence = fields.Integer(compute="_compute_sequence", store=True, precompute=True)
    porte = fields.Char(required=True)
    amount = fields.Float(digits=(12, 4), required=True)

    _porte_uniq = models.Constraint(
        "UNIQUE(edition_id, porte)", "A porte stands once in an edition."
    )
    _not_negative = models.Constraint("CHECK(amount >= 0)", "No value is negative.")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("porte")
    def _compute_sequence(self):
        """By class: as text, 10A would stand before 2A."""
        for value in self:
            value.sequence = PORTES.index(value.porte) if value.porte in PORTES else len(PORTES)

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("porte")
    def _check_porte(self):
        for value in self:
            if value.porte not in PORTES:
                raise ValidationError(
                    self.env._("%s is no porte: they go from 1A to 14C.", value.porte)
                )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        values = super().create([self._normalize(vals) for vals in vals_list])
        values.edition_id._check_draft()
        return values

    def write(self, vals):
        self.edition_id._check_draft()
        result = super().write(self._normalize(vals))
        self.edition_id._check_draft()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        self.edition_id._check_draft()

    @api.model
    def _normalize(self, vals):
        if not vals.get("porte"):
            return vals
        return {**vals, "porte": vals["porte"].strip().upper()}
