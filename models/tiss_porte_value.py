from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard.pricing import get_porte_rank, is_porte


class TissPorteValue(models.Model):
    """One porte in reais: 1A to 14C, or a number of an operadora's own list."""

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
        for value in self:
            porte = value.porte or ""
            # A wrong one is refused later, with the reason.
            value.sequence = get_porte_rank(porte) if is_porte(porte) else 0

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("porte")
    def _check_porte(self):
        for value in self:
            if not is_porte(value.porte):
                raise ValidationError(
                    self.env._("%s is no porte: a class from 1A to 14C, or a number.", value.porte)
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
