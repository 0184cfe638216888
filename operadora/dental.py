"""The dental demonstrativo: one file analyses the items of GTOs and pays them (guide §5.4).

What is claimed of an item is its value without the patient's share (franquia); this file alone
writes the whole value, and the share beside it.
"""

from collections.abc import Sequence
from datetime import date

from lxml import etree

from . import answers
from .answers import Demonstrativo, Protocol, retentions
from .message import element, money, optional
from .verdict import GuiaVerdict, ItemVerdict

INITIAL, OF_APPEAL = "N", "S"  # recurso
# The five sums of each level, under the names of the XSD with its slips.
VALUES = ("Informado", "Processado", "Glosa", "Franquia", "Liberado")
BY_GUIA = tuple(f"valorTotal{name}Guia" for name in VALUES)
BY_PROTOCOL = tuple(f"valorTotal{name}PorProtocolo" for name in VALUES)
BY_DAY = ("valorBrutonformadoPorData", *(f"valorBruto{name}PorData" for name in VALUES[1:]))
OF_ALL = (
    "valorInformadoPorDemonstrativoData",
    "valorlProcessadoPorDemonstrativo",
    "valorlGlosaPorDemonstrativo",
    "valoFranquiaPorDemonstrativo",
    "valorLiberadoPorDemonstrativo",
)
OF_ITEM = (
    "valorInformado",
    "valorProcessado",
    "valorGlosaEstorno",
    "valorFranquia",
    "valorLiberado",
)


def is_dental(protocol: Protocol) -> bool:
    return answers.is_dental(protocol.lote)


def pagamento_odonto(
    demonstrativo: Demonstrativo,
    protocols: Sequence[Protocol],
    *,
    paid_on: date,
    cnpj: str,
    taxes: bool,
    recurso: str = INITIAL,
) -> etree._Element:
    """One demonstrativoPagamentoOdonto of one prestador and one day.

    :param cnpj: of the prestador, whose messages may carry only its code; or a person's CPF
    :param recurso: whether what recursos recovered is paid
    """
    itens = [item for each in protocols for guia in each.verdict.guias for item in guia.itens]
    liberado = sum(item.liberado for item in itens)
    debits = retentions(liberado) if taxes else []
    withheld = sum(cents for _, _, cents in debits)
    prestador = protocols[0].lote.prestador
    return element(
        "demonstrativoPagamentoOdonto",
        _header(demonstrativo),
        _prestador(prestador.value, cnpj),
        element(
            "dadosPagamentoPorData",
            element("dadosPagamento", element("dataPagamento", paid_on.isoformat())),
            *(_protocolo(each, recurso) for each in protocols),
            element("totaisPorData", *_sums(BY_DAY, itens)),
            element("debCredPorDataPagamento", *map(_desconto, debits)) if debits else None,
            element(
                "totalLiquidoPorData",
                element("valorTotalDebitosPorData", money(withheld)),
                element("valorTotalCreditosPorData", money(0)),
                element("valorFinalAReceberPorData", money(liberado - withheld)),
            ),
        ),
        element("totaisBrutoDemonstrativo", *_sums(OF_ALL, itens)),
        element("totalDebitosDemonstativo", money(withheld)),
        element("totalCreditosDemonstrativo", money(0)),
        element("valorRecebidoDemonstrativo", money(liberado - withheld)),
    )


def _prestador(code: str, cnpj: str) -> etree._Element:
    number = element("cpfContratado" if len(cnpj) == 11 else "cnpjPrestador", cnpj)
    return element(
        "dadosPrestador",
        element("codigoPrestador", code[:14]),
        element("cpfCNPJContratado", number),
    )


def _header(demonstrativo: Demonstrativo) -> etree._Element:
    day = demonstrativo.issued_on.isoformat()
    return element(
        "cabecalhoDemonstrativoOdonto",
        element("registroANS", demonstrativo.ans_code),
        element("numeroDemonstrativo", demonstrativo.numero),
        element("nomeOperadora", demonstrativo.name),
        element("cnpjOper", demonstrativo.cnpj),
        element("periodoProc", element("datainicio", day), element("datafim", day)),
    )


def _protocolo(protocol: Protocol, recurso: str) -> etree._Element:
    guias = protocol.verdict.guias
    executante = f"PRESTADOR {protocol.lote.prestador.value}"
    return element(
        "protocolos",
        element("numeroLote", protocol.lote.numero),
        element("numeroProtocolo", protocol.numero),
        *(_guia(each, executante, recurso) for each in guias),
        element(
            "totaisPorProtocolo",
            *_sums(BY_PROTOCOL, [item for each in guias for item in each.itens]),
        ),
    )


def _guia(verdict: GuiaVerdict, executante: str, recurso: str) -> etree._Element:
    guia = verdict.guia
    return element(
        "dadosPagamentoGuia",
        element("numeroGuiaPrestador", guia.numero),
        optional("numeroGuiaOperadora", guia.numero_operadora),
        element("recurso", recurso),
        element("nomeExecutante", executante),
        element("carteiraBeneficiario", guia.carteira),
        *(_item(each, verdict.motivos) for each in verdict.itens),
        *_sums(BY_GUIA, verdict.itens),
    )


def _item(verdict: ItemVerdict, motivos: Sequence[str]) -> etree._Element:
    """The file has no place for what denies a whole guia but its items."""
    item = verdict.item
    codes = dict.fromkeys([*motivos, *(code for code, _cents in verdict.glosas)])
    return element(
        "dadosPagamento",
        element("sequencialItem", str(item.sequencial)),
        element(
            "procedimento",
            element("codigoTabela", item.tabela),
            element("codigoProcedimento", item.codigo),
            element("descricaoProcedimento", item.descricao),
        ),
        element("dataRealizacao", item.data.isoformat()),
        element("qtdProc", str(int(item.quantidade))),
        *_sums(OF_ITEM, [verdict]),
        *(element("codigosGlosa", code) for code in codes),
    )


def _sums(names: Sequence[str], itens: Sequence[ItemVerdict]) -> list[etree._Element]:
    """The five sums of what is below: informado = glosa + franquia + liberado."""
    franquia = sum(each.item.franquia for each in itens)
    informado, processado, liberado = (
        sum(getattr(each, name) for each in itens)
        for name in ("informado", "processado", "liberado")
    )
    values = (
        informado + franquia,
        processado + franquia,
        informado - liberado,
        franquia,
        liberado,
    )
    return [element(name, money(cents)) for name, cents in zip(names, values, strict=True)]


def _desconto(row: tuple[str, str, int]) -> etree._Element:
    code, name, cents = row
    return element(
        "descontos",
        element("indicador", "1"),
        element("tipoDebitoCredito", code),
        element("descricaoDbCr", name),
        element("valorDbCr", money(cents)),
    )
