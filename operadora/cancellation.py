"""Taking back lotes, guias and requests, which is possible until they are judged (guide §4.3)."""

from dataclasses import dataclass

from lxml import etree

from .annexes import copy, echo
from .message import ANS, element, optional
from .reception import text

# T46
DONE, NOT_DONE, NO_GUIA, NO_LOTE, NO_PROTOCOL = "1", "2", "3", "5", "6"
REQUEST, BILLED = "1", "2"  # tipoGuia


@dataclass(frozen=True)
class Wanted:
    """One line of a cancellation; `tipo` is None for a whole lote, whose number is `numero`."""

    tipo: str | None
    numero: str
    protocolo: str | None
    node: etree._Element


def read_cancellation(node: etree._Element) -> list[Wanted]:
    """The lote, or the guias, that are to be cancelled."""
    kinds = node.find("ans:tipoCancelamento", ANS)
    return [
        Wanted(
            tipo=each.findtext("ans:tipoGuia", None, ANS),
            numero=text(each, "ans:numeroGuiaPrestador") or text(each, "ans:numeroLote"),
            protocolo=each.findtext("ans:numeroProtocolo", None, ANS),
            node=each,
        )
        for each in kinds
    ]


def recibo(node: etree._Element, lines: list[tuple[Wanted, str]], ans_code: str) -> etree._Element:
    """The receipt: the status of each line asked for."""
    first, status = lines[0]
    if first.tipo is None:
        result = element(
            "loteCancelado",
            element("numeroLote", first.numero),
            optional("numeroprotocolo", first.protocolo),
            element("statusCancelamento", status),
        )
    else:
        result = element("guiasCanceladas", *map(_dados_guia, lines))
    return element(
        "reciboCancelaGuia",
        element("registroANS", ans_code),
        copy(node.find("ans:dadosPrestador", ANS)),
        element("retornoStatus", result),
    )


def _dados_guia(line: tuple[Wanted, str]) -> etree._Element:
    wanted, status = line
    names = ("tipoGuia", "numeroGuiaPrestador", "numeroGuiaOperadora", "numeroProtocolo")
    return element("dadosGuia", *echo(wanted.node, *names), element("statusCancelamento", status))
