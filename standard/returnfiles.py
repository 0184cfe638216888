"""Demonstrativos that come as a table: a .csv, .txt, .xls or .xlsx out of an operadora's portal.

No two operadoras name or order the columns alike, so a layout says what each column means. What is
read becomes the dicts that an XML of the standard is decoded into (guide §5.3, §5.4): nothing that
comes after knows what the file was. Every total is summed up again from the rows; one that the file
states itself takes the place of ours, so that the comparison of sums finds it.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from .money import to_decimal
from .pricefiles import AmbiguousNumber, decimal_mark, fold, show, to_code, to_date, to_number
from .sheets import OLE, Line, SheetError, Value, check_size, read_sheets

ANALYSIS, PAYMENT = "analysis", "payment"
TEXTS = (
    "number", "ans_code", "provider", "protocol", "lote", "guia", "operadora_guia", "item",
    "table", "code", "reason", "protocol_reason", "payment_kind",
)  # fmt: skip
# Columns of débitos of a payment → their kind in T27.
RETENTIONS = {
    "irrf": "01", "iss": "02", "inss": "03", "pis": "04", "cofins": "05", "csll": "06",
    "discount": "07", "earlier": "08",
}  # fmt: skip
AMOUNTS = (
    "informed", "processed", "denied", "released", "protocol_informed", "protocol_denied", "net",
    *RETENTIONS,
)  # fmt: skip
DATES = ("issue_date", "service_date", "payment_date")
ROLES = (*TEXTS, *AMOUNTS, *DATES)
_APPEAL = re.compile(r"2|recurso.*|reapresentacao.*|revisao.*")
_REASON = re.compile(r"(?<!\d)\d{4}(?!\d)")
_TOTAL = re.compile(r"(sub ?)?total|totais|soma\b")
_CNPJ = re.compile(r"(?<!\d)\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}(?!\d)")
_HEADER_ROWS = 40
_MAX_AMOUNT = Decimal("99999999.99")
_TABLE = "00"  # own table of the operadora, where the file does not say which

# Titles of columns, as `fold` makes them, by role; the first that fits.
_TITLES: dict[str, tuple[str, ...]] = {
    "number": ("fatura", "demonstrativo", "nro demonstrativo", "numero do demonstrativo"),
    "ans_code": ("registro ans", "ans", "registroans"),
    "provider": ("cnpj prestador", "cnpj do prestador", "codigo prestador", "prestador"),
    "protocol": (
        "nro protocolo", "protocolo", "numero protocolo", "numero do protocolo", "no protocolo",
    ),
    "lote": ("lote", "nro lote", "numero lote", "numero do lote", "lote prestador"),
    "guia": (
        "nro guia prestador", "guia prestador", "numero guia prestador", "guia do prestador",
        "numero da guia", "nro guia", "guia", "numero guia",
    ),
    "operadora_guia": ("nro guia operadora", "guia operadora", "numero guia operadora"),
    "item": ("sequencial", "sequencial item", "item", "seq"),
    "table": ("tabela", "codigo tabela"),
    "code": (
        "codigo servico", "codigo do servico", "codigo procedimento", "procedimento",
        "codigo do procedimento", "cod procedimento", "cod servico",
    ),
    "reason": (
        "codigo da glosa", "codigo glosa", "cod glosa", "motivo glosa", "motivo da glosa",
        "motivo", "cod motivo", "codigo motivo",
    ),
    "protocol_reason": ("cod glosa protocolo", "codigo glosa protocolo"),
    "payment_kind": ("tipo pagamento", "tipo de pagamento"),
    "informed": (
        "valor informado", "valor apresentado", "vl informado", "vl apresentado",
        "valor cobrado", "apresentado", "informado",
    ),
    "processed": ("valor processado", "vl processado", "processado"),
    "denied": ("valor da glosa", "valor glosa", "vl glosa", "valor glosado", "glosa"),
    "released": (
        "valor liberado", "vl liberado", "valor pago", "vl pago", "valor aprovado", "liberado",
        "pago",
    ),
    "protocol_informed": ("valor protocolo", "valor do protocolo"),
    "protocol_denied": ("valor glosa protocolo",),
    "net": ("valor liquido", "liquido"),
    "irrf": ("irrf", "ir", "valor irrf"),
    "iss": ("iss", "issqn", "valor iss"),
    "inss": ("inss", "valor inss"),
    "pis": ("pis", "valor pis"),
    "cofins": ("cofins", "valor cofins"),
    "csll": ("csll", "valor csll"),
    "discount": ("desconto", "descontos", "valor desconto"),
    "issue_date": ("data emissao", "data de emissao", "emissao"),
    "service_date": ("data realizacao", "data atendimento", "data de realizacao", "data execucao"),
    "payment_date": ("data pagamento", "data de pagamento", "data credito", "data do pagamento"),
}  # fmt: skip
_ROLE_OF_TITLE = {name: role for role, names in _TITLES.items() for name in names}


class Problem(NamedTuple):
    """What keeps a row from being read: a code, its line, the column's title, the cell's text.

    Codes: ``bad_number``, ``ambiguous_number``, ``too_high``, ``bad_date``, ``no_guia``,
    ``no_amount``, ``no_date``, ``extra_cells``, ``cut_off``.
    """

    code: str
    line: int
    column: str = ""
    text: str = ""


@dataclass(frozen=True)
class Table:
    """The sheet of a file that looks most like a demonstrativo, with its header found."""

    titles: tuple[str, ...]
    header_line: int
    before: list[Line] = field(repr=False)  # what stands above the header
    lines: list[Line] = field(repr=False)
    roles: dict[str, int]  # as the titles suggest them
    ends_in_a_line: bool = False  # of a text that has no line break at its end

    @property
    def signature(self) -> str:
        return sign(self.titles)

    def examples(self, column: int, count: int = 3) -> list[str]:
        """The first different texts of a column."""
        cells = (cells[column] for _number, cells in self.lines[:200] if column < len(cells))
        return list(dict.fromkeys(filter(None, map(show, cells))))[:count]

    def get_cnpjs(self) -> list[str]:
        """The CNPJs above the header, as digits: of the clinic, or of the operadora."""
        text = " ".join(show(cell) for _number, cells in self.before for cell in cells)
        return [re.sub(r"\D", "", found) for found in _CNPJ.findall(text)]


@dataclass(frozen=True)
class Layout:
    """What the columns of the files of one operadora mean."""

    kind: str
    roles: dict[str, int]
    mark: str = ""  # "," or "."; "" when the columns themselves say it
    date_form: str = "dmy"  # or "mdy"; ISO dates and days of Excel are read in both

    def missing(self) -> list[str]:
        """Roles without which such a file says nothing; of the alternatives the first."""
        known = self.roles.keys()
        needs = [("guia", "operadora_guia", "protocol", "lote"), ("released", "denied")]
        if self.kind == ANALYSIS:
            needs.append(("informed", "protocol_informed"))
        return [names[0] for names in needs if not known & set(names)]


class Row(NamedTuple):
    line: int
    values: dict[str, Any]


class Reading(NamedTuple):
    """Parts in the shape of the standard, the providers and operadoras named, what is wrong."""

    parts: list[dict[str, Any]]
    providers: set[str]
    ans_codes: set[str]
    problems: list[Problem]


def sign(titles: Iterable[str]) -> str:
    """Digest of a row of titles, by which a next file of the same layout is known."""
    return hashlib.sha256("\x1f".join(map(fold, titles)).encode()).hexdigest()[:32]


def looks_like_table(content: bytes) -> bool:
    """Whether a file may be a table at all: no XML, no PDF; a zip only if it is a workbook."""
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start or start.startswith((b"<", b"%PDF", b"{", b"[")):
        return False
    if start.startswith(b"PK"):
        return b"[Content_Types].xml" in content and b"xl/" in content
    # UTF-16 XML, with its byte order mark or without
    return not start.replace(b"\0", b"").lstrip(b"\xff\xfe").startswith(b"<")


def open_table(content: bytes, guess: bool = False) -> Table:
    """The best understood sheet; SheetError ``unknown_layout`` where no header is found.

    :param guess: take a row of nothing but texts for the header, where no title is known
    """
    check_size(len(content))
    sheets = read_sheets(content)
    tables = [table for sheet in sheets if (table := _find_header(sheet.lines))]
    if guess and not tables:
        tables = [table for sheet in sheets if (table := _guess_header(sheet.lines))]
    if not tables:
        raise SheetError("unknown_layout")
    best = max(tables, key=lambda table: len(table.roles))
    return replace(best, ends_in_a_line=_ends_in_a_line(content))


def _ends_in_a_line(content: bytes) -> bool:
    """Whether a text stops without the line break that programs write after the last row."""
    return not content.startswith((b"PK", OLE)) and content.rstrip(b"\0")[-1:] not in b"\r\n"


def _find_header(lines: list[Line]) -> Table | None:
    """The row in which most titles are known; at least three of them."""
    best, best_roles = -1, {}
    for index, (_number, cells) in enumerate(lines[:_HEADER_ROWS]):
        roles = suggest_roles(map(show, cells))
        if len(roles) > len(best_roles):
            best, best_roles = index, roles
    return _make_table(lines, best, best_roles) if len(best_roles) >= 3 else None


def _guess_header(lines: list[Line]) -> Table | None:
    """The first row of at least three texts without digits above a row with some number."""
    for index, (_number, cells) in enumerate(lines[:_HEADER_ROWS]):
        texts = [show(cell) for cell in cells if show(cell)]
        below = lines[index + 1][1] if index + 1 < len(lines) else []
        is_header = len(texts) >= 3 and not any(re.search(r"\d", text) for text in texts)
        if is_header and any(re.search(r"\d", show(cell)) for cell in below):
            return _make_table(lines, index, {})
    return None


def _make_table(lines: list[Line], index: int, roles: dict[str, int]) -> Table:
    number, cells = lines[index]
    titles = [show(cell) for cell in cells]
    while titles and not titles[-1]:
        titles.pop()
    return Table(tuple(titles), number, lines[:index], lines[index + 1 :], roles)


def suggest_roles(titles: Iterable[str]) -> dict[str, int]:
    """{role: column} of titles as they are used in the field."""
    columns = {fold(title): column for column, title in reversed(list(enumerate(titles)))}
    roles: dict[str, int] = {}
    for role, names in _TITLES.items():
        found = next((name for name in names if name in columns), None)
        if found:
            roles[role] = columns[found]
    return roles


# ----------------------------------------------------------------------
# Rows
# ----------------------------------------------------------------------


def read(table: Table, layout: Layout, defaults: dict[str, Any]) -> Reading:
    """The demonstrativos of a table, one for each number in it.

    :param defaults: ans_code, and number, issue_date and payment_date for what no column says
    """
    reader = _Reader(table, layout)
    rows = [row for number, cells in table.lines if (row := reader.read(number, cells))]
    _check_rows(rows, layout, defaults, reader)
    _check_end(rows, table, reader)
    providers = {row.values["provider"] for row in rows if row.values.get("provider")}
    ans_codes = {row.values["ans_code"] for row in rows if row.values.get("ans_code")}
    if reader.problems:
        return Reading([], providers, ans_codes, reader.problems)
    groups = _group(rows, lambda values: values.get("number") or defaults["number"])
    # A total of the file is nobody's where the file holds several demonstrativos.
    total = reader.get_total() if len(groups) == 1 else {}
    parts = [
        build(own, layout.kind, {**defaults, "number": number}, total)
        for number, own in groups.items()
    ]
    return Reading(parts, providers, ans_codes, [])


def build(
    rows: list[Row], kind: str, defaults: dict[str, Any], total: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One demonstrativo of rows, in the shape of the standard.

    :param defaults: number, ans_code, issue_date and payment_date; discounts, where the débitos
        and créditos do not stand in the rows
    :param total: amounts that the whole file states, by role
    """
    make = _build_analysis if kind == ANALYSIS else _build_payment
    return make(rows, defaults, total or {})


