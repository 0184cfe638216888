from odoo import models

from .price_book import PriceRequest
from .tiss_encounter_line import ACCESS, ROLES


class TissGuiaLine(models.Model):
    """What the convênio's price list says of an item."""

    _inherit = "tiss.guia.line"

    def _get_list_prices(self):
        """(line, `Price`) of each line by its contract on its day."""
        for contract, lines in self.grouped(lambda line: line.guia_id.contract_id).items():
            # Procedures by the same access are ranked within their guia and day.
            acts = [
                (line.guia_id.id, line.date) if line.access_route_id else None for line in lines
            ]
            requests = [line._prepare_price_request() for line in lines]
            yield from zip(lines, contract._compute_act_prices(requests, acts), strict=True)

    def _prepare_price_request(self):
        visit = self.encounter_line_id.encounter_id
        return PriceRequest(
            product=self.product_id,
            date=self.date,
            quantity=self.quantity or 1,
            mode=visit.mode or "on_site",
            plan=self.guia_id.card_id.plan_id,
            professional=self.performer_id or self.guia_id.professional_id,
            access=ACCESS.get(self.access_route_id.code),
            role=ROLES.get(self.participation_id.code),
        )
