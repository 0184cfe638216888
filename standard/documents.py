"""Which of the formats of the standard a file has, by its bytes (``dm_formatoDocumento``).

Only what is needed of DER and BER is read here, to look into a signed file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# XML readers refuse texts of more than 10,000,000 characters; base64 makes 4 out of 3 bytes.
MAX_BYTES = 7 * 1024 * 1024

_PLAIN = {
    "01": (b"\xff\xd8\xff",),  # JPG
    "03": (b"\x89PNG\r\n\x1a\n",),
    "04": (b"II*\x00", b"MM\x00*"),  # TIFF
}
_SIGNED = {"01": "05", "02": "06", "03": "07", "04": "08"}  # CAdES of the same
_PADES = "09"
_PDF = "02"
# A PDF may begin with other bytes, says its specification.
_PDF_HEADER_BYTES = 1024
_SIGNATURE = re.compile(
    rb"/SubFilter\s*/(?:ETSI\.CAdES\.detached|ETSI\.RFC3161|adbe\.pkcs7\.(?:detached|sha1))"
)
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[")
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_OCTET_STRING, _CONSTRUCTED_STRING, _SEQUENCE, _EXPLICIT = 0x04, 0x24, 0x30, 0xA0
_MAX_DEPTH = 16


def document_format(content: bytes) -> str | None:
    """Code of the format of a file; None when the standard does not have it."""
    # First of all: a signature may hold a PDF near its beginning.
    if is_signature(content):
        return _SIGNED.get(_plain_format(signed_content(content)) or "")
    plain = _plain_format(content)
    if plain == _PDF and _SIGNATURE.search(content) and _BYTE_RANGE.search(content):
        return _PADES
    return plain


def _plain_format(content: bytes) -> str | None:
    for code, starts in _PLAIN.items():
        if content.startswith(starts):
            return code
    return _PDF if b"%PDF-" in content[:_PDF_HEADER_BYTES] else None


def is_signature(content: bytes) -> bool:
    """Whether a file is a CMS signature (.p7s), with or without what was signed."""
    return content[:1] == b"\x30" and _SIGNED_DATA in content[:64]


def signed_content(content: bytes) -> bytes:
    """What a CMS signature holds; empty when it holds nothing or is none."""
    if not is_signature(content):
        return b""
    try:
        return _encapsulated(content)
    except (IndexError, ValueError):
        return b""


def _encapsulated(content: bytes) -> bytes:
    """eContent of SignedData: ContentInfo → [0] → SignedData → EncapsulatedContentInfo → [0]."""
    info = _first(_children(content, 0, len(content)), _SEQUENCE)
    explicit = _first(_children(content, *info), _EXPLICIT)
    signed = _first(_children(content, *explicit), _SEQUENCE)
    encapsulated = _first(_children(content, *signed), _SEQUENCE)
    explicit = _first(_children(content, *encapsulated), _EXPLICIT)
    return b"".join(_strings(content, *explicit, 0))


def _first(children: Iterator[tuple[int, int, int]], tag: int) -> tuple[int, int]:
    for found, start, end in children:
        if found == tag:
            return start, end
    raise ValueError("no such element")


def _strings(content: bytes, start: int, end: int, depth: int) -> Iterator[bytes]:
    """Octets of a string, which BER may cut into pieces."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    for tag, begin, stop in _children(content, start, end):
        if tag == _OCTET_STRING:
            yield content[begin:stop]
        elif tag == _CONSTRUCTED_STRING:
            yield from _strings(content, begin, stop, depth + 1)


def _children(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(tag, start, end) of the elements between two places."""
    while start < end and content[start : start + 2] != b"\0\0":
        tag, begin, length = _head(content, start)
        stop = _end_of(content, begin, end, 0) if length is None else begin + length
        yield tag, begin, min(stop, end)
        start = stop + 2 if length is None else stop


def _head(content: bytes, start: int) -> tuple[int, int, int | None]:
    """(tag, place of the value, its length or None when it is indefinite)."""
    first = content[start + 1]
    if first == 0x80:
        return content[start], start + 2, None
    if first < 0x80:
        return content[start], start + 2, first
    digits = first & 0x7F
    if digits > 4:
        raise ValueError("too long")
    place = start + 2 + digits
    return content[start], place, int.from_bytes(content[start + 2 : place], "big")


def _end_of(content: bytes, start: int, end: int, depth: int) -> int:
    """Where the value of indefinite length that begins at `start` ends."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    while start < end and content[start : start + 2] != b"\0\0":
        _tag, begin, length = _head(content, start)
        if length is None:
            start = _end_of(content, begin, end, depth + 1) + 2
        else:
            start = begin + length
    return start