def _check_rows(rows: list[Row], layout: Layout, defaults: dict[str, Any], reader: _Reader) -> None:
    for line, values in rows:
        if not any(values.get(name) for name in ("guia", "operadora_guia", "protocol", "lote")):
            reader.problems.append(Problem("no_guia", line))
        if "released" not in values or (layout.kind == ANALYSIS and "informed" not in values):
            reader.problems.append(Problem("no_amount", line))
        if layout.kind == PAYMENT and not (
            values.get("payment_date") or defaults.get("payment_date")
        ):
            reader.problems.append(Problem("no_date", line))
    reader.problems.sort(key=lambda problem: problem.line)


def _check_end(rows: list[Row], table: Table, reader: _Reader) -> None:
    """A download that broke off may have left the first digits of an amount."""
    width = len(table.titles)
    short = [line for line, cells in table.lines if len(cells) < width]
    # Where other rows are short as well, the last one is as it was written.
    if table.ends_in_a_line and rows and short == [rows[-1].line]:
        reader.problems.append(Problem("cut_off", short[0]))


class _Reader:
    def __init__(self, table: Table, layout: Layout) -> None:
        self.table = table
        self.layout = layout
        self.problems: list[Problem] = []
        self.totals: list[dict[str, Any]] = []
        self.rows_after_total = False
        self.titles = {role: fold(table.titles[col]) for role, col in layout.roles.items()}
        self.marks = {
            role: layout.mark or decimal_mark(self._texts(layout.roles[role])) or ","
            for role in AMOUNTS
            if role in layout.roles
        }

    def _texts(self, column: int) -> Iterable[str]:
        for _number, cells in self.table.lines:
            if column < len(cells) and isinstance(cells[column], str) and cells[column]:
                yield str(cells[column])

    def get_total(self) -> dict[str, Any]:
        """What the one row of totals at the end states; several may be of anything."""
        return self.totals[0] if len(self.totals) == 1 and not self.rows_after_total else {}

    def read(self, number: int, cells: list[Value]) -> Row | None:
        """One row; None for blank ones, repeated titles and totals."""
        raw = {
            role: cells[column]
            for role, column in self.layout.roles.items()
            if column < len(cells) and show(cells[column])
        }
        shown = {role: show(value) for role, value in raw.items()}
        if not any(show(cell) for cell in cells):
            return None
        if sum(fold(text) == self.titles[role] for role, text in shown.items()) >= 3:
            return None
        keys = {"guia", "operadora_guia", "protocol", "lote", "code"}
        words = [fold(show(cell)) for cell in cells if show(cell)]
        if any(_TOTAL.match(word) for word in words) and not self._has_key(shown, keys):
            self.totals.append(self._convert(number, raw, AMOUNTS))
            return None
        if not raw or (not self._has_key(shown, keys) and not set(AMOUNTS) & raw.keys()):
            return None  # a note between or under the rows
        self.rows_after_total = bool(self.totals)
        if any(show(cell) for cell in cells[len(self.table.titles) :]):
            self.problems.append(Problem("extra_cells", number, text=show(cells[-1])[:80]))
            return None
        return Row(number, self._complete(self._convert(number, raw, ROLES)))

    def _has_key(self, shown: dict[str, str], keys: set[str]) -> bool:
        return any(re.search(r"\d", shown[role]) for role in keys & shown.keys())

    def _convert(self, number: int, raw: dict[str, Value], roles: Iterable[str]) -> dict[str, Any]:
        values = {}
        for role, value in raw.items():
            if role not in roles:
                continue
            try:
                values[role] = self._convert_cell(role, value)
            except AmbiguousNumber:
                self._add("ambiguous_number", number, role, value)
            except (ValueError, OverflowError, ArithmeticError):
                code = "bad_date" if role in DATES else "bad_number"
                self._add(code, number, role, value)
        for role in AMOUNTS:
            if abs(values.get(role) or 0) > _MAX_AMOUNT:
                self._add("too_high", number, role, raw[role])
        return {role: value for role, value in values.items() if value is not None}

    def _convert_cell(self, role: str, value: Value) -> Any:
        if role in AMOUNTS:
            amount = to_number(value, self.marks[role])
            return None if amount is None else to_decimal(amount)
        if role in DATES:
            return to_day(value, self.layout.date_form)
        if role == "item":
            number = to_code(value)
            if not re.fullmatch(r"\d{1,4}", number):
                raise ValueError(number)
            return int(number)
        if role in ("reason", "protocol_reason"):
            return _REASON.findall(show(value))
        return to_text(value)

    def _add(self, code: str, number: int, role: str, value: Value) -> None:
        title = self.table.titles[self.layout.roles[role]]
        self.problems.append(Problem(code, number, title, show(value)[:80]))

    def _complete(self, values: dict[str, Any]) -> dict[str, Any]:
        """Of presented, denied and released, the one that is missing."""
        if not (values.get("guia") or values.get("operadora_guia")):
            # A row of a whole protocolo has its amounts in the columns of the protocolo.
            for name in ("informed", "denied"):
                if name not in values and f"protocol_{name}" in values:
                    values[name] = values[f"protocol_{name}"]
        informed, denied = values.get("informed"), values.get("denied")
        if "released" not in values and informed is not None and denied is not None:
            values["released"] = informed - denied
        if "informed" not in values and "released" in values and denied is not None:
            values["informed"] = values["released"] + denied
        return values


