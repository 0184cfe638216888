from odoo import api, fields, models
from odoo.exceptions import UserError

# What may still change once prices are made of an edition.
FREE_FIELDS = {"active", "note", "state"}


class TissPriceTable(models.Model):
    """An edition of a reference price table, as the clinic has licensed or negotiated it.

    CBHPM and CH tables say how much a procedure weighs; Brasíndice, SIMPRO and plain lists carry
    reais. A published edition no longer changes: prices of past days must stay reproducible.
    """

    _name = "tiss.price.table"
    _description = "Reference Price Table"
    _inherit = ["mail.thread"]
    _order = "kind, start_date desc, name"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    name = fields.Char(required=True)
    kind = fields.Selection(
        [
            ("cbhpm", "CBHPM (porte, UCO, film)"),
            ("ch", "CH (AMB)"),
            ("brasindice", "Brasíndice"),
            ("simpro", "SIMPRO"),
            ("list", "Plain List of Prices"),
        ],
        default="list",
        required=True,
    )
    edition = fields.Char()
    start_date = fields.Date("Published On")
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
    policy_id = fields.Many2one(
        "tiss.price.policy",
        "Fee Rules",
        ondelete="restrict",
        check_company=True,
        help="For convênios that name none themselves.",
    )
    line_ids = fields.One2many("tiss.price.table.line", "table_id", "Rows", copy=True)
    line_count = fields.Integer("Number of Rows", compute="_compute_line_count")
    note = fields.Text()

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("name", "edition")
    def _compute_display_name(self):
        for table in self:
            table.display_name = " · ".join(filter(None, [table.name, table.edition]))

    @api.depends("line_ids")
    def _compute_line_count(self):
        counts = dict(
            self.env["tiss.price.table.line"]._read_group(
                [("table_id", "in", self.ids)], ["table_id"], ["__count"]
            )
        )
        for table in self:
            table.line_count = counts.get(table, 0)

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
            for table, vals in zip(self, vals_list, strict=True):
                vals["name"] = self.env._("%s (copy)", table.name)
        return vals_list

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        self._check_draft()

    def _check_draft(self):
        published = self.filtered(lambda table: table.state == "published")
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
        empty = self.filtered(lambda table: not table.line_count)
        if empty:
            raise UserError(self.env._("“%s” has no rows yet.", empty[0].display_name))
        self.state = "published"

    def action_reopen(self):
        """Back to draft, to correct it: only while no price is made of it."""
        self._check_unused()
        self.state = "draft"
        for table in self:
            table.message_post(body=self.env._("Reopened to be corrected: no price used it."))

    def action_view_lines(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_price_table_line_action"
        )
        return {
            **action,
            "domain": [("table_id", "=", self.id)],
            "context": {"default_table_id": self.id, "tiss_table_kind": self.kind},
        }

    def _check_unused(self):
        rule = (
            self.env["product.pricelist.item"]
            .sudo()
            .search([("tiss_price_table_id", "in", self.ids)], limit=1)
        )
        if rule:
            raise UserError(
                self.env._(
                    "“%(table)s” is used by prices of “%(pricelist)s” (%(rule)s): duplicate it for"
                    " a new edition instead.",
                    table=rule.tiss_price_table_id.display_name,
                    pricelist=rule.pricelist_id.name,
                    rule=rule.name,
                )
            )
