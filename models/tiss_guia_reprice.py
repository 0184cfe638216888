from odoo import models
from odoo.exceptions import UserError

from .counted import counted


class TissGuia(models.Model):
    """Prices of open guias after the convênio's prices changed (guide §3.2).

    The unit prices of guias in no lote follow the price list again; factors stay, as a biller may
    have had the last word on them. In a lote prices are frozen.
    """

    _inherit = "tiss.guia"

    def action_reprice(self):
        """Update the prices and say what that changed."""
        result = self.reprice()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("Prices Updated"),
                "message": self._format_reprice(result),
                "type": "success" if result["changed_count"] else "info",
                "sticky": bool(result["frozen_count"] or result["unpriced_count"]),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def reprice(self):
        """Take the prices of the day of each item from the convênio, in one batch per convênio.

        :return: dict of `guia_count`, `changed_count`, `unpriced_count` (items without a price,
            which keep theirs), `frozen_count` (guias), `amount_before`, `amount_after`
        :raise UserError: when none of the guias is open
        """
        self.check_access("write")
        guias = self.filtered(lambda guia: guia.state in ("draft", "ready"))
        if not guias:
            raise UserError(self.env._("Prices change only in guias that are in no lote yet."))
        before = sum(guias.mapped("amount_total"))
        unpriced = self.env["tiss.guia.line"]
        changed = {}
        for line, price in guias.line_ids.filtered("product_id")._get_list_prices():
            if price.unit_amount is None:
                unpriced |= line
            elif line.unit_price != float(price.unit_amount):
                changed.setdefault(float(price.unit_amount), []).append(line.id)
        for unit_price, ids in changed.items():
            self.env["tiss.guia.line"].browse(ids).unit_price = unit_price
        guias._update_readiness()
        return {
            "guia_count": len(guias),
            "changed_count": sum(map(len, changed.values())),
            "unpriced_count": len(unpriced),
            "frozen_count": len(self - guias),
            "amount_before": before,
            "amount_after": sum(guias.mapped("amount_total")),
        }

    def _format_reprice(self, result):
        currency = self.currency_id[:1]
        difference = result["amount_after"] - result["amount_before"]
        sentences = [
            self.env._(
                "Changed: %(items)s of %(guias)s, from %(before)s to %(after)s, %(difference)s.",
                items=counted(self.env, "item", result["changed_count"]),
                guias=counted(self.env, "guia", result["guia_count"]),
                before=currency.format(result["amount_before"]),
                after=currency.format(result["amount_after"]),
                difference=("+" if difference > 0 else "") + currency.format(difference),
            )
        ]
        if result["unpriced_count"]:
            sentences.append(
                self.env._(
                    "Without a price on their day, kept as they were: %s.",
                    counted(self.env, "item", result["unpriced_count"]),
                )
            )
        if result["frozen_count"]:
            sentences.append(
                self.env._(
                    "In a lote or further, not touched: %s.",
                    counted(self.env, "guia", result["frozen_count"]),
                )
            )
        return " ".join(sentences)
