"""Requests, annexes, notices, documents and cancellations as a clinic sends them, by hand."""

import base64

from .test_operadora import message, tag, wrap

ANS_CODE = "326305"
CARD = "0123456789"
PROFESSIONAL = (
    "<ans:nomeProfissional>MARIA SOUZA</ans:nomeProfissional>"
    "<ans:conselhoProfissional>06</ans:conselhoProfissional>"
    "<ans:numeroConselhoProfissional>123456</ans:numeroConselhoProfissional><ans:UF>35</ans:UF>"
    "<ans:CBOS>225125</ans:CBOS>"
)
REQUESTER = (
    "<ans:nomeProfissional>MARIA SOUZA</ans:nomeProfissional>"
    "<ans:telefoneProfissional>1133334444</ans:telefoneProfissional>"
    "<ans:emailProfissional>maria@clinica.example</ans:emailProfissional>"
)
CONTRACTED = "<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
ONCOLOGY = (
    "<ans:dataDiagnostico>2026-09-01</ans:dataDiagnostico><ans:diagnosticoCID>C509</ans:diagnosticoCID>"
    "<ans:estadiamento>2</ans:estadiamento><ans:finalidade>1</ans:finalidade><ans:ecog>0</ans:ecog>"
    "<ans:infoRelevantes>SEM OUTRAS</ans:infoRelevantes>"
)
FILES = {
    "01": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "02": b"%PDF-1.7\n1 0 obj",
    "03": b"\x89PNG\r\n\x1a\n\x00\x00",
    "04": b"II*\x00\x08\x00",
    # SEQUENCE of 16 bytes, OID 1.2.840.113549.1.7.2
    "05": bytes.fromhex("3010 0609 2a864886f70d010702 a000000000"),
    # the same with its length in two more bytes
    "06": bytes.fromhex("30820400 0609 2a864886f70d010702 a0"),
    # and of a length that is not said beforehand
    "07": bytes.fromhex("3080 0609 2a864886f70d010702 a080"),
    "08": bytes.fromhex("308180 0609 2a864886f70d010702 a0"),
    "09": b"%PDF-1.7\n<< /ByteRange [0 10 20 30] >>",
}


def send(tipo, body, version="4.03.00", **options):
    """The bytes of a message of that transaction around the body."""
    return message(wrap("prestadorParaOperadora", body), version, tipo=tipo, **options)


def bearer(card=CARD, rn="N"):
    return wrap("dadosBeneficiario", tag("numeroCarteira", card) + tag("atendimentoRN", rn))


def procedure(code="40304361", name="procedimento", table="22"):
    return wrap(
        name,
        tag("codigoTabela", table)
        + tag("codigoProcedimento", code)
        + tag("descricaoProcedimento", f"ITEM {code}"),
    )


def lines(items, name="procedimentosSolicitados"):
    """`items`: code and quantity of each procedure asked for."""
    return "".join(
        wrap(name, procedure(code) + tag("quantidadeSolicitada", quantity))
        for code, quantity in items
    )


def sp_sadt(
    numero="1",
    items=(("40304361", 4), ("40301630", 2)),
    card=CARD,
    urgent=False,
    annex="",
    ans=ANS_CODE,
    date="2026-11-20",
    executor=True,
):
    return wrap(
        "solicitacaoSP-SADT",
        wrap("cabecalhoSolicitacao", tag("registroANS", ans) + tag("numeroGuiaPrestador", numero))
        + tag("codValidacao", "TOKEN123")
        + tag("tipoEtapaAutorizacao", "2")
        + bearer(card)
        + wrap(
            "dadosSolicitante",
            wrap("contratadoSolicitante", CONTRACTED)
            + tag("nomeContratadoSolicitante", "CLINICA EXEMPLO")
            + wrap("profissionalSolicitante", PROFESSIONAL),
        )
        + tag("caraterAtendimento", "2" if urgent else "1")
        + tag("dataSolicitacao", date)
        + tag("indicacaoClinica", "DOR")
        + tag("coberturaEspecial", "01")
        + lines(items)
        + wrap(
            "dadosExecutante",
            tag("codigonaOperadora", "12345") + tag("CNES", "7654321") if executor else "",
        )
        + wrap("anexoClinico", annex),
    )


