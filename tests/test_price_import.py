import base64
from datetime import date
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..standard.tests.test_pricefiles import CBHPM_HEADER, workbook
from ..wizard import tiss_price_import
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, TissCommon

MARCH, JULY = date(2026, 3, 1), date(2026, 7, 1)


class PriceImportCase(TissCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Prices with a beginning of their own: what stands before and after is visible.
        cls.items = cls.contract.price_item_ids
        cls.items.write({"tiss_start_date": date(2026, 1, 1)})
        cls.unused = cls.env["tiss.term"].search(
            [("table_code", "=", "22"), ("product_ids", "=", False)], limit=40, order="code"
        )

    def _open(self, content, name="lista.csv", **vals):
        content = content if isinstance(content, bytes) else content.encode()
        vals = {"contract_id": self.contract.id, "date": MARCH, **vals}
        wizard = self.env["tiss.price.import"].create(
            {"file": base64.b64encode(content), "file_name": name, **vals}
        )
        wizard.action_read()
        return wizard

    def _import(self, content, name="lista.csv", **vals):
        wizard = self._open(content, name, **vals)
        wizard.action_import()
        return wizard

    def _prices(self, code, contract=None):
        """[(from, until, price)] of the rules of a code, in the order of time."""
        items = (contract or self.contract).price_item_ids.filtered(
            lambda item: item.product_tmpl_id.tiss_code == code
        )
        return sorted((i.tiss_start_date, i.tiss_end_date, i.fixed_price) for i in items)

    def _states(self, wizard):
        return {line.code: line.state for line in wizard.line_ids}

    def _message(self, wizard, line):
        return wizard.line_ids.filtered(lambda each: each.line == line).message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestContractPrices(PriceImportCase):
    def test_preview_says_what_would_change_and_changes_nothing(self):
        term = self.unused[0]
        before = self._prices(CONSULTATION)
        wizard = self._open(
            "Código;Descrição;Valor\n"
            f"{CONSULTATION};Consulta;R$ 1.150,00\n"
            f"{BLOOD_COUNT};Hemograma;33,33\n"
            f"{term.code};Novo;10,00\n"
            "Total;;1.193,33\n"
            "99999999;Desconhecido;5,00\n"
        )
        self.assertEqual((wizard.state, wizard.layout), ("preview", "plain"))
        self.assertEqual(
            self._states(wizard),
            {
                CONSULTATION: "changed",
                BLOOD_COUNT: "unchanged",
                term.code: "new",
                False: "skipped",
                "99999999": "error",
            },
        )
        self.assertEqual(
            [wizard[f"{name}_count"] for name in ("row", "new", "changed", "unchanged", "error")],
            [5, 1, 1, 1, 1],
        )
        self.assertEqual(wizard.product_count, 1)
        line = wizard.line_ids[0]
        self.assertEqual((line.line, line.old_price, line.new_price), (2, 150.0, 1150.0))
        self.assertIn("99999999 is no TUSS code", self._message(wizard, 6))
        self.assertEqual(wizard.error_line_ids.mapped("line"), [6])
        self.assertEqual(self._prices(CONSULTATION), before)
        self.assertFalse(term.product_ids)

    def test_new_prices_end_the_old_ones_the_day_before(self):
        wizard = self._import(f"{CONSULTATION};160,00\n{self.unused[0].code};10,00\n")
        self.assertEqual(wizard.state, "done")
        self.assertEqual(
            self._prices(CONSULTATION),
            [(date(2026, 1, 1), date(2026, 2, 28), 150.0), (MARCH, False, 160.0)],
        )
        self.assertEqual(self._prices(self.unused[0].code), [(MARCH, False, 10.0)])
        product = self.products[CONSULTATION]
        for day, price in ((date(2026, 2, 28), 150), (MARCH, 160)):
            self.assertEqual(self.contract.price_for(product, day)["unit_amount"], price)
        self.assertIn("2 rows imported (1 new, 1 changed)", wizard.result)
        self.assertEqual(wizard.action_view_result()["res_id"], self.contract.id)

    def test_the_same_file_twice_changes_nothing(self):
        content = f"codigo;valor;tele;de\n{CONSULTATION};160;120;01/02/2026\n{ECG};50;;\n"
        self._import(content)
        before = self._get_content()
        wizard = self._open(content)
        self.assertEqual(set(wizard.line_ids.mapped("state")), {"unchanged"})
        wizard.action_import()
        after = self._get_content()
        ours = [name for name in before if not name.startswith("tiss.price.import")]
        self.assertEqual({name: after[name] for name in ours}, {n: before[n] for n in ours})

    def test_on_the_day_on_which_a_price_began_it_is_replaced(self):
        self._import(f"{ECG};50\n", date=date(2026, 1, 1))
        self.assertEqual(self._prices(ECG), [(date(2026, 1, 1), False, 50.0)])

    def test_a_later_price_stays(self):
        self._import(f"{ECG};60\n", date=JULY)
        self._import(f"{ECG};50\n")
        self.assertEqual(
            self._prices(ECG),
            [
                (date(2026, 1, 1), date(2026, 2, 28), 41.10),
                (MARCH, date(2026, 6, 30), 50.0),
                (JULY, False, 60.0),
            ],
        )
        wizard = self._open(f"codigo;valor;ate\n{ECG};55;31/07/2026\n", date=date(2026, 5, 1))
        self.assertIn("price that begins on 01/07/2026", self._message(wizard, 2))

    def test_periods_of_one_procedure_in_one_file(self):
        self._import(f"codigo;valor;de;ate\n{ECG};60;01/07/2026;31/12/2026\n{ECG};50;01/03/2026;\n")
        self.assertEqual(
            self._prices(ECG),
            [
                (date(2026, 1, 1), date(2026, 2, 28), 41.10),
                (MARCH, date(2026, 6, 30), 50.0),
                (JULY, date(2026, 12, 31), 60.0),
                (date(2027, 1, 1), False, 50.0),
            ],
        )

    def test_after_a_promotion_the_price_before_holds_again(self):
        """41.10 for good; 50 in March only: 41.10 again from 01/04, with all that its rule says."""
        self.items.filtered(lambda i: i.product_tmpl_id.tiss_code == ECG).tiss_code = "777"
        content = f"codigo;valor;de;ate\n{ECG};50;01/03/2026;31/03/2026\n"
        wizard = self._import(content)
        self.assertIn("From 01/04/2026 on the price before holds again", wizard.line_ids.message)
        periods = [
            (date(2026, 1, 1), date(2026, 2, 28), 41.10),
            (MARCH, date(2026, 3, 31), 50.0),
            (date(2026, 4, 1), False, 41.10),
        ]
        self.assertEqual(self._prices(ECG), periods)
        rules = self.contract.price_item_ids.filtered(lambda i: i.product_tmpl_id.tiss_code == ECG)
        self.assertEqual(set(rules.mapped("tiss_code")), {"777"})
        self.assertEqual(self._open(content).unchanged_count, 1)

    def test_a_promotion_from_the_day_on_which_the_price_began(self):
        self._import(f"codigo;valor;de;ate\n{ECG};50;01/01/2026;31/01/2026\n")
        self.assertEqual(
            self._prices(ECG),
            [(date(2026, 1, 1), date(2026, 1, 31), 50.0), (date(2026, 2, 1), False, 41.10)],
        )

    def test_what_follows_a_promotion_can_be_in_the_same_file(self):
        self._import(f"codigo;valor;de;ate\n{ECG};50;01/03/2026;31/03/2026\n{ECG};45;01/04/2026;\n")
        self.assertEqual(
            self._prices(ECG),
            [
                (date(2026, 1, 1), date(2026, 2, 28), 41.10),
                (MARCH, date(2026, 3, 31), 50.0),
                (date(2026, 4, 1), False, 45.0),
            ],
        )

    def test_the_same_price_without_an_end_goes_on(self):
        item = self.items.filtered(lambda i: i.product_tmpl_id.tiss_code == ECG)
        item.tiss_end_date = date(2026, 5, 31)
        wizard = self._open(f"codigo;valor\n{ECG};41,10\n")
        self.assertEqual(wizard.changed_count, 1)
        self.assertIn("only its last day changes", wizard.line_ids.message)
        wizard.action_import()
        self.assertEqual(self._prices(ECG), [(date(2026, 1, 1), False, 41.10)])
        # A later price ends it, as it ends every other.
        item.tiss_end_date = date(2026, 5, 31)
        self._import(f"{ECG};60\n", date=JULY)
        self._import(f"{ECG};41,10\n")
        self.assertEqual(
            self._prices(ECG),
            [(date(2026, 1, 1), date(2026, 6, 30), 41.10), (JULY, False, 60.0)],
        )

    def test_a_product_that_another_rule_prices_is_an_error_in_the_preview(self):
        item = self.items.filtered(lambda i: i.product_tmpl_id.tiss_code == ECG)
        item.write({"compute_price": "percentage", "percent_price": 10})
        content = f"codigo;valor\n{ECG};50\n{CONSULTATION};160\n"
        wizard = self._open(content, import_good=True)
        self.assertEqual(self._states(wizard), {ECG: "error", CONSULTATION: "changed"})
        self.assertIn(item.price, self._message(wizard, 2))
        wizard.action_import()
        self.assertEqual(self._prices(CONSULTATION)[-1], (MARCH, False, 160.0))
        # Beginning later, it ends the price; ended before, it is in nobody's way.
        item.tiss_start_date = JULY
        self._import(f"codigo;valor\n{ECG};50\n")
        self.assertEqual(self._prices(ECG)[0], (MARCH, date(2026, 6, 30), 50.0))
        item.tiss_end_date = date(2026, 7, 31)
        self._import(f"codigo;valor\n{ECG};70\n", date=date(2026, 8, 1))
        self.assertEqual(self._prices(ECG)[-1], (date(2026, 8, 1), False, 70.0))

    def test_a_price_that_is_unticked_says_so(self):
        item = self.items.filtered(lambda i: i.product_tmpl_id.tiss_code == ECG)
        item.tiss_covered = False
        wizard = self._open(f"codigo;valor\n{ECG};50\n{CONSULTATION};160\n")
        self.assertEqual(set(wizard.line_ids.mapped("state")), {"changed"})
        self.assertIn("tick it to use the price", self._message(wizard, 2))
        self.assertFalse(self._message(wizard, 3))

    def test_a_price_of_nothing_is_no_price(self):
        wizard = self._open(f"codigo;valor\n{ECG};0\n{BLOOD_COUNT};0,004\n{CONSULTATION};0,005\n")
        self.assertEqual(
            self._states(wizard), {ECG: "error", BLOOD_COUNT: "error", CONSULTATION: "changed"}
        )
        self.assertIn("is no price", self._message(wizard, 2))

    def test_telehealth(self):
        self.items.tiss_tele = False
        self._import(f"codigo;valor;teleconsulta\n{CONSULTATION};160;120,50\n{ECG};50;\n")
        rules = self.contract.price_item_ids.filtered(lambda i: i.tiss_start_date == MARCH)
        by_code = {rule.product_tmpl_id.tiss_code: rule for rule in rules}
        self.assertEqual(by_code[CONSULTATION].tiss_tele_price, 120.5)
        self.assertTrue(by_code[CONSULTATION].tiss_tele)
        self.assertFalse(by_code[ECG].tiss_tele)

    def test_what_else_a_rule_says_goes_over_to_the_new_period(self):
        item = self.items.filtered(lambda i: i.product_tmpl_id.tiss_code == ECG)
        item.write({"tiss_code": "777", "tiss_billing_kind": "package"})
        self._import(f"{ECG};50\n")
        new = self.contract.price_item_ids.filtered(lambda i: i.tiss_start_date == MARCH)
        self.assertEqual((new.tiss_code, new.tiss_billing_kind), ("777", "package"))

    def test_prices_of_one_plan_leave_the_others_alone(self):
        self._import(f"{ECG};50\n", plan_id=self.plan.id)
        self.assertEqual(
            self._prices(ECG), [(date(2026, 1, 1), False, 41.10), (MARCH, False, 50.0)]
        )
        new = self.contract.price_item_ids.filtered(lambda i: i.tiss_start_date == MARCH)
        self.assertEqual(new.tiss_plan_id, self.plan)

    def test_nothing_is_imported_on_error_unless_asked(self):
        content = f"codigo;valor\n{ECG};50\n{CONSULTATION};cem\n"
        wizard = self._open(content)
        with self.assertRefused("1 rows have errors"):
            wizard.action_import()
        self.assertEqual(self._prices(ECG)[0][2], 41.10)
        wizard.import_good = True
        wizard.action_import()
        self.assertEqual(self._prices(ECG)[-1][2], 50.0)
        self.assertEqual(self._prices(CONSULTATION)[-1][2], 150.0)
        with self.assertRefused("imported already"):
            wizard.action_import()

    def test_each_mistake_is_named_with_its_line_and_text(self):
        wizard = self._open(
            "codigo;valor;de\n"
            f"{CONSULTATION};cem;\n"
            f"{ECG};10;\n"
            f"{ECG};11;\n"
            f"{BLOOD_COUNT};5;31/02/2026\n"
            f"{DIPYRONE};;\n"
        )
        for line, words in (
            (2, "valor: “cem” is no number"),
            (3, f"{ECG} has another price in line 4"),
            (4, f"{ECG} has another price in line 3"),
            (5, "de: “31/02/2026” is no date"),
            (6, "no price"),
        ):
            self.assertIn(words, self._message(wizard, line))

    def test_codes_that_lost_their_zeros_find_their_product(self):
        product = self.env["product.template"].create(
            {"name": "Item próprio", "tiss_table": "00", "tiss_code": "00012345"}
        )
        self._import("codigo;valor\n12345;7,50\n")
        self.assertEqual(self._prices("00012345"), [(MARCH, False, 7.5)])
        product.copy({"tiss_code": "00012345", "tiss_table": "98"})
        wizard = self._open("codigo;valor\n12345;8,50\n")
        self.assertIn("Several products", self._message(wizard, 2))

    def test_two_ways_of_writing_one_code(self):
        self.env["product.template"].create(
            {"name": "Item próprio", "tiss_table": "00", "tiss_code": "00012345"}
        )
        wizard = self._open("codigo;valor\n12345;7,50\n00012345;8\n")
        self.assertIn("same procedure and day", self._message(wizard, 3))

    def test_products_are_made_only_when_allowed(self):
        code = self.unused[0].code
        wizard = self._open(f"codigo;valor\n{code};10\n", create_products=False)
        self.assertIn("Create missing products", self._message(wizard, 2))
        wizard.create_products = True
        # An option was changed: first the new preview, then the import.
        self.assertEqual(wizard.action_import()["tag"], "display_notification")
        self.assertEqual((wizard.state, wizard.error_count), ("preview", 0))
        wizard.action_import()
        self.assertEqual(self._prices(code), [(MARCH, False, 10.0)])

    def test_one_note_says_it_all(self):
        self.env.flush_all()
        self.env.cr.precommit.run()
        before = self.contract.message_ids
        wizard = self._import(f"codigo;valor\n{ECG};50\n{CONSULTATION};160\n")
        self.env.flush_all()
        self.env.cr.precommit.run()
        note = self.contract.message_ids - before
        self.assertEqual(note.mapped("body"), [f"<p>lista.csv: {wizard.result}</p>"])
        self.assertIn("2 rows imported", wizard.result)

    def test_the_number_of_queries_does_not_depend_on_the_rows(self):
        """Preview and import apart, for rules that begin, that change, and that give way."""
        self.unused.create_products()

        def count(size, start, price, day):
            # Another price in every row.
            rows = "".join(
                f"{term.code};{price + i}\n"
                for i, term in enumerate(self.unused[start : start + size])
            )
            content = base64.b64encode(b"codigo;valor\n" + rows.encode())
            wizard = self.env["tiss.price.import"].create(
                {"file": content, "contract_id": self.contract.id, "date": day}
            )
            counts = []
            for step in (wizard.action_read, wizard.action_import):
                self.env.invalidate_all()
                first = self.env.cr.sql_log_count
                step()
                self.env.flush_all()
                counts.append(self.env.cr.sql_log_count - first)
            self.assertEqual(
                (wizard.new_count + wizard.changed_count, wizard.state), (size, "done")
            )
            return counts

        for price, day in ((10, MARCH), (60, MARCH), (110, JULY)):
            # What a process reads once and keeps is read by the first one.
            count(2, 0, price, day)
            few, many = count(5, 5, price, day), count(25, 12, price, day)
            for name, one, other in zip(("preview", "import"), few, many, strict=True):
                with self.subTest(name, price=price, day=day):
                    self.assertEqual(one, other)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestReferenceTables(PriceImportCase):
    def _cbhpm(self, uco=1.75):
        group = [1, "Grupo", 101, "Subgrupo"]
        rows = [
            ["Classificação inventada"],
            CBHPM_HEADER,
            [*group, 10101012.0, "Consulta", None, None, "2B", "-", None, None, "-"],
            [*group, "4.03.04.36-1", "Exame", 0.1, "de", "1A", uco, "-", "-", "-"],
            [*group, "3.01.01.01-8", "Cirurgia", None, None, "3C", "2,5", 2, 4, "0,1205"],
        ]
        return workbook(CBHPM=rows)

    def test_a_cbhpm_workbook_becomes_a_draft_edition(self):
        wizard = self._open(self._cbhpm(), "CBHPM inventada.xlsx", contract_id=False)
        self.assertEqual(
            (wizard.layout, wizard.target, wizard.kind, wizard.new_name, wizard.new_count),
            ("cbhpm", "table", "cbhpm", "CBHPM inventada", 3),
        )
        wizard.new_edition = "2099"
        wizard.action_import()
        table = wizard.table_id
        self.assertEqual(
            (table.name, table.edition, table.kind, table.state, table.start_date),
            ("CBHPM inventada", "2099", "cbhpm", "draft", MARCH),
        )
        exam, surgery = [
            table.line_ids.filtered(lambda line, code=code: line.code == code)
            for code in (BLOOD_COUNT, "30101018")
        ]
        self.assertEqual((exam.porte, exam.porte_fraction, exam.uco), ("1A", 0.1, 1.75))
        self.assertEqual(
            (surgery.name, surgery.tuss_code, surgery.uco, surgery.film, surgery.porte_fraction),
            ("Cirurgia", "30101018", 2.5, 0.1205, 1.0),
        )
        self.assertEqual((surgery.auxiliaries, surgery.anaesthetic_porte), (2, 4))

    def test_the_draft_is_refreshed_and_the_published_edition_left_alone(self):
        table = self._import(self._cbhpm(), "c.xlsx", contract_id=False).table_id
        again = self._open(self._cbhpm(), "c.xlsx", contract_id=False, table_id=table.id)
        self.assertEqual(set(again.line_ids.mapped("state")) - {"skipped"}, {"unchanged"})
        changed = self._open(self._cbhpm(2), "c.xlsx", contract_id=False, table_id=table.id)
        self.assertEqual((changed.changed_count, changed.unchanged_count), (1, 2))
        line = changed.line_ids.filtered(lambda each: each.state == "changed")
        self.assertIn("UCO: 1.7500 → 2.0000", line.message)
        table.state = "published"
        with self.assertRefused("published and no longer changes"):
            changed.action_import()

    def test_publish_at_once(self):
        wizard = self._open("codigo;ch\n10101012;100\n40304361;12,5\n", contract_id=False)
        self.assertEqual((wizard.layout, wizard.kind), ("ch", "ch"))
        wizard.publish = True
        wizard.action_import()
        self.assertEqual(wizard.table_id.state, "published")
        self.assertIn("2 rows imported", "".join(wizard.table_id.message_ids.mapped("body")))
        self.assertEqual(wizard.table_id.line_ids.mapped("ch"), [100.0, 12.5])

    def test_simpro(self):
        wizard = self._import(
            '<PRODUTOS><ITEM CD_SIMPRO="0000012345" DESCRICAO="Seringa inventada"'
            ' PC_EM_FAB="1.234,00" PC_EM_VEN="1.500,00" PC_FR_FAB="12,34" PC_FR_VEN="15,00"'
            ' QTDE_EMBAL="100" TP_FRACAO="UN" CD_TUSS="70000001" VIGENCIA="01/11/2026"/>'
            "</PRODUTOS>",
            "mat.xml",
            contract_id=False,
        )
        line = wizard.table_id.line_ids
        self.assertEqual((wizard.layout, wizard.table_id.kind), ("simpro", "simpro"))
        self.assertEqual(
            (line.code, line.tuss_code, line.pf, line.pmc_fraction, line.package_quantity),
            ("0000012345", "70000001", 1234.0, 15.0, 100.0),
        )

    def test_values_of_portes(self):
        content = "Porte;Valor\n10A;100,00\n1A;10,50\n2B;20\nUCO;20,47\n"
        wizard = self._import(content, "valores.csv", contract_id=False)
        edition = wizard.edition_id
        self.assertEqual((wizard.layout, edition.state), ("portes", "draft"))
        values = {value.porte: value.amount for value in edition.value_ids}
        self.assertEqual(values, {"1A": 10.5, "2B": 20.0, "10A": 100.0})
        self.assertEqual(edition.uco_amount, 20.47)
        again = self._open(content, "valores.csv", contract_id=False, edition_id=edition.id)
        self.assertEqual(again.unchanged_count, 4)
        changed = self._import(
            content.replace("10,50", "11") + "122;88,5\n", contract_id=False, edition_id=edition.id
        )
        self.assertEqual((changed.changed_count, changed.new_count), (1, 1))
        self.assertEqual(edition.value_ids.filtered(lambda v: v.porte == "122").amount, 88.5)
        self.assertIn(11.0, edition.value_ids.mapped("amount"))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestMappingAndFiles(PriceImportCase):
    def test_what_was_said_of_the_columns_is_remembered(self):
        content = f"codigo;valor;valor negociado\n{ECG};50;45\n"
        wizard = self._open(content)
        self.assertEqual(wizard.line_ids.new_price, 50.0)
        self.assertEqual(wizard.column_ids.mapped("title"), ["codigo", "valor", "valor negociado"])
        self.assertEqual(wizard.column_ids[1].examples, "50")
        wizard.column_ids[1].role = False
        wizard.column_ids[2].role = "price"
        wizard.source_name = "Lista da operadora"
        wizard.action_preview()
        self.assertEqual(wizard.line_ids.new_price, 45.0)
        wizard.action_import()
        again = self._open(f"Código;VALOR;Valor negociado\n{BLOOD_COUNT};9;8\n")
        self.assertEqual(again.source_id.name, "Lista da operadora")
        self.assertEqual(again.line_ids.new_price, 8.0)
        other = self._open(f"codigo;valor\n{ECG};50\n")
        self.assertFalse(other.source_id)

    def test_columns_that_cannot_be(self):
        wizard = self._open(f"codigo;valor;valor negociado\n{ECG};50;45\n")
        wizard.column_ids[2].role = "price"
        with self.assertRefused("Two columns are said to be “Price”"):
            wizard.action_preview()
        wizard.column_ids[1:].role = False
        with self.assertRefused("which one is “Price”"):
            wizard.action_preview()

    def test_the_decimal_sign_can_be_said(self):
        wizard = self._open(f"codigo;valor\n{ECG};1.234\n")
        self.assertEqual(wizard.line_ids.new_price, 1234.0)
        wizard.decimal_mark = "."
        wizard.action_preview()
        self.assertEqual(wizard.line_ids.new_price, 1.23)

    def test_files_that_are_no_price_list(self):
        garbage = bytes(range(256)) * (50 * 1024 * 4)
        for content, words in (
            (garbage, "more than 40 MB"),
            (garbage[:100_000], "no table of prices"),
            (b"PK\x03\x04" + garbage[:1000], "damaged"),
            (b"nome;cidade\nFulano;Santos\n", "No column of codes"),
            (f"{ECG},150,50\n{BLOOD_COUNT},33,33\n".encode(), "Commas separate"),
            (b" \n", "empty"),
            (b"<!DOCTYPE a []><PRODUTOS/>", "DOCTYPE"),
        ):
            with self.subTest(words=words), self.assertRefused(words):
                self._open(content)
        with self.assertRefused("Choose a file"):
            self.env["tiss.price.import"].create({}).action_read()
        with self.assertRefused("Choose the convênio"):
            self._open(f"codigo;valor\n{ECG};1\n", contract_id=False)

    def _limit(self, number):
        return patch.object(tiss_price_import, "MAX_CONTRACT_ROWS", number)

    def test_so_many_prices_are_no_list_of_a_convenio(self):
        content = f"codigo;valor\n{ECG};50\n{CONSULTATION};160\n{BLOOD_COUNT};9\n"
        with self._limit(2), self.assertRefused("at most 2 rows"):
            self._open(content)
        with self._limit(3):
            self.assertEqual(self._open(content).row_count, 3)
        with self._limit(2):
            self.assertEqual(self._open(content, target="table").row_count, 3)

    def test_without_a_reader_of_the_old_xls_it_says_what_to_do(self):
        ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 100
        with patch.dict("sys.modules", {"xlrd": None}), self.assertRefused("save it as .xlsx"):
            self._open(ole)

    def test_all_rows_can_be_seen_and_filtered(self):
        wizard = self._open(f"codigo;valor\n{ECG};50\n{CONSULTATION};cem\n")
        action = wizard.with_context(tiss_state="error").action_view_lines()
        self.assertEqual(action["context"], {"search_default_error": 1})
        self.assertEqual(self.env["tiss.price.import.line"].search_count(action["domain"]), 2)

    def test_another_file_is_for_the_same_target(self):
        wizard = self._import(f"codigo;valor\n{ECG};50\n")
        context = wizard.action_restart()["context"]
        self.assertEqual(context["default_contract_id"], self.contract.id)

    def test_opened_from_a_record_it_is_for_that_record(self):
        table = self.env["tiss.price.table"].create({"name": "T"})
        for record, name in ((self.contract, "contract_id"), (table, "table_id")):
            context = {"active_model": record._name, "active_id": record.id}
            wizard = self.env["tiss.price.import"].with_context(**context).create({})
            self.assertEqual(wizard[name], record)

    def test_only_a_manager_imports_prices(self):
        biller = self._create_user("biller", "billing")
        with self.assertRaises(AccessError):
            self.env["tiss.price.import"].with_user(biller).create({})

    def test_the_other_clinic_is_out_of_reach(self):
        other = self._create_other_clinic()
        with self.assertRaises(UserError):
            self._open(f"codigo;valor\n{ECG};1\n", contract_id=other.id)
