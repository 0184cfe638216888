"""The envelope of a message: which transaction carries which body, and what the XSD leaves open.

The XSD does not tie ``tipoTransacao`` to the body, nor ``origem`` to the direction, nor ``Padrao``
to its own version, and takes an envelope without body. Those rules are data and checks here.
Sources: guide §2.1, §2.2, §7.1.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from .codec import Decoded
from .errors import Violation

TO_OPERADORA = "prestadorParaOperadora"
TO_PRESTADOR = "operadoraParaPrestador"


class Transaction(NamedTuple):
    """A file message: its direction (the branch of ``mensagemTISS``) and the path of its body."""

    direction: str
    body: tuple[str, ...]


class SoapElement(NamedTuple):
    """A SOAP body element: its payload child, and the file body of the same meaning."""

    name: str
    payload: str
    body: str


class SoapPair(NamedTuple):
    """The two elements of a web service."""

    request: SoapElement
    response: SoapElement


TRANSACTIONS: dict[str, Transaction] = {
    "ENVIO_LOTE_GUIAS": Transaction(TO_OPERADORA, ("loteGuias",)),
    "ENVIO_ANEXO": Transaction(TO_OPERADORA, ("loteAnexos",)),
    "SOLIC_DEMONSTRATIVO_RETORNO": Transaction(TO_OPERADORA, ("solicitacaoDemonstrativoRetorno",)),
    "SOLIC_STATUS_PROTOCOLO": Transaction(TO_OPERADORA, ("solicitacaoStatusProtocolo",)),
    "SOLICITACAO_PROCEDIMENTOS": Transaction(TO_OPERADORA, ("solicitacaoProcedimento",)),
    "SOLICITA_STATUS_AUTORIZACAO": Transaction(TO_OPERADORA, ("solicitaStatusAutorizacao",)),
    "VERIFICA_ELEGIBILIDADE": Transaction(TO_OPERADORA, ("verificaElegibilidade",)),
    "CANCELA_GUIA": Transaction(TO_OPERADORA, ("cancelaGuia",)),
    "COMUNICACAO_BENEFICIARIO": Transaction(TO_OPERADORA, ("comunicacaoInternacao",)),
    "RECURSO_GLOSA": Transaction(TO_OPERADORA, ("recursoGlosa",)),
    "SOLIC_STATUS_RECURSO_GLOSA": Transaction(TO_OPERADORA, ("solicitacaoStatusRecursoGlosa",)),
    "ENVIO_DOCUMENTO": Transaction(TO_OPERADORA, ("envioDocumentos",)),
    "PROTOCOLO_RECEBIMENTO": Transaction(TO_PRESTADOR, ("recebimentoLote",)),
    "PROTOCOLO_RECEBIMENTO_ANEXO": Transaction(TO_PRESTADOR, ("recebimentoAnexo",)),
    "RECEBIMENTO_RECURSO_GLOSA": Transaction(TO_PRESTADOR, ("recebimentoRecursoGlosa",)),
    "DEMONSTRATIVO_ANALISE_CONTA": Transaction(
        TO_PRESTADOR, ("demonstrativosRetorno", "demonstrativoAnaliseConta")
    ),
    "DEMONSTRATIVO_PAGAMENTO": Transaction(
        TO_PRESTADOR, ("demonstrativosRetorno", "demonstrativoPagamento")
    ),
    "DEMONSTRATIVO_ODONTOLOGIA": Transaction(
        TO_PRESTADOR, ("demonstrativosRetorno", "demonstrativoPagamentoOdonto")
    ),
    "SITUACAO_PROTOCOLO": Transaction(TO_PRESTADOR, ("situacaoProtocolo",)),
    "RESPOSTA_SOLICITACAO": Transaction(TO_PRESTADOR, ("autorizacaoServicos",)),
    "AUTORIZACAO_ODONTOLOGIA": Transaction(
        TO_PRESTADOR, ("autorizacaoServicos", "autorizacaoServicoOdonto")
    ),
    "STATUS_AUTORIZACAO": Transaction(TO_PRESTADOR, ("situacaoAutorizacao",)),
    "SITUACAO_ELEGIBILIDADE": Transaction(TO_PRESTADOR, ("respostaElegibilidade",)),
    "CANCELAMENTO_GUIA_RECIBO": Transaction(TO_PRESTADOR, ("reciboCancelaGuia",)),
    "RECIBO_COMUNICACAO": Transaction(TO_PRESTADOR, ("reciboComunicacao",)),
    "RESPOSTA_RECURSO_GLOSA": Transaction(TO_PRESTADOR, ("respostaRecursoGlosa",)),
    "RECEBIMENTO_DOCUMENTO": Transaction(TO_PRESTADOR, ("recebimentoDocumentos",)),
}

SOAP: dict[str, SoapPair] = {
    "tissLoteGuias": SoapPair(
        SoapElement("loteGuiasWS", "loteGuias", "loteGuias"),
        SoapElement("protocoloRecebimentoWS", "recebimentoLote", "recebimentoLote"),
    ),
    "tissRecursoGlosa": SoapPair(
        SoapElement("loteRecursoGlosaWS", "loteRecurso", "recursoGlosa"),
        SoapElement(
            "protocoloRecebimentoRecursoWS", "recebimentoRecurso", "recebimentoRecursoGlosa"
        ),
    ),
    "tissLoteAnexo": SoapPair(
        SoapElement("loteAnexoWS", "loteAnexo", "loteAnexos"),
        SoapElement("protocoloRecebimentoAnexoWS", "loteAnexo", "recebimentoAnexo"),
    ),
    "tissSolicitacaoProcedimento": SoapPair(
        SoapElement(
            "solicitacaoProcedimentoWS", "solicitacaoProcedimento", "solicitacaoProcedimento"
        ),
        SoapElement("autorizacaoProcedimentoWS", "autorizacaoProcedimento", "autorizacaoServicos"),
    ),
    "tissSolicitacaoStatusAutorizacao": SoapPair(
        SoapElement(
            "solicitacaoStatusAutorizacaoWS",
            "solicitacaoStatusAutorizacao",
            "solicitaStatusAutorizacao",
        ),
        SoapElement("situacaoAutorizacaoWS", "situacaoAutorizacao", "situacaoAutorizacao"),
    ),
    "tissSolicitacaoStatusProtocolo": SoapPair(
        SoapElement(
            "solicitacaoStatusProtocoloWS",
            "solicitacaoStatusProtocolo",
            "solicitacaoStatusProtocolo",
        ),
        SoapElement("situacaoProtocoloWS", "situacaoProtocolo", "situacaoProtocolo"),
    ),
    "tissSolicitacaoStatusRecursoGlosa": SoapPair(
        SoapElement(
            "solicitacaoStatusRecursoGlosaWS",
            "solicitacaoStatusProtocoloRecurso",
            "solicitacaoStatusRecursoGlosa",
        ),
        SoapElement(
            "situacaoProtocoloRecursoWS", "situacaoProtocoloRecurso", "respostaRecursoGlosa"
        ),
    ),
    "tissSolicitacaoDemonstrativoRetorno": SoapPair(
        SoapElement(
            "solicitacaoDemonstrativoRetornoWS",
            "solicitacaoDemonstrativoRetorno",
            "solicitacaoDemonstrativoRetorno",
        ),
        SoapElement("demonstrativoRetornoWS", "demonstrativoRetorno", "demonstrativosRetorno"),
    ),
    "tissVerificaElegibilidade": SoapPair(
        SoapElement("pedidoElegibilidadeWS", "pedidoElegibilidade", "verificaElegibilidade"),
        SoapElement("respostaElegibilidadeWS", "respostaElegibilidade", "respostaElegibilidade"),
    ),
    "tissCancelaGuia": SoapPair(
        SoapElement("cancelaGuiaWS", "cancelaGuia", "cancelaGuia"),
        SoapElement("reciboCancelaGuiaWS", "reciboCancelaGuia", "reciboCancelaGuia"),
    ),
    "tissComunicacaoBeneficiario": SoapPair(
        SoapElement(
            "comunicacaoBeneficiarioWS", "comunicacaoBeneficiario", "comunicacaoInternacao"
        ),
        SoapElement("reciboComunicacaoWS", "reciboComunicacao", "reciboComunicacao"),
    ),
    "tissEnvioDocumentos": SoapPair(
        SoapElement("envioDocumentoWS", "envioDOcumento", "envioDocumentos"),
        SoapElement("reciboDocumentosWS", "recebimentoDocumento", "recebimentoDocumentos"),
    ),
}
SOAP_ELEMENTS: dict[str, SoapElement] = {each.name: each for pair in SOAP.values() for each in pair}
SOAP_FAULT = "tissFaultWS"
# Which service takes the requests of a tipoTransacao.
SERVICE_OF: dict[str, str] = {
    name: service
    for name, transaction in TRANSACTIONS.items()
    for service, pair in SOAP.items()
    if transaction.direction == TO_OPERADORA and transaction.body == (pair.request.body,)
}
# Children that the payload of a service calls otherwise than the body of a file.
_RENAMED = {
    "respostaElegibilidadeWS": {"codigoGlosa": "mensagemErro"},
    "reciboDocumentosWS": {"reciboDocumentos": "reciboDocumento"},
}

_FILE = "mensagemTISS"
_BRANCHES = (TO_OPERADORA, TO_PRESTADOR)
_DIRECTIONS = {each.body[0]: each.direction for each in TRANSACTIONS.values()}
_ELEMENTS = {(_DIRECTIONS[each.body], each.body): each for each in SOAP_ELEMENTS.values()}
_TYPE_PATH = "cabecalho/identificacaoTransacao/tipoTransacao"


def envelope(
    transaction: str,
    body: Mapping[str, Any] | list[Mapping[str, Any]],
    *,
    sender: str | Mapping[str, str],
    recipient: str | Mapping[str, str],
    sequence: str | int,
    moment: datetime.datetime,
    version: str,
    login: tuple[str, str] | None = None,
    failure: str | None = None,
) -> dict[str, Any]:
    """Values of ``mensagemTISS`` around a body.

    ``transaction`` is a key of TRANSACTIONS, ``body`` the content of the element that its body
    path ends in (a list of ``demonstrativoAnaliseConta``). A prestador is identified by one of
    ``{"CNPJ": …}``, ``{"CPF": …}``, ``{"codigoPrestadorNaOperadora": …}``, an operadora by its
    registro ANS as text. ``moment`` is local time; ``login`` is (loginPrestador, senhaPrestador).
    ``failure`` is the T38 code with which an operadora refuses the transaction as a whole.
    """
    return {
        "cabecalho": header(
            transaction,
            sender=sender,
            recipient=recipient,
            sequence=sequence,
            moment=moment,
            version=version,
            login=login,
            failure=failure,
        ),
        TRANSACTIONS[transaction].direction: _nested(TRANSACTIONS[transaction].body, body),
    }


def header(
    transaction: str,
    *,
    sender: str | Mapping[str, str],
    recipient: str | Mapping[str, str],
    sequence: str | int,
    moment: datetime.datetime,
    version: str,
    login: tuple[str, str] | None = None,
    failure: str | None = None,
) -> dict[str, Any]:
    """The ``cabecalho`` of a file message or of a SOAP body element; see ``envelope``."""
    if transaction not in TRANSACTIONS:
        raise ValueError(f"{transaction!r} is no tipoTransacao")
    cabecalho = {
        "identificacaoTransacao": {
            "tipoTransacao": transaction,
            **_identification(str(sequence), moment),
        },
        "falhaNegocio": failure,
        "origem": _party(sender),
        "destino": _party(recipient),
        "Padrao": version,
    }
    if login is not None:
        cabecalho["loginSenhaPrestador"] = {"loginPrestador": login[0], "senhaPrestador": login[1]}
    return {name: value for name, value in cabecalho.items() if value is not None}


def stamp(values: Mapping[str, Any], sequence: str, moment: datetime.datetime) -> dict[str, Any]:
    """The values of a file message under another number and time, without its hash."""
    cabecalho = dict(values["cabecalho"])
    cabecalho["identificacaoTransacao"] = {
        **cabecalho["identificacaoTransacao"],
        **_identification(sequence, moment),
    }
    return {**values, "cabecalho": cabecalho, "epilogo": None}


def body_of(values: Mapping[str, Any], *, element: str | None = None) -> tuple[str, Any]:
    """(name, content) of the body of a message: what to dispatch on.

    ``tipoTransacao`` is not asked, because operadoras get it wrong. The name is the last of a
    body path of TRANSACTIONS, also for the SOAP body elements, whose payloads have other names;
    ``demonstrativosRetorno`` stays when it holds something else, such as ``mensagemErro``.
    ``element`` is the root, by default that of a ``Decoded`` or ``mensagemTISS``.
    ValueError when there is not exactly one body.
    """
    bodies = list(_bodies(values, _element(values, element)))
    if len(bodies) != 1:
        raise ValueError(f"{len(bodies)} bodies in the message, expected one")
    path, body = bodies[0]
    return path[-1], body


def element_of(branch: str, body: str) -> SoapElement:
    """The SOAP body element with the meaning of a body of a file message (guide §7.1); KeyError."""
    return _ELEMENTS[branch, body]


def to_service(
    values: Mapping[str, Any], *, login: tuple[str, str] | None = None
) -> tuple[str, dict[str, Any]]:
    """(element, values) of the SOAP body element that says what a file message says (guide §7.1).

    Hash and signature stay behind: they belong to the bytes that they were made for. ``login`` is
    (loginPrestador, senhaPrestador) for the header. ValueError when there is not exactly one body.
    """
    bodies = [
        (branch, name, body)
        for branch in _BRANCHES
        for name, body in (values.get(branch) or {}).items()
        if body is not None
    ]
    if len(bodies) != 1:
        raise ValueError(f"{len(bodies)} bodies in the message, expected one")
    branch, name, body = bodies[0]
    element = element_of(branch, name)
    cabecalho = dict(values["cabecalho"])
    if login is not None:
        cabecalho["loginSenhaPrestador"] = {"loginPrestador": login[0], "senhaPrestador": login[1]}
    names = {ours: theirs for theirs, ours in _RENAMED.get(element.name, {}).items()}
    return element.name, {"cabecalho": cabecalho, element.payload: _renamed(body, names)}


def from_service(decoded: Decoded) -> Decoded:
    """What a SOAP body element says, as the ``mensagemTISS`` of the same meaning.

    So whatever reads files reads answers of web services; what is a file already stays as it is.
    ValueError for a fault, which is no message.
    """
    if decoded.element == _FILE:
        return decoded
    if decoded.element not in SOAP_ELEMENTS:
        raise ValueError(f"{decoded.element!r} is no message of a web service")
    _, payload, name = SOAP_ELEMENTS[decoded.element]
    names = _RENAMED.get(decoded.element, {})
    values = {"cabecalho": decoded["cabecalho"]} if "cabecalho" in decoded else {}
    if decoded.get(payload) is not None:
        values[_DIRECTIONS[name]] = {name: _renamed(decoded[payload], names)}
    if "hash" in decoded:
        values["epilogo"] = {"hash": decoded["hash"]}
    signature = decoded.get("Signature") or decoded.get("Signatures")
    if signature:
        values["Signature"] = signature
    message = Decoded(values, _FILE)
    message.unexpected = decoded.unexpected
    message.problems = [
        replace(each, path=_file_path(each.path, payload, name, names)) for each in decoded.problems
    ]
    return message


def check_envelope(
    values: Mapping[str, Any], version: str, *, element: str | None = None
) -> list[Violation]:
    """What the XSD does not check of a message (file or SOAP); empty when all is well.

    Codes: ``no_body``, ``many_bodies``, ``transaction_mismatch`` (expected: the tipoTransacao that
    go with the body), ``version_mismatch``, ``direction`` (origem or destino is the wrong kind).
    """
    element = _element(values, element)
    if element == SOAP_FAULT:
        return []
    bodies = list(_bodies(values, element))
    found = list(_check_version(values, version))
    if not bodies:
        return [Violation("no_body"), *found]
    if len(bodies) > 1:
        names = tuple("/".join(path) for path, _ in bodies)
        return [Violation("many_bodies", expected=names), *found]
    path, body = bodies[0]
    return [*_check_transaction(values, path, body), *found, *_check_parties(values, path[0])]


def _renamed(body: Any, names: Mapping[str, str]) -> Any:
    return {names.get(name, name): value for name, value in body.items()} if names else body


def _file_path(path: str, payload: str, body: str, names: Mapping[str, str]) -> str:
    """Where the file message has what stands at a path of a SOAP body element."""
    first, *rest = path.split("/")
    if first == "hash":
        return "epilogo/hash"
    if first != payload:
        return path
    if rest:
        rest[0] = names.get(rest[0], rest[0])
    return "/".join((_DIRECTIONS[body], body, *rest))


def _nested(path: tuple[str, ...], body: Any) -> dict[str, Any]:
    for name in reversed(path):
        body = {name: body}
    return body


def _identification(sequence: str, moment: datetime.datetime) -> dict[str, Any]:
    return {
        "sequencialTransacao": sequence,
        "dataRegistroTransacao": moment.date(),
        "horaRegistroTransacao": moment.time().replace(microsecond=0),
    }


def _party(identification: str | Mapping[str, str]) -> dict[str, Any]:
    if isinstance(identification, str):
        return {"registroANS": identification}
    return {"identificacaoPrestador": dict(identification)}


def _element(values: Mapping[str, Any], element: str | None) -> str:
    return element or str(getattr(values, "element", _FILE))


def _bodies(values: Mapping[str, Any], element: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(path, content) of every body; the path begins with the direction."""
    if element == SOAP_FAULT:
        yield ("tissFault",), values.get("tissFault")
    elif element in SOAP_ELEMENTS:
        _, payload, body = SOAP_ELEMENTS[element]
        if values.get(payload) is not None:
            yield _innermost((_DIRECTIONS[body], body), values[payload])
    else:
        for branch in _BRANCHES:
            for name, body in (values.get(branch) or {}).items():
                if body is not None:
                    yield _innermost((branch, name), body)


