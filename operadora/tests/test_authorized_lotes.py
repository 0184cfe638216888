"""What the authorisations given say of the guias billed on them (guide §5.6, rules 55 to 62)."""

from datetime import timedelta
from decimal import Decimal

from . import messages as m
from .test_authorizations import AuthorizationCase
from .test_operadora import (
    TODAY,
    VERSIONS,
    body,
    honorarios,
    internacao,
    line,
    message,
    odonto,
    operadora,
    sp_sadt,
    tag,
)

# What test_operadora's lines bill, at 20.00 each unless told otherwise.
CODE = "40304361"
WEEK = timedelta(7)


class LoteCase(AuthorizationCase):
    def granted(self, op, build, wanted="1", **options):
        """Number and state of a request decided today."""
        self.ask_until(op, build, wanted, **options)
        return self.state(op)

    def on_senha(self, guia, senha, number="UNKNOWN", card=None):
        """The guia with another senha, another number of the operadora, perhaps another card."""
        changes = [
            ("senha", f"S{self.number}", senha), ("senha", "S9", senha),
            ("senhaAutorizacao", "S8", senha),
            ("numeroGuiaOperadora", f"OP{self.number}", number),
        ]  # fmt: skip
        if card:
            changes.append(("numeroCarteira", m.CARD, card))
        for name, old, new in changes:
            replaced = tag(name, new) if new else ""
            guia = guia.replace(tag(name, old), replaced)
        return guia.replace(
            tag("dataAutorizacao", "2026-11-19"), tag("dataAutorizacao", "2026-11-20")
        )

    def bill(self, op, guia, on=TODAY + WEEK, numero=None):
        """The verdict on the guia, alone in a lote of its own number."""
        lote = body(guia, lote=numero or self.number)
        protocol = self.accept(
            op, message(lote, op.version, registro=on.isoformat()), op.version, on=on
        )
        return op.verdicts[protocol]["guias"][self.number]

    number = "500"

    def sadt(self, senha, *lines, **options):
        return self.on_senha(sp_sadt(self.number, list(lines)), senha, **options)

    def on_day(self, day=TODAY, quantity="1", seq=1, **options):
        return line(seq, quantity, dia=day.isoformat(), **options)

    def glosas(self, verdict, sequence=1):
        return verdict["itens"][sequence]["glosas"]

    def each_version(self):
        return map(operadora, VERSIONS)


class TestWholeGuia(LoteCase):
    def check(self, op, guia, code):
        verdict = self.bill(op, guia)
        self.assertEqual(verdict["motivos"], [code])
        self.assertEqual(verdict["liberado"], 0)

    def test_senha_of_another_card(self):
        for op in self.each_version():
            state = self.granted(op, m.sp_sadt, card="99")[1]
            code = "3306" if op.version == "4.03.00" else "1001"
            self.check(op, self.sadt(state["senha"], self.on_day()), code)

    def test_cancelled(self):
        for op in self.each_version():
            state = self.granted(op, m.sp_sadt)[1]
            op.receive(m.cancel_guias(("1", state["numero"]), version=op.version), TODAY)
            self.check(op, self.sadt(state["senha"], self.on_day()), "1437")

    def test_number_of_a_request_that_was_denied(self):
        for op in self.each_version():
            number = self.granted(op, m.sp_sadt, "3")[0]
            self.check(op, self.sadt(None, self.on_day(), number=number), "1818")

    def test_number_with_a_senha_that_is_not_its_own(self):
        for op in self.each_version():
            number = self.granted(op, m.sp_sadt)[0]
            code = "3306" if op.version == "4.03.00" else "1307"
            self.check(op, self.sadt("WRONG", self.on_day(), number=number), code)

    def test_before_it_was_decided(self):
        op = operadora()
        number, state = self.granted(op, m.sp_sadt, "2")
        self.assertGreater(state["decided_on"], TODAY)
        verdict = self.bill(op, self.sadt(None, self.on_day(), number=number), on=TODAY)
        self.assertEqual(verdict["motivos"], ["1818"])

    def test_a_senha_of_elsewhere_is_accepted_as_ever(self):
        """Chance alone decides, as for an operadora that never authorised anything."""
        guia = self.sadt("FOREIGN", self.on_day(quantity="9"))
        other = operadora()
        self.granted(other, m.sp_sadt)
        self.assertEqual(self.bill(other, guia), self.bill(operadora(), guia))


