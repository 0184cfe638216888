"""Nested dict ⇄ XML, driven by the plan of a version.

A dict holds the children of an element under their TISS names: a dict for a complex child, a
list for a child that may repeat, a Python value for a leaf (str, int, Decimal, date, time, bool,
bytes as its XSD type asks). None and an empty list mean absent; an empty dict is an empty element.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import IO, Any, NamedTuple

from lxml import etree

from . import parser
from .errors import DecodeError, EncodeError, UnsafeXML, Violation
from .plan import Complex, Field, Opaque, Plan, complex_of, leaf_of
from .simple import Leaf, Refusal

PREFIX = "ans"
HASH_CHARSETS = ("iso-8859-1", "utf-8")
_SIGNATURES = frozenset({"Signature", "Signatures"})
# Carriage returns are forbidden too: a parser would read them as another text, with another hash.
_CONTROLS = bytes(set(range(32)) - {9, 10})
_NONCHARACTERS = re.compile(b"\xef\xbf[\xbe\xbf]")
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_ATTRIBUTES = etree.XPath(
    "descendant-or-self::*/@*[namespace-uri() != 'http://www.w3.org/2001/XMLSchema-instance']"
)
_LOOSE_TEXTS = etree.XPath("descendant-or-self::*[*]/text()[normalize-space()]")
_MAX_SHAPES = 4096
_MAX_PROBLEMS = 100_000
_MAX_PEEK_BYTES = 1024 * 1024
_PENDING: Any = object()


def local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


# ---------------------------------------------------------------------------
# Digest
# ---------------------------------------------------------------------------


def digest(xml: bytes | str, charset: str = "iso-8859-1") -> str:
    """MD5 of the texts of all leaf elements in order (guide §2.3), as 32 lower-case hex digits.

    The hash itself and a signature of the whole message are left out; the signature of a guia
    counts. Raises DecodeError (``charset``) when a text does not exist in ``charset``.
    """
    try:
        return _md5(_leaf_texts(parser.parse(xml)), charset)
    except UnicodeEncodeError as error:
        value = error.object[error.start : error.end]
        raise DecodeError(Violation("charset", value=value, expected=(charset,))) from None


def matching_charset(xml: bytes | str) -> str | None:
    """The charset under which the hash that a message carries is right; None when neither is.

    Operadoras disagree on the charset, so a return is never refused for its hash.
    """
    root, _ = parser.parse_repaired(xml)
    texts = _leaf_texts(root)
    found = next((node.text or "" for node in root.iter("{*}hash") if _is_hash(node, root)), "")
    for charset in HASH_CHARSETS:
        try:
            if _md5(texts, charset) == found.strip().lower():
                return charset
        except UnicodeEncodeError:
            continue
    return None


def _md5(texts: list[str], charset: str) -> str:
    return hashlib.md5("".join(texts).encode(charset), usedforsecurity=False).hexdigest()


def _leaf_texts(root: etree._Element) -> list[str]:
    texts: list[str] = []
    for child in root:
        if local_name(child.tag) not in _SIGNATURES:
            texts.extend(
                node.text
                for node in child.iter()
                if not len(node) and node.text and not _is_hash(node, root)
            )
    return texts


def _is_hash(node: etree._Element, root: etree._Element) -> bool:
    if local_name(node.tag) != "hash":
        return False
    parent = node.getparent()
    return parent is root or (local_name(parent.tag) == "epilogo" and parent.getparent() is root)


# ---------------------------------------------------------------------------
# Encoder
# ---------------------------------------------------------------------------


class Encoder:
    """Writes the messages of one version. Holds only caches, so threads may share it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._writers: dict[int, _Writer] = {}

    def encode(
        self, values: Mapping[str, Any], *, element: str, charset: str, hash_charset: str
    ) -> bytes:
        field = self._plan.elements.get(element)
        if field is None:
            names = tuple(self._plan.elements)
            raise EncodeError(Violation("unknown_element", value=element, expected=names))
        parts = [
            f'<?xml version="1.0" encoding="{charset.upper()}"?>\n'
            f'<{PREFIX}:{element} xmlns:{PREFIX}="{self._plan.namespace}">'
        ]
        try:
            self.writer(complex_of(field)).write_root(values, parts, hash_charset)
            parts.append(f"</{PREFIX}:{element}>")
            data = "".join(parts).encode(charset)
        except Refusal as refusal:
            raise _encode_error(refusal) from None
        except UnicodeEncodeError as error:
            raise _text_error("charset", values, _unencodable(error.encoding)) from None
        if len(data.translate(None, _CONTROLS)) != len(data) or _NONCHARACTERS.search(data):
            raise _text_error("character", values, _FORBIDDEN.search)
        return data

    def encode_part(self, field: Field, values: Mapping[str, Any]) -> str:
        """One element with children, as a document of its own."""
        parts = [f'<{PREFIX}:{field.name} xmlns:{PREFIX}="{self._plan.namespace}">']
        try:
            self.writer(complex_of(field)).write(values, parts, [])
        except Refusal as refusal:
            raise _encode_error(refusal) from None
        parts.append(f"</{PREFIX}:{field.name}>")
        return "".join(parts)

    def writer(self, complex_type: Complex) -> _Writer:
        key = id(complex_type)
        if key not in self._writers:
            self._writers[key] = _Writer(complex_type, self)
        return self._writers[key]


