"""Readers of price files: CBHPM, Brasíndice, SIMPRO, Unimed's list, values of portes, plain lists.

The layouts are those that files in the field have been seen with. Each becomes a grid with a role
per column ("code", "price", "porte", …), found by its header or, without one, by its contents, and
changed by whoever knows better. What is read then is the same for all: a row per code, with its
values or with what is wrong in it. No value of these licensed tables is shipped.
"""

from __future__ import annotations

import datetime
import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from .errors import TissError
from .money import to_decimal
from .parser import parse
from .pricing import is_porte
from .sheets import Line, Sheet, SheetError, Value, check_size, read_sheets
from .text import to_ascii

NUMBERS = (
    "price", "tele_price", "porte_fraction", "uco", "film", "ch", "pf", "pmc", "pf_fraction",
    "pmc_fraction", "package_quantity",
)  # fmt: skip
COUNTS = ("auxiliaries", "anaesthetic_porte")
DATES = ("start", "end")
TEXTS = ("code", "tuss_code", "name", "detail", "porte", "unit")
ROLES = TEXTS + NUMBERS + COUNTS + DATES
# A row without any of these of its layout says no price.
VALUES = {
    "cbhpm": ("porte", "uco", "film"),
    "unimed": ("porte", "uco", "film"),
    "ch": ("ch",),
    "brasindice": ("pf", "pmc", "pf_fraction", "pmc_fraction"),
    "simpro": ("pf", "pmc", "pf_fraction", "pmc_fraction"),
    "portes": ("price",),
    "plain": ("price",),
}
# Names of units beside the portes in a sheet of values → key of the value.
UNITS = {"uco": "UCO", "filme": "FILM", "filme m2": "FILM", "m2 de filme": "FILM", "ch": "CH"}
MAX_PRICE = Decimal("99999999")
_HEADER_ROWS = 40
_SAMPLE = 400
_PLACES = 4

# Column titles, as `fold` makes them, by role; in the order of preference.
_TITLES: dict[str, tuple[str, ...]] = {
    "code": (
        "codigo tuss", "tuss", "cod tuss", "cd simpro", "id do procedimento", "tiss codigo",
        "codigo", "cod", "codigo do procedimento", "cod procedimento", "codigo procedimento",
        "cod do procedimento", "codigo do termo", "codigo cbhpm", "codigo amb", "codigo do item",
        "codigo do servico", "codigo servico", "cod servico", "code", "tuss code", "item",
    ),
    "name": (
        "descricao", "descricao do procedimento", "descricao procedimento", "procedimento",
        "procedimentos", "nome", "nome do procedimento", "termo", "descricao do item", "produto",
        "servico", "descricao do servico", "description", "name", "procedure",
    ),
    "price": (
        "valor", "preco", "valor r", "preco r", "valor unitario", "preco unitario", "valor em r",
        "valor presencial", "preco presencial", "presencial", "valor do procedimento",
        "valor negociado", "preco negociado", "valor total", "valor reais", "vl unitario",
        "vlr unitario", "vlr", "price", "amount", "on site price", "unit price",
    ),
    "tele_price": (
        "valor teleconsulta", "preco teleconsulta", "teleconsulta", "valor tele", "preco tele",
        "valor telessaude", "telessaude", "telemedicina", "valor telemedicina", "tele",
        "tele price", "telehealth", "telehealth price",
    ),
    "start": (
        "inicio", "inicio de vigencia", "inicio da vigencia", "inicio vigencia", "data inicio",
        "data inicial", "data de inicio", "data de inicio de vigencia", "vigencia inicio",
        "vigencia inicial", "vigencia", "valido de", "valido a partir de", "a partir de", "de",
        "desde", "from", "start", "start date", "valid from",
    ),
    "end": (
        "fim", "fim de vigencia", "fim da vigencia", "fim vigencia", "data fim", "data final",
        "data de fim", "data de fim de vigencia", "vigencia fim", "vigencia final", "valido ate",
        "ate", "termino", "until", "to", "end", "end date", "valid until",
    ),
    "porte": ("porte", "porte cbhpm", "porte do procedimento", "classe", "band"),
    "porte_fraction": ("porte fracao", "fracao do porte", "fracao", "porcentagem do porte"),
    "uco": (
        "custo operac", "custo operacional", "custo oper", "custo op", "uco", "c oper",
        "qtd uco", "quantidade de uco",
    ),
    "auxiliaries": (
        "no de aux", "n de aux", "no aux", "n aux", "numero de auxiliares", "no de auxiliares",
        "auxiliares", "num auxiliares", "aux", "qtd auxiliares",
    ),
    "anaesthetic_porte": (
        "porte anest", "porte anestes", "porte anestesico", "porte anestesia", "p anest",
    ),
    "film": ("filme ou doc", "filme m2", "filme", "filme m", "m2 filme", "metros de filme"),
    "ch": (
        "ch", "qtd ch", "quantidade de ch", "no de ch", "quant ch", "coeficiente de honorarios",
    ),
    "tuss_code": ("cd tuss", "tiss codigo"),
    "detail": ("apresentacao",),
    "pf": ("pc em fab", "pf", "preco fabrica", "pf embalagem"),
    "pmc": ("pc em ven", "pmc", "preco maximo ao consumidor", "pmc embalagem"),
    "pf_fraction": ("pc fr fab", "pf fracao", "pf unitario"),
    "pmc_fraction": ("pc fr ven", "pmc fracao", "pmc unitario"),
    "package_quantity": ("qtde embal", "qtde frac", "quantidade", "qtd embalagem"),
    "unit": ("tp fracao", "unidade", "unidade de medida"),
}  # fmt: skip
_ROLES_OF_TITLE: dict[str, list[str]] = {}
for _role, _names in _TITLES.items():
    for _name in _names:
        _ROLES_OF_TITLE.setdefault(_name, []).append(_role)

