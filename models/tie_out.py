"""The tie-out: every cent of every item stands in the sub-ledger and in the books.

Both sides of a question are stacked by UNION ALL and summed, never joined: that is one pass over
each table whatever PostgreSQL knows of it, so a hundred thousand movements take a second. The
letters and numbers are those of the invariants A1 to A7.
"""

from typing import NamedTuple

from odoo.tools import SQL

from ..standard.money import from_cents
from .tie_out_suspense import get_suspense_query
from .tiss_movement import BUCKETS as LABELS

RELEASED = "released"  # invoice moment of lotes that are invoiced by what was released
MONTH = "month"  # invoice moment of lotes that share an invoice
SETTLED = ("paid", "in_payment", "reversed")
BUCKETS = tuple(name for name, _label in LABELS)
OPEN_BUCKETS = ("to_process", "released", "denied", "appealed")
LOTE_COLUMNS = (
    *BUCKETS, "withdrawn", "invoices", "notes", "entries", "residual", "floating",
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
                *self._find_residuals(),
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
            """
            SELECT item, (SUM(held) * 100)::bigint, (SUM(due) * 100)::bigint
              FROM (SELECT l.id, %(ours)s, %(held)s,
                           CASE WHEN lo.protocol_number IS NULL OR g.state = 'cancelled' THEN 0
                                ELSE l.amount END
                      FROM tiss_guia_line l
                      JOIN tiss_guia g ON g.id = l.guia_id
                      JOIN tiss_lote lo ON lo.id = g.lote_id
                     WHERE g.lote_id = %(lotes)s
                 UNION ALL
                    SELECT guia_line_id, %(moved)s, 0, 0
                      FROM tiss_movement
                     WHERE lote_id = %(lotes)s) x (item, %(names)s, held, due)
             GROUP BY item
            HAVING %(differs)s OR SUM(held) != SUM(due)
             ORDER BY item
            """,
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
        rows = self._query(
            """
            SELECT item, (SUM(held) * 100)::bigint, (SUM(told) * 100)::bigint
              FROM (SELECT l.id, l.amount_denied, l.amount_appealed, l.amount_accepted,
                           COALESCE(l.amount_denied, 0) + COALESCE(l.amount_appealed, 0)
                           + COALESCE(l.amount_accepted, 0), 0
                      FROM tiss_guia_line l
                      JOIN tiss_guia g ON g.id = l.guia_id
                     WHERE g.lote_id = %(lotes)s
                 UNION ALL
                    SELECT guia_line_id, -amount_open, -amount_appealed, -amount_accepted, 0,
                           COALESCE(amount_open, 0) + COALESCE(amount_appealed, 0)
                           + COALESCE(amount_accepted, 0)
                      FROM tiss_glosa
                     WHERE lote_id = %(lotes)s
                   ) x (item, denied, appealed, accepted, held, told)
             GROUP BY item
            HAVING SUM(denied) != 0 OR SUM(appealed) != 0 OR SUM(accepted) != 0
             ORDER BY item
            """
        )
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
        lotes.fetch(["invoice_moment", "invoice_id", "name", "contract_id"])
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
                        ours=from_cents(ours),
                        theirs=from_cents(theirs),
                    )
                    breaches.append(Breach(code, words, ours, theirs, lote_id=lote_id))
            if row["floating"]:
                words = self.env._(
                    "Lote %(lote)s: a credit of %(amount)s settles nothing.",
                    lote=lote.display_name,
                    amount=from_cents(-row["floating"]),
                )
                breaches.append(Breach("floating", words, 0, row["floating"], lote_id=lote_id))
        return breaches

    def _read_lotes(self):
        """(lote, *LOTE_COLUMNS in cents) of every lote."""
        zeros = SQL(", ").join([SQL("0")] * len(BUCKETS))
        return self._query(
            """
            SELECT lote, %(sums)s
              FROM (SELECT g.lote_id, %(ours)s, 0, 0, 0, 0, 0, 0
                      FROM tiss_guia_line l
                      JOIN tiss_guia g ON g.id = l.guia_id
                     WHERE g.lote_id = %(lotes)s
                 UNION ALL
                    SELECT lote_id, %(zeros)s, amount, 0, 0, 0, 0, 0
                      FROM tiss_movement
                     WHERE lote_id = %(lotes)s AND kind = 'withdraw' AND move_id IS NOT NULL
                 UNION ALL
                    SELECT aml.tiss_lote_id, %(zeros)s, 0,
                           CASE mv.move_type WHEN 'out_invoice' THEN aml.balance ELSE 0 END,
                           CASE mv.move_type WHEN 'out_refund' THEN aml.balance ELSE 0 END,
                           CASE WHEN mv.move_type IN ('out_invoice', 'out_refund') THEN 0
                                ELSE aml.balance END,
                           aml.amount_residual,
                           LEAST(aml.amount_residual, 0)
                      FROM account_move_line aml
                      JOIN account_move mv ON mv.id = aml.move_id
                      JOIN account_account a ON a.id = aml.account_id
                     WHERE aml.tiss_lote_id = %(lotes)s
                       AND aml.parent_state = 'posted'
                       AND a.account_type = 'asset_receivable') x (lote, %(names)s)
             GROUP BY lote
            """,
            sums=SQL(", ").join(
                SQL("(SUM(%s) * 100)::bigint", SQL.identifier(name)) for name in LOTE_COLUMNS
            ),
            ours=SQL(", ").join(_get_held_columns()),
            zeros=zeros,
            names=SQL(", ").join(map(SQL.identifier, LOTE_COLUMNS)),
        )

    def _find_invoices(self):
        """A7: an invoice is paid or reversed as soon as nothing of it is open, and not before."""
        rows = self._query(
            """
            SELECT mv.id, mv.name, (SUM(aml.amount_residual) * 100)::bigint, MIN(aml.tiss_lote_id)
              FROM account_move mv
              JOIN account_move_line aml ON aml.move_id = mv.id
              JOIN account_account a ON a.id = aml.account_id
             WHERE mv.id IN (SELECT move_id FROM account_move_line WHERE tiss_lote_id = %(lotes)s)
               AND mv.state = 'posted'
               AND mv.move_type = 'out_invoice'
               AND a.account_type = 'asset_receivable'
             GROUP BY mv.id
            HAVING (mv.payment_state = ANY(%(settled)s)) != (SUM(aml.amount_residual) = 0)
             ORDER BY mv.id
            """,
            settled=list(SETTLED),
        )
        return [
            Breach(
                "state",
                self.env._(
                    "Invoice %(invoice)s: %(amount)s of it is open, which its status denies.",
                    invoice=name,
                    amount=from_cents(residual),
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
        rows = self._query(
            """
            SELECT x.move, mv.name, a.id, (SUM(ours) * 100)::bigint, (SUM(books) * 100)::bigint
              FROM (SELECT ap.move_id, adj.account_id,
                           CASE adj.direction WHEN 'debit' THEN adj.amount ELSE -adj.amount END,
                           0, 1
                      FROM tiss_demonstrativo_adjustment adj
                      JOIN tiss_demonstrativo_payment dp ON dp.id = adj.payment_id
                      JOIN account_payment ap ON ap.id = dp.payment_id
                     WHERE %(payments)s
                 UNION ALL
                    SELECT ap.move_id, ap.outstanding_account_id, dp.amount_net, 0, 1
                      FROM tiss_demonstrativo_payment dp
                      JOIN account_payment ap ON ap.id = dp.payment_id
                     WHERE %(payments)s AND dp.amount_net >= 0
                 UNION ALL
                    SELECT aml.move_id, aml.account_id, 0, aml.balance, 0
                      FROM account_move_line aml
                     WHERE aml.move_id IN (SELECT ap.move_id
                                             FROM tiss_demonstrativo_payment dp
                                             JOIN account_payment ap ON ap.id = dp.payment_id
                                            WHERE %(payments)s)
                   ) x (move, account, ours, books, expected)
              JOIN account_move mv ON mv.id = x.move
              JOIN account_account a ON a.id = x.account
             WHERE mv.state = 'posted' AND a.account_type != 'asset_receivable'
             GROUP BY x.move, mv.name, a.id
            HAVING SUM(ours) != SUM(books) AND SUM(expected) > 0
             ORDER BY x.move, a.id
            """,
            payments=self._get_payments(),
        )
        Account = self.env["account.account"].sudo()
        return [
            Breach(
                "payment",
                self.env._(
                    "Payment %(payment)s, account %(account)s: %(ours)s in the demonstrativo, but"
                    " %(theirs)s in the entry.",
                    payment=name,
                    account=Account.browse(account_id).display_name,
                    ours=from_cents(ours),
                    theirs=from_cents(theirs),
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
                """
                SELECT aml.move_id, mv.name, aml.partner_id, (SUM(aml.balance) * 100)::bigint
                  FROM account_move_line aml
                  JOIN account_move mv ON mv.id = aml.move_id
                 WHERE aml.company_id = %(company)s
                   AND aml.account_id = ANY(%(accounts)s)
                   AND aml.parent_state = 'posted'
                   AND aml.tiss_lote_id IS NULL
                   AND (aml.account_id = %(own)s OR aml.partner_id = ANY(%(partners)s))
                 GROUP BY aml.move_id, mv.name, aml.partner_id
                 ORDER BY aml.move_id
                """,
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
                        amount=from_cents(cents),
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
            rows = self._query(
                """
                SELECT account_id, (SUM(balance) * 100)::bigint,
                       (SUM(amount_residual) * 100)::bigint
                  FROM account_move_line
                 WHERE company_id IN (SELECT id FROM res_company
                                       WHERE parent_path LIKE %(path)s)
                   AND account_id = ANY(%(accounts)s)
                   AND parent_state = 'posted'
                 GROUP BY account_id
                HAVING SUM(balance) != SUM(amount_residual)
                """,
                path=f"{company.id}/%",
                accounts=accounts.ids,
            )
            breaches += [
                Breach(
                    "residual",
                    self.env._(
                        "Account %(account)s: its balance is %(balance)s, but %(residual)s is"
                        " open on it.",
                        account=accounts.browse(account_id).with_company(company).display_name,
                        balance=from_cents(balance),
                        residual=from_cents(residual),
                    ),
                    balance,
                    residual,
                )
                for account_id, balance, residual in rows
            ]
        return breaches

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
                        ours=from_cents(ours),
                        theirs=from_cents(theirs),
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

    A lote that is invoiced by what is released owes no more than that; of one that has no invoice
    nothing may stand in the books.
    """
    paid, total = row["paid"], sum(row[name] for name in BUCKETS)
    if lote.invoice_moment == RELEASED:
        billed, credited, still_open = row["released"] + paid, 0, row["released"]
        booked = {"billed": row["invoices"] + row["notes"], "credited": 0}
    else:
        invoiced = bool(lote.invoice_id)
        still_open = invoiced * sum(row[name] for name in OPEN_BUCKETS)
        billed = invoiced * (total + row["withdrawn"])
        # What is neither open nor paid was given up, in whatever way.
        credited = billed - still_open - invoiced * paid
        booked = {"billed": row["invoices"], "credited": -row["notes"]}
    return {
        "billed": (billed, booked["billed"]),
        "credited": (credited, booked["credited"]),
        "paid": (paid, -row["entries"]),
        "open": (still_open, row["residual"]),
    }
