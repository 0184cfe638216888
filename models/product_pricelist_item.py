import datetime

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL, formatLang

from . import period
from .price_book import CONDITIONS, PriceBook, PriceRequest
from .tiss_term import PROCEDURE_TABLES

DATES = (  # our day, Odoo's moment, the time of the day
    ("tiss_start_date", "date_start", datetime.time.min),
    ("tiss_end_date", "date_end", datetime.time(23, 59, 59)),
)
# What an item of a guia may carry as its table (T87): TUSS, own codes and packages.
SENT_TABLES = ["00", "18", "19", "20", "22", "90", "98"]


class ProductPricelistItem(models.Model):
    """Price rules of a contract are typed against a TUSS term; the product comes by itself."""

    _name = "product.pricelist.item"
    _inherit = ["product.pricelist.item", "tiss.contract.log"]

    # What a note in the convênio's history speaks of.
    _tiss_log_fields = (
        "tiss_covered",
        "compute_price",
        "fixed_price",
        "tiss_tele_price",
        "tiss_reimbursement_price",
        "tiss_on_site",
        "tiss_tele",
        "tiss_billing_kind",
        "tiss_plan_id",
        "tiss_network_status",
        "tiss_network_level_id",
        "tiss_price_table_id",
        "tiss_porte_edition_id",
        "tiss_percent",
        "tiss_porte_percent",
        "tiss_uco_percent",
        "tiss_uco_price",
        "tiss_film_price",
        "tiss_ch_price",
        "tiss_table_id",
        "tiss_code",
        "tiss_description",
        "date_start",
        "date_end",
    )

    tiss_term_id = fields.Many2one(
        "tiss.term",
        "TUSS",
        domain=[("table_code", "in", PROCEDURE_TABLES)],
        compute="_compute_tiss_term_id",
        inverse="_inverse_tiss_term_id",
    )
    tiss_start_date = fields.Date(
        "From", compute="_compute_tiss_dates", inverse="_inverse_tiss_start_date"
    )
    tiss_end_date = fields.Date(
        "Until",
        compute="_compute_tiss_dates",
        inverse="_inverse_tiss_end_date",
        help="The last day on which this price holds.",
    )

    # ---- What the convênio says of the procedure
    tiss_covered = fields.Boolean("Covered", default=True)
    tiss_on_site = fields.Boolean("On-site", default=True)
    tiss_tele = fields.Boolean("Telehealth")
    tiss_tele_price = fields.Float(
        "Telehealth Price", digits=(12, 2), help="0: the same as on-site."
    )
    tiss_reimbursement_price = fields.Float(
        "Reimbursement", digits=(12, 2), help="What the operadora gives back to the patient."
    )
    tiss_billing_kind = fields.Selection(
        [
            ("fee_for_service", "Fee for service"),
            ("package", "Package"),
            ("capitation", "Capitation"),
            ("reimbursement", "Paid by the patient, reimbursed"),
        ],
        "Billing Type",
        default="fee_for_service",
    )
    tiss_table_id = fields.Many2one(
        "tiss.term",
        "Table",
        domain=[("table_code", "=", "87"), ("code", "in", SENT_TABLES)],
        ondelete="restrict",
        help="The table and the code that this operadora knows; empty: the procedure's own.",
    )
    tiss_code = fields.Char(
        "Code Sent", size=10, compute="_compute_tiss_code", store=True, readonly=False
    )
    tiss_description = fields.Char(
        "Description Sent",
        size=150,
        compute="_compute_tiss_description",
        store=True,
        readonly=False,
    )
    # ---- When the rule holds
    tiss_operadora_id = fields.Many2one("res.partner", compute="_compute_tiss_operadora_id")
    tiss_plan_id = fields.Many2one(
        "tiss.plan",
        "Plan",
        domain="[('operadora_id', '=', tiss_operadora_id)]",
        ondelete="restrict",
    )
    tiss_network_status = fields.Selection(
        selection="_selection_tiss_network_status", string="Network Status"
    )
    tiss_network_level_id = fields.Many2one(
        "tiss.network.level",
        "Network Level",
        domain="[('operadora_id', '=', tiss_operadora_id)]",
        ondelete="restrict",
    )
    # ---- Prices out of a reference table
    compute_price = fields.Selection(
        selection_add=[
            ("tiss_table", "Reference Table"),
            ("tiss_package", "Sum of the Components"),
        ],
        ondelete={"tiss_table": "cascade", "tiss_package": "cascade"},
    )
    tiss_price_table_id = fields.Many2one(
        "tiss.price.table",
        "Table of Prices",
        domain=[("state", "=", "published")],
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    tiss_table_kind = fields.Selection(related="tiss_price_table_id.kind")
    tiss_porte_edition_id = fields.Many2one(
        "tiss.porte.edition",
        "Values of Portes",
        domain=[("state", "=", "published")],
        check_company=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    tiss_percent = fields.Float(
        "Inflator or Deflator", digits=(6, 2), help="On the whole price: -20 is 20% less."
    )
    tiss_porte_percent = fields.Float(
        "Band of the Porte", digits=(6, 2), help="-20 is the whole band down."
    )
    tiss_uco_percent = fields.Float("Band of the UCO", digits=(6, 2))
    tiss_uco_price = fields.Float("UCO", digits=(12, 4), help="0: as in the values of portes.")
    tiss_film_price = fields.Float("Film", digits=(12, 4), help="0: as in the values of portes.")
    tiss_ch_price = fields.Float("CH", digits=(12, 4), help="0: as in the values of portes.")
    tiss_price_base = fields.Selection(
        [("pmc", "PMC"), ("pf", "PF"), ("pmc_or_pf", "PMC, or else PF with its margin")],
        "Price Base",
        default="pmc_or_pf",
    )
    tiss_pf_margin_percent = fields.Float(
        "Margin on PF", digits=(6, 2), help="38 makes R$ 138.00 of a factory price of R$ 100.00."
    )
    tiss_use_fraction = fields.Boolean(
        "Price of One Unit", help="Of an ampoule or a tablet; otherwise of the whole package."
    )

    _tiss_prices_not_negative = models.Constraint(
        "CHECK(tiss_tele_price >= 0 AND tiss_reimbursement_price >= 0 AND tiss_uco_price >= 0"
        " AND tiss_film_price >= 0 AND tiss_ch_price >= 0)",
        "No price is negative.",
    )
    _tiss_percents_sane = models.Constraint(
        "CHECK(tiss_percent > -100 AND tiss_porte_percent > -100 AND tiss_uco_percent > -100"
        " AND tiss_pf_margin_percent > -100)",
        "A price is not reduced by 100% or more.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.model
    def _selection_tiss_network_status(self):
        return self.env["tiss.contract"]._fields["network_status"]._description_selection(self.env)

    @api.depends("pricelist_id")
    def _compute_tiss_operadora_id(self):
        # Whoever may see a price list may see whose it is, also a seller without our rights.
        contracts = (
            self.env["tiss.contract"]
            .sudo()
            .search_fetch(
                [("pricelist_id", "in", self.pricelist_id.ids)], ["pricelist_id", "partner_id"]
            )
        )
        operadoras = {contract.pricelist_id.id: contract.partner_id.id for contract in contracts}
        for item in self:
            item.tiss_operadora_id = operadoras.get(item.pricelist_id.id)

    @api.depends("product_tmpl_id.tiss_term_id", "product_id.tiss_term_id")
    def _compute_tiss_term_id(self):
        for item in self:
            product = item.product_tmpl_id or item.product_id
            item.tiss_term_id = product.tiss_term_id

    def _inverse_tiss_term_id(self):
        items = self.filtered("tiss_term_id")
        items.tiss_term_id.create_products()
        for item in items:
            item.write(self._tiss_prepare_product_vals(item.tiss_term_id))

    @api.depends("date_start", "date_end")
    def _compute_tiss_dates(self):
        for item in self:
            start, end = item.date_start, item.date_end
            item.tiss_start_date = start and period.to_first_day(start)
            item.tiss_end_date = end and period.to_last_day(end)

    def _inverse_tiss_start_date(self):
        self._tiss_set_moment(*DATES[0])

    def _inverse_tiss_end_date(self):
        self._tiss_set_moment(*DATES[1])

    def _tiss_set_moment(self, name, stored, time):
        for item in self:
            item[stored] = item._tiss_to_moment(item[name], time)

    @api.depends("tiss_table_id", "product_tmpl_id")
    def _compute_tiss_code(self):
        for item in self:
            item.tiss_code = item._tiss_get_own("tiss_code") or item.tiss_code

    @api.depends("tiss_table_id", "product_tmpl_id")
    def _compute_tiss_description(self):
        for item in self:
            item.tiss_description = item._tiss_get_own("name") or item.tiss_description

    def _tiss_get_own(self, name):
        """What choosing the table fills in: the product's own code of that table.

        In a table of the operadora's own what is typed stays, at first it is the product's.
        """
        table, product = self.tiss_table_id, self.product_tmpl_id
        typed = self.tiss_code if name == "tiss_code" else self.tiss_description
        if not table or (typed and table.code != product.tiss_table):
            return False
        return (product[name] or "")[: self._fields["tiss_description"].size]

    @api.depends(
        "tiss_price_table_id", "tiss_porte_edition_id", "tiss_percent", "tiss_porte_percent"
    )
    def _compute_price_label(self):
        others = self.filtered(
            lambda item: item.compute_price not in ("tiss_table", "tiss_package")
        )
        # As superuser: in a list of prices its name is no secret for those without our tables.
        for item in (self - others).sudo():
            what = item.tiss_price_table_id.display_name
            if item.compute_price == "tiss_package":
                what = self.env._("Sum of the components")
            parts = [what, item.tiss_porte_edition_id.display_name]
            if item.tiss_porte_percent:
                parts.append(self.env._("porte %s%%", self._tiss_sign(item.tiss_porte_percent)))
            if item.tiss_percent:
                parts.append(f"{self._tiss_sign(item.tiss_percent)}%")
            item.price = " · ".join(filter(None, parts))
        return super(ProductPricelistItem, others)._compute_price_label()

    def _tiss_sign(self, percent):
        """A percentage with its sign: −20 or +12,50."""
        sign = "+" if percent > 0 else "\N{MINUS SIGN}"
        number = formatLang(self.env, abs(percent), digits=0 if percent == int(percent) else 2)
        return sign + number

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.constrains(
        "compute_price", "tiss_price_table_id", "tiss_porte_edition_id", "tiss_ch_price"
    )
    def _check_tiss_price_table(self):
        """A price out of a table names a published one, and what its units are worth."""
        for item in self.filtered(lambda item: item.compute_price == "tiss_table"):
            table, edition = item.tiss_price_table_id, item.tiss_porte_edition_id
            if not table:
                raise ValidationError(self.env._("%s: choose the table of prices.", item.name))
            if table.kind == "cbhpm" and not edition:
                raise ValidationError(
                    self.env._("%s: choose the values of portes that hold.", item.name)
                )
            if table.kind == "ch" and not edition and not item.tiss_ch_price:
                raise ValidationError(self.env._("%s: say what one CH is worth.", item.name))
            for record in (table, edition):
                if record and record.state != "published":
                    raise ValidationError(
                        self.env._(
                            "“%s” is still a draft: publish it before prices are made of it.",
                            record.display_name,
                        )
                    )

    @api.constrains("fixed_price", "tiss_tele_price", "tiss_reimbursement_price", "tiss_percent")
    def _check_tiss_not_negative(self):
        negative = self.filtered(
            lambda item: (
                min(item.fixed_price, item.tiss_tele_price, item.tiss_reimbursement_price) < 0
                or item.tiss_percent < -100
            )
        )
        if negative and self.env["tiss.contract"].search_count(
            [("pricelist_id", "in", negative.pricelist_id.ids)], limit=1
        ):
            raise ValidationError(
                self.env._("%s: no price of a convênio is below zero.", negative[0].name)
            )

    @api.constrains(
        "pricelist_id", "applied_on", "product_id", "product_tmpl_id", "categ_id", "min_quantity",
        "date_start", "date_end", *CONDITIONS,
    )  # fmt: skip
    def _check_tiss_overlap(self):
        """In the list of a convênio one price holds at a time, or none could be reproduced."""
        self.env["tiss.contract"].flush_model(["pricelist_id"])
        self.flush_model()
        # Rules of a transaction at the same time cannot be seen: whoever is second starts again.
        self.env.execute_query(
            SQL(
                "UPDATE product_pricelist SET write_date = write_date WHERE id = ANY(%s)"
                " RETURNING id",
                self.pricelist_id.ids,
            )
        )
        rows = self.env.execute_query(self._tiss_get_overlap_query())
        if rows:
            one, other = self.browse(rows[0])
            raise ValidationError(
                self.env._(
                    "%(name)s has two prices for the same days: %(period)s and %(other)s. End the"
                    " first before the second begins.",
                    name=one.name,
                    period=other._tiss_get_period(),
                    other=one._tiss_get_period(),
                )
            )

    def _tiss_get_overlap_query(self):
        """A rule of self and another one that says the same of a day: a rule has a day's noon."""
        same = SQL(" AND ").join(
            SQL("COALESCE(a.%s, 0) = COALESCE(b.%s, 0)", SQL.identifier(name), SQL.identifier(name))
            for name in ("product_id", "product_tmpl_id", "categ_id", "min_quantity",
                         "tiss_plan_id", "tiss_network_level_id")
        )  # fmt: skip
        first_a, first_b = (
            SQL(
                "date_trunc('day', COALESCE(%s, '-infinity') + interval '11:59:59')",
                SQL.identifier(alias, "date_start"),
            )
            for alias in "ab"
        )
        last_a, last_b = (
            SQL(
                "date_trunc('day', COALESCE(%s, 'infinity') - interval '12:00:00')",
                SQL.identifier(alias, "date_end"),
            )
            for alias in "ab"
        )
        return SQL(
            """
            SELECT a.id, b.id
              FROM product_pricelist_item a
              JOIN product_pricelist_item b ON a.pricelist_id = b.pricelist_id AND a.id != b.id
               AND a.applied_on = b.applied_on AND %(same)s
               AND COALESCE(a.tiss_network_status, '') = COALESCE(b.tiss_network_status, '')
               AND %(first_a)s <= %(last_b)s AND %(first_b)s <= %(last_a)s
             WHERE a.id = ANY(%(ids)s)
               AND a.pricelist_id IN (SELECT pricelist_id FROM tiss_contract)
             ORDER BY a.id, b.id
             LIMIT 1
            """,
            same=same,
            first_a=first_a,
            first_b=first_b,
            last_a=last_a,
            last_b=last_b,
            ids=self.ids,
        )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # The rule's own check wants a product at once, before the inverse could give one.
        vals_list = [self._tiss_prepare_date_vals(vals) for vals in vals_list]
        by_term = [(vals, vals.pop("tiss_term_id", False)) for vals in vals_list]
        by_term = [(vals, id_) for vals, id_ in by_term if id_ and not vals.get("product_tmpl_id")]
        terms = self.env["tiss.term"].browse({id_ for _vals, id_ in by_term})
        terms.create_products()
        for vals, id_ in by_term:
            vals.update(
                self._tiss_prepare_product_vals(terms.browse(id_).with_prefetch(terms._ids))
            )
        return super().create(vals_list)

    def write(self, vals):
        return super().write(self._tiss_prepare_date_vals(vals))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _tiss_prepare_product_vals(self, term):
        return {
            "applied_on": "1_product",
            "display_applied_on": "1_product",
            "product_tmpl_id": term.product_ids[:1].id,
        }

    def _tiss_prepare_date_vals(self, vals):
        """First and last day as moments, so that checks see them together with all the rest."""
        vals = dict(vals)
        for name, stored, time in DATES:
            if name in vals:
                date = fields.Date.to_date(vals.pop(name))
                vals[stored] = self._tiss_to_moment(date, time)
        return vals

    def _tiss_to_moment(self, date, time):
        """A rule holds by the second: the `time` of `date` where the clinic is, in UTC."""
        if not date:
            return False
        moment = datetime.datetime.combine(date, time)
        company = (self.company_id or self.env.company)[:1]
        try:
            local = period.get_zone(company).localize(moment)
            return local.astimezone(pytz.utc).replace(tzinfo=None)
        except OverflowError:
            # 31/12/9999 is how many tables write “without end”; in UTC it is the year 10000.
            return moment

    def _tiss_end_before(self, day):
        """Let these prices hold until the day before `day`, on which others begin.

        First and last day are always written by their own names: `create` and `write` make
        moments of them, and all rules of a call are checked together.
        """
        self.write({"tiss_end_date": day - datetime.timedelta(days=1)})

    def _tiss_make_room(self, start, end=None):
        """Let a price begin among those of the same procedure: the one before it ends.

        :return: its last day, which is `end` unless a later price begins before that
        """
        self.filtered(
            lambda item: (
                (not item.tiss_start_date or item.tiss_start_date < start)
                and (not item.tiss_end_date or item.tiss_end_date >= start)
            )
        )._tiss_end_before(start)
        later = [item.tiss_start_date for item in self if (item.tiss_start_date or start) > start]
        lasts = [end] if end else []
        if later:
            lasts.append(min(later) - datetime.timedelta(days=1))
        return min(lasts, default=False)

    def _tiss_get_period(self):
        """The days of a rule in words."""
        return period.describe(self.env, self.tiss_start_date, self.tiss_end_date)

    def _tiss_get_sent_code(self, product):
        """What a guia says of a product priced by this rule; an empty rule says its own.

        :return: dict: table_code, code, description
        """
        return {
            "table_code": self.tiss_table_id.code or product.tiss_table,
            "code": self.tiss_code or product.tiss_code,
            "description": self.tiss_description or product.name,
        }

    def _compute_price(self, product, quantity, uom, date, currency=None, **kwargs):
        """Odoo asks one rule for one price: for ours, the book of the convênio answers."""
        if self.compute_price not in ("tiss_table", "tiss_package"):
            return super()._compute_price(product, quantity, uom, date, currency, **kwargs)
        if product._name == "product.template":
            product = product.product_variant_id
        request = PriceRequest(product, self.pricelist_id._tiss_to_local_date(date), quantity)
        # Whoever may sell may know the price, the tables behind it are not shown.
        rule = self.sudo()
        book = PriceBook(rule.pricelist_id._tiss_get_contract(), [request], rule.pricelist_id)
        price = book.price_by(rule, request)
        return product.uom_id._compute_price(float(price.unit_amount or 0), uom)
