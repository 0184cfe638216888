import base64
import io
import zipfile
from unittest.mock import patch

from odoo.tests import Form, tagged

from ..models import tiss_message
from .common import CONSULTATION, DIPYRONE, ECG, TissCommon
from .return_messages import analysis_message, payment_message

LAUGHS = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE lolz [<!ENTITY lol "lol">%s]>
<ans:mensagemTISS xmlns:ans="http://www.ans.gov.br/padroes/tiss/schemas">&lol9;</ans:mensagemTISS>
""" % b"".join(
    b'<!ENTITY lol%d "%s">'
    % (level, b"&lol%s;" % (str(level - 1).encode() if level > 1 else b"") * 10)
    for level in range(1, 10)
)


@tagged("post_install", "-at_install", "post_install_l10n")
class TestReturnFiles(TissCommon):
    """Whatever a person picks in the import window: it is read, or refused in words, or nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # One guia of 150.00 in one item, one of 41.10 + 14.90 = 56.00 in two.
        cls.consulta = cls._create_received_lote(CONSULTATION, protocol="1001")
        cls.sadt = cls._create_received_lote({ECG: 1, DIPYRONE: 2}, protocol="1002")
        cls.analysis = cls._analysis(number="D1")
        cls.payment = payment_message(cls.consulta, {cls.consulta.guia_ids.name: 150.00}, "P1")

    @classmethod
    def _analysis(cls, number="D1", released=(41.10, 14.90), **options):
        name = cls.sadt.guia_ids.name
        items = {(name, item): amount for item, amount in enumerate(released, 1)}
        return analysis_message(cls.sadt, items, number, **options)

    def _receive(self, content, name="retorno.xml"):
        return self.env["tiss.message"].receive_file(name, content)

    def _without(self, content, element):
        """The file without one kind of element."""
        start, end = b"<ans:%s>" % element, b"</ans:%s>" % element
        while start in content:
            head, _start, tail = content.partition(start)
            content = head + tail.partition(end)[2]
        return content

    # ------------------------------------------------------------------
    # Not what it should be
    # ------------------------------------------------------------------

    def test_files_that_are_not_tiss(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("retorno.xml", self.analysis)
        strangers = {
            "empty": b"",
            "blank": b" \r\n\t ",
            "text": "Prezados, segue o demonstrativo em anexo – obrigado.".encode(),
            "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
            "zip": archive.getvalue(),
            "html": b"<html><head><title>Login</title></head><body>Sess&atilde;o</body></html>",
            "json": b'{"erro": "sem acesso"}',
            "zeros": bytes(4096),
            "other xml": b"<?xml version='1.0'?><nfeProc><NFe/></nfeProc>",
            "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "cut off": self.analysis[: len(self.analysis) // 2],
            "binary": bytes(range(256)) * 10,
        }
        for name, content in strangers.items():
            with self.subTest(name), self.assertRefused("not a TISS (file|message)"):
                self._receive(content)

    def test_our_own_lote_picked_by_mistake(self):
        with self.assertRefused("a lote of guias, not an answer.*Import Lote"):
            self._receive(self.sadt.get_xml())

    def test_a_message_without_a_body(self):
        head, _body = self.analysis.split(b"<ans:operadoraParaPrestador>")
        for tail in (b"", b"<ans:operadoraParaPrestador/>"):
            content = head + tail + b"</ans:mensagemTISS>"
            with self.subTest(tail), self.assertRefused("no content|lacks"):
                self._receive(content)

    def test_missing_pieces_are_named(self):
        """A file that breaks its own schema is read as far as it goes, and refused in words."""
        for content, element in (
            (self.analysis, b"cabecalhoDemonstrativo"),
            (self.analysis, b"numeroDemonstrativo"),
            (self.analysis, b"dataEmissao"),
            (self.analysis, b"dadosConta"),
            (self.analysis, b"numeroProtocolo"),
            (self.analysis, b"sequencialItem"),
            (self.payment, b"pagamentos"),
            (self.payment, b"dataPagamento"),
            (self.payment, b"liquidoPorData"),
            (self.payment, b"totaisDemonstrativo"),
            (self.payment, b"guiasDoLote"),
        ):
            with self.subTest(element), self.assertRefused(f"lacks.*{element.decode()}"):
                self._receive(self._without(content, element))

    def test_an_adjustment_that_is_neither_debit_nor_credit(self):
        guias = {self.consulta.guia_ids.name: 150.00}
        content = payment_message(self.consulta, guias, "P2", adjustments=[("01", "IRRF", 1.00)])
        old = b"<ans:indicador>1<"
        self.assertIn(old, content)
        with self.assertRefused("IRRF.*neither a débito nor a crédito.*7"):
            self._receive(content.replace(old, b"<ans:indicador>7<"))

    def test_unreadable_values_are_named_by_place(self):
        for old, new, place in (
            (b"<ans:valorLiberado>41.10<", b"<ans:valorLiberado>quarenta<", "valorLiberado"),
            (b"<ans:valorLiberado>41.10<", b"<ans:valorLiberado>NaN<", "valorLiberado"),
            (b"<ans:valorLiberado>41.10<", b"<ans:valorLiberado>1e5<", "valorLiberado"),
            (b"<ans:dataEmissao>", b"<ans:dataEmissao>31/31/", "dataEmissao"),
            (b"<ans:sequencialItem>1<", b"<ans:sequencialItem>um<", "sequencialItem"),
        ):
            self.assertIn(old, self.analysis)
            with self.subTest(new), self.assertRefused(f"unreadable values.*{place}"):
                self._receive(self.analysis.replace(old, new))

    def test_latin_1_declared_as_utf_8_is_read(self):
        content = self.analysis.replace(b"ISO-8859-1", b"UTF-8").replace(
            b"<ans:nomeOperadora>OPERADORA<", "<ans:nomeOperadora>SAÚDE<".encode("latin-1")
        )
        self.assertEqual(self._receive(content).kind, "analysis")

    def test_without_prefix_or_in_another_declared_version(self):
        content = self.analysis.replace(b"<ans:", b"<").replace(b"</ans:", b"</")
        content = content.replace(b"xmlns:ans=", b"xmlns=").replace(b">4.03.00<", b">3.05.00<")
        analysis = self._receive(content)
        self.assertEqual(analysis.version, "3.05.00")
        self.assertFalse(analysis.blocking_count)

    # ------------------------------------------------------------------
    # Somebody else's
    # ------------------------------------------------------------------

    def test_another_operadoras_file(self):
        for content in (self._analysis(ans_code="005711"), self._analysis(ans_code="")):
            with self.assertRefused("no convênio"):
                self._receive(content)

    def test_a_file_that_contradicts_itself_about_the_operadora(self):
        head, tail = self.analysis.split(b"<ans:operadoraParaPrestador>")
        content = head + b"<ans:operadoraParaPrestador>" + tail.replace(b">326305<", b">005711<")
        with self.assertRefused("of the operadora 005711, but the file says it comes from 326305"):
            self._receive(content)

    def test_another_clinics_file(self):
        with self.assertRefused(r"another provider \(99999\), not to this clinic \(12345\)"):
            self._receive(self._analysis(provider="99999"))

    def test_a_file_addressed_to_nobody(self):
        self.company.sudo().vat = False
        content = self._analysis(provider="")
        with self.assertRefused("another provider|lacks"):
            self._receive(content)

    def test_a_file_addressed_by_cnpj_though_we_use_a_code(self):
        self.company.sudo().vat = "45.678.901/0001-" + self.company.vat[-2:]
        bare = "456789010001" + self.company.vat[-2:]
        content = self.analysis.replace(
            b"<ans:destino><ans:identificacaoPrestador>\n"
            b"<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>",
            f"<ans:destino><ans:identificacaoPrestador><ans:CNPJ>{bare}</ans:CNPJ>".encode(),
        )
        self.assertIn(b"<ans:CNPJ>", content)
        self.assertEqual(self._receive(content).contract_id, self.contract)

    def test_a_protocolo_of_another_convenio_is_unknown_here(self):
        other = self._create_contract("005711", provider_code="12345")
        analysis = self._receive(self._analysis(ans_code=other.ans_code))
        self.assertEqual(analysis.contract_id, other)
        self._assert_not_postable(analysis, "Protocolo that this clinic does not have")

    # ------------------------------------------------------------------
    # Again
    # ------------------------------------------------------------------

    def test_the_same_file_again_is_the_same_records(self):
        for content in (self.analysis, self.payment):
            first = self._receive(content)
            before = self._get_content()
            self.assertEqual(self._receive(content, "copia de retorno.xml"), first)
            self.assertEqual(self.env["tiss.demonstrativo"].import_file("x", content), first)
            first.post()
            posted = self._get_content()
            self.assertEqual(self._receive(content), first)
            first.post()
            self.assertNotEqual(before, posted)
            self.assertEqual(self._get_content(), posted)

    def test_same_number_other_bytes_that_say_the_same(self):
        first = self._receive(self.analysis)
        self.assertEqual(self._receive(self.analysis + b"\n"), first)
        self.assertEqual(first.state, "imported")

    # ------------------------------------------------------------------
    # The same number with another content
    # ------------------------------------------------------------------

    def test_another_content_is_held_back_and_shown(self):
        """41.10 released becomes 40.00; the 14.90 of the other item stays as it was."""
        first = self._receive(self.analysis)
        second = self._receive(self._analysis(released=(40.00, 14.90)))
        self.assertEqual((first.state, second.state), ("imported", "held"))
        self.assertEqual(second.other_id, first)
        rows = first._get_differences(second)
        self.assertEqual(
            [(place[0], dict(old)["released"], dict(new)["released"]) for place, old, new in rows],
            [("total", 5600, 5490), ("line", 4110, 4000)],
        )
        html = str(second.difference_html)
        for text in ("1002", self.sadt.guia_ids.name, "41,10", "40,00"):
            self.assertIn(text, html.replace("41.10", "41,10").replace("40.00", "40,00"))
        self.assertNotIn("14,90", html.replace("14.90", "14,90"))
        self.assertEqual(second.discrepancy_ids.code, "same_number")
        second.post()
        self.assertEqual((second.state, self.sadt.amount_open), ("held", 56.00))

    def test_a_file_that_differs_replaces_one_that_is_not_posted(self):
        first = self._receive(self.analysis)
        second = self._receive(self._analysis(released=(40.00, 14.90)))
        message = first.message_id
        second.action_replace()
        self.assertFalse(first.exists())
        self.assertTrue(message.exists(), "what arrived stays in the journal")
        second.post()
        self.assertEqual(second.state, "posted")
        self.assertEqual(self.sadt.amount_denied, 1.10)
        self.assertLedgerSound()

    def test_a_file_that_differs_replaces_a_posted_one_only_after_undo(self):
        first = self._receive(self.analysis)
        first.post()
        content = self._analysis(released=(40.00, 14.90))
        second = self._receive(content)
        with self.assertRefused("D1.*is posted: undo it first"):
            second.replace()
        self.assertEqual(self._receive(content), second, "the same file twice is held once")
        first.undo()
        second.invalidate_recordset(["other_id"])
        self.assertFalse(second.other_id)
        second.replace()
        second.post()
        self.assertEqual((first.state, second.state), ("undone", "posted"))
        self.assertEqual(self.sadt.amount_denied, 1.10)
        self.assertLedgerSound()

    def test_a_file_held_back_can_be_thrown_away(self):
        first = self._receive(self.analysis)
        self._receive(self._analysis(released=(40.00, 14.90))).unlink()
        first.post()
        self.assertEqual(self.sadt.amount_denied, 0)

    def test_another_sum_or_reason_is_a_difference_too(self):
        name = self.sadt.guia_ids.name
        first = self._receive(self._analysis(released=(41.10, 4.90)))
        items = {(name, 1): 41.10, (name, 2): (4.90, "1705")}
        coded = self._receive(analysis_message(self.sadt, items, "D1"))
        self.assertEqual(coded.state, "held")
        [(place, _old, new)] = first._get_differences(coded)
        self.assertEqual((place[3], dict(new)["reasons"]), (2, "1705"))
        broken = self.analysis.replace(b"LiberadoProtocolo>56.00<", b"LiberadoProtocolo>1.00<")
        self.assertIn("sum", {place[0] for place, *_told in first._get_differences(
            self._receive(broken))})  # fmt: skip

    def test_a_payment_that_differs(self):
        first = self._receive(self.payment)
        guias = {self.consulta.guia_ids.name: 150.00}
        second = self._receive(
            payment_message(self.consulta, guias, "P1", adjustments=[("01", "IRRF", 2.25)])
        )
        self.assertEqual(second.state, "held")
        rows = {place[0]: (old, new) for place, old, new in first._get_differences(second)}
        self.assertEqual(rows["adjustment"], ("", (("amount", 225),)))
        self.assertEqual(dict(rows["payment"][1])["net"], 14775)
        second.replace()
        second.post()
        self.assertEqual(second.payment_ids.payment_id.amount, 147.75)
        self.assertLedgerSound()

    # ------------------------------------------------------------------
    # The operadora's own glosa
    # ------------------------------------------------------------------

    def test_glosa_is_recomputed_beside_the_stated_one(self):
        """Presented 56.00, released 46.00: 10.00 denied, of which a code explains 8.00."""
        name = self.sadt.guia_ids.name
        items = {(name, 1): 41.10, (name, 2): (4.90, "1705")}
        content = analysis_message(self.sadt, items, "D1")
        content = content.replace(b"valorGlosa>10.00<", b"valorGlosa>8.00<")
        end = b"</ans:valorLiberadoGeral>"
        for stated, remarks in (
            (b"10.00", ["row_differs"]),
            (b"8.00", ["glosa_differs", "row_differs"]),
        ):
            with self.subTest(stated):
                analysis = self._receive(
                    content.replace(
                        end, end + b"<ans:valorGlosaGeral>%s</ans:valorGlosaGeral>" % stated
                    )
                )
                self.assertEqual(analysis.amount_denied, 10.00)
                self.assertEqual(analysis.amount_denied_stated, float(stated))
                self.assertEqual(sorted(analysis.discrepancy_ids.mapped("code")), remarks)
                self.assertFalse(analysis.blocking_count)
                line = analysis.line_ids.filtered("reasons")
                self.assertEqual((line.amount_denied, line.amount_unexplained), (10.00, 2.00))
                analysis.unlink()

    def test_number_of_a_payment_may_be_that_of_an_analysis(self):
        self._receive(self.analysis)
        payment = payment_message(self.consulta, {self.consulta.guia_ids.name: 150.00}, "D1")
        self.assertEqual(self._receive(payment).kind, "payment")

    def test_same_number_from_another_operadora_is_another_demonstrativo(self):
        self._create_contract("005711", provider_code="12345")
        first = self._receive(self.analysis)
        self.assertNotEqual(self._receive(self._analysis(ans_code="005711")), first)

    # ------------------------------------------------------------------
    # What does not agree
    # ------------------------------------------------------------------

    def _assert_not_postable(self, demonstrativo, words):
        self.assertTrue(demonstrativo.blocking_count)
        self.assertRegex("\n".join(demonstrativo.preview()["discrepancies"]), words)
        with self.assertRefused(f"(?s)cannot be posted yet.*{words}"):
            demonstrativo.post()
        self.assertEqual(demonstrativo.state, "imported")
        self.assertLedgerSound()

    def test_unknown_protocolo(self):
        content = self.analysis.replace(b"numeroProtocolo>1002<", b"numeroProtocolo>4040<")
        self._assert_not_postable(
            self._receive(content), r"Protocolo that this clinic does not have \(4040"
        )

    def test_unknown_guia(self):
        number = self.sadt.guia_ids.name.encode()
        content = self.analysis.replace(
            b"numeroGuiaPrestador>%s<" % number, b"numeroGuiaPrestador>8080<"
        )
        self._assert_not_postable(self._receive(content), "not in this protocolo .1002 / 8080")

    def test_unknown_item(self):
        content = self.analysis.replace(b"sequencialItem>2<", b"sequencialItem>9<")
        self._assert_not_postable(self._receive(content), "not in this guia .1002 / 2 / 9")

    def test_sums_that_disagree_at_each_level(self):
        guia = self.sadt.guia_ids.name
        for old, new, place in (
            (b"LiberadoGeral>56.00<", b"LiberadoGeral>56.01<", "the whole file .released"),
            (b"LiberadoProtocolo>56.00<", b"LiberadoProtocolo>55.99<", "1002 .released"),
            (b"LiberadoGuia>56.00<", b"LiberadoGuia>65.00<", f"{guia} .released"),
            (b"InformadoGuia>56.00<", b"InformadoGuia>0.00<", f"{guia} .presented"),
        ):
            self.assertIn(old, self.analysis)
            with self.subTest(new):
                analysis = self._receive(self.analysis.replace(old, new))
                self._assert_not_postable(analysis, f"sums of the file disagree .*{place}")
                analysis.unlink()

    def test_sums_of_a_payment_that_disagree(self):
        for old, new in (
            (b"liquidoPorData>150.00<", b"liquidoPorData>149.00<"),
            (b"totaLiberadoPorData>150.00<", b"totaLiberadoPorData>1500.00<"),
            (b"valorLiberadoGuia>150.00<", b"valorLiberadoGuia>15.00<"),
            (b"valorLiberadoDemonstrativo>150.00<", b"valorLiberadoDemonstrativo>0.00<"),
        ):
            self.assertIn(old, self.payment)
            with self.subTest(new):
                payment = self._receive(self.payment.replace(old, new))
                self._assert_not_postable(payment, "sums of the file disagree")
                payment.unlink()

    def test_checking_again_does_not_forget_that_the_sums_disagree(self):
        content = self.analysis.replace(b"LiberadoGeral>56.00<", b"LiberadoGeral>1.00<")
        analysis = self._receive(content)
        analysis.action_check()
        self._assert_not_postable(analysis, "sums of the file disagree")

    def test_more_released_than_presented(self):
        self._assert_not_postable(
            self._receive(self._analysis(released=(99.99, 14.90))), "Released more than"
        )

    def test_negative_amounts(self):
        analysis = self._receive(self._analysis(released=(-41.10, 14.90)))
        self._assert_not_postable(analysis, "Released more than was presented|negative")
        payment = payment_message(self.consulta, {self.consulta.guia_ids.name: -150.00}, "P9")
        self._assert_not_postable(self._receive(payment), "débitos are larger|more than is open")

    def test_presented_amount_that_we_never_presented(self):
        content = self.analysis.replace(b"Informado>41.10<", b"Informado>31.10<")
        for suffix in (b"Guia", b"Protocolo", b"Geral"):
            content = content.replace(
                b"valorInformado%s>56.00<" % suffix, b"valorInformado%s>46.00<" % suffix
            )
        self._assert_not_postable(self._receive(content), "Presented amount differs")

    def test_the_same_item_twice_in_one_file(self):
        """The second row would take from the item what the first has taken already."""
        start, end = b"<ans:detalhesGuia>", b"</ans:detalhesGuia>"
        first = start + self.analysis.partition(start)[2].partition(end)[0] + end
        content = self.analysis.replace(first, first + first)
        for name, old, new in (
            (b"Informado", b"56.00", b"97.10"),
            (b"Processado", b"56.00", b"97.10"),
            (b"Liberado", b"56.00", b"97.10"),
        ):
            for suffix in (b"Guia", b"Protocolo", b"Geral"):
                content = content.replace(
                    b"valor%s%s>%s<" % (name, suffix, old), b"valor%s%s>%s<" % (name, suffix, new)
                )
        analysis = self._receive(content)
        self._assert_not_postable(analysis, "more than once")

    def test_a_guia_as_a_whole_and_by_its_items(self):
        """Either of them answers all of it; somebody has to say which one counts."""
        start, end = b"<ans:relacaoGuias>", b"</ans:relacaoGuias>"
        whole = analysis_message(self.sadt, {(self.sadt.guia_ids.name, None): 50.00}, "D1")
        whole = start + whole.partition(start)[2].partition(end)[0] + end
        content = self.analysis.replace(start, whole + start, 1)
        for name, total in ((b"Informado", 112), (b"Processado", 112), (b"Liberado", 106)):
            for suffix in (b"Protocolo", b"Geral"):
                element = b"valor%s%s>" % (name, suffix)
                content = content.replace(element + b"56.00<", b"%s%d.00<" % (element, total))
        analysis = self._receive(content)
        self._assert_not_postable(analysis, "more than once")
        rows = analysis.discrepancy_ids
        self.assertEqual(rows.mapped("code"), ["repeated"] * 3)
        rows.filtered(lambda row: row.line_id.level == "guia").resolve("set_aside")
        self.assertFalse(analysis.blocking_count)
        analysis.post()
        released = self.sadt.guia_ids.line_ids.mapped("amount_released")
        self.assertEqual((sum(released), self.sadt.amount_denied), (56.00, 0))
        self.assertLedgerSound()

    def test_a_protocolo_as_a_whole_and_by_its_guias(self):
        start, end = b"<ans:dadosProtocolo>", b"</ans:dadosProtocolo>"
        guia_end = b"</ans:relacaoGuias>"
        protocol = start + self.analysis.partition(start)[2].partition(end)[0] + end
        head, _guia, tail = protocol.partition(b"<ans:relacaoGuias>")
        content = self.analysis.replace(protocol, protocol + head + tail.partition(guia_end)[2])
        for name in (b"Informado", b"Processado", b"Liberado"):
            element = b"valor%sGeral>" % name
            content = content.replace(element + b"56.00<", element + b"112.00<")
        analysis = self._receive(content)
        self._assert_not_postable(analysis, "more than once")
        rows = analysis.discrepancy_ids
        self.assertEqual(rows.mapped("code"), ["repeated"] * 3)
        rows.filtered(lambda row: row.line_id.level == "item").resolve("set_aside")
        self.assertFalse(analysis.blocking_count)
        analysis.post()
        self.assertEqual(sum(self.sadt.guia_ids.line_ids.mapped("amount_released")), 56.00)
        self.assertLedgerSound()

    def test_the_same_guia_paid_twice_in_one_file(self):
        start, end = b"<ans:guiasDoLote>", b"</ans:guiasDoLote>"
        guia = start + self.payment.partition(start)[2].partition(end)[0] + end
        content = self.payment.replace(guia, guia + guia).replace(b">150.00<", b">300.00<")
        content = content.replace(b"LiberadoGuia>300.00<", b"LiberadoGuia>150.00<")
        payment = self._receive(content)
        self._assert_not_postable(payment, "Paid more than is open|more than once")

    def test_a_guia_paid_in_two_rows_that_fit(self):
        self._receive(
            analysis_message(self.consulta, {(self.consulta.guia_ids.name, 1): 150.00}, "D9")
        ).post()
        start, end = b"<ans:guiasDoLote>", b"</ans:guiasDoLote>"
        guia = start + self.payment.partition(start)[2].partition(end)[0] + end
        content = self.payment.replace(
            guia, guia.replace(b">150.00<", b">100.00<") + guia.replace(b">150.00<", b">50.00<")
        )
        payment = self._receive(content)
        payment.post()
        self.assertEqual(self.consulta.amount_paid, 150.00)
        self.assertLedgerSound()

    # ------------------------------------------------------------------
    # Attacks
    # ------------------------------------------------------------------

    def test_dtd_and_entities(self):
        outside = (
            b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
            b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
            b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]>',
            b"<!DOCTYPE x>",
        )
        head, tail = self.analysis.split(b"?>", 1)
        for doctype in outside:
            content = head + b"?>" + doctype + tail.replace(b">OPERADORA<", b">&e;<")
            with self.subTest(doctype), self.assertRefused("dangerous content"):
                self._receive(content)
        with self.assertRefused("dangerous content"):
            self._receive(LAUGHS)

    def test_dtd_behind_another_encoding_or_a_comment(self):
        text = LAUGHS.decode("ascii").replace("ISO-8859-1", "UTF-16")
        for content in (
            text.encode("utf-16"),
            text.encode("utf-16-le"),
            LAUGHS.replace(b"?>\n", b"?><!-- " + b"x" * 70000 + b" -->\n", 1),
            LAUGHS.replace(b"ISO-8859-1", b"UTF-7"),
        ):
            with self.subTest(content[:60]), self.assertRefused("dangerous|not (readable|a TISS)"):
                self._receive(content)

    def test_a_file_above_the_limit(self):
        with (
            patch.object(tiss_message, "MAX_SIZE", len(self.analysis) - 1),
            self.assertRefused("this large is refused. Is it the right one"),
        ):
            self._receive(self.analysis)
        with patch.object(tiss_message, "MAX_SIZE", len(self.analysis)):
            self.assertTrue(self._receive(self.analysis))

    def test_size_is_judged_before_anything_is_read(self):
        """A large file of rubbish is called large, not unreadable."""
        with (
            patch.object(tiss_message, "MAX_SIZE", 1024 * 1024),
            self.assertRefused("has 2 MB"),
        ):
            self._receive(bytes(2 * 1024 * 1024))

    def test_deep_nesting(self):
        for levels in (300, 100_000):
            head, tail = self.analysis.split(b"<ans:operadoraParaPrestador>")
            content = head + b"<ans:x>" * levels + b"</ans:x>" * levels
            content += b"<ans:operadoraParaPrestador>" + tail
            with self.subTest(levels), self.assertRefused("dangerous|not (readable|a TISS)"):
                self._receive(content)

    def test_a_hostile_file_name_stays_a_name(self):
        name = "../../etc/passwd?x=1#<img src=x onerror=alert(1)>.xml"
        analysis = self._receive(self.analysis, name)
        url = analysis.message_id.action_download()["url"]
        self.assertNotIn("..", url)
        for character in "#<> ":
            self.assertNotIn(character, url)
        self.assertEqual(url.count("?"), 1)

    def test_markup_in_a_file_is_text_in_the_preview(self):
        content = payment_message(
            self.consulta,
            {self.consulta.guia_ids.name: 150.00},
            "P3",
            adjustments=[("07", "&lt;script&gt;alert(1)&lt;/script&gt;", 10.00)],
        )
        payment = self._receive(content)
        self.assertEqual(payment.payment_ids.adjustment_ids.name, "<script>alert(1)</script>")
        self.assertNotIn("<script", payment.preview_html)

    # ------------------------------------------------------------------
    # The wizard
    # ------------------------------------------------------------------

    def _import_by_form(self, user, content, name="retorno.xml"):
        form = Form(self.env["tiss.return.import"].with_user(user))
        form.file = base64.b64encode(content).decode()
        wizard = form.save()
        wizard.file_name = name  # which the browser fills in
        return wizard.action_import()

    def test_biller_imports_reads_the_preview_and_posts(self):
        biller = self._create_user("retorno.form", "billing")
        action = self._import_by_form(biller, self._analysis(released=(41.10, 0.00)))
        analysis = self.env[action["res_model"]].with_user(biller).browse(action["res_id"])
        self.assertEqual(analysis.state, "imported")
        self.assertEqual(self.sadt.amount_denied, 0, "nothing is booked before posting")
        self.assertRegex(analysis.preview_html, "14[.,]90")
        analysis.action_post()
        self.assertEqual(self.sadt.amount_denied, 14.90)
        action = self._import_by_form(biller, self.payment, False)
        payment = self.env["tiss.demonstrativo"].with_user(biller).browse(action["res_id"])
        payment.action_post()
        self.assertEqual(self.consulta.state, "closed")
        self.assertEqual(self.consulta.invoice_id.payment_state in ("paid", "in_payment"), True)
        self.assertLedgerSound()

    def test_a_refused_file_leaves_the_wizard_open_and_nothing_else(self):
        biller = self._create_user("retorno.ruim", "billing")
        messages = self.env["tiss.message"].search_count([])
        with self.assertRaisesRegex(Exception, "not a TISS"):
            self._import_by_form(biller, b"rubbish")
        self.assertEqual(self.env["tiss.message"].search_count([]), messages)

    def test_a_mistaken_import_can_be_thrown_away_before_posting(self):
        analysis = self._receive(self.analysis)
        analysis.unlink()
        self.assertEqual(self.sadt.amount_open, 56.00)
        again = self._receive(self.analysis)
        again.post()
        with self.assertRefused("stays in the history: undo it"):
            again.unlink()
        self.assertLedgerSound()

    def test_one_file_with_two_analyses(self):
        """Guide §5.3: a message carries up to thirty demonstrativos."""
        other = analysis_message(self.consulta, {(self.consulta.guia_ids.name, 1): 150.00}, "D2")
        start, end = b"<ans:demonstrativoAnaliseConta>", b"</ans:demonstrativoAnaliseConta>"
        second = start + other.partition(start)[2].partition(end)[0] + end
        both = self._receive(self.analysis.replace(end, end + second, 1))
        self.assertEqual(both.mapped("name"), ["D1", "D2"])
        both.post()
        self.assertEqual((self.sadt | self.consulta).mapped("amount_open"), [56.00, 150.00])
        self.assertEqual(set(both.mapped("state")), {"posted"})
        self.assertLedgerSound()
