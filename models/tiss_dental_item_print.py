from odoo import models

from ..standard import paper
from .tiss_printed import boxes_from


class TissDentalItem(models.AbstractModel):
    """A line of the GTO, which asks for an item and bills it (guide §11.2)."""

    _inherit = "tiss.dental.item"

    def _prepare_print_treated(self, quantity, gross, authorized, reasons=""):
        """The thirteen boxes of an item.

        :param quantity: as it is printed
        :param gross: value of the whole item
        :param authorized: S, N or nothing
        :param reasons: codes by which the operadora says why it refuses
        """
        values = [
            self.table_code,
            self.code,
            self.description,
            self.tooth_id.code or self.region_id.code,
            self.faces,
            quantity,
            paper.number(self.us_quantity) if self.us_quantity else "",
            paper.number(gross),
            paper.number(self.amount_patient) if self.amount_patient else "",
            authorized,
            reasons,
            paper.day(self.date),
        ]
        return {0: str(self.sequence_item), **boxes_from(30, values)}
