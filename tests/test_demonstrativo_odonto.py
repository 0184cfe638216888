from contextlib import ExitStack
from unittest.mock import patch

from odoo.tests import tagged

from .. import standard
from ..models.tiss_demonstrativo_import import TissDemonstrativo
from .common import TissCommon
from .guia_records import GuiaRecords
from .return_messages import dental_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDemonstrativoOdonto(GuiaRecords, TissCommon):
    """A dental file analyses the items of a GTO and pays them (guide §5.4).

    120.00, of which the patient pays 20.00, and 80.00: the operadora owes 180.00.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        guia = cls._create_odonto(
            cls._item(1, "81000030", 120, amount_patient=20), cls._item(2, "81000065", 80)
        )
        guia.action_check()
        cls.lote = guia.create_lotes()
        cls.lote.send()
        cls.lote.register_protocol("7001")

    def _import(self, rows, number="OD1", **options):
        content = dental_message(self.lote, rows, number, **options)
        return self.env["tiss.demonstrativo"].import_file("odonto.xml", content)

    def test_the_message_is_one_of_the_standard(self):
        content = dental_message(self.lote, {1: (70.00, "1705"), 2: (80.00,)}, "OD1")
        self.assertFalse(
            [
                violation
                for violation in standard.load("4.03.00").explain(content)
                if violation.code != "hash"
            ]
        )

    def test_one_file_analyses_and_pays(self):
        """100.00 → 70.00 with code 1705, 80.00 in full; ISS 5.00 withheld: 145.00 net."""
        rows = {1: (70.00, "1705"), 2: (80.00,)}
        analysis, payment = self._import(rows, adjustments=[("02", "ISS", 5.00)])
        self.assertEqual((analysis.kind, payment.kind), ("analysis", "payment"))
        self.assertEqual((analysis.amount_informed, analysis.amount_released), (180.00, 150.00))
        self.assertFalse(analysis.discrepancy_ids)
        (payment | analysis).post()
        first, second = self.lote.guia_ids.line_ids.sorted("sequence_item")
        self.assertEqual((first.amount_paid, first.amount_denied), (70.00, 30.00))
        self.assertEqual((second.amount_paid, second.amount_denied), (80.00, 0.00))
        self.assertEqual((first.glosa_ids.code, first.glosa_ids.amount), ("1705", 30.00))
        self.assertEqual(payment.payment_ids.payment_id.amount, 145.00)
        self.assertEqual(self.lote.amount_open, 30.00)
        self.assertLedgerSound()

    def test_in_pieces_and_as_a_whole_it_says_the_same(self):
        said = []
        for whole in (False, True):
            with self.env.cr.savepoint() as savepoint, ExitStack() as stack:
                if whole:
                    stack.enter_context(
                        patch.object(TissDemonstrativo, "_import_stream", return_value=None)
                    )
                both = self._import({1: (70.00, "1705"), 2: (80.00,)}, informed_total=999)
                lines = self.env["tiss.demonstrativo.line"].search(
                    [("demonstrativo_id", "in", both.ids)]
                )
                names = ("guia_line_id", "guia_id", "amount_informed", "amount_released", "reasons")
                said.append(
                    (
                        [[line[name] for name in names] for line in lines],
                        both.mapped("amount_informed"),
                        sorted(both.discrepancy_ids.mapped("display_name")),
                    )
                )
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertEqual(said[0], said[1])

    def test_the_same_file_again_changes_nothing(self):
        rows = {1: (100.00,), 2: (80.00,)}
        first = self._import(rows)
        self.assertEqual(self._import(rows), first)

    def test_post_then_undo_is_before(self):
        both = self._import({1: (0.00, "1705"), 2: (80.00,)})
        both.post()
        both.undo()
        self.assertEqual(self.lote.amount_open, 180.00)
        self.assertEqual(sum(self.lote.guia_ids.line_ids.mapped("amount_to_process")), 180.00)
        self.assertFalse(self.lote.glosa_ids)
        self.assertLedgerSound()

    def test_many_codes_share_an_amount_that_is_not_divided(self):
        [analysis, _payment] = self._import({1: (70.00, "1705", "1801"), 2: (80.00,)})
        analysis.post()
        [glosa] = self.lote.glosa_ids
        self.assertEqual((glosa.code, glosa.amount), ("1705", 30.00))

    def test_sums_that_disagree_are_told(self):
        [analysis, _payment] = self._import({1: (100.00,), 2: (80.00,)}, informed_total=999)
        words = " ".join(analysis.discrepancy_ids.mapped("display_name"))
        self.assertIn("the whole file (presented)", words)
