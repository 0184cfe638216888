import hashlib
import re
import threading
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..models import secrets
from ..models.inside import INSIDE
from ..operadora.server import Server
from ..standard.certificate import Certificate
from ..standard.tests import certificates as made
from .common import ECG
from .terms_records import make_a1
from .test_delivery import WORKER, DeliveryCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestQueueOfYears(DeliveryCase):
    """What was finished long ago does not slow down what is due."""

    def _record_queries(self, work):
        """(query, parameters) about deliveries while work() runs."""
        queries = []

        def hook(_cr, query, params, _start, _delay):
            if "tiss_delivery" in query and not query.lstrip().startswith("INSERT"):
                queries.append((query, params))

        thread = threading.current_thread()
        thread.query_hooks = (*getattr(thread, "query_hooks", ()), hook)
        try:
            work()
        finally:
            thread.query_hooks = thread.query_hooks[:-1]
        return queries

    def test_each_query_of_the_queue_uses_an_index(self):
        self._send()
        self._deliver()
        names = [
            field.name
            for field in self.env["tiss.delivery"]._fields.values()
            if field.store and field.column_type and field.name not in ("id", "res_id")
        ]
        columns = SQL(", ").join(map(SQL.identifier, names))
        self.env.cr.execute(
            SQL(
                "INSERT INTO tiss_delivery (res_id, %s)"
                " SELECT -number, %s FROM tiss_delivery, generate_series(1, 10000) number",
                columns,
                columns,
            )
        )
        waiting = self._send()
        self.env.flush_all()
        self.env.cr.execute("ANALYZE tiss_delivery")
        Delivery = self.env["tiss.delivery"].sudo()
        queries = self._record_queries(
            lambda: (
                Delivery._recover(),
                Delivery._ask_about_unknown(),
                Delivery._work(),
                self.env.invalidate_all(),
                Delivery._count_due(),
                Delivery._postpone(waiting.delivery_ids.id, fields.Datetime.now()),
                Delivery._resume(waiting.delivery_ids.id),
                waiting._compute_delivery_note(),
                waiting._resolve_deliveries(),
            )
        )
        self.assertEqual(waiting.state, "received")
        self.assertGreater(len(queries), 8)
        for query, params in queries:
            self.env.cr.execute("EXPLAIN " + query, params)
            plan = "\n".join(row for [row] in self.env.cr.fetchall())
            self.assertNotIn("Seq Scan on tiss_delivery", plan, query)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestHashOnTheWire(DeliveryCase):
    """The hash of what leaves, computed once more from its bytes by other means."""

    CODE, LOGIN = "CLÍNICAÇ1", "médica"

    def test_both_charsets_with_letters_that_tell_them_apart(self):
        self.contract.provider_code = self.CODE
        self.contract.write({"service_login": self.LOGIN, "service_password": "ção"})
        for charset in ("iso-8859-1", "utf-8"):
            with self.subTest(charset):
                self.contract.hash_charset = charset
                seen = []

                def see(server, service, xml, seen=seen):
                    seen.append(xml)
                    raise ConnectionAbortedError

                lote = self._create_lote(ECG)
                lote.send()
                with patch.object(Server, "answer", see), mute_logger(WORKER):
                    self._deliver()
                lote.action_deny_receipt()
                root = etree.fromstring(seen[0])
                [element] = root.find("{*}Body")
                given = element.findtext("{*}hash")
                texts = [
                    leaf.text or ""
                    for leaf in element.iter()
                    if not len(leaf) and etree.QName(leaf).localname != "hash"
                ]
                self.assertIn(self.CODE, texts)
                self.assertIn(self.LOGIN, texts)
                content = "".join(texts).encode(charset)
                self.assertEqual(given, hashlib.md5(content).hexdigest())
                self.assertEqual(lote.delivery_ids.message_id.tiss_hash, given)
                declared = re.match(rb'<\?xml[^>]*encoding="([^"]+)"', seen[0])[1]
                self.assertEqual(declared.lower(), b"iso-8859-1")

    def test_the_hash_of_an_answer_is_noted_in_the_journal(self):
        for misbehaviour, expected in (
            ("slow=0", "iso-8859-1"),
            ("bad-hash", "none"),
            ("no-hash", "absent"),
            ("prefixes", "iso-8859-1"),
        ):
            with self.subTest(misbehaviour):
                self.endpoint.url = self.address.url("tissLoteGuias", misbehaviour)
                lote = self._send()
                self._deliver()
                self.assertEqual(lote.state, "received", lote.delivery_ids.problem)
                self.assertEqual(lote.delivery_ids.answer_id.hash_match, expected)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestKeyAtSending(DeliveryCase):
    """The certificate of the connection was good when somebody pressed Send, and is not now."""

    def setUp(self):
        super().setUp()
        self.contract.certificate_id = self.env["tiss.certificate"].create(
            {"file": make_a1(), "password": made.PASSWORD}
        )

    def assertNothingLeft(self, lote, words):
        self._deliver()
        self.assertEqual((lote.delivery_ids.state, lote.state), ("failed", "validated"))
        self.assertIn(words, lote.rejection_reason)
        self.assertNotIn("not known", lote.rejection_reason)
        self.assertFalse(self.simulated.arrivals)

    def test_it_expired(self):
        lote = self._send()
        expired = made.issue(days=(-20, -1))
        self.contract.certificate_id.sudo()._keep(Certificate(made.key(), expired))
        self.assertNothingLeft(lote, "has expired")

    def test_its_key_is_not_on_this_server_any_more(self):
        lote = self._send()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE tiss_certificate SET sealed_key = 'gAAAA' WHERE id = %s",
            self.contract.certificate_id.ids,
        )
        self.env.invalidate_all()
        self.assertNothingLeft(lote, "another key")

    def test_the_file_of_the_key_cannot_be_read(self):
        lote = self._send()
        with (
            patch.object(secrets, "_get_cipher", side_effect=PermissionError(13, "denied")),
            mute_logger("odoo.addons.l10n_br_tiss.models.tiss_endpoint"),
        ):
            self.assertNothingLeft(lote, "cannot be opened on this server")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAskedAgain(DeliveryCase):
    """What the system asks by itself is asked again after an outage, without anybody's help."""

    def setUp(self):
        super().setUp()
        self.status = self._connect("tissSolicitacaoStatusProtocolo")
        self.lote = self._send()
        self._deliver()
        self.lote.sudo().with_context(tiss_correct_protocol=INSIDE).protocol_date = self.visit_date
        self.contract.status_days = 1
        self.good = self.status.url

    def _ask(self):
        """The nightly action, and what is queued by it, tried as often as it is."""
        self.env(user=1)["tiss.contract"].browse(self.contract.id)._ask_due()
        query = self.lote.protocol_query_ids
        for _try in range(5):
            with self._at(query.delivery_ids[:1].next_try or fields.Datetime.now()):
                self._deliver(query.delivery_ids)
        return query

    def test_after_an_outage(self):
        self.status.url = "http://127.0.0.1:9/tissSolicitacaoStatusProtocolo"
        query = self._ask()
        self.assertEqual((query.state, query.delivery_ids.state), ("validated", "failed"))
        self.assertEqual(self.contract.activity_ids.user_id, self.contract.user_id)
        self.assertIn(query.rejection_reason, self.contract.activity_ids.note)
        query = self._ask()
        self.assertEqual(query.delivery_ids.mapped("state"), ["failed", "failed"])
        self.assertEqual(len(self.contract.activity_ids), 1, "told once")
        self.status.url = self.good
        query = self._ask()
        self.assertEqual(query.state, "received")
        self.assertEqual(self.lote.protocol_status_id.code, "1")

    def test_what_a_person_stopped_stays_so(self):
        self.env(user=1)["tiss.contract"].browse(self.contract.id)._ask_due()
        query = self.lote.protocol_query_ids
        query.delivery_ids.action_stop()
        self.assertEqual(query.state, "validated")
        self._ask()
        self.assertEqual((query.state, len(query.delivery_ids)), ("validated", 1))

    def test_who_left_the_clinic_is_not_reminded(self):
        sender = self._create_user("q.saiu", "billing")
        lote = self._create_lote(ECG)
        lote.with_user(sender).send()
        sender.sudo().active = False
        self.endpoint.url = self.address.url("tissLoteGuias", "fault=LoginInvalido")
        self._deliver()
        self.assertEqual(lote.state, "validated")
        self.assertEqual(lote.activity_ids.user_id, self.contract.user_id)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestOneCause(DeliveryCase):
    """What is refused to all lotes for one cause is one thing to do for somebody."""

    def setUp(self):
        super().setUp()
        self.good = self.endpoint.url

    def _break(self, fault):
        self.endpoint.url = self.address.url("tissLoteGuias", f"fault={fault}")

    # how the operadora shuts the clinic out → what the biller is told
    SHUT = {
        "fault=LoginInvalido": "does not accept login and password",
        "fault=RemetenteInvalido": "does not know the clinic",
        "fault=VersaoInvalida": "does not take this TISS version",
        "401": "does not let the clinic in",
        "403": "does not let the clinic in",
        "404": "There is no web service at this address",
    }

    def test_where_the_access_is_refused_the_queue_waits(self):
        for kind, words in self.SHUT.items():
            with self.subTest(kind):
                self.endpoint.url = self.address.url("tissLoteGuias", kind)
                first, second = self._send(), self._send()
                self._deliver()
                self.assertEqual((first | second).mapped("state"), ["validated", "sending"])
                self.assertIn(words, first.rejection_reason)
                self.assertEqual(second.delivery_ids.attempts, 0)
                self.assertTrue(second.may_try_now)
                self.endpoint.url = self.good
                self._deliver()
                self.assertEqual(second.state, "sending", "it waits for its time, or a person")
                second.action_try_now()
                self._deliver()
                self.assertEqual(second.state, "received")

    def test_a_refused_client_certificate(self):
        self._ask_for_certificates()
        first, second = self._send(), self._send()
        self._deliver()
        self.assertEqual((first | second).mapped("state"), ["validated", "sending"])
        self.assertIn("does not accept the client certificate", first.rejection_reason)
        self.assertIn("does not accept the client certificate", second.delivery_note)
        self.assertEqual(second.delivery_ids.attempts, 0)

    def test_the_others_say_why_they_wait_and_until_when(self):
        biller = self._create_user("q.espera", "billing")
        self._break("LoginInvalido")
        first, second = self._send(), self._send().with_user(biller)
        self.assertEqual(second.delivery_note, "It is in the queue.")
        self._deliver()
        for told in (second.delivery_note, second.delivery_ids.shown_problem):
            self.assertIn("paused until", told)
            self.assertIn("does not accept login and password", told)
            self.assertIn("press “Try Now”", told)
        self.assertEqual(first.delivery_ids.shown_problem, first.delivery_ids.problem)
        with self._at(second.sudo().delivery_ids.next_try):
            second.invalidate_recordset(["delivery_note"])
            self.assertEqual(second.delivery_note, "It is in the queue.")

    def test_a_silent_operadora_is_said_as_well(self):
        self.address.misbehave("die")
        first, second = self._send(), self._send()
        self._deliver()
        self.assertEqual(first.state, "unknown")
        self.assertIn("paused until", second.delivery_note)
        self.assertIn(first.delivery_ids.problem, second.delivery_note)

    def test_when_one_gets_through_the_others_need_no_person(self):
        self._break("LoginInvalido")
        lotes = self._send() | self._send() | self._send()
        self._deliver()
        # A manager types the password, the biller sends once more what came back.
        self.endpoint.url = self.good
        lotes[0].send()
        self._deliver()
        self.assertEqual(set(lotes.mapped("state")), {"received"})
        self.assertFalse(lotes.delivery_ids.paused_by_id)

    def test_what_another_convenio_waits_for_is_not_ended_by_it(self):
        self._break("LoginInvalido")
        first, second = self._send(), self._send()
        self._deliver()
        waiting = second.delivery_ids.sudo()
        waiting.contract_id = self._create_contract("005711")
        waiting.url = self.good
        before = waiting.next_try
        self.endpoint.url = self.good
        first.send()
        self._deliver()
        self.assertEqual(first.state, "received")
        self.assertEqual((waiting.state, waiting.next_try), ("queued", before))

    def test_the_queue_of_another_convenio_goes_on(self):
        self._break("LoginInvalido")
        first, second = self._send(), self._send()
        delivery = second.delivery_ids.sudo()
        delivery.contract_id = self._create_contract("005711")
        before = delivery.next_try
        self._deliver(first.delivery_ids)
        self.assertEqual(first.state, "validated")
        self.assertEqual(delivery.next_try, before)

    def test_one_refused_message_stops_no_other(self):
        self._break("SchemaInvalido")
        lotes = self._send() | self._send()
        self._deliver()
        self.assertEqual(lotes.mapped("state"), ["validated", "validated"])

    def test_it_is_told_once(self):
        biller = self._create_user("q.causa", "billing")
        self._break("HashInvalido")
        lotes = self._send() | self._send() | self._send()
        self._deliver()
        self.assertEqual(set(lotes.mapped("state")), {"validated"})
        self.assertEqual(lotes.activity_ids.user_id, self.env.user)
        self.assertEqual(len(lotes.activity_ids), 1)
        self.assertIn("another hash", lotes.activity_ids.note)
        lote = self._create_lote(ECG)
        lote.with_user(biller).send()
        self._deliver()
        self.assertEqual(lote.activity_ids.user_id, biller, "each who sent")
        self._break("SchemaInvalido")
        other = self._send()
        self._deliver()
        self.assertEqual(len(other.activity_ids), 1, "another cause")

    def test_what_was_done_and_comes_again_is_told_again(self):
        self._break("HashInvalido")
        first = self._send()
        self._deliver()
        first.activity_ids.action_done()
        second = self._send()
        self._deliver()
        self.assertEqual(len(second.activity_ids), 1)

    def test_each_that_the_operadora_may_have_is_told(self):
        self.address.misbehave("die", times=2)
        lotes = self._send() | self._send()
        self._deliver()
        lotes.action_try_now()
        self._deliver()
        self.assertEqual(lotes.mapped("state"), ["unknown", "unknown"])
        self.assertEqual(len(lotes.activity_ids), 2)

    def test_problems_of_our_own_are_told_one_by_one(self):
        """Each names its record, though the program has one code for them."""
        lotes = self._send() | self._send()
        words = iter(["guia 1", "guia 2"])

        def refuse(*_args):
            raise UserError(next(words))

        with patch.object(type(lotes.delivery_ids), "_encode_wire", refuse):
            self._deliver()
        self.assertEqual(lotes.mapped("state"), ["validated", "validated"])
        self.assertEqual(len(lotes.activity_ids), 2)
