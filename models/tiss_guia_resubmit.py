from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command

from .tiss_guia_lifecycle import COMPLEMENTED_TYPES


class TissGuia(models.Model):
    """Denied items billed again, where the contract provides a reapresentação (guide §4.4)."""

    _inherit = "tiss.guia"

    def _bill_again(self, lines, reason):
        """A draft that holds some items of this guia, linked with it.

        An SP/SADT or a resumo is completed by it; of other types only a whole guia is billed
        again, by one that takes its place.

        :param lines: items of this guia that were denied as a whole
        :return: the draft
        """
        self.ensure_one()
        if self.guia_type in COMPLEMENTED_TYPES:
            again = self.create_complement(reason)
        elif lines != self.line_ids:
            raise UserError(
                self.env._(
                    "Of guia %s only a part was denied, and its type cannot be completed by another"
                    " one: contest the glosa.",
                    self.name,
                )
            )
        else:
            vals = {**self._prepare_content(with_rows=False), "replaces_id": self.id}
            again = self.sudo().create(vals).with_env(self.env)
            again._log("substitute", reason)
            self._log("replaced", reason)
        # The visits stay with the guia that billed them first.
        rows = lines.sudo().copy_data()
        again.sudo().write({"line_ids": [Command.create(row) for row in rows]})
        return again
