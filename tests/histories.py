"""Random histories of a clinic and an operadora: all that can happen to a protocolo's money.

A seed gives the same history every time. After every event all invariants are asked, by the addon
and a second time by `ledger_invariants`. What the addon refuses in words is fine, as long as it
leaves nothing behind.
"""

import random
import re
from collections import Counter
from datetime import timedelta

from odoo.exceptions import UserError

from ..standard.money import from_cents, to_cents
from .ledger_invariants import find_broken, get_locked
from .return_messages import analysis_message, payment_message

CODES = ("1705", "1806", "1714", None)
MOMENTS = ("protocol", "protocol", "protocol", "released", "month")
DENSE = 20  # lotes in a pool, of which a history takes up to four


def make_pool(case, rng, size=DENSE):
    """Sent lotes of 3 to 8 items of 1.00 to 900.00 that have no protocolo yet.

    :param case: class with the records of `TissRecords`
    """
    terms = case.env["tiss.term"].search(
        [("table_code", "=", "22"), ("code", "=like", "4030%")], limit=40, order="code"
    )
    prices = {term.code: rng.randint(100, 90000) / 100 for term in terms}
    case.products = {**case.products, **case._price(case.contract, prices)}
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
        self.counter = 0
        self.files = []
        self.log = []
        self.happened = Counter()

    def run(self, steps):
        self.contract.invoice_moment = self.random.choice(MOMENTS)
        # By a dice of its own: the histories of the seeds stay what they were.
        dice = random.Random(f"{self.seed} policy")
        self.contract.glosa_policy = dice.choice(("open", "open", "at_once"))
        self.contract.sudo().company_id.fiscalyear_lock_date = False
        self.receive()
        events = [
            self.receive, self.receive, self.analyse, self.analyse, self.analyse, self.pay,
            self.pay, self.pay, self.pay_parts, self.accept, self.reopen, self.contest, self.answer,
            self.recover, self.take_back, self.undo, self.import_again, self.withdraw, self.lock,
            self.invoice,
        ]  # fmt: skip
        for _step in range(steps):
            self._happen(self.random.choice(events))
        return self

    def _happen(self, event):
        lock_date = self.contract.company_id.fiscalyear_lock_date
        before = lock_date and get_locked(self.contract, lock_date)
        did = event()
        self.happened[event.__name__] += bool(did)
        self.log.append(event.__name__ if did else f"({event.__name__})")
        broken = find_broken(self.contract)
        if lock_date and get_locked(self.contract, lock_date) != before:
            broken[8] = ["something in the closed period changed"]
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
            amount = float(from_cents(round(to_cents(line.amount) * part)))
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
        size = self.random.randint(0, len(glosas))
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
        read = self.env["tiss.demonstrativo"].import_file
        return self._try(lambda: read("retorno.xml", content).post(**options))

    def _try(self, action):
        """Whether it worked. A refusal with words is fine, as long as it leaves nothing behind."""
        try:
            with self.env.cr.savepoint():
                action()
        except UserError:
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
