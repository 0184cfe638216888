"""A1 files: what may sign, what may not, and whose it is."""

from __future__ import annotations

import copy
import datetime
import pickle
import unittest

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from ..certificate import (
    Certificate,
    CertificateError,
    from_pem,
    identify,
    issued_by,
    load_pkcs12,
)
from ..identifiers import complete_cnpj
from . import certificates as made


class TestLoad(unittest.TestCase):
    def refused(self, data: bytes, password: str = made.PASSWORD) -> str:
        with self.assertRaises(CertificateError) as caught:
            load_pkcs12(data, password)
        self.assertNotIn(password or "-", str(caught.exception))
        return caught.exception.code

    def test_an_a1_of_a_company(self) -> None:
        found = load_pkcs12(made.pkcs12_file(), made.PASSWORD)
        self.assertEqual(found.identity.holder, made.CLINIC)
        self.assertEqual(found.identity.document, made.CNPJ)
        self.assertEqual(found.identity.issuer, "AC FICTICIA v5")
        self.assertEqual(int(found.identity.serial, 16), found.x509.serial_number)
        self.assertEqual(found.identity.not_before, made.NOW - 10 * made.DAY)
        self.assertEqual(found.chain, (made.authority(),))
        found.check(made.NOW)

    def test_older_files_and_passwords_with_accents(self) -> None:
        for old in (False, True):
            file = made.pkcs12_file(password="coração", old=old)
            self.assertEqual(load_pkcs12(file, "coração").identity.document, made.CNPJ)

    def test_an_a1_of_a_person(self) -> None:
        names = {made.PERSON_OID: made.person_entry()}
        certificate = made.issue(holder=f"MEDICA EXEMPLO:{made.CPF}", names=names)
        identity = identify(certificate)
        self.assertEqual((identity.holder, identity.document), ("MEDICA EXEMPLO", made.CPF))

    def test_the_company_goes_before_the_person_who_answers_for_it(self) -> None:
        cnpj = complete_cnpj("12ABC34501DE")
        names = {made.PERSON_OID: made.person_entry(), made.COMPANY_OID: cnpj}
        self.assertEqual(identify(made.issue(names=names)).document, cnpj)

    def test_a_certificate_of_another_public_key_infrastructure_names_no_document(self) -> None:
        self.assertEqual(identify(made.issue(names={})).document, "")

    def test_no_certificate_file(self) -> None:
        for data in (b"", b"0", b"isto nao e um certificado", b"\x30\x82" + b"\0" * 40):
            with self.subTest(data=data):
                self.assertEqual(self.refused(data), "not_pkcs12")
        pem = made.issue().public_bytes(Encoding.PEM)
        der = made.issue().public_bytes(Encoding.DER)
        self.assertEqual([self.refused(each) for each in (pem, der)], ["not_pkcs12"] * 2)

    def test_wrong_password(self) -> None:
        file = made.pkcs12_file()
        self.assertEqual([self.refused(file, each) for each in ("errada", "")], ["password"] * 2)

    def test_a_damaged_file(self) -> None:
        file = made.pkcs12_file()
        self.assertEqual(self.refused(file[:-200]), "password")

    def test_without_key(self) -> None:
        self.assertEqual(self.refused(made.pkcs12_file(with_key=False)), "no_key")

    def test_without_certificate(self) -> None:
        file = pkcs12.serialize_key_and_certificates(b"a", made.key(), None, None, NoEncryption())
        self.assertEqual(self.refused(file, ""), "no_certificate")

    def test_keys_that_the_policies_do_not_allow(self) -> None:
        elliptic = made.elliptic_key()
        self.assertEqual(self.refused(made.pkcs12_file(private_key=elliptic)), "key_type")
        short = made.key("short", 1024)
        self.assertEqual(self.refused(made.pkcs12_file(private_key=short)), "key_size")


class TestUse(unittest.TestCase):
    def problem(self, moment: datetime.datetime = made.NOW, **options: object) -> str:
        with self.assertRaises(CertificateError) as caught:
            Certificate(made.key(), made.issue(**options)).check(moment)
        return caught.exception.code

    def test_validity(self) -> None:
        certificate = Certificate(made.key(), made.issue(days=(-10, 10)))
        for days in (-10, 0, 10):
            certificate.check(made.NOW + days * made.DAY)
        second = datetime.timedelta(seconds=1)
        after, before = made.NOW + 10 * made.DAY + second, made.NOW - 10 * made.DAY - second
        self.assertEqual(self.problem(after, days=(-10, 10)), "expired")
        self.assertEqual(self.problem(before, days=(-10, 10)), "not_yet_valid")

    def test_what_may_not_sign(self) -> None:
        self.assertEqual(self.problem(signs=False), "usage")
        self.assertEqual(self.problem(is_authority=True), "usage")

    def test_the_key_shows_nowhere(self) -> None:
        certificate = made.clinic()
        number = str(certificate.key.private_numbers().d)
        text = f"{certificate!r} {certificate} {vars(certificate)}"
        self.assertNotIn(number, text)
        self.assertIn(made.CLINIC, repr(certificate))
        for leak in (pickle.dumps, copy.copy, copy.deepcopy):
            with self.assertRaises(TypeError):
                leak(certificate)

    def test_for_a_connection(self) -> None:
        pem = made.clinic().pem()
        self.assertEqual(load_pem_private_key(pem, None).private_numbers().d, self.number())
        found = x509.load_pem_x509_certificates(pem[pem.index(b"-----BEGIN CERT") :])
        self.assertEqual(found, [made.clinic().x509, made.authority()])

    def test_kept_and_taken_out_again(self) -> None:
        kept = from_pem(made.clinic().pem())
        self.assertEqual((kept.x509, kept.chain), (made.clinic().x509, made.clinic().chain))
        self.assertEqual(kept.key.private_numbers().d, self.number())

    def number(self) -> int:
        key = made.key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return load_pem_private_key(key, None).private_numbers().d


class TestChain(unittest.TestCase):
    def test_directly_and_over_an_authority_between(self) -> None:
        root = made.authority("AC RAIZ FICTICIA")
        between = made.issue(
            holder="AC FICTICIA v5",
            names={},
            issuer="AC RAIZ FICTICIA",
            private_key=made.key("AC FICTICIA v5"),
            is_authority=True,
        )
        leaf = made.issue()
        self.assertTrue(issued_by(leaf, (), (made.authority(),)))
        self.assertTrue(issued_by(leaf, (between,), (root,)))
        self.assertFalse(issued_by(leaf, (), (root,)))

    def test_a_name_alone_is_no_chain(self) -> None:
        false_root = made.issue(
            holder="AC FICTICIA v5", names={}, private_key=made.key("false"), is_authority=True
        )
        self.assertFalse(issued_by(made.issue(), (), (false_root,)))

    def test_a_company_certifies_nobody(self) -> None:
        company = made.issue(holder="AC FICTICIA v5", private_key=made.key("AC FICTICIA v5"))
        self.assertFalse(issued_by(made.issue(), (), (company,)))

    def test_circles_end(self) -> None:
        others = (made.authority(), made.authority("AC RAIZ FICTICIA"))
        self.assertFalse(issued_by(made.issue(), others, (made.authority("outra"),)))
