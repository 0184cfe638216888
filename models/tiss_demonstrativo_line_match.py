from odoo import api, models
from odoo.tools import SQL

from ..standard.money import from_cents, to_cents
from .bulk import copy_rows
from .return_rows import CHUNK, PLACE
from .return_targets import ReturnTargets

TARGETS = ("lote_id", "guia_id", "guia_line_id", "amount_ours", "amount_difference")
UNKNOWN = SQL(
    """
    WHEN l.lote_id IS NULL THEN 'unknown_protocol'
    WHEN l.level != 'protocol' AND l.guia_id IS NULL THEN 'unknown_guia'
    WHEN l.level = 'item' AND l.guia_line_id IS NULL THEN 'unknown_item'
    """
)
# (line, code, ours, theirs) of what cannot be booked. Earlier demonstrativos decided a part of the
# targets of an analysis: only the rest of its amount is new.
IN_ANALYSIS = """
    WITH l AS (
        SELECT *, COUNT(*) OVER (PARTITION BY lote_id, guia_id, guia_line_id, is_appeal) > 1
               -- The whole of a protocolo or guia, and a part of it.
               OR level != MIN(level) FILTER (WHERE level = 'protocol')
                           OVER (PARTITION BY lote_id)
               OR level = 'protocol' AND COUNT(*) OVER (PARTITION BY lote_id) > 1
               OR guia_id IS NOT NULL AND MIN(level) OVER (PARTITION BY lote_id, guia_id)
                          != MAX(level) OVER (PARTITION BY lote_id, guia_id) AS is_repeated
          FROM tiss_demonstrativo_line WHERE demonstrativo_id = %(demonstrativo)s)
    SELECT id, code,
           CASE WHEN code LIKE 'unknown%%' THEN 0
                WHEN code IN ('contradicts', 'already_processed') THEN amount
                WHEN code = 'released_open' THEN waiting
                ELSE amount_ours END,
           CASE WHEN code = 'informed_differs' THEN amount_informed
                ELSE amount_released END
      FROM (
        SELECT l.id, l.amount_ours, l.amount_informed, l.amount_released,
               d.amount, d.waiting,
               CASE %(unknown)s
                    WHEN l.is_repeated THEN 'repeated'
                    WHEN COALESCE(l.amount_informed, 0) != COALESCE(l.amount_ours, 0)
                         THEN 'informed_differs'
                    WHEN l.amount_released NOT BETWEEN 0 AND l.amount_ours
                         THEN 'released_above'
                    WHEN l.amount_released - d.amount NOT BETWEEN 0 AND d.waiting
                         THEN CASE WHEN d.waiting = 0 THEN 'already_processed'
                                   WHEN d.amount = 0 THEN 'released_open'
                                   ELSE 'contradicts' END
               END AS code
          FROM l, LATERAL (
               -- Item by item: without statistics of new rows a join would be a loop.
               SELECT COALESCE(SUM(amount_released), 0)
                      + COALESCE(SUM(amount_paid), 0) AS amount,
                      COALESCE(SUM(amount_to_process), 0) AS waiting
                 FROM (SELECT i.* FROM tiss_guia_line i
                        WHERE l.level = 'item' AND i.id = l.guia_line_id
                        UNION ALL
                       SELECT i.* FROM tiss_guia_line i
                        WHERE l.level = 'guia' AND i.guia_id = l.guia_id
                        UNION ALL
                       SELECT i.* FROM tiss_guia_line i
                         JOIN tiss_guia g ON g.id = i.guia_id
                        WHERE l.level = 'protocol' AND g.lote_id = l.lote_id) i) d) found
     WHERE code IS NOT NULL ORDER BY id
"""
# The same of a payment: what it takes back of a guia, as a row below zero, was paid before.
IN_PAYMENT = """
    WITH l AS (
        SELECT *, SUM(amount_released) OVER (
                  PARTITION BY lote_id, guia_id, is_appeal) AS total
          FROM tiss_demonstrativo_line WHERE demonstrativo_id = %(demonstrativo)s)
    SELECT id, code,
           CASE WHEN code LIKE 'unknown%%' THEN 0 WHEN is_appeal THEN appealed
                ELSE released + waiting END,
           amount_released
      FROM (
        SELECT l.id, l.is_appeal, l.amount_released, g.appealed, g.released, g.waiting,
               CASE %(unknown)s
                    WHEN o.invoice_id IS NULL
                         AND o.invoice_moment IS DISTINCT FROM 'released'
                         THEN 'no_invoice'
                    WHEN l.is_appeal AND l.total NOT BETWEEN 0 AND g.appealed
                         THEN CASE WHEN g.appealed > 0 THEN 'paid_above'
                                   ELSE 'appeal_payment' END
                    WHEN l.is_appeal THEN NULL
                    WHEN l.total < 0 AND -l.total <= g.paid THEN NULL
                    WHEN l.total NOT BETWEEN 0 AND g.released + g.waiting
                         THEN 'paid_above'
                    WHEN l.total NOT IN (g.released, g.released + g.waiting)
                         AND g.waiting > 0 AND g.items > 1 THEN 'detail_missing'
               END AS code
          FROM l
          LEFT JOIN tiss_lote o ON o.id = l.lote_id, LATERAL (
               SELECT COUNT(*) AS items,
                      COALESCE(SUM(i.amount_released), 0) AS released,
                      COALESCE(SUM(i.amount_to_process), 0) AS waiting,
                      COALESCE(SUM(i.amount_paid), 0) AS paid,
                      COALESCE(SUM(i.amount_appealed), 0) AS appealed
                 FROM tiss_guia_line i WHERE i.guia_id = l.guia_id) g) found
     WHERE code IS NOT NULL ORDER BY id
"""


