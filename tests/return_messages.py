"""Return messages for hand-worked tests, written with plain text: not with the codec they test.

The hash is left wrong on purpose: a return is never refused for it (guide §2.3).
"""

import re

from odoo import fields

HEADER = """<?xml version="1.0" encoding="ISO-8859-1"?>
<ans:mensagemTISS xmlns:ans="http://www.ans.gov.br/padroes/tiss/schemas">
<ans:cabecalho><ans:identificacaoTransacao><ans:tipoTransacao>{transaction}</ans:tipoTransacao>
<ans:sequencialTransacao>1</ans:sequencialTransacao>
<ans:dataRegistroTransacao>{today}</ans:dataRegistroTransacao>
<ans:horaRegistroTransacao>10:00:00</ans:horaRegistroTransacao></ans:identificacaoTransacao>
<ans:origem><ans:registroANS>{ans_code}</ans:registroANS></ans:origem>
<ans:destino><ans:identificacaoPrestador>
<ans:codigoPrestadorNaOperadora>{provider}</ans:codigoPrestadorNaOperadora>
</ans:identificacaoPrestador></ans:destino><ans:Padrao>{version}</ans:Padrao></ans:cabecalho>
<ans:operadoraParaPrestador><ans:demonstrativosRetorno>{body}</ans:demonstrativosRetorno>
</ans:operadoraParaPrestador>
<ans:epilogo><ans:hash>{hash}</ans:hash></ans:epilogo></ans:mensagemTISS>"""
DEMONSTRATIVO = """<ans:cabecalhoDemonstrativo><ans:registroANS>{ans_code}</ans:registroANS>
<ans:numeroDemonstrativo>{number}</ans:numeroDemonstrativo>
<ans:nomeOperadora>OPERADORA</ans:nomeOperadora><ans:numeroCNPJ>{cnpj}</ans:numeroCNPJ>
<ans:dataEmissao>{today}</ans:dataEmissao></ans:cabecalhoDemonstrativo>"""
PROVIDER = """<ans:codigoPrestadorNaOperadora>{provider}</ans:codigoPrestadorNaOperadora>"""


def analysis_message(lote, released, number, **options):
    """DEMONSTRATIVO_ANALISE_CONTA of one lote.

    :param released: {(guia number, item): amount or (amount, T38 code)}; item None is the guia
    :param options: ans_code, provider to override the contract's; informed_total to break a sum
    """
    guias = [
        _analysed_guia(
            guia, {item: value for (name, item), value in released.items() if name == guia.name}
        )
        for guia in lote.guia_ids
        if any(name == guia.name for name, _item in released)
    ]
    informed = sum(guia["informed"] for guia in guias)
    amount = sum(guia["released"] for guia in guias)
    stated = options.pop("released_total", amount)
    body = (
        "<ans:demonstrativoAnaliseConta>{demonstrativo}<ans:dadosPrestador><ans:dadosContratado>"
        f"{PROVIDER}</ans:dadosContratado><ans:CNES>9999999</ans:CNES></ans:dadosPrestador>"
        "<ans:dadosConta><ans:dadosProtocolo>"
        f"<ans:numeroLotePrestador>{lote.name}</ans:numeroLotePrestador>"
        f"<ans:numeroProtocolo>{lote.protocol_number}</ans:numeroProtocolo>"
        "<ans:dataProtocolo>{today}</ans:dataProtocolo>"
        "<ans:situacaoProtocolo>5</ans:situacaoProtocolo>"
        + "".join(guia["xml"] for guia in guias)
        + _totals("Protocolo", informed, stated)
        + "</ans:dadosProtocolo></ans:dadosConta>"
        + _totals("Geral", informed, stated)
        + "</ans:demonstrativoAnaliseConta>"
    )
    return _message("DEMONSTRATIVO_ANALISE_CONTA", lote.contract_id, body, number, **options)


