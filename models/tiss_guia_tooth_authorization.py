from odoo import api, fields, models


class TissGuiaTooth(models.Model):
    """A situação inicial goes with the request of a treatment as well (guide §3.9)."""

    _inherit = "tiss.guia.tooth"

    guia_id = fields.Many2one(required=False)
    authorization_id = fields.Many2one(
        "tiss.authorization", "Request", index="btree_not_null", ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", related=None, compute="_compute_company_id", store=True, index=True
    )

    _owner_one = models.Constraint(
        "CHECK(num_nonnulls(guia_id, authorization_id) = 1)",
        "An initial condition belongs to a guia or to a request.",
    )

    @api.depends("guia_id.company_id", "authorization_id.company_id")
    def _compute_company_id(self):
        for tooth in self:
            tooth.company_id = tooth.guia_id.company_id or tooth.authorization_id.company_id

    @api.depends("authorization_id")
    def _compute_display_name(self):
        super()._compute_display_name()
        for tooth in self.filtered("authorization_id"):
            tooth.display_name = tooth.authorization_id.name

    @api.model_create_multi
    def create(self, vals_list):
        teeth = super().create(vals_list)
        teeth.authorization_id._check_editable()
        return teeth

    def write(self, vals):
        self.authorization_id._check_editable()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_of_sent_request(self):
        self.authorization_id._check_editable()