def internacao(
    numero="1",
    items=(("30715016", 1),),
    days="5",
    card=CARD,
    opme="N",
    quimio="N",
    annex="",
    urgent=False,
    cid="<ans:diagnosticoCID>K802</ans:diagnosticoCID>",
):
    return wrap(
        "solicitacaoInternacao",
        tag("registroANS", ANS_CODE)
        + tag("numeroGuiaPrestador", numero)
        + tag("ausenciaCodValidacao", "01")
        + tag("tipoEtapaAutorizacao", "1")
        + bearer(card)
        + wrap(
            "identificacaoSolicitante",
            wrap("dadosDoContratado", CONTRACTED)
            + wrap("dadosProfissionalContratado", PROFESSIONAL),
        )
        + wrap(
            "dadosHospitalSolicitado",
            tag("codigoIndicadonaOperadora", "54321")
            + tag("nomeContratadoIndicado", "HOSPITAL EXEMPLO")
            + tag("dataSugeridaInternacao", "2026-12-01"),
        )
        + wrap(
            "dadosInternacao",
            tag("caraterAtendimento", "2" if urgent else "1")
            + tag("tipoInternacao", "2")
            + tag("regimeInternacao", "1")
            + tag("qtDiariasSolicitadas", days)
            + tag("indicadorOPME", opme)
            + tag("indicadorQuimio", quimio)
            + tag("indicacaoClinica", "COLECISTITE"),
        )
        + wrap("hipotesesDiagnosticas", cid + tag("indicadorAcidente", "9"))
        + lines(items)
        + tag("dataSolicitacao", "2026-11-20")
        + wrap("anexoClinico", annex),
    )


def prorrogacao(
    numero="2",
    reference="1",
    days="3",
    items=(),
    room="",
    card=CARD,
    annex="",
    date="2026-11-20",
):
    return wrap(
        "solicitacaoProrrogacao",
        tag("registroANS", ANS_CODE)
        + tag("numeroGuiaPrestador", numero)
        + tag("nrGuiaReferenciada", reference)
        + wrap("dadosBeneficiario", tag("numeroCarteira", card))
        + wrap("dadosContratadoSolicitante", CONTRACTED)
        + tag("nomeContratadoSolicitante", "HOSPITAL EXEMPLO")
        + wrap("dadosProfissionalSolicitante", PROFESSIONAL)
        + wrap(
            "dadosInternacao",
            (tag("qtDiariasAdicionais", days) if days else "")
            + (tag("tipoAcomodacaoSolicitada", room) if room else "")
            + tag("indicacaoClinica", "FEBRE"),
        )
        + lines(items, "procedimentosAdicionais")
        + wrap("anexoClinicoProrrogacao", annex)
        + tag("dataSolicitacao", date),
    )


def odonto(
    numero="1",
    items=(("81000030", 1), ("85100196", 2)),
    card=CARD,
    initial="",
    total=None,
    kind="1",
):
    """Each procedure costs 50.00, of which the patient pays 10.00, and is worth 20.00 US."""
    procedures = "".join(
        wrap(
            "procedimentosSolicitados",
            procedure(code, "procSolic")
            + wrap("denteRegiao", tag("codDente", "11"))
            + tag("denteFace", "OD")
            + tag("qtdProc", quantity)
            + tag("qtdUS", "20.00")
            + tag("valorProc", "50.00")
            + tag("valorFranquia", "10.00")
            + tag("aut", "N"),
        )
        for code, quantity in items
    )
    return wrap(
        "solicitacaoOdontologia",
        tag("registroANS", ANS_CODE)
        + tag("numeroGuiaPrestador", numero)
        + tag("numeroCarteira", card)
        + tag("atendimentoRN", "N")
        + tag("planoBeneficiario", "DENTAL")
        + wrap(
            "dadosProfissionaisResponsaveis",
            tag("codigoProfExec", "12345")
            + tag("croExec", "1234")
            + tag("ufExec", "35")
            + tag("cnesExec", "7654321")
            + tag("cbosExec2", "223208"),
        )
        + procedures
        + tag("tipoAtendimento", kind)
        + tag("qtdTotalUS", f"{20 * len(items)}.00")
        + tag("valorTotalProc", total or f"{50 * len(items)}.00")
        + tag("valorTotalFranquia", f"{10 * len(items)}.00")
        + initial,
    )