def _analysed_guia(guia, values):
    items, informed, released = "", 0, 0
    for item, value in values.items():
        amount, code = value if isinstance(value, tuple) else (value, None)
        released += amount
        if item is None:
            informed = guia.amount_total
            continue
        line = guia.line_ids.filtered(lambda line, item=item: line.sequence_item == item)
        informed += line.amount
        items += _analysed_item(line, amount, code)
    xml = (
        f"<ans:relacaoGuias><ans:numeroGuiaPrestador>{guia.name}</ans:numeroGuiaPrestador>"
        f"<ans:numeroCarteira>{guia.card_number}</ans:numeroCarteira>"
        f"<ans:dataInicioFat>{guia.date}</ans:dataInicioFat>"
        f"<ans:situacaoGuia>5</ans:situacaoGuia>{items}"
        + _totals("Guia", informed, released)
        + "</ans:relacaoGuias>"
    )
    return {"xml": xml, "informed": informed, "released": released}


def _analysed_item(line, amount, code):
    glosa = ""
    if code:
        glosa = (
            f"<ans:relacaoGlosa><ans:valorGlosa>{line.amount - amount:.2f}</ans:valorGlosa>"
            f"<ans:tipoGlosa>{code}</ans:tipoGlosa></ans:relacaoGlosa>"
        )
    return (
        f"<ans:detalhesGuia><ans:sequencialItem>{line.sequence_item}</ans:sequencialItem>"
        f"<ans:dataRealizacao>{line.date}</ans:dataRealizacao><ans:procedimento>"
        f"<ans:codigoTabela>{line.table_code}</ans:codigoTabela>"
        f"<ans:codigoProcedimento>{line.code}</ans:codigoProcedimento>"
        "<ans:descricaoProcedimento>ITEM</ans:descricaoProcedimento></ans:procedimento>"
        f"<ans:valorInformado>{line.amount:.2f}</ans:valorInformado>"
        f"<ans:qtdExecutada>{line.quantity}</ans:qtdExecutada>"
        f"<ans:valorProcessado>{line.amount:.2f}</ans:valorProcessado>"
        f"<ans:valorLiberado>{amount:.2f}</ans:valorLiberado>{glosa}</ans:detalhesGuia>"
    )


def payment_message(lotes, guias, number, adjustments=(), **options):
    """DEMONSTRATIVO_PAGAMENTO that pays guias of some lotes on one day.

    :param guias: {guia number: released amount}
    :param adjustments: (T27 code, description, amount) débitos; below zero a crédito
    :param options: ans_code, provider to override the contract's; net to break the sum; day of the
        payment; whole: adjustments of the whole file, and stated: its net
    """
    contract = lotes.contract_id
    day = options.pop("day", "{today}")
    protocols, gross = "", 0
    for lote in lotes:
        paid = {name: guias[name] for name in lote.guia_ids.mapped("name") if name in guias}
        gross += sum(paid.values())
        protocols += _paid_protocol(lote, paid)
    debits = sum(amount for _kind, _name, amount in adjustments if amount > 0)
    credits = -sum(amount for _kind, _name, amount in adjustments if amount < 0)
    net = options.pop("net", gross - debits + credits)
    discounts = _discounts("debitosCreditos", adjustments)
    whole = _discounts("debitosCreditosDemonstrativo", options.pop("whole", ()))
    stated = options.pop("stated", net)
    if discounts:
        discounts = f"<ans:debitosCreditosPorData>{discounts}</ans:debitosCreditosPorData>"
    body = (
        "<ans:demonstrativoPagamento>{demonstrativo}<ans:dadosContratado><ans:dadosPrestador>"
        f"{PROVIDER}</ans:dadosPrestador><ans:CNES>9999999</ans:CNES></ans:dadosContratado>"
        "<ans:pagamentos><ans:pagamentosPorData><ans:dadosPagamento>"
        f"<ans:dataPagamento>{day}</ans:dataPagamento><ans:formaPagamento>1</ans:formaPagamento>"
        f"</ans:dadosPagamento><ans:dadosResumo>{protocols}</ans:dadosResumo>"
        f"<ans:totaisBrutosPorData>{_gross(gross)}</ans:totaisBrutosPorData>{discounts}"
        f"<ans:totaisLiquidosPorData><ans:totalDebitosPorData>{debits:.2f}</ans:totalDebitosPorData>"
        f"<ans:totalCreditosPorData>{credits:.2f}</ans:totalCreditosPorData>"
        f"<ans:liquidoPorData>{net:.2f}</ans:liquidoPorData></ans:totaisLiquidosPorData>"
        "</ans:pagamentosPorData></ans:pagamentos><ans:totaisDemonstrativo>"
        "<ans:totaisBrutosDemonstrativo>"
        f"<ans:valorInformadoBruto>{gross:.2f}</ans:valorInformadoBruto>"
        f"<ans:valorProcessadoBruto>{gross:.2f}</ans:valorProcessadoBruto>"
        f"<ans:valorLiberadoBruto>{gross:.2f}</ans:valorLiberadoBruto>"
        "<ans:valorGlosaBruto>0.00</ans:valorGlosaBruto></ans:totaisBrutosDemonstrativo>"
        f"{whole}"
        "<ans:totaisLiquidosDemonstrativo>"
        f"<ans:totalDebitosDemonstrativo>{debits:.2f}</ans:totalDebitosDemonstrativo>"
        "<ans:totalCreditosdemonstrativo>0.00</ans:totalCreditosdemonstrativo>"
        f"<ans:valorLiberadoDemonstrativo>{stated:.2f}</ans:valorLiberadoDemonstrativo>"
        "</ans:totaisLiquidosDemonstrativo></ans:totaisDemonstrativo>"
        "</ans:demonstrativoPagamento>"
    )
    return _message("DEMONSTRATIVO_PAGAMENTO", contract, body, number, **options)


