from odoo import models

from ..standard.money import line_total, to_cents


class TissGuiaLine(models.Model):
    """What the contract says that an item is worth, and what the operadora made of it."""

    _inherit = "tiss.guia.line"

    def _get_contract_amounts(self):
        """(item, cents by the contract on its day) of each; without a price, what was presented.

        Quantity, factor and what the patient pays are those of the item: only prices differ.
        """
        priced = self.filtered("product_id")
        for item, price in priced._get_list_prices():
            cents = to_cents(item.amount)
            if price.unit_amount is not None:
                quantity, factor = item.quantity, item.factor
                by_contract = line_total(quantity, price.unit_amount, factor)
                presented = line_total(quantity, item.unit_price, factor)
                cents += to_cents(by_contract) - to_cents(presented)
            yield item, cents
        for item in self - priced:
            yield item, to_cents(item.amount)

    def _get_processed_amounts(self):
        """{id of an item: what the last analysis says after its own prices} (guide §5.5)."""
        rows = self.env["tiss.demonstrativo.line"].search_read(
            [
                ("guia_line_id", "in", self.ids),
                ("level", "=", "item"),
                ("demonstrativo_id.state", "=", "posted"),
            ],
            ["guia_line_id", "amount_processed"],
            order="id",
            load=None,
        )
        return {row["guia_line_id"]: row["amount_processed"] for row in rows}
