"""Answers of an operadora to questions, word for word as the standard writes them."""

from .. import standard
from .return_messages import answer_message

PROVIDER = "<codigoPrestadorNaOperadora>{provider}</codigoPrestadorNaOperadora>"  # of `_message`
ERROR = (
    "<mensagemErro><codigoGlosa>{code}</codigoGlosa><descricaoGlosa>{text}</descricaoGlosa>"
    "</mensagemErro>"
)


def error(code, text="MOTIVO"):
    return ERROR.format(code=code, text=text)


class QuestionRecords:
    """Made for classes that have the records of `TissRecords`."""

    def _build_answer(self, transaction, body, contract=None, version=None):
        """The bytes of an answer, valid by the official schema of its version."""
        contract = contract or self.contract
        content = answer_message(contract, transaction, body)
        version = version or contract.version
        content = content.replace(
            b"Padrao>" + contract.version.encode(), b"Padrao>" + version.encode()
        )
        schema = standard.load(version)
        self.assertTrue(schema.validate(content), schema.explain(content))
        return content

    def _receive(self, content, name="resposta.xml"):
        return self.env["tiss.message"].receive_file(name, content)

    def _decode_sent(self, record):
        """The body of what a record sends, found valid by the official schema."""
        schema = standard.load(record.version)
        content = record.get_xml()
        self.assertTrue(schema.validate(content), schema.explain(content))
        [body] = schema.decode(content)["prestadorParaOperadora"].values()
        return body

    # ------------------------------------------------------------------
    # Eligibility
    # ------------------------------------------------------------------

    def _answer_eligibility(self, card, answer="S", reasons=(), **options):
        """respostaElegibilidade of a card number.

        :param options: validity, name, version
        """
        validity = options.get("validity")
        motives = "".join(
            f"<motivoNegativa><codigoGlosa>{code}</codigoGlosa></motivoNegativa>"
            for code in reasons
        )
        body = (
            "<respostaElegibilidade><reciboElegibilidade>"
            f"<registroANS>{self.contract.ans_code}</registroANS>"
            f"<numeroCarteira>{card}</numeroCarteira>"
            + (f"<validadeCarteira>{validity}</validadeCarteira>" if validity else "")
            + f"<nomeBeneficiario>{options.get('name', 'PACIENTE FICTICIO')}</nomeBeneficiario>"
            f"<respostaSolicitacao>{answer}</respostaSolicitacao>"
            + (f"<motivosNegativa>{motives}</motivosNegativa>" if motives else "")
            + "</reciboElegibilidade></respostaElegibilidade>"
        )
        return self._build_answer("SITUACAO_ELEGIBILIDADE", body, version=options.get("version"))

    def _refuse_eligibility(self, code="1001"):
        body = f"<respostaElegibilidade>{error(code)}</respostaElegibilidade>"
        return self._build_answer("SITUACAO_ELEGIBILIDADE", body)

    # ------------------------------------------------------------------
    # Status of protocolos
    # ------------------------------------------------------------------

    def _answer_status(self, status, protocol, lote_number, guias, **options):
        """situacaoProtocolo of a lote.

        :param guias: numbers of the guias that it lists
        :param options: version, sent_date
        """
        listed = "".join(
            "<guiasMedicas><guias>"
            f"<numeroGuiaPrestador>{number}</numeroGuiaPrestador>"
            f"<dadosBeneficiario><numeroCarteira>{self.card.number}</numeroCarteira>"
            "<atendimentoRN>N</atendimentoRN></dadosBeneficiario></guias></guiasMedicas>"
            for number in guias
        )
        body = (
            "<situacaoProtocolo><situacaoDoProtocolo>"
            f"<identificacaoOperadora>{self.contract.ans_code}</identificacaoOperadora>"
            f"<dadosPrestador>{PROVIDER}</dadosPrestador><lote><detalheLote>"
            f"<statusProtocolo>{status}</statusProtocolo>"
            f"<numeroProtocolo>{protocol}</numeroProtocolo><numeroLote>{lote_number}</numeroLote>"
            f"<dataEnvioLote>{options.get('sent_date', self.today)}</dataEnvioLote>"
            "<valorTotalLote><valorProcessado>0.00</valorProcessado><valorGlosa>0.00</valorGlosa>"
            "<valorLiberado>0.00</valorLiberado></valorTotalLote>"
            f"<guiasTISS>{listed}</guiasTISS></detalheLote></lote>"
            "</situacaoDoProtocolo></situacaoProtocolo>"
        )
        return self._build_answer("SITUACAO_PROTOCOLO", body, version=options.get("version"))

    def _answer_lote_error(self, code="3291"):
        body = (
            "<situacaoProtocolo><situacaoDoProtocolo>"
            f"<identificacaoOperadora>{self.contract.ans_code}</identificacaoOperadora>"
            f"<dadosPrestador>{PROVIDER}</dadosPrestador><lote>{error(code)}</lote>"
            "</situacaoDoProtocolo></situacaoProtocolo>"
        )
        return self._build_answer("SITUACAO_PROTOCOLO", body)

    def _refuse_status(self, code):
        body = f"<situacaoProtocolo>{error(code)}</situacaoProtocolo>"
        return self._build_answer("SITUACAO_PROTOCOLO", body)

    # ------------------------------------------------------------------
    # Cancellations
    # ------------------------------------------------------------------

    def _answer_cancelled_guias(self, statuses, kind="2"):
        """reciboCancelaGuia of guias: {number: T46}."""
        lines = "".join(
            f"<dadosGuia><tipoGuia>{kind}</tipoGuia>"
            f"<numeroGuiaPrestador>{number}</numeroGuiaPrestador>"
            f"<statusCancelamento>{status}</statusCancelamento></dadosGuia>"
            for number, status in statuses.items()
        )
        return self._answer_cancellation(f"<guiasCanceladas>{lines}</guiasCanceladas>")

    def _answer_cancelled_lote(self, lote, status):
        return self._answer_cancellation(
            f"<loteCancelado><numeroLote>{lote.name}</numeroLote>"
            f"<statusCancelamento>{status}</statusCancelamento></loteCancelado>"
        )

    def _answer_cancellation(self, told):
        body = (
            "<reciboCancelaGuia><reciboCancelaGuia>"
            f"<registroANS>{self.contract.ans_code}</registroANS>"
            f"<dadosPrestador>{PROVIDER}</dadosPrestador><retornoStatus>{told}</retornoStatus>"
            "</reciboCancelaGuia></reciboCancelaGuia>"
        )
        return self._build_answer("CANCELAMENTO_GUIA_RECIBO", body)

    def _refuse_cancellation(self, code="3291"):
        body = f"<reciboCancelaGuia>{error(code)}</reciboCancelaGuia>"
        return self._build_answer("CANCELAMENTO_GUIA_RECIBO", body)
