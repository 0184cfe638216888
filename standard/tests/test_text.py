"""Free text to ASCII."""

from __future__ import annotations

import unittest

from hypothesis import given
from hypothesis import strategies as st

from ..terminology import tuss_terms
from ..text import is_code, to_ascii
from . import common


class TestToAscii(unittest.TestCase):
    def test_examples(self) -> None:
        for text, expected in (
            ("José da Conceição", "JOSE DA CONCEICAO"),
            ("Jose\u0301", "JOSE"),
            ("“Ação” – d’água — 100‐200 − 3", '"ACAO" - D\'AGUA - 100-200 - 3'),
            ("STENT™ BIO®", "STENT(TM) BIO(R)"),
            ("Maria 😀👍🏽👨‍👩‍👧 Souza", "MARIA SOUZA"),
            ("a\r\nb\tc  d\u00a0e\u2028f", "A B C D E F"),
            ("1½ m² 37°C Nº 3ª Ø8 µg", "1 1/2 M2 37OC NO 3A O8 UG"),
            ("β-HCG e α2", "BETA-HCG E ALPHA2"),
            ("Straße Łódź Æsir þing", "STRASSE LODZ AESIR THING"),
            ("ﬁm １２", "FIM 12"),
            ("王 伟", ""),
            ("Ана Souza", "SOUZA"),
            ("x\uf0d2y\x8f", "X Y"),
            ("zero\u200bwidth soft\u00adhyphen", "ZEROWIDTH SOFTHYPHEN"),
            ("<&>'\"", "<&>'\""),
            (" \n ", ""),
            ("", ""),
        ):
            self.assertEqual(to_ascii(text), expected)
        self.assertEqual(to_ascii("José", upper=False), "Jose")

    def test_limit(self) -> None:
        self.assertEqual(to_ascii("ação social", 4), "ACAO")
        self.assertEqual(to_ascii("ação social", 5), "ACAO")
        self.assertEqual(to_ascii("½½", 3), "1/2")
        self.assertEqual(to_ascii("ação", 0), "")

    @common.profile(500)
    @given(st.text(), st.none() | st.integers(0, 20))
    def test_always(self, text: str, limit: int | None) -> None:
        found = to_ascii(text, limit)
        self.assertTrue(found.isascii() and found == found.strip() and "  " not in found)
        self.assertTrue(all(" " <= each <= "~" for each in found))
        self.assertEqual(found, found.upper())
        self.assertEqual(to_ascii(found, limit), found)
        if limit is not None:
            self.assertLessEqual(len(found), limit)

    def test_every_tuss_term(self) -> None:
        for row in tuss_terms():
            found = to_ascii(row.term, 150)
            self.assertTrue(found and found.isascii() and len(found) <= 150, row.code)


class TestIsCode(unittest.TestCase):
    def test_examples(self) -> None:
        for text in ("SOL-1", "a b", "<&>", "Nº 1/26", "ÿ"):
            self.assertTrue(is_code(text), text)
        for text in (" ", "SOL–1", "😀", "a\nb", "a\x0bb", "1\u00a0", "病院", "Ł1"):
            self.assertFalse(is_code(text), text)

    @common.profile(500)
    @given(st.text(min_size=1))
    def test_what_is_a_code_can_be_written(self, text: str) -> None:
        if is_code(text):
            self.assertEqual(text.encode("iso-8859-1").decode("iso-8859-1"), text)
