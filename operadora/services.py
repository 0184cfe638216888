"""The twelve services of the standard: how each of their messages is called (guide §§2.2, 7.1).

A message may come as a file or by web service; the content is the same, many names are not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lxml import etree


@dataclass(frozen=True)
class Service:
    """One service: its address, and its question and answer in both forms.

    `body` and `answer` are elements of a file; `request` and `response` those of a web service,
    around `payload` and `result`. `renames`: the content of an answer that only the web service
    calls otherwise. `signature`: the name of the answer's signature. `wsdl`: the name inside the
    WSDL, where it is not that of the file.
    """

    name: str
    transaction: str
    body: str
    answer: str
    reply: str
    request: str
    payload: str
    response: str
    result: str
    signature: str = "Signature"
    renames: Mapping[str, str] = field(default_factory=dict)
    wsdl: str = ""

    @property
    def wsdl_name(self) -> str:
        return self.wsdl or self.name


@dataclass(frozen=True)
class Reply:
    """The content of an answer, and what to note once it is sent.

    `content` is one element or several; `transaction` replaces the usual one of the answer.
    """

    content: etree._Element | list[etree._Element]
    register: Callable[[], None] = lambda: None
    transaction: str | None = None
    number: str | None = None

    @property
    def elements(self) -> list[etree._Element]:
        return self.content if isinstance(self.content, list) else [self.content]


LOTE = Service(
    "tissLoteGuias",
    "ENVIO_LOTE_GUIAS", "loteGuias",
    "recebimentoLote", "PROTOCOLO_RECEBIMENTO",
    "loteGuiasWS", "loteGuias",
    "protocoloRecebimentoWS", "recebimentoLote",
)  # fmt: skip
SERVICES = (
    LOTE,
    Service(
        "tissLoteAnexo",
        "ENVIO_ANEXO", "loteAnexos",
        "recebimentoAnexo", "PROTOCOLO_RECEBIMENTO_ANEXO",
        "loteAnexoWS", "loteAnexo",
        "protocoloRecebimentoAnexoWS", "loteAnexo", "Signatures",
    ),
    Service(
        "tissRecursoGlosa",
        "RECURSO_GLOSA", "recursoGlosa",
        "recebimentoRecursoGlosa", "RECEBIMENTO_RECURSO_GLOSA",
        "loteRecursoGlosaWS", "loteRecurso",
        "protocoloRecebimentoRecursoWS", "recebimentoRecurso",
    ),
    Service(
        "tissSolicitacaoProcedimento",
        "SOLICITACAO_PROCEDIMENTOS", "solicitacaoProcedimento",
        "autorizacaoServicos", "RESPOSTA_SOLICITACAO",
        "solicitacaoProcedimentoWS", "solicitacaoProcedimento",
        "autorizacaoProcedimentoWS", "autorizacaoProcedimento",
    ),
    Service(
        "tissSolicitacaoStatusAutorizacao",
        "SOLICITA_STATUS_AUTORIZACAO", "solicitaStatusAutorizacao",
        "situacaoAutorizacao", "STATUS_AUTORIZACAO",
        "solicitacaoStatusAutorizacaoWS", "solicitacaoStatusAutorizacao",
        "situacaoAutorizacaoWS", "situacaoAutorizacao",
    ),
    Service(
        "tissVerificaElegibilidade",
        "VERIFICA_ELEGIBILIDADE", "verificaElegibilidade",
        "respostaElegibilidade", "SITUACAO_ELEGIBILIDADE",
        "pedidoElegibilidadeWS", "pedidoElegibilidade",
        "respostaElegibilidadeWS", "respostaElegibilidade", "Signatures",
        {"mensagemErro": "codigoGlosa"},
    ),
    Service(
        "tissSolicitacaoStatusProtocolo",
        "SOLIC_STATUS_PROTOCOLO", "solicitacaoStatusProtocolo",
        "situacaoProtocolo", "SITUACAO_PROTOCOLO",
        "solicitacaoStatusProtocoloWS", "solicitacaoStatusProtocolo",
        "situacaoProtocoloWS", "situacaoProtocolo",
    ),
    Service(
        "tissSolicitacaoDemonstrativoRetorno",
        "SOLIC_DEMONSTRATIVO_RETORNO", "solicitacaoDemonstrativoRetorno",
        "demonstrativosRetorno", "DEMONSTRATIVO_ANALISE_CONTA",
        "solicitacaoDemonstrativoRetornoWS", "solicitacaoDemonstrativoRetorno",
        "demonstrativoRetornoWS", "demonstrativoRetorno",
    ),
    Service(
        "tissSolicitacaoStatusRecursoGlosa",
        "SOLIC_STATUS_RECURSO_GLOSA", "solicitacaoStatusRecursoGlosa",
        "respostaRecursoGlosa", "RESPOSTA_RECURSO_GLOSA",
        "solicitacaoStatusRecursoGlosaWS", "solicitacaoStatusProtocoloRecurso",
        "situacaoProtocoloRecursoWS", "situacaoProtocoloRecurso",
        wsdl="tissSolicitacaoStatusProtocoloRecurso",
    ),
    Service(
        "tissCancelaGuia",
        "CANCELA_GUIA", "cancelaGuia",
        "reciboCancelaGuia", "CANCELAMENTO_GUIA_RECIBO",
        "cancelaGuiaWS", "cancelaGuia",
        "reciboCancelaGuiaWS", "reciboCancelaGuia",
    ),
    Service(
        "tissComunicacaoBeneficiario",
        "COMUNICACAO_BENEFICIARIO", "comunicacaoInternacao",
        "reciboComunicacao", "RECIBO_COMUNICACAO",
        "comunicacaoBeneficiarioWS", "comunicacaoBeneficiario",
        "reciboComunicacaoWS", "reciboComunicacao",
    ),
    Service(
        "tissEnvioDocumentos",
        "ENVIO_DOCUMENTO", "envioDocumentos",
        "recebimentoDocumentos", "RECEBIMENTO_DOCUMENTO",
        "envioDocumentoWS", "envioDOcumento",
        "reciboDocumentosWS", "recebimentoDocumento", "Signatures",
        {"reciboDocumento": "reciboDocumentos"},
    ),
)  # fmt: skip
BY_NAME = {name.lower(): each for each in SERVICES for name in (each.name, each.wsdl_name)}
BY_BODY = {each.body: each for each in SERVICES}
BY_REQUEST = {each.request: each for each in SERVICES}