def request(body, version="4.03.00", **options):
    tipo = "SOLICITACAO_PROCEDIMENTOS"
    return send(tipo, wrap("solicitacaoProcedimento", body), version, **options)


def status(numero="1", card=CARD, version="4.03.00", ans=ANS_CODE, **options):
    body = (
        wrap(
            "identificacaoSolicitacao",
            tag("registroANS", ans) + tag("numeroGuiaPrestador", numero),
        )
        + bearer(card)
        + wrap("dadosContratado", CONTRACTED)
    )
    tipo = "SOLICITA_STATUS_AUTORIZACAO"
    return send(tipo, wrap("solicitaStatusAutorizacao", body), version, **options)


def annex_head(numero, reference, ans=ANS_CODE, date="2026-11-20"):
    return wrap(
        "cabecalhoAnexo",
        tag("registroANS", ans)
        + tag("numeroGuiaAnexo", numero)
        + tag("numeroGuiaReferenciada", reference)
        + tag("dataSolicitacao", date),
    )


def quimio(
    numero="A1", reference="1", name="anexoSolicitacaoQuimio", card=CARD, cycle="2", doses="90.50"
):
    return wrap(
        name,
        annex_head(numero, reference)
        + bearer(card)
        + wrap(
            "dadosComplementaresBeneficiario",
            tag("peso", "70.50") + tag("altura", "170.00") + tag("superficieCorporal", "1.81")
            + tag("idade", "52") + tag("sexo", "3"),
        )
        + wrap("medicoSolicitante", REQUESTER)
        + wrap(
            "diagnosticoOncologicoQuimioterapia",
            wrap("diagQuimio", ONCOLOGY)
            + tag("tumor", "2") + tag("nodulo", "1") + tag("metastase", "2")
            + tag("tipoQuimioterapia", "1") + tag("planoTerapeutico", "AC 4 CICLOS"),
        )
        + wrap(
            "drogasSolicitadas",
            wrap(
                "drogaSolicitada",
                tag("dataProvavel", "2026-12-10") + procedure("90012345", "identificacao", "20")
                + tag("qtDoses", doses) + tag("unidadeMedida", "022")
                + tag("viaAdministracao", "19") + tag("frequencia", "1"),
            ),
        )
        + wrap("tratamentosAnteriores", tag("cirurgia", "MASTECTOMIA"))
        + tag("numeroCiclos", "4") + tag("cicloAtual", cycle) + tag("diasCicloAtual", "1")
        + tag("intervaloCiclos", "21") + tag("observacao", "NADA"),
    )  # fmt: skip


def radio(numero="A1", reference="1", name="anexoSolicitacaoRadio", card=CARD, fields="2"):
    return wrap(
        name,
        annex_head(numero, reference)
        + bearer(card)
        + wrap("dadosComplementaresBeneficiario", tag("idade", "52") + tag("sexo", "1"))
        + wrap("medicoSolicitante", REQUESTER)
        + wrap(
            "diagnosticoOncologicoRadio",
            wrap("diagRadio", ONCOLOGY) + tag("diagnosticoImagem", "1"),
        )
        + wrap("tratamentosAnteriores", tag("quimioterapia", "AC"))
        + tag("numeroCampos", fields)
        + tag("doseCampo", "200")
        + tag("doseTotal", "5000")
        + tag("nrDias", "25")
        + tag("dtPrevistaInicio", "2026-12-10"),
    )


