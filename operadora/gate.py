"""What keeps a message out before its content is read: sender, login, envelope (guide §§2, 7)."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from lxml import etree

from . import signatures
from .lote import MAX_GUIAS
from .message import ANS, sender
from .official import Schema
from .reception import Refusal, check_envelope, text
from .services import Service

# st_tissFault for what is wrong with a message as a whole; anything else is a mensagemErro.
FAULTS = {
    "unreadable": "SchemaInvalido",
    "schema": "SchemaInvalido",
    "version": "VersaoInvalida",
    "hash": "HashInvalido",
    "operadora": "DestinatarioInvalido",
    "sender": "RemetenteInvalido",
    "login": "LoginInvalido",
}
UNEXPECTED = "ErroInesperadoServidor"
LOGIN = "ans:cabecalho/ans:loginSenhaPrestador"


class Fault(Exception):
    """A tissFaultWS: one of the seven codes of st_tissFault and a text in Portuguese."""

    def __init__(self, code: str, detail: str):
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Gate:
    """`prestadores`: who may send, by identification; `logins`: password by login; None: all.

    `signed` holds what must be signed: signatures.MESSAGE, signatures.GUIA, both or nothing.
    """

    ans_code: str
    schema: Schema
    prestadores: Mapping[str, str] | None = None
    logins: Mapping[str, str] | None = None
    signed: frozenset[str] = frozenset()

    def check(
        self, root: etree._Element, service: Service, on: date, login: bool
    ) -> list[signatures.Finding]:
        """What the signatures are worth; Refusal for a message that is not opened."""
        check_envelope(root, self.schema, self.ans_code, on, service.transaction, MAX_GUIAS)
        if self.prestadores is not None and sender(root).value not in self.prestadores:
            raise Refusal("sender", "prestador não cadastrado")
        if login and self.logins is not None:
            self._check_login(root)
        findings = signatures.examine(root, on)
        self._check_signatures(root, findings)
        return findings

    def _check_signatures(self, root: etree._Element, findings: list[signatures.Finding]) -> None:
        """Where none is asked for, a bad one is only noted."""
        for each in findings:
            if each.kind in self.signed and each.problem:
                raise Refusal(each.reason, str(each))
        kinds = {each.kind for each in findings}
        if signatures.MESSAGE in self.signed - kinds:
            raise Refusal("no signature", "mensagem sem assinatura")
        if signatures.GUIA in self.signed:
            missing = signatures.unsigned_guias(root)
            if missing:
                raise Refusal("no signature", f"{missing} guias sem assinatura")

    def _check_login(self, root: etree._Element) -> None:
        """The password comes as the hexadecimal MD5 of it (guide §2.5)."""
        if root.find(LOGIN, ANS) is None:
            raise Refusal("login", "loginSenhaPrestador ausente")
        password = self.logins.get(text(root, f"{LOGIN}/ans:loginPrestador"))
        sent = text(root, f"{LOGIN}/ans:senhaPrestador").lower().encode()
        expected = hashlib.md5((password or "").encode(), usedforsecurity=False).hexdigest()
        if password is None or not hmac.compare_digest(sent, expected.encode()):
            raise Refusal("login", "login ou senha não conferem")
