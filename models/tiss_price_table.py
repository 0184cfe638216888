from odoo import api, fields, models
from odoo.exceptions import UserError


class TissPriceTable(models.Model):
    """An edition of a reference price table, as the clinic has licensed or negotiated it.

    CBHPM and CH tables say how much a procedure weighs; Brasíndice, SIMPRO and plain lists carry
    reais. A published edition no longer changes: prices of past days must stay reproducible.
    """

    _name = "tiss.price.table"
    _description = "Reference Price Table"
    _inherit = ["tiss.price.edition"]
    _order = "kind, start_date desc, name"
    _check_company_auto = True
    _tiss_rule_field = "tiss_price_table_id"

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
    policy_id = fields.Many2one(
        "tiss.price.policy",
        "Fee Rules",
        ondelete="restrict",
        check_company=True,
        help="For convênios that name none themselves.",
    )
    line_ids = fields.One2many("tiss.price.table.line", "table_id", "Rows", copy=True)
    line_count = fields.Integer("Number of Rows", compute="_compute_line_count")

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
    # Actions
    # ------------------------------------------------------------------

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

    def _check_complete(self):
        empty = self.filtered(lambda table: not table.line_count)
        if empty:
            raise UserError(self.env._("“%s” has no rows yet.", empty[0].display_name))
