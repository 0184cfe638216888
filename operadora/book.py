"""The register of authorisations, and what it says about a guia that uses one (guide §5.6)."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from .decisions import CANCELLED, GRANTED, IN_PART, Decision
from .lote import Guia, Item, Lote
from .message import Prestador
from .official import Schema
from .reception import Refusal, half_up
from .requests import INTERNACAO, ODONTO, PRORROGACAO, SP_SADT, Request

# Tabela 38, best first, as in REASONS.
ANOTHER_CARD = ("3306", "1001")
WRONG_SENHA = ("3306", "1307")
WAS_CANCELLED = ("1437",)
NOT_GRANTED = ("1818",)
EXPIRED = ("1414",)
BEFORE = ("1814",)
ANOTHER_CODE = ("2505",)
TOO_MANY = ("3292", "2506")
TOO_LONG = ("1917",)
DIARIA = "05"
STAYS = (INTERNACAO, PRORROGACAO)


@dataclass(frozen=True)
class Authorization:
    """A request that was taken, under the operadora's number; the senha is told when granted."""

    numero: str
    senha: str
    request: Request
    asked_on: date
    decision: Decision
    cancelled: bool = False

    def status_on(self, day: date) -> str:
        """T45 on that day."""
        return CANCELLED if self.cancelled else self.decision.status_on(day)

    def granted_on(self, day: date) -> bool:
        """Had the prestador a senha by then?"""
        return self.status_on(day) in (GRANTED, IN_PART)


@dataclass(frozen=True)
class Ruling:
    """What the authorisation says of one guia: `motivo` denies it whole, `itens` by sequence."""

    motivo: str | None = None
    itens: dict[int, tuple[str, int]] = field(default_factory=dict)
    used: Counter = field(default_factory=Counter)


