"""Many lotes through several workers at once, run by ``BENCH=exchange ./dev bench``.

Two processes of their own send 100 lotes of 100 guias to the simulated operadora, which listens in
this process and validates each message: twenty times with one of the two killed in the middle,
after which a recovery has to find each lote received exactly once; then once undisturbed, for the
speed. ``BENCH_LOTES=20`` and ``BENCH_ROUNDS=3`` do less.
"""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from odoo.tools import SQL

from odoo.addons.l10n_br_tiss.models import tiss_delivery_worker
from odoo.addons.l10n_br_tiss.operadora import Operadora
from odoo.addons.l10n_br_tiss.operadora.server import serve
from odoo.addons.l10n_br_tiss.scripts.bench_tools import ClinicBench

LOTES = int(os.environ.get("BENCH_LOTES", "100"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "20"))
GUIAS, ITEMS, WORKERS = 100, 2, 2
LOTES_PER_SECOND = 10
SERVICE = "tissLoteGuias"
SCRIPT = Path(__file__ if "__file__" in globals() else os.environ["SCRIPT"]).with_name(
    "exchange_worker.py"
)


class Worker:
    """One process that sends."""

    def __init__(self, database):
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.read()

    def order(self, step):
        self.process.stdin.write(f"{step}\n")
        self.process.stdin.flush()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a worker ended by itself")
        return line.strip()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


