"""The odonto demonstrativo in the shape of the medical ones (guide §5.4).

A single dental file analyses the items and pays them: its pieces become those that a
`demonstrativoAnaliseConta` and a `demonstrativoPagamento` would have of the same, so that matching,
checking and posting exist once. What the patient pays (franquia) was never billed to the
operadora: it comes off what the file calls presented.
"""

from ..standard.money import from_cents, to_cents
from .return_pieces import ANALYSIS, DENTAL, PAYMENT, Piece
from .return_reading import ReturnReading

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


class DentalReading:
    """Reads the pieces of a dental file as an analysis and a payment; see `ReturnReading`."""

    def __init__(self, env, contract, rows):
        self.contract = contract
        self.rows = rows
        self.analysis = ReturnReading(env, contract, rows)
        self.payment = ReturnReading(env, contract, rows, first=1)
        self._takers = {
            "dadosPagamentoGuia": self._take_guia,
            "protocolos": self._take_protocol,
            "dadosPagamentoPorData": self._take_day,
            DENTAL: self._take_part,
        }
        self._appeals = {"Protocolo": [0] * 4, "Geral": [0] * 4}
        self._guias = [0, 0]  # of the protocolo: all, and those that are analysed

    @property
    def numbered(self):
        return [*self.analysis.numbered, *self.payment.numbered]

    def take(self, piece):
        """Read one piece; KeyError names the element that it lacks."""
        self._takers[piece.name](piece.values, piece.context)

    def _take_guia(self, guia, context):
        protocol = _to_protocol(context["protocolos"])
        self.payment.take(
            Piece("guiasDoLote", _to_paid_guia(guia), {"relacaoProtocolos": protocol})
        )
        self._guias[0] += 1
        if guia["recurso"] == APPEAL:
            # It is only paid: the analysis of it is the answer to the recurso.
            cents = [to_cents(guia[name]) for name in SUMS["Guia"]]
            for level, sums in self._appeals.items():
                self._appeals[level] = [a + b for a, b in zip(sums, cents, strict=True)]
            return
        self._guias[1] += 1
        analysed = {
            "numeroGuiaPrestador": guia["numeroGuiaPrestador"],
            **_get_sums(guia, "Guia"),
        }
        around = {"dadosProtocolo": protocol, "relacaoGuias": analysed}
        for item in guia["dadosPagamento"]:
            self.analysis.take(Piece("detalhesGuia", _to_item(item), around))
        self.analysis.take(Piece("relacaoGuias", analysed, around))

    def _take_protocol(self, protocol, _context):
        (count, analysed), self._guias = self._guias, [0, 0]
        if not count:
            raise KeyError("dadosPagamentoGuia")
        names = _to_protocol(protocol)
        totals = protocol["totaisPorProtocolo"]
        released = totals["valorTotalLiberadoPorProtocolo"]
        self.payment.take(Piece("relacaoProtocolos", {**names, "valorLiberado": released}, {}))
        sums = self._get_own_sums(totals, "Protocolo")
        self._appeals["Protocolo"] = [0] * 4
        if analysed:
            self.analysis.take(Piece("dadosProtocolo", {**names, **sums}, {}))

    def _take_day(self, day, _context):
        if not self.payment.protocols.count:
            raise KeyError("protocolos")
        self.payment.take(Piece("pagamentosPorData", _to_paid_day(day), {}))

    def _take_part(self, part, _context):
        if not self.payment.payments:
            raise KeyError("dadosPagamentoPorData")
        if self.analysis.protocols.count:
            sums = self._get_own_sums(part["totaisBrutoDemonstrativo"], "Geral")
            values = {
                "cabecalhoDemonstrativo": _to_header(part),
                "dadosConta": {},
                **sums,
                "observacao": part.get("observacao"),
            }
            self.analysis.take(Piece(ANALYSIS, values, {}))
        self.payment.take(Piece(PAYMENT, _to_payment(part), {}))

    def _get_own_sums(self, values, level):
        """The sums of a level without the appeals of the guias below it, which are only paid."""
        own = {
            name: from_cents(to_cents(values[name]) - cents)
            for name, cents in zip(SUMS[level], self._appeals[level], strict=True)
        }
        return _get_sums(own, level)


def _to_header(part):
    """ct_demonstrativoCabecalho: the day of issue is the last day of the period."""
    header = part["cabecalhoDemonstrativoOdonto"]
    return {
        **header,
        "numeroCNPJ": header.get("cnpjOper"),
        "dataEmissao": header["periodoProc"]["datafim"],
    }


def _to_payment(part):
    """The demonstrativoPagamento in a dental demonstrativo, without its days."""
    total = _get_sums(part["totaisBrutoDemonstrativo"], "Geral")
    return {
        "cabecalhoDemonstrativo": _to_header(part),
        "pagamentos": {},
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


def _to_protocol(protocol):
    lote = protocol["numeroLote"]
    return {
        "numeroProtocolo": protocol["numeroProtocolo"],
        "numeroLotePrestador": lote,
        "numeroLote": lote,
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


def _to_paid_guia(guia):
    return {
        "numeroGuiaPrestador": guia["numeroGuiaPrestador"],
        "tipoPagamento": "2" if guia["recurso"] == APPEAL else "1",
        **_get_sums(guia, "Guia"),
    }


def _to_paid_day(day):
    net = day["totalLiquidoPorData"]
    discounts = (day.get("debCredPorDataPagamento") or {}).get("descontos") or []
    return {
        "dadosPagamento": day["dadosPagamento"],
        "dadosResumo": {},
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
