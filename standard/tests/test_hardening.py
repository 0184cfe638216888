"""What must never be read: DTDs, entities, monsters, and bytes that are no XML."""

from __future__ import annotations

import io
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from .. import DecodeError, UnsafeXML, codec, digest, load, parser
from . import common
from .common import GUIAS_PATH, consulta, lote

LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(1, 12))
    + "]>"
)


class Endless(io.RawIOBase):
    """A file that repeats a piece for ever after its head."""

    def __init__(self, head: bytes, piece: bytes) -> None:
        self._parts = self._repeat(head, piece)
        self.served = 0

    @staticmethod
    def _repeat(head: bytes, piece: bytes) -> Iterator[bytes]:
        yield head
        while True:
            yield piece

    def read(self, size: int = -1) -> bytes:
        found = next(self._parts)
        self.served += len(found)
        return found


class Dribble(io.BytesIO):
    """A file that gives one byte at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1 if size else 0)


class TestHardening(unittest.TestCase):
    def setUp(self) -> None:
        self.schema = load("4.03.00")
        self.xml = self.schema.encode(lote())
        self.root = self.xml.partition(b"\n")[2]

    def assert_refused(self, xml: bytes, code: str, kind: type = UnsafeXML) -> None:
        for read in (
            self.schema.decode,
            lambda data: self.schema.decode(data, strict=False),
            lambda data: list(self.schema.iterate(io.BytesIO(data), GUIAS_PATH)),
            digest,
        ):
            with self.assertRaises(kind) as caught:
                read(xml)
            self.assertEqual(caught.exception.code, code)
        self.assertFalse(self.schema.validate(xml))
        self.assertEqual([each.code for each in self.schema.explain(xml)], [code])

    def test_doctypes(self) -> None:
        with tempfile.NamedTemporaryFile(suffix=".txt") as secret:
            secret.write(b"SECRET")
            secret.flush()
            uri = Path(secret.name).as_uri()
            for doctype in (
                "<!DOCTYPE x>",
                LAUGHS,
                f'<!DOCTYPE x [<!ENTITY e SYSTEM "{uri}">]>',
                f'<!DOCTYPE x SYSTEM "{uri}">',
                '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
                '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>',
                "<!-- a > b --><?pi <!--?>\n<!DOCTYPE x>",
            ):
                data = self.root.replace(b"MARIA", b"&e;")
                self.assert_refused(doctype.encode() + data, "unsafe")
                declared = b'<?xml version="1.0" encoding="UTF-8"?>' + doctype.encode() + data
                self.assert_refused(declared, "unsafe")
                self.assert_refused(b"\xef\xbb\xbf" + declared, "unsafe")

    def test_doctype_in_another_encoding(self) -> None:
        text = '<!DOCTYPE x [<!ENTITY e "x">]>' + self.root.decode("iso-8859-1")
        for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp500"):
            self.assert_refused(text.encode(encoding), "not_xml", DecodeError)
        for encoding in ("utf-7", "utf-16", "cp500", "shift_jis", "x"):
            declared = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
            self.assert_refused(declared.encode("ascii"), "encoding", DecodeError)

    def test_doctype_between_two_reads(self) -> None:
        doctype = b'<!DOCTYPE x [<!ENTITY e "x">]>'
        tail = doctype + self.root.replace(b"MARIA", b"&e;")
        for size in range(parser._PROLOG_BYTES - 12, parser._PROLOG_BYTES + 3):
            data = b"<!--" + b" " * (size - 7) + b"-->" + tail
            with self.assertRaises(DecodeError):
                list(self.schema.iterate(io.BytesIO(data), GUIAS_PATH))
        with self.assertRaises(UnsafeXML):
            list(self.schema.iterate(Dribble(tail), GUIAS_PATH))
        self.assertEqual(len(list(self.schema.iterate(Dribble(self.xml), GUIAS_PATH))), 1)

    def test_undefined_entity(self) -> None:
        self.assert_refused(self.root.replace(b"MARIA", b"&e;"), "not_xml", DecodeError)

    def test_depth(self) -> None:
        for deep in (300, 100_000):
            nested = b"<a>" * deep + b"</a>" * deep
            self.assert_refused(self.root.replace(b"MARIA", nested), "too_deep")

    def test_size(self) -> None:
        for read in (
            lambda: self.schema.decode(self.xml, limit=len(self.xml) - 1),
            lambda: list(
                self.schema.iterate(io.BytesIO(self.xml), GUIAS_PATH, limit=len(self.xml) - 1)
            ),
        ):
            with self.assertRaises(UnsafeXML) as caught:
                read()
            self.assertEqual(caught.exception.code, "oversized")
        self.assertFalse(self.schema.validate(self.xml, limit=100))
        self.schema.decode(self.xml, limit=len(self.xml))
        list(self.schema.iterate(io.BytesIO(self.xml), GUIAS_PATH, limit=len(self.xml)))

    def test_many_elements(self) -> None:
        tag = b"<ans:numeroLote>"
        noise = b"<ans:x>1</ans:x>" * 20_000
        data = self.root.replace(tag, noise + tag)
        decoded = self.schema.decode(data, strict=False)
        self.assertEqual(len(decoded.unexpected), 20_000)
        self.assertTrue(decoded.unexpected[-1][0].endswith("/x[20000]"))
        for module, name, value in (
            (codec, "_MAX_PROBLEMS", 19_999),
            (parser, "_MAX_TAGS", 40_000),
        ):
            with mock.patch.object(module, name, value):
                with self.assertRaises(UnsafeXML) as caught:
                    self.schema.decode(data, strict=False)
                self.assertEqual(caught.exception.violation.limit, value)

    def test_endless_files(self) -> None:
        head, _, tail = self.root.partition(b"<ans:guiaConsulta>")
        guia = b"<ans:guiaConsulta>" + tail.partition(b"</ans:guiasTISS>")[0]
        for piece in (b"<ans:x>y</ans:x>" * 1000, b"y" * 16_000, b" " * 16_000):
            file = Endless(head, piece)
            with self.assertRaises(UnsafeXML) as caught:
                list(self.schema.iterate(file, GUIAS_PATH, record_limit=1_000_000))
            self.assertEqual(caught.exception.code, "oversized")
            self.assertLess(file.served, 2_000_000)
        file = Endless(head, guia * 10)
        with self.assertRaises(UnsafeXML):
            count = 0
            for _ in self.schema.iterate(file, GUIAS_PATH, record_limit=200_000, limit=2_000_000):
                count += 1
        self.assertGreater(count, 1000)

    def test_prolog_without_end(self) -> None:
        for piece in (b" ", b"<!-- x -->", b"<?x y?>"):
            data = piece * 70_000 + self.root
            with self.assertRaises(DecodeError):
                self.schema.decode(data)
            with self.assertRaises(DecodeError):
                list(self.schema.iterate(io.BytesIO(data), GUIAS_PATH))

    def test_truncated(self) -> None:
        for size in (10, 60, 500, len(self.xml) - 3):
            self.assert_refused(self.xml[:size], "not_xml", DecodeError)

    def test_truncated_stream_gives_what_is_whole(self) -> None:
        xml = self.schema.encode(lote(*map(consulta, range(100))))
        records = self.schema.iterate(io.BytesIO(xml[: len(xml) // 2]), GUIAS_PATH)
        found = []
        with self.assertRaises(DecodeError) as caught:
            for each in records:
                found.append(each)
        self.assertEqual(caught.exception.code, "not_xml")
        self.assertGreater(len(found), 40)

    def test_not_xml(self) -> None:
        for data in (
            b"",
            b" \n",
            b"%PDF-1.7",
            b"a;b;c\n1;2;3",
            b"\x00\x01",
            b"PK\x03\x04",
            b"<",
            b"<!",
        ):
            with self.assertRaises(DecodeError):
                self.schema.decode(data)
            with self.assertRaises(DecodeError):
                self.schema.decode(data, strict=False)
            self.assertFalse(self.schema.validate(data))
            self.assertEqual(len(self.schema.explain(data)), 1)

    def test_wrong_encoding(self) -> None:
        xml = self.schema.encode(lote(consulta(nome="JOSÉ")))
        wrong = xml.replace(b"ISO-8859-1", b"UTF-8")
        for read in (
            self.schema.decode,
            lambda data: list(self.schema.iterate(io.BytesIO(data), GUIAS_PATH)),
        ):
            with self.assertRaises(DecodeError) as caught:
                read(wrong)
            self.assertEqual(caught.exception.code, "encoding")

    def test_noise(self) -> None:
        """Any bytes are read or refused, and nothing else happens."""
        pieces = st.sampled_from(
            [b"<", b">", b"<?xml ", b"?>", b"<!--", b"-->", b"<!DOCTYPE ", b"&a;", b"\xff", b"\0",
             b"<mensagemTISS>", b"</mensagemTISS>", b"<cabecalho/>", b"]]>", b"<![CDATA["]
        )  # fmt: skip

        @common.profile(300)
        @given(st.one_of(st.binary(max_size=60), st.lists(pieces, max_size=12).map(b"".join)))
        def run(data: bytes) -> None:
            for strict in (True, False):
                try:
                    self.schema.decode(data, strict=strict)
                except DecodeError:
                    continue
            self.assertEqual(self.schema.explain(data) == [], self.schema.validate(data))

        run()
