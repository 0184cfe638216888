"""The books of convênios as an accountant checks them: by SQL on journal items, nothing else.

Each question stacks what the ledger says and what guias, files or bank say, and gives the rows
that differ. The addon's own checks are not used, nor its helpers: cents are plain sums of numeric.
"""

from collections import defaultdict
from decimal import Decimal

from lxml import etree

QUESTIONS = {
    "an entry that does not balance": """
        SELECT mv.name, SUM(aml.debit), SUM(aml.credit)
          FROM account_move_line aml JOIN account_move mv ON mv.id = aml.move_id
         WHERE aml.company_id = %(company)s AND mv.state = 'posted'
      GROUP BY mv.id, mv.name HAVING SUM(aml.debit) != SUM(aml.credit)
    """,
    "a draft, other than what Odoo posts by itself on its day": """
        SELECT mv.id, mv.ref, mv.amount_total FROM account_move mv
         WHERE mv.company_id = %(company)s AND mv.state = 'draft'
           AND COALESCE(mv.auto_post, 'no') = 'no'
    """,
    "receivable of an operadora that is not its open protocolos": """
        SELECT partner, SUM(books), SUM(guias)
          FROM (SELECT aml.partner_id, aml.balance, 0
                  FROM account_move_line aml
                 WHERE aml.account_id = %(receivable)s AND aml.company_id = %(company)s
                   AND aml.parent_state = 'posted'
             UNION ALL
                SELECT c.partner_id, 0, COALESCE(l.amount_to_process, 0)
                       + COALESCE(l.amount_released, 0) + COALESCE(l.amount_denied, 0)
                       + COALESCE(l.amount_appealed, 0)
                  FROM tiss_guia_line l
                  JOIN tiss_guia g ON g.id = l.guia_id
                  JOIN tiss_lote lo ON lo.id = g.lote_id
                  JOIN tiss_contract c ON c.id = lo.contract_id
                 WHERE lo.company_id = %(company)s AND lo.invoice_id IS NOT NULL
               ) x (partner, books, guias)
      GROUP BY partner HAVING SUM(books) != SUM(guias)
    """,
    "an invoice whose open amount is not that of its items": """
        SELECT lote, SUM(books), SUM(guias)
          FROM (SELECT aml.tiss_lote_id, aml.amount_residual, 0
                  FROM account_move_line aml
                 WHERE aml.account_id = %(receivable)s AND aml.company_id = %(company)s
                   AND aml.parent_state = 'posted'
             UNION ALL
                SELECT g.lote_id, 0, COALESCE(l.amount_to_process, 0)
                       + COALESCE(l.amount_released, 0) + COALESCE(l.amount_denied, 0)
                       + COALESCE(l.amount_appealed, 0)
                  FROM tiss_guia_line l
                  JOIN tiss_guia g ON g.id = l.guia_id
                  JOIN tiss_lote lo ON lo.id = g.lote_id
                 WHERE lo.company_id = %(company)s AND lo.invoice_id IS NOT NULL
               ) x (lote, books, guias)
      GROUP BY lote HAVING SUM(books) != SUM(guias)
    """,
    "a line on the receivable of convênios without a protocolo": """
        SELECT mv.name, aml.balance, 0
          FROM account_move_line aml JOIN account_move mv ON mv.id = aml.move_id
         WHERE aml.account_id = %(receivable)s AND aml.company_id = %(company)s
           AND aml.parent_state = 'posted' AND aml.tiss_lote_id IS NULL
    """,
    "glosas given up that are not on their account": """
        SELECT 'glosas', SUM(books), SUM(guias)
          FROM (SELECT aml.balance, 0
                  FROM account_move_line aml
                 WHERE aml.account_id = %(glosa)s AND aml.company_id = %(company)s
                   AND aml.parent_state = 'posted'
             UNION ALL
                SELECT 0, COALESCE(l.amount_accepted, 0)
                  FROM tiss_guia_line l WHERE l.company_id = %(company)s
               ) x (books, guias)
        HAVING SUM(books) != SUM(guias)
    """,
    "revenue from an operadora that is not what was presented to it": """
        SELECT partner, SUM(books), SUM(guias)
          FROM (SELECT aml.partner_id, -aml.balance, 0
                  FROM account_move_line aml
                 WHERE aml.account_id = %(revenue)s AND aml.company_id = %(company)s
                   AND aml.parent_state = 'posted'
                   AND aml.partner_id IN (SELECT partner_id FROM tiss_contract)
             UNION ALL
                SELECT c.partner_id, 0, l.amount - COALESCE(l.amount_copaid, 0)
                  FROM tiss_guia_line l
                  JOIN tiss_guia g ON g.id = l.guia_id
                  JOIN tiss_lote lo ON lo.id = g.lote_id
                  JOIN tiss_contract c ON c.id = lo.contract_id
                 WHERE lo.company_id = %(company)s AND lo.invoice_id IS NOT NULL
                   AND g.state != 'cancelled'
               ) x (partner, books, guias)
      GROUP BY partner HAVING SUM(books) != SUM(guias)
    """,
    "transit that is neither money nor a demonstrativo to come": """
        SELECT partner, SUM(books), SUM(waits)
          FROM (SELECT aml.partner_id, aml.balance, 0
                  FROM account_move_line aml
                 WHERE aml.account_id = %(transit)s AND aml.company_id = %(company)s
                   AND aml.parent_state = 'posted'
             UNION ALL
                SELECT aml.partner_id, 0, aml.amount_residual
                  FROM account_move_line aml
                 WHERE aml.account_id = %(transit)s AND aml.company_id = %(company)s
                   AND aml.parent_state = 'posted' AND NOT aml.reconciled
                   AND (aml.payment_id IS NOT NULL OR aml.statement_line_id IS NOT NULL)
               ) x (partner, books, waits)
      GROUP BY partner HAVING SUM(books) != SUM(waits)
    """,
}


