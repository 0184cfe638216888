from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .forecast_history import ForecastHistory
from .tiss_provision import HISTORY_MONTHS

BUCKETS = ("to_process", "released", "appealed")
SOURCE = """
    SELECT lo.id * %(count)s + b.number AS id, lo.company_id, lo.contract_id, lo.id AS lote_id,
           lo.guia_type, b.bucket, SUM(b.amount) AS amount, f.*,
           CASE WHEN b.bucket = 'to_process' THEN f.denied ELSE 0 END AS denied_percent,
           CASE WHEN b.bucket = 'appealed' THEN f.recovered ELSE 100 END AS chance_percent,
           CASE b.bucket WHEN 'appealed' THEN f.appeal_basis WHEN 'to_process' THEN f.rates_by END
           AS rate_basis,
           CASE WHEN b.bucket = 'appealed'
                THEN COALESCE(re.sent_date, lo.protocol_date) + f.answer_days
                WHEN f.day_basis = 'history'
                THEN COALESCE(lo.sent_date, lo.protocol_date) + f.days
                ELSE COALESCE(lo.due_date, lo.protocol_date + f.payment_days) END AS due_date
      FROM tiss_lote lo
      JOIN (VALUES %(factors)s) f (contract, denied, withheld_percent, recovered, days, answer_days,
                                   rates_by, appeal_basis, day_basis, payment_days)
        ON f.contract = lo.contract_id
      JOIN tiss_guia g ON g.lote_id = lo.id
      JOIN tiss_guia_line l ON l.guia_id = g.id
           CROSS JOIN LATERAL (VALUES %(buckets)s) b (number, bucket, amount)
      LEFT JOIN (SELECT r.lote_id, MIN(r.sent_date) AS sent_date
                   FROM tiss_recurso r
                   JOIN tiss_recurso_line rl ON rl.recurso_id = r.id AND rl.amount_appealed > 0
                  GROUP BY r.lote_id) re ON re.lote_id = lo.id
     WHERE b.amount > 0 AND lo.protocol_date IS NOT NULL
     GROUP BY lo.id, b.number, b.bucket, re.sent_date, f.contract, f.denied, f.withheld_percent,
              f.recovered, f.days, f.answer_days, f.rates_by, f.appeal_basis, f.day_basis,
              f.payment_days
"""
# A row of VALUES: `Factors`, and the days that the contract says.
FACTORS = "(%s::int, %s::numeric, %s::numeric, %s::numeric, %s::int, %s::int, %s, %s, %s, %s)"


class TissForecast(models.Model):
    """What operadoras will pay, and when, from what they owe and how each has paid (§7).

    Open × (1 − expected glosa) × (1 − taxes withheld) for what is not contested; × what comes back
    of recursos for what is. What is denied and not contested is not expected.
    """

    _name = "tiss.forecast"
    _description = "Receivables Forecast"
    _auto = False
    _order = "expected_date, id"
    _rec_name = "lote_id"
    _depends = {
        "tiss.lote": ["contract_id", "company_id", "due_date", "protocol_date", "sent_date"],
        "tiss.guia": ["lote_id"],
        "tiss.guia.line": [f"amount_{name}" for name in BUCKETS],
        "tiss.recurso": ["lote_id", "sent_date"],
        "tiss.recurso.line": ["amount_appealed", "recurso_id"],
    }

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one("tiss.contract", "Convênio", readonly=True)
    lote_id = fields.Many2one("tiss.lote", "Protocolo", readonly=True)
    bucket = fields.Selection(
        [
            ("to_process", "To Process"),
            ("released", "Released"),
            ("appealed", "Under Recurso"),
        ],
        "What Becomes of It",
        readonly=True,
    )
    expected_date = fields.Date(
        "Expected On",
        readonly=True,
        help="By the calendar of the operadora, or sending + the median days that it took in twelve"
        " months, or by the days of the contract. What is late is expected today.",
    )
    is_late = fields.Boolean("Late", readonly=True)
    day_basis = fields.Selection(
        [
            ("calendar", "Calendar"),
            ("history", "How it has paid"),
            ("contract", "Days of the contract"),
        ],
        "Day By",
        readonly=True,
        help="The days of the contract count as long as nothing was paid in twelve months.",
    )
    rate_basis = fields.Selection(
        [
            ("history", "Own history"),
            ("typed", "Typed"),
            ("none", "No history"),
        ],
        "Rate By",
        readonly=True,
        help="Without history, and with nothing typed on the convênio, no glosa is expected, nor"
        " that anything comes back of recursos.",
    )
    denied_percent = fields.Float("Glosa (%)", readonly=True, aggregator=None)
    chance_percent = fields.Float("Comes Back (%)", readonly=True, aggregator=None)
    withheld_percent = fields.Float("Withheld (%)", readonly=True, aggregator=None)
    amount = fields.Monetary("Open", readonly=True, help="Not denied, or under recurso.")
    amount_lost = fields.Monetary(
        "Expected Loss",
        readonly=True,
        help="Open × expected glosa; of recursos, what does not come back. Both from twelve months"
        " of each convênio.",
    )
    amount_withheld = fields.Monetary(
        "Taxes Withheld",
        readonly=True,
        help="Of the rest, at the rate of the payments of twelve months.",
    )
    amount_expected = fields.Monetary(
        "Expected", readonly=True, help="Open − expected loss − taxes withheld."
    )

    @property
    def _table_query(self):
        today = fields.Date.context_today(self)
        buckets = SQL(", ").join(
            SQL("(%s, %s, l.%s)", number, name, SQL.identifier(f"amount_{name}"))
            for number, name in enumerate(BUCKETS)
        )
        source = SQL(SOURCE, count=len(BUCKETS), buckets=buckets, factors=self._get_factors(today))
        return SQL(
            """
            SELECT id, company_id, contract_id, lote_id, bucket, day_basis, rate_basis,
                   denied_percent, chance_percent, withheld_percent, amount, amount_lost,
                   amount_withheld, amount - amount_lost - amount_withheld AS amount_expected,
                   GREATEST(due_date, %(today)s) AS expected_date, due_date < %(today)s AS is_late
              FROM (SELECT *, ROUND((amount - amount_lost) * withheld_percent / 100, 2)
                           AS amount_withheld
                      FROM (SELECT *, amount - ROUND(amount * (100 - denied_percent) / 100
                                                     * chance_percent / 100, 2) AS amount_lost
                              FROM (%(source)s) w) x) y
            """,
            today=today,
            source=source,
        )

    @api.model
    def _get_factors(self, today):
        """Rows of VALUES; one that fits no convênio where there is none."""
        # Of all companies: who may read which rows is not asked here.
        Contract = self.env["tiss.contract"].sudo().with_context(active_test=False)
        contracts = Contract.search([("company_id", "!=", False)])
        history = ForecastHistory(contracts, today - relativedelta(months=HISTORY_MONTHS), today)
        days = {contract.id: contract.payment_days for contract in contracts}
        rows = [
            SQL(FACTORS, *factors, days[factors.contract_id]) for factors in history.get_factors()
        ]
        return SQL(", ").join(
            rows or [SQL(FACTORS, 0, 0, 0, 0, 0, 0, "none", "none", "contract", 0)]
        )

    @api.depends("lote_id", "bucket")
    def _compute_display_name(self):
        labels = dict(self._fields["bucket"]._description_selection(self.env))
        for row in self:
            row.display_name = f"{row.lote_id.display_name} · {labels.get(row.bucket)}"

    def action_open_source(self):
        self.ensure_one()
        return self.lote_id._get_records_action()
