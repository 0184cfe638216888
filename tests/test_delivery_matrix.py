import base64
from functools import partial

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models.tiss_delivery import QUESTIONS
from ..operadora.server import serve
from ..standard.message import SERVICE_OF
from .annex_records import AnnexRecords
from .authorization_records import AuthorizationRecords
from .common import BLOOD_COUNT, ECG
from .guia_records import VERSIONS
from .test_delivery import WORKER, DeliveryCase

PDF = b"%PDF-1.4\nexame\n%%EOF"
# what the operadora does → state of the delivery; nobody knows of a page whether it was taken
BAD = {"fault=SchemaInvalido": "refused", "html": "unknown"}


@tagged("post_install", "-at_install", "post_install_l10n")
class TestMatrix(AnnexRecords, AuthorizationRecords, DeliveryCase):
    """Each of the twelve services, in each version, with each outcome, and well at last."""

    options = {"eligibility": {"0123456789": None}}
    _send_lote = DeliveryCase._send

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls._setup_requester()
        cls.doctor = cls._create_user("m.medica", "billing", "clinical")

    def _listen(self, version):
        """An operadora of that version, with all services and something denied."""
        self.contract.version = version
        seed = VERSIONS.index(version) + 1
        self.simulated = self._simulate(seed=seed, **self.options)
        self.address = self.enterContext(serve(self.simulated, today=self.today))
        self.contract.endpoint_ids.unlink()
        for service in set(SERVICE_OF.values()):
            self._connect(service)
        self.lote = self._send_lote(*[{ECG: 1, BLOOD_COUNT: 2}] * 12)
        self._deliver()
        number = self.lote.protocol_number
        content = self.simulated.analysis([number], issued_on=self.today)
        self.env["tiss.message"].receive_file("analise.xml", content).post()

    def _make_senders(self):
        """{service: what sends, or asks, the same once more}"""
        glosas = self.lote.glosa_ids.filtered("code")
        self.assertGreater(len(glosas), 1, "another seed denies something")
        appealed, recurso = glosas[0].create_recurso(), glosas[1].create_recurso()
        request, asked = self._create_request(), self._create_request()
        received = self._send_lote({ECG: 1})
        for record in (appealed, asked):
            record.send()
        self._deliver()
        asked.sudo().state = "in_analysis"
        own = {"contract_id": self.contract.id}
        person = {**own, "patient_id": self.patient.id, "card_id": self.card.id}
        notice = {
            **person,
            "event": "admission",
            "event_date": self.visit_date,
            "hospitalization_type_id": self._term("57", "2"),
        }
        document = {
            "guia_id": self._create_encounters(ECG).create_guias().id,
            "kind_id": self._term("tipoDocumento", "02"),
            "file": base64.b64encode(PDF),
            "file_name": "exame.pdf",
        }
        analysis = {**own, "kind_id": self._term("53", "2"), "lote_ids": self.lote.ids}
        cancellation = {
            **own,
            "reason": "Duplicidade",
            "line_ids": [Command.create({"guia_id": received.guia_ids.id})],
        }
        create = {
            "tissVerificaElegibilidade": ("tiss.eligibility", person),
            "tissComunicacaoBeneficiario": ("tiss.stay.notice", notice),
            "tissEnvioDocumentos": ("tiss.document", document),
            "tissSolicitacaoDemonstrativoRetorno": ("tiss.demonstrativo.request", analysis),
            "tissCancelaGuia": ("tiss.cancellation", cancellation),
        }
        env = self.env(user=self.doctor)
        made = {name: env[model].create(vals) for name, (model, vals) in create.items()}
        made |= {
            "tissLoteGuias": self._create_lote(ECG),
            "tissLoteAnexo": self._create_annex("opme"),
            "tissSolicitacaoProcedimento": request,
            "tissRecursoGlosa": recurso,
        }
        return {
            "tissSolicitacaoStatusAutorizacao": asked.query_status,
            "tissSolicitacaoStatusRecursoGlosa": appealed.query_status,
            # Before what it asks about is cancelled.
            "tissSolicitacaoStatusProtocolo": received.query_status,
            **{name: partial(self._send_again, record) for name, record in made.items()},
        }

    def _send_again(self, record):
        if record.state == "unknown":
            record.action_deny_receipt()
        record.send()

    def _try(self, service, send, misbehaviour=None):
        """The delivery of what is sent now."""
        if misbehaviour:
            self.address.misbehave(misbehaviour, service)
        waiting = self.env["tiss.delivery"].search([("state", "=", "queued")])
        before = self.env["tiss.delivery"].search([], limit=1)
        send()
        delivery = self.env["tiss.delivery"].search([("id", ">", before.id)]) or waiting
        delivery.action_try_now()
        with mute_logger(WORKER):
            self._deliver(delivery)
        self.assertEqual(SERVICE_OF[delivery.transaction], service)
        return delivery

    def _check_version(self, version):
        self._listen(version)
        senders = self._make_senders()
        self.assertEqual(senders.keys(), set(SERVICE_OF.values()))
        for service, send in senders.items():
            for misbehaviour, state in BAD.items():
                with self.subTest(f"{service} {version} {misbehaviour}"):
                    delivery = self._try(service, send, misbehaviour)
                    if state == "unknown" and delivery.transaction in QUESTIONS:
                        state = "queued"
                    self.assertEqual(delivery.state, state)
                    self.assertTrue(delivery.problem)
            with self.subTest(f"{service} {version} well"):
                arrivals = len(self.simulated.arrivals)
                if delivery.state == "queued":
                    # A question asks by itself once more.
                    delivery = self._try(service, delivery.action_try_now)
                else:
                    delivery = self._try(service, send)
                self.assertEqual((delivery.state, delivery.problem), ("answered", False))
                self.assertTrue(delivery.is_settled)
                [arrival] = self.simulated.arrivals[arrivals:]
                self.assertEqual(arrival.outcome, "taken", arrival.reason)
        self.assertLedgerSound()

    def test_4_02(self):
        self._check_version("4.02.00")

    def test_4_03(self):
        self._check_version("4.03.00")
