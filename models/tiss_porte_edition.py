from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..standard.pricing import PORTES
from .tiss_price_table import FREE_FIELDS


class TissPorteEdition(models.Model):
    """What the units of a reference table are worth in reais from a day on (guide §8.3).

    CBHPM's structure and its values change apart: a contract names an edition of each.
    """

    _name = "tiss.porte.edition"
    _description = "Values of Portes"
    _inherit = ["mail.thread"]
    _order = "start_date desc, name"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    name = fields.Char(required=True)
    start_date = fields.Date("Valid From")
    state = fields.Selection(
        [("draft", "Draft"), ("published", "Published")],
        string="Status",
        default="draft",
        required=True,
        copy=False,
        tracking=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    uco_amount = fields.Float("Value of 1 UCO", digits=(12, 4))
    film_amount = fields.Float("Value of 1 m² of Film", digits=(12, 4))
    ch_amount = fields.Float("Value of 1 CH", digits=(12, 4))
    value_ids = fields.One2many("tiss.porte.value", "edition_id", "Portes", copy=True)
    note = fields.Text()

    _not_negative = models.Constraint(
        "CHECK(uco_amount >= 0 AND film_amount >= 0 AND ch_amount >= 0)", "No value is negative."
    )

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    def write(self, vals):
        if set(vals) - FREE_FIELDS:
            self._check_draft()
        return super().write(vals)

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if "name" not in (default or {}):
            for edition, vals in zip(self, vals_list, strict=True):
                vals["name"] = self.env._("%s (copy)", edition.name)
        return vals_list

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        self._check_draft()

    def _check_draft(self):
        published = self.filtered(lambda edition: edition.state == "published")
        if published:
            raise UserError(
                self.env._(
                    "“%s” is published: prices of past days depend on it. Duplicate it for new"
                    " values, or reopen it while no price uses it.",
                    published[0].display_name,
                )
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_fill_portes(self):
        """One row for each of the 42 portes that has none yet, to be typed in."""
        self._check_draft()
        for edition in self:
            known = set(edition.value_ids.mapped("porte"))
            edition.value_ids = [
                Command.create({"porte": porte, "amount": 0.0})
                for porte in PORTES
                if porte not in known
            ]

    def action_publish(self):
        """From here on prices may be made of it, and it no longer changes."""
        for edition in self:
            amounts = (edition.uco_amount, edition.film_amount, edition.ch_amount)
            if not any(amounts) and not any(edition.value_ids.mapped("amount")):
                raise UserError(self.env._("“%s” has no values yet.", edition.display_name))
        self.state = "published"

    def action_reopen(self):
        """Back to draft, to correct it: only while no price is made of it."""
        rule = (
            self.env["product.pricelist.item"]
            .sudo()
            .search([("tiss_porte_edition_id", "in", self.ids)], limit=1)
        )
        if rule:
            raise UserError(
                self.env._(
                    "“%(edition)s” is used by prices of “%(pricelist)s” (%(rule)s): duplicate it"
                    " for new values instead.",
                    edition=rule.tiss_porte_edition_id.display_name,
                    pricelist=rule.pricelist_id.name,
                    rule=rule.name,
                )
            )
        self.state = "draft"
        for edition in self:
            edition.message_post(body=self.env._("Reopened to be corrected: no price used it."))
