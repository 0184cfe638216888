"""Readers of the terminology files that ANS publishes: CSV, workbook, JSON export, zip of these.

The layouts are those of the open data (``Código do Termo;Termo;…``) and of the official workbooks
(a cover, then one sheet per table with its header some rows down). Nothing is trusted: neither
the header's row nor the order of the columns, nor that a code kept its zeros on its way through
Excel. Texts come back as ANS wrote them; what is wrong comes back as codes, with the line.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import openpyxl

from .identifiers import valid_tuss
from .terminology import GLOSA_TABLE, TUSS_TABLES, Term, domains, glosas
from .text import to_ascii
from .zips import DAMAGED

MAX_BYTES = 60 * 1024 * 1024
MAX_UNPACKED = 400 * 1024 * 1024
# A workbook of ANS packs 10 to 20 times; a zip bomb a thousand times.
MAX_RATIO = 200
MAX_MEMBERS = 500
MAX_ROWS = 300_000
MAX_COLUMNS = 40
MAX_PROBLEMS = 500
# The longest explanation of ANS, of a daily rate, has some 4,000 characters.
MAX_TEXT = 50_000
HEADER_ROWS = 60

_SMALL = 1024 * 1024
_CODES = (
    "CODIGO DO TERMO", "CODIGO TUSS", "CODIGO", "COD. DO TERMO", "COD. TERMO", "COD TERMO",
    "CODIGO TERMO", "COD. TUSS", "CODIGO DA MENSAGEM", "CODIGO DA GLOSA", "COD",
)  # fmt: skip
_TERMS = (
    "TERMO", "DESCRICAO DO TERMO", "NOME DO TERMO", "MENSAGEM", "DESCRICAO DA MENSAGEM",
    "DESCRICAO", "NOME",
)  # fmt: skip
# What tells two terms of one name apart; several are joined into one description.
_DETAILS = (
    "DESCRICAO DETALHADA", "DESCRICAO", "SIGLA", "APRESENTACAO", "LABORATORIO", "MODELO",
    "FABRICANTE", "REGISTRO ANVISA",
)  # fmt: skip
_STARTS = (
    "DATA DE INICIO DE VIGENCIA", "DATA INICIO DE VIGENCIA", "INICIO DE VIGENCIA",
    "INICIO VIGENCIA", "DATA DE INICIO DA VIGENCIA", "VIGENCIA INICIO",
)  # fmt: skip
_ENDS = (
    "DATA DE FIM DE VIGENCIA", "DATA FIM DE VIGENCIA", "FIM DE VIGENCIA", "FIM VIGENCIA",
    "DATA DE FIM DA VIGENCIA", "VIGENCIA FIM",
)  # fmt: skip
_IGNORED = ("DATA DE FIM DE IMPLANTACAO", "FIM DE IMPLANTACAO", "FIM IMPLANTACAO", "TABELA")
_TABLE = re.compile(r"\b(?:TABELA|TAB|TB|TUSS|TERMINOLOGIA)[ .:]*(?:N[O.]* ?)?([0-9]{2})(?![0-9])")
_EDITION = re.compile(r"(?<![0-9])(20[0-9]{2}(?:0[1-9]|1[0-2]))(?![0-9])")
_DAY = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})(?: [0-9:.]+)?")
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ][0-9:.Z+-]+)?")
_EXCEL_EPOCH = datetime.date(1899, 12, 30)
_NO_DATE = {"", "-", "--", "---", "–", "—"}


class AnsFileError(ValueError):
    """A file that cannot be read at all. ``code`` says why, ``name`` which file, ``value`` more."""

    def __init__(self, code: str, name: str, value: str = "") -> None:
        super().__init__(f"{name}: {code} {value}".rstrip())
        self.code = code
        self.name = name
        self.value = value


class Problem(NamedTuple):
    """A row that was left out. ``line`` is that of the file, ``code`` e.g. ``check_digit``."""

    line: int
    code: str
    value: str


class Sheet(NamedTuple):
    """One table out of a file.

    ``table`` and ``edition`` (``202605``) are empty where the file does not say them. ``columns``
    are those of a term that the file has at all: what it lacks is not known, not empty.
    """

    source: str
    table: str
    edition: str
    columns: frozenset[str]
    terms: list[Term]
    problems: list[Problem]
    problem_count: int
    ignored: tuple[str, ...]


class Reading(NamedTuple):
    """What a file held: tables, and the names of sheets and files that are no table."""

    sheets: list[Sheet]
    skipped: list[str]


class _Grid(NamedTuple):
    """Cells of one sheet; ``hints`` are names and titles that may tell table and edition."""

    source: str
    hints: tuple[str, ...]
    rows: Iterable[tuple[int, list[Any]]]


class _Raw(NamedTuple):
    line: int
    code: str
    term: str
    details: str
    start: Any
    end: Any


def read(name: str, content: bytes, tables: Mapping[str, str] | None = None) -> Reading:
    """All tables of a file.

    :param tables: table by ``Sheet.source``, for those that the file does not name
    :raises AnsFileError: the file holds no table, or it is dangerous
    """
    sheets, skipped = [], []
    for grid in _grids(name, content):
        sheet = _read_grid(grid, (tables or {}).get(grid.source, ""))
        if sheet:
            sheets.append(sheet)
        else:
            skipped.append(grid.source)
    if not sheets:
        raise AnsFileError("no_header", name)
    return Reading(sheets, skipped)


def tuss_table(code: str) -> str:
    """Table that a TUSS code belongs to by its first digits (guide §8.1); empty: to none."""
    if len(code) == 9:
        return "19" if code.startswith("10") else ""
    if len(code) != 8:
        return ""
    return {"6": "18", "7": "19", "9": "20", "0": ""}.get(code[0], "22")


@cache
def code_lengths() -> dict[str, int]:
    """Digits of the codes by table, where all codes of a table have as many."""
    lengths: dict[str, set[int]] = {GLOSA_TABLE: {len(each.code) for each in glosas()}}
    for row in domains():
        lengths.setdefault(row.table, set()).add(len(row.code) if row.code.isdigit() else 0)
    found = {table: max(each) for table, each in lengths.items() if len(each) == 1}
    return found | dict.fromkeys(TUSS_TABLES, 8)


# ---------------------------------------------------------------------------
# Files
# ---------------------------------------------------------------------------


def _grids(name: str, content: bytes, hints: tuple[str, ...] = ()) -> Iterator[_Grid]:
    if len(content) > MAX_BYTES:
        raise AnsFileError("too_big", name, str(MAX_BYTES // 1024 // 1024))
    hints = (name.rsplit("/", 1)[-1], *hints)
    if content.startswith(b"PK"):
        yield from _zip_grids(name, content, hints)
    elif content.startswith(b"\xd0\xcf\x11\xe0"):
        raise AnsFileError("old_excel", name)
    elif content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        yield from _json_grids(name, content, hints)
    else:
        yield _csv_grid(name, _decode(name, content), hints)


def _zip_grids(name: str, content: bytes, hints: tuple[str, ...]) -> Iterator[_Grid]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = _check_zip(name, archive)
            if any(member.filename == "xl/workbook.xml" for member in members):
                _check_workbook(name, archive, members)
                yield from _workbook_grids(name, content, hints)
                return
            for member in members:
                yield from _member_grids(name, archive, member, hints)
    except DAMAGED as error:
        raise AnsFileError("broken", name) from error


def _check_zip(name: str, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of an archive, none of which is read beyond the size that was judged here."""
    members = [each for each in archive.infolist() if not each.is_dir()]
    if len(members) > MAX_MEMBERS or sum(each.file_size for each in members) > MAX_UNPACKED:
        raise AnsFileError("zip_bomb", name)
    for member in members:
        if member.file_size > max(_SMALL, MAX_RATIO * member.compress_size):
            raise AnsFileError("zip_bomb", name, member.filename)
        if member.flag_bits & 1:
            raise AnsFileError("encrypted", name)
    return members


