"""Loading a newer edition of ANS terminology: what it changes, told first and then done.

Everything is one statement for all rows. The rows of the file stand in a temporary table, beside
them the terms that they meet; what a row does to its term is its `kind`:

- new, ended (an end came), reopened (the end went), changed (name, details, start or another end);
- completed: the file gives details or a start that were not known; nothing that was said changed;
- unchanged.

A term that the file does not have stays as it is: ANS ends terms, it does not take them away.
"""

import csv
import io

from odoo.tools import SQL

from ..standard.text import to_ascii

KINDS = ("new", "changed", "ended", "reopened", "completed", "unchanged")
# What is kept as an earlier version of the term.
REMEMBERED = ("changed", "ended", "reopened")
# Longer descriptions are explanations; a shorter one tells two terms of the same name apart.
MAX_SEARCHED_DETAILS = 200


def to_search_name(name, description):
    """What is searched: the term, and the details that tell it from others of its name."""
    if description and len(description) <= MAX_SEARCHED_DETAILS:
        name = f"{name} {description}"
    return to_ascii(name)


# Each row of the files with the term that there is, and what it would change of it.
COMPARE = """
    CREATE TEMPORARY TABLE tiss_term_diff ON COMMIT DROP AS
    SELECT t.id AS term_id, s.table_code, s.code, s.name, s.search_name, s.description,
           COALESCE(s.start_date, t.start_date) AS start_date,
           CASE WHEN s.has_end THEN s.end_date ELSE t.end_date END AS end_date,
           t.name AS old_name, t.end_date AS old_end_date,
           CASE
               WHEN t.id IS NULL THEN 'new'
               WHEN s.has_end AND t.end_date IS NULL AND s.end_date IS NOT NULL THEN 'ended'
               WHEN s.has_end AND t.end_date IS NOT NULL AND s.end_date IS NULL
                   THEN 'reopened'
               WHEN s.name != t.name OR s.description != t.description
                   OR s.start_date != t.start_date OR (s.has_end AND s.end_date != t.end_date)
                   THEN 'changed'
               WHEN (t.description IS NULL AND s.description IS NOT NULL)
                   OR (t.start_date IS NULL AND s.start_date IS NOT NULL) THEN 'completed'
               ELSE 'unchanged'
           END AS kind
      FROM tiss_term_stage s
      LEFT JOIN tiss_term t USING (table_code, code)
"""


def stage(env, rows, columns):
    """Compare the rows of files with the terms.

    :param rows: list of terms of `standard.ansfiles`
    :param columns: {table: those of details, start, end that its file has}
    """
    cr = env.cr
    env["tiss.term"].flush_model()
    cr.execute("DROP TABLE IF EXISTS tiss_term_diff, tiss_term_stage")
    cr.execute(
        """
        CREATE TEMPORARY TABLE tiss_term_stage ON COMMIT DROP AS
        SELECT table_code, code, name, search_name, description, start_date, end_date,
               false AS has_end
          FROM tiss_term WHERE false
        """
    )
    buffer = io.StringIO()
    csv.writer(buffer).writerows(_to_rows(env, rows, columns))
    buffer.seek(0)
    cr.copy_expert("COPY tiss_term_stage FROM STDIN WITH (FORMAT csv)", buffer)
    cr.execute(COMPARE)
    cr.execute("ANALYZE tiss_term_stage, tiss_term_diff")


def _to_rows(env, rows, columns):
    env.cr.execute(
        """
        SELECT table_code, code, name, description, search_name FROM tiss_term
         WHERE table_code = ANY(%s)
        """,
        [list(columns)],
    )
    known = {tuple(each[:2]): each[2:] for each in env.cr.fetchall()}
    unknown = (None, None, None)
    for row in rows:
        name, description, search_name = known.get((row.table, row.code), unknown)
        details = row.description or description
        # Most rows are as they were, and to spell them anew takes longer than all the rest.
        if (row.term, details) != (name, description):
            search_name = to_search_name(row.term, details)
        yield (
            row.table,
            row.code,
            row.term,
            search_name,
            details,
            row.start,
            row.end,
            "end" in columns[row.table],
        )


