from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, tagged

from ..standard import identifiers

# Guide §8.1: rows of the TUSS tables, and of Tabela 38 in force, in package 202609.
TUSS_ROWS = {"18": 3597, "19": 45889, "20": 12572, "22": 5964}
GLOSA_ROWS = 470
OPERADORA_ROWS = 1106
# Tables that the fields of the models point to, with a code that each must hold.
USED_TABLES = {
    "23": "1", "24": "225125", "25": "07", "26": "06", "27": "01", "35": "00", "36": "9",
    "49": "02", "50": "04", "52": "1", "59": "35", "60": "036", "76": "05",
}  # fmt: skip


@tagged("post_install", "-at_install", "post_install_l10n")
class TestTerminology(TransactionCase):
    """What ANS publishes, loaded on install and found the way people type."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Term = cls.env["tiss.term"]
        cls.Registry = cls.env["tiss.operadora.registry"]

    def _count_by_table(self):
        return dict(self.Term._read_group([], ["table_code"], ["__count"]))

    def _names(self, model, text, limit=20):
        return [name for _id, name in self.env[model].name_search(text, limit=limit)]

    # ------------------------------------------------------------------
    # What is there
    # ------------------------------------------------------------------

    def test_all_of_tuss_is_loaded(self):
        counts = self._count_by_table()
        self.assertEqual({table: counts[table] for table in TUSS_ROWS}, TUSS_ROWS)
        self.assertEqual(sum(TUSS_ROWS.values()), 68022)

    def test_tabela_38_is_loaded(self):
        self.assertEqual(self._count_by_table()["38"], GLOSA_ROWS)
        self.assertRegex(self.Term._get("38", "1017").name, "(?i)validade da carteira vencida")

    def test_every_table_that_a_field_points_to_is_loaded(self):
        for table, code in USED_TABLES.items():
            with self.subTest(table):
                self.assertTrue(self.Term._get(table, code), f"{table}/{code}")

    def test_fields_point_only_to_tables_that_are_loaded(self):
        """A term field whose table is empty could never be filled in."""
        loaded = set(self._count_by_table())
        for model in self.env.registry.values():
            for field in model._fields.values():
                domain = field.domain if field.type == "many2one" else None
                if field.comodel_name != "tiss.term" or not isinstance(domain, list):
                    continue
                for leaf in domain:
                    tables = leaf[2] if isinstance(leaf[2], (list, tuple)) else [leaf[2]]
                    self.assertLessEqual(set(tables), loaded, field)

    def test_the_registry_of_operadoras_is_loaded(self):
        self.assertEqual(self.Registry.search_count([]), OPERADORA_ROWS)
        amil = self.Registry.search([("ans_code", "=", "326305")])
        self.assertEqual((amil.cnpj, amil.state_code), ("29309127000179", "SP"))

    def test_validity_came_with_the_terms(self):
        term = self.Term._get("22", "10101012")
        self.assertTrue(term.start_date)
        self.assertTrue(self.Term.search_count([("end_date", "!=", False)]))

    # ------------------------------------------------------------------
    # Searching
    # ------------------------------------------------------------------

    def test_words_without_accents_in_any_order(self):
        for text in (
            "consulta em consultório",
            "CONSULTORIO CONSULTA horario normal",
            "consultorio preestabelecido",
            "10101012",
            "1010101",
        ):
            with self.subTest(text):
                found = " | ".join(self._names("tiss.term", text))
                self.assertIn("10101012 Consulta em consultório", found)

    def test_a_word_that_is_not_there_finds_nothing(self):
        self.assertEqual(self._names("tiss.term", "consultorio inexistentissimo"), [])

    def test_what_no_term_can_hold_finds_nothing(self):
        for text in ("😀", "李"):
            for model in ("tiss.term", "tiss.operadora.registry"):
                with self.subTest(text, model=model):
                    self.assertEqual(self._names(model, text), [])

    def test_nothing_typed_finds_the_first(self):
        self.assertEqual(len(self._names("tiss.term", "", limit=8)), 8)

    def test_operadora_by_name_number_or_cnpj(self):
        for text in (
            "bradesco saude",
            "Saúde BRADESCO",
            "005711",
            "92693118",
            "92.693.118/0001-60",
        ):
            with self.subTest(text):
                found = " | ".join(self._names("tiss.operadora.registry", text))
                self.assertIn("BRADESCO SAUDE S.A. · ANS 005711 · Rio de Janeiro/RJ", found)

    def test_wildcards_are_ordinary_characters(self):
        self.assertEqual(self._names("tiss.operadora.registry", "%%%"), [])
        self.assertEqual(self._names("tiss.term", "consultorio_preestabelecido"), [])

    # ------------------------------------------------------------------
    # Loading again
    # ------------------------------------------------------------------

    def test_loading_again_mends_what_was_changed_and_nothing_else(self):
        term = self.Term._get("22", "10101012")
        self.Term._get("22", "40101010").create_products()
        before = self._get_rows()
        term.sudo().write({"name": "Outro", "search_name": "OUTRO"})
        self.assertNotEqual(self._get_rows(), before)
        self.Term._load_packaged_terms()
        self.Registry._load_packaged_registry()
        self.assertEqual(self._get_rows(), before)
        self.assertIn("Consulta em consultório", term.name)

    def _get_rows(self):
        self.env.flush_all()
        terms = """SELECT count(*), md5(string_agg(concat_ws('|', id, table_code, code, name,
            search_name, description, start_date, end_date), '' ORDER BY id)) FROM tiss_term"""
        registry = """SELECT count(*), md5(string_agg(concat_ws('|', id, ans_code, cnpj,
            legal_name, trade_name, search_name), '' ORDER BY id)) FROM tiss_operadora_registry"""
        products = "SELECT count(*), count(tiss_term_id) FROM product_template"
        rows = []
        for query in (terms, registry, products):
            self.env.cr.execute(query)
            rows.append(self.env.cr.fetchone())
        return rows

    # ------------------------------------------------------------------
    # Products and operadoras
    # ------------------------------------------------------------------

    def test_products_from_terms(self):
        codes = {"40101010": "service", "60022965": "service", "90055888": "consu"}
        terms = self.Term.search(
            [("code", "in", list(codes)), ("table_code", "in", list(TUSS_ROWS))]
        )
        products = terms.create_products()
        self.assertEqual({each.tiss_code: each.type for each in products}, codes)
        ecg = products.filtered(lambda each: each.tiss_code == "40101010")
        self.assertFalse(ecg.tiss_expense_kind_id, "a procedure is no expense")
        kinds = {each.tiss_code: each.tiss_expense_kind_id.code for each in products - ecg}
        self.assertEqual(kinds, {"60022965": "07", "90055888": "02"})
        self.assertFalse(products.taxes_id)

    def test_products_are_made_once(self):
        term = self.Term._get("22", "40101010")
        first = term.create_products()
        self.assertEqual(term.create_products(), first)
        self.assertEqual(term.product_count, 1)

    def test_a_domain_value_is_no_product(self):
        with self.assertRaisesRegex(UserError, "Only TUSS terms.*can become products"):
            self.Term._get("76", "01").create_products()

    def test_operadora_is_made_once_with_all_that_ans_knows(self):
        row = self.Registry.search([("ans_code", "=", "326305")])
        partner = row.create_operadora()
        self.assertEqual(row.create_operadora(), partner)
        self.assertRecordValues(
            partner,
            [{"tiss_is_operadora": True, "tiss_ans_code": "326305", "vat": "29309127000179",
              "city": "São Paulo", "is_company": True}],
        )  # fmt: skip
        self.assertEqual(partner.state_id.code, "SP")

    def test_operadoras_of_the_whole_registry_can_become_partners(self):
        """CNPJ, check digit of the ANS number and state of every row; one in twenty is created."""
        states = set(self.env.ref("base.br").state_ids.mapped("code"))
        rows = self.Registry.search([])
        for row in rows:
            self.assertTrue(identifiers.valid_cnpj(row.cnpj), row.ans_code)
            self.assertTrue(identifiers.valid_ans_code(row.ans_code), row.ans_code)
            self.assertIn(row.state_code, states, row.ans_code)
            self.assertRegex(row.trade_name, r"\w", row.ans_code)
        for row in rows[::20]:
            self.assertEqual(row.create_operadora().tiss_ans_code, row.ans_code)

    def test_a_wrong_ans_number_is_refused(self):
        with self.assertRaisesRegex(UserError, "326306 is not a valid ANS number"):
            self.env["res.partner"].create({"name": "X", "tiss_ans_code": "326306"})

    def test_terms_are_not_typed_by_hand(self):
        manager = self.env["res.users"].create(
            {
                "name": "Gil Gestor",
                "login": "gestor.termos",
                "group_ids": [(6, 0, self.env.ref("l10n_br_tiss.group_tiss_manager").ids)],
            }
        )
        with self.assertRaises(AccessError):
            self.Term.with_user(manager).create(
                {"table_code": "22", "code": "1", "name": "X", "search_name": "X"}
            )