def _member_grids(
    name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, hints: tuple[str, ...]
) -> Iterator[_Grid]:
    path = f"{name}/{member.filename}"
    suffix = member.filename.lower().rpartition(".")[2]
    base = member.filename.rsplit("/", 1)[-1]
    if suffix not in ("csv", "txt", "xlsx", "xls", "json") or base.startswith((".", "~$")):
        yield _Grid(path, (), ())
        return
    data = archive.read(member)
    if data.startswith(b"PK") and suffix != "xlsx":
        raise AnsFileError("nested_zip", path)
    yield from _grids(path, data, hints)


def _check_workbook(
    name: str, archive: zipfile.ZipFile, members: Iterable[zipfile.ZipInfo]
) -> None:
    """No part may define entities, nor hide them from this look in another encoding."""
    for member in members:
        if member.filename.lower().endswith((".xml", ".rels", ".vml")):
            data = archive.read(member)
            head = data[:200]
            encoding = re.search(rb"encoding\s*=\s*[\"']([^\"']*)", head)
            plain = not encoding or encoding[1].lower() in (b"utf-8", b"us-ascii", b"ascii")
            if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in head or not plain:
                raise AnsFileError("unsafe", name, member.filename)


def _workbook_grids(name: str, content: bytes, hints: tuple[str, ...]) -> Iterator[_Grid]:
    try:
        # data_only: the values that Excel kept beside the formulas; no formula is computed.
        book = openpyxl.load_workbook(
            io.BytesIO(content), read_only=True, data_only=True, keep_links=False
        )
        for sheet in book.worksheets:
            # The declared size of a sheet is often wrong, and may be a lie.
            sheet.reset_dimensions()
            label = f"{name} · {' '.join(sheet.title.split())}"
            yield _Grid(label, (sheet.title, *hints), _workbook_rows(name, sheet))
    except AnsFileError:
        raise
    # openpyxl lets out whatever its parsers stumble over: KeyError, TypeError, SyntaxError…
    except Exception as error:
        raise AnsFileError("broken", name) from error


