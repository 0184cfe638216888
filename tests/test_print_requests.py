from datetime import timedelta

from odoo.exceptions import AccessError
from odoo.tests import tagged

from .annex_records import ANNEX_TYPES, AnnexRecords
from .authorization_records import REQUEST_TYPES, AuthorizationRecords
from .common import BLOOD_COUNT
from .test_print import PrintCase

TITLES = {
    "sp_sadt": "GUIA DE SERVIÇO PROFISSIONAL",
    "internacao": "GUIA DE SOLICITAÇÃO DE INTERNAÇÃO",
    "prorrogacao": "GUIA DE SOLICITAÇÃO DE PRORROGAÇÃO DE INTERNAÇÃO",
    "odonto": "GUIA TRATAMENTO ODONTOLÓGICO",
    "opme": "ANEXO DE SOLICITAÇÃO DE ÓRTESES",
    "quimio": "ANEXO DE SOLICITAÇÃO DE QUIMIOTERAPIA",
    "radio": "ANEXO DE SOLICITAÇÃO DE RADIOTERAPIA",
    "situacao_inicial": "SITUAÇÃO INICIAL",
}
BLANK = ("solicitacao_internacao", "prorrogacao", *ANNEX_TYPES)


class RequestPrintCase(AuthorizationRecords, AnnexRecords, PrintCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_requester()
        cls.now = cls.today.strftime("%d/%m/%Y")
        cls.receptionist = cls._create_user("p.recepcao", "reception")

    def _authorize(self, request, *quantities):
        """What the operadora answers on its portal, item by item."""
        request.register_answer(
            "7",
            dict(zip(request.line_ids, quantities, strict=True)),
            authorization_password="S1",
            authorization_date=self.visit_date,
            authorization_validity_date=self.today,
            operadora_number="OP9",
        )


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPrintedRequests(RequestPrintCase):
    """What stands in which box of the requests."""

    def test_sp_sadt(self):
        request = self._create_request(
            "sp_sadt",
            self._asked("40101010", 5),
            self._asked("40304361", 2),
            clinical_indication="Tosse há um mês",
        )
        self._authorize(request, 3, 0)
        [form] = self._render(request.with_user(self.doctor))
        boxes = self._boxes(form)
        self.assertEqual(
            {n: boxes[n] for n in boxes if n < 59},
            {
                1: "326305", 4: self.day, 5: "S1", 6: self.now, 7: "OP9", 8: "0123456789",
                9: "31/12/2031", 10: "Paciente Fictício", 12: "N", 13: "12345",
                14: "Clínica Exemplo", 15: "Médica Exemplo", 16: "06", 17: "123456",
                18: "SP", 19: "225125", 21: "1", 22: self.day, 23: "Tosse há um mês",
                29: "12345", 30: "Clínica Exemplo", 31: "9999999",
            },
        )  # fmt: skip
        self.assertEqual(
            self._rows(form, 24),
            [
                {0: "1", 24: "22", 25: "40101010", 26: "Procedimento 40101010", 27: "5", 28: "3"},
                {0: "2", 24: "22", 25: "40304361", 26: "Procedimento 40304361", 27: "2", 28: "0"},
            ],
        )
        self.assertIn(request.name, form.text_content())

    def test_what_was_authorized_is_blank_until_it_is_known(self):
        [form] = self._render(self._create_request("sp_sadt"))
        self.assertNotIn(28, self._rows(form, 24)[0])

    def test_internacao(self):
        request = self._create_request("internacao", diagnosis_1="K80.2", observation="Nota")
        request.sudo().write(
            {
                "operadora_number": "OP9",
                "authorization_password": "S1",
                "admission_date": self.today,
                "days_authorized": 2,
                "authorized_accommodation_id": self._term("49", "02"),
                "executor_code": self.hospital.vat,
                "executor_cnes": "7654321",
            }
        )
        [form] = self._render(request.with_user(self.doctor))
        self.assertEqual(
            self._boxes(form),
            {
                1: "326305", 3: "OP9", 5: "S1", 7: "0123456789", 8: "31/12/2031", 9: "N",
                10: "Paciente Fictício", 12: "12345", 13: "Clínica Exemplo",
                14: "Médica Exemplo", 15: "06", 16: "123456", 17: "SP", 18: "225125",
                19: self.hospital.vat, 20: "Hospital Fictício São José", 21: self.now, 22: "1",
                23: "2", 24: "1", 25: "3", 26: "N", 27: "N",
                28: "Dor abdominal – colelitíase", 29: "K802", 33: "9", 39: self.now, 40: "2",
                41: "02", 42: self.hospital.vat, 43: "Hospital Fictício São José", 44: "7654321",
                45: "Nota", 46: self.day,
            },
        )  # fmt: skip
        self.assertEqual(
            self._rows(form, 34),
            [{0: "1", 34: "22", 35: "31005470", 36: "Procedimento 31005470", 37: "1"}],
        )

    def test_prorrogacao(self):
        request = self._create_request(
            "prorrogacao", self._asked("31005470"), accommodation_id=self._term("49", "02")
        )
        request.sudo().write({"days_authorized": 1, "operadora_note": "Um dia basta"})
        [form] = self._render(request.with_user(self.doctor))
        self.assertEqual(
            self._boxes(form),
            {
                1: "326305", 3: "OP-77", 7: "0123456789", 8: "Paciente Fictício", 9: "12345",
                10: "Clínica Exemplo", 11: "Médica Exemplo", 12: "06", 13: "123456", 14: "SP",
                15: "225125", 16: "2", 17: "02", 18: "Dor abdominal – colelitíase", 24: "1",
                26: "Um dia basta", 28: self.day,
            },
        )  # fmt: skip
        self.assertEqual(self._rows(form, 19)[0][20], "31005470")

    def test_odonto(self):
        """The GTO that asks, and behind it the teeth as they are."""
        request = self._create_request(
            "odonto",
            self._asked("81000030", 2, amount=120, amount_patient=10, us_quantity=25),
            tooth_ids=[self._tooth("36", "C"), self._tooth("55", "A")],
            has_periodontal_disease=True,
        )
        form, teeth = self._render(request.with_user(self.doctor))
        boxes = self._boxes(form)
        expected = {
            13: "Paciente Fictício", 17: "Dentista Exemplo", 18: "9876", 21: "12345", 23: "9876",
            26: "Dentista Exemplo", 44: "1", 46: "25,00", 47: "120,00", 48: "10,00",
        }  # fmt: skip
        self.assertEqual({n: boxes.get(n) for n in expected}, expected)
        [row] = self._rows(form, 30)
        self.assertEqual((row[31], row[35], row[37]), ("81000030", "2", "120,00"))
        self.assertNotIn(39, row)
        self.assertEqual(
            self._boxes(teeth),
            {
                1: "326305", 3: request.name, 5: "Paciente Fictício", 6: "0123456789",
                9: "Sim", 10: "Não",
            },
        )  # fmt: skip
        self.assertEqual(self._teeth(teeth), {"36": "C", "55": "A"})

    def _teeth(self, sheet):
        """{tooth: what is said above it}"""
        rows = [
            [cell.text_content().strip() for cell in row.xpath("./td")]
            for row in sheet.xpath(".//table[@class='teeth']//tr")
        ]
        return {
            tooth: said
            for above, below in zip(rows[::2], rows[1::2], strict=True)
            for said, tooth in zip(above, below, strict=True)
            if said
        }

    def test_gto_has_its_teeth_behind_it(self):
        guia = self._create_odonto()
        guia.with_user(self.doctor).tooth_ids = [self._tooth("19", "R"), self._tooth("18", "H")]
        form, teeth = self._render(guia.with_user(self.doctor))
        self.assertIn("30-Tabela", form.text_content())
        self.assertEqual(self._boxes(teeth)[3], guia.name)
        self.assertEqual(self._teeth(teeth), {"18": "H"})
        self.assertIn("Outros dentes: 19: R", " ".join(teeth.text_content().split()))
        [form] = self._render(guia.with_user(self.receptionist))
        self.assertIn("30-Tabela", form.text_content())

    def test_more_items_than_lines(self):
        items = [self._asked("40101010") for _each in range(7)]
        sheets = self._render(self._create_request("sp_sadt", *items))
        self.assertEqual([len(self._rows(sheet, 24)) for sheet in sheets], [5, 2])

    def test_the_guia_names_what_was_asked_for(self):
        """Seven items asked for take two sheets, although one was done."""
        items = [self._asked("40101010", 2) for _each in range(7)]
        request = self._create_request("sp_sadt", *items)
        self._authorize(request, 1, *[0] * 6)
        guia = self._create_by_type("sp_sadt", line_ids=[self._item(1, BLOOD_COUNT, 1)])
        guia.authorization_id = request
        first, second = self._render(guia)
        self.assertEqual(
            self._rows(first, 24)[0],
            {0: "1", 24: "22", 25: "40101010", 26: "Procedimento 40101010", 27: "2", 28: "1"},
        )
        self.assertEqual([len(self._rows(each, 24)) for each in (first, second)], [5, 2])
        self.assertEqual([len(self._rows(each, 36)) for each in (first, second)], [1, 0])
        self.assertEqual(self._boxes(second)[65], "1,00")

    def test_cancelled(self):
        request = self._create_request()
        request.action_cancel()
        self.assertIn("CANCELADA", self._render(request)[0].text_content())

    def test_who_may_not_read_requests_prints_none(self):
        request = self._create_request()
        with self.assertRaises(AccessError):
            request.with_user(self._create_user("p.empregado", "base.group_user")).get_pdf()

    def test_queries_do_not_grow(self):
        def create(size):
            requests = (self._create_request("internacao") for _each in range(size))
            return self.env["tiss.authorization"].concat(*requests)

        self.assertConstantQueries(create, 2, 8)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPrintedAnnexes(RequestPrintCase):
    """What stands in which box of the annexes, and that only clinical people see why."""

    def _header(self, annex, **boxes):
        return {
            1: "326305", 3: annex.authorization_id.name, 7: "0123456789", 8: "Paciente Fictício",
        }  # fmt: skip

    def test_opme(self):
        material = self._material(
            unit_price=1234.5, anvisa_number="10230", manufacturer_reference="REF 1",
            company_licence="AFE 9",
        )  # fmt: skip
        annex = self._create_annex(
            "opme", material_specification="Titânio", observation="Nota", line_ids=[material]
        )
        [form] = self._render(annex.with_user(self.doctor))
        self.assertEqual(
            self._boxes(form),
            {
                **self._header(annex), 9: "Médica Exemplo", 10: "11988880000",
                11: "medica@exemplo.example", 12: "Fratura inventada", 24: "Titânio", 25: "Nota",
                26: self.day,
            },
        )  # fmt: skip
        cells = [cell.text_content() for cell in form.xpath(".//table[@class='grid']//td")]
        self.assertEqual(
            [cell for cell in cells if cell],
            [
                "1", "19", "70000001", "Placa bloqueada 3,5", "1", "2", "1.234,50", "10230",
                "REF 1", "AFE 9",
            ],
        )  # fmt: skip

    def test_quimio(self):
        """√(175 × 70 / 3600) = 1.8447 m²."""
        annex = self._create_annex(
            "quimio", diagnosis_1="C50.9", diagnosis_date=self.visit_date, surgery="Exérese",
            surgery_date=self.visit_date, irradiated_area="Mama", histology="Ductal",
            relevant_information="Nenhuma", observation="Nota",
        )  # fmt: skip
        [form] = self._render(annex.with_user(self.doctor))
        self.assertEqual(
            self._boxes(form),
            {
                **self._header(annex), 9: "70,00", 10: "175,00", 11: "1,84", 12: str(annex.age),
                13: "3", 14: "Médica Exemplo", 15: "11988880000", 16: "medica@exemplo.example",
                17: self.day, 18: "C509", 22: "2", 23: "1", 24: "3", 25: "1", 26: "2", 27: "4",
                28: "2", 29: "Protocolo inventado", 30: "Ductal", 31: "Nenhuma", 40: "Exérese",
                41: self.day, 42: "Mama", 44: "Nota", 45: "6", 46: "1", 47: "1", 48: "21",
                49: self.day,
            },
        )  # fmt: skip
        self.assertEqual(
            self._rows(form, 32),
            [
                {
                    0: "1", 32: self.now, 33: "20", 34: "90055888", 35: "Droga inventada",
                    36: "120,50", 37: "022", 38: "19", 39: "1",
                }
            ],
        )  # fmt: skip

    def test_radio(self):
        annex = self._create_annex(
            "radio", diagnosis_1="C50.9", diagnosis_2="C77", imaging_id=self._term("29", "1"),
            chemotherapy="Seis ciclos", chemotherapy_date=self.visit_date,
        )  # fmt: skip
        [form] = self._render(annex.with_user(self.doctor))
        expected = (self.today + timedelta(days=7)).strftime("%d/%m/%Y")
        self.assertEqual(
            self._boxes(form),
            {
                **self._header(annex), 9: str(annex.age), 10: "3", 11: "Médica Exemplo",
                12: "11988880000", 13: "medica@exemplo.example", 15: "C509", 16: "C77", 19: "1",
                20: "2", 21: "1", 22: "3", 27: "Seis ciclos", 28: self.day, 29: "2", 30: "2",
                31: "50", 32: "25", 33: expected, 35: self.day,
            },
        )  # fmt: skip

    def test_situacao_inicial(self):
        annex = self._create_annex("situacao_inicial", initial_note="Nota")
        [form] = self._render(annex.with_user(self.doctor))
        self.assertEqual(
            self._boxes(form),
            {
                1: "326305", 3: annex.authorization_id.name, 5: "Paciente Fictício",
                6: "0123456789", 9: "Não", 10: "Não", 11: "Nota",
            },
        )  # fmt: skip
        [said] = form.xpath(".//table[@class='teeth']//b[text()]")
        self.assertEqual(said.text, "C")

    def test_what_the_operadora_grants_of_a_material(self):
        annex = self._create_annex("opme", line_ids=[self._material(unit_price=100)])
        annex.sudo().line_ids.write(
            {"is_answered": True, "authorized_quantity": 1, "authorized_price": 90.5}
        )
        [form] = self._render(annex.with_user(self.doctor))
        cells = [cell.text_content() for cell in form.xpath(".//table[@class='grid']//td")]
        self.assertEqual(cells[5:9], ["2", "100,00", "1", "90,50"])

    def test_cycles_without_a_day_between_them(self):
        annex = self._create_annex("quimio", cycle_interval=0)
        self.assertEqual(self._boxes(self._render(annex.with_user(self.doctor))[0])[48], "0")

    def test_queries_do_not_grow(self):
        def create(size):
            annexes = (self._create_annex("opme") for _each in range(size))
            return self.env["tiss.annex"].concat(*annexes).with_user(self.doctor)

        self.assertConstantQueries(create, 2, 8)

    def test_seven_materials_take_two_sheets(self):
        annex = self._create_annex("opme", line_ids=[self._material() for _each in range(7)])
        self.assertEqual(len(self._render(annex.with_user(self.doctor))), 2)

    def test_clinical_boxes_are_blank_for_who_may_not_see_them(self):
        """The words of each annex that tell of the illness."""
        told = {
            "opme": ("Fratura inventada", "Placa bloqueada"),
            "quimio": ("Protocolo inventado", "Droga inventada", "70,00"),
            "radio": ("C509",),
            "situacao_inicial": ("Não",),
        }
        for annex_type, words in told.items():
            annex = self._create_annex(annex_type)
            if annex_type == "radio":
                annex.sudo().diagnosis_1 = "C50.9"
            texts = [
                self._render(annex.with_user(user))[0].text_content()
                for user in (self.doctor, self.receptionist)
            ]
            for word in words:
                with self.subTest(annex_type, word=word):
                    self.assertIn(word, texts[0])
                    self.assertNotIn(word, texts[1])


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPrintedRequestPages(RequestPrintCase):
    """The PDF itself, read back with poppler: one sheet a page."""

    def test_requests(self):
        requests = self.env["tiss.authorization"].concat(*map(self._create_request, REQUEST_TYPES))
        pages = self._read_pdf(requests.with_user(self.doctor).get_pdf())
        self.assertEqual(len(pages), len(REQUEST_TYPES))
        for page, request in zip(pages, requests, strict=True):
            title = TITLES[request.request_type]
            self.assertPrinted(page, title, request.name, "326305", "Paciente Fictício")

    def test_annexes(self):
        annexes = self.env["tiss.annex"].concat(*map(self._create_annex, ANNEX_TYPES))
        pages = self._read_pdf(annexes.with_user(self.doctor).get_pdf())
        self.assertEqual(len(pages), len(ANNEX_TYPES))
        for page, annex in zip(pages, annexes, strict=True):
            self.assertPrinted(page, TITLES[annex.annex_type], annex.name, "Paciente Fictício")

    def test_every_box_is_on_its_page(self):
        boxes = {
            "internacao": [1, *range(3, 11), *range(12, 34), *range(39, 51)],
            "prorrogacao": [1, *range(3, 19), *range(24, 32)],
            "opme": [1, *range(3, 13), *range(24, 30)],
            "quimio": [1, *range(3, 32), *range(40, 53)],
            "radio": [1, *range(3, 39)],
            "situacao_inicial": [1, *range(3, 7), *range(9, 17)],
        }
        columns = {"internacao": range(34, 39), "prorrogacao": range(19, 24),
                   "opme": range(13, 24), "quimio": range(32, 40)}  # fmt: skip
        for kind, numbers in boxes.items():
            is_annex = kind in ANNEX_TYPES
            record = self._create_annex(kind) if is_annex else self._create_request(kind)
            [page] = self._read_pdf(record.get_pdf())
            words = " ".join(page.split())
            with self.subTest(kind):
                for number in numbers:
                    self.assertRegex(words, rf"(?<!\d){number} – [A-ZÀ-ÿ]")
                for number in columns.get(kind, ()):
                    self.assertRegex(words, rf"(?<!\d){number}-[A-ZÀ-ÿ]")

    def test_blank_forms(self):
        """The operadora is printed, and the clinic where the form has a box for it."""
        for form in BLANK:
            with self.subTest(form):
                [page] = self._print(f"l10n_br_tiss.action_report_blank_{form}", self.contract)
                self.assertPrinted(page, "326305")
                self.assertNotRegex(page, r"0,00|\d\d/\d\d/\d{4}|Paciente")
                if form not in ANNEX_TYPES:
                    self.assertPrinted(page, "12345", "Clínica Exemplo")
