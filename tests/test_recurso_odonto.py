from copy import deepcopy

from odoo.tests import tagged

from .. import standard
from ..models import dental_return
from ..standard.message import body_of
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
        content = dental_message(self.lote, {1: (70.00, "1705"), 2: (80.00,)}, "OD1")
        [_name, part] = body_of(standard.load("4.03.00").decode(content))
        plain = dental_return.to_analysis(part)
        mixed = deepcopy(part)
        [protocol] = mixed["dadosPagamentoPorData"][0]["protocolos"]
        [guia] = protocol["dadosPagamentoGuia"]
        protocol["dadosPagamentoGuia"].append({**deepcopy(guia), "recurso": "S"})
        for values in (protocol["totaisPorProtocolo"], mixed["totaisBrutoDemonstrativo"]):
            values.update({name: 2 * amount for name, amount in values.items()})
        self.assertEqual(dental_return.to_analysis(mixed), plain)
