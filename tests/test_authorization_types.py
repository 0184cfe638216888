import datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .authorization_records import REQUEST_TYPES, AuthorizationRecords
from .common import TissCommon
from .generated import examples
from .guia_records import VERSIONS
from .test_guia_generated import texts

DOCTOR = {
    "nomeProfissional": "MEDICA EXEMPLO",
    "conselhoProfissional": "06",
    "numeroConselhoProfissional": "123456",
    "UF": "35",
    "CBOS": "225125",
}
CLINIC = {"codigoPrestadorNaOperadora": "12345"}


class RequestCase(AuthorizationRecords, TissCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()

    def _procedure(self, code, quantity):
        return {
            "procedimento": self._named(code),
            "quantidadeSolicitada": quantity,
        }

    def _named(self, code):
        return {
            "codigoTabela": "22",
            "codigoProcedimento": code,
            "descricaoProcedimento": f"PROCEDIMENTO {code}",
        }

    def _golden(self, request_type, version, *items, **vals):
        self.contract.version = version
        request = self._create_request(request_type, *items, **vals)
        request.build()
        self.assertEqual(request.message_id.transaction, "SOLICITACAO_PROCEDIMENTOS")
        return request, self._decode_request(request)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGoldenRequests(RequestCase):
    """One request of each type worked by hand from the guide (§5.6), as its XML says it."""

    def test_sp_sadt(self):
        for version in VERSIONS:
            request, values = self._golden(
                "sp_sadt",
                version,
                self._asked("40101010", 5),
                self._asked("40304361", 999),
                main_number="INT-7",
                validation_code="TK55",
                identification_type_id=self._term("72", "04"),
                special_coverage_id=self._term("75", "01"),
                clinical_indication="Dor – às 8h 😀",
                observation="Retorno em 30 dias",
            )
            with self.subTest(version):
                self.assertEqual(
                    values,
                    {
                        "cabecalhoSolicitacao": {
                            "registroANS": "326305",
                            "numeroGuiaPrestador": request.name,
                        },
                        "numeroGuiaPrincipal": "INT-7",
                        "codValidacao": "TK55",
                        "tipoEtapaAutorizacao": "1",
                        "dadosBeneficiario": {
                            "numeroCarteira": "0123456789",
                            "atendimentoRN": "N",
                            "tipoIdent": "04",
                        },
                        "dadosSolicitante": {
                            "contratadoSolicitante": CLINIC,
                            "nomeContratadoSolicitante": values["dadosSolicitante"][
                                "nomeContratadoSolicitante"
                            ],
                            "profissionalSolicitante": DOCTOR,
                        },
                        "caraterAtendimento": "1",
                        "dataSolicitacao": self.visit_date,
                        "indicacaoClinica": "DOR - AS 8H",
                        "coberturaEspecial": "01",
                        "procedimentosSolicitados": [
                            self._procedure("40101010", 5),
                            self._procedure("40304361", 999),
                        ],
                        "dadosExecutante": {"codigonaOperadora": "12345", "CNES": "9999999"},
                        "observacao": "RETORNO EM 30 DIAS",
                    },
                )

    def test_sp_sadt_of_an_outside_requester(self):
        """Nobody knows his code at the operadora: 14 nines (guide §3.10)."""
        referrer = self._create_professional("Médico de Fora", "555")
        referrer.write({"tiss_is_professional": False, "tiss_is_referrer": True})
        _request, values = self._golden(
            "sp_sadt",
            "4.03.00",
            professional_id=referrer.id,
            stage_id=self._term("73", "2"),
            executes_here=False,
        )
        self.assertEqual(
            values["dadosSolicitante"]["contratadoSolicitante"],
            {"codigoPrestadorNaOperadora": "9" * 14},
        )
        self.assertEqual(values["dadosSolicitante"]["nomeContratadoSolicitante"], "MEDICO DE FORA")
        self.assertEqual(values["tipoEtapaAutorizacao"], "2")
        self.assertNotIn("dadosExecutante", values)

    def test_internacao(self):
        for version in VERSIONS:
            request, values = self._golden(
                "internacao",
                version,
                no_validation_code_id=self._term("74", "02"),
                diagnosis_1="k80.2",
                diagnosis_2="I10",
                observation="x" * 1000,
            )
            with self.subTest(version):
                self.assertEqual(
                    values,
                    {
                        "registroANS": "326305",
                        "numeroGuiaPrestador": request.name,
                        "ausenciaCodValidacao": "02",
                        "tipoEtapaAutorizacao": "1",
                        "dadosBeneficiario": {
                            "numeroCarteira": "0123456789",
                            "atendimentoRN": "N",
                        },
                        "identificacaoSolicitante": {
                            "dadosDoContratado": CLINIC,
                            "dadosProfissionalContratado": DOCTOR,
                        },
                        "dadosHospitalSolicitado": {
                            "codigoIndicadonaOperadora": self.hospital.vat,
                            "nomeContratadoIndicado": "HOSPITAL FICTICIO SAO JOSE",
                            "dataSugeridaInternacao": self.today,
                        },
                        "dadosInternacao": {
                            "caraterAtendimento": "1",
                            "tipoInternacao": "2",
                            "regimeInternacao": "1",
                            "qtDiariasSolicitadas": 3,
                            "indicadorOPME": "N",
                            "indicadorQuimio": "N",
                            "indicacaoClinica": "DOR ABDOMINAL - COLELITIASE",
                        },
                        "hipotesesDiagnosticas": {
                            "diagnosticoCID": ["K802", "I10"],
                            "indicadorAcidente": "9",
                        },
                        "procedimentosSolicitados": [self._procedure("31005470", 1)],
                        "dataSolicitacao": self.visit_date,
                        "observacao": "X" * 1000,
                    },
                )

    def test_prorrogacao(self):
        """It names the earlier request by the number that the operadora gave it."""
        for version in VERSIONS:
            self.contract.version = version
            earlier = self._create_request("internacao")
            earlier.register_answer("1", operadora_number="OP-123")
            request, values = self._golden(
                "prorrogacao",
                version,
                self._asked("20104049", 2),
                parent_id=earlier.id,
                days_requested=2,
                accommodation_id=self._term("49", "51"),
            )
            with self.subTest(version):
                self.assertEqual(request.main_number, "OP-123")
                name = values["nomeContratadoSolicitante"]
                self.assertEqual(
                    values,
                    {
                        "registroANS": "326305",
                        "numeroGuiaPrestador": request.name,
                        "nrGuiaReferenciada": "OP-123",
                        "dadosBeneficiario": {"numeroCarteira": "0123456789"},
                        "dadosContratadoSolicitante": CLINIC,
                        "nomeContratadoSolicitante": name,
                        "dadosProfissionalSolicitante": DOCTOR,
                        "dadosInternacao": {
                            "qtDiariasAdicionais": 2,
                            "tipoAcomodacaoSolicitada": "51",
                            "indicacaoClinica": "DOR ABDOMINAL - COLELITIASE",
                        },
                        "procedimentosAdicionais": [self._procedure("20104049", 2)],
                        "dataSolicitacao": self.visit_date,
                    },
                )

    def test_odonto(self):
        """60.00 and 2 × 45.50 = 91.00 make 151.00, of which the patient pays 15.10."""
        for version in VERSIONS:
            request, values = self._golden(
                "odonto",
                version,
                self._asked("81000030", amount=60, us_quantity=10.5),
                self._asked(
                    "85100196", 2, amount=91, amount_patient=15.10, us_quantity=4,
                    tooth_id=self._term("28", "36"), faces="mo",
                ),
                employer_name="Empresa Fictícia",
                second_professional_id=self.dentist.id,
                treatment_end_date=self.today,
                tooth_ids=[
                    Command.create(
                        {
                            "tooth_id": self._term("28", "36"),
                            "condition_id": self._term("44", "C"),
                        }
                    )
                ],
                has_periodontal_disease=True,
                initial_note="Gengiva – sangra",
            )  # fmt: skip
            person = {"nome": "DENTISTA EXEMPLO", "cro": "9876", "uf": "35", "cbos": "223208"}
            with self.subTest(version):
                self.assertEqual(
                    values,
                    {
                        "registroANS": "326305",
                        "numeroGuiaPrestador": request.name,
                        "numeroCarteira": "0123456789",
                        "atendimentoRN": "N",
                        "planoBeneficiario": "PLANO DE TESTE",
                        "nomeEmpresa": "EMPRESA FICTICIA",
                        "dadosProfissionaisResponsaveis": {
                            "nomeProfSolic": person["nome"],
                            "croSolic": person["cro"],
                            "ufSolic": person["uf"],
                            "cbosSolic": person["cbos"],
                            "codigoProfExec": "12345",
                            "croExec": person["cro"],
                            "ufExec": person["uf"],
                            "cnesExec": "9999999",
                            "nomeProfExec2": person["nome"],
                            "croExec2": person["cro"],
                            "ufExec2": person["uf"],
                            "cbosExec2": person["cbos"],
                        },
                        "procedimentosSolicitados": [
                            {
                                "procSolic": self._named("81000030"),
                                "qtdProc": 1,
                                "qtdUS": Decimal("10.50"),
                                "valorProc": Decimal("60.00"),
                                "aut": "N",
                            },
                            {
                                "procSolic": self._named("85100196"),
                                "denteRegiao": {"codDente": "36"},
                                "denteFace": "MO",
                                "qtdProc": 2,
                                "qtdUS": Decimal("4.00"),
                                "valorProc": Decimal("91.00"),
                                "valorFranquia": Decimal("15.10"),
                                "aut": "N",
                            },
                        ],
                        "dataTerminoTrat": self.today,
                        "tipoAtendimento": "1",
                        "qtdTotalUS": Decimal("14.50"),
                        "valorTotalProc": Decimal("151.00"),
                        "valorTotalFranquia": Decimal("15.10"),
                        "odontoInicial": {
                            "registroANS": "326305",
                            "numeroGuiaAnexo": request.name,
                            "numeroGuiaReferenciada": request.name,
                            "numeroCarteira": "0123456789",
                            "ct_situacaoInicial": {
                                "situacaoClinica": {
                                    "dentes": [{"elementoDentario": "36", "condicaoClinica": "C"}]
                                },
                                "doencaPeriodontal": True,
                                "alteracaoTecidoMole": False,
                                "observacao": "GENGIVA - SANGRA",
                            },
                        },
                    },
                )


@tagged("post_install", "-at_install", "post_install_l10n")
class TestIncompleteRequests(RequestCase):
    """What cannot be sent is said in a sentence; nothing that is invalid leaves."""

    def _assert_problem(self, request, words):
        self.assertRegex(request.problems or "", words)
        with self.assertRaisesRegex(UserError, words):
            request.build()
        self.assertFalse(request.message_id)

    def test_what_each_type_asks_for(self):
        for request_type, name, words in (
            ("sp_sadt", "care_character_id", "Character"),
            ("sp_sadt", "stage_id", "Stage"),
            ("internacao", "hospital_id", "Hospital"),
            ("internacao", "suggested_date", "Suggested Admission"),
            ("internacao", "hospitalization_type_id", "Hospitalisation"),
            ("internacao", "clinical_indication", "Clinical Indication"),
            ("prorrogacao", "main_number", "Referenced Guia"),
            ("prorrogacao", "clinical_indication", "Clinical Indication"),
            ("odonto", "executor_id", "Dentist"),
            ("odonto", "dental_type_id", "Kind of Treatment"),
        ):
            with self.subTest(request_type, field=name):
                request = self._create_request(request_type, **{name: False})
                self._assert_problem(request, f"Fill in: {words}")

    def test_every_line_opens_its_box(self):
        request = self._create_request("internacao", hospital_id=False)
        self.assertIn('for="hospital_id_0"', request.problem_links)
        self.professional.tiss_cbo_id = False
        request.invalidate_recordset()
        self.assertIn(f"/odoo/res.partner/{self.professional.id}", request.problem_links)

    def test_without_items(self):
        for request_type in ("sp_sadt", "internacao", "odonto"):
            request = self._create_request(request_type)
            request.line_ids.unlink()
            with self.subTest(request_type):
                self._assert_problem(request, "has no items")
        request = self._create_request("prorrogacao", days_requested=0)
        self._assert_problem(request, "Ask for days")

    def test_quantities(self):
        for request_type, quantity, most in (
            ("sp_sadt", 0, 999),
            ("sp_sadt", 1000, 999),
            ("odonto", 100, 99),
        ):
            item = self._asked("81000030", quantity)
            with self.subTest(request_type, quantity=quantity):
                request = self._create_request(request_type, item)
                self._assert_problem(request, f"the quantity goes from 1 to {most}")
        with self.assertRefused("never negative", ValidationError):
            self._create_request("sp_sadt", self._asked("40101010", -1))
        with self.assertRefused("negative", ValidationError):
            self._create_request("odonto", self._asked("81000030", amount=-1))
        with self.assertRefused("more than it is worth", ValidationError):
            self._create_request("odonto", self._asked("81000030", amount=1, amount_patient=2))

    def test_daily_rates(self):
        for days in (0, -1, 100):
            with self.subTest(days):
                request = self._create_request("internacao", days_requested=days)
                self._assert_problem(request, "go from 1 to 99")
        day_hospital = self._term("41", "2")
        request = self._create_request(
            "internacao", days_requested=0, hospitalization_regime_id=day_hospital
        )
        self.assertFalse(request.problems)
        request = self._create_request("prorrogacao", days_requested=1000)
        self._assert_problem(request, "go from 0 to 999")

    def test_dates_out_of_order(self):
        tomorrow = self.today + datetime.timedelta(days=1)
        self._assert_problem(self._create_request(date=tomorrow), "dated in the future")
        early = self.visit_date - datetime.timedelta(days=1)
        request = self._create_request("internacao", suggested_date=early)
        self._assert_problem(request, "a day before the request")
        request.care_character_id = self._term("23", "2")
        self.assertFalse(request.problems, "who came in an emergency is there already")
        item = self._asked("81000030", amount=60, date=tomorrow)
        self._assert_problem(self._create_request("odonto", item), "date in the future")
        self.card.validity_date = early
        self._assert_problem(self._create_request(), "expired")

    def test_professional_without_cbo(self):
        self.professional.tiss_cbo_id = False
        for request_type in ("sp_sadt", "internacao", "prorrogacao"):
            with self.subTest(request_type):
                self._assert_problem(self._create_request(request_type), "lacks: CBO")

    def test_unknown_terms(self):
        wrong = self._term("24", "225125")
        for request_type, name in (
            ("sp_sadt", "stage_id"),
            ("internacao", "hospitalization_type_id"),
            ("prorrogacao", "accommodation_id"),
            ("odonto", "dental_type_id"),
        ):
            with self.subTest(request_type):
                request = self._create_request(request_type, **{name: wrong})
                self._assert_problem(request, "not a value of the ANS table")

    def test_names_in_other_scripts(self):
        self.hospital.name = "病院"
        self._assert_problem(self._create_request("internacao"), "lacks: Name")
        self.plan.name = "계획"
        self._assert_problem(self._create_request("odonto"), "name of the plan cannot be sent")
        self.professional.name = "Доктор"
        self._assert_problem(self._create_request(), "lacks: Name")

    def test_long_texts_and_emoji(self):
        """2,000 characters: a text that does not fit is told, not cut."""
        request = self._create_request(observation="é" * 501)
        self._assert_problem(request, "takes 500 characters")
        request.observation = "😀 – é" * 80
        request.build()
        self.assertEqual(self._decode_request(request)["observacao"], " ".join(["- E"] * 80))
        request = self._create_request("internacao", clinical_indication="😀")
        self._assert_problem(request, "Fill in: Clinical Indication")
        item = self._asked("40101010", description="病院")
        self._assert_problem(self._create_request("sp_sadt", item), "no description")

    def test_diagnoses(self):
        request = self._create_request("internacao", diagnosis_1="ABCDE")
        self._assert_problem(request, "A CID is a letter")
        self.assertNotIn("ABCDE", request.problems)

    def test_a_dentist_has_a_cro(self):
        request = self._create_request("odonto", executor_id=self.professional.id)
        self._assert_problem(request, "not registered with a CRO")

    def test_token_and_its_reason(self):
        for request_type in REQUEST_TYPES:
            request = self._create_request(
                request_type, validation_code="1", no_validation_code_id=self._term("74", "01")
            )
            with self.subTest(request_type):
                self._assert_problem(request, "keep one")

    def test_a_thousand_items(self):
        items = [self._asked("40101010", 1) for _number in range(1000)]
        request = self._create_request("sp_sadt", *items)
        self.env.invalidate_all()
        request.build()
        values = self._decode_request(request)
        self.assertEqual(len(values["procedimentosSolicitados"]), 1000)
        self.assertEqual(request.line_ids.mapped("sequence_item"), list(range(1, 1001)))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGeneratedRequests(RequestCase):
    """Whatever a receptionist may fill in gives a valid message, and its answer is read."""

    def _draw(self, draw, request_type):
        codes = st.sampled_from(["40101010", "40304361", "31005470", "81000030"])
        items = [
            self._asked(
                draw(codes),
                draw(st.integers(1, 99)),
                description=f"Item {draw(texts)}",
                amount=draw(st.integers(0, 99_999)) / 100,
            )
            for _number in range(draw(st.integers(1, 4)))
        ]
        vals = {
            "observation": draw(texts)[:500],
            "clinical_indication": f"Dor {draw(texts)}"[:500],
            "validation_code": draw(st.one_of(st.just(False), st.from_regex(r"\A[0-9A-Z]{1,9}\Z"))),
        }
        if request_type in ("internacao", "prorrogacao"):
            vals["days_requested"] = draw(st.integers(1, 99))
        if request_type == "internacao":
            vals["diagnosis_1"] = draw(st.sampled_from([False, "k80.2", "I10"]))
            vals["hospitalization_type_id"] = self._term("57", draw(st.sampled_from("12345")))
        if request_type == "odonto":
            vals["employer_name"] = draw(texts)[:40]
        return self._create_request(request_type, *items, **vals)

    @examples(12)
    @given(data=st.data())
    def test_random_requests_are_valid_and_answered(self, data):
        draw = data.draw
        self.contract.version = draw(st.sampled_from(VERSIONS))
        request_type = draw(st.sampled_from(REQUEST_TYPES))
        operadora = self._simulate(seed=str(draw(st.integers(0, 999))))
        if request_type == "prorrogacao":
            first = self._create_request("internacao")
            first.send()
            operadora.receive(first.get_xml(), self.today)
            [number] = operadora.authorizations
        request = self._draw(draw, request_type)
        if request_type == "prorrogacao":
            request.main_number = number
        request.send()
        self._decode_request(request)
        with mute_logger("odoo.models.unlink"):
            answer = operadora.receive(request.get_xml(), self.today)
            self.assertEqual(self.env["tiss.message"].receive_file("r.xml", answer), request)
        self._check_answered(request, operadora)

    def _check_answered(self, request, operadora):
        [told] = [
            each for each in operadora.authorizations.values() if each["numero"] == request.name
        ]
        if told["waiting"]:
            self.assertIn(request.state, ("in_analysis", "pending"))
            return
        granted = {"1": "authorized", "3": "denied", "7": "partial"}
        self.assertEqual(request.state, granted[told["status"]])
        quantities = [item["autorizada"] for item in told["itens"].values()]
        if request.request_type == "odonto":
            # The answer to a treatment can only say yes or no to a whole item.
            self.assertEqual(
                [bool(quantity) for quantity in quantities],
                [bool(line.quantity_authorized) for line in request.line_ids],
            )
        else:
            self.assertEqual(quantities, request.line_ids.mapped("quantity_authorized"))
        if request.state != "denied":
            self.assertEqual(request.authorization_password, told["senha"])
