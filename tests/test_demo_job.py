import tempfile
from pathlib import Path

from odoo.tests import tagged

from .. import standard
from ..demo.job import run
from ..standard import identifiers
from .accountant_check import find_differences, read_booked, read_withheld
from .common import ClinicCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDemoJob(ClinicCase):
    """The job of `./dev demo`, smaller and by a biller: what it prints must be true."""

    groups = "l10n_br_tiss.group_tiss_billing"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.folder = Path(folder)
        root = cls.env(user=cls.env.ref("base.user_root"))
        cls.job = run(root, folder, user=cls.env.user, patients=12, encounters=60, seed=11)

    def test_every_encounter_is_billed_or_explained(self):
        billed = self.job.guias.encounter_ids
        self.assertGreater(len(self.job.encounters), 60)
        self.assertEqual(len(billed) + len(self.job.left_out), len(self.job.encounters))
        self.assertFalse(billed & self.env["tiss.encounter"].concat(*self.job.left_out))
        self.assertTrue(all(self.job.left_out.values()))

    def test_three_operadoras_in_two_versions(self):
        self.assertEqual(len(self.job.guias.contract_id), 3)
        self.assertEqual(
            sorted(self.job.guias.contract_id.mapped("version")), ["4.02.00", "4.03.00", "4.03.00"]
        )

    def test_every_sent_file_is_valid_and_is_what_the_journal_keeps(self):
        for lote in self.job.lotes:
            content = (self.folder / lote.message_id.file_name).read_bytes()
            self.assertEqual(content, lote.get_xml())
            self.assertTrue(standard.load(lote.version).validate(content))

    def test_the_operadoras_know_the_bearers_by_their_names(self):
        checks = self.job.questions.checks.filtered(lambda each: each.answer_kind == "message")
        self.assertEqual(len(checks), 9)
        self.assertEqual(checks.mapped("difference"), [False] * len(checks))

    def test_one_of_each_form_is_answered(self):
        forms, job = self.job.forms, self.job
        for contract in job.contracts:

            def kinds(records, name, contract=contract):
                return set(records.filtered(lambda each: each.contract_id == contract).mapped(name))

            with self.subTest(contract.name):
                self.assertEqual(
                    kinds(job.lotes, "guia_type"),
                    {"consulta", "sp_sadt", "resumo_internacao", "honorarios", "odonto"},
                )
                self.assertEqual(
                    kinds(forms.requests, "request_type"),
                    {"sp_sadt", "internacao", "prorrogacao", "odonto"},
                )
                self.assertEqual(
                    kinds(forms.annexes, "annex_type"),
                    {"opme", "quimio", "radio", "situacao_inicial"},
                )
                self.assertEqual(kinds(forms.notices, "event"), {"admission", "discharge"})
                self.assertTrue(kinds(forms.documents, "protocol_number"))
        self.assertTrue(all(job.lotes.mapped("protocol_number")))
        answered = {"authorized", "partial", "denied", "in_analysis", "pending"}
        states = set(forms.requests.mapped("state"))
        self.assertLessEqual(states, answered)
        self.assertIn("authorized", states)
        self.assertGreater(len(states), 1)
        for records in (forms.annexes, forms.notices, forms.documents):
            self.assertEqual(set(records.mapped("state")), {"received"})
        self.assertEqual(set(forms.annexes.mapped("transport")), {"request", "alone"})

    def test_what_is_asked_is_answered(self):
        asked, job = self.job.questions, self.job
        for contract in job.contracts:
            with self.subTest(contract.name):

                def own(records, contract=contract):
                    return records.filtered(lambda each: each.contract_id == contract)

                self.assertEqual(set(own(asked.checks).mapped("state")), {"received"})
                self.assertIn("not_eligible", own(asked.checks).mapped("result"))
                self.assertIn("phone", own(asked.checks).mapped("answer_kind"))
                self.assertTrue(all(own(asked.queries).mapped("status_id")))
                self.assertTrue(own(asked.queries).lote_id.protocol_status_id)
                self.assertTrue(own(asked.queries).annex_id.protocol_status_id)
                self.assertEqual(own(asked.cancellations).result, "accepted")
                request = own(asked.cancellations).line_ids.authorization_id
                self.assertEqual(request.state, "cancelled")
                [payment] = own(asked.requests)
                self.assertEqual(payment.state, "received")
                self.assertLessEqual(payment.demonstrativo_ids, job.demonstrativos)

    def test_what_was_granted_is_billed_under_its_authorisation(self):
        stays = self.job.guias.filtered(
            lambda guia: guia.guia_type in ("resumo_internacao", "honorarios", "odonto")
        )
        self.assertTrue(stays)
        for guia in stays:
            request = guia.authorization_id
            self.assertEqual(request.state, "authorized")
            self.assertEqual(guia.authorization_password, request.authorization_password)
            self.assertFalse(guia.problems)

    def test_a_treatment_says_the_tooth_and_what_the_patient_pays(self):
        dental = self.job.guias.sudo().filtered(lambda guia: guia.guia_type == "odonto")
        for guia in dental:
            self.assertEqual(guia.tooth_ids.tooth_id.code, "36")
            self.assertEqual(guia.line_ids.tooth_id.code, "36")
            self.assertGreater(guia.amount_patient, 0)
            self.assertAlmostEqual(guia.amount_total, guia.amount_gross - guia.amount_patient, 2)
            self.assertNotEqual(guia.state, "sent", "the dental demonstrativo answers it")
            self.assertTrue(guia.amount_paid or guia.glosa_ids)

    def test_the_money_ties(self):
        self.assertEqual(self.job.clinic.contracts.check_ledger(), [])
        for guia in self.job.guias:
            accepted = sum(guia.line_ids.mapped("amount_accepted"))
            copaid = sum(guia.line_ids.mapped("amount_copaid"))
            parts = guia.amount_paid + guia.amount_open + accepted + copaid
            self.assertAlmostEqual(parts, guia.amount_total, places=2)

    def test_an_accountant_finds_nothing_to_ask_about(self):
        self.assertEqual(find_differences(self.job.clinic.company), {})

    def test_taxes_in_the_books_are_those_of_the_files(self):
        contents = [
            path.read_bytes()
            for path in self.folder.glob("*.xml")
            if path.name.startswith(("pagamento-", "odonto-"))
            and not path.name.startswith("pagamento-recurso-")
        ]
        withheld = read_withheld(contents)
        self.assertLessEqual({"01", "04", "05", "06", "07"}, set(withheld))
        booked = read_booked(self.job.clinic.company)
        self.assertEqual({code: booked[code] for code in withheld}, withheld)

    def test_nothing_stays_in_transit_once_all_has_come(self):
        """The fee of the bank is booked, and what is missing is deposited to the cent."""
        company = self.job.clinic.company.with_env(self.env)
        Match = self.env["tiss.bank.match"]
        queue = self.env["tiss.discrepancy"].search([("code", "=", "deposit_differs")])
        queue.resolve("bank_fee")
        Match.search([("state", "=", "proposed"), ("payment_ids", "!=", False)]).match()
        items = Match.get_transit_items(company)
        self.env["account.bank.statement.line"].create(
            [
                {
                    "journal_id": self.job.bank_lines[0].journal_id.id,
                    "date": self.job.clinic.today,
                    "payment_ref": "TED",
                    "partner_id": item["partner_id"],
                    "amount": item["amount"],
                }
                for item in items
                if item["kind"] == "debit"
            ]
        )
        Match.find()
        Match.search([("state", "=", "proposed"), ("payment_ids", "!=", False)]).match()
        account = company.sudo().tiss_transit_account_id
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT SUM(balance) FROM account_move_line WHERE account_id = %s AND company_id = %s"
            " AND parent_state = 'posted'",
            [account.id, company.id],
        )
        self.assertEqual(self.env.cr.fetchone(), (0,))
        self.assertEqual(find_differences(company), {})

    def test_one_demonstrativo_waits_with_its_preview(self):
        waiting = self.job.waiting
        self.assertEqual((len(waiting), waiting.state), (1, "imported"))
        self.assertEqual(waiting.blocking_count, 0)
        entries = waiting.preview()["entries"]
        self.assertGreater(len(entries), 2)
        self.assertEqual(
            sum(row["debit"] for row in entries), sum(row["credit"] for row in entries)
        )

    def test_a_part_of_the_provision_is_posted(self):
        rows = self.job.books.provisions
        self.assertEqual(set(rows.mapped("state")), {"draft", "posted"})
        self.assertTrue(all(rows.mapped("amount")))
        self.assertTrue(rows.move_id)

    def test_the_bank_shows_all_kinds_of_deposits(self):
        lines = self.job.bank_lines
        self.assertEqual(set(lines.mapped("tiss_state")), {"open", "matched"})
        rules = set(lines.tiss_proposal_ids.mapped("rule"))
        self.assertLessEqual({"exact", "difference", "transit"}, rules)
        self.assertTrue(lines.tiss_made_ids.filtered("is_certain"))

    def test_all_outcomes_happen(self):
        glosas = self.job.guias.glosa_ids
        self.assertTrue(glosas.filtered(lambda glosa: glosa.state == "open"))
        self.assertTrue(self.job.credit_notes)
        adjustments = self.job.demonstrativos.payment_ids.adjustment_ids
        self.assertIn("01", adjustments.mapped("kind_id.code"))
        self.assertIn("07", adjustments.mapped("kind_id.code"))

    def test_a_glosa_is_contested_and_answered(self):
        recursos = self.job.recursos
        self.assertTrue(recursos)
        self.assertEqual(set(recursos.mapped("state")), {"answered"})
        for recurso in recursos:
            self.assertTrue(standard.load(recurso.version).validate(recurso.get_xml()))
            told = self.job.operadoras[recurso.contract_id].appeals[recurso.protocol_number]
            self.assertEqual(f"{recurso.amount_granted:.2f}", str(told["acatado"]))

    def test_receiving_the_same_files_again_changes_nothing(self):
        before = self.env["tiss.movement"].search_count([])
        for path in sorted(self.folder.glob("*-*.xml")):
            self.env["tiss.message"].receive_file(path.name, path.read_bytes())
        self.job.demonstrativos.post()
        self.assertEqual(self.env["tiss.movement"].search_count([]), before)

    def test_each_convenio_goes_into_a_file_and_comes_out_as_it_was(self):
        root = self.env(user=self.env.ref("base.user_root"))
        other = root["res.company"].create(
            {
                "name": "Outra Clínica",
                "country_id": root.ref("base.br").id,
                "vat": identifiers.complete_cnpj("987654320001"),
            }
        )
        for contract in self.job.clinic.contracts.with_env(root):
            content = contract.export_file(include_tables=True)
            copy = root["tiss.contract"].import_file(content, other)
            with self.subTest(contract.name):
                self.assertEqual(copy.company_id, other)
                self.assertEqual(copy.export_file(include_tables=True), content)
