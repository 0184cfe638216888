from odoo import fields, models


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
