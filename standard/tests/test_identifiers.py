"""Check digits, against known numbers, a second implementation and every ANS code."""

from __future__ import annotations

import unittest
from collections.abc import Callable

from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum.br import cnpj, cpf

from .. import identifiers as ids
from ..terminology import operadoras, tuss_terms
from . import common


def digits(size: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=size, max_size=size)


KINDS = (
    (ids.complete_cpf, ids.valid_cpf, digits(9)),
    (ids.complete_cnpj, ids.valid_cnpj, st.from_regex("[0-9A-Z]{12}", fullmatch=True)),
    (ids.complete_cns, ids.valid_cns, st.from_regex("[12][0-9]{10}", fullmatch=True)),
    (ids.complete_ans_code, ids.valid_ans_code, digits(5)),
    (ids.complete_tuss, ids.valid_tuss, digits(7) | digits(8)),
)


class TestIdentifiers(unittest.TestCase):
    def test_known(self) -> None:
        self.assertTrue(ids.valid_cpf("529.982.247-25"))
        self.assertTrue(ids.valid_cnpj("12.ABC.345/01DE-35"))
        self.assertTrue(ids.valid_cnpj("12abc34501de35"))
        self.assertFalse(ids.valid_cnpj("12ABC34501DE35", alphanumeric=False))
        self.assertTrue(ids.valid_cnpj("11.222.333/0001-81", alphanumeric=False))
        self.assertTrue(ids.valid_cns("700 0000 0000 0005"))
        self.assertTrue(ids.valid_ans_code("326305"))
        self.assertTrue(ids.valid_tuss("10101012"))
        self.assertTrue(ids.valid_cnes(ids.NO_CNES))

    def test_refused(self) -> None:
        for number in (
            "11111111111",
            "5299822472",
            "529982247255",
            "５２９９８２２４７２５",
            "",
            "x",
        ):
            self.assertFalse(ids.valid_cpf(number))
        for number in ("00000000000000", "12ABC34501DEA5", "12ABC34501DE3", "", "ÁÁABC34501DE35"):
            self.assertFalse(ids.valid_cnpj(number))
        for number in ("300000000000000", "70000000000000", "", "7000000000000-5x"):
            self.assertFalse(ids.valid_cns(number))
        for valid in (ids.valid_ans_code, ids.valid_tuss, ids.valid_cnes):
            for number in ("", "1", "12345x", "１２３４５６", "1" * 30):
                self.assertFalse(valid(number))

    def test_incomplete_base(self) -> None:
        for complete, _, _ in KINDS:
            for base in ("", "1", "x" * 9, "1" * 30):
                with self.assertRaises(ValueError):
                    complete(base)
        with self.assertRaises(ValueError):
            ids.complete_cns("30000000000")

    def test_completed_is_valid_and_one_wrong_digit_is_not(self) -> None:
        for complete, valid, bases in KINDS:
            with self.subTest(kind=valid.__name__):
                self.check_kind(complete, valid, bases)

    def check_kind(
        self,
        complete: Callable[[str], str],
        valid: Callable[[str], bool],
        bases: st.SearchStrategy[str],
    ) -> None:
        @common.profile(60)
        @given(bases, st.integers(1, 9))
        def run(base: str, shift: int) -> None:
            assume(len(set(base)) > 1)
            number = complete(base)
            self.assertTrue(number.startswith(base))
            self.assertTrue(valid(number))
            self.assertTrue(valid(f" {number[:2]}.{number[2:5]}/{number[5:]} "))
            wrong = str((int(number[-1]) + shift) % 10)
            self.assertFalse(valid(number[:-1] + wrong))

        run()

    @common.profile(300)
    @given(digits(9), digits(12), digits(11))
    def test_second_judge(self, nine: str, twelve: str, eleven: str) -> None:
        assume(len(set(nine)) > 1 and len(set(twelve)) > 1 and len(set(eleven)) > 1)
        self.assertTrue(cpf.is_valid(ids.complete_cpf(nine)))
        self.assertTrue(cnpj.is_valid(ids.complete_cnpj(twelve)))
        self.assertEqual(ids.valid_cpf(eleven), cpf.is_valid(eleven))

    def test_every_ans_code(self) -> None:
        for row in operadoras():
            self.assertTrue(ids.valid_ans_code(row.ans_code))
            self.assertTrue(ids.valid_cnpj(row.cnpj, alphanumeric=False))
        self.assertEqual([row.code for row in tuss_terms() if not ids.valid_tuss(row.code)], [])
