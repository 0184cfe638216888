"""Vectors, traps and errors of the codec (guide §2.3, Appendices B and C)."""

from __future__ import annotations

import copy
import datetime
import io
import unittest
from decimal import Decimal
from typing import Any

from .. import DecodeError, EncodeError, digest, load, matching_charset, peek
from ..codec import Decoded
from . import common
from .common import GUIAS_PATH, NAMESPACE, consulta, lote

APPENDIX_C = (
    "ENVIO_LOTE_GUIAS12026-11-2110:30:00123453263054.03.00132630510123456789N12345"
    "9999999MARIA SOUZA06123456352251259012026-11-2012210101012150.00"
)
GUIA = f"{GUIAS_PATH}[1]"
SIGNATURE = (
    '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>'
    '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>'
    '<ds:SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"/>'
    '<ds:Reference URI=""><ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/>'
    "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    "<ds:SignatureValue>BBBB</ds:SignatureValue></ds:Signature>"
)
# The signature of a guia has the same content under another name, in the namespace of ANS.
GUIA_SIGNATURE = SIGNATURE.replace(
    "<ds:Signature ", f'<ans:assinaturaDigitalGuia xmlns:ans="{NAMESPACE}" ', 1
).replace("</ds:Signature>", "</ans:assinaturaDigitalGuia>")


def changed(path: str, value: Any, values: dict[str, Any] | None = None) -> dict[str, Any]:
    """A copy of the sample lote with one value set; ``KeyError`` deletes it."""
    values = copy.deepcopy(values or lote())
    *names, last = path.split("/")
    node: Any = values
    for name in names:
        node = node[name.removesuffix("[1]")]
        node = node[0] if name.endswith("[1]") else node
    if value is KeyError:
        del node[last]
    else:
        node[last] = value
    return values


class TestDigest(unittest.TestCase):
    def setUp(self) -> None:
        self.schema = load("4.03.00")

    def test_vectors(self) -> None:
        accented = lote(consulta(nome="JOSÉ DA CONCEIÇÃO"))
        for values, charset, expected in (
            (lote(), "iso-8859-1", "48b3a628e2bc4959988afa151f57a127"),
            (lote(), "utf-8", "48b3a628e2bc4959988afa151f57a127"),
            (accented, "iso-8859-1", "490e06015d7fa2f48ba51f64a32257b2"),
            (accented, "utf-8", "c8f9ec14447914cdc38ae03e406c1403"),
        ):
            for file_charset in ("iso-8859-1", "utf-8"):
                xml = self.schema.encode(values, charset=file_charset, hash_charset=charset)
                self.assertEqual(self.schema.decode(xml)["epilogo"]["hash"], expected)
                self.assertEqual(digest(xml, charset), expected)
                self.assertTrue(self.schema.validate(xml))

    def test_leaf_texts(self) -> None:
        xml = self.schema.encode(lote())
        texts = xml.decode("iso-8859-1").partition("<ans:epilogo>")[0]
        for tag in set(texts.split("<")[2:]):
            texts = texts.replace("<" + tag.partition(">")[0] + ">", "")
        self.assertEqual(texts.partition("?>")[2].strip(), APPENDIX_C)

    def test_what_does_not_count(self) -> None:
        xml = self.schema.encode(lote()).decode("iso-8859-1")
        expected = digest(xml.encode("iso-8859-1"))
        body = xml.partition("?>")[2].strip()
        for other in (
            body.replace("><", ">\n  <"),
            body.replace("<ans:numeroLote>", "<!-- 1 --><?x y?><ans:numeroLote>"),
            body.replace("MARIA", "<![CDATA[MA]]>RIA"),
            body.replace("MARIA", "MA<!-- x -->RIA"),
            body.replace("ans:", "").replace("xmlns:ans", "xmlns"),
            body.replace("</ans:epilogo>", f"</ans:epilogo>{SIGNATURE}"),
            body.replace("150.00", "15&#48;.00"),
        ):
            self.assertEqual(digest(other), expected)

    def test_what_counts(self) -> None:
        xml = self.schema.encode(lote()).decode("iso-8859-1").partition("?>")[2]
        expected = digest(xml)
        for other in (
            xml.replace("MARIA SOUZA", "MARIA SOUZA "),
            xml.replace("MARIA SOUZA", "MARIA\nSOUZA"),
            xml.replace("</ans:guiaConsulta>", f"{GUIA_SIGNATURE}</ans:guiaConsulta>"),
        ):
            self.assertNotEqual(digest(other), expected)

    def test_given_hash_is_kept(self) -> None:
        xml = self.schema.encode({**lote(), "epilogo": {"hash": "X"}})
        self.assertEqual(self.schema.decode(xml)["epilogo"]["hash"], "X")
        self.assertIsNone(matching_charset(xml))
        for absent in ({}, {"hash": None}, None):
            xml = self.schema.encode({**lote(), "epilogo": absent})
            self.assertEqual(matching_charset(xml), "iso-8859-1")

    def test_upper_case_hash_matches(self) -> None:
        xml = self.schema.encode(lote())
        found = self.schema.decode(xml)["epilogo"]["hash"]
        self.assertEqual(
            matching_charset(xml.replace(found.encode(), found.upper().encode())), "iso-8859-1"
        )

    def test_text_outside_the_charset(self) -> None:
        xml = self.schema.encode(
            lote(consulta(nome="MARIA – SOUZA")), charset="utf-8", hash_charset="utf-8"
        )
        with self.assertRaises(DecodeError) as caught:
            digest(xml)
        self.assertEqual(caught.exception.code, "charset")
        self.assertEqual(matching_charset(xml), "utf-8")


