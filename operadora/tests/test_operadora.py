"""The simulated operadora: what it takes, what it refuses, and that its answers add up."""

import ast
import hashlib
import html
import re
import sys
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import resources
from pathlib import Path
from unittest import TestCase

from lxml import etree

from .. import InvalidAnswer, MissingSchema, Operadora
from ..answers import retentions
from ..lote import REASONS
from ..message import MAX_BYTES
from ..official import load, tabela_38
from ..verdict import GUIA, PRICE, QUANTITY, SHARE, WHOLE

VERSIONS = ("4.02.00", "4.03.00")
TODAY = date(2026, 11, 21)
ANS = {"ans": "http://www.ans.gov.br/padroes/tiss/schemas"}
CENT = Decimal("0.01")

HEAD = (
    "<ans:cabecalho><ans:identificacaoTransacao><ans:tipoTransacao>{tipo}</ans:tipoTransacao>"
    "<ans:sequencialTransacao>1</ans:sequencialTransacao>"
    "<ans:dataRegistroTransacao>{registro}</ans:dataRegistroTransacao>"
    "<ans:horaRegistroTransacao>10:30:00</ans:horaRegistroTransacao>"
    "</ans:identificacaoTransacao><ans:origem><ans:identificacaoPrestador>{prestador}"
    "</ans:identificacaoPrestador></ans:origem><ans:destino><ans:registroANS>{destino}"
    "</ans:registroANS></ans:destino><ans:Padrao>{version}</ans:Padrao></ans:cabecalho>"
)
PRESTADOR = "<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
CNPJ = "<ans:CNPJ>11222333000181</ans:CNPJ>"
CONSULTA = (
    "<ans:guiaConsulta><ans:cabecalhoConsulta><ans:registroANS>{ans}</ans:registroANS>"
    "<ans:numeroGuiaPrestador>{numero}</ans:numeroGuiaPrestador></ans:cabecalhoConsulta>"
    "<ans:dadosBeneficiario><ans:numeroCarteira>0123456789</ans:numeroCarteira>"
    "<ans:atendimentoRN>N</ans:atendimentoRN></ans:dadosBeneficiario><ans:contratadoExecutante>"
    "<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
    "<ans:CNES>9999999</ans:CNES></ans:contratadoExecutante><ans:profissionalExecutante>"
    "<ans:nomeProfissional>{nome}</ans:nomeProfissional>"
    "<ans:conselhoProfissional>06</ans:conselhoProfissional>"
    "<ans:numeroConselhoProfissional>123456</ans:numeroConselhoProfissional><ans:UF>35</ans:UF>"
    "<ans:CBOS>225125</ans:CBOS></ans:profissionalExecutante>"
    "<ans:indicacaoAcidente>9</ans:indicacaoAcidente><ans:dadosAtendimento>"
    "<ans:regimeAtendimento>01</ans:regimeAtendimento>"
    "<ans:dataAtendimento>{dia}</ans:dataAtendimento><ans:tipoConsulta>1</ans:tipoConsulta>"
    "<ans:procedimento><ans:codigoTabela>22</ans:codigoTabela>"
    "<ans:codigoProcedimento>10101012</ans:codigoProcedimento>"
    "<ans:valorProcedimento>{valor}</ans:valorProcedimento></ans:procedimento>"
    "</ans:dadosAtendimento></ans:guiaConsulta>"
)
SP_SADT = (
    "<ans:guiaSP-SADT><ans:cabecalhoGuia><ans:registroANS>{ans}</ans:registroANS>"
    "<ans:numeroGuiaPrestador>{numero}</ans:numeroGuiaPrestador></ans:cabecalhoGuia>"
    "<ans:dadosAutorizacao><ans:numeroGuiaOperadora>OP{numero}</ans:numeroGuiaOperadora>"
    "<ans:dataAutorizacao>{autorizada}</ans:dataAutorizacao><ans:senha>S{numero}</ans:senha>"
    "<ans:dataValidadeSenha>2027-01-31</ans:dataValidadeSenha></ans:dadosAutorizacao>"
    "<ans:dadosBeneficiario><ans:numeroCarteira>0123456789</ans:numeroCarteira>"
    "<ans:atendimentoRN>N</ans:atendimentoRN></ans:dadosBeneficiario><ans:dadosSolicitante>"
    "<ans:contratadoSolicitante>"
    "<ans:codigoPrestadorNaOperadora>99999999999999</ans:codigoPrestadorNaOperadora>"
    "</ans:contratadoSolicitante>"
    "<ans:nomeContratadoSolicitante>CLINICA EXEMPLO</ans:nomeContratadoSolicitante>"
    "<ans:profissionalSolicitante><ans:nomeProfissional>MARIA SOUZA</ans:nomeProfissional>"
    "<ans:conselhoProfissional>06</ans:conselhoProfissional>"
    "<ans:numeroConselhoProfissional>123456</ans:numeroConselhoProfissional><ans:UF>35</ans:UF>"
    "<ans:CBOS>225125</ans:CBOS></ans:profissionalSolicitante></ans:dadosSolicitante>"
    "<ans:dadosSolicitacao><ans:caraterAtendimento>1</ans:caraterAtendimento>"
    "</ans:dadosSolicitacao><ans:dadosExecutante><ans:contratadoExecutante>"
    "<ans:codigoPrestadorNaOperadora>12345</ans:codigoPrestadorNaOperadora>"
    "</ans:contratadoExecutante><ans:CNES>7654321</ans:CNES></ans:dadosExecutante>"
    "<ans:dadosAtendimento><ans:tipoAtendimento>23</ans:tipoAtendimento>"
    "<ans:indicacaoAcidente>9</ans:indicacaoAcidente>"
    "<ans:regimeAtendimento>01</ans:regimeAtendimento></ans:dadosAtendimento>"
    "{procedimentos}{despesas}<ans:valorTotal>{totais}</ans:valorTotal></ans:guiaSP-SADT>"
)
HONORARIOS = (
    "<ans:guiaHonorarios><ans:cabecalhoGuia><ans:registroANS>326305</ans:registroANS>"
    "<ans:numeroGuiaPrestador>{numero}</ans:numeroGuiaPrestador></ans:cabecalhoGuia>"
    "<ans:guiaSolicInternacao>9</ans:guiaSolicInternacao><ans:beneficiario>"
    "<ans:numeroCarteira>1</ans:numeroCarteira><ans:atendimentoRN>N</ans:atendimentoRN>"
    "</ans:beneficiario><ans:localContratado><ans:codigoContratado>"
    "<ans:codigoNaOperadora>1</ans:codigoNaOperadora></ans:codigoContratado>"
    "<ans:nomeContratado>HOSPITAL</ans:nomeContratado><ans:cnes>9999999</ans:cnes>"
    "</ans:localContratado><ans:dadosContratadoExecutante>"
    "<ans:codigonaOperadora>1</ans:codigonaOperadora>"
    "<ans:cnesContratadoExecutante>9999999</ans:cnesContratadoExecutante>"
    "</ans:dadosContratadoExecutante><ans:dadosInternacao>"
    "<ans:dataInicioFaturamento>2026-11-20</ans:dataInicioFaturamento>"
    "<ans:dataFimFaturamento>2026-11-20</ans:dataFimFaturamento>"
    "{carater}</ans:dadosInternacao>"
    "<ans:procedimentosRealizados><ans:procedimentoRealizado>"
    "<ans:sequencialItem>1</ans:sequencialItem><ans:dataExecucao>{dia}</ans:dataExecucao>"
    "<ans:procedimento><ans:codigoTabela>22</ans:codigoTabela>"
    "<ans:codigoProcedimento>1</ans:codigoProcedimento>"
    "<ans:descricaoProcedimento>X</ans:descricaoProcedimento></ans:procedimento>"
    "<ans:quantidadeExecutada>1</ans:quantidadeExecutada>"
    "<ans:reducaoAcrescimo>1.00</ans:reducaoAcrescimo>"
    "<ans:valorUnitario>10.00</ans:valorUnitario><ans:valorTotal>10.00</ans:valorTotal>"
    "<ans:profissionais><ans:grauParticipacao>12</ans:grauParticipacao>"
    "<ans:codProfissional><ans:cpfContratado>52998224725</ans:cpfContratado>"
    "</ans:codProfissional><ans:nomeProfissional>X</ans:nomeProfissional>"
    "<ans:conselhoProfissional>06</ans:conselhoProfissional>"
    "<ans:numeroConselhoProfissional>1</ans:numeroConselhoProfissional><ans:UF>35</ans:UF>"
    "<ans:CBO>225125</ans:CBO></ans:profissionais></ans:procedimentoRealizado>"
    "</ans:procedimentosRealizados><ans:valorTotalHonorarios>{total}</ans:valorTotalHonorarios>"
    "<ans:dataEmissaoGuia>2026-11-20</ans:dataEmissaoGuia></ans:guiaHonorarios>"
)
INTERNACAO = (
    "<ans:guiaResumoInternacao><ans:cabecalhoGuia><ans:registroANS>326305</ans:registroANS>"
    "<ans:numeroGuiaPrestador>{numero}</ans:numeroGuiaPrestador></ans:cabecalhoGuia>"
    "<ans:numeroGuiaSolicitacaoInternacao>9</ans:numeroGuiaSolicitacaoInternacao>"
    "<ans:dadosAutorizacao><ans:dataAutorizacao>2026-11-19</ans:dataAutorizacao>"
    "<ans:senha>S9</ans:senha></ans:dadosAutorizacao>"
    "<ans:dadosBeneficiario><ans:numeroCarteira>0123456789</ans:numeroCarteira>"
    "<ans:atendimentoRN>N</ans:atendimentoRN></ans:dadosBeneficiario><ans:dadosExecutante>"
    "<ans:contratadoExecutante><ans:codigoPrestadorNaOperadora>12345"
    "</ans:codigoPrestadorNaOperadora></ans:contratadoExecutante><ans:CNES>7654321</ans:CNES>"
    "</ans:dadosExecutante><ans:dadosInternacao><ans:caraterAtendimento>1</ans:caraterAtendimento>"
    "<ans:tipoFaturamento>4</ans:tipoFaturamento>"
    "<ans:dataInicioFaturamento>2026-11-20</ans:dataInicioFaturamento>"
    "<ans:horaInicioFaturamento>08:00:00</ans:horaInicioFaturamento>"
    "<ans:dataFinalFaturamento>2026-11-20</ans:dataFinalFaturamento>"
    "<ans:horaFinalFaturamento>18:00:00</ans:horaFinalFaturamento>"
    "<ans:tipoInternacao>1</ans:tipoInternacao><ans:regimeInternacao>1</ans:regimeInternacao>"
    "</ans:dadosInternacao><ans:dadosSaidaInternacao>"
    "<ans:indicadorAcidente>9</ans:indicadorAcidente>"
    "<ans:motivoEncerramento>12</ans:motivoEncerramento></ans:dadosSaidaInternacao>"
    "{procedimentos}<ans:valorTotal>{totais}</ans:valorTotal>{despesas}"
    "</ans:guiaResumoInternacao>"
)
ODONTO = (
    "<ans:guiaOdonto><ans:registroANS>326305</ans:registroANS>"
    "<ans:numeroGuiaPrestador>{numero}</ans:numeroGuiaPrestador>"
    "<ans:senhaAutorizacao>S8</ans:senhaAutorizacao><ans:dadosBeneficiario>"
    "<ans:numeroCarteira>0123456789</ans:numeroCarteira><ans:atendimentoRN>N</ans:atendimentoRN>"
    "</ans:dadosBeneficiario><ans:planoBeneficiario>DENTAL</ans:planoBeneficiario>"
    "<ans:dadosProfissionaisResponsaveis><ans:codigoProfExec>12345</ans:codigoProfExec>"
    "<ans:croExec>1</ans:croExec><ans:ufExec>35</ans:ufExec><ans:cnesExec>7654321</ans:cnesExec>"
    "<ans:cbosExec2>223208</ans:cbosExec2></ans:dadosProfissionaisResponsaveis>"
    "<ans:procedimentosExecutados><ans:sequencialItem>1</ans:sequencialItem><ans:procSolic>"
    "<ans:codigoTabela>22</ans:codigoTabela>"
    "<ans:codigoProcedimento>81000030</ans:codigoProcedimento>"
    "<ans:descricaoProcedimento>CONSULTA ODONTO</ans:descricaoProcedimento></ans:procSolic>"
    "<ans:qtdProc>{qtd}</ans:qtdProc><ans:qtdUS>20.00</ans:qtdUS>"
    "<ans:valorProc>{valor}</ans:valorProc><ans:valorFranquia>{franquia}</ans:valorFranquia>"
    "<ans:autorizado>true</ans:autorizado><ans:dataRealizacao>{dia}</ans:dataRealizacao>"
    "</ans:procedimentosExecutados><ans:tipoAtendimento>1</ans:tipoAtendimento>"
    "<ans:tipoFaturamento>4</ans:tipoFaturamento><ans:qtdTotalUS>{us}</ans:qtdTotalUS>"
    "<ans:valorTotalProc>{total}</ans:valorTotalProc>"
    "<ans:valorTotalFranquia>{franquia}</ans:valorTotalFranquia></ans:guiaOdonto>"
)
PROCEDIMENTO = (
    "<ans:procedimentoExecutado><ans:sequencialItem>{seq}</ans:sequencialItem>"
    "<ans:dataExecucao>{dia}</ans:dataExecucao><ans:procedimento>"
    "<ans:codigoTabela>22</ans:codigoTabela><ans:codigoProcedimento>40304361</ans:codigoProcedimento>"
    "<ans:descricaoProcedimento>HEMOGRAMA</ans:descricaoProcedimento></ans:procedimento>"
    "<ans:quantidadeExecutada>{qtd}</ans:quantidadeExecutada>"
    "<ans:reducaoAcrescimo>{fator}</ans:reducaoAcrescimo>"
    "<ans:valorUnitario>{unit}</ans:valorUnitario><ans:valorTotal>{total}</ans:valorTotal>"
    "</ans:procedimentoExecutado>"
)
DESPESA = (
    "<ans:despesa><ans:sequencialItem>{seq}</ans:sequencialItem>"
    "<ans:codigoDespesa>{tipo}</ans:codigoDespesa><ans:servicosExecutados>"
    "<ans:dataExecucao>{dia}</ans:dataExecucao><ans:codigoTabela>{tabela}</ans:codigoTabela>"
    "<ans:codigoProcedimento>60000001</ans:codigoProcedimento>"
    "<ans:quantidadeExecutada>{qtd}</ans:quantidadeExecutada>"
    "<ans:unidadeMedida>036</ans:unidadeMedida>"
    "<ans:reducaoAcrescimo>{fator}</ans:reducaoAcrescimo>"
    "<ans:valorUnitario>{unit}</ans:valorUnitario><ans:valorTotal>{total}</ans:valorTotal>"
    "<ans:descricaoProcedimento>ITEM DE EXEMPLO</ans:descricaoProcedimento>"
    "</ans:servicosExecutados></ans:despesa>"
)
TAGS = (
    ("22", "valorProcedimentos"),
    ("05", "valorDiarias"),
    ("07", "valorTaxasAlugueis"),
    ("03", "valorMateriais"),
    ("02", "valorMedicamentos"),
    ("08", "valorOPME"),
    ("01", "valorGasesMedicinais"),
)


