"""A received recurso de glosa: what it contests, and why it is not taken (guide §§5.8, 6.4)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from lxml import etree

from .answers import Protocol
from .ledger import Ledger
from .message import ANS, Prestador
from .reception import Refusal, cents, check_past, text
from .verdict import GuiaVerdict

WHOLE_PROTOCOL = "1"  # objetoRecurso
MEDICAL = "guiaRecursoGlosa"


@dataclass(frozen=True)
class Claim:
    """One thing contested: an item, or by `sequencial` None a guia, or by `guia` None all.

    `recursado` in cents: what the prestador wants back, never more than was denied for `code`;
    several claims on one whole share it. `parent` is the node that names the guia.
    """

    guia: str | None
    sequencial: int | None
    code: str
    recursado: int
    justificativa: str
    node: etree._Element
    parent: etree._Element


@dataclass(frozen=True)
class Appeal:
    """One recurso that was taken, under the operadora's number."""

    numero: str
    numero_prestador: str
    prestador: Prestador
    protocol: Protocol
    received_on: date
    claims: tuple[Claim, ...]
    recursado: int
    node: etree._Element
    instance: int = 1

    @property
    def dental(self) -> bool:
        return etree.QName(self.node).localname != MEDICAL


class AppealReader:
    """Reads recursos on the protocols of the ledger; `days`: how long they may come after it."""

    def __init__(self, ans_code: str, ledger: Ledger, days: int | None):
        self.ans_code = ans_code
        self.ledger = ledger
        self.days = days

    def read(self, node: etree._Element, prestador: Prestador, numero: str, on: date) -> Appeal:
        """The recurso of a message; Refusal if it is not sound."""
        if text(node, "ans:registroANS") != self.ans_code:
            raise Refusal("operadora", "registroANS do recurso")
        check_past(node, ("dataRecurso",), on)
        protocol = self._protocol(node, prestador, on)
        total = cents(node, "ans:valorTotalRecursado")
        claims = _with_total(tuple(self._claims(node, protocol)), total)
        for claim in claims:
            if not claim.justificativa.strip():
                raise Refusal("no justification", claim.code)
        return Appeal(
            numero=numero,
            numero_prestador=text(node, "ans:numeroGuiaRecGlosaPrestador"),
            prestador=prestador,
            protocol=protocol,
            received_on=on,
            claims=claims,
            recursado=total,
            node=node,
        )

    def _protocol(self, node: etree._Element, prestador: Prestador, on: date) -> Protocol:
        """The protocol that is contested; the lote may be its own or a new number."""
        number = str(int(text(node, "ans:numeroProtocolo")))
        protocol = self.ledger.find(number, prestador)
        if protocol is None or number not in self.ledger.protocols:
            raise Refusal("protocol not found", f"protocolo {number}")
        lote = text(node, "ans:numeroLote")
        if not lote.isascii() or not lote.isdigit():
            raise Refusal("condition", "numeroLote do recurso não é um número")
        if lote != protocol.lote.numero and self.ledger.has_lote(prestador, lote):
            raise Refusal("another lote", f"lote {lote}")
        dental = etree.QName(node).localname != MEDICAL
        if dental != (protocol.lote.guias[0].tipo == "guiaOdonto"):
            raise Refusal("appeal", "recurso de outro tipo de guia")
        if self.days is not None and on > protocol.received_on + timedelta(self.days):
            raise Refusal("too late", f"prazo de {self.days} dias")
        return protocol

    def _claims(self, node: etree._Element, protocol: Protocol) -> Iterator[Claim]:
        whole = node.find("ans:opcaoRecurso/ans:recursoProtocolo", ANS)
        if (whole is not None) != (text(node, "ans:objetoRecurso") == WHOLE_PROTOCOL):
            raise Refusal("appeal", "objetoRecurso")
        if whole is not None:
            yield Claim(
                guia=None,
                sequencial=None,
                code=text(whole, "ans:codigoGlosaProtocolo"),
                recursado=protocol.verdict.glosa,
                justificativa=text(whole, "ans:justificativaProtocolo"),
                node=whole,
                parent=whole,
            )
            return
        verdicts = {each.guia.numero: each for each in protocol.verdict.guias}
        seen = set()
        for guia in node.findall("ans:opcaoRecurso/ans:recursoGuia", ANS):
            numero = text(guia, "ans:numeroGuiaOrigem") or text(guia, "ans:numeroGuiaPrestador")
            if numero not in verdicts:
                raise Refusal("another guia", f"guia {numero}")
            for claim in self._guia_claims(guia, numero, verdicts[numero]):
                key = (claim.guia, claim.sequencial, claim.code)
                if key in seen:
                    raise Refusal("appealed before", f"guia {numero} mais de uma vez no recurso")
                seen.add(key)
                yield claim

    def _guia_claims(
        self, guia: etree._Element, numero: str, verdict: GuiaVerdict
    ) -> Iterator[Claim]:
        """The items of a guia, or else the guia as a whole; the two forms say it differently."""
        lines = guia.findall("ans:opcaoRecursoGuia/ans:itensGuia", ANS)
        lines += guia.findall("ans:recursoProcedimento", ANS)
        if lines:
            for line in lines:
                yield self._item_claim(guia, line, numero, verdict)
            return
        for line in guia.findall("ans:opcaoRecursoGuia/ans:recursoGuiaCompleta", ANS) or [guia]:
            code = text(line, "ans:codGlosaGuia")
            if not verdict.glosa:
                raise Refusal("appeal", f"guia {numero} sem glosa")
            words = text(line, "ans:justificativaGuia")
            yield Claim(numero, None, code, verdict.glosa, words, line, guia)

    def _item_claim(
        self, guia: etree._Element, line: etree._Element, numero: str, verdict: GuiaVerdict
    ) -> Claim:
        sequencial = int(text(line, "ans:sequencialItem"))
        item = next((x for x in verdict.itens if x.item.sequencial == sequencial), None)
        code = text(line, "ans:codGlosaItem") or text(line, "ans:codGlosaProc")
        where = f"guia {numero}, item {sequencial}"
        if item is None:
            raise Refusal("appeal", f"{where}: não existe")
        # A guia denied as a whole leaves its items without a reason of their own.
        denied = dict(item.glosas).get(code, 0)
        if not item.glosas or code in verdict.motivos:
            denied = item.informado - item.liberado
        recursado = cents(line, "ans:valorRecursado")
        if not 0 < recursado <= denied:
            raise Refusal("appeal", f"{where}: valorRecursado acima da glosa {code}")
        words = text(line, "ans:justificativaItem") or text(line, "ans:justificativaProc")
        return Claim(numero, sequencial, code, recursado, words, line, guia)


def _with_total(claims: tuple[Claim, ...], total: int) -> tuple[Claim, ...]:
    """The claims, which must add up to `total`; of one whole, no more than was denied."""
    items = sum(each.recursado for each in claims if each.sequencial is not None)
    wholes = {each.guia: each.recursado for each in claims if each.sequencial is None}
    wanted = total - items
    if len(wholes) == 1 and 0 < wanted <= sum(wholes.values()):
        # A whole has no amount of its own: the total tells how much of it is contested.
        return tuple(
            each if each.sequencial is not None else replace(each, recursado=wanted)
            for each in claims
        )
    if wanted != sum(wholes.values()):
        raise Refusal("amount", "valorTotalRecursado")
    return claims
