"""The only door through which XML comes in: no DTD, no entity, no network, bounded size and depth.

DOCTYPEs are refused before a parser sees them. That needs an encoding whose ASCII bytes are
ASCII, so only those are read; TISS uses ISO-8859-1 and UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from lxml import etree

from .errors import DecodeError, UnsafeXML, Violation

MAX_BYTES = 64 * 1024 * 1024
MAX_RECORD_BYTES = 16 * 1024 * 1024
_MAX_TAGS = 4_000_000
_PROLOG_BYTES = 64 * 1024
_CHUNK_BYTES = 32 * 1024

_ENCODING = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "us-ascii",
    "ascii": "us-ascii",
    "iso-8859-1": "iso-8859-1",
    "iso8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "windows-1252",
    "cp1252": "windows-1252",
}
_UTF8_BOM = b"\xef\xbb\xbf"
_OPTIONS = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


def parse(xml: bytes | str, *, limit: int = MAX_BYTES) -> etree._Element:
    """Root element of a document; DecodeError or UnsafeXML."""
    data, encoding = _checked(xml, limit)
    try:
        return _parse(data, encoding)
    except etree.XMLSyntaxError as error:
        raise _failure(error) from None


def parse_repaired(
    xml: bytes | str, *, limit: int = MAX_BYTES
) -> tuple[etree._Element, str | None]:
    """Root element, and the declared encoding when the bytes were in another one.

    Such files are in windows-1252. Blanks before the XML declaration are forgiven too.
    """
    data, encoding = _checked(xml.lstrip(), limit)
    try:
        return _parse(data, encoding), None
    except etree.XMLSyntaxError as error:
        if not _is_encoding_error(error):
            raise _failure(error) from None
        failure = _failure(error)
    try:
        return _parse(data, "windows-1252"), encoding
    except etree.XMLSyntaxError:
        raise failure from None


def indented(xml: bytes | str, *, limit: int = MAX_BYTES) -> str:
    """A document for people to read: one element a line; DecodeError or UnsafeXML.

    For the eye only: its bytes, and with them its hash, are others than those of ``xml``.
    """
    root, _ = parse_repaired(xml, limit=limit)
    etree.indent(root, "  ")
    return etree.tostring(root, encoding="unicode")


def _checked(xml: bytes | str, limit: int) -> tuple[bytes, str]:
    """The bytes of a document that may be parsed, and their encoding."""
    data = xml.encode("utf-8", "surrogatepass") if isinstance(xml, str) else xml
    if len(data) > limit:
        raise UnsafeXML(Violation("oversized", limit=limit))
    encoding = "utf-8" if isinstance(xml, str) else encoding_of(data)
    _refuse_doctype(data)
    # An element of four bytes takes more than a hundred in memory.
    if data.count(b"<") > _MAX_TAGS:
        raise UnsafeXML(Violation("oversized", limit=_MAX_TAGS))
    return data, encoding


def _parse(data: bytes, encoding: str) -> etree._Element:
    root = etree.fromstring(data, etree.XMLParser(encoding=encoding, **_OPTIONS))
    if root is None:
        raise DecodeError(Violation("not_xml"))
    _refuse_dtd(root)
    return root


def _refuse_dtd(element: etree._Element) -> None:
    """The second lock on that door, should the first ever be picked."""
    if element.getroottree().docinfo.internalDTD is not None:
        raise UnsafeXML(Violation("unsafe", expected=("no DTD",)))


def encoding_of(data: bytes) -> str:
    """Declared encoding of a document, UTF-8 when none; DecodeError when it is not one we read."""
    start = data[:_PROLOG_BYTES].removeprefix(_UTF8_BOM)
    if not start.lstrip().startswith(b"<") or b"\0" in start[:4]:
        raise DecodeError(Violation("not_xml"))
    match = _ENCODING.match(start)
    declared = match[1].decode("ascii").lower() if match else "utf-8"
    if declared not in _ENCODINGS:
        raise DecodeError(Violation("encoding", value=declared, expected=tuple(_ENCODINGS)))
    return _ENCODINGS[declared]


def _refuse_doctype(data: bytes) -> None:
    """A DOCTYPE can stand only before the root element, among comments and instructions."""
    at = 0
    while True:
        at = data.find(b"<", at)
        # The shortest root element is <a/>; less than that may be cut off a DOCTYPE.
        if at < 0 or at > _PROLOG_BYTES or at + 4 > len(data):
            raise DecodeError(Violation("not_xml"))
        if data.startswith(b"<!--", at):
            at = data.find(b"-->", at + 4)
        elif data.startswith(b"<?", at):
            at = data.find(b"?>", at + 2)
        elif data.startswith(b"<!", at):
            raise UnsafeXML(Violation("unsafe", expected=("no DTD",)))
        else:
            return
        if at < 0:
            raise DecodeError(Violation("not_xml"))


def _is_encoding_error(error: etree.XMLSyntaxError) -> bool:
    codes = {etree.ErrorTypes.ERR_INVALID_ENCODING, etree.ErrorTypes.ERR_INVALID_CHAR}
    return error.code in codes or "encoding" in (error.msg or "").lower()


def _failure(error: etree.XMLSyntaxError) -> DecodeError:
    message = error.msg or ""
    line = error.lineno or None
    if "xcessive depth" in message:
        return UnsafeXML(Violation("too_deep", line=line, limit=256))
    if "huge" in message.lower() or "too long" in message.lower():
        return UnsafeXML(Violation("oversized", line=line))
    if _is_encoding_error(error):
        return DecodeError(Violation("encoding", line=line))
    return DecodeError(Violation("not_xml", line=line))


class _Source:
    """Feeds a streaming parser, counting bytes in all and since the last record."""

    def __init__(
        self, file: IO[bytes], limit: int | None, record_limit: int, encoding: str | None
    ) -> None:
        self._file = file
        self._limit = limit
        self._record_limit = record_limit
        self._head = self._read_head()
        self._total = 0
        self.since_record = 0
        self.encoding = encoding or encoding_of(self._head)
        _refuse_doctype(self._head)

    def _read_head(self) -> bytes:
        head = b""
        while len(head) < _PROLOG_BYTES and (chunk := self._file.read(_PROLOG_BYTES - len(head))):
            head += chunk
        return head

    def read(self, _size: int = -1) -> bytes:
        chunk, self._head = self._head or self._file.read(_CHUNK_BYTES), b""
        self._total += len(chunk)
        self.since_record += len(chunk)
        if self._limit is not None and self._total > self._limit:
            raise UnsafeXML(Violation("oversized", limit=self._limit))
        if self.since_record > self._record_limit:
            raise UnsafeXML(Violation("oversized", limit=self._record_limit))
        return chunk


def stream(
    file: IO[bytes] | str | Path,
    names: set[str] | None,
    *,
    events: tuple[str, ...] = ("end",),
    limit: int | None = None,
    record_limit: int = MAX_RECORD_BYTES,
    encoding: str | None = None,
) -> Iterator[tuple[str, etree._Element, Callable[[], None]]]:
    """(event, element, mark) for the elements of these local names (None: all), as they are read.

    Call ``mark`` once a record is dealt with: it starts the count of ``record_limit`` anew.
    ``encoding`` is the one to read in, where a document declares a wrong one.
    """
    options: dict[str, Any] = {"events": events, "limit": limit, "record_limit": record_limit}
    if isinstance(file, (str, Path)):
        with open(file, "rb") as opened:
            yield from stream(opened, names, encoding=encoding, **options)
        return
    source = _Source(file, limit, record_limit, encoding)

    def mark() -> None:
        source.since_record = 0

    safe = {key: value for key, value in _OPTIONS.items() if key != "dtd_validation"}
    found = etree.iterparse(
        source,
        events=events,
        tag=None if names is None else [f"{{*}}{name}" for name in names],
        encoding=source.encoding,
        **safe,
    )
    try:
        for event, element in found:
            _refuse_dtd(element)
            yield event, element, mark
    except etree.XMLSyntaxError as error:
        raise _failure(error) from None
