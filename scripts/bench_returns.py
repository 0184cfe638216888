"""Speed of reading a demonstrativo, run by ``./dev bench`` on a database of its own.

An account analysis of growing numbers of guias of 5 items, from the bytes of the file to the
preview, against a plain COPY of the rows that it makes. Then it is posted: an analysis has no
journal entry, so all that takes is ours. Queries and ratios do not depend on how busy the machine
is, seconds do.

The peak of parsing is what Python allocates (tracemalloc) from the first byte that is read to the
last row that is put down: decoded values, rows, what they are matched with. The bytes of the file,
which are there before, do not count, nor does the memory of libxml2, which tracemalloc does not
see: beside it stands by how much the process grew in the same reading, which has all of it.
``BENCH_SIZES=1000,10000`` reads as many guias as a large hospital has in a month.
"""

import datetime
import gc
import io
import itertools
import math
import os
import statistics
import time
import tracemalloc

from odoo.addons.l10n_br_tiss import standard
from odoo.addons.l10n_br_tiss.scripts.bench_tools import ClinicBench, peak, start_peak
from odoo.addons.l10n_br_tiss.standard.money import to_decimal

SIZES = [int(size) for size in os.environ.get("BENCH_SIZES", "300,1000").split(",")]
ITEMS, ROUNDS, LOTE_GUIAS, FEW_GUIAS, MANY_GUIAS = 5, 3, 100, 1000, 10000
COPY_RATIO, QUERIES, EXPONENT, PEAK = 5, 0.1, 1.05, 4.0
TABLE = "tiss_demonstrativo_line"


