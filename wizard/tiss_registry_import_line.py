from odoo import fields, models


class TissRegistryImportLine(models.TransientModel):
    """One operadora that a newer registry file changes, or a line that cannot be read."""

    _name = "tiss.registry.import.line"
    _description = "Change of the ANS Registry"
    _order = "sequence, name, id"

    import_id = fields.Many2one(
        "tiss.registry.import", required=True, index=True, ondelete="cascade"
    )
    sequence = fields.Integer(required=True)
    kind = fields.Selection(
        [
            ("error", "Not read"),
            ("gone", "Gone"),
            ("back", "Again active"),
            ("changed", "Changed"),
            ("new", "New"),
            ("contact", "Contact data"),
        ],
        required=True,
    )
    is_ours = fields.Boolean("Ours", help="The clinic has this operadora.")
    ans_code = fields.Char("ANS Number")
    name = fields.Char()
    changes = fields.Text()