class _Writer:
    """Writes the content of one complex type.

    The keys of a dict decide which children are written and whether that is allowed; that verdict
    is kept per set of keys, because a lote repeats a few shapes thousands of times.
    """

    def __init__(self, complex_type: Complex, encoder: Encoder) -> None:
        self._type = complex_type
        self._encoder = encoder
        self._rows: dict[tuple[str, ...], tuple[_Step, ...]] = {}

    def write(self, values: Any, parts: list[str], texts: list[str]) -> None:
        keys = _present(values)
        for name, write, leaves, template in self._rows.get(keys) or self._row(keys):
            try:
                if write is not None:
                    write(values[name], parts, texts)
                    continue
                found = [encode(values[name]) for name, encode in leaves]
            except Refusal as refusal:
                refusal.trail.append(name or _culprit(leaves, values))
                raise
            text = "".join(found)
            texts.append(text)
            if "&" in text or "<" in text or ">" in text:
                found = [_escape(each) for each in found]
            parts.append(template % tuple(found))

    def write_root(self, values: Any, parts: list[str], hash_charset: str) -> None:
        """Write a root element, with the digest of what stands before it where none is given."""
        values = {name: values[name] for name in _present(values)}
        fields = self._type.fields
        holder = next((name for name in ("epilogo", "hash") if name in fields), None)
        values = _with_hash(values, holder)
        self._row(tuple(values))
        texts: list[str] = []
        for name in (each for each in fields if each in values):
            value = values[name]
            if value is _PENDING:
                value = _md5(texts, hash_charset)
                value = value if name == "hash" else {"hash": value}
            try:
                _content_writer(fields[name], self._encoder)(value, parts, texts)
            except Refusal as refusal:
                refusal.trail.append(name)
                raise

    def _row(self, keys: tuple[str, ...]) -> tuple[_Step, ...]:
        """The steps for these keys; Refusal when they do not go together."""
        fields = self._type.fields
        for key in keys:
            if key not in fields:
                raise _refusal_at(str(key), "unexpected", tuple(fields))
        for code, names in self._type.shape(frozenset(keys)):
            raise _refusal_at(names[0] if len(names) == 1 else "", code, names)
        if len(self._rows) >= _MAX_SHAPES:
            self._rows.clear()
        wanted = [each for name, each in fields.items() if name in keys]
        self._rows[keys] = row = tuple(_steps(wanted, self._encoder))
        return row


