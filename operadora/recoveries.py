"""What recursos recovered, as protocols that a demonstrativo pays with tipoPagamento 2."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from .answers import Protocol
from .appeal_answers import Judged
from .appeals import Appeal
from .verdict import GuiaVerdict, ItemVerdict, lote_verdict


def recovered(appeal: Appeal, judged: Sequence[Judged]) -> Protocol | None:
    """The contested protocol with what a recurso was granted; None where that is nothing.

    What is informed of a guia is what was contested of it (guide §5.4: the form has no other).
    """
    contested: dict[str, int] = {}
    granted: dict[str, int] = {}
    wholes = set()
    for each in judged:
        place = (each.claim.guia, each.claim.sequencial)
        if each.claim.sequencial is None:
            if place in wholes:
                continue  # contested for two reasons, and paid once
            wholes.add(place)
        for guia, cents in _shares(appeal, each.claim.guia, each.claim.recursado).items():
            contested[guia] = contested.get(guia, 0) + cents
        for guia, cents in _shares(appeal, each.claim.guia, each.acatado).items():
            granted[guia] = granted.get(guia, 0) + cents
    guias = tuple(
        GuiaVerdict(
            informado=contested[verdict.guia.numero],
            processado=granted[verdict.guia.numero],
            liberado=granted[verdict.guia.numero],
            guia=verdict.guia,
            itens=(),
            motivos=(),
            glosa_stated=True,
        )
        for verdict in appeal.protocol.verdict.guias
        if granted.get(verdict.guia.numero)
    )
    if not guias:
        return None
    lote = replace(appeal.protocol.lote, guias=tuple(each.guia for each in guias))
    return replace(appeal.protocol, lote=lote, verdict=lote_verdict(guias))


def with_items(protocol: Protocol, appeal: Appeal, judged: Sequence[Judged]) -> Protocol:
    """What was recovered, item by item, as the dental demonstrativo tells it (guide §5.4)."""
    originals = {each.guia.numero: each for each in appeal.protocol.verdict.guias}
    guias = tuple(
        replace(verdict, itens=tuple(_items(verdict, originals[verdict.guia.numero], judged)))
        for verdict in protocol.verdict.guias
    )
    return replace(protocol, verdict=replace(protocol.verdict, guias=guias))


def _items(
    verdict: GuiaVerdict, original: GuiaVerdict, judged: Sequence[Judged]
) -> Iterator[ItemVerdict]:
    contested: dict[int, int] = {}
    granted: dict[int, int] = {}
    for each in judged:
        sequencial = each.claim.sequencial
        if each.claim.guia == verdict.guia.numero and sequencial is not None:
            contested[sequencial] = contested.get(sequencial, 0) + each.claim.recursado
            granted[sequencial] = granted.get(sequencial, 0) + each.acatado
    _fill(contested, original, verdict.informado)
    _fill(granted, original, verdict.liberado)
    for each in original.itens:
        sequencial = each.item.sequencial
        if contested.get(sequencial):
            # What the patient paid was told with the lote.
            item = replace(each.item, informado=contested[sequencial], franquia=0)
            cents = granted.get(sequencial, 0)
            yield ItemVerdict(item, cents, cents)


def _fill(shares: dict[int, int], original: GuiaVerdict, total: int) -> None:
    """What a whole guia is about goes to its items, one after the other."""
    rest = total - sum(shares.values())
    for each in original.itens:
        sequencial = each.item.sequencial
        room = each.informado - each.liberado - shares.get(sequencial, 0)
        part = max(min(room, rest), 0)
        shares[sequencial] = shares.get(sequencial, 0) + part
        rest -= part


def _shares(appeal: Appeal, guia: str | None, cents: int) -> dict[str, int]:
    """What of a claim is about which guia; that of a whole protocol fills one after the other."""
    if guia is not None:
        return {guia: cents}
    shares = {}
    for verdict in appeal.protocol.verdict.guias:
        shares[verdict.guia.numero] = part = min(verdict.glosa, cents)
        cents -= part
    return shares