class TestEncodeErrors(unittest.TestCase):
    """Each with its code and the path of the value."""

    def setUp(self) -> None:
        self.schema = load("4.03.00")

    def assert_refused(self, values: Any, code: str, path: str, **options: Any) -> EncodeError:
        with self.assertRaises(EncodeError) as caught:
            self.schema.encode(values, **options)
        self.assertEqual((caught.exception.code, caught.exception.path), (code, path))
        return caught.exception

    def test_keys(self) -> None:
        path = f"{GUIA}/dadosAtendimento/procedimento"
        for name, value, code in (
            ("codigoTabela", KeyError, "missing"),
            ("codigoTabela", None, "missing"),
            ("codigotabela", "22", "unexpected"),
            ("valor", Decimal(1), "unexpected"),
        ):
            self.assert_refused(changed(f"{path}/{name}", value), code, f"{path}/{name}")
        self.assert_refused({**lote(), "x": 1}, "unexpected", "x")
        self.assert_refused({**lote(), 3: 1}, "unexpected", "3")
        self.assert_refused({}, "missing", "cabecalho")

    def test_path_counts_repeated_elements(self) -> None:
        values = lote(consulta(1), consulta(2), consulta(3))
        guias = values["prestadorParaOperadora"]["loteGuias"]["guiasTISS"]["guiaConsulta"]
        guias[1]["dadosAtendimento"]["procedimento"]["codigoTabela"] = "23"
        path = f"{GUIAS_PATH}[2]/dadosAtendimento/procedimento/codigoTabela"
        error = self.assert_refused(values, "not_in_domain", path)
        self.assertIn("22", error.violation.expected)

    def test_types(self) -> None:
        price = f"{GUIA}/dadosAtendimento/procedimento/valorProcedimento"
        day = f"{GUIA}/dadosAtendimento/dataAtendimento"
        name = f"{GUIA}/profissionalExecutante/nomeProfissional"
        hour = "cabecalho/identificacaoTransacao/horaRegistroTransacao"
        aware = datetime.time(10, tzinfo=datetime.timezone.utc)
        for path, wrong in (
            (price, [150.0, "150.00", True, [Decimal(1)], Decimal("NaN"), Decimal("sNaN")]),
            (day, ["2026-11-20", common.MOMENT, 20261120]),
            (hour, ["10:30:00", aware, datetime.time(10, 0, 0, 1), common.MOMENT]),
            (name, [1, b"x", False, {"a": 1}, [1]]),
            (f"{GUIA}/indicacaoAcidente", [9, ["9"]]),
            (GUIAS_PATH, [consulta(), "x", 1]),
            (f"{GUIA}/dadosAtendimento", ["x", [consulta()], 1]),
        ):
            for value in wrong:
                self.assert_refused(changed(path, value), "wrong_type", path)
        self.assert_refused([], "wrong_type", "")

    def test_facets(self) -> None:
        price = f"{GUIA}/dadosAtendimento/procedimento/valorProcedimento"
        person = f"{GUIA}/profissionalExecutante"
        for path, value, code, limit in (
            (f"{person}/nomeProfissional", "X" * 71, "too_long", 70),
            (f"{person}/nomeProfissional", "", "too_short", 1),
            (f"{GUIA}/cabecalhoConsulta/registroANS", "32630", "pattern", None),
            (price, Decimal("1.234"), "digits", 2),
            (price, Decimal("100000000"), "digits", 10),
            (price, Decimal("-100000000.1"), "digits", 10),
            (price, Decimal("1E+999999"), "digits", 10),
            (price, Decimal("1.0000000000000000000000000000000000001"), "digits", 2),
            (GUIAS_PATH, [consulta()] * 101, "too_many", 100),
        ):
            error = self.assert_refused(changed(path, value), code, path)
            self.assertEqual(error.violation.limit, limit)
        self.schema.encode(changed(GUIAS_PATH, [consulta()] * 100))

    def test_characters(self) -> None:
        name = f"{GUIA}/profissionalExecutante/nomeProfissional"
        for value in ("A™", "–", "😀", "\ud800"):
            self.assert_refused(changed(name, value), "charset", name)
        for value in ("\0", "A\rB", "\x1f"):
            self.assert_refused(changed(name, value), "character", name)
        for value in ("\ufffe", "\uffff"):
            self.assert_refused(
                changed(name, value), "character", name, charset="utf-8", hash_charset="utf-8"
            )
        self.assert_refused(changed(name, "–"), "charset", name, charset="utf-8")
        self.schema.encode(changed(name, "–"), charset="utf-8", hash_charset="utf-8")
        with self.assertRaises(ValueError):
            self.schema.encode(lote(), charset="utf-16")

    def test_choice(self) -> None:
        path = "cabecalho/destino"
        values = changed(f"{path}/identificacaoPrestador", {"CNPJ": "12345678000195"})
        error = self.assert_refused(values, "choice", path)
        self.assertEqual(error.violation.expected, ("identificacaoPrestador", "registroANS"))
        error = self.assert_refused(changed(f"{path}/registroANS", None), "missing", path)
        self.assertEqual(error.violation.expected, ("identificacaoPrestador", "registroANS"))

    def test_unknown_root(self) -> None:
        self.assert_refused(lote(), "unknown_element", "", element="mensagem")

    def test_error_text_keeps_the_value_out(self) -> None:
        name = f"{GUIA}/profissionalExecutante/nomeProfissional"
        error = self.assert_refused(changed(name, "SECRET" * 20), "too_long", name)
        self.assertNotIn("SECRET", str(error))
        self.assertIn("SECRET", error.violation.value)

    def test_memory_of_formats_keeps_types_apart(self) -> None:
        price = f"{GUIA}/dadosAtendimento/procedimento/valorProcedimento"
        self.schema.encode(changed(price, Decimal(1)))
        self.schema.encode(changed(price, 1))
        self.assert_refused(changed(price, True), "wrong_type", price)
        self.assert_refused(changed(price, 1.0), "wrong_type", price)


