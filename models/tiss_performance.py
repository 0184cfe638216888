from odoo import api, fields, models
from odoo.tools import SQL

from .tiss_guia import GUIA_TYPES
from .tiss_movement import KINDS as MOVEMENTS

KINDS = [
    *MOVEMENTS,
    ("debit", "Débitos and Créditos"),
    ("tax", "Taxes on Revenue"),
    ("withheld", "Taxes Withheld"),
    ("repasse", "Repasse"),
]
RESULT_ACCOUNTS = (
    "income", "income_other", "expense", "expense_other", "expense_depreciation",
    "expense_direct_cost",
)  # fmt: skip
# What is summed, as SQL of a row; `amount` is negative where the row takes something back.
MEASURES = {
    "amount_billed": "CASE WHEN kind = 'bill' THEN amount"
    " WHEN kind IN ('withdraw', 'copay') THEN -amount ELSE 0 END",
    "amount_analysed": "analysed",
    "amount_denied": "CASE kind WHEN 'deny' THEN amount ELSE 0 END",
    "amount_accepted": "CASE kind WHEN 'accept' THEN amount ELSE 0 END",
    "amount_appealed": "CASE WHEN kind = 'appeal' AND instance = '1' THEN amount ELSE 0 END",
    # What an operadora paid of its own accord was in no recurso, and has no instance.
    "amount_decided": "CASE WHEN kind IN ('recover', 'keep') AND instance IS NOT NULL"
    " THEN amount ELSE 0 END",
    "amount_recovered": "CASE WHEN kind = 'recover' AND instance IS NOT NULL"
    " THEN amount ELSE 0 END",
    "amount_received": "CASE WHEN kind IN ('pay', 'recover') THEN amount ELSE 0 END",
    "weighted_days": "CASE WHEN kind IN ('pay', 'recover') THEN amount * days END",
    "weighted_answer_days": "CASE kind WHEN 'recover' THEN amount * recover_days END",
    "amount_debit": "CASE kind WHEN 'debit' THEN amount ELSE 0 END",
    "amount_tax": "CASE kind WHEN 'tax' THEN amount ELSE 0 END",
    "amount_repasse": "CASE kind WHEN 'repasse' THEN amount ELSE 0 END",
    "amount_withheld": "CASE kind WHEN 'withheld' THEN amount ELSE 0 END",
    "amount_result": "CASE WHEN kind = 'bill' THEN amount WHEN kind IN"
    " ('withdraw', 'copay', 'accept', 'debit', 'tax', 'repasse') THEN -amount ELSE 0 END",
}
# A ratio of a group is that of its sums: the mean of ratios would be wrong. Days of what was
# undone, or of what nobody knows when it was sent, are empty, and their money counts neither.
RATIOS = {
    "average_days": ("weighted_days", "amount_received", 1),
    "denied_rate": ("amount_denied", "amount_analysed", 100),
    "accepted_rate": ("amount_accepted", "amount_analysed", 100),
    "appealed_rate": ("amount_appealed", "amount_denied", 100),
    "recovered_rate": ("amount_recovered", "amount_decided", 100),
    "answer_days": ("weighted_answer_days", "amount_recovered", 1),
}
# What was undone counts as the opposite of what it was, on the same day unless the books say
# another: an entry of a closed period is reversed later, any other is cancelled.
MOVED = """
    SELECT m.id * 5 AS id, m.company_id, g.contract_id, m.lote_id, m.guia_id, m.move_id,
           CASE WHEN m.move_id IS NULL THEN COALESCE(r.date, m.date) ELSE m.date END AS date,
           COALESCE(r.kind, m.kind) AS kind,
           CASE WHEN r.id IS NULL THEN m.amount ELSE -m.amount END AS amount,
           CASE m.kind WHEN 'bill' THEN
                COALESCE(l.amount_released, 0) + COALESCE(l.amount_paid, 0)
                + COALESCE(l.amount_denied, 0) + COALESCE(l.amount_appealed, 0)
                + COALESCE(l.amount_accepted, 0) ELSE 0 END AS analysed,
           CASE WHEN COALESCE(r.id, u.id) IS NULL
                THEN m.date - COALESCE(lo.sent_date, lo.protocol_date) END AS days,
           CASE WHEN COALESCE(r.id, u.id) IS NULL THEN m.date - re.sent_date END AS recover_days,
           re.instance
      FROM tiss_movement m
      JOIN tiss_guia g ON g.id = m.guia_id
      JOIN tiss_guia_line l ON l.id = m.guia_line_id
      JOIN tiss_lote lo ON lo.id = m.lote_id
      LEFT JOIN tiss_movement r ON r.id = m.reverses_id
      LEFT JOIN tiss_movement u ON u.reverses_id = m.id
      LEFT JOIN tiss_recurso_line rl ON rl.id = m.recurso_line_id
      LEFT JOIN tiss_recurso re ON re.id = rl.recurso_id
"""
# What payments book on accounts of result: débitos, less créditos.
DEBITS = """
    SELECT aml.id * 5 + 1, dp.company_id, d.contract_id, NULL::int, NULL::int, aml.move_id,
           aml.date, 'debit', aml.balance, 0, NULL::int, NULL::int, NULL
      FROM tiss_demonstrativo_payment dp
      JOIN tiss_demonstrativo d ON d.id = dp.demonstrativo_id
      LEFT JOIN account_payment ap ON ap.id = dp.payment_id
      JOIN account_move_line aml ON aml.move_id IN (ap.move_id, dp.reversal_move_id)
       AND aml.parent_state = 'posted'
      JOIN account_account a ON a.id = aml.account_id
       AND a.account_type = ANY(%(result_accounts)s)
"""
# Taxes of invoices and credit notes on accounts of result, also where they are due on receipt.
OWN_TAXES = """
    SELECT aml.id * 5 + 2, inv.company_id, inv.tiss_contract_id, inv.tiss_lote_id, NULL,
           aml.move_id, aml.date, 'tax', aml.balance, 0, NULL, NULL, NULL
      FROM account_move_line aml
      JOIN account_move mv ON mv.id = aml.move_id
      JOIN account_move inv ON inv.id = COALESCE(mv.tax_cash_basis_origin_move_id, mv.id)
       AND inv.tiss_contract_id IS NOT NULL
      JOIN account_account a ON a.id = aml.account_id
       AND a.account_type = ANY(%(result_accounts)s)
     WHERE aml.tax_line_id IS NOT NULL AND aml.parent_state = 'posted'
"""
# Not créditos that pay a claim back: a deposit that does lowers nothing that was withheld either.
WITHHELD = """
    SELECT adj.id * 5 + 3, adj.company_id, adj.contract_id, NULL, NULL, ap.move_id,
           adj.payment_date, 'withheld',
           CASE adj.direction WHEN 'debit' THEN adj.amount ELSE -adj.amount END, 0, NULL, NULL,
           NULL
      FROM tiss_demonstrativo_adjustment adj
      JOIN tiss_demonstrativo d ON d.id = adj.demonstrativo_id AND d.state = 'posted'
      JOIN tiss_term t ON t.id = adj.kind_id AND t.code = ANY(%(taxes)s)
      JOIN res_company co ON co.id = adj.company_id
       AND adj.account_id IS DISTINCT FROM co.tiss_claim_account_id
      JOIN tiss_demonstrativo_payment dp ON dp.id = adj.payment_id
      LEFT JOIN account_payment ap ON ap.id = dp.payment_id
"""
REPASSES = """
    SELECT rp.id * 5 + 4, rp.company_id, rp.contract_id, g.lote_id, rp.guia_id, NULL, rp.date,
           'repasse', rp.amount, 0, NULL, NULL, NULL
      FROM tiss_repasse_line rp
      JOIN tiss_guia g ON g.id = rp.guia_id
"""