def _innermost(path: tuple[str, ...], body: Any) -> tuple[tuple[str, ...], Any]:
    """Follow a body path of TRANSACTIONS to its second step, where the content has it."""
    for each in TRANSACTIONS.values():
        if (each.direction, each.body[0]) == path and len(each.body) > 1 and each.body[1] in body:
            return (*path, each.body[1]), body[each.body[1]]
    return path, body


def _check_transaction(
    values: Mapping[str, Any], path: tuple[str, ...], body: Any
) -> Iterator[Violation]:
    expected = _transactions(path, failed="mensagemErro" in body)
    given = _at(values, _TYPE_PATH)
    if given not in expected:
        yield Violation("transaction_mismatch", _TYPE_PATH, value=given, expected=expected)


def _transactions(path: tuple[str, ...], failed: bool) -> tuple[str, ...]:
    """The tipoTransacao whose body a path is or lies in; an error may answer narrower ones too."""
    direction, *names = path
    bodies = {name: each.body for name, each in TRANSACTIONS.items() if each.direction == direction}
    found = [name for name, body in bodies.items() if tuple(names[: len(body)]) == body]
    narrower = [name for name, body in bodies.items() if body[: len(names)] == tuple(names)]
    return tuple(dict.fromkeys(found + narrower) if failed or not found else found)


def _check_version(values: Mapping[str, Any], version: str) -> Iterator[Violation]:
    given = _at(values, "cabecalho/Padrao")
    if given != version:
        yield Violation("version_mismatch", "cabecalho/Padrao", value=given, expected=(version,))


def _check_parties(values: Mapping[str, Any], direction: str) -> Iterator[Violation]:
    kinds = ["identificacaoPrestador", "registroANS"]
    if direction == TO_PRESTADOR:
        kinds.reverse()
    for side, kind in zip(("origem", "destino"), kinds, strict=True):
        if not _at(values, f"cabecalho/{side}/{kind}"):
            yield Violation("direction", f"cabecalho/{side}", expected=(kind,))


def _at(values: Any, path: str) -> Any:
    for name in path.split("/"):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values
