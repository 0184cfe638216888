from datetime import timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestGlosa(TissCommon):
    """Denied amounts: reasons, deadline, and acceptance by credit note."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract.appeal_days = 45
        cls.lote = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, CONSULTATION, protocol="1001")
        cls.guia = cls.lote.guia_ids[:1]

    @classmethod
    def _create_lote(cls, *visits, **vals):
        """SP/SADT only: an urgent consultation goes with the rest."""
        urgent = cls.env["tiss.term"]._get("23", "2")
        return super()._create_lote(*visits, care_character_id=urgent.id, **vals)

    def _deny(self, released):
        content = analysis_message(self.lote, released, "D1")
        demonstrativo = self.env["tiss.demonstrativo"].import_file("a.xml", content)
        demonstrativo.post()
        return demonstrativo.glosa_ids

    def _deny_two(self):
        first, second = self.lote.guia_ids.sorted("number")
        released = {
            (first.name, 1): (31.10, "1705"),
            (first.name, 2): (0.00, "1806"),
            (second.name, 1): 150.00,
        }
        return self._deny(released)

    def test_deadline_counts_from_the_demonstrativo(self):
        glosas = self._deny_two()
        self.assertEqual(set(glosas.mapped("deadline_date")), {self.today + timedelta(days=45)})

    def test_acceptance_is_a_credit_note_on_its_invoice(self):
        """10.00 + 14.90 denied; accepting both leaves 181.10 of 206.00 open."""
        glosas = self._deny_two()
        [note] = glosas.accept()
        self.assertEqual((note.move_type, note.state), ("out_refund", "posted"))
        self.assertEqual(note.amount_total, 24.90)
        self.assertEqual(note.amount_residual, 0, "matched with the invoice")
        self.assertEqual(note.invoice_line_ids.account_id, self.contract.glosa_account_id)
        self.assertEqual(len(note.invoice_line_ids), 2, "one line per glosa code")
        self.assertEqual(self.lote.invoice_id.amount_residual, 181.10)
        self.assertEqual(set(glosas.mapped("state")), {"accepted"})
        self.assertEqual(sum(self.lote.guia_ids.line_ids.mapped("amount_accepted")), 24.90)
        self.assertLedgerSound()

    def test_accepting_in_two_parts_is_accepting_once(self):
        glosas = self._deny_two()
        glosas[0].accept()
        glosas.accept()
        self.assertEqual(self.lote.invoice_id.amount_residual, 181.10)
        self.assertFalse(glosas.accept(), "nothing is left to accept")
        self.assertLedgerSound()

    def test_open_glosa_stays_on_the_invoice(self):
        self._deny_two()
        self.assertEqual(self.lote.invoice_id.amount_residual, 206.00)
        self.assertEqual(self.lote.amount_denied, 24.90)

    def test_reasons_share_the_denied_amount(self):
        """Two reasons of 6.00 and 4.00 for 12.00 denied: 2.00 stay without a reason."""
        guia = self.lote.guia_ids.sorted("number")[0]
        content = analysis_message(self.lote, {(guia.name, 1): (29.10, "1705")}, "D1")
        both = (
            b"<ans:relacaoGlosa><ans:valorGlosa>6.00</ans:valorGlosa>"
            b"<ans:tipoGlosa>1705</ans:tipoGlosa></ans:relacaoGlosa>"
            b"<ans:relacaoGlosa><ans:valorGlosa>4.00</ans:valorGlosa>"
            b"<ans:tipoGlosa>1806</ans:tipoGlosa></ans:relacaoGlosa>"
        )
        one = (
            b"<ans:relacaoGlosa><ans:valorGlosa>12.00</ans:valorGlosa>"
            b"<ans:tipoGlosa>1705</ans:tipoGlosa></ans:relacaoGlosa>"
        )
        self.assertIn(one, content)
        demonstrativo = self.env["tiss.demonstrativo"].import_file(
            "a.xml", content.replace(one, both)
        )
        demonstrativo.post()
        self.assertEqual(
            [(glosa.code, glosa.amount) for glosa in demonstrativo.glosa_ids.sorted("id")],
            [("1705", 6.00), ("1806", 4.00), (False, 2.00)],
        )

    def test_undoing_an_analysis_takes_back_the_code_it_gave(self):
        guia = self.lote.guia_ids.filtered(lambda guia: len(guia.line_ids) == 1)
        Demonstrativo = self.env["tiss.demonstrativo"]
        Demonstrativo.import_file(
            "p.xml", payment_message(self.lote, {guia.name: 140.00}, "P1")
        ).post()
        glosa = guia.glosa_ids
        self.assertFalse(glosa.code)
        content = analysis_message(self.lote, {(guia.name, 1): (140.00, "1705")}, "A1")
        analysis = Demonstrativo.import_file("a.xml", content)
        analysis.post()
        self.assertEqual((glosa.code, glosa.term_id.code), ("1705", "1705"))
        analysis.undo()
        self.assertEqual((glosa.code, glosa.term_id.code), (False, False))
        self.assertEqual((glosa.state, glosa.amount), ("open", 10.00))

    def test_inactive_code_is_kept_as_it_came(self):
        guia = self.lote.guia_ids.sorted("number")[0]
        glosa = self._deny({(guia.name, 1): (0, "1714")})
        self.assertEqual(glosa.code, "1714")
        self.assertFalse(glosa.term_id, "1714 is no longer in the Tabela 38 in force")

    def test_demonstrativo_with_an_accepted_glosa_cannot_be_undone(self):
        glosas = self._deny_two()
        glosas[0].accept()
        with self.assertRaisesRegex(UserError, "undo those first"):
            glosas.demonstrativo_id.undo()
