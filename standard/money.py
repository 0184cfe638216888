"""Exact money: integer cents and Decimal, rounded half up (guide §3.2)."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

Number = int | float | str | Decimal

CENT = Decimal("0.01")
MAX_AMOUNT = 99_999_999.99  # dec(10,2)
# Room for every float there is: what is absurdly large is refused later, in words.
_ROOM = Context(prec=400)


def to_decimal(value: Number, places: int = 2) -> Decimal:
    """`value` as a Decimal with exactly `places` decimals, half up.

    A float is read by its shortest decimal form, which is what the database stored.
    """
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _ROOM)


def to_cents(value: Number) -> int:
    """Amount in reais → integer cents."""
    return int(to_decimal(value).scaleb(2))


def from_cents(cents: int) -> Decimal:
    """Integer cents → Decimal reais with two decimals."""
    return Decimal(cents).scaleb(-2)


def line_total(quantity: Number, unit_price: Number, factor: Number = 1) -> Decimal:
    """valorTotal of a guia item: quantity × unit price × reducaoAcrescimo, in reais (§3.2)."""
    product = to_decimal(quantity, 4) * to_decimal(unit_price) * to_decimal(factor)
    return product.quantize(CENT, ROUND_HALF_UP, _ROOM)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` cents in proportion to `weights` (cents ≥ 0) by largest remainder.

    The parts add up to `total`, none is negative and each is within a cent of its exact share.
    With all weights zero the first part takes everything.
    """
    if not weights:
        raise ValueError("nothing to allocate to")
    whole = sum(weights)
    if not whole:
        return [total] + [0] * (len(weights) - 1)
    shares = [divmod(total * weight, whole) for weight in weights]
    parts = [quotient for quotient, _remainder in shares]
    by_remainder = sorted(range(len(weights)), key=lambda i: -shares[i][1])
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts
