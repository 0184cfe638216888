from datetime import date, timedelta
from decimal import Decimal

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .. import standard
from .annex_records import ANNEX_TYPES, AnnexRecords
from .common import TissCommon
from .guia_records import VERSIONS, GuiaRecords

CLINICAL_TYPES = ("opme", "quimio", "radio")


class AnnexCase(AnnexRecords, GuiaRecords, TissCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls._setup_requester()
        cls.day = cls.visit_date

    def _golden(self, annex, version):
        self.contract.version = version
        annex.build()
        self.assertEqual(annex.version, version)
        return self._decode_annex(annex)

    def _header(self, annex, **values):
        return {
            "registroANS": "326305",
            "numeroGuiaAnexo": annex.name,
            "numeroGuiaReferenciada": annex.authorization_id.name,
            "dataSolicitacao": self.day,
            **values,
        }


BENEFICIARY = {"numeroCarteira": "0123456789", "atendimentoRN": "N"}
REQUESTER = {
    "nomeProfissional": "MEDICA EXEMPLO",
    "telefoneProfissional": "11988880000",
    "emailProfissional": "medica@exemplo.example",
}


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGoldenAnnexes(AnnexCase):
    """One annex of each type worked by hand from the guide (§3.9), as its XML says it."""

    def test_opme(self):
        for version in VERSIONS:
            annex = self._create_annex(
                "opme",
                operadora_number="OP7",
                authorization_password="S1",
                authorization_date=self.day,
                technical_justification="Fratura – placa necessária 😀",
                material_specification="Aço 316L",
                observation="Sem alergias",
                line_ids=[
                    self._material(unit_price=1234.5, anvisa_number="80012340001",
                                   manufacturer_reference="REF-1", company_licence="AFE 9"),
                    self._material("70000002", quantity=8, description="Parafuso ⌀ 3,5",
                                   manufacturer_choice_id=self._term("opcaoFabricante", "3")),
                ],
            )  # fmt: skip
            with self.subTest(version):
                self.assertEqual(
                    self._golden(annex, version),
                    {
                        "cabecalhoAnexo": self._header(
                            annex,
                            numeroGuiaOperadora="OP7",
                            senha="S1",
                            dataAutorizacao=self.day,
                        ),
                        "dadosBeneficiario": BENEFICIARY,
                        "profissionalSolicitante": REQUESTER,
                        "justificativaTecnica": "FRATURA - PLACA NECESSARIA",
                        "especificacaoMaterial": "ACO 316L",
                        "opmeSolicitadas": {
                            "opmeSolicitada": [
                                {
                                    "identificacaoOPME": {
                                        "codigoTabela": "19",
                                        "codigoProcedimento": "70000001",
                                        "descricaoProcedimento": "PLACA BLOQUEADA 3,5",
                                    },
                                    "opcaoFabricante": "1",
                                    "quantidadeSolicitada": 2,
                                    "valorSolicitado": Decimal("1234.50"),
                                    "registroANVISA": "80012340001",
                                    "codigoRefFabricante": "REF-1",
                                    "autorizacaoFuncionamento": "AFE 9",
                                },
                                {
                                    "identificacaoOPME": {
                                        "codigoTabela": "19",
                                        "codigoProcedimento": "70000002",
                                        "descricaoProcedimento": "PARAFUSO 3,5",
                                    },
                                    "opcaoFabricante": "3",
                                    "quantidadeSolicitada": 8,
                                },
                            ]
                        },
                        "Observacao": "SEM ALERGIAS",
                    },
                )

    def test_quimio(self):
        """Body surface by Mosteller: √(175 cm × 70 kg / 3600) = 1.8447 → 1.84 m²."""
        for version in VERSIONS:
            annex = self._create_annex(
                "quimio",
                diagnosis_date=self.day - timedelta(days=30),
                diagnosis_1="c50.9",
                diagnosis_2="C78.0",
                histology="Carcinoma inventado",
                relevant_information="Sem alergias",
                surgery="Cirurgia inventada",
                surgery_date=self.day - timedelta(days=20),
                irradiated_area="Mama",
                irradiation_date=self.day - timedelta(days=10),
                observation="Início breve",
            )
            with self.subTest(version):
                self.assertEqual(
                    self._golden(annex, version),
                    {
                        "cabecalhoAnexo": self._header(annex),
                        "dadosBeneficiario": BENEFICIARY,
                        "dadosComplementaresBeneficiario": {
                            "peso": Decimal("70.00"),
                            "altura": Decimal("175.00"),
                            "superficieCorporal": Decimal("1.84"),
                            "idade": self._get_age(),
                            "sexo": "3",
                        },
                        "medicoSolicitante": REQUESTER,
                        "diagnosticoOncologicoQuimioterapia": {
                            "diagQuimio": {
                                "dataDiagnostico": self.day - timedelta(days=30),
                                "diagnosticoCID": ["C509", "C780"],
                                "estadiamento": "2",
                                "finalidade": "3",
                                "ecog": "1",
                                "diagnosticoHispatologico": "CARCINOMA INVENTADO",
                                "infoRelevantes": "SEM ALERGIAS",
                            },
                            "tumor": "2",
                            "nodulo": "4",
                            "metastase": "2",
                            "tipoQuimioterapia": "1",
                            "planoTerapeutico": "PROTOCOLO INVENTADO",
                        },
                        "drogasSolicitadas": {
                            "drogaSolicitada": [
                                {
                                    "dataProvavel": self.today,
                                    "identificacao": {
                                        "codigoTabela": "20",
                                        "codigoProcedimento": "90055888",
                                        "descricaoProcedimento": "DROGA INVENTADA",
                                    },
                                    "qtDoses": Decimal("120.50"),
                                    "unidadeMedida": "022",
                                    "viaAdministracao": "19",
                                    "frequencia": 1,
                                }
                            ]
                        },
                        "tratamentosAnteriores": {
                            "cirurgia": "CIRURGIA INVENTADA",
                            "datacirurgia": self.day - timedelta(days=20),
                            "areaIrradiada": "MAMA",
                            "dataIrradiacao": self.day - timedelta(days=10),
                        },
                        "numeroCiclos": 6,
                        "cicloAtual": 1,
                        "diasCicloAtual": 1,
                        "intervaloCiclos": 21,
                        "observacao": "INICIO BREVE",
                    },
                )

    def _get_age(self):
        """Of who was born on 1 March 1970, on the day of the request."""
        return self.day.year - 1970 - (self.day < date(self.day.year, 3, 1))

    def test_radio(self):
        for version in VERSIONS:
            annex = self._create_annex(
                "radio",
                diagnosis_1="C61",
                imaging_id=self._term("29", "2"),
                chemotherapy="Esquema inventado",
                chemotherapy_date=self.day - timedelta(days=5),
            )
            with self.subTest(version):
                self.assertEqual(
                    self._golden(annex, version),
                    {
                        "cabecalhoAnexo": self._header(annex),
                        "dadosBeneficiario": BENEFICIARY,
                        "dadosComplementaresBeneficiario": {"idade": self._get_age(), "sexo": "3"},
                        "medicoSolicitante": REQUESTER,
                        "diagnosticoOncologicoRadio": {
                            "diagRadio": {
                                "diagnosticoCID": ["C61"],
                                "estadiamento": "2",
                                "finalidade": "3",
                                "ecog": "1",
                            },
                            "diagnosticoImagem": "2",
                        },
                        "tratamentosAnteriores": {
                            "quimioterapia": "ESQUEMA INVENTADO",
                            "dataQuimioterapia": self.day - timedelta(days=5),
                        },
                        "numeroCampos": 2,
                        "doseCampo": 2,
                        "doseTotal": 50,
                        "nrDias": 25,
                        "dtPrevistaInicio": self.today + timedelta(days=7),
                    },
                )

    def test_situacao_inicial(self):
        for version in VERSIONS:
            annex = self._create_annex(
                "situacao_inicial",
                tooth_ids=[self._tooth("36", "C"), self._tooth("55", "A")],
                has_periodontal_disease=True,
                initial_note="Gengiva – inflamada",
            )
            with self.subTest(version):
                self.assertEqual(
                    self._golden(annex, version),
                    [
                        {
                            "registroANS": "326305",
                            "numeroGuiaAnexo": annex.name,
                            "numeroGuiaReferenciada": annex.authorization_id.name,
                            "numeroCarteira": "0123456789",
                            "ct_situacaoInicial": {
                                "situacaoClinica": {
                                    "dentes": [
                                        {"elementoDentario": "36", "condicaoClinica": "C"},
                                        {"elementoDentario": "55", "condicaoClinica": "A"},
                                    ]
                                },
                                "doencaPeriodontal": True,
                                "alteracaoTecidoMole": False,
                                "observacao": "GENGIVA - INFLAMADA",
                            },
                        }
                    ],
                )


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAnnexInRequest(AnnexCase):
    """Annexes that leave inside their request, in the place that each kind of request has."""

    def _decode_request(self, request):
        schema = standard.load(request.version)
        content = request.get_xml()
        self.assertTrue(schema.validate(content), schema.explain(content))
        body = schema.decode(content)["prestadorParaOperadora"]["solicitacaoProcedimento"]
        [values] = body.values()
        return values

    def _complete(self, request):
        for annex_type in CLINICAL_TYPES:
            self._create_annex(annex_type, request, alone=False)
        return request.annex_ids

    def test_all_three_travel_inside(self):
        for version in VERSIONS:
            self.contract.version = version
            request = self._create_request()
            annexes = self._complete(request)
            request.build()
            inside = self._decode_request(request)["anexoClinico"]
            with self.subTest(version):
                names = ["solicitacaoQuimioterapia", "solicitacaoRadioterapia", "solicitacaoOPME"]
                self.assertEqual(sorted(inside), sorted(names))
                numbers = [inside[name]["cabecalhoAnexo"]["numeroGuiaAnexo"] for name in names]
                self.assertEqual(sorted(numbers), sorted(annexes.mapped("name")))
                for name in names:
                    header = inside[name]["cabecalhoAnexo"]
                    self.assertEqual(header["numeroGuiaReferenciada"], request.name)
                self.assertEqual(
                    inside["solicitacaoOPME"]["justificativaTecnica"], "FRATURA INVENTADA"
                )

    def test_inside_a_hospitalisation_and_its_extension(self):
        stays = {
            "internacao": {
                "hospital_id": self.hospital.id,
                "suggested_date": self.today,
                "hospitalization_type_id": self._term("57", "2"),
                "days_requested": 3,
            },
            "prorrogacao": {"days_requested": 2, "main_number": "OP-77"},
        }
        elements = {"internacao": "anexoClinico", "prorrogacao": "anexoClinicoProrrogacao"}
        for version in VERSIONS:
            self.contract.version = version
            for kind, vals in stays.items():
                request = self._create_request(kind, **vals)
                request.sudo().clinical_indication = "Fratura inventada"
                annex = self._create_annex("opme", request, alone=False)
                request.build()
                values = self._decode_request(request)
                with self.subTest(f"{kind} {version}"):
                    inside = values[elements[kind]]["solicitacaoOPME"]
                    self.assertEqual(inside["cabecalhoAnexo"]["numeroGuiaAnexo"], annex.name)
                    if kind == "internacao":
                        told = values["dadosInternacao"]
                        self.assertEqual(
                            (told["indicadorOPME"], told["indicadorQuimio"]), ("S", "N")
                        )

    def test_they_follow_their_request(self):
        request = self._create_request()
        annexes = self._complete(request)
        request.build()
        annexes[0].requester_phone = "1155550000"
        self.assertEqual(request.state, "draft", "what was built says something else")
        request.send()
        self.assertEqual(set(annexes.mapped("state")), {"sent"})
        with self.assertRefused("cannot be done now"):
            annexes[0].requester_phone = "1155551111"
        with self.assertRefused("travels inside request"):
            annexes.send()
        late = self._create_annex("opme", request)
        self.assertEqual(late.transport, "alone")
        lone = self._create_request()
        lone.send()
        with self.assertRefused("has left"):
            self._create_annex("opme", lone, alone=False)

    def test_a_request_waits_for_its_annexes(self):
        request = self._create_request()
        annex = self._create_annex("opme", request, alone=False)
        annex.sudo().technical_justification = False
        self.assertRegex(request.problems, "Annex .* lacks 1 things")
        with self.assertRefused("lacks 1 things"):
            request.build()
        annex.action_cancel()
        self.assertFalse(request.problems)

    def test_one_of_each_type_inside(self):
        request = self._create_request()
        self._create_annex("opme", request, alone=False)
        with self.assertRefused("one annex of each type"):
            self._create_annex("opme", request, alone=False)

    def test_the_operadora_answers_them_with_the_request(self):
        for version in VERSIONS:
            self.contract.version = version
            request = self._create_request()
            annexes = self._complete(request)
            request.send()
            answer = self._simulate().receive(request.get_xml(), self.today)
            self.env["tiss.message"].receive_file(f"resposta{version}.xml", answer)
            with self.subTest(version):
                self.assertNotIn(request.state, ("sent", "rejected"), request.rejection_reason)
                self.assertEqual(set(annexes.mapped("state")), {"received"})
                self.assertTrue(all(annexes.mapped("answer_id")))
                # Materials are items of the annex, not of the request.
                self.assertEqual(request.line_ids.mapped("code"), ["40101010"])


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAnnexAlone(AnnexCase):
    """Annexes that leave by themselves, and their answers."""

    def _create_sent_request(self, annex_type, operadora=None):
        kind = "odonto" if annex_type == "situacao_inicial" else "sp_sadt"
        dental = {
            "executor_id": self.dentist.id,
            "dental_type_id": self._term("51", "1"),
        }
        request = self._create_request(kind, **(dental if kind == "odonto" else {}))
        if operadora and kind != "odonto":
            request.send()
            content = operadora.receive(request.get_xml(), self.today)
            self.env["tiss.message"].receive_file(f"pedido{request.name}.xml", content)
        return request

    def test_sent_and_received(self):
        for version in VERSIONS:
            self.contract.version = version
            operadora = self._simulate()
            for annex_type in ANNEX_TYPES:
                request = self._create_sent_request(annex_type, operadora)
                annex = self._create_annex(annex_type, request)
                annex.send()
                content = operadora.receive(annex.get_xml(), self.today)
                Message = self.env["tiss.message"]
                with self.subTest(f"{annex_type} {version}"):
                    self.assertIn(b"protocoloRecebimentoAnexo", content)
                    self.assertEqual(Message.receive_file("a.xml", content), annex)
                    self.assertEqual(annex.state, "received")
                    self.assertTrue(annex.protocol_number)
                    self.assertEqual(bool(annex.answer_id), annex_type != "situacao_inicial")
                    if annex.answer_id.code in ("1", "3", "7") and annex_type == "opme":
                        self.assertTrue(all(annex.line_ids.mapped("is_answered")))
                    before = self._get_content()
                    self.assertEqual(Message.receive_file("b.xml", content), annex)
                    self.assertEqual(self._get_content(), before, "read twice changes nothing")

    def test_an_answer_item_by_item(self):
        """Two materials of one code are told apart by the choice of the maker."""
        annex = self._create_annex(
            "opme",
            line_ids=[
                self._material(),
                self._material(manufacturer_choice_id=self._term("opcaoFabricante", "2")),
            ],
        )
        second, first = (
            {
                "sequencialItem": number,
                "procedimento": {"codigoTabela": "19", "codigoProcedimento": "70000001"},
                "quantidadeSolicitada": 2,
                "quantidadeAutorizada": granted,
                "valorAutorizado": Decimal("10.50"),
                "opcaoFabricante": choice,
                "motivosNegativa": {"motivoNegativa": reasons},
            }
            for number, choice, granted, reasons in (
                (1, "2", 0, [{"codigoGlosa": "3106", "descricaoGlosa": "SEM REGISTRO"}]),
                (2, "1", 2, []),
            )
        )
        stranger = {**first, "procedimento": {"codigoTabela": "19", "codigoProcedimento": "9"}}
        annex._read_answer(
            {
                "dadosAutorizacao": {"senha": "S9", "dataAutorizacao": self.today},
                "statusSolicitacao": "7",
                "servicosAutorizadosOPME": [second, first, stranger],
            }
        )
        lines = annex.line_ids
        self.assertEqual(lines.mapped("authorized_quantity"), [2, 0])
        self.assertEqual(lines.mapped("authorized_price"), [10.5, 10.5])
        self.assertEqual(lines.mapped("denial_reason"), [False, "3106 SEM REGISTRO"])
        self.assertEqual((annex.answer_id.code, annex.answer_password), ("7", "S9"))
        self.assertIn("1 items", annex.message_ids[0].body)

    def test_refused_corrected_and_sent_again_with_its_numbers(self):
        operadora = self._simulate()
        annex = self._create_annex("opme", self._create_sent_request("opme", operadora))
        annex.send()
        # Of another day, that content says: dataSolicitacao is still to come.
        refusal = operadora.receive(annex.get_xml(), self.visit_date - timedelta(days=9))
        self.assertIn(b"mensagemErro", refusal)
        self.env["tiss.message"].receive_file("recusa.xml", refusal)
        self.assertEqual(annex.state, "rejected")
        self.assertTrue(annex.rejection_reason)
        numbers = annex.name, annex.lote_number
        annex.action_correct()
        annex.requester_phone = "1155557777"
        annex.send()
        self.assertEqual((annex.name, annex.lote_number), numbers)
        content = operadora.receive(annex.get_xml(), self.today)
        self.env["tiss.message"].receive_file("aceite.xml", content)
        self.assertEqual(annex.state, "received")

    def test_what_nobody_sent_is_said_so(self):
        annex = self._create_annex("opme")
        annex.send()
        content = self._simulate().receive(annex.get_xml(), self.today)
        number = f"numeroLote>{annex.lote_number}<".encode()
        strange = content.replace(number, b"numeroLote>777777<")
        self.assertNotEqual(strange, content)
        with self.assertRefused("777777, which this clinic did not send"):
            self.env["tiss.message"].receive_file("estranho.xml", strange)

    def test_a_hundred_situacoes_iniciais_share_a_message(self):
        request = self._create_sent_request("situacao_inicial")
        annexes = self.env["tiss.annex"].union(
            *(self._create_annex("situacao_inicial", request) for _annex in range(102))
        )
        messages = annexes.build()
        self.assertEqual(len(messages), 2)
        first = annexes.sorted("number")[:100]
        self.assertEqual(len(set(first.mapped("lote_number"))), 1)
        names = [values["numeroGuiaAnexo"] for values in self._decode_annex(first)]
        self.assertEqual(names, first.mapped("name"))
        first[5].action_cancel()
        self.assertEqual(set((first - first[5]).mapped("state")), {"draft"})
        first[0].send()
        self.assertEqual(set((first - first[5]).mapped("state")), {"sent"})
        self.assertEqual(len(self._decode_annex(first)), 99)
        content = self._simulate().receive(first[0].get_xml(), self.today)
        answered = self.env["tiss.message"].receive_file("iniciais.xml", content)
        self.assertEqual(answered, first - first[5])
        self.assertEqual(set(answered.mapped("state")), {"received"})

    def test_a_larger_message_takes_no_more_queries(self):
        request = self._create_sent_request("situacao_inicial")
        counts = []
        for size in (1, 2, 12):
            annexes = self.env["tiss.annex"].union(
                *(self._create_annex("situacao_inicial", request) for _annex in range(size))
            )
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            annexes.build()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - start)
        self.assertEqual(counts[1], counts[2])

    def test_a_larger_annex_takes_no_more_queries(self):
        counts = []
        for size in (1, 2, 40):
            annex = self._create_annex(
                "opme", line_ids=[self._material() for _material in range(size)]
            )
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            annex.build()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - start)
        self.assertEqual(counts[1], counts[2])


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAnnexGuards(AnnexCase):
    """What an annex cannot do: half of it, twice, afterwards."""

    def _says(self, annex, words):
        self.env.invalidate_all()
        self.assertRegex(annex.problems or "", words)
        with self.assertRefused(words):
            annex.build()

    def test_complete_ones_lack_nothing(self):
        for annex_type in ANNEX_TYPES:
            self.assertFalse(self._create_annex(annex_type).problems, annex_type)

    def test_empty_ones_say_what_they_lack(self):
        needs = {
            "opme": ["technical justification", "no items", "phone"],
            "quimio": ["Staging", "Weight", "Therapy Plan", "Planned Cycles", "no items"],
            "radio": ["Staging", "Fields", "Expected Start", "Total Dose"],
            "situacao_inicial": ["Teeth"],
        }
        self.professional.phone = False
        for annex_type, words in needs.items():
            kind = "odonto" if annex_type == "situacao_inicial" else "sp_sadt"
            annex = self.env["tiss.annex"].create(
                {
                    "annex_type": annex_type,
                    "authorization_id": self._create_request(kind).id,
                    "transport": "alone",
                }
            )
            for word in words:
                with self.subTest(annex_type, word=word):
                    self.assertRegex(annex.problems, f"(?i){word}")
            with self.assertRefused("lacks something"):
                annex.build()

    def test_of_a_selection_goes_what_can(self):
        good = self._create_annex("opme")
        bare = self._create_annex("opme", line_ids=False)
        inside = self._create_annex("opme", alone=False)
        told = (bare | good | inside).action_send()["params"]["message"]
        self.assertEqual(good.state, "sent")
        self.assertEqual((bare | inside).mapped("state"), ["draft", "draft"])
        self.assertIn(f"Annex {bare.name} lacks something", told)
        self.assertIn(f"Annex {inside.name} travels inside request", told)

    def test_each_line_opens_its_box(self):
        annex = self._create_annex("opme", requester_phone="5550000")
        self.assertIn('for="requester_phone_0"', annex.problem_links)

    def test_bad_values(self):
        future = self.today + timedelta(days=1)
        cases = [
            ("opme", {"technical_justification": "ß" * 501}, "at most 1000 characters"),
            ("opme", {"technical_justification": "病院😀"}, "Fill in: Technical Justification"),
            ("opme", {"observation": "x" * 2000}, "at most 500 characters"),
            ("opme", {"requester_phone": "98888-0000"}, "area code"),
            ("opme", {"requester_phone": False}, "area code"),
            ("opme", {"requester_email": "médica@exemplo.example"}, "60 plain characters"),
            ("opme", {"requester_email": f"{'m' * 60}@x.example"}, "60 plain characters"),
            ("opme", {"date": future}, "in the future"),
            ("quimio", {"weight": 0}, "Weight .kg.: from 0.01"),
            ("quimio", {"height": -1}, "Height .cm.: from 0.01"),
            ("quimio", {"weight": 1000}, "to 999.99"),
            ("quimio", {"cycle_count": 0}, "Planned Cycles: from 1 to 99"),
            ("quimio", {"cycle_count": 2, "current_cycle": 3}, "beyond the planned"),
            ("quimio", {"cycle_interval": -1}, "from 0 to 999"),
            ("quimio", {"diagnosis_date": future}, "Diagnosed On: after the day"),
            ("quimio", {"surgery_date": date(1969, 1, 1)}, "not born yet"),
            ("quimio", {"diagnosis_1": "DOR"}, "A CID is a letter"),
            ("quimio", {"therapy_plan": "x" * 2000}, "at most 1000"),
            ("quimio", {"tumor_id": self._term("66", "1")}, "not a value of the ANS table"),
            ("radio", {"field_dose": 60}, "more than the total"),
            ("radio", {"field_count": -3}, "from 1 to 999"),
            ("radio", {"total_dose": 10000}, "from 1 to 9999"),
            ("radio", {"expected_date": self.visit_date - timedelta(days=1)}, "before the day"),
            ("radio", {"sex_id": False}, "Sex"),
            ("situacao_inicial", {"tooth_ids": [Command.clear()]}, "Teeth"),
        ]
        for annex_type, vals, words in cases:
            annex = self._create_annex(annex_type)
            annex.sudo().write(vals)
            with self.subTest(words):
                self._says(annex, words)

    def test_bad_items_are_called_by_their_place(self):
        secret = "DROGAZZYX"
        cases = [
            ("opme", {"quantity": 0}, "Item 2: the quantity"),
            ("opme", {"quantity": -1}, "Item 2: the quantity"),
            ("opme", {"quantity": 1000}, "Item 2: the quantity"),
            ("opme", {"unit_price": -0.01}, "Item 2: the value"),
            ("opme", {"manufacturer_choice_id": False}, "Item 2 needs the choice"),
            ("opme", {"description": "病院"}, "Item 2 needs table, code"),
            ("opme", {"anvisa_number": "9" * 16}, "Item 2, ANVISA Registration: at most 15"),
            ("quimio", {"doses": 0}, "Item 2: the doses"),
            ("quimio", {"doses": 100000}, "Item 2: the doses"),
            ("quimio", {"frequency": 0}, "Item 2: from 1 to 99"),
            ("quimio", {"route_id": False}, "Item 2 needs the unit and the route"),
            ("quimio", {"expected_date": date(2020, 1, 1)}, "Item 2 is expected before"),
        ]
        for annex_type, vals, words in cases:
            item = self._material if annex_type == "opme" else self._drug
            vals = {"description": secret, **vals}
            annex = self._create_annex(annex_type, line_ids=[item(), item(**vals)])
            with self.subTest(words):
                self._says(annex, words)
                self.assertNotIn(secret, annex.problems)

    def test_a_thousand_items(self):
        annex = self._create_annex("opme", line_ids=[self._material() for _item in range(1000)])
        annex.build()
        self.assertEqual(len(self._decode_annex(annex)["opmeSolicitadas"]["opmeSolicitada"]), 1000)

    def test_frozen_once_sent(self):
        for annex_type in ANNEX_TYPES:
            annex = self._create_annex(annex_type)
            annex.send()
            content = annex.get_xml()
            clinical = annex.sudo()
            with self.subTest(annex_type):
                for vals in ({"date": self.today}, {"observation": "x"}):
                    with self.assertRefused("cannot be done now"):
                        clinical.write(vals)
                with self.assertRefused("cannot be done now"):
                    (clinical.line_ids | clinical.line_ids.create({"annex_id": annex.id})).unlink()
                if annex_type == "situacao_inicial":
                    with self.assertRefused("cannot be done now"):
                        clinical.tooth_ids.condition_id = self._term("44", "H")
                with self.assertRefused("keeps its number"):
                    annex.sudo().unlink()
                self.patient.tiss_sex = "m"
                self.assertEqual(annex.sex_id.code, "3", "what left stays as it left")
                self.patient.tiss_sex = "f"
                self.assertEqual(annex.get_xml(), content)

    def test_a_tooth_is_not_put_into_what_was_sent(self):
        sent, other = (self._create_annex("situacao_inicial") for _each in range(2))
        sent.send()
        with self.assertRefused("this cannot be done now"):
            other.sudo().tooth_ids.annex_id = sent
        with self.assertRefused("this cannot be done now"):
            sent.sudo().tooth_ids.unlink()

    def test_numbers_and_answers_come_from_elsewhere(self):
        annex = self._create_annex("opme")
        request = annex.authorization_id
        with self.assertRefused("comes from its convênio"):
            self.env["tiss.annex"].create(
                {"annex_type": "radio", "authorization_id": request.id, "name": "7"}
            )
        with self.assertRefused("follows what is done"):
            annex.protocol_number = "1"
        with self.assertRefused("comes from its answer"):
            annex.line_ids.authorized_quantity = 1
        guia = self._create_by_type("consulta")
        self.assertEqual(int(guia.name), int(annex.name) + 1, "one row of numbers per convênio")

    def test_nothing_moves_into_a_sent_annex(self):
        for annex_type, name in (("opme", "line_ids"), ("situacao_inicial", "tooth_ids")):
            sent, draft = self._create_annex(annex_type), self._create_annex(annex_type)
            sent.send()
            with self.subTest(annex_type), self.assertRefused("cannot be done now"):
                draft.sudo()[name].annex_id = sent

    def test_status_and_answers_are_not_brought_along(self):
        vals = {"annex_type": "radio", "authorization_id": self._create_request().id}
        Annex = self.env["tiss.annex"]
        for said in ({"state": "received"}, {"answer_number": "1"}, {"protocol_number": "1"}):
            with self.subTest(said), self.assertRefused("follows from what is done"):
                Annex.create({**vals, **said})
        annex = Annex.with_context(default_state="received", default_answer_number="1").create(vals)
        self.assertEqual((annex.state, annex.answer_number), ("draft", False))

    def test_who_may_not_see_items_does_not_take_them_away(self):
        item = self._create_annex("opme").sudo().line_ids
        item = item.with_user(self._create_user("anexo.tira", "reception"))
        other = self._create_annex("opme")
        for change in (item.unlink, lambda: item.write({"annex_id": other.id})):
            with self.assertRefused("clinical information", AccessError):
                change()

    def test_each_is_numbered_by_the_convenio_of_its_request(self):
        other = self._create_contract("005711", provider_code="9")
        here, there = self._create_request(), self._create_request(contract_id=other.id)
        Annex = self.env["tiss.annex"].with_context(default_authorization_id=here.id)
        asked = [{}, {"authorization_id": there.id}, {"authorization_id": here.id}]
        annexes = Annex.create(
            [{"annex_type": "opme", "transport": "alone", **vals} for vals in asked]
        )
        self.assertEqual(annexes.contract_id, self.contract | other)
        numbers = [here.number + 1, there.number + 1, here.number + 2]
        self.assertEqual(annexes.mapped("number"), numbers)
        self.assertEqual(annexes.mapped("name"), list(map(str, numbers)))

    def test_a_larger_batch_is_numbered_with_no_more_queries(self):
        def number(count):
            requests = self.env["tiss.authorization"].union(
                *(self._create_request() for _index in range(count))
            )
            vals_list = [{"authorization_id": request.id} for request in requests]
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.env["tiss.annex"]._take_form_numbers(vals_list)
            self.assertEqual(len({vals["number"] for vals in vals_list}), count)
            return self.env.cr.sql_log_count - before

        number(1)
        self.assertEqual(number(2), number(20))

    def test_teeth_belong_to_dental_requests(self):
        for annex_type, kind in (("situacao_inicial", "sp_sadt"), ("opme", "odonto")):
            annex = self._create_annex(annex_type, self._create_request(kind))
            self._says(annex, "dental")

    def test_filled_from_request_and_patient_on_screen(self):
        doctor = self._create_user("anexo.medico", "billing", "clinical")
        request = self._create_request()
        form = Form(
            self.env["tiss.annex"]
            .with_user(doctor)
            .with_context(default_authorization_id=request.id, default_annex_type="quimio")
        )
        self.assertEqual(form.patient_id, self.patient)
        self.assertEqual(form.card_id, self.card)
        self.assertEqual(form.requester_id, self.professional)
        self.assertEqual(form.requester_phone, "11988880000")
        self.assertEqual(form.sex_id.code, "3")
        form.weight, form.height = 70, 175
        self.assertEqual(form.body_surface, 1.84)
        form.body_surface = 1.9
        with form.line_ids.new() as line:
            line.product_id = self.products["90055888"]
            self.assertEqual(line.code, "90055888")
        annex = form.save()
        self.assertEqual(annex.body_surface, 1.9)
        self.assertEqual(annex.transport, "request")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAnnexClinical(AnnexCase):
    """What is asked for and why: for clinical people, and in the message."""

    SECRET = "SEGREDOZZYX"

    def setUp(self):
        super().setUp()
        self.annex = self._create_annex(
            "quimio",
            therapy_plan=self.SECRET,
            observation=self.SECRET,
            line_ids=[self._drug(description=self.SECRET)],
        )

    def _hidden(self):
        """(records, fields that only clinical people see)"""
        return [
            (records, [name for name, field in records._fields.items() if field.groups and
                       "clinical" in field.groups])
            for records in (self.annex, self.annex.line_ids)
        ]  # fmt: skip

    def test_these_fields_are_clinical(self):
        open_names = {
            "name", "number", "annex_type", "authorization_id", "transport", "date",
            "operadora_number", "authorization_password", "authorization_date", "requester_id",
            "requester_phone", "requester_email", "age", "sex_id", "line_ids", "card_number",
            "is_newborn",
        }  # fmt: skip
        content = self.annex._get_frozen_fields()
        self.assertEqual(content - open_names, content & set(self._hidden()[0][1]))

    def test_hidden_from_everybody_else(self):
        for role in ("reception", "billing", "manager"):
            user = self._create_user(f"anexo.{role}", role)
            for records, names in self._hidden():
                self.env.invalidate_all()
                mine = records.with_user(user)
                self.assertFalse(set(names) & set(mine.fields_get()))
                self.assertNotIn(self.SECRET, str(mine.read()))
                for name in names:
                    with self.subTest(name, role=role):
                        with self.assertRaises(AccessError):
                            mine.read([name])
                        with self.assertRaises(AccessError), mute_logger("odoo.models"):
                            mine.write({name: False})

    def test_told_nowhere_else(self):
        self.annex.sudo().weight = 0
        self.assertNotIn(self.SECRET, self.annex.problems)
        self.annex.sudo().weight = 70
        self.annex.send()
        self.assertNotIn(self.SECRET, self.annex.message_id.file_name)
        self.assertNotIn(self.SECRET, str(self.annex.message_ids.mapped("body")))
        self.assertNotIn(self.SECRET, self.annex.display_name)

    def test_a_biller_sends_it_unseen(self):
        biller = self._create_user("anexo.envio", "billing")
        self.annex.with_user(biller).send()
        values = self._decode_annex(self.annex)
        diagnosis = values["diagnosticoOncologicoQuimioterapia"]
        self.assertEqual(diagnosis["planoTerapeutico"], self.SECRET)

    def test_a_copy_does_not_carry_it(self):
        copy = self.annex.copy().sudo()
        self.assertFalse(copy.therapy_plan or copy.weight or copy.observation)
        self.assertNotEqual(copy.name, self.annex.name)

    def test_only_reception_and_more_open_it(self):
        employee = self._create_user("anexo.empregado", "base.group_user")
        with self.assertRaises(AccessError):
            self.annex.with_user(employee).read(["name"])

    def test_of_another_clinic_nothing_is_seen(self):
        contract = self._create_other_clinic()
        stranger = self._create_user(
            "anexo.outra", "billing", "clinical",
            company_id=contract.company_id.id, company_ids=contract.company_id.ids,
        )  # fmt: skip
        for record in (self.annex, self.annex.line_ids):
            self.assertFalse(record.with_user(stranger).search([]))
            with self.assertRaises(UserError):
                record.with_user(stranger).read(["create_date"])
