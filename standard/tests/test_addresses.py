"""Addresses as operadoras and their systems have them."""

from __future__ import annotations

import unittest

from ..addresses import Address, canonical, find_addresses, recognize
from ..message import SOAP


class TestAddresses(unittest.TestCase):
    def assert_service(self, url: str, service: str, version: str = "") -> None:
        self.assertEqual(recognize(url), Address(url, service, version))

    def test_official_names(self) -> None:
        for service in SOAP:
            for path in ("", "v40300/", "tiss/V4_03_00/"):
                version = "4.03.00" if path else ""
                self.assert_service(f"https://ws.example.com/{path}{service}", service, version)
        self.assert_service(
            "https://ws.example.com/tissSolicitacaoStatusProtocoloRecurso",
            "tissSolicitacaoStatusRecursoGlosa",
        )

    def test_names_in_use(self) -> None:
        for path, service in (
            ("verifica-elegibilidade/soap/v40100", "tissVerificaElegibilidade"),
            ("envio-lote-guias/soap/v40100", "tissLoteGuias"),
            ("recurso-glosa/soap/v40100", "tissRecursoGlosa"),
            ("solicitacao-procedimentos/soap/v40100", "tissSolicitacaoProcedimento"),
            ("solicita-status-autorizacao/soap/v40100", "tissSolicitacaoStatusAutorizacao"),
            ("solic-demonstrativo-retorno/soap/v40100", "tissSolicitacaoDemonstrativoRetorno"),
            ("solic-status-protocolo/soap/v40100", "tissSolicitacaoStatusProtocolo"),
            ("solic-status-recurso-glosa/soap/v40100", "tissSolicitacaoStatusRecursoGlosa"),
            ("cancela-guia/soap/v40100", "tissCancelaGuia"),
            ("envio-anexo/soap/v40100", "tissLoteAnexo"),
            ("envio-documento/soap/v4.01.00", "tissEnvioDocumentos"),
            ("tissSolicitaDemonstrativo/40100", "tissSolicitacaoDemonstrativoRetorno"),
            ("TISS40100OPS/tissCancelaGuia", "tissCancelaGuia"),
            ("tiss/v40100/tissEnviaRecursoGlosa", "tissRecursoGlosa"),
            ("tiss/v40100/tissSolicitaStatusRecurso", "tissSolicitacaoStatusRecursoGlosa"),
            ("EnvioDocumentosV40100.asmx", "tissEnvioDocumentos"),
            ("tissVerificaElegibilidadeV4_01_00.apw", "tissVerificaElegibilidade"),
        ):
            self.assert_service(f"https://ws.example.com:6281/{path}", service, "4.01.00")

    def test_only_the_path_counts(self) -> None:
        self.assert_service("https://demonstrativo40300.example.com/a", "")
        self.assert_service("https://ws.example.com", "")
        self.assert_service("https://ws.example.com/tiss/14030012/x", "")

    def test_in_a_letter(self) -> None:
        text = (
            "Prezados,\r\nElegibilidade:\thttps://a.example.com/v40300/tissVerificaElegibilidade;\n"
            '<a href="https://a.example.com/v40300/tissLoteGuias">https://a.example.com/x</a>'
            " https://a.example.com/v40300/tissLoteGuias"
        )
        self.assertEqual(
            [each.service for each in find_addresses(text)],
            ["tissVerificaElegibilidade", "tissLoteGuias", ""],
        )
        self.assertEqual(find_addresses("nada"), [])

    def test_spellings_of_one_address(self) -> None:
        same = {
            canonical(url)
            for url in (
                "https://ws.exemplo.invalid/tiss/a",
                "https://WS.Exemplo.invalid:443/tiss/a/",
                " HTTPS://ws.exemplo.invalid/tiss/a",
            )
        }
        self.assertEqual(same, {"https://ws.exemplo.invalid/tiss/a"})
        others = (
            "https://ws.exemplo.invalid/tiss/A",
            "https://ws.exemplo.invalid:8443/tiss/a",
            "http://ws.exemplo.invalid:443/tiss/a",
            "https://ws.exemplo.invalid/tiss/a?b=1",
        )
        self.assertEqual(len({canonical(url) for url in others} | same), 5)
        self.assertEqual(canonical("https://a:b/"), "https://a:b/")
