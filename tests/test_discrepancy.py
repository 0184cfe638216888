import re
from datetime import timedelta

from odoo.tests import tagged

from ..models.discrepancy_kinds import OFFERS, RESOLUTIONS
from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message, payment_message


class DiscrepancyCase(TissCommon):
    """A received lote with two guias of 56.00 (41.10 + 14.90) and 150.00."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Demonstrativo = cls.env["tiss.demonstrativo"]
        urgent = cls.env["tiss.term"]._get("23", "2")
        cls.lote = cls._create_received_lote(
            {ECG: 1, DIPYRONE: 2}, CONSULTATION, protocol="1001", care_character_id=urgent.id
        )
        cls.first, cls.second = cls.lote.guia_ids.sorted("number")
        cls.ecg, cls.dipyrone = cls.first.line_ids.sorted("sequence_item")

    def _import(self, content, name="f.xml"):
        return self.Demonstrativo.import_file(name, content)

    def _find(self, demonstrativo, code):
        return demonstrativo.discrepancy_ids.filtered(lambda row: row.code == code)

    def _get_balance(self, account):
        lines = self.env["account.move.line"].search(
            [("account_id", "=", account.id), ("parent_state", "=", "posted")]
        )
        return round(sum(lines.mapped("balance")), 2)

    def _get_suspense(self):
        return self._get_balance(self.company.tiss_suspense_account_id)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestQueue(DiscrepancyCase):
    """The rows of the queue: what they say, who has them, and that they survive a check."""

    def test_every_kind_says_what_happened_and_offers_what_exists(self):
        Discrepancy = self.env["tiss.discrepancy"]
        sentences = Discrepancy._get_sentences()
        codes = set(Discrepancy._fields["code"].get_values(self.env))
        self.assertEqual(codes - set(sentences), set())
        self.assertLessEqual(set(OFFERS), codes)
        names = {name for name, _label in RESOLUTIONS}
        for code, offers in OFFERS.items():
            with self.subTest(code):
                self.assertLessEqual(set(offers), names)
                for name in offers:
                    self.assertTrue(hasattr(Discrepancy, f"_resolve_{name}"), name)

    def test_only_lines_that_differ_are_shown(self):
        """One agrees, one was cut, and one is of a guia that nobody knows."""
        first, second = self.first.name, self.second.name
        content = analysis_message(
            self.lote, {(first, 1): 41.10, (first, 2): (4.90, "1705"), (second, 1): 150.00}, "A1"
        )
        name = f"numeroGuiaPrestador>{second}<".encode()
        analysis = self._import(content.replace(name, b"numeroGuiaPrestador>98765<"))
        by_status = analysis.line_ids.grouped("status")
        self.assertEqual(set(by_status), {"agrees", "decide", "blocked"})
        self.assertEqual(analysis.differing_line_ids, analysis.line_ids - by_status["agrees"])
        self.assertEqual(analysis.agreeing_count, 1)

    def test_many_are_found_in_as_many_queries_as_few(self):
        counts = []
        for number in (1, 2, 40):
            content = analysis_message(self.lote, {(self.second.name, 1): 150.00}, f"M{number}")
            analysis = self._import(content)
            row = {"demonstrativo_id": analysis.id, "level": "guia", "protocol_number": "1001"}
            self.env["tiss.demonstrativo.line"].sudo().create(
                [{**row, "guia_number": f"7{place}"} for place in range(number)]
            )
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            analysis.action_check()
            counts.append(self.env.cr.sql_log_count - start)
            self.assertEqual(len(self._find(analysis, "unknown_guia")), number)
        _first, *others = counts  # it also fills the caches
        self.assertEqual(*others)

    def test_sums_are_named_in_words(self):
        """No names of elements: what of which protocolo, and of the whole file."""
        content = analysis_message(self.lote, {(self.first.name, 1): 41.10}, "A1")
        for name in (b"valorInformadoProtocolo", b"valorLiberadoGeral"):
            content = content.replace(b"<ans:%s>41.10<" % name, b"<ans:%s>50.00<" % name)
        rows = self._find(self._import(content), "sums_disagree")
        sentences = " ".join(rows.mapped("sentence"))
        self.assertIn("At 1001 (presented) the file says", sentences)
        self.assertIn("At the whole file (released) the file says", sentences)
        self.assertNotIn("valor", sentences + " ".join(rows.mapped("display_name")))

    def test_payer_of_another_cnpj_is_remarked_zeros_name_nobody(self):
        content = analysis_message(self.lote, {(self.first.name, None): 56.00}, "A1")
        for cnpj, found in ((self.operadora.vat, 0), ("0" * 14, 0), ("11222333000181", 1)):
            file = re.sub(b"<ans:numeroCNPJ>.*?<", f"<ans:numeroCNPJ>{cnpj}<".encode(), content)
            with self.subTest(cnpj), self.env.cr.savepoint() as savepoint:
                demonstrativo = self._import(file)
                self.assertEqual(len(self._find(demonstrativo, "payer_differs")), found)
                self.assertFalse(demonstrativo.discrepancy_ids.filtered("is_blocking"))
                savepoint.rollback()

    def test_another_cnpj_pays_for_the_operadora(self):
        """Deposits that name it are recognised from then on; twice is once."""
        other = "11222333000181"
        for number, guia in (("A1", self.first), ("A2", self.second)):
            content = analysis_message(self.lote, {(guia.name, None): 30.00}, number)
            file = re.sub(b"<ans:numeroCNPJ>.*?<", f"<ans:numeroCNPJ>{other}<".encode(), content)
            row = self._find(self._import(file), "payer_differs")
            row.resolve("pays_too")
            self.assertEqual(row.state, "resolved")
        aliases = self.env["tiss.bank.alias"].search([("text", "=", other)])
        self.assertEqual(aliases.partner_id, self.operadora)

    def test_owner_and_reason_survive_a_new_check(self):
        content = payment_message(self.lote, {self.first.name: 60.00}, "P1")
        demonstrativo = self._import(content)
        row = self._find(demonstrativo, "paid_above")
        row.write({"user_id": self.env.uid, "note": "Perguntei por telefone"})
        demonstrativo.action_check()
        same = self._find(demonstrativo, "paid_above")
        self.assertEqual((same, same.user_id), (row, self.env.user))
        self.assertEqual((row.amount_difference, row.amount_weight), (4.00, 4.00))

    def test_what_is_gone_leaves_the_queue(self):
        self.contract.invoice_moment = "manual"
        lote = self._create_received_lote({ECG: 1}, protocol="1002")
        content = payment_message(lote, {lote.guia_ids.name: 41.10}, "P2")
        demonstrativo = self._import(content)
        self.assertTrue(self._find(demonstrativo, "no_invoice"))
        lote.action_create_invoice()
        demonstrativo.action_check()
        self.assertFalse(self._find(demonstrativo, "no_invoice"))

    def test_largest_first_and_those_that_block(self):
        rows = self.env["tiss.discrepancy"].search([])
        self.assertFalse(rows, "empty is green")
        self._import(payment_message(self.lote, {self.first.name: 57.00}, "P1"))
        self._import(payment_message(self.lote, {self.second.name: 250.00}, "P2"))
        rows = self.env["tiss.discrepancy"].search([])
        self.assertEqual(rows.mapped("amount_difference"), [100.00, 1.00])

    def test_one_without_a_demonstrativo(self):
        Discrepancy = self.env["tiss.discrepancy"]
        vals = {
            "company_id": self.company.id,
            "contract_id": self.contract.id,
            "code": "deposit_unknown",
            "place": "TED 42",
            "amount_theirs": 12.34,
            "res_model": "res.partner",
            "res_id": self.operadora.id,
        }
        row = Discrepancy._open(vals)
        self.assertEqual(Discrepancy._open(vals), row, "found again")
        self.assertEqual((row.company_id, row.is_blocking), (self.company, False))
        self.assertEqual(row.contract_id, self.contract)
        row.resolve("keep", "É de outro convênio")
        self.assertEqual((row.state, row.resolved_by_id), ("resolved", self.env.user))
        self.assertEqual(Discrepancy._open(vals).state, "resolved", "it was looked at")
        Discrepancy._open({**vals, "amount_theirs": 13.00})
        self.assertEqual(row.state, "open", "another amount is another question")

    def test_only_what_fits_is_done(self):
        demonstrativo = self._import(payment_message(self.lote, {self.first.name: 60.00}, "P1"))
        row = self._find(demonstrativo, "paid_above")
        with self.assertRefused("That cannot be done about this"):
            row.resolve("create_invoice")
        with self.assertRefused("written by hand"):
            row.amount_theirs = 1.00


@tagged("post_install", "-at_install", "post_install_l10n")
class TestResolutions(DiscrepancyCase):
    """Each decision does the accounting, or the correction, and can be taken back."""

    def test_more_is_paid_than_is_open(self):
        """60.00 for a guia of 56.00: 4.00 are kept apart, then billed as ours."""
        demonstrativo = self._import(payment_message(self.lote, {self.first.name: 60.00}, "P1"))
        with self.assertRefused("cannot be posted yet"):
            demonstrativo.post()
        self._find(demonstrativo, "paid_above").resolve("cap", "Valor a maior")
        [payment] = demonstrativo.post()
        self.assertEqual((payment.amount, self._get_suspense()), (60.00, -4.00))
        self.assertEqual(self.lote.invoice_id.amount_residual, 150.00)
        self.assertLedgerSound()
        row = self._find(demonstrativo, "suspended")
        self.assertEqual((row.amount_theirs, row.suggestion), (4.00, "supplement"))
        revenue = self._get_balance(self.contract.revenue_account_id)
        row.resolve("supplement")
        self.assertEqual(self._get_suspense(), 0)
        self.assertEqual(
            round(self._get_balance(self.contract.revenue_account_id) - revenue, 2), -4.00
        )
        self.assertEqual((row.move_id.move_type, row.move_id.state), ("out_invoice", "posted"))
        self.assertLedgerSound()
        with self.assertRefused("take that decision back first"):
            demonstrativo.undo()
        row.reopen()
        self.assertEqual((row.state, self._get_suspense()), ("open", -4.00))
        demonstrativo.undo()
        self.assertEqual(self._get_suspense(), 0)
        self.assertLedgerSound()

    def _pay_denied(self, number="P2", kind="1", amount=6.00):
        """A payment of what was denied of the first guia, under no recurso or under an unknown."""
        content = payment_message(self.lote, {self.first.name: amount}, number)
        name = b"<ans:tipoPagamento>%s<"
        return self._import(content.replace(name % b"1", name % kind.encode()))

    def test_a_glosa_that_is_paid_without_a_recurso(self):
        """6.00 of 41.10 and 10.00 of 14.90 were denied; of 16.00, 6.00 are the first of them."""
        parts = {(self.first.name, 1): (35.10, "1705"), (self.first.name, 2): (4.90, "1806")}
        for policy in ("open", "at_once"):
            for kind, code in (("1", "paid_above"), ("2", "appeal_payment")):
                with self.subTest(f"{policy} {kind}"), self.env.cr.savepoint() as savepoint:
                    self.lote.sudo().glosa_policy = policy
                    self._import(analysis_message(self.lote, parts, "A1")).post()
                    self._import(payment_message(self.lote, {self.first.name: 40.00}, "P1")).post()
                    ecg, dipyrone = self.lote.glosa_ids.sorted("amount")
                    owed = self._get_balance(self.contract.receivable_account_id)
                    demonstrativo = self._pay_denied(kind=kind)
                    row = self._find(demonstrativo, code)
                    self.assertEqual(row.suggestion, "recover")
                    row.resolve("recover")
                    demonstrativo.post()
                    self.assertEqual((ecg.state, ecg.amount_recovered), ("recovered", 6.00))
                    self.assertEqual((dipyrone.state, dipyrone.amount_open), ("open", 10.00))
                    self.assertEqual((self.ecg.amount_paid, self.ecg.amount_denied), (41.10, 0))
                    self.assertEqual(self._get_suspense(), 0)
                    left = self._get_balance(self.contract.receivable_account_id)
                    # What was written off is new revenue, and paid at once.
                    self.assertEqual(round(owed - left, 2), 6.00 if policy == "open" else 0)
                    self.assertLedgerSound()
                    with self.assertRefused("undo those first"):
                        self.Demonstrativo.search([("name", "=", "P1")]).undo()
                    demonstrativo.undo()
                    self.assertEqual((ecg.state, ecg.amount_open), ("open", 6.00))
                    self.assertEqual(self.ecg.amount_denied, 6.00)
                    self.assertEqual(self._get_balance(self.contract.receivable_account_id), owed)
                    self.assertLedgerSound()
                    savepoint.rollback()

    def test_what_pays_several_glosas_in_part_is_shared_by_their_amounts(self):
        """Of 6.00 + 10.00 denied 8.00 come: 3.00 and 5.00. Then 8.00 more, and it is over."""
        parts = {(self.first.name, 1): (35.10, "1705"), (self.first.name, 2): (4.90, "1806")}
        self._import(analysis_message(self.lote, parts, "A1")).post()
        ecg, dipyrone = self.lote.glosa_ids.sorted("amount")
        for number, expected in (("P1", (3.00, 5.00)), ("P2", (6.00, 10.00))):
            # The first comes together with the 40.00 that were released.
            demonstrativo = self._pay_denied(number, amount=48.00 if number == "P1" else 8.00)
            self._find(demonstrativo, "paid_above").resolve("recover")
            demonstrativo.post()
            self.assertEqual((ecg.amount_recovered, dipyrone.amount_recovered), expected)
            self.assertLedgerSound()
        self.assertEqual(self.first.state, "closed")
        last = self._pay_denied("P3", amount=1.00)
        self.assertEqual(self._find(last, "paid_above").suggestion, "cap", "nothing is denied")

    def test_a_glosa_given_up_meanwhile_is_asked_about_again(self):
        parts = {(self.first.name, 1): (35.10, "1705"), (self.first.name, 2): 14.90}
        self._import(analysis_message(self.lote, parts, "A1")).post()
        demonstrativo = self._pay_denied(amount=56.00)
        row = self._find(demonstrativo, "paid_above")
        row.resolve("recover")
        self.lote.glosa_ids.accept()
        with self.assertRefused("cannot be posted yet"):
            demonstrativo.post()
        self.lote.glosa_ids.reopen("Foi paga")
        demonstrativo.action_check()
        self._find(demonstrativo, "paid_above").resolve("recover")
        demonstrativo.post()
        self.assertEqual(self.lote.glosa_ids.state, "recovered")
        self.assertLedgerSound()

    def test_an_unknown_guia_does_not_hold_the_rest_up(self):
        content = payment_message(
            self.lote, {self.first.name: 56.00, self.second.name: 150.00}, "P1"
        )
        old = f"<ans:numeroGuiaPrestador>{self.second.name}<".encode()
        self.assertIn(old, content)
        demonstrativo = self._import(content.replace(old, b"<ans:numeroGuiaPrestador>99999<"))
        row = self._find(demonstrativo, "unknown_guia")
        self.assertEqual(row.suggestion, "suspense")
        row.action_suggested()
        [payment] = demonstrativo.post()
        self.assertEqual((payment.amount, self._get_suspense()), (206.00, -150.00))
        self.assertEqual((self.first.state, self.second.state), ("closed", "sent"))
        self.assertEqual(self.lote.invoice_id.amount_residual, 150.00)
        self.assertLedgerSound()

    def test_an_entry_by_hand_on_the_suspense_account(self):
        """4.00 are kept apart; an accountant clears 1.50 of them, which no decision says."""
        demonstrativo = self._import(payment_message(self.lote, {self.first.name: 60.00}, "P1"))
        self._find(demonstrativo, "paid_above").resolve("cap")
        [payment] = demonstrativo.post()
        self.assertEqual((self._get_suspense(), self.contract.check_ledger()), (-4.00, []))
        suspense = self.company.tiss_suspense_account_id
        entry = self._post_entry(suspense, self.contract.revenue_account_id, 1.50)
        [breach] = self.contract._get_ledger_breaches()
        self.assertEqual(
            (breach.code, breach.move_id, breach.ours, breach.theirs),
            ("suspense", entry.id, 0, 150),
        )
        self.assertRegex(breach.words, "1[.,]50 on the account of what is not identified")
        entry.button_draft()
        self.assertLedgerSound()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE tiss_demonstrativo_payment SET amount_unidentified = 3 WHERE payment_id = %s",
            [payment.id],
        )
        [breach] = self.contract._get_ledger_breaches()
        self.assertEqual((breach.move_id, breach.ours), (payment.move_id.id, -300))

    def test_a_decision_is_taken_back_before_posting_only(self):
        demonstrativo = self._import(payment_message(self.lote, {self.first.name: 60.00}, "P1"))
        row = self._find(demonstrativo, "paid_above")
        row.resolve("cap")
        self.assertEqual(row.line_id.amount_suspended, 4.00)
        row.reopen()
        self.assertEqual((row.line_id.amount_suspended, row.is_blocking), (0, True))
        row.resolve("suspense")
        demonstrativo.post()
        with self.assertRefused("posted with this decision"):
            row.reopen()

    def test_what_was_left_out_when_posting_is_decided_by_undoing(self):
        """After it was posted no decision would book anything: only asking and keeping are left."""
        demonstrativo = self._import(payment_message(self.lote, {self.first.name: 60.00}, "P1"))
        row = self._find(demonstrativo, "paid_above")
        self.assertEqual(row.offers, "cap,suspense,ask")
        demonstrativo.post(with_unidentified=True)
        self.assertEqual((row.offers, row.suggestion), ("ask,keep", "ask"))
        with self.assertRefused("cannot be done about this"):
            row.resolve("cap")
        demonstrativo.undo()
        self.assertFalse(row.offers)

    def test_released_above_what_was_presented(self):
        """45.00 of 41.10: we take 41.10."""
        content = analysis_message(
            self.lote, {(self.first.name, 1): 45.00, (self.first.name, 2): 14.90}, "A1"
        )
        demonstrativo = self._import(content)
        row = self._find(demonstrativo, "released_above")
        self.assertEqual(row.amount_difference, 3.90)
        row.resolve("cap")
        demonstrativo.post()
        self.assertEqual((self.ecg.amount_released, self.dipyrone.amount_released), (41.10, 14.90))
        self.assertLedgerSound()

    def test_presented_differs(self):
        """They say 50.00 was presented and release 41.10: of our 41.10 nothing is denied."""
        content = analysis_message(self.lote, {(self.first.name, 1): 41.10}, "A1")
        content = content.replace(b"<ans:valorInformado>41.10<", b"<ans:valorInformado>50.00<")
        demonstrativo = self._import(content)
        self._find(demonstrativo, "informed_differs").resolve("trust_ours")
        self._find(demonstrativo, "sums_disagree").resolve("trust_rows")
        demonstrativo.post()
        self.assertEqual((self.ecg.amount_released, self.ecg.amount_denied), (41.10, 0))
        missing = self._find(demonstrativo, "item_missing")
        self.assertEqual((missing.amount_ours, missing.suggestion), (164.90, "analysis"))
        action = missing.action_suggested()
        self.assertEqual(action["type"], "ir.actions.act_url", "the file for the portal")
        self.assertLedgerSound()

    def test_what_a_later_analysis_answers_is_no_longer_missing(self):
        """Each protocolo stands once in the queue, with the last analysis of it."""
        one = self._import(analysis_message(self.lote, {(self.first.name, 1): 41.10}, "A1"))
        one.post()
        self.assertEqual(self._find(one, "item_missing").amount_ours, 164.90)
        two = self._import(analysis_message(self.lote, {(self.first.name, 2): 14.90}, "A2"))
        two.post()
        self.assertFalse(self._find(one, "item_missing"))
        self.assertEqual(self._find(two, "item_missing").amount_ours, 150.00)
        three = self._import(analysis_message(self.lote, {(self.second.name, 1): 150.00}, "A3"))
        three.post()
        self.assertFalse(self._find(one | two | three, "item_missing"))
        three.undo()
        self.assertEqual(self._find(two, "item_missing").amount_ours, 150.00)
        self.assertFalse(self._find(three, "item_missing"))

    def test_a_glosa_that_is_decided_leaves_the_queue(self):
        content = analysis_message(
            self.lote, {(self.first.name, 1): 31.10, (self.first.name, 2): 9.90}, "A1"
        )
        demonstrativo = self._import(content)
        demonstrativo.post()
        row = self._find(demonstrativo, "glosa_without_code")
        self.assertEqual((row.place, row.amount_theirs), ("2 glosas", 15.00))
        glosas = demonstrativo.glosa_ids.sorted("amount")
        glosas[0].accept()
        self.assertEqual((row.place, row.amount_theirs), ("1 glosa", 10.00))
        glosas[1].create_recurso()
        self.assertFalse(row.exists())
        glosas[0].reopen("Engano")
        row = self._find(demonstrativo, "glosa_without_code")
        self.assertEqual((row.place, row.amount_theirs), ("1 glosa", 5.00))

    def test_a_row_that_stands_twice(self):
        content = analysis_message(self.lote, {(self.first.name, 1): 41.10}, "A1")
        text = content.decode("iso-8859-1")
        start, end = text.index("<ans:detalhesGuia>"), text.index("</ans:detalhesGuia>")
        item = text[start : end + len("</ans:detalhesGuia>")]
        demonstrativo = self._import(text.replace(item, item * 2).encode("iso-8859-1"))
        rows = self._find(demonstrativo, "repeated")
        self.assertEqual(len(rows), 2)
        rows[0].resolve("set_aside")
        self.assertFalse(rows[1].exists(), "now it stands once")
        self._find(demonstrativo, "sums_disagree").resolve("trust_rows")
        demonstrativo.post()
        self.assertEqual(self.ecg.amount_released, 41.10)
        self.assertLedgerSound()

    def test_a_part_is_divided_among_the_items(self):
        """28.00 of 56.00: half of 41.10 and of 14.90."""
        demonstrativo = self._import(payment_message(self.lote, {self.first.name: 28.00}, "P1"))
        row = self._find(demonstrativo, "detail_missing")
        self.assertEqual(row.suggestion, "analysis")
        row.resolve("spread")
        demonstrativo.post()
        self.assertEqual(
            [(line.amount_paid, line.amount_denied) for line in self.ecg | self.dipyrone],
            [(20.55, 20.55), (7.45, 7.45)],
        )
        row = self._find(demonstrativo, "glosa_without_code")
        self.assertEqual((row.amount_theirs, row.is_blocking), (28.00, False))
        row.resolve("contest")
        recurso = self.first.glosa_ids.recurso_id
        self.assertEqual((recurso.state, recurso.amount_total), ("draft", 28.00))
        self.assertLedgerSound()

    def test_the_invoice_is_made(self):
        self.contract.invoice_moment = "manual"
        lote = self._create_received_lote({ECG: 1}, protocol="1002")
        content = payment_message(lote, {lote.guia_ids.name: 41.10}, "P2")
        demonstrativo = self._import(content)
        self._find(demonstrativo, "no_invoice").action_suggested()
        self.assertEqual(lote.invoice_id.amount_total, 41.10)
        demonstrativo.post()
        self.assertEqual(lote.invoice_id.amount_residual, 0)
        self.assertLedgerSound()

    def test_no_invoice_of_what_the_operadora_never_took(self):
        """The file names the lote by its own number: it was sent, and no protocolo came."""
        lote = self._create_lote({ECG: 1})
        lote.send()
        content = payment_message(lote, {lote.guia_ids.name: 41.10}, "P2")
        content = content.replace(b"numeroProtocolo>False<", b"numeroProtocolo><")
        demonstrativo = self._import(content)
        self.assertEqual(demonstrativo.line_ids.lote_id, lote)
        row = self._find(demonstrativo, "no_invoice")
        with self.assertRefused("cannot be done now"):
            row.action_suggested()
        lote.register_protocol("1002", self.today)
        demonstrativo.post()
        self.assertEqual(lote.amount_paid, 41.10)
        self.assertLedgerSound()

    def test_a_supplement_on_a_closed_day(self):
        """Odoo would date it otherwise without asking."""
        demonstrativo = self._import(payment_message(self.lote, {self.first.name: 60.00}, "P1"))
        self._find(demonstrativo, "paid_above").resolve("cap")
        demonstrativo.post()
        self.company.sudo().sale_lock_date = self.today
        with self.assertRefused("books are closed"):
            self._find(demonstrativo, "suspended").resolve("supplement")

    def test_asking_keeps_it_in_the_queue(self):
        demonstrativo = self._import(payment_message(self.lote, {self.first.name: 60.00}, "P1"))
        row = self._find(demonstrativo, "paid_above")
        row.resolve("ask")
        self.assertEqual((row.state, row.is_blocking), ("asked", True))
        [activity] = demonstrativo.activity_ids
        self.assertIn("it pays", activity.summary)
        row.action_suggested()
        self.assertEqual(row.state, "asked", "whoever asked waits for the answer")
        row.resolve("suspense")
        self.assertEqual(row.state, "resolved")

    def test_an_open_question_of_yesterday(self):
        """What somebody decided is kept with his name and the moment."""
        demonstrativo = self._import(payment_message(self.lote, {self.first.name: 60.00}, "P1"))
        row = self._find(demonstrativo, "paid_above")
        clerk = self._create_user("faturista.fila", "billing")
        row.with_user(clerk).resolve("suspense", "Conferido no portal")
        self.assertEqual((row.resolved_by_id, row.note), (clerk, "Conferido no portal"))
        self.assertGreater(row.resolved_date + timedelta(minutes=5), row.create_date)
