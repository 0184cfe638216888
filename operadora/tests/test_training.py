"""What training staff use: the page, the list of what arrived, the command."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import TestCase

from ..__main__ import arguments, installed_versions, make_operadora
from ..directory import Directory, invented_cnpj
from ..misbehaviour import KINDS
from ..official import MissingSchema
from ..server import serve
from ..services import SERVICES
from . import messages as m
from . import questions as q
from .test_operadora import CNPJ, TODAY, VERSIONS, OperadoraCase, body, consulta, message
from .test_server import ServerCase
from .wire import enveloped, fetch, payload, post, send

ROOT = Path(__file__).parents[2]


class TestPage(ServerCase):
    def page(self, address):
        answer = fetch(f"{address}/")
        self.assertEqual((answer.status, answer.headers["Content-Type"]),
                         (200, "text/html; charset=utf-8"))  # fmt: skip
        return answer.body.decode()

    def test_addresses_login_and_misbehaviours(self):
        address = self.start(logins={"clinica<1>": "segredo"})
        page = self.page(address)
        for service in SERVICES:
            self.assertIn(f"<code>{address}/{service.name}</code>", page)
        for kind in KINDS:
            self.assertIn(f"<option>{kind}</option>", page)
        self.assertIn("<b>clinica&lt;1&gt;</b>, senha <b>segredo</b>", page)
        self.assertIn("registro ANS <b>326305</b>", page)
        self.assertIn("Ainda nada.", page)

    def test_what_arrived(self):
        address = self.start()
        xml = message(body(consulta(), lote="88"))
        send(address, xml)
        send(address, xml)
        send(address, xml, digest="x")
        page = self.page(address)
        for words in ("<td>88</td><td>aceita</td>", "<td>88</td><td>recusada</td>",
                      "<td>88</td><td>falha (tissFault)</td>", "21/11/2026",
                      "3268 NÚMERO DE LOTE JÁ INFORMADO ANTERIORMENTE (lote 88)",
                      "HashInvalido: resumo recalculado"):  # fmt: skip
            self.assertIn(words, page)
        rows = json.loads(fetch(f"{address}/received.json").body)
        self.assertEqual([row["outcome"] for row in rows], ["taken", "refused", "fault"])
        self.assertEqual({row["number"] for row in rows}, {"88"})
        self.assertEqual(rows[0]["on"], "2026-11-21")

    def test_what_waits_to_go_wrong(self):
        address = self.start()
        address.misbehave("html", "tissCancelaGuia", 3)
        self.assertIn("<li>html: 3 × tissCancelaGuia</li>", self.page(address))

    def test_nothing_of_a_patient_is_shown(self):
        address = self.start()
        send(address, q.eligibility("778899"))
        send(address, m.notice(card="778899"))
        shown = self.page(address) + fetch(f"{address}/received.json").body.decode()
        self.assertEqual(len(address.operadora.arrivals), 2)
        self.assertNotIn("778899", shown)

    def test_other_addresses(self):
        address = self.start()
        self.assertEqual(fetch(f"{address}/tissLoteGuias").status, 405)
        self.assertEqual(fetch(f"{address}/nothing").status, 404)
        self.assertEqual(fetch(f"{address}/tissLoteGuias?wsdl&version=9").status, 405)


class TestDirectory(OperadoraCase):
    def start(self, *argv):
        options = arguments(list(argv))
        directory = Directory(make=lambda code, version: make_operadora(options, code, version))
        context = serve(directory, today=TODAY, versions=installed_versions())
        address = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return address

    def test_any_operadora_in_any_version(self):
        address = self.start()
        for version in VERSIONS:
            for ans_code in ("326305", "000515"):
                xml = message(body(consulta(ans=ans_code)), version, destino=ans_code)
                answer = send(address, xml)
                self.assertIsNotNone(answer.text(".//ans:numeroProtocolo"))
                self.assertEqual(answer.text(".//ans:origem/ans:registroANS"), ans_code)
        found = [(each.ans_code, each.version) for each in address.server.directory.operadoras]
        self.assertEqual(len(found), 4)
        rows = json.loads(fetch(f"{address}/received.json").body)
        self.assertEqual({row["ans_code"] for row in rows}, {"326305", "000515"})

    def test_what_no_operadora_can_be_made_of(self):
        address = self.start()
        for wrong, fault in (
            (message(body(consulta()), destino="12"), "DestinatarioInvalido"),
            (message(body(consulta()), "1.00.00"), "VersaoInvalida"),
        ):
            self.assertEqual(send(address, wrong).fault, fault)
        self.assertEqual(address.server.directory.operadoras, [])
        self.assertIn(b"Ainda nada", fetch(f"{address}/").body)

    def test_it_knows_the_bearers_of_a_file(self):
        """Otherwise every check of eligibility would find another name than the clinic has."""
        with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as file:
            file.write("001234;Antônia Inventada\n998877;Beto Fictício\n")
            file.flush()
            address = self.start("--cards", file.name)
        for card, name in (
            ("001234", "Antônia Inventada"),
            ("998877", "Beto Fictício"),
            ("5", "BENEFICIARIO DA CARTEIRA 5"),
        ):
            answer = send(address, q.eligibility(card))
            self.assertEqual(answer.text(".//ans:nomeBeneficiario"), name)

    def test_each_start_gives_other_numbers_unless_told(self):
        """Who trains keeps the protocolos of yesterday, which the operadora has forgotten."""
        self.assertNotEqual(arguments([]).seed, arguments([]).seed)
        self.assertEqual(arguments(["--seed", "7"]).seed, 7)

    def test_only_one_version_when_told(self):
        with self.assertRaises(MissingSchema):
            make_operadora(arguments(["--version", "4.02.00"]), "326305", "4.03.00")

    def test_an_invented_cnpj_has_good_digits(self):
        """The digits of the Receita Federal, by hand for the tests' own number: 11222333000181."""
        self.assertIn("11222333000181", CNPJ)
        for ans_code in ("326305", "000515", "359017"):
            cnpj = invented_cnpj(ans_code)
            self.assertRegex(cnpj, r"^\d{8}0001\d{2}$")
            for end, weights in ((12, "543298765432"), (13, "6543298765432")):
                total = sum(int(a) * int(b) for a, b in zip(cnpj[:end], weights, strict=True))
                rest = total % 11
                self.assertEqual(int(cnpj[end]), 0 if rest < 2 else 11 - rest)