def to_text(value: Value) -> str:
    """A number as somebody wrote it, without what a spreadsheet adds: ="501", '501, 501.0."""
    text = show(value).strip("'\" ")
    if match := re.fullmatch(r'="?([^"=]*)"?', text):
        text = match[1].strip()
    return text[:-2] if re.fullmatch(r"\d+\.0", text) else text


def to_day(value: Value, form: str = "dmy") -> datetime.date | None:
    """A date in the form of the file, in ISO, or as the day of a spreadsheet; ValueError."""
    if isinstance(value, float) and not isinstance(value, bool):
        value = int(value)
    text = show(value)
    if form == "mdy" and (match := re.fullmatch(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{2,4})", text)):
        month, sign_, day, year = match.groups()
        value = sign_.join((day, month, year))
    elif re.fullmatch(r"(19|20)\d{6}", text):
        value = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    elif match := re.fullmatch(r"(\d{1,2}[/.-]\d{1,2}[/.-]\d{4})[ T].*", text):
        return to_day(match[1], form)
    return to_date(value)


# ----------------------------------------------------------------------
# The shape of the standard
# ----------------------------------------------------------------------


def _group(rows: list[Row], key: Any) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row.values), []).append(row)
    return groups


def _by_protocol(rows: list[Row]) -> dict[Any, list[Row]]:
    return _group(rows, lambda values: (values.get("protocol") or "", values.get("lote") or ""))


