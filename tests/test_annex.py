from datetime import date, timedelta
from decimal import Decimal

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .annex_records import ANNEX_TYPES, AnnexRecords
from .common import TissCommon
from .guia_records import VERSIONS, GuiaRecords


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
