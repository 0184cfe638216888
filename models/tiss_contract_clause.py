from odoo import api, fields, models


class TissContractClause(models.Model):
    """Whether, and where, a contract says what the law asks for."""

    _name = "tiss.contract.clause"
    _description = "Contract Clause"
    _inherit = ["tiss.contract.log"]
    _order = "contract_id, sequence, id"
    _tiss_log_fields = ("state", "reference")

    contract_id = fields.Many2one("tiss.contract", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="contract_id.company_id", store=True, index=True)
    clause_id = fields.Many2one("tiss.clause", required=True, ondelete="restrict")
    sequence = fields.Integer(related="clause_id.sequence", store=True)
    source = fields.Char(related="clause_id.source")
    state = fields.Selection(
        [
            ("unchecked", "To check"),
            ("present", "In the contract"),
            ("missing", "Missing"),
            ("not_applicable", "Does not apply"),
        ],
        "Status",
        default="unchecked",
        required=True,
    )
    reference = fields.Char("Where", help="E.g. clause 7.2, page 12.")

    _clause_uniq = models.Constraint(
        "UNIQUE(contract_id, clause_id)", "A clause stands once in the checklist."
    )

    @api.depends("clause_id")
    def _compute_display_name(self):
        for clause in self:
            clause.display_name = clause.clause_id.name
