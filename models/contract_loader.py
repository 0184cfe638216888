"""Making a convênio out of its file (see contract_file.py): what is there is found and left as it
is, what is not is created, and what cannot be is listed."""

from collections import Counter, defaultdict

from odoo.exceptions import UserError

from ..standard import identifiers
from .contract_file import KEYS, SECTIONS, dump_key, dump_row


class MissingRecord(Exception):
    """A record that the file names and this database does not have."""

    def __init__(self, kind, key):
        super().__init__(kind, key)
        self.kind = kind
        self.key = key


class ContractLoader:
    """Loads one file into one company.

    `created` and `found` count records by section; `missing` lists sentences about what had to be
    left out.
    """

    def __init__(self, env, company, data):
        self.env = env(
            context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True}
        )
        self.company = company.with_env(self.env)
        self.data = data
        self.known = defaultdict(dict)  # kind → {natural key: id}
        self.created = Counter()
        self.found = Counter()
        self.missing = []

    def load(self):
        """Create the convênio and everything that it needs; returns it."""
        self._find_masters()
        operadora = self._load_operadora()
        self._check_unused(operadora)
        self._load_of_operadora("levels", "level", operadora)
        self._load_of_operadora("plans", "plan", operadora)
        self._load_card_rules(operadora)
        self._load_policies()
        self._load_categories()
        self._load_products()
        self._load_editions("tables", "table")
        self._load_editions("porte_editions", "edition")
        contract = self._create_contract(operadora)
        self._load_prices(contract)
        self._load_of_contract("coverage", contract)
        self._load_of_contract("accreditations", contract)
        self._load_of_contract("payment_calendar", contract)
        self._load_clauses(contract)
        return contract

    # ------------------------------------------------------------------
    # Natural keys
    # ------------------------------------------------------------------

    def _rows(self, name):
        return self.data.get(name, [])

    def _keys(self, wanted):
        """All natural keys of one kind that stand anywhere in the file."""
        found = set()

        def walk(name, row):
            section = SECTIONS[name]
            for each, kind in section.links.items():
                if kind == wanted and row.get(each) is not None:
                    found.add(_freeze(row[each]))
            for each, child in section.children.items():
                for other in row.get(each, []):
                    walk(child, other)

        for name, section in SECTIONS.items():
            for row in [self.data[name]] if section.single else self._rows(name):
                walk(name, row)
        return found

    def _learn(self, kind, records):
        for record in records:
            self.known[kind].setdefault(_freeze(dump_key(kind, record)), record.id)

    def _find_masters(self):
        """Everything that is only ever found, never created: one query for each kind."""
        terms = self._keys("term")
        self._learn(
            "term",
            self.env["tiss.term"].search([("code", "in", [code for _table, code in terms])]),
        )
        countries = {*self._keys("country"), *(country for country, _code in self._keys("state"))}
        self._learn("country", self.env["res.country"].search([("code", "in", list(countries))]))
        self._learn(
            "state",
            self.env["res.country.state"].search([("country_id.code", "in", list(countries))]),
        )
        if self._keys("pricelist"):
            domain = [("company_id", "in", (False, self.company.id))]
            self._learn("pricelist", self.env["product.pricelist"].search(domain))
        self._learn("clause", self._search_all("tiss.clause", []))
        people = self.env["res.partner"].search(
            [("tiss_council_number", "in", [key[1] for key in self._keys("professional")])]
        )
        # Whatever a person is called there: council, number and state say who it is.
        by_number = {_freeze(dump_key("professional", each))[:3]: each.id for each in people}
        for key in self._keys("professional"):
            if key[:3] in by_number:
                self.known["professional"][key] = by_number[key[:3]]
        for kind, model in (("table", "tiss.price.table"), ("edition", "tiss.porte.edition")):
            domain = [("company_id", "=", self.company.id)]
            self._learn(kind, self._search_all(model, domain))

    def _search_all(self, model, domain):
        return self.env[model].with_context(active_test=False).search(domain)

    def _resolve(self, kind, key):
        if key is None:
            return False
        try:
            return self.known[kind][_freeze(key)]
        except KeyError:
            raise MissingRecord(kind, key) from None

    def _prepare(self, name, row):
        """Values of a row for `create`; MissingRecord when it names what is not here."""
        section = SECTIONS[name]
        fields = self.env[section.model]._fields
        vals = {}
        for each in section.fields:
            if each in row:
                vals[each] = _to_write(fields[each], row[each])
        for each, kind in section.links.items():
            if each in row:
                vals[each] = self._resolve(kind, row[each])
        for each, kind in section.many.items():
            vals[each] = [self._resolve(kind, key) for key in row.get(each, [])]
        return vals

    def _prepare_all(self, name, rows, label):
        """[(row, values)] of the rows that can be; the others are listed as missing."""
        prepared = []
        for number, row in enumerate(rows, 1):
            try:
                prepared.append((row, self._prepare(name, row)))
            except MissingRecord as missing:
                self._note_missing(label(number, row), missing)
        return prepared

    def _note_missing(self, what, missing):
        kinds = {
            "term": self.env._("ANS term"),
            "plan": self.env._("plan"),
            "level": self.env._("network level"),
            "product": self.env._("product"),
            "category": self.env._("group of products"),
            "policy": self.env._("fee rules"),
            "pricelist": self.env._("price list"),
            "table": self.env._("reference table"),
            "edition": self.env._("values of portes"),
            "clause": self.env._("clause of the law"),
            "professional": self.env._("professional"),
            "country": self.env._("country"),
            "state": self.env._("state"),
        }
        key = missing.key if isinstance(missing.key, list) else [missing.key]
        self.missing.append(
            self.env._(
                "%(what)s: %(kind)s “%(name)s” is not in this database.",
                what=what,
                kind=kinds[missing.kind],
                name=" · ".join(filter(None, key)),
            )
        )

    # ------------------------------------------------------------------
    # Operadora
    # ------------------------------------------------------------------

    def _load_operadora(self):
        row = self.data["operadora"]
        operadora = self._find_operadora(row)
        if operadora:
            self.found["operadora"] += 1
        else:
            try:
                vals = self._prepare("operadora", row)
            except MissingRecord as missing:
                self._note_missing(self.env._("Address of the operadora"), missing)
                vals = self._prepare("operadora", {**row, "state_id": None, "country_id": None})
            operadora = self.env["res.partner"].create(
                {**vals, "is_company": True, "tiss_is_operadora": True}
            )
            self.created["operadora"] += 1
        return operadora

    def _find_operadora(self, row):
        """By ANS number, else by CNPJ, else by name."""
        Partner = self.env["res.partner"]
        if row.get("tiss_ans_code"):
            return Partner.search([("tiss_ans_code", "=", row["tiss_ans_code"])], limit=1)
        operadoras = Partner.search([("tiss_is_operadora", "=", True)])
        if number := identifiers.compact(row.get("vat") or ""):
            return operadoras.filtered(lambda p: identifiers.compact(p.vat or "") == number)[:1]
        return operadoras.filtered(lambda partner: partner.name == row["name"])[:1]

    def _check_unused(self, operadora):
        existing = self.env["tiss.contract"].search(
            [("company_id", "=", self.company.id), ("partner_id", "=", operadora.id)], limit=1
        )
        if existing and self.data["contract"].get("active", True):
            raise UserError(
                self.env._(
                    "%(company)s already has a convênio with %(operadora)s. Archive it first:"
                    " an import never changes one that is there.",
                    company=self.company.name,
                    operadora=operadora.name,
                )
            )

    def _load_of_operadora(self, name, kind, operadora):
        """Levels or plans: those of the same name stay as they are."""
        Model = self.env[SECTIONS[name].model]
        self._learn(kind, self._search_all(Model._name, [("operadora_id", "=", operadora.id)]))
        rows = [row for row in self._rows(name) if row["name"] not in self.known[kind]]
        self.found[name] += len(self._rows(name)) - len(rows)
        prepared = self._prepare_all(name, rows, lambda _number, row: row["name"])
        records = Model.create([{**vals, "operadora_id": operadora.id} for _row, vals in prepared])
        self.created[name] += len(records)
        self._learn(kind, records)

    def _load_card_rules(self, operadora):
        present = [dump_row("card_rules", rule) for rule in operadora.tiss_card_rule_ids]
        rows = [row for row in self._rows("card_rules") if row not in present]
        self.found["card_rules"] += len(self._rows("card_rules")) - len(rows)
        prepared = self._prepare_all(
            "card_rules", rows, lambda number, _row: self.env._("Card rule %s", number)
        )
        rules = self.env["tiss.card.rule"].create(
            [{**vals, "operadora_id": operadora.id} for _row, vals in prepared]
        )
        self.created["card_rules"] += len(rules)

    # ------------------------------------------------------------------
    # Products, tables
    # ------------------------------------------------------------------

    def _load_policies(self):
        """Fee rules that say the same under the same name; else a copy of this company's own."""
        domain = [("company_id", "in", (False, self.company.id))]
        present = self._search_all("tiss.price.policy", domain)
        dumped = [(dump_row("policies", policy), policy) for policy in present]
        for row in self._rows("policies"):
            same = [policy for other, policy in dumped if other == row]
            if same:
                self.found["policies"] += 1
            else:
                vals = {**self._prepare("policies", row), "company_id": self.company.id}
                same = self.env["tiss.price.policy"].create(vals)
                self.created["policies"] += 1
            self.known["policy"][row["name"]] = same[0].id

    def _load_categories(self):
        wanted = self._keys("category")
        Category = self.env["product.category"]
        self._learn("category", Category.search([]))
        for path in sorted(wanted - self.known["category"].keys()):
            parent = False
            steps = path.split(" / ")
            for depth, name in enumerate(steps, 1):
                whole = " / ".join(steps[:depth])
                if whole not in self.known["category"]:
                    category = Category.create({"name": name, "parent_id": parent})
                    self.known["category"][whole] = category.id
                    self.created["categories"] += 1
                parent = self.known["category"][whole]

    def _load_products(self):
        rows = self._rows("products")
        present = self._find_products(rows)
        for row in rows:
            if found := present.get(_product_key(row)):
                self.known["product"][_whole_product_key(row)] = found.id
        new = [row for row in rows if not present.get(_product_key(row))]
        self.found["products"] += len(rows) - len(new)
        prepared = self._prepare_all("products", new, lambda _number, row: row["name"])
        Product = self.env["product.template"]
        products = Product.create([self._prepare_product_vals(vals) for _row, vals in prepared])
        self.created["products"] += len(products)
        for (row, _vals), product in zip(prepared, products, strict=True):
            self.known["product"][_whole_product_key(row)] = product.id
        self._load_components(rows)

    def _find_products(self, rows):
        """{(table, code) or name: product} of what is there."""
        Product = self.env["product.template"]
        company = ("company_id", "in", (False, self.company.id))
        codes = [row.get("tiss_code") for row in rows if row.get("tiss_code")]
        names = [row["name"] for row in rows if not row.get("tiss_code")]
        coded = Product.search([company, ("tiss_code", "in", codes)], order="id desc")
        named = Product.search(
            [company, ("tiss_code", "=", False), ("name", "in", names)], order="id desc"
        )
        return {
            **{product.name: product for product in named},
            **{(product.tiss_table or None, product.tiss_code): product for product in coded},
        }

    def _prepare_product_vals(self, vals):
        term = self.env["tiss.term"].browse(vals.get("tiss_term_id") or ())
        Product = self.env["product.template"]
        base = Product._tiss_prepare_from_term(term) if term else {"taxes_id": False}
        return {**base, "list_price": 0.0, **vals}

    def _load_components(self, rows):
        """Of packages that have none: a package that is there keeps what it has."""
        Line = self.env["tiss.package.line"]
        whole = [
            (row, self.known["product"][_whole_product_key(row)])
            for row in rows
            if row.get("tiss_component_ids") and _whole_product_key(row) in self.known["product"]
        ]
        filled = Line.search([("package_id", "in", [product for _row, product in whole])])
        vals_list = []
        for row, product_id in whole:
            if product_id in filled.package_id.ids:
                continue
            prepared = self._prepare_all(
                "components",
                row["tiss_component_ids"],
                lambda _number, _line, name=row["name"]: self.env._("Component of %s", name),
            )
            vals_list += [{**vals, "package_id": product_id} for _line, vals in prepared]
        Line.create(vals_list)

    def _load_editions(self, name, kind):
        """Reference tables or values of portes: an edition that is there stays as it is."""
        section = SECTIONS[name]
        ((children, child),) = section.children.items()
        field = self.env[section.model]._fields[children]
        for row in self._rows(name):
            key = tuple(row.get(part) for part in KEYS[kind])
            if key in self.known[kind]:
                self.found[name] += 1
                continue
            try:
                vals = self._prepare(name, row)
            except MissingRecord as missing:
                self._note_missing(row["name"], missing)
                continue
            state = vals.pop("state", "draft")
            record = self.env[section.model].create({**vals, "company_id": self.company.id})
            prepared = self._prepare_all(child, row.get(children, []), _get_code)
            self.env[field.comodel_name].create(
                [{**line, field.inverse_name: record.id} for _row, line in prepared]
            )
            # Its rows are written while it is a draft.
            record.write({"state": state})
            self.created[name] += 1
            self.known[kind][key] = record.id

    # ------------------------------------------------------------------
    # Convênio
    # ------------------------------------------------------------------

    def _create_contract(self, operadora):
        Contract = self.env["tiss.contract"]
        row = dict(self.data["contract"])
        if row.get("version") not in Contract._fields["version"].get_values(self.env):
            if row.get("version"):
                self.missing.append(
                    self.env._(
                        "TISS version %s is not installed here: the newest one is used.",
                        row["version"],
                    )
                )
            row.pop("version", None)
        try:
            vals = self._prepare("contract", row)
        except MissingRecord as missing:
            self._note_missing(self.env._("Convênio"), missing)
            links = SECTIONS["contract"].links
            vals = self._prepare("contract", {**row, **dict.fromkeys(links)})
        self.created["contract"] += 1
        return Contract.create({**vals, "partner_id": operadora.id, "company_id": self.company.id})

    def _load_prices(self, contract):
        prepared = self._prepare_all(
            "prices", self._rows("prices"), lambda number, _row: self.env._("Price %s", number)
        )
        products = self.env["product.template"].browse(
            [vals["product_tmpl_id"] for _row, vals in prepared if vals.get("product_tmpl_id")]
        )
        variants = {product.id: product.product_variant_id.id for product in products}
        vals_list = []
        for _row, vals in prepared:
            if vals.get("applied_on") == "0_product_variant":
                vals["product_id"] = variants.get(vals.get("product_tmpl_id"))
            by_group = vals.get("applied_on") == "2_product_category"
            vals["display_applied_on"] = "2_product_category" if by_group else "1_product"
            vals_list.append({**vals, "pricelist_id": contract.pricelist_id.id})
        self.created["prices"] += len(self.env["product.pricelist.item"].create(vals_list))

    def _load_of_contract(self, name, contract):
        """Rows that belong to a new convênio alone."""
        labels = {
            "coverage": lambda number, _row: self.env._("Coverage rule %s", number),
            "accreditations": lambda number, _row: self.env._("Accredited professional %s", number),
            "payment_calendar": lambda number, _row: self.env._("Payment day %s", number),
        }
        prepared = self._prepare_all(name, self._rows(name), labels[name])
        records = self.env[SECTIONS[name].model].create(
            [{**vals, "contract_id": contract.id} for _row, vals in prepared]
        )
        self.created[name] += len(records)

    def _load_clauses(self, contract):
        """What was checked; a new convênio may have its checklist already."""
        present = {line.clause_id.id: line for line in contract.clause_ids}
        prepared = self._prepare_all(
            "clauses", self._rows("clauses"), lambda number, _row: self.env._("Clause %s", number)
        )
        vals_list = []
        for _row, vals in prepared:
            if line := present.get(vals["clause_id"]):
                line.write(vals)
            else:
                vals_list.append({**vals, "contract_id": contract.id})
        self.env["tiss.contract.clause"].create(vals_list)
        self.created["clauses"] += len(prepared)


def _freeze(key):
    return tuple(key) if isinstance(key, list) else key


def _product_key(row):
    code = row.get("tiss_code")
    return (row.get("tiss_table"), code) if code else row["name"]


def _whole_product_key(row):
    return tuple(row.get(part) for part in KEYS["product"])


def _get_code(_number, row):
    return row.get("code") or row.get("porte")


def _to_write(field, value):
    """A value of the file as `create` takes it."""
    if value is None:
        return 0 if field.type in ("integer", "float", "monetary") else False
    return float(value) if field.type in ("float", "monetary") else value
