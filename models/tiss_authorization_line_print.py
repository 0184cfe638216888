from odoo import models

from .tiss_authorization import DECIDED
from .tiss_printed import boxes_from


class TissAuthorizationLine(models.Model):
    """A line of the tables of the printed requests (guide §11.2)."""

    _inherit = "tiss.authorization.line"

    def _prepare_print_requested(self, first):
        """What is asked for, and how much of it is authorised once that is known.

        :param first: number of the box of its table
        """
        is_known = self.quantity_authorized or self.request_state in DECIDED
        values = [
            self.table_code,
            self.code,
            self.description,
            str(self.quantity),
            str(self.quantity_authorized) if is_known else "",
        ]
        return {0: str(self.sequence_item), **boxes_from(first, values)}

    def _prepare_print_dental(self):
        """An item of a GTO that asks: whether it is authorised, and why not, when it is known."""
        authorized = ""
        if self.quantity_authorized:
            authorized = "S"
        elif self.request_state in DECIDED:
            authorized = "N"
        reasons = " ".join(self.reason_ids.mapped("code"))
        return self._prepare_print_treated(str(self.quantity), self.amount, authorized, reasons)
