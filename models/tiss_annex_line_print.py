from odoo import models

from ..standard import paper
from .tiss_printed import boxes_from


class TissAnnexLine(models.Model):
    """A line of the tables of the printed annexes (guide §11.3)."""

    _inherit = "tiss.annex.line"

    def _prepare_print_material(self, place):
        """A material of an OPME; without clinical rights, what it costs and not what it is."""
        annex, is_known = self.annex_id, self.is_answered
        names = ("table_code", "code", "description", "anvisa_number", "manufacturer_reference")
        shown = annex._may_see_clinical()
        table, code, text, anvisa, reference = [self[name] if shown else "" for name in names]
        values = [
            table,
            code,
            text,
            self.manufacturer_choice_id.code,
            str(self.quantity),
            paper.number(self.unit_price) if self.unit_price else "",
            str(self.authorized_quantity) if is_known else "",
            paper.number(self.authorized_price) if is_known else "",
            anvisa,
            reference,
            self.company_licence,
        ]
        return {0: str(place), **boxes_from(13, values)}

    def _prepare_print_drug(self, place):
        """A drug of a quimio, for who may see it"""
        values = [
            paper.day(self.expected_date),
            self.table_code,
            self.code,
            self.description,
            paper.number(self.doses),
            self.unit_id.code,
            self.route_id.code,
            str(self.frequency),
        ]
        return {0: str(place), **boxes_from(32, values)}
