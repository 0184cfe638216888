from datetime import date, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..standard.workdays import add_workdays
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, TissCommon
from .guia_records import VERSIONS
from .question_records import QuestionRecords
from .recurso_records import RecursoRecords
from .return_messages import analysis_message, payment_message, two_days_message


class RecursoCase(RecursoRecords, QuestionRecords, TissCommon):
    """Two guias of 56.00 and 150.00, of which 10.00, 14.90 and 30.00 are denied."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Recurso = cls.env["tiss.recurso"]
        cls.contract.appeal_days = 45
        cls.lote = cls._create_denied_lote("1001", "D1")
        cls.first, cls.second = cls.lote.guia_ids.sorted("number")
        cls.invoice = cls.lote.invoice_id
        cls.glosas = cls.lote.glosa_ids.sorted("id")

    @classmethod
    def _create_denied_lote(cls, protocol, number):
        urgent = cls.env["tiss.term"]._get("23", "2")
        lote = cls._create_received_lote(
            {ECG: 1, DIPYRONE: 2}, CONSULTATION, protocol=protocol, care_character_id=urgent.id
        )
        first, second = lote.guia_ids.sorted("number")
        released = {
            (first.name, 1): (31.10, "1705"),
            (first.name, 2): (0.00, "1806"),
            (second.name, 1): (120.00, "1705"),
        }
        content = analysis_message(lote, released, number)
        cls.env["tiss.demonstrativo"].import_file(f"{number}.xml", content).post()
        return lote

    def _send(self, glosas=None, level="item"):
        """A recurso that was sent, of the first guia by default."""
        recurso = (glosas or self.first.glosa_ids).create_recurso(level)
        recurso.send()
        return recurso

    def _receive_sent(self, glosas=None, level="item", protocol="700001"):
        recurso = self._send(glosas, level)
        self._receive(self._answer_receipt(recurso, protocol))
        return recurso

    def _pay_recurso(self, amounts, number="P9", lote=None):
        content = payment_message(lote or self.lote, amounts, number)
        content = content.replace(b"tipoPagamento>1<", b"tipoPagamento>2<")
        return self.env["tiss.demonstrativo"].import_file(f"{number}.xml", content)

    def assertBuckets(self, item, **expected):
        names = ("denied", "appealed", "paid", "released", "accepted")
        actual = {name: round(item[f"amount_{name}"], 2) for name in names}
        self.assertEqual(actual, dict.fromkeys(names, 0) | expected)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRecursoWritten(RecursoCase):
    """What a recurso contests, how it is written, and what it lacks."""

    def test_one_for_each_guia(self):
        recursos = self.glosas.create_recurso()
        self.assertEqual(
            [(recurso.line_ids.guia_id, recurso.amount_total) for recurso in recursos],
            [(self.first, 24.90), (self.second, 30.00)],
        )
        self.assertEqual(recursos.mapped("guia_numbers"), [self.first.name, self.second.name])
        self.assertEqual(set(recursos.mapped("state")), {"draft"})
        self.assertEqual(set(self.glosas.mapped("state")), {"open"}, "nothing left yet")
        self.assertEqual(set(recursos.mapped("deadline_date")), {self.today + timedelta(45)})

    def test_one_for_each_protocolo_where_the_convenio_wants_that(self):
        self.contract.appeal_grouping = "protocol"
        other = self._create_denied_lote("1002", "D2")
        recursos = (self.glosas | other.glosa_ids).create_recurso()
        self.assertEqual(recursos.lote_id, self.lote | other)
        self.assertEqual(recursos.mapped("amount_total"), [54.90, 54.90])

    def test_contested_once_however_often_somebody_clicks(self):
        recurso = self.first.glosa_ids.create_recurso()
        self.assertEqual(self.first.glosa_ids.create_recurso(), recurso)
        recurso.send()
        with self.assertRefused("Nothing of these glosas is left"):
            self.first.glosa_ids.create_recurso()
        recurso.action_reject()
        self.assertEqual(self.first.glosa_ids.create_recurso(), recurso, "corrected, not doubled")
        recurso.action_cancel()
        self.assertNotEqual(self.first.glosa_ids.create_recurso(), recurso)

    def test_what_was_accepted_is_not_contested(self):
        self.first.glosa_ids.accept()
        with self.assertRefused("Nothing of these glosas is left"):
            self.first.glosa_ids.create_recurso()

    def test_golden_items(self):
        """Written by hand from the guide, in both versions."""
        self.first.glosa_ids.create_recurso().action_cancel()
        for version in VERSIONS:
            self.contract.version = version
            recurso = self.first.glosa_ids.create_recurso()
            recurso.line_ids[0].justification = "Preço da tabela – vigente"
            recurso.line_ids[1].justification = "Está no prontuário"
            recurso.build()
            day = self.visit_date
            body = (
                "<ans:recursoGlosa><ans:guiaRecursoGlosa><ans:registroANS>326305</ans:registroANS>"
                f"<ans:numeroGuiaRecGlosaPrestador>{recurso.name}"
                "</ans:numeroGuiaRecGlosaPrestador>"
                f"<ans:nomeOperadora>{self.operadora.name.upper()}</ans:nomeOperadora>"
                "<ans:objetoRecurso>2</ans:objetoRecurso><ans:dadosContratado>"
                "<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
                f"</ans:dadosContratado><ans:numeroLote>{self.lote.name}</ans:numeroLote>"
                "<ans:numeroProtocolo>1001</ans:numeroProtocolo><ans:opcaoRecurso>"
                f"<ans:recursoGuia><ans:numeroGuiaOrigem>{self.first.name}</ans:numeroGuiaOrigem>"
                "<ans:opcaoRecursoGuia><ans:itensGuia><ans:sequencialItem>1</ans:sequencialItem>"
                f"<ans:dataInicio>{day}</ans:dataInicio><ans:procRecurso>"
                "<ans:codigoTabela>22</ans:codigoTabela>"
                "<ans:codigoProcedimento>40101010</ans:codigoProcedimento>"
                "<ans:descricaoProcedimento>"
                "ECG CONVENCIONAL DE ATE 12 DERIVACOES</ans:descricaoProcedimento>"
                "</ans:procRecurso><ans:codGlosaItem>1705</ans:codGlosaItem>"
                "<ans:valorRecursado>10.00</ans:valorRecursado>"
                "<ans:justificativaItem>PRECO DA TABELA - VIGENTE</ans:justificativaItem>"
                "</ans:itensGuia><ans:itensGuia><ans:sequencialItem>2</ans:sequencialItem>"
            )
            end = (
                "<ans:codGlosaItem>1806</ans:codGlosaItem>"
                "<ans:valorRecursado>14.90</ans:valorRecursado>"
                "<ans:justificativaItem>ESTA NO PRONTUARIO</ans:justificativaItem>"
                "</ans:itensGuia></ans:opcaoRecursoGuia></ans:recursoGuia></ans:opcaoRecurso>"
                "<ans:valorTotalRecursado>24.90</ans:valorTotalRecursado>"
                f"<ans:dataRecurso>{self.today}</ans:dataRecurso></ans:guiaRecursoGlosa>"
                "</ans:recursoGlosa>"
            )
            with self.subTest(version):
                self._decode_sent(recurso)
                content = b"".join(map(bytes.strip, recurso.get_xml().splitlines())).decode()
                self.assertIn(body, content)
                self.assertIn(end, content)
                self.assertIn("<ans:tipoTransacao>RECURSO_GLOSA<", content)
                self.assertIn(f"<ans:Padrao>{version}<", content)
            recurso.action_cancel()

    def test_whole_guia(self):
        """Each code of the guia with its text; the total is what was denied."""
        recurso = self.first.glosa_ids.create_recurso("guia")
        recurso.line_ids[0].justification = "A"
        recurso.line_ids[1].justification = "B"
        recurso.build()
        body = self._decode_sent(recurso)["guiaRecursoGlosa"]
        [guia] = body["opcaoRecurso"]["recursoGuia"]
        self.assertEqual(
            guia["opcaoRecursoGuia"],
            {
                "recursoGuiaCompleta": [
                    {"codGlosaGuia": "1705", "justificativaGuia": "A"},
                    {"codGlosaGuia": "1806", "justificativaGuia": "B"},
                ]
            },
        )
        self.assertEqual(str(body["valorTotalRecursado"]), "24.90")

    def test_whole_protocolo(self):
        price = self.glosas.filtered(lambda glosa: glosa.code == "1705")
        recurso = price.create_recurso("protocol")
        recurso.line_ids.justification = "O mesmo motivo"
        recurso.build()
        body = self._decode_sent(recurso)["guiaRecursoGlosa"]
        self.assertEqual(body["objetoRecurso"], "1")
        self.assertEqual(
            body["opcaoRecurso"],
            {
                "recursoProtocolo": {
                    "codigoGlosaProtocolo": "1705",
                    "justificativaProtocolo": "O MESMO MOTIVO",
                }
            },
        )
        self.assertEqual(str(body["valorTotalRecursado"]), "40.00")

    def test_a_whole_has_one_reason_and_one_text(self):
        recurso = self.glosas.create_recurso("protocol")
        self.assertIn("A whole protocolo is contested for one code", recurso.problems)
        recurso.line_ids.filtered(lambda line: line.code == "1806").unlink()
        recurso.line_ids[0].justification = "Outro"
        self.assertIn("of a whole there is one justification", recurso.problems)
        recurso.line_ids.justification = "O mesmo"
        self.assertFalse(recurso.problems)

    def test_what_is_missing(self):
        recurso = self.first.glosa_ids.create_recurso()
        self.assertFalse(recurso.problems)
        line = recurso.line_ids[0]
        for vals, words in (
            ({"justification": False}, "say why it is contested"),
            ({"justification": "x" * 501}, "has 501 characters; 500 can be sent"),
            ({"code": False}, "the operadora gave no code"),
            ({"code": "1806"}, "contest the code that was received"),
        ):
            with self.subTest(words):
                before = {name: line[name] for name in vals}
                line.write(vals)
                self.assertIn(words, recurso.problems)
                with self.assertRefused(words):
                    recurso.build()
                line.write(before)
        self.assertFalse(recurso.problems)

    def test_a_code_that_the_version_does_not_have(self):
        """3214 came with 4.03.00."""
        self.first.glosa_ids.sudo().code = "3214"
        recurso = self.first.glosa_ids.create_recurso()
        self.assertFalse(recurso.problems)
        recurso.action_cancel()
        self.contract.version = "4.02.00"
        recurso = self.first.glosa_ids.create_recurso()
        self.assertIn("version 4.02.00 of the standard does not have this code", recurso.problems)

    def test_a_protocolo_that_is_no_number(self):
        lote = self._create_denied_lote("AB-77", "D2")
        recurso = lote.glosa_ids.create_recurso()[0]
        self.assertIn("AB-77 is not a number of at most 12 digits", recurso.problems)
        with self.assertRefused("is not a number"):
            recurso.send()

    def test_two_recursos_about_one_whole(self):
        first, second = self.first.glosa_ids
        self._send(first, "guia")
        recurso = second.create_recurso("guia")
        self.assertIn("about the same waits for its answer", recurso.problems)

    def test_the_text_follows_the_code(self):
        Text = self.env["tiss.appeal.text"]
        Text.create({"name": "Nossa", "code": "1705", "text": "Guia {guia}: {valor} é o preço."})
        recurso = self.first.glosa_ids.create_recurso()
        own, shared = recurso.line_ids
        self.assertEqual(own.justification, f"Guia {self.first.name}: 10,00 é o preço.")
        self.assertIn("O procedimento 90055888, item 2", shared.justification, "family 18")
        own.justification = "Outra"
        recurso.action_fill_justification()
        self.assertIn("é o preço", own.justification)

    def test_a_text_with_an_unknown_placeholder(self):
        with self.assertRefused("“paciente” is not known here", UserError):
            self.env["tiss.appeal.text"].create({"name": "X", "text": "{paciente}"})
        with self.assertRefused("four digits", UserError):
            self.env["tiss.appeal.text"].create({"name": "X", "code": "170", "text": "x"})

    def test_printed(self):
        recurso = self.first.glosa_ids.create_recurso()
        [sheet] = recurso._get_sheets()
        self.assertEqual((sheet.boxes[9], sheet.boxes[13]), ("1001", self.first.name))
        self.assertEqual((sheet.boxes[4], sheet.boxes[30]), ("2", "24,90"))
        rows = [row for row in sheet.tables["claims"] if row]
        self.assertEqual(
            [(row[0], row[22], row[25], row[26]) for row in rows],
            [("1", "40101010", "1705", "10,00"), ("2", "90055888", "1806", "14,90")],
        )
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("l10n_br_tiss.action_report_recurso", recurso.ids)[0]
            .decode()
        )
        self.assertIn("GUIA DE RECURSO DE GLOSAS", html)
        self.assertIn("24,90", html)

    def test_a_document_proves_the_recurso(self):
        """It is of nature 3, under the number of the recurso (guide §3.9)."""
        recurso = self.first.glosa_ids.create_recurso()
        document = self.env["tiss.document"].create(
            {"recurso_id": recurso.id, "guia_id": self.first.id, "lote_id": self.lote.id}
        )
        self.assertEqual(document.nature_id.code, "3")
        body = document.sudo()._prepare_tiss_body()
        self.assertEqual(body["numeroGuiaPrestador"], recurso.name)
        self.assertEqual(body["numeroProtocolo"], "1001")
        self.assertEqual(recurso.document_count, 1)

    def test_written_by_the_system_only(self):
        recurso = self.first.glosa_ids.create_recurso()
        with self.assertRaises(AccessError):
            self.Recurso.create(recurso.copy_data()[0])
        with self.assertRefused("no more and no less"):
            recurso.line_ids[0].amount = 1
        with self.assertRefused("follows what is done with it"):
            recurso.protocol_number = "1"
        reception = self._create_user("recepcao.recurso", "reception")
        with self.assertRaises(AccessError):
            self.glosas.with_user(reception).create_recurso()

    def test_a_change_makes_the_xml_old(self):
        recurso = self.first.glosa_ids.create_recurso()
        recurso.build()
        recurso.line_ids[0].justification = "Outra"
        self.assertEqual(recurso.state, "draft")
        recurso.send()
        with self.assertRefused("was sent or cancelled"):
            recurso.line_ids[0].justification = "Mais outra"
        with self.assertRefused("was sent or cancelled"):
            recurso.line_ids[0].unlink()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRecursoMoney(RecursoCase):
    """Every real of what is contested is somewhere, after each step."""

    def setUp(self):
        super().setUp()
        self.ecg, self.dipyrone = self.first.line_ids.sorted("sequence_item")
        self.price, self.other = self.first.glosa_ids.sorted("id")

    def test_sent_is_under_recurso_and_open_on_the_invoice(self):
        recurso = self._send()
        self.assertBuckets(self.ecg, released=31.10, appealed=10.00)
        self.assertBuckets(self.dipyrone, appealed=14.90)
        self.assertEqual(set(self.first.glosa_ids.mapped("state")), {"appealed"})
        self.assertEqual(self.price.amount_open, 0)
        self.assertEqual(self.invoice.amount_residual, 206.00)
        self.assertEqual(set(self.first.movement_ids.mapped("kind")), {"bill", "release", "deny",
                                                                       "appeal"})  # fmt: skip
        self.assertFalse(self.first.glosa_ids.accept(), "nothing can be given up meanwhile")
        self.assertEqual(recurso.sent_date, self.today)
        self.assertLedgerSound()

    def test_refused(self):
        recurso = self._send()
        self.assertEqual(self._receive(self._refuse_recurso()), recurso)
        self.assertEqual((recurso.state, recurso.rejection_reason), ("rejected", "2909 MOTIVO"))
        self.assertBuckets(self.ecg, released=31.10, denied=10.00)
        self.assertEqual(set(self.first.glosa_ids.mapped("state")), {"open"})
        self.assertLedgerSound()
        recurso.action_correct()
        recurso.send()
        self.assertBuckets(self.ecg, released=31.10, appealed=10.00)
        self.assertLedgerSound()

    def test_receipt(self):
        recurso = self._send()
        content = self._answer_receipt(recurso)
        self.assertEqual(self._receive(content), recurso)
        self.assertEqual((recurso.state, recurso.protocol_number), ("received", "700001"))
        before = self._get_content()
        self.assertEqual(self._receive(content), recurso)
        again = content.replace(b">10:00:00<", b">11:00:00<")
        self.assertEqual(self._receive(again), recurso)
        self.assertEqual(self._get_content(), before)

    def test_the_receipt_goes_to_the_recurso_that_contests_the_same(self):
        first = self._send()
        second = self._send(self.second.glosa_ids)
        self.assertEqual(self._receive(self._answer_receipt(second)), second)
        self.assertEqual(first.state, "sent")
        for options in ({"total": 1.00}, {"contested": "9"}):
            content = self._answer_receipt(first, "700002", **options)
            with self.assertRefused("waits for a receipt that says this"):
                self._receive(content)

    def test_a_person_types_the_protocolo(self):
        recurso = self._send()
        wizard = self.env["tiss.recurso.protocol"].create(
            {"recurso_id": recurso.id, "protocol_number": " 77 "}
        )
        wizard.action_register()
        self.assertEqual((recurso.state, recurso.protocol_number), ("received", "77"))

    def test_granted_and_paid(self):
        for version in VERSIONS:
            with self.subTest(version):
                lote = self._create_denied_lote(f"20{version[2:4]}", f"V{version[2:4]}")
                guia = lote.guia_ids.sorted("number")[0]
                recurso = self._receive_sent(guia.glosa_ids, protocol=f"71{version[2:4]}")
                granted = dict(zip(recurso.line_ids, (10.00, 14.90), strict=True))
                self._receive(self._answer_items(recurso, granted, version=version))
                self.assertEqual((recurso.state, recurso.result), ("answered", "granted"))
                self.assertEqual(recurso.operadora_number, "OP77")
                self.assertEqual(set(guia.glosa_ids.mapped("state")), {"appealed"}, "not paid yet")
                self.assertLedgerSound()
                payment = self._pay_recurso({guia.name: 24.90}, f"R{version[2:4]}", lote)
                self.assertEqual(payment.blocking_count, 0, payment.discrepancy_ids)
                payment.post()
                self.assertEqual(set(guia.glosa_ids.mapped("state")), {"recovered"})
                self.assertEqual(recurso.amount_recovered, 24.90)
                self.assertEqual(lote.invoice_id.amount_residual, 206.00 - 24.90)
                self.assertLedgerSound()

    def test_granted_in_part(self):
        """Of 10.00 and 14.90, 6.00 and nothing are granted: 4.00 and 14.90 are denied again."""
        recurso = self._receive_sent()
        content = self._answer_items(recurso, dict(zip(recurso.line_ids, (6, 0), strict=True)))
        self._receive(content)
        self.assertEqual((recurso.state, recurso.result), ("answered", "partial"))
        self.assertEqual((recurso.amount_granted, recurso.amount_kept), (6.00, 18.90))
        self.assertEqual(recurso.line_ids[0].answer_note, "CONFORME CONTRATO")
        self.assertBuckets(self.ecg, released=31.10, appealed=6.00, denied=4.00)
        self.assertBuckets(self.dipyrone, denied=14.90)
        self.assertEqual((self.price.state, self.price.amount_open), ("kept", 4.00))
        self.assertEqual(self.invoice.amount_residual, 206.00)
        self.assertLedgerSound()
        before = self._get_content()
        self.assertEqual(self._receive(content), recurso)
        again = content.replace(b">10:00:00<", b">11:00:00<")
        self.assertEqual(self._receive(again), recurso, "the same in another file")
        self.assertEqual(self._get_content(), before)
        self.first.glosa_ids.accept()
        self.assertEqual(self.invoice.amount_residual, 206.00 - 18.90)
        self.assertEqual(self.price.state, "appealed", "6.00 are to be paid")
        self.assertLedgerSound()
        self._pay_recurso({self.first.name: 6.00}).post()
        self.assertBuckets(self.ecg, released=31.10, paid=6.00, accepted=4.00)
        self.assertEqual(self.price.state, "accepted")
        self.assertEqual((self.price.amount_recovered, self.price.amount_accepted), (6.00, 4.00))
        self.assertLedgerSound()

    def test_another_answer_to_what_was_answered(self):
        recurso = self._receive_sent()
        lines = recurso.line_ids
        self._receive(self._answer_items(recurso, dict(zip(lines, (6, 0), strict=True))))
        content = self._answer_items(recurso, dict(zip(lines, (7, 0), strict=True)))
        with self.assertRefused("this cannot be done now"):
            self._receive(content)

    def test_an_answer_that_grants_more_than_was_contested(self):
        recurso = self._receive_sent()
        content = self._answer_items(recurso, {recurso.line_ids[0]: 10.01})
        with self.assertRefused("would be granted, of"):
            self._receive(content)

    def test_an_answer_about_what_was_not_contested(self):
        recurso = self._receive_sent()
        content = self._answer_items(recurso, {recurso.line_ids[0]: 1.00})
        for wrong in (b"codGlosa>1806<", b"codGlosa>1401<"):
            with self.assertRefused("does not contest"):
                self._receive(content.replace(b"codGlosa>1705<", wrong))
        with self.assertRefused("which this clinic does not have"):
            self._receive(content.replace(recurso.name.encode(), b"RG999999"))

    def test_an_answer_in_two_parts(self):
        recurso = self._receive_sent()
        first, second = recurso.line_ids
        self._receive(self._answer_items(recurso, {first: 10.00}))
        self.assertEqual((recurso.state, recurso.result), ("received", False))
        self.assertBuckets(self.dipyrone, appealed=14.90)
        self._receive(self._answer_items(recurso, {second: 0.00}))
        self.assertEqual((recurso.state, recurso.result), ("answered", "partial"))
        self.assertLedgerSound()

    def test_whole_guia_answered(self):
        recurso = self._receive_sent(level="guia")
        granted = {(self.first.name, "1705"): "S", (self.first.name, "1806"): "N"}
        self._receive(self._answer_guias(recurso, granted, 10.00))
        self.assertBuckets(self.ecg, released=31.10, appealed=10.00)
        self.assertBuckets(self.dipyrone, denied=14.90)
        self.assertLedgerSound()

    def test_whole_protocolo_answered(self):
        price = self.glosas.filtered(lambda glosa: glosa.code == "1705")
        recurso = price.create_recurso("protocol")
        recurso.line_ids.justification = "O mesmo motivo"
        recurso.send()
        recurso.register_protocol("700009")
        self._receive(self._answer_protocol(recurso, "1705", "N", 0))
        self.assertEqual((recurso.result, recurso.amount_kept), ("kept", 40.00))
        self.assertEqual(set(price.mapped("state")), {"kept"})
        self.assertLedgerSound()

    def test_a_person_types_the_answer(self):
        recurso = self._send()
        recurso.line_ids[0].amount_granted = 2.50
        recurso.action_register_answer()
        self.assertEqual((recurso.state, recurso.amount_granted), ("answered", 2.50))
        self.assertBuckets(self.ecg, released=31.10, appealed=2.50, denied=7.50)
        self.assertLedgerSound()
        with self.assertRefused("this cannot be done now"):
            recurso.line_ids[0].amount_granted = 3.00

    def test_second_instance(self):
        """What the first kept is contested once more; a third time does not exist."""
        recurso = self._receive_sent()
        self._receive(self._answer_items(recurso, dict(zip(recurso.line_ids, (6, 0), strict=True))))
        second = recurso.create_next_instance()
        self.assertEqual((second.instance, second.previous_id), ("2", recurso))
        self.assertEqual(second.line_ids.mapped("amount"), [4.00, 14.90])
        second.send()
        self._receive(self._answer_receipt(second, "700002"))
        self.assertBuckets(self.ecg, released=31.10, appealed=10.00)
        self.assertLedgerSound()
        self._receive(self._answer_items(second, dict(zip(second.line_ids, (1, 0), strict=True))))
        self.assertBuckets(self.ecg, released=31.10, appealed=7.00, denied=3.00)
        self.assertLedgerSound()
        with self.assertRefused("was the second instance"):
            second.create_next_instance()
        self._pay_recurso({self.first.name: 7.00}).post()
        self.assertEqual((recurso.amount_recovered, second.amount_recovered), (6.00, 1.00))
        self.assertBuckets(self.ecg, released=31.10, paid=7.00, denied=3.00)
        self.assertLedgerSound()

    def test_a_contract_without_second_instance(self):
        self.contract.appeal_second_instance = False
        recurso = self._receive_sent()
        self._receive(self._answer_items(recurso, dict(zip(recurso.line_ids, (6, 0), strict=True))))
        with self.assertRefused("has no second instance"):
            recurso.create_next_instance()

    def test_paid_before_it_was_answered(self):
        """All of it: nothing to ask. A part of several items: the answer has to come first."""
        recurso = self._receive_sent()
        payment = self._pay_recurso({self.first.name: 20.00})
        self.assertEqual(payment.discrepancy_ids.code, "appeal_payment")
        with self.assertRefused("cannot be posted yet"):
            payment.post()
        payment.unlink()
        self._pay_recurso({self.first.name: 24.90}, "P10").post()
        self.assertEqual(set(self.first.glosa_ids.mapped("state")), {"recovered"})
        self.assertLedgerSound()
        content = self._answer_items(recurso, dict(zip(recurso.line_ids, (6, 0), strict=True)))
        with self.assertRefused("was paid already"):
            self._receive(content)
        self._receive(
            self._answer_items(recurso, dict(zip(recurso.line_ids, (10, 14.90), strict=True)))
        )
        self.assertEqual((recurso.state, recurso.result), ("answered", "granted"))
        self.assertLedgerSound()

    def test_paid_more_than_is_contested(self):
        self._receive_sent()
        payment = self._pay_recurso({self.first.name: 24.91})
        self.assertEqual(payment.discrepancy_ids.code, "paid_above")
        nothing = self._pay_recurso({self.second.name: 5.00}, "P10")
        self.assertEqual(nothing.discrepancy_ids.code, "appeal_payment")

    def test_paid_too_much_on_two_days_of_one_file(self):
        """20.00 and 15.00 of 30.00: what is shown before is what is booked."""
        self._receive_sent(self.second.glosa_ids)
        yesterday = self.today - timedelta(days=1)
        content = two_days_message(self.second, 20.00, 15.00, "P9", yesterday)
        content = content.replace(b"tipoPagamento>1<", b"tipoPagamento>2<")
        payment = self.env["tiss.demonstrativo"].import_file("p9.xml", content)
        payment.discrepancy_ids.filtered("is_blocking").resolve("cap")
        self.assertEqual(float(payment.preview()["amounts"]["recover"]), 30.00)
        payment.post()
        self.assertEqual(self.second.amount_paid, 150.00 - 120.00)
        self.assertLedgerSound()

    def test_paid_in_two_parts_and_undone(self):
        recurso = self._receive_sent()
        self._receive(
            self._answer_items(recurso, dict(zip(recurso.line_ids, (10, 14.90), strict=True)))
        )
        self._pay_recurso({self.first.name: 4.90}).post()
        self.assertEqual(recurso.amount_recovered, 4.90)
        rest = self._pay_recurso({self.first.name: 20.00}, "P10")
        rest.post()
        self.assertEqual(set(self.first.glosa_ids.mapped("state")), {"recovered"})
        rest.undo()
        self.assertEqual(recurso.amount_recovered, 4.90)
        self.assertEqual(set(self.first.glosa_ids.mapped("state")), {"appealed"})
        self.assertLedgerSound()

    def test_one_payment_of_the_bill_and_of_the_recurso(self):
        recurso = self._receive_sent()
        self._receive(
            self._answer_items(recurso, dict(zip(recurso.line_ids, (10, 14.90), strict=True)))
        )
        content = payment_message(self.lote, {self.first.name: 31.10}, "P9")
        row = content[content.index(b"<ans:guiasDoLote>") : content.index(b"</ans:guiasDoLote>")]
        row += b"</ans:guiasDoLote>"
        appeal = row.replace(b"tipoPagamento>1<", b"tipoPagamento>2<").replace(b"31.10", b"24.90")
        content = content.replace(row, row + appeal).replace(b">31.10<", b">56.00<")
        content = content.replace(b"valorLiberadoGuia>56.00<", b"valorLiberadoGuia>31.10<", 1)
        payment = self.env["tiss.demonstrativo"].import_file("p.xml", content)
        self.assertEqual(payment.blocking_count, 0, payment.discrepancy_ids.mapped("display_name"))
        payment.post()
        self.assertBuckets(self.ecg, paid=41.10)
        self.assertEqual(self.first.state, "closed")
        self.assertLedgerSound()

    def test_a_payment_that_names_the_protocolo_of_the_recurso(self):
        self._receive_sent()
        content = payment_message(self.lote, {self.first.name: 24.90}, "P9")
        content = content.replace(b"tipoPagamento>1<", b"tipoPagamento>2<")
        content = content.replace(b"numeroProtocolo>1001<", b"numeroProtocolo>700001<")
        payment = self.env["tiss.demonstrativo"].import_file("p.xml", content)
        self.assertEqual(payment.blocking_count, 0, payment.discrepancy_ids.mapped("display_name"))
        payment.post()
        self.assertEqual(self.invoice.amount_residual, 206.00 - 24.90)
        self.assertLedgerSound()

    def test_the_analysis_cannot_be_undone_while_it_is_contested(self):
        demonstrativo = self.glosas.demonstrativo_id
        recurso = self.first.glosa_ids.create_recurso()
        with self.assertRefused("is contested in recurso"):
            demonstrativo.undo()
        recurso.send()
        with self.assertRefused("undo those first"):
            demonstrativo.undo()
        recurso.action_reject()
        recurso.action_cancel()
        demonstrativo.undo()
        self.assertFalse(self.lote.glosa_ids)
        self.assertEqual(recurso.amount_total, 24.90, "what it contested is still told")
        self.assertLedgerSound()

    def test_a_glosa_that_was_accepted_since(self):
        recurso = self.first.glosa_ids.create_recurso()
        recurso.build()
        self.price.accept()
        with self.assertRefused("has changed since"):
            recurso.send()

    def test_status(self):
        recurso = self._send()
        with self.assertRefused("this cannot be done now"):
            recurso.query_status()
        self._receive(self._answer_receipt(recurso))
        message = recurso.query_status()
        content = b"".join(map(bytes.strip, message._get_content().splitlines()))
        self.assertIn(
            b"<ans:solicitacaoStatusRecursoGlosa><ans:dadosPrestador>"
            b"<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
            b"</ans:dadosPrestador><ans:numeroProtocolo>700001</ans:numeroProtocolo>"
            b"</ans:solicitacaoStatusRecursoGlosa>",
            content,
        )
        self.assertEqual(self._receive(self._answer_recurso_status(recurso)), recurso)
        self.assertEqual((recurso.state, recurso.status_id.code), ("received", "2"))
        recurso.query_status()
        self.assertEqual(self._receive(self._refuse_recurso_question()), recurso)
        self.assertEqual(recurso.state, "received")
        self.assertIn("3291 MOTIVO", recurso.message_ids[0].body)
        self.assertLedgerSound()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRecursoDeadline(RecursoCase):
    """Nobody lets a deadline pass unwarned."""

    def test_working_days(self):
        """From Thursday 16 April 2026: the Tuesday after is Tiradentes, a holiday."""
        self.assertEqual(add_workdays(date(2026, 4, 16), 3), date(2026, 4, 22))
        self.assertEqual(add_workdays(date(2026, 4, 1), 2), date(2026, 4, 6), "Good Friday")
        self.assertEqual(add_workdays(date(2023, 11, 17), 1), date(2023, 11, 20))
        self.assertEqual(add_workdays(date(2026, 11, 19), 1), date(2026, 11, 23))
        self.contract.write({"appeal_working_days": True, "appeal_days": 10})
        lote = self._create_denied_lote("1002", "D2")
        self.assertEqual(
            set(lote.glosa_ids.mapped("deadline_date")), {add_workdays(self.today, 10)}
        )

    def _remind(self, days):
        self.glosas.sudo().deadline_date = self.today + timedelta(days)
        self.Recurso.sudo()._cron_deadlines()

    def test_a_recurso_that_was_not_sent(self):
        recurso = self.first.glosa_ids.create_recurso()
        self.second.glosa_ids.accept()
        self._remind(8)
        self.assertFalse(recurso.activity_ids)
        for days, reminded in ((7, 7), (6, 7), (3, 3), (2, 3), (1, 1), (0, 1)):
            self._remind(days)
            self.assertEqual(len(recurso.activity_ids), 1, days)
            self.assertEqual(recurso.reminded_days, reminded)
        self.assertFalse(self.glosas.demonstrativo_id.activity_ids, "each glosa is taken care of")

    def test_nothing_after_it_was_sent(self):
        recurso = self._send()
        self._remind(1)
        self.assertFalse(recurso.activity_ids)

    def test_glosas_that_nobody_decided_about(self):
        demonstrativo = self.glosas.demonstrativo_id
        self._remind(7)
        [activity] = demonstrativo.activity_ids
        self.assertIn("3 glosas, ", activity.summary)
        self.assertRegex(activity.summary, "54[.,]90")
        with freeze_time(self.today + timedelta(2)):
            self.Recurso.sudo()._cron_deadlines()
        self.assertEqual(demonstrativo.activity_ids, activity, "told already")
        with freeze_time(self.today + timedelta(4)):
            self.Recurso.sudo()._cron_deadlines()
        self.assertEqual(len(demonstrativo.activity_ids), 1, "told anew, not twice")
        self.assertNotEqual(demonstrativo.activity_ids, activity)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRecursoOperadora(RecursoCase):
    """Against the simulated operadora, which knows nothing of this code."""

    def test_all_the_way(self):
        for seed, version in enumerate(VERSIONS * 2):
            with self.subTest(version, seed=seed):
                self._run(version, seed)

    def _run(self, version, seed):
        self.contract.version = version
        operadora = self._simulate(seed=seed)
        lote = self._create_lote(*[{ECG: 1, BLOOD_COUNT: 2}] * 40)
        lote.send()
        self._receive(operadora.receive(lote.get_xml(), self.today))
        analysis = operadora.analysis([lote.protocol_number], issued_on=self.today)
        self._receive(analysis).post()
        glosas = lote.glosa_ids
        self.assertGreater(len(glosas), 3)
        recursos = glosas.filtered("code").create_recurso()
        recursos.line_ids.filtered(lambda line: not line.justification).justification = "Devido"
        recursos.send()
        for recurso in recursos:
            self._receive(operadora.receive(recurso.get_xml(), self.today))
            self.assertEqual(recurso.state, "received", recurso.rejection_reason)
            question = recurso.query_status()
            self._receive(operadora.receive(question._get_content(), self.today))
            self.assertEqual(recurso.state, "answered")
            decided = operadora.appeals[recurso.protocol_number]
            self.assertEqual(f"{recurso.amount_granted:.2f}", str(decided["acatado"]), recurso.name)
        self.assertLedgerSound()
        self.assertEqual(
            round(sum(lote.guia_ids.line_ids.mapped("amount_appealed")), 2),
            round(sum(recursos.mapped("amount_granted")), 2),
        )
