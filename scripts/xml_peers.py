"""The same message written by other TISS libraries, where they are installed; for bench_xml."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable


def writers(values: dict, xml: bytes) -> dict[str, Callable[[], bytes]]:
    """{library: what writes the lote of SP/SADT guias `values`, which is `xml`, with its hash}.

    What each wants as its input is made here, so that only the writing is timed.
    """
    found = {"tiss.build_lote": _with_tiss(xml)}
    # pytiss wants Python 3.11; where ./dev could not install it, there is one line less.
    if importlib.util.find_spec("pytiss"):
        found["pytiss"] = _with_pytiss(values)
    return found


def _with_tiss(xml: bytes) -> Callable[[], bytes]:
    import tiss

    lote = tiss.parse_lote(xml)
    return lambda: tiss.build_lote(lote)


def _with_pytiss(values: dict) -> Callable[[], bytes]:
    from pytiss.domain.common import Contratado, MensagemContexto
    from pytiss.domain.generic import GuiaTISS, LoteGuias

    header = values["cabecalho"]
    transaction = header["identificacaoTransacao"]
    body = values["prestadorParaOperadora"]["loteGuias"]
    provider = header["origem"]["identificacaoPrestador"]
    context = MensagemContexto(
        registro_ans=header["destino"]["registroANS"],
        numero_lote=body["numeroLote"],
        prestador_origem=Contratado(
            codigo_prestador_na_operadora=provider["codigoPrestadorNaOperadora"]
        ),
        sequencial_transacao=transaction["sequencialTransacao"],
        data_registro_transacao=transaction["dataRegistroTransacao"],
        hora_registro_transacao=transaction["horaRegistroTransacao"],
    )
    guias = tuple(GuiaTISS("guiaSP-SADT", each) for each in body["guiasTISS"]["guiaSP-SADT"])
    return lambda: LoteGuias(context, guias).to_xml(version="4.03.00").encode("iso-8859-1")
