from unittest.mock import patch

from odoo.tests import tagged

from ..models import tiss_underpayment
from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestUnderpayment(TissCommon):
    """What was settled against the contract price of the day, with or without a glosa code."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Underpayment = cls.env["tiss.underpayment"]
        urgent = cls.env["tiss.term"]._get("23", "2")
        cls.lote = cls._create_received_lote(
            {ECG: 1, DIPYRONE: 2}, CONSULTATION, protocol="1001", care_character_id=urgent.id
        )
        cls.first, cls.second = cls.lote.guia_ids.sorted("number")

    def _look(self, released, number="A1"):
        content = analysis_message(self.lote, released, number)
        demonstrativo = self.env["tiss.demonstrativo"].import_file(f"{number}.xml", content)
        demonstrativo.post()
        self._run_cron(self.Underpayment._cron_look)
        return self.Underpayment.search([("demonstrativo_id", "=", demonstrativo.id)])

    def _look_at_all(self):
        """The ECG cut with a code, the consultation without one, the dipyrone denied whole."""
        return self._look(
            {
                (self.first.name, 1): (31.10, "1705"),
                (self.first.name, 2): (0, "1806"),
                (self.second.name, 1): 140.00,
            }
        )

    def _set_price(self, code, price):
        item = self.contract.pricelist_id.item_ids.filtered(
            lambda item: (
                item.tiss_term_id.code == code
                or item.product_tmpl_id.default_code == code
                or item.product_tmpl_id == self.products[code].product_tmpl_id
            )
        )
        item.fixed_price = price

    def test_with_and_without_a_code(self):
        """A whole item that was denied for a clinical reason is no matter of its price."""
        rows = self._look_at_all()
        self.assertEqual(
            {(row.code, row.kind, row.glosa_codes, row.amount_difference) for row in rows},
            {(ECG, "price", "1705", 10.00), (CONSULTATION, "nameless", "", 10.00)},
        )
        self.assertEqual(set(rows.mapped("professional_id")), {self.professional})
        self.assertEqual(sum(rows.mapped("amount_claimable")), 20.00)

    def test_billed_below_the_contract(self):
        """The contract says 45.00 on that day; 41.10 were billed and are paid."""
        self._set_price(ECG, 45.00)
        rows = self._look({(self.first.name, 1): 41.10, (self.first.name, 2): 14.90})
        self.assertEqual(rows.mapped("kind"), ["billed_low"])
        self.assertEqual(
            (rows.amount_expected, rows.amount_settled, rows.amount_difference),
            (45.00, 41.10, 3.90),
        )
        with self.assertRefused("what was billed too low is not contested"):
            rows.contest()

    def test_one_click_to_the_recurso(self):
        rows = self._look_at_all()
        recursos = rows.contest()
        self.assertEqual(sorted(recursos.mapped("amount_total")), [10.00, 10.00])
        self.assertEqual(set(recursos.line_ids.mapped("code")), {"1705"})
        self.assertTrue(all(recursos.line_ids.mapped("justification")))
        self.assertFalse([problem for problem in recursos.mapped("problems") if problem])

    def test_one_discrepancy_leads_there(self):
        rows = self._look_at_all()
        row = rows.demonstrativo_id.discrepancy_ids.filtered(
            lambda row: row.code == "paid_below_contract"
        )
        self.assertEqual((row.amount_ours, row.amount_theirs), (191.10, 171.10))
        row.resolve("contest")
        self.assertEqual(set(rows.guia_line_id.glosa_ids.mapped("is_contested")), {True})
        self.assertEqual(len(rows.guia_line_id.glosa_ids.recurso_id), 2)

    def test_tolerance(self):
        self.contract.underpayment_tolerance = 10.00
        self.assertFalse(self._look_at_all())
        self.env["tiss.demonstrativo"].search([]).sudo().is_price_checked = False
        self.contract.underpayment_tolerance = 9.99
        self._run_cron(self.Underpayment._cron_look)
        self.assertEqual(self.Underpayment.search_count([]), 2)

    def test_the_night_looks_through_all_in_small_steps(self):
        self._look_at_all()
        self._look({(self.second.name, 1): 140.00}, "A2")
        demonstrativos = self.env["tiss.demonstrativo"].search([])
        demonstrativos.sudo().is_price_checked = False
        with patch.object(tiss_underpayment, "BATCH", 1):
            self.assertEqual(self._run_cron(self.Underpayment._cron_look), [1, 1])
        self.assertEqual(set(demonstrativos.mapped("is_price_checked")), {True})

    def test_looked_at_twice_is_once(self):
        rows = self._look_at_all()
        rows[0].ignore("Combinado")
        self.env["tiss.demonstrativo"].search([]).sudo().is_price_checked = False
        self.Underpayment.action_look()
        self.assertEqual(self.Underpayment.search([]), rows)
        self.assertTrue(rows[0].is_ignored)

    def test_one_discrepancy_as_long_as_something_waits(self):
        """20.00 of two items, then 10.00 of one, then nothing."""
        rows = self._look_at_all()
        demonstrativo = rows.demonstrativo_id

        def get_row():
            found = demonstrativo.discrepancy_ids.filtered(
                lambda row: row.code == "paid_below_contract" and row.state != "resolved"
            )
            return [(row.place, row.amount_weight) for row in found]

        self.assertEqual(get_row(), [("2 items", 20.00)])
        rows.filtered(lambda row: row.code == ECG).ignore("Combinado")
        self.assertEqual(get_row(), [("1 item", 10.00)])
        demonstrativo.sudo().is_price_checked = False
        self._run_cron(self.Underpayment._cron_look)
        self.assertEqual(get_row(), [("1 item", 10.00)])
        rows.filtered(lambda row: row.code == CONSULTATION).contest()
        self.assertEqual(get_row(), [])

    def test_what_comes_later_makes_it_smaller(self):
        rows = self._look_at_all()
        ecg = rows.filtered(lambda row: row.code == ECG)
        recurso = ecg.contest()
        recurso.send()
        recurso.register_protocol("700001", self.today)
        recurso.register_answer({recurso.line_ids: 10.00})
        content = payment_message(self.lote, {self.first.name: 10.00}, "P1")
        content = content.replace(b"tipoPagamento>1<", b"tipoPagamento>2<")
        self.env["tiss.demonstrativo"].import_file("P1.xml", content).post()
        self.assertEqual((ecg.amount_settled, ecg.amount_difference), (41.10, 0))
        self.assertLedgerSound()

    def test_undone_with_its_demonstrativo(self):
        rows = self._look_at_all()
        rows.demonstrativo_id.undo()
        self.assertFalse(rows.exists())
