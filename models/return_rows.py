"""The rows of demonstrativos on their way to the database, a chunk at a time."""

import json

from odoo.tools import SQL

from .bulk import copy_rows
from .return_targets import ReturnTargets

CHUNK = 1000  # rows in memory at once: with what they are about, less than three megabytes
TABLE = "tiss_return_load"
# Where a row stands in its file: all that it is matched by, beside the amounts.
PLACE = (
    "level", "protocol_number", "lote_number", "guia_number", "operadora_number", "sequence_item",
    "code", "service_date",
)  # fmt: skip
COLUMNS = (
    *PLACE, "is_appeal", "amount_informed", "amount_processed", "amount_released", "reasons",
    "lote_id", "guia_id", "guia_line_id", "amount_ours", "amount_difference",
)  # fmt: skip
NO_PAYMENT = -1
# What two files say alike where they say the same; the order of `reasons` is none.
SAYING = SQL(
    """
    COALESCE(NULLIF(r.protocol_number, ''), r.lote_number),
    COALESCE(NULLIF(r.guia_number, ''), r.operadora_number),
    COALESCE(NULLIF(r.sequence_item, 0)::text, r.code), COALESCE(r.is_appeal, FALSE),
    COALESCE(r.amount_informed, 0), COALESCE(r.amount_processed, 0),
    COALESCE(r.amount_released, 0),
    (SELECT string_agg(reason->>0, ',' ORDER BY reason->>0)
       FROM jsonb_array_elements(r.reasons) reason)
    """
)


class ReturnRows:
    """Rows that are matched and put down as they come, and become lines once all were read.

    A file that turns out to be cut off leaves nothing behind: what it said so far stands in a
    table of this transaction only.
    """

    def __init__(self, env, contract):
        self.env = env
        self.targets = ReturnTargets(env, contract)
        self._waiting = []
        self._count = 0
        env.cr.execute(
            SQL(
                "DROP TABLE IF EXISTS %(load)s; CREATE TEMPORARY TABLE %(load)s ON COMMIT DROP AS"
                " SELECT 0 AS ordinal, 0 AS part, 0 AS payment, %(columns)s"
                " FROM tiss_demonstrativo_line WHERE FALSE",
                load=SQL.identifier(TABLE),
                columns=SQL(", ").join(map(SQL.identifier, COLUMNS)),
            )
        )

    def add(self, vals, part, payment=NO_PAYMENT):
        """Take one row.

        :param part: number of its demonstrativo in the message
        :param payment: number of its payment in the demonstrativo
        """
        vals.update(part=part, payment=payment, is_payment=payment != NO_PAYMENT)
        self._waiting.append(vals)
        if len(self._waiting) >= CHUNK:
            self.flush()

    def flush(self):
        """Find what the waiting rows are about, and put them down."""
        rows, self._waiting = self._waiting, []
        targets = self.targets.find_all(rows)
        columns = ("ordinal", "part", "payment", *COLUMNS)
        copy_rows(
            self.env.cr,
            TABLE,
            columns,
            (
                (self._count + place, row["part"], row["payment"], *_to_columns({**row, **target}))
                for place, (row, target) in enumerate(zip(rows, targets, strict=True))
            ),
        )
        self._count += len(rows)

    def get_protocols(self):
        """Numbers of the protocolos that the rows are of."""
        query = SQL("SELECT DISTINCT protocol_number FROM %s", SQL.identifier(TABLE))
        return {number for [number] in self.env.execute_query(query) if number}

    def is_told_by(self, part, days, other):
        """Whether the rows of one demonstrativo say what another one has, in any order.

        :param days: day of each payment, in the order of their numbers
        :param other: `tiss.demonstrativo`
        """
        own = SQL(
            "SELECT d.day, %(saying)s FROM %(load)s r"
            " LEFT JOIN unnest(%(days)s::date[]) WITH ORDINALITY d (day, number)"
            " ON d.number = r.payment + 1 WHERE r.part = %(part)s",
            saying=SAYING,
            load=SQL.identifier(TABLE),
            days=[str(day) for day in days],
            part=part,
        )
        theirs = SQL(
            "SELECT p.payment_date, %(saying)s FROM tiss_demonstrativo_line r"
            " LEFT JOIN tiss_demonstrativo_payment p ON p.id = r.payment_id"
            " WHERE r.demonstrativo_id = %(other)s",
            saying=SAYING,
            other=other.id,
        )
        query = SQL(
            "SELECT NOT EXISTS (%(own)s EXCEPT ALL %(theirs)s)"
            " AND NOT EXISTS (%(theirs)s EXCEPT ALL %(own)s)",
            own=own,
            theirs=theirs,
        )
        [[is_same]] = self.env.execute_query(query)
        return is_same

    def store(self, owners):
        """Make them lines.

        :param owners: (part, payment, `tiss.demonstrativo`, id of its payment or None) of all
        """
        env = self.env
        values = SQL(", ").join(
            SQL(
                "(%s, %s, %s, %s::integer, %s)",
                part, number, each.id, payment or None, each.company_id.id,
            )
            for part, number, each, payment in owners
        )  # fmt: skip
        env.cr.execute(
            SQL(
                """
                INSERT INTO tiss_demonstrativo_line
                       (demonstrativo_id, payment_id, company_id, %(columns)s,
                        create_uid, write_uid, create_date, write_date)
                SELECT o.demonstrativo, o.own_payment, o.company, %(columns)s,
                       %(uid)s, %(uid)s, %(now)s, %(now)s
                  FROM %(load)s r
                  JOIN (VALUES %(owners)s) o (own_part, number, demonstrativo, own_payment, company)
                    ON o.own_part = r.part AND o.number = r.payment
                 ORDER BY r.ordinal
                """,
                columns=SQL(", ").join(map(SQL.identifier, COLUMNS)),
                load=SQL.identifier(TABLE),
                owners=values,
                uid=env.uid,
                now=env.cr.now(),
            )
        )
        env["tiss.demonstrativo.line"].invalidate_model()

    def close(self):
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS %s", SQL.identifier(TABLE)))


def _to_columns(row):
    """The values of a row as a COPY takes them."""
    for name in COLUMNS:
        value = row.get(name)
        if name == "reasons":
            yield None if value is None else json.dumps(value)
        elif name == "is_appeal":
            yield bool(value)
        elif name == "sequence_item" or name.startswith("amount_"):
            yield value or 0
        else:
            yield value or None
