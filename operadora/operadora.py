"""The simulated operadora: one object holds all its state, and every answer is bytes."""

import re
import zlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from lxml import etree

from . import answers, dental, official, views
from .appeals import Appeal, AppealReader
from .desk import Desk
from .eligibility import Eligibility
from .exchange import Exchange
from .gate import Gate
from .ledger import Ledger
from .lote import read_lote
from .message import ENCODING, Prestador
from .receipts import Document, Notice
from .recoveries import recovered, with_items
from .retrieval import Retrieval
from .second_look import SecondLook
from .services import Reply, Service
from .signing import Signer
from .statuses import Statuses
from .treasury import Identity, Treasury
from .verdict import decide, withhold


class Operadora:
    """An operadora that authorises, receives lotes, analyses them and pays.

    Its methods may be called by several threads.

    :param ans_code: registro ANS, six digits.
    :param name: up to 70 characters within Latin-1.
    :param cnpj: 14 characters without a mask.
    :param version: the one version of the standard that it speaks.
    :param seed: two operadoras with the same seed and history answer the same bytes.
    :param taxes: withhold IRRF, PIS, COFINS and CSLL from payments.
    :param names: the bearers' names by card, for the answers that carry one.
    :param schema_dir: folder of the official XSDs, by default those of the package `tiss`.
    :param prestadores: CNPJ by the identification under which each may send; None: anybody.
    :param logins: password by login, which its web services then require; None: no login.
    :param signed: what must be signed: `message`, `guia`, both or nothing.
    :param key: PEM of a key and its certificate: with them it signs its answers.
    :param eligibility: by card, the code of Tabela 38 that refuses it, or None for a good one;
        of the other cards the seed decides.
    :param status_by_lote: a status may also be asked for by the prestador's number of the lote.
    :param analysis_days: days after its reception on which a lote's analysis may be asked for.
    :param payment_days: the same until it is paid without being told; None: only when told.
    :param appeal_days: days until a recurso is answered.
    :param appeal_limit: days after a lote's reception for recursos against it; None: no limit.
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
        prestadores: Mapping[str, str] | None = None,
        logins: Mapping[str, str] | None = None,
        signed: Iterable[str] = (),
        key: bytes | None = None,
        eligibility: Mapping[str, str | None] | None = None,
        status_by_lote: bool = False,
        analysis_days: int = 0,
        payment_days: int | None = None,
        appeal_days: int = 0,
        appeal_limit: int | None = None,
    ):
        _check_identification(ans_code, cnpj, name, *(names or {}).values())
        self.ans_code = ans_code
        self.name = name
        self.cnpj = cnpj
        self.version = version
        self.logins = dict(logins or {})
        self.schema = official.load(version, str(schema_dir) if schema_dir else None)
        self._identity = identity = Identity(ans_code, name, cnpj, f"{ans_code}|{seed}")
        self._payment_days = payment_days
        self._ledger = Ledger()
        self._treasury = Treasury(identity, self._ledger, self.schema, taxes)
        self._desk = Desk(identity, self.schema, dict(names or {}), self._ledger)
        reader = AppealReader(ans_code, self._ledger, appeal_limit)
        self._second_look = SecondLook(identity, reader, appeal_days)
        gate = Gate(ans_code, self.schema, prestadores, logins, frozenset(signed))
        handlers = self._make_handlers(dict(eligibility or {}), status_by_lote, analysis_days)
        signer = Signer(key) if key else None
        self._exchange = Exchange(ans_code, self.schema, gate, handlers, signer)
        self.arrivals = self._exchange.arrivals
        # Cents by guia number and item that prestadores collect of patients, told beforehand.
        self.copayments: dict[str, dict[int, int]] = {}

    def _make_handlers(
        self, eligibility: dict[str, str | None], status_by_lote: bool, analysis_days: int
    ) -> dict:
        """Who answers each transaction: content of the question → Reply, or Refusal."""
        cards = Eligibility(self._identity, self.schema, self._desk.nome, eligibility)
        self._statuses = Statuses(
            self.ans_code, self.schema, self._ledger, self._desk, status_by_lote
        )
        return {
            "ENVIO_LOTE_GUIAS": self._receive_lote,
            "ENVIO_ANEXO": self._desk.annex_lote,
            "RECURSO_GLOSA": self._second_look.receive,
            "SOLICITACAO_PROCEDIMENTOS": self._desk.request,
            "SOLICITA_STATUS_AUTORIZACAO": self._desk.request_status,
            "VERIFICA_ELEGIBILIDADE": cards.verify,
            "SOLIC_STATUS_PROTOCOLO": self._ask_status,
            "SOLIC_DEMONSTRATIVO_RETORNO": Retrieval(
                self._treasury, self.pay_due, analysis_days
            ).ask,
            "SOLIC_STATUS_RECURSO_GLOSA": self._second_look.ask,
            "CANCELA_GUIA": self._desk.cancel,
            "COMUNICACAO_BENEFICIARIO": self._desk.notice,
            "ENVIO_DOCUMENTO": self._desk.document,
        }

    def receive(self, xml: bytes, received_on: date) -> bytes:
        """Judge the file of a prestador and answer it; what the body is decides (guide §2.2).

        A lote is answered by its protocol, a request by its authorisation, annexes, notices,
        documents and cancellations by their receipts; what cannot be taken, by a mensagemErro.
        Nothing is registered when a message is refused: it may come again under the same number.
        """
        return self._exchange.receive_file(xml, received_on)

    def receive_service(self, service: Service, root: etree._Element, received_on: date) -> bytes:
        """The same for the element that a web service received: the bytes of its answer.

        :raises Fault: the message as a whole is not sound, which a fault says (guide §7.1).
        """
        return self._exchange.receive_service(service, root, received_on)

    def note_lost(self, service: Service, root: etree._Element | None, on: date) -> None:
        """A message reached the server and was lost before anybody read it."""
        self._exchange.note_lost(service, root, on)

    def analysis(self, protocols: Iterable[str] | None = None, *, issued_on: date) -> bytes:
        """DEMONSTRATIVO_ANALISE_CONTA on `protocols`, by default on all medical ones received.

        One demonstrativo for each identification under which the prestador sent; the message
        is addressed to the first. ValueError for an unknown protocol, for none, and for more
        than 30 identifications.
        """
        with self._exchange.lock:
            chosen = self._ledger.choose(self._medical() if protocols is None else protocols)
            reply = self._treasury.analysis(chosen, issued_on)
            return self._exchange.issue(reply, chosen[0].lote.prestador, issued_on)

    def payment(
        self,
        protocols: Iterable[str] | None = None,
        *,
        paid_on: date | Mapping[str, date],
        issued_on: date,
        again: bool = False,
    ) -> bytes:
        """DEMONSTRATIVO_PAGAMENTO of `protocols`, by default of all medical ones not yet paid.

        `paid_on` may map each protocol to its own day. What was paid is paid: ValueError on a
        second time, unless `again` asks for the bytes of that very payment. ValueError too for
        an unknown protocol, for none, and for protocols of two prestadores.
        """
        with self._exchange.lock:
            if again:
                return self._ledger.paid_before(protocols)
            if protocols is None:
                protocols = [n for n in self._medical() if n not in self._ledger.payments]
            chosen = self._treasury.choose_unpaid(protocols)
            reply = self._treasury.payment(chosen, paid_on, issued_on)
            xml = self._exchange.issue(reply, chosen[0].lote.prestador, issued_on)
            self._ledger.pay(chosen, xml)
            return xml

    def dental_payment(
        self, protocols: Iterable[str], *, paid_on: date, issued_on: date, cnpj: str
    ) -> bytes:
        """DEMONSTRATIVO_ODONTOLOGIA, which analyses and pays dental `protocols` in one file.

        `cnpj` is the prestador's. ValueError as for `payment`, and for a lote that is not dental.
        """
        with self._exchange.lock:
            chosen = self._treasury.choose_unpaid(protocols)
            medical = [each.numero for each in chosen if not dental.is_dental(each)]
            if medical:
                raise ValueError("Not dental: " + ", ".join(medical))
            reply = self._treasury.dental_payment(chosen, paid_on, issued_on, cnpj)
            xml = self._exchange.issue(reply, chosen[0].lote.prestador, issued_on)
            self._ledger.pay(chosen, xml)
            return xml

    def appeal_payment(
        self, appeals: Iterable[str] | None = None, *, paid_on: date, issued_on: date
    ) -> bytes:
        """DEMONSTRATIVO_PAGAMENTO of what recursos recovered, with tipoPagamento 2.

        `appeals` are their protocols, by default all that were answered and not paid; medical
        ones: see `dental_appeal_payment`. ValueError for others, for two prestadores, and where
        nothing was granted.
        """
        with self._exchange.lock:
            chosen = self._second_look.choose_unpaid(appeals, issued_on)
            granted = [protocol for protocol, _appeal, _judged in self._get_granted(chosen)]
            reply = self._treasury.appeal_payment(granted, paid_on, issued_on)
            return self._issue_recovery(reply, chosen, issued_on)

    def dental_appeal_payment(
        self,
        appeals: Iterable[str] | None = None,
        *,
        paid_on: date,
        issued_on: date,
        cnpj: str,
    ) -> bytes:
        """DEMONSTRATIVO_ODONTOLOGIA of what recursos against GTOs recovered, with recurso S.

        `cnpj` is the prestador's; the rest as for `appeal_payment`.
        """
        with self._exchange.lock:
            chosen = self._second_look.choose_unpaid(appeals, issued_on, dental=True)
            granted = [with_items(*each) for each in self._get_granted(chosen)]
            reply = self._treasury.dental_payment(
                granted, paid_on, issued_on, cnpj, dental.OF_APPEAL
            )
            return self._issue_recovery(reply, chosen, issued_on)

    def _get_granted(self, appeals: list[Appeal]) -> list[tuple]:
        """(what was recovered, recurso, what was decided) of recursos of one prestador."""
        judged = [(each, self._second_look.judge(each)) for each in appeals]
        found = [(recovered(*pair), *pair) for pair in judged]
        granted = [each for each in found if each[0]]
        if len({protocol.lote.prestador for protocol, *_rest in granted}) != 1:
            raise ValueError("One payment is of one prestador, and of something granted")
        return granted

    def _issue_recovery(self, reply: Reply, appeals: list[Appeal], on: date) -> bytes:
        xml = self._exchange.issue(reply, appeals[0].prestador, on)
        self._second_look.paid.update(each.numero for each in appeals)
        return xml

    def pay_due(self, on: date) -> None:
        """Pay each lote that was received `payment_days` ago, a demonstrativo a day and kind."""
        if self._payment_days is None:
            return
        with self._exchange.lock:
            groups: dict[tuple, list[str]] = {}
            for number, protocol in self._ledger.protocols.items():
                due = protocol.received_on + timedelta(self._payment_days)
                if due <= on and number not in self._ledger.payments:
                    key = (protocol.lote.prestador, dental.is_dental(protocol), due)
                    groups.setdefault(key, []).append(number)
            for (prestador, is_dental, due), numbers in groups.items():
                if is_dental:
                    cnpj = self._cnpj_of(prestador)
                    self.dental_payment(numbers, paid_on=due, issued_on=on, cnpj=cnpj)
                else:
                    self.payment(numbers, paid_on=due, issued_on=on)

    @property
    def verdicts(self) -> dict[str, dict]:
        """What was decided, in Decimal reais, for tests to compare with.

        `{protocol: {informado, processado, liberado, guias: {numero: {informado, processado,
        liberado, motivos: [code], itens: {sequencialItem: {informado, processado, liberado,
        glosas: [(code, amount)]}}}}}}`. A glosa is informado − liberado at every level.
        """
        with self._exchange.lock:
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
        with self._exchange.lock:
            found = self._desk.book.authorizations
            return {number: views.authorization_values(each) for number, each in found.items()}

    @property
    def annexes(self) -> dict[str, dict]:
        """The annexes of ENVIO_ANEXO by numeroGuiaOperadora: kind, referenciada, status, itens…"""
        with self._exchange.lock:
            return {each.numero: views.annex_values(each) for each in self._desk.annexes.values()}

    @property
    def notices(self) -> list[Notice]:
        """The admissions and discharges told, in order, with the reason where not accepted."""
        return list(self._desk.stays.notices)

    @property
    def appeals(self) -> dict[str, dict]:
        """What was decided on each recurso, by its protocol, even where not yet told.

        `{numero, protocolo, recursado, acatado, claims: [{guia, sequencial, codigo, recursado,
        acatado}]}`, amounts in Decimal reais.
        """
        with self._exchange.lock:
            return {
                number: views.appeal_values(each, self._second_look.judge(each))
                for number, each in self._second_look.appeals.items()
            }

    @property
    def documents(self) -> dict[str, Document]:
        """The documents taken, by the protocol that each was given."""
        with self._exchange.lock:
            return {each.protocolo: each for each in self._desk.documents.values()}

    def _ask_status(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        self.pay_due(on)
        return self._statuses.ask(node, prestador, on)

    def _cnpj_of(self, prestador: Prestador) -> str:
        """The dental demonstrativo must tell it; one is made up for a sender known by a code."""
        if prestador.tag != "codigoPrestadorNaOperadora":
            return prestador.value
        made_up = f"{zlib.crc32(prestador.value.encode()):014d}"
        known = self._exchange.gate.prestadores or {}
        return known.get(prestador.value) or made_up

    def _medical(self) -> list[str]:
        """Dental lotes have a demonstrativo of their own."""
        protocols = self._ledger.protocols
        return [number for number, each in protocols.items() if not dental.is_dental(each)]

    def _receive_lote(self, body: etree._Element | None, prestador: Prestador, on: date) -> Reply:
        """loteGuias → recebimentoLote (guide §§4, 5.1)."""
        lote = read_lote(body, prestador, self.ans_code, on)
        self._ledger.check_new(lote)
        rulings = self._desk.book.rulings(lote, self.schema, on)
        protocol = answers.Protocol(
            numero=f"{self._identity.prefix}{self._ledger.received + 1:06d}",
            received_on=on,
            lote=lote,
            verdict=withhold(
                decide(lote, self.schema, self._identity.seed, rulings), self.copayments
            ),
        )

        def register() -> None:
            self._ledger.add(protocol)
            self._desk.book.consume(lote.prestador, rulings)

        content = answers.recebimento(protocol, self.ans_code)
        return Reply(content, register, number=protocol.numero)


def _check_identification(ans_code: str, cnpj: str, *names: str) -> None:
    """ValueError where an answer could not carry it."""
    if not re.fullmatch("[0-9]{6}", ans_code):
        raise ValueError("The registro ANS of an operadora has six digits")
    if not re.fullmatch("[A-Z0-9]{12}[0-9]{2}", cnpj):
        raise ValueError("A CNPJ has 14 characters and no mask")
    for each in names:
        if not 1 <= len(each.encode(ENCODING)) <= 70:
            raise ValueError("A name has 1 to 70 characters")
