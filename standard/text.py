"""Free text as TISS messages carry it best: ASCII (guide §2.3-2.4).

The charset in which operadoras compute the hash is disputed; for ASCII all answers coincide.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_UNPRINTABLE = re.compile(r"[^ -~]")
# What Unicode does not decompose, and what it decomposes into something unreadable.
_SPELLED = {
    "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "ß": "ss", "Đ": "D", "đ": "d",
    "Ð": "D", "ð": "d", "Þ": "TH", "þ": "th", "Ł": "L", "ł": "l", "ı": "i", "Ħ": "H", "ħ": "h",
    "µ": "u", "×": "x", "÷": "/", "±": "+/-", "≤": "<=", "≥": ">=", "≠": "<>", "−": "-", "⁄": "/",
    "®": "(R)", "©": "(C)", "™": "(TM)", "°": "o", "•": "-", "·": "-", "¦": "|", "¿": "?",
    "¡": "!", "€": "EUR", "£": "GBP", "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "´": "'",
    "ʼ": "'", "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "«": '"', "»": '"', "‹": "'",
    "›": "'",
}  # fmt: skip


def to_ascii(text: str, limit: int | None = None, *, upper: bool = True) -> str:
    """Transliterate to printable ASCII, in capitals unless told otherwise, at most ``limit`` long.

    Accents go, dashes become ``-`` and quotation marks straight; line breaks, control characters
    and runs of blanks become one blank. Greek letters become their names (β-HCG: BETA-HCG), as
    medicines are called. Letters of other scripts, emoji and other symbols become a blank: there
    is no right way to spell them with the standard library, and none of them is legal in TISS.
    The result has no blank at either end and may be empty.
    """
    if not text.isascii():
        # NFC first, so that an accent typed apart belongs to its letter.
        text = "".join(map(_spell, unicodedata.normalize("NFC", text)))
    text = " ".join(_UNPRINTABLE.sub(" ", text).split())
    if upper:
        text = text.upper()
    return text if limit is None else text[:limit].rstrip()


def is_code(text: str) -> bool:
    """Whether a number or code can stand in a message as it is, in its charset ISO-8859-1.

    Such texts are not transliterated: in another spelling they would be other codes.
    """
    return text.isprintable() and not text.isspace() and (text.isascii() or max(text) <= "ÿ")


@lru_cache(4096)
def _spell(character: str) -> str:
    if character.isascii():
        return character
    if character in _SPELLED:
        return _SPELLED[character]
    category = unicodedata.category(character)
    if category == "Pd":
        return "-"
    if category in ("Mn", "Me", "Cf"):
        return ""
    name = unicodedata.name(character, "")
    if name.startswith("GREEK ") and " LETTER " in name:
        letter = name.split(" LETTER ")[1].split()[-1 if "FINAL" in name else 0]
        return letter if category == "Lu" else letter.lower()
    return _decomposed(character)


def _decomposed(character: str) -> str:
    """The ASCII part of the compatibility decomposition: á, ﬁ, ², ½, full-width letters."""
    spelled = unicodedata.normalize("NFKD", character)
    fraction = unicodedata.decomposition(character).startswith("<fraction>")
    letters = "".join(_SPELLED.get(each, each) for each in spelled)
    ascii_part = "".join(each for each in letters if each.isascii())
    # "1½" must not read as eleven halves.
    return f" {ascii_part}" if fraction else ascii_part or " "
