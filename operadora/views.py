"""What the operadora decided and holds, as plain values for tests and training to compare with."""

from decimal import Decimal

from .annex_answers import AnnexRecord
from .appeal_answers import Judged, total_accepted
from .appeals import Appeal
from .book import Authorization
from .decisions import CANCELLED
from .verdict import LoteVerdict


def verdict_values(verdict: LoteVerdict) -> dict:
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


def authorization_values(authorization: Authorization) -> dict:
    """The final decision; until `decided_on` the prestador is told `waiting` (T45)."""
    request, decision = authorization.request, authorization.decision
    return {
        "kind": request.kind,
        "numero": request.numero,
        "carteira": request.carteira,
        "asked_on": authorization.asked_on,
        "waiting": decision.waiting,
        "decided_on": decision.decided_on,
        "status": CANCELLED if authorization.cancelled else decision.final.status,
        "senha": authorization.senha if decision.final.granted else None,
        "valid_until": decision.valid_until,
        "diarias": decision.final.diarias,
        "motivos": list(decision.final.motivos),
        "itens": _items(decision.final.itens),
    }


def annex_values(record: AnnexRecord) -> dict:
    """One annex that came by itself; a situação inicial has no decision."""
    outcome = record.decision.outcome if record.decision else None
    return {
        "kind": record.annex.kind,
        "referenciada": record.annex.referenciada,
        "carteira": record.annex.carteira,
        "lote": record.lote,
        "protocolo": record.protocolo,
        "status": outcome.status if outcome else None,
        "senha": record.senha if outcome and outcome.granted else None,
        "itens": _items(outcome.itens) if outcome else {},
    }


def appeal_values(appeal: Appeal, judged: list[Judged]) -> dict:
    """One recurso; a guia contested as a whole has no sequencial, a protocol no guia either."""
    return {
        "numero": appeal.numero_prestador,
        "protocolo": appeal.protocol.numero,
        "recursado": _reais(appeal.recursado),
        "acatado": _reais(total_accepted(judged)),
        "claims": [
            {
                "guia": each.claim.guia,
                "sequencial": each.claim.sequencial,
                "codigo": each.claim.code,
                "recursado": _reais(each.claim.recursado),
                "acatado": _reais(each.acatado),
            }
            for each in judged
        ],
    }


def _items(outcomes: tuple) -> dict[int, dict]:
    return {
        each.item.sequencial: {
            "tabela": each.item.tabela,
            "codigo": each.item.codigo,
            "solicitada": each.item.quantidade,
            "autorizada": each.autorizada,
            "motivo": each.motivo,
        }
        for each in outcomes
    }


def _four_values(part: object) -> dict[str, Decimal]:
    names = ("informado", "processado", "liberado")
    return {name: _reais(getattr(part, name)) for name in names}


def _reais(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)