class TestCommand(TestCase):
    def run_command(self, *argv):
        return subprocess.run(
            [sys.executable, "-m", "operadora", *argv],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def test_it_serves_until_it_is_told_to_stop(self):
        process = subprocess.Popen(
            [sys.executable, "-m", "operadora", "--port", "0", "--payment-days", "5"],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        first = process.stdout.readline()
        address = first.split()[2].rstrip("/")
        self.assertIn("TISS 4.02.00, 4.03.00", first)
        addresses = [process.stdout.readline().strip() for _ in SERVICES]
        self.assertEqual(addresses, [f"{address}/{each.name}" for each in SERVICES])
        xml = message(body(consulta(dia="2020-01-02")), registro="2020-01-02")
        service, content = payload(xml)
        url = f"{address}/{service.name}"
        self.assertEqual(post(url, content.encode()).fault, "SchemaInvalido")
        answer = post(url, enveloped(content))
        self.assertIsNotNone(answer.text(".//ans:numeroProtocolo"))
        [row] = json.loads(fetch(f"{address}/received.json").body)
        self.assertEqual((row["number"], row["outcome"]), ("1", "taken"))
        process.terminate()
        self.assertEqual(process.wait(20), 0)

    def test_kinds(self):
        found = self.run_command("--kinds")
        self.assertEqual([line.split()[0] for line in found.stdout.splitlines()], list(KINDS))

    def test_mistakes_are_told_in_a_line(self):
        cases = {
            ("--misbehave", "nothing"): "Não existe 'nothing'",
            ("--ans", "12"): "six digits",
            ("--version", "9.99.99", "--ans", "326305"): "No official schema",
            ("--login", "x"): "LOGIN:PASSWORD",
            ("--schema-dir", "x"): "needs --version",
            ("--cards", "/nothing.csv"): "/nothing.csv",
            ("--cards", __file__): "line 1: expected card;name",
        }
        for argv, words in cases.items():
            with self.subTest(argv):
                found = self.run_command("--port", "0", *argv)
                self.assertNotEqual(found.returncode, 0)
                self.assertIn(words, found.stderr)
                self.assertNotIn("Traceback", found.stderr)
