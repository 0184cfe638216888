"""Recursos de glosa: what is taken, what is refused, and that the answers add up."""

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
    line,
    message,
    odonto,
    operadora,
    sp_sadt,
    value,
)

# With it one guia of the hundred is denied as a whole.
SEED_OF_A_WHOLE = 2
DENTAL = "guiaRecursoGlosaOdonto"


class AppealCase(OperadoraCase):
    def denied(self, version="4.03.00", dental=False, **options):
        """An operadora, the protocol of a lote of 100 guias, and what it denied of it."""
        op = operadora(version, **options)
        guias = [
            odonto(str(number), valor="90.00")
            if dental
            else sp_sadt(str(number), [line(1, "4", "20.00"), line(2, "1", "33.33")])
            for number in range(100)
        ]
        number = self.accept(op, message(body(*guias), version), version)
        found = [
            (guia, seq, code, str(amount))
            for guia, verdict in op.verdicts[number]["guias"].items()
            for seq, item in verdict["itens"].items()
            for code, amount in item["glosas"]
        ]
        self.assertGreater(len(found), 5)
        return op, number, found

    def whole(self, op, number):
        """A guia that was denied as a whole, its reason and its amount."""
        return next(
            (guia, verdict["motivos"][0], str(verdict["informado"]))
            for guia, verdict in op.verdicts[number]["guias"].items()
            if verdict["motivos"]
        )

    def take(self, op, xml, on=TODAY):
        """The protocol of a recurso, and its receipt."""
        root = self.check_answer(op.receive(xml, on), op.version, "RECEBIMENTO_RECURSO_GLOSA")
        receipt = root.find(".//ans:protocoloRecebimento", ANS)
        self.assertIsNotNone(receipt, value(root, ".//ans:descricaoGlosa"))
        return value(receipt, "ans:nrProtocoloRecursoGlosa"), receipt

    def refusal(self, op, xml, on=TODAY):
        root = self.check_answer(op.receive(xml, on), op.version, "RECEBIMENTO_RECURSO_GLOSA")
        return value(root, ".//ans:mensagemErro/ans:codigoGlosa")

    def answer(self, op, number, on=TODAY):
        xml = op.receive(q.appeal_status(number, version=op.version), on)
        root = self.check_answer(xml, op.version, "RESPOSTA_RECURSO_GLOSA")
        return root.find(".//ans:respostaRecursoGlosa/*", ANS)