def tag(name, value):
    return f"<ans:{name}>{value}</ans:{name}>"


def wrap(name, content):
    return tag(name, content) if content else ""


def consulta(numero="1", valor="150.00", dia="2026-11-20", nome="MARIA SOUZA", ans="326305"):
    return CONSULTA.format(numero=numero, valor=valor, dia=dia, nome=nome, ans=ans)


def line(seq, qtd="1", unit="20.00", fator="1.00", tipo="22", total=None, dia="2026-11-20"):
    product = Decimal(qtd) * Decimal(unit) * Decimal(fator)
    total = total or str(product.quantize(CENT, rounding=ROUND_HALF_UP))
    return {
        "seq": seq, "qtd": qtd, "unit": unit, "fator": fator, "tipo": tipo, "total": total,
        "dia": dia, "tabela": {"02": "20", "03": "19", "08": "19"}.get(tipo, "18"),
    }  # fmt: skip


def honorarios(numero="1", total="10.00", dia="2026-11-20", version="4.03.00"):
    carater = tag("caraterAtendimento", "1") if version == "4.03.00" else ""
    return HONORARIOS.format(numero=numero, total=total, dia=dia, carater=carater)


def odonto(numero="1", valor="50.00", franquia="10.00", **vals):
    vals = {"qtd": "1", "dia": "2026-11-20", "us": "20.00", "total": valor, **vals}
    return ODONTO.format(numero=numero, valor=valor, franquia=franquia, **vals)


