from odoo import api, fields, models
from odoo.tools import SQL

from .tiss_guia import GUIA_TYPES

STEPS = [
    ("a_produced", "1. Produced"),
    ("b_guia", "2. Guia"),
    ("c_lote", "3. Lote"),
    ("d_protocol", "4. Protocolo"),
    ("e_processed", "5. Processed"),
    ("f_paid", "6. Paid"),
    ("g_bank", "7. In the Bank"),
]
# A payment that is in the bank, and since when: the day of the line that it was matched with.
BANK = """
    SELECT ap.move_id, MAX(COALESCE(bank.date, mv.date)) AS date
      FROM account_payment ap
      JOIN account_move mv ON mv.id = ap.move_id AND mv.state = 'posted'
      JOIN account_move_line own ON own.move_id = ap.move_id
       AND own.account_id = ap.outstanding_account_id
      LEFT JOIN account_partial_reconcile p ON own.id IN (p.debit_move_id, p.credit_move_id)
      LEFT JOIN account_move_line bank ON bank.id IN (p.debit_move_id, p.credit_move_id)
       AND bank.statement_line_id IS NOT NULL
     WHERE ap.is_matched
     GROUP BY ap.move_id
"""
# What the operadora did with each guia; what was undone was not done.
MOVED = """
    SELECT m.guia_id, MIN(m.date) AS processed_date,
           MAX(m.date) FILTER (WHERE m.kind IN ('pay', 'recover')) AS paid_date,
           SUM(m.amount) FILTER (WHERE m.kind IN ('pay', 'recover') AND b.move_id IS NOT NULL)
           AS banked, MAX(b.date) FILTER (WHERE m.kind IN ('pay', 'recover')) AS bank_date
      FROM tiss_movement m
      LEFT JOIN tiss_movement u ON u.reverses_id = m.id
      LEFT JOIN bank b ON b.move_id = m.move_id
     WHERE m.kind IN ('release', 'deny', 'pay', 'recover') AND u.id IS NULL
     GROUP BY m.guia_id
"""
HELD = """
    SELECT g.id, g.company_id, g.contract_id, g.lote_id, g.guia_type, g.professional_id, g.date,
           timezone(%(tz)s, timezone('UTC', g.create_date))::date AS guia_date,
           timezone(%(tz)s, timezone('UTC', lo.create_date))::date AS lote_date, lo.protocol_date,
           SUM(l.amount) AS total, SUM(COALESCE(l.amount_to_process, 0)) AS to_process,
           SUM(COALESCE(l.amount_released, 0)) AS released,
           SUM(COALESCE(l.amount_paid, 0)) AS paid, SUM(COALESCE(l.amount_copaid, 0)) AS copaid
      FROM tiss_guia g
      JOIN tiss_guia_line l ON l.guia_id = g.id
      LEFT JOIN tiss_lote lo ON lo.id = g.lote_id
     WHERE g.state != 'cancelled'
     GROUP BY g.id, lo.id
"""
# (number, step, day of the step, day of the step before, amount that came so far, that waits here)
REACHED = """
    (0, 'a_produced', h.date, NULL::date, h.total, 0),
    (1, 'b_guia', h.guia_date, h.date, h.total,
     CASE WHEN h.lote_id IS NULL THEN h.total ELSE 0 END),
    (2, 'c_lote', h.lote_date, h.guia_date, h.total,
     CASE WHEN h.protocol_date IS NULL THEN h.total ELSE 0 END),
    (3, 'd_protocol', h.protocol_date, h.lote_date, h.total, h.to_process),
    (4, 'e_processed', m.processed_date, h.protocol_date, h.total - h.to_process - h.copaid,
     h.released),
    (5, 'f_paid', m.paid_date, m.processed_date, h.paid, h.paid - COALESCE(m.banked, 0)),
    (6, 'g_bank', m.bank_date, m.paid_date, m.banked, 0)
"""
OF_ONE_STEP = ("amount:sum", "days:avg")


