"""What the answers to a recurso de glosa say, read out of their dicts; knows no record (§5.8)."""

from typing import Any, NamedTuple

from ..standard.money import to_cents

YES = "S"


class Claim(NamedTuple):
    """What was answered of one thing; guia None is the whole protocolo, item None a whole guia.

    `granted` is cents, or whether the whole was granted.
    """

    guia: str | None
    item: int | None
    code: str
    granted: int | bool
    note: str | None


class AppealReceipt(NamedTuple):
    """That the operadora took a recurso; it does not say by which number it was sent."""

    protocol: str
    date: Any
    contested_protocol: str
    guias: frozenset[str]
    total: int | None


def read_receipt(receipt):
    """The `AppealReceipt` of a ct_recursoGlosaRecebimento."""
    total = receipt.get("valorTotalRecursado")
    return AppealReceipt(
        protocol=receipt["nrProtocoloRecursoGlosa"],
        date=receipt.get("dataRecebimentoRecurso"),
        contested_protocol=receipt["nrProtocoloRecursado"],
        guias=frozenset(each["numeroGuiaOrigem"] for each in receipt.get("guiasRecurso") or []),
        total=None if total is None else to_cents(total),
    )


def read_claims(receipt):
    """The claims of a ct_glosaRecibo or ct_glosaReciboOdonto, and what was granted of all."""
    option = receipt["opcaoRecurso"]
    whole = option.get("recursoProtocolo")
    if whole:
        granted = whole["recursoAcatado"] == YES
        note = whole.get("justificativaOPSnaoAcatadoProt")
        return [Claim(None, None, whole["codigoGlosaProtocolo"], granted, note)]
    return [claim for guia in option["recursoGuia"] for claim in _read_guia(guia)]


def _read_guia(guia):
    medical, dental = guia.get("respostaGuia"), guia.get("respostaRecursoGuiaOdonto")
    if medical:
        yield Claim(
            medical["numeroGuiaPrestador"],
            None,
            medical["codGlosa"],
            medical["recursoGuiaAcatado"] == YES,
            medical.get("justificativaOPSnaoAcatadoGuia"),
        )
    elif dental:
        granted = dental["recursoAcatadoGuia"] == YES
        yield Claim(dental["numeroGuiaPrestador"], None, dental["codGlosaGuia"], granted, None)
    elif guia.get("respostaGuiaItens"):
        item = guia["respostaGuiaItens"]
        yield _read_item(item["numeroGuiaPrestador"], item, "codGlosa", "valorAcatadado")
    else:
        items = guia["respostaRecursoItemOdonto"]
        for item in items["recursoProcedimento"]:
            yield _read_item(items["numeroGuiaPrestador"], item, "codGlosaProc", "valorAcatado")


def _read_item(guia, item, code, amount):
    return Claim(
        guia,
        int(item["sequencialItem"]),
        item[code],
        to_cents(item[amount]),
        item.get("justificativaOperadora"),
    )
