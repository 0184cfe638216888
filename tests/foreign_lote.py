"""Lotes as another system writes them: other prefix, encoding, capitals, blanks and accents.

Written by hand after guide §3.3–3.7; the people and codes are invented.
"""

from hashlib import md5

from lxml import etree

NAMESPACE = "http://www.ans.gov.br/padroes/tiss/schemas"

HEADER = """
<t:cabecalho>
  <t:identificacaoTransacao>
    <t:tipoTransacao>ENVIO_LOTE_GUIAS</t:tipoTransacao>
    <t:sequencialTransacao>77</t:sequencialTransacao>
    <t:dataRegistroTransacao>2026-03-12</t:dataRegistroTransacao>
    <t:horaRegistroTransacao>09:15:27</t:horaRegistroTransacao>
  </t:identificacaoTransacao>
  <t:origem><t:identificacaoPrestador>SENDER</t:identificacaoPrestador></t:origem>
  <t:destino><t:registroANS>326305</t:registroANS></t:destino>
  <t:Padrao>VERSION</t:Padrao>
</t:cabecalho>
"""
OWN_SENDER = "<t:codigoPrestadorNaOperadora>12345</t:codigoPrestadorNaOperadora>"

BENEFICIARY = """
<t:dadosBeneficiario>
  <t:numeroCarteira>00998877</t:numeroCarteira>
  <t:atendimentoRN>N</t:atendimentoRN>
</t:dadosBeneficiario>
"""

GUIA_HEADER = """
<t:cabecalhoGuia>
  <t:registroANS>326305</t:registroANS>
  <t:numeroGuiaPrestador>NUMBER</t:numeroGuiaPrestador>
</t:cabecalhoGuia>
"""

SURGERY = """
<t:procedimento>
  <t:codigoTabela>22</t:codigoTabela>
  <t:codigoProcedimento>31005470</t:codigoProcedimento>
  <t:descricaoProcedimento>Colecistectomia por vídeo</t:descricaoProcedimento>
</t:procedimento>
<t:quantidadeExecutada>1</t:quantidadeExecutada>
"""

CONSULTA = f"""
<t:guiaConsulta>
  <t:cabecalhoConsulta>
    <t:registroANS>326305</t:registroANS>
    <t:numeroGuiaPrestador>NUMBER</t:numeroGuiaPrestador>
  </t:cabecalhoConsulta>
  {BENEFICIARY}
  <t:contratadoExecutante>
    <t:codigoPrestadorNaOperadora>12345</t:codigoPrestadorNaOperadora>
    <t:CNES>1234567</t:CNES>
  </t:contratadoExecutante>
  <t:profissionalExecutante>
    <t:nomeProfissional>Dr. João Inventado</t:nomeProfissional>
    <t:conselhoProfissional>06</t:conselhoProfissional>
    <t:numeroConselhoProfissional>55443</t:numeroConselhoProfissional>
    <t:UF>35</t:UF>
    <t:CBOS>225125</t:CBOS>
  </t:profissionalExecutante>
  <t:indicacaoAcidente>9</t:indicacaoAcidente>
  <t:dadosAtendimento>
    <t:regimeAtendimento>01</t:regimeAtendimento>
    <t:dataAtendimento>2026-03-02</t:dataAtendimento>
    <t:tipoConsulta>1</t:tipoConsulta>
    <t:procedimento>
      <t:codigoTabela>22</t:codigoTabela>
      <t:codigoProcedimento>10101012</t:codigoProcedimento>
      <t:valorProcedimento>123.45</t:valorProcedimento>
    </t:procedimento>
  </t:dadosAtendimento>
  <t:observacao>retorno em 30 dias,  conforme combinação</t:observacao>
</t:guiaConsulta>
"""