class TissFlow(models.Model):
    """How far what was produced has come, where it waits, and how long each step takes (§7).

    A row is a guia that reached a step; a visit without a guia was produced, and waits there.
    """

    _name = "tiss.flow"
    _description = "Flow of Billing"
    _auto = False
    _order = "service_date desc, step, id"
    _rec_name = "step"
    _depends = {
        "tiss.encounter": ["amount_total", "contract_id", "date", "professional_id", "state"],
        "tiss.guia": ["contract_id", "date", "guia_type", "lote_id", "professional_id", "state"],
        "tiss.guia.line": [
            "amount", "amount_to_process", "amount_released", "amount_paid", "amount_copaid",
        ],
        "tiss.lote": ["protocol_date"],
        "tiss.movement": ["amount", "date", "kind", "move_id", "reverses_id"],
        "account.payment": ["is_matched", "move_id", "outstanding_account_id"],
        "account.move": ["state"],
        "account.move.line": ["account_id", "date", "statement_line_id"],
        "account.partial.reconcile": ["debit_move_id", "credit_move_id"],
    }  # fmt: skip

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one("tiss.contract", "Convênio", readonly=True)
    lote_id = fields.Many2one("tiss.lote", readonly=True)
    guia_id = fields.Many2one("tiss.guia", readonly=True)
    encounter_id = fields.Many2one("tiss.encounter", readonly=True)
    guia_type = fields.Selection(GUIA_TYPES, "Type", readonly=True)
    professional_id = fields.Many2one("res.partner", readonly=True)
    step = fields.Selection(STEPS, readonly=True)
    service_date = fields.Date("Date of Service", readonly=True)
    date = fields.Date("Reached On", readonly=True)
    days = fields.Float(
        "Median Days",
        readonly=True,
        digits=(16, 1),
        aggregator="avg",
        help="Half of the guias took so many days or fewer from the step before.",
    )
    amount = fields.Monetary(
        "Came So Far", readonly=True, help="What has reached this step, before taxes withheld."
    )
    amount_waiting = fields.Monetary(
        "Waits Here",
        readonly=True,
        help="Of it, what has not gone on: visits without a guia, guias without a lote, lotes"
        " without a protocolo, not analysed, released and not paid, paid and not in the bank. What"
        " was denied is with the glosas, and what patients pay with the co-payments.",
    )

    @property
    def _table_query(self):
        return SQL(
            """
            WITH bank AS (%(bank)s), moved AS (%(moved)s), held AS (%(held)s)
            SELECT h.id * 8 + s.number AS id, h.company_id, h.contract_id, h.lote_id,
                   h.id AS guia_id, NULL::int AS encounter_id, h.guia_type, h.professional_id,
                   s.step, h.date AS service_date, s.date, (s.date - s.before)::numeric AS days,
                   s.amount, s.waiting AS amount_waiting
              FROM held h
              LEFT JOIN moved m ON m.guia_id = h.id
                   CROSS JOIN LATERAL (VALUES %(reached)s)
                   s (number, step, date, before, amount, waiting)
             WHERE s.date IS NOT NULL AND s.amount > 0
         UNION ALL
            SELECT e.id * 8 + 7, e.company_id, e.contract_id, NULL, NULL, e.id, NULL,
                   e.professional_id, 'a_produced', e.date, e.date, NULL, e.amount_total,
                   e.amount_total
              FROM tiss_encounter e
             WHERE e.state = 'done' AND e.contract_id IS NOT NULL AND e.amount_total > 0
            """,
            bank=SQL(BANK),
            moved=SQL(MOVED),
            held=SQL(HELD, tz=self.env.tz.zone),
            reached=SQL(REACHED),
        )

    def _read_group_select(self, aggregate_spec, query):
        """What came to several steps is the same money, and is not added up."""
        if aggregate_spec not in OF_ONE_STEP:
            return super()._read_group_select(aggregate_spec, query)
        name, _colon, _function = aggregate_spec.partition(":")
        step, value = (self._field_to_sql(self._table, field, query) for field in ("step", name))
        figure = SQL("SUM(%s)", value)
        if name == "days":
            figure = SQL("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY %s)", value)
        return SQL(
            "CASE WHEN MIN(%(step)s) = MAX(%(step)s) THEN %(figure)s END", step=step, figure=figure
        )

    def _read_group_empty_value(self, spec):
        """Nobody waited for the first step: that is no median of zero."""
        return False if spec in OF_ONE_STEP else super()._read_group_empty_value(spec)

    @api.depends("step", "guia_id", "encounter_id")
    def _compute_display_name(self):
        labels = dict(self._fields["step"]._description_selection(self.env))
        for row in self:
            source = row.guia_id or row.encounter_id
            row.display_name = f"{labels.get(row.step)} · {source.display_name}"

    def action_open_source(self):
        self.ensure_one()
        return (self.guia_id or self.encounter_id)._get_records_action()