def internacao(numero="1", lines=None, totals=None):
    return sp_sadt(numero, lines, totals, layout=INTERNACAO)


def sp_sadt(
    numero="1",
    lines=None,
    totals=None,
    ans="326305",
    autorizada="2026-11-19",
    layout=SP_SADT,
):
    """A guia whose totals are those of its lines, `totals` replacing some of them."""
    lines = [line(1), line(2, "3", "10.55", "0.70")] if lines is None else lines
    sums = {}
    for each in lines:
        sums[each["tipo"]] = sums.get(each["tipo"], 0) + Decimal(each["total"])
    values = {name: str(sums[kind]) for kind, name in TAGS if kind in sums}
    values["valorTotalGeral"] = str(sum(sums.values(), Decimal("0.00")))
    values.update(totals or {})
    order = [name for _, name in TAGS] + ["valorTotalGeral"]
    procedimentos = "".join(PROCEDIMENTO.format(**x) for x in lines if x["tipo"] == "22")
    despesas = "".join(DESPESA.format(**x) for x in lines if x["tipo"] != "22")
    return layout.format(
        ans=ans,
        numero=numero,
        autorizada=autorizada,
        procedimentos=wrap("procedimentosExecutados", procedimentos),
        despesas=wrap("outrasDespesas", despesas),
        totais="".join(tag(name, values[name]) for name in order if name in values),
    )


def body(*guias, lote="1"):
    return wrap(
        "prestadorParaOperadora",
        wrap("loteGuias", tag("numeroLote", lote) + wrap("guiasTISS", "".join(guias))),
    )


def leaf_digest(text, charset):
    """Guide §2.3 by regular expression: what stands between a tag and its own end tag."""
    text = re.sub(r"<ans:hash>[^<]*<", "<ans:hash><", text)
    leaves = re.findall(r"<([\w:-]+)>([^<]*)</\1>", text)
    content = "".join(html.unescape(value) for _, value in leaves)
    return hashlib.md5(content.encode(charset)).hexdigest()


def message(
    content,
    version="4.03.00",
    tipo="ENVIO_LOTE_GUIAS",
    prestador=PRESTADOR,
    destino="326305",
    registro="2026-11-21",
    hash_charset="iso-8859-1",
    digest=None,
):
    head = HEAD.format(
        tipo=tipo, prestador=prestador, destino=destino, version=version, registro=registro
    )
    digest = digest or leaf_digest(head + content, hash_charset)
    xml = (
        '<?xml version="1.0" encoding="ISO-8859-1"?><ans:mensagemTISS xmlns:ans="'
        f'{ANS["ans"]}">{head}{content}<ans:epilogo><ans:hash>{digest}</ans:hash></ans:epilogo>'
        "</ans:mensagemTISS>"
    )
    return xml.encode("iso-8859-1", "xmlcharrefreplace")


def operadora(version="4.03.00", seed=7, **options):
    return Operadora(
        "326305", "OPERADORA DE EXEMPLO", "11222333000181", version=version, seed=seed, **options
    )


