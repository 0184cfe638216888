"""What the ORM does not do in bulk: upserts, append-only tables, one query per one2many…"""

import csv
import io

from psycopg2.errors import FeatureNotSupported

from odoo.exceptions import LockError
from odoo.fields import Image
from odoo.tools import SQL, mute_logger


def upsert(model, columns, key, rows):
    """Insert or refresh rows of a reference model: one COPY and one upsert.

    :param model: empty recordset of the model; must have a unique constraint on `key`
    :param columns: stored columns that `rows` give, in their order
    :param key: the columns that identify a row
    :param rows: iterable of tuples; None is NULL
    :return: number of rows inserted or refreshed
    """
    cr = model.env.cr
    table = SQL.identifier(model._table)
    fields = SQL(", ").join(map(SQL.identifier, columns))
    changes = SQL(", ").join(
        SQL("%s = %s", SQL.identifier(name), SQL.identifier("excluded", name))
        for name in columns
        if name not in key
    )
    cr.execute(
        SQL(
            "CREATE TEMPORARY TABLE tiss_load ON COMMIT DROP AS %s",
            SQL("SELECT %s FROM %s WHERE false", fields, table),
        )
    )
    copy_rows(cr, "tiss_load", columns, rows)
    cr.execute(
        SQL(
            """
            INSERT INTO %(table)s (%(fields)s, create_uid, write_uid, create_date, write_date)
            SELECT %(fields)s, %(uid)s, %(uid)s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
              FROM tiss_load
            ON CONFLICT (%(key)s) DO UPDATE
               SET %(changes)s, write_uid = %(uid)s, write_date = now() AT TIME ZONE 'UTC'
            """,
            table=table,
            fields=fields,
            uid=model.env.uid,
            key=SQL(", ").join(map(SQL.identifier, key)),
            changes=changes,
        )
    )
    count = cr.rowcount
    cr.execute("DROP TABLE tiss_load")
    model.invalidate_model()
    model.env.registry.clear_cache()
    return count


def insert(model, columns, rows):
    """Insert new rows of a model of plain columns in one COPY; no default and no compute runs.

    :param rows: iterable of tuples; None is NULL
    """
    cr, uid = model.env.cr, model.env.uid
    now = cr.now().isoformat()
    names = (*columns, "create_uid", "write_uid", "create_date", "write_date")
    copy_rows(cr, model._table, names, ((*row, uid, uid, now, now) for row in rows))
    model.invalidate_model()


def copy_rows(cr, table, columns, rows):
    """Append rows to a table in one COPY."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    buffer.seek(0)
    names = ", ".join(f'"{name}"' for name in columns)
    # psycopg2's COPY takes a plain string; the names come from the model, not from a person.
    cr.copy_expert(f'COPY "{table}" ({names}) FROM STDIN WITH (FORMAT csv)', buffer)


def skip_images(records):
    """Spare new records without a picture the computation of its smaller copies.

    :param records: just created and not flushed; none was given an image
    """
    for field in records._fields.values():
        if isinstance(field, Image) and field.store and field.compute:
            records.env.remove_to_compute(field, records)


def read_children(parents, name):
    """Read a one2many of all `parents` together with the columns of its records.

    The ORM would take two queries, and more for each part of the recordset that is looped over.

    :param parents: recordset
    :param name: name of a one2many
    :return: the children of all parents
    """
    field = parents._fields[name]
    children = parents.env[field.comodel_name].search_fetch(
        [(field.inverse_name, "in", parents.ids)]
    )
    by_parent = children.grouped(field.inverse_name)
    none = children.browse()
    field._insert_cache(parents, [by_parent.get(parent, none)._ids for parent in parents])
    return children


def make_append_only(model, when=None):
    """Let PostgreSQL itself refuse to change or delete a row of `model`; safe to repeat.

    Only who wrote a row may be forgotten: deleting a user sets create_uid and write_uid to NULL.

    :param when: condition on OLD, from which on a row no longer changes; it is never deleted
    """
    model.env.cr.execute(
        SQL(
            """
            CREATE OR REPLACE FUNCTION tiss_append_only() RETURNS trigger AS $$
            DECLARE
                anonymous record;
            BEGIN
                IF TG_OP = 'UPDATE' THEN
                    anonymous := OLD;
                    IF NEW.create_uid IS NULL THEN anonymous.create_uid := NULL; END IF;
                    IF NEW.write_uid IS NULL THEN anonymous.write_uid := NULL; END IF;
                    -- Bit by bit: for “=” 1.0 and 1.00 are the same.
                    IF NEW *= anonymous AND NOT NEW *= OLD THEN RETURN NEW; END IF;
                END IF;
                RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME;
            END $$ LANGUAGE plpgsql;
            DROP TRIGGER IF EXISTS tiss_append_only ON %(table)s;
            CREATE TRIGGER tiss_append_only BEFORE UPDATE ON %(table)s
                FOR EACH ROW WHEN (%(when)s) EXECUTE FUNCTION tiss_append_only();
            DROP TRIGGER IF EXISTS tiss_append_only_delete ON %(table)s;
            CREATE TRIGGER tiss_append_only_delete BEFORE DELETE ON %(table)s
                FOR EACH ROW EXECUTE FUNCTION tiss_append_only();
            DROP TRIGGER IF EXISTS tiss_append_only_truncate ON %(table)s;
            CREATE TRIGGER tiss_append_only_truncate BEFORE TRUNCATE ON %(table)s
                FOR EACH STATEMENT EXECUTE FUNCTION tiss_append_only();
            """,
            table=SQL.identifier(model._table),
            when=when or SQL("TRUE"),
        )
    )


def compress_fast(model, *names):
    """Let PostgreSQL keep large values of new rows by LZ4, where it was built with that."""
    cr = model.env.cr
    if cr.connection.server_version < 140000:
        return
    for name in names:
        try:
            with cr.savepoint(flush=False), mute_logger("odoo.sql_db"):
                cr.execute(
                    SQL(
                        "ALTER TABLE %s ALTER COLUMN %s SET COMPRESSION lz4",
                        SQL.identifier(model._table),
                        SQL.identifier(name),
                    )
                )
        except FeatureNotSupported:
            return


def hold_periods(companies):
    """Keep the lock dates of companies as they are for this transaction.

    Who posts holds them together with others who do, and begins anew where they changed since; who
    closes a period holds them alone (`lock`).
    """
    if companies:
        companies.env.cr.execute(
            SQL(
                "SELECT 1 FROM res_company WHERE id = ANY(%s) ORDER BY id FOR SHARE",
                (companies | companies.parent_ids).ids,
            )
        )


def claim(records):
    """Let nobody do the same at once: he waits, and begins anew with what is done here in view.

    For what leaves no other trace in these rows; who only refers to them is not in the way.
    """
    records.flush_recordset()
    records.env.cr.execute(
        SQL(
            "UPDATE %s SET write_date = write_date WHERE id IN"
            " (SELECT id FROM %s WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE)",
            SQL.identifier(records._table),
            SQL.identifier(records._table),
            records.ids,
        )
    )


def lock(records, allow_referencing=False):
    """Lock rows for this transaction, or say who is in the way in the user's words.

    :param allow_referencing: others may make rows that refer to these meanwhile
    """
    try:
        records.lock_for_update(allow_referencing=allow_referencing)
    except LockError as error:
        raise LockError(
            records.env._(
                "Somebody else is working on %s at this moment: try again in a few seconds.",
                records[:1].display_name,
            )
        ) from error
