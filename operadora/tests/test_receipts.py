"""Annexes by themselves, admissions and discharges, documents, cancellations."""

from datetime import timedelta

from lxml import etree

from . import messages as m
from .test_authorizations import AuthorizationCase
from .test_operadora import (
    ANS,
    CNPJ,
    TODAY,
    VERSIONS,
    body,
    consulta,
    message,
    operadora,
    tag,
    value,
)


class ReceiptCase(AuthorizationCase):
    """`transaction` and `element` are those of the answers of a theme."""

    transaction_name = element = None

    def take(self, op, xml, on=TODAY):
        """What stands in the answer's element; a refusal fails."""
        root = self.check_answer(op.receive(xml, on), op.version, self.transaction_name)
        content = root.find(f"ans:operadoraParaPrestador/ans:{self.element}", ANS)[0]
        self.assertNotEqual(
            etree.QName(content).localname, "mensagemErro", etree.tostring(content).decode()
        )
        return content

    def refuse(self, op, xml, code):
        self.assertEqual(self.error(op, xml, self.transaction_name, self.element), code)


class TestAnnexes(ReceiptCase):
    transaction_name, element = "PROTOCOLO_RECEBIMENTO_ANEXO", "recebimentoAnexo"

    def take_until(self, op, build, wanted):
        for number in range(1, 300):
            answer = self.take(op, m.annexes(build(f"A{number}"), lote=str(number)))
            if value(answer, ".//ans:statusSolicitacao") == wanted:
                return answer
        return self.fail(f"no annex {wanted}")

    def test_each_kind_in_both_versions(self):
        kinds = {"anexoOPME": m.opme, "anexoQuimio": m.quimio, "anexoRadio": m.radio}
        for version in VERSIONS:
            for tag_name, build in kinds.items():
                with self.subTest(tag_name, version=version):
                    op = operadora(version)
                    answer = self.take(op, m.annexes(build("A9"), lote="7", version=version))
                    self.assertEqual(value(answer, "ans:numeroLote"), "7")
                    self.assertEqual(value(answer, "ans:dataEnvioAnexo"), TODAY.isoformat())
                    self.assertEqual(value(answer, "ans:qtAnexosClinicos"), "1")
                    annex = answer.find(f"ans:anexosClinicos/ans:{tag_name}", ANS)
                    self.assertEqual(value(annex, ".//ans:numeroGuiaPrestador"), "A9")
                    self.assertEqual(value(annex, ".//ans:numeroCarteira"), m.CARD)
                    (state,) = op.annexes.values()
                    self.assertEqual(value(annex, "ans:statusSolicitacao"), state["status"])
                    self.assertEqual(value(annex, ".//ans:senha"), state["senha"])
                    self.assertEqual(state["referenciada"], "1")

    def test_decisions_on_materials(self):
        op = operadora()
        granted = self.take_until(op, m.opme, "1")
        self.assertEqual(value(granted, ".//ans:quantidadeAutorizada"), "3")
        self.assertEqual(value(granted, ".//ans:valorAutorizado"), "150.00")
        part = self.take_until(operadora(), m.opme, "7")
        self.assertIn(value(part, ".//ans:quantidadeAutorizada"), ("1", "2"))
        self.assertIsNotNone(value(part, ".//ans:servicosAutorizadosOPME//ans:codigoGlosa"))
        denied = self.take_until(operadora(), m.opme, "3")
        self.assertEqual(value(denied, ".//ans:quantidadeAutorizada"), "0")
        self.assertEqual(value(denied, ".//ans:valorAutorizado"), "0.00")
        self.assertIsNone(denied.find(".//ans:senha", ANS))

    def test_a_therapy_is_granted_or_not(self):
        for build in (m.quimio, m.radio):
            op = operadora()
            for number in range(60):
                self.take(op, m.annexes(build(f"A{number}"), lote=str(number)))
            self.assertEqual({x["status"] for x in op.annexes.values()}, {"1", "3"})

    def test_hundred_teeth_charts_and_no_more(self):
        charts = [m.initial(f"A{number}") for number in range(101)]
        self.refuse(operadora(), m.annexes(*charts), "5015")
        op = operadora(names={m.CARD: "ANA EXEMPLO"})
        answer = self.take(op, m.annexes(*charts[1:]))
        self.assertEqual(value(answer, "ans:qtAnexosClinicos"), "100")
        rows = answer.findall("ans:anexosClinicos/ans:anexoSituacaoInicial", ANS)
        self.assertEqual(len(rows), 100)
        self.assertEqual(value(rows[0], ".//ans:elementoDentario"), "11")
        self.assertEqual(value(rows[0], "ans:nomeBeneficiario"), "ANA EXEMPLO")
        self.assertEqual(len(op.annexes), 100)

    def test_an_annex_of_a_granted_request_shares_its_senha(self):
        op = operadora()
        numero = self.ask_until(op, m.internacao, "1")[0]
        senha = self.state(op)[1]["senha"]
        answer = self.take_until(op, lambda number: m.opme(number, numero), "1")
        self.assertEqual(value(answer, ".//ans:senha"), senha)
        other = self.take(op, m.annexes(m.opme("X", "UNKNOWN"), lote="X"))
        self.assertNotEqual(value(other, ".//ans:senha"), senha)

    def test_refusals(self):
        tomorrow = (TODAY + timedelta(1)).isoformat()
        late = m.opme().replace(
            tag("dataSolicitacao", "2026-11-20"), tag("dataSolicitacao", tomorrow)
        )
        cases = [
            ("two therapies", m.annexes(m.quimio(), m.radio("A2")), "5001"),
            ("hash", m.annexes(m.opme(), digest="0" * 32), "5014"),
            ("another operadora", m.annexes(m.initial(ans="000001")), "5027"),
            ("asked tomorrow", m.annexes(late), "1323"),
            ("same number", m.annexes(m.initial(), m.initial()), "1308"),
            ("nothing asked", m.annexes(m.opme(quantity="0")), "1806"),
        ]
        for name, xml, code in cases:
            with self.subTest(name):
                op = operadora()
                self.refuse(op, xml, code)
                self.assertEqual(op.annexes, {})

    def test_numbers_are_taken_once(self):
        for version, repeated in (("4.03.00", "3268"), ("4.02.00", "5053")):
            op = operadora(version)
            self.take(op, m.annexes(m.opme("A1"), version=version))
            self.refuse(op, m.annexes(m.opme("A2"), version=version), repeated)
            self.refuse(op, m.annexes(m.opme("A1"), lote="2", version=version), "1308")
            self.assertEqual(len(op.annexes), 1)
            self.ask(op, m.sp_sadt("1"))
            request = m.sp_sadt("2", annex=m.opme("A1", "2", "solicitacaoOPME"))
            self.assertEqual(self.error(op, m.request(request, version)), "1308")
            self.refuse(op, m.annexes(m.opme("A3", card="99"), lote="3", version=version), "1001")


