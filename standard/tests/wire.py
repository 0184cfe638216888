"""A server that answers as it is told, and certificates, for the tests of the wire."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FIRST_DAY = datetime.datetime(2020, 1, 1)
LAST_DAY = datetime.datetime(2099, 1, 1)


class Identity(NamedTuple):
    """A certificate with its key, both in PEM, and the objects to sign others with."""

    certificate: bytes
    key: bytes
    signer: tuple[x509.Certificate, Any]


class Request(NamedTuple):
    """What a server received."""

    path: str
    headers: dict[str, str]
    body: bytes


class Server:
    """Answers every POST with ``answer(handler)``; remembers what came."""

    def __init__(self, answer: Callable[[Any], None], context: ssl.SSLContext | None) -> None:
        self.requests: list[Request] = []
        self.release = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                outer.requests.append(
                    Request(self.path, dict(self.headers), self.rfile.read(length))
                )
                answer(self)

            def log_message(self, *_: Any) -> None:
                """Silence: the tests fail by themselves."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A client that hangs up is what some tests are about."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self._scheme = "http"
        if context is not None:
            self._scheme = "https"
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/tissLoteGuias"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def serving(
    answer: Callable[[Any], None] | bytes, context: ssl.SSLContext | None = None, **options: Any
) -> Iterator[Server]:
    """A server that answers with these bytes, or by calling ``answer`` with its handler."""
    if isinstance(answer, bytes):
        content = answer

        def answer(handler: Any) -> None:
            say(handler, content, **options)

    server = Server(answer, context)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def say(handler: Any, content: bytes, status: int = 200, **headers: str) -> None:
    """One whole answer; ``Content_Type="…"`` is a header."""
    handler.send_response(status)
    lines = {"Content_Type": "text/xml; charset=utf-8", "Content_Length": str(len(content))}
    for name, value in {**lines, **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


# ---------------------------------------------------------------------------
# Certificates
# ---------------------------------------------------------------------------


@cache
def identity(name: str, issuer: str | None = None, days: int | None = None) -> Identity:
    """A certificate of this name, signed by the one of another name or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    signed_by = identity(issuer).signer if issuer else (None, key)
    last = FIRST_DAY + datetime.timedelta(days=days) if days else LAST_DAY
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signed_by[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FIRST_DAY)
        .not_valid_after(last)
        .add_extension(x509.BasicConstraints(ca=not issuer, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by[1].public_key()), False
        )
        .sign(signed_by[1], hashes.SHA256())
    )
    return Identity(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        (certificate, key),
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def server_context(
    own: Identity, *, clients: Identity | None = None, version: ssl.TLSVersion | None = None
) -> ssl.SSLContext:
    """TLS of a server; with ``clients`` it wants certificates that this authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(own.key + own.certificate)
        file.flush()
        context.load_cert_chain(file.name)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=clients.certificate.decode())
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context
