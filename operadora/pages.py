"""What a browser gets: the explanation for training staff, the WSDLs, the XSDs, what arrived."""

import html
import json
from typing import TYPE_CHECKING

from . import misbehaviour, wsdl
from .arrivals import FAULT, Arrival
from .gate import FAULTS
from .misbehaviour import Response
from .operadora import Operadora
from .reception import REASONS
from .services import BY_NAME, SERVICES

if TYPE_CHECKING:
    from .server import Server

LAST = 50
XML = "text/xml; charset=utf-8"
HTML = "text/html; charset=utf-8"
JSON = "application/json"
OUTCOMES = {
    "taken": "aceita",
    "refused": "recusada",
    "fault": "falha (tissFault)",
    "lost": "perdida por falha pedida",
}
STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:78em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccc;padding:.25em .5em;"
    "text-align:left;vertical-align:top}th{background:#f2f2f2}code{background:#f5f5f5}"
    ".sim{background:#b35900;color:#fff;padding:.5em 1em}"
)


def page(server: "Server", path: list[str], query: dict, host: str | None) -> Response:
    """The answer to a GET."""
    scheme = "https" if server.tls else "http"
    address = f"{scheme}://{host}" if host else server.address
    service = BY_NAME.get(path[-1].lower()) if path else None
    if not path:
        return Response(index(server, address).encode(), content_type=HTML)
    if path == ["received.json"]:
        return Response(json.dumps(_received(server)).encode(), content_type=JSON)
    if service and any(name.lower() == "wsdl" for name in query):
        version = query.get("version", [server.versions[-1]])[0]
        if version in server.versions:
            content = wsdl.describe(service, version, f"{address}/{service.name}")
            return Response(content, content_type=XML)
    if path[-1].endswith(".xsd"):
        for version in reversed(server.versions):
            found = wsdl.xsd_file(server.schema_folder(version), path[-1])
            if found:
                return Response(found.read_bytes(), content_type="text/xml")
    if service:
        words = "Este endereço recebe POST; veja a página inicial."
        return Response(words.encode(), 405, misbehaviour.PLAIN, {"Allow": "POST"})
    return Response("Não existe.".encode(), 404, misbehaviour.PLAIN)


def index(server: "Server", address: str) -> str:
    """The one page."""
    operadoras = server.directory.operadoras
    title = "Operadora simulada"
    return (
        f'<!DOCTYPE html><html lang="pt-BR"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1>"
        '<p class="sim">Só para testes e treinamento: nada do que chega aqui é cobrado nem pago, '
        "e tudo se perde quando o programa termina. Não mande dados de pacientes de verdade.</p>"
        f"{_who(server, operadoras)}<h2>Endereços</h2>{_addresses(address)}"
        f"<h2>Portar-se mal</h2>{_bad(server, address)}"
        f"<h2>O que chegou</h2>{_arrivals(operadoras)}</body></html>"
    )


def _who(server: "Server", operadoras: list[Operadora]) -> str:
    versions = ", ".join(server.versions)
    if not server.directory.fixed:
        names = "Responde por qualquer registro ANS, cada um com o que recebeu."
    else:
        [only] = operadoras
        names = f"{_escape(only.name)}, registro ANS <b>{only.ans_code}</b>."
    rows = "".join(
        f"<li>login <b>{_escape(login)}</b>, senha <b>{_escape(password)}</b> "
        "(a mensagem leva o MD5 da senha em hexadecimal)</li>"
        for login, password in server.logins.items()
    )
    login = f"<ul>{rows}</ul>" if rows else "<p>Não pede login.</p>"
    trust = (
        f"<p>Autoridade do certificado TLS: <code>{_escape(server.ca_file)}</code></p>"
        if server.ca_file
        else ""
    )
    return f"<p>{names} TISS {versions}.</p>{login}{trust}"


def _addresses(address: str) -> str:
    rows = "".join(
        f"<tr><td>{each.name}</td><td><code>{_escape(address)}/{each.name}</code></td>"
        f'<td><a href="/{each.name}?wsdl">WSDL</a></td><td>{each.transaction}</td></tr>'
        for each in SERVICES
    )
    head = "<th>Serviço</th><th>Endereço (POST, SOAP 1.1, SOAPAction vazio)</th><th></th>"
    return f"<table><tr>{head}<th>Transação</th></tr>{rows}</table>"


def _bad(server: "Server", address: str) -> str:
    kinds = "".join(f"<option>{name}</option>" for name in misbehaviour.KINDS)
    services = "".join(f"<option>{each.name}</option>" for each in SERVICES)
    rows = "".join(
        f"<tr><td><code>{name}</code></td><td>{_escape(kind.words)}</td>"
        f"<td>{'guarda' if kind.taken else 'perde'}</td></tr>"
        for name, kind in misbehaviour.KINDS.items()
    )
    waiting = "".join(
        f"<li>{each['kind']}: {each['times']} × {each['service'] or 'qualquer serviço'}</li>"
        for each in server.script.left()
    )
    return (
        '<form method="post" action="/misbehave">Nas próximas <input name="times" value="1" '
        'size="3"> mensagens de <select name="service"><option value="">qualquer serviço</option>'
        f'{services}</select>: <select name="kind">{kinds}</select> <button>Portar-se assim'
        '</button> <button name="well" value="1">Portar-se bem</button></form>'
        f"<ul>{waiting}</ul>"
        f"<p>Ou num só endereço: <code>{_escape(address)}/misbehave/html/tissLoteGuias</code>; "
        "<code>+taken</code> ou <code>+lost</code> no fim do nome diz se a mensagem é guardada "
        "(<code>html+taken</code>).</p><details><summary>O que cada nome faz</summary>"
        f"<table><tr><th>Nome</th><th>O que faz</th><th>Mensagem</th></tr>{rows}</table></details>"
    )


def _arrivals(operadoras: list[Operadora]) -> str:
    found = [(each, arrival) for each in operadoras for arrival in each.arrivals[-LAST:]]
    if not found:
        return "<p>Ainda nada.</p>"
    rows = "".join(
        f"<tr><td>{operadora.ans_code}</td><td>{each.on:%d/%m/%Y}</td><td>{each.transaction}</td>"
        f"<td>{_escape(each.number)}</td><td>{OUTCOMES[each.outcome]}</td>"
        f"<td>{_escape(each.protocol or _reason(operadora, each))}</td>"
        f"<td>{_escape('; '.join(each.signatures))}</td></tr>"
        for operadora, each in reversed(found)
    )
    names = ("ANS", "Dia", "Transação", "Número", "Resultado", "Protocolo ou motivo", "Assinaturas")
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<table><tr>{head}</tr>{rows}</table>"


def _reason(operadora: Operadora, arrival: Arrival) -> str:
    """What the prestador was told: the fault, or the code of Tabela 38 and its text."""
    if arrival.reason in FAULTS and arrival.outcome == FAULT:
        return f"{FAULTS[arrival.reason]}: {arrival.detail}"
    if arrival.reason not in REASONS:
        return arrival.detail or ""
    code = operadora.schema.first_glosa(*REASONS[arrival.reason])
    return f"{code} {operadora.schema.glosas[code]} ({arrival.detail})"


def _received(server: "Server") -> list[dict]:
    return [
        {"ans_code": operadora.ans_code, **arrival.values()}
        for operadora in server.directory.operadoras
        for arrival in list(operadora.arrivals)
    ]


def _escape(text: str) -> str:
    return html.escape(str(text))
