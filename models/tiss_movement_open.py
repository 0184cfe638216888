from odoo import api, fields, models
from odoo.tools import SQL

from ..standard.money import from_cents, to_cents
from .tie_out import OPEN_BUCKETS


class TissMovement(models.Model):
    """What a movement adds to what is open, so that the sums of a ledger say something."""

    _inherit = "tiss.movement"

    # The same amount, which no list sums: most movements leave the total as it was.
    amount_moved = fields.Float("Moved", related="amount", aggregator=None)
    amount_open = fields.Float(
        "Effect on What Is Open",
        digits=(10, 2),
        compute="_compute_amount_open",
        help="What a convênio owes more by it, or less; summed, what is open.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("amount", "from_bucket", "to_bucket")
    def _compute_amount_open(self):
        for movement in self:
            sign = (movement.to_bucket in OPEN_BUCKETS) - (movement.from_bucket in OPEN_BUCKETS)
            movement.amount_open = float(from_cents(sign * to_cents(movement.amount)))

    def _field_to_sql(self, alias, field_expr, query=None):
        """Summed by the database: a ledger has hundreds of thousands of movements."""
        if field_expr != "amount_open":
            return super()._field_to_sql(alias, field_expr, query)
        is_open = SQL("ANY(%s)", list(OPEN_BUCKETS))
        return SQL(
            "%(amount)s * (COALESCE(%(into)s = %(open)s, FALSE)::int"
            " - COALESCE(%(out_of)s = %(open)s, FALSE)::int)",
            amount=super()._field_to_sql(alias, "amount", query),
            into=super()._field_to_sql(alias, "to_bucket", query),
            out_of=super()._field_to_sql(alias, "from_bucket", query),
            open=is_open,
        )
