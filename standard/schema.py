"""TISS versions: where their XSDs are, and one ``Schema`` per version.

4.02.00 and 4.03.00 come with the PyPI package ``tiss``; any other version is an ANS zip given to
``register``. Nothing here knows what a version contains: that is all in its XSD.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

from lxml import etree

from . import codec, parser
from .codec import Decoded
from .errors import DecodeError, PackageError, UnknownVersion, Violation
from .plan import Field, Plan, build, complex_of
from .walk import Walk
from .zips import DAMAGED

_PROVENANCE = "provenance.json"
# SHA-256 of the provenance files of package tiss, which hold the SHA-256 of every XSD.
_PINNED = {
    "4.02.00": "f0dd9bcb0c00636cfec1dfe11cfab1858e40c49c80b7a7ed915abb2fcdde3f2f",
    "4.03.00": "656fce617c0274056a7a4de46d54f4fc82a40fa8bc0e2fe610af0e8004b8ac77",
}
# The one file of a package that carries a DOCTYPE; W3C has never changed it.
_XMLDSIG = "xmldsig-core-schema.xsd"
_XMLDSIG_SHA256 = "b6388292d746c6cc8f932ce3b6bf7c7fc0bf6cba58ec385b38988887bcf5fdbb"
_ROOT_FILE = re.compile(r"tissWebServicesV([0-9]+)_([0-9]{2})_([0-9]{2})\.xsd")
_MAX_FILES = 500
_MAX_UNPACKED_BYTES = 32 * 1024 * 1024

_lock = threading.RLock()
_registered: dict[str, Path] = {}
_loaded: dict[str, Schema] = {}
_temporary: list[tempfile.TemporaryDirectory] = []


def versions() -> list[str]:
    """Installed versions in order, e.g. ``["4.02.00", "4.03.00"]``."""
    return sorted({*_packaged(), *_registered})


def load(version: str) -> Schema:
    """The schema of a version, one object per process; UnknownVersion when not installed."""
    with _lock:
        if version not in _loaded:
            folder = _registered.get(version) or _packaged().get(version)
            if folder is None:
                raise UnknownVersion(version, versions())
            _loaded[version] = Schema(version, _checked_root(version, folder))
        return _loaded[version]


def register(source: str | Path | bytes, folder: str | Path | None = None) -> str:
    """Install the communication zip of an ANS package; returns its version.

    ``source`` is the path or the content of the zip. The XSDs are kept in ``folder/<version>``
    (a temporary folder without one); ``register_folder`` finds them there in another process.
    Raises PackageError for what is not such a zip, or differs from the version installed.
    """
    found = _unpack(source)
    roots = [match for match in map(_ROOT_FILE.fullmatch, found) if match]
    if len(roots) != 1:
        raise PackageError(
            "not_package", "the zip does not hold the message schemas of one TISS version"
        )
    version = ".".join(roots[0].groups())
    _check_references(found)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in found.items()}
    with _lock:
        present = _registered.get(version) or _packaged().get(version)
        if present is not None:
            _check_same(version, present, sums)
            return version
        parent = Path(folder) if folder else _temporary_folder()
        _registered[version] = _keep(parent / version, version, found, sums)
    try:
        load(version).compile()
    except Exception as error:
        _registered.pop(version, None)
        _loaded.pop(version, None)
        shutil.rmtree(parent / version, ignore_errors=True)
        raise PackageError(
            "unusable", f"the schemas of TISS {version} cannot be used: {error}"
        ) from error
    return version


def register_folder(folder: str | Path) -> list[str]:
    """Make the versions that ``register`` once kept below ``folder`` available; returns them."""
    found = {}
    for each in sorted(Path(folder).glob(f"*/{_PROVENANCE}")):
        version = json.loads(each.read_bytes())["version"]
        if version not in _packaged():
            found[version] = each.parent
    with _lock:
        _registered.update(found)
    return list(found)


class Schema:
    """One TISS version: encode, decode, stream and validate its messages. Safe for threads."""

    def __init__(self, version: str, root: Path) -> None:
        self.version = version
        self._root = root
        self._lock = threading.Lock()
        self._plan: Plan | None = None
        # Validators wait here, and not one for each thread: a server may start one per request.
        self._idle: list[etree.XMLSchema] = []

    def __repr__(self) -> str:
        return f"<Schema TISS {self.version}>"

    @property
    def folder(self) -> Path:
        """Where the XSDs of the version are."""
        return self._root.parent

    @property
    def plan(self) -> Plan:
        """Built on first use, which takes about a second."""
        with self._lock:
            if self._plan is None:
                self._plan = build(self.version, self._root)
            return self._plan

    @cached_property
    def _encoder(self) -> codec.Encoder:
        return codec.Encoder(self.plan)

    def compile(self) -> None:
        """Build plan and validator now; they are built on first use otherwise."""
        if "mensagemTISS" not in self.plan.elements:
            raise PackageError("not_package", "the schema has no mensagemTISS")
        with self._validator():
            pass

    def field(self, path: str, *, element: str = "mensagemTISS") -> Field:
        """The field at a path below a root element: its type, facets and cardinality; KeyError."""
        found = self.plan.elements[element]
        for name in path.split("/"):
            found = complex_of(found).fields[name]
        return found

    def encode(
        self,
        values: Mapping[str, Any],
        *,
        element: str = "mensagemTISS",
        charset: str = "iso-8859-1",
        hash_charset: str = "iso-8859-1",
    ) -> bytes:
        """A message: nested dict (see ``codec``) to XML bytes in ``charset``.

        ``epilogo`` (``hash`` in a SOAP body element) is filled with the digest when not given.
        Raises EncodeError with the path of the first value that the schema refuses.
        """
        _check_charsets(charset, hash_charset)
        return self._encoder.encode(
            values, element=element, charset=charset, hash_charset=hash_charset
        )

    def encode_part(self, field: Field, values: Mapping[str, Any]) -> str:
        """One element of a message as a document of its own, without hash: what a guia signs."""
        return self._encoder.encode_part(field, values)

    def decode(
        self, xml: bytes | str, *, strict: bool = True, limit: int = parser.MAX_BYTES
    ) -> Decoded:
        """XML to nested dict. The root is ``mensagemTISS`` or any SOAP body element.

        Strict: DecodeError with the path of the first thing that the schema does not allow.
        Otherwise elements are found by local name in any order, a value that cannot be read
        stays text, and ``problems`` and ``unexpected`` of the result tell the rest.
        """
        return codec.decode(self.plan, xml, strict=strict, limit=limit)

    def iterate(
        self,
        file: IO[bytes] | str | Path,
        path: str,
        *,
        strict: bool = True,
        omit: Iterable[str] = (),
        limit: int | None = None,
        record_limit: int = parser.MAX_RECORD_BYTES,
    ) -> Iterator[Decoded]:
        """Stream the elements at ``path`` below the root in constant memory.

        Each record's ``context`` holds the leaf values of its ancestors that stand before it.
        ``omit`` names repeated children to skip, e.g. ``{"relacaoGuias"}`` to read the totals of
        each protocolo without its guias. ``limit`` bounds the file, ``record_limit`` the bytes
        read between two records. Only records are checked; ``validate`` judges whole messages.
        """
        return codec.iterate(
            self.plan,
            file,
            path,
            strict=strict,
            omit=frozenset(omit),
            limit=limit,
            record_limit=record_limit,
        )

    def walk(self, xml: bytes, paths: Iterable[str], *, limit: int = parser.MAX_BYTES) -> Walk:
        """Read a message tolerantly in constant memory, whatever its size; see ``Walk``."""
        return Walk(self.plan, xml, paths, limit=limit)

    def validate(self, xml: bytes | str, *, limit: int = parser.MAX_BYTES) -> bool:
        """Whether the official XSD of the version accepts a message. Never raises for content."""
        try:
            root = parser.parse(xml, limit=limit)
        except DecodeError:
            return False
        with self._validator() as validator:
            return validator.validate(root)

    def explain(self, xml: bytes | str, *, limit: int = parser.MAX_BYTES) -> list[Violation]:
        """Why ``validate`` refuses a message, in document order; empty when it does not."""
        try:
            root = parser.parse(xml, limit=limit)
        except DecodeError as error:
            return [error.violation]
        with self._validator() as validator:
            if validator.validate(root):
                return []
            log = [(each.path or "", each.line or None) for each in validator.error_log]
        return codec.problems(self.plan, root) or [
            Violation("invalid", re.sub(r"\w+:", "", path).strip("/"), line) for path, line in log
        ]

    def digest(self, xml: bytes | str, charset: str = "iso-8859-1") -> str:
        """See ``codec.digest``."""
        return codec.digest(xml, charset)

    @contextmanager
    def _validator(self) -> Iterator[etree.XMLSchema]:
        """A compiled schema for one use at a time: a shared one mixes the errors of its users."""
        try:
            validator = self._idle.pop()
        except IndexError:
            tree = etree.parse(str(self._root), _schema_parser())
            validator = etree.XMLSchema(tree)
        try:
            yield validator
        finally:
            self._idle.append(validator)


def _check_charsets(*charsets: str) -> None:
    for each in charsets:
        if each not in codec.HASH_CHARSETS:
            raise ValueError(f"charset {each!r} is none of {', '.join(codec.HASH_CHARSETS)}")


def _schema_parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)


# ---------------------------------------------------------------------------
# Packages
# ---------------------------------------------------------------------------


def _packaged() -> dict[str, Path]:
    """Folders of the versions in package tiss."""
    folder = Path(str(files("tiss") / "_data" / "schemas"))
    return {each.parent.name: each.parent for each in folder.glob(f"*/{_PROVENANCE}")}


def _checked_root(version: str, folder: Path) -> Path:
    """The root XSD of a folder, after comparing every file with its recorded SHA-256."""
    provenance = (folder / _PROVENANCE).read_bytes()
    found = hashlib.sha256(provenance).hexdigest()
    if folder == _packaged().get(version) and found != _PINNED.get(version, found):
        raise PackageError("changed", f"the schemas of TISS {version} are not the official ones")
    sums = json.loads(provenance)["files"]
    if _sums(folder) != sums:
        raise PackageError(
            "changed", f"the schemas of TISS {version} in {folder.name} have been changed"
        )
    (root,) = (name for name in sums if _ROOT_FILE.fullmatch(name))
    return folder / root


def _sums(folder: Path) -> dict[str, str]:
    return {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.glob("*.xsd")
    }


def _temporary_folder() -> Path:
    """A folder that lasts as long as the process."""
    _temporary.append(tempfile.TemporaryDirectory(prefix="tiss-"))
    return Path(_temporary[-1].name)


def _check_same(version: str, folder: Path, sums: dict[str, str]) -> None:
    present = _sums(folder)
    if any(present[name] != sums.get(name) for name in present):
        raise PackageError("changed", f"TISS {version} is installed already, with other schemas")


def _unpack(source: str | Path | bytes) -> dict[str, bytes]:
    """XSD files of a zip by base name. Nothing is written, so no name can leave a folder."""
    try:
        with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
            members = opened.infolist()
            if len(members) > _MAX_FILES:
                raise PackageError("too_large", f"the zip holds more than {_MAX_FILES} files")
            return _read_members(opened, members)
    except DAMAGED as error:
        raise PackageError("damaged", f"the zip cannot be read: {error}") from error


def _read_members(opened: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    room = _MAX_UNPACKED_BYTES
    for member in members:
        name = re.split(r"[/\\]", member.filename)[-1]
        if not re.fullmatch(r"[A-Za-z0-9_.-]+\.xsd", name):
            continue
        if name in found:
            raise PackageError("damaged", f"the zip holds {name} twice")
        # The size in the directory of a zip can lie; what is read cannot.
        with opened.open(member) as stream:
            found[name] = stream.read(room + 1)
        room -= len(found[name])
        if room < 0:
            raise PackageError("too_large", "the schemas of the zip are too large")
    return found


def _check_references(found: dict[str, bytes]) -> None:
    """Every include and import must name a file of the zip, and no file may carry a DTD."""
    for name, data in found.items():
        if name == _XMLDSIG:
            if hashlib.sha256(data).hexdigest() != _XMLDSIG_SHA256:
                raise PackageError("changed", f"{name} is not the one that W3C publishes")
            continue
        try:
            root = parser.parse(data, limit=_MAX_UNPACKED_BYTES)
        except DecodeError as error:
            raise PackageError("damaged", f"{name} cannot be read: {error}") from error
        for each in root.iter("{http://www.w3.org/2001/XMLSchema}*"):
            location = each.get("schemaLocation")
            if location is not None and location not in found:
                raise PackageError(
                    "incomplete", f"{name} refers to {location}, which the zip does not hold"
                )


def _keep(folder: Path, version: str, found: dict[str, bytes], sums: dict[str, str]) -> Path:
    """Write a package so that it is either there whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
    for name, data in found.items():
        (draft / name).write_bytes(data)
    provenance = {"version": version, "files": sums}
    (draft / _PROVENANCE).write_text(json.dumps(provenance, indent=2), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    draft.rename(folder)
    return folder
