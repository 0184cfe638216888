from decimal import Decimal

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, ROOM_FEE, TissCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuia(TissCommon):
    """Guias from encounters: type, numbers, values of the message, arithmetic, freezing."""

    def test_lone_consultation_is_a_guia_de_consulta(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        self.assertEqual(guia.guia_type, "consulta")
        self.assertEqual(guia.state, "ready")
        self.assertEqual(guia.encounter_id.state, "billed")
        self.assertEqual(guia.amount_total, 150.00)

    def test_everything_else_is_sp_sadt(self):
        visits = [
            {CONSULTATION: 1, DIPYRONE: 1},  # a consultation with an expense
            {CONSULTATION: 1, ECG: 1},  # a consultation with a procedure
            {BLOOD_COUNT: 1},
        ]
        guias = self._create_encounters(*visits).create_guias()
        self.assertEqual(set(guias.mapped("guia_type")), {"sp_sadt"})

    def test_an_urgent_consultation_is_sp_sadt(self):
        urgent = self.env["tiss.term"]._get("23", "2")
        guia = self._create_encounters(CONSULTATION, care_character_id=urgent.id).create_guias()
        self.assertEqual(guia.guia_type, "sp_sadt")

    def test_numbers_follow_the_contract(self):
        self.contract.next_guia_number = 501
        guias = self._create_encounters(CONSULTATION, ECG, CONSULTATION).create_guias()
        self.assertEqual(sorted(guias.mapped("name")), ["501", "502", "503"])
        self.assertEqual(self.contract.next_guia_number, 504)

    def test_numbers_follow_the_dates(self):
        later = self._create_encounters(CONSULTATION, date=self.today)
        earlier = self._create_encounters(CONSULTATION)
        (later | earlier).create_guias()
        self.assertLess(earlier.guia_ids.number, later.guia_ids.number)

    def test_consulta_values(self):
        """The message of guide Appendix C, from records."""
        guia = self._create_encounters(CONSULTATION).create_guias()
        self.assertEqual(
            self._without_empty(guia.get_tiss_values()),
            {
                "cabecalhoConsulta": {"registroANS": "326305", "numeroGuiaPrestador": guia.name},
                "dadosBeneficiario": {"numeroCarteira": "0123456789", "atendimentoRN": "N"},
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
                    "regimeAtendimento": "01",
                    "dataAtendimento": self.visit_date,
                    "tipoConsulta": "1",
                    "procedimento": {
                        "codigoTabela": "22",
                        "codigoProcedimento": "10101012",
                        "valorProcedimento": Decimal("150.00"),
                    },
                },
            },
        )

    def test_sp_sadt_totals_by_kind(self):
        """3 × 33.33 = 99.99; 2 × 7.45 = 14.90; 1 × 18.00; together 132.89 (guide §3.2)."""
        visit = {BLOOD_COUNT: 3, DIPYRONE: 2, ROOM_FEE: 1}
        guia = self._create_encounters(visit).create_guias()
        self.assertEqual(
            guia.get_tiss_values()["valorTotal"],
            {
                "valorProcedimentos": Decimal("99.99"),
                "valorMedicamentos": Decimal("14.90"),
                "valorTaxasAlugueis": Decimal("18.00"),
                "valorTotalGeral": Decimal("132.89"),
            },
        )
        self.assertEqual(guia.amount_total, 132.89)

    def test_factor_rounds_half_up(self):
        """3 × 33.33 × 0.50 = 49.995 → 50.00"""
        encounter = self._create_encounters({BLOOD_COUNT: 3}, done=False)
        encounter.line_ids.factor = 0.5
        encounter.action_done()
        self.assertEqual(encounter.create_guias().line_ids.amount, 50.00)

    def test_items_are_numbered_over_procedures_and_expenses(self):
        guia = self._create_encounters({BLOOD_COUNT: 1, DIPYRONE: 1, ECG: 1}).create_guias()
        values = guia.get_tiss_values()
        executed = values["procedimentosExecutados"]["procedimentoExecutado"]
        expenses = values["outrasDespesas"]["despesa"]
        items = [row["sequencialItem"] for row in executed + expenses]
        self.assertEqual(sorted(items), [1, 2, 3])

    def test_team_member_of_each_procedure(self):
        helper = self._create_professional("Auxiliar Exemplo", "777")
        encounter = self._create_encounters({ECG: 1}, done=False)
        first = self.env["tiss.term"]._get("35", "01")
        encounter.line_ids.write({"professional_id": helper.id, "participation_id": first.id})
        encounter.action_done()
        values = encounter.create_guias().get_tiss_values()
        [member] = values["procedimentosExecutados"]["procedimentoExecutado"][0]["equipeSadt"]
        self.assertEqual(member["grauPart"], "01")
        self.assertEqual(member["numeroConselhoProfissional"], "777")
        self.assertEqual(member["codProfissional"], {"cpfContratado": helper.vat})

    def test_unknown_requester_gets_fourteen_nines(self):
        outsider = self._create_professional("Solicitante Exemplo", "888")
        outsider.write({"tiss_is_professional": False, "tiss_is_referrer": True})
        guia = self._create_encounters({ECG: 1}, requester_id=outsider.id).create_guias()
        requester = guia.get_tiss_values()["dadosSolicitante"]
        code = requester["contratadoSolicitante"]["codigoPrestadorNaOperadora"]
        self.assertEqual(code, "9" * 14)
        self.assertEqual(requester["nomeContratadoSolicitante"], "SOLICITANTE EXEMPLO")

    def test_incomplete_professional_keeps_the_guia_in_draft(self):
        self.professional.tiss_cbo_id = False
        guia = self._create_encounters(CONSULTATION).create_guias()
        self.assertEqual(guia.state, "draft")
        self.assertIn("CBO", guia.problems)
        with self.assertRaisesRegex(UserError, "CBO"):
            guia.create_lotes()
        self.professional.tiss_cbo_id = self.env["tiss.term"]._get("24", "225125")
        guia.action_check()
        self.assertEqual(guia.state, "ready")

    def test_content_is_frozen_in_a_lote(self):
        guia = self._create_lote(CONSULTATION).guia_ids
        with self.assertRaisesRegex(UserError, "can no longer change"):
            guia.observation = "depois"
        with self.assertRaisesRegex(UserError, "can no longer change"):
            guia.line_ids.unit_price = 1

    def test_editing_a_ready_guia_checks_it_again(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        guia.write({"line_ids": [Command.clear()]})
        self.assertEqual(guia.state, "draft")

    def test_cancelled_guia_frees_the_visit_but_not_the_number(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        guia.action_cancel()
        self.assertEqual(guia.encounter_id.state, "done")
        second = guia.encounter_id.create_guias()
        self.assertEqual(second.number, guia.number + 1)

    def _without_empty(self, values):
        """The dict as the codec sees it: None means absent."""
        if not isinstance(values, dict):
            return values
        return {
            key: self._without_empty(value) for key, value in values.items() if value is not None
        }
