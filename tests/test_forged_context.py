from odoo.service.model import call_kw
from odoo.tests import tagged

from .authorization_records import AuthorizationRecords
from .common import ECG, TissCommon


@tagged("post_install", "-at_install", "post_install_l10n")
class TestForgedContext(TissCommon):
    """What code of ours says in a context lifts no guard when a browser says it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accountant = cls._create_user("f.contabil", "manager", "account.group_account_manager")
        cls.biller = cls._create_user("f.faturamento", "billing")
        cls.lote = cls._create_received_lote({ECG: 1}, protocol="1001")

    def _call(self, user, record, method, *args, **said):
        """Call as a browser does, with `said` in the context."""
        context = {"allowed_company_ids": self.company.ids, "lang": "en_US", **said}
        self.env.flush_all()
        self.env.invalidate_all()
        model = record.browse().with_user(user)
        result = call_kw(model, method, [record.ids, *args], {"context": context})
        self.env.flush_all()
        self.env.invalidate_all()
        return result

    def test_an_invoice_of_guias_stays_posted(self):
        invoice = self.lote.invoice_id
        for said in ({}, {"tiss_undo": True}, {"tiss_undo": 1}, {"tiss_undo": {}}):
            for method in ("button_draft", "button_cancel"):
                with self.subTest(method, **said), self.assertRefused("booked for guias"):
                    self._call(self.accountant, invoice, method, **said)

    def test_a_received_protocolo_is_not_typed_over(self):
        """As superuser: also where a method that anybody may call writes for him."""
        lote = self.lote.sudo().with_context(tiss_correct_protocol=True)
        with self.assertRefused("was sent"):
            lote.protocol_number = "2"
        guia = self.lote.guia_ids[0].sudo().with_context(tiss_withdraw=True)
        with self.assertRefused("was received under a protocolo"):
            guia.lote_id = False

    def test_the_books_follow_at_once(self):
        lote = self._create_lote(ECG)
        lote.send()
        self._call(self.biller, lote, "register_protocol", "1002", tiss_books_later=True)
        self.assertEqual(lote.invoice_id.amount_total, 41.10)
        self.assertLedgerSound()

    def test_the_history_of_a_guia(self):
        guia = self._create_lote(ECG).guia_ids
        said = {
            "tiss_log_reason": "Forjado",
            "tiss_log_event": "withdrawn",
            "tiss_because": ["withdrawn", "Forjado"],
        }
        self._call(self.biller, guia.lote_id, "send", **said)
        rows = guia.log_ids.filtered(lambda row: row.state_to == "sent")
        self.assertEqual(rows.mapped("event"), ["status"])
        self.assertEqual(rows.mapped("reason"), [f"Lote {guia.lote_id.name}"])

    def test_somebody_with_a_card_has_a_main_one(self):
        cards = self.patient.tiss_card_ids
        self._call(self.biller, cards, "write", {"is_main": False}, tiss_settling_main=True)
        self.assertEqual(len(cards.filtered("is_main")), 1)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestForgedQuestion(AuthorizationRecords, TissCommon):
    """A browser cannot make a request its own question, nor write an answer on it."""

    FORGED = (True, 1, "1", {}, [1])

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()

    def test_what_is_sent_is_the_request_itself(self):
        for said in self.FORGED:
            for method in ("build", "send", "action_send"):
                with self.subTest(method, said=said):
                    request = self._create_request().with_context(tiss_status_query=said)
                    getattr(request, method)()
                    message = request.message_id
                    self.assertEqual(message.transaction, "SOLICITACAO_PROCEDIMENTOS")
                    self.assertIn(b"solicitacaoSP-SADT", message._get_content())

    def test_what_lacks_something_is_not_sent_as_a_question(self):
        request = self._create_request()
        request.line_ids.unlink()
        for said in self.FORGED:
            with self.subTest(said=said), self.assertRefused("cannot be sent yet"):
                request.with_context(tiss_status_query=said).send()
        self.assertEqual(request.state, "draft")

    def test_nobody_changes_what_was_asked_for_as_if_it_were_an_answer(self):
        """As superuser: also where a method that anybody may call writes for him."""
        request = self._create_request()
        request.send()
        for said in self.FORGED:
            lines = request.line_ids.sudo().with_context(tiss_authorization_answer=said)
            with self.subTest("write", said=said), self.assertRefused("was sent"):
                lines.write({"quantity": 9})
            with self.subTest("unlink", said=said), self.assertRefused("was sent"):
                lines.unlink()

    def test_what_is_authorized_is_not_written_by_a_person(self):
        request = self._create_request()
        request.send()
        lines = request.line_ids.with_context(tiss_authorization_answer=True)
        with self.assertRefused("follows from the operadora's answer"):
            lines.quantity_authorized = 3
