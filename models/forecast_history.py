"""When a convênio pays and what it withholds, from a year of its own history."""

from typing import NamedTuple

from odoo.tools import SQL

from ..standard.money import to_decimal
from .provision_history import STANDING, ProvisionHistory

# (convênio, median days from sending to payment, from sending a recurso to its payment)
DELAYS = f"""
    SELECT g.contract_id,
           PERCENTILE_CONT(0.5) WITHIN GROUP (
               ORDER BY m.date - COALESCE(lo.sent_date, lo.protocol_date))
               FILTER (WHERE m.kind = 'pay'),
           PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY m.date - re.sent_date)
      FROM tiss_movement m
      JOIN tiss_guia g ON g.id = m.guia_id
      JOIN tiss_lote lo ON lo.id = m.lote_id
      LEFT JOIN tiss_recurso_line rl ON rl.id = m.recurso_line_id AND m.kind = 'recover'
      LEFT JOIN tiss_recurso re ON re.id = rl.recurso_id
     WHERE g.contract_id = ANY(%(contracts)s) AND m.kind IN ('pay', 'recover')
       AND m.date > %(since)s AND m.date <= %(until)s AND {STANDING}
     GROUP BY g.contract_id
"""
# (convênio, withheld, gross) of the payments that were posted. What pays a claim back, as a deposit
# does too, lowers nothing that was withheld since.
WITHHELD = """
    SELECT contract_id, SUM(withheld), SUM(gross)
      FROM (SELECT d.contract_id, 0, dp.amount_released
              FROM tiss_demonstrativo_payment dp
              JOIN tiss_demonstrativo d ON d.id = dp.demonstrativo_id AND d.state = 'posted'
             WHERE d.contract_id = ANY(%(contracts)s)
               AND dp.payment_date > %(since)s AND dp.payment_date <= %(until)s
         UNION ALL
            SELECT adj.contract_id,
                   CASE adj.direction WHEN 'debit' THEN adj.amount ELSE -adj.amount END, 0
              FROM tiss_demonstrativo_adjustment adj
              JOIN tiss_demonstrativo d ON d.id = adj.demonstrativo_id AND d.state = 'posted'
              JOIN tiss_term t ON t.id = adj.kind_id AND t.code = ANY(%(taxes)s)
              JOIN res_company co ON co.id = adj.company_id
               AND adj.account_id IS DISTINCT FROM co.tiss_claim_account_id
             WHERE adj.contract_id = ANY(%(contracts)s)
               AND adj.payment_date > %(since)s AND adj.payment_date <= %(until)s
           ) x (contract_id, withheld, gross)
     GROUP BY contract_id
"""
# What these read beside the movements. Nothing flushes it: the answer becomes part of a query.
READ = {
    "tiss.guia": ["contract_id"],
    "tiss.lote": ["sent_date", "protocol_date"],
    "tiss.recurso": ["sent_date"],
    "tiss.recurso.line": ["recurso_id"],
    "tiss.demonstrativo": ["contract_id", "state"],
    "tiss.demonstrativo.payment": ["amount_released", "demonstrativo_id", "payment_date"],
    "tiss.demonstrativo.adjustment": [
        "account_id", "amount", "contract_id", "demonstrativo_id", "direction", "kind_id",
        "payment_date",
    ],
    "res.company": ["tiss_claim_account_id"],
}  # fmt: skip


class Factors(NamedTuple):
    """What is multiplied and added to foresee the payments of a convênio.

    Percents: denied of what is analysed; withheld of what is paid; recovered of what is contested.
    Days are None where nothing was paid yet. The bases say where rates and days come from.
    """

    contract_id: int
    denied: float
    withheld: float
    recovered: float
    days: int | None
    answer_days: int
    rate_basis: str
    appeal_basis: str
    day_basis: str


class ForecastHistory(ProvisionHistory):
    """The rates are those of the provision: what a clinic expects to lose it expects once."""

    def get_factors(self):
        """`Factors` of each convênio, in as many queries however many there are."""
        for model, names in READ.items():
            self.env[model].flush_model(names)
        parts = {"contracts": self.contracts.ids, "since": self.since, "until": self.until}
        delays = {row[0]: row[1:] for row in self.env.execute_query(SQL(DELAYS, **parts))}
        taxes = list(self.contracts._get_retention_fields())
        withheld = {
            row[0]: row[1:] for row in self.env.execute_query(SQL(WITHHELD, taxes=taxes, **parts))
        }
        return [
            self._get_factors_of(
                contract, *delays.get(contract.id, (None, None)), *withheld.get(contract.id, (0, 0))
            )
            for contract in self.contracts
        ]

    def _get_factors_of(self, contract, days, answer_days, withheld, gross):
        rates = self.get_rates(contract)
        has_decided = self._sum(contract, "recover", "appealed") or self._sum(contract, "keep")
        if contract.payment_rule == "calendar":
            day_basis = "calendar"
        else:
            day_basis = "contract" if days is None else "history"
        if answer_days is None:
            answer_days = contract.answer_days or contract.appeal_days
        return Factors(
            contract_id=contract.id,
            denied=rates.denied,
            withheld=float(to_decimal(100 * withheld / gross))
            if gross
            else self._get_typed_retention(contract),
            recovered=rates.appealed,
            days=days if days is None else round(days),
            answer_days=round(answer_days),
            rate_basis=_get_basis(rates.is_own, contract.provision_denied_percent),
            appeal_basis=_get_basis(has_decided, contract.provision_recovered_percent),
            day_basis=day_basis,
        )

    def _get_typed_retention(self, contract):
        """What the contract says is withheld, as long as no payment tells."""
        if contract.retention_rule == "unchecked":
            return 0.0
        return float(sum(contract._get_retention_rates().values()))


def _get_basis(is_own, typed):
    """Where a rate comes from."""
    return "history" if is_own else "typed" if typed else "none"
