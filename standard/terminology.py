"""Readers of ANS terminology: TUSS, domain tables, Tabela 38, the registry of operadoras.

The data are those of the PyPI package ``tiss`` (guide §8.1, §9.1), read where that package keeps
them; ``data/domains.csv`` holds the labels of the domain tables that it lacks (guide Appendix A).
Every reader is a plain pass over a file, so that a bulk load costs about a second.
"""

from __future__ import annotations

import csv
import datetime
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from .schema import load, versions

# Tables of TUSS proper; every other table is a domain.
TUSS_TABLES = ("18", "19", "20", "22")
GLOSA_TABLE = "38"
# The ANS zip of TISS 4.03.00, whose XSD holds the domains of data/domains.csv.
XSD_EDITION = "202511"

# XSD type of an element -> table of its codes. Types of the same table hold subsets of it. Tables
# with a name instead of a number are domains that ANS has published only in the XSD.
TABLE_OF_TYPE: dict[str, str] = {
    "dm_caraterAtendimento": "23",
    "dm_CBOS": "24",
    "dm_outrasDespesas": "25",
    "dm_conselhoProfissional": "26",
    "dm_debitoCreditoTipo": "27",
    "dm_dente": "28",
    "dm_diagnosticoImagem": "29",
    "dm_ecog": "30",
    "dm_estadiamento": "31",
    "dm_face": "32",
    "dm_finalidadeTratamento": "33",
    "dm_formaPagamento": "34",
    "dm_grauPart": "35",
    "dm_indicadorAcidente": "36",
    "dm_debitoCreditoIndicador": "37",
    "dm_tipoGlosa": "38",
    "dm_motivoSaida": "39",
    "dm_motivoSaidaObito": "39",
    "dm_regimeInternacao": "41",
    "dm_regiao": "42",
    "dm_sexo": "43",
    "dm_condicaoClinica": "44",
    "dm_statusSolicitacao": "45",
    "dm_statusCancelamento": "46",
    "dm_statusProtocolo": "47",
    "dm_tecnicaUtilizada": "48",
    "dm_tipoAcomodacao": "49",
    "dm_tipoAtendimento": "50",
    "dm_tipoAtendimentoOdonto": "51",
    "dm_tipoConsulta": "52",
    "dm_tipoDemonstrativo": "53",
    "dm_tipoDemonstrativoPagamento": "53",
    "dm_tipoFaturamento": "55",
    "dm_tipoFaturamentoOdonto": "55",
    "dm_tipoInternacao": "57",
    "dm_tipoQuimioterapia": "58",
    "dm_UF": "59",
    "dm_unidadeMedida": "60",
    "dm_viaDeAcesso": "61",
    "dm_viaAdministracao": "62",
    "dm_metastase": "65",
    "dm_nodulo": "66",
    "dm_tumor": "67",
    "dm_tipoIdent": "72",
    "dm_etapasAutorizacao": "73",
    "dm_ausenciaCodValidacao": "74",
    "dm_cobEsp": "75",
    "dm_regimeAtendimento": "76",
    "dm_saudeOcupacional": "77",
    "dm_tabela": "87",
    "dm_centroConsumo": "centroConsumo",
    "dm_formatoDocumento": "formatoDocumento",
    "dm_objetoRecurso": "objetoRecurso",
    "dm_opcaoFabricante": "opcaoFabricante",
    "dm_simNao": "simNao",
    "dm_tipoDocumento": "tipoDocumento",
    "dm_tipoEvento": "tipoEvento",
    "dm_tipoGuia": "tipoGuia",
    "dm_tipoPagamento": "tipoPagamento",
}


class Term(NamedTuple):
    """A row of a terminology. ``description`` is empty when it would only repeat the term."""

    table: str
    code: str
    term: str
    description: str
    start: datetime.date | None
    end: datetime.date | None


class Glosa(NamedTuple):
    """A message of Tabela 38. ``guidance`` is advice of package tiss, not of ANS."""

    code: str
    term: str
    group: str
    guidance: str
    active: bool


class Operadora(NamedTuple):
    """An active operadora as registered at ANS; what is not known of it is an empty text.

    Where it is and how to reach it stands in the files of ANS alone (`cadop`).
    """

    ans_code: str
    cnpj: str
    legal_name: str
    trade_name: str
    modality: str
    city: str
    uf: str
    registration_date: datetime.date | None
    street: str = ""
    street_number: str = ""
    street_complement: str = ""
    district: str = ""
    zip: str = ""
    phone: str = ""
    email: str = ""


