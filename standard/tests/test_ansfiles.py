"""Files of ANS in every layout, made here by hand, and files that are none."""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import time
import unittest
import zipfile
from typing import Any

import openpyxl
from hypothesis import given
from hypothesis import strategies as st

from .. import ansfiles, terminology
from ..identifiers import complete_tuss
from .common import profile

BARE = ["Código do Termo", "Termo"]
DATES = ["Data de início de vigência", "Data de fim de vigência", "Data de fim de implantação"]
OFFICIAL = [*BARE, "Descrição Detalhada", *DATES]
CONSULTATION = ["10101012", "Consulta em consultório", "13/02/2009", "", "13/02/2010"]
ECG = ["40101010", "ECG convencional de até 12 derivações", "13/02/2009", "31/12/2026", ""]


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def table(*rows: list[Any], separator: str = ";", encoding: str = "utf-8-sig") -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=separator).writerows(rows)
    return buffer.getvalue().encode(encoding)


def workbook(**sheets: list[list[Any]]) -> bytes:
    """Sheets by name, in their order; ``_`` stands for a blank."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name.replace("_", " "))
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def packed(compression: int = zipfile.ZIP_DEFLATED, **files: bytes) -> bytes:
    """Files by name, whose last ``_`` is the point before the ending."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(".".join(name.rsplit("_", 1)), content)
    return buffer.getvalue()


def read_one(name: str, content: bytes, *args: Any) -> ansfiles.Sheet:
    (sheet,) = ansfiles.read(name, content, *args).sheets
    return sheet


