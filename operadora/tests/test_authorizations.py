"""Requests for authorisation and questions about them, answered as guide §5.6 says."""

from datetime import timedelta

from lxml import etree

from . import messages as m
from .test_operadora import ANS, CNPJ, TODAY, VERSIONS, OperadoraCase, operadora, value

REQUESTS = {
    "autorizacaoServico": m.sp_sadt,
    "autorizacaoInternacao": m.internacao,
    "autorizacaoProrrogacao": m.prorrogacao,
    "autorizacaoServicoOdonto": m.odonto,
}
ODONTO = "AUTORIZACAO_ODONTOLOGIA"
MEDICAL = "RESPOSTA_SOLICITACAO"


class AuthorizationCase(OperadoraCase):
    def transaction(self, body):
        return ODONTO if "solicitacaoOdontologia" in body else MEDICAL

    def ask(self, op, body, on=TODAY, **options):
        """The branch of the answer to a request that must be taken."""
        answer = op.receive(m.request(body, op.version, **options), on)
        root = self.check_answer(answer, op.version, self.transaction(body))
        content = root.find("ans:operadoraParaPrestador/ans:autorizacaoServicos", ANS)
        self.assertNotEqual(
            etree.QName(content[0]).localname, "mensagemErro", answer.decode("latin-1")
        )
        return content[0]

    def ask_until(self, op, build, wanted, **options):
        """Ask under one number after another until the answer has that status."""
        for number in range(1, 500):
            answer = self.ask(op, build(str(number), **options))
            if value(answer, ".//ans:statusSolicitacao") == wanted:
                return str(number), answer
        return self.fail(f"no answer {wanted} in 500 requests")

    def ask_status(self, op, numero, on, card=m.CARD):
        answer = op.receive(m.status(numero, card, op.version), on)
        root = self.check_answer(answer, op.version, "STATUS_AUTORIZACAO")
        return root.find("ans:operadoraParaPrestador/ans:situacaoAutorizacao", ANS)[0]

    def error(self, op, xml, transaction=MEDICAL, element="autorizacaoServicos", on=TODAY):
        """The code of a refusal, in the element where the answer would have been."""
        root = self.check_answer(op.receive(xml, on), op.version, transaction)
        path = f"ans:operadoraParaPrestador/ans:{element}/ans:mensagemErro/ans:codigoGlosa"
        self.assertIsNotNone(root.find(path, ANS), etree.tostring(root).decode())
        return value(root, path)

    def state(self, op):
        """The operadora's own record of the last request taken."""
        return list(op.authorizations.items())[-1]

    def texts(self, node, path):
        return [each.text for each in node.iterfind(path, ANS)]


