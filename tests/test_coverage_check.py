from datetime import timedelta

from odoo.tests import Form, tagged

from .common import BLOOD_COUNT, CONSULTATION, ECG
from .coverage_common import DAY, UNPRICED, CoverageCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestCoverageCheck(CoverageCommon):
    """The question at the counter: answered as soon as it is asked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reception = cls._create_user("recepcao.balcao", "reception")

    def _open(self, code=ECG, **vals):
        form = Form(self.env["tiss.coverage.check"].with_user(self.reception))
        form.date = DAY
        form.card_id = self.card
        form.product_id = self.products[code]
        for name, value in vals.items():
            form[name] = value
        return form

    def test_the_answer_comes_without_a_button(self):
        rule = self._rule(
            ECG,
            authorization="yes",
            copayment_kind="fixed",
            copayment_amount=10,
            copayment_at_clinic=True,
        )
        form = self._open()
        self.assertEqual(form.state, "authorization")
        self.assertEqual((form.amount_now, form.operadora_amount), (10.00, 31.10))
        self.assertIn("Ask the operadora for an authorisation first", form.answer_html)
        self.assertIn(f'href="/odoo/tiss.coverage/{rule.id}"', form.answer_html)
        self.assertIn("Agreed price", form.price_html)
        form.authorization = "SENHA1"
        self.assertEqual(form.state, "covered")
        form.quantity = 2
        self.assertEqual((form.amount_now, form.operadora_amount), (20.00, 62.20))

    def test_what_the_operadora_charges_later_is_not_paid_now(self):
        self._rule(ECG, copayment_kind="fixed", copayment_amount=10)
        form = self._open()
        self.assertEqual((form.amount_now, form.amount_later), (0.00, 10.00))

    def test_what_is_not_covered_is_paid_here(self):
        self.products[ECG].list_price = 80
        self._rule(ECG, covered="no")
        form = self._open()
        self.assertEqual(form.state, "not_covered")
        self.assertEqual((form.amount_now, form.operadora_amount), (80.00, 0.00))

    def test_covered_without_a_price_is_not_simply_covered(self):
        self._add_unpriced()
        rule = self._rule(UNPRICED, covered="yes")
        form = self._open(UNPRICED)
        self.assertEqual((form.state, form.operadora_amount), ("no_price", 0.00))
        rule.authorization = "yes"
        self.assertEqual(self._open(UNPRICED).state, "authorization")

    def test_nothing_is_answered_before_it_is_asked(self):
        form = Form(self.env["tiss.coverage.check"].with_user(self.reception))
        self.assertFalse(form.state)
        self.assertFalse(form.answer_html)

    def test_a_card_without_a_convenio(self):
        self.contract.active = False
        form = self._open()
        self.assertFalse(form.contract_id)
        self.assertFalse(form.state)

    def test_only_what_the_user_may_open_is_a_link(self):
        answer = self._ask(ECG)
        answer["reasons"][0].update(model="ir.cron", res_id=1, message="<b>plain</b>")
        html = self.contract.with_user(self.reception)._render_coverage([("Title", answer)])
        self.assertNotIn("href", html)
        self.assertIn("&lt;b&gt;plain", html)

    def test_a_patient_is_found_by_cpf(self):
        self.patient.sudo().write({"vat": "529.982.247-25", "country_id": self.env.ref("base.br")})
        Card = self.env["tiss.card"].with_user(self.reception).with_context(tiss_front_desk=True)
        self.assertEqual(
            [card_id for card_id, _name in Card.name_search("52998224")], self.card.ids
        )

    def test_it_becomes_an_encounter(self):
        check = self._open(professional_id=self.professional, authorization="S1").save()
        action = check.action_register_encounter()
        Encounter = self.env["tiss.encounter"].with_user(self.reception)
        encounter = Form(Encounter.with_context(**action["context"])).save()
        self.assertEqual(encounter.card_id, self.card)
        self.assertEqual(encounter.date, DAY)
        self.assertEqual(encounter.line_ids.product_id, self.products[ECG])
        self.assertEqual(encounter.authorization_password, "S1")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestEncounterCoverage(CoverageCommon):
    """The visit tells what is not covered, and does not bill it where that was agreed."""

    def test_the_visit_says_why(self):
        self._rule(ECG, covered="no")
        visit = self._visit(DAY, {CONSULTATION: 1, ECG: 1})
        self.assertEqual(visit.coverage_state, "not_covered")
        self.assertIn("is in the price list", visit.coverage_html)
        self.assertIn("is not covered", visit.coverage_alert)
        self.assertNotIn("is in the price list", visit.coverage_alert)

    def test_it_says_it_while_the_visit_is_typed(self):
        self._rule(ECG, limit_day=1)
        form = Form(self.env["tiss.encounter"])
        form.date = DAY
        form.patient_id = self.patient
        form.professional_id = self.professional
        with form.line_ids.new() as line:
            line.product_id = self.products[ECG]
        self.assertEqual(form.coverage_state, "covered")
        with form.line_ids.new() as line:
            line.product_id = self.products[ECG]
        self.assertEqual(form.coverage_state, "not_covered")
        self.assertIn("1 of 1 used on that day", form.coverage_alert)

    def test_a_visit_is_not_over_the_limit_because_of_itself_or_later_ones(self):
        self._rule(ECG, limit_month=2)
        visits = self._visit(DAY, ECG, ECG, ECG)
        self.assertEqual(
            visits.sorted("id").mapped("coverage_state"), ["covered", "covered", "not_covered"]
        )
        # What is billed has used its place, although it came later.
        visits.sorted("id")[1:].create_guias()
        self.env.invalidate_all()
        self.assertEqual(visits.sorted("id")[0].coverage_state, "not_covered")

    def test_by_default_it_is_only_warned(self):
        self._rule(ECG, covered="no")
        self.assertEqual(self._visit(DAY, ECG).create_guias().amount_total, 41.10)

    def test_where_agreed_it_is_left_out_with_the_reason(self):
        self.contract.coverage_policy = "block"
        self._rule(ECG, covered="no")
        covered, uncovered = self._visit(DAY, BLOOD_COUNT, ECG)
        billable, left_out = (covered | uncovered)._split_billable()
        self.assertEqual(billable, covered)
        self.assertRegex(left_out[uncovered][0], "is not billed: .* is not covered")
        with self.assertRefused(f"{uncovered.name}: .* is not billed"):
            uncovered.create_guias()
        self.assertIn("is not billed", uncovered.billing_problems)

    def test_what_the_patient_bears_is_kept_when_the_visit_is_closed(self):
        self._rule(copayment_kind="percent", copayment_percent=20)
        self._rule(BLOOD_COUNT, covered="no")
        visit = self._visit(DAY, {ECG: 2, BLOOD_COUNT: 1})
        self.assertEqual(visit.line_ids.sorted("id").mapped("patient_amount"), [16.44, 0.00])

    def test_leaving_out_takes_a_constant_number_of_queries(self):
        self.contract.coverage_policy = "block"
        self._rule(limit_month=1, authorization="yes")
        counts = {}
        for size in (1, 10, 20):
            visits = self._visit(DAY - timedelta(size), *[{ECG: 1, BLOOD_COUNT: 2}] * size)
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            visits._split_billable()
            counts[size] = self.env.cr.sql_log_count - start
        self.assertEqual(counts[20], counts[10])
