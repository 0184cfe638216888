"""The main job on the demo clinic, by the public methods that the buttons call."""

import time
from pathlib import Path

from ..operadora import Operadora
from ..standard.money import to_cents
from .bank import Bank
from .books import Books
from .clinic import Clinic
from .forms import Forms
from .questions import Questions


class Job:
    """Requests → guias → lotes → XML → protocolo → invoice → demonstrativos → payment → glosas."""

    def __init__(self, clinic, folder=None, user=None, seed=7):
        self.clinic = clinic
        self.env = clinic.env(user=user or clinic.env.user)
        self.contracts = clinic.contracts.with_env(self.env)
        self.encounters = clinic.encounters.with_env(self.env)
        self.folder = Path(folder) if folder else None
        self.operadoras = {
            contract: Operadora(
                ans_code=contract.ans_code,
                name=contract.partner_id.name,
                cnpj=contract.partner_id.vat,
                version=contract.version,
                seed=seed + i,
                names=self._get_names(contract),
            )
            for i, contract in enumerate(self.contracts)
        }

    def _get_names(self, contract):
        """Who bears which card: the operadora has them written as the clinic has."""
        cards = self.env["tiss.card"].search([("operadora_id", "=", contract.partner_id.id)])
        return {card.number: card.patient_id.name for card in cards}

    def run(self):
        """The whole job; returns self, with the records made on the way."""
        self.forms = Forms(self).ask()
        self.encounters |= self.forms.encounters.with_env(self.env)
        self.guias = self.make_guias()
        self.forms.complete(self.guias)
        self.lotes = self.make_lotes()
        self.send_lotes()
        self.forms.prove(self.guias)
        self.questions = Questions(self).ask()
        self.demonstrativos = self.import_returns()
        self.bank_lines = Bank(self).show()
        self.questions.ask_for_payments()
        self.accept_some_glosas()
        self.contest_a_glosa()
        self.waiting = self.leave_one_to_post()
        self.env["tiss.underpayment"].action_look()
        self.books = Books(self).keep()
        return self

    def make_guias(self):
        wizard = self.env["tiss.guia.generate"].create(
            {"start_date": min(self.encounters.mapped("date"))}
        )
        self.left_out = {row.encounter_id: row.reason for row in wizard.line_ids}
        wizard.action_generate()
        # Many are left to the scheduled action, which this does not wait for.
        for run in self.env["tiss.guia.run"].search([("state", "=", "running")]):
            while run._process_next():
                pass
        return self.encounters.guia_ids

    def make_lotes(self):
        self.env["tiss.lote.generate"].create({}).action_generate()
        return self.guias.lote_id

    def send_lotes(self):
        """Play the portal: take each file to its operadora and bring the protocolo back."""
        for lote in self.lotes:
            self._tell_copayments(lote)
            for message in lote.send():
                self._keep(message.file_name, message._get_content())
            answer = self.operadoras[lote.contract_id].receive(lote.get_xml(), self.clinic.today)
            self._receive(f"protocolo-{lote.contract_id.ans_code}-{lote.name}.xml", answer)

    def _tell_copayments(self, lote):
        """What the clinic collects of patients the operadora knows by the contract."""
        for line in lote.guia_ids.line_ids:
            visit_line = line.encounter_line_id
            if visit_line.is_collected_here and not line.amount_patient:
                collected = self.operadoras[lote.contract_id].copayments
                collected.setdefault(line.guia_id.name, {})[line.sequence_item] = to_cents(
                    visit_line.patient_amount
                )

    def import_returns(self):
        today = self.clinic.today
        demonstrativos = self.env["tiss.demonstrativo"]
        for contract, operadora in self.operadoras.items():
            code = contract.ans_code
            lotes = self.lotes.filtered(lambda lote, own=contract: lote.contract_id == own)
            dental = lotes.filtered(lambda lote: lote.guia_type == "odonto")
            protocols = sorted((lotes - dental).mapped("protocol_number"))
            analysis = operadora.analysis(protocols, issued_on=today)
            demonstrativos |= self._receive(f"analise-{code}.xml", analysis)
            demonstrativos.post()
            payment = operadora.payment(protocols, paid_on=today, issued_on=today)
            demonstrativos |= self._receive(f"pagamento-{code}.xml", payment)
            demonstrativos.post()
            if dental:
                payment = operadora.dental_payment(
                    sorted(dental.mapped("protocol_number")),
                    paid_on=today,
                    issued_on=today,
                    cnpj=contract.company_id.vat,
                )
                demonstrativos |= self._receive(f"odonto-{code}.xml", payment)
                demonstrativos.post()
        return demonstrativos

    def accept_some_glosas(self):
        """Small glosas are not worth an appeal: those under R$ 20 are accepted."""
        glosas = self.env["tiss.glosa"].search([("amount", "<", 20), ("state", "=", "open")])
        self.credit_notes = glosas.accept()

    def contest_a_glosa(self):
        """Of each convênio the largest one, if others are left: sent, asked about and answered."""
        self.recursos = self.env["tiss.recurso"]
        for contract, operadora in self.operadoras.items():
            glosas = self.env["tiss.glosa"].search(
                [("contract_id", "=", contract.id), ("state", "=", "open"), ("code", "!=", False)],
                order="amount DESC, id",
            )
            if len(glosas) < 2:
                continue
            recurso = glosas[0].create_recurso()
            recurso.send()
            for message in (recurso.message_id, None):
                question = message or recurso.query_status()
                self._keep(question.file_name, question._get_content())
                answer = operadora.receive(question._get_content(), self.clinic.today)
                kind = "recebimento" if message else "resposta"
                self._receive(f"{kind}-recurso-{contract.ans_code}.xml", answer)
            self.recursos |= recurso

    def leave_one_to_post(self):
        """What a recurso recovered is announced: its demonstrativo waits for the accountant."""
        today = self.clinic.today
        for contract, operadora in self.operadoras.items():
            if any(appeal["acatado"] for appeal in operadora.appeals.values()):
                content = operadora.appeal_payment(paid_on=today, issued_on=today)
                return self._receive(f"pagamento-recurso-{contract.ans_code}.xml", content)
        return self.env["tiss.demonstrativo"]

    def _receive(self, name, content):
        self._keep(name, content)
        return self.env["tiss.message"].receive_file(name, content)

    def _keep(self, name, content):
        if self.folder:
            (self.folder / name).write_bytes(content)

    # ------------------------------------------------------------------
    # The table
    # ------------------------------------------------------------------

    def report(self):
        """Lines of the closing table, one convênio each, tied to the ledger."""
        lines = [
            f"{'convênio':<34}{'versão':>8}{'guias':>7}{'lotes':>6}{'apresentado':>13}"
            f"{'pago':>12}{'glosa aceita':>13}{'paciente':>10}{'em aberto':>12}  razão"
        ]
        for contract in self.contracts:
            lines.append(self._report_contract(contract))
        return lines

    def _report_contract(self, contract):
        guias = self.guias.filtered(lambda guia: guia.contract_id == contract)
        lotes = guias.lote_id
        receivable = self.env["account.move.line"].search(
            [
                ("account_id", "=", contract.receivable_account_id.id),
                ("partner_id", "=", contract.partner_id.id),
                ("parent_state", "=", "posted"),
            ]
        )
        presented, paid, accepted, still_open = (
            round(sum(guias.mapped(name)), 2)
            for name in ("amount_total", "amount_paid", "amount_accepted", "amount_open")
        )
        patients = round(sum(guias.line_ids.mapped("amount_copaid")), 2)
        ledger = round(sum(receivable.mapped("amount_residual")), 2)
        ties = "confere" if ledger == still_open else f"DIFERE: {ledger:.2f}"
        return (
            f"{contract.name[:33]:<34}{contract.version:>8}{len(guias):>7}{len(lotes):>6}"
            f"{presented:>13.2f}{paid:>12.2f}{accepted:>13.2f}{patients:>10.2f}"
            f"{still_open:>12.2f}  {ties}"
        )


def run(env, folder=None, user=None, **sizes):
    """Build the clinic, run the job as `user` and return it; `sizes` as in `Clinic`."""
    started = time.monotonic()
    clinic = Clinic(env, **sizes).build()
    job = Job(clinic, folder, user).run()
    job.seconds = time.monotonic() - started
    return job
