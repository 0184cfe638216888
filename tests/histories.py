"""Random histories of a clinic and an operadora: all that can happen to a protocolo's money.

A seed gives the same history every time. After every event that did something all invariants are
asked, by the addon and a second time by `ledger_invariants`. What the addon refuses in words is
fine, as long as it leaves nothing behind.
"""

import random
import re
from collections import Counter
from datetime import timedelta

from odoo.exceptions import RedirectWarning, UserError

from ..standard.money import from_cents, to_cents
from .closing_records import create_copayment
from .ledger_invariants import find_broken, get_locked
from .return_messages import analysis_message, payment_message

CODES = ("1705", "1806", "1714", None)
MOMENTS = ("protocol", "protocol", "protocol", "released", "month")
DENSE = 20  # lotes in a pool, of which a history takes up to four
TRIES = 3  # random events for each that shall happen


def make_pool(case, rng, size=DENSE):
    """Sent lotes of 3 to 8 items of 1.00 to 900.00 that have no protocolo yet.

    Of one procedure the clinic collects a part from the patient.

    :param case: class with the records of `TissRecords`
    """
    terms = case.env["tiss.term"].search(
        [("table_code", "=", "22"), ("code", "=like", "4030%")], limit=40, order="code"
    )
    prices = {term.code: rng.randint(100, 90000) / 100 for term in terms}
    case.products = {**case.products, **case._price(case.contract, prices)}
    create_copayment(
        case.contract, code=min(prices), products=case.products, copayment_at_clinic=True
    )
    lotes = case.env["tiss.lote"]
    for _lote in range(size):
        codes = rng.sample(sorted(prices), rng.randint(3, 8))
        cut = rng.randint(1, len(codes) - 1)
        visits = [dict.fromkeys(part, 1) for part in (codes[:cut], codes[cut:])]
        lotes |= case._create_lote(*visits)
    lotes.send()
    return lotes