class TestTaken(AppealCase):
    def test_items_are_judged_one_by_one_and_their_amounts_add_up(self):
        for version in VERSIONS:
            with self.subTest(version):
                op, number, found = self.denied(version)
                total = str(sum(Decimal(each[3]) for each in found))
                guias = [
                    q.of_guia(guia, q.item_appeal(seq, code, amount))
                    for guia, seq, code, amount in found
                ]
                taken, receipt = self.take(op, q.appeal(number, total, *guias, version=version))
                self.assertEqual(value(receipt, "ans:valorTotalRecursado"), total)
                self.assertEqual(
                    value(receipt, "ans:qtGuiasRecurso"), str(len({f[0] for f in found}))
                )
                self.check_items(op, taken, found, total)

    def check_items(self, op, taken, found, total):
        answer = self.answer(op, taken)
        rows = answer.findall(".//ans:respostaGuiaItens", ANS)
        self.assertEqual(
            [
                (
                    value(row, "ans:numeroGuiaPrestador"),
                    int(value(row, "ans:sequencialItem")),
                    value(row, "ans:codGlosa"),
                    value(row, "ans:valorRecursado"),
                )
                for row in rows
            ],
            found,
        )
        accepted = [Decimal(value(row, "ans:valorAcatadado")) for row in rows]
        for row, amount in zip(rows, accepted, strict=True):
            wanted = Decimal(value(row, "ans:valorRecursado"))
            self.assertTrue(0 <= amount <= wanted)
            told = value(row, "ans:justificativaOperadora")
            self.assertEqual(told is None, amount == wanted)
        self.assertEqual(value(answer, "ans:valorTotalRecursado"), total)
        self.assertEqual(Decimal(value(answer, "ans:valorTotalAcatado")), sum(accepted))
        decided = op.appeals[taken]
        self.assertEqual([each["acatado"] for each in decided["claims"]], accepted)
        self.assertEqual(decided["acatado"], sum(accepted))
        kinds = {(a > 0) + (a == Decimal(f[3])) for a, f in zip(accepted, found, strict=True)}
        self.assertEqual(kinds, {0, 1, 2}, "kept, in part and accepted all occur")

    def test_the_same_history_gives_the_same_answer(self):
        answers = []
        for _ in range(2):
            op, number, [(guia, seq, code, amount), *_rest] = self.denied()
            item = q.of_guia(guia, q.item_appeal(seq, code, amount))
            taken, _receipt = self.take(op, q.appeal(number, amount, item))
            answers.append(op.receive(q.appeal_status(taken), TODAY))
        self.assertEqual(*answers)

    def test_a_whole_guia_contested_for_two_reasons_is_paid_once(self):
        for version in VERSIONS:
            op, number, _found = self.denied(version, seed=SEED_OF_A_WHOLE)
            guia, code, amount = self.whole(op, number)
            both = q.of_guia(guia, q.guia_appeal(code), q.guia_appeal("1705"))
            taken, receipt = self.take(op, q.appeal(number, amount, both, version=version))
            self.assertEqual(len(receipt.findall(".//ans:recursoGuia", ANS)), 2)
            answer = self.answer(op, taken)
            words = {row.text for row in answer.iterfind(".//ans:recursoGuiaAcatado", ANS)}
            self.assertEqual(len(words), 1)
            accepted = Decimal(value(answer, "ans:valorTotalAcatado"))
            self.assertEqual(accepted, Decimal(amount) if words == {"S"} else 0)

    def test_a_whole_protocol(self):
        for version in VERSIONS:
            op, number, _found = self.denied(version)
            verdict = op.verdicts[number]
            glosa = str(verdict["informado"] - verdict["liberado"])
            xml = q.appeal(number, glosa, q.of_protocol("1705"), of="1", version=version)
            taken, receipt = self.take(op, xml)
            self.assertEqual(value(receipt, ".//ans:codigoGlosaProtocolo"), "1705")
            answer = self.answer(op, taken)
            accepted = value(answer, ".//ans:recursoAcatado")
            self.assertEqual(
                value(answer, "ans:valorTotalAcatado"), glosa if accepted == "S" else "0.00"
            )

    def test_dental_items_and_guias(self):
        for version in VERSIONS:
            op, number, found = self.denied(version, dental=True)
            (guia, seq, code, amount), (other, _seq, other_code, other_amount) = found[:2]
            xml = q.appeal(
                number,
                str(Decimal(amount) + Decimal(other_amount)),
                q.of_dental_guia(guia, code, (seq, code, amount)),
                q.of_dental_guia(other, other_code),
                form=DENTAL,
                version=version,
            )
            taken, receipt = self.take(op, xml)
            self.assertEqual(value(receipt, ".//ans:itensGuia/ans:dataInicio"), "2026-11-20")
            answer = self.answer(op, taken)
            self.assertTrue(answer.tag.endswith("reciboGlosaOdonto"))
            item = answer.find(".//ans:recursoProcedimento", ANS)
            self.assertEqual(value(item, "ans:valorRecursado"), amount)
            claims = op.appeals[taken]["claims"]
            self.assertEqual(Decimal(value(item, "ans:valorAcatado")), claims[0]["acatado"])
            said = value(answer, ".//ans:recursoAcatadoGuia")
            self.assertEqual(said, "S" if claims[1]["acatado"] else "N")
            self.assertEqual(
                Decimal(value(answer, "ans:valorTotalAcatado")),
                claims[0]["acatado"] + claims[1]["acatado"],
            )

    def test_until_it_is_judged_there_is_a_status(self):
        op, number, [(guia, seq, code, amount), *_rest] = self.denied(appeal_days=5)
        item = q.of_guia(guia, q.item_appeal(seq, code, amount))
        taken, _receipt = self.take(op, q.appeal(number, amount, item))
        answer = self.answer(op, taken, TODAY + timedelta(4))
        self.assertTrue(answer.tag.endswith("reciboGlosaStatus"))
        self.assertEqual(value(answer, "ans:situacaoProtocolo"), "2")
        answer = self.answer(op, taken, TODAY + timedelta(5))
        self.assertTrue(answer.tag.endswith("reciboGlosa"))


