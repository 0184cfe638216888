from odoo import api, fields, models

from .tiss_term import PROCEDURE_TABLES, term_field

# Guide §3.3: codes of other professions' consultations; doctors' are all of 101010…
CONSULTATION_CODES = (
    "50000144", "50001221", "50000560", "50000586", "50000055", "50000705",
)  # fmt: skip


class ProductTemplate(models.Model):
    """A product becomes a TUSS procedure, daily rate, material or medicine."""

    _inherit = "product.template"

    tiss_term_id = fields.Many2one(
        "tiss.term",
        "TUSS Term",
        domain=[("table_code", "in", PROCEDURE_TABLES)],
        index="btree_not_null",
        ondelete="restrict",
    )
    tiss_table = fields.Char(
        "TISS Table", compute="_compute_tiss_code", store=True, readonly=False, size=2
    )
    tiss_code = fields.Char(
        "TISS Code",
        compute="_compute_tiss_code",
        store=True,
        readonly=False,
        size=10,
        index="btree_not_null",
    )
    tiss_is_consultation = fields.Boolean(
        "Consultation",
        compute="_compute_tiss_is_consultation",
        store=True,
        readonly=False,
        help="Goes in a guia de consulta when nothing else was done in the visit.",
    )
    tiss_expense_kind_id = term_field(
        "25",
        "Expense Kind",
        compute="_compute_tiss_expense_kind_id",
        store=True,
        readonly=False,
        help="Empty for a procedure; otherwise it is billed in the outras despesas of the guia.",
    )
    tiss_unit_id = term_field(
        "60", "TISS Unit", compute="_compute_tiss_expense_kind_id", store=True, readonly=False
    )

    tiss_component_ids = fields.One2many("tiss.package.line", "package_id", "Components")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("tiss_term_id")
    def _compute_tiss_code(self):
        for product in self:
            if product.tiss_term_id:
                product.tiss_table = product.tiss_term_id.table_code
                product.tiss_code = product.tiss_term_id.code
            else:
                product.tiss_table = product.tiss_table
                product.tiss_code = product.tiss_code

    @api.depends("tiss_code")
    def _compute_tiss_is_consultation(self):
        for product in self:
            code = product.tiss_code or ""
            product.tiss_is_consultation = code.startswith("101010") or code in CONSULTATION_CODES

    @api.depends("tiss_table")
    def _compute_tiss_expense_kind_id(self):
        kinds = {"18": "07", "19": "03", "20": "02"}
        Term = self.env["tiss.term"]
        for product in self:
            kind = kinds.get(product.tiss_table)
            product.tiss_expense_kind_id = Term._get("25", kind)
            product.tiss_unit_id = Term._get("60", kind and "036")

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _tiss_prepare_from_term(self, term):
        return {
            "name": term.name,
            "tiss_term_id": term.id,
            "default_code": term.code,
            "type": "service" if term.table_code in ("18", "22") else "consu",
            "list_price": 0.0,
            "taxes_id": False,
            "purchase_ok": term.table_code in ("19", "20"),
        }
