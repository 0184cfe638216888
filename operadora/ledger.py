"""The lotes that were taken: their protocols, what was paid, and what may still be cancelled."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from . import answers
from .cancellation import DONE, NO_GUIA, NO_LOTE, NO_PROTOCOL, NOT_DONE, Wanted
from .lote import Lote
from .message import Prestador
from .reception import Refusal
from .verdict import lote_verdict


class Ledger:
    """Lotes by protocol, and the numbers that cannot come again."""

    def __init__(self):
        self.received = 0
        self.protocols: dict[str, answers.Protocol] = {}
        self.payments: dict[str, tuple[frozenset[str], bytes]] = {}
        self.analysed: set[str] = set()
        self.cancelled: dict[str, answers.Protocol] = {}
        self._lotes: dict[tuple[Prestador, str], str] = {}
        self._guias: dict[tuple[Prestador, str], str] = {}

    def check_new(self, lote: Lote) -> None:
        """Refusal when the number of the lote, or of a guia of a live lote, came before."""
        if (lote.prestador, lote.numero) in self._lotes:
            raise Refusal("lote repeated", f"lote {lote.numero}")
        for guia in lote.guias:
            if (lote.prestador, guia.numero) in self._guias:
                raise Refusal("guia repeated", f"guia {guia.numero}")

    def add(self, protocol: answers.Protocol) -> None:
        lote = protocol.lote
        self.received += 1
        self.protocols[protocol.numero] = protocol
        self._lotes[lote.prestador, lote.numero] = protocol.numero
        for guia in lote.guias:
            self._guias[lote.prestador, guia.numero] = protocol.numero

    def find(
        self, number: str, prestador: Prestador, by_lote: bool = False
    ) -> answers.Protocol | None:
        """The protocol of that number, perhaps that of the lote of that number, if it is his."""
        numbers = [number]
        if by_lote:
            numbers.append(self._lotes.get((prestador, number)))
        known = (self.protocols.get(each) or self.cancelled.get(each) for each in numbers)
        found = next(filter(None, known), None)
        return found if found and found.lote.prestador == prestador else None

    def has_lote(self, prestador: Prestador, numero: str) -> bool:
        """Did a lote of that number come before?"""
        return (prestador, numero) in self._lotes

    def choose(self, numbers: Iterable[str]) -> list[answers.Protocol]:
        """The protocols of those numbers; ValueError for an unknown one and for none."""
        numbers = list(dict.fromkeys(numbers))
        unknown = [number for number in numbers if number not in self.protocols]
        if unknown or not numbers:
            raise ValueError("Unknown protocol: " + (", ".join(unknown) or "none was given"))
        return [self.protocols[number] for number in numbers]

    def pay(self, chosen: Iterable[answers.Protocol], xml: bytes) -> None:
        """`xml` paid these protocols together."""
        numbers = frozenset(protocol.numero for protocol in chosen)
        self.payments.update(dict.fromkeys(numbers, (numbers, xml)))

    def paid_before(self, protocols: Iterable[str] | None) -> bytes:
        wanted = list(self.payments)[-1:] if protocols is None else list(protocols)
        payments = {self.payments.get(number) for number in wanted}
        found = payments.pop() if len(payments) == 1 else None
        if found is None or (protocols is not None and found[0] != set(wanted)):
            raise ValueError("These protocols were not paid together")
        return found[1]

    def may_cancel(self, wanted: Wanted, prestador: Prestador) -> str:
        """T46 of a lote or of a billed guia: what was analysed or paid stays."""
        place = (prestador, wanted.numero)
        number = (self._lotes if wanted.tipo is None else self._guias).get(place)
        if number is None:
            return NO_LOTE if wanted.tipo is None else NO_GUIA
        if wanted.protocolo is not None and wanted.protocolo != number:
            return NO_PROTOCOL
        judged = number in self.analysed or number in self.payments
        return DONE if number in self.protocols and not judged else NOT_DONE

    def cancel(
        self, wanted: Wanted, prestador: Prestador, release: Callable[[Prestador, str], None]
    ) -> None:
        """Take out what `may_cancel`; its guia numbers may come again, that of the lote never."""
        places = self._lotes if wanted.tipo is None else self._guias
        number = places[prestador, wanted.numero]
        protocol = self.protocols[number]
        gone = [
            guia.numero
            for guia in protocol.lote.guias
            if wanted.tipo is None or guia.numero == wanted.numero
        ]
        for numero in gone:
            del self._guias[prestador, numero]
            release(prestador, numero)
        kept = tuple(each for each in protocol.verdict.guias if each.guia.numero not in gone)
        if kept:
            lote = replace(protocol.lote, guias=tuple(each.guia for each in kept))
            self.protocols[number] = replace(protocol, lote=lote, verdict=lote_verdict(kept))
        else:
            self.cancelled[number] = self.protocols.pop(number)
