import csv
import io
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import TransactionCase, tagged
from odoo.tools import format_date

from ..standard import identifiers
from ..standard.text import to_ascii
from .common import CONSULTATION, ECG, TissCommon

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
                    if leaf[0] != "table_code":
                        continue
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

    def test_operadora_by_a_name_written_without_its_blanks(self):
        for text in ("SulAmérica", "sulam", "bradescosaude"):
            with self.subTest(text):
                found = " | ".join(self._names("tiss.operadora.registry", text))
                self.assertRegex(found, "ANS 006246|ANS 005711")

    def test_wildcards_are_ordinary_characters(self):
        self.assertEqual(self._names("tiss.operadora.registry", "%%%"), [])
        self.assertEqual(self._names("tiss.term", "consultorio_preestabelecido"), [])

    @settings(
        max_examples=40, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.integers(0, 69_000), st.integers(0, 20), st.randoms(use_true_random=False))
    def test_a_term_is_found_by_its_words(self, offset, number, random):
        """By any three of its words in any order, capitals and accents."""
        term = self.Term.search([], offset=offset, limit=1)
        words = term.name.split()
        chosen = random.sample(words, min(3, len(words)))
        text = " ".join(random.choice((str.upper, str.lower, str, to_ascii))(w) for w in chosen)
        if to_ascii(text):
            domain = [("id", "=", term.id)]
            self.assertTrue(self.Term.name_search(text, domain), text)
            self.assertIn(term, self.Term.search([("display_name", "ilike", text), *domain]))
        code = term.code[: 1 + number % len(term.code)]
        self.assertTrue(self.Term.name_search(code, [("id", "=", term.id)]))

    def test_the_best_come_first(self):
        """By code, then what is valid, then the shorter."""
        self.assertIn("10101012", self._names("tiss.term", "10101012")[0])
        terms = self.Term.create(
            [
                {"table_code": "22", "code": f"9999000{n}", "name": name,
                 "search_name": to_ascii(name), "end_date": end}
                for n, (name, end) in enumerate(
                    [("Zzyx longo demais", False), ("Zzyx", "2020-01-31"), ("Zzyx curto", False)]
                )
            ]
        )  # fmt: skip
        found = [term_id for term_id, _name in self.Term.name_search("zzyx")]
        self.assertEqual(found, [terms[2].id, terms[0].id, terms[1].id])
        for limit in (1, 2):
            self.assertEqual(
                [each for each, _name in self.Term.name_search("zzyx", limit=limit)], found[:limit]
            )
        [ended] = self.Term.web_name_search("99990001", {"display_name": {}})
        end = format_date(self.env, "2020-01-31")
        self.assertIn(f"--ended {end}--", ended["__formatted_display_name"])
        self.assertEqual(ended["display_name"], "99990001 Zzyx")

    def test_a_narrow_column_shows_the_code_and_its_dropdown_the_name(self):
        Term = self.Term.with_context(tiss_code_only=True)
        [found] = Term.web_name_search(ECG, {"display_name": {}}, [("table_code", "=", "22")])
        self.assertEqual(found["display_name"], ECG)
        self.assertEqual(
            found["__formatted_display_name"], f"{ECG} {Term.browse(found['id']).name}"
        )

    def test_a_few_letters_find_the_first_valid_ones(self):
        for text in ("a", "de", "1"):
            found = self.Term.browse([each for each, _n in self.Term.name_search(text, limit=8)])
            self.assertEqual(len(found), 8)
            self.assertEqual(set(found.mapped("validity")), {"valid"})
        state = self.Term._get("59", "35")
        self.assertEqual(self.Term.name_search("sp", [("table_code", "=", "59")])[0][0], state.id)

    def test_validity(self):
        today = fields.Date.context_today(self.Term)
        term = self.Term._get("22", ECG)
        for start, end, validity in (
            (-1, None, "valid"), (-1, 0, "valid"), (-2, -1, "ended"), (1, None, "future"),
        ):  # fmt: skip
            term.write(
                {
                    "start_date": today + timedelta(days=start),
                    "end_date": end is not None and today + timedelta(days=end),
                }
            )
            self.assertEqual(term.validity, validity)

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