class TestNotices(ReceiptCase):
    transaction_name, element = "RECIBO_COMUNICACAO", "reciboComunicacao"

    def tell(self, op, *args, **options):
        """S or N, and the code of the answer."""
        answer = self.take(op, m.notice(*args, version=op.version, **options))
        return value(answer, "ans:statusComunicacao"), value(answer, "ans:codigoGlosa")

    def test_a_stay_from_admission_to_discharge(self):
        for version in VERSIONS:
            op = operadora(version, names={m.CARD: "ANA EXEMPLO"})
            answer = self.take(op, m.notice(version=version))
            back = answer.find("ans:beneficiarioComunicacaoRet", ANS)
            self.assertEqual(value(back, "ans:nomeBeneficiario"), "ANA EXEMPLO")
            self.assertEqual(value(back, "ans:dadosInternacao/ans:tipoInternacao"), "1")
            self.assertEqual(self.tell(op, "A"), ("S", None))
            self.assertEqual(self.tell(op, "I", "2026-11-21"), ("S", None))
            self.assertEqual([x.event for x in op.notices], ["I", "A", "I"])
            self.assertEqual([x.glosa for x in op.notices], [None] * 3)

    def test_what_contradicts_the_last_notice(self):
        for version, not_open in (("4.03.00", "3250"), ("4.02.00", "5054")):
            op = operadora(version)
            self.assertEqual(self.tell(op, "A"), ("N", not_open))
            self.assertEqual(self.tell(op, "I"), ("S", None))
            self.assertEqual(self.tell(op, "I"), ("N", "5053"))
            self.assertEqual(self.tell(op, "A", "2026-11-19"), ("N", "1608"))
            self.assertEqual(self.tell(op, "A", card="99"), ("N", not_open))
            # What was not accepted changes nothing: the stay is still open.
            self.assertEqual(self.tell(op, "A"), ("S", None))
            self.assertEqual(len(op.notices), 6)

    def test_each_event_has_its_own_reason(self):
        op = operadora()
        self.assertEqual(self.tell(op, "I", reason="motivoEncerramento"), ("N", "3111"))
        self.tell(op, "I")
        self.assertEqual(self.tell(op, "A", reason="tipoInternacao"), ("N", "3111"))

    def test_refusals(self):
        op = operadora()
        self.refuse(op, m.notice(date="2026-11-22"), "1323")
        self.refuse(op, m.notice("X", reason="tipoInternacao"), "5001")
        self.refuse(op, m.notice(digest="0" * 32), "5014")
        self.assertEqual(op.notices, [])


