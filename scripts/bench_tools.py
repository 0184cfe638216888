"""What the benchmarks in Odoo share: costs, goals and memory."""

import gc
import random
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from odoo.fields import Command

from odoo.addons.l10n_br_tiss.demo.clinic import Clinic

ITEMS = ["40304361", "90055888", "40302040", "40301605", "20104103"]  # the second is an expense


class Bench:
    """Measures work in `env` and remembers the goals that were missed."""

    def __init__(self, env):
        self.env = env
        self.missed = []
        self.cpu = 0.0  # seconds of the processor that Python took in the last cost()

    def cost(self, work, *args, **kwargs):
        """(result, seconds, queries) of work(), from a cold record cache to the last write.

        The planner hears of the new rows first, as autovacuum would tell it between two buttons.
        """
        self.env.invalidate_all()
        self.env.cr.execute("ANALYZE")
        gc.collect()
        queries, cpu, start = self.env.cr.sql_log_count, time.process_time(), time.perf_counter()
        result = work(*args, **kwargs)
        self.env.flush_all()
        seconds, self.cpu = time.perf_counter() - start, time.process_time() - cpu
        return result, seconds, self.env.cr.sql_log_count - queries

    @contextmanager
    def undone(self):
        """Whatever is written inside is rolled back."""
        self.env.flush_all()
        self.env.cr.execute("SAVEPOINT bench")
        yield
        self.env.flush_all()
        self.env.cr.execute("ROLLBACK TO SAVEPOINT bench")
        self.env.invalidate_all(flush=False)

    def judge(self, goal, reached):
        print(f"  goal: {goal}: {'reached' if reached else 'MISSED'}")
        if not reached:
            self.missed.append(goal)

    def run(self, *measurements):
        """Each measurement in turn; fails at the end when a goal was missed."""
        for measurement in measurements:
            measurement()
        if self.missed:
            raise SystemExit("missed: " + "; ".join(self.missed))


class ClinicBench(Bench):
    """The demo's clinic and its first convênio, with encounters of our own."""

    def __init__(self, env):
        self.clinic = Clinic(env, encounters=0).build()
        super().__init__(self.clinic.env)
        self.random = random.Random(1)
        self.contract = self.clinic.contracts[0]
        self.cards = self.clinic.cards.filtered(
            lambda card: card.operadora_id == self.contract.partner_id
        )

    def make_encounters(self, count, items):
        """Closed encounters of SP/SADT, each with the first `items` of ITEMS."""
        products = [self.clinic.products[code] for code in ITEMS[:items]]
        encounters = self.env["tiss.encounter"]
        for size in [1000] * (count // 1000) + [count % 1000]:
            encounters += self.env["tiss.encounter"].create(
                [self._prepare_encounter(products) for _ in range(size)]
            )
            self.env.flush_all()
            self.env.invalidate_all()
        encounters.action_done()
        return encounters

    def _prepare_encounter(self, products):
        card = self.random.choice(self.cards)
        return {
            "patient_id": card.patient_id.id,
            "card_id": card.id,
            "date": self.clinic.today - timedelta(days=self.random.randrange(1, 15)),
            "professional_id": self.random.choice(self.clinic.professionals).id,
            "line_ids": [Command.create({"product_id": product.id}) for product in products],
        }


def start_peak():
    """The resident set now, in MiB, from which `peak` counts (Linux)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak():
    return _status("VmHWM")


def _status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024
