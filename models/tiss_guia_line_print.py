from odoo import models

from ..standard import paper
from .tiss_guia_line import to_time
from .tiss_printed import boxes_from


def print_quantity(value):
    """Whole as it is counted, else with the decimals of the standard: 3, 1,5000"""
    return paper.number(value, 0 if value == int(value) else 4)


class TissGuiaLine(models.Model):
    """A line of the tables of the printed guias (guide §11)."""

    _inherit = "tiss.guia.line"

    def _print_hours(self):
        if not (self.start_time or self.end_time):
            return ["", ""]
        return [paper.hour(to_time(hours)) for hours in (self.start_time, self.end_time)]

    def _prepare_print_procedure(self, first):
        """A procedure done: twelve boxes in the order that SP/SADT, internação, honorários share.

        :param first: number of the box of its date
        """
        values = [
            paper.day(self.date),
            *self._print_hours(),
            self.table_code,
            self.code,
            self.description,
            print_quantity(self.quantity),
            self.access_route_id.code,
            self.technique_id.code,
            paper.number(self.factor),
            paper.number(self.unit_price),
            paper.number(self.amount),
        ]
        return {0: str(self.sequence_item), **boxes_from(first, values)}

    def _prepare_print_team(self, first):
        """The professionals who did it: eight boxes each; the first names the item."""
        rows = []
        for member in self.member_ids:
            person = member.professional_id
            code = person._tiss_prepare_team_code()
            values = [
                str(self.sequence_item),
                member.participation_id.code,
                next(iter(code.values())),
                *self.env["tiss.guia"]._print_professional(person),
            ]
            rows.append(boxes_from(first, values))
        return rows

    def _prepare_print_dental(self):
        """An item of a GTO"""
        authorized = "S" if self.is_authorized else "N"
        quantity = print_quantity(self.quantity)
        return self._prepare_print_treated(quantity, self._get_gross(), authorized)

    def _prepare_print_expense(self):
        """A block of the outras despesas"""
        values = [
            self.expense_kind_id.code,
            paper.day(self.date),
            *self._print_hours(),
            self.table_code,
            self.code,
            paper.number(self.quantity, 4),
            self.unit_id.code,
            paper.number(self.factor),
            paper.number(self.unit_price),
            paper.number(self.amount),
            self.anvisa_number,
            self.manufacturer_reference,
            self.company_licence,
            self.description,
        ]
        return {0: str(self.sequence_item), **boxes_from(6, values)}

    def _prepare_print_sessions(self):
        """One row for each session; only where there is one, its day is known."""
        one = self.quantity == 1
        row = {
            56: paper.day(self.date) if one else "",
            39: self.table_code or "",
            40: self.code or "",
            41: self.description or "",
            51: self.member_ids[:1].professional_id.name or self.guia_id.professional_id.name or "",
        }
        return [row] * int(self.quantity)