_BRASINDICE_TITLES = (
    "Cód. laboratório", "Laboratório", "Cód. item", "Nome", "Cód. apresentação", "Apresentação",
    "PMC embalagem", "PF embalagem", "Quantidade", "Rótulo PMC", "PMC fração", "Rótulo PF",
    "PF fração", "Edição", "IPI", "Portaria", "EAN", "TISS", "Campo 19", "TUSS", "GGREM",
    "ANVISA", "Hierarquia", "Código Brasíndice",
)  # fmt: skip
_BRASINDICE_ROLES = {
    "code": 23, "name": 3, "detail": 5, "pmc": 6, "pf": 7, "package_quantity": 8,
    "pmc_fraction": 10, "pf_fraction": 12, "tuss_code": 19,
}  # fmt: skip
_CLASS = re.compile(r"(\d{1,2})\s*([A-Ca-c])")
_FRACTION = re.compile(
    r"(\d+(?:[.,/]\d+)?)\s*(%|de|do|x|\*|\s)[\s%]*(?:de|do)?\s*(\d{1,2}\s*[A-C])"
)
_TOTAL = re.compile(r"(sub)?\s*-?total|soma\b|pagina\b|page\b")
_BLANKS = ("", "-", "--", "---", "–", "—", "*", "n/a", "nan")


class Problem(NamedTuple):
    """What is wrong in a row: a code, the column's title, the text of its cell, another line.

    Codes: ``no_code``, ``bad_code``, ``no_value``, ``bad_number``, ``negative``, ``too_high``,
    ``not_whole``, ``bad_date``, ``dates_reversed``, ``bad_porte``, ``duplicate`` (with the other
    line), ``cut_decimals``, ``ambiguous_number``.
    """

    code: str
    column: str = ""
    text: str = ""
    line: int = 0


class Row(NamedTuple):
    """A row that has something to say; `values` by role, numbers as Decimal with 4 places."""

    line: int
    values: dict[str, Any]
    problems: tuple[Problem, ...]
    # Why it brings nothing: "section", "header", "total", or "repeated" (then of line `same`).
    skipped: str = ""
    same: int = 0


