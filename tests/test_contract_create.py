from datetime import date, timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, tagged

from ..standard import identifiers
from ..wizard import tiss_contract_procedure_line
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, PRICES, TissCommon

NEVER_USED = "40302040"  # glucose: a TUSS term that no product of the tests has


@tagged("post_install", "-at_install", "post_install_l10n")
class TestContractCreate(TissCommon):
    """A new convênio in three steps."""

    def _new(self, **vals):
        return self.env["tiss.contract.create"].create(vals)

    def _get_registry(self, ans_code="005711"):
        return self.env["tiss.operadora.registry"].search([("ans_code", "=", ans_code)])

    def _step(self, wizard):
        """The wizard as the action after a button shows it."""
        self.assertEqual(wizard["target"], "new")
        return self.env[wizard["res_model"]].browse(wizard["res_id"])

    # ------------------------------------------------------------------
    # The three steps
    # ------------------------------------------------------------------

    def test_biller_makes_a_convenio_from_part_of_a_name(self):
        biller = self._create_user("convenio.novo", "billing")
        env = self.env(user=biller)
        [(registry_id, _name)] = env["tiss.operadora.registry"].name_search("005711")
        form = Form(env["tiss.contract.create"])
        form.registry_id = env["tiss.operadora.registry"].browse(registry_id)
        self.assertTrue(form.legal_name and form.cnpj and form.modality and form.city)
        wizard = form.save()
        self.assertEqual(wizard.action_next()["res_id"], wizard.id)
        form = Form(wizard)
        form.provider_code = " 990001 "
        form.network_status = "preferential"
        form.next_guia_number = 20001
        form.next_lote_number = 300
        action = form.save().action_create()
        contract = env["tiss.contract"].browse(action["res_id"])
        self.assertEqual(contract.ans_code, "005711")
        self.assertEqual(contract.provider_code, "990001")
        self.assertEqual(contract.network_status, "preferential")
        self.assertEqual((contract.next_guia_number, contract.next_lote_number), (20001, 300))
        self.assertEqual(contract.partner_id.vat, form.registry_id.cnpj)
        self.assertEqual(contract.pricelist_id.currency_id, self.company.currency_id)
        self.assertEqual(contract.missing_text, "procedures and prices")
        self.assertTrue(contract.receivable_account_id, "accounts come from the company")

    def test_the_third_step_prices_what_the_clinic_does(self):
        wizard = self._new(registry_id=self._get_registry().id)
        wizard = self._step(wizard.action_next())
        wizard.provider_code = "77"
        wizard = self._step(wizard.action_next())
        form = Form(wizard)
        codes = [line["code"] for line in form.line_ids._records]
        self.assertEqual(codes[0], CONSULTATION, "consultations come first")
        self.assertNotIn(DIPYRONE, codes, "expenses are priced by table, not ticked one by one")
        with form.line_ids.edit(0) as line:
            line.price = 150
            self.assertTrue(line.covered, "who types a price covers it")
            line.tele_price = 120
            self.assertTrue(line.tele)
        contract = self.env["tiss.contract"].browse(form.save().action_create()["res_id"])
        item = contract.price_item_ids
        self.assertEqual(len(item), 1, "what is not ticked is not written")
        self.assertEqual((item.fixed_price, item.tiss_tele_price), (150, 120))
        self.assertFalse(item.tiss_code, "the product's own code is not copied")
        self.assertFalse(contract.missing_codes)

    def test_back_and_next_keep_what_was_typed(self):
        wizard = self._new(registry_id=self._get_registry().id)
        wizard.action_next()
        wizard.provider_code = "77"
        wizard.action_next()
        wizard.line_ids[0].price = 99
        lines = wizard.line_ids
        wizard.action_back()
        self.assertEqual(wizard.step, "registration")
        wizard.action_back()
        self.assertEqual(wizard.step, "operadora")
        wizard.action_next()
        wizard.action_next()
        self.assertEqual((wizard.step, wizard.provider_code), ("procedures", "77"))
        self.assertEqual(wizard.line_ids, lines)
        self.assertEqual(wizard.line_ids[0].price, 99)

    def test_cnpj_and_cpf_are_known_already(self):
        wizard = self._new(registry_id=self._get_registry().id)
        form = Form(self._step(wizard.action_next()))
        self.assertFalse(form.provider_code)
        form.identification_kind = "cnpj"
        self.assertEqual(form.provider_code, self.company.vat)
        form.identification_kind = "cpf"
        self.assertFalse(form.provider_code, "a clinic with a CNPJ has no CPF")

    def test_a_wrong_number_is_said_before_the_prices_are_typed(self):
        wizard = self._new(registry_id=self._get_registry().id, step="registration")
        wizard.write({"identification_kind": "cnpj", "provider_code": "45678901000100"})
        with self.assertRefused("45678901000100 is not a valid CNPJ"):
            wizard.action_next()
        wizard.write({"identification_kind": "code", "next_guia_number": 0})
        with self.assertRefused("next numbers start at 1"):
            wizard.action_next()

    def test_a_new_clinic_is_offered_a_consultation(self):
        """Without any product the list is not empty: a TUSS term becomes a product when ticked."""
        products = self.env["product.template"].search([("tiss_code", "!=", False)])
        products.action_archive()
        wizard = self._new(registry_id=self._get_registry().id, provider_code="77")
        wizard._fill_lines()
        self.assertEqual(wizard.line_ids.code, CONSULTATION)
        self.assertFalse(wizard.line_ids.covered)

    # ------------------------------------------------------------------
    # What is refused, and said
    # ------------------------------------------------------------------

    def test_a_second_convenio_with_the_same_operadora_is_refused(self):
        wizard = self._new(registry_id=self._get_registry("326305").id, provider_code="1")
        self.assertEqual(wizard.existing_id, self.contract)
        for step in (wizard.action_next, wizard.action_create):
            with self.assertRefused("already has a convênio with this operadora"):
                step()
        action = wizard.action_open_existing()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("tiss.contract", self.contract.id)
        )

    def test_an_archived_convenio_is_shown_and_does_not_block(self):
        self.contract.active = False
        wizard = self._new(registry_id=self._get_registry("326305").id, provider_code="2")
        self.assertEqual(wizard.existing_id, self.contract)
        self.assertFalse(wizard.is_existing_active)
        contract = self.env["tiss.contract"].browse(wizard.action_create()["res_id"])
        self.assertEqual(contract.partner_id, self.operadora)

    def test_a_convenio_of_another_clinic_is_not_in_the_way(self):
        other = self._create_other_clinic()
        wizard = self.env["tiss.contract.create"].create(
            {"registry_id": self._get_registry("326305").id, "company_id": other.company_id.id}
        )
        self.assertNotEqual(wizard.existing_id, self.contract)

    def test_a_cancelled_operadora_is_refused_in_words(self):
        registry = self._get_registry()
        registry.sudo().write({"is_cancelled": True, "cancel_date": self.today})
        wizard = self._new(registry_id=registry.id, provider_code="1")
        for step in (wizard.action_next, wizard.action_create):
            with self.assertRefused(f"ANS {registry.ans_code}.* no longer in the list of active"):
                step()

    def test_nothing_chosen(self):
        with self.assertRefused("Choose the operadora"):
            self._new().action_next()
        with self.assertRefused("Type the name of the payer"):
            self._new(has_no_ans=True, payer_name="  ").action_next()

    def test_reception_cannot(self):
        env = self.env(user=self._create_user("recepcao.convenio", "reception"))
        with self.assertRaises(AccessError):
            env["tiss.contract.create"].create({})
        with self.assertRaises(AccessError):
            self.contract.with_env(env).action_procedures()

    # ------------------------------------------------------------------
    # Payers without ANS number
    # ------------------------------------------------------------------

    def test_own_and_foreign_payers(self):
        cnpj = identifiers.complete_cnpj("112223330001")
        form = Form(self.env["tiss.contract.create"])
        form.has_no_ans = True
        form.payer_name = "Prefeitura Inventada"
        form.payer_vat = cnpj
        contract = self.env["tiss.contract"].browse(form.save().action_create()["res_id"])
        payer = contract.partner_id
        self.assertEqual((payer.tiss_payer_kind, payer.vat), ("own", cnpj))
        self.assertTrue(payer.tiss_is_operadora)
        self.assertIn("payer", contract.missing_codes)

        form = Form(self.env["tiss.contract.create"])
        form.has_no_ans = True
        form.payer_name = "Invented Health Fund"
        form.payer_kind = "foreign"
        form.payer_country_id = self.env.ref("base.pt")
        contract = self.env["tiss.contract"].browse(form.save().action_create()["res_id"])
        self.assertEqual(contract.partner_id.country_id.code, "PT")

    def test_the_same_payer_by_name_or_cnpj_is_found_again(self):
        cnpj = identifiers.complete_cnpj("112223330001")
        wizard = self._new(has_no_ans=True, payer_name="Prefeitura Inventada", payer_vat=cnpj)
        first = self.env["tiss.contract"].browse(wizard.action_create()["res_id"])
        for vals in (
            {"payer_name": "PREFEITURA inventada"},
            {"payer_name": "Outro Nome", "payer_vat": cnpj},
        ):
            wizard = self._new(has_no_ans=True, **vals)
            self.assertEqual(wizard.existing_id, first)
            with self.assertRefused("already has a convênio"):
                wizard.action_next()

    def test_a_wrong_cnpj_of_an_own_payer(self):
        wizard = self._new(has_no_ans=True, payer_name="Prefeitura", payer_vat="45678901000100")
        with self.assertRefused("45678901000100 is not a valid CNPJ"):
            wizard.action_next()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestContractProcedures(TissCommon):
    """The list of procedures of a convênio: what it writes, and that it writes nothing else."""

    def _open(self):
        action = self.contract.action_procedures()
        return self.env[action["res_model"]].browse(action["res_id"])

    def _get_line(self, wizard, code):
        return wizard.line_ids.filtered(
            lambda line: line.product_tmpl_id.tiss_code == code or line.term_id.code == code
        )

    def _get_items(self, code):
        product = self.products[code].product_tmpl_id
        items = self.contract.price_item_ids.filtered(lambda item: item.product_tmpl_id == product)
        return items.sorted(lambda item: str(item.tiss_start_date or ""))

    def _get_rows(self):
        return self.contract.price_item_ids.sorted("id").read(
            ["fixed_price", "date_start", "date_end", "tiss_covered", "tiss_code", "write_date"]
        )

    def test_applying_without_a_change_writes_nothing(self):
        before = self._get_rows()
        wizard = self._open()
        self.assertEqual(set(wizard.line_ids.mapped("code")), set(PRICES), "priced expenses too")
        wizard.action_apply()
        wizard.action_apply()
        self.assertFalse(wizard.line_ids._apply(self.contract))
        self.assertEqual(self._get_rows(), before)

    def test_only_the_changed_row_is_written(self):
        wizard = self._open()
        self._get_line(wizard, ECG).price = 45.50
        touched = wizard.line_ids._apply(self.contract)
        self.assertEqual(touched, self._get_items(ECG))
        self.assertEqual(touched.fixed_price, 45.50)

    def test_unticking_keeps_the_row_and_its_price(self):
        wizard = self._open()
        self._get_line(wizard, ECG).covered = False
        wizard.action_apply()
        item = self._get_items(ECG)
        self.assertEqual((item.tiss_covered, item.fixed_price), (False, PRICES[ECG]))
        wizard = self._open()
        self._get_line(wizard, ECG).covered = True
        wizard.action_apply()
        self.assertEqual(self._get_items(ECG), item)
        self.assertTrue(item.tiss_covered)

    def test_a_later_from_opens_a_new_period(self):
        """150.00 until 2027-02-28, 160.00 from 2027-03-01 on; what was typed besides is kept."""
        old = self._get_items(CONSULTATION)
        old.tiss_reimbursement_price = 90
        wizard = self._open()
        line = self._get_line(wizard, CONSULTATION)
        line.write({"price": 160, "start_date": date(2027, 3, 1)})
        wizard.action_apply()
        first, second = self._get_items(CONSULTATION)
        self.assertEqual(first, old)
        self.assertEqual((first.fixed_price, first.tiss_end_date), (150, date(2027, 2, 28)))
        self.assertEqual((second.fixed_price, second.tiss_start_date), (160, date(2027, 3, 1)))
        self.assertEqual(second.tiss_reimbursement_price, 90)
        self.assertFalse(second.tiss_end_date)
        product = self.products[CONSULTATION]
        for day, price in ((date(2027, 2, 28), "150.00"), (date(2027, 3, 1), "160.00")):
            self.assertEqual(str(self.contract.price_for(product, day)["unit_amount"]), price)

    def test_a_period_between_two_others_ends_where_the_next_begins(self):
        """… – 28 Feb: 150; 1 Mar – 31 May: 160 (typed last); 1 Jun –: 170."""
        for price, start in ((170, date(2027, 6, 1)), (160, date(2027, 3, 1))):
            wizard = self._open()
            line = self._get_line(wizard, CONSULTATION)
            line.write({"price": price, "start_date": start, "end_date": False})
            wizard.action_apply()
        self.assertEqual(
            [(item.fixed_price, item.tiss_end_date) for item in self._get_items(CONSULTATION)],
            [(150, date(2027, 2, 28)), (160, date(2027, 5, 31)), (170, False)],
        )

    def test_another_from_alone_moves_the_period(self):
        wizard = self._open()
        self._get_line(wizard, ECG).start_date = date(2026, 1, 1)
        wizard.action_apply()
        self.assertEqual(self._get_items(ECG).tiss_start_date, date(2026, 1, 1))

    def test_a_price_that_ended_stays_as_it_was(self):
        ended = self._get_items(ECG)
        ended.tiss_end_date = self.visit_date - timedelta(days=1)
        wizard = self._open()
        line = self._get_line(wizard, ECG)
        self.assertEqual((line.covered, line.start_date), (False, self.visit_date))
        line.price = 50
        wizard.action_apply()
        first, second = self._get_items(ECG)
        self.assertEqual((first, first.fixed_price), (ended, PRICES[ECG]))
        self.assertEqual((second.fixed_price, second.tiss_start_date), (50, self.visit_date))

    def test_table_fills_code_and_description(self):
        form = Form(self._open())
        index = [line["code"] for line in form.line_ids._records].index(ECG)
        Term = self.env["tiss.term"]
        with form.line_ids.edit(index) as line:
            text = line.description
            self.assertEqual(line.table_id.code, "22")
            line.table_id = Term._get("87", "00")
            self.assertFalse(line.code, "the operadora's own code is typed")
            line.code = "ECG01"
            self.assertEqual(line.description, text)
        with form.line_ids.edit(index) as line:
            line.table_id = Term._get("87", "22")
            self.assertEqual((line.code, line.description), (ECG, text))
            line.table_id = Term._get("87", "00")
            line.code = "ECG01"
            line.description = "Eletro da operadora"
        form.save().action_apply()
        item = self._get_items(ECG)
        self.assertEqual((item.tiss_table_id.code, item.tiss_code), ("00", "ECG01"))
        self.assertEqual(item.tiss_description, "Eletro da operadora")
        wizard = self._open()
        self.assertEqual(self._get_line(wizard, ECG).code, "ECG01")
        self.assertFalse(wizard.line_ids._apply(self.contract))

    def test_a_procedure_is_added_by_words_and_becomes_a_product(self):
        term = self.env["tiss.term"]._get("22", NEVER_USED)
        form = Form(self._open())
        count = len(form.line_ids)
        form.term_id = term
        self.assertFalse(form.term_id, "ready for the next search")
        self.assertEqual(len(form.line_ids), count + 1)
        self.assertFalse(term.product_ids, "nothing is made before it is applied")
        wizard = form.save()
        line = self._get_line(wizard, NEVER_USED)
        self.assertTrue(line.covered)
        line.price = 12.34
        wizard.action_apply()
        item = self.contract.price_item_ids.filtered(lambda item: item.tiss_term_id == term)
        self.assertEqual((item.fixed_price, item.product_tmpl_id), (12.34, term.product_ids))

    def test_what_is_in_the_list_is_not_added_twice(self):
        form = Form(self._open())
        count = len(form.line_ids)
        form.term_id = self.env["tiss.term"]._get("22", ECG)
        self.assertEqual(len(form.line_ids), count)

    def test_rows_of_a_plan_or_a_network_status_are_left_alone(self):
        special = self._get_items(ECG).copy({"tiss_plan_id": self.plan.id, "fixed_price": 60})
        wizard = self._open()
        line = self._get_line(wizard, ECG)
        self.assertEqual(line.price, PRICES[ECG])
        line.price = 44
        wizard.action_apply()
        self.assertEqual(special.fixed_price, 60)

    def test_everything_wrong_is_said_at_once_and_nothing_is_written(self):
        wizard = self._open()
        self._get_line(wizard, ECG).write({"on_site": False, "tele": False})
        self._get_line(wizard, CONSULTATION).price = -1
        self._get_line(wizard, BLOOD_COUNT).write(
            {"start_date": date(2027, 2, 1), "end_date": date(2027, 1, 1), "code": False}
        )
        with self.assertRefused(
            r"(?s)(?=.*tick on-site)(?=.*not negative)(?=.*type the code)(?=.*before “from”)"
        ):
            wizard.action_apply()

    def test_a_long_list_is_cut_and_says_so(self):
        """Five priced products, two lines: the consultation and one more; three are left out."""
        with patch.object(tiss_contract_procedure_line, "MAX_LINES", 2):
            wizard = self._open()
        self.assertEqual((len(wizard.line_ids), wizard.left_out_count), (2, 3))
        self.assertEqual(wizard.line_ids[0].code, CONSULTATION)
        form = Form(wizard)
        form.term_id = self.env["tiss.term"]._get("22", ECG)
        line = self._get_line(form.save(), ECG)
        self.assertEqual((line.item_id, line.price), (self._get_items(ECG), PRICES[ECG]))

    def test_a_biller_of_another_clinic_cannot_apply(self):
        wizard = self._open()
        other = self._create_other_clinic()
        stranger = self._create_user(
            "convenio.alheio",
            "billing",
            company_id=other.company_id.id,
            company_ids=[Command.set(other.company_id.ids)],
        )
        with self.assertRaises(AccessError):
            self.contract.with_user(stranger).action_procedures()
        self.assertTrue(wizard.line_ids)

    def test_queries_do_not_grow_with_the_list(self):
        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._open()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count()
        few = count()
        terms = self.env["tiss.term"].search(
            [("table_code", "=", "22"), ("code", "not in", list(PRICES))], limit=60
        )
        codes = {term.code: 10.0 for term in terms}
        terms.create_products()
        self._price(self.contract, codes)
        count()
        self.assertLessEqual(count(), few + 2)
