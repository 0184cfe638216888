from odoo import api, fields, models
from odoo.fields import Command

from ..models.tiss_term import PROCEDURE_TABLES


class TissContractCatalog(models.AbstractModel):
    """The list of procedures with its search, in the new convênio and on an existing one.

    The model that uses it gives `line_ids`.
    """

    _name = "tiss.contract.catalog"
    _description = "List of Procedures"

    term_id = fields.Many2one(
        "tiss.term",
        "Add a Procedure",
        domain=[("table_code", "in", PROCEDURE_TABLES)],
        store=False,
    )
    left_out_count = fields.Integer("Procedures Left Out", readonly=True)

    # ------------------------------------------------------------------
    # Constraints and onchange
    # ------------------------------------------------------------------

    @api.onchange("term_id")
    def _onchange_term_id(self):
        """What is found by code or words becomes a line, ticked; the search is empty again."""
        term, self.term_id = self.term_id, False
        if not term:
            return None
        known = self.line_ids.filtered(
            lambda line: term in (line.term_id | line.product_tmpl_id.tiss_term_id)
        )
        if known:
            return {
                "warning": {
                    "title": self.env._("Already in the list"),
                    "message": term.display_name,
                    "type": "notification",
                }
            }
        vals = self._prepare_added_line(term)
        self.line_ids = [Command.create({**vals, "covered": True, "sequence": -1})]
        return None

    def _prepare_added_line(self, term):
        Line = self.env["tiss.contract.procedure.line"]
        product = term.product_ids[:1]._origin
        if not product:
            return Line._prepare_term(term)
        return Line._prepare_product(
            product, Line._get_items(self._get_contract()).get(product, [])
        )

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_contract(self):
        """The convênio whose prices the list shows; empty while there is none."""
        return self.env["tiss.contract"]

    def _fill_lines(self):
        """Put what the clinic does into the list."""
        self.ensure_one()
        Line = self.env["tiss.contract.procedure.line"]
        vals_list, self.left_out_count = Line._prepare_lines(self._get_contract())
        self.line_ids = [Command.create(vals) for vals in vals_list]
