from odoo import api, models

from .tiss_term import term_field

MAX_DAYS = 999  # qtDiariasAdicionais: 3 digits


class TissAuthorization(models.Model):
    """Request of more days, or of more procedures, of a hospitalisation (guide §5.6)."""

    _inherit = "tiss.authorization"

    accommodation_id = term_field(
        "49", "Requested Accommodation", help="Only when it changes with the extension."
    )

    @api.model
    def _get_prorrogacao_defaults(self):
        return {}

    def _get_frozen_fields(self):
        return super()._get_frozen_fields() | {"accommodation_id"}

    def _get_box_label(self, name):
        if name == "main_number" and self.request_type == "prorrogacao":
            return self.env._("Referenced Guia")
        return super()._get_box_label(name)

    def _get_prorrogacao_problems(self):
        problems = self._get_missing("main_number")
        problems += self._get_indication_problems()
        problems += self._get_days_problems(MAX_DAYS)
        if not (self.days_requested or self.accommodation_id or self.line_ids):
            sentence = self.env._("Ask for days, for another accommodation or for procedures.")
            problems.append((sentence, self, "days_requested"))
        parent = self.parent_id
        if parent and parent.card_id != self.card_id:
            sentence = self.env._("The earlier request is of another card.")
            problems.append((sentence, self, "parent_id"))
        if parent and parent.date > self.date:
            sentence = self.env._("The request is older than the one that it extends.")
            problems.append((sentence, self, "date"))
        return problems

    def _prepare_tiss_prorrogacao(self):
        """ctm_prorrogacaoSolicitacaoGuia"""
        requester = self._prepare_tiss_requester(self.professional_id)
        beneficiary = self._prepare_tiss_beneficiary()
        del beneficiary["atendimentoRN"]
        return {
            **self._prepare_tiss_header(),
            "nrGuiaReferenciada": self.main_number or None,
            "dadosBeneficiario": beneficiary,
            "dadosContratadoSolicitante": requester["contratadoSolicitante"],
            "nomeContratadoSolicitante": requester["nomeContratadoSolicitante"],
            "dadosProfissionalSolicitante": requester["profissionalSolicitante"],
            "dadosInternacao": {
                "qtDiariasAdicionais": self.days_requested or None,
                "tipoAcomodacaoSolicitada": self.accommodation_id.code or None,
                "indicacaoClinica": self._prepare_tiss_indication(),
            },
            "procedimentosAdicionais": self._prepare_tiss_lines(),
            "anexoClinicoProrrogacao": self._prepare_tiss_annexes(),
            "observacao": self._prepare_tiss_observation(),
            "dataSolicitacao": self.date,
        }
