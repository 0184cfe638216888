"""The rules of the envelope that the XSD does not make (guide §2.1, §2.2, §7.1)."""

from __future__ import annotations

import datetime
import unittest
from typing import Any

from .. import load, message
from ..message import (
    SERVICE_OF,
    SOAP,
    SOAP_ELEMENTS,
    SOAP_FAULT,
    TRANSACTIONS,
    body_of,
    check_envelope,
    from_service,
    to_service,
)
from . import common

STATUS = {"dadosPrestador": {"codigoPrestadorNaOperadora": "12345"}, "numeroProtocolo": "9"}


def status(**changes: Any) -> dict[str, Any]:
    options = {
        "sender": {"codigoPrestadorNaOperadora": "12345"},
        "recipient": "326305",
        "sequence": 7,
        "moment": datetime.datetime(2026, 11, 21, 10, 30, 5, 123),
        "version": "4.03.00",
        **changes,
    }
    return message.envelope("SOLIC_STATUS_PROTOCOLO", STATUS, **options)


class TestTables(unittest.TestCase):
    def test_agree_with_every_schema(self) -> None:
        self.assertEqual((len(TRANSACTIONS), len(SOAP), len(SOAP_ELEMENTS)), (27, 12, 24))
        for schema in common.schemas():
            with self.subTest(version=schema.version):
                types = schema.field("cabecalho/identificacaoTransacao/tipoTransacao").type
                self.assertEqual(set(types.enumeration), set(TRANSACTIONS))
                for each in TRANSACTIONS.values():
                    schema.field("/".join((each.direction, *each.body)))
                for branch in (message.TO_OPERADORA, message.TO_PRESTADOR):
                    bodies = {
                        each.body[0] for each in TRANSACTIONS.values() if each.direction == branch
                    }
                    self.assertEqual(set(schema.field(branch).type.fields), bodies)
                roots = {"mensagemTISS", SOAP_FAULT, *SOAP_ELEMENTS}
                self.assertEqual(set(schema.plan.elements), roots)

    def test_soap_payloads_mean_their_file_bodies(self) -> None:
        for schema in common.schemas():
            for element in SOAP_ELEMENTS.values():
                direction = next(
                    each.direction for each in TRANSACTIONS.values() if each.body[0] == element.body
                )
                payload = schema.field(element.payload, element=element.name).type
                body = schema.field(f"{direction}/{element.body}").type
                # The three answers whose type is inline in the file message.
                if element.name in (
                    "protocoloRecebimentoAnexoWS",
                    "respostaElegibilidadeWS",
                    "reciboDocumentosWS",
                ):
                    kinds = [
                        {each.type.name for each in side.fields.values()}
                        for side in (payload, body)
                    ]
                    self.assertEqual(*kinds)
                else:
                    self.assertIs(payload, body)


class TestEnvelope(unittest.TestCase):
    def test_header(self) -> None:
        values = status(login=("USER", "0" * 32), failure="5001")
        header = values["cabecalho"]
        identification = header["identificacaoTransacao"]
        self.assertEqual(identification["sequencialTransacao"], "7")
        self.assertEqual(identification["horaRegistroTransacao"], datetime.time(10, 30, 5))
        self.assertEqual(header["loginSenhaPrestador"]["loginPrestador"], "USER")
        self.assertEqual(header["falhaNegocio"], "5001")
        self.assertTrue(load("4.03.00").validate(load("4.03.00").encode(values)))
        self.assertNotIn("falhaNegocio", status()["cabecalho"])

    def test_body_paths(self) -> None:
        body = {"demonstrativosRetorno": {"demonstrativoAnaliseConta": [{"x": 1}]}}
        values = message.envelope(
            "DEMONSTRATIVO_ANALISE_CONTA",
            [{"x": 1}],
            sender="326305",
            recipient={"CNPJ": "12345678000195"},
            sequence=1,
            moment=common.MOMENT,
            version="4.03.00",
        )
        self.assertEqual(values["operadoraParaPrestador"], body)
        self.assertEqual(body_of(values), ("demonstrativoAnaliseConta", [{"x": 1}]))
        self.assertEqual(check_envelope(values, "4.03.00"), [])

    def test_unknown_transaction(self) -> None:
        with self.assertRaises(ValueError):
            message.header(
                "ENVIO",
                sender="326305",
                recipient={},
                sequence=1,
                moment=common.MOMENT,
                version="4.03.00",
            )