class TestAnswers(AuthorizationCase):
    def test_every_kind_is_answered_in_its_own_branch(self):
        for version in VERSIONS:
            for branch, build in REQUESTS.items():
                with self.subTest(branch, version=version):
                    op = operadora(version)
                    answer = self.ask(op, build("77"))
                    self.assertEqual(etree.QName(answer).localname, branch)
                    self.assertEqual(value(answer, ".//ans:numeroGuiaPrestador"), "77")
                    number, state = self.state(op)
                    self.assertEqual(value(answer, ".//ans:numeroGuiaOperadora"), number)
                    self.assertEqual(state["carteira"], m.CARD)

    def test_granted(self):
        op = operadora()
        numero, answer = self.ask_until(op, m.sp_sadt, "1")
        dados = answer.find("ans:dadosAutorizacao", ANS)
        number, state = self.state(op)
        self.assertEqual(
            [each.text for each in dados],
            [
                numero, number, "TOKEN123", TODAY.isoformat(), state["senha"],
                state["valid_until"].isoformat(),
            ],
        )  # fmt: skip
        self.assertGreaterEqual(state["valid_until"], TODAY + timedelta(30))
        self.assertEqual(value(answer, "ans:tipoEtapaAutorizacao"), "2")
        self.assertEqual(value(answer, "ans:coberturaEspecial"), "01")
        self.assertEqual(self.texts(answer, "ans:prestadorAutorizado//*")[1:], ["12345", "7654321"])
        self.assertEqual(self.texts(answer, ".//ans:sequencialItem"), ["1", "2"])
        self.assertEqual(self.texts(answer, ".//ans:quantidadeAutorizada"), ["4", "2"])
        self.assertIsNone(answer.find(".//ans:motivosNegativa", ANS))

    def test_granted_in_part(self):
        op = operadora()
        answer = self.ask_until(op, m.sp_sadt, "7")[1]
        asked = [int(x) for x in self.texts(answer, ".//ans:quantidadeSolicitada")]
        given = [int(x) for x in self.texts(answer, ".//ans:quantidadeAutorizada")]
        self.assertEqual(asked, [4, 2])
        self.assertTrue(0 < sum(given) < 6, given)
        for line in answer.iterfind(".//ans:servicoAutorizado", ANS):
            short = value(line, "ans:quantidadeAutorizada") < value(
                line, "ans:quantidadeSolicitada"
            )
            code = value(line, ".//ans:codigoGlosa")
            self.assertEqual(code is not None, short)
            if short:
                text = value(line, "ans:motivosNegativa/ans:motivoNegativa/ans:descricaoGlosa")
                self.assertEqual(text, op.schema.glosas[code])
                self.assertEqual(self.texts(answer, "ans:motivosNegativa/*"), [code])
        self.assertIsNotNone(value(answer, ".//ans:senha"))

    def test_denied(self):
        op = operadora()
        for branch, build in REQUESTS.items():
            with self.subTest(branch):
                op = operadora()
                answer = self.ask_until(op, build, "3")[1]
                self.assertIsNone(answer.find(".//ans:senha", ANS))
                self.assertIsNone(answer.find(".//ans:dataAutorizacao", ANS))
                self.assertIsNone(answer.find(".//ans:prestadorAutorizado", ANS))
                self.assertTrue(self.texts(answer, ".//ans:motivosNegativa//ans:codigoGlosa"))
                self.assertLessEqual(set(self.texts(answer, ".//ans:quantidadeAutorizada")), {"0"})
                self.assertLessEqual(set(self.texts(answer, ".//ans:aut")), {"N"})
                self.assertIsNone(self.state(op)[1]["senha"])

    def test_days_of_a_stay(self):
        op = operadora()
        answer = self.ask_until(op, m.internacao, "1", days="5")[1]
        self.assertEqual(value(answer, "ans:qtdDiariasAutorizadas"), "5")
        self.assertEqual(value(answer, "ans:dataProvavelAdmissao"), "2026-12-01")
        self.assertEqual(value(answer, ".//ans:ausenciaCodValidacao"), "01")
        self.assertEqual(
            value(answer, ".//ans:dadosContratado/ans:codigoPrestadorNaOperadora"), "54321"
        )
        # Only days can be cut: one of them at least stays.
        op = operadora()
        build = m.prorrogacao
        answer = self.ask_until(op, build, "7", days="3")[1]
        self.assertIn(value(answer, "ans:diariasAutorizadas"), ("1", "2"))
        code = value(answer, ".//ans:motivosNegativa/ans:codigoGlosa")
        self.assertEqual(value(answer, "ans:justificativaOperadora"), op.schema.glosas[code])
        self.assertEqual(value(answer, "ans:nomeContratado"), "HOSPITAL EXEMPLO")
        answer = self.ask_until(operadora(), build, "1", days="", room="02")[1]
        self.assertEqual(value(answer, "ans:acomodacaoAutorizada"), "02")
        self.assertEqual(value(answer, "ans:diariasAutorizadas"), "0")

    def test_half_of_two_days_is_one(self):
        op = operadora()
        for number in range(80):
            self.ask(op, m.prorrogacao(str(number), days="2"))
        states = op.authorizations.values()
        self.assertEqual({x["diarias"] for x in states if x["status"] == "7"}, {1})
        self.assertEqual({x["diarias"] for x in states if x["status"] == "1"}, {2})

    def test_odonto_repeats_what_is_done_on_which_tooth(self):
        answer = self.ask_until(operadora(), m.odonto, "7")[1]
        lines = answer.findall("ans:procedimentosAutorizados", ANS)
        self.assertEqual([value(x, ".//ans:codDente") for x in lines], ["11", "11"])
        self.assertEqual([value(x, "ans:valorFranquia") for x in lines], ["10.00", "10.00"])
        self.assertEqual(value(answer, "ans:numeroCarteira"), m.CARD)
        self.assertTrue(self.texts(answer, "ans:procedimentosAutorizados//ans:codigoGlosa"))

    def test_the_name_is_that_of_the_file(self):
        op = operadora(names={m.CARD: "ANA EXEMPLO"})
        found = [
            value(self.ask(op, m.sp_sadt(numero, card=card)), "ans:nomeBeneficiario")
            for numero, card in (("1", m.CARD), ("2", "99"))
        ]
        self.assertEqual(found, ["ANA EXEMPLO", "BENEFICIARIO DA CARTEIRA 99"])
        for bad in ("", "X" * 71, "Ω"):
            with self.assertRaises(ValueError):
                operadora(names={"1": bad})

    def test_therapies_are_answered_inside(self):
        """Chemotherapy and radiotherapy in their own blocks; materials as lines of the answer."""
        for version in VERSIONS:
            for wanted in ("1", "2", "3"):
                with self.subTest(version=version, status=wanted):
                    self.check_therapies(version, wanted)

    def check_therapies(self, version, wanted):
        def build(numero):
            return m.sp_sadt(
                numero,
                annex=m.quimio(f"Q{numero}", numero, "solicitacaoQuimioterapia")
                + m.radio(f"R{numero}", numero, "solicitacaoRadioterapia")
                + m.opme(f"O{numero}", numero, "solicitacaoOPME"),
            )

        numero, answer = self.ask_until(operadora(version), build, wanted)
        for name, letter, diagnosis in (
            ("autorizacaoQuimio", "Q", "diagnosticoOncologicoQuimioterapia"),
            ("autorizacaoRadio", "R", "diagnosticoOncologicoRadio"),
        ):
            therapy = answer.find(f"ans:{name}", ANS)
            self.assertEqual(value(therapy, ".//ans:numeroGuiaPrestador"), letter + numero)
            self.assertEqual(value(therapy, "ans:statusSolicitacao"), wanted)
            self.assertEqual(value(therapy, f"ans:{diagnosis}//ans:diagnosticoCID"), "C509")
            self.assertEqual(therapy.find(".//ans:senha", ANS) is not None, wanted == "1")
            denied = therapy.find("ans:motivosNegativa/ans:motivoNegativa", ANS)
            self.assertEqual(denied is not None, wanted == "3")
        materials = answer.findall(".//ans:servicoAutorizado[ans:opcaoFabricante]", ANS)
        self.assertEqual(len(materials), 0 if wanted == "2" else 1)
        for line in materials:
            self.assertEqual(value(line, "ans:sequencialItem"), "3")
            self.assertEqual(value(line, "ans:valorSolicitado"), "150.00")
            self.assertEqual(
                value(line, "ans:valorAutorizado"), "150.00" if wanted == "1" else "0.00"
            )
            self.assertEqual(value(line, "ans:registroANVISA"), "10000000001")

    def test_an_emergency_does_not_wait(self):
        op = operadora()
        for number in range(200):
            answer = self.ask(op, m.sp_sadt(str(number), urgent=True))
            self.assertIn(value(answer, "ans:statusSolicitacao"), "137")

    def test_shares_of_the_answers(self):
        op = operadora()
        found = [
            value(self.ask(op, m.sp_sadt(str(number))), "ans:statusSolicitacao")
            for number in range(600)
        ]
        for status, share in (("1", 0.50), ("7", 0.22), ("3", 0.12), ("2", 0.11), ("5", 0.05)):
            self.assertAlmostEqual(found.count(status) / 600, share, delta=0.05)


