"""Requests of each type, complete enough to be sent, and answers written with plain text."""

from odoo.fields import Command

from .. import standard
from .guia_records import GuiaRecords
from .return_messages import HEADER

REQUEST_TYPES = ("sp_sadt", "internacao", "prorrogacao", "odonto")
ELEMENTS = {
    "sp_sadt": "solicitacaoSP-SADT",
    "internacao": "solicitacaoInternacao",
    "prorrogacao": "solicitacaoProrrogacao",
    "odonto": "solicitacaoOdontologia",
}


class AuthorizationRecords(GuiaRecords):
    """Made for classes that have the records of `TissRecords` and called `_setup_people`."""

    @classmethod
    def _asked(cls, code, quantity=1, table="22", **vals):
        return Command.create(
            {
                "table_code": table,
                "code": code,
                "description": f"Procedimento {code}",
                "quantity": quantity,
                **vals,
            }
        )

    @classmethod
    def _create_request(cls, request_type="sp_sadt", *items, **vals):
        """A complete request; clinical values are written by whoever may."""
        common = {
            "request_type": request_type,
            "contract_id": cls.contract.id,
            "patient_id": cls.patient.id,
            "card_id": cls.card.id,
            "professional_id": cls.professional.id,
            "date": cls.visit_date,
        }
        if request_type in ("internacao", "prorrogacao"):
            common["clinical_indication"] = "Dor abdominal – colelitíase"
        if request_type == "internacao":
            common |= {
                "hospital_id": cls.hospital.id,
                "suggested_date": cls.today,
                "hospitalization_type_id": cls._term("57", "2"),
                "days_requested": 3,
            }
        elif request_type == "prorrogacao":
            common["days_requested"] = 2
            if "parent_id" not in vals:
                common["main_number"] = "OP-77"
        elif request_type == "odonto":
            common |= {"professional_id": cls.dentist.id, "executor_id": cls.dentist.id}
        if not items:
            items = {
                "sp_sadt": [cls._asked("40101010", 5)],
                "internacao": [cls._asked("31005470")],
                "prorrogacao": [],
                "odonto": [cls._asked("81000030", amount=60)],
            }[request_type]
        values = {**common, "line_ids": list(items), **vals}
        return cls.env["tiss.authorization"].sudo().create(values).with_env(cls.env)

    def _decode_request(self, request):
        """What the XML of a request says, found valid by the official schema."""
        schema = standard.load(request.version)
        content = request.get_xml()
        self.assertTrue(schema.validate(content))
        body = schema.decode(content)["prestadorParaOperadora"]["solicitacaoProcedimento"]
        return body[ELEMENTS[request.request_type]]

    def _answer(self, request, status, items=(), **options):
        """autorizacaoServicos to an SP/SADT, word for word as an operadora writes it.

        :param items: tuples of sequence, code, requested, authorised and maybe a T38 code
        :param options: password, validity, number, reasons, card, hour, extra and body (the name)
        """
        granted = status in ("1", "7")
        number = options.get("number", "OP-1" if granted else "")
        given = f"<ans:numeroGuiaPrestador>{request.name}</ans:numeroGuiaPrestador>"
        if number:
            given += f"<ans:numeroGuiaOperadora>{number}</ans:numeroGuiaOperadora>"
        if granted:
            given += f"<ans:dataAutorizacao>{self.visit_date}</ans:dataAutorizacao>"
            given += f"<ans:senha>{options.get('password', 'S9')}</ans:senha>"
            validity = options.get("validity", self.today)
            given += f"<ans:dataValidadeSenha>{validity}</ans:dataValidadeSenha>"
        body = (
            f"<ans:dadosAutorizacao>{given}</ans:dadosAutorizacao>"
            "<ans:tipoEtapaAutorizacao>1</ans:tipoEtapaAutorizacao><ans:dadosBeneficiario>"
            f"<ans:numeroCarteira>{options.get('card', request.card_number)}</ans:numeroCarteira>"
            "<ans:atendimentoRN>N</ans:atendimentoRN></ans:dadosBeneficiario>"
            "<ans:nomeBeneficiario>FULANO</ans:nomeBeneficiario>"
            f"<ans:statusSolicitacao>{status}</ans:statusSolicitacao>"
        )
        if options.get("reasons"):
            codes = "".join(
                f"<ans:codigoGlosa>{code}</ans:codigoGlosa>" for code in options["reasons"]
            )
            body += f"<ans:motivosNegativa>{codes}</ans:motivosNegativa>"
        if items:
            rows = "".join(map(self._answered_item, items))
            body += f"<ans:servicosAutorizados>{rows}</ans:servicosAutorizados>"
        body = f"<ans:autorizacaoServico>{body}</ans:autorizacaoServico>"
        return self._message(request, body, **options)

    def _answered_item(self, item):
        sequence, code, requested, authorized, *reason = item
        why = ""
        if reason:
            why = (
                "<ans:motivosNegativa><ans:motivoNegativa>"
                f"<ans:codigoGlosa>{reason[0]}</ans:codigoGlosa>"
                "<ans:descricaoGlosa>Motivo escrito</ans:descricaoGlosa>"
                "</ans:motivoNegativa></ans:motivosNegativa>"
            )
        return (
            f"<ans:servicoAutorizado><ans:sequencialItem>{sequence}</ans:sequencialItem>"
            "<ans:procedimento><ans:codigoTabela>22</ans:codigoTabela>"
            f"<ans:codigoProcedimento>{code}</ans:codigoProcedimento>"
            "<ans:descricaoProcedimento>PROCEDIMENTO</ans:descricaoProcedimento>"
            f"</ans:procedimento><ans:quantidadeSolicitada>{requested}</ans:quantidadeSolicitada>"
            f"<ans:quantidadeAutorizada>{authorized}</ans:quantidadeAutorizada>"
            f"{why}</ans:servicoAutorizado>"
        )

    def _message(self, request, content, **options):
        """A message of the operadora; `hour` says when it was written, `body` what it answers."""
        name = options.get("body", "autorizacaoServicos")
        transaction = {"autorizacaoServicos": "RESPOSTA_SOLICITACAO"}.get(
            name, "STATUS_AUTORIZACAO"
        )
        text = HEADER.replace("ans:demonstrativosRetorno>", f"ans:{name}>")
        text = text.replace("10:00:00", options.get("hour", "10:00:00"))
        contract = request.contract_id
        return text.format(
            transaction=transaction,
            today=self.today,
            ans_code=contract.ans_code,
            provider=contract.provider_code,
            version=contract.version,
            body=content,
            hash="0" * 32,
        ).encode("iso-8859-1")

    def _refusal(self, request, code="1001", **options):
        body = f"<ans:mensagemErro><ans:codigoGlosa>{code}</ans:codigoGlosa></ans:mensagemErro>"
        return self._message(request, body, **options)
