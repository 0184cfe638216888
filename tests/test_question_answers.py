from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import ECG, TissCommon
from .question_records import QuestionRecords
from .return_messages import answer_message

RECEIPT = "<registroANS>326305</registroANS><dadosPrestador/>"
BROKEN = {
    "SITUACAO_ELEGIBILIDADE": (
        "<respostaElegibilidade><reciboElegibilidade/></respostaElegibilidade>",
        "<respostaElegibilidade><reciboElegibilidade><numeroCarteira>0123456789</numeroCarteira>"
        "</reciboElegibilidade></respostaElegibilidade>",
    ),
    "SITUACAO_PROTOCOLO": (
        "<situacaoProtocolo><situacaoDoProtocolo/></situacaoProtocolo>",
        "<situacaoProtocolo><situacaoProtocoloAnexo><loteAnexo><detalheLoteAnexo>"
        "<statusProtocolo>1</statusProtocolo></detalheLoteAnexo></loteAnexo>"
        "</situacaoProtocoloAnexo></situacaoProtocolo>",
        "<situacaoProtocolo><situacaoDoProtocolo><lote><detalheLote>"
        "<statusProtocolo>1</statusProtocolo><numeroProtocolo>900001</numeroProtocolo>"
        "</detalheLote></lote></situacaoDoProtocolo></situacaoProtocolo>",
    ),
    "CANCELAMENTO_GUIA_RECIBO": (
        "<reciboCancelaGuia><reciboCancelaGuia/></reciboCancelaGuia>",
        f"<reciboCancelaGuia><reciboCancelaGuia>{RECEIPT}<retornoStatus/>"
        "</reciboCancelaGuia></reciboCancelaGuia>",
        f"<reciboCancelaGuia><reciboCancelaGuia>{RECEIPT}<retornoStatus><guiasCanceladas/>"
        "</retornoStatus></reciboCancelaGuia></reciboCancelaGuia>",
        f"<reciboCancelaGuia><reciboCancelaGuia>{RECEIPT}<retornoStatus><loteCancelado>"
        "<numeroLote>1</numeroLote></loteCancelado></retornoStatus></reciboCancelaGuia>"
        "</reciboCancelaGuia>",
    ),
    "DEMONSTRATIVO_ANALISE_CONTA": (
        "<demonstrativosRetorno><situacaoDemonstrativoRetorno/></demonstrativosRetorno>",
        "<demonstrativosRetorno><demonstrativoAnaliseConta/></demonstrativosRetorno>",
        "<demonstrativosRetorno><demonstrativoAnaliseConta><cabecalhoDemonstrativo>"
        "<numeroDemonstrativo>1</numeroDemonstrativo></cabecalhoDemonstrativo>"
        "</demonstrativoAnaliseConta></demonstrativosRetorno>",
    ),
}


@tagged("post_install", "-at_install", "post_install_l10n")
class TestQuestionAnswers(QuestionRecords, TissCommon):
    """Answers that are broken, empty, or about something else: said in words, nothing changed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lote = cls._create_received_lote(ECG, ECG, protocol="900001")

    def _ask_everything(self):
        self.card.verify_eligibility().send()
        self.lote.query_status()
        self.lote.request_demonstrativo()
        self.env["tiss.cancellation"].create(
            {
                "contract_id": self.contract.id,
                "reason": "Duplicidade",
                "lote_id": self.lote.id,
            }
        ).send()

    def test_broken_answers(self):
        self._ask_everything()
        for transaction, bodies in BROKEN.items():
            for body in bodies:
                content = answer_message(self.contract, transaction, body)
                with self.subTest(transaction, body=body), self.assertRefused("(?s).+"):
                    self._receive(content)

    def test_an_answer_that_says_nothing_refuses_nothing(self):
        """Else what the operadora may have would be free to be sent once more."""
        self._ask_everything()
        for transaction, body in (
            ("SITUACAO_ELEGIBILIDADE", "<respostaElegibilidade></respostaElegibilidade>"),
            ("SITUACAO_PROTOCOLO", "<situacaoProtocolo></situacaoProtocolo>"),
            ("CANCELAMENTO_GUIA_RECIBO", "<reciboCancelaGuia></reciboCancelaGuia>"),
            ("DEMONSTRATIVO_ANALISE_CONTA", "<demonstrativosRetorno></demonstrativosRetorno>"),
        ):
            content = answer_message(self.contract, transaction, body)
            with self.subTest(transaction), self.assertRefused("says neither|“mensagemErro”"):
                self._receive(content)
        self.assertEqual(self.lote.state, "received")
        self.assertLedgerSound()

    def test_an_unknown_status_is_kept_as_nothing(self):
        """A table of tomorrow: the answer is refused in words, not guessed at."""
        cancellation = self.env["tiss.cancellation"]._create_for(self.lote.guia_ids[0], "Erro")
        cancellation.send()
        content = answer_message(
            self.contract,
            "CANCELAMENTO_GUIA_RECIBO",
            f"<reciboCancelaGuia><reciboCancelaGuia>{RECEIPT}<retornoStatus><guiasCanceladas>"
            f"<dadosGuia><tipoGuia>2</tipoGuia><numeroGuiaPrestador>{self.lote.guia_ids[0].name}"
            "</numeroGuiaPrestador><statusCancelamento>77</statusCancelamento></dadosGuia>"
            "</guiasCanceladas></retornoStatus></reciboCancelaGuia></reciboCancelaGuia>",
        )
        with self.assertRefused("a status that nobody knows: 77"):
            self._receive(content)
        status = self._answer_status("1", "900001", self.lote.name, [self.lote.guia_ids[0].name])
        status = status.replace(b"statusProtocolo>1<", b"statusProtocolo>77<")
        with self.assertRefused("a status that nobody knows: 77"):
            self._receive(status)

    def test_from_another_operadora(self):
        other = self._create_contract("005711", provider_code="77")
        query = self.env["tiss.protocol.query"].browse(self.lote.query_status().res_id)
        body = (
            "<situacaoProtocolo><mensagemErro><codigoGlosa>3291</codigoGlosa></mensagemErro>"
            "</situacaoProtocolo>"
        )
        content = answer_message(other, "SITUACAO_PROTOCOLO", body)
        with self.assertRaisesRegex(UserError, "does not wait for an answer"):
            self._receive(content)
        self.assertEqual(query.state, "sent")
