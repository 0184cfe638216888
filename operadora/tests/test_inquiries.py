"""Eligibility, the status of protocols, and the demonstrativos that somebody asks for."""

from datetime import date, timedelta
from decimal import Decimal

from lxml import etree

from . import messages as m
from . import questions as q
from .test_operadora import (
    ANS,
    TODAY,
    VERSIONS,
    OperadoraCase,
    body,
    consulta,
    message,
    odonto,
    operadora,
    sp_sadt,
    value,
)

LATER = TODAY + timedelta(30)


class InquiryCase(OperadoraCase):
    transaction = ""

    def ask(self, op, xml, on=TODAY, transaction=None):
        """The valid answer to a question."""
        answer = op.receive(xml, on)
        return self.check_answer(answer, op.version, transaction or self.transaction)

    def refusal(self, op, xml, on=TODAY):
        return value(self.ask(op, xml, on), ".//ans:mensagemErro/ans:codigoGlosa")


class TestEligibility(InquiryCase):
    transaction = "SITUACAO_ELEGIBILIDADE"

    def test_a_good_card_in_both_versions(self):
        for version in VERSIONS:
            with self.subTest(version):
                op = operadora(version, names={m.CARD: "MARIA SOUZA"}, eligibility={m.CARD: None})
                receipt = self.ask(op, q.eligibility(version=version)).find(
                    ".//ans:reciboElegibilidade", ANS
                )
                names = [etree.QName(each).localname for each in receipt]
                self.assertEqual(
                    names,
                    ["registroANS", "numeroCarteira", "codValidacao", "validadeCarteira",
                     "nomeBeneficiario", "tipoIdent", "respostaSolicitacao"],
                )  # fmt: skip
                self.assertEqual(value(receipt, "ans:nomeBeneficiario"), "MARIA SOUZA")
                self.assertEqual(value(receipt, "ans:respostaSolicitacao"), "S")

    def reason(self, op, xml):
        root = self.ask(op, xml)
        self.assertEqual(value(root, ".//ans:respostaSolicitacao"), "N")
        return value(root, ".//ans:motivoNegativa/ans:codigoGlosa")

    def test_a_card_that_was_told_to_be_refused_and_one_that_ran_out(self):
        op = operadora(eligibility={m.CARD: "1016", "55": None})
        self.assertEqual(self.reason(op, q.eligibility()), "1016")
        expired = q.eligibility("55", (TODAY - timedelta(1)).isoformat())
        self.assertEqual(self.reason(op, expired), "1017")
        today = self.ask(op, q.eligibility("55", TODAY.isoformat()))
        self.assertEqual(value(today, ".//ans:respostaSolicitacao"), "S")

    def test_of_other_cards_the_seed_decides_and_says_the_same_again(self):
        answers = [
            value(self.ask(operadora(), q.eligibility(str(card))), ".//ans:respostaSolicitacao")
            for card in [*range(200), *range(200)]
        ]
        self.assertEqual(answers[:200], answers[200:])
        self.assertTrue(1 <= answers[:200].count("N") <= 40)

    def test_a_question_for_another_operadora(self):
        self.assertEqual(self.refusal(operadora(), q.eligibility(destino="000001")), "5027")


