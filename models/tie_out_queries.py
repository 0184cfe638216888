"""The questions of the tie-out to the database; see `TieOut`, which puts the answers into words.

Both sides of a question are stacked by UNION ALL and summed, never joined: that is one pass over
each table whatever PostgreSQL knows of it, so a hundred thousand movements take a second.
"""

# (item, cents that it holds, cents that it was billed) where the buckets are not their movements.
ITEMS = """
    SELECT item, (SUM(held) * 100)::bigint, (SUM(due) * 100)::bigint
      FROM (SELECT l.id, %(ours)s, %(held)s,
                   CASE WHEN lo.protocol_number IS NULL OR g.state = 'cancelled' THEN 0
                        ELSE l.amount END
              FROM tiss_guia_line l
              JOIN tiss_guia g ON g.id = l.guia_id
              JOIN tiss_lote lo ON lo.id = g.lote_id
             WHERE g.lote_id = %(lotes)s
         UNION ALL
            SELECT guia_line_id, %(moved)s, 0, 0
              FROM tiss_movement
             WHERE lote_id = %(lotes)s) x (item, %(names)s, held, due)
     GROUP BY item
    HAVING %(differs)s OR SUM(held) != SUM(due)
     ORDER BY item
"""
# (item, cents of the item, cents of its glosas) where what was denied is not that of the glosas.
GLOSAS = """
    SELECT item, (SUM(held) * 100)::bigint, (SUM(told) * 100)::bigint
      FROM (SELECT l.id, l.amount_denied, l.amount_appealed, l.amount_accepted,
                   COALESCE(l.amount_denied, 0) + COALESCE(l.amount_appealed, 0)
                   + COALESCE(l.amount_accepted, 0), 0
              FROM tiss_guia_line l
              JOIN tiss_guia g ON g.id = l.guia_id
             WHERE g.lote_id = %(lotes)s
         UNION ALL
            SELECT guia_line_id, -amount_open, -amount_appealed, -amount_accepted, 0,
                   COALESCE(amount_open, 0) + COALESCE(amount_appealed, 0)
                   + COALESCE(amount_accepted, 0)
              FROM tiss_glosa
             WHERE lote_id = %(lotes)s
           ) x (item, denied, appealed, accepted, held, told)
     GROUP BY item
    HAVING SUM(denied) != 0 OR SUM(appealed) != 0 OR SUM(accepted) != 0
     ORDER BY item
"""
# (lote, a column for each of `LOTE_COLUMNS`) of every lote with money, in cents.
LOTES = """
    SELECT lote, %(sums)s
      FROM (SELECT g.lote_id, %(ours)s, 0, 0, 0, 0, 0, 0
              FROM tiss_guia_line l
              JOIN tiss_guia g ON g.id = l.guia_id
             WHERE g.lote_id = %(lotes)s
         UNION ALL
            SELECT lote_id, %(zeros)s, amount, 0, 0, 0, 0, 0
              FROM tiss_movement
             WHERE lote_id = %(lotes)s AND kind IN ('withdraw', 'undo') AND move_id IS NOT NULL
         UNION ALL
            SELECT aml.tiss_lote_id, %(zeros)s, 0,
                   CASE mv.move_type WHEN 'out_invoice' THEN aml.balance ELSE 0 END,
                   CASE mv.move_type WHEN 'out_refund' THEN aml.balance ELSE 0 END,
                   CASE WHEN mv.move_type IN ('out_invoice', 'out_refund') THEN 0
                        ELSE aml.balance END,
                   aml.amount_residual,
                   LEAST(aml.amount_residual, 0)
              FROM account_move_line aml
              JOIN account_move mv ON mv.id = aml.move_id
              JOIN account_account a ON a.id = aml.account_id
             WHERE aml.tiss_lote_id = %(lotes)s
               AND aml.parent_state = 'posted'
               AND a.account_type = 'asset_receivable') x (lote, %(names)s)
     GROUP BY lote
"""
# (invoice, name, cents open, lote) where the status of an invoice denies what is open of it.
INVOICES = """
    SELECT mv.id, mv.name, (SUM(aml.amount_residual) * 100)::bigint, MIN(aml.tiss_lote_id)
      FROM account_move mv
      JOIN account_move_line aml ON aml.move_id = mv.id
      JOIN account_account a ON a.id = aml.account_id
     WHERE mv.id IN (SELECT move_id FROM account_move_line WHERE tiss_lote_id = %(lotes)s)
       AND mv.state = 'posted'
       AND mv.move_type = 'out_invoice'
       AND a.account_type = 'asset_receivable'
     GROUP BY mv.id
    HAVING (mv.payment_state = ANY(%(settled)s)) != (SUM(aml.amount_residual) = 0)
     ORDER BY mv.id
"""
# (entry, name, account, cents of the file, cents in the books) where a payment differs.
PAYMENTS = """
    SELECT x.move, mv.name, a.id, (SUM(ours) * 100)::bigint, (SUM(books) * 100)::bigint
      FROM (SELECT ap.move_id, adj.account_id,
                   CASE adj.direction WHEN 'debit' THEN adj.amount ELSE -adj.amount END,
                   0, 1
              FROM tiss_demonstrativo_adjustment adj
              JOIN tiss_demonstrativo_payment dp ON dp.id = adj.payment_id
              JOIN account_payment ap ON ap.id = dp.payment_id
             WHERE %(payments)s
         UNION ALL
            SELECT ap.move_id, ap.outstanding_account_id, dp.amount_net, 0, 1
              FROM tiss_demonstrativo_payment dp
              JOIN account_payment ap ON ap.id = dp.payment_id
             WHERE %(payments)s AND dp.amount_net >= 0
         UNION ALL
            SELECT aml.move_id, aml.account_id, 0, aml.balance, 0
              FROM account_move_line aml
             WHERE aml.move_id IN (SELECT ap.move_id
                                     FROM tiss_demonstrativo_payment dp
                                     JOIN account_payment ap ON ap.id = dp.payment_id
                                    WHERE %(payments)s)
           ) x (move, account, ours, books, expected)
      JOIN account_move mv ON mv.id = x.move
      JOIN account_account a ON a.id = x.account
     WHERE mv.state = 'posted' AND a.account_type != 'asset_receivable'
     GROUP BY x.move, mv.name, a.id
    HAVING SUM(ours) != SUM(books) AND SUM(expected) > 0
     ORDER BY x.move, a.id
"""
# (entry, name, partner, cents) on a receivable account of convênios without a lote.
UNTAGGED = """
    SELECT aml.move_id, mv.name, aml.partner_id, (SUM(aml.balance) * 100)::bigint
      FROM account_move_line aml
      JOIN account_move mv ON mv.id = aml.move_id
     WHERE aml.company_id = %(company)s
       AND aml.account_id = ANY(%(accounts)s)
       AND aml.parent_state = 'posted'
       AND aml.tiss_lote_id IS NULL
       AND (aml.account_id = %(own)s OR aml.partner_id = ANY(%(partners)s))
     GROUP BY aml.move_id, mv.name, aml.partner_id
     ORDER BY aml.move_id
"""
# (entry, name, partner, cents) that an operadora paid into a bank and that were booked to some
# receivable account without settling anything there.
LOOSE = """
    SELECT aml.move_id, mv.name, aml.partner_id, (SUM(aml.amount_residual) * 100)::bigint
      FROM account_move_line aml
      JOIN account_move mv ON mv.id = aml.move_id
      JOIN account_journal j ON j.id = aml.journal_id AND j.type = 'bank'
      JOIN account_account a ON a.id = aml.account_id AND a.account_type = 'asset_receivable'
     WHERE aml.company_id = %(company)s
       AND aml.partner_id = ANY(%(partners)s)
       AND aml.account_id != ALL(%(accounts)s)
       AND aml.parent_state = 'posted'
       AND aml.amount_residual < 0
       AND aml.tiss_lote_id IS NULL
     GROUP BY aml.move_id, mv.name, aml.partner_id
     ORDER BY aml.move_id
"""
# (account, cents of its balance, cents open on it) where the two differ.
RESIDUALS = """
    SELECT account_id, (SUM(balance) * 100)::bigint,
           (SUM(amount_residual) * 100)::bigint
      FROM account_move_line
     WHERE company_id IN (SELECT id FROM res_company WHERE parent_path LIKE %(path)s)
       AND account_id = ANY(%(accounts)s)
       AND parent_state = 'posted'
     GROUP BY account_id
    HAVING SUM(balance) != SUM(amount_residual)
"""
# (operadora, cents on its transit account, cents that a payment or a deposit says to wait there).
# A branch may be paid into the bank of its head office: they count together.
TRANSIT = """
    SELECT partner_id, (SUM(balance) * 100)::bigint, (SUM(waiting) * 100)::bigint
      FROM (SELECT split_part(c.parent_path, '/', 1) AS root, l.account_id, l.partner_id,
                   l.balance,
                   CASE WHEN l.statement_line_id IS NOT NULL OR EXISTS (
                             SELECT 1 FROM tiss_demonstrativo_payment p
                              WHERE p.payment_id = l.payment_id)
                        THEN l.amount_residual ELSE 0 END AS waiting
              FROM account_move_line l
              JOIN res_company c ON c.id = l.company_id
             WHERE l.account_id = ANY(%(accounts)s)
               AND split_part(c.parent_path, '/', 1)::integer = ANY(%(roots)s)
               AND l.parent_state = 'posted'
               AND (l.partner_id = ANY(%(partners)s) OR l.partner_id IS NULL)) x
     GROUP BY root, account_id, partner_id
    HAVING SUM(balance) != SUM(waiting)
"""
