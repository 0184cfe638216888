import re

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_date

from ..standard import identifiers
from ..standard.text import to_ascii
from .bulk import skip_images
from .tiss_term import PROCEDURE_TABLES, term_field

# Guide §3.3: codes of other professions' consultations; doctors' are all of 101010…
CONSULTATION_CODES = (
    "50000144", "50001221", "50000560", "50000586", "50000055", "50000705",
)  # fmt: skip
TABLES = [
    ("22", "22 · Procedures (TUSS)"),
    ("18", "18 · Daily rates, fees and gases (TUSS)"),
    ("19", "19 · Materials and OPME (TUSS)"),
    ("20", "20 · Medicines (TUSS)"),
    ("00", "00 · Own table of the operadora"),
    ("98", "98 · Own package"),
    ("90", "90 · Own dental package"),
]
OWN_TABLES = ("00", "98", "90")
MAX_CODE_LENGTH = 10
# Category by table, or by the first digits of the code within table 22 (guide §8.1).
CATEGORY_OF_TABLE = {"19": "material", "20": "medicine", "98": "package", "90": "package"}
CATEGORY_OF_CHAPTER = {
    "1": "consultation", "2": "clinical", "3": "surgical", "4": "diagnostic",
    "5": "other_profession", "8": "dentistry",
}  # fmt: skip
CATEGORY_OF_KIND = {
    "01": "gas", "02": "medicine", "03": "material", "05": "rate", "07": "rate", "08": "material",
}  # fmt: skip
# How the gases of table 18 begin; its other terms are daily rates (DIÁRIA) and fees.
GASES = re.compile(
    r"(OXIGENIO|AR|GAS|MISTURA|OXIDO|PROTOXIDO|HELIO|NITROGENIO|VACUO|RPPI|MACRONEBULIZACAO"
    r"|NEBULIZACAO|INALACAO)\b"
)