class TestCheckEnvelope(unittest.TestCase):
    def codes(self, values: dict[str, Any], version: str = "4.03.00", **options: Any) -> list[str]:
        return [each.code for each in check_envelope(values, version, **options)]

    def test_right(self) -> None:
        self.assertEqual(self.codes(status()), [])

    def test_no_body_although_the_schema_takes_it(self) -> None:
        schema = load("4.03.00")
        values = status()
        for content in (None, {}, {"loteGuias": None}):
            values["prestadorParaOperadora"] = content
            self.assertEqual(self.codes(values), ["no_body"])
            self.assertTrue(schema.validate(schema.encode(values)))
            with self.assertRaises(ValueError):
                body_of(values)

    def test_many_bodies(self) -> None:
        values = status()
        values["prestadorParaOperadora"]["cancelaGuia"] = {}
        self.assertEqual(self.codes(values), ["many_bodies"])
        values = status()
        values["operadoraParaPrestador"] = {"recebimentoLote": {}}
        self.assertEqual(self.codes(values), ["many_bodies"])

    def test_transaction_mismatch(self) -> None:
        values = status()
        values["cabecalho"]["identificacaoTransacao"]["tipoTransacao"] = "CANCELA_GUIA"
        self.assertEqual(self.codes(values), ["transaction_mismatch"])
        self.assertEqual(check_envelope(values, "4.03.00")[0].expected, ("SOLIC_STATUS_PROTOCOLO",))
        self.assertEqual(body_of(values), ("solicitacaoStatusProtocolo", STATUS))

    def test_version(self) -> None:
        self.assertEqual(self.codes(status(), "4.02.00"), ["version_mismatch"])
        self.assertEqual(self.codes(status(version="4.02.00")), ["version_mismatch"])

    def test_direction(self) -> None:
        values = status(sender="326305", recipient={"CPF": "52998224725"})
        self.assertEqual(self.codes(values), ["direction", "direction"])
        paths = [each.path for each in check_envelope(values, "4.03.00")]
        self.assertEqual(paths, ["cabecalho/origem", "cabecalho/destino"])

    def test_error_answers_any_demonstrativo(self) -> None:
        for transaction, wrong in (
            ("DEMONSTRATIVO_PAGAMENTO", []),
            ("DEMONSTRATIVO_ANALISE_CONTA", []),
            ("SITUACAO_PROTOCOLO", ["transaction_mismatch"]),
        ):
            values = {
                **status(sender="326305", recipient={"CPF": "52998224725"}),
                "prestadorParaOperadora": None,
                "operadoraParaPrestador": {
                    "demonstrativosRetorno": {"mensagemErro": {"codigoGlosa": "5001"}}
                },
            }
            values["cabecalho"]["identificacaoTransacao"]["tipoTransacao"] = transaction
            self.assertEqual(self.codes(values), wrong)
            self.assertEqual(body_of(values)[0], "demonstrativosRetorno")

    def test_every_pair(self) -> None:
        """Each body goes with its transaction, and with no other but a narrower one's wider."""
        for transaction, (direction, path) in TRANSACTIONS.items():
            body: Any = {}
            for name in reversed(path):
                body = {name: body}
            accepted = []
            for other in TRANSACTIONS:
                header = {"identificacaoTransacao": {"tipoTransacao": other}}
                found = self.codes({"cabecalho": header, direction: body})
                if "transaction_mismatch" not in found:
                    accepted.append(other)
            expected = {transaction}
            if transaction == "AUTORIZACAO_ODONTOLOGIA":
                expected.add("RESPOSTA_SOLICITACAO")
            self.assertEqual(set(accepted), expected)

    def test_soap(self) -> None:
        header = status()["cabecalho"]
        values = {"cabecalho": header, "solicitacaoStatusProtocolo": STATUS}
        element = "solicitacaoStatusProtocoloWS"
        self.assertEqual(self.codes(values, element=element), [])
        schema = load("4.03.00")
        decoded = schema.decode(schema.encode(values, element=element))
        self.assertEqual(self.codes(decoded), [])
        self.assertEqual(body_of(decoded), ("solicitacaoStatusProtocolo", STATUS))
        self.assertEqual(self.codes({"cabecalho": header}, element=element), ["no_body"])

    def test_same_payload_name_both_ways(self) -> None:
        for element, body, direction in (
            ("loteAnexoWS", "loteAnexos", []),
            ("protocoloRecebimentoAnexoWS", "recebimentoAnexo", ["direction"] * 2),
        ):
            header = status()["cabecalho"]
            header["identificacaoTransacao"]["tipoTransacao"] = next(
                name for name, each in TRANSACTIONS.items() if each.body == (body,)
            )
            values = {"cabecalho": header, "loteAnexo": {}}
            self.assertEqual(body_of(values, element=element)[0], body)
            self.assertEqual(self.codes(values, element=element), direction)

    def test_fault(self) -> None:
        schema = load("4.03.00")
        xml = schema.encode({"tissFault": "HashInvalido"}, element=SOAP_FAULT)
        decoded = schema.decode(xml)
        self.assertEqual(self.codes(decoded), [])
        self.assertEqual(body_of(decoded), ("tissFault", "HashInvalido"))


