"""A message of any size, element by element from the innermost out, in constant memory."""

from __future__ import annotations

import codecs
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from . import parser
from .codec import HASH_CHARSETS, Decoded, Reader, local_name
from .errors import DecodeError, Violation
from .plan import Complex, Field, Plan, complex_of

_SIGNATURES = frozenset({"Signature", "Signatures"})
_LEAF_TEXTS = etree.XPath("descendant-or-self::*[not(*)]/text()", smart_strings=False)
_BLANKS = b" \t\r\n"
_CHUNK_BYTES = 64 * 1024


class Disordered(Exception):
    """Something stands where the standard has it not: the message has to be read as a whole."""


@dataclass
class _Level:
    """An element that is still open, and what of it was read and freed."""

    node: etree._Element
    names: tuple[str, ...]
    plan: Complex
    values: dict[str, Any] = field(default_factory=dict)
    place: int | None = None  # of the first element inside that was yielded, or holds such a one
    left: _Level | None = None  # the element inside that was open before


class Walk:
    """Yields the elements at some paths of a message, each when it ends, as ``Decoded``.

    What an element holds at another of the paths came before it and is no longer in it; the
    ``context`` of that one has all that stood before it in the elements around it, by their
    names. It is read as ``Schema.decode`` does when it is not strict. After the last element
    ``values`` holds what is left of the root, and ``hash_charset`` the charset in which the hash
    of the message is right.

    Raises DecodeError, UnsafeXML, and Disordered where the order of the standard is not kept.
    """

    def __init__(self, plan: Plan, xml: bytes, paths: Iterable[str], *, limit: int) -> None:
        self.values: dict[str, Any] = {}
        self.hash_charset: str | None = None
        self._plan = plan
        self._xml = xml
        self._limit = limit
        self._paths = {tuple(path.split("/")) for path in paths}
        self._names = frozenset(names[-1] for names in self._paths)
        self._levels: list[_Level] = []
        self._digests = {charset: hashlib.md5(usedforsecurity=False) for charset in HASH_CHARSETS}
        self._given = ""  # the hash that the message carries
        self._count = 0

    def __iter__(self) -> Iterator[Decoded]:
        start = _skip_blanks(self._xml)
        file = io.BytesIO(self._xml)
        file.seek(start)
        for _, node, mark in parser.stream(
            file,
            {*self._names, *self._plan.elements},
            limit=self._limit,
            encoding=_get_repaired_encoding(self._xml, start),
        ):
            parent = node.getparent()
            if parent is None:
                self._finish(node)
            elif self._is_wanted(parent, node):
                yield self._take(node)
                mark()
        if not self._levels:
            raise DecodeError(Violation("unknown_element", expected=tuple(self._plan.elements)))

    # ------------------------------------------------------------------
    # Where an element stands
    # ------------------------------------------------------------------

    def _is_wanted(self, parent: etree._Element, node: etree._Element) -> bool:
        """Whether an element is at one of the paths; opens and leaves levels up to its parent."""
        name = local_name(node.tag)
        if self._levels and self._levels[-1].node is parent:
            return (*self._levels[-1].names, name) in self._paths
        lineage = [parent, *parent.iterancestors()][::-1]
        names = (*(local_name(each.tag) for each in lineage[1:]), name)
        if names not in self._paths:
            return False
        self._leave(lineage, node)
        for each in lineage[len(self._levels) :]:
            if each is not node:
                self._open(each)
        return True

    def _leave(self, lineage: list[etree._Element], node: etree._Element) -> None:
        """Close levels that are over; what was read of them waits in the one above."""
        wanted = [*lineage, node]
        while self._levels and not (
            len(self._levels) <= len(wanted)
            and self._levels[-1].node is wanted[len(self._levels) - 1]
        ):
            level = self._levels.pop()
            if self._levels:
                self._levels[-1].left = level

    def _open(self, node: etree._Element) -> None:
        if not self._levels:
            self._levels.append(_Level(node, (), self._root_plan(node)))
            return
        above = self._levels[-1]
        self._pass(above, node)
        name = local_name(node.tag)
        inner = self._field(above, name)
        if inner is None or not isinstance(inner.type, Complex):
            raise Disordered
        if above.place is None:
            above.place = inner.place
        self._levels.append(_Level(node, (*above.names, name), inner.type))

    def _root_plan(self, root: etree._Element) -> Complex:
        found = self._plan.elements.get(local_name(root.tag))
        if found is None:
            expected = tuple(self._plan.elements)
            violation = Violation("unknown_element", line=1, value=root.tag, expected=expected)
            raise DecodeError(violation)
        return complex_of(found)

    @staticmethod
    def _field(level: _Level, name: str) -> Field | None:
        found = level.plan.fields.get(name)
        if found is None and name.lower() in map(str.lower, level.plan.fields):
            raise Disordered  # misspelt, which only a reading as a whole forgives
        return found

    # ------------------------------------------------------------------
    # What it says
    # ------------------------------------------------------------------

    def _take(self, node: etree._Element) -> Decoded:
        """Read an element that was asked for, and free it."""
        own = None
        if self._levels[-1].node is node:
            own = self._levels.pop()
        above = self._levels[-1]
        self._pass(above, node)
        inner = self._field(above, local_name(node.tag))
        if inner is None:
            raise Disordered
        if above.place is None:
            above.place = inner.place
        self._count += 1
        decoded = Decoded({}, inner.name)
        if own is None:
            self._feed(_LEAF_TEXTS(node))
            reader = self._reader(inner, node, above)
            decoded.update(reader.values())
            decoded.problems = self._check(reader)
        else:
            decoded.problems = self._empty(own)
            decoded.update(own.values)
        decoded.context = {
            level.names[-1] if level.names else "": level.values for level in self._levels
        }
        node.clear()
        return decoded

    def _reader(self, inner: Field, node: etree._Element, above: _Level) -> Reader:
        base = "/".join((*above.names, inner.name)) + f"[{self._count}]"
        return Reader(inner, node, strict=False, base=base, omit=self._names)

    def _pass(self, level: _Level, until: etree._Element) -> None:
        """Read and free what stands before an element in the one that holds it."""
        while (child := level.node[0]) is not until:
            if self._read(level, child):
                raise Disordered
            level.node.remove(child)

    def _empty(self, level: _Level) -> list[Violation]:
        """Read all that is left in an element; what was wrong with it."""
        found = []
        for child in level.node:
            found += self._read(level, child)
        return found

    def _read(self, level: _Level, child: etree._Element) -> list[Violation]:
        """Add an element to the values of the one that holds it; what was wrong with it."""
        self._feed_below(level, child)
        name = local_name(child.tag)
        inner = self._field(level, name)
        if inner is None or (*level.names, name) in self._paths:
            return []  # unknown, or yielded before
        if level.place is not None and inner.place < level.place:
            raise Disordered
        reader = self._reader(inner, child, level)
        value: Any = reader.values() if isinstance(inner.type, Complex) else reader.value()
        if level.left is not None and level.left.node is child:
            value = {**level.left.values, **value}
        if inner.many:
            level.values.setdefault(name, []).append(value)
        else:
            level.values.setdefault(name, value)
        return [each for each in self._check(reader) if each.code == "wrong_type"]

    def _check(self, reader: Reader) -> list[Violation]:
        """What was wrong; nothing that should have been yielded may be misspelt."""
        if any(
            each.code == "misspelt" and each.expected[0] in self._names for each in reader.problems
        ):
            raise Disordered
        return reader.problems

    def _finish(self, root: etree._Element) -> None:
        """Read what is left of the root, and judge the hash."""
        self._leave([root], root)
        if not self._levels:
            self._levels.append(_Level(root, (), self._root_plan(root)))
        self._empty(self._levels[0])
        self.values = self._levels[0].values
        given = self._given.strip().lower()
        self.hash_charset = next(
            (name for name, digest in self._digests.items() if digest.hexdigest() == given), None
        )

    # ------------------------------------------------------------------
    # Hash (guide §2.3)
    # ------------------------------------------------------------------

    def _feed_below(self, level: _Level, child: etree._Element) -> None:
        """The texts of an element; neither the hash itself nor a signature of the message count."""
        name = local_name(child.tag)
        if len(level.names) == 0 and name in _SIGNATURES:
            return
        if len(level.names) == 0 and name in ("hash", "epilogo"):
            for each in child if name == "epilogo" and len(child) else [child]:
                if local_name(each.tag) == "hash":
                    self._given = self._given or each.text or ""
                else:
                    self._feed(_LEAF_TEXTS(each))
            return
        self._feed(_LEAF_TEXTS(child))

    def _feed(self, texts: list[str]) -> None:
        text = "".join(texts)
        for charset in tuple(self._digests):
            try:
                self._digests[charset].update(text.encode(charset))
            except UnicodeEncodeError:
                del self._digests[charset]


def _skip_blanks(xml: bytes) -> int:
    """Where a document begins: blanks before the XML declaration are forgiven."""
    at = 0
    while at < len(xml) and xml[at] in _BLANKS:
        at += 1
    return at


def _get_repaired_encoding(xml: bytes, start: int) -> str | None:
    """What the bytes are in where it is not what they declare; such files are in windows-1252."""
    declared = parser.encoding_of(xml[start : start + _CHUNK_BYTES])
    if declared not in ("utf-8", "us-ascii"):
        return None
    decoder = codecs.getincrementaldecoder(declared)()
    try:
        for at in range(start, len(xml), _CHUNK_BYTES):
            decoder.decode(xml[at : at + _CHUNK_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "windows-1252"
    return None
