from __future__ import annotations

import tracemalloc
import unittest
from typing import Any

from .. import DecodeError, Disordered, UnsafeXML, digest, load, matching_charset
from .common import NAMESPACE

RETURN = "operadoraParaPrestador/demonstrativosRetorno/demonstrativoAnaliseConta"
PROTOCOL = f"{RETURN}/dadosConta/dadosProtocolo"
PATHS = (RETURN, PROTOCOL, f"{PROTOCOL}/relacaoGuias", f"{PROTOCOL}/relacaoGuias/detalhesGuia")


def tag(name: str, *content: Any) -> str:
    return f"<ans:{name}>{''.join(map(str, content))}</ans:{name}>"


def item(number: int, name: str = "CONSULTA") -> str:
    return tag(
        "detalhesGuia",
        tag("sequencialItem", number),
        tag("dataRealizacao", "2026-11-21"),
        tag("procedimento", tag("codigoTabela", 22), tag("codigoProcedimento", "10101012"),
            tag("descricaoProcedimento", name)),
        tag("valorInformado", "10.00"),
        tag("qtdExecutada", "1.0000"),
        tag("valorProcessado", "10.00"),
        tag("valorLiberado", f"{number % 10}.00"),
        tag("relacaoGlosa", tag("valorGlosa", "1.00"), tag("tipoGlosa", "1705")),
    )  # fmt: skip


def guia(number: int, items: int, name: str = "CONSULTA") -> str:
    return tag(
        "relacaoGuias",
        tag("numeroGuiaPrestador", number),
        tag("numeroCarteira", "0123"),
        tag("dataInicioFat", "2026-11-21"),
        tag("motivoGlosaGuia", tag("codigoGlosa", "1001"), tag("descricaoGlosa", "X")),
        tag("motivoGlosaGuia", tag("codigoGlosa", "1002"), tag("descricaoGlosa", "Y")),
        tag("situacaoGuia", 5),
        *(item(place, name) for place in range(1, items + 1)),
        tag("valorInformadoGuia", "10.00"),
        tag("valorProcessadoGuia", "10.00"),
        tag("valorLiberadoGuia", "9.00"),
    )


def protocol(number: int, *guias: str) -> str:
    return tag(
        "dadosProtocolo",
        tag("numeroLotePrestador", number),
        tag("numeroProtocolo", f"P{number}"),
        tag("dataProtocolo", "2026-11-21"),
        tag("situacaoProtocolo", 5),
        *guias,
        tag("valorInformadoProtocolo", "10.00"),
    )


def message(*protocols: str, charset: str = "iso-8859-1", hash_charset: str = "") -> bytes:
    body = tag(
        "demonstrativoAnaliseConta",
        tag("cabecalhoDemonstrativo", tag("registroANS", "326305"), tag("numeroDemonstrativo", 7)),
        tag("dadosConta", *protocols),
        tag("valorInformadoGeral", "10.00"),
        tag("observacao", "FIM"),
    )
    text = (
        f'<?xml version="1.0" encoding="{charset}"?>\n'
        f'<ans:mensagemTISS xmlns:ans="{NAMESPACE}">\n  '
        + tag("cabecalho", tag("Padrao", "4.03.00"))
        + "\n  "
        + tag("operadoraParaPrestador", tag("demonstrativosRetorno", body))
        + tag("epilogo", tag("hash", "{}"))
        + "</ans:mensagemTISS>"
    )
    wrong = text.format("0" * 32).encode(charset)
    return text.format(digest(wrong, hash_charset)).encode(charset) if hash_charset else wrong


