"""Reader of the ANS registry of active operadoras, ``Relatorio_cadop.csv`` (webservices.md §4).

ANS has published it in two layouts: the old one has two lines of preamble, 19 columns and dates as
dd/mm/yyyy; the newer one has 20 columns and ISO dates, and its first column has been called
Registro_ANS and REGISTRO_OPERADORA. Columns are found by name, so both are one to this reader, as
are UTF-8 with BOM and Latin-1, and copies saved by a spreadsheet, which drops leading zeros.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from . import identifiers
from .terminology import Operadora
from .text import to_ascii

# The real file has some 1,100 lines and 300 KB.
MAX_BYTES = 10_000_000
MAX_PROBLEMS = 100
_HEADER_WITHIN = 10

# Name in the header, in capitals and without accents -> ours.
_COLUMNS = {
    "REGISTRO_ANS": "ans_code",
    "REGISTRO_OPERADORA": "ans_code",
    "CNPJ": "cnpj",
    "RAZAO_SOCIAL": "legal_name",
    "NOME_FANTASIA": "trade_name",
    "MODALIDADE": "modality",
    "CIDADE": "city",
    "UF": "uf",
    "DATA_REGISTRO_ANS": "registration_date",
    "LOGRADOURO": "street",
    "NUMERO": "street_number",
    "COMPLEMENTO": "street_complement",
    "BAIRRO": "district",
    "CEP": "zip",
    "DDD": "area_code",
    "TELEFONE": "phone",
    "ENDERECO_ELETRONICO": "email",
}
_REQUIRED = ("ans_code", "cnpj", "legal_name", "trade_name", "modality", "city", "uf")
_CANCELLED = {"DATA_DESCREDENCIAMENTO", "MOTIVO_DO_DESCREDENCIAMENTO"}
_STATES = frozenset(
    "AC AL AM AP BA CE DF ES GO MA MG MS MT PA PB PE PI PR RJ RN RO RR RS SC SE SP TO".split()
)


class Problem(NamedTuple):
    """A line that cannot be used.

    ``code``: ``columns``, ``ans_code``, ``cnpj``, ``legal_name``, ``modality``, ``uf``, ``date``,
    ``duplicate``, ``line``. ``ans_code`` is the operadora that the line is about, if that much is
    certain.
    """

    line: int
    code: str
    value: str = ""
    ans_code: str = ""


@dataclass
class Registry:
    """What a file says: its good lines by ANS number, and what is wrong with the others."""

    operadoras: dict[str, Operadora] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class CadopError(ValueError):
    """A file that is not the registry of active operadoras.

    ``code``: ``oversized``, ``not_text``, ``no_header``, ``cancelled_list``, ``missing_column``,
    ``too_many_problems``, ``empty``; ``detail`` names columns or the first bad line.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code
        self.detail = detail


def read(content: bytes) -> Registry:
    """Read a registry file in one pass.

    :raises CadopError: when it is another kind of file, or has more than 100 bad lines
    """
    if len(content) > MAX_BYTES:
        raise CadopError("oversized")
    if b"\0" in content or content[:4] == b"PK\3\4":
        raise CadopError("not_text")
    file = io.StringIO(_decode(content), newline="")
    names, header, delimiter = _find_header(file)
    registry = Registry()
    for line, cells in _lines(file, header, delimiter):
        _read_line(registry, line, names, cells)
        if len(registry.problems) > MAX_PROBLEMS:
            raise CadopError("too_many_problems", str(registry.problems[0].line))
    if not registry.operadoras:
        raise CadopError("empty")
    return registry


def _decode(content: bytes) -> str:
    for charset in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(charset)
        except UnicodeDecodeError:
            pass
    return content.decode("latin-1")


def _find_header(file: io.StringIO) -> tuple[list[str], int, str]:
    """Our names of the columns (empty for those that we do not use), its line, the separator."""
    for line in range(1, _HEADER_WITHIN + 1):
        # Noise may be one endless line.
        text = file.readline(10_000)
        for delimiter in ";,\t":
            cells = next(csv.reader([text.strip("\r\n")], delimiter=delimiter), [])
            titles = [re.sub(r"[^A-Z]+", "_", to_ascii(cell)).strip("_") for cell in cells]
            names = [_COLUMNS.get(title, "") for title in titles]
            if "ans_code" in names and len(set(names)) > 3:
                _check_header(names, titles)
                return names, line, delimiter
    raise CadopError("no_header")