class TestServices(unittest.TestCase):
    """A message of a web service and the file of the same meaning."""

    def test_every_request_has_its_service(self) -> None:
        requests = {
            name for name, each in TRANSACTIONS.items() if each.direction == message.TO_OPERADORA
        }
        self.assertEqual(set(SERVICE_OF), requests)
        self.assertEqual(sorted(SERVICE_OF.values()), sorted(SOAP))
        self.assertEqual(SERVICE_OF["COMUNICACAO_BENEFICIARIO"], "tissComunicacaoBeneficiario")
        self.assertEqual(
            SERVICE_OF["SOLIC_STATUS_RECURSO_GLOSA"], "tissSolicitacaoStatusRecursoGlosa"
        )

    def test_there_and_back(self) -> None:
        """Each transaction as a file, through its service, and back: the same, hash included."""
        for schema in common.schemas():
            for transaction in TRANSACTIONS:
                for seed in range(4):
                    with self.subTest(schema.version, transaction=transaction, seed=seed):
                        values = common.file_message(schema, transaction, seed)
                        file = schema.decode(schema.encode(values))
                        element, content = to_service(values)
                        xml = schema.encode(content, element=element)
                        self.assertEqual(schema.explain(xml), [])
                        answer = from_service(schema.decode(xml))
                        self.assertEqual(answer.element, "mensagemTISS")
                        self.assertEqual(answer, file)
                        self.assertEqual(body_of(answer), body_of(file))

    def test_login(self) -> None:
        element, values = to_service(status(), login=("CLINICA", "0" * 32))
        login = values["cabecalho"]["loginSenhaPrestador"]
        self.assertEqual(login, {"loginPrestador": "CLINICA", "senhaPrestador": "0" * 32})
        self.assertEqual(element, "solicitacaoStatusProtocoloWS")
        self.assertNotIn("loginSenhaPrestador", status()["cabecalho"])
        schema = load("4.03.00")
        self.assertEqual(schema.explain(schema.encode(values, element=element)), [])

    def test_an_error_of_eligibility_is_called_as_in_a_file(self) -> None:
        """respostaElegibilidadeWS says codigoGlosa where the file says mensagemErro."""
        header = status(sender="326305", recipient={"CPF": "52998224725"})["cabecalho"]
        header["identificacaoTransacao"]["tipoTransacao"] = "SITUACAO_ELEGIBILIDADE"
        reason = {"codigoGlosa": "1013", "descricaoGlosa": "CADASTRO DO BENEFICIARIO"}
        schema = load("4.03.00")
        xml = schema.encode(
            {"cabecalho": header, "respostaElegibilidade": {"codigoGlosa": reason}},
            element="respostaElegibilidadeWS",
        )
        answer = from_service(schema.decode(xml, strict=False))
        self.assertEqual(body_of(answer), ("respostaElegibilidade", {"mensagemErro": reason}))
        self.assertEqual(check_envelope(answer, "4.03.00"), [])

    def test_what_was_wrong_is_said_with_the_path_of_a_file(self) -> None:
        schema = load("4.03.00")
        header = status(sender="326305", recipient={"CPF": "52998224725"})["cabecalho"]
        header["identificacaoTransacao"]["tipoTransacao"] = "PROTOCOLO_RECEBIMENTO"
        error = {"codigoGlosa": "1013", "descricaoGlosa": "X"}
        xml = schema.encode(
            {"cabecalho": header, "recebimentoLote": {"mensagemErro": error}},
            element="protocoloRecebimentoWS",
        )
        decoded = schema.decode(xml.replace(b">1013<", b">ZZZZ<"), strict=False)
        self.assertEqual(
            [each.path for each in from_service(decoded).problems],
            ["operadoraParaPrestador/recebimentoLote/mensagemErro/codigoGlosa"],
        )

    def test_a_file_stays_a_file(self) -> None:
        schema = load("4.03.00")
        decoded = schema.decode(schema.encode(status()))
        self.assertIs(from_service(decoded), decoded)

    def test_an_answer_without_body_has_none_as_a_file_either(self) -> None:
        schema = load("4.03.00")
        element, values = to_service(status())
        xml = schema.encode(values, element=element).replace(b"solicitacaoStatusProtocolo>", b"x>")
        with self.assertRaises(ValueError):
            body_of(from_service(schema.decode(xml, strict=False)))

    def test_a_fault_is_no_message(self) -> None:
        schema = load("4.03.00")
        xml = schema.encode({"tissFault": "HashInvalido"}, element=SOAP_FAULT)
        with self.assertRaises(ValueError):
            from_service(schema.decode(xml))