def count(env):
    """{table: {kind: terms, "missing": valid terms that the file does not have}}"""
    counts = {}
    env.cr.execute("SELECT table_code, kind, count(*) FROM tiss_term_diff GROUP BY 1, 2")
    for table, kind, number in env.cr.fetchall():
        counts.setdefault(table, dict.fromkeys((*KINDS, "missing"), 0))[kind] = number
    env.cr.execute(
        """
        SELECT t.table_code, count(*)
          FROM tiss_term t
          LEFT JOIN tiss_term_stage s USING (table_code, code)
         WHERE t.table_code = ANY(%s) AND s.code IS NULL
           AND (t.end_date IS NULL OR t.end_date >= CURRENT_DATE)
         GROUP BY 1
        """,
        [list(counts)],
    )
    for table, number in env.cr.fetchall():
        counts[table]["missing"] = number
    return counts


def get_examples(env, table, limit=5):
    """Some renamed terms of a table: [(code, old name, new name)]"""
    env.cr.execute(
        """
        SELECT code, old_name, name FROM tiss_term_diff
         WHERE table_code = %s AND kind != 'new' AND name != old_name ORDER BY code LIMIT %s
        """,
        [table, limit],
    )
    return env.cr.fetchall()


def get_changes_of_products(env):
    """{term id: (kind, new name, new end)} of the terms of products that end, come back or are
    renamed; a renamed one that ends is `ended`."""
    env["product.template"].flush_model(["tiss_term_id"])
    env.cr.execute(
        """
        SELECT term_id, kind, name, end_date FROM tiss_term_diff d
         WHERE (kind IN ('ended', 'reopened') OR (kind = 'changed' AND
                (name != old_name OR end_date IS DISTINCT FROM old_end_date)))
           AND EXISTS (SELECT FROM product_template p WHERE p.tiss_term_id = d.term_id)
        """
    )
    return {term_id: tuple(change) for term_id, *change in env.cr.fetchall()}


def apply(env, edition_ids):
    """Write the staged rows, and keep how each changed term read before.

    :param edition_ids: {table: id of the edition that changes its terms}
    """
    stamp = SQL("%s, now() AT TIME ZONE 'UTC'", env.uid)
    _remember(env, edition_ids, stamp)
    env.cr.execute(
        SQL(
            """
            UPDATE tiss_term t
               SET name = d.name, search_name = d.search_name, description = d.description,
                   start_date = d.start_date, end_date = d.end_date,
                   (write_uid, write_date) = ROW(%s)
              FROM tiss_term_diff d
             WHERE t.id = d.term_id AND d.kind NOT IN ('new', 'unchanged')
            """,
            stamp,
        )
    )
    env.cr.execute(
        SQL(
            """
            INSERT INTO tiss_term (table_code, code, name, search_name, description, start_date,
                   end_date, create_uid, create_date, write_uid, write_date)
            SELECT table_code, code, name, search_name, description, start_date, end_date, %s, %s
              FROM tiss_term_diff WHERE kind = 'new'
            """,
            stamp,
            stamp,
        )
    )
    env["tiss.term"].invalidate_model()
    env["tiss.term.history"].invalidate_model()
    env.registry.clear_cache()


def _remember(env, edition_ids, stamp):
    """Keep the terms that are about to change as they read before."""
    editions = SQL(", ").join(SQL("(%s, %s)", *each) for each in edition_ids.items())
    env.cr.execute(
        SQL(
            """
            INSERT INTO tiss_term_history (term_id, name, description, start_date, end_date,
                   edition_id, create_uid, create_date, write_uid, write_date)
            SELECT t.id, t.name, t.description, t.start_date, t.end_date, e.id, %s, %s
              FROM tiss_term_diff d
              JOIN tiss_term t ON t.id = d.term_id
              JOIN (VALUES %s) e (table_code, id) ON e.table_code = d.table_code
             WHERE d.kind = ANY(%s)
            """,
            stamp,
            stamp,
            editions,
            list(REMEMBERED),
        )
    )