def opme(
    numero="A1", reference="1", name="anexoSolicitacaoOPME", card=CARD, quantity="3", price="150.00"
):
    return wrap(
        name,
        annex_head(numero, reference)
        + bearer(card)
        + wrap("profissionalSolicitante", REQUESTER)
        + tag("justificativaTecnica", "FRATURA")
        + wrap(
            "opmeSolicitadas",
            wrap(
                "opmeSolicitada",
                procedure("70012345", "identificacaoOPME", "19")
                + tag("opcaoFabricante", "1")
                + tag("quantidadeSolicitada", quantity)
                + tag("valorSolicitado", price)
                + tag("registroANVISA", "10000000001")
                + tag("codigoRefFabricante", "REF-1"),
            ),
        )
        + tag("Observacao", "NADA"),
    )


def initial(numero="A1", reference="1", name="anexoSituacaoInicial", card=CARD, ans=ANS_CODE):
    return wrap(
        name,
        tag("registroANS", ans)
        + tag("numeroGuiaAnexo", numero)
        + tag("numeroGuiaReferenciada", reference)
        + tag("numeroCarteira", card)
        + wrap(
            "ct_situacaoInicial",
            wrap(
                "situacaoClinica",
                wrap("dentes", tag("elementoDentario", "11") + tag("condicaoClinica", "C")),
            )
            + tag("doencaPeriodontal", "false")
            + tag("alteracaoTecidoMole", "false"),
        ),
    )


def annexes(*content, lote="1", version="4.03.00", **options):
    body = tag("numeroLote", lote) + wrap("AnexosGuiasTISS", "".join(content))
    return send("ENVIO_ANEXO", wrap("loteAnexos", body), version, **options)


def notice(event="I", date="2026-11-20", reason=None, card=CARD, version="4.03.00", **options):
    reason = reason or ("tipoInternacao" if event == "I" else "motivoEncerramento")
    values = {"tipoInternacao": "1", "motivoEncerramento": "12"}
    body = (
        bearer(card)
        + tag("dataEvento", date)
        + tag("tipoEvento", event)
        + wrap("dadosInternacao", tag(reason, values[reason]))
    )
    return send("COMUNICACAO_BENEFICIARIO", wrap("comunicacaoInternacao", body), version, **options)


def document(
    numero="D1", formato="02", content=None, nature="2", version="4.03.00", links=None, **options
):
    content = FILES[formato] if content is None else content
    links = {"numeroGuiaPrestador": "1"} if links is None else links
    body = (
        "".join(tag(name, value) for name, value in links.items())
        + tag("numeroDocumento", numero)
        + tag("naturezaGuia", nature)
        + tag("formatoDocumento", formato)
        + tag("documento", base64.b64encode(content).decode())
        + tag("tipoDocumento", "02")
    )
    return send("ENVIO_DOCUMENTO", wrap("envioDocumentos", body), version, **options)


def cancel_lote(lote, protocol=None, version="4.03.00", **options):
    body = tag("numeroLote", lote) + (tag("numeroProtocolo", protocol) if protocol else "")
    return _cancel(wrap("tipoCancelamentoLote", body), version, **options)


def cancel_guias(*guias, version="4.03.00", **options):
    """`guias`: tipoGuia and number, perhaps a protocol, of each."""
    return _cancel(
        "".join(
            wrap(
                "tipoCancelamentoGuia",
                tag("tipoGuia", kind)
                + tag("numeroGuiaPrestador", number)
                + "".join(tag("numeroProtocolo", each) for each in protocol),
            )
            for kind, number, *protocol in guias
        ),
        version,
        **options,
    )


def _cancel(body, version, **options):
    body = wrap("dadosPrestador", CONTRACTED) + wrap("tipoCancelamento", body)
    return send("CANCELA_GUIA", wrap("cancelaGuia", body), version, **options)
