"""XSD simple types as value converters: Python value to text and back, with the facets.

A leaf encodes only the Python type that its XSD type stands for, and refuses what the facets
refuse, so that an error names the field before any schema processor sees the message.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from decimal import Decimal
from typing import Any, ClassVar

_MAX_REMEMBERED = 4096
# No TISS number comes near; a written-out 1E+999999 would fill memory.
_MAX_MAGNITUDE = 100
_XML_BLANKS = " \t\r\n"
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_ZONE = r"(?:Z|[+-][0-9]{2}:[0-9]{2})?"
_DATE = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}){_ZONE}")
_TIME = re.compile(rf"([0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}})(?:\.([0-9]+))?{_ZONE}")


class Refusal(Exception):
    """A value or text that a leaf does not take; the codec adds where it stood."""

    def __init__(
        self,
        code: str,
        *,
        value: object = None,
        limit: int | None = None,
        expected: tuple[str, ...] = (),
        parsed: object = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        # What a text says although a facet forbids it.
        self.parsed = parsed
        self.value = None if value is None else str(value)
        self.limit = limit
        self.expected = expected
        self.trail: list[str] = []

    @property
    def path(self) -> str:
        """The trail is collected from the leaf to the root."""
        return "/".join(reversed(self.trail)).replace("/[", "[")


class Leaf:
    """A simple type. ``name`` is the XSD type (``st_texto20``), ``kind`` the built-in below it."""

    kind: ClassVar[str]
    python: ClassVar[str]

    def __init__(self, name: str) -> None:
        self.name = name

    def encode(self, value: Any) -> str:
        """Text for a value; raises Refusal."""
        raise NotImplementedError

    def decode(self, text: str) -> Any:
        """Value of a text; raises Refusal. ``encode(decode(text))`` is the canonical text."""
        raise NotImplementedError

    def _wrong_type(self, value: object) -> Refusal:
        return Refusal("wrong_type", value=value, expected=(self.python,))


class Text(Leaf):
    """``xs:string`` with lengths and patterns. Blanks are preserved and count."""

    kind = "string"
    python = "str"

    def __init__(
        self,
        name: str,
        *,
        min_length: int = 0,
        max_length: int | None = None,
        patterns: tuple[re.Pattern[str], ...] = (),
    ) -> None:
        super().__init__(name)
        self.min_length = min_length
        self.max_length = max_length
        self.patterns = patterns
        self._longest = float("inf") if max_length is None else max_length

    def encode(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self._wrong_type(value)
        # A subclass of str may format itself in its own way.
        return self.decode(value if value.__class__ is str else str(value))

    def decode(self, text: str) -> str:
        if len(text) < self.min_length:
            raise Refusal("too_short", value=text, limit=self.min_length)
        if len(text) > self._longest:
            raise Refusal("too_long", value=text, limit=self.max_length)
        for pattern in self.patterns:
            if not pattern.fullmatch(text):
                raise Refusal("pattern", value=text, expected=(pattern.pattern,))
        return text


class Domain(Leaf):
    """``xs:string`` with an enumeration; nothing is trimmed."""

    kind = "string"
    python = "str"

    def __init__(self, name: str, enumeration: tuple[str, ...]) -> None:
        super().__init__(name)
        self.enumeration = enumeration
        self._members = {each: each for each in enumeration}

    def encode(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self._wrong_type(value)
        return self.decode(value)

    def decode(self, text: str) -> str:
        found = self._members.get(text)
        if found is None:
            raise Refusal("not_in_domain", value=text, expected=self.enumeration)
        return found


class Remembering(Leaf):
    """A leaf whose values repeat all over a message and are slow to convert: prices, days."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._texts: dict[tuple[type, Any], str] = {}
        self._values: dict[str, Any] = {}

    def encode(self, value: Any) -> str:
        try:
            # The class is part of the key because 1 == True == 1.0 == Decimal(1).
            return self._texts[value.__class__, value]
        except (KeyError, TypeError):
            text = self._format(value)
        if len(self._texts) >= _MAX_REMEMBERED:
            self._texts.clear()
        self._texts[value.__class__, value] = text
        return text

    def decode(self, text: str) -> Any:
        value = self._values.get(text)
        if value is None:
            value = self._parse(text)
            if len(self._values) >= _MAX_REMEMBERED:
                self._values.clear()
            self._values[text] = value
        return value

    def _format(self, value: Any) -> str:
        raise NotImplementedError

    def _parse(self, text: str) -> Any:
        raise NotImplementedError


