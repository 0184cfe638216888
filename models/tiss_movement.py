from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..standard.money import from_cents, to_cents
from .bulk import insert, make_append_only

BUCKETS = [
    ("to_process", "To Process"),
    ("released", "Released"),
    ("paid", "Paid"),
    ("denied", "Denied"),
    ("appealed", "Appealed"),
    ("accepted", "Accepted"),
    ("copaid", "Paid by the Patient"),
]
KINDS = [
    ("bill", "Billed"),
    ("release", "Released"),
    ("deny", "Denied"),
    ("pay", "Paid"),
    ("accept", "Glosa Accepted"),
    ("appeal", "Appealed"),
    ("keep", "Glosa Kept"),
    ("recover", "Recovered"),
    ("undo", "Undone"),
    ("withdraw", "Withdrawn"),
    ("copay", "Co-payment"),
]


class TissMovement(models.Model):
    """Sub-ledger of guia items: an amount that moved from one bucket of an item to another.

    Append-only: a correction is the opposite movement. The buckets of an item are the sums of
    its movements, recomputed by the same statement that every movement goes through.
    """

    _name = "tiss.movement"
    _description = "Money Movement of a Guia Item"
    _inherit = ["tiss.system.made"]
    _order = "id"

    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    guia_line_id = fields.Many2one(
        "tiss.guia.line", "Item", required=True, index=True, readonly=True, ondelete="restrict"
    )
    guia_id = fields.Many2one(
        "tiss.guia", required=True, index=True, readonly=True, ondelete="restrict"
    )
    lote_id = fields.Many2one(
        "tiss.lote", required=True, index=True, readonly=True, ondelete="restrict"
    )
    kind = fields.Selection(KINDS, required=True, readonly=True)
    from_bucket = fields.Selection(BUCKETS, "From", readonly=True)
    to_bucket = fields.Selection(BUCKETS, "To", readonly=True)
    amount = fields.Float(digits=(10, 2), required=True, readonly=True)
    date = fields.Date(required=True, readonly=True)
    demonstrativo_line_id = fields.Many2one(
        "tiss.demonstrativo.line",
        index="btree_not_null",
        readonly=True,
        ondelete="restrict",
    )
    recurso_line_id = fields.Many2one(
        "tiss.recurso.line",
        "Recurso",
        index="btree_not_null",
        readonly=True,
        ondelete="restrict",
    )
    move_id = fields.Many2one(
        "account.move",
        "Journal Entry",
        index="btree_not_null",
        readonly=True,
        ondelete="restrict",
    )
    reverses_id = fields.Many2one(
        "tiss.movement", "Undoes", index="btree_not_null", readonly=True, ondelete="restrict"
    )

    _amount_positive = models.Constraint(
        "CHECK(amount > 0)", "A movement has an amount above zero."
    )
    _bill_uniq = models.UniqueIndex(
        "(guia_line_id) WHERE kind = 'bill'", "This item was billed already."
    )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def init(self):
        make_append_only(self)

    def write(self, vals):
        if self:
            raise UserError(self.env._("A movement cannot be changed: record the opposite one."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A movement cannot be deleted: record the opposite one."))

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _get_buckets(self):
        return [name for name, _label in BUCKETS]

    @api.model
    def _record(self, entries, date, move=None):
        """Record movements and bring the buckets of their items up to date.

        :param entries: dicts with line (`tiss.guia.line`), kind, from_bucket, to_bucket, cents,
            and optionally demonstrativo_line, recurso_line and reverses; entries of zero cents are
            left out
        :param date: day of the movements whose entry has no date
        :param move: `account.move` that books those whose entry has no move
        :return: `tiss.movement`
        """
        entries = [entry for entry in entries if entry["cents"]]
        movements = self._insert([self._prepare_vals(entry, date, move) for entry in entries])
        lines = movements.guia_line_id.sudo()
        self._update_buckets(lines)
        movements.recurso_line_id._update_amounts()
        lines.guia_id._with_reason(movements._get_reason())._update_states()
        return movements.with_env(self.env)

    @api.model
    def _insert(self, vals_list):
        """New movements by one COPY: the demonstrativo of a hospital makes 50,000 of them."""
        rows = self.env.execute_query(
            SQL(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                self._table,
                len(vals_list),
            )
        )
        ids = [id_ for [id_] in rows]
        if vals_list:
            insert(
                self.sudo(),
                ("id", *vals_list[0]),
                (
                    (id_, *(value or None for value in vals.values()))
                    for id_, vals in zip(ids, vals_list, strict=True)
                ),
            )
        self.env["tiss.guia"].invalidate_model(["movement_ids"])
        return self.sudo().browse(ids)

    def _get_reason(self):
        """Why a guia changes its status with these movements: the demonstrativo, or what is done.

        An undone demonstrativo is named as well, after the word that it was undone.
        """
        labels = dict(self._fields["kind"]._description_selection(self.env))
        words = [labels[kind] for kind in ("undo", "accept") if kind in self.mapped("kind")]
        names = self.demonstrativo_line_id.demonstrativo_id.mapped("name")
        if names:
            words.append(self.env._("Demonstrativo %s", ", ".join(names)))
        return " · ".join(words)

    @api.model
    def _prepare_vals(self, entry, date, move):
        line = entry["line"]
        guia = line.guia_id
        move = entry.get("move", move)
        return {
            "company_id": line.company_id.id,
            "guia_line_id": line.id,
            "guia_id": guia.id,
            "lote_id": guia.lote_id.id,
            "kind": entry["kind"],
            "from_bucket": entry.get("from_bucket"),
            "to_bucket": entry.get("to_bucket"),
            "amount": float(from_cents(entry["cents"])),
            "date": entry.get("date", date),
            "move_id": move.id if move else False,
            "demonstrativo_line_id": entry["demonstrativo_line"].id
            if entry.get("demonstrativo_line")
            else False,
            "recurso_line_id": entry["recurso_line"].id if entry.get("recurso_line") else False,
            "reverses_id": entry["reverses"].id if entry.get("reverses") else False,
        }

    def _undo(self, move=None):
        """Record the opposite of each movement in self.

        :param move: `account.move` that books it, where what booked them stays as it is
        """
        return self._record(
            [
                {
                    "line": movement.guia_line_id,
                    "kind": "undo",
                    "from_bucket": movement.to_bucket,
                    "to_bucket": movement.from_bucket,
                    "cents": to_cents(movement.amount),
                    "demonstrativo_line": movement.demonstrativo_line_id,
                    "recurso_line": movement.recurso_line_id,
                    "reverses": movement,
                }
                for movement in self.sorted("id", reverse=True)
            ],
            fields.Date.context_today(self),
            move,
        )

    @api.model
    def _update_buckets(self, lines):
        """Buckets := sums of movements, for many items in one statement."""
        if not lines:
            return
        self.flush_model()
        lines.flush_recordset()
        buckets = self._get_buckets()
        columns = [f"amount_{name}" for name in buckets]
        sums = SQL(", ").join(
            SQL(
                "COALESCE(SUM(amount) FILTER (WHERE to_bucket = %(name)s), 0)"
                " - COALESCE(SUM(amount) FILTER (WHERE from_bucket = %(name)s), 0)",
                name=name,
            )
            for name in buckets
        )
        self.env.cr.execute(
            SQL(
                # A join would be a nested loop over both while the tables have no statistics.
                "UPDATE tiss_guia_line l SET (%(columns)s) = (SELECT %(sums)s"
                " FROM tiss_movement WHERE guia_line_id = l.id) WHERE l.id = ANY(%(ids)s)",
                columns=SQL(", ").join(map(SQL.identifier, columns)),
                sums=sums,
                ids=lines.ids,
            )
        )
        lines.invalidate_recordset(columns, flush=False)
        lines.modified(columns)