def two_days_message(guia, first, second, number, day, **options):
    """One file that pays a guia on `day` and today."""
    content = payment_message(guia.lote_id, {guia.name: first}, number, day=day, **options)
    start, end = b"<ans:pagamentosPorData>", b"</ans:pagamentosPorData>"
    other = payment_message(guia.lote_id, {guia.name: second}, number, **options)
    other = other.partition(start)[2].partition(end)[0]
    content = content.replace(end, end + start + other + end)
    for name in (b"valorLiberadoBruto", b"valorLiberadoDemonstrativo"):
        content = content.replace(b"%s>%.2f<" % (name, first), b"%s>%.2f<" % (name, first + second))
    return content


def _discounts(element, adjustments):
    return "".join(
        f"<ans:{element}><ans:indicador>{1 if amount > 0 else 2}</ans:indicador>"
        f"<ans:tipoDebitoCredito>{kind}</ans:tipoDebitoCredito>"
        f"<ans:descricaoDbCr>{name}</ans:descricaoDbCr>"
        f"<ans:valorDbCr>{abs(amount):.2f}</ans:valorDbCr></ans:{element}>"
        for kind, name, amount in adjustments
    )


def _paid_protocol(lote, paid):
    gross = sum(paid.values())
    guias = "".join(
        f"<ans:guiasDoLote><ans:numeroGuiaPrestador>{name}</ans:numeroGuiaPrestador>"
        "<ans:tipoPagamento>1</ans:tipoPagamento>"
        f"<ans:valorProcessadoGuia>{amount:.2f}</ans:valorProcessadoGuia>"
        f"<ans:valorLiberadoGuia>{amount:.2f}</ans:valorLiberadoGuia></ans:guiasDoLote>"
        for name, amount in paid.items()
    )
    return (
        "<ans:relacaoProtocolos><ans:dataProtocolo>{today}</ans:dataProtocolo>"
        f"<ans:numeroProtocolo>{lote.protocol_number}</ans:numeroProtocolo>"
        f"<ans:numeroLote>{lote.name}</ans:numeroLote>"
        f"<ans:valorInformado>{gross:.2f}</ans:valorInformado>"
        f"<ans:valorProcessado>{gross:.2f}</ans:valorProcessado>"
        f"<ans:valorLiberado>{gross:.2f}</ans:valorLiberado>{guias}</ans:relacaoProtocolos>"
    )


def _totals(suffix, informed, released):
    return (
        f"<ans:valorInformado{suffix}>{informed:.2f}</ans:valorInformado{suffix}>"
        f"<ans:valorProcessado{suffix}>{informed:.2f}</ans:valorProcessado{suffix}>"
        f"<ans:valorLiberado{suffix}>{released:.2f}</ans:valorLiberado{suffix}>"
    )


