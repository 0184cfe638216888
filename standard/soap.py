"""The wire of the web services: SOAP 1.1, document/literal bare, over ``requests`` (guide §7).

The payload leaves byte for byte as it was hashed and signed, which no WSDL client would let it do.
Of every failure it is said whether the operadora can have the message: only where it cannot may
anybody send it again. Nothing said here holds an address, a credential or content.
"""

from __future__ import annotations

import hashlib
import html
import io
import ipaddress
import os
import re
import socket
import ssl
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from gzip import compress
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, unescape

import requests
from lxml import etree
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.wait import wait_for_read

from . import parser
from .errors import DecodeError, UnsafeXML

ANS = "http://www.ans.gov.br/padroes/tiss/schemas"
# 1.2 is in no WSDL of ANS, but some servers answer in it whatever they are asked in.
ENVELOPES = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
TISS_FAULTS = (
    "DestinatarioInvalido",
    "RemetenteInvalido",
    "LoginInvalido",
    "VersaoInvalida",
    "HashInvalido",
    "SchemaInvalido",
    "ErroInesperadoServidor",
)
MAX_BYTES = 128 * 1024 * 1024
CONNECT_SECONDS, ANSWER_SECONDS = 10, 90

_CHUNK_BYTES = 64 * 1024
_UNPACKED_BYTES = 1024 * 1024
_MAX_FAULT_TEXT = 500
_DECLARATION = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<\?xml\b[^>]*?\?>\s*")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]+)", re.IGNORECASE)
# Also where a message is quoted: in a page, or in the text of a fault.
_OPEN, _CLOSE = rb"(?:<|&(?:amp;)*(?:lt|#60|#x3[Cc]);)", rb"(?:>|&(?:amp;)*(?:gt|#62|#x3[Ee]);)"
_SECRETS = re.compile(
    rb"(%(open)s(?:[\w.-]+:)?(loginPrestador|senhaPrestador)(?:\s[^<>]*?)?%(close)s)"
    rb"(.*?)(?=%(open)s/)" % {b"open": _OPEN, b"close": _CLOSE},
    re.DOTALL,
)
_SECRET_NAMES = (b"loginPrestador", b"senhaPrestador")
_BLANKS = b" \t\r\n\xef\xbb\xbf"
# Statuses with which HTTP says that the request was not carried out (RFC 9110 §15.4, §15.5).
_NOT_CARRIED_OUT = {301, 307, 308, 401, 403, 404, 405, 407, 413, 414, 415, 421, 429, 431}
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_CLIENT_FAULTS = ("Client", "Sender", "VersionMismatch", "MustUnderstand")
# Alerts by which a server refuses a client certificate, in TLS 1.3 only after our side is done.
_CERTIFICATE_ALERT = re.compile(
    r"ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)|CERTIFICATE_REQUIRED"
)


@dataclass(frozen=True)
class Fault:
    """A soap:Fault: its code, its text, and the value of tissFault where its detail has one."""

    code: str
    text: str = ""
    tiss_fault: str | None = None

    @property
    def refused(self) -> bool:
        """Whether it says that the message was not taken in; a server that broke cannot know."""
        if self.tiss_fault:
            return self.tiss_fault != "ErroInesperadoServidor"
        return self.code.rpartition(":")[2].split(".")[0] in _CLIENT_FAULTS


@dataclass(frozen=True)
class Reply:
    """An answer in SOAP: ``content`` as it came (de-gzipped), ``element`` what its Body holds.

    ``element`` is a document of its own in UTF-8 with all namespaces that were in scope; None
    where there is a ``fault``. ``content_type`` is the header of HTTP, which may tell the charset.
    """

    status: int
    content: bytes = field(repr=False)
    element: bytes | None = field(repr=False)
    fault: Fault | None
    seconds: float
    content_type: str = ""


