"""What reached the operadora, whatever became of it: for tests and training to count."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date

from lxml import etree

from .message import ANS
from .reception import body_of, text
from .services import Service

SEQUENCE = "ans:cabecalho/ans:identificacaoTransacao/ans:sequencialTransacao"
TAKEN, REFUSED, FAULT, LOST = "taken", "refused", "fault", "lost"
NUMBERS = (
    "numeroLote",
    "numeroGuiaRecGlosaPrestador",
    "numeroGuiaPrestador",
    "numeroDocumento",
    "numeroProtocolo",
    "numeroCarteira",
)
# Where a number must not leave the operadora: it tells about a patient.
PRIVATE = ("numeroCarteira",)


@dataclass(frozen=True)
class Arrival:
    """One message that arrived.

    `channel` is `file` or `service`, `number` the first number that its content carries. `outcome`
    is taken, refused, fault, or lost: it came to the door and no further. `reason` is a key of
    reception.REASONS, `protocol` what the operadora gave, `signatures` what it found of each.
    """

    channel: str
    transaction: str
    sequence: str
    number: str
    on: date
    outcome: str
    reason: str | None = None
    detail: str | None = None
    protocol: str | None = None
    signatures: tuple[str, ...] = ()

    def values(self) -> dict:
        """As JSON writes it."""
        return {**asdict(self), "on": self.on.isoformat()}


class Arrivals(list):
    """Every message in the order of its arrival."""

    def lotes(self, *outcomes: str) -> Counter:
        """How often each lote of guias arrived, under its number; perhaps only with an outcome."""
        return self.count_by("ENVIO_LOTE_GUIAS", *outcomes)

    def count_by(self, transaction: str, *outcomes: str) -> Counter:
        return Counter(
            each.number
            for each in self
            if each.transaction == transaction and (not outcomes or each.outcome in outcomes)
        )


def describe(root: etree._Element | None, service: Service) -> dict:
    """What an arrival says of the message itself."""
    body = None if root is None else body_of(root)
    found = None
    if body is not None:
        wanted = {f"{{{ANS['ans']}}}{name}" for name in NUMBERS}
        found = next((node for node in body.iter() if node.tag in wanted), None)
    number = "" if found is None else found.text or ""
    if found is not None and etree.QName(found).localname in PRIVATE:
        number = ""
    return {
        "transaction": service.transaction,
        "sequence": "" if root is None else text(root, SEQUENCE),
        "number": number,
    }
