"""What ANS publishes: the XSDs of one version of the standard, and Tabela 38."""

import json
import re
import threading
from functools import cache
from importlib import resources
from pathlib import Path

from lxml import etree

XSD = "{http://www.w3.org/2001/XMLSchema}"
NS = "http://www.ans.gov.br/padroes/tiss/schemas"
_ELEMENT_NAME = re.compile(r"Element '(?:\{[^}]*\})?([^']+)'")


class MissingSchema(ValueError):
    """The XSDs of the version asked for are not on this machine."""


def _package_data() -> Path:
    return Path(str(resources.files("tiss") / "_data"))


def parser() -> etree.XMLParser:
    """A parser that fetches nothing, expands no entity and keeps libxml2's limits.

    Comments and processing instructions go away, so that the text of a leaf is one string.
    """
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


class Schema:
    """The compiled schema of one version, and the codes of Tabela 38 that it may carry.

    `folder` holds `tissV4_03_00.xsd` and the files it includes, under their official names.
    """

    def __init__(self, version: str, folder: Path):
        root = folder / f"tissV{version.replace('.', '_')}.xsd"
        if not root.is_file():
            raise MissingSchema(f"No official schema of TISS {version!r}: {root.name} not found")
        self.version = version
        self.folder = folder
        # The schema of the web services includes that of the files; an old folder may lack it.
        services = folder / root.name.replace("tissV", "tissWebServicesV")
        path = services if services.is_file() else root
        self._xsd = etree.XMLSchema(etree.parse(str(path), parser()))
        # One compiled schema mixes the error logs of the threads that use it.
        self._lock = threading.Lock()
        known = _tipo_glosa(folder)
        self.glosas = {code: text for code, text in tabela_38().items() if code in known}

    def problem(self, root: etree._Element) -> str | None:
        """The first violation (element, line and kind, never a value), or None when valid."""
        with self._lock:
            if self._xsd.validate(root):
                return None
            error = self._xsd.error_log[0]
        name = _ELEMENT_NAME.search(error.message)
        kind = error.type_name.removeprefix("SCHEMAV_").lower()
        return f"{name[1] if name else root.tag}, linha {error.line}: {kind}"

    def first_glosa(self, *codes: str) -> str:
        """The first of `codes` that is in force in Tabela 38 and known to this version."""
        return next(code for code in codes if code in self.glosas)


def _tipo_glosa(folder: Path) -> set[str]:
    """The values of `dm_tipoGlosa`."""
    for path in sorted(folder.glob("tissSimpleTypes*.xsd")):
        simple_type = etree.parse(str(path), parser()).find(
            f"{XSD}simpleType[@name='dm_tipoGlosa']"
        )
        if simple_type is not None:
            return {value.get("value") for value in simple_type.iter(f"{XSD}enumeration")}
    raise MissingSchema("dm_tipoGlosa not found in the simple types of the schema")


@cache
def tabela_38() -> dict[str, str]:
    """Code to text of the terms in force, within Latin-1 (two terms carry an en dash)."""
    content = (_package_data() / "glosas.json").read_text(encoding="utf-8")
    return {
        row["codigo"]: row["descricao"].replace("\u2013", "-").strip()
        for row in json.loads(content)["records"]
    }


@cache
def load(version: str, folder: str | None = None) -> Schema:
    """The schema of `version` from `folder`, by default from the package `tiss`."""
    default = _package_data() / "schemas" / version
    return Schema(version, Path(folder) if folder else default)