class TransportError(Exception):
    """No answer that can be used.

    ``code`` is one of CODES. ``reached`` is False only where it is proved that the operadora does
    not have the message. ``detail`` is technical and short. ``status`` and ``content`` are what
    came as an answer, if anything did, for the journal.
    """

    def __init__(
        self,
        code: str,
        reached: bool,
        detail: str = "",
        *,
        status: int | None = None,
        content: bytes | None = None,
        seconds: float = 0.0,
    ) -> None:
        super().__init__(f"{code} ({detail})" if detail else code)
        self.code = code
        self.reached = reached
        self.detail = detail
        self.status = status
        self.content = content
        self.seconds = seconds


# code → what happened; the sentences for people are made where people read them.
CODES = {
    "environment": "nothing may be sent from here, or to there, now",
    "url": "an address that is not https, or no address at all",
    "dns": "the name of the server is not known",
    "refused": "nobody listens there",
    "unreachable": "no connection came about",
    "connect_timeout": "no connection came about in time",
    "proxy": "the proxy of this network did not let it through",
    "tls": "the two sides do not agree on an encryption",
    "untrusted": "the certificate of the server is not trusted",
    "certificate": "the client certificate is missing, refused or cannot be used",
    "not_carried_out": "an HTTP status that says that the request was not carried out",
    "timeout": "no answer in time",
    "cut": "the connection ended before the answer did",
    "redirect": "an answer that leads elsewhere",
    "http": "an HTTP status other than 200 without SOAP",
    "server_error": "an HTTP status from 500 on without SOAP",
    "empty": "an answer without content",
    "html": "a page for people instead of an answer",
    "multipart": "an answer in parts (MTOM)",
    "not_xml": "an answer that is not XML",
    "unsafe": "an answer with a DTD, or nested too deeply",
    "encoding": "an answer in an encoding that cannot be read",
    "too_large": "an answer that is larger than allowed",
    "not_soap": "XML that is not an answer in SOAP",
}


# ---------------------------------------------------------------------------
# Envelope
# ---------------------------------------------------------------------------


def envelope(payload: bytes) -> bytes:
    """SOAP 1.1 around a message whose bytes stay as they are.

    Only the XML declaration of the payload moves to the front, so that the charset stays too.
    """
    match = _DECLARATION.match(payload)
    charset = charset_of(payload).upper().encode("ascii")
    return b"".join(
        (
            b'<?xml version="1.0" encoding="%s"?>\n' % charset,
            b'<soapenv:Envelope xmlns:soapenv="%s">' % ENVELOPES[0].encode("ascii"),
            b"<soapenv:Header/><soapenv:Body>",
            payload[match.end() :] if match else payload.removeprefix(b"\xef\xbb\xbf"),
            b"</soapenv:Body></soapenv:Envelope>",
        )
    )


def opened(content: bytes, content_type: str = "", limit: int = MAX_BYTES) -> bytes:
    """What the Body of a kept answer holds, as ``Reply.element``; other content as it is."""
    try:
        element, _ = _opened(_parsed(content, content_type, limit))
    except _NotAnAnswer:
        return content
    return content if element is None else element


def charset_of(xml: bytes) -> str:
    """The charset that a message declares; DecodeError for one that TISS does not use."""
    return parser.encoding_of(xml)


def mask(xml: bytes) -> bytes:
    """The same bytes with each character of login and password of the prestador as ``*``.

    Works on any message, file or SOAP, ours or one that echoes us.
    """
    parts, end = [], 0
    for found in _find_secrets(xml):
        parts += (xml[end : found.start(3)], b"*" * len(found[3]))
        end = found.end()
    return b"".join((*parts, xml[end:]))


def _find_secrets(xml: bytes) -> Iterator[re.Match[bytes]]:
    """The logins and passwords of a message, as `_SECRETS` finds them, without trying every byte.

    Between the bracket that opens such an element and its name there is no other bracket.
    """
    end, places = 0, {name: xml.find(name) for name in _SECRET_NAMES}
    while (at := min((each for each in places.values() if each >= 0), default=-1)) >= 0:
        start = max(xml.rfind(b"<", end, at), xml.rfind(b"&", end, at))
        found = _SECRETS.match(xml, start) if start >= 0 else None
        if found:
            yield found
        end = found.end() if found else at + 1
        for name, place in places.items():
            if 0 <= place < end:
                places[name] = xml.find(name, end)


