from odoo import api, fields, models


class TissReturnImportColumn(models.TransientModel):
    """A column of a table that an operadora gave back, and what it means."""

    _name = "tiss.return.import.column"
    _description = "Return Import Column"
    _order = "import_id, position"

    import_id = fields.Many2one("tiss.return.import", required=True, index=True, ondelete="cascade")
    position = fields.Integer(required=True)
    title = fields.Char()
    examples = fields.Char()
    role = fields.Selection(selection="_selection_role", string="Means")

    @api.model
    def _selection_role(self):
        return list(self.env["tiss.return.map"]._get_role_labels().items())
