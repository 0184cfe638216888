"""What becomes of recursos de glosa: each is judged claim by claim (guide §5.8)."""

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


class SecondLook:
    """Every recurso taken, by its protocol; one is answered `days` after it came."""

    def __init__(self, identity: Identity, reader: AppealReader, days: int):
        self.identity = identity
        self.reader = reader
        self.days = days
        self.appeals: dict[str, Appeal] = {}
        self._contested: set[tuple] = set()
        self._numbers: set[tuple[Prestador, str]] = set()

    def receive(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """recursoGlosa → recebimentoRecursoGlosa."""
        numero = f"{self.identity.prefix}9{len(self.appeals) + 1:05d}"
        appeal = self.reader.read(node[0], prestador, numero, on)
        place = (prestador, appeal.numero_prestador)
        if place in self._numbers:
            raise Refusal("number repeated", f"recurso {appeal.numero_prestador}")
        contested = {
            (appeal.protocol.numero, each.guia, each.sequencial, each.code)
            for each in appeal.claims
        }
        if contested & self._contested:
            raise Refusal("appealed before", f"protocolo {appeal.protocol.numero}")

        def register() -> None:
            self.appeals[numero] = appeal
            self._numbers.add(place)
            self._contested.update(contested)

        return Reply(appeal_answers.receipt(appeal, self.identity), register, number=numero)

    def ask(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """solicitacaoStatusRecursoGlosa → respostaRecursoGlosa."""
        numero = text(node, "ans:numeroProtocolo")
        appeal = self.appeals.get(numero)
        if appeal is None or appeal.prestador != prestador:
            raise Refusal("protocol not found", f"recurso {numero}")
        if on < appeal.received_on + timedelta(self.days):
            return Reply(appeal_answers.status(appeal, self.identity, on))
        return Reply(appeal_answers.answer(appeal, self.identity, self.judge(appeal)))

    def judge(self, appeal: Appeal) -> list[Judged]:
        """The same for the same seed, protocol and claims."""
        return [Judged(claim, self._accepted(appeal, claim)) for claim in appeal.claims]

    def _accepted(self, appeal: Appeal, claim: Claim) -> int:
        """Cents; the reasons given against one whole are judged together."""
        code = claim.code if claim.sequencial is not None else ""
        place = f"{appeal.protocol.numero}|{claim.guia}|{claim.sequencial}|{code}"
        rng = Random(f"{self.identity.seed}|recurso|{place}")
        fate = rng.random()
        if fate < ACCEPTED:
            return claim.recursado
        if fate >= IN_PART or claim.sequencial is None or claim.recursado < 2:
            return 0
        percent = 20 + int(rng.random() * 61)
        part = half_up(Decimal(claim.recursado * percent) / 100)
        return min(max(part, 1), claim.recursado - 1)
