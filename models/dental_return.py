"""The odonto demonstrativo in the shape of the medical ones (guide §5.4).

A single dental file analyses the items and pays them: `to_analysis` and `to_payment` give what a
`demonstrativoAnaliseConta` and a `demonstrativoPagamento` would say of the same, so that matching,
checking and posting exist once. What the patient pays (franquia) was never billed to the
operadora: it comes off what the file calls presented.
"""

from ..standard.money import from_cents, to_cents

APPEAL = "S"
SUMS = {  # level of the medical analysis: elements of its dental counterpart
    "": ("valorInformado", "valorProcessado", "valorFranquia", "valorLiberado"),
    "Guia": (
        "valorTotalInformadoGuia",
        "valorTotalProcessadoGuia",
        "valorTotalFranquiaGuia",
        "valorTotalLiberadoGuia",
    ),
    "Protocolo": (
        "valorTotalInformadoPorProtocolo",
        "valorTotalProcessadoPorProtocolo",
        "valorTotalFranquiaPorProtocolo",
        "valorTotalLiberadoPorProtocolo",
    ),
    "Geral": (
        "valorInformadoPorDemonstrativoData",
        "valorlProcessadoPorDemonstrativo",
        "valoFranquiaPorDemonstrativo",
        "valorLiberadoPorDemonstrativo",
    ),
}


def to_header(part):
    """ct_demonstrativoCabecalho: the day of issue is the last day of the period."""
    header = part["cabecalhoDemonstrativoOdonto"]
    return {**header, "dataEmissao": header["periodoProc"]["datafim"]}


def to_analysis(part):
    """The demonstrativoAnaliseConta in a dental demonstrativo; appeals are no part of it."""
    protocols = [
        {
            **_get_own_sums(
                protocol["totaisPorProtocolo"], "Protocolo", protocol["dadosPagamentoGuia"]
            ),
            "numeroProtocolo": protocol["numeroProtocolo"],
            "numeroLotePrestador": protocol["numeroLote"],
            "relacaoGuias": [
                _to_analysed_guia(guia)
                for guia in protocol["dadosPagamentoGuia"]
                if guia["recurso"] != APPEAL
            ],
        }
        for day in part["dadosPagamentoPorData"]
        for protocol in day["protocolos"]
    ]
    guias = [
        guia
        for day in part["dadosPagamentoPorData"]
        for protocol in day["protocolos"]
        for guia in protocol["dadosPagamentoGuia"]
    ]
    return {
        "cabecalhoDemonstrativo": to_header(part),
        **_get_own_sums(part["totaisBrutoDemonstrativo"], "Geral", guias),
        "dadosConta": {"dadosProtocolo": [each for each in protocols if each["relacaoGuias"]]},
        "observacao": part.get("observacao"),
    }


def to_payment(part):
    """The demonstrativoPagamento in a dental demonstrativo."""
    total = _get_sums(part["totaisBrutoDemonstrativo"], "Geral")
    return {
        "cabecalhoDemonstrativo": to_header(part),
        "pagamentos": {
            "pagamentosPorData": [_to_paid_day(day) for day in part["dadosPagamentoPorData"]]
        },
        "totaisDemonstrativo": {
            "totaisBrutosDemonstrativo": {
                "valorInformadoBruto": total["valorInformadoGeral"],
                "valorLiberadoBruto": total["valorLiberadoGeral"],
            },
            "totaisLiquidosDemonstrativo": {
                "valorLiberadoDemonstrativo": part["valorRecebidoDemonstrativo"]
            },
        },
        "observacao": part.get("observacao"),
    }


def _get_sums(values, level):
    informed, processed, patient, released = (values[name] for name in SUMS[level])
    return {
        f"valorInformado{level}": from_cents(to_cents(informed) - to_cents(patient)),
        f"valorProcessado{level}": from_cents(to_cents(processed) - to_cents(patient)),
        f"valorLiberado{level}": released,
    }


def _get_own_sums(values, level, guias):
    """The sums of a level without the appeals of the guias below it, which are only paid."""
    own = dict(values)
    for guia in guias:
        if guia["recurso"] == APPEAL:
            for name, part in zip(SUMS[level], SUMS["Guia"], strict=True):
                own[name] = from_cents(to_cents(own[name]) - to_cents(guia[part]))
    return _get_sums(own, level)


def _to_analysed_guia(guia):
    return {
        "numeroGuiaPrestador": guia["numeroGuiaPrestador"],
        "detalhesGuia": [_to_item(item) for item in guia["dadosPagamento"]],
        **_get_sums(guia, "Guia"),
    }


def _to_item(item):
    """Several codes share one amount that the file does not divide: none of them has its own."""
    codes = item.get("codigosGlosa") or []
    amount = item["valorGlosaEstorno"] if len(codes) == 1 else None
    return {
        "sequencialItem": item["sequencialItem"],
        "procedimento": item["procedimento"],
        **_get_sums(item, ""),
        "relacaoGlosa": [{"tipoGlosa": code, "valorGlosa": amount} for code in codes],
    }


def _to_paid_day(day):
    net = day["totalLiquidoPorData"]
    discounts = (day.get("debCredPorDataPagamento") or {}).get("descontos") or []
    return {
        "dadosPagamento": day["dadosPagamento"],
        "dadosResumo": {
            "relacaoProtocolos": [_to_paid_protocol(each) for each in day["protocolos"]]
        },
        "totaisBrutosPorData": {
            "totaLiberadoPorData": day["totaisPorData"]["valorBrutoLiberadoPorData"]
        },
        "debitosCreditosPorData": {"debitosCreditos": discounts},
        "totaisLiquidosPorData": {
            "totalDebitosPorData": net["valorTotalDebitosPorData"],
            "totalCreditosPorData": net["valorTotalCreditosPorData"],
            "liquidoPorData": net["valorFinalAReceberPorData"],
        },
    }


def _to_paid_protocol(protocol):
    return {
        "numeroProtocolo": protocol["numeroProtocolo"],
        "numeroLote": protocol["numeroLote"],
        "valorLiberado": protocol["totaisPorProtocolo"]["valorTotalLiberadoPorProtocolo"],
        "guiasDoLote": [
            {
                "numeroGuiaPrestador": guia["numeroGuiaPrestador"],
                "tipoPagamento": "2" if guia["recurso"] == APPEAL else "1",
                **_get_sums(guia, "Guia"),
            }
            for guia in protocol["dadosPagamentoGuia"]
        ],
    }