def mask_echo(answer: bytes, payload: bytes, *, is_read: bool) -> bytes:
    """An answer without the login and password of the message that it answers, wherever they are.

    ``is_read`` says that somebody reads it as a message: then a login stays outside of its own
    element, as it may be the code by which the operadora calls the prestador.
    """
    secrets = {}
    for found in _find_secrets(payload):
        secrets[found[2]] = unescape(found[3].decode(charset_of(payload)))
    password, login = secrets.get(b"senhaPrestador"), secrets.get(b"loginPrestador")
    if is_read:
        # So does a password of digits that is sent as it is typed: it may be a protocolo as well.
        password, login = (None if (password or "").isdigit() else password), None
    words = [password, login]
    answer = mask(answer)
    # Two bytes a letter are no answer that anybody reads, but the journal keeps them.
    wide = b"\0" in answer[:64]
    charsets = ("utf-16-le", "utf-16-be") if wide else ("iso-8859-1", "utf-8")
    for word in filter(None, words):
        forms = {form.encode(charset) for form in _get_forms(word) for charset in charsets}
        for sought in map(re.escape, forms):
            whole = sought if wide else rb"(?<!\w)%s(?!\w)" % sought
            answer = re.sub(whole, lambda found: b"*" * len(found[0]), answer, flags=re.IGNORECASE)
    return answer


def _get_forms(word: str) -> set[str]:
    """A word as it is, and as XML or a page writes it, also where one quotes the other."""
    written = {word, escape(word), html.escape(word)}
    return written | {escape(each) for each in written}


def password_digest(password: str) -> str:
    """senhaPrestador: the MD5 of the password as 32 lower-case hex digits (guide §2.5).

    ValueError for a password that does not exist in ISO-8859-1, the charset of the standard.
    """
    return hashlib.md5(password.encode("iso-8859-1"), usedforsecurity=False).hexdigest()


# ---------------------------------------------------------------------------
# Sending
# ---------------------------------------------------------------------------


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_url(url: str, *, plain_loopback: bool = False) -> bool:
    """Whether messages may go there: https, or http on this machine where that is allowed."""
    try:
        parts = urlsplit(url)
        # Reading the port is what checks it.
        sound = bool(parts.hostname) and (parts.port is None or 0 < parts.port)
    except ValueError:
        return False
    if not sound or parts.username is not None or parts.password is not None or parts.fragment:
        return False
    if re.search(r"[\s\x00-\x20\x7f]", url):
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and plain_loopback and is_loopback(url)
    )


def post(
    url: str,
    payload: bytes,
    *,
    soap_action: str = "",
    timeout: tuple[float, float] = (CONNECT_SECONDS, ANSWER_SECONDS),
    verify: bool | bytes = True,
    certificate: bytes | ssl.SSLContext | None = None,
    gzip: bool = False,
    limit: int = MAX_BYTES,
) -> Reply:
    """Send one message and read the answer; TransportError where there is none to be used.

    ``timeout`` is for the connection and for the whole answer. ``verify`` is True or the PEM of
    the only authorities to trust. ``certificate`` is PEM with the key and its chain, or a context
    that has them already. ``limit`` bounds the answer, unpacked.
    """
    if verify is False:
        raise ValueError("the certificate of the server is always verified")
    started = time.monotonic()
    exchange = _Exchange(url, payload, started + sum(timeout), limit)
    try:
        if not check_url(url, plain_loopback=True):
            raise TransportError("url", False)
        return exchange.run(
            _headers(payload, soap_action, gzip),
            timeout=timeout,
            gzip=gzip,
            context=_context(verify, certificate) if url.startswith("https:") else None,
        )
    except TransportError as error:
        error.seconds = time.monotonic() - started
        # What requests and urllib3 say of a failure holds the address.
        raise error from None


