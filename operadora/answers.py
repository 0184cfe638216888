"""The bodies of the answers (guide §§5.1, 5.3, 5.4). Amounts in cents, element order of the XSD."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

from lxml import etree

from .lote import Guia, Lote
from .message import element, money, optional
from .reception import half_up
from .verdict import GLOSA_STATED, GuiaVerdict, ItemVerdict, LoteVerdict, Sums, add

# T27 code, description, rate: retentions on services of legal persons.
TAXES = (
    ("01", "IRRF", Decimal("0.015")),
    ("04", "PIS", Decimal("0.0065")),
    ("05", "COFINS", Decimal("0.03")),
    ("06", "CSLL", Decimal("0.01")),
)
# tipoPagamento
INITIAL, OF_APPEAL = "1", "2"
# T47: 3 liberado para pagamento, 4 encerrado sem pagamento, 6 pagamento efetuado.
APPROVED, CLOSED_UNPAID, PAID = "3", "4", "6"
DENTAL = "guiaOdonto"


@dataclass(frozen=True)
class Protocol:
    """A lote that was taken, and what was decided on it."""

    numero: str
    received_on: date
    lote: Lote
    verdict: LoteVerdict


@dataclass(frozen=True)
class Demonstrativo:
    """What the header of a demonstrativo says; `rng` decides which optional sums are written."""

    numero: str
    ans_code: str
    name: str
    cnpj: str
    issued_on: date
    rng: Random

    def stated(self) -> bool:
        return self.rng.random() < GLOSA_STATED

    def header(self) -> etree._Element:
        return element(
            "cabecalhoDemonstrativo",
            element("registroANS", self.ans_code),
            element("numeroDemonstrativo", self.numero),
            element("nomeOperadora", self.name),
            element("numeroCNPJ", self.cnpj),
            element("dataEmissao", self.issued_on.isoformat()),
        )


def motivo_glosa(tag: str, code: str, text: str) -> etree._Element:
    """A ct_motivoGlosa named `tag`."""
    return element(tag, element("codigoGlosa", code), element("descricaoGlosa", text[:500]))


def recebimento(protocol: Protocol, ans_code: str) -> etree._Element:
    """The protocol of a lote that was taken."""
    lote = protocol.lote
    return element(
        "protocoloRecebimento",
        element("registroANS", ans_code),
        element("dadosPrestador", lote.prestador.contratado),
        element("numeroLote", lote.numero),
        element("dataEnvioLote", protocol.received_on.isoformat()),
        element(
            "detalheProtocolo",
            element("numeroProtocolo", protocol.numero),
            element("valorTotalProtocolo", money(lote.informado)),
            element(
                "dadosGuiasProtocolo",
                *(
                    guia_dados("dadosGuiasOdonto" if is_dental(lote) else "dadosGuias", guia)
                    for guia in lote.guias
                ),
            ),
        ),
    )


def is_dental(lote: Lote) -> bool:
    """A lote has guias of one type."""
    return lote.guias[0].tipo == DENTAL


def guia_dados(
    tag: str, guia: Guia, verdict: GuiaVerdict | None = None, texts: dict[str, str] | None = None
) -> etree._Element:
    """A ct_guiaDados or ct_guiaDadosOdonto, with what was decided where that may be told."""
    card = (
        element("numeroCarteira", guia.carteira),
        element("atendimentoRN", guia.atendimento_rn),
    )
    dental = guia.tipo == DENTAL
    day = min(item.data for item in guia.itens).isoformat()
    return element(
        tag,
        element("numeroGuiaPrestador", guia.numero),
        optional("numeroGuiaOperadora", guia.numero_operadora),
        *(card if dental else (element("dadosBeneficiario", *card),)),
        None if dental else element("dataRealizacao", day),
        *(_decided(verdict, texts) if verdict else ()),
    )


def _decided(verdict: GuiaVerdict, texts: dict[str, str]) -> list[etree._Element]:
    values = element(
        "vlInformadoGuia",
        element("valorProcessado", money(verdict.processado)),
        element("valorGlosa", money(verdict.glosa)),
        element("valorLiberado", money(verdict.liberado)),
    )
    motivos = [motivo_glosa("motivoGlosa", code, texts[code]) for code in verdict.motivos]
    return [values, element("glosaGuia", *motivos)] if motivos else [values]


def analise(
    demonstrativo: Demonstrativo,
    protocols: Sequence[Protocol],
    paid: Iterable[str],
    texts: dict[str, str],
) -> etree._Element:
    """One demonstrativoAnaliseConta: all `protocols` are of one prestador."""
    first = protocols[0].lote
    return element(
        "demonstrativoAnaliseConta",
        demonstrativo.header(),
        element(
            "dadosPrestador",
            element("dadosContratado", first.prestador.contratado),
            element("CNES", first.guias[0].cnes),
        ),
        element(
            "dadosConta",
            *(
                _dados_protocolo(demonstrativo, each, each.numero in paid, texts)
                for each in protocols
            ),
        ),
        *_values("Geral", add(each.verdict for each in protocols), demonstrativo.stated()),
    )


def _dados_protocolo(
    demonstrativo: Demonstrativo, protocol: Protocol, paid: bool, texts: dict[str, str]
) -> etree._Element:
    verdict = protocol.verdict
    return element(
        "dadosProtocolo",
        element("numeroLotePrestador", protocol.lote.numero),
        element("numeroProtocolo", protocol.numero),
        element("dataProtocolo", protocol.received_on.isoformat()),
        element("situacaoProtocolo", status(verdict, paid)),
        *(_relacao_guia(guia, paid, texts) for guia in verdict.guias),
        *_values("Protocolo", verdict, demonstrativo.stated()),
    )


def _relacao_guia(verdict: GuiaVerdict, paid: bool, texts: dict[str, str]) -> etree._Element:
    guia = verdict.guia
    days = [item.data.isoformat() for item in guia.itens]
    return element(
        "relacaoGuias",
        *_guia_numbers(guia),
        element("numeroCarteira", guia.carteira),
        element("dataInicioFat", min(days)),
        element("dataFimFat", max(days)),
        *(motivo_glosa("motivoGlosaGuia", code, texts[code]) for code in verdict.motivos),
        element("situacaoGuia", status(verdict, paid)),
        *map(_detalhe, verdict.itens),
        *_values("Guia", verdict, verdict.glosa_stated),
    )


def _detalhe(verdict: ItemVerdict) -> etree._Element:
    item = verdict.item
    return element(
        "detalhesGuia",
        element("sequencialItem", str(item.sequencial)),
        element("dataRealizacao", item.data.isoformat()),
        element(
            "procedimento",
            element("codigoTabela", item.tabela),
            element("codigoProcedimento", item.codigo),
            element("descricaoProcedimento", item.descricao),
        ),
        optional("grauParticipacao", item.grau),
        element("valorInformado", money(verdict.informado)),
        element("qtdExecutada", f"{item.quantidade:f}"),
        element("valorProcessado", money(verdict.processado)),
        element("valorLiberado", money(verdict.liberado)),
        *(
            element("relacaoGlosa", element("valorGlosa", money(cents)), element("tipoGlosa", code))
            for code, cents in verdict.glosas
        ),
        optional("centroConsumo", item.centro_consumo),
    )


def pagamento(
    demonstrativo: Demonstrativo,
    days: dict[date, list[Protocol]],
    taxes: bool,
    kind: str = INITIAL,
) -> etree._Element:
    """One demonstrativoPagamento; the service fee is charged on the first day that can bear it."""
    first = next(iter(days.values()))[0].lote
    fee, debits, blocks = _fee(demonstrativo.rng), 0, []
    for day, protocols in sorted(days.items()):
        rows = retentions(_released(protocols)) if taxes else []
        if fee and sum(cents for _, _, cents in rows) + fee <= _released(protocols):
            rows, fee = [*rows, ("07", "TARIFA DE SERVICO", fee)], 0
        debits += sum(cents for _, _, cents in rows)
        blocks.append(_pagamento_por_data(demonstrativo, day, protocols, rows, kind))
    total = add(each.verdict for protocols in days.values() for each in protocols)
    return element(
        "demonstrativoPagamento",
        demonstrativo.header(),
        element(
            "dadosContratado",
            element("dadosPrestador", first.prestador.contratado),
            element("CNES", first.guias[0].cnes),
        ),
        element("pagamentos", *blocks),
        element(
            "totaisDemonstrativo",
            element(
                "totaisBrutosDemonstrativo",
                element("valorInformadoBruto", money(total.informado)),
                element("valorProcessadoBruto", money(total.processado)),
                element("valorLiberadoBruto", money(total.liberado)),
                element("valorGlosaBruto", money(total.glosa)),
            ),
            element(
                "totaisLiquidosDemonstrativo",
                element("totalDebitosDemonstrativo", money(debits)),
                element("totalCreditosdemonstrativo", money(0)),
                element("valorLiberadoDemonstrativo", money(total.liberado - debits)),
            ),
        ),
    )


def retentions(liberado: int) -> list[tuple[str, str, int]]:
    """The taxes withheld on `liberado`: T27 code, description, cents rounded half-up."""
    rows = [(code, name, half_up(liberado * rate)) for code, name, rate in TAXES]
    return [row for row in rows if row[2]]


def _fee(rng: Random) -> int:
    """Between R$ 5.00 and R$ 19.99."""
    return 500 + int(rng.random() * 1500)


def _released(protocols: Sequence[Protocol]) -> int:
    return sum(each.verdict.liberado for each in protocols)


def _pagamento_por_data(
    demonstrativo: Demonstrativo,
    day: date,
    protocols: Sequence[Protocol],
    debits: Sequence[tuple[str, str, int]],
    kind: str,
) -> etree._Element:
    total = add(each.verdict for each in protocols)
    withheld = sum(cents for _, _, cents in debits)
    return element(
        "pagamentosPorData",
        element(
            "dadosPagamento",
            element("dataPagamento", day.isoformat()),
            element("formaPagamento", "1"),
        ),
        element(
            "dadosResumo",
            *(_relacao_protocolo(demonstrativo, each, kind) for each in protocols),
        ),
        element(
            "totaisBrutosPorData",
            element("totalInformadoPorData", money(total.informado)),
            element("totalProcessadoPorData", money(total.processado)),
            element("totaLiberadoPorData", money(total.liberado)),
            element("totalGlosaPorData", money(total.glosa)),
        ),
        element("debitosCreditosPorData", *map(_debito, debits)) if debits else None,
        element(
            "totaisLiquidosPorData",
            element("totalDebitosPorData", money(withheld)),
            element("totalCreditosPorData", money(0)),
            element("liquidoPorData", money(total.liberado - withheld)),
        ),
    )


def _relacao_protocolo(
    demonstrativo: Demonstrativo, protocol: Protocol, kind: str
) -> etree._Element:
    return element(
        "relacaoProtocolos",
        element("dataProtocolo", protocol.received_on.isoformat()),
        element("numeroProtocolo", protocol.numero),
        element("numeroLote", protocol.lote.numero),
        *_values("", protocol.verdict, demonstrativo.stated()),
        *(_guia_do_lote(each, kind) for each in protocol.verdict.guias),
    )


def _guia_do_lote(verdict: GuiaVerdict, kind: str) -> etree._Element:
    return element(
        "guiasDoLote",
        *_guia_numbers(verdict.guia),
        element("tipoPagamento", kind),
        *_values("Guia", verdict, verdict.glosa_stated)[1:],
    )


def _debito(row: tuple[str, str, int]) -> etree._Element:
    code, name, cents = row
    return element(
        "debitosCreditos",
        element("indicador", "1"),
        element("tipoDebitoCredito", code),
        element("descricaoDbCr", name),
        element("valorDbCr", money(cents)),
    )


def _guia_numbers(guia: Guia) -> list[etree._Element | None]:
    return [
        element("numeroGuiaPrestador", guia.numero),
        optional("numeroGuiaOperadora", guia.numero_operadora),
        optional("senha", guia.senha),
    ]


def _values(suffix: str, sums: Sums, stated: bool) -> list[etree._Element | None]:
    """The four values of a level, their names ending in `suffix`; the glosa is optional."""
    return [
        element(f"valorInformado{suffix}", money(sums.informado)),
        element(f"valorProcessado{suffix}", money(sums.processado)),
        element(f"valorLiberado{suffix}", money(sums.liberado)),
        element(f"valorGlosa{suffix}", money(sums.glosa)) if stated else None,
    ]


def status(sums: Sums, paid: bool) -> str:
    """T47 of what was analysed."""
    if sums.informado and not sums.liberado:
        return CLOSED_UNPAID
    return PAID if paid else APPROVED