class Number(Remembering):
    """``xs:decimal``: Decimal (or int) and nothing rounded; written with all fraction digits."""

    kind = "decimal"
    python = "Decimal"

    def __init__(self, name: str, *, total_digits: int | None, fraction_digits: int | None) -> None:
        super().__init__(name)
        self.total_digits = total_digits
        self.fraction_digits = fraction_digits

    def _format(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise self._wrong_type(value)
        text = self._normalise(Decimal(value))
        # XSD would take a digit more before the point when there is one less behind it, but then
        # the written text has more digits than receivers keep (guide Appendix B 8).
        if self.total_digits and sum(map(str.isdigit, text.lstrip("-0"))) > self.total_digits:
            raise Refusal("digits", value=value, limit=self.total_digits)
        return text

    def _parse(self, text: str) -> Decimal:
        text = text.strip(_XML_BLANKS)
        if not _DECIMAL.fullmatch(text):
            raise self._wrong_type(text)
        value = Decimal(text)
        self._normalise(value)
        return value

    def _normalise(self, value: Decimal) -> str:
        """The same number with exactly the fraction digits of the type."""
        if not value.is_finite():
            raise self._wrong_type(value)
        if abs(value.adjusted()) > _MAX_MAGNITUDE:
            raise Refusal("digits", value=value, limit=self.total_digits)
        sign = "-" if value < 0 else ""
        # abs() would round to the precision of the decimal context.
        whole, _, fraction = format(value.copy_abs(), "f").partition(".")
        fraction = fraction.rstrip("0")
        whole = whole.lstrip("0")
        if self.fraction_digits is not None and len(fraction) > self.fraction_digits:
            raise Refusal("digits", value=value, limit=self.fraction_digits, parsed=value)
        if self.total_digits is not None and len(whole) + len(fraction) > self.total_digits:
            raise Refusal("digits", value=value, limit=self.total_digits, parsed=value)
        fraction = fraction.ljust(self.fraction_digits or 0, "0")
        return f"{sign}{whole or '0'}.{fraction}" if fraction else f"{sign}{whole or '0'}"


class Integer(Leaf):
    """``xs:integer`` with a number of digits."""

    kind = "integer"
    python = "int"

    def __init__(self, name: str, *, total_digits: int | None) -> None:
        super().__init__(name)
        self.total_digits = total_digits
        self._bound = None if total_digits is None else 10**total_digits

    def encode(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong_type(value)
        if self._bound is not None and not -self._bound < value < self._bound:
            raise Refusal("digits", value=value, limit=self.total_digits, parsed=value)
        return str(int(value))

    def decode(self, text: str) -> int:
        text = text.strip(_XML_BLANKS)
        # int() of a very long text costs time that grows with its square.
        if not _INTEGER.fullmatch(text) or len(text) > 1000:
            raise self._wrong_type(text)
        value = int(text)
        self.encode(value)
        return value


class Date(Remembering):
    """``xs:date``, written without a zone; a zone that is read is dropped (TISS days are local)."""

    kind = "date"
    python = "date"

    def _format(self, value: Any) -> str:
        if type(value) is not datetime.date:
            raise self._wrong_type(value)
        return value.isoformat()

    def _parse(self, text: str) -> datetime.date:
        match = _DATE.fullmatch(text.strip(_XML_BLANKS))
        if not match:
            raise self._wrong_type(text)
        try:
            return datetime.date.fromisoformat(match[1])
        except ValueError:
            raise self._wrong_type(text) from None


class Time(Remembering):
    """``xs:time``, written to the second without a zone; a zone that is read is dropped."""

    kind = "time"
    python = "time"

    def _format(self, value: Any) -> str:
        if not isinstance(value, datetime.time) or value.microsecond or value.tzinfo:
            raise self._wrong_type(value)
        return value.isoformat()

    def _parse(self, text: str) -> datetime.time:
        match = _TIME.fullmatch(text.strip(_XML_BLANKS))
        if not match:
            raise self._wrong_type(text)
        # xs:time lets midnight be written as hour 24, Python does not.
        clock = "00:00:00" if match[1] == "24:00:00" else match[1]
        try:
            return datetime.time.fromisoformat(f"{clock}.{(match[2] or '0')[:6]:0<6}")
        except ValueError:
            raise self._wrong_type(text) from None


class Boolean(Leaf):
    """``xs:boolean``."""

    kind = "boolean"
    python = "bool"
    _values: ClassVar[dict[str, bool]] = {"true": True, "1": True, "false": False, "0": False}

    def encode(self, value: Any) -> str:
        if not isinstance(value, bool):
            raise self._wrong_type(value)
        return "true" if value else "false"

    def decode(self, text: str) -> bool:
        value = self._values.get(text.strip(_XML_BLANKS))
        if value is None:
            raise self._wrong_type(text)
        return value


class Base64(Leaf):
    """``xs:base64Binary`` as bytes; blanks and line breaks that are read are dropped."""

    kind = "base64Binary"
    python = "bytes"

    def encode(self, value: Any) -> str:
        if not isinstance(value, bytes):
            raise self._wrong_type(value)
        return base64.b64encode(value).decode("ascii")

    def decode(self, text: str) -> bytes:
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise self._wrong_type(text) from None
