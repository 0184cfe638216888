from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import format_date

from ..standard import identifiers
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, ROOM_FEE, TissCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestProduct(TissCommon):
    """Products and TUSS: created, linked, own codes and packages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Product = cls.env["product.template"]
        cls.Term = cls.env["tiss.term"]

    def _create(self, name="Procedimento", **vals):
        return self.Product.create({"name": name, "type": "service", **vals})

    def _create_package(self, name, *components, code=None):
        return self._create(
            name,
            tiss_table="98",
            tiss_code=code or name,
            tiss_component_ids=[Command.create({"product_tmpl_id": c.id}) for c in components],
        )

    # ------------------------------------------------------------------
    # From terms
    # ------------------------------------------------------------------

    def test_categories_by_chapter(self):
        """Guide §8.1: chapters of table 22, and gases apart from the other fees of 18."""
        wanted = {
            CONSULTATION: "Consultas", "50000144": "Consultas",
            "20104065": "Procedimentos clínicos", "30101018": "Procedimentos cirúrgicos",
            "31001017": "Procedimentos cirúrgicos", ECG: "Procedimentos diagnósticos",
            "41001010": "Procedimentos diagnósticos", "50000012": "Outras profissões",
            "81000030": "Odontologia", DIPYRONE: "Medicamentos", ROOM_FEE: "Diárias e taxas",
            "60000015": "Diárias e taxas", "60001437": "Gases",
        }  # fmt: skip
        terms = self.Term.search(
            [("code", "in", list(wanted)), ("table_code", "in", ("18", "19", "20", "22"))]
        )
        terms |= self.Term.search([("table_code", "=", "19")], limit=1)
        products = terms.create_products()
        # The consultation and others have a price, and so a product, since the set-up.
        found = {each.tiss_code: each.categ_id.name for each in products}
        self.assertEqual(
            {code: found[code] for code in wanted if code in found},
            {code: name for code, name in wanted.items() if code in found},
        )
        self.assertGreaterEqual(len(found), 11)
        self.assertIn("Materiais e OPME", found.values())
        kinds = {each.tiss_code: each.tiss_expense_kind_id.code for each in products}
        self.assertEqual((kinds["60000015"], kinds["60001437"], kinds[ROOM_FEE]),
                         ("05", "01", "07"))  # fmt: skip

    def test_in_bulk_the_known_ones_are_opened(self):
        ecg, new = self.Term._get("22", ECG), self.Term._get("22", "40101029")
        action = (ecg | new).action_create_products()
        self.assertIn("1 procedures created; 1 were there already; 0", action["params"]["message"])
        self.assertEqual((ecg | new).mapped("product_count"), [1, 1])

    def test_an_archived_product_is_proposed_not_doubled(self):
        ecg = self.Term._get("22", ECG)
        product = ecg.product_ids
        product.active = False
        self.assertEqual((ecg.product_count, ecg.archived_product_count), (0, 1))
        action = ecg.action_create_products()
        self.assertEqual(action["res_id"], product.id)
        self.assertFalse(product.active, "only shown")
        ecg.action_restore_products()
        self.assertTrue(product.active)
        product.active = False
        # A price for the term means that the clinic does it again.
        self.assertEqual(ecg.create_products(), product)
        self.assertTrue(product.active)

    def test_queries_for_many(self):
        """Products of terms cost no more queries per product than any products of Odoo."""
        counts = {}
        for size, offset in ((1, 900), (10, 1000), (100, 2000)):
            terms = self.Term.search([("table_code", "=", "19")], offset=offset, limit=size)
            names = terms.mapped("name")
            _, counts[size, "term"] = self._count(terms.create_products)
            plain = [{"name": name, "default_code": "X"} for name in names]
            _, counts[size, "plain"] = self._count(lambda plain=plain: self.Product.create(plain))
        extra = {size: counts[size, "term"] - counts[size, "plain"] for size in (10, 100)}
        self.assertLessEqual(extra[100], extra[10] + 5)

    def _count(self, work):
        self.env.flush_all()
        start = self.env.cr.sql_log_count
        result = work()
        self.env.flush_all()
        return result, self.env.cr.sql_log_count - start

    # ------------------------------------------------------------------
    # Linking
    # ------------------------------------------------------------------

    def test_link_and_unlink_in_the_form(self):
        product = self._create(list_price=80)
        with Form(product) as form:
            form.tiss_term_id = self.Term._get("22", ECG)
            self.assertEqual((form.tiss_table, form.tiss_code), ("22", ECG))
        self.assertEqual((product.name, product.list_price), ("Procedimento", 80))
        product.action_tiss_unlink_term()
        self.assertFalse(product.tiss_term_id)
        self.assertEqual((product.tiss_table, product.tiss_code), ("22", ECG))
        self.assertEqual(
            product.tiss_code_warning, "TUSS has this code: link the product to its term."
        )
        product.action_tiss_link_term()
        self.assertEqual(product.tiss_term_id.code, ECG)
        self.assertFalse(product.tiss_code_warning)

    def test_match_by_code(self):
        """By TISS code or internal reference, masked too; own codes are left alone."""
        by_reference = self._create("A", default_code="4.01.01.02-9")
        by_code = self._create("B", tiss_table="22", tiss_code=BLOOD_COUNT)
        own = self._create("C", tiss_table="00", tiss_code="40101029")
        other = self._create("D", default_code="SALA-1")
        wrong = self._create("E", tiss_table="20", tiss_code=ECG)
        products = by_reference | by_code | own | other | wrong
        wizard = (
            self.env["tiss.product.match"]
            .with_context(active_model="product.template", active_ids=products.ids)
            .create({})
        )
        self.assertEqual(wizard.checked_count, 5)
        self.assertEqual(
            {line.product_tmpl_id: line.term_id.code for line in wizard.line_ids},
            {by_reference: "40101029", by_code: BLOOD_COUNT},
        )
        self.assertFalse(products.tiss_term_id, "nothing is linked before the word")
        wizard.line_ids.filtered(lambda line: line.product_tmpl_id == by_code).is_chosen = False
        wizard.action_link()
        self.assertEqual(products.filtered("tiss_term_id"), by_reference)
        self.assertEqual(by_reference.tiss_code, "40101029")
        with self.assertRaisesRegex(UserError, "No TUSS term has the code"):
            other.action_tiss_link_term()

    def test_match_of_all_products_in_a_few_queries(self):
        self.Product.create([{"name": str(n), "default_code": f"Z{n}"} for n in range(50)])
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.env["tiss.product.match"].default_get(["line_ids"])
        self.assertLessEqual(self.env.cr.sql_log_count - before, 6)

    # ------------------------------------------------------------------
    # Own codes
    # ------------------------------------------------------------------

    def test_own_codes(self):
        product = self._create(tiss_table="00", tiss_code="CONS-ESP1")
        self.assertFalse(product.tiss_code_warning)
        for code in ("12345678901", " X", "X "):
            with self.subTest(code), self.assertRefused("1 to 10 characters", ValidationError):
                self._create(tiss_table="00", tiss_code=code)
        with self.assertRefused("Procedimento already has the code CONS-ESP1", ValidationError):
            self._create("Outro", tiss_table="00", tiss_code="CONS-ESP1")
        self._create("Pacote", tiss_table="98", tiss_code="CONS-ESP1")
        product.active = False
        other = self._create("Outro", tiss_table="00", tiss_code="CONS-ESP1")
        with self.assertRefused("Outro already has", ValidationError):
            product.active = True
        other.unlink()
        product.active = True

    def test_two_products_of_one_term_are_fine(self):
        """The same TUSS code for two specialties, each with its own price."""
        term = self.Term._get("22", CONSULTATION)
        self._create("Consulta cardiologia", tiss_term_id=term.id)
        self._create("Consulta pediatria", tiss_term_id=term.id)
        self.assertEqual(term.product_count, 3)

    def test_a_wrong_tuss_code_is_warned_of(self):
        unused = identifiers.complete_tuss("4999999")
        for code, words in (
            ("10101013", "10101013 is not a TUSS code: its check digit is wrong"),
            (unused, f"Table 22 has no code {unused}"),
        ):
            product = self._create(tiss_table="22", tiss_code=code)
            self.assertRegex(product.tiss_code_warning, words)
        ended = self._create(tiss_term_id=self.Term._get("22", "40309223").id)
        self.assertIn(
            f"TUSS ended this code on {format_date(self.env, '2025-04-30')}",
            ended.tiss_code_warning,
        )

    def test_own_codes_are_found(self):
        product = self._create("Avaliação", tiss_table="00", tiss_code="AVAL77")
        found = self.env["product.product"].name_search("aval7")
        self.assertEqual([each for each, _name in found], product.product_variant_id.ids)

    # ------------------------------------------------------------------
    # Packages
    # ------------------------------------------------------------------

    def test_package(self):
        ecg = self.products[ECG].product_tmpl_id
        package = self._create_package("CHECKUP", ecg)
        package.tiss_component_ids.quantity = 2
        self.assertEqual(package.tiss_component_ids.tiss_code, ECG)
        with self.assertRefused("Only a package has components", ValidationError):
            package.tiss_table = "22"
        with self.assertRefused("stands once in its package", ValidationError):
            package.tiss_component_ids = [Command.create({"product_tmpl_id": ecg.id})]
        with self.assertRefused("above zero", ValidationError):
            package.tiss_component_ids.quantity = 0
        copy = package.copy({"tiss_code": "CHECKUP2"})
        self.assertEqual(copy.tiss_component_ids.product_tmpl_id, ecg)

    def test_circular_packages_are_refused_with_the_chain(self):
        one = self._create_package("A", self.products[ECG].product_tmpl_id)
        two = self._create_package("B", one)
        three = self._create_package("C", two)
        self._create_package("D", one, two, three, self.products[BLOOD_COUNT].product_tmpl_id)
        for component, chain in ((one, "A → A"), (three, "A → C → B → A")):
            with self.assertRefused(f"contain itself: {chain}", ValidationError):
                one.tiss_component_ids = [Command.create({"product_tmpl_id": component.id})]

    # ------------------------------------------------------------------
    # Products that were there before
    # ------------------------------------------------------------------

    def test_products_without_a_category_of_their_own_get_one(self):
        ecg = self.products[ECG].product_tmpl_id
        own = self.env["product.category"].sudo().create({"name": "Minha"})
        kept = self.products[BLOOD_COUNT].product_tmpl_id
        ecg.categ_id = False
        self.products[DIPYRONE].categ_id = self.env.ref("product.product_category_goods")
        kept.categ_id = own
        package = self._create_package("P", ecg)
        self.Product._tiss_categorise()
        self.assertEqual(ecg.categ_id.name, "Procedimentos diagnósticos")
        self.assertEqual(self.products[DIPYRONE].categ_id.name, "Medicamentos")
        self.assertEqual(package.categ_id.name, "Pacotes")
        self.assertEqual(kept.categ_id, own)
