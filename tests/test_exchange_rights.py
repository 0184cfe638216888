import base64
import io
import logging
import re
from copy import deepcopy
from unittest.mock import patch

from psycopg2 import IntegrityError
from psycopg2.errors import RaiseException

from odoo.exceptions import AccessError, RedirectWarning, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..operadora.server import Server
from ..standard.soap import password_digest
from ..standard.tests import certificates as made
from .common import ECG, TissCommon
from .secret_search import find_words
from .terms_records import (
    create_delivery,
    create_denied_request,
    create_questions,
    create_terms,
    make_a1,
)
from .test_delivery import DeliveryCase

LOGIN, PASSWORD = "clinica-zzyxlogin", "senha-çzzyxsegredo"
EXCHANGE = (
    "tiss.message",
    "tiss.delivery",
    "tiss.endpoint",
    "tiss.certificate",
    "tiss.contract",
    "tiss.version",
    "tiss.lote",
    "tiss.eligibility",
    "tiss.protocol.query",
    "tiss.demonstrativo.request",
    "tiss.cancellation",
    "tiss.cancellation.line",
    "tiss.document",
    "tiss.stay.notice",
    "tiss.annex",
    "tiss.authorization",
    "tiss.endpoint.paste",
    "tiss.production.switch",
    "tiss.eligibility.register",
    "tiss.lote.paper",
    "tiss.lote.protocol",
    "tiss.annex.protocol",
    "tiss.message.compare",
    "tiss.file.export",
    "tiss.document.upload",
    "tiss.version.install",
)
OURS = "odoo.addons.l10n_br_tiss."
# Buttons that say in their context what they are for.
WITH_CONTEXT = {("tiss.contract", "action_fix_missing"), ("tiss.contract", "action_view_work")}
# What the service layer of Odoo tells a person in words.
REFUSALS = (UserError, RedirectWarning, IntegrityError)
# What a browser could give for the arguments of each name.
ARGUMENTS = {
    "vals": {},
    "vals_list": [{}],
    "name": "x.xml",
    "content": "<a/>",
    "number": "77",
    "date": "2026-01-31",
    "person": "Recepção",
    "reason": "motivo",
    "result": "eligible",
    "status": "3",
    "product": 1,
    "items": [],
    "card": 1,
}


def public_methods(model):
    """{name: function} of what our addon lets anybody call on a model from outside."""
    found = {}
    for cls in type(model).__mro__:
        if cls.__module__.startswith(OURS):
            for name, method in vars(cls).items():
                if callable(method) and not name.startswith("_"):
                    found.setdefault(name, method)
    return found