@dataclass(frozen=True)
class Grid:
    """A sheet with its header row found and a role for each column that is understood."""

    layout: str
    sheet: str
    titles: tuple[str, ...]
    header_line: int  # 0 when there is none
    lines: list[Line] = field(repr=False)
    roles: dict[str, int]
    titled: int = 0  # number of columns that the header names
    # "," or "." for text like 1.234; "" when the columns themselves decide
    mark: str = ""

    @property
    def signature(self) -> str:
        """Digest of what a next file of the same source has in common with this one.

        Without titles that is what the columns look like, so ask before `with_roles`.
        """
        if self.header_line:
            shape = [self.layout, *map(fold, self.titles)]
        else:
            shape = [self.layout, str(len(self.titles)), *map(str, sorted(self.roles.items()))]
        return hashlib.sha256("\x1f".join(shape).encode()).hexdigest()[:32]

    def examples(self, column: int, count: int = 3) -> list[str]:
        """The first different texts of a column."""
        found: dict[str, None] = {}
        for _number, cells in self.lines[:_SAMPLE]:
            if column < len(cells) and cells[column] not in (None, ""):
                found[show(cells[column])] = None
                if len(found) == count:
                    break
        return list(found)

    def with_roles(self, roles: dict[str, int], mark: str = "") -> Grid:
        return replace(self, roles=dict(roles), mark=mark)


# ----------------------------------------------------------------------
# Recognition
# ----------------------------------------------------------------------


def open_file(content: bytes) -> Grid:
    """The best understood sheet of a file; SheetError ``unknown_layout`` when there is none."""
    check_size(len(content))
    if content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _open_simpro_xml(content)
    grids = [grid for sheet in read_sheets(content) if (grid := _recognise(sheet))]
    if not grids:
        raise SheetError("unknown_layout")
    # max() keeps the first of equals: the sheet that the author put first
    return max(grids, key=lambda grid: (grid.layout != "plain", len(grid.roles)))


def _open_simpro_xml(content: bytes) -> Grid:
    """PRODUTOS/ITEM with an attribute per column."""
    try:
        root = parse(content)
    except TissError as error:
        code = "unsafe" if error.code in ("unsafe", "oversized") else "damaged"
        raise SheetError(code) from error
    items = [element for element in root.iter() if str(element.tag).upper().endswith("ITEM")]
    names = list(dict.fromkeys(name for item in items for name in item.attrib))
    lines: list[Line] = [
        (item.sourceline or 0, [item.get(name, "").strip() for name in names]) for item in items
    ]
    sheet = Sheet("", [(0, list(names)), *lines])
    grid = _recognise(sheet) if items else None
    if grid is None:
        raise SheetError("unknown_layout")
    return replace(grid, header_line=1)


def _recognise(sheet: Sheet) -> Grid | None:
    lines = [line for line in sheet.lines if any(cell not in (None, "") for cell in line[1])]
    if not lines:
        return None
    return (
        _recognise_brasindice(sheet, lines) or _by_header(sheet, lines) or _by_content(sheet, lines)
    )


def _recognise_brasindice(sheet: Sheet, lines: list[Line]) -> Grid | None:
    sample = lines[:_SAMPLE]
    if sum(len(cells) == 23 for _number, cells in sample) < 0.9 * len(sample):
        return None
    prices = _BRASINDICE_ROLES["pmc"], _BRASINDICE_ROLES["pf"]
    fits = [
        all(looks_number(cells[i] or 0) for i in prices) and bool(show(cells[3]))
        for _number, cells in sample
        if len(cells) == 23
    ]
    if sum(fits) < 0.8 * len(fits):
        return None
    keyed = [
        (
            number,
            [*cells, "_".join(show(cells[i]) for i in (0, 2, 4))] if len(cells) == 23 else cells,
        )
        for number, cells in lines
    ]
    roles = dict(_BRASINDICE_ROLES)
    return Grid("brasindice", sheet.name, _BRASINDICE_TITLES, 0, keyed, roles, 24)


def _by_header(sheet: Sheet, lines: list[Line]) -> Grid | None:
    best: tuple[int, int, dict[str, int]] | None = None
    for index, (_number, cells) in enumerate(lines[:_HEADER_ROWS]):
        roles = _roles_of_header(cells, lines[index + 1 : index + 1 + _SAMPLE])
        if roles and (best is None or len(roles) > len(best[2])):
            best = index, lines[index][0], roles
    if best is None:
        return None
    index, number, roles = best
    titles = [show(cell) for cell in lines[index][1]]
    body = lines[index + 1 :]
    layout = _layout_of(titles, roles)
    if not layout:
        return None
    if layout in ("cbhpm", "unimed"):
        roles = _split_porte(roles, titles, body)
    filled = tuple(_fill_titles(titles, body))
    return Grid(layout, sheet.name, filled, number or 1, body, roles, len(titles))


