from odoo import models
from odoo.exceptions import UserError

from ..standard.money import to_cents
from .bulk import lock


class TissGlosa(models.Model):
    """What was given up is denied again: the operadora paid it after all, or it was a mistake."""

    _inherit = "tiss.glosa"

    def action_reopen(self):
        self.reopen(self.env._("Accepted by mistake, or paid after all"))

    def reopen(self, reason):
        """Take the acceptance of glosas back: credit notes are cancelled while their period is
        open, and invoiced again as revenue after that (accounting.md §5.2, REABRIR).

        What was given up in several parts comes back as a whole. A credit note is of a lote and
        may be about others, too: they are given up again by a new one, so that each glosa has the
        note that says its amount.

        :param reason: why, in the words of a person; nothing clinical
        """
        self.check_access("write")
        reason = self._check_reason(reason)
        accepted = self.filtered("amount_accepted")
        if not accepted:
            raise UserError(self.env._("None of these glosas was accepted."))
        lock(accepted.lote_id)
        together, entries = accepted._find_accepted_together()
        lock(together)
        others = {
            glosa: to_cents(glosa.amount_accepted)
            for glosa in together - accepted
            if glosa.amount_accepted
        }
        entries._take_acceptance_back()
        self._decide_silently(together, move_id=False, amount_accepted=0)
        accepted._log_decision(self.env._("Denied again: %s", reason))
        accepted.browse([glosa.id for glosa in others])._give_up(others)
        accepted.lote_id._check_tie_out()

    def _find_accepted_together(self):
        """What has to be taken back with these: (glosas, their `tiss.movement` in force).

        A credit note is cancelled as a whole, so are the others of the items that it is about, and
        with them the other notes of those.
        """
        Movement = self.env["tiss.movement"]
        items, entries = self.guia_line_id, Movement
        while True:
            of_items = Movement.search([("kind", "=", "accept"), ("guia_line_id", "in", items.ids)])
            undone = Movement.search([("reverses_id", "in", of_items.ids)]).reverses_id
            in_force = of_items - undone
            with_notes = Movement.search(
                [("kind", "=", "accept"), ("move_id", "in", in_force.move_id.ids)]
            )
            if with_notes <= entries and in_force <= entries:
                break
            entries = in_force | with_notes
            items |= entries.guia_line_id
        accepted = self.search([("guia_line_id", "in", items.ids), ("amount_accepted", "!=", 0)])
        return accepted, entries