def reach(
    url: str,
    *,
    timeout: float = CONNECT_SECONDS,
    verify: bool | bytes = True,
    certificate: bytes | ssl.SSLContext | None = None,
) -> int:
    """The HTTP status with which a server answers somebody who sends nothing (a GET).

    Any status says that name, network, encryption and certificates are in order; TransportError,
    which is never ``reached``, says which of them is not.
    """
    exchange = _Exchange(url, b"", time.monotonic() + timeout, 0)
    try:
        if not check_url(url, plain_loopback=True):
            raise TransportError("url", False)
        context = _context(verify, certificate) if url.startswith("https:") else None
        with _session(url, context, (timeout, timeout)) as session:
            return session.get(url, stream=True, allow_redirects=False).status_code
    except TransportError as error:
        raise error from None
    except Exception as error:
        raise exchange.failure(error, begun=False) from None


@contextmanager
def _session(
    url: str, context: ssl.SSLContext | None, timeout: tuple[float, float]
) -> Iterator[requests.Session]:
    """A session for one message: no connection is used twice.

    On one that was used before, a server that hangs up looks as if it had taken the message.
    """
    adapter = _Adapter(context, timeout)
    # The limits of the library are for each read: a server that speaks byte by byte keeps them.
    alarm = threading.Timer(sum(timeout), adapter.hang_up)
    alarm.daemon = True
    with requests.Session() as session:
        # Neither .netrc nor the environment have a say, except for the proxy.
        session.trust_env = False
        session.proxies = {} if is_loopback(url) else get_environ_proxies(url)
        for scheme in ("https://", "http://"):
            session.mount(scheme, adapter)
        alarm.start()
        try:
            yield session
        finally:
            alarm.cancel()


def _headers(payload: bytes, soap_action: str, gzip: bool) -> dict[str, str]:
    headers = {
        "Content-Type": f"text/xml; charset={charset_of(payload).upper()}",
        "SOAPAction": '"{}"'.format(re.sub(r'[\x00-\x1f"]', "", soap_action)),
        "Accept": "text/xml",
        "Accept-Encoding": "gzip",
        "User-Agent": "l10n_br_tiss",
    }
    return {**headers, "Content-Encoding": "gzip"} if gzip else headers


class _Body(io.BytesIO):
    """A request that knows whether any of it was asked for: before that nothing can have left."""

    begun = False

    def read(self, size: int | None = -1) -> bytes:
        self.begun = True
        return super().read(size)


class _Plain(HTTPConnection):
    """Tells its adapter of its socket, to be hung up on when time is over."""

    sockets: list[socket.socket]

    def connect(self) -> None:
        super().connect()
        self.sockets.append(self.sock)


class _Secure(HTTPSConnection):
    """Hears whether the server lets us in before anything is said.

    In TLS 1.3 a server judges a client certificate, or its absence, when our side is done already.
    What is written then is lost with the connection, and nobody would know whether it was read.
    """

    sockets: list[socket.socket]

    def connect(self) -> None:
        began = time.monotonic()
        super().connect()
        self.sockets.append(self.sock)
        patience = min(0.05 + 2 * (time.monotonic() - began), 1.0)
        if isinstance(self.sock, ssl.SSLSocket) and self.sock.version() == "TLSv1.3":
            # Nearly all servers greet whom they let in, with tickets: that ends the wait.
            if wait_for_read(self.sock, patience):
                self._listen()

    def _listen(self) -> None:
        timeout = self.sock.gettimeout()
        self.sock.settimeout(0)
        try:
            self.sock.recv(1)
        except ssl.SSLWantReadError:
            return
        finally:
            self.sock.settimeout(timeout)
        raise ConnectionResetError


class _Adapter(HTTPAdapter):
    """One connection with our own TLS context, to which requests adds no authority of its own."""

    def __init__(
        self, context: ssl.SSLContext | None = None, timeout: tuple[float, float] | None = None
    ) -> None:
        self._tls = context
        self._timeout = timeout
        self._sockets: list[socket.socket] = []
        own = {"sockets": self._sockets}
        self._pools = {
            scheme: type("Pool", (pool,), {"ConnectionCls": type("Connection", (kind,), own)})
            for scheme, pool, kind in (
                ("http", HTTPConnectionPool, _Plain),
                ("https", HTTPSConnectionPool, _Secure),
            )
        }
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        # Odoo's tests look into what is given to the session, and take it for a number.
        return super().send(request, **{**options, "timeout": self._timeout})

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._tls, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=self._tls, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager

    def hang_up(self) -> None:
        """End what is being read, from another thread."""
        for each in self._sockets:
            with suppress(OSError):
                # Past the encryption, which its own thread may be in.
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None):
        """The same for newer requests, which ask here instead."""
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {"ssl_context": self._tls, "cert_reqs": "CERT_REQUIRED"}


