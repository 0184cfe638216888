from lxml import etree

from odoo.tests import TransactionCase, tagged
from odoo.tools.safe_eval import safe_eval

from .test_delivery import DeliveryCase


@tagged("post_install", "-at_install", "post_install_l10n")
class TestOutgoingViews(TransactionCase):
    """What all lists of what is sent have in common."""

    def get_models(self):
        models = [self.env[name] for name in self.env.registry]
        return [
            model
            for model in models
            if "goes_by_service" in model._fields and not model._abstract and not model._transient
        ]

    def test_one_click_sends_a_draft_where_there_is_a_web_service(self):
        header = etree.fromstring(self.env["tiss.lote"].get_view(view_type="form")["arch"])
        send = header.find(".//button[@name='action_send'][@class='btn-primary']")
        shown = {
            (state, by_service)
            for state in ("draft", "validated", "sent")
            for by_service in (True, False)
            if not safe_eval(send.get("invisible"), {"state": state, "goes_by_service": by_service})
        }
        self.assertEqual(shown, {("draft", True), ("validated", True)})

    def test_a_list_of_what_waits_has_also_what_is_on_its_way_or_unknown(self):
        """A request without an answer must not leave the list in which people look for it."""
        models, seen = self.get_models(), 0
        self.assertIn("tiss.authorization", [model._name for model in models])
        for model in models:
            arch = etree.fromstring(model.get_view(view_type="search")["arch"])
            for node in arch.iterfind(".//filter[@domain]"):
                domain = safe_eval(node.get("domain"), {"uid": self.env.uid})
                shown = {
                    state
                    for state in ("sending", "sent", "unknown")
                    if model.new({"state": state}).filtered_domain(domain)
                }
                if "sent" in shown:
                    seen += 1
                    with self.subTest(model=model._name, filter=node.get("name")):
                        self.assertEqual(shown, {"sending", "sent", "unknown"})
        self.assertGreater(seen, 5)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestUnansweredViews(DeliveryCase):
    """What a biller sees of a lote of which nobody knows whether it arrived."""

    def send_unanswered(self):
        self.address.misbehave("html+taken")
        lote = self._send()
        self._deliver()
        self.assertEqual(lote.state, "unknown")
        return lote

    def test_it_is_in_the_list_of_what_needs_a_person(self):
        delivery = self.send_unanswered().delivery_ids
        arch = etree.fromstring(delivery.get_view(view_type="search")["arch"])
        domain = safe_eval(arch.find(".//filter[@name='for_person']").get("domain"))
        self.assertEqual(delivery.search([*domain, ("id", "=", delivery.id)]), delivery)

    def test_the_journal_tells_what_was_built_from_what_left(self):
        messages = self.send_unanswered().tiss_message_ids
        self.assertEqual(sorted(messages.mapped("stage")), ["file", "received", "sent"])

    def test_once_its_protocolo_is_known_nothing_says_that_it_failed(self):
        lote = self.send_unanswered()
        self.assertTrue(lote.rejection_reason)
        lote.register_protocol("4711")
        self.assertFalse(lote.rejection_reason)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestEligibilityAtTheDesk(DeliveryCase):
    """The patient stands there: the answer comes on the page from which it was asked."""

    def setUp(self):
        super().setUp()
        self._connect("tissVerificaElegibilidade")
        self.card = self.card.with_user(self._create_user("recepcao.balcao", "reception"))

    def test_the_answer_is_on_the_card_without_leaving_it(self):
        self.assertFalse(self.card.action_verify_eligibility())
        self.assertEqual(self.card.eligibility_state, "waiting")
        self._deliver()
        self.assertIn(self.card.eligibility_state, ("eligible", "not_eligible"))

    def test_a_question_that_came_back_is_said_on_the_card(self):
        self.address.misbehave("fault=LoginInvalido")
        self.card.action_verify_eligibility()
        self._deliver()
        self.assertEqual(self.card.eligibility_ids.state, "validated")
        self.assertEqual(self.card.eligibility_state, "refused")
        self.assertIn("login and password", self.card.eligibility_text)
        self.assertFalse(self.card.action_verify_eligibility(), "asking again sends it again")
        self._deliver()
        self.assertEqual(self.card.eligibility_ids.state, "received")

    def test_without_a_web_service_the_question_opens(self):
        self.contract.endpoint_ids.unlink()
        action = self.card.action_verify_eligibility()
        self.assertEqual(action["res_id"], self.card.eligibility_ids.id)

    def test_the_page_reads_an_answer_that_comes_late(self):
        """On the card, the visit and the appointment: nobody has to load the page again."""
        for model, view, field in (
            ("tiss.card", "tiss_card_view_form", "eligibility_state"),
            ("tiss.encounter", "tiss_encounter_view_form", "eligibility_state"),
            ("calendar.event", "calendar_event_view_form_front_desk", "tiss_eligibility_state"),
        ):
            with self.subTest(model):
                view = self.env.ref(f"l10n_br_tiss.{view}")
                arch = etree.fromstring(self.env[model].get_view(view.id, "form")["arch"])
                [widget] = arch.iterfind(".//widget[@name='tiss_run_refresh']")
                hidden = {
                    state
                    for state in ("waiting", "eligible", "refused", False)
                    if safe_eval(
                        widget.get("invisible"), {field: state, "authorization_state": False}
                    )
                }
                self.assertEqual(hidden, {"eligible", "refused", False})

    def test_a_question_that_waits_in_a_paused_queue_says_so(self):
        self.address.misbehave("403")
        other = self.card.copy({"number": "0999999999"})
        other.action_verify_eligibility()
        self.card.action_verify_eligibility()
        self._deliver()
        self.assertEqual((other | self.card).mapped("eligibility_state"), ["refused", "waiting"])
        self.assertIn("paused until", self.card.eligibility_text)
        self.assertIn("does not let the clinic in", self.card.eligibility_text)
        self.card.action_verify_eligibility()
        self._deliver()
        self.assertIn(self.card.eligibility_state, ("eligible", "not_eligible"))
