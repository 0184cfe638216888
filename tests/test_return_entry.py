import base64
import json

from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestReturnEntry(TissCommon):
    """Demonstrativos typed from a portal or a PDF: checked and posted as those of a file."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # One guia of 150.00 in one item, one of 41.10 + 14.90 = 56.00 in two.
        cls.consulta = cls._create_received_lote(CONSULTATION, protocol="1001")
        cls.sadt = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1002")
        cls.guia = cls.sadt.guia_ids
        cls.biller = cls._create_user("digitado", "billing")

    def _type(self, lotes, number="T1", kind="both", denied=(), taxes=(), **vals):
        """What a biller types.

        :param denied: (item of the guia of 56.00, released amount, T38 code)
        :param taxes: (T27 code, amount)
        """
        form = Form(self.env["tiss.return.entry"].with_user(self.biller))
        form.name = number
        form.contract_id = self.contract
        form.kind = kind
        for lote in lotes:
            form.lote_ids.add(lote)
        if kind != "analysis":
            form.payment_date = self.today
        entry = form.save()
        Term = self.env["tiss.term"]
        for item, released, code in denied:
            line = entry.line_ids.filtered(
                lambda line, n=item: line.guia_id == self.guia and line.sequence_item == n
            )
            line.write({"amount_released": released, "reason_id": Term._get("38", code).id})
        for code, amount in taxes:
            entry.adjustment_ids = [
                Command.create({"kind_id": Term._get("27", code).id, "amount": amount})
            ]
        entry.write(vals)
        return entry

    def test_a_protocolo_brings_its_items_released(self):
        entry = self._type(self.consulta | self.sadt)
        self.assertEqual(entry.line_ids.guia_line_id, (self.consulta | self.sadt).guia_ids.line_ids)
        self.assertEqual(sorted(entry.line_ids.mapped("amount_released")), [14.90, 41.10, 150.00])
        self.assertEqual((entry.amount_presented, entry.amount_denied), (206.00, 0))
        with Form(entry) as form:
            form.lote_ids.remove(self.sadt.id)
        self.assertEqual(entry.line_ids.guia_id, self.consulta.guia_ids)

    def test_analysis_and_payment_with_taxes(self):
        """206.00 presented, 10.00 denied, 196.00 released, 2.94 IRRF: 193.06 in the bank."""
        entry = self._type(
            self.consulta | self.sadt, denied=[(2, 4.90, "1705")], taxes=[("01", 2.94)]
        )
        self.assertEqual((entry.amount_denied, entry.amount_net), (10.00, 193.06))
        demonstrativos = entry.check()
        self.assertEqual(demonstrativos.mapped("kind"), ["analysis", "payment"])
        self.assertEqual(entry.state, "checked")
        analysis, payment = demonstrativos
        self.assertFalse(analysis.discrepancy_ids)
        self.assertEqual(analysis.preview()["amounts"]["deny"], 10)
        self.assertEqual(self.sadt.amount_denied, 0, "nothing is booked yet")
        entry.action_post()
        self.assertEqual(entry.state, "posted")
        self.assertEqual(payment.payment_ids.payment_id.amount, 193.06)
        [glosa] = analysis.glosa_ids
        self.assertEqual((glosa.code, glosa.amount), ("1705", 10.00))
        self.assertEqual((self.consulta.amount_open, self.sadt.amount_open), (0, 10.00))
        self.assertLedgerSound()

    def test_the_analysis_alone_then_the_payment_alone(self):
        entry = self._type(self.sadt, kind="analysis", denied=[(1, 20.00, "1705")])
        entry.check()
        entry.action_post()
        self.assertEqual(self.guia.line_ids.mapped("amount_released"), [20.00, 14.90])
        paid = self._type(self.sadt, "T2", kind="payment")
        self.assertEqual(paid.line_ids.mapped("amount_released"), [20.00, 14.90])
        paid.check()
        paid.action_post()
        self.assertEqual(self.guia.amount_paid, 34.90)
        self.assertLedgerSound()

    def test_typed_and_read_from_a_file_is_the_same(self):
        items = {(self.guia.name, 1): 41.10, (self.guia.name, 2): (4.90, "1705")}
        content = analysis_message(self.sadt, items, "T1")
        entry = self._type(self.sadt, kind="analysis", denied=[(2, 4.90, "1705")])
        typed = entry.check()
        self.assertEqual(self.env["tiss.message"].receive_file("a.xml", content), typed)
        typed.post()
        self.assertEqual(self.env["tiss.message"].receive_file("a.xml", content), typed)

    def test_what_a_file_said_already_is_not_made_again(self):
        items = {(self.guia.name, 1): 41.10, (self.guia.name, 2): 14.90}
        first = self.env["tiss.message"].receive_file(
            "a.xml", analysis_message(self.sadt, items, "T1")
        )
        entry = self._type(self.sadt, kind="analysis")
        self.assertEqual(entry.check(), first)
        self.assertEqual(entry.state, "draft")
        other = self._type(self.sadt, kind="analysis", denied=[(2, 4.90, "1705")])
        self.assertEqual(other.check().state, "held", "a person looks at the difference")

    def test_once_posted_nothing_changes(self):
        entry = self._type(self.sadt, taxes=[("01", 1.00)])
        entry.file = base64.b64encode(b"%PDF-1.7 extrato inventado")
        entry.check()
        for post in (False, True):
            if post:
                entry.action_post()
            with self.subTest(posted=post):
                for change in (
                    lambda: entry.write({"name": "T9"}),
                    lambda: entry.write({"file": False}),
                    lambda: entry.line_ids[0].write({"amount_released": 1.00}),
                    lambda: entry.line_ids[0].unlink(),
                    lambda: entry.adjustment_ids.write({"amount": 2.00}),
                    lambda: entry.write({"line_ids": [Command.clear()]}),
                    lambda: entry.unlink(),
                ):
                    with self.assertRefused("was checked"):
                        change()
        with self.assertRefused("has to be undone first"):
            entry.correct()
        entry.message_post(body="Conferido com o extrato")

    def test_correcting_before_and_after_posting(self):
        entry = self._type(self.sadt, kind="analysis", denied=[(2, 4.90, "1705")])
        entry.check()
        entry.action_correct()
        self.assertEqual(entry.state, "draft")
        entry.line_ids[1].amount_released = 10.00
        entry.check()
        entry.action_post()
        self.assertEqual(self.sadt.amount_denied, 4.90)
        entry.demonstrativo_ids.undo()
        self.assertEqual(entry.state, "draft")
        entry.line_ids[1].amount_released = 14.90
        entry.check()
        entry.action_post()
        self.assertEqual(self.sadt.amount_denied, 0)
        self.assertLedgerSound()

    def test_what_was_typed_is_in_the_journal(self):
        entry = self._type(self.sadt, kind="analysis", denied=[(2, 4.90, "1705")])
        message = entry.check().message_id
        self.assertIn("typed by hand", message.transaction_name)
        part = json.loads(message._get_content())["analysis"]
        self.assertEqual(part["valorLiberadoGeral"], "46.00")
        self.assertFalse(self.contract.check_ledger())

    def test_amounts_that_cannot_be(self):
        for released, code in ((50.00, "released_above"), (-1.00, "released_above")):
            entry = self._type(
                self.sadt, f"T{released:.0f}", kind="analysis", denied=[(1, released, "1705")]
            )
            analysis = entry.check()
            self.assertIn(code, analysis.discrepancy_ids.mapped("code"))
            with self.assertRefused("cannot be posted yet"):
                entry.action_post()

    def test_an_item_left_out_is_still_in_analysis(self):
        entry = self._type(self.sadt, kind="analysis")
        entry.line_ids[1].unlink()
        entry.check()
        entry.action_post()
        self.assertEqual(self.guia.line_ids.mapped("amount_to_process"), [0, 14.90])
        again = self._type(self.sadt, "T2", kind="analysis")
        self.assertEqual(again.line_ids.mapped("amount_released"), [14.90])

    def test_what_is_missing_is_said(self):
        entry = self._type(self.sadt)
        entry.payment_date = False
        with self.assertRefused("day of the payment"):
            entry.check()
        entry = self._type(self.sadt, "T3", kind="analysis", taxes=[("01", 1.00)])
        with self.assertRefused("no taxes"):
            entry.check()
        entry = self._type(self.sadt.browse(), "T4", kind="analysis")
        with self.assertRefused("Choose the protocolos"):
            entry.check()
