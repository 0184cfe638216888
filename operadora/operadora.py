"""The simulated operadora: one object holds all its state, and every answer is bytes."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from random import Random

from lxml import etree

from . import answers, dental, official, views
from .desk import Desk
from .ledger import Ledger
from .lote import MAX_GUIAS, Lote, receive_lote
from .message import (
    ANS,
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
from .receipts import Document, Notice
from .reception import REASONS, Refusal, body_of, check_envelope
from .verdict import decide

MAX_DEMONSTRATIVOS = 30
ODONTO_ANSWER = "AUTORIZACAO_ODONTOLOGIA"


@dataclass(frozen=True)
class Service:
    """One transaction, the element and the transaction of its answer, and who gives it."""

    transaction: str
    answer: str
    reply: str
    handler: Callable | None = None


LOTE = Service("ENVIO_LOTE_GUIAS", "recebimentoLote", "PROTOCOLO_RECEBIMENTO")
# By the body, as the standard's receivers do; the transaction must then agree (guide §2.2).
SERVICES = {
    "solicitacaoProcedimento": Service(
        "SOLICITACAO_PROCEDIMENTOS", "autorizacaoServicos", "RESPOSTA_SOLICITACAO", Desk.request
    ),
    "solicitaStatusAutorizacao": Service(
        "SOLICITA_STATUS_AUTORIZACAO",
        "situacaoAutorizacao",
        "STATUS_AUTORIZACAO",
        Desk.request_status,
    ),
    "loteAnexos": Service(
        "ENVIO_ANEXO", "recebimentoAnexo", "PROTOCOLO_RECEBIMENTO_ANEXO", Desk.annex_lote
    ),
    "comunicacaoInternacao": Service(
        "COMUNICACAO_BENEFICIARIO", "reciboComunicacao", "RECIBO_COMUNICACAO", Desk.notice
    ),
    "envioDocumentos": Service(
        "ENVIO_DOCUMENTO", "recebimentoDocumentos", "RECEBIMENTO_DOCUMENTO", Desk.document
    ),
    "cancelaGuia": Service(
        "CANCELA_GUIA", "reciboCancelaGuia", "CANCELAMENTO_GUIA_RECIBO", Desk.cancel
    ),
}


class Operadora:
    """An operadora that authorises, receives lotes, analyses them and pays.

    :param ans_code: registro ANS, six digits.
    :param name: up to 70 characters within Latin-1.
    :param cnpj: 14 characters without a mask.
    :param version: the one version of the standard that it speaks.
    :param seed: two operadoras with the same seed and history answer the same bytes.
    :param taxes: withhold IRRF, PIS, COFINS and CSLL from payments.
    :param names: the bearers' names by card, for the answers that carry one.
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
        names: Mapping[str, str] | None = None,
    ):
        if not re.fullmatch("[0-9]{6}", ans_code):
            raise ValueError("The registro ANS of an operadora has six digits")
        if not re.fullmatch("[A-Z0-9]{12}[0-9]{2}", cnpj):
            raise ValueError("A CNPJ has 14 characters and no mask")
        for each in (name, *(names or {}).values()):
            if not 1 <= len(each.encode(ENCODING)) <= 70:
                raise ValueError("A name has 1 to 70 characters")
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
        self._ledger = Ledger()
        self._desk = Desk(
            ans_code, self.schema, self._seed, self._prefix, dict(names or {}), self._ledger
        )

    def receive(self, xml: bytes, received_on: date) -> bytes:
        """Judge a message of a prestador and answer it; what the body is decides (guide §2.2).

        A lote is answered by its protocol, a request by its authorisation, annexes, notices,
        documents and cancellations by their receipts; what cannot be taken, by a mensagemErro.
        Nothing is registered when a message is refused: it may come again under the same number.
        """
        prestador, service = UNKNOWN, LOTE
        try:
            root = self._parse(xml)
            prestador, service = sender(root), _service(root)
            if service.handler is None:
                lote = receive_lote(root, self.schema, self.ans_code, received_on)
                self._ledger.check_new(lote)
                return self._accept(lote, received_on)
            check_envelope(
                root, self.schema, self.ans_code, received_on, service.transaction, MAX_GUIAS
            )
            reply = service.handler(self._desk, body_of(root), prestador, received_on)
        except Refusal as refusal:
            return self._refuse(refusal, service, prestador, received_on)
        body = element(service.answer, reply.content)
        answer = self._send(service.reply, body, prestador, received_on)
        reply.register()
        return answer

    def analysis(self, protocols: Iterable[str] | None = None, *, issued_on: date) -> bytes:
        """DEMONSTRATIVO_ANALISE_CONTA on `protocols`, by default on all that were received.

        One demonstrativo for each identification under which the prestador sent; the message
        is addressed to the first. ValueError for an unknown protocol, for none, and for more
        than 30 identifications.
        """
        chosen = self._ledger.choose(self._ledger.protocols if protocols is None else protocols)
        groups: dict[Prestador, list[answers.Protocol]] = {}
        for protocol in chosen:
            groups.setdefault(protocol.lote.prestador, []).append(protocol)
        if len(groups) > MAX_DEMONSTRATIVOS:
            raise ValueError(f"More than {MAX_DEMONSTRATIVOS} prestadores in one message")
        bodies = [
            answers.analise(
                self._demonstrativo(number, issued_on),
                group,
                self._ledger.payments,
                self.schema.glosas,
            )
            for number, group in enumerate(groups.values(), self._demonstrativos + 1)
        ]
        body = element("demonstrativosRetorno", *bodies)
        xml = self._send("DEMONSTRATIVO_ANALISE_CONTA", body, next(iter(groups)), issued_on)
        self._demonstrativos += len(bodies)
        self._ledger.analysed.update(protocol.numero for protocol in chosen)
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
            return self._ledger.paid_before(protocols)
        if protocols is None:
            protocols = [
                number for number in self._ledger.protocols if number not in self._ledger.payments
            ]
        chosen = self._choose_unpaid(protocols)
        days: dict[date, list[answers.Protocol]] = {}
        for protocol in chosen:
            day = paid_on[protocol.numero] if isinstance(paid_on, Mapping) else paid_on
            days.setdefault(day, []).append(protocol)
        demonstrativo = self._demonstrativo(self._demonstrativos + 1, issued_on)
        body = element("demonstrativosRetorno", answers.pagamento(demonstrativo, days, self.taxes))
        xml = self._send("DEMONSTRATIVO_PAGAMENTO", body, chosen[0].lote.prestador, issued_on)
        self._demonstrativos += 1
        self._ledger.pay(chosen, xml)
        return xml

    def dental_payment(
        self, protocols: Iterable[str], *, paid_on: date, issued_on: date, cnpj: str
    ) -> bytes:
        """DEMONSTRATIVO_ODONTOLOGIA, which analyses and pays dental `protocols` in one file.

        `cnpj` is the prestador's. ValueError as for `payment`, and for a lote that is not dental.
        """
        chosen = self._choose_unpaid(protocols)
        medical = [each.numero for each in chosen if not dental.is_dental(each)]
        if medical:
            raise ValueError("Not dental: " + ", ".join(medical))
        number = self._demonstrativos + 1
        demonstrativo = replace(
            self._demonstrativo(number, issued_on),
            numero=f"{self._prefix}{number:08d}",  # two characters less than the medical ones
        )
        body = element(
            "demonstrativosRetorno",
            dental.pagamento_odonto(
                demonstrativo,
                chosen,
                paid_on=paid_on,
                cnpj=cnpj,
                taxes=self.taxes,
            ),
        )
        xml = self._send("DEMONSTRATIVO_ODONTOLOGIA", body, chosen[0].lote.prestador, issued_on)
        self._demonstrativos += 1
        self._ledger.pay(chosen, xml)
        return xml

    @property
    def verdicts(self) -> dict[str, dict]:
        """What was decided, in Decimal reais, for tests to compare with.

        `{protocol: {informado, processado, liberado, guias: {numero: {informado, processado,
        liberado, motivos: [code], itens: {sequencialItem: {informado, processado, liberado,
        glosas: [(code, amount)]}}}}}}`. A glosa is informado − liberado at every level.
        """
        return {
            number: views.verdict_values(protocol.verdict)
            for number, protocol in self._ledger.protocols.items()
        }

    @property
    def authorizations(self) -> dict[str, dict]:
        """What was decided on each request, by numeroGuiaOperadora, even where not yet told.

        `{kind, numero, carteira, asked_on, waiting, decided_on, status, senha, valid_until,
        diarias, motivos: [code], itens: {sequencialItem: {tabela, codigo, solicitada,
        autorizada, motivo}}}`.
        """
        found = self._desk.book.authorizations
        return {number: views.authorization_values(each) for number, each in found.items()}

    @property
    def annexes(self) -> dict[str, dict]:
        """The annexes of ENVIO_ANEXO by numeroGuiaOperadora: kind, referenciada, status, itens…"""
        return {each.numero: views.annex_values(each) for each in self._desk.annexes.values()}

    @property
    def notices(self) -> list[Notice]:
        """The admissions and discharges told, in order, with the reason where not accepted."""
        return list(self._desk.stays.notices)

    @property
    def documents(self) -> dict[str, Document]:
        """The documents taken, by the protocol that each was given."""
        return {each.protocolo: each for each in self._desk.documents.values()}

    def _choose_unpaid(self, protocols: Iterable[str]) -> list[answers.Protocol]:
        """The protocols of one prestador that a demonstrativo may pay; ValueError for others."""
        chosen = self._ledger.choose(protocols)
        numbers = frozenset(protocol.numero for protocol in chosen)
        if numbers & self._ledger.payments.keys():
            raise ValueError(
                "Already paid: " + ", ".join(sorted(numbers & self._ledger.payments.keys()))
            )
        if len({protocol.lote.prestador for protocol in chosen}) > 1:
            raise ValueError("One payment is of one prestador")
        return chosen

    def _parse(self, xml: bytes) -> etree._Element:
        try:
            return parse(xml)
        except Unreadable as error:
            raise Refusal("unreadable", str(error)) from error

    def _accept(self, lote: Lote, on: date) -> bytes:
        rulings = self._desk.book.rulings(lote, self.schema, on)
        protocol = answers.Protocol(
            numero=f"{self._prefix}{self._ledger.received + 1:06d}",
            received_on=on,
            lote=lote,
            verdict=decide(lote, self.schema, self._seed, rulings),
        )
        body = answers.recebimento(protocol, self.ans_code)
        xml = self._send(LOTE.reply, body, lote.prestador, on)
        self._ledger.add(protocol)
        self._desk.book.consume(lote.prestador, rulings)
        return xml

    def _refuse(self, refusal: Refusal, service: Service, prestador: Prestador, on: date) -> bytes:
        code = self.schema.first_glosa(*REASONS[refusal.reason])
        text = f"{self.schema.glosas[code]} ({refusal.detail})"
        text = text.encode(ENCODING, "replace").decode(ENCODING)
        body = element(service.answer, answers.motivo_glosa("mensagemErro", code, text))
        try:
            return self._send(service.reply, body, prestador, on)
        except InvalidAnswer:
            # The sender's identification may be the very thing that is wrong.
            return self._send(service.reply, body, UNKNOWN, on)

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


def _service(root: etree._Element) -> Service:
    """What the body asks for; anything unknown is judged as a lote would be."""
    body = body_of(root)
    name = "" if body is None else etree.QName(body).localname
    service = SERVICES.get(name, LOTE)
    if body is not None and name == "solicitacaoProcedimento":
        if body.find("ans:solicitacaoOdontologia", ANS) is not None:
            return replace(service, reply=ODONTO_ANSWER)
    return service
