import datetime

import pytz

from odoo import fields, models

from . import period
from .price_book import PriceBook, PriceRequest


class ProductPricelist(models.Model):
    """Price lists of convênios answer like any other of Odoo.

    What holds only for a plan, and what is not covered or only agreed for telehealth, must not leak
    into a sale: so both ask the same book, as a visit on site without a card.
    """

    _inherit = "product.pricelist"

    def _compute_price_rule(
        self,
        products,
        quantity,
        *,
        currency=None,
        uom=None,
        date=False,
        compute_price=True,
        **kwargs,
    ):
        answers = super()._compute_price_rule
        options = {"currency": currency, "uom": uom, "date": date, "compute_price": compute_price}
        contract = self._tiss_get_contract()
        if not contract:
            return answers(products, quantity, **options, **kwargs)
        variants = self._tiss_get_variants(products)
        local_date = self._tiss_to_local_date(date)
        requests = {
            product: PriceRequest(
                variant,
                local_date,
                uom._compute_quantity(quantity, variant.uom_id, raise_if_failure=False)
                if uom
                else quantity,
            )
            for product, variant in variants.items()
        }
        book = PriceBook(contract, list(requests.values()))
        unpriced = self.env["product.pricelist"]
        result = {}
        for product, request in requests.items():
            price = book.price(request)
            if price.unit_amount is None:
                # As Odoo does where no rule holds: the sales price, and no rule.
                result.update(unpriced._compute_price_rule(product, quantity, **options, **kwargs))
                continue
            unit_uom = uom or product.uom_id
            amount = product.uom_id._compute_price(float(price.unit_amount), unit_uom)
            own = self.currency_id
            if currency and currency != own:
                amount = own._convert(amount, currency, self.env.company, local_date, round=False)
            result[product.id] = (amount if compute_price else 0.0, price.rule.id)
        return result

    def _tiss_get_variants(self, products):
        """{product as given: its variant}; a template stands for its first variant."""
        if products._name == "product.product":
            return {product: product for product in products}
        return {product: product.product_variant_id for product in products}

    def _tiss_get_contract(self):
        """The convênio of this list, as superuser: any salesperson may ask for a price."""
        return (
            self.env["tiss.contract"]
            .sudo()
            .with_context(active_test=False)
            .search([("pricelist_id", "in", self.ids)], order="active desc, id", limit=1)
        )

    def _tiss_to_local_date(self, date):
        """The day that rules are compared with; a moment is in UTC, none is now."""
        if date and not isinstance(date, datetime.datetime):
            return fields.Date.to_date(date)
        zone = period.get_zone(self.company_id or self.env.company)
        return pytz.utc.localize(date or fields.Datetime.now()).astimezone(zone).date()
