import re
from html import escape
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..operadora import soap
from ..operadora.server import Response, Server
from ..standard.soap import password_digest
from .authorization_records import AuthorizationRecords
from .common import ECG
from .secret_search import find_words
from .test_delivery import SETTLE, WORKER, DeliveryCase

LOGIN, PASSWORD = "clinica-exemplo", "segredo-do-teste"


class ForgedAnswers(DeliveryCase):
    """What the operadora takes in stays; what it says of that is written by the test."""

    def _forge(self, forge):
        """:param forge: makes a `Response` of (bytes of the request, answer)"""
        original = Server.answer

        def answer(server, service, xml):
            return forge(xml, original(server, service, xml))

        self.enterContext(patch.object(Server, "answer", answer))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestOneStopsNoOther(ForgedAnswers):
    """Whatever is wrong with one delivery, the queue goes on with the others."""

    def test_a_content_type_that_no_column_holds(self):
        self._forge(lambda xml, good: Response(good.body, good.status, "text/xml\0; charset=utf-8"))
        lote = self._send()
        with mute_logger(WORKER, "odoo.sql_db"), patch("time.sleep"):
            self._deliver()
        self.assertEqual(lote.state, "received")

    def test_who_sent_it_has_left_the_clinic(self):
        sender = self._create_user("o.saiu", "billing")
        for leave in ({"active": False}, {"group_ids": [(5,)]}):
            with self.subTest(leave):
                sender.sudo().write({"active": True})
                lost = self._create_lote(ECG)
                lost.with_user(sender).send()
                self.address.misbehave("die")
                sender.sudo().write(leave)
                self._deliver()
                self.assertEqual(lost.state, "unknown")
                with self._later(minutes=30):
                    lote = self._send()
                    self._deliver()
                self.assertEqual(lote.state, "received")
                lost.action_deny_receipt()

    def test_a_question_that_breaks(self):
        self.contract.status_by_lote = True
        self.address.misbehave("die", times=2)
        lotes = self._send() | self._send()
        with self._later(minutes=1):
            self._deliver()
        with self._later(minutes=60):
            self._deliver()
        self.assertEqual(lotes.mapped("state"), ["unknown"] * 2)
        asked = []

        def ask(lote):
            asked.append(lote)
            raise ZeroDivisionError

        with (
            self._later(minutes=120),
            patch.object(type(lotes), "_ask_about_receipt", ask),
            mute_logger(SETTLE),
        ):
            self.env["tiss.delivery"].sudo()._ask_about_unknown()
        self.assertEqual(len(asked), 2)
        self.assertTrue(all(lotes.delivery_ids.mapped("problem")))

    def test_a_record_that_refuses_what_came_of_it(self):
        """A mistake in one model, or in a module of somebody else."""
        broken, good = self._send(), self._send()
        original, words = type(broken)._mark_answered, "broken"

        def refuse(lote, message):
            if lote.id == broken.id:
                raise UserError(words)
            return original(lote, message)

        with patch.object(type(broken), "_mark_answered", refuse), mute_logger(SETTLE):
            self._deliver()
        self.assertEqual(good.state, "received")
        self.assertIn(words, broken.delivery_ids.problem)
        with self._at(broken.delivery_ids.next_try):
            self._deliver()
        self.assertEqual(broken.state, "received")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAskedTwice(AuthorizationRecords, DeliveryCase):
    """A person and the system ask the same at once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()

    def test_a_person_asked_just_now(self):
        for service in ("tissSolicitacaoProcedimento", "tissSolicitacaoStatusAutorizacao"):
            self._connect(service)
        self.address.misbehave("die", "tissSolicitacaoProcedimento")
        request = self._create_request("sp_sadt")
        request.send()
        self._deliver()
        self.assertEqual(request.state, "unknown")
        with self._later(minutes=16):
            request.query_status()
            with mute_logger("odoo.sql_db", SETTLE):
                self.env["tiss.delivery"].sudo()._ask_about_unknown()
            self._deliver()
        self.assertNotEqual(request.state, "unknown")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestEchoedLogin(ForgedAnswers):
    """An operadora that repeats what it was sent brings no login into the journal."""

    def setUp(self):
        super().setUp()
        self.contract.write({"service_login": LOGIN, "service_password": PASSWORD})
        self.digest = password_digest(PASSWORD)
        self.simulated.logins[LOGIN] = self.digest

    def _find_secrets(self):
        return find_words(self.env, (LOGIN, PASSWORD, self.digest))

    def test_echoes(self):
        def page(text, status=200, charset="utf-8"):
            return Response(text.encode(charset), status, f"text/html; charset={charset}")

        echoes = {
            "page": lambda xml: page("<html><pre>" + escape(xml.decode("latin-1")) + "</pre>"),
            "error page": lambda xml: page("<html>" + escape(xml.decode("latin-1")), 500),
            "as it is": lambda xml: page("<html>" + xml.decode("latin-1")),
            "upper case": lambda xml: page("<html>" + self.digest.upper()),
            "in two bytes": lambda xml: page("<a>" + xml.decode("latin-1"), charset="utf-16"),
            "fault": lambda xml: Response(
                soap.fault("LoginInvalido", f"{LOGIN}/{self.digest.upper()}"), 500
            ),
            "fault that quotes": lambda xml: Response(
                soap.fault(
                    "SchemaInvalido",
                    re.search(rb"<[\w:]*loginPrestador>.*</[\w:]*senhaPrestador>", xml)[0].decode(),
                ),
                500,
            ),
        }
        for name, echo in echoes.items():
            with self.subTest(name):
                with patch.object(Server, "answer", lambda server, service, xml, e=echo: e(xml)):
                    lote = self._send()
                    with self.assertNoLogs("odoo.addons.l10n_br_tiss", "ERROR"):
                        self._deliver()
                self.assertIn(lote.state, ("unknown", "validated"))
                self.assertEqual(self._find_secrets(), set())

    def test_a_reason_that_repeats_the_password(self):
        self._forge(
            lambda xml, good: Response(
                re.sub(
                    rb"<([\w:]*)protocoloRecebimento>.*</[\w:]*protocoloRecebimento>",
                    lambda found: (
                        b"<%smensagemErro><%scodigoGlosa>5014</%scodigoGlosa><%sdescricaoGlosa>"
                        b"SENHA %s</%sdescricaoGlosa></%smensagemErro>"
                        % (*[found[1]] * 4, self.digest.encode(), *[found[1]] * 2)
                    ),
                    good.body,
                    flags=re.DOTALL,
                )
            )
        )
        lote = self._send()
        self._deliver()
        self.assertEqual(lote.state, "rejected")
        self.assertIn("SENHA", lote.rejection_reason)
        self.assertEqual(self._find_secrets(), set())
