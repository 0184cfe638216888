import threading
from unittest.mock import patch

from odoo.modules import module
from odoo.tests import tagged
from odoo.tests.common import get_db_name

from ..models import tiss_delivery
from .test_delivery_crash import PATIENCE, WorkerCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestWhoeverWaits(WorkerCase):
    """A person sends one lote, and the operadora takes its time."""

    def setUp(self):
        super().setUp()
        self.enterContext(patch.object(tiss_delivery, "AT_ONCE", 2))
        # As in production: these transactions are real, the thread may have its own.
        self.enterContext(patch.object(module, "current_test", False))
        self.addCleanup(self._join)

    def _join(self):
        for thread in threading.enumerate():
            if thread.name.startswith(tiss_delivery.THREAD):
                thread.join(PATIENCE)

    def test_an_operadora_that_does_not_answer_keeps_nobody(self):
        with patch.object(tiss_delivery, "PATIENCE", 0.2), self._holding() as taken:
            [lote_id] = self._queue()
            self.assertTrue(taken.wait(PATIENCE))
            self.assertEqual(self._read([lote_id], "state"), ["sending"])
            self.assertEqual(self._read([lote_id], "delivery_note"), ["It is being sent."])
            self.assertEqual(self._recover(), 0, "it is in good hands")
        self._join()
        self.assertReceivedOnce([lote_id])

    def test_what_is_answered_soon_is_seen_at_once(self):
        threads = []
        original = self.registry["tiss.delivery"]._work

        def work(deliveries, *args, **kwargs):
            threads.append(threading.current_thread())
            return original(deliveries, *args, **kwargs)

        with patch.object(self.registry["tiss.delivery"], "_work", work):
            [lote_id] = self._queue()
        self.assertEqual(self._read([lote_id], "state"), ["received"])
        self.assertReceivedOnce([lote_id])
        [thread] = threads
        self.assertIsNot(thread, threading.current_thread())
        self.assertEqual(thread.dbname, get_db_name(), "named in each line of the log")
