"""The tie-out: every cent of every item stands in the sub-ledger and in the books.

The letters and numbers are those of the invariants A1 to A7 of accounting.md §6.
"""

from typing import NamedTuple

from odoo.tools import SQL

from ..standard.money import from_cents
from .tie_out_queries import (
    GLOSAS,
    INVOICES,
    ITEMS,
    LOOSE,
    LOTES,
    PAYMENTS,
    RESIDUALS,
    TRANSIT,
    UNTAGGED,
)
from .tie_out_suspense import get_suspense_query
from .tiss_movement import BUCKETS as LABELS

RELEASED = "released"  # invoice moment of lotes that are invoiced by what was released
WRITTEN_OFF = "at_once"  # what becomes of glosas of lotes that owe no more than is not denied
MONTH = "month"  # invoice moment of lotes that share an invoice
SETTLED = ("paid", "in_payment", "reversed")
BUCKETS = tuple(name for name, _label in LABELS)
OPEN_BUCKETS = ("to_process", "released", "denied", "appealed")
LOTE_COLUMNS = (
    *BUCKETS, "both_ways", "invoices", "notes", "entries", "residual", "floating",
)  # fmt: skip
CODES = [
    ("items", "Amounts of an item and its movements"),
    ("glosas", "Amounts of an item and its glosas"),
    ("billed", "Billed"),
    ("credited", "Accepted or withdrawn"),
    ("paid", "Paid"),
    ("open", "Open"),
    ("floating", "Credit that settles nothing"),
    ("state", "Status of the invoice"),
    ("payment", "Entry of a payment"),
    ("untagged", "Entry without a lote"),
    ("residual", "Balance and open amount of an account"),
    ("transit", "What waits on the transit account"),
    ("suspense", "What is not identified"),
]


class Breach(NamedTuple):
    """Something that does not tie; the amounts are cents."""

    code: str
    words: str
    ours: int = 0
    theirs: int = 0
    lote_id: int | None = None
    guia_id: int | None = None
    move_id: int | None = None
    partner_id: int | None = None