class TestValues(unittest.TestCase):
    def setUp(self) -> None:
        self.schema = load("4.03.00")

    def price_text(self, value: Any) -> str:
        xml = self.schema.encode(
            changed(f"{GUIA}/dadosAtendimento/procedimento/valorProcedimento", value)
        ).decode("iso-8859-1")
        return xml.partition("<ans:valorProcedimento>")[2].partition("<")[0]

    def test_decimals(self) -> None:
        for value, text in (
            (150, "150.00"),
            (Decimal("150.000"), "150.00"),
            (Decimal("1.5E+2"), "150.00"),
            (Decimal("0.1"), "0.10"),
            (Decimal("-0"), "0.00"),
            (Decimal("-12.3"), "-12.30"),
            (Decimal("99999999.99"), "99999999.99"),
        ):
            self.assertEqual(self.price_text(value), text)

    def test_absent_values(self) -> None:
        values = changed(f"{GUIA}/numeroGuiaOperadora", None)
        values["operadoraParaPrestador"] = None
        values["prestadorParaOperadora"]["loteGuias"]["guiasTISS"]["guiaSP-SADT"] = []
        self.assertEqual(self.schema.encode(values), self.schema.encode(lote()))

    def test_blanks_around_numbers_and_dates_are_read(self) -> None:
        xml = self.schema.encode(lote())
        other = xml.replace(b">150.00<", b"> +0150.0\n<").replace(
            b">2026-11-20<", b">\t2026-11-20 <"
        )
        self.assertEqual(self.schema.decode(other), self.schema.decode(xml))

    def test_empty_dict_is_an_empty_element(self) -> None:
        values = {**lote(), "prestadorParaOperadora": {}}
        xml = self.schema.encode(values)
        self.assertIn(b"<ans:prestadorParaOperadora></ans:prestadorParaOperadora>", xml)
        self.assertEqual(self.schema.decode(xml)["prestadorParaOperadora"], {})

    def test_layout_of_the_document(self) -> None:
        for charset in ("iso-8859-1", "utf-8"):
            xml = self.schema.encode(lote(consulta(nome="JOSÉ & <FILHOS>")), charset=charset)
            head, _, rest = xml.partition(b"\n")
            declaration = f'<?xml version="1.0" encoding="{charset.upper()}"?>'
            self.assertEqual(head, declaration.encode())
            self.assertTrue(rest.startswith(f'<ans:mensagemTISS xmlns:ans="{NAMESPACE}">'.encode()))
            self.assertIn("JOSÉ &amp; &lt;FILHOS&gt;<".encode(charset), rest)
            self.assertNotIn(b"\n", rest)

    def test_values_are_not_changed(self) -> None:
        values = lote()
        before = copy.deepcopy(values)
        self.schema.encode(values)
        self.assertEqual(values, before)

    def test_signatures_are_kept(self) -> None:
        values = changed(f"{GUIA}/assinaturaDigitalGuia", GUIA_SIGNATURE)
        xml = self.schema.encode({**values, "Signature": SIGNATURE.encode()})
        self.assertEqual(self.schema.explain(xml), [])
        decoded = self.schema.decode(xml)
        self.assertEqual(matching_charset(xml), "iso-8859-1")
        again = self.schema.encode(decoded)
        self.assertEqual(self.schema.decode(again), decoded)
        self.assertIn("<ds:SignatureValue>BBBB</ds:SignatureValue>", decoded["Signature"])
        for wrong in ("<x/>", "not xml", "<!DOCTYPE x><x/>", 3, SIGNATURE[:-3]):
            with self.assertRaises(EncodeError) as caught:
                self.schema.encode({**lote(), "Signature": wrong})
            self.assertEqual(caught.exception.path, "Signature")

    def test_zones_and_fractions_are_read(self) -> None:
        xml = self.schema.encode(lote())
        other = xml.replace(b">10:30:00<", b">10:30:00.250-03:00<").replace(
            b">2026-11-20<", b">2026-11-20Z<"
        )
        self.assertTrue(self.schema.validate(other))
        decoded = self.schema.decode(other)
        header = decoded["cabecalho"]["identificacaoTransacao"]
        self.assertEqual(header["horaRegistroTransacao"], datetime.time(10, 30, 0, 250000))
        (guia,) = decoded["prestadorParaOperadora"]["loteGuias"]["guiasTISS"]["guiaConsulta"]
        self.assertEqual(guia["dadosAtendimento"]["dataAtendimento"], datetime.date(2026, 11, 20))


