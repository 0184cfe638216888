"""The suspense account: what demonstrativos set aside, less what was cleared, entry by entry.

An entry that nothing of ours explains was typed by hand. Of a payment that has nothing on the
account nothing is said: it was booked before the company chose this one.
"""

from odoo.tools import SQL

# What no guia explains, and débitos and créditos of which nobody said what they are; an undone
# payment of a closed period has the opposite in its reversal.
SET_ASIDE = """
    SELECT told.move, x.balance * told.sign, NULL::numeric, NULL::integer
      FROM (SELECT id, -COALESCE(amount_unidentified, 0)
              FROM tiss_demonstrativo_payment
             WHERE company_id = %(company)s AND payment_id IS NOT NULL
         UNION ALL
            SELECT payment_id, CASE direction WHEN 'debit' THEN amount ELSE -amount END
              FROM tiss_demonstrativo_adjustment
             WHERE company_id = %(company)s
               AND COALESCE(account_id, %(account)s) = %(account)s) x (payment, balance)
      JOIN tiss_demonstrativo_payment dp ON dp.id = x.payment
      JOIN account_payment ap ON ap.id = dp.payment_id
CROSS JOIN LATERAL (VALUES (ap.move_id, 1), (dp.reversal_move_id, -1)) told (move, sign)
"""
BILLED = """
    SELECT move_id, amount_theirs, NULL, NULL
      FROM tiss_discrepancy
     WHERE company_id = %(company)s AND code = 'suspended' AND move_id IS NOT NULL
"""
# A difference stands in the entry of the largest deposit, see `_book_difference`.
FROM_BANK = """
    SELECT line.move_id, -bank.amount_difference, NULL, NULL
      FROM tiss_bank_match bank
      JOIN LATERAL (SELECT st.move_id
                      FROM %(relation)s rel
                      JOIN account_bank_statement_line st ON st.id = rel.%(column)s
                     WHERE rel.%(own)s = bank.id
                     ORDER BY ABS(st.amount) DESC, st.id
                     LIMIT 1) line ON TRUE
     WHERE bank.company_id = %(company)s
       AND bank.state = 'matched'
       AND bank.difference_account_id = %(account)s
"""
BOOKED = """
    SELECT move_id, 0, balance, partner_id
      FROM account_move_line
     WHERE company_id = %(company)s AND account_id = %(account)s AND parent_state = 'posted'
"""
COMPARED = f"""
    SELECT x.move, mv.name, MAX(x.partner), (SUM(ours) * 100)::bigint, (SUM(books) * 100)::bigint
      FROM ({" UNION ALL ".join((SET_ASIDE, BILLED, FROM_BANK, BOOKED))})
           x (move, ours, books, partner)
      JOIN account_move mv ON mv.id = x.move AND mv.state = 'posted'
     GROUP BY x.move, mv.name
    HAVING SUM(ours) != SUM(books) AND COUNT(books) > 0
     ORDER BY x.move
"""


def get_suspense_query(company):
    """Entries that do not agree: (move, name, partner, cents of ours, cents in the books)."""
    lines = company.env["tiss.bank.match"]._fields["line_ids"]
    return SQL(
        COMPARED,
        company=company.id,
        account=company.tiss_suspense_account_id.id or 0,
        relation=SQL.identifier(lines.relation),
        own=SQL.identifier(lines.column1),
        column=SQL.identifier(lines.column2),
    )