# 3 × 33.33 × 0.95 = 94.9905, which another system cut to 94.98.
SP_SADT = f"""
<t:guiaSP-SADT>
  {GUIA_HEADER}
  <t:dadosAutorizacao>
    <t:dataAutorizacao>2026-03-01</t:dataAutorizacao>
    <t:senha>abc123</t:senha>
  </t:dadosAutorizacao>
  <t:dadosBeneficiario>
    <t:numeroCarteira>00998877</t:numeroCarteira>
    <t:atendimentoRN>N</t:atendimentoRN>
    <t:tipoIdent>05</t:tipoIdent>
    <t:identificadorBeneficiario>aW52ZW50YWRv</t:identificadorBeneficiario>
  </t:dadosBeneficiario>
  <t:dadosSolicitante>
    <t:contratadoSolicitante>
      <t:codigoPrestadorNaOperadora>88001</t:codigoPrestadorNaOperadora>
    </t:contratadoSolicitante>
    <t:nomeContratadoSolicitante>Consultório Fictício Ltda</t:nomeContratadoSolicitante>
    <t:profissionalSolicitante>
      <t:nomeProfissional>Maria de Lourdes Fictícia</t:nomeProfissional>
      <t:conselhoProfissional>06</t:conselhoProfissional>
      <t:numeroConselhoProfissional>70070</t:numeroConselhoProfissional>
      <t:UF>41</t:UF>
      <t:CBOS>225125</t:CBOS>
    </t:profissionalSolicitante>
  </t:dadosSolicitante>
  <t:dadosSolicitacao>
    <t:dataSolicitacao>2026-02-27</t:dataSolicitacao>
    <t:caraterAtendimento>1</t:caraterAtendimento>
    <t:indicacaoClinica>suspeita de invenção</t:indicacaoClinica>
  </t:dadosSolicitacao>
  <t:dadosExecutante>
    <t:contratadoExecutante>
      <t:codigoPrestadorNaOperadora>12345</t:codigoPrestadorNaOperadora>
    </t:contratadoExecutante>
    <t:CNES>9999999</t:CNES>
  </t:dadosExecutante>
  <t:dadosAtendimento>
    <t:tipoAtendimento>23</t:tipoAtendimento>
    <t:indicacaoAcidente>9</t:indicacaoAcidente>
    <t:regimeAtendimento>01</t:regimeAtendimento>
  </t:dadosAtendimento>
  <t:procedimentosExecutados>
    <t:procedimentoExecutado>
      <t:sequencialItem>10</t:sequencialItem>
      <t:dataExecucao>2026-03-02</t:dataExecucao>
      <t:horaInicial>08:30:15</t:horaInicial>
      <t:horaFinal>09:00:00</t:horaFinal>
      <t:procedimento>
        <t:codigoTabela>22</t:codigoTabela>
        <t:codigoProcedimento>40304361</t:codigoProcedimento>
        <t:descricaoProcedimento>Hemograma completo c/ plaquetas</t:descricaoProcedimento>
      </t:procedimento>
      <t:quantidadeExecutada>3</t:quantidadeExecutada>
      <t:reducaoAcrescimo>0.95</t:reducaoAcrescimo>
      <t:valorUnitario>33.33</t:valorUnitario>
      <t:valorTotal>94.98</t:valorTotal>
      <t:equipeSadt>
        <t:codProfissional>
          <t:codigoPrestadorNaOperadora>E77</t:codigoPrestadorNaOperadora>
        </t:codProfissional>
        <t:nomeProf>Dr. João Inventado</t:nomeProf>
        <t:conselho>06</t:conselho>
        <t:numeroConselhoProfissional>55443</t:numeroConselhoProfissional>
        <t:UF>35</t:UF>
        <t:CBOS>225125</t:CBOS>
      </t:equipeSadt>
    </t:procedimentoExecutado>
  </t:procedimentosExecutados>
  <t:outrasDespesas>
    <t:despesa>
      <t:sequencialItem>20</t:sequencialItem>
      <t:codigoDespesa>03</t:codigoDespesa>
      <t:servicosExecutados>
        <t:dataExecucao>2026-03-02</t:dataExecucao>
        <t:codigoTabela>00</t:codigoTabela>
        <t:codigoProcedimento>MAT-9</t:codigoProcedimento>
        <t:quantidadeExecutada>1.5</t:quantidadeExecutada>
        <t:unidadeMedida>036</t:unidadeMedida>
        <t:reducaoAcrescimo>1.00</t:reducaoAcrescimo>
        <t:valorUnitario>10.01</t:valorUnitario>
        <t:valorTotal>15.02</t:valorTotal>
        <t:descricaoProcedimento>luva invisível nº 8</t:descricaoProcedimento>
      </t:servicosExecutados>
      <t:itemVinculado>10</t:itemVinculado>
    </t:despesa>
  </t:outrasDespesas>
  <t:valorTotal>
    <t:valorProcedimentos>94.98</t:valorProcedimentos>
    <t:valorDiarias>0</t:valorDiarias>
    <t:valorMateriais>15.02</t:valorMateriais>
    <t:valorTotalGeral>110.00</t:valorTotalGeral>
  </t:valorTotal>
</t:guiaSP-SADT>
"""