def _workbook_rows(name: str, sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    try:
        # One row more than allowed, so that too many are noticed.
        rows = sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS, values_only=True)
        for line, row in enumerate(rows, 1):
            yield line, list(row)
    except Exception as error:
        raise AnsFileError("broken", name) from error


def _decode(name: str, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if re.search(rb"[\x00-\x08\x0e-\x1f]", content[:65536]):
        raise AnsFileError("not_a_table", name)
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("iso-8859-1")


def _csv_grid(name: str, text: str, hints: tuple[str, ...]) -> _Grid:
    head = [line[:4000] for line in text[:200_000].splitlines()[:HEADER_ROWS]]
    for separator in ";\t,|":
        if any(_columns(cells) for _line, cells in _csv_rows(name, head, separator)):
            break
    else:
        return _Grid(name, hints, ())
    lines = io.StringIO(text, newline="")
    return _Grid(name, hints, _csv_rows(name, lines, separator))


def _csv_rows(name: str, lines: Iterable[str], separator: str) -> Iterator[tuple[int, list[Any]]]:
    reader = csv.reader(lines, delimiter=separator)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise AnsFileError("broken_line", name, str(reader.line_num)) from error


def _json_grids(name: str, content: bytes, hints: tuple[str, ...]) -> Iterator[_Grid]:
    """The export form ``[{id, source, display_name, extras: {inicio_vigencia, …}}]``."""
    try:
        records = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise AnsFileError("broken", name) from error
    if not isinstance(records, list):
        raise AnsFileError("no_header", name)
    header = ["Código", "Termo", "Início de vigência", "Fim de vigência", *_JSON_DETAILS.values()]
    grids: dict[str, list[tuple[int, list[Any]]]] = {}
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict) or "id" not in record:
            raise AnsFileError("broken_line", name, str(number))
        extras = record.get("extras")
        extras = extras if isinstance(extras, dict) else {}
        values = [
            record["id"],
            record.get("display_name"),
            extras.get("inicio_vigencia"),
            extras.get("fim_vigencia"),
            *map(extras.get, _JSON_DETAILS),
        ]
        rows = grids.setdefault(str(record.get("source") or ""), [(0, list(header))])
        rows.append((number, values))
    for source, rows in grids.items():
        label = f"{name} · {source}" if source else name
        digits = re.fullmatch(r"[^0-9]*([0-9]{2})", source)
        yield _Grid(label, (f"Tabela {digits[1]}" if digits else source, *hints), rows)


