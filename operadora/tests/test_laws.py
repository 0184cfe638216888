"""What holds whatever is asked, in both versions."""

import re
from unittest import TestCase

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from .. import book, decisions, receipts
from ..official import load
from . import messages as m
from .test_authorizations import AuthorizationCase
from .test_operadora import ANS, TODAY, VERSIONS, operadora, value

DETERMINED = settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
codes = st.text("0123456789", min_size=1, max_size=10)
items = st.lists(st.tuples(codes, st.integers(1, 999)), min_size=1, max_size=5)
few_items = st.lists(st.tuples(codes, st.integers(1, 99)), min_size=1, max_size=5)
numbers = st.text("ABC0123456789", min_size=1, max_size=20)
cards = st.text("0123456789 ÇÃ", min_size=1, max_size=20)
days = st.integers(0, 99)


@st.composite
def bodies(draw):
    """A request of any kind, with annexes where it may have them."""
    kind = draw(st.sampled_from(["sp_sadt", "internacao", "prorrogacao", "odonto"]))
    numero, card = draw(numbers), draw(cards)
    if kind == "odonto":
        initial = m.initial("N1", numero, "odontoInicial", card=card) if draw(st.booleans()) else ""
        return m.odonto(numero, draw(few_items), card=card, initial=initial)
    annex = ""
    for build, name in (
        (m.quimio, "solicitacaoQuimioterapia"),
        (m.radio, "solicitacaoRadioterapia"),
    ):
        annex += build(name[11], numero, name, card=card) if draw(st.booleans()) else ""
    if draw(st.booleans()):
        quantity = str(draw(st.integers(1, 999)))
        annex += m.opme("O", numero, "solicitacaoOPME", card=card, quantity=quantity)
    options = {"items": draw(items), "card": card, "annex": annex}
    if kind == "sp_sadt":
        return m.sp_sadt(numero, urgent=draw(st.booleans()), **options)
    if kind == "internacao":
        return m.internacao(numero, days=str(draw(days)), opme="S", quimio="S", **options)
    options["items"] = draw(st.lists(st.tuples(codes, st.integers(1, 999)), max_size=3))
    return m.prorrogacao(numero, days=str(draw(st.integers(1, 4) | st.integers(1, 999))), **options)


messages = st.one_of(
    bodies().map(lambda body: ("SOLICITACAO", body)),
    numbers.map(lambda numero: ("STATUS", numero)),
    numbers.map(lambda numero: ("ANEXO", numero)),
    st.sampled_from(["I", "A"]).map(lambda event: ("COMUNICACAO", event)),
    numbers.map(lambda numero: ("DOCUMENTO", numero)),
)


def written(kind, content, version):
    return {
        "SOLICITACAO": lambda: m.request(content, version),
        "STATUS": lambda: m.status(content, version=version),
        "ANEXO": lambda: m.annexes(m.opme(content), lote=content[:12], version=version),
        "COMUNICACAO": lambda: m.notice(content, version=version),
        "DOCUMENTO": lambda: m.document(content, version=version),
    }[kind]()


def everything(op):
    return op.authorizations, op.annexes, op.notices, op.documents, op.verdicts


class TestCodes(TestCase):
    def test_every_reason_has_a_code_in_both_versions(self):
        """Each choice of Tabela 38 offers a code to 4.02.00, and all of its codes to 4.03.00."""
        choices = [
            (f"{module.__name__}.{name}", codes)
            for module in (book, decisions, receipts)
            for name, codes in vars(module).items()
            if isinstance(codes, tuple) and all(re.fullmatch("[0-9]{4}", str(x)) for x in codes)
        ]
        self.assertGreater(len(choices), 20)
        for name, codes in choices:
            with self.subTest(name):
                self.assertTrue(set(codes) & load("4.02.00").glosas.keys())
                self.assertLessEqual(set(codes), load("4.03.00").glosas.keys())