def _by_guia(rows: list[Row]) -> dict[Any, list[Row]]:
    return _group(
        rows, lambda values: (values.get("guia") or "", values.get("operadora_guia") or "")
    )


def _sum(rows: Iterable[Row], role: str) -> Decimal:
    return sum((row.values.get(role) or Decimal(0) for row in rows), Decimal("0.00"))


def _build_header(rows: list[Row], defaults: dict[str, Any]) -> dict[str, Any]:
    dates = [row.values["issue_date"] for row in rows if row.values.get("issue_date")]
    return {
        "registroANS": defaults["ans_code"],
        "numeroDemonstrativo": defaults["number"],
        "dataEmissao": max(dates, default=None) or defaults["issue_date"],
    }


def _build_sums(rows: list[Row], suffix: str) -> dict[str, Any]:
    informed = _sum(rows, "informed")
    has_processed = any("processed" in row.values for row in rows)
    return {
        f"valorInformado{suffix}": informed,
        f"valorProcessado{suffix}": _sum(rows, "processed") if has_processed else informed,
        f"valorLiberado{suffix}": _sum(rows, "released"),
    }


def _add_sums(parts: list[dict[str, Any]], suffix: str, below: str) -> dict[str, Any]:
    names = ("valorInformado", "valorProcessado", "valorLiberado")
    zero = Decimal("0.00")
    return {
        f"{name}{suffix}": sum((part[f"{name}{below}"] for part in parts), zero) for name in names
    }


