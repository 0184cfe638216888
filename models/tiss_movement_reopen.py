from odoo import models


class TissMovement(models.Model):
    """The way back from what was given up."""

    _inherit = "tiss.movement"

    def _take_acceptance_back(self):
        """Deny again what these movements gave up, in the books as well."""
        frozen = self.filtered(lambda entry: entry.move_id and entry.move_id._tiss_is_frozen())
        free = self - frozen
        free.move_id._tiss_cancel()
        free._undo()
        for note, entries in frozen.grouped("move_id").items():
            [lote] = entries.lote_id
            entries._undo(lote._invoice_again(note))
