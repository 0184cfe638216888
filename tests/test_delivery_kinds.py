import base64
from unittest.mock import patch

from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .annex_records import AnnexRecords
from .authorization_records import AuthorizationRecords
from .common import ECG
from .test_delivery import WORKER, DeliveryCase

PDF = b"%PDF-1.4\nexame\n%%EOF"
SERVICES = (
    "tissLoteAnexo",
    "tissSolicitacaoProcedimento",
    "tissSolicitacaoStatusAutorizacao",
    "tissComunicacaoBeneficiario",
    "tissEnvioDocumentos",
)


class KindsCase(DeliveryCase):
    """A convênio with all web services, and a receptionist who may not open the journal."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.receptionist = cls._create_user("k.recepcao", "reception")
        cls._setup_people()

    def setUp(self):
        super().setUp()
        for service in SERVICES:
            self._connect(service)

    def _commit(self):
        """What happens after the transaction of a person is committed."""
        self.env.flush_all()
        self.env.cr.postcommit.run()
        self.env.invalidate_all()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDeliveredKinds(AuthorizationRecords, KindsCase):
    """Everything that is sent besides lotes goes the same way."""

    def test_the_reception_sees_the_answer_at_once(self):
        request = self._create_request("sp_sadt").with_user(self.receptionist)
        request.action_send()
        self.assertEqual(request.state, "sending")
        self.assertFalse(self.simulated.arrivals, "not before the commit")
        self._commit()
        self.assertIn(request.state, ("authorized", "partial", "denied", "in_analysis"))
        self.assertEqual(request.answer_status_id.table_code, "45")
        [arrival] = self.simulated.arrivals
        self.assertEqual(arrival.number, request.name)

    def test_the_reception_is_told_why_not(self):
        endpoint = self.contract._get_endpoint("SOLICITACAO_PROCEDIMENTOS")
        endpoint.url = "http://127.0.0.1:9/tissSolicitacaoProcedimento"
        request = self._create_request("sp_sadt").with_user(self.receptionist)
        request.action_send()
        self._commit()
        self.assertEqual(request.state, "sending")
        self.assertIn("takes no connections", request.delivery_note)
        self.assertIn("Next try", request.delivery_note)
        endpoint.url = self.address.url("tissSolicitacaoProcedimento")
        self.assertTrue(request.may_try_now)
        request.action_try_now()
        self._commit()
        self.assertNotEqual(request.state, "sending")

    def test_a_request_that_got_no_answer_is_found_by_asking(self):
        for misbehaviour, state in (("die", "unknown"), ("drop", "unknown")):
            with self.subTest(misbehaviour):
                self.address.misbehave(misbehaviour, "tissSolicitacaoProcedimento")
                request = self._create_request("sp_sadt")
                request.send()
                self._commit()
                self.assertEqual(request.state, state)
                arrivals = len(self.simulated.arrivals)
                with self._later(minutes=20):
                    self.env["tiss.delivery"].sudo()._ask_about_unknown()
                    self._deliver()
                asked = self.simulated.arrivals[arrivals:]
                self.assertEqual(
                    [each.transaction for each in asked], ["SOLICITA_STATUS_AUTORIZACAO"]
                )
                known = misbehaviour == "die"
                self.assertEqual(request.state != "unknown", known)
                delivery = request.delivery_ids.filtered(
                    lambda each: each.transaction == "SOLICITACAO_PROCEDIMENTOS"
                )
                self.assertEqual(delivery.state, "answered" if known else "unknown")

    def test_a_question_is_asked_again(self):
        request = self._create_request("sp_sadt")
        request.send()
        self._commit()
        request.sudo().state = "in_analysis"
        self.address.misbehave("die", "tissSolicitacaoStatusAutorizacao")
        request.query_status()
        self._commit()
        question = request.delivery_ids.sorted("id")[-1]
        self.assertEqual((question.state, question.attempts), ("queued", 1))
        self.assertEqual(request.state, "in_analysis")
        self.assertTrue(request.is_underway, "its form reads on until the answer comes")
        with self._at(question.next_try):
            self._deliver()
        self.assertEqual((question.state, question.is_settled), ("answered", True))
        self.assertFalse(question.problem or request.is_underway)

    def test_a_question_that_nobody_answers_leaves_the_request_as_it_is(self):
        request = self._create_request("sp_sadt")
        request.send()
        self._commit()
        request.sudo().state = "in_analysis"
        self.contract._get_endpoint(
            "SOLICITA_STATUS_AUTORIZACAO"
        ).url = "http://127.0.0.1:9/tissSolicitacaoStatusAutorizacao"
        request.query_status()
        self._commit()
        question = request.delivery_ids.sorted("id")[-1]
        for _try in range(4):
            with self._at(question.next_try or question.create_date):
                self._deliver()
        self.assertEqual((question.state, request.state), ("failed", "in_analysis"))
        self.assertIn("takes no connections", request.message_ids[:1].body)

    def _create_notice(self):
        return self.env["tiss.stay.notice"].create(
            {
                "contract_id": self.contract.id,
                "patient_id": self.patient.id,
                "card_id": self.card.id,
                "event": "admission",
                "event_date": self.visit_date,
                "hospitalization_type_id": self._term("57", "2"),
            }
        )

    def test_a_notice(self):
        notice = self._create_notice()
        notice.send()
        self._commit()
        self.assertEqual(notice.state, "received")

    def test_a_document(self):
        guia = self._create_encounters(ECG).create_guias()
        doctor = self._create_user("k.medico", "billing", "clinical")
        document = (
            self.env["tiss.document"]
            .with_user(doctor)
            .create(
                {
                    "guia_id": guia.id,
                    "kind_id": self._term("tipoDocumento", "02"),
                    "file": base64.b64encode(PDF),
                    "file_name": "exame.pdf",
                }
            )
        )
        document.send()
        self._commit()
        self.assertEqual(document.state, "received")
        self.assertTrue(document.protocol_number)
        wire = document.delivery_ids.message_id.sudo()
        self.assertFalse(wire.content, "what left is clinical as well")
        self.assertTrue(wire.clinical_content)

    def test_unknown_and_found_by_a_person(self):
        self.address.misbehave("die", "tissComunicacaoBeneficiario")
        notice = self._create_notice()
        notice.send()
        self._commit()
        self.assertEqual(notice.state, "unknown")
        notice.action_confirm_receipt()
        self.assertEqual(notice.state, "sent")
        self.assertEqual(notice.delivery_ids.state, "answered")
        notice.action_accept()
        self.assertEqual(notice.state, "received")

    def test_what_breaks_after_the_commit_is_left_to_the_scheduled_action(self):
        request = self._create_request("sp_sadt")
        request.send()
        delivery = request.delivery_ids
        with (
            patch.object(type(delivery), "_claim", side_effect=RuntimeError),
            mute_logger("odoo.addons.l10n_br_tiss.models.tiss_delivery", WORKER),
        ):
            self._commit()
        self.assertEqual((delivery.state, request.state), ("queued", "sending"))
        self._deliver()
        self.assertEqual(delivery.state, "answered")

    def test_forms_of_all_that_is_sent(self):
        """Their buttons know of the web service, whatever the model."""
        for name, model in self.env.registry.items():
            if not issubclass(model, self.env.registry["tiss.outgoing"]) or model._abstract:
                continue
            with self.subTest(name):
                arch = self.env[name].get_view(view_type="form")["arch"]
                for each in (
                    "action_confirm_receipt", "action_deny_receipt", "action_try_now",
                    "delivery_note",
                ):  # fmt: skip
                    self.assertIn(f'name="{each}"', arch)
                arch = self.env[name].get_view(view_type="list")["arch"]
                self.assertIn('js_class="tiss_delivery_list"', arch)
        lote = self._create_lote(ECG)
        lote.send()
        self.assertEqual(Form(lote).delivery_note, "It is in the queue.")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDeliveredAnnexes(AnnexRecords, AuthorizationRecords, KindsCase):
    """Several annexes may be in one message."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_requester()

    def test_a_bundle_goes_once_and_is_received_together(self):
        annexes = self.env["tiss.annex"].union(
            *(self._create_annex("situacao_inicial") for _ in range(3))
        )
        annexes.build()
        annexes.send()
        self._commit()
        self.assertEqual(set(annexes.mapped("state")), {"received"}, annexes.delivery_ids.problem)
        self.assertEqual(len(set(annexes.mapped("protocol_number"))), 1)
        [arrival] = self.simulated.arrivals
        self.assertEqual(arrival.transaction, "ENVIO_ANEXO")

    def test_a_bundle_of_which_nobody_knows(self):
        self.address.misbehave("drop", "tissLoteAnexo")
        annexes = self.env["tiss.annex"].union(
            *(self._create_annex("situacao_inicial") for _ in range(2))
        )
        annexes.build()
        annexes.send()
        self._commit()
        self.assertEqual(set(annexes.mapped("state")), {"unknown"})
        annexes.action_deny_receipt()
        self.assertEqual(set(annexes.mapped("state")), {"validated"})
        annexes.send()
        self._commit()
        self.assertEqual(set(annexes.mapped("state")), {"received"})