def _build_analysis(
    rows: list[Row], defaults: dict[str, Any], total: dict[str, Any]
) -> dict[str, Any]:
    """ctm_demonstrativoAnaliseConta (guide §5.3)"""
    protocols = [_build_protocol(*key, own) for key, own in _by_protocol(rows).items()]
    sums = _add_sums(protocols, "Geral", "Protocolo")
    stated = {
        f"valor{name}Geral": total[role]
        for role, name in (
            ("informed", "Informado"), ("processed", "Processado"),
            ("released", "Liberado"), ("denied", "Glosa"),
        )
        if role in total
    }  # fmt: skip
    return {
        "cabecalhoDemonstrativo": _build_header(rows, defaults),
        "dadosConta": {"dadosProtocolo": protocols},
        **sums,
        **stated,
    }


def _names_guia(row: Row) -> bool:
    return bool(row.values.get("guia") or row.values.get("operadora_guia"))


def _build_protocol(protocol: str, lote: str, rows: list[Row]) -> dict[str, Any]:
    values = {"numeroProtocolo": protocol, "numeroLotePrestador": lote}
    own = [row for row in rows if not _names_guia(row)]
    if own:
        # Rows without a guia speak of the protocolo itself.
        sums = _build_sums(own, "Protocolo")
        codes = [code for row in own for code in row.values.get("protocol_reason") or []]
        codes = codes or [code for row in own for code in row.values.get("reason") or []]
        values |= sums | ({"GlosaProtocolo": {"codigoGlosa": codes[0]}} if codes else {})
        if len(own) == len(rows):
            return values
    of_guias = [row for row in rows if _names_guia(row)]
    guias = [_build_guia(*key, each) for key, each in _by_guia(of_guias).items()]
    if not own:
        values |= _add_sums(guias, "Protocolo", "Guia")
    first = rows[0].values
    if first.get("protocol_informed"):
        values["valorInformadoProtocolo"] = first["protocol_informed"]
    if first.get("protocol_denied"):
        values["valorGlosaProtocolo"] = first["protocol_denied"]
    return {**values, "relacaoGuias": guias}