class TestItems(LoteCase):
    def test_expired(self):
        for op in self.each_version():
            state = self.granted(op, m.sp_sadt, items=[(CODE, 2)])[1]
            last = state["valid_until"]
            guia = self.sadt(
                state["senha"], self.on_day(last), self.on_day(last + timedelta(1), seq=2)
            )
            verdict = self.bill(op, guia, on=last + WEEK)
            self.assertEqual(self.glosas(verdict, 2), [("1414", Decimal("20.00"))])
            self.assertNotIn("1414", [code for code, _ in self.glosas(verdict)])

    def test_done_before_the_authorisation(self):
        for op in self.each_version():
            state = self.granted(op, m.sp_sadt, items=[(CODE, 9)])[1]
            guia = self.sadt(state["senha"], self.on_day(TODAY - timedelta(1)))
            self.assertEqual(self.glosas(self.bill(op, guia)), [("1814", Decimal("20.00"))])

    def test_an_emergency_is_authorised_afterwards(self):
        op = operadora()
        state = self.granted(op, m.sp_sadt, items=[(CODE, 9)], urgent=True)[1]
        guia = self.sadt(state["senha"], self.on_day(TODAY - timedelta(1)))
        urgent = guia.replace(tag("caraterAtendimento", "1"), tag("caraterAtendimento", "2"))
        codes = [code for code, _ in self.glosas(self.bill(op, urgent))]
        self.assertNotIn("1814", codes)

    def test_another_code(self):
        for op in self.each_version():
            state = self.granted(op, m.sp_sadt, items=[("10101012", 1)])[1]
            guia = self.sadt(
                state["senha"], self.on_day(), self.on_day(seq=2, tipo="07", unit="5.00")
            )
            verdict = self.bill(op, guia)
            self.assertEqual(self.glosas(verdict), [("2505", Decimal("20.00"))])
            # Expenses go with what was authorised.
            self.assertNotIn("2505", [code for code, _ in self.glosas(verdict, 2)])

    def test_more_than_authorised(self):
        """Three of five: 100.00 billed, the two in excess are 40.00."""
        for op in self.each_version():
            state = self.granted(op, m.sp_sadt, items=[(CODE, 3)])[1]
            verdict = self.bill(op, self.sadt(state["senha"], self.on_day(quantity="5")))
            code = "3292" if op.version == "4.03.00" else "2506"
            self.assertEqual(self.glosas(verdict), [(code, Decimal("40.00"))])
            self.assertEqual(verdict["liberado"], Decimal("60.00"))

    def test_what_costs_nothing_has_no_glosa(self):
        op = operadora()
        state = self.granted(op, m.sp_sadt, items=[(CODE, 1)])[1]
        verdict = self.bill(op, self.sadt(state["senha"], self.on_day(quantity="5", unit="0.00")))
        self.assertEqual((verdict["motivos"], self.glosas(verdict)), ([], []))

    def test_less_than_asked_is_all_there_is(self):
        op = operadora()
        state = self.granted(op, m.sp_sadt, "7", items=[(CODE, 9)])[1]
        given = state["itens"][1]["autorizada"]
        self.assertTrue(0 < given < 9)
        verdict = self.bill(op, self.sadt(state["senha"], self.on_day(quantity="9")))
        self.assertEqual(self.glosas(verdict), [("3292", Decimal(20 * (9 - given)))])

    def test_what_was_used_is_used(self):
        """4 authorised: 3 in one lote, 1 in the first line of the next, none for its second."""
        op = operadora()
        state = self.granted(op, m.sp_sadt, items=[(CODE, 4)])[1]
        self.number = "501"
        first = self.bill(op, self.sadt(state["senha"], self.on_day(quantity="3")))
        self.assertNotIn("3292", [code for code, _ in self.glosas(first)])
        self.number = "502"
        lines = [self.on_day(quantity="2"), self.on_day(quantity="1", seq=2)]
        verdict = self.bill(op, self.sadt(state["senha"], *lines))
        self.assertEqual(self.glosas(verdict), [("3292", Decimal("20.00"))])
        self.assertEqual(self.glosas(verdict, 2), [("3292", Decimal("20.00"))])
        self.assertEqual(verdict["itens"][2]["liberado"], 0)
        # A used request stays; a cancelled guia gives its units back.
        op.receive(m.cancel_guias(("1", state["numero"])), TODAY)
        self.assertEqual(self.state(op)[1]["status"], "1")
        op.receive(m.cancel_lote("501"), TODAY + WEEK)
        self.number = "503"
        verdict = self.bill(op, self.sadt(state["senha"], self.on_day(quantity="3")))
        self.assertNotIn("3292", [code for code, _ in self.glosas(verdict)])

    def test_guias_of_one_lote_share_what_is_left(self):
        op = operadora()
        state = self.granted(op, m.sp_sadt, items=[(CODE, 3)])[1]
        guias = []
        for self.number in ("601", "602"):
            guias.append(self.sadt(state["senha"], self.on_day(quantity="2")))
        on = TODAY + WEEK
        protocol = self.accept(op, message(body(*guias), registro=on.isoformat()), on=on)
        verdicts = op.verdicts[protocol]["guias"]
        self.assertEqual(self.glosas(verdicts["602"]), [("3292", Decimal("20.00"))])

    def test_a_refused_lote_uses_nothing(self):
        op = operadora()
        state = self.granted(op, m.sp_sadt, items=[(CODE, 3)])[1]
        guia = self.sadt(state["senha"], self.on_day(quantity="3"))
        on = TODAY + WEEK
        op.receive(message(body(guia), digest="0" * 32), on)
        self.assertNotIn("3292", [code for code, _ in self.glosas(self.bill(op, guia))])

    def test_materials_of_an_annex_that_came_later(self):
        """One unit more than the annexes gave, at 20.00, is in excess."""
        op = operadora()
        state = self.granted(op, m.sp_sadt, items=[(CODE, 1)])[1]
        for number in range(1, 100):
            op.receive(m.annexes(m.opme(f"A{number}", state["numero"]), lote=str(number)), TODAY)
            annex = list(op.annexes.values())[-1]
            if annex["status"] == "1":
                break
        given = sum(each["itens"][1]["autorizada"] for each in op.annexes.values())
        self.assertGreaterEqual(given, 3)
        material = self.on_day(quantity=str(given + 1), tipo="08")
        guia = self.sadt(state["senha"], material).replace("60000001", "70012345")
        self.assertEqual(self.glosas(self.bill(op, guia)), [("3292", Decimal("20.00"))])

    def test_odonto(self):
        op = operadora()
        state = self.granted(op, m.odonto, items=[("81000030", 1)])[1]
        guia = self.on_senha(odonto(self.number, qtd="2", dia=TODAY.isoformat()), state["senha"])
        # 40.00 are claimed for two: 20.00 is one too many.
        self.assertEqual(self.glosas(self.bill(op, guia)), [("3292", Decimal("20.00"))])


