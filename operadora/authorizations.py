"""The answers to requests for authorisation and to questions about them (guide §5.6)."""

from collections.abc import Iterator
from datetime import date

from lxml import etree

from .annexes import ECHO, OPME_ECHO, QUIMIO, RADIO, Annex, copy, echo
from .answers import motivo_glosa
from .book import Authorization
from .decisions import DENIED, GRANTED, IN_PART, NO_DOCUMENT, WANTS_DOCUMENT, ItemOutcome, Outcome
from .message import ANS, element, money, optional
from .official import Schema
from .reception import cents, text
from .requests import INTERNACAO, ODONTO, PRORROGACAO, SP_SADT, Request

NO_CNES = "9999999"
WITH_COVER = "4.02.00"  # before, the answer had no coberturaEspecial
PRIOR = "1"  # T73


class Answer:
    """What the operadora says of one authorisation on one day.

    :param nome: the name of the card's bearer in the operadora's file.
    """

    def __init__(self, authorization: Authorization, on: date, nome: str, schema: Schema):
        self.authorization = authorization
        self.request: Request = authorization.request
        self.node = self.request.node
        self.status = authorization.status_on(on)
        self.granted = self.status in (GRANTED, IN_PART)
        self.nome = nome
        self.schema = schema

    @property
    def outcome(self) -> Outcome | None:
        """The decision, once it can be told."""
        decided = self.granted or self.status == DENIED
        return self.authorization.decision.final if decided else None

    def element(self) -> etree._Element:
        """The branch of ct_situacaoAutorizacao for the kind of request."""
        kind = self.request.kind
        if kind == ODONTO:
            return self._odonto()
        if kind == SP_SADT:
            return self._servico("autorizacaoServico")
        body = self._servico("autorizacaoDosServicos")
        return self._internacao(body) if kind == INTERNACAO else self._prorrogacao(body)

    def _dados(self, numero: str) -> etree._Element:
        """ct_autorizacaoDados of the guia or annex of that number."""
        authorization, decision = self.authorization, self.authorization.decision
        senha = (
            element("dataAutorizacao", decision.decided_on.isoformat()),
            element("senha", authorization.senha),
            element("dataValidadeSenha", decision.valid_until.isoformat()),
        )
        return element(
            "dadosAutorizacao",
            element("numeroGuiaPrestador", numero),
            element("numeroGuiaOperadora", authorization.numero),
            *echo(self.node, "ausenciaCodValidacao", "codValidacao"),
            *(senha if self.granted else ()),
        )

    def _servico(self, tag: str) -> etree._Element:
        etapa = echo(self.node, "tipoEtapaAutorizacao") or [element("tipoEtapaAutorizacao", PRIOR)]
        return element(
            tag,
            self._dados(self.request.numero),
            *etapa,
            self._beneficiario(),
            element("nomeBeneficiario", self.nome),
            *(echo(self.node, "coberturaEspecial") if self.schema.version >= WITH_COVER else ()),
            self._prestador() if self.granted else None,
            element("statusSolicitacao", self.status),
            self._motivos(),
            self._servicos(),
            *self._annexes(),
        )

    def _beneficiario(self) -> etree._Element:
        """An extension does not say whether the patient is a newborn."""
        dados = self.node.find("ans:dadosBeneficiario", ANS)
        return element(
            "dadosBeneficiario",
            *echo(dados, "numeroCarteira"),
            *(echo(dados, "atendimentoRN") or [element("atendimentoRN", "N")]),
            *echo(dados, "tipoIdent", "identificadorBeneficiario"),
        )

    def _prestador(self) -> etree._Element | None:
        """Who may execute: the one that the request names, else whoever is contracted."""
        kind, cnes = self.request.kind, NO_CNES
        path = {
            SP_SADT: "dadosExecutante/ans:codigonaOperadora",
            INTERNACAO: "dadosHospitalSolicitado/ans:codigoIndicadonaOperadora",
            PRORROGACAO: "dadosContratadoSolicitante/*",
        }[kind]
        found = self.node.find(f"ans:{path}", ANS)
        if found is None:
            return None
        if kind == SP_SADT:
            cnes = text(self.node, "ans:dadosExecutante/ans:CNES")
        tag = None if kind == PRORROGACAO else "codigoPrestadorNaOperadora"
        return element(
            "prestadorAutorizado",
            element("dadosContratado", copy(found, tag)),
            element("cnesContratado", cnes),
        )

    def _motivos(self) -> etree._Element | None:
        """The bare codes of the answer as a whole."""
        codes = self.outcome.motivos if self.outcome else ()
        if self.status == WANTS_DOCUMENT:
            codes = (self.schema.first_glosa(*NO_DOCUMENT),)
        if not codes:
            return None
        return element("motivosNegativa", *(element("codigoGlosa", code) for code in codes))

    def _servicos(self) -> etree._Element | None:
        itens = self.outcome.itens if self.outcome else ()
        if not itens:
            return None
        return element("servicosAutorizados", *(authorized(each, self.schema) for each in itens))

    def _annexes(self) -> Iterator[etree._Element]:
        """Chemotherapy and radiotherapy; the materials of OPME are lines of the answer."""
        motivos = self.outcome.motivos if self.status == DENIED else ()
        status = GRANTED if self.granted else self.status
        for kind, tag in ((QUIMIO, "autorizacaoQuimio"), (RADIO, "autorizacaoRadio")):
            for annex in self.request.annexes:
                if annex.kind == kind:
                    dados = self._dados(annex.numero)
                    yield therapy(tag, annex, dados, status, self.nome, motivos, self.schema)

    def _internacao(self, body: etree._Element) -> etree._Element:
        return element(
            "autorizacaoInternacao",
            body,
            element(
                "dataProvavelAdmissao",
                text(self.node, "ans:dadosHospitalSolicitado/ans:dataSugeridaInternacao"),
            )
            if self.granted
            else None,
            self._diarias("qtdDiariasAutorizadas"),
        )

    def _prorrogacao(self, body: etree._Element) -> etree._Element:
        wanted = self.node.findtext("ans:dadosInternacao/ans:tipoAcomodacaoSolicitada", None, ANS)
        motivos = self.outcome.motivos if self.outcome else ()
        reasons = "; ".join(self.schema.glosas[code] for code in motivos)
        return element(
            "autorizacaoProrrogacao",
            body,
            element("nomeContratado", text(self.node, "ans:nomeContratadoSolicitante")),
            self._diarias("diariasAutorizadas"),
            optional("acomodacaoAutorizada", wanted) if self.granted else None,
            optional("justificativaOperadora", reasons[:500]),
        )

    def _diarias(self, tag: str) -> etree._Element | None:
        return element(tag, str(self.outcome.diarias)) if self.outcome else None

    def _odonto(self) -> etree._Element:
        executante = self.node.find("ans:dadosProfissionaisResponsaveis/ans:codigoProfExec", ANS)
        prestador = element("prestadorAutorizado", copy(executante, "codigoPrestadorNaOperadora"))
        itens = self.outcome.itens if self.outcome else ()
        return element(
            "autorizacaoServicoOdonto",
            self._dados(self.request.numero),
            *echo(self.node, "numeroCarteira"),
            element("nomeBeneficiario", self.nome),
            *echo(self.node, "tipoIdent", "identificadorBeneficiario"),
            element("statusSolicitacao", self.status),
            prestador if self.granted else None,
            *map(_procedimento_odonto, itens),
            self._motivos(),
        )


