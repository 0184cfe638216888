"""Price files as they come, with invented values only."""

import datetime
import io
import unittest
import zipfile
from decimal import Decimal

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st

from ..pricefiles import (
    AmbiguousNumber,
    decimal_mark,
    open_file,
    read_rows,
    to_code,
    to_date,
    to_number,
    to_porte,
)
from ..pricing import is_porte
from ..sheets import MAX_BYTES, SheetError, check_size, decode_text, read_sheets

D = Decimal
PLAIN = "Código;Descrição;Valor\n10101012;Consulta;R$ 1.234,56\n40304361;Hemograma;33,30\n"


def workbook(**sheets):
    """Bytes of an .xlsx: {sheet: rows}; a row is a list of cells."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def read(content, **roles):
    grid = open_file(content if isinstance(content, bytes) else content.encode())
    return grid, read_rows(grid)


def good(rows):
    return [row.values for row in rows if not row.problems and not row.skipped]


def prices(rows, key="code", role="price"):
    return {values[key]: values[role] for values in good(rows)}


def problems(rows):
    return {row.line: [problem.code for problem in row.problems] for row in rows if row.problems}


class TestPlain(unittest.TestCase):
    def test_header_names_the_columns_in_any_order(self):
        grid, rows = read(
            "Valor (R$);Até;De;CÓDIGO TUSS\n1.234,56;31/12/2026;01/03/2026;10101012\n"
        )
        self.assertEqual(grid.layout, "plain")
        self.assertEqual(
            good(rows),
            [
                {
                    "price": D("1234.56"),
                    "end": datetime.date(2026, 12, 31),
                    "start": datetime.date(2026, 3, 1),
                    "code": "10101012",
                    "name": "",
                }
            ],
        )

    def test_every_separator_and_encoding_reads_the_same(self):
        expected = {"10101012": D("1234.56"), "40304361": D("33.30")}
        for separator in ";\t|":
            text = PLAIN.replace(";", separator)
            for encoding in ("utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le"):
                with self.subTest(separator=separator, encoding=encoding):
                    grid, rows = read(text.encode(encoding))
                    self.assertEqual(prices(rows), expected)
                    self.assertEqual(good(rows)[0]["name"], "Consulta")
                    self.assertEqual(grid.titles[0], "Código")
        quoted = 'Código,Descrição,Valor\n10101012,Consulta,"1.234,56"\n40304361,Hemograma,"33,30"'
        self.assertEqual(prices(read(quoted)[1]), expected)

    def test_without_header_the_contents_decide(self):
        grid, rows = read("10101012;150,00;Consulta;01/01/2026\n40304361;33,33;Hemograma;\n")
        self.assertEqual(grid.header_line, 0)
        self.assertEqual(prices(rows), {"10101012": D(150), "40304361": D("33.33")})
        self.assertEqual(good(rows)[0]["name"], "Consulta")
        self.assertEqual(good(rows)[0]["start"], datetime.date(2026, 1, 1))
        self.assertEqual(prices(read("150.5|10101012\n33.3|40304361")[1])["10101012"], D("150.5"))

    def test_a_quote_that_is_never_closed_swallows_no_line(self):
        """An inch sign or a stray quote before a name; the lines after it stay lines."""
        for name in ('"Consulta', '"Sonda" 12"'):
            text = f"Código;Descrição;Valor\n10101012;{name};150,00\n40304361;Hemograma;33,30\n"
            rows = read(text.encode())[1]
            with self.subTest(name=name):
                self.assertEqual([row.line for row in rows], [2, 3])
                self.assertEqual(prices(rows), {"10101012": D("150"), "40304361": D("33.3")})

    def test_cents_that_an_unquoted_comma_cut_off_are_not_lost(self):
        with self.assertRaises(SheetError) as caught:
            read("10101012,150,50\n40304361,33,33\n")
        self.assertEqual(caught.exception.code, "comma_decimals")
        _grid, rows = read("codigo,valor\n10101012,150,50\n")
        self.assertEqual(problems(rows), {2: ["cut_decimals"]})

    def test_telehealth_has_its_own_price(self):
        _grid, rows = read("codigo;valor;teleconsulta\n10101012;150;120,5\n")
        self.assertEqual(prices(rows, role="tele_price"), {"10101012": D("120.5")})

    def test_codes_stored_in_any_way(self):
        for written in (
            10101012, 10101012.0, "10101012.0", "1.01.01.01-2", '="10101012"', "'10101012",
            "\u00a010101012 ", "1.0101012E7",
        ):  # fmt: skip
            with self.subTest(written=written):
                self.assertEqual(to_code(written), "10101012")
        self.assertEqual(to_code("AB-12"), "AB-12")

    def test_a_sheet_of_people_has_more_than_rows(self):
        content = workbook(
            Tabela=[
                ["Clínica Exemplo – tabela de preços"],
                [],
                ["Código\u00a0TUSS", "Procedimento", "Valor"],
                ["CONSULTAS"],
                [10101012.0, "Consulta", "R$ 1.234,56"],
                [None, "Subtotal", 1234.56],
                ["Código TUSS", "Procedimento", "Valor"],
                ["EXAMES", None, None],
                ["4.03.04.36-1", "Hemograma", 33.3],
                ["Total geral", None, "1.267,86"],
                [],
                ["Emitido por Fulano em 01/02/2026"],
            ]
        )
        grid, rows = read(content)
        self.assertEqual(grid.header_line, 3)
        self.assertEqual(prices(rows), {"10101012": D("1234.56"), "40304361": D("33.3")})
        self.assertEqual(problems(rows), {})
        self.assertEqual(
            [(row.line, row.skipped) for row in rows if row.skipped],
            [
                (4, "section"),
                (6, "total"),
                (7, "header"),
                (8, "section"),
                (10, "total"),
                (12, "section"),
            ],
        )

    def test_merged_cells_leave_blanks_that_do_not_matter(self):
        book = openpyxl.Workbook()
        sheet = book.active
        for row in (
            ["Convênio Exemplo", None, None, None],
            ["Código", "Descrição", None, "Preço"],
            ["10101012", "Consulta", None, 150],
        ):
            sheet.append(row)
        for area in ("A1:D1", "B2:C2", "B3:C3"):
            sheet.merge_cells(area)
        stream = io.BytesIO()
        book.save(stream)
        self.assertEqual(prices(read(stream.getvalue())[1]), {"10101012": D(150)})

    def test_the_line_with_the_mistake_is_named(self):
        _grid, rows = read(
            "codigo;valor;inicio\n"
            "10101012;cento e dez;\n"
            "40304361;;\n"
            "40101010;-5,00;\n"
            ";20,00;\n"
            "40301010;99999999999;\n"
            "40302040;10,00;31/02/2026\n"
            "40302016;1,00;\n"
        )
        self.assertEqual(
            problems(rows),
            {
                2: ["bad_number"], 3: ["no_value"], 4: ["negative"], 5: ["no_code"],
                6: ["too_high"], 7: ["bad_date"],
            },
        )  # fmt: skip
        self.assertEqual(rows[0].problems[0][1:3], ("valor", "cento e dez"))
        self.assertEqual(prices(rows), {"40302016": D(1)})

    def test_twice_the_same_is_one_and_two_prices_are_a_mistake(self):
        _grid, rows = read(
            "codigo;valor\n10101012;150\n1.01.01.01-2;150,00\n40304361;10\n40304361;11\n"
        )
        self.assertEqual(prices(rows), {"10101012": D(150)})
        self.assertEqual((rows[1].skipped, rows[1].same), ("repeated", 2))
        self.assertEqual(problems(rows), {4: ["duplicate"], 5: ["duplicate"]})
        self.assertEqual([row.problems[0].line for row in rows[2:]], [5, 4])

    def test_two_periods_of_one_code_are_no_duplicate(self):
        _grid, rows = read("codigo;valor;de\n10101012;150;01/01/2026\n10101012;160;01/07/2026\n")
        self.assertEqual([values["price"] for values in good(rows)], [150, 160])


class TestNumbers(unittest.TestCase):
    def test_the_column_decides_what_a_single_separator_is(self):
        for texts, mark in (
            (["1.234", "5,10"], ","),
            (["1,234", "5.10"], "."),
            (["1.234,56"], ","),
            (["1,234.56"], "."),
            (["1.234.567"], ","),
            (["0.125"], "."),
            (["1234.567"], "."),
            (["1.234", "2.500"], ""),
            (["1.234,56", "1,234.56"], "?"),
        ):
            with self.subTest(texts=texts):
                self.assertEqual(decimal_mark(texts), mark)

    def test_the_same_text_in_two_columns(self):
        def price(*texts):
            rows = "".join(f"4010101{i};{text}\n" for i, text in enumerate(texts))
            return list(prices(read("codigo;valor\n" + rows)[1]).values())

        self.assertEqual(price("1.234", "12,50"), [D(1234), D("12.5")])
        self.assertEqual(price("1.234", "12.50"), [D("1.234"), D("12.5")])
        # Nothing tells: the Brazilian way.
        self.assertEqual(price("1.234", "2.500"), [D(1234), D(2500)])
        self.assertEqual(price("1,234", "2,500"), [D("1.234"), D("2.5")])

    def test_a_column_that_writes_both_ways_is_read_only_where_it_is_sure(self):
        _grid, rows = read("codigo;valor\n40101010;1.234,56\n40101029;1,234.56\n40101037;1.234\n")
        self.assertEqual(set(prices(rows).values()), {D("1234.56")})
        self.assertEqual(problems(rows), {4: ["ambiguous_number"]})

    def test_as_people_write_amounts(self):
        for text, value in (
            ("R$ 1.234,56", "1234.56"), ("R$\u00a01.234,56", "1234.56"), ("1234.5", "1234.5"),
            ("1,234.56", "1234.56"), ("(12,00)", "-12"), ("-R$ 3,50", "-3.5"), (",5", "0.5"),
            (41.10000000001, "41.1"), (7, "7"), ("12,34565", "12.3457"),
        ):  # fmt: skip
            with self.subTest(text=text):
                self.assertEqual(to_number(text), D(value))
        for blank in ("", "R$ -", "-", "---", " - ", None, "–"):
            self.assertIsNone(to_number(blank))
        for wrong in ("1.23.4", "12,3,4", "abc", "1e400", True, "1..2", float("nan")):
            with self.subTest(wrong=wrong), self.assertRaises(ValueError):
                to_number(wrong)
        with self.assertRaises(AmbiguousNumber):
            to_number("1.234", "?")

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, 10**9), st.sampled_from([(".", ","), (",", ".")]))
    def test_any_amount_is_read_back(self, cents, signs):
        thousands, mark = signs
        text = f"{cents // 100:,}".replace(",", thousands) + f"{mark}{cents % 100:02}"
        self.assertEqual(to_number(text), D(cents) / 100)
        self.assertEqual(decimal_mark([text]), mark)

    def test_dates(self):
        day = datetime.date(2026, 3, 1)
        for text in ("01/03/2026", "1-3-2026", "01.03.26", "2026-03-01", "2026-03-01T10:00", 46082):
            with self.subTest(text=text):
                self.assertEqual(to_date(text), day)
        self.assertEqual(to_date(datetime.datetime(2026, 3, 1, 8)), day)
        for wrong in ("31/02/2026", "amanhã", "13/13/2026"):
            with self.assertRaises(ValueError):
                to_date(wrong)

    def test_portes(self):
        for text, porte, fraction in (
            ("2B", "2B", 1), ("14C", "14C", 1), ("2 b", "2B", 1), ("10% de 1A", "1A", "0.1"),
            ("0,25 de 1A", "1A", "0.25"), ("1/4 2B", "2B", "0.25"), (122, "122", 1), ("-", "", 1),
            (0, "", 1),
        ):  # fmt: skip
            with self.subTest(text=text):
                self.assertEqual(to_porte(text), (porte, D(fraction)))
                # Whatever a file may say, an edition can value.
                self.assertTrue(porte == "" or is_porte(porte))
        for wrong in ("2D", "15A", "0A", "alto", "10% de 15A", "12345", "012", "-1"):
            with self.assertRaises(ValueError):
                to_porte(wrong)


CBHPM_HEADER = [
    "ID do Grupo", "Descrição do Grupo", "ID do Subgrupo", "Descrição", "ID do Procedimento",
    "Descrição", "Porte", None, None, "Custo Operac.", "Nº de Aux.",
    "Porte Anestés.", "Filme ou Doc", "Incid.", "UR",
]  # fmt: skip


class TestLicensedLayouts(unittest.TestCase):
    def test_cbhpm_workbook_with_the_porte_over_three_columns(self):
        group = [1, "Grupo", 101, "Subgrupo"]
        content = workbook(
            Grupos=[["ID do Grupo", "Descrição do Grupo"], [1, "Grupo"]],
            Subgrupos=[["ID do Subgrupo", "Descrição"], [101, "Subgrupo"]],
            CBHPM=[
                ["Classificação inventada"],
                CBHPM_HEADER,
                [*group, 10101012, "Consulta", None, None, "2B", "-", None, None, "-", None, None],
                [*group, "4.03.04.36-1", "Exame", 0.1, "de", "1A", 1.75, "-", "-", "-", "-", "-"],
                [*group, 30101018.0, "Cirurgia", None, None, "3C", "2,5", 2, 4, "0,1205", 1, None],
                [*group, 30101026, "Só custo", None, None, "-", 12.5, None, None, None, None, None],
            ],
        )
        grid, rows = read(content)
        self.assertEqual((grid.layout, grid.sheet, grid.header_line), ("cbhpm", "CBHPM", 2))
        self.assertEqual(problems(rows), {})
        by_code = {values["code"]: values for values in good(rows)}
        visit = by_code["10101012"]
        self.assertEqual((visit["name"], visit["porte"]), ("Consulta", "2B"))
        exam = by_code["40304361"]
        self.assertEqual((exam["porte"], exam["porte_fraction"]), ("1A", D("0.1")))
        self.assertEqual(exam["uco"], D("1.75"))
        surgery = by_code["30101018"]
        self.assertEqual(
            [surgery[role] for role in ("uco", "auxiliaries", "anaesthetic_porte", "film")],
            [D("2.5"), 2, 4, D("0.1205")],
        )
        self.assertEqual(by_code["30101026"]["uco"], D("12.5"))

    def test_cbhpm_of_the_older_editions_by_its_columns_alone(self):
        grid, rows = read(
            workbook(
                Plan1=[
                    ["1.01.01.01-2", "Consulta", None, None, "2B", None, None, None],
                    ["3.01.01.01-8", "Cirurgia", None, None, "3C", 2.5, 1, 3],
                ]
            )
        )
        self.assertEqual((grid.layout, grid.header_line), ("cbhpm", 0))
        surgery = good(rows)[1]
        self.assertEqual(
            [
                surgery[role]
                for role in ("name", "porte", "uco", "auxiliaries", "anaesthetic_porte")
            ],
            ["Cirurgia", "3C", D("2.5"), 1, 3],
        )

    def test_unimed_list_with_portes_as_numbers_or_classes(self):
        header = [
            "TISS Código", "TISS Tipo de Tabela", "TISS código", "Descrição",
            "Valor Honorários", "Número de Auxiliares", "Indicador anestésico", "Porte", "UCO",
            "INC.", "Número de Auxiliares", "Porte Anestésico", "Filme m²",
        ]  # fmt: skip
        grid, rows = read(
            workbook(
                Rol=[
                    ["Rol de exemplo"],
                    header,
                    ["01", 22, 30101018, "Cirurgia", 10, 9, 1, 122, 2.5, None, 2, 4, "0,5"],
                    ["02", 22, 10101012, "Consulta", 10, 9, 0, "3C", None, None, None, None, None],
                ]
            )
        )
        self.assertEqual((grid.layout, grid.header_line), ("unimed", 2))
        surgery, visit = good(rows)
        self.assertEqual((surgery["code"], surgery["porte"]), ("30101018", "122"))
        self.assertEqual((surgery["auxiliaries"], surgery["film"]), (2, D("0.5")))
        self.assertEqual((visit["code"], visit["porte"]), ("10101012", "3C"))

    def test_brasindice(self):
        def line(item, pmc, pf):
            cells = [
                "012", "LAB EXEMPLO", item, "REMEDIO INVENTADO",
                "0034", "10 mg cx 20 comp", pmc, pf,
                "20", "PMC", "1.25", "PFB", "0.90", "1001", "0.00", "N", "7890000000000", "", "",
                "90055888", "", "1000000000000", "00",
            ]  # fmt: skip
            return ",".join(f'"{cell}"' for cell in cells)

        content = "\r\n".join([line("00567", "25.00", "18.00"), line("00568", "0.00", "18.10")])
        grid, rows = read(content.encode("latin-1"))
        self.assertEqual(grid.layout, "brasindice")
        first, second = good(rows)
        self.assertEqual(first["code"], "012_00567_0034")
        self.assertEqual(first["name"], "REMEDIO INVENTADO 10 mg cx 20 comp")
        self.assertEqual(first["tuss_code"], "90055888")
        self.assertEqual(
            [first[role] for role in ("pmc", "pf", "package_quantity", "pmc_fraction")],
            [D(25), D(18), D(20), D("1.25")],
        )
        self.assertEqual(second["pf"], D("18.1"))

    def test_simpro_as_xml_and_as_csv(self):
        names = (
            "CD_SIMPRO", "DESCRICAO", "PC_EM_FAB", "PC_EM_VEN", "PC_FR_FAB", "PC_FR_VEN",
            "QTDE_EMBAL", "TP_FRACAO", "CD_TUSS", "VIGENCIA",
        )  # fmt: skip
        item = (
            "0000012345", "Seringa inventada", "1.234,00", "1.500,00", "12,34", "15,00", "100",
            "UN", "70000001", "01/11/2026",
        )  # fmt: skip
        attributes = " ".join(f'{name}="{value}"' for name, value in zip(names, item, strict=True))
        as_xml = (
            f'<?xml version="1.0" encoding="ISO-8859-1"?><PRODUTOS><ITEM {attributes}/></PRODUTOS>'
        )
        as_csv = ";".join(names) + "\n" + ";".join(item)
        for content in (as_xml, as_csv):
            grid, rows = read(content)
            self.assertEqual(grid.layout, "simpro")
            (values,) = good(rows)
            self.assertEqual((values["code"], values["tuss_code"]), ("0000012345", "70000001"))
            self.assertEqual((values["pf"], values["pmc_fraction"]), (D(1234), D(15)))
            self.assertEqual(values["package_quantity"], D(100))

    def test_values_of_portes(self):
        for text in ("Porte;Valor\n1A;10,50\n14C;R$ 1.000,00\nUCO;20,47\nFilme m²;21,7\nTotal;99",):
            grid, rows = read(text)
            self.assertEqual(grid.layout, "portes")
            self.assertEqual(
                prices(rows, "porte"),
                {"1A": D("10.5"), "14C": D(1000), "UCO": D("20.47"), "FILM": D("21.7")},
            )
        self.assertEqual(prices(read("Porte;Valor\n122;88,5\n")[1], "porte"), {"122": D("88.5")})
        self.assertEqual(prices(read("1A;10,50\n1B;11,00\n")[1], "porte")["1B"], D(11))

    def test_quantities_of_ch(self):
        grid, rows = read("Código;Descrição;CH\n10101012;Consulta;100\n40304361;Exame;12,5\n")
        self.assertEqual(grid.layout, "ch")
        self.assertEqual(prices(rows, role="ch"), {"10101012": D(100), "40304361": D("12.5")})


class TestMapping(unittest.TestCase):
    def test_somebody_who_knows_better_says_which_column_is_which(self):
        grid = open_file(b"codigo;valor;valor a vista\n10101012;150;140\n")
        changed = grid.with_roles({"code": 0, "price": 2})
        self.assertEqual(prices(read_rows(changed)), {"10101012": D(140)})
        self.assertEqual(grid.examples(1), ["150"])

    def test_the_next_file_of_a_source_is_known_by_its_titles(self):
        first = open_file(PLAIN.encode())
        second = open_file("CODIGO;descricao;VALOR\n40101010;ECG;41,10\n".encode("utf-16"))
        other = open_file(b"codigo;valor\n40101010;41,10\n")
        self.assertEqual(first.signature, second.signature)
        self.assertNotEqual(first.signature, other.signature)

    def test_the_decimal_sign_can_be_said(self):
        grid = open_file(b"codigo;valor\n40101010;1.234\n").with_roles({"code": 0, "price": 1}, ".")
        self.assertEqual(prices(read_rows(grid)), {"40101010": D("1.234")})


class TestHardening(unittest.TestCase):
    def assertRefused(self, code, content):
        with self.assertRaises(SheetError) as caught:
            read_rows(open_file(content))
        self.assertEqual(caught.exception.code, code)

    def test_size_is_judged_first(self):
        self.assertRefused("too_large", b"\0" * (50 * 1024 * 1024))
        check_size(MAX_BYTES)

    def test_garbage(self):
        garbage = bytes(range(256)) * 40_000
        self.assertRefused("not_a_table", garbage)
        self.assertRefused("damaged", b"PK\x03\x04" + garbage)
        self.assertRefused("damaged", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + garbage)
        self.assertRefused("not_a_table", b"x" * 30_000_000)
        self.assertRefused("not_a_table", b";" * 1_000)
        self.assertRefused("unknown_layout", b"lorem ipsum dolor\n" * 100_000)
        self.assertRefused("unknown_layout", b"nome;cidade\nFulano;Santos\n")
        self.assertRefused("empty", b" \n ")
        self.assertRefused("too_many_rows", b"10101012;1\n" * 200_001)

    def test_zip_bombs(self):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(3):
                archive.writestr(f"xl/{number}.xml", b"0" * 80_000_000)
        self.assertRefused("inflated", stream.getvalue())

    def test_entities(self):
        content = io.BytesIO(workbook(A=[["codigo", "valor"], [10101012, 1]]))
        bomb = io.BytesIO()
        with zipfile.ZipFile(content) as source, zipfile.ZipFile(bomb, "w") as target:
            for part in source.namelist():
                data = source.read(part)
                if part.endswith("workbook.xml"):
                    data = b'<!DOCTYPE x [<!ENTITY a "b">]>' + data
                target.writestr(part, data)
        self.assertRefused("unsafe", bomb.getvalue())
        doctype = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        self.assertRefused("unsafe", doctype + b'<PRODUTOS><ITEM CD_SIMPRO="&a;"/></PRODUTOS>')
        self.assertRefused("damaged", b"<PRODUTOS><ITEM></PRODUTOS>")
        self.assertRefused("unknown_layout", b"<PRODUTOS/>")

    @settings(max_examples=150, deadline=None)
    @given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
    def test_no_bytes_at_all_break_the_reader(self, content):
        try:
            read_rows(open_file(content))
        except SheetError:
            pass

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.lists(
                st.sampled_from(
                    ["10101012", "codigo", "valor", "porte", "2B", "1,5", "1.234", "-", "", "Total",
                     "01/02/2026", "ção", "99999999999999", "1/0", "ch", "uco"]
                ),
                max_size=6,
            ),
            max_size=8,
        )
    )  # fmt: skip
    def test_no_table_breaks_the_reader_and_no_row_is_lost(self, table):
        content = "\n".join(";".join(row) for row in table).encode()
        try:
            grid = open_file(content)
        except SheetError:
            return
        self.assertEqual(len(read_rows(grid)), len(grid.lines))

    def test_utf16_without_bom(self):
        self.assertEqual(decode_text("abc;ção".encode("utf-16-be")), "abc;ção")

    def test_rows_keep_the_number_that_the_file_gives_them(self):
        (sheet,) = read_sheets(b'a;b\n\n"x\ny";1\nz;2\n')
        self.assertEqual([number for number, _cells in sheet.lines], [1, 2, 3, 5])