class TestLaws(AuthorizationCase):
    @DETERMINED
    @given(bodies(), st.sampled_from(VERSIONS), st.integers(0, 5))
    def test_never_more_than_asked(self, body, version, seed):
        """Every answer is valid, and each line gives between nothing and what was asked."""
        op = operadora(version, seed=seed)
        answer = self.ask(op, body)
        state = self.state(op)[1]
        later = self.ask_status(op, state["numero"], state["decided_on"], card=state["carteira"])
        self.assertEqual(value(later, ".//ans:statusSolicitacao"), state["status"])
        for found in (answer, later):
            for line in found.iterfind(".//ans:servicoAutorizado", ANS):
                asked, given_ = (
                    int(value(line, f"ans:quantidade{name}"))
                    for name in ("Solicitada", "Autorizada")
                )
                self.assertTrue(0 <= given_ <= asked)
                self.assertEqual(given_ < asked, value(line, ".//ans:codigoGlosa") is not None)
            senha = value(found, "ans:dadosAutorizacao/ans:senha") or value(
                found, "ans:autorizacaoDosServicos/ans:dadosAutorizacao/ans:senha"
            )
            status = value(found, ".//ans:statusSolicitacao")
            self.assertEqual(senha is not None, status in "17")
        self.check_units(body, state)
        self.check_lines(body, state)

    def check_units(self, body, state):
        """Everything, nothing, or something between, as the status says."""
        asked = sum(each["solicitada"] for each in state["itens"].values())
        asked += sum(int(x) for x in re.findall("qtDiarias[a-zA-Z]*>([0-9]+)<", body))
        units = sum(each["autorizada"] for each in state["itens"].values()) + state["diarias"]
        if state["status"] == "7":
            self.assertTrue(0 < units < asked, (units, asked))
        else:
            self.assertEqual(units, {"1": asked, "3": 0}[state["status"]])

    def check_lines(self, body, state):
        """The lines are those of the message, in its order: no more, no fewer, no other."""
        wrapped = etree.fromstring(f'<x xmlns:ans="{ANS["ans"]}">{body}</x>')
        asked = [
            int(node.text)
            for name in ("quantidadeSolicitada", "qtdProc")
            for node in wrapped.iterfind(f".//ans:{name}", ANS)
        ]
        found = [each["solicitada"] for each in state["itens"].values()]
        self.assertEqual(found, asked)

    @DETERMINED
    @given(st.lists(messages, max_size=6), st.sampled_from(VERSIONS), st.integers(0, 3))
    def test_same_seed_same_bytes(self, sent, version, seed):
        histories = []
        for _ in range(2):
            op = operadora(version, seed=seed)
            answers = [op.receive(written(*each, version), TODAY) for each in sent]
            histories.append((answers, everything(op)))
        self.assertEqual(*histories)

    @DETERMINED
    @given(messages, st.sampled_from(VERSIONS), st.sampled_from(["hash", "destino", "again"]))
    def test_nothing_is_registered_when_refused(self, sent, version, fault):
        op = operadora(version)
        xml = written(*sent, version)
        if fault == "again":
            op.receive(xml, TODAY)
        elif fault == "hash":
            xml = xml.replace(b"<ans:hash>", b"<ans:hash>0")
        else:
            xml = xml.replace(b">326305<", b">000001<")
        before = everything(op)
        root = etree.fromstring(op.receive(xml, TODAY))
        # A question and a notice may be repeated; all else is taken once.
        if root.find(".//ans:mensagemErro", ANS) is not None:
            self.assertEqual(everything(op), before)
        else:
            self.assertIn(sent[0], ("STATUS", "COMUNICACAO"))
            self.assertEqual(fault, "again")

    @DETERMINED
    @given(st.data(), st.sampled_from(VERSIONS))
    def test_no_bytes_at_all_break_it(self, data, version):
        """A byte changed anywhere, or a message cut anywhere, is answered by a valid message."""
        xml = bytearray(written(*data.draw(messages), version))
        place = data.draw(st.integers(0, len(xml) - 1))
        if data.draw(st.booleans()):
            xml[place] = data.draw(st.integers(0, 255))
        else:
            del xml[place:]
        op = operadora(version)
        root = etree.fromstring(op.receive(bytes(xml), TODAY))
        self.assertIsNone(op.schema.problem(root))
