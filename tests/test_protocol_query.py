from datetime import timedelta

from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..models.inside import INSIDE
from .annex_records import AnnexRecords
from .authorization_records import AuthorizationRecords
from .common import CONSULTATION, ECG, TissCommon
from .guia_records import VERSIONS
from .question_records import PROVIDER, QuestionRecords, error


@tagged("post_install", "-at_install", "post_install_l10n")
class TestProtocolQuery(QuestionRecords, TissCommon):
    """What has become of a protocolo: asked once, answered by name, never mixed up."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Query = cls.env["tiss.protocol.query"]
        cls.lote = cls._create_received_lote(CONSULTATION, protocol="900001")
        cls.guia = cls.lote.guia_ids

    def _answer(self, status="2", **options):
        lote = options.pop("lote", self.lote)
        return self._answer_status(
            status,
            options.pop("protocol", lote.protocol_number),
            options.pop("number", lote.name),
            options.pop("guias", lote.guia_ids.mapped("name")),
            **options,
        )

    # ------------------------------------------------------------------
    # The question
    # ------------------------------------------------------------------

    def test_golden(self):
        """Written by hand from the guide, in both versions."""
        for version in VERSIONS:
            self.contract.version = version
            query = self.Query.browse(self.lote.query_status().res_id)
            body = (
                "<ans:solicitacaoStatusProtocolo><ans:dadosPrestador>"
                "<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
                "</ans:dadosPrestador><ans:numeroProtocolo>900001</ans:numeroProtocolo>"
                "</ans:solicitacaoStatusProtocolo>"
            )
            with self.subTest(version):
                self._decode_sent(query)
                content = b"".join(map(bytes.strip, query.get_xml().splitlines()))
                self.assertIn(body.encode(), content)
                self.assertIn(b"<ans:tipoTransacao>SOLIC_STATUS_PROTOCOLO<", content)
                self.assertEqual(query.state, "sent")
                self._receive(self._answer())

    def test_asked_once_however_often_somebody_clicks(self):
        message = self.lote.query_status()
        self.assertEqual(self.lote.query_status(), message)
        self.assertEqual(len(self.lote.protocol_query_ids), 1)
        self._receive(self._answer())
        self.assertNotEqual(self.lote.query_status(), message)

    def test_a_question_that_nobody_answered_is_asked_again_another_day(self):
        first = self.Query.browse(self.lote.query_status().res_id)
        first.sudo().sent_date = self.today - timedelta(days=2)
        second = self.Query.browse(self.lote.query_status().res_id)
        self.assertEqual((first.state, second.state), ("cancelled", "sent"))

    def test_without_a_protocolo_only_where_lotes_are_found_by_number(self):
        lote = self._create_lote(CONSULTATION)
        lote.send()
        with self.assertRefused("has no protocolo, and its operadora is not known to find"):
            lote.query_status()
        self.contract.status_by_lote = True
        query = self.Query.browse(lote.query_status().res_id)
        self.assertTrue(query.is_by_lote)
        self.assertEqual(self._decode_sent(query)["numeroProtocolo"], lote.name)

    # ------------------------------------------------------------------
    # The answer
    # ------------------------------------------------------------------

    def test_each_status_is_kept(self):
        for version in VERSIONS:
            for code in map(str, range(1, 11)):
                if code == "7":
                    continue
                with self.subTest(version, code=code):
                    self.contract.version = version
                    query = self.Query.browse(self.lote.query_status().res_id)
                    self.assertEqual(self._receive(self._answer(code)), query)
                    self.assertEqual((query.state, query.status_id.code), ("received", code))
                    self.assertEqual(self.lote.protocol_status_id.code, code)
                    self.assertEqual(self.lote.protocol_status_date, self.today)
        self.assertEqual(self.lote.state, "received", "what is owed follows demonstrativos")
        self.assertLedgerSound()

    def test_nobody_asked(self):
        self.assertEqual(self._receive(self._answer("6")), self.lote)
        self.assertEqual(self.lote.protocol_status_id.code, "6")
        self.assertIn("SITUACAO_PROTOCOLO", self.lote.tiss_message_ids.mapped("transaction"))

    def test_the_same_file_twice(self):
        self.lote.query_status()
        content = self._answer("2")
        query = self._receive(content)
        before = self._get_content()
        self.assertEqual(self._receive(content), query)
        self.assertEqual(self._get_content(), before)

    def test_an_older_file_does_not_undo_a_newer_one(self):
        newer = self._answer("5").replace(b">10:00:00<", b">11:00:00<")
        self._receive(newer)
        self._receive(self._answer("2"))
        self.assertEqual(self.lote.protocol_status_id.code, "5")

    def test_waiting_for_documents_is_somebodys_task(self):
        self._receive(self._answer("8"))
        self.assertEqual(self.lote.activity_ids.summary, "The operadora waits for documents")
        self._receive(self._answer("8").replace(b">10:00:00<", b">12:00:00<"))
        self.assertEqual(len(self.lote.activity_ids), 1)

    def test_another_clinics_lote_is_not_ours(self):
        for options in (
            {"protocol": "777"},
            {"number": "77"},
            {"guias": ["4711"]},
        ):
            with self.subTest(options):
                content = self._answer("2", **options)
                with self.assertRefused("The answer (is about protocolo|names guia 4711)"):
                    self._receive(content)

    def test_not_found_is_told_and_changes_nothing(self):
        for content in (
            self._answer("7"),
            self._answer_lote_error("3291"),
            self._refuse_status("3291"),
        ):
            query = self.Query.browse(self.lote.query_status().res_id)
            self.assertEqual(self._receive(content), query)
            self.assertEqual(query.state, "received")
            self.assertEqual(self.lote.state, "received")
            self.assertFalse(self.lote.protocol_status_id)
            self.assertIn("does not find “900001”", self.lote.message_ids[0].body)
        self.assertEqual(query.answer_note, "3291 MOTIVO")

    def test_refused(self):
        query = self.Query.browse(self.lote.query_status().res_id)
        self._receive(self._refuse_status("1202"))
        self.assertEqual((query.state, query.rejection_reason), ("rejected", "1202 MOTIVO"))
        query.action_correct()
        query.send()
        self.assertEqual(query.state, "sent")

    def test_a_refusal_that_may_be_about_two_questions(self):
        other = self._create_received_lote(ECG, protocol="900002")
        (self.lote | other).query_status()
        content = self._refuse_status("1202")
        with self.assertRefused("several wait for one"):
            self._receive(content)

    def test_a_refusal_that_nobody_asked_for(self):
        content = self._refuse_status("1202")
        with self.assertRefused("does not wait for an answer here"):
            self._receive(content)

    def test_an_answer_of_an_older_version(self):
        content = self._answer("3", version="4.02.00").replace(b"4.02.00", b"4.00.01")
        self._receive(content)
        self.assertEqual(self.lote.protocol_status_id.code, "3")

    # ------------------------------------------------------------------
    # A lote of which nobody knows
    # ------------------------------------------------------------------

    def _create_unknown(self, visit=ECG):
        lote = self._create_lote(visit)
        lote.send()
        lote.sudo().state = "unknown"
        self.contract.status_by_lote = True
        return lote

    def test_the_answer_is_the_receipt_that_never_came(self):
        lote = self._create_unknown()
        query = self.Query.browse(lote.query_status().res_id)
        self._receive(self._answer("1", lote=lote, protocol="900777"))
        self.assertEqual((lote.state, lote.protocol_number), ("received", "900777"))
        self.assertEqual(query.status_id.code, "1")
        self.assertEqual(lote.amount_open, lote.amount_total)
        self.assertLedgerSound()

    def test_not_found_by_its_number_proves_that_it_did_not_arrive(self):
        for content in (self._answer_lote_error(), self._refuse_status("5054")):
            lote = self._create_unknown()
            lote.query_status()
            self._receive(content)
            self.assertEqual(lote.state, "validated")
            self.assertEqual(set(lote.guia_ids.mapped("state")), {"in_lote"})
            lote.send()
            self.assertEqual(lote.state, "sent")
            lote.action_reject()

    def test_not_found_proves_nothing_where_numbers_of_lotes_are_not_found(self):
        lote = self._create_unknown()
        lote.query_status()
        self.contract.status_by_lote = False
        self._receive(self._answer_lote_error())
        self.assertEqual(lote.state, "unknown")
        self.assertFalse(lote._resolve_unknown(), "a person finds out")

    def test_any_other_refusal_proves_nothing(self):
        lote = self._create_unknown()
        lote.query_status()
        self._receive(self._refuse_status("1202"))
        self.assertEqual(lote.state, "unknown")

    def test_an_answer_with_other_guias_does_not_count(self):
        lote = self._create_unknown()
        lote.query_status()
        content = self._answer("1", lote=lote, protocol="900777", guias=["4711"])
        with self.assertRefused("names guia 4711"):
            self._receive(content)
        self.assertEqual(lote.state, "unknown")

    # ------------------------------------------------------------------
    # By itself
    # ------------------------------------------------------------------

    def _count(self):
        return self.Query.search_count([("contract_id", "=", self.contract.id)])

    def test_asked_by_itself_every_few_days(self):
        self.contract._ask_due()
        self.assertEqual(self._count(), 0, "nobody said how often")
        self.contract.status_days = 7
        self.contract._ask_due()
        self.assertEqual(self._count(), 0, "received today")
        self.lote.sudo().with_context(tiss_correct_protocol=INSIDE).protocol_date = (
            self.today - timedelta(days=7)
        )
        self.contract._ask_due()
        query = self.lote.protocol_query_ids
        self.assertEqual(query.state, "draft", "without a web service a person takes the file")
        self.contract._ask_due()
        self.assertEqual(self._count(), 1)
        query.send()
        self._receive(self._answer("2"))
        self.contract._ask_due()
        self.assertEqual(self._count(), 1)
        self.lote.sudo().protocol_status_date = self.today - timedelta(days=8)
        query.sudo().asked_date = self.today - timedelta(days=8)
        self.contract._ask_due()
        self.assertEqual(self._count(), 2)

    def test_what_is_over_is_not_asked_about(self):
        self.contract.status_days = 1
        self.lote.sudo().with_context(tiss_correct_protocol=INSIDE).protocol_date = (
            self.today - timedelta(days=30)
        )
        old = self.today - timedelta(days=20)
        for code in ("4", "6", "9"):
            self.lote.sudo().write(
                {
                    "protocol_status_id": self.env["tiss.term"]._get("47", code).id,
                    "protocol_status_date": old,
                }
            )
            self.contract._ask_due()
            self.assertEqual(self._count(), 0, code)

    # ------------------------------------------------------------------
    # Who
    # ------------------------------------------------------------------

    def test_what_the_operadora_said_is_not_typed(self):
        term = self.env["tiss.term"]._get("47", "6")
        with self.assertRefused("follows what is done with it"):
            self.lote.protocol_status_id = term
        reception = self._create_user("recepcao.status", "reception")
        with self.assertRaises(AccessError):
            self.lote.with_user(reception).query_status()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAnnexStatus(QuestionRecords, AnnexRecords, AuthorizationRecords, TissCommon):
    """The protocolo of annexes: typed by a person, asked about, and answered with a decision."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls._setup_requester()

    def _create_sent(self):
        request = self._create_request()
        request.send()
        annex = self._create_annex("opme", request)
        annex.send()
        return annex

    def _answer(self, annex, status="2", decision="1", protocol="800001"):
        body = (
            "<situacaoProtocolo><situacaoProtocoloAnexo>"
            f"<identificacaoOperadora>{self.contract.ans_code}</identificacaoOperadora>"
            f"<dadosPrestador>{PROVIDER}</dadosPrestador><loteAnexo><detalheLoteAnexo>"
            f"<statusProtocolo>{status}</statusProtocolo>"
            f"<numeroProtocolo>{protocol}</numeroProtocolo>"
            f"<numeroLote>{annex.lote_number}</numeroLote>"
            f"<dataEnvioLote>{self.today}</dataEnvioLote><anexosClinicos><anexoOPME>"
            f"<dadosAutorizacao><numeroGuiaPrestador>{annex.name}</numeroGuiaPrestador>"
            "<numeroGuiaOperadora>OP-9</numeroGuiaOperadora><senha>SENHA9</senha>"
            "</dadosAutorizacao><dadosBeneficiario>"
            f"<numeroCarteira>{annex.card_number}</numeroCarteira>"
            "<atendimentoRN>N</atendimentoRN></dadosBeneficiario>"
            "<nomebeneficiario>PACIENTE FICTICIO</nomebeneficiario>"
            f"<statusSolicitacao>{decision}</statusSolicitacao></anexoOPME></anexosClinicos>"
            "</detalheLoteAnexo></loteAnexo></situacaoProtocoloAnexo></situacaoProtocolo>"
        )
        return self._build_answer("SITUACAO_PROTOCOLO", body)

    def test_a_person_types_the_protocolo(self):
        annex = self._create_sent()
        wizard = self.env["tiss.annex.protocol"].create(
            {"annex_id": annex.id, "protocol_number": " 800001 "}
        )
        wizard.action_register()
        self.assertEqual((annex.state, annex.protocol_number), ("received", "800001"))
        with self.assertRefused("this cannot be done now"):
            annex.register_protocol("800002")
        other = self._create_sent()
        with self.assertRefused("A protocolo has 1 to 12 characters"):
            other.register_protocol("8" * 13)
        with self.assertRefused("is in the future"):
            other.register_protocol("8", self.today + timedelta(days=2))

    def test_asked_and_decided(self):
        for version in VERSIONS:
            with self.subTest(version):
                self.contract.version = version
                annex = self._create_sent()
                protocol = f"80000{VERSIONS.index(version)}"
                annex.register_protocol(protocol)
                query = self.env["tiss.protocol.query"].browse(annex.query_status().res_id)
                self.assertEqual(self._decode_sent(query)["numeroProtocolo"], protocol)
                content = self._answer(annex, "5", protocol=protocol)
                self.assertEqual(self._receive(content), query)
                self.assertEqual(annex.protocol_status_id.code, "5")
                self.assertEqual(annex.answer_id.code, "1")
                self.assertEqual(annex.answer_password, "SENHA9")

    def test_the_answer_is_the_receipt_that_never_came(self):
        annex = self._create_sent()
        annex.sudo().state = "unknown"
        self.contract.status_by_lote = True
        annex.query_status()
        self._receive(self._answer(annex))
        self.assertEqual((annex.state, annex.protocol_number), ("received", "800001"))

    def test_not_found_by_its_number_proves_that_it_did_not_arrive(self):
        annex = self._create_sent()
        annex.sudo().state = "unknown"
        self.contract.status_by_lote = True
        annex.query_status()
        body = (
            "<situacaoProtocolo><situacaoProtocoloAnexo>"
            f"<identificacaoOperadora>{self.contract.ans_code}</identificacaoOperadora>"
            f"<dadosPrestador>{PROVIDER}</dadosPrestador><loteAnexo>{error('3291')}</loteAnexo>"
            "</situacaoProtocoloAnexo></situacaoProtocolo>"
        )
        self._receive(self._build_answer("SITUACAO_PROTOCOLO", body))
        self.assertEqual(annex.state, "validated")

    def test_asked_by_itself_until_it_is_decided(self):
        annex = self._create_sent()
        annex.register_protocol("800001", self.today - timedelta(days=3))
        self.contract.status_days = 2
        self.contract._ask_due()
        self.assertEqual(len(annex.protocol_query_ids), 1)
        annex.protocol_query_ids.send()
        self._receive(self._answer(annex))
        annex.sudo().protocol_status_date = self.today - timedelta(days=3)
        annex.protocol_query_ids.sudo().asked_date = self.today - timedelta(days=3)
        self.contract._ask_due()
        self.assertEqual(len(annex.protocol_query_ids), 1, "it was authorised")