class TestTraps(unittest.TestCase):
    """Appendix B: the plan knows the odd names and cardinalities, since it is the XSD's."""

    def names(self, path: str, version: str = "4.03.00") -> set[str]:
        return set(load(version).field(path).type.fields)

    def test_names(self) -> None:
        guias = "prestadorParaOperadora/loteGuias/guiasTISS"
        sadt, internacao = f"{guias}/guiaSP-SADT", f"{guias}/guiaResumoInternacao"
        honorarios = f"{guias}/guiaHonorarios"
        self.assertIn("indicacaoAcidente", self.names(f"{sadt}/dadosAtendimento"))
        self.assertIn("indicadorAcidente", self.names(f"{internacao}/dadosSaidaInternacao"))
        self.assertIn("cabecalhoConsulta", self.names(f"{guias}/guiaConsulta"))
        self.assertIn("cabecalhoGuia", self.names(sadt))
        team = f"{sadt}/procedimentosExecutados/procedimentoExecutado/equipeSadt"
        self.assertEqual(load("4.03.00").field(f"{team}/grauPart").least, 0)
        team = f"{honorarios}/procedimentosRealizados/procedimentoRealizado/profissionais"
        self.assertEqual(load("4.03.00").field(f"{team}/grauParticipacao").least, 1)
        self.assertIn("CBO", self.names(team))
        analysis = "operadoraParaPrestador/demonstrativosRetorno/demonstrativoAnaliseConta"
        self.assertIn("GlosaProtocolo", self.names(f"{analysis}/dadosConta/dadosProtocolo"))
        elements = load("4.03.00").plan.elements
        for name in ("respostaElegibilidadeWS", "protocoloRecebimentoAnexoWS"):
            self.assertIn("Signatures", elements[name].type.fields)
        self.assertIn("envioDOcumento", elements["envioDocumentoWS"].type.fields)

    def test_types(self) -> None:
        schema = load("4.03.00")
        recurso = "prestadorParaOperadora/recursoGlosa/guiaRecursoGlosa"
        self.assertEqual(schema.field(f"{recurso}/numeroProtocolo").type.name, "st_numerico12")
        self.assertEqual(schema.field(f"{recurso}/numeroLote").type.name, "st_texto12")
        text = schema.field(f"{GUIAS_PATH}/observacao").type
        self.assertEqual((text.min_length, text.max_length), (1, 500))
        with self.assertRaises(KeyError):
            schema.field("prestadorParaOperadora/nada")

    def test_blanks(self) -> None:
        schema = load("4.03.00")
        name = f"{GUIA}/profissionalExecutante/nomeProfissional"
        xml = schema.encode(changed(name, " MARIA "))
        self.assertTrue(schema.validate(xml))
        self.assertIn(b"> MARIA <", xml)
        with self.assertRaises(EncodeError):
            schema.encode(changed(f"{GUIA}/indicacaoAcidente", " 9 "))

    def test_differences_of_versions(self) -> None:
        cnpj = "cabecalho/origem/identificacaoPrestador"
        values = changed(cnpj, {"CNPJ": "12ABC34501DE35"})
        self.assertTrue(load("4.03.00").validate(load("4.03.00").encode(values)))
        with self.assertRaises(EncodeError) as caught:
            load("4.02.00").encode(changed("cabecalho/Padrao", "4.02.00", values))
        self.assertEqual(
            (caught.exception.code, caught.exception.path), ("pattern", f"{cnpj}/CNPJ")
        )
        internacao = "prestadorParaOperadora/loteGuias/guiasTISS/guiaHonorarios/dadosInternacao"
        self.assertEqual(
            self.names(internacao) - self.names(internacao, "4.02.00"), {"caraterAtendimento"}
        )
        with self.assertRaises(EncodeError) as caught:
            load("4.02.00").encode(lote())
        self.assertEqual(caught.exception.path, "cabecalho/Padrao")

    def test_empty_failure_code(self) -> None:
        schema = load("4.03.00")
        xml = schema.encode(changed("cabecalho/falhaNegocio", ""))
        self.assertTrue(schema.validate(xml))
        self.assertEqual(schema.decode(xml)["cabecalho"]["falhaNegocio"], "")

    def test_retired_glosa_code_is_accepted(self) -> None:
        schema = load("4.03.00")
        self.assertTrue(schema.validate(schema.encode(changed("cabecalho/falhaNegocio", "1714"))))


