"""The simulated operadora: one object holds all its state, and every answer is bytes."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

from lxml import etree

from . import answers, official
from .lote import Lote, receive_lote
from .message import (
    ENCODING,
    UNKNOWN,
    InvalidAnswer,
    Prestador,
    Unreadable,
    element,
    envelope,
    parse,
    sender,
    write,
)
from .reception import REASONS, Refusal
from .verdict import LoteVerdict, decide

MAX_DEMONSTRATIVOS = 30


class Operadora:
    """An operadora that receives lotes, analyses them and pays.

    :param ans_code: registro ANS, six digits.
    :param name: up to 70 characters within Latin-1.
    :param cnpj: 14 characters without a mask.
    :param version: the one version of the standard that it speaks.
    :param seed: two operadoras with the same seed and history answer the same bytes.
    :param taxes: withhold IRRF, PIS, COFINS and CSLL from payments.
    :param schema_dir: folder of the official XSDs, by default those of the package `tiss`.
    :raises ValueError: bad identification, or no schema of that version (MissingSchema).
    """

    def __init__(
        self,
        ans_code: str,
        name: str,
        cnpj: str,
        version: str = "4.03.00",
        seed: int = 0,
        taxes: bool = True,
        schema_dir: str | Path | None = None,
    ):
        if not re.fullmatch("[0-9]{6}", ans_code):
            raise ValueError("The registro ANS of an operadora has six digits")
        if not re.fullmatch("[A-Z0-9]{12}[0-9]{2}", cnpj):
            raise ValueError("A CNPJ has 14 characters and no mask")
        if not 1 <= len(name.encode(ENCODING)) <= 70:
            raise ValueError("The name of an operadora has 1 to 70 characters")
        self.ans_code = ans_code
        self.name = name
        self.cnpj = cnpj
        self.version = version
        self.taxes = taxes
        self.schema = official.load(version, str(schema_dir) if schema_dir else None)
        self._seed = f"{ans_code}|{seed}"
        # Four digits that tell this operadora's numbers from those of another.
        self._prefix = 1000 + int(Random(self._seed).random() * 9000)
        self._sequence = 0
        self._demonstrativos = 0
        self._protocols: dict[str, answers.Protocol] = {}
        self._lotes: set[tuple[Prestador, str]] = set()
        self._guias: set[tuple[Prestador, str]] = set()
        self._payments: dict[str, tuple[frozenset[str], bytes]] = {}

    def receive(self, xml: bytes, received_on: date) -> bytes:
        """Judge an ENVIO_LOTE_GUIAS; answer PROTOCOLO_RECEBIMENTO with a protocol or an error.

        Nothing is registered when the lote is refused: it may come again under the same number.
        """
        prestador = UNKNOWN
        try:
            root = self._parse(xml)
            prestador = sender(root)
            lote = receive_lote(root, self.schema, self.ans_code, received_on)
            self._check_new(lote)
        except Refusal as refusal:
            return self._refuse(refusal, prestador, received_on)
        return self._accept(lote, received_on)

    def analysis(self, protocols: Iterable[str] | None = None, *, issued_on: date) -> bytes:
        """DEMONSTRATIVO_ANALISE_CONTA on `protocols`, by default on all that were received.

        One demonstrativo for each identification under which the prestador sent; the message
        is addressed to the first. ValueError for an unknown protocol, for none, and for more
        than 30 identifications.
        """
        chosen = self._choose(self._protocols if protocols is None else protocols)
        groups: dict[Prestador, list[answers.Protocol]] = {}
        for protocol in chosen:
            groups.setdefault(protocol.lote.prestador, []).append(protocol)
        if len(groups) > MAX_DEMONSTRATIVOS:
            raise ValueError(f"More than {MAX_DEMONSTRATIVOS} prestadores in one message")
        bodies = [
            answers.analise(
                self._demonstrativo(number, issued_on), group, self._payments, self.schema.glosas
            )
            for number, group in enumerate(groups.values(), self._demonstrativos + 1)
        ]
        body = element("demonstrativosRetorno", *bodies)
        xml = self._send("DEMONSTRATIVO_ANALISE_CONTA", body, next(iter(groups)), issued_on)
        self._demonstrativos += len(bodies)
        return xml

    def payment(
        self,
        protocols: Iterable[str] | None = None,
        *,
        paid_on: date | Mapping[str, date],
        issued_on: date,
        again: bool = False,
    ) -> bytes:
        """DEMONSTRATIVO_PAGAMENTO of `protocols`, by default of all that were not paid.

        `paid_on` may map each protocol to its own day. What was paid is paid: ValueError on a
        second time, unless `again` asks for the bytes of that very payment. ValueError too for
        an unknown protocol, for none, and for protocols of two prestadores.
        """
        if again:
            return self._paid_before(protocols)
        if protocols is None:
            protocols = [number for number in self._protocols if number not in self._payments]
        chosen = self._choose(protocols)
        numbers = frozenset(protocol.numero for protocol in chosen)
        if numbers & self._payments.keys():
            raise ValueError("Already paid: " + ", ".join(sorted(numbers & self._payments.keys())))
        if len({protocol.lote.prestador for protocol in chosen}) > 1:
            raise ValueError("One payment is of one prestador")
        days: dict[date, list[answers.Protocol]] = {}
        for protocol in chosen:
            day = paid_on[protocol.numero] if isinstance(paid_on, Mapping) else paid_on
            days.setdefault(day, []).append(protocol)
        demonstrativo = self._demonstrativo(self._demonstrativos + 1, issued_on)
        body = element("demonstrativosRetorno", answers.pagamento(demonstrativo, days, self.taxes))
        xml = self._send("DEMONSTRATIVO_PAGAMENTO", body, chosen[0].lote.prestador, issued_on)
        self._demonstrativos += 1
        self._payments.update(dict.fromkeys(numbers, (numbers, xml)))
        return xml

    @property
    def verdicts(self) -> dict[str, dict]:
        """What was decided, in Decimal reais, for tests to compare with.

        `{protocol: {informado, processado, liberado, guias: {numero: {informado, processado,
        liberado, motivos: [code], itens: {sequencialItem: {informado, processado, liberado,
        glosas: [(code, amount)]}}}}}}`. A glosa is informado − liberado at every level.
        """
        return {
            number: _verdict_values(protocol.verdict)
            for number, protocol in self._protocols.items()
        }

    def _parse(self, xml: bytes) -> etree._Element:
        try:
            return parse(xml)
        except Unreadable as error:
            raise Refusal("unreadable", str(error)) from error

    def _check_new(self, lote: Lote) -> None:
        if (lote.prestador, lote.numero) in self._lotes:
            raise Refusal("lote repeated", f"lote {lote.numero}")
        for guia in lote.guias:
            if (lote.prestador, guia.numero) in self._guias:
                raise Refusal("guia repeated", f"guia {guia.numero}")

    def _accept(self, lote: Lote, on: date) -> bytes:
        protocol = answers.Protocol(
            numero=f"{self._prefix}{len(self._protocols) + 1:06d}",
            received_on=on,
            lote=lote,
            verdict=decide(lote, self.schema, self._seed),
        )
        body = answers.recebimento(protocol, self.ans_code)
        xml = self._send("PROTOCOLO_RECEBIMENTO", body, lote.prestador, on)
        self._protocols[protocol.numero] = protocol
        self._lotes.add((lote.prestador, lote.numero))
        self._guias.update((lote.prestador, guia.numero) for guia in lote.guias)
        return xml

    def _refuse(self, refusal: Refusal, prestador: Prestador, on: date) -> bytes:
        code = self.schema.first_glosa(*REASONS[refusal.reason])
        text = f"{self.schema.glosas[code]} ({refusal.detail})"
        text = text.encode(ENCODING, "replace").decode(ENCODING)
        body = element("recebimentoLote", answers.motivo_glosa("mensagemErro", code, text))
        try:
            return self._send("PROTOCOLO_RECEBIMENTO", body, prestador, on)
        except InvalidAnswer:
            # The sender's identification may be the very thing that is wrong.
            return self._send("PROTOCOLO_RECEBIMENTO", body, UNKNOWN, on)

    def _choose(self, numbers: Iterable[str]) -> list[answers.Protocol]:
        numbers = list(dict.fromkeys(numbers))
        unknown = [number for number in numbers if number not in self._protocols]
        if unknown or not numbers:
            raise ValueError("Unknown protocol: " + (", ".join(unknown) or "none was given"))
        return [self._protocols[number] for number in numbers]

    def _paid_before(self, protocols: Iterable[str] | None) -> bytes:
        wanted = list(self._payments)[-1:] if protocols is None else list(protocols)
        payments = {self._payments.get(number) for number in wanted}
        found = payments.pop() if len(payments) == 1 else None
        if found is None or (protocols is not None and found[0] != set(wanted)):
            raise ValueError("These protocols were not paid together")
        return found[1]

    def _demonstrativo(self, number: int, issued_on: date) -> answers.Demonstrativo:
        return answers.Demonstrativo(
            numero=f"{issued_on:%Y}{self._prefix}{number:06d}",
            ans_code=self.ans_code,
            name=self.name,
            cnpj=self.cnpj,
            issued_on=issued_on,
            rng=Random(f"{self._seed}|demonstrativo|{number}"),
        )

    def _send(
        self, transaction: str, body: etree._Element, prestador: Prestador, on: date
    ) -> bytes:
        root = envelope(
            transaction,
            body,
            sequence=self._sequence + 1,
            on=on,
            ans_code=self.ans_code,
            prestador=prestador,
            version=self.version,
        )
        xml = write(root, self.schema)
        self._sequence += 1
        return xml


def _reais(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _verdict_values(verdict: LoteVerdict) -> dict:
    return {
        **_four_values(verdict),
        "guias": {
            guia.guia.numero: {
                **_four_values(guia),
                "motivos": list(guia.motivos),
                "itens": {
                    item.item.sequencial: {
                        **_four_values(item),
                        "glosas": [(code, _reais(cents)) for code, cents in item.glosas],
                    }
                    for item in guia.itens
                },
            }
            for guia in verdict.guias
        },
    }


def _four_values(part: object) -> dict[str, Decimal]:
    names = ("informado", "processado", "liberado")
    return {name: _reais(getattr(part, name)) for name in names}