class GlosaIndicator(NamedTuple):
    """Public glosa figures of an operadora in one half-year (``2025-02``: the second of 2025).

    Percentages, except ``payment_days``; None where ANS has no figure. ``unreliable`` names the
    figures (as ANS calls them) that ANS itself marks as inconsistent.
    """

    ans_code: str
    period: str
    initial_glosa: float | None
    final_glosa: float | None
    payment_days: float | None
    guias_without_return: float | None
    value_without_return: float | None
    unreliable: tuple[str, ...]


def tuss_terms() -> Iterator[Term]:
    """All rows of TUSS 18, 19, 20 and 22, as ANS wrote them (no code repeats across tables)."""
    return map(_term, _records("tuss", "_data", "tuss.json"))


def domains() -> Iterator[Term]:
    """All rows of the domain tables but Tabela 38; table 87 names the tables themselves."""
    for record in _records("dominio", "_data", "domain.json"):
        if record["tabela"] != GLOSA_TABLE:
            yield _term(record)
    path = Path(__file__).parent / "data" / "domains.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Term(**row, start=None, end=None)


def glosas() -> Iterator[Glosa]:
    """Tabela 38 in force, by code."""
    for record in _records("_data", "glosas.json"):
        guidance = (record.get("orientacao") or {}).get("texto", "")
        yield Glosa(record["codigo"], record["descricao"], record["grupo"], guidance, True)


def retired_glosas() -> Iterator[Glosa]:
    """Codes that the newest installed XSD still takes and operadoras still send, by code.

    Their texts stand in a comment of the XSD type ``dm_tipoGlosa``.
    """
    active = {each.code for each in glosas()}
    folder = load(versions()[-1]).folder
    (path,) = folder.glob("tissSimpleTypes*.xsd")
    text = path.read_bytes().decode("iso-8859-1")
    section = text.partition('<simpleType name="dm_tipoGlosa">')[2].partition("</simpleType>")[0]
    found = dict(re.findall(r"^[ \t]*([0-9]{4})[ \t]+(.*\S)[ \t\r]*$", section, re.MULTILINE))
    for code in sorted(found.keys() - active):
        yield Glosa(code, found[code], code[:2], "", False)


def operadoras() -> Iterator[Operadora]:
    """The registry of active operadoras, by registro ANS."""
    for record in _records("operadoras", "_data", "healthplans.json").values():
        yield Operadora(
            record["registro_ans"],
            record["cnpj"],
            record["razao_social"],
            record["nome_fantasia"],
            record["modalidade"],
            record["cidade"],
            record["uf"],
            _date(record["data_registro_ans"]),
        )


def glosa_indicators() -> Iterator[GlosaIndicator]:
    """The ANS panel of glosas, by operadora and half-year."""
    data = _json("operadoras", "_data", "indicadores.json")
    columns = (
        "periodo",
        "glosa_inicial",
        "glosa_final",
        "tempo_medio_pagamento",
        "guias_sem_retorno",
        "valor_guias_sem_retorno",
        "inconsistentes",
    )
    if tuple(data["colunas"]) != columns:
        raise ValueError("package tiss has changed the columns of the glosa indicators")
    for code, rows in data["records"].items():
        for period, initial, final, days, guias, value, unreliable in rows:
            yield GlosaIndicator(
                code, period, initial, final, days, guias, value, tuple(unreliable)
            )


def packaged_editions() -> dict[str, str]:
    """Edition (``202609``) by table of what ``tuss_terms``, ``domains`` and ``glosas`` give.

    Tabela 38 names its edition. The open data do not: their month is that of the newest row. What
    comes out of the XSD is as old as the last version of it.
    """
    newest: dict[str, str] = {}
    for row in (*tuss_terms(), *domains()):
        day = max((each for each in (row.start, row.end) if each), default=None)
        month = f"{day:%Y%m}" if day else ""
        newest[row.table] = max(newest.get(row.table, ""), month)
    editions = {table: month or XSD_EDITION for table, month in newest.items()}
    source = _json("_data", "glosas.json")["source"]["data"]
    return editions | {GLOSA_TABLE: source.replace("-", "")}


def _term(record: dict[str, str]) -> Term:
    term, description = record["termo"], record["descricao"]
    return Term(
        record["tabela"],
        record["codigo"],
        term,
        "" if description == term else description,
        _date(record["vigencia_inicio"]),
        _date(record["vigencia_fim"]),
    )


def _date(text: str) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def _records(*path: str) -> Any:
    return _json(*path)["records"]


def _json(*path: str) -> dict[str, Any]:
    # The public functions of tiss search and copy row by row, too slow for a bulk load.
    return json.loads(files("tiss").joinpath(*path).read_bytes())
