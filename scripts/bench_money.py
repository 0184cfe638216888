"""Speed of the money, run by ``BENCH=money ./dev bench`` on a database of its own.

The tie-out of 100,000 movements, booked by the real posting; the invoices of 100 protocolos; and
random histories in which every invariant is asked after every event, twice.
``BENCH_SEEDS=50 BENCH_ITEMS=1000`` asks for fewer of them.
"""

import os
import random
import time
from collections import Counter

from odoo.addons.l10n_br_tiss.scripts.bench_tools import ITEMS, ClinicBench
from odoo.addons.l10n_br_tiss.tests.common import TissRecords
from odoo.addons.l10n_br_tiss.tests.histories import History, make_pool
from odoo.addons.l10n_br_tiss.tests.return_messages import analysis_message, payment_message

SEEDS = int(os.environ.get("BENCH_SEEDS", "500"))
ITEM_COUNT = int(os.environ.get("BENCH_ITEMS", "20000"))
STEPS, SEEDS_OF_A_POOL = 14, 50
PER_GUIA, PER_LOTE, INVOICES = len(ITEMS), 100, 100
TIE_OUT_SECONDS, INVOICE_SECONDS = 2, 10


ANS_CODE = "339679"  # of no convênio of the demo


class HistoryRecords(TissRecords):
    """What `TissRecords` gives to a test, for a script."""

    @classmethod
    def _create_contract(cls, ans_code, **vals):
        return super()._create_contract(ANS_CODE, **vals)


class MoneyBench(ClinicBench):
    """The demo's clinic and its first convênio."""

    # ------------------------------------------------------------------
    # Invoices
    # ------------------------------------------------------------------

    def invoices(self):
        """100 protocolos that wait for their invoice, in one go."""
        contract = self.contract
        collects, contract.copayment_by = contract.copayment_by, "operadora"
        seconds = self._invoice(f"Invoices of {INVOICES} protocolos")
        self.judge(f"{INVOICES} invoices in {INVOICE_SECONDS} s", seconds < INVOICE_SECONDS)
        contract.copayment_by = collects
        self._invoice("  where patients pay a part to the clinic, with its credit notes")
        contract.invoice_moment = "month"
        lotes = self._make_lotes(INVOICES, guias=3)
        moves, seconds, queries = self.cost(contract.invoice_month, self.clinic.today)
        print(f"  as {len(moves)} invoice of the month: {seconds:.1f} s, {queries} queries")
        assert lotes.invoice_id == moves
        contract.invoice_moment = "protocol"

    def _invoice(self, label):
        self.contract.invoice_moment = "manual"
        lotes = self._make_lotes(INVOICES, guias=3)
        moves, seconds, queries = self.cost(lotes._create_invoices)
        assert len(moves) == INVOICES
        print(f"{label}: {seconds:.1f} s, {queries} queries")
        return seconds

    def _make_lotes(self, count, guias):
        """Received lotes of a few guias each."""
        lotes = self.env["tiss.lote"]
        made = self.make_encounters(count * guias, PER_GUIA).create_guias()
        for start in range(0, len(made), guias):
            lotes |= made[start : start + guias].create_lotes()
        lotes.build()
        lotes.send()
        for lote in lotes:
            lote.register_protocol(f"M{lote.id}", self.clinic.today)
        self.env.flush_all()
        return lotes

    # ------------------------------------------------------------------
    # Tie-out
    # ------------------------------------------------------------------

    def tie_out(self):
        """Each item is billed, released in part, denied in part, paid and given up."""
        guias = ITEM_COUNT // PER_GUIA
        lotes = self._make_lotes(max(guias // PER_LOTE, 1), guias=min(PER_LOTE, guias))
        for lote in lotes:
            self._settle(lote)
            self.env.flush_all()
            self.env.invalidate_all()
        movements = self.env["tiss.movement"].search_count([])
        breaches, seconds, queries = self.cost(self.contract._get_ledger_breaches)
        assert not breaches, breaches[:5]
        print(f"\nTie-out of {movements:,} movements: {seconds:.2f} s, {queries} queries")
        self.judge(f"tie-out in {TIE_OUT_SECONDS} s", seconds < TIE_OUT_SECONDS)
        _, seconds, queries = self.cost(lotes[0]._check_tie_out)
        print(f"  of one lote, in its transaction: {seconds:.3f} s, {queries} queries")

    def _settle(self, lote):
        """Half of every item is released and paid, the other half denied and given up."""
        released, paid = {}, {}
        for line in lote.guia_ids.line_ids:
            half = round(line.amount * 50) / 100
            released[line.guia_id.name, line.sequence_item] = (half, "1705")
            paid[line.guia_id.name] = paid.get(line.guia_id.name, 0) + half
        Demonstrativo = self.env["tiss.demonstrativo"]
        for content in (
            analysis_message(lote, released, f"A{lote.id}"),
            payment_message(lote, paid, f"P{lote.id}"),
        ):
            Demonstrativo.import_file("retorno.xml", content).post()
        lote.glosa_ids.accept()

    # ------------------------------------------------------------------
    # Histories
    # ------------------------------------------------------------------

    def histories(self):
        """A history that breaks an invariant ends the run, and names its seed."""
        happened, start = Counter(), time.perf_counter()
        for first in range(0, SEEDS, SEEDS_OF_A_POOL):
            with self.undone():
                contract, pool = self._make_pool(first)
                for seed in range(first, min(first + SEEDS_OF_A_POOL, SEEDS)):
                    with self.env.cr.savepoint() as savepoint:
                        happened += History(contract, pool, seed).run(STEPS).happened
                        savepoint.rollback()
                    self.env.invalidate_all()
        seconds = time.perf_counter() - start
        events = sum(happened.values())
        print(f"\n{SEEDS} histories, {events} events: {seconds:.0f} s, every invariant held")
        print("  " + ", ".join(f"{count} {name}" for name, count in happened.most_common()))

    def _make_pool(self, seed):
        HistoryRecords.env = self.env
        HistoryRecords._setup_convenio()
        return HistoryRecords.contract, make_pool(HistoryRecords, random.Random(seed))


bench = MoneyBench(env)  # noqa: F821 — Odoo's shell gives it
# The histories first: they add up whole accounts.
bench.run(bench.histories, bench.invoices, bench.tie_out)