class _Exchange:
    """One request and its answer."""

    def __init__(self, url: str, payload: bytes, deadline: float, limit: int) -> None:
        self._url = url
        self._payload = payload
        self._deadline = deadline
        self._limit = limit
        self._started = time.monotonic()
        self._status: int | None = None
        self._parts: list[bytes] = []

    def run(
        self,
        headers: dict[str, str],
        *,
        timeout: tuple[float, float],
        gzip: bool,
        context: ssl.SSLContext | None,
    ) -> Reply:
        data = envelope(self._payload)
        body = _Body(compress(data, mtime=0) if gzip else data)
        try:
            with _session(self._url, context, timeout) as session:
                response = session.post(
                    self._url,
                    data=body,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                )
                with response:
                    self._status = response.status_code
                    self._read(response)
        except TransportError:
            raise
        except Exception as error:
            raise self.failure(error, begun=body.begun) from None
        return self._reply(response.headers.get("Content-Type", ""))

    # -- the answer --------------------------------------------------------

    def _read(self, response: requests.Response) -> None:
        """The whole body, unpacked, within limits of size and time."""
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared) > self._limit:
            raise self._error("too_large", f"{declared} bytes")
        packing = response.headers.get("Content-Encoding", "").strip().lower()
        if packing not in ("", "identity", "gzip", "x-gzip"):
            raise self._error("encoding", "Content-Encoding")
        unpack = _Gunzip() if packing.endswith("gzip") else None
        room, received = self._limit, 0
        # As it comes: urllib3 would wait until a piece is full, however long that takes.
        for chunk in iter(lambda: response.raw._fp.read1(_CHUNK_BYTES), b""):
            received += len(chunk)
            for part in unpack(chunk) if unpack else (chunk,):
                self._parts.append(part)
                room -= len(part)
                if room < 0:
                    self._parts.clear()
                    raise self._error("too_large", f"{self._limit} bytes")
            self._check_time()
        # Without a length, being hung up on looks like the end.
        self._check_time()
        if declared.isdigit() and received < int(declared):
            raise self._error("cut", f"{received}/{declared} bytes")
        if unpack and received and not unpack.finished:
            raise self._error("cut", packing)

    def _check_time(self) -> None:
        if time.monotonic() >= self._deadline:
            raise self._error("timeout")

    def _reply(self, content_type: str) -> Reply:
        content = b"".join(self._parts)
        try:
            root = _parsed(content, content_type, self._limit)
            element, fault = _opened(root)
        except _NotAnAnswer as problem:
            raise self._problem(problem.code, content, content_type) from None
        return Reply(
            status=self._status or 0,
            content=content,
            element=element,
            fault=fault and self._scrubbed(fault),
            seconds=time.monotonic() - self._started,
            content_type=_UNPRINTABLE.sub("", content_type)[:200],
        )

    def _problem(self, code: str, content: bytes, content_type: str) -> TransportError:
        """Why what came is no answer: the HTTP status says more than the content does."""
        status = self._status or 0
        if status in _NOT_CARRIED_OUT:
            return self._error("not_carried_out", reached=False)
        if 300 <= status < 400:
            return self._error("redirect")
        if status >= 500:
            return self._error("server_error")
        if status >= 400:
            return self._error("http")
        if content_type.lower().startswith("multipart/"):
            return self._error("multipart")
        if not content.strip(_BLANKS):
            return self._error("empty")
        if code in ("not_xml", "unsafe", "not_soap") and _is_html(content, content_type):
            return self._error("html")
        return self._error(code)

    def _error(self, code: str, detail: str = "", *, reached: bool = True) -> TransportError:
        parts = [f"HTTP {self._status}" if self._status else "", detail]
        return TransportError(
            code,
            reached,
            ", ".join(filter(None, parts)),
            status=self._status,
            content=b"".join(self._parts) or None,
        )

    def _scrubbed(self, fault: Fault) -> Fault:
        """A fault whose text does not repeat the login or password that we sent."""
        text = fault.text
        for found in _find_secrets(self._payload):
            secret = unescape(found[3].decode(charset_of(self._payload)))
            for form in _get_forms(secret) if secret else ():
                sought = rf"(?<!\w){re.escape(form)}(?!\w)"
                text = re.sub(sought, "***", text, flags=re.IGNORECASE)
        # Only now: a word that is cut in two is not found any more.
        return Fault(fault.code, text[:_MAX_FAULT_TEXT], fault.tiss_fault)

    # -- failures ----------------------------------------------------------

    def failure(self, error: Exception, *, begun: bool) -> TransportError:
        """What an exception of requests, urllib3, ssl or socket means for the message."""
        causes = list(_causes(error))
        reason = next((each for each in causes if isinstance(each, ssl.SSLError)), None)
        if reason is not None and _CERTIFICATE_ALERT.search(f"{reason.reason} {reason}".upper()):
            # The handshake of the server never ended, so it handed nothing on.
            return self._error("certificate", reason.reason or "", reached=False)
        timeouts = (TimeoutError, requests.Timeout)
        if begun:
            late = any(isinstance(each, timeouts) for each in causes)
            late = late or time.monotonic() >= self._deadline
            return self._error("timeout" if late else "cut")
        return self._error(*_not_connected(causes), reached=False)


