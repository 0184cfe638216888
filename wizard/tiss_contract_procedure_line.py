from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import float_compare

from ..models.tiss_term import term_field

MAX_LINES = 200
SUGGESTED_TERM = ("22", "10101012")  # consulta em consultório: every clinic does it


class TissContractProcedureLine(models.TransientModel):
    """One thing that the clinic does, and what a convênio says of it: a price row to be written.

    A line knows the price row it was read from (`item_id`). Applying writes only what differs.
    """

    _name = "tiss.contract.procedure.line"
    _description = "Procedure of a Convênio"
    _order = "sequence, id"

    procedure_id = fields.Many2one(
        "tiss.contract.procedure", "List", index=True, ondelete="cascade"
    )
    create_id = fields.Many2one(
        "tiss.contract.create", "New Convênio", index=True, ondelete="cascade"
    )
    sequence = fields.Integer()
    item_id = fields.Many2one("product.pricelist.item", ondelete="cascade")
    product_tmpl_id = fields.Many2one("product.template", ondelete="cascade")
    term_id = fields.Many2one("tiss.term", help="Becomes a product when the line is applied.")
    name = fields.Char("Procedure", compute="_compute_name")
    is_fixed = fields.Boolean(compute="_compute_is_fixed")
    covered = fields.Boolean(compute="_compute_covered", store=True, readonly=False)
    table_id = term_field("87", "Table")
    code = fields.Char(compute="_compute_code", store=True, readonly=False, size=10)
    description = fields.Char(
        "Description Sent", compute="_compute_description", store=True, readonly=False
    )
    on_site = fields.Boolean("On-site", default=True)
    price = fields.Float("On-site Price", digits=(12, 2))
    tele = fields.Boolean("Telehealth", compute="_compute_tele", store=True, readonly=False)
    tele_price = fields.Float("Telehealth Price", digits=(12, 2), help="0: the same as on-site.")
    billing_kind = fields.Selection(
        selection="_selection_billing_kind", string="Billing Type", default="fee_for_service"
    )
    start_date = fields.Date("From", help="A later day than now opens a new price period.")
    end_date = fields.Date("Until", help="The last day on which this price holds.")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.model
    def _selection_billing_kind(self):
        Item = self.env["product.pricelist.item"]
        return Item._fields["tiss_billing_kind"]._description_selection(self.env)

    @api.depends("product_tmpl_id", "term_id")
    def _compute_name(self):
        for line in self:
            line.name = line.product_tmpl_id.name or line.term_id.name

    @api.depends("item_id")
    def _compute_is_fixed(self):
        for line in self:
            line.is_fixed = not line.item_id or line.item_id.compute_price == "fixed"

    @api.depends("price", "tele_price")
    def _compute_covered(self):
        """Whoever types a price covers it."""
        for line in self:
            line.covered = line.covered or bool(line.price or line.tele_price)

    @api.depends("tele_price")
    def _compute_tele(self):
        for line in self:
            line.tele = line.tele or bool(line.tele_price)

    @api.depends("table_id")
    def _compute_code(self):
        """Of the product's own table, its code; in a table of the operadora it must be typed."""
        for line in self:
            table, code = line._get_own_code()
            line.code = code if line.table_id.code == table else False

    @api.depends("table_id", "code")
    def _compute_description(self):
        for line in self:
            term = self.env["tiss.term"]._get(line.table_id.code, line.code)
            line.description = term.name or line.description or line._get_own_description()

    def _get_own_code(self):
        """(table, code) of the procedure, whatever the convênio calls it."""
        self.ensure_one()
        if self.product_tmpl_id:
            return self.product_tmpl_id.tiss_table, self.product_tmpl_id.tiss_code
        return self.term_id.table_code, self.term_id.code

    def _get_own_description(self):
        self.ensure_one()
        return self.product_tmpl_id.tiss_term_id.name or self.name

    # ------------------------------------------------------------------
    # Reading: what the clinic does, and the price rows of a convênio
    # ------------------------------------------------------------------

    @api.model
    def _prepare_lines(self, contract):
        """Values of the lines of `contract` (none: a new one), in a fixed number of queries.

        Consultations first, then what has a price, then what is done most; at most MAX_LINES.

        :return: (list of dicts, number of procedures left out)
        """
        items = self._get_items(contract)
        products = self._get_products(items)
        if not products:
            return [self._prepare_term(self.env["tiss.term"]._get(*SUGGESTED_TERM))], 0
        chosen = products[:MAX_LINES]
        chosen.tiss_term_id.mapped("name")
        return [
            self._prepare_product(product, items.get(product, []), sequence)
            for sequence, product in enumerate(chosen)
        ], len(products) - len(chosen)

    @api.model
    def _get_items(self, contract):
        """{product: its price rows, oldest first} that hold for everybody on this convênio."""
        items = self.env["product.pricelist.item"].search(
            [
                ("pricelist_id", "in", contract.pricelist_id.ids),
                ("applied_on", "=", "1_product"),
                ("product_tmpl_id.active", "=", True),
                ("min_quantity", "<=", 1),
                ("tiss_plan_id", "=", False),
                ("tiss_network_status", "=", False),
                ("tiss_network_level_id", "=", False),
            ]
        )
        return items.sorted(lambda item: (str(item.tiss_start_date or ""), item.id)).grouped(
            "product_tmpl_id"
        )

    @api.model
    def _get_products(self, items):
        Product = self.env["product.template"]
        priced = [product.id for product in items]
        products = Product.search_fetch(
            [
                ("tiss_code", "!=", False),
                "|",
                ("tiss_expense_kind_id", "=", False),
                ("id", "in", priced),
            ],
            ["name", "tiss_table", "tiss_code", "tiss_is_consultation", "tiss_term_id"],
        )
        uses = self._get_uses()
        return products.sorted(
            lambda product: (
                not product.tiss_is_consultation,
                product not in items,
                -uses.get(product.id, 0),
                product.name,
            )
        )

    @api.model
    def _get_uses(self):
        """{product template id: times done in the last year}"""
        since = fields.Date.context_today(self) - relativedelta(years=1)
        uses = {}
        for product, count in self.env["tiss.encounter.line"]._read_group(
            [("encounter_id.date", ">=", since)], ["product_id"], ["__count"]
        ):
            template = product.product_tmpl_id.id
            uses[template] = uses.get(template, 0) + count
        return uses

    @api.model
    def _prepare_term(self, term):
        """Line of a TUSS term that no product of the clinic has yet."""
        return {
            "term_id": term.id,
            "table_id": self._get_table(term.table_code).id,
            "code": term.code,
            "description": term.name,
        }

    @api.model
    def _prepare_product(self, product, items, sequence=0):
        """Line of a product; `items` are its price rows on the convênio, oldest first."""
        today = fields.Date.context_today(self)
        alive = [item for item in items if not item.tiss_end_date or item.tiss_end_date >= today]
        vals = {
            "sequence": sequence,
            "product_tmpl_id": product.id,
            "table_id": self._get_table(product.tiss_table).id,
            "code": product.tiss_code,
            "description": product.tiss_term_id.name or product.name,
        }
        if not alive:
            # A price that has ended stays as it was: what is ticked now begins the day after.
            last = items[-1].tiss_end_date if items else None
            return {**vals, "start_date": last and last + timedelta(days=1)}
        item = alive[0]
        return {
            **vals,
            "item_id": item.id,
            "covered": item.tiss_covered,
            "table_id": item.tiss_table_id.id or vals["table_id"],
            "code": item.tiss_code or vals["code"],
            "description": item.tiss_description or vals["description"],
            "on_site": item.tiss_on_site,
            "price": item.fixed_price,
            "tele": item.tiss_tele,
            "tele_price": item.tiss_tele_price,
            "billing_kind": item.tiss_billing_kind,
            "start_date": item.tiss_start_date,
            "end_date": item.tiss_end_date,
        }

    @api.model
    def _get_table(self, code):
        return self.env["tiss.term"]._get("87", code)

    # ------------------------------------------------------------------
    # Writing: the price rows
    # ------------------------------------------------------------------

    def _apply(self, contract):
        """Write what differs from the price rows of `contract`; nothing else is touched.

        A price changed together with a later "from" is a new row; the old one ends the day before.

        :return: the price rows written or created
        """
        Item = self.env["product.pricelist.item"]
        lines = self.filtered(lambda line: line.covered or line.item_id)
        changes = {line: line._get_changes() for line in lines}
        changes = {line: vals for line, vals in changes.items() if vals}
        lines = lines.filtered(changes.get)
        lines._check_lines()
        lines._create_products()
        touched, vals_list = Item, []
        items = self._get_items(contract)
        for line in lines:
            if line.item_id and not line._opens_period(changes[line]):
                line.item_id.write(changes[line])
                touched |= line.item_id
            else:
                others = items.get(line.product_tmpl_id, Item)
                vals_list.append(line._prepare_period(contract, others))
        return touched | Item.create(vals_list)

    def _get_changes(self):
        """What of this line differs from its price row: {field: value} to write."""
        self.ensure_one()
        item, vals = self.item_id, self._prepare_item()
        if not item:
            return vals
        return {name: value for name, value in vals.items() if not _is_same(item, name, value)}

    def _prepare_item(self):
        """Values of the price row; what is the product's own is left empty and follows it."""
        self.ensure_one()
        own_table, own_code = self._get_own_code()
        is_own = self.table_id.code == own_table and self.code == own_code
        is_own_text = self.description == self._get_own_description()
        vals = {
            "tiss_covered": self.covered,
            "tiss_on_site": self.on_site,
            "tiss_tele": self.tele,
            "tiss_tele_price": self.tele_price,
            "tiss_billing_kind": self.billing_kind,
            "tiss_table_id": False if is_own else self.table_id.id,
            "tiss_code": False if is_own else (self.code or "").strip() or False,
            "tiss_description": False if is_own_text else (self.description or "")[:150] or False,
            "tiss_start_date": self.start_date,
            "tiss_end_date": self.end_date,
        }
        if self.is_fixed:
            vals["fixed_price"] = self.price
        return vals

    def _opens_period(self, changes):
        start = changes.get("tiss_start_date")
        old = self.item_id.tiss_start_date
        is_later = bool(start) and (not old or start > old)
        return is_later and bool(set(changes) - {"tiss_start_date", "tiss_end_date"})

    def _prepare_period(self, contract, items):
        """Values of a new price row from this line's first day; makes room for it in `items`."""
        self.ensure_one()
        vals = self._prepare_item()
        if self.start_date:
            vals["tiss_end_date"] = items._tiss_make_room(self.start_date, self.end_date)
        if self.item_id:
            copied = self.item_id.copy_data()[0]
            return {name: copied[name] for name in copied if not name.startswith("date_")} | vals
        return {
            **vals,
            "pricelist_id": contract.pricelist_id.id,
            "applied_on": "1_product",
            "display_applied_on": "1_product",
            "product_tmpl_id": self.product_tmpl_id.id,
            "compute_price": "fixed",
        }

    def _create_products(self):
        new = self.filtered(lambda line: not line.product_tmpl_id)
        new.term_id.create_products()
        for line in new:
            line.product_tmpl_id = line.term_id.product_ids[:1]

    def _check_lines(self):
        """Everything that is wrong with the lines in self, said at once."""
        problems = [problem for line in self for problem in line._get_problems()]
        if problems:
            raise UserError("\n".join(problems))

    def _get_problems(self):
        self.ensure_one()
        problems = []
        if self.covered and not (self.on_site or self.tele):
            problems.append(self.env._("%s: tick on-site, telehealth or both.", self.name))
        if self.price < 0 or self.tele_price < 0:
            problems.append(self.env._("%s: a price is not negative.", self.name))
        if self.covered and not (self.table_id and self.code):
            problems.append(
                self.env._("%s: type the code by which the operadora knows it.", self.name)
            )
        if self.start_date and self.end_date and self.start_date > self.end_date:
            problems.append(self.env._("%s: “until” is before “from”.", self.name))
        return problems


def _is_same(item, name, value):
    """Whether a price row already says `value`, to the cent."""
    field, old = item._fields[name], item[name]
    if field.type == "many2one":
        return old.id == value
    if field.type == "float":
        return not float_compare(old, value, precision_digits=2)
    return (old or False) == (value or False)