class TieOut:
    """The questions about some lotes; those of whole accounts are asked with `contracts`."""

    def __init__(self, lotes, contracts=None):
        self.env = lotes.env
        self.lote_ids = lotes.ids
        self.contracts = contracts
        self.open_cents = (0, 0)  # in the guias, in the books; known after find()
        self.lote_count = 0  # lotes with money; known after find()
        self.env.flush_all()

    def _money(self, cents):
        """An amount in words; books of convênios are in the currency of the company."""
        return self.env.company.currency_id.format(float(from_cents(cents)))

    def find(self):
        """Every breach, as a list of `Breach`."""
        breaches = [
            *self._find_items(),
            *self._find_glosas(),
            *self._find_lotes(),
            *self._find_invoices(),
            *self._find_payments(),
        ]
        if self.contracts:
            breaches += [
                *self._find_untagged(),
                *self._find_loose(),
                *self._find_residuals(),
                *self._find_transit(),
                *self._find_suspense(),
            ]
        return breaches

    def _query(self, query, **parts):
        lotes = SQL("ANY(%s)", self.lote_ids)
        return self.env.execute_query(SQL(query, lotes=lotes, **parts))

    # ------------------------------------------------------------------
    # The sub-ledger with itself
    # ------------------------------------------------------------------

    def _find_items(self):
        """A1: buckets are the sums of their movements, and add up to what was billed."""
        held = _get_held_columns()
        ours = SQL(", ").join(held)
        moved = SQL(", ").join(
            SQL(
                "CASE %(name)s WHEN from_bucket THEN amount WHEN to_bucket THEN -amount ELSE 0 END",
                name=name,
            )
            for name in BUCKETS
        )
        differs = SQL(" OR ").join(SQL("SUM(%s) != 0", SQL.identifier(name)) for name in BUCKETS)
        rows = self._query(
            ITEMS,
            ours=ours,
            held=SQL(" + ").join(held),
            moved=moved,
            names=SQL(", ").join(map(SQL.identifier, BUCKETS)),
            differs=differs,
        )
        return [
            breach._replace(
                words=self.env._(
                    "Guia %(guia)s, item %(item)s: its amounts do not agree with its movements.",
                    guia=item.guia_id.name,
                    item=item.sequence_item,
                )
            )
            for item, breach in self._locate_items("items", rows)
        ]

    def _find_glosas(self):
        """What is denied, under recurso and given up of an item is that of its glosas."""
        rows = self._query(GLOSAS)
        return [
            breach._replace(
                words=self.env._(
                    "Guia %(guia)s, item %(item)s: its amounts do not agree with its glosas.",
                    guia=item.guia_id.name,
                    item=item.sequence_item,
                )
            )
            for item, breach in self._locate_items("glosas", rows)
        ]

    def _locate_items(self, code, rows):
        """(item, breach without its words) of each (id of an item, our cents, their cents)."""
        items = self.env["tiss.guia.line"].sudo().browse([row[0] for row in rows])
        for item, (_id, ours, theirs) in zip(items, rows, strict=True):
            guia = item.guia_id
            yield item, Breach(code, "", ours, theirs, guia.lote_id.id, guia.id)

    # ------------------------------------------------------------------
    # The sub-ledger with the books
    # ------------------------------------------------------------------

    def _find_lotes(self):
        """A2 and A3: what was billed, credited and paid, and what of it is open, by protocolo."""
        labels = {
            "billed": self.env._("billed"),
            "credited": self.env._("accepted or withdrawn"),
            "paid": self.env._("paid"),
            "open": self.env._("open"),
        }
        lotes = self.env["tiss.lote"].sudo().browse(self.lote_ids)
        lotes.fetch(["invoice_moment", "glosa_policy", "invoice_id", "name", "contract_id"])
        breaches = []
        for lote_id, *sums in self._read_lotes():
            row = dict(zip(LOTE_COLUMNS, sums, strict=True))
            lote = lotes.browse(lote_id)
            compared = _compare_lote(lote, row)
            self.lote_count += any(sums)
            self.open_cents = tuple(map(sum, zip(self.open_cents, compared["open"], strict=True)))
            for code, (ours, theirs) in compared.items():
                if ours != theirs:
                    words = self.env._(
                        "Lote %(lote)s, %(kind)s: %(ours)s in the guias, but %(theirs)s in the"
                        " books.",
                        lote=lote.display_name,
                        kind=labels[code],
                        ours=self._money(ours),
                        theirs=self._money(theirs),
                    )
                    breaches.append(Breach(code, words, ours, theirs, lote_id=lote_id))
            if row["floating"]:
                words = self.env._(
                    "Lote %(lote)s: a credit of %(amount)s settles nothing.",
                    lote=lote.display_name,
                    amount=self._money(-row["floating"]),
                )
                breaches.append(Breach("floating", words, 0, row["floating"], lote_id=lote_id))
        return breaches

    def _read_lotes(self):
        """(lote, *LOTE_COLUMNS in cents) of every lote.

        `both_ways`: what was withdrawn, or given up in a closed period and denied again, which the
        books have both as an invoice and as a credit note.
        """
        zeros = SQL(", ").join([SQL("0")] * len(BUCKETS))
        return self._query(
            LOTES,
            sums=SQL(", ").join(
                SQL("(SUM(%s) * 100)::bigint", SQL.identifier(name)) for name in LOTE_COLUMNS
            ),
            ours=SQL(", ").join(_get_held_columns()),
            zeros=zeros,
            names=SQL(", ").join(map(SQL.identifier, LOTE_COLUMNS)),
        )

    def _find_invoices(self):
        """A7: an invoice is paid or reversed as soon as nothing of it is open, and not before."""
        rows = self._query(INVOICES, settled=list(SETTLED))
        return [
            Breach(
                "state",
                self.env._(
                    "Invoice %(invoice)s: %(amount)s of it is open, which its status denies.",
                    invoice=name,
                    amount=self._money(residual),
                ),
                0,
                residual,
                lote_id=lote_id,
                move_id=move_id,
            )
            for move_id, name, residual, lote_id in rows
        ]

    def _find_payments(self):
        """A6 and 10: the entry of a payment has the net and each débito and crédito of its file."""
        rows = self._query(PAYMENTS, payments=self._get_payments())
        Account = self.env["account.account"].sudo()
        return [
            Breach(
                "payment",
                self.env._(
                    "Payment %(payment)s, account %(account)s: %(ours)s in the demonstrativo, but"
                    " %(theirs)s in the entry.",
                    payment=name,
                    account=Account.browse(account_id).display_name,
                    ours=self._money(ours),
                    theirs=self._money(theirs),
                ),
                ours,
                theirs,
                move_id=move_id,
            )
            for move_id, name, account_id, ours, theirs in rows
        ]

    def _get_payments(self):
        """Which payments `dp` with their `ap` are asked about."""
        if self.contracts:
            return SQL(
                "dp.demonstrativo_id IN"
                " (SELECT id FROM tiss_demonstrativo WHERE contract_id = ANY(%s))",
                self.contracts.ids,
            )
        return SQL(
            "ap.move_id IN (SELECT move_id FROM account_move_line WHERE tiss_lote_id = ANY(%s))",
            self.lote_ids,
        )

    # ------------------------------------------------------------------
    # Whole accounts
    # ------------------------------------------------------------------

    def _find_untagged(self):
        """A4: nothing stands on a receivable account of convênios without its lote."""
        breaches = []
        for company, contracts in self.contracts.sudo().grouped("company_id").items():
            rows = self._query(
                UNTAGGED,
                company=company.id,
                accounts=contracts.receivable_account_id.ids,
                own=company.tiss_receivable_account_id.id or 0,
                partners=contracts.partner_id.ids,
            )
            breaches += [
                Breach(
                    "untagged",
                    self.env._(
                        "Entry %(entry)s: %(amount)s on the receivable account of convênios"
                        " belongs to no lote.",
                        entry=name,
                        amount=self._money(cents),
                    ),
                    0,
                    cents,
                    move_id=move_id,
                    partner_id=partner_id,
                )
                for move_id, name, partner_id, cents in rows
            ]
        return breaches

    def _find_loose(self):
        """A4: what an operadora paid stands on no other receivable account either.

        There a person or another addon puts a deposit of which only the partner is known: its
        demonstrativo would wait for the money for ever.
        """
        breaches = []
        for company, contracts in self.contracts.sudo().grouped("company_id").items():
            accounts = contracts.receivable_account_id | company.tiss_receivable_account_id
            # A bank line mostly has the company of a contact.
            partners = contracts.partner_id | contracts.partner_id.commercial_partner_id
            rows = self._query(
                LOOSE, company=company.id, accounts=accounts.ids, partners=partners.ids
            )
            breaches += [
                Breach(
                    "floating",
                    self.env._(
                        "Entry %(entry)s: %(amount)s of %(operadora)s settle nothing where they"
                        " are booked: take that back in the bank, and match the deposit with its"
                        " demonstrativo.",
                        entry=name,
                        amount=self._money(-cents),
                        operadora=partners.browse(partner_id).name,
                    ),
                    0,
                    cents,
                    move_id=move_id,
                    partner_id=partner_id,
                )
                for move_id, name, partner_id, cents in rows
            ]
        return breaches

    def _find_residuals(self):
        """A4 and A5: what is open on an account is its balance.

        It is not when something posted was matched with an entry that is cancelled or a draft. A
        branch may be paid into the bank of its head office: they count together.
        """
        breaches = []
        by_root = self.contracts.sudo().grouped(lambda contract: contract.company_id.root_id)
        for company, contracts in by_root.items():
            accounts = contracts.transit_account_id | contracts.receivable_account_id
            rows = self._query(RESIDUALS, path=f"{company.id}/%", accounts=accounts.ids)
            breaches += [
                Breach(
                    "residual",
                    self.env._(
                        "Account %(account)s: its balance is %(balance)s, but %(residual)s is"
                        " open on it.",
                        account=accounts.browse(account_id).with_company(company).display_name,
                        balance=self._money(balance),
                        residual=self._money(residual),
                    ),
                    balance,
                    residual,
                )
                for account_id, balance, residual in rows
            ]
        return breaches

    def _find_transit(self):
        """A5: the transit account holds what is said to wait, no more.

        A branch may be paid into the bank of its head office: they count together.
        """
        contracts = self.contracts.sudo()
        rows = self._query(
            TRANSIT,
            accounts=contracts.transit_account_id.ids,
            roots=contracts.company_id.root_id.ids,
            partners=contracts.partner_id.commercial_partner_id.ids,
        )
        Partner = self.env["res.partner"].sudo()
        return [
            Breach(
                "transit",
                self.env._(
                    "The transit account holds %(balance)s of %(operadora)s, but %(expected)s wait"
                    " for the bank or for a demonstrativo.",
                    balance=from_cents(balance),
                    expected=from_cents(expected),
                    operadora=Partner.browse(partner_id or ()).name
                    or self.env._("nobody in particular"),
                ),
                expected,
                balance,
                partner_id=partner_id,
            )
            for partner_id, balance, expected in rows
        ]

    def _find_suspense(self):
        """What is not identified: set aside by demonstrativos, less what was cleared."""
        breaches = []
        for company in self.contracts.sudo().company_id:
            rows = self.env.execute_query(get_suspense_query(company))
            breaches += [
                Breach(
                    "suspense",
                    self.env._(
                        "Entry %(entry)s: %(theirs)s on the account of what is not identified,"
                        " where demonstrativos and decisions put %(ours)s.",
                        entry=name,
                        ours=self._money(ours),
                        theirs=self._money(theirs),
                    ),
                    ours,
                    theirs,
                    move_id=move_id,
                    partner_id=partner_id,
                )
                for move_id, name, partner_id, ours, theirs in rows
            ]
        return breaches