class TestStrictDecode(unittest.TestCase):
    def setUp(self) -> None:
        self.schema = load("4.03.00")
        self.xml = self.schema.encode(lote()).decode("iso-8859-1").partition("?>")[2].strip()

    def assert_refused(self, xml: str, code: str, path: str) -> None:
        with self.assertRaises(DecodeError) as caught:
            self.schema.decode(xml)
        self.assertEqual((caught.exception.code, caught.exception.path), (code, path))
        self.assertFalse(self.schema.validate(xml))
        self.assertIn((code, path), [(each.code, each.path) for each in self.schema.explain(xml)])

    def test_refusals(self) -> None:
        xml = self.xml
        service = f"{GUIA}/dadosAtendimento"
        cnes, price = "<ans:CNES>9999999</ans:CNES>", "<ans:valorProcedimento>150.00"
        for other, code, path in (
            (xml.replace(cnes, ""), "missing", f"{GUIA}/contratadoExecutante/CNES"),
            (xml.replace(cnes, cnes * 2), "too_many", f"{GUIA}/contratadoExecutante/CNES"),
            (xml.replace(cnes, cnes + "<ans:x/>"), "unexpected", f"{GUIA}/contratadoExecutante/x"),
            (
                xml.replace(price, "<ans:valorProcedimento>1,50"),
                "wrong_type",
                f"{service}/procedimento/valorProcedimento",
            ),
            (
                xml.replace("<ans:UF>35", "<ans:UF>SP"),
                "not_in_domain",
                f"{GUIA}/profissionalExecutante/UF",
            ),
            (
                xml.replace("<ans:numeroLote>1<", "<ans:numeroLote a='1'>1<"),
                "unexpected",
                "prestadorParaOperadora/loteGuias/numeroLote/@a",
            ),
            (
                xml.replace("<ans:numeroLote>1", "texto<ans:numeroLote>1"),
                "unexpected",
                "prestadorParaOperadora/loteGuias",
            ),
            (
                xml.replace("<ans:numeroLote>1<", "<ans:numeroLote><b>1</b><"),
                "unexpected",
                "prestadorParaOperadora/loteGuias/numeroLote/b",
            ),
            (xml.replace("schemas", "outro"), "unknown_element", ""),
            ("<x/>", "unknown_element", ""),
        ):
            self.assert_refused(other, code, path)

    def test_order(self) -> None:
        number = "<ans:numeroLote>1</ans:numeroLote>"
        moved = self.xml.replace(number, "").replace(
            "</ans:guiasTISS>", "</ans:guiasTISS>" + number
        )
        self.assert_refused(moved, "order", "prestadorParaOperadora/loteGuias/numeroLote")

    def test_schema_location_is_no_content(self) -> None:
        other = self.xml.replace(
            "<ans:mensagemTISS ",
            '<ans:mensagemTISS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="{NAMESPACE} tissV4_03_00.xsd" ',
        )
        self.assertTrue(self.schema.validate(other))
        self.assertEqual(self.schema.decode(other), self.schema.decode(self.xml))


