import base64
import json
from datetime import date

from odoo import models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models.contract_file import FORMAT, SECTIONS
from .common import CONSULTATION, ECG, TissCommon

INHERITED = ("mail.thread", "mail.activity.mixin", "mail.thread.blacklist")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestContractTransfer(TissCommon):
    """A convênio goes into a file and comes out of it as it was."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls._create_other_clinic().company_id.with_env(cls.env)
        # The other company starts with nothing of this operadora.
        cls.env["tiss.contract"].sudo().search([("company_id", "=", cls.other.id)]).unlink()
        cls._enrich()

    @classmethod
    def _enrich(cls):
        """Something in every section of the file."""
        env = cls.env
        cls.operadora.write({"tiss_portal_url": "https://exemplo.invalid", "city": "Santos"})
        levels = env["tiss.network.level"].create(
            [{"operadora_id": cls.operadora.id, "name": name} for name in ("Básico", "Premium")]
        )
        cls.plan.write(
            {"network_level_ids": [Command.set(levels[1:].ids)], "hiring_kind": "company"}
        )
        env["tiss.card.rule"].create(
            {"operadora_id": cls.operadora.id, "plan_id": cls.plan.id, "card_length": 10}
        )
        cls.policy = env["tiss.price.policy"].create(
            {
                "name": "Regra da clínica",
                "urgency_percent": 33.5,
                "by_order": "100/70/50",
                "local_holidays": "25/01",
            }
        )
        cls.group = env["product.category"].create({"name": "Exames inventados"})
        cls.package = env["product.template"].create(
            {
                "name": "Pacote inventado",
                "type": "service",
                "tiss_table": "98",
                "tiss_code": "90001",
                "categ_id": cls.group.id,
                "taxes_id": False,
                "tiss_component_ids": [
                    Command.create(
                        {"product_tmpl_id": cls.products[ECG].product_tmpl_id.id, "quantity": 2.5}
                    )
                ],
            }
        )
        cls.table = env["tiss.price.table"].create(
            {
                "name": "Tabela inventada",
                "kind": "cbhpm",
                "edition": "2099",
                "start_date": date(2026, 1, 1),
                "policy_id": cls.policy.id,
                "line_ids": [
                    Command.create(
                        {"code": ECG, "tuss_code": ECG, "name": "ECG", "porte": "2B", "uco": 1.2345}
                    )
                ],
            }
        )
        cls.edition = env["tiss.porte.edition"].create(
            {
                "name": "Valores inventados",
                "start_date": date(2026, 1, 1),
                "note": "Ata de 2026",
                "uco_amount": 20.47,
                "value_ids": [Command.create({"porte": "2B", "amount": 88.5})],
            }
        )
        cls.table.state = cls.edition.state = "published"
        cls.clause = env["tiss.clause"].create({"name": "Cláusula inventada"})
        cls.contract.write(
            {
                "network_level_id": levels[1].id,
                "price_policy_id": cls.policy.id,
                "payment_days": 45,
                "start_date": date(2026, 1, 1),
                "end_date": date(2027, 12, 31),
                "renewal_months": 12,
                "base_date": date(2027, 3, 1),
                "note": "<p>Falar com a Fulana</p>",
            }
        )
        lines = cls.contract.clause_ids
        line = lines.filtered(lambda each: each.clause_id == cls.clause) or lines.create(
            {"contract_id": cls.contract.id, "clause_id": cls.clause.id}
        )
        line.write({"state": "present", "reference": "7.2"})
        cls._enrich_rules(levels)

    @classmethod
    def _enrich_rules(cls, levels):
        env = cls.env
        pricelist = {"pricelist_id": cls.contract.pricelist_id.id}
        env["product.pricelist.item"].create(
            [
                {
                    **pricelist,
                    "product_tmpl_id": cls.package.id,
                    "applied_on": "1_product",
                    "fixed_price": 512.34,
                    "tiss_start_date": date(2026, 3, 1),
                    "tiss_end_date": date(2026, 12, 31),
                    "tiss_plan_id": cls.plan.id,
                    "tiss_tele": True,
                    "tiss_tele_price": 99.9,
                    "tiss_code": "A-77",
                    "tiss_table_id": env["tiss.term"]._get("87", "00").id,
                },
                {
                    **pricelist,
                    "applied_on": "2_product_category",
                    "display_applied_on": "2_product_category",
                    "categ_id": cls.group.id,
                    "compute_price": "tiss_table",
                    "tiss_price_table_id": cls.table.id,
                    "tiss_porte_edition_id": cls.edition.id,
                    "tiss_network_level_id": levels[1].id,
                    "tiss_percent": -12.5,
                },
            ]
        )
        env["tiss.coverage"].create(
            [
                {
                    "contract_id": cls.contract.id,
                    "product_tmpl_id": cls.products[CONSULTATION].product_tmpl_id.id,
                    "plan_id": cls.plan.id,
                    "authorization": "yes",
                    "limit_year": 12,
                    "copayment_kind": "percent",
                    "copayment_percent": 12.5,
                    "copayment_ceiling": 40,
                },
                {"contract_id": cls.contract.id, "categ_id": cls.group.id, "covered": "no"},
            ]
        )
        env["tiss.accreditation"].create(
            {
                "contract_id": cls.contract.id,
                "professional_id": cls.professional.id,
                "network_status": "preferential",
                "start_date": date(2026, 1, 1),
            }
        )

    def _data(self, **options):
        return json.loads(self.contract.export_file(**options))

    def _import(self, data, **options):
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.env["tiss.contract"].import_file(content, self.other, **options)

    def _preview(self, data):
        return self.env["tiss.contract"].preview_file(json.dumps(data).encode(), self.other)

    def _rename_all(self):
        """Give everything of the convênio another name: the file finds nothing of it."""
        self.operadora.write({"tiss_ans_code": "005711", "vat": False, "name": "Outra"})
        self.policy.name = "Outra regra"
        self.group.name = "Outro grupo"
        self.package.write({"tiss_code": "90002", "name": "Outro pacote"})
        self.plan.name = "Outro plano"

    # ------------------------------------------------------------------
    # The law
    # ------------------------------------------------------------------

    def test_export_import_export_gives_the_same_file(self):
        content = self.contract.export_file(include_tables=True)
        copy = self._import(content)
        self.assertEqual(copy.company_id, self.other)
        self.assertEqual(copy.export_file(include_tables=True), content)
        self.assertEqual(copy.partner_id, self.operadora)
        self.assertEqual((copy.next_guia_number, copy.next_lote_number), (1, 1))

    def test_it_also_holds_where_nothing_of_it_is_known(self):
        content = self.contract.export_file(include_tables=True)
        self._rename_all()
        copy = self._import(content)
        self.assertEqual(copy.export_file(include_tables=True), content)
        self.assertNotEqual(copy.partner_id, self.operadora)
        self.assertEqual(copy.partner_id.tiss_ans_code, "326305")
        package = self.env["product.template"].search([("tiss_code", "=", "90001")])
        self.assertNotEqual(package, self.package)
        self.assertEqual(package.tiss_component_ids.quantity, 2.5)
        self.assertEqual(copy.coverage_ids[0].copayment_ceiling, 40.0)

    def test_the_price_of_a_day_is_the_same_on_both_sides(self):
        copy = self._import(self.contract.export_file(include_tables=True))
        product = self.products[CONSULTATION]
        price = copy.price_for(product, self.visit_date)["unit_amount"]
        self.assertEqual(price, self.contract.price_for(product, self.visit_date)["unit_amount"])

    def test_every_field_goes_along_or_stays_behind_on_purpose(self):
        for name, section in SECTIONS.items():
            model = self.env[section.model]
            mixins = {each for base in INHERITED for each in self.env[base]._fields}
            ours = {
                each
                for each, field in model._fields.items()
                if each not in mixins
                and each not in (*models.MAGIC_COLUMNS, "display_name")
                and (field.store or field.inverse)
                and not (field.compute and field.readonly)
                and not (field.related and not field.inherited and field.readonly)
                and each.startswith(section.only)
            }
            named = {
                *section.fields, *section.links, *section.many, *section.children,
                *section.left_out,
            }  # fmt: skip
            with self.subTest(section=name):
                self.assertEqual(ours - named, set())
                self.assertEqual(named - model._fields.keys(), set())

    # ------------------------------------------------------------------
    # What the file is
    # ------------------------------------------------------------------

    def test_the_file_is_readable_and_keeps_secrets(self):
        data = self._data()
        self.assertEqual((data["format"], data["version"]), (FORMAT, 1))
        self.assertEqual(data["operadora"]["tiss_ans_code"], "326305")
        self.assertEqual(data["contract"]["payment_days"], 45)
        package = next(row for row in data["prices"] if row["fixed_price"] == "512.34")
        self.assertEqual(package["product_tmpl_id"], ["98", "90001", "Pacote inventado"])
        self.assertEqual(package["tiss_start_date"], "2026-03-01")
        self.assertEqual(package["tiss_table_id"], ["87", "00"])
        self.assertEqual(data["tables"], [])
        self.assertEqual(self._data(include_tables=True)["tables"][0]["line_ids"][0]["porte"], "2B")
        self.assertFalse({"receivable_account_id", "journal_id"} & data["contract"].keys())
        self.assertEqual(self.contract.export_file(), self.contract.export_file())

    def test_what_is_missing_is_named_and_left_out_only_when_asked(self):
        content = self.contract.export_file()
        self.professional.tiss_council_number = "999999"
        preview = self.env["tiss.contract"].preview_file(content, self.other)
        self.assertEqual(len(preview["missing"]), 2)
        self.assertIn("reference table “cbhpm · Tabela inventada · 2099”", preview["missing"][0])
        self.assertIn("professional “06 · 123456 · 35", preview["missing"][1])
        with self.assertRefused("Nothing was imported"):
            self._import(content)
        copy = self._import(content, skip_missing=True)
        self.assertEqual(len(copy.price_item_ids), len(self.contract.price_item_ids) - 1)
        self.assertFalse(copy.accreditation_ids)

    def test_the_preview_leaves_nothing_behind(self):
        content = self.contract.export_file(include_tables=True)
        self._rename_all()
        self.env.flush_all()
        before = self._get_content()
        products = self.env["product.template"].search_count([])
        preview = self.env["tiss.contract"].preview_file(content, self.other)
        self.assertEqual(self._get_content(), before)
        self.assertEqual(self.env["product.template"].search_count([]), products)
        self.assertEqual(
            {name: preview["created"][name] for name in ("operadora", "plans", "products")},
            {"operadora": 1, "plans": 1, "products": 1},
        )
        self.assertEqual(preview["found"]["products"], 5)

    def test_a_convenio_that_is_there_is_never_changed(self):
        content = self.contract.export_file()
        with self.assertRefused("already has a convênio with"):
            self.env["tiss.contract"].import_file(content, self.company)

    # ------------------------------------------------------------------
    # Bad files
    # ------------------------------------------------------------------

    def test_files_that_are_none(self):
        for content, words in (
            (b"", "cannot be read"),
            (b"\x00\xff garbage", "cannot be read"),
            (b"[" * 100_000, "cannot be read"),
            (b'{"format": NaN}', "cannot be read"),
            (b'{"format": 1, "format": 2}', "cannot be read"),
            (b"[]", "no file of a conv"),
            (b'{"format": "x"}', "no file of a conv"),
            (json.dumps({"format": FORMAT}).encode(), "which version"),
            (json.dumps({"format": FORMAT, "version": 2}).encode(), "newer edition"),
            (b" " * (20 * 1024 * 1024 + 1), "more than 20 MB"),
        ):
            with self.subTest(words=words), self.assertRefused(words):
                self._import(content)

    def test_each_mistake_is_named_by_its_place(self):
        def broken(*path, value):
            data = self._data()
            owner = data
            for step in path[:-1]:
                owner = owner[step]
            owner[path[-1]] = value
            return data

        for data, words in (
            (broken("contract", "payment_days", value="30"), "contract.payment_days: a whole"),
            (broken("contract", "payment_days", value=True), "contract.payment_days: a whole"),
            (broken("contract", "payment_days", value=2**40), "contract.payment_days: a whole"),
            (broken("contract", "base_date", value="01/03/2027"), "contract.base_date: a date"),
            (broken("contract", "renewal", value="never"), "contract.renewal: “never”"),
            (broken("contract", "name", value=None), "contract.name: may not be empty"),
            (broken("contract", "journal_id", value=3), "contract.journal_id: unknown field"),
            (broken("secrets", value=[]), "secrets: unknown field"),
            (broken("prices", value={}), "prices: a list"),
            (broken("prices", 0, value=7), r"prices\[1\]: an object"),
            (broken("prices", 1, "fixed_price", value=10.5), r"prices\[2\].fixed_price: a number"),
            (broken("prices", 1, "fixed_price", value="1e9"), r"prices\[2\].fixed_price: a number"),
            (
                broken("prices", 0, "product_tmpl_id", value=[1]),
                r"prices\[1\].product_tmpl_id: the",
            ),
            (broken("plans", 0, "network_level_ids", value="x"), r"plans\[1\].network_level_ids"),
            (broken("operadora", value=None), "operadora: an object"),
        ):
            with self.subTest(words=words), self.assertRefused(words):
                self._import(data)

    def test_texts_that_no_database_takes(self):
        def broken(name, field, value, index=0):
            data = self._data()
            row = data[name] if isinstance(data[name], dict) else data[name][index]
            row[field] = value
            return data

        text, name = "is expected", "may not be empty"
        category = "the name of a group"
        for data, words in (
            (broken("contract", "name", "a\0b"), f"contract.name: a text .*{text}"),
            (broken("contract", "note", "a\ud800"), f"contract.note: a text .*{text}"),
            (broken("contract", "renewal", "\ud800"), "contract.renewal"),
            (broken("contract", "x\ud800", 1), "unknown field"),
            (broken("contract", "name", " "), f"contract.name: {name}"),
            (broken("operadora", "name", None), f"operadora.name: {name}"),
            (broken("plans", "name", ""), rf"plans\[1\].name: {name}"),
            (broken("products", "categ_id", ""), f"categ_id: {name}"),
            (broken("products", "categ_id", "a /  / b"), f"categ_id: {category}"),
            (broken("products", "categ_id", " / ".join("a" * 21)), f"categ_id: {category}"),
            (broken("prices", "product_tmpl_id", ["98", "\0", "x"]), f"a text .*{text}"),
        ):
            with self.subTest(words=words), self.assertRaisesRegex(UserError, words) as caught:
                self._import(data)
            # What is said can be sent.
            str(caught.exception).encode()
        data = self._data()
        data["contract"]["note"] = "<p>Duas\nlinhas\te um tab</p>"
        data["products"][0]["categ_id"] = " / ".join("a" * 20)
        self.assertTrue(self._preview(data)["name"])

    def test_what_the_database_refuses_is_said_in_a_sentence(self):
        def add_twice(data):
            plan = {**data["plans"][0], "name": "Dois"}
            data["plans"] += [plan, plan]

        for change, words in (
            (lambda data: data["contract"].update(notice_days=-1), "not negative"),
            (add_twice, "already has a plan"),
        ):
            data = self._data(include_tables=True)
            change(data)
            for method in (self._import, self._preview):
                with (
                    self.subTest(words=words, method=method.__name__),
                    mute_logger("odoo.sql_db"),
                    self.assertRaisesRegex(UserError, words),
                ):
                    method(data)

    def test_the_method_takes_what_a_call_from_outside_brings(self):
        """By RPC bytes come as text and a company as its id."""
        content = self.contract.export_file(include_tables=True)
        Contract = self.env["tiss.contract"]
        preview = Contract.preview_file(content.decode(), self.other.id)
        self.assertEqual(preview["missing"], [])
        copy = Contract.import_file(content.decode(), self.other.id)
        self.assertEqual(copy.company_id, self.other)
        for bad in (7, None, ["a"]):
            with self.subTest(content=bad), self.assertRefused("no file of a conv"):
                Contract.import_file(bad)
            if bad:
                with self.subTest(company=bad), self.assertRefused("no clinic"):
                    Contract.import_file(content, "x" if bad == 7 else bad)

    def test_nothing_half_done(self):
        """A mistake that only the models see, in the last part of the file."""
        data = self._data(include_tables=True)
        self._rename_all()
        data["accreditations"][0]["network_status"] = None
        with self.assertRefused("may not be empty"):
            self._import(data)
        data = self._data(include_tables=True)
        data["products"][-1]["tiss_component_ids"] = [
            {"product_tmpl_id": data["prices"][0]["product_tmpl_id"], "quantity": "-1"}
        ]
        data["products"][-1]["name"] = data["products"][-1]["tiss_code"] = "zz"
        with self.assertRefused("above zero"):
            self._import(data)

    def test_a_tiss_version_that_is_not_installed(self):
        data = self._data(include_tables=True)
        data["contract"]["version"] = "9.99.00"
        with self.assertRefused("9.99.00 is not installed"):
            self._import(data)
        self.assertEqual(self._import(data, skip_missing=True).version, "4.03.00")

    # ------------------------------------------------------------------
    # Wizard and rights
    # ------------------------------------------------------------------

    def test_the_wizard_exports_and_imports(self):
        Transfer = self.env["tiss.contract.transfer"]
        export = Transfer.with_context(
            active_model="tiss.contract", active_id=self.contract.id, default_direction="export"
        ).create({"include_tables": True})
        action = export.action_export()
        self.assertEqual(action["type"], "ir.actions.act_url")
        self.assertIn(".json", export.file_name)
        content = base64.b64decode(export.file)
        self.assertEqual(content, self.contract.export_file(include_tables=True))
        wizard = Transfer.create({"file": export.file, "company_id": self.other.id})
        wizard.action_preview()
        self.assertEqual((wizard.state, wizard.missing_count), ("preview", 0))
        self.assertIn("Price rules", wizard.summary)
        action = wizard.action_import()
        contract = self.env["tiss.contract"].browse(action["res_id"])
        self.assertEqual(contract.company_id, self.other)

    def test_the_number_of_queries_does_not_depend_on_the_rules(self):
        def count(data):
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.env["tiss.contract"].preview_file(json.dumps(data).encode(), self.other)
            return self.env.cr.sql_log_count - start

        data = self._data(include_tables=True)
        rule = next(row for row in data["prices"] if row["fixed_price"] == "512.34")

        def with_rules(number):
            years = range(2030, 2030 + number)
            rules = [
                {**rule, "tiss_start_date": f"{y}-01-01", "tiss_end_date": f"{y}-12-31"}
                for y in years
            ]
            return {**data, "prices": data["prices"] + rules}

        for _each in range(2):  # fills the caches of Odoo itself, one only the second time
            count(with_rules(1))
        self.assertEqual(count(with_rules(5)), count(with_rules(40)))

    def test_only_a_manager_moves_convenios(self):
        content = self.contract.export_file()
        biller = self._create_user("biller", "billing")
        with self.assertRaises(AccessError):
            self.contract.with_user(biller).export_file()
        with self.assertRaises(AccessError):
            self.env["tiss.contract"].with_user(biller).import_file(content)
        with self.assertRaises(AccessError):
            self.env["tiss.contract.transfer"].with_user(biller).create({})
