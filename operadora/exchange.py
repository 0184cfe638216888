"""A message in, its answer out: the same for a file and for a web service but for the names."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from lxml import etree

from . import answers
from .arrivals import FAULT, LOST, REFUSED, TAKEN, Arrival, Arrivals, describe
from .gate import FAULTS, Fault, Gate
from .message import (
    ANS,
    ENCODING,
    UNKNOWN,
    InvalidAnswer,
    Prestador,
    Unreadable,
    check_answer,
    element,
    file_message,
    header,
    parse,
    sender,
    service_message,
    write,
)
from .official import NS, Schema
from .reception import REASONS, Refusal, body_of
from .services import BY_BODY, LOTE, Reply, Service
from .signing import FILE_SIGNATURE, Signer

ODONTO_ANSWER = "AUTORIZACAO_ODONTOLOGIA"
FILE, SERVICE = "file", "service"
# The content of a question, who sent it, and when: its reply, or a Refusal.
Handler = Callable[[etree._Element | None, Prestador, date], Reply]


@dataclass(frozen=True)
class Question:
    """A message that arrived; `root` is None when it could not be read."""

    root: etree._Element | None
    service: Service
    channel: str
    on: date
    signatures: tuple[str, ...] = ()

    @property
    def prestador(self) -> Prestador:
        return UNKNOWN if self.root is None else sender(self.root)

    @property
    def body(self) -> etree._Element | None:
        return None if self.root is None else body_of(self.root)


class Exchange:
    """Opens messages, has them handled by transaction, and seals the answers."""

    def __init__(
        self,
        ans_code: str,
        schema: Schema,
        gate: Gate,
        handlers: Mapping[str, Handler],
        signer: Signer | None = None,
    ):
        self.ans_code = ans_code
        self.schema = schema
        self.gate = gate
        self.handlers = handlers
        self.signer = signer
        self.lock = threading.RLock()
        self.arrivals = Arrivals()
        self._sequence = 0

    def receive_file(self, xml: bytes, on: date) -> bytes:
        """The answer to a mensagemTISS, whose body says what it is (guide §2.2)."""
        question, refusal = Question(None, LOTE, FILE, on), None
        try:
            root = _parse(xml)
            question = Question(root, _service_of(root), FILE, on)
            findings = self.gate.check(root, question.service, on, login=False)
            question = replace(question, signatures=tuple(map(str, findings)))
        except Refusal as error:
            refusal = error
        return self._respond(question, refusal)

    def receive_service(self, service: Service, root: etree._Element, on: date) -> bytes:
        """The answer to the element that a web service received, or Fault."""
        question, refusal = Question(root, service, SERVICE, on), None
        try:
            if root.tag != f"{{{NS}}}{service.request}":
                raise Refusal("schema", f"{service.name} recebe {service.request}")
            findings = self.gate.check(root, service, on, login=True)
            question = replace(question, signatures=tuple(map(str, findings)))
        except Refusal as error:
            if error.reason in FAULTS:
                self._note(question, FAULT, error)
                raise Fault(FAULTS[error.reason], error.detail) from error
            refusal = error
        return self._respond(question, refusal)

    def note_lost(self, service: Service, root: etree._Element | None, on: date) -> None:
        """A message came that nobody read."""
        self._note(Question(root, service, SERVICE, on), LOST)

    def issue(self, reply: Reply, prestador: Prestador, on: date) -> bytes:
        """A demonstrativo as a file that nobody asked for."""
        body = element("demonstrativosRetorno", *reply.elements)
        xml = self._send(
            reply.transaction,
            prestador,
            on,
            lambda head: file_message(head, body),
            FILE_SIGNATURE,
        )
        reply.register()
        return xml

    def _respond(self, question: Question, refusal: Refusal | None) -> bytes:
        """The answer to a message that was opened, or that `refusal` keeps out."""
        with self.lock:
            try:
                if refusal:
                    raise refusal
                handler = self.handlers[question.service.transaction]
                reply = handler(question.body, question.prestador, question.on)
            except Refusal as error:
                self._note(question, REFUSED, error)
                return self._refuse(error, question)
            try:
                answer = self._answer(reply, question, question.prestador)
            except InvalidAnswer as error:
                self._note(question, FAULT, Refusal("answer", str(error)))
                raise
            reply.register()
            self._note(question, TAKEN, number=reply.number)
            return answer

    def _note(
        self,
        question: Question,
        outcome: str,
        refusal: Refusal | None = None,
        number: str | None = None,
    ) -> None:
        arrival = Arrival(
            **describe(question.root, question.service),
            channel=question.channel,
            on=question.on,
            outcome=outcome,
            reason=refusal.reason if refusal else None,
            detail=refusal.detail if refusal else None,
            protocol=number,
            signatures=question.signatures,
        )
        with self.lock:
            self.arrivals.append(arrival)

    def _refuse(self, refusal: Refusal, question: Question) -> bytes:
        code = self.schema.first_glosa(*REASONS[refusal.reason])
        text = f"{self.schema.glosas[code]} ({refusal.detail})"
        text = text.encode(ENCODING, "replace").decode(ENCODING)
        reply = Reply(answers.motivo_glosa("mensagemErro", code, text))
        try:
            return self._answer(reply, question, question.prestador)
        except InvalidAnswer:
            # The sender's identification may be the very thing that is wrong.
            return self._answer(reply, question, UNKNOWN)

    def _answer(self, reply: Reply, question: Question, prestador: Prestador) -> bytes:
        """The bytes of a reply, in the form in which its question came."""
        service = question.service
        transaction = reply.transaction or _reply_of(question)
        if question.channel == FILE:
            body = element(service.answer, *reply.elements)
            signature, wrap = FILE_SIGNATURE, partial(file_message, body=body)
        else:
            body = element(service.result, *(_renamed(each, service) for each in reply.elements))
            signature = f"{{{NS}}}{service.signature}"
            wrap = partial(service_message, service.response, body=body)
        return self._send(transaction, prestador, question.on, wrap, signature)

    def _send(
        self, transaction: str, prestador: Prestador, on: date, wrap: Callable, signature: str
    ) -> bytes:
        """The bytes of what `wrap` makes of a header; `signature`: the tag of one, if we sign."""
        head = header(
            transaction,
            sequence=self._sequence + 1,
            on=on,
            ans_code=self.ans_code,
            prestador=prestador,
            version=self.schema.version,
        )
        xml = write(wrap(head), self.schema)
        if self.signer:
            xml = self.signer.sign(xml, signature)
            check_answer(xml, self.schema)
        self._sequence += 1
        return xml


def _parse(xml: bytes) -> etree._Element:
    try:
        return parse(xml)
    except Unreadable as error:
        raise Refusal("unreadable", str(error)) from error


def _service_of(root: etree._Element) -> Service:
    """What the body of a file asks for; anything unknown is judged as a lote would be."""
    body = body_of(root)
    return LOTE if body is None else BY_BODY.get(etree.QName(body).localname, LOTE)


def _reply_of(question: Question) -> str:
    """The transaction of the answer, which for a dental request is another."""
    body = question.body
    if body is not None and body.find("ans:solicitacaoOdontologia", ANS) is not None:
        return ODONTO_ANSWER
    return question.service.reply


def _renamed(content: etree._Element, service: Service) -> etree._Element:
    name = service.renames.get(etree.QName(content).localname)
    if name:
        content.tag = f"{{{NS}}}{name}"
    return content
