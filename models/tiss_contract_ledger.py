from odoo import models
from odoo.tools import SQL


class TissContract(models.Model):
    """Check of the ledger: every invariant of the money that a convênio owes."""

    _inherit = "tiss.contract"

    # ------------------------------------------------------------------
    # Ledger check
    # ------------------------------------------------------------------

    def check_ledger(self):
        """Every invariant of the money on the contracts in self.

        :return: list of sentences, one per breach; empty when all is sound
        """
        breaches = []
        for lotes in (
            self.env["tiss.lote"]
            .search([("contract_id", "in", self.ids)])
            .grouped("contract_id")
            .values()
        ):
            breaches += lotes._get_tie_out_breaches()
        breaches += self._get_bucket_breaches()
        breaches += self._get_glosa_breaches()
        breaches += self._get_control_account_breaches()
        breaches += self.env["tiss.message"]._get_integrity_breaches(self)
        return breaches

    def _get_bucket_breaches(self):
        """Buckets must equal the sums of their movements and add up to the amount billed."""
        self.env.flush_all()
        buckets = self.env["tiss.movement"]._get_buckets()
        sums = SQL(", ").join(
            SQL(
                "COALESCE(SUM(CASE WHEN m.to_bucket = %(name)s THEN m.amount "
                "WHEN m.from_bucket = %(name)s THEN -m.amount END), 0) AS %(column)s",
                name=name,
                column=SQL.identifier(name),
            )
            for name in buckets
        )
        differs = SQL(" OR ").join(
            SQL("COALESCE(l.%s, 0) != s.%s", SQL.identifier(f"amount_{name}"), SQL.identifier(name))
            for name in buckets
        )
        total = SQL(" + ").join(SQL("s.%s", SQL.identifier(name)) for name in buckets)
        # Each item looks its own movements up by index: a join of two aggregates would be a nested
        # loop over both on tables that PostgreSQL has no statistics of yet.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT g.name, l.sequence_item
                  FROM tiss_guia_line l
                  JOIN tiss_guia g ON g.id = l.guia_id,
                       LATERAL (SELECT %(sums)s FROM tiss_movement m WHERE m.guia_line_id = l.id) s
                 WHERE g.contract_id = ANY(%(contracts)s)
                   AND (%(differs)s OR (%(total)s != 0 AND %(total)s != l.amount))
                """,
                sums=sums,
                differs=differs,
                total=total,
                contracts=self.ids,
            )
        )
        return [
            self.env._(
                "Guia %(guia)s, item %(item)s: its amounts do not agree with its movements.",
                guia=guia,
                item=item,
            )
            for guia, item in rows
        ]

    def _get_glosa_breaches(self):
        """What is denied, under recurso and given up of an item is that of its glosas."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT g.name, l.sequence_item
                  FROM tiss_guia_line l
                  JOIN tiss_guia g ON g.id = l.guia_id,
                       LATERAL (
                       SELECT SUM(amount_open) AS denied,
                              SUM(amount_appealed) AS appealed,
                              SUM(amount_accepted) AS accepted
                         FROM tiss_glosa WHERE guia_line_id = l.id) s
                 WHERE g.contract_id = ANY(%(contracts)s)
                   AND (COALESCE(l.amount_denied, 0) != COALESCE(s.denied, 0)
                        OR COALESCE(l.amount_appealed, 0) != COALESCE(s.appealed, 0)
                        OR COALESCE(l.amount_accepted, 0) != COALESCE(s.accepted, 0))
                """,
                contracts=self.ids,
            )
        )
        return [
            self.env._(
                "Guia %(guia)s, item %(item)s: its amounts do not agree with its glosas.",
                guia=guia,
                item=item,
            )
            for guia, item in rows
        ]

    def _get_control_account_breaches(self):
        """Nothing may stand on a receivable account of convênios without its lote."""
        breaches = []
        for company, contracts in self.grouped("company_id").items():
            accounts = contracts.receivable_account_id
            untagged = self.env["account.move.line"].search_count(
                [
                    ("account_id", "in", accounts.ids),
                    ("company_id", "=", company.id),
                    ("parent_state", "=", "posted"),
                    ("tiss_lote_id", "=", False),
                    ("partner_id", "in", contracts.partner_id.ids),
                ]
            )
            if untagged:
                breaches.append(
                    self.env._(
                        "%(count)s entries on the receivable account of convênios belong to no"
                        " lote (%(company)s).",
                        count=untagged,
                        company=company.name,
                    )
                )
        return breaches
