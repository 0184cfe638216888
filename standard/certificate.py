"""A1 certificates: PKCS#12 in, a value that signs out; and who the holder of a certificate is.

ICP-Brasil writes the CNPJ or CPF of the holder into ``otherName`` entries of the subject's
alternative names (DOC-ICP-04, 7.1.2.3): 2.16.76.1.3.3 is the CNPJ of a company, 2.16.76.1.3.1 the
data of a person, in which the CPF follows eight digits of the date of birth.
"""

from __future__ import annotations

import base64
import datetime
import re
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtensionOID, NameOID

MIN_KEY_BITS = 2048
_COMPANY = x509.ObjectIdentifier("2.16.76.1.3.3")
_PERSON = x509.ObjectIdentifier("2.16.76.1.3.1")
_CNPJ = re.compile(r"[0-9A-Z]{12}[0-9]{2}")
_PKCS12_VERSION = b"\x02\x01\x03"


class CertificateError(ValueError):
    """A certificate that cannot be used; ``code`` says why.

    ``not_pkcs12``, ``password``, ``no_certificate``, ``no_key``, ``key_type``, ``key_size``,
    ``usage`` (it may not sign, or is the certificate of an authority), ``expired``,
    ``not_yet_valid``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Identity:
    """What a certificate says of its holder; nothing of it is secret.

    ``document`` is a CNPJ or CPF without mask, empty where the certificate names none.
    """

    holder: str
    document: str
    issuer: str
    serial: str
    not_before: datetime.datetime
    not_after: datetime.datetime

    def problem(self, moment: datetime.datetime) -> str:
        """``expired``, ``not_yet_valid`` or nothing, at an aware moment."""
        if moment < self.not_before:
            return "not_yet_valid"
        return "expired" if moment > self.not_after else ""


class Certificate:
    """An X.509 certificate with its private key. Its text shows the holder, never the key."""

    def __init__(
        self,
        key: rsa.RSAPrivateKey,
        x509_certificate: x509.Certificate,
        chain: tuple[x509.Certificate, ...] = (),
    ) -> None:
        self.key = key
        self.x509 = x509_certificate
        self.chain = chain
        self.identity = identify(x509_certificate)

    def __repr__(self) -> str:
        return f"<Certificate {self.identity.holder} {self.identity.serial}>"

    def __reduce__(self) -> str:
        raise TypeError("a private key is not to be copied")

    @cached_property
    def der_base64(self) -> str:
        """The certificate as it stands in a signature: base64 in one line."""
        return base64.b64encode(self.x509.public_bytes(Encoding.DER)).decode("ascii")

    def pem(self) -> bytes:
        """Private key, certificate and chain in the clear, for a TLS connection. Never store it."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + b"".join(each.public_bytes(Encoding.PEM) for each in (self.x509, *self.chain))

    def check(self, moment: datetime.datetime) -> None:
        """CertificateError when it may not sign at an aware moment."""
        if problem := _unsuitable(self.x509) or self.identity.problem(moment):
            raise CertificateError(problem)


def load_pkcs12(data: bytes, password: str) -> Certificate:
    """The certificate of an A1 file (.pfx, .p12); CertificateError when it is no such thing.

    Its validity is not looked at: see ``Certificate.check``.
    """
    # A wrong password and a damaged file end in the same error of the library.
    if not data.startswith(b"\x30") or _PKCS12_VERSION not in data[:10]:
        raise CertificateError("not_pkcs12")
    try:
        found = pkcs12.load_pkcs12(data, password.encode("utf-8") or None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError("password") from error
    if found.key is None:
        raise CertificateError("no_key")
    if found.cert is None:
        raise CertificateError("no_certificate")
    if not isinstance(found.key, rsa.RSAPrivateKey):
        raise CertificateError("key_type")
    if found.key.key_size < MIN_KEY_BITS:
        raise CertificateError("key_size")
    chain = tuple(each.certificate for each in found.additional_certs)
    return Certificate(found.key, found.cert.certificate, chain)


def identify(certificate: x509.Certificate) -> Identity:
    """Who holds a certificate, who issued it and when it is valid."""
    names = _other_names(certificate)
    holder, _, _ = _common_name(certificate.subject).partition(":")
    company = names.get(_COMPANY, "")
    return Identity(
        holder=holder,
        document=company if _CNPJ.fullmatch(company) else names.get(_PERSON, "")[8:19],
        issuer=_common_name(certificate.issuer),
        serial=format(certificate.serial_number, "X"),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def issued_by(
    certificate: x509.Certificate,
    others: tuple[x509.Certificate, ...],
    trusted: tuple[x509.Certificate, ...],
) -> bool:
    """Whether a chain of signatures leads from a certificate, over others, to a trusted one."""
    seen = 0
    while seen < len(others) + 2:
        if certificate in trusted or any(_signed(certificate, root) for root in trusted):
            return True
        above = next((each for each in others if _signed(certificate, each)), None)
        if above is None or above == certificate:
            return False
        certificate, seen = above, seen + 1
    return False


def _signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    if not _is_authority(authority):
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _unsuitable(certificate: x509.Certificate) -> str:
    try:
        usage = certificate.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE).value
    except x509.ExtensionNotFound:
        return "usage" if _is_authority(certificate) else ""
    signs = usage.digital_signature or usage.content_commitment
    return "" if signs and not _is_authority(certificate) else "usage"


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS)
    except x509.ExtensionNotFound:
        return False
    return bool(constraints.value.ca)


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _other_names(certificate: x509.Certificate) -> dict[x509.ObjectIdentifier, str]:
    try:
        names = certificate.extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME
        ).value
    except (x509.ExtensionNotFound, ValueError):
        return {}
    return {
        each.type_id: _der_text(each.value) for each in names.get_values_for_type(x509.OtherName)
    }


def _der_text(value: bytes) -> str:
    """Text of a DER string (OCTET STRING, PrintableString, UTF8String) of at most 127 bytes."""
    if len(value) < 2 or value[1] > 127:
        return ""
    return value[2 : 2 + value[1]].decode("latin-1")