def _roles_of_header(cells: Sequence[Value], body: list[Line]) -> dict[str, int] | None:
    """{role: column} of a row of titles; None when it is no such row."""
    columns: dict[str, list[tuple[int, int]]] = {}
    for column, cell in enumerate(cells):
        if isinstance(cell, str):
            for role in _ROLES_OF_TITLE.get(fold(cell), ()):
                rank = _TITLES[role].index(fold(cell))
                columns.setdefault(role, []).append((rank, column))
    if len(columns) < 2 or not ({"code", "porte"} & columns.keys()):
        return None
    roles: dict[str, int] = {}
    # The name last: of several descriptions (group, subgroup …) it is the one beside the code.
    for role in sorted(columns, key="name".__eq__):
        free = [each for each in columns[role] if each[1] not in roles.values()]
        if role in ("code", "tuss_code") and len(free) > 1:
            # Of several columns of codes the one that is filled in.
            free = [max(free, key=lambda each: (_share(body, each[1], looks_code), -each[0]))]
        elif role == "auxiliaries":
            free = free[-1:]  # Unimed: the first one belongs to its own fees
        elif role == "name" and "code" in roles:
            right = [each for each in free if each[1] > roles["code"]]
            free = sorted(right, key=lambda each: each[1])[:1] or free
        if free:
            roles[role] = min(free)[1]
    return roles


def _layout_of(titles: Sequence[str], roles: dict[str, int]) -> str:
    folded = {fold(title) for title in titles}
    if "cd simpro" in folded:
        return "simpro"
    if "code" not in roles:
        return "portes" if {"porte", "price"} <= roles.keys() else ""
    if "porte" in roles and "tiss tipo de tabela" in folded:
        return "unimed"
    if "porte" in roles and {"uco", "film", "auxiliaries", "anaesthetic_porte"} & roles.keys():
        return "cbhpm"
    if "price" in roles:
        return "plain"
    if "ch" in roles:
        return "ch"
    return "cbhpm" if "porte" in roles else ""


def _split_porte(roles: dict[str, int], titles: Sequence[str], body: list[Line]) -> dict[str, int]:
    """Under a "Porte" that spans several columns stand its fraction and its class."""
    first = roles["porte"]
    last = first + 1
    while last < len(titles) and not titles[last]:
        last += 1
    columns = range(first, last)
    chosen = max(columns, key=lambda column: (_share(body, column, looks_class), -column))
    others = [column for column in columns if column != chosen]
    fraction = [column for column in others if _share(body, column, looks_number) > 0]
    roles = {**roles, "porte": chosen}
    if fraction and "porte_fraction" not in roles:
        roles["porte_fraction"] = fraction[0]
    return roles


def _by_content(sheet: Sheet, lines: list[Line]) -> Grid | None:
    """Roles of columns without titles: codes, classes, prices, dates and the longest text."""
    sample = lines[:_SAMPLE]
    width = max(len(cells) for _number, cells in sample)
    columns = range(width)
    shares = {
        test: {column: _share(sample, column, test) for column in columns}
        for test in (looks_code, looks_class, looks_price, looks_date)
    }

    def first(test: Any, least: float, used: Iterable[int]) -> int | None:
        return next((c for c in columns if c not in used and shares[test][c] >= least), None)

    keys = {"code": first(looks_code, 0.5, ()), "porte": first(looks_class, 0.3, ())}
    roles = {role: column for role, column in keys.items() if column is not None}
    if not roles:
        return None
    if len(roles) == 2:
        # 3rd to 5th edition: operational cost, assistants and anaesthetic porte follow the class.
        following = ("uco", "auxiliaries", "anaesthetic_porte")
        places = enumerate(following, start=roles["porte"] + 1)
        roles |= {role: column for column, role in places if column < width}
        layout = "cbhpm"
    else:
        price = first(looks_price, 0.4, roles.values())
        if price is None:
            return None
        roles["price"] = price
        layout = "plain" if "code" in roles else "portes"
        if layout == "plain" and _is_cut_by_decimals(sample, price):
            raise SheetError("comma_decimals")
        for role in DATES:
            column = first(looks_date, 0.4, roles.values())
            if column is not None:
                roles[role] = column
        tele = first(looks_price, 0.4, roles.values())
        if layout == "plain" and tele is not None:
            roles["tele_price"] = tele
    name = _longest_text(sample, set(columns) - set(roles.values()))
    if name is not None:
        roles["name"] = name
    titles = _fill_titles([], lines)
    return Grid(layout, sheet.name, tuple(titles), 0, lines, roles, width)


