from ast import literal_eval

from lxml import etree

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged

from ..standard import identifiers
from .common import CONSULTATION, ECG, TissCommon

CPF = identifiers.complete_cpf("111444777")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestContract(TissCommon):
    """The convênio: how the clinic is identified, which numbers it uses, what is still missing."""

    # ------------------------------------------------------------------
    # The wizard: a convênio in one screen
    # ------------------------------------------------------------------

    def test_biller_makes_a_convenio_from_part_of_a_name(self):
        biller = self._create_user("convenio.novo", "billing")
        env = self.env(user=biller)
        [(registry_id, _name)] = env["tiss.operadora.registry"].name_search("005711")
        form = Form(env["tiss.contract.create"])
        form.registry_id = env["tiss.operadora.registry"].browse(registry_id)
        form.provider_code = " 990001 "
        form.next_guia_number = 20001
        form.next_lote_number = 300
        action = form.save().action_create()
        contract = env["tiss.contract"].browse(action["res_id"])
        self.assertEqual(contract.ans_code, "005711")
        self.assertEqual(contract.provider_code, "990001")
        self.assertEqual(contract.next_guia_number, 20001)
        self.assertEqual(contract.next_lote_number, 300)
        self.assertEqual(contract.partner_id.vat, form.registry_id.cnpj)
        self.assertEqual(contract.pricelist_id.currency_id, self.company.currency_id)
        self.assertEqual(contract.missing_text, "procedures and prices")
        self.assertTrue(contract.receivable_account_id, "accounts come from the company")

    def test_a_second_convenio_with_the_same_operadora_is_refused(self):
        registry = self.env["tiss.operadora.registry"].search([("ans_code", "=", "326305")])
        wizard = self.env["tiss.contract.create"].create(
            {"registry_id": registry.id, "provider_code": "1"}
        )
        with self.assertRefused("already has a convênio with this operadora"):
            wizard.action_create()

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
        self.assertIn("code at the operadora", self.contract.missing_text)

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
        guia.action_cancel()
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
        self._create_encounters(CONSULTATION).create_guias()
        with self.assertRefused("already has guias or lotes.*Archive it instead"):
            self.contract.unlink()

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

    def test_the_form_offers_no_duplicate(self):
        """The operadora would be the same, and a company has one convênio with it."""
        arch = self.contract.get_view(view_type="form")["arch"]
        self.assertEqual(etree.fromstring(arch).get("duplicate"), "false")
