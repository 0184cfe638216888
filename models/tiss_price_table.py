from odoo import fields, models


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
        "tiss.price.policy", "Fee Rules", ondelete="restrict", check_company=True
    )
    line_ids = fields.One2many("tiss.price.table.line", "table_id", "Rows", copy=True)
    line_count = fields.Integer(compute="_compute_line_count")
    note = fields.Text()

    def _compute_line_count(self):
        counts = dict(
            self.env["tiss.price.table.line"]._read_group(
                [("table_id", "in", self.ids)], ["table_id"], ["__count"]
            )
        )
        for table in self:
            table.line_count = counts.get(table, 0)
