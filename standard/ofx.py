"""Bank statements in OFX, as Brazilian banks write them: SGML 1.x or XML 2.x.

`ofxparse` reads the tags. Around it stands what it leaves open: a file is decoded by what its bytes
are, not by what its header says of them; the time zone of a day is cut off, because a movement is
booked on the day that the bank prints; a file that is cut off or hostile is refused as a whole.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from ofxparse import OfxParser

from .money import MAX_AMOUNT, to_cents, to_decimal

MAX_BYTES = 8 * 1024 * 1024
MAX_TRANSACTIONS = 20_000
_HEADER = (
    b"OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:UTF-8\r\n"
    b"CHARSET:NONE\r\nCOMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n"
)
_START = re.compile(r"<OFX>", re.IGNORECASE)
_END = re.compile(r"</OFX\s*>", re.IGNORECASE)
_UNSAFE = re.compile(r"<!(DOCTYPE|ENTITY|ELEMENT|\[)", re.IGNORECASE)
_DATE = re.compile(r"(<DT[A-Z]+>)\s*([0-9]{8})[0-9.,: ]*(\[[^\]<\n]*\]?)?", re.IGNORECASE)
_OPEN = re.compile(r"<STMTTRN>", re.IGNORECASE)
_CLOSED = re.compile(r"</STMTTRN>", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NO_ID = re.compile(r"[0\W_]*")


class OfxError(ValueError):
    """A file that cannot be taken as a bank statement.

    ``code`` is one of ``empty``, ``too_large``, ``not_ofx``, ``unsafe``, ``truncated``,
    ``damaged``, ``too_many`` and ``no_account``.
    """

    def __init__(self, code: str, limit: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.limit = limit


@dataclass(frozen=True)
class Transaction:
    """One movement of an account; ``key`` is the same in every file that shows it."""

    key: str
    fitid: str
    date: datetime.date
    cents: int
    kind: str
    label: str
    payee: str
    number: str


@dataclass(frozen=True)
class Statement:
    """The movements of one account, in the order of the file; ``unread`` counts what was not."""

    bank: str
    account: str
    currency: str
    start: datetime.date | None
    end: datetime.date | None
    balance: int | None
    transactions: tuple[Transaction, ...] = ()
    unread: int = 0
    repeated: frozenset[int] = field(default_factory=frozenset)

    @property
    def number(self) -> str:
        """Bank and account in one text, to know the account again."""
        return "/".join(filter(None, (self.bank, self.account)))


def read_ofx(content: bytes) -> list[Statement]:
    """The statements of a file, one for each account.

    :raises OfxError: when the file is none, is not whole, or is too large
    """
    if not content.strip():
        raise OfxError("empty")
    if len(content) > MAX_BYTES:
        raise OfxError("too_large", MAX_BYTES)
    body = _find_body(_decode(content))
    try:
        parsed = OfxParser.parse(io.BytesIO(_HEADER + body.encode()), fail_fast=False)
        accounts = [each for each in parsed.accounts if getattr(each, "statement", None)]
        statements = [_read_account(account) for account in accounts]
    except (ArithmeticError, AttributeError, IndexError, LookupError, TypeError, ValueError) as bad:
        raise OfxError("damaged") from bad
    except Exception as bad:
        # The parser has one exception of its own, derived from Exception alone.
        if type(bad).__module__.split(".")[0] != "ofxparse":
            raise
        raise OfxError("damaged") from bad
    if not statements:
        raise OfxError("no_account")
    return statements


def _decode(content: bytes) -> str:
    """What the bytes are: banks write UTF-8 under a header that says 1252, and the reverse."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _find_body(text: str) -> str:
    """From <OFX> to </OFX>, with plain days."""
    start = _START.search(text)
    if not start:
        raise OfxError("not_ofx")
    if _UNSAFE.search(text):
        raise OfxError("unsafe")
    ends = list(_END.finditer(text, start.end()))
    body = text[start.start() : ends[-1].end()] if ends else ""
    opened = len(_OPEN.findall(body))
    if not ends or opened != len(_CLOSED.findall(body)):
        raise OfxError("truncated")
    if opened > MAX_TRANSACTIONS:
        raise OfxError("too_many", MAX_TRANSACTIONS)
    return _DATE.sub(r"\1\2", _CONTROL.sub("", body))


def _read_account(account) -> Statement:
    statement = account.statement
    rows, unread = [], len(getattr(statement, "discarded_entries", ()))
    for each in getattr(statement, "transactions", ()):
        row = _read_transaction(each)
        if row:
            rows.append(row)
        else:
            unread += 1
    keyed, repeated = _number(rows)
    return Statement(
        bank=_text(getattr(account, "routing_number", "")).lstrip("0"),
        account=_text(getattr(account, "account_id", "") or getattr(account, "number", "")),
        currency=_text(getattr(statement, "currency", "")).upper(),
        start=_day(getattr(statement, "start_date", None)),
        end=_day(getattr(statement, "end_date", None)),
        balance=_cents(getattr(statement, "balance", None)),
        transactions=keyed,
        unread=unread,
        repeated=repeated,
    )


def _read_transaction(each) -> Transaction | None:
    """None for a movement without a day or an amount."""
    date, cents = _day(each.date), _cents(each.amount)
    if not date or cents is None:
        return None
    memo, payee = _text(each.memo), _text(each.payee)
    label = memo if payee in memo else f"{payee} {memo}".strip()
    number = _text(getattr(each, "checknum", ""))
    return Transaction(
        key="",
        fitid=_text(each.id),
        date=date,
        cents=cents,
        kind=_text(each.type).upper(),
        label=label or number or _text(each.type).upper(),
        payee=payee,
        number=number,
    )


def _number(rows: list[Transaction]) -> tuple[tuple[Transaction, ...], frozenset[int]]:
    """The rows with their keys, and the positions of those that repeat an earlier one.

    An identifier is good for one account, by the standard; banks use some again on another day, so
    day and amount belong to the key. Where there is none, equal movements of a day are counted:
    the second of them is one more movement, in this file and in the next that shows both.
    """
    seen: dict[tuple, int] = {}
    keyed, repeated = [], []
    for position, row in enumerate(rows):
        has_id = not _NO_ID.fullmatch(row.fitid)
        parts = (row.fitid if has_id else "", str(row.date), str(row.cents))
        if not has_id:
            parts += (row.label, row.number)
        count = seen[parts] = seen.get(parts, 0) + 1
        if has_id and count > 1:
            repeated.append(position)
        text = "|".join((*parts, str(count)))
        key = hashlib.sha256(text.encode()).hexdigest()[:40]
        keyed.append(Transaction(**{**row.__dict__, "key": key}))
    return tuple(keyed), frozenset(repeated)


def _text(value) -> str:
    return " ".join(str(value or "").split())


def _day(value) -> datetime.date | None:
    return value.date() if isinstance(value, datetime.datetime) else None


def _cents(value) -> int | None:
    try:
        number = to_decimal(value if isinstance(value, Decimal) else Decimal(str(value)))
    except (InvalidOperation, ValueError):
        return None
    if not number.is_finite() or abs(number) > Decimal(str(MAX_AMOUNT)) * 10_000:
        return None
    return to_cents(number)
