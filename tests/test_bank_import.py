import base64
from datetime import timedelta

from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .bank_records import OFX, ofx_file, ofx_statement
from .test_bank import BankCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestBankImport(BankCase):
    """A file of the bank: seen first, taken in once, matched at once where that is certain."""

    def _open(self, content, **vals):
        wizard = self.env["tiss.bank.import"].create(
            {"file": base64.b64encode(content), "file_name": "extrato.ofx", **vals}
        )
        wizard.action_read()
        return wizard

    def _import(self, *rows, **options):
        wizard = self._open(ofx_file(rows, **options))
        wizard.action_import()
        return wizard

    def _lines(self):
        return self.env["account.bank.statement.line"].search(
            [("journal_id", "=", self.bank.id)], order="id"
        )

    def test_preview_then_import(self):
        payment = self._post_payment(137.66, "P1")
        wizard = self._open(
            ofx_file(
                [
                    (self.today, 137.66, f"TED {self.operadora.vat} OPERADORA"),
                    (self.today, -12.30, "TARIFA"),
                ]
            )
        )
        self.assertFalse(self._lines(), "reading books nothing")
        self.assertEqual((wizard.new_count, wizard.known_count), (2, 0))
        self.assertEqual(wizard.account_ids.journal_id, self.bank, "the only bank there is")
        action = wizard.action_import()
        deposit, fee = self._lines()
        self.assertEqual((deposit.amount, deposit.date), (137.66, self.today))
        self.assertEqual((fee.amount, fee.payment_ref), (-12.30, "TARIFA"))
        self.assertTrue(payment.is_matched)
        self.assertEqual(fee.tiss_state, "open")
        self.assertIn("Matched without doubt: 1.", action["params"]["message"])
        self.assertEqual(self.bank.tiss_ofx_account, "341/00012-3")
        self.assertLedgerSound()

    def test_the_same_file_again_changes_nothing(self):
        rows = [(self.today, 10.00, "A"), (self.today, 10.00, "A")]
        self._import(*rows)
        before = self._balances()
        again = self._import(*rows)
        self.assertEqual((again.new_count, again.known_count), (0, 2))
        self.assertEqual(self._balances(), before)
        self.assertEqual(len(self._lines()), 2)

    def test_overlapping_files(self):
        days = [self.today - timedelta(days=i) for i in range(4)]
        rows = [(day, 10.00 + i, "A", f"ID{i}") for i, day in enumerate(days)]
        self._import(*rows[:3])
        second = self._import(*rows[1:])
        self.assertEqual((second.new_count, second.known_count), (1, 2))
        self.assertEqual(sorted(self._lines().mapped("amount")), [10.00, 11.00, 12.00, 13.00])

    def test_an_identifier_twice_in_a_file_is_one_movement_unless_somebody_says_two(self):
        rows = [(self.today, 10.00, "A", "X"), (self.today, 10.00, "A", "X")]
        wizard = self._open(ofx_file(rows))
        self.assertEqual((wizard.new_count, wizard.repeated_count), (1, 1))
        wizard.action_import()
        self.assertEqual(len(self._lines()), 1)
        wizard = self._open(ofx_file(rows))
        wizard.line_ids.filtered(lambda line: line.state == "repeated").is_selected = True
        wizard.action_import()
        self.assertEqual(len(self._lines()), 2)

    def test_several_accounts_need_to_be_told_apart(self):
        other = self.bank.sudo().copy({"name": "Outro Banco", "code": "BNK9"})
        text = OFX.format(
            statements=ofx_statement([(self.today, 1.00, "A")], account="111")
            + ofx_statement([(self.today, 2.00, "B")], account="222")
        )
        wizard = self._open(text.encode("cp1252"))
        self.assertFalse(wizard.account_ids.journal_id)
        with self.assertRefused("Say which bank"):
            wizard.action_import()
        first, second = wizard.account_ids
        first.journal_id, second.journal_id = self.bank, other
        wizard.action_import()
        self.assertEqual(self._lines().amount, 1.00)
        again = self._open(text.encode("cp1252"))
        self.assertEqual(again.account_ids.mapped("journal_id"), self.bank | other, "learned")
        self.assertEqual(again.known_count, 2)

    def test_a_bank_is_known_by_its_account_number(self):
        self.bank.sudo().copy({"name": "Outro Banco", "code": "BNK9"})
        bank = self.env["res.bank"].sudo().create({"name": "Banco Inventado"})
        self.bank.sudo().bank_account_id = (
            self.env["res.partner.bank"]
            .sudo()
            .create(
                {
                    "acc_number": "1234-5 / 000012-3",
                    "partner_id": self.company.partner_id.id,
                    "bank_id": bank.id,
                }
            )
        )
        wizard = self._open(ofx_file([(self.today, 1.00, "A")], account="00012-3"))
        self.assertEqual(wizard.account_ids.journal_id, self.bank)

    def test_another_currency_is_not_ticked(self):
        wizard = self._open(ofx_file([(self.today, 1.00, "A")], currency="USD"))
        self.assertTrue(wizard.account_ids.is_foreign)
        self.assertFalse(wizard.line_ids.is_selected)

    def test_refusals_in_words(self):
        good = ofx_file([(self.today, 1.00, "A")])
        for content, words in (
            (b"%PDF-1.7", "no OFX file"),
            (good[:-20], "cut off"),
            (b"<!DOCTYPE a>" + good, "definitions that no bank writes"),
            (b"<OFX></OFX>", "no account"),
        ):
            with self.subTest(words), self.assertRefused(words):
                self._open(content)
        with self.assertRefused("Choose a file"):
            self.env["tiss.bank.import"].create({}).action_read()

    def test_movements_of_a_closed_period(self):
        """Odoo would take them in under another day, and without asking."""
        old, new = self.today - timedelta(days=40), self.today
        wizard = self._open(ofx_file([(old, 10.00, "ANTIGO"), (new, 20.00, "NOVO")]))
        self.company.sudo().fiscalyear_lock_date = old + timedelta(days=10)
        with self.assertRefused("are closed until"):
            wizard.action_import()
        wizard.line_ids.filtered(lambda line: line.date == old).is_selected = False
        wizard.action_import()
        self.assertEqual([(line.amount, line.date) for line in self._lines()], [(20.00, new)])

    def test_what_cannot_be_read_is_counted(self):
        content = ofx_file([(self.today, 1.00, "A"), (self.today, 2.00, "B")])
        wizard = self._open(content.replace(b"<TRNAMT>2.00", b"<TRNAMT>?"))
        self.assertEqual((wizard.new_count, wizard.unread_count), (1, 1))

    def test_a_line_by_hand(self):
        payment = self._post_payment(50.00, "P1")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.account_bank_statement_line_action"
        )
        view = "l10n_br_tiss.account_bank_statement_line_view_form"
        Line = self.env["account.bank.statement.line"].with_context(tiss_bank=True)
        self.assertIn("tiss_bank", action["context"])
        with Form(Line, view) as form:
            form.date = self.today
            form.amount = 50.00
            form.payment_ref = f"TED {self.operadora.vat}"
        self.assertEqual(form.record.journal_id, self.bank)
        self._find()
        self.assertTrue(payment.is_matched)

    def test_only_billing_imports(self):
        user = self._create_user("i.recepcao", "reception")
        with self.assertRaises(AccessError):
            self.env["tiss.bank.import"].with_user(user).create({})

    def test_queries_of_an_import(self):
        """Odoo takes some for each entry that it posts; we add a constant number."""
        counts = []
        for size in (10, 40):
            rows = [(self.today, size + i, f"TED {i}", f"ID{size}{i}") for i in range(size)]
            wizard = self._open(ofx_file(rows))
            start = self.env.cr.sql_log_count
            wizard.action_import()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - start)
        self.assertEqual(len(self._lines()), 50)
        self.assertLess((counts[1] - counts[0]) / 30, 12)
