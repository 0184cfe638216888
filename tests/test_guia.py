from decimal import Decimal
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, ROOM_FEE, TissCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGuia(TissCommon):
    """Guias from encounters: type, numbers, values of the message, arithmetic, freezing."""

    def test_lone_consultation_is_a_guia_de_consulta(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        self.assertEqual(guia.guia_type, "consulta")
        self.assertEqual(guia.state, "ready")
        self.assertEqual(guia.encounter_ids.state, "billed")
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

    def test_numbers_of_a_batch_are_taken_at_once(self):
        vals = self._create_encounters(CONSULTATION).create_guias().copy_data()[0]
        takes = []
        take = type(self.contract)._take_numbers

        def counted(contract, field, count=1):
            takes.append((contract, field, count))
            return take(contract, field, count)

        with patch.object(type(self.contract), "_take_numbers", counted):
            guias = self.env["tiss.guia"].create([dict(vals) for _copy in range(3)])
        self.assertEqual(takes, [(self.contract, "next_guia_number", 3)])
        self.assertEqual(guias.mapped("number"), [2, 3, 4])

    def test_nobody_types_the_number_of_a_guia(self):
        vals = self._create_encounters(CONSULTATION).create_guias().copy_data()[0]
        for chosen in ({"name": "77"}, {"number": 77}):
            with self.subTest(chosen), self.assertRefused("number of a guia comes from"):
                self.env["tiss.guia"].create({**vals, **chosen})
        self.assertEqual(self.env["tiss.guia"].create(vals).name, "2")

    def test_a_copy_is_a_new_guia_without_the_encounter(self):
        guia = self._create_encounters({ECG: 1, DIPYRONE: 2}).create_guias()
        copy = guia.copy()
        self.assertEqual((copy.name, copy.state), ("2", "draft"))
        self.assertFalse(copy.encounter_ids)
        self.assertEqual(guia.encounter_ids.guia_ids, guia)
        self.assertEqual(copy.line_ids.mapped("code"), guia.line_ids.mapped("code"))
        self.assertEqual(
            copy.line_ids.member_ids.professional_id, guia.line_ids.member_ids.professional_id
        )
        self.assertTrue(copy.line_ids.member_ids.professional_id)

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

    def test_indication_is_only_for_who_may_see_it(self):
        encounter = self._create_encounters({ECG: 1})
        encounter.sudo().clinical_indication = "Dor no peito"
        guia = encounter.create_guias()
        self.assertIsNone(guia.get_tiss_values()["dadosSolicitacao"]["indicacaoClinica"])
        doctor = self._create_user("indicacao.medico", "reception", "clinical")
        values = guia.with_user(doctor).get_tiss_values()
        self.assertEqual(values["dadosSolicitacao"]["indicacaoClinica"], "DOR NO PEITO")

    def test_typed_price_is_the_price_billed(self):
        """The list says 41.10; somebody types 50.00 in the form before saving."""
        form = Form(self.env["tiss.encounter"])
        form.patient_id = self.patient
        form.professional_id = self.professional
        form.date = self.visit_date
        with form.line_ids.new() as line:
            line.product_id = self.products[ECG]
            line.unit_price = 50.00
        encounter = form.save()
        encounter.action_done()
        self.assertEqual(encounter.line_ids.amount, 50.00)
        values = encounter.create_guias().get_tiss_values()
        executed = values["procedimentosExecutados"]["procedimentoExecutado"][0]
        self.assertEqual(executed["valorTotal"], Decimal("50.00"))

    def test_money_of_an_item_cannot_be_given(self):
        guia = self._create_encounters({ECG: 1}).create_guias()
        for vals in ({"amount": 777}, {"amount_paid": 5}):
            with self.subTest(vals), self.assertRefused("only by movements"):
                guia.line_ids.write(vals)
            line = {"sequence_item": 9, "date": self.visit_date, "table_code": "22",
                    "code": ECG, "description": "ECG", "unit_price": 1}  # fmt: skip
            with self.subTest(vals), self.assertRefused("only by movements"):
                guia.write({"line_ids": [Command.create({**line, **vals})]})

    def test_card_of_another_patient_is_a_problem(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        guia.patient_id = self.env["res.partner"].create({"name": "Outro Fictício"})
        self.assertEqual(guia.state, "draft")
        self.assertIn("another patient", guia.problems)

    def test_missing_terms_are_named(self):
        guia = self._create_encounters({ECG: 1}).create_guias()
        guia.write({"care_character_id": False, "regime_id": False})
        self.assertEqual(guia.state, "draft")
        self.assertEqual(guia.problems, "Fill in: Regime.\nFill in: Character.")

    def test_without_a_requester_the_professional_is_it(self):
        guia = self._create_encounters({ECG: 1}).create_guias()
        self.assertFalse(guia.requester_id)
        requester = guia.get_tiss_values()["dadosSolicitante"]["profissionalSolicitante"]
        self.assertEqual(requester["nomeProfissional"], "MEDICA EXEMPLO")

    def test_price_that_came_after_the_visit_is_found(self):
        self.contract.pricelist_id.item_ids.unlink()
        encounter = self._create_encounters({ECG: 1})
        with self.assertRaisesRegex(UserError, "has no price"):
            encounter.create_guias()
        self._price(self.contract, {ECG: 60.00})
        self.assertEqual(encounter.create_guias().amount_total, 60.00)

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

    def test_check_of_many_keeps_what_is_ready(self):
        """What is missing in one guia is said, and holds up no other; a lote is left alone."""
        gone = self._create_lote(CONSULTATION).guia_ids
        self.professional.tiss_cbo_id = False
        good, empty = (self._create_encounters(CONSULTATION).create_guias() for _each in range(2))
        self.professional.tiss_cbo_id = self.env["tiss.term"]._get("24", "225125")
        empty.line_ids.unlink()
        shown = (gone | good | empty).action_check()["params"]
        self.assertEqual((good.state, empty.state, gone.state), ("ready", "draft", "in_lote"))
        self.assertIn(f"{empty.name}: The guia has no items.", shown["message"])
        self.assertIn("1 ready, 1 with something missing", shown["title"])

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
        guia.cancel("Typed twice")
        self.assertEqual(guia.encounter_ids.state, "done")
        second = guia.encounter_ids.create_guias()
        self.assertEqual(second.number, guia.number + 1)

    def _without_empty(self, values):
        """The dict as the codec sees it: None means absent."""
        if not isinstance(values, dict):
            return values
        return {
            key: self._without_empty(value) for key, value in values.items() if value is not None
        }