class TestStays(LoteCase):
    def stay(self, senha, *lines):
        guia = internacao(self.number, list(lines)).replace(
            tag("dataFinalFaturamento", "2026-11-20"), tag("dataFinalFaturamento", "2026-11-28")
        )
        return self.on_senha(guia, senha)

    def days(self, quantity, seq=1):
        return self.on_day(quantity=quantity, seq=seq, tipo="05", unit="100.00")

    def setUp(self):
        self.op = operadora()
        self.state_of_stay = self.granted(self.op, m.internacao, days="2", items=[(CODE, 1)])[1]

    def test_days_beyond_the_authorised(self):
        guia = self.stay(self.state_of_stay["senha"], self.days("5"), self.on_day(seq=2))
        verdict = self.bill(self.op, guia)
        self.assertEqual(self.glosas(verdict), [("1917", Decimal("300.00"))])
        self.assertNotIn("3292", [code for code, _ in self.glosas(verdict, 2)])

    def test_an_extension_gives_more_days(self):
        numero = self.state_of_stay["numero"]
        self.ask_until(self.op, lambda n: m.prorrogacao(f"P{n}", numero, days="2"), "1")
        granted = self.state_of_stay["diarias"] + sum(
            each["diarias"]
            for each in self.op.authorizations.values()
            if each["kind"] == "solicitacaoProrrogacao" and each["decided_on"] <= TODAY + WEEK
        )
        guia = self.stay(self.state_of_stay["senha"], self.days(str(granted + 1)))
        verdict = self.bill(self.op, guia)
        self.assertEqual(self.glosas(verdict), [("1917", Decimal("100.00"))])

    def test_an_extension_in_analysis_gives_none_yet(self):
        numero, on = self.state_of_stay["numero"], TODAY + WEEK
        while True:
            number = f"P{len(self.op.authorizations)}"
            self.ask(self.op, m.prorrogacao(number, numero, days="9"), on)
            state = self.state(self.op)[1]
            if state["waiting"] == "2" and state["diarias"]:
                break
            self.op.receive(m.cancel_guias(("1", number)), on)
        self.assertGreater(state["decided_on"], on)
        verdict = self.bill(self.op, self.stay(self.state_of_stay["senha"], self.days("5")))
        self.assertEqual(self.glosas(verdict), [("1917", Decimal("300.00"))])

    def test_what_nobody_asks_for_beforehand(self):
        """A visit is no procedure of the request, and is not denied for that."""
        guia = self.stay(self.state_of_stay["senha"], self.on_day()).replace(CODE, "10102019")
        codes = [code for code, _ in self.glosas(self.bill(self.op, guia))]
        self.assertNotIn("2505", codes)

    def test_a_stay_may_outlast_its_senha(self):
        last = self.state_of_stay["valid_until"]
        late = last + timedelta(5)
        lines = [self.on_day(TODAY), self.on_day(late, seq=2)]
        guia = self.stay(self.state_of_stay["senha"], *lines).replace(
            "2026-11-28", late.isoformat()
        )
        verdict = self.bill(self.op, guia, on=late)
        # The second surgery was not authorised, but it was in time.
        self.assertEqual(self.glosas(verdict, 2), [("3292", Decimal("20.00"))])

    def test_each_of_the_team_bills_the_one_procedure(self):
        """Surgeon and assistant: one authorised, each may bill it once, neither twice."""
        op = operadora()
        senha = self.granted(op, m.internacao, items=[("1", 1)])[1]["senha"]
        codes = []
        for self.number, grau in (("701", "00"), ("702", "01"), ("703", "00")):
            day = TODAY.isoformat()
            guia = honorarios(self.number, dia=day).replace("2026-11-20", day)
            guia = guia.replace(tag("grauParticipacao", "12"), tag("grauParticipacao", grau))
            guia = guia.replace(tag("numeroCarteira", "1"), tag("numeroCarteira", m.CARD))
            guia = guia.replace("<ans:beneficiario>", tag("senha", senha) + "<ans:beneficiario>")
            codes.append([code for code, _ in self.glosas(self.bill(op, guia))])
        self.assertNotIn("3292", codes[0] + codes[1])
        self.assertEqual(codes[2], ["3292"])
