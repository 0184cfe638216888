import datetime

import pytz

from odoo import api, fields, models

from .tiss_term import PROCEDURE_TABLES


class ProductPricelistItem(models.Model):
    """Price rules of a contract are typed against a TUSS term; the product comes by itself."""

    _inherit = "product.pricelist.item"

    tiss_term_id = fields.Many2one(
        "tiss.term",
        "TUSS",
        domain=[("table_code", "in", PROCEDURE_TABLES)],
        compute="_compute_tiss_term_id",
        inverse="_inverse_tiss_term_id",
    )
    tiss_start_date = fields.Date(
        "From", compute="_compute_tiss_dates", inverse="_inverse_tiss_start_date"
    )
    tiss_end_date = fields.Date(
        "Until",
        compute="_compute_tiss_dates",
        inverse="_inverse_tiss_end_date",
        help="The last day on which this price holds.",
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("product_tmpl_id.tiss_term_id", "product_id.tiss_term_id")
    def _compute_tiss_term_id(self):
        for item in self:
            product = item.product_tmpl_id or item.product_id
            item.tiss_term_id = product.tiss_term_id

    def _inverse_tiss_term_id(self):
        for item in self.filtered("tiss_term_id"):
            item.write(self._tiss_prepare_product_vals(item.tiss_term_id))

    @api.depends("date_start", "date_end")
    @api.depends_context("tz")
    def _compute_tiss_dates(self):
        zone = self._tiss_get_zone()
        for item in self:
            start, end = item.date_start, item.date_end
            item.tiss_start_date = start and pytz.utc.localize(start).astimezone(zone).date()
            item.tiss_end_date = end and pytz.utc.localize(end).astimezone(zone).date()

    def _inverse_tiss_start_date(self):
        for item in self:
            item.date_start = item._tiss_to_moment(item.tiss_start_date, datetime.time.min)

    def _inverse_tiss_end_date(self):
        for item in self:
            item.date_end = item._tiss_to_moment(item.tiss_end_date, datetime.time(23, 59, 59))

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        Term = self.env["tiss.term"]
        for vals in vals_list:
            # The rule's own check wants a product at once, before the inverse could give one.
            if vals.get("tiss_term_id") and not vals.get("product_tmpl_id"):
                vals.update(self._tiss_prepare_product_vals(Term.browse(vals["tiss_term_id"])))
        return super().create(vals_list)

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _tiss_prepare_product_vals(self, term):
        return {
            "applied_on": "1_product",
            "display_applied_on": "1_product",
            "product_tmpl_id": term.create_products()[:1].id,
        }

    def _tiss_get_zone(self):
        return pytz.timezone(self.env.context.get("tz") or self.env.user.tz or "America/Sao_Paulo")

    def _tiss_to_moment(self, date, time):
        """A rule holds by the second: the local `time` of `date`, in UTC."""
        if not date:
            return False
        local = self._tiss_get_zone().localize(datetime.datetime.combine(date, time))
        return local.astimezone(pytz.utc).replace(tzinfo=None)
