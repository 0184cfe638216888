from odoo import api, fields, models


class TissAccountingSetup(models.TransientModel):
    """The accounts of convênios for a manager who may not open Odoo's settings."""

    _name = "tiss.accounting.setup"
    _inherit = "tiss.company.accounts"
    _description = "Accounts of Convênios"

    company_id = fields.Many2one(readonly=True)
    chart_is_known = fields.Boolean(compute="_compute_chart_is_known")

    @api.depends("company_id")
    def _compute_display_name(self):
        for setup in self:
            setup.display_name = self.env._("Accounts of %s", setup.company_id.name)

    @api.depends("company_id")
    def _compute_chart_is_known(self):
        for setup in self:
            setup.chart_is_known = setup.company_id.root_id.sudo().chart_template == "br"

    # ------------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------------

    # A manager of convênios may not write companies; their accounts of convênios are his, though,
    # and nothing else of the company is in this form.

    @api.model_create_multi
    def create(self, vals_list):
        self.check_access("create")
        own = {"company_id": self.env.company.id}
        return super(TissAccountingSetup, self.sudo()).create(
            [{**self._keep_fields(vals), **own} for vals in vals_list]
        ).sudo(self.env.su)  # fmt: skip

    def write(self, vals):
        self.check_access("write")
        return super(TissAccountingSetup, self.sudo()).write(self._keep_fields(vals))

    @api.model
    def _keep_fields(self, vals):
        known = self.env["res.company"]._tiss_get_accounting_fields()
        return {name: value for name, value in vals.items() if name in known}

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    @api.model
    def action_open(self):
        """The form of the current company."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "l10n_br_tiss.tiss_accounting_setup_action"
        )
        return {**action, "res_id": self.create({}).id}

    def action_propose(self):
        """Create and choose what is still missing."""
        self.check_access("write")
        self.company_id.sudo()._tiss_setup_accounting()
        return self.action_open()
