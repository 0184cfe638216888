"""What the printed forms of the standard need: conventions of paper, how much text a box takes,
and the barcode of the guia's number (guide §11).
"""

from __future__ import annotations

import datetime
import unicodedata
from dataclasses import dataclass, field

from .money import Number, to_decimal

MILLIMETRES_PER_POINT = 25.4 / 72

# Advance widths of DejaVu Sans in ems, rounded up: the widest of the fonts that print the forms.
_WIDTHS = {
    **dict.fromkeys("ijl|!.,:;'’ I", 0.41),
    **dict.fromkeys('frt()[]-/\\"`°ºª', 0.5),
    **dict.fromkeys("cksvxyzçJL", 0.6),
    **dict.fromkeys("mMWw@%&—…+<=>~^#±÷×¬©®¼½¾Ææ", 1.0),
}
_SMALL_LETTER, _CAPITAL, _OTHER_SCRIPT = 0.64, 0.8, 1.1

NORMAL, SMALL = 7.5, 5.0  # sizes of what is filled in, in points
LINE, SMALL_LINE = 3.4, 2.0  # heights of their lines, in millimetres
PADDING = 2.0  # millimetres that a box has at its sides
MORE = " […]"

# Code 39: of the nine elements of a character, bars and spaces in turn, three are wide (1).
_CODE_39 = {
    "0": "000110100", "1": "100100001", "2": "001100001", "3": "101100000", "4": "000110001",
    "5": "100110000", "6": "001110000", "7": "000100101", "8": "100100100", "9": "001100100",
    "A": "100001001", "B": "001001001", "C": "101001000", "D": "000011001", "E": "100011000",
    "F": "001011000", "G": "000001101", "H": "100001100", "I": "001001100", "J": "000011100",
    "K": "100000011", "L": "001000011", "M": "101000010", "N": "000010011", "O": "100010010",
    "P": "001010010", "Q": "000000111", "R": "100000110", "S": "001000110", "T": "000010110",
    "U": "110000001", "V": "011000001", "W": "111000000", "X": "010010001", "Y": "110010000",
    "Z": "011010000", "-": "010000101", ".": "110000100", " ": "011000100", "$": "010101000",
    "/": "010100010", "+": "010001010", "%": "000101010", "*": "010010100",
}  # fmt: skip
_WIDE = 2.5  # modules of a wide element; a narrow one is one module


def day(date: datetime.date | None) -> str:
    """DD/MM/AAAA"""
    return date.strftime("%d/%m/%Y") if date else ""


def hour(time: datetime.time | None) -> str:
    """HH:MM"""
    return time.strftime("%H:%M") if time else ""


def number(value: Number, places: int = 2) -> str:
    """Points between thousands and a comma before the decimals: 1234.5 → 1.234,50"""
    text = f"{to_decimal(value, places):,}"
    return text.translate(str.maketrans(",.", ".,"))


def _character_width(character: str) -> float:
    """How wide a character gets at most, in ems."""
    if character in _WIDTHS:
        return _WIDTHS[character]
    if unicodedata.combining(character):
        return 0.0
    if character > "ÿ":
        return _OTHER_SCRIPT
    if unicodedata.category(character) in ("Ll", "Nd"):
        return _SMALL_LETTER
    return _CAPITAL


def split_text(text: str, width: float, lines: int, size: float) -> tuple[str, str]:
    """The part of `text` that fits into a box, and the rest.

    :param width: of the box, in millimetres
    :param lines: how many lines it takes
    :param size: of the font, in points
    """
    room = width / (size * MILLIMETRES_PER_POINT)
    position = 0
    for _line in range(lines):
        position = _line_end(text, position, room)
        if position == len(text):
            return text, ""
    return text[:position].rstrip(), text[position:].lstrip()


def _line_end(text: str, start: int, room: float) -> int:
    """Where the line ends that begins at `start`: after a blank, or inside of an endless word."""
    used = 0.0
    blank = start
    for position in range(start, len(text)):
        character = text[position]
        if character == "\n":
            return position + 1
        used += _character_width(character)
        if used > room:
            if character == " ":
                return position + 1
            return blank if blank > start else max(position, start + 1)
        if character == " ":
            blank = position + 1
    return len(text)


@dataclass
class Sheet:
    """One sheet of a printed form: what stands in its numbered boxes and in the rows of its tables.

    The template that draws a box knows its size, so it asks with `fit` how much of a text it takes;
    what is left over is printed on a sheet of its own after the last one.
    """

    form: str  # the template that draws it
    boxes: dict[int | str, str]
    tables: dict[str, list[dict[int | str, str]]] = field(default_factory=dict)
    number: str = ""
    payer: str = ""
    logo: str = ""  # as a data URI
    mark: str = ""  # below the title
    footer: str = ""
    page: int = 1
    pages: int = 1
    rest: dict[str, str] = field(default_factory=dict)  # shared by the sheets of a form
    closes: bool = False  # the last of its form

    def fit(self, label: str, text: str, width: float, lines: int = 1) -> tuple[str, bool]:
        """(what of a text goes into a box, whether in small letters)

        :param width: of the box, in millimetres
        :param lines: how many lines of normal size it takes; one line is two small ones
        """
        room = width - PADDING
        if not split_text(text, room, lines, NORMAL)[1]:
            return text, False
        small_lines = max(2, int(lines * LINE / SMALL_LINE))
        head, rest = split_text(text, room, small_lines, SMALL)
        if rest:
            head = head[: -len(MORE)].rstrip()
            self._remember(label, text[len(head) :].strip())
            head += MORE
        return head, True

    def _remember(self, label: str, rest: str) -> None:
        """Boxes are drawn again on each sheet; what is the same is printed once."""
        name, count = label, 1
        while self.rest.get(name, rest) != rest:
            count += 1
            name = f"{label} [{count}]"
        self.rest[name] = rest

    @property
    def barcode(self) -> tuple[list[tuple[float, float]], float]:
        return code_39(self.number)


def code_39(text: str) -> tuple[list[tuple[float, float]], float]:
    """The bars of a text as (where it begins, how wide it is), and the width of all, in modules.

    Without check character, as the standard has it for the number of a guia. A text that Code 39
    cannot say (small letters, accents) has no bars, for a barcode that reads otherwise is worse.
    """
    if not text or "*" in text or any(character not in _CODE_39 for character in text):
        return [], 0.0
    bars = []
    position = 0.0
    for character in f"*{text}*":
        for index, element in enumerate(_CODE_39[character]):
            width = _WIDE if element == "1" else 1.0
            if index % 2 == 0:
                bars.append((position, width))
            position += width
        position += 1.0  # the gap between characters
    return bars, position - 1.0
