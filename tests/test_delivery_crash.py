import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tests.common import get_db_name
from odoo.tools import SQL, mute_logger

from ..models import tiss_delivery, tiss_delivery_worker
from ..operadora import Operadora
from ..operadora.server import Server, serve
from ..standard import identifiers
from .common import ECG
from .race_common import RaceCase

WORKER_SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "exchange_worker.py"
PATIENCE = 60  # seconds until a test that hangs fails


class Crash(BaseException):
    """The process is gone: nothing of ours runs any more, PostgreSQL rolls back."""


class WorkerCase(RaceCase):
    """Lotes, a simulated operadora, and workers in real transactions."""

    def setUp(self):
        super().setUp()
        # Whoever sends does not deliver at once: the workers of the tests do.
        self.enterContext(patch.object(tiss_delivery, "AT_ONCE", 0))
        # No time passes in a test: what is locked by nobody is lost at once.
        lost = timedelta(seconds=-1)
        self.enterContext(patch.object(tiss_delivery_worker, "LOST", lost))
        with self._session() as env:
            self.simulated = Operadora(
                ans_code=self.contract.with_env(env).ans_code,
                name="OPERADORA DA CORRIDA",
                cnpj=identifiers.complete_cnpj("112223330001"),
                version=self.contract.with_env(env).version,
            )
        self.address = self.enterContext(serve(self.simulated))
        with self._commit() as env:
            self.contract.with_env(env).environment = "demo"
            self._connect(env, "tissLoteGuias")

    def _connect(self, env, service):
        return env["tiss.endpoint"].create(
            {
                "contract_id": self.contract.id,
                "environment": "demo",
                "service": service,
                "url": self.address.url(service),
            }
        )

    def _queue(self, count=1):
        """Ids of lotes that wait in the queue."""
        with self._commit():
            guias = self._create_encounters(*[ECG] * count).create_guias()
            lotes = guias.browse().lote_id
            for guia in guias:
                lotes |= guia.create_lotes()
            lotes.send()
            return lotes.ids

    @contextmanager
    def _holding(self, answered=0):
        """The operadora takes messages in, and answers only when the block ends.

        :param answered: how many it answers at once before that
        :return: event that is set when it has one that it does not answer
        """
        taken, go_on, original = threading.Event(), threading.Event(), Server.answer

        def answer(server, service, xml):
            response = original(server, service, xml)
            if len(self.simulated.arrivals) > answered:
                taken.set()
                go_on.wait(PATIENCE)
            return response

        with patch.object(Server, "answer", answer):
            try:
                yield taken
            finally:
                go_on.set()

    def _work(self, **options):
        with self._session() as env:
            return env["tiss.delivery"]._work(limit=1000, **options)

    def _recover(self):
        """What the scheduled action does after a restart."""
        with self._session() as env:
            Delivery = env["tiss.delivery"]
            lost = Delivery._retried(lambda deliveries: deliveries._recover())
            Delivery._settle_due()
            return lost

    def _wait_until(self, is_true):
        """What PostgreSQL does in a moment: it notices that a process is gone."""
        end = time.monotonic() + PATIENCE
        while not is_true():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def _read(self, lote_ids, name):
        with self._session() as env:
            return env["tiss.lote"].browse(lote_ids).mapped(name)

    def _get_delivery_states(self):
        with self._session() as env:
            found = env["tiss.delivery"].search(
                [("contract_id", "=", self.contract.id)], order="id"
            )
            return found.mapped("state")

    def assertReceivedOnce(self, lote_ids):
        taken = self.simulated.arrivals.lotes("taken")
        self.assertEqual(sorted(taken), sorted(self._read(lote_ids, "name")))
        self.assertEqual(set(taken.values()), {1})
        protocols = {each.number: each.protocol for each in self.simulated.arrivals}
        with self._session() as env:
            lotes = env["tiss.lote"].browse(lote_ids)
            self.assertEqual(set(lotes.mapped("state")), {"received"})
            for lote in lotes:
                self.assertEqual(lote.protocol_number, protocols[lote.name])
            self.assertEqual(lotes.contract_id.check_ledger(), [])


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCrashes(WorkerCase):
    """The worker dies at each line between two commits."""

    # method, whether it was done, state that is left, arrived
    CRASHES = (
        ("_prepare_wire", False, "queued", 0),
        ("_journal_wire", True, "queued", 0),
        ("_transmit", False, "sending", 0),
        ("_hold", True, "sending", 0),
        ("_post", False, "sending", 0),
        ("_post", True, "sending", 1),
        ("_journal_answer", True, "sending", 1),
        ("_keep", True, "sending", 1),
        ("_pause_others", False, "answered", 1),
        ("_settle_due", False, "answered", 1),
        ("_take_in", False, "answered", 1),
        ("_take_in", True, "answered", 1),
        ("_try_to_settle", True, "answered", 1),
    )

    @contextmanager
    def _crash_at(self, method, is_done):
        original = getattr(self.registry["tiss.delivery"], method)

        def crash(*args, **kwargs):
            if is_done:
                original(*args, **kwargs)
            raise Crash

        owner = self.registry["tiss.delivery"]
        with patch.object(owner, method, crash), self.assertRaises(Crash):
            yield

    def _resolve(self, lote_id):
        """A person asks the operadora, and says here what it answered."""
        with self._commit() as env:
            lote = env["tiss.lote"].browse(lote_id)
            arrived = [each for each in self.simulated.arrivals if each.number == lote.name]
            if arrived:
                lote.register_protocol(arrived[0].protocol)
            else:
                lote.action_deny_receipt()
                lote.send()
        self._work()

    def test_every_line(self):
        for method, is_done, state, arrived in self.CRASHES:
            with self.subTest(method, is_done=is_done):
                self.simulated.arrivals.clear()
                [lote_id] = self._queue()
                with self._crash_at(method, is_done):
                    self._work()
                self.assertEqual(self._get_delivery_states()[-1], state)
                self.assertEqual(len(self.simulated.arrivals), arrived)
                self.assertEqual(self._read([lote_id], "state"), ["sending"])
                self._assert_recovers(lote_id, state)

    def _assert_recovers(self, lote_id, state):
        lost = self._recover()
        self.assertEqual(lost, 1 if state == "sending" else 0)
        before = len(self.simulated.arrivals)
        if state == "sending":
            self.assertEqual(self._read([lote_id], "state"), ["unknown"])
            self._work()
            self.assertEqual(len(self.simulated.arrivals), before, "never sent a second time")
            self._resolve(lote_id)
        self._work()
        self.assertReceivedOnce([lote_id])
        self.assertNotIn("unknown", self._get_delivery_states())

    def test_our_own_error_after_the_post_is_no_reason_to_send_again(self):
        self.address.misbehave("html+taken")
        [lote_id] = self._queue()
        broken = patch.object(
            self.registry["tiss.delivery"], "_read_failure", side_effect=ZeroDivisionError
        )
        with broken, mute_logger(tiss_delivery_worker.__name__):
            self._work()
        self._assert_recovers(lote_id, "sending")
        self.assertEqual(len(self.simulated.arrivals), 1)

    def test_the_connection_with_the_database_breaks_while_the_operadora_works(self):
        [lote_id] = self._queue()
        worker = threading.Thread(target=self._work)
        with mute_logger("odoo.sql_db", tiss_delivery_worker.__name__):
            with self._holding() as taken:
                worker.start()
                self.assertTrue(taken.wait(PATIENCE))
                with self._session() as env:
                    env.cr.execute(SQL("SELECT pg_terminate_backend(%s)", self._find_poster()))
                self._wait_until(lambda: self._recover() == 1)
                self.assertEqual(self._read([lote_id], "state"), ["unknown"])
            worker.join(PATIENCE)
        self.assertReceivedOnce([lote_id])
        self.assertEqual(self._get_delivery_states(), ["answered"])

    def _find_poster(self):
        """The process of PostgreSQL that locks the delivery while it is posted."""
        with self._session() as env:
            env.cr.execute(
                """
                SELECT pid FROM pg_stat_activity
                 WHERE datname = current_database() AND state = 'idle in transaction'
                   AND pid != pg_backend_pid()
                   AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'relation'
                                  AND relation = 'tiss_delivery'::regclass
                                  AND mode = 'RowShareLock')
                """
            )
            [[pid]] = env.cr.fetchall()
            return pid