_JSON_DETAILS = {
    "apresentacao": "Apresentação",
    "laboratorio": "Laboratório",
    "modelo": "Modelo",
    "fabricante": "Fabricante",
    "registro_anvisa": "Registro ANVISA",
}


# ---------------------------------------------------------------------------
# Rows
# ---------------------------------------------------------------------------


def _columns(cells: Iterable[Any]) -> dict[str, list[int]]:
    """{what: its columns} if the cells are the header of a table; otherwise empty."""
    names: dict[str, int] = {}
    for index, cell in enumerate(cells):
        if isinstance(cell, str) and cell.strip():
            names.setdefault(to_ascii(cell.strip().removeprefix("\ufeff")), index)
    code = next((names[each] for each in _CODES if each in names), None)
    term = next((names[each] for each in _TERMS if each in names), None)
    if code is None or term is None:
        return {}
    found = {
        "code": [code],
        "term": [term],
        "details": [names[each] for each in _DETAILS if each in names and names[each] != term],
        "start": [names[each] for each in _STARTS if each in names][:1],
        "end": [names[each] for each in _ENDS if each in names][:1],
    }
    used = {index for indexes in found.values() for index in indexes}
    found["ignored"] = [
        index for each, index in names.items() if index not in used and each not in _IGNORED
    ]
    return found


def _read_grid(grid: _Grid, table: str) -> Sheet | None:
    rows = iter(grid.rows)
    above: list[str] = []
    for number, (_line, cells) in enumerate(rows):
        columns = _columns(cells)
        if columns:
            break
        above += [cell for cell in cells if isinstance(cell, str)]
        if number >= HEADER_ROWS:
            return None
    else:
        return None
    raws = list(_raws(grid.source, rows, columns))
    hints = [" ".join(re.sub(r"[_/-]", " ", to_ascii(hint)).split()) for hint in grid.hints]
    titles = [" ".join(re.sub(r"[_/-]", " ", to_ascii(text)).split()) for text in above]
    # The sheet's own name first, then its title, then the names of the files around it.
    texts = [*hints[:1], *titles, *hints[1:]]
    found = _content_table(raws)
    table = table or _first(_TABLE, texts) or found
    if found and table in TUSS_TABLES and table != found:
        raise AnsFileError("wrong_table", grid.source, f"{table} {found}")
    terms, problems = _clean(table, raws)
    return Sheet(
        grid.source,
        table,
        _first(_EDITION, texts),
        frozenset(each for each in ("details", "start", "end") if columns[each]),
        terms,
        problems[:MAX_PROBLEMS],
        len(problems),
        tuple(" ".join(str(cells[index]).split()) for index in columns["ignored"]),
    )


def _first(pattern: re.Pattern[str], texts: Iterable[str]) -> str:
    return next((match[1] for match in map(pattern.search, texts) if match), "")


def _raws(
    source: str, rows: Iterable[tuple[int, list[Any]]], columns: dict[str, list[int]]
) -> Iterator[_Raw]:
    [code], [term] = columns["code"], columns["term"]
    details = columns["details"]
    start, end = (columns[each][0] if columns[each] else MAX_COLUMNS for each in ("start", "end"))
    missing = [None] * (MAX_COLUMNS + 1)
    for count, (line, cells) in enumerate(rows):
        if count >= MAX_ROWS:
            raise AnsFileError("too_many_rows", source, str(MAX_ROWS))
        cells = [*cells[:MAX_COLUMNS], *missing[len(cells[:MAX_COLUMNS]) :]]
        filled = [each for each in cells if each not in (None, "")]
        raw = _Raw(
            line,
            _text(cells[code]),
            _text(cells[term]),
            " · ".join(filter(None, (_detail(cells[index]) for index in details))),
            cells[start],
            cells[end],
        )
        if len(raw.term) + len(raw.details) > MAX_TEXT:
            # A quotation mark that was never closed swallows the rest of the file.
            raise AnsFileError("broken_line", source, str(line))
        # A line that is empty, or that only says something about the table, like its source.
        is_note = len(filled) <= 1 and not re.fullmatch(r"[0-9.,-]*", raw.code)
        if filled and not is_note:
            yield raw


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(str(value).split())
    return text[2:-1] if text.startswith('="') and text.endswith('"') else text


