"""The protocol of annexes that came by themselves, with what was decided (guide §3.9)."""

from dataclasses import dataclass
from datetime import date

from lxml import etree

from .annexes import OPME, QUIMIO, RADIO, Annex, copy, echo
from .authorizations import authorized, negativa, therapy
from .decisions import Decision
from .message import Prestador, element
from .official import Schema

TAGS = {QUIMIO: "anexoQuimio", RADIO: "anexoRadio"}


@dataclass(frozen=True)
class AnnexRecord:
    """One annex that was taken; a situação inicial is only kept, without a decision."""

    annex: Annex
    prestador: Prestador
    lote: str
    protocolo: str
    numero: str
    senha: str
    decision: Decision | None
    nome: str


def recebimento(
    records: list[AnnexRecord], on: date, ans_code: str, schema: Schema
) -> etree._Element:
    """The protocoloRecebimentoAnexo of one message."""
    first = records[0]
    return element(
        "protocoloRecebimentoAnexo",
        element("nrProtocoloRecebimento", first.protocolo),
        element("dataEnvioAnexo", on.isoformat()),
        element("numeroLote", first.lote),
        element("registroANS", ans_code),
        element("dadosPrestador", first.prestador.contratado),
        element("qtAnexosClinicos", str(len(records))),
        element("anexosClinicos", *(anexo(record, schema) for record in records)),
    )


def anexo(record: AnnexRecord, schema: Schema) -> etree._Element:
    """The answer to one annex."""
    annex = record.annex
    if record.decision is None:
        kept = copy(annex.node, "anexoSituacaoInicial")
        kept.append(element("nomeBeneficiario", record.nome))
        return kept
    outcome = record.decision.outcome
    if annex.kind == OPME:
        return element(
            "anexoOPME",
            _dados(record),
            *echo(annex.node, "dadosBeneficiario"),
            element("nomebeneficiario", record.nome),
            element("statusSolicitacao", outcome.status),
            negativa(outcome.motivos, schema),
            element("prestadorAutorizado", record.prestador.contratado)
            if outcome.granted
            else None,
            *(authorized(each, schema, "servicosAutorizadosOPME") for each in outcome.itens),
        )
    return therapy(
        TAGS[annex.kind],
        annex,
        _dados(record),
        outcome.status,
        record.nome,
        outcome.motivos,
        schema,
    )


def _dados(record: AnnexRecord) -> etree._Element:
    decision = record.decision
    senha = (
        element("dataAutorizacao", decision.decided_on.isoformat()),
        element("senha", record.senha),
        element("dataValidadeSenha", decision.valid_until.isoformat()),
    )
    return element(
        "dadosAutorizacao",
        element("numeroGuiaPrestador", record.annex.numero),
        element("numeroGuiaOperadora", record.numero),
        *(senha if decision.outcome.granted else ()),
    )
