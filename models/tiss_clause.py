from odoo import api, fields, models
from odoo.fields import Domain


class TissClause(models.Model):
    """A clause that the law asks of every contract with an operadora (RN 503, guide §6.3)."""

    _name = "tiss.clause"
    _description = "Required Contract Clause"
    _order = "sequence, id"

    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    name = fields.Char("Clause", required=True, translate=True)
    source = fields.Char(help="The norm that asks for it.")
    proposal = fields.Text(
        "What to Ask For", translate=True, help="The sentence that goes into the negotiation."
    )

    @api.model_create_multi
    def create(self, vals_list):
        """A new clause joins the checklists that exist already."""
        clauses = super().create(vals_list)
        # Of all companies: the clause is law for each of them.
        Contract = self.env["tiss.contract"].sudo().with_context(active_test=False)
        Contract.search(Domain.TRUE).with_context(active_test=True)._create_clauses()
        return clauses
