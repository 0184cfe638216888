"""What the operadora decides to pay: a pure function of the seed, the lote and what it authorised.

At every level glosa = informado − liberado (guide §5.5: the reading that survives what
operadoras do with valorProcessado). All amounts in cents.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from .book import Ruling
from .lote import Guia, Item, Lote
from .official import Schema
from .reception import half_up

GUIA_DENIED = 0.012
RELEASED, DENIED, PARTIAL = 0.82, 0.90, 0.97  # cumulative; the rest is denied without a code
GLOSA_STATED = 0.9

WHOLE = {
    "guiaConsulta": ("1601", "1823", "1017", "3209", "3156"),
    "guiaSP-SADT": ("1818", "1822", "1811", "1414", "3209", "3230", "3288"),
    "guiaResumoInternacao": ("1818", "1822", "1811", "1414", "3209", "3288"),
    "guiaHonorarios": ("1818", "1811", "1414", "3209"),
    "guiaOdonto": ("1818", "1414", "3209", "3307"),
    "despesa": ("1711", "3108", "3142", "3193", "3197", "3202"),
}
GUIA = ("1321", "1322", "1017", "3306", "3214")
PRICE = ("1705",)
QUANTITY = ("2516", "3210")
SHARE = ("1722", "1719", "3312")


@dataclass(frozen=True)
class ItemVerdict:
    """One line; `glosas` are the reasons given with their amounts, perhaps none."""

    item: Item
    processado: int
    liberado: int
    glosas: tuple[tuple[str, int], ...] = ()

    @property
    def informado(self) -> int:
        return self.item.informado


@dataclass(frozen=True)
class Sums:
    """The four values of what is below."""

    informado: int
    processado: int
    liberado: int

    @property
    def glosa(self) -> int:
        return self.informado - self.liberado


def add(parts: "Iterable[ItemVerdict | GuiaVerdict | LoteVerdict | Sums]") -> Sums:
    """The sums of items, guias, protocolos or dates."""
    parts = list(parts)
    return Sums(
        sum(part.informado for part in parts),
        sum(part.processado for part in parts),
        sum(part.liberado for part in parts),
    )


@dataclass(frozen=True)
class GuiaVerdict(Sums):
    """One guia; `motivos` deny it as a whole; `glosa_stated`: is the optional sum written?"""

    guia: Guia
    itens: tuple[ItemVerdict, ...]
    motivos: tuple[str, ...]
    glosa_stated: bool


@dataclass(frozen=True)
class LoteVerdict(Sums):
    """One lote."""

    guias: tuple[GuiaVerdict, ...]


def decide(
    lote: Lote, schema: Schema, seed: str, rulings: Mapping[str, Ruling] | None = None
) -> LoteVerdict:
    """The verdict on each guia: the same for the same seed, lote, guia numbers and rulings.

    `rulings` by guia number are what the authorisations given say: they come before chance.
    """
    rulings = rulings or {}
    guias = tuple(
        _decide_guia(
            guia,
            schema,
            Random(f"{seed}|{lote.numero}|{guia.numero}"),
            rulings.get(guia.numero, Ruling()),
        )
        for guia in lote.guias
    )
    return lote_verdict(guias)


def withhold(verdict: LoteVerdict, collected: Mapping[str, Mapping[int, int]]) -> LoteVerdict:
    """The verdict less what prestadores collect of patients, by guia number and item.

    What was cut anyway covers the co-payment first: no item is paid below zero.
    """
    guias = []
    for guia in verdict.guias:
        cents = collected.get(guia.guia.numero, {})
        itens = tuple(
            replace(each, liberado=min(each.liberado, max(each.informado - owed, 0)))
            if (owed := cents.get(each.item.sequencial))
            else each
            for each in guia.itens
        )
        guias.append(replace(guia, **vars(add(itens)), itens=itens))
    return lote_verdict(tuple(guias))


def lote_verdict(guias: tuple[GuiaVerdict, ...]) -> LoteVerdict:
    return LoteVerdict(**vars(add(guias)), guias=guias)


def _decide_guia(guia: Guia, schema: Schema, rng: Random, ruling: Ruling) -> GuiaVerdict:
    denied = rng.random() < GUIA_DENIED
    motivos = (_pick(GUIA, schema, rng),) if denied else ()
    if ruling.motivo:
        motivos = (ruling.motivo,)
    if motivos:
        # The reason stands on the guia, without an amount; its items just carry zero.
        itens = tuple(ItemVerdict(item, item.informado, 0) for item in guia.itens)
    else:
        itens = tuple(
            _rule_item(item, ruling.itens.get(item.sequencial))
            or _decide_item(item, guia.tipo, schema, rng)
            for item in guia.itens
        )
    return GuiaVerdict(
        **vars(add(itens)),
        guia=guia,
        itens=itens,
        motivos=motivos,
        glosa_stated=rng.random() < GLOSA_STATED,
    )


def _rule_item(item: Item, ruled: tuple[str, int] | None) -> ItemVerdict | None:
    """The verdict that the authorisation dictates; None when it takes nothing away."""
    if not ruled or not ruled[1]:
        return None
    return ItemVerdict(item, item.informado, item.informado - ruled[1], (ruled,))


def _decide_item(item: Item, tipo: str, schema: Schema, rng: Random) -> ItemVerdict:
    informado, fate = item.informado, rng.random()
    if fate < RELEASED or informado == 0:
        return ItemVerdict(item, informado, informado)
    if fate < DENIED:
        code = _pick(WHOLE["despesa" if item.despesa else tipo], schema, rng)
        return ItemVerdict(item, informado, 0, ((code, informado),))
    if fate < PARTIAL:
        return _cut(item, schema, rng)
    liberado = _share(informado, rng)
    return ItemVerdict(item, informado, liberado)


def _cut(item: Item, schema: Schema, rng: Random) -> ItemVerdict:
    """A part is paid: fewer units, a lower price, or a share of the value."""
    informado = item.informado
    if item.quantidade > 1 and item.quantidade % 1 == 0:
        refused = 1 + int(rng.random() * (int(item.quantidade) - 1))
        glosa = half_up(Decimal(informado * refused) / item.quantidade)
        code = _pick(QUANTITY, schema, rng)
        return ItemVerdict(item, informado, informado - glosa, ((code, glosa),))
    liberado = _share(informado, rng)
    lower_price = rng.random() < 0.5
    code = _pick(PRICE if lower_price else SHARE, schema, rng)
    return ItemVerdict(
        item, liberado if lower_price else informado, liberado, ((code, informado - liberado),)
    )


def _share(informado: int, rng: Random) -> int:
    """Between 60 and 95 % of the value, in cents, and always less than all of it."""
    percent = 60 + int(rng.random() * 36)
    return min(half_up(Decimal(informado * percent) / 100), informado - 1)


def _pick(codes: tuple[str, ...], schema: Schema, rng: Random) -> str:
    known = [code for code in codes if code in schema.glosas]
    return known[int(rng.random() * len(known))]