class TestLayouts(unittest.TestCase):
    """What ANS publishes, in the layouts it uses."""

    def test_open_data_table_22(self) -> None:
        sheet = read_one("TUSS 22.csv", table([*BARE, *DATES], CONSULTATION, ECG))
        self.assertEqual((sheet.table, sheet.edition, sheet.problems), ("22", "", []))
        self.assertEqual(sheet.columns, {"start", "end"})
        self.assertEqual(
            sheet.terms[1],
            terminology.Term("22", ECG[0], ECG[1], "", day("2009-02-13"), day("2026-12-31")),
        )
        self.assertIsNone(sheet.terms[0].end)

    def test_open_data_table_20(self) -> None:
        """Presentation, laboratory and ANVISA number tell medicines of one name apart."""
        header = [*BARE, "Apresentação", "Laboratório", *DATES, "REGISTRO ANVISA"]
        code = complete_tuss("9000001")
        row = [code, "DIPIZOL", "500 MG COM CT BL X 10", "LAB INVENTADO", "01/03/2019", "", "",
               "1023500010012.0"]  # fmt: skip
        sheet = read_one("a.csv", table(header, row))
        self.assertEqual(sheet.table, "20", "known by its codes")
        self.assertEqual(
            sheet.terms[0].description, "500 MG COM CT BL X 10 · LAB INVENTADO · 1023500010012"
        )

    def test_open_data_table_19(self) -> None:
        header = [*BARE, "Modelo", "Fabricante", *DATES, "REGISTRO ANVISA", "CLASSE DE RISCO"]
        code = complete_tuss("10000001")
        row = [code, "PARAFUSO", "M3", "FÁBRICA", "01/03/2019", "", "", 1023500010012.0, "II"]
        sheet = read_one("b.xlsx", workbook(Plan1=[header, row]))
        self.assertEqual((sheet.table, sheet.terms[0].code), ("19", code))
        self.assertEqual(sheet.terms[0].description, "M3 · FÁBRICA · 1023500010012")
        self.assertEqual(sheet.ignored, ("CLASSE DE RISCO",))

    def test_official_workbook(self) -> None:
        """Cover, title in row 6, header in row 8, numeric codes, dates as text."""
        rows = [[None]] * 5 + [["Tabela 22 - Procedimentos e eventos"], [None], OFFICIAL]
        rows.append([10101012.0, CONSULTATION[1], None, "13/02/2009", None, "13/02/2010"])
        rows.append([40101010, ECG[1], "Até 12 derivações", "13/02/2009", "31/12/2026", None])
        content = workbook(CAPA=[["TUSS"]], **{"Tab 22  VERSÃO 202605": rows})
        reading = ansfiles.read("TUSS.xlsx", content)
        self.assertEqual(reading.skipped, ["TUSS.xlsx · CAPA"])
        (sheet,) = reading.sheets
        self.assertEqual((sheet.table, sheet.edition), ("22", "202605"))
        self.assertEqual([term.code for term in sheet.terms], ["10101012", "40101010"])
        self.assertEqual(sheet.terms[1].end, day("2026-12-31"))
        self.assertEqual(sheet.terms[1].description, "Até 12 derivações")

    def test_other_terminologies(self) -> None:
        """Many sheets; zeros that Excel took come back by the length of the table's codes."""
        header = [*BARE, *DATES]
        content = workbook(
            CAPA=[["Demais terminologias"]],
            **{
                "Tab 50": [["x"], header, [1.0, "Remoção", "13/02/2009", "-", "-"]],
                "Plan3": [["Tabela 38 - Mensagens"], header, [1001, "NÚMERO", None, None, None]],
                "Tab 24": [header, [225125, "Médico clínico", "01/06/2025", "---", ""]],
                "Tab 60": [header, [36, "UN", datetime.datetime(2016, 6, 1), None, None]],
            },
        )
        sheets = ansfiles.read("TUSS - Demais terminologias - VERSÃO 202609.xlsx", content).sheets
        self.assertEqual({sheet.edition for sheet in sheets}, {"202609"})
        self.assertEqual(
            [(sheet.table, sheet.terms[0].code) for sheet in sheets],
            [("50", "01"), ("38", "1001"), ("24", "225125"), ("60", "036")],
        )
        self.assertEqual(sheets[3].terms[0].start, day("2016-06-01"))
        self.assertIsNone(sheets[0].terms[0].end)

    def test_zip_of_everything(self) -> None:
        one = table([*BARE, *DATES], CONSULTATION)
        two = workbook(**{"Tab 39": [BARE, [11, "Alta curado"]]})
        content = packed(tabela_22_csv=one, demais_xlsx=two, leiame_pdf=b"%PDF-1.4")
        reading = ansfiles.read("pda-049-tuss_202609.zip", content)
        self.assertEqual(
            [(each.table, each.edition, len(each.terms)) for each in reading.sheets],
            [("22", "202609", 1), ("39", "202609", 1)],
        )
        self.assertEqual(reading.skipped, ["pda-049-tuss_202609.zip/leiame.pdf"])

    def test_json_export(self) -> None:
        extras = {"inicio_vigencia": "13/02/2009", "fim_vigencia": "-", "fim_implantacao": "-"}
        records = [
            {"id": "10101012", "source": "TUSS-22", "display_name": "Consulta", "extras": extras},
            {"id": "1", "source": "TUSS-23", "display_name": "Eletivo", "extras": {}},
        ]
        sheets = ansfiles.read("export.json", json.dumps(records).encode()).sheets
        self.assertEqual([each.table for each in sheets], ["22", "23"])
        self.assertEqual(sheets[0].terms[0].start, day("2009-02-13"))
        self.assertIsNone(sheets[0].terms[0].end)

    def test_all_of_tuss_survives_a_round_trip(self) -> None:
        rows = [row for row in terminology.tuss_terms() if row.table in ("18", "22")]
        lines = [
            [row.code, row.term, row.description,
             *(each and f"{each:%d/%m/%Y}" for each in (row.start, row.end)), ""]
            for row in rows
        ]  # fmt: skip
        for name in ("18", "22"):
            content = table(OFFICIAL, *(line for line, row in zip(lines, rows, strict=True)
                                        if row.table == name))  # fmt: skip
            sheet = read_one("x.csv", content)
            self.assertEqual((sheet.table, sheet.problem_count), (name, 0))
            wanted = [
                row._replace(
                    term=" ".join(row.term.split()), description=" ".join(row.description.split())
                )
                for row in rows
                if row.table == name
            ]
            self.assertEqual(sheet.terms, wanted)

    def test_every_packaged_code_belongs_to_its_table(self) -> None:
        for row in terminology.tuss_terms():
            self.assertEqual(ansfiles.tuss_table(row.code), row.table)

    def test_editions_of_the_package(self) -> None:
        editions = terminology.packaged_editions()
        tables = {row.table for row in (*terminology.tuss_terms(), *terminology.domains())}
        self.assertEqual(set(editions), tables | {"38"})
        # Guide §8.1: the newest row of 18 began in April 2023, and two ended in June.
        self.assertEqual((editions["18"], editions["38"]), ("202306", "202609"))


