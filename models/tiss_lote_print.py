from odoo import api, models
from odoo.tools import split_every

from ..standard import paper
from .bulk import read_children
from .tiss_printed import numbered, pad

GUIAS = 28  # lines of a sheet


class TissLote(models.Model):
    """The cover that goes with a lote on paper, and the lote as a whole."""

    _name = "tiss.lote"
    _inherit = ["tiss.lote", "tiss.printed"]

    def _get_print_report(self):
        return "l10n_br_tiss.action_report_lote"

    def _get_sheets(self):
        """The cover of each lote, and behind it its guias in the order of the message."""
        guias = read_children(self, "guia_ids")
        guias._read_print_content()
        sheets = []
        for lote in self:
            sheets += lote._get_cover_sheets()
            for guia in lote.guia_ids.sorted("number"):
                sheets += guia._get_own_sheets()
        return sheets

    def _get_cover_sheets(self):
        """What is handed over, to be signed by both: the ANS has no layout for this."""
        sheets = []
        for lote in self:
            guias = lote._get_living_guias().sorted("number")
            rows = numbered(map(self._prepare_print_row, guias))
            boxes = lote._prepare_print_cover()
            pages = [
                (boxes, {"guias": pad(batch, GUIAS)})
                for batch in split_every(GUIAS, rows or [{}], list)
            ]
            sheets += self._make_sheets(
                lote.contract_id, "report_sheet_lote", pages, lote.name, lote.version
            )
        return sheets

    def _prepare_print_cover(self):
        ans_code, code, name, cnes = self._print_provider(self.contract_id)
        kinds = dict(self._fields["guia_type"]._description_selection(self.env))
        return {
            "ans_code": ans_code or "",
            "payer": self.contract_id.partner_id.name,
            "code": code,
            "name": name,
            "cnes": cnes or "",
            "kind": kinds[self.guia_type],
            "count": str(self.guia_count),
            "total": paper.number(self.amount_total),
            "protocol": self.protocol_number or "",
            "received": paper.day(self.protocol_date),
            "sent": paper.day(self.sent_date),
        }

    @api.model
    def _prepare_print_row(self, guia):
        return {
            "guia": guia.name,
            "operadora_guia": guia.operadora_number or "",
            "password": guia.authorization_password or "",
            "day": paper.day(guia.date),
            "card": guia.card_number or "",
            "patient": guia.patient_id.name,
            "amount": paper.number(guia.amount_total),
        }
