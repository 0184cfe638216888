from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

ANSWER_ELEMENTS = {"opme": "anexoOPME", "quimio": "anexoQuimio", "radio": "anexoRadio"}


class TissAnnex(models.Model):
    """What the operadora answers to annexes: a protocolo, a refusal, a grant (guide §5.6)."""

    _inherit = "tiss.annex"

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    @api.model
    def _receive_answer(self, name, content, values, body):
        """Take in a recebimentoAnexo: the protocolo of a lote with its answers, or its refusal.

        :return: the annexes that were answered
        """
        contract = self.env["tiss.message"]._find_contract(values["cabecalho"])
        receipt = body.get("protocoloRecebimentoAnexo")
        annexes = self._find_answered(contract, receipt)
        if receipt and annexes[0].protocol_number == receipt["nrProtocoloRecebimento"]:
            return annexes
        annexes._check_state("sent", "unknown")
        reason = None if receipt else self._read_refusal(body)
        # The message is the first one's: the others are found beside it.
        annexes[0]._record_answer(name, content, values, reason)
        if reason:
            annexes.sudo().write({"state": "rejected", "rejection_reason": reason})
            return annexes
        annexes.sudo().write(
            {
                "state": "received",
                "protocol_number": receipt["nrProtocoloRecebimento"],
                "protocol_date": receipt["dataEnvioAnexo"],
            }
        )
        for element in ANSWER_ELEMENTS.values():
            answer = (receipt.get("anexosClinicos") or {}).get(element)
            if answer:
                annexes[0]._read_answer(answer)
        return annexes

    @api.model
    def _find_answered(self, contract, receipt):
        """The annexes of a lote; a refusal does not name one, so it is the only one that waits."""
        domain = Domain("contract_id", "=", contract.id)
        if receipt:
            domain &= Domain("lote_number", "=", receipt["numeroLote"])
        else:
            waiting = Domain("state", "in", ("sent", "unknown"))
            domain &= waiting & Domain("transport", "=", "alone")
        annexes = self._search_answered(domain & Domain("state", "!=", "cancelled"), order="number")
        if not annexes:
            raise UserError(
                self.env._(
                    "The answer is about the lote of annexes %s, which this clinic did not send.",
                    receipt["numeroLote"] if receipt else "?",
                )
            )
        count = len(set(annexes.mapped("lote_number")))
        if count > 1:
            raise UserError(
                self.env._(
                    "The refusal does not say which annex it is about, and %s annexes of this"
                    " operadora wait for an answer: open the annex and refuse it there.",
                    count,
                )
            )
        return annexes

    def action_reject(self):
        """The operadora refused it outside of a file."""
        self.check_access("write")
        self._check_alone()
        self._check_state("sent", "unknown")
        self._get_bundle().sudo().write(
            {"state": "rejected", "rejection_reason": self.env._("Refused by the operadora.")}
        )

    def _read_answer(self, answer):
        """ctm_autorizacaoOPME, ctm_autorizacaoQuimio, ctm_autorizacaoRadio (guide §5.6)"""
        self.ensure_one()
        data = answer.get("dadosAutorizacao") or {}
        reasons = (answer.get("motivosNegativa") or {}).get("motivoNegativa") or []
        self.sudo().write(
            {
                "answer_id": self.env["tiss.term"]._get("45", answer.get("statusSolicitacao")).id,
                "answer_number": data.get("numeroGuiaOperadora"),
                "answer_password": data.get("senha"),
                "answer_date": data.get("dataAutorizacao"),
                "answer_validity_date": data.get("dataValidadeSenha"),
                "denial_reason": "\n".join(map(self._get_refusal, reasons)) or False,
            }
        )
        self._read_item_answers(answer.get("servicosAutorizadosOPME") or [])

    def _read_item_answers(self, items):
        """ct_procedimentoAutorizado: found by material and choice; its number is theirs."""
        lines = self.sudo().line_ids
        left = {}
        for line in lines:
            left.setdefault(line._get_answer_key(), []).append(line)
        strange = 0
        for item in items:
            procedure = item.get("procedimento") or {}
            key = (
                procedure.get("codigoTabela"),
                procedure.get("codigoProcedimento"),
                item.get("opcaoFabricante") or False,
            )
            if left.get(key):
                left[key].pop(0)._read_answer(item)
            else:
                strange += 1
        if strange:
            self.message_post(
                body=self.env._("The answer has %s items that this annex did not ask for.", strange)
            )
