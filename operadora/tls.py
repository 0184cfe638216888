"""A certificate of the operadora's own, made when the server starts; also bad ones on request."""

import ipaddress
import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# `expired` and `wrong-host` are of the same authority, whose file a client trusts in vain.
KINDS = ("good", "expired", "wrong-host")


def context(
    folder: Path, host: str, kind: str = "good", client_ca: str | None = None
) -> tuple[ssl.SSLContext, Path]:
    """The server's side of TLS, and the file of the authority that its clients must trust.

    :param client_ca: file of the authorities of whom clients must show a certificate
    """
    if kind not in KINDS:
        raise ValueError(f"Não existe {kind!r}. Há: {', '.join(KINDS)}")
    now = datetime.now(timezone.utc)
    end = now - timedelta(days=1) if kind == "expired" else now + timedelta(days=30)
    hosts = ["outro.example"] if kind == "wrong-host" else [host, "localhost"]
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _authority(authority_key, now)
    certificate = _certificate(key, authority, authority_key, hosts, end)
    ca_file, own_file = folder / "ca.pem", folder / "server.pem"
    ca_file.write_bytes(_pem(authority))
    own_file.touch(mode=0o600)
    own_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + _pem(certificate)
    )
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(own_file)
    if client_ca:
        found.verify_mode = ssl.CERT_REQUIRED
        found.load_verify_locations(client_ca)
    return found, ca_file


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name("AUTORIDADE DA OPERADORA SIMULADA")
    return (
        _builder(name, name, key, now - timedelta(days=60), now + timedelta(days=60))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    hosts: list[str],
    end: datetime,
) -> x509.Certificate:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    names = x509.SubjectAlternativeName([_host(each) for each in hosts])
    builder = _builder(
        _name("OPERADORA SIMULADA"), authority.subject, key, end - timedelta(days=31), end
    )
    return (
        builder.add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _usage(**wanted: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names})


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
