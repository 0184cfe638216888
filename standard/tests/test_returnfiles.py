"""Tables of demonstrativos as portals write them, with invented values only."""

import datetime
import unittest
from decimal import Decimal

from ..returnfiles import (
    ANALYSIS,
    PAYMENT,
    Layout,
    looks_like_table,
    open_table,
    read,
    sign,
    suggest_roles,
    to_day,
    to_text,
)
from ..sheets import SheetError

D = Decimal
DAY = datetime.date(2026, 3, 10)
DEFAULTS = {"ans_code": "326305", "number": "D1", "issue_date": DAY, "payment_date": DAY}
TEXT = """Relatório;;;;
Protocolo;Guia;Sequencial;Valor informado;Valor liberado;Valor glosa;Motivo glosa
900;501;1;100,00;100,00;;
900;501;2;50,00;20,00;30,00;1705
900;502;1;10,00;0,00;10,00;1705, 1801
901;601;1;1.000,00;999,99;0,01;
Total;;;1.160,00;1.119,99;40,01;
"""


def read_text(text, kind=ANALYSIS, **changes):
    table = open_table(text.encode())
    return read(table, Layout(kind, {**table.roles, **changes}), DEFAULTS)


class TestReading(unittest.TestCase):
    """Rows become what an XML of the standard is decoded into."""

    def setUp(self):
        [self.part] = read_text(TEXT).parts

    def test_header(self):
        self.assertEqual(
            self.part["cabecalhoDemonstrativo"],
            {"registroANS": "326305", "numeroDemonstrativo": "D1", "dataEmissao": DAY},
        )

    def test_levels(self):
        first, second = self.part["dadosConta"]["dadosProtocolo"]
        self.assertEqual((first["numeroProtocolo"], second["numeroProtocolo"]), ("900", "901"))
        guias = [guia["numeroGuiaPrestador"] for guia in first["relacaoGuias"]]
        self.assertEqual(guias, ["501", "502"])
        items = [len(guia["detalhesGuia"]) for guia in first["relacaoGuias"]]
        self.assertEqual(items, [2, 1])

    def test_sums_of_each_level_come_from_the_rows(self):
        """100 + 50 = 150 and 10 in the first protocolo: 160.00; 1,160.00 with the second."""
        first, second = self.part["dadosConta"]["dadosProtocolo"]
        self.assertEqual(first["relacaoGuias"][0]["valorInformadoGuia"], D("150.00"))
        self.assertEqual(first["relacaoGuias"][0]["valorLiberadoGuia"], D("120.00"))
        self.assertEqual(first["valorInformadoProtocolo"], D("160.00"))
        self.assertEqual(second["valorLiberadoProtocolo"], D("999.99"))
        self.assertEqual(self.part["valorInformadoGeral"], D("1160.00"))
        self.assertEqual(self.part["valorLiberadoGeral"], D("1119.99"))

    def test_a_stated_total_takes_the_place_of_the_sum(self):
        [part] = read_text(TEXT.replace("Total;;;1.160,00", "TOTAL GERAL;;;1.160,01")).parts
        self.assertEqual(part["valorInformadoGeral"], D("1160.01"))
        self.assertEqual(part["valorGlosaGeral"], D("40.01"))

    def test_subtotals_are_nobodys_total(self):
        text = TEXT.replace("901;", "Subtotal;;;160,00;120,00;40,00;\n901;")
        [part] = read_text(text).parts
        self.assertNotIn("valorGlosaGeral", part)
        self.assertEqual(part["valorInformadoGeral"], D("1160.00"))

    def test_reasons(self):
        first = self.part["dadosConta"]["dadosProtocolo"][0]
        [_free, denied], [both] = (guia["detalhesGuia"] for guia in first["relacaoGuias"])
        self.assertEqual(denied["relacaoGlosa"], [{"tipoGlosa": "1705", "valorGlosa": D("30.00")}])
        amounts = [reason["valorGlosa"] for reason in both["relacaoGlosa"]]
        self.assertEqual(amounts, [None, None], "two codes share what the file does not divide")

    def test_what_is_missing_of_three_amounts_is_computed(self):
        for titles, cells in (
            ("Valor informado;Valor glosa", "100,00;30,00"),
            ("Valor liberado;Valor glosa", "70,00;30,00"),
        ):
            [part] = read_text(f"Protocolo;Guia;{titles}\n900;501;{cells}\n").parts
            guia = part["dadosConta"]["dadosProtocolo"][0]["relacaoGuias"][0]
            amounts = guia["valorInformadoGuia"], guia["valorLiberadoGuia"]
            self.assertEqual(amounts, (D("100.00"), D("70.00")))

    def test_a_whole_protocolo_denied(self):
        text = (
            "Protocolo;Guia;Valor protocolo;Valor glosa protocolo;Cod glosa protocolo;"
            "Valor informado;Valor liberado\n900;;160,00;160,00;1301;;\n"
        )
        [part] = read_text(text).parts
        [protocol] = part["dadosConta"]["dadosProtocolo"]
        self.assertEqual(protocol["GlosaProtocolo"], {"codigoGlosa": "1301"})
        self.assertEqual(protocol["valorInformadoProtocolo"], D("160.00"))
        self.assertEqual(protocol["valorLiberadoProtocolo"], D("0.00"))
        self.assertNotIn("relacaoGuias", protocol)

    def test_payment(self):
        """120.00 − 1.80 − 10.00 = 108.20 on one day, 5.00 on the next."""
        text = (
            "Protocolo;Guia;Data pagamento;Valor liberado;IRRF;Desconto\n"
            "900;501;10/03/2026;100,00;1,50;10,00\n"
            "900;502;10/03/2026;20,00;0,30;\n900;503;11/03/2026;5,00;;\n"
        )
        [part] = read_text(text, PAYMENT).parts
        first, second = part["pagamentos"]["pagamentosPorData"]
        net = first["totaisLiquidosPorData"]
        self.assertEqual(net["totalDebitosPorData"], D("11.80"))
        self.assertEqual(net["liquidoPorData"], D("108.20"))
        self.assertEqual(second["totaisLiquidosPorData"]["liquidoPorData"], D("5.00"))
        kinds = [
            (row["tipoDebitoCredito"], row["indicador"], row["valorDbCr"])
            for row in first["debitosCreditosPorData"]["debitosCreditos"]
        ]
        self.assertEqual(kinds, [("01", "1", D("1.80")), ("07", "1", D("10.00"))])
        totals = part["totaisDemonstrativo"]
        self.assertEqual(
            totals["totaisLiquidosDemonstrativo"]["valorLiberadoDemonstrativo"], D("113.20")
        )

    def test_a_credit_in_the_column_of_discounts(self):
        text = "Protocolo;Guia;Valor liberado;Desconto\n900;501;100,00;-10,00\n"
        [part] = read_text(text, PAYMENT).parts
        [day] = part["pagamentos"]["pagamentosPorData"]
        self.assertEqual(day["totaisLiquidosPorData"]["liquidoPorData"], D("110.00"))
        stated = text.replace("Desconto", "Desconto;Valor líquido").replace("-10,00", "-10,00;90")
        [part] = read_text(stated, PAYMENT).parts
        [day] = part["pagamentos"]["pagamentosPorData"]
        [row] = day["debitosCreditosPorData"]["debitosCreditos"]
        self.assertEqual(row["indicador"], "1", "the net says that it was taken off")


