"""Registry files are read in both layouts of ANS, or refused with a reason.

All operadoras are invented; their numbers have right check digits.
"""

import datetime
import time
import unittest

from hypothesis import given
from hypothesis import strategies as st

from .. import cadop, identifiers

ANS = identifiers.complete_ans_code
CNPJ = identifiers.complete_cnpj("112223330001")
LETTERS = identifiers.complete_cnpj("12ABC3450001")

OLD_HEADER = (
    "Registro ANS;CNPJ;Razão Social;Nome Fantasia;Modalidade;Logradouro;Número;Complemento;Bairro;"
    "Cidade;UF;CEP;DDD;Telefone;Fax;Endereço eletrônico;Representante;Cargo Representante;"
    "Data Registro ANS"
)
NEW_HEADER = (
    "Registro_ANS;CNPJ;Razao_Social;Nome_Fantasia;Modalidade;Logradouro;Numero;Complemento;Bairro;"
    "Cidade;UF;CEP;DDD;Telefone;Fax;Endereco_eletronico;Representante;Cargo_Representante;"
    "Regiao_de_Comercializacao;Data_Registro_ANS"
)


def new_line(code="90001", cnpj=CNPJ, name="SAÚDE INVENTADA LTDA", date="2001-03-05", **other):
    values = {
        "trade": "Inventada",
        "modality": "Medicina de Grupo",
        "city": "São Paulo",
        "uf": "SP",
        "zip": "01310100",
        **other,
    }
    return (
        f"{ANS(code)};{cnpj};{name};{values['trade']};{values['modality']};RUA DAS FLORES;10;"
        f"SALA 2;CENTRO;{values['city']};{values['uf']};{values['zip']};11;30031234;;"
        f"Contato@Inventada.com.br;FULANO DE TAL;DIRETOR;4;{date}"
    )


def new_file(*lines, header=NEW_HEADER, charset="utf-8"):
    return "\r\n".join([header, *lines, ""]).encode(charset)


