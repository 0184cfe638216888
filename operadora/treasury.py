"""The demonstrativos: what was analysed and what was paid (guide §5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from random import Random

from lxml import etree

from . import answers, dental
from .answers import Protocol
from .ledger import Ledger
from .message import Prestador
from .official import Schema
from .services import Reply

MAX_DEMONSTRATIVOS = 30
ANALYSIS = "DEMONSTRATIVO_ANALISE_CONTA"
PAYMENT = "DEMONSTRATIVO_PAGAMENTO"
DENTAL = "DEMONSTRATIVO_ODONTOLOGIA"


@dataclass(frozen=True)
class Identity:
    """Who the operadora is: registro ANS, name and CNPJ, and the seed of its decisions."""

    ans_code: str
    name: str
    cnpj: str
    seed: str

    @cached_property
    def prefix(self) -> int:
        """Four digits that tell this operadora's numbers from those of another."""
        return 1000 + int(Random(self.seed).random() * 9000)


@dataclass(frozen=True)
class Issued:
    """One demonstrativo of payment that was issued."""

    transaction: str
    prestador: Prestador
    days: frozenset[date]
    content: etree._Element


class Treasury:
    """Issues demonstrativos on the protocols of the ledger."""

    def __init__(self, identity: Identity, ledger: Ledger, schema: Schema, taxes: bool):
        self.identity = identity
        self.ledger = ledger
        self.schema = schema
        self.taxes = taxes
        self.issued: list[Issued] = []
        self._count = 0

    def analysis(self, chosen: list[Protocol], issued_on: date) -> Reply:
        """One demonstrativoAnaliseConta for each identification under which the prestador sent."""
        groups: dict[Prestador, list[Protocol]] = {}
        for protocol in chosen:
            groups.setdefault(protocol.lote.prestador, []).append(protocol)
        if len(groups) > MAX_DEMONSTRATIVOS:
            raise ValueError(f"More than {MAX_DEMONSTRATIVOS} prestadores in one message")
        contents = [
            answers.analise(
                self._demonstrativo(number, issued_on),
                group,
                self.ledger.payments,
                self.schema.glosas,
            )
            for number, group in enumerate(groups.values(), self._count + 1)
        ]

        def register() -> None:
            self._count += len(contents)
            self.ledger.analysed.update(protocol.numero for protocol in chosen)

        return Reply(contents, register, ANALYSIS)

    def payment(
        self, chosen: list[Protocol], paid_on: date | Mapping[str, date], issued_on: date
    ) -> Reply:
        """The demonstrativoPagamento of protocols of one prestador."""
        days: dict[date, list[Protocol]] = {}
        for protocol in chosen:
            day = paid_on[protocol.numero] if isinstance(paid_on, Mapping) else paid_on
            days.setdefault(day, []).append(protocol)
        demonstrativo = self._demonstrativo(self._count + 1, issued_on)
        content = answers.pagamento(demonstrativo, days, self.taxes)
        return self._issue(PAYMENT, chosen, days, content)

    def appeal_payment(self, granted: list[Protocol], paid_on: date, issued_on: date) -> Reply:
        """The demonstrativoPagamento of what recursos of one prestador recovered."""
        demonstrativo = self._demonstrativo(self._count + 1, issued_on)
        days = {paid_on: granted}
        content = answers.pagamento(demonstrativo, days, self.taxes, answers.OF_APPEAL)
        return self._issue(PAYMENT, granted, days, content)

    def dental_payment(
        self,
        chosen: list[Protocol],
        paid_on: date,
        issued_on: date,
        cnpj: str,
        recurso: str = dental.INITIAL,
    ) -> Reply:
        """The demonstrativoPagamentoOdonto of dental protocols, or recursos, of one prestador."""
        number = self._count + 1
        demonstrativo = replace(
            self._demonstrativo(number, issued_on),
            numero=f"{self.identity.prefix}{number:08d}",  # two characters less than the medical
        )
        content = dental.pagamento_odonto(
            demonstrativo, chosen, paid_on=paid_on, cnpj=cnpj, taxes=self.taxes, recurso=recurso
        )
        return self._issue(DENTAL, chosen, (paid_on,), content)

    def choose_unpaid(self, protocols: Iterable[str]) -> list[Protocol]:
        """The protocols of one prestador that a demonstrativo may pay; ValueError for others."""
        chosen = self.ledger.choose(protocols)
        paid = self.ledger.payments.keys() & {protocol.numero for protocol in chosen}
        if paid:
            raise ValueError("Already paid: " + ", ".join(sorted(paid)))
        if len({protocol.lote.prestador for protocol in chosen}) > 1:
            raise ValueError("One payment is of one prestador")
        return chosen

    def _issue(
        self,
        transaction: str,
        chosen: list[Protocol],
        days: Iterable[date],
        content: etree._Element,
    ) -> Reply:
        issued = Issued(transaction, chosen[0].lote.prestador, frozenset(days), content)

        def register() -> None:
            self._count += 1
            self.issued.append(issued)

        return Reply(content, register, transaction)

    def _demonstrativo(self, number: int, issued_on: date) -> answers.Demonstrativo:
        identity = self.identity
        return answers.Demonstrativo(
            numero=f"{issued_on:%Y}{identity.prefix}{number:06d}",
            ans_code=identity.ans_code,
            name=identity.name,
            cnpj=identity.cnpj,
            issued_on=issued_on,
            rng=Random(f"{identity.seed}|demonstrativo|{number}"),
        )