class TestLenientDecode(unittest.TestCase):
    def setUp(self) -> None:
        self.schema = load("4.03.00")
        self.xml = self.schema.encode(lote()).decode("iso-8859-1").partition("?>")[2].strip()
        self.expected = self.schema.decode(self.xml)

    def read(self, xml: str | bytes) -> Decoded:
        return self.schema.decode(xml, strict=False)

    def test_other_namespace_prefix_and_order(self) -> None:
        number = "<ans:numeroLote>1</ans:numeroLote>"
        xml = self.xml.replace(number, "").replace("</ans:guiasTISS>", "</ans:guiasTISS>" + number)
        xml = xml.replace("xmlns:ans", "xmlns:t").replace("ans:", "t:").replace("schemas", "outro")
        decoded = self.read(xml)
        self.assertEqual(decoded, self.expected)
        self.assertEqual([each.code for each in decoded.problems], ["order"])
        self.assertEqual(
            self.read(self.xml.replace("ans:", "").replace(f' xmlns:ans="{NAMESPACE}"', "")),
            self.expected,
        )

    def test_other_version(self) -> None:
        decoded = self.read(self.xml.replace("4.03.00", "3.05.00"))
        self.assertEqual(decoded["cabecalho"]["Padrao"], "3.05.00")
        self.assertEqual([each.path for each in decoded.problems], ["cabecalho/Padrao"])

    def test_misspelt_and_unknown_names(self) -> None:
        xml = self.xml.replace("ans:CNES>", "ans:cnes>").replace(
            "<ans:tipoConsulta>",
            "<ans:nota a='7'><ans:b>um</ans:b>dois</ans:nota><ans:tipoConsulta>",
        )
        decoded = self.read(xml)
        self.assertEqual(decoded, self.expected)
        self.assertEqual([each.code for each in decoded.problems], ["misspelt"])
        service = f"{GUIA}/dadosAtendimento/nota"
        self.assertEqual(
            sorted(decoded.unexpected),
            [(service, "dois"), (f"{service}/@a", "7"), (f"{service}/b", "um")],
        )

    def test_values_that_cannot_be_read_stay_text(self) -> None:
        xml = (
            self.xml.replace("150.00", "150,00")
            .replace("2026-11-20", "20/11/2026")
            .replace("<ans:CBOS>225125", "<ans:CBOS>2251")
        )
        decoded = self.read(xml)
        (guia,) = decoded["prestadorParaOperadora"]["loteGuias"]["guiasTISS"]["guiaConsulta"]
        self.assertEqual(guia["dadosAtendimento"]["procedimento"]["valorProcedimento"], "150,00")
        self.assertEqual(guia["dadosAtendimento"]["dataAtendimento"], "20/11/2026")
        self.assertEqual(guia["profissionalExecutante"]["CBOS"], "2251")
        self.assertEqual(
            sorted(each.code for each in decoded.problems),
            ["not_in_domain", "wrong_type", "wrong_type"],
        )

    def test_number_against_its_facets_stays_a_number(self) -> None:
        decoded = self.read(self.xml.replace("150.00", "150.001"))
        (guia,) = decoded["prestadorParaOperadora"]["loteGuias"]["guiasTISS"]["guiaConsulta"]
        price = guia["dadosAtendimento"]["procedimento"]["valorProcedimento"]
        self.assertEqual(price, Decimal("150.001"))
        self.assertEqual([each.code for each in decoded.problems], ["digits"])

    def test_missing_and_repeated(self) -> None:
        cnes = "<ans:CNES>9999999</ans:CNES>"
        decoded = self.read(self.xml.replace(cnes, ""))
        self.assertEqual([each.code for each in decoded.problems], ["missing"])
        decoded = self.read(self.xml.replace(cnes, cnes + cnes.replace("9999999", "8888888")))
        self.assertEqual(decoded, self.expected)
        self.assertEqual(decoded.unexpected, [(f"{GUIA}/contratadoExecutante/CNES", "8888888")])

    def test_wrong_encoding_is_repaired(self) -> None:
        xml = self.xml.replace("MARIA SOUZA", "JOSÉ – FILHO")
        data = b'<?xml version="1.0" encoding="UTF-8"?>' + xml.encode("cp1252")
        decoded = self.read(data)
        (guia,) = decoded["prestadorParaOperadora"]["loteGuias"]["guiasTISS"]["guiaConsulta"]
        self.assertEqual(guia["profissionalExecutante"]["nomeProfissional"], "JOSÉ – FILHO")
        self.assertEqual([each.code for each in decoded.problems], ["encoding"])

    def test_blanks_before_the_declaration(self) -> None:
        data = b"\n \r\n" + self.schema.encode(lote())
        self.assertEqual(self.read(data), self.expected)
        with self.assertRaises(DecodeError):
            self.schema.decode(data)

    def test_demonstrativo_without_details(self) -> None:
        payload = {
            "cabecalhoDemonstrativo": {},
            "dadosConta": {"dadosProtocolo": [{"numeroProtocolo": "9"}]},
        }
        xml = (
            "<mensagemTISS><operadoraParaPrestador><demonstrativosRetorno>"
            "<demonstrativoAnaliseConta><cabecalhoDemonstrativo/><dadosConta><dadosProtocolo>"
            "<numeroProtocolo>9</numeroProtocolo></dadosProtocolo></dadosConta>"
            "</demonstrativoAnaliseConta></demonstrativosRetorno></operadoraParaPrestador>"
            "</mensagemTISS>"
        )
        decoded = self.read(xml)
        body = decoded["operadoraParaPrestador"]["demonstrativosRetorno"]
        self.assertEqual(body, {"demonstrativoAnaliseConta": [payload]})
        self.assertIn("missing", [each.code for each in decoded.problems])

    def test_unknown_root(self) -> None:
        with self.assertRaises(DecodeError) as caught:
            self.read("<html/>")
        self.assertEqual(caught.exception.code, "unknown_element")


