from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .. import standard
from .authorization_records import AuthorizationRecords
from .common import BLOOD_COUNT, CONSULTATION, ECG, TissCommon

SECRET = "SUSPEITA DE ZZYX"


class AuthorizationCase(AuthorizationRecords, TissCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls.reception = cls._create_user("a.recepcao", "reception")
        cls.billing = cls._create_user("a.faturamento", "billing")
        cls.doctor = cls._create_user("a.medica", "reception", "clinical")

    def _receive(self, content, name="resposta.xml"):
        return self.env["tiss.message"].receive_file(name, content)

    def _sent(self, *items, **vals):
        request = self._create_request("sp_sadt", *items, **vals)
        request.send()
        return request

    def _authorized(self, quantity=5, **vals):
        request = self._sent(self._asked(ECG, quantity, product_id=self.products[ECG].id))
        request.register_answer("1", authorization_password="S9", **vals)
        return request


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRequest(AuthorizationCase):
    """What a request is before it is answered."""

    def test_numbers_are_those_of_guias_and_never_twice(self):
        first, second = self._create_request(), self._create_request()
        guia = self._create_encounters(CONSULTATION).create_guias()
        numbers = [first.number, second.number, guia.number]
        self.assertEqual(numbers, list(range(first.number, first.number + 3)))
        with self.assertRefused("keeps its number for ever"):
            first.sudo().unlink()
        with self.assertRefused("comes from its convênio"):
            self._create_request(name="7")

    def test_an_answer_comes_from_the_operadora(self):
        """Not from whoever makes the request, nor from the context of his browser."""
        vals = {
            "contract_id": self.contract.id,
            "patient_id": self.patient.id,
            "card_id": self.card.id,
            "professional_id": self.professional.id,
        }
        Request = self.env["tiss.authorization"].with_user(self.reception)
        for said in ({"state": "authorized"}, {"authorization_password": "S"}):
            with self.subTest(said), self.assertRefused("follows from what is done"):
                Request.create({**vals, **said})
        forged = {"default_state": "authorized", "default_authorization_password": "S"}
        request = Request.with_context(**forged).create(dict(vals))
        self.assertEqual((request.state, request.authorization_password), ("draft", False))
        item = {"authorization_id": request.id, **self._asked(ECG, 2)[2]}
        Line = self.env["tiss.authorization.line"].with_user(self.reception)
        line = Line.with_context(default_quantity_authorized=9).create(item)
        self.assertEqual(line.quantity_authorized, 0)
        with self.assertRefused("follows from the operadora's answer"):
            line.quantity_used = 0

    def test_a_number_for_whoever_tells_the_convenio_as_a_default(self):
        Request = self.env["tiss.authorization"].with_context(default_contract_id=self.contract.id)
        vals = {
            "request_type": "sp_sadt",
            "patient_id": self.patient.id,
            "card_id": self.card.id,
            "professional_id": self.professional.id,
        }
        first, second = Request.create([dict(vals), dict(vals)])
        self.assertEqual(second.number, first.number + 1)

    def test_a_sent_request_is_frozen(self):
        request = self._sent()
        for write in (
            lambda: request.write({"observation": "x"}),
            lambda: request.line_ids.write({"quantity": 2}),
            lambda: request.line_ids.unlink(),
            lambda: request.write({"line_ids": [self._asked(ECG)]}),
        ):
            with self.assertRefused("was sent: its content can no longer change"):
                write()
        for name in ("state", "authorization_password", "message_id"):
            with self.subTest(name), self.assertRefused("follows what is done"):
                request.write({name: False})
        with self.assertRefused("follows from the operadora's answer"):
            self._create_request().line_ids.quantity_authorized = 3

    def test_what_changes_after_validation_is_validated_again(self):
        request = self._create_request()
        request.build()
        self.assertEqual(request.state, "validated")
        request.line_ids.quantity = 7
        self.assertEqual((request.state, request.message_id.ids), ("draft", []))
        request.send()
        values = self._decode_request(request)
        self.assertEqual(values["procedimentosSolicitados"][0]["quantidadeSolicitada"], 7)

    def test_a_form_starts_with_what_is_nearly_always_so(self):
        with Form(self.env["tiss.authorization"]) as form:
            form.patient_id = self.patient
            self.assertEqual(form.card_id, self.card)
            self.assertEqual(form.contract_id, self.contract)
            form.professional_id = self.professional
            self.assertEqual(form.care_character_id.code, "1")
            with form.line_ids.new() as line:
                line.product_id = self.products[ECG]
        request = form.save()
        self.assertFalse(request.problems)
        self.assertEqual(request.line_ids.code, ECG)

    def test_the_front_desk_fills_in_a_form(self):
        Request = self.env["tiss.authorization"].with_user(self.reception)
        for request_type in ("sp_sadt", "internacao", "prorrogacao", "odonto"):
            with self.subTest(request_type), Form(Request) as form:
                form.request_type = request_type
                form.patient_id = self.patient
                form.professional_id = self.professional
                if request_type == "odonto":
                    form.executor_id = self.dentist
                with form.line_ids.new() as line:
                    line.product_id = self.products[ECG]
                    line.quantity = 2
                request = form.save()
                self.assertEqual(request.line_ids.quantity, 2)
                Request.get_views([(False, "list"), (False, "kanban"), (False, "search")])

    def test_cancel(self):
        request = self._create_request()
        request.action_cancel()
        self.assertEqual(request.state, "cancelled")
        with self.assertRefused("cannot be done now"):
            request.send()

    def test_queries_do_not_grow_with_items(self):
        def count(items):
            request = self._create_request(
                "sp_sadt", *[self._asked(ECG) for _number in range(items)]
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            request.build()
            return self.env.cr.sql_log_count - before

        count(1)  # what is cached for good
        self.assertLessEqual(count(60), count(2) + 2)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAnswer(AuthorizationCase):
    """Answers of the operadora, by file and by telephone."""

    def test_authorised_in_part(self):
        request = self._sent(self._asked(ECG, 5), self._asked(BLOOD_COUNT, 2))
        content = self._answer(
            request, "7", [(1, ECG, 5, 3, "3293"), (2, BLOOD_COUNT, 2, 0, "1426")],
            reasons=["3293"], password="SENHA1",
        )  # fmt: skip
        self.assertEqual(self._receive(content), request)
        self.assertEqual(request.state, "partial")
        self.assertEqual(request.authorization_password, "SENHA1")
        self.assertEqual(request.operadora_number, "OP-1")
        self.assertEqual(request.authorization_date, self.visit_date)
        self.assertEqual(request.authorization_validity_date, self.today)
        self.assertEqual(request.line_ids.mapped("quantity_authorized"), [3, 0])
        self.assertEqual(request.reason_ids.mapped("code"), ["3293"])
        self.assertEqual(request.line_ids[1].reason_ids.code, "1426")
        self.assertEqual(request.line_ids[1].reason_ids.text, "Motivo escrito")
        self.assertEqual(request.line_ids[1].reason_ids.term_id.table_code, "38")

    def test_reading_twice_changes_nothing(self):
        request = self._sent()
        content = self._answer(request, "1")
        self._receive(content)
        before = self._get_content()
        self.assertEqual(self._receive(content), request)
        self.assertEqual(self._get_content(), before)
        # without a word about the items all of them are authorised
        self.assertEqual(request.line_ids.quantity_authorized, 5)

    def test_analysis_then_decision(self):
        request = self._sent()
        self._receive(self._answer(request, "2", hour="08:00:00"))
        self.assertEqual(request.state, "in_analysis")
        for status in ("4", "5"):
            self._receive(self._answer(request, status, hour=f"09:0{status}:00"))
            self.assertEqual(request.state, "pending")
        self._receive(self._answer(request, "1", hour="10:00:00", body="situacaoAutorizacao"))
        self.assertEqual(request.state, "authorized")
        # a file that was lost for a while says nothing new
        self._receive(self._answer(request, "2", hour="08:30:00"))
        self.assertEqual(request.state, "authorized")
        self.assertEqual(len(request.tiss_message_ids), 6)
        self.assertEqual(request.tiss_message_ids.sorted("id")[-1].request_id, request.message_id)

    def test_denied(self):
        request = self._sent()
        self._receive(self._answer(request, "3", [(1, ECG, 5, 0, "1426")], reasons=["1426"]))
        self.assertEqual((request.state, request.line_ids.quantity_authorized), ("denied", 0))
        self.assertFalse(request.authorization_password)

    def test_authorised_but_cut_is_in_part(self):
        """Some operadoras say 1 of what they cut."""
        request = self._sent()
        self._receive(self._answer(request, "1", [(1, ECG, 5, 4)]))
        self.assertEqual(request.state, "partial")

    def test_items_in_another_order_and_unasked(self):
        request = self._sent(self._asked(ECG, 5), self._asked(BLOOD_COUNT, 2))
        items = [(1, BLOOD_COUNT, 2, 2), (2, ECG, 5, 1), (3, CONSULTATION, 1, 1)]
        self._receive(self._answer(request, "7", items))
        lines = request.line_ids.sorted("sequence_item")
        self.assertEqual(lines.mapped("code"), [ECG, BLOOD_COUNT, CONSULTATION])
        self.assertEqual(lines.mapped("quantity_authorized"), [1, 2, 1])
        self.assertEqual(lines.mapped("is_extra"), [False, False, True])

    def test_stay(self):
        """What an autorizacaoInternacao says of days and accommodation."""
        request = self._create_request("internacao")
        request.send()
        content = self._answer(request, "1").decode()
        content = content.replace(
            "<ans:autorizacaoServico>", "<ans:autorizacaoInternacao><ans:autorizacaoDosServicos>"
        ).replace(
            "</ans:autorizacaoServico>",
            "</ans:autorizacaoDosServicos>"
            f"<ans:dataProvavelAdmissao>{self.today}</ans:dataProvavelAdmissao>"
            "<ans:qtdDiariasAutorizadas>2</ans:qtdDiariasAutorizadas>"
            "<ans:tipoAcomodacaoAutorizada>12</ans:tipoAcomodacaoAutorizada>"
            "</ans:autorizacaoInternacao>",
        )
        self._receive(content.encode())
        self.assertEqual(request.admission_date, self.today)
        self.assertEqual(request.days_authorized, 2)
        self.assertEqual(request.authorized_accommodation_id.code, "12")

    def test_refusal_and_correction(self):
        """What the operadora did not take goes out again under the same number."""
        request = self._sent()
        first = request.message_id
        self._receive(self._refusal(request))
        self.assertEqual(request.state, "rejected")
        self.assertIn("1001", request.rejection_reason)
        request.observation = "Corrigido"
        self.assertEqual(request.state, "draft")
        request.send()
        self.assertNotEqual(request.message_id, first)
        header = self._decode_request(request)["cabecalhoSolicitacao"]
        self.assertEqual(header["numeroGuiaPrestador"], request.name)

    def test_a_refusal_that_may_be_about_two(self):
        requests = self._sent() | self._sent()
        with self.assertRefused("2 requests of this operadora wait"):
            self._receive(self._refusal(requests[0]))
        requests[0].action_reject()
        self.assertEqual(requests.mapped("state"), ["rejected", "sent"])

    def test_answers_that_are_not_ours(self):
        request = self._sent()
        content = self._answer(request, "1")
        unknown = content.replace(b"Prestador>%s<" % request.name.encode(), b"Prestador>4040<")
        with self.assertRefused("request 4040, which this clinic did not send"):
            self._receive(unknown)
        with self.assertRefused("about another card"):
            self._receive(self._answer(request, "1", card="999"))
        with self.assertRefused("status that nobody knows: 8"):
            self._receive(self._answer(request, "8"))
        lacking = content.replace(b"<ans:statusSolicitacao>1</ans:statusSolicitacao>", b"")
        with self.assertRefused("lacks “statusSolicitacao”"):
            self._receive(lacking)
        self.assertEqual(request.state, "sent")

    def test_a_request_that_the_operadora_has_already_is_refused(self):
        """Its first answer was lost, so it was sent once more."""
        operadora = self._simulate()
        request = self._sent()
        lost = operadora.receive(request.get_xml(), self.today)
        self._receive(operadora.receive(request.get_xml(), self.today))
        self.assertEqual(request.state, "rejected")
        self._receive(lost)
        self.assertNotIn(request.state, ("sent", "rejected"))

    def test_status_query(self):
        """The question is a valid message; its answer decides the request."""
        operadora = self._simulate()
        for seed in range(40):
            operadora = self._simulate(seed=str(seed))
            request = self._sent()
            self._receive(operadora.receive(request.get_xml(), self.today))
            if request.state == "in_analysis":
                break
        self.assertEqual(request.state, "in_analysis")
        message = request.query_status()
        self.assertEqual(message.transaction, "SOLICITA_STATUS_AUTORIZACAO")
        self.assertEqual(request.query_date, self.today)
        schema = standard.load(request.version)
        self.assertTrue(schema.validate(message._get_content()))
        self.assertEqual(request.message_id.transaction, "SOLICITACAO_PROCEDIMENTOS")
        later = self.today + timedelta(days=30)
        self._receive(operadora.receive(message._get_content(), later))
        self.assertIn(request.state, ("authorized", "partial", "denied"))
        with self.assertRefused("cannot be done now"):
            request.query_status()

    def test_a_refused_question_refuses_no_request(self):
        request = self._sent()
        request.query_status()
        self._receive(self._refusal(request, body="situacaoAutorizacao"))
        self.assertEqual(request.state, "sent")

    def test_typed_in_two_clicks(self):
        """From the draft: it was asked for on the portal, not by a file."""
        request = self._create_request().with_user(self.reception)
        action = request.action_register_answer()
        wizard = request.env[action["res_model"]].browse(action["res_id"])
        with Form(wizard) as form:
            form.authorization_password = "SENHA"
        wizard.action_register()
        self.assertEqual(request.state, "authorized")
        self.assertEqual(request.line_ids.quantity_authorized, 5)
        self.assertEqual(request.authorization_date, self.today)
        self.assertEqual(request.answer_status_id.code, "1")

    def test_typed_in_part_and_denied(self):
        request = self._sent(self._asked(ECG, 5), self._asked(BLOOD_COUNT, 2))
        action = request.action_register_answer()
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        wizard.authorization_password = "S"
        wizard.line_ids[0].quantity_authorized = 2
        wizard.action_register()
        self.assertEqual(request.state, "partial")
        self.assertEqual(request.line_ids.mapped("quantity_authorized"), [2, 2])
        reason = self.env["tiss.term"]._get("38", "1426")
        wizard.write({"outcome": "denied", "reason_ids": reason.ids})
        wizard.action_register()
        self.assertEqual(request.state, "denied")
        self.assertEqual(request.line_ids.mapped("quantity_authorized"), [0, 0])
        self.assertEqual(request.reason_ids.term_id, reason)

    def test_typed_nonsense(self):
        request = self._sent()
        yesterday, tomorrow = (self.today + timedelta(days=days) for days in (-1, 1))
        for vals, words in (
            ({}, "Type the password"),
            ({"authorization_password": "S", "authorization_date": tomorrow}, "in the future"),
            (
                {"authorization_password": "S", "authorization_validity_date": yesterday},
                "expires before the day",
            ),
        ):
            with self.subTest(words), self.assertRefused(words):
                request.register_answer("1", **vals)
        action = request.action_register_answer()
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        wizard.authorization_password = "S"
        for quantity, words in ((-1, "never negative"), (0, "Nothing is authorised")):
            wizard.line_ids.quantity_authorized = quantity
            with self.subTest(quantity), self.assertRefused(words):
                wizard.action_register()

    def test_the_front_desk_reads_the_file_itself(self):
        request = self._sent()
        Request = self.env["tiss.authorization"].with_user(self.reception)
        self.assertEqual(Request.receive_file("r.xml", self._answer(request, "1")), request)
        self.assertEqual(request.state, "authorized")
        lote = self._create_lote(CONSULTATION)
        lote.send()
        receipt = self._simulate().receive(lote.get_xml(), self.today)
        with self.assertRefused("not the answer to a request"):
            Request.receive_file("p.xml", receipt)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestUse(AuthorizationCase):
    """What is authorised, what guias use of it, and what is left."""

    def _guia(self, request, quantity, **vals):
        vals = {
            "authorization_id": request.id,
            "attendance_type_id": self._term("50", "23"),
            "accident_id": self._term("36", "9"),
            "regime_id": self._term("76", "01"),
            "care_character_id": self._term("23", "1"),
            "date": self.today,
            **self.env["tiss.guia"]._prepare_authorization_vals(request, "sp_sadt"),
            **vals,
        }
        item = self._item(1, ECG, 41.10, quantity, date=self.today)
        return self._create_guia("sp_sadt", item, **vals)

    def _balance(self, request):
        line = request.line_ids
        return (line.quantity_authorized, line.quantity_used, line.quantity_remaining)

    def test_ledger(self):
        request = self._authorized(5)
        self.assertEqual(self._balance(request), (5, 0, 5))
        first = self._guia(request, 3)
        self.assertEqual(self._balance(request), (5, 3, 2))
        first.action_check()
        second = self._guia(request, 3)
        self.assertEqual(self._balance(request), (5, 6, 0))
        self.assertEqual(request.line_ids.quantity_excess, 1)
        self.assertFalse(first.problems)
        self.assertIn("5 are authorised, other guias use 3 of them and this one bills 3",
                      second.problems)  # fmt: skip
        with self.assertRefused("other guias use 3"):
            second.action_check()
        second.line_ids.quantity = 2
        second.action_check()
        self.assertEqual(self._balance(request), (5, 5, 0))
        first.cancel("Digitada duas vezes")
        self.assertEqual(self._balance(request), (5, 2, 3))

    def test_what_went_out_comes_first(self):
        request = self._authorized(5)
        older, newer = self._guia(request, 3), self._guia(request, 2)
        (older | newer).action_check()
        newer.create_lotes()
        older.line_ids.quantity = 4
        self.assertIn("other guias use 2", older.problems)

    def test_dates(self):
        request = self._authorized(
            authorization_date=self.visit_date,
            authorization_validity_date=self.today - timedelta(days=1),
        )
        guia = self._guia(request, 1)
        self.assertIn("the password expired on", guia.problems)
        guia.line_ids.date = self.visit_date
        guia.action_check()
        guia.line_ids.date = self.visit_date - timedelta(days=1)
        self.assertIn("done before it was authorised", guia.problems)

    def test_another_request(self):
        request = self._authorized()
        guia = self._guia(request, 1)
        guia.authorization_password = "OUTRA"
        self.assertIn("not that of the authorisation", guia.problems)
        guia = self._guia(self._sent(), 1)
        self.assertIn("is not granted", guia.problems)
        card = self.card.copy({"number": "777", "patient_id": self.patient.copy().id})
        guia = self._guia(request, 1, card_id=card.id, patient_id=card.patient_id.id)
        self.assertIn("authorisation is of another card", guia.problems)

    def test_items_that_were_not_authorised(self):
        request = self._sent(self._asked(ECG), self._asked(BLOOD_COUNT))
        request.register_answer("7", {request.line_ids[0]: 1}, authorization_password="S9")
        guia = self._guia(request, 1)
        self.assertFalse(guia.problems)
        guia.line_ids = [self._item(2, BLOOD_COUNT, 33.33, date=self.today)]
        self.assertIn("Procedimento 40304361 is not authorised", guia.problems)

    def test_items_that_need_one_and_were_not_asked_for(self):
        request = self._authorized()
        guia = self._guia(request, 1)
        product = self.products[BLOOD_COUNT]
        item = self._item(2, BLOOD_COUNT, 33.33, date=self.today, product_id=product.id)
        guia.line_ids = [item]
        self.assertFalse(guia.problems, "the convênio asks for none")
        self.env["tiss.coverage"].create(
            {
                "contract_id": self.contract.id,
                "product_tmpl_id": product.product_tmpl_id.id,
                "authorization": "yes",
            }
        )
        guia.invalidate_recordset()
        self.assertIn("Item 2 is not in the authorisation", guia.problems)

    def test_choosing_it_fills_the_guia(self):
        request = self._authorized(authorization_validity_date=self.today)
        guia = self._create_by_type("sp_sadt")
        with Form(guia) as form:
            form.authorization_id = request
            self.assertEqual(form.authorization_password, "S9")
            self.assertEqual(form.authorization_validity_date, self.today)

    def test_choosing_it_proposes_who_asked(self):
        request = self._authorized()
        form = Form(self.env["tiss.guia"].with_context(default_guia_type="sp_sadt"))
        form.contract_id = self.contract
        form.patient_id = self.patient
        self.assertFalse(form.professional_id)
        form.authorization_id = request
        self.assertEqual(form.professional_id, request.professional_id)
        other = self._create_professional("Dra. Outra", "654321")
        form.professional_id = other
        form.authorization_id = self._authorized()
        self.assertEqual(form.professional_id, other, "somebody said otherwise")

    def test_choosing_it_brings_the_items_that_are_left(self):
        request = self._authorized(5)
        self._guia(request, 3)
        with Form(self._create_guia("sp_sadt")) as form:
            form.authorization_id = request
            self.assertEqual(len(form.line_ids), 1)
        line = form.record.line_ids
        self.assertEqual((line.code, line.quantity, line.unit_price), (ECG, 2, 41.10))
        self.assertEqual((line.sequence_item, line.date), (1, form.record.date))
        self.assertEqual(form.record.requester_id, request.professional_id)
        self.assertEqual(form.record.request_date, request.date)
        typed = self._create_by_type("sp_sadt")
        with Form(typed) as form:
            form.authorization_id = request
        self.assertEqual(len(typed.line_ids), 2, "what was typed is left alone")

    def test_who_asked_elsewhere_does_not_do_it(self):
        referrer = self._create_professional("Médico de Fora")
        referrer.write({"tiss_is_professional": False, "tiss_is_referrer": True})
        request = self._sent(professional_id=referrer.id)
        request.register_answer("1", authorization_password="S9")
        with Form(self._create_guia("sp_sadt")) as form:
            form.professional_id = self.env["res.partner"]
            form.authorization_id = request
            self.assertFalse(form.professional_id)
            self.assertEqual(form.requester_id, referrer)
            form.professional_id = self.professional

    def test_fees_come_with_who_did_it(self):
        request = self._create_request("internacao")
        request.register_answer("1", operadora_number="OP-9", authorization_password="S1")
        guia = self._create_guia("honorarios", start_date=self.visit_date)
        with Form(guia) as form:
            form.authorization_id = request
        self.assertEqual(guia.main_number, "OP-9")
        self.assertEqual(guia.line_ids.code, "31005470")
        self.assertEqual(guia.line_ids.performer_id, self.professional)

    def test_a_guia_of_what_is_left(self):
        request = self._authorized(5)
        self._guia(request, 3)
        guia = request.create_guia()
        self.assertEqual(guia.guia_type, "sp_sadt")
        self.assertEqual(guia.line_ids.quantity, 2)
        self.assertEqual(guia.authorization_password, "S9")
        self.assertEqual(self._balance(request), (5, 5, 0))
        self.assertFalse(request.has_rest)
        with self.assertRefused("Nothing is left"):
            request.create_guia()
        with self.assertRefused("Guias already use the request"):
            request.action_cancel()

    def test_a_guia_of_a_part_of_a_dental_item(self):
        """Asked: 4 for 400.00, of which the patient pays 300.00 and which are 40 US.

        One is authorised: 100.00, of which he pays 75.00, and 10 US. Of 3 for 100.00 that the
        patient pays whole, each is worth 33.33, and he pays no more than the 99.99.
        """
        request = self._create_request(
            "odonto",
            self._asked("81000030", 4, amount=400, amount_patient=300, us_quantity=40),
            self._asked("85100196", 3, amount=100, amount_patient=100),
        )
        request.send()
        part, whole = request.line_ids
        request.register_answer("7", {part: 1, whole: 3}, authorization_password="S9")
        part, whole = request.create_guia().line_ids
        self.assertEqual((part.quantity, part.unit_price, part.us_quantity), (1, 100, 10))
        self.assertEqual((part.amount_patient, part.amount), (75, 25))
        self.assertEqual((whole.quantity, whole.unit_price), (3, 33.33))
        self.assertEqual((whole.amount_patient, whole.amount), (99.99, 0))

    def test_a_stay_and_its_extension(self):
        request = self._create_request("internacao")
        request.register_answer("1", operadora_number="OP-9", authorization_password="S1")
        extension = self._create_request("prorrogacao", parent_id=request.id)
        extension.register_answer("1", authorization_password="S2", days_authorized=2)
        vals = self.env["tiss.guia"]._prepare_authorization_vals(extension, "resumo_internacao")
        self.assertEqual(vals["main_number"], "OP-9")
        self.assertEqual(vals["authorization_password"], "S2")

    def test_teeth_are_told_apart(self):
        tooth = {name: self._term("28", name) for name in ("36", "46")}
        request = self._create_request(
            "odonto",
            *(self._asked("85100196", amount=91, tooth_id=term) for term in tooth.values()),
        )
        request.register_answer("1", authorization_password="S1")
        self._create_odonto(
            self._item(1, "85100196", 91, tooth_id=tooth["46"]), authorization_id=request.id
        )
        self.assertEqual(request.line_ids.mapped("quantity_used"), [0, 1])

    def test_the_same_item_twice_is_used_up_in_order(self):
        request = self._sent(self._asked(ECG, 2), self._asked(ECG, 2))
        request.register_answer("1", authorization_password="S9")
        self._guia(request, 3)
        self.assertEqual(request.line_ids.mapped("quantity_used"), [2, 1])


@tagged("post_install", "-at_install", "post_install_l10n")
class TestFrontDesk(AuthorizationCase):
    """From the visit and the appointment to the request, and back."""

    def _require(self, code):
        self.env["tiss.coverage"].create(
            {
                "contract_id": self.contract.id,
                "product_tmpl_id": self.products[code].product_tmpl_id.id,
                "authorization": "yes",
            }
        )

    def test_a_visit_asks_for_what_needs_it(self):
        self._require(ECG)
        visit = self._create_encounters({ECG: 2, BLOOD_COUNT: 1}, done=False)
        self.assertEqual(visit.coverage_state, "authorization")
        visit.with_user(self.doctor).clinical_indication = SECRET
        visit = visit.with_user(self.reception)
        visit.action_request_authorization()
        request = visit.authorization_id
        self.assertEqual(request.encounter_id, visit)
        self.assertEqual(request.line_ids.mapped("code"), [ECG])
        self.assertEqual(request.line_ids.quantity, 2)
        self.assertEqual(request.sudo().clinical_indication, SECRET)
        visit.action_request_authorization()
        self.assertEqual(visit.authorization_id, request, "the second click opens it")
        request.send()
        request.receive_file("r.xml", self._answer(request, "1"))
        self.assertEqual(visit.authorization_password, "S9")
        self.assertEqual(visit.authorization_number, "OP-1")
        self.assertEqual(visit.coverage_state, "covered")
        visit.action_done()
        guia = visit.with_user(self.billing).create_guias()
        self.assertEqual(guia.authorization_id, request)
        self.assertEqual(guia.state, "ready")
        self.assertEqual(request.line_ids.quantity_used, 2)

    def test_a_granted_request_is_used_in_the_visit_of_today(self):
        request = self._authorized(3)
        action = request.with_user(self.reception).action_use_in_visit()
        self.assertNotIn("res_id", action, "no visit yet: a new one is proposed")
        Visit = self.env["tiss.encounter"].with_user(self.reception)
        with Form(Visit.with_context(**action["context"])) as form:
            self.assertEqual(form.authorization_password, "S9")
        visit = form.record
        self.assertEqual(visit.authorization_id, request)
        self.assertEqual(
            (visit.line_ids.product_id, visit.line_ids.quantity), (self.products[ECG], 3)
        )
        action = request.with_user(self.reception).action_use_in_visit()
        self.assertEqual(action["res_id"], visit.id, "the second click opens it")

    def test_a_visit_of_today_takes_the_authorisation(self):
        visit = self._create_encounters({ECG: 1}, done=False, date=self.today)
        request = self._authorized(3)
        action = request.with_user(self.reception).action_use_in_visit()
        self.assertEqual(action["res_id"], visit.id)
        self.assertEqual((visit.authorization_id, visit.authorization_password), (request, "S9"))

    def test_what_is_not_granted_is_used_in_no_visit(self):
        with self.assertRefused("this cannot be done now"):
            self._sent().action_use_in_visit()

    def test_another_card_brings_its_convenio(self):
        contract = self._create_contract("005711")
        plan = self.env["tiss.plan"].create({"operadora_id": contract.partner_id.id, "name": "P"})
        card = self.env["tiss.card"].create(
            {"patient_id": self.patient.id, "plan_id": plan.id, "number": "5005711"}
        )
        with Form(self.env["tiss.authorization"].with_user(self.reception)) as form:
            form.patient_id = self.patient
            form.card_id = self.card
            self.assertEqual(form.contract_id, self.contract)
            form.card_id = card
            self.assertEqual(form.contract_id, contract)
            form.professional_id = self.professional

    def test_an_appointment_asks_before_the_patient_comes(self):
        self._require(ECG)
        event = self.env["calendar.event"].create(
            {
                "name": "Consulta",
                "start": f"{self.today} 12:00:00",
                "stop": f"{self.today} 13:00:00",
                "tiss_patient_id": self.patient.id,
                "tiss_card_id": self.card.id,
                "tiss_product_id": self.products[ECG].id,
                "tiss_professional_id": self.professional.id,
            }
        )
        event = event.with_user(self.reception)
        self.assertEqual(event.tiss_coverage_state, "authorization")
        event.action_tiss_request_authorization()
        request = event.tiss_authorization_id
        self.assertFalse(request.problems)
        request.register_answer("1", authorization_password="S9")
        event.invalidate_recordset()
        self.assertEqual(event.tiss_coverage_state, "covered")
        event.action_tiss_register_encounter()
        self.assertEqual(event.tiss_encounter_id.authorization_id, request)
        self.assertEqual(event.tiss_encounter_id.authorization_password, "S9")

    def test_the_front_desk_sees_that_an_indication_is_missing_not_what_it_is(self):
        request = self._create_request("internacao", clinical_indication=SECRET, diagnosis_1="C50")
        ours = request.with_user(self.reception)
        self.assertFalse(ours.problems)
        with self.assertRaises(AccessError):
            ours.clinical_indication  # noqa: B018
        with self.assertRaises(AccessError):
            ours.write({"diagnosis_1": "I10"})
        request.sudo().clinical_indication = False
        self.env.invalidate_all()
        self.assertIn("Fill in: Clinical Indication", ours.problems)
        request.sudo().clinical_indication = SECRET
        ours.send()
        self.assertNotIn(SECRET, str(request.message_ids.mapped("body")))
        # The file holds it: it is for those who may see it, and for the billing desk.
        self.assertFalse(ours.may_download)
        self.assertFalse(ours.xml_file)
        with self.assertRefused("clinical information"):
            ours.action_download()
        for user in (self.doctor, self.billing):
            self.assertTrue(request.with_user(user).xml_file)
        plain = self._sent().with_user(self.reception)
        self.assertTrue(plain.xml_file)
        self.assertIn(f"/tiss.authorization/{plain.id}/xml_file/", plain.action_download()["url"])

    def test_teeth_are_for_clinical_eyes(self):
        request = self._create_request("odonto")
        tooth = {"tooth_id": self._term("28", "36"), "condition_id": self._term("44", "C")}
        own = request.with_user(self.doctor)
        own.write({"tooth_ids": [Command.create(tooth)]})
        for user in (self.reception, self.billing):
            row = own.tooth_ids.with_user(user)
            with self.assertRaises(AccessError):
                row.unlink()
        guia = self._create_odonto()
        with self.assertRaises(AccessError):
            self.env["tiss.guia.tooth"].with_user(self.doctor).create({**tooth, "guia_id": guia.id})
        request.send()
        with self.assertRaises(UserError):
            own.tooth_ids.unlink()
        draft = self._create_request("odonto").with_user(self.doctor)
        draft.tooth_ids = [Command.create(tooth)]
        with self.assertRefused("was sent"):
            draft.tooth_ids.authorization_id = request
        with self.assertRefused("Guia", AccessError):
            draft.tooth_ids.write({"authorization_id": False, "guia_id": guia.id})

    def test_two_clinics(self):
        contract = self._create_other_clinic()
        request = self._sent()
        content = self._answer(request, "1")
        there = self.env(context={"allowed_company_ids": contract.company_id.ids})
        with self.assertRaisesRegex(UserError, "another provider"):
            there["tiss.message"].receive_file("r.xml", content)
        company = contract.company_id
        user = self._create_user(
            "a.outra", "reception", company_id=company.id, company_ids=company.ids
        )
        with self.assertRaises(AccessError):
            request.with_user(user).read(["name"])