def _detail(value: Any) -> str:
    text = _text(value)
    return "" if text in _NO_DATE else re.sub(r"^([0-9]{6,})[.,]0$", r"\1", text)


def _content_table(raws: list[_Raw]) -> str:
    """The TUSS table that nearly all codes belong to, if they are TUSS codes at all."""
    sample = raws[:5000]
    codes = [_tuss_code(raw.code) for raw in sample]
    found = Counter(tuss_table(code) for code in codes if valid_tuss(code))
    if not found:
        return ""
    table, count = found.most_common(1)[0]
    return table if count >= 0.9 * len(sample) else ""


def _tuss_code(text: str) -> str:
    """Digits of a code, masked (1.01.01.01-2) or made a float on the way (10101012.0)."""
    text = re.sub(r"^([0-9]{7,9})[.,]0+$", r"\1", text)
    text = re.sub(r"(?<=[0-9])[.-](?=[0-9])", "", text)
    return text.zfill(8) if text.isdigit() else text


def _code(table: str, text: str) -> str:
    """The code as the table writes it; raises ValueError with the code of the problem."""
    if not text:
        raise ValueError("no_code")
    if table in TUSS_TABLES:
        code = _tuss_code(text)
        if not re.fullmatch(r"[0-9]{8,9}", code):
            raise ValueError("bad_code")
        if not valid_tuss(code):
            raise ValueError("check_digit")
        return code
    code = re.sub(r"^([0-9]+)[.,]0+$", r"\1", text)
    if not re.fullmatch(r"[0-9A-Za-z]{1,10}", code):
        raise ValueError("bad_code")
    return code.zfill(code_lengths().get(table, 0)) if code.isdigit() else code


def _date(value: Any) -> datetime.date | None:
    """A date, or None for an open end; raises ValueError."""
    if isinstance(value, datetime.datetime):
        value = value.date()
    if isinstance(value, datetime.date):
        return value if value.year < 2900 else None
    text = _text(value)
    if text in _NO_DATE:
        return None
    if match := _DAY.fullmatch(text):
        found = datetime.date(int(match[3]), int(match[2]), int(match[1]))
    elif match := _ISO_DAY.fullmatch(text):
        found = datetime.date(int(match[1]), int(match[2]), int(match[3]))
    elif re.fullmatch(r"[2-7][0-9]{4}", text):
        # A day as Excel counts them.
        found = _EXCEL_EPOCH + datetime.timedelta(days=int(text))
    else:
        raise ValueError("bad_date")
    # ANS writes no end as 31/12/9999 here and there.
    return found if found.year < 2900 else None


def _clean(table: str, raws: Iterable[_Raw]) -> tuple[list[Term], list[Problem]]:
    terms: dict[str, Term] = {}
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    days: dict[Any, datetime.date | None] = {}
    for raw in raws:
        try:
            term = _clean_row(table, raw, days)
        except _Refused as refused:
            problems.append(Problem(raw.line, refused.code, refused.value[:100]))
            continue
        known = terms.setdefault(term.code, term)
        if known is term:
            lines[term.code] = raw.line
        elif known != term:
            value = f"{term.code} {lines[term.code]}"
            problems.append(Problem(raw.line, "duplicate", value))
    return list(terms.values()), problems


class _Refused(Exception):
    def __init__(self, code: str, value: str) -> None:
        super().__init__(code)
        self.code = code
        self.value = value


def _clean_row(table: str, raw: _Raw, days: dict[Any, datetime.date | None]) -> Term:
    try:
        code = _code(table, raw.code)
    except ValueError as error:
        raise _Refused(str(error), raw.code or raw.term) from error
    if not raw.term:
        raise _Refused("no_term", code)
    for value in (raw.start, raw.end):
        if value not in days:
            try:
                days[value] = _date(value)
            except (ValueError, OverflowError) as error:
                raise _Refused("bad_date", str(value)) from error
    start, end = days[raw.start], days[raw.end]
    if start and end and end < start:
        raise _Refused("dates_reversed", f"{start:%d/%m/%Y} {end:%d/%m/%Y}")
    details = "" if raw.details == raw.term else raw.details
    return Term(table, code, raw.term, details, start, end)