class TestStreaming(unittest.TestCase):
    def setUp(self) -> None:
        self.schema = load("4.03.00")
        self.xml = self.schema.encode(lote(*map(consulta, range(1, 51))))

    def test_context(self) -> None:
        first, *_, last = self.schema.iterate(io.BytesIO(self.xml), GUIAS_PATH)
        self.assertEqual(first, consulta(1))
        self.assertEqual(last, consulta(50))
        self.assertEqual(last.context["loteGuias"], {"numeroLote": "1"})

    def test_context_follows_its_parent(self) -> None:
        guias = "<relacaoGuias><numeroGuiaPrestador>{}</numeroGuiaPrestador></relacaoGuias>"
        protocols = "".join(
            f"<dadosProtocolo><numeroProtocolo>{number}</numeroProtocolo>"
            f"{guias.format(number * 10)}{guias.format(number * 10 + 1)}"
            f"<valorLiberadoProtocolo>{number}.50</valorLiberadoProtocolo></dadosProtocolo>"
            for number in (1, 2, 3)
        )
        path = "demonstrativosRetorno/demonstrativoAnaliseConta/dadosConta/dadosProtocolo"
        names = ["mensagemTISS", "operadoraParaPrestador", *path.split("/")[:-1]]
        xml = "".join(f"<{name}>" for name in names) + protocols
        xml += "".join(f"</{name}>" for name in reversed(names))
        path = f"operadoraParaPrestador/{path}"
        found = [
            (each.context["dadosProtocolo"]["numeroProtocolo"], each["numeroGuiaPrestador"])
            for each in self.schema.iterate(
                io.BytesIO(xml.encode()), f"{path}/relacaoGuias", strict=False
            )
        ]
        self.assertEqual(
            found, [("1", "10"), ("1", "11"), ("2", "20"), ("2", "21"), ("3", "30"), ("3", "31")]
        )
        totals = list(
            self.schema.iterate(io.BytesIO(xml.encode()), path, strict=False, omit={"relacaoGuias"})
        )
        self.assertEqual([each["numeroProtocolo"] for each in totals], ["1", "2", "3"])
        self.assertEqual(
            [each["valorLiberadoProtocolo"] for each in totals],
            [Decimal("1.50"), Decimal("2.50"), Decimal("3.50")],
        )
        self.assertNotIn("relacaoGuias", totals[0])

    def test_strict_names_the_record(self) -> None:
        broken = self.xml.replace(b"<ans:numeroGuiaPrestador>7</ans:numeroGuiaPrestador>", b"")
        records = self.schema.iterate(io.BytesIO(broken), GUIAS_PATH)
        for number in range(1, 7):
            self.assertEqual(next(records), consulta(number))
        with self.assertRaises(DecodeError) as caught:
            next(records)
        self.assertEqual(
            caught.exception.path, f"{GUIAS_PATH}[7]/cabecalhoConsulta/numeroGuiaPrestador"
        )
        lenient = list(self.schema.iterate(io.BytesIO(broken), GUIAS_PATH, strict=False))
        self.assertEqual([len(each.problems) for each in lenient], [0] * 6 + [1] + [0] * 43)

    def test_other_documents(self) -> None:
        analysis = (
            "operadoraParaPrestador/demonstrativosRetorno/demonstrativoAnaliseConta/dadosConta/"
            "dadosProtocolo"
        )
        self.assertEqual(list(self.schema.iterate(io.BytesIO(self.xml), analysis)), [])
        names = ["cancelaGuiaWS", *GUIAS_PATH.split("/")]
        odd = "".join(f"<{name}>" for name in names) + "".join(f"</{name}>" for name in names[::-1])
        self.assertEqual(
            list(self.schema.iterate(io.BytesIO(odd.encode()), GUIAS_PATH, strict=False)), []
        )
        for xml in (b"<x/>", b"<x><guiaConsulta/></x>"):
            with self.assertRaises(DecodeError) as caught:
                list(self.schema.iterate(io.BytesIO(xml), GUIAS_PATH))
            self.assertEqual(caught.exception.code, "unknown_element")
        for path in ("nada", GUIAS_PATH + "/observacao"):
            with self.assertRaises(ValueError):
                next(self.schema.iterate(io.BytesIO(self.xml), path))


