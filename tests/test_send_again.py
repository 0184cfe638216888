from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .. import standard
from .common import BLOOD_COUNT, ECG
from .test_delivery import DeliveryCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestSendAgain(DeliveryCase):
    """What was sent and never arrived goes once more, as a new message of the journal."""

    def setUp(self):
        super().setUp()
        # Sent as a file: nobody but a person can know whether it arrived.
        self.endpoint.active = False
        self.lote = self._send({ECG: 1, BLOOD_COUNT: 2})
        self.first = self.lote.message_id

    def test_the_same_content_under_a_new_number(self):
        action = self.first.action_send_again()
        second = self.lote.message_id
        self.assertEqual((action["res_model"], action["res_id"]), (second._name, second.id))
        self.assertEqual((second.source_id, self.lote.state), (self.first, "sent"))
        schema = standard.load(self.lote.version)
        before, after = (schema.decode(each._get_content()) for each in (self.first, second))
        self.assertEqual(after["prestadorParaOperadora"], before["prestadorParaOperadora"])
        numbers = [
            each["cabecalho"]["identificacaoTransacao"]["sequencialTransacao"]
            for each in (before, after)
        ]
        self.assertEqual(int(numbers[1]), int(numbers[0]) + 1)
        self.assertEqual(second.sequence, numbers[1])
        self.assertNotEqual(second.tiss_hash, self.first.tiss_hash)
        self.assertEqual(after["epilogo"]["hash"], second.tiss_hash)
        self.assertEqual(schema.explain(second._get_content()), [])
        answer = self.simulated.receive(second._get_content(), self.today)
        self.env["tiss.message"].receive_file("recibo.xml", answer)
        self.assertEqual(self.lote.state, "received")
        self.assertLedgerSound()

    def test_by_web_service(self):
        self.endpoint.active = True
        self.first.send_again()
        self.assertEqual(self.lote.state, "sending")
        self._deliver()
        self.assertEqual(self.lote.state, "received")
        self.assertEqual(self.simulated.arrivals.lotes(), {self.lote.name: 1})

    def test_never_of_what_may_have_arrived(self):
        self.endpoint.active = True
        self.address.misbehave("die")
        self.first.send_again()
        second = self.lote.message_id
        with self.assertRefused("does not wait for an answer"):
            second.send_again()
        self._deliver()
        self.assertEqual(self.lote.state, "unknown")
        with self.assertRefused("does not wait for an answer"):
            second.send_again()
        self.lote.action_deny_receipt()
        self.assertEqual(self.lote.state, "validated")
        self.lote._leave("sent")
        second.send_again()
        self.assertEqual(self.simulated.arrivals.lotes(), {self.lote.name: 1})

    def test_never_of_what_the_operadora_answered(self):
        self.endpoint.active = True
        self.address.misbehave("other-lote")
        self.first.send_again()
        self._deliver()
        self.assertEqual(self.lote.state, "sent")
        with self.assertRefused("its answer is in the journal"):
            self.lote.message_id.send_again()

    def test_never_of_what_has_a_protocolo(self):
        self.lote.register_protocol("777", self.today)
        self.assertFalse(self.first.may_send_again)
        with self.assertRefused("does not wait for an answer"):
            self.first.send_again()

    def test_only_the_last_message(self):
        self.first.send_again()
        for message in (self.first, self.lote.tiss_message_ids - self.first):
            self.assertEqual(message.may_send_again, message == self.lote.message_id)
        with self.assertRefused("Only the last message"):
            self.first.send_again()

    def test_only_by_who_may_send(self):
        biller = self._create_user("r.faturamento", "billing")
        self.assertTrue(Form(self.first.with_user(biller)).may_send_again)
        receptionist = self._create_user("r.recepcao", "reception")
        with self.assertRaises(AccessError):
            self.first.with_user(receptionist).send_again()