def _not_connected(causes: list[BaseException]) -> tuple[str, str]:
    """(code, detail) of a connection that never came about."""

    def first(*kinds: type[BaseException]) -> BaseException | None:
        return next((each for each in causes if isinstance(each, kinds)), None)

    untrusted = first(ssl.SSLCertVerificationError)
    if untrusted is not None:
        return "untrusted", getattr(untrusted, "verify_message", "")
    broken = first(ssl.SSLError)
    if broken is not None:
        return "tls", getattr(broken, "reason", None) or ""
    for code, kinds in (
        ("dns", (socket.gaierror,)),
        ("proxy", (requests.exceptions.ProxyError,)),
        ("refused", (ConnectionRefusedError,)),
        ("connect_timeout", (TimeoutError, requests.Timeout)),
        ("url", (requests.exceptions.InvalidURL, UnicodeError)),
    ):
        if first(*kinds) is not None:
            return code, ""
    return "unreachable", type(causes[-1]).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it was raised for; the libraries keep them in several places."""
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or each in seen:
            continue
        seen.append(each)
        yield each
        waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]


# ---------------------------------------------------------------------------
# TLS
# ---------------------------------------------------------------------------


def _context(verify: bool | bytes, certificate: bytes | ssl.SSLContext | None) -> ssl.SSLContext:
    if isinstance(certificate, ssl.SSLContext):
        if certificate.verify_mode != ssl.CERT_REQUIRED or not certificate.check_hostname:
            raise ValueError("a context that does not verify the server")
        return certificate
    try:
        if certificate is None:
            return _verifying(verify)
        return client_context(certificate, verify)
    except (ssl.SSLError, OSError, ValueError) as error:
        code = "certificate" if certificate is not None else "untrusted"
        raise TransportError(code, False, getattr(error, "reason", None) or "") from None


def are_authorities(pem: bytes) -> bool:
    """Whether ``post`` can verify servers with these certificates."""
    try:
        return bool(_new_context(pem).get_ca_certs())
    except (ssl.SSLError, OSError, ValueError):
        return False


@lru_cache(maxsize=32)
def _verifying(verify: bool | bytes) -> ssl.SSLContext:
    """Reading a bundle takes longer than a message; the context holds no secret."""
    return _new_context(verify)


def client_context(certificate: bytes, verify: bool | bytes = True) -> ssl.SSLContext:
    """A verifying context that answers with a client certificate (PEM: key and chain).

    OpenSSL reads keys from files only: this one has no name where the system allows it, and is
    deleted at once where not. ssl.SSLError for what is no certificate with its key.
    """
    context = _new_context(verify)
    with _private_file(certificate) as path:
        # A prompt on the terminal of a server would wait for ever.
        context.load_cert_chain(path, password=lambda: b"")
    return context


def _new_context(verify: bool | bytes) -> ssl.SSLContext:
    if isinstance(verify, bytes):
        return ssl.create_default_context(cadata=verify.decode("ascii", "ignore"))
    context = ssl.create_default_context()
    # What the system trusts, and what requests does: either may be the older one.
    context.load_verify_locations(requests.certs.where())
    return context


@contextmanager
def _private_file(data: bytes) -> Iterator[str]:
    """Path of a file with these bytes that nobody else can read."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        handle, path = os.memfd_create("tls", os.MFD_CLOEXEC), ""
    else:
        handle, path = tempfile.mkstemp()  # readable by its owner only
    try:
        os.write(handle, data)
        yield path or f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
        if path:
            os.unlink(path)


