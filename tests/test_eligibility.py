from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import ECG
from .coverage_common import CoverageCommon
from .guia_records import VERSIONS
from .question_records import QuestionRecords


@tagged("post_install", "-at_install", "post_install_l10n")
class TestEligibility(QuestionRecords, CoverageCommon):
    """May the bearer of the card be attended: asked, typed by hand, and said where it matters."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Check = cls.env["tiss.eligibility"]
        cls.reception = cls._create_user("recepcao.eleg", "reception")

    def _verify(self, card=None):
        return (card or self.card).verify_eligibility()

    def _verify_sent(self, card=None):
        check = self._verify(card)
        check.send()
        return check

    def _reasons(self, date=None):
        """{code: kind} of what the coverage answer says."""
        answer = self.contract.coverage_for(self.card, self.products[ECG], date or self.today)
        return {reason["code"]: reason["kind"] for reason in answer["reasons"]}

    # ------------------------------------------------------------------
    # The question
    # ------------------------------------------------------------------

    def test_golden(self):
        """Written by hand from the guide, in both versions."""
        for version in VERSIONS:
            self.contract.version = version
            self.card.validity_date = "2030-12-31"
            check = self.Check.create({"patient_id": self.patient.id, "card_id": self.card.id})
            check.validation_code = "TK12345678"
            check.build()
            body = (
                "<ans:verificaElegibilidade><ans:dadosPrestador>"
                "<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
                "</ans:dadosPrestador><ans:numeroCarteira>0123456789</ans:numeroCarteira>"
                "<ans:validadeCarteira>2030-12-31</ans:validadeCarteira>"
                "<ans:codValidacao>TK12345678</ans:codValidacao></ans:verificaElegibilidade>"
            )
            with self.subTest(version):
                content = check.get_xml()
                self._decode_sent(check)
                self.assertIn(body.encode(), b"".join(map(bytes.strip, content.splitlines())))
                self.assertIn(b"<ans:tipoTransacao>VERIFICA_ELEGIBILIDADE<", content)

    def test_the_reading_of_a_card_travels_but_only_clinical_people_see_it(self):
        check = self._verify()
        check.sudo().write(
            {"beneficiary_reading": "QUJD", "identification_type_id": self._term("72", "01")}
        )
        check.with_user(self.reception).build()
        self.assertEqual(self._decode_sent(check)["identificadorBeneficiario"], b"ABC")
        with self.assertRaises(AccessError):
            check.with_user(self.reception).read(["beneficiary_reading"])
        with self.assertRaisesRegex(UserError, "clinical information"):
            check.with_user(self.reception).action_download()

    def _term(self, table, code):
        return self.env["tiss.term"]._get(table, code).id

    def test_the_reception_asks_with_one_click_and_downloads_the_file(self):
        card = self.card.with_user(self.reception)
        check = self.Check.browse(card.action_verify_eligibility()["res_id"])
        check = check.with_user(self.reception)
        self.assertEqual((check.contract_id, check.patient_id), (self.contract, self.patient))
        check.action_build()
        self.assertIn(f"/tiss.eligibility/{check.id}/", check.action_download()["url"])
        check.action_send()
        self.assertEqual(check.state, "sent")
        with self.assertRaises(AccessError):
            check.message_id.read(["content"])

    def test_a_second_click_asks_nothing_new(self):
        check = self._verify_sent()
        self.assertEqual(self._verify(), check)
        check.register_answer("eligible")
        self.assertNotEqual(self._verify(), check, "an answered one can be asked again")

    def test_what_is_missing_is_said(self):
        check = self._verify()
        check.write({"validation_code": "1", "no_validation_code_id": self._term("74", "01")})
        self.assertIn("There is a token, and a reason for not having one", check.problems)
        with self.assertRefused("There is a token"):
            check.build()

    def test_without_a_convenio_there_is_nobody_to_ask(self):
        self.contract.active = False
        with self.assertRefused("The clinic has no convênio with"):
            self._verify()

    # ------------------------------------------------------------------
    # The answer
    # ------------------------------------------------------------------

    def test_eligible(self):
        for version in VERSIONS:
            with self.subTest(version):
                self.contract.version = version
                self.card.validity_date = False
                check = self._verify_sent()
                content = self._answer_eligibility(
                    "0123456789", validity="2031-01-31", name="PACIENTE F SILVA"
                )
                self.assertEqual(self._receive(content), check)
                self.assertEqual((check.state, check.result), ("received", "eligible"))
                self.assertEqual(check.answer_date, self.today)
                self.assertEqual(check.answer_kind, "message")
                self.assertEqual(check.beneficiary_name, "PACIENTE F SILVA")
                self.assertIn("knows the bearer as PACIENTE F SILVA", check.difference)
                self.assertIn("31/01/2031", check.difference)
                check.action_update_card()
                self.assertEqual(str(self.card.validity_date), "2031-01-31")
                self.assertNotIn("31/01/2031", check.difference)

    def test_the_same_name_is_no_difference(self):
        check = self._verify_sent()
        self._receive(self._answer_eligibility("0123456789", name="PACIENTE FICTÍCIO"))
        self.assertFalse(check.difference)

    def test_not_eligible_with_the_reasons_in_words(self):
        check = self._verify_sent()
        self._receive(self._answer_eligibility("0123456789", "N", ["1016"]))
        self.assertEqual((check.state, check.result), ("received", "not_eligible"))
        self.assertEqual(check.denial_reason, "1016 BENEFICIÁRIO COM ATENDIMENTO SUSPENSO")

    def test_refused(self):
        check = self._verify_sent()
        self._receive(self._refuse_eligibility("1001"))
        self.assertEqual((check.state, check.result), ("rejected", False))
        self.assertEqual(check.rejection_reason, "1001 MOTIVO")
        check.action_correct()
        check.send()
        self.assertEqual(check.state, "sent")

    def test_the_same_file_twice(self):
        check = self._verify_sent()
        content = self._answer_eligibility("0123456789")
        self._receive(content)
        before = self._get_content()
        self.assertEqual(self._receive(content), check)
        self.assertEqual(self._get_content(), before)

    def test_another_card_is_nobodys_answer(self):
        self._verify_sent()
        content = self._answer_eligibility("999")
        with self.assertRefused("999 does not wait for an answer"):
            self._receive(content)

    def test_leading_zeros_do_not_matter(self):
        check = self._verify_sent()
        self._receive(self._answer_eligibility("123456789"))
        self.assertEqual(check.result, "eligible")

    def test_an_answer_of_an_older_version(self):
        check = self._verify_sent()
        content = self._answer_eligibility("0123456789", version="4.02.00")
        self._receive(content.replace(b"4.02.00", b"4.01.00"))
        self.assertEqual(check.result, "eligible")

    def test_the_reception_reads_the_file_of_its_answer_and_no_other(self):
        check = self._verify_sent().with_user(self.reception)
        wizard = Form.from_action(self.env, check.action_register_answer())
        self.assertEqual(wizard.check_id, check)
        other = self._answer_status("1", "900001", "1", ["1"])
        with self.assertRefused("is not the answer to a check of eligibility"):
            check.receive_file("x.xml", other)
        check.receive_file("x.xml", self._answer_eligibility("0123456789"))
        self.assertEqual(check.result, "eligible")

    # ------------------------------------------------------------------
    # By hand
    # ------------------------------------------------------------------

    def test_typed_by_a_person(self):
        check = self._verify().with_user(self.reception)
        action = check.action_register_answer()
        wizard = self.env["tiss.eligibility.register"].with_user(self.reception)
        form = Form(wizard.with_context(**action["context"]))
        form.result = "not_eligible"
        form.kind = "phone"
        form.reference = "Ana, 4711"
        form.reason_ids = self.env["tiss.term"]._get("38", "1016")
        form.save().action_register()
        self.assertEqual((check.state, check.result), ("received", "not_eligible"))
        self.assertEqual(check.answered_by_id, self.reception)
        self.assertEqual(check.answer_reference, "Ana, 4711")
        self.assertIn("1016", check.denial_reason)
        with self.assertRefused("follows what is done with it"):
            check.answer_reference = "Outra"

    def test_not_in_the_future_and_not_twice(self):
        check = self._verify()
        with self.assertRefused("dated in the future"):
            check.register_answer("eligible", date=self.today + timedelta(days=1))
        check.register_answer("eligible")
        with self.assertRefused("this cannot be done now"):
            check.register_answer("not_eligible")

    # ------------------------------------------------------------------
    # Where it is said
    # ------------------------------------------------------------------

    def test_age(self):
        check = self._verify()
        check.register_answer("eligible", date=self.today - timedelta(days=5))
        self.assertEqual(self.card.eligibility_text, "Eligible, verified 5 days ago.")
        self.assertEqual(self.card.eligibility_state, "old")
        self.contract.eligibility_days = 6
        self.env.invalidate_all()
        self.assertEqual(self.card.eligibility_state, "eligible")
        self._verify().register_answer("eligible", date=self.today - timedelta(days=1))
        self.assertEqual(self.card.eligibility_text, "Eligible, verified yesterday.")
        self._verify().register_answer("not_eligible")
        self.assertEqual(self.card.eligibility_text, "Not eligible, verified today.")
        self.assertEqual(self.card.eligibility_state, "not_eligible")
        self._verify_sent()
        self.assertEqual(self.card.eligibility_state, "waiting")

    def test_a_question_of_another_day_is_not_waited_for(self):
        check = self._verify_sent()
        check.sudo().sent_date = self.visit_date
        self.assertFalse(self.card.eligibility_state)

    def test_a_refused_question_is_told(self):
        self._verify_sent()
        self._receive(self._refuse_eligibility("1001"))
        self.assertEqual(self.card.eligibility_state, "refused")
        self.assertIn("could not verify the card: 1001 MOTIVO", self.card.eligibility_text)
        self._verify().register_answer("eligible")
        self.assertEqual(self.card.eligibility_state, "eligible")

    def test_a_visit_shows_what_was_known_on_its_day(self):
        self._verify().register_answer("not_eligible", date=self.visit_date)
        self._verify().register_answer("eligible")
        past = self._create_encounters(ECG, done=False)
        now = self._create_encounters(ECG, done=False, date=self.today)
        self.assertEqual(past.eligibility_state, "not_eligible")
        self.assertEqual(now.eligibility_state, "eligible")
        action = now.action_verify_eligibility()
        self.assertEqual(self.Check.browse(action["res_id"]).card_id, self.card)

    def test_the_coverage_answer_says_it(self):
        self.assertNotIn("eligible", self._reasons())
        self._verify().register_answer("eligible")
        self.assertEqual(self._reasons()["eligible"], "info")
        self._verify().register_answer("not_eligible", denial_reason="1016 SUSPENSO")
        answer = self.contract.coverage_for(self.card, self.products[ECG], self.today)
        [reason] = [each for each in answer["reasons"] if each["code"] == "not_eligible"]
        self.assertEqual(reason["kind"], "block")
        self.assertEqual(reason["message"], "Not eligible, verified today: 1016 SUSPENSO")
        self.assertFalse(answer["covered"])
        tomorrow = self._reasons(self.today + timedelta(days=1))
        self.assertEqual(tomorrow["not_eligible"], "block")
        self.assertNotIn("not_eligible", self._reasons(self.visit_date), "said later on")

    def test_a_no_says_little_of_a_later_day_that_has_passed(self):
        self._verify().register_answer("not_eligible", date=self.visit_date)
        self.assertEqual(self._reasons(self.visit_date)["not_eligible"], "block")
        after = self._reasons(self.visit_date + timedelta(days=1))
        self.assertEqual(after["not_eligible"], "warn")

    def test_a_convenio_may_ask_for_it(self):
        self.contract.eligibility_required = True
        self.assertEqual(self._reasons()["eligibility_unknown"], "warn")
        self._verify().register_answer("eligible", date=self.today - timedelta(days=1))
        self.assertEqual(self._reasons()["eligibility_old"], "warn")
        self._verify().register_answer("eligible")
        self.assertEqual(self._reasons()["eligible"], "info")

    def test_the_appointments_of_tomorrow_are_verified_together(self):
        second = self.env["tiss.card"].create(
            {
                "patient_id": self.env["res.partner"].create({"name": "Outra Pessoa"}).id,
                "plan_id": self.plan.id,
                "number": "555",
            }
        )
        Event = self.env["calendar.event"].with_user(self.reception)
        events = Event.create(
            [
                {
                    "tiss_patient_id": card.patient_id.id,
                    "tiss_card_id": card.id,
                    "tiss_product_id": self.products[ECG].id,
                    "start": f"{self.today + timedelta(days=1)} 12:00:00",
                    "stop": f"{self.today + timedelta(days=1)} 12:30:00",
                }
                for card in (self.card, second, second)
            ]
        )
        self.assertFalse(events[0].tiss_eligibility_state)
        action = events.action_tiss_verify_eligibility()
        checks = self.Check.search([("id", "in", action["domain"][0][2])])
        self.assertEqual(checks.card_id, self.card | second)
        self.assertEqual(len(checks), 2)
        checks[0].with_user(self.reception).register_answer("eligible")
        events.invalidate_recordset()
        self.assertEqual(
            set(events.filtered(lambda e: e.tiss_card_id == checks[0].card_id).mapped(
                "tiss_eligibility_state"
            )),
            {"eligible"},
        )  # fmt: skip
        with self.assertRefused("Choose the patient's card first"):
            Event.action_tiss_verify_eligibility()

    def test_many_are_shown_in_a_constant_number_of_queries(self):
        counts = {}
        for size in (2, 20):
            cards = self.env["tiss.card"].create(
                [
                    {
                        "patient_id": self.patient.id,
                        "plan_id": self.plan.id,
                        "number": f"77{size:04d}{place:04d}",
                    }
                    for place in range(size)
                ]
            )
            for check in cards.verify_eligibility():
                check.register_answer("eligible")
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.assertEqual(set(cards.mapped("eligibility_state")), {"eligible"})
            counts[size] = self.env.cr.sql_log_count - start
        self.assertEqual(counts[2], counts[20])

    # ------------------------------------------------------------------
    # Who
    # ------------------------------------------------------------------

    def test_numbers_stay(self):
        check = self._verify()
        self.assertRegex(check.name, "^EL[0-9]{6}$")
        with self.assertRefused("cancel it instead of deleting it"):
            check.sudo().unlink()
        check.action_cancel()
        self.assertEqual(check.state, "cancelled")

    def test_other_people_see_nothing_of_it(self):
        employee = self._create_user("empregado.eleg", "base.group_user")
        with self.assertRaises(AccessError):
            self._verify().with_user(employee).read(["result"])
