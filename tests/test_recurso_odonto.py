from copy import deepcopy
from decimal import Decimal

from lxml import etree

from odoo.tests import tagged

from .common import TissCommon
from .guia_records import VERSIONS, GuiaRecords
from .question_records import QuestionRecords
from .return_messages import dental_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRecursoOdonto(QuestionRecords, GuiaRecords, TissCommon):
    """What is denied of a GTO: 30.00 of 100.00 and 80.00 (guide §5.8)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        guia = cls._create_odonto(
            cls._item(
                1, "81000030", 120, amount_patient=20, tooth_id=cls._term("28", "36"), faces="O"
            ),
            cls._item(2, "81000065", 80),
        )
        guia.action_check()
        cls.lote = guia.create_lotes()
        cls.lote.send()
        cls.lote.register_protocol("7001")
        content = dental_message(cls.lote, {1: (70.00, "1705"), 2: (80.00,)}, "OD1")
        cls.env["tiss.demonstrativo"].import_file("odonto.xml", content).post()
        cls.glosa = cls.lote.glosa_ids

    def test_the_message(self):
        """The guia has one code, also where its items are contested."""
        for version in VERSIONS:
            for level in ("item", "guia"):
                with self.subTest(version, level=level):
                    self.contract.version = version
                    recurso = self.glosa.create_recurso(level)
                    recurso.line_ids.justification = "Conforme o contrato"
                    recurso.build()
                    body = self._decode_sent(recurso)["guiaRecursoGlosaOdonto"]
                    [guia] = body["opcaoRecurso"]["recursoGuia"]
                    self.assertEqual(guia["codGlosaGuia"], "1705")
                    self.assertEqual(guia["justificativaGuia"], "CONFORME O CONTRATO")
                    self.assertEqual(str(body["valorTotalRecursado"]), "30.00")
                    items = guia.get("recursoProcedimento") or []
                    self.assertEqual(len(items), level == "item")
                    for item in items:
                        self.assertEqual(item["denteRegiao"], {"codDente": "36"})
                        self.assertEqual((item["denteFace"], item["quantidade"]), ("O", 1))
                        self.assertEqual(str(item["valorRecursado"]), "30.00")
                    recurso.action_cancel()

    def test_recovered_by_a_dental_demonstrativo(self):
        recurso = self.glosa.create_recurso()
        recurso.send()
        recurso.register_protocol("77")
        recurso.register_answer({recurso.line_ids: 30.00})
        content = dental_message(self.lote, {1: (30.00,), 2: (0.00,)}, "OD2")
        content = content.replace(b"recurso>N<", b"recurso>S<")
        payment = self.env["tiss.demonstrativo"].import_file("recurso.xml", content)
        self.assertEqual(payment.kind, "payment")
        self.assertEqual(payment.blocking_count, 0, payment.discrepancy_ids.mapped("display_name"))
        payment.post()
        self.assertEqual((self.glosa.state, self.glosa.amount_recovered), ("recovered", 30.00))
        self.assertEqual(self.lote.invoice_id.amount_residual, 0)
        self.assertLedgerSound()

    def test_the_sums_of_an_analysis_leave_out_what_a_recurso_recovered(self):
        content = dental_message(self.lote, {1: (70.00, "1705"), 2: (80.00,)}, "OD3")
        plain = self._import_analysis("plain.xml", content)
        root = etree.fromstring(content)
        [guia] = root.iter("{*}dadosPagamentoGuia")
        recovered = deepcopy(guia)
        recovered.find("{*}recurso").text = "S"
        guia.addnext(recovered)
        for name in ("totaisPorProtocolo", "totaisBrutoDemonstrativo"):
            for amount in root.find(f".//{{*}}{name}"):
                amount.text = str(2 * Decimal(amount.text))
        plain.unlink()
        mixed = self._import_analysis("mixed.xml", etree.tostring(root, encoding="iso-8859-1"))
        self.assertEqual(mixed.line_ids.mapped("amount_released"), [70.00, 80.00])
        self.assertNotIn("sums_disagree", mixed.discrepancy_ids.mapped("code"))

    def _import_analysis(self, name, content):
        imported = self.env["tiss.demonstrativo"].import_file(name, content)
        return imported.filtered(lambda demonstrativo: demonstrativo.kind == "analysis")

    def test_all_the_way_with_the_simulated_operadora(self):
        """Denied, contested, granted and paid by dental files that nothing of ours wrote."""
        operadora = self._simulate(seed=3)
        guias = self.env["tiss.guia"].union(*(self._create_odonto() for _number in range(25)))
        guias.action_check()
        lote = guias.create_lotes()
        lote.send()
        receive = self.env["tiss.message"].receive_file
        receive("protocolo.xml", operadora.receive(lote.get_xml(), self.today))
        day = {"paid_on": self.today, "issued_on": self.today, "cnpj": self.company.vat}
        receive("odonto.xml", operadora.dental_payment([lote.protocol_number], **day)).post()
        recursos = lote.glosa_ids.filtered("code").create_recurso()
        recursos.line_ids.filtered(lambda line: not line.justification).justification = "Devido"
        recursos.send()
        for recurso in recursos:
            receive("recebimento.xml", operadora.receive(recurso.get_xml(), self.today))
            question = recurso.query_status()
            receive("resposta.xml", operadora.receive(question._get_content(), self.today))
        granted = sum(recursos.mapped("amount_granted"))
        self.assertTrue(granted, "something is granted")
        payment = receive("recursos.xml", operadora.dental_appeal_payment(**day))
        self.assertEqual(payment.mapped("blocking_count"), [0])
        payment.post()
        recovered = sum(recursos.mapped("amount_recovered"))
        self.assertEqual(f"{recovered:.2f}", f"{granted:.2f}")
        self.assertFalse(any(lote.guia_ids.line_ids.mapped("amount_appealed")))
        self.assertLedgerSound()