RESUMO_INTERNACAO = f"""
<t:guiaResumoInternacao>
  {GUIA_HEADER}
  <t:numeroGuiaSolicitacaoInternacao>sol-88</t:numeroGuiaSolicitacaoInternacao>
  <t:dadosAutorizacao>
    <t:dataAutorizacao>2026-03-01</t:dataAutorizacao>
    <t:senha>s-1</t:senha>
  </t:dadosAutorizacao>
  {BENEFICIARY}
  <t:dadosExecutante>
    <t:contratadoExecutante>
      <t:codigoPrestadorNaOperadora>12345</t:codigoPrestadorNaOperadora>
    </t:contratadoExecutante>
    <t:CNES>1234567</t:CNES>
  </t:dadosExecutante>
  <t:dadosInternacao>
    <t:caraterAtendimento>2</t:caraterAtendimento>
    <t:tipoFaturamento>4</t:tipoFaturamento>
    <t:dataInicioFaturamento>2026-03-01</t:dataInicioFaturamento>
    <t:horaInicioFaturamento>07:45:30</t:horaInicioFaturamento>
    <t:dataFinalFaturamento>2026-03-04</t:dataFinalFaturamento>
    <t:horaFinalFaturamento>18:00:00</t:horaFinalFaturamento>
    <t:tipoInternacao>2</t:tipoInternacao>
    <t:regimeInternacao>1</t:regimeInternacao>
    <t:declaracoes>
      <t:declaracaoNascido>30012345678</t:declaracaoNascido>
    </t:declaracoes>
  </t:dadosInternacao>
  <t:dadosSaidaInternacao>
    <t:diagnostico>k802</t:diagnostico>
    <t:diagnostico>I10</t:diagnostico>
    <t:indicadorAcidente>9</t:indicadorAcidente>
    <t:motivoEncerramento>12</t:motivoEncerramento>
  </t:dadosSaidaInternacao>
  <t:procedimentosExecutados>
    <t:procedimentoExecutado>
      <t:sequencialItem>1</t:sequencialItem>
      <t:dataExecucao>2026-03-02</t:dataExecucao>
      {SURGERY}
      <t:viaAcesso>1</t:viaAcesso>
      <t:tecnicaUtilizada>2</t:tecnicaUtilizada>
      <t:reducaoAcrescimo>1.00</t:reducaoAcrescimo>
      <t:valorUnitario>900.00</t:valorUnitario>
      <t:valorTotal>900.00</t:valorTotal>
      <t:identEquipe>
        <t:identificacaoEquipe>
          <t:grauPart>00</t:grauPart>
          <t:codProfissional><t:cpfContratado>39053344705</t:cpfContratado></t:codProfissional>
          <t:nomeProf>Cirurgiã Imaginária</t:nomeProf>
          <t:conselho>06</t:conselho>
          <t:numeroConselhoProfissional>1122</t:numeroConselhoProfissional>
          <t:UF>35</t:UF>
          <t:CBOS>225125</t:CBOS>
        </t:identificacaoEquipe>
      </t:identEquipe>
    </t:procedimentoExecutado>
  </t:procedimentosExecutados>
  <t:valorTotal>
    <t:valorProcedimentos>900.00</t:valorProcedimentos>
    <t:valorTotalGeral>900.00</t:valorTotalGeral>
  </t:valorTotal>
</t:guiaResumoInternacao>
"""

