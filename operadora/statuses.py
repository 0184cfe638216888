"""Where a protocol stands: of a lote of guias, or of annexes (guide §§4.1, 4.2)."""

from datetime import date

from lxml import etree

from . import annex_answers, answers
from .annexes import INICIAL
from .answers import CLOSED_UNPAID, PAID, Protocol, motivo_glosa
from .desk import Desk
from .ledger import Ledger
from .message import Prestador, element, money
from .official import Schema
from .reception import REASONS, text
from .services import Reply

# T47
RECEIVED, IN_ANALYSIS, CANCELLED = "1", "2", "9"


class Statuses:
    """`by_lote`: also finds a lote whose own number is asked for in place of the protocol."""

    def __init__(self, ans_code: str, schema: Schema, ledger: Ledger, desk: Desk, by_lote: bool):
        self.ans_code = ans_code
        self.schema = schema
        self.ledger = ledger
        self.desk = desk
        self.by_lote = by_lote

    def ask(self, node: etree._Element, prestador: Prestador, on: date) -> Reply:
        """solicitacaoStatusProtocolo → situacaoProtocolo; what is not found is said inside."""
        number = text(node, "ans:numeroProtocolo")
        annexes = [
            record
            for record in self.desk.annexes.values()
            if record.prestador == prestador
            and (record.protocolo == number or self.by_lote and record.lote == number)
        ]
        protocol = self.ledger.find(number, prestador, self.by_lote)
        if protocol is None and annexes:
            detail = self._annex(annexes, on)
            return Reply(self._around("situacaoProtocoloAnexo", "loteAnexo", prestador, detail))
        detail = self._lote(protocol, on) if protocol else self._not_found(f"protocolo {number}")
        return Reply(self._around("situacaoDoProtocolo", "lote", prestador, detail))

    def _around(
        self, tag: str, inner: str, prestador: Prestador, detail: etree._Element
    ) -> etree._Element:
        return element(
            tag,
            element("identificacaoOperadora", self.ans_code),
            element("dadosPrestador", prestador.contratado),
            element(inner, detail),
        )

    def _not_found(self, detail: str) -> etree._Element:
        code = self.schema.first_glosa(*REASONS["protocol not found"])
        return motivo_glosa("mensagemErro", code, f"{self.schema.glosas[code]} ({detail})")

    def _lote(self, protocol: Protocol, on: date) -> etree._Element:
        status, verdict = self._status(protocol, on), protocol.verdict
        judged = status in (answers.APPROVED, CLOSED_UNPAID, PAID)
        guias = (
            answers.guia_dados("guias", each.guia, each if judged else None, self.schema.glosas)
            for each in verdict.guias
        )
        kind = "guiasOdonto" if answers.is_dental(protocol.lote) else "guiasMedicas"
        return element(
            "detalheLote",
            element("statusProtocolo", status),
            element("numeroProtocolo", protocol.numero),
            element("numeroLote", protocol.lote.numero),
            element("dataEnvioLote", protocol.received_on.isoformat()),
            # Before the analysis nothing is denied, and nothing is released either.
            element(
                "valorTotalLote",
                element("valorProcessado", money(verdict.processado if judged else 0)),
                element("valorGlosa", money(verdict.glosa if judged else 0)),
                element("valorLiberado", money(verdict.liberado if judged else 0)),
            ),
            element("guiasTISS", *(element(kind, guia) for guia in guias)),
        )

    def _status(self, protocol: Protocol, on: date) -> str:
        """T47: what was told by demonstrativos, else received on its day and analysed after."""
        number = protocol.numero
        if number in self.ledger.cancelled:
            return CANCELLED
        if number in self.ledger.payments or number in self.ledger.analysed:
            return answers.status(protocol.verdict, number in self.ledger.payments)
        return RECEIVED if on <= protocol.received_on else IN_ANALYSIS

    def _annex(self, records: list[annex_answers.AnnexRecord], on: date) -> etree._Element:
        """The answer has room for one annex, and none for a situação inicial."""
        record = next((each for each in records if each.annex.kind != INICIAL), None)
        if record is None:
            return self._not_found("situação inicial não tem resposta")
        outcome = record.decision.outcome
        return element(
            "detalheLoteAnexo",
            element("statusProtocolo", answers.APPROVED if outcome.granted else CLOSED_UNPAID),
            element("numeroProtocolo", record.protocolo),
            element("numeroLote", record.lote),
            element("dataEnvioLote", record.decision.decided_on.isoformat()),
            element("anexosClinicos", annex_answers.anexo(record, self.schema)),
        )
