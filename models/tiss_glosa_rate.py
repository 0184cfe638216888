from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

MONTHS = 12
# Ids stay when more is denied: a row that is listed opens its own glosas, and no other row's.
RATES = """
    WITH item AS (
        SELECT l.id, lo.contract_id, l.table_code, l.code, l.product_id,
               l.amount - COALESCE(l.amount_to_process, 0)
               - COALESCE(l.amount_copaid, 0) AS billed
          FROM tiss_guia_line l
          JOIN tiss_guia g ON g.id = l.guia_id
          JOIN tiss_lote lo ON lo.id = g.lote_id
         WHERE lo.protocol_date > %(since)s AND g.state != 'cancelled'
    ), billed AS (
        SELECT contract_id, table_code, code, MAX(product_id) AS product_id,
               MIN(id) AS line_id, SUM(billed) AS billed
          FROM item
         GROUP BY GROUPING SETS ((contract_id), (contract_id, table_code, code))
        HAVING SUM(billed) > 0
    ), denied AS (
        SELECT i.contract_id, i.table_code, i.code, z.term_id,
               GROUPING(z.term_id) AS is_any, MIN(z.id) AS glosa_id,
               SUM(z.amount) AS denied, COALESCE(SUM(z.amount_accepted), 0) AS lost
          FROM item i
          JOIN tiss_glosa z ON z.guia_line_id = i.id
         GROUP BY GROUPING SETS ((i.contract_id), (i.contract_id, z.term_id),
               (i.contract_id, i.table_code, i.code),
               (i.contract_id, i.table_code, i.code, z.term_id))
    )
    SELECT CASE WHEN b.code IS NULL
                THEN CASE d.is_any WHEN 0 THEN d.glosa_id * 4 + 2 ELSE b.contract_id * 4 END
                WHEN d.is_any = 0 THEN d.glosa_id * 4 + 3 ELSE b.line_id * 4 + 1 END AS id,
           c.company_id, b.contract_id, b.table_code, b.code, d.term_id,
           CASE WHEN b.code IS NOT NULL THEN b.product_id END AS product_id,
           CASE WHEN b.code IS NULL THEN CASE d.is_any WHEN 0 THEN 'reason' ELSE 'all' END
                WHEN d.is_any = 0 THEN 'both' ELSE 'procedure' END AS dimension,
           b.billed AS amount_billed, COALESCE(d.denied, 0) AS amount_denied,
           COALESCE(d.lost, 0) AS amount_lost,
           ROUND(COALESCE(d.denied, 0) * 100 / b.billed, 2) AS rate,
           ROUND(COALESCE(d.lost, 0) * 100 / b.billed, 2) AS rate_lost
      FROM billed b
      JOIN tiss_contract c ON c.id = b.contract_id
 LEFT JOIN denied d ON d.contract_id = b.contract_id
       AND d.table_code IS NOT DISTINCT FROM b.table_code
       AND d.code IS NOT DISTINCT FROM b.code
"""


class TissGlosaRate(models.Model):
    """How much of what was billed an operadora denied: as a whole, by procedure, by reason, both.

    Of the items of the last twelve months that were analysed (accounting.md §7, taxa de glosa), but
    not what patients pay here. A rate is of what the row says it is of: rates are not added up.
    """

    _name = "tiss.glosa.rate"
    _description = "Rate of Glosa"
    _auto = False
    _order = "contract_id, dimension, amount_denied desc, id"
    _depends = {
        "tiss.lote": ["contract_id", "company_id", "protocol_date"],
        "tiss.guia": ["lote_id", "state"],
        "tiss.guia.line": [
            "guia_id", "table_code", "code", "product_id", "amount", "amount_copaid",
            "amount_to_process",
        ],
        "tiss.glosa": ["guia_line_id", "term_id", "amount", "amount_accepted"],
    }  # fmt: skip

    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one("tiss.contract", "Convênio", readonly=True)
    dimension = fields.Selection(
        [
            ("all", "All that was billed"),
            ("procedure", "By procedure"),
            ("reason", "By reason"),
            ("both", "By procedure and reason"),
        ],
        "What It Is Of",
        readonly=True,
    )
    table_code = fields.Char("Table", readonly=True)
    code = fields.Char(readonly=True)
    product_id = fields.Many2one("product.product", "Procedure", readonly=True)
    term_id = fields.Many2one("tiss.term", "Reason", readonly=True)
    amount_billed = fields.Monetary("Billed", readonly=True, aggregator=None)
    amount_denied = fields.Monetary("Denied", readonly=True)
    amount_lost = fields.Monetary("Given Up", readonly=True)
    rate = fields.Float(
        "Glosa (%)", digits=(5, 2), readonly=True, aggregator=None, help="Denied ÷ billed."
    )
    rate_lost = fields.Float(
        "Lost (%)", digits=(5, 2), readonly=True, aggregator=None, help="Given up ÷ billed."
    )

    @api.depends("contract_id", "dimension", "product_id", "term_id")
    def _compute_display_name(self):
        labels = dict(self._fields["dimension"]._description_selection(self.env))
        for row in self:
            of = (row.product_id.display_name, row.term_id.display_name)
            names = (row.contract_id.name, *of) if any(of) else (
                row.contract_id.name, labels.get(row.dimension),
            )  # fmt: skip
            row.display_name = " · ".join(filter(None, names))

    @property
    def _table_query(self):
        """Billed by convênio and procedure, denied by reason as well; joined where they meet."""
        since = fields.Date.context_today(self) - relativedelta(months=MONTHS)
        return SQL(RATES, since=since)

    def action_view_glosas(self):
        """The glosas that a row counts."""
        self.ensure_one()
        domain = [
            ("contract_id", "=", self.contract_id.id),
            ("guia_id.state", "!=", "cancelled"),
        ]
        if self.code:
            domain += [
                ("guia_line_id.code", "=", self.code),
                ("guia_line_id.table_code", "=", self.table_code),
            ]
        if self.dimension in ("reason", "both"):
            domain.append(("term_id", "=", self.term_id.id))
        since = fields.Date.context_today(self) - relativedelta(months=MONTHS)
        domain.append(("lote_id.protocol_date", ">", since))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Glosas"),
            "res_model": "tiss.glosa",
            "view_mode": "list,form",
            "domain": domain,
        }
