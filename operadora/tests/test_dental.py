"""The demonstrativo that analyses and pays GTOs (guide §5.4)."""

from decimal import Decimal

from .test_operadora import (
    ANS,
    TODAY,
    VERSIONS,
    OperadoraCase,
    body,
    cents,
    column_sums,
    consulta,
    message,
    odonto,
    operadora,
    value,
)

PRESTADOR_CNPJ = "11444777000161"
# valorInformado, glosa, franquia, liberado of an item, and the sums of its guia, lote and file.
ITEM = ("valorInformado", "valorGlosaEstorno", "valorFranquia", "valorLiberado")
NAMES = ("Informado", "Glosa", "Franquia", "Liberado")
GUIA = tuple(f"valorTotal{name}Guia" for name in NAMES)
PROTOCOL = tuple(f"totaisPorProtocolo/ans:valorTotal{name}PorProtocolo" for name in NAMES)
WHOLE = (
    "valorInformadoPorDemonstrativoData",
    "valorlGlosaPorDemonstrativo",
    "valoFranquiaPorDemonstrativo",
    "valorLiberadoPorDemonstrativo",
)


class TestDentalPayment(OperadoraCase):
    def bill(self, op, count=60):
        guias = [odonto(str(number)) for number in range(1, count + 1)]
        return self.accept(op, message(body(*guias), op.version), op.version)

    def pay(self, op, protocol):
        return op.dental_payment([protocol], paid_on=TODAY, issued_on=TODAY, cnpj=PRESTADOR_CNPJ)

    def row(self, node, names):
        return [cents(node, f"ans:{name}") for name in names]

    def test_it_says_what_was_decided_and_every_sum_ties(self):
        for version in VERSIONS:
            with self.subTest(version):
                op = operadora(version)
                protocol = self.bill(op)
                xml = self.pay(op, protocol)
                root = self.check_answer(xml, version, "DEMONSTRATIVO_ODONTOLOGIA")
                decided = op.verdicts[protocol]
                guias = root.findall(".//ans:dadosPagamentoGuia", ANS)
                self.assertEqual(len(guias), 60)
                for guia in guias:
                    self.check_guia(guia, decided["guias"][value(guia, "ans:numeroGuiaPrestador")])
                sums = column_sums(self.row(guia, GUIA) for guia in guias)
                self.assertEqual(sums[3], decided["liberado"])
                self.assertEqual(sums[2], 60 * Decimal("10.00"))
                self.assertLess(sums[3], decided["informado"])
                lote = root.find(".//ans:protocolos", ANS)
                self.assertEqual(self.row(lote, PROTOCOL), sums)
                whole = root.find(".//ans:totaisBrutoDemonstrativo", ANS)
                self.assertEqual(self.row(whole, WHOLE), sums)

    def check_guia(self, guia, decided):
        [item] = guia.findall("ans:dadosPagamento", ANS)
        row = self.row(item, ITEM)
        self.assertEqual(self.row(guia, GUIA), row)
        informado, glosa, franquia, liberado = row
        self.assertEqual((informado, franquia), (Decimal("50.00"), Decimal("10.00")))
        self.assertEqual(informado, glosa + franquia + liberado)
        self.assertEqual(liberado, decided["liberado"])
        codes = {node.text for node in item.findall("ans:codigosGlosa", ANS)}
        reasons = {code for code, _amount in decided["itens"][1]["glosas"]}
        self.assertEqual(codes, reasons | set(decided["motivos"]))

    def test_taxes_are_taken_off_what_is_released(self):
        for taxes in (True, False):
            op = operadora(taxes=taxes)
            protocol = self.bill(op)
            root = self.check_answer(
                self.pay(op, protocol), op.version, "DEMONSTRATIVO_ODONTOLOGIA"
            )
            debits = [
                cents(node, "ans:valorDbCr") for node in root.iterfind(".//ans:descontos", ANS)
            ]
            self.assertEqual(bool(debits), taxes)
            paid = op.verdicts[protocol]["liberado"] - sum(debits)
            self.assertEqual(cents(root, ".//ans:valorRecebidoDemonstrativo"), paid)
            self.assertEqual(cents(root, ".//ans:valorFinalAReceberPorData"), paid)

    def test_what_is_paid_is_paid(self):
        op = operadora()
        protocol = self.bill(op, 1)
        self.pay(op, protocol)
        with self.assertRaisesRegex(ValueError, "Already paid"):
            self.pay(op, protocol)
        with self.assertRaisesRegex(ValueError, "Already paid"):
            op.payment([protocol], paid_on=TODAY, issued_on=TODAY)

    def test_a_medical_lote_is_refused(self):
        op = operadora()
        protocol = self.accept(op, message(body(consulta("1"))))
        with self.assertRaisesRegex(ValueError, "Not dental"):
            self.pay(op, protocol)
