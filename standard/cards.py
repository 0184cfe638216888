"""Check digits that operadoras use on their cards (guide §9.2); which one is each one's choice."""

from stdnum import luhn


def valid_mod10(number: str) -> bool:
    """Whether the last digit of `number` is its Luhn (modulo 10) check digit."""
    return number.isdigit() and luhn.is_valid(number)


def valid_mod11(number: str) -> bool:
    """Whether the last digit is the modulo 11 one: weights 2…9 from the right, 10 and 11 → 0."""
    if not number.isdigit() or len(number) < 2:
        return False
    return number[-1] == mod11_digit(number[:-1])


def mod11_digit(base: str) -> str:
    """The modulo 11 check digit of the digits in `base`."""
    total = sum(int(digit) * (2 + i % 8) for i, digit in enumerate(reversed(base)))
    rest = 11 - total % 11
    return str(rest if rest < 10 else 0)
