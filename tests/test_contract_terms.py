import base64
import itertools
from datetime import date

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import format_date

from .common import CONSULTATION, ECG, TissCommon


class TermsCase(TissCommon):
    """A convênio of the year 2026 with 60 days of notice: say so until 1 November."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract.write(
            {
                "start_date": "2026-01-01",
                "end_date": "2026-12-31",
                "notice_days": 60,
                "renewal": "automatic",
            }
        )
        cls._flush_notes()

    @classmethod
    def _flush_notes(cls):
        """Post what mail and our log keep until the end of a transaction."""
        cls.env.flush_all()
        cls.env.cr.precommit.run()

    def _format(self, *day):
        """A day as a person with these settings reads it."""
        return format_date(self.env, date(*day))

    def _set_today(self, day):
        self.patch(type(self.env["tiss.contract"]), "_get_today", lambda _self: day)
        self.env.invalidate_all()

    def _get_notes(self, contract=None):
        """Notes of the chatter since the last call, oldest first, as text."""
        self._flush_notes()
        messages = (contract or self.contract).message_ids.sorted("id")
        new = messages.filtered(lambda message: message.id > getattr(self, "last_id", 0))
        self.last_id = max(messages.ids, default=0)
        return [str(message.body) for message in new]


@tagged("post_install", "-at_install", "post_install_l10n")
class TestContractTerms(TermsCase):
    """Validity, renewal and what a person is reminded of."""

    # ------------------------------------------------------------------
    # Where a convênio stands
    # ------------------------------------------------------------------

    def test_dates_of_notice_and_reminder(self):
        # 31/12 − 60 days = 01/11; 15 days before = 17/10
        self.assertEqual(self.contract.notice_date, date(2026, 11, 1))
        self.assertEqual(self.contract.reminder_date, date(2026, 10, 17))
        self.assertEqual(self.contract.renewal_months, 12)

    def test_state_on_each_side_of_each_date(self):
        expected = {
            date(2025, 12, 31): ("future", "future"),
            date(2026, 1, 1): ("in_force", "in_force"),
            date(2026, 10, 16): ("in_force", "in_force"),
            date(2026, 10, 17): ("notice", "to_renew"),
            date(2026, 11, 1): ("notice", "to_renew"),
            date(2026, 11, 2): ("in_force", "to_renew"),
            date(2026, 12, 31): ("in_force", "to_renew"),
            date(2027, 1, 1): ("in_force", "expired"),
        }
        Contract = self.env["tiss.contract"]
        others = self._create_contract("005711", provider_code="1")
        others.start_date = "2026-01-01"
        both = self.contract | others
        for day, states in expected.items():
            self._set_today(day)
            for renewal, state in zip(("automatic", "manual"), states, strict=True):
                self.contract.renewal = renewal
                self.assertEqual(self.contract.term_state, state, (day, renewal))
                for name in ("future", "in_force", "notice", "to_renew", "expired"):
                    found = Contract.search([("id", "in", both.ids), ("term_state", "=", name)])
                    self.assertEqual(
                        found, both.filtered(lambda c, n=name: c.term_state == n), (day, name)
                    )

    def test_the_sentence_says_what_comes_next(self):
        start, end = self._format(2026, 1, 1), self._format(2026, 12, 31)
        later, reminder = self._format(2027, 12, 31), self._format(2026, 10, 17)
        for day, renewal, words in (
            (date(2025, 12, 1), "manual", f"Comes into force on {start}."),
            (date(2026, 3, 1), "automatic", f"until {later}; whoever wants to leave says so by"),
            (date(2026, 12, 1), "automatic", "the day of notice has passed"),
            (date(2026, 3, 1), "manual", f"a reminder comes on {reminder}"),
            (date(2026, 12, 1), "manual", f"Ends on {end}: negotiate and renew it before."),
            (date(2027, 3, 1), "manual", f"Ended on {end} and was not renewed"),
        ):
            self._set_today(day)
            self.contract.renewal = renewal
            self.assertIn(words, self.contract.term_text)
        self.contract.write({"end_date": False, "base_date": "2027-05-01"})
        self.assertEqual(
            self.contract.term_text,
            f"In force without an end. Next readjustment: {self._format(2027, 5, 1)}.",
        )

    def test_dates_in_order(self):
        with self.assertRefused("ends after it begins", ValidationError):
            self.contract.end_date = "2025-12-31"
        with self.assertRefused("not negative", ValidationError):
            self.contract.notice_days = -1

    # ------------------------------------------------------------------
    # Renewal
    # ------------------------------------------------------------------

    def test_cron_renews_by_the_same_duration_once(self):
        self._set_today(date(2026, 12, 31))
        self.env["tiss.contract"]._cron_terms()
        self.assertEqual(self.contract.end_date, date(2026, 12, 31), "its last day is not over")
        self._get_notes()
        self._set_today(date(2027, 1, 1))
        for _time in range(2):
            self.env["tiss.contract"]._cron_terms()
            self.assertEqual(self.contract.end_date, date(2027, 12, 31))
        [note] = self._get_notes()
        new, old = self._format(2027, 12, 31), self._format(2026, 12, 31)
        self.assertIn(f"in force until {new} (before: {old})", note)
        self.assertEqual(self.contract.start_date, date(2026, 1, 1))

    def test_half_a_year_and_years_without_a_cron(self):
        half = self._create_contract(
            "005711", provider_code="1", start_date="2026-01-01", end_date="2026-06-30"
        )
        self.assertEqual(half.renewal_months, 6)
        self._set_today(date(2029, 5, 10))
        self.env["tiss.contract"]._cron_terms()
        self.assertEqual(half.end_date, date(2029, 6, 30))
        self.assertEqual(self.contract.end_date, date(2029, 12, 31))

    def test_manual_renewal(self):
        self.contract.renewal = "manual"
        self._set_today(date(2027, 1, 15))
        self.env["tiss.contract"]._cron_terms()
        self.assertEqual(self.contract.end_date, date(2026, 12, 31), "a person renews it")
        self.assertEqual(len(self.contract.activity_ids), 1)
        self._get_notes()
        self.contract.action_renew()
        self.assertEqual(self.contract.end_date, date(2027, 12, 31))
        self.assertEqual(self.contract.term_state, "in_force")
        self.assertFalse(self.contract.activity_ids, "the reminder is done")
        self.assertIn(f"until {self._format(2027, 12, 31)}", " ".join(self._get_notes()))

    def test_without_an_end_there_is_nothing_to_renew(self):
        self.contract.end_date = False
        with self.assertRefused("has no end and needs no renewal"):
            self.contract.action_renew()

    def test_an_early_renewal_adds_one_term(self):
        self._set_today(date(2026, 5, 1))
        self.contract.action_renew()
        self.assertEqual(self.contract.end_date, date(2027, 12, 31))

    # ------------------------------------------------------------------
    # Reminders
    # ------------------------------------------------------------------

    def _run_cron(self, *days):
        for day in days:
            self._set_today(day)
            self.env["tiss.contract"].sudo()._cron_terms()
        return self.contract.activity_ids

    def test_reminder_of_an_automatic_renewal_comes_before_the_notice(self):
        self.assertFalse(self._run_cron(date(2026, 10, 16)))
        activity = self._run_cron(date(2026, 10, 17), date(2026, 10, 18), date(2026, 11, 1))
        self.assertEqual(len(activity), 1, "never twice for the same date")
        self.assertEqual(activity.date_deadline, date(2026, 11, 1))
        self.assertEqual(activity.user_id, self.contract.user_id)
        self.assertEqual(activity.activity_type_id, self.env.ref("mail.mail_activity_data_todo"))
        activity.action_done()
        self.assertFalse(self._run_cron(date(2026, 11, 1)), "not again after it was done")

    def test_too_late_for_notice_is_too_late_for_a_reminder(self):
        self.assertFalse(self._run_cron(date(2026, 11, 2)))

    def test_reminder_of_a_manual_renewal_and_of_the_next_one(self):
        self.contract.renewal = "manual"
        first = self._run_cron(date(2026, 10, 17))
        self.assertEqual(first.date_deadline, date(2026, 12, 31))
        self.contract.action_renew()
        # 31/12/2027 − 75 days = 17/10/2027
        self.assertFalse(self._run_cron(date(2027, 10, 16)))
        self.assertEqual(self._run_cron(date(2027, 10, 17)).date_deadline, date(2027, 12, 31))

    def test_base_date_is_announced_60_days_before_and_rolls_on(self):
        self.contract.write({"end_date": False, "base_date": "2026-05-01"})
        # 01/05 − 60 days = 02/03
        self.assertFalse(self._run_cron(date(2026, 3, 1)))
        activity = self._run_cron(date(2026, 3, 2), date(2026, 4, 1))
        self.assertEqual(activity.date_deadline, date(2026, 5, 1))
        self._run_cron(date(2026, 5, 2))
        self.assertEqual(self.contract.base_date, date(2026, 5, 1), "nobody has decided yet")
        self.contract.action_decline_readjustment()
        self.assertEqual(self.contract.base_date, date(2027, 5, 1))
        self.assertFalse(self.contract.activity_ids)
        self.assertIn(
            f"No readjustment on the base date {self._format(2026, 5, 1)}",
            " ".join(self._get_notes()),
        )
        # 01/05/2027 − 60 days = 02/03/2027
        self.assertEqual(self._run_cron(date(2027, 3, 2)).date_deadline, date(2027, 5, 1))

    def test_a_readjustment_declined_early_rolls_on_when_the_day_has_passed(self):
        self.contract.base_date = "2026-05-01"
        self._set_today(date(2026, 4, 1))
        self.contract.action_decline_readjustment()
        self.assertEqual(self.contract.base_date, date(2026, 5, 1))
        self.assertFalse(self._run_cron(date(2026, 4, 2)), "it is settled")
        self._run_cron(date(2026, 5, 1))
        self.assertEqual(self.contract.base_date, date(2027, 5, 1))

    def test_only_an_active_user_with_the_right_is_reminded(self):
        biller = self._create_user("terms.biller", "billing")
        clerk = self._create_user("terms.clerk", "reception")
        for user, right in ((biller, True), (clerk, False), (self.env.user.browse(), False)):
            self.contract.write({"user_id": user.id, "reminded_end_date": False})
            activity = self._run_cron(date(2026, 10, 17))
            self.assertEqual(activity.user_id == user, right, user.name)
            self.assertTrue(activity.user_id.active)
            self.assertTrue(activity.user_id.has_group("l10n_br_tiss.group_tiss_billing"))
            activity.sudo().unlink()
        biller.sudo().active = False
        self.contract.write({"user_id": biller.id, "reminded_end_date": False})
        self.assertNotEqual(self._run_cron(date(2026, 10, 17)).user_id, biller)

    def test_cron_takes_the_same_queries_for_many(self):
        codes = self.env["tiss.operadora.registry"].search([], limit=21).mapped("ans_code")

        def make(size):
            made = self.env["tiss.contract"]
            for _number in range(size):
                made |= self._create_contract(
                    codes.pop(),
                    provider_code="1",
                    start_date="2026-01-01",
                    end_date="2026-12-31",
                    renewal="manual",
                    base_date="2026-12-01",
                )
            return made

        self._set_today(date(2026, 10, 20))
        counts = []
        for size in (1, 3, 12):
            contracts = make(size)
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.env["tiss.contract"].sudo()._cron_terms()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - start)
            self.assertEqual(len(contracts.activity_ids), 2 * size)
        self.assertLessEqual(counts[2], counts[1] + 2)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestNetwork(TermsCase):
    """Which network a professional belongs to on a day."""

    def _accredit(self, **vals):
        return self.env["tiss.accreditation"].create(
            {
                "contract_id": self.contract.id,
                "professional_id": self.professional.id,
                "network_status": "preferential",
                **vals,
            }
        )

    def test_place_of_a_professional_and_of_the_clinic(self):
        basic, premium = self.env["tiss.network.level"].create(
            [{"name": name, "operadora_id": self.operadora.id} for name in ("Basic", "Premium")]
        )
        self.contract.write({"network_status": "referenced", "network_level_id": basic.id})
        self._accredit(start_date="2026-03-01", end_date="2026-05-31", network_level_id=premium.id)
        self._accredit(start_date="2026-06-01", network_status="accredited")
        for day, place in (
            (date(2026, 2, 28), ("referenced", basic)),
            (date(2026, 3, 1), ("preferential", premium)),
            (date(2026, 5, 31), ("preferential", premium)),
            (date(2026, 6, 1), ("accredited", basic)),
        ):
            self.assertEqual(self.contract._get_network(self.professional, day), place)
        nobody = self.env["res.partner"]
        self.assertEqual(
            self.contract._get_network(nobody, date(2026, 4, 1)), ("referenced", basic)
        )

    def test_many_professionals_take_one_query(self):
        others = self.env["res.partner"].create(
            [{"name": f"Médico {n}", "tiss_is_professional": True} for n in range(20)]
        )
        self.env["tiss.accreditation"].create(
            [
                {
                    "contract_id": self.contract.id,
                    "professional_id": other.id,
                    "network_status": "preferential",
                }
                for other in others[:15]
            ]
        )
        self.contract._get_networks(others[0])
        self.env["tiss.accreditation"].invalidate_model()
        with self.assertQueryCount(1):
            lookup = self.contract._get_networks(others)
            places = [lookup(other.id, date(2026, 5, 1))[0] for other in others]
        self.assertEqual(places, ["preferential"] * 15 + ["accredited"] * 5)

    def test_no_two_places_on_one_day(self):
        first = self._accredit(start_date="2026-03-01", end_date="2026-05-31")
        for start, end in (
            ("2026-05-31", False),
            (False, "2026-03-01"),
            (False, False),
            ("2026-04-01", "2026-04-30"),
            ("2026-01-01", "2026-12-31"),
        ):
            with self.assertRefused("already has a place in the network", ValidationError):
                self._accredit(start_date=start, end_date=end)
        self._accredit(start_date=False, end_date="2026-02-28")
        self._accredit(start_date="2026-06-01")
        period = f"from {self._format(2026, 3, 1)} until {self._format(2026, 6, 1)}"
        with self.assertRefused(period, ValidationError):
            first.end_date = "2026-06-01"
        with self.assertRefused("ends after it begins", ValidationError):
            first.end_date = "2026-02-01"

    def test_a_level_of_another_operadora_is_refused(self):
        other = self._create_contract("005711", provider_code="1")
        level = self.env["tiss.network.level"].create(
            {"name": "Gold", "operadora_id": other.partner_id.id}
        )
        with self.assertRefused("The level Gold belongs to", ValidationError):
            self._accredit(network_level_id=level.id)
        words = f"belongs to {other.partner_id.name}, not to {self.operadora.name}"
        with self.assertRefused(words, ValidationError):
            self.contract.write({"name": "Hospital inventado", "network_level_id": level.id})

    def test_a_cancelled_operadora_of_which_the_day_is_not_known(self):
        registry = self.env["tiss.operadora.registry"].search([("ans_code", "=", "005711")])
        registry.sudo().write({"is_cancelled": True, "cancel_date": False})
        with self.assertRefused("operadoras of the ANS: it cannot get a new convênio"):
            registry.create_operadora()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestClauses(TermsCase):
    """The checklist of RN 503."""

    def test_a_new_convenio_gets_the_checklist(self):
        clauses = self.env["tiss.clause"].search([])
        self.assertGreaterEqual(len(clauses), 10)
        self.assertTrue(all(clause.source and clause.proposal for clause in clauses))
        self.assertEqual(self.contract.clause_ids.clause_id, clauses)
        self.assertEqual(set(self.contract.clause_ids.mapped("state")), {"unchecked"})

    def test_progress_in_words(self):
        rows = self.contract.clause_ids
        total = len(rows)
        rows[:9].state = "present"
        rows[9:11].state = "missing"
        rows[11].state = "not_applicable"
        rest = total - 12
        self.assertEqual(
            self.contract.clause_summary,
            f"9 of {total - 1} in the contract, 2 missing, {rest} to check",
        )
        self.assertEqual(self.contract.missing_clause_count, 2)

    def test_text_for_the_negotiation(self):
        with self.assertRefused("No clause of the checklist is marked as missing"):
            self.contract.action_negotiate()
        clause = self.env.ref("l10n_br_tiss.tiss_clause_answer")
        row = self.contract.clause_ids.filtered(lambda row: row.clause_id == clause)
        row.state = "missing"
        defaults = self.contract.action_negotiate()["context"]
        self.assertIn(clause.proposal, defaults["default_body"])
        self.assertIn("RN 503/2022", defaults["default_body"])
        self.assertEqual(defaults["default_partner_ids"], self.operadora.ids)
        other = self.env.ref("l10n_br_tiss.tiss_clause_payment")
        self.assertNotIn(other.proposal, defaults["default_body"])

    def test_a_new_clause_joins_every_checklist_once(self):
        before = len(self.contract.clause_ids)
        clause = self.env["tiss.clause"].create({"name": "Cláusula nova"})
        self.assertEqual(len(self.contract.clause_ids), before + 1)
        self.assertEqual(self.contract.clause_ids.filtered(lambda r: r.clause_id == clause).state,
                         "unchecked")  # fmt: skip
        self.assertFalse(self.contract._create_clauses())

    def test_the_reception_opens_a_convenio_without_its_clauses(self):
        clerk = self._create_user("terms.reception", "reception")
        contract = self.contract.with_user(clerk)
        self.assertTrue(contract.term_text)
        with self.assertRaises(AccessError):
            contract.read(["clause_ids"])


@tagged("post_install", "-at_install", "post_install_l10n")
class TestSignedFiles(TermsCase):
    """Who may not read a convênio may not read its signed files."""

    def _upload(self, **vals):
        content = base64.b64encode(b"assinado")
        return self.env["ir.attachment"].create({"name": "contrato.pdf", "datas": content, **vals})

    def test_files_hang_on_the_contract(self):
        loose = self._upload(res_model="tiss.contract", res_id=0)
        self.contract.document_ids = [Command.link(loose.id)]
        self.assertEqual((loose.res_model, loose.res_id), ("tiss.contract", self.contract.id))
        biller = self._create_user("files.biller", "billing")
        self.assertEqual(loose.with_user(biller).name, "contrato.pdf")
        employee = self._create_user("files.employee", "base.group_user")
        with self.assertRaises(AccessError):
            loose.with_user(employee).read(["name", "datas"])

    def test_files_of_a_new_contract(self):
        loose = self._upload()
        contract = self._create_contract(
            "005711", provider_code="1", document_ids=[Command.set(loose.ids)]
        )
        self.assertEqual(contract.document_ids, loose)
        self.assertEqual((loose.res_model, loose.res_id), ("tiss.contract", contract.id))

    def test_another_clinic_reads_nothing(self):
        loose = self._upload()
        self.contract.document_ids = loose
        other = self._create_other_clinic()
        stranger = self._create_user(
            "files.stranger",
            "manager",
            company_id=other.company_id.id,
            company_ids=[Command.set(other.company_id.ids)],
        )
        with self.assertRaises(AccessError):
            loose.with_user(stranger).read(["datas"])

    def test_a_file_of_another_record_is_not_taken_over(self):
        foreign = self._upload(res_model="res.partner", res_id=self.patient.id)
        with self.assertRefused("belongs to another document", ValidationError):
            self.contract.document_ids = foreign
        self.assertEqual(foreign.res_model, "res.partner")


@tagged("post_install", "-at_install", "post_install_l10n")
class TestContractLog(TermsCase):
    """Every change of what belongs to a convênio is told in its chatter, in plain words."""

    def setUp(self):
        super().setUp()
        self._get_notes()

    def test_one_note_for_several_changes_of_one_save(self):
        first, second = self.contract.clause_ids[:2]
        first.state = "present"
        first.reference = "7.2"
        second.state = "missing"
        [note] = self._get_notes()
        self.assertIn(f"{first.clause_id.name}: Status: To check → In the contract; "
                      "Where: – → 7.2", note)  # fmt: skip
        self.assertIn("To check → Missing", note)
        self.assertEqual(note.count("<li>"), 2)

    def test_created_changed_and_removed(self):
        row = self.env["tiss.accreditation"].create(
            {
                "contract_id": self.contract.id,
                "professional_id": self.professional.id,
                "provider_code": "777",
            }
        )
        [note] = self._get_notes()
        self.assertIn("Médica Exemplo added: Network Status: Accredited Network", note)
        self.assertIn("Code at the Operadora: 777", note)
        row.end_date = "2026-12-31"
        self.assertIn(
            f"Médica Exemplo: Until: – → {self._format(2026, 12, 31)}", self._get_notes()[0]
        )
        row.unlink()
        self.assertIn("Médica Exemplo removed:", self._get_notes()[0])

    def test_a_coverage_rule_is_named_once(self):
        rule = self.env["tiss.coverage"].create(
            {"contract_id": self.contract.id, "authorization": "yes"}
        )
        self.assertIn("Everything added: Rule: authorisation required", self._get_notes()[0])
        rule.mode = "tele"
        self.assertIn(
            "Everything · Telehealth: About: Everything → Everything · Telehealth",
            self._get_notes()[0],
        )
        rule.active = False
        self.assertIn("Everything · Telehealth: archived", self._get_notes()[0])

    def test_what_is_back_where_it_was_is_no_change(self):
        row = self.contract.clause_ids[0]
        row.state = "missing"
        row.state = "unchecked"
        temporary = self.env["tiss.accreditation"].create(
            {"contract_id": self.contract.id, "professional_id": self.professional.id}
        )
        temporary.unlink()
        self.assertEqual(self._get_notes(), [])

    def test_a_refused_change_leaves_no_note(self):
        row = self.contract.clause_ids[0]
        with self.assertRaises(ValueError), self.env.cr.savepoint():
            row.state = "missing"
            raise ValueError("refused")
        self.assertEqual(self._get_notes(), [])

    def test_many_changes_are_counted(self):
        people = self.env["res.partner"].create(
            [{"name": f"Médico {n}", "tiss_is_professional": True} for n in range(21)]
        )
        rows = self.env["tiss.accreditation"].create(
            [{"contract_id": self.contract.id, "professional_id": p.id} for p in people]
        )
        self.assertIn(
            "Accredited Professional: 21 added, 0 changed, 0 removed.", self._get_notes()[0]
        )
        rows.provider_code = "1"
        self.assertIn("0 added, 21 changed, 0 removed.", self._get_notes()[0])

    def test_the_log_costs_no_query_per_row(self):
        people = self.env["res.partner"].create(
            [{"name": f"Médico {n}", "tiss_is_professional": True} for n in range(60)]
        )
        rows = self.env["tiss.accreditation"].create(
            [{"contract_id": self.contract.id, "professional_id": p.id} for p in people]
        )
        self._flush_notes()
        counts = []
        for part in (rows[:2], rows[2:10], rows[10:]):
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            part.provider_code = f"{len(part)}"
            self._flush_notes()
            counts.append(self.env.cr.sql_log_count - start)
        self.assertLessEqual(counts[1], counts[0])
        self.assertLessEqual(counts[2], counts[0])

    def test_fields_of_the_contract_are_tracked(self):
        self.contract.write({"notice_days": 90, "base_date": "2027-01-01"})
        self._flush_notes()
        tracked = self.contract.message_ids[0].sudo().tracking_value_ids.field_id.mapped("name")
        self.assertLessEqual({"notice_days", "base_date"}, set(tracked))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPriceListOfOne(TissCommon):
    """A price list belongs to one convênio: readjusting one must not change another."""

    def test_two_convenios_do_not_share_a_price_list(self):
        words = "has its own price list"
        with self.assertRefused(words, ValidationError):
            self._create_contract("005711", pricelist_id=self.contract.pricelist_id.id)
        other = self._create_contract("005711")
        own = other.pricelist_id
        with self.assertRefused(words, ValidationError):
            other.pricelist_id = self.contract.pricelist_id
        other.active = False
        other.pricelist_id = self.contract.pricelist_id
        with self.assertRefused(words, ValidationError):
            other.action_unarchive()
        other.pricelist_id = own
        other.action_unarchive()
        self.assertTrue(other.active)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestContractClone(TermsCase):
    """A new convênio that begins with what another one has."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.target = cls.env["tiss.operadora.registry"].search([("ans_code", "=", "005711")])
        cls.partner = cls.target.create_operadora()
        Plan = cls.env["tiss.plan"]
        cls.only_here = Plan.create({"operadora_id": cls.operadora.id, "name": "Só Aqui"})
        cls.same_name = Plan.create({"operadora_id": cls.partner.id, "name": cls.plan.name})
        Item = cls.env["product.pricelist.item"]
        ecg = cls.products[ECG].product_tmpl_id
        shared = {"pricelist_id": cls.contract.pricelist_id.id, "product_tmpl_id": ecg.id}
        cls.contract.price_item_ids.filtered(
            lambda item: item.product_tmpl_id == ecg
        ).date_start = "2020-01-01 03:00:00"
        cls.planned = Item.create(
            [
                {**shared, "fixed_price": 50, "tiss_plan_id": cls.plan.id},
                {**shared, "fixed_price": 60, "tiss_plan_id": cls.only_here.id},
                {**shared, "fixed_price": 30, "date_end": "2020-01-01 02:59:59"},
            ]
        )
        cls.env["tiss.coverage"].create(
            [
                {"contract_id": cls.contract.id, "authorization": "yes"},
                {"contract_id": cls.contract.id, "plan_id": cls.plan.id, "waiting_days": 30},
                {"contract_id": cls.contract.id, "plan_id": cls.only_here.id},
            ]
        )
        cls.contract.write({"next_guia_number": 5000, "appeal_days": 45, "note": "assinado"})

    def _clone(self, **vals):
        return self.env["tiss.contract.clone"].create(
            {"contract_id": self.contract.id, "partner_id": self.partner.id, **vals}
        )

    def test_everything_goes_along_but_what_belongs_to_the_other(self):
        self.contract.clause_ids[0].write({"state": "present", "reference": "7.2"})
        clone = self._clone(with_clauses=True, provider_code="77").clone()
        self.assertEqual(clone.partner_id, self.partner)
        self.assertEqual(clone.name, self.partner.name)
        self.assertEqual((clone.provider_code, clone.appeal_days), ("77", 45))
        self.assertEqual((clone.next_guia_number, clone.next_lote_number), (1, 1))
        self.assertFalse(clone.start_date or clone.end_date or clone.note or clone.document_ids)
        self.assertNotEqual(clone.pricelist_id, self.contract.pricelist_id)
        # 5 prices of the list, that of the plan with the same name; not that of "Só Aqui", and
        # not the one that ended in 2019.
        items = clone.pricelist_id.item_ids
        self.assertEqual(len(items), 6)
        self.assertEqual(items.tiss_plan_id, self.same_name)
        day = self.today
        for code in (CONSULTATION,):
            product = self.products[code]
            self.assertEqual(
                clone.price_for(product, day)["unit_amount"],
                self.contract.price_for(product, day)["unit_amount"],
            )
        self.assertEqual(len(clone.coverage_ids), 2)
        self.assertEqual(clone.coverage_ids.plan_id, self.same_name)
        states = clone.clause_ids.mapped("state")
        self.assertEqual(states.count("present"), 1)
        self.assertEqual(len(states), len(self.contract.clause_ids))
        self.assertFalse(any(clone.clause_ids.mapped("reference")))
        self.assertEqual(clone.journal_id, self.contract.journal_id)
        note = " ".join(self._get_notes(clone))
        self.assertIn("Came along: 6 prices, 2 coverage rules.", note)
        self.assertEqual(note.count("Só Aqui"), 2)

    def test_only_what_was_ticked_goes_along(self):
        journal = self.contract.journal_id.sudo().copy({"code": "TISS9", "name": "Outro"})
        self.contract.journal_id = journal
        clone = self._clone(
            with_prices=False, with_coverage=False, with_deadlines=False, with_accounting=False
        ).clone()
        self.assertFalse(clone.pricelist_id.item_ids or clone.coverage_ids)
        self.assertEqual(clone.appeal_days, 30)
        self.assertEqual(clone.journal_id, self.company.tiss_journal_id)
        self.assertEqual(set(clone.clause_ids.mapped("state")), {"unchecked"})

    def test_operadora_from_the_registry_and_a_second_convenio(self):
        wizard = self._clone(partner_id=False, registry_id=self.target.id)
        self.assertEqual(wizard.clone().partner_id, self.partner)
        with self.assertRefused("already has a convênio with this operadora"):
            self._clone().clone()
        with self.assertRefused("Choose the operadora"):
            self._clone(partner_id=False).clone()

    def test_to_another_company_with_its_own_accounts(self):
        other = self._create_other_clinic(has_books=True)
        other.active = False
        other.flush_recordset()
        clone = self._clone(partner_id=self.operadora.id, company_id=other.company_id.id).clone()
        self.assertEqual(clone.company_id, other.company_id)
        self.assertEqual(clone.journal_id.company_id, other.company_id)
        self.assertEqual(clone.pricelist_id.company_id, other.company_id)
        # The same operadora: all plans are there. 5 + 2 prices.
        self.assertEqual(len(clone.pricelist_id.item_ids), 7)

    def test_a_biller_clones_a_reception_does_not(self):
        biller = self._create_user("clone.biller", "billing")
        self.assertTrue(self._clone().with_user(biller).create(
            {"contract_id": self.contract.id, "partner_id": self.partner.id}).clone())  # fmt: skip
        clerk = self._create_user("clone.clerk", "reception")
        with self.assertRaises(AccessError):
            self._clone().with_user(clerk).clone()

    def test_many_prices_cost_the_same_queries(self):
        product = self.products[ECG].product_tmpl_id
        tiers = itertools.count(2)

        def fill(count):
            self.env["product.pricelist.item"].create(
                [
                    {
                        "pricelist_id": self.contract.pricelist_id.id,
                        "product_tmpl_id": product.id,
                        "fixed_price": 1 + number,
                        "min_quantity": next(tiers),
                    }
                    for number in range(count)
                ]
            )

        counts = []
        for size in (1, 10, 50):
            fill(size)
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            clone = self._clone().clone()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - start)
            clone.active = False
        self.assertLessEqual(counts[2], counts[1] + 2)
