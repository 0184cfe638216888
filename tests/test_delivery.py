from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..operadora.server import serve
from .common import BLOOD_COUNT, ECG, TissCommon

WORKER = "odoo.addons.l10n_br_tiss.models.tiss_delivery_worker"


class DeliveryCase(TissCommon):
    """A convênio whose web services are a simulated operadora on this machine."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.simulated = cls._simulate()
        cls.contract.environment = "demo"

    def setUp(self):
        super().setUp()
        self.enterContext(self.enter_registry_test_mode())
        self.address = self.enterContext(serve(self.simulated, today=self.today))
        self.endpoint = self._connect("tissLoteGuias")

    def _connect(self, service, misbehave=""):
        return (
            self.env["tiss.endpoint"]
            .sudo()
            .create(
                {
                    "contract_id": self.contract.id,
                    "environment": "demo",
                    "service": service,
                    "url": self.address.url(service, misbehave),
                }
            )
        )

    def _deliver(self, deliveries=None):
        """What the scheduled action does, in full."""
        self.env.flush_all()
        self.env["tiss.delivery"].sudo()._work((deliveries or self.env["tiss.delivery"]).ids)
        self.env.invalidate_all()

    def _send(self, *visits):
        lote = self._create_lote(*(visits or (ECG,)))
        lote.send()
        return lote

    @contextmanager
    def _later(self, **delta):
        moment = fields.Datetime.now() + timedelta(**delta)
        with patch.object(fields.Datetime, "now", lambda *args: moment):
            yield


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDelivery(DeliveryCase):
    """One transmission and what came of it, against a server that speaks and breaks for real."""

    def test_a_lote_is_received(self):
        lote = self._send({ECG: 1, BLOOD_COUNT: 2})
        self.assertEqual(lote.state, "sending")
        self.assertEqual(lote.guia_ids.mapped("state"), ["sent"])
        self._deliver()
        self.assertEqual(lote.state, "received")
        [arrival] = self.simulated.arrivals
        self.assertEqual(arrival.number, lote.name)
        self.assertEqual(lote.protocol_number, arrival.protocol)
        self.assertEqual(lote.invoice_id.amount_total, lote.amount_total)
        delivery = lote.delivery_ids
        self.assertEqual((delivery.state, delivery.is_settled), ("answered", True))
        self.assertLedgerSound()

    # ------------------------------------------------------------------
    # Misbehaviours
    # ------------------------------------------------------------------

    # what the operadora does → state of the delivery, of the lote, and whether it has the lote
    OUTCOMES = {
        "slow=0.2": ("answered", "received", 1),
        "gzip": ("answered", "received", 1),
        "prefixes": ("answered", "received", 1),
        "older": ("answered", "received", 1),
        "bad-hash": ("answered", "received", 1),
        "no-hash": ("answered", "received", 1),
        "encoding": ("answered", "received", 1),
        "no-schema": ("answered", "received", 1),
        "other-lote": ("answered", "sent", 1),
        "duplicate-protocol": ("answered", "sent", 1),
        "die": ("unknown", "unknown", 1),
        "drop": ("unknown", "unknown", 0),
        "html": ("unknown", "unknown", 0),
        "html+taken": ("unknown", "unknown", 1),
        "empty": ("unknown", "unknown", 1),
        "text": ("unknown", "unknown", 1),
        "truncated": ("unknown", "unknown", 1),
        "no-soap": ("unknown", "unknown", 1),
        "gateway-fault": ("unknown", "unknown", 0),
        "fault=ErroInesperadoServidor": ("unknown", "unknown", 0),
        "500": ("unknown", "unknown", 0),
        "500+taken": ("unknown", "unknown", 1),
        "503": ("unknown", "unknown", 0),
        "redirect": ("unknown", "unknown", 0),
        "bomb": ("unknown", "unknown", 0),
        "dtd": ("unknown", "unknown", 0),
        "deep": ("unknown", "unknown", 0),
        "404": ("failed", "validated", 0),
        "403": ("failed", "validated", 0),
        "fault=HashInvalido": ("refused", "validated", 0),
        "fault=VersaoInvalida": ("refused", "validated", 0),
        "fault=LoginInvalido": ("refused", "validated", 0),
        "fault=SchemaInvalido": ("refused", "validated", 0),
        "fault=DestinatarioInvalido": ("refused", "validated", 0),
        "fault=RemetenteInvalido": ("refused", "validated", 0),
    }

    def test_each_misbehaviour(self):
        self._send()
        self._deliver()
        for kind, expected in self.OUTCOMES.items():
            with self.subTest(kind), mute_logger(WORKER, "odoo.sql_db"):
                self.endpoint.url = self.address.url("tissLoteGuias", kind)
                lote = self._send()
                self._deliver()
                delivery = lote.delivery_ids
                has = self.simulated.arrivals.lotes("taken")[lote.name]
                self.assertEqual((delivery.state, lote.state, has), expected, delivery.problem)
                if expected[1] != "received":
                    self.assertTrue(delivery.problem)
                print(kind, "|", delivery.problem, "|", delivery.answer_id.size)
