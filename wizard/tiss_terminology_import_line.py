from odoo import api, fields, models

from ..models.tiss_term import term_field


class TissTerminologyImportLine(models.TransientModel):
    """One table of a terminology file: which, of which edition, and what it would change."""

    _name = "tiss.terminology.import.line"
    _description = "Table of a Terminology File"
    _order = "id"

    import_id = fields.Many2one(
        "tiss.terminology.import", required=True, index=True, ondelete="cascade"
    )
    source = fields.Char("File", required=True)
    file_sha256 = fields.Char()
    table_id = term_field("87", "Table")
    edition = fields.Char(size=6)
    installed_edition = fields.Char("Installed", compute="_compute_installed_edition")
    is_older = fields.Boolean(compute="_compute_installed_edition")
    # The table that the rows were read for: it decides about zeros and check digits.
    read_table = fields.Char()
    rows = fields.Binary(attachment=False)
    term_count = fields.Integer("Terms")
    new_count = fields.Integer("New Terms")
    changed_count = fields.Integer("Changed Terms")
    ended_count = fields.Integer("Ended Terms")
    reopened_count = fields.Integer("Reopened Terms")
    completed_count = fields.Integer("Completed")
    unchanged_count = fields.Integer("Unchanged Terms")
    missing_count = fields.Integer("Not in the File")
    problem_count = fields.Integer("Errors")
    problems = fields.Text("Lines with Errors")
    examples = fields.Text("Examples of Changed Terms")

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("table_id", "edition")
    def _compute_installed_edition(self):
        installed = self.env["tiss.terminology.edition"]._get_installed()
        for line in self:
            edition = installed.get(line.table_id.code)
            line.installed_edition = edition and edition.name
            line.is_older = bool(
                line.edition and line.installed_edition and line.edition < line.installed_edition
            )
