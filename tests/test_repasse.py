import base64
import io

import openpyxl

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..models.repasse_book import Item, Terms, get_base, get_share
from ..standard.money import to_cents
from .common import BLOOD_COUNT, DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message, payment_message


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRepasse(TissCommon):
    """What professionals earn of what operadoras owe and pay, in both directions."""

    def _rule(self, **vals):
        return self.env["tiss.repasse.rule"].create({"percent": 50, **vals})

    def _receive(self, content):
        return self.env["tiss.message"].receive_file("retorno.xml", content)

    def _analyse(self, lote, amount, number="A1"):
        """The operadora releases `amount` of the only item of the only guia."""
        code = {(lote.guia_ids.name, 1): (amount, "1705")}
        demonstrativo = self._receive(analysis_message(lote, code, number))
        demonstrativo.post()
        return demonstrativo

    def _pay(self, lote, amount, number):
        demonstrativo = self._receive(payment_message(lote, {lote.guia_ids.name: amount}, number))
        demonstrativo.post()
        return demonstrativo

    def _generate(self, date=None):
        return self.env["tiss.repasse"].generate(date or self.today)

    # ------------------------------------------------------------------
    # The two bases
    # ------------------------------------------------------------------

    def test_received_earns_as_the_operadora_pays(self):
        """A third of 41.10: 10.00 of the first 30.00, 3.70 of the rest, 13.70 together."""
        self._rule(basis="receipt", percent=33.33)
        lote = self._create_received_lote({ECG: 1})
        self.assertFalse(self._generate(), "billed is not received")
        self._analyse(lote, 41.10)
        self._pay(lote, 30.00, "P1")
        first = self._generate()
        self.assertEqual(first.professional_id, self.professional)
        self.assertEqual(first.amount_total, 10.00)
        first.close()
        self._pay(lote, 11.10, "P2")
        second = self._generate()
        self.assertEqual(second.amount_total, 3.70)
        self.assertLedgerSound()

    def test_billed_earns_at_once_and_gives_back_what_is_finally_denied(self):
        """Half of 41.10 is 20.55; 11.10 are given up: 5.55 back, 15.00 are left."""
        self._rule(basis="production")
        lote = self._create_received_lote({ECG: 1})
        self.assertEqual(self._generate().amount_total, 20.55)
        self._analyse(lote, 30.00)
        self.assertEqual(self._generate().amount_total, 20.55, "denied is not given up yet")
        lote.glosa_ids.accept()
        repasse = self._generate()
        self.assertEqual(sorted(repasse.line_ids.mapped("amount")), [-5.55, 20.55])
        self.assertEqual(repasse.amount_total, 15.00)
        self._pay(lote, 30.00, "P1")
        self.assertEqual(self._generate().amount_total, 15.00, "a payment changes nothing")
        self.assertLedgerSound()

    def test_an_undone_payment_is_taken_back_in_the_next_period(self):
        self._rule(basis="receipt")
        lote = self._create_received_lote({ECG: 1})
        payment = self._pay(lote, 41.10, "P1")
        first = self._generate()
        self.assertEqual(first.amount_total, 20.55)
        first.close()
        payment.undo()
        second = self._generate()
        self.assertEqual(second.amount_total, -20.55)
        self.assertEqual(second.line_ids.kind, "undo")

    def test_a_negative_balance_is_carried_over(self):
        self._rule(basis="receipt")
        lote = self._create_received_lote({ECG: 1})
        payment = self._pay(lote, 41.10, "P1")
        self._generate().close()
        payment.undo()
        negative = self._generate()
        self.assertFalse(negative.close(), "nothing is billed of a debt")
        self._pay(lote, 30.00, "P2")
        third = self._generate()
        self.assertEqual(third.previous_id, negative)
        self.assertEqual(
            (third.amount_lines, third.amount_carried, third.amount_total), (15.00, -20.55, -5.55)
        )
        third.close()
        self.assertEqual(self._generate().amount_carried, -5.55, "and on, without a movement")

    # ------------------------------------------------------------------
    # Rules
    # ------------------------------------------------------------------

    def test_the_most_specific_rule_counts(self):
        product = self.products[ECG]
        other = self.env["product.category"].create({"name": "Grupo Inventado"})
        product.categ_id = self.env["product.category"].create(
            {"name": "Exames Inventados", "parent_id": other.id}
        )
        rules = [
            self._rule(percent=10),
            self._rule(percent=20, categ_id=other.id),
            self._rule(percent=30, categ_id=product.categ_id.id),
            self._rule(percent=40, contract_id=self.contract.id),
            self._rule(percent=50, professional_id=self.professional.id),
        ]
        self._pay(self._create_received_lote({ECG: 1}), 41.10, "P1")
        for rule, amount in zip(reversed(rules), (20.55, 16.44, 12.33, 8.22, 4.11), strict=True):
            repasse = self._generate()
            self.assertEqual(repasse.line_ids.rule_id, rule)
            self.assertEqual(repasse.amount_total, amount)
            rule.active = False
        self.assertFalse(self._generate(), "without a rule there is no repasse")

    def test_expenses_count_only_where_the_rule_says_so(self):
        """41.10 and three ampoules of 7.45: half of 41.10, or half of 63.45."""
        rule = self._rule(basis="production")
        self._create_received_lote({ECG: 1, DIPYRONE: 3})
        self.assertEqual(self._generate().amount_total, 20.55)
        rule.with_expenses = True
        self.assertEqual(self._generate().amount_total, 31.73, "20.55 and 11.18: half a cent up")

    def test_a_fixed_amount_is_per_unit_and_in_proportion_to_what_came(self):
        """Two blood counts of 33.33 at 10.00 each: 20.00 of 66.66, 10.00 of 33.33."""
        self._rule(share_kind="fixed", percent=0, amount=10, basis="receipt")
        lote = self._create_received_lote({BLOOD_COUNT: 2})
        self._pay(lote, 33.33, "P1")
        self.assertEqual(self._generate().amount_total, 10.00)

    def test_a_changed_rule_leaves_items_alone_that_were_shared_before(self):
        rule = self._rule(basis="production")
        lote = self._create_received_lote({ECG: 1})
        self._generate().close()
        rule.percent = 10
        self._analyse(lote, 30.00)
        lote.glosa_ids.accept()
        self.assertEqual(self._generate().amount_total, -5.55, "half, as it was given")

    def test_a_rule_holds_for_its_days_of_service(self):
        rule = self._rule(basis="production", start_date=self.visit_date)
        self._create_received_lote({ECG: 1})
        self.assertTrue(self._generate())
        rule.start_date = self.today
        self.assertFalse(self._generate())

    def test_a_team_shares_an_item_to_the_cent(self):
        """41.10 by weights 100 and 60: 25.69 and 15.41; half of each, and back to zero."""
        terms = Terms(1, "receipt", "percent", 50.0, 0.0)
        item = Item(1, 1, None, (), False, 1.0, 4110, ((7, 100), (8, 60)))
        self.assertEqual([get_share(terms, item, place, 4110) for place in (0, 1)], [1285, 771])
        self.assertEqual([get_share(terms, item, place, 0) for place in (0, 1)], [0, 0])
        whole = Terms(1, "receipt", "percent", 100.0, 0.0)
        for base in range(0, 4111, 37):
            shares = [get_share(whole, item, place, base) for place in (0, 1)]
            self.assertEqual(sum(shares), base)

    def test_a_rule_of_a_member_that_is_added_later(self):
        """Of 41.10 the surgeon earned his part alone; the rest is the assistant's, later."""
        assistant = self._create_professional("Assistente Exemplo", "654321")
        guia = self._create_encounters({ECG: 1}).create_guias()
        Term = self.env["tiss.term"]
        guia.line_ids.member_ids = [
            Command.clear(),
            *(
                Command.create(
                    {"professional_id": member.id, "participation_id": Term._get("35", code).id}
                )
                for member, code in ((self.professional, "00"), (assistant, "01"))
            ),
        ]
        lote = guia.create_lotes()
        lote.build()
        lote.send()
        lote.register_protocol("900001", self.today)
        self._rule(basis="production", percent=100, professional_id=self.professional.id)
        first = self._generate()
        self.assertEqual(first.professional_id, self.professional)
        first.close()
        self.assertFalse(self._generate())
        self._rule(basis="production", percent=100, professional_id=assistant.id)
        later = self._generate()
        self.assertEqual(later.professional_id, assistant)
        self.assertTrue(0 < later.amount_total < first.amount_total)
        self.assertEqual(to_cents(first.amount_total) + to_cents(later.amount_total), 4110)
        later.close()
        self.assertFalse(self._generate(), "once")

    def test_what_a_movement_adds_to_each_basis(self):
        for basis, source, target, expected in (
            ("production", None, "to_process", 100),
            ("production", "to_process", "released", 0),
            ("production", "released", "paid", 0),
            ("production", "to_process", "denied", 0),
            ("production", "denied", "accepted", -100),
            ("production", "accepted", "denied", 100),
            ("production", "to_process", None, -100),
            ("production", "to_process", "copaid", 0),
            ("receipt", None, "to_process", 0),
            ("receipt", "released", "paid", 100),
            ("receipt", "appealed", "paid", 100),
            ("receipt", "paid", "denied", -100),
            ("receipt", "to_process", "copaid", 100),
            ("receipt", "denied", "accepted", 0),
        ):
            with self.subTest(basis=basis, source=source, target=target):
                self.assertEqual(get_base(basis, source, target, 100), expected)

    # ------------------------------------------------------------------
    # Generating and closing
    # ------------------------------------------------------------------

    def test_generating_twice_is_generating_once(self):
        self._rule(basis="production")
        self._create_received_lote({ECG: 1})
        first = self._generate()
        second = self._generate()
        self.assertEqual(first, second)
        self.assertEqual((len(second.line_ids), second.amount_total), (1, 20.55))

    def test_what_is_closed_is_never_shared_again(self):
        self._rule(basis="production")
        self._create_received_lote({ECG: 1})
        closed = self._generate()
        closed.close()
        self.assertFalse(self._generate())
        self._create_received_lote({BLOOD_COUNT: 1}, protocol="900002")
        self.assertEqual(self._generate().amount_total, 16.67)
        self.assertEqual(closed.amount_total, 20.55)

    def test_movements_after_the_day_wait(self):
        self._rule(basis="production")
        self._create_received_lote({ECG: 1})
        self.assertFalse(self._generate(self.visit_date))

    def test_a_company_gets_a_draft_bill(self):
        company = self.env["res.partner"].create(
            {"name": "Clínica Médica Exemplo Ltda", "is_company": True}
        )
        self.professional.tiss_repasse_payee_id = company
        self._rule(basis="production")
        self._create_received_lote({ECG: 1})
        repasse = self._generate()
        bill = repasse.close()
        self.assertEqual((bill.move_type, bill.state), ("in_invoice", "draft"))
        self.assertEqual(bill.partner_id, company)
        self.assertEqual(bill.amount_total, 20.55)
        self.assertEqual(bill.invoice_line_ids.account_id, self.company.tiss_repasse_account_id)
        self.assertEqual(repasse.bill_id, bill)
        with self.assertRaisesRegex(UserError, "has a bill"):
            repasse.action_mark_paid()
        repasse.reopen()
        self.assertEqual((repasse.state, repasse.bill_id.exists()), ("draft", bill.browse()))

    def test_a_person_is_in_the_list_for_the_rpa(self):
        self._rule(basis="production")
        self._create_received_lote({ECG: 1})
        repasse = self._generate()
        with self.assertRaisesRegex(UserError, "Choose closed repasses"):
            repasse.action_export_rpa()
        self.assertFalse(repasse.close())
        action = repasse.action_export_rpa()
        export = self.env["tiss.file.export"].browse(int(action["url"].split("/")[4]))
        sheet = openpyxl.load_workbook(io.BytesIO(base64.b64decode(export.file))).active
        rows = list(sheet.iter_rows(values_only=True))
        self.assertEqual(len(rows), 2)
        self.assertEqual(rows[1][0], self.professional.name)
        self.assertEqual(rows[1][5], 20.55)
        repasse.action_mark_paid()
        self.assertEqual(repasse.state, "paid")

    def test_only_the_last_one_is_opened_again(self):
        self._rule(basis="production")
        self._create_received_lote({ECG: 1})
        first = self._generate()
        first.close()
        self._create_received_lote({BLOOD_COUNT: 1}, protocol="900002")
        self._generate()
        with self.assertRaisesRegex(UserError, "a later repasse"):
            first.reopen()

    def test_a_closed_repasse_stays(self):
        self._rule(basis="production")
        self._create_received_lote({ECG: 1})
        repasse = self._generate()
        repasse.close()
        with self.assertRaisesRegex(UserError, "stays in the history"):
            repasse.unlink()
        with self.assertRaisesRegex(UserError, "follows from what"):
            repasse.amount_total = 1

    def test_the_statement_adds_up(self):
        self._rule(basis="production")
        self._create_received_lote({ECG: 1}, {BLOOD_COUNT: 1})
        repasse = self._generate()
        [(name, rows, total)] = repasse._get_statement_rows()
        self.assertEqual(name, self.contract.name)
        self.assertEqual(sorted(row["amount"] for row in rows), [16.67, 20.55])
        self.assertEqual(total, 37.22)
        html, kind = self.env["ir.actions.report"]._render_qweb_html(
            "l10n_br_tiss.report_repasse", repasse.ids
        )
        self.assertEqual(kind, "html")
        self.assertRegex(html.decode(), "37[.,]22")

    def test_queries_do_not_grow_with_the_movements(self):
        self._rule(basis="production")
        counts = {}
        for size in (2, 20):
            self._create_received_lote(*[{ECG: 1}] * size, protocol=f"8{size:05d}")
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self._generate().close()
            counts[size] = self.env.cr.sql_log_count - start
        self.assertLessEqual(counts[20], counts[2] + 2, counts)
