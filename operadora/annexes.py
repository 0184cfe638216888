"""The clinical annexes: reading them, deciding on them, and their answers (guide §§3.9, 5.6)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree

from .message import ANS, element
from .official import NS
from .reception import Refusal, check_past, text

QUIMIO, RADIO, OPME, INICIAL = "quimio", "radio", "opme", "situação inicial"
KINDS = {
    "solicitacaoQuimioterapia": QUIMIO,
    "anexoSolicitacaoQuimio": QUIMIO,
    "solicitacaoRadioterapia": RADIO,
    "anexoSolicitacaoRadio": RADIO,
    "solicitacaoOPME": OPME,
    "anexoSolicitacaoOPME": OPME,
    "odontoInicial": INICIAL,
    "anexoSituacaoInicial": INICIAL,
}
PAST = (
    "dataSolicitacao",
    "dataAutorizacao",
    "dataDiagnostico",
    "datacirurgia",
    "dataIrradiacao",
    "dataQuimioterapia",
)
# Counts and measures that only make sense above zero.
POSITIVE = {
    QUIMIO: (
        "dadosComplementaresBeneficiario/ans:peso",
        "dadosComplementaresBeneficiario/ans:altura",
        "dadosComplementaresBeneficiario/ans:superficieCorporal",
        "drogasSolicitadas/ans:drogaSolicitada/ans:qtDoses",
        "drogasSolicitadas/ans:drogaSolicitada/ans:frequencia",
        "numeroCiclos",
        "cicloAtual",
        "diasCicloAtual",
    ),
    RADIO: ("numeroCampos", "doseCampo", "doseTotal", "nrDias"),
    OPME: ("opmeSolicitadas/ans:opmeSolicitada/ans:quantidadeSolicitada",),
    INICIAL: (),
}
# What the answer repeats of the request between its own fields, in the order of the XSD.
ECHO = {
    QUIMIO: (
        "dadosComplementaresBeneficiario",
        "medicoSolicitante",
        "diagnosticoOncologicoQuimioterapia",
        "drogasSolicitadas",
        "tratamentosAnteriores",
        "numeroCiclos",
        "cicloAtual",
        "diasCicloAtual",
        "intervaloCiclos",
    ),
    RADIO: (
        "dadosComplementaresBeneficiario",
        "medicoSolicitante",
        "diagnosticoOncologicoRadio",
        "tratamentosAnteriores",
        "numeroCampos",
        "doseCampo",
        "doseTotal",
        "nrDias",
        "dtPrevistaInicio",
    ),
}
OPME_ECHO = ("registroANVISA", "codigoRefFabricante", "autorizacaoFuncionamento")


@dataclass(frozen=True)
class Annex:
    """One annex; `kind` is QUIMIO, RADIO, OPME or INICIAL."""

    kind: str
    numero: str
    referenciada: str
    carteira: str
    registro_ans: str
    node: etree._Element


def read_annex(node: etree._Element) -> Annex:
    """The annex, whose header stands apart except in the situação inicial."""
    kind = KINDS[etree.QName(node).localname]
    head = "" if kind == INICIAL else "ans:cabecalhoAnexo/"
    bearer = "" if kind == INICIAL else "ans:dadosBeneficiario/"
    return Annex(
        kind=kind,
        numero=text(node, f"{head}ans:numeroGuiaAnexo"),
        referenciada=text(node, f"{head}ans:numeroGuiaReferenciada"),
        carteira=text(node, f"{bearer}ans:numeroCarteira"),
        registro_ans=text(node, f"{head}ans:registroANS"),
        node=node,
    )


def check_annex(annex: Annex, ans_code: str, on: date) -> None:
    """Refusal when the annex is not sound by itself."""
    if annex.registro_ans != ans_code:
        raise Refusal("operadora", f"anexo {annex.numero}")
    check_past(annex.node, PAST, on)
    for path in POSITIVE[annex.kind]:
        for node in annex.node.findall(f"ans:{path}", ANS):
            if Decimal(node.text) <= 0:
                name = etree.QName(node).localname
                raise Refusal("quantity", f"anexo {annex.numero}: {name}")
    for valor in annex.node.iter(f"{{{NS}}}valorSolicitado"):
        if Decimal(valor.text) < 0:
            raise Refusal("amount", f"anexo {annex.numero}: valorSolicitado")
    if annex.kind == QUIMIO:
        ciclo, ciclos = (
            int(text(annex.node, f"ans:{name}")) for name in ("cicloAtual", "numeroCiclos")
        )
        if ciclo > ciclos:
            raise Refusal("condition", f"anexo {annex.numero}: cicloAtual")


def opme_items(node: etree._Element) -> list[tuple[etree._Element, etree._Element, str]]:
    """The line, its procedure and its quantity, for each material of an OPME annex."""
    return [
        (line, line.find("ans:identificacaoOPME", ANS), text(line, "ans:quantidadeSolicitada"))
        for line in node.findall("ans:opmeSolicitadas/ans:opmeSolicitada", ANS)
    ]


def copy(node: etree._Element, tag: str | None = None) -> etree._Element:
    """The same content under our prefix; a sender's attributes and blanks are left behind."""
    again = element(tag or etree.QName(node).localname)
    if len(node):
        again.extend(copy(child) for child in node)
    else:
        again.text = node.text
    return again


def echo(node: etree._Element, *names: str) -> list[etree._Element]:
    """The children called so, those that are there."""
    return [copy(child) for name in names for child in node.findall(f"ans:{name}", ANS)]