def _get_held_columns():
    """What an item holds in each bucket."""
    return [SQL("COALESCE(l.%s, 0)", SQL.identifier(f"amount_{name}")) for name in BUCKETS]


def _compare_lote(lote, row):
    """{code: (cents in the guias, cents in the books)} of one lote.

    A lote that is invoiced by what is released, or whose glosas are written off at once, owes no
    more than what is not denied; of one that has no invoice nothing may stand in the books.
    """
    paid, total = row["paid"], sum(row[name] for name in BUCKETS)
    if lote._follows_release():
        still_open = sum(row[name] for name in lote._get_owed_buckets())
        billed, credited = still_open + paid, 0
        booked = {"billed": row["invoices"] + row["notes"], "credited": 0}
    else:
        invoiced = bool(lote.invoice_id)
        still_open = invoiced * sum(row[name] for name in OPEN_BUCKETS)
        billed = invoiced * (total + row["both_ways"])
        # What is neither open nor paid was given up, in whatever way.
        credited = billed - still_open - invoiced * paid
        booked = {"billed": row["invoices"], "credited": -row["notes"]}
    return {
        "billed": (billed, booked["billed"]),
        "credited": (credited, booked["credited"]),
        "paid": (paid, -row["entries"]),
        "open": (still_open, row["residual"]),
    }
