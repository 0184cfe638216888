"""What operadoras get wrong: each fault can be asked for, by name (issue: bad input).

A name may carry a value (`slow=3`) and say what becomes of the message: `html+taken` answers with
a page although the operadora took the message, `slow+lost` is late and took nothing.
"""

import gzip
import re
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from . import distortion, soap
from .gate import FAULTS, UNEXPECTED
from .services import BY_NAME, Service

if TYPE_CHECKING:
    from .server import Handler

# A fatal alert, handshake_failure, of TLS 1.2.
TLS_ALERT = bytes.fromhex("15030300020228")
FOREVER = 3600.0
PLAIN = "text/plain; charset=utf-8"
BLOCK = 1 << 20
GZIP_HEAD = bytes.fromhex("1f8b08000000000000ff")
PATTERN = re.compile(r"(?P<kind>[a-z0-9-]+)(=(?P<value>[^+]*))?(\+(?P<fate>taken|lost))?")
PAGE = (
    "<!DOCTYPE html><html><head><title>Portal do Prestador</title></head><body>"
    "<h1>Sistema em manutenção</h1><p>Tente mais tarde.<br></body></html>"
).encode()


@dataclass(frozen=True)
class Response:
    """An HTTP answer; `length` may promise more than `body`, and `stream` follows it."""

    body: bytes
    status: int = 200
    content_type: str = soap.CONTENT_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None
    stream: Iterator[bytes] | None = None

    @property
    def length(self) -> int:
        return len(self.body) if self.promised is None else self.promised


@dataclass(frozen=True)
class Kind:
    """One way to misbehave; `taken`: does the operadora usually keep the message?"""

    words: str
    taken: bool
    act: Callable[["Handler", Response, str], None]


@dataclass(frozen=True)
class Misbehaviour:
    """A kind, its value, and whether the message is taken."""

    kind: str
    value: str
    taken: bool

    def perform(self, handler: "Handler", answer: Response) -> None:
        KINDS[self.kind].act(handler, answer, self.value)


def read(text: str) -> Misbehaviour:
    """The misbehaviour that a name describes; ValueError for an unknown one."""
    match = PATTERN.fullmatch(text.strip())
    kind = KINDS.get(match["kind"]) if match else None
    if kind is None:
        raise ValueError(f"Não existe {text!r}. Há: {', '.join(KINDS)}")
    taken = kind.taken if match["fate"] is None else match["fate"] == "taken"
    return Misbehaviour(match["kind"], match["value"] or "", taken)


class Script:
    """Which of the next messages are answered badly; `always` is for those of no other order."""

    def __init__(self, always: str = ""):
        self._lock = threading.Lock()
        self._always = read(always) if always else None
        self._orders: list[list] = []

    def add(self, text: str, service: str | None = None, times: int = 1) -> None:
        if service and service.lower() not in BY_NAME:
            raise ValueError(f"Não existe o serviço {service!r}")
        name = BY_NAME[service.lower()].name if service else None
        with self._lock:
            self._orders.append([read(text), name, times])

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()
            self._always = None

    def left(self) -> list[dict]:
        """What is still to come."""
        with self._lock:
            return [
                {"kind": bad.kind, "service": name, "times": times}
                for bad, name, times in self._orders
            ]

    def next(self, service: Service) -> Misbehaviour | None:
        return self._take(lambda bad, name: bad.kind != "tls" and name in (None, service.name))

    def take(self, kind: str) -> bool:
        """Is that kind in turn? For what happens before a request can be read."""
        return self._take(lambda bad, _name: bad.kind == kind) is not None

    def _take(self, fits: Callable[[Misbehaviour, str | None], bool]) -> Misbehaviour | None:
        with self._lock:
            for order in self._orders:
                if fits(order[0], order[1]):
                    order[2] -= 1
                    if not order[2]:
                        self._orders.remove(order)
                    return order[0]
            always = self._always
            return always if always and fits(always, None) else None


