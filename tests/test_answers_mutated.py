import base64
import os
import random
import re
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..operadora.server import Response, Server
from ..standard.message import SERVICE_OF
from .annex_records import AnnexRecords
from .authorization_records import AuthorizationRecords
from .common import BLOOD_COUNT, ECG
from .test_delivery import SETTLE, WORKER, DeliveryCase

# Of each service: few in the suite, as many as somebody has time for by hand.
COUNT = int(os.environ.get("TISS_MUTATIONS", "4"))
SEED = int(os.environ.get("TISS_SEED", "1"))
QUIET = (WORKER, SETTLE, "odoo.sql_db", "odoo.addons.l10n_br_tiss.models.tiss_message_signature")
TEXT = re.compile(rb">([^<>]+)<")
NONSENSE = (
    b"", b" ", b"0", b"-1", b"X" * 300, b"9" * 40, b"2026-13-45", b"\xff\xfe", b"&amp;", b"&x;",
    b"<ans:x/>", b"\xc3\xa7", b"NaN", b"1e9", b"4", b"S",
)  # fmt: skip
UNEXPECTED = "An unexpected error"


def flip(dice, content):
    at = dice.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << dice.randrange(8)]) + content[at + 1 :]


def cut(dice, content):
    start, end = sorted(dice.randrange(len(content)) for _ in range(2))
    return content[:start] + content[end:]


def cut_off(dice, content):
    return content[: dice.randrange(len(content))]


def repeat(dice, content):
    start, end = sorted(dice.randrange(len(content)) for _ in range(2))
    return content[:end] + content[start:end] + content[end:]


def repeat_element(dice, content):
    """What stands there once stands there twice, as whole elements."""
    found = dice.choice(list(re.finditer(rb"<([\w:]+)>[^<>]*</\1>", content)))
    return content[: found.end()] + found[0] + content[found.end() :]


def drop_element(dice, content):
    found = dice.choice(list(re.finditer(rb"<([\w:]+)>[^<>]*</\1>", content)))
    return content[: found.start()] + content[found.end() :]


def empty_element(dice, content):
    """An element of elements, without what is in it."""
    found = dice.choice(list(re.finditer(rb"<(ans:\w+)>.*</\1>", content, re.DOTALL)))
    return content[: found.start()] + b"<%s/>" % found[1] + content[found.end() :]


def retype(dice, content):
    found = dice.choice(list(TEXT.finditer(content)))
    return content[: found.start(1)] + dice.choice(NONSENSE) + content[found.end(1) :]


def exchange(dice, content):
    """Two values change places."""
    first, second = sorted(dice.sample(list(TEXT.finditer(content)), 2), key=re.Match.start)
    return b"".join(
        (
            content[: first.start(1)], second[1], content[first.end(1) : second.start(1)],
            first[1], content[second.end(1) :],
        )
    )  # fmt: skip


MUTATIONS = (
    flip, cut, cut_off, repeat, repeat_element, drop_element, empty_element, retype, exchange,
)  # fmt: skip


