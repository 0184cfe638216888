"""Looks for words in everything that a test wrote into the database, however it is packed."""

import base64
import re

from odoo.tools import SQL


def packed(word):
    """Regular expressions for a word as it is, and for the part of it that base64 always shows."""
    patterns = [re.escape(word)]
    content = word.encode()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + content).decode().rstrip("=")
        # The first and last letters of base64 also depend on what stands around.
        inner = encoded[(0, 2, 3)[offset] : -2]
        if len(inner) >= 8:
            patterns.append(re.escape(inner))
    return patterns


def find_words(env, words):
    """Columns, and files, written in this transaction in which one of `words` is to be found."""
    env.flush_all()
    pattern = "|".join(each for word in words for each in packed(word))
    env.cr.execute(
        """
        SELECT table_name, column_name, data_type
          FROM information_schema.columns
         WHERE table_schema = 'public'
           AND data_type IN ('text', 'character varying', 'bytea', 'json', 'jsonb')
           AND table_name IN (
               SELECT relname FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd > 0
               )
        """
    )
    found = set()
    for table, column, kind in env.cr.fetchall():
        name = SQL.identifier(column)
        texts = [SQL("replace(%s::text, '\\000', '')", name)]
        if kind == "bytea":
            # Odoo keeps what is binary in base64.
            plain = SQL("replace(encode(%s, 'escape'), E'\\n', '')", name)
            decoded = SQL(
                "CASE WHEN %s ~ '^[A-Za-z0-9+/]+=*$' THEN decode(%s, 'base64') END", plain, plain
            )
            texts = [plain, SQL("replace(encode(%s, 'escape'), '\\000', '')", decoded)]
        for text in texts:
            env.cr.execute(
                SQL("SELECT 1 FROM %s WHERE %s ~* %s LIMIT 1", SQL.identifier(table), text, pattern)
            )
            if env.cr.rowcount:
                found.add(f"{table}.{column}")
    sought = re.compile(pattern.encode(), re.IGNORECASE)
    new = [("create_date", ">=", env.cr.now()), ("res_field", "in", [False, "file", "package"])]
    for attachment in env["ir.attachment"].sudo().search(new):
        if sought.search((attachment.raw or b"").replace(b"\0", b"")):
            found.add(f"file of {attachment.res_model} {attachment.name}")
    return found
