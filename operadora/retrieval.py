"""The answer to who asks for demonstrativos (guide §5.2)."""

import copy
from collections.abc import Callable
from datetime import date, timedelta

from lxml import etree

from .answers import Protocol, is_dental
from .message import ANS, Prestador, element
from .reception import Refusal, day, text
from .services import Reply
from .statuses import IN_ANALYSIS
from .treasury import DENTAL, PAYMENT, Issued, Treasury

KINDS = {"1": PAYMENT, "3": DENTAL}  # tipoDemonstrativo
OF_ANALYSIS = "2"


class Retrieval:
    """`pay_due` pays what is due on a day; an analysis may be asked for after `analysis_days`."""

    def __init__(self, treasury: Treasury, pay_due: Callable[[date], None], analysis_days: int):
        self.treasury = treasury
        self.pay_due = pay_due
        self.analysis_days = analysis_days
        self._told: set[int] = set()
        self._asked = 0

    def ask(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """solicitacaoDemonstrativoRetorno → demonstrativosRetorno."""
        wanted = node[0]
        if day(wanted, "ans:dataSolicitacao") > on:
            raise Refusal("date", "dataSolicitacao")
        if etree.QName(wanted).localname == "demonstrativoAnalise":
            return self._analysis(wanted, prestador, on)
        return self._payment(wanted, prestador, on)

    def _analysis(self, wanted: etree._Element, prestador: Prestador, on: date) -> Reply:
        numbers = [each.text for each in wanted.findall("ans:protocolos/ans:numeroProtocolo", ANS)]
        chosen = [self._find(number, prestador) for number in dict.fromkeys(numbers)]
        ready = timedelta(self.analysis_days)
        late = next((each for each in chosen if each.received_on + ready > on), None)
        return self._wait(late, prestador, on) if late else self.treasury.analysis(chosen, on)

    def _find(self, number: str, prestador: Prestador) -> Protocol:
        ledger = self.treasury.ledger
        found = ledger.find(number, prestador)
        if found is None or number not in ledger.protocols:
            raise Refusal("protocol not found", f"protocolo {number}")
        if is_dental(found.lote):
            detail = f"protocolo {number}: peça o demonstrativo de pagamento odontológico"
            raise Refusal("request not found", detail)
        return found

    def _wait(self, late: Protocol, prestador: Prestador, on: date) -> Reply:
        """Not yet: the number under which the answer is being made, and T47."""
        self._asked += 1
        return Reply(
            element(
                "situacaoDemonstrativoRetorno",
                element("identificacaoOperadora", self.treasury.identity.ans_code),
                element("dadosPrestador", prestador.contratado),
                element("numeroProtocolo", late.numero),
                element(
                    "protocoloSolicitacaoDemonstrativo",
                    f"S{self.treasury.identity.prefix}{self._asked:06d}",
                ),
                element("tipoDemonstrativo", OF_ANALYSIS),
                element("dataSituacaoDemonstrativo", on.isoformat()),
                element("situacaoDemonstrativo", IN_ANALYSIS),
            )
        )

    def _payment(self, wanted: etree._Element, prestador: Prestador, on: date) -> Reply:
        self.pay_due(on)
        transaction = KINDS[text(wanted, "ans:tipoDemonstrativo")]
        found = [
            (place, issued)
            for place, issued in enumerate(self.treasury.issued)
            if issued.transaction == transaction
            and issued.prestador == prestador
            and _within(issued, wanted)
        ]
        if not found:
            raise Refusal("request not found", "nenhum pagamento no período")
        # One message carries one demonstrativo: those not yet told come first, then the last.
        new = (each for each in found if each[0] not in self._told)
        place, issued = next(new, found[-1])
        content = copy.deepcopy(issued.content)
        return Reply(content, lambda: self._told.add(place), transaction)


def _within(issued: Issued, wanted: etree._Element) -> bool:
    """Does it pay on the day, or in the month AAAAMM, that is asked for?"""
    month = text(wanted, "ans:periodo/ans:competencia")
    if month:
        return any(f"{each:%Y%m}" == month for each in issued.days)
    return day(wanted, "ans:periodo/ans:dataPagamento") in issued.days
