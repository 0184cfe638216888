from odoo import api, fields, models


class TissContractProcedure(models.TransientModel):
    """What a convênio covers and pays, ticked and typed in one list; see the line's model."""

    _name = "tiss.contract.procedure"
    _description = "Procedures of a Convênio"
    _inherit = ["tiss.contract.catalog"]

    contract_id = fields.Many2one("tiss.contract", required=True, ondelete="cascade")
    line_ids = fields.One2many("tiss.contract.procedure.line", "procedure_id", "Procedures")

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    @api.model
    def _open(self, contract):
        """A filled wizard for `contract`, as an action."""
        contract.check_access("write")
        wizard = self.create({"contract_id": contract.id})
        wizard._fill_lines()
        return wizard._get_records_action(
            name=self.env._("Procedures of %s", contract.name),
            target="new",
            context={"dialog_size": "extra-large"},
        )

    def action_apply(self):
        """Write the price rows that changed, and nothing else."""
        self.ensure_one()
        self.contract_id.check_access("write")
        self.line_ids._apply(self.contract_id)

    # ------------------------------------------------------------------
    # Business methods
    # ------------------------------------------------------------------

    def _get_contract(self):
        return self.contract_id