HONORARIOS = f"""
<t:guiaHonorarios>
  {GUIA_HEADER}
  <t:guiaSolicInternacao>sol-88</t:guiaSolicInternacao>
  <t:beneficiario>
    <t:numeroCarteira>00998877</t:numeroCarteira>
    <t:atendimentoRN>N</t:atendimentoRN>
  </t:beneficiario>
  <t:localContratado>
    <t:codigoContratado><t:codigoNaOperadora>H-900</t:codigoNaOperadora></t:codigoContratado>
    <t:nomeContratado>Hospital Nossa Senhora da Invenção</t:nomeContratado>
    <t:cnes>2077777</t:cnes>
  </t:localContratado>
  <t:dadosContratadoExecutante>
    <t:codigonaOperadora>12345</t:codigonaOperadora>
    <t:cnesContratadoExecutante>9999999</t:cnesContratadoExecutante>
  </t:dadosContratadoExecutante>
  <t:dadosInternacao>
    <t:dataInicioFaturamento>2026-03-01</t:dataInicioFaturamento>
    <t:dataFimFaturamento>2026-03-04</t:dataFimFaturamento>
    <!-- 4.03.00: <t:caraterAtendimento>2</t:caraterAtendimento> -->
  </t:dadosInternacao>
  <t:procedimentosRealizados>
    <t:procedimentoRealizado>
      <t:sequencialItem>1</t:sequencialItem>
      <t:dataExecucao>2026-03-02</t:dataExecucao>
      {SURGERY}
      <t:reducaoAcrescimo>0.60</t:reducaoAcrescimo>
      <t:valorUnitario>900.00</t:valorUnitario>
      <t:valorTotal>540.00</t:valorTotal>
      <t:profissionais>
        <t:grauParticipacao>01</t:grauParticipacao>
        <t:codProfissional><t:cpfContratado>39053344705</t:cpfContratado></t:codProfissional>
        <t:nomeProfissional>Cirurgiã Imaginária</t:nomeProfissional>
        <t:conselhoProfissional>06</t:conselhoProfissional>
        <t:numeroConselhoProfissional>1122</t:numeroConselhoProfissional>
        <t:UF>35</t:UF>
        <t:CBO>225125</t:CBO>
      </t:profissionais>
    </t:procedimentoRealizado>
  </t:procedimentosRealizados>
  <t:valorTotalHonorarios>540.00</t:valorTotalHonorarios>
  <t:dataEmissaoGuia>2026-03-05</t:dataEmissaoGuia>
</t:guiaHonorarios>
"""