HEADER = [
    "Código do Termo", "Termo", "Data de início de vigência", "Data de fim de vigência",
]  # fmt: skip


def make_file(*rows, header=HEADER):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=";").writerows([header, *rows])
    return buffer.getvalue().encode("utf-8-sig")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestTerminologyImport(TissCommon):
    """A newer edition: previewed with its effect, loaded once, and remembered."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Term = cls.env["tiss.term"]
        cls.Edition = cls.env["tiss.terminology.edition"]
        cls.consultation = cls.Term._get("22", CONSULTATION)
        cls.ecg = cls.Term._get("22", ECG)

    def _preview(self, *files):
        wizard = self.env["tiss.terminology.import"].create(
            {
                "attachment_ids": [
                    Command.create({"name": name, "raw": content}) for name, content in files
                ]
            }
        )
        wizard.action_preview()
        return wizard

    def _load(self, content, name="Tab 22 VERSÃO 202605.csv"):
        return self._preview((name, content)).action_apply()["params"]

    def _row(self, term, name=None, start="13/02/2009", end=""):
        return [term.code, name or term.name, start, end]

    def _installed(self, table="22"):
        return self.Edition._get_installed()[table]

    # ------------------------------------------------------------------
    # What is installed
    # ------------------------------------------------------------------

    def test_what_came_with_the_addon_is_registered(self):
        editions = self.Edition._get_installed()
        counts = dict(self.Term._read_group([], ["table_code"], ["__count"]))
        self.assertEqual({table: each.term_count for table, each in editions.items()}, counts)
        self.assertEqual(editions["38"].name, "202609")
        self.assertEqual(editions["22"].table_name, "Procedimentos e eventos em saúde")
        self.assertFalse(self.Edition.sudo()._register_packaged(), "registered once")

    def test_settings_show_it(self):
        settings = self.env["res.config.settings"].sudo().new()
        self.assertEqual(
            set(settings.tiss_edition_ids.mapped("table_code")), set(self.Edition._get_installed())
        )

    # ------------------------------------------------------------------
    # Preview and load
    # ------------------------------------------------------------------

    def test_every_kind_of_change(self):
        """One new, one renamed, one ended, one reopened, one as it was; the others are missing."""
        total = self.Term.search_count(
            [("table_code", "=", "22"), "|", ("end_date", "=", False), ("end_date", ">=", "today")]
        )
        ended = self.Term._get("22", "40309223")
        same = self.Term._get("22", "40304361")
        new = identifiers.complete_tuss("4999999")
        content = make_file(
            [new, "Exame inventado", "01/05/2026", ""],
            self._row(self.consultation, "Consulta com outro nome"),
            self._row(self.ecg, end="31/12/2025"),
            self._row(ended),
            self._row(same, start=same.start_date.strftime("%d/%m/%Y")),
        )
        wizard = self._preview(("Tab 22 VERSÃO 202605.csv", content))
        line = wizard.line_ids
        self.assertRecordValues(
            line,
            [{"edition": "202605", "installed_edition": "202504", "term_count": 5, "new_count": 1,
              "changed_count": 1, "ended_count": 1, "reopened_count": 1, "unchanged_count": 1,
              "missing_count": total - 3, "problem_count": 0, "is_older": False}],
        )  # fmt: skip
        self.assertEqual(
            line.examples, f"{CONSULTATION}: {self.consultation.name} → Consulta com outro nome"
        )
        self.assertEqual(self.ecg.end_date, False, "a preview changes nothing")
        old_name = self.consultation.name
        wizard.action_apply()
        self.assertEqual(self.consultation.name, "Consulta com outro nome")
        self.assertEqual(self.ecg.end_date, fields.Date.to_date("2025-12-31"))
        self.assertFalse(ended.end_date)
        self.assertEqual(self.Term._get("22", new).name, "Exame inventado")
        self.assertEqual(self.consultation.history_ids.name, old_name)
        self.assertFalse(self.ecg.history_ids.end_date)
        self.assertTrue(ended.history_ids.end_date)
        self.assertFalse(same.history_ids)
        edition = self._installed()
        self.assertRecordValues(
            edition,
            [{"name": "202605", "new_count": 1, "changed_count": 1, "ended_count": 1,
              "reopened_count": 1, "term_count": 5965}],
        )  # fmt: skip
        self.assertEqual(self.ecg.history_ids.edition_id, edition)
        self.assertEqual(self.env["tiss.term.history"].search_count([]), 3)
        self.assertIn("outro nome", self._names("outro nome consulta"))

    def _names(self, text):
        return " | ".join(name for _id, name in self.Term.name_search(text))

    def test_what_it_means_for_the_clinic(self):
        content = make_file(
            self._row(self.ecg, end="31/12/2025"),
            self._row(self.consultation, "Consulta com outro nome"),
            self._row(self.Term._get("22", "40309223"), end="31/12/2025"),
        )
        wizard = self._preview(("tab 22 202605.csv", content))
        self.assertEqual(wizard.effect_count, 2, "the third is no procedure of the clinic")
        self.assertIn("1 of your priced codes end, 1 change, 0 are valid again.", wizard.effect)
        wizard.action_apply()
        first, second = self._installed().report.splitlines()
        convenio = self.contract.display_name
        end = format_date(self.env, "2025-12-31")
        self.assertRegex(first, rf"^{ECG} .* · valid until {end} · priced in {convenio}$")
        self.assertRegex(second, "now called “Consulta com outro nome” · priced in")

    def test_twice_changes_nothing_and_says_so(self):
        content = make_file(self._row(self.ecg, end="31/12/2025"))
        self.assertIn("1 ended", self._load(content)["message"])
        before = self._snapshot()
        wizard = self._preview(("Tab 22 VERSÃO 202605.csv", content))
        self.assertTrue(wizard.changes_nothing)
        self.assertIn("nothing has changed", wizard.action_apply()["params"]["message"])
        self.assertEqual(self._snapshot(), before)

    def _snapshot(self):
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT md5(string_agg(t::text, '' ORDER BY id)),
                      (SELECT count(*) FROM tiss_term_history),
                      (SELECT count(*) FROM tiss_terminology_edition) FROM tiss_term t"""
        )
        return self.env.cr.fetchone()

    def test_what_the_file_does_not_say_stays(self):
        """No columns of dates and details: only names are compared."""
        self.ecg.sudo().write({"end_date": "2025-12-31", "description": "Detalhe"})
        content = make_file([ECG, self.ecg.name], header=HEADER[:2])
        self.assertTrue(self._preview(("tab 22 202605.csv", content)).changes_nothing)
        content = make_file([ECG, "Outro nome"], header=HEADER[:2])
        self._load(content)
        self.assertRecordValues(
            self.ecg,
            [{"name": "Outro nome", "description": "Detalhe",
              "end_date": fields.Date.to_date("2025-12-31"), "search_name": "OUTRO NOME DETALHE"}],
        )  # fmt: skip

    def test_new_details_are_no_change(self):
        """They complete a term; there is no earlier version to keep."""
        content = make_file(
            [*self._row(self.ecg), "Até 12"], header=[*HEADER, "Descrição Detalhada"]
        )
        self._load(content)
        self.assertEqual(self.ecg.description, "Até 12")
        self.assertFalse(self.ecg.history_ids)

    def test_an_older_edition_wants_a_word(self):
        content = make_file(self._row(self.ecg, end="31/12/2025"))
        wizard = self._preview(("Tab 22 VERSÃO 201901.csv", content))
        self.assertTrue(wizard.is_older)
        with self.assertRaisesRegex(UserError, "201901 of table 22 is older.*202504"):
            wizard.action_apply()
        wizard.allow_older = True
        wizard.action_apply()
        self.assertEqual(self._installed().name, "201901")

    def test_lines_with_errors_want_a_word(self):
        content = make_file(self._row(self.ecg, end="31/12/2025"), ["10101013", "Errado", "", ""])
        wizard = self._preview(("Tab 22 VERSÃO 202605.csv", content))
        self.assertEqual(
            wizard.line_ids.problems,
            "Line 3: 10101013 is not a TUSS code: its check digit is wrong.",
        )
        with self.assertRaisesRegex(UserError, "1 lines have errors"):
            wizard.action_apply()
        wizard.allow_problems = True
        wizard.action_apply()
        self.assertTrue(self.ecg.end_date)

    def test_table_and_edition_are_asked_for(self):
        """A domain table whose file names neither; the zero comes back once the table is known."""
        wizard = self._preview(("arquivo.csv", make_file(["1", "Remoção nova", "01/01/2026", ""])))
        self.assertTrue(wizard.is_incomplete)
        with self.assertRaisesRegex(UserError, "Say table and edition"):
            wizard.action_apply()
        wizard.line_ids.table_id = self.Term._get("87", "50")
        wizard.line_ids.edition = "20269"
        self.assertTrue(wizard.is_incomplete, "the preview is not of this table")
        wizard.action_preview()
        self.assertEqual((wizard.line_ids.changed_count, wizard.line_ids.edition), (1, "20269"))
        with self.assertRaisesRegex(UserError, "“20269” is not an edition"):
            wizard.action_apply()
        wizard.line_ids.edition = "202609"
        wizard.action_apply()
        self.assertEqual(self.Term._get("50", "01").name, "Remoção nova")

    def test_cached_domain_codes_follow(self):
        self.assertFalse(self.Term._get("50", "99"))
        codes = self.Term._get_domain_codes()
        self._load(make_file(["99", "Novo tipo", "01/01/2026", ""]), "tab 50 202605.csv")
        new = self.Term._get("50", "99")
        self.assertEqual(new.name, "Novo tipo")
        self.assertEqual(self.Term._get_domain_codes(), {**codes, new.id: "99"})

    def test_several_files(self):
        one = make_file(self._row(self.ecg, end="31/12/2025"))
        two = make_file(["1", "Remoção nova", "01/01/2026", ""])
        wizard = self._preview(("tab 22 202605.csv", one), ("tab 50 202605.csv", two))
        wizard.action_apply()
        self.assertEqual({self._installed(t).name for t in ("22", "50")}, {"202605"})
        other = make_file(self._row(self.ecg, end="31/12/2024"))
        with self.assertRaisesRegex(UserError, f"{ECG} of table 22 reads differently"):
            self._preview(("tab 22 a.csv", one), ("tab 22 b.csv", other))

    def test_what_is_no_terminology_is_refused_in_words(self):
        for content, words in (
            (b"a;b\n1;2\n", "“Código do Termo” and “Termo”"),
            (bytes(1000), "neither a table"),
            (b"PK\x03\x04xx", "damaged"),
        ):
            with self.subTest(words), self.assertRaisesRegex(UserError, f"x.csv.*{words}"):
                self._preview(("x.csv", content))
        with self.assertRaisesRegex(UserError, "Choose the files"):
            self._preview()

    def test_only_managers_load(self):
        user = self._create_user("t.fatura", "billing")
        with self.assertRaises(AccessError):
            self.env["tiss.terminology.import"].with_user(user).create({})

    def test_queries_do_not_grow_with_the_rows(self):
        """Three thousand renamed rows cost as many queries as three."""
        counts = []
        for size, edition in ((3, "202605"), (3000, "202606")):
            terms = self.Term.search([("table_code", "=", "19")], limit=size)
            content = make_file(*(self._row(term, f"{term.name} {edition}") for term in terms))
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._load(content, f"tab 19 {edition}.csv")
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 2)
        self.assertEqual(len(self._installed("19").history_ids), 3000)
