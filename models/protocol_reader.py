"""What a situacaoProtocolo says, read out of its dict; knows no record (guide §4.2)."""

from typing import Any, NamedTuple

NOT_FOUND = "7"  # T47
NOT_FOUND_REASONS = ("3291", "5054")  # T38: protocolo, identifier not found
PAID, DENIED, CANCELLED = "6", "4", "9"  # T47, after which nothing comes
WAITS_FOR_DOCUMENTS = "8"


class ProtocolStatus(NamedTuple):
    """One answer. `error` is the ct_motivoGlosa of an operadora that found nothing to tell.

    `kind` is "lote", "annex", or None where the refusal does not even say of what.
    """

    kind: str | None
    error: dict | None
    status: str | None = None
    protocol: str | None = None
    lote: str | None = None
    sent_date: Any = None
    guias: tuple[str, ...] = ()
    annexes: dict | None = None

    def is_not_found(self):
        """Whether the operadora says that it does not have what it was asked about."""
        if self.error is None:
            return self.status == NOT_FOUND
        return self.error.get("codigoGlosa") in NOT_FOUND_REASONS


def read_status(body):
    """The `ProtocolStatus` of a decoded situacaoProtocolo."""
    if "situacaoProtocoloAnexo" in body:
        lote = body["situacaoProtocoloAnexo"]["loteAnexo"]
        kind, detail = "annex", lote.get("detalheLoteAnexo")
    elif "situacaoDoProtocolo" in body:
        lote = body["situacaoDoProtocolo"]["lote"]
        kind, detail = "lote", lote.get("detalheLote")
    else:
        return ProtocolStatus(None, body["mensagemErro"] or {})
    if not detail:
        return ProtocolStatus(kind, lote["mensagemErro"] or {})
    return ProtocolStatus(
        kind,
        None,
        status=detail["statusProtocolo"],
        protocol=detail["numeroProtocolo"],
        lote=detail["numeroLote"],
        sent_date=detail.get("dataEnvioLote"),
        guias=tuple(_guia_numbers(detail.get("guiasTISS") or {})),
        annexes=detail.get("anexosClinicos"),
    )


def _guia_numbers(guias):
    for group in guias.get("guiasMedicas") or guias.get("guiasOdonto") or []:
        number = (group.get("guias") or {}).get("numeroGuiaPrestador")
        if number:
            yield number
