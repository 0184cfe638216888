"""What the clinic asks its operadoras: cards, protocolos, payments; and a request given up.

One of each kind for each convênio, made as people make them and answered by its operadora.
"""

from odoo.fields import Command

from .errand import Errand

VERIFIED = 3  # cards of each convênio that are verified on the day
SUSPENDED = "1016"  # Tabela 38, as somebody heard it on the telephone
ECHOCARDIOGRAM = "40901106"


class Questions(Errand):
    """Asks the operadoras of a `Job` by the hands of its `Forms`."""

    def __init__(self, job):
        super().__init__(job)
        self.checks = self.env["tiss.eligibility"]
        self.queries = self.env["tiss.protocol.query"]
        self.requests = self.env["tiss.demonstrativo.request"]
        self.cancellations = self.env["tiss.cancellation"]

    def ask(self):
        """Before anything is analysed; returns self."""
        for contract, cards in self._get_convenios():
            self._verify(cards)
            self._query(contract)
            self._give_up(contract, cards[0])
        return self

    def _verify(self, cards):
        """Some cards by message, one more by telephone."""
        for card in cards[:VERIFIED]:
            check = card.verify_eligibility()
            self.job.forms.send(check)
            self.checks |= check
        check = cards[VERIFIED].verify_eligibility()
        term = self.env["tiss.term"]._get("38", SUSPENDED)
        check.register_answer(
            "not_eligible",
            "phone",
            reference="Central de atendimento, protocolo 4711",
            denial_reason=f"{term.code} {term.name}",
        )
        self.checks |= check

    def _query(self, contract):
        """What has become of the first lote, and of the first annex that went by itself."""
        lote = self.job.lotes.with_env(self.env).filtered(
            lambda lote: lote.contract_id == contract
        )[:1]
        annex = self.job.forms.annexes.filtered(
            lambda annex: annex.contract_id == contract and annex.annex_type == "radio"
            and annex.transport == "alone"
        )[:1]  # fmt: skip
        for record in (lote, annex):
            record.query_status()
            query = record.protocol_query_ids
            self.job.forms.bring_answer(query)
            self.queries |= query

    def _give_up(self, contract, card):
        """A request that is not needed any more: the operadora takes it back."""
        item = {
            "sequence_item": 1,
            "table_code": "22",
            "code": ECHOCARDIOGRAM,
            "description": self.env["tiss.term"]._get("22", ECHOCARDIOGRAM).name,
            "quantity": 1,
        }
        request = self.env["tiss.authorization"].create(
            {
                "request_type": "sp_sadt",
                "contract_id": contract.id,
                "patient_id": card.patient_id.id,
                "card_id": card.id,
                "professional_id": self.clinic.professionals[0].id,
                "clinical_indication": "Indicação de demonstração",
                "line_ids": [Command.create(item)],
            }
        )
        self.job.forms.send(request)
        cancellation = self.env["tiss.cancellation"]._create_for(request, "O paciente desistiu")
        self.job.forms.send(cancellation)
        self.cancellations |= cancellation

    def ask_for_payments(self):
        """Of the month: what was imported already comes once more, and is recognised."""
        kind = self.env["tiss.term"]._get("53", "1")
        for contract in self.job.contracts.with_env(self.env):
            request = self.env["tiss.demonstrativo.request"].create(
                {
                    "contract_id": contract.id,
                    "kind_id": kind.id,
                    "competence_date": self.today,
                }
            )
            self.job.forms.send(request)
            self.requests |= request