class TestVariants(unittest.TestCase):
    """The same table as people's programs have turned it over."""

    def test_separators_and_encodings(self) -> None:
        rows = [[*BARE, *DATES], CONSULTATION, ECG]
        wanted = read_one("x.csv", table(*rows)).terms
        for separator in ";,\t|":
            for encoding in ("utf-8", "utf-8-sig", "cp1252", "iso-8859-1", "utf-16"):
                with self.subTest(separator, encoding=encoding):
                    found = read_one("x.csv", table(*rows, separator=separator, encoding=encoding))
                    self.assertEqual(found.terms, wanted)

    def test_codes_as_excel_writes_them(self) -> None:
        for code in (
            "10101012.0",
            "10101012,0",
            "10101012",
            "1.01.01.01-2",
            '="10101012"',
            " 10101012",
        ):
            with self.subTest(code):
                sheet = read_one("tab 22.csv", table(BARE, [code, "Consulta"]))
                self.assertEqual([term.code for term in sheet.terms], ["10101012"])

    @profile(100)
    @given(st.integers(1, 9999), st.sampled_from(["38", "60", "39", "23"]))
    def test_lost_zeros_come_back(self, number: int, name: str) -> None:
        length = ansfiles.code_lengths()[name]
        number %= 10**length
        sheet = read_one(f"tab {name}.xlsx", workbook(a=[BARE, [float(number), "Termo"]]))
        self.assertEqual(sheet.terms[0].code, str(number).zfill(length))

    def test_merged_cells_and_notes(self) -> None:
        """A merged title and a closing note are no rows; a row that lost its code is told."""
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "Tab 22"
        for row in (["Tabela 22"], [*BARE, *DATES], CONSULTATION, ECG, [None] * 5,
                    ["Fonte: ANS"]):  # fmt: skip
            sheet.append(row)
        sheet.merge_cells("A1:E1")
        sheet.merge_cells("A3:A4")
        buffer = io.BytesIO()
        book.save(buffer)
        found = read_one("x.xlsx", buffer.getvalue())
        self.assertEqual([term.code for term in found.terms], ["10101012"])
        self.assertEqual(found.problems, [ansfiles.Problem(4, "no_code", ECG[1])])

    def test_open_ends(self) -> None:
        for text in ("", "-", "---", "31/12/9999", "9999-12-31"):
            with self.subTest(text):
                row = ["10101012", "Consulta", "2009-02-13", text]
                sheet = read_one("tab 22.csv", table([*BARE, *DATES[:2]], row))
                self.assertEqual((sheet.problems, sheet.terms[0].end), ([], None))

    def test_days_as_numbers(self) -> None:
        """39857 is 13/02/2009 in Excel."""
        row = [10101012, "Consulta", 39857, datetime.date(2026, 12, 31)]
        sheet = read_one("tab 22.xlsx", workbook(a=[[*BARE, *DATES[:2]], row]))
        self.assertEqual(sheet.terms[0][4:], (day("2009-02-13"), day("2026-12-31")))

    def test_the_table_can_be_told(self) -> None:
        content = table(BARE, ["1", "Remoção"])
        sheet = read_one("x.csv", content)
        self.assertEqual((sheet.table, sheet.edition), ("", ""))
        sheet = read_one("x.csv", content, {"x.csv": "50"})
        self.assertEqual((sheet.table, sheet.terms[0].code), ("50", "01"))


