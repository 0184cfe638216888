"""The counter of the operadora: requests, annexes, notices, documents and cancellations.

Each service reads one body and replies with the content of its answer. Nothing is registered
until the answer is on its way: a reply carries what is to be noted then.
"""

from collections.abc import Callable, Mapping
from datetime import date
from random import Random

from lxml import etree

from . import annex_answers, cancellation, receipts
from .annex_answers import AnnexRecord
from .annexes import INICIAL, Annex, check_annex, opme_items, read_annex
from .authorizations import Answer
from .book import Authorization, Book
from .decisions import decide_annex, decide_request
from .ledger import Ledger
from .message import ANS, Prestador
from .official import Schema
from .receipts import Document, Stays
from .reception import Refusal, first_repeated, text
from .requests import PRORROGACAO, Request, number_items, read_request
from .services import Reply
from .treasury import Identity


class Desk:
    """What is not a lote of guias; `names` are those of the bearers by card."""

    def __init__(
        self, identity: Identity, schema: Schema, names: Mapping[str, str], ledger: Ledger
    ):
        self.ans_code = identity.ans_code
        self.schema = schema
        self.ledger = ledger
        self.book = Book()
        self.stays = Stays()
        self.annexes: dict[tuple[Prestador, str], AnnexRecord] = {}
        self.documents: dict[tuple[Prestador, str], Document] = {}
        self._annex_lotes: set[tuple[Prestador, str]] = set()
        self._request_annexes: set[tuple[Prestador, str]] = set()
        self._seed = identity.seed
        self._prefix = identity.prefix
        self._names = names
        self._given = 0

    def request(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """solicitacaoProcedimento → autorizacaoServicos (guide §5.6)."""
        request = read_request(node[0], prestador, self.ans_code, on)
        if self.book.is_taken(prestador, request.numero):
            raise Refusal("guia repeated", f"guia {request.numero}")
        for annex in request.annexes:
            self._check_new_annex(prestador, annex)
        over = self._stay_is_over(request)
        numero, senha = self._numbers(1)
        authorization = Authorization(
            numero=numero,
            senha=senha,
            request=request,
            asked_on=on,
            decision=decide_request(request, self.schema, self._seed, on, over),
        )

        def register() -> None:
            self._given += 1
            self.book.add(authorization)
            self._request_annexes.update((prestador, each.numero) for each in request.annexes)

        return Reply(self._answer(authorization, on), register, number=numero)

    def request_status(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """solicitaStatusAutorizacao → situacaoAutorizacao."""
        if text(node, "ans:identificacaoSolicitacao/ans:registroANS") != self.ans_code:
            raise Refusal("operadora", "identificacaoSolicitacao")
        numero = text(node, "ans:identificacaoSolicitacao/ans:numeroGuiaPrestador")
        carteira = text(node, "ans:dadosBeneficiario/ans:numeroCarteira")
        found = self.book.find_for(prestador, numero, carteira)
        if found is None:
            raise Refusal("request not found", f"guia {numero}")
        return Reply(self._answer(found, on))

    def annex_lote(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """loteAnexos → recebimentoAnexo (guide §3.9)."""
        lote = text(node, "ans:numeroLote")
        if (prestador, lote) in self._annex_lotes:
            raise Refusal("lote repeated", f"lote {lote}")
        annexes = [read_annex(each) for each in node.find("ans:AnexosGuiasTISS", ANS)]
        repeated = first_repeated(annex.numero for annex in annexes)
        if repeated is not None:
            raise Refusal("guia repeated", f"anexo {repeated} mais de uma vez no lote")
        protocolo = f"A{self._prefix}{len(self._annex_lotes) + 1:06d}"
        records = [
            self._record(annex, prestador, lote, protocolo, place, on)
            for place, annex in enumerate(annexes, 1)
        ]

        def register() -> None:
            self._given += len(records)
            self._annex_lotes.add((prestador, lote))
            for each in records:
                self.annexes[prestador, each.annex.numero] = each
                found = self.book.find(prestador, each.annex.referenciada)
                if found and each.decision:
                    self.book.add_materials(found, each.decision.outcome.itens)

        content = annex_answers.recebimento(records, on, self.ans_code, self.schema)
        return Reply(content, register, number=protocolo)

    def notice(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """comunicacaoInternacao → reciboComunicacao (guide §4.5)."""
        notice = self.stays.read(node, prestador, self.schema, on)
        content = receipts.recibo_comunicacao(node, notice, self.nome(notice.carteira))
        return Reply(content, lambda: self.stays.add(notice))

    def document(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """envioDocumentos → recebimentoDocumentos; a request that waited for it is decided."""
        protocolo = f"D{self._prefix}{len(self.documents) + 1:06d}"
        document = receipts.read_document(node, prestador, protocolo)
        place = (prestador, document.numero)
        if place in self.documents:
            raise Refusal("number repeated", f"documento {document.numero}")
        # The one key that only the operadora gives: it must be one of its own.
        lote = document.links.get("numeroProtocolo")
        if lote is not None and not self._knows_protocol(lote):
            raise Refusal("protocol not found", f"protocolo {lote}")

        def register() -> None:
            self.documents[place] = document
            for name in ("numeroGuiaPrestador", "numeroGuiaOperadora"):
                found = self.book.find(prestador, document.links.get(name))
                if found and document.natureza == receipts.REQUEST:
                    self.book.document_arrived(found, on)

        return Reply(receipts.recibo_documento(node, document), register, number=protocolo)

    def cancel(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """cancelaGuia → reciboCancelaGuia (guide §4.3)."""
        lines, actions, seen = [], [], set()
        for wanted in cancellation.read_cancellation(node):
            status, action = self._may_cancel(wanted, prestador)
            if (wanted.tipo, wanted.numero) in seen and status == cancellation.DONE:
                status = cancellation.NOT_DONE
            elif action:
                actions.append(action)
            seen.add((wanted.tipo, wanted.numero))
            lines.append((wanted, status))

        def register() -> None:
            for action in actions:
                action()

        return Reply(cancellation.recibo(node, lines, self.ans_code), register)

    def nome(self, carteira: str) -> str:
        """The bearer's name in the operadora's file, made up for a card that it was not told."""
        return self._names.get(carteira, f"BENEFICIARIO DA CARTEIRA {carteira}")

    def _answer(self, authorization: Authorization, on: date) -> etree._Element:
        nome = self.nome(authorization.request.carteira)
        return Answer(authorization, on, nome, self.schema).element()

    def _numbers(self, place: int) -> tuple[str, str]:
        """The number and the senha of the next guia but `place - 1`."""
        count = self._given + place
        secret = int(Random(f"{self._seed}|senha|{count}").random() * 10_000)
        return f"{self._prefix}{count:08d}", f"{secret:04d}{self._prefix}{count:06d}"

    def _stay_is_over(self, request: Request) -> bool:
        if request.kind != PRORROGACAO:
            return False
        prestador, carteira = request.prestador, request.carteira
        self.book.find_for(prestador, request.referenciada, carteira)
        return self.stays.discharged(prestador, carteira, request.requested_on)

    def _check_new_annex(self, prestador: Prestador, annex: Annex) -> None:
        place = (prestador, annex.numero)
        if place in self.annexes or place in self._request_annexes:
            raise Refusal("guia repeated", f"anexo {annex.numero}")

    def _record(
        self, annex: Annex, prestador: Prestador, lote: str, protocolo: str, place: int, on: date
    ) -> AnnexRecord:
        check_annex(annex, self.ans_code, on)
        self._check_new_annex(prestador, annex)
        linked = self.book.find_for(prestador, annex.referenciada, annex.carteira)
        numero, senha = self._numbers(place)
        if linked and linked.granted_on(on):
            senha = linked.senha
        decision = None
        if annex.kind != INICIAL:
            itens = tuple(number_items(opme_items(annex.node)))
            decision = decide_annex(annex, itens, self.schema, self._seed, on)
        nome = self.nome(annex.carteira)
        return AnnexRecord(annex, prestador, lote, protocolo, numero, senha, decision, nome)

    def _knows_protocol(self, numero: str) -> bool:
        annexes = {record.protocolo for record in self.annexes.values()}
        return numero in self.ledger.protocols or numero in annexes

    def _may_cancel(
        self, wanted: cancellation.Wanted, prestador: Prestador
    ) -> tuple[str, Callable[[], None] | None]:
        """T46, and what to do when it is done."""
        if wanted.tipo in (None, cancellation.BILLED):
            status = self.ledger.may_cancel(wanted, prestador)
            if status != cancellation.DONE:
                return status, None
            return status, lambda: self.ledger.cancel(wanted, prestador, self.book.release)
        found = self.book.find(prestador, wanted.numero)
        if wanted.tipo != cancellation.REQUEST or found is None:
            return cancellation.NO_GUIA, None
        if found.cancelled or self.book.is_used(found):
            return cancellation.NOT_DONE, None
        return cancellation.DONE, lambda: self.book.cancel(found)