def _longest_text(sample: list[Line], columns: Iterable[int]) -> int | None:
    """The column with most text in it; None when none of them holds texts."""
    lengths = {
        column: sum(len(show(cells[column])) for _n, cells in sample if column < len(cells))
        for column in sorted(columns)
        if _share(sample, column, looks_text) >= 0.4
    }
    return max(lengths, key=lambda column: lengths[column], default=None)


def _is_cut_by_decimals(sample: list[Line], price: int) -> bool:
    """`10101012,150,50`: are the cents of an unquoted price in a column of their own?"""
    after = [show(cells[price + 1]) for _n, cells in sample if len(cells) > price + 1]
    return bool(after) and all(re.fullmatch(r"\d\d", text) for text in after)


def _fill_titles(titles: Sequence[str], body: list[Line]) -> list[str]:
    """A name for every column; those without a title are called by their letter."""
    width = max([len(titles), *(len(cells) for _number, cells in body[:_SAMPLE])])
    filled = [*titles, *[""] * (width - len(titles))]
    return [title or _letter(column) for column, title in enumerate(filled)]


def _letter(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _share(lines: list[Line], column: int, test: Any) -> float:
    """Part of the rows in which a column passes a test."""
    if not lines:
        return 0.0
    return sum(column < len(cells) and test(cells[column]) for _n, cells in lines) / len(lines)


# ----------------------------------------------------------------------
# Cells
# ----------------------------------------------------------------------


def fold(text: str) -> str:
    """A title without accents, case, punctuation and runs of blanks."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", to_ascii(text, upper=False).lower()).split())


def show(value: Value) -> str:
    """The text of a cell, as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    return " ".join(str(value).split())


def to_code(value: Value) -> str:
    """A code without mask: 1.01.01.01-2, 10101012.0, ="10101012", 1.0101012E7 are one code."""
    text = show(value).strip("'\" ")
    if match := re.fullmatch(r'="?([^"]*)"?', text):
        text = match[1].strip()
    if re.fullmatch(r"\d+[.,]0+", text):
        return re.split("[.,]", text)[0]
    if re.fullmatch(r"\d+[.,]\d+E\+?\d+", text, re.IGNORECASE):
        number = Decimal(text.replace(",", "."))
        return str(int(number)) if number == number.to_integral_value() else text
    if re.fullmatch(r"[\d.\-/ ]+", text):
        return re.sub(r"\D", "", text)
    return text


def looks_code(value: Value) -> bool:
    """A TUSS or CBHPM code: 8 or 9 digits, masked or not, also as a number."""
    return bool(re.fullmatch(r"[1-9]\d{7,8}", to_code(value))) and not looks_date(value)


def looks_class(value: Value) -> bool:
    return isinstance(value, str) and bool(_CLASS.fullmatch(value))


def looks_number(value: Value) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float)) or bool(
        re.fullmatch(r"-?\d+(?:[.,]\d+)*", _clean_number(show(value)))
    )


def looks_price(value: Value) -> bool:
    return looks_number(value) and not looks_code(value)


def looks_date(value: Value) -> bool:
    if isinstance(value, datetime.date):
        return True
    return isinstance(value, str) and bool(re.fullmatch(_DATE_TEXT, value.strip()))


def looks_text(value: Value) -> bool:
    return isinstance(value, str) and any(map(str.isalpha, value)) and not looks_number(value)


_DATE_TEXT = r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d{2}-\d{2}([ T].*)?"


