import base64
import hashlib
import io
import logging
import random

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from odoo.exceptions import AccessError
from odoo.service.model import call_kw
from odoo.tests import Form, tagged

from .. import standard
from ..standard.documents import MAX_BYTES, document_format, signed_content
from .authorization_records import AuthorizationRecords
from .common import ECG, TissCommon
from .generated import examples
from .guia_records import VERSIONS, GuiaRecords
from .return_messages import answer_message

PDF = b"%PDF-1.4\nexame\n%%EOF"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
JPG = b"\xff\xd8\xff\xe0" + bytes(20)
SIGNED_PDF = (
    b"%PDF-1.7\n1 0 obj<</Type/Sig/SubFilter/ETSI.CAdES.detached"
    b"/ByteRange [0 10 20 30]/Contents<00>>>endobj\n%%EOF"
)
FORMATS = {
    "01": JPG,
    "02": PDF,
    "03": PNG,
    "04": b"II*\x00" + bytes(20),
    "09": SIGNED_PDF,
}
RECEIPT = (
    "<recebimentoDocumentos><reciboDocumento><numeroGuiaPrestador>{guia}</numeroGuiaPrestador>"
    "<numeroDocumento>{number}</numeroDocumento><protocoloDoc>{protocol}</protocoloDoc>"
    "<observacao>EM ANALISE</observacao></reciboDocumento></recebimentoDocumentos>"
)
REFUSAL = (
    "<recebimentoDocumentos><mensagemErro><codigoGlosa>3052</codigoGlosa>"
    "<descricaoGlosa>ILEGIVEL</descricaoGlosa></mensagemErro></recebimentoDocumentos>"
)


def der(tag, *parts):
    """One DER element around its parts."""
    value = b"".join(parts)
    size = len(value)
    if size < 128:
        return bytes([tag, size]) + value
    digits = (size.bit_length() + 7) // 8
    return bytes([tag, 128 + digits]) + size.to_bytes(digits, "big") + value


