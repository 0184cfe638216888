from datetime import datetime, timedelta

from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .common import BLOOD_COUNT, ECG
from .coverage_common import CoverageCommon

MORNING = datetime(2026, 3, 11, 1, 30)  # 22:30 of the tenth in São Paulo


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAppointment(CoverageCommon):
    """Booking: the coverage is said at once, and only to those whom it concerns."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reception = cls._create_user("recepcao.agenda", "reception", tz="America/Sao_Paulo")
        cls.employee = cls._create_user("empregado.agenda", "base.group_user")

    def _book(self, code=ECG, **vals):
        return (
            self.env["calendar.event"]
            .with_user(self.reception)
            .with_context(tz="America/Sao_Paulo")
            .create(
                {
                    "tiss_patient_id": self.patient.id,
                    "tiss_product_id": self.products[code].id,
                    "tiss_professional_id": self.professional.id,
                    "start": MORNING,
                    "stop": MORNING + timedelta(minutes=30),
                    **vals,
                }
            )
        )

    def test_the_reception_books(self):
        """The main card comes by itself, and so does the answer."""
        second = self.card.create(
            {
                "patient_id": self.patient.id,
                "plan_id": self.plan.id,
                "number": "99",
                "is_main": True,
            }
        )
        self._rule(ECG, authorization="yes")
        view = "l10n_br_tiss.calendar_event_view_form_front_desk"
        form = Form(self.env["calendar.event"].with_user(self.reception), view)
        form.tiss_patient_id = self.patient
        self.assertEqual(form.tiss_card_id, second)
        form.tiss_product_id = self.products[ECG]
        form.start = MORNING
        self.assertEqual(form.tiss_coverage_state, "authorization")
        self.assertIn("Ask the operadora", form.tiss_coverage_html)
        event = form.save()
        self.assertEqual(event.name, "Appointment")

    def test_the_day_is_the_clinics(self):
        self.card.validity_date = "2026-03-10"
        self.assertEqual(self._book().tiss_coverage_state, "covered")

    def test_without_card_or_procedure_nothing_is_said(self):
        event = self._book(tiss_product_id=False)
        self.assertFalse(event.tiss_coverage_state)
        self.assertFalse(event.tiss_coverage_html)

    def test_it_becomes_an_encounter_once(self):
        event = self._book()
        action = event.action_tiss_register_encounter()
        encounter = self.env["tiss.encounter"].browse(action["res_id"])
        self.assertEqual(encounter.patient_id, self.patient)
        self.assertEqual(str(encounter.date), "2026-03-10")
        self.assertEqual(encounter.line_ids.product_id, self.products[ECG])
        self.assertEqual(event.action_tiss_register_encounter()["res_id"], encounter.id)

    def test_its_encounter_does_not_use_up_its_own_limit(self):
        self._rule(ECG, limit_month=1)
        event = self._book()
        event.action_tiss_register_encounter()
        event.invalidate_recordset()
        self.assertEqual(event.tiss_coverage_state, "covered")

    def test_who_attends_must_be_known(self):
        event = self._book(tiss_professional_id=False)
        with self.assertRefused("Say who comes and who attends"):
            event.action_tiss_register_encounter()

    def test_others_see_that_somebody_comes_and_no_more(self):
        event = self._book().with_user(self.employee)
        self.env.invalidate_all()
        names = [name for name in event._fields if name.startswith("tiss_")]
        self.assertGreater(len(names), 6)
        self.assertFalse(set(names) & set(event.fields_get()))
        for name in names:
            with self.subTest(name), self.assertRaises(AccessError):
                event.read([name])
        with self.assertRaises(AccessError):
            event.search([("tiss_patient_id", "=", self.patient.id)])
        shown = str(event.read())
        self.assertNotIn(self.patient.name, shown)
        self.assertNotIn(self.products[ECG].name, shown)

    def test_an_ordinary_meeting_is_as_before(self):
        event = self.env["calendar.event"].with_user(self.employee)
        with Form(event) as form:
            form.name = "Reunião"
        self.assertFalse(form.record.sudo().tiss_card_id)

    def test_a_day_of_appointments_is_answered_in_a_constant_number_of_queries(self):
        self._rule(ECG, limit_month=1)
        counts = {}
        for size in (1, 5, 20):
            events = self.env["calendar.event"].union(
                *(self._book(BLOOD_COUNT if i % 2 else ECG) for i in range(size))
            )
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.assertEqual(set(events.mapped("tiss_coverage_state")), {"covered"})
            counts[size] = self.env.cr.sql_log_count - start
        self.assertEqual(counts[20], counts[5])