@tagged("post_install", "-at_install", "post_install_l10n")
class TestWorkers(WorkerCase):
    """Several at once: every lote is sent by one of them."""

    def test_two_workers_share_the_queue(self):
        lote_ids = self._queue(8)
        job = lambda env: env["tiss.delivery"]._work(limit=1000)  # noqa: E731
        results = self._both_at_once(job, job)
        self.assertGreaterEqual(sum(results), 8)
        self.assertReceivedOnce(lote_ids)

    def test_to_come_too_late_for_a_claim_is_no_error(self):
        [lote_id] = self._queue()
        claims = []

        def claim(deliveries):
            deliveries.env.cr.execute("SELECT 1")  # its view is fixed here
            claims.append(None)
            if len(claims) == 1:
                with self._session() as env:
                    lote = env["tiss.lote"].browse(lote_id)
                    lote.delivery_ids.url = "https://outro.invalid"
                    env.flush_all()
                    env.cr.commit()
            return deliveries._claim()

        with self._session() as env, self.assertNoLogs("odoo.sql_db", "ERROR"):
            self.assertTrue(env["tiss.delivery"]._retried(claim))
        self.assertEqual(len(claims), 2, "once more, with a new view")

    def test_two_clicks_on_send(self):
        with self._commit():
            lote_id = self._create_lote(ECG).id
        click = lambda env: env["tiss.lote"].browse(lote_id).send().ids  # noqa: E731
        results = self._both_at_once(click, click)
        [refused] = [each for each in results if isinstance(each, Exception)]
        self.assertIsInstance(refused, UserError)
        self.assertEqual(self._get_delivery_states(), ["queued"])
        self._work()
        self.assertReceivedOnce([lote_id])

    def test_what_is_being_posted_is_left_alone(self):
        [lote_id] = self._queue()
        worker = threading.Thread(target=self._work)
        with self._holding() as taken:
            worker.start()
            self.assertTrue(taken.wait(PATIENCE))
            self.assertEqual(self._recover(), 0)
            self.assertEqual(self._work(), 0)
            with self._session() as env:
                lote = env["tiss.lote"].browse(lote_id)
                lote.delivery_ids.action_stop()
                with self.assertRaisesRegex(UserError, "Sending"):
                    lote.send()
                self.assertEqual(lote.delivery_ids.state, "sending")
        worker.join(PATIENCE)
        self.assertReceivedOnce([lote_id])

    def test_a_claim_that_recovery_took_away_is_not_posted(self):
        [lote_id] = self._queue()
        with self._session() as env:
            Delivery = env["tiss.delivery"]
            claim = Delivery._retried(lambda deliveries: deliveries._claim())
            self.assertEqual(Delivery._retried(lambda deliveries: deliveries._recover()), 1)
            self.assertEqual(self._get_delivery_states(), ["unknown"])
            Delivery._transmit(claim)
        self.assertEqual(list(self.simulated.arrivals), [])
        self.assertEqual(self._get_delivery_states(), ["queued"])
        self._work()
        self.assertReceivedOnce([lote_id])

    def _start_process(self):
        """A worker in a process of its own, which waits for an order."""
        process = subprocess.Popen(
            [sys.executable, str(WORKER_SCRIPT), get_db_name()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline().strip(), "ready")
        return process

    def _order(self, process, step):
        process.stdin.write(f"{step}\n")
        process.stdin.flush()

    def test_a_process_is_killed_in_the_middle(self):
        lote_ids = self._queue(6)
        # The third message is in the hands of the operadora when its sender dies.
        victim = self._start_process()
        with self._holding(answered=2) as taken:
            self._order(victim, "send")
            self.assertTrue(taken.wait(PATIENCE))
            victim.send_signal(signal.SIGKILL)
            victim.wait()
        self._work()
        self._wait_until(self._recover)
        self.assertEqual(self._get_delivery_states().count("unknown"), 1)
        with self._commit() as env:
            lotes = env["tiss.lote"].browse(lote_ids)
            arrived = {each.number: each.protocol for each in self.simulated.arrivals}
            for lote in lotes.filtered(lambda each: each.state == "unknown"):
                if lote.name in arrived:
                    lote.register_protocol(arrived[lote.name])
                else:
                    lote.action_deny_receipt()
                    lote.send()
        self._work()
        self.assertReceivedOnce(lote_ids)