class ExchangeBench(ClinicBench):
    """Lotes that wait to be sent, and the operadora that they go to."""

    def prepare(self):
        guias = self.make_encounters(LOTES * GUIAS, ITEMS).create_guias()
        self.lotes = guias.create_lotes()
        start = time.perf_counter()
        messages = self.lotes.build()
        seconds = time.perf_counter() - start
        print(
            f"\n{len(self.lotes)} lotes of {GUIAS} guias ({sum(messages.mapped('size')):,} bytes)"
            f" built and validated in {seconds:.1f} s: {len(self.lotes) / seconds:.0f} a second"
        )
        self.contract.environment = "demo"
        self.endpoint = self.env["tiss.endpoint"].create(
            {
                "contract_id": self.contract.id,
                "environment": "demo",
                "service": SERVICE,
                "url": "http://127.0.0.1:1/",
            }
        )
        start = time.perf_counter()
        self.lotes.send()
        self.env.cr.commit()
        print(f"queued in {time.perf_counter() - start:.1f} s")
        self.workers = [Worker(self.env.cr.dbname) for _ in range(WORKERS)]

    def _operadora(self, seed):
        return Operadora(
            ans_code=self.contract.ans_code,
            name=self.contract.partner_id.name,
            cnpj=self.contract.partner_id.vat,
            version=self.contract.version,
            seed=seed,
        )

    def _point_at(self, address):
        self.endpoint.url = address.url(SERVICE)
        self.env.cr.commit()

    def _all(self, step):
        """(seconds, what each worker did) of a step that all do at once."""
        start = time.perf_counter()
        for worker in self.workers:
            worker.order(step)
        done = [int(worker.read()) for worker in self.workers]
        return time.perf_counter() - start, done

    def _count(self, operadora):
        return sorted(operadora.arrivals.lotes("taken").items())

    # ------------------------------------------------------------------
    # Speed
    # ------------------------------------------------------------------

    def speed(self):
        self._queue_again()
        operadora = self._operadora(0)
        with serve(operadora) as address:
            self._point_at(address)
            seconds, done = self._all("send")
        self._check_once(operadora)
        rate = len(self.lotes) / seconds
        print(
            f"\nsent by {WORKERS} workers ({' + '.join(map(str, done))}) in {seconds:.2f} s:"
            f" {rate:.1f} lotes a second, wire form, validation, journal and answer included"
        )
        self.judge(f"at least {LOTES_PER_SECOND} lotes a second", rate >= LOTES_PER_SECOND)

    def taking_in(self):
        """Protocolo, movements and invoice of each lote that was just sent."""
        seconds, done = self._all("settle")
        self.env.cr.commit()
        self.env.invalidate_all()
        states = set(self.lotes.mapped("state"))
        print(
            f"\nanswers taken in, with movements and invoices, by {WORKERS} workers"
            f" ({' + '.join(map(str, done))}, one at a time) in {seconds:.1f} s:"
            f" {len(self.lotes) / seconds:.1f} lotes a second"
        )
        self.judge("each lote has its protocolo", states == {"received"})
        self.judge("the ledger is sound", not self.contract.check_ledger())
        for worker in self.workers:
            worker.stop()

    def _check_once(self, operadora):
        expected = sorted((name, 1) for name in self.lotes.mapped("name"))
        if self._count(operadora) != expected:
            raise SystemExit(f"not once each: {operadora.arrivals.lotes('taken')}")

    # ------------------------------------------------------------------
    # The kill test
    # ------------------------------------------------------------------

    def killed(self):
        print(f"\n{ROUNDS} rounds, in each a worker is killed (SIGKILL) in the middle")
        chance = random.Random(1)
        unknown = []
        for number in range(1, ROUNDS + 1):
            unknown.append(self._run_round(number, chance))
        print(f"of nobody knew where it was: {sum(unknown)} in {ROUNDS} rounds, resolved each time")
        self.judge(f"each of {LOTES} lotes received exactly once, {ROUNDS} times", True)

    def _run_round(self, number, chance):
        """One round; the number of lotes that were in the hands of the killed worker."""
        self._queue_again()
        operadora = self._operadora(number)
        with serve(operadora) as address:
            self._point_at(address)
            moment = chance.randint(LOTES // 5, LOTES * 4 // 5)
            victim = chance.randrange(WORKERS)
            for worker in self.workers:
                worker.order("send")
            while len(operadora.arrivals) < moment:
                time.sleep(0.001)
            time.sleep(chance.random() * 0.1)
            self.workers[victim].kill()
            for index, worker in enumerate(self.workers):
                if index != victim:
                    worker.read()
            lost = self._recover()
            self._resolve(lost, operadora)
        self._check_once(operadora)
        self._check_journal()
        self.workers[victim] = Worker(self.env.cr.dbname)
        arrived = f"{len(lost)} unknown" if lost else "nothing in hand"
        print(f"  round {number:>2}: killed after {moment} lotes, {arrived}, each received once")
        return len(lost)

    def _queue_again(self):
        """As after the first sending: what the rounds left is forgotten."""
        self.env.invalidate_all()
        for table in ("tiss_delivery", "tiss_message"):
            self._set_triggers(table, "DISABLE")
        self.env.cr.execute("DELETE FROM tiss_delivery")
        self.env.cr.execute(
            "DELETE FROM tiss_message WHERE source_id IS NOT NULL OR direction = 'in'"
        )
        for table in ("tiss_delivery", "tiss_message"):
            self._set_triggers(table, "ENABLE")
        self.env.cr.execute(
            "UPDATE tiss_lote SET state = 'sending' WHERE id IN %s", [tuple(self.lotes.ids)]
        )
        self.env.invalidate_all()
        self.env["tiss.delivery"]._queue(self.lotes.message_id)
        self.env.cr.commit()

    def _set_triggers(self, table, what):
        self.env.cr.execute(SQL("ALTER TABLE %s %s TRIGGER USER", SQL.identifier(table), SQL(what)))

    def _recover(self):
        """What the next scheduled action does; the lotes of which nobody knows afterwards."""
        tiss_delivery_worker.LOST = timedelta(0)
        Delivery = self.env["tiss.delivery"]
        Delivery._retried(lambda deliveries: deliveries._recover())
        self.env.cr.commit()
        unknown = Delivery.search([("state", "=", "unknown")])
        Delivery._settle_due(unknown.ids or [0])
        self.env.cr.commit()
        self.env.invalidate_all()
        return self.lotes.filtered(lambda lote: lote.state == "unknown")

    def _resolve(self, lost, operadora):
        """A person asks the operadora, and sends again only what it does not have."""
        has = operadora.arrivals.lotes("taken")
        for lote in lost:
            if lote.name in has:
                lote._confirm_receipt()
            else:
                lote.action_deny_receipt()
                lote.with_context(tiss_in_background=True).send()
        self.env.cr.commit()
        while self.env["tiss.delivery"]._send_due():
            pass
        self.env.cr.commit()
        self.env.invalidate_all()

    def _check_journal(self):
        """Each lote has one message that left and one answer to it, or was confirmed."""
        deliveries = self.env["tiss.delivery"].search([("state", "=", "answered")])
        if sorted(deliveries.mapped("res_id")) != sorted(self.lotes.ids):
            raise SystemExit("the deliveries do not tell of each lote once")


bench = ExchangeBench(env)  # noqa: F821
bench.prepare()
bench.run(bench.killed, bench.speed, bench.taking_in)
