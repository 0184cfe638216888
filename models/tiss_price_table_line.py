from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..standard.pricing import is_porte
from .tiss_term import term_field


class TissPriceTableLine(models.Model):
    """One row of a reference price table; which columns count depends on the table's kind."""

    _name = "tiss.price.table.line"
    _description = "Reference Price"
    _order = "table_id, code, id"
    _rec_names_search = ["code", "tuss_code", "name"]

    table_id = fields.Many2one("tiss.price.table", required=True, index=True, ondelete="cascade")
    kind = fields.Selection(related="table_id.kind")
    company_id = fields.Many2one(related="table_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    code = fields.Char(required=True, help="The code in the source: TUSS, Brasíndice, SIMPRO…")
    tuss_code = fields.Char("TUSS", index=True)
    name = fields.Char(required=True)
    # ---- CBHPM
    porte = fields.Char(help="Class of the fee, 1A to 14C; some lists number it.")
    porte_fraction = fields.Float("Fraction of the Porte", digits=(8, 4), default=1.0)
    uco = fields.Float("UCO", digits=(12, 4), help="Quantity of units of operational cost.")
    film = fields.Float("Film m²", digits=(12, 4))
    auxiliaries = fields.Integer("Assistants")
    anaesthetic_porte = fields.Integer()
    # ---- CH
    ch = fields.Float("CH", digits=(12, 4), help="Quantity of fee coefficients (AMB).")
    # ---- Reais
    amount = fields.Float("Price", digits=(12, 4))
    pf = fields.Float("PF", digits=(12, 4), help="Factory price of the package.")
    pmc = fields.Float("PMC", digits=(12, 4), help="Maximum consumer price of the package.")
    pf_fraction = fields.Float("PF of a Fraction", digits=(12, 4))
    pmc_fraction = fields.Float("PMC of a Fraction", digits=(12, 4))
    package_quantity = fields.Float("Units per Package", digits=(12, 4), default=1.0)
    unit_id = term_field("60", "Unit")

    _code_uniq = models.Constraint(
        "UNIQUE(table_id, code)", "A code stands once in a reference table."
    )
    _not_negative = models.Constraint(
        "CHECK(porte_fraction >= 0 AND uco >= 0 AND film >= 0 AND auxiliaries >= 0"
        " AND anaesthetic_porte >= 0 AND ch >= 0 AND amount >= 0 AND pf >= 0 AND pmc >= 0"
        " AND pf_fraction >= 0 AND pmc_fraction >= 0 AND package_quantity >= 0)",
        "No weight and no price is negative.",
    )
    _tuss_idx = models.Index("(table_id, tuss_code)")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("code", "name")
    def _compute_display_name(self):
        for line in self:
            line.display_name = f"{line.code} {line.name}"

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains("porte")
    def _check_porte(self):
        for line in self:
            if line.porte and not is_porte(line.porte):
                raise ValidationError(
                    self.env._(
                        "%(porte)s is no porte (%(row)s): a class from 1A to 14C, or a number.",
                        porte=line.porte,
                        row=line.display_name,
                    )
                )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create([self._normalize(vals) for vals in vals_list])
        lines.table_id._check_draft()
        return lines

    def write(self, vals):
        self.table_id._check_draft()
        result = super().write(self._normalize(vals))
        self.table_id._check_draft()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        self.table_id._check_draft()

    @api.model
    def _normalize(self, vals):
        """Codes are compared as text: no blanks around them, portes in capitals."""
        cleaned = dict(vals)
        for name in ("code", "tuss_code", "porte"):
            if cleaned.get(name):
                cleaned[name] = cleaned[name].strip().upper()
        return cleaned