class History:
    """One random sequence of events; `run` raises `AssertionError` with the seed and the events."""

    def __init__(self, contract, pool, seed):
        self.env = contract.env
        self.contract = contract
        self.seed = seed
        self.random = random.Random(seed)
        self.waiting = pool.browse(self.random.sample(pool.ids, self.random.randint(1, 4)))
        self.lotes = pool.browse()
        self.today = contract._get_today()
        self.bank = contract.bank_journal_id
        self.matches = self.env["tiss.bank.match"]
        self.counter = 0
        self.files = []
        self.log = []
        self.happened = Counter()

    def run(self, steps):
        """Let so many events happen, or try as long as `TRIES` says."""
        self.contract.invoice_moment = self.random.choice(MOMENTS)
        # By a dice of its own: the histories of the seeds stay what they were.
        dice = random.Random(f"{self.seed} policy")
        self.contract.glosa_policy = dice.choice(("open", "open", "at_once"))
        self.contract.sudo().company_id.fiscalyear_lock_date = False
        self.env["tiss.repasse.rule"].create({"percent": 37.5, "contract_id": self.contract.id})
        self.receive()
        events = [
            self.receive, self.receive, self.analyse, self.analyse, self.analyse, self.pay,
            self.pay, self.pay, self.pay_parts, self.accept, self.accept, self.accept, self.reopen,
            self.contest, self.contest, self.answer, self.answer, self.recover, self.repay,
            self.take_back, self.undo, self.import_again, self.withdraw, self.lock, self.invoice,
            self.deposit, self.deposit, self.match, self.match, self.unmatch, self.share,
            self.collect,
        ]  # fmt: skip
        for _try in range(TRIES * steps):
            self._happen(self.random.choice(events))
            if self.happened.total() == steps:
                break
        self._check()
        return self

    def _happen(self, event):
        lock_date = self.contract.company_id.fiscalyear_lock_date
        before = lock_date and get_locked(self.contract, lock_date)
        did = event()
        self.log.append(event.__name__ if did else f"({event.__name__})")
        if did:
            self.happened[event.__name__] += 1
            is_changed = lock_date and get_locked(self.contract, lock_date) != before
            self._check({8: ["something in the closed period changed"]} if is_changed else {})

    def _check(self, known=()):
        broken = {**dict(known), **find_broken(self.contract)}
        told = [breach.words for breach in self.contract._get_ledger_breaches()]
        if broken or told:
            raise AssertionError(f"seed {self.seed}, {' '.join(self.log)}: {broken} {told}")

    # ------------------------------------------------------------------
    # Events
    # ------------------------------------------------------------------

    def receive(self):
        """A protocolo arrives for one of the lotes."""
        if not self.waiting:
            return False
        lote, self.waiting = self.waiting[0], self.waiting[1:]
        self.lotes |= lote
        days = self.random.choice((0, 0, 3, 40))
        self.counter += 1
        number = f"8{self.counter:05d}"
        return self._try(lambda: lote.register_protocol(number, self.today - timedelta(days)))

    def analyse(self):
        lote = self._choose(self.lotes)
        released = {}
        for line in lote.guia_ids.line_ids:
            part = self.random.choice((0, 0.3, 0.77, 1, 1, 1, 1))
            owed = to_cents(line.amount) - to_cents(line.amount_copaid)
            amount = float(from_cents(round(owed * part)))
            released[line.guia_id.name, line.sequence_item] = (amount, self.random.choice(CODES))
        return self._receive(analysis_message(lote, released, self._number("A")))

    def pay(self):
        """One or more protocolos on one day: in full, in part or nothing of a guia."""
        size = self.random.randint(1, len(self.lotes))
        lotes = self.lotes.browse(self.random.sample(self.lotes.ids, size))
        guias = {}
        for guia in lotes.guia_ids:
            released = self._sum(guia.line_ids, "amount_released")
            waiting = self._sum(guia.line_ids, "amount_to_process")
            choices = (released, released, released, released + waiting, released // 2, 0)
            guias[guia.name] = self.random.choice(choices) / 100
        return self._receive(self._payment(lotes, guias))

    def pay_parts(self):
        """The guias of one protocolo in two files."""
        lote = self._choose(self.lotes)
        amounts = {
            guia.name: self._sum(guia.line_ids, "amount_released") / 100 for guia in lote.guia_ids
        }
        names = sorted(amounts)
        parts = [names[:1], names[1:]]
        results = [
            self._receive(self._payment(lote, {name: amounts[name] for name in part}))
            for part in parts
            if part
        ]
        return any(results)

    def accept(self):
        """Some of what is denied is given up."""
        glosas = self._search_glosas()
        size = self.random.randint(min(1, len(glosas)), len(glosas))
        chosen = glosas.browse(self.random.sample(glosas.ids, size))
        return chosen and self._try(chosen.accept)

    def reopen(self):
        """What was given up is denied again."""
        given_up = self.env["tiss.glosa"].search(
            [("amount_accepted", ">", 0), ("lote_id", "in", self.lotes.ids)]
        )
        return given_up and self._try(lambda: self._choose(given_up).reopen("A mistake"))

    def contest(self):
        glosas = self._search_glosas().filtered("code")
        if not glosas:
            return False
        self.counter += 1
        number = f"7{self.counter:05d}"

        def send():
            recursos = self._choose(glosas).create_recurso()
            recursos.send()
            recursos.register_protocol(number, self.today)

        return self._try(send)

    def answer(self):
        """The operadora grants a recurso, keeps it, or does half of it."""
        recurso = self._choose(self._search_recursos("received"))
        if not recurso:
            return False
        granted = {}
        for line in recurso.line_ids:
            part = self.random.choice((0, 0.5, 1, 1))
            granted[line] = float(from_cents(round(to_cents(line.amount) * part)))
        return self._try(lambda: recurso.register_answer(granted))

    def recover(self):
        """A payment of what is under recurso."""
        recurso = self._choose(self._search_recursos("received", "answered"))
        guias = {}
        for guia in recurso.line_ids.guia_id:
            appealed = self._sum(guia.line_ids, "amount_appealed")
            guias[guia.name] = self.random.choice((appealed, appealed, appealed // 2)) / 100
        content = self._payment(recurso.lote_id, guias) if any(guias.values()) else None
        return content and self._receive(content.replace(b"tipoPagamento>1<", b"tipoPagamento>2<"))

    def repay(self):
        """A payment of what was denied and nobody contested, or of a part of it."""
        guia = self._choose(self._search_glosas().guia_id)
        if not guia:
            return False
        denied = self._sum(guia.line_ids, "amount_denied")
        names = ("amount_released", "amount_to_process")
        waiting = sum(self._sum(guia.line_ids, name) for name in names)
        cents = waiting + self.random.choice((denied, denied // 2))
        return self._receive(self._payment(guia.lote_id, {guia.name: cents / 100}))

    def take_back(self):
        """The operadora takes back what it paid of a guia (estorno)."""
        guias = self.lotes.guia_ids.filtered(
            lambda guia: any(line.amount_paid for line in guia.line_ids)
        )
        guia = self._choose(guias)
        if not guia:
            return False
        paid = self._sum(guia.line_ids, "amount_paid")
        amount = self.random.choice((paid, paid // 2)) / 100
        others = {
            other.name: self._sum(other.line_ids, "amount_released") / 100
            for other in guia.lote_id.guia_ids - guia
        }
        return self._receive(self._payment(guia.lote_id, {guia.name: -amount, **others}))

    def undo(self):
        posted = self.env["tiss.demonstrativo"].search(
            [("state", "=", "posted"), ("contract_id", "=", self.contract.id)]
        )
        date = self.random.choice((None, self.today))
        return posted and self._try(lambda: self._choose(posted).undo(accounting_date=date))

    def import_again(self):
        return self.files and self._receive(self.random.choice(self.files))

    def withdraw(self):
        """The operadora refuses one guia of a protocolo."""
        if self.random.random() < 0.7:
            return False
        guia = self._choose(self.lotes.guia_ids.filtered(lambda guia: guia.state == "sent"))
        return guia and self._try(lambda: guia.withdraw("Refused at the counter"))

    def lock(self):
        """The accountant closes the books of a day, or opens all of them again."""
        days = self.random.choice((None, None, None, 30, 2, 1, 0))
        company = self.contract.sudo().company_id
        date = None if days is None else self.today - timedelta(days)
        return self._try(lambda: company.write({"fiscalyear_lock_date": date}))

    def invoice(self):
        """The invoice of a month, where the convênio wants one."""
        if self.contract.invoice_moment != "month":
            return False
        lote = self._choose(self.lotes.filtered(lambda lote: not lote.invoice_id))
        return lote and self._try(lambda: self.contract.invoice_month(lote.protocol_date))

    # ------------------------------------------------------------------
    # Bank
    # ------------------------------------------------------------------

    def deposit(self):
        """What one or two demonstrativos wait for, a part of it, or anything."""
        waiting = list(self.matches._get_open_payments(self.bank).values())
        cents = self.random.choice([4500, sum(waiting[:2]) or 700, *waiting])
        vals = {
            "journal_id": self.bank.id,
            "date": self.today,
            "amount": float(from_cents(cents)),
            "payment_ref": self.random.choice(
                (f"TED {self.contract.partner_id.vat} OPERADORA", "PIX DESCONHECIDO")
            ),
        }
        return self._try(lambda: self.env["account.bank.statement.line"].create(vals))

    def match(self):
        """What is beyond doubt, and one of the proposals that are not."""

        def match():
            self.matches.find(self.bank)
            self._choose(self._search_matches("proposed")).match()

        return bool(self._get_deposits()) and self._try(match)

    def unmatch(self):
        made = self._search_matches("matched")
        return made and self._try(self._choose(made).unmatch)

    def _search_matches(self, state):
        return self.matches.search([("journal_id", "=", self.bank.id), ("state", "=", state)])

    def _get_deposits(self):
        return self.env["account.bank.statement.line"].search(
            [("journal_id", "=", self.bank.id), ("tiss_state", "in", ("open", "transit"))]
        )

    # ------------------------------------------------------------------
    # Professionals and patients
    # ------------------------------------------------------------------

    def share(self):
        """The repasse of all that was received until now, which is sometimes closed."""
        repasses = self.env["tiss.repasse"].generate(self.today)
        items = self.lotes.guia_ids.line_ids
        received = self._sum(items, "amount_paid") + self._sum(items, "amount_copaid")
        lines = self.env["tiss.repasse.line"].search([("guia_id", "in", self.lotes.guia_ids.ids)])
        shared = self._sum(lines, "base_amount")
        if shared != received:
            raise AssertionError(f"seed {self.seed}: {received} received, {shared} shared")
        return repasses and (self.random.random() < 0.5 or self._try(repasses.close))

    def collect(self):
        """A co-payment is invoiced to the patient, or owed by the operadora after all."""
        row = self._choose(self.lotes.copayment_ids.filtered(lambda row: not row.is_cancelled))
        return row and self._try(self.random.choice((row.create_invoices, row.cancel)))

    # ------------------------------------------------------------------
    # Helpers
    # ------------------------------------------------------------------

    def _payment(self, lotes, guias):
        """A payment file of some day, with a tax and sometimes a discount."""
        gross = sum(to_cents(amount) for amount in guias.values())
        tax = max(gross, 0) * 15 // 1000 / 100
        adjustments = [("01", "IRRF", tax)] if tax else []
        if gross > 1000 and self.random.random() < 0.2:
            adjustments.append(("07", "TARIFA", 3.21))
        content = payment_message(lotes, guias, self._number("P"), adjustments)
        date = self.today - timedelta(self.random.choice((0, 0, 0, 1, 5, 35)))
        return re.sub(
            rb"dataPagamento>[\d-]+<", f"dataPagamento>{date}<".encode(), content, count=1
        )

    def _receive(self, content):
        """Import and post; on another day where its own is closed, or with what is not known."""
        self.files.append(content)
        options = self.random.choice(
            ({}, {}, {"accounting_date": self.today}, {"with_unidentified": True})
        )

        def receive():
            read = self.env["tiss.demonstrativo"].import_file("retorno.xml", content)
            repaid = read.discrepancy_ids.filtered(lambda row: row.suggestion == "recover")
            if repaid:
                repaid.resolve("recover")
            read.post(**options)

        return self._try(receive)

    def _try(self, action):
        """Whether it worked. A refusal with words is fine, as long as it leaves nothing behind."""
        try:
            with self.env.cr.savepoint():
                action()
        except (RedirectWarning, UserError):
            self.env.invalidate_all()
            return False
        return True

    def _choose(self, records):
        return records.browse(self.random.choice(records.ids)) if records else records

    def _sum(self, lines, name):
        return sum(to_cents(line[name]) for line in lines)

    def _search_glosas(self):
        return self.env["tiss.glosa"].search(
            [("state", "in", ("open", "kept")), ("lote_id", "in", self.lotes.ids)]
        )

    def _search_recursos(self, *states):
        return self.env["tiss.recurso"].search(
            [("state", "in", states), ("lote_id", "in", self.lotes.ids)]
        )

    def _number(self, prefix):
        self.counter += 1
        return f"{prefix}{self.seed}x{self.counter}"
