"""Speed of coverage, prices, term search and price files, run by ``./dev bench`` in an Odoo shell.

Seconds are of this machine at this moment; the numbers of queries do not depend on it.
"""

import random
import time
from datetime import timedelta

from odoo.addons.l10n_br_tiss.demo.clinic import Clinic
from odoo.addons.l10n_br_tiss.models.coverage_book import CoverageRequest
from odoo.addons.l10n_br_tiss.models.price_book import PriceRequest
from odoo.addons.l10n_br_tiss.scripts.bench_tools import Bench

PAIRS, LINES, SHEET = 10_000, 10_000, 6_000
COVERAGE_SECONDS, PRICE_SECONDS, SHEET_SECONDS, SEARCH_SECONDS = 5, 5, 20, 0.050
SEARCHES = ["consulta", "consulta consultorio", "10101012", "eletro", "ressonancia cranio", "zzyx"]


class ConvenioBench(Bench):
    """The demo's clinic; its second convênio prices by reference tables."""

    def __init__(self, env):
        self.clinic = Clinic(env, encounters=100).build()
        super().__init__(self.clinic.env)
        self.random = random.Random(1)

    def _requests(self, make, count):
        """{contract: requests} of `count` random (card, product) pairs."""
        requests = {contract: [] for contract in self.clinic.contracts}
        contracts = {contract.partner_id: contract for contract in self.clinic.contracts}
        products = list(self.clinic.products.values())
        for _i in range(count):
            card = self.random.choice(self.clinic.cards)
            date = self.clinic.today - timedelta(days=self.random.randrange(30))
            product = self.random.choice(products)
            requests[contracts[card.operadora_id]].append(make(card, product, date))
        return requests

    def _compare(self, name, method, make, count, goal):
        """Cost of few and of many requests: the queries must be the same."""
        few, many = self._requests(make, 100), self._requests(make, count)

        def work(requests):
            return [getattr(contract, method)(each) for contract, each in requests.items()]

        _, _, few_queries = self.cost(work, few)
        _, seconds, queries = self.cost(work, many)
        print(f"\n{name}: {count:,} in {seconds:.2f} s, {queries} queries ({few_queries} for 100)")
        self.judge(f"under {goal} s", seconds < goal)
        self.judge("queries constant", queries <= few_queries)

    def coverage(self):
        self._compare("Coverage", "_compute_coverages", CoverageRequest, PAIRS, COVERAGE_SECONDS)

    def prices(self):
        def make(card, product, date):
            return PriceRequest(product, date, plan=card.plan_id)

        self._compare("Prices", "_compute_prices", make, LINES, PRICE_SECONDS)

    def search(self):
        """The slowest of the searches a person types, each from a warm database."""
        Term = self.env["tiss.term"]
        worst = 0
        print(f"\nTerm search in {Term.search_count([]):,} rows:")
        for text in SEARCHES:
            Term.name_search(text, limit=8)
            self.env.invalidate_all()
            start = time.perf_counter()
            found = Term.name_search(text, limit=8)
            seconds = time.perf_counter() - start
            worst = max(worst, seconds)
            print(f"  {text!r}: {len(found)} in {1000 * seconds:.0f} ms")
        self.judge(f"under {1000 * SEARCH_SECONDS:.0f} ms", worst < SEARCH_SECONDS)


bench = ConvenioBench(env)  # noqa: F821
bench.run(bench.coverage, bench.prices, bench.search)
