from odoo import api, fields, models
from odoo.tools import SQL

from .tie_out import OPEN_BUCKETS, RELEASED, WRITTEN_OFF

AGES = [
    ("a_due", "Not Due"),
    ("b_30", "1 to 30 Days"),
    ("c_60", "31 to 60 Days"),
    ("d_90", "61 to 90 Days"),
    ("e_120", "91 to 120 Days"),
    ("f_older", "More than 120 Days"),
]
SOURCE = """
    SELECT lo.id * %(count)s + b.number AS id, lo.id AS lote_id, lo.company_id, lo.contract_id,
           lo.invoice_id, b.bucket, SUM(b.amount) AS amount,
           COALESCE(lo.due_date, lo.protocol_date) AS due_date
      FROM tiss_lote lo
      JOIN tiss_guia g ON g.lote_id = lo.id
      JOIN tiss_guia_line l ON l.guia_id = g.id
           CROSS JOIN LATERAL (VALUES %(buckets)s) b (number, bucket, amount)
     WHERE b.amount > 0
       AND CASE WHEN lo.invoice_moment = %(released)s THEN b.bucket = 'released'
                WHEN lo.invoice_id IS NULL THEN FALSE
                WHEN lo.glosa_policy = %(written_off)s THEN b.bucket IN ('to_process', 'released')
                ELSE TRUE END
     GROUP BY lo.id, b.number, b.bucket
"""
# What was undone by cancelling an entry was never booked; a movement counts from its entry on.
SOURCE_AT = """
    SELECT lo.id * %(count)s + b.number AS id, lo.id AS lote_id, lo.company_id, lo.contract_id,
           lo.invoice_id, b.bucket, b.amount, COALESCE(lo.due_date, lo.protocol_date) AS due_date
      FROM (SELECT aml.tiss_lote_id, SUM(aml.balance) AS balance
              FROM account_move_line aml
              JOIN account_account a ON a.id = aml.account_id
               AND a.account_type = 'asset_receivable'
             WHERE aml.tiss_lote_id IS NOT NULL AND aml.parent_state = 'posted'
               AND aml.date <= %(day)s
             GROUP BY aml.tiss_lote_id) books
      JOIN tiss_lote lo ON lo.id = books.tiss_lote_id
      LEFT JOIN (SELECT m.lote_id,
                        SUM(CASE 'released' WHEN m.to_bucket THEN m.amount
                                            WHEN m.from_bucket THEN -m.amount ELSE 0 END)
                        AS released,
                        SUM(CASE 'denied' WHEN m.to_bucket THEN m.amount
                                          WHEN m.from_bucket THEN -m.amount ELSE 0 END) AS denied,
                        SUM(CASE 'appealed' WHEN m.to_bucket THEN m.amount
                                            WHEN m.from_bucket THEN -m.amount ELSE 0 END)
                        AS appealed
                   FROM tiss_movement m
                   LEFT JOIN account_move mv ON mv.id = m.move_id
                   LEFT JOIN tiss_movement r ON r.id = m.reverses_id
                  WHERE COALESCE(mv.date, r.date, m.date) <= %(day)s
                  GROUP BY m.lote_id) moved ON moved.lote_id = lo.id
           CROSS JOIN LATERAL (
               SELECT CASE WHEN lo.invoice_moment = %(released)s THEN books.balance
                           ELSE COALESCE(moved.released, 0) END AS released,
                      CASE WHEN lo.invoice_moment = %(released)s
                             OR lo.glosa_policy = %(written_off)s THEN 0
                           ELSE COALESCE(moved.denied, 0) END AS denied,
                      CASE WHEN lo.invoice_moment = %(released)s
                             OR lo.glosa_policy = %(written_off)s THEN 0
                           ELSE COALESCE(moved.appealed, 0) END AS appealed) w
           CROSS JOIN LATERAL (VALUES
               (0, 'to_process', books.balance - w.released - w.denied - w.appealed),
               (1, 'released', w.released), (2, 'denied', w.denied), (3, 'appealed', w.appealed))
               b (number, bucket, amount)
     WHERE b.amount != 0
"""


