from odoo import models
from odoo.exceptions import UserError

from .bulk import lock


class TissGlosa(models.Model):
    """What was given up is denied again: the operadora paid it after all, or it was a mistake."""

    _inherit = "tiss.glosa"

    def action_reopen(self):
        self.reopen(self.env._("Accepted by mistake, or paid after all"))

    def reopen(self, reason):
        """Take the acceptance of glosas back, while the period of their credit note is open.

        A credit note is of a lote and may be about others, too: they are given up again by a new
        one, so that each glosa has the note that says its amount.

        :param reason: why, in the words of a person; nothing clinical
        """
        self.check_access("write")
        reason = self._check_reason(reason)
        accepted = self.filtered("amount_accepted")
        if not accepted:
            raise UserError(self.env._("None of these glosas was accepted."))
        lock(accepted.lote_id)
        moves = accepted.move_id
        together = self.search([("move_id", "in", moves.ids)]) | accepted._get_unbooked()
        lock(together)
        entries = self.env["tiss.movement"].search([("move_id", "in", moves.ids)])
        entries |= accepted._get_unbooked_acceptances()
        moves._tiss_cancel()
        entries._undo()
        for glosa in together:
            glosa._decide_silently(glosa, move_id=False, amount_accepted=0)
        accepted._log_decision(self.env._("Denied again: %s", reason))
        (together - accepted).accept()
        accepted.lote_id._check_tie_out()
