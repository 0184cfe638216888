"""Speed of the main job, run by ``./dev bench`` in an Odoo shell on a database of its own.

Prints the terminology load, the creation of guias against a plain COPY of the same rows, one lote
of 100 guias, and the whole spine for growing numbers of guias. Queries and ratios do not depend on
how busy the machine is, seconds do. ``BENCH_SIZES=100,1000`` runs fewer guias.
"""

import gc
import io
import itertools
import math
import os
import statistics
import time

from odoo.tools import split_every

from odoo.addons.l10n_br_tiss.operadora import Operadora
from odoo.addons.l10n_br_tiss.scripts.bench_tools import ClinicBench, peak, start_peak

SIZES = [int(size) for size in os.environ.get("BENCH_SIZES", "100,1000,10000").split(",")]
COPY_ITEMS, ROUNDS, FEW_GUIAS = 5, 3, 1000
LOTE_GUIAS, SPINE_ITEMS = 100, 2
LOTES_IN_FILE = 20  # the simulated operadora refuses messages above 10 MB
TERM_SECONDS, COPY_RATIO, LOTE_QUERIES = 15, 14, 10
GUIA_QUERIES, GUIA_EXPONENT = 200, 1.05  # for 1,000 guias; from one size to the next
GUIA_TABLES = ["tiss_guia", "tiss_guia_encounter_rel", "tiss_guia_line", "tiss_guia_member"]
PDF_SECONDS = 30