class TissAging(models.Model):
    """What operadoras owe, by what becomes of it and by how late it is (accounting.md §7).

    Its total is the balance of the receivable accounts of convênios.
    """

    _name = "tiss.aging"
    _description = "Open Money by Age"
    _auto = False
    _order = "due_date, lote_id, bucket"
    _rec_name = "lote_id"
    _depends = {
        "tiss.lote": [
            "contract_id", "company_id", "due_date", "protocol_date", "invoice_id",
            "invoice_moment", "glosa_policy",
        ],
        "tiss.guia": ["lote_id"],
        "tiss.guia.line": [f"amount_{name}" for name in OPEN_BUCKETS],
        "tiss.movement": [
            "amount", "date", "from_bucket", "to_bucket", "lote_id", "move_id", "reverses_id",
        ],
        "account.move": ["date"],
        "account.move.line": ["account_id", "balance", "date", "parent_state", "tiss_lote_id"],
        "account.account": ["account_type"],
    }  # fmt: skip

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one("tiss.contract", "Convênio", readonly=True)
    lote_id = fields.Many2one("tiss.lote", "Protocolo", readonly=True)
    invoice_id = fields.Many2one("account.move", readonly=True)
    bucket = fields.Selection(
        [
            ("to_process", "To Process"),
            ("released", "Released"),
            ("denied", "Denied"),
            ("appealed", "Under Recurso"),
        ],
        "What Becomes of It",
        readonly=True,
    )
    due_date = fields.Date("Payment Expected", readonly=True)
    days = fields.Integer("Days Late", readonly=True, aggregator="max")
    age = fields.Selection(AGES, readonly=True)
    amount = fields.Monetary("Open", readonly=True)

    @property
    def _table_query(self):
        """As it stands, or as it stood at the end of the day in the context."""
        today = fields.Date.context_today(self)
        day = fields.Date.to_date(self.env.context.get("tiss_aging_date")) or today
        return SQL(
            """
            SELECT x.*, GREATEST(%(day)s - x.due_date, 0) AS days,
                   CASE WHEN %(day)s <= x.due_date THEN 'a_due'
                        WHEN %(day)s - x.due_date <= 30 THEN 'b_30'
                        WHEN %(day)s - x.due_date <= 60 THEN 'c_60'
                        WHEN %(day)s - x.due_date <= 90 THEN 'd_90'
                        WHEN %(day)s - x.due_date <= 120 THEN 'e_120'
                        ELSE 'f_older' END AS age
              FROM (%(source)s) x
            """,
            day=day,
            source=self._get_source() if day >= today else self._get_source_at(day),
        )

    @api.model
    def _get_source(self):
        """Only what stands on the receivable: see `tie_out` for which buckets that are."""
        buckets = SQL(", ").join(
            SQL("(%s, %s, l.%s)", number, name, SQL.identifier(f"amount_{name}"))
            for number, name in enumerate(OPEN_BUCKETS)
        )
        return SQL(
            SOURCE,
            count=len(OPEN_BUCKETS),
            buckets=buckets,
            released=RELEASED,
            written_off=WRITTEN_OFF,
        )

    @api.model
    def _get_source_at(self, day):
        """What the books had on the receivable; the sub-ledger says what had become of it.

        What neither says was denied, contested or released waited for its analysis.
        """
        return SQL(
            SOURCE_AT, count=len(OPEN_BUCKETS), day=day, released=RELEASED, written_off=WRITTEN_OFF
        )

    @api.depends("lote_id", "bucket")
    def _compute_display_name(self):
        labels = dict(self._fields["bucket"]._description_selection(self.env))
        for row in self:
            row.display_name = f"{row.lote_id.display_name} · {labels.get(row.bucket)}"