def find_differences(company):
    """{question: rows}: what an accountant would ask about; empty when all agrees."""
    env = company.env(su=True)
    env.flush_all()
    company = company.with_env(env)
    values = {
        "company": company.id,
        **{
            name: company[f"tiss_{name}_account_id"].id
            for name in ("receivable", "glosa", "revenue", "transit")
        },
    }
    found = {}
    for question, query in QUESTIONS.items():
        env.cr.execute(query, values)
        rows = env.cr.fetchall()
        if rows:
            found[question] = rows
    return found


def read_withheld(contents):
    """{T27 code: reais} that demonstrativos of payment withhold, read from their bytes."""
    withheld = defaultdict(Decimal)
    for content in contents:
        for row in etree.fromstring(content).iter("{*}debitosCreditos", "{*}descontos"):
            sign = 1 if row.findtext("{*}indicador") == "1" else -1
            amount = Decimal(row.findtext("{*}valorDbCr"))
            withheld[row.findtext("{*}tipoDebitoCredito")] += sign * amount
    return dict(withheld)


def read_booked(company):
    """{T27 code: reais} on the accounts that the clinic has for taxes and discounts."""
    env = company.env(su=True)
    env.flush_all()
    env.cr.execute(
        """
        SELECT t.code, ROUND(SUM(aml.balance), 2)
          FROM tiss_adjustment_account a
          JOIN tiss_term t ON t.id = a.kind_id
          JOIN account_move_line aml ON aml.account_id = a.account_id
           AND aml.company_id = a.company_id AND aml.parent_state = 'posted'
           AND aml.partner_id IN (SELECT partner_id FROM tiss_contract)
         WHERE a.company_id = %s AND a.contract_id IS NULL
      GROUP BY t.code
        """,
        [company.id],
    )
    # The cursor gives numeric as float.
    return {code: Decimal(str(amount)) for code, amount in env.cr.fetchall()}