def _slow(handler: "Handler", answer: Response, value: str) -> None:
    handler.server.stopping.wait(float(value or 5))
    handler.send(answer if answer.body else _fault(UNEXPECTED))


def _silent(handler: "Handler", _answer: Response, value: str) -> None:
    handler.server.stopping.wait(float(value or FOREVER))
    handler.close_connection = True


def _die(handler: "Handler", _answer: Response, _value: str) -> None:
    handler.close_connection = True


def _truncated(handler: "Handler", answer: Response, value: str) -> None:
    """The header promises the whole answer; `value` is how much comes, in percent."""
    body = answer.body or PAGE
    kept = body[: len(body) * int(value or 50) // 100]
    handler.send(Response(kept, promised=len(body)))


def _huge(handler: "Handler", _answer: Response, value: str) -> None:
    """A good beginning, then blanks for ever; `value` is the size in MB."""
    size = int(value or 2048) * BLOCK
    block = b" " * BLOCK
    stream = (block for _ in range(size // BLOCK))
    opening = soap.DECLARATION + soap.OPENING
    handler.send(Response(opening, promised=len(opening) + size, stream=stream))


def _gzip_bomb(handler: "Handler", _answer: Response, value: str) -> None:
    """A small body that unpacks to `value` MB."""
    body = _bomb(int(value or 1024))
    handler.send(Response(body, headers={"Content-Encoding": "gzip"}))


@cache
def _bomb(size: int) -> bytes:
    """One packed MB of blanks, so often that packing all of them takes no time."""
    opening, blanks = soap.DECLARATION + soap.OPENING, b" " * BLOCK
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    head = packer.compress(opening) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(blanks) + packer.flush(zlib.Z_FULL_FLUSH)
    crc = zlib.crc32(opening)
    for _ in range(min(size, 64)):  # nobody comes to the end of a larger one
        crc = zlib.crc32(blanks, crc)
    length = (len(opening) + size * BLOCK) % 2**32
    return GZIP_HEAD + head + block * size + packer.flush() + struct.pack("<LL", crc, length)


def _tiss_fault(handler: "Handler", _answer: Response, value: str) -> None:
    """`value`: the code, and perhaps the HTTP status after a colon."""
    code, _, status = (value or UNEXPECTED).partition(":")
    handler.send(_fault(code, int(status or handler.server.fault_status)))


def _gateway_fault(handler: "Handler", _answer: Response, _value: str) -> None:
    handler.send(Response(soap.fault(None, "Backend indisponível", "Server"), 500))


def _fault(code: str, status: int = 500) -> Response:
    return Response(soap.fault(code, f"falha pedida: {code}"), status)


def _status(status: int, **headers: str) -> Callable[["Handler", Response, str], None]:
    def act(handler: "Handler", _answer: Response, _value: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = f"<html><body><h1>{status}</h1></body></html>".encode()
        handler.send(Response(body, status, "text/html", named))

    return act


def _redirect(handler: "Handler", _answer: Response, value: str) -> None:
    headers = {"Location": value or f"{handler.server.address}/login"}
    handler.send(Response(b"", 302, "text/html", headers))


def _plain(body: bytes, content_type: str) -> Callable[["Handler", Response, str], None]:
    return lambda handler, _answer, _value: handler.send(Response(body, 200, content_type))


def _changed(
    change: Callable[[bytes, str], bytes], content_type: str = soap.CONTENT_TYPE
) -> Callable[["Handler", Response, str], None]:
    """The usual answer, changed; one that is not there is that of a gateway."""

    def act(handler: "Handler", answer: Response, value: str) -> None:
        if answer.status != 200 or not answer.body:
            handler.send(answer if answer.body else _fault(UNEXPECTED))
            return
        handler.send(Response(change(answer.body, value), content_type=content_type))

    return act


def _duplicate(handler: "Handler", answer: Response, _value: str) -> None:
    """The protocol that another lote was given before."""
    operadoras = handler.server.directory.operadoras
    protocols = [each.protocol for one in operadoras for each in one.arrivals if each.protocol]
    before = protocols[-2] if len(protocols) > 1 else "1"
    _changed(lambda xml, _value: distortion.with_protocol(xml, before))(handler, answer, "")


def _gzipped(handler: "Handler", answer: Response, _value: str) -> None:
    headers = {"Content-Encoding": "gzip"}
    body = gzip.compress(answer.body, mtime=0)
    handler.send(Response(body, answer.status, headers=headers))


# Name → what it does, in the words of the index page.
KINDS = {
    "slow": Kind("responde, mas só depois de alguns segundos (slow=5)", True, _slow),
    "silent": Kind("recebe e nunca responde", True, _silent),
    "deaf": Kind("não guarda nada e nunca responde", False, _silent),
    "die": Kind("recebe e corta a ligação sem responder", True, _die),
    "drop": Kind("corta a ligação sem guardar nada", False, _die),
    "html": Kind("uma página de manutenção em vez da resposta", False, _plain(PAGE, "text/html")),
    "empty": Kind("resposta vazia", True, _plain(b"", soap.CONTENT_TYPE)),
    "text": Kind("um OK que não é XML", True, _plain(b"OK", "text/plain")),
    "truncated": Kind("a resposta cortada ao meio", True, _truncated),
    "encoding": Kind(
        "diz UTF-8 e escreve em ISO-8859-1",
        True,
        _changed(distortion.wrong_encoding, "text/xml; charset=UTF-8"),
    ),
    "bad-hash": Kind("hash errado na resposta", True, _changed(distortion.bad_hash)),
    "no-hash": Kind("resposta sem hash", True, _changed(distortion.no_hash)),
    "fault": Kind(
        f"tissFault (fault=HashInvalido; há {', '.join(sorted({*FAULTS.values(), UNEXPECTED}))})",
        False,
        _tiss_fault,
    ),
    "gateway-fault": Kind("soap:Fault que nada diz do TISS", False, _gateway_fault),
    "duplicate-protocol": Kind("dá o protocolo que outro lote recebeu", True, _duplicate),
    "other-lote": Kind("responde sobre outro lote", True, _changed(distortion.other_lote)),
    "older": Kind("resposta em versão mais antiga (4.01.00)", True, _changed(distortion.older)),
    "prefixes": Kind("outros prefixos, o mesmo conteúdo", True, _changed(distortion.prefixes)),
    "no-soap": Kind("a resposta sem envelope SOAP", True, _changed(distortion.no_soap)),
    "no-schema": Kind("resposta fora do esquema", True, _changed(distortion.no_schema)),
    "gzip": Kind("resposta comprimida com gzip", True, _gzipped),
    "500": Kind("erro HTTP 500", False, _status(500)),
    "503": Kind("erro HTTP 503", False, _status(503, Retry_After="120")),
    "401": Kind("erro HTTP 401", False, _status(401)),
    "404": Kind("erro HTTP 404", False, _status(404)),
    "403": Kind("erro HTTP 403", False, _status(403)),
    "redirect": Kind("manda para outro endereço", False, _redirect),
    "tls": Kind("recusa a ligação TLS (só com --tls)", False, _die),
    "huge": Kind("resposta sem fim, 2 GB (huge=MB)", False, _huge),
    "gzip-bomb": Kind("gzip pequeno que cresce a 1 GB (gzip-bomb=MB)", False, _gzip_bomb),
    "bomb": Kind("bomba de entidades XML", False, _plain(distortion.BOMB, soap.CONTENT_TYPE)),
    "dtd": Kind("DTD que pede um arquivo", False, _plain(distortion.DTD, soap.CONTENT_TYPE)),
    "deep": Kind(
        "elementos dentro de elementos, 100.000 vezes",
        False,
        _plain(distortion.DEEP, soap.CONTENT_TYPE),
    ),
}
