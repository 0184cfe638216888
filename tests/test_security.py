import io
import logging

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import Form, tagged

from .closing_records import create_closing_rows
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, PRICES, TissCommon
from .return_messages import analysis_message, payment_message
from .terms_records import (
    create_bank,
    create_delivery,
    create_denied_request,
    create_questions,
    create_shared_terms,
    create_terms,
)

SECRET = "SUSPEITA DE ZZYX"
EXPORT = "base.group_allow_export"
# model: rights of reception, billing, manager (r read, w write, c create, u unlink); the others
# — clinical alone, an ordinary employee, an accountant, the portal — have none.
RIGHTS = {
    "tiss.term": ("r", "r", "r"),
    "tiss.operadora.registry": ("r", "r", "r"),
    "tiss.plan": ("rwc", "rwc", "rwcu"),
    "tiss.repasse.rule": ("", "", "rwcu"),
    "tiss.repasse": ("", "", "rwu"),
    "tiss.repasse.line": ("", "", "r"),
    "tiss.repasse.generate": ("", "", "rwcu"),
    "tiss.closing": ("", "", "rwcu"),
    "tiss.closing.line": ("", "", "rw"),
    "tiss.copayment": ("", "rw", "rw"),
    "tiss.daily.close": ("", "rwcu", "rwcu"),
    "tiss.accounting.setup": ("", "", "rwcu"),
    "tiss.card": ("rwc", "rwc", "rwcu"),
    "tiss.contract": ("r", "rwc", "rwcu"),
    "tiss.certificate": ("", "r", "rwcu"),
    "tiss.adjustment.account": ("", "r", "rwcu"),
    "tiss.bank.match": ("", "r", "r"),
    "tiss.bank.alias": ("", "rwcu", "rwcu"),
    "tiss.bank.import": ("", "rwcu", "rwcu"),
    "tiss.bank.import.account": ("", "rwcu", "rwcu"),
    "tiss.bank.import.line": ("", "rwcu", "rwcu"),
    "tiss.bank.choose": ("", "rwcu", "rwcu"),
    "tiss.endpoint": ("", "r", "rwcu"),
    "tiss.endpoint.paste": ("", "", "rwcu"),
    "tiss.production.switch": ("", "", "rwcu"),
    "tiss.encounter": ("rwcu", "rwcu", "rwcu"),
    "tiss.encounter.line": ("rwcu", "rwcu", "rwcu"),
    "tiss.authorization": ("rwc", "rwc", "rwc"),
    "tiss.authorization.line": ("rwcu", "rwcu", "rwcu"),
    "tiss.authorization.reason": ("r", "r", "r"),
    "tiss.annex": ("rwc", "rwc", "rwc"),
    "tiss.annex.line": ("rwcu", "rwcu", "rwcu"),
    "tiss.authorization.register": ("rwcu", "rwcu", "rwcu"),
    "tiss.authorization.register.line": ("rwcu", "rwcu", "rwcu"),
    "tiss.guia": ("r", "rwc", "rwc"),
    "tiss.guia.line": ("r", "rwcu", "rwcu"),
    "tiss.guia.member": ("r", "rwcu", "rwcu"),
    "tiss.guia.declaration": ("r", "rwcu", "rwcu"),
    "tiss.guia.tooth": ("rwcu", "rwcu", "rwcu"),
    "tiss.guia.log": ("", "r", "r"),
    "tiss.lote": ("", "rw", "rw"),
    "tiss.stay.notice": ("", "rwc", "rwc"),
    "tiss.stay": ("", "r", "r"),
    "tiss.eligibility": ("rwc", "rwc", "rwc"),
    "tiss.eligibility.register": ("rwcu", "rwcu", "rwcu"),
    "tiss.protocol.query": ("", "rwc", "rwc"),
    "tiss.demonstrativo.request": ("", "rwc", "rwc"),
    "tiss.cancellation": ("", "rwc", "rwc"),
    "tiss.cancellation.line": ("", "rwcu", "rwcu"),
    "tiss.annex.protocol": ("", "rwcu", "rwcu"),
    "tiss.lote.paper": ("", "rwcu", "rwcu"),
    "tiss.document": ("rwc", "rwc", "rwc"),
    "tiss.document.upload": ("rwcu", "rwcu", "rwcu"),
    "tiss.document.upload.line": ("rwcu", "rwcu", "rwcu"),
    "tiss.message": ("", "r", "r"),
    "tiss.delivery": ("", "r", "r"),
    "tiss.movement": ("", "r", "r"),
    "tiss.ledger.check": ("", "r", "r"),
    "tiss.ledger.breach": ("", "r", "r"),
    "tiss.payment.day": ("r", "rwcu", "rwcu"),
    "tiss.month.end": ("", "rwcu", "rwcu"),
    "tiss.month.end.line": ("", "rwcu", "rwcu"),
    "tiss.demonstrativo": ("", "rwu", "rwu"),
    "tiss.demonstrativo.line": ("", "r", "r"),
    "tiss.demonstrativo.post": ("", "rwcu", "rwcu"),
    "tiss.demonstrativo.undo": ("", "rwcu", "rwcu"),
    "tiss.demonstrativo.payment": ("", "r", "r"),
    "tiss.demonstrativo.adjustment": ("", "rw", "rw"),
    "tiss.discrepancy": ("", "rw", "rw"),
    "tiss.underpayment": ("", "r", "r"),
    "tiss.provision": ("", "r", "rwu"),
    "tiss.aging": ("", "r", "r"),
    "tiss.aging.date": ("", "rwcu", "rwcu"),
    "tiss.entry.export": ("", "", "rwcu"),
    "tiss.glosa.rate": ("", "r", "r"),
    "tiss.dmed": ("", "", "r"),
    "tiss.performance": ("", "", "r"),
    "tiss.forecast": ("", "r", "r"),
    "tiss.flow": ("", "r", "r"),
    "tiss.glosa.decide": ("", "rwcu", "rwcu"),
    "tiss.glosa": ("", "rw", "rw"),
    "tiss.recurso": ("", "rw", "rw"),
    "tiss.recurso.line": ("", "rwu", "rwu"),
    "tiss.recurso.protocol": ("", "rwcu", "rwcu"),
    "tiss.appeal.text": ("", "r", "rwcu"),
    "tiss.contract.create": ("", "rwcu", "rwcu"),
    "tiss.guia.correct": ("", "rwcu", "rwcu"),
    "tiss.guia.generate": ("", "rwcu", "rwcu"),
    "tiss.guia.generate.line": ("", "rwcu", "rwcu"),
    "tiss.guia.generate.group": ("", "rwcu", "rwcu"),
    "tiss.guia.run": ("", "r", "r"),
    "tiss.guia.run.line": ("", "r", "r"),
    "tiss.lote.generate": ("", "rwcu", "rwcu"),
    "tiss.lote.protocol": ("", "rwcu", "rwcu"),
    "tiss.lote.import": ("", "rwcu", "rwcu"),
    "tiss.return.import": ("", "rwcu", "rwcu"),
    "tiss.return.import.line": ("", "rwcu", "rwcu"),
    "tiss.return.import.column": ("", "rwcu", "rwcu"),
    "tiss.return.map": ("", "rwcu", "rwcu"),
    "tiss.return.entry": ("", "rwcu", "rwcu"),
    "tiss.return.entry.line": ("", "rwcu", "rwcu"),
    "tiss.return.entry.adjustment": ("", "rwcu", "rwcu"),
    "tiss.price.table": ("r", "r", "rwcu"),
    "tiss.price.table.line": ("r", "r", "rwcu"),
    "tiss.porte.edition": ("r", "r", "rwcu"),
    "tiss.porte.value": ("r", "r", "rwcu"),
    "tiss.price.policy": ("r", "r", "rwcu"),
    "tiss.package.line": ("r", "rwcu", "rwcu"),
    "tiss.coverage": ("r", "rwcu", "rwcu"),
    "tiss.network.level": ("r", "rwc", "rwcu"),
    "tiss.accreditation": ("r", "rwcu", "rwcu"),
    "tiss.clause": ("r", "r", "rwcu"),
    "tiss.contract.clause": ("", "rwcu", "rwcu"),
    "tiss.card.rule": ("r", "rwcu", "rwcu"),
    "tiss.term.history": ("r", "r", "r"),
    "tiss.terminology.edition": ("r", "r", "r"),
    "tiss.version": ("", "r", "r"),
    "tiss.version.install": ("", "", "rwcu"),
    "tiss.file.export": ("", "rwcu", "rwcu"),
    "tiss.message.compare": ("", "rwcu", "rwcu"),
    "tiss.price.source": ("", "rwcu", "rwcu"),
    "tiss.contract.procedure": ("", "rwcu", "rwcu"),
    "tiss.contract.procedure.line": ("", "rwcu", "rwcu"),
    "tiss.coverage.check": ("rwcu", "rwcu", "rwcu"),
    "tiss.readjustment": ("", "", "rwcu"),
    "tiss.readjustment.line": ("", "", "rwcu"),
    "tiss.contract.clone": ("", "rwcu", "rwcu"),
    "tiss.contract.transfer": ("", "", "rwcu"),
    "tiss.registry.import": ("", "", "rwcu"),
    "tiss.registry.import.line": ("", "", "rwcu"),
    "tiss.terminology.import": ("", "", "rwcu"),
    "tiss.terminology.import.line": ("", "", "rwcu"),
    "tiss.product.match": ("", "rwcu", "rwcu"),
    "tiss.product.match.line": ("", "rwcu", "rwcu"),
    "tiss.price.import": ("", "", "rwcu"),
    "tiss.price.import.column": ("", "", "rwcu"),
    "tiss.price.import.line": ("", "", "rwcu"),
}
# Without a company their records are of all companies.
SHARED = {"tiss.appeal.text", "tiss.price.policy", "tiss.return.map"}
OPERATIONS = {"r": "read", "w": "write", "c": "create", "u": "unlink"}