def sign(content, *, detached=False, indefinite=False):
    """A CMS SignedData as a signing program writes it, without certificates: only its shape."""
    signed_data, data = (bytes.fromhex(f"06092a864886f70d01070{n}") for n in (2, 1))
    if indefinite:  # BER: the content in pieces, lengths open
        pieces = b"".join(der(4, content[at : at + 7]) for at in range(0, len(content), 7))
        inner = b"\xa0\x80\x24\x80" + pieces + b"\0\0\0\0"
        body = der(2, b"\1") + der(0x31) + b"\x30\x80" + data + inner + b"\0\0" + der(0x31)
        return b"\x30\x80" + signed_data + b"\xa0\x80\x30\x80" + body + b"\0\0\0\0\0\0"
    inner = [] if detached else [der(0xA0, der(4, content))]
    body = [der(2, b"\1"), der(0x31), der(0x30, data, *inner), der(0x31)]
    return der(0x30, signed_data, der(0xA0, der(0x30, *body)))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDocument(GuiaRecords, TissCommon):
    """Envio de documentos (guide §3.9)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.doctor = cls._create_user("d.medico", "billing", "clinical")
        cls.biller = cls._create_user("d.faturista", "billing", "base.group_allow_export")
        cls.Message = cls.env["tiss.message"]
        cls.Document = cls.env["tiss.document"].with_user(cls.doctor)
        cls.encounter = cls._create_encounters({ECG: 2})
        cls.guia = cls.encounter.create_guias()
        cls.report = cls._term("tipoDocumento", "02")

    def _create_document(self, content=PDF, **vals):
        return self.Document.create(
            {
                "guia_id": self.guia.id,
                "kind_id": self.report,
                "file": content and base64.b64encode(content),
                "file_name": "hiv positivo.pdf",
                **vals,
            }
        )

    def _decode(self, document):
        schema = standard.load(document.version)
        content = document.get_xml()
        self.assertTrue(schema.validate(content))
        return schema.decode(content)["prestadorParaOperadora"]["envioDocumentos"]

    # ------------------------------------------------------------------
    # Formats
    # ------------------------------------------------------------------

    def test_formats_by_the_bytes(self):
        for code, content in FORMATS.items():
            with self.subTest(code):
                self.assertEqual(document_format(content), code)
                self.assertEqual(self._create_document(content).format_id.code, code)
        self.assertEqual(document_format(b"MM\x00*" + bytes(9)), "04")
        self.assertEqual(document_format(b"\n" * 900 + PDF), "02", "a PDF may begin later")

    def test_signed_files_by_what_they_hold(self):
        for plain, signed in {"01": "05", "02": "06", "03": "07", "04": "08"}.items():
            for indefinite in (False, True):
                with self.subTest(signed, indefinite=indefinite):
                    content = sign(FORMATS[plain] * 30, indefinite=indefinite)
                    self.assertEqual(signed_content(content), FORMATS[plain] * 30)
                    self.assertEqual(document_format(content), signed)
        self.assertEqual(document_format(sign(SIGNED_PDF)), "06")

    def test_what_is_no_document(self):
        for content in (b"MZ\x90", b"<html>", b"PK\x03\x04", b"", b"\x30", sign(b"texto")):
            self.assertIsNone(document_format(content))
        document = self._create_document(b"<html>oi</html>")
        self.assertIn("no JPG, PDF, PNG or TIFF", document.problems)
        document = self._create_document(sign(PDF, detached=True))
        self.assertIn("does not hold the document", document.problems)

    def test_broken_signatures_are_read_in_time(self):
        """Cut and twisted bytes end in no format, never in an error."""
        whole = sign(PDF * 5, indefinite=True)
        shuffled = random.Random(4)
        for size in range(0, len(whole), 3):
            document_format(whole[:size])
            twisted = bytearray(whole)
            twisted[shuffled.randrange(len(whole))] ^= 1 << shuffled.randrange(8)
            document_format(bytes(twisted))
        self.assertIsNone(document_format(whole[:15] + b"\x30\x80" * 5000))

    # ------------------------------------------------------------------
    # The message
    # ------------------------------------------------------------------

    def test_golden(self):
        """Written by hand from the guide, in both versions."""
        for version in VERSIONS:
            self.contract.version = version
            document = self._create_document(
                guia_line_id=self.guia.line_ids.id, observation="Laudo – assinado"
            )
            document.send()
            content = document.get_xml()
            self.assertTrue(standard.load(version).validate(content))
            body = (
                "<ans:envioDocumentos>"
                f"<ans:numeroGuiaPrestador>{self.guia.name}</ans:numeroGuiaPrestador>"
                f"<ans:numeroDocumento>{document.name}</ans:numeroDocumento>"
                "<ans:naturezaGuia>2</ans:naturezaGuia><ans:formatoDocumento>02"
                "</ans:formatoDocumento><ans:seqReferenciaItem>1</ans:seqReferenciaItem>"
                "<ans:documento>JVBERi0xLjQKZXhhbWUKJSVFT0Y=</ans:documento>"
                "<ans:tipoDocumento>02</ans:tipoDocumento>"
                "<ans:observacao>LAUDO - ASSINADO</ans:observacao></ans:envioDocumentos>"
            )
            with self.subTest(version):
                self.assertIn(body.encode(), b"".join(map(bytes.strip, content.splitlines())))
                self.assertIn(b"<ans:tipoTransacao>ENVIO_DOCUMENTO<", content)

    def test_of_a_lote_and_its_protocolo(self):
        self.guia.write({"operadora_number": "OP9", "authorization_date": self.today})
        lote = self.guia.create_lotes()
        lote.build()
        lote.send()
        lote.register_protocol("4711", self.today)
        document = self._create_document(guia_id=False, lote_id=lote.id)
        document.build()
        body = self._decode(document)
        self.assertEqual((body["numeroLote"], body["numeroProtocolo"]), (lote.name, "4711"))
        self.assertNotIn("numeroGuiaPrestador", body)
        of_guia = self._create_document(nature_id=self._term("tipoGuia", "3"))
        of_guia.build()
        body = self._decode(of_guia)
        self.assertEqual(
            (body["numeroLote"], body["numeroGuiaOperadora"], body["naturezaGuia"]),
            (lote.name, "OP9", "3"),
        )

    @examples(20)
    @given(data=st.data())
    def test_round_trip(self, data):
        """Any bytes behind the mark of a format arrive as they left."""
        code = data.draw(st.sampled_from(["01", "02", "03", "04", "09"]))
        content = FORMATS[code] + data.draw(st.binary(max_size=300))
        kind = data.draw(st.integers(1, 17))
        self.contract.version = data.draw(st.sampled_from(VERSIONS))
        characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
        document = self._create_document(
            content,
            kind_id=self._term("tipoDocumento", f"{kind:02}"),
            nature_id=self._term("tipoGuia", data.draw(st.sampled_from("123"))),
            observation=data.draw(st.text(characters, max_size=700)),
        )
        document.build()
        body = self._decode(document)
        self.assertEqual(body["documento"], content)
        self.assertEqual(body["tipoDocumento"], f"{kind:02}")
        self.assertEqual(body["formatoDocumento"], code)
        self.assertEqual(body["naturezaGuia"], document.nature_id.code)
        self.assertLessEqual(len(body.get("observacao", "")), 500)

    def test_five_megabytes_to_the_byte(self):
        content = PDF + random.Random(1).randbytes(5 * 2**20)
        document = self._create_document(content)
        document.send()
        xml = document.get_xml()
        encoded = xml.split(b"<ans:documento>")[1].split(b"</ans:documento>")[0]
        self.assertEqual(encoded, base64.b64encode(content))
        self.assertEqual(self._decode(document)["documento"], content)
        message = document.message_id
        self.assertEqual(message.sha256, hashlib.sha256(xml).hexdigest())
        self.assertEqual(message.size, len(xml))
        # guide §2.3: the texts of all leaves one after the other, by another reader than ours
        texts = standard.load(document.version).decode(xml)
        self.assertEqual(texts["epilogo"]["hash"], self._hash_by_hand(xml))
        self.assertEqual(self.contract.check_ledger(), [])

    def _hash_by_hand(self, xml):
        root = etree.parse(io.BytesIO(xml)).getroot()
        leaves = [n.text or "" for n in root.iter() if not len(n) and not n.tag.endswith("}hash")]
        return hashlib.md5("".join(leaves).encode("iso-8859-1")).hexdigest()  # noqa: S324

    def test_the_largest_file_goes_and_a_larger_one_is_refused(self):
        document = self._create_document(PDF + bytes(MAX_BYTES - len(PDF)))
        document.build()
        self.assertEqual(document.state, "validated")
        with self.assertRefused("at most 7 MB"):
            self._create_document(PDF + bytes(MAX_BYTES))

    # ------------------------------------------------------------------
    # What is wrong
    # ------------------------------------------------------------------

    def test_bad_input_is_told_before_there_is_xml(self):
        other = self._create_encounters(ECG).create_guias()
        cases = {
            "Choose the file": {"content": b""},
            "the lote or the request": {"guia_id": False, "contract_id": self.contract.id},
            "Fill in: Kind": {"kind_id": False},
            "of another guia": {"guia_line_id": other.line_ids.id},
            "not a value of the ANS table": {"kind_id": self._term("36", "9")},
        }
        for words, vals in cases.items():
            document = self._create_document(**vals)
            with self.subTest(words):
                self.assertIn(words, document.problems)
                with self.assertRefused(words):
                    document.build()

    def test_long_text_and_emoji(self):
        document = self._create_document(observation="Ação 😀 – " * 250)
        document.build()
        body = self._decode(document)
        self.assertTrue(body["observacao"].startswith("ACAO - ACAO"))
        self.assertLessEqual(len(body["observacao"]), 500)

    # ------------------------------------------------------------------
    # Life
    # ------------------------------------------------------------------

    def test_another_file_asks_for_another_message(self):
        document = self._create_document()
        document.build()
        document.file = base64.b64encode(PNG)
        self.assertEqual((document.state, document.format_id.code), ("draft", "03"))
        document.send()
        self.assertEqual(self._decode(document)["documento"], PNG)
        with self.assertRefused("can no longer change"):
            document.file = base64.b64encode(PDF)

    def _receipt(self, document, protocol="D-77"):
        body = RECEIPT.format(guia=self.guia.name, number=document.name, protocol=protocol)
        content = answer_message(self.contract, "RECEBIMENTO_DOCUMENTO", body)
        self.assertTrue(standard.load(self.contract.version).validate(content))
        return content

    def test_a_receipt_gives_the_protocolo(self):
        for version in VERSIONS:
            self.contract.version = version
            document = self._create_document()
            document.send()
            content = self._receipt(document)
            with self.subTest(version):
                self.assertEqual(self.Message.receive_file("r.xml", content), document)
                self.assertEqual((document.state, document.protocol_number), ("received", "D-77"))
                self.assertEqual(document.answer_note, "EM ANALISE")
                count = self.Message.search_count([])
                self.Message.receive_file("r.xml", content)
                # the same receipt, written a second time
                self.Message.receive_file("r2.xml", content.replace(b"10:00:00", b"10:00:01"))
                self.assertEqual(self.Message.search_count([]), count)

    def test_the_simulated_operadora_answers(self):
        """Of a guia that it has: every format is taken, what is of another format is refused."""
        for version in VERSIONS:
            self.contract.version = version
            operadora = self._simulate()
            files = {**FORMATS, "05": sign(JPG * 9), "06": sign(PDF * 9), "07": sign(PNG * 9)}
            for code, content in files.items():
                document = self._create_document(content)
                document.send()
                answer = operadora.receive(document.get_xml(), self.today)
                with self.subTest(version, format=code):
                    self.assertEqual(self.Message.receive_file("r.xml", answer), document)
                    self.assertEqual(document.state, "received", document.rejection_reason)
                    self.assertTrue(document.protocol_number)

    def test_the_simulated_operadora_refuses(self):
        operadora = self._simulate()
        document = self._create_document()
        document.send()
        operadora.receive(document.get_xml(), self.today)
        answer = operadora.receive(document.get_xml(), self.today)  # the number once more
        self.assertEqual(self.Message.receive_file("r.xml", answer), document)
        self.assertEqual(document.state, "rejected")
        self.assertTrue(document.rejection_reason)

    def test_a_refusal_opens_it_again(self):
        document = self._create_document()
        document.send()
        content = answer_message(self.contract, "RECEBIMENTO_DOCUMENTO", REFUSAL)
        self.assertEqual(self.Message.receive_file("e.xml", content), document)
        self.assertEqual(document.rejection_reason, "3052 ILEGIVEL")
        document.action_correct()
        document.file = base64.b64encode(JPG)
        document.send()
        self.assertEqual(len(document.tiss_message_ids), 3)

    def test_nobody_says_himself_that_it_was_received(self):
        for said in ({"state": "received"}, {"protocol_number": "1"}):
            with self.subTest(said), self.assertRefused("follows from what is done"):
                self._create_document(**said)
        forged = self.Document.with_context(default_state="received", default_protocol_number="1")
        document = forged.create({"guia_id": self.guia.id})
        self.assertEqual((document.state, document.protocol_number), ("draft", False))

    def test_a_receipt_of_an_unknown_document(self):
        document = self._create_document()
        with self.assertRefused(f"{document.name} does not wait"):
            self.Message.receive_file("r.xml", self._receipt(document))

    # ------------------------------------------------------------------
    # Many at once
    # ------------------------------------------------------------------

    def _upload(self, *contents):
        files = (
            self.env["ir.attachment"]
            .with_user(self.doctor)
            .create(
                [
                    {"name": f"exame {index}.pdf", "raw": each, "res_model": "tiss.document.upload"}
                    for index, each in enumerate(contents)
                ]
            )
        )
        wizard = self.env["tiss.document.upload"].with_user(self.doctor)
        with Form(wizard.with_context(default_guia_id=self.guia.id)) as form:
            form.kind_id = self.env["tiss.term"].browse(self.report)
            for file in files:
                form.attachment_ids.add(file)
        return form.record, files

    def test_several_files_become_several_documents(self):
        wizard, files = self._upload(PDF, PNG, JPG)
        self.assertEqual(wizard.line_ids.attachment_id, files)
        wizard.line_ids[1].kind_id = self._term("tipoDocumento", "12")
        action = wizard.action_send()
        documents = self.Document.search([("guia_id", "=", self.guia.id)], order="id")
        self.assertEqual(action["res_model"], "tiss.document")
        self.assertEqual(documents.mapped("format_id.code"), ["02", "03", "01"])
        self.assertEqual(documents.mapped("kind_id.code"), ["02", "12"])
        self.assertEqual(set(documents.mapped("state")), {"sent"})
        self.assertEqual([document._get_file() for document in documents], [PDF, PNG, JPG])
        self.assertFalse(files.exists(), "kept once")
        self.guia.invalidate_recordset()
        self.assertEqual(self.guia.document_count, 3)

    def test_files_of_the_visit_can_be_chosen(self):
        self.env["ir.attachment"].with_user(self.doctor).create(
            {
                "name": "termo.pdf",
                "raw": PDF,
                "res_model": "tiss.encounter",
                "res_id": self.encounter.id,
            }
        )
        wizard = (
            self.env["tiss.document.upload"]
            .with_user(self.doctor)
            .create({"guia_id": self.guia.id, "kind_id": self.report})
        )
        self.assertEqual(wizard.evidence_count, 1)
        wizard.action_take_evidence()
        document = wizard.create_documents()
        self.assertEqual(document._get_file(), PDF)
        self.assertTrue(wizard.evidence_ids, "what hangs on the visit stays there")

    # ------------------------------------------------------------------
    # Who sees what
    # ------------------------------------------------------------------

    def test_who_may_not_see_clinical_cannot_read_the_file(self):
        document = self._create_document()
        document.send()
        self.env.flush_all()
        attachment = (
            self.env["ir.attachment"]
            .sudo()
            .search([("res_model", "=", "tiss.document"), ("res_id", "=", document.id),
                     ("res_field", "=", "file")])
        )  # fmt: skip
        self.assertEqual(attachment.raw, PDF)
        message = document.message_id
        calls = [
            (document, "read", ["file"]),
            (document, "read", ["file_name"]),
            (document, "export_data", ["file"]),
            (document, "get_xml"),
            (document, "action_download"),
            (self._create_document(), "write", {"file": base64.b64encode(PNG)}),
            (message, "read", ["clinical_content"]),
            (message, "action_download"),
            (attachment, "read", ["datas"]),
            (attachment, "read", ["raw"]),
        ]
        for record, method, *args in calls:
            self.env.invalidate_all()
            record = record.with_user(self.biller)
            with self.subTest(record._name, method=method, args=args):
                with self.assertRaises(AccessError):
                    call_kw(record.browse(), method, [record.ids, *args], {})
        self.env.invalidate_all()
        seen = message.with_user(self.biller).read()[0]
        self.assertFalse(seen["content"])
        # the record itself, and that it was sent, is for the biller
        self.assertEqual(document.with_user(self.biller).state, "sent")
        self.assertEqual(document.with_user(self.biller).size, len(PDF))

    def test_who_may_not_see_clinical_sends_what_was_prepared(self):
        document = self._create_document().with_user(self.biller)
        document.send()
        self.assertEqual(document.state, "sent")
        self.assertIn(b"JVBERi0", document.with_user(self.doctor).get_xml())

    def test_who_examines_sends_without_the_billing_desk(self):
        """Reception with clinical rights: chooses the file, sends it and takes the XML."""
        clinician = self._create_user("d.clinica", "reception", "clinical")
        document = self._create_document(guia_id=False, contract_id=self.contract.id)
        document = document.with_user(clinician)
        with Form(document) as form:
            form.guia_id = self.guia.with_user(clinician)
        document.send()
        self.assertEqual(self.guia.with_user(clinician).document_count, 1)
        url = document.action_download()["url"]
        self.assertIn(f"/tiss.document/{document.id}/xml_file/ENVIO_DOCUMENTO_", url)
        self.assertEqual(base64.b64decode(document.xml_file), document.get_xml())
        receptionist = document.with_user(self._create_user("d.recepcao", "reception"))
        for call in (receptionist.action_download, lambda: receptionist.read(["xml_file"])):
            with self.assertRaises(AccessError):
                call()

    def test_who_examines_opens_the_document_of_a_lote(self):
        lote = self.guia.create_lotes()
        document = self._create_document(guia_id=False, lote_id=lote.id)
        clinician = self._create_user("d.clinica", "reception", "clinical")
        self.env.invalidate_all()
        self.assertFalse(document.with_user(clinician).problems)
        Form(document.with_user(clinician))

    def test_the_name_of_the_file_is_told_nowhere(self):
        document = self._create_document()
        document.file_name = "outro hiv.pdf"
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        logger = logging.getLogger("odoo.addons.l10n_br_tiss")
        self.addCleanup(logger.setLevel, logger.level)
        self.addCleanup(logger.removeHandler, handler)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        document.send()
        self._create_document(b"hiv", file_name="hiv.exe")
        told = stream.getvalue()
        told += " ".join(str(body) for body in document.message_ids.mapped("body"))
        told += document.message_id.file_name + document.display_name
        told += document.get_xml().decode("iso-8859-1").replace("envio", "")
        self.assertNotIn("hiv", told.lower())

    def test_queries_do_not_grow_with_the_documents(self):
        def count(number):
            for _index in range(number):
                self._create_document()
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            documents = self.env["tiss.document"].with_user(self.biller).search([])
            documents.mapped("problems")
            documents.mapped("display_name")
            self.guia.read(["document_count"])
            return self.env.cr.sql_log_count - start

        few = count(3)
        self.assertLessEqual(count(20), few + 2)

    # ------------------------------------------------------------------
    # The journal
    # ------------------------------------------------------------------

    def test_the_journal_says_what_each_message_carries(self):
        document = self._create_document()
        document.send()
        lote = self._create_lote({ECG: 1})
        messages = document.message_id | lote.message_id
        messages = messages.with_user(self.biller)
        self.assertEqual(messages.mapped("transaction_name"), ["Document", "Lote of guias"])
        self.assertEqual(messages.mapped("record_name"), [document.display_name, lote.display_name])
        action = messages[0].action_open_record()
        self.assertEqual((action["res_model"], action["res_id"]), ("tiss.document", document.id))


@tagged("post_install", "-at_install", "post_install_l10n")
class TestDocumentOfRequest(AuthorizationRecords, TissCommon):
    """What an operadora wants to see before it authorises (guide §3.9, T45 5)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._setup_people()
        cls.request = cls._create_request()
        doctor = cls._create_user("r.medico", "billing", "clinical")
        document = (
            cls.env["tiss.document"]
            .with_user(doctor)
            .create(
                {
                    "authorization_id": cls.request.id,
                    "kind_id": cls._term("tipoDocumento", "02"),
                    "file": base64.b64encode(PDF),
                }
            )
        )
        cls.document = document.with_env(cls.env)

    def test_message(self):
        """naturezaGuia 1, and the number of the request as that of the guia."""
        self.document.build()
        schema = standard.load(self.document.version)
        content = self.document.sudo().get_xml()
        self.assertTrue(schema.validate(content))
        values = schema.decode(content)["prestadorParaOperadora"]["envioDocumentos"]
        self.assertEqual(values["naturezaGuia"], "1")
        self.assertEqual(values["numeroGuiaPrestador"], self.request.name)
        self.assertNotIn("numeroLote", values)

    def test_counted_at_the_request(self):
        self.assertEqual(self.request.document_count, 1)
        self.assertEqual(self.document.contract_id, self.request.contract_id)

    def test_a_request_or_a_bill(self):
        guia = self._create_by_type("consulta")
        self.document.guia_id = guia
        self.assertIn("a request or a bill, not both", self.document.problems)
