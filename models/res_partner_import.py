from odoo import fields, models


class ResPartner(models.Model):
    """Somebody whom a lote of another system knows by a number alone."""

    _inherit = "res.partner"

    tiss_is_incomplete = fields.Boolean(
        "To Complete",
        copy=False,
        help="Created from a lote of another system, which did not say the name.",
    )

    def write(self, vals):
        """Whoever gives the name has completed the person."""
        if "name" in vals and "tiss_is_incomplete" not in vals:
            vals = {**vals, "tiss_is_incomplete": False}
        return super().write(vals)