class SpineBench(ClinicBench):
    """The main job, from the terminology to the payment."""

    # ------------------------------------------------------------------
    # Terminology
    # ------------------------------------------------------------------

    def terminology(self):
        """The load of an installation: into an empty table with the same keys and indexes."""
        Term = self.env["tiss.term"]
        with self.undone():
            self.env.cr.execute(
                """
                ALTER TABLE tiss_term RENAME TO bench_term;
                CREATE TABLE tiss_term (LIKE bench_term INCLUDING ALL,
                    FOREIGN KEY (create_uid) REFERENCES res_users (id),
                    FOREIGN KEY (write_uid) REFERENCES res_users (id));
                """
            )
            _, seconds, _queries = self.cost(Term._load_packaged_terms)
            count = Term.search_count([])
        print(f"\nTerminology: {count:,} terms in {seconds:.1f} s")
        self.judge(f"under {TERM_SECONDS} s", seconds < TERM_SECONDS)

    # ------------------------------------------------------------------
    # Guias against COPY
    # ------------------------------------------------------------------

    def guias(self):
        """create_guias() and a COPY of the rows it made, in turn, into the same tables."""
        print(f"\nGuias of {COPY_ITEMS} items from visits, against a COPY of the same rows")
        print(
            f"{'guias':>8}{'seconds':>9}{'COPY':>8}{'ratio':>7}{'queries/1000':>14}{'MiB more':>10}"
        )
        seconds = [self._compare_with_copy(size) for size in SIZES]
        for (few, before), (many, after) in itertools.pairwise(zip(SIZES, seconds, strict=True)):
            exponent = math.log(after / before) / math.log(many / few)
            print(f"time grows with guias^{exponent:.2f} from {few:,} to {many:,}")
            if few >= FEW_GUIAS:  # below, what one call costs weighs more than its guias
                self.judge(f"exponent at most {GUIA_EXPONENT}", exponent <= GUIA_EXPONENT)

    def _compare_with_copy(self, size):
        """Seconds of create_guias() for `size` visits; judges ratio and queries."""
        encounters = self.make_encounters(size, COPY_ITEMS)
        created, copied, memory = [], [], 0
        for _round in range(ROUNDS):
            with self.undone():
                before = start_peak()
                guias, seconds, queries = self.cost(encounters.create_guias)
                memory = max(memory, peak() - before)
                created.append(seconds)
                rows = self._copy_out(guias)
            with self.undone():
                gc.collect()
                copied.append(self._copy_in(rows))
        seconds, copy = statistics.median(created), statistics.median(copied)
        per_thousand = 1000 * queries / size
        print(
            f"{size:>8,}{seconds:>9.2f}{copy:>8.2f}{seconds / copy:>7.1f}{per_thousand:>14.0f}"
            f"{memory:>10.0f}"
        )
        if size >= FEW_GUIAS:
            self.judge(f"at most {COPY_RATIO} times COPY", seconds / copy <= COPY_RATIO)
            self.judge(f"at most {GUIA_QUERIES} queries", per_thousand <= GUIA_QUERIES)
        return seconds

    def _copy_out(self, guias):
        lines = "SELECT id FROM tiss_guia_line WHERE guia_id IN %(ids)s"
        filters = {
            "tiss_guia": "id IN %(ids)s",
            "tiss_guia_encounter_rel": "guia_id IN %(ids)s",
            "tiss_guia_line": "guia_id IN %(ids)s",
            "tiss_guia_member": f"line_id IN ({lines})",
        }
        rows = {}
        for table in GUIA_TABLES:
            rows[table] = io.StringIO()
            query = f"COPY (SELECT * FROM {table} WHERE {filters[table]}) TO STDOUT"
            query = self.env.cr.mogrify(query, {"ids": tuple(guias.ids)}).decode()
            self.env.cr.copy_expert(query, rows[table])
        return rows

    def _copy_in(self, rows):
        for each in rows.values():
            each.seek(0)
        start = time.perf_counter()
        for table in GUIA_TABLES:
            self.env.cr.copy_expert(f"COPY {table} FROM STDIN", rows[table])
        return time.perf_counter() - start

    # ------------------------------------------------------------------
    # One lote
    # ------------------------------------------------------------------

    def lote(self):
        guias = self.make_encounters(LOTE_GUIAS, COPY_ITEMS).create_guias()
        lote = guias.create_lotes()
        self.env.flush_all()
        times = []
        for _round in range(ROUNDS):
            messages, seconds, queries = self.cost(lote.build)
            times.append(seconds)
        print(
            f"\nLote of {LOTE_GUIAS} guias of {COPY_ITEMS} items: records to stored valid XML"
            f" ({messages.size:,} bytes) in {queries} queries, {statistics.median(times):.2f} s"
        )
        self.judge(f"at most {LOTE_QUERIES} queries", queries <= LOTE_QUERIES)

    # ------------------------------------------------------------------
    # Paper
    # ------------------------------------------------------------------

    def paper(self):
        """The forms of 100 SP/SADT in one PDF, each with its outras despesas."""
        guias = self.make_encounters(LOTE_GUIAS, COPY_ITEMS).create_guias()
        report = self.env["ir.actions.report"]
        _, html_seconds, queries = self.cost(
            report._render_qweb_html, guias._get_print_report(), guias.ids
        )
        content, seconds, _queries = self.cost(guias.get_pdf)
        print(
            f"\nPDF of {LOTE_GUIAS} SP/SADT ({len(content):,} bytes): {seconds:.1f} s, of which"
            f" {html_seconds:.1f} s the pages in {queries} queries, the rest wkhtmltopdf"
        )
        self.judge(f"under {PDF_SECONDS} s", seconds < PDF_SECONDS)

    # ------------------------------------------------------------------
    # The spine
    # ------------------------------------------------------------------

    def spine(self):
        """The main job for growing numbers of guias; what the operadora does is not counted."""
        print(f"\nSpine, {SPINE_ITEMS} items a guia: seconds (queries)")
        runs = {size: self._run_spine(size) for size in SIZES}
        print(f"{'guias':<16}" + "".join(f"{size:>18,}" for size in SIZES))
        for phase in runs[SIZES[0]]["phases"]:
            costs = [runs[size]["phases"][phase] for size in SIZES]
            cells = (f"{seconds:.2f} ({queries:,})" for seconds, queries in costs)
            print(f"{phase:<16}" + "".join(f"{cell:>18}" for cell in cells))
        self._report_spine(runs)

    def _report_spine(self, runs):
        seconds, queries = (
            [sum(cost[i] for cost in run["phases"].values()) for run in runs.values()]
            for i in (0, 1)
        )
        per_guia = [count / size for count, size in zip(queries, SIZES, strict=True)]
        memory = [run["memory"] for run in runs.values()]
        for label, figures, form in (
            ("all, s", seconds, ".1f"),
            ("guias/s", [n / s for n, s in zip(SIZES, seconds, strict=True)], ".0f"),
            ("queries/guia", per_guia, ".2f"),
            ("peak MiB more", memory, ".0f"),
        ):
            print(f"{label:<16}" + "".join(f"{figure:>18{form}}" for figure in figures))
        for (few, before), (many, after) in itertools.pairwise(zip(SIZES, seconds, strict=True)):
            exponent = math.log(after / before) / math.log(many / few)
            print(f"time grows with guias^{exponent:.2f} from {few:,} to {many:,}")
        steady = all(after <= before for before, after in itertools.pairwise(per_guia))
        self.judge("queries per guia constant or falling", steady)

    def _run_spine(self, size):
        encounters = self.make_encounters(size, SPINE_ITEMS)
        today = self.clinic.today
        operadora = Operadora(
            ans_code=self.contract.ans_code,
            name=self.contract.partner_id.name,
            cnpj=self.contract.partner_id.vat,
            version=self.contract.version,
            seed=size,
        )
        receive = self.env["tiss.message"].receive_file
        phases = {}

        def phase(name, work, *args):
            result, *cost = self.cost(work, *args)
            phases[name] = [sum(pair) for pair in zip(phases.get(name, (0, 0)), cost, strict=True)]
            return result

        before = start_peak()
        guias = phase("guias", encounters.create_guias)
        lotes = phase("lotes", guias.create_lotes)
        phase("XML", lotes.build)
        phase("sent", lotes.send)
        answers = [operadora.receive(lote.get_xml(), today) for lote in lotes]
        phase("protocolos", lambda: [receive("protocolo.xml", answer) for answer in answers])
        protocols = lotes.sorted("number").mapped("protocol_number")
        for batch in split_every(LOTES_IN_FILE, protocols):
            analysis = operadora.analysis(batch, issued_on=today)
            demonstrativo = phase("análise: import", receive, "análise.xml", analysis)
            phase("análise: post", demonstrativo.post)
            payment = operadora.payment(batch, paid_on=today, issued_on=today)
            demonstrativo = phase("pagamento: import", receive, "pagamento.xml", payment)
            phase("pagamento: post", demonstrativo.post)
        breaches, _seconds, _queries = self.cost(self.contract.check_ledger)
        if breaches or set(lotes.mapped("state")) - {"processed", "closed"}:
            raise SystemExit("the spine did not come to its end: " + " ".join(breaches))
        return {"phases": phases, "memory": peak() - before}


bench = SpineBench(env)  # noqa: F821
bench.run(bench.terminology, bench.guias, bench.lote, bench.paper, bench.spine)