def _build_guia(guia: str, operadora_guia: str, rows: list[Row]) -> dict[str, Any]:
    values = {"numeroGuiaPrestador": guia, "numeroGuiaOperadora": operadora_guia or None}
    items = [row for row in rows if row.values.get("item") or row.values.get("code")]
    if not items:
        codes = dict.fromkeys(code for row in rows for code in row.values.get("reason") or [])
        reasons = [{"codigoGlosa": code} for code in codes]
        return {**values, "motivoGlosaGuia": reasons, **_build_sums(rows, "Guia")}
    return {**values, "detalhesGuia": list(map(_build_item, items)), **_build_sums(rows, "Guia")}


def _build_item(row: Row) -> dict[str, Any]:
    values = row.values
    denied = values.get("denied")
    if denied is None:
        denied = values["informed"] - values["released"]
    codes = values.get("reason") or []
    # Several codes share one amount that the file does not divide: none of them has its own.
    amount = denied if len(codes) == 1 else None
    return {
        "sequencialItem": values.get("item"),
        "dataRealizacao": values.get("service_date"),
        "procedimento": {
            "codigoTabela": values.get("table") or _TABLE,
            "codigoProcedimento": to_code(values.get("code") or ""),
        },
        **_build_sums([row], ""),
        "relacaoGlosa": [{"tipoGlosa": code, "valorGlosa": amount} for code in codes],
    }


