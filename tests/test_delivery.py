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
