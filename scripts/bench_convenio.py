"""Speed of coverage, prices, term search and files, run by ``./dev bench`` in an Odoo shell.

Seconds are of this machine at this moment, and beside them the processor's seconds of Python alone;
the numbers of queries do not depend on it. Every price and every rule is invented.
"""

import base64
import io
import random
import statistics
import time
from datetime import timedelta

import xlsxwriter

from odoo.fields import Command

from odoo.addons.l10n_br_tiss.demo.clinic import Clinic
from odoo.addons.l10n_br_tiss.models.coverage_book import CoverageRequest
from odoo.addons.l10n_br_tiss.models.price_book import PriceRequest
from odoo.addons.l10n_br_tiss.models.tiss_term import PROCEDURE_TABLES
from odoo.addons.l10n_br_tiss.scripts.bench_tools import Bench
from odoo.addons.l10n_br_tiss.standard import terminology

PATIENTS, ENCOUNTERS, HISTORY_DAYS = 1_200, 1_500, 300
PAIRS, LINES, SHEET, PLAIN, ROUNDS = 10_000, 10_000, 6_000, 1_000, 9
COVERAGE_SECONDS, PRICE_SECONDS, SHEET_SECONDS, SEARCH_SECONDS = 5, 5, 20, 0.050
# As a person types: whole and cut words, with accents, a code, its beginning, one letter, nonsense.
SEARCHES = (
    "consulta", "consulta em consultório", "consultorio consulta", "10101012", "101010", "4030",
    "hemogra", "ressonância crânio", "RX torax", "dipirona 500", "cateter", "de", "a", "zzyx",
)  # fmt: skip
# One of each kind of coverage rule, for every convênio; the first three are of a group.
RULES = (
    {"limit_month": 6, "authorization": "yes"},
    {"has_waiting": True, "waiting_days": 90},
    {"copayment_kind": "percent", "copayment_percent": 20, "copayment_ceiling": 60},
    {"limit_year": 12, "interval_days": 20},
    {"return_days": 30, "copayment_kind": "fixed", "copayment_amount": 25},
    {"deductible_kind": "year", "deductible_amount": 100},
    {"min_age": 12, "max_age": 70},
)