def to_date(value: Value) -> datetime.date | None:
    """A date in dd/mm/yyyy, ISO or as a day number of Excel; ValueError, None when blank."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    text = show(value)
    if text.lower() in _BLANKS:
        return None
    if re.fullmatch(r"\d{5}", text) and 20_000 <= int(text) <= 80_000:
        return datetime.date(1899, 12, 30) + datetime.timedelta(days=int(text))
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}([ T].*)?", text):
        return datetime.date.fromisoformat(text[:10])
    if match := re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})", text):
        day, month, year = map(int, match.groups())
        return datetime.date(year + 2000 if year < 100 else year, month, day)
    raise ValueError(text)


def _clean_number(text: str) -> str:
    """The sign, digits and separators of a number; (1,00) is negative."""
    text = re.sub(r"[\s\u00a0\u202f\u2009']", "", text)
    text = re.sub(r"(?i)^(-?)(?:R\$|BRL)(-?)", r"\1\2", text)
    if match := re.fullmatch(r"\((.*)\)", text):
        text = "-" + match[1]
    return text.replace("\u2212", "-").lstrip("+")


def decimal_mark(texts: Iterable[str]) -> str:
    """ "," or "." when the texts of a column say which one is decimal; "" when they do not.

    `1.234,56`, `12,5` and `1.234.567` say it; `1.234` alone does not. When a column says both,
    nothing is sure but what each text says for itself: "?".
    """
    marks = {mark for text in texts if (mark := _mark_of(_clean_number(text)))}
    return "?" if len(marks) > 1 else "".join(marks)


def _mark_of(text: str) -> str:
    """The decimal sign that this one text can only have, or ""."""
    signs = re.findall(r"[.,]", text)
    if not signs:
        return ""
    last, other = signs[-1], "," if signs[-1] == "." else "."
    if other in signs:
        return last
    if len(signs) > 1:
        return other  # 1.234.567: groups of thousands
    whole, _sign, decimals = text.lstrip("-").partition(last)
    if len(decimals) != 3 or len(whole) > 3 or whole in ("", "0"):
        return last
    return ""


def to_number(value: Value, mark: str = ",") -> Decimal | None:
    """A number rounded half up to 4 places; None when blank, ValueError when it is none.

    :param mark: the decimal sign of its column, where the text itself leaves it open
    """
    if isinstance(value, (bool, datetime.date, datetime.time)):
        raise ValueError(show(value))
    if isinstance(value, (int, float)):
        if not math.isfinite(value):
            raise ValueError(str(value))
        try:
            return to_decimal(value, _PLACES)
        except InvalidOperation:
            raise ValueError(str(value)) from None
    text = _clean_number(show(value))
    if text.lower() in _BLANKS:
        return None
    own = _mark_of(text)
    mark = own or mark
    if mark == "?" and re.search("[.,]", text):
        raise AmbiguousNumber(text)
    thousands = "," if mark == "." else "."
    whole, _mark, decimals = text.partition(mark)
    if not re.fullmatch(rf"-?(\d{{1,3}}(\{thousands}\d{{3}})+|\d*)", whole):
        raise ValueError(text)
    if not re.fullmatch(r"\d*", decimals) or not re.search(r"\d", whole + decimals):
        raise ValueError(text)
    if len(whole) > 30 or len(decimals) > 30:
        raise ValueError(text)
    return to_decimal(whole.replace(thousands, "") + "." + (decimals or "0"), _PLACES)


class AmbiguousNumber(ValueError):
    """1.234 in a column that writes decimals both ways."""


def to_porte(value: Value) -> tuple[str, Decimal]:
    """(class, fraction of it): "2B", "10% de 1A", "0,25 x 1A", 122 (Unimed); ValueError."""
    text = show(value).upper()
    if text.lower() in (*_BLANKS, "0"):
        return "", Decimal(1)
    if match := _CLASS.fullmatch(text):
        if not 1 <= int(match[1]) <= 14:
            raise ValueError(text)
        return f"{int(match[1])}{match[2]}", Decimal(1)
    if match := re.fullmatch(_FRACTION.pattern, text, re.IGNORECASE):
        number, sign, porte = match.groups()
        if "/" in number:
            above, below = map(int, number.split("/"))
            fraction = Decimal(above) / Decimal(below or 1)
        else:
            fraction = Decimal(number.replace(",", "."))
        if sign == "%":
            fraction /= 100
        return to_porte(porte)[0], to_decimal(fraction, _PLACES)
    if is_porte(text):
        return text, Decimal(1)
    raise ValueError(text)


# ----------------------------------------------------------------------
# Rows
# ----------------------------------------------------------------------


def read_rows(grid: Grid, needs: Sequence[str] = ()) -> list[Row]:
    """Every row of a grid: its values, or what is wrong in it, or why it brings nothing.

    :param needs: roles of which a row must fill in one; those of the layout when left out
    """
    needs = needs or VALUES[grid.layout]
    reader = _Reader(grid, needs)
    rows = [reader.read(number, cells) for number, cells in grid.lines]
    return _find_duplicates(rows)


class _Reader:
    def __init__(self, grid: Grid, needs: Sequence[str]) -> None:
        self.grid = grid
        self.needs = needs
        self.key = "porte" if grid.layout == "portes" else "code"
        self.marks = self._find_marks()
        self.header = {role: fold(grid.titles[col]) for role, col in grid.roles.items()}

    def _find_marks(self) -> dict[str, str]:
        """The decimal sign of each column of numbers: its own, else the file's, else a comma."""
        roles = [role for role in NUMBERS if role in self.grid.roles]
        if self.grid.mark:
            return dict.fromkeys(roles, self.grid.mark)
        marks = {role: decimal_mark(self._texts(self.grid.roles[role])) for role in roles}
        sure = {mark for mark in marks.values() if mark in (",", ".")}
        common = sure.pop() if len(sure) == 1 else ","
        return {role: mark or common for role, mark in marks.items()}

    def _texts(self, column: int) -> Iterable[str]:
        for _number, cells in self.grid.lines:
            if column < len(cells) and isinstance(cells[column], str) and cells[column]:
                yield str(cells[column])

    def read(self, number: int, cells: Sequence[Value]) -> Row:
        raw = {
            role: cells[column]
            for role, column in self.grid.roles.items()
            if column < len(cells) and show(cells[column])
        }
        problems: list[Problem] = []
        values = self._convert(raw, problems)
        shown = {role: show(value) for role, value in raw.items()}
        values.setdefault("name", "")
        skipped = self._why_skip(shown, values, problems, cells)
        if skipped:
            return Row(number, {"code": "", "name": " ".join(shown.values())[:120]}, (), skipped)
        self._check_key(values, shown, problems)
        if self._is_cut_off(cells):
            problems.append(self._problem("cut_decimals", "price", raw.get("price")))
        values.setdefault("code", shown.get("code", ""))
        return Row(number, values, tuple(problems))

    def _is_cut_off(self, cells: Sequence[Value]) -> bool:
        """Did a comma that separates columns cut the cents off the price, the last column?"""
        price = self.grid.roles.get("price")
        if price is None or price + 1 < self.grid.titled or price + 1 >= len(cells):
            return False
        cents = cells[price + 1]
        return isinstance(cents, str) and bool(re.fullmatch(r"\d\d", cents))

    def _convert(self, raw: dict[str, Value], problems: list[Problem]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for role, value in raw.items():
            try:
                self._put(values, role, value, problems)
            except AmbiguousNumber:
                problems.append(self._problem("ambiguous_number", role, value))
            except (ValueError, OverflowError, ArithmeticError):
                kind = "bad_date" if role in DATES else "bad_number"
                problems.append(
                    self._problem("bad_porte" if role == "porte" else kind, role, value)
                )
        if detail := values.pop("detail", ""):
            values["name"] = f"{values.get('name', '')} {detail}".strip()
        start, end = values.get("start"), values.get("end")
        if start and end and end < start:
            problems.append(self._problem("dates_reversed", "end", end))
        return values

    def _put(self, values: dict, role: str, value: Value, problems: list[Problem]) -> None:
        """Put one cell under its role; ValueError when it is not of its kind."""
        if role in ("code", "tuss_code"):
            if code := to_code(value):
                values[role] = code
        elif role == "porte":
            unit = UNITS.get(fold(show(value))) if self.key == "porte" else None
            porte, fraction = (unit, Decimal(1)) if unit else to_porte(value)
            values["porte"] = porte
            if fraction != 1:
                values["porte_fraction"] = fraction
        elif role in DATES:
            if date := to_date(value):
                values[role] = date
        elif role in NUMBERS or role in COUNTS:
            self._put_number(values, role, value, problems)
        else:
            values[role] = show(value)[:500]

    def _put_number(self, values: dict, role: str, value: Value, problems: list[Problem]) -> None:
        percent = False
        if role == "porte_fraction" and isinstance(value, str) and value.endswith("%"):
            value, percent = value[:-1], True
        number = to_number(value, self.marks.get(role, ","))
        if number is None:
            return
        if percent:
            number /= 100
        if number < 0:
            problems.append(self._problem("negative", role, value))
        elif number > MAX_PRICE:
            problems.append(self._problem("too_high", role, value))
        elif role in COUNTS and number != number.to_integral_value():
            problems.append(self._problem("not_whole", role, value))
        elif role in COUNTS:
            values[role] = int(number)
        elif role != "porte_fraction" or number:
            values[role] = number

    def _problem(self, code: str, role: str, value: Value) -> Problem:
        return Problem(code, self.grid.titles[self.grid.roles[role]], show(value)[:80])

    def _why_skip(
        self,
        shown: dict[str, str],
        values: dict[str, Any],
        problems: list[Problem],
        cells: Sequence[Value],
    ) -> str:
        """Blank, header, section and total rows between the real ones."""
        titles = [role for role, text in shown.items() if fold(text) == self.header.get(role)]
        if self.grid.header_line and len(titles) >= max(2, len(shown) - 1):
            return "header"
        key = shown.get(self.key, "")
        words = [fold(text) for text in map(show, cells) if text]
        if not _is_real_key(key, self.key) and any(_TOTAL.match(text) for text in words):
            return "total"
        says = [role for role in self.needs if values.get(role) not in (None, "")]
        wrong = [each for each in problems if each.code != "bad_porte" or self.key != "porte"]
        if says and (self.key != "porte" or says != ["porte"]):
            return ""
        if not _is_real_key(key, self.key):
            # A title in the columns of prices makes no row either.
            return "" if any(re.search(r"\d", p.text) for p in wrong) and key else "section"
        return ""

    def _check_key(
        self, values: dict[str, Any], shown: dict[str, str], problems: list[Problem]
    ) -> None:
        key = values.get(self.key)
        failed = {problem.code for problem in problems}
        if not key:
            if "bad_porte" not in failed or self.key != "porte":
                problems.append(Problem("no_code", text=shown.get("name", "")[:80]))
        elif self.key == "code" and (len(key) > 30 or not re.search(r"\d", key)):
            problems.append(self._problem("bad_code", "code", shown["code"]))
        if not problems and all(values.get(role) in (None, "") for role in self.needs):
            problems.append(Problem("no_value"))


def _is_real_key(text: str, key: str) -> bool:
    if key == "porte":
        return looks_class(text) or fold(text) in UNITS
    return bool(re.fullmatch(r"\S*\d\S*", to_code(text)))


def _find_duplicates(rows: list[Row]) -> list[Row]:
    """The same code twice: once when all agrees, an error in both lines when not."""
    first: dict[tuple, int] = {}
    result: list[Row] = []
    for row in rows:
        result.append(row)
        if row.skipped or row.problems:
            continue
        key = (row.values.get("code") or row.values.get("porte"), row.values.get("start"))
        if key not in first:
            first[key] = len(result) - 1
            continue
        other = result[first[key]]
        ignored = ("name", "detail")
        mine = {role: each for role, each in row.values.items() if role not in ignored}
        if mine == {role: each for role, each in other.values.items() if role not in ignored}:
            result[-1] = row._replace(skipped="repeated", same=other.line)
        else:
            result[-1] = _add_duplicate(row, other)
            result[first[key]] = _add_duplicate(other, row)
    return result


def _add_duplicate(row: Row, other: Row) -> Row:
    if any(problem.code == "duplicate" for problem in row.problems):
        return row
    text = str(row.values.get("code") or row.values.get("porte"))
    return row._replace(problems=(*row.problems, Problem("duplicate", "", text, other.line)))