class TestProblems(unittest.TestCase):
    """Nothing is skipped in silence: what cannot be read is named by line."""

    def codes(self, row, kind=ANALYSIS):
        reading = read_text(TEXT.replace("901;601;1;1.000,00;999,99;0,01;", row), kind)
        return [(problem.code, problem.line) for problem in reading.problems]

    def test_rows(self):
        for row, code in (
            ("901;601;1;mil;999,99;0,01;", "bad_number"),
            ("901;601;1;1.000,00", "no_amount"),
            (";;1;1.000,00;999,99;0,01;", "no_guia"),
            ("901;601;1;1.000,00;999,99;0,01;;extra", "extra_cells"),
            ("901;601;99999;1.000,00;999,99;0,01;", "bad_number"),
            ("901;601;1;999.999.999,00;999,99;0,01;", "too_high"),
        ):
            with self.subTest(row):
                self.assertEqual(self.codes(row)[:1], [(code, 6)])

    def test_a_download_that_broke_off_in_an_amount(self):
        """Of 999,99 only 99 came: the row lacks the cells after it, and the line its end."""
        cut = TEXT[: TEXT.index("9,99;0,01")]
        self.assertEqual([each.code for each in read_text(cut).problems], ["cut_off"])
        self.assertEqual(read_text(TEXT.rstrip("\n")).problems, [], "an end without a line break")
        ragged = cut.replace("100,00;;", "100,00")
        self.assertEqual(read_text(ragged).problems, [], "rows as they were written")

    def test_an_ambiguous_number_in_a_column_of_both_signs(self):
        text = TEXT.replace("50,00;20,00", "50.00;20,00").replace("1.000,00", "1.000")
        [problem] = read_text(text).problems
        self.assertEqual((problem.code, problem.line), ("ambiguous_number", 6))

    def test_blank_rows_notes_and_repeated_titles_are_no_rows(self):
        title = TEXT.splitlines()[1]
        text = TEXT.replace("901;", f";;;;;;\n{title}\nPágina dois;;;;;;\n901;")
        self.assertEqual(read_text(text).parts, read_text(TEXT).parts)