@cache
def official_schema(version):
    data = resources.files("tiss") / "_data" / "schemas" / version
    return etree.XMLSchema(etree.parse(str(data / f"tissV{version.replace('.', '_')}.xsd")))


def value(node, path):
    return node.findtext(path, None, ANS)


def cents(node, path):
    return Decimal(value(node, path))


def column_sums(rows):
    return [sum(column) for column in zip(*rows, strict=True)]


class OperadoraCase(TestCase):
    def check_answer(self, xml, version, transaction, prestador="12345"):
        """Valid, well hashed, in Latin-1, from the operadora to the prestador; its root."""
        self.assertTrue(xml.startswith(b"<?xml version='1.0' encoding='ISO-8859-1'?>"))
        root = etree.fromstring(xml)
        official_schema(version).assertValid(root)
        self.assertEqual(
            value(root, "ans:epilogo/ans:hash"), leaf_digest(xml.decode("latin-1"), "latin-1")
        )
        header = root.find("ans:cabecalho", ANS)
        self.assertEqual(value(header, "ans:identificacaoTransacao/ans:tipoTransacao"), transaction)
        self.assertEqual(value(header, "ans:origem/ans:registroANS"), "326305")
        self.assertEqual(value(header, "ans:destino/ans:identificacaoPrestador/*"), prestador)
        self.assertEqual(value(header, "ans:Padrao"), version)
        return root

    def accept(self, op, xml, version="4.03.00", prestador="12345", on=TODAY):
        answer = op.receive(xml, on)
        root = self.check_answer(answer, version, "PROTOCOLO_RECEBIMENTO", prestador)
        self.assertIsNone(value(root, ".//ans:mensagemErro/ans:descricaoGlosa"))
        return value(root, ".//ans:numeroProtocolo")

    def refused(self, op, xml, version="4.03.00", prestador="12345"):
        """The code and the text of the refusal."""
        root = self.check_answer(
            op.receive(xml, TODAY), version, "PROTOCOLO_RECEBIMENTO", prestador
        )
        code = value(root, ".//ans:mensagemErro/ans:codigoGlosa")
        text = value(root, ".//ans:mensagemErro/ans:descricaoGlosa")
        self.assertIsNotNone(code, "the lote was taken")
        self.assertTrue(text.startswith(tabela_38()[code]), text)
        self.assertEqual(op.verdicts, {})
        return code, text

    def filled(self, version="4.03.00", lotes=6, guias=100, **options):
        """An operadora with `lotes` received, alternately of consultas and of SP/SADT."""
        op = operadora(version, **options)
        kinds = ("22", "22", "02", "03", "07")
        for number in range(lotes):
            numbers = [number * 1000 + index for index in range(guias)]
            if number % 2:
                content = [consulta(n, f"{100 + n % 97}.{n % 100:02d}") for n in numbers]
            else:
                lines = [
                    line(i + 1, str(1 + i), f"{13 + i}.37", tipo=kind)
                    for i, kind in enumerate(kinds)
                ]
                content = [sp_sadt(n, lines) for n in numbers]
            self.accept(op, message(body(*content, lote=str(number + 1)), version), version)
        return op


