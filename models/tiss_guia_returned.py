from odoo import models


class TissGuia(models.Model):
    """Guias that come back from a lote take the link to it into the next one."""

    _inherit = "tiss.guia"

    def create_lotes(self):
        """A lote whose guias all come from one other takes its place."""
        lotes = super().create_lotes()
        for lote in lotes:
            origins = {guia.released_lote_id or guia.replaces_id.lote_id for guia in lote.guia_ids}
            if len(origins) == 1:
                lote.sudo().replaces_id = origins.pop()
        return lotes
