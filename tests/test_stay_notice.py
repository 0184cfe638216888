from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .. import standard
from .common import ECG, TissCommon
from .generated import examples
from .guia_records import VERSIONS, GuiaRecords
from .return_messages import answer_message

RECEIPT = (
    "<reciboComunicacao><reciboComunicacao><statusComunicacao>{status}</statusComunicacao>"
    "<beneficiarioComunicacaoRet><dadosBeneficiario><numeroCarteira>{card}</numeroCarteira>"
    "<atendimentoRN>N</atendimentoRN></dadosBeneficiario>"
    "<nomeBeneficiario>PACIENTE FICTICIO</nomeBeneficiario><tipoEvento>{event}</tipoEvento>"
    "<dadosInternacao>{told}</dadosInternacao></beneficiarioComunicacaoRet>{glosa}"
    "</reciboComunicacao></reciboComunicacao>"
)
REFUSAL = (
    "<reciboComunicacao><mensagemErro><codigoGlosa>1013</codigoGlosa>"
    "<descricaoGlosa>CADASTRO</descricaoGlosa></mensagemErro></reciboComunicacao>"
)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestStayNotice(GuiaRecords, TissCommon):
    """Comunicação de internação e de alta (guide §4.5)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Notice = cls.env["tiss.stay.notice"]
        cls.Message = cls.env["tiss.message"]

    def _create_notice(self, event="admission", **vals):
        return self.Notice.create(
            {
                "contract_id": self.contract.id,
                "patient_id": self.patient.id,
                "card_id": self.card.id,
                "event": event,
                "event_date": self.visit_date,
                "hospitalization_type_id": self._term("57", "2"),
                "discharge_reason_id": self._term("39", "12"),
                **vals,
            }
        )

    def _create_stay(self, **vals):
        return self._create_encounters(ECG, done=False, regime_id=self._term("76", "03"), **vals)

    def _answer(self, notice, status="S", glosa=None, **vals):
        told = (
            "<tipoInternacao>2</tipoInternacao>"
            if notice.event == "admission"
            else "<motivoEncerramento>12</motivoEncerramento>"
        )
        body = RECEIPT.format(
            status=status,
            card=vals.get("card", notice.card_number),
            event="I" if notice.event == "admission" else "A",
            told=told,
            glosa=f"<codigoGlosa>{glosa}</codigoGlosa>" if glosa else "",
        )
        content = answer_message(notice.contract_id, "RECIBO_COMUNICACAO", body)
        schema = standard.load(notice.version)
        self.assertTrue(schema.validate(content), schema.explain(content))
        return content

    # ------------------------------------------------------------------
    # The message
    # ------------------------------------------------------------------

    def test_golden(self):
        """Written by hand from the guide, in both versions."""
        told = {
            "admission": "<ans:tipoEvento>I</ans:tipoEvento><ans:dadosInternacao>"
            "<ans:tipoInternacao>2</ans:tipoInternacao></ans:dadosInternacao>",
            "discharge": "<ans:tipoEvento>A</ans:tipoEvento><ans:dadosInternacao>"
            "<ans:motivoEncerramento>12</ans:motivoEncerramento></ans:dadosInternacao>",
        }
        for version in VERSIONS:
            self.contract.version = version
            for event, end in told.items():
                with self.subTest(version, event=event):
                    notice = self._create_notice(event)
                    notice.build()
                    content = notice.get_xml()
                    self.assertTrue(standard.load(version).validate(content))
                    body = (
                        "<ans:comunicacaoInternacao><ans:dadosBeneficiario>"
                        "<ans:numeroCarteira>0123456789</ans:numeroCarteira>"
                        "<ans:atendimentoRN>N</ans:atendimentoRN></ans:dadosBeneficiario>"
                        f"<ans:dataEvento>{self.visit_date}</ans:dataEvento>{end}"
                        "</ans:comunicacaoInternacao>"
                    )
                    self.assertIn(body.encode(), b"".join(map(bytes.strip, content.splitlines())))
                    self.assertIn(b"<ans:tipoTransacao>COMUNICACAO_BENEFICIARIO<", content)

    @examples(20)
    @given(data=st.data())
    def test_round_trip(self, data):
        """Whatever may be chosen gives a valid message that says the same."""
        event = data.draw(st.sampled_from(["admission", "discharge"]))
        table = "57" if event == "admission" else "39"
        terms = self.env["tiss.term"].search([("table_code", "=", table)])
        term = data.draw(st.sampled_from([t for t in terms if not t.code.startswith("2")]
                                         if event == "discharge" else list(terms)))  # fmt: skip
        identified = data.draw(st.sampled_from([False, "01", "09"]))
        self.contract.version = data.draw(st.sampled_from(VERSIONS))
        notice = self._create_notice(
            event,
            event_date=self.today - timedelta(days=data.draw(st.integers(0, 400))),
            is_newborn=data.draw(st.booleans()),
            card_number=data.draw(st.from_regex(r"\A[0-9A-Z]{1,20}\Z")),
            identification_type_id=identified and self._term("72", identified),
            hospitalization_type_id=event == "admission" and term.id,
            discharge_reason_id=event == "discharge" and term.id,
        )
        notice.build()
        schema = standard.load(notice.version)
        self.assertTrue(schema.validate(notice.get_xml()))
        body = schema.decode(notice.get_xml())["prestadorParaOperadora"]["comunicacaoInternacao"]
        expected = {
            "dadosBeneficiario": {
                "numeroCarteira": notice.card_number,
                "atendimentoRN": "S" if notice.is_newborn else "N",
            },
            "dataEvento": notice.event_date,
            "tipoEvento": "I" if event == "admission" else "A",
            "dadosInternacao": {
                "tipoInternacao" if event == "admission" else "motivoEncerramento": term.code
            },
        }
        if identified:
            expected["dadosBeneficiario"]["tipoIdent"] = identified
        self.assertEqual(body, expected)

    # ------------------------------------------------------------------
    # Where it comes from, and what still has to be told
    # ------------------------------------------------------------------

    def test_from_a_guia_in_one_click(self):
        guia = self._create_internacao()
        action = guia.action_notify_admission()
        notice = self.Notice.browse(action["res_id"])
        self.assertEqual(
            (notice.patient_id, notice.card_id, notice.event_date, notice.contract_id),
            (guia.patient_id, guia.card_id, guia.start_date, guia.contract_id),
        )
        self.assertEqual(notice.hospitalization_type_id.code, "2")
        self.assertFalse(notice.problems)
        discharge = guia.create_stay_notices("discharge")
        self.assertEqual(discharge.event_date, guia.end_date)
        self.assertEqual(discharge.discharge_reason_id.code, "12")
        discharge.send()
        self.assertEqual(discharge.state, "sent")
        # a second click gives the one that is open
        self.assertEqual(guia.create_stay_notices("admission"), notice)

    def test_choosing_the_guia_tells_the_rest(self):
        guia = self._create_by_type("resumo_internacao")
        with Form(self.Notice) as form:
            form.guia_id = guia
            self.assertEqual((form.patient_id, form.card_id), (self.patient, self.card))
            self.assertEqual(form.event_date, guia.start_date)
            form.event = "discharge"
        notice = form.record
        self.assertEqual(notice.contract_id, self.contract)
        self.assertEqual(notice.event_date, guia.end_date)
        self.assertEqual(notice.discharge_reason_id, guia.discharge_reason_id)

    def test_from_a_visit_in_one_click(self):
        encounter = self._create_stay()
        notice = encounter.create_stay_notices("admission")
        self.assertEqual((notice.event_date, notice.encounter_id), (self.visit_date, encounter))
        self.assertIn("Hospitalisation", notice.problems)
        self.assertIn('for="hospitalization_type_id_0"', notice.problem_links)
        self.assertEqual(encounter.create_stay_notices("discharge").event_date, self.today)

    def _stay(self, record):
        self.env.flush_all()
        self.env.invalidate_all()
        stays = self.env["tiss.stay"].search([("contract_id", "=", self.contract.id)])
        return stays.filtered(lambda stay: record in (stay.guia_id, stay.encounter_id))

    def test_what_still_has_to_be_told(self):
        encounter = self._create_stay()
        guia = self._create_internacao()
        self._create_encounters(ECG)  # no stay
        self.assertEqual(len(self.env["tiss.stay"].search([])), 2)
        stay = self._stay(encounter)
        self.assertEqual((stay.admission_state, stay.discharge_state), ("missing", "none"))
        stay = self._stay(guia)
        self.assertEqual((stay.admission_state, stay.discharge_state), ("missing", "missing"))
        notices = stay.create_notices("admission") | stay.create_notices("discharge")
        stay = self._stay(guia)
        self.assertEqual((stay.admission_state, stay.discharge_state), ("prepared", "prepared"))
        notices.send()
        stay = self._stay(guia)
        self.assertEqual((stay.admission_state, stay.discharge_state), ("told", "told"))
        notices[0]._reject("1013")
        self.assertEqual(self._stay(guia).admission_state, "prepared")
        notices[0].action_cancel()
        self.assertEqual(self._stay(guia).admission_state, "missing")

    def test_a_visit_that_became_a_guia_is_told_once(self):
        encounter = self._create_stay(
            start_date=self.visit_date, hospitalization_type_id=self._term("57", "1")
        )
        notice = encounter.create_stay_notices("admission")
        notice.send()
        self.assertEqual(self._stay(encounter).admission_state, "told")
        self.assertEqual(self._stay(encounter).discharge_state, "none")
        encounter.write({"end_date": self.today, "discharge_reason_id": self._term("39", "12")})
        self.assertEqual(self._stay(encounter).discharge_state, "missing")
        encounter.action_done()
        guia = self._create_internacao(start_date=self.visit_date - timedelta(days=9))
        guia.sudo().encounter_ids = encounter
        encounter.sudo().state = "billed"
        stay = self._stay(guia)
        self.assertEqual(stay.admission_state, "told", "known by the visit, not by the day")
        self.assertEqual(len(self.env["tiss.stay"].search([])), 1)

    def test_a_stay_in_another_hospital_is_not_ours_to_tell(self):
        self._setup_people()
        encounter = self._create_stay(hospital_id=self.hospital.id)
        self.assertFalse(encounter.is_stay)
        self.assertFalse(self._stay(encounter))

    def test_a_long_stay_is_one_stay(self):
        """Two partial bills of one request; the patient left with the second."""
        first = self._create_internacao(
            end_date=self.visit_date,
            end_time=23,
            billing_type_id=self._term("55", "1"),
            discharge_reason_id=self._term("39", "21"),
        )
        self.assertEqual(self._stay(first).discharge_state, "none")
        last = self._create_internacao(start_date=self.visit_date + timedelta(days=1))
        stay = self._stay(first)
        self.assertEqual((stay.guia_id, stay.last_guia_id), (first, last))
        self.assertEqual((stay.start_date, stay.end_date), (self.visit_date, self.today))
        self.assertEqual(stay.create_notices("admission").guia_id, first)
        self.assertEqual(stay.create_notices("discharge").guia_id, last)

    def test_told_twice_is_warned_of(self):
        first = self._create_notice()
        self.assertFalse(first.repeated_id)
        second = self._create_notice()
        self.assertEqual(second.repeated_id, first)
        self.assertFalse(self._create_notice(event_date=self.today).repeated_id)
        self.assertFalse(self._create_notice("discharge").repeated_id)
        with Form(self.Notice) as form:  # before it is saved
            form.contract_id = self.contract
            form.patient_id = self.patient
            form.event_date = self.visit_date
            self.assertEqual(form.repeated_id, first)
        first.send()
        first._reject("1013")
        self.assertNotEqual(second.repeated_id, first)

    # ------------------------------------------------------------------
    # What is wrong
    # ------------------------------------------------------------------

    def test_bad_input_is_told_before_there_is_xml(self):
        tomorrow = self.today + timedelta(days=1)
        guia = self._create_internacao()
        cases = {
            "future": {"event_date": tomorrow},
            "Hospitalisation": {"hospitalization_type_id": False},
            "End of Care": {"event": "discharge", "discharge_reason_id": False},
            "patient stays": {
                "event": "discharge",
                "discharge_reason_id": self._term("39", "21"),
            },
            "before the admission": {
                "event": "discharge",
                "guia_id": guia.id,
                "event_date": guia.start_date - timedelta(days=1),
            },
            "not a value of the ANS table": {"hospitalization_type_id": self._term("39", "12")},
            "Card": {"card_number": False},
        }
        for words, vals in cases.items():
            notice = self._create_notice(**vals)
            with self.subTest(words):
                self.assertIn(words, notice.problems)
                with self.assertRefused(words):
                    notice.build()
        other = self._create_contract("005711", provider_code="1")
        self.assertIn("another operadora", self._create_notice(contract_id=other.id).problems)

    def test_a_card_that_xml_cannot_carry(self):
        """Emoji and 2,000 characters: a sentence, never an invalid file."""
        for number, words in (("0😀1", "cannot be sent"), ("9" * 2000, "is too long")):
            notice = self._create_notice(card_number=number)
            self.assertIn(words, notice.problems)
            with self.assertRefused(words):
                notice.build()

    # ------------------------------------------------------------------
    # Life
    # ------------------------------------------------------------------

    def test_sent_is_frozen_and_refused_is_corrected_with_its_number(self):
        notice = self._create_notice()
        notice.build()
        notice.event_date = self.today
        self.assertEqual(notice.state, "draft", "its XML said another day")
        notice.send()
        number = notice.name
        with self.assertRefused("can no longer change"):
            notice.event_date = self.visit_date
        with self.assertRefused("cannot be done now"):
            notice.action_cancel()
        notice.action_reject()
        notice.action_correct()
        notice.event_date = self.visit_date
        notice.send()
        self.assertEqual((notice.name, notice.state), (number, "sent"))
        self.assertEqual(len(notice.tiss_message_ids), 3)
        with self.assertRefused("keeps it for ever"):
            notice.sudo().unlink()
        with self.assertRefused("follows what is done"):
            notice.state = "received"
        with self.assertRefused("given by the system"):
            self._create_notice(name="7")

    def test_a_receipt_answers_it(self):
        for version in VERSIONS:
            self.contract.version = version
            for event in ("admission", "discharge"):
                with self.subTest(version, event=event):
                    notice = self._create_notice(event)
                    notice.send()
                    content = self._answer(notice)
                    self.assertEqual(self.Message.receive_file("r.xml", content), notice)
                    self.assertEqual(notice.state, "received")
                    answer = notice.tiss_message_ids - notice.message_id
                    self.assertEqual(answer.request_id, notice.message_id)
                    count = self.Message.search_count([])
                    self.assertEqual(self.Message.receive_file("r.xml", content), notice)
                    self.assertEqual(self.Message.search_count([]), count)

    def _exchange(self, operadora, notice):
        notice.send()
        answer = operadora.receive(notice.get_xml(), self.today)
        return self.Message.receive_file("recibo.xml", answer)

    def test_the_simulated_operadora_answers(self):
        """Admission, the same once more, discharge: accepted, refused with its code, accepted."""
        for version in VERSIONS:
            self.contract.version = version
            operadora = self._simulate()
            with self.subTest(version):
                admission = self._create_notice()
                self.assertEqual(self._exchange(operadora, admission), admission)
                self.assertEqual(admission.state, "received")
                again = self._create_notice()
                self.assertEqual(self._exchange(operadora, again), again)
                self.assertEqual(again.state, "rejected")
                self.assertTrue(again.rejection_reason[:4].isdigit())
                discharge = self._create_notice("discharge", event_date=self.today)
                self._exchange(operadora, discharge)
                self.assertEqual(discharge.state, "received")

    def test_a_refusal_says_why(self):
        notice = self._create_notice()
        notice.send()
        self.Message.receive_file("r.xml", self._answer(notice, "N", "1001"))
        term = self.env["tiss.term"]._get("38", "1001")
        self.assertEqual(notice.state, "rejected")
        self.assertEqual(notice.rejection_reason, f"1001 {term.name}")
        notice.action_correct()
        notice.send()
        content = answer_message(self.contract, "RECIBO_COMUNICACAO", REFUSAL)
        self.assertEqual(self.Message.receive_file("e.xml", content), notice)
        self.assertEqual(notice.rejection_reason, "1013 CADASTRO")

    def test_an_answer_to_nothing_known(self):
        notice = self._create_notice()
        with self.assertRefused("0123456789 does not wait"):
            self.Message.receive_file("r.xml", self._answer(notice))
        notice.send()
        with self.assertRefused("555 does not wait"):
            self.Message.receive_file("r.xml", self._answer(notice, card="555"))
        self._create_notice(event_date=self.today).send()
        with self.assertRefused("several wait"):
            self.Message.receive_file("r.xml", self._answer(notice))

    # ------------------------------------------------------------------
    # Who, and how much
    # ------------------------------------------------------------------

    def test_the_front_desk_has_no_part_in_it(self):
        user = self._create_user("n.recepcao", "reception")
        notice = self._create_notice()
        with self.assertRaises(AccessError):
            notice.with_user(user).send()
        with self.assertRaises(AccessError):
            self._create_stay().with_user(user).create_stay_notices("admission")

    def test_nothing_is_told_in_the_chatter_or_in_file_names(self):
        notice = self._create_notice("discharge", discharge_reason_id=self._term("39", "41"))
        notice.send()
        text = " ".join(str(body) for body in notice.message_ids.mapped("body"))
        self.assertNotIn("bito", text + notice.message_id.file_name)
        self.assertNotIn(self.patient.name, notice.message_id.file_name)

    def test_queries_do_not_grow_with_the_stays(self):
        def count(number):
            for index in range(number):
                self._create_internacao(main_number=f"{number}-{index}")
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            stays = self.env["tiss.stay"].search([])
            stays.mapped("admission_state")
            notices = self.Notice.search([])
            notices.mapped("problems")
            notices.mapped("repeated_id")
            return self.env.cr.sql_log_count - start

        for _index in range(3):
            self._create_notice()
        few = count(2)
        for _index in range(20):
            self._create_notice()
        self.assertLessEqual(count(10), few + 2)

    def test_users_error_is_one_sentence(self):
        with self.assertRaises(UserError) as caught:
            self._create_notice(hospitalization_type_id=False).build()
        self.assertNotIn("\n", str(caught.exception))
