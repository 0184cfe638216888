from odoo import fields, models


class TissTermHistory(models.Model):
    """How a term read before a newer edition of the terminology changed it; never edited."""

    _name = "tiss.term.history"
    _description = "Earlier Version of a Term"
    _order = "term_id, id desc"

    term_id = fields.Many2one("tiss.term", required=True, index=True, ondelete="cascade")
    name = fields.Char(required=True)
    description = fields.Char()
    start_date = fields.Date("Valid From")
    end_date = fields.Date("Valid Until")
    edition_id = fields.Many2one(
        "tiss.terminology.edition", "Changed By", index="btree_not_null", ondelete="cascade"
    )