class TestStatus(AuthorizationCase):
    def test_what_was_in_analysis_is_decided_later(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                op = operadora(version)
                numero, answer = self.ask_until(op, m.sp_sadt, "2")
                self.assertIsNone(answer.find("ans:servicosAutorizados", ANS))
                self.assertIsNone(answer.find(".//ans:senha", ANS))
                number, state = self.state(op)
                self.assertTrue(TODAY < state["decided_on"] <= TODAY + timedelta(10))
                eve = self.ask_status(op, numero, state["decided_on"] - timedelta(1))
                self.assertEqual(value(eve, "ans:statusSolicitacao"), "2")
                after = self.ask_status(op, numero, state["decided_on"])
                self.assertEqual(value(after, ".//ans:numeroGuiaOperadora"), number)
                self.assertEqual(value(after, "ans:statusSolicitacao"), state["status"])
                self.assertIn(state["status"], "137")
                self.assertEqual(value(after, ".//ans:senha"), state["senha"])
                if state["senha"]:
                    day = state["decided_on"].isoformat()
                    self.assertEqual(value(after, ".//ans:dataAutorizacao"), day)

    def test_what_was_in_analysis_ends_in_each_way(self):
        op = operadora()
        for number in range(400):
            self.ask(op, m.sp_sadt(str(number)))
        ends = [x["status"] for x in op.authorizations.values() if x["waiting"] == "2"]
        self.assertEqual(set(ends), {"1", "3", "7"})

    def test_the_same_answer_as_before(self):
        op = operadora()
        for branch, build in REQUESTS.items():
            first = self.ask(op, build(branch[-6:]))
            again = self.ask_status(op, branch[-6:], TODAY)
            self.assertEqual(etree.tostring(again), etree.tostring(first))

    def test_a_document_decides_what_waits_for_it(self):
        op = operadora()
        numero, answer = self.ask_until(op, m.sp_sadt, "5")
        self.assertTrue(self.texts(answer, "ans:motivosNegativa/ans:codigoGlosa"))
        number, state = self.state(op)
        later = TODAY + timedelta(3)
        # A document of the billing is not the one that is wanted.
        op.receive(m.document("D1", nature="2", links={"numeroGuiaPrestador": numero}), later)
        self.assertEqual(value(self.ask_status(op, numero, later), "ans:statusSolicitacao"), "5")
        op.receive(m.document("D2", nature="1", links={"numeroGuiaOperadora": number}), later)
        decided = self.ask_status(op, numero, later)
        self.assertIn(value(decided, "ans:statusSolicitacao"), "137")
        self.assertEqual(op.authorizations[number]["decided_on"], later)

    def test_a_document_that_never_comes(self):
        op = operadora()
        numero = self.ask_until(op, m.sp_sadt, "5")[0]
        late = TODAY + timedelta(30)
        answer = self.ask_status(op, numero, late)
        self.assertEqual(value(answer, "ans:statusSolicitacao"), "3")
        self.assertEqual(self.texts(answer, "ans:motivosNegativa/ans:codigoGlosa"), ["3230"])
        self.assertEqual(self.texts(answer, ".//ans:quantidadeAutorizada"), ["0", "0"])
        op.receive(m.document(nature="1", links={"numeroGuiaPrestador": numero}), late)
        self.assertEqual(value(self.ask_status(op, numero, late), "ans:statusSolicitacao"), "3")

    def test_only_what_was_asked_by_whom_asks(self):
        op = operadora()
        self.ask(op, m.sp_sadt("1"))
        cases = [
            ("unknown", m.status("2"), "5054"),
            ("another card", m.status("1", "99"), "1001"),
            ("another operadora", m.status("1", ans="000001"), "5027"),
        ]
        for name, xml, code in cases:
            with self.subTest(name):
                found = self.error(op, xml, "STATUS_AUTORIZACAO", "situacaoAutorizacao")
                self.assertEqual(found, code)
        root = etree.fromstring(op.receive(m.status("1", prestador=CNPJ), TODAY))
        self.assertEqual(value(root, ".//ans:mensagemErro/ans:codigoGlosa"), "5054")