def _check_header(names: list[str], titles: list[str]) -> None:
    if _CANCELLED & set(titles):
        raise CadopError("cancelled_list")
    missing = [
        title
        for title, name in _COLUMNS.items()
        if name in _REQUIRED and name not in names and title != "REGISTRO_OPERADORA"
    ]
    if missing:
        raise CadopError("missing_column", ", ".join(missing))


def _lines(file: io.StringIO, header: int, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line that says something."""
    reader = csv.reader(file, delimiter=delimiter)
    while True:
        line = header + reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            cells = ["?"]
        # A title or a source below the table has one cell; a line of the table has more.
        is_text = len(list(filter(None, cells))) == 1 and not re.search(r"\d{5}", cells[0])
        if any(cells) and not is_text:
            yield line, cells


def _read_line(registry: Registry, line: int, names: list[str], cells: list[str]) -> None:
    if len(cells) < len(names):
        # What follows the last filled column is sometimes left away.
        cells = cells + [""] * (len(names) - len(cells))
    values = {name: cell for name, cell in zip(names, cells, strict=False) if name}
    ans_code = _number(values["ans_code"], 6)
    if not identifiers.valid_ans_code(ans_code):
        registry.problems.append(Problem(line, "ans_code", values["ans_code"][:40]))
        return
    problem = _find_problem(values)
    if len(cells) > len(names) and any(cells[len(names) :]):
        problem = ("columns", str(len(cells)))
    if problem:
        registry.problems.append(Problem(line, problem[0], problem[1][:40], ans_code))
        return
    operadora = _operadora(ans_code, values)
    if registry.operadoras.setdefault(ans_code, operadora) != operadora:
        registry.problems.append(Problem(line, "duplicate", ans_code, ans_code))


def _find_problem(values: dict[str, str]) -> tuple[str, str] | None:
    """The first thing that is wrong with a line: (code, value)."""
    cnpj = _number(values["cnpj"], 14)
    checks = {
        "cnpj": identifiers.valid_cnpj(cnpj),
        "legal_name": bool(to_ascii(values["legal_name"])),
        "modality": bool(values["modality"]),
        "uf": values["uf"].upper() in _STATES,
    }
    for code, is_good in checks.items():
        if not is_good:
            return code, values[code]
    try:
        _date(values.get("registration_date", ""))
    except ValueError:
        return "date", values["registration_date"]
    return None


def _operadora(ans_code: str, values: dict[str, str]) -> Operadora:
    def text(name: str) -> str:
        return " ".join(values.get(name, "").split())

    return Operadora(
        ans_code=ans_code,
        cnpj=_number(values["cnpj"], 14),
        legal_name=text("legal_name"),
        trade_name=text("trade_name") or text("legal_name"),
        modality=text("modality"),
        city=text("city"),
        uf=text("uf").upper(),
        registration_date=_date(values.get("registration_date", "")),
        street=text("street"),
        street_number=re.sub(r"\.0$", "", text("street_number")),
        street_complement=text("street_complement"),
        district=text("district"),
        zip=_zip(values.get("zip", "")),
        phone=_phone(values.get("area_code", ""), values.get("phone", "")),
        email=_email(values.get("email", "")),
    )


def _number(text: str, length: int) -> str:
    """An identifier without mask; a spreadsheet drops leading zeros and may append ".0"."""
    code = identifiers.compact(re.sub(r"\.0$", "", text))
    return code.zfill(length) if code.isdigit() else code


def _date(text: str) -> datetime.date | None:
    """An ISO or a Brazilian date, with or without a time; :raises ValueError: anything else."""
    text = text[:10].strip()
    if not text:
        return None
    brazilian = re.fullmatch(r"(\d\d?)/(\d\d?)/(\d{4})", text)
    if brazilian:
        day, month, year = map(int, brazilian.groups())
        return datetime.date(year, month, day)
    return datetime.date.fromisoformat(text)


def _zip(text: str) -> str:
    digits = _number(text, 8)
    good = len(digits) == 8 and digits.isdigit() and digits.strip("0")
    return f"{digits[:5]}-{digits[5:]}" if good else ""


def _phone(area_code: str, text: str) -> str:
    area_code = re.sub(r"\.0$", "", area_code).strip("() ").lstrip("0")
    text = re.sub(r"\.0$", "", text).strip()
    return f"({area_code}) {text}" if area_code and text else text


def _email(text: str) -> str:
    first = re.split(r"[;,\s/]+", text.strip())[0].lower()
    return first if re.fullmatch(r"[^@]+@[^@]+\.[a-z]+", first) else ""
