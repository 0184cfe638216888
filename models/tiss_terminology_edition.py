from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..standard import terminology


class TissTerminologyEdition(models.Model):
    """One load of an ANS terminology table: which edition, from which file, with which effect."""

    _name = "tiss.terminology.edition"
    _description = "Terminology Edition"
    _order = "table_code, id desc"

    table_code = fields.Char("Table", required=True, index=True)
    table_name = fields.Char("Name of the Table", compute="_compute_table_name")
    name = fields.Char(
        "Edition",
        required=True,
        help="Year and month, e.g. 202609. For what came with the addon it is the month of the"
        " newest row, where ANS does not name the edition.",
    )
    is_installed = fields.Boolean("Installed", default=True)
    file_name = fields.Char("File")
    file_sha256 = fields.Char("SHA-256")
    term_count = fields.Integer("Terms")
    new_count = fields.Integer("New Terms")
    changed_count = fields.Integer("Changed Terms")
    ended_count = fields.Integer("Ended Terms")
    reopened_count = fields.Integer("Reopened Terms")
    report = fields.Text("Effect", help="What it meant for the clinic's procedures and prices.")
    history_ids = fields.One2many("tiss.term.history", "edition_id", "Earlier Versions")

    _installed_uniq = models.UniqueIndex(
        "(table_code) WHERE is_installed", "A table has one installed edition."
    )

    # ------------------------------------------------------------------
    # Compute, inverse, search
    # ------------------------------------------------------------------

    @api.depends("table_code")
    def _compute_table_name(self):
        """Table 87 of ANS names the tables."""
        domain = [("table_code", "=", "87"), ("code", "in", self.mapped("table_code"))]
        names = {
            term.code: term.name
            for term in self.env["tiss.term"].search_fetch(domain, ["code", "name"])
        }
        for edition in self:
            edition.table_name = names.get(edition.table_code, edition.table_code)

    @api.depends("table_code", "name")
    def _compute_display_name(self):
        for edition in self:
            edition.display_name = f"{edition.table_code} · {edition.name}"

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_view_history(self):
        """The terms that this edition changed, as they read before."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Earlier Versions"),
            "res_model": "tiss.term.history",
            "view_mode": "list",
            "domain": [("edition_id", "in", self.ids)],
        }

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    @api.model
    def _get_installed(self):
        """{table: installed edition}"""
        return {each.table_code: each for each in self.search([("is_installed", "=", True)])}

    @api.model
    def _record_loads(self, vals_list):
        """Record loads; each becomes the installed edition of its table."""
        tables = [vals["table_code"] for vals in vals_list]
        editions = self.sudo()
        editions.search(
            [("table_code", "in", tables), ("is_installed", "=", True)]
        ).is_installed = False
        editions.flush_model(["is_installed"])
        return editions.create(vals_list)

    @api.model
    def _register_packaged(self):
        """Record what came with the addon, for the tables of which nothing is recorded yet."""
        known = set(self.sudo().search(Domain.TRUE).mapped("table_code"))
        rows = self.env.execute_query(
            SQL("SELECT table_code, count(*) FROM tiss_term GROUP BY table_code ORDER BY 1")
        )
        editions = terminology.packaged_editions()
        return self._record_loads(
            [
                {
                    "table_code": table,
                    "name": editions[table],
                    "term_count": count,
                    "new_count": count,
                }
                for table, count in rows
                if table not in known and table in editions
            ]
        )
