from odoo import fields, models


class TissTerminologyEdition(models.Model):
    """One load of an ANS terminology table: which edition, from which file, with which effect."""

    _name = "tiss.terminology.edition"
    _description = "Terminology Edition"
    _order = "table_code, id desc"

    table_code = fields.Char("Table", required=True, index=True)
    name = fields.Char("Edition", required=True, help="As ANS calls it, e.g. 202609.")
    file_name = fields.Char()
    file_sha256 = fields.Char("SHA-256")
    term_count = fields.Integer("Terms")
    new_count = fields.Integer("New")
    changed_count = fields.Integer("Changed")
    ended_count = fields.Integer("Ended")
    report = fields.Text(help="What it means for the clinic's procedures and prices.")
