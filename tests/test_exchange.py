import re
import tempfile
from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.modules.neutralize import neutralize_database
from odoo.tests import Form, tagged
from odoo.tools import config

from ..standard import soap
from ..standard.soap import Fault, TransportError, password_digest
from ..standard.tests import wire
from .common import CONSULTATION, ECG, TissCommon
from .secret_search import find_words
from .test_delivery import DeliveryCase

ADDRESS = "https://ws.exemplo.invalid/tissLoteGuias"
PASSWORD = "segredo da clínica"


class ExchangeCase(TissCommon):
    """A convênio with the address of a web service."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.biller = cls._create_user("x.faturamento", "billing")
        cls.receptionist = cls._create_user("x.recepcao", "reception")

    @classmethod
    def _create_endpoint(cls, environment="homologation", service="tissLoteGuias", **vals):
        return cls.env["tiss.endpoint"].create(
            {
                "contract_id": cls.contract.id,
                "environment": environment,
                "service": service,
                "url": f"https://ws.exemplo.invalid/{environment}/{service}",
                **vals,
            }
        )

    def _set_parameter(self, name, value):
        self.env["ir.config_parameter"].sudo().set_param(name, value)

    @contextmanager
    def assertStopped(self, words):
        """Nothing is sent, and whoever wanted to send is told why."""
        with self.assertRaisesRegex(TransportError, words) as caught:
            yield
        error = caught.exception
        self.assertEqual((error.code, error.reached), ("environment", False))

    def _arm(self, **vals):
        """The convênio in production, as a manager puts it there."""
        endpoint = self._create_endpoint("production", **vals)
        wizard = self.env["tiss.production.switch"].create(
            {"contract_id": self.contract.id, "confirmation": "326305"}
        )
        wizard.action_confirm()
        return endpoint


@tagged("post_install", "-at_install", "post_install_l10n")
class TestEndpoint(ExchangeCase):
    """Where messages go."""

    def test_which_address_a_transaction_has(self):
        lotes = self._create_endpoint()
        documents = self._create_endpoint(service="tissEnvioDocumentos")
        self._create_endpoint("production")
        other = self._create_contract("005711", provider_code="1")
        self.assertEqual(self.contract._get_endpoint("ENVIO_LOTE_GUIAS"), lotes.sudo())
        self.assertEqual(self.contract._get_endpoint("ENVIO_DOCUMENTO"), documents.sudo())
        self.assertFalse(self.contract._get_endpoint("RECURSO_GLOSA"))
        self.assertFalse(self.contract._get_endpoint("PROTOCOLO_RECEBIMENTO"))
        self.assertFalse(other._get_endpoint("ENVIO_LOTE_GUIAS"))
        lotes.active = False
        self.assertFalse(self.contract._get_endpoint("ENVIO_LOTE_GUIAS"))

    def test_in_the_order_in_which_a_clinic_needs_them(self):
        order = [
            "tissVerificaElegibilidade",
            "tissSolicitacaoProcedimento",
            "tissSolicitacaoStatusAutorizacao",
            "tissLoteGuias",
            "tissSolicitacaoStatusProtocolo",
            "tissCancelaGuia",
        ]
        contract = self._create_contract("005711")
        for service in sorted(order):
            self._create_endpoint(service=service, contract_id=contract.id)
        self.env.invalidate_all()
        self.assertEqual(contract.endpoint_ids.mapped("service"), order)
        found = self.env["tiss.endpoint"].search(
            [("contract_id", "=", contract.id)], order="service DESC"
        )
        self.assertEqual(found.mapped("service"), order[::-1])

    def test_what_is_archived_is_used_by_nobody(self):
        """Also where a browser asks for archived records, as any list can."""
        self._create_endpoint(active=False)
        contract = self.contract.with_context(active_test=False)
        self.assertEqual(len(contract.endpoint_ids), 1)
        self.assertFalse(contract._get_endpoint("ENVIO_LOTE_GUIAS"))
        self.assertFalse(contract._has_endpoint("ENVIO_LOTE_GUIAS"))
        current = self._create_endpoint()
        contract.invalidate_recordset()
        self.assertEqual(contract._get_endpoint("ENVIO_LOTE_GUIAS"), current.sudo())

    def test_each_version_can_have_its_own(self):
        any_version = self._create_endpoint()
        older = self._create_endpoint(version="4.02.00", url="https://ws.exemplo.invalid/v40200")
        found = self.contract._get_endpoint
        self.assertEqual(found("ENVIO_LOTE_GUIAS"), any_version)
        self.assertEqual(found("ENVIO_LOTE_GUIAS", "4.03.00"), any_version)
        self.assertEqual(found("ENVIO_LOTE_GUIAS", "4.02.00"), older)
        older.active = False
        with self.assertRefused("no address for TISS 4.02.00"):
            found("ENVIO_LOTE_GUIAS", "4.02.00")
        self.assertTrue(self.contract._has_endpoint("ENVIO_LOTE_GUIAS"))
        self.assertFalse(self.contract._has_endpoint("CANCELA_GUIA"))
        self.contract.version = "4.02.00"
        self.assertEqual(found("ENVIO_LOTE_GUIAS"), any_version)

    def test_nobody_waits_long_at_the_desk(self):
        seconds = {
            "tissLoteGuias": 90,
            "tissVerificaElegibilidade": 20,
            "tissSolicitacaoProcedimento": 20,
            "tissEnvioDocumentos": 90,
        }
        for service, expected in seconds.items():
            self.assertEqual(self._create_endpoint(service=service).timeout, expected, service)
        typed = self._create_endpoint("production", "tissVerificaElegibilidade", timeout=45)
        typed.url = "https://ws.exemplo.invalid/outro"
        self.assertEqual(typed.timeout, 45)

    def test_many_are_found_in_as_many_queries_as_one(self):
        self._create_endpoint()
        contracts = self.contract | self._create_contract("005711", provider_code="1")
        self.env.flush_all()
        counts = []
        for found in (contracts, contracts[:1], contracts):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            for contract in contracts.browse(found.ids):
                contract._get_endpoint("ENVIO_LOTE_GUIAS")
                contract._get_endpoint("CANCELA_GUIA")
            counts.append(self.env.cr.sql_log_count - before)
        # The first time rights are read too.
        self.assertEqual(counts[1], counts[2])

    def test_whoever_sends_needs_no_right_to_see_addresses(self):
        endpoint = self._create_endpoint(service="tissSolicitacaoProcedimento")
        contract = self.contract.with_user(self.receptionist)
        self.assertEqual(contract._get_endpoint("SOLICITACAO_PROCEDIMENTOS").url, endpoint.url)
        with self.assertRaises(AccessError):
            endpoint.with_user(self.receptionist).read(["url"])

    def test_addresses(self):
        for url in (
            "http://ws.exemplo.invalid/",
            "http://127.0.0.1:8140/",
            "https://login:senha@ws.exemplo.invalid/",
            "ws.exemplo.invalid",
        ):
            with self.assertRefused("no address that messages may go to", ValidationError):
                self._create_endpoint(url=url)
        self.assertEqual(self._create_endpoint(url=f" {ADDRESS}\n").url, ADDRESS)
        self._create_endpoint("demo", url="http://127.0.0.1:8140/tissLoteGuias")
        with self.assertRefused("no address", ValidationError):
            self._create_endpoint("demo", "tissLoteAnexo", url="http://ws.exemplo.invalid/")

    def test_an_address_belongs_to_one_environment(self):
        self._create_endpoint("production", url=ADDRESS)
        same = ADDRESS.replace("ws.exemplo.invalid", "WS.Exemplo.invalid:443")
        for spelling in (ADDRESS + "/", same):
            with self.assertRefused("another environment", ValidationError):
                self._create_endpoint("homologation", "tissLoteAnexo", url=spelling)
        self._create_endpoint("production", "tissLoteAnexo", url=ADDRESS)

    def test_one_address_for_each_service(self):
        self._create_endpoint()
        with self.assertRefused("already has an address", ValidationError):
            self._create_endpoint(url=ADDRESS)
        with self.assertRefused("Wait between", ValidationError):
            self._create_endpoint(service="tissLoteAnexo", timeout=0)

    def test_authorities(self):
        pem = wire.identity("authority").certificate.decode()
        self._create_endpoint(authority=pem)
        for text in ("nenhum", pem[:100]):
            with self.assertRefused("PEM", ValidationError):
                self._create_endpoint(service="tissLoteAnexo", authority=text)

    def test_whom_to_trust_is_changed_before_witnesses(self):
        endpoint = self._create_endpoint()
        self.env.flush_all()
        self.env.cr.precommit.run()
        pem = wire.identity("authority").certificate.decode()
        endpoint.authority = pem
        self.env.flush_all()
        self.env.cr.precommit.run()
        note = self.contract.message_ids[:1].body
        self.assertIn("Certificate Authorities: – →", note)
        self.assertNotIn("BEGIN CERTIFICATE", note)

    def test_actions_that_http_cannot_carry(self):
        for action in ("ação", "a\nb", "a\tb"):
            with self.assertRefused("without accents", ValidationError):
                self._create_endpoint(soap_action=action)

    def test_typed_in_the_form_of_the_convenio(self):
        with Form(self.contract) as form:
            with form.endpoint_ids.new() as line:
                self.assertEqual(line.environment, "homologation")
                line.service = "tissLoteGuias"
                line.url = ADDRESS
        self.assertEqual(self.contract.endpoint_ids.url, ADDRESS)
        self.env.flush_all()
        self.env.cr.precommit.run()
        note = self.contract.message_ids[:1].body
        self.assertIn("Lotes of Guias · Homologação added", note)

    def test_pasted_from_a_letter(self):
        lotes = self._create_endpoint()
        wizard = self.env["tiss.endpoint.paste"].create(
            {
                "contract_id": self.contract.id,
                "environment": "homologation",
                "text": "Lotes: https://ws.exemplo.invalid/novo/tissLoteGuias\n"
                "https://ws.exemplo.invalid/v40200/tissLoteGuias\n"
                "Elegibilidade: https://ws.exemplo.invalid/v40300/tissVerificaElegibilidade\n"
                "https://ws.exemplo.invalid/v30500/tissCancelaGuia\n"
                "https://ws.exemplo.invalid/manual.pdf",
            }
        )
        self.assertEqual(
            wizard.found_text.splitlines()[1],
            "Lotes of Guias · 4.02.00 · https://ws.exemplo.invalid/v40200/tissLoteGuias",
        )
        self.assertEqual(
            [line.rpartition("/")[2] for line in wizard.unknown_text.splitlines()],
            ["tissCancelaGuia", "manual.pdf"],
        )
        wizard.action_add()
        wizard.action_add()
        self.assertEqual(lotes.url, "https://ws.exemplo.invalid/novo/tissLoteGuias")
        self.assertEqual(
            sorted((each.service, each.version) for each in self.contract.endpoint_ids - lotes),
            [("tissLoteGuias", "4.02.00"), ("tissVerificaElegibilidade", "4.03.00")],
        )
        wizard.text = "Prezados, em anexo"
        with self.assertRefused("No address of a web service"):
            wizard.action_add()

    def test_every_error_and_fault_has_its_sentence(self):
        Endpoint = self.env["tiss.endpoint"]
        sentences = Endpoint._get_error_sentences()
        self.assertEqual(set(sentences), set(soap.CODES))
        self.assertEqual(set(Endpoint._get_fault_sentences()), set(soap.TISS_FAULTS))
        self.assertEqual(len(set(sentences.values())), len(sentences))
        self.assertEqual(
            Endpoint._explain_error(TransportError("timeout", True)),
            "The operadora did not answer in time. Whether the operadora has the message is not"
            " known.",
        )
        self.assertNotIn("not known", Endpoint._explain_error(TransportError("refused", False)))
        self.assertIn(
            "type them again", Endpoint._explain_fault(Fault("Client", "x", "LoginInvalido"))
        )
        self.assertEqual(
            Endpoint._explain_fault(Fault("Client", "Sem acesso")),
            "The web service of the operadora refused the message. (Client Sem acesso)",
        )


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPost(ExchangeCase):
    """One message to a server on this machine."""

    def setUp(self):
        super().setUp()
        self.contract.environment = "demo"
        self.payload = b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<a>\xe7</a>'
        self.answer = soap.envelope(b"<b>1</b>")

    def _post(self, url, **vals):
        return self._create_endpoint("demo", url=url, **vals)._post(self.payload)

    def test_what_is_configured_is_what_is_done(self):
        with wire.serving(self.answer) as server:
            reply = self._post(server.url, soap_action="urn:lote", gzip=True)
        self.assertEqual((reply.status, reply.fault), (200, None))
        self.assertIn(b">1</b>", reply.element)
        [request] = server.requests
        self.assertEqual(request.headers["SOAPAction"], '"urn:lote"')
        self.assertEqual(request.headers["Content-Encoding"], "gzip")
        self.assertEqual(request.headers["Content-Type"], "text/xml; charset=ISO-8859-1")

    def test_own_authorities(self):
        context = wire.server_context(wire.identity("operadora", "authority"))
        with wire.serving(self.answer, context) as server:
            endpoint = self._create_endpoint("demo", url=server.url)
            with self.assertRaises(TransportError) as caught:
                endpoint._post(self.payload)
            self.assertEqual(
                (caught.exception.code, caught.exception.reached), ("untrusted", False)
            )
            self.assertEqual(server.requests, [])
            endpoint.authority = wire.identity("authority").certificate.decode()
            self.assertEqual(endpoint._post(self.payload).status, 200)

    def test_knocking_sends_nothing(self):
        """Before production, somebody wants to know whether the address is right."""
        with wire.serving(self.answer) as server:
            endpoint = self._create_endpoint("demo", url=server.url)
            told = endpoint.action_test()["params"]
            self.assertEqual(told["type"], "success")
            self.assertIn("without encryption", told["message"])
        told = endpoint.action_test()["params"]
        self.assertEqual(told["type"], "danger")
        self.assertEqual(told["message"], "The server of the operadora takes no connections now.")
        self.assertEqual(server.requests, [])
        with self.assertRefused("", AccessError):
            endpoint.with_user(self.biller).action_test()
        self._set_parameter("database.is_neutralized", "True")
        with self.assertRefused("nothing is sent"):
            endpoint.action_test()

    def test_only_the_environment_in_use(self):
        with wire.serving(self.answer) as server:
            endpoint = self._create_endpoint("demo", url=server.url)
            self.contract.environment = "homologation"
            with self.assertRefused("not in use now"):
                endpoint._check_armed()
            self.contract.environment = "demo"
            endpoint.active = False
            with self.assertStopped("not in use now"):
                endpoint._post(self.payload)
            self.assertEqual(server.requests, [])

    def test_plain_text_by_a_back_door(self):
        """What got into the database past the check does not get out of it."""
        endpoint = self._create_endpoint("demo")
        self.env.cr.execute(
            "UPDATE tiss_endpoint SET url = 'http://ws.exemplo.invalid/' WHERE id = %s",
            [endpoint.id],
        )
        endpoint.invalidate_recordset()
        with self.assertStopped("no safe address"):
            endpoint._post(self.payload)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestProduction(ExchangeCase):
    """In earnest only on purpose, and only in the database where somebody said so."""

    def test_only_by_its_own_button(self):
        self._create_endpoint("production")
        for user in (self.env.user, self.biller):
            contract = self.contract.with_user(user)
            with self.assertRefused("by its own button"):
                contract.environment = "production"
            with self.assertRefused("Only the switch", AccessError):
                contract.write({"production_date": "2026-01-01 00:00:00"})
        for environment in ("production", "mars", None):
            contract = self.contract.with_context(tiss_environment=environment)
            with self.assertRefused("by its own button"):
                contract.action_use_environment()
        with self.assertRefused("by its own button"):
            self._create_contract("005711", environment="production")
        registry = self.env["tiss.operadora.registry"].search([("ans_code", "=", "005711")])
        forged = {"environment": "production", "production_user_id": self.biller.id}
        contract = (
            self.env["tiss.contract"]
            .with_context(**{f"default_{name}": value for name, value in forged.items()})
            .create({"partner_id": registry.create_operadora().id, "version": "4.03.00"})
        )
        self.assertEqual(contract.environment, "homologation")
        self.assertFalse(contract.production_user_id)

    def test_what_has_to_be_typed(self):
        wizard = self.env["tiss.production.switch"].create({"contract_id": self.contract.id})
        with self.assertRefused("No web service has an address in production"):
            wizard.action_confirm()
        self._create_endpoint("production")
        wizard.invalidate_recordset()
        for typed in (False, "", "sim", "326306"):
            wizard.confirmation = typed
            with self.assertRefused("is not the ANS number"):
                wizard.action_confirm()
        wizard.confirmation = " 326305 "
        wizard.action_confirm()
        self.assertEqual(self.contract.environment, "production")
        self.assertEqual(self.contract.production_user_id, self.env.user)
        self.assertTrue(self.contract.production_date)

    def test_only_a_manager(self):
        self._create_endpoint("production")
        contract = self.contract.with_user(self.biller)
        with self.assertRefused("Switch to Production", AccessError):
            self.env["tiss.production.switch"].with_user(self.biller).create(
                {"contract_id": contract.id, "confirmation": "326305"}
            )
        for call in (
            contract._arm_production,
            contract.action_forget_login,
            contract.with_context(tiss_environment="demo").action_use_environment,
        ):
            with self.assertRefused("Only a manager", AccessError):
                call()
        with self.assertRefused("Only a manager", AccessError):
            contract.environment = "demo"
        with self.assertRefused("", AccessError):
            self._create_endpoint().with_user(self.biller).url = ADDRESS

    def test_armed_in_this_database_only(self):
        endpoint = self._arm()
        endpoint._check_armed()
        self.assertEqual(self.contract.shown_environment, "production")
        self._set_parameter("database.uuid", "00000000-0000-0000-0000-000000000000")
        self.contract.invalidate_recordset()
        self.assertEqual(self.contract.shown_environment, "blocked")
        with self.assertStopped("another database"):
            endpoint._post(b"<a/>")
        self.contract._arm_production()
        endpoint._check_armed()

    def test_a_copy_that_postgresql_made(self):
        """It has the same number, but not the same name."""
        endpoint = self._arm()
        contract = self.contract.sudo()
        contract.production_database = contract.production_database + "_copy"
        with self.assertStopped("another database"):
            endpoint._post(b"<a/>")

    def test_leaving_production(self):
        endpoint = self._arm()
        self.contract.with_context(tiss_environment="homologation").action_use_environment()
        self.assertEqual(self.contract.environment, "homologation")
        with self.assertStopped("not in use now"):
            endpoint._post(b"<a/>")
        with self.assertRefused("by its own button"):
            self.contract.environment = "production"

    def test_a_clone_is_not_in_production(self):
        self._arm()
        self.contract.write({"service_login": "CLINICA", "service_password": PASSWORD})
        [vals] = self.contract.sudo().copy_data()
        left = {"environment", "service_credentials", "endpoint_ids", "production_database"}
        self.assertFalse(left & vals.keys())


@tagged("post_install", "-at_install", "post_install_l10n")
class TestNeutralized(ExchangeCase):
    """A copy for tests sends nothing, whatever it was copied from."""

    def _neutralize(self):
        """What Odoo does with a copy."""
        self.env.flush_all()
        neutralize_database(self.env.cr)
        self.env.registry.clear_cache("stable")
        self.env.registry.clear_cache()
        self.env.invalidate_all()

    def test_nothing_is_left_to_send_with(self):
        self._arm()
        self._create_endpoint()
        self.contract.write({"service_login": "CLINICA", "service_password": PASSWORD})
        self._neutralize()
        self.assertEqual(self.contract.environment, "demo")
        self.assertEqual(self.contract.shown_environment, "blocked")
        self.assertFalse(self.contract.has_login)
        self.assertIsNone(self.contract.sudo()._get_login())
        self.assertFalse(self.contract.endpoint_ids)
        self.assertFalse(self.contract._get_endpoint("ENVIO_LOTE_GUIAS"))
        self.assertFalse(self.contract._is_production_armed())

    def test_what_is_typed_there_sends_nothing_either(self):
        self._neutralize()
        with wire.serving(soap.envelope(b"<b/>")) as server:
            endpoint = self._create_endpoint("demo", url=server.url)
            with self.assertStopped("nothing is sent"):
                endpoint._post(b"<a/>")
            self.assertEqual(server.requests, [])
        self._create_endpoint("production")
        wizard = self.env["tiss.production.switch"].create(
            {"contract_id": self.contract.id, "confirmation": "326305"}
        )
        with self.assertRefused("nothing is sent"):
            wizard.action_confirm()

    def test_even_where_only_the_mark_was_copied(self):
        endpoints = self._arm() | self._create_endpoint() | self._create_endpoint("demo")
        self._set_parameter("database.is_neutralized", "True")
        for endpoint in endpoints:
            self.contract.sudo().environment = endpoint.environment
            with self.assertStopped("nothing is sent"):
                endpoint._post(b"<a/>")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestNeutralizedQueue(DeliveryCase):
    """What was waiting when the copy was made never leaves from the copy."""

    def test_it_stays(self):
        waiting = self._send()
        later = self._create_lote(ECG)
        self.env.flush_all()
        neutralize_database(self.env.cr)
        self.env.registry.clear_cache("stable")
        self.env.registry.clear_cache()
        self.env.invalidate_all()
        self._deliver()
        self.assertEqual((waiting.delivery_ids.state, waiting.state), ("failed", "validated"))
        later.send()
        self._deliver()
        self.assertFalse(later.delivery_ids)
        # Somebody makes the copy ready to send again, and forgets what it is.
        self._connect("tissLoteGuias")
        waiting.send()
        self._deliver()
        self.assertEqual(waiting.delivery_ids.mapped("state"), ["failed", "failed"])
        self.assertIn("nothing is sent", waiting.rejection_reason)
        self.assertEqual(self.simulated.arrivals, [])


@tagged("post_install", "-at_install", "post_install_l10n")
class TestLogin(ExchangeCase):
    """Login and password go in and never come out."""

    def setUp(self):
        super().setUp()
        self.contract.write({"service_login": " CLINICA7 ", "service_password": PASSWORD})

    def test_what_is_sent(self):
        self.assertEqual(self.contract.sudo()._get_login(), ("CLINICA7", password_digest(PASSWORD)))
        self.assertTrue(self.contract.has_login)
        self.contract.service_password = "outra"
        self.assertEqual(self.contract.sudo()._get_login(), ("CLINICA7", password_digest("outra")))
        self.contract.service_login = "NOVO"
        self.assertEqual(self.contract.sudo()._get_login(), ("NOVO", password_digest("outra")))
        self.contract.action_forget_login()
        self.assertIsNone(self.contract.sudo()._get_login())
        self.contract.service_login = "NOVO"
        with self.assertRefused("needs both"):
            self.contract.sudo()._get_login()

    def test_typed_again_where_the_key_is_gone(self):
        """As in a copy of the database: what was kept cannot be opened, nor does it matter."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(patch.dict(config.options, {"data_dir": folder}))
        for name in ("service_password", "service_login"):
            with self.assertRefused("type both login and password"):
                self.contract[name] = "outra"
        self.contract.write({"service_login": "NOVO", "service_password": "outra"})
        self.assertEqual(self.contract.sudo()._get_login(), ("NOVO", password_digest("outra")))

    def test_an_operadora_that_refuses_the_md5(self):
        """Guide §2.5: some expect the password as it is typed."""
        with self.assertRefused("type the password again"):
            self.contract.password_form = "plain"
        self.assertEqual(self.contract.password_form, "md5")
        self.contract.write({"password_form": "plain", "service_password": PASSWORD})
        self.assertEqual(self.contract.sudo()._get_login(), ("CLINICA7", PASSWORD))
        self.contract.service_login = "NOVO"
        self.assertEqual(self.contract.sudo()._get_login(), ("NOVO", PASSWORD))
        with self.assertRefused("at most 32 characters", ValidationError):
            self.contract.service_password = "X" * 33
        self.contract.password_form = "md5"
        self.assertEqual(self.contract.sudo()._get_login(), ("NOVO", password_digest(PASSWORD)))
        self.assertEqual(find_words(self.env, [PASSWORD, password_digest(PASSWORD)]), set())

    def test_nobody_reads_them(self):
        contract = self.contract
        self.assertFalse(contract.service_login or contract.service_password)
        self.env.invalidate_all()
        [row] = contract.read(["service_login", "service_password", "has_login"])
        self.assertEqual(
            (row["service_login"], row["service_password"], row["has_login"]), (False, False, True)
        )
        saved = contract.web_save(
            {"service_password": "nova"}, {"service_password": {}, "has_login": {}}
        )
        self.assertFalse(saved[0]["service_password"])
        self.assertEqual(contract.sudo()._get_login()[1], password_digest("nova"))
        for name in ("service_credentials", "production_database"):
            for record in (contract, contract.with_user(self.biller)):
                with self.assertRaises(AccessError):
                    record.read([name])
        with self.assertRaises(AccessError):
            contract._get_login()

    def test_only_a_manager_changes_them(self):
        for user in (self.biller, self.receptionist):
            with self.assertRefused("", AccessError):
                self.contract.with_user(user).write({"service_password": "x"})
            with self.assertRefused("", AccessError):
                self.contract.with_user(user).write({"password_form": "plain"})
            with self.assertRaises(AccessError):
                self.contract.with_user(user).read(["service_login"])

    def test_they_are_nowhere(self):
        """Neither the password nor its digest is in a table or in the chatter."""
        self.env.flush_all()
        words = [PASSWORD, "CLINICA7", password_digest(PASSWORD)]
        self.env.cr.execute("SELECT * FROM tiss_contract WHERE id = %s", [self.contract.id])
        rows = repr(self.env.cr.fetchall())
        bodies = " ".join(str(body) for body in self.contract.message_ids.mapped("body"))
        self.assertIn("login of the web services was changed", bodies)
        tracked = repr(self.contract.sudo().message_ids.tracking_value_ids.read())
        exported = self.contract.export_file(include_tables=True).decode()
        for word in words:
            for text in (rows, bodies, tracked, exported):
                self.assertNotIn(word, text)

    def test_created_with_the_convenio(self):
        contract = self._create_contract(
            "005711", provider_code="1", service_login="A", service_password="b"
        )
        self.assertEqual(contract.sudo()._get_login(), ("A", password_digest("b")))
        self.assertFalse(contract.service_password)

    def test_what_tiss_cannot_carry(self):
        with self.assertRefused("at most 20", ValidationError):
            self.contract.service_login = "X" * 21
        with self.assertRefused("character that TISS cannot carry", ValidationError):
            self.contract.service_password = "senha€"
        self.assertEqual(self.contract.sudo()._get_login()[0], "CLINICA7")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestLabel(ExchangeCase):
    """The environment, big and coloured, on every form from which something is sent."""

    def test_what_it_says(self):
        contract = self.contract
        self.assertFalse(contract.shown_environment, "all goes by file: nothing to say")
        self._create_endpoint("production")
        self.assertFalse(contract.shown_environment)
        self._create_endpoint()
        self.assertEqual(contract.shown_environment, "homologation")
        contract.environment = "demo"
        self.assertEqual(contract.shown_environment, "demo")
        self.assertEqual(
            contract.with_user(self.receptionist).read(["shown_environment"])[0][
                "shown_environment"
            ],
            "demo",
        )

    def test_every_form_shows_it(self):
        names = [
            name
            for name, model in self.env.registry.items()
            if name.startswith("tiss.")
            and not model._abstract
            and "shown_environment" in model._fields
        ]
        known = {"tiss.contract", "tiss.lote", "tiss.authorization", "tiss.annex"}
        self.assertLessEqual(known | {"tiss.stay.notice", "tiss.document"}, set(names))
        for name in names:
            arch = self.env[name].get_view(view_type="form")["arch"]
            [label] = re.findall(r'<field[^>]*name="shown_environment"[^>]*o_tiss_env[^>]*>', arch)
            self.assertIn("production", label)

    def test_a_lote_shows_that_of_its_convenio(self):
        self.contract.environment = "demo"
        lote = self._create_lote(CONSULTATION)
        self.assertEqual(lote.shown_environment, "demo")
