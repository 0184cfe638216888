"""What an autorizacaoServicos or a situacaoAutorizacao says, whichever its kind (guide §5.6)."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal

DENTAL = "autorizacaoServicoOdonto"
SERVICES = {  # element of the answer → element in it that holds what all kinds have
    "autorizacaoServico": None,
    "autorizacaoInternacao": "autorizacaoDosServicos",
    "autorizacaoProrrogacao": "autorizacaoDosServicos",
    DENTAL: None,
}


@dataclass(frozen=True)
class AnsweredItem:
    """One item of an answer; `reasons` are pairs of a T38 code and what was said of it."""

    sequence: int
    table: str
    code: str
    description: str
    requested: int
    authorized: int
    tooth: str | None = None
    region: str | None = None
    amount_authorized: Decimal | None = None
    reasons: tuple[tuple[str, str | None], ...] = ()

    @property
    def procedure(self):
        return (self.table, self.code)


@dataclass(frozen=True)
class Answer:
    """A decoded answer; `values` are fields of the request that are told by it."""

    number: str
    card_number: str
    status: str
    values: dict
    accommodation: str | None
    reasons: tuple[tuple[str, None], ...]
    items: tuple[AnsweredItem, ...]


def read_answer(body) -> Answer | None:
    """The answer in a decoded body; None when it holds none, KeyError for what it lacks."""
    kind = next((name for name in SERVICES if name in body), None)
    if kind is None:
        return None
    told = body[kind]
    services = told[SERVICES[kind]] if SERVICES[kind] else told
    given = services["dadosAutorizacao"]
    items = map(_read_dental, services.get("procedimentosAutorizados") or ())
    if kind != DENTAL:
        block = services.get("servicosAutorizados") or {}
        items = map(_read_item, block.get("servicoAutorizado") or ())
    return Answer(
        number=given["numeroGuiaPrestador"],
        card_number=(services.get("dadosBeneficiario") or services)["numeroCarteira"],
        status=services["statusSolicitacao"],
        values={**_read_values(services, given), **_read_stay(told)},
        accommodation=told.get("tipoAcomodacaoAutorizada") or told.get("acomodacaoAutorizada"),
        reasons=_read_codes(services),
        items=tuple(items),
    )


def read_moment(header) -> datetime.datetime | None:
    """When a message was written, as its header says it."""
    transaction = header.get("identificacaoTransacao") or {}
    day = transaction.get("dataRegistroTransacao")
    if not day:
        return None
    hour = transaction.get("horaRegistroTransacao") or datetime.time()
    return datetime.datetime.combine(day, hour.replace(tzinfo=None, microsecond=0))


def _read_values(services, given):
    executor = services.get("prestadorAutorizado") or {}
    contratado = executor.get("dadosContratado") or executor
    codes = ("codigoPrestadorNaOperadora", "cpfContratado", "cnpjContratado")
    return {
        "operadora_number": given.get("numeroGuiaOperadora"),
        "authorization_date": given.get("dataAutorizacao"),
        "authorization_password": given.get("senha"),
        "authorization_validity_date": given.get("dataValidadeSenha"),
        "executor_code": next((contratado[name] for name in codes if contratado.get(name)), None),
        "executor_cnes": executor.get("cnesContratado"),
        "operadora_note": services.get("observacao"),
    }


def _read_stay(told):
    """What is told of a hospitalisation only."""
    stay = {
        "admission_date": told.get("dataProvavelAdmissao"),
        "days_authorized": told.get("qtdDiariasAutorizadas", told.get("diariasAutorizadas")),
    }
    if told.get("justificativaOperadora"):
        stay["operadora_note"] = told["justificativaOperadora"]
    return {name: value for name, value in stay.items() if value is not None}


def _read_codes(node):
    codes = (node.get("motivosNegativa") or {}).get("codigoGlosa") or ()
    return tuple((code, None) for code in codes if code)


def _read_item(item):
    reasons = (item.get("motivosNegativa") or {}).get("motivoNegativa") or ()
    return AnsweredItem(
        sequence=item["sequencialItem"],
        **_read_procedure(item["procedimento"]),
        requested=item["quantidadeSolicitada"],
        authorized=item["quantidadeAutorizada"],
        amount_authorized=item.get("valorAutorizado"),
        reasons=tuple((reason["codigoGlosa"], reason.get("descricaoGlosa")) for reason in reasons),
    )


def _read_dental(item):
    """An item of a treatment is authorised as a whole, or not at all."""
    place = item.get("denteRegiao") or {}
    is_authorized = item["aut"] == "S"
    return AnsweredItem(
        sequence=item["sequencialItem"],
        **_read_procedure(item["procSolic"]),
        requested=item["qtdProc"],
        authorized=item["qtdProc"] if is_authorized else 0,
        tooth=place.get("codDente"),
        region=place.get("codRegiao"),
        amount_authorized=item["valorProc"] if is_authorized else None,
        reasons=_read_codes(item),
    )


def _read_procedure(procedure):
    return {
        "table": procedure["codigoTabela"],
        "code": procedure["codigoProcedimento"],
        "description": procedure.get("descricaoProcedimento") or procedure["codigoProcedimento"],
    }
