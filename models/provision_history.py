"""What a convênio denied and gave back in a year, read from the movements."""

from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from odoo.tools import SQL

from ..standard.money import from_cents, to_cents, to_decimal
from .tie_out import RELEASED, WRITTEN_OFF

# Movements that still stand: neither an undoing nor undone up to the day.
STANDING = """
    m.kind != 'undo' AND NOT EXISTS (
        SELECT 1 FROM tiss_movement u WHERE u.reverses_id = m.id AND u.date <= %(until)s)
"""
# The items of the convênio of a provision that were billed on its day.
OF_PROVISION = """
      FROM tiss_provision p
      JOIN tiss_guia g ON g.contract_id = p.contract_id
      JOIN tiss_guia_line l ON l.guia_id = g.id
"""
BILLED = """
     WHERE p.id = ANY(%(ids)s)
       AND EXISTS (SELECT 1 FROM tiss_movement b
                    WHERE b.guia_line_id = l.id AND b.kind = 'bill' AND b.date <= p.date)
     GROUP BY p.id
"""
LOST_SINCE = f"""
    SELECT p.id, SUM(CASE m.to_bucket WHEN 'accepted' THEN m.amount ELSE -m.amount END)
{OF_PROVISION}
      JOIN tiss_movement m ON m.guia_line_id = l.id AND m.date > p.date
           AND 'accepted' IN (m.to_bucket, m.from_bucket)
{BILLED}
"""
STILL_OPEN = f"""
    SELECT p.id, SUM(COALESCE(l.amount_to_process, 0) + COALESCE(l.amount_released, 0)
                     + COALESCE(l.amount_denied, 0) + COALESCE(l.amount_appealed, 0))
{OF_PROVISION}
{BILLED}
"""


class Rates(NamedTuple):
    """Percents: of what is analysed that is denied; of what is denied, and of what is contested,
    that comes back. `is_own`: from the clinic's own history."""

    denied: float
    recovered: float
    appealed: float
    is_own: bool


class ProvisionHistory:
    """Sums of movements by convênio, for any number of them in as many queries.

    :param contracts: `tiss.contract`
    :param since: day after which the history counts
    :param until: the day that the provision is for; nothing later is looked at
    """

    def __init__(self, contracts, since, until):
        self.env = contracts.env
        self.contracts = contracts
        self.since, self.until = since, until
        self.env["tiss.movement"].flush_model()

    @cached_property
    def open(self):
        """{(contract id, bucket): cents} of what was open at the end of the day.

        Only of what is revenue until then: not what is invoiced by its release, unless it was
        accrued, and not what was written off when it was denied.
        """
        accrued = self.contracts._get_accruals(self.until).tiss_accrual_contract_id
        rows = self.env.execute_query(
            SQL(
                """
                SELECT g.contract_id, b.bucket, SUM(b.amount)
                  FROM tiss_movement m
                  JOIN tiss_guia g ON g.id = m.guia_id
                  JOIN tiss_lote lo ON lo.id = m.lote_id,
                       LATERAL (VALUES (m.to_bucket, m.amount), (m.from_bucket, -m.amount))
                       AS b (bucket, amount)
                 WHERE g.contract_id = ANY(%(contracts)s) AND m.date <= %(until)s
                   AND b.bucket IS NOT NULL
                   AND CASE WHEN lo.invoice_moment = %(released)s
                            THEN b.bucket = 'to_process' AND g.contract_id = ANY(%(accrued)s)
                            WHEN lo.glosa_policy = %(written_off)s
                            THEN b.bucket NOT IN ('denied', 'appealed')
                            ELSE TRUE END
              GROUP BY g.contract_id, b.bucket
                """,
                contracts=self.contracts.ids,
                until=self.until,
                accrued=accrued.ids,
                released=RELEASED,
                written_off=WRITTEN_OFF,
            )
        )
        return {(contract, bucket): to_cents(amount) for contract, bucket, amount in rows}

    @cached_property
    def sums(self):
        """{(contract id, kind, bucket that it left): cents} of the year."""
        rows = self.env.execute_query(
            SQL(
                "SELECT g.contract_id, m.kind, m.from_bucket, SUM(m.amount)"
                " FROM tiss_movement m JOIN tiss_guia g ON g.id = m.guia_id"
                " WHERE g.contract_id = ANY(%(contracts)s) AND m.date > %(since)s"
                " AND m.date <= %(until)s AND %(standing)s"
                " GROUP BY g.contract_id, m.kind, m.from_bucket",
                contracts=self.contracts.ids,
                since=self.since,
                until=self.until,
                standing=SQL(STANDING, until=self.until),
            )
        )
        return {(contract, kind, left): to_cents(amount) for contract, kind, left, amount in rows}

    def get_rates(self, contract):
        """The rates of a convênio; what its year does not tell is what was typed in."""
        analysed = sum(
            self._sum(contract, kind, "to_process") for kind in ("release", "pay", "deny")
        )
        denied = self._sum(contract, "deny")
        recovered = self._sum(contract, "recover")
        contested = self._sum(contract, "recover", "appealed")
        kept = self._sum(contract, "keep")
        lost = self._sum(contract, "accept")
        typed = contract.provision_recovered_percent
        return Rates(
            denied=_percent(denied, analysed, contract.provision_denied_percent),
            recovered=_percent(recovered, recovered + lost, typed),
            appealed=_percent(contested, contested + kept, typed),
            is_own=bool(analysed),
        )

    def _sum(self, contract, kind, left=None):
        return sum(
            cents
            for (contract_id, name, bucket), cents in self.sums.items()
            if contract_id == contract.id and name == kind and left in (None, bucket)
        )

    def get_open(self, contract, bucket):
        return self.open.get((contract.id, bucket), 0)


def _percent(part, whole, otherwise):
    """Rounded to two decimals, as it is shown and multiplied with."""
    return float(to_decimal(Decimal(100 * part) / whole)) if whole else otherwise


def share(cents, *percents):
    """Cents × percents of 100, rounded half up once at the end."""
    product = from_cents(cents)
    for percent in percents:
        product *= to_decimal(percent) / 100
    return to_cents(product)


def read_outcomes(provisions):
    """What became of the money that was open on the days of provisions, in two queries.

    :return: {id: (cents given up since, cents still open)}
    """
    env = provisions.env
    env.flush_all()
    lost = dict(env.execute_query(SQL(LOST_SINCE, ids=provisions.ids)))
    still_open = dict(env.execute_query(SQL(STILL_OPEN, ids=provisions.ids)))
    return {
        row_id: (to_cents(lost.get(row_id) or 0), to_cents(still_open.get(row_id) or 0))
        for row_id in provisions.ids
    }