def _gross(amount):
    return (
        f"<ans:totalInformadoPorData>{amount:.2f}</ans:totalInformadoPorData>"
        f"<ans:totalProcessadoPorData>{amount:.2f}</ans:totalProcessadoPorData>"
        f"<ans:totaLiberadoPorData>{amount:.2f}</ans:totaLiberadoPorData>"
        "<ans:totalGlosaPorData>0.00</ans:totalGlosaPorData>"
    )


def _message(transaction, contract, body, number, **options):
    values = {
        "transaction": transaction,
        "today": fields.Date.to_string(fields.Date.today()),
        "ans_code": options.get("ans_code", contract.ans_code),
        "provider": options.get("provider", contract._get_provider_code()),
        "version": contract.version,
        "number": number,
        "cnpj": contract.partner_id.vat,
        "hash": "0" * 32,
    }
    values["demonstrativo"] = DEMONSTRATIVO.format(**values)
    header = HEADER
    if options.get("plain"):
        header = re.sub("</?ans:demonstrativosRetorno>", "", header)
    return header.format(body=body.format(**values), **values).encode("iso-8859-1")


def answer_message(contract, transaction, body, **options):
    """Any other answer: its body is written with `{…}` of `_message` and without the prefix."""
    tagged = re.sub(r"<(/?)(?=\w)", r"<\1ans:", body)
    return _message(transaction, contract, tagged, "", plain=True, **options)


def dental_message(lote, rows, number, adjustments=(), **options):
    """DEMONSTRATIVO_ODONTOLOGIA that analyses and pays the one guia of a lote.

    :param rows: {item: (released, T38 code, …)}
    :param adjustments: (T27 code, description, amount) débitos
    :param options: informed_total to break the sum of the whole file
    """
    contract, guia = lote.contract_id, lote.guia_ids
    lines = guia.line_ids.sorted("sequence_item")
    items, sums = "", [0, 0, 0, 0]
    for line in lines:
        released, *codes = rows[line.sequence_item]
        gross, patient = line.amount + line.amount_patient, line.amount_patient
        values = [gross, gross - patient - released, patient, released]
        sums = [total + value for total, value in zip(sums, values, strict=True)]
        items += _dental_item(line, values, codes)
    debits = sum(amount for _kind, _name, amount in adjustments)
    discounts = "".join(
        f"<ans:descontos><ans:indicador>1</ans:indicador><ans:tipoDebitoCredito>{kind}"
        f"</ans:tipoDebitoCredito><ans:descricaoDbCr>{name}</ans:descricaoDbCr>"
        f"<ans:valorDbCr>{amount:.2f}</ans:valorDbCr></ans:descontos>"
        for kind, name, amount in adjustments
    )
    by_day = discounts and f"<ans:debCredPorDataPagamento>{discounts}</ans:debCredPorDataPagamento>"
    whole = [options.pop("informed_total", sums[0]), *sums[1:]]
    body = (
        "<ans:demonstrativoPagamentoOdonto><ans:cabecalhoDemonstrativoOdonto>"
        "<ans:registroANS>{ans_code}</ans:registroANS>"
        "<ans:numeroDemonstrativo>{number}</ans:numeroDemonstrativo>"
        "<ans:nomeOperadora>OPERADORA</ans:nomeOperadora><ans:cnpjOper>{cnpj}</ans:cnpjOper>"
        "<ans:periodoProc><ans:datainicio>{today}</ans:datainicio><ans:datafim>{today}</ans:datafim>"
        "</ans:periodoProc></ans:cabecalhoDemonstrativoOdonto><ans:dadosPrestador>"
        "<ans:codigoPrestador>{provider}</ans:codigoPrestador><ans:cpfCNPJContratado>"
        f"<ans:cnpjPrestador>{lote.company_id.vat}</ans:cnpjPrestador></ans:cpfCNPJContratado>"
        "</ans:dadosPrestador><ans:dadosPagamentoPorData><ans:dadosPagamento>"
        "<ans:dataPagamento>{today}</ans:dataPagamento></ans:dadosPagamento><ans:protocolos>"
        f"<ans:numeroLote>{lote.name}</ans:numeroLote>"
        f"<ans:numeroProtocolo>{lote.protocol_number}</ans:numeroProtocolo>"
        f"<ans:dadosPagamentoGuia><ans:numeroGuiaPrestador>{guia.name}</ans:numeroGuiaPrestador>"
        "<ans:recurso>N</ans:recurso><ans:nomeExecutante>DENTISTA</ans:nomeExecutante>"
        f"<ans:carteiraBeneficiario>{guia.card_number}</ans:carteiraBeneficiario>{items}"
        + _dental_sums("valorTotal{}Guia", sums)
        + "</ans:dadosPagamentoGuia><ans:totaisPorProtocolo>"
        + _dental_sums("valorTotal{}PorProtocolo", sums)
        + "</ans:totaisPorProtocolo></ans:protocolos><ans:totaisPorData>"
        + _dental_sums("valorBruto{}PorData", sums).replace("BrutoInformado", "Brutonformado")
        + f"</ans:totaisPorData>{by_day}<ans:totalLiquidoPorData>"
        f"<ans:valorTotalDebitosPorData>{debits:.2f}</ans:valorTotalDebitosPorData>"
        "<ans:valorTotalCreditosPorData>0.00</ans:valorTotalCreditosPorData>"
        f"<ans:valorFinalAReceberPorData>{sums[3] - debits:.2f}</ans:valorFinalAReceberPorData>"
        "</ans:totalLiquidoPorData></ans:dadosPagamentoPorData><ans:totaisBrutoDemonstrativo>"
        f"<ans:valorInformadoPorDemonstrativoData>{whole[0]:.2f}"
        "</ans:valorInformadoPorDemonstrativoData>"
        f"<ans:valorlProcessadoPorDemonstrativo>{sums[0]:.2f}</ans:valorlProcessadoPorDemonstrativo>"
        f"<ans:valorlGlosaPorDemonstrativo>{sums[1]:.2f}</ans:valorlGlosaPorDemonstrativo>"
        f"<ans:valoFranquiaPorDemonstrativo>{sums[2]:.2f}</ans:valoFranquiaPorDemonstrativo>"
        f"<ans:valorLiberadoPorDemonstrativo>{sums[3]:.2f}</ans:valorLiberadoPorDemonstrativo>"
        "</ans:totaisBrutoDemonstrativo>"
        f"<ans:totalDebitosDemonstativo>{debits:.2f}</ans:totalDebitosDemonstativo>"
        "<ans:totalCreditosDemonstrativo>0.00</ans:totalCreditosDemonstrativo>"
        f"<ans:valorRecebidoDemonstrativo>{sums[3] - debits:.2f}</ans:valorRecebidoDemonstrativo>"
        "</ans:demonstrativoPagamentoOdonto>"
    )
    return _message("DEMONSTRATIVO_ODONTOLOGIA", contract, body, number, **options)


