"""What a web service takes, cut out of a file message: the same as reading and writing it anew."""

from __future__ import annotations

import unittest
from typing import Any

from lxml import etree

from .. import EncodeError, Schema, digest, load, parser
from ..message import TO_OPERADORA, TRANSACTIONS, to_service
from ..signature import XADES_AD_RB, XMLDSIG, Signer, verify
from ..wire import cut_service
from . import certificates, common

LOGIN = ("CLINICA & CIA <7>", "0123456789abcdef" * 2)
CHARSETS = ("iso-8859-1", "utf-8")
# The types of their services are others than those of their files.
ANSWERS_OF_OTHER_TYPES = {
    "PROTOCOLO_RECEBIMENTO_ANEXO",
    "RECEBIMENTO_DOCUMENTO",
    "SITUACAO_ELEGIBILIDADE",
}
SEEDS = 4


def anew(schema: Schema, xml: bytes, login: tuple[str, str] | None, **charsets: str) -> bytes:
    element, values = to_service(schema.decode(xml), login=login)
    return schema.encode(values, element=element, **charsets)


def canonical(xml: bytes) -> bytes:
    return etree.tostring(etree.fromstring(xml), method="c14n", exclusive=True)


class TestCut(unittest.TestCase):
    def test_random_messages_of_every_service(self) -> None:
        for schema in common.schemas():
            for transaction in TRANSACTIONS:
                for seed in range(SEEDS):
                    with self.subTest(schema.version, transaction=transaction, seed=seed):
                        values = common.file_message(schema, transaction, seed)
                        self.check(schema, transaction, values)

    def check(self, schema: Schema, transaction: str, values: dict[str, Any]) -> None:
        for charset in CHARSETS:
            xml = schema.encode(values, charset=charset)
            for hash_charset in CHARSETS:
                for login in (None, LOGIN):
                    cut = cut_service(schema, xml, login=login, hash_charset=hash_charset)
                    if transaction in ANSWERS_OF_OTHER_TYPES:
                        self.assertIsNone(cut)
                        continue
                    whole = anew(schema, xml, login, charset=charset, hash_charset=hash_charset)
                    self.assertEqual(cut.xml, whole, "to the byte")
                    decoded = schema.decode(cut.xml)
                    self.assertEqual(decoded.element, cut.element)
                    self.assertEqual(digest(cut.xml, hash_charset), decoded["hash"])

    def test_every_request_can_be_cut(self) -> None:
        for schema in common.schemas():
            for transaction, (direction, _) in TRANSACTIONS.items():
                if direction == TO_OPERADORA:
                    xml = schema.encode(common.file_message(schema, transaction, 1))
                    self.assertTrue(schema.validate(cut_service(schema, xml, login=LOGIN).xml))

    def test_signed_guias_keep_their_signatures(self) -> None:
        schema = load("4.03.00")
        for form in (XMLDSIG, XADES_AD_RB):
            signer = Signer(certificates.clinic(), form=form)
            values = signer.sign_guias(schema, common.lote(common.consulta(1), common.consulta(2)))
            xml = signer.sign_message(schema, schema.encode(values))
            cut = cut_service(schema, xml, login=LOGIN)
            whole = anew(schema, xml, LOGIN)
            self.assertEqual(canonical(cut.xml), canonical(whole))
            self.assertEqual(digest(cut.xml), schema.decode(cut.xml)["hash"])
            self.assertEqual(schema.explain(cut.xml), [])
            self.assertEqual([each.code for each in verify(cut.xml)], ["", ""])
            signed = signer.sign_message(schema, cut.xml, element=cut.element)
            self.assertEqual([each.code for each in verify(signed)], ["", "", ""])

    def test_a_login_takes_the_place_of_another(self) -> None:
        schema = load("4.03.00")
        values = common.lote()
        values["cabecalho"]["loginSenhaPrestador"] = {
            "loginPrestador": "OUTRA",
            "senhaPrestador": "0" * 32,
        }
        xml = schema.encode(values)
        self.assertEqual(cut_service(schema, xml, login=LOGIN).xml, anew(schema, xml, LOGIN))
        self.assertEqual(cut_service(schema, xml).xml, anew(schema, xml, None))

    def test_a_login_that_is_none(self) -> None:
        schema = load("4.03.00")
        xml = schema.encode(common.lote())
        with self.assertRaises(EncodeError):
            cut_service(schema, xml, login=("CLINICA", "0" * 33))
        self.assertIsNone(cut_service(schema, xml, login=("CLI\rNICA", "0" * 32)))
        self.assertIsNone(cut_service(schema, xml, login=("CLÍNICA €", "0" * 32)))

    def test_what_another_program_wrote_is_read(self) -> None:
        schema = load("4.03.00")
        xml = schema.encode(common.lote(common.consulta(nome="A &B")))
        body = b"<ans:guiaConsulta>"
        changed = {
            "prefix": xml.replace(b"ans:", b"t:").replace(b":ans=", b":t="),
            "indented": parser.indented(xml).encode("iso-8859-1"),
            "comment": xml.replace(body, b"<!-- guia -->" + body),
            "instruction": xml.replace(body, b"<?x y?>" + body),
            "character": xml.replace(b"A &amp;B", b"A &#38;B"),
            "cdata": xml.replace(b"A &amp;B", b"<![CDATA[A &B]]>"),
            "namespace": xml.replace(b"padroes/tiss", b"padroes/outro"),
            "charset": xml.replace(b"ISO-8859-1", b"windows-1252"),
            "attribute": xml.replace(b"<ans:mensagemTISS", b'<ans:mensagemTISS a="1"'),
            "cut off": xml[:-200],
            "nothing": b"",
        }
        for what, content in changed.items():
            with self.subTest(what):
                self.assertIsNone(cut_service(schema, content))

    def test_a_text_that_the_charset_of_the_hash_does_not_have(self) -> None:
        schema = load("4.03.00")
        xml = schema.encode(
            common.lote(common.consulta(nome="Zoë €")), charset="utf-8", hash_charset="utf-8"
        )
        self.assertIsNone(cut_service(schema, xml))
        cut = cut_service(schema, xml, hash_charset="utf-8")
        self.assertEqual(digest(cut.xml, "utf-8"), schema.decode(cut.xml)["hash"])