@tagged("post_install", "-at_install", "post_install_l10n")
class TestMutatedAnswers(AnnexRecords, AuthorizationRecords, DeliveryCase):
    """A valid answer of each service, damaged at random on its way.

    Nothing is lost, nothing is sent twice, a person reads a sentence and can go on.
    """

    options = {"eligibility": {"0123456789": None}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls._setup_requester()

    def setUp(self):
        super().setUp()
        for service in set(SERVICE_OF.values()) - {"tissLoteGuias"}:
            self._connect(service)

    # ------------------------------------------------------------------
    # The damage
    # ------------------------------------------------------------------

    def assertSurvives(self, record, send, transaction):
        """:param send: called with nothing, makes `record` leave; undone after each answer"""
        service = SERVICE_OF[transaction]
        good = self._send_once(record, send, service, None)
        dice = random.Random(f"{SEED} {service}")
        for number in range(COUNT):
            mutate = dice.choice(MUTATIONS)
            content = mutate(dice, good)
            if dice.random() < 0.3:
                content = dice.choice(MUTATIONS)(dice, content or b" ")
            with self.subTest(service, number=number, how=mutate.__name__):
                self._send_once(record, send, service, content)

    def _send_once(self, record, send, service, content):
        """Send and undo; the bytes of the answer, which is `content` where there is one."""
        answers, calls = [], []
        original = Server.answer

        def answer(server, asked, xml):
            if asked.name != service:
                return original(server, asked, xml)
            calls.append(xml)
            response = Response(content) if content is not None else original(server, asked, xml)
            answers.append(response.body)
            return response

        with self.env.cr.savepoint() as savepoint, patch.object(Server, "answer", answer):
            with mute_logger(*QUIET):
                send()
                self._deliver()
                delivery = record.delivery_ids.filtered(
                    lambda each: SERVICE_OF[each.transaction] == service
                ).sorted("id")[-1:]
                self._check(record, delivery, answers[-1])
                if content is None:
                    self.assertTrue(delivery.is_settled, delivery.problem)
                else:
                    self._check_sent_once(record, delivery, calls)
            savepoint.rollback()
        self.env.invalidate_all()
        self.env.cr.postcommit.clear()
        return answers[0]

    def _check(self, record, delivery, content):
        self.assertNotIn(UNEXPECTED, delivery.problem or "")
        self.assertNotIn(UNEXPECTED, record.rejection_reason or "")
        if content:
            kept = delivery.answer_id or self.env["tiss.message"].search(
                [("request_id", "=", delivery.message_id.id)], limit=1
            )
            self.assertTrue(kept, "what came is in the journal")
            self.assertEqual(kept.sudo()._get_content(), content)
        if delivery.state != "answered" or not delivery.is_settled:
            self.assertTrue(delivery.problem, "somebody is told")
            self.assertIn(delivery.problem[-1], ".)?", delivery.problem)
        self.assertNotEqual(delivery.state, "sending")
        self._check_refused(record, content)

    def _check_refused(self, record, content):
        """Only what says so refuses: what is refused may be sent once more."""
        if record.state == "rejected":
            self.assertRegex(content, rb"mensagemErro|codigoGlosa|>N<")

    def _check_sent_once(self, record, delivery, calls):
        """Whatever time brings: what may be there is not sent again; then a person settles it."""
        is_question = delivery.state == "queued"
        state = delivery.state
        for days in (1, 2, 5):
            with self._later(days=days):
                self.env["tiss.delivery"].sudo()._ask_about_unknown()
                self._deliver(delivery)
        if not is_question and state != "refused":
            self.assertEqual(len(calls), 1)
        self.assertNotIn(UNEXPECTED, delivery.problem or "")
        if delivery.state == "unknown":
            record.action_deny_receipt()
            self.assertEqual((delivery.state, record.state), ("failed", "validated"))
        elif delivery.state == "answered" and not delivery.is_settled:
            delivery.action_close()
            self.assertTrue(delivery.is_settled)
        self.assertNotEqual(record.state, "sending")

    # ------------------------------------------------------------------
    # The twelve services
    # ------------------------------------------------------------------

    def _send_received(self, *visits):
        lote = DeliveryCase._send(self, *visits)
        self._deliver()
        self.assertEqual(lote.state, "received", lote.delivery_ids.problem)
        return lote

    def test_lote(self):
        lote = self._create_lote({ECG: 1, BLOOD_COUNT: 2})
        self.assertSurvives(lote, lote.send, "ENVIO_LOTE_GUIAS")

    def test_eligibility(self):
        check = self.env["tiss.eligibility"].create(
            {
                "contract_id": self.contract.id,
                "patient_id": self.patient.id,
                "card_id": self.card.id,
            }
        )
        self.assertSurvives(check, check.send, "VERIFICA_ELEGIBILIDADE")

    def test_status_of_a_protocolo(self):
        lote = self._send_received({ECG: 1, BLOOD_COUNT: 2})
        query = self.env["tiss.protocol.query"].create(lote._prepare_query())
        self.assertSurvives(query, query.send, "SOLIC_STATUS_PROTOCOLO")

    def test_demonstrativo(self):
        lote = self._send_received({ECG: 1, BLOOD_COUNT: 2})
        request = self.env["tiss.demonstrativo.request"].create(
            {
                "contract_id": self.contract.id,
                "kind_id": self.env["tiss.term"]._get("53", "2").id,
                "lote_ids": lote.ids,
            }
        )
        self.assertSurvives(request, request.send, "SOLIC_DEMONSTRATIVO_RETORNO")

    def test_cancellation(self):
        lote = self._send_received(ECG, ECG)
        cancellation = self.env["tiss.cancellation"].create(
            {
                "contract_id": self.contract.id,
                "reason": "Duplicidade",
                "line_ids": [(0, 0, {"guia_id": guia.id}) for guia in lote.guia_ids],
            }
        )
        self.assertSurvives(cancellation, cancellation.send, "CANCELA_GUIA")

    def test_request_and_its_status(self):
        request = AuthorizationRecords._create_request.__func__(type(self), "sp_sadt")
        self.assertSurvives(request, request.send, "SOLICITACAO_PROCEDIMENTOS")
        request.send()
        self._deliver()
        request.sudo().state = "in_analysis"
        self.assertSurvives(request, request.query_status, "SOLICITA_STATUS_AUTORIZACAO")

    def test_annex(self):
        annex = self._create_annex("situacao_inicial")
        self.assertSurvives(annex, annex.send, "ENVIO_ANEXO")

    def test_notice(self):
        notice = self.env["tiss.stay.notice"].create(
            {
                "contract_id": self.contract.id,
                "patient_id": self.patient.id,
                "card_id": self.card.id,
                "event": "admission",
                "event_date": self.visit_date,
                "hospitalization_type_id": self._term("57", "2"),
            }
        )
        self.assertSurvives(notice, notice.send, "COMUNICACAO_BENEFICIARIO")

    def test_document(self):
        guia = self._create_encounters(ECG).create_guias()
        document = (
            self.env["tiss.document"]
            .sudo()
            .create(
                {
                    "guia_id": guia.id,
                    "kind_id": self._term("tipoDocumento", "02"),
                    "file": base64.b64encode(b"%PDF-1.4\nexame\n%%EOF"),
                    "file_name": "exame.pdf",
                }
            )
        )
        self.assertSurvives(document, document.send, "ENVIO_DOCUMENTO")

    def test_recurso_and_its_status(self):
        lote = self._send_received(*[{ECG: 1, BLOOD_COUNT: 2}] * 30)
        content = self.simulated.analysis([lote.protocol_number], issued_on=self.today)
        self.env["tiss.message"].receive_file("analise.xml", content).post()
        first, second = (glosa.create_recurso() for glosa in lote.glosa_ids.filtered("code")[:2])
        self.assertSurvives(first, first.send, "RECURSO_GLOSA")
        # The operadora remembers the first one, which was undone here.
        recurso = second
        recurso.send()
        self._deliver()
        self.assertEqual(recurso.state, "received", recurso.rejection_reason)
        self.assertSurvives(recurso, recurso.query_status, "SOLIC_STATUS_RECURSO_GLOSA")