class TestReceive(OperadoraCase):
    def test_takes_both_kinds_in_both_versions(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                op = operadora(version)
                first = self.accept(op, message(body(consulta()), version), version)
                other = message(body(sp_sadt("2"), lote="2"), version)
                second = self.accept(op, other, version)
                self.assertRegex(first, "^[0-9]{1,12}$")
                self.assertEqual(int(second), int(first) + 1)
                self.assertEqual(list(op.verdicts), [first, second])

    def test_takes_the_minimal_message_of_the_guide(self):
        xml = message(body(consulta()), digest="48B3A628E2BC4959988AFA151F57A127")
        self.accept(operadora(), xml)

    def test_takes_the_digest_of_either_charset(self):
        published = {
            "iso-8859-1": "490e06015d7fa2f48ba51f64a32257b2",
            "utf-8": "c8f9ec14447914cdc38ae03e406c1403",
        }
        for charset, digest in published.items():
            with self.subTest(charset=charset):
                xml = message(body(consulta(nome="JOSÉ DA CONCEIÇÃO")), digest=digest)
                self.accept(operadora(), xml)

    def test_the_signature_of_the_message_is_outside_the_digest(self):
        signature = (
            '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>'
            '<CanonicalizationMethod Algorithm="x"/><SignatureMethod Algorithm="x"/><Reference>'
            '<DigestMethod Algorithm="x"/><DigestValue>QQ==</DigestValue></Reference></SignedInfo>'
            "<SignatureValue>QQ==</SignatureValue></Signature></ans:mensagemTISS>"
        )
        xml = message(body(consulta()))
        self.accept(operadora(), xml.replace(b"</ans:mensagemTISS>", signature.encode()))

    def test_the_protocol_echoes_the_lote(self):
        op = operadora()
        xml = message(body(sp_sadt("77"), sp_sadt("78"), lote="55"), prestador=CNPJ)
        answer = op.receive(xml, TODAY)
        root = self.check_answer(answer, "4.03.00", "PROTOCOLO_RECEBIMENTO", "11222333000181")
        receipt = root.find(".//ans:protocoloRecebimento", ANS)
        self.assertEqual(value(receipt, "ans:numeroLote"), "55")
        self.assertEqual(value(receipt, "ans:dadosPrestador/ans:cnpjContratado"), "11222333000181")
        # Two guias of 20.00 + 3 x 10.55 x 0.70 = 22.155, rounded half-up to 22.16.
        self.assertEqual(value(receipt, ".//ans:valorTotalProtocolo"), "84.32")
        numbers = [node.text for node in receipt.iterfind(".//ans:numeroGuiaPrestador", ANS)]
        self.assertEqual(numbers, ["77", "78"])
        self.assertEqual(value(receipt, ".//ans:numeroGuiaOperadora"), "OP77")

    def test_sequence_of_transactions_runs(self):
        op = operadora()
        answers = [op.receive(b"nonsense", TODAY) for _ in range(3)]
        numbers = [value(etree.fromstring(x), ".//ans:sequencialTransacao") for x in answers]
        self.assertEqual(numbers, ["1", "2", "3"])

    def test_takes_what_the_schema_lets_vary(self):
        lines = [line(1, "2", ".5", "1.0", total="1.0"), line(9, "1.2500", "4.00", tipo="02")]
        cases = {
            "zoned date": consulta(dia="2026-11-20-03:00"),
            "zero value": consulta(valor="0"),
            "short decimals, gaps in sequence": sp_sadt(lines=lines),
            "one cent of rounding": sp_sadt(lines=[line(1, "3", "10.55", "0.70", total="22.15")]),
            "zero category written": sp_sadt(totals={"valorOPME": "0.00"}),
            "only expenses": sp_sadt(lines=[line(1, tipo="07")]),
            "today": consulta(dia=TODAY.isoformat()),
        }
        for name, guia in cases.items():
            with self.subTest(name):
                self.accept(operadora(), message(body(guia)))

    def test_takes_every_type_of_guia(self):
        """The patient's share of a GTO is not claimed: 50.00 − 10.00."""
        lines = [line(1, "2", "30.00"), line(2, "1.5", "8.00", tipo="02")]
        for version in VERSIONS:
            cases = {
                "honorarios": (honorarios("5", version=version), "10.00", None),
                "internacao": (internacao("5", lines), "72.00", "S9"),
                "odonto": (odonto("5"), "40.00", "S8"),
            }
            for name, (guia, total, senha) in cases.items():
                with self.subTest(name, version=version):
                    op = operadora(version)
                    number = self.accept(op, message(body(guia), version), version)
                    analysis = op.analysis([number], issued_on=TODAY)
                    root = self.check_answer(analysis, version, "DEMONSTRATIVO_ANALISE_CONTA")
                    self.assertEqual(value(root, ".//ans:valorInformadoGeral"), total)
                    self.assertEqual(value(root, ".//ans:relacaoGuias/ans:senha"), senha)

    def test_hundred_guias_and_no_more(self):
        guias = [consulta(number) for number in range(101)]
        self.assertEqual(self.refused(operadora(), message(body(*guias)))[0], "5015")
        self.accept(operadora(), message(body(*guias[1:])))


class TestRefusals(OperadoraCase):
    def test_the_body_says_what_the_answer_is_though_the_transaction_is_another(self):
        status = wrap(
            "prestadorParaOperadora",
            wrap(
                "solicitacaoStatusProtocolo",
                wrap("dadosPrestador", PRESTADOR) + tag("numeroProtocolo", "1"),
            ),
        )
        xml = operadora().receive(message(status), TODAY)
        root = self.check_answer(xml, "4.03.00", "SITUACAO_PROTOCOLO")
        self.assertEqual(value(root, ".//ans:mensagemErro/ans:codigoGlosa"), "3148")

    def test_each_reason(self):
        tomorrow = (TODAY + timedelta(days=1)).isoformat()
        good = body(consulta())
        cases = [
            ("version", message(good, version="4.02.00"), "5028"),
            ("schema", message(body(consulta(nome="X" * 71))), "5001"),
            ("no guia", message(body()), "5001"),
            ("two kinds", message(body(consulta(), sp_sadt("2"))), "5001"),
            ("no body", message(""), "3148"),
            ("transaction", message(good, tipo="CANCELA_GUIA"), "3148"),
            ("hash", message(good, digest="0" * 32), "5014"),
            ("beyond Latin-1", message(body(consulta(nome="A–B")), hash_charset="utf-8"), "5001"),
            ("destino", message(good, destino="000001"), "5027"),
            ("guia of another operadora", message(body(consulta(ans="000001"))), "5027"),
            ("registered tomorrow", message(good, registro=tomorrow), "5025"),
            ("attended tomorrow", message(body(consulta(dia=tomorrow))), "3223"),
            ("executed tomorrow", message(body(sp_sadt(lines=[line(1, dia=tomorrow)]))), "3223"),
            ("authorised tomorrow", message(body(sp_sadt(autorizada=tomorrow))), "1323"),
            ("far year", message(body(consulta(dia="12026-11-20"))), "1323"),
            ("guia twice", message(body(consulta(), consulta())), "1308"),
            ("negative consulta", message(body(consulta(valor="-1.00"))), "5050"),
            ("empty SP/SADT", message(body(sp_sadt(lines=[]))), "3111"),
        ]
        for name, xml, code in cases:
            with self.subTest(name):
                self.assertEqual(self.refused(operadora(), xml)[0], code)

    def test_arithmetic(self):
        both = [line(1), line(2, "1.5", "8.00", tipo="02")]
        cases = [
            ("line", [line(1, "3", "10.00", "0.50", total="15.02")], {}, "1805"),
            ("expense line", [line(1, "0.3333", "9.00", tipo="02", total="3.50")], {}, "1805"),
            ("zero quantity", [line(1, "0", total="0.00")], {}, "1806"),
            ("negative quantity", [line(1, "-1", total="-20.00")], {}, "1806"),
            ("negative factor", [line(1, fator="-1.00", total="-20.00")], {}, "5050"),
            ("category", both, {"valorMedicamentos": "12.01"}, "5042"),
            ("category of nothing", both, {"valorOPME": "0.01"}, "5042"),
            ("procedures", both, {"valorProcedimentos": "19.99"}, "5042"),
            ("grand total", both, {"valorTotalGeral": "32.01"}, "5042"),
            ("sequence", [line(4), line(4, tipo="03")], {}, "3167"),
            ("sequence with zeros", [line("4"), line("04")], {}, "3167"),
        ]
        for name, lines, totals, code in cases:
            with self.subTest(name):
                found, text = self.refused(
                    operadora(), message(body(sp_sadt("123", lines, totals)))
                )
                self.assertEqual(found, code)
                self.assertIn("guia 123", text)

    def test_a_category_left_out_is_an_error(self):
        guia = sp_sadt(lines=[line(1), line(2, tipo="02")])
        xml = message(body(re.sub("<ans:valorMedicamentos>.*</ans:valorMedicamentos>", "", guia)))
        self.assertEqual(self.refused(operadora(), xml)[0], "5042")

    def test_lote_too_big_for_its_own_protocol(self):
        guias = [consulta(number, "99999999.99") for number in range(2)]
        self.assertEqual(self.refused(operadora(), message(body(*guias)))[0], "5050")

    def test_guias_of_an_internacao(self):
        early, late = [line(1, dia="2026-11-19")], [line(1, dia="2026-11-21")]
        cases = [
            ("early item", internacao(lines=early), "1605"),
            ("late item", internacao(lines=late), "1607"),
            ("total", internacao(totals={"valorTotalGeral": "1.00"}), "5042"),
            ("early fee", honorarios(dia="2026-11-19"), "1605"),
            ("late fee", honorarios(dia="2026-11-21"), "1607"),
            ("total of fees", honorarios(total="10.01"), "5042"),
        ]
        for name, guia, code in cases:
            with self.subTest(name):
                self.assertEqual(self.refused(operadora(), message(body(guia)))[0], code)

    def test_odonto(self):
        cases = [
            ("total", odonto(total="50.01"), "5042"),
            ("US", odonto(us="20.01"), "5042"),
            ("patient pays more", odonto(franquia="50.01"), "5050"),
            ("negative", odonto(valor="-1.00", franquia="0.00"), "5050"),
            ("nothing done", odonto(qtd="0"), "1806"),
            ("done tomorrow", odonto(dia="2026-11-22"), "3223"),
        ]
        for name, guia, code in cases:
            with self.subTest(name):
                self.assertEqual(self.refused(operadora(), message(body(guia)))[0], code)

    def test_hostile_input(self):
        doctype = '<!DOCTYPE x [<!ENTITY a "1">]>'
        plain = message(body(consulta())).decode("latin-1")
        with_dtd = plain.replace("?>", "?>" + doctype, 1)
        cases = {
            "empty": b"",
            "not XML": b"PK\x03\x04",
            "cut": plain.encode()[:-20],
            "DTD": with_dtd.encode(),
            "entity": with_dtd.replace("MARIA SOUZA", "&a;").encode(),
            "deep": b"<a>" * 400 + b"</a>" * 400,
            "big": b"<a>" + b" " * MAX_BYTES + b"</a>",
        }
        for name, xml in cases.items():
            with self.subTest(name):
                self.assertEqual(
                    self.refused(operadora(), xml, prestador="DESCONHECIDO")[0], "5002"
                )
        other_names = '<Ω xmlns="x"/>'.encode()
        self.assertEqual(
            self.refused(operadora(), other_names, prestador="DESCONHECIDO")[0], "5001"
        )

    def test_an_identification_that_cannot_be_echoed(self):
        xml = message(body(consulta()), prestador=tag("CNPJ", "123"))
        self.assertEqual(self.refused(operadora(), xml, prestador="DESCONHECIDO")[0], "5001")

    def test_a_refusal_quotes_no_value(self):
        xml = message(body(consulta(nome="FULANO" * 20)))
        text = self.refused(operadora(), xml)[1]
        self.assertIn("nomeProfissional", text)
        self.assertNotIn("FULANO", text)

    def test_lote_and_guia_are_taken_once(self):
        for version, repeated in (("4.03.00", "3268"), ("4.02.00", "5053")):
            with self.subTest(version=version):
                op = operadora(version)
                bad = message(body(consulta(), lote="9"), version, digest="0" * 32)
                self.refused(op, bad, version)
                self.accept(op, message(body(consulta(), lote="9"), version), version)
                answers = [
                    op.receive(message(body(consulta("2"), lote="9"), version), TODAY),
                    op.receive(message(body(consulta("1"), lote="10"), version), TODAY),
                ]
                codes = [value(etree.fromstring(x), ".//ans:codigoGlosa") for x in answers]
                self.assertEqual(codes, [repeated, "1308"])
                self.assertEqual(len(op.verdicts), 1)
                # Another prestador has its own numbers.
                other = message(body(consulta(), lote="9"), version, prestador=CNPJ)
                self.accept(op, other, version, "11222333000181")

    def test_every_reason_has_a_code_in_both_versions(self):
        for version in VERSIONS:
            schema = load(version)
            for codes in REASONS.values():
                self.assertIn(schema.first_glosa(*codes), codes)
            for codes in (*WHOLE.values(), GUIA, PRICE, QUANTITY, SHARE):
                self.assertTrue(set(codes) & schema.glosas.keys())
        latest = load("4.03.00").glosas.keys()
        for codes in (*REASONS.values(), *WHOLE.values(), GUIA, PRICE, QUANTITY, SHARE):
            self.assertLessEqual(set(codes), latest)


class TestAnswers(OperadoraCase):
    def check_level(self, node, suffix, below):
        """The values of a level against the sums below; a glosa is what was not released."""
        for name, total in zip(("Informado", "Processado", "Liberado"), below, strict=True):
            self.assertEqual(cents(node, f"ans:valor{name}{suffix}"), total)
        stated = value(node, f"ans:valorGlosa{suffix}")
        if stated is not None:
            self.assertEqual(Decimal(stated), below[0] - below[2])
        return below

    def check_item(self, node, decided):
        found = [cents(node, f"ans:valor{x}") for x in ("Informado", "Processado", "Liberado")]
        glosas = [
            (value(row, "ans:tipoGlosa"), cents(row, "ans:valorGlosa"))
            for row in node.iterfind("ans:relacaoGlosa", ANS)
        ]
        self.assertEqual(found, [decided[x] for x in ("informado", "processado", "liberado")])
        self.assertEqual(glosas, decided["glosas"])
        self.assertLessEqual(found[2], found[1])
        self.assertLessEqual(found[1], found[0])
        if glosas:
            self.assertEqual(sum(amount for _, amount in glosas), found[0] - found[2])
        return found

    def check_analysis(self, root, verdicts):
        conta = root.find(".//ans:demonstrativoAnaliseConta", ANS)
        protocols = []
        for protocol in conta.iterfind(".//ans:dadosProtocolo", ANS):
            decided = verdicts[value(protocol, "ans:numeroProtocolo")]
            guias = []
            for guia in protocol.iterfind("ans:relacaoGuias", ANS):
                verdict = decided["guias"][value(guia, "ans:numeroGuiaPrestador")]
                itens = [
                    self.check_item(item, verdict["itens"][int(value(item, "ans:sequencialItem"))])
                    for item in guia.iterfind("ans:detalhesGuia", ANS)
                ]
                motivos = [
                    x.text for x in guia.iterfind("ans:motivoGlosaGuia/ans:codigoGlosa", ANS)
                ]
                self.assertEqual(motivos, verdict["motivos"])
                guias.append(self.check_level(guia, "Guia", column_sums(itens)))
            self.assertEqual(len(guias), len(decided["guias"]))
            protocols.append(self.check_level(protocol, "Protocolo", column_sums(guias)))
        self.assertEqual(len(protocols), len(verdicts))
        self.check_level(conta, "Geral", column_sums(protocols))

    def test_sums_tie_at_every_level(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                op = self.filled(version, lotes=4)
                xml = op.analysis(issued_on=TODAY)
                root = self.check_answer(xml, version, "DEMONSTRATIVO_ANALISE_CONTA")
                self.check_analysis(root, op.verdicts)
                for glosa in root.iterfind(".//ans:tipoGlosa", ANS):
                    self.assertIn(glosa.text, tabela_38())

    def test_shares_of_the_verdicts(self):
        op = self.filled(lotes=10)
        items, denied_guias = [], 0
        for protocol in op.verdicts.values():
            for guia in protocol["guias"].values():
                denied_guias += bool(guia["motivos"])
                items += [] if guia["motivos"] else guia["itens"].values()
        count = len(items)
        whole = sum(1 for x in items if x["glosas"] and x["liberado"] == 0)
        partial = sum(1 for x in items if x["glosas"] and x["liberado"] > 0)
        cheaper = sum(1 for x in items if x["glosas"] and x["processado"] < x["informado"])
        silent = sum(1 for x in items if not x["glosas"] and x["liberado"] < x["informado"])
        self.assertGreater(count, 2500)
        self.assertAlmostEqual(whole / count, 0.08, delta=0.025)
        self.assertAlmostEqual(partial / count, 0.07, delta=0.025)
        self.assertAlmostEqual(silent / count, 0.03, delta=0.015)
        self.assertGreater(cheaper, 0)
        self.assertTrue(1 <= denied_guias <= 40, denied_guias)

    def test_optional_glosa_is_usually_there(self):
        root = etree.fromstring(self.filled(lotes=4).analysis(issued_on=TODAY))
        guias = len(root.findall(".//ans:relacaoGuias", ANS))
        stated = len(root.findall(".//ans:valorGlosaGuia", ANS))
        self.assertTrue(0.8 < stated / guias < 1, stated)

    def test_status_follows_the_payment(self):
        op = self.filled(lotes=1)
        before = etree.fromstring(op.analysis(issued_on=TODAY))
        op.payment(paid_on=TODAY, issued_on=TODAY)
        after = etree.fromstring(op.analysis(issued_on=TODAY))
        for root, status in ((before, "3"), (after, "6")):
            self.assertEqual(value(root, ".//ans:situacaoProtocolo"), status)
            for guia in root.iterfind(".//ans:relacaoGuias", ANS):
                denied = cents(guia, "ans:valorLiberadoGuia") == 0
                self.assertEqual(value(guia, "ans:situacaoGuia"), "4" if denied else status)
        numbers = {value(root, ".//ans:numeroDemonstrativo") for root in (before, after)}
        self.assertEqual(len(numbers), 2)

    def test_one_demonstrativo_for_each_identification(self):
        op = operadora()
        first = self.accept(op, message(body(consulta())))
        second = self.accept(
            op, message(body(sp_sadt()), prestador=CNPJ), "4.03.00", "11222333000181"
        )
        third = self.accept(op, message(body(consulta("3"), lote="3")))
        root = self.check_answer(
            op.analysis(issued_on=TODAY), "4.03.00", "DEMONSTRATIVO_ANALISE_CONTA"
        )
        found = [
            [node.text for node in each.iterfind(".//ans:numeroProtocolo", ANS)]
            for each in root.iterfind(".//ans:demonstrativoAnaliseConta", ANS)
        ]
        self.assertEqual(found, [[first, third], [second]])
        cnes = [node.text for node in root.iterfind(".//ans:CNES", ANS)]
        self.assertEqual(cnes, ["9999999", "7654321"])
        with self.assertRaises(ValueError):
            op.payment(paid_on=TODAY, issued_on=TODAY)

    def test_protocols_must_be_known(self):
        op = operadora()
        for protocols in (None, [], ["1"]):
            with self.subTest(protocols), self.assertRaises(ValueError):
                op.analysis(protocols, issued_on=TODAY)
            with self.subTest(protocols), self.assertRaises(ValueError):
                op.payment(protocols, paid_on=TODAY, issued_on=TODAY)


class TestPayment(OperadoraCase):
    def test_hand_worked_retentions(self):
        # 18,351.14: the worked example of a payment with four retentions.
        self.assertEqual(
            retentions(1_835_114),
            [("01", "IRRF", 27_527), ("04", "PIS", 11_928), ("05", "COFINS", 55_053),
             ("06", "CSLL", 18_351)],
        )  # fmt: skip
        # 100.00 x 0.65 % = 0.65; 1.00 x 1.5 % = 1.5 cents, half-up 2; x 0.65 % = 0.65 cent, 1.
        self.assertEqual([x[2] for x in retentions(10_000)], [150, 65, 300, 100])
        self.assertEqual([x[2] for x in retentions(100)], [2, 1, 3, 1])
        # 3.00 x 1.5 % = 4.5 cents: half-up is 5, where a banker's rounding says 4.
        self.assertEqual([x[2] for x in retentions(300)], [5, 2, 9, 3])
        self.assertEqual(retentions(0), [])

    def check_day(self, day, verdicts, taxes):
        protocols = day.findall(".//ans:relacaoProtocolos", ANS)
        decided = [verdicts[value(node, "ans:numeroProtocolo")] for node in protocols]
        for node, verdict in zip(protocols, decided, strict=True):
            self.assertEqual(cents(node, "ans:valorInformado"), verdict["informado"])
            self.assertEqual(cents(node, "ans:valorLiberado"), verdict["liberado"])
            rows = {
                value(x, "ans:numeroGuiaPrestador"): x for x in node.findall("ans:guiasDoLote", ANS)
            }
            self.assertEqual(rows.keys(), verdict["guias"].keys())
            for number, row in rows.items():
                guia = verdict["guias"][number]
                self.assertEqual(value(row, "ans:tipoPagamento"), "1")
                self.assertEqual(cents(row, "ans:valorProcessadoGuia"), guia["processado"])
                self.assertEqual(cents(row, "ans:valorLiberadoGuia"), guia["liberado"])
        totals = day.find("ans:totaisBrutosPorData", ANS)
        liberado = sum(x["liberado"] for x in decided)
        informado = sum(x["informado"] for x in decided)
        self.assertEqual(cents(totals, "ans:totalInformadoPorData"), informado)
        self.assertEqual(cents(totals, "ans:totaLiberadoPorData"), liberado)
        self.assertEqual(cents(totals, "ans:totalGlosaPorData"), informado - liberado)
        debits = {
            value(x, "ans:tipoDebitoCredito"): cents(x, "ans:valorDbCr")
            for x in day.iterfind(".//ans:debitosCreditos", ANS)
        }
        rates = {"01": "1.5", "04": "0.65", "05": "3", "06": "1"} if taxes else {}
        for code, rate in rates.items():
            expected = (liberado * Decimal(rate) / 100).quantize(CENT, rounding=ROUND_HALF_UP)
            self.assertEqual(debits.get(code, 0), expected)
        self.assertLessEqual(debits.keys(), rates.keys() | {"07"})
        net = day.find("ans:totaisLiquidosPorData", ANS)
        self.assertEqual(cents(net, "ans:totalDebitosPorData"), sum(debits.values()))
        self.assertEqual(cents(net, "ans:totalCreditosPorData"), 0)
        self.assertEqual(cents(net, "ans:liquidoPorData"), liberado - sum(debits.values()))
        return debits

    def check_payment(self, xml, op, taxes=True):
        root = self.check_answer(xml, op.version, "DEMONSTRATIVO_PAGAMENTO")
        days = root.findall(".//ans:pagamentosPorData", ANS)
        debits = [self.check_day(day, op.verdicts, taxes) for day in days]
        self.assertEqual(sum("07" in day for day in debits), 1)
        file = root.find(".//ans:totaisDemonstrativo", ANS)
        for total, name in (
            ("valorInformadoBruto", "totalInformadoPorData"),
            ("valorProcessadoBruto", "totalProcessadoPorData"),
            ("valorLiberadoBruto", "totaLiberadoPorData"),
            ("valorGlosaBruto", "totalGlosaPorData"),
            ("totalDebitosDemonstrativo", "totalDebitosPorData"),
            ("totalCreditosdemonstrativo", "totalCreditosPorData"),
            ("valorLiberadoDemonstrativo", "liquidoPorData"),
        ):
            expected = sum(cents(day, f".//ans:{name}") for day in days)
            self.assertEqual(cents(file, f".//ans:{total}"), expected)
        return days

    def test_one_day(self):
        for version in VERSIONS:
            for taxes in (True, False):
                with self.subTest(version=version, taxes=taxes):
                    op = self.filled(version, lotes=2, taxes=taxes)
                    days = self.check_payment(op.payment(paid_on=TODAY, issued_on=TODAY), op, taxes)
                    self.assertEqual(len(days), 1)
                    self.assertEqual(len(days[0].findall(".//ans:relacaoProtocolos", ANS)), 2)

    def test_several_days_when_asked(self):
        op = self.filled(lotes=3, guias=5)
        first, second, third = op.verdicts
        later = TODAY + timedelta(days=7)
        days = {first: later, second: TODAY, third: later}
        rows = self.check_payment(op.payment(paid_on=days, issued_on=TODAY), op)
        self.assertEqual(
            [value(day, "ans:dadosPagamento/ans:dataPagamento") for day in rows],
            [TODAY.isoformat(), later.isoformat()],
        )
        found = [x.text for x in rows[1].iterfind(".//ans:numeroProtocolo", ANS)]
        self.assertEqual(found, [first, third])

    def test_nothing_released_is_not_charged(self):
        op = operadora()
        self.accept(op, message(body(consulta(valor="0.00"))))
        root = etree.fromstring(op.payment(paid_on=TODAY, issued_on=TODAY))
        self.assertIsNone(root.find(".//ans:debitosCreditosPorData", ANS))
        self.assertEqual(value(root, ".//ans:valorLiberadoDemonstrativo"), "0.00")

    def test_paid_once(self):
        op = self.filled(lotes=3, guias=3)
        first, second, third = op.verdicts
        paid = op.payment([first, second], paid_on=TODAY, issued_on=TODAY)
        for protocols in ([first], [second, third]):
            with self.assertRaises(ValueError):
                op.payment(protocols, paid_on=TODAY, issued_on=TODAY)
        options = {"paid_on": TODAY, "issued_on": TODAY + timedelta(days=3), "again": True}
        self.assertEqual(op.payment([second, first], **options), paid)
        self.assertEqual(op.payment(**options), paid)
        for protocols in ([first], [first, third], [third], ["1"]):
            with self.subTest(protocols), self.assertRaises(ValueError):
                op.payment(protocols, **options)
        rest = etree.fromstring(op.payment(paid_on=TODAY, issued_on=TODAY))
        self.assertEqual([x.text for x in rest.iterfind(".//ans:numeroProtocolo", ANS)], [third])
        with self.assertRaises(ValueError):
            op.payment(paid_on=TODAY, issued_on=TODAY)


class TestOperadora(OperadoraCase):
    def history(self, seed):
        op = self.filled(lotes=2, guias=20, seed=seed)
        return [
            op.receive(b"", TODAY),
            op.analysis(issued_on=TODAY),
            op.payment(paid_on=TODAY, issued_on=TODAY),
        ], op.verdicts

    def test_seed_decides_everything(self):
        self.assertEqual(self.history(7), self.history(7))
        answers, verdicts = self.history(7)
        others, different = self.history(8)
        self.assertNotEqual(answers, others)
        self.assertNotEqual(
            [[x["liberado"] for x in each["guias"].values()] for each in verdicts.values()],
            [[x["liberado"] for x in each["guias"].values()] for each in different.values()],
        )

    def test_order_of_lotes_does_not_change_a_verdict(self):
        found = []
        for order in (1, -1):
            op = operadora()
            for number in (1, 2)[::order]:
                guias = [consulta(number * 100 + index) for index in range(40)]
                self.accept(op, message(body(*guias, lote=str(number))))
            guias = {}
            for verdict in op.verdicts.values():
                guias.update(verdict["guias"])
            found.append(guias)
        self.assertEqual(*found)

    def test_bad_configuration(self):
        good = {"ans_code": "326305", "name": "X", "cnpj": "11222333000181"}
        for key, bad in (
            ("ans_code", "1"), ("name", ""), ("name", "X" * 71), ("name", "Ω"), ("cnpj", "1"),
            ("version", "9.99.99"),
        ):  # fmt: skip
            with self.subTest(key=key, bad=bad), self.assertRaises(ValueError):
                Operadora(**{**good, key: bad})
        with self.assertRaises(MissingSchema):
            Operadora(**good, schema_dir=Path(__file__).parent)

    def test_schemas_of_a_folder(self):
        folder = resources.files("tiss") / "_data" / "schemas" / "4.02.00"
        op = operadora("4.02.00", schema_dir=str(folder))
        self.accept(op, message(body(consulta()), "4.02.00"), "4.02.00")

    def test_never_sends_an_invalid_message(self):
        op = operadora()
        protocols = [
            self.accept(op, message(body(consulta(n, "99999999.99"), lote=n))) for n in ("1", "2")
        ]
        for answer in (op.analysis, lambda **dates: op.payment(paid_on=TODAY, **dates)):
            with self.assertRaises(InvalidAnswer):
                answer(issued_on=TODAY)
        # What failed left no trace: both can be paid, and no number was spent.
        root = etree.fromstring(op.payment(protocols[:1], paid_on=TODAY, issued_on=TODAY))
        self.assertEqual(value(root, ".//ans:sequencialTransacao"), "3")
        self.assertTrue(value(root, ".//ans:numeroDemonstrativo").endswith("000001"))

    def test_independence(self):
        """Nothing but lxml, cryptography, the standard library and this package is imported."""
        package = Path(__file__).parents[1]
        allowed = sys.stdlib_module_names | {"cryptography", "lxml"}
        checked = 0
        for path in package.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    self.assertLessEqual(node.level, 1, f"{path.name} reaches out of the package")
                    names = [] if node.level else [node.module]
                for name in names:
                    checked += 1
                    self.assertIn(name.partition(".")[0], allowed, path.name)
        self.assertGreater(checked, 10)
