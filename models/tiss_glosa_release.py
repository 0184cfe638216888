from odoo import models


class TissGlosa(models.Model):
    """Glosas of lotes that are invoiced by what is released: giving one up books nothing."""

    _inherit = "tiss.glosa"

    def _get_unbooked(self):
        """Those that were given up without a credit note, with the others of the same items."""
        unbooked = self.filtered(lambda glosa: glosa.amount_accepted and not glosa.move_id)
        return self.search(
            [
                ("guia_line_id", "in", unbooked.guia_line_id.ids),
                ("amount_accepted", "!=", 0),
                ("move_id", "=", False),
            ]
        )

    def _get_unbooked_acceptances(self):
        """The movements that gave those up, as far as they were not taken back."""
        movements = self.env["tiss.movement"].search(
            [
                ("guia_line_id", "in", self._get_unbooked().guia_line_id.ids),
                ("move_id", "=", False),
                ("kind", "in", ("accept", "undo")),
            ]
        )
        accepted = movements.filtered(lambda movement: movement.kind == "accept")
        return accepted - movements.reverses_id
