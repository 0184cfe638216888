import itertools

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, escape_psql, format_date

from ..standard import terminology
from ..standard.text import to_ascii
from .bulk import upsert
from .term_load import to_search_name

PROCEDURE_TABLES = ("18", "19", "20", "22")
# A trigram index knows nothing of shorter words.
MIN_INDEXED_LENGTH = 3
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
    code = fields.Char(required=True)
    name = fields.Char("Term", required=True)
    search_name = fields.Char(required=True, index="trigram")
    description = fields.Char()
    start_date = fields.Date("Valid From")
    end_date = fields.Date("Valid Until")
    history_ids = fields.One2many("tiss.term.history", "term_id", "Earlier Versions")
    product_ids = fields.One2many("product.template", "tiss_term_id", "Products")
    product_count = fields.Integer(compute="_compute_product_count")
    archived_product_count = fields.Integer(compute="_compute_product_count")
    validity = fields.Selection(
        [("future", "Not yet valid"), ("valid", "Valid"), ("ended", "Ended")],
        compute="_compute_validity",
    )

    # Beside the equality this index finds codes by their first digits in every collation.
    _code_idx = models.Index("(code varchar_pattern_ops)")
    _table_code_uniq = models.Constraint(
        "UNIQUE(table_code, code)", "A term's code is unique within its table."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("code", "name", "end_date")
    @api.depends_context("formatted_display_name", "tiss_code_only")
    def _compute_display_name(self):
        """In a dropdown an ended term says so, in grey behind its name.

        A narrow column sets the context key `tiss_code_only`; its dropdown still has the names.
        """
        today = fields.Date.context_today(self)
        mark = self.env.context.get("formatted_display_name")
        is_short = self.env.context.get("tiss_code_only") and not mark
        for term in self:
            name = term.code if is_short else f"{term.code} {term.name}"
            if mark and term.end_date and term.end_date < today:
                ended = self.env._("ended %s", format_date(self.env, term.end_date))
                name = f"{name}\t--{ended}--"
            term.display_name = name

    @api.depends("product_ids")
    def _compute_product_count(self):
        counts = dict.fromkeys(self.ids, (0, 0))
        for term, active, count in (
            self.env["product.template"]
            .with_context(active_test=False)
            ._read_group(
                [("tiss_term_id", "in", self.ids)], ["tiss_term_id", "active"], ["__count"]
            )
        ):
            known = counts[term.id]
            counts[term.id] = (count, known[1]) if active else (known[0], count)
        for term in self:
            term.product_count, term.archived_product_count = counts.get(term.id, (0, 0))

    @api.depends("start_date", "end_date")
    def _compute_validity(self):
        today = fields.Date.context_today(self)
        for term in self:
            if term._is_valid_on(today):
                term.validity = "valid"
            else:
                is_past = term.end_date and term.end_date < today
                term.validity = "ended" if is_past else "future"

    @api.model
    def _search_display_name(self, operator, value):
        """Words match in any order and without accents: "consulta consultorio"."""
        if operator in ("ilike", "like") and isinstance(value, str):
            return Domain.AND(self._get_word_domain(word) for word in to_search_words(value))
        return super()._search_display_name(operator, value)

    @api.model
    def _get_word_domain(self, word):
        """A word of the term, or the beginning of its code.

        Codes of letters alone (O, the face of a tooth) are short; looking for them only when they
        are typed in full leaves the other searches to the index of words.
        """
        in_name = Domain("search_name", "like", word)
        if any(character.isdigit() for character in word):
            return Domain("code", "=like", f"{word}%") | in_name
        return Domain("code", "=", word) | in_name if len(word) <= 2 else in_name

    @api.model
    def name_search(self, name="", domain=None, operator="ilike", limit=100):
        """The best first: by code, then terms that are valid today, then the shorter ones."""
        words = to_search_words(name or "")
        if not words or operator not in ("ilike", "like"):
            return super().name_search(name, domain, operator, limit)
        matching = Domain("display_name", operator, name) & Domain(domain or Domain.TRUE)
        if max(map(len, words)) < MIN_INDEXED_LENGTH:
            terms = self._search_short(matching, words[0], limit)
        else:
            terms = self._search_ranked(matching, words[0], limit)
        return [(term.id, term.display_name) for term in terms.sudo()]

    @api.model
    def _search_ranked(self, domain, word, limit):
        query = self._search(domain, limit=limit)
        query.order = SQL(
            "(code LIKE %s) DESC, COALESCE(end_date < %s, false), octet_length(name), id",
            f"{word}%",
            fields.Date.context_today(self),
        )
        return self.browse(query.get_result_ids())

    @api.model
    def _search_short(self, domain, word, limit):
        """One or two characters are in most terms: take the first there are.

        What has them as its code or as a whole word (SP, the state) still comes before the rest.
        """
        today = fields.Date.context_today(self)
        is_valid = Domain("end_date", "=", False) | Domain("end_date", ">=", today)
        has_code = Domain("code", "=like", f"{word}%")
        has_word = Domain.OR(
            Domain("search_name", "=like", pattern)
            for pattern in (word, f"{word} %", f"% {word} %", f"% {word}")
        )
        terms = self.browse()
        for step in (has_code & is_valid, has_word & is_valid, is_valid, Domain.TRUE):
            left = limit - len(terms) if limit else None
            if left is None or left > 0:
                terms += self.search(domain & step & Domain("id", "not in", terms.ids), limit=left)
        return terms

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_create_products(self):
        """Create the missing products of the chosen terms and open them all.

        An archived product is not doubled and not brought back unasked: it is shown, in grey, and
        can be restored there.
        """
        archived = self._get_archived_products()
        terms = self - archived.tiss_term_id
        count = len(terms.filtered(lambda term: not term.product_ids))
        products = terms.create_products() | archived
        action = products._get_records_action(
            name=self.env._("Procedures"),
            context={"active_test": False, "create": False},
        )
        if len(self) == 1:
            return action
        action["views"] = [
            (self.env.ref("l10n_br_tiss.product_template_view_list").id, "list"),
            (False, "form"),
        ]
        message = self.env._(
            "%(new)s procedures created; %(known)s were there already; %(archived)s are archived"
            " and can be restored from this list.",
            new=count,
            known=len(products) - count - len(archived),
            archived=len(archived),
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if archived else "success",
                "message": message,
                "next": action,
            },
        }

    def action_restore_products(self):
        """Bring the archived products of the terms back and open them."""
        products = self._get_archived_products()
        products.action_unarchive()
        return products._get_records_action(name=self.env._("Procedures"))

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

        A term whose only products are archived gets them back rather than a second one.

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
        # Who asks for a product of a term whose product was archived does that work again.
        self._get_archived_products().action_unarchive()
        missing = self.filtered(lambda term: not term.product_ids)
        if missing:
            self.env["product.template"]._tiss_create_from_terms(missing)
        return self.product_ids

    def _get_archived_products(self):
        """Archived products of those terms in self that have no other."""
        products = (
            self.env["product.template"]
            .with_context(active_test=False)
            .search([("tiss_term_id", "in", self.ids)])
            .with_env(self.env)
        )
        active = products.filtered("active")
        return (products - active).filtered(
            lambda product: product.tiss_term_id not in active.tiss_term_id
        )

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
            to_search_name(row.term, row.description),
            row.description or None,
            row.start,
            row.end,
        )
