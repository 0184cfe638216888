"""The matrix: each of the twelve services, in each version, taken, refused and at fault."""

import re

from lxml import etree

from ..services import SERVICES
from . import messages as m
from . import questions as q
from .test_operadora import (
    ANS,
    TODAY,
    VERSIONS,
    body,
    cache,
    consulta,
    leaf_digest,
    message,
    resources,
    sp_sadt,
)
from .test_server import ServerCase
from .wire import enveloped, payload, post, send

# Codes of 4.03.00 that 4.02.00 does not know, and what it says in their place.
OLDER = {"3291": "5054", "3268": "5053", "3230": "5007"}


@cache
def services_schema(version):
    data = resources.files("tiss") / "_data" / "schemas" / version
    name = f"tissWebServicesV{version.replace('.', '_')}.xsd"
    return etree.XMLSchema(etree.parse(str(data / name)))


def denied_items(op):
    """The protocol, guia, item, code and amount of each thing that was denied."""
    return [
        (protocol, guia, seq, code, str(amount))
        for protocol, verdict in op.verdicts.items()
        for guia, of_guia in verdict["guias"].items()
        for seq, item in of_guia["itens"].items()
        for code, amount in item["glosas"]
    ]


def mistitled(xml):
    """The message under a transaction that is not its own; the hash is made on sending."""
    return re.sub(rb"<ans:tipoTransacao>\w+<", b"<ans:tipoTransacao>PROTOCOLO_RECEBIMENTO<", xml)


def questions(op):
    """By service: a question that is answered, what its answer holds, one refused and why."""
    version = op.version
    guias = map(sp_sadt, map(str, range(60)))
    op.receive(message(body(*guias, lote="900"), version), TODAY)
    (protocol, guia, seq, code, amount), other, *_rest = denied_items(op)
    item = q.of_guia(guia, q.item_appeal(seq, code, amount))
    op.receive(q.appeal(protocol, amount, item, version=version, numero="R0"), TODAY)
    op.receive(m.request(m.sp_sadt("77"), version), TODAY)
    contested = q.of_guia(other[1], q.item_appeal(*other[2:]))
    return inquiries(version, protocol, *op.appeals) | {
        "tissLoteGuias": (
            message(body(consulta("900"), lote="901"), version), "protocoloRecebimento",
            message(body(consulta("901"), lote="900"), version), "3268",
        ),
        "tissLoteAnexo": (
            m.annexes(m.opme(), version=version), "protocoloRecebimentoAnexo",
            m.annexes(m.opme("A1"), lote="2", version=version), "1308",
        ),
        "tissRecursoGlosa": (
            q.appeal(protocol, other[4], contested, version=version), "protocoloRecebimento",
            q.appeal(protocol, amount, item, version=version, numero="R9"), "2904",
        ),
        "tissSolicitacaoProcedimento": (
            m.request(m.sp_sadt("78"), version), "autorizacaoServico",
            m.request(m.sp_sadt("77"), version), "1308",
        ),
        "tissCancelaGuia": (
            m.cancel_guias(("1", "76"), version=version), "reciboCancelaGuia",
            mistitled(m.cancel_guias(("1", "76"), version=version)), "3148",
        ),
        "tissComunicacaoBeneficiario": (
            m.notice(version=version), "reciboComunicacao",
            m.notice(date="2026-11-22", version=version), "1323",
        ),
        "tissEnvioDocumentos": (
            m.document(version=version), "reciboDocumentos",
            m.document("D2", content=b"x", version=version), "3230",
        ),
    }  # fmt: skip


def inquiries(version, protocol, appealed):
    """The same of the services that only ask."""
    return {
        "tissSolicitacaoStatusAutorizacao": (
            m.status("77", version=version), "autorizacaoServico",
            m.status("79", version=version), "5054",
        ),
        "tissVerificaElegibilidade": (
            q.eligibility(version=version), "reciboElegibilidade",
            mistitled(q.eligibility(version=version)), "3148",
        ),
        "tissSolicitacaoStatusProtocolo": (
            q.protocol_status(protocol, version), "situacaoDoProtocolo",
            mistitled(q.protocol_status(protocol, version)), "3148",
        ),
        "tissSolicitacaoDemonstrativoRetorno": (
            q.analysis(protocol, version=version), "demonstrativoAnaliseConta",
            q.analysis("999", version=version), "3291",
        ),
        "tissSolicitacaoStatusRecursoGlosa": (
            q.appeal_status(appealed, version), "reciboGlosa",
            q.appeal_status("999", version), "3291",
        ),
    }  # fmt: skip


class TestMatrix(ServerCase):
    """What is taken holds `good`; what is refused, a code of Tabela 38."""

    def check(self, answer, service, version):
        """Valid, well hashed, and the element of that service's answer."""
        self.assertEqual(answer.status, 200)
        content = answer.content
        services_schema(version).assertValid(content)
        self.assertEqual(etree.QName(content).localname, service.response)
        text = answer.body.decode("latin-1")
        inside = text[text.index("<soapenv:Body>") : text.index("</soapenv:Body>")]
        self.assertEqual(answer.text("ans:hash"), leaf_digest(inside, "latin-1"))
        self.assertEqual(answer.text(".//ans:Padrao"), version)
        return content

    def test_taken_refused_and_at_fault(self):
        for version in VERSIONS:
            address = self.start(version, eligibility={m.CARD: None})
            asked = questions(address.operadora)
            self.assertEqual(asked.keys(), {each.name for each in SERVICES})
            for service in SERVICES:
                good, shown, bad, code = asked[service.name]
                code = code if version == "4.03.00" else OLDER.get(code, code)
                with self.subTest(f"{service.name} {version}"):
                    wrong = send(address, good, digest="0" * 32)
                    self.assertEqual((wrong.status, wrong.fault), (500, "HashInvalido"))
                    content = self.check(send(address, good), service, version)
                    self.assertEqual(etree.QName(content[1][0]).localname, shown)
                    content = self.check(send(address, bad), service, version)
                    error = content[1][0]
                    branch = "codigoGlosa" if "Elegib" in service.name else "mensagemErro"
                    self.assertEqual(etree.QName(error).localname, branch)
                    self.assertEqual(error.findtext("ans:codigoGlosa", None, ANS), code)
                    outcomes = [each.outcome for each in address.operadora.arrivals][-3:]
                    self.assertEqual(outcomes, ["fault", "taken", "refused"])

    def test_each_service_validates_what_it_receives(self):
        for version in VERSIONS:
            address = self.start(version)
            for service, (good, *_rest) in questions(address.operadora).items():
                with self.subTest(f"{service} {version}"):
                    before = len(address.operadora.arrivals)
                    found, content = payload(good)
                    # An element more, under a hash that is right.
                    start = content.index("<ans:cabecalho>")
                    extra = content[start:].replace(
                        f"</ans:{found.payload}>", f"<ans:x>1</ans:x></ans:{found.payload}>"
                    )
                    head, tail = extra.split("<ans:hash>")
                    digest = leaf_digest(head, "latin-1")
                    wrong = f"{content[:start]}{head}<ans:hash>{digest}{tail[32:]}"
                    answer = post(address.url(service), enveloped(wrong))
                    self.assertEqual((answer.status, answer.fault), (500, "SchemaInvalido"))
                    self.assertEqual(len(address.operadora.arrivals), before + 1)