class TestDocuments(ReceiptCase):
    transaction_name, element = "RECEBIMENTO_DOCUMENTO", "recebimentoDocumentos"

    def test_each_format_in_both_versions(self):
        for version in VERSIONS:
            op = operadora(version)
            for formato in m.FILES:
                with self.subTest(version=version, formato=formato):
                    self.take(op, m.document(f"D{formato}", formato, version=version))
            self.assertEqual([x.formato for x in op.documents.values()], list(m.FILES))

    def test_the_receipt_repeats_the_keys(self):
        op = operadora()
        links = {"numeroLote": "5", "numeroGuiaPrestador": "77", "numeroGuiaOperadora": "OP77"}
        answer = self.take(op, m.document("D7", links=links))
        self.assertEqual(
            {etree.QName(x).localname: x.text for x in answer},
            {**links, "numeroDocumento": "D7", "protocoloDoc": next(iter(op.documents))},
        )

    def test_what_is_not_what_it_says(self):
        """No format is taken for another, except that a signed PDF is a PDF."""
        for formato in m.FILES:
            for other, content in m.FILES.items():
                same = formato == other or (formato, other) == ("02", "09")
                if same or {formato, other} <= {"05", "06", "07", "08"}:
                    continue
                with self.subTest(formato=formato, other=other):
                    code = "3165" if formato in ("01", "03", "04") else "3230"
                    self.refuse(operadora(), m.document("D1", formato, content), code)

    def test_refusals(self):
        cases = [
            ("empty", m.document(content=b""), "3230"),
            ("cut", m.document(formato="05", content=b"\x30"), "3230"),
            ("no key", m.document(links={}), "3111"),
            ("blank key", m.document(links={"numeroLote": " "}), "3111"),
            ("protocol of nobody", m.document(links={"numeroProtocolo": "1"}), "3291"),
            ("hash", m.document(digest="0" * 32), "5014"),
        ]
        for name, xml, code in cases:
            with self.subTest(name):
                op = operadora()
                self.refuse(op, xml, code)
                self.assertEqual(op.documents, {})

    def test_a_protocol_of_a_lote_or_of_annexes(self):
        op = operadora()
        lote = self.accept(op, message(body(consulta())))
        op.receive(m.annexes(m.opme()), TODAY)
        (annex,) = op.annexes.values()
        for number, protocol in (("D1", lote), ("D2", annex["protocolo"])):
            self.take(op, m.document(number, links={"numeroProtocolo": protocol}))

    def test_a_number_is_taken_once(self):
        op = operadora()
        self.take(op, m.document("D1"))
        self.refuse(op, m.document("D1", "01"), "5053")
        op.receive(m.document("D1", prestador=CNPJ), TODAY)
        self.assertEqual(len(op.documents), 2)