class TissPerformance(models.Model):
    """What each operadora is worth: what it denies, gives back, pays and when (accounting.md §7).

    A row is a movement of an item, or what an entry or a repasse took from the result.
    """

    _name = "tiss.performance"
    _description = "Performance of Convênios"
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "lote_id"
    _depends = {
        "tiss.movement": ["amount", "date", "kind", "move_id", "reverses_id", "recurso_line_id"],
        "tiss.guia": ["contract_id", "guia_type", "lote_id", "professional_id"],
        "tiss.guia.line": [
            "amount_released", "amount_paid", "amount_denied", "amount_appealed", "amount_accepted",
        ],
        "tiss.lote": ["sent_date", "protocol_date"],
        "tiss.contract": ["partner_id"],
        "tiss.recurso": ["sent_date", "instance"],
        "tiss.recurso.line": ["recurso_id"],
        "tiss.demonstrativo": ["contract_id", "state"],
        "tiss.demonstrativo.payment": ["payment_id", "reversal_move_id"],
        "tiss.demonstrativo.adjustment": [
            "account_id", "amount", "direction", "kind_id", "payment_date",
        ],
        "res.company": ["tiss_claim_account_id"],
        "tiss.repasse.line": ["amount", "contract_id", "date", "guia_id"],
        "account.move": ["tiss_contract_id", "tiss_lote_id", "tax_cash_basis_origin_move_id"],
        "account.move.line": ["account_id", "balance", "date", "parent_state", "tax_line_id"],
        "account.payment": ["move_id"],
        "account.account": ["account_type"],
    }  # fmt: skip

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    operadora_id = fields.Many2one("res.partner", readonly=True)
    contract_id = fields.Many2one("tiss.contract", "Convênio", readonly=True)
    lote_id = fields.Many2one("tiss.lote", "Protocolo", readonly=True)
    guia_id = fields.Many2one("tiss.guia", readonly=True)
    guia_type = fields.Selection(GUIA_TYPES, "Type", readonly=True)
    professional_id = fields.Many2one("res.partner", readonly=True)
    move_id = fields.Many2one("account.move", "Journal Entry", readonly=True)
    date = fields.Date(readonly=True)
    protocol_date = fields.Date("Date of the Protocolo", readonly=True)
    kind = fields.Selection(KINDS, readonly=True)
    instance = fields.Selection([("1", "First Instance"), ("2", "Second Instance")], readonly=True)
    amount = fields.Monetary(readonly=True, aggregator=None)
    days = fields.Integer("Days to Pay", readonly=True, aggregator=None)

    # ---- Sums
    amount_billed = fields.Monetary(
        "Billed", readonly=True, help="Without what was withdrawn and what patients pay here."
    )
    amount_analysed = fields.Monetary(
        readonly=True,
        help="Of what was billed, what the operadora has answered.",
    )
    amount_denied = fields.Monetary(
        "Denied", readonly=True, help="When it was analysed, whatever became of it since."
    )
    amount_accepted = fields.Monetary("Glosa Accepted", readonly=True, help="Lost for good.")
    amount_appealed = fields.Monetary(
        "Contested", readonly=True, help="By a recurso of first instance."
    )
    amount_decided = fields.Monetary(
        "Recursos Decided",
        readonly=True,
        help="Recovered or kept; in both instances, if there were two.",
    )
    amount_recovered = fields.Monetary(readonly=True, help="By recursos, and paid.")
    amount_received = fields.Monetary("Received", readonly=True, help="Before taxes withheld.")
    weighted_days = fields.Float(readonly=True, help="What was received × days until it was.")
    weighted_answer_days = fields.Float(
        readonly=True, help="What was recovered × days until it was."
    )
    amount_debit = fields.Monetary(
        "Débitos",
        readonly=True,
        help="What operadoras took off their payments as a cost, less what they added. Not taxes"
        " withheld, nor what is not clarified yet.",
    )
    amount_tax = fields.Monetary(
        "Taxes on Revenue",
        readonly=True,
        help="Those on the invoices of the convênio; none where they are worked out elsewhere.",
    )
    amount_repasse = fields.Monetary(
        "Repasse", readonly=True, help="What professionals are given, fixed or not."
    )
    amount_withheld = fields.Monetary(
        "Taxes Withheld",
        readonly=True,
        help="An advance on the clinic's own taxes, and no cost: the result is before it.",
    )
    amount_result = fields.Monetary(
        "Result", readonly=True, help="Billed − glosa accepted − débitos − taxes − repasse."
    )

    # ---- Ratios
    average_days = fields.Float(
        "Average Days to Be Paid",
        readonly=True,
        digits=(16, 1),
        aggregator="avg",
        help="PMR: Σ (received × days from sending to payment) ÷ Σ received.",
    )
    median_days = fields.Float(
        "Median Days to Be Paid",
        readonly=True,
        digits=(16, 1),
        aggregator="avg",
        help="Half of the payments of items came within so many days of sending.",
    )
    denied_rate = fields.Float(
        "Initial Glosa (%)",
        readonly=True,
        digits=(16, 2),
        aggregator="avg",
        help="Denied ÷ analysed.",
    )
    accepted_rate = fields.Float(
        "Final Glosa (%)",
        readonly=True,
        digits=(16, 2),
        aggregator="avg",
        help="Glosa accepted ÷ analysed.",
    )
    appealed_rate = fields.Float(
        "Contested (%)",
        readonly=True,
        digits=(16, 2),
        aggregator="avg",
        help="Contested by a recurso of first instance ÷ denied.",
    )
    recovered_rate = fields.Float(
        "Recovered (%)",
        readonly=True,
        digits=(16, 2),
        aggregator="avg",
        help="Recovered ÷ recursos decided.",
    )
    answer_days = fields.Float(
        "Average Days to Recover",
        readonly=True,
        digits=(16, 1),
        aggregator="avg",
        help="Σ (recovered × days from sending the recurso to payment) ÷ Σ recovered.",
    )

    @property
    def _table_query(self):
        sources = SQL(", ").join(
            SQL("%s AS %s", SQL(source), SQL.identifier(name)) for name, source in MEASURES.items()
        )
        unasked = SQL(", ").join(
            SQL("NULL::numeric AS %s", SQL.identifier(name))
            for name in ("median_days", *RATIOS)
            if name != "answer_days"
        )
        rows = SQL(
            " UNION ALL ".join([MOVED, DEBITS, OWN_TAXES, WITHHELD, REPASSES]),
            result_accounts=list(RESULT_ACCOUNTS),
            taxes=list(self.env["tiss.contract"]._get_retention_fields()),
        )
        return SQL(
            """
            SELECT x.id, x.company_id, x.contract_id, c.partner_id AS operadora_id, x.lote_id,
                   x.guia_id, g.guia_type, g.professional_id, x.move_id, x.date, lo.protocol_date,
                   x.kind, x.instance, x.amount,
                   CASE WHEN x.kind IN ('pay', 'recover') THEN x.days END AS days,
                   %(measures)s, x.recover_days AS answer_days, %(unasked)s
              FROM (SELECT *, %(sources)s FROM (%(rows)s) y) x
              JOIN tiss_contract c ON c.id = x.contract_id
              LEFT JOIN tiss_guia g ON g.id = x.guia_id
              LEFT JOIN tiss_lote lo ON lo.id = x.lote_id
            """,
            sources=sources,
            measures=SQL(", ").join(SQL.identifier("x", name) for name in MEASURES),
            unasked=unasked,
            rows=rows,
        )

    def _read_group_select(self, aggregate_spec, query):
        name = aggregate_spec.removesuffix(":avg")

        def to_sql(name):
            return self._field_to_sql(self._table, name, query)

        if name in RATIOS:
            part, whole, factor = RATIOS[name]
            return SQL(
                "%(factor)s * SUM(%(part)s)"
                " / NULLIF(SUM(%(whole)s) FILTER (WHERE %(part)s IS NOT NULL), 0)",
                factor=factor,
                part=to_sql(part),
                whole=to_sql(whole),
            )
        if name == "median_days":
            return SQL("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY %s)", to_sql("days"))
        return super()._read_group_select(aggregate_spec, query)

    def _read_group_empty_value(self, spec):
        """Where there is nothing to divide by there is no ratio, which is not a ratio of zero."""
        if spec.removesuffix(":avg") in ("median_days", *RATIOS):
            return False
        return super()._read_group_empty_value(spec)

    @api.depends("kind", "lote_id", "contract_id")
    def _compute_display_name(self):
        labels = dict(self._fields["kind"]._description_selection(self.env))
        for row in self:
            place = row.lote_id.display_name or row.contract_id.name
            row.display_name = f"{labels.get(row.kind)} · {place}"

    def action_open_source(self):
        """The entry that books the row; else its guia."""
        self.ensure_one()
        return (self.move_id or self.guia_id or self.contract_id)._get_records_action()