class ReturnsBench(ClinicBench):
    """The demo's clinic and its first convênio, which answers for lotes of 100 guias."""

    def analyses(self):
        print(f"\nAnalysis of guias of {ITEMS} items, against a COPY of the same rows")
        print(
            f"{'guias':>8}{'MB':>7}{'seconds':>9}{'COPY':>8}{'ratio':>7}{'queries':>9}"
            f"{'parsing MiB':>13}{'grown MiB':>11}{'posting':>9}{'queries':>9}"
        )
        seconds = [self._measure(size) for size in SIZES]
        for (few, before), (many, after) in itertools.pairwise(zip(SIZES, seconds, strict=True)):
            exponent = math.log(after / before) / math.log(many / few)
            print(f"time grows with guias^{exponent:.2f} from {few:,} to {many:,}")
            self.judge(f"exponent at most {EXPONENT}", exponent <= EXPONENT)

    def _measure(self, size):
        content = self._make_file(self._make_lotes(size), str(size))
        times, copied = [], []
        for _round in range(ROUNDS):
            with self.undone():
                analysis, seconds, queries = self.cost(
                    self.env["tiss.message"].receive_file, "analise.xml", content
                )
                times.append(seconds)
                rows = self._copy_out(analysis)
            with self.undone():
                copied.append(self._copy_in(rows))
        seconds, copy = statistics.median(times), statistics.median(copied)
        parsing, grown = self._measure_parsing(content)
        posted, to_post = self._measure_posting(content)
        print(
            f"{size:>8,}{len(content) / 1e6:>7.1f}{seconds:>9.2f}{copy:>8.2f}{seconds / copy:>7.1f}"
            f"{queries:>9}{parsing:>13.2f}{grown:>11.1f}{posted:>9.2f}{to_post:>9}"
        )
        self.judge(f"parsing below {PEAK} MiB", parsing < PEAK)
        if size >= FEW_GUIAS:
            self.judge(f"at most {COPY_RATIO} times COPY", seconds / copy <= COPY_RATIO)
            self.judge(f"at most {QUERIES} queries per guia", queries <= QUERIES * size)
        if size >= MANY_GUIAS:
            self.judge(f"posting in {QUERIES} queries per guia", to_post <= QUERIES * size)
        return seconds

    def _measure_parsing(self, content):
        """(MiB that Python allocates at most, MiB by which the process grows) while it is read."""
        with self.undone():
            before = start_peak()
            self._read(content)
            grown = peak() - before
        with self.undone():
            gc.collect()
            tracemalloc.start()
            self._read(content)
            _now, highest = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return highest / 2**20, grown

    def _measure_posting(self, content):
        """(seconds, queries) of posting what was read."""
        with self.undone():
            analysis = self.env["tiss.message"].receive_file("analise.xml", content)
            _result, seconds, queries = self.cost(analysis.post)
        return seconds, queries

    def _read(self, content):
        reading, _walk = self.env["tiss.demonstrativo"]._read_stream(
            content, "demonstrativoAnaliseConta"
        )
        reading.rows.close()

    def _make_lotes(self, size):
        """Lotes with a protocolo, as if they had been sent; their invoices are not the matter."""
        guias = self.make_encounters(size, ITEMS).create_guias()
        lotes = guias.create_lotes()
        self.env.flush_all()
        self.env.cr.execute(
            """
            UPDATE tiss_lote SET state = 'received', protocol_number = 'B' || id
             WHERE id IN %(lotes)s;
            UPDATE tiss_guia SET state = 'sent' WHERE lote_id IN %(lotes)s;
            UPDATE tiss_guia_line SET amount_to_process = amount
             WHERE guia_id IN (SELECT id FROM tiss_guia WHERE lote_id IN %(lotes)s);
            INSERT INTO tiss_movement (company_id, guia_line_id, guia_id, lote_id, kind, to_bucket,
                                       amount, date)
            SELECT g.company_id, i.id, g.id, g.lote_id, 'bill', 'to_process', i.amount, g.date
              FROM tiss_guia_line i JOIN tiss_guia g ON g.id = i.guia_id
             WHERE g.lote_id IN %(lotes)s
            """,
            {"lotes": lotes._ids},
        )
        self.env.invalidate_all()
        return lotes

    def _make_file(self, lotes, number):
        """Every tenth item is denied by half, for a reason."""
        protocols = [self._make_protocol(lote) for lote in lotes]
        contract = self.contract
        sums = self._add(protocols, "Geral", "Protocolo")
        provider = contract._get_provider_identification("lote")
        body = {
            "cabecalhoDemonstrativo": {
                "registroANS": contract.ans_code,
                "numeroDemonstrativo": number,
                "nomeOperadora": "OPERADORA",
                "numeroCNPJ": contract.partner_id.vat,
                "dataEmissao": self.clinic.today,
            },
            "dadosPrestador": {"dadosContratado": provider, "CNES": "9999999"},
            "dadosConta": {"dadosProtocolo": protocols},
            **sums,
        }
        return standard.load(contract.version).encode(
            {
                "cabecalho": {
                    "identificacaoTransacao": {
                        "tipoTransacao": "DEMONSTRATIVO_ANALISE_CONTA",
                        "sequencialTransacao": "1",
                        "dataRegistroTransacao": self.clinic.today,
                        "horaRegistroTransacao": datetime.time(10, 0),
                    },
                    "origem": {"registroANS": contract.ans_code},
                    "destino": {"identificacaoPrestador": provider},
                    "Padrao": contract.version,
                },
                "operadoraParaPrestador": {
                    "demonstrativosRetorno": {"demonstrativoAnaliseConta": [body]}
                },
            }
        )

    def _make_protocol(self, lote):
        guias = [self._make_guia(guia) for guia in lote.guia_ids]
        return {
            "numeroLotePrestador": lote.name,
            "numeroProtocolo": lote.protocol_number,
            "dataProtocolo": self.clinic.today,
            "situacaoProtocolo": "5",
            "relacaoGuias": guias,
            **self._add(guias, "Protocolo", "Guia"),
        }

    def _make_guia(self, guia):
        items = [self._make_item(line) for line in guia.line_ids]
        return {
            "numeroGuiaPrestador": guia.name,
            "numeroCarteira": guia.card_number,
            "dataInicioFat": guia.date,
            "situacaoGuia": "5",
            "detalhesGuia": items,
            **self._add(items, "Guia", ""),
        }

    def _make_item(self, line):
        amount = to_decimal(line.amount)
        released = to_decimal(amount / 2) if line.id % 10 == 0 else amount
        denied = amount - released
        return {
            "sequencialItem": line.sequence_item,
            "dataRealizacao": line.date,
            "procedimento": {
                "codigoTabela": line.table_code,
                "codigoProcedimento": line.code,
                "descricaoProcedimento": "ITEM",
            },
            "valorInformado": amount,
            "qtdExecutada": to_decimal(line.quantity, 4),
            "valorProcessado": amount,
            "valorLiberado": released,
            "relacaoGlosa": [{"valorGlosa": denied, "tipoGlosa": "1705"}] if denied else [],
        }

    def _add(self, parts, suffix, below):
        names = ("valorInformado", "valorProcessado", "valorLiberado")
        return {f"{name}{suffix}": sum(part[f"{name}{below}"] for part in parts) for name in names}

    def _copy_out(self, analysis):
        rows = io.StringIO()
        query = f"COPY (SELECT * FROM {TABLE} WHERE demonstrativo_id IN %s) TO STDOUT"
        self.env.cr.copy_expert(self.env.cr.mogrify(query, [analysis._ids]).decode(), rows)
        heads = io.StringIO()
        query = "COPY (SELECT * FROM tiss_demonstrativo WHERE id IN %s) TO STDOUT"
        self.env.cr.copy_expert(self.env.cr.mogrify(query, [analysis._ids]).decode(), heads)
        message = io.StringIO()
        query = "COPY (SELECT * FROM tiss_message WHERE id IN %s) TO STDOUT"
        self.env.cr.copy_expert(
            self.env.cr.mogrify(query, [analysis.message_id._ids]).decode(), message
        )
        return {"tiss_message": message, "tiss_demonstrativo": heads, TABLE: rows}

    def _copy_in(self, rows):
        gc.collect()
        for each in rows.values():
            each.seek(0)
        start = time.perf_counter()
        for table, each in rows.items():
            self.env.cr.copy_expert(f"COPY {table} FROM STDIN", each)
        return time.perf_counter() - start


bench = ReturnsBench(env)  # noqa: F821 — Odoo's shell gives it
bench.run(bench.analyses)
