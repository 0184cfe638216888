"""Every message of every version, generated from its own schema, there and back."""

from __future__ import annotations

import base64
import io
import unittest
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any

import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from .. import DecodeError, Schema, digest, matching_charset
from ..message import SOAP_ELEMENTS, SOAP_FAULT, TRANSACTIONS, check_envelope
from . import common

EXAMPLES = 3


@cache
def second_judge(schema: Schema) -> xmlschema.XMLSchema:
    (root,) = schema.folder.glob("tissWebServices*.xsd")
    return xmlschema.XMLSchema(str(root.resolve()))


def repeated_paths(values: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """(path, values in document order) of every complex element that may repeat."""
    found: dict[str, list[Any]] = {}

    def walk(node: Any, at: str) -> None:
        for name, value in node.items():
            below = f"{at}/{name}".lstrip("/")
            if isinstance(value, list) and isinstance(value[0], Mapping):
                found.setdefault(below, []).extend(value)
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Mapping):
                    walk(each, below)

    walk(values, path)
    yield from found.items()


class TestGenerated(unittest.TestCase):
    def each_message(self, check: Callable[[Schema, str, dict], None], examples: int) -> None:
        """Run a check on generated messages of every version and root."""
        for schema in common.schemas():
            for transaction in TRANSACTIONS:
                make = partial(common.file_message, schema, transaction)
                self._run(check, schema, "mensagemTISS", make, transaction, examples)
            for element in (*SOAP_ELEMENTS, SOAP_FAULT):
                make = partial(common.soap_message, schema, element)
                self._run(check, schema, element, make, element, examples)

    def _run(
        self,
        check: Callable[[Schema, str, dict], None],
        schema: Schema,
        element: str,
        make: Callable[[int], dict],
        label: str,
        examples: int,
    ) -> None:
        @common.profile(examples)
        @given(common.SEEDS)
        def run(seed: int) -> None:
            check(schema, element, make(seed))

        with self.subTest(version=schema.version, message=label):
            run()

    def test_there_and_back(self) -> None:
        self.each_message(self.check_there_and_back, EXAMPLES)

    def check_there_and_back(self, schema: Schema, element: str, values: dict) -> None:
        xml = schema.encode(values, element=element)
        self.assertEqual(schema.explain(xml), [])
        self.assertTrue(schema.validate(xml))
        decoded = schema.decode(xml)
        self.assertEqual(decoded.element, element)
        if element == "mensagemTISS":
            found = decoded["epilogo"]["hash"]
            self.assertEqual(decoded, {**values, "epilogo": {"hash": found}})
            self.assertEqual(check_envelope(decoded, schema.version), [])
        elif element != SOAP_FAULT:
            found = decoded["hash"]
            self.assertEqual(decoded, {**values, "hash": found})
        if element != SOAP_FAULT:
            self.assertEqual(found, digest(xml))
        self.assertEqual(schema.encode(decoded, element=element), xml)
        lenient = schema.decode(xml, strict=False)
        self.assertEqual(lenient, decoded)
        self.assertEqual((lenient.problems, lenient.unexpected), ([], []))
        for path, expected in repeated_paths(decoded):
            self.assertEqual(list(schema.iterate(io.BytesIO(xml), path)), expected)

    def test_second_judge(self) -> None:
        """xmlschema, another processor, accepts what lxml accepts; in UTF-8 this time."""
        self.each_message(self.check_second_judge, 1)

    def check_second_judge(self, schema: Schema, element: str, values: dict) -> None:
        xml = schema.encode(values, element=element, charset="utf-8", hash_charset="utf-8")
        self.assertEqual([str(each) for each in second_judge(schema).iter_errors(xml)], [])
        if element != SOAP_FAULT:
            decoded = schema.decode(xml)
            found = decoded.get("hash") or decoded["epilogo"]["hash"]
            self.assertEqual(digest(xml, "utf-8"), found)
            expected = "iso-8859-1" if digest(xml) == found else "utf-8"
            self.assertEqual(matching_charset(xml), expected)


DAMAGES = ("drop", "double", "rename", "swap", "text", "attribute", "foreign", "loose")
TEXTS = (
    "", " ", " 9 ", "9", "N", "1.234", "150", "+1", "-1", "1e5", "2026-02-30", "2026-02-03",
    "10:30:00-03:00", "10:99:00", "true", "é", "A" * 1001, "123456", "22", "===",
)  # fmt: skip


def damage(root: etree._Element, kind: str, place: int, text: str) -> None:
    """Change one element of a tree in one way."""
    nodes = list(root.iter())[1:]
    node = nodes[place % len(nodes)]
    parent = node.getparent()
    if kind == "drop":
        parent.remove(node)
    elif kind == "double":
        node.addnext(etree.fromstring(etree.tostring(node)))
    elif kind == "rename":
        node.tag = node.tag + "X"
    elif kind == "swap":
        parent.append(node)
    elif kind == "text":
        next(each for each in node.iter() if not len(each)).text = text
    elif kind == "attribute":
        node.set("tipo", text)
    elif kind == "foreign":
        node.tag = "{urn:other}" + etree.QName(node).localname
    else:
        node.tail = "solto"


class TestDamaged(unittest.TestCase):
    """The plan and the XSD processor agree on what is wrong, not only on what is right."""

    def test_same_verdict(self) -> None:
        refused = 0

        @common.profile(800)
        @given(
            st.sampled_from(common.schemas()),
            st.sampled_from([*TRANSACTIONS]),
            common.SEEDS,
            st.sampled_from(DAMAGES),
            st.integers(0, 500),
            st.sampled_from(TEXTS),
        )
        def run(
            schema: Schema, transaction: str, seed: int, kind: str, place: int, text: str
        ) -> None:
            nonlocal refused
            values = common.file_message(schema, transaction, seed)
            root = etree.fromstring(schema.encode(values))
            damage(root, kind, place, text)
            xml = etree.tostring(root)
            valid = schema.validate(xml)
            explained = schema.explain(xml)
            self.assertEqual(explained == [], valid, (kind, explained))
            self.assertNotIn("invalid", [each.code for each in explained])
            if valid:
                schema.decode(xml)
            else:
                refused += 1
                with self.assertRaises(DecodeError) as caught:
                    schema.decode(xml)
                self.assertIn(caught.exception.code, [each.code for each in explained])
            self.check_nothing_lost(schema, root, xml)

        run()
        self.assertGreater(refused, 400)

    def check_nothing_lost(self, schema: Schema, root: etree._Element, xml: bytes) -> None:
        """Every text of the document is in the lenient values or in what was unexpected."""
        decoded = schema.decode(xml, strict=False)
        kept = "".join(text for _, text in decoded.unexpected)
        reached = {**dict(decoded), "hash": ""}
        texts = " ".join(_flat(reached)) + kept
        for node in root.iter():
            if not len(node) and node.text and node.text.isascii() and node.text.isalpha():
                self.assertIn(node.text, texts)


def _flat(values: Any) -> Iterator[str]:
    if isinstance(values, Mapping):
        for each in values.values():
            yield from _flat(each)
    elif isinstance(values, list):
        for each in values:
            yield from _flat(each)
    elif isinstance(values, bool):
        yield str(values).lower()
    elif isinstance(values, bytes):
        yield base64.b64encode(values).decode("ascii")
    else:
        yield str(values)