class TestStatus(InquiryCase):
    transaction = "SITUACAO_PROTOCOLO"

    def status(self, op, number, on=TODAY, **options):
        root = self.ask(op, q.protocol_status(number, op.version, **options), on)
        return root.find(".//ans:situacaoProtocolo/*", ANS)

    def code(self, op, number, on=TODAY):
        return value(self.status(op, number, on), ".//ans:statusProtocolo")

    def test_from_its_reception_to_its_payment(self):
        """1 received, 2 in analysis, 3 approved (or 4), 6 paid (or 4)."""
        for version in VERSIONS:
            with self.subTest(version):
                op = operadora(version)
                guias = [consulta(str(number)) for number in range(20)]
                number = self.accept(op, message(body(*guias), version), version)
                next_day = TODAY + timedelta(1)
                self.assertEqual(self.code(op, number), "1")
                self.assertEqual(self.code(op, number, next_day), "2")
                op.analysis([number], issued_on=next_day)
                self.assertEqual(self.code(op, number, next_day), "3")
                op.payment([number], paid_on=next_day, issued_on=next_day)
                self.assertEqual(self.code(op, number, next_day), "6")

    def test_the_values_are_told_once_it_is_analysed(self):
        op = operadora()
        guias = [consulta(str(number)) for number in range(40)]
        number = self.accept(op, message(body(*guias)))
        names = ("valorProcessado", "valorGlosa", "valorLiberado")

        def values(node):
            return [Decimal(value(node, f"ans:{name}")) for name in names]

        lote = self.status(op, number).find(".//ans:valorTotalLote", ANS)
        self.assertEqual(values(lote), [0, 0, 0])
        op.analysis([number], issued_on=TODAY)
        answer, verdict = self.status(op, number), op.verdicts[number]
        lote = values(answer.find(".//ans:valorTotalLote", ANS))
        self.assertEqual(
            lote,
            [
                verdict["processado"],
                verdict["informado"] - verdict["liberado"],
                verdict["liberado"],
            ],
        )
        guias = [values(each) for each in answer.iterfind(".//ans:vlInformadoGuia", ANS)]
        self.assertEqual(len(guias), 40)
        self.assertEqual([sum(column) for column in zip(*guias, strict=True)], lote)

    def test_a_dental_lote_lists_dental_guias(self):
        op = operadora()
        number = self.accept(op, message(body(odonto())))
        answer = self.status(op, number)
        self.assertEqual(value(answer, ".//ans:guiasOdonto/ans:guias/ans:numeroCarteira"), m.CARD)

    def test_cancelled(self):
        op = operadora()
        number = self.accept(op, message(body(consulta())))
        op.receive(m.cancel_lote("1", number), TODAY)
        self.assertEqual(self.code(op, number), "9")

    def test_the_number_of_the_lote_only_where_the_operadora_finds_by_it(self):
        for finds in (False, True):
            with self.subTest(finds):
                op = operadora(status_by_lote=finds)
                self.accept(op, message(body(consulta(), lote="77")))
                answer = self.status(op, "77")
                found = value(answer, ".//ans:detalheLote/ans:numeroLote")
                self.assertEqual(found, "77" if finds else None)
                code = value(answer, "ans:lote/ans:mensagemErro/ans:codigoGlosa")
                self.assertEqual(code, None if finds else "3291")

    def test_a_protocol_of_somebody_else_is_not_found(self):
        op = operadora(status_by_lote=True)
        other = m.CONTRACTED.replace("12345", "777")
        number = self.accept(op, message(body(consulta()), prestador=other), prestador="777")
        for asked in (number, "1"):
            answer = self.status(op, asked)
            self.assertEqual(value(answer, ".//ans:mensagemErro/ans:codigoGlosa"), "3291")

    def test_annexes_have_a_protocol_of_their_own(self):
        for version in VERSIONS:
            with self.subTest(version):
                op = operadora(version, status_by_lote=True)
                op.receive(m.annexes(m.opme(), lote="5", version=version), TODAY)
                [record] = op.annexes.values()
                for number in (record["protocolo"], "5"):
                    answer = self.status(op, number)
                    self.assertTrue(answer.tag.endswith("situacaoProtocoloAnexo"))
                    detail = answer.find("ans:loteAnexo/ans:detalheLoteAnexo", ANS)
                    self.assertEqual(value(detail, "ans:numeroLote"), "5")
                    told = value(detail, ".//ans:statusSolicitacao")
                    self.assertEqual(told, record["status"])

    def test_a_situacao_inicial_is_only_kept(self):
        op = operadora()
        op.receive(m.annexes(m.initial(), lote="5"), TODAY)
        [record] = op.annexes.values()
        answer = self.status(op, record["protocolo"])
        code = value(answer, "ans:loteAnexo/ans:mensagemErro/ans:codigoGlosa")
        self.assertEqual(code, "3291")


