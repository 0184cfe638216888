from odoo import fields, models


class TissTermHistory(models.Model):
    """How a term read before a newer edition of the terminology changed it; never edited."""

    _name = "tiss.term.history"
    _description = "Earlier Version of a Term"
    _order = "id desc"
    _rec_name = "name"

    term_id = fields.Many2one("tiss.term", required=True, index=True, ondelete="cascade")
    table_code = fields.Char(related="term_id.table_code")
    code = fields.Char(related="term_id.code")
    current_name = fields.Char("Now", related="term_id.name")
    current_end_date = fields.Date("Now Valid Until", related="term_id.end_date")
    name = fields.Char("Before", required=True)
    description = fields.Char()
    start_date = fields.Date("Valid From")
    end_date = fields.Date("Valid Until")
    edition_id = fields.Many2one(
        "tiss.terminology.edition", "Changed By", index="btree_not_null", ondelete="cascade"
    )