class TestWalk(unittest.TestCase):
    def setUp(self) -> None:
        self.schema = load("4.03.00")

    def walk(self, xml: bytes, **options: Any) -> tuple[list[Any], Any]:
        walk = self.schema.walk(xml, PATHS, **options)
        return list(walk), walk

    def test_it_says_what_a_reading_as_a_whole_says(self) -> None:
        xml = message(
            protocol(1, guia(10, 3), guia(11, 0), guia(12, 1)), protocol(2), protocol(3, guia(9, 2))
        )
        found, walk = self.walk(xml)
        whole = self.schema.decode(xml, strict=False)
        [part] = whole["operadoraParaPrestador"]["demonstrativosRetorno"][
            "demonstrativoAnaliseConta"
        ]
        expected: list[tuple[str, Any]] = []
        for each in part["dadosConta"]["dadosProtocolo"]:
            for one in each.pop("relacaoGuias", []):
                expected += [("detalhesGuia", detail) for detail in one.pop("detalhesGuia", [])]
                expected.append(("relacaoGuias", one))
            expected.append(("dadosProtocolo", each))
        del part["dadosConta"]
        self.assertEqual([(each.element, dict(each)) for each in found[:-1]], expected)
        self.assertEqual({**found[-1], "dadosConta": None}, {**part, "dadosConta": None})
        self.assertEqual(walk.values["cabecalho"], whole["cabecalho"])
        self.assertEqual(walk.values["epilogo"], whole["epilogo"])

    def test_context_has_what_stands_before(self) -> None:
        found, _walk = self.walk(message(protocol(1, guia(10, 2)), protocol(2, guia(20, 1))))
        items = [each for each in found if each.element == "detalhesGuia"]
        self.assertEqual(
            [
                (
                    each.context["dadosProtocolo"]["numeroProtocolo"],
                    each.context["relacaoGuias"]["numeroGuiaPrestador"],
                    [one["codigoGlosa"] for one in each.context["relacaoGuias"]["motivoGlosaGuia"]],
                    each["sequencialItem"],
                )
                for each in items
            ],
            [
                ("P1", "10", ["1001", "1002"], 1),
                ("P1", "10", ["1001", "1002"], 2),
                ("P2", "20", ["1001", "1002"], 1),
            ],
        )
        self.assertEqual(items[0].context[""]["cabecalho"], {"Padrao": "4.03.00"})

    def test_hash(self) -> None:
        protocols = (protocol(1, guia(10, 2, "CONSULTA ÀS 9H")), protocol(2))
        for hash_charset in ("iso-8859-1", "utf-8", ""):
            with self.subTest(hash_charset):
                xml = message(*protocols, hash_charset=hash_charset)
                _found, walk = self.walk(xml)
                self.assertEqual(walk.hash_charset, hash_charset or None)
                self.assertEqual(walk.hash_charset, matching_charset(xml))

    def test_hash_without_a_record(self) -> None:
        xml = message(hash_charset="utf-8")
        found, walk = self.walk(xml)
        self.assertEqual([each.element for each in found], ["demonstrativoAnaliseConta"])
        self.assertEqual(walk.hash_charset, matching_charset(xml))

    def test_another_order_is_left_to_a_reading_as_a_whole(self) -> None:
        xml = message(protocol(1, guia(10, 2)))
        late = xml.replace(b"<ans:numeroProtocolo>P1</ans:numeroProtocolo>", b"").replace(
            b"</ans:dadosProtocolo>", b"<ans:numeroProtocolo>P1</ans:numeroProtocolo>"
            b"</ans:dadosProtocolo>"
        )  # fmt: skip
        misspelt = xml.replace(b"relacaoGuias>", b"relacaoguias>")
        for name, data in (("late", late), ("misspelt", misspelt)):
            with self.subTest(name), self.assertRaises(Disordered):
                self.walk(data)

    def test_unreadable_values_are_told(self) -> None:
        xml = message(protocol(1, guia(10, 2))).replace(b"qtdExecutada>1.0", b"qtdExecutada>x")
        found, _walk = self.walk(xml)
        codes = [each.code for one in found for each in one.problems]
        self.assertIn("wrong_type", codes)

    def test_wrongly_declared_encoding(self) -> None:
        xml = message(protocol(1, guia(10, 1, "SAÚDE"))).replace(b'"iso-8859-1"', b'"UTF-8"')
        found, _walk = self.walk(b"\n  " + xml)
        self.assertEqual(found[0]["procedimento"]["descricaoProcedimento"], "SAÚDE")

    def test_refused(self) -> None:
        xml = message(protocol(1, guia(10, 2)))
        for data in (xml[: len(xml) // 2], b"", b"PDF", b"<x/>", xml.replace(b"</ans:dados", b"<")):
            with self.subTest(data[:20]), self.assertRaises(DecodeError):
                self.walk(data)
        head, tail = xml.split(b"?>", 1)
        with self.assertRaises(UnsafeXML):
            self.walk(head + b"?><!DOCTYPE x>" + tail)
        with self.assertRaises(UnsafeXML):
            self.walk(xml, limit=len(xml) - 1)

    def test_memory_does_not_grow_with_the_file(self) -> None:
        """Many guias, and one with as many items: neither is ever there as a whole."""
        peaks = {}
        for name, protocols in (
            ("few", [protocol(1, *(guia(n, 5) for n in range(20)))]),
            ("many", [protocol(n, *(guia(n * 40 + m, 5) for m in range(40))) for n in range(50)]),
            ("long", [protocol(1, guia(1, 9999))]),
        ):
            xml = message(*protocols)
            tracemalloc.start()
            count = sum(1 for _each in self.schema.walk(xml, PATHS, limit=len(xml)))
            peaks[name] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            self.assertGreater(count, 100)
        self.assertLess(max(peaks.values()), 1024 * 1024, peaks)
