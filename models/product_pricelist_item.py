import datetime

import pytz

from odoo import api, fields, models

from .tiss_term import PROCEDURE_TABLES, term_field


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

    # ---- What the convênio says of the procedure
    tiss_covered = fields.Boolean("Covered", default=True)
    tiss_on_site = fields.Boolean("On-site", default=True)
    tiss_tele = fields.Boolean("Telehealth")
    tiss_tele_price = fields.Float(
        "Telehealth Price", digits=(12, 2), help="0: the same as on-site."
    )
    tiss_reimbursement_price = fields.Float(
        "Reimbursement", digits=(12, 2), help="What the operadora gives back to the patient."
    )
    tiss_billing_kind = fields.Selection(
        [
            ("fee_for_service", "Fee for service"),
            ("package", "Package"),
            ("capitation", "Capitation"),
            ("reimbursement", "Paid by the patient, reimbursed"),
        ],
        "Billing Type",
        default="fee_for_service",
    )
    tiss_table_id = term_field("87", "Table")
    tiss_code = fields.Char("Code Sent", size=10)
    tiss_description = fields.Char("Description Sent", size=150)
    # ---- When the rule holds
    tiss_plan_id = fields.Many2one("tiss.plan", "Plan", ondelete="restrict")
    tiss_network_status = fields.Selection(selection="_selection_tiss_network_status")
    tiss_network_level_id = fields.Many2one("tiss.network.level", ondelete="restrict")
    # ---- Prices out of a reference table
    compute_price = fields.Selection(
        selection_add=[
            ("tiss_table", "Reference Table"),
            ("tiss_package", "Sum of the Components"),
        ],
        ondelete={"tiss_table": "cascade", "tiss_package": "cascade"},
    )
    tiss_price_table_id = fields.Many2one(
        "tiss.price.table", "Reference Table", ondelete="restrict"
    )
    tiss_porte_edition_id = fields.Many2one(
        "tiss.porte.edition", "Values of Portes", ondelete="restrict"
    )
    tiss_percent = fields.Float(
        "Inflator or Deflator", digits=(6, 2), help="On the whole price: -20 is 20% less."
    )
    tiss_porte_percent = fields.Float("Band of the Porte", digits=(6, 2))
    tiss_uco_percent = fields.Float("Band of the UCO", digits=(6, 2))
    tiss_uco_price = fields.Float("UCO", digits=(12, 4), help="0: as in the values of portes.")
    tiss_film_price = fields.Float("Film", digits=(12, 4), help="0: as in the values of portes.")
    tiss_ch_price = fields.Float("CH", digits=(12, 4), help="0: as in the values of portes.")
    tiss_price_base = fields.Selection(
        [("pmc", "PMC"), ("pf", "PF"), ("pmc_or_pf", "PMC, or else PF with its margin")],
        default="pmc_or_pf",
    )
    tiss_pf_margin_percent = fields.Float("Margin on PF", digits=(6, 2))
    tiss_use_fraction = fields.Boolean("Price of the Fraction")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.model
    def _selection_tiss_network_status(self):
        return self.env["tiss.contract"]._fields["network_status"]._description_selection(self.env)

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
