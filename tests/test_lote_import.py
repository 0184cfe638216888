import base64
import itertools
import re
from datetime import date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .. import standard
from ..models.lote_file import find_all
from ..standard.message import envelope
from ..standard.money import line_total
from ..standard.tests.common import SEEDS, Generator, profile
from . import test_guia_generated
from .common import CONSULTATION, ECG, TissCommon
from .foreign_lote import GUIAS, foreign_lote
from .guia_records import ELEMENTS, VERSIONS, GuiaRecords

CODE = "<t:codigoPrestadorNaOperadora>{}</t:codigoPrestadorNaOperadora>"


class ImportCase(GuiaRecords, TissCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()

    def _import(self, content, **options):
        return self.env["tiss.lote"].import_file("lote.xml", content, **options)

    def _get_guias(self, lote, content=None):
        """Decoded guias of a lote's message, found valid by the official schema."""
        schema = standard.load(lote.version)
        content = content or lote.get_xml()
        self.assertTrue(schema.validate(content), schema.explain(content))
        values = schema.decode(content)
        return values["prestadorParaOperadora"]["loteGuias"]["guiasTISS"][ELEMENTS[lote.guia_type]]

    def _get_message(self, content, version):
        """A message without what every transmission has anew: sequence, moment and hash."""
        values = standard.load(version).decode(content)
        del values["epilogo"]
        transaction = values["cabecalho"]["identificacaoTransacao"]
        values["cabecalho"]["identificacaoTransacao"] = transaction["tipoTransacao"]
        return values


@tagged("post_install", "-at_install", "post_install_l10n")
class TestForeignLotes(ImportCase):
    """One lote of each type by another system, in each version, and what becomes of it."""

    def _round_trip(self, guia_type, version, **options):
        content = foreign_lote(guia_type, version, **options)
        lote = self._import(content)
        self.assertEqual((lote.state, lote.name, lote.version), ("validated", "L9", version))
        self.assertEqual(lote.get_xml(), content)
        lote.build()
        self.assertNotEqual(lote.get_xml(), content)
        self.assertEqual(
            self._get_message(lote.get_xml(), version), self._get_message(content, version)
        )
        self.assertTrue(standard.load(version).validate(lote.get_xml()))
        return lote

    def test_every_type_goes_out_again_as_it_came(self):
        """Without prefix in UTF-8, and with another prefix in ISO-8859-1."""
        forms = [{"prefix": "", "charset": "utf-8"}, {"prefix": "ns7", "charset": "iso-8859-1"}]
        for version, form in zip(VERSIONS, forms, strict=True):
            for guia_type in GUIAS:
                with (
                    self.subTest(version=version, guia_type=guia_type),
                    self.env.cr.savepoint() as undo,
                ):
                    self._round_trip(guia_type, version, **form)
                    undo.rollback()
                self.env.invalidate_all(flush=False)

    def test_consulta(self):
        guia = self._import(foreign_lote("consulta")).guia_ids
        self.assertEqual(guia.name, "A-17")
        self.assertEqual(guia.card_number, "00998877")
        self.assertEqual(guia.date, date(2026, 3, 2))
        self.assertEqual(guia.professional_id.name, "Dr. João Inventado")
        self.assertEqual(guia.accident_id.code, "9")
        self.assertEqual(guia.observation, "retorno em 30 dias,  conforme combinação")
        self.assertEqual(guia.line_ids.product_id, self.products[CONSULTATION])
        self.assertEqual(guia.line_ids.description, self.products[CONSULTATION].name)
        self.assertEqual(guia.amount_total, 123.45)

    def test_sp_sadt(self):
        """Money is what the operadora was asked for: 94.98 + 15.02 = 110.00."""
        guia = self._import(foreign_lote("sp_sadt")).guia_ids
        exam, glove = guia.line_ids
        self.assertEqual((exam.sequence_item, glove.sequence_item), (10, 20))
        self.assertEqual((exam.amount, glove.amount, guia.amount_total), (94.98, 15.02, 110.00))
        self.assertEqual((exam.quantity, exam.unit_price, exam.factor), (3, 31.66, 1))
        self.assertEqual((exam.start_time, exam.end_time), (8.5, 9.0))
        self.assertEqual(exam.member_ids.professional_id, guia.professional_id)
        self.assertEqual(glove.linked_line_id, exam)
        self.assertFalse(glove.product_id)
        self.assertEqual(
            (glove.table_code, glove.code, glove.description),
            ("00", "MAT-9", "luva invisível nº 8"),
        )
        requester = guia.requester_id
        self.assertEqual(requester.name, "Maria de Lourdes Fictícia")
        self.assertTrue(requester.tiss_is_referrer)
        self.assertFalse(requester.tiss_is_professional)
        self.assertEqual(requester.tiss_provider_code, "88001")
        self.assertEqual(guia.authorization_password, "abc123")
        self.assertEqual(guia.sudo().clinical_indication, "suspeita de invenção")

    def test_internacao(self):
        guia = self._import(foreign_lote("resumo_internacao")).guia_ids.sudo()
        self.assertEqual((guia.main_number, guia.authorization_password), ("sol-88", "s-1"))
        self.assertEqual((guia.diagnosis_1, guia.diagnosis_2), ("k802", "I10"))
        self.assertEqual(guia.declaration_ids.birth_number, "30012345678")
        self.assertEqual((guia.start_date, guia.end_date), (date(2026, 3, 1), date(2026, 3, 4)))
        self.assertEqual((guia.start_time, guia.end_time), (7.75, 18.0))
        self.assertEqual(guia.professional_id.vat, "39053344705")
        self.assertEqual(guia.line_ids.member_ids.participation_id.code, "00")

    def test_honorarios(self):
        guia = self._import(foreign_lote("honorarios")).guia_ids
        self.assertEqual(guia.hospital_id.name, "Hospital Nossa Senhora da Invenção")
        self.assertEqual(guia.hospital_id.tiss_provider_code, "H-900")
        self.assertEqual(guia.hospital_id.tiss_cnes, "2077777")
        self.assertEqual(guia.issue_date, date(2026, 3, 5))
        self.assertEqual(guia.amount_total, 540)
        self.assertEqual(guia.care_character_id.code, "2")

    def test_odonto(self):
        """The patient pays 20.00 of 100.00, which three units cannot be worth to the cent."""
        guia = self._import(foreign_lote("odonto")).guia_ids
        self.assertEqual((guia.amount_gross, guia.amount_total), (100, 80))
        self.assertEqual(guia.card_id.plan_id.name, "Sorriso Básico")
        self.assertEqual(guia.line_ids.tooth_id.code, "36")
        self.assertEqual(guia.professional_id.tiss_council_number, "4321")
        self.assertEqual(guia.professional_id.tiss_council_id.code, "08")
        tooth = guia.sudo().tooth_ids
        self.assertEqual((tooth.tooth_id.code, tooth.condition_id.code), ("36", "C"))

    def test_order_of_the_file(self):
        """Guias go out in the order in which they came, whatever their numbers."""
        numbers = ("7", "X", "3")
        lote = self._round_trip("consulta", "4.03.00", numbers=numbers)
        guias = self._get_guias(lote)
        self.assertEqual(
            [guia["cabecalhoConsulta"]["numeroGuiaPrestador"] for guia in guias], list(numbers)
        )

    def test_items_out_of_order(self):
        """Procedures 30 and 10, in this order in the file; with us they stand by their numbers."""

        def add(text):
            start = text.index("<t:procedimentoExecutado>")
            end = text.index("</t:procedimentosExecutados>")
            another = (
                text[start:end].replace("Item>10<", "Item>30<").replace("Dr. João", "Dra. Joana")
            )
            return text[:start] + another + text[start:]

        lote = self._round_trip("sp_sadt", "4.03.00", change=add)
        lote.invalidate_recordset()
        self.assertEqual(lote.guia_ids.line_ids.mapped("sequence_item"), [10, 20, 30])
        lote.build()
        [guia] = self._get_guias(lote)
        procedures = guia["procedimentosExecutados"]["procedimentoExecutado"]
        self.assertEqual([each["sequencialItem"] for each in procedures], [30, 10])

    def test_clinic_by_its_cnpj_in_the_header(self):
        sender = f"<t:CNPJ>{self.company.vat}</t:CNPJ>"
        self._round_trip("consulta", "4.03.00", sender=sender)

    def test_signature_of_a_guia(self):
        """It stands in the bytes of the file; a message built anew goes without it."""
        signature = (
            '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
            '<ds:CanonicalizationMethod Algorithm="c14n"/><ds:SignatureMethod Algorithm="rsa"/>'
            '<ds:Reference><ds:DigestMethod Algorithm="sha"/><ds:DigestValue>YQ==</ds:DigestValue>'
            "</ds:Reference></ds:SignedInfo>"
            '<ds:SignatureValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#">YQ==</ds:SignatureValue>'
        )
        content = foreign_lote(
            "consulta",
            change=lambda text: text.replace(
                "</t:guiaConsulta>",
                f"<t:assinaturaDigitalGuia>{signature}</t:assinaturaDigitalGuia></t:guiaConsulta>",
            ),
        )
        lote = self._import(content)
        self.assertEqual(lote.get_xml(), content)
        lote.build()
        [guia] = self._get_guias(lote)
        self.assertNotIn("assinaturaDigitalGuia", guia)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestOwnLotes(test_guia_generated.TestGeneratedGuias):
    """Our own message of any values is read back: same values, same XML, nothing to be kept."""

    def _check_example(self, draw, guia_type, version):
        with self.env.cr.savepoint() as database:
            lote = self._draw_lote(draw, guia_type, version)
            content = lote.get_xml()
            values = lote.guia_ids.sudo().get_tiss_values()
            database.rollback()
        self.env.invalidate_all(flush=False)
        lote = self.env["tiss.lote"].import_file("lote.xml", content)
        guia = lote.guia_ids.sudo()
        self.assertFalse(guia.kept_values)
        self.assertFalse(lote.kept_values)
        self.assertEqual(guia.get_tiss_values(), values)
        self.assertEqual(lote.get_xml(), content)
        lote.build()
        self.assertEqual(strip(lote.get_xml()), strip(content))
        self.assertTrue(standard.load(version).validate(lote.get_xml()))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestAnyLote(ImportCase):
    """Messages made from the schema alone, of any texts, terms, hours and totals, come back."""

    def _check_type(self, guia_type):
        @profile(12)
        @given(SEEDS, st.sampled_from(VERSIONS))
        def check(seed, version):
            schema = standard.load(version)
            content = schema.encode(self._make_message(schema, guia_type, seed))
            with self.env.cr.savepoint() as database:
                lote = self._import(content)
                self.assertEqual(lote.get_xml(), content)
                # As another request would find it.
                self.env.flush_all()
                self.env.invalidate_all()
                lote.build()
                self.assertEqual(
                    self._get_message(lote.get_xml(), version), self._get_message(content, version)
                )
                for guia, values in zip(
                    lote._get_ordered_guias(), self._get_guias(lote, content), strict=True
                ):
                    self.assertEqual(*self._get_totals(guia, values))
                database.rollback()
            self.env.invalidate_all(flush=False)

        check()

    def _make_message(self, schema, guia_type, seed):
        """A valid lote whose numbers are unique and not negative, as those of a guia are."""
        generator = Generator(seed)
        element = f"prestadorParaOperadora/loteGuias/guiasTISS/{ELEMENTS[guia_type]}"
        guias = [generator.value(schema.field(element)) for _guia in range(2)]
        for place, guia in enumerate(guias, start=1):
            header = guia.get("cabecalhoConsulta") or guia.get("cabecalhoGuia") or guia
            header.update(registroANS="326305", numeroGuiaPrestador=f"{place}-{seed}")
            beneficiary = guia.get("dadosBeneficiario") or guia["beneficiario"]
            beneficiary["numeroCarteira"] += "7"
            beneficiary["numeroCarteira"] = beneficiary["numeroCarteira"][-20:]
        tamed = tame(guias, itertools.count(1))
        return envelope(
            "ENVIO_LOTE_GUIAS",
            {"numeroLote": "G1", "guiasTISS": {ELEMENTS[guia_type]: tamed}},
            sender={"codigoPrestadorNaOperadora": "12345"},
            recipient="326305",
            sequence=9,
            moment=datetime(2026, 3, 12, 9, 15),
            version=schema.version,
        )

    def _get_totals(self, guia, values):
        """What our fields charge, and what the items of the file add up to."""
        names = ("valorProcedimento", "valorProc") if guia.guia_type in (
            "consulta", "odonto"
        ) else ("valorTotal",)  # fmt: skip
        theirs = sum(
            value for name in names for value in find_all(values, name)
            if isinstance(value, Decimal)
        )  # fmt: skip
        ours = sum(
            line_total(line.quantity, line.unit_price, line.factor) for line in guia.line_ids
        )
        return ours, theirs

    def test_consulta(self):
        self._check_type("consulta")

    def test_sp_sadt(self):
        self._check_type("sp_sadt")

    def test_honorarios(self):
        self._check_type("honorarios")

    def test_resumo_internacao(self):
        self._check_type("resumo_internacao")

    def test_odonto(self):
        self._check_type("odonto")


def tame(values, numbers):
    """Without negative numbers, and with a number of its own for each item."""
    if isinstance(values, dict):
        return {
            name: next(numbers) if name == "sequencialItem" else tame(value, numbers)
            for name, value in values.items()
        }
    if isinstance(values, list):
        return [tame(value, numbers) for value in values]
    return abs(values) if type(values) in (int, Decimal) else values


def strip(content):
    """A message of ours, byte by byte, without sequence, moment and hash."""
    names = rb"(sequencial|dataRegistro|horaRegistro)Transacao|hash"
    return re.sub(rb"<ans:(%s)>[^<]*<" % names, rb"<", content)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestKeptValues(ImportCase):
    """What our fields have no place for is kept as it was written, until somebody edits it."""

    def _reopen(self, content):
        """A guia that goes out in another lote, after its own was cancelled."""
        lote = self._import(content)
        guia = lote.guia_ids
        lote.action_cancel()
        return guia

    def test_edits_win(self):
        guia = self._reopen(foreign_lote("consulta"))
        values = guia.get_tiss_values()
        self.assertEqual(values["observacao"], "retorno em 30 dias,  conforme combinação")
        self.assertEqual(values["contratadoExecutante"]["CNES"], "1234567")
        guia.observation = "outra"
        values = guia.get_tiss_values()
        self.assertEqual(values["observacao"], "OUTRA")
        self.assertEqual(values["contratadoExecutante"]["CNES"], "1234567")

    def test_alternatives_are_never_mixed(self):
        guia = self._reopen(foreign_lote("sp_sadt"))
        member = guia.line_ids.member_ids
        self.assertEqual(
            guia.get_tiss_values()["procedimentosExecutados"]["procedimentoExecutado"][0][
                "equipeSadt"
            ][0]["codProfissional"],
            {"codigoPrestadorNaOperadora": "E77"},
        )
        member.professional_id.write({"tiss_provider_code": False, "vat": "39053344705"})
        self.assertEqual(
            guia.get_tiss_values()["procedimentosExecutados"]["procedimentoExecutado"][0][
                "equipeSadt"
            ][0]["codProfissional"],
            {"cpfContratado": "39053344705"},
        )

    def test_clinical_words_stay_unseen(self):
        biller = self._create_user("i.faturamento", "billing")
        doctor = self._create_user("i.medico", "billing", "clinical")
        lote = self.env["tiss.lote"].with_user(biller).import_file(
            "lote.xml", foreign_lote("sp_sadt")
        )  # fmt: skip
        guia = lote.guia_ids
        with self.assertRaises(AccessError):
            _ = guia.kept_values
        self.assertTrue(guia.kept_count)
        self.assertIn("Hemograma completo c/ plaquetas", guia.kept_html)
        self.assertNotIn("suspeita", guia.kept_html)
        self.assertNotIn("identificadorBeneficiario", guia.kept_html)
        beneficiary = guia.get_tiss_values()["dadosBeneficiario"]
        self.assertIsNone(beneficiary["identificadorBeneficiario"])
        self.assertIsNone(guia.get_tiss_values()["dadosSolicitacao"]["indicacaoClinica"])
        self.assertEqual(guia.get_tiss_values()["dadosExecutante"]["CNES"], "9999999")
        seen = guia.with_user(doctor)
        self.assertIn("suspeita de invenção", seen.kept_html)
        self.assertEqual(
            seen.get_tiss_values()["dadosSolicitacao"]["indicacaoClinica"], "suspeita de invenção"
        )
        with self.assertRaises(UserError):
            seen.kept_values = []

    def test_another_version(self):
        """What a version does not have is not sent in it."""
        guia = self._reopen(foreign_lote("resumo_internacao"))
        guia.sudo().kept_values = [
            {
                "path": ["procedimentosExecutados", "procedimentoExecutado", 1],
                "ours": {},
                "theirs": {"centroConsumo": "051"},
            }
        ]
        procedure = guia.get_tiss_values()["procedimentosExecutados"]["procedimentoExecutado"][0]
        self.assertEqual(procedure["centroConsumo"], "051")
        self.contract.version = "4.02.00"
        procedure = guia.get_tiss_values()["procedimentosExecutados"]["procedimentoExecutado"][0]
        self.assertNotIn("centroConsumo", procedure)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestPeopleOfALote(ImportCase):
    """Whom the message is about: found by number, created when unknown, never guessed."""

    def test_known_people_are_found(self):
        """By card number with a mask, by council and number, by code at the operadora."""
        self.hospital.tiss_provider_code = "H-900"
        self.assistant.write({"tiss_council_number": "1122"})
        before = self.env["res.partner"].search_count([])
        lote = self._import(
            foreign_lote("honorarios", change=lambda text: text.replace("00998877", "0123.456789"))
        )
        guia = lote.guia_ids
        self.assertEqual(self.env["res.partner"].search_count([]), before)
        self.assertEqual((guia.patient_id, guia.card_id), (self.patient, self.card))
        self.assertEqual(guia.card_number, "0123.456789")
        self.assertEqual(guia.line_ids.member_ids.professional_id, self.assistant)
        self.assertEqual(guia.hospital_id, self.hospital)

    def test_unknown_people_are_created_to_be_completed(self):
        lote = self._import(foreign_lote("consulta", numbers=("1", "2")))
        guias = lote.guia_ids
        patient = guias.patient_id
        self.assertEqual(patient.name, "Beneficiary 00998877")
        self.assertTrue(patient.tiss_is_patient and patient.tiss_is_incomplete)
        self.assertEqual(patient.tiss_card_ids.operadora_id, self.operadora)
        self.assertFalse(guias.professional_id.tiss_is_incomplete)
        patient.name = "Beneficiária Fictícia"
        self.assertFalse(patient.tiss_is_incomplete)

    def test_newborn_on_the_parents_card(self):
        baby = self.env["res.partner"].create(
            {"name": "Bebê Fictício", "tiss_birth_date": self.visit_date}
        )
        card = self.env["tiss.card"].create(
            {"patient_id": baby.id, "holder_id": self.card.id, "is_newborn": True}
        )
        content = foreign_lote(
            "consulta",
            change=lambda text: text.replace("00998877", self.card.number).replace(
                "RN>N<", "RN>S<"
            ),
        )
        guia = self._import(content).guia_ids
        self.assertEqual((guia.card_id, guia.patient_id, guia.is_newborn), (card, baby, True))

    def test_nobody_is_said_to_have_attended(self):
        """An SP/SADT without a team that somebody from outside asked for names no performer."""

        def without_team(text):
            start, end = text.index("<t:equipeSadt>"), text.index("</t:equipeSadt>")
            return text[:start] + text[end + len("</t:equipeSadt>") :]

        guia = self._import(foreign_lote("sp_sadt", change=without_team)).guia_ids
        self.assertEqual(guia.professional_id.name, "Professional Not Informed")
        self.assertEqual(guia.requester_id.name, "Maria de Lourdes Fictícia")

    def test_card_of_another_operadora(self):
        other = self._create_contract("006246", provider_code="5")
        plan = self.env["tiss.plan"].create({"operadora_id": other.partner_id.id, "name": "P"})
        self.env["tiss.card"].create(
            {"patient_id": self.patient.id, "plan_id": plan.id, "number": "00998877"}
        )
        guia = self._import(foreign_lote("consulta")).guia_ids
        self.assertNotEqual(guia.patient_id, self.patient)
        self.assertEqual(guia.card_id.operadora_id, self.operadora)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestImportedLife(ImportCase):
    """Numbers, bytes, status and money of what was imported."""

    def test_numbers_are_never_reused(self):
        lote = self._import(foreign_lote("consulta", numbers=("0041", "B2", "39"), lote="17"))
        self.assertEqual(self.contract.next_guia_number, 42)
        self.assertEqual(self.contract.next_lote_number, 18)
        self.assertEqual(lote.number, 17)
        ours = self._create_lote(ECG)
        self.assertEqual((ours.guia_ids.name, ours.name), ("42", "18"))

    def test_a_number_longer_than_ours_can_become(self):
        self._import(foreign_lote("consulta", numbers=("20260300000000000001",)))
        self.assertEqual(self.contract.next_guia_number, 1)

    def test_second_import_changes_nothing(self):
        content = foreign_lote("sp_sadt")
        lote = self._import(content)
        before = self._get_content()
        self.assertEqual(self._import(content), lote)
        self.assertEqual(self._get_content(), before)

    def test_our_own_message_is_known(self):
        lote = self._create_lote(ECG)
        self.assertEqual(self._import(lote.get_xml()), lote)

    def test_already_sent_with_protocolo(self):
        content = foreign_lote("sp_sadt")
        lote = self._import(content, already_sent=True, protocol_number="P-1")
        self.assertEqual((lote.state, lote.protocol_number), ("received", "P-1"))
        self.assertEqual(lote.sent_date, date(2026, 3, 12))
        self.assertEqual(lote.get_xml(), content)
        self.assertEqual(lote.guia_ids.state, "sent")
        self.assertEqual(lote.amount_open, 110)
        self.assertEqual(lote.invoice_id.amount_total, 110)
        self.assertLedgerSound()

    def test_already_sent_and_waiting(self):
        lote = self._import(foreign_lote("consulta"), already_sent=True)
        self.assertEqual((lote.state, lote.guia_ids.state), ("sent", "sent"))
        lote.register_protocol("55", self.today)
        self.assertLedgerSound()

    def test_sent_from_here(self):
        lote = self._import(foreign_lote("consulta"))
        content = lote.get_xml()
        lote.send()
        self.assertEqual((lote.state, lote.get_xml()), ("sent", content))
        answer = self._simulate().receive(content, self.today)
        self.env["tiss.message"].receive_file("protocolo.xml", answer)
        self.assertEqual(lote.state, "received")

    def test_bytes_are_journaled(self):
        content = foreign_lote("consulta")
        message = self._import(content).message_id
        self.assertEqual(message._get_content(), content)
        self.assertEqual((message.direction, message.sequence), ("out", "77"))

    def test_wrong_hash_does_not_block(self):
        """The file is kept, and what leaves has the right hash."""
        content = foreign_lote("consulta", right_hash=False)
        lote = self._import(content)
        self.assertEqual(lote.state, "validated")
        self.assertIsNotNone(standard.matching_charset(lote.get_xml()))
        kept = lote.tiss_message_ids.filtered(lambda message: message.direction == "in")
        self.assertEqual(kept._get_content(), content)
        sent = self._import(
            foreign_lote("consulta", right_hash=False, numbers=("2",), lote="2"),
            already_sent=True,
        )
        self.assertEqual(sent.tiss_message_ids.direction, "out")

    def test_harmless_breaches_are_mended(self):
        """Another order and other capitals: it is read, and goes out as the schema wants it."""

        def shuffle(text):
            text = text.replace("t:indicacaoAcidente", "t:indicacaoacidente")
            number = "<t:numeroLote>L9</t:numeroLote>"
            return text.replace(number, "").replace("</t:guiasTISS>", f"</t:guiasTISS>{number}")

        content = foreign_lote("consulta", change=shuffle)
        self.assertFalse(standard.load("4.03.00").validate(content))
        lote = self._import(content)
        self.assertTrue(standard.load("4.03.00").validate(lote.get_xml()))
        self.assertEqual(lote.guia_ids.accident_id.code, "9")

    def test_constant_queries(self):
        """As many for 60 guias of 60 unknown beneficiaries and professionals as for two."""

        def count(names, lote):
            def estrange(text):
                for name in names:
                    text = text.replace("00998877", f"C{name}", 1)
                    text = text.replace(">70070<", f">{name}<", 1)
                return text

            content = foreign_lote("sp_sadt", numbers=names, lote=lote, change=estrange)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            lote = self._import(content)
            self.env.flush_all()
            queries = self.env.cr.sql_log_count - before
            self.assertEqual(len(lote.guia_ids.patient_id), len(names))
            self.assertEqual(len(lote.guia_ids.requester_id), len(names))
            return queries

        count(["W1"], "W")
        few = count([f"F{number}" for number in range(2)], "F")
        many = count([f"M{number}" for number in range(60)], "M")
        self.assertLessEqual(many, few + 5)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestRefusedFiles(ImportCase):
    """What cannot be imported, said in words, with nothing left behind."""

    def _refuse(self, words, content, **options):
        with self.assertRefused(words):
            self._import(content, **options)

    def test_no_lote(self):
        self._refuse("not readable as XML", b"PK\x03\x04")
        self._refuse("not a TISS message", b"<html/>")
        self._refuse(
            "Returns", self._simulate().receive(self._create_lote(ECG).get_xml(), self.today)
        )

    def test_bomb(self):
        content = foreign_lote("consulta").replace(
            b"?>\n", b'?>\n<!DOCTYPE a [<!ENTITY b "bbbb">]>', 1
        )
        self._refuse("dangerous content", content)

    def test_version_that_is_not_installed(self):
        self._refuse("version 3.05.00.*4.02.00, 4.03.00", foreign_lote("consulta", "3.05.00"))

    def test_operadora_without_convenio(self):
        content = foreign_lote("consulta").replace(b"326305", b"339679")
        self._refuse("ANS number 339679", content)

    def test_guia_of_another_operadora(self):
        content = foreign_lote(
            "consulta",
            change=lambda text: text.replace(
                "<t:cabecalhoConsulta>\n    <t:registroANS>326305",
                "<t:cabecalhoConsulta>\n    <t:registroANS>339679",
            ),
        )
        self._refuse("Guia A-17 is of the operadora 339679", content)

    def test_missing_and_wrong_elements(self):
        """Named by guia and element, without what they say."""

        def spoil(text):
            text = text.replace("<t:UF>35</t:UF>", "")
            return text.replace("Consulta>1<", "Consulta>8<").replace("123.45", "R$ 123")

        content = foreign_lote("consulta", change=spoil)
        self._refuse("guia A-17", content)
        with self.assertRaises(UserError) as caught:
            self._import(content)
        text = str(caught.exception)
        self.assertIn("guia A-17, UF is missing", text)
        self.assertIn("guia A-17, tipoConsulta is not a value of the ANS table", text)
        self.assertIn("guia A-17, valorProcedimento has the wrong format", text)
        self.assertNotIn("R$ 123", text)

    def test_unknown_element(self):
        content = foreign_lote(
            "consulta",
            change=lambda text: text.replace("<t:observacao>", "<t:obs>x</t:obs><t:observacao>"),
        )
        self._refuse("obs is unknown to TISS 4.03.00", content)

    def test_too_many_guias(self):
        numbers = [f"N{number}" for number in range(101)]
        self._refuse(
            "more often than it may be|101 guias", foreign_lote("consulta", numbers=numbers)
        )

    def test_two_types(self):
        other = GUIAS["odonto"].replace("NUMBER", "Z")
        content = foreign_lote(
            "consulta", change=lambda text: text.replace("</t:guiasTISS>", f"{other}</t:guiasTISS>")
        )
        self._refuse("several types", content)

    def test_used_numbers(self):
        self._import(foreign_lote("consulta", numbers=("1", "A2")))
        self._refuse(
            "(?s)already has the guia A2.*already has the lote L9",
            foreign_lote("sp_sadt", numbers=("3", "A2")),
        )

    def test_repeated_guia(self):
        self._refuse("more than once: 5", foreign_lote("consulta", numbers=("5", "5", "6")))

    def test_repeated_item(self):
        content = foreign_lote("sp_sadt", change=lambda text: text.replace("Item>20<", "Item>10<"))
        self._refuse(r"several items with the same number \(10\)", content)

    def test_negative_amount(self):
        content = foreign_lote("consulta", change=lambda text: text.replace("123.45", "-123.45"))
        self._refuse("valorProcedimento is negative", content)

    def test_card_against_the_operadoras_rule(self):
        self.env["tiss.card.rule"].create({"operadora_id": self.operadora.id, "card_length": 17})
        self._refuse("Card 00998877: .*17 characters", foreign_lote("consulta"))

    def test_another_provider(self):
        """Refused until somebody says that this clinic bills it; then it goes out in its name."""
        content = foreign_lote("honorarios", sender=CODE.format("88888"))
        self._refuse("another provider.*88888.*12345", content)
        lote = self._import(content, confirm_provider=True)
        self.assertEqual(lote.state, "validated")
        self.assertEqual(
            standard.load("4.03.00").decode(lote.get_xml())["cabecalho"]["origem"],
            {"identificacaoPrestador": {"codigoPrestadorNaOperadora": "12345"}},
        )
        self.assertEqual(
            lote.tiss_message_ids.filtered(lambda each: each.direction == "in")._get_content(),
            content,
        )

    def test_who_may_import(self):
        reception = self._create_user("i.recepcao", "reception")
        with self.assertRaises(AccessError):
            self.env["tiss.lote"].with_user(reception).import_file("x", foreign_lote("consulta"))

    def test_returns_point_here(self):
        with self.assertRefused("Import Lote"):
            self.env["tiss.message"].receive_file("lote.xml", foreign_lote("consulta"))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestImportWizard(ImportCase):
    """The preview says everything before anything is written."""

    def _preview(self, content):
        wizard = self.env["tiss.lote.import"].create(
            {"file": base64.b64encode(content), "file_name": "lote.xml"}
        )
        wizard.action_preview()
        return wizard

    def test_preview_writes_nothing(self):
        before = self._get_content()
        partners = self.env["res.partner"].search_count([])
        wizard = self._preview(foreign_lote("sp_sadt", numbers=("1", "2")))
        after = self._get_content()
        after["tiss.lote.import"] = before["tiss.lote.import"]
        self.assertEqual(after, before)
        self.assertEqual(self.env["res.partner"].search_count([]), partners)
        text = wizard.preview_html
        for words in (
            "L9",
            "SP/SADT",
            "220",
            "02/03/2026",
            "Beneficiaries: 0 known, 1 will be created (00998877)",
            "Professionals: 0 known, 2 will be created",
            "00 MAT-9",
            "no names of beneficiaries",
        ):
            self.assertIn(words, text)
        self.assertFalse(wizard.is_blocked)

    def test_import(self):
        wizard = self._preview(foreign_lote("sp_sadt"))
        with Form(wizard) as form:
            form.destiny = "sent"
            form.protocol_number = "9001"
        lote = self.env["tiss.lote"].browse(wizard.action_import()["res_id"])
        self.assertEqual((lote.state, lote.protocol_number), ("received", "9001"))

    def test_known_file(self):
        content = foreign_lote("sp_sadt")
        lote = self._import(content)
        wizard = self._preview(content)
        self.assertIn("already here as lote", wizard.preview_html)
        self.assertTrue(wizard.is_blocked)
        self.assertEqual(wizard.action_open_lote()["res_id"], lote.id)

    def test_problems_are_shown(self):
        wizard = self._preview(foreign_lote("consulta", numbers=("5", "5")))
        self.assertTrue(wizard.is_blocked)
        self.assertIn("more than once: 5", wizard.preview_html)

    def test_provider_who_did_the_work(self):
        """A hospital bills for a professional: his own code stays in the guia."""
        content = foreign_lote(
            "honorarios", change=lambda text: text.replace("naOperadora>12345", "naOperadora>P-5")
        )
        self.assertIn("another provider (P-5) did the work: 1", self._preview(content).preview_html)
        guia = self._import(content).guia_ids
        self.assertEqual(
            guia.get_tiss_values()["dadosContratadoExecutante"]["codigonaOperadora"], "P-5"
        )

    def test_notices(self):
        def spoil(text):
            return text.replace("Geral>110.00", "Geral>111.00")

        wizard = self._preview(
            foreign_lote("sp_sadt", numbers=("1", "2"), change=spoil, right_hash=False)
        )
        self.assertIn("says a total of 111.00, but its items are worth 110.00", wizard.preview_html)
        self.assertIn("same card, day and procedure): 1", wizard.preview_html)
        self.assertIn("hash of the file does not fit", wizard.preview_html)
        self.assertFalse(wizard.is_blocked)