def _dental_item(line, values, codes):
    gross, denied, patient, released = values
    reasons = "".join(f"<ans:codigosGlosa>{code}</ans:codigosGlosa>" for code in codes)
    return (
        f"<ans:dadosPagamento><ans:sequencialItem>{line.sequence_item}</ans:sequencialItem>"
        f"<ans:procedimento><ans:codigoTabela>{line.table_code}</ans:codigoTabela>"
        f"<ans:codigoProcedimento>{line.code}</ans:codigoProcedimento>"
        "<ans:descricaoProcedimento>ITEM</ans:descricaoProcedimento></ans:procedimento>"
        f"<ans:dataRealizacao>{line.date}</ans:dataRealizacao>"
        f"<ans:qtdProc>{line.quantity:.0f}</ans:qtdProc>"
        f"<ans:valorInformado>{gross:.2f}</ans:valorInformado>"
        f"<ans:valorProcessado>{gross:.2f}</ans:valorProcessado>"
        f"<ans:valorGlosaEstorno>{denied:.2f}</ans:valorGlosaEstorno>"
        f"<ans:valorFranquia>{patient:.2f}</ans:valorFranquia>"
        f"<ans:valorLiberado>{released:.2f}</ans:valorLiberado>{reasons}</ans:dadosPagamento>"
    )


def _dental_sums(pattern, sums):
    gross, denied, patient, released = sums
    values = {
        "Informado": gross,
        "Processado": gross,
        "Glosa": denied,
        "Franquia": patient,
        "Liberado": released,
    }
    return "".join(
        f"<ans:{pattern.format(name)}>{value:.2f}</ans:{pattern.format(name)}>"
        for name, value in values.items()
    )
