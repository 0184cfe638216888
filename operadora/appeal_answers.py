"""The receipt of a recurso de glosa, its status and its answer; amounts in cents (guide §5.8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from lxml import etree

from .annexes import copy, echo
from .appeals import Appeal, Claim
from .message import ANS, element, money, optional
from .statuses import IN_ANALYSIS
from .treasury import Identity

KEPT = "GLOSA MANTIDA: O RECURSO NAO COMPROVA O QUE FOI COBRADO"
IN_PART = "RECURSO ACATADO EM PARTE, CONFORME O CONTRATO"
SHORT = 150  # justificativaGuia, which has 500 in the recurso itself
NUMBERS = ("numeroGuiaOperadora", "senha")


@dataclass(frozen=True)
class Judged:
    """One claim and what was accepted of it."""

    claim: Claim
    acatado: int

    @property
    def accepted(self) -> str:
        """S or N, as a guia or a protocol is answered."""
        return "S" if self.acatado else "N"

    @property
    def words(self) -> str | None:
        """Why not all of it."""
        if self.acatado == self.claim.recursado:
            return None
        return IN_PART if self.acatado else KEPT


def total_accepted(judged: Sequence[Judged]) -> int:
    """A whole that was contested for two reasons is paid once."""
    wholes = {each.claim.guia: each.acatado for each in judged if each.claim.sequencial is None}
    items = sum(each.acatado for each in judged if each.claim.sequencial is not None)
    return items + sum(wholes.values())


def receipt(appeal: Appeal, identity: Identity) -> etree._Element:
    """A ct_recursoGlosaRecebimento, the same for medical and dental."""
    claims = appeal.claims
    whole = claims[0] if claims[0].guia is None else None
    guias = [] if whole else [list(group) for _, group in groupby(claims, lambda x: x.guia)]
    return element(
        "protocoloRecebimento",
        element("nrProtocoloRecursoGlosa", appeal.numero),
        *_dates_and_names(appeal, identity),
        element("nrProtocoloRecursado", appeal.protocol.numero),
        copy(whole.node, "recursoProtocolo") if whole else None,
        element("qtGuiasRecurso", str(len(guias))) if guias else None,
        *map(_received_guia, guias),
        element("valorTotalRecursado", money(appeal.recursado)),
    )


def status(appeal: Appeal, identity: Identity, on: date) -> etree._Element:
    """Not judged yet: T47 of the protocol."""
    return element(
        "reciboGlosaStatus",
        element("nrProtocoloRecursoGlosa", appeal.numero),
        *_dates_and_names(appeal, identity),
        element("nrProtocoloSituacaoRecursoGlosa", appeal.numero),
        element("dataSituacao", on.isoformat()),
        element("situacaoProtocolo", IN_ANALYSIS),
    )


def answer(appeal: Appeal, identity: Identity, judged: Sequence[Judged]) -> etree._Element:
    """A ct_glosaRecibo or ct_glosaReciboOdonto, whose names differ below."""
    name = element("nomeOperadora", identity.name)
    own = optional("numeroGuiaRecGlosaOperadora", appeal.numero)
    return element(
        "reciboGlosaOdonto" if appeal.dental else "reciboGlosa",
        element("registroANS", identity.ans_code),
        element("numeroGuiaRecGlosaPrestador", appeal.numero_prestador),
        *((name, own) if appeal.dental else (own, name)),
        *echo(appeal.node, "objetoRecurso"),
        element("codigoPrestador", appeal.prestador.value[:14]),
        *echo(appeal.node, "numeroLote", "numeroProtocolo"),
        element("opcaoRecurso", *_answers(appeal, judged)),
        *echo(appeal.node, "dataRecurso"),
        element("valorTotalRecursado", money(appeal.recursado)),
        element("valorTotalAcatado", money(total_accepted(judged))),
    )


def _dates_and_names(appeal: Appeal, identity: Identity) -> list[etree._Element]:
    return [
        copy(appeal.node.find("ans:dataRecurso", ANS), "dataEnvioRecurso"),
        element("dataRecebimentoRecurso", appeal.received_on.isoformat()),
        *echo(appeal.node, "numeroLote"),
        element("registroANS", identity.ans_code),
        element("dadosPrestador", appeal.prestador.contratado),
    ]


def _received_guia(claims: list[Claim]) -> etree._Element:
    first = claims[0]
    return element(
        "guiasRecurso",
        element("numeroGuiaOrigem", first.guia),
        *echo(first.parent, *NUMBERS),
        element("opcaoRecursoGuia", *map(_received_claim, claims)),
    )


def _received_claim(claim: Claim) -> etree._Element:
    if claim.sequencial is None:
        return element(
            "recursoGuia",
            element("codGlosaGuia", claim.code),
            element("justificativaGuia", claim.justificativa[:SHORT]),
        )
    day = claim.node.find("ans:dataInicio", ANS)
    if day is None:
        day = claim.node.find("ans:dataRealizacao", ANS)
    return element(
        "itensGuia",
        element("sequencialItem", str(claim.sequencial)),
        copy(day, "dataInicio"),
        *echo(claim.node, "dataFim", "procRecurso", "denteRegiao", "denteFace"),
        element("codGlosaItem", claim.code),
        element("valorRecursado", money(claim.recursado)),
        element("justificativaItem", claim.justificativa),
    )


def _answers(appeal: Appeal, judged: Sequence[Judged]) -> list[etree._Element]:
    first = judged[0]
    if first.claim.guia is None:
        return [
            element(
                "recursoProtocolo",
                element("codigoGlosaProtocolo", first.claim.code),
                element("justificativaProtocolo", first.claim.justificativa),
                element("recursoAcatado", first.accepted),
                None if appeal.dental else optional("justificativaOPSnaoAcatadoProt", first.words),
            )
        ]
    make = _dental_answer if appeal.dental else _medical_answer
    return [element("recursoGuia", make(each)) for each in judged]


def _medical_answer(judged: Judged) -> etree._Element:
    claim = judged.claim
    numbers = (element("numeroGuiaPrestador", claim.guia), *echo(claim.parent, *NUMBERS))
    if claim.sequencial is None:
        return element(
            "respostaGuia",
            *numbers,
            element("codGlosa", claim.code),
            element("justificativaPrestador", claim.justificativa),
            element("recursoGuiaAcatado", judged.accepted),
            optional("justificativaOPSnaoAcatadoGuia", judged.words),
        )
    return element(
        "respostaGuiaItens",
        *numbers,
        copy(claim.node.find("ans:dataInicio", ANS), "dataRealizacao"),
        *echo(claim.node, "dataFim"),
        element("sequencialItem", str(claim.sequencial)),
        *echo(claim.node, "procRecurso"),
        element("codGlosa", claim.code),
        element("valorRecursado", money(claim.recursado)),
        element("justificativaPrestador", claim.justificativa),
        element("valorAcatadado", money(judged.acatado)),
        optional("justificativaOperadora", judged.words),
    )


def _dental_answer(judged: Judged) -> etree._Element:
    claim = judged.claim
    numbers = (element("numeroGuiaPrestador", claim.guia), *echo(claim.parent, *NUMBERS))
    if claim.sequencial is None:
        return element(
            "respostaRecursoGuiaOdonto",
            *numbers,
            element("codGlosaGuia", claim.code),
            element("justificativaGuia", claim.justificativa),
            element("recursoAcatadoGuia", judged.accepted),
        )
    names = ("sequencialItem", "dataRealizacao", "denteRegiao", "denteFace", "quantidade")
    return element(
        "respostaRecursoItemOdonto",
        *numbers,
        element(
            "recursoProcedimento",
            *echo(claim.node, *names, "procRecurso"),
            element("codGlosaProc", claim.code),
            element("valorRecursado", money(claim.recursado)),
            element("justificativaPrestador", claim.justificativa),
            element("valorAcatado", money(judged.acatado)),
            optional("justificativaOperadora", judged.words),
        ),
    )
