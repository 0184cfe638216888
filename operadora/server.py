"""The operadora on HTTP: twelve services at their official names, for tests and training staff.

with serve(Operadora("326305", "OPERADORA DE EXEMPLO", "11222333000181")) as address:
    requests.post(address.url("tissLoteGuias"), data=envelope)
    address.operadora.arrivals.lotes("taken")
"""

import gzip
import json
import logging
import ssl
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, unquote, urlsplit

from . import misbehaviour, official, pages, soap
from .directory import Directory
from .gate import UNEXPECTED, Fault
from .message import MAX_BYTES, Unreadable
from .misbehaviour import PLAIN, Misbehaviour, Response
from .operadora import Operadora
from .services import BY_NAME, Service
from .tls import context as make_tls

_logger = logging.getLogger(__name__)
MAX_REQUEST = 2 * MAX_BYTES
HEADER = "X-Misbehave"


@dataclass(frozen=True)
class Request:
    """A POST to a service: its headers, and its body unpacked."""

    service: str
    headers: dict[str, str]
    body: bytes


class Server(ThreadingHTTPServer):
    """One operadora at one address, or a directory of them.

    `today` tells the day on which messages arrive. `versions` are those that WSDLs are offered of,
    `logins` what the page tells of them.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        operadora: Operadora | Directory,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        today: Callable[[], date] | None = None,
        misbehave: str = "",
        tls: ssl.SSLContext | None = None,
        fault_status: int = 500,
        versions: Sequence[str] = (),
        schema_dir: str | None = None,
        logins: Mapping[str, str] | None = None,
    ):
        super().__init__((host, port), Handler)
        fixed = isinstance(operadora, Operadora)
        self.directory = Directory(operadora) if fixed else operadora
        only = self.directory.operadoras[0] if self.directory.fixed else None
        self.versions = list(versions) or [only.version]
        self.schema_dir = schema_dir or (str(only.schema.folder) if only else None)
        self.logins = dict(logins or (only.logins if only else {}))
        self.ca_file: str | None = None
        self.today = today or date.today
        self.tls = tls
        self.fault_status = fault_status
        self.stopping = threading.Event()
        self.script = misbehaviour.Script(misbehave)
        # What getpeercert says of each client that came by TLS, and the last requests as they came.
        self.clients: list[dict] = []
        self.requests: deque[Request] = deque(maxlen=20)

    @property
    def address(self) -> str:
        host, port = self.server_address[:2]
        return f"{'https' if self.tls else 'http'}://{host}:{port}"

    def answer(self, service: Service, xml: bytes) -> Response:
        """What the service says to the bytes of a request."""
        try:
            root = soap.open_envelope(xml)
            operadora = self.directory.pick(root)
            answer = operadora.receive_service(service, root, self.today())
        except Fault as error:
            return Response(soap.fault(error.code, error.detail), self.fault_status)
        except Exception:
            _logger.exception("%s failed", service.name)
            text = "erro inesperado nesta operadora simulada"
            return Response(soap.fault(UNEXPECTED, text, "Server"), self.fault_status)
        return Response(soap.wrap(answer))

    def lose(self, service: Service, xml: bytes) -> None:
        """The message came to the door and no further."""
        try:
            root = soap.open_envelope(xml)
            operadora = self.directory.pick(root)
        except Fault:
            return
        operadora.note_lost(service, root, self.today())

    def schema_folder(self, version: str) -> Path:
        """Where the XSDs of a version are."""
        return official.load(version, self.schema_dir).folder

    def shutdown(self) -> None:
        self.stopping.set()
        super().shutdown()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what this server is for."""
        _logger.debug("connection of %s broken", client_address, exc_info=True)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "OperadoraSimulada"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120  # of a client that says nothing more
    server: Server

    def setup(self) -> None:
        if self.server.tls:
            # Here and not in the accepting thread, which a slow client would hold up.
            self.request.settimeout(30)
            if self.server.script.take("tls"):
                self.request.recv(4096)
                self.request.sendall(misbehaviour.TLS_ALERT)
                raise ConnectionAbortedError("misbehaviour: tls")
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            self.request.settimeout(None)
            self.server.clients.append(self.request.getpeercert() or {})
        super().setup()

    def finish(self) -> None:
        super().finish()
        if self.server.tls:
            # It took the place of the socket that the server would close.
            self.request.close()

    def do_GET(self) -> None:
        """The explanation, a WSDL, an XSD, or what arrived."""
        path, query = self._target()
        self.send(pages.page(self.server, path, query, self.headers.get("Host")))

    def do_POST(self) -> None:
        """A service, or the control of misbehaviours."""
        path, query = self._target()
        try:
            body = self._read()
        except Unreadable as error:
            self.close_connection = True
            self.send(Response(soap.fault("SchemaInvalido", str(error)), 413))
            return
        service = BY_NAME.get(path[-1].lower()) if path else None
        if path[:1] == ["misbehave"] and service is None:
            self._control(parse_qs(body.decode("utf-8", "replace")) or query)
        elif service is None:
            self.send(Response(b"no such service\n", 404, content_type=PLAIN))
        else:
            try:
                self._serve(service, body, self._asked_for(path))
            except ValueError as error:
                self.send(Response(f"{error}\n".encode(), 400, content_type=PLAIN))

    def send(self, response: Response) -> None:
        """Header and body in one write where the body is not endless."""
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(response.length))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.length != len(response.body) or response.stream:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(response.body)
        for block in response.stream or ():
            self.wfile.write(block)
        self.wfile.flush()

    def log_message(self, text: str, *args: object) -> None:
        _logger.debug(text, *args)

    def _target(self) -> tuple[list[str], dict[str, list[str]]]:
        url = urlsplit(self.path)
        path = [unquote(part) for part in url.path.split("/") if part]
        return path, parse_qs(url.query, keep_blank_values=True)

    def _read(self) -> bytes:
        """The body of the request, unpacked; Unreadable when it is too large or not gzip."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            raise Unreadable("Content-Length ausente ou inválido")
        length = int(length)
        if length > MAX_REQUEST:
            raise Unreadable(f"mensagem com mais de {MAX_REQUEST} bytes")
        body = self.rfile.read(length)
        if self.headers.get("Content-Encoding", "").lower() != "gzip":
            return body
        try:
            unpacked = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            body = unpacked.decompress(body, MAX_REQUEST + 1)
        except (zlib.error, gzip.BadGzipFile) as error:
            raise Unreadable("gzip inválido") from error
        if len(body) > MAX_REQUEST or not unpacked.eof:
            raise Unreadable("gzip incompleto ou grande demais")
        return body

    def _asked_for(self, path: list[str]) -> Misbehaviour | None:
        """What the address or the header of this very request wants."""
        text = self.headers.get(HEADER, "")
        if len(path) > 2 and path[0] == "misbehave":
            text = path[1]
        return misbehaviour.read(text) if text else None

    def _serve(self, service: Service, body: bytes, wanted: Misbehaviour | None) -> None:
        self.server.requests.append(Request(service.name, dict(self.headers), body))
        bad = wanted or self.server.script.next(service)
        if bad is None:
            self.send(self.server.answer(service, body))
            return
        if bad.taken:
            answer = self.server.answer(service, body)
        else:
            self.server.lose(service, body)
            answer = Response(b"")
        bad.perform(self, answer)

    def _control(self, query: dict[str, list[str]]) -> None:
        """POST /misbehave?kind=html&times=2&service=tissLoteGuias; or well=1: well again."""
        values = {name: value[0] for name, value in query.items()}
        try:
            if "kind" in values and "well" not in values:
                self.server.script.add(
                    values["kind"], values.get("service"), int(values.get("times") or 1)
                )
            else:
                self.server.script.clear()
        except ValueError as error:
            self.send(Response(f"{error}\n".encode(), 400, content_type=PLAIN))
            return
        left = json.dumps(self.server.script.left()).encode()
        self.send(Response(left, 303, content_type="application/json", headers={"Location": "/"}))


class Address(str):
    """Where the operadora listens, as text; with what a test wants to do to it."""

    server: Server
    ca_file: str | None

    @property
    def operadora(self) -> Operadora:
        return self.server.directory.operadoras[0]

    def url(self, service: str, misbehave: str = "") -> str:
        """The address of a service; with `misbehave`, one that always misbehaves so."""
        path = f"/misbehave/{misbehave}" if misbehave else ""
        return f"{self}{path}/{BY_NAME[service.lower()].name}"

    def misbehave(self, kind: str, service: str | None = None, times: int = 1) -> None:
        """The next `times` messages, perhaps of one service, are answered that badly."""
        self.server.script.add(kind, service, times)


@contextmanager
def serve(
    operadora: Operadora | Directory,
    port: int = 0,
    host: str = "127.0.0.1",
    today: Callable[[], date] | date | None = None,
    tls: str | bool = False,
    client_ca: str | None = None,
    **options,
) -> Iterator[Address]:
    """Run the operadora in a thread; the address of the server as long as the block lasts.

    :param today: the day on which messages arrive, fixed or asked for; by default the real one
    :param tls: True, or one of tls.KINDS for a bad certificate; `address.ca_file` is to be trusted
    :param client_ca: file of the authorities of whom clients must show a certificate
    """
    day = today if not isinstance(today, date) else lambda: today
    with ExitStack() as stack:
        context, ca_file = None, None
        if tls:
            folder = stack.enter_context(TemporaryDirectory(prefix="operadora-"))
            kind = "good" if tls is True else tls
            context, ca_file = make_tls(Path(folder), host, kind, client_ca)
        server = Server(operadora, host, port, today=day, tls=context, **options)
        stack.callback(server.server_close)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        address = Address(server.address)
        address.server = server
        address.ca_file = server.ca_file = str(ca_file) if ca_file else None
        yield address