class TissDemonstrativoLine(models.Model):
    """What the lines are about, and which of them cannot be booked: both by the thousand."""

    _inherit = "tiss.demonstrativo.line"

    # ------------------------------------------------------------------
    # Matching
    # ------------------------------------------------------------------

    @api.model
    def _match(self, demonstrativo):
        """Find the lote, guia and item of each line again; only what changed is written."""
        self.env.flush_all()
        targets = ReturnTargets(self.env, demonstrativo.contract_id)
        last = 0
        while rows := self._read_rows(demonstrativo, last):
            last = rows[-1]["id"]
            found = targets.find_all(rows)
            changed = [
                (row["id"], *(target[name] or None for name in TARGETS))
                for row, target in zip(rows, found, strict=True)
                if any((row[name] or 0) != (target[name] or 0) for name in TARGETS)
            ]
            if changed:
                self._write_targets(changed)
        self.invalidate_model(TARGETS)

    @api.model
    def _read_rows(self, demonstrativo, last):
        """The next lines of one demonstrativo as plain dicts."""
        names = ("id", *PLACE, "is_appeal", "amount_informed", "amount_released", *TARGETS)
        rows = self.env.execute_query_dict(
            SQL(
                "SELECT %s, payment_id IS NOT NULL AS is_payment FROM tiss_demonstrativo_line"
                " WHERE demonstrativo_id = %s AND id > %s ORDER BY id LIMIT %s",
                SQL(", ").join(map(SQL.identifier, names)),
                demonstrativo.id,
                last,
                CHUNK,
            )
        )
        for row in rows:
            for name in ("amount_ours", "amount_difference"):
                row[name] = float(row[name] or 0)
        return rows

    @api.model
    def _write_targets(self, rows):
        cr = self.env.cr
        cr.execute(
            SQL(
                "CREATE TEMPORARY TABLE tiss_match ON COMMIT DROP AS"
                " SELECT id, %s FROM tiss_demonstrativo_line WHERE FALSE",
                SQL(", ").join(map(SQL.identifier, TARGETS)),
            )
        )
        copy_rows(cr, "tiss_match", ("id", *TARGETS), rows)
        cr.execute(
            SQL(
                "UPDATE tiss_demonstrativo_line l SET %s FROM tiss_match m WHERE m.id = l.id;"
                " DROP TABLE tiss_match",
                SQL(", ").join(
                    SQL("%s = %s", SQL.identifier(name), SQL.identifier("m", name))
                    for name in TARGETS
                ),
            )
        )

    # ------------------------------------------------------------------
    # Checking
    # ------------------------------------------------------------------

    @api.model
    def _find_discrepancies(self, demonstrativo):
        """Lines of one demonstrativo that cannot be booked as they are, as discrepancy values."""
        self.env.flush_all()
        parts = {"demonstrativo": demonstrativo.id, "unknown": UNKNOWN}
        is_payment = demonstrativo.kind == "payment"
        query = SQL(IN_PAYMENT, **parts) if is_payment else SQL(IN_ANALYSIS, **parts)
        rows = [
            {"line_id": line, "code": code, "amount_ours": float(ours or 0),
             "amount_theirs": float(theirs or 0)}
            for line, code, ours, theirs in self.env.execute_query(query)
        ]  # fmt: skip
        return rows + self._find_unshared_recoveries(
            demonstrativo, {row["line_id"] for row in rows}
        )

    @api.model
    def _find_unshared_recoveries(self, demonstrativo, known):
        """Payments of a recurso that its items cannot share, as discrepancy values."""
        if demonstrativo.kind != "payment":
            return []
        domain = [("demonstrativo_id", "=", demonstrativo.id), ("is_appeal", "=", True)]
        rows = []
        for guia, lines in self.search(domain).grouped("guia_id").items():
            if known.intersection(lines.ids) or not guia:
                continue
            days = [
                sum(to_cents(line.amount_released) for line in day)
                for day in lines.grouped("payment_id").values()
            ]
            if any(guia.recurso_line_ids._share_recovery(paid) is None for paid in days):
                appealed = sum(to_cents(item.amount_appealed) for item in guia.line_ids)
                rows += [
                    {"line_id": line.id, "code": "appeal_payment",
                     "amount_ours": float(from_cents(appealed)),
                     "amount_theirs": line.amount_released}
                    for line in lines
                ]  # fmt: skip
        return rows