def authorized(
    outcome: ItemOutcome, schema: Schema, tag: str = "servicoAutorizado"
) -> etree._Element:
    """A ct_procedimentoAutorizado; only a material carries a value and a manufacturer."""
    item = outcome.item
    valor = item.node.find("ans:valorSolicitado", ANS)
    valores = ()
    if valor is not None:
        asked = cents(valor, ".")
        valores = (
            element("valorSolicitado", money(asked)),
            element("valorAutorizado", money(asked if outcome.autorizada else 0)),
        )
    return element(
        tag,
        element("sequencialItem", str(item.sequencial)),
        copy(item.procedimento, "procedimento"),
        element("quantidadeSolicitada", str(item.quantidade)),
        element("quantidadeAutorizada", str(outcome.autorizada)),
        *valores,
        *echo(item.node, "opcaoFabricante", *OPME_ECHO),
        negativa((outcome.motivo,) if outcome.motivo else (), schema),
    )


def negativa(codes: tuple[str, ...], schema: Schema) -> etree._Element | None:
    """The reasons with their texts, as lines and annexes carry them."""
    if not codes:
        return None
    return element(
        "motivosNegativa",
        *(motivo_glosa("motivoNegativa", code, schema.glosas[code]) for code in codes),
    )


def therapy(
    tag: str,
    annex: Annex,
    dados: etree._Element,
    status: str,
    nome: str,
    motivos: tuple[str, ...],
    schema: Schema,
) -> etree._Element:
    """A ctm_autorizacaoQuimio or ctm_autorizacaoRadio: they differ in where the status stands."""
    situation = [element("nomeBeneficiario", nome), element("statusSolicitacao", status)]
    if annex.kind == QUIMIO:
        situation.reverse()
    return element(
        tag,
        dados,
        element("numeroCarteira", annex.carteira),
        *situation,
        *echo(annex.node, *ECHO[annex.kind]),
        negativa(motivos, schema),
    )


def _procedimento_odonto(outcome: ItemOutcome) -> etree._Element:
    """A line that is refused repeats the quantity asked for, and says N."""
    item = outcome.item
    return element(
        "procedimentosAutorizados",
        element("sequencialItem", str(item.sequencial)),
        *echo(item.node, "procSolic", "denteRegiao", "denteFace"),
        element("qtdProc", str(outcome.autorizada or item.quantidade)),
        *echo(item.node, "qtdUS", "valorProc", "valorFranquia"),
        element("aut", "S" if outcome.autorizada else "N"),
        element("motivosNegativa", element("codigoGlosa", outcome.motivo))
        if outcome.motivo
        else None,
    )