class TestRefused(AppealCase):
    def test_each_reason(self):
        op, number, [(guia, seq, code, amount), *_rest] = self.denied()
        self.accept(op, message(body(sp_sadt("900"), lote="2")))
        more = str(Decimal(amount) + Decimal("0.01"))
        good = q.of_guia(guia, q.item_appeal(seq, code, amount))
        cases = {
            "unknown protocol": (q.appeal("999", amount, good), "3291"),
            "another lote": (q.appeal(number, amount, good, lote="2"), "3259"),
            "another guia": (
                q.appeal(number, amount, q.of_guia("900", q.item_appeal(seq, code, amount))),
                "3242",
            ),
            "no such item": (
                q.appeal(number, amount, q.of_guia(guia, q.item_appeal(77, code, amount))),
                "2908",
            ),
            "another reason": (
                q.appeal(number, amount, q.of_guia(guia, q.item_appeal(seq, "1401", amount))),
                "2908",
            ),
            "more than denied": (
                q.appeal(number, more, q.of_guia(guia, q.item_appeal(seq, code, more))),
                "2908",
            ),
            "no justification": (q.appeal(number, amount, good.replace(q.WHY, " ")), "2903"),
            "total": (q.appeal(number, more, good), "5050"),
            "the same twice": (q.appeal(number, str(Decimal(amount) * 2), good, good), "2904"),
            "objeto": (q.appeal(number, amount, good, of="1"), "2908"),
            "lote in letters": (q.appeal(number, amount, good, lote="A1"), "3111"),
            "of tomorrow": (q.appeal(number, amount, good, date="2026-11-22"), "1323"),
            "another operadora": (q.appeal(number, amount, good, ans="000001"), "5027"),
            "dental form": (
                q.appeal(number, amount, q.of_dental_guia(guia, code), form=DENTAL),
                "2908",
            ),
        }
        for reason, (xml, expected) in cases.items():
            with self.subTest(reason):
                self.assertEqual(self.refusal(op, xml), expected)
        self.assertEqual(op.appeals, {})

    def test_too_late(self):
        """Thirty days after 21/11 is 21/12."""
        op, number, [(guia, seq, code, amount), *_rest] = self.denied(appeal_limit=30)
        xml = q.appeal(number, amount, q.of_guia(guia, q.item_appeal(seq, code, amount)))
        self.assertEqual(self.refusal(op, xml, date(2026, 12, 22)), "2909")
        taken, _receipt = self.take(op, xml, date(2026, 12, 21))
        self.assertEqual(list(op.appeals), [taken])

    def test_a_number_or_a_claim_comes_once(self):
        op, number, found = self.denied()
        (guia, seq, code, amount), (other, other_seq, other_code, other_amount) = found[:2]
        first = q.of_guia(guia, q.item_appeal(seq, code, amount))
        second = q.of_guia(other, q.item_appeal(other_seq, other_code, other_amount))
        self.take(op, q.appeal(number, amount, first))
        self.assertEqual(self.refusal(op, q.appeal(number, other_amount, second)), "5053")
        again = q.appeal(number, amount, first, numero="R2")
        self.assertEqual(self.refusal(op, again), "2904")
        self.take(op, q.appeal(number, other_amount, second, numero="R2"))

    def test_a_second_instance_after_the_answer_and_no_third(self):
        """What the first kept, and no more, is judged anew; then it is over."""
        op, number, found = self.denied()
        kept = None
        for place, (guia, seq, code, amount) in enumerate(found):
            item = q.of_guia(guia, q.item_appeal(seq, code, amount))
            taken, _receipt = self.take(op, q.appeal(number, amount, item, numero=f"R{place}"))
            answer = self.answer(op, taken)
            rest = Decimal(amount) - Decimal(value(answer, "ans:valorTotalAcatado"))
            if 0 < rest < Decimal(amount):
                kept = str(rest)
                break
        self.assertTrue(kept, "none was granted in part")
        more = str(rest + Decimal("0.01"))
        xml = q.appeal(number, more, q.of_guia(guia, q.item_appeal(seq, code, more)), numero="S1")
        self.assertEqual(self.refusal(op, xml), "2908")
        item = q.of_guia(guia, q.item_appeal(seq, code, kept))
        taken, _receipt = self.take(op, q.appeal(number, kept, item, numero="S2"))
        self.assertEqual(
            self.refusal(op, q.appeal(number, kept, item, numero="S3")), "2904", "not answered"
        )
        self.answer(op, taken)
        self.assertEqual(
            self.refusal(op, q.appeal(number, kept, item, numero="S4")), "2904", "no third"
        )

    def test_the_lote_may_have_a_number_of_its_own(self):
        op, number, [(guia, seq, code, amount), *_rest] = self.denied()
        item = q.of_guia(guia, q.item_appeal(seq, code, amount))
        _taken, receipt = self.take(op, q.appeal(number, amount, item, lote="880"))
        self.assertEqual(value(receipt, "ans:numeroLote"), "880")
        self.assertEqual(value(receipt, "ans:nrProtocoloRecursado"), number)

    def test_the_status_of_what_is_not_there_or_of_somebody_else(self):
        op, number, [(guia, seq, code, amount), *_rest] = self.denied()
        item = q.of_guia(guia, q.item_appeal(seq, code, amount))
        taken, _receipt = self.take(op, q.appeal(number, amount, item))
        self.assertEqual(value(self.answer(op, "999"), "ans:codigoGlosa"), "3291")
        other = m.CONTRACTED.replace("12345", "777")
        xml = op.receive(q.appeal_status(taken, prestador=other), TODAY)
        self.assertEqual(value(etree.fromstring(xml), ".//ans:codigoGlosa"), "3291")