_Write = Callable[[Any, list[str], list[str]], None]
_Leaves = tuple[tuple[str, Callable[[Any], str]], ...]
# Either a field with its writer, or a run of leaves and the template that takes their texts.
_Step = tuple[str, _Write | None, _Leaves, str]


def _steps(fields: list[Field], encoder: Encoder) -> Iterator[_Step]:
    for plain, run in groupby(fields, lambda each: isinstance(each.type, Leaf) and not each.many):
        if plain:
            leaves = list(run)
            template = "".join("%s".join(_tags(each)) for each in leaves)
            yield "", None, tuple((each.name, leaf_of(each).encode) for each in leaves), template
        else:
            for each in run:
                yield each.name, _content_writer(each, encoder), (), ""


def _culprit(leaves: _Leaves, values: Mapping[str, Any]) -> str:
    """The first of the leaves that refuses its value."""
    for name, encode in leaves:
        try:
            encode(values[name])
        except Refusal:
            return name
    raise AssertionError("a leaf refuses a value once and takes it the next time")


def _tags(field: Field) -> tuple[str, str]:
    return f"<{PREFIX}:{field.name}>", f"</{PREFIX}:{field.name}>"


def _content_writer(field: Field, encoder: Encoder) -> _Write:
    """Writes the value of a field with its tags; the value of a repeated field is a list."""
    if isinstance(field.type, Leaf):
        write = _leaf_writer(field, field.type)
    elif isinstance(field.type, Opaque):
        write = _opaque_writer(field)
    else:
        write = _complex_writer(field, encoder.writer(field.type))
    return _list_writer(field, write) if field.many else write


def _leaf_writer(field: Field, leaf: Leaf) -> _Write:
    before, after = _tags(field)
    encode = leaf.encode

    def write(value: Any, parts: list[str], texts: list[str]) -> None:
        text = encode(value)
        texts.append(text)
        parts.append(f"{before}{_escape(text)}{after}")

    return write


def _complex_writer(field: Field, writer: _Writer) -> _Write:
    before, after = _tags(field)
    write_content = writer.write

    def write(value: Any, parts: list[str], texts: list[str]) -> None:
        parts.append(before)
        write_content(value, parts, texts)
        parts.append(after)

    return write


def _opaque_writer(field: Field) -> _Write:
    def write(value: Any, parts: list[str], texts: list[str]) -> None:
        if not isinstance(value, (str, bytes)):
            raise Refusal("wrong_type", value=value, expected=("str", "bytes"))
        try:
            root = parser.parse(value)
        except DecodeError as error:
            raise Refusal(error.code) from None
        if root.tag != field.tag:
            raise Refusal("unexpected", value=root.tag, expected=(field.tag,))
        texts.extend(node.text for node in root.iter() if not len(node) and node.text)
        parts.append(etree.tostring(root, encoding="unicode"))

    return write


def _list_writer(field: Field, write_item: _Write) -> _Write:
    least, most = field.least, field.most

    def write(value: Any, parts: list[str], texts: list[str]) -> None:
        if not isinstance(value, (list, tuple)):
            raise Refusal("wrong_type", value=type(value).__name__, expected=("list",))
        if most is not None and len(value) > most:
            raise Refusal("too_many", value=len(value), limit=most)
        if len(value) < least:
            raise Refusal("missing", value=len(value), limit=least)
        for index, item in enumerate(value, 1):
            try:
                write_item(item, parts, texts)
            except Refusal as refusal:
                refusal.trail.append(f"[{index}]")
                raise

    return write


def _present(values: Any) -> tuple[str, ...]:
    """Names of the values that are there: neither None nor an empty list."""
    # The first test is only there because it is ten times as fast as the second.
    if values.__class__ is not dict and not isinstance(values, Mapping):
        raise Refusal("wrong_type", value=type(values).__name__, expected=("dict",))
    return tuple(
        [
            name
            for name, value in values.items()
            # Most values are true, which is the cheapest test of all.
            if value or (value is not None and value.__class__ is not list)
        ]
    )


