"""Tables that people keep in .xlsx, .xls, .csv and .txt files, read into rows of plain values.

The files come from anybody: size, inflated size, rows and columns are bounded, no entity of an XML
part is ever resolved, and nothing is executed (formulas give the value that was stored with them).
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import openpyxl

MAX_BYTES = 40 * 1024 * 1024
MAX_INFLATED_BYTES = 200 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 120
_MAX_LINE = 64 * 1024
_CHUNK = 1024 * 1024
_SEPARATORS = ";\t|,"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Value = str | int | float | bool | datetime.date | datetime.time | None
Line = tuple[int, list[Value]]


class SheetError(ValueError):
    """A file that is no table; ``code`` says why and ``values`` give the details.

    Codes: ``empty``, ``too_large`` (limit), ``too_many_rows`` (limit), ``inflated`` (limit),
    ``unsafe``, ``damaged``, ``not_a_table``, ``xls_unsupported``.
    """

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class Sheet(NamedTuple):
    """One sheet: its name and its rows, each with its number in the file, from 1."""

    name: str
    lines: list[Line]


def check_size(size: int) -> None:
    """Refuse a file by its number of bytes, before anybody decodes it."""
    if size > MAX_BYTES:
        raise SheetError("too_large", limit=MAX_BYTES)


def read_sheets(content: bytes) -> list[Sheet]:
    """All sheets of a file, whatever its kind; the content decides, not the name."""
    check_size(len(content))
    if not content.strip():
        raise SheetError("empty")
    if content.startswith(b"PK"):
        return _read_xlsx(content)
    if content.startswith(OLE):
        return _read_xls(content)
    return [Sheet("", list(_read_text(decode_text(content))))]


# ----------------------------------------------------------------------
# Text
# ----------------------------------------------------------------------


def decode_text(content: bytes) -> str:
    """Text in UTF-8, UTF-16 (with BOM, or without it when every other byte is 0) or cp1252."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    elif b"\0" in content[:200]:
        little = content[1:200:2].count(0) >= content[0:200:2].count(0)
        text = content.decode("utf-16-le" if little else "utf-16-be", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    sample = text[:100_000]
    strange = len(_CONTROL.findall(sample)) + sample.count("\ufffd")
    if strange > 3 + len(sample) // 1000:
        raise SheetError("not_a_table")
    return text


def _read_text(text: str) -> Iterator[Line]:
    text = _CONTROL.sub("", text)
    stream = io.StringIO(text, newline="")
    first = stream.readline(_MAX_LINE)
    # Excel's own hint, e.g. "sep=;"
    hint = re.fullmatch(r'"?sep=(.)"?\s*', first, re.IGNORECASE)
    offset = 1 if hint else 0
    if not hint:
        stream.seek(0)
    if any(len(line) > _MAX_LINE for line in text.splitlines()):
        raise SheetError("not_a_table")
    separator = hint[1] if hint else _find_separator(text)
    quoting = csv.QUOTE_MINIMAL if _is_well_quoted(text, separator) else csv.QUOTE_NONE
    reader = csv.reader(stream, delimiter=separator, quoting=quoting)
    previous = 0
    try:
        for cells in reader:
            number, previous = previous + 1 + offset, reader.line_num
            if number > MAX_ROWS:
                raise SheetError("too_many_rows", limit=MAX_ROWS)
            if len(cells) > MAX_COLUMNS:
                raise SheetError("not_a_table")
            yield number, [cell.strip() for cell in cells]
    except csv.Error:
        raise SheetError("damaged") from None


def _is_well_quoted(text: str, separator: str) -> bool:
    """Whether each quote that opens a cell is closed; else it would swallow the lines after it."""
    try:
        for _cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            pass
    except csv.Error:
        return False
    return True


def _find_separator(text: str) -> str:
    """The sign that cuts most lines into the same number of cells; quoted text does not count."""
    lines = [line for line in text[:200_000].splitlines()[:200] if line.strip()]
    bare = [re.sub(r'"[^"]*"', "", line) for line in lines]
    best, best_score = ";", 0
    for separator in _SEPARATORS:
        counts = Counter(line.count(separator) for line in bare)
        counts.pop(0, None)
        score = max(counts.values(), default=0)
        # A comma is also the decimal sign, so at the same score the other separators win.
        if score > best_score:
            best, best_score = separator, score
    return best


# ----------------------------------------------------------------------
# Workbooks
# ----------------------------------------------------------------------


def _read_xlsx(content: bytes) -> list[Sheet]:
    _check_zip(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = []
        for sheet in book.worksheets:
            # The declared dimension of many exported files is wrong.
            sheet.reset_dimensions()
            rows = sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True)
            sheets.append(Sheet(sheet.title, list(_trim(rows))))
        return sheets
    except SheetError:
        raise
    # A hostile or damaged part can fail anywhere in the library.
    except Exception as error:
        raise SheetError("damaged") from error


def _check_zip(content: bytes) -> None:
    """Inflate every part once, piece by piece: no bomb, no DOCTYPE, no damage."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > 2000 or sum(part.file_size for part in parts) > MAX_INFLATED_BYTES:
                raise SheetError("inflated", limit=MAX_INFLATED_BYTES)
            for part in parts:
                with archive.open(part) as stream:
                    tail = b""
                    # A UTF-16 part has a zero beside each letter.
                    while piece := stream.read(_CHUNK).replace(b"\0", b""):
                        if b"<!DOCTYPE" in tail + piece or b"<!ENTITY" in tail + piece:
                            raise SheetError("unsafe")
                        tail = piece[-16:]
    except SheetError:
        raise
    except Exception as error:
        raise SheetError("damaged") from error


def _read_xls(content: bytes) -> list[Sheet]:
    try:
        import xlrd
    except ImportError:
        raise SheetError("xls_unsupported") from None
    try:
        book = xlrd.open_workbook(file_contents=content, on_demand=True)
        return [
            Sheet(sheet.name, list(_trim(_xls_rows(xlrd, sheet, book.datemode))))
            for sheet in book.sheets()
        ]
    except SheetError:
        raise
    except Exception as error:
        raise SheetError("damaged") from error


def _xls_rows(xlrd: Any, sheet: Any, mode: int) -> Iterator[list[Value]]:
    for index in range(sheet.nrows):
        row: list[Value] = []
        for cell in sheet.row(index)[:MAX_COLUMNS]:
            if cell.ctype == xlrd.XL_CELL_DATE:
                row.append(xlrd.xldate_as_datetime(cell.value, mode))
            elif cell.ctype in (xlrd.XL_CELL_TEXT, xlrd.XL_CELL_NUMBER):
                row.append(cell.value)
            else:
                row.append(None)
        yield row


def _trim(rows: Any) -> Iterator[Line]:
    """Number the rows, cut the blank cells at their end and leave out the blank ones."""
    filled = 0
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() if isinstance(cell, str) else cell for cell in row]
        while cells and cells[-1] in (None, ""):
            cells.pop()
        if cells:
            filled += 1
            if filled > MAX_ROWS:
                raise SheetError("too_many_rows", limit=MAX_ROWS)
            yield number, cells