# 100.00 for 3 of them has no unit price in cents.
ODONTO = f"""
<t:guiaOdonto>
  <t:registroANS>326305</t:registroANS>
  <t:numeroGuiaPrestador>NUMBER</t:numeroGuiaPrestador>
  {BENEFICIARY}
  <t:planoBeneficiario>Sorriso Básico</t:planoBeneficiario>
  <t:dadosProfissionaisResponsaveis>
    <t:codigoProfExec>12345</t:codigoProfExec>
    <t:croExec>4321</t:croExec>
    <t:ufExec>35</t:ufExec>
    <t:cnesExec>9999999</t:cnesExec>
    <t:cbosExec2>223208</t:cbosExec2>
  </t:dadosProfissionaisResponsaveis>
  <t:procedimentosExecutados>
    <t:sequencialItem>1</t:sequencialItem>
    <t:procSolic>
      <t:codigoTabela>22</t:codigoTabela>
      <t:codigoProcedimento>81000030</t:codigoProcedimento>
      <t:descricaoProcedimento>Consulta odontológica</t:descricaoProcedimento>
    </t:procSolic>
    <t:denteRegiao><t:codDente>36</t:codDente></t:denteRegiao>
    <t:denteFace>o</t:denteFace>
    <t:qtdProc>3</t:qtdProc>
    <t:valorProc>100.00</t:valorProc>
    <t:valorFranquia>20.00</t:valorFranquia>
    <t:autorizado>1</t:autorizado>
    <t:dataRealizacao>2026-03-02</t:dataRealizacao>
  </t:procedimentosExecutados>
  <t:dataTerminoTrat>2026-03-03</t:dataTerminoTrat>
  <t:tipoAtendimento>1</t:tipoAtendimento>
  <t:tipoFaturamento>4</t:tipoFaturamento>
  <t:valorTotalProc>100.00</t:valorTotalProc>
  <t:valorTotalFranquia>20.00</t:valorTotalFranquia>
  <t:odontoInicial>
    <t:numeroGuiaAnexo>NUMBER</t:numeroGuiaAnexo>
    <t:numeroGuiaReferenciada>NUMBER</t:numeroGuiaReferenciada>
    <t:ct_situacaoInicial>
      <t:situacaoClinica>
        <t:dentes>
          <t:elementoDentario>36</t:elementoDentario>
          <t:condicaoClinica>C</t:condicaoClinica>
        </t:dentes>
      </t:situacaoClinica>
    </t:ct_situacaoInicial>
  </t:odontoInicial>
</t:guiaOdonto>
"""

GUIAS = {
    "consulta": CONSULTA,
    "sp_sadt": SP_SADT,
    "resumo_internacao": RESUMO_INTERNACAO,
    "honorarios": HONORARIOS,
    "odonto": ODONTO,
}
CARE_403 = "<!-- 4.03.00: <t:caraterAtendimento>2</t:caraterAtendimento> -->"


def foreign_lote(
    guia_type,
    version="4.03.00",
    *,
    numbers=("A-17",),
    lote="L9",
    sender=OWN_SENDER,
    prefix="",
    charset="utf-8",
    change=lambda text: text,
    right_hash=True,
):
    """Bytes of a lote of one type.

    :param change: function of the text, before the hash is made
    """
    guia = GUIAS[guia_type].replace(CARE_403, CARE_403[14:-4] if version >= "4.03.00" else "")
    text = (
        "<t:mensagemTISS>"
        + HEADER.replace("SENDER", sender).replace("VERSION", version)
        + "<t:prestadorParaOperadora><t:loteGuias>"
        + f"<t:numeroLote>{lote}</t:numeroLote><t:guiasTISS>"
        + "".join(guia.replace("NUMBER", number) for number in numbers)
        + "</t:guiasTISS></t:loteGuias></t:prestadorParaOperadora>"
        + "<t:epilogo><t:hash>HASH</t:hash></t:epilogo></t:mensagemTISS>"
    )
    name = f"{prefix}:" if prefix else ""
    text = change(text).replace("<t:", f"<{name}").replace("</t:", f"</{name}")
    declared = f' xmlns:{prefix}="{NAMESPACE}"' if prefix else f' xmlns="{NAMESPACE}"'
    text = text.replace("mensagemTISS>", f"mensagemTISS{declared}>", 1)
    if right_hash:
        text = text.replace("HASH", _digest(text, charset))
    else:
        text = text.replace("HASH", "0" * 32)
    return f'<?xml version="1.0" encoding="{charset}"?>\n{text}'.encode(charset)


def _digest(text, charset):
    """The rule of guide §2.3, independently of the codec that is tested."""
    root = etree.fromstring(text)
    leaves = [
        node.text or ""
        for node in root.iter(etree.Element)
        if not len(node) and not node.tag.endswith("}hash")
    ]
    return md5("".join(leaves).encode(charset), usedforsecurity=False).hexdigest()