def _build_payment(
    rows: list[Row], defaults: dict[str, Any], total: dict[str, Any]
) -> dict[str, Any]:
    """ctm_demonstrativoPagamento (guide §5.4)"""
    days = _group(rows, lambda values: values.get("payment_date") or defaults["payment_date"])
    paid = [_build_day(day, own, defaults.get("discounts")) for day, own in sorted(days.items())]
    nets = sum((day["totaisLiquidosPorData"]["liquidoPorData"] for day in paid), Decimal("0.00"))
    gross = {
        "valorInformadoBruto": _sum(rows, "informed"),
        "valorLiberadoBruto": total.get("released", _sum(rows, "released")),
    }
    if any("denied" in row.values for row in rows):
        gross["valorGlosaBruto"] = _sum(rows, "denied")
    return {
        "cabecalhoDemonstrativo": _build_header(rows, defaults),
        "pagamentos": {"pagamentosPorData": paid},
        "totaisDemonstrativo": {
            "totaisBrutosDemonstrativo": gross,
            "totaisLiquidosDemonstrativo": {"valorLiberadoDemonstrativo": total.get("net", nets)},
        },
    }


def _build_day(
    day: datetime.date, rows: list[Row], discounts: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    protocols = [_build_paid_protocol(*key, own) for key, own in _by_protocol(rows).items()]
    if discounts is not None:
        return _assemble_day(day, protocols, discounts)
    amounts = {role: amount for role in RETENTIONS if (amount := _sum(rows, role))}
    net = _get_net(rows)
    gross = _sum(rows, "released")
    total = sum(amounts.values(), Decimal(0))
    # A tax is always taken off: where one is below zero, or the net says so, débitos are negative.
    taxes = [amount for role, amount in amounts.items() if RETENTIONS[role] < "07"]
    flip = any(amount < 0 for amount in taxes) or (total and net == gross + total)
    discounts = [
        {
            "indicador": "1" if (amount < 0) == bool(flip) else "2",
            "tipoDebitoCredito": RETENTIONS[role],
            "descricaoDbCr": role.upper(),
            "valorDbCr": abs(amount),
        }
        for role, amount in amounts.items()
    ]
    return _assemble_day(day, protocols, discounts, net)


def _get_net(rows: list[Row]) -> Decimal | None:
    return _sum(rows, "net") if any("net" in row.values for row in rows) else None


def _assemble_day(
    day: datetime.date,
    protocols: list[dict[str, Any]],
    discounts: list[dict[str, Any]],
    net: Decimal | None = None,
) -> dict[str, Any]:
    """One pagamentosPorData with its totals.

    :param discounts: debitosCreditos
    :param net: what the file states; computed when left out
    """
    zero = Decimal("0.00")
    gross = sum((protocol["valorLiberado"] for protocol in protocols), zero)
    debits, credits = (
        sum((row["valorDbCr"] for row in discounts if row["indicador"] == sign_), zero)
        for sign_ in "12"
    )
    return {
        "dadosPagamento": {"dataPagamento": day},
        "dadosResumo": {"relacaoProtocolos": protocols},
        "totaisBrutosPorData": {"totaLiberadoPorData": gross},
        "debitosCreditosPorData": {"debitosCreditos": discounts},
        "totaisLiquidosPorData": {
            "totalDebitosPorData": debits,
            "totalCreditosPorData": credits,
            "liquidoPorData": gross - debits + credits if net is None else net,
        },
    }


def _build_paid_protocol(protocol: str, lote: str, rows: list[Row]) -> dict[str, Any]:
    guias = [
        {
            "numeroGuiaPrestador": guia,
            "numeroGuiaOperadora": operadora_guia or None,
            "tipoPagamento": kind,
            **_build_sums(own, "Guia"),
        }
        for (guia, operadora_guia), each in _by_guia(rows).items()
        for kind, own in _group(
            each, lambda values: "2" if _APPEAL.match(fold(values.get("payment_kind", ""))) else "1"
        ).items()
    ]
    return {
        "numeroProtocolo": protocol,
        "numeroLote": lote,
        "valorLiberado": _sum(rows, "released"),
        "guiasDoLote": guias,
    }