class ProductTemplate(models.Model):
    """A product becomes a TUSS procedure, daily rate, material, medicine or own package."""

    _inherit = "product.template"

    tiss_term_id = fields.Many2one(
        "tiss.term",
        "TUSS Term",
        domain=[("table_code", "in", PROCEDURE_TABLES)],
        index="btree_not_null",
        ondelete="restrict",
    )
    tiss_table = fields.Selection(
        TABLES, "TISS Table", compute="_compute_tiss_table", store=True, readonly=False
    )
    tiss_code = fields.Char(
        "TISS Code",
        compute="_compute_tiss_code",
        store=True,
        readonly=False,
        index="btree_not_null",
        help="At most 10 characters, as it goes in the guia.",
    )
    tiss_code_warning = fields.Char(compute="_compute_tiss_code_warning")
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
        "60", "TISS Unit", compute="_compute_tiss_unit_id", store=True, readonly=False
    )
    tiss_component_ids = fields.One2many(
        "tiss.package.line",
        "package_id",
        "Components",
        copy=True,
        groups="l10n_br_tiss.group_tiss_reception",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("tiss_term_id")
    def _compute_tiss_table(self):
        for product in self:
            product.tiss_table = product.tiss_term_id.table_code or product.tiss_table

    @api.depends("tiss_term_id")
    def _compute_tiss_code(self):
        """Unlinked, a product keeps its code: it can be linked again by it."""
        for product in self:
            product.tiss_code = product.tiss_term_id.code or product.tiss_code

    @api.depends("tiss_term_id.end_date", "tiss_table", "tiss_code")
    def _compute_tiss_code_warning(self):
        known = self._tiss_match_terms()
        today = fields.Date.context_today(self)
        for product in self:
            end, code, table = product.tiss_term_id.end_date, product.tiss_code, product.tiss_table
            warning = False
            if end and end < today:
                warning = self.env._("TUSS ended this code on %s.", format_date(self.env, end))
            elif code and table in PROCEDURE_TABLES and not product.tiss_term_id:
                if product in known:
                    warning = self.env._("TUSS has this code: link the product to its term.")
                elif not identifiers.valid_tuss(code):
                    warning = self.env._("%s is not a TUSS code: its check digit is wrong.", code)
                else:
                    warning = self.env._(
                        "Table %(table)s has no code %(code)s.", table=table, code=code
                    )
            product.tiss_code_warning = warning

    @api.depends("tiss_code")
    def _compute_tiss_is_consultation(self):
        for product in self:
            code = product.tiss_code or ""
            product.tiss_is_consultation = code.startswith("101010") or code in CONSULTATION_CODES

    @api.depends("tiss_table", "tiss_term_id")
    def _compute_tiss_expense_kind_id(self):
        Term = self.env["tiss.term"]
        for product in self:
            name = product.tiss_term_id.name or product.name
            kind = self._tiss_get_expense_kind(product.tiss_table, name)
            product.tiss_expense_kind_id = Term._get("25", kind)

    @api.depends("tiss_expense_kind_id")
    def _compute_tiss_unit_id(self):
        """What is billed as an expense needs a unit; 036 is the plain one."""
        Term = self.env["tiss.term"]
        for product in self:
            product.tiss_unit_id = product.tiss_expense_kind_id and (
                product.tiss_unit_id or Term._get("60", "036")
            )

    @api.model
    def _tiss_get_expense_kind(self, table, name):
        """Code of table 25 that a term is billed under; None for a procedure."""
        if table == "18":
            name = to_ascii(name or "")
            if name.startswith("DIARIA"):
                return "05"
            return "01" if GASES.match(name) else "07"
        return {"19": "03", "20": "02"}.get(table)

    # ------------------------------------------------------------------
    # Constraints
    # ------------------------------------------------------------------

    @api.constrains("tiss_table", "tiss_code", "tiss_term_id", "active", "company_id")
    def _check_tiss_code(self):
        """An own code has 1 to 10 characters and stands for one active product of its table."""
        for product in self:
            code = product.tiss_code
            if code and (len(code) > MAX_CODE_LENGTH or code != code.strip()):
                raise ValidationError(
                    self.env._(
                        "The code of %(product)s has 1 to 10 characters and no blank at its ends,"
                        " unlike “%(code)s”.",
                        product=product.name,
                        code=code,
                    )
                )
        own = self.filtered(
            lambda product: (
                product.active
                and product.tiss_code
                and product.tiss_table in OWN_TABLES
                and not product.tiss_term_id
            )
        )
        if own:
            self._tiss_check_own_codes(own)

    @api.model
    def _tiss_check_own_codes(self, own):
        candidates = self.search(
            [
                ("tiss_code", "in", own.mapped("tiss_code")),
                ("tiss_table", "in", OWN_TABLES),
                ("tiss_term_id", "=", False),
            ]
        )
        by_code = candidates.grouped(lambda product: (product.tiss_table, product.tiss_code))
        for product in own:
            for other in by_code[product.tiss_table, product.tiss_code] - product:
                companies = product.company_id | other.company_id
                if len(companies) < 2 or not (product.company_id and other.company_id):
                    raise ValidationError(
                        self.env._(
                            "%(other)s already has the code %(code)s of table %(table)s.",
                            other=other.name,
                            code=product.tiss_code,
                            table=product.tiss_table,
                        )
                    )

    @api.constrains("tiss_component_ids", "tiss_table")
    def _check_tiss_components(self):
        for product in self:
            if product.sudo().tiss_component_ids and product.tiss_table not in OWN_TABLES:
                raise ValidationError(
                    self.env._(
                        "Only a package has components: choose table 98 (or 90 in dentistry, 00"
                        " with a code of the operadora) for %s, or remove them.",
                        product.name,
                    )
                )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_tiss_link_term(self):
        """Link the products to the TUSS terms that have their codes."""
        known = self._tiss_match_terms()
        if not known:
            raise UserError(self.env._("No TUSS term has the code of the chosen products."))
        for product, term in known.items():
            product.tiss_term_id = term

    def action_tiss_unlink_term(self):
        """Let go of the terms; table and code stay as they are, to be typed over."""
        self.tiss_term_id = False

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _tiss_match_terms(self):
        """{product: term} of the products without a term whose code, TISS or internal, is TUSS.

        A product of an own table has its code on purpose and is left alone.
        """
        codes = {}
        for product in self:
            if not product.tiss_term_id and product.tiss_table not in OWN_TABLES:
                code = product.tiss_code or product.default_code or ""
                codes[product] = re.sub(r"(?<=\d)[.-](?=\d)", "", code.strip())
        domain = [("table_code", "in", PROCEDURE_TABLES), ("code", "in", list(codes.values()))]
        terms = {}
        if any(codes.values()):
            found = self.env["tiss.term"].search_fetch(domain, ["table_code", "code", "name"])
            terms = {term.code: term for term in found}
        return {
            product: terms[code]
            for product, code in codes.items()
            if code in terms and product.tiss_table in (False, terms[code].table_code)
        }

    @api.model
    def _tiss_create_from_terms(self, terms):
        """New products of TUSS terms, by the thousand; each has one variant.

        Odoo's own way looks for variants product by product and writes the internal reference
        once more; it takes twice as long.
        """
        vals_list = [self._tiss_prepare_from_term(term) for term in terms]
        codes = [vals.pop("default_code") for vals in vals_list]
        products = self.with_context(create_product_product=False).create(vals_list)
        skip_images(products)
        variants = self.env["product.product"].create(
            [
                {"product_tmpl_id": product.id, "default_code": code}
                for product, code in zip(products, codes, strict=True)
            ]
        )
        skip_images(variants)
        # As Odoo does when it has made variants: what was read before knew none.
        self.env.flush_all()
        self.env.invalidate_all()

    @api.model
    def _tiss_prepare_from_term(self, term):
        return {
            "name": term.name,
            "tiss_term_id": term.id,
            "default_code": term.code,
            "type": "service" if term.table_code in ("18", "22") else "consu",
            "categ_id": self._tiss_get_category(
                term.table_code,
                term.code,
                self._tiss_get_expense_kind(term.table_code, term.name),
            ).id,
            "list_price": 0.0,
            "taxes_id": False,
            "purchase_ok": term.table_code in ("19", "20"),
        }

    @api.model
    def _tiss_get_category(self, table, code, kind):
        """Product category of a TISS code by its chapter (guide §8.1).

        :param kind: code of table 25; None for a procedure
        """
        name = CATEGORY_OF_TABLE.get(table) or CATEGORY_OF_KIND.get(kind)
        if not name and table == "22":
            is_consultation = code in CONSULTATION_CODES
            name = "consultation" if is_consultation else CATEGORY_OF_CHAPTER.get(code[:1])
        xmlid = f"l10n_br_tiss.product_category_{name or 'tiss'}"
        # A clinic may have deleted a category that it does not use. Unlike env.ref this is cached.
        category_id = self.env["ir.model.data"]._xmlid_to_res_id(xmlid)
        return self.env["product.category"].browse(category_id or ())

    @api.model
    def _tiss_categorise(self):
        """Give the products that still have no category of their own that of their chapter."""
        general = self.env["product.category"]
        for name in ("goods", "services", "all"):
            general |= self.env.ref(f"product.product_category_{name}", False) or general.browse()
        products = self.with_context(active_test=False).search(
            Domain("tiss_code", "!=", False)
            & (Domain("categ_id", "=", False) | Domain("categ_id", "in", general.ids))
        )
        by_category = products.grouped(
            lambda product: self._tiss_get_category(
                product.tiss_table, product.tiss_code, product.tiss_expense_kind_id.code
            )
        )
        for category, group in by_category.items():
            if category:
                group.categ_id = category
        return products
