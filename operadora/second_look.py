"""What becomes of recursos de glosa: each is judged claim by claim (guide §5.8)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from lxml import etree

from . import appeal_answers
from .appeal_answers import Judged
from .appeals import Appeal, AppealReader, Claim
from .message import Prestador
from .reception import Refusal, half_up, text
from .services import Reply
from .treasury import Identity

# Cumulative: accepted whole, in part (an item only); the rest is kept.
ACCEPTED, IN_PART = 0.5, 0.7
INSTANCES = 2


class SecondLook:
    """Every recurso taken, by its protocol; one is answered `days` after it came."""

    def __init__(self, identity: Identity, reader: AppealReader, days: int):
        self.identity = identity
        self.reader = reader
        self.days = days
        self.appeals: dict[str, Appeal] = {}
        self.paid: set[str] = set()
        self._told: set[str] = set()
        self._contested: dict[tuple, list[Appeal]] = {}
        self._numbers: set[tuple[Prestador, str]] = set()

    def receive(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """recursoGlosa → recebimentoRecursoGlosa."""
        numero = f"{self.identity.prefix}9{len(self.appeals) + 1:05d}"
        appeal = self.reader.read(node[0], prestador, numero, on)
        place = (prestador, appeal.numero_prestador)
        if place in self._numbers:
            raise Refusal("number repeated", f"recurso {appeal.numero_prestador}")
        instance = max(self._instance(appeal, claim) for claim in appeal.claims)
        appeal = replace(appeal, instance=instance)

        def register() -> None:
            self.appeals[numero] = appeal
            self._numbers.add(place)
            for claim in appeal.claims:
                self._contested.setdefault(_key(appeal, claim), []).append(appeal)

        return Reply(appeal_answers.receipt(appeal, self.identity), register, number=numero)

    def _instance(self, appeal: Appeal, claim: Claim) -> int:
        """Which time a glosa is contested; Refusal for a third, and before an answer was fetched.

        A second instance wants no more than the first one kept.
        """
        earlier = self._contested.get(_key(appeal, claim), [])
        if not earlier:
            return 1
        if len(earlier) == INSTANCES or earlier[-1].numero not in self._told:
            raise Refusal("appealed before", f"protocolo {appeal.protocol.numero}")
        kept = sum(
            judged.claim.recursado - judged.acatado
            for judged in self.judge(earlier[-1])
            if _key(appeal, judged.claim) == _key(appeal, claim)
        )
        if claim.recursado > kept:
            raise Refusal("appeal", f"guia {claim.guia}: acima da glosa mantida")
        return len(earlier) + 1

    def is_answered(self, appeal: Appeal, on: date) -> bool:
        return on >= appeal.received_on + timedelta(self.days)

    def ask(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """solicitacaoStatusRecursoGlosa → respostaRecursoGlosa."""
        numero = text(node, "ans:numeroProtocolo")
        appeal = self.appeals.get(numero)
        if appeal is None or appeal.prestador != prestador:
            raise Refusal("protocol not found", f"recurso {numero}")
        if not self.is_answered(appeal, on):
            return Reply(appeal_answers.status(appeal, self.identity, on))
        content = appeal_answers.answer(appeal, self.identity, self.judge(appeal))
        return Reply(content, lambda: self._told.add(numero))

    def judge(self, appeal: Appeal) -> list[Judged]:
        """The same for the same seed, protocol and claims."""
        return [Judged(claim, self._accepted(appeal, claim)) for claim in appeal.claims]

    def _accepted(self, appeal: Appeal, claim: Claim) -> int:
        """Cents; the reasons given against one whole are judged together."""
        code = claim.code if claim.sequencial is not None else ""
        place = f"{appeal.protocol.numero}|{claim.guia}|{claim.sequencial}|{code}"
        again = f"|{appeal.instance}" if appeal.instance > 1 else ""
        rng = Random(f"{self.identity.seed}|recurso|{place}{again}")
        fate = rng.random()
        if fate < ACCEPTED:
            return claim.recursado
        if fate >= IN_PART or claim.sequencial is None or claim.recursado < 2:
            return 0
        percent = 20 + int(rng.random() * 61)
        part = half_up(Decimal(claim.recursado * percent) / 100)
        return min(max(part, 1), claim.recursado - 1)

    def choose_unpaid(
        self, numbers: Iterable[str] | None, on: date, dental: bool = False
    ) -> list[Appeal]:
        """Recursos that were answered and not paid; ValueError for others that are named."""
        ready = {
            number: each
            for number, each in self.appeals.items()
            if number not in self.paid and each.dental == dental and self.is_answered(each, on)
        }
        wanted = list(ready) if numbers is None else list(dict.fromkeys(numbers))
        missing = [number for number in wanted if number not in ready]
        if missing:
            raise ValueError("No answered, unpaid recurso: " + ", ".join(missing))
        return [ready[number] for number in wanted]


def _key(appeal: Appeal, claim: Claim) -> tuple:
    """What is contested, whichever recurso does it."""
    return appeal.protocol.numero, claim.guia, claim.sequencial, claim.code
