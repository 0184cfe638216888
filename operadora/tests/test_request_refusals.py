"""Requests that are not taken, and what an earlier message makes impossible."""

from datetime import timedelta

from lxml import etree

from . import messages as m
from .test_authorizations import AuthorizationCase
from .test_operadora import CNPJ, TODAY, operadora, tag, value


class TestRefusals(AuthorizationCase):
    def refuse(self, body, code, **options):
        op = operadora()
        xml = m.request(body, **options)
        self.assertEqual(self.error(op, xml, self.transaction(body)), code)
        self.assertEqual(op.authorizations, {})

    def test_each_reason(self):
        tomorrow = (TODAY + timedelta(days=1)).isoformat()
        good = m.sp_sadt()
        cases = [
            ("schema", m.sp_sadt("1" * 21), {}, "5001"),
            ("two kinds", good + m.odonto(), {}, "5001"),
            ("transaction", good, {"digest": "0" * 32}, "5014"),
            ("destino", good, {"destino": "000001"}, "5027"),
            ("registered tomorrow", good, {"registro": tomorrow}, "5025"),
            ("request of another operadora", m.sp_sadt(ans="000001"), {}, "5027"),
            ("asked tomorrow", m.sp_sadt(date=tomorrow), {}, "1323"),
            ("nothing asked", m.sp_sadt(items=[("1", 0)]), {}, "1806"),
            ("less than nothing", m.internacao(items=[("1", -1)]), {}, "1806"),
            ("negative days", m.internacao(days="-1"), {}, "1806"),
            ("empty extension", m.prorrogacao(days=""), {}, "3111"),
            ("total", m.odonto(total="99.99"), {}, "5042"),
        ]
        for name, body, options, code in cases:
            with self.subTest(name):
                self.refuse(body, code, **options)

    def test_the_transaction_must_agree_with_the_body(self):
        body = m.wrap("solicitacaoProcedimento", m.sp_sadt())
        op = operadora()
        self.assertEqual(self.error(op, m.send("ENVIO_LOTE_GUIAS", body)), "3148")
        self.assertEqual(op.authorizations, {})

    def test_annexes_belong_to_their_request(self):
        quimio, name = m.quimio, "solicitacaoQuimioterapia"
        cases = [
            ("another guia", quimio("A", "2", name), "3306"),
            ("another card", quimio("A", "1", name, card="99"), "1001"),
            ("no dose", quimio("A", "1", name, doses="0"), "1806"),
            ("cycle after the last", quimio("A", "1", name, cycle="5"), "3111"),
            ("no field", m.radio("A", "1", "solicitacaoRadioterapia", fields="0"), "1806"),
            ("no material", m.opme("A", "1", "solicitacaoOPME", quantity="0"), "1806"),
            ("price", m.opme("A", "1", "solicitacaoOPME", price="-0.01"), "5050"),
            (
                "same number",
                quimio("A", "1", name) + m.radio("A", "1", "solicitacaoRadioterapia"),
                "1308",
            ),
        ]
        for each, annex, code in cases:
            with self.subTest(each):
                self.refuse(m.sp_sadt("1", annex=annex), code)
        initial = m.initial("A", "1", "odontoInicial", card="99")
        self.refuse(m.odonto("1", initial=initial), "1001")

    def test_the_indicators_of_an_internacao(self):
        """An annex that is there cannot be denied; one that is announced may come later."""
        annex = m.opme("A", "1", "solicitacaoOPME")
        self.refuse(m.internacao("1", annex=annex), "3111")
        self.ask(operadora(), m.internacao("1", annex=annex, opme="S"))
        self.ask(operadora(), m.internacao("1", opme="S", quimio="S"))

    def test_a_number_is_taken_once(self):
        op = operadora()
        first = self.ask(op, m.sp_sadt("1", annex=m.opme("A", "1", "solicitacaoOPME")))
        self.assertEqual(self.error(op, m.request(m.internacao("1"))), "1308")
        again = m.sp_sadt("2", annex=m.opme("A", "2", "solicitacaoOPME"))
        self.assertEqual(self.error(op, m.request(again)), "1308")
        self.assertEqual(len(op.authorizations), 1)
        self.assertEqual(etree.tostring(self.ask_status(op, "1", TODAY)), etree.tostring(first))
        # Another prestador has its own numbers.
        op.receive(m.request(m.sp_sadt("1"), prestador=CNPJ), TODAY)
        self.assertEqual(len(op.authorizations), 2)

    def test_an_extension_of_the_stay_of_another(self):
        op = operadora()
        self.ask(op, m.internacao("1"))
        self.assertEqual(self.error(op, m.request(m.prorrogacao("2", "1", card="99"))), "1001")
        self.ask(op, m.prorrogacao("2", "1"))
        self.ask(op, m.prorrogacao("3", "UNKNOWN", card="99"))

    def test_an_extension_after_the_discharge(self):
        op = operadora()
        for xml in (m.notice("I", "2026-11-10"), m.notice("A", "2026-11-15")):
            op.receive(xml, TODAY)
        answer = self.ask(op, m.prorrogacao("2", "1", date="2026-11-16"))
        self.assertEqual(self.texts(answer, ".//ans:motivosNegativa/ans:codigoGlosa"), ["3248"])
        answers = [self.ask(op, m.prorrogacao(f"P{n}", date="2026-11-15")) for n in range(20)]
        self.assertIn("1", [value(x, ".//ans:statusSolicitacao") for x in answers])

    def test_a_type_cannot_be_replaced_by_a_derived_one(self):
        extra = '<ans:procedimento xsi:type="ans:ct_procedimentoDados" xmlns:xsi="{}">'.format(
            "http://www.w3.org/2001/XMLSchema-instance"
        )
        body = m.sp_sadt().replace("<ans:procedimento>", extra)
        self.refuse(body, "5001")

    def test_what_cannot_be_read(self):
        """A message that is not whole is answered as any other: the body cannot be known."""
        op = operadora()
        xml = m.request(m.sp_sadt())[:-30]
        root = self.check_answer(
            op.receive(xml, TODAY), "4.03.00", "PROTOCOLO_RECEBIMENTO", "DESCONHECIDO"
        )
        self.assertEqual(value(root, ".//ans:codigoGlosa"), "5002")

    def test_a_refusal_quotes_no_clinical_value(self):
        body = m.internacao(cid=tag("diagnosticoCID", "SECRET"))
        answer = operadora().receive(m.request(body), TODAY)
        self.assertNotIn(b"SECRET", answer)
        self.assertIn(b"diagnosticoCID", answer)
