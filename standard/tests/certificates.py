"""Certificates as ICP-Brasil makes them, of invented holders; made anew in every run."""

from __future__ import annotations

import datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from ..certificate import Certificate
from ..identifiers import complete_cnpj, complete_cpf

CLINIC = "CLINICA FICTICIA LTDA"
CNPJ = complete_cnpj("456789010001")
CPF = complete_cpf("123456780")
PASSWORD = "senha de mentira"
COMPANY_OID, PERSON_OID = "2.16.76.1.3.3", "2.16.76.1.3.1"
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)


@cache
def key(name: str = "clinic", bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key of each name; making one takes a while."""
    return rsa.generate_private_key(65537, bits)


@cache
def authority(name: str = "AC FICTICIA v5") -> x509.Certificate:
    builder = _builder(name, _name(name), key(name), NOW - 900 * DAY, NOW + 900 * DAY)
    builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    return builder.sign(key(name), hashes.SHA256())


def issue(
    *,
    holder: str = f"{CLINIC}:{CNPJ}",
    names: dict[str, str] | None = None,
    days: tuple[int, int] = (-10, 355),
    issuer: str = "AC FICTICIA v5",
    private_key: Any = None,
    signs: bool = True,
    is_authority: bool = False,
) -> x509.Certificate:
    """A certificate; ``names`` holds the ICP-Brasil entries, by default the CNPJ of a company."""
    private_key = private_key or key()
    start, end = (NOW + each * DAY for each in days)
    builder = _builder(holder, authority(issuer).subject, private_key, start, end)
    entries = {COMPANY_OID: CNPJ} if names is None else names
    if entries:
        others = [
            x509.OtherName(x509.ObjectIdentifier(oid), bytes((4, len(text))) + text.encode())
            for oid, text in entries.items()
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(others), False)
    builder = builder.add_extension(x509.BasicConstraints(is_authority, None), True)
    usage = dict.fromkeys(
        (
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = builder.add_extension(
        x509.KeyUsage(
            digital_signature=signs, content_commitment=signs, key_encipherment=True, **usage
        ),
        True,
    )
    return builder.sign(key(issuer), hashes.SHA256())


def pkcs12_file(
    certificate: x509.Certificate | None = None,
    *,
    private_key: Any = None,
    password: str = PASSWORD,
    with_key: bool = True,
    with_chain: bool = True,
    old: bool = False,
) -> bytes:
    """A .pfx as a certification authority delivers an A1; ``old`` ones are encrypted with 3DES."""
    old_way = PrivateFormat.PKCS12.encryption_builder().key_cert_algorithm(
        pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC
    )
    certificate = certificate or issue(private_key=private_key)
    return pkcs12.serialize_key_and_certificates(
        b"a1",
        (private_key or key()) if with_key else None,
        certificate,
        [authority()] if with_chain else None,
        old_way.build(password.encode()) if old else BestAvailableEncryption(password.encode()),
    )


@cache
def clinic() -> Certificate:
    return Certificate(key(), issue(), (authority(),))


def person_entry(cpf: str = CPF) -> str:
    """Date of birth, CPF, NIS, RG and who issued it, as DOC-ICP-04 packs them."""
    return f"01011980{cpf}{'0' * 11}{'0' * 15}SSPSP"


def elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "BR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ICP-Ficticia"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _builder(
    holder: str,
    issuer: x509.Name,
    private_key: Any,
    start: datetime.datetime,
    end: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(holder))
        .issuer_name(issuer)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