class RightsCase(TissCommon):
    """A clinic with something of everything that is exchanged, and everybody who works there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            "reception": cls._create_user("r.recepcao", "reception"),
            "billing": cls._create_user("r.faturamento", "billing", "base.group_allow_export"),
            "manager": cls._create_user("r.gestao", "manager", "base.group_allow_export"),
            "clinical": cls._create_user("r.clinico", "clinical"),
            "employee": cls._create_user("r.empregado", "base.group_user"),
            "portal": cls._create_user("r.portal", "base.group_portal"),
        }
        create_terms(cls.contract, cls.professional, cls.products)
        cls.lote = cls._create_lote(ECG)
        cls.lote.send()
        cls.lote.register_protocol("900001", cls.today)
        guia = cls.lote.guia_ids
        cls.request = create_denied_request(guia)
        create_questions(guia)
        create_delivery(cls.lote)
        own = {"contract_id": cls.contract.id, "patient_id": cls.patient.id}
        cls.env["tiss.stay.notice"].create(
            {**own, "card_id": cls.card.id, "event": "admission", "event_date": cls.visit_date}
        )
        cls.env["tiss.document"].create({"guia_id": guia.id})
        cls.env["tiss.annex"].sudo().create(
            {"annex_type": "opme", "authorization_id": cls.request.id}
        )

    def _as(self, role, record):
        self.env.flush_all()
        self.env.invalidate_all()
        return record.with_user(self.users[role]).with_context(
            allowed_company_ids=self.company.ids, lang="en_US"
        )

    def _call(self, role, record, method, *args, context=None, **kwargs):
        """Call as a browser does, and undo it: what came of it, or why not."""
        record = self._as(role, record)
        if context:
            kwargs["context"] = {**record.env.context, **context}
        try:
            with self.env.cr.savepoint() as savepoint:
                is_model = getattr(getattr(type(record), method), "_api_model", False)
                ids = [] if is_model else [record.ids]
                result = call_kw(record.browse(), method, [*ids, *args], kwargs)
                self.env.flush_all()
                savepoint.rollback()
        finally:
            self.env.invalidate_all()
            for callbacks in (self.env.cr.postcommit, self.env.cr.precommit):
                callbacks.clear()
        return result


@tagged("post_install", "-at_install", "post_install_l10n")
class TestEveryPublicMethod(RightsCase):
    """Anybody may call any public method: what he may not do is refused, and nothing crashes."""

    def _get_record(self, name):
        """One record to call methods on, also of a wizard."""
        model = self.env[name].sudo()
        if not model._transient:
            return model.search([("id", ">", 0)], limit=1, order="id desc")
        vals = {
            "tiss.endpoint.paste": {"contract_id": self.contract.id, "environment": "demo"},
            "tiss.production.switch": {"contract_id": self.contract.id},
            "tiss.eligibility.register": {"check_id": self._get_record("tiss.eligibility").id},
            "tiss.lote.paper": {"lote_id": self.lote.id},
            "tiss.lote.protocol": {"lote_id": self.lote.id, "protocol_number": "1"},
            "tiss.annex.protocol": {
                "annex_id": self._get_record("tiss.annex").id,
                "protocol_number": "1",
            },
            "tiss.message.compare": {
                "first_id": self.lote.message_id.id,
                "second_id": self.lote.message_id.id,
            },
            "tiss.version.install": {"file": base64.b64encode(b"PK")},
        }.get(name, {})
        return model.create(vals)

    def _get_arguments(self, method):
        """Something for each argument that has to be given."""
        code = getattr(method, "__wrapped__", method).__code__
        names = code.co_varnames[1 : code.co_argcount]
        defaults = len(getattr(method, "__wrapped__", method).__defaults__ or ())
        return [ARGUMENTS.get(each, "x") for each in names[: len(names) - defaults]]

    def test_each_by_each_role(self):
        crashed, done = [], set()
        for name in EXCHANGE:
            record = self._get_record(name)
            for method, function in public_methods(record).items():
                if (name, method) in WITH_CONTEXT:
                    continue
                arguments = self._get_arguments(function)
                for role in self.users:
                    try:
                        with mute_logger("odoo.sql_db", "odoo.http", "odoo.models.unlink"):
                            result = self._call(role, record, method, *deepcopy(arguments))
                    except REFUSALS:
                        continue
                    except Exception as error:
                        if arguments and isinstance(error, TypeError):
                            continue  # what was made up here is of another kind
                        crashed.append(f"{role} {name}.{method}: {error!r}"[:200])
                        continue
                    if not self._opens_a_window(result):
                        done.add((role, name, method))
        self.assertEqual(crashed, [])
        strangers = {each for each in done if each[0] in ("clinical", "employee", "portal")}
        self.assertEqual(strangers, set())
        # The journal, the deliveries and the keys are nothing to the front desk.
        closed = ("tiss.message", "tiss.delivery", "tiss.endpoint", "tiss.certificate", "tiss.lote")
        opened = {each for each in done if each[0] == "reception" and each[1] in closed}
        self.assertEqual(opened, set())

    def _opens_a_window(self, result):
        """What it shows is read by the browser, which is asked again who it is."""
        return isinstance(result, dict) and result.get("type") == "ir.actions.act_window"


@tagged("post_install", "-at_install", "post_install_l10n")
class TestForged(RightsCase):
    """What only the system may say, said by a browser."""

    def test_an_answer_by_telephone_brings_nothing_else_along(self):
        """It is written as superuser: only what was asked for."""
        check = self.env["tiss.eligibility"].create(
            {
                "contract_id": self.contract.id,
                "patient_id": self.patient.id,
                "card_id": self.card.id,
            }
        )
        message = {
            "company_id": self.company.id, "contract_id": self.contract.id, "direction": "in",
            "transaction": "X", "file_name": "x", "content": "eA==", "size": 1, "sha256": "0",
        }  # fmt: skip
        for forged in (
            {"company_id": self.company.id},
            {"tiss_message_ids": [Command.create(message)]},
            {"message_id": self.lote.message_id.id},
            {"name": "1"},
            {"create_uid": 1},
        ):
            with self.subTest(next(iter(forged))), self.assertRaises(UserError):
                self._call("reception", check, "register_answer", "eligible", **forged)
        with self.assertRaises(UserError):
            self._call("reception", check, "register_answer", "eligible", "message")
        request = self.request
        for forged in ({"company_id": self.company.id}, {"name": "1"}, {"state": "authorized"}):
            with self.subTest(next(iter(forged))), self.assertRaises(UserError):
                self._call("reception", request, "register_answer", "3", **forged)

    def test_default_values_of_a_browser(self):
        """A context can say defaults for every field."""
        for name, vals in (
            ("tiss.protocol.query", {"contract_id": self.contract.id, "lote_id": self.lote.id}),
            ("tiss.eligibility", {"patient_id": self.patient.id, "card_id": self.card.id}),
        ):
            self.env[name].search([]).sudo().write({"state": "cancelled"})
            model = self._as("billing", self.env[name])
            record = model.with_context(
                default_state="received", default_message_id=self.lote.message_id.id
            ).create(vals)
            with self.subTest(name):
                self.assertEqual((record.state, record.message_id.id), ("draft", False))

    def test_a_certificate_says_what_its_file_says(self):
        forged = {"holder": "OUTRA", "document": "1", "valid_until": "2099-01-01 00:00:00"}
        context = {f"default_{name}": value for name, value in forged.items()}
        certificate = (
            self.env["tiss.certificate"]
            .with_context(**context)
            .create({"file": make_a1(), "password": made.PASSWORD})
        )
        self.assertEqual(certificate.holder, made.CLINIC)
        self.assertLess(certificate.valid_until.year, 2099)
        with self.assertRaises(AccessError):
            self.env["tiss.certificate"].with_context(default_sealed_key="x").create({})


@tagged("post_install", "-at_install", "post_install_l10n")
class TestForgedDelivery(DeliveryCase):
    """A file of a person is never taken for what a web service answered."""

    def _forge(self, record, delivery):
        return record.with_context(tiss_delivery_id=delivery.id, tiss_answering=True)

    def test_who_said_that_it_did_not_arrive(self):
        self.address.misbehave("drop")
        lote = self._send()
        self._deliver()
        delivery = lote.delivery_ids
        self._forge(lote, delivery).action_deny_receipt()
        self.assertEqual(delivery.resolution, f"Said by {self.env.user.name}.")

    def test_a_file_is_journaled_whatever_the_browser_says(self):
        self.address.misbehave("html+taken")
        lote = self._send()
        self._deliver()
        with patch.object(type(self.simulated._ledger), "check_new", lambda *args: None):
            answer = self.simulated.receive(lote.get_xml(), self.today)
        messages = len(lote.tiss_message_ids)
        Message = self._forge(self.env["tiss.message"], lote.delivery_ids)
        self.assertEqual(Message.receive_file("recibo.xml", answer).id, lote.id)
        lote.invalidate_recordset()
        self.assertEqual(len(lote.tiss_message_ids), messages + 1)
        self.assertEqual(lote.state, "received")
        self.assertEqual(lote.delivery_ids.resolution, f"Said by {self.env.user.name}.")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestJournalStays(DeliveryCase):
    """Nobody removes what was said, not even the superuser of Odoo in SQL."""

    def test_by_sql(self):
        lote = self._send()
        self._deliver()
        delivery, message = lote.delivery_ids, lote.delivery_ids.message_id
        for query in (
            "TRUNCATE tiss_message CASCADE",
            "TRUNCATE tiss_delivery CASCADE",
            "TRUNCATE tiss_contract CASCADE",
            "TRUNCATE res_company CASCADE",
            f"DELETE FROM tiss_message WHERE id = {message.id}",
            f"DELETE FROM tiss_delivery WHERE id = {delivery.id}",
            f"UPDATE tiss_message SET content = NULL WHERE id = {message.id}",
            f"UPDATE tiss_message SET create_date = now() WHERE id = {message.id}",
            f"UPDATE tiss_message SET write_uid = 1 WHERE id = {message.id}",
            f"UPDATE tiss_message SET note = 'x', create_uid = NULL WHERE id = {message.id}",
            f"UPDATE tiss_delivery SET problem = 'x', write_uid = NULL WHERE id = {delivery.id}",
            f"UPDATE tiss_delivery SET is_settled = FALSE WHERE id = {delivery.id}",
        ):
            with self.subTest(query), self.assertRaisesRegex(Exception, "append-only"):
                with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                    self.env.cr.execute(query)

    def test_by_the_superuser(self):
        lote = self._send()
        self._deliver()
        delivery = lote.delivery_ids.sudo()
        for refusal, work in (
            (UserError, lambda: delivery.message_id.write({"note": "x"})),
            (UserError, lambda: delivery.message_id.unlink()),
            (UserError, lambda: delivery.answer_id.unlink()),
            (UserError, lambda: delivery.unlink()),
            (RaiseException, lambda: delivery.write({"problem": "x"})),
            (RaiseException, lambda: delivery.write({"state": "queued", "is_settled": False})),
            (RedirectWarning, lambda: delivery.contract_id.unlink()),
        ):
            with self.assertRaises(refusal), mute_logger("odoo.sql_db"):
                with self.env.cr.savepoint():
                    work()
                    self.env.flush_all()
            self.env.invalidate_all()
        self.assertTrue(delivery.exists())
        self.assertEqual(delivery.state, "answered")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestSecretsEverywhere(DeliveryCase):
    """Login, password and key go in, are used, and are found nowhere."""

    def setUp(self):
        super().setUp()
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        self.addCleanup(root.removeHandler, handler)
        # Queries too: what is sealed is sealed before it gets there.
        for name in ("", "odoo.sql_db", "urllib3", "odoo.addons.l10n_br_tiss"):
            logger = logging.getLogger(name)
            self.addCleanup(logger.setLevel, logger.level if name else level)
            logger.setLevel(logging.DEBUG)
        self.manager = self._create_user("z.gestao", "manager", "base.group_allow_export")
        contract = self.contract.with_user(self.manager)
        certificate = (
            self.env["tiss.certificate"]
            .with_user(self.manager)
            .create({"file": make_a1(password="zzyx-a1"), "password": "zzyx-a1"})
        )
        contract.web_save(
            {
                "service_login": LOGIN,
                "service_password": PASSWORD,
                "certificate_id": certificate.id,
                "sign_messages": True,
            },
            {"service_login": {}, "service_password": {}, "has_login": {}},
        )
        self.certificate = certificate
        digest = password_digest(PASSWORD)
        key = re.sub(r"-----.*?-----|\s", "", made.clinic().pem().decode())
        # Further in front stands the modulus, which the certificate shows to everybody.
        self.words = [LOGIN, PASSWORD, digest, "zzyx-a1", "PRIVATE KEY", key[500:540]]

    def test_in_no_table_file_or_log(self):
        seen = []
        original = Server.answer
        with patch.object(Server, "answer", lambda *args: seen.append(args[2]) or original(*args)):
            lote = self._send()
            self._deliver()
        self.assertIn(LOGIN.encode(), seen[0], "it was sent")
        self.assertIn(password_digest(PASSWORD).encode(), seen[0])
        self.assertEqual(lote.state, "received", lote.delivery_ids.problem)
        logged = self.stream.getvalue()
        for word in self.words:
            self.assertNotIn(word.lower(), logged.lower())
        self.assertIn("tiss_message.content", find_words(self.env, [lote.message_id.tiss_hash]))
        self.assertEqual(find_words(self.env, self.words), set())

    def test_by_no_road_that_reads(self):
        for user in (self.manager, self.env.ref("base.user_root")):
            for record in (self.contract, self.certificate):
                record = record.with_user(user).sudo(False)
                self.env.flush_all()
                self.env.invalidate_all()
                names = list(record.fields_get())
                told = [
                    record.read(names),
                    record.web_read({name: {} for name in names}),
                    record.search_read([("id", "=", record.id)], names),
                    record.message_ids.mapped("body"),
                ]
                if user == self.manager:
                    told.append(record.export_data(names))
                if record._name == "tiss.contract":
                    told += [record.copy_data(), record.export_file(include_tables=True).decode()]
                for word in self.words:
                    self.assertNotIn(word.lower(), repr(told).lower())

    def test_nobody_searches_for_them(self):
        """A search that finds something says what is there."""
        for name, model in (
            ("service_credentials", self.contract),
            ("production_database", self.contract),
            ("sealed_key", self.certificate),
        ):
            model = model.with_user(self.manager)
            for method, *args in (
                ("search", [(name, "like", "g")]),
                ("search_count", [(name, "!=", False)]),
                ("formatted_read_group", [], [name], ["__count"]),
                ("search", [], 0, None, name),
                ("export_data", [name]),
                ("read", [name]),
                ("web_save", {name: "x"}, {}),
            ):
                with self.subTest(name, method=method), self.assertRaises(UserError):
                    getattr(model, method)(*args)
        for name in ("service_login", "service_password"):
            with self.subTest(name), self.assertRaises(ValueError), mute_logger("odoo.fields"):
                self.contract.with_user(self.manager).search([(name, "=", LOGIN)])


@tagged("post_install", "-at_install", "post_install_l10n")
class TestTwoClinics(RightsCase):
    """What another company of the same database exchanges is none of ours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        contract = cls._create_other_clinic(has_books=True)
        env = cls.env(context={**cls.env.context, "allowed_company_ids": contract.company_id.ids})
        contract = contract.with_env(env)
        cls._price(contract, {ECG: 41.10})
        create_terms(contract, cls.professional, cls.products)
        card = cls.card.with_env(env).create(
            {
                "patient_id": cls.patient.id,
                "plan_id": cls.plan.id,
                "number": "0123456999",
                "company_id": contract.company_id.id,
            }
        )
        encounter = env["tiss.encounter"].create(
            {
                "company_id": contract.company_id.id,
                "patient_id": cls.patient.id,
                "card_id": card.id,
                "professional_id": cls.professional.id,
                "date": cls.visit_date,
                "line_ids": [Command.create({"product_id": cls.products[ECG].id})],
            }
        )
        encounter.action_done()
        cls.theirs = encounter.create_guias().create_lotes()
        cls.theirs.send()
        cls.theirs.register_protocol("900002", cls.today)
        create_questions(cls.theirs.guia_ids)
        create_delivery(cls.theirs)

    def test_nothing_is_done_with_their_deliveries_and_messages(self):
        lote = self.theirs
        delivery, message = lote.delivery_ids, lote.message_id
        contract = lote.contract_id
        self.assertTrue(delivery and message and contract.endpoint_ids)
        certificate = (
            self.env["tiss.certificate"]
            .sudo()
            .search([("company_id", "=", contract.company_id.id)], limit=1)
        )
        both = self.env["tiss.message.compare"].with_user(self.users["manager"])
        compared = both.create({"first_id": message.id, "second_id": self.lote.message_id.id})
        for record, method, *args in (
            (delivery, "action_try_now"),
            (delivery, "action_stop"),
            (delivery, "action_close"),
            (delivery, "action_confirm_receipt"),
            (delivery, "action_deny_receipt"),
            (message, "action_download"),
            (message, "action_download_all"),
            (message, "read", ["content"]),
            (message, "read", ["readable_content"]),
            (compared, "read", ["difference"]),
            (contract.endpoint_ids, "action_test"),
            (contract.endpoint_ids, "write", {"url": "https://x.invalid/"}),
            (contract, "action_forget_login"),
            (contract, "write", {"service_password": "x"}),
            (certificate, "write", {"file": make_a1().decode(), "password": made.PASSWORD}),
            (certificate, "read", ["holder"]),
        ):
            with self.subTest(f"{record._name}.{method}"), self.assertRaises(AccessError):
                self._call("manager", record, method, *args)

    def test_their_certificate_signs_nothing_of_ours(self):
        certificate = (
            self.env["tiss.certificate"]
            .sudo()
            .search([("company_id", "=", self.theirs.company_id.id)], limit=1)
        )
        with self.assertRefused("company|compan"):
            self.contract.certificate_id = certificate

    def test_the_switch_of_their_convenio(self):
        wizard = self.env["tiss.production.switch"].with_user(self.users["manager"])
        with self.assertRaises(AccessError):
            wizard.create(
                {
                    "contract_id": self.theirs.contract_id.id,
                    "confirmation": self.theirs.contract_id.ans_code,
                }
            ).action_confirm()