class TestCancellation(ReceiptCase):
    transaction_name, element = "CANCELAMENTO_GUIA_RECIBO", "reciboCancelaGuia"

    def cancel(self, op, xml):
        """T46 of each line of the receipt."""
        return [x.text for x in self.take(op, xml).iterfind(".//ans:statusCancelamento", ANS)]

    def billed(self, version="4.03.00"):
        op = operadora(version)
        lote = body(*map(consulta, ("1", "2", "3")), lote="9")
        return op, self.accept(op, message(lote, version), version)

    def test_a_lote(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                op, protocol = self.billed(version)
                self.assertEqual(self.cancel(op, m.cancel_lote("8", version=version)), ["5"])
                wrong = m.cancel_lote("9", "1", version=version)
                self.assertEqual(self.cancel(op, wrong), ["6"])
                self.assertEqual(list(op.verdicts), [protocol])
                right = m.cancel_lote("9", protocol, version=version)
                self.assertEqual(self.cancel(op, right), ["1"])
                self.assertEqual(op.verdicts, {})
                self.assertEqual(self.cancel(op, right), ["2"])
                with self.assertRaises(ValueError):
                    op.analysis(issued_on=TODAY)
                # The guias may come again, under another lote and another protocol.
                again = message(body(consulta("1"), lote="10"), version)
                self.assertEqual(int(self.accept(op, again, version)), int(protocol) + 1)

    def test_guias_of_a_lote(self):
        op, protocol = self.billed()
        asked = [("2", "1"), ("2", "7"), ("2", "2", "1"), ("2", "1"), ("3", "3"), ("1", "3")]
        statuses = self.cancel(op, m.cancel_guias(*asked))
        self.assertEqual(statuses, ["1", "3", "6", "2", "3", "3"])
        verdict = op.verdicts[protocol]
        self.assertEqual(list(verdict["guias"]), ["2", "3"])
        self.assertEqual(verdict["informado"], 300)
        root = etree.fromstring(op.analysis(issued_on=TODAY))
        self.assertEqual(value(root, ".//ans:valorInformadoGeral"), "300.00")
        # What was analysed stays.
        self.assertEqual(self.cancel(op, m.cancel_guias(("2", "2"))), ["2"])
        self.assertEqual(self.cancel(op, m.cancel_lote("9")), ["2"])
        self.assertEqual(list(op.verdicts[protocol]["guias"]), ["2", "3"])

    def test_the_last_guia_takes_the_lote_along(self):
        op = self.billed()[0]
        statuses = self.cancel(op, m.cancel_guias(("2", "1"), ("2", "2"), ("2", "3")))
        self.assertEqual(statuses, ["1", "1", "1"])
        self.assertEqual(op.verdicts, {})

    def test_what_was_paid_stays(self):
        op, protocol = self.billed()
        op.payment(paid_on=TODAY, issued_on=TODAY)
        self.assertEqual(self.cancel(op, m.cancel_lote("9")), ["2"])
        self.assertIn(protocol, op.verdicts)

    def test_a_request(self):
        op = operadora()
        numero = self.ask_until(op, m.sp_sadt, "1")[0]
        number = self.state(op)[0]
        xml = m.cancel_guias(("1", numero))
        self.assertEqual(self.cancel(op, xml), ["1"])
        self.assertEqual(op.authorizations[number]["status"], "6")
        answer = self.ask_status(op, numero, TODAY)
        self.assertEqual(value(answer, "ans:statusSolicitacao"), "6")
        self.assertIsNone(answer.find(".//ans:senha", ANS))
        self.assertEqual(self.cancel(op, xml), ["2"])
        self.assertEqual(self.error(op, m.request(m.sp_sadt(numero))), "1308")

    def test_another_prestador_cancels_nothing(self):
        op = self.billed()[0]
        self.ask(op, m.sp_sadt("1"))
        before = op.verdicts, op.authorizations
        for xml in (
            m.cancel_lote("9", prestador=CNPJ),
            m.cancel_guias(("1", "1"), ("2", "1"), prestador=CNPJ),
        ):
            op.receive(xml, TODAY)
            self.assertEqual((op.verdicts, op.authorizations), before)
