from ast import literal_eval

from lxml import etree

from odoo.exceptions import AccessError, RedirectWarning, ValidationError
from odoo.tests import Form, tagged

from ..standard import identifiers
from .common import CONSULTATION, ECG, TissCommon

CPF = identifiers.complete_cpf("111444777")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestContract(TissCommon):
    """The convênio: how the clinic is identified, which numbers it uses, what is still missing."""

    # ------------------------------------------------------------------
    # One convênio for each operadora
    # ------------------------------------------------------------------

    def test_an_archived_convenio_makes_room_for_a_new_one(self):
        self.contract.active = False
        self.env.flush_all()
        self.assertTrue(self._create_contract("326305", provider_code="2"))

    # ------------------------------------------------------------------
    # Identification
    # ------------------------------------------------------------------

    def test_without_a_provider_code_nothing_is_billed(self):
        encounter = self._create_encounters(CONSULTATION)
        self.contract.provider_code = False
        with self.assertRefused("has no code at the operadora: fill in its registration"):
            encounter.create_guias()
        self.assertEqual(encounter.state, "done")
        self.assertIn("registration at the operadora", self.contract.missing_text)

    def test_a_code_of_blanks_is_no_code(self):
        self.contract.provider_code = "   "
        with self.assertRefused("has no code at the operadora"):
            self._create_encounters(CONSULTATION).create_guias()

    def test_code_removed_after_the_guia_keeps_it_out_of_a_lote(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        self.contract.provider_code = False
        with self.assertRefused("no code at the operadora"):
            guia.create_lotes().build()

    def test_check_digits_of_cnpj_and_cpf(self):
        for kind, wrong, right in (
            ("cnpj", "45678901000100", self.company.vat),
            ("cpf", "11144477700", CPF),
        ):
            with self.assertRefused(f"{wrong} is not a valid {kind.upper()}", ValidationError):
                self.contract.write({"identification_kind": kind, "provider_code": wrong})
            self.contract.write({"identification_kind": kind, "provider_code": right})

    def test_code_longer_than_the_standard_allows(self):
        with self.assertRefused("at most 14 characters", ValidationError):
            self.contract.provider_code = "1" * 15

    def test_header_and_guia_name_the_provider_in_their_own_words(self):
        self.contract.write({"identification_kind": "cnpj", "provider_code": False})
        self.company.sudo().vat = "45.678.901/0001-" + self.company.vat[-2:]
        bare = identifiers.compact(self.company.vat)
        self.assertEqual(self.contract._get_provider_identification(), {"cnpjContratado": bare})
        self.assertEqual(self.contract._get_provider_identification("header"), {"CNPJ": bare})

    def test_a_lote_by_cnpj_is_valid_and_understood(self):
        self.contract.write({"identification_kind": "cnpj", "provider_code": False})
        lote = self._create_lote(CONSULTATION)
        answer = self._simulate().receive(lote.get_xml(), self.today)
        lote.send()
        self.assertEqual(self.env["tiss.message"].receive_file("p.xml", answer), lote)
        self.assertEqual(lote.state, "received")

    def test_a_lote_by_cpf_is_valid_and_understood(self):
        self.contract.write({"identification_kind": "cpf", "provider_code": CPF})
        lote = self._create_lote({ECG: 1})
        answer = self._simulate().receive(lote.get_xml(), self.today)
        self.assertIn(b"numeroProtocolo", answer)

    # ------------------------------------------------------------------
    # Numbers
    # ------------------------------------------------------------------

    def test_a_used_number_cannot_come_again(self):
        self._create_lote(CONSULTATION, CONSULTATION)
        for field, last in (("next_guia_number", 2), ("next_lote_number", 1)):
            with self.assertRefused(
                f"Number {last} was already used.*next one is {last + 1}", ValidationError
            ):
                self.contract[field] = last
            self.contract[field] = last + 1

    def test_cancelled_numbers_stay_used(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        guia.cancel("Typed twice")
        with self.assertRefused("already used", ValidationError):
            self.contract.next_guia_number = guia.number

    def test_numbers_start_at_one(self):
        for field in ("next_guia_number", "next_lote_number", "next_transaction_number"):
            with self.assertRefused("next numbers start at 1"):
                self.contract[field] = 0

    def test_a_lote_has_one_to_a_hundred_guias(self):
        for limit in (0, 101):
            with self.assertRefused("A lote holds 1 to 100 guias"):
                self.contract.guias_per_lote = limit

    def test_numbers_of_two_convenios_are_independent(self):
        other = self._create_contract("005711", provider_code="77")
        self.contract._take_numbers("next_guia_number", 5)
        self.assertEqual(other.next_guia_number, 1)
        self.assertEqual(list(other._take_numbers("next_guia_number", 2)), [1, 2])
        self.assertEqual(self.contract.next_guia_number, 6)

    def test_numbers_are_checked_without_loading_the_guias(self):
        self._create_encounters(CONSULTATION).create_guias()
        self.env.flush_all()
        self.env.invalidate_all()
        self.contract.next_guia_number = 50
        for name in ("guia_ids", "lote_ids"):
            self.assertNotIn(self.contract.id, self.contract._fields[name]._get_cache(self.env))

    # ------------------------------------------------------------------
    # Screens
    # ------------------------------------------------------------------

    def test_every_queue_of_the_screens_opens(self):
        """What a button asks for is a queue, and its filter stands in the search view."""
        views = self.env["ir.ui.view"].sudo().search([("model", "=", "tiss.contract")])
        contexts = [
            literal_eval(context)
            for view in views
            for context in etree.fromstring(view.arch).xpath(
                "//*[@name='action_view_work']/@context"
            )
        ]
        self.assertTrue(contexts)
        for context in contexts:
            with self.subTest(context):
                action = self.contract.with_context(**context).action_view_work()
                search = self.env[action["res_model"]].get_view(view_type="search")
                names = set(
                    etree.fromstring(search["arch"]).xpath("//filter/@name | //field/@name")
                )
                asked = {name.removeprefix("search_default_") for name in action["context"]}
                self.assertLessEqual(asked, names)

    def test_guias_and_lotes_are_opened_by_their_convenio(self):
        guias = self._create_encounters(CONSULTATION, ECG).create_guias()
        lotes = guias.create_lotes()
        for records, action in (
            (guias, self.contract.action_view_guias()),
            (lotes, self.contract.action_view_lotes()),
        ):
            self.assertEqual(action["domain"], [("contract_id", "=", self.contract.id)])
            self.assertEqual(action["res_model"], records._name)
            self.assertEqual(records.search(action["domain"]), records)

    def test_the_checklist_names_each_thing_with_its_place(self):
        """Each entry appears alone, has a button in the form, and its dialog repairs it."""
        contract, company = self.contract, self.company.sudo()
        self.assertFalse(contract.missing_codes)
        cases = {
            "registration": (contract, {"provider_code": False}, {"provider_code": "12345"}),
            "cnes": (contract, {"company_cnes": "1234567"}, {"company_cnes": "9999999"}),
            "company": (company.partner_id, {"vat": False}, {"vat": company.vat}),
            "payer": (
                contract.partner_id,
                {"tiss_payer_kind": "own", "tiss_ans_code": False},
                {"tiss_payer_kind": "ans", "tiss_ans_code": "326305"},
            ),
        }
        arch = etree.fromstring(contract.get_view(view_type="form")["arch"])
        buttons = [
            literal_eval(context)["tiss_missing"]
            for context in arch.xpath("//button[@name='action_fix_missing']/@context")
        ]
        self.assertEqual(buttons, list(contract._get_missing_labels()))
        for code, (record, without, with_it) in cases.items():
            with self.subTest(code):
                record.write(without)
                if code == "cnes":
                    company.tiss_cnes = False
                if code == "company":
                    contract.write({"identification_kind": "cnpj", "provider_code": False})
                self.assertEqual(contract.missing_codes, code)
                action = contract.with_context(tiss_missing=code).action_fix_missing()
                self.assertEqual((action["res_model"], action["target"]), (record._name, "new"))
                self.assertEqual(action["res_id"], record.id)
                view = self.env["ir.ui.view"].sudo().browse(action["views"][0][0])
                form = Form(self.env[record._name].browse(record.id), view=view)
                for name, value in with_it.items():
                    form[name] = value
                form.save()
                self.assertFalse(contract.missing_codes)

    def _get_missing_codes(self):
        self.contract.invalidate_recordset(["missing_codes"])
        return self.contract.missing_codes

    def test_the_checklist_asks_for_accounts_and_prices(self):
        self.contract.glosa_account_id = False
        self.contract.price_item_ids.tiss_covered = False
        self.assertEqual(self._get_missing_codes(), "prices,accounts")
        self.contract.with_context(tiss_missing="accounts").action_fix_missing()
        self.assertEqual(self._get_missing_codes(), "prices")
        action = self.contract.with_context(tiss_missing="prices").action_fix_missing()
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        wizard.line_ids[0].covered = True
        wizard.action_apply()
        self.assertFalse(self._get_missing_codes())

    def test_a_covered_procedure_without_a_price_is_no_price(self):
        self.contract.price_item_ids.fixed_price = 0
        self.assertEqual(self._get_missing_codes(), "prices")
        self.contract.price_item_ids[0].tiss_tele_price = 80
        self.assertFalse(self._get_missing_codes())

    def test_a_cpf_is_never_taken_from_the_clinics_cnpj(self):
        self.contract.write({"identification_kind": "cpf", "provider_code": False})
        self.assertEqual(self.contract.missing_codes, "registration")
        self.company.sudo().vat = CPF
        self.assertFalse(self.contract.missing_codes)
        self.assertEqual(self.contract._get_provider_identification(), {"cpfContratado": CPF})

    def test_cnes_has_seven_digits(self):
        for wrong in ("123456", "12345AB", False):
            with self.assertRefused("seven digits", ValidationError):
                self.contract.company_cnes = wrong

    def test_a_payer_without_ans_number_gets_no_tiss_file(self):
        guia = self._create_encounters(CONSULTATION).create_guias()
        self.assertEqual(guia.state, "ready")
        self.operadora.write({"tiss_payer_kind": "own", "tiss_ans_code": False})
        self.assertEqual(self.contract.missing_codes, "payer")
        with self.assertRefused("payer without ANS number: no TISS file can be made for it"):
            guia.create_lotes()

    def test_opening_form_and_list_takes_few_queries_however_many_convenios(self):
        def count(contracts):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            contracts.mapped("missing_text")
            contracts.mapped("amount_open")
            contracts.mapped("open_glosa_count")
            return self.env.cr.sql_log_count - before

        others = [
            self._create_contract(code, provider_code="7")
            for code in ("005711", "006246", "359017")
        ]
        one = count(self.contract)
        self.assertLess(one, 40)
        self.assertLessEqual(count(self.contract.union(*others)), one + 3)

    # ------------------------------------------------------------------
    # Accounts
    # ------------------------------------------------------------------

    def test_manager_creates_the_accounts_that_are_missing(self):
        account = self.contract.glosa_account_id
        self.company.sudo().tiss_glosa_account_id = False
        self.contract.glosa_account_id = False
        manager = self._create_user("convenio.gestao", "manager")
        self.contract.with_user(manager).action_setup_accounting()
        self.assertEqual(self.contract.glosa_account_id, account)
        self.assertEqual(self.company.tiss_glosa_account_id, account)

    def test_a_biller_neither_sees_nor_uses_that_button(self):
        biller = self._create_user("convenio.faturamento", "billing")
        with self.assertRefused("Only a manager", AccessError):
            self.contract.with_user(biller).action_setup_accounting()
        for user, count in ((self.env.user, 1), (biller, 0)):
            arch = self.contract.with_user(user).get_view(view_type="form")["arch"]
            buttons = etree.fromstring(arch).xpath("//button[@name='action_setup_accounting']")
            self.assertEqual(len(buttons), count)

    # ------------------------------------------------------------------
    # Prices
    # ------------------------------------------------------------------

    def test_price_says_where_it_comes_from(self):
        answer = self.contract.price_for(self.products[CONSULTATION], self.visit_date, 2)
        self.assertEqual(str(answer["unit_amount"]), "150.00")
        self.assertEqual(str(answer["amount"]), "300.00")
        self.assertIn(self.contract.pricelist_id.name, answer["explanation"][0])

    def test_no_price_is_said_in_a_sentence(self):
        product = self.env["tiss.term"]._get("22", "40301508").create_products()
        answer = self.contract.price_for(product.product_variant_id, self.visit_date)
        self.assertIsNone(answer["amount"])
        self.assertRegex(answer["explanation"][0], f"^{self.contract.name} has no price for ")

    # ------------------------------------------------------------------
    # End of a convênio
    # ------------------------------------------------------------------

    def test_a_used_convenio_is_archived_not_deleted(self):
        """Documents are named and counted; the button of the refusal archives."""
        self._create_lote(CONSULTATION)
        with self.assertRefused("already has documents", RedirectWarning):
            self.contract.unlink()
        with self.assertRaises(RedirectWarning) as caught, self.env.cr.savepoint():
            self.contract.action_delete()
        message, action_id, _button, context = caught.exception.args
        self.assertRegex(message, "Encounter.*: 1, .*Guia: 1, .*Lote: 1, .*Message: 1")
        action = self.env["ir.actions.server"].browse(action_id).with_context(**context)
        self.assertEqual(action.run()["res_model"], "tiss.contract")
        self.assertFalse(self.contract.active)

    def test_even_a_cancelled_guia_or_an_open_visit_keeps_its_convenio(self):
        self._create_encounters(CONSULTATION).create_guias().cancel("Typed twice")
        with self.assertRefused("already has documents", RedirectWarning):
            self.contract.unlink()
        other = self._create_contract("005711", provider_code="77")
        plan = self.plan.create({"operadora_id": other.partner_id.id, "name": "Outro Plano"})
        card = self.card.create({"patient_id": self.patient.id, "plan_id": plan.id, "number": "9"})
        self._create_encounters(CONSULTATION, done=False, card_id=card.id, contract_id=other.id)
        with self.assertRefused("already has documents", RedirectWarning):
            other.unlink()

    def test_a_biller_does_not_delete(self):
        other = self._create_contract("005711", provider_code="77")
        with self.assertRaises(AccessError):
            other.with_user(self._create_user("convenio.apaga", "billing")).action_delete()

    def test_an_unused_convenio_goes_with_its_empty_price_list(self):
        other = self._create_contract("005711", provider_code="77")
        pricelist = other.pricelist_id
        other.action_delete()
        self.assertFalse(other.exists())
        self.assertFalse(pricelist.exists())

    def test_a_price_list_with_prices_or_used_elsewhere_stays(self):
        other = self._create_contract("005711", provider_code="77")
        self._price(other, {ECG: 41.10})
        priced = other.pricelist_id
        third = self._create_contract("006246", provider_code="78")
        partner = self.env["res.partner"].create({"name": "Cliente Inventado"})
        partner.specific_property_product_pricelist = third.pricelist_id
        given = third.pricelist_id
        third.active = False
        fourth = self._create_contract("359017", provider_code="79", pricelist_id=given.id)
        (other | third).unlink()
        self.assertEqual((priced | given).exists(), priced | given)
        fourth.unlink()
        self.assertTrue(given.exists(), "a client still has it")

    def test_archived_convenios_come_back_unless_their_place_is_taken(self):
        self.contract.action_archive()
        self.contract.action_unarchive()
        self.assertTrue(self.contract.active)
        self.contract.action_archive()
        self.env.flush_all()
        newer = self._create_contract("326305", provider_code="2")
        with self.assertRefused("stays archived.*Archive that one first", RedirectWarning):
            self.contract.action_unarchive()
        with self.assertRaises(RedirectWarning) as caught:
            self.contract.action_unarchive()
        self.assertEqual(caught.exception.args[1]["res_id"], newer.id)

    def test_an_operadora_with_a_convenio_is_not_deleted(self):
        with self.assertRefused("another model is using the record|Convênio|being used"):
            self.operadora.unlink()

    def test_a_duplicated_convenio_has_its_own_numbers_and_prices(self):
        self._create_lote(CONSULTATION)
        other = self._create_contract("005711", provider_code="77").partner_id
        self.env["tiss.contract"].search([("partner_id", "=", other.id)]).active = False
        self.env.flush_all()
        copy = self.contract.copy({"partner_id": other.id})
        self.assertEqual((copy.next_guia_number, copy.next_lote_number), (1, 1))
        self.assertNotEqual(copy.pricelist_id, self.contract.pricelist_id)
        self.assertFalse(copy.guia_ids | copy.lote_ids.guia_ids)

    def test_reception_opens_the_form_and_changes_nothing(self):
        reception = self._create_user("recepcao.consulta", "reception")
        form = Form(self.contract.with_user(reception))
        self.assertEqual(form.provider_code, "12345")
        arch = self.contract.with_user(reception).get_view(view_type="form")["arch"]
        self.assertFalse(etree.fromstring(arch).xpath("//button[@name='action_procedures']"))

    def test_the_form_offers_no_duplicate(self):
        """The operadora would be the same, and a company has one convênio with it."""
        arch = self.contract.get_view(view_type="form")["arch"]
        self.assertEqual(etree.fromstring(arch).get("duplicate"), "false")
