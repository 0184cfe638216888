from odoo import fields, models

from .tiss_term import term_field


class TissPriceTableLine(models.Model):
    """One row of a reference price table; which columns count depends on the table's kind."""

    _name = "tiss.price.table.line"
    _description = "Reference Price"
    _order = "table_id, code, id"
    _rec_names_search = ["code", "tuss_code", "name"]

    table_id = fields.Many2one("tiss.price.table", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="table_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    code = fields.Char(required=True, help="The code in the source: TUSS, Brasíndice, SIMPRO…")
    tuss_code = fields.Char("TUSS", index=True)
    name = fields.Char(required=True)
    # ---- CBHPM
    porte = fields.Char(help="Class of the fee, 1A to 14C.")
    porte_fraction = fields.Float(digits=(8, 4), default=1.0)
    uco = fields.Float("UCO", digits=(12, 4), help="Quantity of units of operational cost.")
    film = fields.Float("Film m²", digits=(12, 4))
    auxiliaries = fields.Integer("Assistants")
    anaesthetic_porte = fields.Integer("Anaesthetic Porte")
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
    _tuss_idx = models.Index("(table_id, tuss_code)")