def _with_hash(values: dict[str, Any], holder: str | None) -> dict[str, Any]:
    if holder is None:
        return values
    given = values.get(holder)
    if isinstance(given, Mapping) and given.get("hash") is None and not set(given) - {"hash"}:
        given = None
    return values if given is not None else {**values, holder: _PENDING}


def _refusal_at(name: str, code: str, expected: tuple[str, ...]) -> Refusal:
    refusal = Refusal(code, expected=expected)
    if name:
        refusal.trail.append(name)
    return refusal


def _encode_error(refusal: Refusal) -> EncodeError:
    return EncodeError(
        Violation(
            refusal.code,
            refusal.path,
            value=refusal.value,
            limit=refusal.limit,
            expected=refusal.expected,
        )
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unencodable(charset: str) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            text.encode(charset)
        except UnicodeEncodeError:
            return True
        return False

    return check


def _text_error(code: str, values: Any, is_wrong: Callable[[str], object]) -> EncodeError:
    """The first text of the values that the document cannot hold."""
    for path, text in _texts(values, ""):
        if is_wrong(text):
            return EncodeError(Violation(code, path, value=text))
    return EncodeError(Violation(code))


def _texts(values: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _texts(value, f"{path}/{name}" if path else str(name))
    elif isinstance(values, (list, tuple)):
        for index, value in enumerate(values, 1):
            yield from _texts(value, f"{path}[{index}]")
    elif isinstance(values, str):
        yield path, values


# ---------------------------------------------------------------------------
# Decoder
# ---------------------------------------------------------------------------


class Decoded(dict):
    """Values of a message (or of a streamed part of one) and what was wrong with it.

    ``element`` is the local name of the root; ``problems`` are Violations; ``unexpected`` holds
    (path, text) of content that the schema does not know. Both are empty after a strict decode.
    ``context`` (streaming only) maps the name of each ancestor to its leaf values read so far.
    """

    def __init__(self, values: dict[str, Any], element: str) -> None:
        super().__init__(values)
        self.element = element
        self.problems: list[Violation] = []
        self.unexpected: list[tuple[str, str]] = []
        self.context: dict[str, dict[str, Any]] = {}


def decode(plan: Plan, xml: bytes | str, *, strict: bool, limit: int) -> Decoded:
    """See ``Schema.decode``."""
    if strict:
        root = parser.parse(xml, limit=limit)
        return Reader(_root_field(plan, root, strict), root, strict=True).decoded()
    root, declared = parser.parse_repaired(xml, limit=limit)
    decoded = Reader(_root_field(plan, root, strict), root, strict=False).decoded()
    if declared:
        decoded.problems.append(Violation("encoding", value=declared))
    return decoded


def problems(plan: Plan, root: etree._Element) -> list[Violation]:
    """Everything in which a document differs from the plan, in document order."""
    try:
        field = _root_field(plan, root, strict=True)
    except DecodeError as error:
        return [error.violation]
    reader = Reader(field, root, strict=True, collect=True)
    reader.decoded()
    return sorted(reader.problems + reader.surprises, key=lambda each: each.line or 0)


def _root_field(plan: Plan, root: etree._Element, strict: bool) -> Field:
    name = local_name(root.tag)
    field = plan.elements.get(name)
    if field is None or (strict and field.tag != root.tag):
        expected = tuple(plan.elements)
        raise DecodeError(Violation("unknown_element", line=1, value=root.tag, expected=expected))
    return field


class Reader:
    """Reads one subtree by the plan of its root.

    ``strict`` looks elements up by namespace and name and raises at the first problem (unless
    ``collect``); otherwise the local name is enough, in any order, and problems are collected.
    """

    def __init__(
        self,
        field: Field,
        root: etree._Element,
        *,
        strict: bool,
        collect: bool = False,
        base: str = "",
        omit: frozenset[str] = frozenset(),
    ) -> None:
        self._field = field
        self._root = root
        self._strict = strict
        self._raises = strict and not collect
        self._base = base
        self._omit = omit
        self._opaque: set[etree._Element] = set()
        self._places: dict[etree._Element, dict[etree._Element, int]] = {}
        self.problems: list[Violation] = []
        self.surprises: list[Violation] = []

    def decoded(self) -> Decoded:
        decoded = Decoded(self._complex(complex_of(self._field), self._root), self._field.name)
        self._check_markup()
        decoded.problems = self.problems
        decoded.unexpected = [(each.path, each.value or "") for each in self.surprises]
        return decoded

    def values(self) -> dict[str, Any]:
        """The values alone, without a look at the markup."""
        return self._complex(complex_of(self._field), self._root)

    def value(self) -> Any:
        """The value of a root that has no children."""
        kind = self._field.type
        assert not isinstance(kind, Complex)
        return self._leaf(kind, self._root)

    def _complex(self, plan: Complex, node: etree._Element) -> dict[str, Any]:
        values: dict[str, Any] = {}
        place = -1
        for child in node:
            field = plan.by_tag.get(child.tag) or self._field_of(plan, child)
            if field is None or field.name in self._omit:
                continue
            if field.place < place:
                self._report("order", child)
            place = field.place
            if not field.many and field.name in values:
                self._surprise(child, "too_many", limit=1)
                continue
            kind = field.type
            value = (
                self._complex(kind, child) if isinstance(kind, Complex) else self._leaf(kind, child)
            )
            if field.many:
                values.setdefault(field.name, []).append(value)
            else:
                values[field.name] = value
        if not len(node) and (node.text or "").strip():
            self._note(Violation("unexpected", self.path(node), node.sourceline, node.text))
        self._check_shape(plan, node, values)
        return values

    def _leaf(self, leaf: Leaf | Opaque, node: etree._Element) -> Any:
        if isinstance(leaf, Opaque):
            self._opaque.add(node)
            return etree.tostring(node, encoding="unicode", with_tail=False)
        for child in node:
            self._surprise(child)
        text = node.text or ""
        try:
            return leaf.decode(text)
        except Refusal as refusal:
            details: dict[str, Any] = {"value": text, "limit": refusal.limit}
            details["expected"] = refusal.expected
            self._report(refusal.code, node, **details)
            return text if refusal.parsed is None else refusal.parsed

    def _field_of(self, plan: Complex, child: etree._Element) -> Field | None:
        """The field of an element that is not under its own tag; None, and noted, without one."""
        field = None
        if not self._strict:
            field = plan.fields.get(local_name(child.tag)) or self._misspelt(plan, child)
        if field is None:
            self._surprise(child)
        return field

    def _misspelt(self, plan: Complex, child: etree._Element) -> Field | None:
        """TISS names differ in capitals from message to message, and so do files."""
        name = local_name(child.tag)
        for field in plan.fields.values():
            if field.name.lower() == name.lower():
                self._report("misspelt", child, value=name, expected=(field.name,))
                return field
        return None

    def _check_shape(self, plan: Complex, node: etree._Element, values: dict[str, Any]) -> None:
        for code, names in plan.shape(frozenset(values)):
            if not self._omit.intersection(names):
                self._report(code, node, child=names[0] if len(names) == 1 else "", expected=names)
        for field in plan.bounded:
            count = len(values.get(field.name, ()))
            if field.most is not None and count > field.most:
                self._report("too_many", node, child=field.name, limit=field.most)

    def _check_markup(self) -> None:
        """Attributes, and text between elements: the schema has none outside the signature."""
        for found in _ATTRIBUTES(self._root):
            node = found.getparent()
            if not self._is_opaque(node):
                path = f"{self.path(node)}/@{local_name(found.attrname)}".lstrip("/")
                self._note(Violation("unexpected", path, node.sourceline, str(found)))
        for found in _LOOSE_TEXTS(self._root):
            node = found.getparent().getparent() if found.is_tail else found.getparent()
            if not self._is_opaque(node):
                violation = Violation("unexpected", self.path(node), node.sourceline, str(found))
                self._note(violation)

    def _is_opaque(self, node: etree._Element) -> bool:
        return bool(self._opaque) and not self._opaque.isdisjoint((node, *node.iterancestors()))

    def _surprise(self, node: etree._Element, code: str = "unexpected", **details: Any) -> None:
        """Note an element that has no place, with the text of each leaf in it."""
        if self._raises:
            self._report(code, node, **details)
        for leaf in node.iter():
            if not len(leaf):
                self._note(Violation(code, self.path(leaf), leaf.sourceline, leaf.text))

    def _note(self, violation: Violation) -> None:
        self._keep(violation, self.surprises)

    def _report(self, code: str, node: etree._Element, child: str = "", **details: Any) -> None:
        path = "/".join(filter(None, (self.path(node), child)))
        self._keep(Violation(code, path, node.sourceline, **details), self.problems)

    def _keep(self, violation: Violation, kept: list[Violation]) -> None:
        if self._raises:
            raise DecodeError(violation)
        if len(kept) >= _MAX_PROBLEMS:
            raise UnsafeXML(Violation("oversized", limit=_MAX_PROBLEMS))
        kept.append(violation)

    def path(self, node: etree._Element) -> str:
        """Path of a node below the root, with positions of those elements that may repeat."""
        chain = []
        while node is not self._root:
            chain.append(node)
            node = node.getparent()
        names = [self._base] if self._base else []
        plan: Any = self._field.type
        for each in reversed(chain):
            name = local_name(each.tag)
            field = plan.fields.get(name) if isinstance(plan, Complex) else None
            index = self._place(each)
            repeats = field.many if field else index > 1
            names.append(f"{name}[{index}]" if repeats else name)
            plan = field.type if field else None
        return "/".join(names)

    def _place(self, node: etree._Element) -> int:
        """Position among the siblings of the same name."""
        # Counted for all siblings at once: a file may be wrong in every one of a million.
        parent = node.getparent()
        if parent not in self._places:
            counts: Counter[str] = Counter()
            places = self._places[parent] = {}
            for each in parent:
                counts[each.tag] += 1
                places[each] = counts[each.tag]
        return self._places[parent][node]


# ---------------------------------------------------------------------------
# Streaming
# ---------------------------------------------------------------------------


class Peek(NamedTuple):
    """What the beginning of a message says: how to read the rest of it.

    ``element`` is the local name of the root, ``version`` the text of ``cabecalho/Padrao``,
    ``body`` the names that lead from the root to the body, as far as three steps:
    ``("operadoraParaPrestador", "demonstrativosRetorno", "demonstrativoAnaliseConta")``.
    """

    element: str
    version: str | None
    body: tuple[str, ...]


def peek(source: bytes | IO[bytes] | Path) -> Peek:
    """Look at the beginning of a message of any version, without reading the rest of it.

    A file is read from where it stands; rewind it before reading it for good.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    open_names: list[str] = []
    element, version = "", None
    body: tuple[str, ...] = ()
    for event, node, _ in parser.stream(
        file, None, events=("start", "end"), record_limit=_MAX_PEEK_BYTES
    ):
        if event == "end":
            if open_names[1:] == ["cabecalho", "Padrao"]:
                version = node.text
            open_names.pop()
            continue
        open_names.append(local_name(node.tag))
        element = open_names[0]
        if len(open_names) > 1 and open_names[1] not in ("cabecalho", "epilogo", "hash"):
            body = max(body, tuple(open_names[1:]), key=len)
        if len(body) == 3:
            break
    return Peek(element, version, body)


def iterate(
    plan: Plan,
    file: IO[bytes] | str | Path,
    path: str,
    *,
    strict: bool,
    omit: frozenset[str],
    limit: int | None,
    record_limit: int,
) -> Iterator[Decoded]:
    names = path.split("/")
    found = [_resolve(field, names) for field in plan.elements.values()]
    if not any(chain and isinstance(chain[-1].type, Complex) for chain in found):
        raise ValueError(f"no message of TISS {plan.version} has records at {path}")
    wanted = {names[-1], *omit, *plan.elements}
    streamer = _Streamer(plan, names, strict=strict, omit=omit)
    for _, node, mark in parser.stream(file, wanted, limit=limit, record_limit=record_limit):
        if streamer.is_record(node):
            yield streamer.record(node)
            mark()
        elif streamer.is_omitted(node):
            mark()
    streamer.finish()


def _resolve(field: Field, names: list[str]) -> list[Field] | None:
    """The fields along a path; None when the path is not in the plan."""
    chain = [field]
    for name in names:
        plan = chain[-1].type
        if not isinstance(plan, Complex) or name not in plan.fields:
            return None
        chain.append(plan.fields[name])
    return chain


class _Streamer:
    """Decodes the records at one path and frees each, and all that was read before it."""

    def __init__(self, plan: Plan, names: list[str], *, strict: bool, omit: frozenset[str]) -> None:
        self._plan = plan
        self._names = names
        self._strict = strict
        self._omit = omit
        self._chain: list[Field] = []
        self._root: etree._Element | None = None
        self._levels: list[tuple[etree._Element, dict[str, Any]]] = []
        self._count = 0

    def is_record(self, node: etree._Element) -> bool:
        lineage = [node, *node.iterancestors()][::-1]
        self._see_root(lineage[0])
        names = [local_name(each.tag) for each in lineage[1:]]
        return bool(self._chain) and names == self._names

    def is_omitted(self, node: etree._Element) -> bool:
        """Free an element that the caller does not want; False when it is not such a one."""
        name = local_name(node.tag)
        if name not in self._omit:
            return False
        node.clear()
        before = node.getprevious()
        while before is not None and local_name(before.tag) == name:
            node.getparent().remove(before)
            before = node.getprevious()
        return True

    def record(self, node: etree._Element) -> Decoded:
        context = self._take_context(node)
        self._count += 1
        base = "/".join(self._names) + f"[{self._count}]"
        reader = Reader(self._chain[-1], node, strict=self._strict, base=base, omit=self._omit)
        decoded = reader.decoded()
        decoded.context = context
        node.clear()
        return decoded

    def finish(self) -> None:
        if self._root is None:
            expected = tuple(self._plan.elements)
            raise DecodeError(Violation("unknown_element", expected=expected))

    def _see_root(self, root: etree._Element) -> None:
        if self._root is None:
            field = _root_field(self._plan, root, self._strict)
            self._chain = _resolve(field, self._names) or []
            self._root = root

    def _take_context(self, node: etree._Element) -> dict[str, dict[str, Any]]:
        """Leaf values of the ancestors so far; what stands before the record is freed."""
        lineage = [*reversed([*node.iterancestors()]), node]
        for depth, (parent, child) in enumerate(zip(lineage, lineage[1:], strict=False)):
            if depth == len(self._levels) or self._levels[depth][0] is not parent:
                self._levels[depth:] = [(parent, {})]
            self._levels[depth][1].update(self._take_leaves(depth, parent, child))
        return {local_name(each.tag): values for each, values in self._levels}

    def _take_leaves(
        self, depth: int, parent: etree._Element, until: etree._Element
    ) -> dict[str, Any]:
        reader = Reader(self._chain[depth], parent, strict=False)
        fields = complex_of(self._chain[depth]).fields
        values = {}
        for each in list(parent):
            if each is until:
                break
            field = fields.get(local_name(each.tag))
            if field and isinstance(field.type, Leaf) and not field.many:
                values[field.name] = reader._leaf(field.type, each)
            parent.remove(each)
        return values
