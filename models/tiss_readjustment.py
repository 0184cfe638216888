import datetime
from collections import defaultdict
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_amount, format_date, formatLang

from ..standard.money import to_decimal
from . import bulk
from .price_book import NOON, PriceBook, PriceRequest
from .tiss_contract_terms import BASE_DATE_DAYS

# What decides the result: changing one of them makes the calculation void.
INPUTS = {
    "contract_id", "percent", "date", "scope", "categ_ids", "plan_ids", "product_tmpl_ids",
    "table_part",
}  # fmt: skip
PRICES = ("fixed_price", "tiss_tele_price", "tiss_reimbursement_price")
BANDS = {"whole": ("tiss_percent",), "bands": ("tiss_porte_percent", "tiss_uco_percent")}
MODES = ("on_site", "tele")


def _add(totals, values):
    return [total + Decimal(str(value)) for total, value in zip(totals, values, strict=True)]


class TissReadjustment(models.Model):
    """A readjustment of a convênio's prices: simulated, applied from a day on, undone before it.

    Applying ends the prices of today on the day before and lets copies of them begin: what was
    worth something on a past day stays so.
    """

    _name = "tiss.readjustment"
    _description = "Readjustment"
    _order = "date desc, id desc"
    _check_company_auto = True
    _rec_names_search = ["contract_id"]

    name = fields.Char(compute="_compute_name")
    contract_id = fields.Many2one(
        "tiss.contract", "Convênio", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="contract_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    readjustment_index = fields.Selection(related="contract_id.readjustment_index")
    share_percent = fields.Float(related="contract_id.readjustment_percent")
    index_percent = fields.Float(
        "Index of the Period", digits=(7, 4), help="What the index added up to since the last time."
    )
    percent = fields.Float(
        "Readjustment",
        digits=(7, 4),
        compute="_compute_percent",
        store=True,
        readonly=False,
        help="Percent on every price; the index times the agreed share, or as negotiated.",
    )
    date = fields.Date(
        "Holds From", required=True, compute="_compute_date", store=True, readonly=False,
        precompute=True,
    )  # fmt: skip
    scope = fields.Selection(
        [
            ("all", "All prices"),
            ("category", "Groups of procedures"),
            ("plan", "Prices of plans"),
            ("product", "Chosen procedures"),
        ],
        "Which Prices",
        default="all",
        required=True,
    )
    categ_ids = fields.Many2many("product.category", string="Groups")
    operadora_id = fields.Many2one(related="contract_id.partner_id")
    plan_ids = fields.Many2many(
        "tiss.plan", string="Plans", domain="[('operadora_id', '=', operadora_id)]"
    )
    product_tmpl_ids = fields.Many2many(
        "product.template", string="Procedures", domain=[("tiss_code", "!=", False)]
    )
    table_part = fields.Selection(
        [("whole", "Whole price"), ("bands", "Porte and UCO; film stays")],
        "Reference Tables",
        default="whole",
        required=True,
        help="What is readjusted where the price comes out of CBHPM or another reference table.",
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("simulated", "Simulated"),
            ("applied", "Applied"),
            ("undone", "Undone"),
        ],
        "Status",
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    line_ids = fields.One2many("tiss.readjustment.line", "readjustment_id", "Prices")
    new_item_ids = fields.Many2many("product.pricelist.item", string="New Prices", copy=False)
    message = fields.Text("What Stays Out", readonly=True, copy=False)
    # The base date that this readjustment settled; Undo gives it back.
    settled_base_date = fields.Date(copy=False)
    amount_total = fields.Monetary("Billed in 12 Months", compute="_compute_totals")
    effect_total = fields.Monetary("Effect", compute="_compute_totals")
    summary = fields.Char(compute="_compute_summary")
    has_table_lines = fields.Boolean(compute="_compute_has_table_lines")
    can_undo = fields.Boolean(compute="_compute_can_undo")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("contract_id", "date")
    @api.depends_context("lang")
    def _compute_name(self):
        for readjustment in self:
            date = readjustment.date and format_date(self.env, readjustment.date)
            readjustment.name = " · ".join(filter(None, [readjustment.contract_id.name, date]))

    @api.depends("index_percent", "contract_id")
    def _compute_percent(self):
        for readjustment in self:
            if readjustment.index_percent:
                share = Decimal(str(readjustment.share_percent)) / 100
                exact = Decimal(str(readjustment.index_percent)) * share
                readjustment.percent = float(to_decimal(exact, 4))

    @api.depends("contract_id")
    def _compute_date(self):
        for readjustment in self:
            tomorrow = readjustment.contract_id._get_today() + datetime.timedelta(days=1)
            base_date = readjustment.contract_id.base_date
            readjustment.date = readjustment.date or max(base_date or tomorrow, tomorrow)

    @api.depends("line_ids")
    def _compute_totals(self):
        totals = {
            readjustment: sums
            for readjustment, *sums in self.env["tiss.readjustment.line"]._read_group(
                [("readjustment_id", "in", self.ids)],
                ["readjustment_id"],
                ["amount:sum", "effect:sum"],
            )
        }
        for readjustment in self:
            amount, effect = totals.get(readjustment._origin, (0.0, 0.0))
            readjustment.amount_total = amount
            readjustment.effect_total = effect

    @api.depends("state", "line_ids", "percent", "date")
    @api.depends_context("lang")
    def _compute_summary(self):
        for readjustment in self:
            readjustment.summary = readjustment.line_ids and self.env._(
                "%(percent)s%% from %(date)s: %(count)s prices; on the %(amount)s billed in the"
                " last 12 months that is %(effect)s.",
                percent=readjustment._format_percent(readjustment.percent),
                date=format_date(self.env, readjustment.date),
                count=len(readjustment.line_ids.item_id) or len(readjustment.line_ids),
                amount=format_amount(self.env, readjustment.amount_total, readjustment.currency_id),
                effect=format_amount(self.env, readjustment.effect_total, readjustment.currency_id),
            )

    @api.depends("line_ids.detail")
    def _compute_has_table_lines(self):
        for readjustment in self:
            readjustment.has_table_lines = any(readjustment.line_ids.mapped("detail"))

    @api.depends("state", "date")
    def _compute_can_undo(self):
        for readjustment in self:
            today = readjustment.contract_id._get_today()
            readjustment.can_undo = readjustment.state == "applied" and readjustment.date > today

    def _format_percent(self, value):
        return formatLang(self.env, value, digits=4 if round(value * 100, 6) % 1 else 2)

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if INPUTS & set(vals):
            if any(readjustment.state in ("applied", "undone") for readjustment in self):
                raise UserError(
                    self.env._("What was applied no longer changes: make a new readjustment.")
                )
            if self.line_ids:
                self.line_ids.unlink()
                vals = {**vals, "state": "draft", "message": False}
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_applied(self):
        applied = self.filtered(lambda readjustment: readjustment.state == "applied")
        if applied:
            raise UserError(
                self.env._("%s was applied and is kept as proof.", applied[0].display_name)
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_simulate(self):
        for readjustment in self:
            readjustment.simulate()

    def action_apply(self):
        for readjustment in self:
            readjustment.apply()

    def action_undo(self):
        for readjustment in self:
            readjustment.undo()

    # ------------------------------------------------------------------
    # Simulation
    # ------------------------------------------------------------------

    def simulate(self):
        """Calculate the new price of every rule in scope and its effect; changes no price."""
        self.ensure_one()
        if self.state in ("applied", "undone"):
            raise UserError(self.env._("What was applied cannot be calculated again."))
        if not -100 < self.percent or not self.percent:
            raise UserError(self.env._("Type the percentage of the readjustment, e.g. 4.5."))
        self._check_date()
        self.line_ids.unlink()
        rules = self._get_rules()
        in_scope = rules.filtered(self._is_in_scope)
        current = in_scope.filtered(
            lambda rule: not rule.tiss_start_date or rule.tiss_start_date < self.date
        )
        changes = {rule: self._get_new_values(rule) for rule in current}
        changes = {rule: values for rule, values in changes.items() if values}
        vals_list = self._prepare_lines(changes)
        vals_list.sort(key=lambda vals: -vals.get("effect", 0))
        self.env["tiss.readjustment.line"].create(vals_list)
        self.write(
            {
                "state": "simulated" if vals_list else "draft",
                "message": self._get_left_out_text(in_scope, current, changes),
            }
        )

    def _check_date(self):
        """Guias of past days were made out with the prices of those days."""
        if self.date < self.contract_id._get_today():
            raise UserError(
                self.env._(
                    "Prices of days that are past do not change: let the readjustment hold from"
                    " today or a later day on."
                )
            )

    def _get_rules(self):
        """The rules of the contract that hold on the day of the readjustment or begin later."""
        noon = datetime.datetime.combine(self.date, NOON)
        return self.env["product.pricelist.item"].search_fetch(
            [
                ("pricelist_id", "=", self.contract_id.pricelist_id.id),
                "|", ("date_end", "=", False), ("date_end", ">=", noon),
            ]
        )  # fmt: skip

    def _is_in_scope(self, rule):
        if self.scope == "plan":
            return rule.tiss_plan_id in self.plan_ids
        product = rule.product_tmpl_id or rule.product_id.product_tmpl_id
        if self.scope == "product":
            return product in self.product_tmpl_ids
        if self.scope == "category":
            path = (product.categ_id or rule.categ_id).parent_path or ""
            return any(path.startswith(categ.parent_path) for categ in self.categ_ids)
        return True

    def _get_new_values(self, rule):
        """{field: value from the day on} of one rule; empty when nothing of it changes."""
        # Beside a price out of a table or of its components stand prices in reais, too.
        names = PRICES if rule.compute_price == "fixed" else PRICES[1:]
        values = {name: self._raise_price(rule[name]) for name in names}
        if rule.compute_price == "tiss_table" and not self._is_without_bands(rule):
            values |= {name: self._raise_band(rule[name]) for name in BANDS[self.table_part]}
        return {name: value for name, value in values.items() if value != rule[name]}

    def _is_without_bands(self, rule):
        """Whether only porte and UCO are readjusted, and the table of this rule has neither."""
        is_table = rule.compute_price == "tiss_table"
        return is_table and self.table_part == "bands" and rule.tiss_table_kind != "cbhpm"

    def _raise_price(self, price):
        """A price after the readjustment, rounded to the cent, half up."""
        return float(to_decimal(Decimal(str(price)) * self._get_factor()))

    def _raise_band(self, band):
        """(1 + band)(1 + readjustment) − 1, in percent with two decimals, half up."""
        factor = (1 + Decimal(str(band)) / 100) * self._get_factor()
        return float(to_decimal((factor - 1) * 100))

    def _get_factor(self):
        return 1 + Decimal(str(self.percent)) / 100

    def _get_left_out_text(self, in_scope, current, changes):
        """Sentences on the rules in scope that stay as they are, and why."""
        texts = []
        later = in_scope - current
        if later:
            texts.append(
                self.env._(
                    "%(count)s prices begin on %(date)s or later and stay as they were agreed: "
                    "%(names)s.",
                    count=len(later),
                    date=format_date(self.env, self.date),
                    names=self._join_names(later),
                )
            )
        others = current.filtered(lambda rule: rule.compute_price not in ("fixed", "tiss_table"))
        if others:
            texts.append(
                self.env._(
                    "%(count)s prices follow other prices and change with them: %(names)s.",
                    count=len(others),
                    names=self._join_names(others),
                )
            )
        whole = current.filtered(self._is_without_bands)
        if whole:
            texts.append(
                self.env._(
                    "%(count)s prices come out of tables without portes and stay: %(names)s.",
                    count=len(whole),
                    names=self._join_names(whole),
                )
            )
        same = len(current - others - whole - current.browse(rule.id for rule in changes))
        if same:
            texts.append(self.env._("%s prices do not change by a single cent.", same))
        if not changes:
            texts.insert(0, self.env._("No price of this convênio is readjusted by this."))
        return "\n".join(texts) or False

    def _join_names(self, rules):
        names = rules[:5].mapped("name")
        return ", ".join(names) + ("…" if len(rules) > 5 else "")

    # ------------------------------------------------------------------
    # Effect on the volume of 12 months
    # ------------------------------------------------------------------

    def _prepare_lines(self, changes):
        """Values of the lines: one per fixed price, one per other rule and billed procedure."""
        book, volumes = self._get_volumes()
        vals_list = []
        for rule, values in changes.items():
            volume = volumes.get(rule.id, {})
            if rule.compute_price == "fixed":
                vals_list.append(self._prepare_fixed_line(rule, values, volume))
            else:
                vals_list += self._prepare_table_lines(rule, values, volume, book)
        return vals_list

    def _prepare_line(self, rule, values):
        return {
            "readjustment_id": self.id,
            "item_id": rule.id,
            "name": rule.name,
            "old_end": rule.date_end,
            "old_values": {name: rule[name] for name in values},
        }

    def _prepare_effect(self, parts):
        """Prices, and what the volumes bring in more.

        :param parts: (price now, new price, (quantity, weighted, amount)) in Decimal; the first
            one's prices are shown
        """
        quantity, amount, effect = (Decimal(0),) * 3
        for now, new, sums in parts:
            quantity += sums[0]
            amount += sums[2]
            effect += sums[1] * (new - now)
        return {
            "price_now": float(parts[0][0]),
            "price_new": float(parts[0][1]),
            "quantity": float(quantity),
            "amount": float(amount),
            "effect": float(to_decimal(effect)),
        }

    def _prepare_fixed_line(self, rule, values, volume):
        modes = {mode: [Decimal(0)] * 3 for mode in MODES}
        for by_mode in volume.values():
            for mode, sums in by_mode.items():
                modes[mode] = _add(modes[mode], sums)
        parts = [
            (*(self._get_fixed_price(rule, new, mode) for new in ({}, values)), sums)
            for mode, sums in modes.items()
        ]
        return {**self._prepare_line(rule, values), **self._prepare_effect(parts)}

    @staticmethod
    def _get_fixed_price(rule, values, mode):
        """The price of a rule for a mode, with `values` in the place of its own."""
        price, tele = (
            Decimal(str(values.get(name, rule[name])))
            for name in ("fixed_price", "tiss_tele_price")
        )
        is_tele = mode == "tele" or not price or not rule.tiss_on_site
        return tele if tele and is_tele else price

    def _prepare_table_lines(self, rule, values, volume, book):
        """The billed procedures of a rule that has no price of its own, each priced twice."""
        detail = "; ".join(
            f"{rule._fields[name]._description_string(self.env)}"
            f" {self._format_value(name, rule[name])} → {self._format_value(name, value)}"
            for name, value in values.items()
        )
        shared = {**self._prepare_line(rule, values), "detail": detail}
        if not volume:
            return [shared]
        # The rule as it will be, in memory: what is shown is reckoned as it will be, film included.
        raised = rule.new(values, origin=rule)
        vals_list = []
        for product, by_mode in volume.items():
            parts = [
                (*self._price_twice(rule, raised, book, product, mode, sums), sums)
                for mode, sums in sorted(by_mode.items())
            ]
            vals_list.append(
                {**shared, "name": product.display_name, **self._prepare_effect(parts)}
            )
        return vals_list

    def _price_twice(self, rule, raised, book, product, mode, sums):
        """(price now, new price) of a product by a rule and by what becomes of it."""
        request = PriceRequest(product, self.date, mode=mode)
        now, new = (book.price_by(each, request).unit_amount for each in (rule, raised))
        if now is None or new is None:
            # Where the table says nothing today, what was billed on average, as a whole.
            now = to_decimal(sums[2] / sums[1]) if sums[1] else Decimal(0)
            old, changed = (1 + Decimal(str(each.tiss_percent)) / 100 for each in (rule, raised))
            new = to_decimal(now * changed / old)
        return now, new

    def _format_value(self, name, value):
        if name in PRICES:
            return formatLang(self.env, value, digits=2)
        return f"{self._format_percent(value)}%"

    def _get_volumes(self):
        """What the contract billed in the last 12 months, by the rule that prices it.

        A volume goes to the rule that decides for its plan, at the clinic's place in the network,
        on the day of the readjustment.

        :return: (the book of the prices, {rule id: {product: {mode: [quantity, quantity × factor,
            amount]}}} in Decimal)
        """
        rows = self._read_volumes()
        products = self.env["product.product"].browse(dict.fromkeys(row[0] for row in rows))
        by_id = {product.id: product for product in products}
        plans = self.env["tiss.plan"]
        requests = [
            PriceRequest(by_id[product_id], self.date, mode=mode, plan=plans.browse(plan_id or ()))
            for product_id, plan_id, mode, *_sums in rows
        ]
        book = PriceBook(self.contract_id, requests)
        volumes = defaultdict(lambda: defaultdict(dict))
        for request, (_product_id, _plan_id, mode, *sums) in zip(requests, rows, strict=True):
            by_mode = volumes[book.choose(request).id][request.product]
            by_mode[mode] = _add(by_mode.get(mode, [Decimal(0)] * 3), sums)
        return book, volumes

    def _read_volumes(self):
        """(product, plan, mode, quantity, quantity × factor, amount) of the last 12 months."""
        today = self.contract_id._get_today()
        self.env["tiss.guia.line"].flush_model()
        self.env["tiss.guia"].flush_model()
        self.env["tiss.card"].flush_model(["plan_id"])
        self.env["tiss.encounter"].flush_model(["mode"])
        return self.env.execute_query(
            SQL(
                """
                SELECT l.product_id, c.plan_id, COALESCE(e.mode, 'on_site') AS mode,
                       SUM(l.quantity), SUM(l.quantity * l.factor), SUM(l.amount)
                  FROM tiss_guia_line l
                  JOIN tiss_guia g ON g.id = l.guia_id
             LEFT JOIN tiss_card c ON c.id = g.card_id
             LEFT JOIN tiss_encounter_line v ON v.id = l.encounter_line_id
             LEFT JOIN tiss_encounter e ON e.id = v.encounter_id
                 WHERE g.contract_id = %(contract)s AND g.state != 'cancelled'
                   AND l.product_id IS NOT NULL
                   AND l.date > %(start)s AND l.date <= %(today)s
              GROUP BY l.product_id, c.plan_id, COALESCE(e.mode, 'on_site')
              ORDER BY l.product_id, c.plan_id, mode
                """,
                contract=self.contract_id.id,
                start=today - relativedelta(years=1),
                today=today,
            )
        )

    # ------------------------------------------------------------------
    # Apply and undo
    # ------------------------------------------------------------------

    def apply(self):
        """End the simulated prices the day before and let the new ones begin; all or nothing."""
        self.ensure_one()
        if self.state != "simulated":
            raise UserError(self.env._("Calculate the readjustment first."))
        self._check_date()
        bulk.lock(self.contract_id)
        rules = self.line_ids.item_id
        self._check_unchanged()
        vals_list = rules.copy_data({"tiss_start_date": self.date})
        for rule, vals in zip(rules, vals_list, strict=True):
            vals.update(self._get_new_values(rule))
        # The note below says it all; thousands of rows would hide it.
        silent = rules.with_context(tracking_disable=True)
        silent._tiss_end_before(self.date)
        self.new_item_ids = silent.create(vals_list)
        self.state = "applied"
        self._post_note(self.env._("Readjustment applied: %s", self.summary))
        contract = self.contract_id
        first = contract.base_date and fields.Date.subtract(contract.base_date, days=BASE_DATE_DAYS)
        if first and self.date >= first and contract.settled_base_date != contract.base_date:
            self.settled_base_date = contract.base_date
            contract._settle_readjustment()

    def _check_unchanged(self):
        """What is applied must be what was shown."""
        for line in self.line_ids:
            rule = line.item_id
            values = {name: rule[name] for name in line.old_values}
            if not rule or values != line.old_values or rule.date_end != line.old_end:
                raise UserError(
                    self.env._(
                        "The price of %s was changed after the calculation: calculate again.",
                        line.name,
                    )
                )

    def undo(self):
        """Delete the new prices and reopen the old ones, as long as they do not hold yet."""
        self.ensure_one()
        if not self.can_undo:
            raise UserError(
                self.env._("Only an applied readjustment whose day is still to come can be undone.")
            )
        bulk.lock(self.contract_id)
        self._check_last()
        # Prices that somebody ended otherwise meanwhile are left as he wants them.
        last = self.date - datetime.timedelta(days=1)
        lines = self.line_ids.filtered(lambda line: line.item_id.tiss_end_date == last)
        self.new_item_ids.with_context(tracking_disable=True).unlink()
        for end, group in lines.grouped("old_end").items():
            group.item_id.with_context(tracking_disable=True).write({"date_end": end})
        self.state = "undone"
        self._post_note(self.env._("Readjustment undone: %s", self.summary))
        contract = self.contract_id
        if self.settled_base_date:
            contract.write({"base_date": self.settled_base_date, "settled_base_date": False})

    def _check_last(self):
        """What another readjustment was built on goes only after that one."""
        later = self.env["tiss.readjustment.line"].search(
            [
                ("item_id", "in", self.new_item_ids.ids),
                ("readjustment_id.state", "=", "applied"),
            ],
            limit=1,
        )
        if later:
            raise UserError(
                self.env._(
                    "“%s” was applied on top of this one: undo that one first.",
                    later.readjustment_id.name,
                )
            )

    def _post_note(self, body):
        self.contract_id._message_log(body=body)