class TestProblems(unittest.TestCase):
    """What is wrong is told by line, and the other lines are read."""

    def test_each_with_its_line(self) -> None:
        rows = [
            [*BARE, *DATES[:2]],
            ["10101013", "Dígito errado", "", ""],
            ["1,01E+07", "Número do Excel", "", ""],
            ["", "Sem código", "", ""],
            ["40101010", "", "13/02/2009", ""],
            ["10101012", "Data", "32/13/2009", ""],
            ["10101012", "Ao contrário", "01/01/2026", "01/01/2025"],
            ["10101012", "Consulta", "13/02/2009", ""],
            ["10101012", "Consulta", "13/02/2009", ""],
            ["10101012", "Outra", "13/02/2009", ""],
        ]
        sheet = read_one("tab 22.csv", table(*rows))
        self.assertEqual(
            sheet.problems,
            [
                (2, "check_digit", "10101013"),
                (3, "bad_code", "1,01E+07"),
                (4, "no_code", "Sem código"),
                (5, "no_term", "40101010"),
                (6, "bad_date", "32/13/2009"),
                (7, "dates_reversed", "01/01/2026 01/01/2025"),
                (10, "duplicate", "10101012 8"),
            ],
        )
        self.assertEqual([term.term for term in sheet.terms], ["Consulta"])

    def test_formulas_are_not_computed(self) -> None:
        content = workbook(Tab_22=[BARE, ["=10101000+12", "Consulta"], ["10101012", "=A1"]])
        sheet = read_one("x.xlsx", content)
        self.assertEqual([each.code for each in sheet.problems], ["no_code", "no_term"])

    @profile(60)
    @given(st.binary(max_size=400))
    def test_any_bytes_are_read_or_refused(self, content: bytes) -> None:
        for data in (content, b"PK\x03\x04" + content, b"[" + content, table(BARE) + content):
            try:
                ansfiles.read("x", data)
            except ansfiles.AnsFileError as error:
                self.assertTrue(error.code)


class TestRefused(unittest.TestCase):
    """Files that are not read at all, and quickly."""

    def assertRefused(self, code: str, content: bytes, name: str = "x") -> None:
        start = time.monotonic()
        with self.assertRaises(ansfiles.AnsFileError) as caught:
            ansfiles.read(name, content)
        self.assertEqual(caught.exception.code, code)
        self.assertLess(time.monotonic() - start, 5)

    def test_garbage(self) -> None:
        size = 50 * 1024 * 1024
        self.assertRefused("not_a_table", os.urandom(1024) * (size // 1024))
        self.assertRefused("no_header", b"a;b;c\n" * (size // 6))
        self.assertRefused("no_header", b"x" * size)
        self.assertRefused("broken", b"PK\x03\x04" + b"x" * size)
        self.assertRefused("too_big", b"x" * (ansfiles.MAX_BYTES + 1))

    def test_other_kinds(self) -> None:
        self.assertRefused("no_header", b"")
        self.assertRefused("no_header", b"{}")
        self.assertRefused("broken", b"[" * 100_000)
        self.assertRefused("broken_line", b'["a"]')
        self.assertRefused("old_excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
        self.assertRefused("no_header", packed(leiame_pdf=b"%PDF"))
        self.assertRefused("nested_zip", packed(a_csv=packed(b_csv=table(BARE))))

    def test_a_quote_that_never_closes(self) -> None:
        rows = table(BARE) + b'10101012;"Consulta\n' + b"40101010;ECG\n" * 20_000
        self.assertRefused("broken_line", rows)

    def test_zip_bombs(self) -> None:
        self.assertRefused("zip_bomb", packed(tab_22_csv=b"0" * 100_000_000))
        files = {f"a{number}_csv": b"" for number in range(ansfiles.MAX_MEMBERS + 1)}
        self.assertRefused("zip_bomb", packed(**files))

    def test_entities(self) -> None:
        source = workbook(Tab_22=[BARE, ["10101012", "Consulta"]])
        evil = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><styleSheet>&b;</styleSheet>'
        hidden = '<?xml version="1.0" encoding="utf-16"?><styleSheet/>'.encode("utf-16")
        for text in (evil, hidden, b'<?xml version="1.0" encoding="utf-7"?><styleSheet/>'):
            buffer = io.BytesIO()
            with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(buffer, "w") as new:
                for member in old.namelist():
                    is_styles = member == "xl/styles.xml"
                    new.writestr(member, text if is_styles else old.read(member))
            self.assertRefused("unsafe", buffer.getvalue())

    def test_rows_far_away(self) -> None:
        """A sheet that says its second row is number 900,000,000 costs nothing."""
        source = workbook(Tab_22=[BARE, ["10101012", "Consulta"]])
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(buffer, "w") as new:
            for member in old.namelist():
                data = old.read(member).replace(b'<row r="2"', b'<row r="900000000"')
                new.writestr(member, data)
        sheet = read_one("x.xlsx", buffer.getvalue())
        self.assertEqual(sheet.terms, [])

    def test_a_table_under_the_name_of_another(self) -> None:
        content = table(BARE, [complete_tuss("9000001"), "DIPIZOL"])
        self.assertRefused("wrong_table", content, "TUSS 22.csv")
