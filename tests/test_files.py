import base64
import io
import tempfile
import zipfile
from pathlib import Path
from unittest import mock

from odoo.exceptions import AccessError, ValidationError
from odoo.modules.neutralize import neutralize_database
from odoo.tests import tagged

from .. import standard
from ..standard import schema
from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message, payment_message


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return buffer.getvalue()


def damaged(compression):
    """A zip that opens well, and whose one file does not unpack."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as opened:
        opened.writestr("a.xml", bytes(range(256)) * 40)
    content = buffer.getvalue()
    return content[:49] + b"\xff" * 8 + content[57:]


@tagged("post_install", "-at_install", "post_install_l10n")
class TestFiles(TissCommon):
    """Files to and from the portals: names, zips, folders; and the journal that keeps them."""

    def _unzip(self, action):
        """{name: content} of what a download action gives."""
        export = self.env["tiss.file.export"].browse(int(action["url"].split("/")[4]))
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(export.file))) as opened:
            return {name: opened.read(name) for name in opened.namelist()}

    # ------------------------------------------------------------------
    # Names
    # ------------------------------------------------------------------

    def test_a_lote_is_called_as_the_portals_want_it(self):
        lote = self._create_lote(CONSULTATION)
        [message] = lote.build()
        self.assertEqual(message.file_name, f"{'1'.zfill(20)}_{message.tiss_hash}.xml")

    def test_a_convenio_may_want_another_name(self):
        self.contract.file_pattern = "{ans}-{provider}-{lote}.xml"
        [message] = self._create_lote(CONSULTATION).build()
        provider = self.contract._get_provider_code()
        self.assertEqual(
            message.file_name, f"{self.contract.ans_code}-{provider}-{'1'.zfill(20)}.xml"
        )

    def test_names_that_no_file_may_have(self):
        for pattern in (
            "../{lote}.xml",
            "{lote}",
            "{patient}.xml",
            "a/b.xml",
            'x".xml',
            "{lote.xml",
        ):
            with self.subTest(pattern), self.assertRefused("The file name may", ValidationError):
                self.contract.file_pattern = pattern

    # ------------------------------------------------------------------
    # Zip and folder
    # ------------------------------------------------------------------

    def test_several_lotes_come_in_a_zip(self):
        guias = self._create_encounters(CONSULTATION, {ECG: 1}).create_guias()
        lotes = guias.create_lotes()
        lotes.build()
        files = self._unzip(lotes.action_download())
        self.assertEqual(set(files), set(lotes.message_id.mapped("file_name")))
        for lote in lotes:
            self.assertEqual(files[lote.message_id.file_name], lote.get_xml())
        self.assertIn("/tiss.message/", lotes[0].action_download()["url"])

    def test_two_messages_of_one_name_both_go_into_the_zip(self):
        self.contract.file_pattern = "lote.xml"
        guias = self._create_encounters(CONSULTATION, {ECG: 1}).create_guias()
        lotes = guias.create_lotes()
        lotes.build()
        files = self._unzip(lotes.message_id.action_download_all())
        self.assertEqual(set(files), {"lote.xml", "lote (2).xml"})
        self.assertEqual(set(files.values()), {lote.get_xml() for lote in lotes})

    def test_what_is_sent_is_written_into_the_folder_of_the_convenio(self):
        lote = self._create_lote(CONSULTATION)
        with tempfile.TemporaryDirectory() as folder:
            self.contract.sudo().export_folder = folder
            [message] = lote.send()
            visible = [each for each in Path(folder).iterdir() if not each.name.startswith(".")]
            self.assertEqual(visible, [], "nothing before the commit")
            self.env.cr.postcommit.run()
            [written] = Path(folder).iterdir()
            self.assertEqual(written.name, message.file_name)
            self.assertEqual(written.read_bytes(), lote.get_xml())

    def test_a_folder_that_is_not_there_keeps_the_lote_unsent(self):
        lote = self._create_lote(CONSULTATION)
        for folder in ("/nonexistent/tiss", "relative"):
            self.contract.sudo().export_folder = folder
            with self.subTest(folder), self.assertRefused("the server does not find"):
                lote.send()
        self.assertEqual(lote.state, "validated")

    def test_what_reached_the_operadora_otherwise_is_not_uploaded_as_well(self):
        on_paper, by_hand = self._create_lote(CONSULTATION), self._create_lote(ECG)
        with tempfile.TemporaryDirectory() as folder:
            self.contract.sudo().export_folder = folder
            on_paper.deliver_on_paper("Recepção da operadora")
            by_hand.register_protocol("900001", self.today)
            self.env.cr.postcommit.run()
            self.assertEqual(list(Path(folder).iterdir()), [])

    def test_where_the_disk_is_full_nothing_is_sent(self):
        lote = self._create_lote(CONSULTATION)
        with tempfile.TemporaryDirectory() as folder:
            self.contract.sudo().export_folder = folder
            with mock.patch("os.fsync", side_effect=OSError(28, "No space left on device")):
                with self.assertRefused("cannot be written"):
                    lote.send()
        self.assertEqual(lote.state, "validated")

    def test_what_was_not_sent_after_all_is_not_there_either(self):
        lote = self._create_lote(CONSULTATION)
        with tempfile.TemporaryDirectory() as folder:
            self.contract.sudo().export_folder = folder
            lote.send()
            self.env.cr.postcommit.clear()
            self.env.cr.postrollback.run()
            self.assertEqual(list(Path(folder).iterdir()), [])

    def test_no_file_is_written_over_one_that_waits(self):
        self.contract.file_pattern = "lote.xml"
        first, second = self._create_lote(CONSULTATION), self._create_lote(ECG)
        with tempfile.TemporaryDirectory() as folder:
            self.contract.sudo().export_folder = folder
            with self.assertRefused("Another file called lote.xml"):
                (first | second).send()
            self.env.cr.postrollback.run()
            first.send()
            self.env.cr.postcommit.run()
            with self.assertRefused("Another file called lote.xml"):
                second.send()
            self.assertEqual(Path(folder, "lote.xml").read_bytes(), first.get_xml())
            Path(folder, "lote.xml").unlink()
            second.send()
            self.env.cr.postcommit.run()
            self.assertEqual(Path(folder, "lote.xml").read_bytes(), second.get_xml())

    def test_whoever_types_a_folder_is_told_that_it_is_not_there(self):
        contract = self.contract.sudo()
        with tempfile.TemporaryDirectory() as folder:
            for typed, is_told in ((folder, False), (f"{folder}/none", True), (False, False)):
                with self.subTest(typed):
                    contract.export_folder = typed
                    self.assertEqual(bool(contract._onchange_export_folder()), is_told)

    def test_a_copy_for_tests_writes_into_no_folder(self):
        """What is there goes to the operadora, whoever wrote it."""
        with tempfile.TemporaryDirectory() as folder:
            self.contract.sudo().export_folder = folder
            self.env["ir.config_parameter"].sudo().set_param("database.is_neutralized", "True")
            self._create_lote(CONSULTATION).send()
            self.env.cr.postcommit.run()
            self.assertEqual(list(Path(folder).iterdir()), [])
        self.env.flush_all()
        neutralize_database(self.env.cr)
        self.env.invalidate_all()
        self.assertFalse(self.contract.sudo().export_folder)

    def test_only_an_administrator_sees_the_folder(self):
        with self.assertRaises(AccessError):
            self.contract.read(["export_folder"])

    # ------------------------------------------------------------------
    # Answers in a zip
    # ------------------------------------------------------------------

    def _import(self, content, name="retornos.zip"):
        wizard = self.env["tiss.return.import"].create(
            {"file": base64.b64encode(content), "file_name": name}
        )
        return wizard, wizard.action_import()

    def test_a_zip_of_answers(self):
        lote = self._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1002")
        name = lote.guia_ids.name
        analysis = analysis_message(lote, {(name, 1): 41.10, (name, 2): 14.90}, "D1")
        payment = payment_message(lote, {name: 56.00}, "P1")
        self.env["tiss.message"].receive_file("antes.xml", analysis)
        wizard, action = self._import(
            zipped({"a/analise.xml": analysis, "leia.txt": b"ol\xe1", "pagamento.xml": payment})
        )
        self.assertEqual(action["res_id"], wizard.id)
        self.assertEqual(
            wizard.line_ids.mapped(lambda line: (line.name, line.state)),
            [("analise.xml", "known"), ("leia.txt", "failed"), ("pagamento.xml", "read")],
        )
        self.assertRegex(wizard.line_ids[1].result, "not a TISS file")
        opened = wizard.line_ids[2].action_open()
        self.assertEqual(opened["res_model"], "tiss.demonstrativo")

    def test_zips_that_cannot_be_opened(self):
        whole = zipped({"a.xml": b"<a/>" * 1000})
        for content, words in (
            (zipped({}), "The zip is empty"),
            (whole.replace(b"<a/><a/>", b"<b/><a/>", 1), "damaged"),
            (damaged(zipfile.ZIP_LZMA), "damaged"),
            (damaged(zipfile.ZIP_BZIP2), "damaged"),
            (damaged(zipfile.ZIP_DEFLATED), "damaged"),
            (zipped({f"{number}.xml": b"" for number in range(501)}), "more than 500 files"),
        ):
            with self.subTest(words), self.assertRefused(words):
                self._import(content)

    # ------------------------------------------------------------------
    # The journal
    # ------------------------------------------------------------------

    def test_a_message_can_be_read_on_the_screen(self):
        [message] = self._create_lote(CONSULTATION).build()
        lines = message.readable_content.splitlines()
        self.assertIn("<ans:numeroLote>1</ans:numeroLote>", [line.strip() for line in lines])

    def test_two_messages_compared(self):
        lote = self._create_lote(CONSULTATION)
        first, second = lote.build(), lote.build()
        action = (first | second).action_compare()
        difference = self.env["tiss.message.compare"].browse(action["res_id"]).difference
        for sign, message in (("-", first), ("+", second)):
            element = f"ans:sequencialTransacao&gt;{message.sequence}&lt;"
            self.assertRegex(difference, rf"\{sign} *&lt;{element}")
        self.assertNotIn("numeroCarteira", difference)
        with self.assertRefused("Choose two messages"):
            first.action_compare()

    def test_the_hash_of_an_answer_is_noted_and_never_refused(self):
        lote = self._create_received_lote({ECG: 1}, protocol="1002")
        name = lote.guia_ids.name
        content = analysis_message(lote, {(name, 1): 41.10}, "D1")
        wrong = b"0" * 32
        right = standard.digest(content).encode()
        for given, expected in (
            (right, "iso-8859-1"),
            (right.upper(), "iso-8859-1"),
            (wrong, "none"),
        ):
            with self.subTest(expected), self.env.cr.savepoint() as savepoint:
                answer = self.env["tiss.message"].receive_file(
                    "a.xml", content.replace(wrong, given)
                )
                self.assertEqual(answer.message_id.hash_match, expected)
                savepoint.rollback()


@tagged("post_install", "-at_install", "post_install_l10n")
class TestVersions(TissCommon):
    """A version of the standard that ANS published after this release of the addon."""

    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.dict(schema._registered))
        self.enterContext(mock.patch.dict(schema._loaded))
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(
            mock.patch.object(type(self.env["tiss.version"]), "_get_folder", lambda self: folder)
        )
        self.folder = folder
        self.package = self._create_package()

    def _create_package(self, remark=b""):
        """The schemas of 4.03.00 under the name of a version to come."""
        files = {
            each.name.replace("V4_03_00", "V4_99_00"): each.read_bytes()
            .replace(b"V4_03_00", b"V4_99_00")
            .replace(b"4.03.00", b"4.99.00")
            for each in standard.load("4.03.00").folder.glob("*.xsd")
        }
        files["tissV4_99_00.xsd"] += remark
        return zipped(files)

    def _install(self, content):
        wizard = self.env["tiss.version.install"].create(
            {"file": base64.b64encode(content), "file_name": "Padrao_TISS_Comunicacao.zip"}
        )
        return wizard.action_install()

    def test_its_messages_are_written_without_a_change_of_code(self):
        self._install(self.package)
        version = self.env["tiss.version"].search([("name", "=", "4.99.00")])
        self.assertEqual(version.file_name, "Padrao_TISS_Comunicacao.zip")
        self.contract.version = "4.99.00"
        lote = self._create_lote(CONSULTATION)
        lote.build()
        self.assertIn(b"<ans:Padrao>4.99.00</ans:Padrao>", lote.get_xml())
        self.assertTrue(standard.load("4.99.00").validate(lote.get_xml()))
        self.assertFalse(standard.load("4.03.00").validate(lote.get_xml()))

    def test_another_process_finds_it_in_the_database(self):
        self._install(self.package)
        schema._registered.clear()
        schema._loaded.clear()
        for each in self.folder.glob("*/*"):
            each.unlink()
        self.env["tiss.version"]._register_hook()
        self.assertIn("4.99.00", standard.versions())

    def test_twice_is_once(self):
        self._install(self.package)
        self._install(self.package)
        self.assertEqual(self.env["tiss.version"].search_count([("name", "=", "4.99.00")]), 1)

    def test_packages_that_are_none(self):
        for content, words in (
            (b"PK\x03\x04", "The zip is damaged"),
            (zipped({"leia.txt": b""}), "does not hold the messages"),
            (zipped({"tissWebServicesV4_98_00.xsd": b"<x/>"}), "newer release|does not hold"),
        ):
            with self.subTest(words), self.assertRefused(words):
                self._install(content)
        self._install(self.package)
        with self.assertRefused("not the files that ANS publishes"):
            self._install(self._create_package(b"<!-- -->"))

    def test_only_a_manager_installs(self):
        user = self._create_user("v.faturamento", "billing")
        with self.assertRaises(AccessError):
            self.env["tiss.version"].with_user(user).install("a.zip", self.package)

    def test_it_stays(self):
        self._install(self.package)
        with self.assertRefused("cannot be removed"):
            self.env["tiss.version"].sudo().search([("name", "=", "4.99.00")]).unlink()
