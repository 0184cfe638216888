from odoo import fields, models

COMPLETED_BY = {"name", "tiss_cbo_id"}


class ResPartner(models.Model):
    """Somebody of whom a lote of another system said too little: no name, or no CBO."""

    _inherit = "res.partner"

    tiss_is_incomplete = fields.Boolean(
        "To Complete",
        copy=False,
        index="btree_not_null",
        help="Created from a lote of another system, which did not say all about this person.",
    )

    def write(self, vals):
        """Whoever gives the missing name or CBO has completed the person."""
        if COMPLETED_BY.isdisjoint(vals) or "tiss_is_incomplete" in vals:
            return super().write(vals)
        return super().write({**vals, "tiss_is_incomplete": False})
