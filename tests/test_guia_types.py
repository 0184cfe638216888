from datetime import time
from decimal import Decimal

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import BLOOD_COUNT, ECG, TissCommon
from .guia_records import VERSIONS, GuiaRecords
from .return_messages import analysis_message

DOCTOR = {
    "nomeProf": "MEDICA EXEMPLO",
    "conselho": "06",
    "numeroConselhoProfissional": "123456",
    "UF": "35",
    "CBOS": "225125",
}
NEW_TYPES = ("resumo_internacao", "honorarios", "odonto")


class GuiaTypeCase(GuiaRecords, TissCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls.day = cls.visit_date

    def _golden(self, guia, version):
        [values] = self._decode(self._send(guia, version))
        return values

    def _procedure(self, code, description, table="22"):
        return {
            "codigoTabela": table,
            "codigoProcedimento": code,
            "descricaoProcedimento": description,
        }


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGoldenGuias(GuiaTypeCase):
    """One guia of each type worked by hand from the guide, as its XML says it."""

    def test_consulta(self):
        """Guide §3.3: every optional box filled in."""
        for version in VERSIONS:
            guia = self._create_by_type(
                "consulta",
                operadora_number="OP9",
                validation_code="TK55",
                identification_type_id=self._term("72", "04"),
                special_coverage_id=self._term("75", "01"),
                occupational_health_id=self._term("77", "03"),
                observation="Dor – às 8h 😀",
            )
            guia.sudo().beneficiary_reading = "AAECAw=="
            with self.subTest(version):
                self.assertEqual(
                    self._golden(guia, version),
                    {
                        "cabecalhoConsulta": {
                            "registroANS": "326305",
                            "numeroGuiaPrestador": guia.name,
                        },
                        "numeroGuiaOperadora": "OP9",
                        "codValidacao": "TK55",
                        "dadosBeneficiario": {
                            "numeroCarteira": "0123456789",
                            "atendimentoRN": "N",
                            "tipoIdent": "04",
                            "identificadorBeneficiario": b"\x00\x01\x02\x03",
                        },
                        "contratadoExecutante": {
                            "codigoPrestadorNaOperadora": "12345",
                            "CNES": "9999999",
                        },
                        "profissionalExecutante": {
                            "nomeProfissional": "MEDICA EXEMPLO",
                            "conselhoProfissional": "06",
                            "numeroConselhoProfissional": "123456",
                            "UF": "35",
                            "CBOS": "225125",
                        },
                        "indicacaoAcidente": "9",
                        "dadosAtendimento": {
                            "coberturaEspecial": "01",
                            "regimeAtendimento": "01",
                            "saudeOcupacional": "03",
                            "dataAtendimento": self.day,
                            "tipoConsulta": "1",
                            "procedimento": {
                                "codigoTabela": "22",
                                "codigoProcedimento": "10101012",
                                "valorProcedimento": Decimal("150.00"),
                            },
                        },
                        "observacao": "DOR - AS 8H",
                    },
                )

    def test_reading_of_the_card(self):
        """Guide §3.10: a reading says of what it is, and is base64."""
        guia = self._create_by_type("consulta").sudo()
        guia.beneficiary_reading = "AAECAw=="
        self.assertIn("Fill in: Identified By.", guia.problems)
        guia.identification_type_id = self._term("72", "01")
        self.assertFalse(guia.problems)
        guia.beneficiary_reading = "não é base64"
        self.assertIn("The reading of the card is damaged", guia.problems)

    def test_sp_sadt(self):
        """An inpatient's exam: main guia, hours, a surgical access, and a linked material.

        1 × 200.00 × 0.70 = 140.00; 1.5 × 3.33 = 4.995 → 5.00; together 145.00.
        """
        for version in VERSIONS:
            guia = self._create_by_type(
                "sp_sadt",
                main_number="INT-7",
                no_validation_code_id=self._term("74", "01"),
                regime_id=self._term("76", "03"),
                special_coverage_id=self._term("75", "02"),
                occupational_health_id=self._term("77", "01"),
                discharge_reason_id=self._term("39", "41"),
                line_ids=[
                    self._item(
                        1, "40101010", 200, factor=0.7, start_time=8, end_time=9.5,
                        access_route_id=self._term("61", "3"), technique_id=self._term("48", "2"),
                        team=[(self.professional, None)],
                    ),
                    self._expense(
                        2, "03", "70000001", 3.33, 1.5, "19",
                        start_time=8, end_time=9.5, anvisa_number="10230",
                        manufacturer_reference="REF 1", company_licence="AFE 9",
                    ),
                ],
            )  # fmt: skip
            guia.line_ids[1].linked_line_id = guia.line_ids[0]
            cpf = {"cpfContratado": self.professional.vat}
            values = self._golden(guia, version)
            with self.subTest(version):
                self.assertEqual(values["cabecalhoGuia"]["guiaPrincipal"], "INT-7")
                # Without an authorisation the block has the date of the visit.
                self.assertEqual(
                    values["dadosAutorizacao"],
                    {"dataAutorizacao": self.day, "ausenciaCodValidacao": "01"},
                )
                self.assertEqual(
                    values["dadosSolicitacao"], {"caraterAtendimento": "1", "indCobEspecial": "02"}
                )
                self.assertEqual(
                    values["dadosAtendimento"],
                    {
                        "tipoAtendimento": "23",
                        "indicacaoAcidente": "9",
                        "motivoEncerramento": "41",
                        "regimeAtendimento": "03",
                        "saudeOcupacional": "01",
                    },
                )
                self.assertEqual(
                    values["procedimentosExecutados"]["procedimentoExecutado"],
                    [
                        {
                            "sequencialItem": 1,
                            "dataExecucao": self.day,
                            "horaInicial": time(8),
                            "horaFinal": time(9, 30),
                            "procedimento": self._procedure("40101010", "ITEM 1"),
                            "quantidadeExecutada": 1,
                            "viaAcesso": "3",
                            "tecnicaUtilizada": "2",
                            "reducaoAcrescimo": Decimal("0.70"),
                            "valorUnitario": Decimal("200.00"),
                            "valorTotal": Decimal("140.00"),
                            "equipeSadt": [{"codProfissional": cpf, **DOCTOR}],
                        }
                    ],
                )
                [expense] = values["outrasDespesas"]["despesa"]
                self.assertEqual(expense["itemVinculado"], 1)
                self.assertEqual(
                    expense["servicosExecutados"],
                    {
                        "dataExecucao": self.day,
                        "horaInicial": time(8),
                        "horaFinal": time(9, 30),
                        "codigoTabela": "19",
                        "codigoProcedimento": "70000001",
                        "quantidadeExecutada": Decimal("1.5000"),
                        "unidadeMedida": "036",
                        "reducaoAcrescimo": Decimal("1.00"),
                        "valorUnitario": Decimal("3.33"),
                        "valorTotal": Decimal("5.00"),
                        "descricaoProcedimento": "ITEM 2",
                        "registroANVISA": "10230",
                        "codigoRefFabricante": "REF 1",
                        "autorizacaoFuncionamento": "AFE 9",
                    },
                )
                self.assertEqual(values["valorTotal"]["valorTotalGeral"], Decimal("145.00"))

    def test_honorarios(self):
        """1 × 1,250.00 = 1,250.00; 1 × 633.33 × 0.50 = 316.665 → 316.67; 1,566.67 together."""
        first = [(self.professional, "00"), (self.assistant, "01")]
        for version in VERSIONS:
            guia = self._create_honorarios(
                self._item(
                    1, "31005470", 1250, start_time=8, end_time=10.5, team=first,
                    access_route_id=self._term("61", "1"), technique_id=self._term("48", "2"),
                ),
                self._item(
                    4, "31009166", 633.33, factor=0.5, team=first[:1],
                    access_route_id=self._term("61", "2"), technique_id=self._term("48", "1"),
                ),
                authorization_password="S77",
                operadora_number="OP1",
                observation="Cirurgia única",
            )  # fmt: skip
            dates = {"dataInicioFaturamento": self.day, "dataFimFaturamento": self.day}
            if version == "4.03.00":  # guide §1.3: mandatory there, absent before
                dates["caraterAtendimento"] = "1"
            doctor = {
                "grauParticipacao": "00",
                "codProfissional": {"cpfContratado": self.professional.vat},
                "nomeProfissional": "MEDICA EXEMPLO",
                "conselhoProfissional": "06",
                "numeroConselhoProfissional": "123456",
                "UF": "35",
                "CBO": "225125",
            }
            assistant = {
                **doctor,
                "grauParticipacao": "01",
                "nomeProfissional": "AUXILIAR EXEMPLO",
                "numeroConselhoProfissional": "777",
            }
            with self.subTest(version):
                self.assertEqual(
                    self._golden(guia, version),
                    {
                        "cabecalhoGuia": {
                            "registroANS": "326305",
                            "numeroGuiaPrestador": guia.name,
                        },
                        "guiaSolicInternacao": "SOL-1",
                        "senha": "S77",
                        "numeroGuiaOperadora": "OP1",
                        "beneficiario": {"numeroCarteira": "0123456789", "atendimentoRN": "N"},
                        "localContratado": {
                            "codigoContratado": {"cnpjLocalExecutante": self.hospital.vat},
                            "nomeContratado": "HOSPITAL FICTICIO SAO JOSE",
                            "cnes": "7654321",
                        },
                        "dadosContratadoExecutante": {
                            "codigonaOperadora": "12345",
                            "cnesContratadoExecutante": "9999999",
                        },
                        "dadosInternacao": dates,
                        "procedimentosRealizados": {
                            "procedimentoRealizado": [
                                {
                                    "sequencialItem": 1,
                                    "dataExecucao": self.day,
                                    "horaInicial": time(8),
                                    "horaFinal": time(10, 30),
                                    "procedimento": self._procedure("31005470", "ITEM 1"),
                                    "quantidadeExecutada": 1,
                                    "viaAcesso": "1",
                                    "tecnicaUtilizada": "2",
                                    "reducaoAcrescimo": Decimal("1.00"),
                                    "valorUnitario": Decimal("1250.00"),
                                    "valorTotal": Decimal("1250.00"),
                                    "profissionais": [doctor, assistant],
                                },
                                {
                                    "sequencialItem": 4,
                                    "dataExecucao": self.day,
                                    "procedimento": self._procedure("31009166", "ITEM 4"),
                                    "quantidadeExecutada": 1,
                                    "viaAcesso": "2",
                                    "tecnicaUtilizada": "1",
                                    "reducaoAcrescimo": Decimal("0.50"),
                                    "valorUnitario": Decimal("633.33"),
                                    "valorTotal": Decimal("316.67"),
                                    "profissionais": [doctor],
                                },
                            ]
                        },
                        "observacao": "CIRURGIA UNICA",
                        "valorTotalHonorarios": Decimal("1566.67"),
                        "dataEmissaoGuia": self.today,
                    },
                )

    def test_honorarios_name_the_hospital_by_its_code_where_there_is_one(self):
        self.hospital.tiss_provider_code = "H55"
        values = self._golden(self._create_honorarios(), "4.03.00")
        local = values["localContratado"]["codigoContratado"]
        self.assertEqual(local, {"codigoNaOperadora": "H55"})

    def test_resumo_de_internacao(self):
        """Every kind of item (guide §3.2):

        3 × 98.76 = 296.28 · diárias 2 × 455.10 = 910.20 · taxa 120.00 · material 2.5 × 3.33 =
        8.325 → 8.33 · medicine 4 × 0.85 = 3.40 · OPME 1,999.99 × 1.10 = 2,199.989 → 2,199.99 ·
        gas 12.5 × 1.07 = 13.375 → 13.38. Together 3,551.58.
        """
        ward = self._term("centroConsumo", "2")
        for version in VERSIONS:
            guia = self._create_internacao(
                self._item(
                    1, "10102019", 98.76, 3, cost_center_id=ward, team=[(self.professional, "12")]
                ),
                self._expense(2, "05", "60000694", 455.10, 2, cost_center_id=ward),
                self._expense(3, "07", "60022965", 120),
                self._expense(4, "03", "70000001", 3.33, 2.5, "19"),
                self._expense(5, "02", "90055888", 0.85, 4, "20"),
                self._expense(6, "08", "70000002", 1999.99, 1, "19", factor=1.1),
                self._expense(7, "01", "60020750", 1.07, 12.5),
                operadora_number="OP2",
                validation_code="TK1",
                authorization_validity_date=self.today,
                observation="Alta com retorno",
            )
            guia.sudo().write(
                {
                    "diagnosis_1": "k80.2",
                    "diagnosis_2": "I10",
                    "declaration_ids": [
                        Command.create({"birth_number": "30123456789"}),
                        Command.create(
                            {"death_cid": "P22.0", "death_number": "301", "is_newborn_death": True}
                        ),
                    ],
                }
            )
            values = self._golden(guia, version)
            expenses = values.pop("outrasDespesas")["despesa"]
            with self.subTest(version):
                center = {"centroConsumo": "2"} if version == "4.03.00" else {}
                self.assertEqual(
                    values,
                    {
                        "cabecalhoGuia": {
                            "registroANS": "326305",
                            "numeroGuiaPrestador": guia.name,
                        },
                        "numeroGuiaSolicitacaoInternacao": "SOL-1",
                        "dadosAutorizacao": {
                            "numeroGuiaOperadora": "OP2",
                            "dataAutorizacao": self.day,
                            "senha": "S123",
                            "dataValidadeSenha": self.today,
                            "codValidacao": "TK1",
                        },
                        "dadosBeneficiario": {
                            "numeroCarteira": "0123456789",
                            "atendimentoRN": "N",
                        },
                        "dadosExecutante": {
                            "contratadoExecutante": {"codigoPrestadorNaOperadora": "12345"},
                            "CNES": "9999999",
                        },
                        "dadosInternacao": {
                            "caraterAtendimento": "1",
                            "tipoFaturamento": "4",
                            "dataInicioFaturamento": self.day,
                            "horaInicioFaturamento": time(8, 30),
                            "dataFinalFaturamento": self.today,
                            "horaFinalFaturamento": time(10, 15),
                            "tipoInternacao": "2",
                            "regimeInternacao": "1",
                            "declaracoes": [
                                {"declaracaoNascido": "30123456789"},
                                {
                                    "diagnosticoObito": "P220",
                                    "declaracaoObito": "301",
                                    "indicadorDORN": "S",
                                },
                            ],
                        },
                        "dadosSaidaInternacao": {
                            "diagnostico": ["K802", "I10"],
                            "indicadorAcidente": "9",
                            "motivoEncerramento": "12",
                        },
                        "procedimentosExecutados": {
                            "procedimentoExecutado": [
                                {
                                    "sequencialItem": 1,
                                    "dataExecucao": self.day,
                                    "procedimento": self._procedure("10102019", "ITEM 1"),
                                    "quantidadeExecutada": 3,
                                    "reducaoAcrescimo": Decimal("1.00"),
                                    "valorUnitario": Decimal("98.76"),
                                    "valorTotal": Decimal("296.28"),
                                    **center,
                                    "identEquipe": [
                                        {
                                            "identificacaoEquipe": {
                                                "grauPart": "12",
                                                "codProfissional": {
                                                    "cpfContratado": self.professional.vat
                                                },
                                                **DOCTOR,
                                            }
                                        }
                                    ],
                                }
                            ]
                        },
                        "valorTotal": {
                            "valorProcedimentos": Decimal("296.28"),
                            "valorDiarias": Decimal("910.20"),
                            "valorTaxasAlugueis": Decimal("120.00"),
                            "valorMateriais": Decimal("8.33"),
                            "valorMedicamentos": Decimal("3.40"),
                            "valorOPME": Decimal("2199.99"),
                            "valorGasesMedicinais": Decimal("13.38"),
                            "valorTotalGeral": Decimal("3551.58"),
                        },
                        "observacao": "ALTA COM RETORNO",
                    },
                )
                self.assertEqual(
                    [row["codigoDespesa"] for row in expenses],
                    ["05", "07", "03", "02", "08", "01"],
                )
                daily = expenses[0]["servicosExecutados"]
                self.assertEqual(daily.get("centroConsumo"), center.get("centroConsumo"))
                self.assertEqual(daily["valorTotal"], Decimal("910.20"))

    def test_odonto(self):
        """85.50 of which the patient pays 25.50, and 2 × 33.33 = 66.66.

        The guia says 152.16 and 25.50; the operadora owes 126.66. US: 45.00 + 20.50 = 65.50.
        """
        for version in VERSIONS:
            guia = self._create_odonto(
                self._item(
                    1, "85100196", 85.50, tooth_id=self._term("28", "36"), faces="MO",
                    us_quantity=45, amount_patient=25.50,
                ),
                self._item(
                    2, "84000198", 33.33, 2, region_id=self._term("42", "AS"), us_quantity=20.5,
                    is_authorized=False,
                ),
                main_number="GTO-1",
                authorization_date=self.day,
                authorization_password="S9",
                authorization_validity_date=self.today,
                operadora_number="OP3",
                no_validation_code_id=self._term("74", "07"),
                employer_name="Padaria Fictícia",
                requester_id=self.professional.id,
                second_professional_id=self.dentist.copy(
                    {"name": "Segundo Dentista", "tiss_council_number": "55"}
                ).id,
                observation="Restauração",
            )  # fmt: skip
            guia.sudo().write(
                {
                    "has_periodontal_disease": True,
                    "initial_note": "Gengivite",
                    "tooth_ids": [
                        Command.create(
                            {
                                "tooth_id": self._term("28", "36"),
                                "condition_id": self._term("44", "C"),
                            }
                        )
                    ],
                }
            )
            with self.subTest(version):
                self.assertEqual(guia.amount_total, 126.66)
                self.assertEqual(
                    self._golden(guia, version),
                    {
                        "registroANS": "326305",
                        "numeroGuiaPrestador": guia.name,
                        "numeroGuiaPrincipal": "GTO-1",
                        "dataAutorizacao": self.day,
                        "senhaAutorizacao": "S9",
                        "validadeSenha": self.today,
                        "numeroGuiaOperadora": "OP3",
                        "ausenciaCodValidacao": "07",
                        "dadosBeneficiario": {
                            "numeroCarteira": "0123456789",
                            "atendimentoRN": "N",
                        },
                        "planoBeneficiario": "PLANO DE TESTE",
                        "nomeEmpresa": "PADARIA FICTICIA",
                        "dadosProfissionaisResponsaveis": {
                            "nomeProfSolic": "MEDICA EXEMPLO",
                            "croSolic": "123456",
                            "ufSolic": "35",
                            "cbosSolic": "225125",
                            "codigoProfExec": "12345",
                            "croExec": "9876",
                            "ufExec": "35",
                            "cnesExec": "9999999",
                            "nomeProfExec2": "SEGUNDO DENTISTA",
                            "croExec2": "55",
                            "ufExec2": "35",
                            "cbosExec2": "223208",
                        },
                        "procedimentosExecutados": [
                            {
                                "sequencialItem": 1,
                                "procSolic": self._procedure("85100196", "ITEM 1"),
                                "denteRegiao": {"codDente": "36"},
                                "denteFace": "MO",
                                "qtdProc": 1,
                                "qtdUS": Decimal("45.00"),
                                "valorProc": Decimal("85.50"),
                                "valorFranquia": Decimal("25.50"),
                                "autorizado": True,
                                "dataRealizacao": self.day,
                            },
                            {
                                "sequencialItem": 2,
                                "procSolic": self._procedure("84000198", "ITEM 2"),
                                "denteRegiao": {"codRegiao": "AS"},
                                "qtdProc": 2,
                                "qtdUS": Decimal("20.50"),
                                "valorProc": Decimal("66.66"),
                                "autorizado": False,
                                "dataRealizacao": self.day,
                            },
                        ],
                        "dataTerminoTrat": self.today,
                        "tipoAtendimento": "1",
                        "tipoFaturamento": "4",
                        "qtdTotalUS": Decimal("65.50"),
                        "valorTotalProc": Decimal("152.16"),
                        "valorTotalFranquia": Decimal("25.50"),
                        "observacao": "RESTAURACAO",
                        "odontoInicial": {
                            "numeroGuiaAnexo": guia.name,
                            "numeroGuiaReferenciada": guia.name,
                            "numeroGuiaOperadora": "OP3",
                            "ct_situacaoInicial": {
                                "situacaoClinica": {
                                    "dentes": [{"elementoDentario": "36", "condicaoClinica": "C"}]
                                },
                                "doencaPeriodontal": True,
                                "alteracaoTecidoMole": False,
                                "observacao": "GENGIVITE",
                            },
                        },
                    },
                )

    def test_a_dentist_alone(self):
        """cbosExec2 is asked for even without a second professional: that of the first."""
        values = self._golden(self._create_odonto(), "4.03.00")
        self.assertEqual(
            values["dadosProfissionaisResponsaveis"],
            {
                "codigoProfExec": "12345",
                "croExec": "9876",
                "ufExec": "35",
                "cnesExec": "9999999",
                "cbosExec2": "223208",
            },
        )
        self.assertNotIn("valorTotalFranquia", values)
        self.assertNotIn("odontoInicial", values)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuiaArithmetic(GuiaTypeCase):
    """To the cent, recomputed with each price and frozen with the lote (guide §3.2, §8.3)."""

    def test_totals_follow_a_price_until_the_lote(self):
        """3 × 98.76 = 296.28, and 455.00; then 3 × 100.01 = 300.03."""
        guia = self._create_internacao()
        self.assertEqual(guia.amount_total, 751.28)
        guia.line_ids[0].unit_price = 100.01
        self.assertEqual(guia.amount_total, 755.03)
        self.assertEqual((guia.amount_procedures, guia.amount_daily), (300.03, 455.00))
        self._send(guia)
        for record, vals in (
            (guia.line_ids[0], {"unit_price": 1}),
            (guia.line_ids[0], {"access_route_id": self._term("61", "1")}),
            (guia, {"start_time": 9}),
            (guia, {"billing_type_id": self._term("55", "1")}),
        ):
            with self.subTest(vals), self.assertRaisesRegex(UserError, "no longer change"):
                record.write(vals)

    def test_what_a_lote_has_of_the_clinic_is_frozen_too(self):
        guia = self._create_internacao()
        guia.sudo().declaration_ids = [Command.create({"birth_number": "1"})]
        tooth = {"tooth_id": self._term("28", "36"), "condition_id": self._term("44", "C")}
        dental = self._create_odonto()
        dental.sudo().tooth_ids = [Command.create(tooth)]
        self._send(guia)
        self._send(dental)
        for row, vals in (
            (guia.sudo().declaration_ids, {"birth_number": "2"}),
            (dental.sudo().tooth_ids, {"tooth_id": self._term("28", "37")}),
        ):
            with self.subTest(row._name):
                with self.assertRaisesRegex(UserError, "no longer change"):
                    row.write(vals)
                with self.assertRaisesRegex(UserError, "no longer change"):
                    row.unlink()
                with self.assertRaisesRegex(UserError, "no longer change"):
                    row.copy()

    def test_the_team_gets_items_of_its_own(self):
        """Surgeon 1,000.00 × 0.50; first assistant 60% of it, 0.30: 300.00; second 40%, 0.20."""
        guia = self._create_honorarios(
            self._item(
                1, "31005470", 1000, factor=0.5,
                team=[(self.professional, "00"), (self.assistant, "01"), (self.dentist, "02")],
            ),
            self._item(5, "31009166", 10, team=[(self.professional, "00")]),
        )  # fmt: skip
        new = guia.line_ids[0].split_team()
        self.assertEqual(guia.line_ids.mapped("sequence_item"), [1, 5, 6, 7])
        self.assertEqual(new.mapped("factor"), [0.3, 0.2])
        self.assertEqual(guia.line_ids.mapped("amount"), [500, 10, 300, 200])
        self.assertEqual(
            guia.line_ids.mapped("member_ids.professional_id"),
            self.professional | self.assistant | self.dentist,
        )
        self.assertEqual([len(line.member_ids) for line in guia.line_ids], [1, 1, 1, 1])
        self.assertFalse(guia.line_ids.split_team())

    def test_the_shares_are_those_of_the_convenio(self):
        """Up to CBHPM 2016 the assistants had 30/20/20/20%, and this scrub nurse gets 12%."""
        self.contract.price_policy_id = self.env["tiss.price.policy"].create(
            {
                "name": "Regra de teste",
                "auxiliary_percents": "30/20/20/20",
                "instrumentator_percent": 12,
                "same_access": "100/60",
            }
        )
        team = [(self.professional, "00"), (self.assistant, "03"), (self.dentist, "05")]
        guia = self._create_honorarios(self._item(1, "31005470", 1000, team=team))
        self.assertEqual(guia.line_ids.split_team().mapped("factor"), [0.2, 0.12])
        line = guia.line_ids[0]
        line.access_route_id = self._term("61", "2")
        line._onchange_access_route_id()
        self.assertEqual(line.factor, 0.6)

    def test_the_factor_follows_access_and_participation_on_the_screen(self):
        """Another access 0.70; its first assistant 60% of that, 0.42; then typed over."""
        guia = self._create_honorarios()
        form = Form(guia)
        with form.line_ids.edit(0) as line:
            line.access_route_id = self.env["tiss.term"]._get("61", "3")
            self.assertEqual(line.factor, 0.7)
            line.participation_id = self.env["tiss.term"]._get("35", "01")
            self.assertEqual(line.factor, 0.42)
            line.factor = 0.4
        form.save()
        self.assertEqual(guia.line_ids.factor, 0.4)
        self.assertEqual(guia.line_ids.member_ids.participation_id.code, "01")

    def test_the_patient_never_pays_more_than_the_item(self):
        guia = self._create_odonto(self._item(1, "81000030", 60, amount_patient=60))
        self.assertEqual(guia.amount_total, 0)
        with self.assertRefused("pays more than it is worth", ValidationError):
            guia.line_ids.amount_patient = 60.01
        with self.assertRefused("never negative", ValidationError):
            guia.line_ids.amount_patient = -1


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuiaCompleteness(GuiaTypeCase):
    """What is missing is told before any XML exists, box by box."""

    def test_complete_guias_miss_nothing(self):
        for guia_type in ("consulta", "sp_sadt", *NEW_TYPES):
            with self.subTest(guia_type):
                self.assertFalse(self._create_by_type(guia_type).problems)

    def test_what_is_typed_whole_is_ready_at_once(self):
        with Form(self.env["tiss.guia"]) as form:
            form.contract_id = self.contract
            form.guia_type = "sp_sadt"
            form.patient_id = self.patient
            form.professional_id = self.professional
            with form.line_ids.new() as line:
                line.product_id = self.products[ECG]
        self.assertFalse(form.record.problems)
        self.assertEqual(form.record.state, "ready")

    def test_passing_by_another_type_leaves_nothing_of_it(self):
        with Form(self.env["tiss.guia"]) as form:
            form.contract_id = self.contract
            form.guia_type = "consulta"
            form.patient_id = self.patient
            form.professional_id = self.professional
            self.assertEqual(form.consultation_type_id.code, "1")
            form.guia_type = "sp_sadt"
            self.assertFalse(form.consultation_type_id)
            self.assertEqual(form.regime_id.code, "01")

    def test_an_empty_guia_names_every_box(self):
        missing = {
            "consulta": ["Accident", "Regime", "Consultation Type"],
            "sp_sadt": ["Accident", "Regime", "Character", "Attendance Type"],
            "honorarios": [
                "Request No.", "Hospital", "Billed From", "Billed Until", "Issued On", "Character",
            ],
            "resumo_internacao": [
                "Request No.", "Authorization Date", "Password", "Character", "Billing",
                "Billed From", "Billed Until", "Hospitalisation", "Hospitalisation Regime",
                "Accident", "End of Care",
            ],
            "odonto": ["Kind of Treatment", "Billing"],
        }  # fmt: skip
        for guia_type, labels in missing.items():
            guia = self._create_guia(guia_type, professional_id=self.dentist.id)
            with self.subTest(guia_type):
                sentences = [f"Fill in: {label}." for label in labels]
                self.assertEqual(guia.problems.split("\n"), [*sentences, "The guia has no items."])

    def test_each_line_opens_what_has_to_be_filled_in(self):
        guia = self._create_honorarios(hospital_id=False)
        self.professional.tiss_cbo_id = False
        self.assertIn('<label class="o_form_label" for="hospital_id_0">', guia.problem_links)
        self.assertIn(f'href="/odoo/res.partner/{self.professional.id}"', guia.problem_links)
        guia.line_ids.quantity = 1000
        self.assertIn(f'href="/odoo/tiss.guia.line/{guia.line_ids.id}"', guia.problem_links)

    def test_names_are_no_markup(self):
        self.professional.write({"name": "<b>Ana</b>", "tiss_cbo_id": False})
        guia = self._create_by_type("sp_sadt")
        self.assertIn("&lt;b&gt;Ana", guia.problem_links)

    def _assert_problem(self, guia, words):
        self.assertRegex(guia.problems or "", words)
        with self.assertRaisesRegex(UserError, words):
            guia.action_check()
        with self.assertRaisesRegex(UserError, words):
            guia.create_lotes()

    def test_team(self):
        nobody = [self._item(1, "31005470", 10)]
        self._assert_problem(self._create_honorarios(*nobody), "say who did it")
        roleless = [self._item(1, "31005470", 10, team=[(self.professional, None)])]
        self._assert_problem(self._create_honorarios(*roleless), "choose the participation")
        self._assert_problem(self._create_internacao(*roleless), "choose the participation")
        self.assertFalse(self._create_by_type("sp_sadt", line_ids=roleless).problems)
        two = [self._item(1, ECG, 10, team=[(self.professional, "00"), (self.assistant, None)])]
        self._assert_problem(
            self._create_by_type("sp_sadt", line_ids=two), "choose the participation"
        )

    def test_team_without_cbo_or_cpf(self):
        self.assistant.write({"tiss_cbo_id": False, "vat": False})
        team = [(self.professional, "00"), (self.assistant, "01")]
        for create in (self._create_honorarios, self._create_internacao):
            guia = create(self._item(1, "31005470", 10, team=team))
            self._assert_problem(guia, "Auxiliar Exemplo lacks: CBO, CPF or code")

    def test_dates_out_of_order(self):
        yesterday, tomorrow = self.day, self.today.replace(year=self.today.year + 1)
        for create in (self._create_honorarios, self._create_internacao):
            with self.subTest(create.__name__):
                guia = create(start_date=self.today, end_date=yesterday)
                self._assert_problem(guia, "ends before it starts")
                self._assert_problem(create(end_date=tomorrow), "ends in the future")
        guia = self._create_internacao(end_date=self.day, start_time=10, end_time=9.5)
        self._assert_problem(guia, "ends before it starts")
        guia = self._create_internacao(
            authorization_date=self.today, authorization_validity_date=self.day
        )
        self._assert_problem(guia, "expires before the day")
        guia = self._create_odonto(treatment_end_date=tomorrow)
        self._assert_problem(guia, "treatment ends in the future")
        guia = self._create_odonto(self._item(1, "81000030", 60, date=self.today))
        guia.treatment_end_date = self.day
        self._assert_problem(guia, "after the treatment ended")

    def test_items_outside_the_hospitalisation(self):
        for create in (self._create_honorarios, self._create_internacao):
            guia = create(start_date=self.today, end_date=self.today)
            self._assert_problem(guia, "outside the billed period")

    def test_an_item_before_the_birth(self):
        self.patient.tiss_birth_date = self.today
        self._assert_problem(self._create_odonto(), "before the patient was born")

    def test_reasons_of_the_end(self):
        guia = self._create_by_type("sp_sadt", discharge_reason_id=self._term("39", "12"))
        self._assert_problem(guia, "only when the patient died")
        guia = self._create_internacao(billing_type_id=self._term("55", "1"))
        self._assert_problem(guia, "reasons 21 to 28")
        guia = self._create_internacao(discharge_reason_id=self._term("39", "41"))
        self._assert_problem(guia, "asks for its declaration")
        guia.sudo().declaration_ids = [Command.create({"death_number": "301"})]
        self.assertFalse(guia.problems)
        guia = self._create_odonto(billing_type_id=self._term("55", "2"))
        self._assert_problem(guia, "in part or in total")

    def test_cids_and_declarations(self):
        guia = self._create_internacao()
        guia.sudo().diagnosis_1 = "ABCDE"
        self._assert_problem(guia, "A CID is a letter")
        self.assertNotIn("ABCD", guia.problems)
        for row, words in (
            ({"birth_number": "30-1"}, "letters and digits"),
            ({"death_cid": "P22.0"}, "has no number"),
            ({"death_cid": "9", "death_number": "1"}, "A CID is a letter"),
        ):
            guia = self._create_internacao()
            guia.sudo().declaration_ids = [Command.create(row)]
            self._assert_problem(guia, words)
        guia = self._create_internacao()
        guia.sudo().declaration_ids = [
            Command.create({"birth_number": str(number)}) for number in range(9)
        ]
        self._assert_problem(guia, "eight declarations")

    def test_teeth_regions_and_faces(self):
        tooth, region = self._term("28", "36"), self._term("42", "AS")
        for vals, words in (
            ({"tooth_id": tooth, "region_id": region}, "tooth or the region"),
            ({"tooth_id": tooth, "faces": "MX"}, "faces are letters"),
            ({"region_id": region, "faces": "M"}, "choose the tooth"),
            ({"quantity": 100}, "at most 99"),
        ):
            guia = self._create_odonto(self._item(1, "81000030", 1, **{"quantity": 1, **vals}))
            with self.subTest(vals):
                self._assert_problem(guia, words)

    def test_a_dentist_has_a_cro(self):
        guia = self._create_odonto(professional_id=self.professional.id)
        self._assert_problem(guia, "not registered with a CRO")

    def test_expenses_only_where_they_belong(self):
        expense = self._expense(2, "07", "60022965", 18)
        for guia_type in ("consulta", "honorarios", "odonto"):
            guia = self._create_by_type(guia_type)
            guia.line_ids = [expense]
            with self.subTest(guia_type):
                self._assert_problem(guia, "procedures alone")

    def test_honorarios_need_a_code(self):
        """Guide §3.6: the executant is named by its code, nothing else."""
        self.contract.write({"identification_kind": "cnpj", "provider_code": False})
        self._assert_problem(self._create_honorarios(), "by its code at the operadora")

    def test_hospital(self):
        self.hospital.write({"tiss_cnes": False, "vat": False, "name": "病院"})
        guia = self._create_honorarios()
        self._assert_problem(guia, "lacks: Name, CNES, CNPJ or code")

    def test_token_and_its_reason(self):
        for guia_type in ("consulta", "sp_sadt", "resumo_internacao", "odonto"):
            guia = self._create_by_type(
                guia_type, validation_code="1", no_validation_code_id=self._term("74", "01")
            )
            with self.subTest(guia_type):
                self._assert_problem(guia, "keep one")

    def test_unknown_terms(self):
        """A file or a script may choose a term of another table; no message is made of it."""
        wrong = self._term("24", "225125")
        for guia_type, name in (
            ("consulta", "regime_id"),
            ("sp_sadt", "attendance_type_id"),
            ("resumo_internacao", "hospitalization_type_id"),
            ("honorarios", "care_character_id"),
            ("odonto", "dental_type_id"),
        ):
            with self.subTest(guia_type):
                guia = self._create_by_type(guia_type, **{name: wrong})
                self._assert_problem(guia, "not a value of the ANS table")
        guia = self._create_odonto(self._item(1, "81000030", 60, tooth_id=wrong))
        self._assert_problem(guia, "not a value of the ANS table")

    def test_zero_and_negative_values(self):
        """Zero is legal (guide §3.2); what is negative never comes into a guia."""
        for guia_type in ("sp_sadt", *NEW_TYPES):
            guia = self._create_by_type(guia_type)
            with self.subTest(guia_type):
                for vals in ({"unit_price": -1}, {"quantity": 0}, {"quantity": -1}, {"factor": 0}):
                    with self.assertRefused("above zero", ValidationError):
                        guia.line_ids[0].write(vals)
                guia.line_ids.unit_price = 0
                self._decode(self._send(guia))

    def test_numbers_too_large(self):
        team = [(self.professional, "00")]
        for vals, words in (
            ({"quantity": 1000}, "at most 999"),
            ({"quantity": 1.5}, "whole number"),
            ({"factor": 10}, "at most 9.99"),
            ({"unit_price": 100_000_000}, "too large"),
        ):
            vals = {"unit_price": 1, "quantity": 1, **vals}
            guia = self._create_honorarios(
                self._item(1, "31005470", vals.pop("unit_price"), vals.pop("quantity"),
                           team=team, **vals)
            )  # fmt: skip
            with self.subTest(words):
                self._assert_problem(guia, words)
        big = [self._item(number, "31005470", 60_000_000, team=team) for number in (1, 2)]
        self._assert_problem(self._create_honorarios(*big), "total is too large")
        many = [self._expense(1, "03", "70000001", 1, 100_000, "19")]
        self._assert_problem(self._create_internacao(*many), "at most 99999.9999")
        units = [self._item(1, "81000030", 1, us_quantity=100_000)]
        self._assert_problem(self._create_odonto(*units), "too many US")
        # The patient pays a part of it, but the guia says it whole.
        dear = self._item(1, "81000030", 100_000_000, amount_patient=50_000_000)
        self._assert_problem(self._create_odonto(dear), "too large")

    def test_texts(self):
        """2,000 characters, emoji, dashes and other scripts: cut and spelled as documented."""
        long = "Ação – “teste” 😀 " * 120
        for guia_type in ("consulta", "sp_sadt", *NEW_TYPES):
            guia = self._create_by_type(guia_type, observation=long)
            guia.line_ids.description = long
            [values] = self._decode(self._send(guia))
            with self.subTest(guia_type):
                self.assertTrue(values["observacao"].startswith('ACAO - "TESTE" ACAO'))
                self.assertLessEqual(len(values["observacao"]), 500)
        guia = self._create_honorarios()
        guia.line_ids.description = "😀"
        self._assert_problem(guia, "no description")

    def test_names_that_cannot_be_spelled(self):
        self.plan.name = "計画"
        self._assert_problem(self._create_odonto(), "name of the plan")
        self.dentist.name = "Дент"
        self._assert_problem(self._create_odonto(), "lacks: Name")

    def test_a_number_that_cannot_be_sent(self):
        """Numbers are not spelled in another way: they would no longer be those numbers."""
        names = ["main_number", "operadora_number", "authorization_password", "validation_code"]
        for name in [*names, "card_number"]:
            for text in ("SOL–1", "S😀", "a\nb", " "):
                guia = self._create_honorarios(**{name: text})
                with self.subTest(name, text=text):
                    self._assert_problem(guia, "has a character that cannot be sent")
        self._assert_problem(self._create_honorarios(main_number="SOL–1"), "Request No. has a")
        self._assert_problem(self._create_honorarios(card_number="1" * 21), "is too long")
        self.assertFalse(self._create_honorarios(main_number="SOLICITAÇÃO-1/26").problems)

    def test_an_item_that_no_message_can_name(self):
        for vals in ({"table_code": "05"}, {"code": "4010–1010"}, {"code": ""}, {"code": "😀"}):
            guia = self._create_by_type("sp_sadt")
            guia.line_ids[0].write(vals)
            with self.subTest(vals):
                self._assert_problem(guia, "its table or its code cannot be sent")
        for number in (0, -1, 10_000):
            guia = self._create_by_type("sp_sadt")
            guia.line_ids[0].sequence_item = number
            with self.subTest(number):
                self._assert_problem(guia, "the number of an item goes from 1 to 9999")

    def test_people_and_clinic_that_no_message_can_name(self):
        guia = self._create_by_type("sp_sadt", professional_id=self.assistant.id)
        for record, vals, words in (
            (self.assistant, {"tiss_council_number": "7–7"}, "Council Number has a character"),
            (self.assistant, {"tiss_council_number": "7" * 16}, "Council Number is too long"),
            (self.company, {"tiss_cnes": False}, "Fill in: CNES"),
            (self.company, {"tiss_cnes": "CNES–1"}, "CNES has a character"),
            (self.contract, {"provider_code": "1😀"}, "Registration has a character"),
            (self.company, {"name": "診療所"}, "requester's name cannot be sent"),
        ):
            before = {name: record[name] for name in vals}
            with self.subTest(words):
                record.sudo().write(vals)
                guia.invalidate_recordset(["problems"])
                self._assert_problem(guia, words)
            record.sudo().write(before)
        guia.invalidate_recordset(["problems"])
        self.assertFalse(guia.problems)

    def test_a_total_of_us_too_large(self):
        """Each of eleven items fits qtdUS, dec(7,2); their sum does not fit qtdTotalUS, dec(8,2)"""
        items = [self._item(n, "81000030", 1, us_quantity=99_999.99) for n in range(1, 12)]
        self._assert_problem(self._create_odonto(*items), "total of US is too large")

    def test_an_absurd_number_is_refused_in_words(self):
        guia = self._create_by_type("sp_sadt")
        guia.line_ids[0].unit_price = 1e26
        self._assert_problem(guia, "too large for a guia")

    def test_a_thousand_items(self):
        items = [self._expense(n, "03", "70000001", 0.01, 1, "19") for n in range(1, 1001)]
        guia = self._create_internacao(*items)
        [values] = self._decode(self._send(guia))
        self.assertEqual(len(values["outrasDespesas"]["despesa"]), 1000)
        self.assertEqual(values["valorTotal"]["valorMateriais"], Decimal("10.00"))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuiaByHand(GuiaTypeCase):
    """A biller types guias that no encounter makes; the operadora takes them and answers."""

    def test_new_by_type(self):
        biller = self._create_user("tipos.faturista", "billing")
        Guia = self.env["tiss.guia"].with_user(biller)
        for guia_type in NEW_TYPES:
            with self.subTest(guia_type):
                form = Form(Guia)
                form.guia_type = guia_type
                form.contract_id = self.contract
                form.patient_id = self.patient
                self.assertEqual(form.card_id, self.card)
                form.professional_id = self.dentist
                if guia_type == "odonto":
                    form.treatment_end_date = self.today
                else:
                    form.main_number = "SOL-1"
                    form.start_date = form.end_date = self.visit_date
                    self.assertEqual(form.care_character_id.code, "1")
                if guia_type == "honorarios":
                    form.hospital_id = self.hospital
                if guia_type == "resumo_internacao":
                    form.authorization_date = self.visit_date
                    form.authorization_password = "S1"
                    form.hospitalization_type_id = self.env["tiss.term"]._get("57", "1")
                    form.discharge_reason_id = self.env["tiss.term"]._get("39", "12")
                    form.end_time = 12
                with form.line_ids.new() as line:
                    line.product_id = self.products[ECG]
                    if guia_type == "honorarios":
                        self.assertEqual(line.performer_id, self.dentist)
                        line.participation_id = self.env["tiss.term"]._get("35", "12")
                with form.line_ids.new() as line:
                    line.product_id = self.products[BLOOD_COUNT]
                    if guia_type == "honorarios":
                        line.participation_id = self.env["tiss.term"]._get("35", "12")
                guia = form.save()
                self.assertEqual(guia.line_ids.mapped("sequence_item"), [1, 2])
                self.assertEqual(guia.amount_total, 74.43)  # 41.10 + 33.33
                self.assertFalse(guia.problems)
                guia.action_check()
                self.assertEqual(guia.state, "ready")
                self._decode(self._send(guia))

    def test_lotes_hold_one_type(self):
        guias = self.env["tiss.guia"].union(*(self._create_by_type(each) for each in NEW_TYPES))
        guias.action_check()
        lotes = guias.create_lotes()
        self.assertEqual(sorted(lotes.mapped("guia_type")), sorted(NEW_TYPES))
        self.assertEqual(lotes.mapped("guia_count"), [1, 1, 1])

    def test_a_larger_lote_takes_no_more_queries(self):
        for guia_type in NEW_TYPES:
            counts = []
            for size in (1, 2, 6):  # the first one fills the caches of the process
                guias = self.env["tiss.guia"].union(
                    *(self._create_by_type(guia_type) for _guia in range(size))
                )
                guias.action_check()
                lote = guias.create_lotes()
                self.env.flush_all()
                self.env.invalidate_all()
                start = self.env.cr.sql_log_count
                lote.build()
                self.env.flush_all()
                counts.append(self.env.cr.sql_log_count - start)
            with self.subTest(guia_type):
                self.assertEqual(counts[1], counts[2])

    def test_the_operadora_takes_them(self):
        """Old version first, unanswered; what the operadora says of the new one is booked."""
        for version in VERSIONS:
            self.contract.version = version
            operadora = self._simulate()
            for guia_type in NEW_TYPES:
                with self.subTest(f"{guia_type} {version}"):
                    lote = self._send(self._create_by_type(guia_type))
                    answer = operadora.receive(lote.get_xml(), self.today)
                    self.assertIn(b"<ans:numeroProtocolo>", answer)
                    if version == "4.03.00":
                        self.env["tiss.message"].receive_file("protocolo.xml", answer)
                        self.assertEqual(lote.state, "received")
                        self.assertEqual(lote.invoice_id.amount_total, lote.amount_total)

    def test_analysis_of_honorarios_and_internacao(self):
        """The analysis finds guia and item by their numbers, whatever the type.

        Dentists are answered by a demonstrativo of their own.
        """
        for number, guia_type in enumerate(("honorarios", "resumo_internacao")):
            lote = self._send(self._create_by_type(guia_type))
            lote.send()
            lote.register_protocol(f"90{number}", self.today)
            guia = lote.guia_ids
            released = {(guia.name, line.sequence_item): line.amount for line in guia.line_ids}
            released[guia.name, 1] = (10.00, "1705")
            content = analysis_message(lote, released, f"D{number}")
            demonstrativo = self.env["tiss.message"].receive_file(f"{number}.xml", content)
            demonstrativo.post()
            with self.subTest(guia_type):
                denied = guia.line_ids[0].amount - 10
                self.assertEqual(guia.glosa_ids.mapped("amount"), [denied])
                self.assertEqual(guia.state, "processed")
        self.assertLedgerSound()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuiaClinical(GuiaTypeCase):
    """Diagnoses, births, deaths and teeth: in the message, and for clinical people alone."""

    SECRET = "Z99.9"

    def setUp(self):
        super().setUp()
        self.guia = self._create_internacao()
        self.dental = self._create_odonto()
        self.guia.sudo().write(
            {
                "diagnosis_1": self.SECRET,
                "declaration_ids": [Command.create({"birth_number": "30777"})],
            }
        )
        self.dental.sudo().write(
            {
                "initial_note": self.SECRET,
                "tooth_ids": [
                    Command.create(
                        {
                            "tooth_id": self._term("28", "36"),
                            "condition_id": self._term("44", "C"),
                        }
                    )
                ],
            }
        )

    def _hidden(self):
        """(records, fields that only clinical people see)"""
        return [
            (self.guia, [f"diagnosis_{number}" for number in (1, 2, 3, 4)] + ["declaration_ids"]),
            (
                self.dental,
                ["tooth_ids", "initial_note", "has_periodontal_disease", "has_soft_tissue_change"],
            ),
            (
                self.guia.sudo().declaration_ids.sudo(False),
                ["birth_number", "death_cid", "death_number", "is_newborn_death"],
            ),
            (self.dental.sudo().tooth_ids.sudo(False), ["tooth_id", "condition_id"]),
        ]

    def test_who_may_not_see_them_does_not_take_them_away(self):
        biller = self._create_user("clinico.tira", "billing")
        declaration = self.guia.sudo().declaration_ids.with_user(biller)
        tooth = self.dental.sudo().tooth_ids.with_user(biller)
        for part in (declaration, tooth):
            with self.subTest(part._name):
                other = self._create_internacao()
                for change in (
                    part.unlink,
                    lambda part=part, other=other: part.write({"guia_id": other.id}),
                ):
                    with self.assertRefused("clinical information", AccessError):
                        change()
        with self.assertRefused("clinical information", AccessError):
            declaration.create({"guia_id": self.guia.id})

    def test_hidden_from_everybody_else(self):
        for role in ("reception", "billing", "manager"):
            user = self._create_user(f"clinico.{role}", role)
            for records, names in self._hidden():
                self.env.invalidate_all()
                mine = records.with_user(user)
                for name in names:
                    with self.subTest(name, role=role):
                        self.assertNotIn(name, mine.fields_get())
                        with self.assertRaises(AccessError):
                            mine.read([name])
                        with self.assertRaises(AccessError):
                            mine.search([(name, "=", 1)])
                        with self.assertRaises(AccessError), mute_logger("odoo.models"):
                            mine.write({name: False})

    def test_seen_by_clinical_people(self):
        doctor = self._create_user("clinico.medico", "billing", "clinical")
        for records, names in self._hidden():
            self.assertEqual(len(records.with_user(doctor).read(names)), 1)
        values = self.guia.with_user(doctor).get_tiss_values()
        self.assertEqual(values["dadosSaidaInternacao"]["diagnostico"], ["Z999"])

    def test_a_biller_sends_them_unseen(self):
        biller = self._create_user("clinico.envio", "billing")
        for guia in (self.guia, self.dental):
            values = guia.with_user(biller).get_tiss_values()
            for secret in ("Z999", "Z99.9", "30777", "codicaoClinica"):
                self.assertNotIn(secret, str(values))
        lote = self._send(self.guia.with_user(biller))
        [values] = self._decode(lote)
        self.assertEqual(values["dadosSaidaInternacao"]["diagnostico"], ["Z999"])
        self.assertEqual(values["dadosInternacao"]["declaracoes"], [{"declaracaoNascido": "30777"}])
        [values] = self._decode(self._send(self.dental.with_user(biller)))
        self.assertIn("odontoInicial", values)

    def test_a_copy_does_not_carry_them(self):
        copy = self.guia.copy().sudo()
        self.assertFalse(copy.diagnosis_1 or copy.declaration_ids)
        self.assertFalse(self.dental.copy().sudo().tooth_ids)
