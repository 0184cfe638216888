"""Counts of the ANS data, and a label for every code that a message can hold."""

from __future__ import annotations

import unittest
from collections import Counter, defaultdict

from .. import terminology
from ..plan import Complex, Field
from ..simple import Domain, Leaf
from . import common

# Enumerations of the protocol itself: nobody picks them from a list.
STRUCTURAL = {"dm_tipoTransacao", "dm_versao", "st_tissFault"}


def leaves(field: Field, seen: set[int]) -> dict[str, Leaf]:
    """Simple types by name that are used below a field."""
    if not isinstance(field.type, Complex):
        return {field.type.name: field.type}
    found: dict[str, Leaf] = {}
    if id(field.type) not in seen:
        seen.add(id(field.type))
        for each in field.type.fields.values():
            found.update(leaves(each, seen))
    return found


class TestTerminology(unittest.TestCase):
    def test_counts(self) -> None:
        tuss = list(terminology.tuss_terms())
        counts = Counter(row.table for row in tuss)
        self.assertEqual(counts, {"18": 3597, "19": 45889, "20": 12572, "22": 5964})
        self.assertEqual(len(tuss), 68022)
        self.assertEqual(len({row.code for row in tuss}), 68022)
        self.assertEqual(sum(1 for row in tuss if row.end), 4)
        self.assertEqual(len(list(terminology.glosas())), 470)
        self.assertEqual(len(list(terminology.operadoras())), 1106)
        self.assertEqual(len(list(terminology.glosa_indicators())), 11045)

    def test_rows_are_unique_and_clean(self) -> None:
        rows = list(terminology.domains())
        self.assertEqual(len({(row.table, row.code) for row in rows}), len(rows))
        for row in rows:
            self.assertEqual(row.term, row.term.strip())
            self.assertTrue(row.table and row.code and row.term)
        names = {row.code: row.term for row in rows if row.table == "87"}
        numbered = {row.table for row in rows if row.table.isdigit()}
        self.assertLessEqual(numbered | {"38"} | set(terminology.TUSS_TABLES), set(names))

    def test_every_enumerated_code_has_a_label(self) -> None:
        known = defaultdict(set)
        for row in terminology.domains():
            known[row.table].add(row.code)
        for glosa in (*terminology.glosas(), *terminology.retired_glosas()):
            known["38"].add(glosa.code)
        for schema in common.schemas():
            found: dict[str, Leaf] = {}
            seen: set[int] = set()
            for field in schema.plan.elements.values():
                found.update(leaves(field, seen))
            domains = {name: each for name, each in found.items() if isinstance(each, Domain)}
            self.assertGreater(len(domains), 50)
            for name, leaf in domains.items():
                if name not in STRUCTURAL:
                    with self.subTest(version=schema.version, type=name):
                        table = terminology.TABLE_OF_TYPE[name]
                        self.assertEqual({*leaf.enumeration} - known[table] - {""}, set())

    def test_no_label_for_codes_that_do_not_exist(self) -> None:
        """What the CSV adds is in the XSD, the tables of tables and the faces apart."""
        schema = common.load("4.03.00")
        found: dict[str, Leaf] = {}
        seen: set[int] = set()
        for field in schema.plan.elements.values():
            found.update(leaves(field, seen))
        codes = defaultdict(set)
        for name, table in terminology.TABLE_OF_TYPE.items():
            if isinstance(found.get(name), Domain):
                codes[table].update(found[name].enumeration)
        for row in terminology.domains():
            if row.start is None and row.table not in ("32", "87"):
                self.assertIn(row.code, codes[row.table], row)

    def test_retired_glosas(self) -> None:
        retired = {each.code: each for each in terminology.retired_glosas()}
        active = {each.code: each for each in terminology.glosas()}
        self.assertFalse(retired.keys() & active.keys())
        self.assertIn("1714", retired)
        self.assertFalse(retired["1714"].active)
        self.assertIn("VALOR", retired["1714"].term)
        enumeration = common.load("4.03.00").field("cabecalho/falhaNegocio").type.enumeration
        self.assertEqual(set(enumeration) - {""} - active.keys(), set(retired))

    def test_units_of_the_federation(self) -> None:
        states = {row.code: row.description for row in terminology.domains() if row.table == "59"}
        self.assertEqual((states["35"], states["33"], states["98"]), ("SP", "RJ", "EX"))
