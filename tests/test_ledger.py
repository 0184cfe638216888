import random
from collections import Counter

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..standard.money import to_cents
from .common import BLOOD_COUNT, CONSULTATION, DIPYRONE, ECG, ROOM_FEE, TissCommon
from .return_messages import analysis_message, payment_message

VISITS = [
    {ECG: 1},
    {BLOOD_COUNT: 2, DIPYRONE: 3},
    {ECG: 1, BLOOD_COUNT: 1, ROOM_FEE: 1},
    {CONSULTATION: 1, DIPYRONE: 1},
]


@tagged("post_install", "-at_install", "post_install_l10n")
class TestLedger(TissCommon):
    """Random histories of a clinic: every invariant of the money holds after every step."""

    def test_random_histories(self):
        happened = Counter()
        for seed in range(8):
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                history = History(self, random.Random(seed))
                history.run(steps=14)
                happened += history.happened
                savepoint.rollback()
            self.env.invalidate_all()
        # Refusals are fine, but histories in which nothing happens would prove nothing.
        for event in ("analyse", "pay", "accept", "undo", "import_again"):
            self.assertGreater(happened[event], 1, event)

    def test_order_of_independent_payments_does_not_matter(self):
        """Two demonstrativos of two protocolos give the same books in either order."""
        results = []
        for order in ((0, 1), (1, 0)):
            with self.env.cr.savepoint() as savepoint:
                lotes = [
                    self._create_received_lote({ECG: 1}, protocol=number)
                    for number in ("7001", "7002")
                ]
                for i in order:
                    lote = lotes[i]
                    content = payment_message(lote, {lote.guia_ids.name: 30.00 + i}, f"P{i}")
                    self.env["tiss.demonstrativo"].import_file(f"{i}.xml", content).post()
                results.append([lote.invoice_id.amount_residual for lote in lotes])
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertEqual(results, [[11.10, 10.10]] * 2)

    def test_analysis_before_or_after_the_payment_gives_the_same_buckets(self):
        results = []
        for first in ("analysis", "payment"):
            with self.env.cr.savepoint() as savepoint:
                lote = self._create_received_lote({ECG: 1}, protocol="7001")
                guia = lote.guia_ids
                contents = {
                    "analysis": analysis_message(lote, {(guia.name, 1): (30.00, "1705")}, "A"),
                    "payment": payment_message(lote, {guia.name: 30.00}, "P"),
                }
                for kind in sorted(contents, key=lambda kind: kind != first):
                    self.env["tiss.demonstrativo"].import_file(kind, contents[kind]).post()
                line = guia.line_ids
                results.append(
                    (line.amount_paid, line.amount_denied, guia.glosa_ids.mapped("code"))
                )
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertEqual(results, [(30.00, 11.10, ["1705"])] * 2)

    def test_check_ledger_finds_a_broken_bucket(self):
        lote = self._create_received_lote({ECG: 1}, protocol="7001")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE tiss_guia_line SET amount_to_process = 40 WHERE guia_id = %s",
            [lote.guia_ids.id],
        )
        self.env.invalidate_all()
        [breach] = self.contract.check_ledger()
        self.assertIn(lote.guia_ids.name, breach)

    def test_check_ledger_finds_an_entry_without_a_lote(self):
        account = self.contract.receivable_account_id
        entry = self.env["account.move"].sudo().create(
            {
                "journal_id": self.env["account.journal"]
                .sudo()
                .search([("type", "=", "general")], limit=1)
                .id,
                "line_ids": [
                    (0, 0, {
                        "account_id": account.id,
                        "partner_id": self.operadora.id,
                        "debit": 5,
                    }),
                    (0, 0, {
                        "account_id": self.contract.revenue_account_id.id,
                        "credit": 5,
                    }),
                ],
            }
        )  # fmt: skip
        entry.action_post()
        [breach] = self.contract.check_ledger()
        self.assertIn("1 entries on the receivable account of convênios belong to no lote", breach)

    def test_a_movement_cannot_overdraw_a_bucket(self):
        """The database itself refuses, whatever the code would do."""
        line = self._create_received_lote({ECG: 1}, protocol="7001").guia_ids.line_ids
        entry = {
            "line": line,
            "kind": "pay",
            "from_bucket": "to_process",
            "to_bucket": "paid",
            "cents": to_cents(line.amount) + 1,
        }
        with self.assertRaises(Exception) as caught, self.env.cr.savepoint():
            self.env["tiss.movement"]._record([entry], self.today)
        self.assertIn("buckets_positive", str(caught.exception))


class History:
    """One random sequence of what can happen between a clinic and an operadora."""

    def __init__(self, case, rng):
        self.case = case
        self.env = case.env
        self.random = rng
        self.counter = 0
        self.files = []
        self.lotes = self.env["tiss.lote"]
        self.happened = Counter()

    def run(self, steps):
        self.send_lote()
        for _step in range(steps):
            event = self.random.choice(
                [
                    self.send_lote,
                    self.analyse,
                    self.analyse,
                    self.pay,
                    self.pay,
                    self.accept,
                    self.undo,
                    self.import_again,
                ]
            )
            if event():
                self.happened[event.__name__] += 1
            self.case.assertLedgerSound()

    def send_lote(self):
        self.counter += 1
        visits = self.random.choices(VISITS, k=self.random.randint(1, 3))
        self.lotes |= self.case._create_received_lote(*visits, protocol=f"5{self.counter:04d}")

    def analyse(self):
        lote = self.random.choice(self.lotes)
        released = {}
        for guia in lote.guia_ids:
            for line in guia.line_ids:
                part = self.random.choice([0, 0.5, 1, 1, 1])
                amount = to_cents(line.amount * part) / 100
                code = self.random.choice([None, "1705"])
                released[guia.name, line.sequence_item] = (amount, code)
        return self._receive(analysis_message(lote, released, self._number("A")))

    def pay(self):
        lote = self.random.choice(self.lotes)
        guias = {}
        for guia in lote.guia_ids:
            released = sum(to_cents(line.amount_released) for line in guia.line_ids)
            waiting = sum(to_cents(line.amount_to_process) for line in guia.line_ids)
            cents = self.random.choice([released, released + waiting, released // 2])
            guias[guia.name] = cents / 100
        gross = sum(to_cents(amount) for amount in guias.values())
        tax = gross * 15 // 1000 / 100
        adjustments = [("01", "IRRF", tax)] if tax else []
        return self._receive(payment_message(lote, guias, self._number("P"), adjustments))

    def accept(self):
        glosas = self.env["tiss.glosa"].search(
            [("state", "=", "open"), ("lote_id", "in", self.lotes.ids)]
        )
        return glosas and self.random.choice(glosas).accept()

    def undo(self):
        posted = self.env["tiss.demonstrativo"].search([("state", "=", "posted")])
        return posted and self._try(self.random.choice(posted).undo)

    def import_again(self):
        return self.files and self._receive(self.random.choice(self.files))

    def _receive(self, content):
        self.files.append(content)
        Demonstrativo = self.env["tiss.demonstrativo"]
        return self._try(lambda: Demonstrativo.import_file("retorno.xml", content).post())

    def _try(self, action):
        """Whether it worked. A refusal with words is fine, as long as it leaves nothing behind."""
        try:
            with self.env.cr.savepoint():
                action()
        except UserError:
            self.env.invalidate_all()
            return False
        return True

    def _number(self, prefix):
        self.counter += 1
        return f"{prefix}{self.counter}"
