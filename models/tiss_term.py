import itertools

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import escape_psql

from ..standard import terminology
from ..standard.text import to_ascii
from .bulk import upsert

PROCEDURE_TABLES = ("18", "19", "20", "22")
COLUMNS = ("table_code", "code", "name", "search_name", "description", "start_date", "end_date")


def term_field(table, string, **kwargs):
    """A many2one to the terms of one ANS domain table (`table` as in T87, e.g. "76")."""
    return fields.Many2one(
        "tiss.term",
        string,
        domain=[("table_code", "=", table)],
        ondelete="restrict",
        **kwargs,
    )


def to_search_words(text):
    """Words of what a person typed, as they stand in a `search_name`, for a LIKE.

    What cannot be written in ASCII finds nothing; it must not turn into an empty, all-finding text.
    """
    words = to_ascii(text).split()
    if text.strip() and not words:
        words = [text]
    return [escape_psql(word) for word in words]


class TissTerm(models.Model):
    """One row of an ANS terminology table: TUSS (18, 19, 20, 22) or a domain table (23…T87).

    The rows come from ANS packages by bulk load and are never typed by hand: the tables change
    several times a year, so a value that has a domain table points here.
    """

    _name = "tiss.term"
    _description = "ANS Term"
    _order = "table_code, code"
    _rec_names_search = ["code", "search_name"]

    table_code = fields.Char("Table", required=True, index=True)
    code = fields.Char(required=True, index=True)
    name = fields.Char("Term", required=True)
    search_name = fields.Char(required=True, index="trigram")
    description = fields.Char()
    start_date = fields.Date("Valid From")
    end_date = fields.Date("Valid Until")
    history_ids = fields.One2many("tiss.term.history", "term_id", "Earlier Versions")
    product_ids = fields.One2many("product.template", "tiss_term_id", "Products")
    product_count = fields.Integer(compute="_compute_product_count")

    _table_code_uniq = models.Constraint(
        "UNIQUE(table_code, code)", "A term's code is unique within its table."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("code", "name")
    def _compute_display_name(self):
        for term in self:
            term.display_name = f"{term.code} {term.name}"

    @api.depends("product_ids")
    def _compute_product_count(self):
        for term in self:
            term.product_count = len(term.product_ids)

    @api.model
    def _search_display_name(self, operator, value):
        """Words match in any order and without accents: "consulta consultorio"."""
        if operator in ("ilike", "like") and isinstance(value, str):
            words = to_search_words(value)
            return Domain.AND(
                Domain("code", "=like", f"{word}%") | Domain("search_name", "like", word)
                for word in words
            )
        return super()._search_display_name(operator, value)

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_create_products(self):
        """Create the missing products of the chosen terms and open them."""
        return self.create_products()._get_records_action(name=self.env._("Procedures"))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _get(self, table, code):
        """The term of (table, code), e.g. `_get("76", "01")`; empty when it does not exist."""
        return self.browse(self._get_id(table, code)) if code else self.browse()

    @api.model
    @tools.ormcache("table", "code")
    def _get_id(self, table, code):
        return self.search([("table_code", "=", table), ("code", "=", code)], limit=1).id

    @api.model
    @tools.ormcache()
    def _get_domain_codes(self):
        """{id: code} of the domain tables: some 1,300 rows, needed for every message."""
        domain = [("table_code", "not in", (*PROCEDURE_TABLES, "38"))]
        return {term.id: term.code for term in self.sudo().search_fetch(domain, ["code"])}

    @api.model
    def _cache_domain_codes(self):
        """Spare the loops over guias one query per many2one to a domain table."""
        codes = self._get_domain_codes()
        self._fields["code"]._insert_cache(self.browse(codes), codes.values())

    def _is_valid_on(self, date):
        self.ensure_one()
        return (not self.start_date or self.start_date <= date) and (
            not self.end_date or date <= self.end_date
        )

    def create_products(self):
        """Products of the terms in self: those that exist, and new ones for the others.

        :return: `product.template`, one per term
        """
        wrong = self.filtered(lambda term: term.table_code not in PROCEDURE_TABLES)
        if wrong:
            raise UserError(
                self.env._(
                    "Only TUSS terms (tables 18, 19, 20 and 22) can become products; %s is not"
                    " one of them.",
                    wrong[0].display_name,
                )
            )
        missing = self.filtered(lambda term: not term.product_ids)
        Product = self.env["product.template"]
        Product.create([Product._tiss_prepare_from_term(term) for term in missing])
        return self.product_ids

    @api.model
    def _load_packaged_terms(self):
        """Load every table that the `tiss` package and the addon carry, in one bulk copy."""
        self._load_rows(
            itertools.chain(
                terminology.tuss_terms(),
                terminology.domains(),
                map(self._glosa_to_term, terminology.glosas()),
            )
        )

    @api.model
    def _glosa_to_term(self, glosa):
        return terminology.Term("38", glosa.code, glosa.term, "", None, None)

    @api.model
    def _load_rows(self, rows):
        """Insert or refresh terms in bulk.

        :param rows: iterable of objects with table, code, term, description, start, end
        :return: number of terms inserted or refreshed
        """
        return upsert(self, COLUMNS, ("table_code", "code"), map(self._to_row, rows))

    @api.model
    def _to_row(self, row):
        return (
            row.table,
            row.code,
            row.term,
            to_ascii(row.term),
            row.description or None,
            row.start,
            row.end,
        )
