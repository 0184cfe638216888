import tracemalloc
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import SQL

from ..models import return_rows
from ..models.return_rows import CHUNK
from ..models.tiss_demonstrativo_import import TissDemonstrativo
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message, payment_message

COMPARED = (
    "level", "protocol_number", "lote_number", "guia_number", "operadora_number", "sequence_item",
    "code", "service_date", "is_appeal", "amount_informed", "amount_processed", "amount_released",
    "reasons", "lote_id", "guia_id", "guia_line_id", "amount_ours", "amount_difference",
)  # fmt: skip
MAX_PEAK = 4 * 1024 * 1024


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDemonstrativoStream(TissCommon):
    """A file that is read piece by piece says what it says as a whole."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lote = cls._create_received_lote(
            {ECG: 1, DIPYRONE: 2}, {ECG: 1}, {BLOOD_COUNT: 1, DIPYRONE: 1}, protocol="1002"
        )
        cls.other = cls._create_received_lote(CONSULTATION, protocol="AB-7/9")

    def _receive(self, content, name="retorno.xml"):
        return self.env["tiss.message"].receive_file(name, content)

    def _get_said(self, demonstrativo):
        """All that a demonstrativo and its lines say, and what does not agree."""
        lines = self.env["tiss.demonstrativo.line"].search(
            [("demonstrativo_id", "in", demonstrativo.ids)]
        )
        return (
            [[line[name] for name in COMPARED] for line in lines],
            [line.payment_id.payment_date for line in lines],
            demonstrativo.mapped("amount_informed"),
            demonstrativo.mapped("amount_released"),
            demonstrativo.payment_ids.mapped("amount_net"),
            sorted(demonstrativo.discrepancy_ids.mapped("display_name")),
            demonstrativo.message_id.hash_match,
        )

    def _analysis(self, number="D1"):
        released = {}
        for guia in self.lote.guia_ids:
            for line in guia.line_ids:
                released[guia.name, line.sequence_item] = (line.amount / 2, "1705")
        content = analysis_message(self.lote, released, number)
        return content.replace(b"valorLiberadoGuia>20.55<", b"valorLiberadoGuia>21<")

    def _payment(self, number="P1"):
        lotes = self.lote | self.other
        guias = dict.fromkeys(lotes.guia_ids.mapped("name"), 10.00)
        return payment_message(lotes, guias, number, adjustments=[("01", "IRRF", 1.00)])

    def test_in_pieces_and_as_a_whole_it_says_the_same(self):
        for content in (self._analysis(), self._payment()):
            for chunk in (1, 2, CHUNK):
                with (
                    self.subTest(content[:400], chunk=chunk),
                    patch.object(return_rows, "CHUNK", chunk),
                    self.env.cr.savepoint() as savepoint,
                ):
                    said = self._get_said(self._receive(content))
                    savepoint.rollback()
                    self.env.invalidate_all()
                    with patch.object(TissDemonstrativo, "_import_stream", return_value=None):
                        self.assertEqual(self._get_said(self._receive(content)), said)
                    savepoint.rollback()
                self.env.invalidate_all()

    def test_a_file_in_disorder_is_read_as_a_whole(self):
        content = self._analysis()
        number = b"<ans:numeroProtocolo>1002</ans:numeroProtocolo>"
        late = content.replace(number, b"").replace(
            b"</ans:dadosProtocolo>", number + b"</ans:dadosProtocolo>"
        )
        self.assertIsNone(self.env["tiss.demonstrativo"]._import_stream("x", late))
        analysis = self._receive(late)
        self.assertEqual(set(analysis.line_ids.mapped("lote_id")), {self.lote})

    def test_a_file_that_is_cut_off_leaves_nothing(self):
        """Its first rows were in the database already when the end was missing."""
        content = self._analysis()
        with patch.object(return_rows, "CHUNK", 1):
            for part in (0.5, 0.9, 0.999):
                with self.subTest(part), self.assertRefused("not a TISS"):
                    self._receive(content[: int(len(content) * part)])

    def test_an_alphanumeric_protocolo(self):
        [guia] = self.other.guia_ids
        self._receive(analysis_message(self.other, {(guia.name, 1): 150.00}, "D2")).post()
        self._receive(payment_message(self.other, {guia.name: 150.00}, "P2")).post()
        self.assertEqual(self.other.amount_open, 0)
        self.assertLedgerSound()

    def test_a_retired_glosa_code(self):
        """T38 has ended codes that operadoras still write, and some that it never had."""
        Term = self.env["tiss.term"]
        retired = Term.search([("table_code", "=", "38"), ("end_date", "!=", False)], limit=1)
        if not retired:
            retired = Term._get("38", "1705")
            retired.sudo().end_date = self.visit_date
        [guia] = self.other.guia_ids
        for code, term in ((retired.code, retired), ("9898", Term)):
            with self.subTest(code), self.env.cr.savepoint() as savepoint:
                content = analysis_message(self.other, {(guia.name, 1): (100.00, code)}, "D3")
                self._receive(content).post()
                [glosa] = self.other.glosa_ids
                self.assertEqual((glosa.code, glosa.term_id), (code, term))
                self.assertEqual(glosa.amount, 50.00)
                self.assertLedgerSound()
                savepoint.rollback()
            self.env.invalidate_all()

    # ------------------------------------------------------------------
    # Of another clinic
    # ------------------------------------------------------------------

    def _of_another(self, contracted, cnes=b"9999999"):
        content = self._analysis()
        head, body = content.split(b"<ans:operadoraParaPrestador>")
        old = b"<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
        self.assertIn(old, body)
        body = body.replace(old, contracted).replace(b"<ans:CNES>9999999", b"<ans:CNES>" + cnes)
        return head + b"<ans:operadoraParaPrestador>" + body

    def test_of_another_clinic_inside_an_envelope_to_us(self):
        other = b"<ans:cnpjContratado>11222333000181</ans:cnpjContratado>"
        with self.assertRefused("another provider.*11222333000181"):
            self._receive(self._of_another(other))
        code = b"<ans:codigoPrestadorNaOperadora>777</ans:codigoPrestadorNaOperadora>"
        self.company.sudo().tiss_cnes = "1234567"
        with self.assertRefused("another provider.*777"):
            self._receive(self._of_another(code, b"7654321"))
        self.assertTrue(self._receive(self._of_another(code, b"1234567")), "another code of ours")

    # ------------------------------------------------------------------
    # Memory
    # ------------------------------------------------------------------

    def _make_large(self, guias, items):
        """An analysis of guias that nobody sent, of the size of a real one."""
        content = self._analysis()
        start, end = b"<ans:relacaoGuias>", b"</ans:relacaoGuias>"
        head, _start, rest = content.partition(start)
        tail = rest.rpartition(end)[2]
        detail = b"<ans:detalhesGuia>" + content.partition(b"<ans:detalhesGuia>")[2].partition(
            b"</ans:detalhesGuia>"
        )[0] + b"</ans:detalhesGuia>"  # fmt: skip
        guia = (
            start
            + b"<ans:numeroGuiaPrestador>%d</ans:numeroGuiaPrestador>"
            + detail.replace(b"%", b"%%") * items
            + b"<ans:valorLiberadoGuia>1.00</ans:valorLiberadoGuia>"
            + end
        )
        return head + b"".join(guia % number for number in range(guias)) + tail

    def _get_peak(self, content, count):
        """What Python allocates to read a file, beside its bytes; libxml2's memory is not seen."""
        tracemalloc.start()
        try:
            reading, _walk = self.env["tiss.demonstrativo"]._read_stream(
                content, "demonstrativoAnaliseConta"
            )
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        [[rows]] = self.env.execute_query(SQL("SELECT count(*) FROM tiss_return_load"))
        reading.rows.close()
        self.assertEqual(rows, count)
        return peak

    def test_reading_takes_little_memory_at_any_size(self):
        """Thirty times the guias, or one guia with all the items: the same few buffers."""
        for guias, items in ((50, 5), (1500, 5), (1, 6000)):
            content = self._make_large(guias, items)
            with self.subTest(guias=guias, items=items):
                self.assertLess(self._get_peak(content, guias * items), MAX_PEAK)