class ConvenioBench(Bench):
    """The demo's clinic with more patients; its second convênio prices by reference tables."""

    def __init__(self, env):
        clinic = Clinic(env, patients=PATIENTS, encounters=ENCOUNTERS, days=HISTORY_DAYS)
        self.clinic = clinic.build()
        super().__init__(self.clinic.env)
        self.random = random.Random(1)
        self.products = list(self.clinic.products.values())
        self._make_rules()

    def _make_rules(self):
        """Rules about groups and procedures, and the convênio's own about everything."""
        groups = {product.categ_id.id for product in self.products}
        scopes = [{"categ_id": group} for group in sorted(groups)[:3]]
        scopes += [{"product_tmpl_id": product.product_tmpl_id.id} for product in self.products]
        self.env["tiss.coverage"].create(
            [
                {"contract_id": contract.id, "mode": "on_site", **rule, **scope}
                for contract in self.clinic.contracts
                for rule, scope in zip(RULES, scopes, strict=False)
            ]
        )

    def report(self, name, cost):
        seconds, queries = cost
        print(f"  {name:<46}{seconds:>7.2f} s{self.cpu:>7.2f} s CPU{queries:>7,} queries")

    # ------------------------------------------------------------------
    # Coverage and prices
    # ------------------------------------------------------------------

    def coverage(self):
        rules = self.env["tiss.coverage"].search_count([])
        print(f"\nCoverage: {len(self.clinic.cards):,} cards, {rules} rules, {ENCOUNTERS:,} visits")
        self._compare("_compute_coverages", CoverageRequest, PAIRS, COVERAGE_SECONDS)

    def prices(self):
        def make(card, product, date):
            return PriceRequest(product, date, plan=card.plan_id)

        print("\nPrices: fixed, CBHPM, Brasíndice and packages")
        self._compare("_compute_prices", make, LINES, PRICE_SECONDS)

    def _compare(self, method, make, count, goal):
        """Cost of few and of many requests: the queries must be the same."""

        def work(requests):
            return [getattr(contract, method)(each) for contract, each in requests.items()]

        few, many = self._make_requests(make, 100), self._make_requests(make, count)
        work(few)  # what a process reads once and keeps
        _, *few_cost = self.cost(work, few)
        self.report("100", few_cost)
        _, *cost = self.cost(work, many)
        self.report(f"{count:,}", cost)
        self.judge(f"{count:,} under {goal} s", cost[0] < goal)
        self.judge("queries constant", cost[1] <= few_cost[1])

    def _make_requests(self, make, count):
        """{contract: requests} of `count` random (card, product) pairs."""
        requests = {contract: [] for contract in self.clinic.contracts}
        contracts = {contract.partner_id: contract for contract in self.clinic.contracts}
        for _i in range(count):
            card = self.random.choice(self.clinic.cards)
            date = self.clinic.today - timedelta(days=self.random.randrange(30))
            request = make(card, self.random.choice(self.products), date)
            requests[contracts[card.operadora_id]].append(request)
        return requests

    # ------------------------------------------------------------------
    # Terms
    # ------------------------------------------------------------------

    def search(self):
        """The slowest of the searches a person types; of each the median, records not cached."""
        Term = self.env["tiss.term"]
        print(f"\nTerm search in {Term.search_count([]):,} rows:")
        worst = 0
        for text in SEARCHES:
            times = []
            for _round in range(ROUNDS):
                self.env.invalidate_all()
                start = time.perf_counter()
                found = Term.name_search(text, limit=8)
                times.append(time.perf_counter() - start)
            worst = max(worst, statistics.median(times))
            print(f"  {text!r:<26} {len(found)} in {1000 * statistics.median(times):>4.0f} ms")
        self.judge(f"under {1000 * SEARCH_SECONDS:.0f} ms", worst < SEARCH_SECONDS)

    def terminology(self):
        """A newer edition of TUSS as a workbook: a twentieth of the names is new."""
        sheets = {}
        for i, term in enumerate(terminology.tuss_terms()):
            name = term.term if i % 20 else f"{term.term} (NOVO)"
            row = [term.code, name, term.description, term.start, term.end]
            sheets.setdefault(term.table, []).append(row)
        content = make_workbook(
            {f"Tab {table}": [TERM_TITLES, *rows] for table, rows in sheets.items()}
        )
        attachment = Command.create({"name": "TUSS 203001.xlsx", "raw": content})
        wizard = self.env["tiss.terminology.import"].create({"attachment_ids": [attachment]})
        count = sum(map(len, sheets.values()))
        print(f"\nA newer terminology, {count:,} rows in {len(content) / 1e6:.1f} MB of xlsx")
        with self.undone():
            _, *cost = self.cost(wizard.action_preview)
            self.report("preview", cost)
            wizard.line_ids.filtered(lambda line: not line.edition).edition = "203001"
            wizard.allow_problems = True
            _, *cost = self.cost(wizard.action_apply)
            self.report("load", cost)
            changed = self.env["tiss.term"].search_count([("name", "like", "% (NOVO)")])
        self.judge("the new names are there", changed > count // 25)

    # ------------------------------------------------------------------
    # Price sheets
    # ------------------------------------------------------------------

    def sheets(self):
        """A file whose procedures must be made first, one for known procedures, new prices."""
        terms = self.env["tiss.term"].search(
            [("table_code", "in", PROCEDURE_TABLES), ("product_ids", "=", False)],
            limit=SHEET,
            order="table_code desc, code",
        )
        first, _second, third = self.clinic.contracts
        today = self.clinic.today
        self._measure_plain_products()
        print(f"\nPrice sheet, {SHEET:,} rows of xlsx: preview and import")
        self._import(f"{SHEET:,} products to create", terms, first, today, 1)
        self._import("the products exist, no price yet", terms, third, today, 1)
        self._import("all prices renewed", terms, third, today + timedelta(days=30), 1.05)
        self._readjust(first)

    def _measure_plain_products(self):
        """What Odoo alone takes for products: the floor of an import that creates them."""
        vals_list = [{"name": f"Exemplo {i}", "type": "service"} for i in range(PLAIN)]
        Product = self.env["product.template"].with_context(tracking_disable=True)
        with self.undone():
            _, *cost = self.cost(Product.create, vals_list)
        print("\nOdoo's own product.template.create, nothing of ours in it")
        self.report(f"{PLAIN:,}", cost)

    def _import(self, name, terms, contract, date, factor):
        rows = [["Código", "Descrição", "Valor"]]
        rows += [
            [term.code, term.name, round((20 + i % 400 + 0.35) * factor, 2)]
            for i, term in enumerate(terms)
        ]
        wizard = self.env["tiss.price.import"].create(
            {
                "file": base64.b64encode(make_workbook({"Tabela": rows})),
                "file_name": "tabela.xlsx",
                "contract_id": contract.id,
                "date": date,
            }
        )
        _, *preview = self.cost(wizard.action_read)
        self.report(f"{name}: preview", preview)
        _, *done = self.cost(self._import_and_commit, wizard)
        self.report("import", done)
        if wizard.state != "done" or wizard.error_count:
            raise SystemExit(f"{name}: {wizard.error_count} rows have errors")
        seconds = preview[0] + done[0]
        self.judge(f"{name}: {seconds:.1f} s, under {SHEET_SECONDS} s", seconds < SHEET_SECONDS)

    def _import_and_commit(self, wizard):
        """The note in the convênio's chatter, at the end of the request, belongs to it."""
        wizard.action_import()
        self.env.flush_all()
        self.env.cr.precommit.run()

    def _readjust(self, contract):
        date = self.clinic.today + timedelta(days=60)
        readjustment = self.env["tiss.readjustment"].create(
            {"contract_id": contract.id, "percent": 4.5, "date": date}
        )
        print(f"\nReadjustment of {len(contract.price_item_ids):,} prices")
        _, *cost = self.cost(readjustment.simulate)
        self.report("simulation", cost)
        _, *cost = self.cost(readjustment.apply)
        self.report("applied", cost)


TERM_TITLES = [
    "Código do Termo", "Termo", "Descrição Detalhada", "Data de início de vigência",
    "Data de fim de vigência",
]  # fmt: skip


def make_workbook(sheets):
    """Bytes of an .xlsx such as Excel saves, with shared strings: {title of a sheet: rows}."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "default_date_format": "dd/mm/yyyy"})
    for title, rows in sheets.items():
        sheet = book.add_worksheet(title)
        for i, row in enumerate(rows):
            sheet.write_row(i, 0, row)
    book.close()
    return stream.getvalue()


bench = ConvenioBench(env)  # noqa: F821
bench.run(bench.coverage, bench.prices, bench.search, bench.sheets, bench.terminology)
