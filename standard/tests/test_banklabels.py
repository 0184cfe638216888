"""Who paid, out of the texts of real kinds of labels; all names are invented."""

from __future__ import annotations

import unittest

from ..banklabels import ALIAS, CNPJ, NAME, Payer, Payers, find_cnpjs, payer_words
from ..identifiers import complete_cnpj

ONE = complete_cnpj("112223330001")
BRANCH = complete_cnpj("112223330009")
TWO = complete_cnpj("445556660001")
LETTERS = complete_cnpj("12ABC34501DE")
MASKED = f"{ONE[:2]}.{ONE[2:5]}.{ONE[5:8]}/{ONE[8:12]}-{ONE[12:]}"


class TestTexts(unittest.TestCase):
    def test_cnpjs(self) -> None:
        for text, expected in (
            (f"TED RECEBIDA {ONE} SAUDE IMAGINARIA", [ONE]),
            (f"TED {MASKED}", [ONE]),
            (f"PIX 0{ONE} E {TWO}", [ONE, TWO]),
            (f"PIX {LETTERS.lower()}", [LETTERS]),
            (f"DOC {ONE[:-1]}{(int(ONE[-1]) + 1) % 10}", []),
            (f"DOC 9{ONE}9", []),
            ("TRANSFERENCIAS", []),
            ("", []),
            (None, []),
        ):
            with self.subTest(text):
                self.assertEqual(find_cnpjs(text), expected)

    def test_words_of_the_payer(self) -> None:
        for text, expected in (
            ("TED 001 OPERADORA SA", "OPERADORA SA"),
            ("PIX RECEBIDO 12/08 Saúde Imaginária", "SAUDE IMAGINARIA"),
            ("TED-CREDITO EM CONTA 237.1234 VIDA DE MENTIRA LTDA", "VIDA DE MENTIRA LTDA"),
            ("TED 0017 DOC 443322", ""),
            ("RECEBIMENTO DE FORNECEDOR", ""),
            ("DEP DE ABC", ""),
        ):
            with self.subTest(text):
                self.assertEqual(payer_words(text), expected)


class TestPayers(unittest.TestCase):
    def setUp(self) -> None:
        self.payers = Payers(
            [
                Payer(1, MASKED, ("Saúde Imaginária S.A.",)),
                Payer(2, TWO, ("Vida de Mentira", "Vida de Mentira Cooperativa Médica Ltda")),
                Payer(3, "", ("Vida de Mentira Norte",)),
                Payer(4, "", ("ABC",)),
            ],
            {"CONV 0099": 1, "MENTIRA ANTIGA": 2, LETTERS: 3},
        )

    def test_recognised(self) -> None:
        for label, expected in (
            (f"TED {ONE}", (1, CNPJ)),
            (f"TED {BRANCH} VIDA DE MENTIRA", (1, CNPJ)),
            (f"PIX {LETTERS}", (3, CNPJ)),
            ("CRED CONV 0099 2026", (1, ALIAS)),
            ("TED 12 MENTIRA 77 ANTIGA", (2, ALIAS)),
            ("TED SAUDE IMAGINARIA", (1, NAME)),
            ("TED VIDA DE MENTIRA", (2, NAME)),
            ("TED VIDA DE MENTIRA NORTE", (3, NAME)),
            ("TED VIDA DE MENTIRA COOPERATI", (2, NAME)),
            ("TED SAUDE IMAGINA", (1, NAME)),
            ("TED ABC", None),
            ("TED VIDA", None),
            (f"TED {ONE} DE {TWO}", None),
            ("PIX JOAO FICTICIO", None),
            ("", None),
        ):
            with self.subTest(label):
                self.assertEqual(self.payers.recognise(label), expected)

    def test_all_texts_of_a_line_count(self) -> None:
        self.assertEqual(self.payers.recognise("TED", None, ONE), (1, CNPJ))

    def test_two_operadoras_of_one_cnpj_are_nobody(self) -> None:
        payers = Payers([Payer(1, ONE), Payer(2, ONE)])
        self.assertIsNone(payers.recognise(f"TED {ONE}"))
