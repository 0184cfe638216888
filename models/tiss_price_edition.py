from odoo import api, fields, models
from odoo.exceptions import UserError

# What may still change once prices are made of an edition.
FREE_FIELDS = {"active", "note", "state"}


class TissPriceEdition(models.AbstractModel):
    """A draft is typed or imported; once published it stays as it is.

    Prices of past days are made of it, and must stay reproducible.
    """

    _name = "tiss.price.edition"
    _description = "Published Source of Prices"
    _inherit = ["mail.thread"]

    # The field of a price rule that names this edition; each model sets its own.
    _tiss_rule_field = None

    active = fields.Boolean(default=True)
    name = fields.Char(required=True)
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
    note = fields.Text()

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
                    "“%s” is published: prices of past days depend on it. Duplicate it for a new"
                    " edition, or reopen it while no price uses it.",
                    published[0].display_name,
                )
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_publish(self):
        """From here on prices may be made of it, and it no longer changes."""
        self._check_complete()
        self.state = "published"

    def action_reopen(self):
        """Back to draft, to correct it: only while no price is made of it."""
        self._check_unused()
        self.state = "draft"
        for edition in self:
            edition.message_post(body=self.env._("Reopened to be corrected: no price used it."))

    def _check_complete(self):
        """Raise when there is nothing to publish yet; to be extended."""

    def _check_unused(self):
        rule = (
            self.env["product.pricelist.item"]
            .sudo()
            .search([(self._tiss_rule_field, "in", self.ids)], limit=1)
        )
        if rule:
            raise UserError(
                self.env._(
                    "“%(table)s” is used by prices of “%(pricelist)s” (%(rule)s): duplicate it for"
                    " a new edition instead.",
                    table=rule[self._tiss_rule_field].display_name,
                    pricelist=rule.pricelist_id.name,
                    rule=rule.name,
                )
            )
