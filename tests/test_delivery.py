import hashlib
import re
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .. import standard
from ..models import tiss_delivery_settle, tiss_delivery_worker
from ..operadora.server import Server, serve
from ..standard.soap import password_digest
from ..standard.tests import certificates as made
from .common import BLOOD_COUNT, CONSULTATION, ECG, TissCommon
from .secret_search import find_words

WORKER = tiss_delivery_worker.__name__
SETTLE = tiss_delivery_settle.__name__


class DeliveryCase(TissCommon):
    """A convênio whose web services are a simulated operadora on this machine."""

    options = {}  # of the simulated operadora

    def setUp(self):
        super().setUp()
        self.contract.environment = "demo"
        # One for each test: it remembers what was sent to it, the database does not.
        self.simulated = self._simulate(**self.options)
        self.enterContext(self.enter_registry_test_mode())
        self.address = self.enterContext(serve(self.simulated, today=self.today))
        self.endpoint = self._connect("tissLoteGuias")

    def _connect(self, service, **vals):
        return self.env["tiss.endpoint"].create(
            {
                "contract_id": self.contract.id,
                "environment": "demo",
                "service": service,
                "url": self.address.url(service),
                **vals,
            }
        )

    def _ask_for_certificates(self):
        """The operadora moves to TLS and wants a client certificate of the invented authority."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        authority = Path(folder, "ca.pem")
        authority.write_bytes(made.authority().public_bytes(Encoding.PEM))
        address = self.enterContext(
            serve(self.simulated, today=self.today, tls=True, client_ca=str(authority))
        )
        self.endpoint.write(
            {
                "url": address.url("tissLoteGuias"),
                "authority": Path(address.ca_file).read_text("ascii"),
            }
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

    def _later(self, **delta):
        return self._at(fields.Datetime.now() + timedelta(**delta))

    @contextmanager
    def _at(self, moment):
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

    def test_what_left_is_in_the_journal_byte_for_byte_but_the_login(self):
        self.contract.write({"service_login": "clinica", "service_password": "segredo"})
        digest = password_digest("segredo")
        seen = []
        original = Server.answer
        with patch.object(Server, "answer", lambda *args: seen.append(args[2]) or original(*args)):
            lote = self._send()
            self._deliver()
        [body] = seen
        source, wire, answer = lote.tiss_message_ids.sorted("id")
        content = wire._get_content()
        self.assertEqual(wire.source_id, source)
        self.assertEqual(answer.request_id, wire)
        self.assertNotIn(b"clinica", content)
        self.assertNotIn(digest.encode(), content)
        login = b"<ans:loginPrestador>", b"<ans:senhaPrestador>"
        [left] = re.findall(rb"<ans:loteGuiasWS.*</ans:loteGuiasWS>", body, re.DOTALL)
        self.assertIn(login[0] + b"clinica", left)
        self.assertIn(login[1] + digest.encode(), left)
        masked = left.replace(digest.encode(), b"*" * 32).replace(b">clinica<", b">*******<")
        self.assertEqual(content.partition(b"?>\n")[2], masked)
        declaration = content.partition(b"<ans:loteGuiasWS")[0]
        self.assertEqual(wire.wire_sha256, hashlib.sha256(declaration + left).hexdigest())
        self.assertTrue(standard.load("4.03.00").validate(declaration + left))

    def test_a_password_that_is_sent_as_it_is_typed(self):
        self.contract.write(
            {"password_form": "plain", "service_login": "clinica", "service_password": "<4&711>"}
        )
        seen = []
        original = Server.answer
        with patch.object(Server, "answer", lambda *args: seen.append(args[2]) or original(*args)):
            lote = self._send()
            self._deliver()
        root = etree.fromstring(seen[0])
        self.assertEqual(root.findtext(".//{*}senhaPrestador"), "<4&711>")
        self.assertEqual((lote.state, lote.delivery_ids.problem), ("received", False))
        self.assertNotIn(b"711", lote.delivery_ids.message_id._get_content())
        self.assertEqual(find_words(self.env, ["<4&711>", "&lt;4&amp;711&gt;"]), set())

    def test_cut_out_of_the_file_it_is_what_writing_it_anew_gives(self):
        self.contract.write({"service_login": "clinica & cia", "service_password": "segredo"})
        lote = self._create_lote({ECG: 1}, {BLOOD_COUNT: 2})
        login = self.contract.sudo()._get_login()
        for charset in ("iso-8859-1", "utf-8"):
            self.contract.hash_charset = charset
            cut = lote._seal_for_service(lote.get_xml(), login)
            self.assertTrue(lote._cut(lote.get_xml(), login))
            with patch.object(type(lote), "_cut", lambda *args: None):
                self.assertEqual(lote._seal_for_service(lote.get_xml(), login), cut)

    def test_a_finished_delivery_cannot_be_changed_or_deleted(self):
        lote = self._send()
        self._deliver()
        delivery = lote.delivery_ids.sudo()
        for query in (
            "UPDATE tiss_delivery SET state = 'failed' WHERE id = %s",
            "UPDATE tiss_delivery SET answer_id = NULL WHERE id = %s",
            "DELETE FROM tiss_delivery WHERE id = %s",
        ):
            with self.assertRaisesRegex(Exception, "append-only"), mute_logger("odoo.sql_db"):
                with self.env.cr.savepoint():
                    self.env.cr.execute(query, [delivery.id])
        waiting = self._send().delivery_ids.sudo()
        waiting.next_try = fields.Datetime.now()
        waiting.flush_recordset()
        with self.assertRaisesRegex(Exception, "append-only"), mute_logger("odoo.sql_db"):
            with self.env.cr.savepoint():
                self.env.cr.execute("DELETE FROM tiss_delivery WHERE id = %s", [waiting.id])

    # ------------------------------------------------------------------
    # Nothing arrived
    # ------------------------------------------------------------------

    def test_back_off_until_a_person_is_asked(self):
        self.endpoint.url = "http://127.0.0.1:9/tissLoteGuias"
        lote = self._send()
        delivery = lote.delivery_ids
        now, waits = fields.Datetime.now(), []
        for attempt in range(1, 8):
            with self._at(now):
                self._deliver()
            self.assertEqual(delivery.attempts, attempt)
            if delivery.state == "queued":
                waits.append((delivery.next_try - now).total_seconds() / 60)
                with self._at(delivery.next_try - timedelta(seconds=1)):
                    self._deliver()
                self.assertEqual(delivery.attempts, attempt, "not before its time")
                self.assertEqual(lote.state, "sending")
                now = delivery.next_try
        self.assertEqual(waits, [1, 5, 15, 60, 240, 720])
        self.assertEqual((delivery.state, lote.state), ("failed", "validated"))
        self.assertIn("takes no connections", lote.rejection_reason)
        self.assertEqual(set(lote.guia_ids.mapped("state")), {"in_lote"})
        self.assertEqual(lote.activity_ids.user_id, self.env.user)
        self.assertEqual(len(lote.tiss_message_ids), 2, "the same bytes are journaled once")
        self.endpoint.url = self.address.url("tissLoteGuias")
        lote.send()
        self._deliver()
        self.assertEqual(lote.state, "received")
        self.assertFalse(lote.rejection_reason)

    def test_the_queue_waits_for_one_that_cannot_get_through(self):
        self.endpoint.url = "http://127.0.0.1:9/tissLoteGuias"
        first, second = self._send(), self._send()
        self._deliver()
        self.assertEqual(first.delivery_ids.attempts, 1)
        self.assertEqual(second.delivery_ids.attempts, 0)
        self.assertEqual(second.delivery_ids.next_try, first.delivery_ids.next_try)
        self.endpoint.url = self.address.url("tissLoteGuias")
        (first | second).delivery_ids.action_try_now()
        self._deliver()
        self.assertEqual((first | second).mapped("state"), ["received", "received"])

    def test_whoever_looks_at_the_lote_need_not_wait(self):
        self.endpoint.url = "http://127.0.0.1:9/tissLoteGuias"
        biller = self._create_user("d.faturamento", "billing")
        lote = self._send().with_user(biller)
        self.assertFalse(lote.may_try_now, "it goes at once")
        self._deliver()
        self.assertTrue(lote.may_try_now)
        self.assertIn("Next try", lote.delivery_note)
        self.endpoint.url = self.address.url("tissLoteGuias")
        lote.action_try_now()
        lote.invalidate_recordset(["may_try_now"])
        self.assertFalse(lote.may_try_now)
        self._deliver()
        self.assertEqual((lote.state, lote.may_try_now), ("received", False))

    def test_many_go_in_the_background_and_say_so(self):
        lotes = self._create_lote(ECG) | self._create_lote(ECG) | self._create_lote(ECG)
        told = lotes.action_send()["params"]["message"]
        self.assertIn("3 are being sent in the background", told)
        self.assertEqual(set(lotes.mapped("state")), {"sending"})

    def test_of_a_selection_goes_what_can(self):
        received, cancelled = self._send(), self._create_lote(ECG)
        cancelled.action_cancel()
        self._deliver()
        ready = self._create_lote(ECG)
        told = (received | ready | cancelled).action_send()["params"]["message"]
        self.assertEqual(ready.state, "sending")
        self.assertEqual((received | cancelled).mapped("state"), ["received", "cancelled"])
        self.assertIn("2 were left out", told)
        self.assertIn("Received (1)", told)
        self.assertIn("Cancelled (1)", told)
        self.assertNotIn("background", told)
        many = self._create_lote(ECG) | self._create_lote(ECG) | self._create_lote(ECG)
        told = (many | received).action_send()["params"]["message"]
        self.assertIn("3 are being sent in the background", told)
        self.assertIn("1 were left out", told)
        with self.assertRefused("Received"):
            (received | cancelled).action_send()

    def _create_draft(self, **vals):
        return self._create_encounters(CONSULTATION, **vals).create_guias().create_lotes()

    def test_a_draft_that_cannot_be_built_stops_no_other(self):
        doctor = self._create_professional("Médica Sem Registro", number="7777")
        wrong, empty = self._create_draft(professional_id=doctor.id), self._create_draft()
        good, ready = self._create_draft(), self._create_lote(ECG)
        doctor.tiss_council_number = False
        empty.guia_ids.sudo().write({"lote_id": False, "state": "ready"})
        notice = (wrong | good | empty | ready).action_send()["params"]
        self.assertEqual((good | ready).mapped("state"), ["sending", "sending"])
        self.assertEqual((wrong | empty).mapped("state"), ["draft", "draft"])
        self.assertFalse((wrong | empty).message_id)
        self.assertIn("What is not right was not sent", notice["message"])
        self.assertIn(wrong.display_name, notice["message"])
        self.assertIn(f"Lote {empty.name} has 0 guias", notice["message"])
        self.assertNotIn(good.display_name, notice["message"])
        self.assertTrue(notice["sticky"])
        self._deliver()
        self.assertEqual((good | ready).mapped("state"), ["received", "received"])
        with self.assertRefused("has 0 guias"):
            (wrong | empty).action_send()
        with self.assertRefused("has 0 guias"):
            empty.action_send()
        with self.assertRefused("has 0 guias"):
            (empty | self._create_draft()).send()

    def test_the_queue_waits_when_one_is_not_answered(self):
        self.address.misbehave("die")
        first, second = self._send(), self._send()
        self._deliver()
        self.assertEqual((first | second).mapped("state"), ["unknown", "sending"])
        self.assertIn("Do not send it again", first.delivery_note)
        with self._later(minutes=16):
            self._deliver(second.delivery_ids)
        self.assertEqual((first | second).mapped("state"), ["unknown", "received"])

    def test_what_is_in_hand_shows_neither_login_nor_content(self):
        """Whatever writes it into a log."""
        claim = tiss_delivery_worker.Claim(7, "worker", 3, b"<senhaPrestador>segredo")
        outcome = tiss_delivery_worker.Outcome({"code": "html"}, b"<loginPrestador>segredo")
        self.assertNotIn("segredo", f"{claim!r} {outcome!r}")

    def test_what_is_queued_can_be_stopped(self):
        lote = self._send()
        self.assertEqual(lote.delivery_note, "It is in the queue.")
        lote.delivery_ids.action_stop()
        self._deliver()
        self.assertEqual((lote.delivery_ids.state, lote.state), ("failed", "validated"))
        self.assertFalse(self.simulated.arrivals)
        lote.action_cancel()
        self.assertEqual(lote.state, "cancelled")

    def test_a_refused_hash_is_built_again_and_sent(self):
        self.contract.hash_charset = "utf-8"
        self.endpoint.url = self.address.url("tissLoteGuias", "fault=HashInvalido")
        lote = self._send()
        self._deliver()
        self.assertEqual((lote.delivery_ids.state, lote.state), ("refused", "validated"))
        self.assertIn("another hash", lote.rejection_reason)
        self.assertIn("HashInvalido", lote.delivery_ids.code)
        self.contract.hash_charset = "iso-8859-1"
        self.endpoint.url = self.address.url("tissLoteGuias")
        lote.build()
        lote.send()
        self._deliver()
        self.assertEqual(lote.state, "received")
        self.assertEqual(lote.delivery_ids.sorted("id").mapped("state"), ["refused", "answered"])

    def test_what_is_refused_by_its_content_is_rejected(self):
        lote = self._create_lote(ECG)
        # Its number is known there: somebody had taken the file to the portal.
        self.simulated.receive(lote.get_xml(), self.today)
        lote.send()
        self._deliver()
        self.assertEqual((lote.delivery_ids.state, lote.state), ("answered", "rejected"))
        self.assertTrue(lote.rejection_reason)
        self.assertEqual(lote.delivery_ids.answer_note, lote.rejection_reason)
        self.assertFalse(lote.guia_ids)

    def test_the_environment_was_changed_while_it_waited(self):
        lote = self._send()
        self._connect("tissLoteGuias", environment="homologation", url="https://ws.exemplo.invalid")
        self.contract.environment = "homologation"
        self._deliver()
        self.assertEqual((lote.delivery_ids.state, lote.state), ("failed", "validated"))
        self.assertIn("environment", lote.rejection_reason)
        self.assertFalse(self.simulated.arrivals)

    # ------------------------------------------------------------------
    # Nobody knows
    # ------------------------------------------------------------------

    def _send_unanswered(self, misbehaviour="die"):
        self.address.misbehave(misbehaviour)
        lote = self._send()
        self._deliver()
        self.assertEqual(lote.state, "unknown")
        return lote

    def test_the_unknown_is_never_sent_again(self):
        lote = self._send_unanswered()
        for days in range(1, 30):
            with self._later(days=days):
                self.env["tiss.delivery"].sudo()._ask_about_unknown()
                self._deliver()
        with self.assertRefused("No Answer"):
            lote.send()
        with self.assertRefused("No Answer"):
            lote.action_cancel()
        with self.assertRefused("No Answer"):
            lote.build()
        self.assertEqual(self.simulated.arrivals.lotes(), {lote.name: 1})
        self.assertEqual(lote.activity_ids.user_id, self.env.user)

    def test_a_person_found_the_protocolo(self):
        lote = self._send_unanswered()
        [arrival] = self.simulated.arrivals
        action = lote.action_confirm_receipt()
        wizard = self.env[action["res_model"]].with_context(**action["context"])
        wizard.create({"protocol_number": arrival.protocol}).action_register()
        self.assertEqual(lote.state, "received")
        delivery = lote.delivery_ids
        self.assertEqual((delivery.state, delivery.is_settled), ("answered", True))
        self.assertIn(self.env.user.name, delivery.resolution)
        self.assertLedgerSound()

    def test_the_operadora_does_not_have_it(self):
        lote = self._send_unanswered("drop")
        lote.delivery_ids.action_deny_receipt()
        self.assertEqual((lote.delivery_ids.state, lote.state), ("failed", "validated"))
        lote.send()
        self._deliver()
        self.assertEqual(lote.state, "received")
        self.assertEqual(self.simulated.arrivals.lotes("taken"), {lote.name: 1})

    def test_the_receipt_comes_as_a_file(self):
        lote = self._send_unanswered("html+taken")
        with patch.object(type(self.simulated._ledger), "check_new", lambda *args: None):
            answer = self.simulated.receive(lote.get_xml(), self.today)
        self.assertEqual(self.env["tiss.message"].receive_file("recibo.xml", answer), lote)
        self.assertEqual(lote.state, "received")
        self.assertEqual(lote.delivery_ids.state, "answered")

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    def test_an_answer_about_another_lote_touches_neither(self):
        other = self._send()
        self._deliver()
        self.address.misbehave("other-lote")
        lote = self._send()
        before = other.read()
        self._deliver()
        self.assertEqual(other.read(), before)
        delivery = lote.delivery_ids
        self.assertEqual((lote.state, delivery.is_settled), ("sent", False))
        self.assertIn(lote.name, delivery.problem)
        self.assertEqual(lote.delivery_note, delivery.problem, "said where the biller looks")
        lote.register_protocol("777", self.today)
        delivery.action_close()
        self.assertTrue(delivery.is_settled)
        self.assertFalse(lote.delivery_note)

    def test_what_cannot_be_read_now_is_read_later(self):
        lote = self._send()
        with patch.object(type(lote), "register_protocol", side_effect=UserError("closed")):
            self._deliver()
        delivery = lote.delivery_ids
        self.assertEqual((delivery.problem, delivery.is_settled), ("closed", False))
        self.assertEqual(lote.state, "sent")
        self._deliver()
        self.assertFalse(delivery.is_settled, "not before its time")
        with self._at(delivery.next_try):
            self._deliver()
        self.assertEqual((lote.state, delivery.is_settled), ("received", True))
        self.assertFalse(delivery.problem)

    def test_a_protocolo_that_another_lote_has(self):
        self._send()
        self._deliver()
        self.address.misbehave("duplicate-protocol")
        lote = self._send()
        with mute_logger(SETTLE, "odoo.sql_db"):
            self._deliver()
        self.assertEqual(lote.state, "sent")
        self.assertIn("already has this protocolo", lote.delivery_ids.problem)

    def test_an_answer_to_another_clinic(self):
        lote = self._send()
        self.contract.provider_code = "54321"
        with mute_logger(SETTLE):
            self._deliver()
        self.assertIn("another provider", lote.delivery_ids.problem)
        self.assertEqual(lote.state, "sent")

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
        "no-soap": ("answered", "received", 1),
        "duplicate-protocol": ("answered", "sent", 1),
        "other-lote": ("answered", "sent", 1),
        "die": ("unknown", "unknown", 1),
        "drop": ("unknown", "unknown", 0),
        "html": ("unknown", "unknown", 0),
        "html+taken": ("unknown", "unknown", 1),
        "empty": ("unknown", "unknown", 1),
        "text": ("unknown", "unknown", 1),
        "truncated": ("unknown", "unknown", 1),
        "gateway-fault": ("unknown", "unknown", 0),
        "fault=ErroInesperadoServidor": ("unknown", "unknown", 0),
        "500": ("unknown", "unknown", 0),
        "500+taken": ("unknown", "unknown", 1),
        "503": ("unknown", "unknown", 0),
        "redirect": ("unknown", "unknown", 0),
        "bomb": ("unknown", "unknown", 0),
        "dtd": ("unknown", "unknown", 0),
        "deep": ("unknown", "unknown", 0),
        "401": ("failed", "validated", 0),
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


@tagged("post_install", "-at_install", "post_install_l10n")
class TestTakenInTogether(DeliveryCase):
    """Receipts of many lotes: one creation of invoices, and each answer for itself."""

    def _send_many(self, count=3):
        lotes = self.env["tiss.lote"].union(*(self._send({ECG: each + 1}) for each in range(count)))
        self.env.flush_all()
        self.env["tiss.delivery"].sudo()._send_due(lotes.delivery_ids.ids)
        return lotes

    def _settle(self, lotes):
        """How many invoices were made at once, each time."""
        Move, made = type(self.env["account.move"]), []
        original = Move.create
        with patch.object(
            Move, "create", lambda moves, vals: made.append(len(vals)) or original(moves, vals)
        ):
            self.env["tiss.delivery"].sudo()._settle_due(lotes.delivery_ids.ids)
        self.env.invalidate_all()
        return made

    def test_their_invoices_are_made_at_once(self):
        lotes = self._send_many()
        self.assertEqual(self._settle(lotes), [3])
        self.assertEqual(set(lotes.mapped("state")), {"received"})
        for lote in lotes:
            self.assertEqual(lote.invoice_id.amount_total, lote.amount_total)
            self.assertEqual(lote.invoice_id.create_uid, self.env.user)
            self.assertIn(lote.protocol_number, lote.invoice_id.ref)
        self.assertLedgerSound()

    def test_one_that_cannot_be_read_fails_alone(self):
        lotes = self._send_many()
        first, broken, last = lotes
        original, words = type(lotes).register_protocol, "closed"

        def refuse(lote, *args):
            if lote.id == broken.id:
                raise UserError(words)
            return original(lote, *args)

        with patch.object(type(lotes), "register_protocol", refuse):
            self.assertEqual(self._settle(lotes), [2])
        self.assertEqual((first | last).mapped("state"), ["received", "received"])
        self.assertTrue(first.invoice_id and last.invoice_id)
        self.assertEqual((broken.state, broken.delivery_ids.problem), ("sent", words))
        with self._at(broken.delivery_ids.next_try):
            self.assertEqual(self._settle(broken), [1])
        self.assertEqual(broken.state, "received")
        self.assertLedgerSound()

    def test_where_the_books_refuse_each_is_settled_alone(self):
        lotes = self._send_many()
        broken = lotes[1]
        original, words = type(lotes)._prepare_invoice, "no account"

        def refuse(lote, *args):
            if broken in lote:
                raise UserError(words)
            return original(lote, *args)

        with patch.object(type(lotes), "_prepare_invoice", refuse):
            self.assertEqual(self._settle(lotes), [1, 1])
        self.assertEqual(lotes.mapped("state"), ["received", "sent", "received"])
        self.assertEqual(broken.delivery_ids.problem, words)
        self.assertFalse(broken.protocol_number)
        self.assertLedgerSound()

    def test_of_different_people(self):
        biller = self._create_user("j.faturamento", "billing")
        lotes = self._create_lote(ECG) | self._create_lote(BLOOD_COUNT)
        lotes[0].send()
        lotes[1].with_user(biller).send()
        self.env.flush_all()
        self.env["tiss.delivery"].sudo()._send_due(lotes.delivery_ids.ids)
        self.assertEqual(self._settle(lotes), [1, 1])
        self.assertEqual(lotes.invoice_id.create_uid, self.env.user | biller)
        self.assertLedgerSound()