# ---------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------


class _NotAnAnswer(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Gunzip:
    """Unpacks piece by piece: a bomb is cut off before it is in memory."""

    def __init__(self) -> None:
        self._stream = self._member()

    @staticmethod
    def _member() -> Any:
        return zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def finished(self) -> bool:
        return self._stream.eof

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        full = False
        while chunk or full:
            if self._stream.eof:
                # Another member may follow: what some servers do where they flush.
                self._stream = self._member()
            part = self._stream.decompress(chunk, _UNPACKED_BYTES)
            full = len(part) == _UNPACKED_BYTES and not self.finished
            chunk = self._stream.unused_data if self.finished else self._stream.unconsumed_tail
            yield part


def _parsed(content: bytes, content_type: str, limit: int) -> etree._Element:
    """The root of an answer, whatever stands before it and in whatever charset it turns out."""
    content = content.lstrip(_BLANKS)
    declared = _CHARSET.search(content_type)
    if declared and not _DECLARATION.match(content):
        charset = declared[1].encode("ascii")
        content = b'<?xml version="1.0" encoding="%s"?>' % charset + content
    try:
        root, _ = parser.parse_repaired(content, limit=limit)
    except UnsafeXML as error:
        raise _NotAnAnswer("too_large" if error.code == "oversized" else "unsafe") from None
    except DecodeError as error:
        raise _NotAnAnswer(error.code) from None
    return root


def _opened(root: etree._Element) -> tuple[bytes | None, Fault | None]:
    """(element, fault) of an envelope: the one child of its Body, as the one or the other."""
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in ENVELOPES:
        raise _NotAnAnswer("not_soap")
    body = root.find(f"{{{name.namespace}}}Body")
    children = [] if body is None else [each for each in body if isinstance(each.tag, str)]
    if not children:
        raise _NotAnAnswer("not_soap")
    for each in children:
        if etree.QName(each).localname == "Fault":
            return None, _read_fault(each)
    wanted = [each for each in children if etree.QName(each).namespace == ANS] or children
    if len(wanted) != 1:
        raise _NotAnAnswer("not_soap")
    return etree.tostring(wanted[0], encoding="UTF-8", xml_declaration=True, with_tail=False), None


def _read_fault(node: etree._Element) -> Fault:
    """SOAP 1.1 or 1.2; 2.x of TISS had an element of its own for each fault."""

    def text(*names: str) -> str:
        for name in names:
            for found in node.iter(f"{{*}}{name}"):
                if found.text and found.text.strip():
                    return found.text.strip()
        return ""

    kind = text("tissFault")
    if kind not in TISS_FAULTS:
        names = {etree.QName(each).localname for each in node.iter("{*}*")}
        kind = next((each for each in TISS_FAULTS if each in names), "")
    words = " ".join(text("faultstring", "Text").split())
    return Fault(text("faultcode", "Value")[:100], words, kind or None)


def _is_html(content: bytes, content_type: str) -> bool:
    start = content[:1024].lstrip(_BLANKS).lower()
    return "html" in content_type.lower() or start.startswith((b"<!doctype html", b"<html"))
