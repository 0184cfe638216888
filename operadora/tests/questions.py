"""Questions as a clinic asks them: eligibility, status, demonstrativos; and recursos de glosa."""

from .messages import ANS_CODE, CARD, CONTRACTED, procedure, send
from .test_operadora import tag, wrap

WHY = "SEGUE LAUDO ASSINADO EM 20/11/2026"


def eligibility(card=CARD, valid_until="2027-12-31", version="4.03.00", **options):
    body = (
        wrap("dadosPrestador", CONTRACTED)
        + tag("numeroCarteira", card)
        + tag("tipoIdent", "03")
        + (tag("validadeCarteira", valid_until) if valid_until else "")
        + tag("codValidacao", "TOKEN123")
    )
    return send("VERIFICA_ELEGIBILIDADE", wrap("verificaElegibilidade", body), version, **options)


def _numbered(transaction, name, number, version, **options):
    body = wrap("dadosPrestador", CONTRACTED) + tag("numeroProtocolo", number)
    return send(transaction, wrap(name, body), version, **options)


def protocol_status(number, version="4.03.00", **options):
    name = "solicitacaoStatusProtocolo"
    return _numbered("SOLIC_STATUS_PROTOCOLO", name, number, version, **options)


def appeal_status(number, version="4.03.00", **options):
    name = "solicitacaoStatusRecursoGlosa"
    return _numbered("SOLIC_STATUS_RECURSO_GLOSA", name, number, version, **options)


def _demonstrativo(body, version, **options):
    name = "solicitacaoDemonstrativoRetorno"
    return send("SOLIC_DEMONSTRATIVO_RETORNO", wrap(name, body), version, **options)


def analysis(*protocols, asked_on="2026-11-21", version="4.03.00", **options):
    numbers = "".join(tag("numeroProtocolo", each) for each in protocols)
    body = (
        wrap("dadosPrestador", CONTRACTED)
        + tag("dataSolicitacao", asked_on)
        + wrap("protocolos", numbers)
    )
    return _demonstrativo(wrap("demonstrativoAnalise", body), version, **options)


def payment(day=None, month=None, kind="1", version="4.03.00", **options):
    period = tag("dataPagamento", day) if day else tag("competencia", month)
    body = (
        wrap("dadosPrestador", CONTRACTED)
        + tag("dataSolicitacao", "2026-11-21")
        + tag("tipoDemonstrativo", kind)
        + wrap("periodo", period)
    )
    return _demonstrativo(wrap("demonstrativoPagamento", body), version, **options)


def item_appeal(seq, code, amount, why=WHY):
    """One contested item of a medical guia."""
    return wrap(
        "itensGuia",
        tag("sequencialItem", seq)
        + tag("dataInicio", "2026-11-20")
        + procedure("40304361", "procRecurso")
        + tag("codGlosaItem", code)
        + tag("valorRecursado", amount)
        + tag("justificativaItem", why),
    )


def guia_appeal(code, why=WHY):
    return wrap("recursoGuiaCompleta", tag("codGlosaGuia", code) + tag("justificativaGuia", why))


def of_guia(numero, *content):
    """What is contested of one medical guia."""
    return wrap(
        "recursoGuia",
        tag("numeroGuiaOrigem", numero)
        + tag("senha", f"S{numero}")
        + wrap("opcaoRecursoGuia", "".join(content)),
    )


def of_dental_guia(numero, code, *items, why=WHY):
    """`items`: sequence, code and amount; none: the guia as a whole."""
    lines = "".join(
        wrap(
            "recursoProcedimento",
            tag("sequencialItem", seq)
            + tag("dataRealizacao", "2026-11-20")
            + wrap("denteRegiao", tag("codDente", "11"))
            + tag("denteFace", "O")
            + tag("quantidade", "1")
            + procedure("81000030", "procRecurso")
            + tag("codGlosaProc", item_code)
            + tag("justificativaProc", why)
            + tag("valorRecursado", amount),
        )
        for seq, item_code, amount in items
    )
    head = (
        tag("numeroGuiaPrestador", numero)
        + tag("codGlosaGuia", code)
        + tag("justificativaGuia", why)
    )
    return wrap("recursoGuia", head + lines)


def of_protocol(code, why=WHY):
    return wrap(
        "recursoProtocolo", tag("codigoGlosaProtocolo", code) + tag("justificativaProtocolo", why)
    )


def appeal(
    protocol,
    total,
    *content,
    numero="R1",
    lote="1",
    of="2",
    form="guiaRecursoGlosa",
    version="4.03.00",
    ans=ANS_CODE,
    date="2026-11-21",
    **options,
):
    body = (
        tag("registroANS", ans)
        + tag("numeroGuiaRecGlosaPrestador", numero)
        + tag("nomeOperadora", "OPERADORA DE EXEMPLO")
        + tag("objetoRecurso", of)
        + wrap("dadosContratado", CONTRACTED)
        + tag("numeroLote", lote)
        + tag("numeroProtocolo", protocol)
        + wrap("opcaoRecurso", "".join(content))
        + tag("valorTotalRecursado", total)
        + tag("dataRecurso", date)
    )
    return send("RECURSO_GLOSA", wrap("recursoGlosa", wrap(form, body)), version, **options)
