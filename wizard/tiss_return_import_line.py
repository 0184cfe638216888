from odoo import fields, models


class TissReturnImportLine(models.TransientModel):
    """What became of one file of a zip."""

    _name = "tiss.return.import.line"
    _description = "File of a Zip of Return Files"

    import_id = fields.Many2one("tiss.return.import", required=True, ondelete="cascade", index=True)
    name = fields.Char("File", required=True, readonly=True)
    state = fields.Selection(
        [("read", "Read"), ("known", "Already Imported"), ("failed", "Not Read")],
        "Status",
        required=True,
        readonly=True,
    )
    result = fields.Text(readonly=True)
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(model_field="res_model", readonly=True)

    def action_open(self):
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_id)._get_records_action()