class TestRetrieval(InquiryCase):
    transaction = "DEMONSTRATIVO_ANALISE_CONTA"

    def billed(self, lotes=2, **options):
        op = operadora(**options)
        return op, [
            self.accept(
                op,
                message(body(consulta(str(number)), lote=str(number)), op.version),
                op.version,
            )
            for number in range(1, lotes + 1)
        ]

    def test_the_analysis_that_is_asked_for_is_the_one_that_is_issued(self):
        for version in VERSIONS:
            with self.subTest(version):
                op, numbers = self.billed(version=version)
                root = self.ask(op, q.analysis(*numbers, version=version))
                told = root.findall(".//ans:dadosProtocolo/ans:numeroProtocolo", ANS)
                self.assertEqual([each.text for each in told], numbers)
                total = Decimal(value(root, ".//ans:valorLiberadoGeral"))
                self.assertEqual(total, sum(op.verdicts[each]["liberado"] for each in numbers))
                self.assertEqual(
                    value(
                        self.ask(op, m.cancel_lote("1", version=version),
                                 transaction="CANCELAMENTO_GUIA_RECIBO"),
                        ".//ans:statusCancelamento",
                    ),
                    "2", "what was analysed cannot be cancelled",
                )  # fmt: skip

    def test_it_takes_its_days(self):
        op, [number] = self.billed(1, analysis_days=3)
        root = self.ask(op, q.analysis(number), TODAY + timedelta(2))
        waiting = root.find(".//ans:situacaoDemonstrativoRetorno", ANS)
        self.assertEqual(value(waiting, "ans:situacaoDemonstrativo"), "2")
        self.assertEqual(value(waiting, "ans:numeroProtocolo"), number)
        root = self.ask(op, q.analysis(number), TODAY + timedelta(3))
        self.assertIsNotNone(root.find(".//ans:demonstrativoAnaliseConta", ANS))

    def test_protocols_that_are_not_there(self):
        op, [number] = self.billed(1)
        other = m.CONTRACTED.replace("12345", "777")
        self.assertEqual(self.refusal(op, q.analysis(number, "999")), "3291")
        xml = op.receive(q.analysis(number, prestador=other), TODAY)
        self.assertEqual(value(etree.fromstring(xml), ".//ans:codigoGlosa"), "3291")
        op.receive(m.cancel_lote("1", number), TODAY)
        self.assertEqual(self.refusal(op, q.analysis(number)), "3291")
        self.assertEqual(self.refusal(op, q.analysis(number, asked_on="2026-11-22")), "1323")

    def test_a_dental_lote_has_no_medical_analysis(self):
        op = operadora()
        number = self.accept(op, message(body(odonto())))
        self.assertEqual(self.refusal(op, q.analysis(number)), "5054")

    def test_payments_by_day_and_by_month(self):
        for version in VERSIONS:
            with self.subTest(version):
                op, numbers = self.billed(version=version)
                paid = op.payment(numbers, paid_on=LATER, issued_on=TODAY)
                first = etree.fromstring(paid).find(".//ans:demonstrativoPagamento", ANS)
                for period in ({"day": LATER.isoformat()}, {"month": "202612"}):
                    root = self.ask(
                        op, q.payment(**period, version=version), LATER, "DEMONSTRATIVO_PAGAMENTO"
                    )
                    again = root.find(".//ans:demonstrativoPagamento", ANS)
                    self.assertEqual(etree.tostring(again), etree.tostring(first))
                for period in ({"day": TODAY.isoformat()}, {"month": "202611"}):
                    xml = q.payment(**period, version=version)
                    self.assertEqual(self.refusal(op, xml), "5054")

    def test_each_payment_of_a_month_is_told_in_turn(self):
        op, numbers = self.billed(3)
        for number, day in zip(numbers, (3, 9, 12), strict=True):
            op.payment([number], paid_on=date(2026, 12, day), issued_on=TODAY)
        told = [
            value(
                self.ask(op, q.payment(month="202612"), LATER, "DEMONSTRATIVO_PAGAMENTO"),
                ".//ans:numeroProtocolo",
            )
            for _ in range(4)
        ]
        self.assertEqual(told, [*numbers, numbers[-1]])

    def test_an_operadora_that_pays_by_itself(self):
        op, numbers = self.billed(payment_days=10)
        due = TODAY + timedelta(10)
        early = q.payment(day=due.isoformat())
        self.assertEqual(self.refusal(op, early, due - timedelta(1)), "5054")
        root = self.ask(op, early, due, "DEMONSTRATIVO_PAGAMENTO")
        told = root.findall(".//ans:relacaoProtocolos/ans:numeroProtocolo", ANS)
        self.assertEqual([each.text for each in told], numbers)
        self.assertEqual(value(root, ".//ans:dataPagamento"), due.isoformat())
        with self.assertRaisesRegex(ValueError, "Already paid"):
            op.payment(numbers[:1], paid_on=due, issued_on=due)

    def test_dental_payments_have_a_kind_of_their_own(self):
        for version in VERSIONS:
            with self.subTest(version):
                op = operadora(version, payment_days=0, prestadores={"12345": "11222333000181"})
                self.accept(op, message(body(odonto()), version), version)
                self.accept(op, message(body(sp_sadt("2"), lote="2"), version), version)
                day = TODAY.isoformat()
                root = self.ask(
                    op,
                    q.payment(day, kind="3", version=version),
                    TODAY,
                    "DEMONSTRATIVO_ODONTOLOGIA",
                )
                self.assertEqual(value(root, ".//ans:cnpjPrestador"), "11222333000181")
                self.assertEqual(value(root, ".//ans:protocolos/ans:numeroLote"), "1")
                root = self.ask(
                    op, q.payment(day, version=version), TODAY, "DEMONSTRATIVO_PAGAMENTO"
                )
                self.assertEqual(value(root, ".//ans:relacaoProtocolos/ans:numeroLote"), "2")

    def test_medical_demonstrativos_leave_dental_lotes_out(self):
        op = operadora()
        self.accept(op, message(body(odonto())))
        medical = self.accept(op, message(body(consulta("2"), lote="2")))
        for xml in (
            op.analysis(issued_on=TODAY),
            op.payment(paid_on=TODAY, issued_on=TODAY),
        ):
            numbers = etree.fromstring(xml).findall(".//ans:numeroProtocolo", ANS)
            self.assertEqual([each.text for each in numbers], [medical])