class TestRecognition(unittest.TestCase):
    """What a file is, and where its titles are."""

    def test_signature_does_not_depend_on_case_accents_or_encoding(self):
        table = open_table(TEXT.encode("latin-1"))
        upper = open_table(TEXT.upper().encode("utf-16"))
        self.assertEqual(table.signature, upper.signature)
        self.assertEqual(table.signature, sign([title.lower() for title in table.titles]))
        self.assertNotEqual(table.signature, sign(reversed(table.titles)))
        self.assertEqual(table.header_line, 2)

    def test_the_better_title_of_two(self):
        roles = suggest_roles(["Guia", "Nro guia prestador", "Valor pago", "Valor liberado"])
        self.assertEqual(roles, {"guia": 1, "released": 3})

    def test_what_is_no_table(self):
        for content in (
            b"", b" \r\n", b"<?xml?>", b"\xef\xbb\xbf<a/>", b"%PDF-1.7", b'{"a": 1}',
            "<a/>".encode("utf-16"), b"PK\x03\x04retorno.xml",
        ):  # fmt: skip
            with self.subTest(content):
                self.assertFalse(looks_like_table(content))
        for content in (b"Prezados, segue o demonstrativo.", b"a;b;c\n1;2;3"):
            with self.assertRaises(SheetError):
                open_table(content)

    def test_a_header_without_known_titles_is_only_guessed_when_asked(self):
        content = b"x;;\nRef;Doc;Pg\n1;2;3\n"
        with self.assertRaises(SheetError):
            open_table(content)
        self.assertEqual(open_table(content, guess=True).titles, ("Ref", "Doc", "Pg"))

    def test_a_reason_is_recognised_by_its_short_titles(self):
        for title in ("Motivo", "Motivo da glosa", "Cód. Motivo"):
            with self.subTest(title):
                self.assertIn("reason", suggest_roles(["Guia", "Valor Glosa", title]))

    def test_missing_roles(self):
        self.assertEqual(Layout(ANALYSIS, {}).missing(), ["guia", "released", "informed"])
        self.assertEqual(Layout(PAYMENT, {"protocol": 0, "denied": 1}).missing(), [])

    def test_cells(self):
        for value, text in (('="501"', "501"), ("'501", "501"), (501.0, "501"), ("501.0", "501")):
            self.assertEqual(to_text(value), text)
        for value in ("10/03/2026", "10-03-26", "2026-03-10", "20260310", 46091, 46091.5, "46091"):
            with self.subTest(value):
                self.assertEqual(to_day(value), DAY)
        self.assertEqual(to_day("03/10/2026", "mdy"), DAY)
        for value in ("31/02/2026", "ontem", "13/2026"):
            with self.subTest(value), self.assertRaises(ValueError):
                to_day(value)


if __name__ == "__main__":
    unittest.main()