class Book:
    """Every request taken, and what was billed on each."""

    def __init__(self):
        self._by_request: dict[tuple[Prestador, str], str] = {}
        self._by_senha: dict[str, str] = {}
        self._extensions: dict[tuple[Prestador, str], list[str]] = {}
        self._used: dict[tuple[Prestador, str], Counter] = {}
        self._total: Counter = Counter()
        self.authorizations: dict[str, Authorization] = {}

    def add(self, authorization: Authorization) -> None:
        request = authorization.request
        self.authorizations[authorization.numero] = authorization
        self._by_request[request.prestador, request.numero] = authorization.numero
        self._by_senha[authorization.senha] = authorization.numero
        if request.kind == PRORROGACAO:
            place = (request.prestador, request.referenciada)
            self._extensions.setdefault(place, []).append(authorization.numero)

    def find(self, prestador: Prestador, numero: str | None) -> Authorization | None:
        """By the number of the prestador's guia, or by the number that the operadora gave."""
        found = self.authorizations.get(self._by_request.get((prestador, numero), numero))
        return found if found and found.request.prestador == prestador else None

    def is_taken(self, prestador: Prestador, numero: str) -> bool:
        """Did this prestador ask under that number before?"""
        return (prestador, numero) in self._by_request

    def is_used(self, authorization: Authorization) -> bool:
        """Is there a live guia that bills on it?"""
        return any(
            place[0] == authorization.numero and units > 0 for place, units in self._total.items()
        )

    def find_for(self, prestador: Prestador, numero: str, carteira: str) -> Authorization | None:
        """The same; Refusal when that request is of another card."""
        found = self.find(prestador, numero)
        if found and found.request.carteira != carteira:
            raise Refusal("another card", f"guia {numero}: numeroCarteira")
        return found

    def document_arrived(self, authorization: Authorization, on: date) -> None:
        decision = authorization.decision.with_document(on)
        self.authorizations[authorization.numero] = replace(authorization, decision=decision)

    def cancel(self, authorization: Authorization) -> None:
        self.authorizations[authorization.numero] = replace(authorization, cancelled=True)

    def rulings(self, lote: Lote, schema: Schema, on: date) -> dict[str, Ruling]:
        """The ruling on each guia that uses an authorisation of ours, in the order of the lote."""
        used, rulings = Counter(self._total), {}
        for guia in lote.guias:
            ruling = self._rule(guia, schema, on, used)
            if ruling:
                used.update(ruling.used)
                rulings[guia.numero] = ruling
        return rulings

    def consume(self, prestador: Prestador, rulings: dict[str, Ruling]) -> None:
        """The guias are taken: what they use is used."""
        for numero, ruling in rulings.items():
            self._used[prestador, numero] = ruling.used
            self._total.update(ruling.used)

    def release(self, prestador: Prestador, numero: str) -> None:
        """The guia is cancelled: others may use what it used."""
        self._total.subtract(self._used.pop((prestador, numero), Counter()))

    def _rule(self, guia: Guia, schema: Schema, on: date, used: Counter) -> Ruling | None:
        """None for a guia without a number of ours: it may have been authorised elsewhere."""
        by_senha = self.authorizations.get(self._by_senha.get(guia.senha))
        found = by_senha or self.authorizations.get(guia.numero_operadora)
        if not found:
            return None
        if found.request.carteira != guia.carteira:
            return Ruling(schema.first_glosa(*ANOTHER_CARD))
        if found.cancelled:
            return Ruling(schema.first_glosa(*WAS_CANCELLED))
        if not found.granted_on(on):
            return Ruling(schema.first_glosa(*NOT_GRANTED))
        if guia.senha and not by_senha:
            return Ruling(schema.first_glosa(*WRONG_SENHA))
        return self._rule_items(guia, found, schema, on, used)

    def _rule_items(
        self, guia: Guia, found: Authorization, schema: Schema, on: date, used: Counter
    ) -> Ruling:
        ruling, base = Ruling(), self._base(found)
        allowed = self._allowed(base, on)
        for item in guia.itens:
            codes = _out_of_time(item, guia, found)
            if codes:
                ruling.itens[item.sequencial] = schema.first_glosa(*codes), item.informado
                continue
            key, codes = _limit(item, base, allowed)
            if key is None:
                if codes:
                    ruling.itens[item.sequencial] = schema.first_glosa(*codes), item.informado
                continue
            # Surgeon, assistant and anaesthetist each bill the one procedure.
            place = (base.numero, *key, item.grau)
            left = max(allowed[key] - used[place] - ruling.used[place], Decimal(0))
            taken = min(item.quantidade, left)
            ruling.used[place] += taken
            if taken < item.quantidade:
                excess = item.informado * (item.quantidade - taken) / item.quantidade
                ruling.itens[item.sequencial] = schema.first_glosa(*codes), half_up(excess)
        return ruling

    def _base(self, found: Authorization) -> Authorization:
        """The internação that an extension extends, when it was authorised here."""
        request = found.request
        return self.find(request.prestador, request.referenciada) or found

    def _allowed(self, base: Authorization, on: date) -> Counter:
        """Units by table and code, days under DIARIA; extensions of the stay count too."""
        request, allowed = base.request, Counter()
        extensions = [
            self.authorizations[numero]
            for name in (base.numero, request.numero)
            for numero in self._extensions.get((request.prestador, name), ())
        ]
        for each in (base, *extensions):
            if not each.granted_on(on):
                continue
            for item in each.decision.final.itens:
                allowed[item.item.tabela, item.item.codigo] += item.autorizada
            allowed[(DIARIA,)] += each.decision.final.diarias
        return allowed


def _out_of_time(item: Item, guia: Guia, found: Authorization) -> tuple[str, ...] | None:
    """A stay must begin while the senha holds; anything else must be done by then."""
    decision, when = found.decision, item.data
    if found.request.kind in STAYS:
        when = min(each.data for each in guia.itens)
    if when > decision.valid_until:
        return EXPIRED
    # An emergency is authorised after the fact.
    return BEFORE if item.data < decision.decided_on and not guia.urgente else None


def _limit(
    item: Item, found: Authorization, allowed: Counter
) -> tuple[tuple | None, tuple[str, ...] | None]:
    """What limits the item and the codes for exceeding it; no limit but codes: it is not there."""
    key = (item.tabela, item.codigo)
    if key in allowed:
        return key, TOO_MANY
    if item.despesa == DIARIA and found.request.kind in STAYS:
        return (DIARIA,), TOO_LONG
    # An internação bills visits and fees that nobody asks for beforehand.
    strict = item.despesa is None and found.request.kind in (SP_SADT, ODONTO)
    return None, ANOTHER_CODE if strict else None
