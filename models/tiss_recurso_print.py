from odoo import models
from odoo.tools import split_every

from ..standard import paper
from .bulk import read_children
from .tiss_printed import boxes_from, pad

CLAIMS = 9  # items that a sheet has lines for


class TissRecurso(models.Model):
    """Guia de Recurso de Glosas on paper (guide §11).

    The numbers of the boxes are those of public layouts of the standard; each sheet is about one
    guia, as the form has one place for its number and its password.
    """

    _name = "tiss.recurso"
    _inherit = ["tiss.recurso", "tiss.printed"]

    _cancelled_mark = "CANCELADO"

    def _get_print_report(self):
        return "l10n_br_tiss.action_report_recurso"

    def _get_sheets(self):
        lines = read_children(self, "line_ids")
        lines.guia_line_id.fetch()
        return [sheet for recurso in self for sheet in recurso._get_own_sheets()]

    def _get_own_sheets(self):
        self.ensure_one()
        boxes = self._prepare_print_boxes()
        pages = []
        if self.level == "protocol":
            pages.append((boxes | self._prepare_print_protocol(), {"claims": pad([], CLAIMS)}))
        else:
            for guia, lines in self.line_ids.grouped("guia_id").items():
                pages += self._prepare_print_pages(boxes, guia, lines)
        return self._make_own_sheets("report_sheet_recurso", pages)

    def _prepare_print_boxes(self):
        """What stands on every sheet."""
        ans_code, code, name, _cnes = self._print_provider(self.contract_id)
        answered = self.state == "answered"
        return {
            1: ans_code or "",
            3: self.contract_id.partner_id.name,
            4: "1" if self.level == "protocol" else "2",
            5: self.operadora_number or "",
            6: code or "",
            7: name,
            8: self.lote_id.name,
            9: self.contested_protocol or "",
            30: paper.number(self.amount_total),
            31: paper.number(self.amount_granted) if answered else "",
            32: paper.day(self.sent_date),
        }

    def _prepare_print_protocol(self):
        line = self.line_ids[:1]
        return {
            10: line.code or "",
            11: line.justification or "",
            12: self._print_granted(self.line_ids),
        }

    def _prepare_print_pages(self, boxes, guia, lines):
        """(boxes, tables) of the sheets about one guia."""
        numbers = {
            13: guia.name,
            14: guia.operadora_number or "",
            15: guia.authorization_password or "",
        }
        if self.level == "item":
            rows = [self._prepare_print_item(line) for line in lines]
            return [
                (boxes | numbers, {"claims": pad(batch, CLAIMS)})
                for batch in split_every(CLAIMS, rows, list)
            ]
        return [
            (
                boxes
                | numbers
                | {
                    16: code or "",
                    17: same[0].justification or "",
                    18: self._print_granted(same),
                },
                {"claims": pad([], CLAIMS)},
            )
            for code, same in lines.grouped("code").items()
        ]

    def _print_granted(self, lines):
        """Acatado: S or N, once it was answered"""
        if not all(lines.mapped("is_answered")):
            return ""
        return "S" if any(lines.mapped("amount_granted")) else "N"

    def _prepare_print_item(self, line):
        item = line.guia_line_id
        values = [
            paper.day(item.date),
            "",
            item.table_code,
            item.code,
            item.description,
            item.participation_id.code if item.guia_type == "honorarios" else "",
            line.code,
            paper.number(line.amount),
            line.justification,
            paper.number(line.amount_granted) if line.is_answered else "",
            line.answer_note,
        ]
        return {0: str(item.sequence_item), **boxes_from(19, values)}