@tagged("post_install", "-at_install", "post_install_l10n")
class TestSecurity(TissCommon):
    """Who sees and does what: real users, real data, every model of the registry."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            "reception": cls._create_user("s.recepcao", "reception", EXPORT),
            "billing": cls._create_user("s.faturamento", "billing", EXPORT),
            "manager": cls._create_user("s.gestao", "manager", EXPORT),
            "clinical": cls._create_user("s.so.clinico", "clinical"),
            "doctor": cls._create_user("s.medico", "reception", "clinical"),
            "employee": cls._create_user("s.empregado", "base.group_user"),
            "accountant": cls._create_user("s.contador", "account.group_account_user"),
            "portal": cls._create_user("s.portal", "base.group_portal"),
        }
        cls.package = create_shared_terms(cls.env, cls.operadora, cls.products)
        cls.table_product = create_terms(cls.contract, cls.professional, cls.products)
        encounters = cls._create_encounters({ECG: 1, DIPYRONE: 2}, {BLOOD_COUNT: 1})
        encounters[0].with_user(cls.users["doctor"]).clinical_indication = SECRET
        cls.encounter = encounters[0]
        cls.lote = cls.env["tiss.guia.run"].start(encounters).guia_ids.create_lotes()
        cls.lote.send()
        cls.lote.register_protocol("1001", cls.today)
        cls.guia = cls.encounter.guia_ids
        first, second = cls.lote.guia_ids.sorted("number")
        cls.analysis = cls.env["tiss.message"].receive_file(
            "analise.xml",
            analysis_message(
                cls.lote,
                {(first.name, 1): 41.10, (first.name, 2): (4.90, "1705"), (second.name, 1): 33.33},
                "D1",
            ),
        )
        cls.analysis.post()
        cls.payment = cls.env["tiss.message"].receive_file(
            "pagamento.xml",
            payment_message(
                cls.lote, {first.name: 46.00, second.name: 33.33}, "P1", [("01", "IRRF", 1.19)]
            ),
        )
        cls.payment.post()
        strange = analysis_message(cls.lote, {(first.name, 1): 41.10}, "D2")
        strange = strange.replace(b"numeroProtocolo>1001<", b"numeroProtocolo>4040<")
        cls.env["tiss.message"].receive_file("estranho.xml", strange)
        cls._create_received_lote(BLOOD_COUNT, protocol="1002")  # what is still to come
        cls.other_lote = cls._create_other_lote()
        for guia in (cls.guia, cls.other_lote.guia_ids):
            cls._create_clinical_rows(guia)
            cls._create_annex_rows(guia)
            cls.request = create_denied_request(guia)
            create_questions(guia)
            create_delivery(guia.lote_id)
            cls._create_recurso_rows(guia)
            create_closing_rows(guia)
            create_bank(guia.contract_id)

    @classmethod
    def _create_recurso_rows(cls, guia):
        """A recurso of what was denied of a guia, and a text of its clinic."""
        guia.glosa_ids.create_recurso()
        guia.env["tiss.appeal.text"].create(
            {"name": "Texto próprio", "company_id": guia.company_id.id, "text": "Revisar {guia}."}
        )
        contract = guia.contract_id
        common = {"company_id": guia.company_id.id, "contract_id": contract.id}
        guia.env["tiss.provision"].sudo().create({**common, "date": "2026-01-31"})
        guia.env["tiss.underpayment"].sudo().create(
            {
                **common,
                "guia_id": guia.id,
                "guia_line_id": guia.line_ids[0].id,
                "kind": "price",
                "amount_expected": 50.00,
            }
        )

    @classmethod
    def _create_clinical_rows(cls, guia):
        """Another guia, with a tooth and a declaration of death."""
        Term = guia.env["tiss.term"]
        tooth = {"tooth_id": Term._get("28", "36").id, "condition_id": Term._get("44", "C").id}
        guia.copy().sudo().write(
            {
                "tooth_ids": [Command.create(tooth)],
                "declaration_ids": [Command.create({"death_number": "301"})],
            }
        )
        cls._create_stay_rows(guia)

    @classmethod
    def _create_stay_rows(cls, guia):
        """A stay, its notice and a document, in the company of a guia."""
        common = {
            "company_id": guia.company_id.id,
            "contract_id": guia.contract_id.id,
            "patient_id": guia.patient_id.id,
            "card_id": guia.card_id.id,
        }
        stay = guia.env["tiss.guia"].create(
            {
                **common,
                "guia_type": "resumo_internacao",
                "professional_id": guia.professional_id.id,
                "start_date": guia.date,
            }
        )
        stay.create_stay_notices("admission")
        guia.env["tiss.document"].create({"guia_id": guia.id, "company_id": guia.company_id.id})
        tax = guia.env["tiss.term"]._get("27", "01")
        guia.env["tiss.return.entry"].create(
            {
                "name": "T1",
                "company_id": guia.company_id.id,
                "contract_id": guia.contract_id.id,
                "line_ids": [Command.create({"guia_line_id": guia.line_ids[0].id})],
                "adjustment_ids": [Command.create({"kind_id": tax.id, "amount": 1.00})],
            }
        )

    @classmethod
    def _create_annex_rows(cls, guia):
        """A request for the patient of a guia, with an annex of one item."""
        request = guia.env["tiss.authorization"].create(
            {
                "contract_id": guia.contract_id.id,
                "patient_id": guia.patient_id.id,
                "card_id": guia.card_id.id,
                "professional_id": guia.professional_id.id,
            }
        )
        item = {"table_code": "19", "code": "70000001", "description": SECRET}
        guia.env["tiss.annex"].sudo().create(
            {
                "annex_type": "opme",
                "authorization_id": request.id,
                "line_ids": [Command.create(item)],
            }
        )

    @classmethod
    def _create_other_lote(cls):
        """The same job in another clinic, for the same operadora."""
        contract = cls._create_other_clinic(has_books=True)
        company = contract.company_id
        env = cls.env(context={**cls.env.context, "allowed_company_ids": company.ids})
        cls._price(contract, PRICES)
        create_terms(contract.with_env(env), cls.professional, cls.products)
        card = cls.card.with_env(env).create(
            {"patient_id": cls.patient.id, "plan_id": cls.plan.id, "number": "0123456999",
             "company_id": company.id}
        )  # fmt: skip
        encounter = env["tiss.encounter"].create(
            {
                "company_id": company.id,
                "patient_id": cls.patient.id,
                "card_id": card.id,
                "professional_id": cls.professional.id,
                "date": cls.visit_date,
                "line_ids": [Command.create({"product_id": cls.products[ECG].id})],
            }
        )
        encounter.action_done()
        lote = env["tiss.guia.run"].start(encounter).guia_ids.create_lotes()
        lote.send()
        lote.register_protocol("1001", cls.today)
        guia = lote.guia_ids
        env["tiss.message"].receive_file(
            "analise.xml", analysis_message(lote, {(guia.name, 1): (1.10, "1705")}, "D1")
        ).post()
        return lote

    def _as(self, role, record):
        """The record as a user sees it who has just opened a browser."""
        self.env.flush_all()
        self.env.invalidate_all()
        return record.with_user(self.users[role]).with_context(allowed_company_ids=self.company.ids)

    def _models(self):
        """Ours, without mixins: they have no rows to protect."""
        return sorted(
            name
            for name, model in self.env.registry.items()
            if name.startswith("tiss.") and not model._abstract
        )

    def _rpc(self, role, record, method, *args):
        """Call as a browser does: only what is public."""
        record = self._as(role, record)
        return call_kw(record.browse(), method, [record.ids, *args], {})

    # ------------------------------------------------------------------
    # Access rows and rules
    # ------------------------------------------------------------------

    def test_every_model_is_in_the_table(self):
        self.assertEqual(self._models(), sorted(RIGHTS))

    def test_rights_of_each_role_on_each_model(self):
        for name, rights in RIGHTS.items():
            expected = dict(zip(("reception", "billing", "manager"), rights, strict=True))
            expected["doctor"] = expected["reception"]
            for role in self.users:
                model = self.env[name].with_user(self.users[role])
                actual = "".join(
                    letter for letter, op in OPERATIONS.items() if model.has_access(op)
                )
                with self.subTest(name, role=role):
                    self.assertEqual(actual, expected.get(role, ""))

    def test_no_access_row_is_for_everybody(self):
        rows = self.env["ir.model.access"].sudo().search([("model_id.model", "=like", "tiss.%")])
        ours = self.env["res.groups"].union(
            *(
                self.env.ref(f"l10n_br_tiss.group_tiss_{name}")
                for name in ("reception", "billing", "manager")
            )
        )
        self.assertEqual(set(rows.mapped("model_id.model")), set(RIGHTS))
        self.assertFalse(rows.filtered(lambda row: not row.group_id))
        self.assertLessEqual(rows.group_id, ours)

    def test_every_model_with_a_company_has_a_company_rule(self):
        for name in self._models():
            model = self.env[name]
            if "company_id" not in model._fields or model._transient:
                continue
            rules = self.env["ir.rule"].sudo().search([("model_id.model", "=", name)])
            shared = rules.filtered(lambda rule: "False" in rule.domain_force)
            with self.subTest(name):
                self.assertTrue(model._fields["company_id"].store)
                self.assertEqual(
                    (rules - shared).mapped("domain_force"), ["[('company_id', 'in', company_ids)]"]
                )
                self.assertEqual(bool(shared), name in SHARED)
                self.assertFalse(shared.filtered("perm_write"), "what all share nobody changes")
                self.assertFalse(rules.groups, "a rule of a group widens, it does not narrow")

    def test_roles_imply_what_they_should_and_no_more(self):
        def has(role, *groups):
            return [self.users[role].has_group(group) for group in groups]

        clinical = "l10n_br_tiss.group_tiss_clinical"
        system = ("base.group_system", "base.group_erp_manager", "account.group_account_manager")
        for role in ("reception", "billing", "manager"):
            self.assertEqual(has(role, clinical, *system), [False] * 4, role)
        self.assertEqual(has("reception", "account.group_account_invoice"), [False])
        self.assertEqual(has("clinical", "l10n_br_tiss.group_tiss_reception"), [False])

    # ------------------------------------------------------------------
    # What a role may open, it can open whole
    # ------------------------------------------------------------------

    def test_whoever_may_read_a_model_can_read_every_field_shown_to_him(self):
        for role in ("reception", "doctor", "billing", "manager"):
            for name in self._models():
                model = self._as(role, self.env[name])
                if model._transient or not model.has_access("read"):
                    continue
                records = model.search([], limit=2)
                with self.subTest(name, role=role):
                    self.assertTrue(records, "nothing to read proves nothing")
                    records.read()
                    records.name_search("1")

    def test_core_records_stay_readable_for_people_without_our_rights(self):
        """Fields that we add to core models must not break those who may not see ours."""
        records = {
            "res.partner": self.patient | self.operadora | self.professional,
            "res.company": self.company,
            "product.template": self.products[ECG].product_tmpl_id | self.package,
            "product.product": self.products[ECG] | self.package.product_variant_id,
            "product.pricelist": self.contract.pricelist_id,
            "product.pricelist.item": self.contract.price_item_ids,
        }
        for role in ("employee", "reception"):
            for name, each in records.items():
                with self.subTest(name, role=role):
                    self._read_our_fields(role, each)
        books = {
            "account.move": self.lote.invoice_id,
            "account.move.line": self.lote.invoice_id.line_ids,
            "account.payment": self.payment.payment_ids.payment_id,
        }
        for name, each in books.items():
            with self.subTest(name, role="accountant"):
                self._read_our_fields("accountant", each)

    def _read_our_fields(self, role, records):
        records = self._as(role, records)
        names = [name for name in records.fields_get() if name.startswith("tiss_")]
        records.read(names)
        records.web_read({name: {} for name in names})
        if records._name == "product.pricelist.item":
            self.assertTrue(all(records.mapped("price")))

    def test_an_employee_opens_and_edits_a_contact(self):
        user = self._create_user("s.contatos", "base.group_user", "base.group_partner_manager")
        with Form(self.patient.with_user(user)) as form:
            form.phone = "11 5555-0000"

    def test_products_are_found_without_our_rights(self):
        """People who may not read ANS terms search products as if we were not installed."""
        keeper = self._create_user("s.produtos", "product.group_product_manager")
        for user in (self.users["employee"], keeper):
            Product = self.env["product.product"].with_user(user)
            with self.subTest(user.login):
                self.assertEqual(Product.name_search("zzz"), [])
                found = [product_id for product_id, _name in Product.name_search(ECG)]
                self.assertEqual(found, self.products[ECG].ids)

    def test_a_keeper_of_products_keeps_a_package_that_he_cannot_see_into(self):
        keeper = self._create_user("s.pacotes", "base.group_user", "product.group_product_manager")
        package = self.package.with_user(keeper)
        package.write({"name": "Pacote renomeado", "tiss_code": "98000033"})
        with Form(package) as form:
            form.name = "Pacote outra vez"
        rule = {"pricelist_id": self.contract.pricelist_id.id, "product_tmpl_id": package.id}
        item = (
            self.env["product.pricelist.item"]
            .with_user(keeper)
            .create(
                {**rule, "applied_on": "1_product", "compute_price": "fixed", "fixed_price": 10}
            )
        )
        item.fixed_price = 12
        self.assertIn("12", item.price)
        item.unlink()
        with self.assertRaises(AccessError):
            package.read(["tiss_component_ids"])
        with self.assertRaises(UserError):
            package.tiss_table = "22"
        self.assertEqual(len(self.package.tiss_component_ids), 1)

    def test_an_accountant_opens_our_invoice(self):
        Form(self._as("accountant", self.lote.invoice_id))

    # ------------------------------------------------------------------
    # Clinical information
    # ------------------------------------------------------------------

    def test_clinical_indication_is_for_clinical_people(self):
        self.assertEqual(self._as("doctor", self.encounter).clinical_indication, SECRET)
        self.assertEqual(self._as("doctor", self.guia).clinical_indication, SECRET)

    def test_it_is_hidden_from_everybody_else_by_every_road(self):
        field = "clinical_indication"
        for role in ("reception", "billing", "manager"):
            for record in (self.encounter, self.guia):
                model = self._as(role, record)
                roads = {
                    "read": lambda model=model: model.read([field]),
                    "attribute": lambda model=model: model.clinical_indication,
                    "web_read": lambda model=model: model.web_read({field: {}}),
                    "search": lambda model=model: model.search([(field, "ilike", "ZZYX")]),
                    "count": lambda model=model: model.search_count([(field, "!=", False)]),
                    "filter": lambda model=model: model.filtered_domain([(field, "!=", False)]),
                    "order": lambda model=model: model.search([], order=field),
                    "group": lambda model=model: model.formatted_read_group(
                        [], [field], ["__count"]
                    ),
                    "export": lambda model=model: model.export_data([field]),
                    "mapped": lambda model=model: model.mapped(field),
                }
                self.assertNotIn(field, model.fields_get())
                with self.assertRaises(UserError):
                    model.write({field: "x"})
                self.assertNotIn(SECRET, str(model.read()))
                for name, road in roads.items():
                    with self.subTest(name, role=role, model=record._name):
                        with self.assertRaises(AccessError):
                            self._as(role, record)
                            road()

    def test_through_a_relation_it_is_hidden_too(self):
        for role in ("reception", "billing", "manager"):
            for model, path in (
                ("tiss.guia", "encounter_ids.clinical_indication"),
                ("tiss.guia.line", "guia_id.clinical_indication"),
                ("tiss.encounter", "guia_ids.clinical_indication"),
            ):
                with self.subTest(path, role=role), self.assertRaises(AccessError):
                    self._as(role, self.env[model]).search([(path, "ilike", "ZZYX")])

    def test_a_copy_does_not_carry_it(self):
        self.assertFalse(self._as("doctor", self.encounter).copy().clinical_indication)

    def test_a_biller_bills_it_unseen_and_the_message_carries_it(self):
        encounter = self._create_encounters(ECG)
        self._as("doctor", encounter).clinical_indication = SECRET
        guia = self._as("billing", encounter).create_guias()
        self.assertEqual(guia.state, "ready")
        lote = guia.create_lotes()
        lote.send()
        self.assertIn(f"indicacaoClinica>{SECRET}<".encode(), lote.get_xml())
        with self.assertRaises(AccessError):
            self._as("billing", guia).read(["clinical_indication"])

    def test_nothing_clinical_is_told_anywhere_else(self):
        """Chatter, tracking, names, notes, attachments, invoices."""
        self.env.flush_all()
        places = [("mail_message", "body"), ("mail_message", "subject"), ("ir_attachment", "name")]
        places += [
            ("mail_tracking_value", column) for column in ("old_value_char", "new_value_char")
        ]
        places += [("account_move", "ref"), ("account_move", "narration")]
        places += [("account_move_line", "name"), ("tiss_message", "file_name")]
        places += [
            ("tiss_message", "note"),
            ("mail_activity", "summary"),
            ("mail_activity", "note"),
        ]
        for table, column in places:
            self.env.cr.execute(f"SELECT count(*) FROM {table} WHERE {column}::text ILIKE '%ZZYX%'")
            self.assertEqual(self.env.cr.fetchone(), (0,), f"{table}.{column}")
        for name in self._models():
            model = self.env[name].sudo()
            if not model._transient and model._auto:
                for record in model.search([], limit=50):
                    self.assertNotIn("ZZYX", record.display_name or "", name)

    def test_nothing_clinical_in_errors_and_logs(self):
        """The message is spoilt in many places; neither error nor log repeats the indication."""
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        logger = logging.getLogger("odoo.addons.l10n_br_tiss")
        root_level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        self.addCleanup(logger.setLevel, root_level)
        self.addCleanup(logger.removeHandler, handler)
        encounter = self._create_encounters({ECG: 1})
        self._as("doctor", encounter).clinical_indication = SECRET
        guia = encounter.create_guias()
        # Of the right table, but newer than the schema: what only the schema can find.
        strange = {"table_code": "76", "code": "99", "name": "Novo", "search_name": "novo"}
        guia.regime_id = self.env["tiss.term"].sudo().create(strange)
        lote = guia.create_lotes()
        with self.assertRaises(UserError) as refused:
            lote.build()
        self.assertNotIn("ZZYX", str(refused.exception))
        answer = self.lote.get_xml().replace(b"ENVIO_LOTE_GUIAS", b"PROTOCOLO_RECEBIMENTO")
        for content in (answer, answer[:-30], answer.replace(b"<ans:epilogo>", b"<ans:x>")):
            with self.assertRaises(UserError) as refused:
                self.env["tiss.message"].receive_file("x.xml", content)
            self.assertNotIn("ZZYX", str(refused.exception))
        self.assertNotIn("ZZYX", stream.getvalue())

    def test_clinical_fields_are_never_tracked_nor_names(self):
        for name in self._models():
            for field in self.env[name]._fields.values():
                if field.groups and "clinical" in field.groups:
                    self.assertFalse(getattr(field, "tracking", None), field)
                    self.assertNotEqual(field.name, self.env[name]._rec_name)
                    self.assertNotIn(field.name, self.env[name]._rec_names_search or [])

    # ------------------------------------------------------------------
    # Roles at work
    # ------------------------------------------------------------------

    def test_reception_registers_and_goes_no_further(self):
        encounter = self._as("reception", self._create_encounters(CONSULTATION))
        draft = self._create_encounters(CONSULTATION).create_guias()
        for record, method, *args in (
            (encounter, "create_guias"),
            (self.lote, "build"),
            (self.lote, "send"),
            (self.lote, "get_xml"),
            (self.lote, "register_protocol", "1", self.today),
            (self.lote, "action_reject"),
            (self.lote.message_id, "action_download"),
            (self.lote.message_id, "read", ["content"]),
            (self.analysis, "post"),
            (self.analysis, "undo"),
            (self.analysis, "preview"),
            (self.analysis.glosa_ids, "accept"),
            (draft, "cancel", "x"),
            (draft, "create_substitute", "x"),
            (self.lote.guia_ids, "withdraw", "x"),
            (self.lote.guia_ids, "remove_from_lote", "x"),
            (self.lote.guia_ids, "create_complement", "x"),
            (draft, "create_lotes"),
            (draft, "write", {"observation": "x"}),
            (self.contract, "write", {"provider_code": "x"}),
        ):
            for role in ("reception", "doctor", "employee", "accountant", "portal"):
                with self.subTest(method, role=role), self.assertRaises(AccessError):
                    self._rpc(role, record, method, *args)

    def test_reception_is_told_each_price_and_why(self):
        """Also out of a reference table: 88.50 + 2 × 1.25 = 91.00."""
        for product, amount, words in (
            (self.products[CONSULTATION], 150.00, "150"),
            (self.table_product, 91.00, "Porte 2B"),
        ):
            check = self._as("reception", self.env["tiss.coverage.check"]).create(
                {"card_id": self.card.id, "product_id": product.id}
            )
            with self.subTest(product.name):
                self.assertEqual(check.operadora_amount, amount)
                self.assertIn(words, check.price_html)

    def test_prices_and_rules_are_changed_by_a_manager_only(self):
        preset = self.env.ref("l10n_br_tiss.tiss_price_policy_amb_92")
        with self.assertRaises(AccessError):
            self._rpc("manager", preset, "write", {"urgency_percent": 1})
        own = preset.copy({"company_id": self.company.id})
        self._rpc("manager", own, "write", {"urgency_percent": 1})
        item = self.contract.price_item_ids[:1]
        table = item.search([("compute_price", "=", "tiss_table")], limit=1).tiss_price_table_id
        for record, vals in (
            (table, {"note": "x"}),
            (own, {"urgency_percent": 1}),
        ):
            for role in ("reception", "billing", "clinical", "employee", "accountant", "portal"):
                with self.subTest(record._name, role=role), self.assertRaises(AccessError):
                    self._rpc(role, record, "write", vals)
        for role in ("reception", "clinical", "employee", "portal"):
            with self.subTest("price", role=role), self.assertRaises(AccessError):
                self._rpc(role, item, "write", {"fixed_price": 1})

    def test_nobody_without_rights_can_hand_in_a_file(self):
        content = analysis_message(self.lote, {}, "D7")
        for role in ("reception", "employee", "accountant", "portal", "clinical"):
            for model, method in (
                ("tiss.message", "receive_file"),
                ("tiss.demonstrativo", "import_file"),
            ):
                with self.subTest(model, role=role), self.assertRaises(AccessError):
                    call_kw(self._as(role, self.env[model]), method, ["x.xml", content], {})

    def test_helpers_cannot_be_called_from_outside(self):
        for record, method in (
            (self.lote.message_id, "_record"),
            (self.contract, "_take_numbers"),
            (self.guia.movement_ids, "_record"),
            (self.guia.movement_ids, "_update_buckets"),
            (self.env["tiss.term"], "_load_rows"),
        ):
            with self.subTest(method), self.assertRaises(AccessError):
                self._rpc("manager", record, method)

    def test_nobody_writes_the_journal_or_the_ledger(self):
        for role in ("billing", "manager"):
            for records in (self.lote.message_id, self.guia.movement_ids[:1]):
                vals = records.copy_data()[0]
                with self.subTest(records._name, role=role), self.assertRaises(AccessError):
                    self._as(role, records.browse()).create(vals)
                for method, *args in (("write", {"create_uid": 1}), ("unlink",)):
                    with self.subTest(method), self.assertRaises(UserError):
                        self._rpc(role, records, method, *args)

    def test_billing_does_the_whole_job_without_system_rights(self):
        biller = self.users["billing"]
        env = self.env(user=biller, context={"allowed_company_ids": self.company.ids})
        registry = env["tiss.operadora.registry"].search([("ans_code", "=", "005711")])
        wizard = env["tiss.contract.create"].create(
            {"registry_id": registry.id, "provider_code": "77"}
        )
        contract = env["tiss.contract"].browse(wizard.action_create()["res_id"])
        term = env["tiss.term"]._get("22", CONSULTATION)
        contract.price_item_ids = [Command.create({"tiss_term_id": term.id, "fixed_price": 100.00})]
        patient = env["res.partner"].create({"name": "Paciente de Faturamento"})
        plan = env["tiss.plan"].create(
            {"operadora_id": contract.partner_id.id, "name": "Plano Exemplo"}
        )
        env["tiss.card"].create({"patient_id": patient.id, "plan_id": plan.id, "number": "00123"})
        encounter = env["tiss.encounter"].create(
            {
                "patient_id": patient.id,
                "professional_id": self.professional.id,
                "date": self.visit_date,
                "line_ids": [
                    Command.create({"product_id": term.product_ids.product_variant_id.id})
                ],
            }
        )
        encounter.action_done()
        self.assertEqual(encounter.amount_total, 100.00)
        lote = encounter.create_guias().create_lotes()
        lote.build()
        operadora = self._simulate(contract.sudo())
        lote.send()
        answer = operadora.receive(lote.get_xml(), self.today)
        env["tiss.message"].receive_file("protocolo.xml", answer)
        self.assertEqual(lote.state, "received")
        guia = lote.guia_ids
        env["tiss.message"].receive_file(
            "analise.xml", analysis_message(lote, {(guia.name, 1): (60.00, "1705")}, "D1")
        ).post()
        payment = env["tiss.message"].receive_file(
            "pagamento.xml", payment_message(lote, {guia.name: 60.00}, "P1", [("01", "IRRF", 0.90)])
        )
        payment.preview()
        payment.post()
        lote.glosa_ids.accept()
        self.assertEqual(lote.state, "closed")
        self.assertEqual(lote.invoice_id.amount_residual, 0)
        self.assertEqual(contract.check_ledger(), [])

    # ------------------------------------------------------------------
    # Two clinics
    # ------------------------------------------------------------------

    def test_a_clinic_does_not_see_another(self):
        lote = self.other_lote
        self.assertEqual(lote.amount_denied, 40.00)
        company = lote.company_id
        for role in ("reception", "billing", "manager"):
            for name in self._models():
                model = self._as(role, self.env[name])
                has_company = "company_id" in model._fields and not model._transient
                if not has_company or not model.has_access("read"):
                    continue
                theirs = self.env[name].sudo().search([("company_id", "=", company.id)])
                domain = [("company_id", "=", company.id)]
                with self.subTest(name, role=role):
                    if name not in ("tiss.demonstrativo.payment", "tiss.demonstrativo.adjustment",
                                    "tiss.discrepancy", "tiss.guia.member"):  # fmt: skip
                        self.assertTrue(theirs, "nothing to see proves nothing")
                    self.assertFalse(model.search(domain))
                    self.assertEqual(model._read_group(domain, [], ["__count"]), [(0,)])
                    for record in theirs[:1]:
                        with self.assertRaises(AccessError):
                            self._as(role, record).read(["company_id"])

    def test_public_methods_refuse_records_of_another_clinic(self):
        lote = self.other_lote
        guia = lote.guia_ids
        demonstrativo = lote.glosa_ids.demonstrativo_id
        calls = [
            (guia.encounter_ids, "create_guias"),
            (guia.encounter_ids, "action_draft"),
            (guia, "create_lotes"),
            (guia, "cancel", "x"),
            (guia, "withdraw", "x"),
            (guia, "remove_from_lote", "x"),
            (guia, "create_substitute", "x"),
            (guia, "create_complement", "x"),
            (guia, "action_check"),
            (guia, "get_tiss_values"),
            (lote, "build"),
            (lote, "send"),
            (lote, "get_xml"),
            (lote, "register_protocol", "2", self.today),
            (lote, "action_cancel"),
            (lote, "action_reject"),
            (lote, "action_create_invoice"),
            (lote, "query_status"),
            (lote, "request_demonstrativo"),
            (lote, "create_substitute"),
            (lote, "deliver_on_paper", "x"),
            (lote, "action_cancel_at_operadora"),
            (guia.card_id, "verify_eligibility"),
            (guia.card_id.eligibility_ids, "register_answer", "eligible"),
            (guia.cancellation_line_ids.cancellation_id, "action_accept"),
            (guia.cancellation_line_ids.cancellation_id, "send"),
            (lote.protocol_query_ids, "send"),
            (lote.message_id, "read"),
            (self.request, "build"),
            (self.request, "send"),
            (self.request, "query_status"),
            (self.request, "create_guia"),
            (self.request, "register_answer", "3"),
            (self.request, "action_cancel"),
            (demonstrativo, "preview"),
            (demonstrativo, "post"),
            (demonstrativo, "undo"),
            (demonstrativo, "action_check"),
            (lote.glosa_ids, "accept"),
            (lote.glosa_ids, "create_recurso"),
            (lote.glosa_ids.recurso_id, "send"),
            (lote.glosa_ids.recurso_id, "register_protocol", "2"),
            (lote.glosa_ids.recurso_id, "register_answer", {}),
            (lote.contract_id, "price_for", self.products[ECG], self.today),
            (lote.contract_id, "check_ledger"),
            (lote.contract_id, "action_check_ledger"),
            (lote.contract_id, "invoice_month", self.today),
            (lote.contract_id, "accrue_unreleased", self.today),
            (lote.contract_id, "write", {"provider_code": "1"}),
        ]
        for record, method, *args in calls:
            with self.subTest(f"{record._name}.{method}"), self.assertRaises(AccessError):
                self._rpc("manager", record, method, *args)
        self.assertEqual(lote.amount_denied, 40.00)

    def test_a_file_of_another_clinic_is_refused_here(self):
        lote = self.other_lote
        self.assertEqual(lote.protocol_number, self.lote.protocol_number)
        guia = lote.guia_ids
        content = analysis_message(lote, {(guia.name, 1): 41.10}, "D2")
        message = self._as("billing", self.env["tiss.message"])
        with self.assertRefused(r"another provider \(99999\)"):
            message.receive_file("x.xml", content)
        # what the other clinic has already imported is not handed out here either
        known = lote.glosa_ids.demonstrativo_id.message_id._get_content()
        with self.assertRefused(r"another provider \(99999\)"):
            message.receive_file("x.xml", known)

    def test_a_biller_cannot_make_records_in_another_clinic(self):
        company = self.other_lote.company_id
        registry = self.env["tiss.operadora.registry"].search([("ans_code", "=", "005711")])
        wizard = self._as("billing", self.env["tiss.contract.create"]).create(
            {"registry_id": registry.id, "provider_code": "1", "company_id": company.id}
        )
        with self.assertRaises(AccessError):
            wizard.action_create()
        for name in ("tiss.guia.generate", "tiss.lote.generate"):
            wizard = self._as("billing", self.env[name]).create({"company_id": company.id})
            with self.subTest(name), self.assertRaises(UserError):
                wizard.action_generate()

    def test_records_of_two_clinics_do_not_mix(self):
        other = self.other_lote.contract_id
        encounter = self._create_encounters(CONSULTATION)
        with self.assertRaises(UserError):
            encounter.contract_id = other
        guia = encounter.create_guias()
        with self.assertRaises(UserError):
            guia.contract_id = other