class TestPaid(AppealCase):
    """What recursos recovered is paid with tipoPagamento 2, once."""

    def pay(self, op, *numbers):
        xml = op.appeal_payment(numbers or None, paid_on=TODAY, issued_on=TODAY)
        return self.check_answer(xml, op.version, "DEMONSTRATIVO_PAGAMENTO")

    def test_items(self):
        for version in VERSIONS:
            op, number, found = self.denied(version)
            total = str(sum(Decimal(each[3]) for each in found))
            guias = [
                q.of_guia(guia, q.item_appeal(seq, code, amount))
                for guia, seq, code, amount in found
            ]
            taken, _receipt = self.take(op, q.appeal(number, total, *guias, version=version))
            root = self.pay(op, taken)
            granted = {}
            for claim in op.appeals[taken]["claims"]:
                granted[claim["guia"]] = granted.get(claim["guia"], 0) + claim["acatado"]
            rows = root.findall(".//ans:guiasDoLote", ANS)
            self.assertEqual({value(row, "ans:tipoPagamento") for row in rows}, {"2"})
            self.assertEqual(
                {
                    value(row, "ans:numeroGuiaPrestador"): Decimal(
                        value(row, "ans:valorLiberadoGuia")
                    )
                    for row in rows
                },
                {guia: amount for guia, amount in granted.items() if amount},
            )
            self.assertEqual(value(root, ".//ans:relacaoProtocolos/ans:numeroProtocolo"), number)
            gross = Decimal(value(root, ".//ans:valorLiberadoBruto"))
            self.assertEqual(gross, op.appeals[taken]["acatado"])
            with self.assertRaises(ValueError):
                self.pay(op, taken)

    def test_a_whole_guia_is_paid_once_for_two_reasons(self):
        op, number, _found = self.denied(seed=SEED_OF_A_WHOLE)
        guia, code, amount = self.whole(op, number)
        both = q.of_guia(guia, q.guia_appeal(code), q.guia_appeal("1705"))
        taken, _receipt = self.take(op, q.appeal(number, amount, both))
        granted = op.appeals[taken]["acatado"]
        if not granted:
            with self.assertRaises(ValueError):
                self.pay(op, taken)
            return
        self.assertEqual(Decimal(value(self.pay(op), ".//ans:valorLiberadoGuia")), granted)

    def test_what_was_recovered_of_a_dental_guia(self):
        """By items and as a whole, each item with its amount; every sum ties."""
        for version in VERSIONS:
            op, number, found = self.denied(version, dental=True)
            guias = [q.of_dental_guia(guia, code, (seq, code, amount))
                     for guia, seq, code, amount in found[:-1]]  # fmt: skip
            guia, _seq, code, _amount = found[-1]
            guias.append(q.of_dental_guia(guia, code))
            total = str(sum(Decimal(each[3]) for each in found))
            xml = q.appeal(number, total, *guias, form=DENTAL, version=version)
            taken, _receipt = self.take(op, xml)
            granted = {
                claim["guia"]: claim["acatado"]
                for claim in op.appeals[taken]["claims"]
                if claim["acatado"]
            }
            self.assertTrue(granted)
            with self.assertRaises(ValueError):
                op.appeal_payment([taken], paid_on=TODAY, issued_on=TODAY)
            xml = op.dental_appeal_payment(paid_on=TODAY, issued_on=TODAY, cnpj="11444777000161")
            root = self.check_answer(xml, version, "DEMONSTRATIVO_ODONTOLOGIA")
            rows = root.findall(".//ans:dadosPagamentoGuia", ANS)
            self.assertEqual({value(row, "ans:recurso") for row in rows}, {"S"})
            paid = {}
            for row in rows:
                items = row.findall("ans:dadosPagamento/ans:valorLiberado", ANS)
                released = Decimal(value(row, "ans:valorTotalLiberadoGuia"))
                self.assertEqual(sum(Decimal(item.text) for item in items), released)
                paid[value(row, "ans:numeroGuiaPrestador")] = released
            self.assertEqual(paid, granted)
            gross = Decimal(value(root, ".//ans:valorLiberadoPorDemonstrativo"))
            self.assertEqual(gross, op.appeals[taken]["acatado"])
            with self.assertRaises(ValueError):
                op.dental_appeal_payment(paid_on=TODAY, issued_on=TODAY, cnpj="11444777000161")

    def test_not_before_it_was_answered(self):
        op, number, [(guia, seq, code, amount), *_rest] = self.denied(appeal_days=10)
        item = q.of_guia(guia, q.item_appeal(seq, code, amount))
        self.take(op, q.appeal(number, amount, item))
        with self.assertRaises(ValueError):
            self.pay(op)
