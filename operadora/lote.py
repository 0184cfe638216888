"""A received lote: what it says, and why it is refused (guide §§3.2–3.7, 4)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree

from .message import ANS, Prestador
from .reception import REASONS as REASONS
from .reception import (
    Refusal,
    cents,
    day,
    first_repeated,
    half_up,
    inner_text,
    text,
)

MAX_GUIAS = 100
MAX_AMOUNT = 99_999_999_99  # cents: dec(10,2)

TOTALS = {
    "01": "valorGasesMedicinais",
    "02": "valorMedicamentos",
    "03": "valorMateriais",
    "05": "valorDiarias",
    "07": "valorTaxasAlugueis",
    "08": "valorOPME",
    None: "valorProcedimentos",
}
DATES = etree.XPath(
    "descendant::ans:*[not(*)][starts-with(local-name(), 'data')]"
    "[local-name() != 'dataValidadeSenha']",
    namespaces=ANS,
)
ATTENDED = ("dataAtendimento", "dataExecucao", "dataRealizacao")


@dataclass(frozen=True)
class Item:
    """One billed line; `informado` in cents, `despesa` is its T25 kind, None for a procedure.

    `franquia` is what the patient pays of a dental item, apart from `informado`.
    """

    sequencial: int
    data: date
    tabela: str
    codigo: str
    descricao: str
    quantidade: Decimal
    informado: int
    despesa: str | None = None
    grau: str | None = None
    centro_consumo: str | None = None
    franquia: int = 0


@dataclass(frozen=True)
class Guia:
    """One claim; `tipo` is the name of its element."""

    tipo: str
    numero: str
    numero_operadora: str | None
    senha: str | None
    carteira: str
    atendimento_rn: str
    cnes: str
    itens: tuple[Item, ...]
    urgente: bool = False

    @property
    def informado(self) -> int:
        return sum(item.informado for item in self.itens)


@dataclass(frozen=True)
class Lote:
    """What a prestador billed in one message."""

    prestador: Prestador
    numero: str
    guias: tuple[Guia, ...]

    @property
    def informado(self) -> int:
        return sum(guia.informado for guia in self.guias)


def read_lote(body: etree._Element | None, prestador: Prestador, ans_code: str, on: date) -> Lote:
    """The lote of a message that reached `ans_code` on that day; Refusal when it is not sound."""
    nodes = [] if body is None else body.findall("ans:guiasTISS/*", ANS)
    if not nodes:
        raise Refusal("transaction", "mensagem sem loteGuias")
    lote = Lote(
        prestador=prestador,
        numero=text(body, "ans:numeroLote"),
        guias=tuple(_read_guia(node, ans_code, on) for node in nodes),
    )
    repeated = first_repeated(guia.numero for guia in lote.guias)
    if repeated is not None:
        raise Refusal("guia repeated", f"guia {repeated} mais de uma vez no lote")
    if lote.informado > MAX_AMOUNT:
        raise Refusal("amount", "valor total do lote")
    return lote


def _check_dates(guia: etree._Element, on: date) -> None:
    for node in DATES(guia):
        if day(node, ".") > on:
            name = etree.QName(node).localname
            raise Refusal("attended in the future" if name in ATTENDED else "date", name)


def _read_guia(node: etree._Element, ans_code: str, on: date) -> Guia:
    tipo = etree.QName(node).localname
    numero = text(node, f"{HEADERS[tipo]}ans:numeroGuiaPrestador")
    if text(node, f"{HEADERS[tipo]}ans:registroANS") != ans_code:
        raise Refusal("operadora", f"guia {numero}")
    try:
        _check_dates(node, on)
        itens = tuple(READERS[tipo](node))
        _check_items(node, itens)
        _check_period(node, itens)
    except Refusal as refusal:
        raise Refusal(refusal.reason, f"guia {numero}, {refusal.detail}") from refusal
    bearer = "beneficiario" if tipo == "guiaHonorarios" else "dadosBeneficiario"
    return Guia(
        tipo=tipo,
        numero=numero,
        numero_operadora=inner_text(node, "numeroGuiaOperadora"),
        senha=text(node, SENHAS.get(tipo, "ans:dadosAutorizacao/ans:senha")) or None,
        carteira=text(node, f"ans:{bearer}/ans:numeroCarteira"),
        atendimento_rn=text(node, f"ans:{bearer}/ans:atendimentoRN"),
        cnes=inner_text(node, CNES.get(tipo, "CNES")),
        itens=itens,
        urgente=inner_text(node, "caraterAtendimento") == "2",
    )


def _read_consulta(guia: etree._Element) -> Iterator[Item]:
    """The single procedure: quantity one, no description, no sequence number in the message."""
    atendimento = guia.find("ans:dadosAtendimento", ANS)
    procedimento = atendimento.find("ans:procedimento", ANS)
    informado = cents(procedimento, "ans:valorProcedimento")
    if informado < 0:
        raise Refusal("amount", "valorProcedimento")
    yield Item(
        sequencial=1,
        data=day(atendimento, "ans:dataAtendimento"),
        tabela=text(procedimento, "ans:codigoTabela"),
        codigo=text(procedimento, "ans:codigoProcedimento"),
        descricao="CONSULTA",
        quantidade=Decimal(1),
        informado=informado,
    )


def _read_sp_sadt(guia: etree._Element) -> Iterator[Item]:
    yield from _read_procedures(
        guia, "procedimentosExecutados/ans:procedimentoExecutado", "equipeSadt/ans:grauPart"
    )
    yield from _read_expenses(guia)


def _read_internacao(guia: etree._Element) -> Iterator[Item]:
    yield from _read_procedures(
        guia,
        "procedimentosExecutados/ans:procedimentoExecutado",
        "identEquipe/ans:identificacaoEquipe/ans:grauPart",
    )
    yield from _read_expenses(guia)


def _read_honorarios(guia: etree._Element) -> Iterator[Item]:
    yield from _read_procedures(
        guia,
        "procedimentosRealizados/ans:procedimentoRealizado",
        "profissionais/ans:grauParticipacao",
    )


def _read_procedures(guia: etree._Element, path: str, grau_path: str) -> Iterator[Item]:
    """Procedures with a factor; a team of several has no degree that holds for the whole item."""
    for node in guia.findall(f"ans:{path}", ANS):
        graus = [grau.text for grau in node.findall(f"ans:{grau_path}", ANS)]
        yield _read_line(
            sequencial=int(text(node, "ans:sequencialItem")),
            line=node,
            procedimento=node.find("ans:procedimento", ANS),
            grau=graus[0] if len(graus) == 1 else None,
        )


def _read_expenses(guia: etree._Element) -> Iterator[Item]:
    for node in guia.findall("ans:outrasDespesas/ans:despesa", ANS):
        line = node.find("ans:servicosExecutados", ANS)
        yield _read_line(
            sequencial=int(text(node, "ans:sequencialItem")),
            line=line,
            procedimento=line,
            despesa=text(node, "ans:codigoDespesa"),
        )


def _read_odonto(guia: etree._Element) -> Iterator[Item]:
    """What is claimed of an item is its value without the part that the patient pays."""
    for node in guia.findall("ans:procedimentosExecutados", ANS):
        sequencial = int(text(node, "ans:sequencialItem"))
        valor, franquia = cents(node, "ans:valorProc"), cents(node, "ans:valorFranquia")
        quantidade = Decimal(text(node, "ans:qtdProc"))
        if quantidade <= 0:
            raise Refusal("quantity", f"item {sequencial}")
        if not 0 <= franquia <= valor:
            raise Refusal("amount", f"item {sequencial}")
        procedimento = node.find("ans:procSolic", ANS)
        yield Item(
            sequencial=sequencial,
            data=day(node, "ans:dataRealizacao"),
            tabela=text(procedimento, "ans:codigoTabela"),
            codigo=text(procedimento, "ans:codigoProcedimento"),
            descricao=text(procedimento, "ans:descricaoProcedimento"),
            quantidade=quantidade,
            informado=valor - franquia,
            franquia=franquia,
        )


def _read_line(
    sequencial: int,
    line: etree._Element,
    procedimento: etree._Element,
    despesa: str | None = None,
    grau: str | None = None,
) -> Item:
    """A procedure or an expense, its own arithmetic checked."""
    quantidade = Decimal(text(line, "ans:quantidadeExecutada"))
    unitario = cents(line, "ans:valorUnitario")
    fator = Decimal(text(line, "ans:reducaoAcrescimo"))
    informado = cents(line, "ans:valorTotal")
    if quantidade <= 0:
        raise Refusal("quantity", f"item {sequencial}")
    if min(unitario, fator, informado) < 0:
        raise Refusal("amount", f"item {sequencial}")
    # Operadoras round in different ways: one cent is nobody's error.
    if abs(half_up(quantidade * unitario * fator) - informado) > 1:
        raise Refusal("item total", f"item {sequencial}")
    return Item(
        sequencial=sequencial,
        data=day(line, "ans:dataExecucao"),
        tabela=text(procedimento, "ans:codigoTabela"),
        codigo=text(procedimento, "ans:codigoProcedimento"),
        descricao=text(procedimento, "ans:descricaoProcedimento"),
        quantidade=quantidade,
        informado=informado,
        despesa=despesa,
        grau=grau,
        centro_consumo=text(line, "ans:centroConsumo") or None,
    )


READERS = {
    "guiaConsulta": _read_consulta,
    "guiaSP-SADT": _read_sp_sadt,
    "guiaResumoInternacao": _read_internacao,
    "guiaHonorarios": _read_honorarios,
    "guiaOdonto": _read_odonto,
}
# Where each type says what all say, relative to the guia.
HEADERS = {
    "guiaConsulta": "ans:cabecalhoConsulta/",
    "guiaSP-SADT": "ans:cabecalhoGuia/",
    "guiaResumoInternacao": "ans:cabecalhoGuia/",
    "guiaHonorarios": "ans:cabecalhoGuia/",
    "guiaOdonto": "",
}
SENHAS = {"guiaHonorarios": "ans:senha", "guiaOdonto": "ans:senhaAutorizacao"}
CNES = {"guiaHonorarios": "cnesContratadoExecutante", "guiaOdonto": "cnesExec"}
SUMS = {
    "guiaHonorarios": {
        "valorTotalHonorarios": "procedimentosRealizados/ans:procedimentoRealizado/ans:valorTotal"
    },
    "guiaOdonto": {
        "valorTotalProc": "procedimentosExecutados/ans:valorProc",
        "valorTotalFranquia": "procedimentosExecutados/ans:valorFranquia",
        "qtdTotalUS": "procedimentosExecutados/ans:qtdUS",
    },
}


def _check_items(guia: etree._Element, itens: tuple[Item, ...]) -> None:
    if not itens:
        raise Refusal("no item", "sem procedimento nem despesa")
    repeated = first_repeated(item.sequencial for item in itens)
    if repeated is not None:
        raise Refusal("sequencialItem", f"item {repeated} repetido")
    totals = guia.find("ans:valorTotal", ANS)
    if totals is not None:
        _check_totals(totals, itens)
    for total, parts in SUMS.get(etree.QName(guia).localname, {}).items():
        parts_sum = sum(cents(node, ".") for node in guia.findall(f"ans:{parts}", ANS))
        if cents(guia, f"ans:{total}") != parts_sum:
            raise Refusal("guia total", total)


def _check_period(guia: etree._Element, itens: tuple[Item, ...]) -> None:
    """A guia of an internação bills what was done within its period."""
    period = guia.find("ans:dadosInternacao", ANS)
    if period is None:
        return
    last = "dataFimFaturamento" if "Honorarios" in guia.tag else "dataFinalFaturamento"
    start, end = day(period, "ans:dataInicioFaturamento"), day(period, f"ans:{last}")
    for item in itens:
        if item.data < start:
            raise Refusal("before the period", f"item {item.sequencial}")
        if item.data > end:
            raise Refusal("after the period", f"item {item.sequencial}")


def _check_totals(totals: etree._Element, itens: tuple[Item, ...]) -> None:
    """Each category and the grand total; a category left out counts as zero."""
    sums = Counter()
    for item in itens:
        sums[TOTALS[item.despesa]] += item.informado
    for name in TOTALS.values():
        if cents(totals, f"ans:{name}") != sums[name]:
            raise Refusal("guia total", name)
    if cents(totals, "ans:valorTotalGeral") != sums.total():
        raise Refusal("guia total", "valorTotalGeral")