class TestPeek(unittest.TestCase):
    def setUp(self) -> None:
        self.schema = load("4.03.00")

    def test_file_message(self) -> None:
        xml = self.schema.encode(lote(*map(consulta, range(1, 51))))
        self.assertEqual(peek(xml)[:2], ("mensagemTISS", "4.03.00"))
        self.assertEqual(peek(xml).body[:2], ("prestadorParaOperadora", "loteGuias"))
        # The beginning is enough, so the end may be missing.
        self.assertEqual(peek(xml[: len(xml) // 2]), peek(xml))
        self.assertEqual(peek(io.BytesIO(xml)), peek(xml))

    def test_other_messages(self) -> None:
        empty = self.schema.encode({**lote(), "prestadorParaOperadora": None})
        self.assertEqual(peek(empty), ("mensagemTISS", "4.03.00", ()))
        values = {
            "cabecalho": lote()["cabecalho"],
            "solicitacaoStatusProtocolo": {
                "dadosPrestador": {"codigoPrestadorNaOperadora": "1"},
                "numeroProtocolo": "9",
            },
        }
        xml = self.schema.encode(values, element="solicitacaoStatusProtocoloWS")
        self.assertEqual(peek(xml).body[0], "solicitacaoStatusProtocolo")
        self.assertEqual(peek(b"<a><b/></a>"), ("a", None, ("b",)))
        with self.assertRaises(DecodeError):
            peek(b"<!DOCTYPE a><a/>")
