"""Card numbers: check digits and patterns are each operadora's choice (guide §9.2)."""

from __future__ import annotations

import re

from stdnum import luhn

from .text import to_ascii


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


def clean(number: str) -> str:
    """A card number as messages carry it: ASCII letters and digits in capitals, zeros kept."""
    return "".join(filter(str.isalnum, to_ascii(number)))


def clean_pattern(pattern: str) -> str:
    """A pattern without punctuation, in capitals, a run of stars as one."""
    kept = (each for each in to_ascii(pattern) if each.isalnum() or each == "*")
    return re.sub(r"\*+", "*", "".join(kept))


def pattern_length(pattern: str) -> tuple[int, bool]:
    """How many characters `pattern` takes at least, and whether it takes no more than that."""
    places = clean_pattern(pattern)
    return len(places.replace("*", "")), "*" not in places


def matches(pattern: str, number: str) -> bool:
    """Whether `number` looks like `pattern`; the punctuation of both is ignored.

    9 stands for a digit, A for a letter, X for either and * for any run of characters, also none;
    what else is written stands for itself. It is no regular expression: the work is bounded by
    the product of both lengths, whatever somebody typed.
    """
    places, text = clean_pattern(pattern), clean(number)
    at = position = 0
    star: tuple[int, int] | None = None
    while position < len(text):
        if at < len(places) and places[at] == "*":
            star = (at, position)
            at += 1
        elif at < len(places) and _fits(places[at], text[position]):
            at, position = at + 1, position + 1
        elif star:
            # The last star takes one more character, and what follows it is tried again.
            star = (star[0], star[1] + 1)
            at, position = star[0] + 1, star[1]
        else:
            return False
    return not places[at:].strip("*")


def _fits(place: str, character: str) -> bool:
    if place == "9":
        return character.isdigit()
    if place == "A":
        return character.isalpha()
    return place in ("X", character)