class TestCadop(unittest.TestCase):
    def assertNotRegistry(self, code, content, detail=""):
        with self.assertRaises(cadop.CadopError) as caught:
            cadop.read(content)
        self.assertEqual((caught.exception.code, caught.exception.detail), (code, detail))

    def assertProblems(self, expected, *lines):
        good = new_line("90099")
        registry = cadop.read(new_file(good, *lines))
        self.assertEqual([tuple(problem) for problem in registry.problems], expected)
        self.assertEqual(list(registry.operadoras), [ANS("90099")], "bad lines are left out")

    def test_new_layout(self):
        registry = cadop.read(new_file(new_line()))
        self.assertEqual(registry.problems, [])
        self.assertEqual(
            registry.operadoras,
            {
                ANS("90001"): cadop.Operadora(
                    ans_code=ANS("90001"),
                    cnpj=CNPJ,
                    legal_name="SAÚDE INVENTADA LTDA",
                    trade_name="Inventada",
                    modality="Medicina de Grupo",
                    city="São Paulo",
                    uf="SP",
                    registration_date=datetime.date(2001, 3, 5),
                    street="RUA DAS FLORES",
                    street_number="10",
                    street_complement="SALA 2",
                    district="CENTRO",
                    zip="01310-100",
                    phone="(11) 30031234",
                    email="contato@inventada.com.br",
                )
            },
        )

    def test_old_layout_has_a_preamble_19_columns_and_brazilian_dates(self):
        line = new_line(date="05/03/2001").replace(";DIRETOR;4;", ";DIRETOR;")
        preamble = "Operadoras de planos privados ativas;;\r\nData de geração: 01/02/2019\r\n"
        old = (preamble + "\r\n".join([OLD_HEADER, line, ""])).encode("latin-1")
        self.assertEqual(cadop.read(old), cadop.read(new_file(new_line())))

    def test_both_charsets_the_bom_and_the_newest_name_of_the_first_column(self):
        expected = cadop.read(new_file(new_line()))
        renamed = NEW_HEADER.replace("Registro_ANS", "REGISTRO_OPERADORA", 1)
        for content in (
            new_file(new_line(), charset="utf-8-sig"),
            new_file(new_line(), charset="latin-1"),
            new_file(new_line(), header=renamed),
            new_file(new_line()).replace(b"\r\n", b"\n"),
            new_file(new_line()).replace(b";", b","),
        ):
            self.assertEqual(cadop.read(content), expected)

    def test_quoted_cells_may_hold_the_separator(self):
        content = new_file(new_line(name='"SAÚDE; FILHOS ""E"" CIA"'))
        [row] = cadop.read(content).operadoras.values()
        self.assertEqual(row.legal_name, 'SAÚDE; FILHOS "E" CIA')

    def test_zeros_that_a_spreadsheet_dropped_come_back(self):
        code, cnpj = ANS("00051"), identifiers.complete_cnpj("000111220001")
        line = new_line("00051", cnpj).replace(code, code.lstrip("0"))
        line = line.replace(cnpj, f"{cnpj.lstrip('0')}.0").replace("01310100", "1310100")
        [row] = cadop.read(new_file(line)).operadoras.values()
        self.assertEqual((row.ans_code, row.cnpj, row.zip), (code, cnpj, "01310-100"))

    def test_masks_and_letters_of_a_cnpj(self):
        masked = f"{LETTERS[:2]}.{LETTERS[2:5]}.{LETTERS[5:8]}/{LETTERS[8:12]}-{LETTERS[12:]}"
        [row] = cadop.read(new_file(new_line(cnpj=masked.lower()))).operadoras.values()
        self.assertEqual(row.cnpj, LETTERS)

    def test_empty_cells_and_a_short_line(self):
        line = f"{ANS('90001')};{CNPJ};NOME LTDA;;Filantropia;;;;;Belém;PA"
        [row] = cadop.read(new_file(line)).operadoras.values()
        self.assertEqual(row.trade_name, "NOME LTDA")
        self.assertEqual({*row[8:], row.registration_date}, {"", None})

    def test_nonsense_in_what_is_optional_is_no_obstacle(self):
        line = new_line(zip="0").replace("Contato@Inventada.com.br", "não tem")
        [row] = cadop.read(new_file(line)).operadoras.values()
        self.assertEqual((row.zip, row.email), ("", ""))

    def test_the_same_line_twice_is_harmless(self):
        registry = cadop.read(new_file(new_line(), new_line()))
        self.assertEqual((len(registry.operadoras), registry.problems), (1, []))

    def test_titles_below_the_table_are_no_operadoras(self):
        registry = cadop.read(new_file(new_line(), ";;;", "", "Fonte: CADOP/ANS"))
        self.assertEqual((len(registry.operadoras), registry.problems), (1, []))

    def test_each_bad_line_is_named(self):
        """The good line is line 2 of the file, the bad one line 3."""
        code = ANS("90001")
        wrong = code[:5] + str((int(code[5]) + 1) % 10)
        cases = [
            (new_line().replace(code, wrong), ("ans_code", wrong, "")),
            (new_line().replace(code, "abc"), ("ans_code", "abc", "")),
            (new_line(cnpj="11222333000100"), ("cnpj", "11222333000100", code)),
            (new_line(cnpj="1,12E+13"), ("cnpj", "1,12E+13", code)),
            (new_line(cnpj=""), ("cnpj", "", code)),
            (new_line(name=""), ("legal_name", "", code)),
            (new_line(modality=""), ("modality", "", code)),
            (new_line(uf="XX"), ("uf", "XX", code)),
            (new_line(date="31/02/2001"), ("date", "31/02/2001", code)),
            (new_line(date="ontem"), ("date", "ontem", code)),
            (new_line() + ";sobra", ("columns", "21", code)),
        ]
        for line, (problem, value, ans_code) in cases:
            with self.subTest(problem, value=value):
                self.assertProblems([(3, problem, value, ans_code)], line)

    def test_the_same_number_with_other_data_is_a_problem(self):
        lines = new_line("90099", name="OUTRA LTDA")
        self.assertProblems([(3, "duplicate", ANS("90099"), ANS("90099"))], lines)

    def test_line_numbers_count_the_preamble(self):
        content = b"ANS\r\n\r\n" + new_file(new_line("90099"), new_line(uf="XX"))
        self.assertEqual(cadop.read(content).problems[0].line, 5)

    def test_other_files_are_refused_with_a_reason(self):
        cancelled = NEW_HEADER + ";Data_Descredenciamento;Motivo_do_Descredenciamento"
        self.assertNotRegistry("no_header", b"")
        self.assertNotRegistry("no_header", b"a;b;c\r\n1;2;3\r\n")
        self.assertNotRegistry("not_text", b"PK\x03\x04 a workbook")
        self.assertNotRegistry("not_text", b"\x89PNG\0\0")
        self.assertNotRegistry("empty", new_file())
        self.assertNotRegistry("cancelled_list", new_file(new_line(), header=cancelled))
        self.assertNotRegistry(
            "missing_column",
            new_file(new_line(), header=NEW_HEADER.replace("CNPJ", "Documento")),
            "CNPJ",
        )
        bad = [new_line(uf="XX")] * 101
        self.assertNotRegistry("too_many_problems", new_file(*bad), "2")

    def test_noise_is_refused_fast(self):
        start = time.monotonic()
        self.assertNotRegistry("oversized", b"\xf1\x9a;" * 17_000_000)
        self.assertNotRegistry("no_header", b"\xf1\x9a;" * 3_000_000)
        self.assertNotRegistry("no_header", b'"' * 9_000_000)
        self.assertLess(time.monotonic() - start, 3)

    def test_an_open_quotation_mark_swallows_no_operadora_unsaid(self):
        content = new_file(new_line("90099"), new_line(name='"SEM FIM'), new_line("90002"))
        registry = cadop.read(content)
        self.assertEqual(list(registry.operadoras), [ANS("90099")])
        self.assertEqual([problem.line for problem in registry.problems], [3])

    @given(st.binary(max_size=2000))
    def test_any_bytes_are_read_or_refused(self, content):
        for each in (content, new_file(new_line()) + content):
            try:
                self.assertTrue(cadop.read(each).operadoras)
            except cadop.CadopError as error:
                self.assertTrue(error.code)
