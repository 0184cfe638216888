"""A received request for authorisation: what it asks, and why it is not taken (guide §5.6)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from lxml import etree

from .annexes import Annex, check_annex, opme_items, read_annex
from .message import ANS, Prestador
from .reception import Refusal, cents, check_past, day, first_repeated, text

SP_SADT = "solicitacaoSP-SADT"
INTERNACAO = "solicitacaoInternacao"
PRORROGACAO = "solicitacaoProrrogacao"
ODONTO = "solicitacaoOdontologia"
MAX_ITEMS = 9999  # sequencialItem has four digits
URGENT = "2"
ODONTO_URGENT = "4"
SUMS = {
    "qtdTotalUS": "qtdUS",
    "valorTotalProc": "valorProc",
    "valorTotalFranquia": "valorFranquia",
}


@dataclass(frozen=True)
class RequestItem:
    """One line of a request, numbered by its place; `node` holds what the answer repeats."""

    sequencial: int
    tabela: str
    codigo: str
    quantidade: int
    procedimento: etree._Element
    node: etree._Element


@dataclass(frozen=True)
class Request:
    """One request; `kind` is the name of its element, `diarias` what it asks of them."""

    prestador: Prestador
    kind: str
    numero: str
    carteira: str
    requested_on: date
    urgent: bool
    diarias: int
    referenciada: str | None
    itens: tuple[RequestItem, ...]
    annexes: tuple[Annex, ...]
    node: etree._Element


def read_request(node: etree._Element, prestador: Prestador, ans_code: str, on: date) -> Request:
    """The request of a message that reached `ans_code` on that day; Refusal if it is not sound."""
    kind = etree.QName(node).localname
    head = "ans:cabecalhoSolicitacao/" if kind == SP_SADT else ""
    if text(node, f"{head}ans:registroANS") != ans_code:
        raise Refusal("operadora", "registroANS da solicitação")
    numero = text(node, f"{head}ans:numeroGuiaPrestador")
    check_past(node, ("dataSolicitacao", "dataRealizacao"), on)
    itens = tuple(_read_items(node, kind))
    if len(itens) > MAX_ITEMS:
        raise Refusal("too many guias", f"mais de {MAX_ITEMS} itens")
    diarias = _diarias(node)
    _check_conditions(node, kind, itens, diarias)
    request = Request(
        prestador=prestador,
        kind=kind,
        numero=numero,
        carteira=text(node, _bearer(kind)),
        # The odontological request is the one that carries no date of its own.
        requested_on=on if kind == ODONTO else day(node, "ans:dataSolicitacao"),
        urgent=_urgent(node, kind),
        diarias=diarias,
        referenciada=node.findtext("ans:nrGuiaReferenciada", None, ANS),
        itens=itens,
        annexes=tuple(read_annex(each) for each in _annex_nodes(node)),
        node=node,
    )
    _check_annexes(request, ans_code, on)
    return request


def _bearer(kind: str) -> str:
    return "ans:numeroCarteira" if kind == ODONTO else "ans:dadosBeneficiario/ans:numeroCarteira"


def _urgent(node: etree._Element, kind: str) -> bool:
    if kind == ODONTO:
        return text(node, "ans:tipoAtendimento") == ODONTO_URGENT
    return node.findtext(".//ans:caraterAtendimento", None, ANS) == URGENT


def _diarias(node: etree._Element) -> int:
    for name in ("qtDiariasSolicitadas", "qtDiariasAdicionais"):
        found = node.findtext(f"ans:dadosInternacao/ans:{name}", None, ANS)
        if found is not None:
            if int(found) < 0:
                raise Refusal("quantity", name)
            return int(found)
    return 0


def _read_items(node: etree._Element, kind: str) -> Iterator[RequestItem]:
    """The procedures, then the materials of an OPME annex, in the order of the message."""
    lines = []
    path = "procedimentosAdicionais" if kind == PRORROGACAO else "procedimentosSolicitados"
    procedure, quantity = (
        ("procSolic", "qtdProc") if kind == ODONTO else ("procedimento", "quantidadeSolicitada")
    )
    for line in node.findall(f"ans:{path}", ANS):
        lines.append((line, line.find(f"ans:{procedure}", ANS), text(line, f"ans:{quantity}")))
    for annex in _annex_nodes(node):
        lines += opme_items(annex)
    return number_items(lines)


def number_items(
    lines: Iterable[tuple[etree._Element, etree._Element, str]],
) -> Iterator[RequestItem]:
    """The items of lines, procedures and quantities; Refusal for one that asks for nothing."""
    for number, (line, procedimento, quantidade) in enumerate(lines, 1):
        if int(quantidade) <= 0:
            raise Refusal("quantity", f"item {number}")
        yield RequestItem(
            sequencial=number,
            tabela=text(procedimento, "ans:codigoTabela"),
            codigo=text(procedimento, "ans:codigoProcedimento"),
            quantidade=int(quantidade),
            procedimento=procedimento,
            node=line,
        )


def _annex_nodes(node: etree._Element) -> list[etree._Element]:
    found = node.findall("ans:anexoClinico/*", ANS)
    found += node.findall("ans:anexoClinicoProrrogacao/*", ANS)
    return found + node.findall("ans:odontoInicial", ANS)


def _check_conditions(
    node: etree._Element, kind: str, itens: tuple[RequestItem, ...], diarias: int
) -> None:
    if kind == ODONTO:
        _check_odonto(node)
    if kind == PRORROGACAO:
        change = node.find("ans:dadosInternacao/ans:tipoAcomodacaoSolicitada", ANS)
        if not itens and not diarias and change is None:
            raise Refusal("condition", "prorrogação que nada solicita")
    if kind == INTERNACAO:
        annexes = {etree.QName(each).localname for each in _annex_nodes(node)}
        # The annex may still follow by itself: only its presence can contradict the indicator.
        for name, annex in (
            ("indicadorOPME", "solicitacaoOPME"),
            ("indicadorQuimio", "solicitacaoQuimioterapia"),
        ):
            if annex in annexes and text(node, f"ans:dadosInternacao/ans:{name}") != "S":
                raise Refusal("condition", name)


def _check_odonto(node: etree._Element) -> None:
    lines = node.findall("ans:procedimentosSolicitados", ANS)
    for number, line in enumerate(lines, 1):
        valor, franquia = cents(line, "ans:valorProc"), cents(line, "ans:valorFranquia")
        if not 0 <= franquia <= valor or cents(line, "ans:qtdUS") < 0:
            raise Refusal("amount", f"item {number}")
    for total, part in SUMS.items():
        if node.find(f"ans:{total}", ANS) is None:
            continue
        if cents(node, f"ans:{total}") != sum(cents(line, f"ans:{part}") for line in lines):
            raise Refusal("guia total", total)


def _check_annexes(request: Request, ans_code: str, on: date) -> None:
    repeated = first_repeated(annex.numero for annex in request.annexes)
    if repeated is not None:
        raise Refusal("guia repeated", f"anexo {repeated}")
    for annex in request.annexes:
        check_annex(annex, ans_code, on)
        if annex.referenciada != request.numero:
            raise Refusal("guia number", f"anexo {annex.numero}: numeroGuiaReferenciada")
        if annex.carteira != request.carteira:
            raise Refusal("another card", f"anexo {annex.numero}: numeroCarteira")
