import base64
import re
import subprocess
import tempfile
from pathlib import Path
from unittest.mock import patch

from lxml import html

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import file_open

from .common import BLOOD_COUNT, TissCommon
from .guia_records import GuiaRecords

LONG = "Ação – exame de imagem com contraste, à direita; " * 50  # 2,500 characters
FORMS = (
    "consulta", "sp_sadt", "resumo_internacao", "honorarios", "odonto", "expenses", "sessions",
)  # fmt: skip


class PrintCase(GuiaRecords, TissCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls.company.sudo().name = "Clínica Exemplo"
        cls.card.validity_date = "2031-12-31"
        cls.day = cls.visit_date.strftime("%d/%m/%Y")
        cls.doctor = cls._create_user("p.medica", "manager", "clinical")

    # ------------------------------------------------------------------
    # HTML
    # ------------------------------------------------------------------

    def _render(self, records, report=None):
        """The sheets of a report as HTML elements."""
        report = report or records._get_print_report()
        content, _kind = records.env["ir.actions.report"]._render_qweb_html(report, records.ids)
        return html.fromstring(content).xpath("//div[@class='sheet' or @class='rest']")

    def _boxes(self, sheet):
        """{number of the box: its text} of the boxes that are filled in."""
        boxes = {}
        for cell in sheet.xpath(".//table[@class='box']//td"):
            texts = [" ".join(each.text_content().split()) for each in cell]
            number = texts and re.match(r"(\d+) – ", texts[0])
            if number and texts[1]:
                boxes[int(number[1])] = texts[1]
        return boxes

    def _rows(self, sheet, first):
        """[{number of the column: text}] of the table that has a column of that number."""
        for table in sheet.xpath(".//table[@class='grid']"):
            heads = [each.text_content().strip() for each in table.xpath("./tr[1]/th")]
            numbers = [int(re.match(r"(\d*)", head)[1] or 0) for head in heads]
            if first in numbers:
                rows = [
                    [" ".join(cell.text_content().split()) for cell in row.xpath("./td")]
                    for row in table.xpath("./tr[td]")
                ]
                return [
                    {n: text for n, text in zip(numbers, row, strict=True) if text}
                    for row in rows
                    if any(row)
                ]
        raise AssertionError(f"there is no column {first}")

    # ------------------------------------------------------------------
    # PDF
    # ------------------------------------------------------------------

    def _read_pdf(self, content):
        """The text of each page, as poppler reads it."""
        self.assertTrue(content.startswith(b"%PDF"))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "form.pdf")
            path.write_bytes(content)
            text = subprocess.run(
                ["pdftotext", "-layout", path, "-"], capture_output=True, check=True, text=True
            ).stdout
            info = subprocess.run(
                ["pdfinfo", path], capture_output=True, check=True, text=True
            ).stdout
        pages = text.split("\f")[:-1]
        self.assertIn(f"Pages: {len(pages)}", " ".join(info.split()))
        return pages

    def _print(self, report, records):
        engine = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        return self._read_pdf(engine._render_qweb_pdf(report, records.ids)[0])

    def assertConstantQueries(self, create, *sizes):
        """Printing many of what `create` makes takes no more queries than printing two.

        :param create: function of a number; returns so many records
        """
        counts = []
        for size in sizes:
            records = create(size)
            self._render(records)  # the templates are compiled once
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._render(records)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[-1], counts[0] + 2)

    def assertPrinted(self, page, *texts):
        words = " ".join(page.split())
        for text in texts:
            self.assertIn(text, words)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPrintedBoxes(PrintCase):
    """What stands in which box, worked by hand from guide §11."""

    def test_consulta(self):
        guia = self._create_by_type(
            "consulta",
            operadora_number="OP9",
            special_coverage_id=self._term("75", "01"),
            occupational_health_id=self._term("77", "03"),
            observation="Dor – às 8h",
        )
        [sheet] = self._render(guia)
        self.assertEqual(
            self._boxes(sheet),
            {
                1: "326305",
                3: "OP9",
                4: "0123456789",
                5: "31/12/2031",
                6: "N",
                7: "Paciente Fictício",
                9: "12345",
                10: "Clínica Exemplo",
                11: "9999999",
                12: "Médica Exemplo",
                13: "06",
                14: "123456",
                15: "SP",
                16: "225125",
                17: "9",
                18: self.day,
                19: "1",
                20: "22",
                21: "10101012",
                22: "150,00",
                23: "Dor – às 8h",
                27: "01",
                28: "01",
                29: "03",
            },
        )
        self.assertIn(guia.name, sheet.text_content())

    def test_sp_sadt(self):
        """1 × 200.00 × 0.70 = 140.00 and 1.5 × 3.33 = 4.995 → 5.00."""
        guia = self._create_by_type(
            "sp_sadt",
            main_number="INT-7",
            operadora_number="OP9",
            authorization_date=self.visit_date,
            authorization_password="S1",
            authorization_validity_date=self.visit_date,
            request_date=self.visit_date,
            line_ids=[
                self._item(
                    1, "40101010", 200, factor=0.7, start_time=8, end_time=9.5,
                    access_route_id=self._term("61", "3"), technique_id=self._term("48", "2"),
                    team=[(self.professional, "00"), (self.assistant, "01")],
                ),
                self._expense(
                    2, "03", "70000001", 3.33, 1.5, "19", start_time=8, end_time=9.5,
                    anvisa_number="10230", manufacturer_reference="REF 1", company_licence="AFE 9",
                ),
            ],
        )  # fmt: skip
        guia.with_user(self.doctor).clinical_indication = "Tosse há um mês"
        form, annex = self._render(guia.with_user(self.doctor))
        boxes = self._boxes(form)
        self.assertEqual(
            {n: boxes[n] for n in boxes if n < 32 or n > 57},
            {
                1: "326305", 3: "INT-7", 4: self.day, 5: "S1", 6: self.day, 7: "OP9",
                8: "0123456789", 9: "31/12/2031", 10: "Paciente Fictício", 12: "N",
                13: "12345", 14: "Clínica Exemplo", 15: "Médica Exemplo", 16: "06", 17: "123456",
                18: "SP", 19: "225125", 21: "1", 22: self.day, 23: "Tosse há um mês",
                29: "12345", 30: "Clínica Exemplo", 31: "9999999",
                59: "140,00", 60: "0,00", 61: "5,00", 62: "0,00", 63: "0,00", 64: "0,00",
                65: "145,00", 91: "01",
            },
        )  # fmt: skip
        self.assertEqual({n: boxes[n] for n in boxes if 32 <= n <= 35}, {32: "23", 33: "9"})
        self.assertEqual(
            self._rows(form, 36),
            [
                {
                    0: "1", 36: self.day, 37: "08:00", 38: "09:30", 39: "22", 40: "40101010",
                    41: "Item 1", 42: "1", 43: "3", 44: "2", 45: "0,70", 46: "200,00", 47: "140,00",
                }
            ],
        )  # fmt: skip
        cpf = self.professional.vat
        self.assertEqual(
            self._rows(form, 48),
            [
                {
                    48: "1", 49: "00", 50: cpf, 51: "Médica Exemplo", 52: "06", 53: "123456",
                    54: "SP", 55: "225125",
                },
                {
                    48: "1", 49: "01", 50: cpf, 51: "Auxiliar Exemplo", 52: "06", 53: "777",
                    54: "SP", 55: "225125",
                },
            ],
        )  # fmt: skip
        self.assertEqual(
            self._boxes(annex),
            {
                1: "326305", 2: guia.name, 3: "12345", 4: "Clínica Exemplo", 5: "9999999",
                21: "0,00", 22: "0,00", 23: "5,00", 24: "0,00", 25: "0,00", 26: "0,00", 27: "5,00",
            },
        )  # fmt: skip
        texts = " ".join(annex.text_content().split())
        self.assertIn(f"2 03 {self.day} 08:00 09:30 19 70000001 1,5000 036 1,00 3,33 5,00", texts)
        self.assertIn("10230 REF 1 AFE 9 20-Descrição Item 2", texts)

    def test_requester_from_outside(self):
        referrer = self._create_professional("Solicitante Externo", "55")
        referrer.write({"tiss_is_professional": False, "tiss_is_referrer": True})
        guia = self._create_by_type("sp_sadt", requester_id=referrer.id)
        boxes = self._boxes(self._render(guia)[0])
        self.assertEqual(boxes[13], "9" * 14)
        self.assertEqual((boxes[14], boxes[15]), ("Solicitante Externo",) * 2)

    def test_internacao(self):
        """3 × 98.76 = 296.28 of procedures, 455.00 of daily rates."""
        guia = self._create_internacao()
        guia.with_user(self.doctor).write(
            {
                "diagnosis_1": "K80.2",
                "declaration_ids": [
                    Command.create({"birth_number": "111"}),
                    Command.create(
                        {"death_cid": "P95", "death_number": "99", "is_newborn_death": True}
                    ),
                ],
            }
        )
        form, annex = self._render(guia.with_user(self.doctor))
        boxes = self._boxes(form)
        today = self.today.strftime("%d/%m/%Y")
        expected = {
            3: "SOL-1", 4: self.day, 5: "S123", 10: "Paciente Fictício", 16: "1", 17: "4",
            18: self.day, 19: "08:30", 20: today, 21: "10:15", 22: "2", 23: "1", 24: "K802",
            28: "9", 29: "12", 54: "296,28", 55: "455,00", 56: "0,00", 57: "0,00", 58: "0,00",
            59: "0,00", 60: "0,00", 61: "751,28",
        }  # fmt: skip
        self.assertEqual({n: boxes.get(n) for n in expected}, expected)
        self.assertEqual(self._rows(form, 30), [{30: "111"}, {31: "P95", 32: "99", 33: "S"}])
        self.assertEqual(self._rows(form, 34)[0][40], "3")
        self.assertEqual(self._boxes(annex)[26], "455,00")

    def test_honorarios(self):
        guia = self._create_honorarios(authorization_password="S9", observation="Nota")
        [form] = self._render(guia)
        self.assertEqual(
            self._boxes(form),
            {
                1: "326305", 3: "SOL-1", 4: "S9", 6: "0123456789", 7: "Paciente Fictício", 8: "N",
                9: self.hospital.vat, 10: "Hospital Fictício São José", 11: "7654321",
                12: "12345", 13: "Clínica Exemplo", 14: "9999999", 15: self.day, 16: self.day,
                37: "Nota", 38: "1.000,00", 39: self.today.strftime("%d/%m/%Y"),
            },
        )  # fmt: skip
        self.assertEqual(
            self._rows(form, 17),
            [
                {
                    0: "1", 17: self.day, 20: "22", 21: "31005470", 22: "Item 1", 23: "1",
                    26: "1,00", 27: "1.000,00", 28: "1.000,00",
                }
            ],
        )  # fmt: skip
        self.assertEqual(self._rows(form, 29)[0][30], "00")

    def test_odonto(self):
        """Two of 60.00, of which the patient pays 10.00: 120.00 and 10.00, 25.00 US."""
        guia = self._create_odonto(
            self._item(
                1, "81000030", 60, 2, tooth_id=self._term("28", "11"), faces="OM", us_quantity=25,
                amount_patient=10,
            ),
            employer_name="Empresa Fictícia",
        )  # fmt: skip
        [form] = self._render(guia)
        boxes = self._boxes(form)
        expected = {
            9: "Plano de Teste", 10: "Empresa Fictícia", 13: "Paciente Fictício",
            15: "Paciente Fictício", 21: "12345", 23: "9876", 24: "SP", 26: "Dentista Exemplo",
            27: "9876", 28: "SP", 29: "223208", 44: "1", 45: "4", 46: "25,00", 47: "120,00",
            48: "10,00",
        }  # fmt: skip
        self.assertEqual({n: boxes.get(n) for n in expected}, expected)
        self.assertEqual(
            self._rows(form, 30),
            [
                {
                    0: "1", 30: "22", 31: "81000030", 32: "Item 1", 33: "11", 34: "OM", 35: "2",
                    36: "25,00", 37: "120,00", 38: "10,00", 39: "S", 41: self.day,
                }
            ],
        )  # fmt: skip

    def test_clinical_boxes_are_blank_for_who_may_not_see_them(self):
        guias = self._create_by_type("sp_sadt") | self._create_internacao()
        guias[0].with_user(self.doctor).clinical_indication = "ZZYX"
        guias[1].with_user(self.doctor).diagnosis_1 = "Z99"
        texts = [
            "".join(sheet.text_content() for sheet in self._render(guias.with_user(user)))
            for user in (self.doctor, self._create_user("p.recepcao", "reception"))
        ]
        self.assertIn("ZZYX", texts[0])
        self.assertIn("Z99", texts[0])
        self.assertNotIn("ZZYX", texts[1])
        self.assertNotIn("Z99", texts[1])

    def test_who_may_not_read_guias_prints_none(self):
        guia = self._create_by_type("consulta")
        with self.assertRaises(AccessError):
            guia.with_user(self._create_user("p.empregado", "base.group_user")).get_pdf()

    def test_continuation(self):
        """Seven items on sheets of five, a team stays with its item; totals on the last sheet."""
        team = [(self.professional, "00"), (self.assistant, "01"), (self.dentist, "02")]
        lines = [
            self._item(i, BLOOD_COUNT, 10, team=team if i in (1, 2) else []) for i in range(1, 8)
        ]
        guia = self._create_by_type("sp_sadt", line_ids=lines)
        first, second, third = self._render(guia)
        sheets = (first, second, third)
        self.assertEqual(
            [[row[0] for row in self._rows(sheet, 36)] for sheet in sheets],
            [["1"], ["2", "3", "4", "5", "6"], ["7"]],
        )
        self.assertEqual([len(self._rows(sheet, 48)) for sheet in sheets], [3, 3, 0])
        self.assertEqual([self._boxes(sheet).get(65) for sheet in sheets], [None, None, "70,00"])
        for page, sheet in enumerate(sheets, start=1):
            self.assertIn(f"Folha {page} de 3", " ".join(sheet.text_content().split()))

    def test_a_team_larger_than_a_sheet(self):
        people = [self._create_professional(f"Pessoa {i}", str(i)) for i in range(6)]
        item = self._item(1, BLOOD_COUNT, 10, team=[(each, "01") for each in people])
        sheets = self._render(self._create_by_type("sp_sadt", line_ids=[item]))
        self.assertEqual(
            [row[51] for sheet in sheets for row in self._rows(sheet, 48)],
            [each.name for each in people],
        )

    def test_eleven_expenses_take_two_sheets(self):
        lines = [self._expense(i, "03", "70000001", 2, table="19") for i in range(1, 12)]
        _form, first, second = self._render(self._create_by_type("sp_sadt", line_ids=lines))
        self.assertNotIn(27, self._boxes(first))
        self.assertEqual(self._boxes(second)[27], "22,00")

    def test_long_texts_go_on_behind(self):
        """Nothing is lost between the box and the sheet behind."""
        guia = self._create_by_type(
            "sp_sadt", line_ids=[self._item(i, BLOOD_COUNT, 1, description=LONG) for i in (1, 2)]
        )
        form, rest = self._render(guia)
        heads = [row[41].removesuffix("[…]") for row in self._rows(form, 36)]
        tails = rest.xpath(".//p/text()")
        titles = [" ".join(each.text_content().split()) for each in rest.xpath(".//h2")]
        self.assertEqual(
            titles, ["41 – Descrição (1) (continuação)", "41 – Descrição (2) (continuação)"]
        )
        for head, tail in zip(heads, tails, strict=True):
            self.assertEqual((head + tail).replace(" ", ""), LONG.replace(" ", ""))

    def test_a_therapy_prints_its_dates(self):
        guia = self._create_by_type(
            "sp_sadt",
            attendance_type_id=self._term("50", "03"),
            line_ids=[self._item(i, BLOOD_COUNT, 1) for i in (1, 2)],
        )
        [form] = self._render(guia)
        words = " ".join(form.text_content().split())
        self.assertIn(f"1 – {self.day} ___", words)
        self.assertIn(f"2 – {self.day} ___", words)
        self.assertIn("3 – ___/___/______", words)

    def test_session_sheet(self):
        """Seventeen sessions: two of known days, fifteen of a package still to come."""
        guia = self._create_by_type(
            "sp_sadt",
            line_ids=[
                self._item(1, BLOOD_COUNT, 1),
                self._item(2, BLOOD_COUNT, 1),
                self._item(3, BLOOD_COUNT, 1, 15),
            ],
        )
        sheets = self._render(guia, "l10n_br_tiss.action_report_guia_sessions")
        rows = [row for sheet in sheets for row in self._rows(sheet, 56)]
        self.assertEqual([len(self._rows(sheet, 56)) for sheet in sheets], [15, 2])
        self.assertEqual([row[0] for row in rows], [str(n) for n in range(1, 18)])
        self.assertEqual([row.get(56) for row in rows[:3]], [self.day, self.day, None])

    def test_a_cancelled_guia_says_so(self):
        guia = self._create_by_type("consulta")
        guia.cancel("Digitada duas vezes")
        self.assertIn("CANCELADA", self._render(guia)[0].text_content())

    def test_a_clinic_changes_a_form(self):
        self.env["ir.ui.view"].sudo().create(
            {
                "name": "box of our own",
                "type": "qweb",
                "inherit_id": self.env.ref("l10n_br_tiss.report_sheet_consulta").id,
                "arch": """
                    <xpath expr="//t[@n='26']" position="attributes">
                        <attribute name="label.f">Apelido</attribute>
                    </xpath>
                """,
            }
        )
        [sheet] = self._render(self._create_by_type("consulta"))
        self.assertIn("26 – Apelido", " ".join(sheet.text_content().split()))

    def test_queries_do_not_grow(self):
        self.assertConstantQueries(
            lambda size: self._create_encounters(*[BLOOD_COUNT] * size).create_guias(), 2, 12
        )


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPrintedPages(PrintCase):
    """The PDF itself, read back with poppler: one sheet a page, and every box on it."""

    def test_guias_of_three_types_in_one_call(self):
        guias = self._create_honorarios() + self._create_by_type("consulta") + self._create_odonto()
        pages = self._read_pdf(guias.get_pdf())
        self.assertEqual(len(pages), 3)
        titles = ("GUIA DE HONORÁRIOS", "GUIA DE CONSULTA", "GUIA TRATAMENTO ODONTOLÓGICO")
        for page, title, guia in zip(pages, titles, guias, strict=True):
            self.assertPrinted(page, title, f"2 – Nº Guia no Prestador {guia.name}")

    def test_a_browser_prints_the_same(self):
        """Where there is no wkhtmltopdf: the same words on the same pages."""
        guias = self._create_by_type("sp_sadt") + self._create_internacao() + self._create_odonto()
        Report = type(self.env["ir.actions.report"])
        with patch.object(Report, "get_wkhtmltopdf_state", lambda self: "install"):
            browser = self._read_pdf(guias.get_pdf())
        engine = self._read_pdf(guias.get_pdf())
        self.assertEqual(len(browser), len(engine))
        for ours, theirs in zip(browser, engine, strict=True):
            self.assertEqual(sorted("".join(ours.split())), sorted("".join(theirs.split())))

    def test_without_any_engine(self):
        Report = type(self.env["ir.actions.report"])
        guia = self._create_by_type("consulta")
        with (
            patch.object(Report, "get_wkhtmltopdf_state", lambda self: "install"),
            patch.object(Report, "_tiss_find_browser", lambda self: None),
            self.assertRaisesRegex(UserError, "wkhtmltopdf nor Chromium"),
        ):
            guia.get_pdf()

    def test_every_box_is_on_its_page(self):
        """The labels of guide §11 with their numbers, and next to them what fills them."""
        boxes = {
            "consulta": [
                *range(1, 2), *range(3, 8), *range(9, 30),
            ],
            "sp_sadt": [1, *range(3, 11), *range(12, 24), 29, 30, 31, *range(32, 36),
                        *range(58, 69), 89, 90, 91, 92],
            "resumo_internacao": [1, *range(3, 11), *range(12, 30), *range(54, 67)],
            "honorarios": [1, *range(3, 17), 37, 38, 39, 40, 41],
            "odonto": [1, *range(3, 12), *range(13, 30), *range(43, 57)],
        }  # fmt: skip
        columns = {
            "sp_sadt": [*range(24, 29), *range(36, 58)],
            "resumo_internacao": [*range(30, 54)],
            "honorarios": [*range(17, 37)],
            "odonto": [*range(30, 43)],
        }
        for guia_type, numbers in boxes.items():
            guia = self._create_by_type(guia_type)
            page = " ".join(self._read_pdf(guia.get_pdf())[0].split())
            with self.subTest(guia_type):
                for number in numbers:
                    self.assertRegex(page, rf"(?<!\d){number} – [A-ZÀ-ÿ]")
                for number in columns.get(guia_type, ()):
                    self.assertRegex(page, rf"(?<!\d){number}-[A-ZÀ-ÿ]")
                self.assertIn("Paciente Fictício", page)
                self.assertIn("326305", page)

    def test_full_sheets_stay_on_one_page(self):
        """Every line filled in and every text as long as the standard lets it be."""
        people = [self._create_professional(f"{'Wanderleia ' * 6}{i}", str(i)) for i in range(4)]
        name = "Maria Wilhelmina " * 4
        self.patient.name = name[:70]
        items = [
            self._item(
                i, BLOOD_COUNT, 99999.99, description=("Determinação de imagem " * 10)[:150],
                start_time=8, end_time=9, team=[(people[i % 4], "00")] if i < 5 else [],
            )
            for i in range(1, 6)
        ]  # fmt: skip
        guia = self._create_by_type(
            "sp_sadt",
            line_ids=items,
            observation=("Observação " * 50)[:500],
            main_number="W" * 20,
            authorization_password="W" * 20,
            operadora_number="W" * 20,
            authorization_date=self.visit_date,
        )
        guia.with_user(self.doctor).clinical_indication = ("Indicação " * 50)[:500]
        pages = self._read_pdf(guia.with_user(self.doctor).get_pdf())
        self.assertEqual(len(pages), 1, pages[1:])
        self.assertPrinted(pages[0], "68 – Assinatura do Contratado", "99.999,99", "499.999,95")

    def test_2000_characters_are_all_printed(self):
        guia = self._create_by_type(
            "sp_sadt", line_ids=[self._item(1, BLOOD_COUNT, 1, description=LONG[:2000] + " FIM")]
        )
        pages = self._read_pdf(guia.get_pdf())
        self.assertEqual(len(pages), 2)
        self.assertPrinted(pages[1], "41 – Descrição (1) (continuação)", "FIM")
        words = "".join(pages[0].split() + pages[1].split())
        self.assertEqual(words.count("contraste,"), LONG[:2000].count("contraste,"))

    def test_names_of_other_scripts(self):
        self.patient.name = "Ιωάννα Παπαδοπούλου"
        self.professional.name = "Иван Щербаков"
        [page] = self._read_pdf(self._create_by_type("consulta").get_pdf())
        self.assertPrinted(page, "Ιωάννα Παπαδοπούλου", "Иван Щербаков")

    def test_blank_forms(self):
        """The provider and the operadora are printed, nothing else is."""
        for form in FORMS:
            with self.subTest(form):
                report = f"l10n_br_tiss.action_report_blank_{form}"
                [page] = self._print(report, self.contract)
                self.assertPrinted(page, "326305", "12345", "Clínica Exemplo", "9999999")
                self.assertNotRegex(page, r"0,00|\d\d/\d\d/\d{4}|Paciente")

    def test_lote(self):
        """A cover that names its 30 guias on two sheets, then the guias in their order."""
        lote = self._create_lote(*[BLOOD_COUNT] * 30)
        pages = self._read_pdf(lote.get_pdf())
        self.assertEqual(len(pages), 32)
        self.assertPrinted(
            pages[0],
            "CAPA DE LOTE",
            f"Número do Lote {lote.name}",
            "Quantidade de Guias",
            "999,90",
            "Recebido por (operadora)",
        )
        numbers = lote.guia_ids.sorted("number").mapped("name")
        for page, number in zip(pages[2:], numbers, strict=True):
            self.assertPrinted(page, f"2 – Nº Guia no Prestador {number}")
        self.assertEqual(len(self._print("l10n_br_tiss.action_report_lote_cover", lote)), 2)

    def test_the_protocol_is_on_the_cover(self):
        lote = self._create_received_lote(BLOOD_COUNT, protocol="900077")
        [page] = self._print("l10n_br_tiss.action_report_lote_cover", lote)
        self.assertPrinted(page, "900077", self.today.strftime("%d/%m/%Y"))

    def test_a_withdrawn_guia_is_not_on_the_cover(self):
        lote = self._create_received_lote({BLOOD_COUNT: 1}, {BLOOD_COUNT: 2})
        gone, kept = lote.guia_ids.sorted("number")
        gone.withdraw("1308")
        [page] = self._print("l10n_br_tiss.action_report_lote_cover", lote)
        self.assertPrinted(page, kept.name, "66,66")
        self.assertNotIn("33,33", page)
        self.assertNotIn("99,99", page)

    def test_the_logo_of_the_operadora(self):
        with file_open("base/static/img/avatar.png", "rb") as picture:
            self.operadora.image_1920 = base64.b64encode(picture.read())
        guia = self._create_by_type("consulta")
        [sheet] = self._render(guia)
        self.assertTrue(sheet.xpath(".//img/@src")[0].startswith("data:image/"))
        self.assertEqual(len(self._read_pdf(guia.get_pdf())), 1)

    def test_nothing_to_print(self):
        with self.assertRaises(UserError):
            self.env["tiss.guia"].get_pdf()
