"""Which operadora a message is for: one, or as many as are addressed, for training."""

import threading
import zlib
from collections.abc import Callable

from lxml import etree

from .gate import Fault
from .official import MissingSchema
from .operadora import Operadora
from .reception import text

MOST = 100
# The registro ANS and the version of a message: the operadora that answers it.
Maker = Callable[[str, str], Operadora]


class Directory:
    """The operadoras of a server; with `make`, one comes to be when it is first written to."""

    def __init__(self, operadora: Operadora | None = None, make: Maker | None = None):
        self._known: dict[tuple[str, str], Operadora] = {}
        self._only = operadora
        self._make = make
        self._lock = threading.Lock()

    @property
    def operadoras(self) -> list[Operadora]:
        return [self._only] if self._only else list(self._known.values())

    @property
    def fixed(self) -> bool:
        """Is it of one operadora only?"""
        return self._only is not None

    def pick(self, root: etree._Element) -> Operadora:
        """The operadora of a message; Fault when there is none and none can be made."""
        if self._only:
            return self._only
        ans_code = text(root, "ans:cabecalho/ans:destino/ans:registroANS")
        version = text(root, "ans:cabecalho/ans:Padrao")
        with self._lock:
            found = self._known.get((ans_code, version))
            if found is None:
                found = self._known[ans_code, version] = self._new(ans_code, version)
            return found

    def _new(self, ans_code: str, version: str) -> Operadora:
        if len(self._known) >= MOST:
            raise Fault("DestinatarioInvalido", f"mais de {MOST} operadoras neste servidor")
        try:
            return self._make(ans_code, version)
        except MissingSchema as error:
            raise Fault("VersaoInvalida", f"versão {version!r} não instalada") from error
        except ValueError as error:
            raise Fault("DestinatarioInvalido", "destino sem registro ANS") from error


def invented_cnpj(ans_code: str) -> str:
    """A number of 14 digits for an operadora of which only the registro ANS is known."""
    base = f"{zlib.crc32(ans_code.encode()) % 10**8:08d}0001"
    for weights in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        rest = sum(int(digit) * weight for digit, weight in zip(base, weights, strict=True)) % 11
        base += str(0 if rest < 2 else 11 - rest)
    return base
