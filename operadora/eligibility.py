"""Whether the bearer of a card may be attended today (guide §5.7)."""

from collections.abc import Callable, Mapping
from datetime import date
from random import Random

from lxml import etree

from .annexes import echo
from .authorizations import negativa
from .message import Prestador, element
from .official import Schema
from .reception import day, text
from .services import Reply
from .treasury import Identity

NOT_ELIGIBLE = 0.08
EXPIRED_CARD = ("1017",)
# Drawn for a card of which nothing was told.
REASONS = ("1009", "1016", "1006")


class Eligibility:
    """`told` says of a card why it is refused, or None where it is good; the seed of the rest."""

    def __init__(
        self,
        identity: Identity,
        schema: Schema,
        nome: Callable[[str], str],
        told: Mapping[str, str | None],
    ):
        self.ans_code = identity.ans_code
        self.schema = schema
        self._seed = identity.seed
        self._nome = nome
        self._told = told

    def verify(self, node: etree._Element, _prestador: Prestador, on: date) -> Reply:
        """verificaElegibilidade → respostaElegibilidade."""
        carteira = text(node, "ans:numeroCarteira")
        motivo = self._motivo(node, carteira, on)
        content = element(
            "reciboElegibilidade",
            element("registroANS", self.ans_code),
            *echo(
                node, "numeroCarteira", "ausenciaCodValidacao", "codValidacao", "validadeCarteira"
            ),
            element("nomeBeneficiario", self._nome(carteira)),
            *echo(node, "tipoIdent", "identificadorBeneficiario"),
            element("respostaSolicitacao", "N" if motivo else "S"),
            negativa((motivo,) if motivo else (), self.schema),
        )
        return Reply(content)

    def _motivo(self, node: etree._Element, carteira: str, on: date) -> str | None:
        """The code of Tabela 38 that refuses the card on that day."""
        if text(node, "ans:validadeCarteira") and day(node, "ans:validadeCarteira") < on:
            return self.schema.first_glosa(*EXPIRED_CARD)
        if carteira in self._told:
            return self._told[carteira]
        rng = Random(f"{self._seed}|elegibilidade|{carteira}")
        if rng.random() >= NOT_ELIGIBLE:
            return None
        known = [code for code in REASONS if code in self.schema.glosas]
        return known[int(rng.random() * len(known))]
