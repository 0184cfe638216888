from odoo import fields, models


class TissPriceImportLine(models.TransientModel):
    """A row of a price file: what it would change, or what is wrong with it."""

    _name = "tiss.price.import.line"
    _description = "Price Import Row"
    _order = "import_id, line, id"
    _rec_name = "code"
    _rec_names_search = ["code", "name"]

    import_id = fields.Many2one("tiss.price.import", required=True, index=True, ondelete="cascade")
    line = fields.Integer(help="Number of the row in the file.")
    code = fields.Char()
    name = fields.Char("Description")
    state = fields.Selection(
        [
            ("error", "Error"),
            ("new", "New"),
            ("changed", "Changed"),
            ("unchanged", "Unchanged"),
            ("skipped", "Not a price"),
        ],
        "Result",
        required=True,
    )
    message = fields.Char("Remark")
    old_price = fields.Float("Before", digits=(12, 4), min_display_digits=2)
    new_price = fields.Float("After", digits=(12, 4), min_display_digits=2)
    start_date = fields.Date("From")
    is_new_product = fields.Boolean("New Product")
    # {role: value}, numbers and dates as text; empty when the row brings nothing
    values = fields.Json()
